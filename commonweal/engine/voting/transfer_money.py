"""What is left of each voter's money while support moves between projects, held between bounds.

A voter's support for the projects still in play always stays in proportion to the points on the
ballot: what goes back from a funded project or comes free from one that is out is shared in that
proportion. So one number a voter is enough, the money left, and equal ballots share it.
"""

from fractions import Fraction
from math import lcm
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.profile import Profile

EXTRA_BITS = 512
MOST_BITS = 2**20
Number = Any  # int, or Fraction in an exact count


class Unsure(Exception):
    """Two amounts lie too near each other to be told apart with so many digits."""


class Span(NamedTuple):
    """An amount that is surely not below ``low`` and not above ``high``; equal where it is exact."""

    low: Number
    high: Number

    def beats(self, other: "Span") -> bool:
        """Tell whether this is surely more; raises Unsure where it cannot be told."""
        if self.low > other.high:
            return True
        if self.high <= other.low:
            return False
        raise Unsure


class TransferMoney:
    """The money of all classes of voters.

    Amounts are whole numbers, in pence times ``scale``: a huge number that makes the first supports
    exact and leaves ``EXTRA_BITS`` for what follows. Every result is rounded both down and up, so
    both bounds are sure. In an ``exact`` count they are fractions, and the bounds are one.

    Parameters
    ----------
    profile : Profile
        Ballots with points above 0.
    budget : int
        In pence.
    exact : bool
        Whether to count in fractions.
    """

    def __init__(self, profile: Profile, budget: int, *, exact: bool) -> None:
        self._exact = exact
        self._classes = profile.classes
        self._bounds: list[int] = self._classes.start.tolist()
        assert self._classes.value is not None
        self._points = self._classes.value
        owner, points = self._classes.member, self._points
        weight = self._classes.weight
        total = np.zeros(len(weight), dtype=np.int64)
        np.add.at(total, owner, points)
        self.in_play = total  # points on each ballot for projects still in play
        self._weight = weight.astype(object)
        voters = max(1, profile.voters)
        self.scale = 1 if exact else _fine(voters, total) << EXTRA_BITS
        start = Fraction(budget * self.scale, voters)
        first: Number = start if exact else int(start)
        self._low: NDArray[Any] = np.full(len(weight), first, dtype=object)
        self._high = self._low.copy()

    def support(self, project: int) -> Span:
        """Return what the supporters give a project now."""
        member, points = self._marks(project)
        share = self._weight[member] * points
        whole = self.in_play[member].astype(object)
        return Span(
            self._down(share * self._low[member], whole).sum() if len(member) else 0,
            self._up(share * self._high[member], whole).sum() if len(member) else 0,
        )

    def within_reach(self, project: int) -> Span:
        """Return all the money that the supporters of a project have left."""
        member, _ = self._marks(project)
        weight = self._weight[member]
        if not len(member):
            return Span(0, 0)
        return Span((weight * self._low[member]).sum(), (weight * self._high[member]).sum())

    def pay(self, project: int, cost: int) -> None:
        """Take the cost from the supporters, in proportion to their support, or all they have.

        A supporter gives ``min(1, x * points / points in play)`` of the money left. If the support is
        more than the cost, ``x`` is below 1 and the rest stays; if it is less, ``x`` is above 1.
        """
        member, points = self._marks(project)
        whole = self.in_play[member]
        factor = self._factor(member, points, whole, cost * self.scale)
        parts, wholes = points.astype(object), whole.astype(object)
        kept_low = self._kept(self._low[member], parts, wholes, factor.high, self._down)
        kept_high = self._kept(self._high[member], parts, wholes, factor.low, self._up)
        self._low[member], self._high[member] = kept_low, kept_high
        if self._exact:
            self._check(kept_low)

    def leave(self, project: int) -> None:
        """Take a project out of play; its points count on no ballot any more."""
        member, points = self._marks(project)
        self.in_play[member] -= points

    def same(self, one: int, other: int) -> bool:
        """Tell whether two projects have the same support from the same voters."""
        return all(
            np.array_equal(a, b) for a, b in zip(self._marks(one), self._marks(other), strict=True)
        )

    def _factor(
        self, member: NDArray[Any], points: NDArray[np.int64], whole: NDArray[np.int64], cost: int
    ) -> Span:
        """Find the ``x`` with which exactly the cost is raised, times the scale."""
        steps: dict[Fraction, list[int]] = {}
        for place, (part, all_of_it) in enumerate(
            zip(points.tolist(), whole.tolist(), strict=True)
        ):
            steps.setdefault(Fraction(part, all_of_it), []).append(place)
        order = sorted(steps, reverse=True)
        sums = []
        for step in order:
            who = member[steps[step]]
            weight = self._weight[who]
            sums.append(((weight * self._low[who]).sum(), (weight * self._high[who]).sum()))
        given = (0, 0)
        slope = [
            sum(
                (step * amount[side] for step, amount in zip(order, sums, strict=True)), Fraction(0)
            )
            for side in (0, 1)
        ]
        for step, amount in zip(order, sums, strict=True):
            # At x = 1 / step these voters give all they have.
            raised = Span(given[0] + slope[0] / step, given[1] + slope[1] / step)
            if not Span(cost, cost).beats(raised):
                low, high = (cost - given[1]) / slope[1], (cost - given[0]) / slope[0]
                return Span(*self._scaled(low, high))
            given = (given[0] + amount[0], given[1] + amount[1])
            slope = [slope[side] - step * amount[side] for side in (0, 1)]
        raise Unsure

    def _scaled(self, low: Fraction, high: Fraction) -> tuple[Number, Number]:
        if self._exact:
            return low, high
        return int(low * self.scale), -int(-high * self.scale // 1)

    def _kept(
        self, held: NDArray[Any], part: NDArray[Any], whole: NDArray[Any], factor: Number, to: Any
    ) -> NDArray[Any]:
        rest = np.maximum(whole * self.scale - part * factor, 0)
        kept: NDArray[Any] = to(held * rest, whole * self.scale)
        return kept

    def _down(self, above: NDArray[Any], below: NDArray[Any]) -> NDArray[Any]:
        quotient: NDArray[Any] = above / below if self._exact else above // below
        return quotient

    def _up(self, above: NDArray[Any], below: NDArray[Any]) -> NDArray[Any]:
        quotient: NDArray[Any] = above / below if self._exact else -(-above // below)
        return quotient

    def _marks(self, project: int) -> tuple[NDArray[Any], NDArray[np.int64]]:
        start, end = self._bounds[project], self._bounds[project + 1]
        return self._classes.member[start:end], self._points[start:end]

    @staticmethod
    def _check(held: NDArray[Any]) -> None:
        if any(amount.denominator.bit_length() > MOST_BITS for amount in held.tolist()):
            raise ValueError(
                "two amounts in this count are too near each other to be told apart without "
                "fractions of more than a million binary digits; count it with equal-shares"
            )


def _fine(voters: int, total: NDArray[np.int64]) -> int:
    """Return a number that each first support can be divided by, if there is a handy one."""
    fine = voters
    for points in np.unique(total[total > 0]).tolist():
        fine = lcm(fine, points)
        if fine.bit_length() > EXTRA_BITS:
            return voters
    return fine
