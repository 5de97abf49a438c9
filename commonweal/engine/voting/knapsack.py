"""Knapsack ballots: every penny of the budget goes where the most voters put a penny."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.greedy import BY_DEFAULT
from commonweal.engine.voting.outcome import Outcome
from commonweal.engine.voting.profile import Profile, whole_budget
from commonweal.engine.voting.ties import Tie, TieRule

LASTS = ("part", "leave", "skip")


def knapsack(
    profile: Profile,
    budget: int,
    *,
    last: str = "part",
    amounts: bool = False,
    ties: TieRule = BY_DEFAULT,
) -> Outcome:
    """Count ballots on which each voter has spent the whole budget as she would.

    A voter who gives ``n`` pence to a project votes for each of its first ``n`` pence. The pence
    with the most votes are funded until the budget is used up. A voter who only ticks a project
    gives it its cost, so that all its pence have equally many votes.

    Parameters
    ----------
    profile : Profile
        Ballots, each of which costs no more than the budget.
    budget : int
        Whole pence, above 0.
    last : {"part", "leave", "skip"}
        What happens at the first pence that cost more than is left. ``part``, the rule as
        published: they get what is left. ``leave``: the count ends and the money stays. ``skip``:
        the count goes on with what fits.
    amounts : bool
        ``profile.value`` holds the pence that each mark gives, up to the project's cost. Default:
        marks are ticks, and values are not read.
    ties : TieRule, optional
        Whose pence go first where votes are equal.

    Returns
    -------
    Outcome
        The winners are the projects that got their whole cost. ``detail["amounts"]`` has what each
        project gets, ``detail["in_part"]`` lists those that get something but not all, and
        ``detail["spent"]`` counts both.

    Raises
    ------
    ValueError
        If a ballot costs more than the budget, gives more than a project's cost or less than
        nothing, there are no amounts though asked for, or a name is unknown.

    Notes
    -----
    Time O(marks log marks), memory O(marks).

    References
    ----------
    Goel, Krishnaswamy, Sakshuwong and Aitamurto (2019), "Knapsack Voting for Participatory
    Budgeting", ACM Transactions on Economics and Computation 7(2). Its proof that nobody
    gains by a false ballot needs ``part``.

    Examples
    --------
    >>> profile = Profile.from_pairs(
    ...     ["a", "b"], [60, 70], project=list("aab"), ballot=[1, 2, 3]
    ... )
    >>> outcome = knapsack(profile, 100)
    >>> outcome.ids[outcome.order].tolist(), outcome.detail["amounts"]
    (['a'], {'a': 60, 'b': 40})
    >>> outcome.detail["in_part"]
    [{'project': 'b', 'pence': 40, 'of': 70}]
    """
    pence = whole_budget(budget)
    if last not in LASTS:
        raise ValueError(f"last must be one of {', '.join(LASTS)}, not {last!r}")
    given = _given(profile, amounts)
    _refuse_over(profile, given, pence)
    rank: list[int] = ties.rank(profile).tolist()
    queue = sorted(_slices(profile, given), key=lambda s: (-s.votes, rank[s.project]))
    spent = _spend(queue, profile, pence, last)
    return Outcome(
        rule="knapsack",
        profile=profile,
        budget=pence,
        order=np.array(spent.order, dtype=np.int64),
        at_turn=spent.left,
        ties=tuple(_ties(queue[: spent.turns], queue, profile, ties)),
        detail=_told(profile, spent.got, last),
    )


@dataclass(frozen=True)
class _Slice:
    """Pence of one project that have equally many votes, ``top`` the last of them."""

    project: int
    votes: int
    pence: int
    top: int


@dataclass
class _Spent:
    order: list[int]
    got: list[int]
    left: NDArray[np.int64]
    turns: int


def _given(profile: Profile, amounts: bool) -> NDArray[np.int64]:
    """Return the pence that each mark gives."""
    cost = np.repeat(profile.cost, profile.votes)
    if not amounts:
        return cost
    if profile.value is None:
        raise ValueError("the ballots carry no amounts; count them with amounts off")
    wrong = (profile.value < 0) | (profile.value > cost)
    if wrong.any():
        raise ValueError(
            f"ballot {profile.voter[wrong.argmax()]} gives a project less than nothing or more "
            "than it costs; correct it"
        )
    return profile.value


def _refuse_over(profile: Profile, given: NDArray[np.int64], budget: int) -> None:
    total = np.zeros(profile.voters, dtype=np.int64)
    np.add.at(total, profile.voter, given)  # costs add up to less than 2**60 over all projects
    over = total > budget
    if over.any():
        raise ValueError(
            f"ballot {over.argmax()} (counted from 0) spends more than the budget, as do "
            f"{np.count_nonzero(over) - 1} more; correct them, or count approvals with greedy"
        )


def _slices(profile: Profile, given: NDArray[np.int64]) -> list[_Slice]:
    """Cut each project's pence where the number of votes changes."""
    found = []
    for p, votes in enumerate(profile.votes.tolist()):
        if not votes:
            continue
        tops, counts = np.unique(given[profile.start[p] : profile.start[p + 1]], return_counts=True)
        before = 0
        for top, count in zip(tops.tolist(), counts.tolist(), strict=True):
            if top or not profile.cost[p]:
                found.append(_Slice(p, votes, top - before, top))
            votes, before = votes - count, top
    return found


def _spend(queue: list[_Slice], profile: Profile, money: int, last: str) -> _Spent:
    cost: list[int] = profile.cost.tolist()
    got, order, turns = [0] * len(cost), [], 0
    left = np.full(len(cost), -1, dtype=np.int64)
    closed = [False] * len(cost)  # pence further up wait for those below
    for part in queue:
        p = part.project
        if closed[p]:
            continue
        if last == "part" and money == 0 and part.pence:
            break
        turns += 1
        left[p] = money + got[p]
        paid = part.pence if part.pence <= money else money if last == "part" else 0
        got[p] += paid
        money -= paid
        if paid < part.pence:
            closed[p] = True
            if last == "leave":
                break
        elif part.top == cost[p]:
            order.append(p)
    return _Spent(order, got, left, turns)


def _told(profile: Profile, got: list[int], last: str) -> dict[str, Any]:
    name = [str(project) for project in profile.ids.tolist()]
    cost = profile.cost.tolist()
    return {
        "last": last,
        "spent": sum(got),
        "amounts": {name[p]: pence for p, pence in enumerate(got) if pence},
        "in_part": [
            {"project": name[p], "pence": pence, "of": cost[p]}
            for p, pence in enumerate(got)
            if 0 < pence < cost[p]
        ],
    }


def _ties(seen: list[_Slice], queue: list[_Slice], profile: Profile, rule: TieRule) -> list[Tie]:
    """Record each group of projects with pence of equally many votes, if their turn came."""
    groups: dict[int, list[int]] = {part.votes: [] for part in seen}
    for part in queue:
        if part.votes in groups:
            groups[part.votes].append(part.project)
    return [
        Tie(tuple(tied), tied[0], rule.decided_by(profile, tied))
        for tied in groups.values()
        if len(tied) > 1
    ]
