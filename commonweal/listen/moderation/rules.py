"""Who may read the queue, decide, and object."""

from __future__ import annotations

from datetime import datetime

from commonweal.ground.places import rules as places
from commonweal.ground.places.rules import Viewer
from commonweal.listen.conversations.models import (
    Conversation,
    Participant,
    State,
    Statement,
)
from commonweal.listen.moderation.models import Appeal

MOST_TRIES = 3  # so often at most a statement is decided about: then its words stay as they are


def may_moderate(viewer: Viewer, conversation: Conversation) -> bool:
    """Tell whether the viewer may decide what stands in this conversation."""
    return conversation.authority_id == viewer.authority.pk and places.may_moderate(
        viewer, conversation.community
    )


def may_promise(viewer: Viewer, conversation: Conversation) -> bool:
    """Tell whether the viewer may say within how many days somebody reads what is added."""
    return conversation.authority_id == viewer.authority.pk and (
        places.may_moderate(viewer, conversation.community)
        or places.may_lead(viewer, conversation.community)
    )


def is_author(participant: Participant | None, statement: Statement) -> bool:
    """Tell whether somebody who takes part wrote this statement."""
    return participant is not None and statement.author_id == participant.pk


def wrote(viewer: Viewer, statement: Statement) -> bool:
    """Tell whether the viewer's own account wrote it: nobody decides about their own words."""
    author = statement.author
    return viewer.person is not None and author is not None and author.person_id == viewer.person.pk


def may_settle(viewer: Viewer, appeal: Appeal) -> bool:
    """Tell whether the viewer may settle an appeal: not who decided, and not its author."""
    return (
        viewer.person is not None
        and may_moderate(viewer, appeal.statement.conversation)
        and appeal.decision.decided_by_id != viewer.person.pk
        and not wrote(viewer, appeal.statement)
    )


def may_change(statement: Statement, at: datetime) -> bool:
    """Tell whether its author may still change the words; it knows whether ``others`` voted on it."""
    if statement.state not in (State.WAITING, State.REJECTED) or statement.others:  # type: ignore[attr-defined]
        return False
    if not statement.conversation.is_open(at) or getattr(statement, "appeal", None) is not None:
        return False
    return len([row for row in statement.decisions.all() if row.stands]) < MOST_TRIES


def may_object(statement: Statement) -> bool:
    """Tell whether something stands against a statement, and nobody has objected yet."""
    stands = statement.state in (State.REJECTED, State.MERGED)
    return stands and getattr(statement, "appeal", None) is None
