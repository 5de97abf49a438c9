"""What the command line says when something in the user's hands needs mending."""


class Complaint(Exception):
    """A mistake that the person at the keyboard can mend; printed without a traceback, exit code 2.

    Say what is wrong first, then how to mend it.
    """

    def __init__(self, wrong: str, mend: str = "") -> None:
        super().__init__(f"{wrong}\n{mend}" if mend else wrong)
        self.wrong = wrong
        self.mend = mend
