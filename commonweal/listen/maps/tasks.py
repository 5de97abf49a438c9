"""Maps are worked out by themselves, soon after people have voted."""

from commonweal.kit.clock import database_now
from commonweal.kit.jobs import job, later, periodic
from commonweal.listen.maps import actions, queries


@periodic("maps.look", cron="* * * * * */15")
def look(timestamp: int) -> None:
    """Four times a minute, queue the maps that are due."""
    at = database_now()
    for conversation in queries.looked_after(at):
        before = queries.map_of(conversation.pk)
        if queries.reason_to_draw(conversation, before, at):
            name = f"maps.refresh-{conversation.pk}"
            later("maps.refresh", lock=name, once=name, conversation_id=conversation.pk)


@job("maps.refresh")
def refresh(conversation_id: int) -> None:
    """Work one map out, if it is still due."""
    actions.refresh_map(conversation_id=conversation_id, at=database_now())
