"""What taking part in conversations announces to the rest of the site."""

from django.utils.translation import gettext_lazy as _

from commonweal.kit.manifest import Event, Manifest, Panel, Personal
from commonweal.listen.voices import actions, queries, rules

CONVERSATION = "conversations.Conversation"

MANIFEST = Manifest(
    stage="listen",
    title=_("Vote on statements"),
    start="conversations:list",
    journal=(
        Event("statement.added", _("Somebody added a statement to “%(title)s”"), CONVERSATION),
        Event(
            "statement.taken_back",
            _("Somebody took back their statement in “%(title)s”"),
            CONVERSATION,
        ),
    ),
    panels=(
        Panel(CONVERSATION, rules.conversation_panel, "voices/panel_conversation.html"),
        Panel("conversations.Statement", rules.statement_panel, "voices/panel_statement.html"),
        Panel("mine", queries.mine_panel, "voices/panel_mine.html"),
    ),
    personal=(
        Personal(
            _(
                "What you said in conversations: your answers, and the statements you added. They stay,"
                " because results rest on them, but they are nobody’s from then on. What you said"
                " about yourself is deleted, and so are the words of your reports."
            ),
            export=queries.personal,
            erase=actions.leave_conversations,
        ),
    ),
)
