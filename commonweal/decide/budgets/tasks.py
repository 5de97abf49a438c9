"""Pots open and are counted by themselves when their time has come."""

from django.utils import timezone

from commonweal.decide.budgets import actions, queries
from commonweal.kit.jobs import job, later, periodic


@periodic("budgets.look", cron="* * * * *")
def look(timestamp: int) -> None:
    """Tell of pots that have opened, and queue the count of those that have closed."""
    at = timezone.now()
    for pot in queries.due_to_open(at):
        actions.tell_opening(pot_id=pot.pk, at=at)
    for pot in queries.due_to_count(at):
        later("budgets.count", once=f"budgets.count-{pot.pk}", pot_id=pot.pk)


@job("budgets.count")
def count(pot_id: int) -> None:
    """Count one pot; if it has been counted, nothing happens."""
    actions.count_closed_pot(pot_id=pot_id, at=timezone.now())
