"""What budgets announce to the rest of the site."""

from django.utils.translation import gettext_lazy as _

from commonweal.decide.budgets import actions, queries
from commonweal.kit.manifest import Event, Manifest, Panel, Personal, Table

MANIFEST = Manifest(
    stage="decide",
    title=_("Share out a pot"),
    start="budgets:list",
    journal=(
        Event("pot.created", _("Money is set aside to share out: “%(title)s”"), "budgets.Pot"),
        Event("pot.changed", _("A pot changed before it opened: “%(title)s”"), "budgets.Pot"),
        Event("pot.opened", _("Voting opened: “%(title)s”"), "budgets.Pot", follow=True),
        Event(
            "pot.counted",
            _("Votes counted: “%(title)s”. Ideas funded: %(funded)s of %(projects)s"),
            "budgets.Pot",
            follow=True,
        ),
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
        Panel("mine", queries.mine_panel, "budgets/panel_mine.html"),
        Panel("desk", queries.desk_panel, "budgets/panel_desk.html"),
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
    tables=(Table("pots", queries.public_pots), Table("projects", queries.public_projects)),
)
