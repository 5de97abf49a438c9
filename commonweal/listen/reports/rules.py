"""Who may have what of a conversation."""

from commonweal.ground.places.rules import Viewer, may_lead
from commonweal.listen.conversations.models import Conversation
from commonweal.listen.reports.models import Report


def may_export(viewer: Viewer, conversation: Conversation) -> bool:
    """Tell whether the viewer may take the votes away, without names and small numbers."""
    return may_lead(viewer, conversation.community)


def may_write(viewer: Viewer, conversation: Conversation) -> bool:
    """Tell whether the viewer writes the report on it."""
    return may_lead(viewer, conversation.community)


def may_read(viewer: Viewer, conversation: Conversation, report: Report | None) -> bool:
    """Tell whether the viewer may read the report: everybody once it is public."""
    is_public = report is not None and report.published_at is not None
    return is_public or may_write(viewer, conversation)
