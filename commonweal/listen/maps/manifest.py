"""What maps announce to the rest of the site."""

from django.utils.translation import gettext_lazy as _

from commonweal.kit.manifest import Manifest, Panel
from commonweal.listen.maps import queries

MANIFEST = Manifest(
    stage="listen",
    title=_("The map of opinion"),
    start="conversations:list",
    panels=(
        Panel(
            "conversations.Conversation", queries.on_conversation, "maps/panel_conversation.html"
        ),
        Panel("conversations.Statement", queries.on_statement, "maps/panel_statement.html"),
    ),
)
