"""Elections as plain tables (``.csv``): one long table, or projects and ballots in two."""

import csv
import io
from array import array
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from commonweal.engine.voting.ballot_limits import decimal
from commonweal.engine.voting.content import MOST_BYTES, content_of
from commonweal.engine.voting.election import VOTE_TYPES, WITH_POINTS, Column, Election
from commonweal.engine.voting.profile import DEAREST, Profile
from commonweal.engine.voting.rows import (
    MOST_BALLOTS,
    MOST_PROBLEMS,
    MOST_PROJECTS,
    Problems,
    amount,
    lines_of,
    refuse_binary,
    refuse_wide,
)
from commonweal.engine.voting.writing import clean, ordered_marks, refuse_ids

_AT_ONCE = 100_000
PROJECTS, BALLOTS = "projects.csv", "ballots.csv"
_OF_PROJECT = ("project_id", "cost", "name")
_OF_ALL = ("budget", "vote_type", "currency")
_OF_MARK = ("points", "rank")


def is_tables(folder: Path) -> bool:
    """Say whether a folder holds one election as two tables."""
    return (folder / PROJECTS).is_file() and (folder / BALLOTS).is_file()


def read_tables(path: str | Path, *, most_bytes: int = MOST_BYTES) -> Election:
    """Read an election from one long table, or from ``projects.csv`` and ``ballots.csv``.

    Parameters
    ----------
    path : path
        A ``.csv`` file, one of the two tables, or the folder they are in.
    most_bytes : int, optional
        Refuse a file that unpacks to more than this.

    Returns
    -------
    Election
        With ``points`` cumulative, with ``rank`` ordinal, otherwise approval, unless a column
        ``vote_type`` says something else.

    Raises
    ------
    ElectionError
        With every problem found and its line.

    Notes
    -----
    One row is one mark: ``voter_id``, ``project_id``, and ``points`` or ``rank`` (1 first, equal
    ranks are a tie). An empty ballot has one row without a project, a project without marks one
    row without a voter. ``cost``, ``name`` and ``budget`` stand in the long table on every row, or
    in ``projects.csv``, where the budget is a column too. All other columns are kept: those of
    ``projects.csv`` as columns of projects, those of ballots as columns of voters. Cells are split
    by commas, semicolons or tabs, whichever the first line has. Time O(rows), row by row.

    References
    ----------
    Shafranovich (2005), RFC 4180, "Common Format and MIME Type for CSV Files".

    Examples
    --------
    >>> read_tables("no such file.csv")
    Traceback (most recent call last):
    commonweal.engine.voting.election.ElectionError: there is no file no such file.csv; check the \
name and the folder
    """
    place = Path(path)
    if place.name in (PROJECTS, BALLOTS) and is_tables(place.parent):
        place = place.parent
    if not place.is_dir():
        return parse_tables(None, content_of(place, most_bytes))
    return parse_tables(
        content_of(place / PROJECTS, most_bytes), content_of(place / BALLOTS, most_bytes)
    )


def parse_tables(projects: bytes | None, ballots: bytes) -> Election:
    """Read an election from the bytes of its tables; ``projects`` None: one long table.

    Examples
    --------
    >>> election = parse_tables(
    ...     None, b"voter_id,project_id,cost,budget\\nv,a,5,9\\nv,b,3,9\\nw,b,3,9\\n"
    ... )
    >>> election.profile.votes.tolist(), election.profile.cost.tolist(), election.budget
    ([1, 2], [500, 300], 900)
    """
    problems = Problems()
    menu = _Menu(problems)
    marks = _Marks(problems)
    long = projects is None
    if projects is not None:
        problems.file = PROJECTS
        for line, row in _dicts(projects, ("project_id", "cost", "budget"), problems):
            menu.add(line, row, again=False)
        problems.refuse()
        problems.file = BALLOTS
    needs = ("voter_id", "project_id", *(("cost", "budget") if long else ()))
    for line, row in _dicts(ballots, needs, problems):
        if long and row["project_id"]:
            menu.add(line, row, again=True)
        marks.add(line, row, menu)
    menu.finish()
    marks.finish(menu)
    problems.refuse()
    return _election(menu, marks, problems)


