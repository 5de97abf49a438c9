"""Equal shares counted again with one change, without building the election anew."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.changed import with_cost
from commonweal.engine.voting.equal_shares import Count, Money
from commonweal.engine.voting.greedy import FILL_MEASURES, fill
from commonweal.engine.voting.outcome import Outcome
from commonweal.engine.voting.reasons import MOST_BALLOTS
from commonweal.engine.voting.rounds import Electorate, Rounds, Run
from commonweal.engine.voting.shares_path import Path

if TYPE_CHECKING:
    from commonweal.engine.voting.rule import Rule

UNIT = 100


def suits(rule: "Rule") -> bool:
    """Tell whether a count by this rule can be made again here: equal shares without terms."""
    return (
        rule.name == "equal-shares"
        and rule.limits is None
        and rule.satisfaction in (None, "cost", "cardinality")
    )


class SharesAgain:
    """Changes one row of the merged ballots and runs equal shares on them again.

    Parameters
    ----------
    outcome : Outcome
        The count as it was, by equal shares with cost or cardinality satisfaction.
    rule : Rule
        What it was counted by.
    lost : sequence of int
        The projects that will be asked about.
    """

    def __init__(self, outcome: Outcome, rule: "Rule", lost: Sequence[int]) -> None:
        ledger = outcome.ledger
        if not isinstance(ledger, Money):
            raise ValueError("this outcome does not remember its runs; count it again")
        self._outcome, self._of, self._money = outcome, ledger.electorate, ledger
        self._profile = self._of.profile
        if self._profile.value is not None and self._of.value is None:
            self._profile = replace(self._profile, value=None)
        self._ties = rule.ties
        self._whole = rule.start == "whole"
        self._raises = outcome.completion.startswith("add1")
        self._fills = outcome.completion.endswith("greedy")
        self._stop = outcome.stop or "exhaustive"
        self._step = (rule.step or 1) * UNIT
        self._measure = FILL_MEASURES[self._of.satisfaction]
        self._path = Path(self._of, outcome, ledger, rule.ties, self._step, lost)
        self._standing: tuple[int, NDArray[np.int64]] | None = None

    def effort(self) -> int:
        """Return about how many microseconds a full count takes: runs by marks and projects."""
        if not self._raises:
            return 0
        each = 60 + 4 * len(self._of.cost) + len(self._of.member) // 40
        return each * self._outcome.runs

    def price(self, project: int, cost: int, *, fully: bool) -> bool:
        """Tell whether the project wins at this price."""
        if not self._raises and cost <= self._money.surely_behind(project):
            return True  # if it is not bought before, its supporters can pay at the end
        changed = with_cost(self._profile, project, cost)
        self._of.known = self._path.edge(project, cost)
        of = self._of.changed(project, changed, self._ties.rank(changed))
        return self._wins(of, project, fully)

    def approved(self, project: int, more: int, *, fully: bool) -> bool:
        """Tell whether it wins when so many more voters approve it, the richest first."""
        arrays = self._with_approvals(project, more)
        return self._wins(self._with_votes(project, more, 0, *arrays), project, fully)

    def with_more(self, project: int, ballots: int, *, fully: bool) -> bool:
        """Tell whether it wins with so many more ballots for it alone."""
        weight = np.ones(self._of.classes) if self._of.weight is None else self._of.weight
        new = np.array([len(weight)])
        first, member = _inserted(self._of.first, self._of.member, project, new)
        more = np.append(weight, float(ballots))
        of = self._with_votes(project, ballots, ballots, first, member, more)
        return self._wins(of, project, fully)

    def guesses(self, project: int) -> tuple[list[int], int, int]:
        """Return prices, approvals and ballots that would do if the others bought the same."""
        path = self._path
        price = path.guess_prices(project)
        if self._of.value is not None:
            return price, 1, 1
        ballots = path.guess_votes(path.ballots, project)
        return price, path.guess_votes(path.approvals, project), self._guess_again(project, ballots)

    def _guess_again(self, project: int, ballots: int) -> int:
        """Make a better guess where more ballots leave less money for each."""
        most = MOST_BALLOTS * self._outcome.voters
        if self._raises or ballots > most:
            return ballots
        path = self._path
        line = np.zeros(0, dtype=np.int64)
        for _again in range(6):
            share = self._share(self._outcome.voters + ballots)
            order = self._runs.run(share).order
            best = np.zeros(1), np.zeros(1), np.full(1, 1e18)
            path.ask(share, order, np.array([project]), line, best)
            before, ballots = ballots, int(min(best[2][0], most))
            if ballots in (before, most):
                break
        return ballots

    @cached_property
    def _runs(self) -> Rounds:
        return Rounds(self._of)

    def _share(self, voters: int) -> Fraction:
        share = Fraction(self._outcome.budget, max(1, voters))
        return Fraction(share // UNIT * UNIT) if self._whole else share

    def first_to_approve(self, project: int, more: int) -> list[tuple[list[int], int]]:
        """Return the ballots (projects on each, how many) that would approve the project as well."""
        line, _count = self._line_for(project)
        found: list[tuple[list[int], int]] = []
        idle = min(more, self._path.idle)
        if idle:
            found.append(([], idle))
        left = more - idle
        for c in line.tolist():
            if left <= 0:
                break
            number = 1 if self._of.weight is None else int(self._of.weight[c])
            marks = np.flatnonzero(self._of.member == c)
            on = np.searchsorted(self._of.first, marks, side="right") - 1
            found.append((on.tolist(), min(left, number)))
            left -= number
        return found

    # --- changing the arrays

    def _with_votes(
        self,
        project: int,
        votes: int,
        voters: int,
        first: NDArray[np.int64],
        member: NDArray[Any],
        weight: NDArray[np.float64] | None,
    ) -> Electorate:
        start = self._profile.start.copy()
        start[project + 1 :] += votes
        # Nobody reads who the new voters are: votes and costs alone decide the fill and the ties.
        changed = replace(self._profile, start=start, voters=self._profile.voters + voters)
        return self._of.changed(
            project, changed, self._ties.rank(changed),
            more=votes, first=first, member=member, weight=weight,
        )  # fmt: skip

    def _with_approvals(
        self, project: int, more: int
    ) -> tuple[NDArray[np.int64], NDArray[Any], NDArray[np.float64] | None]:
        of = self._of
        line, count = self._line_for(project)
        if of.weight is None:
            first, member = _inserted(of.first, of.member, project, line[:more])
            return first, member, None
        idle = min(more, self._path.idle)
        left = more - idle
        whole = int(np.searchsorted(count, left, side="right"))
        part = left - (int(count[whole - 1]) if whole else 0)
        weight, new = of.weight, line[:whole]
        if idle:
            new = np.append(new, len(weight))
            weight = np.append(weight, float(idle))
        first, member = of.first, of.member
        if part:
            # One class comes apart: some of it approve the project now.
            c = int(line[whole])
            at = np.flatnonzero(member == c)
            on = np.searchsorted(first, at, side="right") - 1
            member = np.insert(member, first[on + 1], len(weight))
            moved = np.zeros(len(first), dtype=np.int64)
            moved[on + 1] = 1
            first = first + np.cumsum(moved)
            new = np.append(new, len(weight))
            weight = np.append(weight, float(part))
            weight[c] -= part
        first, member = _inserted(first, member, project, new)
        return first, member, weight

    def _line_for(self, project: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the classes or voters without the project, richest first, and how many so far."""
        if self._standing is None or self._standing[0] != project:
            line = self._path.line
            backs = np.zeros(self._of.classes, dtype=bool)
            backs[self._of.member[self._of.first[project] : self._of.first[project + 1]]] = True
            self._standing = project, line[~backs[line]]
        line = self._standing[1]
        if self._of.weight is None:
            return line, line
        return line, np.cumsum(self._of.weight[line]).astype(np.int64)

    # --- counting

    def _wins(self, of: Electorate, project: int, fully: bool) -> bool:
        share = self._share(of.profile.voters)
        count = Count(of, self._outcome.budget, self._ties)
        if not self._raises:
            last = count.first(share)
        elif fully:
            last = count.add1(count.first(share), self._step, self._stop)
        else:
            last = self._near(count, share)
        return self._is_in(count, last, project)

    def _is_in(self, count: Count, last: Run, project: int) -> bool:
        won = count.won(last)
        if project in won:
            return True
        rest = self._outcome.budget - count.spent(last)
        of = count.electorate
        if not self._fills or of.cost[project] > rest:
            return False
        filled = fill(
            of.profile, rest, self._ties, tuple(won),
            measure=self._measure, satisfaction=of.satisfaction,
        )  # fmt: skip
        return project in filled.order

    def _near(self, count: Count, share: Fraction) -> Run:
        """Begin where the count as it was ended; step back while that is too dear, else go on."""
        budget, rounds = self._outcome.budget, count.rounds
        steps = max(0, int((self._outcome.start - share) // self._step))
        last = rounds.run(share + steps * self._step, most=budget)
        if last.spent <= budget:
            if count.is_exhaustive(last, self._stop):
                return last
            return count.add1(last, self._step, self._stop)
        dear, leap = steps, 1
        while last.spent > budget and steps:
            dear, steps, leap = steps, max(0, steps - leap), 2 * leap
            last = rounds.run(share + steps * self._step, most=budget)
        while dear - steps > 1:
            middle = (dear + steps) // 2
            run = rounds.run(share + middle * self._step, most=budget)
            if run.spent > budget:
                dear = middle
            else:
                steps, last = middle, run
        return last


def _inserted(
    first: NDArray[np.int64], member: NDArray[Any], project: int, new: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[Any]]:
    """Put more supporters at the end of one project's row."""
    end = first[project + 1]
    shifted = first.copy()
    shifted[project + 1 :] += len(new)
    more = new.astype(member.dtype)
    return shifted, np.concatenate((member[:end], more, member[end:]))
