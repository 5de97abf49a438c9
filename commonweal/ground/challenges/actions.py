"""Setting up a challenge, changing it, and telling when its stages open."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any, NamedTuple

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from commonweal.ground.challenges import queries, rules
from commonweal.ground.challenges.models import MOST_PENCE, Challenge, Outcome, Stage, Step
from commonweal.ground.directory.models import Service
from commonweal.ground.journal import actions as journal
from commonweal.ground.journal.models import Entry
from commonweal.ground.people.models import Person
from commonweal.ground.places import rules as places
from commonweal.ground.places.models import Community, Organisation
from commonweal.ground.places.rules import Viewer


class OutcomeComesFirst(Exception):
    """Money waits until the challenge says what should get better, and how we will know."""


class LastOutcomeStays(Exception):
    """A challenge that is public or holds money keeps at least one outcome."""


class NotAnAmount(Exception):
    """Nothing, less than nothing, or more money than there is."""


class SlugTaken(Exception):
    """Another challenge here already has this address."""


class StagesOutOfOrder(Exception):
    """A stage would open before one that comes earlier in the loop."""


class StageNeverOpens(Exception):
    """A stage would close before it opens."""


class StageHasOpened(Exception):
    """The stage of a public challenge has opened, so when it did stays as it is."""


class NotReady(Exception):
    """The challenge lacks an outcome or a date, so it stays a draft."""


class Dates(NamedTuple):
    """When a challenge is to be in one stage."""

    stage: Stage
    opens_at: datetime
    closes_at: datetime | None


@transaction.atomic
def draft_challenge(
    *,
    viewer: Viewer,
    community: Community,
    service: Service,
    owner: Organisation,
    title: str,
    slug: str | None = None,
    question: str,
    background: str,
    who_is_concerned: str,
) -> Challenge:
    """Begin a challenge that nobody else sees yet; without a ``slug`` the title gives its address."""
    if not places.may_lead(viewer, community):
        raise PermissionDenied(_("Only those who lead this community may set up a challenge."))
    _all_from_here(viewer, community, service, owner)
    _lock_addresses(viewer)
    challenge = Challenge.objects.create(
        authority=viewer.authority,
        community=community,
        service=service,
        owner=owner,
        title=title,
        slug=_free_slug(viewer, title, slug),
        question=question,
        background=background,
        who_is_concerned=who_is_concerned,
        created_by=_person(viewer),
        created_at=viewer.at,
    )
    _record(viewer, "challenge.drafted", challenge)
    return challenge


@transaction.atomic
def change_challenge(
    *,
    viewer: Viewer,
    challenge_id: int,
    service: Service,
    owner: Organisation,
    title: str,
    question: str,
    background: str,
    who_is_concerned: str,
) -> Challenge:
    """Change the words of a challenge; once it is public the journal says which parts changed."""
    challenge = _led(viewer, challenge_id)
    _all_from_here(viewer, challenge.community, service, owner)
    changed = _set(
        challenge,
        service=service,
        owner=owner,
        title=title,
        question=question,
        background=background,
        who_is_concerned=who_is_concerned,
    )
    if changed:
        challenge.save(update_fields=changed)
        _record(viewer, "challenge.changed", challenge, parts=changed)
    return challenge


@transaction.atomic
def add_outcome(
    *,
    viewer: Viewer,
    challenge_id: int,
    statement: str,
    for_whom: str,
    measure: str,
    unit: str,
    up_is_better: bool = True,
    baseline: Decimal | None = None,
    baseline_on: date | None = None,
    now: Decimal | None = None,
    now_on: date | None = None,
    aim: Decimal | None = None,
) -> Outcome:
    """Say what should get better for whom, and how we will know."""
    challenge = _led(viewer, challenge_id)
    last = challenge.outcomes.order_by("-position").first()
    outcome = Outcome.objects.create(
        challenge=challenge,
        statement=statement,
        for_whom=for_whom,
        measure=measure,
        unit=unit,
        up_is_better=up_is_better,
        baseline=baseline,
        baseline_on=baseline_on,
        now=now,
        now_on=now_on,
        aim=aim,
        position=last.position + 1 if last else 0,
    )
    _record_outcome(viewer, "outcome.added", outcome)
    return outcome


@transaction.atomic
def change_outcome(
    *,
    viewer: Viewer,
    outcome_id: int,
    statement: str,
    for_whom: str,
    measure: str,
    unit: str,
    up_is_better: bool = True,
    baseline: Decimal | None = None,
    baseline_on: date | None = None,
    now: Decimal | None = None,
    now_on: date | None = None,
    aim: Decimal | None = None,
) -> Outcome:
    """Change an outcome or note a new reading of it; the journal keeps what it was before."""
    outcome = _led_outcome(viewer, outcome_id)
    before = {name: getattr(outcome, name) for name in ("baseline", "now", "aim")}
    changed = _set(
        outcome,
        statement=statement,
        for_whom=for_whom,
        measure=measure,
        unit=unit,
        up_is_better=up_is_better,
        baseline=baseline,
        baseline_on=baseline_on,
        now=now,
        now_on=now_on,
        aim=aim,
    )
    if not changed:
        return outcome
    outcome.save(update_fields=changed)
    if "now" in changed and now is not None:
        _record_reading(viewer, outcome, before["now"], now)
    elif {"now", "now_on"} & set(changed):
        _record_outcome(viewer, "outcome.changed", outcome, parts=["now"])
    if rest := sorted(set(changed) - {"now", "now_on"}):
        figures = {
            f"{name}_was": _number(before[name]) for name in ("baseline", "aim") if name in rest
        }
        _record_outcome(viewer, "outcome.changed", outcome, parts=rest, **figures)
    return outcome


@transaction.atomic
def remove_outcome(*, viewer: Viewer, outcome_id: int) -> None:
    """Take an outcome away; a challenge that is public, holds money or has a pot keeps its last."""
    outcome = _led_outcome(viewer, outcome_id)
    challenge = outcome.challenge
    needed = challenge.is_public or challenge.money_pence is not None
    if needed and challenge.outcomes.count() == 1:
        raise LastOutcomeStays(challenge.title)
    _record_outcome(viewer, "outcome.removed", outcome)
    try:
        with transaction.atomic():
            outcome.delete()
    except IntegrityError as refused:  # a later stage has set money aside, which only it knows
        raise LastOutcomeStays(challenge.title) from refused


@transaction.atomic
def set_money(*, viewer: Viewer, challenge_id: int, pence: int | None) -> Challenge:
    """Say what money there is; it comes after the outcomes, and the database holds to that too."""
    challenge = _led(viewer, challenge_id)
    if pence is not None and not 0 < pence <= MOST_PENCE:
        raise NotAnAmount(str(pence))
    if pence is not None and not challenge.outcomes.exists():
        raise OutcomeComesFirst(challenge.title)
    if pence == challenge.money_pence:
        return challenge
    challenge.money_pence = pence
    challenge.save(update_fields=["money_pence"])
    if pence is None:
        _record(viewer, "challenge.money_withdrawn", challenge)
    else:
        _record(viewer, "challenge.money_set", challenge, money_pence=pence)
    return challenge


def plan_step(
    *,
    viewer: Viewer,
    challenge_id: int,
    stage: Stage | str,
    opens_at: datetime,
    closes_at: datetime | None,
) -> Step:
    """Say when the challenge is in one stage; the other stages keep their dates."""
    with transaction.atomic():
        challenge = _led(viewer, challenge_id)
        kept = [
            Dates(Stage(step.stage), step.opens_at, step.closes_at)
            for step in challenge.steps.all()
            if step.stage != stage
        ]
        dates = [*kept, Dates(Stage(stage), opens_at, closes_at)]
        steps = plan_steps(viewer=viewer, challenge_id=challenge_id, dates=dates)
        return next(step for step in steps if step.stage == stage)


@transaction.atomic
def plan_steps(*, viewer: Viewer, challenge_id: int, dates: Iterable[Dates]) -> list[Step]:
    """Say when the challenge is in each stage; a stage that is left out is not planned.

    Stages open in the order of the loop. Once the challenge is public, what has opened has opened:
    that date stays, and only when the stage closes may still change.
    """
    challenge = _led(viewer, challenge_id)
    wanted = {Stage(given.stage): given for given in dates}
    _in_order(wanted)
    had = {Stage(step.stage): step for step in challenge.steps.all()}
    if challenge.is_public:
        _keep_what_has_opened(had, wanted, viewer.at)
    changed = [
        stage.value for stage in Stage if _dates_of(had.get(stage)) != _dates_of(wanted.get(stage))
    ]
    for stage in map(Stage, changed):
        if stage in wanted:
            opens, closes = wanted[stage].opens_at, wanted[stage].closes_at
            challenge.steps.update_or_create(
                stage=stage, defaults={"opens_at": opens, "closes_at": closes}
            )
        else:
            had[stage].delete()
    if changed:
        _record(viewer, "challenge.dates_changed", challenge, stages=changed)
    return list(Step.objects.filter(challenge=challenge).order_by("opens_at", "pk"))


@transaction.atomic
def publish_challenge(*, viewer: Viewer, challenge_id: int) -> Challenge:
    """Let everyone read the challenge; twice is as once. It needs an outcome and a date."""
    challenge = _led(viewer, challenge_id)
    if challenge.is_public:
        return challenge
    if not challenge.outcomes.exists() or not challenge.steps.exists():
        raise NotReady(challenge.title)
    challenge.published_at = viewer.at
    challenge.save(update_fields=["published_at"])
    _record(viewer, "challenge.published", challenge)
    return challenge


@transaction.atomic
def open_stages(*, at: datetime) -> int:
    """Journal the stages whose date has come, each of them once; return how many there were.

    The challenge's row is locked first, so two workers that wake together tell it once.
    """
    told = 0
    for step in queries.steps_to_announce(at):
        challenge = Challenge.objects.select_for_update(of=("self",)).get(pk=step.challenge_id)
        what = f"challenge.{step.stage}_opened"
        if not Entry.objects.filter(challenge=challenge, what=what).exists():
            journal.record(what=what, who=None, about=challenge, at=step.opens_at, public=True)
            told += 1
    return told


def let_stand(person: Person, at: datetime) -> None:
    """Leave a person's challenges as they are: the authority's, and their maker becomes nobody."""


def _person(viewer: Viewer) -> Person:
    if viewer.person is None:
        raise PermissionDenied(_("Sign in first."))
    return viewer.person


def _led(viewer: Viewer, challenge_id: int) -> Challenge:
    """Return the challenge, locked, if this viewer may change it."""
    challenge = queries.held(viewer, challenge_id)
    if not rules.may_lead(viewer, challenge):
        raise PermissionDenied(_("Only those who lead this challenge may change it."))
    return challenge


def _led_outcome(viewer: Viewer, outcome_id: int) -> Outcome:
    """Return an outcome whose challenge is locked, if this viewer may change it."""
    found = Outcome.objects.get(pk=outcome_id, challenge__authority=viewer.authority)
    challenge = _led(viewer, found.challenge_id)
    outcome = Outcome.objects.select_for_update().get(pk=outcome_id)
    outcome.challenge = challenge
    return outcome


def _all_from_here(
    viewer: Viewer, community: Community, service: Service, owner: Organisation
) -> None:
    if {community.authority_id, service.authority_id, owner.authority_id} != {viewer.authority.pk}:
        raise PermissionDenied(_("A challenge belongs to one authority, with all its parts."))


def _lock_addresses(viewer: Viewer) -> None:
    """Let one challenge of an authority choose its address at a time."""
    type(viewer.authority).objects.select_for_update().get(pk=viewer.authority.pk)


def _free_slug(viewer: Viewer, title: str, slug: str | None) -> str:
    taken = Challenge.objects.filter(authority=viewer.authority)
    if slug is not None:
        if taken.filter(slug=slug).exists():
            raise SlugTaken(slug)
        return slug
    base = slugify(title)[:70].strip("-") or "challenge"
    used = set(taken.filter(slug__startswith=base).values_list("slug", flat=True))
    return next(name for name in _names(base) if name not in used)


def _names(base: str) -> Iterable[str]:
    yield base
    number = 2
    while True:
        yield f"{base}-{number}"
        number += 1


def _set(row: Challenge | Outcome, **values: Any) -> list[str]:
    """Set the values that differ, and name them."""
    changed = sorted(name for name, value in values.items() if getattr(row, name) != value)
    for name in changed:
        setattr(row, name, values[name])
    return changed


def _in_order(wanted: dict[Stage, Dates]) -> None:
    planned = [wanted[stage] for stage in Stage if stage in wanted]
    for given in planned:
        if given.closes_at is not None and given.closes_at <= given.opens_at:
            raise StageNeverOpens(given.stage.label)
    for earlier, later in pairwise(planned):
        if later.opens_at <= earlier.opens_at:
            raise StagesOutOfOrder(later.stage.label)


def _keep_what_has_opened(had: dict[Stage, Step], wanted: dict[Stage, Dates], at: datetime) -> None:
    for stage, step in had.items():
        if step.opens_at <= at and (stage not in wanted or wanted[stage].opens_at != step.opens_at):
            raise StageHasOpened(stage.label)


def _dates_of(step: Step | Dates | None) -> tuple[datetime, datetime | None] | None:
    return None if step is None else (step.opens_at, step.closes_at)


def _number(value: Decimal | None) -> str | None:
    """Write a figure as the journal keeps it: exact, and without needless noughts."""
    if value is None:
        return None
    return f"{Decimal(value).normalize():f}"


def _record(viewer: Viewer, what: str, challenge: Challenge, **facts: Any) -> None:
    journal.record(
        what=what,
        who=_person(viewer),
        about=challenge,
        at=viewer.at,
        public=challenge.is_public,
        facts=facts,
    )


def _record_reading(viewer: Viewer, outcome: Outcome, before: Decimal | None, now: Decimal) -> None:
    if before is None:
        _record_outcome(viewer, "outcome.first_measured", outcome, now=_number(now))
    else:
        was = _number(before)
        _record_outcome(viewer, "outcome.measured", outcome, was=was, now=_number(now))


def _record_outcome(viewer: Viewer, what: str, outcome: Outcome, **facts: Any) -> None:
    journal.record(
        what=what,
        who=_person(viewer),
        about=outcome,
        at=viewer.at,
        public=outcome.challenge.is_public,
        facts=facts,
    )
