"""Reading and writing elections in the Pabulib format (``.pb``, also gzipped)."""

import csv
import re
import zlib
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.profile import DEAREST, Profile

MOST_BYTES = 512 * 2**20
LONGEST_LINE = 100_000
VOTE_TYPES = ("approval", "choose-1", "cumulative", "scoring", "ordinal")
SECTIONS = ("META", "PROJECTS", "VOTES")
_AMOUNT = re.compile(r"(\d+)(?:[.,](\d+))?")


class PabulibError(ValueError):
    """A file that cannot be counted. The message says where, what is wrong and how to mend it."""


@dataclass(frozen=True, eq=False)
class Election:
    """What a Pabulib file holds.

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
        As in META, for example ``EUR``; may be empty.
    names : tuple of str
        The name of each project; its id where the file gives none.
    meta : dict
        All of META as text.
    """

    profile: Profile
    budget: int
    vote_type: str
    currency: str
    names: tuple[str, ...]
    meta: dict[str, str]


Row = tuple[int, list[str]]


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
    PabulibError
        If the file is missing, unreadable, damaged or contradicts itself. Nothing is guessed.

    Notes
    -----
    Amounts may have two decimals after a point or a comma and are read digit by digit, never as
    floats. Time and memory grow with the size of the file.

    References
    ----------
    Faliszewski et al. (2023), "Participatory Budgeting: Data, Tools, and Analysis", appendix.
    """
    return parse_pabulib(_content(Path(path), most_bytes))


def parse_pabulib(content: bytes) -> Election:
    """Read an election from the bytes of a ``.pb`` file. Raises ``PabulibError``."""
    sections = _sections(_rows(_text(content)))
    meta = _meta(sections["META"])
    projects = _Table(sections["PROJECTS"], "PROJECTS", ("project_id", "cost"))
    votes = _Table(sections["VOTES"], "VOTES", ("voter_id", "vote"))
    ids, cost, names = _projects(projects)
    _agree(meta, "num_projects", len(ids), "projects")
    _agree(meta, "num_votes", len(votes.rows), "ballots")
    vote_type = _vote_type(meta)
    project, voter, value = _marks(votes, ids, vote_type)
    profile = Profile.from_indices(
        np.array(ids, dtype=object),
        np.array(cost, dtype=np.int64),
        project=project,
        voter=voter,
        voters=len(votes.rows),
        value=value,
    )
    line, text = _entry(meta, "budget")
    budget = _hundredths(text, line, "the budget")
    if budget == 0:
        raise _wrong(line, "the budget is 0", "give META the amount there was to spend")
    plain = {key: text for key, (_, text) in meta.items()}
    return Election(profile, budget, vote_type, plain.get("currency", ""), tuple(names), plain)


def write_pabulib(election: Election, path: str | Path) -> None:
    """Write an election as a plain ``.pb`` file, ballots numbered from 1.

    Counts, budget and type in META are written anew; its other entries are kept.
    """
    profile = election.profile
    meta = election.meta | {
        "num_projects": str(len(profile.ids)),
        "num_votes": str(profile.voters),
        "budget": _decimal(election.budget),
        "vote_type": election.vote_type,
        "currency": election.currency,
    }
    with Path(path).open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, delimiter=";", lineterminator="\n")
        out.writerows([["META"], ["key", "value"], *([k, v] for k, v in meta.items() if v)])
        out.writerows([["PROJECTS"], ["project_id", "cost", "votes", "name"]])
        for p, name in enumerate(election.names):
            cost = _decimal(int(profile.cost[p]))
            out.writerow([profile.ids[p], cost, int(profile.votes[p]), name])
        out.writerow(["VOTES"])
        out.writerows(_ballot_rows(election))


def _ballot_rows(election: Election) -> Iterator[list[str]]:
    profile = election.profile
    ballots: list[list[tuple[int, str]]] = [[] for _ in range(profile.voters)]
    values = [0] * len(profile.voter) if profile.value is None else profile.value.tolist()
    project = np.repeat(np.arange(len(profile.ids)), profile.votes)
    for p, voter, value in zip(project.tolist(), profile.voter.tolist(), values, strict=True):
        ballots[voter].append((value, str(profile.ids[p])))
    has_points = profile.value is not None and election.vote_type != "ordinal"
    yield ["voter_id", "vote", "points"] if has_points else ["voter_id", "vote"]
    for number, marks in enumerate(ballots, start=1):
        if election.vote_type == "ordinal":
            marks.sort()
        row = [str(number), ",".join(name for _, name in marks)]
        yield [*row, ",".join(_decimal(value) for value, _ in marks)] if has_points else row


def _wrong(line: int, what: str, mend: str) -> PabulibError:
    return PabulibError(f"line {line}: {what}; {mend}")


# --- from file to rows


def _content(path: Path, most_bytes: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(most_bytes + 1)
    except FileNotFoundError:
        raise PabulibError(f"there is no file {path}; check the name and the folder") from None
    except IsADirectoryError:
        raise PabulibError(f"{path} is a folder; name one .pb file in it") from None
    except OSError as error:
        raise PabulibError(
            f"{path} cannot be read ({error.strerror}); check its permissions"
        ) from None
    if content[:2] == b"\x1f\x8b":
        content = _unpacked(content, most_bytes)
    elif path.suffix == ".gz":
        raise PabulibError(
            f"{path.name} is not gzipped though its name says so; pack it again or drop the .gz"
        )
    if len(content) > most_bytes:
        raise PabulibError(
            f"the file holds more than {most_bytes // 2**20} MiB, too much to read safely; "
            "check that it is an election, and split it if it is"
        )
    return content


def _unpacked(packed: bytes, most_bytes: int) -> bytes:
    """Unpack every member, stopping one byte past the limit: a small file can hold gigabytes."""
    parts, room = [], most_bytes + 1
    while packed and room > 0:
        member = zlib.decompressobj(wbits=31)
        try:
            parts.append(member.decompress(packed, room))
        except zlib.error as error:
            raise PabulibError(
                f"the gzip data is damaged ({error}); fetch the file again"
            ) from None
        room -= len(parts[-1])
        if room > 0 and not member.eof:
            raise PabulibError("the gzip data ends too early; fetch the file again")
        packed = member.unused_data.lstrip(b"\0")
    return b"".join(parts)


def _text(content: bytes) -> str:
    if not content.strip():
        raise PabulibError("the file is empty; a .pb file has META, PROJECTS and VOTES")
    zero = content.find(b"\0")
    if zero >= 0:
        raise _wrong(
            content.count(b"\n", 0, zero) + 1,
            "there is a NUL byte",
            "this is not a text file, or it is damaged: save it again as text in UTF-8",
        )
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _wrong(
            content.count(b"\n", 0, error.start) + 1,
            "the text is not UTF-8",
            "save the file in the encoding UTF-8",
        ) from None


def _rows(text: str) -> Iterator[Row]:
    """Yield (line number, cells) of each row that is not blank."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if len(max(lines, key=len)) > LONGEST_LINE:
        number = next(n for n, line in enumerate(lines, 1) if len(line) > LONGEST_LINE)
        raise _wrong(
            number,
            f"the line has more than {LONGEST_LINE:,} characters",
            "check for a missing line end",
        )
    reader = csv.reader((f"{line}\n" for line in lines), delimiter=";", strict=True)
    number = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield number, cells
            number = reader.line_num + 1
    except csv.Error as error:
        raise _wrong(number, f"the quotes do not match ({error})", 'write " inside as ""') from None


