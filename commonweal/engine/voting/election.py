"""An election as every file format gives it: ballots, money, and what is known of voters."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.profile import Profile

VOTE_TYPES = ("approval", "choose-1", "cumulative", "scoring", "ordinal")
WITH_POINTS = ("cumulative", "scoring")


class ElectionError(ValueError):
    """A file that cannot be counted. The message says where, what is wrong and how to mend it.

    ``problems`` has every problem found, each as a sentence; the message is the first of them.
    """

    def __init__(self, message: str, problems: tuple[str, ...] = ()) -> None:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(message + more)
        self.problems = problems or (message,)


@dataclass(frozen=True, eq=False)
class Column:
    """One thing known of every voter, such as an age or a district.

    Parameters
    ----------
    codes : int32 array, shape (voters,)
        The place of each voter's entry in ``labels``.
    labels : tuple of str
        The different entries, sorted as text; an empty cell is the entry "".

    Examples
    --------
    >>> column = Column.of(["west", "east", "west"])
    >>> column.labels, column.codes.tolist()
    (('east', 'west'), [1, 0, 1])
    """

    codes: NDArray[np.int32]
    labels: tuple[str, ...]

    @classmethod
    def of(cls, entries: Iterable[str]) -> "Column":
        """Build a column from one text for each voter."""
        met: dict[str, int] = {}
        order = np.array([met.setdefault(text, len(met)) for text in entries], dtype=np.int32)
        return cls.from_codes(order, met)

    @classmethod
    def from_codes(cls, codes: NDArray[np.int32], labels: Iterable[str]) -> "Column":
        """Build a column from codes whose labels are all different but in any order."""
        names = list(labels)
        order = sorted(range(len(names)), key=names.__getitem__)
        place = np.empty(len(names), dtype=np.int32)
        place[order] = np.arange(len(names), dtype=np.int32)
        return cls(place[codes] if len(names) else codes, tuple(names[i] for i in order))


@dataclass(frozen=True, eq=False)
class Election:
    """What a file of ballots holds.

    Parameters
    ----------
    profile : Profile
        Ballots; costs in hundredths of the currency unit. ``value`` holds points in hundredths for
        cumulative and scoring ballots that give them, and the place (1 first) for ordinal ones.
    budget : int
        In hundredths of the currency unit.
    vote_type : str
        One of ``VOTE_TYPES``.
    currency : str
        For example ``EUR``; may be empty.
    names : tuple of str
        The name of each project; its id where the file gives none.
    meta : dict
        Everything the file says about the election as a whole, as text.
    voters : mapping of str to Column
        What is known of every voter; a column is worked out when somebody asks for it.
    projects : mapping of str to tuple of str
        Further columns of the projects (category, target, latitude ...), one text a project.
    warnings : tuple of str
        What is odd about the file but does not stop a count: ballots that break the file's own
        rules are counted as they stand.
    """

    profile: Profile
    budget: int
    vote_type: str
    currency: str
    names: tuple[str, ...]
    meta: dict[str, str]
    voters: Mapping[str, Column] = field(default_factory=dict)
    projects: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class LateColumns(Mapping[str, Column]):
    """Columns of voters that stay bytes until somebody asks for one.

    From byte ``at``, ``content`` has one row a voter, ended by a line feed (and perhaps a carriage
    return before it), cells split by semicolons, no quotes; ``places`` says which cell each column
    is.
    """

    content: bytes
    at: int
    places: dict[str, int]
    _met: dict[str, Column] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Column:
        if name not in self._met:
            place = self.places[name]
            self._met[name] = Column.of(chain.from_iterable(self._texts(place)))
        return self._met[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.places)

    def __len__(self) -> int:
        return len(self.places)

    def _texts(self, place: int) -> Iterator[list[str]]:
        for part in pieces(self.content, self.at):
            rows = part.decode().rstrip("\r\n").split("\n")
            yield [row.split(";", place + 1)[place].strip() for row in rows]


def pieces(content: bytes, at: int = 0, *, size: int = 2**21) -> Iterator[bytes]:
    """Cut bytes into pieces of about this size that end where a line ends.

    Blank lines at the very end are left out.
    """
    stop = len(content)
    while stop > at and content[stop - 1] in b"\r\n":
        stop -= 1
    while at < stop:
        end = min(content.find(b"\n", at + size, stop) + 1 or stop, stop)
        yield content[at:end]
        at = end


def by_project(
    project: NDArray[np.integer[Any]],
    length: NDArray[np.integer[Any]],
    projects: int,
    value: NDArray[np.int64] | None = None,
    *,
    at_once: int = 2**20,
) -> tuple[NDArray[np.int64], NDArray[np.signedinteger[Any]], NDArray[np.int64] | None]:
    """Turn marks listed ballot by ballot into rows by project.

    Parameters
    ----------
    project : int array, shape (marks,)
        The marked project, ballot after ballot.
    length : int array, shape (voters,)
        How many marks each ballot has.
    projects : int
        How many projects there are.
    value : int64 array, shape (marks,), optional
        Points or places.
    at_once : int, optional
        Marks handled at a time; bounds the memory beside the result.

    Returns
    -------
    start, voter, value
        As in :class:`~commonweal.engine.voting.profile.Profile`; voters rise within a project.

    Notes
    -----
    Time O(marks): a counting sort of one stretch of ballots after the other. Nothing is checked.

    Examples
    --------
    >>> start, voter, _ = by_project(np.array([1, 0, 1]), np.array([2, 1]), 2)
    >>> start.tolist(), voter.tolist()
    ([0, 1, 3], [0, 0, 1])
    """
    start = np.zeros(projects + 1, dtype=np.int64)
    np.cumsum(np.bincount(project, minlength=projects), out=start[1:])
    narrow: type[np.signedinteger[Any]] = np.int32 if len(length) < 2**31 else np.int64
    voter: NDArray[np.signedinteger[Any]] = np.empty(len(project), dtype=narrow)
    worth = None if value is None else np.empty(len(project), dtype=np.int64)
    owner = np.repeat(np.arange(len(length), dtype=narrow), length)
    cursor = start[:-1].copy()
    for at in range(0, len(project), at_once):
        part = project[at : at + at_once]
        order = np.argsort(part, kind="stable")
        count = np.bincount(part, minlength=projects)
        target = np.repeat(cursor + count - np.cumsum(count), count) + np.arange(len(part))
        voter[target] = owner[at : at + at_once][order]
        if worth is not None and value is not None:
            worth[target] = value[at : at + at_once][order]
        cursor += count
    return start, voter, worth


def twice(start: NDArray[np.int64], voter: NDArray[np.signedinteger[Any]]) -> NDArray[np.bool_]:
    """Say of each mark but the first whether it repeats the one before it."""
    same: NDArray[np.bool_] = voter[1:] == voter[:-1]
    same[start[(start > 0) & (start < len(voter))] - 1] = False
    return same
