"""Votes as arrays: who agrees, disagrees or passes on what, the last vote of each pair only."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from commonweal.engine.opinion import vote_kernel

AGREE, PASS, DISAGREE = 1, 0, -1
MOST_STATEMENTS = 2**24
_NO_MOMENTS = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class Votes:
    """The votes of one conversation, stored by person (compressed sparse rows).

    Build one with :meth:`from_log`, which checks its input; the fields are trusted as they are. A
    pass is a vote like the others; a pair without a row has not been voted on.

    Parameters
    ----------
    people, statements : int64 or text arrays
        Their names, rising; every other array speaks of people and statements by their place here.
    start : int64 array, shape (people + 1,)
        The votes of person ``i`` are ``start[i]`` to ``start[i + 1]`` of the next three.
    statement : uint16 or int32 array, shape (votes,)
        What was voted on, rising within a person.
    value : int8 array, shape (votes,)
        1 agree, 0 pass, -1 disagree.
    moment : int64 array, shape (votes,), optional
        When; whatever the log counts in. None where the log has no moments.

    Examples
    --------
    >>> votes = Votes.from_log(["ann", "bob", "ann"], [7, 7, 7], [1, 0, -1])
    >>> votes.people.tolist(), votes.value.tolist(), votes.disagrees.tolist()
    (['ann', 'bob'], [-1, 0], [1])
    """

    people: NDArray[Any]
    statements: NDArray[Any]
    start: NDArray[np.int64]
    statement: NDArray[Any]
    value: NDArray[np.int8]
    moment: NDArray[np.int64] | None = None

    @classmethod
    def from_log(
        cls,
        person: ArrayLike,
        statement: ArrayLike,
        value: ArrayLike,
        *,
        moment: ArrayLike | None = None,
        people: ArrayLike = (),
        statements: ArrayLike = (),
    ) -> Self:
        """Build the votes from a log; of several votes on one pair the last one counts.

        Parameters
        ----------
        person, statement : int or text arrays, shape (entries,)
            Who voted on what.
        value : int array, shape (entries,)
            1 agree, 0 pass, -1 disagree.
        moment : int array, shape (entries,), optional
            When each vote was cast. With moments the log may be in any order; without them the
            later entry is the later vote. Of different votes on a pair at the same moment nobody
            can say which came last: the higher value counts, in whatever order they stand.
        people, statements : arrays, optional
            Names to know even if nobody voted there.

        Raises
        ------
        ValueError
            If shapes disagree, a value is none of the three, names are neither whole numbers nor
            text, or there are more statements than can be stored.

        Notes
        -----
        Time O(entries + people + statements), and a sort for names that are text or far apart.
        Memory beside the log: 4 bytes an entry (12 with moments), and the result.
        """
        given = _values(value)
        persons, person_at = _numbered(person, people, "person")
        known, statement_at = _numbered(statement, statements, "statement")
        if not person_at.shape == statement_at.shape == given.shape:
            raise ValueError(
                f"person, statement and value have shapes {person_at.shape}, {statement_at.shape} "
                f"and {given.shape}; they must be the same"
            )
        if len(known) > MOST_STATEMENTS:
            raise ValueError(f"there are {len(known)} statements, more than {MOST_STATEMENTS}")
        when = _NO_MOMENTS if moment is None else _whole(moment, given.shape, "moment")
        narrow = np.uint16 if len(known) < 2**16 else np.int32
        start, code, kept = vote_kernel.compiled().rows(
            person_at, statement_at, given, when, len(persons), len(known)
        )
        return cls(
            persons,
            known,
            start,
            (code >> 2).astype(narrow),
            (code & 3).astype(np.int8) - np.int8(1),
            None if moment is None else kept,
        )

    def __len__(self) -> int:
        return len(self.value)

    @cached_property
    def person(self) -> NDArray[np.int32]:
        """The person of each vote; int32 array, shape (votes,)."""
        return np.repeat(np.arange(len(self.people), dtype=np.int32), np.diff(self.start))

    @cached_property
    def tallies(self) -> NDArray[np.int64]:
        """How many disagree, pass and agree; int64 array, shape (statements, 3)."""
        code = self.statement.astype(np.int64) * 3 + (self.value + 1)
        return np.bincount(code, minlength=3 * len(self.statements)).reshape(-1, 3)

    @property
    def disagrees(self) -> NDArray[np.int64]:
        """How many disagree with each statement; int64 array, shape (statements,)."""
        return self.tallies[:, 0]

    @property
    def passes(self) -> NDArray[np.int64]:
        """How many pass on each statement; int64 array, shape (statements,)."""
        return self.tallies[:, 1]

    @property
    def agrees(self) -> NDArray[np.int64]:
        """How many agree with each statement; int64 array, shape (statements,)."""
        return self.tallies[:, 2]

    def places_of_people(self, names: NDArray[Any]) -> NDArray[np.int64]:
        """Return the place of each person's name; -1 where there is no such person."""
        return _places(self.people, names)

    def places_of_statements(self, names: NDArray[Any]) -> NDArray[np.int64]:
        """Return the place of each statement's name; -1 where there is no such statement."""
        return _places(self.statements, names)

    def updated(
        self,
        person: ArrayLike,
        statement: ArrayLike,
        value: ArrayLike,
        *,
        moment: ArrayLike | None = None,
    ) -> "Votes":
        """Return these votes with newer ones added; without moments the new ones are the later.

        The same as building from the whole log, in time O(votes) and without reading it again.
        Raises ``ValueError`` as :meth:`from_log`, or if only one side has moments.
        """
        if not len(np.asarray(value)):
            return self
        fresh = Votes.from_log(person, statement, value, moment=moment)
        return _inserted(self, fresh) or merged([self, fresh])

    def chosen(self, keep: NDArray[np.bool_]) -> "Votes":
        """Return only the votes where ``keep`` is true, with all people and statements."""
        start = np.zeros_like(self.start)
        before = np.concatenate(([0], np.cumsum(keep)))
        start[:] = before[self.start]
        moment = None if self.moment is None else self.moment[keep]
        return Votes(
            self.people, self.statements, start, self.statement[keep], self.value[keep], moment
        )

    def among(self, people: NDArray[np.intp]) -> "Votes":
        """Return the votes of these people only, given by their places, rising."""
        start, index = rows_of(self.start, people)
        moment = None if self.moment is None else self.moment[index]
        return Votes(
            self.people[people],
            self.statements,
            start,
            self.statement[index],
            self.value[index],
            moment,
        )


