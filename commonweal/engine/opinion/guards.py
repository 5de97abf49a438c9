"""Accounts that act as one: found for a moderator to look at, and what changes without them."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.opinion.model import Floats
from commonweal.engine.opinion.shares import AGREE, DISAGREE, shares
from commonweal.engine.opinion.votes import Votes

LEAST_VOTES = 8
CHANCE = 0.01


@dataclass(frozen=True)
class Copies:
    """Accounts that cast the same votes on the same statements, and no others.

    Parameters
    ----------
    people : tuple of int
        Their places.
    votes : int
        How many votes each of them cast.
    chance : float
        How many people would be expected to vote just like one of them if each voted as all do:
        the reason to look, and no proof. A family may share a device and a mind.
    """

    people: tuple[int, ...]
    votes: int
    chance: float


@dataclass(frozen=True, eq=False)
class Without:
    """What becomes of each statement when some accounts are left out.

    Parameters
    ----------
    estimate : float64 array, shape (statements,)
        The share that agrees without them.
    moved : float64 array, shape (statements,)
        By how much that is more than with them.
    turned : bool array, shape (statements,)
        A majority, to agree or to disagree, that is beyond doubt with them and is not without.
    """

    estimate: Floats
    moved: Floats
    turned: NDArray[np.bool_]


def copies(votes: Votes, *, least: int = LEAST_VOTES, chance: float = CHANCE) -> tuple[Copies, ...]:
    """Find accounts that cast exactly the same votes, where that is no accident.

    Parameters
    ----------
    votes : Votes
        All votes.
    least : int
        Accounts with fewer votes are not compared.
    chance : float
        Look only where fewer others than this would be expected to vote the same.

    Returns
    -------
    tuple of Copies
        The largest first. Nobody is left out of anything because of it: a moderator decides.

    Notes
    -----
    What all agree on is no sign: the chance is the product of how usual each vote is. Time O(votes).

    References
    ----------
    Pacheco, Hui, Torres-Lugo, Truong, Flammini and Menczer (2021), "Uncovering Coordinated Networks
    on Social Media".

    Examples
    --------
    >>> rows = [(i, j, (i * j) % 3 - 1) for i in range(40) for j in range(12)]
    >>> rows += [(90 + k, j, (-1) ** j) for k in range(3) for j in range(12)]
    >>> votes = Votes.from_log(*zip(*rows))
    >>> [c.people for c in copies(votes) if 40 in c.people]
    [(40, 41, 42)]
    """
    tallies = votes.tallies
    met: dict[bytes, list[int]] = defaultdict(list)
    count = np.diff(votes.start)
    for i in np.flatnonzero(count >= least).tolist():
        row = slice(votes.start[i], votes.start[i + 1])
        met[votes.statement[row].tobytes() + votes.value[row].tobytes()].append(i)
    found = []
    for people in met.values():
        if len(people) > 1:
            row = slice(votes.start[people[0]], votes.start[people[0] + 1])
            what, value = votes.statement[row], votes.value[row] + 1
            # how usual each vote is among the others: a crowd does not vouch for itself,
            # unless it is most of those there are
            crowd = len(people) if 2 * len(people) <= len(votes.people) else 0
            others = tallies[what, value] - crowd
            usual = (others + 0.5) / (tallies[what].sum(axis=1) - crowd + 1.5)
            expected = len(votes.people) * float(np.prod(usual))
            if expected < chance:
                found.append(Copies(tuple(people), int(count[people[0]]), expected))
    return tuple(sorted(found, key=lambda each: (-len(each.people), each.chance, each.people)))


def without(votes: Votes, people: NDArray[np.intp]) -> Without:
    """Say what the shares would be if some accounts had not taken part.

    Parameters
    ----------
    votes : Votes
        All votes.
    people : int array
        The places of those who are left out.

    Returns
    -------
    Without

    Notes
    -----
    Time O(votes).

    References
    ----------
    Cook (1977), "Detection of Influential Observation in Linear Regression", for leaving out.

    Examples
    --------
    >>> votes = Votes.from_log(range(30), [7] * 30, [1] * 20 + [-1] * 10)
    >>> told = without(votes, np.arange(12))
    >>> told.estimate.round(2).tolist(), told.turned.tolist()
    ([0.44], [True])
    """
    stays = np.ones(len(votes.people), dtype=np.bool_)
    stays[people] = False
    here = shares(votes)
    there = shares(votes.chosen(stays[votes.person]))
    sure = [
        (here.low[:, side, 0] > 0.5) & ~(there.low[:, side, 0] > 0.5) for side in (AGREE, DISAGREE)
    ]
    estimate = there.estimate[:, AGREE, 0]
    return Without(estimate, estimate - here.estimate[:, AGREE, 0], sure[0] | sure[1])
