"""Accounts that answer the same few statements and nothing else, all to one end."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.opinion import guard_kernel
from commonweal.engine.opinion.cliques import HANDFUL, Clique
from commonweal.engine.opinion.model import Floats, Model, fit, sample_of
from commonweal.engine.opinion.votes import Votes

FEWEST_VOTES = 3
FEWEST_ACCOUNTS = 5
_INSIDE = 0.8  # who casts so many of their votes on the same statements is asked
_HEARD = 0.3  # a statement belongs to those of a crowd if so many of them voted on it
_TURNED = 0.05
_SHARES = np.array([0.05, 0.15, 0.4, 0.7, 0.95])  # of those asked, who may push
_ONE_PLACE = 0.5  # so many of those asked may come from the one place on the map that suits best
_BANDS, _TAKE, _MOST_TRIED = 8, 3, 16
_PLACES, _FEWEST_PLACES = 300, 20
_SAMPLE, _SWEEPS = 50_000, 10


class _Asked(NamedTuple):
    """Who votes on some statements and hardly anything else: who agrees and who disagrees with what."""

    people: NDArray[np.intp]
    statements: NDArray[np.intp]
    agree: Floats
    disagree: Floats


def handfuls(
    votes: Votes, begun: NDArray[np.int64] | None, dimensions: int, least: int, chance: float
) -> list[Clique]:
    """Find crowds that push the same few statements; the arguments are those of :func:`raised`."""
    said = np.bincount(votes.person[votes.value != 0], minlength=len(votes.people))
    few = np.flatnonzero((said >= FEWEST_VOTES) & (said < least))
    many = np.flatnonzero(said >= least)
    if len(few) < FEWEST_ACCOUNTS or len(many) < _FEWEST_PLACES:
        return []
    rng = np.random.default_rng(0)  # who meets whom must be the same always
    known = votes.among(few)
    known = known.chosen(known.value != 0)
    rate = (votes.agrees + 1) / (votes.agrees + votes.disagrees + 2)
    crowds, tried = _buckets(known, rate, rng)
    if not crowds:
        return []
    others = sample_of(votes.among(many), rng, most_votes=_SAMPLE)
    model = fit(others, dimensions=dimensions, sweeps=_SWEEPS)
    found: list[Clique] = []
    for crowd in crowds:
        clique = _judged(votes, begun, few, known, crowd, model, tried, chance)
        if clique is not None and clique not in found:
            found.append(clique)
    return found


def _buckets(
    votes: Votes, rate: Floats, rng: np.random.Generator
) -> tuple[list[NDArray[np.intp]], int]:
    """Return crowds who said the same on three statements more often than who answered those would.

    Also return how many there were to choose from.
    """
    people = np.arange(len(votes.people))
    bands = np.arange(_BANDS)
    rank = np.array([rng.permutation(len(votes.statements)) for _ in bands], dtype=np.int64)
    said = np.empty((_BANDS, len(people)), dtype=np.uint64)
    heard = np.empty_like(said)
    keys = guard_kernel.compiled().keys
    keys(votes.start, votes.statement, votes.value, people, rank, _TAKE, said)
    keys(votes.start, votes.statement, np.ones_like(votes.value), people, rank, _TAKE, heard)
    told = np.log(np.where(votes.value > 0, rate[votes.statement], 1 - rate[votes.statement]))
    usual = _TAKE * np.bincount(votes.person, weights=told) / np.diff(votes.start)
    scored: list[tuple[float, int, int, NDArray[np.intp]]] = []
    tried = 1
    for band in bands.tolist():
        asked = np.unique(heard[band], return_inverse=True, return_counts=True)
        whole = asked[2][asked[1]]
        order = np.argsort(said[band], kind="stable")
        begin = np.flatnonzero(np.diff(said[band][order], prepend=said[band][order][:1] + 1))
        size = np.diff(np.append(begin, len(order)))
        odds = np.add.reduceat(usual[order], begin) / size
        ratio = size / whole[order[begin]]
        score = size * (np.log(ratio) - odds)
        tried += len(begin)
        for b in np.argsort(-score, kind="stable")[:_MOST_TRIED].tolist():
            if size[b] >= FEWEST_ACCOUNTS - 2 and score[b] > 0:
                crowd = np.sort(order[begin[b] : begin[b] + size[b]])
                scored.append((-float(score[b]), band, b, crowd))
    scored.sort(key=lambda each: each[:3])
    return [crowd for *_rest, crowd in scored[:_MOST_TRIED]], tried


def _judged(
    votes: Votes,
    begun: NDArray[np.int64] | None,
    few: NDArray[np.intp],
    known: Votes,
    crowd: NDArray[np.intp],
    model: Model,
    tried: int,
    chance: float,
) -> Clique | None:
    """Say whether too many of those who voted on the same few statements said the same there.

    Which statements came before whom is taken as it is: only what those people said there counts.
    """
    asked = _asked(known, crowd)
    mine = np.isin(asked.people, crowd)
    pushed = asked.agree[mine].sum(axis=0) >= asked.disagree[mine].sum(axis=0)
    same = np.where(pushed, asked.agree, asked.disagree).sum(axis=1)
    cast = (asked.agree + asked.disagree).sum(axis=1)
    usual = _usual(asked, model, same == cast)
    follow = same * np.log(1 - _TURNED) + (cast - same) * np.log(_TURNED)
    odds = np.exp(np.minimum(follow - usual, 600))
    told = np.log1p(_SHARES[:, None] * (odds - 1)).sum(axis=1)
    best = int(told.argmax())
    part = _SHARES[best] * odds
    members = np.flatnonzero((part > 9 * (1 - _SHARES[best])) & (same >= cast - 1))
    bound = float(np.log(len(_SHARES) * tried) + len(pushed) * np.log(2) - told[best])
    if bound > np.log(chance) or len(members) < FEWEST_ACCOUNTS:
        return None
    places = few[asked.people[members]]
    agree, disagree = asked.agree[members].sum(axis=0), asked.disagree[members].sum(axis=0)
    pairs = len(members) * (len(members) - 1)
    both = float(((agree + disagree) * (agree + disagree - 1)).sum())
    alike = float((agree * (agree - 1) + disagree * (disagree - 1)).sum())
    odd = np.exp(usual[members].sum() / cast[members].sum())
    began = None if begun is None else begun[places]
    return Clique(
        HANDFUL,
        tuple(places.tolist()),
        int(np.diff(votes.start)[places].sum()),
        both / pairs,
        alike / max(both, 1.0),
        float(odd**2 + (1 - odd) ** 2),
        float(np.exp(bound)),
        None if began is None else int(began.min()),
        None if began is None else int(began.max()),
    )


def _asked(votes: Votes, crowd: NDArray[np.intp]) -> _Asked:
    """Return who cast nearly all their votes on the statements of a crowd, and those votes."""
    theirs = votes.among(crowd)
    count = np.bincount(theirs.statement, minlength=len(votes.statements))
    statements = np.flatnonzero(count >= max(2, _HEARD * len(crowd)))
    inside = np.isin(votes.statement, statements)
    there = np.bincount(votes.person[inside], minlength=len(votes.people))
    people = np.flatnonzero((there >= FEWEST_VOTES) & (there >= _INSIDE * np.diff(votes.start)))
    chosen = votes.chosen(inside).among(people)
    agree = np.zeros((len(people), len(statements)))
    agree[chosen.person, np.searchsorted(statements, chosen.statement)] = chosen.value
    return _Asked(people, statements, np.maximum(agree, 0), np.maximum(-agree, 0))


def _usual(asked: _Asked, model: Model, pushing: NDArray[np.bool_]) -> Floats:
    """Return how likely what each of these people said is by itself, as a logarithm.

    Half of them stand where people stand who voted more; the other half all stand at the one place that
    makes what those said who push most likely: a like-minded crowd is no sign.
    """
    places = model.positions.shape[0]
    some = np.unique(np.linspace(0, places - 1, min(places, _PLACES)).astype(np.intp))
    first = model.first[asked.statements]
    odds = model.mean[some] @ first[:, 1:].T + first[:, 0]
    told = -np.logaddexp(0, -odds) @ asked.agree.T - np.logaddexp(0, odds) @ asked.disagree.T
    best = told[:, pushing].sum(axis=1).argmax()
    anywhere = np.exp(told).mean(axis=0)
    usual: Floats = np.log(_ONE_PLACE * np.exp(told[best]) + (1 - _ONE_PLACE) * anywhere)
    return usual
