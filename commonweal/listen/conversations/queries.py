"""Reading conversations and their statements."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from time import monotonic
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import (
    Exists,
    F,
    Func,
    IntegerField,
    JSONField,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Value,
)
from django.utils.translation import gettext as _

from commonweal.engine.opinion.similar import Texts
from commonweal.ground.challenges import queries as challenges
from commonweal.ground.challenges.models import Challenge, Stage
from commonweal.ground.challenges.queries import seats_of
from commonweal.ground.journal.models import Entry
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Community
from commonweal.ground.places.queries import below
from commonweal.ground.places.rules import Viewer, everyone, may_lead
from commonweal.kit.composed import Rows, among, composed, in_pages
from commonweal.kit.letters import Plain, plain
from commonweal.kit.wording import Advice, advise, asks_for_something, side
from commonweal.listen.conversations.models import (
    Answer,
    Change,
    Conversation,
    Detail,
    Participant,
    State,
    Statement,
    Step,
)

FEWEST = 5  # a smaller count of people is hidden
MANY = 1_000  # from here on a count of people need not be of this second
KEPT = 30.0  # seconds such a count is kept
GOOD_START = 10  # first statements
STILL_NEWS = timedelta(days=90)  # a closed conversation stays on the desk
CARD = (
    "authority", "question", "opens_at", "closes_at", "is_draft", "withdrawn_at", "minutes",
    "promised_by", "promised_on", "community__name", "challenge__authority", "challenge__title",
    "challenge__slug", "challenge__published_at",
)  # fmt: skip

# Asked of every conversation in a list: Django would take longer to compose these than PostgreSQL to
# answer them.
_PLACE = """(SELECT CASE WHEN withdrawn IS NOT NULL THEN 3 WHEN closes <= at THEN 2
                         WHEN draft OR opens > at THEN 1 ELSE 0 END
               FROM (SELECT %(expressions)s) AS asked (withdrawn, draft, opens, closes, at))"""
_SHOWN = """(SELECT count(*) FROM conversations_statement
              WHERE conversation_id = %(expressions)s AND state = 'shown')"""
_WAITING = """(SELECT count(*) FROM conversations_statement
                WHERE conversation_id = %(expressions)s AND state = 'waiting')"""
# Of people only so many are counted with everything else: a larger number is asked for by itself, and kept.
_FEW = """(SELECT count(*) FROM (SELECT FROM conversations_participant
                                  WHERE conversation_id = %(expressions)s LIMIT 1000) AS few)"""
# What a page shows of a thing beneath its name comes with the thing: a page has only so many questions.
_CHANGES = """(SELECT jsonb_agg(jsonb_build_array(part, was, became, why, changed_at)
                                ORDER BY changed_at DESC, id DESC)
                 FROM conversations_change WHERE conversation_id = %(expressions)s)"""
_LATEST = """(SELECT jsonb_agg(jsonb_build_array(number, text, heed, words, answered_at)
                               ORDER BY answered_at DESC, id DESC)
                FROM (SELECT number, text, heed, words, answered_at, id
                        FROM (SELECT DISTINCT ON (statement.id) statement.number, statement.text,
                                     answer.heed, answer.words, answer.answered_at, answer.id
                                FROM conversations_statement statement
                                JOIN conversations_answer answer ON answer.statement_id = statement.id
                               WHERE statement.conversation_id = %(expressions)s
                                 AND statement.state = 'shown'
                               ORDER BY statement.id, answer.answered_at DESC, answer.id DESC) AS last
                       ORDER BY answered_at DESC, id DESC LIMIT 3) AS latest)"""
_GIVEN = """(SELECT jsonb_agg(jsonb_build_array(heed, words, answered_at) ORDER BY answered_at DESC, id DESC)
               FROM conversations_answer WHERE statement_id = %(expressions)s)"""
_ANSWERED = """(SELECT count(DISTINCT statement.id) FROM conversations_statement statement
                  JOIN conversations_answer answer ON answer.statement_id = statement.id
                 WHERE statement.conversation_id = %(expressions)s AND statement.state = 'shown')"""


# --- conversations


def conversations(viewer: Viewer) -> QuerySet[Conversation]:
    """Return the conversations this viewer may read: open ones, then coming, closed, withdrawn."""
    found = Conversation.objects.filter(_public(viewer.at) | _led(viewer))
    return _placed(found.filter(authority=viewer.authority), viewer.at)


def _placed(found: QuerySet[Conversation], at: Any) -> QuerySet[Conversation]:
    """Tell of conversations where they stand, and put them in that order."""
    moments = (F("withdrawn_at"), F("is_draft"), F("opens_at"), F("closes_at"), Value(at))
    return (
        found.select_related("challenge__community", "community")
        .defer("key")
        .annotate(
            place=Func(*moments, template=_PLACE, output_field=IntegerField()),
            shown_count=_count(_SHOWN),
        )
        .order_by("place", F("closes_at").asc(nulls_last=True), "-opens_at", "-pk")
    )


def numbered(viewer: Viewer, pk: int) -> list[Conversation]:
    """Return the one conversation with this number, if this viewer may read it."""
    if seats_of(viewer):
        return list(_whole(conversations(viewer)).filter(pk=pk))
    return _numbered(authority=viewer.authority.pk, at=viewer.at, pk=pk)


@composed
def _numbered(authority: Any, at: Any, pk: Any) -> QuerySet[Conversation]:
    return _whole(conversations(everyone(authority, at))).filter(pk=pk)


def _whole(found: QuerySet[Conversation]) -> QuerySet[Conversation]:
    """Let conversations know all that their own page shows in numbers."""
    return found.annotate(
        answered_count=_count(_ANSWERED),
        few=_count(_FEW),
        changed=Func(F("pk"), template=_CHANGES, output_field=JSONField()),
        latest=Func(F("pk"), template=_LATEST, output_field=JSONField()),
    )


def public(viewer: Viewer) -> QuerySet[Conversation]:
    """Return the conversations that everybody may read, for open data."""
    return conversations(viewer).filter(_public(viewer.at))


def cards(
    viewer: Viewer, *, words: str = "", community: Community | None = None, state: str = ""
) -> QuerySet[Conversation] | Rows[Conversation]:
    """Return the cards of conversations: all of them, or those a search leaves."""
    if not (words or community or state or seats_of(viewer)):
        return _cards(authority=viewer.authority.pk, at=viewer.at)
    found = as_cards(conversations(viewer))
    if words:
        found = found.annotate(plain=Plain("question")).filter(plain__icontains=plain(words))
    if community is not None:
        inside = Q(community=community) | Q(community__ancestors__contains=[community.pk])
        found = found.filter(inside)
    places = {"open": 0, "coming": 1, "closed": 2, "withdrawn": 3}
    return found.filter(Q(place=places[state])) if state in places else found


@in_pages
def _cards(authority: Any, at: Any) -> QuerySet[Conversation]:
    return as_cards(conversations(everyone(authority, at)))


def as_cards(found: QuerySet[Conversation]) -> QuerySet[Conversation]:
    """Read only what a conversation's card shows."""
    found = found.defer(None).select_related(None).select_related("challenge", "community")
    return found.only(*CARD)


