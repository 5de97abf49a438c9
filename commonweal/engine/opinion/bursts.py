"""Bursts: many new accounts within minutes, all of one mind."""

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


def bursts(votes: Votes, begun: NDArray[np.int64], chance: float) -> list[Clique]:
    """Find crowds that came at once and vote alike; ``begun`` says when each person began to vote."""
    order = np.argsort(begun, kind="stable")
    order = order[np.diff(votes.start)[order] > 0]
    windows = _crowded(begun[order], chance)
    found = [
        _of_one_mind(votes, begun, np.sort(order[begin:end]), chance / len(windows))
        for begin, end in windows
    ]
    return [clique for clique in found if clique is not None]


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
