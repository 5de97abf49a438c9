"""Everything that decides about statements, and about accounts that act as one."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import numpy as np
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from commonweal.engine.opinion.guards import Clique, raised, sensitivity
from commonweal.engine.opinion.overview import overview
from commonweal.engine.opinion.similar import Texts, similar_statements
from commonweal.engine.opinion.votes import Votes
from commonweal.ground.journal import actions as journal
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import RoleKind
from commonweal.ground.places.rules import Viewer
from commonweal.kit.addresses import address
from commonweal.kit.jobs import later
from commonweal.kit.mail import letter
from commonweal.listen.conversations.models import (
    Conversation,
    Participant,
    Reason,
    State,
    Statement,
)
from commonweal.listen.moderation import queries, rules
from commonweal.listen.moderation.models import (
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
    Waits,
)
from commonweal.listen.voices.queries import same_words

MOST_PAIRS = 300


class DecidedMeanwhile(Exception):
    """Somebody else decided, or the author changed the words, since the page was opened."""


class CannotBeOne(Exception):
    """These two statements cannot become one; the words say why, for the page."""


class CannotUndo(Exception):
    """It was decided anew since, or its author objected: the words say which, for the page."""


class WordsStand(Exception):
    """The words can no longer be changed: people vote on them, or they are gone."""


class AppealedAlready(Exception):
    """Objecting is for once, and only against what stands."""


@dataclass
class Done:
    """What became of a decision about several statements."""

    batch: uuid.UUID
    decided: list[Statement] = field(default_factory=list)
    missed: list[Statement] = field(default_factory=list)  # decided or changed by somebody else
    own: list[Statement] = field(default_factory=list)  # by whoever decides


@transaction.atomic
def decide(
    *, viewer: Viewer, seen: Mapping[int, str], verdict: str, reason: str = "", words: str = ""
) -> Done:
    """Let statements through or not: each only if it is still what the moderator saw.

    ``seen`` says by ``queries.mark`` what stood on the page. What was decided or changed meanwhile,
    and what the moderator wrote themselves, is left as it is and handed back.
    """
    person = _present(viewer)
    against = verdict == Verdict.REJECTED
    if against:
        reason = Reason(reason).value
    elif verdict != Verdict.SHOWN:
        raise ValueError(f"{verdict} is no decision about several statements")
    done = Done(uuid.uuid4())
    held = queries.held(viewer, seen)
    reported = set(queries.reported(held))
    for statement in held:
        _check_moderates(viewer, statement.conversation)
        is_reported = statement.pk in reported
        if rules.wrote(viewer, statement):
            done.own.append(statement)
        elif queries.mark(statement) != seen[statement.pk] or not _is_open(
            statement, verdict, is_reported
        ):
            done.missed.append(statement)
        else:
            done.decided.append(statement)
    given = {"verdict": verdict, "reason": reason if against else "", "words": words}
    _decide(done.decided, done.batch, person, viewer.at, **given)
    now = {"state": State.REJECTED if against else State.SHOWN, "reason": given["reason"]}
    Statement.objects.filter(pk__in=[row.pk for row in done.decided]).update(
        **now, decided_at=viewer.at, decided_by=person
    )
    what = "statement.rejected" if against else "statement.let_through"
    _record_each(viewer, what, done.decided, **({"reason": reason} if against else {}))
    return done


def _is_open(statement: Statement, verdict: str, is_reported: bool) -> bool:
    """Tell whether a statement can be decided about: it waits, or stands there and may go or stay."""
    if statement.state == State.WAITING:
        return True
    return statement.state == State.SHOWN and (
        verdict == Verdict.REJECTED or statement.decided_at is None or is_reported
    )


def _decide(
    rows: Sequence[Statement], batch: uuid.UUID, person: Person, at: datetime, **given: Any
) -> None:
    """Write a decision for each statement, let suggestions lapse, and queue a word to the authors."""
    Decision.objects.bulk_create(
        Decision(
            conversation_id=row.conversation_id, statement=row, batch=batch, was=row.state,
            was_decided_at=row.decided_at, decided_at=at, decided_by=person, **given,
        )
        for row in rows
    )  # fmt: skip
    _lapse(rows, at)
    queries.reports_of([row.pk for row in rows]).update(settled_at=at)
    if rows:
        later("moderation.tell", batch=str(batch))


def _lapse(rows: Sequence[Statement], at: datetime) -> None:
    waiting = Suggestion.objects.filter(statement__in=rows, state=SuggestionState.WAITING)
    waiting.update(state=SuggestionState.LAPSED, answered_at=at)


@transaction.atomic
def merge(
    *, viewer: Viewer, statement_id: int, into: int, seen: str | None = None, words: str = ""
) -> Decision:
    """Make a statement one with another of its conversation, which people vote on.

    Votes stay where they are. Raises ``CannotBeOne`` and ``DecidedMeanwhile``.
    """
    person = _present(viewer)
    rows = {row.pk: row for row in queries.held(viewer, [statement_id, into])}
    statement, other = rows.get(statement_id), rows.get(into)
    if statement is None or other is None:
        raise CannotBeOne(_("Choose another statement of the same conversation."))
    _check_moderates(viewer, statement.conversation)
    if seen is not None and queries.mark(statement) != seen:
        raise DecidedMeanwhile
    _check_can_be_one(viewer, statement, other)
    batch = uuid.uuid4()
    _decide(
        [statement], batch, person, viewer.at, verdict=Verdict.MERGED, same_as=other, words=words
    )
    statement.state, statement.same_as = State.MERGED, other
    statement.decided_at, statement.decided_by, statement.reason = viewer.at, person, ""
    statement.save(update_fields=["state", "same_as", "decided_at", "decided_by", "reason"])
    _record(viewer, "statement.merged", statement, into=other.number)
    return Decision.objects.get(batch=batch)


def _check_can_be_one(viewer: Viewer, statement: Statement, other: Statement) -> None:
    if statement.pk == other.pk or statement.conversation_id != other.conversation_id:
        raise CannotBeOne(_("Choose another statement of the same conversation."))
    if rules.wrote(viewer, statement):
        raise CannotBeOne(_("You wrote this yourself: a colleague decides about it."))
    if statement.state not in (State.WAITING, State.SHOWN):
        raise CannotBeOne(_("This statement neither waits nor stands there any more."))
    if other.state != State.SHOWN:
        raise CannotBeOne(_("People do not vote on the other one, so nothing can join it."))
    if statement.merged.exists():
        raise CannotBeOne(
            _("Others became one with this statement. It can only be the one that stays.")
        )


@transaction.atomic
def undo(*, viewer: Viewer, batch: uuid.UUID) -> Done:
    """Take back all that was decided together, wherever nothing happened to it since.

    Each statement stands again where it stood. Raises ``CannotUndo`` if there is none of which that
    is still true.
    """
    person = _present(viewer)
    asked = Decision.objects.filter(batch=batch, conversation__authority=viewer.authority)
    held = {row.pk: row for row in queries.held(viewer, asked.values_list("statement", flat=True))}
    decisions = list(asked.select_for_update(of=("self",)).select_related("appeal").order_by("pk"))
    if not decisions:
        raise CannotUndo(_("There is no such decision."))
    done = Done(batch)
    for decision in decisions:
        statement = held[decision.statement_id]
        _check_moderates(viewer, statement.conversation)
        if not decision.stands or not _is_the_newest(decision, statement):
            done.missed.append(statement)
            continue
        _put_back(decision, statement, person, viewer.at)
        done.decided.append(statement)
    if not done.decided:
        raise CannotUndo(_("It was decided anew since, taken back, or its author objected."))
    _record_each(viewer, "statement.decision_undone", done.decided)
    later("moderation.tell_undone", batch=str(batch))
    return done


def _is_the_newest(decision: Decision, statement: Statement) -> bool:
    """Tell whether a statement stands where this decision put it, and nobody objected to it."""
    became = {
        Verdict.SHOWN: State.SHOWN, Verdict.REJECTED: State.REJECTED, Verdict.MERGED: State.MERGED,
    }[Verdict(decision.verdict)]  # fmt: skip
    return (
        statement.decided_at == decision.decided_at
        and statement.state == became
        and getattr(decision, "appeal", None) is None
    )


def _put_back(decision: Decision, statement: Statement, person: Person, at: datetime) -> None:
    decision.undone_at, decision.undone_by = at, person
    decision.save(update_fields=["undone_at", "undone_by"])
    before = (
        Decision.objects.filter(statement=statement)
        .filter(Q(decided_at=decision.was_decided_at))
        .values_list("decided_by", flat=True)
        .first()
    )
    statement.state, statement.reason, statement.same_as = decision.was, "", None
    statement.decided_at, statement.decided_by_id = decision.was_decided_at, before
    statement.save(update_fields=["state", "reason", "same_as", "decided_at", "decided_by"])


@transaction.atomic
def promise_reading(*, viewer: Viewer, conversation: Conversation, days: int) -> Reading:
    """Say within how many working days a person reads what is added."""
    if not rules.may_promise(viewer, conversation):
        raise PermissionDenied(_("Only moderators and those who lead this place say that."))
    promise, _new = Reading.objects.update_or_create(
        conversation=conversation, defaults={"days": days}
    )
    _record_about(viewer, "statement.reading_changed", conversation, days=days)
    return promise


# --- a cleaner text


@transaction.atomic
def suggest(*, viewer: Viewer, statement_id: int, text: str, seen: str | None = None) -> Suggestion:
    """Suggest a cleaner text to the author: the words change only if they take it.

    Raises ``DecidedMeanwhile``, and ``WordsStand`` for what is not waiting or has no author.
    """
    person = _present(viewer)
    statement = _held_to_moderate(viewer, statement_id, seen)
    if statement.state != State.WAITING or statement.author is None or text == statement.text:
        raise WordsStand
    _lapse([statement], viewer.at)
    made = Suggestion.objects.create(
        statement=statement, text=text, suggested_at=viewer.at, suggested_by=person
    )
    _record(viewer, "statement.text_suggested", statement)
    later("moderation.tell_suggested", suggestion_id=made.pk)
    return made


@transaction.atomic
def answer_suggestion(
    *, viewer: Viewer, participant: Participant, suggestion_id: int, takes_it: bool
) -> Statement:
    """Take the cleaner text, which then stands there at once, or keep one's own words.

    Raises ``DecidedMeanwhile`` if something else was decided since.
    """
    asked = Suggestion.objects.filter(pk=suggestion_id).first()
    statement = _own_held(participant, asked.statement_id if asked else 0)
    suggestion = Suggestion.objects.select_for_update().get(pk=suggestion_id)
    if suggestion.state != SuggestionState.WAITING or statement.state != State.WAITING:
        raise DecidedMeanwhile
    suggestion.state = SuggestionState.TAKEN if takes_it else SuggestionState.REFUSED
    suggestion.answered_at = viewer.at
    suggestion.save(update_fields=["state", "answered_at"])
    if takes_it:
        statement.text = suggestion.text
        batch, by = uuid.uuid4(), suggestion.suggested_by
        _decide([statement], batch, by, viewer.at, verdict=Verdict.SHOWN)
        statement.state, statement.decided_at, statement.decided_by = State.SHOWN, viewer.at, by
        statement.save(update_fields=["text", "state", "decided_at", "decided_by"])
    what = "statement.text_taken" if takes_it else "statement.text_refused"
    _record_unnamed(viewer, what, statement)
    return statement


class SaidAlready(Exception):
    """The same words stand here already, as ``statement``, or a moderator did not let them through."""

    def __init__(self, statement: Statement) -> None:
        super().__init__(statement.number)
        self.statement = statement


@transaction.atomic
def change_text(
    *, viewer: Viewer, participant: Participant, statement_id: int, text: str
) -> Statement:
    """Let its author change what nobody votes on: it waits again, with the new words.

    Raises ``SaidAlready``, and ``WordsStand`` where people vote on it, the conversation is closed, or
    it was decided too often.
    """
    statement = _own_held(participant, statement_id)
    if text == statement.text and statement.state == State.WAITING:
        return statement
    others = statement.showings.filter(value__isnull=False).exclude(participant=participant)
    statement.others = others.exists()  # type: ignore[attr-defined]
    if not rules.may_change(statement, viewer.at):
        raise WordsStand
    same = same_words(statement.conversation, text)
    if same is not None and same.pk != statement.pk:
        raise SaidAlready(same)
    _lapse([statement], viewer.at)
    statement.text, statement.state, statement.reason = text, State.WAITING, ""
    statement.added_at, statement.decided_at, statement.decided_by = viewer.at, None, None
    statement.save(
        update_fields=["text", "state", "reason", "added_at", "decided_at", "decided_by"]
    )
    _record_unnamed(viewer, "statement.text_changed", statement)
    return statement


# --- objecting


@transaction.atomic
def appeal(*, viewer: Viewer, participant: Participant, statement_id: int, words: str) -> Appeal:
    """Object to a decision against one's statement, once; another moderator settles it.

    Raises ``AppealedAlready`` where that was done, or nothing stands to object to.
    """
    statement = _own_held(participant, statement_id)
    decision = (
        Decision.objects.filter(statement=statement, undone_at__isnull=True)
        .order_by("-decided_at", "-pk")
        .first()
    )
    if (
        not rules.may_object(statement)
        or decision is None
        or Appeal.objects.filter(statement=statement).exists()
    ):
        raise AppealedAlready
    made = Appeal.objects.create(
        decision=decision, statement=statement, words=words, made_at=viewer.at
    )
    _record_unnamed(viewer, "statement.appealed", statement)
    return made


@transaction.atomic
def settle_appeal(*, viewer: Viewer, appeal_id: int, is_right: bool, answer: str) -> Appeal:
    """Decide about an objection: the statement stands there after all, or the decision stays.

    Raises ``DecidedMeanwhile`` if somebody else settled it, and ``PermissionDenied`` for whoever
    decided first.
    """
    person = _present(viewer)
    found = queries.appeal(viewer, appeal_id)
    if found is None:
        raise DecidedMeanwhile
    (statement,) = queries.held(viewer, [found.statement_id])
    held = Appeal.objects.select_for_update().get(pk=appeal_id)
    _check_moderates(viewer, statement.conversation)
    if not rules.may_settle(viewer, found):
        raise PermissionDenied(_("Somebody else has to decide this: not whoever decided first."))
    if held.settled_at is not None:
        raise DecidedMeanwhile
    held.is_right, held.answer = is_right, answer
    held.settled_at, held.settled_by = viewer.at, person
    held.save(update_fields=["is_right", "answer", "settled_at", "settled_by"])
    if is_right and statement.state in (State.REJECTED, State.MERGED):
        was = found.decision
        Decision.objects.filter(pk=was.pk).update(undone_at=viewer.at, undone_by=person)
        statement.state = State.WAITING  # from where a decision lets it through
        batch = uuid.uuid4()
        Decision.objects.create(
            conversation_id=statement.conversation_id, statement=statement, batch=batch,
            verdict=Verdict.SHOWN, was=State.WAITING, was_decided_at=None, told_at=viewer.at,
            decided_at=viewer.at, decided_by=person,
        )  # fmt: skip
        statement.state, statement.reason, statement.same_as = State.SHOWN, "", None
        statement.decided_at, statement.decided_by = viewer.at, person
        statement.save(update_fields=["state", "reason", "same_as", "decided_at", "decided_by"])
    _record(viewer, "statement.appeal_settled", statement, is_right=is_right)
    later("moderation.tell_settled", appeal_id=held.pk)
    return held


# --- telling authors


def tell(*, batch: str, at: datetime) -> int:
    """Write to each author of what was decided together, once; return how many mails went out.

    Who hears by mail has an account; everybody reads it where their own statements stand. Nobody is
    written to because a statement was let through: that they see.
    """
    sent = 0
    for person_id in sorted(_authors(batch)):
        sent += _tell_one(batch, person_id, at)
    return sent


def _authors(batch: str) -> set[int]:
    rows = Decision.objects.filter(batch=batch, told_at__isnull=True, undone_at__isnull=True)
    people = rows.exclude(verdict=Verdict.SHOWN).values_list("statement__author__person", flat=True)
    return {number for number in people if number is not None}


@transaction.atomic
def _tell_one(batch: str, person_id: int, at: datetime) -> bool:
    """Held meanwhile: who comes second leaves. Killed before it is marked, the same mail goes again."""
    rows = list(
        Decision.objects.select_for_update(of=("self",), skip_locked=True)
        .filter(batch=batch, told_at__isnull=True, undone_at__isnull=True)
        .filter(statement__author__person=person_id)
        .exclude(verdict=Verdict.SHOWN)
        .select_related("statement__conversation__authority", "same_as")
        .order_by("pk")
    )
    person = _reached(person_id)
    if not rows:
        return False
    if person is not None:
        _letter_of(person, rows, at).send()
    Decision.objects.filter(pk__in=[row.pk for row in rows]).update(told_at=at)
    return person is not None


MOST_TOLD = 10


def _letter_of(person: Person, rows: Sequence[Decision], at: datetime) -> Any:
    place = rows[0].statement.conversation
    lines = [_line_of(row) for row in rows[:MOST_TOLD]]
    if len(rows) > MOST_TOLD:
        rest = len(rows) - MOST_TOLD
        lines.append(ngettext("And %(n)s more.", "And %(n)s more.", rest) % {"n": rest})
    lines.append(
        _(
            "If you think that is wrong, say so once on that page: somebody else decides then. There"
            " you can also put it in other words."
        )
    )
    return letter(
        person=person,
        authority=place.authority,
        at=at,
        subject=_("About what you said: “%(question)s”") % {"question": place.question},
        lines=lines,
        href=address("moderation:yours", place.pk),
        link=_("See what you said, and object"),
        why=_("You get this because you added a statement to this conversation."),
        key=f"statement-{rows[0].pk}",
    )


def _line_of(row: Decision) -> str:
    if row.verdict == Verdict.MERGED:
        assert row.same_as is not None, "the database holds to it"
        said = _(
            "“%(text)s” says the same as “%(other)s”. People vote on that one now, and your votes stay."
        ) % {"text": row.statement.text, "other": row.same_as.text}
    else:
        said = _("“%(text)s” does not stand there. The reason: %(reason)s.") % {
            "text": row.statement.text,
            "reason": row.reason_in_words,
        }
    if row.words:
        return _("%(said)s The moderator adds: “%(words)s”") % {"said": said, "words": row.words}
    return said


def tell_undone(*, batch: str, at: datetime) -> int:
    """Write to those who had a mail about a decision that was taken back."""
    rows = (
        Decision.objects.filter(batch=batch, undone_at__isnull=False, told_at__isnull=False)
        .exclude(verdict=Verdict.SHOWN)
        .select_related("statement__conversation__authority", "statement__author")
        .order_by("pk")
    )
    told: dict[int, list[Decision]] = defaultdict(list)
    for row in rows:
        if row.statement.author is not None and row.statement.author.person_id is not None:
            told[row.statement.author.person_id].append(row)
    sent = 0
    for person_id, theirs in sorted(told.items()):
        person = _reached(person_id)
        if person is None:
            continue
        place = theirs[0].statement.conversation
        lines = [
            _("The decision about “%(text)s” was taken back.") % {"text": row.statement.text}
            for row in theirs[:MOST_TOLD]
        ]
        letter(
            person=person,
            authority=place.authority,
            at=at,
            subject=_("A decision was taken back: “%(question)s”") % {"question": place.question},
            lines=lines,
            href=address("moderation:yours", place.pk),
            link=_("See where it stands now"),
            why=_("You get this because we wrote to you about that decision."),
            key=f"statement-undone-{theirs[0].pk}",
        ).send()
        sent += 1
    return sent


def tell_suggested(*, suggestion_id: int, at: datetime) -> bool:
    """Write to an author that a moderator suggests a cleaner text."""
    rows = Suggestion.objects.select_related(
        "statement__conversation__authority", "statement__author"
    )
    asked = rows.filter(pk=suggestion_id, state=SuggestionState.WAITING).first()
    person = _author_of(asked.statement) if asked else None
    if asked is None or person is None:
        return False
    place = asked.statement.conversation
    letter(
        person=person,
        authority=place.authority,
        at=at,
        subject=_("Could your statement be put like this?"),
        lines=[
            _("You wrote: “%(text)s”") % {"text": asked.statement.text},
            _("A moderator suggests: “%(text)s”") % {"text": asked.text},
            _("Nobody changes your words but you. If you take it, it stands there at once."),
        ],
        href=address("moderation:yours", place.pk),
        link=_("Take it, or keep your own words"),
        why=_("You get this because you added a statement to this conversation."),
        key=f"suggestion-{asked.pk}",
    ).send()
    return True


def tell_settled(*, appeal_id: int, at: datetime) -> bool:
    """Write to an author what came of their objection."""
    rows = Appeal.objects.select_related("statement__conversation__authority", "statement__author")
    settled = rows.filter(pk=appeal_id, settled_at__isnull=False).first()
    person = _author_of(settled.statement) if settled else None
    if settled is None or person is None:
        return False
    place, text = settled.statement.conversation, {"text": settled.statement.text}
    if settled.is_right:
        lines = [_("You were right: “%(text)s” stands there now.") % text]
    else:
        lines = [_("Somebody else looked at “%(text)s”, and the decision stays.") % text]
    if settled.answer:
        lines.append(_("Their words: “%(words)s”") % {"words": settled.answer})
    letter(
        person=person,
        authority=place.authority,
        at=at,
        subject=_("What came of your objection"),
        lines=lines,
        href=address("moderation:yours", place.pk),
        link=_("See where it stands now"),
        why=_("You get this because you objected to a decision about your statement."),
        key=f"appeal-{settled.pk}",
    ).send()
    return True


def _author_of(statement: Statement) -> Person | None:
    author = statement.author
    return _reached(author.person_id) if author is not None and author.person_id else None


def _reached(person_id: int) -> Person | None:
    rows = Person.objects.filter(pk=person_id, is_active=True, email__isnull=False)
    return rows.exclude(email="").first()


# --- reminders


def write_reminders(*, at: datetime) -> int:
    """Write a letter to each moderator of a place in which something waits too long; one a day.

    Where nobody is named as a moderator, the administrators hear that. A second run on the same day
    changes nothing.
    """
    today, letters = timezone.localtime(at).date(), []
    for authority in queries.authorities_with_conversations():
        whom: dict[int, str] = {}
        for conversation in queries.late(authority, at):
            branch = conversation.community.branch()
            named = list(queries.people_with(RoleKind.MODERATOR, branch))
            waits = Waits.READING if named else Waits.NOBODY
            for person in named or queries.people_with(RoleKind.ADMINISTRATOR, branch):
                if whom.get(person.pk) != Waits.NOBODY:
                    whom[person.pk] = waits
        letters += [
            Reminder(authority=authority, person_id=number, waits=waits, asked_on=today)
            for number, waits in sorted(whom.items())
        ]
    Reminder.objects.bulk_create(letters, ignore_conflicts=True)
    return len(letters)


@transaction.atomic
def send_reminder(*, reminder_id: int, at: datetime) -> bool:
    """Send one letter, once; nothing if meanwhile nothing waits too long any more."""
    held = (
        Reminder.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("person", "authority")
        .filter(pk=reminder_id, sent_at__isnull=True)
        .first()
    )
    if held is None:
        return False
    waits = _waiting_for(held, at)
    goes = bool(waits) and bool(held.person.email) and held.person.is_active
    if goes:
        _reminder(held, waits, at).send()
    held.sent_at = at
    held.save(update_fields=["sent_at"])
    return goes


def _waiting_for(held: Reminder, at: datetime) -> list[Any]:
    """Return where something waits too long of what this person moderates or administers."""
    viewer = Viewer(held.authority, held.person, at)
    return [row for row in queries.late(held.authority, at) if rules.may_moderate(viewer, row)]


def _reminder(held: Reminder, waits: list[Any], at: datetime) -> Any:
    many = sum(place.late for place in waits)
    lines = [
        ngettext(
            "“%(question)s”: %(n)s statement waits longer than we promised.",
            "“%(question)s”: %(n)s statements wait longer than we promised.",
            place.late,
        )
        % {"question": place.question, "n": place.late}
        for place in waits[:MOST_TOLD]
    ]
    if held.waits == Waits.NOBODY:
        lines.append(
            _(
                "Nobody is named as a moderator there. Give somebody that role, or read them yourself."
            )
        )
    return letter(
        person=held.person,
        authority=held.authority,
        at=at,
        subject=ngettext(
            "%(n)s statement waits to be read", "%(n)s statements wait to be read", many
        )
        % {"n": many},
        lines=lines,
        href=address_of_desk(),
        link=_("Read what waits"),
        why=_("You get this, once a day at most, because you are a moderator or administrator."),
        key=f"moderation-{held.pk}",
    )


def address_of_desk() -> str:
    """Return the page with all that waits."""
    from django.urls import reverse  # the only address here without a number in it

    return reverse("moderation:desk")


# --- what a machine finds for people to look at


def compare(*, conversation_id: int, at: datetime) -> int:
    """Compare all statements of a conversation, and keep the pairs with similar texts.

    Two are suggested to become one only where those who voted on both mostly voted alike.
    """
    place = Conversation.objects.get(pk=conversation_id)
    rows = list(
        Statement.objects.filter(conversation=place, state__in=(State.SHOWN, State.WAITING))
        .order_by("pk")
        .values_list("pk", "text")
    )
    ids, texts = [pk for pk, _text in rows], [text for _pk, text in rows]
    near = Texts(texts).pairs()[:MOST_PAIRS]
    named = sorted({ids[place] for first, second, _likeness in near for place in (first, second)})
    votes = queries.votes_of(place, only=named, also=ids)
    found = similar_statements(texts, votes, most=MOST_PAIRS) if near else ()
    with transaction.atomic():
        Comparison.objects.update_or_create(conversation=place, defaults={"compared_at": at})
        Comparison.objects.select_for_update().get(conversation=place)
        Alike.objects.filter(conversation=place).delete()
        Alike.objects.bulk_create(
            Alike(
                conversation=place, first_id=ids[pair.first], second_id=ids[pair.second],
                likeness_millionths=round(pair.likeness * 1_000_000), voters=pair.voters,
                same=round((pair.same or 0) * pair.voters), merge=pair.merge,
            )
            for pair in found
        )  # fmt: skip
    return len(found)


@transaction.atomic
def ask_to_look(*, viewer: Viewer, conversation: Conversation) -> None:
    """Queue a look at the votes, and a comparison of the texts."""
    _check_moderates(viewer, conversation)
    for job in ("moderation.compare", "moderation.look"):
        later(job, once=f"{job}.{conversation.pk}", conversation_id=conversation.pk)


def look(*, conversation_id: int, at: datetime) -> int:
    """Look for accounts that act as one, and raise a case for each crowd that is not known yet.

    Nobody is left out of anything by that. With each case stands what the headlines would say without
    those accounts. Return of how many cases are new.
    """
    place = Conversation.objects.get(pk=conversation_id)
    votes = queries.votes_of(place)
    found = [
        (clique, [int(number) for number in votes.people[list(clique.people)]])
        for clique in raised(votes)
    ]
    aside = set(queries.set_aside_participants(place))
    with transaction.atomic():
        Comparison.objects.update_or_create(conversation=place, defaults={"looked_at": at})
        Comparison.objects.select_for_update().get(conversation=place)
        fresh = _not_known(place, found, aside, at)
    if not fresh:
        return 0
    stays = votes.among(np.flatnonzero(~np.isin(votes.people, sorted(aside))))
    effects = _effects(place, stays, [(clique, numbers) for clique, numbers in fresh])
    with transaction.atomic():
        Comparison.objects.select_for_update().get(conversation=place)
        fresh = _not_known(place, fresh, aside, at)
        for clique, numbers in fresh:
            case = Case.objects.create(
                conversation=place, sign=clique.kind, participants=numbers, raised_at=at,
                seen_at=at, facts=_facts(clique), effects=effects[tuple(numbers)],
            )  # fmt: skip
            journal.record(
                what="case.raised", who=None, about=place, at=at, public=False,
                facts={"case": case.pk, "people": len(numbers), "sign": clique.kind},
            )  # fmt: skip
    return len(fresh)


Found = list[tuple[Clique, list[int]]]


def _not_known(place: Conversation, found: Found, aside: set[int], at: datetime) -> Found:
    """Leave out the crowds that are known; an open case grows with its crowd."""
    known = list(Case.objects.filter(conversation=place).order_by("pk"))
    fresh: Found = []
    for clique, everyone in found:
        numbers = sorted(set(everyone) - aside)
        inside = [case for case in known if set(numbers) <= set(case.participants)]
        grown = [
            case
            for case in known
            if case.state == CaseState.OPEN
            and 2 * len(set(numbers) & set(case.participants)) > len(case.participants)
        ]
        if not numbers or inside:
            Case.objects.filter(pk__in=[case.pk for case in inside]).update(seen_at=at)
        elif grown:
            case = grown[0]
            case.participants = sorted(set(case.participants) | set(numbers))
            case.facts, case.seen_at = _facts(clique), at
            case.save(update_fields=["participants", "facts", "seen_at"])
        else:
            fresh.append((clique, numbers))
    return fresh


def _facts(clique: Clique) -> dict[str, Any]:
    """Return the numbers of a sign, for the sentence that tells it."""
    minutes = None
    if clique.begun is not None and clique.ended is not None:
        minutes = max(1, round((clique.ended - clique.begun) / 60_000))
    return {
        "votes": clique.votes,
        "common": round(clique.common),
        "alike_percent": round(100 * clique.alike),
        "expected_percent": round(100 * clique.expected),
        "minutes": minutes,
    }


MOST_EFFECTS = 12


def _effects(place: Conversation, votes: Votes, fresh: Found) -> dict[tuple[int, ...], list[Any]]:
    """Return for each crowd what the headlines would say without it, those first that would go."""
    rows = Statement.objects.filter(conversation=place)
    numbers = dict(rows.values_list("pk", "number"))
    hidden = list(rows.exclude(state=State.SHOWN).values_list("pk", flat=True))
    told = overview(votes, np.random.default_rng(0), rejected=hidden)
    allowed = ~np.isin(votes.statements, hidden) & (votes.tallies.sum(axis=1) > 0)
    here = [
        replace(clique, people=tuple(votes.places_of_people(np.array(theirs)).tolist()))
        for clique, theirs in fresh
    ]
    mixture = None
    if told.groups.count > 1:
        mixture = replace(told.groups.mixture, member=told.member)
    now = {
        (name, entry.statement): entry.estimate
        for name, listed in (("common_ground", told.common_ground), ("dividing", told.dividing))
        for entry in listed
    }
    found: dict[tuple[int, ...], list[Any]] = {tuple(theirs): [] for _clique, theirs in fresh}
    for hang in sensitivity(
        votes, here, common_ground=told.common_ground, dividing=told.dividing, allowed=allowed,
        mixture=mixture,
    ):  # fmt: skip
        if hang.clique >= 0:
            found[tuple(fresh[hang.clique][1])].append(
                {
                    "list": hang.headline,
                    "statement": numbers[int(votes.statements[hang.statement])],
                    "now_percent": round(100 * now[hang.headline, hang.statement]),
                    "then_percent": round(100 * hang.estimate),
                    "stands": hang.stands,
                }
            )
    return {theirs: _worst(effects) for theirs, effects in found.items()}


def _worst(effects: list[dict[str, Any]]) -> list[dict[str, Any]]:
    def weight(effect: dict[str, Any]) -> tuple[bool, int]:
        return effect["stands"], -abs(effect["then_percent"] - effect["now_percent"])

    return sorted(effects, key=weight)[:MOST_EFFECTS]


@transaction.atomic
def decide_case(
    *, viewer: Viewer, conversation: Conversation, case_id: int, seen: str, state: str, reason: str
) -> Case:
    """Leave some accounts in, or set their votes aside, in public and with a reason; both can be undone.

    ``seen`` is the state that the moderator saw. Raises ``DecidedMeanwhile``.
    """
    person = _present(viewer)
    _check_moderates(viewer, conversation)
    case = queries.case_held(conversation, case_id)
    if case is None or case.state != seen or state == CaseState.OPEN:
        raise DecidedMeanwhile
    was, case.state, case.reason = case.state, CaseState(state).value, reason
    case.decided_at, case.decided_by = viewer.at, person
    case.save(update_fields=["state", "reason", "decided_at", "decided_by"])
    if state != was and CaseState.SET_ASIDE in (state, was):
        what = "case.set_aside" if state == CaseState.SET_ASIDE else "case.let_back_in"
        _record_about(viewer, what, conversation, public=True, case=case.pk, people=case.size)
    else:
        _record_about(viewer, "case.left_in", conversation, case=case.pk, people=case.size)
    return case


# --- a person leaves


def let_go(person: Person, at: datetime) -> None:
    """Erase what a person objected in their own words, and what was written to them."""
    mine = Statement.objects.filter(author__person=person)
    Appeal.objects.filter(statement__in=mine).exclude(words="").update(words="")
    Decision.objects.filter(statement__in=mine).exclude(words="").update(words="")
    Suggestion.objects.filter(statement__in=mine).delete()
    Reminder.objects.filter(person=person).delete()


# --- small pieces


def _present(viewer: Viewer) -> Person:
    if viewer.person is None:
        raise PermissionDenied(_("Sign in first."))
    return viewer.person


def _check_moderates(viewer: Viewer, conversation: Conversation) -> None:
    if not rules.may_moderate(viewer, conversation):
        raise PermissionDenied(_("Only a moderator of this place decides about statements."))


def _held_to_moderate(viewer: Viewer, statement_id: int, seen: str | None) -> Statement:
    rows = queries.held(viewer, [statement_id])
    if not rows:
        raise PermissionDenied(_("This statement is no longer here."))
    _check_moderates(viewer, rows[0].conversation)
    if seen is not None and queries.mark(rows[0]) != seen:
        raise DecidedMeanwhile
    return rows[0]


def _own_held(participant: Participant, statement_id: int) -> Statement:
    found = (
        Statement.objects.select_for_update(of=("self",), no_key=True)
        .select_related("conversation__authority", "conversation__community", "author")
        .filter(pk=statement_id, conversation=participant.conversation_id)
        .first()
    )
    if found is None or not rules.is_author(participant, found):
        raise PermissionDenied(_("Only the person who wrote this can do that."))
    return found


def _record(viewer: Viewer, what: str, statement: Statement, **facts: Any) -> None:
    _record_about(viewer, what, statement.conversation, statement=statement.number, **facts)


def _record_unnamed(viewer: Viewer, what: str, statement: Statement) -> None:
    """Record what an author did, without their name: who says what is known to nobody but themselves."""
    journal.record(
        what=what, who=None, about=statement.conversation, at=viewer.at, public=False,
        facts={"statement": statement.number},
    )  # fmt: skip


def _record_each(viewer: Viewer, what: str, rows: Sequence[Statement], **facts: Any) -> None:
    """Record one entry for each conversation, with the numbers of its statements."""
    found: dict[int, list[Statement]] = defaultdict(list)
    for row in rows:
        found[row.conversation_id].append(row)
    for theirs in found.values():
        numbers = [row.number for row in theirs]
        _record_about(
            viewer, what, theirs[0].conversation, many=len(numbers), statements=numbers, **facts
        )


def _record_about(
    viewer: Viewer, what: str, conversation: Conversation, *, public: bool = False, **facts: Any
) -> None:
    journal.record(
        what=what, who=viewer.person, about=conversation, at=viewer.at, public=public, facts=facts
    )
