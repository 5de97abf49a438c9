"""Reading and writing elections in the Pabulib format (``.pb``, also gzipped)."""

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from commonweal.engine.voting.ballot_limits import broken, limits
from commonweal.engine.voting.ballot_rows import read_rows, voter_columns
from commonweal.engine.voting.content import MOST_BYTES, content_of
from commonweal.engine.voting.election import (
    VOTE_TYPES,
    Column,
    Election,
    ElectionError,
    LateColumns,
    by_project,
)
from commonweal.engine.voting.profile import Profile
from commonweal.engine.voting.rows import Head, Problems, read_head
from commonweal.engine.voting.scanner import LONGEST_LINE, scan
from commonweal.engine.voting.writing import write_pabulib

__all__ = [
    "VOTE_TYPES",
    "Column",
    "Election",
    "PabulibError",
    "parse_pabulib",
    "read_pabulib",
    "write_pabulib",
]

PabulibError = ElectionError
_BALLOTS = re.compile(rb"\nVOTES\r?\n([^\r\n\"]+)\r?\n")


def read_pabulib(path: str | Path, *, most_bytes: int = MOST_BYTES) -> Election:
    """Read an election from a ``.pb`` or ``.pb.gz`` file, and check all of it.

    Parameters
    ----------
    path : path
        The file. Whether it is gzipped is told from its content.
    most_bytes : int, optional
        Refuse a file that unpacks to more than this.

    Returns
    -------
    Election

    Raises
    ------
    ElectionError
        If the file is missing, unreadable, damaged or contradicts itself. Nothing is guessed. Its
        ``problems`` are the first hundred found.

    Notes
    -----
    Amounts may have two decimals after a point or a comma and are read digit by digit, never as
    floats. Time and memory grow with the size of the file: ordinary files go through
    :func:`~commonweal.engine.voting.scanner.scan`, all others row by row.

    References
    ----------
    Faliszewski et al. (2023), "Participatory Budgeting: Data, Tools, and Analysis", appendix.

    Examples
    --------
    >>> read_pabulib("no such file.pb")
    Traceback (most recent call last):
    commonweal.engine.voting.election.ElectionError: there is no file no such file.pb; check the \
name and the folder
    """
    return parse_pabulib(content_of(Path(path), most_bytes))


def parse_pabulib(content: bytes, *, careful: bool = False) -> Election:
    """Read an election from the bytes of a ``.pb`` file.

    Parameters
    ----------
    content : bytes
        The file, unpacked.
    careful : bool, optional
        Go row by row even where the quick way would do; the result is the same.

    Returns
    -------
    Election

    Raises
    ------
    ElectionError
        As :func:`read_pabulib`.

    Examples
    --------
    >>> election = parse_pabulib(
    ...     b"META\\nkey;value\\nnum_projects;1\\nnum_votes;1\\nbudget;10\\nvote_type;approval\\n"
    ...     b"PROJECTS\\nproject_id;cost\\na;5\\nVOTES\\nvoter_id;vote\\n1;a\\n"
    ... )
    >>> election.profile.votes.tolist(), election.budget
    ([1], 1000)
    """
    quick = None if careful else _quickly(content)
    return quick or _carefully(content)


def _quickly(content: bytes) -> Election | None:
    """Read a file without any irregularity; None for every other."""
    found = _BALLOTS.search(content)
    if found is None or b"\0" in content:
        return None
    problems = Problems()
    try:
        head = read_head(content[: found.start() + 1], problems)
        columns = voter_columns(found[1].decode().split(";"), 0, problems)
    except (ElectionError, UnicodeDecodeError):
        return None
    if problems.found or columns.warnings or len(found[1]) > LONGEST_LINE:
        return None
    scanned = scan(content, found.end(), columns.names, head.ids, head.vote_type)
    if scanned is None or scanned.voters != head.voters:
        return None
    first = content.count(b"\n", 0, found.end()) + 1
    profile = Profile(
        ids=np.array(head.ids, dtype=object),
        cost=np.array(head.cost, dtype=np.int64),
        start=scanned.start,
        voter=scanned.voter,
        voters=scanned.voters,
        value=scanned.value,
    )
    late = LateColumns(content if columns.others else b"", found.end(), columns.others)
    return _election(head, profile, late, range(first, first + scanned.voters), ())


def _carefully(content: bytes) -> Election:
    """Read any file row by row, and refuse it with every problem found."""
    problems = Problems()
    ballots = read_rows(content, problems)
    problems.refuse()
    head = ballots.head
    start, voter, value = by_project(
        ballots.project(), ballots.lengths(), len(head.ids), ballots.values()
    )
    profile = Profile(
        ids=np.array(head.ids, dtype=object),
        cost=np.array(head.cost, dtype=np.int64),
        start=start,
        voter=voter,
        voters=len(ballots.length),
        value=value,
    )
    return _election(head, profile, ballots.columns(), ballots.lines, ballots.warnings())


def _election(
    head: Head,
    profile: Profile,
    voters: "LateColumns | dict[str, Column]",
    lines: Sequence[int],
    warnings: tuple[str, ...],
) -> Election:
    found = limits(head.meta)
    warned = (
        *head.warnings,
        *warnings,
        *found.warnings,
        *broken(found, profile, head.columns, lines, vote_type=head.vote_type),
        *_other_votes(head, profile),
    )
    currency = head.meta.get("currency", "")
    return Election(
        profile,
        head.budget,
        head.vote_type,
        currency,
        tuple(head.names),
        head.meta,
        voters,
        head.columns,
        warned,
    )


def _other_votes(head: Head, profile: Profile) -> tuple[str, ...]:
    """Say where the file's own number of votes for a project is not what its ballots say."""
    said = head.columns.get("votes", ())
    ours = profile.votes.tolist()
    differ = [
        f"{name}: {text} and {votes}"
        for name, text, votes in zip(head.ids, said, ours, strict=False)
        if text.isdecimal() and text != str(votes)
    ]
    if not differ:
        return ()
    more = f" and {len(differ) - 3} more" if len(differ) > 3 else ""
    return (
        "the column votes and the ballots disagree about the number of votes ("
        f"{', '.join(differ[:3])}{more}); the ballots are counted",
    )
