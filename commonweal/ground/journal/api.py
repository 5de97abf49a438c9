"""The public journal for programs."""

from datetime import datetime
from typing import Any, cast

from django.http import HttpRequest
from ninja import Field, Query, Router, Schema

from commonweal.ground.journal import queries
from commonweal.kit.api import PROBLEMS
from commonweal.kit.request import Request

router = Router(tags=["Journal"])
LONGEST = 200


class Line(Schema):
    """One thing that happened."""

    number: int
    at: datetime
    what: str
    words: str
    about: str
    href: str


class Lines(Schema):
    """The newest first; ``before`` fetches what came before the last of them."""

    items: list[Line]
    before: int | None


class Since(Schema):
    """Where to go on, and how far."""

    before: int | None = Field(None, ge=1, le=2**63 - 1, description="Only what came before it.")
    size: int = Field(50, ge=1, le=LONGEST, description="How many lines.")


@router.get("/journal", response={200: Lines, **PROBLEMS}, summary="Read the public journal")
def read_journal(request: HttpRequest, since: Query[Since]) -> dict[str, Any]:
    """Who did what is public by office; people are not named."""
    found = queries.story(cast(Request, request).viewer, before=since.before, limit=since.size + 1)
    shown = found[: since.size]
    return {
        "items": [
            {
                "number": line.entry.pk,
                "at": line.at,
                "what": line.entry.what,
                "words": line.words,
                "about": line.entry.about,
                "href": line.href,
            }
            for line in shown
        ],
        "before": shown[-1].entry.pk if len(found) > since.size else None,
    }
