"""Sequential Phragmén: money drips to everybody at one rate, and who can buy first buys first."""

from collections import Counter
from collections.abc import Set
from dataclasses import dataclass, field
from fractions import Fraction
from heapq import heapify, heappop, heappush
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.greedy import BY_DEFAULT, Filled
from commonweal.engine.voting.limits import Limits, pay_must
from commonweal.engine.voting.outcome import Outcome
from commonweal.engine.voting.profile import Profile, whole_budget
from commonweal.engine.voting.satisfaction import of_worth
from commonweal.engine.voting.ties import Tie, TieRule

MISFITS = ("stop", "skip")
# Loads are rounded once, weighted, summed pairwise, and divided: each is off by less than this part.
NARROW = 128 * float(np.finfo(np.float64).eps)


def phragmen(
    profile: Profile,
    budget: int,
    *,
    misfit: str = "stop",
    ties: TieRule = BY_DEFAULT,
    limits: Limits | None = None,
) -> Outcome:
    """Fund the project whose supporters can first pay for it, if money drips to all alike.

    Every voter receives money at the same steady rate, from nothing. As soon as the supporters of a
    project hold its cost together, it is bought and their purses are emptied. Said the other way
    round: the cost of a project is a *load* on its supporters, spread so that all of them carry
    equally much, and the project that leaves them with the least load each is next.

    Parameters
    ----------
    profile : Profile
        Ballots; a mark is an approval, whatever its value.
    budget : int
        Whole pence, above 0.
    misfit : {"stop", "skip"}
        What happens when the next project costs more than is left: end the count, or leave the
        project out and go on. A project dearer than the whole budget is left out from the start.
    ties : TieRule, optional
        Who goes first among projects whose supporters could pay at the same moment.
    limits : Limits, optional
        Must-fund projects (nobody's load), exclusive projects, caps and a minimum; pots are not read
        here. A project that they keep out is passed over without a stop.

    Returns
    -------
    Outcome
        ``detail["loads"]`` is what each supporter of each winner carried after the purchase, in
        pence rounded to six decimals, in the order of purchase; ``after_stop`` lists the projects
        whose turn never came; ``must``, ``excluded`` and ``over_cap`` say what the limits did.

    Raises
    ------
    ValueError
        If the budget is not a whole number above 0, ``misfit`` is unknown, or the limits cannot be
        kept.

    Notes
    -----
    A load only grows, so an old load of a project is a lower bound and most projects need no second
    look. A look is one pass over a project's supporters, in floats whose error is bounded; where
    the bounds overlap, fractions decide. All voters who last paid in the same round carry the same
    load, so there are never more different loads than rounds. Time O(looks x marks of a project),
    memory O(marks).

    References
    ----------
    Phragmén (1894, 1899); Brill, Freeman, Janson and Lackner (2017), "Phragmén's Voting Methods and
    Justified Representation"; Los, Christoff and Grossi (2022), "Proportional Budget Allocations:
    Towards a Systematization", for budgets.

    Examples
    --------
    Two of three people approve a and b, the third approves c. At one pound a minute a is paid after
    25 minutes, c after 40 and b after 50, when the money is gone.

    >>> profile = Profile.from_pairs(
    ...     ["a", "b", "c"], [50, 50, 40], project=list("aabbc"), ballot=[1, 2, 1, 2, 3]
    ... )
    >>> outcome = phragmen(profile, 100, ties=TieRule(("id-text",)))
    >>> outcome.ids[outcome.order].tolist(), outcome.detail["loads"]
    (['a', 'c'], ['25.000000', '40.000000'])
    """
    pence = whole_budget(budget)
    if misfit not in MISFITS:
        raise ValueError(f"misfit must be one of {', '.join(MISFITS)}, not {misfit!r}")
    must, left, room = pay_must(profile, pence, limits)
    barred = set(must)
    if limits:
        barred.update(np.flatnonzero(limits.too_few(profile)).tolist())
    loads = _Loads(of_worth(profile, "cardinality"), pence, ties.rank(profile), barred)
    filled = Filled([], np.full(len(profile.ids), -1, dtype=np.int64), ())
    while (found := loads.next()) is not None:
        if obstacle := room.obstacle(found):
            filled.kept_out[found] = obstacle
            continue
        filled.left[found] = left
        if loads.cost[found] <= left:
            left -= loads.cost[found]
            room.take(found)
            loads.buy(found)
        elif misfit == "stop":
            break
    shared = np.zeros(len(profile.ids), dtype=bool)
    shared[loads.bought] = True
    return Outcome(
        rule="phragmen",
        profile=profile,
        budget=pence,
        order=np.array(must + loads.bought, dtype=np.int64),
        by_shares=shared,
        at_turn=filled.left,
        gap=loads.gap,
        ties=tuple(
            Tie(tied, tied[0], ties.decided_by(profile, tied), times)
            for tied, times in loads.ties.items()
        ),
        detail={
            "misfit": misfit,
            "loads": [_decimal(load) for load in loads.exact_loads()],
            "after_stop": [str(profile.ids[p]) for p in loads.waiting()],
            **_told(profile, filled, must),
        },
    )


