"""What appraisals announce to the rest of the site."""

from django.utils.translation import gettext_lazy as _

from commonweal.kit.manifest import Event, Manifest, Panel, Personal, Table
from commonweal.propose.appraisals import actions, queries

IDEA = "proposals.Proposal"

MANIFEST = Manifest(
    stage="propose",
    title=_("What ideas cost, and whether they can be done"),
    start="appraisals:desk",
    journal=(
        Event("appraisal.begun", _("Staff began to work out what “%(title)s” costs"), IDEA),
        Event("appraisal.discarded", _("A draft appraisal of “%(title)s” was thrown away"), IDEA),
        Event(
            "appraisal.shown", _("The authors of “%(title)s” have %(days)s days to answer"), IDEA
        ),
        Event("appraisal.taken_back", _("Staff took back what they found: “%(title)s”"), IDEA),
        Event("appraisal.accepted", _("An author accepted what staff found: “%(title)s”"), IDEA),
        Event("appraisal.appealed", _("An author appealed: “%(title)s”"), IDEA),
        Event("appraisal.decided", _("An appeal about “%(title)s” was decided"), IDEA),
        Event("appraisal.decided_anew", _("After an appeal “%(title)s” is worked out anew"), IDEA),
        Event("appraisal.agreed", _("The authors of “%(title)s” agreed to the changes"), IDEA),
        Event(
            "appraisal.found_feasible",
            _("Staff found that “%(title)s” can be done, for %(total_pence)s"),
            IDEA,
            follow=True,
        ),
        Event(
            "appraisal.found_with_changes",
            _("Staff found that “%(title)s” can be done with changes, for %(total_pence)s"),
            IDEA,
            follow=True,
        ),
        Event(
            "appraisal.found_not_feasible",
            _("Staff found that “%(title)s” cannot be done as it is; the reasons are public"),
            IDEA,
            follow=True,
        ),
    ),
    panels=(
        Panel("proposals.Proposal", queries.panel_proposal, "appraisals/panel_proposal.html"),
        Panel("mine", queries.panel_mine, "appraisals/panel_mine.html"),
        Panel("desk", queries.panel_desk, "appraisals/panel_desk.html"),
    ),
    personal=(
        Personal(
            _(
                "What you answered when staff appraised your idea: your words are deleted. What you"
                " did as staff stays, without your name."
            ),
            export=queries.personal,
            erase=actions.forget_answers,
        ),
    ),
    tables=(Table("appraisals", read=queries.public),),
)
