"""Ideas for programs: those that everyone may read, and what people say about them."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, cast

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Field, Query, Router, Schema

from commonweal.ground.places.models import StandingKind
from commonweal.kit.api import PROBLEMS, SLUG, Number, Page, Pages, page_of
from commonweal.kit.request import Request
from commonweal.propose.proposals import queries
from commonweal.propose.proposals.models import Comment, Proposal

router = Router(tags=["Ideas"])


class IdeaRow(Schema):
    """An idea in a list; its author is called what the page calls them."""

    id: int
    title: str
    status: str
    challenge: str
    community: str
    author: str
    standing: str
    organisation: str | None
    better: str
    for_whom: str
    cost_pence: int | None
    signatures: int
    comments: int
    published_at: datetime

    @staticmethod
    def resolve_challenge(idea: Proposal) -> str:
        """Return the challenge's slug."""
        return idea.challenge.slug

    @staticmethod
    def resolve_community(idea: Proposal) -> str:
        """Return the community's slug."""
        return idea.community.slug

    @staticmethod
    def resolve_author(idea: Proposal) -> str:
        """Return the name that others see."""
        return str(idea.author)

    @staticmethod
    def resolve_organisation(idea: Proposal) -> str | None:
        """Return the slug of the organisation that the author speaks for."""
        return idea.organisation.slug if idea.organisation else None

    @staticmethod
    def resolve_signatures(idea: Any) -> int:
        """Return how many signed it."""
        count: int = idea.signature_count
        return count

    @staticmethod
    def resolve_comments(idea: Any) -> int:
        """Return how many comments everyone may read."""
        count: int = idea.comment_count
        return count


class Joined(Schema):
    """An idea that joined another; its author is an author of both."""

    id: int
    title: str
    author: str
    standing: str
    joined_at: datetime


class IdeaWhole(IdeaRow):
    """An idea with all its words."""

    measure: str
    risks: str
    change: str
    takes_part: str
    cost_note: str
    changed_at: datetime
    joined_by: list[Joined] = Field(description="Ideas that joined this one, with their authors.")
    joined: int | None = Field(description="Where this idea went, once it joined another.")

    @staticmethod
    def resolve_joined_by(idea: Proposal) -> list[dict[str, Any]]:
        """Return the ideas that joined this one."""
        return [
            {
                "id": merge.joining_id,
                "title": merge.joining.title if merge.joining.is_public else "",
                "author": str(merge.joining.author),
                "standing": merge.joining.standing,
                "joined_at": merge.settled_at,
            }
            for merge in queries.ties(idea).joined
        ]

    @staticmethod
    def resolve_joined(idea: Proposal) -> int | None:
        """Return the number of the idea it joined."""
        way = queries.ties(idea).way_on
        return way.lead_id if way else None


class CommentRow(Schema):
    """Something said about an idea; of a hidden comment only the reason is told."""

    id: int
    author: str | None
    standing: str | None
    body: str | None
    written_at: datetime
    hidden_reason: str | None

    @staticmethod
    def resolve_author(comment: Comment) -> str | None:
        """Return the name that others see."""
        return str(comment.person) if comment.is_public else None

    @staticmethod
    def resolve_standing(comment: Comment) -> str | None:
        """Return as what the person spoke."""
        return comment.standing if comment.is_public else None

    @staticmethod
    def resolve_body(comment: Comment) -> str | None:
        """Return the words."""
        return comment.body if comment.is_public else None

    @staticmethod
    def resolve_hidden_reason(comment: Comment) -> str | None:
        """Return why a moderator hid it."""
        return comment.hidden_reason or None


def _one_of(values: Iterable[str]) -> str:
    return f"^({'|'.join(values)})?$"


class Narrowing(Schema):
    """Which ideas, and in which order; nothing asks for all, the newest first."""

    q: str = Field("", pattern=r"^[^\x00]*$", max_length=200, description="Words to look for.")
    challenge: str = Field(
        "", pattern=f"^$|{SLUG}", max_length=80, description="Only of this challenge, by slug."
    )
    community: str = Field(
        "", pattern=f"^$|{SLUG}", max_length=80, description="Only from there and inside, by slug."
    )
    status: str = Field("", pattern=_one_of(Proposal.PUBLIC), description="Where it stands.")
    standing: str = Field("", pattern=_one_of(StandingKind.values), description="Who wrote it.")
    order: str = Field("", pattern=_one_of(queries.ORDERS), description="Which come first.")


@router.get("/ideas", response={200: Page[IdeaRow], **PROBLEMS}, summary="List the ideas")
def list_ideas(request: HttpRequest, paging: Pages, only: Query[Narrowing]) -> dict[str, Any]:
    """The newest first, or those nearest to the words that are looked for."""
    asked = only.dict()
    found = queries.found(cast(Request, request).viewer, text=asked.pop("q").strip(), **asked)
    return page_of(request, found, paging)


@router.get("/ideas/{idea_id}", response={200: IdeaWhole, **PROBLEMS}, summary="Read one idea")
def read_idea(request: HttpRequest, idea_id: int = Number) -> Proposal:
    """All that its author wrote."""
    return _idea(request, idea_id)


@router.get(
    "/ideas/{idea_id}/comments",
    response={200: Page[CommentRow], **PROBLEMS},
    summary="List what people say about an idea",
)
def list_comments(request: HttpRequest, paging: Pages, idea_id: int = Number) -> dict[str, Any]:
    """The oldest first."""
    idea = _idea(request, idea_id)
    return page_of(request, queries.comments(cast(Request, request).viewer, idea), paging)


def _idea(request: HttpRequest, idea_id: int) -> Proposal:
    return get_object_or_404(queries.readable_by_all(cast(Request, request).viewer), pk=idea_id)
