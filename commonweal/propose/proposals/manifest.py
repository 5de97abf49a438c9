"""What proposals announce to the rest of the site."""

from django.utils.translation import gettext_lazy as _

from commonweal.kit.manifest import Event, Manifest, Panel, Personal, Table
from commonweal.propose.proposals import actions, queries

IDEA = "proposals.Proposal"

MANIFEST = Manifest(
    stage="propose",
    title=_("Put forward an idea"),
    start="proposals:list",
    journal=(
        Event("proposal.started", _("Somebody began to write an idea"), IDEA),
        Event("proposal.discarded", _("A draft of an idea was thrown away"), IDEA),
        Event("proposal.published", _("A new idea: “%(title)s”"), IDEA, follow=True),
        Event("proposal.changed", _("The idea “%(title)s” was changed by its author"), IDEA),
        Event("proposal.withdrawn", _("An idea was taken back by its author"), IDEA, follow=True),
        Event("proposal.signed", _("Somebody signed the idea “%(title)s”"), IDEA),
        Event("proposal.unsigned", _("Somebody took their name off the idea “%(title)s”"), IDEA),
        Event("proposal.comment_written", _("Somebody spoke about the idea “%(title)s”"), IDEA),
        Event("proposal.comment_removed", _("A comment on “%(title)s” was removed"), IDEA),
        Event("proposal.comment_hidden", _("A moderator hid a comment on “%(title)s”"), IDEA),
        Event("proposal.comment_shown", _("A comment on “%(title)s” is shown again"), IDEA),
        Event("proposal.hidden", _("A moderator hid an idea"), IDEA),
        Event("proposal.shown", _("An idea is shown again: “%(title)s”"), IDEA),
        Event(
            "proposal.merge_suggested",
            _("Somebody suggested that another idea joins “%(title)s”"),
            IDEA,
        ),
        Event(
            "proposal.merge_agreed",
            _("An author agreed that another idea joins “%(title)s”"),
            IDEA,
        ),
        Event("proposal.merge_unsaid", _("An author took back their yes: “%(title)s”"), IDEA),
        Event(
            "proposal.merge_refused",
            _("An author said no: no other idea joins “%(title)s” by this"),
            IDEA,
        ),
        Event("proposal.merge_dropped", _("A suggestion to join “%(title)s” was dropped"), IDEA),
        Event(
            "proposal.merged",
            _("Another idea joined “%(title)s” and brought %(signatures)s signatures"),
            IDEA,
            follow=True,
        ),
        Event(
            "proposal.merge_undone",
            _("An idea that had joined “%(title)s” stands on its own again"),
            IDEA,
        ),
    ),
    panels=(
        Panel("home", queries.panel_home, "proposals/panel_home.html"),
        Panel("challenges.Challenge", queries.panel_challenge, "proposals/panel_challenge.html"),
        Panel("challenges.Challenge.more", queries.panel_more, "proposals/panel_more.html"),
        Panel("mine", queries.panel_mine, "proposals/panel_mine.html"),
        Panel("desk", queries.panel_desk, "proposals/panel_desk.html"),
    ),
    personal=(
        Personal(
            _(
                "Ideas you wrote. Drafts, and ideas you took back, are deleted. Public ideas stay,"
                " because others signed them, but without your name."
            ),
            export=queries.personal_proposals,
            erase=actions.let_go_of_proposals,
        ),
        Personal(
            _("Ideas you signed. Your signatures are deleted, and the counts go down."),
            export=queries.personal_signatures,
            erase=actions.let_go_of_signatures,
        ),
        Personal(
            _("What you said about ideas. Your comments are deleted."),
            export=queries.personal_comments,
            erase=actions.let_go_of_comments,
        ),
        Personal(
            _(
                "Ideas that became one: what you suggested and agreed to is deleted. Where your idea"
                " joined another, a co-author without a name stays."
            ),
            export=queries.personal_merges,
            erase=actions.let_go_of_merges,
        ),
    ),
    tables=(Table("ideas", read=queries.proposals),),
)
