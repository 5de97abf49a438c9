"""Choosing people or options: how many, and ballots read one by one in the order of preference."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.profile import Profile


def without_money(profile: Profile, seats: int) -> tuple[Profile, int]:
    """Return the ballots with every option at the cost of 1, and the number of seats, checked.

    Parameters
    ----------
    profile : Profile
        Ballots; the costs are not read.
    seats : int
        How many people or options are chosen.

    Returns
    -------
    Profile, int

    Raises
    ------
    ValueError
        If ``seats`` is not a whole number from 1 to the number of options.

    Notes
    -----
    Time and memory O(projects).

    Examples
    --------
    >>> profile = Profile.from_pairs(["a", "b"], [7, 9], project=["a"], ballot=[1])
    >>> without_money(profile, 2)[0].cost.tolist()
    [1, 1]
    """
    options = len(profile.ids)
    if int(seats) != seats or not 1 <= seats <= options:
        raise ValueError(
            f"choose from 1 to {options} of the {options} options, not {seats!r}; "
            "the budget of this rule is how many are chosen"
        )
    return replace(profile, cost=np.ones(options, dtype=np.int64)), int(seats)


@dataclass(frozen=True, eq=False)
class Papers:
    """Identical ballots merged, each a row of options in the order of preference.

    Parameters
    ----------
    start : int64 array, shape (classes + 1,)
        Class ``c`` ranks ``option[start[c]:start[c + 1]]``.
    option, place : int64 arrays, shape (merged marks,)
        The options, first preference first, and the place each was given.
    weight : int64 array, shape (classes,)
        How many ballots are in each class; empty ballots are in none.
    """

    start: NDArray[np.int64]
    option: NDArray[np.int64]
    place: NDArray[np.int64]
    weight: NDArray[np.int64]

    @classmethod
    def of(cls, profile: Profile) -> "Papers":
        """Turn a profile around, from lists by option to lists by ballot.

        Without places, all marks of a ballot share the place 1. Time O(marks log marks).
        """
        classes = profile.classes
        value = np.ones(len(classes.member), dtype=np.int64)
        value = value if classes.value is None else classes.value
        option = np.repeat(np.arange(len(profile.ids)), np.diff(classes.start))
        order = np.lexsort((option, value, classes.member))
        start = np.zeros(len(classes.weight) + 1, dtype=np.int64)
        np.cumsum(np.bincount(classes.member, minlength=len(classes.weight)), out=start[1:])
        return cls(start, option[order], value[order], classes.weight)

    @classmethod
    def strict(cls, profile: Profile, rule: str) -> "Papers":
        """Do the same, but refuse ballots that leave open which of two options comes first."""
        papers = cls.of(profile)
        ballot = np.repeat(np.arange(len(papers.weight)), np.diff(papers.start))
        twice = (ballot[1:] == ballot[:-1]) & (papers.place[1:] == papers.place[:-1])
        if twice.any():
            found = papers.option[[twice.argmax(), twice.argmax() + 1]]
            one, other = (str(profile.ids[p]) for p in found)
            if profile.value is None:
                raise ValueError(
                    f"a ballot marks both {one} and {other} without an order; {rule} needs ranked "
                    "ballots, or ballots with one mark"
                )
            raise ValueError(
                f"a ballot gives {one} and {other} the same place; {rule} needs a strict order, so "
                "leave out what shares a place, or count by schulze or ranked pairs"
            )
        if papers.place.size and papers.place.min() < 1:
            raise ValueError("a place is below 1; the first preference has place 1")
        return papers


class Piles:
    """Ballots on piles: each lies with the option it prefers among those still available."""

    def __init__(self, papers: Papers, options: int) -> None:
        self._papers, self._options = papers, options
        self._at = papers.start[:-1].copy()
        self.out = np.zeros(options, dtype=bool)
        self.top = papers.option[self._at] if len(self._at) else np.zeros(0, dtype=np.int64)

    def count(self, value: NDArray[np.int64] | int = 1) -> list[int]:
        """Add up each pile: ballots times the value of each. Exact below 2**53."""
        there = self.top >= 0
        weight = (self._papers.weight * value)[there].astype(np.float64)
        found: list[int] = (
            np.bincount(self.top[there], weights=weight, minlength=self._options)
            .astype(np.int64)
            .tolist()
        )
        return found

    def move(self, option: int) -> NDArray[np.intp]:
        """Take an option out and lay its ballots with their next available ones, or aside (-1).

        Return the classes that moved.
        """
        self.out[option] = True
        moved = np.flatnonzero(self.top == option)
        moving: NDArray[Any] = moved
        while moving.size:
            self._at[moving] += 1
            ended = self._at[moving] == self._papers.start[moving + 1]
            self.top[moving[ended]] = -1
            moving = moving[~ended]
            self.top[moving] = self._papers.option[self._at[moving]]
            moving = moving[self.out[self.top[moving]]]
        return moved


def earlier(tied: list[int], stages: list[list[int]], best: int) -> list[int]:
    """Narrow a tie by what the options had in earlier stages, the latest first.

    ``best`` is 1 to keep those with the most votes, -1 to keep those with the fewest.
    """
    for votes in reversed(stages):
        most = max(best * votes[p] for p in tied)
        tied = [p for p in tied if best * votes[p] == most]
    return tied
