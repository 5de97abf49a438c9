"""Columns out of CSV files, gzipped or not: whole numbers quickly, everything else with care."""

import csv
import gzip
import io
import re
import stat
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.compiler import machine_code

MOST_BYTES = 8 * 2**30
MOST_PROBLEMS = 20
MOST_CELL = 20_000
LONGEST_NAME = 200
_BLOCK = 2**24
_LONGEST_HEAD = 2**20
_WHOLE = re.compile(r"[-+]?[0-9]{1,18}")
_NUMBER = re.compile(r"[-+]?[0-9]{1,18}(\.[0-9]*)?([eE][-+]?[0-9]{1,2})?")
_MARKS = ",;\t|"
_GZIP = b"\x1f\x8b"
Names = Mapping[str, tuple[str, ...]]
Bounds = Mapping[str, tuple[int, int]]


class OpinionError(ValueError):
    """A file that cannot be read. The message says where, what is wrong and how to mend it.

    ``problems`` has every problem found, each as a sentence; the message is the first of them.
    """

    def __init__(self, message: str, problems: tuple[str, ...] = ()) -> None:
        more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
        super().__init__(message + more)
        self.problems = problems or (message,)


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading, unpacked if it is gzipped; say plainly why if that fails."""
    try:
        if stat.S_ISDIR(path.stat().st_mode):
            raise OpinionError(f"{path} is a folder; name one file in it")
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe or a device may never end
            raise OpinionError(f"{path} is not a plain file; save it to a file first")
        with path.open("rb") as raw:
            packed = raw.read(2) == _GZIP
            raw.seek(0)
            if not packed and path.suffix == ".gz" and path.stat().st_size:
                raise OpinionError(
                    f"{path.name} is not gzipped though its name says so; pack it again or drop "
                    "the .gz"
                )
            with gzip.GzipFile(fileobj=raw) if packed else raw as file:
                yield file  # type: ignore[misc]
    except FileNotFoundError:
        raise OpinionError(f"there is no file {path}; check the name and the folder") from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise OpinionError(
            f"the gzip data of {path.name} is damaged ({error}); fetch the file again"
        ) from None
    except OSError as error:
        why = error.strerror or error
        raise OpinionError(
            f"{path} cannot be read ({why}); check its name and its permissions"
        ) from None


class Layout:
    """Where the columns of one file stand, read off the line with their titles.

    Blank lines and Excel's ``sep=;`` may stand before it. ``cells`` are the titles as they are written,
    ``titles`` without what makes no difference. ``called`` says by which of its titles a
    column was found; ``plain`` is false where lines end in a way that only careful reading knows.
    """

    def __init__(self, file: IO[bytes], need: Names, may: Names, name: str) -> None:
        line, self.plain = _head(file, name)
        if not line:
            raise OpinionError(
                f"{name} is empty; it needs a first line with {_listed(need or may)}"
            )
        every = {**need, **may}
        self.delimiter = max(_MARKS, key=lambda mark: len(_found(_titles(line, mark), every)))
        self.cells = _cells(line, self.delimiter)
        self.titles = [title_of(cell) for cell in self.cells]
        self.called = _found(self.titles, every)
        self.at = {title: self.titles.index(called) for title, called in self.called.items()}
        missing = [title for title in need if title not in self.at]
        if missing:
            raise OpinionError(
                f"{name} has no column {missing[0]}; its first line is {line[:100]!r}, and it must "
                f"name {_listed(need)}"
            )
        for title, called in self.called.items():
            if self.titles.count(called) > 1:
                raise OpinionError(f"{name} has two columns {title}; leave one of them out")


def _head(file: IO[bytes], name: str) -> tuple[str, bool]:
    """Return the line with the titles, and whether lines end as is usual."""
    while line := file.readline(_LONGEST_HEAD):
        while line.count(b'"') % 2 and (more := file.readline(_LONGEST_HEAD)):
            line += more
            if len(line) > _LONGEST_HEAD:
                break
        if line[:2] == b"PK" or line[:5] == b"%PDF-" or b"\0" in line:
            raise OpinionError(f"{name} is no text; save it as CSV")
        try:
            text = line.decode("utf-8-sig").strip("\r\n")
        except UnicodeDecodeError:
            raise OpinionError(f"{name} is not in UTF-8; save it as CSV in UTF-8") from None
        usual = "\r" not in text
        text = text if usual else text[: text.index("\r")]
        if text.strip() and not text.strip().casefold().startswith("sep="):
            return text, usual
    return "", True


def _titles(line: str, mark: str) -> list[str]:
    return [title_of(cell) for cell in _cells(line, mark)]


def _cells(line: str, mark: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=mark), [])
    except csv.Error:
        return []


def title_of(cell: str) -> str:
    """Return a title without what makes no difference: Voter-ID is voter_id."""
    return "_".join(cell.strip().casefold().replace("-", " ").replace("_", " ").split())


def _found(titles: list[str], wanted: Names) -> dict[str, str]:
    """Return by which title each wanted column goes, where there is one."""
    found = {}
    for title, others in wanted.items():
        called = next((t for t in map(title_of, (title, *others)) if t in titles), None)
        if called is not None:
            found[title] = called
    return found


def _listed(need: Names) -> str:
    return ", ".join(need)


def layout_of(path: Path, need: Names, may: Names | None = None) -> Layout:
    """Read the first line of a file and say where the columns stand."""
    with opened(path) as file:
        return Layout(file, need, may or {}, path.name)


def columns_of(
    path: Path, need: Names, may: Names | None = None, whole: Bounds | None = None
) -> dict[str, NDArray[Any]]:
    """Read some columns of a CSV file.

    Parameters
    ----------
    path : Path
        The file, gzipped or not, split by commas, semicolons or tabs.
    need, may : mapping of str to tuple of str
        For each wanted title the other titles it goes by; a column of ``may`` that the file has
        not is not in the answer.
    whole : mapping of str to pair of int, optional
        The columns that must hold whole numbers, and the least and the most.

    Returns
    -------
    dict of str to array
        A column is an int32 or int64 array if every cell is a plain whole number, otherwise text.

    Raises
    ------
    OpinionError
        With every problem found and its line.

    Notes
    -----
    Time O(bytes). Beside the result a file of whole numbers takes some megabytes.
    """
    bounds = whole or {}
    with opened(path) as file:
        layout = Layout(file, need, may or {}, path.name)
        found = _quick(file, layout) if layout.plain else None
    within = found is not None and all(
        not len(found[title])
        or (low <= int(found[title].min()) and int(found[title].max()) <= high)
        for title, (low, high) in bounds.items()
        if title in found
    )
    if found is None or not within:
        return _careful(path, layout, bounds)
    return found


# --- whole numbers, block by block


@cache
def _compiled() -> Any:
    return SimpleNamespace(numbers=machine_code(_numbers))


def _numbers(block, slot, delimiter, out):  # type: ignore[no-untyped-def]
    """Read rows of whole numbers; -1 if anything is unusual, which is no verdict on the file."""
    at, row, size, columns = 0, 0, len(block), len(slot)
    while at < size:
        if row == out.shape[1]:
            return -1
        for c in range(columns):
            last = c == columns - 1
            if slot[c] < 0:
                while at < size and block[at] != delimiter and block[at] != 10:
                    if block[at] == 34:
                        return -1
                    at += 1
            else:
                sign = 1
                if at < size and block[at] == 45:
                    sign = -1
                    at += 1
                begin = at
                value = 0
                while at < size and 48 <= block[at] <= 57:
                    value = value * 10 + (block[at] - 48)
                    at += 1
                digits = at - begin
                if digits < 1 or digits > 18:
                    return -1
                if block[begin] == 48 and (digits > 1 or sign < 0):
                    return -1
                out[slot[c], row] = sign * value
                if last and at < size and block[at] == 13:
                    at += 1
            if at >= size or block[at] != (10 if last else delimiter):
                return -1
            at += 1
        row += 1
    return row


def _quick(file: IO[bytes], layout: Layout) -> dict[str, NDArray[Any]] | None:
    slot = np.full(len(layout.titles), -1, dtype=np.int64)
    for number, place in enumerate(layout.at.values()):
        slot[place] = number
    mark, rest, total = ord(layout.delimiter), b"", 0
    parts: list[list[NDArray[Any]]] = [[] for _ in layout.at]
    scratch = np.empty((len(layout.at), 0), dtype=np.int64)
    while True:
        piece = file.read(_BLOCK)
        total += len(piece)
        if total > MOST_BYTES:
            raise OpinionError(
                f"the file holds more than {MOST_BYTES // 2**30} GiB, too much to read safely; "
                "split it"
            )
        text = rest + piece
        cut = text.rfind(b"\n") + 1 if piece else len(text)
        whole, rest = text[:cut], text[cut:]
        if not piece and whole and not whole.endswith(b"\n"):
            whole += b"\n"
        if len(rest) > _BLOCK:
            raise OpinionError("the file has a line of more than 16 MiB; is it really CSV?")
        if whole:
            least = len(layout.titles) + len(
                layout.at
            )  # bytes a row takes: other cells may be empty
            if scratch.shape[1] < len(whole) // least + 1:
                scratch = np.empty((len(layout.at), len(whole) // least + 1), dtype=np.int64)
            block = np.frombuffer(whole, dtype=np.uint8)
            rows = _compiled().numbers(block, slot, mark, scratch)
            if rows < 0:
                return None
            for part, column in zip(parts, scratch, strict=True):
                part.append(_narrow(column[:rows]))
        if not piece:
            break
    found = {}
    for title, part in zip(layout.at, parts, strict=True):
        found[title] = np.concatenate(part) if part else np.zeros(0, dtype=np.int64)
        part.clear()
    return found


def _narrow(column: NDArray[np.int64]) -> NDArray[Any]:
    if not len(column) or (column.min() >= -(2**31) and column.max() < 2**31):
        return column.astype(np.int32)
    return column.copy()


# --- anything else, row by row


def _careful(path: Path, layout: Layout, whole: Bounds) -> dict[str, NDArray[Any]]:
    problems = Problems(path.name)
    cells: dict[str, list[str]] = {title: [] for title in layout.at}
    untimed: list[int] = []
    for line, row in rows(path, layout, problems):
        for title, place in layout.at.items():
            cell = row[place].strip()
            wrong = _wrong(title, cell, whole) if title in whole else _odd(cell)
            if "time" in title and not cell:
                untimed.append(line)
            elif wrong:
                problems.add(line, f"the {title} is {cell[:40]!r}, {wrong}")
            cells[title].append(cell)
    if untimed:
        title = next(title for title in cells if "time" in title)
        if len(untimed) < len(cells.pop(title)):
            problems.add(untimed[0], f"the {title} is empty; give all or leave the column out")
    problems.refuse()
    return {
        title: np.array([number_of(cell) for cell in column], dtype=np.int64)
        if title in whole
        else as_names(column)
        for title, column in cells.items()
    }


def _wrong(title: str, cell: str, whole: Bounds) -> str:
    low, high = whole[title]
    number = number_of(cell)
    if number is not None and low <= number <= high:
        return ""
    if title == "vote":
        return "but a vote is 1 (agree), 0 (pass) or -1 (disagree)"
    return "which is no time" if "time" in title else "which is no whole number"


def number_of(cell: str) -> int | None:
    """Read a whole number, however a program writes it, or a moment in milliseconds.

    >>> number_of("-1"), number_of("+1.0"), number_of("1.5e12"), number_of("1.5"), number_of("no")
    (-1, 1, 1500000000000, None, None)
    >>> number_of("2026-11-30T12:00:00Z"), number_of("2026-11-30 12:00")
    (1796040000000, 1796040000000)
    """
    if _WHOLE.fullmatch(cell):
        return int(cell)
    try:
        if _NUMBER.fullmatch(cell):
            number = float(cell)
            return int(number) if number.is_integer() and abs(number) < 2**62 else None
        moment = datetime.fromisoformat(cell)
    except ValueError:
        return None
    return round(moment.replace(tzinfo=moment.tzinfo or UTC).timestamp() * 1000)


def _odd(name: str) -> str:
    if not name:
        return "but nothing may be left empty here"
    return f"longer than {LONGEST_NAME} letters" if len(name) > LONGEST_NAME else ""


class Problems:
    """What is wrong with a file, collected until there is enough of it."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.found: list[str] = []

    def add(self, line: int, what: str) -> None:
        """Note a problem; refuse the file at once if there are many."""
        self.found.append(f"{self.name}, line {line}: {what}")
        if len(self.found) >= MOST_PROBLEMS:
            self.refuse()

    def refuse(self) -> None:
        """Raise ``OpinionError`` if there are problems."""
        if self.found:
            raise OpinionError(self.found[0], tuple(self.found))


