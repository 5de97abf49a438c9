"""Bursts: many new accounts within minutes, all of one mind or all for one statement."""

import itertools

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.opinion.cliques import BURST, Clique
from commonweal.engine.opinion.shares import beta_below
from commonweal.engine.opinion.votes import Votes

WITHIN = 10 * 60_000
_AROUND = 36  # six hours, in units of WITHIN
_ONE_MIND = 0.8
_DIFFER = 0.1
_FEWEST = 10
_HEARD = 5
_FEWEST_PUSHING = 5
_VOTES_OF_ONE_PURPOSE = 2
_LEAVE_AT_ONCE = 0.5  # so many newcomers may leave after a vote or two
_SHOWN_FIRST = 0.25  # so many may be shown the same statement first


def bursts(votes: Votes, begun: NDArray[np.int64], chance: float) -> list[Clique]:
    """Find crowds that came at once and vote alike; ``begun`` says when each person began to vote."""
    order = np.argsort(begun, kind="stable")
    order = order[np.diff(votes.start)[order] > 0]
    windows = _crowded(begun[order], chance)
    found = [
        _of_one_mind(votes, begun, np.sort(order[begin:end]), chance / len(windows))
        for begin, end in windows
    ]
    pushes = _pushes(votes, begun, begun[order], chance)
    return [clique for clique in found if clique is not None] + pushes


def _crowded(when: NDArray[np.int64], chance: float) -> list[tuple[int, int]]:
    """Return where, within minutes, many more began than at three times the usual pace."""
    if len(when) < _FEWEST:
        return []
    here = np.arange(len(when))
    upto = np.searchsorted(when, when + WITHIN, side="right")
    count = upto - here
    hours = _AROUND * WITHIN
    around = np.searchsorted(when, when + hours) - np.searchsorted(when, when - hours) - count
    whole = len(when) / ((when[-1] - when[0]) / WITHIN + 1)
    pace = 3 * np.maximum(around / (2 * _AROUND - 1), whole)
    with np.errstate(divide="ignore", invalid="ignore"):
        rare = np.where(count > pace, count - pace - count * np.log(count / pace), 0.0)
    many = (rare < np.log(chance / len(when))) & (count >= _FEWEST)
    windows: list[tuple[int, int]] = []
    for place in np.flatnonzero(many).tolist():
        if windows and place < windows[-1][1]:
            windows[-1] = windows[-1][0], max(windows[-1][1], int(upto[place]))
        else:
            windows.append((place, int(upto[place])))
    return windows


def _of_one_mind(
    votes: Votes, begun: NDArray[np.int64], crowd: NDArray[np.intp], chance: float
) -> Clique | None:
    """Say who of a crowd votes so much alike that nobody would by chance."""
    mine = votes.among(crowd)
    inside, whole = mine.tallies[:, ::2], votes.tallies[:, ::2]
    side = inside.argmax(axis=1)
    every = np.arange(len(side))
    usual = (whole - inside + 0.5) / (whole - inside + 0.5).sum(axis=1, keepdims=True)
    odds = np.maximum(usual[every, side], _ONE_MIND)  # of voting as most of the crowd do
    counted = (mine.value != 0) & (inside.sum(axis=1) >= _HEARD)[mine.statement]
    who, what = mine.person[counted], mine.statement[counted]
    same = (mine.value[counted] > 0) == (side[what] == 1)
    cast = np.bincount(who, minlength=len(crowd))
    alike = np.bincount(who, weights=same, minlength=len(crowd))
    there = np.flatnonzero(cast)
    if len(there) < _FEWEST:
        return None
    mean = np.exp(
        np.bincount(who, weights=np.log(odds[what]), minlength=len(crowd))[there] / cast[there]
    )
    spare = np.floor(_DIFFER * cast[there])
    likely = np.array(
        [
            float(beta_below(q, np.array([v - d]), np.array([d + 1.0]))[0])
            for q, v, d in zip(mean.tolist(), cast[there].tolist(), spare.tolist(), strict=True)
        ]
    )
    close = there[alike[there] >= cast[there] - spare]
    if len(close) < _FEWEST:
        return None
    n, k, p = len(there), len(close), float(likely.mean())
    expected = float(beta_below(p, np.array([float(k)]), np.array([n - k + 1.0]))[0])
    if not (k > n * p and expected < chance):
        return None
    places = crowd[close]
    votes_cast = float(cast[close].sum())
    return Clique(
        BURST,
        tuple(places.tolist()),
        int(np.diff(votes.start)[places].sum()),
        votes_cast / len(close),
        float(alike[close].sum()) / votes_cast,
        float((mean * cast[there])[np.isin(there, close)].sum()) / votes_cast,
        expected,
        int(begun[places].min()),
        int(begun[places].max()),
    )


