"""The ballots of a Pabulib file, row by row."""

from array import array

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.election import WITH_POINTS, Column
from commonweal.engine.voting.rows import (
    MOST_BALLOTS,
    Columns,
    Head,
    Problems,
    Row,
    amount,
    head_of,
    keep,
    miscounted,
    missing,
    named_twice,
    refuse_binary,
    refuse_long,
    refuse_wide,
    titled,
)


def read_rows(content: bytes, problems: Problems) -> "Ballots":
    """Read a whole file; None, or ``ElectionError`` at once, if there are problems."""
    if not content.strip():
        problems.end(0, "the file is empty", "a .pb file has META, PROJECTS and VOTES")
    refuse_binary(content, problems)
    sections: dict[str, list[Row]] = {}
    ballots: Ballots | None = None
    header = False
    for number, cells, title in titled(content, problems):
        if not cells:
            sections[title] = []
            header = False
        elif title != "VOTES":
            keep(sections[title], title, (number, cells), problems)
        elif not header:
            header = True
            ballots = Ballots(head_of(sections, problems), number, cells, problems)
        elif ballots is not None:
            ballots.add(number, cells)
    missing(sections, problems)
    if ballots is None:
        problems.end(0, "the section VOTES is empty", "it needs voter_id;vote")
    ballots.finish()
    return ballots


def voter_columns(header: list[str], line: int, problems: Problems) -> Columns:
    """Look through the names of the columns of VOTES. Raises ``ElectionError`` if one is missing."""
    names = [name.strip().lower() for name in header]
    refuse_wide(line, names, "VOTES", problems)
    for name in ("voter_id", "vote"):
        if name not in names:
            problems.end(line, f"VOTES has no column {name}", "add it")
    known = ("", "voter_id", "vote", "points")
    others = {name: names.index(name) for name in names if name not in known}
    return Columns(names, others, tuple(named_twice(names, "VOTES")))


class Ballots:
    """The rows of VOTES, taken one by one; no row is kept."""

    def __init__(self, head: Head, line: int, header: list[str], problems: Problems) -> None:
        self.head = head
        self.lines = array("q")
        self.length = array("q")
        self._problems = problems
        self._named = voter_columns(header, line, problems)
        names = self._named.names
        self._voter, self._vote = names.index("voter_id"), names.index("vote")
        has_points = head.vote_type in WITH_POINTS and "points" in names
        self._points = names.index("points") if has_points else None
        self._place = {name: p for p, name in enumerate(head.ids)}
        self._seen: set[str] = set()
        self._marks, self._values = array("q"), array("q")
        self._unpointed: list[int] = []
        self._any_points = False
        self._repeated: list[int] = []
        self._labels: dict[str, dict[str, int]] = {name: {} for name in self._named.others}
        self._codes = {name: array("i") for name in self._named.others}

    def add(self, line: int, cells: list[str]) -> None:
        """Take one row."""
        if len(cells) != len(self._named.names):
            refuse_long(line, cells, len(self._named.names), "VOTES", self._problems)
            cells = cells + [""] * (len(self._named.names) - len(cells))
        name = cells[self._voter].strip()
        if name in self._seen:
            said = name[:40] or "without an id"
            self._problems.add(line, f"voter {said} votes twice", "keep one ballot")
        self._seen.add(name)
        self.lines.append(line)
        if len(self.lines) > MOST_BALLOTS:
            self._problems.end(line, f"there are more than {MOST_BALLOTS:,} ballots", "split it")
        chosen = self._chosen(cells[self._vote].strip(), line)
        points = "" if self._points is None else cells[self._points].strip()
        self._any_points |= points != ""
        self._marks.extend(chosen)
        self.length.append(len(chosen))
        if self._points is not None and chosen:
            self._values.extend(self._given(points, len(chosen), line))
        for column, place in self._named.others.items():
            labels = self._labels[column]
            text = cells[place].strip()
            self._codes[column].append(labels.setdefault(text, len(labels)))

    def _chosen(self, text: str, line: int) -> list[int]:
        if not text:
            return []
        try:
            chosen = [self._place[name] for name in text.split(",")]
        except KeyError:
            chosen = []
            for name in map(str.strip, text.split(",")):
                if name in self._place:
                    chosen.append(self._place[name])
                else:
                    self._problems.add(
                        line,
                        f"the ballot names {name[:40] or 'nothing between two commas'}, which is "
                        "not a project",
                        "correct the id, or add the project",
                    )
        if len(set(chosen)) < len(chosen):
            if self.head.vote_type in WITH_POINTS:
                self._problems.add(line, "a project is on the ballot twice", "keep one")
            self._repeated.append(line)
            chosen = list(dict.fromkeys(chosen))
        if self.head.vote_type == "choose-1" and len(chosen) > 1:
            self._problems.add(line, "the ballot names more than one project", "keep one")
        return chosen

    def _given(self, text: str, marks: int, line: int) -> list[int]:
        if not text:
            self._unpointed.append(line)
            return [0] * marks
        what = "the number of points"
        points = [amount(part.strip(), line, what, self._problems) for part in text.split(",")]
        if len(points) != marks:
            self._problems.add(
                line,
                f"the ballot names {marks} projects but gives {len(points)} numbers of points",
                "give one number for each",
            )
        return points

    def finish(self) -> None:
        """Note what only the last row can tell."""
        if self._any_points:
            for line in self._unpointed:
                self._problems.add(
                    line,
                    "the ballot names projects but gives no points",
                    "give one number for each",
                )
        there, said = len(self.length), self.head.voters
        if said not in (there, -1):
            self._problems.add(
                self.head.voters_line, *miscounted("num_votes", str(said), there, "ballots")
            )

    def project(self) -> NDArray[np.int64]:
        """Return the marked projects, ballot after ballot."""
        return _int64(self._marks)

    def lengths(self) -> NDArray[np.int64]:
        """Return the number of marks on each ballot."""
        return _int64(self.length)

    def values(self) -> NDArray[np.int64] | None:
        """Return points or places, mark by mark."""
        if self.head.vote_type == "ordinal":
            length = self.lengths()
            first = np.cumsum(length) - length
            return np.arange(1, len(self._marks) + 1) - np.repeat(first, length)
        empty = self.head.vote_type in WITH_POINTS and not len(self._marks)
        return _int64(self._values) if self._any_points or empty else None

    def columns(self) -> dict[str, Column]:
        """Return what else is known of the voters."""
        return {
            name: Column.from_codes(np.array(self._codes[name], dtype=np.int32), labels)
            for name, labels in self._labels.items()
        }

    def warnings(self) -> tuple[str, ...]:
        """Return what is odd about the rows but can be counted."""
        if not self._repeated:
            return self._named.warnings
        first = ", ".join(map(str, self._repeated[:3]))
        more = " and more" if len(self._repeated) > 3 else ""
        lines = "line" if len(self._repeated) == 1 else "lines"
        return (
            *self._named.warnings,
            f"{lines} {first}{more}: a project is on the ballot twice; it is counted once",
        )


def _int64(numbers: "array[int]") -> NDArray[np.int64]:
    return np.frombuffer(numbers, dtype=np.int64) if len(numbers) else np.zeros(0, dtype=np.int64)
