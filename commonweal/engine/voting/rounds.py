"""One run of equal shares: floats look, fractions decide whenever the floats are not sure."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting import kernel
from commonweal.engine.voting.profile import Profile
from commonweal.engine.voting.purses import Purses
from commonweal.engine.voting.satisfaction import of_worth
from commonweal.engine.voting.ties import TieRule

if TYPE_CHECKING:
    from commonweal.engine.voting.equal_shares import Money
    from commonweal.engine.voting.limits import Limits

# From here on, ballots are merged only if a sample of them shows enough that are alike.
MANY_MARKS = 4_000_000
# Up to so many marks in all, runs take less time than loading the compiler.
FEW_MARKS = 40_000
# Money is copied again from the exact purses when its error could pass this part of the start.
TOO_STALE = 2.0**-30
NOTHING = np.zeros(0, dtype=np.int64)


class Electorate:
    """What all runs over the same ballots share: supporters, weights and worth as flat arrays.

    Parameters
    ----------
    profile : Profile
        The ballots.
    satisfaction : str
        What a funded project is worth to a voter; see :func:`satisfaction.worth`.
    ties : TieRule
        Who goes first among equals.
    limits : Limits, optional
        Exclusive projects and caps, read here; must-fund projects and the minimum come as follows.
    must : sequence of int
        Projects paid already, in order.
    out : bool array, shape (projects,), optional
        Projects that may not win.
    """

    def __init__(
        self,
        profile: Profile,
        satisfaction: str,
        ties: TieRule,
        limits: "Limits | None" = None,
        must: Sequence[int] = (),
        out: NDArray[np.bool_] | None = None,
    ) -> None:
        self.profile, self.satisfaction = profile, satisfaction
        seen = of_worth(profile, satisfaction)
        self.cost = profile.cost
        self.rank = ties.rank(profile)
        self.votes = seen.votes
        self.per_cost = satisfaction == "cost"
        self.weight: NDArray[np.float64] | None = None
        value: NDArray[np.int64] | None
        if _is_worth_merging(seen):
            classes = seen.classes
            self.first, self.member, value = classes.start, classes.member, classes.value
            self.classes = len(classes.weight)
            self.weight = classes.weight.astype(np.float64)
        else:
            self.first, self.member, value = seen.start, seen.voter, seen.value
            self.classes = seen.voters
        self.value = None if value is None else value.astype(np.float64)
        self.number = self.votes.astype(np.float64)
        self.all_worth = self.number if value is None else self._worth_of_all(value)
        self.worth = (
            np.maximum(self.cost, 1).astype(np.float64)
            if self.per_cost
            else np.ones(len(self.cost))
        )
        self.must = tuple(must)
        stands = self.votes > 0
        stands[list(must)] = False
        if out is not None:
            stands &= ~out
        standing = np.flatnonzero(stands)
        standing = standing[np.argsort(self.rank[standing])]
        none = np.zeros(len(self.cost) + 1, dtype=np.int64)
        self.blocks = limits.exclusive_pairs(profile) if limits else (none, NOTHING)
        self.caps = limits.cap_arrays(profile) if limits else (none, NOTHING, NOTHING)
        self.free: list[int] = []
        for p in standing[self.cost[standing] == 0].tolist():
            if stands[p]:
                self.free.append(p)
                stands[self.excluded_by(p)] = False
        self.priced = standing[stands[standing] & (self.cost[standing] > 0)]
        # A run's money at its end, kept by whoever asks about that run again.
        self.known: Money | None = None
        for p in must:
            first, last = self.caps[0][p : p + 2]
            self.caps[2][self.caps[1][first:last]] -= self.cost[p]

    def _worth_of_all(self, value: NDArray[np.int64]) -> NDArray[np.float64]:
        each = value if self.weight is None else value * self.weight[self.member].astype(np.int64)
        total = np.concatenate(([0], np.cumsum(each)))
        return np.diff(total[self.first]).astype(np.float64)

    def excluded_by(self, project: int) -> NDArray[np.int64]:
        """Return the projects that this one's win rules out."""
        first, pairs = self.blocks
        return pairs[first[project] : first[project + 1]]

    def changed(
        self,
        project: int,
        profile: Profile,
        rank: NDArray[np.int64],
        *,
        more: int = 0,
        first: NDArray[np.int64] | None = None,
        member: NDArray[np.signedinteger[Any]] | None = None,
        weight: NDArray[np.float64] | None = None,
    ) -> "Electorate":
        """Return this electorate with another price or ``more`` supporters for one project.

        Only where marks have no worth of their own, and nothing is exclusive or capped. The profile
        has the new cost and number of voters; its marks are not read. New arrays of supporters
        stand in for the old ones where they are given.
        """
        new = copy(self)
        new.profile, new.cost, new.rank = profile, profile.cost, rank
        if first is not None and member is not None:
            new.known = None
            new.first, new.member, new.weight = first, member, weight
            new.classes = profile.voters if weight is None else len(weight)
        new.votes = self.votes.copy()
        new.votes[project] += more
        new.number = new.votes.astype(np.float64)
        if self.value is None:
            new.all_worth = new.number
        new.worth = (
            np.maximum(new.cost, 1).astype(np.float64) if self.per_cost else np.ones(len(new.cost))
        )
        standing = np.append(self.priced, self.free).astype(np.int64)
        standing = standing[standing != project]
        if new.votes[project]:
            standing = np.append(standing, project)
        standing = standing[np.argsort(rank[standing])]
        new.free = [int(p) for p in standing if new.cost[p] == 0]
        new.priced = standing[new.cost[standing] > 0]
        return new

    def still_open(self, order: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the projects that have a price, did not win and may yet win beside the winners."""
        ends = np.zeros(len(self.cost), dtype=bool)
        ends[order] = True
        caps_ptr, caps, pence = self.caps
        if len(self.blocks[1]) or len(caps):
            left = pence.copy()  # without what must be funded
            for p in order.tolist():
                ends[self.excluded_by(p)] = True
                left[caps[caps_ptr[p] : caps_ptr[p + 1]]] -= self.cost[p]
            owner = np.repeat(np.arange(len(self.cost)), np.diff(caps_ptr))
            ends[owner[left[caps] < self.cost[owner]]] = True
        return self.priced[~ends[self.priced]]

    def purses_after(self, start: Fraction, bought: NDArray[np.int64]) -> Purses:
        """Return the purses after these purchases, exactly: as they are known, or paid anew."""
        done = 0
        purses = None
        if self.known is not None and self.known.start == start:
            done = len(self.known.order)
            if np.array_equal(bought[:done], self.known.order):
                purses = self.known.purses.copied(self.cost)
        if purses is None:
            done, purses = 0, self.purses(start)
        for p in bought[done:].tolist():
            purses.buy(p)
        return purses

    def purses(self, start: Fraction) -> Purses:
        """Return full purses, exactly."""
        return Purses(
            self.first, self.member, self.weight, self.value, self.cost, start, self.classes
        )


def _is_worth_merging(profile: Profile) -> bool:
    """Tell whether enough ballots are alike: merging many different ones costs more than it saves.

    Looks at the ballots of some thousand voters only, and merges these.
    """
    if len(profile.voter) < MANY_MARKS:
        return True
    sample = 4096
    mark = np.flatnonzero(profile.voter < sample)  # ballots come in no special order
    project = np.searchsorted(profile.start, mark, side="right") - 1
    value = None if profile.value is None else profile.value[mark]
    some = Profile.from_indices(
        np.arange(len(profile.ids)),
        np.zeros(len(profile.ids), dtype=np.int64),
        project=project,
        voter=profile.voter[mark],
        voters=sample,
        value=value,
    )
    return len(some.classes.weight) < sample // 2


@dataclass(eq=False)
class Run:
    """A finished run: the purchases in order, and how long they stay the same.

    ``tie_ptr`` and ``tied`` hold the projects that tied, purchase by purchase. ``reach`` is how much
    more start money, in pence, surely gives the same purchases (0: nothing is known). ``complete``
    is False where the run was cut short because it costs more than it may.
    """

    start: Fraction
    order: NDArray[np.int64]
    tie_ptr: NDArray[np.int64]
    tied: NDArray[np.int64]
    spent: int
    gap: float
    reach: float
    complete: bool

    def ties(self) -> list[tuple[int, ...]]:
        """Return each tie met, the winner first."""
        found = []
        ends = self.tie_ptr.tolist()
        for place, (begin, end) in enumerate(pairwise(ends)):
            if end > begin:
                winner = int(self.order[place])
                others = [p for p in self.tied[begin:end].tolist() if p != winner]
                found.append((winner, *others))
        return found


class Rounds:
    """Runs over one electorate, one after the other; the arrays are used again.

    In each round the project with the smallest *rate* is bought: the largest payment of one
    supporter for each unit of worth. A rate only rises during a run, so an old rate is a lower bound
    and most projects need no second look (lazy evaluation). Each float carries a bound on its error.
    Where the bounds leave doubt about a choice or about whether a project can be afforded,
    :class:`Purses` decides in fractions.
    """

    marks_read = 0  # by all runs in this process

    def __init__(self, electorate: Electorate) -> None:
        self._of = electorate
        projects = len(electorate.cost)
        self._money = np.empty(electorate.classes)
        self._error = np.empty(electorate.classes)
        self._lowest = (1 - 8 * kernel.EPSILON) * (
            electorate.cost / np.maximum(electorate.all_worth, 1) / electorate.worth
        )
        self._low, self._slope = np.empty(projects), np.zeros(projects)
        self._live = np.empty(projects, dtype=np.int64)
        self._seen = np.zeros(projects, dtype=np.int8)
        self._offers = tuple(np.zeros(projects) for _ in range(4))
        self._asked = np.zeros(projects + 1, dtype=np.int64)
        self._ctl = np.zeros(8, dtype=np.int64)
        self._real = np.zeros(6)
        self._grow: tuple[NDArray[np.float64], NDArray[np.float64]] | None = None

    def run(self, start: Fraction, *, horizon: float = 0.0, most: int = 2**62) -> Run:
        """Buy until nothing can be afforded.

        With a ``horizon`` above 0, the run also bounds how fast each purse and each rate changes as
        the start money rises by up to so many pence, and finds how far the purchases stay the same
        (``reach``). With more start money and the same purchases so far, no purse is emptier and no
        rate higher; who is poor at a purchase now may be rich then, but never the reverse. So the
        poor of now bound the fall of a payment from above, and those who stay poor up to the horizon
        bound it from below. This takes about twice as long.

        The run is cut short where it costs more than ``most``.
        """
        of = self._of
        Rounds.marks_read += len(of.member)
        if Rounds.marks_read > FEW_MARKS:
            kernel.compiled()
        ctl, real = self._ctl, self._real
        near = float(start)
        self._money.fill(near)
        self._error.fill(kernel.EPSILON * near)
        self._low[:] = self._lowest
        self._slope.fill(0)
        self._live[: len(of.priced)] = of.priced
        self._seen.fill(0)
        ctl.fill(0)
        ctl[kernel.LIVE], ctl[kernel.DECIDED], ctl[kernel.MOST] = len(of.priced), -1, most
        real[:] = (near, kernel.EPSILON * near, np.inf, horizon, horizon, TOO_STALE * near)
        projects = len(of.cost)
        bought = np.empty(projects, dtype=np.int64)
        tie_ptr = np.zeros(projects + 1, dtype=np.int64)
        tied = np.empty(projects * 4, dtype=np.int64)
        state = _State(self, start, bought)
        caps_ptr, caps, cap_pence = of.caps
        cap_left = cap_pence.copy()
        grow = self._growing() if horizon else (None, None)
        while True:
            if ctl[kernel.TIES] + projects > len(tied):
                tied = np.concatenate((tied, np.empty(len(tied) + projects, dtype=np.int64)))
            code = kernel.buy(  # type: ignore[call-arg]  # the four offers come as one tuple
                of.first, of.member, of.weight, of.value, of.cost, of.worth, of.per_cost,
                of.number, of.all_worth, of.rank, *of.blocks, caps_ptr, caps, cap_left,
                self._money, self._error, *grow, self._low, self._slope, self._live, self._seen,
                *self._offers, bought, tie_ptr, tied, self._asked, ctl, real,
            )  # fmt: skip
            if code == kernel.EVALUATE:
                state.evaluate()
            elif code == kernel.CHOOSE:
                state.choose()
            elif code == kernel.STALE:
                state.refresh()
            elif code != kernel.MORE_ROOM:
                break
        count = int(ctl[kernel.ROUND])
        return Run(
            start=start,
            order=bought[:count],
            tie_ptr=tie_ptr[: count + 1],
            tied=tied[: ctl[kernel.TIES]],
            spent=int(ctl[kernel.SPENT]),
            gap=float(real[kernel.GAP]),
            reach=float(real[kernel.REACH]),
            complete=code == kernel.DONE,
        )

    def surely_behind(self, project: int) -> float:
        """Return money, in pence, that a project's supporters surely have left after the last run."""
        of = self._of
        mine = of.member[of.first[project] : of.first[project + 1]]
        least = np.maximum(self._money[mine] - self._error[mine], 0)
        total = float((least if of.weight is None else least * of.weight[mine]).sum())
        return total * (1 - 4 * (len(mine) + 2) * kernel.EPSILON)

    def money(self) -> NDArray[np.float64]:
        """Return what each class of voters has left after the last run, in pence."""
        return self._money.copy()

    def payment(self, project: int) -> float:
        """Return the largest payment of one supporter for what the last run bought, in pence."""
        of = self._of
        most = 1.0
        if of.value is not None:
            most = float(of.value[of.first[project] : of.first[project + 1]].max())
        return min(float(self._offers[2][project]) * most, float(self._real[kernel.START]))

    def behind(self, project: int) -> float:
        """Return what the supporters have left together after the last run, in pence."""
        of = self._of
        total: float = kernel.sweep(
            of.first[project], of.first[project + 1], of.member, of.weight, of.value,
            self._money, np.inf,
        )[0]  # fmt: skip
        return total

    def _growing(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the bounds on how fast each purse grows: each penny of start money is a penny."""
        if self._grow is None:
            self._grow = np.empty(self._of.classes), np.empty(self._of.classes)
        for bound in self._grow:
            bound.fill(1)
        return self._grow


class _State:
    """Answers the kernel's questions about the run that is under way, in fractions."""

    def __init__(self, rounds: Rounds, start: Fraction, bought: NDArray[np.int64]) -> None:
        self._rounds, self._start, self._bought = rounds, start, bought
        self._exact: Purses | None = None

    def evaluate(self) -> None:
        """Say whether one project can be afforded, and at what rate."""
        ctl = self._rounds._ctl
        project = int(ctl[kernel.ASKED])
        payment = self._payment(project)
        if payment is None:
            # A penny more might be enough, so nothing is known of richer runs.
            self._rounds._real[kernel.REACH] = 0.0
            live = self._rounds._live
            count = int(ctl[kernel.LIVE])
            place = int(np.flatnonzero(live[:count] == project)[0])
            live[place] = live[count - 1]
            ctl[kernel.LIVE] = count - 1
            return
        self._offer(project, payment)

    def choose(self) -> None:
        """Choose between projects whose rates the floats cannot tell apart."""
        ctl = self._rounds._ctl
        asked = self._rounds._asked
        rank = self._rounds._of.rank
        rivals = asked[: ctl[kernel.ASKED]].tolist()
        found: dict[int, Fraction] = {}
        for project in rivals:
            payment = self._payment(project)
            assert payment is not None  # an offer was surely affordable
            self._offer(project, payment)
            found[project] = payment / self._worth(project)
        least = min(found.values())
        tied = [p for p in rivals if found[p] == least]
        asked[: len(tied)] = tied
        ctl[kernel.DECIDED], ctl[kernel.TIED] = min(tied, key=rank.__getitem__), len(tied)

    def refresh(self) -> None:
        """Copy the money from the exact purses, because the floats have drifted too far."""
        rounds = self._rounds
        rounds._money[:] = self._purses().as_floats()
        rounds._error[:] = kernel.EPSILON * rounds._money
        rounds._real[kernel.WORST] = kernel.EPSILON * float(self._start)

    def _worth(self, project: int) -> int:
        of = self._rounds._of
        return int(of.cost[project]) if of.per_cost else 1

    def _offer(self, project: int, payment: Fraction) -> None:
        """Put an exact payment in, as tightly as floats can say it."""
        rounds = self._rounds
        around = 4 * kernel.EPSILON
        near, rate = float(payment), float(payment / self._worth(project))
        for offers, what in zip(
            rounds._offers,
            (rate * (1 - around), rate * (1 + around), near, around * near),
            strict=True,
        ):
            offers[project] = what
        if not rounds._seen[project]:
            rounds._low[project] = rate * (1 - around)
            rounds._seen[project] = 1
            if rounds._grow and rounds._real[kernel.HORIZON]:
                rounds._slope[project] = self._fall(project, near)

    def _fall(self, project: int, payment: float) -> float:
        """Bound how fast the rate can fall as the start money rises."""
        of, rounds = self._rounds._of, self._rounds
        assert rounds._grow is not None
        slope: float = kernel.slope_of(
            of.first[project], of.first[project + 1], of.member, of.weight, of.value,
            rounds._money, rounds._grow[0], payment, of.all_worth[project],
        )  # fmt: skip
        return slope / float(of.worth[project])

    def _payment(self, project: int) -> Fraction | None:
        """Return the payment; where each payer pays in full, it is a plain quotient."""
        of, rounds = self._rounds._of, self._rounds
        payers = kernel.whole_payers(
            of.first[project], of.first[project + 1], of.member, of.weight, of.value,
            rounds._money, rounds._error, float(of.cost[project]),
        )  # fmt: skip
        if payers < 0:
            return self._purses().price(project)
        return Fraction(int(of.cost[project]), int(payers))

    def _purses(self) -> Purses:
        bought = self._bought[: self._rounds._ctl[kernel.ROUND]]
        if self._exact is None:
            self._exact = self._rounds._of.purses_after(self._start, bought)
        for project in bought[len(self._exact.paid) :].tolist():
            self._exact.buy(project)
        return self._exact
