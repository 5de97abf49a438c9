"""Looking after the background jobs themselves."""

from datetime import UTC, datetime

from django.utils import timezone

from commonweal.kit import jobs


@jobs.periodic("jobs.take_up_abandoned", cron="* * * * *")
def take_up_abandoned(timestamp: int) -> None:
    """Every minute, queue again what a dead worker left half done."""
    jobs.take_up_abandoned(at=timezone.now())


@jobs.periodic("jobs.forget_succeeded", cron="43 3 * * *")
def forget_succeeded(timestamp: int) -> None:
    """Every night, delete jobs that succeeded long ago."""
    jobs.forget_succeeded(at=datetime.fromtimestamp(timestamp, tz=UTC))
