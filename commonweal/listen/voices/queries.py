"""Reading what people say to statements: all one vote has to know, and each person's own part."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from time import monotonic
from typing import Any, NamedTuple

import numpy as np
from django.conf import settings
from django.db import connection
from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from numpy.typing import NDArray

from commonweal.engine.opinion.routing import Bearings, Position, draw, position
from commonweal.engine.opinion.similar import Texts
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Community, Membership, Standing
from commonweal.ground.places.rules import Viewer, voices
from commonweal.kit.unwritten import unwritten, unwritten_rows
from commonweal.listen.conversations.models import (
    Conversation,
    DetailChoice,
    Participant,
    State,
    Statement,
)
from commonweal.listen.conversations.queries import conversations
from commonweal.listen.voices.models import CERTAIN, DetailAnswer, Policy, Report, Showing

KNOWN_FOR = 5.0  # seconds for which a process trusts what it knows of a conversation's statements
MOST_KNOWN = 200  # conversations that one process keeps in mind
ALIKE = 0.25  # from here on two texts may say the same
MOST_COMPARED = 400
MOST_BACK = 50  # so many answers back, a statement is looked for that can still be changed
MARK = re.compile(r"[0-9a-f]{32}")


# --- who somebody is here


def holder_of(browser: str, conversation_id: int) -> bytes:
    """Return under what a browser is known in one conversation: in each under something else."""
    secret = f"voices:{settings.SECRET_KEY}".encode()
    return hmac.digest(secret, f"{conversation_id}:{browser}".encode(), hashlib.sha256)


def holder(viewer: Viewer, conversation_id: int) -> bytes | None:
    """Return under what this viewer's browser is known here; nothing if it has no mark of ours."""
    if not MARK.fullmatch(viewer.browser):
        return None
    return holder_of(viewer.browser, conversation_id)


def guest_here(viewer: Viewer, conversation: Conversation) -> Participant | None:
    """Return who took part in this browser without an account."""
    mark = holder(viewer, conversation.pk)
    if mark is None:
        return None
    return Participant.objects.filter(conversation=conversation, holder=mark).first()


def participant_of(viewer: Viewer, conversation: Conversation) -> Participant | None:
    """Return the viewer as somebody who takes part: by account, or else by browser."""
    if viewer.person is None:
        return guest_here(viewer, conversation)
    return Participant.objects.filter(conversation=conversation, person=viewer.person).first()


# --- one person's part


@dataclass(frozen=True)
class Said:
    """One statement that was shown to somebody, and what they said to it, if anything."""

    statement: int
    value: int | None
    policy: str


@dataclass(frozen=True)
class Part:
    """What somebody has seen and said so far, in the order in which it came to them."""

    participant_id: int | None = None
    said: tuple[Said, ...] = ()
    lately: int = 0

    @property
    def answered(self) -> list[Said]:
        """Return what they answered; a statement of their own is none."""
        return [one for one in self.said if one.value is not None and one.policy != Policy.OWN]

    @property
    def waiting(self) -> list[int]:
        """Return the statements that came to them by lot and that they did not answer, last first."""
        return [one.statement for one in reversed(self.said) if one.value is None]

    def value_of(self, statement_id: int) -> int | None:
        """Return what they said to a statement."""
        return next((one.value for one in self.said if one.statement == statement_id), None)


# The values of one person are a few dozen, in an index of their own; how often they answered within
# the last minute is counted on the way.
_SAID = """
  LEFT JOIN LATERAL (
       SELECT array_agg(statement_id ORDER BY id) AS seen, array_agg(value ORDER BY id) AS said,
              array_agg(policy ORDER BY id) AS by,
              count(*) FILTER (WHERE voted_at > clock_timestamp() - interval '1 minute') AS lately
         FROM voices_showing WHERE participant_id = who.id) mine ON true
"""
_WHO = {
    "person": "conversation_id = %s::bigint AND person_id = %s::bigint",
    "browser": "conversation_id = %s::bigint AND holder = %s::bytea",
}


