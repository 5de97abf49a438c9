"""Hide small counts in a line, in a table with its sums, and in a distribution."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SMALL = 5  # a count under this is a small cell


def hide_counts(counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say which counts of a line whose sum is known are not to be shown.

    Parameters
    ----------
    counts : int64 array, shape (cells,)
        Counts of people that add up to a number everybody knows. A zero tells of nobody and stays.

    Returns
    -------
    bool array, shape (cells,)
        True where the count is small, or where it would give a small one away: at least two are
        hidden, and together they are at least ``SMALL``, unless there is nothing else to hide.

    Raises
    ------
    Nothing.

    Notes
    -----
    Time O(cells squared) at worst.

    References
    ----------
    Hundepool and others (2012), "Statistical Disclosure Control", section 4.2: primary and
    complementary cell suppression.

    Examples
    --------
    >>> hide_counts(np.array([40, 3, 12, 0])).tolist()
    [False, True, True, False]
    >>> hide_counts(np.array([40, 7, 12])).tolist()
    [False, False, False]
    """
    hidden = (counts > 0) & (counts < SMALL)
    while hidden.any() and (np.count_nonzero(hidden) == 1 or counts[hidden].sum() < SMALL):
        shown = np.flatnonzero(~hidden & (counts > 0))
        if not len(shown):
            break
        hidden[shown[counts[shown].argmin()]] = True
    return hidden


def hide_cells(
    table: NDArray[np.int64],
    rows_hidden: NDArray[np.bool_] | None = None,
    columns_hidden: NDArray[np.bool_] | None = None,
) -> NDArray[np.bool_]:
    """Say which cells of a two-way table are not to be shown, where its sums are known.

    Parameters
    ----------
    table : int64 array, shape (rows, columns)
        Counts of people. Whoever reads the table knows the sum of each row, of each column and of
        all, but for those that are hidden.
    rows_hidden : bool array, shape (rows,), or None
        True where the sum of a row is known to nobody; None where all are known.
    columns_hidden : bool array, shape (columns,), or None
        The same of the columns.

    Returns
    -------
    bool array, shape (rows, columns)
        True for what is hidden. No hidden cell follows from what is known, and hidden cells of a
        line whose sum is known are together at least ``SMALL``, unless there is nothing else to
        hide in their lines.

    Raises
    ------
    Nothing.

    Notes
    -----
    A number is known exactly when it lies on no cycle of hidden numbers: rows and columns are the
    knots of a graph and hidden numbers its edges, so what has to go is every bridge. Each turn
    hides the smallest cell beside one. Time O(rows x columns) a bridge, and at most as many turns
    as cells.

    References
    ----------
    Gusfield (1988), "A graph theoretic approach to statistical data security", SIAM Journal on
    Computing 17(3).

    Examples
    --------
    The 2 could be worked out from its row or its column, so three more are hidden.

    >>> hide_cells(np.array([[2, 30], [20, 40]])).astype(int).tolist()
    [[1, 1], [1, 1]]
    >>> hide_cells(np.array([[2, 30, 9], [20, 40, 8]])).astype(int).tolist()
    [[1, 0, 1], [1, 0, 1]]
    """
    rows, columns = table.shape
    hidden = np.zeros((rows + 1, columns + 1), dtype=np.bool_)
    hidden[:-1, :-1] = (table > 0) & (table < SMALL)
    if rows_hidden is not None:
        hidden[:-1, -1] = rows_hidden
    if columns_hidden is not None:
        hidden[-1, :-1] = columns_hidden
    while True:
        wanted = _bridges(hidden) or _thin_lines(table, hidden)
        closes = [cell for at in wanted if (cell := _best_beside(table, hidden, at)) is not None]
        if not closes:
            return hidden[:-1, :-1]
        hidden[min(closes, key=lambda cell: _cost(table, cell))] = True


def _bridges(hidden: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return hidden numbers that follow from those known: edges of the graph that are on no cycle.

    The last row and column of ``hidden`` are the sums.
    """
    rows = len(hidden)
    found = []
    for row, column in np.argwhere(hidden).tolist():
        seen, queue = {row}, [row]  # rows are 0 to rows - 1, columns follow
        while queue:
            knot = queue.pop()
            if knot < rows:
                next_to = [rows + c for c in np.flatnonzero(hidden[knot]).tolist()]
            else:
                next_to = np.flatnonzero(hidden[:, knot - rows]).tolist()
            for other in next_to:
                is_itself = {knot, other} == {row, rows + column}
                if not is_itself and other not in seen:
                    seen.add(other)
                    queue.append(other)
        if rows + column not in seen:
            found.append((row, column))
    return found


def _thin_lines(table: NDArray[np.int64], hidden: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Return a hidden cell of each line in which all that is hidden is together a small count.

    Only where the sum of the line is known can that be worked out.
    """
    found = []
    for row, line in enumerate(hidden[:-1, :-1]):
        if line.any() and not hidden[row, -1] and table[row][line].sum() < SMALL:
            found.append((row, int(np.flatnonzero(line)[0])))
    for column, line in enumerate(hidden[:-1, :-1].T):
        if line.any() and not hidden[-1, column] and table[:, column][line].sum() < SMALL:
            found.append((int(np.flatnonzero(line)[0]), column))
    return found


def _best_beside(
    table: NDArray[np.int64], hidden: NDArray[np.bool_], at: tuple[int, int]
) -> tuple[int, int] | None:
    """Return the cell of a number's lines that can still be hidden at least loss."""
    row, column = at
    rows, columns = table.shape
    beside = [(row, c) for c in range(columns)] if row < rows else []
    beside += [(r, column) for r in range(rows)] if column < columns else []
    left = [cell for cell in beside if not hidden[cell]]
    return min(left, key=lambda cell: _cost(table, cell), default=None)


def _cost(table: NDArray[np.int64], cell: tuple[int, int]) -> tuple[bool, int, int, int]:
    """Return what is lost by hiding a cell: zeros go last, for they hide too little."""
    return bool(table[cell] == 0), int(table[cell]), *cell


def merge_small(counts: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Join neighbours of a distribution until no part of it is a small count.

    Parameters
    ----------
    counts : int64 array, shape (values,)
        Counts of people by value, in the order of the values.

    Returns
    -------
    list of (first, last)
        The parts in their order, which cover all values; none holds 1 to ``SMALL - 1`` people,
        unless there are fewer than that in all.

    Raises
    ------
    Nothing.

    Notes
    -----
    Time O(values squared) at worst. A small part joins its smaller neighbour.

    References
    ----------
    Hundepool and others (2012), "Statistical Disclosure Control", section 4.2.4: global recoding.

    Examples
    --------
    >>> merge_small(np.array([0, 2, 9, 30, 1]))
    [(0, 0), (1, 2), (3, 4)]
    """
    parts = [(n, n) for n in range(len(counts))]
    sizes = counts.tolist()
    while len(parts) > 1:
        small = [n for n, size in enumerate(sizes) if 0 < size < SMALL]
        if not small:
            break
        at = min(small, key=lambda n: (sizes[n], n))
        beside = [n for n in (at - 1, at + 1) if 0 <= n < len(parts)]
        filled = [n for n in beside if sizes[n]] or beside
        to = min(filled, key=lambda n: (sizes[n], n))
        first, second = min(at, to), max(at, to)
        parts[first : second + 1] = [(parts[first][0], parts[second][1])]
        sizes[first : second + 1] = [sizes[first] + sizes[second]]
    return parts
