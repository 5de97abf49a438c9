"""Many ballots at once, as the site itself would have stored them."""

from __future__ import annotations

import random
from collections.abc import Sequence

from commonweal.decide.ballots.models import Ballot, Roll
from commonweal.decide.budgets.models import Pot
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Community
from tests.decide.conftest import numbers


def vote_for(
    pot: Pot, community: Community, ballots: int, chosen: Sequence[int] | None = None, seed: int = 1
) -> None:
    """Add ballots: all for ``chosen``, or for a drawn part of the projects."""
    draw = random.Random(seed)
    before = Person.objects.count()
    people = Person.objects.bulk_create(
        Person(email=f"voter{before + n}-{pot.pk}@example.org") for n in range(ballots)
    )
    projects = numbers(pot)

    def choice() -> list[int]:
        return [p for p in projects if draw.random() < 0.5] if chosen is None else list(chosen)

    drawn = [choice() for _person in people]
    Ballot.objects.bulk_create(
        Ballot(pot=pot, envelope=pot.envelope_of(person), projects=mine, marks=[1] * len(mine))
        for person, mine in zip(people, drawn, strict=True)
    )
    Roll.objects.bulk_create(Roll(pot=pot, person=person) for person in people)
