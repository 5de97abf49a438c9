"""Votes as the engine reads them, and the map as its pages read it."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import Exists, F, IntegerField, OuterRef, Q, QuerySet
from django.db.models.functions import Cast
from numpy.typing import NDArray

from commonweal.engine import opinion
from commonweal.ground.places.rules import Viewer
from commonweal.kit.composed import among, composed
from commonweal.kit.copy import copy_grouped
from commonweal.listen.conversations.models import Conversation, DetailChoice, State, Statement
from commonweal.listen.maps.models import Finding, Map
from commonweal.listen.moderation.models import Case, CaseState
from commonweal.listen.moderation.queries import set_aside_participants
from commonweal.listen.voices.models import DetailAnswer, Routing, Showing
from commonweal.listen.voices.queries import answered_by, has_answered
from commonweal.listen.voices.rules import answers_first

FEWEST = 5
LETTERS = "ABCDEFGHIJKLMNOP"
Floats = NDArray[np.float64]

# --- when a map is due

SETTLES = timedelta(seconds=20)  # a vote that was on its way at the close has arrived by then
LEAST_PAUSE = timedelta(seconds=10)
LOCK = 0x6D6170  # of all that the database locks by number, these are maps
TIMES_ITS_COST = 20  # of one worker's time, no more than this part goes into one conversation
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def looked_after(at: datetime) -> QuerySet[Conversation]:
    """Return the conversations whose map may be due: open ones, and closed ones without a last map."""
    over = Q(closes_at__lte=at - SETTLES)
    last = Map.objects.filter(conversation=OuterRef("pk"), is_final=True)
    return (
        Conversation.objects.filter(is_draft=False, opens_at__lte=at)
        .filter(Q(withdrawn_at__isnull=True) | over)
        .exclude(over & Exists(last))
        .defer("key")
        .order_by("pk")
    )


def reason_to_draw(conversation: Conversation, before: Map | None, at: datetime) -> str:
    """Say why a map is due: ``final``, ``votes`` or ``lists``; nothing where it is not.

    Between two maps at least five people have voted: whoever compares them learns nothing of one.
    """
    closes_at = conversation.closes_at
    if closes_at is not None and closes_at + SETTLES <= at:
        return "" if before is not None and before.is_final else "final"
    if conversation.withdrawn_at is not None:
        return ""
    if before is not None and at < before.made_at + _pause(before):
        return ""
    if _as_many_voted(conversation.pk, before.until_at if before else _EPOCH):
        return "votes"
    return "lists" if before is not None and _moderated(conversation.pk, before) else ""


def _pause(before: Map) -> timedelta:
    return max(LEAST_PAUSE, timedelta(milliseconds=TIMES_ITS_COST * before.milliseconds))


def _as_many_voted(conversation_id: int, since: datetime) -> bool:
    newer = Showing.objects.filter(conversation=conversation_id, voted_at__gt=since)
    return len(newer.order_by().values("participant").distinct()[:FEWEST]) >= FEWEST


def _moderated(conversation_id: int, before: Map) -> bool:
    rows = Statement.objects.filter(conversation=conversation_id)
    if rows.filter(decided_at__gt=before.made_at).exists() or _judged(conversation_id, before):
        return True
    return rows.filter(state=State.SHOWN).count() != before.statements


def _judged(conversation_id: int, before: Map) -> bool:
    cases = Case.objects.filter(conversation=conversation_id)
    return cases.filter(decided_at__gt=before.made_at).exists()


@contextmanager
def held(conversation_id: int) -> Iterator[bool]:
    """Hold a conversation's map while it is worked out; tell whether nobody else does."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [LOCK, conversation_id % 2**31])
        (ours,) = cursor.fetchone()
        try:
            yield bool(ours)
        finally:
            if ours:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK, conversation_id % 2**31])


# --- for the engine

LEAST_CHANCE, MOST_CHANCE = 0.2, 5.0  # times as likely to be shown as by plain lot

