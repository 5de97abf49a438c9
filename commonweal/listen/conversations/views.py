"""Pages of conversations and of what is said in them."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from commonweal.kit.doors import the_one
from commonweal.kit.request import Request
from commonweal.listen.conversations import queries
from commonweal.listen.conversations.models import Conversation

A_PAGE = 20


@require_safe
def conversation_list(request: Request) -> HttpResponse:
    """Show every conversation: open, coming, closed."""
    found = queries.conversations(request.viewer)
    page = Paginator(found, A_PAGE).get_page(request.GET.get("page"))
    return render(request, "conversations/list.html", {"nav": "open", "page": page})


@require_safe
def conversation(request: Request, conversation_id: int) -> HttpResponse:
    """Say what is asked, how long it takes and what happens with it."""
    return _page(request, "conversations/conversation.html", _found(request, conversation_id), {})


@require_safe
def statements(request: Request, conversation_id: int) -> HttpResponse:
    """Show every statement of a conversation."""
    conversation = _found(request, conversation_id)
    page = Paginator(queries.shown(conversation), A_PAGE).get_page(request.GET.get("page"))
    return _page(request, "conversations/statements.html", conversation, {"page": page})


@require_safe
def statement(request: Request, conversation_id: int, number: int) -> HttpResponse:
    """Show one statement."""
    conversation = _found(request, conversation_id)
    found = get_object_or_404(queries.shown(conversation), number=number)
    found.conversation = conversation
    return _page(request, "conversations/statement.html", conversation, {"statement": found})


def _found(request: Request, conversation_id: int) -> Conversation:
    return the_one(queries.numbered(request.viewer, conversation_id))


def _page(
    request: Request, template: str, conversation: Conversation, values: dict[str, Any]
) -> HttpResponse:
    at = request.viewer.at
    known = {"nav": "open", "conversation": conversation, "state": conversation.state(at), "at": at}
    return render(request, template, {**known, **values})
