"""The whole record, for auditors and administrators."""

import csv
from collections.abc import Iterator
from typing import cast
from urllib.parse import urlencode

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from commonweal.ground.journal import forms, queries, rules
from commonweal.ground.journal.queries import Line
from commonweal.kit.doors import privileged
from commonweal.kit.request import Request

A_PAGE = 50
COLUMNS = ("entry", "at", "what", "words", "about", "about_id", "who", "public", "facts")


@require_safe
@privileged
def records(request: Request) -> HttpResponse:
    """Show every entry that this person may check, the newest first."""
    _checked(request)
    form = forms.RecordsForm(request.GET)
    found = queries.narrowed(queries.records(request.viewer), **form.choices())
    entries = list(queries.older(found, form.before_entry())[: A_PAGE + 1])
    lines = queries.lines(request.viewer, entries[:A_PAGE], checking=True)
    kept = {name: value for name, value in request.GET.items() if name != "before"}
    more = urlencode({**kept, "before": lines[-1].entry.pk}) if len(entries) > A_PAGE else ""
    context = {"nav": "desk", "form": form, "lines": lines, "more": more, "kept": urlencode(kept)}
    return render(request, "journal/records.html", context)


@require_safe
@privileged
def download(request: Request) -> HttpResponse:
    """Hand over the same entries as a file; people stand in it by number, so erasure holds."""
    _checked(request)
    form = forms.RecordsForm(request.GET)
    found = queries.narrowed(queries.records(request.viewer), **form.choices())
    answer = StreamingHttpResponse(
        _rows(queries.in_chunks(request.viewer, found)), content_type="text/csv; charset=utf-8"
    )
    answer["Content-Disposition"] = 'attachment; filename="records.csv"'
    return cast(HttpResponse, answer)  # doors speak of whole answers; this one comes in pieces


def _checked(request: Request) -> None:
    if not rules.may_check(request.viewer):
        raise PermissionDenied(_("The records are for auditors and administrators."))


class _Echo:
    """A file that hands back each line that is written."""

    def write(self, text: str) -> str:
        return text


def _rows(lines: Iterator[Line]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield writer.writerow(COLUMNS)
    for line in lines:
        entry = line.entry
        cells = (
            entry.pk,
            entry.at.isoformat(),
            entry.what,
            line.words,
            entry.about,
            entry.about_id,
            entry.who_id or "",
            entry.is_public,
            entry.facts or "",
        )
        yield writer.writerow([queries.harmless(str(cell)) for cell in cells])
