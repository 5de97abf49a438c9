"""What is said of accounts that act as one."""

from dataclasses import dataclass

COPIES, NEAR, BURST, HANDFUL = "copies", "near-copies", "burst", "same-few"
LEAST_ACCOUNTS = 3


@dataclass(frozen=True)
class Clique:
    """Accounts that look as if one hand moved them: a reason to look, and no proof.

    A family may share a device and a mind, and a school class may vote in one lesson.

    Parameters
    ----------
    kind : str
        ``copies``: the same votes, to the last one. ``near-copies``: with fewer differences than
        people have who think alike, or all after one template. ``same-few``: hardly any votes but on
        the same few statements, to the same ends. ``burst``: many new accounts within minutes, all of
        one mind or all for one statement.
    people : tuple of int
        Their places.
    votes : int
        How many votes they cast together.
    common : float
        On how many statements two of them both agreed or disagreed, on average.
    alike : float
        The share of those on which they said the same.
    expected : float
        The share on which two people do who stand where they stand, by all other votes.
    chance : float
        In how many honest conversations like this one such a thing would be expected: an upper
        bound.
    begun, ended : int or None
        When the first and the last of them began to vote, in the units of the moments; None where
        times are not known.
    """

    kind: str
    people: tuple[int, ...]
    votes: int
    common: float
    alike: float
    expected: float
    chance: float
    begun: int | None = None
    ended: int | None = None
