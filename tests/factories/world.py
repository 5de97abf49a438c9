"""Rows for tests, each whole by default: say only what the test is about."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from django.utils import timezone

from commonweal.decide.budgets.models import Pot, Project
from commonweal.ground.challenges.models import Challenge, Outcome, Stage, Step
from commonweal.ground.directory.models import Service
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import (
    Authority,
    Community,
    Level,
    Membership,
    Organisation,
    Role,
    RoleKind,
    Standing,
    StandingKind,
)
from commonweal.propose.appraisals.models import (
    Answer,
    Appraisal,
    Criterion,
    Finding,
    Line,
    Meets,
    State,
    verdict_of,
)
from commonweal.propose.proposals.models import Proposal, Status

_number = count(1)


def an_authority(**given: Any) -> Authority:
    """Return an authority with its root community."""
    n = next(_number)
    values = {"name": f"Authority {n}", "short_name": f"Place {n}", "slug": f"authority-{n}"}
    made = Authority.objects.create(**{**values, "run_by": f"Council {n}", **given})
    Community.objects.create(authority=made, kind="authority", name=made.short_name, slug="whole")
    return made


def root(authority: Authority) -> Community:
    """Return the authority's root community."""
    return Community.objects.get(authority=authority, kind="authority")


def a_community(authority: Authority, parent: Community | None = None, **given: Any) -> Community:
    """Return a neighbourhood below the root, or below ``parent``."""
    n, above = next(_number), parent or root(authority)
    values: dict[str, Any] = {
        "kind": "neighbourhood",
        "name": f"Quarter {n}",
        "slug": f"quarter-{n}",
    }
    return Community.objects.create(
        authority=authority, parent=above, ancestors=above.branch(), **{**values, **given}
    )


def a_person(
    community: Community | None = None,
    *,
    level: Level = Level.POSTCODE,
    standing: StandingKind | None = StandingKind.RESIDENT,
    role: RoleKind | None = None,
    **given: Any,
) -> Person:
    """Return a person, who belongs to the community with a standing and perhaps a role."""
    n = next(_number)
    person = Person.objects.create(
        **{"email": f"person{n}@example.org", "name": f"Person {n}", **given}
    )
    person.set_unusable_password()
    person.save()
    at = timezone.now()
    if community:
        Membership.objects.create(
            person=person, community=community, level=level, joined_at=at, verified_at=at
        )
        if standing:
            Standing.objects.create(
                person=person, community=community, kind=standing, confirmed_at=at
            )
        if role:
            Role.objects.create(person=person, community=community, kind=role, granted_at=at)
    return person


def an_organisation(authority: Authority, **given: Any) -> Organisation:
    """Return a council."""
    n = next(_number)
    values = {"kind": "council", "name": f"Organisation {n}", "slug": f"organisation-{n}"}
    return Organisation.objects.create(authority=authority, **{**values, **given})


def a_service(authority: Authority, **given: Any) -> Service:
    """Return a service given by a new organisation."""
    n = next(_number)
    values: dict[str, Any] = {
        "community": given.pop("community", None) or root(authority),
        "provider": given.pop("provider", None) or an_organisation(authority),
        "name": f"Service {n}",
        "slug": f"service-{n}",
        "purpose": "Help at home",
        "for_whom": "People who need it",
        "where": "At home",
    }
    return Service.objects.create(authority=authority, **{**values, **given})


def a_challenge(
    authority: Authority,
    *,
    stage: Stage = Stage.PROPOSE,
    at: datetime | None = None,
    outcome: bool = True,
    published: bool = True,
    **given: Any,
) -> Challenge:
    """Return a published challenge with an outcome, that stands at ``stage`` now."""
    n, moment = next(_number), at or timezone.now()
    service = given.pop("service", None) or a_service(authority)
    money = given.pop("money_pence", None)
    values: dict[str, Any] = {
        "community": service.community,
        "service": service,
        "owner": service.provider,
        "title": f"Challenge {n}",
        "slug": f"challenge-{n}",
        "question": f"How can service {n} be better?",
        "background": "Why we ask.",
        "who_is_concerned": "People who use it.",
        "created_by": given.pop("created_by", None) or a_person(),
        "created_at": moment - timedelta(days=60),
        "published_at": moment - timedelta(days=60) if published else None,
    }
    made = Challenge.objects.create(authority=authority, **{**values, **given})
    if outcome:
        Outcome.objects.create(
            challenge=made, statement="I feel safe at home", for_whom="People who get care",
            measure="Asked by phone after 30 days", unit="people in 100", baseline=58, now=66, aim=75,
        )  # fmt: skip
    if money is not None:
        made.money_pence = money
        made.save()
    stages = list(Stage)
    for k, step in enumerate(stages[: stages.index(stage) + 1]):
        behind = stages.index(stage) - k
        opens = moment - timedelta(days=10 * (behind + 1))
        closes = moment + timedelta(days=10) if behind == 0 else opens + timedelta(days=10)
        Step.objects.create(challenge=made, stage=step, opens_at=opens, closes_at=closes)
    return made


