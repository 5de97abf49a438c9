"""What the tests of deliveries stand on: a pot that was counted, and one project that it funded."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from commonweal.decide.budgets.models import Pot, Project
from commonweal.deliver.milestones import actions
from commonweal.deliver.milestones.models import Delivery
from commonweal.ground.challenges.models import Challenge, Stage
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import (
    Authority,
    Community,
    Organisation,
    OrganisationMember,
    RoleKind,
)
from tests.factories import world

COST = 30_000_00


@pytest.fixture
def challenge(authority: Authority, community: Community) -> Challenge:
    """Return a challenge whose money was shared out."""
    service = world.a_service(authority, community=community)
    return world.a_challenge(authority, stage=Stage.DELIVER, service=service)


def a_counted_pot(challenge: Challenge, now: datetime, **given: Any) -> Pot:
    """Return a pot whose result was declared a month and a half ago."""
    declared = now - timedelta(days=45)
    moments = {
        "opens_at": now - timedelta(days=90),
        "closes_at": now - timedelta(days=50),
        "counted_at": declared,
        "declared_at": declared,
    }
    return world.a_pot(challenge, result={"projects": []}, key=None, **moments, **given)


@pytest.fixture
def pot(challenge: Challenge, now: datetime) -> Pot:
    """Return a counted pot."""
    return a_counted_pot(challenge, now, title="The spring pot")


@pytest.fixture
def project(pot: Pot, challenge: Challenge) -> Project:
    """Return what it funded: lights on the canal path, an idea of somebody's."""
    idea = world.a_proposal(challenge, title="Lights on the path", status="funded")
    first = pot.projects.order_by("pk")[0]
    Project.objects.filter(pk=first.pk).update(
        is_funded=True,
        title="Lights on the path",
        outcome="People walk home after dark.",
        proposal=idea,
    )
    return Project.objects.get(pk=first.pk)


@pytest.fixture
def organisation(authority: Authority) -> Organisation:
    """Return who runs it."""
    return world.an_organisation(authority, name="Canal Trust")


@pytest.fixture
def member(community: Community, organisation: Organisation) -> Person:
    """Return somebody of the organisation, without any role."""
    person = world.a_person(community, name="Tess")
    OrganisationMember.objects.create(organisation=organisation, person=person)
    return person


@pytest.fixture
def clerk(authority: Authority) -> Person:
    """Return a clerk of the whole place."""
    return world.a_person(world.root(authority), role=RoleKind.CLERK, name="Delyth")


@pytest.fixture
def delivery(project: Project, organisation: Organisation, now: datetime) -> Delivery:
    """Return the record of the project, run by the organisation."""
    actions.start_records(at=now - timedelta(days=44))
    Delivery.objects.update(organisation=organisation)
    return Delivery.objects.get(project=project)


def days(now: datetime, number: int) -> Any:
    """Return the day so many days from now."""
    return (now + timedelta(days=number)).date()
