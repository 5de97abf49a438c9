"""Reading what waits, what was decided and why, and which accounts are set aside."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import (
    BooleanField,
    Count,
    DateTimeField,
    Exists,
    F,
    Func,
    Max,
    Min,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
    Window,
)
from django.db.models import Case as DbCase
from django.db.models.functions import Coalesce, RowNumber
from django.utils import timezone
from numpy.typing import NDArray

from commonweal.engine.opinion.votes import Votes, merged
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority, Role, RoleKind
from commonweal.ground.places.queries import below, nation_of
from commonweal.ground.places.rules import Viewer, may_moderate
from commonweal.kit.bank_holidays import bank_holidays
from commonweal.kit.composed import composed
from commonweal.kit.copy import copy_out
from commonweal.listen.conversations.models import (
    Conversation,
    Participant,
    Reason,
    State,
    Statement,
)
from commonweal.listen.moderation.models import (
    MOST_DAYS,
    Alike,
    Appeal,
    Case,
    CaseState,
    Comparison,
    Decision,
    Reading,
    Reminder,
    Suggestion,
    SuggestionState,
    Verdict,
)
from commonweal.listen.voices.models import Report, Showing
from commonweal.listen.voices.queries import holder

TABS = ("waiting", "unread", "reported", "author", "shown", "rejected", "merged", "taken-back")
URGENT = ("waiting", "unread", "reported")
SATURDAY = 5
DAYS = range(1, MOST_DAYS + 1)
DAY = timedelta(days=1)
Holidays = frozenset[date]
LATELY = timedelta(days=14)
LIKE_IT = 3  # how many similar statements stand beside one that waits


# --- the promise, in working days


def holidays_of(authority_id: int) -> Holidays:
    """Return the bank holidays that an authority keeps: those of its nation, or of England."""
    return bank_holidays(nation_of(authority_id))


def due_at(added_at: datetime, days: int, holidays: Holidays = frozenset()) -> datetime:
    """Return when somebody should have read what was added then: so many working days later."""
    moment = _local(added_at)
    if _is_off(moment, holidays):  # what comes while nobody works counts from the next working day
        moment = _midnight(_onward(moment, DAY, holidays))
    for _day in range(days):
        moment = _onward(moment, DAY, holidays)
    return _moment(moment)


def late_before(at: datetime, days: int, holidays: Holidays = frozenset()) -> datetime:
    """Return since when what waits now waits too long: all that was added before that moment."""
    moment = _local(at)
    if _is_off(moment, holidays):  # no time has passed since nobody works
        moment = _midnight(_onward(moment, -DAY, holidays) + DAY)
    for _day in range(days):
        moment = _onward(moment, -DAY, holidays)
    return _moment(moment)


def _is_off(moment: datetime, holidays: Holidays) -> bool:
    return moment.weekday() >= SATURDAY or moment.date() in holidays


def _midnight(moment: datetime) -> datetime:
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def _onward(moment: datetime, step: timedelta, holidays: Holidays) -> datetime:
    """Return the same hour of the next working day, or of the one before."""
    moment += step
    while _is_off(moment, holidays):
        moment += step
    return moment


def _local(at: datetime) -> datetime:
    """Return the hour on the wall, so that a day is a day when the clocks change."""
    return timezone.localtime(at).replace(tzinfo=None)


def _moment(wall: datetime) -> datetime:
    return timezone.make_aware(wall)


# --- what waits


def seats_of(viewer: Viewer) -> list[int]:
    """Return where the viewer moderates; everything below is theirs to moderate too."""
    kinds = (RoleKind.MODERATOR, RoleKind.ADMINISTRATOR)
    return [role.community_id for role in viewer.roles if role.kind in kinds]


def conversations(viewer: Viewer) -> QuerySet[Conversation]:
    """Return the conversations this viewer moderates; those that nobody may read yet have no queue."""
    seats = seats_of(viewer)
    return (
        Conversation.objects.filter(authority=viewer.authority, is_draft=False)
        .filter(Q(community__in=seats) | Q(community__ancestors__overlap=seats))
        .select_related("community", "reading")
        .defer("key")
        .order_by("-opens_at", "-pk")
    )


def conversation(viewer: Viewer, pk: int) -> Conversation | None:
    """Return one conversation of this authority that is no draft; who may do what there is no matter."""
    rows = Conversation.objects.filter(authority=viewer.authority, is_draft=False)
    return (
        rows.select_related("community", "reading", "challenge").defer("key").filter(pk=pk).first()
    )


def days_of(conversation: Conversation) -> int:
    """Return within how many working days a person reads what is added to it."""
    try:
        return conversation.reading.days
    except Reading.DoesNotExist:
        return 1


def in_tab(tab: str) -> Q:
    """Return which statements stand under one heading of the queue.

    What waits for its author's answer does not wait for us. Unread is what stands there already and
    nobody has looked at: first statements were read by whoever wrote them.
    """
    asked = Suggestion.objects.filter(statement=OuterRef("pk"), state=SuggestionState.WAITING)
    return {
        "waiting": Q(state=State.WAITING) & ~Q(Exists(asked)),
        "author": Q(state=State.WAITING) & Q(Exists(asked)),
        "unread": unread(),
        "reported": Q(state=State.SHOWN) & Q(Exists(reports(OuterRef("pk")))),
        "shown": Q(state=State.SHOWN),
        "rejected": Q(state=State.REJECTED),
        "merged": Q(state=State.MERGED),
        "taken-back": Q(state=State.TAKEN_BACK),
    }[tab]


def reports(statement: Any) -> QuerySet[Report]:
    """Return what people said against a statement and nobody has settled."""
    return Report.objects.filter(statement=statement, settled_at__isnull=True)


def unread() -> Q:
    """Return which statements are shown although nobody has looked at them yet."""
    return Q(state=State.SHOWN, decided_at__isnull=True, is_first=False)


def queue(
    conversations: QuerySet[Conversation] | Sequence[int], *, tab: str, words: str = ""
) -> QuerySet[Statement]:
    """Return statements under one heading, what waits longest first; what was decided last first."""
    rows = Statement.objects.filter(in_tab(tab), conversation__in=conversations)
    if words:
        rows = rows.filter(text__icontains=words)
    if tab in ("waiting", "author", "unread"):
        return rows.order_by("added_at", "pk")
    return rows.order_by(F("decided_at").desc(nulls_last=True), "-pk")


def as_rows(rows: QuerySet[Statement]) -> QuerySet[Statement]:
    """Read with each statement what its line in the queue tells."""
    return rows.select_related(
        "conversation__community", "conversation__reading", "same_as", "author"
    ).defer("conversation__key")


def counts(conversations: QuerySet[Conversation] | Sequence[int]) -> dict[str, int]:
    """Return how many stand under each heading."""
    rows = Statement.objects.filter(conversation__in=conversations)
    told = {tab.replace("-", "_"): Count("pk", filter=in_tab(tab)) for tab in TABS}
    found: dict[str, int] = rows.aggregate(**told)
    return found


def mark(statement: Statement) -> str:
    """Return a short mark of what a moderator saw, other as soon as words or state are other."""
    seen = (
        statement.text,
        statement.state,
        str(statement.decided_at and statement.decided_at.timestamp()),
    )
    return hashlib.sha256("\x00".join(seen).encode()).hexdigest()[:16]


@dataclass
class Near:
    """A statement with a similar text, and what votes say about the two."""

    statement: Statement
    percent: int
    voters: int
    same: int
    merge: bool


def similar(statements: Iterable[Statement]) -> dict[int, list[Near]]:
    """Return for each statement those with a similar text that people vote on, or that wait."""
    ids = [statement.pk for statement in statements]
    pairs = (
        Alike.objects.filter(Q(first__in=ids) | Q(second__in=ids))
        .filter(first__state__in=(State.SHOWN, State.WAITING))
        .filter(second__state__in=(State.SHOWN, State.WAITING))
        .select_related("first", "second")
        .order_by("-merge", "-likeness_millionths", "pk")
    )
    found: dict[int, list[Near]] = defaultdict(list)
    for pair in pairs:
        percent = round(pair.likeness_millionths / 10_000)
        for mine, other in ((pair.first, pair.second), (pair.second, pair.first)):
            if mine.pk in ids and len(found[mine.pk]) < LIKE_IT:
                found[mine.pk].append(Near(other, percent, pair.voters, pair.same, pair.merge))
    return found


def pairs_to_merge(conversation: Conversation) -> QuerySet[Alike]:
    """Return the pairs that people voted on alike: one of the two could stand for both."""
    return (
        Alike.objects.filter(conversation=conversation, merge=True)
        .filter(first__state=State.SHOWN, second__state=State.SHOWN)
        .select_related("first", "second")
        .order_by("-likeness_millionths", "pk")[:10]
    )


def held(viewer: Viewer, ids: Iterable[int]) -> list[Statement]:
    """Return statements of this authority, held until the end, always the lowest number first."""
    return list(
        Statement.objects.select_for_update(of=("self",), no_key=True)
        .filter(pk__in=set(ids), conversation__authority=viewer.authority)
        .select_related("conversation__community", "author")
        .defer("conversation__key")
        .order_by("pk")
    )


def statement(conversation: Conversation, number: int) -> Statement | None:
    """Return one statement of a conversation, whatever became of it, with its whole story."""
    story = Decision.objects.select_related("decided_by", "undone_by", "same_as")
    return (
        Statement.objects.filter(conversation=conversation, number=number)
        .select_related("same_as", "author", "appeal__decision", "appeal__settled_by")
        .prefetch_related(
            Prefetch("decisions", story.order_by("-decided_at", "-pk")),
            Prefetch("suggestions", Suggestion.objects.order_by("-suggested_at", "-pk")),
        )
        .first()
    )


def lately(conversations: QuerySet[Conversation] | Sequence[int], at: datetime) -> list[Decision]:
    """Return what was decided lately, a batch once; each knows how ``many`` there were."""
    rows = (
        Decision.objects.filter(conversation__in=conversations, decided_at__gt=at - LATELY)
        .filter(undone_at__isnull=True)
        .annotate(
            many=Window(Count("pk"), partition_by=F("batch")),
            place=Window(RowNumber(), partition_by=F("batch"), order_by="-pk"),
        )
        .filter(place=1)
        .select_related("statement", "decided_by", "same_as")
    )
    return list(rows.order_by("-pk")[:8])


def reported(statements: Iterable[Statement]) -> dict[int, list[Report]]:
    """Return what people said against each statement and nobody has settled."""
    found: dict[int, list[Report]] = defaultdict(list)
    for report in reports_of([row.pk for row in statements]):
        found[report.statement_id].append(report)
    return found


def reports_of(ids: Sequence[int]) -> QuerySet[Report]:
    """Return the same as rows, the oldest first."""
    return Report.objects.filter(statement__in=ids, settled_at__isnull=True).order_by("pk")


def beside(conversations: QuerySet[Conversation] | Sequence[int]) -> dict[str, int]:
    """Return how many appeals and cases wait, beside the statements."""
    waits = Appeal.objects.filter(
        statement__conversation__in=conversations, settled_at__isnull=True
    )
    opened = Case.objects.filter(conversation__in=conversations, state=CaseState.OPEN)
    rows = waits.order_by().annotate(kind=Value("appeals")).values("kind").annotate(n=Count("pk"))
    more = opened.order_by().annotate(kind=Value("cases")).values("kind").annotate(n=Count("pk"))
    return {"appeals": 0, "cases": 0} | {row["kind"]: row["n"] for row in rows.union(more)}


def appeals(conversations: QuerySet[Conversation] | Sequence[int]) -> QuerySet[Appeal]:
    """Return the appeals that wait, the oldest first."""
    return (
        Appeal.objects.filter(statement__conversation__in=conversations, settled_at__isnull=True)
        .select_related("statement__conversation__community", "statement__author", "decision")
        .defer("statement__conversation__key")
        .order_by("made_at", "pk")
    )


def appeal(viewer: Viewer, pk: int) -> Appeal | None:
    """Return one appeal of this authority."""
    return (
        Appeal.objects.filter(statement__conversation__authority=viewer.authority, pk=pk)
        .select_related(
            "statement__conversation__community", "statement__author", "decision__decided_by",
            "decision__same_as", "settled_by",
        )
        .defer("statement__conversation__key")
        .first()
    )  # fmt: skip


# --- what everybody may read


@dataclass
class Account:
    """How a conversation was moderated, in numbers."""

    shown: int
    rejected: int
    merged: int
    undone: int
    appeals: int
    right: int
    in_time: int
    read: int
    reasons: list[tuple[str, int]]


def account(conversation: Conversation) -> Account:
    """Return how many decisions there were and why; small numbers are no secret, no person is named.

    The newest decision about a statement counts; one that was undone is counted apart.
    """
    rows = _read(conversation)
    days, holidays = days_of(conversation), holidays_of(conversation.authority_id)
    reasons = dict.fromkeys(Reason.values, 0)
    verdicts = dict.fromkeys(Verdict.values, 0)
    in_time = read = undone = 0
    newest: dict[int, tuple[str, str]] = {}
    first: dict[int, bool] = {}
    for statement, verdict, reason, decided_at, added_at, is_undone, objected in rows:
        first.setdefault(statement, decided_at <= due_at(added_at, days, holidays))
        if is_undone:
            undone += objected is None  # what an objection turned is counted with the objections
        else:
            newest[statement] = verdict, reason
    for verdict, reason in newest.values():
        verdicts[verdict] += 1
        if reason:
            reasons[reason] += 1
    read, in_time = len(first), sum(first.values())
    said = Appeal.objects.filter(statement__conversation=conversation)
    told = said.aggregate(made=Count("pk"), right=Count("pk", filter=Q(is_right=True)))
    return Account(
        shown=verdicts[Verdict.SHOWN],
        rejected=verdicts[Verdict.REJECTED],
        merged=verdicts[Verdict.MERGED],
        undone=undone,
        appeals=told["made"],
        right=told["right"],
        in_time=in_time,
        read=read,
        reasons=[(str(Reason(code).label), number) for code, number in reasons.items()],
    )


def _read(conversation: Conversation) -> Iterator[tuple[Any, ...]]:
    rows = Decision.objects.filter(conversation=conversation).order_by("decided_at", "pk")
    found = rows.annotate(
        is_undone=Q(undone_at__isnull=False), added_at=F("statement__added_at")
    ).values_list(
        "statement", "verdict", "reason", "decided_at", "added_at", "is_undone", "appeal"
    )  # fmt: skip
    return found.iterator()


def objection(decision: Decision) -> str:
    """Return what came of an objection to a decision, as a code; nothing where there was none."""
    objected = getattr(decision, "appeal", None)
    if objected is None:
        return ""
    return {None: "waits", True: "right", False: "stays"}[objected.is_right]


def log(conversation: Conversation) -> QuerySet[Decision]:
    """Return every decision in a conversation, the oldest first, with what was objected."""
    rows = Decision.objects.filter(conversation=conversation)
    return rows.select_related("statement", "same_as", "appeal").order_by("decided_at", "pk")


# --- accounts that act as one


def set_aside_participants(conversation: Conversation) -> list[int]:
    """Return the numbers of those whose votes are kept out of the map, because a moderator said so."""
    rows = Case.objects.filter(conversation=conversation, state=CaseState.SET_ASIDE)
    return sorted({number for row in rows.values_list("participants", flat=True) for number in row})


def cases(conversation: Conversation) -> QuerySet[Case]:
    """Return the cases of a conversation, those first that nobody has decided."""
    return Case.objects.filter(conversation=conversation).order_by(
        F("decided_at").desc(nulls_first=True), "-raised_at", "-pk"
    )


def looked_at(conversation: Conversation) -> datetime | None:
    """Return when the votes were last looked at."""
    rows = Comparison.objects.filter(conversation=conversation)
    return rows.values_list("looked_at", flat=True).first()


def members(cases: Iterable[Case]) -> set[int]:
    """Return the accounts that these cases set aside."""
    aside = (case for case in cases if case.state == CaseState.SET_ASIDE)
    return {number for case in aside for number in case.participants}


def with_texts(conversation: Conversation, case: Case) -> list[dict[str, Any]]:
    """Return what hangs on a case with the words of each statement that still stands there."""
    numbers = [effect["statement"] for effect in case.effects]
    rows = Statement.objects.filter(conversation=conversation, number__in=numbers)
    texts = dict(rows.filter(state=State.SHOWN).values_list("number", "text"))
    return [{**effect, "text": texts.get(effect["statement"], "")} for effect in case.effects]


def case_held(conversation: Conversation, pk: int) -> Case | None:
    """Return one case, held until the end."""
    return Case.objects.select_for_update().filter(conversation=conversation, pk=pk).first()


SLICE = 50_000  # people whose votes are read at once
_VOTES = """SELECT participant_id, statement_id, value::bigint,
       (extract(epoch FROM voted_at) * 1000)::bigint
  FROM voices_showing
 WHERE conversation_id = %s AND value IS NOT NULL AND participant_id >= %s AND participant_id < %s"""


def votes_of(
    conversation: Conversation, *, only: Sequence[int] | None = None, also: Sequence[int] = ()
) -> Votes:
    """Return a conversation's votes with their moments, all or on some statements only.

    ``also`` names statements to know although nobody voted on them. Read some people at a time, so
    that memory holds little beside the votes themselves.
    """
    bounds = Participant.objects.filter(conversation=conversation).aggregate(Min("pk"), Max("pk"))
    first, last = bounds["pk__min"], bounds["pk__max"]
    parts = [_as_votes(np.zeros((0, 4), dtype=np.int64), also)]
    narrow = "" if only is None else " AND statement_id = ANY(%s)"
    while first is not None and first <= last:
        asked: list[Any] = [conversation.pk, first, first + SLICE]
        if only is not None:
            asked.append(list(only))
        rows = copy_out(_VOTES + narrow, asked, columns=4)
        if len(rows):
            parts.append(_as_votes(rows, also))
        first += SLICE
    return merged(parts)


def _as_votes(rows: NDArray[np.int64], also: Sequence[int]) -> Votes:
    named = np.asarray(also, dtype=np.int64)
    return Votes.from_log(
        rows[:, 0], rows[:, 1], rows[:, 2], moment=rows[:, 3], statements=named,
        people=np.zeros(0, dtype=np.int64),
    )  # fmt: skip


def to_compare(at: datetime) -> list[int]:
    """Return where statements were added or decided, or people voted, since texts were compared."""
    return _asked(_TO_COMPARE, at)


def to_look_at(at: datetime) -> list[int]:
    """Return where people voted since the accounts were looked at; an hour lies between two looks."""
    return _asked(_TO_LOOK_AT, at)


def _asked(sql: str, at: datetime) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, {"at": at})
        return [number for (number,) in cursor.fetchall()]


_STANDING = """
SELECT c.id FROM conversations_conversation c
  LEFT JOIN moderation_comparison m ON m.conversation_id = c.id
 WHERE NOT c.is_draft AND c.withdrawn_at IS NULL AND c.opens_at <= %(at)s AND """
_VOTED = """EXISTS (SELECT 1 FROM voices_showing v
          WHERE v.conversation_id = c.id AND v.voted_at IS NOT NULL
            AND v.voted_at >= coalesce({}, '-infinity'))"""
_TO_COMPARE = f"""{_STANDING}
   coalesce(m.compared_at, '-infinity') < %(at)s - interval '9 minutes'
   AND (EXISTS (SELECT 1 FROM conversations_statement s
                 WHERE s.conversation_id = c.id
                   AND greatest(s.added_at, s.decided_at) >= coalesce(m.compared_at, '-infinity'))
        OR coalesce(m.compared_at, '-infinity') < %(at)s - interval '1 hour'
           AND {_VOTED.format("m.compared_at")})
 ORDER BY c.id"""  # noqa: S608 - our own words
_TO_LOOK_AT = f"""{_STANDING}
   coalesce(m.looked_at, '-infinity') < %(at)s - interval '1 hour'
   AND {_VOTED.format("m.looked_at")}
 ORDER BY c.id"""


# --- reminders


def late(authority: Authority, at: datetime) -> list[Any]:
    """Return the conversations in which statements wait longer than promised, and how many: ``late``."""
    rows = Conversation.objects.filter(authority=authority, is_draft=False)
    holidays = holidays_of(authority.pk)
    late = [late_before(at, days, holidays) for days in DAYS]
    found = _with_late(rows, late).filter(Q(late__gt=0))
    return list(found.select_related("community").defer("key").order_by("pk"))


def to_read() -> Q:
    """Return which statements wait for a moderator, shown already or not."""
    return in_tab("waiting") | unread()


def people_with(kind: RoleKind, branch: Sequence[int]) -> QuerySet[Person]:
    """Return who holds a role there or above and can be written to."""
    held = Role.objects.filter(kind=kind, person=OuterRef("pk"), community__in=list(branch))
    reached = Person.objects.filter(is_active=True, erased_at__isnull=True, email__isnull=False)
    return reached.filter(Exists(held)).order_by("pk")


def authorities_with_conversations() -> QuerySet[Authority]:
    """Return the authorities that hold a conversation."""
    some = Conversation.objects.filter(authority=OuterRef("pk"), is_draft=False)
    return Authority.objects.filter(Exists(some)).order_by("pk")


def letters_to_send() -> QuerySet[Reminder]:
    """Return the reminders that wait."""
    return Reminder.objects.filter(sent_at__isnull=True).order_by("pk")


# --- panels on other apps' pages


def panel_desk(viewer: Viewer, thing: None) -> dict[str, Any] | None:
    """Return what waits for a moderator, how much of it too long, and where nobody is named."""
    seats = seats_of(viewer)
    if not seats:
        return None
    holidays = holidays_of(viewer.authority.pk)
    late = {f"late_{days}": late_before(viewer.at, days, holidays) for days in DAYS}
    places: list[Any] = _looked_after(authority=viewer.authority.pk, seats=seats, **late)
    return {
        "waiting": sum(place.waits for place in places),
        "late": sum(place.late for place in places),
        "reported": sum(place.reported for place in places),
        "appeals": sum(place.objections for place in places),
        "cases": sum(place.raised for place in places),
        "case_places": [place for place in places if place.raised],
        "nobody": sum(not place.is_named for place in places if place.withdrawn_at is None),
    }


def _beside_it() -> dict[str, Any]:
    """Return what the desk tells of each conversation, each as a count of its own."""
    here = OuterRef("pk")
    waits = Statement.objects.filter(to_read(), conversation=here)
    reported = Statement.objects.filter(in_tab("reported"), conversation=here)
    objections = Appeal.objects.filter(statement__conversation=here, settled_at__isnull=True)
    raised = Case.objects.filter(conversation=here, state=CaseState.OPEN)
    return {
        "waits": _number_of(waits),
        "reported": _number_of(reported),
        "objections": _number_of(objections),
        "raised": _number_of(raised),
        "is_named": Func(
            F("community"), F("community__ancestors"), template=_NAMED, output_field=BooleanField()
        ),
    }


_NAMED = """EXISTS (SELECT 1 FROM places_role r JOIN people_person p ON p.id = r.person_id,
                    (SELECT %(expressions)s) AS asked (here, above)
              WHERE r.kind = 'moderator' AND p.is_active
                AND (r.community_id = asked.here OR r.community_id = ANY (asked.above)))"""


def _number_of(rows: QuerySet[Any]) -> Coalesce:
    many = rows.order_by().annotate(one=Value(1)).values("one").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(many), 0)


@composed
def _looked_after(
    authority: Any, seats: Any, late_1: Any, late_2: Any, late_3: Any, late_4: Any, late_5: Any,
    late_6: Any, late_7: Any, late_8: Any, late_9: Any, late_10: Any,
) -> QuerySet[Conversation]:  # fmt: skip
    late = (late_1, late_2, late_3, late_4, late_5, late_6, late_7, late_8, late_9, late_10)
    rows = Conversation.objects.filter(below(seats), authority=authority, is_draft=False)
    rows = rows.only("question", "withdrawn_at").order_by("-opens_at", "-pk")
    return _with_late(rows, late).annotate(**_beside_it())[:200]


def _with_late(rows: QuerySet[Conversation], late: Sequence[Any]) -> QuerySet[Conversation]:
    """Tell of each conversation how many statements wait longer than promised: ``late``."""
    since = DbCase(
        *(When(reading__days=days, then=Value(late[days - 1])) for days in DAYS),
        default=Value(late[0]),
        output_field=DateTimeField(),
    )
    waits = Statement.objects.filter(
        to_read(), conversation=OuterRef("pk"), added_at__lte=OuterRef("since")
    )
    return rows.alias(since=since).annotate(late=_number_of(waits))


def panel_conversation(viewer: Viewer, conversation: Conversation) -> dict[str, Any] | None:
    """Return how soon a person reads what is added, what became of one's own, and the way to the queue."""
    promised = Reading.objects.filter(conversation=conversation).values_list("days", flat=True)
    return {
        "days": promised.first() or 1,
        "is_closed": conversation.state(viewer.at) in ("closed", "withdrawn"),
        "own": _own_in(viewer, conversation),
        "may_moderate": viewer.has_second_factor and may_moderate(viewer, conversation.community),
    }


