"""A map brought up to date with some people's newest votes, without looking at everybody's."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from commonweal.engine.opinion import group_kernel, lists, share_kernel
from commonweal.engine.opinion.model import Floats, Model, refreshed
from commonweal.engine.opinion.overview import Overview
from commonweal.engine.opinion.shares import Shares, told
from commonweal.engine.opinion.votes import Votes

_NONE = np.zeros(0)
_EVERY = 2**62
_NO_COUNTS = np.zeros((0, 0, 0))


@dataclass(frozen=True, eq=False)
class Kept:
    """A map, and the sums that it takes to renew it.

    Parameters
    ----------
    found : Overview
        The map.
    shown : float64 array, shape (votes,)
        With which chance each statement was shown, as in :func:`shares`.
    overall, by_group : float64 arrays, shapes (statements, 5, 1) and (statements, 5, groups)
        Weighted disagreements, passes, agreements, the squares of their weights, and how many votes
        there are.
    """

    found: Overview
    shown: Floats
    overall: Floats
    by_group: Floats


def kept(found: Overview, shown: ArrayLike) -> Kept:
    """Add up what it takes to renew a map.

    Parameters
    ----------
    found : Overview
        A map.
    shown : float array, shape (votes,)
        As it was given to :func:`overview`.

    Returns
    -------
    Kept

    Notes
    -----
    Time O(votes x groups).

    References
    ----------
    As :func:`shares`.

    Examples
    --------
    >>> from commonweal.engine.opinion import overview
    >>> votes = Votes.from_log(range(30), [7] * 30, [1] * 27 + [-1] * 3)
    >>> kept(overview(votes, np.random.default_rng(0)), np.ones(30)).overall[0, :, 0].tolist()
    [3.0, 0.0, 27.0, 30.0, 30.0]
    """
    given = np.asarray(shown, dtype=np.float64)
    return Kept(found, given, *_sums(found.votes, found.member, found.mixture.rate, given))


def renewed(state: Kept, fresh: Votes, shown: ArrayLike, *, rejected: ArrayLike = ()) -> Kept:
    """Bring a map up to date with all the votes of those people who voted since.

    Parameters
    ----------
    state : Kept
        As it was.
    fresh : Votes
        Every vote of those who cast, changed or took back one since: the older ones of theirs too.
    shown : float array, shape (votes,)
        With which chance each of these was shown.
    rejected : array, optional
        As in :func:`overview`.

    Returns
    -------
    Kept
        People and statements may be new. The number of dimensions and of groups, what each group
        thinks, and the short list stay as they were: work the map out anew now and then. Common ground
        and dividing lines are listed to their ends.

    Raises
    ------
    ValueError
        If shapes disagree.

    Notes
    -----
    Time O(votes of these people), and a copy of all votes.

    References
    ----------
    Neal and Hinton (1998), "A view of the EM algorithm that justifies incremental, sparse, and other
    variants".

    Examples
    --------
    >>> from commonweal.engine.opinion import overview
    >>> votes = Votes.from_log(range(30), [7] * 30, [1] * 27 + [-1] * 3)
    >>> state = kept(overview(votes, np.random.default_rng(0)), np.ones(30))
    >>> later = renewed(state, Votes.from_log([29, 30], [7, 7], [1, 0]), np.ones(2))
    >>> later.found.votes.tallies.tolist(), later.overall[0, 4].tolist()
    ([[2, 1, 28]], [31.0])
    """
    given = np.asarray(shown, dtype=np.float64)
    if given.shape != (len(fresh),):
        raise ValueError(f"shown has shape {given.shape}, expected {(len(fresh),)}")
    old = _widened(state, fresh)
    before = old.found.votes
    people = before.places_of_people(fresh.people)
    gone = before.among(people)
    gone_shown = old.shown[_rows(before, people)]
    mixture = old.found.mixture
    less = _sums(gone, mixture.member[people], mixture.rate, gone_shown)
    votes, chance = _exchanged(old, fresh, people, given)
    model = refreshed(old.found.model, votes, people)
    few = votes.among(people)
    member = mixture.member.copy()
    member[people] = _placed(few, mixture.rate, mixture.share)
    more = _sums(few, member[people], mixture.rate, given)
    overall, by_group = (
        was - out + new
        for was, out, new in zip((old.overall, old.by_group), less, more, strict=True)
    )
    whole, split = _shares(overall), _shares(by_group)
    allowed = ~np.isin(votes.statements, np.asarray(rejected)) & (overall[:, 4, 0] > 0.5)
    found = replace(
        old.found,
        votes=votes,
        model=model,
        mixture=replace(mixture, member=member),
        overall=whole,
        by_group=split,
        common_ground=lists.common_ground(split, allowed, most=_EVERY),
        dividing=lists.dividing_lines(split, allowed, most=_EVERY),
        group_statements=lists.special_to_groups(split, allowed),
        unsure=lists.unsure(whole, allowed),
    )
    return Kept(found, chance, overall, by_group)


def _shares(sums: Floats) -> Shares:
    return told(np.maximum(sums[:, :4], 0.0), np.maximum(sums[:, 4], 0.0))


def _sums(votes: Votes, member: Floats, rate: Floats, shown: Floats) -> tuple[Floats, Floats]:
    """Add up votes overall and by group."""
    one = np.ones((len(votes.people), 1))
    alone = np.zeros((len(votes.statements), 1))
    overall = _counted(votes, one, alone, shown)
    return overall, _counted(votes, member, rate, shown) if member.shape[1] > 1 else overall


def _counted(votes: Votes, member: Floats, rate: Floats, shown: Floats) -> Floats:
    sums = np.zeros((len(votes.statements), 5, member.shape[1]))
    run = share_kernel.compiled().counts
    first = np.zeros((len(votes.statements), 4, member.shape[1]))
    run(votes.start, votes.statement, votes.value, member, rate, 1 / shown, _NONE, first)
    sums[:, :4] = first
    plain = np.zeros_like(first)
    run(votes.start, votes.statement, votes.value, member, rate, _NONE, _NONE, plain)
    sums[:, 4] = plain[:, :3].sum(axis=1)
    return sums


def _placed(votes: Votes, rate: Floats, share: Floats) -> Floats:
    """Place people in groups whose rates are known."""
    member = np.empty((len(votes.people), len(share)))
    chance = np.log(np.stack((1 - rate, rate), axis=1))
    group_kernel.compiled().step(
        votes.start, votes.statement, votes.value, chance, np.log(share), member, _NO_COUNTS
    )
    return member


def _rows(votes: Votes, people: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return which votes are those of these people."""
    count = np.diff(votes.start)[people]
    begin = np.concatenate(([0], np.cumsum(count)[:-1])).astype(np.int64)
    return np.repeat(votes.start[people] - begin, count) + np.arange(count.sum())


