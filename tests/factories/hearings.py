"""Hearings for tests: open now, with a document of a few passages, unless said otherwise."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Community
from commonweal.kit import documents
from commonweal.listen.hearings.models import Comment, Hearing, Passage, Version
from tests.factories import world

TEXT = """# Plan for the square

The square belongs to people on foot.

1.1 Six trees are planted by the fountain.

1.2 Cars may cross on Sundays.

- Benches have arms.

| Street | Trees |
|---|---|
| High Street | 6 |
"""


def a_hearing(community: Community, *, text: str = TEXT, **given: Any) -> Hearing:
    """Return a public hearing whose first version is cut from the text."""
    at = timezone.now()
    assert community.authority is not None
    staff = given.pop("created_by", None) or world.a_person()
    values: dict[str, Any] = {
        "authority": community.authority,
        "title": "A plan for the square",
        "about": "The square is worn, and we have money for trees.",
        "decides": "The cabinet, on 3 March.",
        "reach": "account",
        "opens_at": at - timedelta(days=3),
        "closes_at": at + timedelta(days=10),
        "created_at": at - timedelta(days=5),
        "published_at": at - timedelta(days=4),
    }
    hearing = Hearing.objects.create(community=community, created_by=staff, **{**values, **given})
    a_version(hearing, text, published_at=hearing.published_at)
    return hearing


def a_version(hearing: Hearing, text: str, *, number: int = 1, **given: Any) -> Version:
    """Return a version of a hearing's document."""
    values: dict[str, Any] = {"created_at": timezone.now(), "created_by": hearing.created_by}
    version = Version.objects.create(hearing=hearing, number=number, **{**values, **given})
    Passage.objects.bulk_create(
        Passage(
            version=version, number=place, kind=piece.kind, level=piece.level,
            label=piece.label, text=piece.text,
        )
        for place, piece in enumerate(documents.cut(text), 1)
    )  # fmt: skip
    return version


def a_comment(
    hearing: Hearing, person: Person | None = None, *, number: int | None = 2, **given: Any
) -> Comment:
    """Return a comment on the passage with this number, or on the whole document."""
    version = hearing.versions.filter(published_at__isnull=False).order_by("-number")[0]
    passage = version.passages.get(number=number) if number else None
    values: dict[str, Any] = {
        "stance": "support",
        "body": "I walk there every day.",
        "state": "shown",
        "written_at": timezone.now(),
        "standing": "resident" if person else "",
    }
    return Comment.objects.create(
        hearing=hearing, version=version, passage=passage, person=person, **{**values, **given}
    )
