"""Pages of reports, files to take away, and what other sites show of a conversation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

from csp.decorators import csp_replace
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from commonweal.ground.places.rules import Viewer, everyone
from commonweal.kit.doors import privileged, the_one
from commonweal.kit.printing import REPORT, as_pdf
from commonweal.kit.request import Request
from commonweal.listen.conversations.models import Conversation
from commonweal.listen.conversations.queries import numbered
from commonweal.listen.reports import actions, queries, rules
from commonweal.listen.reports.forms import WordsForm
from commonweal.listen.reports.models import Report

# --- the report


@require_safe
def report(request: Request, conversation_id: int) -> HttpResponse:
    """Show what a conversation found, for a committee and for everybody."""
    conversation, written = _readable(request, conversation_id)
    values = {
        "report": written,
        "found": queries.findings(conversation),
        "may_write": rules.may_write(request.viewer, conversation),
    }
    return _page(request, "reports/report.html", conversation, values)


@require_safe
def report_pdf(request: Request, conversation_id: int) -> HttpResponse:
    """Hand out the same on paper."""
    conversation, written = _readable(request, conversation_id)
    found = queries.findings(conversation)
    given = _printed(conversation, written, found, request.viewer)
    return HttpResponse(
        as_pdf(REPORT, given),
        content_type="application/pdf",
        headers={"Content-Disposition": f'inline; filename="conversation-{conversation.pk}.pdf"'},
    )


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def words(request: Request, conversation_id: int) -> HttpResponse:
    """Write what stands before the figures, and make it public."""
    conversation = _found(request, conversation_id)
    if not rules.may_write(request.viewer, conversation):
        raise PermissionDenied(_("Only those who run this conversation may write its report."))
    written = queries.report_of(conversation)
    is_public = written is not None and written.published_at is not None
    do = request.POST.get("do", "save")
    stays_public = do == "publish" or (is_public and do != "take-back")
    form = WordsForm(
        request.POST if request.method == "POST" else None,
        initial={"summary": written.summary, "advice": written.advice} if written else None,
        is_public=stays_public,
    )
    if request.method == "POST" and form.is_valid():
        actions.write_report(
            viewer=request.viewer,
            conversation=conversation,
            is_public=stays_public,
            **form.cleaned_data,
        )
        messages.success(request, _SAID.get(do, _("The words are kept.")))
        return redirect("reports:report", conversation.pk)
    values = {"form": form, "is_public": is_public}
    return _page(request, "reports/words.html", conversation, values)


_SAID = {
    "publish": gettext_lazy("The report is public. Everybody who follows this is told."),
    "take-back": gettext_lazy("Only staff can read the report now."),
}


def _readable(request: Request, conversation_id: int) -> tuple[Conversation, Report | None]:
    conversation = _found(request, conversation_id)
    written = queries.report_of(conversation)
    if not rules.may_read(request.viewer, conversation, written):
        raise Http404
    return conversation, written


def _printed(
    conversation: Conversation,
    written: Report | None,
    found: queries.Findings | None,
    viewer: Viewer,
) -> dict[str, Any]:
    """Return the words and numbers of the report as the template for paper reads them."""
    opened = {
        "from": _moment(conversation.opens_at),
        "until": _moment(conversation.closes_at or viewer.at),
    }
    given: dict[str, Any] = {
        "title": conversation.question,
        "authority": viewer.authority.run_by,
        "language": (get_language() or "en")[:2],
        "kind": _("Report on a conversation"),
        "open": _("Open from %(from)s until %(until)s") % opened
        if conversation.closes_at
        else _("Open since %(from)s; it has not closed") % opened,
        "parts": [],
        "map": "",
        "tables": [],
        "foot": _("The figures are worked out from the votes alone. Numbers under 5 are hidden."),
    }
    if written is not None:
        given["parts"] = [
            [title, said.splitlines()]
            for title, said in (
                (_("In short"), written.summary),
                (_("What we advise"), written.advice),
            )
            if said.strip()
        ]
    if found is None:
        given["headline"], given["figures"] = _("Too few people have answered for a map."), ""
        return given
    drawn = found.drawn
    given["headline"] = found.headline
    given["figures"] = _(
        "%(people)s people cast %(votes)s votes on %(statements)s statements. Map of %(when)s."
    ) % {
        "people": f"{drawn.people:,}",
        "votes": f"{drawn.votes:,}",
        "statements": f"{drawn.statements:,}",
        "when": _moment(drawn.made_at),
    }
    given["map"] = queries.drawing_of(drawn)
    given["map_words"] = _("Map of opinion: darker means more people, closer means more alike.")
    given["tables"] = list(_tables(found))
    return given


def _tables(found: queries.Findings) -> Iterator[dict[str, Any]]:
    """Yield every table of the report: its title, its words, its columns and its rows."""
    if found.groups:
        yield {
            "title": _("Groups of opinion"),
            "words": _("With the range we are 90% sure of."),
            "columns": [_("Group"), _("People"), _("Range"), _("How clear is the group?")],
            "rows": [
                [_named(g), g["people"], g["range"], g["clear"]]
                for g in found.groups
            ],
        }  # fmt: skip
    head = [_("Statement"), *found.columns, _("Votes")]
    for section in found.sections:
        yield {
            "title": section.title,
            "words": section.words if section.rows else section.nothing,
            "columns": head,
            "rows": [_cells(row) for row in section.rows],
        }
    if found.short:
        yield {
            "title": _("A few statements that together speak for most people"),
            "words": _("%(share)s in 100 people agree with at least one of these.")
            % {"share": found.reached},
            "columns": head,
            "rows": [_cells(row) for row in found.short],
        }
    for about in found.who:
        yield {
            "title": about["title"],
            "words": _("Who took part, and who lives here, in 100."),
            "columns": [_("Answer"), _("Took part"), _("Live here")],
            "rows": [
                [
                    choice["label"],
                    _("hidden") if choice["in_100"] is None else str(choice["in_100"]),
                    _("not known")
                    if choice["residents_in_100"] is None
                    else str(choice["residents_in_100"]),
                ]
                for choice in about["choices"]
            ],
        }
    yield {
        "title": _("What became of statements that people added"),
        "words": "",
        "columns": [_("Where they stand"), _("Number")],
        "rows": [[label, str(number)] for label, number in found.decisions],
    }
    if found.answers:
        yield {
            "title": _("What came of it so far"),
            "words": "",
            "columns": [_("You said"), _("We did")],
            "rows": [[text, f"{heed}. {said}"] for text, heed, said in found.answers],
        }
    yield {
        "title": _("Every statement"),
        "words": _("%(n)s more are in the table on the site.") % {"n": found.left_out}
        if found.left_out
        else "",
        "columns": head,
        "rows": [_cells(row) for row in found.every],
    }


def _named(group: dict[str, Any]) -> str:
    if not group["says"]:
        return str(group["letter"])
    words = _("%(letter)s: against “%(text)s”") if group["against"] else _("%(letter)s: “%(text)s”")
    return words % {"letter": group["letter"], "text": group["says"]}


def _moment(at: datetime) -> str:
    local = timezone.localtime(at)
    return f"{date_format(local, 'l j F Y')}, {local:%H:%M}"


def _cells(row: queries.Row) -> list[str]:
    return [f"{row.line.statement.number}. {row.line.statement.text}", *row.cells, row.votes]


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
    handed = replace(handed, address=request.build_absolute_uri(conversation.get_absolute_url()))
    answer = StreamingHttpResponse(lines(handed), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="conversation-{conversation.pk}-{name}"'
    return cast(HttpResponse, answer)  # doors speak of whole answers; this one comes in pieces


# --- on other sites

EMBED = '<iframe src="{}" title="{}" width="100%" height="420" loading="lazy" style="border:0"></iframe>'


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
    lines = format_html(EMBED, address, conversation.question)
    return _page(request, "reports/embed_code.html", conversation, {"lines": lines})


# --- shared


def _found(request: Request, conversation_id: int) -> Conversation:
    return the_one(numbered(request.viewer, conversation_id))


def _page(
    request: Request, template: str, conversation: Conversation, values: dict[str, Any]
) -> HttpResponse:
    at = request.viewer.at
    known = {"nav": "open", "conversation": conversation, "state": conversation.state(at), "at": at}
    return render(request, template, {**known, **values})
