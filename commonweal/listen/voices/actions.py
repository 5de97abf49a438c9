"""Taking part: voting, adding, reporting, saying who one is, and leaving."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.models import Max, Q
from django.utils.translation import gettext as _

from commonweal.ground.journal.actions import record
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import StandingKind
from commonweal.ground.places.rules import Viewer, may_lead, voices
from commonweal.kit.unwritten import unwritten
from commonweal.listen.conversations.models import (
    MOST_STATEMENTS,
    Conversation,
    Detail,
    Moderation,
    Participant,
    Reason,
    State,
    Statement,
)
from commonweal.listen.voices import queries, rules
from commonweal.listen.voices.models import (
    DetailAnswer,
    Kind,
    Policy,
    Report,
    Routing,
    Showing,
    Value,
)
from commonweal.listen.voices.queries import Card, Drawn, Held, Part, Said


class NotOpen(Exception):
    """The conversation takes no votes and no statements at this moment."""

    def __init__(self, conversation: Conversation, at: datetime) -> None:
        super().__init__(conversation.question)
        self.conversation, self.at = conversation, at


class NotForThem(PermissionDenied):
    """This person is not among those who are asked; ``why_not`` tells how they could be."""

    def __init__(self, conversation: Conversation, why_not: rules.WhyNot) -> None:
        super().__init__(why_not.words)
        self.conversation, self.why_not = conversation, why_not


class StatementGone(Exception):
    """Nobody votes on this statement now: it was taken out meanwhile, or there never was one."""


class TooFast(Exception):
    """One person answers faster than anybody can read."""


class TooOften(Exception):
    """From one network, or by one person, very many things were done within the hour."""


class Network(NamedTuple):
    """Where somebody comes from, under a hash of this hour; how often they may do each thing."""

    name: bytes
    an_hour: Mapping[str, int]


class Voted(NamedTuple):
    """What came of a vote: whose part it is now, and what comes next, if anything does."""

    conversation: Conversation
    at: datetime
    part: Part
    value: Value
    card: Card | None


# --- voting


@transaction.atomic
def vote(
    *,
    viewer: Viewer,
    conversation_id: int,
    number: int,
    value: Value,
    network: Network,
    lot: np.random.Generator,
    came_by: Drawn | None = None,
    goes_on: bool = False,
) -> Voted:
    """Keep what somebody says to a statement, over anything earlier, and draw what comes next.

    ``came_by`` is the lot by which it came before somebody who did not take part yet. Without
    ``goes_on`` nothing is drawn once they have answered enough. Raises ``NotOpen`` outside its time,
    ``NotForThem``, ``StatementGone``, ``TooFast`` and ``TooOften``; then nothing is kept. Leaves
    nothing in the journal.
    """
    held = _held_open(viewer, conversation_id)
    part = held.part
    if part.lately >= rules.MOST_A_MINUTE:
        raise TooFast
    if part.participant_id is None and viewer.person is None:
        _brake(Kind.GUEST, network, held.at)
    said = _said(viewer, held, number, value, came_by)
    if part.participant_id is None:  # another tab may have been quicker
        part = (
            Part(said.participant_id) if said.is_new else queries.part_of(viewer, conversation_id)
        )
    part = _with(part, said.statement_id, value)
    card = None
    if goes_on or len(part.answered) < held.conversation.enough:
        card = _next(held.conversation, part, held.at, lot)
    return Voted(held.conversation, held.at, part, value, card)


@transaction.atomic
def show_next(
    *, conversation: Conversation, part: Part, at: datetime, lot: np.random.Generator
) -> Card | None:
    """Return what comes before somebody next, and keep that it was shown; nothing if that was all."""
    return _next(conversation, part, at, lot)


def _held_open(viewer: Viewer, conversation_id: int) -> Held:
    held = queries.held(viewer, conversation_id)
    if held is None:
        raise Conversation.DoesNotExist
    conversation = held.conversation
    if held.is_hidden and not may_lead(viewer, conversation.community):
        raise Conversation.DoesNotExist  # also to who found out its number
    if held.is_hidden or not conversation.is_open(held.at):
        raise NotOpen(conversation, held.at)
    refused = rules.why_not(_later(viewer, held.at), conversation)
    if refused:
        raise NotForThem(conversation, refused)
    return held


_READ = "rights", "memberships", "declared", "roles"


def _later(viewer: Viewer, at: datetime) -> Viewer:
    """Return the viewer at another moment, with what was read about them."""
    later = replace(viewer, at=at)
    later.__dict__.update({name: vars(viewer)[name] for name in _READ if name in vars(viewer)})
    return later


# Two first answers of one browser or one person, sent at once, meet here: the second waits for the
# first, and is of the same participant.
_JOIN = """
    INSERT INTO conversations_participant (conversation_id, person_id, holder, standing, joined_at)
    SELECT %(conversation)s::bigint, %(person)s::bigint, %(holder)s::bytea, %(standing)s::text,
           %(at)s::timestamptz
      {where}
    ON CONFLICT (conversation_id, {name})
       DO UPDATE SET joined_at = conversations_participant.joined_at
    RETURNING id, xmax = 0 AS is_new
