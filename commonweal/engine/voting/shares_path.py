"""The last runs of a count by equal shares, and what each would have asked of a project that lost."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.equal_shares import Money
from commonweal.engine.voting.greedy import FILL_MEASURES, fill
from commonweal.engine.voting.outcome import Outcome
from commonweal.engine.voting.recount import rooms_in_time
from commonweal.engine.voting.rounds import Electorate
from commonweal.engine.voting.ties import TieRule

# How many runs before the one that decided are looked at.
LAST_RUNS = 16
# How many of them a price is tried for.
MOST_TRIES = 3
NOBODY = 1e18


class Path:
    """The runs of a count up to the one that decided and the one after it, if one was made.

    ``price[j]`` is, for each asked project, the highest price at which it is bought in run ``j``;
    ``approvals[j]`` and ``ballots[j]`` the fewest more of either (with the start money as it was).

    Parameters
    ----------
    electorate : Electorate
        Of the count as it was.
    outcome : Outcome
        Its result.
    money : Money
        Its ledger, which remembers the runs.
    ties : TieRule
        Of the count.
    step : int
        How far add1 raises the start money at a time.
    asked : sequence of int
        The losing projects.
    """

    def __init__(
        self,
        electorate: Electorate,
        outcome: Outcome,
        money: Money,
        ties: TieRule,
        step: int,
        asked: Sequence[int],
    ) -> None:
        self.of, self._outcome, self._ties = electorate, outcome, ties
        self.place = {p: i for i, p in enumerate(asked)}
        self.step = step
        self.starts, self.orders = self._grid(money, outcome.start)
        self.spent = [int(electorate.cost[order].sum()) for order in self.orders]
        self.end = self.starts.index(outcome.start)
        self._fills = outcome.completion.endswith("greedy")
        self._measure = FILL_MEASURES[electorate.satisfaction]
        self._monies: dict[int, Money] = {self.end: money}
        self._rooms: dict[bytes, NDArray[np.int64]] = {}
        weight = electorate.weight
        voters = electorate.profile.voters
        self.idle = 0 if weight is None else voters - int(weight.sum())
        # Equal money must not be told apart by its rounding.
        left = np.round(money.left(), 6)
        self.line = np.argsort(-left, kind="stable").astype(np.int64)
        self.price, self.approvals, self.ballots = self._found(np.array(asked, dtype=np.int64))

    def _grid(self, money: Money, end: Fraction) -> tuple[list[Fraction], list[NDArray[np.int64]]]:
        """Return the start money and purchases of the last runs, made or proved to be alike."""
        made = money.path
        back = min(LAST_RUNS, int((end - made[0].start) // self.step))
        ahead = 1 if made[-1].start > end else 0
        starts = [end + j * self.step for j in range(-back, ahead + 1)]
        orders, at = [], 0
        for start in starts:
            while at + 1 < len(made) and made[at + 1].start <= start:
                at += 1
            orders.append(made[at].order)
        return starts, orders

    def _found(
        self, asked: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        shape = (len(self.starts), len(asked))
        price, approvals, ballots = np.zeros(shape), np.full(shape, NOBODY), np.full(shape, NOBODY)
        for j, (start, order) in enumerate(zip(self.starts, self.orders, strict=True)):
            self.ask(start, order, asked, self.line, (price[j], approvals[j], ballots[j]))
        return price, approvals, ballots

    def ask(
        self,
        start: Fraction,
        order: NDArray[np.int64],
        asked: NDArray[np.int64],
        line: NDArray[np.int64],
        best: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
    ) -> None:
        """Improve on the best price, approvals and ballots by what one run would have asked."""
        # numba takes a moment to import, and a web page that counts nothing never needs it.
        from commonweal.engine.voting import replay

        of = self.of
        replay.nearest(
            of.first, of.member, of.weight, of.value, of.cost, of.per_cost, order,
            np.full(of.classes, float(start)), asked, line, self.idle, *best,
        )  # fmt: skip

    def money(self, run: int) -> Money:
        """Return what a run leaves in the purses, worked out once."""
        if run not in self._monies:
            self._monies[run] = Money(self.of, self.starts[run], self.orders[run])
        return self._monies[run]

    def edge(self, project: int, cost: int) -> Money | None:
        """Return the purses of the run in which this price takes all that the supporters have."""
        near = np.flatnonzero(np.abs(self.price[:, self.place[project]] / max(cost, 1) - 1) < 1e-6)
        return self.money(int(near[-1])) if len(near) else None

    # --- guesses: what would happen if the others went on buying the same

    def guess_prices(self, project: int) -> list[int]:
        """Return prices to try, the highest first: each is the most in one of the last runs."""
        column = self.price[: self.end + 1, self.place[project]]
        cost = int(self.of.cost[project])
        tries = {int(c) for c in column[-MOST_TRIES:].tolist() if 0 < c < cost}
        return sorted(tries | {self._guess_price(project)}, reverse=True)

    def _guess_price(self, project: int) -> int:
        column = [int(c) for c in self.price[:, self.place[project]].tolist()]
        cost, budget = int(self.of.cost[project]), self._outcome.budget
        hopes = {c for c in column if c < cost} | {budget - spent for spent in self.spent}
        if self._fills:
            hopes |= {self._room(j, project)[0] for j in range(self.end + 1)}
        for c in sorted((c for c in hopes if 0 < c < cost), reverse=True):
            if self._would_win(project, c, [c <= top for top in column], None):
                return c
        return min(column[self.end], cost - 1)

    def guess_votes(self, table: NDArray[np.float64], project: int) -> int:
        """Return the fewest more votes that would be enough."""
        column = table[:, self.place[project]].tolist()
        cost = int(self.of.cost[project])
        hopes = {int(k) for k in column if k < NOBODY}
        if self._fills:
            hopes |= {self._room(j, project)[1] for j in range(self.end + 1)}
        for k in sorted(hopes):
            if self._would_win(project, cost, [k >= least for least in column], k):
                return k
        return int(min(column[self.end], NOBODY))

    def _would_win(self, project: int, cost: int, buys: list[bool], votes: int | None) -> bool:
        """Tell whether it wins in the last run that is not too dear."""
        budget = self._outcome.budget
        for j in range(self.end, -1, -1):
            dear = self.spent[j] + cost > budget
            if not buys[j]:
                room, lacks = self._room(j, project) if self._fills and not dear else (-1, 0)
                return not dear and (cost <= room if votes is None else votes >= lacks > 0)
            if not dear or project in self.orders[j]:
                return True
        return False

    def _room(self, run: int, project: int) -> tuple[int, int]:
        """Return what is left at a project's turn in the fill after a run, and the votes it lacks."""
        key = self.orders[run].tobytes()
        outcome = self._outcome
        if key not in self._rooms:
            taken = (*self.of.free, *self.orders[run].tolist())
            filled = fill(
                self.of.profile, outcome.budget - self.spent[run], self._ties, taken,
                measure=self._measure, satisfaction=self.of.satisfaction,
            )  # fmt: skip
            self._rooms[key] = filled.left
        left = self._rooms[key]
        if left[project] < 0:  # bought in this run
            return -1, 0
        return int(left[project]), rooms_in_time(left, outcome.votes, outcome.cost, project)
