"""Camps in a small conversation: whether kinds of people tell its votes better than degrees do.

Two suppositions are held against each other. Either people are of some kinds, alike in each but for
chance; or they differ by degree, in nought to five directions. Everybody's likelihood under the one
and the other, less what each had to learn, says which it is. No vote is hidden for that, so little
depends on chance where there are few people.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.opinion import camp_kernel
from commonweal.engine.opinion.model import Floats, singular
from commonweal.engine.opinion.votes import Votes

MOST_PEOPLE = 500
MOST_CELLS = 60_000
LEAST_PEOPLE = 20
MOST_CAMPS = 6
MOST_DIRECTIONS = 5
ONE_MORE = (5.0, 0.0)  # nats, and standard errors
THAN_DEGREES = (1.0, 0.7)
MORE_CAMPS = (10.0, 2.5)
EVEN = 3.0  # nats: how much less an even spread is to be expected than a bell
_STARTS = 3  # for each camp
_QUICK, _STEPS = 6, 60
_MOVES = 10
_POINTS = 400
_FIRM = 1 / 6.0  # of a log odds, as an inverse variance
_NEAR = 0.35
_STEEPEST = 3.2  # standard deviations, where points end


@dataclass(frozen=True, eq=False)
class Told:
    """How well a supposition tells everybody's votes.

    Parameters
    ----------
    each : float64 array, shape (people,)
        The logarithm of the likelihood of each person's votes.
    cost : float
        What is taken off for what had to be learnt (Schwarz).
    at : float64 array, shape (people, points)
        How likely each person stands at each point, or belongs to each camp.
    columns : int
        How many numbers were learnt for each statement.
    """

    each: Floats
    cost: float
    at: Floats
    columns: int

    @property
    def score(self) -> float:
        """The logarithm of the likelihood of all votes, less the cost."""
        return float(self.each.sum()) - self.cost


def small(votes: Votes) -> bool:
    """Say whether a conversation is small enough to be looked at so closely."""
    people = len(votes.people)
    return people <= MOST_PEOPLE and people * len(votes.statements) <= MOST_CELLS


def places_of(votes: Votes) -> Floats:
    """Place people by plain singular vectors, the best first; float64 array, shape (people, 5)."""
    rate = (votes.agrees + 1) / (votes.agrees + votes.disagrees + 2)
    along = singular(votes, rate, min(MOST_DIRECTIONS, len(rate)))
    cast = votes.value != 0
    who, what = votes.person[cast], votes.statement[cast]
    above = (votes.value[cast] + 1) / 2 - rate[what]
    people = len(votes.people)
    count = np.sqrt(np.maximum(np.bincount(who, minlength=people), 1))
    return np.column_stack(
        [np.bincount(who, above * axis[what], minlength=people) / count for axis in along.T]
        or [np.zeros((people, 0))]
    )


def _learnt(
    votes: Votes,
    points: Floats,
    share: Floats,
    begin: Floats,
    *,
    camps: bool,
    steps: int = _STEPS,
) -> Told:
    """Go up the likelihood, the log odds being linear in the points at which people may stand."""
    columns = points.shape[1]
    agree, disagree = votes.agrees, votes.disagrees
    centre = np.zeros((len(agree), columns))
    centre[:, : columns if camps else 1] = np.log((agree + 1) / (disagree + 1))[:, None]
    at, each = begin.copy(), np.empty(len(begin))
    camp_kernel.compiled().climb(
        votes.start,
        votes.statement,
        votes.value,
        points,
        share / share.sum(),
        camps,
        centre,
        _FIRM,
        steps,
        at,
        each,
    )
    count = np.maximum(agree + disagree, 1)
    cost = float(columns * np.log(count).sum() / 2)
    if camps:
        cost += float((columns - 1) * np.log(len(each)) / 2)
    return Told(each, cost, at, columns)


def divided(votes: Votes, places: Floats, count: int, rng: np.random.Generator) -> Told:
    """Divide people into so many camps, from several starts, and from the best two to the end.

    ``places`` are those of :func:`places_of`.
    """
    points, share = np.eye(count), np.ones(count)
    if count == 1:
        return _learnt(votes, points, share, np.ones((len(places), 1)), camps=True)
    tries = []
    for turn in range(_STARTS * count):
        axes = places[:, : (count - 1, count, MOST_DIRECTIONS)[turn % 3]]
        start = 0.1 / count + 0.9 * np.eye(count)[near(axes, count, rng)]
        tries.append(_learnt(votes, points, share, start, camps=True, steps=_QUICK))
    tries.sort(key=lambda told: -told.score)
    ends = (_learnt(votes, points, share, told.at, camps=True) for told in tries[:2])
    return max(ends, key=lambda told: told.score)


def _degrees(votes: Votes, places: Floats, *, every: range | None = None) -> Iterator[Told]:
    """Tell the votes by people who differ by degree, in more and more directions while it pays.

    Along a line, people may also be spread evenly, or most of them stand towards one end. If
    ``every`` says how many directions to try, those are tried all.
    """
    best = -np.inf
    for directions in every or range(places.shape[1] + 1):
        here = places[:, :directions]
        here = (here - here.mean(axis=0)) / np.maximum(here.std(axis=0), 1e-9)
        found = []
        for points, share, odd in _spreads(directions):
            design = np.column_stack((np.ones(len(points)), points))
            told = _learnt(votes, design, share, _around(points, here), camps=False)
            found.append(replace(told, cost=told.cost + odd))
        yield from found
        score = max(told.score for told in found)
        if score < best and not every:
            break
        best = score


def _spreads(directions: int) -> Iterator[tuple[Floats, Floats, float]]:
    """Return some ways of differing by degree: points, how many people stand there, and its odds.

    People spread evenly along a steep line, so that hardly anybody stands where it turns, vote as two
    camps do; that is why an even spread has to explain votes a little better than a bell.
    """
    if directions == 0:
        yield np.zeros((1, 0)), np.ones(1), 0.0
    elif directions <= 2:
        line = np.linspace(-_STEEPEST, _STEEPEST, 33 if directions == 1 else 14)
        points = np.stack(np.meshgrid(*[line] * directions), axis=-1).reshape(-1, directions)
        square = (points**2).sum(axis=1)
        points = points[square < _STEEPEST**2 + 0.8]
        yield points, np.exp(-(points**2).sum(axis=1) / 2), 0.0
        yield points, (np.abs(points) <= np.sqrt(3) + 0.05).all(axis=1) + 1e-9, EVEN
    else:
        points = np.random.default_rng(directions).standard_normal((_POINTS // 2, directions))
        yield np.vstack((points, -points)), np.ones(_POINTS), 0.0
    if directions == 1:
        points = np.linspace(-1, 6, 36)[:, None]
        for side in (1, -1):
            yield side * points, np.exp(-points[:, 0]), 0.0


def _around(points: Floats, places: Floats) -> Floats:
    apart = ((places[:, None] - points) ** 2).sum(axis=2)
    at = np.exp(-(apart - apart.min(axis=1, keepdims=True)) / (2 * _NEAR**2)) + 1e-6
    begin: Floats = at / at.sum(axis=1, keepdims=True)
    return begin


def found_camps(votes: Votes, rng: np.random.Generator) -> tuple[Told | None, tuple[float, ...]]:
    """Find how many camps a small conversation has; None if its people differ by degree at most.

    Also returns by how much 1, 2, 3 ... camps tell everybody's votes worse than one does, on average.
    """
    people = len(votes.people)
    if people < LEAST_PEOPLE or not len(votes.statements):
        return None, (0.0,)
    places = places_of(votes)
    tries = [divided(votes, places, 1, rng)]
    kept: Told | None = None
    for count in range(2, min(MOST_CAMPS, people // smallest(people)) + 1):
        tries.append(divided(votes, places, count, rng))
        told = tries[-1]
        held = np.bincount(told.at.argmax(axis=1), minlength=count)
        if held.min() >= smallest(people) and _better(told, kept or tries[0], *ONE_MORE):
            kept = told
        if max(each.score for each in tries[-2:]) < max(each.score for each in tries):
            break
    losses = tuple((tries[0].score - told.score) / people for told in tries)
    if kept is not None and not all(
        _better(kept, rival, *THAN_DEGREES) for rival in _degrees(votes, places)
    ):
        kept = None
    return kept, losses


def likelier(votes: Votes, count: int, rng: np.random.Generator) -> Told | None:
    """Return so many camps, which something else speaks for, if they tell votes better than degrees.

    That number need not be found here, so that what is learnt costs no more than it would gain by
    chance (Akaike).
    """
    places = places_of(votes)
    told = divided(votes, places, count, rng)
    held = np.bincount(told.at.argmax(axis=1), minlength=count)
    if held.min() < smallest(len(votes.people)):
        return None
    most = min(count, places.shape[1])
    rivals = _degrees(votes, places, every=range(1, most + 1))
    statements = len(votes.statements)
    for rival in rivals:
        columns = rival.columns
        known = replace(told, cost=float(count * statements + count - 1))
        if not _better(known, replace(rival, cost=float(columns * statements)), *MORE_CAMPS):
            return None
    return told


def _better(one: Told, other: Told, far: float, sure: float) -> bool:
    """Say whether one tells the votes better, beyond doubt and not by a few people only."""
    gain = one.each - other.each
    gain -= (one.cost - other.cost) / len(gain)
    doubt = max(float(gain.std()) / np.sqrt(len(gain)), 1e-12)
    return bool(gain.sum() > far and gain.mean() > sure * doubt)


def smallest(people: int) -> int:
    """Return how many people a camp must hold: a tenth, but from six to ten."""
    return min(10, max(6, people // 10))


def near(
    places: Floats, count: int, rng: np.random.Generator, *, starts: int = 1
) -> NDArray[np.intp]:
    """Divide places by k-means, begun at places far from each other, the best of some starts."""
    group = np.zeros(len(places), dtype=np.intp)
    chance = rng.random((starts, count))
    if len(places):
        camp_kernel.compiled().near(np.ascontiguousarray(places), chance, _MOVES, group)
    return group
