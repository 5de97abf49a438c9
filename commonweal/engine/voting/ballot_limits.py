"""What a Pabulib file says about its own rules, and the ballots that break them."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.profile import DEAREST, Profile

_AMOUNT = re.compile(r"(\d+)(?:[.,](\d+))?", re.ASCII)
_GROUPS = {
    "category": ("categories", "category"),
    "neighborhood": ("neighborhoods", "neighborhood"),
    "district": ("districts", "district"),
}
_WHOLE = ("min_length", "max_length")
_MONEY = (
    "min_sum_cost",
    "max_sum_cost",
    "min_sum_points",
    "max_sum_points",
    "min_points",
    "max_points",
    "min_project_cost",
)


@dataclass(frozen=True, eq=False)
class Limits:
    """The rules of an election that its file states.

    Parameters
    ----------
    single : dict of str to int
        ``min_length`` and ``max_length`` of a ballot as they stand; ``min_sum_cost``,
        ``max_sum_cost``, ``min_sum_points``, ``max_sum_points``, ``min_points``, ``max_points`` and
        ``min_project_cost`` in hundredths. Only those the file gives.
    grouped : dict of str to dict of str to int
        ``budget_per_category``, ``budget_per_neighborhood``, ``max_sum_cost_per_category`` and the
        like: an amount in hundredths for each group (for lengths, a number).
    warnings : tuple of str
        Entries that could not be understood, and are therefore not in the two above.
    """

    single: dict[str, int] = field(default_factory=dict)
    grouped: dict[str, dict[str, int]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def limits(meta: Mapping[str, str]) -> Limits:
    """Read the limits out of META.

    Parameters
    ----------
    meta : mapping of str to str
        The entries of META.

    Returns
    -------
    Limits

    Raises
    ------
    Nothing; an entry that makes no sense becomes a warning, because real files contain them.

    Notes
    -----
    Time in proportion to the text.

    References
    ----------
    Pabulib's description of its format, sections "META" and "optional entries".

    Examples
    --------
    >>> found = limits({"max_length": "5", "categories": "a,b", "budget_per_category": "10,20.5"})
    >>> found.single, found.grouped
    ({'max_length': 5}, {'budget_per_category': {'a': 1000, 'b': 2050}})
    """
    single: dict[str, int] = {}
    grouped: dict[str, dict[str, int]] = {}
    warnings = []
    for key, text in meta.items():
        kind = key.rpartition("_per_")[2].replace("neighbourhood", "neighborhood")
        if key in _WHOLE + _MONEY:
            number = _number(text, key)
            if number is None:
                warnings.append(f"META's {key} is no number ({text[:40]}); it is not checked")
            else:
                single[key] = number
        elif "_per_" in key and kind in _GROUPS:
            amounts = _by_group(key, text, meta.get(_GROUPS[kind][0], ""))
            if amounts is None:
                warnings.append(
                    f"META's {key} does not give one number for each of its "
                    f"{_GROUPS[kind][0]}; it is not checked"
                )
            else:
                grouped[key] = amounts
    return Limits(single, grouped, tuple(warnings))


def groups(projects: Mapping[str, tuple[str, ...]], kind: str) -> list[frozenset[str]]:
    """Return the categories, neighborhoods or districts of each project; no list if unknown."""
    column = projects.get(_GROUPS[kind][1], projects.get(_GROUPS[kind][0], ()))
    return [frozenset(part.strip() for part in text.split(",")) for text in column]


def broken(
    found: Limits,
    profile: Profile,
    projects: Mapping[str, tuple[str, ...]],
    lines: Sequence[int],
    *,
    vote_type: str,
) -> tuple[str, ...]:
    """Say which limits the ballots break, with how many ballots do and the lines of the first.

    Parameters
    ----------
    found : Limits
        From :func:`limits`.
    profile : Profile
        The ballots.
    projects : mapping of str to tuple of str
        The projects' columns; for limits by category.
    lines : sequence of int
        The line of each ballot.
    vote_type : str
        Points are added up for cumulative and scoring ballots only.

    Returns
    -------
    tuple of str

    Raises
    ------
    ValueError
        If there is not one line for each ballot.

    Notes
    -----
    Time O(marks) for each limit; whole numbers only. An empty ballot breaks no limit: it is a vote
    for nothing. These files are counted all the same, since real cities publish ballots beyond
    their own limits and counted them.

    Examples
    --------
    >>> profile = Profile.from_pairs(["a", "b"], [500, 300], project=["a", "b"], ballot=[1, 1])
    >>> broken(Limits({"max_length": 1}), profile, {}, [12], vote_type="approval")
    ('1 ballot names more projects than the max_length 1 (line 12); it is counted as it stands',)
    """
    if len(lines) != profile.voters:
        raise ValueError(f"there are {profile.voters} ballots but {len(lines)} lines")
    return tuple(_broken(found, profile, projects, lines, vote_type))


def _broken(
    found: Limits,
    profile: Profile,
    projects: Mapping[str, tuple[str, ...]],
    lines: Sequence[int],
    vote_type: str,
) -> Iterator[str]:
    length = np.bincount(profile.voter, minlength=profile.voters)
    single = found.single
    sums: dict[str, tuple[NDArray[np.int64], int, str]] = {}
    if single.keys() & {"min_length", "max_length"}:
        sums["length"] = length, 1, "names {} projects than"
    if single.keys() & {"min_sum_cost", "max_sum_cost"}:
        sums["sum_cost"] = _sum(profile, profile.cost), 100, "costs {} than"
    if vote_type in ("cumulative", "scoring") and profile.value is not None:
        points = np.zeros(profile.voters, dtype=np.int64)
        np.add.at(points, profile.voter, profile.value)
        sums["sum_points"] = points, 100, "gives {} points in all than"
    for name, (total, unit, what) in sums.items():
        for side, word in (("min", "less"), ("max", "more")):
            limit = single.get(f"{side}_{name}")
            if limit is None:
                continue
            bad = (total < limit if side == "min" else total > limit) & (length > 0)
            word = "fewer" if word == "less" and name != "sum_cost" else word
            key = f"{side}_{name} {_plain(limit, unit)}"
            yield from _said(bad, f"{what.format(word)} the {key}", lines)
    for key, amounts in found.grouped.items():
        if key.startswith("max_sum_cost_per_"):
            yield from _said(
                _over(key, amounts, profile, projects), f"costs more than {key}", lines
            )


def _over(
    key: str,
    amounts: dict[str, int],
    profile: Profile,
    projects: Mapping[str, tuple[str, ...]],
) -> NDArray[np.bool_]:
    """Say of each ballot whether it costs more than allowed in some group."""
    over = np.zeros(profile.voters, dtype=bool)
    member = groups(projects, key.rpartition("_per_")[2].replace("neighbourhood", "neighborhood"))
    for group, limit in amounts.items() if member else ():
        inside = np.array([group in names for names in member])
        over |= _sum(profile, np.where(inside, profile.cost, 0)) > limit
    return over


def _sum(profile: Profile, cost: NDArray[np.int64]) -> NDArray[np.int64]:
    """Add up the cost of each ballot's projects; costs are few enough to fit (see ``DEAREST``)."""
    total = np.zeros(profile.voters, dtype=np.int64)
    np.add.at(total, profile.voter, np.repeat(cost, profile.votes))
    return total