def panel_run(viewer: Viewer, conversation: Conversation) -> dict[str, Any] | None:
    """Return what whoever runs a conversation should know of its moderation."""
    return {
        "days": days_of(conversation),
        "beside": beside([conversation.pk]),
        "may_moderate": may_moderate(viewer, conversation.community),
    }


def panel_own(viewer: Viewer, conversation: Conversation) -> dict[str, Any] | None:
    """Return what became of one's own statements, where all one's answers stand."""
    own = _own_in(viewer, conversation)
    return {"own": own} if own else None


def _own_in(viewer: Viewer, conversation: Conversation) -> dict[str, int] | None:
    """Return how many statements of the viewer's own there are, and how many ask for something."""
    mine = Statement.objects.filter(conversation=conversation)
    mark = holder(viewer, conversation.pk)
    if viewer.person is not None:
        mine = mine.filter(author__person=viewer.person)
    elif mark is not None:
        mine = mine.filter(author__holder=mark)
    else:
        return None
    told: dict[str, int] = mine.aggregate(**_OWN)
    return told if told["said"] else None


_ASKED = Suggestion.objects.filter(statement=OuterRef("pk"), state=SuggestionState.WAITING)
_OWN = {
    "said": Count("pk"),
    "waiting": Count("pk", filter=Q(state=State.WAITING) & ~Q(Exists(_ASKED))),
    "asked": Count("pk", filter=Q(state=State.WAITING) & Q(Exists(_ASKED))),
    "against": Count("pk", filter=Q(state__in=(State.REJECTED, State.MERGED))),
}


