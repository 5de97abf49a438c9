"""What budgets announce to the rest of the site."""

from django.utils.translation import gettext_lazy as _

from commonweal.decide.budgets import queries
from commonweal.kit.manifest import Event, Manifest, Panel, Table

MANIFEST = Manifest(
    stage="decide",
    title=_("Share out a pot"),
    start="budgets:list",
    journal=(
        Event("pot.created", _("Money is set aside to share out: “%(title)s”"), "budgets.Pot"),
        Event("pot.changed", _("A pot changed before it opened: “%(title)s”"), "budgets.Pot"),
        Event("pot.opened", _("Voting opened: “%(title)s”"), "budgets.Pot", follow=True),
        Event("project.added", _("On the ballot: “%(title)s”"), "budgets.Project"),
        Event("project.changed", _("Changed on the ballot: “%(title)s”"), "budgets.Project"),
        Event(
            "project.removed", _("An idea was taken off the ballot of “%(title)s”"), "budgets.Pot"
        ),
    ),
    panels=(
        Panel("home", queries.home_panel, "budgets/panel_home.html"),
        Panel("challenges.Challenge", queries.challenge_panel, "budgets/panel_challenge.html"),
        Panel(
            "challenges.Challenge.more",
            queries.challenge_more_panel,
            "budgets/panel_challenge_more.html",
        ),
        Panel("proposals.Proposal", queries.proposal_panel, "budgets/panel_proposal.html"),
        Panel("desk", queries.desk_panel, "budgets/panel_desk.html"),
    ),
    tables=(Table("pots", queries.public_pots), Table("projects", queries.public_projects)),
)