def a_proposal(challenge: Challenge, *, author: Person | None = None, **given: Any) -> Proposal:
    """Return a published proposal."""
    n, at = next(_number), timezone.now()
    values: dict[str, Any] = {
        "author": author or a_person(challenge.community),
        "community": challenge.community,
        "standing": StandingKind.RESIDENT,
        "status": Status.PUBLISHED,
        "title": f"Idea {n}",
        "better": "People get home to a warm house.",
        "for_whom": "People who leave hospital",
        "measure": "Asked on day three",
        "change": "A neighbour goes in first.",
        "takes_part": "Neighbours and nurses",
        "cost_pence": 30_000_00,
        "created_at": at,
        "changed_at": at,
        "published_at": at,
    }
    return Proposal.objects.create(
        authority=challenge.authority, challenge=challenge, **{**values, **given}
    )


def an_appraisal(
    proposal: Proposal,
    *,
    state: State = State.FINAL,
    by: Person | None = None,
    meets: Meets = Meets.YES,
    pence: int = 12_000_00,
    **given: Any,
) -> Appraisal:
    """Return what staff found about an idea: it can be done, for one sum, unless said otherwise."""
    at, staff = timezone.now(), by or a_person()
    shown = given.pop("shown_at", at - timedelta(days=1))
    made = Appraisal.objects.create(
        authority=proposal.authority, community=proposal.community, challenge=proposal.challenge,
        proposal=proposal, hands=[staff.pk], begun_at=shown - timedelta(days=1),
        words="It can be done by spring.", changes="A quieter lamp." if meets != Meets.YES else "",
    )  # fmt: skip
    Line.objects.create(
        appraisal=made, what="Lamps", each="once", pence=pence, source="Last year’s order"
    )
    for criterion in Criterion:
        Finding.objects.create(
            appraisal=made, criterion=criterion, meets=Meets.YES, reason="Checked with the team."
        )
    made.findings.filter(criterion=Criterion.SAFE).update(meets=meets)
    if state == State.DRAFT:
        return made
    values: dict[str, Any] = {
        "state": state,
        "verdict": verdict_of([meets]),
        "one_off_pence": pence,
        "yearly_pence": 0,
        "shown_at": shown,
        "shown_by": staff,
        "answer_due_at": shown + timedelta(days=10),
    }
    if state == State.FINAL:
        values |= {
            "shown_at": shown - timedelta(days=20),
            "answer_due_at": shown - timedelta(days=10),
            "final_at": at,
            "settled_by": "days",
        }
    if state == State.APPEALED:
        Answer.objects.create(
            appraisal=made, person=proposal.author, kind="appeal", words="The lamps cost half.",
            answered_at=at,
        )  # fmt: skip
    Appraisal.objects.filter(pk=made.pk).update(**{**values, **given})
    made.refresh_from_db()
    return made


def a_pot(
    challenge: Challenge,
    *,
    costs: tuple[int, ...] = (30_000_00, 20_000_00, 60_000_00),
    **given: Any,
) -> Pot:
    """Return a pot that is open now, with projects of these costs."""
    at = timezone.now()
    values: dict[str, Any] = {
        "community": challenge.community,
        "title": f"Pot {next(_number)}",
        "pence": 90_000_00,
        "opens_at": at - timedelta(days=1),
        "closes_at": at + timedelta(days=1),
        "lot_seed": "seed",
        "created_at": at - timedelta(days=2),
        "created_by": given.pop("created_by", None) or a_person(),
    }
    pot = Pot.objects.create(
        authority=challenge.authority, challenge=challenge, **{**values, **given}
    )
    for cost in costs:
        n = next(_number)
        Project.objects.create(
            authority=pot.authority,
            pot=pot,
            title=f"Project {n}",
            summary="What it does.",
            cost_pence=cost,
        )
    return pot
