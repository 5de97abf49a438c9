"""The inner loops of the shares: weighted counts, and the distribution of a share."""

import math
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from commonweal.engine.voting.compiler import machine_code


@cache
def compiled() -> Any:
    """Return the compiled loops, ready to call."""
    return SimpleNamespace(
        counts=machine_code(_counts), below=machine_code(_below), quantile=machine_code(_quantile)
    )


def _counts(start, statement, value, member, rate, weight, person_weight, sums):  # type: ignore[no-untyped-def]
    """Add to ``sums`` (statements, 4, groups) disagreements, passes, agreements, and the weights again times themselves.

    A vote counts for each group as far as the person's other votes place them there, so that no
    vote bears witness for the group it made; times the weights, where those have entries.
    """
    groups = member.shape[1]
    part = np.empty(groups)
    for i in range(len(start) - 1):
        for e in range(start[i], start[i + 1]):
            j = statement[e]
            total = 0.0
            for g in range(groups):
                part[g] = member[i, g]
                if groups > 1 and value[e] != 0:
                    part[g] /= rate[j, g] if value[e] > 0 else 1.0 - rate[j, g]
                total += part[g]
            w = 1.0
            if len(weight) > 0:
                w = weight[e]
            if len(person_weight) > 0:
                w *= person_weight[i]
            for g in range(groups):
                own = w * part[g] / total
                sums[j, value[e] + 1, g] += own
                sums[j, 3, g] += w * own


def _below(x, a, b, out):  # type: ignore[no-untyped-def]
    """Find how likely a share with a beta distribution lies below ``x``, by a continued fraction."""
    for n in range(len(x)):
        at, p, q = x[n], a[n], b[n]
        if at <= 0.0 or at >= 1.0:
            out[n] = 0.0 if at <= 0.0 else 1.0
            continue
        turned = at > (p + 1.0) / (p + q + 2.0)
        if turned:
            at, p, q = 1.0 - at, q, p
        front = math.exp(
            math.lgamma(p + q)
            - math.lgamma(p)
            - math.lgamma(q)
            + p * math.log(at)
            + q * math.log1p(-at)
        )
        tiny = 1e-300
        c, d = 1.0, 1.0 - (p + q) * at / (p + 1.0)
        d = 1.0 / (d if abs(d) > tiny else tiny)
        found = d
        for m in range(1, 500):
            for odd in range(2):
                if odd == 0:
                    term = m * (q - m) * at / ((p + 2 * m - 1.0) * (p + 2 * m))
                else:
                    term = -(p + m) * (p + q + m) * at / ((p + 2 * m) * (p + 2 * m + 1.0))
                d = 1.0 + term * d
                d = 1.0 / (d if abs(d) > tiny else tiny)
                c = 1.0 + term / c
                c = c if abs(c) > tiny else tiny
                found *= c * d
            if abs(c * d - 1.0) < 1e-12:
                break
        cdf = front * found / p
        out[n] = 1.0 - cdf if turned else cdf


def _quantile(level, a, b, below, out):  # type: ignore[no-untyped-def]
    """Find below which share a beta distribution has this much of itself, by Newton's steps.

    A step that would leave where the answer must lie is replaced by halving.
    """
    one, p, q, told = np.empty(1), np.empty(1), np.empty(1), np.empty(1)
    for n in range(len(a)):
        p[0], q[0] = a[n], b[n]
        scale = math.lgamma(a[n] + b[n]) - math.lgamma(a[n]) - math.lgamma(b[n])
        low, high = 0.0, 1.0
        one[0] = a[n] / (a[n] + b[n])
        for _ in range(60):
            below(one, p, q, told)
            if told[0] < level:
                low = one[0]
            else:
                high = one[0]
            x = one[0]
            step = 0.5 * (low + high)
            if 0.0 < x < 1.0:
                dense = math.exp(scale + (a[n] - 1.0) * math.log(x) + (b[n] - 1.0) * math.log1p(-x))
                if dense > 0.0:
                    newton = x - (told[0] - level) / dense
                    if low < newton < high:
                        step = newton
            one[0] = step
            if abs(step - x) < 1e-10 or high - low < 1e-12:
                break
        out[n] = one[0]
