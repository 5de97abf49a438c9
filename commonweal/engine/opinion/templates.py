"""Crowds that follow one template: each leaves some of it out and turns some of it at random."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.opinion import guard_kernel, template_kernel
from commonweal.engine.opinion.cliques import NEAR, Clique
from commonweal.engine.opinion.lookalikes import (
    FEW,
    compared,
    log_choices,
    resemblance,
    under_one_key,
)
from commonweal.engine.opinion.model import Floats, Model, fit, refreshed, sample_of
from commonweal.engine.opinion.votes import Votes, rows_of

FEWEST_FOLLOWERS = 7
_MOST_FOLLOWERS = 60  # or a twentieth of all; more may be a group of opinion
_TURNED = 0.12  # so much of a template is taken to be turned while a crowd is looked for
_ANY_TURNED = np.array([0.03, 0.08, 0.14, 0.2])
_LOOSENESS = np.array([0.2, 1.0, 4.0, 64.0])  # from nearly of one mind to no more alike than usual
_PLAIN = (0, 1)  # directions of the maps on which crowds are looked for: none is to have its own
_UNLIKELY = 0.5
_BANDS, _BANDS_OF_MANY, _MANY = 32, 8, 1_000_000  # votes
_PAIRS_EACH = 20.0  # about so many others everybody is compared with
_AROUND = 6
_SEEDS = 16
_NEARBY = 3000  # in larger conversations a crowd is looked for among so many first
_SHRINKING = (9, 9, 8, 8, 7, 7, 7)  # a crowd has at least so many, turn by turn
_LAST = (7, 7)
_PROMISING = 4.0
_MOST_JUDGED = 6
_SURE = -3.5  # so much less likely a crowd must be to think alike than to follow a template
_LIKENESS = 0.5  # so much of each account's evidence may be likeness that the model has not seen
_WELL_KNOWN = 300  # of so many people the model has seen half of the likeness there is
_SAMPLE, _SWEEPS = 50_000, 10
_FEWEST_OTHERS = 10


@dataclass(frozen=True, eq=False)
class _Told:
    """Votes, where their people stand by a model of others, and how likely that makes each vote."""

    votes: Votes
    placed: Model
    chance: NDArray[np.float32]

    @classmethod
    def of(cls, votes: Votes, model: Model, *, unsure: bool = False) -> "_Told":
        """Place these people; if ``unsure``, what is not known of the model draws chances to a half."""
        size = (len(votes.people) + 1, model.dimensions + 1)
        empty = replace(
            model, mean=np.zeros(size), spread=np.zeros((size[0], model.spread.shape[1]))
        )
        placed = refreshed(empty, votes, np.arange(len(votes.people)))
        if unsure:
            agree = placed.probability(votes.person, votes.statement)
            mine = np.where(votes.value > 0, agree, 1 - agree)
            return cls(votes, placed, np.where(votes.value == 0, 1, mine).astype(np.float32))
        chance = np.empty(len(votes), dtype=np.float32)
        template_kernel.compiled().chances(
            votes.start, votes.statement, votes.value, placed.mean, placed.first[:-1], chance
        )
        return cls(votes, placed, chance)

    def among(self, people: NDArray[np.intp]) -> "_Told":
        index = rows_of(self.votes.start, people)[1]
        return _Told(self.votes.among(people), self.placed.of(people), self.chance[index])

    def counted(self, people: NDArray[np.intp]) -> tuple[Floats, Floats]:
        """Return how these people voted on each statement, and how many would agree by the model."""
        votes, width = self.votes, len(self.votes.statements)
        count, usual = np.zeros((width, 2)), np.zeros(width)
        template_kernel.compiled().counted(
            votes.start, votes.statement, votes.value, self.chance, people, count, usual
        )
        return count, usual


@dataclass(frozen=True, eq=False)
class _Crowd:
    """Some people, the evidence that they follow one template, and out of how many they were chosen."""

    members: NDArray[np.intp]
    excess: float
    able: int
    order: NDArray[np.intp]  # everybody who could, the best first


def followers(
    votes: Votes, begun: NDArray[np.int64] | None, dimensions: int, least: int, chance: float
) -> list[Clique]:
    """Find crowds that follow a template; the arguments are those of :func:`raised`."""
    said = np.bincount(votes.person[votes.value != 0], minlength=len(votes.people))
    people = np.flatnonzero(said >= least)
    if len(people) < FEWEST_FOLLOWERS + _FEWEST_OTHERS:
        return []
    rng = np.random.default_rng(0)  # who meets whom must be the same always
    known = votes.among(people)
    sample = sample_of(known, rng, most_votes=_SAMPLE)
    plain = _PLAIN if len(people) <= _NEARBY else _PLAIN[-1:]  # a crowd of many bends the map less
    maps = [fit(sample, dimensions=few, sweeps=_SWEEPS) for few in plain]
    crowds = _apart([crowd for model in maps for crowd in _promising(_Told.of(known, model), rng)])
    crowds = [crowd for crowd in crowds if not _is_group(crowd, len(people))][:_MOST_JUDGED]
    everyone = [crowd.members for crowd in crowds]
    found: list[Clique] = []
    named: list[NDArray[np.intp]] = []
    if not crowds:
        return []
    model = _without(known, everyone, dimensions, rng)
    for crowd in crowds:
        clique = _judged(votes, begun, people, known, crowd, model, chance)
        if clique is not None:  # perhaps only because the others were left out as well
            named.append(np.searchsorted(people, clique.people))
            again = _without(known, named, dimensions, rng)
            clique = _judged(votes, begun, people, known, crowd, again, chance)
        if clique is not None:
            found.append(clique)
    return found


def _is_group(crowd: _Crowd, people: int) -> bool:
    """Say whether a crowd is so large that it may be a group of opinion, all sure of everything."""
    return len(crowd.members) > max(_MOST_FOLLOWERS, people // 20)


def _without(
    votes: Votes, crowds: list[NDArray[np.intp]], dimensions: int, rng: np.random.Generator
) -> Model:
    """Return a model of all who are in none of these crowds."""
    stays = np.ones(len(votes.people), dtype=np.bool_)
    stays[np.concatenate(crowds)] = False
    others = sample_of(votes.among(np.flatnonzero(stays)), rng, most_votes=_SAMPLE)
    return fit(others, dimensions=dimensions, sweeps=_SWEEPS)


def _apart(crowds: list[_Crowd]) -> list[_Crowd]:
    """Sort crowds, the most evidence first, and leave out whoever others mostly hold."""
    used: set[int] = set()
    found = []
    for crowd in sorted(crowds, key=lambda each: -each.excess):
        members = set(crowd.members.tolist())
        if 2 * len(members & used) <= len(members):
            found.append(crowd)
        used |= members
    return found


def _promising(told: _Told, rng: np.random.Generator) -> list[_Crowd]:
    """Return crowds that may follow a template, by a model that has the crowds in it."""
    people = len(told.votes.people)
    used = np.zeros(people, dtype=np.bool_)
    crowds: list[_Crowd] = []
    for seed, nearby in _seeds(people, *_pairs(told, rng)):
        if 2 * used[seed].sum() < len(seed):
            crowd = _grown(told, seed, nearby, out_of=people)
            used[seed] = True
            used[crowd.members] = True
            crowds.append(crowd)
    everybody = np.arange(people)
    found = []
    for crowd in _apart([crowd for crowd in crowds if crowd.excess > 0])[:_MOST_JUDGED]:
        wide = _grown(told, crowd.members, everybody, sizes=_LAST)
        count, usual = told.counted(wide.members)
        if wide.excess > _PROMISING and _against_minority(count, usual, len(wide.members)) < 0:
            found.append(wide)
    return found


def _pairs(
    told: _Told, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], Floats]:
    """Return pairs of people who may follow one template, and the log likelihood ratio of that."""
    votes = told.votes
    one, other = _meetings(told, rng)
    ratio = np.empty(len(one))
    template_kernel.compiled().together(
        votes.start, votes.statement, votes.value, told.chance, _TURNED, one, other, ratio
    )
    keep = ratio > 0
    return one[keep], other[keep], ratio[keep]


def _meetings(told: _Told, rng: np.random.Generator) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return pairs of people who share votes that are unlikely, in any of the bands."""
    people = len(told.votes.people)
    if people <= FEW:
        pairs = np.triu_indices(people, 1)
        return pairs[0].astype(np.int64), pairs[1].astype(np.int64)
    odd = told.votes.chosen(told.chance < _UNLIKELY)
    said = np.diff(odd.start)
    bands = _BANDS if len(told.votes) <= _MANY else _BANDS_OF_MANY
    one = rng.integers(0, people, 4000)
    other = (one + rng.integers(1, people, 4000)) % people
    usual = resemblance(odd, said, one, other)
    take = 2
    while take < 8 and bands * people / 2 * float((usual**take).mean()) > _PAIRS_EACH:
        take += 1
    there = np.flatnonzero(said >= take)
    rank = np.array([rng.permutation(len(odd.statements)) for _ in range(bands)], dtype=np.int64)
    key = np.empty((bands, len(there)), dtype=np.uint64)
    guard_kernel.compiled().keys(odd.start, odd.statement, odd.value, there, rank, take, key)
    met = [under_one_key(row, rng.permutation(len(there))) for row in key]
    code = np.unique(np.concatenate([there[one] * people + there[other] for one, other in met]))
    return code // people, code % people


