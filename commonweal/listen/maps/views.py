"""Pages of results: the map, every statement, who took part, and a table to take away."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from commonweal.ground.journal.queries import harmless
from commonweal.ground.places.rules import Viewer, everyone
from commonweal.kit.doors import the_one
from commonweal.kit.request import Request
from commonweal.listen.conversations.models import Conversation
from commonweal.listen.conversations.queries import numbered
from commonweal.listen.maps import queries
from commonweal.listen.maps.models import Finding, Map
from commonweal.listen.maps.queries import LETTERS
from commonweal.listen.voices.queries import participant_of
from commonweal.listen.voices.rules import answers_first, may_take_part

A_PAGE = 15
FIRST = 4  # of a list, before the others are folded away


@require_safe
def map_page(request: Request, conversation_id: int) -> HttpResponse:
    """Show where opinion is common and where it divides, and the viewer's own place."""
    conversation = _found(request, conversation_id)
    drawn = queries.map_of(conversation.pk)
    if drawn is not None and request.htmx and request.GET.get("seen") == _mark(drawn):
        return HttpResponse(status=204)  # they look at the newest already
    if drawn is None or not drawn.told:
        return _page(
            request, "maps/none.html", conversation, drawn, {"me": _me(request, conversation, None)}
        )
    group = _group(request, drawn)
    weighted = bool(request.GET.get("weighted")) and drawn.told["weighted"] is not None
    found = queries.findings_on(queries.listed(drawn))
    texts = tuple((pk, finding.statement.text) for pk, finding in sorted(found.items()))
    values = {
        "me": _me(request, conversation, drawn),
        "group": group,
        "weighted": weighted,
        "drawing": drawn.told["weighted"]["drawing"] if weighted else drawn.told["drawing"],
        "names": _names(drawn, found),
        "sections": _sections(
            _Wanted(
                drawn.made_at,
                group,
                weighted,
                get_language(),
                texts,
                drawn,
                found,
                _Anybody(everyone(request.viewer.authority, drawn.made_at)),
            )
        ),
        "may_vote": may_take_part(request.viewer, conversation),
        "answers_first": answers_first(request.viewer, conversation),
        "others": [LETTERS[g] for g in range(drawn.groups)] if drawn.groups > 1 else [],
        "hanging": queries.hanging(drawn),
        "mark": _mark(drawn),
    }
    return _page(request, "maps/map.html", conversation, drawn, values)


@require_safe
def statements(request: Request, conversation_id: int) -> HttpResponse:
    """Show how people voted on every statement, in the order that is asked for."""
    conversation = _found(request, conversation_id)
    drawn = queries.map_of(conversation.pk)
    if drawn is None:
        return _page(request, "maps/none.html", conversation, None, {})
    first = answers_first(request.viewer, conversation)
    usual = "votes" if first else "agree"  # what comes first tells what others said too
    sort = request.GET.get("sort", usual)
    sort = sort if sort in queries.SORTS else usual
    group = _group(request, drawn)
    place = 0 if group is None else group + 1
    rows = queries.all_findings(conversation, sort=sort, group=place)
    page = Paginator(rows, A_PAGE).get_page(request.GET.get("page"))
    lines = [queries.line(finding) for finding in page.object_list]
    told = {line.statement.pk for line in lines if line.whole.votes is not None}
    folded = queries.yet_to_answer(request.viewer, conversation, told)
    values = {
        "page": page,
        "lines": [(line, line.statement.pk in folded) for line in lines],
        "folded": bool(folded),
        "sort": sort,
        "sorts": _sorts(),
        "group": group,
        "others": [LETTERS[g] for g in range(drawn.groups)] if drawn.groups > 1 else [],
    }
    return _page(request, "maps/statements.html", conversation, drawn, values)


@require_safe
def people(request: Request, conversation_id: int) -> HttpResponse:
    """Show who took part against who lives here."""
    conversation = _found(request, conversation_id)
    drawn = queries.map_of(conversation.pk)
    if drawn is None or not drawn.told:
        return _page(request, "maps/none.html", conversation, drawn, {})
    values: dict[str, Any] = {"who": queries.who_took_part(drawn), "weighted": None}
    if drawn.told["weighted"] is not None:
        values["weighted"] = drawn.told["weighted"]
        asked = [entry["statement"] for entry in values["weighted"]["lists"]["common_ground"]]
        asked += [entry["statement"] for entry in values["weighted"]["lists"]["dividing"]]
        found = queries.findings_on(asked)
        values["lines"] = [queries.line(found[pk]) for pk in dict.fromkeys(asked) if pk in found]
    return _page(request, "maps/people.html", conversation, drawn, values)


COLUMNS = (
    "statement",
    "text",
    "group",
    "votes",
    "agree",
    "low",
    "high",
    "disagree",
    "pass",
    "shown",
)


@require_safe
def table(request: Request, conversation_id: int) -> HttpResponse:
    """Hand out how people voted on each statement as a table; small numbers are empty."""
    conversation = _found(request, conversation_id)
    if queries.map_of(conversation.pk) is None:
        raise Http404
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for finding in queries.all_findings(conversation, sort="votes").order_by("statement__number"):
        writer.writerows(_rows(finding))
    name = f"conversation-{conversation.pk}-map.csv"
    head = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(out.getvalue(), content_type="text/csv; charset=utf-8", headers=head)


def _rows(finding: Finding) -> list[list[Any]]:
    statement = finding.statement
    columns = (finding.votes, finding.agree, finding.low, finding.high, finding.disagree, finding.passed)  # fmt: skip
    rows = []
    for g, (votes, *shares) in enumerate(zip(*columns, strict=True)):
        told = ["" if share is None else f"{share / 1000:.3f}" for share in shares]
        group = LETTERS[g - 1] if g else ""
        shown = "" if g or votes is None else finding.shown
        rows.append(
            [
                statement.number,
                harmless(statement.text),
                group,
                "" if votes is None else votes,
                *told,
                shown,
            ]
        )
    return rows


