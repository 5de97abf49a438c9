"""Choosing projects within money, exclusions and caps: the problem in whole numbers, and a proposal."""

from dataclasses import dataclass
from math import gcd, isfinite
from time import monotonic
from typing import Self

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.limits import Limits, places
from commonweal.engine.voting.profile import Profile

ROOM = 2**61  # sums stay below this, so that int64 is exact

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Packing:
    """Choose rows to maximise their score: costs within money, each column of use within its cap.

    Scores and costs are divided by what all of them have in common. An exclusive group is a column
    in which each member uses 1 of 1.
    """

    cost: Ints
    score: Ints
    money: int
    use: Ints
    cap: Ints

    @classmethod
    def of(
        cls,
        profile: Profile,
        menu: list[int],
        score: list[int],
        money: int,
        must: list[int],
        limits: Limits | None,
    ) -> Self:
        here = {p: k for k, p in enumerate(menu)}
        columns, caps = [], []
        for members, uses, cap in _terms(profile, must, limits):
            used = [(here[p], use) for p, use in zip(members, uses, strict=True) if p in here]
            if sum(use for _, use in used) > cap:
                column = np.zeros(len(menu), dtype=np.int64)
                column[[k for k, _ in used]] = [use for _, use in used]
                columns.append(column)
                caps.append(cap)
        worth = [score[p] for p in menu]
        cost = [int(profile.cost[p]) for p in menu]
        common = gcd(*worth) or 1
        if sum(worth) // common >= ROOM // 2:
            raise ValueError("the scores are too large to add up exactly; use another satisfaction")
        unit = gcd(*cost) or 1
        return cls(
            cost=np.array([c // unit for c in cost], dtype=np.int64),
            score=np.array([s // common for s in worth], dtype=np.int64),
            money=min(money // unit, sum(cost) // unit),
            use=np.stack(columns, axis=1) if columns else np.zeros((len(menu), 0), np.int64),
            cap=np.array(caps, dtype=np.int64),
        )

    def fits(self, chosen: Ints) -> bool:
        """Tell whether these rows can win together."""
        cost, use = int(self.cost[chosen].sum()), self.use[chosen].sum(axis=0)
        return cost <= self.money and bool((use <= self.cap).all())


def _terms(
    profile: Profile, must: list[int], limits: Limits | None
) -> list[tuple[list[int], list[int], int]]:
    """Return (members, what each uses, how much there is) of each exclusion and cap."""
    found = []
    for group in limits.exclusive if limits else ():
        members = places(profile, group)
        found.append((members, [1] * len(members), 1))
    for cap in limits.caps if limits else ():
        members = places(profile, cap.projects)
        paid = sum(int(profile.cost[p]) for p in must if p in members)
        found.append((members, profile.cost[members].tolist(), cap.pence - paid))
    return found


def proposal(problem: Packing, until: float) -> tuple[int, list[float]]:
    """Return the exact score of a good set, and prices of money and of each cap.

    Parameters
    ----------
    problem : Packing
        What to choose from.
    until : float
        When ``time.monotonic`` says that the time is over.

    Returns
    -------
    int, list of float
        The score is reached by a set that fits; no price is negative.

    Raises
    ------
    Nothing; if the solver fails, a greedy set and prices of 0 are returned.

    Notes
    -----
    HiGHS solves the problem with parts of rows for the prices, and with whole rows for the set.

    References
    ----------
    Huangfu and Hall (2018), "Parallelizing the dual revised simplex method".

    Examples
    --------
    >>> one = np.ones(2, dtype=np.int64)
    >>> empty = np.zeros((2, 0), dtype=np.int64)
    >>> problem = Packing(one, 3 * one, 1, empty, np.zeros(0, dtype=np.int64))
    >>> proposal(problem, monotonic() + 9)[0]
    3
    """
    rows = len(problem.cost)
    if not rows:
        return 0, [0.0] * (1 + len(problem.cap))
    by_rate = sorted(
        range(rows), key=lambda k: -float(problem.score[k]) / max(1, int(problem.cost[k]))
    )
    first, prices = _greedily(problem, by_rate), [0.0] * (1 + len(problem.cap))
    _, prices = _solve(problem, whole=False, until=until)
    shares, _ = _solve(problem, whole=True, until=until)
    chosen = np.flatnonzero(shares > 0.5)
    if problem.fits(chosen):
        first = max(first, int(problem.score[chosen].sum()))
    return first, prices


def _greedily(problem: Packing, order: list[int]) -> int:
    money, cap, score = problem.money, problem.cap.copy(), 0
    for k in order:
        if problem.cost[k] <= money and (problem.use[k] <= cap).all():
            money -= int(problem.cost[k])
            cap -= problem.use[k]
            score += int(problem.score[k])
    return score


def _solve(
    problem: Packing, *, whole: bool, until: float
) -> tuple[NDArray[np.float64], list[float]]:
    """Let HiGHS solve the problem, with parts of rows allowed unless ``whole``.

    Returns how much of each row it takes and the price of each constraint, or zeros if it fails.
    """
    import highspy  # only this rule needs it, and it takes long to load

    rows = len(problem.cost)
    top = float(problem.score.max()) or 1.0
    size = np.maximum(np.concatenate(([problem.money], problem.cap)), 1).astype(np.float64)
    table = np.column_stack((problem.cost, problem.use)).T / size[:, None]
    where = [np.flatnonzero(line) for line in table]
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = rows, len(size)
    model.sense_ = highspy.ObjSense.kMaximize
    model.col_cost_ = problem.score / top
    model.col_lower_, model.col_upper_ = np.zeros(rows), np.ones(rows)
    model.row_lower_ = np.full(len(size), -highspy.kHighsInf)
    model.row_upper_ = np.concatenate(([problem.money], problem.cap)) / size
    model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
    model.a_matrix_.start_ = np.cumsum([0, *(len(found) for found in where)])
    model.a_matrix_.index_ = np.concatenate(where)
    model.a_matrix_.value_ = np.concatenate(
        [line[found] for line, found in zip(table, where, strict=True)]
    )
    if whole:
        model.integrality_ = [highspy.HighsVarType.kInteger] * rows
    # The public class greets on standard output before it can be silenced.
    solver = highspy._Highs()  # type: ignore[attr-defined]
    solver.setOptionValue("output_flag", False)
    solver.setOptionValue("threads", 1)
    solver.setOptionValue("mip_rel_gap", 0.0)
    solver.setOptionValue("time_limit", max(0.1, (until - monotonic()) / 2))
    solver.passModel(model)
    solver.run()
    solution = solver.getSolution()
    shares = np.array(solution.col_value)
    prices = np.abs(np.array(solution.row_dual)) * top / size
    if len(shares) != rows:
        shares = np.zeros(rows)
    if len(prices) != len(size):
        prices = np.zeros(len(size))
    return np.nan_to_num(shares), [float(y) if isfinite(y) else 0.0 for y in prices]