def rows(path: Path, layout: Layout, problems: Problems) -> Iterator[tuple[int, list[str]]]:
    """Yield the line number and the cells of every row but the first; blank lines are left out."""
    with opened(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        reader = csv.reader(text, delimiter=layout.delimiter, strict=True)
        try:
            for row in reader:
                if [title_of(cell) for cell in row] == layout.titles:
                    break
            for row in reader:
                if not any(cell.strip() for cell in row):
                    continue
                if len(row) != len(layout.titles):
                    said = f"{len(row)} cells where the first line names {len(layout.titles)}"
                    problems.add(reader.line_num, said)
                elif any("\0" in cell or len(cell) > MOST_CELL for cell in row):
                    problems.add(reader.line_num, "a cell that is no text, or far too long")
                else:
                    yield reader.line_num, row
        except UnicodeDecodeError:
            raise OpinionError(f"{path.name} is not in UTF-8; save it as CSV in UTF-8") from None
        except csv.Error as error:
            problems.add(reader.line_num, f"the quoting is broken ({error})")
        finally:
            text.detach()


def as_names(cells: list[str]) -> NDArray[Any]:
    """Return cells as whole numbers if every one is a plain one, otherwise as text.

    Where a program has written whole numbers as 7.0, they are 7.

    >>> as_names(["7", "12"]).tolist(), as_names(["7", "012"]).tolist(), as_names(["7.0"]).tolist()
    ([7, 12], ['7', '012'], [7])
    """
    plain = [cell.removesuffix(".0") for cell in cells]
    if len(set(plain)) != len(set(cells)):
        plain = cells
    try:
        numbers = [int(cell) for cell in plain]
    except ValueError:
        return np.array(cells, dtype=np.str_)
    if all(str(n) == cell and abs(n) < 10**18 for n, cell in zip(numbers, plain, strict=True)):
        return np.array(numbers, dtype=np.int64)
    return np.array(cells, dtype=np.str_)
