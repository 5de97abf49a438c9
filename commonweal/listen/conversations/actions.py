"""Setting up a conversation, opening it, changing what may still change, and answering what is said."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from smtplib import SMTPRecipientsRefused
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from commonweal.ground.challenges.models import Challenge
from commonweal.ground.journal import actions as journal
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Community
from commonweal.ground.places.rules import Viewer
from commonweal.kit.jobs import later
from commonweal.kit.mail import letter
from commonweal.kit.manifest import silent
from commonweal.listen.conversations import queries, rules
from commonweal.listen.conversations.models import (
    MOST_STATEMENTS,
    Answer,
    Change,
    Conversation,
    Detail,
    DetailChoice,
    Part,
    State,
    Statement,
    Step,
    new_preview,
)

MOST_FIRST = 300  # statements by staff before it opens
SETTINGS = (
    "background", "what_happens", "promised_by", "minutes", "reach", "level", "people_add",
    "moderation", "policy", "enough",
)  # fmt: skip
CORRECTED = tuple(part for part in Part if part not in (Part.CLOSE, Part.WITHDRAWN))
# One adds after the other, or two statements would get the same number; people's hold the same lock.
ONE_ADDS = "SELECT pg_advisory_xact_lock(hashtextextended('voices.add', %s))"
# A choice is a label and how many in a thousand who live there would make it, where that is known.
Choices = Sequence[tuple[str, int | None]]


class NotOfTheChallenge(Exception):
    """The people who are asked are not of the challenge's community, nor of one inside it."""


class OpensTooSoon(Exception):
    """A conversation opens in the future, so that it can be read through before."""


class NotReady(Exception):
    """Something is missing before the conversation can be made public."""


class HasOpened(Exception):
    """What people found when it opened stays as it is."""


class NotOpen(Exception):
    """Only what is open can be extended, closed early or added to."""


class OnlyLater(Exception):
    """A close is put off, or it is now."""


class TooManyStatements(Exception):
    """A conversation holds no more statements than people could ever come to."""


