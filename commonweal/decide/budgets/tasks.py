"""Pots open by themselves when their time has come."""

from commonweal.decide.budgets import actions, queries
from commonweal.kit.clock import database_now
from commonweal.kit.jobs import periodic


@periodic("budgets.look", cron="* * * * *")
def look(timestamp: int) -> None:
    """Tell of pots that have opened."""
    at = database_now()
    for pot in queries.due_to_open(at):
        actions.tell_opening(pot_id=pot.pk, at=at)
