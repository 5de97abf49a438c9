"""Which statements to show: common ground, dividing lines, what is special, and what is unsure."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.opinion.model import Floats
from commonweal.engine.opinion.shares import AGREE, DISAGREE, Shares, discoveries, interval

MOST = 10
MOST_OF_A_GROUP = 5
FALSE = 0.1
LEAST_VOTES = 5  # of each group, or nothing is said about it
NARROW = 0.1  # more votes hardly tell more about a share that is known this well
SLIGHT = 0.1  # a difference, or a smaller side, that is not surely this large divides nobody
SIDES = {"agree": AGREE, "disagree": DISAGREE}


@dataclass(frozen=True)
class Listed:
    """A statement on a list.

    Parameters
    ----------
    statement : int
        Its place among the statements.
    side : str
        ``agree`` or ``disagree``: what the numbers are about.
    estimate, low, high : float
        What the list is sorted by, and its interval; each list says what it is.
    votes : float
        How many votes that stands on.
    group : int or None
        The group it is about, where it is about one.
    """

    statement: int
    side: str
    estimate: float
    low: float
    high: float
    votes: float
    group: int | None = None


def common_ground(
    shares: Shares, allowed: NDArray[np.bool_], *, most: int = MOST
) -> tuple[Listed, ...]:
    """List what every group agrees with, or every group disagrees with.

    Parameters
    ----------
    shares : Shares
        By group, or overall where there is one group.
    allowed : bool array, shape (statements,)
        Which may be listed; rejected ones may not.
    most : int
        How many at most.

    Returns
    -------
    tuple of Listed
        Sorted by the lower bound of the least agreeing group, whose numbers they are. More than
        half of every group is on that side; of those listed a tenth is expected to be there by
        chance at most.

    Notes
    -----
    A group in which few have voted has a wide interval, so it takes more votes to be listed, but no
    handful can veto what they have said little about with a product; fewer than five votes of a group
    say nothing. Time O(statements x groups).

    References
    ----------
    Berger (1982), "Multiparameter Hypothesis Testing and Acceptance Sampling", for tests in which
    all must hold; Benjamini and Hochberg (1995).

    Examples
    --------
    >>> from commonweal.engine.opinion import Votes, shares
    >>> votes = Votes.from_log(range(40), [7] * 40, [1] * 36 + [-1] * 4)
    >>> [(s.side, s.estimate, round(s.low, 2)) for s in common_ground(shares(votes), np.ones(1, bool))]
    [('agree', 0.9, 0.8)]
    """
    places = np.flatnonzero(allowed & _heard(shares))
    sides = list(SIDES)
    doubt = np.stack([(1 - shares.above[places, SIDES[s]]).max(axis=1, initial=0) for s in sides])
    side, at = np.nonzero(discoveries(doubt.ravel(), rate=FALSE).reshape(doubt.shape))
    kept = []
    for which, name in enumerate(sides):
        worst = shares.low[places, SIDES[name]].argmin(axis=1)
        lowest = shares.low[places, SIDES[name], worst]
        these = at[side == which]
        these = these[np.argsort(-lowest[these], kind="stable")]
        bar = lowest[these[most - 1]] if 0 < most < len(these) else -np.inf
        for j in these[lowest[these] >= bar].tolist():
            kept.append(_entry(shares, int(places[j]), name, int(worst[j])))
    return _sorted(kept, most)


def _heard(shares: Shares) -> NDArray[np.bool_]:
    """Say on which statements every group has voted often enough to say anything."""
    heard: NDArray[np.bool_] = shares.votes.min(axis=1, initial=np.inf) >= LEAST_VOTES
    return heard


def _entry(shares: Shares, j: int, side: str, group: int) -> Listed:
    at = SIDES[side]
    return Listed(
        j,
        side,
        float(shares.estimate[j, at, group]),
        float(shares.low[j, at, group]),
        float(shares.high[j, at, group]),
        float(shares.votes[j].sum()),
        group if shares.votes.shape[1] > 1 else None,
    )


def entry_of(shares: Shares, j: int, side: str) -> Listed:
    """Return what :func:`common_ground` would say of a statement, whether it is listed or not."""
    return _entry(shares, j, side, int(shares.low[j, SIDES[side]].argmin()))


def gap_of(shares: Shares, j: int) -> Listed:
    """Return what :func:`dividing_lines` would say of a statement, whether it is listed or not."""
    if shares.votes.shape[1] < 2:
        smaller = min(SIDES, key=lambda side: float(shares.estimate[j, SIDES[side], 0]))
        return _entry(shares, j, smaller, 0)
    agree = shares.estimate[j, AGREE]
    top, bottom = int(agree.argmax()), int(agree.argmin())
    gap, low, high = _gap(
        (agree[top], shares.low[j, AGREE, top], shares.high[j, AGREE, top]),
        (agree[bottom], shares.low[j, AGREE, bottom], shares.high[j, AGREE, bottom]),
    )
    return Listed(j, "agree", gap, low, high, float(shares.votes[j].sum()), top)


def _sorted(found: list[Listed], most: int) -> tuple[Listed, ...]:
    return tuple(sorted(found, key=lambda s: (-s.low, -s.estimate, s.statement, s.side))[:most])


def dividing_lines(
    shares: Shares, allowed: NDArray[np.bool_], *, most: int = MOST
) -> tuple[Listed, ...]:
    """List what divides people most.

    Parameters
    ----------
    shares : Shares
        By group, or overall where there is one group.
    allowed : bool array, shape (statements,)
        Which may be listed.
    most : int
        How many at most.

    Returns
    -------
    tuple of Listed
        With groups: by how much more of the most agreeing group agree than of the least agreeing
        one; ``group`` is the former. With one group: the smaller of those who agree and those who
        disagree, as a share of all who voted. Sorted by lower bound, which is more than a tenth.

    Notes
    -----
    The interval of a difference is put together from those of both shares. Time O(statements x
    groups).

    References
    ----------
    Zou and Donner (2008), "Construction of confidence limits about effect measures"; Benjamini and
    Hochberg (1995).

    Examples
    --------
    >>> from commonweal.engine.opinion import Votes, shares
    >>> votes = Votes.from_log(range(40), [7] * 40, [1] * 22 + [-1] * 18)
    >>> [(s.side, s.estimate) for s in dividing_lines(shares(votes), np.ones(1, bool))]
    [('disagree', 0.45)]
    """
    places = np.flatnonzero(allowed & _heard(shares)).tolist()
    if shares.votes.shape[1] < 2:
        sides = shares.estimate[:, [AGREE, DISAGREE], 0]
        smaller = np.where(sides[:, 0] <= sides[:, 1], AGREE, DISAGREE)
        low = shares.low[np.arange(len(smaller)), smaller, 0]
        wide = [j for j in places if low[j] > SLIGHT]
        bar = np.sort(low[wide])[-most:][0] if wide and most else 0.0
        return _sorted([gap_of(shares, j) for j in wide if low[j] >= bar], most)
    told = [gap_of(shares, j) for j in places]
    # the widest of several gaps is chosen, so each is doubted as often as there are pairs
    groups = shares.votes.shape[1]
    believed = _believed(told, groups * (groups - 1) / 2)
    return _sorted([entry for entry in believed if entry.low > SLIGHT], most)


def _gap(
    one: tuple[float, float, float], other: tuple[float, float, float]
) -> tuple[float, float, float]:
    gap = float(one[0] - other[0])
    low = gap - math.hypot(one[0] - one[1], other[2] - other[0])
    high = gap + math.hypot(one[2] - one[0], other[0] - other[1])
    return gap, max(-1.0, low), min(1.0, high)


def _believed(told: list[Listed], times: float = 1.0) -> list[Listed]:
    """Keep differences that are not by chance, with a tenth of false ones at most."""
    p = []
    for entry in told:
        error = max((entry.estimate - entry.low) / 1.645, 1e-9)
        p.append(min(1.0, times * math.erfc(abs(entry.estimate) / error / math.sqrt(2))))
    good = discoveries(p, rate=FALSE)
    return [entry for entry, each in zip(told, good, strict=True) if each and entry.low > 0]


def special_to_groups(
    shares: Shares, allowed: NDArray[np.bool_], *, most: int = MOST_OF_A_GROUP
) -> tuple[Listed, ...]:
    """List what tells each group from all others together.

    Parameters
    ----------
    shares : Shares
        By group.
    allowed : bool array, shape (statements,)
        Which may be listed.
    most : int
        How many of each group at most.

    Returns
    -------
    tuple of Listed
        Group by group, by how much more of the group agree, or disagree, than of everybody else;
        only where most of the group is on that side. None where there is one group.

    Notes
    -----
    Time O(statements x groups).

    References
    ----------
    As :func:`dividing_lines`.

    Examples
    --------
    >>> from commonweal.engine.opinion import Votes, shares
    >>> votes = Votes.from_log([1], [7], [1])
    >>> special_to_groups(shares(votes), np.ones(1, bool))
    ()
    """
    groups = shares.votes.shape[1]
    found: list[Listed] = []
    for g in range(groups if groups > 1 else 0):
        others = [o for o in range(groups) if o != g]
        told = []
        for side, at in SIDES.items():
            rest, low, high, there = _together(shares, at, others)
            usable = allowed & there & (shares.votes[:, g] >= LEAST_VOTES)
            for j in np.flatnonzero(usable & (shares.estimate[:, at, g] > 0.5)).tolist():
                own = (shares.estimate[j, at, g], shares.low[j, at, g], shares.high[j, at, g])
                gap = _gap(own, (rest[j], low[j], high[j]))
                told.append(Listed(j, side, *gap, float(shares.votes[j, g]), g))
        found += _sorted(_believed(told), most)
    return tuple(found)


def _together(
    shares: Shares, at: int, groups: list[int]
) -> tuple[Floats, Floats, Floats, NDArray[np.bool_]]:
    """Return the share of some groups taken together, its interval, and whether anybody voted."""
    votes = shares.votes[:, groups]
    total = votes.sum(axis=1)
    there = total > 0
    summed = (shares.estimate[:, at, groups] * votes).sum(axis=1)
    share = np.divide(summed, total, out=np.full(len(total), 0.5), where=there)
    return share, *interval(share, shares.effective[:, groups].sum(axis=1), shares.level), there


def unsure(shares: Shares, allowed: NDArray[np.bool_], *, most: int = MOST) -> tuple[Listed, ...]:
    """List what more votes would tell most about: the widest intervals first, and no narrow ones.

    Parameters
    ----------
    shares : Shares
        Overall.
    allowed : bool array, shape (statements,)
        Which may be listed.
    most : int
        How many at most.

    Returns
    -------
    tuple of Listed
        The share that agrees.

    References
    ----------
    Brown, Cai and DasGupta (2001), as in :func:`shares`.

    Examples
    --------
    >>> from commonweal.engine.opinion import Votes, shares
    >>> votes = Votes.from_log([1, 2, 3, 1], [7, 7, 7, 8], [1, 1, 1, 1])
    >>> [s.statement for s in unsure(shares(votes), np.ones(2, bool))]
    [1, 0]
    """
    width = shares.high[:, AGREE, 0] - shares.low[:, AGREE, 0]
    order = np.lexsort((np.arange(len(width)), -width))
    wide = order[(allowed & (width > NARROW))[order]]
    return tuple(_unsure(shares, wide[:most].tolist()))


def _unsure(shares: Shares, places: list[int]) -> Iterator[Listed]:
    for j in places:
        yield _entry(shares, j, "agree", 0)
