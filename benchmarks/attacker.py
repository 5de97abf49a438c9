"""Somebody with a full copy of the database and its files, who wants to know how each person voted.

They know who voted (the roll says so) and every ballot (they are published), and try to bring the two
together: by equal values in any two columns, by envelopes computed anew from any key they find, and by
laying any order of the people beside any order of the ballots. An order is a column, the place of a row
on the disk, the number of the transaction that wrote it, or where its bytes lie in a file.

For each person an attacker names one ballot in a hundred. By chance a person's own is among them one
time in a hundred; what they do better than that is their advantage. To be generous, they are told how
half of the people voted, choose the trick that serves them best there, and are judged by the other half.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Ballot = tuple[int, ...]
Row = Mapping[str, Any]
NAMED = 0.01  # which share of all ballots an attacker names for a person
FEWEST = 0.5  # an order or a column is of use if it knows so many of the people or ballots
SYSTEM = (
    "ctid::text AS _ctid, xmin::text::bigint AS _xmin, xmax::text::bigint AS _xmax,"
    " cmin::text::bigint AS _cmin"
)


class Found(NamedTuple):
    """How well an attack does: the best trick, what it gains over chance, and how sure that is."""

    advantage: float
    least: float
    most: float
    by: str
    tricks: int
    named_right: int
    rank_correlation: float


@dataclass
class Copy:
    """What was copied: the rows of every table, and files in which to look for bytes."""

    tables: dict[str, list[dict[str, Any]]]
    files: dict[str, bytes]
    secrets: list[bytes] = field(default_factory=list)


def copied(
    cursor: Any, folder: Path | None, secrets: Iterable[bytes] = (), *, logs: Iterable[Path] = ()
) -> Copy:
    """Copy every table of the database, where there is a folder all that the server keeps, and logs."""
    cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
    tables = {}
    for (name,) in cursor.fetchall():
        cursor.execute(f'SELECT {SYSTEM}, t.* FROM "{name}" t')
        columns = [column.name for column in cursor.description]
        tables[name] = [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()]
    files: dict[str, bytes] = {}
    if folder is not None:
        cursor.execute("CHECKPOINT")  # a generous one: all that is in memory is on the disk too
        files = {
            str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and "pg_wal" not in path.relative_to(folder).parts
        }
        segments = sorted(path for path in (folder / "pg_wal").iterdir() if path.is_file())
        files["pg_wal"] = b"".join(path.read_bytes() for path in segments)
    files |= {f"log {path.name}": path.read_bytes() for path in logs}
    return Copy(tables, files, list(secrets))


# --- what each side can be sorted and found by

Orders = dict[str, dict[int, Any]]


@dataclass
class Side:
    """People, or ballots: for each name of an order or a column, what it says of each of them."""

    count: int
    known: Orders = field(default_factory=dict)

    def learn(self, name: str, facts: Mapping[int, Any]) -> None:
        """Keep what a column says of enough of them."""
        if len(facts) >= FEWEST * self.count:
            self.known[name] = dict(facts)


def people_in(copy: Copy, people: Mapping[int, int]) -> Side:
    """Return all that can be read about each voter, by their place in the attacker's list."""
    side = Side(len(people))
    for table, listed in copy.tables.items():
        rows = list(_with_session(listed)) if table == "django_session" else listed
        for column in sorted({name for row in rows[:1] for name in row}):
            whose = [people.get(row[column]) if _is_number(row[column]) else None for row in rows]
            if len({who for who in whose if who is not None}) < FEWEST * len(people):
                continue
            _learn_rows(side, f"{table}.{column}", rows, whose)
    return side


def ballots_in(copy: Copy, ballots: Mapping[Ballot, int]) -> Side:
    """Return all that can be read about each ballot, in every table that has its content."""
    side = Side(len(ballots))
    for table, rows in copy.tables.items():
        for column in sorted({name for row in rows[:1] for name in row}):
            which = [_of_content(row[column], ballots) for row in rows]
            if len({one for one in which if one is not None}) < FEWEST * len(ballots):
                continue
            _learn_rows(side, f"{table}.{column}", rows, which)
    side.learn("as published", dict(enumerate(range(len(ballots)))))
    return side


def _learn_rows(side: Side, name: str, rows: list[dict[str, Any]], whose: list[int | None]) -> None:
    for column in rows[0]:
        facts = {
            who: _sortable(row[column], column)
            for who, row in zip(whose, rows, strict=True)
            if who is not None and row[column] is not None
        }
        side.learn(f"{name}>{column}", facts)