"""
# A statement that a moderator takes out meanwhile is not voted on: whoever comes second waits, and looks
# again. An answer that stays the same keeps its moment, so that a double click is one answer.
_SAY = """
WITH what AS (
    SELECT id FROM conversations_statement
     WHERE conversation_id = %(conversation)s::bigint AND number = %(number)s::bigint
       AND state = 'shown' FOR SHARE
), who AS ({who})
INSERT INTO voices_showing AS mine (conversation_id, participant_id, statement_id, policy, out_of,
                                    chance_millionths, shown_at, value, voted_at)
SELECT %(conversation)s::bigint, who.id, what.id,
       CASE WHEN what.id = %(drawn)s::bigint THEN 'mixture' ELSE 'chosen' END,
       CASE WHEN what.id = %(drawn)s::bigint THEN %(out_of)s::bigint ELSE 1 END,
       CASE WHEN what.id = %(drawn)s::bigint THEN %(chance)s::bigint END,
       %(at)s::timestamptz, %(value)s::smallint, %(at)s::timestamptz
  FROM who, what
ON CONFLICT (participant_id, statement_id) DO UPDATE
   SET value = EXCLUDED.value,
       voted_at = CASE WHEN mine.value IS DISTINCT FROM EXCLUDED.value
                       THEN EXCLUDED.voted_at ELSE mine.voted_at END
