"""Conversations for programs: the public ones, and what people vote on in them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, cast

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router, Schema

from commonweal.kit.api import PROBLEMS, Number, Page, Pages, page_of
from commonweal.kit.request import Request
from commonweal.listen.conversations import queries
from commonweal.listen.conversations.models import Conversation, Statement

router = Router(tags=["Conversations"])


class ConversationRow(Schema):
    """A conversation in a list."""

    id: int
    question: str
    state: str
    community: str
    challenge: str | None
    opens_at: datetime
    closes_at: datetime | None
    statements: int
    people: int | None

    @staticmethod
    def resolve_community(conversation: Conversation) -> str:
        """Return the community's slug."""
        return conversation.community.slug

    @staticmethod
    def resolve_challenge(conversation: Conversation) -> str | None:
        """Return the challenge's slug, if it belongs to one."""
        return conversation.challenge.slug if conversation.challenge else None

    @staticmethod
    def resolve_state(conversation: Any) -> str:
        """Return where it stands."""
        return ("open", "coming", "closed", "withdrawn")[conversation.place]

    @staticmethod
    def resolve_statements(conversation: Any) -> int:
        """Return how many statements people vote on."""
        return int(conversation.shown_count)

    @staticmethod
    def resolve_people(conversation: Any) -> int | None:
        """Return how many have taken part; nothing where they are fewer than five."""
        return conversation.people if conversation.people >= queries.FEWEST else None


class ConversationWhole(ConversationRow):
    """A conversation with everything public about it."""

    background: str
    what_happens: str
    promised_by: str
    promised_on: date | None
    minutes: int
    reach: str
    people_add: bool
    moderation: str
    policy: str


class AnswerRow(Schema):
    """What came of a statement."""

    heed: str
    words: str
    answered_at: datetime


class StatementRow(Schema):
    """A statement that people vote on, and what came of it, the newest answer first."""

    number: int
    text: str
    by_staff: bool
    standing: str
    added_at: datetime
    answers: list[AnswerRow]

    @staticmethod
    def resolve_by_staff(statement: Statement) -> bool:
        """Tell whether those who ask put it there."""
        return statement.is_first


@router.get(
    "/conversations",
    response={200: Page[ConversationRow], **PROBLEMS},
    summary="List the conversations",
)
def list_conversations(request: HttpRequest, paging: Pages) -> dict[str, Any]:
    """Open ones first, then coming, closed and withdrawn."""
    page = page_of(request, queries.public(cast(Request, request).viewer), paging)
    queries.hand_people(page["items"])
    return page


@router.get(
    "/conversations/{conversation_id}",
    response={200: ConversationWhole, **PROBLEMS},
    summary="Read one conversation",
)
def read_conversation(request: HttpRequest, conversation_id: int = Number) -> Conversation:
    """With its background, its rules, and what is promised."""
    found = _public(request, conversation_id)
    queries.hand_people([found])
    return found


@router.get(
    "/conversations/{conversation_id}/statements",
    response={200: Page[StatementRow], **PROBLEMS},
    summary="List the statements that people vote on",
)
def list_statements(
    request: HttpRequest, paging: Pages, conversation_id: int = Number
) -> dict[str, Any]:
    """In the order of their numbers; each with what came of it. Never who wrote it."""
    found = _public(request, conversation_id)
    return page_of(request, queries.statements_in_order(found), paging)


def _public(request: HttpRequest, conversation_id: int) -> Conversation:
    viewer = cast(Request, request).viewer
    return get_object_or_404(queries.public(viewer), pk=conversation_id)