def _widened(state: Kept, fresh: Votes) -> Kept:
    """Make room for people and statements that nobody knew of."""
    found, votes = state.found, state.found.votes
    people = np.setdiff1d(fresh.people, votes.people)
    statements = np.setdiff1d(fresh.statements, votes.statements)
    if not len(people) and not len(statements):
        return state
    who = np.searchsorted(votes.people, people)
    what = np.searchsorted(votes.statements, statements)
    known = np.arange(len(votes.statements))
    known += np.searchsorted(what, known, side="right")
    model = found.model
    stranger, unknown = len(model.mean) - 1, len(model.first) - 1
    mixture = found.mixture

    def more(rows: Floats, at: NDArray[np.int64], like: ArrayLike) -> Floats:
        return np.insert(rows, at, like, axis=0) if len(at) else rows

    wide: Model = replace(
        model,
        mean=more(model.mean, who, model.mean[stranger]),
        spread=more(model.spread, who, model.spread[stranger]),
        first=more(model.first, what, model.first[unknown]),
        second=more(model.second, what, model.second[unknown]),
    )
    short = replace(found.short_list, statements=known[found.short_list.statements])
    narrow = votes.statement.dtype if len(votes.statements) + len(what) < 2**16 else np.int32
    wider = Votes(
        np.insert(votes.people, who, people),
        np.insert(votes.statements, what, statements),
        np.insert(votes.start, who, votes.start[who]),
        known[votes.statement].astype(narrow) if len(what) else votes.statement,
        votes.value,
    )
    return Kept(
        replace(
            found,
            votes=wider,
            model=wide,
            mixture=replace(
                mixture,
                member=more(mixture.member, who, mixture.share),
                rate=more(mixture.rate, what, 0.5),
            ),
            short_list=short,
        ),
        state.shown,
        more(state.overall, what, 0.0),
        more(state.by_group, what, 0.0),
    )


def _exchanged(
    old: Kept, fresh: Votes, people: NDArray[np.int64], shown: Floats
) -> tuple[Votes, Floats]:
    """Put the newest votes of some people where their older ones stood."""
    votes = old.found.votes
    gone = np.ones(len(votes), dtype=np.bool_)
    gone[_rows(votes, people)] = False
    count = np.diff(votes.start)
    count[people] = 0
    at = np.repeat(np.concatenate(([0], np.cumsum(count)))[people], np.diff(fresh.start))
    count[people] = np.diff(fresh.start)
    start = np.concatenate(([0], np.cumsum(count))).astype(np.int64)
    what = votes.places_of_statements(fresh.statements)[fresh.statement]
    new = np.zeros(start[-1], dtype=np.bool_)
    new[at + np.arange(len(at))] = True
    old_rows = ~new

    def put(before: NDArray[Any], now: NDArray[Any]) -> NDArray[Any]:
        both = np.empty(len(new), dtype=before.dtype)
        both[old_rows], both[new] = before[gone], now
        return both

    changed = Votes(
        votes.people,
        votes.statements,
        start,
        put(votes.statement, what),
        put(votes.value, fresh.value),
    )
    return changed, put(old.shown, shown)
