"""Taking part: voting, adding, reporting, saying who one is, and leaving."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from commonweal.listen.conversations.models import Conversation
from commonweal.listen.voices import queries
from commonweal.listen.voices.models import Routing


@transaction.atomic
def keep_routing(*, conversation: Conversation, bearings: bytes, at: datetime) -> None:
    """Keep what decides which statement is shown next, with how often each has been shown.

    ``bearings`` are the engine's, packed. For the job that works the map out anew.
    """
    counted = queries.counted(conversation.pk, queries.routing_of(conversation.pk))
    Routing.objects.update_or_create(
        conversation=conversation,
        defaults={
            "made_at": at,
            "statements": list(counted.shown),
            "shown": list(counted.shown.values()),
            "through": counted.through,
            "arrays": bearings,
        },
    )
