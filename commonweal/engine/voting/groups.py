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
