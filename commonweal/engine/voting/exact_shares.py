"""Exact equal shares: as equal shares, but whoever pays for a project pays the same as the others."""

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.exact_rounds import ExactRounds, next_change
from commonweal.engine.voting.greedy import BY_DEFAULT, FILL_MEASURES, Filled, fill
from commonweal.engine.voting.outcome import Outcome
from commonweal.engine.voting.profile import Profile, whole_budget
from commonweal.engine.voting.satisfaction import of_worth
from commonweal.engine.voting.ties import Tie, TieRule

COMPLETIONS = (
    "none",
    "greedy",
    "add-opt",
    "add-opt-greedy",
    "add-opt-skip",
    "add-opt-skip-greedy",
)
STOPS = ("exhaustive", "overspend")
SATISFACTIONS = ("cost", "cardinality")


def exact_equal_shares(
    profile: Profile,
    budget: int,
    *,
    completion: str = "none",
    stop: str = "overspend",
    satisfaction: str = "cost",
    ties: TieRule = BY_DEFAULT,
) -> Outcome:
    """Share the budget equally, and let those supporters buy who can all pay the same.

    Every ballot, empty or not, starts with ``budget / voters``. A project can be bought by ``k`` of
    its supporters if each of them still has ``cost / k``; ``k`` is taken as large as possible, and
    then exactly those pay who have that much. In each round the project with the most worth for the
    money of one payer is bought. Whoever has less than the price pays nothing and keeps it, which
    is the difference from equal shares.

    Parameters
    ----------
    profile : Profile
        Ballots; a mark is an approval, whatever its value.
    budget : int
        Whole pence, above 0.
    completion : {"none", "greedy", "add-opt", "add-opt-greedy", "add-opt-skip", ...}
        What to do with the money left over. ``greedy`` funds more projects by votes (with
        ``cardinality`` by votes per cost). ``add-opt``
        starts again with just as much more for each ballot as changes what is bought or who pays,
        until the stop rule ends it. ``add-opt-skip`` asks only what would bring in a project that is
        not funded yet, which takes far fewer runs. With ``-greedy`` at the end, the rest is then
        filled like that.
    stop : {"overspend", "exhaustive"}
        When add-opt ends. Both end at the first run that costs more than the budget and keep the
        run before it, as the paper does; ``exhaustive`` ends also at the first run that leaves no
        supported project affordable with what is left of the budget.
    satisfaction : {"cost", "cardinality"}
        A funded project is worth its cost to each who approves it (so the most payers win), or each
        is worth 1 (so the least price for one payer wins).
    ties : TieRule, optional
        Who goes first among projects of equal worth for the money.

    Returns
    -------
    Outcome

    Raises
    ------
    ValueError
        If the budget is not a whole number above 0, or a name is unknown.

    Notes
    -----
    One run takes about (rounds + looks) passes over one project's supporters. Choices are compared
    as fractions of small whole numbers; only whether a purse holds the price is asked of floats
    first, and of fractions if they are within the bound of their error.

    Add-opt ends. What is bought and who pays depends on finitely many comparisons that are linear
    in the start money, so the start money falls into finitely many stretches of equal outcome, and
    each step goes to a later stretch. A step costs about as much as a run.

    References
    ----------
    Kraiczy and Elkind (2023), "An Adaptive and Verifiably Proportional Method for Participatory
    Budgeting", for the rule; Kraiczy, Robinson and Elkind (2025), "Streamlining Equal Shares",
    sections 4 to 6, for add-opt.

    Examples
    --------
    Example 4.3 of the 2025 paper, money in pence. With 200 each, p1 and p2 are bought. At 250 each
    the four supporters of p3 could pay 150, which beats 160 for p2.

    >>> profile = Profile.from_pairs(
    ...     ["p1", "p2", "p3"], [200, 320, 600],
    ...     project=["p1", "p1", "p2", "p2", "p3", "p3", "p3", "p3"], ballot=[1, 2, 3, 4, 2, 3, 4, 5],
    ... )
    >>> outcome = exact_equal_shares(profile, 1000, satisfaction="cardinality")
    >>> outcome.ids[outcome.order].tolist(), [str(paid) for paid in outcome.payments]
    (['p1', 'p2'], ['100', '160', 'None'])
    >>> more = exact_equal_shares(
    ...     profile, 1000, completion="add-opt", satisfaction="cardinality"
    ... )
    >>> more.ids[more.order].tolist(), str(more.start), more.runs
    (['p1', 'p3'], '250', 3)
    """
    pence = whole_budget(budget)
    for name, given, known in (
        ("completion", completion, COMPLETIONS),
        ("stop", stop, STOPS),
        ("satisfaction", satisfaction, SATISFACTIONS),
    ):
        if given not in known:
            raise ValueError(f"{name} must be one of {', '.join(known)}, not {given!r}")
    count = _Count(profile, pence, satisfaction, ties)
    last = count.run(Fraction(pence, max(1, profile.voters)))
    if completion.startswith("add-opt"):
        last = count.add_opt(last, stop, skip="skip" in completion)
    filled = None
    if completion.endswith("greedy"):
        filled = fill(
            profile,
            pence - count.spent(last),
            ties,
            taken=tuple(count.won(last)),
            measure=FILL_MEASURES[satisfaction],
        )
    return count.outcome(last, filled, completion, stop if "add-opt" in completion else "")


