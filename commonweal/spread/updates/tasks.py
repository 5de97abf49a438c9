"""Telling followers, by the clock."""

from django.utils import timezone

from commonweal.kit.jobs import job, later, periodic
from commonweal.spread.updates import actions, queries


@periodic("updates.look_for_news", cron="*/5 * * * *")
def look_for_news(timestamp: int) -> None:
    """Note what moved on, and queue a mail for each person it concerns."""
    actions.note_news(at=timezone.now())
    for number in queries.people_to_tell().values_list("pk", flat=True).iterator():
        later("updates.tell", once=f"updates.tell.{number}", person_id=number)


@job("updates.tell")
def tell(person_id: int) -> None:
    """Send one person what waits for them, if it is time."""
    actions.tell(person_id=person_id, at=timezone.now())
