"""Pots are counted by themselves when their time has come."""

from commonweal.decide.counts import actions, queries
from commonweal.kit.clock import database_now
from commonweal.kit.jobs import job, later, periodic


@periodic("counts.look", cron="* * * * *")
def look(timestamp: int) -> None:
    """Queue what is due: counts, results to declare, and what they left unexplained."""
    at = database_now()
    for pot in queries.due_to_count(at):
        later("counts.count", once=f"counts.count-{pot.pk}", pot_id=pot.pk)
    for pot in queries.due_to_declare(at):
        actions.declare_result(pot_id=pot.pk, at=at)
    for number in queries.due_to_explain(at).values_list("pk", flat=True):
        _explain_later(number)


@job("counts.count")
def count(pot_id: int) -> None:
    """Count one pot; if it has been counted, nothing happens."""
    actions.count_closed_pot(pot_id=pot_id, at=database_now())


@job("counts.explain")
def explain(pot_id: int) -> None:
    """Work out one more project's line, and queue the next: other jobs have their turn between."""
    if actions.explain_next(pot_id=pot_id):
        _explain_later(pot_id)


def _explain_later(pot_id: int) -> None:
    name = f"counts.explain-{pot_id}"
    later("counts.explain", lock=name, once=name, pot_id=pot_id)
