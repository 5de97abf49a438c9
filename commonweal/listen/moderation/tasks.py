"""Background jobs: telling authors, reminding moderators, and looking at texts and votes."""

from django.utils import timezone

from commonweal.kit.jobs import job, later, periodic
from commonweal.listen.moderation import actions, queries


@job("moderation.tell")
def tell(batch: str) -> None:
    """Write to the authors of what was decided together."""
    actions.tell(batch=batch, at=timezone.now())


@job("moderation.tell_undone")
def tell_undone(batch: str) -> None:
    """Write to those who had a mail about a decision that was taken back."""
    actions.tell_undone(batch=batch, at=timezone.now())


@job("moderation.tell_suggested")
def tell_suggested(suggestion_id: int) -> None:
    """Write to an author that a cleaner text is suggested."""
    actions.tell_suggested(suggestion_id=suggestion_id, at=timezone.now())


@job("moderation.tell_settled")
def tell_settled(appeal_id: int) -> None:
    """Write to an author what came of their objection."""
    actions.tell_settled(appeal_id=appeal_id, at=timezone.now())


@periodic("moderation.remind", cron="7 8-18 * * 1-5")
def remind(timestamp: int) -> None:
    """In working hours, write the reminders that are due, and queue each letter."""
    actions.write_reminders(at=timezone.now())
    for number in queries.letters_to_send().values_list("pk", flat=True).iterator():
        later("moderation.send", once=f"moderation.send.{number}", number=number)


@job("moderation.send")
def send(number: int) -> None:
    """Send one reminder; if it has been sent, nothing happens."""
    actions.send_reminder(reminder_id=number, at=timezone.now())


@periodic("moderation.look_around", cron="*/10 * * * *")
def look_around(timestamp: int) -> None:
    """Queue a look at each conversation in which something happened since the last one."""
    at = timezone.now()
    for number in queries.to_compare(at):
        later("moderation.compare", once=f"moderation.compare.{number}", conversation_id=number)
    for number in queries.to_look_at(at):
        later("moderation.look", once=f"moderation.look.{number}", conversation_id=number)


@job("moderation.compare")
def compare(conversation_id: int) -> None:
    """Compare the texts of a conversation's statements."""
    actions.compare(conversation_id=conversation_id, at=timezone.now())


@job("moderation.look")
def look(conversation_id: int) -> None:
    """Look for accounts that act as one."""
    actions.look(conversation_id=conversation_id, at=timezone.now())
