"""What conversations announce to the rest of the site."""

from django.utils.translation import gettext_lazy as _

from commonweal.kit.manifest import Event, Manifest, Panel, Personal, Table
from commonweal.listen.conversations import actions, queries

CONVERSATION, STATEMENT = "conversations.Conversation", "conversations.Statement"

MANIFEST = Manifest(
    stage="listen",
    title=_("Say what matters"),
    start="conversations:list",
    journal=(
        Event(
            "conversation.drafted",
            _("Somebody began to set up a conversation: “%(title)s”"),
            CONVERSATION,
        ),
        Event("conversation.created", _("A conversation is coming: “%(title)s”"), CONVERSATION),
        Event(
            "conversation.changed",
            _("A conversation changed before it opened: “%(title)s”"),
            CONVERSATION,
        ),
        Event(
            "conversation.preview_renewed",
            _("The preview link of “%(title)s” was renewed"),
            CONVERSATION,
        ),
        Event(
            "conversation.opened",
            _("You can say what matters: “%(title)s”"),
            CONVERSATION,
            follow=True,
        ),
        Event(
            "conversation.extended",
            _("“%(title)s” stays open longer, until %(until_at)s"),
            CONVERSATION,
            follow=True,
        ),
        Event(
            "conversation.closed_early",
            _("“%(title)s” was closed early, and the page says why"),
            CONVERSATION,
        ),
        Event(
            "conversation.closed",
            _("“%(title)s” is closed: read what people said"),
            CONVERSATION,
            follow=True,
        ),
        Event(
            "conversation.corrected",
            _("Something about “%(title)s” was changed while it was open"),
            CONVERSATION,
        ),
        Event(
            "conversation.withdrawn",
            _("A conversation was withdrawn: “%(title)s”"),
            CONVERSATION,
            follow=True,
        ),
        Event("statement.staff_added", _("Those who ask added: “%(title)s”"), STATEMENT),
        Event(
            "statement.answered",
            _("You said: “%(title)s”. Now there is an answer"),
            STATEMENT,
            follow=True,
        ),
    ),
    panels=(
        Panel("home", queries.home_panel, "conversations/panel_home.html"),
        Panel(
            "challenges.Challenge", queries.challenge_panel, "conversations/panel_challenge.html"
        ),
        Panel(
            "challenges.Challenge.more",
            queries.challenge_more_panel,
            "conversations/panel_challenge_more.html",
        ),
        Panel("places.Community", queries.community_panel, "conversations/panel_community.html"),
        Panel("desk", queries.desk_panel, "conversations/panel_desk.html"),
    ),
    personal=(
        Personal(
            _("Conversations you set up and answers you wrote: they stay, without your name"),
            queries.personal,
            actions.let_stand,
        ),
    ),
    tables=(
        Table("conversations", queries.public),
        Table("statements", queries.public_statements),
    ),
)