def communities_with_conversations(viewer: Viewer) -> list[Community]:
    """Return the communities whose people were asked something in public, by name."""
    return _communities_with(authority=viewer.authority.pk)


@composed
def _communities_with(authority: Any) -> QuerySet[Community]:
    asked = Conversation.objects.filter(community=OuterRef("pk"), is_draft=False)
    found = Community.objects.filter(Exists(asked), authority=authority)
    return found.only("name", "slug").order_by("name", "pk")


def _public(at: datetime) -> Q:
    """Return which conversations everybody may read: whole, and of no challenge that is a draft."""
    return Q(is_draft=False) & (Q(challenge__isnull=True) | Q(challenge__published_at__lte=at))


def _led(viewer: Viewer) -> Q:
    """Return which conversations the viewer sets up: of the communities they lead, and below."""
    seats = seats_of(viewer)
    if not seats:
        return Q(pk__in=[])
    return Q(community_id__in=seats) | Q(community__ancestors__overlap=seats)


def _count(template: str) -> Func:
    return Func(F("pk"), template=template, output_field=IntegerField())


_counted: dict[int, tuple[float, int]] = {}


def taken_part(numbers: Collection[int]) -> dict[int, int]:
    """Return how many people have taken part in each conversation; a large count may be seconds old."""
    now = monotonic()
    found = {
        number: kept[1]
        for number in numbers
        if (kept := _counted.get(number)) is not None and now < kept[0]
    }
    asked = [number for number in numbers if number not in found]
    if not asked:
        return found
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conversation_id, count(*) FROM conversations_participant"
            " WHERE conversation_id = ANY (%s) GROUP BY conversation_id",
            [asked],
        )
        found |= dict.fromkeys(asked, 0) | dict(cursor.fetchall())
    if len(_counted) > 10_000:
        _counted.clear()
    _counted.update((n, (now + KEPT, found[n])) for n in asked if found[n] >= MANY)
    return found


