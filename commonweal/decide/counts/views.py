"""Pages on which a result stands, and everything that anyone needs to check it."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import datetime
from functools import lru_cache
from typing import Any

from allauth.core import ratelimit
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from commonweal.decide.budgets.models import Pot
from commonweal.decide.budgets.queries import FEWEST, numbered
from commonweal.decide.counts import actions, queries
from commonweal.decide.counts.forms import ReceiptForm
from commonweal.decide.counts.models import Stage
from commonweal.decide.counts.rules import may_read_result
from commonweal.kit.doors import privileged, the_one
from commonweal.kit.request import Request


@require_safe
def result(request: Request, pot_id: int) -> HttpResponse:
    """Say what was funded, and of every project why; before the count, when that will be."""
    pot = _pot(request, pot_id)
    if pot.result is None or not may_read_result(request.viewer, pot):
        return _later(request, pot)
    lines = queries.lines(pot)
    told, spent = pot.result, pot.result["spent_pence"]
    waiting = len(queries.unexplained(pot))
    values = {
        "result": told,
        "missed": told.get("quorum", 0) > told["voters"],
        "won": [line for line in lines if line["is_funded"]],
        "spent_share": spent / pot.pence,
        "left_pence": pot.pence - spent,
        "even_pence": pot.pence // max(1, told["voters"]),
        "areas": queries.by_area(lines),
        "turnout": queries.who_took_part(pot),
        "publishes": queries.may_publish_ballots(pot),
        "bundle": queries.bundle_of(pot),
        "fewest": FEWEST,
        "why": _why(pot.pk, pot.counted_at, waiting, get_language()),
    }
    return _page(request, "counts/result.html", pot, values)


@lru_cache(maxsize=100)
def _why(pot_id: int, counted_at: datetime, waiting: int, language: str) -> str:
    """Draw once why each project won or lost and whether it was fair: a count never changes.

    Only what would have been enough may still be added, for as many projects as are ``waiting``.
    """
    pot = Pot.objects.get(pk=pot_id)
    lines, told = queries.lines(pot), pot.result or {}
    won = [line for line in lines if line["is_funded"]]
    lost = [line for line in lines if not line["is_funded"]]
    means = [told[name]["mean"] for name in ("chosen", "chosen_by_votes")]
    widest = max(*means, 0.01)
    ties = queries.ties_told(pot, lines)
    values = {
        "pot": pot,
        "result": told,
        "missed": told.get("quorum", 0) > told["voters"],
        "won": won,
        "lost": lost,
        "both": (won, lost),
        "scored": told["projects"] and lines[0]["score"] is not None,
        "bar_here": means[0] / widest,
        "bar_votes": means[1] / widest,
        "left_pence": pot.pence - told["spent_pence"],
        "fair": queries.who_got_what(pot, lines),
        "ties": ties,
        "lots": queries.lots_of(pot, ties),
        "fewest": FEWEST,
    }
    return render_to_string("counts/why.html", values)


def _later(request: Request, pot: Pot) -> HttpResponse:
    """Say how far the count is, or when there will be a result."""
    is_counting = pot.state(request.viewer.at) == "closed" and pot.counted_at is None
    now = queries.stage(pot) if is_counting else ""
    names = [name for name, _words in STAGES]
    values = {
        "stage": now,
        "stages": [
            {"words": words, "is_done": names.index(name) < names.index(now), "is_now": name == now}
            for name, words in STAGES
        ]
        if now in names
        else [],
    }
    return _page(request, "counts/result_later.html", pot, values)


STAGES = (("closing", gettext_lazy("Closing the box")), *Stage.choices[:-1])


# --- checking a count


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def check(request: Request, pot_id: int) -> HttpResponse:
    """Say in words how anyone checks this count, and look a receipt up."""
    pot = _pot(request, pot_id)
    if not may_read_result(request.viewer, pot):
        return _later(request, pot)
    form = ReceiptForm(request.POST if request.method == "POST" else None)
    if form.is_bound and not _may_look(request):
        form.add_error("receipt", _("That was too many tries. Wait a minute, then try once more."))
    found = None
    if form.is_bound and form.is_valid():
        found = queries.found_among(pot, form.cleaned_data["receipt"])
    bundle = queries.bundle_of(pot)
    if found and bundle and request.POST.get("do") == "proof":
        return _proof(pot, found)
    typed = request.POST.get("receipt", "").strip().upper()[:80]
    values = {
        "form": form,
        "found": found,
        "is_read": (found or "").replace("-", "") != "".join(filter(str.isalnum, typed)),
        "typed": typed,
        "bundle": bundle,
        "result": pot.result,
        "fewest": FEWEST,
        "may_run": pot.declared_at is None,
    }
    status = 422 if form.errors else 200
    return _page(request, "counts/check.html", pot, values, status=status)


def _may_look(request: Request) -> bool:
    """Hold back whoever tries very many; only a hash of their address is kept, for a minute."""
    return bool(ratelimit.consume(request, action="look_up_receipt"))


def _proof(pot: Pot, receipt: str) -> HttpResponse:
    """Hand out the hashes that lead from a receipt to the root that was published."""
    content = json.dumps(queries.proof(pot, receipt), indent=1) + "\n"
    return _file(content, "receipt-proof.json", "application/json")


@require_safe
def bundle(request: Request, pot_id: int) -> HttpResponse:
    """Hand out everything that anyone needs to count again, as one archive."""
    pot = _declared(request, pot_id)
    if queries.bundle_of(pot) is None:
        raise Http404
    return _file(queries.content_of(pot), f"pot-{pot.pk}.zip", "application/zip")


@require_safe
def ballots(request: Request, pot_id: int) -> HttpResponse:
    """Hand out the ballots of a counted pot without names, so that anyone can count again."""
    pot = _declared(request, pot_id)
    known = queries.bundle_of(pot)
    if known is None or not known.is_whole:
        raise Http404
    with zipfile.ZipFile(io.BytesIO(queries.content_of(pot))) as pack:
        content = pack.read(f"pot-{pot.pk}/ballots.pb")
    return _file(content, f"pot-{pot.pk}.pb", "text/plain; charset=utf-8")


COLUMNS = (
    "place", "project", "title", "where", "cost_pence", "votes", "score", "is_funded", "why", "payment_pence",
    "effective_votes", "shortfall_pence", "needed_ballots", "needed_approvals", "needed_cost_pence",
)  # fmt: skip


@require_safe
def table(request: Request, pot_id: int) -> HttpResponse:
    """Hand out the result as a table; small numbers are empty."""
    pot = _declared(request, pot_id)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for line in queries.told_lines(pot):
        project = line["project"]
        known = {**line, "project": project.pk, "title": project.title, "where": project.where}
        writer.writerow([_cell(known.get(name)) for name in COLUMNS])
    return _file(out.getvalue(), f"pot-{pot.pk}-result.csv", "text/csv; charset=utf-8")


def _cell(value: Any) -> Any:
    """Write words so that no spreadsheet takes them for a formula."""
    if isinstance(value, str):
        return f"'{value}" if value[:1] in "=+-@\t\r" and value else value
    return "" if value is None else int(value)


def _file(content: str | bytes, name: str, kind: str) -> HttpResponse:
    head = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(content, content_type=kind, headers=head)


# --- for those who run it


@require_POST
@privileged
def count(request: Request, pot_id: int) -> HttpResponse:
    """Have a closed pot counted now."""
    pot = _pot(request, pot_id)
    try:
        actions.begin_count(viewer=request.viewer, pot_id=pot_id)
    except Pot.DoesNotExist:
        raise Http404 from None
    except actions.NotThere:
        messages.warning(request, _("This pot is a draft or was withdrawn. Nobody counts it."))
        return redirect("budgets:check", pot_id)
    except actions.NotYetClosed:
        return _page(request, "ballots/closed.html", pot, {"nav": "desk"}, status=409)
    except actions.PaperIsMissing:
        words = _(
            "It waits for paper: papers are out that are neither in the box nor declared lost."
        )
        messages.warning(request, words)
        return redirect("budgets:check", pot_id)
    if pot.counted_at is None:
        actions.count_later(pot_id=pot.pk, who=request.viewer.person)
    return redirect("counts:result", pot_id)


# --- shared


def _pot(request: Request, pot_id: int) -> Pot:
    return the_one(numbered(request.viewer, pot_id))


def _declared(request: Request, pot_id: int) -> Pot:
    pot = _pot(request, pot_id)
    if pot.declared_at is None:
        raise Http404
    return pot


def _page(
    request: Request, template: str, pot: Pot, values: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    at = request.viewer.at
    known = {"nav": "money", "pot": pot, "state": pot.state(at), "at": at}
    return render(request, template, {**known, **values}, status=status)
