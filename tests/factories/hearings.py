"""Hearings for tests: open now, with a document of a few passages, unless said otherwise."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Community
from commonweal.kit import documents
from commonweal.listen.hearings.models import (
    Agreement,
    Answer,
    Comment,
    Hearing,
    Passage,
    Report,
    Version,
)
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


def in_every_state(community: Community, challenge: Any, owner: Person) -> dict[str, Any]:
    """Return a hearing with two public versions and a draft, and what was said in it, by their names."""
    at = timezone.now()
    hearing = a_hearing(community, challenge=challenge, outcome="We heard you.", outcome_at=at)
    old = a_comment(hearing, owner, number=3, stance="change", wording="Eight trees")
    Answer.objects.create(
        hearing=hearing, comment=old, status="taken-up", words="Eight it is.", answered_at=at,
        answered_by=owner,
    )  # fmt: skip
    first = hearing.versions.get()
    second = a_version(
        hearing, TEXT.replace("Six", "Eight"), number=2, why="You asked for it.", published_at=at,
        file=b"%PDF-1.7\n%%EOF\n", file_name="plan.pdf", file_size=15,
    )  # fmt: skip
    for new, before in zip(
        second.passages.order_by("number"), first.passages.order_by("number"), strict=True
    ):
        new.before = before
        if new.text != before.text:
            new.difference = documents.difference(before.text, new.text)
        new.save(update_fields=["before", "difference"])
    draft = a_version(hearing, TEXT, number=3)
    heard = second.passages.get(number=2)
    said = a_comment(hearing, owner, name="Olive")
    a_comment(hearing, None, parent=said, stance="neither", name="Gwen", guest=b"g" * 32)
    a_comment(hearing, owner, state="waiting")
    Agreement.objects.create(comment=old, person=owner, agreed_at=at)
    Report.objects.create(comment=said, reason="unkind", words="It is rude.", reported_at=at)
    Answer.objects.create(
        hearing=hearing, passage=heard, status="noted", words="We know.", answered_at=at,
        answered_by=owner,
    )  # fmt: skip
    return {
        "hearing": hearing, "said": said, "heard": heard,
        "drafted": draft.passages.get(number=2),
    }  # fmt: skip
