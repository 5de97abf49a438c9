"""What the record of deliveries announces to the rest of the site."""

from django.utils.translation import gettext_lazy as _

from commonweal.deliver.milestones import actions, queries
from commonweal.kit.manifest import Event, Manifest, Panel, Personal, Table

DELIVERY = "milestones.Delivery"

MANIFEST = Manifest(
    stage="deliver",
    title=_("What became of it"),
    start="milestones:list",
    journal=(
        Event("delivery.planned", _("Planned again: “%(title)s”"), DELIVERY, follow=True),
        Event("delivery.started", _("Work is under way: “%(title)s”"), DELIVERY, follow=True),
        Event("delivery.delayed", _("It takes longer: “%(title)s”"), DELIVERY, follow=True),
        Event("delivery.done", _("Done: “%(title)s”"), DELIVERY, follow=True),
        Event("delivery.stopped", _("Stopped: “%(title)s”"), DELIVERY, follow=True),
        Event("delivery.told", _("How it goes with “%(title)s”"), DELIVERY),
        Event("delivery.who_named", _("Who runs “%(title)s” was written down"), DELIVERY),
        Event("delivery.milestone_planned", _("A milestone was planned: “%(title)s”"), DELIVERY),
        Event("delivery.milestone_changed", _("A milestone changed: “%(title)s”"), DELIVERY),
        Event(
            "delivery.milestone_moved",
            _("A milestone takes longer: “%(title)s”"),
            DELIVERY,
            follow=True,
        ),
        Event(
            "delivery.milestone_dropped",
            _("A milestone will not come: “%(title)s”"),
            DELIVERY,
            follow=True,
        ),
        Event(
            "delivery.milestone_reached",
            _(
                "A milestone is reached: “%(title)s”. Spent so far: %(spent_pence)s of %(cost_pence)s"
            ),
            DELIVERY,
            follow=True,
        ),
        Event("delivery.measured", _("What came of “%(title)s”"), DELIVERY, follow=True),
        Event("delivery.post_hidden", _("A moderator hid something told of “%(title)s”"), DELIVERY),
        Event(
            "delivery.post_shown",
            _("Something told of “%(title)s” is shown again"),
            DELIVERY,
        ),
        Event(
            "delivery.corrected",
            _("Something we told about “%(title)s” was put right"),
            DELIVERY,
            follow=True,
        ),
    ),
    panels=(
        Panel("home", queries.home_panel, "milestones/panel_home.html"),
        Panel("budgets.Project", queries.project_panel, "milestones/panel_project.html"),
        Panel("counts.Result", queries.pot_panel, "milestones/panel_pot.html"),
        Panel("proposals.Proposal", queries.proposal_panel, "milestones/panel_proposal.html"),
        Panel(
            "conversations.Statement", queries.statement_panel, "milestones/panel_statement.html"
        ),
        Panel("mine", queries.mine_panel, "milestones/panel_mine.html"),
        Panel("desk", queries.desk_panel, "milestones/panel_desk.html"),
    ),
    personal=(
        Personal(
            title=_("What you told of projects you run: it stays, without your name"),
            export=queries.personal,
            erase=actions.let_stand,
        ),
    ),
    tables=(Table("deliveries", queries.public_deliveries),),
)