RETURNING participant_id, statement_id, (SELECT is_new FROM who)
"""
_NAMES = {True: "person_id", False: "holder"}
_JOINS = {by: _JOIN.format(name=name, where="") for by, name in _NAMES.items()}
_SAYS: dict[bool | None, str] = {
    by: _SAY.format(who=_JOIN.format(name=name, where="FROM what")) for by, name in _NAMES.items()
}
_SAYS[None] = _SAY.format(who="SELECT %(participant)s::bigint AS id, false AS is_new")


class _Kept(NamedTuple):
    """Whose answer to which statement was kept, and whether they take part since just now."""

    participant_id: int
    statement_id: int
    is_new: bool


def _said(viewer: Viewer, held: Held, number: int, value: Value, came_by: Drawn | None) -> _Kept:
    who = held.part.participant_id
    values: dict[str, Any] = {
        "conversation": held.conversation.pk,
        "number": number,
        "value": int(value),
        "at": held.at,
        "drawn": came_by.statement if came_by else None,
        "out_of": came_by.out_of if came_by else None,
        "chance": came_by.chance_millionths if came_by else None,
        **({"participant": who} if who is not None else _newcomer(viewer, held)),
    }
    by = viewer.person is not None if who is None else None
    with unwritten() as cursor:
        cursor.execute(_SAYS[by], values)
        found = cursor.fetchone()
    if found is None:
        raise StatementGone
    return _Kept(*found)


def _newcomer(viewer: Viewer, held: Held) -> dict[str, Any]:
    """Return how somebody is written down who takes part from now on."""
    mark = None
    if viewer.person is None:
        mark = queries.holder(viewer, held.conversation.pk)
        assert mark is not None, "a guest has a mark"
    person = viewer.person.pk if viewer.person else None
    return {"person": person, "holder": mark, "standing": held.standing}


def _participant(viewer: Viewer, held: Held, network: Network) -> int:
    """Return as whom somebody takes part, from now on if they did not yet."""
    if held.part.participant_id is not None:
        return held.part.participant_id
    if viewer.person is None:
        _brake(Kind.GUEST, network, held.at)
    values = {"conversation": held.conversation.pk, "at": held.at, **_newcomer(viewer, held)}
    with unwritten() as cursor:
        cursor.execute(_JOINS[viewer.person is not None], values)
        who, _is_new = cursor.fetchone()
    return int(who)


def _with(part: Part, statement_id: int, value: Value) -> Part:
    """Return a part with one answer more, or changed."""
    said = {one.statement: one for one in part.said}
    policy = said[statement_id].policy if statement_id in said else Policy.CHOSEN
    said[statement_id] = Said(statement_id, int(value), policy)
    return replace(part, said=tuple(said.values()))


_SHOW = """
WITH who AS (
    SELECT id FROM conversations_participant WHERE id = %(participant)s::bigint FOR KEY SHARE
), what AS (
    SELECT id, number, text, standing, is_first FROM conversations_statement
     WHERE id = %(statement)s::bigint AND conversation_id = %(conversation)s::bigint
       AND state = 'shown'
), showing AS (
    INSERT INTO voices_showing (conversation_id, participant_id, statement_id, policy, out_of,
                                chance_millionths, shown_at)
    SELECT %(conversation)s::bigint, who.id, what.id, 'mixture', %(out_of)s::bigint,
           %(chance)s::bigint, %(at)s::timestamptz
      FROM who, what WHERE %(out_of)s::bigint IS NOT NULL
    ON CONFLICT DO NOTHING
)
SELECT id, number, text, standing, is_first FROM what
"""


def _next(
    conversation: Conversation, part: Part, at: datetime, lot: np.random.Generator
) -> Card | None:
    """Return the statement that waits for an answer, or draw one and keep that it was shown."""
    about = queries.known(conversation.pk)
    for statement_id in part.waiting:
        if about.has(statement_id):
            statement = _shown(conversation, part, statement_id, at, None)
            if statement is not None:
                return Card(statement)
    for afresh in (False, True):  # what a process knows may be some seconds old
        about = queries.known(conversation.pk, afresh=True) if afresh else about
        drawn = queries.drawn(about, part, lot)
        statement = drawn and _shown(conversation, part, drawn.statement, at, drawn)
        if statement:
            return Card(statement)
    return None


def _shown(
    conversation: Conversation, part: Part, statement_id: int, at: datetime, drawn: Drawn | None
) -> Statement | None:
    values: dict[str, Any] = {
        "participant": part.participant_id,
        "conversation": conversation.pk,
        "statement": statement_id,
        "out_of": drawn.out_of if drawn else None,
        "chance": drawn.chance_millionths if drawn else None,
        "at": at,
    }
    with unwritten() as cursor:
        cursor.execute(_SHOW, values)
        found = cursor.fetchone()
    if found is None:
        return None
    pk, number, text, standing, is_first = found
    return Statement(
        pk=pk, conversation=conversation, number=number, text=text, standing=standing,
        is_first=is_first, state=State.SHOWN,
    )  # fmt: skip


# Old hours are forgotten on the way, by whoever comes first.
_COUNT = """
WITH old AS (
    DELETE FROM voices_brake WHERE id IN (
        SELECT id FROM voices_brake WHERE hour_at < %(day_ago)s::timestamptz
         LIMIT 100 FOR UPDATE SKIP LOCKED)
)
INSERT INTO voices_brake AS here (network, kind, hour_at, many)
VALUES (%(network)s::bytea, %(kind)s::text, %(at)s::timestamptz, 1)
ON CONFLICT (network, kind) DO UPDATE SET many = here.many + 1
RETURNING many
"""


def _brake(kind: Kind, network: Network, at: datetime) -> None:
    """Count what comes from one network within an hour. Raises ``TooOften``."""
    values: dict[str, Any] = {
        "network": network.name,
        "kind": kind.value,
        "at": at,
        "day_ago": at - timedelta(days=1),
    }
    with unwritten() as cursor:
        cursor.execute(_COUNT, values)
        (many,) = cursor.fetchone()
    if many > network.an_hour[kind.value]:
        raise TooOften(rules.too_often(kind))


# --- a statement of one's own


class SaidAlready(Exception):
    """The same words stand here already, as ``statement``, or a moderator did not let them through."""

    def __init__(self, statement: Statement) -> None:
        super().__init__(statement.number)
        self.statement = statement


class Full(Exception):
    """A conversation holds no more statements than that."""


_ONE_ADDS = "SELECT pg_advisory_xact_lock(hashtextextended('voices.add', %s))"


@transaction.atomic
def add_statement(
    *,
    viewer: Viewer,
    conversation_id: int,
    text: str,
    network: Network,
    standing: StandingKind | None = None,
) -> Statement:
    """Add a statement, with which its author agrees.

    Others see it at once or once a moderator has read it, as the conversation has it. Raises
    ``NotOpen``, ``NotForThem``, ``SaidAlready``, ``TooOften`` and ``Full``.
    """
    with connection.cursor() as cursor:  # one after the other, or two would get the same number
        cursor.execute(_ONE_ADDS, [conversation_id])
    held = _held_open(viewer, conversation_id)
    conversation = held.conversation
    refused = rules.why_not_add(_later(viewer, held.at), conversation)
    if refused:
        raise NotForThem(conversation, refused)
    same = queries.same_words(conversation, text)
    if same is not None:
        raise SaidAlready(same)
    _brake(Kind.STATEMENT, network, held.at)
    author = Participant.objects.get(pk=_participant(viewer, held, network))
    _not_too_many(author, held.at)
    last = conversation.statements.aggregate(last=Max("number"))["last"] or 0
    if conversation.statements.count() >= MOST_STATEMENTS:
        raise Full
    known = {voice.kind for voice in voices(viewer, conversation.community)}
    made = Statement.objects.create(
        conversation=conversation,
        number=last + 1,
        text=text,
        author=author,
        standing=standing if standing in known else "",
        state=State.SHOWN if conversation.moderation == Moderation.AFTER else State.WAITING,
        added_at=held.at,
    )
    Showing.objects.create(
        conversation=conversation, participant=author, statement=made, policy=Policy.OWN, out_of=1,
        shown_at=held.at, value=Value.AGREE, voted_at=held.at,
    )  # fmt: skip
    # Nobody's name: who says what is known to nobody but themselves.
    record(what="statement.added", who=None, about=conversation, at=held.at, public=False)
    return made


def _not_too_many(author: Participant, at: datetime) -> None:
    lately = Statement.objects.filter(author=author, added_at__gt=at - timedelta(days=1))
    if (
        lately.count() >= rules.MOST_ADDED_A_DAY
        or lately.filter(added_at__gt=at - timedelta(hours=1)).count() >= rules.MOST_ADDED_AN_HOUR
    ):
        raise TooOften(
            _(
                "You have added many statements within a short time. Others need time to answer"
                " them. Try again later: your words are still here."
            )
        )


class VotedOn(Exception):
    """Somebody else has voted on it: it stays."""


@transaction.atomic
def take_back(*, viewer: Viewer, conversation_id: int, number: int) -> None:
    """Take back a statement of one's own on which nobody else has voted.

    Raises ``NotOpen``, ``StatementGone`` if it is not theirs or stands no more, ``VotedOn``.
    """
    held = _held_open(viewer, conversation_id)
    rows = Statement.objects.select_for_update().filter(conversation=held.conversation)
    statement = rows.filter(number=number, author__isnull=False).first()
    if statement is None or statement.author_id != held.part.participant_id:
        raise StatementGone
    if statement.state not in (State.WAITING, State.SHOWN):
        raise StatementGone
    others = Showing.objects.filter(statement=statement, value__isnull=False)
    if others.exclude(participant=statement.author_id).exists():
        raise VotedOn
    statement.state = State.TAKEN_BACK
    statement.save(update_fields=["state"])
    about = held.conversation
    record(what="statement.taken_back", who=None, about=about, at=held.at, public=False)


@transaction.atomic
def report(
    *,
    viewer: Viewer,
    conversation_id: int,
    number: int,
    reason: Reason,
    words: str,
    network: Network,
) -> None:
    """Tell moderators that a statement breaks the rules; said twice, the later counts.

    Raises ``NotOpen``, ``NotForThem``, ``StatementGone`` and ``TooOften``.
    """
    held = _held_open(viewer, conversation_id)
    statement = queries.shown_statement(conversation_id, number)
    if statement is None:
        raise StatementGone
    _brake(Kind.REPORT, network, held.at)
    who = _participant(viewer, held, network)
    Report.objects.update_or_create(
        conversation=held.conversation,
        statement=statement,
        participant_id=who,
        defaults={
            "reason": reason,
            "words": words,
            "reported_at": held.at,
            "settled_at": None,
        },
    )


# --- what somebody says of themselves


class NobodyYet(Exception):
    """Whoever has said nothing here yet has nothing to be joined with."""


@transaction.atomic
def say_details(*, viewer: Viewer, conversation_id: int, said: Mapping[int, int | None]) -> None:
    """Keep what somebody says of themselves, apart from their answers; nothing takes an answer out.

    ``said`` gives a choice for each detail it names. Raises ``NotOpen``, ``NotForThem``,
    ``NobodyYet``.
    """
    held = _held_open(viewer, conversation_id)
    conversation = held.conversation
    if held.part.participant_id is None:
        raise NobodyYet
    envelope = conversation.seal(held.part.participant_id)
    mine = DetailAnswer.objects.filter(conversation=conversation, envelope=envelope)
    known = Detail.objects.filter(conversation=conversation).prefetch_related("choices")
    for detail in known:
        if detail.pk not in said:
            continue
        choices = {choice.pk for choice in detail.choices.all()}
        choice = said[detail.pk]
        mine.filter(detail=detail).delete()
        if choice in choices:
            DetailAnswer.objects.create(
                conversation=conversation, envelope=envelope, detail=detail, choice_id=choice
            )


@transaction.atomic
def unsay_details(*, conversation: Conversation, participant: Participant) -> None:
    """Take out all that somebody says of themselves, as long as it can be found."""
    if conversation.key is not None:
        envelope = conversation.seal(participant.pk)
        DetailAnswer.objects.filter(conversation=conversation, envelope=envelope).delete()


# --- a guest with an account, and somebody who leaves


class NothingToAdopt(Exception):
    """Nobody took part in this browser without an account."""


@transaction.atomic
def adopt(*, viewer: Viewer, conversation: Conversation) -> int:
    """Put what was said in this browser under the account of whoever has signed in.

    If they took part with the account as well, the two become one: of two answers to one statement
    the later stands. Returns how many answers came over. Raises ``NothingToAdopt``.
    """
    assert viewer.person is not None
    mark = queries.holder(viewer, conversation.pk)
    here = Participant.objects.select_for_update().filter(conversation=conversation)
    both = list(here.filter(Q(person=viewer.person) | Q(holder=mark)).order_by("pk"))
    guest = next((one for one in both if mark is not None and one.holder is not None), None)
    mine = next((one for one in both if one.person_id == viewer.person.pk), None)
    if guest is None:
        raise NothingToAdopt
    answers = Showing.objects.filter(participant=guest, value__isnull=False)
    many = answers.exclude(policy=Policy.OWN).count()
    if mine is None:
        known = voices(viewer, conversation.community)
        guest.person, guest.holder = viewer.person, None
        guest.standing = guest.standing or (known[0].kind if known else "")
        guest.save(update_fields=["person", "holder", "standing"])
        return many
    _become_one(conversation, guest, mine)
    guest.delete()
    return many


_LATER = """
UPDATE voices_showing AS mine
   SET value = theirs.value, voted_at = theirs.voted_at,
       policy = CASE WHEN theirs.policy = 'own' THEN 'own' ELSE mine.policy END,
       chance_millionths = CASE WHEN theirs.policy = 'own' THEN NULL ELSE mine.chance_millionths END
  FROM voices_showing AS theirs
 WHERE mine.participant_id = %(mine)s AND theirs.participant_id = %(guest)s
   AND mine.statement_id = theirs.statement_id AND theirs.voted_at IS NOT NULL
   AND (mine.voted_at IS NULL OR mine.voted_at < theirs.voted_at)