_VOTES = """
SELECT statement_id, array_agg(participant_id), array_agg((value + 1 + 4 * CASE
       WHEN chance_millionths IS NULL THEN 1000
       ELSE least(5000, greatest(200, chance_millionths::bigint * out_of / 1000)) END)::bigint)
  FROM voices_showing WHERE conversation_id = %s AND value IS NOT NULL"""
_GROUPED = " GROUP BY statement_id"
_UNTIL = " AND voted_at <= 'epoch'::timestamptz + %s * interval '1 microsecond'"
_SINCE = """ AND participant_id IN (SELECT participant_id FROM voices_showing WHERE conversation_id = %s
   AND voted_at > 'epoch'::timestamptz + %s * interval '1 microsecond')"""


@dataclass(frozen=True, eq=False)
class Log:
    """Votes as they were read: who, on what, with the vote and the chance of showing in one number."""

    person: NDArray[np.int64]
    statement: NDArray[np.int64]
    code: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.code)

    @property
    def value(self) -> NDArray[np.int64]:
        """1 agree, 0 pass, -1 disagree."""
        return (self.code & 3) - 1

    @property
    def chance(self) -> Floats:
        """How likely it was to be shown, as a part of the most likely there is."""
        return (self.code >> 2) / (1000 * MOST_CHANCE)

    def without(self, people: Sequence[int]) -> Log:
        """Leave out the votes of some people."""
        stays = ~np.isin(self.person, np.array(people, dtype=np.int64))
        return Log(self.person[stays], self.statement[stays], self.code[stays])

    def among_equals(self) -> tuple[Log, NDArray[np.int64]]:
        """Number people by what they said, and not by when they came; return also who is who.

        The same votes give the same numbers, in whatever order they were cast.
        """
        people, place = np.unique(self.person, return_inverse=True)
        mark = np.zeros(len(people), dtype=np.uint64)
        what = np.unique(self.statement, return_inverse=True)[1]
        np.add.at(mark, place, _mixed(what, self.code))
        order = np.argsort(mark, kind="stable")
        number = np.empty(len(people), dtype=np.int64)
        number[order] = np.arange(len(people))
        return Log(number[place], self.statement, self.code), people[order]

    def votes(self, statements: Sequence[int] = ()) -> tuple[opinion.Votes, Floats]:
        """Return the votes and the chance of each, in the engine's order."""
        built = opinion.Votes.from_log(
            self.person, self.statement, self.value, statements=np.array(statements, dtype=np.int64)
        )
        return built, self.chance[np.lexsort((self.statement, self.person))]


