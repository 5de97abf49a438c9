"""What origins announce to the rest of the site."""

from django.utils.translation import gettext_lazy as _

from commonweal.kit.manifest import Event, Manifest, Panel
from commonweal.propose.origins import queries

CONVERSATION = "conversations.Conversation"

MANIFEST = Manifest(
    stage="propose",
    title=_("From what people said to an idea"),
    start="proposals:list",
    journal=(
        Event(
            "origin.idea_begun",
            _("Somebody began an idea with statement %(statement)s of “%(title)s”"),
            CONVERSATION,
        ),
        Event(
            "origin.challenge_begun",
            _("Somebody began a challenge with statement %(statement)s of “%(title)s”"),
            CONVERSATION,
        ),
    ),
    panels=(
        Panel("conversations.Statement", queries.panel_statement, "origins/panel_statement.html"),
        Panel("proposals.Proposal", queries.panel_idea, "origins/panel_idea.html"),
        Panel("challenges.Challenge.more", queries.panel_challenge, "origins/panel_challenge.html"),
    ),
)
