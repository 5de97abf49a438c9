"""Maximin support: keep the heaviest burden that any voter must carry as light as can be."""

from collections import Counter
from collections.abc import Set
from fractions import Fraction
from heapq import heapify, heappop, heappush
from typing import Any

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.greedy import BY_DEFAULT, Filled
from commonweal.engine.voting.limits import Limits, Room, pay_must
from commonweal.engine.voting.outcome import Outcome
from commonweal.engine.voting.profile import Profile, whole_budget
from commonweal.engine.voting.satisfaction import of_worth
from commonweal.engine.voting.ties import Tie, TieRule

# Above this the count may take minutes; Phragmén is nearly the same rule and takes none.
MOST_WORK = 10**8


def maximin_support(
    profile: Profile, budget: int, *, ties: TieRule = BY_DEFAULT, limits: Limits | None = None
) -> Outcome:
    """Fund next what leaves the least burden on the most burdened voter, shared as well as can be.

    The costs of the funded projects are spread over their supporters, each cost in any way among
    those who approve it. With every new project *all* costs are spread anew, so that the largest
    load is as small as possible; that is the difference from Phragmén's rule, where what has been
    spread stays. The project with which this largest load is least is next, among those that
    fit into what is left of the budget.

    Parameters
    ----------
    profile : Profile
        Ballots; a mark is an approval, whatever its value. The menu must be small: projects times
        marks of different ballots at most a hundred million.
    budget : int
        Whole pence, above 0.
    ties : TieRule, optional
        Who goes first among projects that leave the same largest load. Ties are common: a project
        for people who carry little does not change the largest load at all.
    limits : Limits, optional
        Must-fund projects (paid first, nobody's load), exclusive projects, caps and a minimum; pots are not
        read here.

    Returns
    -------
    Outcome
        ``detail["loads"]`` is the largest load after each purchase, in pence rounded to six decimals;
        ``must``, ``excluded`` and ``over_cap`` say what the limits did.

    Raises
    ------
    ValueError
        If the budget is not a whole number above 0, the limits cannot be kept, or the election is
        too large.

    Notes
    -----
    The least possible largest load of a set of projects is the greatest cost of any part of it over
    the number of voters who approve something in that part. It is found exactly: a load is tried
    with a maximum flow in whole numbers; if it is too small, the flow shows a part that needs more,
    whose figure is tried next (Dinkelbach's method). At most as many tries as projects, mostly one
    or two. A largest load only grows with the set, so old ones are lower bounds and most projects
    need no new try.

    References
    ----------
    Sánchez-Fernández, Fernández García, Fisteus and Brill (2016, 2022), "The Maximin Support Method";
    Aziz, Lee and Talmon (2018), "Proportionally Representative Participatory Budgeting", as
    "generalised sequential Phragmén", for budgets.

    Examples
    --------
    a and b together cost 100 and are approved by voters 1 and 2, who would carry 50 each.

    >>> profile = Profile.from_pairs(
    ...     ["a", "b", "c"], [60, 40, 45], project=["a", "b", "b", "c"], ballot=[1, 1, 2, 3]
    ... )
    >>> outcome = maximin_support(profile, 145)
    >>> outcome.ids[outcome.order].tolist(), outcome.detail["loads"]
    (['b', 'c', 'a'], ['20.000000', '45.000000', '60.000000'])
    """
    pence = whole_budget(budget)
    approvals = of_worth(profile, "cardinality")
    work = len(profile.ids) * len(approvals.classes.member)
    most = int(approvals.classes.weight.sum()) * int(profile.cost.sum())
    if work > MOST_WORK or most >= 2**61:
        raise ValueError(
            f"maximin support is for small menus: {len(profile.ids)} projects with "
            f"{len(approvals.classes.member)} marks on different ballots are too many; use phragmen"
        )
    must, left, room = pay_must(profile, pence, limits)
    barred = set(must)
    if limits:
        barred.update(np.flatnonzero(limits.too_few(profile)).tolist())
    filled = Filled([], np.full(len(profile.ids), -1, dtype=np.int64), ())
    burdens = _Burdens(approvals, left, ties.rank(profile))
    burdens.sift(room, barred, filled.kept_out)
    while (found := burdens.next()) is not None:
        room.take(found[0])
        burdens.buy(*found)
        burdens.sift(room, barred, filled.kept_out)
    told = filled.told(profile, must)
    shared = np.zeros(len(profile.ids), dtype=bool)
    shared[burdens.bought] = True
    dear = ~shared & (profile.votes > 0)
    dear[[*barred, *filled.kept_out]] = False
    return Outcome(
        rule="maximin-support",
        profile=profile,
        budget=pence,
        order=np.array(must + burdens.bought, dtype=np.int64),
        by_shares=shared,
        at_turn=np.where(dear, burdens.left, -1),
        ties=tuple(
            Tie(tied, tied[0], ties.decided_by(profile, tied), times)
            for tied, times in burdens.ties.items()
        ),
        detail={
            "loads": [_decimal(load) for load in burdens.loads],
            **{key: told[key] for key in ("must", "excluded", "over_cap")},
        },
    )


