"""Best welfare: the affordable set of projects with the highest score of all."""

from dataclasses import dataclass
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.greedy import BY_DEFAULT, measured
from commonweal.engine.voting.limits import Limits, pay_must
from commonweal.engine.voting.outcome import Outcome
from commonweal.engine.voting.packing import ROOM, Ints, Packing, proposal
from commonweal.engine.voting.profile import Profile, whole_budget
from commonweal.engine.voting.satisfaction import scores
from commonweal.engine.voting.ties import Tie, TieRule

MOST_SETS = 3_000_000  # partial sets kept at once, 24 bytes each and 8 for each exclusion or cap


class NotProved(Exception):
    """No set was proved the best within the time or the memory allowed."""


def best_welfare(
    profile: Profile,
    budget: int,
    *,
    satisfaction: str = "cost",
    ties: TieRule = BY_DEFAULT,
    limits: Limits | None = None,
    seconds: float = 60.0,
) -> Outcome:
    """Fund the set of projects that is worth most to all voters together.

    Of all best sets the one is taken that holds the first project, in the order of the tie rule, on
    which they differ. Projects without support are never funded.

    Parameters
    ----------
    profile : Profile
        Ballots.
    budget : int
        Whole pence, above 0.
    satisfaction : {"cost", "cardinality", "points", "borda", "borda-all"}
        What a funded project is worth to a voter.
    ties : TieRule, optional
        Which set goes first among the best.
    limits : Limits, optional
        Must-fund projects, exclusive projects, caps and a minimum.
    seconds : float
        How long the search may take.

    Returns
    -------
    Outcome
        The winners by falling score. ``detail["welfare"]`` is their score together, as exact text,
        and ``detail["partial_sets"]`` how many partial sets the proof kept.

    Raises
    ------
    ValueError
        If the budget is not a whole number above 0, a name is unknown, the limits cannot be kept,
        or the scores are too large to add up exactly.
    NotProved
        If the search takes more time or memory than allowed.

    Notes
    -----
    The problem is hard in general; real elections take milliseconds to seconds. HiGHS solves it in
    floating point, but only proposes: a good set, and what a penny of the budget and of each cap is
    worth. With these, as whole numbers, a dynamic programme over partial sets proves the best set
    exactly: a partial set is dropped only if another with the same use of exclusions and caps costs
    no more and scores no less, or if even the most that could still be added (Lagrange's bound)
    leaves it below the proposed set. So the result does not depend on the solver.

    References
    ----------
    Rey, Schmidt and Maly (2023), "The (Computational) Social Choice Take on Indivisible
    Participatory Budgeting", for utilitarian welfare; Nemhauser and Ullmann (1969),
    "Discrete Dynamic Programming and Capital Allocation", for the programme; Geoffrion (1974),
    "Lagrangean Relaxation for Integer Programming", for the bound.

    Examples
    --------
    Greedy takes a and stops at 60; b and c together are worth more.

    >>> profile = Profile.from_pairs(
    ...     ["a", "b", "c"], [60, 50, 50], project=list("aaabbcc"), ballot=[1, 2, 3, 1, 2, 1, 2]
    ... )
    >>> outcome = best_welfare(profile, 100)
    >>> outcome.ids[outcome.order].tolist(), outcome.detail["welfare"]
    (['b', 'c'], '200')
    """
    pence = whole_budget(budget)
    until = monotonic() + seconds
    score = scores(profile, satisfaction)
    must, money, room = pay_must(profile, pence, limits)
    standing = measured(profile, "score", satisfaction)
    few = limits.too_few(profile) if limits else np.zeros(len(score), dtype=bool)
    rank = ties.rank(profile)
    menu = [
        p
        for p in np.argsort(rank).tolist()
        if standing[p] is not None and not few[p] and p not in must
        if profile.cost[p] <= money and room.obstacle(p) is None
    ]
    search = _Search(Packing.of(profile, menu, score, money, must, limits), until)
    won = must + [menu[k] for k in search.best]
    order = sorted(won, key=lambda p: (-score[p], int(rank[p])))
    return Outcome(
        rule="best-welfare",
        profile=profile,
        budget=pence,
        order=np.array(order, dtype=np.int64),
        satisfaction=satisfaction,
        ties=tuple(_record(profile, ties, menu[one], menu[other]) for one, other in search.ties),
        detail={
            "welfare": str(sum(score[p] for p in won)),
            "partial_sets": search.kept,
            "must": [str(profile.ids[p]) for p in must],
            "below_threshold": [
                str(profile.ids[p])
                for p in np.flatnonzero(few).tolist()
                if standing[p] is not None and p not in must
            ],
        },
    )


def _record(profile: Profile, ties: TieRule, one: int, other: int) -> Tie:
    return Tie((one, other), one, ties.decided_by(profile, (one, other)))


@dataclass(frozen=True)
class _Sets:
    """Partial sets: their cost, score, gain at the prices, and use of exclusions and caps.

    Where so little is used that a cap cannot bind any more, all uses are written as one.
    """

    cost: Ints
    score: Ints
    gain: Ints
    use: Ints

    def reach(self, score: int, money: int, cap: Ints) -> bool:
        """Tell whether one scores this much within this money and these caps."""
        fit = (self.score >= score) & (self.cost <= money)
        if self.use.shape[1]:
            fit &= (self.use <= cap).all(axis=1)
        return bool(fit.any())


