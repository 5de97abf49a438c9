"""The inner loops of the groups: who belongs where, and how often each group agrees."""

from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from commonweal.engine.voting.compiler import machine_code


@cache
def compiled() -> Any:
    """Return the compiled loops, ready to call."""
    return SimpleNamespace(
        step=machine_code(_step),
        counts=machine_code(_counts),
        seen=machine_code(_seen),
        clouds=machine_code(_clouds),
    )


def _step(start, statement, value, chance, prior, member, counts):  # type: ignore[no-untyped-def]
    """Place everybody by the groups' chances, and count their votes by where they are placed.

    ``chance`` has the logarithms of disagreeing and agreeing, shape (statements, 2, groups), and
    ``prior`` those of belonging to each group. Fills ``member`` (people, groups) and, unless it has
    no rows, adds to ``counts``, of the shape of ``chance``. Returns the log likelihood.
    """
    groups = len(prior)
    total = 0.0
    odds = np.empty(groups)
    for i in range(len(start) - 1):
        odds[:] = prior
        for e in range(start[i], start[i + 1]):
            if value[e] != 0:
                side = 1 if value[e] > 0 else 0
                for g in range(groups):
                    odds[g] += chance[statement[e], side, g]
        most = odds.max()
        summed = 0.0
        for g in range(groups):
            odds[g] = np.exp(odds[g] - most)
            summed += odds[g]
        total += most + np.log(summed)
        for g in range(groups):
            member[i, g] = odds[g] / summed
        if counts.shape[0] > 0:
            for e in range(start[i], start[i + 1]):
                if value[e] != 0:
                    side = 1 if value[e] > 0 else 0
                    for g in range(groups):
                        counts[statement[e], side, g] += member[i, g]
    return total


def _counts(start, statement, value, member, counts):  # type: ignore[no-untyped-def]
    """Add up disagreements, passes and agreements, each person with their share in each group."""
    for i in range(len(start) - 1):
        for e in range(start[i], start[i + 1]):
            for g in range(member.shape[1]):
                counts[statement[e], value[e] + 1, g] += member[i, g]


def _seen(mean, spread, pull, sharp):  # type: ignore[no-untyped-def]
    """Find what votes alone tell of positions, without what was expected before: a normal density.

    ``mean`` and ``spread`` are those of ``(a, u)`` in the model, where ``u`` was expected at 0 with
    variance 1. The density of ``u`` is ``exp(pull . u - u' sharp u / 2)``, ``sharp`` packed.
    """
    inside = pull.shape[1]
    factor = np.zeros((inside, inside))
    for i in range(len(pull)):
        c = inside + 1
        for k in range(inside):
            for m in range(k, inside):
                factor[m, k] = spread[i, c]
                c += 1
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
        c = 0
        for k in range(inside):
            pull[i, k] = 0.0
        for k in range(inside):
            for m in range(k, inside):
                found = 0.0
                for r in range(m, inside):
                    found += factor[r, k] * factor[r, m]
                pull[i, k] += found * mean[i, m + 1]
                if m > k:
                    pull[i, m] += found * mean[i, k + 1]
                sharp[i, c] = found - 1.0 if m == k else found
                c += 1


