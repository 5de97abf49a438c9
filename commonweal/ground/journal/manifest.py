"""What the journal announces."""

from django.utils.translation import gettext_lazy as _

from commonweal.ground.journal import actions, queries
from commonweal.kit.manifest import Manifest, Panel, Personal

MANIFEST = Manifest(
    stage="spread",
    title=_("Records"),
    start="journal:records",
    panels=(Panel("desk", queries.panel_desk, "journal/panel_desk.html"),),
    personal=(
        Personal(
            title=_("What you did in the record of decisions: it stays, without your name"),
            export=queries.personal,
            erase=actions.let_stand,
        ),
    ),
)
