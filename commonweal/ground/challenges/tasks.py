"""What happens to challenges by the clock."""

from django.utils import timezone

from commonweal.ground.challenges import actions
from commonweal.kit.jobs import periodic


@periodic("challenges.open_stages", cron="*/5 * * * *")
def open_stages(timestamp: int) -> None:
    """Journal the stages that have opened since the last look."""
    actions.open_stages(at=timezone.now())
