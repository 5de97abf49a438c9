"""Identical ballots merged into classes with a weight, completely and canonically."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Classes:
    """Ballots with equal content, counted once, stored by project.

    Parameters
    ----------
    start : int64 array, shape (projects + 1,)
        The classes that support project ``p`` are ``member[start[p]:start[p + 1]]``.
    member : int32 or int64 array, shape (merged marks,)
        Class numbers, rising within a project.
    weight : int64 array, shape (classes,)
        How many ballots are in each class. Empty ballots are in none.
    weight_at : float64 array, shape (merged marks,)
        ``weight[member]``, kept because every round reads it; exact below 2**53.
    value : int64 array, shape (merged marks,), optional
        Points, scores or ranks of each mark.
    """

    start: NDArray[np.int64]
    member: NDArray[np.signedinteger[Any]]
    weight: NDArray[np.int64]
    weight_at: NDArray[np.float64]
    value: NDArray[np.int64] | None = None


def merge(
    start: NDArray[np.int64],
    voter: NDArray[np.signedinteger[Any]],
    voters: int,
    value: NDArray[np.int64] | None = None,
) -> Classes:
    """Merge identical ballots.

    Classes are numbered by length of ballot, then by the projects on it, so that equal elections
    give equal arrays on every machine. Nothing is hashed, so nothing can collide: the marks of a
    ballot are packed side by side into 64-bit words, and the words are sorted.

    Parameters
    ----------
    start, voter, voters, value
        As in ``Profile``.

    Returns
    -------
    Classes

    Notes
    -----
    Time O(marks + words log voters) with one word for every ``64 // log2(projects)`` marks of a
    ballot; memory O(marks).

    Examples
    --------
    >>> merged = merge(np.array([0, 3, 4]), np.array([0, 1, 2, 2]), 4)
    >>> merged.weight.tolist(), merged.start.tolist(), merged.member.tolist()
    ([2, 1], [0, 2, 3], [0, 1, 1])
    """
    project = np.repeat(np.arange(len(start) - 1), np.diff(start))
    by_voter = np.argsort(voter, kind="stable")
    length = np.bincount(voter, minlength=voters)
    first = np.concatenate(([0], np.cumsum(length)))
    symbol, symbols = _symbols(project, value, len(start) - 1)
    weights, marks, owners, classes = [], [], [], 0
    for size in np.unique(length[length > 0]):
        rows = by_voter[first[:-1][length == size, None] + np.arange(size)]
        lead, weight = _distinct(symbol[rows], symbols)
        weights.append(weight)
        marks.append(rows[lead].ravel())
        owners.append(np.repeat(np.arange(classes, classes + len(lead)), size))
        classes += len(lead)
    return _by_project(start, project, value, _join(marks), _join(owners), _join(weights))


def _symbols(
    project: NDArray[np.intp], value: NDArray[np.int64] | None, projects: int
) -> tuple[NDArray[np.uint64], int]:
    """Number what a mark can say: its project, and its value where marks carry one."""
    if value is None:
        return project.astype(np.uint64), projects
    levels, level = np.unique(value, return_inverse=True)
    return (project * len(levels) + level).astype(np.uint64), projects * len(levels)


def _distinct(rows: NDArray[np.uint64], symbols: int) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
    """Return one row number for each distinct row, and how many rows are like it."""
    bits = max(1, int(symbols - 1).bit_length())
    room = 64 // bits
    words = []
    for left in range(0, rows.shape[1], room):
        word = np.zeros(len(rows), dtype=np.uint64)
        for column in rows[:, left : left + room].T:
            word = (word << np.uint64(bits)) | column
        words.append(word)
    order = np.lexsort(words[::-1])
    new = np.ones(len(rows), dtype=bool)
    new[1:] = False
    for word in words:
        new[1:] |= word[order][1:] != word[order][:-1]
    edges = np.flatnonzero(new)
    return order[edges], np.diff(np.append(edges, len(rows)))


def _by_project(
    start: NDArray[np.int64],
    project: NDArray[np.intp],
    value: NDArray[np.int64] | None,
    mark: NDArray[np.int64],
    owner: NDArray[np.int64],
    weight: NDArray[np.int64],
) -> Classes:
    order = np.lexsort((owner, project[mark]))
    mark, owner = mark[order], owner[order]
    narrow = np.int32 if len(weight) < 2**31 else np.int64
    merged = np.zeros(len(start), dtype=np.int64)
    np.cumsum(np.bincount(project[mark], minlength=len(start) - 1), out=merged[1:])
    return Classes(
        start=merged,
        member=owner.astype(narrow),
        weight=weight,
        weight_at=weight[owner].astype(np.float64),
        value=None if value is None else value[mark],
    )


def _join(parts: list[NDArray[Any]]) -> NDArray[np.int64]:
    return np.concatenate([np.zeros(0, dtype=np.int64), *parts])
