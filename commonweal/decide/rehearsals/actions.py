"""Asking what each way of counting would do, and working it out."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _

from commonweal.decide.budgets import rules
from commonweal.decide.budgets.actions import PotHasOpened
from commonweal.decide.budgets.models import Pot
from commonweal.decide.rehearsals import queries
from commonweal.decide.rehearsals.models import Rehearsal
from commonweal.ground.places.rules import Viewer
from commonweal.kit.jobs import later


class NoSuchVotes(Exception):
    """With the votes of that pot nothing may be compared."""


def ask(*, viewer: Viewer, pot_id: int, past_id: int | None) -> Rehearsal:
    """Ask what each rule would do with the votes of an earlier pot, or with made-up ones.

    A few votes are counted at once; more are counted by a job, and nothing is held meanwhile.
    """
    asked = _keep(viewer, pot_id, past_id)
    if queries.is_quick(asked.past):
        work_out(pot_id=pot_id, at=viewer.at)
    return Rehearsal.objects.get(pot=pot_id)


@transaction.atomic
def _keep(viewer: Viewer, pot_id: int, past_id: int | None) -> Rehearsal:
    pot = Pot.objects.select_for_update(of=("self",)).get(pk=pot_id, authority=viewer.authority)
    if viewer.person is None or not rules.may_run(viewer, pot):
        raise PermissionDenied(_("Only those who run this pot may do this."))
    if pot.withdrawn_at is not None or (not pot.is_draft and viewer.at >= pot.opens_at):
        raise PotHasOpened
    past = None
    if past_id is not None:
        past = queries.past_pots(viewer, pot).filter(pk=past_id).first()
        if past is None:
            raise NoSuchVotes
    new = {"past": past, "asked_at": viewer.at, "asked_by": viewer.person}
    asked, _made = Rehearsal.objects.update_or_create(
        pot=pot,
        defaults={**new, "authority": viewer.authority, "done_at": None, "result": None},
    )
    if not queries.is_quick(past):
        name = f"rehearsals.work_out-{pot_id}"
        later("rehearsals.work_out", lock=name, once=name, pot_id=pot_id)
    return asked


def work_out(*, pot_id: int, at: datetime) -> bool:
    """Count by each rule and keep what came of it; tell whether it was what was last asked for."""
    asked = Rehearsal.objects.select_related("pot", "past").get(pot=pot_id)
    if asked.result is not None:
        return False
    found = queries.compared(asked.pot, asked.past)
    same = Rehearsal.objects.filter(pk=asked.pk, asked_at=asked.asked_at, result__isnull=True)
    return same.update(result=found, done_at=at) == 1