def _said(bad: NDArray[np.bool_], what: str, lines: Sequence[int]) -> Iterator[str]:
    count = int(bad.sum())
    if not count:
        return
    first = [str(lines[int(row)]) for row in np.flatnonzero(bad)[:3]]
    where = ("line " if count == 1 else "lines ") + ", ".join(first)
    more = " and more" if count > 3 else ""
    if count == 1:
        yield f"1 ballot {what} ({where}); it is counted as it stands"
        return
    for one, many in (("names", "name"), ("costs", "cost"), ("gives", "give")):
        what = what.replace(f"{one} ", f"{many} ", 1) if what.startswith(one) else what
    yield f"{count:,} ballots {what} ({where}{more}); they are counted as they stand"


def _number(text: str, key: str) -> int | None:
    if key in _WHOLE:
        return int(text) if re.fullmatch(r"\d{1,9}", text, re.ASCII) else None
    amount = hundredths(text)
    return amount if isinstance(amount, int) else None


def _by_group(key: str, text: str, names: str) -> dict[str, int] | None:
    known = [name.strip() for name in names.split(",")] if names else []
    parts = [part.strip() for part in text.split(",")]
    if len(parts) == 1 and len(known) > 1:
        parts = parts * len(known)  # one number for all
    whole = "min_length" if "_length_" in key else ""
    numbers = [_number(part, whole) for part in parts]
    if len(known) != len(numbers) or len(set(known)) < len(known):
        return None
    return (
        {name: number for name, number in zip(known, numbers, strict=True) if number is not None}
        if None not in numbers
        else None
    )


def hundredths(text: str) -> int | tuple[str, str]:
    """Read an amount exactly, or return what is wrong with it and how to mend it.

    Three decimals may be thousands, so they are refused.

    Examples
    --------
    >>> hundredths("12,5"), hundredths("-1")
    (1250, ('is negative (-1)', 'amounts are 0 or more'))
    """
    if text.lstrip().startswith("-"):
        return f"is negative ({text[:40]})", "amounts are 0 or more"
    found = _AMOUNT.fullmatch(text)
    if not found:
        return (
            f"is not an amount ({text[:40] or 'nothing'})",
            "write it in digits, like 1200 or 1200.50",
        )
    whole, rest = found[1], found[2] or ""
    if len(rest) == 3 or rest[2:].strip("0"):
        return (
            f"has more than two decimals ({text[:40]})",
            "write it without a thousands mark, and in whole hundredths",
        )
    if len(whole) > 18 or int(whole) * 100 > DEAREST:
        return f"is too large ({text[:40]})", "check the number"
    return int(whole) * 100 + int(rest[:2].ljust(2, "0"))


def _plain(number: int, unit: int) -> str:
    return decimal(number) if unit == 100 else str(number)


def decimal(amount: int) -> str:
    """Write hundredths as a number of whole units.

    Examples
    --------
    >>> decimal(1250), decimal(300)
    ('12.50', '3')
    """
    whole, rest = divmod(amount, 100)
    return f"{whole}.{rest:02}" if rest else str(whole)
