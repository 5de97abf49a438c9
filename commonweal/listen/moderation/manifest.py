"""What moderation announces to the rest of the site."""

from django.utils.translation import gettext_lazy as _

from commonweal.kit.manifest import Event, Manifest, Panel, Personal
from commonweal.listen.moderation import actions, queries

CONVERSATION = "conversations.Conversation"

MANIFEST = Manifest(
    stage="listen",
    title=_("Statements to read"),
    start="moderation:desk",
    journal=(
        Event(
            "statement.let_through",
            _("A moderator let %(many)s statements through in “%(title)s”"),
            CONVERSATION,
        ),
        Event(
            "statement.rejected",
            _("A moderator did not let %(many)s statements through in “%(title)s”: %(reason)s"),
            CONVERSATION,
        ),
        Event(
            "statement.merged",
            _("Statement %(statement)s became one with %(into)s in “%(title)s”"),
            CONVERSATION,
        ),
        Event(
            "statement.decision_undone",
            _("The decision about %(many)s statements in “%(title)s” was taken back"),
            CONVERSATION,
        ),
        Event(
            "statement.text_suggested",
            _("A moderator suggested other words for statement %(statement)s in “%(title)s”"),
            CONVERSATION,
        ),
        Event(
            "statement.text_taken",
            _("The author took other words for statement %(statement)s in “%(title)s”"),
            CONVERSATION,
        ),
        Event(
            "statement.text_refused",
            _("The author kept their own words for statement %(statement)s in “%(title)s”"),
            CONVERSATION,
        ),
        Event(
            "statement.text_changed",
            _("The author changed the words of statement %(statement)s in “%(title)s”"),
            CONVERSATION,
        ),
        Event(
            "statement.appealed",
            _("The author objected to a decision about statement %(statement)s in “%(title)s”"),
            CONVERSATION,
        ),
        Event(
            "statement.appeal_settled",
            _("An objection about statement %(statement)s in “%(title)s” was settled"),
            CONVERSATION,
        ),
        Event(
            "statement.reading_changed",
            _("Statements in “%(title)s” are read within %(days)s working days"),
            CONVERSATION,
        ),
        Event(
            "case.raised",
            _("%(people)s accounts that vote as one were raised in “%(title)s”"),
            CONVERSATION,
        ),
        Event(
            "case.set_aside",
            _("The votes of %(people)s accounts were set aside in “%(title)s”"),
            CONVERSATION,
        ),
        Event(
            "case.let_back_in",
            _("The votes of %(people)s accounts count again in “%(title)s”"),
            CONVERSATION,
        ),
        Event(
            "case.left_in",
            _("%(people)s accounts that vote as one were left in, in “%(title)s”"),
            CONVERSATION,
        ),
    ),
    panels=(
        Panel(
            "conversations.Conversation",
            queries.panel_conversation,
            "moderation/panel_conversation.html",
        ),
        Panel("conversations.Conversation.desk", queries.panel_run, "moderation/panel_run.html"),
        Panel("voices.mine", queries.panel_own, "moderation/panel_own.html"),
        Panel("mine", queries.panel_mine, "moderation/panel_mine.html"),
        Panel("desk", queries.panel_desk, "moderation/panel_desk.html"),
    ),
    personal=(
        Personal(
            _(
                "What was decided about your statements, and what you objected. Your words, and those"
                " to you, are deleted; that a decision was made stays, without your name."
            ),
            export=queries.personal,
            erase=actions.let_go,
        ),
    ),
)
