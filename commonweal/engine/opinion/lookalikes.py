"""Copies and near copies: accounts that vote more alike than people do who think alike."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.opinion import guard_kernel
from commonweal.engine.opinion.cliques import COPIES, LEAST_ACCOUNTS, NEAR, Clique
from commonweal.engine.opinion.model import Floats, Model, fit, refreshed, sample_of
from commonweal.engine.opinion.votes import Votes

_NOISE = 0.1  # so much of a copy may be drawn anew
_UNMODELLED = 0.3  # so much of what people differ in by the model may be likeness it has not seen
_UNMODELLED_COPIES = 0.05  # the same where nothing at all differs
_BANDS, _BANDS_OF_MANY, _MANY = 24, 8, 1_000_000  # votes
_EACH = 40  # in a larger crowd under one key everybody is compared with a few others only
FEW = 700  # so many are compared each with each
_WORTH = 2.0
_MOSTLY = 0.8  # if so many of a crowd are copies to the last vote, the others are left out of it
_SAMPLE, _SWEEPS = 150_000, 10


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Pairs of people: on how many statements both spoke, on how many they differ, and the evidence."""

    one: NDArray[np.int64]
    other: NDArray[np.int64]
    common: NDArray[np.int64]
    differ: NDArray[np.int64]
    expected: Floats
    told: Floats

    def only(self, keep: NDArray[np.bool_ | np.intp]) -> "_Pairs":
        return _Pairs(*(each[keep] for each in vars(self).values()))


def lookalikes(
    votes: Votes, begun: NDArray[np.int64] | None, dimensions: int, least: int, chance: float
) -> list[Clique]:
    """Find crowds that vote alike; the arguments are those of :func:`raised`.

    ``begun`` says when each person began to vote.
    """
    said = np.bincount(votes.person[votes.value != 0], minlength=len(votes.people))
    people = np.flatnonzero(said >= least)
    if len(people) < LEAST_ACCOUNTS:
        return []
    rng = np.random.default_rng(0)  # who meets whom must be the same always
    known = votes.among(people)
    one, other = _meetings(known, said[people], rng)
    if not len(one):
        return []
    model = _by_others(known, one, other, said[people], dimensions, rng)
    pairs = _compared(known, model, one, other, said[people])
    pairs = pairs.only((pairs.told > _WORTH) & (pairs.common >= least))
    found = []
    for members, edges, expected in _crowds(pairs, len(people), chance):
        if len(members) >= LEAST_ACCOUNTS:
            found.append(_clique(votes, begun, people, known, members, pairs.only(edges), expected))
    return found


def _crowds(
    pairs: _Pairs, people: int, chance: float
) -> list[tuple[NDArray[np.int64], NDArray[np.intp], float]]:
    """Return crowds around somebody: their members, the pairs that show it, and the chance.

    Given what somebody said, the others are independent, and the exponential of the evidence of
    each is 1 on average. So the evidence of any so many of them together is as large by chance as
    there are ways to choose them, over its exponential.
    """
    edge = np.tile(np.arange(len(pairs.one)), 2)
    middle, around = (
        np.concatenate((pairs.one, pairs.other)),
        np.concatenate((pairs.other, pairs.one)),
    )
    order = np.lexsort((around, -pairs.told[edge], middle))
    edge, middle, around = edge[order], middle[order], around[order]
    begin = np.flatnonzero(np.diff(middle, prepend=-1))
    size = np.diff(np.append(begin, len(middle)))
    count = _counting(size) + 1
    sums = np.cumsum(pairs.told[edge])
    sums -= np.repeat((sums - pairs.told[edge])[begin], size)
    excess = sums - log_choices(people, people)[np.minimum(count, people)]
    best = np.maximum.reduceat(excess, begin) if len(begin) else np.zeros(0)
    bound = np.log(people) + np.log(np.maximum(size, 1)) - best
    passed = np.flatnonzero(bound < np.log(chance))
    taken: list[tuple[NDArray[np.int64], NDArray[np.intp], float]] = []
    root = np.arange(people)
    parts = []
    for place in passed.tolist():
        row = slice(begin[place], begin[place] + size[place])
        upto = int(excess[row].argmax()) + 1
        part = slice(row.start, row.start + upto)
        parts.append((int(middle[row.start]), around[part], edge[part], float(bound[place])))
    if parts:
        one = np.concatenate([np.full(len(others), who) for who, others, _e, _b in parts])
        other = np.concatenate([others for _who, others, _e, _b in parts])
        root = _joined(people, one, other, np.ones(len(one), dtype=np.bool_))
    for first in sorted({int(root[who]) for who, *_rest in parts}):
        mine = [part for part in parts if root[part[0]] == first]
        members = np.unique(np.concatenate([np.append(others, who) for who, others, *_r in mine]))
        edges = np.unique(np.concatenate([edges for _who, _others, edges, _bound in mine]))
        taken.append((members, edges, float(np.exp(min(bound for *_rest, bound in mine)))))
    return taken


