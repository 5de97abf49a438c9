"""Conversations open and close by themselves when their time has come; the journal tells it."""

from commonweal.kit.clock import database_now
from commonweal.kit.jobs import job, periodic
from commonweal.listen.conversations import actions, queries


@periodic("conversations.look", cron="* * * * *")
def look(timestamp: int) -> None:
    """Tell of conversations that have opened, and of those that have closed."""
    at = database_now()
    for conversation in queries.due_to_open(at):
        actions.tell_opening(conversation_id=conversation.pk, at=at)
    for conversation in queries.due_to_close(at):
        actions.tell_close(conversation_id=conversation.pk, at=at)


@job("conversations.tell_withdrawn")
def tell_withdrawn(conversation_id: int, after: int = 0) -> None:
    """Write to some of those who took part that a conversation was withdrawn, then to the next."""
    actions.tell_withdrawn(conversation_id=conversation_id, after=after, at=database_now())
