"""Reading what people say to statements, and what decides which one they see next."""

from __future__ import annotations

from dataclasses import dataclass

from django.db import connection

from commonweal.listen.voices.models import Routing


@dataclass(frozen=True)
class Counted:
    """How often each statement has been shown, up to the showing with a number."""

    shown: dict[int, int]
    through: int


def routing_of(conversation_id: int) -> Routing | None:
    """Return what decides which statement is shown next, if a map was worked out already."""
    return Routing.objects.filter(conversation=conversation_id).first()


_SINCE = """
SELECT statement_id, count(*), max(id) FROM voices_showing
 WHERE conversation_id = %s AND id > %s GROUP BY statement_id ORDER BY statement_id
"""


def counted(conversation_id: int, routing: Routing | None = None) -> Counted:
    """Return how often each statement has been shown, going on from where a routing has counted to."""
    through = routing.through if routing else 0
    shown = dict(zip(routing.statements, routing.shown, strict=True)) if routing and through else {}
    return counted_since(conversation_id, Counted(shown, through))


def counted_since(conversation_id: int, before: Counted) -> Counted:
    """Add what was shown since to what was counted before."""
    shown, through = dict(before.shown), before.through
    with connection.cursor() as cursor:
        cursor.execute(_SINCE, [conversation_id, through])
        for statement, many, last in cursor.fetchall():
            shown[statement] = shown.get(statement, 0) + many
            through = max(through, last)
    return Counted(shown, through)
