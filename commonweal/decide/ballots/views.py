"""Pages on which people vote."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from commonweal.decide.ballots import actions, queries, rules
from commonweal.decide.ballots.forms import BallotForm
from commonweal.decide.budgets.models import Pot
from commonweal.decide.budgets.queries import numbered, projects_for
from commonweal.kit.clock import database_now
from commonweal.kit.doors import signed_in, the_one
from commonweal.kit.request import Request


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@signed_in
def vote(request: Request, pot_id: int) -> HttpResponse:
    """Let a person choose, check and cast; without script each step is a form that comes back."""
    if request.method != "POST":
        return _ballot(request, pot_id)
    form = BallotForm(request.POST)
    step = request.POST.get("do", "total")
    if not form.is_valid() or step != "cast":
        return _ballot(request, pot_id, form, step)
    choice = rules.Choice.of(form.cleaned_data["projects"])
    viewer = replace(request.viewer, at=database_now())
    try:
        actions.cast_ballot(viewer=viewer, pot_id=pot_id, choice=choice)
    except Pot.DoesNotExist:
        raise Http404 from None
    except actions.PotClosed as closed:
        return _page(request, "ballots/closed.html", closed.pot, {"sent": True}, status=409)
    except actions.WrongBallot as error:
        form.add_error("projects", error.wrong.words)
        return _ballot(request, pot_id, form, step)
    except actions.VotedAlready as error:
        form.add_error(None, str(error))
        return _ballot(request, pot_id, form, step)
    except PermissionDenied:
        return _ballot(request, pot_id)
    return redirect("ballots:receipt", pot_id)


def _with_stranger(form: BallotForm) -> BallotForm:
    words = _("One of the ideas you ticked is not on this ballot. Check your choice, then cast it.")
    form.add_error("projects", words)
    return form


def _ballot(
    request: Request, pot_id: int, form: BallotForm | None = None, step: str = ""
) -> HttpResponse:
    """Show the ballot with what is ticked so far, or the check page when it is asked for."""
    viewer, pot = request.viewer, _pot(request, pot_id)
    refused = rules.why_not(viewer, pot)
    if refused and refused.code in ("closed", "coming"):
        sent = form is not None
        return _page(
            request, "ballots/closed.html", pot, {"sent": sent}, status=409 if sent else 200
        )
    if refused:
        return _page(request, "ballots/not_yours.html", pot, {"why_not": refused}, status=403)
    mine = queries.ballot_of(viewer, pot)
    ticked = _ticked(form) if form else set(mine.projects if mine else ())
    projects = projects_for(viewer, pot)
    chosen = [project for project in projects if project.pk in ticked]
    if form and step == "check" and form.is_valid() and len(chosen) < len(ticked):
        _with_stranger(form)
    total = sum(project.cost_pence for project in chosen)
    values = {
        "projects": projects,
        "chosen": chosen,
        "ticked": ticked,
        "total_pence": total,
        "left_pence": pot.pence - total,
        "over_pence": max(0, total - pot.pence),
        "share": total / pot.pence,
        "form": form if form and step in ("check", "cast") else None,
        "nothing": form or BallotForm(),
        "has_voted": mine is not None,
    }
    if form and step == "check" and form.is_valid():
        return _page(request, "ballots/check.html", pot, values)
    template = "ballots/baskets.html" if form and request.htmx else "ballots/vote.html"
    return _page(request, template, pot, values)


def _ticked(form: BallotForm) -> set[int]:
    """Return what was ticked, also on a form with a mistake elsewhere; nothing is lost."""
    form.is_valid()
    given = form.data.getlist("projects") if hasattr(form.data, "getlist") else []
    return {int(word) for word in given if word.isascii() and word.isdigit() and len(word) < 19}


@require_safe
@never_cache
@signed_in
def receipt(request: Request, pot_id: int) -> HttpResponse:
    """Say that a person's vote is in, and show them what they chose while that can be found."""
    viewer, pot = request.viewer, _pot(request, pot_id)
    mine = queries.ballot_of(viewer, pot)
    chosen = set(mine.projects) if mine else set()
    values = {
        "ballot": mine,
        "has_voted": mine is not None or queries.has_voted(viewer, pot),
        "why_not": rules.why_not(viewer, pot),
        "chosen": [project for project in pot.projects.order_by("pk") if project.pk in chosen],
    }
    return _page(request, "ballots/receipt.html", pot, values)


# --- shared


def _pot(request: Request, pot_id: int) -> Pot:
    return the_one(numbered(request.viewer, pot_id))


def _page(
    request: Request, template: str, pot: Pot, values: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    at = request.viewer.at
    known = {"nav": "money", "pot": pot, "state": pot.state(at), "at": at}
    return render(request, template, {**known, **values}, status=status)
