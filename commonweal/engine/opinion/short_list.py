"""A few statements that stand for everybody: a choice in proportion, checked."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.opinion.model import Floats, Model
from commonweal.engine.opinion.votes import Votes

SEATS = 5
MOST_PEOPLE, MOST_PAIRS = 1_000, 500_000
LEAST_VOTES = 5.0
_TINY = 1e-9


@dataclass(frozen=True, eq=False)
class ShortList:
    """A choice of statements in proportion to who agrees with them.

    Parameters
    ----------
    statements : int64 array
        The places of the chosen ones, in the order they were chosen.
    proportional : bool
        No group that could claim a statement for its size was left without (EJR+).
    reached : tuple of float
        Which share of people agrees with at least 1, 2, 3 ... of them, as far as votes and the
        model tell.
    people : int
        How many people, chosen at random, it was worked out on.
    """

    statements: NDArray[np.int64]
    proportional: bool
    reached: tuple[float, ...]
    people: int


def well_known(votes: Votes, allowed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Say which of the allowed statements have enough votes to stand for anybody.

    Thirty votes, or as many as half of the allowed statements have where that is less; never fewer
    than five.
    """
    told = votes.tallies.sum(axis=1)
    usual = float(np.median(told[allowed])) if allowed.any() else 0.0
    known: NDArray[np.bool_] = allowed & (told >= max(LEAST_VOTES, min(30.0, usual)))
    return known


def most_people(statements: int) -> int:
    """Return on how many people a choice among so many statements is worked out: 300 to 1,000."""
    return max(300, min(MOST_PEOPLE, MOST_PAIRS // max(statements, 1)))


def agreements(
    votes: Votes, model: Model, people: NDArray[np.intp], allowed: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Say which of these people, given by their places, rising, agree with what.

    As they voted, or drawn by the model's chances where they did not. Drawn and not rounded, so that
    what four in five would agree with counts four in five and not everybody; always the same draw
    for the same votes. Whoever passed does not agree. Time and memory O(people x statements).
    """
    told = votes.tallies.sum(axis=1)
    speak = 1 - np.divide(votes.passes, told, out=np.zeros(len(told)), where=told > 0)
    few = votes.among(people)
    found = model.drawn(people, speak, np.random.default_rng(0))
    found[few.person, few.statement] = few.value > 0
    found &= allowed
    return found


def short_list(agree: NDArray[np.bool_], *, seats: int = SEATS) -> ShortList:
    """Choose statements by equal shares, so that a cohesive fifth gets a fifth of them.

    Parameters
    ----------
    agree : bool array, shape (people, statements)
        Who agrees with what.
    seats : int
        How many to choose; fewer where fewer are agreed with by anybody.

    Returns
    -------
    ShortList

    Notes
    -----
    Everybody gets the same part of the seats. A statement is bought by those who agree with it, each
    paying the same or all they have; the one for which nobody has to pay more than so much comes
    first. Seats that no group can afford are filled by Phragmén's rule: everybody earns at the same
    pace until one can be paid. What fewer people agree with than a seat stands for is left out while
    there is enough else. There are few different sums of money, so a round is one product of
    matrices. Time O(seats x people x statements).

    References
    ----------
    Peters and Skowron (2020), "Proportionality and the Limits of Welfarism"; Brill and Peters
    (2023), for EJR+; Halpern, Kehne, Procaccia, Tucker-Foltz and Wüthrich (2023), "Representation
    with Incomplete Votes".

    Examples
    --------
    >>> agree = np.array([[1, 1, 0], [1, 1, 0], [1, 1, 0], [0, 0, 1]], dtype=bool)
    >>> found = short_list(agree, seats=2)
    >>> found.statements.tolist(), found.proportional, found.reached
    ([0, 1], True, (0.75, 0.75))
    """
    people = len(agree)
    count = agree.sum(axis=0)
    seats = min(seats, int((count > 0).sum()))
    if not seats:
        return ShortList(np.zeros(0, dtype=np.int64), True, (), people)
    options = np.flatnonzero(count * seats >= people)
    if len(options) < seats:
        options = np.flatnonzero(count > 0)
    likes = np.ascontiguousarray(agree[:, options].T, dtype=np.float32)
    chosen = options[_chosen(likes, count[options], seats)]
    got = agree[:, chosen].sum(axis=1)
    reached = tuple(float((got >= k).mean()) for k in range(1, seats + 1))
    return ShortList(chosen, proportional(agree, chosen, seats), reached, people)


def _chosen(likes: NDArray[np.float32], count: NDArray[np.int64], seats: int) -> list[int]:
    """Choose by equal shares, then by Phragmén's rule."""
    money = np.full(likes.shape[1], seats / likes.shape[1])
    left = np.ones(len(likes), dtype=np.bool_)
    chosen: list[int] = []
    while len(chosen) < seats:
        sums, place = np.unique(money, return_inverse=True)
        having = likes @ np.eye(len(sums), dtype=np.float32)[place]  # supporters by what they have
        total = having @ sums
        price = _prices(having, sums)
        price[~left | (total < 1 - _TINY)] = np.inf
        if np.isfinite(price).any():
            best = _first(price, count)
            money -= likes[best] * np.minimum(money, price[best])
        else:
            wait = np.where(left, (1 - total) / count, np.inf)
            best = _first(wait, count)
            money += wait[best]
            money[likes[best] > 0] = 0.0
        chosen.append(best)
        left[best] = False
    return chosen


def _prices(having: NDArray[np.float32], sums: Floats) -> Floats:
    """Return what each supporter must pay at most, so that all together pay 1."""
    several = having[:, ::-1].cumsum(axis=1, dtype=np.float64)[:, ::-1]  # who have so much or more
    poor = np.concatenate(
        (np.zeros((len(having), 1)), (having * sums).cumsum(axis=1)[:, :-1]), axis=1
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        price = (1 - poor) / several
    fits = price <= sums + _TINY
    at = fits.argmax(axis=1)
    found: Floats = np.where(fits.any(axis=1), price[np.arange(len(price)), at], np.inf)
    return found


def _first(price: Floats, count: NDArray[np.int64]) -> int:
    """Return the place of the least; of equals the one with most supporters, then the first."""
    equal = np.flatnonzero(price <= price.min() + _TINY)
    return int(equal[count[equal].argmax()])


def proportional(agree: NDArray[np.bool_], chosen: NDArray[np.int64], seats: int) -> bool:
    """Say whether nobody was left without what they could claim (EJR+), in whole numbers.

    For every part of the seats that a group is large enough for, and that agrees on a statement
    that was not chosen, somebody in it must agree with so many chosen ones.

    >>> agree = np.array([[1, 1, 0], [1, 1, 0], [0, 0, 1], [0, 0, 1]], dtype=bool)
    >>> proportional(agree, np.array([0, 1]), 2), proportional(agree, np.array([0, 2]), 2)
    (False, True)
    """
    others = agree.astype(np.float32)
    others[:, chosen] = 0
    got = agree[:, chosen].sum(axis=1)
    parts = np.arange(1, seats + 1)
    poor = others.T @ (got[:, None] < parts).astype(np.float32)
    return not bool((poor * seats >= parts * len(agree)).any())
