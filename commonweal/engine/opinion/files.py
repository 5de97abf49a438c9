"""Conversations as files: votes and statements, in our own columns or as Polis exports them."""

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.opinion.tables import (
    LONGEST_NAME,
    OpinionError,
    Problems,
    as_names,
    columns_of,
    layout_of,
    number_of,
    rows,
)
from commonweal.engine.opinion.votes import Votes

_DATABASE = ("pid", "tid")  # what Polis calls people and statements where -1 is agree
_VOTE = {
    "participant": ("participant id", "voter id", "voter", "person", "person id", "pid"),
    "statement": ("statement id", "comment id", "comment", "tid"),
    "vote": ("value",),
}
_MOMENT = {"timestamp_ms": ("timestamp", "created", "time")}
_WIDE = {"participant": (), "n-votes": ()}
_STATEMENT = {"statement": ("statement id", "comment id", "comment", "tid", "id")}
_OF_STATEMENT = {
    "text": ("comment body", "body", "txt", "statement text"),
    "moderated": ("moderation", "mod"),
    "agrees": ("agree count",),
    "disagrees": ("disagree count",),
    "author": ("author id",),
    "timestamp_ms": _MOMENT["timestamp_ms"],
}
_RANGE = {"vote": (-1, 1), "timestamp_ms": (-(2**62), 2**62)}
_SECONDS_BEFORE = 10**11  # as seconds the year 5138, as milliseconds 1973
REJECTED = -1
_TITLES = ("statement", "timestamp_ms", "author", "moderated", "agrees", "disagrees", "text")
_TITLES_OF_POLIS = (
    *("timestamp", "datetime", "comment-id", "author-id"),
    *("agrees", "disagrees", "moderated", "comment-body"),
)
_MOST_CELLS = 50_000_000
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MODERATED = {
    **{"1": 1, "1.0": 1, "+1": 1, "accepted": 1},
    **{"0": 0, "0.0": 0, "unmoderated": 0},
    **{"-1": REJECTED, "-1.0": REJECTED, "rejected": REJECTED},
}


@dataclass(frozen=True, eq=False)
class Statements:
    """What is known of statements beside their votes.

    Parameters
    ----------
    names : int64 or text array, shape (statements,)
        As the votes name them; in the order of the file.
    text : tuple of str
        What they say; empty where the file has no texts.
    moderated : int8 array, shape (statements,)
        1 accepted, 0 not looked at, -1 rejected.
    more : int64 array, shape (statements,), optional
        By how many more agree than disagree, as the file itself says. None if it does not.
    author, moment : tuples of str
        Who wrote each and when, as the file says; empty where it does not.
    """

    names: NDArray[Any]
    text: tuple[str, ...]
    moderated: NDArray[np.int8]
    more: NDArray[np.int64] | None = None
    author: tuple[str, ...] = ()
    moment: tuple[str, ...] = ()

    @property
    def rejected(self) -> NDArray[Any]:
        """The names of the statements that a moderator rejected."""
        names: NDArray[Any] = self.names[self.moderated == REJECTED]
        return names


def read_votes(path: str | Path) -> Votes:
    """Read the votes of a conversation.

    Parameters
    ----------
    path : path
        A CSV file, gzipped or not. Either one vote a row with the columns ``participant``,
        ``statement``, ``vote`` (1 agree, -1 disagree, 0 pass) and perhaps ``timestamp_ms``; or as
        Polis exports it: ``votes.csv`` (``voter-id``, ``comment-id``, ``vote``, ``timestamp``) or
        ``participants-votes.csv`` with one person a row and one statement a column. Times may be
        milliseconds, seconds or ISO dates. In a file with Polis's own names of database columns
        (``pid``, ``tid``, ``vote``) -1 means agree, and is read as such.

    Returns
    -------
    Votes
        Of several votes on one pair the last one: by time where the file has times, otherwise by
        place in the file.

    Raises
    ------
    OpinionError
        With every problem found and its line.

    Notes
    -----
    Time O(bytes). A file of whole numbers is read block by block in machine code, any other one row
    by row.

    References
    ----------
    Small, Björkegren, Erkkilä, Shaw and Megill (2021), "Polis", RECERCA 26(2); the columns are those
    of its exports.

    Examples
    --------
    >>> read_votes("no such file.csv")
    Traceback (most recent call last):
    commonweal.engine.opinion.tables.OpinionError: there is no file no such file.csv; check the \
name and the folder
    """
    place = Path(path)
    try:
        called = layout_of(place, _VOTE).called
    except OpinionError:
        if _is_wide(place):
            return _wide(place)
        raise
    found = columns_of(place, _VOTE, _MOMENT, _RANGE)
    value = found["vote"].astype(np.int8)
    if tuple(called[title] for title in ("participant", "statement")) == _DATABASE:
        value = -value
    moment = found.get("timestamp_ms")
    if moment is not None and len(moment) and np.abs(moment).max() < _SECONDS_BEFORE:
        moment = moment.astype(np.int64) * 1000
    try:
        return Votes.from_log(found["participant"], found["statement"], value, moment=moment)
    except ValueError as error:
        raise OpinionError(f"{place.name}: {error}") from None


