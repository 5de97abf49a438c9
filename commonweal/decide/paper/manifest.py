"""What papers and calls announce to the rest of the site."""

from django.utils.translation import gettext_lazy as _

from commonweal.decide.paper import queries
from commonweal.kit.manifest import Event, Manifest, Panel

MANIFEST = Manifest(
    stage="decide",
    title=_("Vote on paper"),
    start="budgets:list",
    journal=(
        Event("batch.issued", _("%(papers)s papers went out for “%(title)s”"), "budgets.Pot"),
        Event(
            "batch.returned",
            _("Papers came back for “%(title)s”: %(returned)s to be counted, %(unused)s unused"),
            "budgets.Pot",
        ),
        Event(
            "batch.accepted",
            _(
                "Papers went into the box of “%(title)s”: %(counted)s. Not countable: %(spoiled)s."
                " Set aside: %(aside)s"
            ),
            "budgets.Pot",
        ),
        Event(
            "batch.lost",
            _("A batch of %(papers)s papers for “%(title)s” was declared lost"),
            "budgets.Pot",
        ),
        Event(
            "ballot.gave_way",
            _("A ballot cast on-line in “%(title)s” gave way to a paper, as the pot’s rule says"),
            "budgets.Pot",
        ),
    ),
    panels=(
        Panel("budgets.Pot", queries.pot_panel, "paper/panel_pot.html"),
        Panel("budgets.Pot.desk", queries.desk_panel, "paper/panel_desk.html"),
    ),
)
