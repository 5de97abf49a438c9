"""What tests of ideas share."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from commonweal.ground.challenges.models import Challenge
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority, Community
from commonweal.ground.places.rules import Viewer
from commonweal.propose.proposals import actions
from commonweal.propose.proposals.models import Proposal
from tests.factories import world

WORDS = {
    "better": {"better": "I walk in and it feels like my house."},
    "whom": {"for_whom": "People who go home alone"},
    "measure": {"measure": "Asked on day three"},
    "risks": {"risks": "A stranger with a key could frighten people."},
    "works": {
        "change": "A neighbour goes in before you get home.",
        "takes_part": "Neighbours and nurses",
        "title": "A warm house on day one",
    },
    "cost": {"cost_pence": 30_000_00, "cost_note": "Fares and key safes"},
}


@pytest.fixture
def as_(authority: Authority, now: datetime) -> Callable[..., Viewer]:
    """Return a function that makes a person a viewer: ``as_(resident, later=60)`` in seconds."""

    def viewer(
        person: Person | None, *, later: float = 0, where: Authority | None = None
    ) -> Viewer:
        return Viewer(
            authority=where or authority,
            person=person,
            at=now + timedelta(seconds=later),
            has_second_factor=True,
        )

    return viewer


@pytest.fixture
def challenge(authority: Authority, community: Community) -> Challenge:
    """Return a challenge of the neighbourhood that takes ideas now."""
    return world.a_challenge(authority, community=community, title="Getting home well", slug="home")


@pytest.fixture
def idea(challenge: Challenge, resident: Person) -> Proposal:
    """Return a public idea of the resident's."""
    return world.a_proposal(challenge, author=resident, title="A lamp by the bed")


@pytest.fixture
def neighbour(community: Community) -> Person:
    """Return somebody else who lives there."""
    return world.a_person(community, name="Neville")


@pytest.fixture
def draft(challenge: Challenge, resident: Person, as_: Callable[..., Viewer]) -> Proposal:
    """Return a whole draft of the resident's."""
    begun = actions.start_proposal(viewer=as_(resident), challenge=challenge, standing="resident")
    for part, fields in WORDS.items():
        begun = actions.save_part(viewer=as_(resident), proposal_id=begun.pk, part=part, **fields)
    return begun