# --- what a page says


@dataclass(frozen=True)
class _Anybody:
    """Stands for the request in what is written once for everybody: panels of other apps ask it who looks."""

    viewer: Viewer


@dataclass(frozen=True)
class _Wanted:
    """What is to be written of a map's statements; two that agree in the first five are the same."""

    made_at: datetime
    group: int | None
    weighted: bool
    language: str
    texts: tuple[tuple[int, str], ...]
    drawn: Map = field(compare=False)
    found: dict[int, Finding] = field(compare=False)
    request: _Anybody = field(compare=False)


@lru_cache(maxsize=100)
def _sections(wanted: _Wanted) -> str:
    """Write once what a map says of statements, until there is a newer one or a statement goes."""
    drawn, found = wanted.drawn, wanted.found
    group, weighted = wanted.group, wanted.weighted
    told = drawn.told
    lists = {**told["lists"], **(told["weighted"]["lists"] if weighted else {})}

    def lines(entries: list[Any]) -> list[queries.Line]:
        whole = [entry if isinstance(entry, dict) else {"statement": entry} for entry in entries]
        return [
            queries.line(
                found[entry["statement"]],
                side=entry.get("side", "agree"),
                one=entry.get("one", 0),
                other=entry.get("other", 0),
            )
            for entry in whole
            if entry["statement"] in found
        ]

    special = [
        (LETTERS[g], lines([e for e in lists["group_statements"] if e["group"] == g]))
        for g in range(drawn.groups if drawn.groups > 1 else 0)
        if group is None or g == group
    ]
    reached = lists["short_list_reached"]
    values = {
        "request": wanted.request,
        "drawn": drawn,
        "first": FIRST,
        "group": group,
        "weighted": weighted,
        "common": _weighed(lines(lists["common_ground"]), weighted),
        "dividing": _weighed(lines(lists["dividing"]), weighted),
        "special": special,
        "ends": _ends(lines(told["ends"])),
        "short": lines(lists["short_list"]),
        "reached": reached[0] if reached else None,
        "proportional": lists["short_list_proportional"],
        "uncertain": lines(lists["uncertain"])[:5],
        "seen": _as_a_group_sees(drawn, group),
    }
    return render_to_string("maps/sections.html", values)


def _weighed(lines: list[queries.Line], weighted: bool) -> list[queries.Line]:
    """Return lines with their weighted numbers in the place of the plain ones, where that is asked for."""
    if not weighted:
        return lines
    told = [(line, line.weighted) for line in lines]
    return [replace(line, whole=part, groups=()) for line, part in told if part is not None]


def _ends(lines: list[queries.Line]) -> list[list[queries.Line]]:
    """Return what the one end of the line says, and what the other says."""
    return [
        [line for line in lines if line.one > line.other],
        [line for line in lines if line.one < line.other],
    ]


def _as_a_group_sees(drawn: Map, group: int | None) -> dict[str, Any] | None:
    """Return what one group agrees with most, and what it rejects most."""
    if group is None:
        return None
    conversation = Conversation(pk=drawn.conversation_id)
    found = {}
    for sort in ("agree", "disagree"):
        rows = queries.all_findings(conversation, sort=sort, group=group + 1)[:5]
        lines = [queries.line(finding) for finding in rows]
        found[sort] = [
            line
            for line in lines
            if line.groups[group].votes and getattr(line.groups[group], sort) > 50
        ]
    return {"letter": LETTERS[group], **found}


def _names(drawn: Map, found: dict[int, Finding]) -> list[dict[str, Any]]:
    """Return each group's letter, size and the statement that is most special to it."""
    special = drawn.told["lists"]["group_statements"]
    names = []
    for g, size in enumerate(drawn.told["sizes"] if drawn.groups > 1 else ()):
        own = [e for e in special if e["group"] == g and e["statement"] in found]
        own.sort(key=lambda entry: entry["side"] != "agree")
        first = own[0] if own else None
        names.append(
            {
                "group": g,
                "size": size,
                "side": first["side"] if first else "",
                "statement": found[first["statement"]].statement if first else None,
            }
        )
    return names


def _me(request: Request, conversation: Conversation, drawn: Map | None) -> queries.Me | None:
    participant = participant_of(request.viewer, conversation)
    return None if participant is None else queries.place_of(drawn, participant.pk)


def _group(request: Request, drawn: Map) -> int | None:
    """Return as which group sees it the page is asked for; nothing where there is no such group."""
    asked = request.GET.get("group", "").upper()
    known = LETTERS[: drawn.groups] if drawn.groups > 1 else ""
    return known.index(asked) if len(asked) == 1 and asked in known else None


def _sorts() -> list[tuple[str, str]]:
    return [
        ("agree", _("Most agreed with")),
        ("disagree", _("Most disagreed with")),
        ("divided", _("Most divided")),
        ("passed", _("Most passed on")),
        ("votes", _("Most votes")),
    ]


def _mark(drawn: Map) -> str:
    return f"{drawn.made_at.timestamp():.6f}"


def _found(request: Request, conversation_id: int) -> Conversation:
    return the_one(numbered(request.viewer, conversation_id))


def _page(
    request: Request,
    template: str,
    conversation: Conversation,
    drawn: Map | None,
    values: dict[str, Any],
) -> HttpResponse:
    at = request.viewer.at
    known = {
        "nav": "open",
        "conversation": conversation,
        "state": conversation.state(at),
        "at": at,
        "drawn": drawn,
        "fewest": queries.FEWEST,
    }
    return render(request, template, {**known, **values})