def hand_people(found: Iterable[Conversation]) -> None:
    """Give conversations how many people have taken part in them."""
    rows: list[Any] = list(found)
    people = {row.pk: row.few for row in rows if getattr(row, "few", MANY) < MANY}
    unknown = [row.pk for row in rows if row.pk not in people]
    people |= taken_part(unknown) if unknown else {}
    for row in rows:
        row.people = people[row.pk]


# --- statements


def shown(
    conversation: Conversation, *, words: str = "", sort: str = ""
) -> QuerySet[Statement] | Rows[Statement]:
    """Return what people vote on, the newest first or what most voted on; or what holds some words."""
    if not words:
        asked = {"conversation": conversation.pk}
        return _most_voted(**asked) if sort == "votes" else _newest(**asked)
    found = _shown(conversation.pk).annotate(plain=Plain("text"))
    found = found.filter(plain__icontains=plain(words))
    return found.order_by(*(ORDERS["votes"] if sort == "votes" else ORDERS[""]))


ORDERS = {"": ("-added_at", "-number"), "votes": ("-votes", "-added_at", "-number")}


def _shown(conversation: Any) -> QuerySet[Statement]:
    rows = Statement.objects.filter(conversation=conversation, state=State.SHOWN)
    return rows.annotate(
        answer_count=Func(
            F("pk"),
            template="(SELECT count(*) FROM conversations_answer WHERE statement_id = %(expressions)s)",
            output_field=IntegerField(),
        )
    )


@in_pages
def _newest(conversation: Any) -> QuerySet[Statement]:
    return _shown(conversation).order_by(*ORDERS[""])


@in_pages
def _most_voted(conversation: Any) -> QuerySet[Statement]:
    return _shown(conversation).order_by(*ORDERS["votes"])


def statement(conversation: Conversation, number: int) -> list[Statement]:
    """Return one statement of a conversation, whatever its state: a rule says who may read it."""
    found = _statement(conversation=conversation.pk, number=number)
    for row in found:
        row.conversation = conversation
        if row.same_as is not None:
            row.same_as.conversation = conversation
    return found


@composed
def _statement(conversation: Any, number: Any) -> QuerySet[Statement]:
    rows = Statement.objects.filter(conversation=conversation, number=number)
    given = Func(F("pk"), template=_GIVEN, output_field=JSONField())
    return rows.annotate(given=given).select_related("author", "same_as", "challenge")


def answers(statement: Any) -> list[Answer]:
    """Return what came of a statement that was read for its page, the newest first."""
    return [
        Answer(heed=heed, words=words, answered_at=datetime.fromisoformat(at))
        for heed, words, at in statement.given or ()
    ]


def answered(conversation: Conversation, heed: str = "") -> QuerySet[Statement]:
    """Return the statements that were answered, the latest answer first; each knows its answers."""
    last = Answer.objects.filter(statement=OuterRef("pk")).order_by("-answered_at", "-pk")
    rows = Statement.objects.filter(conversation=conversation, state=State.SHOWN)
    rows = rows.annotate(last_at=last.values("answered_at")[:1], heed=last.values("heed")[:1])
    rows = rows.filter(last_at__isnull=False).prefetch_related(
        Prefetch("answers", Answer.objects.order_by("-answered_at", "-pk"))
    )
    return (rows.filter(heed=heed) if heed else rows).order_by("-last_at", "-pk")