class SaidAlready(Exception):
    """The very same statement stands there; ``number`` is its."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class NotShown(Exception):
    """What nobody votes on is answered by nobody."""


# --- setting up


@transaction.atomic
def draft_conversation(
    *,
    viewer: Viewer,
    community: Community,
    challenge: Challenge | None = None,
    question: str,
    background: str = "",
) -> Conversation:
    """Begin a conversation that nobody else sees until all of its steps are done."""
    made = _new(viewer, community, challenge, question=question, background=background)
    made.steps_done = [Step.QUESTION.value]
    made.save()
    _record(viewer, "conversation.drafted", made)
    return made


@transaction.atomic
def copy_conversation(*, viewer: Viewer, conversation_id: int, question: str) -> Conversation:
    """Begin a conversation with the settings, first statements and details of an earlier one.

    Dates, key and preview link are its own.
    """
    past = queries.held(viewer, conversation_id)
    if not rules.may_run(viewer, past):
        raise PermissionDenied(_("Only those who ran a conversation may begin another from it."))
    same = {name: getattr(past, name) for name in SETTINGS}
    made = _new(viewer, past.community, past.challenge, question=question, **same)
    made.copied_from = past
    made.steps_done = [step.value for step in Step if step != Step.DATES]
    made.save()
    _record(viewer, "conversation.drafted", made)
    first = queries.first_statements(past).filter(state=State.SHOWN)
    _put(made, first.values_list("text", flat=True)[:MOST_FIRST], viewer.at)
    _put_details(
        made,
        [
            (detail.label, [(one.label, one.residents_in_1000) for one in detail.choices.all()])
            for detail in queries.details_of(past)
        ],
    )
    return made


def _new(
    viewer: Viewer, community: Community, challenge: Challenge | None, **values: Any
) -> Conversation:
    """Return a conversation that is not saved yet, if the viewer may ask these people."""
    _check_place(viewer, community, challenge)
    day = timezone.localtime(viewer.at) + timedelta(days=28)
    opens = day.replace(hour=9, minute=0, second=0, microsecond=0)
    return Conversation(
        authority=viewer.authority,
        community=community,
        challenge=challenge,
        opens_at=opens,
        closes_at=(opens + timedelta(days=28)).replace(hour=20),
        created_at=viewer.at,
        created_by=viewer.person,
        **values,
    )


def _check_place(viewer: Viewer, community: Community, challenge: Challenge | None) -> None:
    if not rules.may_set_up(viewer, community):
        raise PermissionDenied(_("Only those who lead a community may ask its people."))
    if challenge is not None:
        if not rules.may_set_up(viewer, challenge.community):
            raise PermissionDenied(_("Only those who lead a challenge may ask for it."))
        if challenge.community_id not in community.branch():
            raise NotOfTheChallenge


@transaction.atomic
def save_step(*, viewer: Viewer, conversation_id: int, step: Step, **changes: Any) -> Conversation:
    """Save one step of setting up, before it opens."""
    found = _to_change(viewer, conversation_id)
    for name, value in changes.items():
        setattr(found, name, value)
    if step == Step.QUESTION:
        _check_place(viewer, found.community, found.challenge)
    if step == Step.DATES and found.opens_at <= viewer.at:
        raise OpensTooSoon
    _mark_done(found, step)
    found.save(update_fields=[*changes, "steps_done"])
    _record(viewer, "conversation.changed", found)
    return found


def _mark_done(found: Conversation, step: Step) -> None:
    found.steps_done = [one.value for one in Step if one in (*found.steps_done, step)]


@transaction.atomic
def add_first(*, viewer: Viewer, conversation_id: int, texts: Iterable[str]) -> list[Statement]:
    """Put first statements into a conversation before it opens; what stands there is passed over."""
    found = _to_change(viewer, conversation_id)
    made = _put(found, texts, viewer.at)
    if found.statements.filter(is_first=True).count() > MOST_FIRST:
        raise TooManyStatements
    if made:
        _mark_done(found, Step.STATEMENTS)
        found.save(update_fields=["steps_done"])
        _record(viewer, "conversation.changed", found)
    return made


def _put(found: Conversation, texts: Iterable[str], at: datetime) -> list[Statement]:
    there = {_same(text) for text in found.statements.values_list("text", flat=True)}
    last = _last_number(found)
    rows = []
    for text in texts:
        if _same(text) in there:
            continue
        there.add(_same(text))
        last += 1
        rows.append(
            Statement(
                conversation=found, number=last, text=text, is_first=True, state=State.SHOWN,
                added_at=at,
            )
        )  # fmt: skip
    if last > MOST_STATEMENTS:
        raise TooManyStatements
    return Statement.objects.bulk_create(rows)


def _same(text: str) -> str:
    return " ".join(text.casefold().split()).rstrip(".!")


def _last_number(found: Conversation) -> int:
    last: int | None = found.statements.aggregate(last=Max("number"))["last"]
    return last or 0


@transaction.atomic
def change_first(*, viewer: Viewer, conversation_id: int, number: int, text: str) -> Statement:
    """Word a first statement anew, before people see it."""
    found = _to_change(viewer, conversation_id)
    row = queries.first_statements(found).get(number=number)
    for other in found.statements.exclude(pk=row.pk).only("number", "text"):
        if _same(other.text) == _same(text):
            raise SaidAlready(other.number)
    row.text = text
    row.save(update_fields=["text"])
    _record(viewer, "conversation.changed", found)
    return row


@transaction.atomic
def remove_first(*, viewer: Viewer, conversation_id: int, number: int) -> Conversation:
    """Take a first statement away, before people see it."""
    found = _to_change(viewer, conversation_id)
    gone, _rows = queries.first_statements(found).filter(number=number).delete()
    if gone:
        _record(viewer, "conversation.changed", found)
    return found


@transaction.atomic
def save_details(
    *, viewer: Viewer, conversation_id: int, details: Iterable[tuple[str, Choices]]
) -> Conversation:
    """Say what people may tell of themselves, instead of what stood there before."""
    found = _to_change(viewer, conversation_id)
    found.details.all().delete()
    _put_details(found, details)
    _mark_done(found, Step.DETAILS)
    found.save(update_fields=["steps_done"])
    _record(viewer, "conversation.changed", found)
    return found


def _put_details(found: Conversation, details: Iterable[tuple[str, Choices]]) -> None:
    for position, (label, choices) in enumerate(details):
        made = Detail.objects.create(conversation=found, label=label, position=position)
        DetailChoice.objects.bulk_create(
            DetailChoice(detail=made, label=choice, residents_in_1000=share, position=place)
            for place, (choice, share) in enumerate(choices)
        )


@transaction.atomic
def make_public(*, viewer: Viewer, conversation_id: int) -> Conversation:
    """Let a whole draft go: people can read it, and it opens by itself."""
    found = _to_change(viewer, conversation_id)
    if not found.is_draft:
        return found
    if queries.missing(found, viewer.at):
        raise NotReady
    found.is_draft = False
    found.save(update_fields=["is_draft"])
    _record(viewer, "conversation.created", found)
    return found


@transaction.atomic
def renew_preview(*, viewer: Viewer, conversation_id: int) -> Conversation:
    """Give a conversation a new preview link; the old one leads nowhere from now on."""
    found = _to_run(viewer, conversation_id)
    found.preview = new_preview()
    found.save(update_fields=["preview"])
    _record(viewer, "conversation.preview_renewed", found, public=False)
    return found


def _to_change(viewer: Viewer, conversation_id: int) -> Conversation:
    found = _to_run(viewer, conversation_id)
    if found.withdrawn_at is not None or found.has_opened(viewer.at):
        raise HasOpened
    return found


def _to_run(viewer: Viewer, conversation_id: int) -> Conversation:
    found = queries.held(viewer, conversation_id)
    if not rules.may_run(viewer, found):
        raise PermissionDenied(_("Only those who run this conversation may do this."))
    return found


def _record(
    viewer: Viewer,
    what: str,
    about: Conversation | Statement,
    *,
    public: bool = True,
    **facts: Any,
) -> None:
    """Keep who did what; it is everyone's story once everybody may read the conversation."""
    found = about if isinstance(about, Conversation) else about.conversation
    challenge = found.challenge
    is_told = not found.is_draft and (challenge is None or challenge.is_public)
    journal.record(
        what=what,
        who=viewer.person,
        about=about,
        at=viewer.at,
        public=public and is_told,
        facts=facts,
    )