def from_database(path: str | Path) -> bool:
    """Say whether a file has the names of Polis's database columns, so that -1 means agree."""
    try:
        called = layout_of(Path(path), _VOTE).called
    except OpinionError:
        return False
    return (called["participant"], called["statement"]) == _DATABASE


def turned_round(known: Statements, votes: Votes) -> bool:
    """Say whether votes mean the opposite of what the file of statements counted.

    True only where that is plain: of the statements on which the tallies of the file and the votes
    both have a side, at least ten, nine in ten are on the other side.
    """
    if known.more is None:
        return False
    place = votes.places_of_statements(known.names)
    cast = (votes.agrees - votes.disagrees)[place] if len(votes.statements) else place
    sides = np.sign(known.more) * np.sign(cast) * (place >= 0)
    opposed, same = int((sides < 0).sum()), int((sides > 0).sum())
    return opposed >= 10 and opposed >= 9 * same


def _is_wide(path: Path) -> bool:
    try:
        layout_of(path, _WIDE)
    except OpinionError:
        return False
    return True


def _wide(path: Path) -> Votes:
    """Read one person a row, with a column for each statement that is named by a number."""
    layout = layout_of(path, _WIDE)
    columns = [
        (at, title) for at, title in enumerate(layout.titles) if title.isascii() and title.isdigit()
    ]
    problems = Problems(path.name)
    person: list[str] = []
    log: list[tuple[int, int, int]] = []
    for line, row in rows(path, layout, problems):
        person.append(row[layout.at["participant"]].strip())
        for at, title in columns:
            cell = row[at].strip()
            if not cell:
                continue
            vote = number_of(cell)
            if vote not in (-1, 0, 1):
                said = "but a vote is 1 (agree), 0 (pass) or -1 (disagree)"
                problems.add(line, f"the vote on {title} is {cell[:40]!r}, {said}")
                continue
            log.append((len(person) - 1, int(title), vote))
    problems.refuse()
    names = as_names(person)
    if len(set(person)) < len(person):
        twice = next(name for name, times in Counter(person).items() if times > 1)
        raise OpinionError(
            f"{path.name} has two rows of participant {twice[:40]}; keep one of them"
        )
    who, what, value = np.array(log, dtype=np.int64).reshape(-1, 3).T
    return Votes.from_log(
        names[who],
        what,
        value,
        people=names,
        statements=np.array([int(title) for _at, title in columns], dtype=np.int64),
    )


def read_pairs(path: str | Path) -> tuple[NDArray[Any], NDArray[Any]]:
    """Read the names of people and statements that stand together in a file, pair by pair.

    Parameters
    ----------
    path : path
        A CSV file, gzipped or not, with the columns ``participant`` and ``statement``.

    Returns
    -------
    two arrays
        As whole numbers if all are, otherwise as text.

    Raises
    ------
    OpinionError
        With every problem found and its line.

    References
    ----------
    As :func:`read_votes`.

    Examples
    --------
    >>> read_pairs("no such file.csv")
    Traceback (most recent call last):
    commonweal.engine.opinion.tables.OpinionError: there is no file no such file.csv; check the \
name and the folder
    """
    found = columns_of(Path(path), {title: _VOTE[title] for title in ("participant", "statement")})
    return found["participant"], found["statement"]


