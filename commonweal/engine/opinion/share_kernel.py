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
    return SimpleNamespace(counts=machine_code(_counts), beta=machine_code(_beta))


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


def _beta(x, level, a, b, out):  # type: ignore[no-untyped-def]
    """Find how likely a share with a beta distribution lies below ``x``, by a continued fraction.

    If ``x`` has no entries: find below which share the distribution has ``level`` of itself, by
    Newton's steps, begun as in Abramowitz and Stegun (1964), 26.5.22. A step that would leave where the answer must lie is replaced by halving. Both
    are one function because machine code that takes another's as an argument cannot be kept.
    """
    tiny = 1e-300
    asked = len(x) > 0
    for n in range(len(a)):
        scale = math.lgamma(a[n] + b[n]) - math.lgamma(a[n]) - math.lgamma(b[n])
        low, high = 0.0, 1.0
        here = x[n] if asked else 0.5
        if not asked and a[n] >= 1.0 and b[n] >= 1.0:  # begin at a normal approximation
            tail = math.sqrt(-2.0 * math.log(min(level, 1.0 - level)))
            z = (2.30753 + tail * 0.27061) / (1.0 + tail * (0.99229 + tail * 0.04481)) - tail
            if level < 0.5:
                z = -z
            more, less = 1.0 / (2.0 * a[n] - 1.0), 1.0 / (2.0 * b[n] - 1.0)
            bent, width = (z * z - 3.0) / 6.0, 2.0 / (more + less)
            w = z * math.sqrt(max(bent + width, 0.0)) / width
            w -= (less - more) * (bent + 5.0 / 6.0 - 2.0 / (3.0 * width))
            here = a[n] / (a[n] + b[n] * math.exp(2.0 * w))
        elif not asked:
            one = math.exp(a[n] * math.log(a[n] / (a[n] + b[n]))) / a[n]
            other = math.exp(b[n] * math.log(b[n] / (a[n] + b[n]))) / b[n]
            if level < one / (one + other):
                here = (a[n] * (one + other) * level) ** (1.0 / a[n])
            else:
                here = 1.0 - (b[n] * (one + other) * (1.0 - level)) ** (1.0 / b[n])
        for _ in range(60):
            if here <= 0.0 or here >= 1.0:
                below = 0.0 if here <= 0.0 else 1.0
            else:
                at, p, q = here, a[n], b[n]
                turned = at > (p + 1.0) / (p + q + 2.0)
                if turned:
                    at, p, q = 1.0 - at, q, p
                front = math.exp(scale + p * math.log(at) + q * math.log1p(-at))
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
                below = front * found / p
                if turned:
                    below = 1.0 - below
            if asked:
                here = below
                break
            if below < level:
                low = here
            else:
                high = here
            step = 0.5 * (low + high)
            if 0.0 < here < 1.0:
                dense = math.exp(
                    scale + (a[n] - 1.0) * math.log(here) + (b[n] - 1.0) * math.log1p(-here)
                )
                if dense > 0.0:
                    newton = here - (below - level) / dense
                    if low < newton < high:
                        step = newton
            moved = abs(step - here)
            here = step
            if moved < 1e-8 or high - low < 1e-12:
                break
        out[n] = here
