"""Papers of the example ballot: a batch that is being keyed, another that is out, and a kiosk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commonweal.decide.ballots.models import Roll
from commonweal.decide.ballots.rules import Choice
from commonweal.decide.budgets.models import Pot
from commonweal.decide.kiosks import actions as kiosks
from commonweal.decide.paper import actions as paper
from commonweal.decide.paper.models import Batch, Says, Why
from commonweal.decide.paper.queries import Somebody

if TYPE_CHECKING:
    from commonweal.web.demo import Borough

CAME_BACK = 12
NONE = paper.Reading(Says.NONE)
UNCLEAR = paper.Reading(Says.UNCLEAR)


def fill(borough: Borough, pot: Pot) -> None:
    """Take a batch as far as staff want to see it: some agreed, one that differs, some keyed once."""
    clerk, lead = (borough.examples[key] for key in ("delyth", "omar"))
    batch = paper.issue_batch(
        viewer=borough.viewer(clerk, -9), pot_id=pot.pk,
        place="Quayside library, front desk", taken_by="Librarian on duty", papers=40,
    )  # fmt: skip
    paper.issue_batch(
        viewer=borough.viewer(clerk, -4), pot_id=pot.pk,
        place="Old Town lunch club", taken_by="Whoever opens the hall", papers=25,
    )  # fmt: skip
    paper.count_returned(
        viewer=borough.viewer(clerk, -3), batch_id=batch.pk, returned=CAME_BACK, unused=26,
        note="Two were taken home and did not come back.",
    )  # fmt: skip
    _slips(borough, batch)
    paper.open_batch(viewer=borough.viewer(clerk, -2), batch_id=batch.pk)
    projects = list(pot.projects.order_by("pk").values_list("pk", flat=True))
    read = [
        paper.Reading(Says.MARKED, Choice.of(projects[n % 5 : n % 5 + 1 + n % 3]))
        for n in range(CAME_BACK)
    ]
    for serial, reading in enumerate([*read[:6], NONE, UNCLEAR, read[8], read[9]], start=3):
        viewer = borough.viewer(clerk, -1)
        paper.key_paper(viewer=viewer, batch_id=batch.pk, serial=serial, reading=reading)
    for serial, reading in enumerate([*read[:5], read[1], NONE, UNCLEAR], start=3):
        viewer = borough.viewer(lead, -0.9)
        paper.key_paper(viewer=viewer, batch_id=batch.pk, serial=serial, reading=reading)
    kiosks.approve_device(
        viewer=borough.viewer(clerk, -2), pot_id=pot.pk,
        place="Quayside library, beside the door", expires_at=pot.closes_at,
    )  # fmt: skip


def _slips(borough: Borough, batch: Batch) -> None:
    """Check in slips of people who have not voted yet; the last envelopes stay closed."""
    clerk = borough.examples["delyth"]
    voted = set(Roll.objects.filter(pot=batch.pot).values_list("person_id", flat=True))
    theirs = [person for person in borough.everyone if person.pk not in voted][: CAME_BACK - 2]
    for person in theirs:
        viewer = borough.viewer(clerk, -2.5)
        paper.check_in(viewer=viewer, batch_id=batch.pk, somebody=Somebody(person=person))
    for why in (Why.TWICE, Why.NO_SLIP):
        viewer = borough.viewer(clerk, -2.5)
        paper.set_aside(viewer=viewer, batch_id=batch.pk, why=why, before=0)