def pairs_with(path: str | Path, p: NDArray[np.float64]) -> Iterator[list[str]]:
    """Yield the titles and the rows of a file of pairs, each as it is but with its ``p`` at the end.

    Parameters
    ----------
    path : path
        As :func:`read_pairs` has read it.
    p : float64 array, shape (pairs,)
        Of each pair, in the order of the file. A column ``p`` that the file had is left out.

    Raises
    ------
    OpinionError
        As :func:`read_pairs`.

    References
    ----------
    As :func:`read_votes`.

    Examples
    --------
    >>> list(pairs_with("no such file.csv", np.zeros(0)))
    Traceback (most recent call last):
    commonweal.engine.opinion.tables.OpinionError: there is no file no such file.csv; check the \
name and the folder
    """
    place = Path(path)
    layout = layout_of(place, {title: _VOTE[title] for title in ("participant", "statement")})
    ours = {at: title for title, at in layout.at.items()}
    kept = [at for at, title in enumerate(layout.titles) if title != "p"]
    yield [*(ours.get(at, layout.cells[at].strip()) for at in kept), "p"]
    problems = Problems(place.name)
    for (_line, row), share in zip(rows(place, layout, problems), p.tolist(), strict=True):
        yield [*(row[at].strip() if at in ours else row[at] for at in kept), f"{share:.6f}"]


def read_statements(path: str | Path) -> Statements:
    """Read what the statements say and which were rejected.

    Parameters
    ----------
    path : path
        A CSV file, gzipped or not, with the column ``statement`` and perhaps ``text`` and
        ``moderated``; or ``comments.csv`` as Polis exports it (``comment-id``, ``comment-body``).

    Returns
    -------
    Statements

    Raises
    ------
    OpinionError
        With every problem found and its line: a name that is missing or appears twice, or a
        moderation that is none of 1, 0 and -1.

    Notes
    -----
    Time O(bytes).

    References
    ----------
    As :func:`read_votes`.

    Examples
    --------
    >>> read_statements("no such file.csv")
    Traceback (most recent call last):
    commonweal.engine.opinion.tables.OpinionError: there is no file no such file.csv; check the \
name and the folder
    """
    place = Path(path)
    layout = layout_of(place, _STATEMENT, _OF_STATEMENT)
    problems = Problems(place.name)
    texts: dict[str, str] = {}
    moderated: list[int] = []
    more: list[int | None] = []
    author: list[str] = []
    moment: list[str] = []
    for line, row in rows(place, layout, problems):
        cell = {title: row[at].strip() for title, at in layout.at.items()}
        name, state = cell["statement"], cell.get("moderated") or "0"
        if not name or len(name) > LONGEST_NAME:
            problems.add(line, "the statement has no name, or one that is far too long")
        elif name in texts:
            problems.add(line, f"statement {name[:40]} is listed twice")
        elif state.casefold() not in _MODERATED:
            said = "but it is 1 (accepted), 0 (not looked at) or -1 (rejected)"
            problems.add(line, f"moderated is {state[:40]!r}, {said}")
        else:
            texts[name] = cell.get("text", "")
            moderated.append(_MODERATED[state.casefold()])
            author.append(cell.get("author", ""))
            moment.append(_milliseconds(cell.get("timestamp_ms", "")))
            tally = [number_of(cell.get(side, "")) for side in ("agrees", "disagrees")]
            more.append(None if None in tally else (tally[0] or 0) - (tally[1] or 0))
    problems.refuse()
    return Statements(
        as_names(list(texts)),
        tuple(texts.values()),
        np.array(moderated, dtype=np.int8),
        None if None in more or not more else np.array(more, dtype=np.int64),
        tuple(author),
        tuple(moment),
    )


def _milliseconds(cell: str) -> str:
    """Return a moment of a statement in milliseconds, or nothing if it is none."""
    moment = number_of(cell)
    if moment is None:
        return ""
    return str(moment * 1000 if 0 < abs(moment) < _SECONDS_BEFORE else moment)


def votes_as_csv(votes: Votes, *, polis: bool = False) -> Iterator[str]:
    """Yield the votes as CSV, some thousand rows at a time, in the columns of either form.

    >>> votes = Votes.from_log([2, 1], [5, 5], [1, -1])
    >>> "".join(votes_as_csv(votes))
    'participant,statement,vote\\n1,5,-1\\n2,5,1\\n'
    >>> "".join(votes_as_csv(votes, polis=True)).splitlines()
    ['timestamp,datetime,comment-id,voter-id,vote', ',,5,1,-1', ',,5,2,1']
    """
    yield (
        "timestamp,datetime,comment-id,voter-id,vote\n"
        if polis
        else (
            ("timestamp_ms," if votes.moment is not None else "") + "participant,statement,vote\n"
        )
    )
    for begin in range(0, len(votes), 100_000):
        part = slice(begin, begin + 100_000)
        people = votes.people[votes.person[part]].tolist()
        statements = votes.statements[votes.statement[part]].tolist()
        values = votes.value[part].tolist()
        moments = None if votes.moment is None else votes.moment[part].tolist()
        lines = io.StringIO()
        writer = csv.writer(lines, lineterminator="\n")
        if polis:
            when = moments or [""] * len(values)
            days = [_day(moment) for moment in when]
            writer.writerows(zip(when, days, statements, people, values, strict=True))
        elif moments is not None:
            writer.writerows(zip(moments, people, statements, values, strict=True))
        else:
            writer.writerows(zip(people, statements, values, strict=True))
        yield lines.getvalue()