def latest_answers(conversation: Any) -> list[Answer]:
    """Return the latest answers in a conversation that was read for its page, one for each statement."""
    return [
        Answer(
            statement=Statement(conversation=conversation, number=number, text=text),
            heed=heed,
            words=words,
            answered_at=datetime.fromisoformat(at),
        )
        for number, text, heed, words, at in conversation.latest or ()
    ]


def statements_in_order(conversation: Conversation) -> QuerySet[Statement]:
    """Return what people vote on by its number, each with what came of it, for programs."""
    rows = Statement.objects.filter(conversation=conversation, state=State.SHOWN)
    given = Prefetch("answers", Answer.objects.order_by("-answered_at", "-pk"))
    return rows.prefetch_related(given).order_by("number")


def public_statements(viewer: Viewer) -> QuerySet[Statement]:
    """Return what people vote on in every public conversation, for open data."""
    readable = public(viewer).order_by().values("pk")
    rows = Statement.objects.filter(conversation__in=readable, state=State.SHOWN)
    return rows.order_by("conversation_id", "number")


# --- setting up


class Missing(NamedTuple):
    """What a conversation lacks before people may see it, and in which step that is mended."""

    step: Step
    words: str


def missing(conversation: Conversation, at: datetime) -> list[Missing]:
    """Return what a draft still lacks; with nothing missing it can be made public."""
    lacks = {
        Step.PEOPLE: _("Say who may take part."),
        Step.RULES: _("Say how it is kept fair."),
        Step.DATES: _("Say when it opens, and what happens with what people say."),
    }
    done = conversation.steps_done
    found = [Missing(step, words) for step, words in lacks.items() if step not in done]
    if not conversation.statements.filter(state=State.SHOWN).exists():
        found.insert(0, Missing(Step.STATEMENTS, _("Write the first statements.")))
    if Step.DATES in done and conversation.opens_at <= at:
        words = _("The day of the opening has passed. Choose another.")
        found.append(Missing(Step.DATES, words))
    return found


def first_statements(conversation: Conversation) -> QuerySet[Statement]:
    """Return what staff put there, in the order they wrote it."""
    return conversation.statements.filter(is_first=True).order_by("number")


class Looked(NamedTuple):
    """A first statement and the advice on its wording."""

    statement: Statement
    advice: list[Advice]


def looked_at(found: Iterable[Statement]) -> list[Looked]:
    """Return statements with the advice on each one's wording."""
    return [Looked(row, advise(row.text)) for row in found]


def advice_on(texts: Sequence[str]) -> list[str]:
    """Return advice on the first statements as a whole: how many, and whether they are of one sort."""
    found = []
    if 0 < len(texts) < GOOD_START:
        words = _("%(n)s so far. Ten to fifteen from different sides are a good start.")
        found.append(words % {"n": len(texts)})
    sides = [where for where in map(side, texts) if where]
    if len(sides) >= FEWEST and abs(sum(sides)) >= 0.7 * len(sides):
        if sum(sides) > 0:
            found.append(
                _("Nearly all of these praise. Add what somebody would say who sees it otherwise.")
            )
        else:
            found.append(
                _("Nearly all of these complain. Add what somebody would say who is content.")
            )
    asking = sum(map(asks_for_something, texts))
    if len(texts) >= FEWEST and asking >= 0.9 * len(texts):
        words = _(
            "Nearly all of these ask for something. Add some of what people feel or live through."
        )
        found.append(words)
    return found


def alike(found: Sequence[Statement], most: int = 10) -> list[tuple[Statement, Statement]]:
    """Return the statements that may say the same, the closest pairs first."""
    pairs = Texts([row.text for row in found]).pairs()
    return [(found[first], found[second]) for first, second, _likeness in pairs[:most]]


def details_of(conversation: Conversation) -> QuerySet[Detail]:
    """Return what people may say of themselves, with the choices they have."""
    return conversation.details.prefetch_related("choices")


