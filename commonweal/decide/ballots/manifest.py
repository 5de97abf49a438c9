"""What voting announces to the rest of the site."""

from django.utils.translation import gettext_lazy as _

from commonweal.decide.ballots import actions, queries, rules
from commonweal.kit.manifest import Manifest, Panel, Personal

MANIFEST = Manifest(
    stage="decide",
    title=_("Vote"),
    start="budgets:list",
    panels=(
        Panel("budgets.Pot", rules.pot_panel, "ballots/panel_pot.html"),
        Panel("budgets.Pot.glance", queries.glance_panel, "ballots/panel_glance.html"),
        Panel("budgets.Pot.desk", queries.glance_panel, "ballots/panel_glance.html"),
        Panel("budgets.Project", rules.project_panel, "ballots/panel_project.html"),
        Panel("budgets.Project.card", rules.card_panel, "ballots/panel_card.html"),
        Panel("mine", queries.mine_panel, "ballots/panel_mine.html"),
    ),
    personal=(
        Personal(
            _(
                "That you voted in pots. It is removed. A ballot of a pot that is not counted yet is "
                "taken back; once it is counted nobody can tell which was yours, and it stays."
            ),
            export=queries.personal,
            erase=actions.leave_the_rolls,
        ),
    ),
)