def _day(moment: int | str) -> str:
    """Write milliseconds as Polis does.

    >>> _day(1500000002000), _day(""), _day(10**18)
    ('Fri Jul 14 2017 02:40:02 GMT+0000 (Coordinated Universal Time)', '', '')
    """
    if moment == "" or not 0 <= int(moment) < 32_503_680_000_000:  # the year 3000
        return ""
    at = datetime.fromtimestamp(int(moment) // 1000, UTC)
    day = f"{_WEEKDAYS[at.weekday()]} {_MONTHS[at.month - 1]} {at.day:02} {at.year}"
    return f"{day} {at:%H:%M:%S} GMT+0000 (Coordinated Universal Time)"


def matrix_fits(votes: Votes) -> bool:
    """Say whether the votes can be written one person a row, as Polis also exports them."""
    numbers = votes.statements.dtype.kind in "iu" and (votes.statements >= 0).all()
    return bool(numbers) and len(votes.people) * len(votes.statements) <= _MOST_CELLS


def matrix_as_csv(votes: Votes, known: Statements | None = None) -> Iterator[str]:
    """Yield the votes one person a row, as ``participants-votes.csv`` of Polis has them.

    >>> votes = Votes.from_log([2, 1, 1], [5, 5, 7], [1, -1, 0])
    >>> print("".join(matrix_as_csv(votes)), end="")
    participant,group-id,n-comments,n-votes,n-agree,n-disagree,5,7
    1,,0,2,0,1,-1,0
    2,,0,1,1,0,1,
    """
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    titles = ("participant", "group-id", "n-comments", "n-votes", "n-agree", "n-disagree")
    writer.writerow((*titles, *votes.statements.tolist()))
    wrote = Counter(known.author if known is not None else ())
    for i, person in enumerate(votes.people.tolist()):
        part = slice(votes.start[i], votes.start[i + 1])
        value = votes.value[part]
        cells: list[int | str] = [""] * len(votes.statements)
        for j, vote in zip(votes.statement[part].tolist(), value.tolist(), strict=True):
            cells[j] = vote
        counts = (len(value), int((value > 0).sum()), int((value < 0).sum()))
        writer.writerow((person, "", wrote[str(person)], *counts, *cells))
        if i % 1000 == 999:
            yield lines.getvalue()
            lines.seek(0)
            lines.truncate()
    yield lines.getvalue()


def statements_as_csv(known: Statements, votes: Votes, *, polis: bool = False) -> Iterator[str]:
    """Yield the statements as CSV, in the columns of either form.

    >>> known = Statements(np.array([5]), ("Buses, please",), np.array([1], dtype=np.int8))
    >>> votes = Votes.from_log([2, 1], [5, 5], [1, -1])
    >>> "".join(statements_as_csv(known, votes))
    'statement,timestamp_ms,author,moderated,agrees,disagrees,text\\n5,,,1,1,1,"Buses, please"\\n'
    """
    tally = {
        str(name): counts
        for name, counts in zip(votes.statements.tolist(), votes.tallies.tolist(), strict=True)
    }
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(_TITLES_OF_POLIS if polis else _TITLES)
    blank = ("",) * len(known.names)
    for name, text, state, author, moment in zip(
        known.names.tolist(),
        known.text,
        known.moderated.tolist(),
        known.author or blank,
        known.moment or blank,
        strict=True,
    ):
        disagrees, _passes, agrees = tally.get(str(name), (0, 0, 0))
        day = _day(int(moment) if moment else "")
        writer.writerow(
            (moment, day, name, author, agrees, disagrees, state, text)
            if polis
            else (name, moment, author, state, agrees, disagrees, text)
        )
    yield lines.getvalue()
