"""Equal shares: every ballot gets the same money, and supporters buy what they approve together."""

from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.greedy import BY_DEFAULT, Filled, fill
from commonweal.engine.voting.outcome import Outcome
from commonweal.engine.voting.profile import Profile, whole_budget
from commonweal.engine.voting.purses import Purses
from commonweal.engine.voting.rounds import Rounds, Run
from commonweal.engine.voting.ties import Tie, TieRule

COMPLETIONS = ("none", "greedy", "add1", "add1-greedy")
STOPS = ("exhaustive", "overspend")


def equal_shares(
    profile: Profile,
    budget: int,
    *,
    completion: str = "none",
    stop: str = "exhaustive",
    step: int = 100,
    ties: TieRule = BY_DEFAULT,
) -> Outcome:
    """Share the budget equally among all ballots and let supporters buy projects together.

    Every ballot, empty or not, starts with ``budget / voters``, as an exact fraction. In each round
    a project is affordable if its supporters hold its cost together; they pay equally, and who has
    less pays all that is left. The project with the most *effective votes* (cost over the largest
    single payment) is bought, until nothing is affordable (cost satisfaction). Projects without a
    vote are never funded; projects that cost nothing are funded at once if they have a vote.

    Parameters
    ----------
    profile : Profile
        Ballots; a mark is an approval, whatever its value.
    budget : int
        Whole pence, above 0.
    completion : {"none", "greedy", "add1", "add1-greedy"}
        What to do with the money left over. ``greedy`` funds more projects by votes, skipping what
        does not fit. ``add1`` starts again with ``step`` more for each ballot, until the stop rule
        ends it. ``add1-greedy`` does first the one, then the other.
    stop : {"exhaustive", "overspend"}
        When add1 ends. Both end at the first run that costs more than the budget and keep the run
        before it; ``exhaustive`` ends also at the first run that leaves no supported project
        affordable with what is left of the budget.
    step : int
        How much start money add1 adds, in pence: by default one unit of the currency.
    ties : TieRule, optional
        Who goes first among projects with equal effective votes.

    Returns
    -------
    Outcome

    Raises
    ------
    ValueError
        If the budget or the step is not a whole number above 0, or a name is unknown.

    Notes
    -----
    One run takes about (rounds + looks) passes over one project's supporters, where most projects
    are looked at a few times; memory O(marks). Choices that floats cannot make surely are made in
    fractions, so the outcome is the exact one.

    Add1 ends: once every ballot starts with the cost of all supported projects, all are bought, and
    then either they cost more than the budget or nothing is left to buy. It does not make every
    run: where two runs prove that all runs between them buy the same, it leaps (see ``Rounds.run``).

    References
    ----------
    Peters and Skowron (2020), "Proportionality and the Limits of Welfarism"; Peters, Pierczyński
    and Skowron (2021), "Proportional Participatory Budgeting with Additive Utilities", section 3
    and, for add1, section 3.4.

    Examples
    --------
    Two of three people hold two thirds of the money, and the third is not outvoted. The tie between
    a and b goes to the id that comes first as text.

    >>> profile = Profile.from_pairs(
    ...     ["a", "b", "c"], [50, 50, 30], project=list("aabbc"), ballot=[1, 2, 1, 2, 3]
    ... )
    >>> outcome = equal_shares(profile, 100, ties=TieRule(("id-text",)))
    >>> outcome.ids[outcome.order].tolist(), outcome.payments[0], outcome.shortfall.tolist()
    (['a', 'c'], Fraction(25, 1), [0, 34, 0])
    >>> outcome.ties
    (Tie(projects=(0, 1), chosen=0, by='id-text', times=1),)
    """
    pence = whole_budget(budget)
    if completion not in COMPLETIONS:
        raise ValueError(f"completion must be one of {', '.join(COMPLETIONS)}, not {completion!r}")
    if stop not in STOPS:
        raise ValueError(f"stop must be one of {', '.join(STOPS)}, not {stop!r}")
    if int(step) != step or step <= 0:
        raise ValueError(f"step must be a whole number of pence above 0, not {step!r}")
    count = _Count(profile, pence, ties)
    last = count.run(Fraction(pence, max(1, profile.voters)))
    if completion.startswith("add1"):
        last = count.add1(last, int(step), stop)
    filled = None
    if completion.endswith("greedy"):
        filled = fill(profile, pence - count.spent(last), ties, taken=tuple(count.won(last)))
    return count.outcome(last, filled, completion, stop if completion.startswith("add1") else "")


