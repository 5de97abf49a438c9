"""Conversations as files: votes and statements, in our own columns or as Polis exports them."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
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
    rows,
)
from commonweal.engine.opinion.votes import Votes

_VOTE = {
    "participant": ("voter-id", "voter_id", "person"),
    "statement": ("comment-id", "comment_id"),
    "vote": ("value",),
}
_MOMENT = {"timestamp_ms": ("timestamp",)}
_WIDE = {"participant": (), "n-votes": ("n_votes",)}
_STATEMENT = {"statement": ("comment-id", "comment_id")}
_OF_STATEMENT = {
    "text": ("comment-body", "comment_body", "txt"),
    "moderated": ("mod",),
    "author": ("author-id", "author_id"),
}
_RANGE = {"vote": (-1, 1), "timestamp_ms": (-(2**62), 2**62)}
REJECTED = -1


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
    """

    names: NDArray[Any]
    text: tuple[str, ...]
    moderated: NDArray[np.int8]

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
        ``participants-votes.csv`` with one person a row and one statement a column.

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
        layout_of(place, _VOTE)
    except OpinionError:
        if _is_wide(place):
            return _wide(place)
        raise
    found = columns_of(place, _VOTE, _MOMENT, _RANGE)
    person, statement, value = found.pop("participant"), found.pop("statement"), found.pop("vote")
    try:
        return Votes.from_log(
            person, statement, value.astype(np.int8), moment=found.get("timestamp_ms")
        )
    except ValueError as error:
        raise OpinionError(f"{place.name}: {error}") from None


def _is_wide(path: Path) -> bool:
    try:
        layout_of(path, _WIDE)
    except OpinionError:
        return False
    return True


def _wide(path: Path) -> Votes:
    """Read one person a row, with a column for each statement that is named by a number."""
    layout = layout_of(path, _WIDE)
    columns = [(at, title) for at, title in enumerate(layout.titles) if title.isdigit()]
    problems = Problems(path.name)
    person: list[str] = []
    log: list[tuple[int, int, int]] = []
    for line, row in rows(path, layout, problems):
        person.append(row[layout.at["participant"]].strip())
        for at, title in columns:
            cell = row[at].strip()
            if not cell:
                continue
            vote = cell.removesuffix(".0")
            if vote not in ("-1", "0", "1"):
                problems.add(line, f"the vote on {title} is {cell[:40]!r}, not -1 to 1")
                continue
            log.append((len(person) - 1, int(title), int(vote)))
    problems.refuse()
    names = as_names(person)
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
    moderated = []
    for line, row in rows(place, layout, problems):
        cell = {title: row[at].strip() for title, at in layout.at.items()}
        name, state = cell["statement"], cell.get("moderated") or "0"
        if not name or len(name) > LONGEST_NAME:
            problems.add(line, "the statement has no name, or one that is far too long")
        elif name in texts:
            problems.add(line, f"statement {name[:40]} is listed twice")
        elif state.removesuffix(".0") not in ("-1", "0", "1"):
            problems.add(line, f"moderated is {state[:40]!r}, not -1 to 1")
        else:
            texts[name] = cell.get("text", "")
            moderated.append(int(float(state)))
    problems.refuse()
    return Statements(
        as_names(list(texts)), tuple(texts.values()), np.array(moderated, dtype=np.int8)
    )


def votes_as_csv(votes: Votes, *, polis: bool = False) -> Iterator[str]:
    """Yield the votes as CSV, some thousand rows at a time, in the columns of either form.

    >>> votes = Votes.from_log([2, 1], [5, 5], [1, -1])
    >>> "".join(votes_as_csv(votes))
    'participant,statement,vote\\n1,5,-1\\n2,5,1\\n'
    >>> "".join(votes_as_csv(votes, polis=True)).splitlines()
    ['timestamp,datetime,comment-id,voter-id,vote', '0,,5,1,-1', '0,,5,2,1']
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
            when = moments or [0] * len(values)
            blank = [""] * len(values)
            writer.writerows(zip(when, blank, statements, people, values, strict=True))
        elif moments is not None:
            writer.writerows(zip(moments, people, statements, values, strict=True))
        else:
            writer.writerows(zip(people, statements, values, strict=True))
        yield lines.getvalue()


def statements_as_csv(known: Statements, votes: Votes, *, polis: bool = False) -> Iterator[str]:
    """Yield the statements as CSV, in the columns of either form.

    >>> known = Statements(np.array([5]), ("Buses, please",), np.array([1], dtype=np.int8))
    >>> votes = Votes.from_log([2, 1], [5, 5], [1, -1])
    >>> "".join(statements_as_csv(known, votes))
    'statement,moderated,agrees,disagrees,text\\n5,1,1,1,"Buses, please"\\n'
    """
    tally = {
        str(name): counts
        for name, counts in zip(votes.statements.tolist(), votes.tallies.tolist(), strict=True)
    }
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow(
        [
            "timestamp",
            "datetime",
            "comment-id",
            "author-id",
            "agrees",
            "disagrees",
            "moderated",
            "comment-body",
        ]
        if polis
        else ("statement", "moderated", "agrees", "disagrees", "text")
    )
    for name, text, state in zip(
        known.names.tolist(), known.text, known.moderated.tolist(), strict=True
    ):
        disagrees, _passes, agrees = tally.get(str(name), (0, 0, 0))
        writer.writerow(
            (0, "", name, "", agrees, disagrees, state, text)
            if polis
            else (name, state, agrees, disagrees, text)
        )
    yield lines.getvalue()