def _clouds(  # type: ignore[no-untyped-def]
    pull, sharp, use, centre, cover, share, steps, tolerance, firm, member, told
):
    """Go up the likelihood of normal clouds of one shape, of which everybody's place is one point.

    ``use`` says who counts. ``centre`` (groups, d), ``cover`` (d, d) and ``share`` are where it
    begins, and are changed unless ``steps`` is 0; ``cover`` begins with ``firm`` people whose
    variance is a tenth. Fills ``member`` and ``told``, the log density of each person.
    """
    groups, inside = centre.shape
    inverse = np.empty((inside, inside))
    factor = np.zeros((inside, inside))
    drawn = np.empty((groups, inside))
    base = np.empty(groups)
    half = np.empty(inside)
    place = np.empty((groups, inside))
    count = np.empty(groups)
    summed = np.empty((groups, inside))
    square = np.empty((inside, inside))
    before = -np.inf
    for step in range(steps + 1):
        wide = 0.0
        for k in range(inside):
            for m in range(k, inside):
                factor[m, k] = cover[m, k]
        for k in range(inside):
            for m in range(k):
                factor[k, k] -= factor[k, m] * factor[k, m]
            factor[k, k] = np.sqrt(factor[k, k])
            wide += np.log(factor[k, k])
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
        for k in range(inside):
            for m in range(inside):
                found = 0.0
                for r in range(max(k, m), inside):
                    found += factor[r, k] * factor[r, m]
                inverse[k, m] = found
        for g in range(groups):
            base[g] = np.log(share[g]) - wide
            for k in range(inside):
                drawn[g, k] = 0.0
                for m in range(inside):
                    drawn[g, k] += inverse[k, m] * centre[g, m]
                base[g] -= 0.5 * drawn[g, k] * centre[g, k]
        count[:] = 0.0
        summed[:] = 0.0
        square[:] = 0.0
        total = 0.0
        people = 0.0
        for i in range(len(pull)):
            if not use[i]:
                continue
            people += 1.0
            c = 0
            for k in range(inside):
                for m in range(k, inside):
                    factor[m, k] = inverse[m, k] + sharp[i, c]
                    c += 1
            narrow = 1.0
            for k in range(inside):
                for m in range(k):
                    factor[k, k] -= factor[k, m] * factor[k, m]
                narrow *= factor[k, k]
                factor[k, k] = 1.0 / np.sqrt(factor[k, k])
                for r in range(k + 1, inside):
                    for m in range(k):
                        factor[r, k] -= factor[r, m] * factor[k, m]
                    factor[r, k] *= factor[k, k]
            for k in range(inside):  # its inverse; the diagonal is inverted already
                for r in range(k + 1, inside):
                    found = 0.0
                    for m in range(k, r):
                        found -= factor[r, m] * factor[m, k]
                    factor[r, k] = found * factor[r, r]
            most = -np.inf
            for g in range(groups):
                odds = base[g]
                for k in range(inside):
                    found = 0.0
                    for m in range(k + 1):
                        found += factor[k, m] * (pull[i, m] + drawn[g, m])
                    half[k] = found
                    odds += 0.5 * found * found
                member[i, g] = odds
                most = max(most, odds)
                if step < steps:
                    for k in range(inside):
                        found = 0.0
                        for m in range(k, inside):
                            found += factor[m, k] * half[m]
                        place[g, k] = found
            scale = 0.0
            for g in range(groups):
                member[i, g] = np.exp(member[i, g] - most)
                scale += member[i, g]
            told[i] = most + np.log(scale) - 0.5 * np.log(narrow)
            total += told[i]
            for g in range(groups):
                member[i, g] /= scale
            if step == steps:
                continue
            for g in range(groups):
                w = member[i, g]
                count[g] += w
                for k in range(inside):
                    summed[g, k] += w * place[g, k]
                    for m in range(k + 1):
                        square[k, m] += w * place[g, k] * place[g, m]
            for k in range(inside):
                for m in range(k + 1):
                    found = 0.0
                    for r in range(k, inside):
                        found += factor[r, k] * factor[r, m]
                    square[k, m] += found
        if step == steps:
            break
        if step > 4 and total - before < tolerance * people:
            break
        before = total
        for g in range(groups):
            share[g] = (count[g] + 1.0) / (people + groups)
            for k in range(inside):
                centre[g, k] = summed[g, k] / max(count[g], 1e-9)
                for m in range(k + 1):
                    square[k, m] -= centre[g, k] * summed[g, m]
        for k in range(inside):
            for m in range(k + 1):
                if m == k:
                    square[k, m] += 0.1 * firm
                cover[k, m] = square[k, m] / (people + firm)
                cover[m, k] = cover[k, m]
    return total
