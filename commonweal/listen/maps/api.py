"""The map for programs, by the same names as the command line has."""

from datetime import datetime
from typing import Any, cast

from django.http import HttpRequest
from django.utils.translation import gettext as _
from ninja import Field, Router, Schema

from commonweal.kit.api import PROBLEMS, NotHere, Number, Page, Pages, page_of
from commonweal.kit.request import Request
from commonweal.listen.conversations.models import Conversation
from commonweal.listen.conversations.queries import numbered
from commonweal.listen.maps import queries
from commonweal.listen.maps.models import Finding, Map

router = Router(tags=["Conversations"])


class Sizes(Schema):
    """What was found about groups of opinion; sizes under five are hidden as null."""

    count: int
    sizes: list[int | None]
    stability: float | None
    clear: bool


class Entry(Schema):
    """A statement on a list, and what the list is sorted by."""

    statement: int
    text: str
    side: str
    estimate: float
    low: float
    high: float
    votes: int
    group: int | None = Field(None, description="Counted from 0; null where there is one group.")


class Short(Schema):
    """A statement of a list that goes by no number."""

    statement: int
    text: str


class MapRow(Schema):
    """The map of a conversation as it was worked out last."""

    made_at: datetime
    is_final: bool
    people: int | None = Field(description="Null where fewer than five took part: nothing is told.")
    statements: int
    votes: int | None
    dimensions: int | None = None
    groups: Sizes | None = None
    common_ground: list[Entry] = []
    dividing: list[Entry] = []
    group_statements: list[Entry] = []
    uncertain: list[Short] = []
    short_list: list[Short] = []
    short_list_proportional: bool | None = None
    short_list_reached: list[float] = []


class FindingRow(Schema):
    """How people voted on one statement: everybody, and each group in their order.

    Shares are in thousandths; what fewer than five people said is null.
    """

    statement: int
    text: str
    shown: int
    votes: list[int | None]
    agree: list[int | None]
    low: list[int | None]
    high: list[int | None]
    disagree: list[int | None]
    passed: list[int | None]

    @staticmethod
    def resolve_statement(finding: Finding) -> int:
        """Return the number that stands in the statement's address."""
        return finding.statement.number

    @staticmethod
    def resolve_text(finding: Finding) -> str:
        """Return what it says."""
        return finding.statement.text

    @staticmethod
    def resolve_shown(finding: Finding) -> int:
        """Return how often it was shown, unless so few voted that it stays hidden."""
        return 0 if finding.votes[0] is None else finding.shown


def _of(request: HttpRequest, conversation_id: int) -> tuple[Conversation, Map]:
    found = numbered(cast(Request, request).viewer, conversation_id)
    drawn = queries.map_of(conversation_id) if found else None
    if drawn is None:
        raise NotHere(
            _("There is no map of this conversation to read."),
            _("Look at the conversation itself: its map comes when five people have answered."),
        )
    return found[0], drawn


@router.get(
    "/conversations/{conversation_id}/map", response={200: MapRow, **PROBLEMS}, url_name="read_map"
)
def read_map(request: HttpRequest, conversation_id: int = Number) -> dict[str, Any]:
    """Read what is common, what divides, and how sure that is."""
    _conversation, drawn = _of(request, conversation_id)
    if not drawn.told:
        return {
            "made_at": drawn.made_at, "is_final": drawn.is_final, "people": None,
            "statements": drawn.statements, "votes": None,
        }  # fmt: skip
    found = queries.findings_on(queries.listed(drawn))
    lists = drawn.told["lists"]

    def entries(name: str) -> list[dict[str, Any]]:
        return [
            {**entry, **_named(found[entry["statement"]])}
            for entry in lists[name]
            if entry["statement"] in found
        ]

    def named(name: str) -> list[dict[str, Any]]:
        return [_named(found[pk]) for pk in lists[name] if pk in found]

    stability = drawn.stability_in_1000
    return {
        "made_at": drawn.made_at,
        "is_final": drawn.is_final,
        "people": drawn.people,
        "statements": drawn.statements,
        "votes": drawn.votes,
        "dimensions": drawn.dimensions,
        "groups": {
            "count": drawn.groups,
            "sizes": [size["people"] for size in drawn.told["sizes"]],
            "stability": None if stability is None else stability / 1000,
            "clear": drawn.is_clear,
        },
        "common_ground": entries("common_ground"),
        "dividing": entries("dividing"),
        "group_statements": entries("group_statements"),
        "uncertain": named("uncertain"),
        "short_list": named("short_list"),
        "short_list_proportional": lists["short_list_proportional"],
        "short_list_reached": lists["short_list_reached"],
    }


def _named(finding: Finding) -> dict[str, Any]:
    return {"statement": finding.statement.number, "text": finding.statement.text}


@router.get(
    "/conversations/{conversation_id}/findings",
    response={200: Page[FindingRow], **PROBLEMS},
    url_name="list_findings",
)
def list_findings(
    request: HttpRequest, paging: Pages, conversation_id: int = Number
) -> dict[str, Any]:
    """Read how people voted on every statement, by the statements' numbers."""
    conversation, _drawn = _of(request, conversation_id)
    rows = queries.all_findings(conversation, sort="votes").order_by("statement__number")
    return page_of(request, rows, paging)
