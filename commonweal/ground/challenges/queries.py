"""Reading challenges: which are open, and where in the loop each one stands."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.contrib.postgres.search import SearchQuery, SearchVector
from django.db.models import (
    BooleanField,
    CharField,
    DateTimeField,
    Exists,
    F,
    Func,
    OuterRef,
    Prefetch,
    Q,
    QuerySet,
    Value,
)

from commonweal.ground.challenges.models import Challenge, Outcome, Stage, Step
from commonweal.ground.directory.models import Service
from commonweal.ground.places.models import Community, Organisation, RoleKind, StandingKind
from commonweal.ground.places.queries import below
from commonweal.ground.places.rules import everyone
from commonweal.kit.composed import Rows, among, composed, hand, in_pages, rebuilt_all, rows_under

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise

    from commonweal.ground.people.models import Person
    from commonweal.ground.places.rules import Viewer

EVERY_WORD = "title", "question", "background", "who_is_concerned", "service__name"
CARD = "authority", "title", "slug", "question", "published_at", "community__name"

# Asked of every challenge in a list, and on most pages: Django would take longer to compose these
# than PostgreSQL to answer them.
_ASKED = """
  FROM challenges_step step, (SELECT %(expressions)s) AS asked (challenge, at)
 WHERE step.challenge_id = asked.challenge AND step.opens_at <= asked.at"""
_UNDER_WAY = f"{_ASKED} AND (step.closes_at IS NULL OR step.closes_at > asked.at)"
_LATEST = "(SELECT step.{}" + _ASKED + " ORDER BY step.opens_at DESC, step.id DESC LIMIT 1)"


@dataclass(frozen=True)
class LoopStep:
    """One of the seven stages as a challenge goes through it; without dates it is not planned."""

    stage: Stage
    is_now: bool
    is_done: bool
    opens_at: datetime | None
    closes_at: datetime | None

    @property
    def label(self) -> _StrOrPromise:
        """Return the stage's word."""
        return self.stage.label


def published(viewer: Viewer) -> QuerySet[Challenge]:
    """Return the challenges that everyone may read: open ones first, then the newest."""
    return _ordered(viewer, _all(viewer).filter(published_at__isnull=False))


def readable(viewer: Viewer) -> QuerySet[Challenge]:
    """Return the challenges this viewer may read: published ones, and drafts they may lead."""
    drafts = _led(viewer)
    return _ordered(viewer, _all(viewer).filter(Q(published_at__isnull=False) | drafts))


def at_address(viewer: Viewer, slug: str) -> list[Challenge]:
    """Return the one challenge at this address with its outcomes, if this viewer may read it."""
    if seats_of(viewer):
        found = list(_whole(readable(viewer)).filter(slug=slug))
    else:
        found = _at_address(authority=viewer.authority.pk, at=viewer.at, slug=slug)
    for one in found:
        hand([one], "outcomes", rebuilt_all(Outcome, vars(one).pop("outcome_rows")))
        hand([one], "steps", rebuilt_all(Step, vars(one).pop("step_rows")))
    return found


@composed
def _at_address(authority: Any, at: Any, slug: Any) -> QuerySet[Challenge]:
    return _whole(published(everyone(authority, at))).filter(slug=slug)


def _whole(challenges: QuerySet[Challenge]) -> QuerySet[Challenge]:
    """Read the outcomes and steps of challenges in the same question."""
    return challenges.prefetch_related(None).annotate(
        outcome_rows=rows_under(Outcome, "challenge", "position id"),
        step_rows=rows_under(Step, "challenge", "opens_at id"),
    )


def hand_steps(challenges: Collection[Challenge]) -> None:
    """Give challenges their steps."""
    hand(challenges, "steps", _steps(challenges=[row.pk for row in challenges]))


@composed
def _steps(challenges: Any) -> QuerySet[Step]:
    return Step.objects.filter(among("challenge", challenges)).order_by("opens_at", "pk")


def led(viewer: Viewer) -> QuerySet[Challenge]:
    """Return the challenges this viewer may set up and change."""
    return _ordered(viewer, _all(viewer).filter(_led(viewer)))


def search(
    challenges: QuerySet[Challenge],
    *,
    words: str = "",
    community: Community | None = None,
    stage: str = "",
    service: Service | None = None,
) -> QuerySet[Challenge]:
    """Narrow challenges to some words, a community and all inside it, a stage, a service."""
    if words:
        found = SearchQuery(words, config="english", search_type="websearch")
        challenges = challenges.annotate(words=SearchVector(*EVERY_WORD, config="english")).filter(
            words=found
        )
    if community is not None:
        challenges = challenges.filter(
            Q(community=community) | Q(community__ancestors__contains=[community.pk])
        )
    if stage:
        challenges = challenges.filter(Q(stage=stage))
    if service is not None:
        challenges = challenges.filter(service=service)
    return challenges