def rows_of(
    start: NDArray[np.int64], people: NDArray[np.intp]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return where the rows of these people begin when they stand alone, and which votes they are."""
    count = np.diff(start)[people]
    fresh = np.zeros(len(people) + 1, dtype=np.int64)
    np.cumsum(count, out=fresh[1:])
    index = np.repeat(start[people] - fresh[:-1], count) + np.arange(fresh[-1])
    return fresh, index


def merged(parts: Sequence[Votes]) -> Votes:
    """Join the votes of several shards into one.

    Parameters
    ----------
    parts : sequence of Votes
        With moments everywhere or nowhere. Without moments a later part has the later votes.

    Returns
    -------
    Votes
        The same as from one log that holds the logs of all parts.

    Raises
    ------
    ValueError
        If there is no part, only some have moments, or some have numbers and others text as names.

    Notes
    -----
    Time and memory O(votes).

    References
    ----------
    Shapiro, Preguiça, Baquero and Zawirski (2011), "Conflict-free Replicated Data Types", the
    last-writer-wins element set.

    Examples
    --------
    >>> morning = Votes.from_log([1, 2], [5, 5], [1, 1], moment=[10, 11])
    >>> evening = Votes.from_log([1, 3], [5, 6], [-1, 0], moment=[20, 21])
    >>> votes = merged([evening, morning])
    >>> votes.people.tolist(), votes.tallies.tolist()
    ([1, 2, 3], [[1, 0, 1], [0, 1, 0]])
    """
    if not parts:
        raise ValueError("there are no parts to merge")
    if len({part.moment is None for part in parts}) > 1:
        raise ValueError("only some of the parts have moments, so the last vote cannot be known")
    moments = [part.moment for part in parts if part.moment is not None]
    return Votes.from_log(
        np.concatenate([part.people[part.person] for part in parts]),
        np.concatenate([part.statements[part.statement] for part in parts]),
        np.concatenate([part.value for part in parts]),
        moment=np.concatenate(moments) if moments else None,
        people=_together([part.people for part in parts], "person"),
        statements=_together([part.statements for part in parts], "statement"),
    )


def _inserted(votes: Votes, fresh: Votes) -> Votes | None:
    """Put some votes of people and on statements that are known into their rows; None if not so."""
    if (votes.moment is None) != (fresh.moment is None):
        return None
    who = votes.places_of_people(fresh.people)
    what = votes.places_of_statements(fresh.statements)
    if (who < 0).any() or (what < 0).any():
        return None
    width = len(votes.statements)
    key = votes.person.astype(np.int64) * width + votes.statement
    new = who[fresh.person] * width + what[fresh.statement]
    at = np.searchsorted(key, new)
    there = at < len(key)
    there[there] = key[at[there]] == new[there]
    value = votes.value.copy()
    moment = None if votes.moment is None else votes.moment.copy()
    again, place = np.flatnonzero(there), at[there]
    if moment is not None and fresh.moment is not None:
        old, now = moment[place], fresh.moment[again]
        later = (now > old) | ((now == old) & (fresh.value[again] > value[place]))
        again, place = again[later], place[later]
        moment[place] = fresh.moment[again]
    value[place] = fresh.value[again]
    first, at = np.flatnonzero(~there), at[~there]
    start = votes.start.copy()
    added = np.bincount(who[fresh.person[first]], minlength=len(votes.people))
    start[1:] += np.cumsum(added)
    new_moment = None
    if moment is not None and fresh.moment is not None:
        new_moment = np.insert(moment, at, fresh.moment[first])
    stands = what[fresh.statement[first]].astype(votes.statement.dtype)
    return Votes(
        votes.people,
        votes.statements,
        start,
        np.insert(votes.statement, at, stands),
        np.insert(value, at, fresh.value[first]),
        new_moment,
    )


def _together(names: list[NDArray[Any]], what: str) -> NDArray[Any]:
    filled = [part for part in names if len(part)]
    if len({part.dtype.kind in "iu" for part in filled}) > 1:
        raise ValueError(f"some {what} names are numbers and some are text")
    return np.concatenate(filled) if filled else np.zeros(0, dtype=np.int64)


def _values(value: ArrayLike) -> NDArray[np.int8]:
    given = np.asarray(value)
    if given.ndim != 1:
        raise ValueError(f"value must be one row of votes, not of shape {given.shape}")
    if given.size and given.dtype.kind not in "iu":
        raise ValueError(f"value must be whole numbers, not {given.dtype}")
    if given.size and (given.min() < DISAGREE or given.max() > AGREE):
        wrong = given[(given < DISAGREE) | (given > AGREE)][0]
        raise ValueError(f"a vote is 1, 0 or -1, not {wrong}")
    return np.ascontiguousarray(given, dtype=np.int8)


def _whole(numbers: ArrayLike, shape: tuple[int, ...], name: str) -> NDArray[np.int64]:
    given = np.asarray(numbers)
    if given.shape != shape:
        raise ValueError(f"{name} has shape {given.shape}, expected {shape}")
    if given.size and given.dtype.kind not in "iu":
        raise ValueError(f"{name} must be whole numbers, not {given.dtype}")
    return np.ascontiguousarray(given, dtype=np.int64)


def _numbered(
    given: ArrayLike, known: ArrayLike, what: str
) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """Return the different names, rising, and the place of each entry's name among them."""
    entries, others = np.asarray(given), np.asarray(known)
    if entries.ndim != 1 or others.ndim != 1:
        raise ValueError(f"{what} must be one row of names")
    if not entries.size:
        entries = entries.astype(others.dtype if others.size else np.int64)
    if not others.size:
        others = others.astype(entries.dtype)
    for names in (entries, others):
        if names.dtype.kind not in "iuU":
            raise ValueError(f"{what} names must be whole numbers or text, not {names.dtype}")
    if (entries.dtype.kind == "U") != (others.dtype.kind == "U"):
        raise ValueError(f"some {what} names are numbers and some are text")
    if entries.dtype.kind != "U" and len(entries):
        found = _dense(entries, others)
        if found is not None:
            return found
    names, place = np.unique(np.concatenate((entries, others)), return_inverse=True)
    if names.dtype.kind == "u":
        names = names.astype(np.int64)
    return names, place[: len(entries)].astype(np.int32)


def _places(known: NDArray[Any], names: NDArray[Any]) -> NDArray[np.int64]:
    """Return where names stand among known ones, rising; -1 where they do not."""
    if (known.dtype.kind == "U") != (names.dtype.kind == "U"):
        known, names = known.astype(np.str_), names.astype(np.str_)
    if not len(known):
        return np.full(len(names), -1, dtype=np.int64)
    order = np.argsort(known, kind="stable")
    found = order[np.minimum(np.searchsorted(known[order], names), len(known) - 1)]
    return np.where(known[found] == names, found, -1)


def _dense(
    entries: NDArray[Any], others: NDArray[Any]
) -> tuple[NDArray[np.int64], NDArray[np.int32]] | None:
    """Number whole numbers that lie close together by a table, without a sort."""
    low = min(int(entries.min()), int(others.min()) if len(others) else int(entries[0]))
    high = max(int(entries.max()), int(others.max()) if len(others) else int(entries[0]))
    width = high - low + 1
    if width > 4 * len(entries) + 1024 or high >= 2**62 or low < -(2**62):
        return None
    there = np.zeros(width, dtype=np.bool_)
    there[others.astype(np.int64) - low] = True
    at_once = 2**22  # so that no copy of the whole log is made
    for begin in range(0, len(entries), at_once):
        there[entries[begin : begin + at_once].astype(np.int64) - low] = True
    place = np.cumsum(there, dtype=np.int32) - np.int32(1)
    found = np.empty(len(entries), dtype=np.int32)
    for begin in range(0, len(entries), at_once):
        found[begin : begin + at_once] = place[
            entries[begin : begin + at_once].astype(np.int64) - low
        ]
    return np.flatnonzero(there).astype(np.int64) + low, found
