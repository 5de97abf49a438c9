"""Greedy: most votes first, skipping what does not fit."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.outcome import Outcome
from commonweal.engine.voting.profile import Profile, whole_budget
from commonweal.engine.voting.ties import Tie, TieRule

BY_DEFAULT = TieRule()


def greedy(profile: Profile, budget: int, *, ties: TieRule = BY_DEFAULT) -> Outcome:
    """Fund the projects with the most votes, skipping each that no longer fits.

    A project without votes is never funded.

    Parameters
    ----------
    profile : Profile
        Ballots; only the number of votes of each project is read.
    budget : int
        Whole pence, above 0.
    ties : TieRule, optional
        Who goes first among projects with equally many votes.

    Returns
    -------
    Outcome

    Raises
    ------
    ValueError
        If the budget is not a whole number above 0.

    Notes
    -----
    Time O(projects log projects).

    References
    ----------
    Rey, Schmidt and Maly (2023), "The (Computational) Social Choice Take on Indivisible
    Participatory Budgeting", section 3.2: greedy by approval score. Skipping what does not fit is
    the usual practice of cities; some stop there instead, which is another rule.

    Examples
    --------
    >>> profile = Profile.from_pairs(
    ...     ["a", "b", "c"], [70, 60, 30], project=list("aaabbc"), ballot=[1, 2, 3, 1, 2, 3]
    ... )
    >>> outcome = greedy(profile, 100)
    >>> outcome.ids[outcome.order].tolist(), outcome.spent, outcome.shortfall.tolist()
    (['a', 'c'], 100, [0, 30, 0])
    """
    pence = whole_budget(budget)
    filled = fill(profile, pence, ties, taken=())
    return Outcome(
        rule="greedy",
        profile=profile,
        budget=pence,
        order=np.array(filled.order, dtype=np.int64),
        at_turn=filled.left,
        ties=filled.ties,
    )


@dataclass(frozen=True)
class Filled:
    """What greedy funded, what was left at each project's turn (-1: none), and the ties."""

    order: list[int]
    left: NDArray[np.int64]
    ties: tuple[Tie, ...]


def fill(profile: Profile, money: int, ties: TieRule, taken: tuple[int, ...]) -> Filled:
    """Spend money on supported projects by votes, leaving out those already taken."""
    votes, cost = profile.votes.tolist(), profile.cost.tolist()
    rank = ties.rank(profile).tolist()
    gone = set(taken)
    queue = sorted(
        (p for p in range(len(cost)) if votes[p] and p not in gone),
        key=lambda p: (-votes[p], rank[p]),
    )
    left = np.full(len(cost), -1, dtype=np.int64)
    order = []
    for p in queue:
        left[p] = money
        if cost[p] <= money:
            money -= cost[p]
            order.append(p)
    return Filled(order, left, tuple(_ties(queue, votes, profile, ties)))


def _ties(queue: list[int], votes: list[int], profile: Profile, rule: TieRule) -> list[Tie]:
    """Record each group of equally many votes once."""
    groups: dict[int, list[int]] = {}
    for p in queue:
        groups.setdefault(votes[p], []).append(p)
    return [
        Tie(tuple(tied), tied[0], rule.decided_by(profile, tied))
        for tied in groups.values()
        if len(tied) > 1
    ]
