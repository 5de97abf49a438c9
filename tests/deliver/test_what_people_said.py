"""Whoever said something of which a funded idea came hears how it goes, and everybody can read it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest

from commonweal.deliver.milestones import actions
from commonweal.deliver.milestones.models import Delivery
from commonweal.ground.people.models import Person
from commonweal.ground.places.rules import Viewer
from commonweal.propose.origins.models import Origin
from commonweal.propose.proposals.models import Merge, Proposal
from commonweal.spread.updates import actions as updates
from commonweal.spread.updates.models import Because, Notice
from tests.factories import listen, world
from tests.visit import Page

pytestmark = pytest.mark.django_db
SeenBy = Callable[..., Viewer]


@pytest.mark.parametrize("joined", [False, True], ids=["its own", "joined"])
def test_whoever_said_it_hears_how_it_goes_and_the_statements_page_tells_it(
    delivery: Delivery, member: Person, seen_by: SeenBy, now: datetime, joined: bool,
    visit: Callable[..., Page],
) -> None:  # fmt: skip
    pot, idea = delivery.project.pot, delivery.project.proposal
    assert idea is not None
    Proposal.objects.filter(pk=idea.pk).update(status="funded")
    place = listen.a_conversation(pot.authority, challenge=pot.challenge)
    said, gone = (
        listen.a_statement(
            place, author=listen.a_participant(place, world.a_person(pot.community)),
            is_first=False, **given,
        )
        for given in ({}, {"state": "rejected", "reason": "unkind"})
    )  # fmt: skip
    source = idea
    if joined:
        source = world.a_proposal(pot.challenge, status="merged")
        Merge.objects.create(
            authority=pot.authority, lead=idea, joining=source, state="merged", suggested_at=now,
            suggested_by=member, settled_at=now,
        )  # fmt: skip
    for row in (said, gone):
        Origin.objects.create(statement=row, proposal=source, made_at=now)
    actions.tell(
        viewer=seen_by(member), project_id=delivery.project_id, status="started",
        words="The first lamp is ordered.", happened_on=now.date(),
    )  # fmt: skip
    updates.note_news(at=now)
    because = {row.person_id: row.because for row in Notice.objects.all()}
    assert because[said.author.person_id] == Because.SAID  # type: ignore[union-attr]
    assert gone.author.person_id not in because  # type: ignore[union-attr]
    page = visit(said.get_absolute_url())
    assert "How it goes Under way" in page.text
    assert delivery.get_absolute_url() in page.links
