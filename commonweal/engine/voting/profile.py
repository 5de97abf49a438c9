"""Ballots as arrays: who approves which project, and what each project costs."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from commonweal.engine.voting.classes import Classes, merge

# Sums of costs must fit an int64 with room to spare, and no real pot comes near this.
DEAREST = 2**60


@dataclass(frozen=True, eq=False)
class Profile:
    """The ballots of one election, stored by project (compressed sparse rows).

    Build one with :meth:`from_pairs`, which checks its input; the fields are trusted as they are.

    Parameters
    ----------
    ids : int64 or text array, shape (projects,)
        The name of each project; every other array speaks of projects by their place in this one.
    cost : int64 array, shape (projects,)
        Price in whole pence (the smallest unit of the currency), never negative.
    start : int64 array, shape (projects + 1,)
        The supporters of project ``p`` are ``voter[start[p]:start[p + 1]]``.
    voter : int32 or int64 array, shape (marks,)
        Ballot numbers, 0 to ``voters - 1``, rising within a project.
    voters : int
        All ballots, the empty ones too: they count when the money is shared out.
    value : int64 array, shape (marks,), optional
        Points, scores or ranks, one for each mark; None for approvals.

    Examples
    --------
    >>> profile = Profile.from_pairs(
    ...     ["swings", "bench"], [900, 300], project=["swings", "bench", "bench"], ballot=[7, 7, 9]
    ... )
    >>> profile.votes.tolist(), profile.voters
    ([1, 2], 2)
    """

    ids: NDArray[Any]
    cost: NDArray[np.int64]
    start: NDArray[np.int64]
    voter: NDArray[np.signedinteger[Any]]
    voters: int
    value: NDArray[np.int64] | None = None

    @classmethod
    def from_pairs(
        cls,
        ids: ArrayLike,
        cost: ArrayLike,
        *,
        project: ArrayLike,
        ballot: ArrayLike,
        voters: int | None = None,
        value: ArrayLike | None = None,
    ) -> Self:
        """Build a profile from (project, ballot) pairs in any order, and check them.

        Parameters
        ----------
        ids, cost : arrays, shape (projects,)
            As in the class; costs in whole pence.
        project : array, shape (marks,)
            The id of the approved project.
        ballot : array, shape (marks,)
            Any name of the ballot; ballots are numbered in the order of their names.
        voters : int, optional
            All ballots, the empty ones too. Default: the ballots with at least one mark.
        value : int array, shape (marks,), optional
            Points, scores or ranks.

        Raises
        ------
        ValueError
            If shapes disagree, a cost is negative or not whole, an id appears twice, a mark names
            an unknown project or appears twice, or ``voters`` is less than the ballots met.

        Notes
        -----
        Time O(marks log marks), memory O(marks).
        """
        names, price = _checked_projects(ids, cost)
        people, which = np.unique(np.asarray(ballot), return_inverse=True)
        if voters is not None and voters < len(people):
            raise ValueError(f"voters is {voters}, but {len(people)} ballots have marks")
        return cls.from_indices(
            names,
            price,
            project=_places(names, np.asarray(project)),
            voter=which,
            voters=len(people) if voters is None else voters,
            value=value,
        )

    @classmethod
    def from_indices(
        cls,
        ids: ArrayLike,
        cost: ArrayLike,
        *,
        project: NDArray[np.integer[Any]],
        voter: NDArray[np.integer[Any]],
        voters: int,
        value: ArrayLike | None = None,
    ) -> Self:
        """Build a profile from marks that already speak of places, not names.

        As :meth:`from_pairs`, with ``project`` and ``voter`` counted from 0. Raises ``ValueError``
        in the same cases.
        """
        names, price = _checked_projects(ids, cost)
        if project.shape != voter.shape or project.ndim != 1:
            raise ValueError(
                f"project has shape {project.shape} but ballot has shape {voter.shape}"
            )
        _refuse_outside(project, len(names), "project")
        _refuse_outside(voter, voters, "ballot")
        order = np.lexsort((voter, project))
        project, voter = project[order], voter[order]
        twice = (project[1:] == project[:-1]) & (voter[1:] == voter[:-1])
        if twice.any():
            where = int(twice.argmax())
            raise ValueError(f"ballot {voter[where]} marks project {names[project[where]]!s} twice")
        worth = None if value is None else _whole(np.asarray(value), voter.shape, "value")[order]
        start = np.zeros(len(names) + 1, dtype=np.int64)
        np.cumsum(np.bincount(project, minlength=len(names)), out=start[1:])
        narrow = np.int32 if voters < 2**31 else np.int64
        return cls(names, price, start, voter.astype(narrow), int(voters), worth)

    @cached_property
    def votes(self) -> NDArray[np.int64]:
        """How many ballots mark each project; int64 array, shape (projects,)."""
        return np.diff(self.start)

    @cached_property
    def classes(self) -> Classes:
        """Identical ballots merged, with how many there are of each (kept once computed)."""
        return merge(self.start, self.voter, self.voters, self.value)


def whole_budget(budget: int) -> int:
    """Return the budget as a plain int, or say why it cannot be one."""
    pence = int(budget)
    if pence != budget or not 0 < pence <= DEAREST:
        raise ValueError(f"the budget must be a whole number of pence above 0, not {budget!r}")
    return pence


def _checked_projects(ids: ArrayLike, cost: ArrayLike) -> tuple[NDArray[Any], NDArray[np.int64]]:
    names = np.asarray(ids)
    if names.ndim != 1:
        raise ValueError(f"ids must be one row of names, not of shape {names.shape}")
    price = _whole(np.asarray(cost), names.shape, "cost")
    if (price < 0).any():
        raise ValueError(f"project {names[price.argmin()]!s} has a negative cost")
    if sum(price.tolist()) > DEAREST:
        raise ValueError("the costs add up to more than can be counted exactly")
    unique, count = np.unique(names, return_counts=True)
    if len(unique) < len(names):
        raise ValueError(f"project {unique[count.argmax()]!s} is listed twice")
    return names, price


def _whole(numbers: NDArray[Any], shape: tuple[int, ...], name: str) -> NDArray[np.int64]:
    if numbers.shape != shape:
        raise ValueError(f"{name} has shape {numbers.shape}, expected {shape}")
    if numbers.size and numbers.dtype.kind not in "iu":
        raise ValueError(f"{name} must be whole numbers, not {numbers.dtype}")
    return numbers.astype(np.int64)


def _places(names: NDArray[Any], wanted: NDArray[Any]) -> NDArray[np.intp]:
    if not wanted.size:
        return np.zeros(wanted.shape, dtype=np.intp)
    order = np.argsort(names, kind="stable")
    found = np.minimum(np.searchsorted(names[order], wanted), len(names) - 1)
    if not len(names) or (names[order][found] != wanted).any():
        known = set(names.tolist())
        stranger = next(name for name in wanted.tolist() if name not in known)
        raise ValueError(f"a ballot marks {stranger!s}, which is not a project")
    return order[found]


def _refuse_outside(index: NDArray[np.integer[Any]], limit: int, name: str) -> None:
    if index.size and (index.min() < 0 or index.max() >= limit):
        raise ValueError(f"{name} numbers must lie between 0 and {limit - 1}")