# --- while it is open


@transaction.atomic
def add_by_staff(*, viewer: Viewer, conversation_id: int, text: str) -> Statement:
    """Add a statement while people vote; everybody sees that it comes from those who ask."""
    with connection.cursor() as cursor:  # before all else, as whoever adds one does
        cursor.execute(ONE_ADDS, [conversation_id])
    found = _to_run(viewer, conversation_id)
    if not found.is_open(viewer.at):
        raise NotOpen
    for other in found.statements.filter(state=State.SHOWN).only("number", "text").iterator():
        if _same(other.text) == _same(text):
            raise SaidAlready(other.number)
    (made,) = _put(found, [text], viewer.at) or (None,)
    if made is None:  # it stands there, and is not shown
        raise SaidAlready(0)
    _record(viewer, "statement.staff_added", made)
    return made


@transaction.atomic
def extend_close(
    *, viewer: Viewer, conversation_id: int, closes_at: datetime, why: str
) -> Conversation:
    """Keep an open conversation open longer, in public and with a reason."""
    found = _to_run(viewer, conversation_id)
    if not found.is_open(viewer.at):
        raise NotOpen
    if closes_at <= viewer.at or (found.closes_at is not None and closes_at <= found.closes_at):
        raise OnlyLater
    _move_close(viewer, found, closes_at, why)
    _record(viewer, "conversation.extended", found, until_at=closes_at.isoformat())
    return found


@transaction.atomic
def close_early(*, viewer: Viewer, conversation_id: int, why: str) -> Conversation:
    """Close an open conversation now, in public and with a reason."""
    found = _to_run(viewer, conversation_id)
    if not found.is_open(viewer.at):
        raise NotOpen
    _move_close(viewer, found, viewer.at, why)
    _record(viewer, "conversation.closed_early", found)
    _record(viewer, "conversation.closed", found)
    return found


def _move_close(viewer: Viewer, found: Conversation, closes_at: datetime, why: str) -> None:
    was = "" if found.closes_at is None else found.closes_at.isoformat()
    found.closes_at = closes_at
    found.save(update_fields=["closes_at"])
    _note(viewer, found, Part.CLOSE, was, closes_at.isoformat(), why)


@transaction.atomic
def correct(*, viewer: Viewer, conversation_id: int, why: str, **words: Any) -> Conversation:
    """Change in public what may still change after a conversation has opened, and say why."""
    found = _to_run(viewer, conversation_id)
    if not found.has_opened(viewer.at) or found.withdrawn_at is not None:
        raise NotOpen
    changed = [
        part for part in CORRECTED if words.get(part, getattr(found, part)) != getattr(found, part)
    ]
    for part in changed:
        was = _told(found, part)
        setattr(found, part, words[part])
        _note(viewer, found, part, was, _told(found, part), why)
    if changed:
        found.save(update_fields=[part.value for part in changed])
        _record(viewer, "conversation.corrected", found)
    return found


