"""Who may set up a conversation, run it, answer what is said and see what is hidden."""

from __future__ import annotations

from commonweal.ground.places import rules as places
from commonweal.ground.places.models import Community
from commonweal.ground.places.rules import Viewer, may_lead
from commonweal.listen.conversations.models import Conversation, State, Statement


def may_set_up(viewer: Viewer, community: Community) -> bool:
    """Tell whether the viewer may begin a conversation with the people of this community."""
    return viewer.person is not None and may_lead(viewer, community)


def may_run(viewer: Viewer, conversation: Conversation) -> bool:
    """Tell whether the viewer may change this conversation, and answer what is said in it."""
    at_home = conversation.authority_id == viewer.authority.pk
    return at_home and may_lead(viewer, conversation.community)


def may_moderate(viewer: Viewer, conversation: Conversation) -> bool:
    """Tell whether the viewer may read what is not shown."""
    at_home = conversation.authority_id == viewer.authority.pk
    return at_home and places.may_moderate(viewer, conversation.community)


def wrote(viewer: Viewer, statement: Statement) -> bool:
    """Tell whether the viewer wrote this, with the account they are signed in with."""
    return (
        viewer.person is not None
        and statement.author is not None
        and statement.author.person_id == viewer.person.pk
    )


def may_read(viewer: Viewer, conversation: Conversation, statement: Statement) -> bool:
    """Tell whether the viewer may read the words of a statement: what is not shown, few may."""
    return (
        statement.state in (State.SHOWN, State.MERGED)
        or wrote(viewer, statement)
        or (viewer.has_second_factor and may_moderate(viewer, conversation))
    )
