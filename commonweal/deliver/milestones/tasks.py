"""Records begin by themselves, and those who fall silent are reminded."""

from django.utils import timezone

from commonweal.deliver.milestones import actions, queries
from commonweal.kit.jobs import job, later, periodic


@periodic("milestones.start", cron="* * * * *")
def start(timestamp: int) -> None:
    """Begin a record for whatever was funded."""
    actions.start_records(at=timezone.now())


@periodic("milestones.remind", cron="20 8 * * *")
def remind(timestamp: int) -> None:
    """Write the reminders that are due, and queue each letter."""
    actions.write_reminders(at=timezone.now())
    for number in queries.letters_to_send().values_list("pk", flat=True).iterator():
        later("milestones.send", once=f"milestones.send.{number}", number=number)


@job("milestones.send")
def send(number: int) -> None:
    """Send one reminder; if it has been sent, nothing happens."""
    actions.send_reminder(reminder_id=number, at=timezone.now())
