"""Background jobs: what the clock brings, and mail to authors."""

from django.utils import timezone

from commonweal.kit.jobs import job, periodic
from commonweal.propose.appraisals import actions, queries


@periodic("appraisals.look", cron="*/5 * * * *")
def look(timestamp: int) -> None:
    """Let stand what nobody appealed in time, and remind those who have two days left."""
    now = timezone.now()
    for number in queries.due(now):
        actions.settle_when_due(appraisal_id=number, at=now)
    for number in queries.to_remind(now):
        actions.remind(appraisal_id=number, at=now)


@job("appraisals.tell")
def tell(appraisal_id: int, person_id: int, what: str) -> None:
    """Write to one author."""
    actions.tell(appraisal_id=appraisal_id, person_id=person_id, what=what, at=timezone.now())
