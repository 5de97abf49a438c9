"""Batches of papers for tests, taken as far as a test needs them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from commonweal.decide.ballots.rules import Choice
from commonweal.decide.budgets.models import Pot
from commonweal.decide.paper import actions
from commonweal.decide.paper.models import Batch, Says
from commonweal.decide.paper.queries import Somebody
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import RoleKind
from commonweal.ground.places.rules import Viewer
from tests.factories import world


def clerks(pot: Pot, at: datetime, count: int = 3) -> list[Viewer]:
    """Return so many clerks, each a viewer."""
    return [
        Viewer(
            pot.authority,
            world.a_person(world.root(pot.authority), role=RoleKind.CLERK),
            at,
            has_second_factor=True,
        )
        for _n in range(count)
    ]


def fresh(viewer: Viewer, at: datetime | None = None) -> Viewer:
    """Return the same viewer as another request would see them."""
    person = Person.objects.get(pk=viewer.person.pk) if viewer.person else None
    return Viewer(viewer.authority, person, at or viewer.at, has_second_factor=True)


def issued(clerk: Viewer, pot: Pot, papers: int = 10) -> Batch:
    """Return a batch that went out."""
    return actions.issue_batch(
        viewer=clerk, pot_id=pot.pk, place="Library", taken_by="Librarian", papers=papers
    )


def opened(clerk: Viewer, pot: Pot, voters: Sequence[Person], papers: int = 10) -> Batch:
    """Return a batch whose slips are all in, ready to be keyed."""
    batch = issued(clerk, pot, papers)
    actions.count_returned(
        viewer=clerk, batch_id=batch.pk, returned=len(voters), unused=papers - len(voters)
    )
    for person in voters:
        actions.check_in(viewer=clerk, batch_id=batch.pk, somebody=Somebody(person=person))
    return actions.open_batch(viewer=clerk, batch_id=batch.pk)


def marked(projects: Sequence[int], *, again: bool = False) -> actions.Reading:
    """Return what somebody reads on a paper with ticks."""
    return actions.Reading(Says.MARKED, Choice.of(list(projects)), as_marked=again)


def key(viewer: Viewer, batch: Batch, serial: int, reading: actions.Reading) -> str:
    """Key one paper; return where it stands then."""
    paper = actions.key_paper(
        viewer=replace(viewer), batch_id=batch.pk, serial=serial, reading=reading
    )
    return paper.outcome
