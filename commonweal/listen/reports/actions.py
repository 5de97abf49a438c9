"""Handing out what is in a conversation."""

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _

from commonweal.ground.journal.actions import record
from commonweal.ground.places.rules import Viewer
from commonweal.listen.conversations.models import Conversation
from commonweal.listen.reports import queries, rules


@transaction.atomic
def hand_out(*, viewer: Viewer, conversation: Conversation) -> queries.Export:
    """Return the votes as they may be taken away, and note in the journal that somebody did."""
    if not rules.may_export(viewer, conversation):
        raise PermissionDenied(_("Only those who run this conversation may take its votes away."))
    export = queries.export_of(conversation)
    record(
        what="conversation.exported",
        who=viewer.person,
        about=conversation,
        at=viewer.at,
        public=True,
        facts={"votes": len(export.value)},
    )
    return export
