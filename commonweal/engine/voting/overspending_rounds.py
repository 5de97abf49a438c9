"""The rounds of equal shares with bounded overspending: floats look, fractions decide."""

from collections import Counter
from collections.abc import Set
from dataclasses import dataclass
from fractions import Fraction
from heapq import heapify, heappop, heappush
from math import inf
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.limits import Room
from commonweal.engine.voting.profile import Profile

# Sums of positive numbers, their products and quotients are off by less than this part.
NARROW = 512 * float(np.finfo(np.float64).eps)
# A difference that keeps 2**-10 of what it was taken from is off by less than this part.
WIDE = 2**11 * NARROW
MOST_BITS = 2**20


class Groups(NamedTuple):
    """Supporters of one project with the same purse and worth; sorted by money for worth."""

    purse: NDArray[np.int64]
    worth: NDArray[np.int64]
    weight: NDArray[np.float64]
    held: NDArray[np.float64]
    price: NDArray[np.float64]
    raised: NDArray[np.float64]


@dataclass(frozen=True)
class Bid:
    """How a project would be bought: at ``price`` for a unit of worth, ``share`` of it in earnest.

    ``rate`` is what the rule makes small: price per worth over share of the cost that is covered.
    """

    rate: Fraction
    price: Fraction
    share: Fraction