def places_inside(conversation: Conversation, most: int = 12) -> list[str]:
    """Return the names of the communities directly inside the one that is asked."""
    inside = Community.objects.filter(parent=conversation.community_id).order_by("name", "pk")
    return list(inside.values_list("name", flat=True)[:most])


def communities_to_ask(viewer: Viewer) -> QuerySet[Community]:
    """Return the communities whose people this viewer may ask."""
    return challenges.communities_to_lead(viewer)


def challenges_to_ask(viewer: Viewer) -> QuerySet[Challenge]:
    """Return the challenges for which this viewer may ask."""
    return challenges.led(viewer).prefetch_related(None).order_by("title", "pk")


def conversations_to_copy(viewer: Viewer) -> QuerySet[Conversation]:
    """Return the earlier conversations that this viewer runs, the newest first."""
    ran = as_cards(conversations(viewer).filter(_led(viewer), is_draft=False))
    return ran.order_by("-opens_at", "-pk")


def previewed(viewer: Viewer, token: str) -> Conversation | None:
    """Return the conversation that a preview link shows to whoever holds it, public or not."""
    here = Conversation.objects.filter(authority=viewer.authority, withdrawn_at__isnull=True)
    found = here.defer("key").select_related("challenge__community", "community")
    return _whole(found.annotate(shown_count=_count(_SHOWN))).filter(preview=token).first()


def held(viewer: Viewer, conversation_id: int) -> Conversation:
    """Return a conversation of the viewer's authority, locked against other changes; votes go on."""
    rows = Conversation.objects.select_for_update(of=("self",), no_key=True)
    return rows.select_related("challenge", "community").get(
        pk=conversation_id, authority=viewer.authority
    )


# --- after the opening


def changes_of(conversation: Any) -> list[Change]:
    """Return what was changed after the opening of a conversation read for its page, newest first."""
    return [
        Change(part=part, was=was, became=became, why=why, changed_at=datetime.fromisoformat(at))
        for part, was, became, why, at in conversation.changed or ()
    ]


def due_to_open(at: datetime) -> QuerySet[Conversation]:
    """Return the conversations of all authorities that have opened and whose opening nobody told."""
    opened = Conversation.objects.filter(_public(at), opens_at__lte=at, withdrawn_at__isnull=True)
    return opened.exclude(_told("conversation.opened")).order_by("opens_at", "pk")


def due_to_close(at: datetime) -> QuerySet[Conversation]:
    """Return the conversations of all authorities that have closed and whose close nobody told."""
    closed = Conversation.objects.filter(_public(at), closes_at__lte=at, withdrawn_at__isnull=True)
    return closed.exclude(_told("conversation.closed")).order_by("closes_at", "pk")


def _told(what: str) -> Exists:
    about = {"about": "conversations.Conversation", "about_id": OuterRef("pk")}
    return Exists(Entry.objects.filter(what=what, **about))


# --- panels on other pages


def home_panel(viewer: Viewer, thing: None) -> Mapping[str, Any] | None:
    """Return the conversations that are open now, for the front page."""
    found = _open(authority=viewer.authority.pk, at=viewer.at)
    return {"conversations": found} if found else None


@composed
def _open(authority: Any, at: Any) -> QuerySet[Conversation]:
    rows = as_cards(conversations(everyone(authority, at)))
    return rows.filter(Q(place=0))[:3]


def challenge_panel(viewer: Viewer, challenge: Challenge) -> Mapping[str, Any] | None:
    """Return a challenge's conversations that are open."""
    found = [row for row in _on_page(viewer, challenge) if row.is_open(viewer.at)]
    return {"conversations": found} if found else None


def challenge_more_panel(viewer: Viewer, challenge: Challenge) -> Mapping[str, Any] | None:
    """Return all conversations of a challenge, and whether one may be set up."""
    found = _on_page(viewer, challenge)
    leads = may_lead(viewer, challenge.community)
    return {"conversations": found, "leads": leads} if found or leads else None


