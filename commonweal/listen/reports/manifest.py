"""What reports announce to the rest of the site."""

from django.utils.translation import gettext_lazy as _

from commonweal.kit.manifest import Event, Manifest, Panel
from commonweal.listen.maps.queries import on_conversation
from commonweal.listen.reports import queries

ABOUT = "conversations.Conversation"

MANIFEST = Manifest(
    stage="listen",
    title=_("What a conversation found"),
    start="conversations:list",
    journal=(
        Event(
            "conversation.exported",
            _("Staff took the votes on “%(title)s” away as a file, without names"),
            ABOUT,
        ),
        Event("report.written", _("Staff wrote words for the report on “%(title)s”"), ABOUT),
        Event("report.published", _("The report on “%(title)s” is public"), ABOUT, follow=True),
        Event("report.changed", _("The words of the report on “%(title)s” were changed"), ABOUT),
        Event("report.taken_back", _("The report on “%(title)s” was taken back"), ABOUT),
    ),
    panels=(
        Panel("conversations.Conversation", queries.panel, "reports/panel.html"),
        Panel("reports.Embed", on_conversation, "reports/embed_map.html"),
        Panel("maps.Map", queries.panel_map, "reports/panel_map.html"),
    ),
)