def _with_session(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    from django.contrib.sessions.backends.db import SessionStore

    for row in rows:
        inside = SessionStore().decode(row["session_data"])
        yield {**row, "_whose": int(inside.get("_auth_user_id", 0))}


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _of_content(value: Any, ballots: Mapping[Ballot, int]) -> int | None:
    return ballots.get(tuple(sorted(value))) if isinstance(value, list) else None


def _sortable(value: Any, column: str) -> Any:
    if column == "_ctid":
        return tuple(int(part) for part in value.strip("()").split(","))
    if isinstance(value, memoryview):
        return bytes(value)
    return str(value) if isinstance(value, list | dict) else value


# --- what lies in the files, also in rows that are deleted

# As somebody would write them into a log: a number of many digits, and numbers between brackets.
NUMBER = re.compile(rb"(?<!\d)\d{10,19}(?!\d)")
LIST = re.compile(rb"[\[{(](\d+(?:, ?\d+)+)[\]})]")
# An array of bigint as PostgreSQL keeps it: one dimension, no nulls, the type's number, how many, from 1.
ARRAY = re.compile(rb"\x01\0\0\0\0\0\0\0\x14\0\0\0(.)\0\0\0\x01\0\0\0", re.DOTALL)
BEFORE = 80  # bytes before a ballot's content in which its envelope and receipt lie


class _Met:
    """Where in a file each was seen first, and last."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.first: dict[int, int] = {}
        self.last: dict[int, int] = {}

    def at(self, one: int | None, place: int) -> None:
        if one is not None:
            self.first.setdefault(one, place)
            self.last[one] = place

    def tell(self, side: Side) -> None:
        side.learn(f"{self.name}, first seen", self.first)
        side.learn(f"{self.name}, last seen", self.last)


def read_files(copy: Copy, people: Side, ballots: Side, who: Mapping[int, int],
               contents: Mapping[Ballot, int], pot: int) -> dict[bytes, int]:  # fmt: skip
    """Learn in which order people and ballots lie in each file; return the envelopes met on the way."""
    mark = re.compile(re.escape(pot.to_bytes(8, "little")) + rb"(.{8})", re.DOTALL)
    envelopes: dict[bytes, int] = {}
    for name, content in copy.files.items():
        met = _Met(name)
        for hit in ARRAY.finditer(content):
            size = hit[1][0]
            body = content[hit.end() : hit.end() + 8 * size]
            if len(body) < 8 * size:
                continue
            chosen = tuple(sorted(np.frombuffer(body, dtype="<i8").tolist()))
            ballot = contents.get(chosen)
            if ballot is not None:
                met.at(ballot, hit.start())
                near = content[max(0, hit.start() - BEFORE) : hit.start()]
                for at in range(len(near) - 31):
                    envelopes.setdefault(near[at : at + 32], ballot)
        for hit in LIST.finditer(content):
            met.at(contents.get(tuple(sorted(map(int, hit[1].split(b","))))), hit.start())
        met.tell(ballots)
        met = _Met(name)
        for hit in mark.finditer(content):
            met.at(who.get(int.from_bytes(hit[1], "little")), hit.start())
        for hit in NUMBER.finditer(content):
            met.at(who.get(int(hit[0])), hit.start())
        met.tell(people)
    return envelopes


def keys_in(copy: Copy) -> set[bytes]:
    """Return everything that could be a key: bytes in tables, what the site was told, and in files
    every 32 bytes that PostgreSQL would have stored as one value."""
    found = set(copy.secrets)
    for rows in copy.tables.values():
        values = (value for row in rows for value in row.values())
        found |= {bytes(value) for value in values if isinstance(value, bytes | memoryview)}
    return found


STORED = re.compile(
    rb"(?=\x43(.{32}))", re.DOTALL
)  # a short value's own length byte, then the value


def stored_in(copy: Copy) -> Iterator[bytes]:
    """Return every 32 bytes in the files that could have been stored as one value."""
    seen: set[bytes] = set()
    for content in copy.files.values():
        for hit in STORED.finditer(content):
            if hit[1] not in seen and len(set(hit[1])) > 16:  # a key is no row of zeros
                seen.add(hit[1])
                yield hit[1]


# --- the tricks


Trick = tuple[str, NDArray[np.float64], NDArray[np.bool_]]


def attack(copy: Copy, pot: int, truth: Mapping[int, Ballot], lot: np.random.Generator) -> Found:
    """Try everything, and return how well the best trick names people's ballots."""
    people = sorted(truth)
    who = {number: place for place, number in enumerate(people)}
    listed = sorted(set(truth.values()))
    contents = {ballot: place for place, ballot in enumerate(listed)}
    own = np.array([contents[truth[number]] for number in people])
    left, right = people_in(copy, who), ballots_in(copy, contents)
    envelopes = read_files(copy, left, right, who, contents, pot)
    for facts in right.known.values():
        envelopes |= {value: b for b, value in facts.items() if isinstance(value, bytes)}
    tricks = [
        *_equal_values(left, right, own, len(listed)),
        *_envelopes(copy, envelopes, people, own),
        *_orders(left, right, own, len(listed), lot),
    ]
    by, share, least, most, named_right = _judged(tricks, len(own), lot)
    return Found(
        advantage=round(share - NAMED, 4),
        least=round(least - NAMED, 4),
        most=round(most - NAMED, 4),
        by=by,
        tricks=len(tricks),
        named_right=named_right,
        rank_correlation=round(_strongest(left, right, own, lot), 3),
    )


def _equal_values(left: Side, right: Side, own: NDArray[np.int64], many: int) -> Iterator[Trick]:
    """Where a value of a person is a value of some ballots, those are named."""
    for name, facts in left.known.items():
        for other, against in right.known.items():
            where: dict[Hashable, list[int]] = defaultdict(list)
            for ballot, value in against.items():
                where[value].append(ballot)
            score = np.zeros(len(own))
            sure = np.zeros(len(own), dtype=bool)
            for person, value in facts.items():
                named = where.get(value, ())
                if own[person] in named:
                    score[person] = min(1.0, NAMED * many / len(named))
                    sure[person] = len(named) == 1
            if score.any():
                yield f"{name} = {other}", score, sure


WAYS: dict[str, Callable[[bytes, bytes], bytes]] = {
    "hmac": lambda key, name: hmac.digest(key, name, hashlib.sha256),
    "sha256": lambda key, name: hashlib.sha256(key + name).digest(),
}
TRIED = 20  # people with whom a key is tried before it is used on all


def _envelopes(
    copy: Copy, envelopes: Mapping[bytes, int], people: list[int], own: NDArray[np.int64]
) -> Iterator[Trick]:
    """Compute people's envelopes anew with every key there is, and look for them everywhere."""
    names = {
        "person:number": [f"person:{number}".encode() for number in people],
        "number": [str(number).encode() for number in people],
    }
    tried = [(what, how, way) for what in names for how, way in WAYS.items()]
    for key in chain([b""], keys_in(copy), stored_in(copy)):
        for what, how, way in tried:
            if any(way(key, name) in envelopes for name in names[what][:TRIED]):
                named = [envelopes.get(way(key, name)) for name in names[what]]
                right = np.array([one == mine for one, mine in zip(named, own, strict=True)])
                yield f"{how} of {what} with {key.hex()[:8]}", right.astype(float), right


def _orders(left: Side, right: Side, own: NDArray[np.int64], many: int,
            lot: np.random.Generator) -> Iterator[Trick]:  # fmt: skip
    """Lay each order of the people beside each order of the ballots, forwards and backwards."""
    ballots = {name: _places(facts, many, lot) for name, facts in right.known.items()}
    for name, facts in left.known.items():
        mine = _places(facts, len(own), lot)
        for other, theirs in ballots.items():
            at = theirs[own]
            for turned, way in ((False, ""), (True, " backwards")):
                gap = np.abs((1 - mine if turned else mine) - at)
                sure = gap < 0.5 / many
                yield f"{name} beside {other}{way}", (gap <= NAMED / 2).astype(float), sure


def _places(facts: Mapping[int, Any], many: int, lot: np.random.Generator) -> NDArray[np.float64]:
    """Return where each stands in an order, from 0 to 1; who is not in it stands nowhere."""
    places = np.full(many, np.nan)
    try:
        ordered = sorted(facts, key=lambda one: (facts[one], lot.random()))
    except TypeError:  # values of several kinds
        return places
    places[ordered] = (np.arange(len(ordered)) + 0.5) / len(ordered)
    return places


def _judged(
    tricks: list[Trick], people: int, lot: np.random.Generator
) -> tuple[str, float, float, float, int]:
    """Choose the best trick on one half of the people, and judge it by the other half."""
    told = lot.permutation(people) < people // 2
    name, score, sure = max(tricks, key=lambda trick: trick[1][told].sum() + trick[2][told].sum())
    rest = score[~told]
    # Wilson's interval: also right where nearly nobody, or nearly everybody, is named.
    share, many, z = float(rest.mean()), len(rest), 1.96
    middle = (share + z * z / (2 * many)) / (1 + z * z / many)
    width = z / (1 + z * z / many) * np.sqrt(share * (1 - share) / many + (z / (2 * many)) ** 2)
    return name, share, float(middle - width), float(middle + width), int(sure[~told].sum())


def strongest_with_time(copy: Copy, pot: int, moments: Mapping[int, float]) -> tuple[float, str]:
    """Return how well any order of the people gives away the order in which they voted, and which."""
    people = sorted(moments)
    who = {number: place for place, number in enumerate(people)}
    side = people_in(copy, who)
    read_files(copy, side, Side(1), who, {}, pot)
    lot = np.random.default_rng(4)
    at = np.array([moments[number] for number in people]).argsort().argsort()
    found = (0.0, "")
    for name, facts in side.known.items():
        places = _places(facts, len(people), lot)
        there = ~np.isnan(places)
        if there.sum() > 10:
            found = max(found, (abs(float(np.corrcoef(places[there], at[there])[0, 1])), name))
    return round(found[0], 3), found[1]


def _strongest(left: Side, right: Side, own: NDArray[np.int64], lot: np.random.Generator) -> float:
    """Return the strongest rank correlation between an order of people and one of their ballots."""
    strongest = 0.0
    for facts in left.known.values():
        mine = _places(facts, len(own), lot)
        for against in right.known.values():
            theirs = _places(against, right.count, lot)[own]
            both = ~np.isnan(mine) & ~np.isnan(theirs)
            if both.sum() > 10:
                strongest = max(strongest, abs(np.corrcoef(mine[both], theirs[both])[0, 1]))
    return float(strongest)