def log_choices(people: int, most: int) -> Floats:
    """Return the logarithm of how many ways there are to choose 0, 1, 2 ... ``most`` of so many."""
    some = np.arange(float(min(people, most)))
    steps = np.log(people - some) - np.log(some + 1)
    return np.concatenate(([0.0], np.cumsum(steps)))


def _meetings(
    votes: Votes, said: NDArray[np.int64], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return pairs of people who may be alike: whoever shares a key, in any of the bands."""
    people = len(votes.people)
    if people <= FEW:
        pairs = np.triu_indices(people, 1)
        return pairs[0].astype(np.int64), pairs[1].astype(np.int64)
    one = rng.integers(0, people, 4000)
    other = (one + rng.integers(1, people, 4000)) % people
    usual = float(np.quantile(resemblance(votes, said, one, other), 0.95))
    take = int(np.clip(np.ceil(-np.log(people) / np.log(min(max(usual, 0.01), 0.95))), 5, 32))
    bands = _BANDS if len(votes) <= _MANY else _BANDS_OF_MANY
    rank = np.array([rng.permutation(len(votes.statements)) for _ in range(bands)], dtype=np.int64)
    key = np.empty((bands, people), dtype=np.uint64)
    guard_kernel.compiled().keys(
        votes.start, votes.statement, votes.value, np.arange(people), rank, take, key
    )
    met = [under_one_key(row, rng.permutation(people)) for row in key]
    code = np.unique(np.concatenate([one * people + other for one, other in met]))
    return code // people, code % people


def under_one_key(
    key: NDArray[np.uint64], mixed: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return pairs with the same key; of a large crowd each with some others, by a mixed order."""
    order = mixed[np.argsort(key[mixed], kind="stable")]
    change = np.flatnonzero(np.diff(key[order])) + 1
    begin = np.concatenate(([0], change))
    size = np.diff(np.concatenate((begin, [len(key)])))
    ones, others = [], []
    for step in range(1, _EACH):
        # everybody with who stands so many places on; in large crowds three steps must do
        wide = size if step <= 3 else np.where(size <= _EACH, size, 0)
        count = np.maximum(wide - step, 0)
        if not count.any():
            break
        place = np.repeat(begin, count) + _counting(count)
        ones.append(order[place])
        others.append(order[place + step])
    if not ones:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    one, other = np.concatenate(ones), np.concatenate(others)
    return np.minimum(one, other), np.maximum(one, other)


def _counting(count: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return 0, 1, 2 ... up to each count in turn."""
    return np.arange(count.sum()) - np.repeat(np.cumsum(count) - count, count)


def resemblance(
    votes: Votes, said: NDArray[np.int64], one: NDArray[np.int64], other: NDArray[np.int64]
) -> Floats:
    """Return what share of all that either of two people said both said."""
    nothing = np.zeros((len(votes.people), 1))
    flat = np.zeros((len(votes.statements), 2))
    common, differ, _expected, _told = _run(votes, nothing, flat, one, other)
    same = common - differ
    found: Floats = same / np.maximum(said[one] + said[other] - same, 1)
    return found


def _run(
    votes: Votes,
    mean: Floats,
    first: Floats,
    one: NDArray[np.int64],
    other: NDArray[np.int64],
    unseen: float = _UNMODELLED,
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats, Floats]:
    common, differ = np.empty(len(one), dtype=np.int64), np.empty(len(one), dtype=np.int64)
    expected, told = np.empty(len(one)), np.empty(len(one))
    guard_kernel.compiled().compare(
        votes.start, votes.statement, votes.value, mean, first, _NOISE, unseen, one, other,
        common, differ, expected, told,
    )  # fmt: skip
    return common, differ, expected, told


def compared(
    votes: Votes, model: Model, one: NDArray[np.int64], other: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Return on how many statements both of a pair spoke, on how many they differ and are to agree."""
    return _run(votes, model.mean, model.first[:-1], one, other, 0.0)[:3]


def _compared(
    votes: Votes,
    model: Model,
    one: NDArray[np.int64],
    other: NDArray[np.int64],
    said: NDArray[np.int64],
) -> _Pairs:
    first = model.first[:-1]
    common, differ, expected, told = _run(votes, model.mean, first, one, other)
    copies = (differ == 0) & (common == said[one]) & (common == said[other])
    again = _run(votes, model.mean, first, one[copies], other[copies], _UNMODELLED_COPIES)
    expected[copies], told[copies] = again[2], again[3]
    return _Pairs(one, other, common, differ, expected, told)


def _by_others(
    votes: Votes,
    one: NDArray[np.int64],
    other: NDArray[np.int64],
    said: NDArray[np.int64],
    dimensions: int,
    rng: np.random.Generator,
) -> Model:
    """Return where all of these pairs stand when of each crowd of look-alikes one counts for all."""
    alike = resemblance(votes, said, one, other)
    some = rng.integers(0, len(votes.people), (2, 4000))
    some = some[:, some[0] != some[1]]
    usual = float(np.quantile(resemblance(votes, said, some[0], some[1]), 0.95))
    crowd = _joined(len(said), one, other, alike >= max(0.5, 1 - 0.6 * (1 - usual)))
    first = np.unique(crowd, return_index=True)[1]
    stands = votes.among(np.sort(first)) if 2 * len(first) > len(said) else votes
    model = fit(sample_of(stands, rng, most_votes=_SAMPLE), dimensions=dimensions, sweeps=_SWEEPS)
    rows = len(votes.people) + 1
    empty = replace(
        model, mean=np.zeros((rows, dimensions + 1)), spread=np.zeros((rows, model.spread.shape[1]))
    )
    met = np.zeros(len(votes.people), dtype=np.bool_)
    met[one] = met[other] = True
    return refreshed(empty, votes, np.flatnonzero(met))


def _joined(
    people: int, one: NDArray[np.int64], other: NDArray[np.int64], keep: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Return for everybody the first of those they are joined to, by pairs, one after the other."""
    root = np.arange(people)
    one, other = one[keep], other[keep]
    while True:
        low = np.minimum(root[one], root[other])
        before = root.copy()
        np.minimum.at(root, root[one], low)
        np.minimum.at(root, root[other], low)
        root = root[root]
        if (root == before).all():
            return root


def _clique(
    votes: Votes,
    begun: NDArray[np.int64] | None,
    people: NDArray[np.intp],
    known: Votes,
    members: NDArray[np.int64],
    edges: _Pairs,
    expected: float,
) -> Clique:
    same: dict[bytes, list[int]] = {}
    for i in members.tolist():
        row = slice(known.start[i], known.start[i + 1])
        told = known.statement[row].tobytes() + known.value[row].tobytes()
        same.setdefault(told, []).append(i)
    largest = max(same.values(), key=len)
    kind = NEAR
    if len(largest) >= max(LEAST_ACCOUNTS, _MOSTLY * len(members)):
        kind, members = COPIES, np.array(largest)
        edges = edges.only(np.isin(edges.one, members) & np.isin(edges.other, members))
    both = float(edges.common.sum())
    places = people[members]
    began = None if begun is None else begun[places]
    return Clique(
        kind,
        tuple(places.tolist()),
        int(np.diff(votes.start)[places].sum()),
        float(edges.common.mean()),
        1 - float(edges.differ.sum()) / both,
        float(edges.expected.sum()) / both,
        expected,
        None if began is None else int(began.min()),
        None if began is None else int(began.max()),
    )
