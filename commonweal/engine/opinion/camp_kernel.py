"""The inner loops of camps: who stands close together, and everybody's votes told by points."""

from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from commonweal.engine.voting.compiler import machine_code


@cache
def compiled() -> Any:
    """Return the compiled loops, ready to call."""
    return SimpleNamespace(climb=machine_code(_climb, regroup=True), near=machine_code(_near))


def _climb(  # type: ignore[no-untyped-def]
    start, statement, value, design, share, learnt, centre, firm, steps, at, each
):
    """Go up the likelihood of votes whose log odds are linear in the point where a person stands.

    ``design`` (points, columns) has what a statement's numbers are multiplied with at each point,
    ``share`` how likely a point is at first, ``learnt`` whether that is learnt. A statement's numbers
    are expected at ``centre`` (statements, columns), with a precision ``firm``. ``at`` (people, points)
    is where everybody is at first, and at the end; fills ``each``, everybody's log likelihood.
    """
    people, points = at.shape
    statements, columns = centre.shape
    factor = centre.copy()
    yes = np.empty((statements, points))
    whole = np.empty((statements, points))
    up = np.empty((statements, points))
    down = np.empty((statements, points))
    prior = np.log(share)
    slope = np.empty(columns)
    curve = np.empty((columns, columns))
    before = -np.inf
    for step in range(steps):
        yes[:] = 0.0
        whole[:] = 0.0
        for i in range(people):
            for e in range(start[i], start[i + 1]):
                if value[e] != 0:
                    j = statement[e]
                    for q in range(points):
                        whole[j, q] += at[i, q]
                    if value[e] > 0:
                        for q in range(points):
                            yes[j, q] += at[i, q]
        for j in range(statements):
            for _ in range(4 if step == 0 else 1):
                for k in range(columns):
                    slope[k] = firm * (centre[j, k] - factor[j, k])
                    for m in range(columns):
                        curve[k, m] = firm if k == m else 0.0
                for q in range(points):
                    if whole[j, q] < 1e-9:
                        continue
                    odds = 0.0
                    for k in range(columns):
                        odds += factor[j, k] * design[q, k]
                    p = 1.0 / (1.0 + np.exp(-odds))
                    missed = yes[j, q] - whole[j, q] * p
                    bend = whole[j, q] * max(p * (1.0 - p), 0.02)
                    for k in range(columns):
                        slope[k] += missed * design[q, k]
                        for m in range(k + 1):
                            curve[k, m] += bend * design[q, k] * design[q, m]
                for k in range(columns):  # Cholesky, then both triangles
                    for m in range(k):
                        curve[k, k] -= curve[k, m] * curve[k, m]
                    curve[k, k] = np.sqrt(curve[k, k])
                    for r in range(k + 1, columns):
                        for m in range(k):
                            curve[r, k] -= curve[r, m] * curve[k, m]
                        curve[r, k] /= curve[k, k]
                for k in range(columns):
                    for m in range(k):
                        slope[k] -= curve[k, m] * slope[m]
                    slope[k] /= curve[k, k]
                for k in range(columns - 1, -1, -1):
                    for m in range(k + 1, columns):
                        slope[k] -= curve[m, k] * slope[m]
                    slope[k] /= curve[k, k]
                for k in range(columns):
                    factor[j, k] += min(max(slope[k], -2.0), 2.0)
                    factor[j, k] = min(max(factor[j, k], -12.0), 12.0)
            for q in range(points):
                odds = 0.0
                for k in range(columns):
                    odds += factor[j, k] * design[q, k]
                if odds > 0:
                    up[j, q] = -np.log1p(np.exp(-odds))
                    down[j, q] = up[j, q] - odds
                else:
                    down[j, q] = -np.log1p(np.exp(odds))
                    up[j, q] = down[j, q] + odds
        if learnt:
            for q in range(points):
                size = 0.0
                for i in range(people):
                    size += at[i, q]
                prior[q] = np.log((size + 1.0) / (people + points))
        total = 0.0
        for i in range(people):
            for q in range(points):
                at[i, q] = prior[q]
            for e in range(start[i], start[i + 1]):
                j = statement[e]
                if value[e] > 0:
                    for q in range(points):
                        at[i, q] += up[j, q]
                elif value[e] < 0:
                    for q in range(points):
                        at[i, q] += down[j, q]
            most = at[i, 0]
            for q in range(1, points):
                most = max(most, at[i, q])
            scale = 0.0
            for q in range(points):
                at[i, q] = np.exp(at[i, q] - most)
                scale += at[i, q]
            for q in range(points):
                at[i, q] /= scale
            each[i] = most + np.log(scale)
            total += each[i]
        if step > 5 and total - before < 0.02:
            break
        before = total
    return total


def _near(places, chance, steps, group):  # type: ignore[no-untyped-def]
    """Divide places (people, d) by k-means from several starts; fill ``group`` by the best of them.

    ``chance`` (starts, count) has numbers from 0 to 1, which choose the centres to begin with, far
    from each other.
    """
    people, inside = places.shape
    starts, count = chance.shape
    centre = np.empty((count, inside))
    summed = np.empty((count, inside))
    size = np.empty(count)
    far = np.empty(people)
    here = np.empty(people, dtype=np.int64)
    least = np.inf
    for start in range(starts):
        far[:] = 1.0
        for g in range(count):
            whole = 0.0
            for i in range(people):
                whole += far[i]
            rest = chance[start, g] * whole
            who = people - 1
            for i in range(people):
                rest -= far[i]
                if rest < 0.0:
                    who = i
                    break
            for k in range(inside):
                centre[g, k] = places[who, k]
            for i in range(people):
                apart = 1e-12
                for k in range(inside):
                    apart += (places[i, k] - centre[g, k]) ** 2
                far[i] = apart if g == 0 else min(far[i], apart)
        total = 0.0
        for step in range(steps + 1):
            total = 0.0
            summed[:] = 0.0
            size[:] = 0.0
            for i in range(people):
                best = np.inf
                for g in range(count):
                    apart = 0.0
                    for k in range(inside):
                        apart += (places[i, k] - centre[g, k]) ** 2
                    if apart < best:
                        best = apart
                        here[i] = g
                total += best
                size[here[i]] += 1.0
                for k in range(inside):
                    summed[here[i], k] += places[i, k]
            if step < steps:
                for g in range(count):
                    for k in range(inside):
                        centre[g, k] = summed[g, k] / max(size[g], 1.0)
        if total < least:
            least = total
            group[:] = here
