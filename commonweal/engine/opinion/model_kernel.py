"""The inner loops of the model: one pass over the votes updates everybody, then every statement.

A person is ``z = (1, a, u)`` and a statement ``w = (b, 1, v)``, so that the log odds of agreeing are
``z . w``. Second moments ``E[z z']`` and ``E[w w']`` are stored as the upper triangle, row by row,
filled up with zeros to a multiple of four; those of people have everything beside the diagonal
doubled, so that the expected square of the log odds is one dot product. Sums run in an order that is
fixed for a kind of processor: the same votes give the same bits.
"""

from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.compiler import machine_code


@cache
def compiled() -> Any:
    """Return the compiled loops, ready to call."""
    return SimpleNamespace(
        sweep=machine_code(_sweep, regroup=True),
        settled=machine_code(_settled),
        turned=machine_code(_turned),
        odds=machine_code(_odds),
        drawn=machine_code(_drawn),
        product=machine_code(_product),
    )


def width_of(size: int) -> int:
    """Return how many numbers the upper triangle takes, zeros included."""
    return -(-(size * (size + 1) // 2) // 4) * 4


def _bound_by_square() -> NDArray[np.float64]:
    """Return cubics for ``tanh(root / 2) / (2 root)`` by the square of the root, a sixteenth each.

    A table is quicker than a root and an exponential, and right to eleven digits.
    """
    at = (1 - np.cos(np.pi * (np.arange(4) + 0.5) / 4)) / 2
    root = np.sqrt((np.arange(_CELLS)[:, None] + at) / 16)
    tight = np.tanh(root / 2) / (2 * root)
    return np.ascontiguousarray(np.linalg.solve(np.vander(at, increasing=True), tight.T).T)


_CELLS = 1024
_BOUND = _bound_by_square()
_STEPS = (np.arange(65536) + 0.5) / 65536
_LOG_ODDS = (np.log(_STEPS) - np.log1p(-_STEPS)).astype(np.float32)


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
                square = 0.0
                for p in range(width):
                    square += moments[p] * second[j, p]
                # the tightest bound of Jaakkola and Jordan
                at = 16.0 * max(square, 0.0)
                if at < _CELLS:
                    n = int(at)
                    at -= n
                    w = _BOUND[n, 3]
                    for k in range(2, -1, -1):
                        w = w * at + _BOUND[n, k]
                else:
                    root = np.sqrt(at / 16.0)
                    w = np.tanh(root / 2.0) / (2.0 * root)
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


def _settled(a_sum, l_sum, prior, pull, onto, far, first, second, squares):  # type: ignore[no-untyped-def]
    """Update every statement from the sums, move it by the matrix ``onto``, and store its moments.

    It goes ``far`` times as far as the sums say.
    ``prior`` are the precisions of ``(b, v)`` and ``pull`` what the prior draws ``b`` to, times its
    precision. Adds up in ``squares`` (d, d) the moments of ``v``.
    """
    size = first.shape[1]
    inside = size - 1
    factor = np.zeros((inside, inside))
    cover = np.zeros((size, size))
    half = np.zeros((size, size))
    middle = np.zeros(size)
    right = np.empty(inside)
    place = np.empty((size, size), dtype=np.int64)
    p = 0
    for k in range(size):
        for m in range(k, size):
            place[k, m] = p
            place[m, k] = p
            p += 1
    for j in range(len(first)):
        for k in range(inside):  # (b, v) without the 1 between them, which is known
            row = 0 if k == 0 else k + 1
            right[k] = l_sum[j, row] - a_sum[j, place[row, 1]]
            for m in range(k, inside):
                factor[m, k] = a_sum[j, place[row, m + 1 if m else 0]]
            factor[k, k] += prior[k]
        right[0] += pull
        for k in range(inside):
            for m in range(k):
                factor[k, k] -= factor[k, m] * factor[k, m]
            factor[k, k] = np.sqrt(factor[k, k])
            for r in range(k + 1, inside):
                for m in range(k):
                    factor[r, k] -= factor[r, m] * factor[k, m]
                factor[r, k] /= factor[k, k]
        for k in range(inside):
            factor[k, k] = 1.0 / factor[k, k]
            for r in range(k + 1, inside):
                found = 0.0
                for m in range(k, r):
                    found -= factor[r, m] * factor[m, k]
                factor[r, k] = found / factor[r, r]
        middle[:] = 0.0
        middle[1] = 1.0
        for k in range(inside):
            row = 0 if k == 0 else k + 1
            for m in range(k, inside):
                column = 0 if m == 0 else m + 1
                found = 0.0
                for r in range(m, inside):
                    found += factor[r, k] * factor[r, m]
                cover[row, column] = found
                cover[column, row] = found
                middle[row] += found * right[m]
                if m > k:
                    middle[column] += found * right[k]
        for k in range(size):
            middle[k] = first[j, k] + far * (middle[k] - first[j, k])
        for k in range(size):
            for m in range(size):
                cover[k, m] += middle[k] * middle[m]
        for k in range(size):
            for m in range(size):
                found = 0.0
                for r in range(size):
                    found += onto[k, r] * cover[r, m]
                half[k, m] = found
        p = 0
        for k in range(size):
            found = 0.0
            for r in range(size):
                found += onto[k, r] * middle[r]
            first[j, k] = found
            for m in range(k, size):
                found = 0.0
                for r in range(size):
                    found += half[k, r] * onto[m, r]
                second[j, p] = found
                p += 1
                if k > 1:
                    squares[k - 2, m - 2] += found
        for k in range(size):
            for m in range(size):
                cover[k, m] = 0.0


def _turned(first, second, turn):  # type: ignore[no-untyped-def]
    """Turn the directions of all statements: ``v`` becomes ``turn' v``."""
    size = first.shape[1]
    inside = size - 2
    place = np.empty((size, size), dtype=np.int64)
    p = 0
    for k in range(size):
        for m in range(k, size):
            place[k, m] = p
            place[m, k] = p
            p += 1
    block = np.empty((inside, inside))
    half = np.empty((inside, inside))
    row = np.empty(inside)
    for j in range(len(first)):
        for k in range(inside):
            found = 0.0
            for m in range(inside):
                found += turn[m, k] * first[j, m + 2]
                block[k, m] = second[j, place[k + 2, m + 2]]
            row[k] = found
        for k in range(inside):
            first[j, k + 2] = row[k]
        for above in range(2):  # beside the popularity, and beside the 1
            for k in range(inside):
                found = 0.0
                for m in range(inside):
                    found += turn[m, k] * second[j, place[above, m + 2]]
                row[k] = found
            for k in range(inside):
                second[j, place[above, k + 2]] = row[k]
        for k in range(inside):
            for m in range(inside):
                found = 0.0
                for r in range(inside):
                    found += turn[r, k] * block[r, m]
                half[k, m] = found
        for k in range(inside):
            for m in range(k, inside):
                found = 0.0
                for r in range(inside):
                    found += half[k, r] * turn[r, m]
                second[j, place[k + 2, m + 2]] = found


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


def _drawn(mean, spread, first, second, speaks, silence, chance, out):  # type: ignore[no-untyped-def]
    """Draw in ``out`` (people, statements) who agrees, by two whole numbers of 16 bits for each pair.

    Somebody speaks if ``silence`` lies below ``speaks`` (statements,), and then agrees if the log odds
    that belong to ``chance`` lie below theirs. Those are drawn towards 0 by what is unsure about them,
    which is only looked at where it can matter: four times is enough whatever the variance (it would
    have to be 38).
    """
    size = first.shape[1]
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            if silence[i, j] >= speaks[j]:
                out[i, j] = False
                continue
            odds = first[j, 0]
            for k in range(size - 1):
                odds += mean[i, k] * first[j, k + 1]
            bar = _LOG_ODDS[chance[i, j]]
            if (bar <= 0.0 and odds > bar) or (bar > 0.0 and odds > 4.0 * bar):
                out[i, j] = True
                continue
            if (bar > 0.0 and odds <= bar) or (bar <= 0.0 and odds <= 4.0 * bar):
                out[i, j] = False
                continue
            square = second[j, 0]
            p, c = size, 0
            for k in range(size - 1):
                square += 2.0 * mean[i, k] * second[j, k + 1]
                for m in range(k, size - 1):
                    both = mean[i, k] * mean[i, m] + spread[i, c]
                    square += (both if m == k else 2.0 * both) * second[j, p]
                    p += 1
                    c += 1
            unsure = max(square - odds * odds, 0.0)
            out[i, j] = odds > bar * np.sqrt(1.0 + np.pi * unsure / 8.0)


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
