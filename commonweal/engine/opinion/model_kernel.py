"""The inner loops of the model: one pass over the votes updates everybody, then every statement.

A person is ``z = (1, a, u)`` and a statement ``w = (b, 1, v)``, so that the log odds of agreeing are
``z . w``. Second moments ``E[z z']`` and ``E[w w']`` are stored as the upper triangle, row by row,
filled up with zeros to a multiple of four; those of people have everything beside the diagonal
doubled, so that the expected square of the log odds is one dot product. Sums run in four lanes, in
one fixed order: the same votes give the same bits.
"""

from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from commonweal.engine.voting.compiler import machine_code


@cache
def compiled() -> Any:
    """Return the compiled loops, ready to call."""
    return SimpleNamespace(
        sweep=machine_code(_sweep), odds=machine_code(_odds), product=machine_code(_product)
    )


def width_of(size: int) -> int:
    """Return how many numbers the upper triangle takes, zeros included."""
    return -(-(size * (size + 1) // 2) // 4) * 4


def _sweep(  # type: ignore[no-untyped-def]
    start, statement, value, first, second, precision, turns, fresh, mean, spread, a_sum, l_sum
):
    """Update everybody in ``mean`` and ``spread``, and add up what statements need to know.

    ``first`` and ``second`` are the statements' moments. ``mean`` (people, K - 1) and ``spread``
    (people, (K - 1) K / 2), the covariance, are where it starts from, unless ``fresh``. Each person
    is updated ``turns`` times. ``a_sum`` and ``l_sum``, of the shapes of ``second`` and ``first``,
    take the sums; left alone if ``a_sum`` has no rows.
    """
    size = first.shape[1]
    inside = size - 1
    width = second.shape[1]
    moments = np.zeros(width)
    total = np.empty(width)
    linear = np.empty(size)
    factor = np.zeros((inside, inside))
    right = np.empty(inside)
    weight = np.empty(64)
    for i in range(len(start) - 1):
        begin, end = start[i], start[i + 1]
        if end - begin > len(weight):
            weight = np.empty(2 * (end - begin))
        if fresh:
            c = 0
            for k in range(inside):
                mean[i, k] = 0.0
                for m in range(k, inside):
                    spread[i, c] = 1.0 / precision[k] if m == k else 0.0
                    c += 1
        for _turn in range(turns):
            moments[0] = 1.0
            p, c = size, 0
            for k in range(inside):
                moments[k + 1] = 2.0 * mean[i, k]
                for m in range(k, inside):
                    both = mean[i, k] * mean[i, m] + spread[i, c]
                    moments[p] = both if m == k else 2.0 * both
                    p += 1
                    c += 1
            total[:] = 0.0
            linear[:] = 0.0
            for e in range(begin, end):
                if value[e] == 0:
                    continue
                j = statement[e]
                s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
                for p in range(0, width, 4):
                    s0 += moments[p] * second[j, p]
                    s1 += moments[p + 1] * second[j, p + 1]
                    s2 += moments[p + 2] * second[j, p + 2]
                    s3 += moments[p + 3] * second[j, p + 3]
                root = np.sqrt(max((s0 + s1) + (s2 + s3), 1e-12))
                # the tightest bound of Jaakkola and Jordan: tanh(root / 2) / (2 root)
                shrunk = np.exp(-root)
                w = 0.25 if root < 1e-3 else (1.0 - shrunk) / (2.0 * root * (1.0 + shrunk))
                weight[e - begin] = w
                for p in range(width):
                    total[p] += w * second[j, p]
                half = 0.5 * value[e]
                for k in range(size):
                    linear[k] += half * first[j, k]
            # the precision is the prior's, and the sum of w E[w w'] without its first row
            p = size
            for k in range(inside):
                right[k] = linear[k + 1] - total[k + 1]
                for m in range(k, inside):
                    factor[m, k] = total[p]
                    p += 1
                factor[k, k] += precision[k]
            for k in range(inside):  # its Cholesky factor
                for m in range(k):
                    factor[k, k] -= factor[k, m] * factor[k, m]
                factor[k, k] = np.sqrt(factor[k, k])
                for r in range(k + 1, inside):
                    for m in range(k):
                        factor[r, k] -= factor[r, m] * factor[k, m]
                    factor[r, k] /= factor[k, k]
            for k in range(inside):  # the inverse of that
                factor[k, k] = 1.0 / factor[k, k]
                for r in range(k + 1, inside):
                    found = 0.0
                    for m in range(k, r):
                        found -= factor[r, m] * factor[m, k]
                    factor[r, k] = found / factor[r, r]
            for k in range(inside):
                mean[i, k] = 0.0
            c = 0
            for k in range(inside):
                for m in range(k, inside):
                    found = 0.0
                    for r in range(m, inside):
                        found += factor[r, k] * factor[r, m]
                    spread[i, c] = found
                    c += 1
                    mean[i, k] += found * right[m]
                    if m > k:
                        mean[i, m] += found * right[k]
        if a_sum.shape[0] == 0:
            continue
        moments[0] = 1.0
        p, c = size, 0
        for k in range(inside):
            moments[k + 1] = mean[i, k]
            for m in range(k, inside):
                moments[p] = mean[i, k] * mean[i, m] + spread[i, c]
                p += 1
                c += 1
        for e in range(begin, end):
            if value[e] == 0:
                continue
            j = statement[e]
            w = weight[e - begin]
            for p in range(width):
                a_sum[j, p] += w * moments[p]
            half = 0.5 * value[e]
            for k in range(size):
                l_sum[j, k] += half * moments[k]


def _odds(person, statement, mean, spread, first, second, middle, variance):  # type: ignore[no-untyped-def]
    """Find the mean and the variance of the log odds of each pair; place -1 is a stranger to us.

    The last row of people and of statements belongs to strangers.
    """
    size = first.shape[1]
    for e in range(len(person)):
        i, j = person[e], statement[e]
        if i < 0:
            i = mean.shape[0] - 1
        if j < 0:
            j = first.shape[0] - 1
        odds = first[j, 0]
        square = second[j, 0]
        p, c = size, 0
        for k in range(size - 1):
            odds += mean[i, k] * first[j, k + 1]
            square += 2.0 * mean[i, k] * second[j, k + 1]
            for m in range(k, size - 1):
                both = mean[i, k] * mean[i, m] + spread[i, c]
                square += (both if m == k else 2.0 * both) * second[j, p]
                p += 1
                c += 1
        middle[e] = odds
        variance[e] = max(square - odds * odds, 0.0)


def _product(start, statement, value, rate, across, out):  # type: ignore[no-untyped-def]
    """Multiply ``R' R`` with ``across`` (statements, d), into ``out``.

    ``R`` holds what each vote is above its statement's rate, over the root of the person's votes.
    """
    width = across.shape[1]
    along = np.empty(width)
    for i in range(len(start) - 1):
        count = 0
        along[:] = 0.0
        for e in range(start[i], start[i + 1]):
            if value[e] != 0:
                count += 1
                more = 0.5 * value[e] + 0.5 - rate[statement[e]]
                for k in range(width):
                    along[k] += more * across[statement[e], k]
        for e in range(start[i], start[i + 1]):
            if value[e] != 0:
                more = (0.5 * value[e] + 0.5 - rate[statement[e]]) / count
                for k in range(width):
                    out[statement[e], k] += more * along[k]