def _told(profile: Profile, filled: Filled, must: list[int]) -> dict[str, Any]:
    told = filled.told(profile, must)
    return {key: told[key] for key in ("must", "excluded", "over_cap")}


@dataclass
class _Loads:
    """What every class of voters carries: floats to look, whole numbers to decide.

    ``last`` says in which round a class paid last (0: never), ``numerators[r] / denominator`` is
    what those who paid last in round ``r`` carry, and ``carried`` is the same as a float per class.
    """

    profile: Profile
    budget: int
    rank: NDArray[np.int64]
    barred: Set[int]
    bought: list[int] = field(default_factory=list)
    ties: Counter[tuple[int, ...]] = field(default_factory=Counter)
    gap: float = float("inf")

    def __post_init__(self) -> None:
        self.classes = self.profile.classes
        self.cost: list[int] = self.profile.cost.tolist()
        self.votes: list[int] = self.profile.votes.tolist()
        self._bounds: list[int] = self.classes.start.tolist()
        self._carried = np.zeros(len(self.classes.weight))
        self._last = np.zeros(len(self.classes.weight), dtype=np.int32)
        self._numerators: list[int] = [0]
        self._denominator = 1
        self._queue = [
            (self.cost[p] / count * (1 - NARROW), p)
            for p, count in enumerate(self.votes)
            if count and self.cost[p] <= self.budget and p not in self.barred
        ]
        heapify(self._queue)

    def next(self) -> int | None:
        """Take the project with the least load out of the queue; None if there is none."""
        offers: list[tuple[float, int]] = []
        reach = float("inf")
        while self._queue and self._queue[0][0] <= reach:
            project = heappop(self._queue)[1]
            load = self._look(project)
            offers.append((load, project))
            reach = min(reach, load * (1 + NARROW))
        if not offers:
            return None
        chosen = self._choose([p for load, p in offers if load * (1 - NARROW) <= reach])
        for load, project in offers:
            if project != chosen:
                heappush(self._queue, (load * (1 - NARROW), project))
        if self._queue and reach < self._queue[0][0]:
            self.gap = min(self.gap, self._queue[0][0] / reach - 1 if reach else self.gap)
        return chosen

    def buy(self, project: int) -> None:
        """Let the supporters carry the cost, equally much each afterwards."""
        load, votes = self._load(project), self.votes[project]
        factor = votes // gcd(load, votes)
        self._numerators = [numerator * factor for numerator in self._numerators]
        self._denominator *= factor
        self._numerators.append(load * factor // votes)
        self.bought.append(project)
        member = self._members(project)
        self._last[member] = len(self.bought)
        self._carried[member] = self._numerators[-1] / self._denominator

    def waiting(self) -> list[int]:
        """Return the projects still in the queue, in the order of the menu."""
        return sorted(project for _, project in self._queue)

    def exact_loads(self) -> list[Fraction]:
        """Return what each supporter of each winner carried after its purchase."""
        return [Fraction(numerator, self._denominator) for numerator in self._numerators[1:]]

    def _choose(self, rivals: list[int]) -> int:
        if len(rivals) == 1:
            return rivals[0]
        exact = {p: Fraction(self._load(p), self.votes[p]) for p in rivals}
        least = min(exact.values())
        tied = sorted((p for p in rivals if exact[p] == least), key=self.rank.__getitem__)
        if len(tied) > 1:
            self.ties[tuple(tied)] += 1
        return tied[0]

    def _members(self, project: int) -> NDArray[np.signedinteger[Any]]:
        return self.classes.member[self._bounds[project] : self._bounds[project + 1]]

    def _weights(self, project: int) -> NDArray[np.float64]:
        return self.classes.weight_at[self._bounds[project] : self._bounds[project + 1]]

    def _look(self, project: int) -> float:
        """Return the load of each supporter if the project were bought now, off by NARROW."""
        carried = self._carried[self._members(project)] * self._weights(project)
        return float(self.cost[project] + carried.sum()) / self.votes[project]

    def _load(self, project: int) -> int:
        """Return the load of all supporters together, times the denominator."""
        last, weights = self._last[self._members(project)], self._weights(project)
        voters: list[int] = np.bincount(last, weights=weights).astype(np.int64).tolist()
        carried = sum(n * numerator for n, numerator in zip(voters, self._numerators, strict=False))
        return self.cost[project] * self._denominator + carried


def _decimal(amount: Fraction) -> str:
    """Write an amount with six decimals, rounded to even; for reading, never for counting."""
    micros = round(amount * 10**6)
    return f"{micros // 10**6}.{micros % 10**6:06d}"
