"""Background jobs: whoever said something hears what came of it."""

from django.utils import timezone

from commonweal.kit.jobs import job, later, periodic
from commonweal.propose.origins import actions, queries


@periodic("origins.look", cron="*/5 * * * *")
def look(timestamp: int) -> None:
    """Queue a mail for each statement of which something came."""
    for number in queries.to_tell().values_list("pk", flat=True).iterator():
        later("origins.tell", once=f"origins.tell.{number}", number=number)
    for number in queries.funded_to_tell().values_list("pk", flat=True).iterator():
        later("origins.tell_funded", once=f"origins.tell_funded.{number}", number=number)


@job("origins.tell")
def tell(number: int) -> None:
    """Tell that something came of it; if that is told, nothing happens."""
    actions.tell(origin_id=number, at=timezone.now())


@job("origins.tell_funded")
def tell_funded(number: int) -> None:
    """Tell that it is funded; if that is told, nothing happens."""
    actions.tell_funded(origin_id=number, at=timezone.now())
