"""What reports announce to the rest of the site."""

from django.utils.translation import gettext_lazy as _

from commonweal.kit.manifest import Event, Manifest

MANIFEST = Manifest(
    stage="listen",
    title=_("What a conversation found"),
    start="conversations:list",
    journal=(
        Event(
            "conversation.exported",
            _("Staff took the votes on “%(title)s” away as a file, without names"),
            "conversations.Conversation",
        ),
    ),
)