def _on_page(viewer: Viewer, challenge: Challenge) -> list[Conversation]:
    def read() -> list[Conversation]:
        if seats_of(viewer):
            return list(as_cards(conversations(viewer)).filter(challenge=challenge)[:20])
        return _of_challenge(authority=viewer.authority.pk, at=viewer.at, challenge=challenge.pk)

    return viewer.once(("conversations", challenge.pk), read)


@composed
def _of_challenge(authority: Any, at: Any, challenge: Any) -> QuerySet[Conversation]:
    return as_cards(conversations(everyone(authority, at))).filter(challenge=challenge)[:20]


def community_panel(viewer: Viewer, community: Community) -> Mapping[str, Any] | None:
    """Return what the people of a community, and of those inside it, are asked now."""
    asked = {"authority": viewer.authority.pk, "at": viewer.at, "branch": [community.pk]}
    found = _in_branch(**asked)
    return {"conversations": found} if found else None


@composed
def _in_branch(authority: Any, at: Any, branch: Any) -> QuerySet[Conversation]:
    inside = Q(among("community", branch)) | Q(community__ancestors__overlap=branch)
    return as_cards(conversations(everyone(authority, at))).filter(inside, Q(place__lt=2))[:3]


def desk_panel(viewer: Viewer, thing: None) -> Mapping[str, Any] | None:
    """Return the conversations a member of staff runs: set up, coming, open, or closed not long ago."""
    seats = seats_of(viewer)
    if not seats:
        return None
    since = viewer.at - STILL_NEWS
    found = _run(authority=viewer.authority.pk, at=viewer.at, since=since, seats=seats)
    hand_people(found)
    return {"conversations": found, "today": viewer.at.date()}


@composed
def _run(authority: Any, at: Any, since: Any, seats: Any) -> QuerySet[Conversation]:
    recent = Q(closes_at__isnull=True) | Q(closes_at__gt=since)
    mine = Conversation.objects.filter(below(seats), recent, authority=authority)
    rows = as_cards(_placed(mine.filter(withdrawn_at__isnull=True), at))
    return rows.annotate(
        waiting=_count(_WAITING), answered_count=_count(_ANSWERED), few=_count(_FEW)
    )[:20]


AT_ONCE = 200  # so many people one job writes to


def took_part(conversation: Conversation, *, after: int) -> list[Person]:
    """Return the next people who took part with an account and can be written to, by their numbers."""
    theirs = Participant.objects.filter(conversation=conversation, person=OuterRef("pk"))
    reached = Person.objects.filter(is_active=True, erased_at__isnull=True, email__isnull=False)
    return list(reached.filter(Exists(theirs), pk__gt=after).order_by("pk")[:AT_ONCE])


def waiting(conversation: Conversation) -> int:
    """Return how many statements wait for a moderator."""
    return Statement.objects.filter(conversation=conversation, state=State.WAITING).count()


def reminders(conversation: Conversation, at: datetime, today: date) -> list[str]:
    """Return what those who run a conversation should not forget."""
    found = []
    if conversation.state(at) == "coming" and conversation.challenge is not None:
        stages = {step.stage for step in conversation.challenge.steps.all()}
        if Stage.LISTEN not in stages:
            found.append(
                _("Its challenge has no dates for “Listen” yet, so its loop does not show it.")
            )
    if conversation.state(at) == "closed" and conversation.promised_on is not None:
        days = (conversation.promised_on - today).days
        answered: int = getattr(conversation, "answered_count", 0)
        if days < 0 and not answered:
            found.append(_("The day of the promised answer has passed, and nothing is answered."))
        elif 0 <= days <= 14:
            found.append(_("The answer that was promised is due within two weeks."))
    return found


# --- what is kept about a person


def personal(person: Person) -> Iterator[dict[str, Any]]:
    """Return the conversations that a person set up, and the answers they wrote."""
    for made in Conversation.objects.filter(created_by=person).order_by("created_at", "pk"):
        yield {"question": made.question, "set_up_at": made.created_at.isoformat()}
    given = Answer.objects.filter(answered_by=person).select_related("statement")
    for answer in given.order_by("answered_at", "pk"):
        yield {
            "statement": answer.statement.text,
            "answer": answer.words,
            "answered_at": answer.answered_at.isoformat(),
        }
