"""Pots open and are counted by themselves when their time has come."""

from django.utils import timezone

from commonweal.decide.budgets import actions, queries
from commonweal.kit.jobs import job, later, periodic


@periodic("budgets.look", cron="* * * * *")
def look(timestamp: int) -> None:
    """Tell of pots that have opened, and queue what is due: counts, and what they left unexplained."""
    at = timezone.now()
    for pot in queries.due_to_open(at):
        actions.tell_opening(pot_id=pot.pk, at=at)
    for pot in queries.due_to_count(at):
        later("budgets.count", once=f"budgets.count-{pot.pk}", pot_id=pot.pk)
    for number in queries.due_to_explain(at).values_list("pk", flat=True):
        _explain_later(number)


@job("budgets.count")
def count(pot_id: int) -> None:
    """Count one pot; if it has been counted, nothing happens."""
    actions.count_closed_pot(pot_id=pot_id, at=timezone.now())


@job("budgets.explain")
def explain(pot_id: int) -> None:
    """Work out one more project's line, and queue the next: other jobs have their turn between."""
    if actions.explain_next(pot_id=pot_id):
        _explain_later(pot_id)


def _explain_later(pot_id: int) -> None:
    name = f"budgets.explain-{pot_id}"
    later("budgets.explain", lock=name, once=name, pot_id=pot_id)
