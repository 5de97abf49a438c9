"""The careful way through a Pabulib file: row by row, with every problem and its line."""

import codecs
import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import NoReturn

from commonweal.engine.voting.ballot_limits import hundredths
from commonweal.engine.voting.election import (
    VOTE_TYPES,
    ElectionError,
)
from commonweal.engine.voting.profile import DEAREST
from commonweal.engine.voting.scanner import LONGEST_LINE

MOST_PROBLEMS = 100
# Far more than any election has, and few enough to fit into memory.
MOST_ENTRIES = 10_000
MOST_PROJECTS = 100_000
MOST_COLUMNS = 100
MOST_BALLOTS = 20_000_000
SECTIONS = ("META", "PROJECTS", "VOTES")
Row = tuple[int, list[str]]


@dataclass
class Problems:
    """What is wrong, each with its line (0: with the whole file).

    ``file`` is said before the line, for elections of two files.
    """

    found: list[tuple[int, str]] = field(default_factory=list)
    file: str = ""

    def add(self, line: int, what: str, mend: str) -> None:
        """Note a problem and go on, unless there are too many already."""
        where = ", ".join(filter(None, (self.file, f"line {line}" if line else "")))
        where = f"{where}: " if where else ""
        self.found.append((line, f"{where}{what}; {mend}"))
        if len(self.found) >= MOST_PROBLEMS:
            self.refuse()

    def end(self, line: int, what: str, mend: str) -> NoReturn:
        """Note a problem that leaves nothing more to read."""
        self.add(line, what, mend)
        self.refuse()
        raise AssertionError

    def refuse(self) -> None:
        """Raise ``ElectionError`` if anything was found, the first line first."""
        if self.found:
            said = tuple(text for _, text in sorted(self.found, key=lambda entry: entry[0]))
            raise ElectionError(said[0], said)


@dataclass(frozen=True, eq=False)
class Head:
    """META and PROJECTS."""

    meta: dict[str, str]
    ids: list[str]
    cost: list[int]
    names: list[str]
    columns: dict[str, tuple[str, ...]]
    budget: int
    vote_type: str
    voters: int
    voters_line: int
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Columns:
    """The columns of VOTES: their names, and the places of those that say more of a voter."""

    names: list[str]
    others: dict[str, int]
    warnings: tuple[str, ...]


def read_head(content: bytes, problems: Problems) -> Head:
    """Read a file that ends before VOTES. Raises ``ElectionError`` for a grave problem."""
    sections: dict[str, list[Row]] = {}
    for number, cells, title in titled(content, problems):
        if title == "VOTES":
            problems.end(number, "VOTES comes twice", "keep one")
        if cells:
            keep(sections.setdefault(title, []), title, (number, cells), problems)
        else:
            sections[title] = []
    return head_of(sections, problems)


def keep(section: list[Row], title: str, row: Row, problems: Problems) -> None:
    """Keep a row of META or PROJECTS, unless there are far too many."""
    if len(section) > (MOST_PROJECTS if title == "PROJECTS" else MOST_ENTRIES):
        problems.end(row[0], f"{title} has far too many rows", "check for a missing section")
    section.append(row)


def refuse_wide(line: int, columns: list[str], title: str, problems: Problems) -> None:
    """Refuse a table with far too many columns."""
    if len(columns) > MOST_COLUMNS:
        problems.end(line, f"{title} has more than {MOST_COLUMNS} columns", "leave some out")


def titled(content: bytes, problems: Problems) -> Iterator[tuple[int, list[str], str]]:
    """Yield each row with the title of its section; the title itself comes without cells."""
    title = ""
    met: set[str] = set()
    for number, cells in _rows(content, problems):
        word = cells[0].strip().upper()
        if word in SECTIONS and not any(cell.strip() for cell in cells[1:]):
            if word in met:
                problems.end(number, f"the section {word} begins again", "keep one of them")
            if word == "VOTES" and "META" in met and "PROJECTS" not in met:
                problems.end(
                    number,
                    "the section PROJECTS is missing before VOTES",
                    "put META, PROJECTS and VOTES in this order",
                )
            met.add(word)
            title = word
            yield number, [], title
        elif not title:
            problems.end(number, "the file does not begin with META", "put the word on line 1")
        else:
            yield number, cells, title


