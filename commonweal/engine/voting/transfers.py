"""Cumulative support transfers: points are money, and what is not needed moves on."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np

from commonweal.engine.voting.greedy import BY_DEFAULT
from commonweal.engine.voting.outcome import Outcome
from commonweal.engine.voting.profile import Profile, whole_budget
from commonweal.engine.voting.satisfaction import of_worth
from commonweal.engine.voting.ties import Tie, TieRule
from commonweal.engine.voting.transfer_money import Span, TransferMoney, Unsure

VARIANTS = ("ewt", "ewtc", "mt", "mtc")


def transfers(
    profile: Profile, budget: int, *, variant: str = "mtc", ties: TieRule = BY_DEFAULT
) -> Outcome:
    """Let each voter's points stand for an equal part of the money, and move what is not needed.

    Every ballot is worth ``budget / voters``, split over its projects in proportion to its points.
    A project whose support reaches its cost is funded; what it does not need goes back to its
    supporters and on to the other projects on their ballots. Where no project has enough support,
    either the weakest is taken out and its support moves on (``ewt``, ``ewtc``), or one whose
    supporters have enough money altogether is helped by as little movement as will do (``mt``,
    ``mtc``).

    Parameters
    ----------
    profile : Profile
        Ballots with points; marks with 0 points are read as if they were not there.
    budget : int
        Whole pence, above 0.
    variant : {"mtc", "mt", "ewtc", "ewt"}
        With ``c``, the project with the most support *for its cost* is next; without, the one with
        the most support *beyond its cost*. ``mt``: minimal transfers, and at the end what still fits
        is accepted in the same order. ``ewt``: elimination with transfers of the project that lacks
        most, and at the end what still fits is brought back, the last one out first.
    ties : TieRule, optional
        Who goes first among equals, also who stays longer.

    Returns
    -------
    Outcome
        ``by_shares`` marks those funded by their support; ``detail["steps"]`` lists what happened,
        with the support of the project then, in pence rounded to six decimals.

    Raises
    ------
    ValueError
        If the budget is not a whole number above 0, the variant is unknown, the ballots carry no
        points, or two amounts cannot be told apart even with a million binary digits.

    Notes
    -----
    Counted first in whole numbers with 512 binary digits to spare, rounded both down and up; where the
    bounds do not decide, everything is counted again in fractions. Time O(marks) for each step.
    A project that costs nothing is funded at once if it has points; one without points never.

    References
    ----------
    Skowron, Slinko, Szufa and Talmon (2020), "Participatory Budgeting with Cumulative Votes",
    sections 4 and 5; in print 2025.

    Examples
    --------
    Two voters have 50 pence each. The first gives 30 to a and 20 to b, the second all to b. So b has
    70 and needs 50. The first voter gets 5.71 back, which moves to a; the second wants nothing else.
    Then a is short of its cost, but it fits into what is left.

    >>> profile = Profile.from_pairs(
    ...     ["a", "b"], [50, 50], project=["a", "b", "b"], ballot=[1, 1, 2], value=[6, 4, 5]
    ... )
    >>> outcome = transfers(profile, 100)
    >>> [(step["what"], step["project"], step["support"]) for step in outcome.detail["steps"]]
    [('funded', 'b', '70.000000'), ('accepted', 'a', '35.714286')]
    """
    pence = whole_budget(budget)
    if variant not in VARIANTS:
        raise ValueError(f"variant must be one of {', '.join(VARIANTS)}, not {variant!r}")
    marks = of_worth(profile, "points")
    rank = ties.rank(profile).tolist()
    try:
        count = _Count(marks, pence, variant, rank, exact=False)
        count.run()
    except Unsure:
        count = _Count(marks, pence, variant, rank, exact=True)
        count.run()
    shared = np.zeros(len(profile.ids), dtype=bool)
    shared[count.won] = True
    return Outcome(
        rule="transfers",
        profile=profile,
        budget=pence,
        order=np.array(count.won + count.added, dtype=np.int64),
        satisfaction="points",
        by_shares=shared,
        at_turn=count.at_turn,
        ties=tuple(
            Tie(tied, tied[0], ties.decided_by(profile, tied), times)
            for tied, times in count.ties.items()
        ),
        detail={
            "variant": variant,
            "steps": [
                {"what": what, "project": str(profile.ids[p]), "support": support}
                for what, p, support in count.steps
            ],
        },
    )


class _Count:
    """One count from the first support to the last project that fits."""

    def __init__(
        self, marks: Profile, budget: int, variant: str, rank: list[int], *, exact: bool
    ) -> None:
        self.money = TransferMoney(marks, budget, exact=exact)
        self.cost: list[int] = marks.cost.tolist()
        self.rank, self.left = rank, budget
        self.eliminates, self.per_cost = variant.startswith("ewt"), variant.endswith("c")
        by_rank = sorted((p for p, n in enumerate(marks.votes.tolist()) if n), key=rank.__getitem__)
        self.free = [p for p in by_rank if not self.cost[p]]
        self.waiting = [p for p in by_rank if self.cost[p]]
        self.support: dict[int, Span] = {}
        self.won: list[int] = []
        self.added: list[int] = []
        self.out: list[int] = []
        self.steps: list[tuple[str, int, str]] = []
        self.ties: Counter[tuple[int, ...]] = Counter()
        self.at_turn = np.full(len(self.cost), -1, dtype=np.int64)

    def run(self) -> None:
        """Fund by support as long as that goes, then what still fits."""
        for project in self.free:
            self._note("funded", project, self.money.support(project))
            self.won.append(project)
            self.money.leave(project)
        while self.waiting:
            self.support = {p: self.money.support(p) for p in self.waiting}
            ready = [p for p in self.waiting if self._covers(p, self.support[p])]
            if ready:
                self._fund(self._best(ready), "funded")
            elif self.eliminates:
                self._eliminate()
            elif not self._move():
                break
        self._finish()

    def _fund(self, project: int, what: str) -> None:
        self._note(what, project, self.support[project])
        self.money.pay(project, self.cost[project])
        self.money.leave(project)
        self.waiting.remove(project)
        self.won.append(project)
        self.left -= self.cost[project]

    def _eliminate(self) -> None:
        """Take out the project that lacks most; of equals, the one that stands last."""
        worst = self._first(self.waiting, lambda p, q: self._lacks_more(p, q), last=True)
        self._note("eliminated", worst, self.support[worst])
        self.money.leave(worst)
        self.waiting.remove(worst)
        self.out.append(worst)

    def _move(self) -> bool:
        """Fund the best project whose supporters have the money; False if there is none."""
        able = [p for p in self.waiting if self._covers(p, self.money.within_reach(p))]
        if able:
            self._fund(self._best(able), "helped")
        return bool(able)

    def _finish(self) -> None:
        """Accept in order, or bring back, what fits into the rest of the budget."""
        while self.eliminates and self.out:
            self._add(self.out.pop(), "brought back")
        while self.waiting:
            best = self._best(self.waiting)
            self.waiting.remove(best)
            self._add(best, "accepted")

    def _add(self, project: int, what: str) -> None:
        self.at_turn[project] = self.left
        if self.cost[project] <= self.left:
            self._note(what, project, self.support.get(project, Span(0, 0)))
            self.added.append(project)
            self.left -= self.cost[project]

    def _covers(self, project: int, amount: Span) -> bool:
        cost = self.cost[project] * self.money.scale
        return not Span(cost, cost).beats(amount)

    def _best(self, projects: list[int]) -> int:
        return self._first(projects, self._goes_before, last=False)

    def _goes_before(self, one: int, other: int) -> bool:
        if self.per_cost:
            a, b = self.cost[other], self.cost[one]
            return _times(self.support[one], a).beats(_times(self.support[other], b))
        return self._beyond(one).beats(self._beyond(other))

    def _lacks_more(self, one: int, other: int) -> bool:
        return self._beyond(other).beats(self._beyond(one))

    def _beyond(self, project: int) -> Span:
        cost = self.cost[project] * self.money.scale
        low, high = self.support[project]
        return Span(low - cost, high - cost)

    def _first(self, projects: list[int], beats: Callable[[int, int], bool], *, last: bool) -> int:
        """Return the project that no other beats; of equals the first in order, or the last."""
        tied: list[int] = []
        for p in projects:
            if tied and self._alike(p, tied[0]):
                tied.append(p)
            elif not tied or beats(p, tied[0]):
                tied = [p]
            elif not beats(tied[0], p):
                tied.append(p)
        tied.sort(key=self.rank.__getitem__)
        if last:
            tied.reverse()
        if len(tied) > 1:
            self.ties[tuple(tied)] += 1
        return tied[0]

    def _alike(self, one: int, other: int) -> bool:
        return self.cost[one] == self.cost[other] and self.money.same(one, other)

    def _note(self, what: str, project: int, support: Span) -> None:
        micros = round(support.low * 10**6 / self.money.scale) if support.low else 0
        self.steps.append((what, project, f"{micros // 10**6}.{micros % 10**6:06d}"))


def _times(amount: Span, factor: Any) -> Span:
    return Span(amount.low * factor, amount.high * factor)
