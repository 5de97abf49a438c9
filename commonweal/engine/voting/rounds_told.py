"""The run that decided, purchase by purchase: what each project stood at, and who took its money."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.equal_shares import Money
from commonweal.engine.voting.outcome import Outcome

# A telling has one number for each project and purchase, and no more than so many.
MOST_NUMBERS = 4_000_000


@dataclass(frozen=True, eq=False)
class Told:
    """The rounds of a count by equal shares.

    Parameters
    ----------
    bought : int64 array, shape (rounds,)
        What was bought in each round.
    effective : float64 array, shape (projects, rounds + 1)
        Cost over payment just before each purchase, and at the end: 0 where the supporters could
        not pay, NaN once it is bought.
    behind : float64 array, shape (projects, rounds + 1)
        What the supporters held together just then, in pence.
    taken : float64 array, shape (projects, rounds)
        What the project's supporters paid for each purchase, in pence.
    """

    bought: NDArray[np.int64]
    effective: NDArray[np.float64]
    behind: NDArray[np.float64]
    taken: NDArray[np.float64]


def told(outcome: Outcome) -> Told | None:
    """Tell the run that decided, round by round.

    Parameters
    ----------
    outcome : Outcome
        A count.

    Returns
    -------
    Told or None
        None where no run of equal shares decided, or the telling would be too long to read.

    Raises
    ------
    Nothing.

    Notes
    -----
    Time O(rounds x marks). Floats follow the run, whose purchases are exact and known: the numbers
    are right to about a part in a billion.

    References
    ----------
    Peters and Skowron's equalshares.net shows effective votes by round like this.

    Examples
    --------
    >>> from commonweal.engine.voting import Profile, equal_shares
    >>> profile = Profile.from_pairs(["a", "b"], [70, 60], project=list("aab"), ballot=[1, 2, 1])
    >>> rounds = told(equal_shares(profile, 100))
    >>> rounds.bought.tolist(), rounds.effective.tolist(), rounds.taken.tolist()
    ([0], [[2.0, nan], [0.0, 0.0]], [[70.0], [35.0]])
    """
    money = outcome.ledger
    if not isinstance(money, Money):
        return None
    # numba takes a moment to import, and a web page that counts nothing never needs it.
    from commonweal.engine.voting import replay

    of, order = money.electorate, money.order
    projects, rounds = len(of.cost), len(order)
    if projects * (rounds + 1) > MOST_NUMBERS:
        return None
    effective, behind = np.zeros((projects, rounds + 1)), np.zeros((projects, rounds + 1))
    taken = np.zeros((projects, rounds))
    replay.tell(
        of.first, of.member, of.weight, of.value, of.cost, order, np.arange(projects),
        np.full(of.classes, float(money.start)), np.zeros(rounds), np.zeros(rounds), effective,
        behind, taken,
    )  # fmt: skip
    return Told(order, effective, behind, taken)


def rivals(rounds: Told, project: int, most: int = 5) -> list[tuple[int, int]]:
    """Return the projects that took most of what a project's supporters paid: (project, pence)."""
    paid = np.rint(rounds.taken[project]).astype(np.int64)
    by_most = np.argsort(-paid, kind="stable")[:most]
    return [(int(rounds.bought[r]), int(paid[r])) for r in by_most.tolist() if paid[r] > 0]
