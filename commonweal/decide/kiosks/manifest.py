"""What kiosks announce to the rest of the site."""

from django.utils.translation import gettext_lazy as _

from commonweal.decide.kiosks import queries
from commonweal.kit.manifest import Event, Manifest, Panel

MANIFEST = Manifest(
    stage="decide",
    title=_("Vote at a kiosk"),
    start="budgets:list",
    journal=(
        Event("kiosk.approved", _("A kiosk may be voted at for “%(title)s”"), "budgets.Pot"),
        Event(
            "kiosk.revoked", _("A kiosk may no longer be voted at for “%(title)s”"), "budgets.Pot"
        ),
    ),
    panels=(Panel("paper.Batches", queries.batches_panel, "kiosks/panel_batches.html"),),
)