def _mixed(statement: NDArray[np.int64], code: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Turn each vote into a number that looks like chance (splitmix64)."""
    x = statement.astype(np.uint64) * np.uint64(2**15) + code.astype(np.uint64)
    x += np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def log(conversation_id: int, *, until: datetime) -> Log:
    """Return every vote of a conversation up to a moment."""
    asked = [conversation_id, _micros(until)]
    return _log(copy_grouped(_VOTES + _UNTIL + _GROUPED, asked, columns=3))


def log_of_those_since(conversation_id: int, *, since: datetime, until: datetime) -> Log:
    """Return all votes of those who voted since a moment, their older ones too."""
    asked = [conversation_id, _micros(until), conversation_id, _micros(since)]
    return _log(copy_grouped(_VOTES + _UNTIL + _SINCE + _GROUPED, asked, columns=3))


def _log(rows: NDArray[np.int64]) -> Log:
    return Log(rows[:, 1], rows[:, 0], rows[:, 2])


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def states(conversation_id: int) -> tuple[list[int], list[int]]:
    """Return the statements that people vote on, and those that stand on no list."""
    rows = Statement.objects.filter(conversation=conversation_id).order_by("pk")
    told = list(rows.values_list("pk", "state"))
    return (
        [pk for pk, state in told if state == State.SHOWN],
        [pk for pk, state in told if state != State.SHOWN],
    )


@dataclass(frozen=True)
class Judged:
    """What moderators say of accounts that vote as one: whose votes stay out, and what hangs on others."""

    aside: list[int]
    hangs: list[int]


def judged(conversation: Conversation) -> Judged:
    """Return whose votes stay out, and the numbers of statements whose headline hangs on other cases."""
    others = Case.objects.filter(conversation=conversation).exclude(state=CaseState.SET_ASIDE)
    hangs = {
        int(effect["statement"])
        for effects in others.values_list("effects", flat=True)
        for effect in effects
        if not effect["stands"]
    }
    return Judged(set_aside_participants(conversation), sorted(hangs))


@dataclass(frozen=True, eq=False)
class About:
    """What people said of themselves in one detail: -1 where somebody said nothing."""

    detail: int
    choices: list[int]
    residents_in_1000: list[int | None]
    code: NDArray[np.int64]

    @property
    def counts(self) -> list[int]:
        """How many people chose each."""
        there = self.code[self.code >= 0]
        return [int(n) for n in np.bincount(there, minlength=len(self.choices))]


def abouts(conversation: Conversation, people: NDArray[np.int64]) -> list[About]:
    """Return what these participants said of themselves, as long as the key is there.

    The only place where answers meet votes; it hands out nobody's number.
    """
    choices = DetailChoice.objects.filter(detail__conversation=conversation)
    known: dict[int, list[tuple[int, int | None]]] = {}
    for pk, detail, residents in choices.order_by("detail__position", "detail", "position", "pk").values_list("pk", "detail", "residents_in_1000"):  # fmt: skip
        known.setdefault(detail, []).append((pk, residents))
    if not known or conversation.key is None:
        return []
    place = {conversation.seal(who): i for i, who in enumerate(people.tolist())}
    found = {
        detail: About(
            detail,
            [pk for pk, _residents in listed],
            [residents for _pk, residents in listed],
            np.full(len(people), -1, dtype=np.int64),
        )
        for detail, listed in known.items()
    }
    at = {detail: {pk: k for k, pk in enumerate(about.choices)} for detail, about in found.items()}
    rows = DetailAnswer.objects.filter(conversation=conversation).order_by()
    for envelope, detail, choice in rows.values_list("envelope", "detail", "choice").iterator(
        chunk_size=20_000
    ):
        i = place.get(bytes(envelope))
        if i is not None and detail in found and choice in at[detail]:
            found[detail].code[i] = at[detail][choice]
    return list(found.values())


def times_shown(conversation_id: int) -> dict[int, int]:
    """Return how often each statement was shown, as what routes showings has it."""
    kept = Routing.objects.filter(conversation=conversation_id).values_list("statements", "shown")
    return dict(zip(*kept[0], strict=True)) if kept else {}


# --- small numbers


def hidden(counts: Sequence[int]) -> list[bool]:
    """Say which of some counts stay hidden, whose sum is known: those under five, and never only one."""
    small = [0 < n < FEWEST for n in counts]
    if sum(small) == 1:
        others = [(n, i) for i, n in enumerate(counts) if n and not small[i]]
        if others:
            small[min(others)[1]] = True
    return small


# --- placing one person


@dataclass(frozen=True, eq=False)
class Chart:
    """What places one person on a map from their own votes."""

    bearings: opinion.Bearings
    onto: Floats
    view: Floats
    rate: Floats
    share: Floats

    def packed(self) -> bytes:
        """Return all this as bytes, to be read by :meth:`unpacked`."""
        out = io.BytesIO()
        kept = np.frombuffer(self.bearings.packed(), dtype=np.uint8)
        small = self.rate.astype(np.float32)
        np.savez(out, bearings=kept, onto=self.onto, view=self.view, rate=small, share=self.share)
        return out.getvalue()

    @classmethod
    def unpacked(cls, content: bytes) -> Chart:
        """Read what :meth:`packed` wrote."""
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            bearings = opinion.Bearings.unpacked(file["bearings"].tobytes())
            rate = file["rate"].astype(np.float64)
            return cls(bearings, file["onto"], file["view"], rate, file["share"])

    def belongs(self, rows: NDArray[np.intp], value: NDArray[np.int64]) -> Floats:
        """Say how likely somebody with these votes belongs to each group."""
        told = (value != 0) & (rows < len(self.rate))
        rate, side = self.rate[rows[told]], value[told, None] > 0
        odds = np.log(self.share) + np.log(np.where(side, rate, 1 - rate)).sum(axis=0)
        odds = np.exp(odds - odds.max())
        found: Floats = odds / odds.sum()
        return found

    def drawn(self, place: Floats) -> tuple[float, float]:
        """Return where a place lies on the drawing."""
        left, bottom, scale, height = self.view.tolist()
        across = (float(place[0]) - left) * scale
        up = height - (float(place[1]) - bottom) * scale if len(place) > 1 else 0.0
        return across, up


@dataclass(frozen=True)
class Me:
    """Where one person stands: on the drawing, in which group, and how surely."""

    answered: int
    x: float
    y: float
    radius: float
    belongs: tuple[float, ...]

    @property
    def group(self) -> int:
        """The group they are nearest to."""
        return max(range(len(self.belongs)), key=self.belongs.__getitem__)

    @property
    def tenths(self) -> int:
        """How likely that is, in whole tenths, never quite sure."""
        return max(1, min(9, round(10 * self.belongs[self.group])))

    @property
    def second(self) -> int:
        """The group they are next nearest to."""
        order = sorted(range(len(self.belongs)), key=lambda g: -self.belongs[g])
        return order[1] if len(order) > 1 else order[0]


def answers_of(participant_id: int) -> list[tuple[int, int]]:
    """Return on which statements somebody voted, and how."""
    rows = Showing.objects.filter(participant=participant_id, value__isnull=False)
    return [
        (pk, value) for pk, value in rows.values_list("statement", "value") if value is not None
    ]


def place_of(drawn: Map | None, participant_id: int) -> Me | None:
    """Place a participant on a map; nothing where they have not answered."""
    answers = answers_of(participant_id)
    if not answers:
        return None
    return placed(chart_of(drawn) if drawn is not None else None, answers)


def placed(chart: Chart | None, answers: Sequence[tuple[int, int]]) -> Me:
    """Place somebody with these answers on a chart; without one, they have only answered."""
    if chart is None:
        return Me(len(answers), 0.0, 0.0, 0.0, (1.0,))
    names = np.array([pk for pk, _value in answers], dtype=np.int64)
    value = np.array([value for _pk, value in answers], dtype=np.int64)
    found = opinion.position(chart.bearings, names, value)
    belongs = tuple(chart.belongs(chart.bearings.rows(names), value).tolist())
    if not chart.onto.shape[1]:
        return Me(len(answers), 0.0, 0.0, 0.0, belongs)
    x, y = chart.drawn(found.where @ chart.onto)
    cover = chart.onto.T @ found.spread[1:, 1:] @ chart.onto
    radius = 1.645 * float(np.sqrt(np.trace(cover) / len(cover))) * float(chart.view[2])
    return Me(len(answers), x, y, radius, belongs)


def chart_of(drawn: Map) -> Chart | None:
    """Return what places people on a map, kept in this process until there is a newer one."""
    return _chart(drawn.conversation_id, drawn.made_at)


@lru_cache(maxsize=16)
def _chart(conversation_id: int, _made_at: datetime) -> Chart | None:
    content = Map.objects.filter(conversation=conversation_id).values_list("arrays", flat=True)
    found = bytes(content[0]) if content else b""
    return Chart.unpacked(found) if found else None


# --- for pages


def map_of(conversation_id: int) -> Map | None:
    """Return a conversation's map as it was made last."""
    found = _map_of(conversation=conversation_id)
    return found[0] if found else None


@composed
def _map_of(conversation: Any) -> QuerySet[Map]:
    return Map.objects.filter(conversation=conversation).defer("arrays")


def findings_on(statements: Sequence[int]) -> dict[int, Finding]:
    """Return what was found on these statements, those that a moderator took away left out."""
    found = _findings_on(statements=list(statements))
    return {finding.statement_id: finding for finding in found}


@composed
def _findings_on(statements: Any) -> QuerySet[Finding]:
    rows = Finding.objects.filter(among("statement", statements), statement__state=State.SHOWN)
    return rows.select_related("statement").only(*_OF_A_FINDING).order_by("pk")


_OF_A_FINDING = (
    "shown", "votes", "agree", "low", "high", "disagree", "passed", "weighted",
    "statement__text", "statement__number", "statement__conversation", "statement__state",
)  # fmt: skip

SORTS = ("agree", "disagree", "divided", "passed", "votes")


def all_findings(conversation: Conversation, *, sort: str, group: int = 0) -> QuerySet[Finding]:
    """Return what was found on every statement, in this order: ``agree`` ... as group 0, everybody, has it."""
    rows = (
        Finding.objects.filter(statement__conversation=conversation, statement__state=State.SHOWN)
        .select_related("statement")
        .only(*_OF_A_FINDING)
    )
    key: Any = F(f"{sort if sort != 'divided' else 'agree'}__{group}")
    if sort == "divided":
        key = Cast(key, IntegerField()) * F(f"disagree__{group}")
    return rows.alias(key=key).order_by(F("key").desc(nulls_last=True), "statement__number")


def colour_of(letter: str) -> str:
    """Return the class that colours a group: the fourth and later ones share one."""
    return f"g{letter.lower()}" if letter in "ABC" else "gd"


@dataclass(frozen=True)
class Part:
    """What everybody, or one group, says to a statement; empty where fewer than five voted."""

    letter: str
    votes: int | None
    agree: int
    low: int
    high: int
    disagree: int
    passed: int

    @property
    def begins(self) -> int:
        """Where on a bar of 100 those who disagree begin, so that they end at its end."""
        return 100 - self.disagree

    @property
    def colour(self) -> str:
        """The class that colours it."""
        return colour_of(self.letter)


@dataclass(frozen=True)
class Line:
    """One statement as the map tells it."""

    statement: Statement
    whole: Part
    groups: tuple[Part, ...]
    shown: int
    side: str = "agree"
    weighted: Part | None = None
    one: int = 0
    other: int = 0

    @property
    def parts(self) -> tuple[Part, ...]:
        """Each group's part; where there are no groups, everybody's."""
        return self.groups or (self.whole,)

    @property
    def overlap(self) -> tuple[Part, Part] | None:
        """The two groups that differ least, where their ranges overlap and others do not."""
        told = sorted((p for p in self.groups if p.votes is not None), key=lambda p: p.agree)
        pairs = [(a, b) for a, b in pairwise(told) if a.high >= b.low]
        return pairs[0] if len(told) > 2 and len(pairs) == 1 else None


def line(finding: Finding, *, side: str = "agree", one: float = 0, other: float = 0) -> Line:
    """Return a statement as the map tells it."""
    columns = (finding.votes, finding.agree, finding.low, finding.high, finding.disagree, finding.passed)  # fmt: skip
    parts = [
        _part("" if not g else LETTERS[g - 1], numbers)
        for g, numbers in enumerate(zip(*columns, strict=True))
    ]
    weighted = _part("", (parts[0].votes, *finding.weighted, 0, 0)) if finding.weighted else None
    return Line(
        finding.statement,
        parts[0],
        tuple(parts[1:]),
        finding.shown,
        side,
        weighted,
        round(100 * one),
        round(100 * other),
    )


def _part(letter: str, numbers: Sequence[int | None]) -> Part:
    if numbers[0] is None:
        return Part(letter, None, 0, 0, 0, 0, 0)
    agree, low, high, disagree, passed = (round((n or 0) / 10) for n in numbers[1:])
    return Part(letter, numbers[0], agree, low, high, disagree, passed)


def listed(drawn: Map) -> list[int]:
    """Return every statement that a map's page names."""
    told = drawn.told
    if not told:
        return []
    lists, weighted = told["lists"], (told["weighted"] or {}).get("lists", {})
    entries = [
        *lists["common_ground"],
        *lists["dividing"],
        *lists["group_statements"],
        *told["ends"],
        *weighted.get("common_ground", ()),
        *weighted.get("dividing", ()),
    ]
    named = [entry["statement"] for entry in entries]
    return list(dict.fromkeys([*named, *lists["uncertain"], *lists["short_list"]]))


def hanging(drawn: Map) -> list[Statement]:
    """Return the statements whose headline would not stand without accounts that vote as one."""
    numbers = drawn.told.get("hangs", [])
    if not numbers:
        return []
    rows = Statement.objects.filter(conversation=drawn.conversation_id, state=State.SHOWN)
    return list(rows.filter(number__in=numbers).order_by("number")[:5])


def who_took_part(drawn: Map) -> list[dict[str, Any]]:
    """Return for each detail who took part and who lives here, with the labels as they are now."""
    who = drawn.told.get("who", [])
    rows = DetailChoice.objects.filter(detail__in=[about["detail"] for about in who])
    labels = {pk: (label, detail) for pk, label, detail in rows.values_list("pk", "label", "detail__label")}  # fmt: skip
    found = []
    for about in who:
        choices = [
            {
                **choice,
                "label": labels[choice["choice"]][0],
                "in_100": _in_100(choice["in_1000"]),
                "residents_in_100": _in_100(choice["residents_in_1000"]),
            }
            for choice in about["choices"]
            if choice["choice"] in labels
        ]
        if choices:
            title = labels[choices[0]["choice"]][1]
            found.append({**about, "title": title, "choices": choices})
    return found


def _in_100(in_1000: int | None) -> int | None:
    return None if in_1000 is None else round(in_1000 / 10)


# --- for the pages of others


def on_statement(viewer: Viewer, statement: Statement) -> dict[str, Any] | None:
    """Return what a statement's page shows: how people voted on it, overall and in each group."""
    found = findings_on([statement.pk]).get(statement.pk)
    drawn = map_of(statement.conversation_id)
    if found is None or drawn is None:
        return None
    folded = answers_first(viewer, statement.conversation) and not has_answered(viewer, statement)
    return {"line": line(found), "drawn": drawn, "folded": folded}


def on_conversation(viewer: Viewer, conversation: Conversation) -> dict[str, Any] | None:
    """Return what a conversation's page shows: a small map, and what is common and what divides."""
    drawn = map_of(conversation.pk)
    if drawn is None:
        return None
    if not drawn.told:
        return {"drawn": drawn, "common": None, "dividing": None, "folded": False}
    lists = drawn.told["lists"]
    asked = [entry["statement"] for name in ("common_ground", "dividing") for entry in lists[name]]
    found = findings_on(asked)
    first = {
        name: next(
            (
                line(found[entry["statement"]], side=entry["side"])
                for entry in lists[name]
                if entry["statement"] in found
            ),
            None,
        )
        for name in ("common_ground", "dividing")
    }
    named = {one.statement.pk for one in first.values() if one is not None}
    folded = yet_to_answer(viewer, conversation, named)
    return {
        "drawn": drawn, "common": first["common_ground"], "dividing": first["dividing"],
        "folded": bool(folded),
    }  # fmt: skip


def yet_to_answer(viewer: Viewer, conversation: Conversation, statements: set[int]) -> set[int]:
    """Return on which of these statements the viewer can still vote and has not.

    What others said to them is folded away, so that it sways nobody's first answer.
    """
    if not statements or not answers_first(viewer, conversation):
        return set()
    return statements - answered_by(viewer, conversation)
