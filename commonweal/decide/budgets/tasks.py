"""Pots become public and open by themselves when their time has come; authors hear of it."""

from commonweal.decide.budgets import actions, queries
from commonweal.kit.clock import database_now
from commonweal.kit.jobs import job, periodic


@periodic("budgets.look", cron="* * * * *")
def look(timestamp: int) -> None:
    """Tell of pots whose embargo has ended, and of those that have opened."""
    at = database_now()
    for pot in queries.due_to_be_told(at):
        actions.tell_publication(pot_id=pot.pk, at=at)
    for pot in queries.due_to_open(at):
        actions.tell_opening(pot_id=pot.pk, at=at)


@job("budgets.tell_authors")
def tell_authors(pot_id: int, after: int = 0) -> None:
    """Take up some of the ideas whose authors hear what became of them."""
    actions.tell_authors(pot_id=pot_id, after=after)


@job("budgets.tell_author")
def tell_author(pot_id: int, proposal_id: int) -> None:
    """Write to the authors of one idea."""
    actions.tell_author(pot_id=pot_id, proposal_id=proposal_id, at=database_now())