def _pushes(
    votes: Votes, begun: NDArray[np.int64], when: NDArray[np.int64], chance: float
) -> list[Clique]:
    """Find crowds that came at once, voted on one statement, all alike, and left.

    ``when`` says when each of all who voted began, rising. An honest newcomer may leave after a vote or two, be shown
    this statement first, and be of one mind with others: all that is taken to be frequent.
    """
    single = np.diff(votes.start)[votes.person] <= _VOTES_OF_ONE_PURPOSE
    place = np.flatnonzero(single & (votes.value != 0))
    pushed = votes.statement[place].astype(np.int64) * 2 + (votes.value[place] > 0)
    order = place[np.lexsort((votes.person[place], begun[votes.person[place]], pushed))]
    pushed = votes.statement[order].astype(np.int64) * 2 + (votes.value[order] > 0)
    edges = np.flatnonzero(np.diff(pushed, prepend=-1, append=-1)).tolist()
    there = _there(votes, begun)
    found = []
    for begin, end in itertools.pairwise(edges):
        left = votes.person[order[begin:end]].astype(np.intp)
        while len(left) >= _FEWEST_PUSHING:
            upto = np.searchsorted(begun[left], begun[left] + WITHIN, side="right")
            first = int((upto - np.arange(len(left))).argmax())
            some = left[first : upto[first]]
            clique = _pushing(
                votes, begun, when, there, int(pushed[begin]), some, chance / len(order)
            )
            if clique is None:
                break
            found.append(clique)
            left = np.concatenate((left[:first], left[upto[first] :]))
    return found


def _there(votes: Votes, begun: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return when somebody who voted on it first came, for each statement with votes, rising."""
    first = np.full(len(votes.statements), np.iinfo(np.int64).max)
    np.minimum.at(first, votes.statement, begun[votes.person])
    return np.sort(first[first < np.iinfo(np.int64).max])


def _pushing(
    votes: Votes,
    begun: NDArray[np.int64],
    when: NDArray[np.int64],
    there: NDArray[np.int64],
    side: int,
    crowd: NDArray[np.intp],
    chance: float,
) -> Clique | None:
    """Say whether so many of those who came within minutes voted on one statement by chance."""
    if len(crowd) < _FEWEST_PUSHING:
        return None
    since, until = int(begun[crowd[0]]), int(begun[crowd[0]]) + WITHIN
    came = int(np.searchsorted(when, until, side="right") - np.searchsorted(when, since))
    known = max(1, int(np.searchsorted(there, until, side="right")))
    what, agrees = divmod(side, 2)
    tally = votes.tallies[what][::2].astype(np.float64)
    tally[agrees] -= len(crowd)
    usual = (tally[agrees] + 0.5) / (tally.sum() + 1)
    mind = max(float(usual), _ONE_MIND)
    seen = votes.tallies.sum(axis=1)
    shown = max(_SHOWN_FIRST, 1 / known, float(seen[what] - len(crowd)) / max(1, seen.sum()))
    odds = min(1.0, _LEAVE_AT_ONCE * shown * mind)
    k, n = float(len(crowd)), float(came)
    expected = float(beta_below(odds, np.array([k]), np.array([n - k + 1.0]))[0])
    if not (k > n * odds and expected < chance):
        return None
    places = np.sort(crowd)
    return Clique(
        BURST, tuple(places.tolist()), int(np.diff(votes.start)[places].sum()), 1.0, 1.0, mind,
        expected, since, int(begun[places].max()),
    )  # fmt: skip