def panel_mine(viewer: Viewer, thing: object) -> dict[str, Any] | None:
    """Return the conversations in which a moderator decided against this person's words, or asks."""
    if viewer.person is None:
        return None
    mine = Statement.objects.filter(author__person=viewer.person)
    rows = (
        mine.filter(conversation__authority=viewer.authority)
        .values("conversation", "conversation__question")
        .annotate(**_OWN)
        .filter(Q(asked__gt=0) | Q(against__gt=0))
        .order_by("-conversation")[:10]
    )
    found = list(rows)
    return {"said": found} if found else None


# --- an author's own


def own(participant: Participant) -> QuerySet[Statement]:
    """Return what somebody said, the newest first, with what was decided about it and asked of them."""
    story = Decision.objects.filter(undone_at__isnull=True).select_related("same_as")
    asked = Suggestion.objects.filter(state=SuggestionState.WAITING)
    others = Showing.objects.filter(statement=OuterRef("pk"), value__isnull=False)
    return (
        Statement.objects.filter(author=participant)
        .select_related("same_as", "appeal")
        .annotate(others=Exists(others.exclude(participant=participant)))
        .prefetch_related(
            Prefetch("decisions", story.order_by("-decided_at", "-pk")),
            Prefetch("suggestions", asked),
        )
        .order_by("-added_at", "-pk")
    )


def personal(person: Person) -> Iterator[dict[str, Any]]:
    """Hand over what was decided about a person's statements, what they objected and were told."""
    mine = Statement.objects.filter(author__person=person)
    rows = Decision.objects.filter(statement__in=mine).select_related("statement", "appeal")
    for row in rows.order_by("pk"):
        objected = getattr(row, "appeal", None)
        yield {
            "statement": row.statement.text,
            "conversation": row.conversation_id,
            "decided": row.verdict,
            "reason": row.reason,
            "words_to_you": row.words,
            "decided_at": row.decided_at.isoformat(),
            "undone": row.undone_at is not None,
            "you_objected": objected.words if objected else "",
            "answer": objected.answer if objected else "",
        }
    for asked in Suggestion.objects.filter(statement__in=mine).order_by("pk"):
        yield {
            "statement": asked.statement_id,
            "suggested_to_you": asked.text,
            "became": asked.state,
        }
    for letter in Reminder.objects.filter(person=person).order_by("pk"):
        yield {"reminded_on": letter.asked_on.isoformat(), "because": letter.waits}