def part_of(viewer: Viewer, conversation_id: int) -> Part:
    """Return the viewer's part in a conversation, to be shown."""
    by, name = _name(viewer, conversation_id)
    sql = (
        f"SELECT who.id, seen, said, by, lately FROM conversations_participant who {_SAID}"  # noqa: S608 - ours
        f" WHERE {_WHO[by]}"
    )
    with unwritten() as cursor:
        cursor.execute(sql, [conversation_id, name])
        found = cursor.fetchone()
    return _part(*found) if found else Part()


def _name(viewer: Viewer, conversation_id: int) -> tuple[str, int | bytes | None]:
    if viewer.person is not None:
        return "person", viewer.person.pk
    return "browser", holder(viewer, conversation_id)


def _part(
    who: int | None,
    seen: Sequence[int] | None,
    said: Sequence[int | None] | None,
    by: Sequence[str] | None,
    lately: int | None,
) -> Part:
    rows = zip(seen or (), said or (), by or (), strict=True)
    return Part(who, tuple(Said(*row) for row in rows), lately or 0)


# --- the moment of voting

_CONVERSATION = ", ".join(
    f'held."{column.column}"' for column in Conversation._meta.concrete_fields
)


def _held(by: str) -> str:
    """Return the statement that brings all a vote has to know.

    The conversation is locked so that many vote at once and nobody while it is changed or closed;
    whoever takes part, so that nobody puts their answers under an account meanwhile, and their own
    tabs come one after the other: each keeps an answer and draws what the other may be answering.
    The clock is read when both locks are there.
    """
    return f"""
WITH held AS MATERIALIZED (
    SELECT conversation.* FROM conversations_conversation conversation
     WHERE id = %s::bigint AND authority_id = %s::bigint FOR SHARE
), who AS MATERIALIZED (
    SELECT id FROM conversations_participant WHERE {_WHO[by]} FOR NO KEY UPDATE
)
SELECT {_CONVERSATION}, clock_timestamp() AS now, who.id AS who, seen, said, by, lately,
       jsonb_build_array(place.id, place.name, place.slug, place.ancestors) AS place,
       (SELECT challenge.published_at FROM challenges_challenge challenge
         WHERE challenge.id = held.challenge_id) AS published_at,
       (SELECT jsonb_agg(jsonb_build_array(m.level, m.expires_at, c.id, c.name, c.slug, c.ancestors))
          FROM places_membership m JOIN places_community c ON c.id = m.community_id
         WHERE m.person_id = %s::bigint AND c.authority_id = held.authority_id) AS belongs,
       (SELECT jsonb_agg(jsonb_build_array(s.kind, s.confirmed_at IS NOT NULL, c.id, c.name, c.slug,
                                           c.ancestors))
          FROM places_standing s JOIN places_community c ON c.id = s.community_id
         WHERE who.id IS NULL AND s.person_id = %s::bigint
           AND c.authority_id = held.authority_id) AS speaks
  FROM held
  JOIN places_community place ON place.id = held.community_id
  LEFT JOIN who ON true
  {_SAID}
"""  # noqa: S608 - ours


_HELD = {by: _held(by) for by in _WHO}


class Held(NamedTuple):
    """A conversation under a shared lock, the moment after the lock, and the viewer's part in it.

    ``standing`` is as what somebody speaks who takes part for the first time.
    """

    conversation: Conversation
    at: datetime
    part: Part
    is_hidden: bool
    standing: str


