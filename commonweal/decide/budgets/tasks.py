"""Pots become public and open by themselves when their time has come."""

from commonweal.decide.budgets import actions, queries
from commonweal.kit.clock import database_now
from commonweal.kit.jobs import periodic


@periodic("budgets.look", cron="* * * * *")
def look(timestamp: int) -> None:
    """Tell of pots whose embargo has ended, and of those that have opened."""
    at = database_now()
    for pot in queries.due_to_be_told(at):
        actions.tell_publication(pot_id=pot.pk, at=at)
    for pot in queries.due_to_open(at):
        actions.tell_opening(pot_id=pot.pk, at=at)
