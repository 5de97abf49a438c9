"""One run of exact equal shares, and the least extra money that changes it."""

from collections import Counter
from fractions import Fraction
from heapq import heapify, heappop, heappush
from typing import Any

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.profile import Profile

EPSILON = float(np.finfo(np.float64).eps)
Key = tuple[Fraction, int, int, int]


class ExactRounds:
    """The state of one run: every voter starts with the same money.

    Voters who paid for the same projects hold the same money, so they share one *purse*: a number
    that leads to the purse it came from and the round in which it paid. A purse's money is a float
    that is off by less than ``slack``; its exact money is added up along that trail when needed.

    Parameters
    ----------
    profile : Profile
        Approvals.
    rank : int64 array, shape (projects,)
        Place in the order that breaks ties.
    start : Fraction
        Money of each voter, in pence.
    satisfaction : {"cost", "cardinality"}
        What a project is worth to each of its supporters.
    """

    def __init__(
        self, profile: Profile, rank: NDArray[np.int64], start: Fraction, satisfaction: str
    ) -> None:
        self.profile, self.start, self.satisfaction = profile, start, satisfaction
        self.cost: list[int] = profile.cost.tolist()
        self.votes: list[int] = profile.votes.tolist()
        self.rank: list[int] = rank.tolist()
        self.tie_order = rank
        self.purchases: list[tuple[int, int]] = []
        self.ties: Counter[tuple[int, ...]] = Counter()
        self._classes = profile.classes
        self._bounds: list[int] = self._classes.start.tolist()
        self._money = np.full(len(self._classes.weight), float(start))
        self._purse = np.zeros(len(self._classes.weight), dtype=np.int64)
        self._trail: list[tuple[int, int]] = [(0, -1)]
        self._held = np.array([float(start)])
        self._most = float(start)
        self._exact: dict[int, Fraction] = {0: start}

    @property
    def order(self) -> list[int]:
        """The projects in the order of purchase."""
        return [project for project, _ in self.purchases]

    def run(self) -> None:
        """Buy until no group of supporters can pay the same and have enough."""
        queue = self.queue(self.start, strict=False)
        while queue:
            project, k = heappop(queue)[2:]
            payers = self.payers(project, k)
            if payers == k:
                self._note_tie(project, k, queue)
                self.buy(project, k)
            elif payers:
                heappush(queue, self.key(project, payers))

    def queue(self, money: Fraction, *, strict: bool) -> list[Key]:
        """List the projects that all supporters could pay if each had so much, best first."""
        keys = []
        for p, votes in enumerate(self.votes):
            spare = money * votes - self.cost[p]
            if votes and self.cost[p] and (spare > 0 or (spare == 0 and not strict)):
                keys.append(self.key(p, votes))
        heapify(keys)
        return keys

    def key(self, project: int, payers: int) -> Key:
        """Return what orders purchases: price of one payer for what it is worth, then the tie."""
        price = 1 if self.satisfaction == "cost" else self.cost[project]
        return Fraction(price, payers), self.rank[project], project, payers

    def payers(
        self, project: int, most: int, extra: Fraction = Fraction(0), *, strict: bool = False
    ) -> int:
        """Return the greatest number of supporters, at most ``most``, who can all pay the same.

        With ``extra``, if each had so much more; with ``strict``, if each had a little left over.
        """
        member = self._members(project)
        more = float(extra)
        money, weight = self._money[member] + more, self._weights(project)
        k = most
        while k:
            sure, maybe = self._able(money, self.cost[project] / k, more)
            able = int(weight[sure].sum())
            for place in maybe:
                exact = self.exact(int(self._purse[member[place]])) + extra
                owed = exact * k - self.cost[project]
                able += int(weight[place]) if owed > 0 or (owed == 0 and not strict) else 0
            if able >= k:
                return k
            k = able
        return 0

    def buy(self, project: int, payers: int) -> None:
        """Take the price from all supporters who have it; there must be just as many."""
        member = self._members(project)
        price = self.cost[project] / payers
        able, maybe = self._able(self._money[member], price, 0.0)
        for place in maybe:
            exact = self.exact(int(self._purse[member[place]]))
            able[place] = exact * payers >= self.cost[project]
        member = member[able]
        old, which = np.unique(self._purse[member], return_inverse=True)
        first, turn = len(self._trail), len(self.purchases)
        self._trail += [(purse, turn) for purse in old.tolist()]
        self._held = np.concatenate((self._held, self._held[old] - price))
        self._purse[member] = first + which
        self._money[member] = self._held[first + which]
        self.purchases.append((project, payers))

    def exact(self, purse: int) -> Fraction:
        """Return the money in a purse."""
        trail = [purse]
        while trail[-1] not in self._exact:
            trail.append(self._trail[trail[-1]][0])
        held = self._exact[trail.pop()]
        for later in reversed(trail):
            project, payers = self.purchases[self._trail[later][1]]
            held -= Fraction(self.cost[project], payers)
            self._exact[later] = held
        return held

    def behind(self, project: int) -> Fraction:
        """Return the money that the supporters still hold together."""
        purses, weights = self.purses(project)
        held = (self.exact(p) * int(w) for p, w in zip(purses.tolist(), weights, strict=True))
        return sum(held, Fraction(0))

    def purses(self, project: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the purses of the supporters and how many share each."""
        purses, which = np.unique(self._purse[self._members(project)], return_inverse=True)
        shared: NDArray[np.float64] = np.zeros(len(purses))
        np.add.at(shared, which, self._weights(project))
        return purses.astype(np.int64), shared

    def lacking(self, project: int, least: int) -> Fraction:
        """Return the least extra money with which ``least`` or more supporters can pay the same.

        ``k`` supporters can if the one with the ``k``-th most money can, so for each purse the best
        ``k`` is the number of supporters who hold no less.
        """
        purses, weights = self.purses(project)
        order = np.argsort(-self._held[purses], kind="stable")
        purses, weights = purses[order], weights[order]
        held, richer = self._held[purses], np.cumsum(weights)
        extra = self.cost[project] / richer - held
        slack = 2 * self._slack(self.cost[project] / least)
        # Purses that floats cannot tell apart may stand in the wrong order: count them all.
        tied_end = np.searchsorted(-held, -held + slack, side="right") - 1
        low = self.cost[project] / richer[tied_end] - held
        reach = extra[richer >= least].min() + slack
        found = []
        for place in np.flatnonzero((richer[tied_end] >= least) & (low <= reach)):
            value = self.exact(int(purses[place]))
            k = int(weights[held > held[place] + slack].sum())
            for near in np.flatnonzero(np.abs(held - held[place]) <= slack):
                k += int(weights[near]) if self.exact(int(purses[near])) >= value else 0
            if k >= least:
                found.append(Fraction(self.cost[project], k) - value)
        return min(found)

    def _note_tie(self, project: int, payers: int, queue: list[Key]) -> None:
        """Look whether others are as good; what is put back is just as good or better known."""
        rate, again, tied = self.key(project, payers)[0], [], [project]
        while queue and queue[0][0] == rate:
            other, k = heappop(queue)[2:]
            now = self.payers(other, k)
            if now:
                again.append(self.key(other, now))
            if now == k:
                tied.append(other)
        for key in again:
            heappush(queue, key)
        if len(tied) > 1:
            self.ties[tuple(tied)] += 1

    def _slack(self, price: float) -> float:
        """Bound the error of comparing a purse with a price."""
        return 4 * EPSILON * (len(self.purchases) + 8) * (self._most + price)

    def _able(
        self, money: NDArray[np.float64], price: float, extra: float
    ) -> tuple[NDArray[np.bool_], list[int]]:
        """Tell who surely has the price, and the places of those who may have it."""
        slack = self._slack(price + extra)
        sure, perhaps = money >= price + slack, money >= price - slack
        if np.count_nonzero(sure) == np.count_nonzero(perhaps):
            return sure, []
        return sure, np.flatnonzero(perhaps & ~sure).tolist()

    def _members(self, project: int) -> NDArray[np.signedinteger[Any]]:
        return self._classes.member[self._bounds[project] : self._bounds[project + 1]]

    def _weights(self, project: int) -> NDArray[np.float64]:
        return self._classes.weight_at[self._bounds[project] : self._bounds[project + 1]]


def next_change(rounds: ExactRounds, *, skip: bool) -> Fraction:
    """Return the least extra money for each voter that changes a finished run.

    Parameters
    ----------
    rounds : ExactRounds
        A finished run that left some project with support unfunded.
    skip : bool
        Look only at changes through projects that are not funded.

    Returns
    -------
    Fraction
        Above 0. With any less (and without ``skip``) the same projects are bought by the same
        voters in the same order; with just that much, something differs.

    Notes
    -----
    The run is made again with the same purchases, asking before each one which project would come
    first if everybody had a little more than now but less than the best answer so far. Without a
    change all purses hold just that much more, so this is where the two runs would part.
    """
    funded = set(rounds.order)
    lost = [p for p, n in enumerate(rounds.votes) if n and rounds.cost[p] and p not in funded]
    best = min(rounds.lacking(p, 1) for p in lost)
    again = ExactRounds(rounds.profile, rounds.tie_order, rounds.start, rounds.satisfaction)
    queue = [
        key
        for key in again.queue(rounds.start + best, strict=True)
        if not skip or key[2] not in funded
    ]
    heapify(queue)
    bought = set()
    for project, payers in rounds.purchases:
        chosen = again.key(project, payers)
        while queue and queue[0][:2] < chosen[:2]:
            rival, k = heappop(queue)[2:]
            if rival in bought:
                continue
            k = again.payers(rival, k, best, strict=True)
            if k and again.key(rival, k)[:2] < chosen[:2]:
                best = again.lacking(rival, _least_to_beat(again, rival, chosen))
                k = again.payers(rival, k, best, strict=True)
            if k:
                heappush(queue, again.key(rival, k))
        again.buy(project, payers)
        bought.add(project)
    return best


def _least_to_beat(rounds: ExactRounds, rival: int, chosen: Key) -> int:
    """Return how many payers a project needs to come before the chosen one."""
    price = 1 if rounds.satisfaction == "cost" else rounds.cost[rival]
    just = Fraction(price) / chosen[0]
    wins_tie = rounds.rank[rival] < chosen[1]
    equal = just.denominator == 1
    return int(just) if equal and wins_tie else int(just) + 1