def held(viewer: Viewer, conversation_id: int) -> Held | None:
    """Return a conversation under a shared lock, and tell the viewer where they belong on the way."""
    by, name = _name(viewer, conversation_id)
    who = viewer.person.pk if viewer.person else None
    values = [conversation_id, viewer.authority.pk, conversation_id, name, who, who]
    for conversation in unwritten_rows(Conversation, _HELD[by], values):
        more = vars(conversation)
        at: datetime = more["now"]
        conversation.community = _community(viewer, *json.loads(more["place"]))
        if viewer.person is not None:
            viewer.memberships = [
                Membership(
                    person=viewer.person,
                    level=level,
                    expires_at=datetime.fromisoformat(expires_at) if expires_at else None,
                    community=_community(viewer, *place),
                )
                for level, expires_at, *place in json.loads(more["belongs"] or "[]")
            ]
        published = more["published_at"]
        is_hidden = conversation.is_draft or (
            conversation.challenge_id is not None and (published is None or published > at)
        )
        mine = (more[name] for name in ("who", "seen", "said", "by", "lately"))
        speaks = _speaks(viewer, conversation.community, json.loads(more["speaks"] or "[]"), at)
        return Held(conversation, at, _part(*mine), is_hidden, speaks)
    return None


def _speaks(viewer: Viewer, place: Community, rows: list[list[Any]], at: datetime) -> str:
    """Return as what the viewer speaks there first of all; nothing if they do not belong."""
    if viewer.person is None:
        return ""
    speaker = replace(viewer)
    speaker.memberships = viewer.memberships
    speaker.declared = [
        Standing(
            person=viewer.person,
            kind=kind,
            confirmed_at=at if is_confirmed else None,
            community=_community(viewer, *there),
        )
        for kind, is_confirmed, *there in rows
    ]
    found = voices(speaker, place)
    return found[0].kind if found else ""


def _community(viewer: Viewer, pk: int, name: str, slug: str, ancestors: list[int]) -> Community:
    return Community(pk=pk, name=name, slug=slug, ancestors=ancestors, authority=viewer.authority)


# --- what is shown next


@dataclass(frozen=True)
class Counted:
    """How often each statement has been shown, up to the showing with a number."""

    shown: Mapping[int, int]
    through: int


@dataclass
class Known:
    """What a process knows of the statements of a conversation, for some seconds."""

    statements: NDArray[np.int64]
    shown: NDArray[np.int64]
    bearings: Bearings
    counted: Counted
    made_at: datetime | None
    read_at: float

    @property
    def is_fresh(self) -> bool:
        """Tell whether it was read a moment ago."""
        return monotonic() - self.read_at < KNOWN_FOR

    def has(self, statement_id: int) -> bool:
        """Tell whether people vote on a statement, as far as is known."""
        place = int(np.searchsorted(self.statements, statement_id))
        return place < len(self.statements) and int(self.statements[place]) == statement_id


class Drawn(NamedTuple):
    """A statement that is shown by lot: out of how many, and with what chance in millionths."""

    statement: int
    out_of: int
    chance_millionths: int


_known: dict[int, Known] = {}
# One question: which statements there are, what the map has found since it was asked last, and what was
# shown since it was counted last. A new map begins the count anew from where it had counted to.
_FRESH = """
SELECT (SELECT array_agg(id ORDER BY id) FROM conversations_statement
         WHERE conversation_id = %(conversation)s::bigint AND state = 'shown'),
       map.made_at, map.through, map.statements, map.shown, map.arrays,
       since.statements, since.many, since.through
  FROM (SELECT 1) AS one
  LEFT JOIN LATERAL (
       SELECT made_at, through, statements, shown, arrays FROM voices_routing
        WHERE conversation_id = %(conversation)s::bigint
          AND made_at IS DISTINCT FROM %(made_at)s::timestamptz) map ON true
  LEFT JOIN LATERAL (
       SELECT array_agg(statement_id) AS statements, array_agg(many) AS many, max(last) AS through
         FROM (SELECT statement_id, count(*) AS many, max(id) AS last FROM voices_showing
                WHERE conversation_id = %(conversation)s::bigint
                  AND id > coalesce(nullif(map.through, 0), %(through)s::bigint)
                GROUP BY statement_id) AS each) since ON true
"""


