"""Hearings for programs: the documents, what people said, what was answered."""

from datetime import date, datetime
from typing import Any, cast

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Field, Query, Router, Schema

from commonweal.kit.api import PROBLEMS, Number, Page, Pages, page_of
from commonweal.kit.request import Request
from commonweal.listen.hearings import queries, rules
from commonweal.listen.hearings.models import Comment, Hearing, Passage, Stance

router = Router(tags=["Hearings"])


class HearingRow(Schema):
    """A document that people are asked about."""

    id: int
    title: str
    about: str
    decides: str
    community: str
    challenge: str | None
    reach: str
    opens_at: datetime
    closes_at: datetime
    comments: int = Field(alias="comment_count")
    outcome: str
    outcome_at: datetime | None
    withdrawn_at: datetime | None = Field(
        description="Since when it is withdrawn; nothing if it is not."
    )
    withdrawn_why: str

    @staticmethod
    def resolve_community(row: Hearing) -> str:
        """Return the community's slug."""
        return row.community.slug

    @staticmethod
    def resolve_challenge(row: Hearing) -> str | None:
        """Return the challenge's slug."""
        return row.challenge.slug if row.challenge else None


class PassageRow(Schema):
    """A passage of a version, with how many commented on it and how they stand."""

    version: int
    number: int
    kind: str
    level: int
    label: str
    text: str
    was: int | None = Field(description="The number of the passage of the version before it.")
    support: int
    change: int
    oppose: int
    neither: int
    answer: str | None = Field(description="The official answer's status: what becomes of it.")
    answer_words: str | None

    @staticmethod
    def resolve_version(row: Passage) -> int:
        """Return the number of the version it belongs to."""
        return row.version.number

    @staticmethod
    def resolve_was(row: Passage) -> int | None:
        """Return the number of the passage that it comes from."""
        return row.before.number if row.before else None

    @staticmethod
    def resolve_support(row: Any) -> int:
        """Return how many support it."""
        return int(row.n_support)

    @staticmethod
    def resolve_change(row: Any) -> int:
        """Return how many would change it."""
        return int(row.n_change)

    @staticmethod
    def resolve_oppose(row: Any) -> int:
        """Return how many oppose it."""
        return int(row.n_oppose)

    @staticmethod
    def resolve_neither(row: Any) -> int:
        """Return how many only ask or remark."""
        return int(row.n_neither)

    @staticmethod
    def resolve_answer(row: Any) -> str | None:
        """Return the status of the official answer."""
        return row.answer.status if hasattr(row, "answer") else None

    @staticmethod
    def resolve_answer_words(row: Any) -> str | None:
        """Return the words of the official answer."""
        return row.answer.words if hasattr(row, "answer") else None


class CommentRow(Schema):
    """Something said in a hearing that everyone may read."""

    id: int
    version: int
    passage: int | None
    reply_to: int | None
    author: str | None = Field(description="The name that others see; nothing where none is given.")
    standing: str
    channel: str
    received_on: date | None
    stance: str
    body: str
    wording: str
    agreed: int = Field(alias="agreed_count")
    written_at: datetime
    answer: str | None
    answer_words: str | None

    @staticmethod
    def resolve_version(row: Comment) -> int:
        """Return the number of the version it is about."""
        return row.version.number

    @staticmethod
    def resolve_passage(row: Comment) -> int | None:
        """Return the number of the passage it is about; nothing for the whole document."""
        return row.passage.number if row.passage else None

    @staticmethod
    def resolve_reply_to(row: Comment) -> int | None:
        """Return the comment that it replies to."""
        return row.parent_id

    @staticmethod
    def resolve_author(row: Comment) -> str | None:
        """Return the name that others see."""
        return str(row.person) if row.person else row.name or None

    @staticmethod
    def resolve_answer(row: Any) -> str | None:
        """Return the status of the official answer."""
        return row.answer.status if hasattr(row, "answer") else None

    @staticmethod
    def resolve_answer_words(row: Any) -> str | None:
        """Return the words of the official answer."""
        return row.answer.words if hasattr(row, "answer") else None


class Narrowing(Schema):
    """Which comments; nothing asks for all."""

    stance: str = Field("", pattern=f"^({'|'.join(Stance.values)})?$", description="Only these.")
    passage: int | None = Field(
        None, ge=1, le=2**31 - 1, description="Only on the passage with this number."
    )
    version: int | None = Field(None, ge=1, le=32_767, description="Only on this version.")


class Edition(Schema):
    """Which version of the document; nothing asks for the newest."""

    version: int | None = Field(None, ge=1, le=32_767, description="The number of a version.")


@router.get("/hearings", response={200: Page[HearingRow], **PROBLEMS}, summary="List the hearings")
def list_hearings(request: HttpRequest, paging: Pages) -> dict[str, Any]:
    """Open ones first, soonest to close."""
    return page_of(request, queries.hearings(cast(Request, request).viewer), paging)


@router.get(
    "/hearings/{hearing_id}", response={200: HearingRow, **PROBLEMS}, summary="Read a hearing"
)
def read_hearing(request: HttpRequest, hearing_id: int = Number) -> Hearing:
    """What it is about, who decides, and what came of it."""
    return _hearing(request, hearing_id)


@router.get(
    "/hearings/{hearing_id}/passages",
    response={200: Page[PassageRow], **PROBLEMS},
    summary="List the passages of a document",
)
def list_passages(
    request: HttpRequest, paging: Pages, only: Query[Edition], hearing_id: int = Number
) -> dict[str, Any]:
    """In the order of the document. Empty while a hearing is withdrawn and withheld."""
    found = _readable(request, hearing_id)
    return page_of(request, queries.all_passages(found, only.version), paging)


@router.get(
    "/hearings/{hearing_id}/comments",
    response={200: Page[CommentRow], **PROBLEMS},
    summary="List what people said in a hearing",
)
def list_comments(
    request: HttpRequest, paging: Pages, only: Query[Narrowing], hearing_id: int = Number
) -> dict[str, Any]:
    """The oldest first. Empty while a hearing is withdrawn and withheld."""
    rows = queries.public_comments(_readable(request, hearing_id))
    if only.stance:
        rows = rows.filter(stance=only.stance)
    if only.passage:
        rows = rows.filter(passage__number=only.passage)
    if only.version:
        rows = rows.filter(version__number=only.version)
    return page_of(request, rows, paging)


def _hearing(request: HttpRequest, hearing_id: int) -> Hearing:
    found = queries.hearings(cast(Request, request).viewer)
    return get_object_or_404(found, pk=hearing_id)


def _readable(request: HttpRequest, hearing_id: int) -> Hearing:
    found = _hearing(request, hearing_id)
    if not rules.may_read(cast(Request, request).viewer, found):
        raise Http404
    return found
