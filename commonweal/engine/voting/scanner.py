"""The quick way through the ballots of a Pabulib file: whole columns of bytes at a time.

It accepts only what it understands fully and says None to everything else; the careful reader in
``pabulib`` then decides, with line numbers. numpy does the work: importing numba alone takes three
times as long as reading 130,000 ballots this way.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.election import VOTE_TYPES, WITH_POINTS, by_project, pieces, twice

LONGEST_LINE = 100_000
LONGEST_ID = 64
TITLES = (b"META", b"PROJECTS", b"VOTES")
COMMA, SEMICOLON, LINE_FEED, RETURN = b",;\n\r"
_MIXED = np.uint64(0x9E3779B97F4A7C15)
_KEPT = np.array([(1 << 8 * size) - 1 for size in range(9)], dtype=np.uint64)

Bytes = NDArray[np.uint8]
Places = NDArray[np.int64]
Words = NDArray[np.uint64]


@dataclass(frozen=True, eq=False)
class Scanned:
    """The marks as in ``Profile``, and how many ballots there are."""

    start: NDArray[np.int64]
    voter: NDArray[np.signedinteger]
    value: NDArray[np.int64] | None
    voters: int


def scan(
    content: bytes, at: int, columns: list[str], ids: list[str], vote_type: str
) -> Scanned | None:
    """Read the rows of ballots below the column names.

    Parameters
    ----------
    content : bytes
        The file, without NUL bytes.
    at : int
        Where the line after the column names begins.
    columns : list of str
        Their names. Only files that begin with ``voter_id;vote`` are read, and if there are points
        that matter they must come third.
    ids : list of str
        The projects.
    vote_type : str
        One of ``VOTE_TYPES``.

    Returns
    -------
    Scanned or None
        None if there is anything unusual: quotes, blank rows, an unknown project, a voter or
        project named twice, points that are no plain digits. That is no verdict on the file.

    Raises
    ------
    ValueError
        If the vote type is unknown.

    Notes
    -----
    Time O(bytes + voters log voters). Beside the result it takes about 10 bytes a voter and 6 a
    mark, and some megabytes. Ids are compared byte by byte, eight at a time; the hash of a long
    voter id can only make two voters look like one, which sends the file to the careful reader.

    Examples
    --------
    >>> found = scan(b"7;b,a\\n9;b\\n", 0, ["voter_id", "vote"], ["a", "b"], "approval")
    >>> found.start.tolist(), found.voter.tolist(), found.voters
    ([0, 1, 3], [0, 0, 1], 2)
    """
    if vote_type not in VOTE_TYPES:
        raise ValueError(f"vote_type must be one of {', '.join(VOTE_TYPES)}, not {vote_type!r}")
    points = vote_type in WITH_POINTS and "points" in columns
    if columns[:2] != ["voter_id", "vote"] or (points and columns[2] != "points"):
        return None
    returns = content.count(b"\r") if b"\r" in content else 0
    if content.find(b'"', at) >= 0 or (returns and returns != content.count(b"\r\n")):
        return None
    menu = _Menu.of(ids)
    parts = []
    for piece in pieces(content, at):
        rows = None if menu is None else _Rows.of(piece, len(columns), returns > 0)
        part = None if rows is None or menu is None else _part(rows, menu, points)
        if part is None:
            return None
        parts.append(part)
    return _joined(parts, len(ids), vote_type) if parts else None


# --- from bytes to cells


@dataclass(frozen=True, eq=False)
class _Rows:
    """A stretch of rows: where every cell, and every entry between commas in a cell, ends.

    ``stop`` has the end of every entry; ``last`` says which entry is the last of each cell, one row
    of it for each ballot; ``end`` is where the cell ends. Both leave out the carriage return.
    """

    text: Bytes
    at: Places
    stop: Places
    last: Places
    end: Places
    begin: Places

    @classmethod
    def of(cls, piece: bytes, columns: int, returns: bool) -> "_Rows | None":
        if not (piece.isascii() or _is_text(piece)):
            return None
        padding = b"\0" * 8 if piece.endswith(b"\n") else b"\n" + b"\0" * 8
        text = np.frombuffer(piece + padding, dtype=np.uint8)
        at = np.flatnonzero((text == COMMA) | (text == SEMICOLON) | (text == LINE_FEED))
        kind = text[at]
        cells = np.flatnonzero(kind != COMMA)
        if len(cells) % columns:
            return None
        last = cells.reshape(-1, columns)
        kinds = kind[last]
        if (kinds[:, -1] != LINE_FEED).any() or (kinds[:, :-1] != SEMICOLON).any():
            return None
        end = at[last]
        begin = np.concatenate(([0], end[:-1, -1] + 1))
        if (end[:, -1] - begin).max() > LONGEST_LINE:
            return None
        stop = at
        if returns:
            end[:, -1] -= text[end[:, -1] - 1] == RETURN
            stop = at.copy()
            stop[last[:, -1]] = end[:, -1]
        return cls(text, at, stop, last, end, begin)

    def entries(self, column: int, count: Places) -> tuple[Places, Places]:
        """Return where the entries in a column begin and how long they are, row after row."""
        before = np.cumsum(count) - count
        which = np.repeat(self.last[:, column - 1] + 1 - before, count)
        which += np.arange(len(which))
        begin = self.at[which - 1] + 1
        return begin, self.stop[which] - begin

    def empty(self, column: int) -> NDArray[np.bool_]:
        """Say of each row whether the cell in this column, not the first, has nothing in it."""
        empty: NDArray[np.bool_] = self.end[:, column] - self.end[:, column - 1] == 1
        return empty

    def count(self, column: int) -> Places:
        """Return how many entries the cell of each row has; an empty cell has none."""
        return np.where(self.empty(column), 0, self.last[:, column] - self.last[:, column - 1])


def _is_text(piece: bytes) -> bool:
    try:
        piece.decode()
    except UnicodeDecodeError:
        return False
    return True


def _words(text: Bytes, begin: Places, length: Places, words: int) -> list[Words]:
    """Return each entry as words of eight bytes, filled up with zeros."""
    every = np.ndarray(len(text) - 7, dtype="<u8", buffer=text.data, strides=(1,))
    found = []
    for skip in range(0, 8 * words, 8):
        word = every[np.minimum(begin + skip, len(every) - 1) if skip else begin]
        found.append(word.astype(np.uint64) & _KEPT[np.clip(length - skip, 0, 8)])
    return found


def _hash(words: list[Words]) -> Words:
    """Mix the words of each entry; zeros at the end, which no entry holds, change nothing."""
    mixed = words[0]
    for word in words[1:]:
        mixed = np.where(word == 0, mixed, mixed * _MIXED + word)
    return mixed


# --- from cells to marks


@dataclass(frozen=True, eq=False)
class _Menu:
    """The projects' ids in a table without collisions, or sorted where there is no such table."""

    words: NDArray[np.uint64]
    hashes: Words
    slots: NDArray[np.int32]
    factor: np.uint64
    shift: np.uint64

    @classmethod
    def of(cls, ids: list[str]) -> "_Menu | None":
        names = [name.encode() for name in ids]
        longest = max(map(len, names), default=0)
        if not 0 < longest <= LONGEST_ID:
            return None
        text = np.frombuffer(b"".join(names) + b"\0" * 8, dtype=np.uint8)
        length = np.array([len(name) for name in names], dtype=np.int64)
        words = _words(text, np.cumsum(length) - length, length, (longest + 7) // 8)
        hashes = _hash(words)
        if len(np.unique(hashes)) < len(ids):
            return None
        return cls(np.array(words), hashes, *_slots(hashes))

    def find(self, text: Bytes, begin: Places, length: Places) -> NDArray[np.integer] | None:
        """Return the project of each entry, or None if one names no project."""
        if not len(begin):
            return np.zeros(0, dtype=np.uint16)
        if length.min() < 1 or length.max() > 8 * len(self.words):
            return None
        words = _words(text, begin, length, len(self.words))
        mixed = _hash(words)
        if self.shift:
            place = self.slots[((mixed * self.factor) >> self.shift).astype(np.int64)]
        else:
            nearest = np.searchsorted(self.hashes[self.slots], mixed)
            place = self.slots[np.minimum(nearest, len(self.slots) - 1)]
        for word, known in zip(words, self.words, strict=True):
            if (known[place] != word).any():
                return None
        return place.astype(np.uint16 if len(self.hashes) <= 2**16 else np.int32)


def _slots(hashes: Words) -> tuple[NDArray[np.int32], np.uint64, np.uint64]:
    """Look for a factor that sends every id to a slot of its own; shift 0 if none is found."""
    bits = min(22, 2 * len(hashes).bit_length() + 1)
    shift, factor = np.uint64(64 - bits), int(_MIXED)
    for _ in range(64):
        slot = (hashes * np.uint64(factor)) >> shift
        if len(np.unique(slot)) == len(hashes):
            slots = np.zeros(2**bits, dtype=np.int32)
            slots[slot.astype(np.int64)] = np.arange(len(hashes))
            return slots, np.uint64(factor), shift
        factor = (factor * int(_MIXED) + 2) % 2**64  # stays odd
    return np.argsort(hashes).astype(np.int32), np.uint64(factor), np.uint64(0)


@dataclass(frozen=True, eq=False)
class _Part:
    """What a stretch of rows says: marks, marks a ballot, hashed voters, points if there are."""

    project: NDArray[np.integer]
    length: NDArray[np.int32]
    voter: Words
    points: NDArray[np.int64] | None


def _part(rows: _Rows, menu: _Menu, points: bool) -> _Part | None:
    voter = _voters(rows)
    count = rows.count(1)
    project = menu.find(rows.text, *rows.entries(1, count))
    if voter is None or project is None:
        return None
    value = None
    if points and not rows.empty(2).all():
        if (rows.count(2) != count).any():
            return None
        value = _digits(rows.text, *rows.entries(2, count))
        if value is None:
            return None
    return _Part(project, count.astype(np.int32), voter, value)


def _voters(rows: _Rows) -> Words | None:
    """Return the hashed voter ids, or None if one is odd or could be the title of a section."""
    begin, end = rows.begin, rows.end[:, 0]
    length = end - begin
    if length.min() < 1 or length.max() > LONGEST_ID:
        return None
    for edge in (rows.text[begin], rows.text[end - 1]):
        if edge.min() <= 32 or edge.max() >= 127:  # blanks of any kind would be cut off
            return None
    for row in np.flatnonzero(rows.empty(1) & np.isin(length, [len(title) for title in TITLES])):
        if rows.text[begin[row] : end[row]].tobytes().upper() in TITLES:
            return None
    return _hash(_words(rows.text, begin, length, int(length.max() + 7) // 8))


def _digits(text: Bytes, begin: Places, length: Places) -> NDArray[np.int64] | None:
    """Return whole numbers in hundredths, or None if one is longer than nine digits or no number."""
    value = np.zeros(len(begin), dtype=np.int64)
    if not len(begin) or length.min() < 1 or length.max() > 9:
        return value if not len(begin) else None
    for k in range(int(length.max())):
        there = k < length
        digit = text[np.where(there, begin + k, begin)].astype(np.int64) - ord("0")
        if digit.min() < 0 or digit.max() > 9:
            return None
        value = np.where(there, 10 * value + digit, value)
    return value * 100


def _joined(parts: list[_Part], projects: int, vote_type: str) -> Scanned | None:
    voter = np.sort(np.concatenate([part.voter for part in parts]))
    if (voter[1:] == voter[:-1]).any():
        return None
    length = np.concatenate([part.length for part in parts])
    if vote_type == "choose-1" and length.max() > 1:
        return None
    project = np.concatenate([part.project for part in parts])
    value = None
    if vote_type == "ordinal":
        value = np.arange(1, len(project) + 1) - np.repeat(np.cumsum(length) - length, length)
    elif any(part.points is not None for part in parts):
        if any(part.points is None and len(part.project) for part in parts):
            return None
        value = np.concatenate([part.points for part in parts if part.points is not None])
    elif vote_type in WITH_POINTS and not len(project):  # everybody would fund nothing
        value = np.zeros(0, dtype=np.int64)
    start, of, value = by_project(project, length, projects, value)
    if twice(start, of).any():
        return None
    return Scanned(start, of, value, len(length))
