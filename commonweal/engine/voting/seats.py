"""Filling seats one by one: the cheapest choice next, in exact numbers."""

from collections.abc import Callable
from fractions import Fraction
from heapq import heapify, heappop, heappush
from math import gcd, lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.outcome import Outcome
from commonweal.engine.voting.profile import Profile
from commonweal.engine.voting.ties import Tie, TieRule

# What it costs to choose an option next, as an exact number; the least goes first.
Price = Callable[[int], Fraction | int]


class Choice:
    """Who is chosen so far, at what price, and the ties met."""

    def __init__(self, profile: Profile, seats: int, rule: TieRule) -> None:
        self.profile, self.seats, self.rule = profile, seats, rule
        self.rank: list[int] = rule.rank(profile).tolist()
        self.order: list[int] = []
        self.prices: list[Fraction | int] = []
        self.tied: list[tuple[int, ...]] = []

    def take(self, option: int, price: Fraction | int, tied: tuple[int, ...] = ()) -> None:
        self.order.append(option)
        self.prices.append(price)
        self.tied.append(tied or (option,))

    def choose(self, price: Price, pay: Callable[[int], Any]) -> None:
        """Fill the seats: the cheapest next, where prices only rise when somebody has paid."""
        gone = set(self.order)
        supported = np.flatnonzero(self.profile.votes).tolist()
        queue = [(price(p), self.rank[p], p) for p in supported if p not in gone]
        heapify(queue)
        while queue and len(self.order) < self.seats:
            found = self._cheapest(queue, price)
            best = found[0][2]
            self.take(best, found[0][0], tuple(p for _, _, p in found))
            for entry in found[1:]:
                heappush(queue, entry)
            pay(best)

    def _cheapest(
        self, queue: list[tuple[Fraction | int, int, int]], price: Price
    ) -> list[tuple[Fraction | int, int, int]]:
        """Take all options at the least price from the queue, by rank; old prices are too low."""
        found: list[tuple[Fraction | int, int, int]] = []
        while queue and (not found or queue[0][0] == found[0][0]):
            _, rank, option = heappop(queue)
            now = (price(option), rank, option)
            least = found[0][0] if found else queue[0][0] if queue else now[0]
            if now[0] <= least:
                found.append(now)
            else:
                heappush(queue, now)
        return sorted(found)

    def outcome(self, rule: str, told: Callable[[Any], dict[str, Any]], **more: Any) -> Outcome:
        name = [str(option) for option in self.profile.ids]
        ties = tuple(
            Tie(tied, tied[0], self.rule.decided_by(self.profile, tied))
            for tied in self.tied
            if len(tied) > 1
        )
        rounds = [
            {"chosen": name[option], **told(price), "tied": [name[p] for p in tied if p != option]}
            for option, price, tied in zip(self.order, self.prices, self.tied, strict=True)
        ]
        return Outcome(
            rule=rule,
            profile=self.profile,
            budget=self.seats,
            order=np.array(self.order, dtype=np.int64),
            detail={"rounds": rounds},
            **more | {"ties": more.get("ties", ()) + ties},
        )


class Holdings:
    """What each class of voters holds, or owes: one number for all of the same history.

    The numbers are whole, and all are counted in one part of a seat, so that nothing is rounded.
    """

    def __init__(self, profile: Profile, start: Fraction) -> None:
        self._classes = profile.classes
        self._votes: list[int] = profile.votes.tolist()
        self._parts = start.denominator
        self._amounts: NDArray[Any] = np.array([start.numerator], dtype=object)
        self._of = np.zeros(len(self._classes.weight), dtype=np.int64)
        self._roomy = 64

    def pay(self, option: int, payment: Fraction) -> None:
        """Take the payment from each supporter, or all there is."""
        price = self._in_parts(payment)
        old, which = np.unique(self._of[self._members(option)], return_inverse=True)
        left = self._amounts[old] - price
        self._hold(option, np.where(left > 0, left, 0), which)

    def owe(self) -> None:
        """Turn what is left into loads below nothing, so that it shortens the wait."""
        self._amounts = -self._amounts

    def level(self, option: int) -> Fraction:
        """Return the load each supporter carries if they share a seat and all their loads."""
        start = self._classes.start
        weight_at = self._classes.weight_at[start[option] : start[option + 1]]
        held, which = np.unique(self._of[self._members(option)], return_inverse=True)
        many = np.bincount(which, weights=weight_at).astype(np.int64).astype(object)
        total = self._parts + int((self._amounts[held] * many).sum())
        return Fraction(total, self._parts * self._votes[option])

    def carry(self, option: int, level: Fraction) -> None:
        """Put the same load on each supporter."""
        self._hold(option, np.array([self._in_parts(level)], dtype=object), 0)

    def _members(self, option: int) -> NDArray[np.signedinteger[Any]]:
        start = self._classes.start
        return self._classes.member[start[option] : start[option + 1]]

    def _in_parts(self, amount: Fraction) -> int:
        """Return an amount as a whole number of parts, making the parts finer where needed."""
        finer = amount.denominator // gcd(amount.denominator, self._parts)
        if finer > 1:
            self._parts *= finer
            self._amounts = self._amounts * finer
        return amount.numerator * (self._parts // amount.denominator)

    def _hold(self, option: int, amounts: NDArray[Any], which: NDArray[np.intp] | int) -> None:
        self._of[self._members(option)] = len(self._amounts) + which
        self._amounts = np.concatenate((self._amounts, amounts))
        if len(self._amounts) > self._roomy:
            used, self._of = np.unique(self._of, return_inverse=True)
            self._amounts = self._amounts[used]
            self._roomy = 2 * len(used) + 64


def by_phragmen(count: Choice, holdings: Holdings) -> None:
    count.choose(holdings.level, lambda option: holdings.carry(option, Fraction(count.prices[-1])))


def by_pav(count: Choice, chosen: list[int]) -> int:
    """Choose by sequential PAV after those chosen; return the part in which scores are counted."""
    classes = count.profile.classes
    bounds = classes.start.tolist()
    part = lcm(*range(1, count.seats + 1))
    won: NDArray[np.int64] = np.zeros(len(classes.weight), dtype=np.int64)

    def members(option: int) -> slice:
        return slice(bounds[option], bounds[option + 1])

    def price(option: int) -> int:
        where = members(option)
        many = np.bincount(won[classes.member[where]], weights=classes.weight_at[where])
        return -sum(part // (n + 1) * int(ballots) for n, ballots in enumerate(many))

    def pay(option: int) -> None:
        won[classes.member[members(option)]] += 1

    for option in chosen:
        pay(option)
    count.choose(price, pay)
    return part