class _Burdens:
    """The funded projects, and the least possible largest load with one more."""

    def __init__(self, profile: Profile, budget: int, rank: NDArray[np.int64]) -> None:
        # numba takes a moment to import, and a web page that counts nothing never needs it.
        from commonweal.engine.voting.flow_kernel import spread

        self._spread = spread
        self._classes = profile.classes
        self._bounds: list[int] = self._classes.start.tolist()
        self._weight = self._classes.weight
        self._rank: list[int] = rank.tolist()
        self.cost: list[int] = profile.cost.tolist()
        self.left = budget
        self.bought: list[int] = []
        self.loads: list[Fraction] = []
        self.ties: Counter[tuple[int, ...]] = Counter()
        self._queue = [
            (Fraction(self.cost[p], votes), self._rank[p], p)
            for p, votes in enumerate(profile.votes.tolist())
            if votes
        ]
        heapify(self._queue)

    def sift(self, room: Room, barred: Set[int], kept_out: dict[int, tuple[str, str]]) -> None:
        """Take out the projects that may not win, noting those without room."""
        stay = []
        for entry in self._queue:
            if entry[2] in barred:
                continue
            if obstacle := room.obstacle(entry[2]):
                kept_out[entry[2]] = obstacle
            else:
                stay.append(entry)
        heapify(stay)
        self._queue = stay

    def next(self) -> tuple[int, Fraction] | None:
        """Take the best project that fits out of the queue, with the largest load it leaves."""
        while self._queue:
            bound, rank, project = heappop(self._queue)
            if self.cost[project] > self.left:
                continue
            load = self.largest_load([*self.bought, project], max(bound, self._now))
            if load > bound:
                heappush(self._queue, (load, rank, project))
            else:
                self._note_tie(project, load)
                return project, load
        return None

    def buy(self, project: int, load: Fraction) -> None:
        """Fund a project."""
        self.bought.append(project)
        self.loads.append(load)
        self.left -= self.cost[project]
        # Nobody's largest load can be below what has to be carried already.
        self._queue = [(max(bound, load), rank, p) for bound, rank, p in self._queue]
        heapify(self._queue)

    @property
    def _now(self) -> Fraction:
        return self.loads[-1] if self.loads else Fraction(0)

    def largest_load(self, projects: list[int], load: Fraction) -> Fraction:
        """Return the least possible largest load, which is at least the given one."""
        member = np.concatenate([self._members(p) for p in projects])
        counts = [len(self._members(p)) for p in projects]
        who, place = np.unique(member, return_inverse=True)
        first = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
        owner = np.repeat(np.arange(len(projects)), counts)
        by_class = np.argsort(place, kind="stable")
        class_first = np.concatenate(([0], np.cumsum(np.bincount(place, minlength=len(who)))))
        cost = np.array([self.cost[p] for p in projects], dtype=np.int64)
        weight = self._weight[who]
        while True:
            need, room = cost * load.denominator, weight * load.numerator
            heavy: NDArray[Any] = self._spread(
                first, place, class_first.astype(np.int64), by_class, owner, need, room
            )
            if not heavy.any():
                return load
            burdened = int(weight[np.unique(place[heavy[owner]])].sum())
            load = Fraction(int(cost[heavy].sum()), burdened)

    def _note_tie(self, project: int, load: Fraction) -> None:
        again, tied = [], [project]
        while self._queue and self._queue[0][0] == load:
            _, rank, other = heappop(self._queue)
            if self.cost[other] <= self.left:
                now = self.largest_load([*self.bought, other], load)
                again.append((now, rank, other))
                if now == load:
                    tied.append(other)
        for entry in again:
            heappush(self._queue, entry)
        if len(tied) > 1:
            self.ties[tuple(tied)] += 1

    def _members(self, project: int) -> NDArray[np.signedinteger[Any]]:
        return self._classes.member[self._bounds[project] : self._bounds[project + 1]]


def _decimal(amount: Fraction) -> str:
    """Write an amount with six decimals, rounded to even; for reading, never for counting."""
    micros = round(amount * 10**6)
    return f"{micros // 10**6}.{micros % 10**6:06d}"