class _Count:
    """One count: runs with different start money over the same ballots."""

    def __init__(self, profile: Profile, budget: int, satisfaction: str, ties: TieRule) -> None:
        self.profile, self.budget, self.satisfaction, self.rule = (
            profile,
            budget,
            satisfaction,
            ties,
        )
        self.approvals = of_worth(profile, "cardinality")
        self.rank = ties.rank(profile)
        supported = np.flatnonzero(profile.votes)
        self.supported = supported[np.argsort(self.rank[supported])]
        self.free = [int(p) for p in self.supported if profile.cost[p] == 0]
        self.runs, self.distinct = 0, 0
        self.seen: tuple[int, ...] = ()
        self.ties: Counter[tuple[int, ...]] = Counter()

    def run(self, start: Fraction) -> ExactRounds:
        rounds = ExactRounds(self.approvals, self.rank, start, self.satisfaction)
        rounds.run()
        self.runs += 1
        won = tuple(sorted(rounds.order))
        self.distinct += won != self.seen or self.runs == 1
        self.seen = won
        self.ties.update(rounds.ties)
        return rounds

    def won(self, rounds: ExactRounds) -> list[int]:
        return self.free + rounds.order

    def spent(self, rounds: ExactRounds) -> int:
        return int(self.profile.cost[rounds.order].sum())

    def add_opt(self, last: ExactRounds, stop: str, *, skip: bool) -> ExactRounds:
        """Jump from change to change until the stop rule says that it is enough."""
        while True:
            lost = self.profile.cost[np.setdiff1d(self.supported, self.won(last))]
            if not lost.size:
                return last
            if stop == "exhaustive" and int(lost.min()) > self.budget - self.spent(last):
                return last
            run = self.run(last.start + next_change(last, skip=skip))
            if self.spent(run) > self.budget:
                return last
            last = run

    def outcome(
        self, rounds: ExactRounds, filled: Filled | None, completion: str, stop: str
    ) -> Outcome:
        profile = self.profile
        shared = np.zeros(len(profile.ids), dtype=bool)
        shared[self.won(rounds)] = True
        ties = tuple(
            Tie(tied, tied[0], self.rule.decided_by(profile, tied), times)
            for tied, times in self.ties.items()
        )
        return Outcome(
            rule="exact-equal-shares",
            profile=profile,
            budget=self.budget,
            order=np.array(self.won(rounds) + (filled.order if filled else []), dtype=np.int64),
            satisfaction=self.satisfaction,
            completion=completion,
            stop=stop,
            by_shares=shared,
            at_turn=filled.left if filled else None,
            start=rounds.start,
            runs=self.runs,
            distinct=self.distinct,
            ties=ties + (filled.ties if filled else ()),
            ledger=_Money(self, rounds),
            detail={"payers": {str(profile.ids[p]): k for p, k in rounds.purchases}},
        )


@dataclass(frozen=True, eq=False)
class _Money:
    """Says what was paid, and works out what is left when somebody asks."""

    count: _Count
    rounds: ExactRounds

    def payments(self) -> tuple[Fraction | None, ...]:
        payments: list[Fraction | None] = [None] * len(self.count.profile.ids)
        for p in self.count.free:
            payments[p] = Fraction(0)
        for p, payers in self.rounds.purchases:
            payments[p] = Fraction(self.rounds.cost[p], payers)
        return tuple(payments)

    def behind(self) -> NDArray[np.int64]:
        return self._behind

    @cached_property
    def _behind(self) -> NDArray[np.int64]:
        projects = range(len(self.count.profile.ids))
        return np.array([int(self.rounds.behind(p)) for p in projects], dtype=np.int64)
