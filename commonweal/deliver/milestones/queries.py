"""Reading what becomes of funded projects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Exists, F, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.utils import timezone

from commonweal.decide.budgets.models import Pot, Project
from commonweal.decide.budgets.queries import pots, public_pots
from commonweal.deliver.milestones.models import (
    GOING_ON,
    Ask,
    Delivery,
    Kind,
    Milestone,
    Post,
    Reminder,
    Status,
)
from commonweal.ground.challenges.queries import seats_of
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Organisation, OrganisationMember, Role, RoleKind
from commonweal.ground.places.queries import below
from commonweal.ground.places.rules import Viewer, everyone
from commonweal.kit.composed import composed
from commonweal.listen.conversations.models import Statement
from commonweal.propose.origins.models import Origin
from commonweal.propose.proposals.models import Merge, MergeState, Proposal
from commonweal.propose.proposals.models import Status as Standing

SILENCE = timedelta(days=30)
A_YEAR = timedelta(days=365)
ASKED_FOR = timedelta(days=3 * 365)  # so long after the end people still hear what came of it
LATELY = timedelta(days=60)
SHOWN = (
    "authority", "organisation__authority", "organisation__name", "organisation__slug", "run_by",
    "status", "status_on", "due_on", "cost_pence", "spent_pence", "overspend", "spoken_at",
    "project__authority", "project__title", "project__pot__authority", "project__pot__title",
)  # fmt: skip


def day_of(at: datetime) -> date:
    """Return the day of a moment, as people here have it."""
    return timezone.localtime(at).date()


# --- for pages


def deliveries(viewer: Viewer) -> QuerySet[Delivery]:
    """Return the deliveries of every pot this viewer may read, the latest news first."""
    return _whole(viewer).filter(project__pot__in=pots(viewer).order_by().values("pk"))


def public_deliveries(viewer: Viewer) -> QuerySet[Delivery]:
    """Return the deliveries of public pots, for open data."""
    return _whole(viewer).filter(project__pot__in=public_pots(viewer).order_by().values("pk"))


def _whole(viewer: Viewer) -> QuerySet[Delivery]:
    return (
        Delivery.objects.filter(authority=viewer.authority)
        .select_related(
            "project__pot__challenge",
            "project__pot__community",
            "project__proposal",
            "organisation",
        )
        .order_by("-spoken_at", "-pk")
    )


def as_cards(rows: QuerySet[Delivery]) -> QuerySet[Delivery]:
    """Read only what a list shows of each."""
    return rows.select_related(None).select_related("project__pot", "organisation").only(*SHOWN)


def numbered(viewer: Viewer, project_id: int) -> list[Delivery]:
    """Return the delivery of one project, if this viewer may read it."""
    if seats_of(viewer):
        return list(deliveries(viewer).filter(project=project_id))
    asked = {"authority": viewer.authority.pk, "at": viewer.at}
    return _numbered(**asked, project=project_id)


@composed
def _numbered(authority: Any, at: Any, project: Any) -> QuerySet[Delivery]:
    return deliveries(everyone(authority, at)).filter(project=project)


def in_status(rows: QuerySet[Delivery], status: str) -> QuerySet[Delivery]:
    """Keep the deliveries that stand there; all of them for a word that is none of ours."""
    return rows.filter(status=status) if status in Status.values else rows


def pot_told(viewer: Viewer, pot_id: int) -> Pot | None:
    """Return a pot whose deliveries are asked for."""
    return pots(viewer).filter(pk=pot_id).first()


def milestones(delivery: Any) -> QuerySet[Milestone]:
    """Return the milestones of a delivery by their months, each with the month it had at first."""
    plan = Post.objects.filter(milestone=OuterRef("pk"), kind=Kind.PLAN)
    return (
        Milestone.objects.filter(delivery=delivery)
        .annotate(first_due_on=Subquery(plan.values("due_on")[:1]))
        .order_by("due_on", "pk")
    )


@composed
def milestones_of(delivery: Any) -> QuerySet[Milestone]:
    """Return the same, for a page."""
    return milestones(delivery)


def posts(delivery: Delivery) -> QuerySet[Post]:
    """Return all that was told, the newest first, each with what corrects it."""
    later = Post.objects.select_related("hiding").order_by("at", "pk")
    return (
        Post.objects.filter(delivery=delivery)
        .select_related("organisation", "milestone", "hiding")
        .prefetch_related(Prefetch("corrections", later))
        .order_by("-at", "-pk")
    )


def reason(delivery: Delivery) -> Post | None:
    """Return what was told when it was delayed or stopped, while it stands so."""
    if delivery.status not in (Status.DELAYED, Status.STOPPED):
        return None
    found = _said_of_status(delivery=delivery.pk, status=delivery.status)
    return found[0] if found else None


@composed
def _said_of_status(delivery: Any, status: Any) -> QuerySet[Post]:
    rows = Post.objects.filter(delivery=delivery, status=status).select_related("hiding")
    return rows.order_by("-at", "-pk")[:1]


def posts_of_pot(viewer: Viewer, pot: Pot) -> QuerySet[Post]:
    """Return all that was told of what a pot funded, the newest first."""
    rows = Post.objects.filter(delivery__project__pot=pot, delivery__authority=viewer.authority)
    return rows.select_related("delivery__project", "hiding").order_by("-at", "-pk")


def post(viewer: Viewer, pk: int) -> Post | None:
    """Return one post of a delivery that this viewer may read."""
    readable = deliveries(viewer).order_by().values("pk")
    rows = Post.objects.filter(delivery__in=readable)
    return rows.select_related("delivery", "milestone", "hiding").filter(pk=pk).first()


def milestone(viewer: Viewer, pk: int) -> Milestone | None:
    """Return one milestone of a delivery that this viewer may read."""
    readable = deliveries(viewer).order_by().values("pk")
    rows = Milestone.objects.filter(delivery__in=readable)
    return rows.select_related("delivery").filter(pk=pk).first()


@composed
def outcomes_of(delivery: Any) -> QuerySet[Post]:
    """Return what was said to have come of it, the newest first."""
    rows = Post.objects.filter(delivery=delivery, kind="outcome").select_related("hiding")
    return rows.order_by("-at", "-pk")[:10]


def runs(viewer: Viewer, delivery: Delivery) -> bool:
    """Tell whether the viewer is in the organisation that runs it, as staff wrote it down."""
    if viewer.person is None or not viewer.person.is_active or delivery.organisation_id is None:
        return False
    mine = {"organisation": delivery.organisation_id, "person": viewer.person.pk}
    return bool(_member(**mine))


@composed
def _member(organisation: Any, person: Any) -> QuerySet[OrganisationMember]:
    return OrganisationMember.objects.filter(organisation=organisation, person=person)


def organisations(viewer: Viewer) -> QuerySet[Organisation]:
    """Return who can be named as running something here."""
    return Organisation.objects.filter(authority=viewer.authority).order_by("name", "pk")


# --- for the jobs


def without_a_record() -> QuerySet[Project]:
    """Return the funded projects of all authorities that nobody keeps a record of yet."""
    return (
        Project.objects.filter(is_funded=True, delivery__isnull=True)
        .select_related("pot")
        .order_by("pk")
    )


def silent(at: datetime, today: date) -> QuerySet[Delivery]:
    """Return the deliveries with a milestone that passed its month, and 30 days without a word."""
    return _silent(at - SILENCE, today - SILENCE)


def _silent(at: Any, today: Any) -> QuerySet[Delivery]:
    late = Milestone.objects.filter(
        delivery=OuterRef("pk"),
        done_on__isnull=True,
        is_dropped=False,
        due_on__lte=today,
    )
    return Delivery.objects.filter(Exists(late), status__in=GOING_ON, spoken_at__lte=at).order_by(
        "pk"
    )


def unmeasured(at: datetime, today: date) -> QuerySet[Delivery]:
    """Return the deliveries of which it is time to say what came: at the end, and every year."""
    return _unmeasured(at - A_YEAR, today - ASKED_FOR)


def _unmeasured(at: Any, today: Any) -> QuerySet[Delivery]:
    never = Q(measured_at__isnull=True)
    at_the_end = Q(status=Status.DONE) & (never | Q(measured_at__date__lt=F("status_on")))
    going_on = Q(status__in=GOING_ON) & (Q(measured_at__lte=at) | (never & Q(created_at__lte=at)))
    still = Q(status=Status.DONE, measured_at__lte=at, status_on__gt=today)
    return Delivery.objects.filter(at_the_end | going_on | still).order_by("pk")


def people_who_run(delivery: Delivery) -> QuerySet[Person]:
    """Return whom to remind: those in the organisation, and the clerks of the place."""
    pot = delivery.project.pot
    clerks = Role.objects.filter(
        kind=RoleKind.CLERK, person=OuterRef("pk"), community__in=pot.community.branch()
    )
    mine = Q(Exists(clerks)) | Q(pk=pot.created_by_id)
    if delivery.organisation_id is not None:
        members = OrganisationMember.objects.filter(
            person=OuterRef("pk"), organisation=delivery.organisation_id
        )
        mine |= Q(Exists(members))
    reached = Person.objects.filter(is_active=True, erased_at__isnull=True, email__isnull=False)
    return reached.filter(mine).order_by("pk")


def asked_lately(delivery: Delivery, ask: Ask, today: date) -> bool:
    """Tell whether a reminder of this kind was written within the last 30 days."""
    since = today - SILENCE
    return Reminder.objects.filter(delivery=delivery, ask=ask, asked_on__gt=since).exists()


def letters_to_send() -> QuerySet[Reminder]:
    """Return the reminders that wait."""
    return Reminder.objects.filter(sent_at__isnull=True).order_by("pk")


# --- panels on other apps' pages


def project_panel(viewer: Viewer, project: Project) -> Mapping[str, Any] | None:
    """Return how it goes with a project that was funded."""
    if not project.is_funded:
        return None
    found = numbered(viewer, project.pk)
    if not found:
        return None
    steps = milestones_of(delivery=found[0].pk)
    return {"delivery": found[0], "milestones": steps, "next": next_of(steps)}


def next_of(steps: list[Milestone]) -> Milestone | None:
    """Return the milestone that comes next."""
    return next((step for step in steps if step.is_open), None)


def pot_panel(viewer: Viewer, pot: Pot) -> Mapping[str, Any] | None:
    """Return how it goes with all that a pot funded."""
    if pot.declared_at is None:
        return None
    found = _of_pot(pot=pot.pk)
    return {"deliveries": found, "pot": pot} if found else None


@composed
def _of_pot(pot: Any) -> QuerySet[Delivery]:
    return as_cards(Delivery.objects.filter(project__pot=pot)).order_by("project__title", "pk")[:50]


def proposal_panel(viewer: Viewer, proposal: Proposal) -> Mapping[str, Any] | None:
    """Return how it goes with an idea that was funded."""
    if proposal.status != Standing.FUNDED:
        return None
    found = _of_idea(authority=viewer.authority.pk, at=viewer.at, proposal=proposal.pk)
    return {"deliveries": found} if found else None


@composed
def _of_idea(authority: Any, at: Any, proposal: Any) -> QuerySet[Delivery]:
    rows = deliveries(everyone(authority, at)).filter(project__proposal=proposal)
    return as_cards(rows)[:3]


def statement_panel(viewer: Viewer, statement: Statement) -> Mapping[str, Any] | None:
    """Return how it goes with the funded ideas that came of what somebody said: you said, we did."""
    found = _of_statement(authority=viewer.authority.pk, at=viewer.at, statement=statement.pk)
    return {"deliveries": found} if found else None


@composed
def _of_statement(authority: Any, at: Any, statement: Any) -> QuerySet[Delivery]:
    of = Q(statement=statement) | Q(statement__same_as=statement)
    came = Origin.objects.filter(of, proposal__isnull=False)
    joined = Merge.objects.filter(joining__in=came.values("proposal"), state=MergeState.MERGED)
    ideas = Q(project__proposal__in=came.values("proposal")) | Q(
        project__proposal__in=joined.values("lead")
    )
    rows = deliveries(everyone(authority, at)).filter(
        ideas, project__proposal__status=Standing.FUNDED
    )
    return as_cards(rows)[:5]


def home_panel(viewer: Viewer, thing: None) -> Mapping[str, Any] | None:
    """Return what moved lately, for the front page."""
    since = viewer.at - LATELY
    found = _moved(authority=viewer.authority.pk, at=viewer.at, since=since)
    return {"deliveries": found} if found else None


@composed
def _moved(authority: Any, at: Any, since: Any) -> QuerySet[Delivery]:
    rows = deliveries(everyone(authority, at))
    told = rows.filter(Q(spoken_at__gt=F("created_at")), spoken_at__gt=since)
    return as_cards(told)[:2]


def desk_panel(viewer: Viewer, thing: None) -> Mapping[str, Any] | None:
    """Return what staff have to look after: late and silent, or without anybody who runs it."""
    led = seats_of(viewer)
    if not led:
        return None
    today = day_of(viewer.at)
    found = _to_look_after(
        authority=viewer.authority.pk, at=viewer.at, seats=led,
        month_ago=viewer.at - SILENCE, due_before=today - SILENCE,
        year_ago=viewer.at - A_YEAR, asked_since=today - ASKED_FOR,
    )  # fmt: skip
    return {"deliveries": found} if found else None


@composed
def _to_look_after(
    authority: Any, at: Any, seats: Any, month_ago: Any, due_before: Any, year_ago: Any,
    asked_since: Any,
) -> QuerySet[Delivery]:  # fmt: skip
    rows = _whole(everyone(authority, at)).filter(below(seats, "project__pot__"))
    late = Q(pk__in=_silent(month_ago, due_before).values("pk"))
    due = Q(pk__in=_unmeasured(year_ago, asked_since).values("pk"))
    nobody = Q(organisation__isnull=True, run_by="", status__in=GOING_ON)
    return as_cards(rows.filter(late | due | nobody)).order_by("spoken_at", "pk")[:20]


def mine_panel(viewer: Viewer, thing: None) -> Mapping[str, Any] | None:
    """Return what this person's organisations have to tell of."""
    if viewer.person is None:
        return None
    asked = {"authority": viewer.authority.pk, "at": viewer.at}
    found = _run_by(**asked, person=viewer.person.pk)
    return {"deliveries": found} if found else None


@composed
def _run_by(authority: Any, at: Any, person: Any) -> QuerySet[Delivery]:
    mine = OrganisationMember.objects.filter(organisation=OuterRef("organisation"), person=person)
    return as_cards(deliveries(everyone(authority, at)).filter(Exists(mine)))[:20]


# --- a person's own data


def personal(person: Person) -> Iterator[dict[str, Any]]:
    """Return what a person told of deliveries, and what they were reminded of."""
    told = Post.objects.filter(who=person).select_related("delivery__project").order_by("at", "pk")
    for post in told.iterator():
        yield {
            "project": post.delivery.project.title,
            "at": post.at.isoformat(),
            "kind": post.kind,
            "words": post.words,
        }
    for letter in Reminder.objects.filter(person=person).order_by("pk"):
        yield {"reminded_of": letter.ask, "on": letter.asked_on.isoformat()}
