"""Reading ranked ballots in the PrefLib format (``.soc``, ``.soi``, ``.toc``, ``.toi``)."""

import re
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.election import Election, by_project
from commonweal.engine.voting.profile import Profile
from commonweal.engine.voting.rows import Problems, lines_of, refuse_binary

SUFFIXES = (".soc", ".soi", ".toc", ".toi")
MOST_MARKS = 2**24
MOST_LINES = 2**20
_NAME = re.compile(r"ALTERNATIVE NAME (\d{1,9})", re.ASCII)
_ORDER = re.compile(r"(\d{1,18})\s*:\s*(.*)", re.ASCII)
_PLACE = re.compile(r"\s*(?:(\d{1,9})|\{([\d\s,]*)\})\s*(,|$)", re.ASCII)


def parse_preflib(content: bytes, suffix: str) -> Election:
    """Read ranked ballots from the bytes of a PrefLib file.

    Parameters
    ----------
    content : bytes
        The file, unpacked.
    suffix : str
        One of ``SUFFIXES``: ``s`` strict, ``t`` with ties; ``c`` all ranked, ``i`` some left out.

    Returns
    -------
    Election
        ``ordinal``; every alternative costs 1 and the budget is 1, so that a rule that spends money
        chooses one. Equal places are ties. ``value`` holds places, 1 first.

    Raises
    ------
    ElectionError
        With every problem found and its line.

    Notes
    -----
    Time and memory O(marks), where a line that stands for many voters counts that often; files
    that stand for more than ``MOST_MARKS`` marks are refused.

    References
    ----------
    Mattei and Walsh (2013), "PrefLib: A Library for Preferences"; the format as of 2022.

    Examples
    --------
    >>> election = parse_preflib(b"# NUMBER ALTERNATIVES: 2\\n# NUMBER VOTERS: 3\\n2: 1,2\\n1: 2\\n", ".soi")
    >>> election.profile.votes.tolist(), election.profile.value.tolist()
    ([2, 3], [1, 1, 2, 2, 1])
    """
    problems = Problems()
    refuse_binary(content, problems)
    head = _head(content, problems)
    ids, names = _alternatives(head, problems)
    orders = _orders(content, {name: p for p, name in enumerate(ids)}, suffix, problems)
    voters = int(orders.times.sum())
    _agree(head, "NUMBER VOTERS", voters, problems)
    problems.refuse()
    start, voter, value = orders.turned(len(ids))
    cost = np.full(len(ids), 100, dtype=np.int64)
    profile = Profile(np.array(ids, dtype=object), cost, start, voter, voters, value)
    meta = {key.lower().replace(" ", "_"): text for key, (_, text) in head.items()}
    return Election(profile, 100, "ordinal", "", tuple(names), meta)


@dataclass(frozen=True, eq=False)
class _Orders:
    """The orders of a file, one after the other, and how many voters gave each."""

    project: NDArray[np.int64]
    place: NDArray[np.int64]
    length: NDArray[np.int64]
    times: NDArray[np.int64]

    def turned(
        self, projects: int
    ) -> tuple[NDArray[np.int64], NDArray[np.signedinteger[Any]], NDArray[np.int64] | None]:
        """Repeat every order as often as it was given, and list the marks by project."""
        first = np.repeat(np.cumsum(self.length) - self.length, self.times)
        length = np.repeat(self.length, self.times)
        mark = np.repeat(first - (np.cumsum(length) - length), length) + np.arange(length.sum())
        return by_project(self.project[mark], length, projects, self.place[mark])