def open_for(viewer: Viewer, stage: Stage) -> QuerySet[Challenge]:
    """Return the published challenges whose step of this stage is under way, soonest to close first."""
    until = Func(
        F("pk"),
        Value(viewer.at),
        template=f"(SELECT coalesce(step.closes_at, 'infinity'){_UNDER_WAY} AND step.stage = '{stage.value}')",
        output_field=DateTimeField(),
    )
    return published(viewer).alias(until=until).filter(until__isnull=False).order_by("until", "pk")


def cards(viewer: Viewer, **narrowed: Any) -> QuerySet[Challenge] | Rows[Challenge]:
    """Return the cards of published challenges: all of them, or those a search leaves."""
    if not any(narrowed.values()):
        return _cards(authority=viewer.authority.pk, at=viewer.at)
    return as_cards(search(published(viewer), **narrowed), at=viewer.at)


@in_pages
def _cards(authority: Any, at: Any) -> QuerySet[Challenge]:
    return as_cards(published(everyone(authority, at)), at=at)


def as_cards(challenges: QuerySet[Challenge], *, at: datetime) -> QuerySet[Challenge]:
    """Read only what a challenge's card shows: of its steps, when the one it is in closes."""
    closes_at = _LATEST.format("closes_at")
    return (
        challenges.select_related(None)
        .prefetch_related(None)
        .select_related("community")
        .only(*CARD)
        .annotate(
            closes_at=Func(F("pk"), Value(at), template=closes_at, output_field=DateTimeField())
        )
    )


def is_under_way(challenge: str, stage: Stage, at: datetime) -> Func:
    """Return the condition that the challenge in this column has a step of this stage under way."""
    template = f"EXISTS (SELECT{_UNDER_WAY} AND step.stage = '{stage.value}')"
    return Func(F(challenge), Value(at), template=template, output_field=BooleanField())


def open_step(challenge: Challenge, stage: Stage, at: datetime) -> Step | None:
    """Return the challenge's step of this stage if it is under way at that moment."""
    steps = (step for step in challenge.steps.all() if step.stage == stage and step.is_open(at))
    return next(steps, None)


def stage_now(challenge: Challenge, at: datetime) -> Stage | None:
    """Return the stage a challenge is in: of its steps, the latest that has opened."""
    opened = [step for step in challenge.steps.all() if step.opens_at <= at]
    if not opened:
        return None
    return Stage(max(opened, key=lambda step: (step.opens_at, step.pk)).stage)


def loop_steps(challenge: Challenge, at: datetime) -> list[LoopStep]:
    """Return the seven stages in order: which is now, which are over, and when each is."""
    now = stage_now(challenge, at)
    planned = {step.stage: step for step in challenge.steps.all()}
    return [_loop_step(stage, planned.get(stage), now, at) for stage in Stage]


def _loop_step(stage: Stage, step: Step | None, now: Stage | None, at: datetime) -> LoopStep:
    return LoopStep(
        stage=stage,
        is_now=stage == now,
        is_done=step is not None and stage != now and step.opens_at <= at,
        opens_at=step.opens_at if step else None,
        closes_at=step.closes_at if step else None,
    )


def outcomes(viewer: Viewer, challenge: Challenge) -> QuerySet[Outcome]:
    """Return what should get better."""
    return Outcome.objects.filter(
        challenge=challenge, challenge__authority=viewer.authority
    ).order_by("position", "pk")


def communities_to_lead(viewer: Viewer) -> QuerySet[Community]:
    """Return the communities in which this viewer may set up a challenge."""
    seats = seats_of(viewer)
    return Community.objects.filter(
        Q(pk__in=seats) | Q(ancestors__overlap=seats), authority=viewer.authority
    ).order_by("name", "pk")


def communities_with_challenges(viewer: Viewer) -> list[Community]:
    """Return the communities that have a published challenge, by name."""
    return _communities_with(authority=viewer.authority.pk)


@composed
def _communities_with(authority: Any) -> QuerySet[Community]:
    asked = Challenge.objects.filter(community=OuterRef("pk"), published_at__isnull=False)
    found = Community.objects.filter(Exists(asked), authority=authority)
    return found.only("name", "slug").order_by("name", "pk")


def services(viewer: Viewer) -> QuerySet[Service]:
    """Return the services a challenge may be about."""
    return Service.objects.filter(authority=viewer.authority).order_by("name", "pk")


def owners(viewer: Viewer) -> QuerySet[Organisation]:
    """Return the organisations that may answer for a challenge."""
    return Organisation.objects.filter(authority=viewer.authority).order_by("name", "pk")


def held(viewer: Viewer, challenge_id: int) -> Challenge:
    """Return a challenge of the viewer's authority, locked until the end of the transaction."""
    return Challenge.objects.select_for_update(of=("self",)).get(
        pk=challenge_id, authority=viewer.authority
    )


