"""Instant run-off: the last one leaves, and those ballots go on to their next preference."""

from typing import Any

import numpy as np

from commonweal.engine.voting.greedy import BY_DEFAULT
from commonweal.engine.voting.outcome import Outcome
from commonweal.engine.voting.profile import Profile
from commonweal.engine.voting.ranks import Papers, Piles, earlier, without_money
from commonweal.engine.voting.ties import Tie, TieRule


def instant_runoff(profile: Profile, budget: int = 1, *, ties: TieRule = BY_DEFAULT) -> Outcome:
    """Eliminate the option with the fewest votes until one has more than half.

    Each ballot counts for the option it prefers among those that are left. As soon as one has more
    than half of the ballots that still name one, it wins.

    Of several options with the fewest votes, the one that had the fewest in the latest earlier
    round in which they differed is eliminated; if they never differed, the last of them in the
    published order of ties.

    Parameters
    ----------
    profile : Profile
        Ranked ballots (``value`` is the place, 1 first), complete or not, without equal places; or
        ballots with one mark. Costs are not read.
    budget : int
        How many are chosen: only 1.
    ties : TieRule, optional
        The order of ties; its first wins.

    Returns
    -------
    Outcome
        ``detail["rounds"]`` has for each round the ``votes`` of those left, the ballots
        ``exhausted``, who was ``eliminated`` or ``elected``, and the ``majority`` that was needed.
        In a tie the ``chosen`` one is the one eliminated.

    Raises
    ------
    ValueError
        If another number than 1 is to be chosen, or a ballot has no strict order.

    Notes
    -----
    Identical ballots are counted once. Time O(marks log marks + options x classes), memory
    O(marks). Options on no ballot are not in the count.

    References
    ----------
    Brandt and others, editors (2016), "Handbook of Computational Social Choice", section 2.4.2
    (single transferable vote with one winner). Elimination by earlier rounds is usual in British
    and Irish rules.

    Examples
    --------
    >>> profile = Profile.from_pairs(
    ...     ["a", "b", "c"], [1, 1, 1], project=list("aabbcb"), ballot=[1, 2, 3, 4, 5, 5],
    ...     value=[1, 1, 1, 1, 1, 2],
    ... )
    >>> outcome = instant_runoff(profile)
    >>> outcome.ids[outcome.order].tolist(), outcome.detail["rounds"][0]["eliminated"]
    (['b'], 'c')
    """
    if budget != 1:
        raise ValueError(
            f"instant run-off chooses 1 option, not {budget!r}; for more choose by scottish stv"
        )
    unit, _ = without_money(profile, budget)
    piles = Piles(Papers.strict(profile, "instant run-off"), len(unit.ids))
    left = np.flatnonzero(unit.votes).tolist()
    name = [str(option) for option in unit.ids]
    rank = ties.rank(unit).tolist()
    cast = sum(piles.count())
    history: list[list[int]] = []
    rounds: list[dict[str, Any]] = []
    met: list[Tie] = []
    order: list[int] = []
    while left and not order:
        votes = piles.count()
        history.append(votes)
        live = sum(votes[p] for p in left)
        told = {"votes": {name[p]: votes[p] for p in left}, "exhausted": cast - live}
        rounds.append(told | {"majority": live // 2 + 1, "eliminated": None, "elected": None})
        best = max(left, key=lambda p: votes[p])
        if votes[best] > live // 2 or len(left) == 1:
            order = [best]
            rounds[-1]["elected"] = name[best]
            break
        last = _last(left, votes, history, rank, unit, ties, met)
        rounds[-1]["eliminated"] = name[last]
        left.remove(last)
        piles.move(last)
    return Outcome(
        rule="instant-runoff",
        profile=unit,
        budget=1,
        order=np.array(order, dtype=np.int64),
        ties=tuple(met),
        detail={"rounds": rounds},
    )


def _last(
    left: list[int],
    votes: list[int],
    history: list[list[int]],
    rank: list[int],
    profile: Profile,
    ties: TieRule,
    met: list[Tie],
) -> int:
    """Return who is eliminated, and note a tie."""
    fewest = min(votes[p] for p in left)
    tied = [p for p in left if votes[p] == fewest]
    narrowed = earlier(tied, history, -1)
    narrowed.sort(key=lambda p: rank[p])
    if len(tied) > 1:
        by = "earlier-round" if len(narrowed) == 1 else ties.decided_by(profile, narrowed[-2:])
        met.append(Tie(tuple(sorted(tied, key=lambda p: rank[p])), narrowed[-1], by))
    return narrowed[-1]