class _Count:
    """One count: runs with different start money over the same ballots."""

    def __init__(self, profile: Profile, budget: int, ties: TieRule) -> None:
        self.profile, self.budget, self.rule = profile, budget, ties
        self.rank = ties.rank(profile)
        supported = np.flatnonzero(profile.votes)
        self.supported = supported[np.argsort(self.rank[supported])]
        self.free = [int(p) for p in self.supported if profile.cost[p] == 0]
        self.runs = 0
        self.ties: Counter[tuple[int, ...]] = Counter()

    def run(self, start: Fraction, like: Run | None = None) -> Run:
        profile = self.profile
        rounds = Rounds(profile.classes, profile.cost, profile.votes, self.rank, start)
        run = rounds.run(like)
        self.runs += 1
        self.ties.update(bought.tied for bought in run.purchases if len(bought.tied) > 1)
        return run

    def won(self, run: Run) -> list[int]:
        return self.free + run.order

    def spent(self, run: Run) -> int:
        return int(self.profile.cost[run.order].sum())

    def is_exhaustive(self, run: Run, stop: str) -> bool:
        """Tell whether no further run can matter, or none is wanted."""
        lost = self.profile.cost[np.setdiff1d(self.supported, self.won(run))]
        if not lost.size:
            return True
        return stop == "exhaustive" and int(lost.min()) > self.budget - self.spent(run)

    def add1(self, last: Run, step: int, stop: str) -> Run:
        """Raise the start money step by step, leaping where all runs between are surely equal."""
        leap = 1
        while not self.is_exhaustive(last, stop):
            run = self.run(last.start + leap * step, like=last)
            if leap > 1 and not run.follows:
                leap //= 2
                continue
            if self.spent(run) > self.budget:
                return last
            last = run
            leap = 2 * leap if run.follows else 1
        return last

    def outcome(self, run: Run, filled: Filled | None, completion: str, stop: str) -> Outcome:
        profile = self.profile
        order = self.won(run) + (filled.order if filled else [])
        shared = np.zeros(len(profile.ids), dtype=bool)
        shared[self.won(run)] = True
        return Outcome(
            rule="equal-shares",
            profile=profile,
            budget=self.budget,
            order=np.array(order, dtype=np.int64),
            satisfaction="cost",
            completion=completion,
            stop=stop,
            by_shares=shared,
            at_turn=filled.left if filled else None,
            start=run.start,
            runs=self.runs,
            ties=self._tie_records(filled.ties if filled else ()),
            ledger=_Money(self, run),
        )

    def _tie_records(self, more: Iterable[Tie]) -> tuple[Tie, ...]:
        return (
            *(
                Tie(tied, tied[0], self.rule.decided_by(self.profile, tied), times)
                for tied, times in self.ties.items()
            ),
            *more,
        )


class _Money:
    """Pays everything again in fractions, when somebody asks."""

    def __init__(self, count: _Count, run: Run) -> None:
        self._count, self._run = count, run

    def payments(self) -> tuple[Fraction | None, ...]:
        return self._paid[0]

    def behind(self) -> NDArray[np.int64]:
        return self._paid[1]

    @cached_property
    def _paid(self) -> tuple[tuple[Fraction | None, ...], NDArray[np.int64]]:
        profile = self._count.profile
        purses = Purses(profile.classes, profile.cost, self._run.start)
        payments: list[Fraction | None] = [None] * len(profile.ids)
        for p in self._count.free:
            payments[p] = Fraction(0)
        for p in self._run.order:
            purses.buy(p)
            payments[p] = purses.paid[-1]
        behind = [int(purses.behind(p)) for p in range(len(profile.ids))]
        return tuple(payments), np.array(behind, dtype=np.int64)
