"""The inner loops that look for crowds who follow a template."""

import math
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from commonweal.engine.voting.compiler import machine_code


@cache
def compiled() -> Any:
    """Return the compiled loops, ready to call."""
    loops = (_chances, _together, _counted, _followed, _held)
    return SimpleNamespace(**{loop.__name__[1:]: machine_code(loop) for loop in loops})


def _chances(start, statement, value, mean, first, out):  # type: ignore[no-untyped-def]
    """Write how likely each vote was by the model, given that it is no pass; 1 for a pass."""
    size = first.shape[1]
    for i in range(len(start) - 1):
        for e in range(start[i], start[i + 1]):
            out[e] = 1.0
            if value[e] != 0:
                x = first[statement[e], 0]
                for c in range(size - 1):
                    x += mean[i, c] * first[statement[e], c + 1]
                out[e] = max(1e-3, 1.0 / (1.0 + np.exp(-x * value[e])))


def _together(start, statement, value, chance, noise, one, other, out):  # type: ignore[no-untyped-def]
    """Write for pairs of people the log likelihood ratio of following one template, against none.

    Both turn a share ``noise`` of their votes; what the template says is as likely as the votes are.
    """
    same, turned, apart = (1 - noise) ** 2, noise**2, math.log(noise * (1 - noise))
    for n in range(len(one)):
        i, k = one[n], other[n]
        e, f = start[i], start[k]
        ratio = 0.0
        while e < start[i + 1] and f < start[k + 1]:
            if statement[e] < statement[f]:
                e += 1
                continue
            if statement[f] < statement[e]:
                f += 1
                continue
            if value[e] != 0 and value[f] != 0:
                p, q = chance[e], chance[f]
                if value[e] == value[f]:
                    middle = 0.5 * (p + q)
                    ratio += math.log((middle * same + (1 - middle) * turned) / (p * q))
                else:
                    ratio += apart - math.log(p * q)
            e += 1
            f += 1
        out[n] = ratio


def _counted(start, statement, value, chance, people, count, usual):  # type: ignore[no-untyped-def]
    """Add up how these people voted: disagree and agree, and how many would agree by the model."""
    for i in people:
        for e in range(start[i], start[i + 1]):
            if value[e] > 0:
                count[statement[e], 1] += 1
                usual[statement[e]] += chance[e]
            elif value[e] < 0:
                count[statement[e], 0] += 1
                usual[statement[e]] += 1 - chance[e]


def _followed(  # type: ignore[no-untyped-def]
    start, statement, value, chance, inside, count, usual, fewest, noise, told, said
):
    """Write how well the votes of everybody fit the template of a crowd: a log likelihood ratio.

    For each statement on which at least ``fewest`` of the crowd voted, ``count`` and ``usual`` (from
    :func:`_counted`) say what the template is, known with some doubt. For those inside the crowd
    their own votes are taken out first, so that nobody vouches for themselves. ``said`` is on how
    many of those statements somebody voted.
    """
    step = math.log((1 - noise) / noise)
    table = np.zeros((len(count), 2))
    for j in range(len(count)):
        cast = count[j, 0] + count[j, 1]
        if cast > 0:
            m = min(0.98, max(0.02, usual[j] / cast))
            w = 1 / (1 + math.exp(-math.log(m / (1 - m)) - (count[j, 1] - count[j, 0]) * step))
            table[j, 1] = math.log(noise + w * (1 - 2 * noise))
            table[j, 0] = math.log(1 - noise - w * (1 - 2 * noise))
    for i in range(len(start) - 1):
        ratio, spoken = 0.0, 0
        for e in range(start[i], start[i + 1]):
            j = statement[e]
            cast = count[j, 0] + count[j, 1]
            if value[e] == 0 or cast < fewest:
                continue
            spoken += 1
            if not inside[i]:
                ratio += table[j, 1 if value[e] > 0 else 0] - math.log(chance[e])
            elif cast > 1:
                lean = count[j, 1] - count[j, 0] - value[e]
                agrees = chance[e] if value[e] > 0 else 1 - chance[e]
                m = min(0.98, max(0.02, (usual[j] - agrees) / (cast - 1)))
                w = 1 / (1 + math.exp(-math.log(m / (1 - m)) - lean * step))
                if value[e] < 0:
                    w = 1 - w
                ratio += math.log(noise + w * (1 - 2 * noise)) - math.log(chance[e])
        told[i], said[i] = ratio, spoken


def _held(disagree, agree, usual, noises, looseness, template, minority):  # type: ignore[no-untyped-def]
    """Write the log likelihood of a crowd's votes if they follow a template, and if they think alike.

    ``template`` for each share of votes that is turned: one side of each statement is the
    template's, as likely as ``usual`` says. ``minority`` for each statement and each looseness: the
    statement has a rate of its own, drawn from a beta distribution around ``usual``.
    """
    for j in range(len(agree)):
        a, d, m = agree[j], disagree[j], usual[j]
        for n in range(len(noises)):
            keep, turn = math.log(1 - noises[n]), math.log(noises[n])
            one = math.log(m) + a * keep + d * turn
            other = math.log(1 - m) + a * turn + d * keep
            high = max(one, other)
            template[n] += high + math.log(math.exp(one - high) + math.exp(other - high))
        for n in range(len(looseness)):
            x, y = looseness[n] * m, looseness[n] * (1 - m)
            minority[j, n] = math.lgamma(x + a) - math.lgamma(x) + math.lgamma(y + d)
            minority[j, n] += math.lgamma(x + y) - math.lgamma(y) - math.lgamma(x + y + a + d)
