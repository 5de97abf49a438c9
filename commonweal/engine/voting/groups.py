"""Spend by group of voters, such as districts or ages, with small cells hidden."""

import re
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.election import Column
from commonweal.engine.voting.outcome import Outcome

SMALL = 5  # a count under this is a small cell
COLUMNS = ("district", "neighborhood", "neighbourhood", "subunit", "age", "sex", "gender")
_BANDS = (0, 18, 25, 35, 45, 55, 65, 75)
_NUMBER = re.compile(r"\d{1,3}(\.0+)?")
# More groups than this are no groups but names.
MOST_GROUPS = 60


@dataclass(frozen=True)
class Group:
    """Voters of one kind; ``voters`` and ``spent`` (pence) are None in a hidden cell."""

    label: str
    voters: int | None
    spent: float | None


def spend_by_group(outcome: Outcome, column: Column, *, is_age: bool = False) -> list[Group]:
    """Share out what was spent between groups of voters.

    The cost of each funded project is split equally between the voters who approve it, and each
    group is given what its voters got. Groups under ``SMALL`` are hidden, and so are the next
    smallest while the hidden ones could be worked out: from the totals (a single one), or because
    all together they are fewer than that.

    Parameters
    ----------
    outcome : Outcome
        A count.
    column : Column
        What is known of each voter.
    is_age : bool
        Whether entries are ages: whole numbers then go into bands.

    Returns
    -------
    list of Group
        By label; bands by age.

    Raises
    ------
    ValueError
        If the column speaks of another number of voters.

    Notes
    -----
    Time O(marks of winners + voters).

    References
    ----------
    The hiding is primary and complementary cell suppression, as statistical offices do it.

    Examples
    --------
    >>> from commonweal.engine.voting import Profile, greedy
    >>> profile = Profile.from_pairs(["a"], [90], project=["a"] * 9, ballot=range(9), voters=12)
    >>> column = Column.of(["north"] * 6 + ["south"] * 6)
    >>> [(g.label, g.voters, g.spent) for g in spend_by_group(greedy(profile, 100), column)]
    [('north', 6, 60.0), ('south', 6, 30.0)]
    """
    profile = outcome.profile
    if len(column.codes) != profile.voters:
        raise ValueError(f"the column has {len(column.codes)} voters, the count {profile.voters}")
    labels, codes = column.labels, column.codes.astype(np.int64)
    if is_age:
        labels, codes = _banded(labels, codes)
    got = np.zeros(profile.voters)
    for p in outcome.order.tolist():
        mine = profile.voter[profile.start[p] : profile.start[p + 1]]
        got[mine] += profile.cost[p] / max(1, len(mine))
    voters = np.bincount(codes, minlength=len(labels))
    spent = np.bincount(codes, weights=got, minlength=len(labels))
    hidden = hide(voters)
    return [
        Group(label or "?", None, None) if hide_it else Group(label or "?", number, money)
        for label, number, money, hide_it in zip(
            labels, voters.tolist(), spent.tolist(), hidden.tolist(), strict=True
        )
        if number
    ]


def hide(counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say which counts are not to be shown: small ones, and others that would give them away."""
    hidden = (counts > 0) & (counts < SMALL)
    while hidden.any() and (np.count_nonzero(hidden) == 1 or counts[hidden].sum() < SMALL):
        shown = np.flatnonzero(~hidden & (counts > 0))
        if not len(shown):
            break
        hidden[shown[counts[shown].argmin()]] = True
    return hidden


def hide_in_sums(
    cells: NDArray[np.int64],
    known: NDArray[np.float64],
    shown: NDArray[np.float64],
    hidden: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Hide more of what is to be published, until nothing small follows from sums and differences.

    Several tables about the same people can be subtracted from one another, though each of them
    keeps its own small cells. Here everything that is published is an equation about the cells; a
    cell can be worked out if it is a combination of these equations.

    Parameters
    ----------
    cells : int64 array, shape (cells,)
        Counts of people. Those between 1 and ``SMALL - 1`` are to stay unknown, and so are such
        numbers among what is to be published.
    known : float64 array, shape (sums, cells)
        Sums of cells that everybody knows anyway, as the factor of each cell.
    shown : float64 array, shape (numbers, cells)
        What is to be published, each a sum of cells.
    hidden : bool array, shape (numbers,)
        What of that is hidden already.

    Returns
    -------
    bool array, shape (numbers,)
        What is to be hidden, no less than before. The smallest number whose hiding keeps another
        secret goes first.

    Raises
    ------
    Nothing.

    Notes
    -----
    Time O(numbers squared x cells cubed) at worst: for tables that fit on a page. What sums of
    hidden numbers are too small to hide behind is the business of :func:`hide`.

    References
    ----------
    Linked tables in cell suppression: Hundepool and others (2012), "Statistical Disclosure
    Control", section 4.4.

    Examples
    --------
    Twelve voted on paper, and thirty on-line. Of two villages one is hidden, and so are those
    whose village nobody knows, which are the twelve: the hidden village would be the rest.

    >>> cells = np.array([30, 12, 3, 27])  # on-line, paper; village A, village B
    >>> known = np.array([[1.0, 1, 0, 0], [-1, 0, 1, 1]])  # all voters; who is on-line has a village
    >>> shown = np.array([[1.0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1], [0, 1, 0, 0]])
    >>> hidden = np.array([False, False, True, False, True])
    >>> hide_in_sums(cells, known, shown, hidden).tolist()
    [False, False, True, True, True]
    """
    hidden = hidden.copy()
    numbers = shown @ cells
    every = np.vstack([np.eye(len(cells)), shown])
    small = every[(every @ cells > 0) & (every @ cells < SMALL)]
    while told := _told(np.vstack([known, shown[~hidden]]), small):
        left = [n for n in np.argsort(numbers, kind="stable").tolist() if not hidden[n]]
        left = [n for n in left if numbers[n] > 0] or left
        if not left:
            break

        def after(number: int) -> int:
            rest = np.delete(shown, [*np.flatnonzero(hidden).tolist(), number], axis=0)
            return _told(np.vstack([known, rest]), small)

        hidden[next((n for n in left if after(n) < told), left[0])] = True
    return hidden


def _told(equations: NDArray[np.float64], secrets: NDArray[np.float64]) -> int:
    """Count the secrets that follow from the equations."""
    rank = np.linalg.matrix_rank(equations)
    return sum(
        bool(np.linalg.matrix_rank(np.vstack([equations, secret])) == rank) for secret in secrets
    )


def known_columns(voters: Any) -> list[str]:
    """Return the columns of voters that make groups, in a fixed order."""
    return [name for name in COLUMNS if name in voters and len(voters[name].labels) > 1]


def _banded(
    labels: tuple[str, ...], codes: NDArray[np.int64]
) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    if sum(bool(_NUMBER.fullmatch(label)) for label in labels) <= len(labels) // 2:
        return labels, codes  # bands already
    names = [f"{low}-{high - 1}" if low else f"under {high}" for low, high in pairwise(_BANDS)]
    names += [f"{_BANDS[-1]} and over", ""]
    band = np.array(
        [
            int(np.searchsorted(_BANDS, float(label), side="right")) - 1
            if _NUMBER.fullmatch(label)
            else len(names) - 1
            for label in labels
        ]
    )
    return tuple(names), band[codes]
