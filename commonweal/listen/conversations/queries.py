"""Reading conversations and their statements."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import F, Func, IntegerField, Q, QuerySet, Value

from commonweal.ground.challenges.queries import seats_of
from commonweal.ground.places.rules import Viewer, everyone
from commonweal.kit.composed import composed
from commonweal.listen.conversations.models import Conversation, State, Statement

# Asked of every conversation in a list: Django would take longer to compose it than PostgreSQL to
# answer it.
_PLACE = """(SELECT CASE WHEN withdrawn IS NOT NULL THEN 3 WHEN closes <= at THEN 2
                         WHEN draft OR opens > at THEN 1 ELSE 0 END
               FROM (SELECT %(expressions)s) AS asked (withdrawn, draft, opens, closes, at))"""


def conversations(viewer: Viewer) -> QuerySet[Conversation]:
    """Return the conversations this viewer may read: open ones, then coming, closed, withdrawn."""
    moments = (
        F("withdrawn_at"), F("is_draft"), F("opens_at"), F("closes_at"), Value(viewer.at),
    )  # fmt: skip
    return (
        Conversation.objects.filter(_public(viewer.at) | led(viewer))
        .filter(authority=viewer.authority)
        .select_related("challenge__community", "community")
        .defer("key")
        .annotate(place=Func(*moments, template=_PLACE, output_field=IntegerField()))
        .order_by("place", F("closes_at").asc(nulls_last=True), "-opens_at", "-pk")
    )


def numbered(viewer: Viewer, pk: int) -> list[Conversation]:
    """Return the one conversation with this number, if this viewer may read it."""
    if seats_of(viewer):
        return list(conversations(viewer).filter(pk=pk))
    return _numbered(authority=viewer.authority.pk, at=viewer.at, pk=pk)


@composed
def _numbered(authority: Any, at: Any, pk: Any) -> QuerySet[Conversation]:
    return conversations(everyone(authority, at)).filter(pk=pk)


def _public(at: datetime) -> Q:
    """Return which conversations everybody may read: whole, and of no challenge that is a draft."""
    return Q(is_draft=False) & (Q(challenge__isnull=True) | Q(challenge__published_at__lte=at))


def led(viewer: Viewer) -> Q:
    """Return which conversations the viewer sets up: of the communities they lead, and below."""
    seats = seats_of(viewer)
    if not seats:
        return Q(pk__in=[])
    return Q(community_id__in=seats) | Q(community__ancestors__overlap=seats)


def shown(conversation: Conversation) -> QuerySet[Statement]:
    """Return the statements of a conversation that people vote on, the newest first."""
    rows = Statement.objects.filter(conversation=conversation, state=State.SHOWN)
    return rows.order_by("-added_at", "-number")
