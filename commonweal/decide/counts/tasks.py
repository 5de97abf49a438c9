"""Pots are counted by themselves when their time has come."""

from commonweal.decide.counts import actions, queries
from commonweal.ground.people.models import Person
from commonweal.kit.clock import database_now
from commonweal.kit.jobs import job, later, periodic


@periodic("counts.look", cron="* * * * *")
def look(timestamp: int) -> None:
    """Queue what is due: counts, results to declare, and what comes after them."""
    at = database_now()
    for pot in queries.due_to_count(at):
        actions.count_later(pot_id=pot.pk)
    for pot in queries.due_to_declare(at):
        actions.declare_result(pot_id=pot.pk, at=at)
    for number in queries.due_to_explain(at).values_list("pk", flat=True):
        _one_by_one("counts.explain", number)
    for number in queries.due_to_verify().values_list("pot_id", flat=True):
        _one_by_one("counts.verify", number)
    for number in queries.due_to_tell(at).values_list("pot_id", flat=True):
        _one_by_one("counts.tell", number)


@periodic("counts.sweep", cron="*/10 * * * *")
def sweep(timestamp: int) -> None:
    """Sweep after a seal where that could not be done at once."""
    if queries.due_to_sweep().exists():
        actions.sweep_ballots(at=database_now())


def _one_by_one(task: str, pot_id: int) -> None:
    name = f"{task}-{pot_id}"
    later(task, lock=name, once=name, pot_id=pot_id)


@job("counts.count")
def count(pot_id: int, who: int | None = None) -> None:
    """Seal and count one pot; what of it is done already is not done again."""
    at = database_now()
    person = Person.objects.filter(pk=who).first() if who else None
    actions.seal_pot(pot_id=pot_id, at=at, who=person)
    if actions.part_ballots(pot_id=pot_id):
        actions.sweep_ballots(at=at)
    actions.count_sealed_pot(pot_id=pot_id, at=at)
    look(timestamp=0)


@job("counts.explain")
def explain(pot_id: int) -> None:
    """Work out one more project's line, and queue the next: other jobs have their turn between."""
    if actions.explain_next(pot_id=pot_id):
        _one_by_one("counts.explain", pot_id)


@job("counts.verify")
def verify(pot_id: int) -> None:
    """Count a published bundle again, as anybody could."""
    actions.verify_published(pot_id=pot_id, at=database_now())


@job("counts.tell")
def tell(pot_id: int) -> None:
    """Write to the next people who voted; others have their turn between."""
    if actions.tell_voters(pot_id=pot_id, at=database_now()):
        _one_by_one("counts.tell", pot_id)
