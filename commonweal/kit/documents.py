"""A plain text cut into its pieces: headings, paragraphs, numbered clauses, items, simple tables.

What people paste comes from word processors, mails and Markdown; nothing of it is markup to us, and
no word of it is lost.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import NamedTuple

HEADING, PARAGRAPH, CLAUSE, ITEM, TABLE = "heading", "paragraph", "clause", "item", "table"
MOST_LETTERS = 6_000  # of one piece: about two pages, more than anyone comments on at once
WRAPPED = 120  # lines no longer than this may be one paragraph; a longer one is a paragraph itself
SHORT = 80  # a heading without a mark is at most as long
DEEPEST = 6
FAR = 30  # so many places a piece may have moved and still be looked for among the others
ALIKE = 0.5  # this share of its words has to be the same
MOST_COMPARED = 4_000_000

_HASHES = re.compile(r" {0,3}(#{1,6})[ \t]+(.+?)[ \t]*#*[ \t]*")
_UNDERLINE = re.compile(r" {0,3}(=+|-{3,})[ \t]*")
_RULE = re.compile(r" {0,3}([-*_])[ \t]*(?:\1[ \t]*){2,}")
_NUMBERED = re.compile(r"[ \t]*(\d{1,3}(?:\.\d{1,3}){1,5}\.?|\d{1,3}[.)])[ \t]+(\S.*)")
_LETTERED = re.compile(r"[ \t]*(\([a-z]{1,4}\)|\(\d{1,3}\)|[a-z][.)])[ \t]+(\S.*)")
_BULLET = re.compile(r"([ \t]*)[-*+\u2022\u2023\u25aa\u2013][ \t]+(\S.*)")
_DIVIDER = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*")
_ENDS = re.compile(r"[.;:!?)\u2026\u201d\"'][ \t]*$")
_SENTENCE = re.compile(r"[.!?\u2026;:]['\")\u201d\u2019]*\s+")
_WORD = re.compile(r"\s+|[^\W_]+|[\W_]")


class Piece(NamedTuple):
    """One piece: its sort, how deep it stands, the number it bears in the document, its words.

    The words of a table are its rows, one a line, with `` | `` between the cells.
    """

    kind: str
    level: int
    label: str
    text: str


@dataclass
class _Block:
    kind: str
    level: int
    label: str
    lines: list[str]

    def piece(self) -> Piece:
        words = "\n".join(self.lines) if self.kind == TABLE else _flowing(self.lines)
        return Piece(self.kind, self.level, self.label, words)


def clean(text: str) -> str:
    """Return text with one kind of line end, and without signs that steer a machine and say nothing."""
    text = (
        text.replace("\r\n", "\n").replace("\r", "\n").replace("\x0b", "\n").replace("\x0c", "\n")
    )
    text = text.replace("\u2028", "\n").replace("\u2029", "\n").replace("\ufeff", "")
    return "".join(
        sign for sign in text if sign in "\n\t" or unicodedata.category(sign) not in ("Cc", "Cs")
    )


def cut(text: str) -> list[Piece]:
    """Cut a text into pieces, in their order; nothing where there is no word in it.

    >>> [(piece.kind, piece.label, piece.text) for piece in cut("# Trees\\n\\n1. Plant.\\n2. Water.")]
    [('heading', '', 'Trees'), ('clause', '1', 'Plant.'), ('clause', '2', 'Water.')]
    """
    blocks = list(_blocks(clean(text).split("\n")))
    _find_headings(blocks)
    whole = (block.piece() for block in blocks)
    return [part for piece in whole if says_something(piece.text) for part in _in_parts(piece)]


def says_something(text: str) -> bool:
    """Tell whether a text holds a sign that can be seen."""
    return any(unicodedata.category(sign)[0] not in "CZ" for sign in text)


def _blocks(lines: Sequence[str]) -> Iterator[_Block]:
    is_wrapped = max(map(len, lines), default=0) <= WRAPPED
    block: _Block | None = None
    number = 0
    while number < len(lines):
        line = lines[number]
        number += 1
        following = lines[number] if number < len(lines) else ""
        if not line.strip():
            if block:
                yield block
            block = None
        elif "|" in line and "-" in following and _DIVIDER.fullmatch(following):
            if block:
                yield block
            rows, number = _table(lines, number - 1)
            yield _Block(TABLE, 1, "", rows)
            block = None
        elif (
            block
            and block.kind == PARAGRAPH
            and len(block.lines) == 1
            and _UNDERLINE.fullmatch(line)
        ):
            yield _Block(HEADING, 1 if "=" in line else 2, block.label, block.lines)
            block = None
        elif _RULE.fullmatch(line):
            if block:
                yield block
            block = None
        elif begun := _begun(line, block):
            if block:
                yield block
            block = begun
            if begun.kind == HEADING:
                yield begun
                block = None
        elif block and is_wrapped:
            block.lines.append(line)
        else:
            if block:
                yield block
            block = _Block(PARAGRAPH, 1, "", [line])
    if block:
        yield block


def _begun(line: str, block: _Block | None) -> _Block | None:
    """Return the block that a line begins by its mark, if it has one and may bear it here."""
    if found := _HASHES.fullmatch(line):
        label, words = _label_of(found[2])
        return _Block(HEADING, len(found[1]), label, [words])
    if found := _BULLET.fullmatch(line):
        return _Block(ITEM, min(DEEPEST, 1 + _width(found[1]) // 2), "", [found[2]])
    # A line that begins with 3.5 in the middle of a sentence is no clause.
    if block and block.kind == PARAGRAPH and not _ENDS.search(block.lines[-1]):
        return None
    if found := _NUMBERED.fullmatch(line):
        label = found[1].rstrip(".)")
        return _Block(CLAUSE, min(DEEPEST, label.count(".") + 1), label, [found[2]])
    if found := _LETTERED.fullmatch(line):
        deep = 3 if re.fullmatch(r"\(?[ivx]{2,4}[.)]", found[1]) else 2
        return _Block(CLAUSE, deep, found[1], [found[2]])
    return None


def _label_of(words: str) -> tuple[str, str]:
    """Part the number of a heading from its words."""
    found = _NUMBERED.fullmatch(words)
    return (found[1].rstrip(".)"), found[2]) if found else ("", words)


def _width(space: str) -> int:
    return len(space.expandtabs(4))


def _table(lines: Sequence[str], first: int) -> tuple[list[str], int]:
    """Return the rows of a table, without the line under its head, and where it ends."""
    rows, number = [_row(lines[first])], first + 2
    while number < len(lines) and "|" in lines[number]:
        rows.append(_row(lines[number]))
        number += 1
    return rows, number


def _row(line: str) -> str:
    cells = line.strip().removeprefix("|").removesuffix("|").split("|")
    return " | ".join(" ".join(cell.split()) for cell in cells)


def _flowing(lines: Iterable[str]) -> str:
    """Join the lines of a paragraph; a line that ends in two spaces or a backslash stays a line."""
    said = ""
    for line in lines:
        words = line.strip()
        is_broken = line.endswith("  ") or words.endswith("\\")
        said += words.removesuffix("\\").rstrip() + ("\n" if is_broken else " ")
    return said.strip()


def _find_headings(blocks: list[_Block]) -> None:
    """Take a short line alone for the heading of what stands under it, in a text without marks."""
    if any(block.kind == HEADING for block in blocks):
        return
    short = [_is_short(block) for block in blocks]
    for block, is_one, is_next in zip(blocks, short, [*short[1:], True], strict=False):
        if is_one and not is_next:
            block.kind = HEADING


def _is_short(block: _Block) -> bool:
    words = block.lines[0].strip()
    return (
        block.kind in (PARAGRAPH, CLAUSE)
        and not block.label.startswith("(")
        and len(block.lines) == 1
        and len(words) <= SHORT
        and not re.search(r"[.,;:!?]$", words)
        and (words[:1].isupper() or not words[:1].isascii())
    )


def _in_parts(piece: Piece) -> Iterator[Piece]:
    """Cut what is longer than anyone comments on at the end of a sentence, or of a word."""
    rest = piece.text
    while len(rest) > MOST_LETTERS:
        ends = [found.end() for found in _SENTENCE.finditer(rest[:MOST_LETTERS])]
        at = max((end for end in ends if end > MOST_LETTERS // 2), default=0)
        if piece.kind == TABLE:
            at = rest.rfind("\n", 0, MOST_LETTERS) + 1
        at = at or rest.rfind(" ", 0, MOST_LETTERS) + 1 or MOST_LETTERS
        if says_something(rest[:at]):
            yield piece._replace(text=rest[:at].strip())
        rest = rest[at:].strip()
    if says_something(rest):
        yield piece._replace(text=rest)


# --- two versions of a text


def pairs(old: Sequence[Piece], new: Sequence[Piece]) -> list[int | None]:
    """Return for each new piece the place of the old one that it comes from, or nothing.

    What is word for word the same is found first; then what bears the same number, then what has
    most words in common and has not moved far. No old piece is taken twice.
    """
    found: list[int | None] = [None] * len(new)
    same = SequenceMatcher(None, [p.text for p in old], [p.text for p in new], autojunk=False)
    bags = [frozenset(p.text.casefold().split()) for p in old]
    for what, i, i_end, j, j_end in same.get_opcodes():
        if what == "equal":
            found[j:j_end] = range(i, i_end)
        elif what == "replace":
            _pair(old, new, bags, range(i, i_end), range(j, j_end), found)
    return found


def _pair(
    old: Sequence[Piece],
    new: Sequence[Piece],
    bags: Sequence[frozenset[str]],
    here: range,
    there: range,
    found: list[int | None],
) -> None:
    near: list[tuple[float, int, int]] = []
    for j in there:
        words = frozenset(new[j].text.casefold().split())
        middle = here.start + (j - there.start) * max(1, len(here)) // max(1, len(there))
        for i in range(max(here.start, middle - FAR), min(here.stop, middle + FAR + 1)):
            both = len(words | bags[i]) or 1
            alike = len(words & bags[i]) / both
            is_named = bool(new[j].label) and new[j].label == old[i].label
            if alike >= ALIKE or (is_named and alike > 0):
                near.append((-alike - is_named, i, j))
    taken: set[int] = set()
    for _alike, i, j in sorted(near):
        if i not in taken and found[j] is None:
            taken.add(i)
            found[j] = i


def difference(old: str, new: str) -> list[tuple[str, str]]:
    """Return words with what became of them: ``=`` kept, ``-`` taken out, ``+`` put in.

    >>> difference("Six new trees", "Nine new trees")
    [('-', 'Six'), ('+', 'Nine'), ('=', ' new trees')]
    """
    before, after = _WORD.findall(old), _WORD.findall(new)
    if len(before) * len(after) > MOST_COMPARED:
        return [(sign, words) for sign, words in (("-", old), ("+", new)) if words]
    told: list[tuple[str, str]] = []
    for what, i, i_end, j, j_end in SequenceMatcher(
        None, before, after, autojunk=False
    ).get_opcodes():
        if what == "equal":
            told.append(("=", "".join(before[i:i_end])))
            continue
        if i_end > i:
            told.append(("-", "".join(before[i:i_end])))
        if j_end > j:
            told.append(("+", "".join(after[j:j_end])))
    return told
