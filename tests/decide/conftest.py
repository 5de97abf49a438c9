"""What the tests of sharing out money stand on."""

from __future__ import annotations

import pytest

from commonweal.decide.budgets.models import Pot
from commonweal.ground.challenges.models import Challenge, Stage
from commonweal.ground.places.models import Authority, Community
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


def numbers(pot: Pot) -> list[int]:
    """Return the numbers of a pot's projects in order."""
    return list(pot.projects.order_by("pk").values_list("pk", flat=True))
