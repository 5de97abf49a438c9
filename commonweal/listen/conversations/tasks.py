"""Conversations open and close by themselves when their time has come; the journal tells it."""

from commonweal.kit.clock import database_now
from commonweal.kit.jobs import periodic
from commonweal.listen.conversations import actions, queries


@periodic("conversations.look", cron="* * * * *")
def look(timestamp: int) -> None:
    """Tell of conversations that have opened, and of those that have closed."""
    at = database_now()
    for conversation in queries.due_to_open(at):
        actions.tell_opening(conversation_id=conversation.pk, at=at)
    for conversation in queries.due_to_close(at):
        actions.tell_close(conversation_id=conversation.pk, at=at)
