"""What registers and voting codes announce to the rest of the site."""

from django.utils.translation import gettext_lazy as _

from commonweal.decide.registers import actions, queries
from commonweal.kit.manifest import Event, Manifest, Panel, Personal

REGISTER = "registers.Register"
POT = "budgets.Pot"

MANIFEST = Manifest(
    stage="decide",
    title=_("Voting codes"),
    start="registers:enter",
    journal=(
        Event("register.uploaded", _("People in “%(title)s”, kept as hashes: %(count)s"), REGISTER),
        Event(
            "register.renewed", _("“%(title)s” was renewed. People in it now: %(count)s"), REGISTER
        ),
        Event("register.deleted", _("“%(title)s” was deleted: its key is destroyed"), REGISTER),
        Event("register.matched", _("Someone was found in “%(title)s”"), REGISTER),
        Event("register.released", _("A wrong match in “%(title)s” was undone"), REGISTER),
        Event("codes.made", _("Voting codes made for “%(title)s”: %(count)s"), POT),
        Event("codes.cancelled", _("Voting codes cancelled for “%(title)s”: %(count)s"), POT),
    ),
    panels=(
        Panel("budgets.Pot", queries.pot_panel, "registers/panel_pot.html"),
        Panel("budgets.Pot.desk", queries.pot_desk_panel, "registers/panel_pot_desk.html"),
        Panel("counts.Result", queries.result_panel, "registers/panel_result.html"),
        Panel("places.Community", queries.community_panel, "registers/panel_community.html"),
        Panel("desk", queries.desk_panel, "registers/panel_desk.html"),
    ),
    personal=(
        Personal(
            _("In which register you were found. Your entry there is free again."),
            queries.personal,
            actions.let_go,
        ),
    ),
)
