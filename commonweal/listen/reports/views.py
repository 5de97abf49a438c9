"""Pages of reports, files to take away, and what other sites show of a conversation."""

from __future__ import annotations

from typing import Any, cast

from csp.decorators import csp_replace
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from commonweal.ground.places.rules import everyone
from commonweal.kit.doors import privileged, the_one
from commonweal.kit.request import Request
from commonweal.listen.conversations.models import Conversation
from commonweal.listen.conversations.queries import numbered
from commonweal.listen.reports import actions, queries, rules

# --- files to take away


@require_safe
@privileged
def exports(request: Request, conversation_id: int) -> HttpResponse:
    """Say what each file holds, and what is left out of it."""
    conversation = _found(request, conversation_id)
    if not rules.may_export(request.viewer, conversation):
        raise PermissionDenied(_("Only those who run this conversation may take its votes away."))
    return _page(request, "reports/exports.html", conversation, {"files": list(queries.FILES)})


@require_POST
@privileged
def export(request: Request, conversation_id: int, name: str) -> HttpResponse:
    """Hand out one file, line by line."""
    conversation = _found(request, conversation_id)
    lines = queries.FILES.get(name)
    if lines is None:
        raise Http404
    handed = actions.hand_out(viewer=request.viewer, conversation=conversation)
    answer = StreamingHttpResponse(lines(handed), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="conversation-{conversation.pk}-{name}"'
    return cast(HttpResponse, answer)  # doors speak of whole answers; this one comes in pieces


# --- on other sites


@require_safe
@csp_replace({"frame-ancestors": ["*"]})  # type: ignore[arg-type]
def embed(request: Request, conversation_id: int) -> HttpResponse:
    """Show a conversation inside a page of any other site.

    It shows what everyone may read, whoever looks, and nothing can be done in it: so nobody can be
    made to press what they do not see.
    """
    request.viewer = everyone(request.viewer.authority, request.viewer.at)
    conversation = _found(request, conversation_id)
    answer = _page(request, "reports/embed.html", conversation, {})
    answer.xframe_options_exempt = True
    return answer


@require_safe
def embed_code(request: Request, conversation_id: int) -> HttpResponse:
    """Show the few words that bring a conversation onto another site."""
    conversation = _found(request, conversation_id)
    address = request.build_absolute_uri(reverse("reports:embed", args=[conversation.pk]))
    return _page(request, "reports/embed_code.html", conversation, {"embed": address})


# --- shared


def _found(request: Request, conversation_id: int) -> Conversation:
    return the_one(numbered(request.viewer, conversation_id))


def _page(
    request: Request, template: str, conversation: Conversation, values: dict[str, Any]
) -> HttpResponse:
    at = request.viewer.at
    known = {"nav": "open", "conversation": conversation, "state": conversation.state(at), "at": at}
    return render(request, template, {**known, **values})