def known(conversation_id: int, *, afresh: bool = False) -> Known:
    """Return what decides which statement is shown next, some seconds old, or read just now."""
    before = _known.get(conversation_id)
    if before is not None and before.is_fresh and not afresh:
        return before
    if len(_known) > MOST_KNOWN:
        _known.clear()
    found = _known[conversation_id] = _read(conversation_id, before)
    return found


def _read(conversation_id: int, before: Known | None) -> Known:
    asked: dict[str, Any] = {
        "conversation": conversation_id,
        "made_at": before.made_at if before else None,
        "through": before.counted.through if before else 0,
    }
    with unwritten() as cursor:
        cursor.execute(_FRESH, asked)
        ids, made_at, through, mapped, often, arrays, newly, many, last = cursor.fetchone()
    shown: dict[int, int] = dict(before.counted.shown) if before else {}
    reached = asked["through"]
    if through:
        shown, reached = dict(zip(mapped, often, strict=True)), through
    for statement, more in zip(newly or (), many or (), strict=True):
        shown[statement] = shown.get(statement, 0) + more
    statements = np.array(ids or (), dtype=np.int64)
    return Known(
        statements=statements,
        shown=np.array([shown.get(one, 0) for one in statements.tolist()], dtype=np.int64),
        bearings=_bearings(arrays, before),
        counted=Counted(shown, last or reached),
        made_at=made_at or (before.made_at if before else None),
        read_at=monotonic(),
    )


def _bearings(arrays: bytes | None, before: Known | None) -> Bearings:
    if arrays:
        try:
            return Bearings.unpacked(bytes(arrays))
        except ValueError:  # of another version: the next map brings new ones
            return Bearings.unknown()
    return before.bearings if before else Bearings.unknown()


def counted(conversation_id: int) -> Counted:
    """Return how often each statement has been shown, going on from where the last map had counted to."""
    with unwritten() as cursor:
        cursor.execute(_FRESH, {"conversation": conversation_id, "made_at": None, "through": 0})
        _ids, _made, through, mapped, often, _arrays, newly, many, last = cursor.fetchone()
    shown: dict[int, int] = dict(zip(mapped, often, strict=True)) if through else {}
    for statement, more in zip(newly or (), many or (), strict=True):
        shown[statement] = shown.get(statement, 0) + more
    return Counted(shown, last or through or 0)


def drawn(about: Known, part: Part, lot: np.random.Generator) -> Drawn | None:
    """Draw what somebody sees next from what they have not seen; nothing if they have seen it all."""
    seen = np.array([one.statement for one in part.said], dtype=np.int64)
    unseen = ~np.isin(about.statements, seen)
    found = draw(
        about.bearings, about.statements, about.shown, unseen, lot, position=_stands(about, part)
    )
    if found is None:
        return None
    chance = min(CERTAIN, max(1, round(found.probability * CERTAIN)))
    if part.participant_id is not None:
        about.shown[found.statement] += 1  # till it is counted
    return Drawn(int(about.statements[found.statement]), found.candidates, chance)


def _stands(about: Known, part: Part) -> Position | None:
    if not about.bearings.dimensions:
        return None
    answered = [(one.statement, one.value) for one in part.said if one.value is not None]
    ids = np.array([statement for statement, _ in answered], dtype=np.int64)
    return position(about.bearings, ids, [value for _, value in answered])


# --- statements to show


class Card(NamedTuple):
    """A statement before somebody, by what lot it came, and what they said to it before."""

    statement: Statement
    drawn: Drawn | None = None
    value: int | None = None
    is_back: bool = False


def shown_statement(conversation_id: int, number: int) -> Statement | None:
    """Return the statement with this number, if people vote on it."""
    rows = Statement.objects.filter(conversation=conversation_id, number=number)
    return rows.filter(state=State.SHOWN).first()


def card_for_a_stranger(conversation: Conversation, lot: np.random.Generator) -> Card | None:
    """Return what somebody sees first who does not take part yet; that it was shown stays unwritten."""
    for afresh in (False, True):
        about = known(conversation.pk, afresh=afresh)
        lots = drawn(about, Part(), lot)
        if lots is None:
            continue
        found = Statement.objects.filter(pk=lots.statement, state=State.SHOWN).first()
        if found is not None:
            return Card(found, lots)
    return None