"""
_REST = """
UPDATE voices_showing AS theirs SET participant_id = %(mine)s
 WHERE participant_id = %(guest)s AND NOT EXISTS (
       SELECT 1 FROM voices_showing WHERE participant_id = %(mine)s
          AND statement_id = theirs.statement_id)
"""


def _become_one(conversation: Conversation, guest: Participant, mine: Participant) -> None:
    with connection.cursor() as cursor:
        for sql in (_LATER, _REST):
            cursor.execute(sql, {"mine": mine.pk, "guest": guest.pk})
    Statement.objects.filter(author=guest).update(author=mine)
    told = Report.objects.filter(participant=mine).values("statement")
    Report.objects.filter(participant=guest).exclude(statement__in=told).update(participant=mine)
    if conversation.key is None:
        return
    envelopes = {"of": conversation.seal(guest.pk), "to": conversation.seal(mine.pk)}
    rows = DetailAnswer.objects.filter(conversation=conversation)
    said = rows.filter(envelope=envelopes["to"]).values("detail")
    rows.filter(envelope=envelopes["of"]).exclude(detail__in=list(said)).update(
        envelope=envelopes["to"]
    )
    rows.filter(envelope=envelopes["of"]).delete()


@transaction.atomic
def leave_conversations(person: Person, at: datetime) -> None:
    """Let go of a person: their answers and statements stay, and are nobody's.

    What they said of themselves goes, and so do the words of their reports. Nothing ties a
    statement to its author's answers any more.
    """
    rows = Participant.objects.select_for_update().filter(person=person).order_by("pk")
    for one in rows.select_related("conversation"):
        unsay_details(conversation=one.conversation, participant=one)
        Statement.objects.filter(author=one).update(author=None)
        Showing.objects.filter(participant=one, policy=Policy.OWN).update(policy=Policy.CHOSEN)
        Report.objects.filter(participant=one).update(words="")
        one.person, one.holder = None, None
        one.save(update_fields=["person", "holder"])


# --- for the map


@transaction.atomic
def keep_routing(*, conversation: Conversation, bearings: bytes, at: datetime) -> None:
    """Keep what decides which statement is shown next, with how often each has been shown.

    ``bearings`` are the engine's, packed. For the job that works the map out anew.
    """
    counted = queries.counted(conversation.pk)
    Routing.objects.update_or_create(
        conversation=conversation,
        defaults={
            "made_at": at,
            "statements": list(counted.shown),
            "shown": list(counted.shown.values()),
            "through": counted.through,
            "arrays": bearings,
        },
    )
