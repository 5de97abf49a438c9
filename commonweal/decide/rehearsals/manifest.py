"""What rehearsals announce to the rest of the site."""

from django.utils.translation import gettext_lazy as _

from commonweal.decide.rehearsals import queries
from commonweal.kit.manifest import Manifest, Panel

MANIFEST = Manifest(
    stage="decide",
    title=_("What each way of counting would do"),
    start="budgets:list",
    panels=(Panel("budgets.Pot.rules", queries.panel, "rehearsals/panel.html"),),
)
