"""Who may have what of a conversation."""

from commonweal.ground.places.rules import Viewer, may_lead
from commonweal.listen.conversations.models import Conversation


def may_export(viewer: Viewer, conversation: Conversation) -> bool:
    """Tell whether the viewer may take the votes away, without names and small numbers."""
    return may_lead(viewer, conversation.community)
