"""The inner loops of the guards: keys under which alike accounts meet, and how alike two are."""

from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np

from commonweal.engine.voting.compiler import machine_code


@cache
def compiled() -> Any:
    """Return the compiled loops, ready to call."""
    return SimpleNamespace(keys=machine_code(_keys), compare=machine_code(_compare))


def _keys(start, statement, value, people, rank, take, out):  # type: ignore[no-untyped-def]
    """Write for each of these people and each band what they said on the statements that come first.

    ``rank`` (bands, statements) puts statements into another random order for each band; of those a
    person has agreed or disagreed with, the first ``take`` make the key. ``out`` has the shape
    (bands, people).
    """
    first = np.empty(take, dtype=np.uint64)
    for n in range(len(people)):
        i = people[n]
        for band in range(rank.shape[0]):
            filled = 0
            for e in range(start[i], start[i + 1]):
                if value[e] == 0:
                    continue
                # the order, and in the last two bits the vote
                mine = (np.uint64(rank[band, statement[e]]) << np.uint64(2)) | np.uint64(
                    value[e] + 1
                )
                if filled == take and mine >= first[take - 1]:
                    continue
                if filled < take:
                    filled += 1
                at = filled - 1
                while at > 0 and first[at - 1] > mine:
                    first[at] = first[at - 1]
                    at -= 1
                first[at] = mine
            key = np.uint64(filled)
            for at in range(filled):
                key = (key ^ first[at]) * np.uint64(0x9E3779B97F4A7C15)
                key ^= key >> np.uint64(29)
            out[band, n] = key


def _compare(  # type: ignore[no-untyped-def]
    start, statement, value, mean, first, noise, unseen, one, other, common, differ, expected, told
):
    """Compare pairs of people on what both agreed or disagreed with.

    ``common`` is on how many statements, ``differ`` on how many they differ, ``expected`` on how
    many they would say the same by the model (``mean`` of people, ``first`` of statements), of whose
    differences a share ``unseen`` may be likeness that it does not know. ``told`` is the log
    likelihood ratio of one being a copy of the other, a share ``noise`` of it drawn anew, against
    both having voted by themselves.
    """
    size = first.shape[1]
    for n in range(len(one)):
        i, k = one[n], other[n]
        e, f = start[i], start[k]
        shared, apart, sum_alike, ratio = 0, 0, 0.0, 0.0
        while e < start[i + 1] and f < start[k + 1]:
            if statement[e] < statement[f]:
                e += 1
                continue
            if statement[f] < statement[e]:
                f += 1
                continue
            if value[e] != 0 and value[f] != 0:
                j = statement[e]
                x = first[j, 0]
                y = x
                for c in range(size - 1):
                    x += mean[i, c] * first[j, c + 1]
                    y += mean[k, c] * first[j, c + 1]
                p = 1.0 / (1.0 + np.exp(-x))
                q = 1.0 / (1.0 + np.exp(-y))
                alike = p * q + (1.0 - p) * (1.0 - q)
                alike += unseen * (1.0 - alike)
                shared += 1
                sum_alike += alike
                if value[e] == value[f]:
                    ratio += np.log((1.0 - noise + noise * alike) / alike)
                else:
                    apart += 1
                    ratio += np.log(noise)
            e += 1
            f += 1
        common[n], differ[n], expected[n], told[n] = shared, apart, sum_alike, ratio
