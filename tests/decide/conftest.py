"""What the tests of sharing out money stand on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from commonweal.decide.budgets.models import Pot
from commonweal.ground.challenges.models import Challenge, Stage
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority, Community
from commonweal.ground.places.rules import Viewer
from tests.factories import world


@pytest.fixture
def challenge(authority: Authority, community: Community) -> Challenge:
    """Return a challenge at the step of deciding, with no limit to its money."""
    service = world.a_service(authority, community=community)
    return world.a_challenge(authority, stage=Stage.DECIDE, service=service)


@pytest.fixture
def pot(challenge: Challenge) -> Pot:
    """Return a pot that is open now, with three projects."""
    return world.a_pot(challenge)


@pytest.fixture
def seen_by(authority: Authority, now: datetime) -> Callable[..., Viewer]:
    """Return a function that makes somebody a viewer: ``seen_by(person, at=later)``."""

    def viewer(person: Person | None, **given: Any) -> Viewer:
        fresh = Person.objects.get(pk=person.pk) if person else None
        return replace(
            Viewer(authority=authority, person=fresh, at=now, has_second_factor=True), **given
        )

    return viewer


def numbers(pot: Pot) -> list[int]:
    """Return the numbers of a pot's projects in order."""
    return list(pot.projects.order_by("pk").values_list("pk", flat=True))
