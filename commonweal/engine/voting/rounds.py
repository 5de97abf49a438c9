"""One run of equal shares: floats look, fractions decide whenever the floats are not sure."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from heapq import heapify, heappop, heappush
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.classes import Classes
from commonweal.engine.voting.purses import Purses

EPSILON = float(np.finfo(np.float64).eps)
# A pairwise sum of fewer than 2**48 products is off by less than this many epsilons.
SUM_ERROR = 64 * EPSILON
# Money is copied again from the exact purses when its error could pass this part of the start.
STALE = 2.0**-30
# Purses this close to a payment (relatively) are treated as not surely able to make it.
EDGE = 2.0**-20


class Offer(NamedTuple):
    """A project the supporters can afford: the payment, and bounds on payment per penny of cost."""

    low: float
    high: float
    project: int
    payment: float
    doubt: float


class Purchase(NamedTuple):
    """One round: what was bought, at most at what rate, and whom it tied with (itself included)."""

    project: int
    high: float
    tied: tuple[int, ...]
    rate: Fraction | None


@dataclass
class Run:
    """A finished run: the purchases in order, and its exact purses when somebody needs them."""

    start: Fraction
    purchases: list[Purchase] = field(default_factory=list)
    follows: bool = False

    @property
    def order(self) -> list[int]:
        return [purchase.project for purchase in self.purchases]


class Rounds:
    """The state of one run with cost satisfaction: every voter starts with the same money.

    In each round the project with the smallest *rate* is bought: the largest payment of one
    supporter divided by the cost. A rate only rises during a run, so an old rate is a lower bound
    and most projects need no second look (lazy evaluation).

    Each float carries a bound on its error. Where the bounds leave room for doubt about a choice or
    about whether a project can be afforded, :class:`Purses` decides in fractions.

    Parameters
    ----------
    classes : Classes
        Merged ballots.
    cost, votes, rank : int64 arrays, shape (projects,)
        Price in pence, number of supporters, place in the order that breaks ties.
    start : Fraction
        Money of each voter, in pence.
    """

    def __init__(
        self,
        classes: Classes,
        cost: NDArray[np.int64],
        votes: NDArray[np.int64],
        rank: NDArray[np.int64],
        start: Fraction,
    ) -> None:
        self._classes, self._cost, self._rank, self._start = classes, cost, rank, start
        self._costs = cost.tolist()
        self._votes = votes.tolist()
        self._bounds = classes.start.tolist()
        self._money = np.full(len(classes.weight), float(start))
        self._touched = np.zeros(len(classes.weight), dtype=bool)
        self._error = np.full(len(classes.weight), EPSILON * float(start))
        self._stale = STALE * float(start)
        self._purses: Purses | None = None
        self._bought: list[int] = []
        # With full purses each supporter pays cost / votes, so no rate is below 1 / votes.
        self._queue = [
            ((1 - 4 * EPSILON) / count, p)
            for p, count in enumerate(self._votes)
            if count and self._costs[p]
        ]
        heapify(self._queue)

    def run(self, like: Run | None = None) -> Run:
        """Buy until nothing can be afforded.

        With ``like``, a run with less start money, ``follows`` tells afterwards whether *every*
        start money between the two surely gives the same purchases. With more start money and the
        same purchases so far, no purse is emptier and no rate higher. So if each choice of the
        richer run beats its rivals' rates even at the poorer run's rate of that choice, it does so
        everywhere between; an exact tie counts if both runs met it at the same rate.
        """
        done = Run(self._start, follows=like is not None)
        hurdles: Sequence[Purchase] = like.purchases if like else ()
        while True:
            place = len(done.purchases)
            hurdle = hurdles[place] if done.follows and place < len(hurdles) else None
            found = self._next(hurdle)
            if found is None:
                done.follows = done.follows and place == len(hurdles)
                return done
            purchase, clear = found
            done.follows = done.follows and clear
            done.purchases.append(purchase)

    def _next(self, hurdle: Purchase | None) -> tuple[Purchase, bool] | None:
        """Buy one project; tell also whether it was chosen as the hurdle asks."""
        offers = self._offers(hurdle.high if hurdle else 0.0)
        if not offers:
            return None
        purchase, offer = self._choose(offers)
        clear = hurdle is not None and self._same_choice(purchase, hurdle, offers)
        for other in offers:
            if other.project != purchase.project:
                heappush(self._queue, (other.low, other.project))
        self._pay(offer)
        return purchase, clear

    def _offers(self, hurdle: float) -> list[Offer]:
        """Take from the queue every project that could still be the best, or below the hurdle."""
        offers: list[Offer] = []
        reach = float("inf")
        while self._queue and self._queue[0][0] <= reach:
            project = heappop(self._queue)[1]
            offer = self._evaluate(project)
            if offer is None:
                continue  # its supporters' money only falls, so it can never be afforded again
            offers.append(offer)
            reach = min(reach, max(offer.high, hurdle))
        return offers

    def _choose(self, offers: list[Offer]) -> tuple[Purchase, Offer]:
        reach = min(offer.high for offer in offers)
        rivals = [offer for offer in offers if offer.low <= reach]
        if len(rivals) == 1:
            best = rivals[0]
            return Purchase(best.project, best.high, (best.project,), None), best
        exact = {offer.project: self._exact_offer(offer.project) for offer in rivals}
        rates = {p: found[0] for p, found in exact.items() if found is not None}
        least = min(rates.values())
        tied = sorted((p for p, rate in rates.items() if rate == least), key=self._rank.__getitem__)
        found = exact[tied[0]]
        assert found is not None
        return Purchase(tied[0], found[1].high, tuple(tied), least), found[1]

    @staticmethod
    def _same_choice(purchase: Purchase, hurdle: Purchase, offers: list[Offer]) -> bool:
        if purchase.project != hurdle.project:
            return False
        flat = purchase.tied == hurdle.tied and purchase.rate == hurdle.rate
        beaten = {purchase.project, *(purchase.tied if flat else ())}
        return all(offer.project in beaten or offer.low > hurdle.high for offer in offers)

    def _members(self, project: int) -> NDArray[np.signedinteger[Any]]:
        return self._classes.member[self._bounds[project] : self._bounds[project + 1]]

    def _evaluate(self, project: int) -> Offer | None:
        """Return the offer of a project, None if its supporters cannot afford it."""
        cost, votes = self._costs[project], self._votes[project]
        member = self._members(project)
        held = self._money[member]
        weight = self._classes.weight_at[self._bounds[project] : self._bounds[project + 1]]
        worth = held * weight
        error = self._error[member]
        total = float(worth.sum())
        slack = float((error * weight).sum()) * (1 + SUM_ERROR) + SUM_ERROR * (total + cost)
        if total + slack < cost:
            return None
        if total - slack < cost:
            return self._surely(project)
        payment, poor = cost / votes, 0
        while True:
            short = held < payment
            now_poor = int(np.count_nonzero(short))
            if now_poor == poor:
                break
            poor = now_poor
            payers = votes - float(weight[short].sum())
            if payers < 1:
                return self._surely(project)
            payment = (cost - float(worth[short].sum())) / payers
        return self._bounded(project, payment, held, weight, error)

    def _bounded(
        self,
        project: int,
        payment: float,
        held: NDArray[np.float64],
        weight: NDArray[np.float64],
        error: NDArray[np.float64],
    ) -> Offer | None:
        """Add the error bounds: poor purses may be off, and the payers share the difference."""
        cost = self._costs[project]
        poor = held < payment * (1 + EDGE)
        payers = self._votes[project] - float(weight[poor].sum())
        if payers < 1:
            return self._surely(project)
        doubt = float((error * weight)[poor].sum()) * (1 + SUM_ERROR)
        doubt = (doubt + SUM_ERROR * cost) / payers
        doubt += 4 * EPSILON * payment
        if doubt + float(error.max()) > payment * EDGE / 2:
            return self._surely(project)
        return Offer(
            (payment - doubt) / cost * (1 - 2 * EPSILON),
            (payment + doubt) / cost * (1 + 2 * EPSILON),
            project,
            payment,
            doubt,
        )

    def _surely(self, project: int) -> Offer | None:
        found = self._exact_offer(project)
        return None if found is None else found[1]

    def _exact_offer(self, project: int) -> tuple[Fraction, Offer] | None:
        """Return the exact rate and an offer as tight as floats can say it."""
        payment = self._exact_payment(project)
        if payment is None:
            return None
        near, rate = float(payment), float(payment / self._costs[project])
        around = 4 * EPSILON
        offer = Offer(rate * (1 - around), rate * (1 + around), project, near, around * near)
        return payment / self._costs[project], offer

    def _exact_payment(self, project: int) -> Fraction | None:
        """Return the largest payment; the easy case, full purses and empty ones, needs no purses."""
        member = self._members(project)
        full = ~self._touched[member]
        empty = (self._money[member] == 0) & (self._error[member] == 0)
        if not (full | empty).all():
            return self._exact_purses().price(project)
        cost = self._costs[project]
        weight = self._classes.weight_at[self._bounds[project] : self._bounds[project + 1]]
        payers = int(weight[full].sum())
        return Fraction(cost, payers) if payers and self._start * payers >= cost else None

    def _exact_purses(self) -> Purses:
        if self._purses is None:
            self._purses = Purses(self._classes, self._cost, self._start)
        for project in self._bought[len(self._purses.paid) :]:
            self._purses.buy(project)
        return self._purses

    def _pay(self, offer: Offer) -> None:
        member = self._members(offer.project)
        held, error = self._money[member], self._error[member]
        surely_all = held <= offer.payment - error - offer.doubt
        self._money[member] = np.where(surely_all, 0.0, np.maximum(held - offer.payment, 0.0))
        rounding = EPSILON * float(self._start)
        error = np.where(surely_all, 0.0, error + (offer.doubt + rounding))
        self._error[member] = error
        self._touched[member] = True
        self._bought.append(offer.project)
        if float(error.max()) > self._stale:
            self._money = self._exact_purses().as_floats()
            self._error = EPSILON * self._money