def steps_to_announce(at: datetime) -> QuerySet[Step]:
    """Return the steps whose date came after their challenge was published."""
    return (
        Step.objects.filter(challenge__published_at__isnull=False, opens_at__lte=at)
        .filter(opens_at__gt=F("challenge__published_at"))
        .select_related("challenge")
        .order_by("opens_at", "pk")
    )


def personal(person: Person) -> Iterator[dict[str, Any]]:
    """Return the challenges that a person set up."""
    for made in Challenge.objects.filter(created_by=person).order_by("created_at", "pk"):
        yield {
            "title": made.title,
            "question": made.question,
            "background": made.background,
            "set_up_at": made.created_at.isoformat(),
        }


def open_for_ideas(viewer: Viewer, thing: None) -> dict[str, Any] | None:
    """Return what the front page shows: challenges that take ideas now."""
    found = _take_ideas(authority=viewer.authority.pk, at=viewer.at)
    return {"challenges": found} if found else None


@composed
def _take_ideas(authority: Any, at: Any) -> QuerySet[Challenge]:
    return as_cards(open_for(everyone(authority, at), Stage.PROPOSE), at=at)[:4]


def waiting(viewer: Viewer, thing: None) -> dict[str, Any] | None:
    """Return what the desk shows to someone who leads: their drafts, and what lacks a next date."""
    seats = seats_of(viewer)
    if not seats:
        return None
    found = _waiting(authority=viewer.authority.pk, at=viewer.at, seats=seats)
    return {
        "drafts": [one for one in found if one.published_at is None],
        "stuck": [one for one in found if one.published_at is not None],
    }


@composed
def _waiting(authority: Any, at: Any, seats: Any) -> QuerySet[Challenge]:
    nobody = everyone(authority, at)
    mine = _ordered(nobody, _all(nobody).filter(below(seats)))
    ahead = Step.objects.filter(challenge=OuterRef("pk"), opens_at__gt=at)
    drafts = mine.filter(published_at__isnull=True).order_by("-created_at", "-pk")
    stuck = mine.filter(Q(is_open=False), published_at__isnull=False).exclude(Exists(ahead))
    some = [Q(pk__in=rows.values("pk")[:20]) for rows in (drafts, stuck)]
    return (
        Challenge.objects.filter(some[0] | some[1])
        .annotate(
            has_outcome=Exists(Outcome.objects.filter(challenge=OuterRef("pk"))),
            has_dates=Exists(Step.objects.filter(challenge=OuterRef("pk"))),
        )
        .only("title", "slug", "published_at")
        .order_by(F("published_at").desc(nulls_first=True), "-created_at", "-pk")
    )


def about_service(viewer: Viewer, service: Service) -> dict[str, Any] | None:
    """Return what a service's page shows: the challenges about it."""
    found = _about_service(authority=viewer.authority.pk, at=viewer.at, service=service.pk)
    return {"challenges": found} if found else None


@composed
def _about_service(authority: Any, at: Any, service: Any) -> QuerySet[Challenge]:
    return as_cards(search(published(everyone(authority, at)), service=service), at=at)[:5]


def in_community(viewer: Viewer, community: Community) -> dict[str, Any] | None:
    """Return what a community's page shows: its challenges, and those of communities inside it."""
    found = _in_branch(authority=viewer.authority.pk, at=viewer.at, branch=[community.pk])
    return {"challenges": found} if found else None


@composed
def _in_branch(authority: Any, at: Any, branch: Any) -> QuerySet[Challenge]:
    inside = Q(among("community", branch)) | Q(community__ancestors__overlap=branch)
    return as_cards(published(everyone(authority, at)).filter(inside), at=at)[:5]


def _all(viewer: Viewer) -> QuerySet[Challenge]:
    return Challenge.objects.filter(authority=viewer.authority)


def _ordered(viewer: Viewer, challenges: QuerySet[Challenge]) -> QuerySet[Challenge]:
    asked = F("pk"), Value(viewer.at)
    return (
        challenges.annotate(
            is_open=Func(
                *asked, template=f"EXISTS (SELECT{_UNDER_WAY})", output_field=BooleanField()
            ),
            stage=Func(*asked, template=_LATEST.format("stage"), output_field=CharField()),
        )
        .select_related("community", "service", "owner")
        .defer("service__search")
        .prefetch_related(Prefetch("steps", Step.objects.order_by("opens_at", "pk")))
        .order_by("-is_open", "-published_at", "-pk")
    )


def seats_of(viewer: Viewer) -> list[int]:
    """Return where the viewer leads; everything below is theirs to lead too."""
    leads = (RoleKind.ADMINISTRATOR, RoleKind.CLERK)
    roles = [role.community_id for role in viewer.roles if role.kind in leads]
    return roles + [
        standing.community_id
        for standing in viewer.standings
        if standing.kind == StandingKind.SERVICE_LEADER
    ]


def _led(viewer: Viewer) -> Q:
    seats = seats_of(viewer)
    return Q(community__in=seats) | Q(community__ancestors__overlap=seats)
