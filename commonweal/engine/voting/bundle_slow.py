"""Asking the slow tally, in a process of its own, whether it finds the same winners."""

import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from commonweal.engine.voting.bundle_files import reference_path
from commonweal.engine.voting.bundle_page import slow_options
from commonweal.engine.voting.outcome import Outcome
from commonweal.engine.voting.rule import Rule

# Additions of fractions that take it about a second, and how long it may take where nobody asked.
FEW = 300_000
PATIENCE = 60.0


@dataclass(frozen=True)
class Slow:
    """What came of it: one of the words below, and a sentence about it.

    ``agrees``, ``differs``, ``failed``, ``too-long``, ``unknown-rule`` or ``not-asked``.
    """

    word: str
    said: str = ""


def ask_slow(rule: Rule, outcome: Outcome, ballots: bytes, *, wanted: bool | None) -> Slow:
    """Count the ballots by ``reference.py`` and compare the winners in order.

    Parameters
    ----------
    rule : Rule
        In full.
    outcome : Outcome
        The fast count.
    ballots : bytes
        The ``.pb`` file it counted; it was read without a complaint.
    wanted : bool, optional
        True: however long it takes. False: not at all. None: if it takes about a second.

    Returns
    -------
    Slow

    Raises
    ------
    OSError
        If there is no room for the ballots.

    Notes
    -----
    Runs our own copy of ``reference.py``, never the one in a bundle.

    References
    ----------
    None; see docs/know/rules/reference-tally.md.

    Examples
    --------
    >>> from commonweal.engine.voting import Profile
    >>> from commonweal.engine.voting.bundle_files import in_full
    >>> rule = in_full(Rule("knapsack"))
    >>> profile = Profile.from_pairs(["a"], [5], project=["a"], ballot=[1])
    >>> ask_slow(rule, rule.counter(5)(profile), b"", wanted=True).word
    'unknown-rule'
    """
    if wanted is False or "quorum" in outcome.detail:
        return Slow("not-asked")
    options = slow_options(rule)
    if options is None:
        return Slow("unknown-rule", f"The slow tally does not know {rule.name} with these choices.")
    if wanted is None and _effort(rule, outcome) > FEW:
        return Slow("not-asked")
    ours = "".join(f"{name}\n" for name in outcome.ids[outcome.order].tolist())
    with TemporaryDirectory() as folder:
        Path(folder, "ballots.pb").write_bytes(ballots)
        command = [sys.executable, "-I", "-X", "utf8", str(reference_path()), "ballots.pb"]
        try:
            done = subprocess.run(
                [*command, *options],
                cwd=folder,
                capture_output=True,
                check=False,
                timeout=None if wanted else PATIENCE,
            )
        except subprocess.TimeoutExpired:
            return Slow("too-long", "The slow tally was stopped after a minute; try --slow.")
        except (ValueError, OSError):  # a seed of a million letters, say
            return Slow("failed", "The slow tally cannot be asked with these options.")
    if done.returncode:
        lines = done.stderr.decode(errors="replace").splitlines() or ["no word why"]
        return Slow("failed", f"The slow tally could not count this: {lines[-1][:120]}.")
    theirs = done.stdout.decode(errors="replace").replace("\r\n", "\n")
    if theirs == ours.replace("\r\n", "\n"):
        return Slow("agrees", "The slow tally finds the same winners in the same order.")
    return Slow("differs", _first(ours.splitlines(), theirs.splitlines()))


def _effort(rule: Rule, outcome: Outcome) -> int:
    """Say about how many additions of fractions it takes."""
    marks, won = len(outcome.profile.voter), len(outcome.order)
    once = (marks + outcome.voters) * (won + len(outcome.ids))
    if rule.name == "phragmen":
        return once + won * outcome.voters * int(outcome.votes.max(initial=0))
    if rule.name == "equal-shares" and str(rule.completion).startswith("add1"):
        raised = outcome.start - outcome.budget // max(1, outcome.voters)
        return once * (2 + max(0, int(raised / (100 * (rule.step or 1)))))
    return once


def _first(ours: list[str], theirs: list[str]) -> str:
    for step in range(max(len(ours), len(theirs))):
        one, other = (
            found[step] if step < len(found) else "nothing more" for found in (ours, theirs)
        )
        if one != other:
            return f"step {step + 1}: the fast count gives {one}, the slow tally {other}"
    return "the lists of winners differ"
