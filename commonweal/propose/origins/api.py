"""The trace for programs: of what an idea came, and what came of a statement."""

from typing import Any, cast

from django.http import Http404, HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router, Schema

from commonweal.kit.api import PROBLEMS, Number
from commonweal.kit.request import Request
from commonweal.propose.origins import queries
from commonweal.propose.origins.queries import Outcome, Source
from commonweal.propose.proposals.queries import readable_by_all

router = Router(tags=["Ideas"])


class SourceRow(Schema):
    """A statement of which an idea came; how people voted on it is told from five votes on."""

    conversation: int
    number: int
    text: str
    votes: int | None
    agree_in_100: int | None

    @staticmethod
    def resolve_conversation(source: Source) -> int:
        """Return the conversation's number."""
        return source.statement.conversation_id

    @staticmethod
    def resolve_number(source: Source) -> int:
        """Return the statement's number in it."""
        return source.statement.number

    @staticmethod
    def resolve_text(source: Source) -> str:
        """Return the words."""
        return source.statement.text


class OutcomeRow(Schema):
    """An idea that came of a statement, and the one it joined."""

    idea: int
    title: str
    status: str
    joined: int | None

    @staticmethod
    def resolve_idea(outcome: Outcome) -> int:
        """Return the idea's number."""
        return outcome.idea.pk

    @staticmethod
    def resolve_title(outcome: Outcome) -> str:
        """Return the name of the one whose fate it shares."""
        return outcome.shown.title

    @staticmethod
    def resolve_status(outcome: Outcome) -> str:
        """Return where that one stands."""
        return outcome.shown.status

    @staticmethod
    def resolve_joined(outcome: Outcome) -> int | None:
        """Return the number of the idea it joined."""
        return outcome.lead.pk if outcome.lead else None


class CameOfIt(Schema):
    """What came of a statement."""

    challenge: str | None
    ideas: list[OutcomeRow]


@router.get(
    "/ideas/{idea_id}/statements",
    response={200: list[SourceRow], **PROBLEMS},
    summary="Of which statements an idea came",
)
def read_sources(request: HttpRequest, idea_id: int = Number) -> list[Source]:
    """Those too of the ideas that joined it."""
    viewer = cast(Request, request).viewer
    return queries.sources_of_idea(viewer, get_object_or_404(readable_by_all(viewer), pk=idea_id))


@router.get(
    "/conversations/{conversation_id}/statements/{number}/ideas",
    response={200: CameOfIt, **PROBLEMS},
    summary="What came of a statement",
)
def read_outcomes(
    request: HttpRequest, conversation_id: int = Number, number: int = Number
) -> dict[str, Any]:
    """A challenge, and ideas with where they stand."""
    viewer = cast(Request, request).viewer
    said = queries.statement_here(viewer, conversation_id, number)
    if said is None:
        raise Http404
    is_public = said.challenge is not None and said.challenge.is_public
    return {
        "challenge": said.challenge.slug if is_public and said.challenge else None,
        "ideas": queries.outcomes(viewer, said),
    }