def _rows(content: bytes, problems: Problems) -> Iterator[Row]:
    """Yield (line number, cells) of each row that is not blank."""
    reader = csv.reader(lines_of(content, problems), delimiter=";", strict=True)
    number = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield number, cells
            number = reader.line_num + 1
    except csv.Error as error:
        problems.end(number, f"the quotes do not match ({error})", 'write " inside as ""')


def lines_of(content: bytes, problems: Problems) -> Iterator[str]:
    """Yield every line with one kind of line end."""
    file = io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", newline=None)
    for number in count(1):
        try:
            line = file.readline(LONGEST_LINE + 2)
        except UnicodeDecodeError:
            problems.end(_undecodable(content), "the text is not UTF-8", "save the file as UTF-8")
        if not line:
            return
        if len(line.rstrip("\n")) > LONGEST_LINE:
            problems.end(
                number,
                f"the line has more than {LONGEST_LINE:,} characters",
                "check for a missing line end",
            )
        yield line


def refuse_binary(content: bytes, problems: Problems) -> None:
    """Refuse what is no text in UTF-8 at first sight."""
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        problems.end(1, "the text is in UTF-16", "save the file as UTF-8")
    zero = content.find(b"\0")
    if zero >= 0:
        problems.end(
            content.count(b"\n", 0, zero) + 1,
            "there is a NUL byte",
            "this is not a text file, or it is damaged: save it again as text in UTF-8",
        )


