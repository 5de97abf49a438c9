"""Keeping a record of what becomes of a funded project, and reminding those who fall silent."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _

from commonweal.deliver.milestones import queries, rules
from commonweal.deliver.milestones.models import (
    WRITTEN,
    Ask,
    Came,
    Delivery,
    Hiding,
    Kind,
    Milestone,
    Post,
    Reminder,
    Status,
)
from commonweal.ground.journal import actions as journal
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Organisation
from commonweal.ground.places.rules import Viewer
from commonweal.kit.mail import letter
from commonweal.propose.proposals.models import HiddenReason

AT_ONCE = 500


class NotThatWay(Exception):
    """A delivery does not go from where it stands to there."""


class StillOpen(Exception):
    """A delivery is done once no milestone is open; ``titles`` are those that are."""

    def __init__(self, titles: Sequence[str]) -> None:
        super().__init__(titles)
        self.titles = titles


class NothingSaid(Exception):
    """Every change has an explanation; a stop says besides what happens to the money."""


class NoSuchDay(Exception):
    """What happened did so between the opening of the vote and today."""


class MoreThanItGot(Exception):
    """More was spent than the vote gave, and nobody says why; ``pence`` is how much more."""

    def __init__(self, pence: int) -> None:
        super().__init__(pence)
        self.pence = pence


class ReachedAlready(Exception):
    """Somebody said before that this milestone is reached."""


class NoLongerOpen(Exception):
    """The milestone is reached or dropped, or the delivery has ended: nothing more is planned."""


# --- the record begins


def start_records(*, at: datetime) -> int:
    """Begin a record for the funded projects that have none; return of how many."""
    projects = list(queries.without_a_record()[:AT_ONCE])
    Delivery.objects.bulk_create(
        (
            Delivery(
                authority_id=project.authority_id,
                project=project,
                run_by=project.run_by,
                status_on=queries.day_of(project.pot.declared_at or at),
                cost_pence=project.cost_pence,
                created_at=at,
                spoken_at=at,
            )
            for project in projects
        ),
        ignore_conflicts=True,  # somebody was quicker
    )
    return len(projects)


# --- telling


@transaction.atomic
def name_who_runs(
    *, viewer: Viewer, project_id: int, organisation: Organisation | None, run_by: str, words: str
) -> Post | None:
    """Write down who runs it: an organisation, whose members may then tell of it, or words."""
    delivery = _held(viewer, project_id)
    if not rules.may_name(viewer, delivery):
        raise PermissionDenied(_("Only those who run the pot say who runs a project of it."))
    if organisation is not None and organisation.authority_id != delivery.authority_id:
        raise PermissionDenied(_("Name an organisation of this place."))
    named = organisation.name if organisation else run_by
    if (delivery.organisation, delivery.run_by) == (organisation, run_by):
        return None
    delivery.organisation, delivery.run_by = organisation, run_by
    return _post(viewer, delivery, Kind.WHO, words, title=named)


@transaction.atomic
def tell(
    *,
    viewer: Viewer,
    project_id: int,
    words: str,
    happened_on: date,
    status: str = "",
    due_on: date | None = None,
    money: str = "",
    spent_pence: int | None = None,
    overspend: str = "",
    link: str = "",
) -> Post:
    """Say where a delivery stands now, or only how it goes, and what is spent so far.

    Raises ``NotThatWay``, ``StillOpen``, ``NothingSaid``, ``NoSuchDay``, ``MoreThanItGot``.
    """
    delivery = _held_to_tell(viewer, project_id)
    _check_day(viewer, delivery, happened_on)
    values: dict[str, Any] = {
        "happened_on": happened_on, "due_on": due_on, "money": money,
        "spent_pence": spent_pence, "overspend": overspend, "link": link,
    }  # fmt: skip
    if not status:
        said = _said_already(viewer, delivery, Kind.WORD, words, values)
        if said is not None:
            return said
        _spend(delivery, spent_pence, overspend)
        delivery.due_on = due_on or delivery.due_on
        return _post(viewer, delivery, Kind.WORD, words, **values)
    said = _said_already(viewer, delivery, Kind.STATUS, words, {**values, "status": status})
    if said is not None:
        return said
    _check_way(delivery, status, money)
    _spend(delivery, spent_pence, overspend)
    was, delivery.status, delivery.status_on = delivery.status, Status(status), happened_on
    delivery.due_on = due_on or delivery.due_on
    return _post(viewer, delivery, Kind.STATUS, words, was=was, status=status, **values)


def _check_way(delivery: Delivery, status: str, money: str) -> None:
    if status not in delivery.moves:
        raise NotThatWay
    if status == Status.STOPPED and not money.strip():
        raise NothingSaid
    if status == Status.DONE:
        left = [step.title for step in queries.milestones_of(delivery=delivery.pk) if step.is_open]
        if left:
            raise StillOpen(left)


@transaction.atomic
def say_what_came(
    *,
    viewer: Viewer,
    project_id: int,
    came: Came,
    measured: str,
    words: str,
    happened_on: date,
    link: str = "",
) -> Post:
    """Put what was measured beside what was promised."""
    delivery = _held_to_tell(viewer, project_id)
    _check_day(viewer, delivery, happened_on)
    values: dict[str, Any] = {
        "came": came,
        "measured": measured,
        "happened_on": happened_on,
        "link": link,
    }
    said = _said_already(viewer, delivery, Kind.OUTCOME, words, values)
    if said is not None:
        return said
    delivery.measured_at = viewer.at
    return _post(viewer, delivery, Kind.OUTCOME, words, **values)


@transaction.atomic
def correct(
    *,
    viewer: Viewer,
    post_id: int,
    words: str,
    spent_pence: int | None = None,
    overspend: str = "",
    is_undone: bool = False,
) -> Post:
    """Put right what an earlier post said; that one stays as it is, with this beside it.

    ``is_undone``: the milestone that it told of is not reached after all.
    """
    found = Post.objects.filter(delivery__authority=viewer.authority)
    project_id = found.values_list("delivery__project_id", flat=True).get(pk=post_id)
    delivery = _held_to_tell(viewer, project_id)
    wrong = Post.objects.select_related("milestone").get(pk=post_id)
    values: dict[str, Any] = {"spent_pence": spent_pence, "overspend": overspend, "corrects": wrong}
    said = _said_already(viewer, delivery, Kind.CORRECTION, words, values)
    if said is not None:
        return said
    _spend(delivery, spent_pence, overspend)
    if is_undone and wrong.kind == Kind.DONE and wrong.milestone is not None:
        if delivery.status == Status.DONE:
            raise NotThatWay
        step = wrong.milestone
        step.done_on, step.evidence, step.link, step.spent_pence = None, "", "", None
        step.save(update_fields=["done_on", "evidence", "link", "spent_pence"])
        values["milestone"] = step
    return _post(viewer, delivery, Kind.CORRECTION, words, **values)


# --- moderation


@transaction.atomic
def hide_post(*, viewer: Viewer, post_id: int, reason: str) -> Post:
    """Hide what a post says, here and on its milestone; the post stays, and so does the reason."""
    delivery, post = _held_to_hide(viewer, post_id)
    if viewer.person is not None and not post.is_hidden:
        Hiding.objects.create(
            post=post, reason=HiddenReason(reason), hidden_at=viewer.at, hidden_by=viewer.person
        )
        said, hidden = _said_and_hidden(post)
        _swap(delivery, post, said, hidden)
        _record_hiding(viewer, "delivery.post_hidden", delivery, post)
    return post


@transaction.atomic
def show_post_again(*, viewer: Viewer, post_id: int) -> Post:
    """Show again what a post says."""
    delivery, post = _held_to_hide(viewer, post_id)
    if post.is_hidden:
        said, hidden = _said_and_hidden(post)
        _swap(delivery, post, hidden, said)
        post.hiding.delete()
        _record_hiding(viewer, "delivery.post_shown", delivery, post)
    return post


def _held_to_hide(viewer: Viewer, post_id: int) -> tuple[Delivery, Post]:
    found = Post.objects.filter(delivery__authority=viewer.authority)
    project_id = found.values_list("delivery__project_id", flat=True).get(pk=post_id)
    delivery = _held(viewer, project_id)
    if not rules.may_hide(viewer, delivery):
        raise PermissionDenied(_("Only moderators hide what others wrote."))
    return delivery, Post.objects.select_related("hiding", "milestone").get(pk=post_id)


def _said_and_hidden(post: Post) -> tuple[dict[str, str], dict[str, str]]:
    said = {name: getattr(post, name) for name in WRITTEN}
    words = _("A moderator hid these words.")
    hidden = {name: words if text and name != "link" else "" for name, text in said.items()}
    return said, hidden


def _swap(delivery: Delivery, post: Post, old: dict[str, str], new: dict[str, str]) -> None:
    """Let the record and the milestone say the new texts where they say the old ones of this post."""
    quoted: list[tuple[Delivery | Milestone, str, str]] = [(delivery, "overspend", "overspend")]
    step = post.milestone
    if step is not None:
        quoted += [(step, "title", "title"), (step, "seen", "seen")]
        if post.kind == Kind.DONE:
            quoted += [(step, "evidence", "words"), (step, "link", "link")]
    for thing, field, name in quoted:
        if getattr(thing, field) == old[name]:
            setattr(thing, field, new[name])
            thing.save(update_fields=[field])


def _record_hiding(viewer: Viewer, what: str, delivery: Delivery, post: Post) -> None:
    public = delivery.project.pot.challenge.is_public
    journal.record(
        what=what, who=viewer.person, about=delivery, at=viewer.at, public=public,
        facts={"post": post.pk},
    )  # fmt: skip


# --- milestones


@transaction.atomic
def plan_milestone(
    *, viewer: Viewer, project_id: int, title: str, seen: str, due_on: date, words: str
) -> Milestone:
    """Say what people will see, and by the end of which month."""
    delivery = _held_to_tell(viewer, project_id)
    if not delivery.goes_on:
        raise NoLongerOpen
    same = {"delivery": delivery, "title": title, "seen": seen, "due_on": due_on}
    known = Milestone.objects.filter(**same, done_on__isnull=True, is_dropped=False).first()
    if known is not None:
        return known
    step = Milestone.objects.create(**same)
    _post(viewer, delivery, Kind.PLAN, words, milestone=step, title=title, seen=seen, due_on=due_on)
    return step


@transaction.atomic
def change_milestone(
    *, viewer: Viewer, milestone_id: int, title: str, seen: str, due_on: date, words: str
) -> Post:
    """Change what is planned; a later month is told to everybody who follows."""
    delivery, step = _held_open(viewer, milestone_id)
    is_later = due_on > step.due_on
    step.title, step.seen, step.due_on = title, seen, due_on
    step.save(update_fields=["title", "seen", "due_on"])
    return _post(
        viewer, delivery, Kind.CHANGE, words, is_later=is_later,
        milestone=step, title=title, seen=seen, due_on=due_on,
    )  # fmt: skip


@transaction.atomic
def drop_milestone(*, viewer: Viewer, milestone_id: int, words: str) -> Post:
    """Say that a milestone will not come, and why."""
    delivery, step = _held_open(viewer, milestone_id)
    step.is_dropped = True
    step.save(update_fields=["is_dropped"])
    return _post(
        viewer, delivery, Kind.DROP, words, milestone=step, title=step.title, seen=step.seen
    )


@transaction.atomic
def reach_milestone(
    *,
    viewer: Viewer,
    milestone_id: int,
    done_on: date,
    evidence: str,
    link: str = "",
    spent_pence: int | None = None,
    overspend: str = "",
) -> Post:
    """Say that a milestone is reached, since when, and where that can be seen."""
    delivery, step = _held_with(viewer, milestone_id)
    values: dict[str, Any] = {
        "happened_on": done_on, "milestone": step, "title": step.title, "seen": step.seen,
        "link": link, "spent_pence": spent_pence, "overspend": overspend,
    }  # fmt: skip
    if step.done_on is not None:
        said = _said_already(viewer, delivery, Kind.DONE, evidence, values)
        if said is None:
            raise ReachedAlready
        return said
    if step.is_dropped or not delivery.goes_on:
        raise NoLongerOpen
    _check_day(viewer, delivery, done_on)
    if not evidence.strip():
        raise NothingSaid
    _spend(delivery, spent_pence, overspend)
    step.done_on, step.evidence, step.link = done_on, evidence, link
    step.spent_pence = spent_pence
    step.save(update_fields=["done_on", "evidence", "link", "spent_pence"])
    return _post(viewer, delivery, Kind.DONE, evidence, **values)


# --- shared


def _held(viewer: Viewer, project_id: int) -> Delivery:
    """Hold a record: whoever changes it comes by here, one after the other."""
    return (
        Delivery.objects.select_for_update(of=("self",))
        .select_related("project__pot__challenge", "project__pot__community", "organisation")
        .get(project=project_id, authority=viewer.authority)
    )


def _held_to_tell(viewer: Viewer, project_id: int) -> Delivery:
    delivery = _held(viewer, project_id)
    if not rules.may_tell(viewer, delivery):
        raise PermissionDenied(
            _("Only those who run this project, or the pot it comes from, say how it goes.")
        )
    return delivery


def _held_with(viewer: Viewer, milestone_id: int) -> tuple[Delivery, Milestone]:
    """Hold the record first, and only then read the milestone: a colleague may have been quicker."""
    found = Milestone.objects.filter(delivery__authority=viewer.authority)
    project_id = found.values_list("delivery__project_id", flat=True).get(pk=milestone_id)
    delivery = _held_to_tell(viewer, project_id)
    return delivery, Milestone.objects.get(pk=milestone_id)


def _held_open(viewer: Viewer, milestone_id: int) -> tuple[Delivery, Milestone]:
    delivery, step = _held_with(viewer, milestone_id)
    if not step.is_open or not delivery.goes_on:
        raise NoLongerOpen
    return delivery, step


def _check_day(viewer: Viewer, delivery: Delivery, day: date) -> None:
    first = queries.day_of(delivery.project.pot.opens_at)
    if not first <= day <= queries.day_of(viewer.at):
        raise NoSuchDay


def _spend(delivery: Delivery, spent_pence: int | None, overspend: str) -> None:
    """Note what is spent so far in all; more than the vote gave needs a reason."""
    if spent_pence is None:
        return
    over = spent_pence - delivery.cost_pence
    reason = overspend.strip() or delivery.overspend
    if over > 0 and not reason:
        raise MoreThanItGot(over)
    delivery.spent_pence = spent_pence
    delivery.overspend = reason if over > 0 else ""


def _said_already(
    viewer: Viewer, delivery: Delivery, kind: Kind, words: str, values: dict[str, Any]
) -> Post | None:
    """Return the newest post when it is this very one, sent twice."""
    last = Post.objects.filter(delivery=delivery).order_by("-at", "-pk").first()
    if last is None or (last.who, last.kind, last.words) != (viewer.person, kind, words):
        return None
    same = all(getattr(last, name) == value for name, value in values.items())
    return last if same else None


def _post(
    viewer: Viewer,
    delivery: Delivery,
    kind: Kind,
    words: str,
    *,
    is_later: bool = False,
    **values: Any,
) -> Post:
    """Write down what is told, keep the record beside it in step, and journal it."""
    if not words.strip():
        raise NothingSaid
    assert viewer.person is not None, "only somebody passes the rules"
    by = delivery.organisation if queries.runs(viewer, delivery) else None
    values.setdefault("happened_on", queries.day_of(viewer.at))
    post = Post.objects.create(
        delivery=delivery,
        kind=kind,
        at=viewer.at,
        who=viewer.person,
        organisation=by,
        words=words,
        **values,
    )
    delivery.spoken_at = viewer.at
    delivery.save()
    facts = {"spent_pence": delivery.spent_pence, "cost_pence": delivery.cost_pence}
    public = delivery.project.pot.challenge.is_public
    what = _event(post, is_later)
    journal.record(
        what=what, who=viewer.person, about=delivery, at=viewer.at, public=public, facts=facts
    )
    return post


def _event(post: Post, is_later: bool) -> str:
    """Return what the journal calls it."""
    if post.kind == Kind.STATUS:
        return f"delivery.{post.status}"
    names = {
        Kind.WORD: "delivery.told",
        Kind.PLAN: "delivery.milestone_planned",
        Kind.CHANGE: "delivery.milestone_moved" if is_later else "delivery.milestone_changed",
        Kind.DROP: "delivery.milestone_dropped",
        Kind.DONE: "delivery.milestone_reached",
        Kind.OUTCOME: "delivery.measured",
        Kind.WHO: "delivery.who_named",
        Kind.CORRECTION: "delivery.corrected",
    }
    return names[Kind(post.kind)]


# --- reminders


@transaction.atomic
def write_reminders(*, at: datetime) -> int:
    """Write a letter for everybody who runs what fell silent, or should be measured by now.

    Nobody is asked the same within 30 days; a second run on the same day changes nothing.
    """
    today = queries.day_of(at)
    due = [(Ask.MILESTONE, row) for row in queries.silent(at, today)[:AT_ONCE]]
    due += [(Ask.OUTCOME, row) for row in queries.unmeasured(at, today)[:AT_ONCE]]
    letters = [
        Reminder(delivery=delivery, person=person, ask=ask, asked_on=today)
        for ask, delivery in due
        if not queries.asked_lately(delivery, ask, today)
        for person in queries.people_who_run(delivery)
    ]
    Reminder.objects.bulk_create(letters, ignore_conflicts=True)
    return len(letters)


@transaction.atomic
def send_reminder(*, reminder_id: int, at: datetime) -> bool:
    """Send one letter, once; tell whether it went out. Held meanwhile: who comes second leaves.

    If we die between sending and marking, the same letter goes out once more, under the same
    Message-ID.
    """
    held = (
        Reminder.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("person", "delivery__project", "delivery__authority")
        .filter(pk=reminder_id, sent_at__isnull=True)
        .first()
    )
    if held is None:
        return False
    is_reached = bool(held.person.email) and held.person.is_active
    if is_reached:
        _letter(held, at).send()
    held.sent_at = at
    held.save(update_fields=["sent_at"])
    return is_reached


def _letter(held: Reminder, at: datetime) -> Any:
    delivery = held.delivery
    title = {"title": str(delivery)}
    if held.ask == Ask.MILESTONE:
        subject = _("How does it go with “%(title)s”?") % title
        lines = [
            _("A milestone of “%(title)s” was planned for a month that is over.") % title,
            _("Nobody has said a word about it for 30 days. People who voted are waiting to hear."),
            _("Say that it is reached, or when it will be and why it takes longer."),
        ]
    else:
        subject = _("What came of “%(title)s”?") % title
        lines = [
            _("People chose “%(title)s” for what it promised.") % title,
            _("Say what was measured, beside what was promised. “Too early to tell” is an answer."),
        ]
    return letter(
        person=held.person,
        authority=delivery.authority,
        at=at,
        subject=subject,
        lines=lines,
        href=delivery.get_absolute_url(),
        link=_("Say how it goes"),
        why=_("You get this because you run this project, or the pot it comes from."),
        key=f"delivery-{held.ask}-{delivery.pk}-{held.asked_on:%Y%m%d}",
    )


# --- a person leaves


def let_stand(person: Person, at: datetime) -> None:
    """Leave what a person told: it holds a number, and its owner becomes nobody. Reminders go."""
    Reminder.objects.filter(person=person).delete()