def _seeds(
    people: int, one: NDArray[np.int64], other: NDArray[np.int64], ratio: Floats
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Return small crowds to begin with, and who else is near: those with the most evidence around."""
    edge = np.tile(ratio, 2)
    middle, around = np.concatenate((one, other)), np.concatenate((other, one))
    order = np.lexsort((around, -edge, middle))
    edge, middle, around = edge[order], middle[order], around[order]
    begin = np.searchsorted(middle, np.arange(people + 1))
    near = np.arange(len(middle)) - begin[middle] < _AROUND
    strength = np.bincount(middle[near], weights=edge[near], minlength=people)
    used = np.zeros(people, dtype=np.bool_)
    found: list[tuple[NDArray[np.intp], NDArray[np.intp]]] = []
    for who in np.argsort(-strength, kind="stable")[: 10 * _SEEDS].tolist():
        if len(found) == _SEEDS or strength[who] <= 0:
            break
        if used[who]:
            continue
        first = around[begin[who] : begin[who + 1]]
        seed = np.unique(np.append(first[:_AROUND], who))
        used[seed] = True
        further = [around[begin[i] : begin[i + 1]][:_NEARBY] for i in first[:_NEARBY].tolist()]
        nearby = np.unique(np.concatenate([first, [who], *further]))
        found.append((seed, nearby if people > _NEARBY else np.arange(people)))
    return found


def _grown(
    told: _Told,
    members: NDArray[np.intp],
    pool: NDArray[np.intp],
    *,
    out_of: int = 0,
    sizes: tuple[int, ...] = _SHRINKING,
) -> _Crowd:
    """Estimate the template of a crowd, find who in a pool follows it, estimate it again, and so on.

    The pool, rising, has the members in it. If ``out_of``, they are chosen from so many, and not only from those in
    the pool who could.
    """
    whole = len(pool) == len(told.votes.people)
    here = told if whole else told.among(pool)
    votes = here.votes
    at = np.searchsorted(pool, members)
    ratio, said = np.empty(len(pool)), np.empty(len(pool), dtype=np.int64)
    inside = np.zeros(len(pool), dtype=np.bool_)
    for least in sizes:
        count, usual = here.counted(at)
        inside[:] = False
        inside[at] = True
        template_kernel.compiled().followed(
            votes.start, votes.statement, votes.value, here.chance, inside, count, usual,
            max(1, len(at) // 5), _TURNED, ratio, said,
        )  # fmt: skip
        able = np.flatnonzero(10 * said >= 7 * np.median(said[at]))
        order = able[np.argsort(-ratio[able], kind="stable")]
        choices = log_choices(max(out_of, len(able)), len(order))
        excess = np.cumsum(ratio[order]) - choices[1 : len(order) + 1]
        upto = min(len(order), max(least, int(excess.argmax()) + 1))
        newer = np.sort(order[:upto])
        if least == FEWEST_FOLLOWERS and np.array_equal(newer, at):
            break
        at = newer
    return _Crowd(pool[at], float(excess.max()), max(out_of, len(able)), pool[order])


def _judged(
    votes: Votes,
    begun: NDArray[np.int64] | None,
    people: NDArray[np.intp],
    known: Votes,
    crowd: _Crowd,
    model: Model,
    chance: float,
) -> Clique | None:
    """Say whether a crowd follows a template, rather than its members voting by themselves.

    The model is of all who are in no such crowd, so that they do not vouch for one another.
    """
    pool = np.union1d(crowd.order[: max(200, 10 * len(crowd.members))], crowd.members)
    told = _Told.of(known.among(pool), model, unsure=True)
    crowd = _grown(
        told, np.searchsorted(pool, crowd.members), np.arange(len(pool)), out_of=crowd.able,
        sizes=_LAST,
    )  # fmt: skip
    members = crowd.members
    told = told.among(members)
    count, usual = told.counted(np.arange(len(members)))
    if _is_group(crowd, len(people)):
        return None
    alike = _against_minority(count, usual, len(members))
    alike += float(log_choices(len(members) + max(1, len(members) // 10), len(members))[-1])
    if alike > _SURE:
        return None
    heard = _heard(count, len(members))
    said = np.bincount(
        known.person[heard[known.statement] & (known.value != 0)], minlength=len(people)
    )
    able = int((said >= said[pool[members]].min()).sum())
    bound = float(log_choices(able, len(members))[-1]) + float(np.log(_SEEDS))
    bound += _LIKENESS * (1 + _WELL_KNOWN / (len(people) - len(members))) * len(members)
    bound += _alone(told, count) - _follow(count, usual, len(members))
    if bound > np.log(chance):
        return None
    one, other = (each.astype(np.int64) for each in np.triu_indices(len(members), 1))
    common, differ, expected = compared(told.votes, told.placed, one, other)
    places = people[pool[members]]
    both = max(1.0, float(common.sum()))
    began = None if begun is None else begun[places]
    return Clique(
        NEAR,
        tuple(places.tolist()),
        int(np.diff(votes.start)[places].sum()),
        float(common.mean()),
        1 - float(differ.sum()) / both,
        float(expected.sum()) / both,
        float(np.exp(bound)),
        None if began is None else int(began.min()),
        None if began is None else int(began.max()),
    )


def _heard(count: Floats, people: int) -> NDArray[np.bool_]:
    """Say on which statements enough of a crowd voted to tell what the template says."""
    heard: NDArray[np.bool_] = count.sum(axis=1) >= max(2, people // 5)
    return heard


def _alone(told: _Told, count: Floats) -> float:
    """Return the log likelihood of a crowd's votes if each of them voted by themselves."""
    heard = _heard(count, len(told.votes.people))
    return float(np.log(told.chance[heard[told.votes.statement]].astype(np.float64)).sum())


def _follow(count: Floats, usual: Floats, people: int) -> float:
    template = _held(count, usual, people)[0]
    return float(np.logaddexp.reduce(template)) - float(np.log(len(template)))


def _against_minority(count: Floats, usual: Floats, people: int) -> float:
    """Return by how much a crowd is more likely to think alike than to follow a template.

    People who think alike are at one on some statements and divided on others. The mixture of looser
    and closer statements that suits them best is held against a template that is turned as often
    everywhere.
    """
    minority = _held(count, usual, people)[1]
    high = minority.max(axis=1, keepdims=True, initial=-np.inf)
    odds = np.exp(minority - high)
    share = np.full(len(_LOOSENESS), 1 / len(_LOOSENESS))
    for _ in range(30 if len(odds) else 0):
        part = odds * share
        share = (part / part.sum(axis=1, keepdims=True)).mean(axis=0)
    return float((high[:, 0] + np.log(odds @ share)).sum()) - _follow(count, usual, people)


def _held(count: Floats, usual: Floats, people: int) -> tuple[Floats, Floats]:
    heard = _heard(count, people)
    count = count[heard]
    middle = np.clip(usual[heard] / count.sum(axis=1), 0.02, 0.98)
    template, minority = np.zeros(len(_ANY_TURNED)), np.zeros((len(middle), len(_LOOSENESS)))
    template_kernel.compiled().held(
        count[:, 0], count[:, 1], middle, _ANY_TURNED, _LOOSENESS, template, minority
    )
    return template, minority