def card_before(conversation: Conversation, part: Part, number: int | None) -> Card | None:
    """Return the last answer, or that before the statement with a number, to be changed."""
    answered = [one.statement for one in part.answered]
    rows = Statement.objects.filter(conversation=conversation, state=State.SHOWN)
    if number is not None:
        here = rows.filter(number=number).values_list("pk", flat=True).first()
        answered = answered[: answered.index(here)] if here in answered else []
    still = {one.pk: one for one in rows.filter(pk__in=answered[-MOST_BACK:])}
    for pk in reversed(answered[-MOST_BACK:]):
        if pk in still:
            return Card(still[pk], value=part.value_of(pk), is_back=True)
    return None


def how_many(conversation: Conversation) -> int:
    """Return how many statements people vote on, some seconds old."""
    return len(known(conversation.pk).statements)


# --- statements that say the same

_PLAIN = "regexp_replace(lower(translate({}, '’‘“”–—…·', '')), '[[:space:][:punct:]]+', '', 'g')"
_SAME = f"""
SELECT id FROM conversations_statement
 WHERE conversation_id = %s AND state IN ('shown', 'waiting', 'merged', 'rejected')
   AND ({_PLAIN.format("text")} = {_PLAIN.format("%s::text")} OR lower(text) = lower(%s::text))
   AND ({_PLAIN.format("text")} <> '' OR lower(text) = lower(%s::text))
 ORDER BY array_position(ARRAY['shown', 'merged', 'waiting', 'rejected'], state::text), id LIMIT 1
"""  # noqa: S608 - ours
_NEAR = """
SELECT id, text FROM conversations_statement
 WHERE conversation_id = %s AND state = 'shown'
 ORDER BY (SELECT count(*) FROM unnest(%s::text[]) AS word WHERE position(word IN lower(text)) > 0)
          DESC, id
 LIMIT %s
"""


def same_words(conversation: Conversation, text: str) -> Statement | None:
    """Return the statement that says the same, but for signs and capitals; first what is shown."""
    with connection.cursor() as cursor:
        cursor.execute(_SAME, [conversation.pk, text, text, text])
        found = cursor.fetchone()
    if found is None:
        return None
    return Statement.objects.select_related("same_as").get(pk=found[0])


def alike(conversation: Conversation, text: str, *, most: int = 3) -> list[Statement]:
    """Return the statements that may say the same, the closest first.

    Of very many only those are compared that share most words with it. What is not half as close
    as the closest is left out.
    """
    stems = sorted({word[:5] for word in re.findall(r"\w+", text.lower()) if len(word) > 2})
    with connection.cursor() as cursor:
        cursor.execute(_NEAR, [conversation.pk, stems, MOST_COMPARED])
        rows = sorted(cursor.fetchall())
    near = _texts(tuple(text for _id, text in rows)).like(text, least=ALIKE, most=most)
    ids = [rows[place][0] for place, likeness in near if likeness >= near[0][1] / 2]
    found = {one.pk: one for one in Statement.objects.filter(pk__in=ids)}
    return [found[pk] for pk in ids if pk in found]


@lru_cache(maxsize=32)
def _texts(texts: tuple[str, ...]) -> Texts:
    return Texts(texts)


# --- what is somebody's own


def own_statements(participant: Participant) -> QuerySet[Statement]:
    """Return what somebody added, the newest first, with ``others``: whether anybody else voted."""
    others = Showing.objects.filter(statement=OuterRef("pk"), value__isnull=False)
    return (
        Statement.objects.filter(author=participant)
        .select_related("same_as")
        .annotate(others=Exists(others.exclude(participant=participant)))
        .order_by("-added_at", "-pk")
    )


