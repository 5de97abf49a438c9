"""Equal shares: every ballot gets the same money, and supporters buy what they approve together."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.greedy import BY_DEFAULT, FILL_MEASURES, Filled, fill
from commonweal.engine.voting.limits import Limits, pay_must
from commonweal.engine.voting.outcome import Outcome
from commonweal.engine.voting.profile import Profile, whole_budget
from commonweal.engine.voting.purses import Purses
from commonweal.engine.voting.rounds import Electorate, Rounds, Run
from commonweal.engine.voting.ties import Tie, TieRule

COMPLETIONS = ("none", "greedy", "add1", "add1-greedy")
STOPS = ("exhaustive", "overspend")
STARTS = ("exact", "whole")
# With more kinds of voters than this, what they paid is told to a millionth of a penny, not in
# fractions that grow with every purchase. Who wins is exact all the same.
MANY_CLASSES = 100_000


def equal_shares(
    profile: Profile,
    budget: int,
    *,
    satisfaction: str = "cost",
    completion: str = "none",
    stop: str = "exhaustive",
    start: str = "exact",
    step: int = 100,
    unit: int = 100,
    ties: TieRule = BY_DEFAULT,
    limits: Limits | None = None,
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
    satisfaction : {"cost", "cardinality", "points", "borda", "borda-all"}
        What a funded project is worth to a supporter; see ``satisfaction.worth``.
    completion : {"none", "greedy", "add1", "add1-greedy"}
        What to do with the money left over. ``greedy`` funds more projects, skipping what does not
        fit, by the most satisfaction for the money: by votes where a project is worth its cost. ``add1`` starts again with ``step`` more for each ballot, until the stop rule
        ends it. ``add1-greedy`` does first the one, then the other.
    stop : {"exhaustive", "overspend"}
        When add1 ends. Both end at the first run that costs more than the budget and keep the run
        before it; ``exhaustive`` ends also at the first run that leaves no supported project
        affordable with what is left of the budget.
    start : {"exact", "whole"}
        Whether each ballot starts with the exact fraction, or with whole units of the currency.
    step : int
        How much start money add1 adds, in pence: by default one unit of the currency.
    unit : int
        One unit of the currency in pence, for ``start="whole"``.
    ties : TieRule, optional
        Who goes first among projects with equal effective votes.
    limits : Limits, optional
        Must-fund projects (paid before the rest is shared out), exclusive projects, caps and a
        minimum; pots are not read here.

    Returns
    -------
    Outcome

    Raises
    ------
    ValueError
        If the budget, the step or the unit is not a whole number above 0, a name is unknown, the
        ballots carry no values for the satisfaction, or the limits cannot be kept.

    Notes
    -----
    One run takes about (rounds + looks) passes over one project's supporters, where most projects
    are looked at a few times; memory O(marks). Choices that floats cannot make surely are made in
    fractions, so the outcome is the exact one.

    Add1 ends: once every ballot starts with the cost of all supported projects, all are bought, and
    then either they cost more than the budget or nothing is left to buy. It does not make every
    run: each one tells how much further the same projects are surely bought, and the next begins
    where that ends (see ``Rounds.run``), so a small step costs no more than a large one.

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
    _check("completion", completion, COMPLETIONS)
    _check("stop", stop, STOPS)
    _check("start", start, STARTS)
    for name, number in (("step", step), ("unit", unit)):
        if int(number) != number or number <= 0:
            raise ValueError(f"{name} must be a whole number above 0, not {number!r}")
    must: list[int] = []
    money, room, below, out = pence, None, None, None
    if limits:
        must, money, room = pay_must(profile, pence, limits)
        below = limits.too_few(profile)
        kept_out = [room.obstacle(p) is not None for p in range(len(profile.ids))]
        out = below | np.array(kept_out, dtype=bool)
    electorate = Electorate(profile, satisfaction, ties, limits, must, out)
    share = Fraction(money, max(1, profile.voters))
    if start == "whole":
        share = Fraction(share // unit * unit)
    count = Count(electorate, pence, ties)
    raises = completion.startswith("add1")
    last = count.first(share)
    if raises:
        last = count.add1(last, int(step), stop)
    filled = None
    if completion.endswith("greedy"):
        for p in count.won(last)[len(must) :]:
            if room:
                room.take(p)
        filled = fill(
            profile,
            pence - count.spent(last),
            ties,
            taken=tuple(count.won(last)),
            measure=FILL_MEASURES[satisfaction],
            satisfaction=satisfaction,
            room=room,
            below=below,
        )
    return count.outcome(last, filled, completion, stop if raises else "")


def _check(name: str, given: str, known: tuple[str, ...]) -> None:
    if given not in known:
        raise ValueError(f"{name} must be one of {', '.join(known)}, not {given!r}")


@dataclass(frozen=True, eq=False)
class Step:
    """One run as it is remembered: with what it began, what it bought, whether it ran to its end."""

    start: Fraction
    order: NDArray[np.int64]
    spent: int
    is_complete: bool


class Count:
    """One count: runs with different start money over the same ballots."""

    def __init__(self, electorate: Electorate, budget: int, ties: TieRule) -> None:
        self.electorate, self.budget, self.rule = electorate, budget, ties
        self.profile = electorate.profile
        self.rounds = Rounds(electorate)
        self.runs = 0
        self.gap = float("inf")
        self.ties: Counter[tuple[int, ...]] = Counter()
        self.outcomes: set[bytes] = set()
        self.path: list[Step] = []

    def first(self, share: Fraction) -> Run:
        """Make the first run, and look ahead no further."""
        return self.note(self.rounds.run(share))

    def spent(self, run: Run) -> int:
        """Return what this run's winners cost, with those that were paid before it."""
        return run.spent + int(self.profile.cost[list(self.electorate.must)].sum())

    def note(self, run: Run) -> Run:
        """Keep what the result says about all runs together."""
        self.runs += 1
        self.gap = min(self.gap, run.gap)
        if len(run.tied):
            self.ties.update(run.ties())
        self.outcomes.add(run.order.tobytes())
        self.path.append(Step(run.start, run.order.copy(), run.spent, run.complete))
        return run

    def won(self, run: Run) -> list[int]:
        """Return who won, in order: what must be funded, what costs nothing, what was bought."""
        return [*self.electorate.must, *self.electorate.free, *run.order.tolist()]

    def is_exhaustive(self, run: Run, stop: str) -> bool:
        """Tell whether no further run can matter, or none is wanted."""
        lost = self.electorate.still_open(run.order)
        if not len(lost):
            return True
        if stop != "exhaustive":
            return False
        return int(self.profile.cost[lost].min()) > self.budget - self.spent(run)

    def add1(self, last: Run, step: int, stop: str) -> Run:
        """Raise the start money step by step, leaping where all runs between are surely equal."""
        horizon = float(step)
        most = self.budget - self.spent(last) + last.spent
        ended = self.is_exhaustive(last, stop)
        while not ended:
            ahead = int(last.reach // step) + 1
            run = self.note(self.rounds.run(last.start + ahead * step, horizon=horizon, most=most))
            if run.spent > most:
                # What is kept is the last run before it on the grid, not just one that is alike.
                return last if ahead == 1 else self.rounds.run(run.start - step)
            if not np.array_equal(run.order, last.order):
                ended = self.is_exhaustive(run, stop)
            last = run
            horizon = 4 * horizon if run.reach >= horizon else max(4 * run.reach, float(step))
        return last

    def outcome(self, run: Run, filled: Filled | None, completion: str, stop: str) -> Outcome:
        """Put the result together."""
        profile = self.profile
        order = self.won(run) + (filled.order if filled else [])
        shared = np.zeros(len(profile.ids), dtype=bool)
        shared[self.won(run)[len(self.electorate.must) :]] = True
        return Outcome(
            rule="equal-shares",
            profile=profile,
            budget=self.budget,
            order=np.array(order, dtype=np.int64),
            satisfaction=self.electorate.satisfaction,
            completion=completion,
            stop=stop,
            by_shares=shared,
            at_turn=filled.left if filled else None,
            start=run.start,
            runs=self.runs,
            distinct=len(self.outcomes),
            gap=self.gap,
            ties=self._tie_records(filled.ties if filled else ()),
            ledger=Money(self.electorate, run.start, run.order, tuple(self.path)),
            detail=filled.told(profile, self.electorate.must) if filled else {},
        )

    def _tie_records(self, more: Iterable[Tie]) -> tuple[Tie, ...]:
        return (
            *(
                Tie(tied, tied[0], self.rule.decided_by(self.profile, tied), times)
                for tied, times in self.ties.items()
            ),
            *more,
        )


class Money:
    """Pays everything again in fractions, when somebody asks.

    Parameters
    ----------
    electorate : Electorate
        What the runs shared.
    start : Fraction
        What each ballot began with in the run that decided.
    order : int64 array
        What that run bought.
    path : tuple of Step
        All runs that were made to find it, in order.
    """

    def __init__(
        self,
        electorate: Electorate,
        start: Fraction,
        order: NDArray[np.int64],
        path: tuple[Step, ...] = (),
    ) -> None:
        self.electorate, self.start, self.order, self.path = electorate, start, order, path

    def payments(self) -> tuple[Fraction | None, ...]:
        """Return the largest payment of one supporter for each project; None if none was made."""
        payments: list[Fraction | None] = [None] * len(self.electorate.cost)
        for p in self.electorate.free:
            payments[p] = Fraction(0)
        if self._has_many:
            for p in self.order.tolist():
                payments[p] = Fraction(self._again.payment(p)).limit_denominator(10**6)
            return tuple(payments)
        for p, paid in zip(self.order.tolist(), self.purses.paid, strict=True):
            payments[p] = paid
        return tuple(payments)

    def behind(self) -> NDArray[np.int64]:
        """Return what each project's supporters have left together, in pence, rounded down."""
        projects = range(len(self.electorate.cost))
        if self._has_many:
            left = [int(self._again.behind(p) + 1e-4) for p in projects]
            return np.array(left, dtype=np.int64)
        return np.array([int(self.purses.behind(p)) for p in projects], dtype=np.int64)

    def surely_behind(self, project: int) -> float:
        """Return pence that a project's supporters surely have left: what floats can prove."""
        if self._has_many:
            return self._again.surely_behind(project)
        return float(int(self.purses.behind(project)))

    def left(self) -> NDArray[np.float64]:
        """Return what each class of voters has left in the end, in pence, as floats."""
        return self._again.money() if self._has_many else self.purses.as_floats()

    @property
    def _has_many(self) -> bool:
        return self.electorate.classes > MANY_CLASSES

    @cached_property
    def _again(self) -> Rounds:
        """The deciding run once more, in floats: who has so many voters asks for no fractions."""
        rounds = Rounds(self.electorate)
        rounds.run(self.start)
        return rounds

    @cached_property
    def purses(self) -> Purses:
        """What every class of voters has left, exactly."""
        purses = self.electorate.purses(self.start)
        for p in self.order.tolist():
            purses.buy(p)
        return purses
