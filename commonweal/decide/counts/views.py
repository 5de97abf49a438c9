"""Pages on which a result stands, and the ballots without names."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from commonweal.decide.budgets.models import BallotKind, Pot
from commonweal.decide.budgets.queries import FEWEST, numbered
from commonweal.decide.budgets.rules import may_run
from commonweal.decide.counts import actions, queries
from commonweal.decide.counts.rules import may_read_result
from commonweal.engine.voting.pabulib import Election, write_pabulib
from commonweal.kit.doors import privileged, the_one
from commonweal.kit.request import Request


@require_safe
def result(request: Request, pot_id: int) -> HttpResponse:
    """Say of every project why it won or lost; before the count, when that will be."""
    pot = _pot(request, pot_id)
    if pot.result is None or not may_read_result(request.viewer, pot):
        return _page(request, "counts/result_later.html", pot, {})
    lines = queries.lines(pot)
    won = [line for line in lines if line["is_funded"]]
    lost = [line for line in lines if not line["is_funded"]]
    means = [pot.result[name]["mean"] for name in ("chosen", "chosen_by_votes")]
    widest = max(*means, 0.01)
    values = {
        "result": pot.result,
        "won": won,
        "lost": lost,
        "both": (won, lost),
        "bar_here": means[0] / widest,
        "bar_votes": means[1] / widest,
        "left_pence": pot.pence - pot.result["spent_pence"],
        "even_pence": pot.pence // max(1, pot.result["voters"]),
        "publishes": queries.may_publish_ballots(pot),
        "fewest": FEWEST,
    }
    return _page(request, "counts/result.html", pot, values)


@require_safe
def ballots(request: Request, pot_id: int) -> HttpResponse:
    """Hand out the ballots of a counted pot without names, so that anyone can count again."""
    pot = _pot(request, pot_id)
    if pot.declared_at is None or not queries.may_publish_ballots(pot):
        raise Http404
    profile = queries.profile(pot)
    titles = pot.projects.in_bulk()
    election = Election(
        profile=profile,
        budget=pot.pence,
        vote_type=queries.VOTE_TYPES[BallotKind(pot.ballot_kind)],
        currency="GBP",
        names=tuple(" ".join(titles[number].title.split()) for number in profile.ids.tolist()),
        meta={"description": " ".join(pot.title.split()), "rule": pot.rule},
    )
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ballots.pb"
        write_pabulib(election, file)
        content = file.read_bytes()
    name = f'attachment; filename="pot-{pot.pk}.pb"'
    return HttpResponse(
        content, content_type="text/plain; charset=utf-8", headers={"Content-Disposition": name}
    )


@require_POST
@privileged
def count(request: Request, pot_id: int) -> HttpResponse:
    """Count a closed pot now."""
    pot = _pot(request, pot_id)
    if not may_run(request.viewer, pot):
        raise PermissionDenied(_("Only a clerk, or those who lead this challenge, may do this."))
    try:
        actions.count_pot(viewer=request.viewer, pot_id=pot_id)
    except actions.NotYetClosed:
        return _page(request, "ballots/closed.html", pot, {"nav": "desk"}, status=409)
    except actions.PaperIsMissing:
        words = _(
            "It waits for paper: papers are out that are neither in the box nor declared lost."
        )
        messages.warning(request, words)
        return redirect("budgets:check", pot_id)
    return redirect("counts:result", pot_id)


# --- shared


def _pot(request: Request, pot_id: int) -> Pot:
    return the_one(numbered(request.viewer, pot_id))


def _page(
    request: Request, template: str, pot: Pot, values: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    at = request.viewer.at
    known = {"nav": "money", "pot": pot, "state": pot.state(at), "at": at}
    return render(request, template, {**known, **values}, status=status)
