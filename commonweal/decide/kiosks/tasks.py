"""Whom staff let in at a kiosk is forgotten by the clock."""

from commonweal.decide.kiosks import actions
from commonweal.kit.clock import database_now
from commonweal.kit.jobs import periodic


@periodic("kiosks.forget", cron="*/10 * * * *")
def forget(timestamp: int) -> None:
    """Forget whom staff let in and who never began."""
    actions.forget_tickets(at=database_now())