def own_answers(participant: Participant) -> QuerySet[Showing]:
    """Return what somebody said to statements that people vote on, the newest first."""
    return (
        Showing.objects.filter(participant=participant, value__isnull=False)
        .exclude(policy=Policy.OWN)
        .filter(statement__state=State.SHOWN)
        .select_related("statement")
        .order_by("-pk")
    )


def answered_by(viewer: Viewer, conversation: Conversation) -> set[int]:
    """Return the statements to which the viewer said something, those they added among them."""
    said = part_of(viewer, conversation.pk).said
    return {one.statement for one in said if one.value is not None}


def has_answered(viewer: Viewer, statement: Statement) -> bool:
    """Tell whether the viewer said something to a statement: before that, nobody's answer is shown."""
    return part_of(viewer, statement.conversation_id).value_of(statement.pk) is not None


def author_to_tell(statement: Statement) -> Person | None:
    """Return whom to write to when a moderator has decided: an author with an account."""
    if statement.author_id is None:
        return None
    author = Participant.objects.filter(pk=statement.author_id, person__is_active=True)
    found = author.select_related("person").first()
    return found.person if found else None


def details_said(conversation: Conversation, participant: Participant) -> dict[int, int]:
    """Return what somebody says of themselves, choice by detail, while that can be found."""
    if conversation.key is None:
        return {}
    envelope = conversation.seal(participant.pk)
    rows = DetailAnswer.objects.filter(conversation=conversation, envelope=envelope)
    return dict(rows.values_list("detail_id", "choice_id"))


def taken_part_in(viewer: Viewer) -> QuerySet[Conversation]:
    """Return the conversations in which this person takes part, with how much they ``answered``."""
    mine = Participant.objects.filter(conversation=OuterRef("pk"), person=viewer.person)
    many = (
        Showing.objects.filter(
            participant__conversation=OuterRef("pk"), participant__person=viewer.person
        )
        .filter(value__isnull=False)
        .exclude(policy=Policy.OWN)
        .order_by()
        .values("participant__conversation")
        .annotate(n=Count("pk"))
        .values("n")
    )
    return conversations(viewer).filter(Exists(mine)).annotate(answered=Coalesce(Subquery(many), 0))


def mine_panel(viewer: Viewer, thing: None) -> Mapping[str, Any] | None:
    """Return the conversations a person takes part in."""
    if viewer.person is None:
        return None
    found = list(taken_part_in(viewer)[:10])
    return {"conversations": found} if found else None


def personal(person: Person) -> Iterable[Mapping[str, Any]]:
    """Return all a person said in conversations: answers, statements, reports, and of themselves."""
    rows = Participant.objects.filter(person=person).select_related("conversation").order_by("pk")
    for one in rows:
        conversation = one.conversation
        said = Showing.objects.filter(participant=one).select_related("statement").order_by("pk")
        own = Statement.objects.filter(author=one).order_by("pk")
        reports = Report.objects.filter(participant=one).select_related("statement").order_by("pk")
        choices = details_said(conversation, one).values()
        details = DetailChoice.objects.filter(pk__in=choices).select_related("detail")
        yield {
            "conversation": conversation.question,
            "since": one.joined_at.isoformat(),
            "as": one.standing,
            "answers": [
                {
                    "statement": row.statement.text if row.statement.is_public else "",
                    "number": row.statement.number,
                    "shown_at": row.shown_at.isoformat(),
                    "answer": row.get_value_display() if row.value is not None else "",
                    "answered_at": row.voted_at.isoformat() if row.voted_at else "",
                }
                for row in said
            ],
            "statements": [
                {
                    "statement": row.text,
                    "number": row.number,
                    "added_at": row.added_at.isoformat(),
                    "state": row.get_state_display(),
                    "reason": row.get_reason_display() if row.reason else "",
                }
                for row in own
            ],
            "reports": [
                {
                    "number": row.statement.number,
                    "reason": row.get_reason_display(),
                    "words": row.words,
                }
                for row in reports
            ],
            "of_myself": [{"question": row.detail.label, "answer": row.label} for row in details],
        }
