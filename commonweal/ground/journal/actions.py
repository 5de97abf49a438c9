"""Writing to the journal: the only way in."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Model

from commonweal.ground.journal.models import Entry

if TYPE_CHECKING:
    from commonweal.ground.people.models import Person


def record(
    *,
    what: str,
    who: Person | None,
    about: Model,
    at: datetime,
    public: bool,
    facts: dict[str, Any] | None = None,
) -> Entry:
    """Record who did what to what; authority, community and challenge are read off the thing itself.

    Or off what it says it stands under (a statement under its conversation).

    ``facts`` are numbers and codes that the sentence needs, never a person's name or words.
    """
    under = getattr(about, "stands_under", None)
    where = about if under is None else getattr(about, under)
    return Entry.objects.create(
        at=at,
        what=what,
        who=who,
        authority_id=getattr(where, "authority_id", None),
        community_id=getattr(where, "community_id", None),
        challenge_id=getattr(where, "challenge_id", None),
        about=about._meta.label,
        about_id=about.pk,
        is_public=public,
        facts=facts or {},
    )


def let_stand(person: Person, at: datetime) -> None:
    """Leave a person's entries as they are: they hold a number, and its owner becomes nobody."""