def _told(found: Conversation, part: Part) -> str:
    """Write a part of a conversation as people read it."""
    value = getattr(found, part)
    if part == Part.MODERATION:
        return str(found.get_moderation_display())
    if part == Part.PEOPLE_ADD:
        return _("Yes") if value else _("No")
    return value.isoformat() if isinstance(value, date) else str(value or "")


@transaction.atomic
def withdraw(*, viewer: Viewer, conversation_id: int, why: str) -> Conversation:
    """Take a conversation back, for good and with a reason: nobody votes in it any more.

    What was said stays readable; who said it in which group can be worked out by nobody again.
    """
    found = _to_run(viewer, conversation_id)
    if found.withdrawn_at is None:
        found.withdrawn_at, found.key = viewer.at, None
        found.save(update_fields=["withdrawn_at", "key"])
        _note(viewer, found, Part.WITHDRAWN, "", "", why)
        _record(viewer, "conversation.withdrawn", found)
        later("conversations.tell_withdrawn", conversation_id=found.pk)
    return found


def tell_withdrawn(*, conversation_id: int, after: int = 0, at: datetime) -> int:
    """Write to those who took part with an account that it was withdrawn, some at a time; to how many."""
    found = Conversation.objects.select_related("authority").get(pk=conversation_id)
    why = found.changes.filter(part=Part.WITHDRAWN).values_list("why", flat=True).last()
    people = queries.took_part(found, after=after)
    if found.withdrawn_at is None or why is None or not people:
        return 0
    quiet = silent([person.pk for person in people])
    for person in people:
        if person.pk not in quiet:
            with suppress(SMTPRecipientsRefused):  # their address is gone; the others wait
                _letter(found, person, why, at)
    later("conversations.tell_withdrawn", conversation_id=found.pk, after=people[-1].pk)
    return len(people)


def _letter(found: Conversation, person: Person, why: str, at: datetime) -> None:
    letter(
        person=person,
        authority=found.authority,
        at=at,
        subject=_("A conversation you took part in was withdrawn"),
        lines=[
            _("“%(title)s” was withdrawn. Nobody votes in it any more.")
            % {"title": found.question},
            _("The reason: %(reason)s") % {"reason": why},
            _("What was said can still be read. If you have a question, reply to this mail."),
        ],
        href=found.get_absolute_url(),
        link=_("Read it on its page"),
        why=_("You get this because you took part in a conversation with your account."),
        key=f"conversation-{found.pk}-withdrawn",
    ).send()


def _note(viewer: Viewer, found: Conversation, part: Part, was: str, became: str, why: str) -> None:
    assert viewer.person is not None  # whoever runs a conversation is somebody
    Change.objects.create(
        conversation=found,
        part=part,
        was=was,
        became=became,
        why=why,
        changed_at=viewer.at,
        changed_by=viewer.person,
    )


# --- you said, we did


@transaction.atomic
def answer_statement(
    *, viewer: Viewer, conversation_id: int, number: int, heed: str, words: str
) -> Answer:
    """Say what came of a statement; what was said before stays beneath it."""
    found = _to_run(viewer, conversation_id)
    row = found.statements.get(number=number)
    row.conversation = found
    if row.state != State.SHOWN or not found.has_opened(viewer.at):
        raise NotShown
    assert viewer.person is not None
    last = row.answers.order_by("-answered_at", "-pk").first()
    if last is not None and (last.heed, last.words) == (heed, words):
        return last  # sent twice
    made = Answer.objects.create(
        statement=row, heed=heed, words=words, answered_at=viewer.at, answered_by=viewer.person
    )
    _record(viewer, "statement.answered", row, heed=heed)
    return made


# --- by the clock


@transaction.atomic
def tell_opening(*, conversation_id: int, at: datetime) -> bool:
    """Write once into the journal that a conversation has opened; tell whether it was this call."""
    return _tell(queries.due_to_open(at), "conversation.opened", conversation_id, at)


@transaction.atomic
def tell_close(*, conversation_id: int, at: datetime) -> bool:
    """Write once into the journal that a conversation has closed; tell whether it was this call."""
    return _tell(queries.due_to_close(at), "conversation.closed", conversation_id, at)


def _tell(due: Any, what: str, conversation_id: int, at: datetime) -> bool:
    held = Conversation.objects.select_for_update(no_key=True).get(pk=conversation_id)
    if not due.filter(pk=held.pk).exists():
        return False
    journal.record(what=what, who=None, about=held, at=at, public=True)
    return True


def let_stand(person: Person, at: datetime) -> None:
    """Leave conversations and answers with the authority; their maker becomes nobody."""
