"""The inner loop of the groups: who belongs where, and how often each group agrees."""

from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from commonweal.engine.voting.compiler import machine_code


@cache
def compiled() -> Any:
    """Return the compiled loops, ready to call."""
    return SimpleNamespace(step=machine_code(_step), counts=machine_code(_counts))


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