def _orders(content: bytes, place: dict[str, int], suffix: str, problems: Problems) -> _Orders:
    project, rank, length, times = array("q"), array("q"), array("q"), array("q")
    total = 0
    for line, text in _lines(content, problems):
        if not text or text.startswith("#"):
            continue
        found = _ORDER.fullmatch(text)
        if not found or int(found[1]) == 0:
            problems.add(line, "the line is no order of alternatives", "write like 3: 1,2,{3,4}")
            continue
        order = _order(found[2], line, place, suffix, problems)
        total += int(found[1]) * (1 + len(order))
        if total > MOST_MARKS:
            problems.end(
                line,
                f"with the order given {found[1]} times there are more than {MOST_MARKS:,} marks",
                "that is too much to count safely: give fewer",
            )
        project.extend(p for p, _ in order)
        rank.extend(r for _, r in order)
        length.append(len(order))
        times.append(int(found[1]))
    return _Orders(*(np.array(part, dtype=np.int64) for part in (project, rank, length, times)))


def _head(content: bytes, problems: Problems) -> dict[str, tuple[int, str]]:
    head: dict[str, tuple[int, str]] = {}
    for line, text in _lines(content, problems):
        if not text.startswith("#"):
            continue
        key, _, value = text[1:].partition(":")
        key = key.strip().upper()
        if key in head and (key.startswith("NUMBER") or _NAME.fullmatch(key)):
            problems.add(line, f"{key[:40]} comes twice", "keep one of them")
        head[key] = line, value.strip()
        if len(head) > MOST_LINES:
            problems.end(line, "the file says far too much about itself", "leave lines out")
    return head


def _lines(content: bytes, problems: Problems) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(lines_of(content, problems), start=1):
        yield number, line.strip()


def _alternatives(
    head: dict[str, tuple[int, str]], problems: Problems
) -> tuple[list[str], list[str]]:
    line, text = head.get("NUMBER ALTERNATIVES", (0, ""))
    if not (text.isascii() and text.isdigit() and 0 < len(text) < 7 and int(text)):
        problems.end(
            line,
            "the file does not say NUMBER ALTERNATIVES",
            "write # NUMBER ALTERNATIVES: and how many; older files must be fetched again",
        )
    count = int(text)
    names = [head.get(f"ALTERNATIVE NAME {n}", (0, ""))[1] or str(n) for n in range(1, count + 1)]
    for key, (line, _) in head.items():
        found = _NAME.fullmatch(key)
        if found and not 0 < int(found[1]) <= count:
            problems.add(line, f"there is no alternative {found[1]}", f"there are {count}")
    return [str(n) for n in range(1, count + 1)], names


def _order(
    text: str, line: int, place: dict[str, int], suffix: str, problems: Problems
) -> list[tuple[int, int]]:
    """Return (project, place) of one order."""
    order: list[tuple[int, int]] = []
    at, rank = 0, 0
    while at < len(text):
        found = _PLACE.match(text, at)
        last = found is not None and found.end() == len(text)
        if found is None or (last and found[3] == ",") or (found[2] is not None and not found[2]):
            problems.add(line, "the order cannot be read", "write like 3: 1,2,{3,4}")
            return []
        at, rank = found.end(), rank + 1
        tied = [found[1]] if found[1] else [part.strip() for part in (found[2] or "").split(",")]
        if len(tied) > 1 and suffix.startswith(".s"):
            problems.add(line, f"there are ties in a {suffix} file", "name it .toc or .toi")
        for name in tied:
            if name not in place:
                said = name or "nothing between two commas"
                problems.add(line, f"the order names {said}, which is no alternative", "mend it")
                return []
            order.append((place[name], rank))
    if len({p for p, _ in order}) < len(order):
        problems.add(line, "an alternative is in the order twice", "keep one")
    elif suffix.endswith("c") and len(order) < len(place):
        problems.add(
            line,
            f"a {suffix} file ranks all alternatives, but this order has {len(order)}",
            f"name it {suffix[:-1]}i",
        )
    return order


def _agree(head: dict[str, tuple[int, str]], key: str, there: int, problems: Problems) -> None:
    line, text = head.get(key, (0, ""))
    if text and text != str(there):
        problems.add(
            line,
            f"{key} is {text[:40]} but the file has {there}",
            "it may be cut short: fetch it again, or correct the number",
        )