class OverspendingRounds:
    """The state of one run.

    Parameters
    ----------
    profile : Profile
        Marks with their worth as ``value``, or without where each supporter is worth the same.
    rank : int64 array, shape (projects,)
        Place in the order that breaks ties.
    budget : int
        In pence.
    by_cost : bool
        Whether a project is worth its cost (without values).
    """

    def __init__(
        self, profile: Profile, rank: NDArray[np.int64], budget: int, *, by_cost: bool
    ) -> None:
        self._classes = profile.classes
        self._bounds: list[int] = self._classes.start.tolist()
        self._rank: list[int] = rank.tolist()
        self.cost: list[int] = profile.cost.tolist()
        self._scale = self.cost if by_cost else [1] * len(self.cost)
        self.left = budget
        start = Fraction(budget, max(1, profile.voters))
        # Purse 0 is the empty one.
        self._exact = [Fraction(0), start]
        self._held = np.array([0.0, float(start)])
        self._purse = np.ones(len(self._classes.weight), dtype=np.int64)
        self._roomy = 1024
        self._queue = [
            (0.0, p) for p, votes in enumerate(profile.votes.tolist()) if votes and self.cost[p]
        ]
        self.order: list[int] = []
        self.bids: list[Bid] = []
        self.payments: list[Fraction] = []
        self.ties: Counter[tuple[int, ...]] = Counter()
        self.gap = inf

    def run(self, room: Room, barred: Set[int], kept_out: dict[int, tuple[str, str]]) -> None:
        """Buy until nothing fits, or nobody with money wants what fits.

        Takes from ``room``, leaves out ``barred`` projects, and notes which others had no room.
        """
        self._queue = [entry for entry in self._queue if entry[1] not in barred]
        self._sift(room, kept_out)
        while (found := self._next()) is not None:
            project = found[0]
            room.take(project)
            self._buy(*found)
            self._sift(room, kept_out)

    def _sift(self, room: Room, kept_out: dict[int, tuple[str, str]]) -> None:
        stay = []
        for bound, project in self._queue:
            if obstacle := room.obstacle(project):
                kept_out[project] = obstacle
            else:
                stay.append((bound, project))
        heapify(stay)
        self._queue = stay

    def behind(self, project: int) -> Fraction:
        """Return the money that the supporters still hold together."""
        start, end = self._bounds[project], self._bounds[project + 1]
        purse = self._purse[self._classes.member[start:end]].tolist()
        return _total(self._classes.weight_at[start:end], [self._exact[p] for p in purse])

    def _next(self) -> tuple[int, Bid] | None:
        """Take the best project out of the queue. A rate only rises, so an old one is a bound."""
        offers: list[tuple[float, int]] = []
        reach = inf
        while self._queue and self._queue[0][0] * (1 - WIDE) <= reach:
            project = heappop(self._queue)[1]
            if self.cost[project] > self.left:
                continue
            rate = self._look(project)
            if rate < inf:
                offers.append((rate, project))
                reach = min(reach, rate * (1 + WIDE))
        if not offers:
            return None
        rivals = [p for rate, p in offers if rate * (1 - WIDE) <= reach]
        bids = {p: self._bid(p) for p in rivals}
        least = min(bid.rate for bid in bids.values())
        tied = sorted((p for p in rivals if bids[p].rate == least), key=self._rank.__getitem__)
        if len(tied) > 1:
            self.ties[tuple(tied)] += 1
        for rate, project in offers:
            if project != tied[0]:
                heappush(self._queue, (rate, project))
        if len(rivals) == 1 and self._queue:
            self.gap = min(self.gap, self._queue[0][0] / float(least) - 1)
        return tied[0], bids[tied[0]]

    def _groups(self, project: int) -> Groups:
        """Sort the supporters by the price for a unit of worth that would empty their purse.

        ``raised`` is what all pay together at each such price.
        """
        start, end = self._bounds[project], self._bounds[project + 1]
        weight_at = self._classes.weight_at[start:end]
        purse = self._purse[self._classes.member[start:end]]
        if self._classes.value is None:
            weight = np.bincount(purse, weights=weight_at, minlength=len(self._held))
            purse = np.flatnonzero(weight)
            weight, worth = weight[purse], np.ones(len(purse), dtype=np.int64)
        else:
            pairs, which = np.unique(
                np.column_stack((purse, self._classes.value[start:end])),
                axis=0,
                return_inverse=True,
            )
            purse, worth = pairs[:, 0], pairs[:, 1]
            weight = np.bincount(which.ravel(), weights=weight_at, minlength=len(pairs))
        held = self._held[purse]
        price = held / worth
        order = np.argsort(price, kind="stable")
        purse, worth, weight, held, price = (
            purse[order],
            worth[order],
            weight[order],
            held[order],
            price[order],
        )
        paid, worths = np.cumsum(weight * held), np.cumsum(weight * worth)
        raised = paid + price * (worths[-1] - worths)
        return Groups(purse, worth, weight.astype(np.float64), held, price, raised)

    def _look(self, project: int) -> float:
        """Return the rate of a project as a float that is off by less than WIDE; inf if none."""
        groups, cost = self._groups(project), float(self.cost[project])
        part = self._part_rates(groups, cost)
        full = self._full_price(groups, project)
        return min(float(part.min(initial=inf)), full) / self._scale[project]

    @staticmethod
    def _part_rates(groups: Groups, cost: float) -> NDArray[np.float64]:
        """Return the rate at each price that empties a purse. Overpaying never looks better."""
        some = groups.price > 0
        missing = np.maximum(1.0, cost / groups.raised[some])
        rates = np.full(len(some), inf)
        rates[some] = groups.price[some] * missing * missing
        return rates

    def _full_price(self, groups: Groups, project: int) -> float:
        """Return the price at which the whole cost is raised, inf if there is none."""
        cost = float(self.cost[project])
        if groups.raised[-1] < cost * (1 - NARROW):
            return inf
        place = int(np.searchsorted(groups.raised, cost))
        if place < len(groups.raised) and not (np.abs(groups.raised - cost) <= NARROW * cost).any():
            rest = cost - float((groups.weight * groups.held)[:place].sum())
            if rest >= cost / 1024:
                return rest / float((groups.weight * groups.worth)[place:].sum())
        exact = self._exact_full_price(groups, project)
        return inf if exact is None else float(exact)

    def _exact_full_price(self, groups: Groups, project: int) -> Fraction | None:
        held = [self._exact[p] for p in groups.purse.tolist()]
        worth, weight = groups.worth.tolist(), groups.weight.astype(np.int64).tolist()
        rest = Fraction(self.cost[project])
        worths: int = sum(u * w for u, w in zip(worth, weight, strict=True))
        order = sorted(range(len(held)), key=lambda g: held[g] / worth[g])
        for g in order:
            if held[g] * worths >= rest * worth[g]:
                return rest / worths
            rest -= held[g] * weight[g]
            worths -= worth[g] * weight[g]
        return None

    def _bid(self, project: int) -> Bid:
        """Return the best way to buy a project, exactly; of equal ones the most fully paid."""
        groups, cost = self._groups(project), self.cost[project]
        part = self._part_rates(groups, float(cost))
        full = self._full_price(groups, project)
        reach = min(float(part.min(initial=inf)), full) * (1 + WIDE)
        found = [
            self._part_bid(groups, g, project)
            for g in np.flatnonzero(part * (1 - WIDE) <= reach).tolist()
        ]
        if full * (1 - WIDE) <= reach:
            price = self._exact_full_price(groups, project)
            if price is not None:
                found.append(Bid(price / self._scale[project], price, Fraction(1)))
        bids = [bid for bid in found if bid is not None]
        return min(bids, key=lambda bid: (bid.rate, -bid.share))

    def _part_bid(self, groups: Groups, place: int, project: int) -> Bid | None:
        """Return the bid at the price that empties one group's purses; None if that raises all."""
        price = self._exact[int(groups.purse[place])] / int(groups.worth[place])
        near, around = float(price), float(price) * NARROW
        poor = groups.price < near - around
        for g in np.flatnonzero(np.abs(groups.price - near) <= around):
            poor[g] = self._exact[int(groups.purse[g])] <= price * int(groups.worth[g])
        held = [self._exact[p] for p in groups.purse[poor].tolist()]
        worths = sum(
            int(u) * int(w) for u, w in zip(groups.worth[~poor], groups.weight[~poor], strict=True)
        )
        raised = _total(groups.weight[poor], held) + price * worths
        cost = self.cost[project]
        if raised >= cost:
            return None
        share = raised / cost
        return Bid(price / share**2 / self._scale[project], price / share, share)

    def _buy(self, project: int, bid: Bid) -> None:
        start, end = self._bounds[project], self._bounds[project + 1]
        member = self._classes.member[start:end]
        value = self._classes.value
        pairs, which = np.unique(
            np.column_stack(
                (self._purse[member], np.ones_like(member) if value is None else value[start:end])
            ),
            axis=0,
            return_inverse=True,
        )
        after, most = np.zeros(len(pairs), dtype=np.int64), Fraction(0)
        for place, (purse, worth) in enumerate(pairs.tolist()):
            owed = bid.price * worth
            rest = self._exact[purse] - owed
            most = max(most, min(owed, self._exact[purse]))
            if rest > 0:
                after[place] = len(self._exact)
                self._exact.append(_checked(rest))
        self._held = np.concatenate(
            (self._held, [float(held) for held in self._exact[len(self._held) :]])
        )
        self._purse[member] = after[which.ravel()]
        self.order.append(project)
        self.bids.append(bid)
        self.payments.append(most)
        self.left -= self.cost[project]
        self._forget_unused()

    def _forget_unused(self) -> None:
        if len(self._exact) < self._roomy:
            return
        used, purse = np.unique(np.append(self._purse, 0), return_inverse=True)
        self._purse = purse[:-1]
        self._exact = [self._exact[p] for p in used.tolist()]
        self._held = self._held[used]
        self._roomy = 2 * len(used) + 1024


def _total(weight: NDArray[np.float64], held: list[Fraction]) -> Fraction:
    """Add up in pairs, so that long denominators meet late."""
    terms: list[Any] = [h * int(w) for h, w in zip(held, weight, strict=True)]
    while len(terms) > 1:
        odd = [terms[-1]] if len(terms) % 2 else []
        terms = [a + b for a, b in zip(terms[::2], terms[1::2], strict=False)] + odd
    return Fraction(terms[0]) if terms else Fraction(0)


def _checked(held: Fraction) -> Fraction:
    if held.denominator.bit_length() > MOST_BITS:
        raise ValueError(
            "the exact shares of this election need fractions of more than a million binary digits; "
            "count it with equal-shares, which needs far smaller ones"
        )
    return held