def _dicts(
    content: bytes, needs: tuple[str, ...], problems: Problems
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield line and cells by name of each row that is not blank."""
    if not content.strip():
        problems.end(0, "the table is empty", f"it needs the columns {', '.join(needs)}")
    refuse_binary(content, problems)
    lines = lines_of(content, problems)
    first = next(lines)
    reader = csv.reader([first], delimiter=(mark := _delimiter(first)))
    names = [name.strip().lower() for name in next(reader)]
    for name in needs:
        if name not in names:
            problems.end(1, f"there is no column {name}", f"the columns are {', '.join(needs)}")
    refuse_wide(1, names, "the table", problems)
    if len(set(names)) < len(names):
        problems.end(1, "a column comes twice", "keep one of them")
    rows = csv.reader(lines, delimiter=mark, strict=True)
    number = 2
    try:
        for cells in rows:
            if len(cells) > len(names):
                problems.add(
                    number,
                    f"the row has {len(cells)} cells but there are {len(names)} columns",
                    'put cells that contain the separator in "quotes"',
                )
            elif any(cell.strip() for cell in cells):
                cells += [""] * (len(names) - len(cells))
                yield number, dict(zip(names, map(str.strip, cells), strict=True))
            number = rows.line_num + 2
    except csv.Error as error:
        problems.end(number, f"the quotes do not match ({error})", 'write " inside as ""')


def _delimiter(line: str) -> str:
    return max(",;\t", key=line.count)


class _Menu:
    """The projects and the money, as rows give them."""

    def __init__(self, problems: Problems) -> None:
        self.place: dict[str, int] = {}
        self.cost: list[int] = []
        self.names: list[str] = []
        self.columns: dict[str, list[str]] = {}
        self.all: dict[str, str] = {}
        self.budget = 1
        self._costs: list[str] = []
        self._problems = problems

    def add(self, line: int, row: dict[str, str], *, again: bool) -> None:
        """Take a project; in a long table it may come again, but not with another cost."""
        name = row["project_id"]
        place = self.place.get(name)
        for key in _OF_ALL:
            self._of_all(line, key, row.get(key, ""))
        if place is None:
            self._new(line, name, row, again)
        elif not again:
            self._problems.add(line, f"project {name[:40]} is listed twice", "keep one of them")
        elif row["cost"] != self._costs[place]:
            self._problems.add(
                line,
                f"project {name[:40]} costs {row['cost'][:40]} here but "
                f"{self._costs[place][:40]} before",
                "give it one cost",
            )

    def _new(self, line: int, name: str, row: dict[str, str], again: bool) -> None:
        if not name:
            self._problems.add(line, "the project has no id", "give it one that no other has")
        self.place[name] = len(self.place)
        if len(self.place) > MOST_PROJECTS:
            self._problems.end(line, f"there are more than {MOST_PROJECTS:,} projects", "split it")
        self._costs.append(row["cost"])
        self.cost.append(
            amount(row["cost"], line, f"the cost of project {name[:40]}", self._problems)
        )
        self.names.append(row.get("name") or name)
        for key, text in row.items():
            if not again and key not in (*_OF_PROJECT, *_OF_ALL):
                self.columns.setdefault(key, []).append(text)

    def _of_all(self, line: int, key: str, text: str) -> None:
        if text and self.all.setdefault(key, text) != text:
            self._problems.add(
                line,
                f"{key} is {text[:40]} here but {self.all[key][:40]} before",
                "give all rows the same",
            )
        elif text and key == "budget" and self.budget == 1:
            self.budget = amount(text, line, "the budget", self._problems)
            if self.budget == 0:
                self._problems.add(line, "the budget is 0", "give the amount there was to spend")

    def finish(self) -> None:
        """Note what only the last row can tell."""
        if sum(self.cost) > DEAREST:
            self._problems.add(0, "the costs add up to more than can be counted", "check the costs")
        if "budget" not in self.all:
            self._problems.add(0, "no row gives the budget", "fill in the column budget")
        if self.all.get("vote_type", VOTE_TYPES[0]) not in VOTE_TYPES:
            said = self.all["vote_type"][:40]
            self._problems.add(
                0, f"the vote_type {said} is not known", f"use {', '.join(VOTE_TYPES)}"
            )


class _Marks:
    """The marks, and what is known of the voters."""

    def __init__(self, problems: Problems) -> None:
        self.voters: dict[str, int] = {}
        self.project, self.voter = array("q"), array("q")
        self.value: dict[str, array[int]] = {name: array("q") for name in _OF_MARK}
        self.columns: dict[str, list[str]] = {}
        self.lines = array("q")
        self._problems = problems

    def add(self, line: int, row: dict[str, str], menu: _Menu) -> None:
        """Take one row."""
        voter, project = row["voter_id"], row["project_id"]
        if not voter and project:
            return  # only says that the project is there
        if not voter:
            self._problems.add(line, "the row has neither voter nor project", "leave it out")
            return
        number = self.voters.setdefault(voter, len(self.voters))
        if number >= MOST_BALLOTS:
            self._problems.end(line, f"there are more than {MOST_BALLOTS:,} ballots", "split it")
        self._known(line, number, row)
        if not project:
            return
        place = menu.place.get(project)
        if place is None:
            self._problems.add(
                line,
                f"the ballot names {project[:40]}, which is not a project",
                "correct the id, or add the project",
            )
            return
        self.lines.append(line)
        self.project.append(place)
        self.voter.append(number)
        if "points" in row:
            self.value["points"].append(
                amount(row["points"], line, "the number of points", self._problems)
            )
        if "rank" in row:
            self.value["rank"].append(self._rank(row["rank"], line))

    def finish(self, menu: _Menu) -> None:
        """Note marks that come twice."""
        project, voter = (np.array(marks, dtype=np.int64) for marks in (self.project, self.voter))
        key = project * (len(self.voters) + 1) + voter
        order = np.argsort(key, kind="stable")
        again = order[1:][key[order][1:] == key[order][:-1]]
        if again.size:
            voters, projects = list(self.voters), list(menu.place)
            for mark in np.sort(again)[:MOST_PROBLEMS].tolist():
                who, what = voters[voter[mark]][:40], projects[project[mark]][:40]
                self._problems.add(
                    self.lines[mark], f"voter {who} marks project {what} twice", "keep one"
                )

    def _known(self, line: int, number: int, row: dict[str, str]) -> None:
        others = (
            name for name in row if name not in ("voter_id", *_OF_PROJECT, *_OF_ALL, *_OF_MARK)
        )
        for name in others:
            column = self.columns.setdefault(name, [])
            if number == len(column):
                column.append(row[name])
            elif column[number] != row[name]:
                self._problems.add(
                    line,
                    f"{name[:40]} is {row[name][:40] or 'empty'} here but "
                    f"{column[number][:40] or 'empty'} before on the same ballot",
                    "give all rows of a ballot the same",
                )

    def _rank(self, text: str, line: int) -> int:
        if text.isascii() and text.isdigit() and 0 < len(text) < 10 and int(text):
            return int(text)
        self._problems.add(line, f"the rank {text[:40] or 'nothing'} is no place", "1 is first")
        return 1


def _election(menu: _Menu, marks: _Marks, problems: Problems) -> Election:
    ranked, pointed = len(marks.value["rank"]) > 0, len(marks.value["points"]) > 0
    vote_type = menu.all.get(
        "vote_type", "ordinal" if ranked else "cumulative" if pointed else "approval"
    )
    value = None
    if vote_type == "ordinal":
        value = marks.value["rank"]
    elif vote_type in WITH_POINTS and (pointed or not marks.project):  # none: all fund nothing
        value = marks.value["points"]
    if vote_type == "ordinal" and len(marks.project) and not ranked:
        problems.end(0, "the ballots are ordinal but have no column rank", "add it, 1 for first")
    voter = np.array(marks.voter, dtype=np.int64)
    if vote_type == "choose-1" and voter.size and np.bincount(voter).max() > 1:
        problems.end(0, "a choose-1 ballot names more than one project", "keep one")
    profile = Profile.from_indices(
        np.array(list(menu.place), dtype=object),
        np.array(menu.cost, dtype=np.int64),
        project=np.array(marks.project, dtype=np.int64),
        voter=voter,
        voters=len(marks.voters),
        value=None if value is None else np.array(value, dtype=np.int64),
    )
    return Election(
        profile,
        menu.budget,
        vote_type,
        menu.all.get("currency", ""),
        tuple(menu.names),
        {},
        {name: Column.of(texts) for name, texts in marks.columns.items()},
        {name: tuple(texts) for name, texts in menu.columns.items()},
    )


def write_tables(election: Election, path: str | Path) -> None:
    """Write an election as one long table (a name ending in ``.csv``) or as two in a folder.

    Parameters
    ----------
    election : Election
        What to write. META is left out, and in a long table the further columns of projects.
    path : path
        The file, or the folder to make.

    Raises
    ------
    ValueError
        If a project's id would not come back as it is.
    OSError
        If it cannot be written.

    Notes
    -----
    Time and the size of the file are O(marks).

    References
    ----------
    Shafranovich (2005), RFC 4180, "Common Format and MIME Type for CSV Files".

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> one = parse_tables(None, b"voter_id,project_id,cost,budget\\nv,a,5,9\\n")
    >>> with TemporaryDirectory() as folder:
    ...     write_tables(one, f"{folder}/street.csv")
    ...     print(Path(f"{folder}/street.csv").read_text().strip())
    voter_id,project_id,cost,name,budget,vote_type,currency
    1,a,5,a,9,approval,
    """
    refuse_ids(election)
    place = Path(path)
    if place.suffix == ".csv":
        with place.open("w", encoding="utf-8", newline="") as file:
            _write_marks(election, file, long=True)
        return
    place.mkdir(parents=True, exist_ok=True)
    with (place / PROJECTS).open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        others = {
            n: texts for n, texts in election.projects.items() if n not in (*_OF_PROJECT, *_OF_ALL)
        }
        out.writerow([*_OF_PROJECT, *_OF_ALL, *others])
        for p, about in enumerate(_about_projects(election)):
            out.writerow([*about, *(clean(texts[p]) for texts in others.values())])
    with (place / BALLOTS).open("w", encoding="utf-8", newline="") as file:
        _write_marks(election, file, long=False)


def _about_projects(election: Election) -> list[list[str]]:
    money = [decimal(election.budget), election.vote_type, clean(election.currency)]
    profile = election.profile
    return [
        [clean(str(profile.ids[p])), decimal(int(profile.cost[p])), clean(name), *money]
        for p, name in enumerate(election.names)
    ]


def _write_marks(election: Election, file: io.TextIOBase, *, long: bool) -> None:
    out = csv.writer(file, lineterminator="\n")
    about = _about_projects(election)
    about = about if long else [row[:1] for row in about]
    nothing = [""] * len(about[0]) if about else []
    first, project, value = ordered_marks(election)
    mark = "" if value is None else "rank" if election.vote_type == "ordinal" else "points"
    others = {
        name: column
        for name, column in election.voters.items()
        if name not in ("voter_id", *_OF_PROJECT, *_OF_ALL, *_OF_MARK)
    }
    head = [*_OF_PROJECT, *_OF_ALL] if long else ["project_id"]
    out.writerow(["voter_id", *head, *([mark] if mark else []), *others])
    for at in range(0, election.profile.voters, _AT_ONCE):
        stop = min(at + _AT_ONCE, election.profile.voters)
        base, end = int(first[at]), int(first[stop])
        rows = [about[p] for p in project[base:end].tolist()]
        given = [] if value is None else [_value(v, mark) for v in value[base:end].tolist()]
        known = [[clean(c.labels[k]) for k in c.codes[at:stop].tolist()] for c in others.values()]
        edges = (first[at : stop + 1] - base).tolist()
        for i in range(stop - at):
            last = [texts[i] for texts in known]
            for m in range(edges[i], edges[i + 1]):
                out.writerow([at + i + 1, *rows[m], *given[m : m + 1], *last])
            if edges[i] == edges[i + 1]:
                out.writerow([at + i + 1, *nothing, *([""] if mark else []), *last])
    for p in np.flatnonzero(election.profile.votes == 0) if long else ():
        out.writerow(["", *about[p], *([""] if mark else []), *("" for _ in others)])


def _value(value: int, mark: str) -> str:
    return str(value) if mark == "rank" else decimal(value)
