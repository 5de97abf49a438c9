"""Background jobs."""

from datetime import UTC, datetime

from commonweal.ground.people import actions
from commonweal.kit.jobs import periodic


@periodic("people.forget_old_sessions", cron="17 3 * * *")
def forget_old_sessions(timestamp: int) -> None:
    """Every night, forget the sessions that have run out."""
    actions.forget_old_sessions(at=datetime.fromtimestamp(timestamp, tz=UTC))
