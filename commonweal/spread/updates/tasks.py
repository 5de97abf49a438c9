"""Telling followers, voters and signers, by the clock."""

from smtplib import SMTPRecipientsRefused

from django.utils import timezone

from commonweal.kit.jobs import job, later, periodic
from commonweal.spread.updates import actions, queries


@periodic("updates.look_for_news", cron="*/5 * * * *")
def look_for_news(timestamp: int) -> None:
    """Note what moved on for everybody it concerns, and set those off who write the mails."""
    at = timezone.now()
    actions.note_news(at=at)
    for lane in range(queries.LANES):
        if queries.some_to_tell(lane=lane, after=0, at=at):
            _go_on(lane, 0)


@job("updates.tell_some")
def tell_some(lane: int, after: int) -> None:
    """Send the next people of a lane what waits for them, and leave the rest to another job.

    An address that is refused keeps nobody else waiting; where the mail server is away, all wait.
    """
    people = queries.some_to_tell(lane=lane, after=after, at=timezone.now())
    refused = None
    for number in people:
        try:
            actions.tell(person_id=number, at=timezone.now())
        except SMTPRecipientsRefused as error:
            refused = error
    if len(people) == queries.AT_ONCE:
        _go_on(lane, people[-1])
    if refused is not None:
        raise refused


def _go_on(lane: int, after: int) -> None:
    name = f"updates.tell_some.{lane}"
    later("updates.tell_some", lock=name, once=name, lane=lane, after=after)
