"""What budgets announce to the rest of the site."""

from django.utils.translation import gettext_lazy as _

from commonweal.decide.budgets import actions, queries
from commonweal.kit.manifest import Event, Manifest, Panel, Personal, Table

POT, PROJECT = "budgets.Pot", "budgets.Project"

MANIFEST = Manifest(
    stage="decide",
    title=_("Share out a pot"),
    start="budgets:list",
    journal=(
        Event("pot.drafted", _("Somebody began to set up a pot: “%(title)s”"), POT),
        Event("pot.created", _("Money is set aside to share out: “%(title)s”"), POT),
        Event("pot.changed", _("A pot changed before it opened: “%(title)s”"), POT),
        Event("pot.preview_renewed", _("The preview link of “%(title)s” was renewed"), POT),
        Event("pot.opened", _("Voting opened: “%(title)s”"), POT, follow=True),
        Event(
            "pot.extended",
            _("Voting in “%(title)s” stays open longer, until %(until_at)s"),
            POT,
            follow=True,
        ),
        Event(
            "pot.corrected", _("The words about “%(title)s” were corrected during the vote"), POT
        ),
        Event("pot.withdrawal_asked", _("Somebody asked to withdraw “%(title)s”"), POT),
        Event("pot.withdrawal_dropped", _("“%(title)s” stands: it is not withdrawn"), POT),
        Event("pot.withdrawn", _("A pot was withdrawn: “%(title)s”"), POT, follow=True),
        Event("project.added", _("On the ballot: “%(title)s”"), PROJECT),
        Event("project.changed", _("Changed on the ballot: “%(title)s”"), PROJECT),
        Event("project.removed", _("An idea was taken off the ballot of “%(title)s”"), POT),
        Event(
            "project.corrected", _("The page of “%(title)s” was corrected during the vote"), PROJECT
        ),
        Event("project.question_asked", _("Somebody asked about “%(title)s”"), PROJECT),
        Event("project.question_answered", _("A question about “%(title)s” was answered"), PROJECT),
        Event("project.question_hidden", _("A moderator hid a question on “%(title)s”"), PROJECT),
        Event("project.question_shown", _("A question on “%(title)s” is shown again"), PROJECT),
        Event("project.question_removed", _("A question on “%(title)s” was taken back"), PROJECT),
        Event(
            "quiet_time.set",
            _(
                "A quiet time before an election in “%(title)s”: from %(from_at)s until %(until_at)s"
                " no vote opens, closes or is declared"
            ),
            "places.Community",
        ),
        Event(
            "quiet_time.ended",
            _("A quiet time in “%(title)s” was called off or ended"),
            "places.Community",
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
        Panel("budgets.Project", queries.appraisal_panel, "budgets/panel_appraisal.html"),
        Panel("proposals.Proposal", queries.proposal_panel, "budgets/panel_proposal.html"),
        Panel("desk", queries.desk_panel, "budgets/panel_desk.html"),
        Panel("desk", queries.questions_panel, "budgets/panel_questions.html"),
        Panel("desk", queries.quiet_panel, "budgets/panel_quiet.html"),
    ),
    personal=(
        Personal(
            _("Questions you asked about ideas on a ballot: answered ones stay, without your name"),
            queries.personal_questions,
            actions.let_go_of_questions,
        ),
    ),
    tables=(
        Table("pots", queries.public_pots),
        Table("projects", queries.public_projects),
        Table("rounds", queries.public_rounds),
    ),
)
