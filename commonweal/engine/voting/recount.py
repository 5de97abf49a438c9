"""Counting a changed election again from the start, by any rule."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.changed import with_approvals, with_ballots, with_cost
from commonweal.engine.voting.outcome import Outcome
from commonweal.engine.voting.profile import Profile

if TYPE_CHECKING:
    from commonweal.engine.voting.rule import Rule


class Recount:
    """Full counts of one election with one change. Every answer is sure.

    Parameters
    ----------
    outcome : Outcome
        The count as it was.
    rule : Rule
        What it was counted by.
    """

    def __init__(self, outcome: Outcome, rule: "Rule") -> None:
        self._outcome, self._profile = outcome, outcome.profile
        self._count = rule.counter(outcome.budget)
        self._places = rule.counts_seats or (rule.satisfaction or "").startswith("borda")
        self._seats = rule.counts_seats
        # Greedy by votes reads how many voted for a project, and never who.
        self._votes_only = (
            rule.name == "greedy"
            and rule.measure in (None, "votes", "votes-per-cost")
            and rule.limits is None
        )
        self._line: tuple[int, NDArray[np.int64]] | None = None

    def effort(self) -> int:
        """Return 0: there is no other way to be had."""
        return 0

    def price(self, project: int, cost: int, *, fully: bool = True) -> bool:
        """Tell whether the project wins at this price."""
        if self._seats:
            return False
        return self._wins(with_cost(self._profile, project, cost), project)

    def approved(self, project: int, more: int, *, fully: bool = True) -> bool:
        """Tell whether it wins when so many more voters approve it, in the order of the line.

        On a ranked ballot it comes last; where marks have points, it gets what is usual for it.
        """
        if self._votes_only:
            return self._wins(self._with_votes(project, more, 0), project)
        if self._line is None or self._line[0] != project:
            self._line = project, line_for(self._outcome, project)
        value = len(self._profile.ids) if self._places else None
        changed = with_approvals(self._profile, project, self._line[1][:more], value=value)
        return self._wins(changed, project)

    def with_more(self, project: int, ballots: int, *, fully: bool = True) -> bool:
        """Tell whether it wins with so many more ballots for it alone."""
        if self._votes_only:
            return self._wins(self._with_votes(project, ballots, ballots), project)
        value = 1 if self._places else None
        return self._wins(with_ballots(self._profile, project, ballots, value=value), project)

    def guesses(self, project: int) -> tuple[list[int], int, int]:
        """Return a price and numbers at which the project's turn would just have come in time."""
        left = self._outcome.left
        price = int(left[project]) if left[project] >= 0 else int(self._outcome.cost[project]) // 2
        outcome = self._outcome
        votes = rooms_in_time(outcome.left, outcome.votes, outcome.cost, project)
        return [price], votes, votes

    def _with_votes(self, project: int, votes: int, voters: int) -> Profile:
        start = self._profile.start.copy()
        start[project + 1 :] += votes
        return replace(self._profile, start=start, voters=self._profile.voters + voters)

    def _wins(self, changed: Profile, project: int) -> bool:
        return bool(self._count(changed).funded[project])


def rooms_in_time(
    left: NDArray[np.int64], votes: NDArray[np.int64], cost: NDArray[np.int64], project: int
) -> int:
    """Return how many more votes would have had a project's turn come while there was money for it.

    Found from what was left at each turn (-1: no turn); at least 1. Ties may make it one more.
    """
    rivals = (left >= cost[project]) & (votes >= votes[project])
    rivals[project] = False
    level = int(votes[rivals].min()) if rivals.any() else int(votes.max(initial=0))
    return max(1, level - int(votes[project]))


def line_for(outcome: Outcome, project: int) -> NDArray[np.int64]:
    """Return the ballots without this project: by what they got, least first, then by number."""
    profile = outcome.profile
    got = np.zeros(profile.voters, dtype=np.int64)
    for p in outcome.order.tolist():
        got[profile.voter[profile.start[p] : profile.start[p + 1]]] += profile.cost[p]
    order = np.argsort(got, kind="stable")
    backs = np.zeros(profile.voters, dtype=bool)
    backs[profile.voter[profile.start[project] : profile.start[project + 1]]] = True
    return order[~backs[order]].astype(np.int64)