class _Search:
    """The proof: suffixes of the menu first, then a walk from its head."""

    def __init__(self, problem: Packing, until: float) -> None:
        self._problem, self._until = problem, until
        self._first, prices = proposal(problem, until)
        self._bounds(prices)
        rows = len(problem.cost)
        none = np.zeros(1, dtype=np.int64)
        unused = np.zeros((1, len(problem.cap)), dtype=np.int64)
        self._after = [_Sets(none, none, none, unused)]
        self.kept = 1
        for k in range(rows - 1, -1, -1):
            self._after.append(self._extended(self._after[-1], k))
            self.kept += len(self._after[-1].cost)
            self._check()
        self._after.reverse()  # after[k]: sets of rows k and later
        top = int(self._after[0].score.max())
        self.best = self._walk(0, top, problem.money, problem.cap, set())
        self.ties = self._ties(top)

    def _check(self) -> None:
        if monotonic() > self._until or self.kept > MOST_SETS:
            raise NotProved(
                f"the best welfare was not proved in the time allowed, or with {MOST_SETS:,} "
                "partial sets; allow more seconds, or count with greedy"
            )

    def _bounds(self, prices: list[float]) -> None:
        """Turn prices of money and caps into whole numbers, and bound what rows can still add."""
        problem = self._problem
        have = [problem.money, *problem.cap.tolist()]
        most = max(price * max(1, amount) for price, amount in zip(prices, have, strict=True))
        together = int(problem.score.sum()) + len(have) * (int(most) + 1)
        fine = 1
        while fine < 2**40 and fine * 8 * together < ROOM:
            fine *= 2
        whole = [
            min(round(price * fine), ROOM // (4 * len(have) * max(1, amount)))
            for price, amount in zip(prices, have, strict=True)
        ]
        used = problem.use.tolist()
        self._fine = fine
        self._gain = [
            fine * s - whole[0] * c - sum(y * u for y, u in zip(whole[1:], row, strict=True))
            for s, c, row in zip(problem.score.tolist(), problem.cost.tolist(), used, strict=True)
        ]
        # before[k]: all that money and caps are worth, and the best of the rows before k.
        self._before = [sum(y * amount for y, amount in zip(whole, have, strict=True))]
        for gain in self._gain:
            self._before.append(self._before[-1] + max(0, gain))
        ahead = np.cumsum(problem.use, axis=0) - problem.use
        self._unbinding = problem.cap - ahead  # [k]: what rows before k cannot exceed

    def _extended(self, sets: _Sets, k: int) -> _Sets:
        """Add row k to each set that can take it, and drop what cannot be part of a best set."""
        problem = self._problem
        cost, use = sets.cost + problem.cost[k], sets.use + problem.use[k]
        fit = (cost <= problem.money) & (use <= problem.cap).all(axis=1)
        joined = _Sets(
            np.concatenate((sets.cost, cost[fit])),
            np.concatenate((sets.score, (sets.score + problem.score[k])[fit])),
            np.concatenate((sets.gain, (sets.gain + self._gain[k])[fit])),
            np.maximum(np.concatenate((sets.use, use[fit])), self._unbinding[k]),
        )
        least = self._fine * self._first - self._before[k]
        return _undominated(_take(joined, np.flatnonzero(joined.gain >= least)))

    def _walk(self, k: int, score: int, money: int, cap: Ints, known: set[int]) -> list[int]:
        """Take each row from k on that leaves the score in reach; stop at one not known, if any."""
        problem, taken = self._problem, []
        for row in range(k, len(problem.cost)):
            if self._can_take(row, score, money, cap):
                taken.append(row)
                if known and row not in known:
                    break
                score -= int(problem.score[row])
                money -= int(problem.cost[row])
                cap = cap - problem.use[row]
        return taken

    def _can_take(self, row: int, score: int, money: int, cap: Ints) -> bool:
        problem = self._problem
        cost, use = int(problem.cost[row]), problem.use[row]
        if cost > money or (use > cap).any():
            return False
        rest = score - int(problem.score[row])
        return self._after[row + 1].reach(rest, money - cost, cap - use)

    def _ties(self, score: int) -> list[tuple[int, int]]:
        """Return each winner that a best set could do without, with what it has instead."""
        problem, found, known = self._problem, [], set(self.best)
        money, cap = problem.money, problem.cap
        for row in self.best:
            self._check()
            if self._after[row + 1].reach(score, money, cap):
                other = self._walk(row + 1, score, money, cap, known)
                found += [(row, other[-1])] if other and other[-1] not in known else []
            score -= int(problem.score[row])
            money -= int(problem.cost[row])
            cap = cap - problem.use[row]
        return found


def _take(sets: _Sets, rows: NDArray[np.intp]) -> _Sets:
    return _Sets(sets.cost[rows], sets.score[rows], sets.gain[rows], sets.use[rows])


def _undominated(sets: _Sets) -> _Sets:
    """Keep a set unless one of the same use costs no more and scores no less."""
    order = np.lexsort((-sets.score, sets.cost, *sets.use.T))
    sets = _take(sets, order)
    new = np.zeros(len(order), dtype=bool)
    new[1:] = (sets.use[1:] != sets.use[:-1]).any(axis=1)
    _, level = np.unique(sets.score, return_inverse=True)
    height = np.cumsum(new) * (len(order) + 1) + level + 1
    highest = np.maximum.accumulate(height)
    above = np.ones(len(order), dtype=bool)
    above[1:] = height[1:] > highest[:-1]
    return _take(sets, np.flatnonzero(above))