def _undecodable(content: bytes) -> int:
    """Return the line of the first byte that is not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    size = 2**20
    for at in range(0, len(content), size):
        try:
            decoder.decode(content[at : at + size], final=at + size >= len(content))
        except UnicodeDecodeError as error:
            return content.count(b"\n", 0, at + error.start) + 1
    return 0


# --- META and PROJECTS


def missing(sections: dict[str, list[Row]], problems: Problems) -> None:
    """Refuse a file that lacks a section."""
    for title in SECTIONS:
        if title not in sections:
            problems.add(
                0,
                f"the section {title} is missing",
                "the file may be cut short: fetch it again, or add a line with the word "
                f"{title} and the rows below it",
            )
    if not sections.keys() >= set(SECTIONS):
        problems.refuse()


def head_of(sections: dict[str, list[Row]], problems: Problems) -> Head:
    """Make sense of META and PROJECTS."""
    missing(sections | {"VOTES": []}, problems)
    meta = _meta(sections["META"], problems)
    table = _Table(sections["PROJECTS"], problems)
    ids, cost, names = _projects(table, problems)
    columns = {
        name: tuple(table.column(name))
        for name in dict.fromkeys(table.columns)
        if name not in ("", "project_id", "cost", "name")
    }
    line, text = _entry(meta, "num_projects", problems)
    if text and text != str(len(ids)):
        problems.add(line, *miscounted("num_projects", text, len(ids), "projects"))
    line, text = _entry(meta, "budget", problems)
    budget = amount(text, line, "the budget", problems) if text else 1
    if budget == 0:
        problems.add(line, "the budget is 0", "give META the amount there was to spend")
    line, vote_type = _entry(meta, "vote_type", problems)
    if vote_type and vote_type.lower() not in VOTE_TYPES:
        problems.add(
            line, f"the vote_type {vote_type[:40]} is not known", f"use {', '.join(VOTE_TYPES)}"
        )
    line, voters = _entry(meta, "num_votes", problems)
    if voters and not (voters.isascii() and voters.isdigit() and len(voters) < 19):
        problems.add(line, f"num_votes is no number ({voters[:40]})", "give the number of ballots")
        voters = ""
    return Head(
        {key: text for key, (_, text) in meta.items()},
        ids,
        cost,
        names,
        columns,
        budget,
        vote_type.lower(),
        int(voters) if voters else -1,
        line,
        tuple(table.warnings),
    )


def _meta(rows: list[Row], problems: Problems) -> dict[str, tuple[int, str]]:
    """Return each entry with its line. Free text may contain semicolons that nobody quoted."""
    meta: dict[str, tuple[int, str]] = {}
    for number, cells in rows:
        key = cells[0].strip().lower()
        if key == "key":
            continue
        if key in meta:
            problems.add(number, f"META has {key[:40]} twice", "keep one of them")
            continue
        meta[key] = number, ";".join(cells[1:]).strip()
    return meta


def _entry(meta: dict[str, tuple[int, str]], key: str, problems: Problems) -> tuple[int, str]:
    line, text = meta.get(key, (0, ""))
    if not text:
        problems.add(line, f"META has no {key}", f"add a line {key};... below META")
    return line, text


def miscounted(key: str, said: str, there: int, what: str) -> tuple[str, str]:
    """Say that a number in META is not what is there, and how to mend it."""
    return (
        f"{key} is {said[:40]} but the file has {there} {what}",
        "it may be cut short: fetch it again, or correct the number",
    )


class _Table:
    """The section PROJECTS with its row of column names."""

    def __init__(self, rows: list[Row], problems: Problems) -> None:
        if not rows:
            problems.end(0, "the section PROJECTS is empty", "it needs project_id;cost")
        line, header = rows[0]
        self.columns = [name.strip().lower() for name in header]
        self.rows = rows[1:]
        refuse_wide(line, self.columns, "PROJECTS", problems)
        self.warnings = named_twice(self.columns, "PROJECTS")
        for name in ("project_id", "cost"):
            if name not in self.columns:
                problems.end(line, f"PROJECTS has no column {name}", "add it")
        for number, cells in self.rows:
            refuse_long(number, cells, len(self.columns), "PROJECTS", problems)

    def column(self, name: str) -> list[str]:
        """Return a column as text; short rows are filled up with nothing."""
        place = self.columns.index(name)
        return [cells[place].strip() if place < len(cells) else "" for _, cells in self.rows]


def refuse_long(
    number: int, cells: list[str], columns: int, title: str, problems: Problems
) -> None:
    """Note a row with more cells than there are columns."""
    if len(cells) > columns:
        problems.add(
            number,
            f"the row has {len(cells)} cells but {title} has {columns} columns",
            'put cells that contain a semicolon in "quotes"',
        )


def named_twice(columns: list[str], title: str) -> list[str]:
    """Return a warning for each column that comes twice."""
    named = dict.fromkeys(name for name in columns if name and columns.count(name) > 1)
    return [f"{title} has the column {name} twice; the first is read" for name in named]


def _projects(table: _Table, problems: Problems) -> tuple[list[str], list[int], list[str]]:
    ids = table.column("project_id")
    seen: set[str] = set()
    for (line, _), name in zip(table.rows, ids, strict=True):
        if not name:
            problems.add(line, "the project has no id", "give it one that no other has")
        elif "," in name:
            problems.add(
                line, f"the project's id {name[:40]} has a comma", "ballots could not name it"
            )
        elif name in seen:
            problems.add(line, f"project {name[:40]} is listed twice", "keep one of them")
        seen.add(name)
    cost = [
        amount(text, line, f"the cost of project {name[:40]}", problems)
        for (line, _), name, text in zip(table.rows, ids, table.column("cost"), strict=True)
    ]
    if sum(cost) > DEAREST:
        problems.add(0, "the costs add up to more than can be counted", "check the costs")
    names = table.column("name") if "name" in table.columns else ids
    return ids, cost, [name or p for name, p in zip(names, ids, strict=True)]


def amount(text: str, line: int, what: str, problems: Problems) -> int:
    """Read an amount of money or points; note a problem and go on with 1 if it is none."""
    read = hundredths(text)
    if isinstance(read, int):
        return read
    wrong, mend = read
    problems.add(line, f"{what} {wrong}", mend)
    return 1