def _sections(rows: Iterable[Row]) -> dict[str, list[Row]]:
    sections: dict[str, list[Row]] = {}
    current: list[Row] | None = None
    for number, cells in rows:
        title = cells[0].strip().upper()
        if title in SECTIONS and not any(cell.strip() for cell in cells[1:]):
            if title in sections:
                raise _wrong(number, f"the section {title} begins again", "keep one of them")
            current = sections[title] = []
        elif current is None:
            raise _wrong(number, "the file does not begin with META", "put the word on line 1")
        else:
            current.append((number, cells))
    for title in SECTIONS:
        if title not in sections:
            raise PabulibError(
                f"the section {title} is missing; the file may be cut short: fetch it again, or "
                f"add a line with the word {title} and the rows below it"
            )
    return sections


class _Table:
    """A section with a row of column names."""

    def __init__(self, rows: list[Row], title: str, needs: tuple[str, ...]) -> None:
        if not rows:
            raise PabulibError(f"the section {title} is empty; it needs {';'.join(needs)}")
        self.line, header = rows[0]
        self.columns = [name.strip().lower() for name in header]
        self.rows = rows[1:]
        for name in needs:
            if name not in self.columns:
                raise _wrong(self.line, f"{title} has no column {name}", "add it")
        for number, cells in self.rows:
            if len(cells) > len(self.columns):
                raise _wrong(
                    number,
                    f"the row has {len(cells)} cells but {title} has {len(self.columns)} columns",
                    'put cells that contain a semicolon in "quotes"',
                )

    def column(self, name: str) -> list[str]:
        """Return a column as text; short rows are filled up with nothing."""
        place = self.columns.index(name)
        return [cells[place].strip() if place < len(cells) else "" for _, cells in self.rows]


# --- from rows to an election


def _meta(rows: list[Row]) -> dict[str, tuple[int, str]]:
    """Return each entry with its line. Free text may contain semicolons that nobody quoted."""
    meta: dict[str, tuple[int, str]] = {}
    for number, cells in rows:
        key = cells[0].strip().lower()
        if key == "key":
            continue
        if key in meta:
            raise _wrong(number, f"META has {key} twice", "keep one of them")
        meta[key] = number, ";".join(cells[1:]).strip()
    return meta


def _entry(meta: dict[str, tuple[int, str]], key: str) -> tuple[int, str]:
    if not meta.get(key, (0, ""))[1]:
        raise PabulibError(f"META has no {key}; add a line {key};... below META")
    return meta[key]


