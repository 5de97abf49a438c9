"""Who may make an idea, or a challenge, of a statement."""

from commonweal.ground.places import rules as places
from commonweal.ground.places.rules import Viewer
from commonweal.listen.conversations.models import Conversation, Statement
from commonweal.propose.origins import queries


def may_make_challenge(viewer: Viewer, statement: Statement, conversation: Conversation) -> bool:
    """Tell whether the viewer leads the place, and the statement has no challenge to go to yet."""
    return (
        conversation.authority_id == viewer.authority.pk
        and queries.could_become_challenge(statement, conversation)
        and places.may_lead(viewer, conversation.community)
    )