def _agree(meta: dict[str, tuple[int, str]], key: str, there: int, what: str) -> None:
    line, text = _entry(meta, key)
    if text != str(there):
        raise _wrong(
            line,
            f"{key} is {text} but the file has {there} {what}",
            "it may be cut short: fetch it again, or correct the number",
        )


def _vote_type(meta: dict[str, tuple[int, str]]) -> str:
    line, text = _entry(meta, "vote_type")
    if text.lower() not in VOTE_TYPES:
        raise _wrong(line, f"the vote_type {text} is not known", f"use {', '.join(VOTE_TYPES)}")
    return text.lower()


def _projects(table: _Table) -> tuple[list[str], list[int], list[str]]:
    ids = table.column("project_id")
    lines = [number for number, _ in table.rows]
    seen: set[str] = set()
    for line, name in zip(lines, ids, strict=True):
        if not name:
            raise _wrong(line, "the project has no id", "give it one that no other has")
        if name in seen:
            raise _wrong(line, f"project {name} is listed twice", "keep one of them")
        seen.add(name)
    cost = [
        _hundredths(text, line, f"the cost of project {name}")
        for line, name, text in zip(lines, ids, table.column("cost"), strict=True)
    ]
    names = table.column("name") if "name" in table.columns else ids
    return ids, cost, [name or p for name, p in zip(names, ids, strict=True)]


def _hundredths(text: str, line: int, what: str) -> int:
    """Read an amount exactly. Three decimals may be thousands, so they are refused."""
    if text.lstrip().startswith("-"):
        raise _wrong(line, f"{what} is negative ({text})", "amounts are 0 or more")
    found = _AMOUNT.fullmatch(text)
    if not found or not text.isascii():
        raise _wrong(
            line,
            f"{what} is not an amount ({text[:40] or 'nothing'})",
            "write it in digits, like 1200 or 1200.50",
        )
    whole, rest = found[1], found[2] or ""
    if len(rest) == 3 or rest[2:].strip("0"):
        raise _wrong(
            line,
            f"{what} has more than two decimals ({text})",
            "write it without a thousands mark, and in whole hundredths",
        )
    if len(whole) > 18 or int(whole) * 100 > DEAREST:
        raise _wrong(line, f"{what} is too large ({text[:40]})", "check the number")
    return int(whole) * 100 + int(rest[:2].ljust(2, "0"))


def _marks(
    table: _Table, ids: list[str], vote_type: str
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64] | None]:
    """Return project, voter and value of every mark, row by row."""
    _check_voters(table)
    place = {name: p for p, name in enumerate(ids)}
    points = _points(table, vote_type)
    project, voter, value = array("q"), array("q"), array("q")
    for row, text in enumerate(table.column("vote")):
        if not text:
            continue
        names = text.split(",")
        try:
            chosen = [place[name] for name in names]
        except KeyError:
            chosen = [_place(place, name.strip(), table.rows[row][0]) for name in names]
        if len(set(chosen)) < len(chosen):
            raise _wrong(table.rows[row][0], "a project is on the ballot twice", "keep one")
        if vote_type == "choose-1" and len(chosen) > 1:
            raise _wrong(table.rows[row][0], "the ballot names more than one project", "keep one")
        project.extend(chosen)
        voter.extend([row] * len(chosen))
        if points is not None:
            value.extend(_values(points[row], len(chosen), table.rows[row][0]))
        elif vote_type == "ordinal":
            value.extend(range(1, len(chosen) + 1))
    has_value = points is not None or vote_type == "ordinal"
    return _int64(project), _int64(voter), _int64(value) if has_value else None


def _check_voters(table: _Table) -> None:
    seen: set[str] = set()
    for (line, _), name in zip(table.rows, table.column("voter_id"), strict=True):
        if name in seen:
            raise _wrong(line, f"voter {name or 'without an id'} votes twice", "keep one ballot")
        seen.add(name)


def _place(place: dict[str, int], name: str, line: int) -> int:
    if name not in place:
        raise _wrong(
            line,
            f"the ballot names {name[:40] or 'nothing between two commas'}, which is not a project",
            "correct the id, or add the project",
        )
    return place[name]


def _points(table: _Table, vote_type: str) -> list[str] | None:
    """Return the column of points where the type has them and the file gives them."""
    if vote_type not in ("cumulative", "scoring") or "points" not in table.columns:
        return None
    column = table.column("points")
    return column if any(column) else None


def _values(text: str, marks: int, line: int) -> list[int]:
    points = [_hundredths(part.strip(), line, "the number of points") for part in text.split(",")]
    if len(points) != marks:
        raise _wrong(
            line,
            f"the ballot names {marks} projects but gives {len(points)} numbers of points",
            "give one number for each",
        )
    return points


def _int64(numbers: "array[int]") -> NDArray[np.int64]:
    return np.frombuffer(numbers, dtype=np.int64) if len(numbers) else np.zeros(0, dtype=np.int64)


def _decimal(hundredths: int) -> str:
    whole, rest = divmod(hundredths, 100)
    return f"{whole}.{rest:02}" if rest else str(whole)
