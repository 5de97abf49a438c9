"""Pages on which people share out money."""

from __future__ import annotations

from typing import Any, cast

from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from commonweal.decide.budgets import actions, queries, rules
from commonweal.decide.budgets.forms import PotForm, ProjectForm
from commonweal.decide.budgets.models import Pot, Project
from commonweal.ground.challenges.models import Challenge
from commonweal.kit.doors import privileged, the_one
from commonweal.kit.money import pounds
from commonweal.kit.request import Request
from commonweal.propose.proposals.models import Proposal

# --- for everybody


@require_safe
def pot_list(request: Request) -> HttpResponse:
    """Show every pot: open, to be counted, to come, counted."""
    state = request.GET.get("state", "")
    words = request.GET.get("q", "").replace("\0", "").strip()[:100]
    found = queries.pots_in_state(request.viewer, state)
    if words:
        found = found.filter(title__icontains=words)
    page = Paginator(queries.as_cards(found), 20).get_page(request.GET.get("page"))
    values = {"nav": "money", "page": page, "state": state, "q": words, "at": request.viewer.at}
    return render(request, "budgets/list.html", values)


@require_safe
def pot(request: Request, pot_id: int) -> HttpResponse:
    """Say what the money is for, who shares it out, how and until when."""
    viewer = request.viewer
    pot = _pot(request, pot_id)
    values = {
        "projects": queries.projects_for(viewer, pot),
        "may_run": rules.may_run(viewer, pot),
    }
    return _page(request, "budgets/pot.html", pot, values)


@require_safe
def project(request: Request, project_id: int) -> HttpResponse:
    """Show one project of a pot: what it does, where, then what it costs."""
    project = get_object_or_404(queries.projects(request.viewer), pk=project_id)
    return _page(request, "budgets/project.html", project.pot, {"project": project})


# --- for those who run it


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def set_up(request: Request, slug: str) -> HttpResponse:
    """Set money of a challenge aside: the first of three steps."""
    challenge = queries.challenge_to_fund(request.viewer, slug)
    if challenge is None:
        raise Http404
    if not rules.may_set_up(request.viewer, challenge, challenge.community):
        raise PermissionDenied(_("Only those who lead this challenge may share out its money."))
    communities = queries.communities_to_ask(challenge)
    start = {"community": challenge.community_id}
    form = PotForm(request.POST or None, communities=communities, initial=start)
    if request.method == "POST" and form.is_valid():
        pot = _pot_from(
            form,
            lambda given: actions.create_pot(viewer=request.viewer, challenge=challenge, **given),
        )
        if pot is not None:
            return redirect("budgets:choose", pot.pk)
    return _set_up_page(request, challenge, form, None)


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def change(request: Request, pot_id: int) -> HttpResponse:
    """Change a pot before it opens."""
    pot = _pot_to_run(request, pot_id)
    if request.method != "POST" and pot.opens_at <= request.viewer.at:
        return _frozen(request, pot, status=200)
    communities = queries.communities_to_ask(pot.challenge)
    form = PotForm(request.POST or None, instance=pot, communities=communities)
    if request.method == "POST" and form.is_valid():
        changed = _pot_from(
            form,
            lambda given: actions.change_pot(viewer=request.viewer, pot_id=pot_id, **given),
        )
        if changed is not None:
            return redirect("budgets:check", pot_id)
    return _set_up_page(request, pot.challenge, form, pot_id)


def _pot_from(form: PotForm, action: Any) -> Pot | None:
    """Run the action; put what it refuses into words beside the field."""
    try:
        return cast(Pot, action(form.cleaned_data))
    except actions.OutcomeComesFirst:
        words = _("First write down what should get better. Then money can be shared out.")
        form.add_error(None, words)
    except actions.MoreThanTheChallengeHas as error:
        left = {"left": pounds(error.left_pence)}
        form.add_error("pence", _("The challenge has %(left)s left to share out.") % left)
    except actions.OpensTooSoon:
        words = _("Open it later than now, so that people can read the ideas first.")
        form.add_error("opens_at", words)
    except actions.PotHasOpened:
        form.add_error(None, _("Voting has opened. From now on the pot stays as it is."))
    except actions.TooDear:
        form.add_error("pence", _("One of the ideas in this pot would cost more than that."))
    return None


def _set_up_page(
    request: Request, challenge: Challenge, form: PotForm, pot_id: int | None
) -> HttpResponse:
    values = {
        "nav": "desk",
        "challenge": challenge,
        "has_outcome": challenge.outcomes.exists(),
        "left_pence": None
        if challenge.money_pence is None
        else max(0, challenge.money_pence - queries.money_in_pots(challenge, but=pot_id)),
        "form": form,
        "pot_id": pot_id,
    }
    return render(request, "budgets/set_up.html", values)


@require_safe
@privileged
def choose(request: Request, pot_id: int) -> HttpResponse:
    """Show what is on the ballot and which costed ideas could be: the second step."""
    pot = _pot_to_run(request, pot_id)
    page = Paginator(queries.proposals_to_add(pot), 30).get_page(request.GET.get("page"))
    values = {"nav": "desk", "projects": pot.projects.order_by("pk"), "page": page}
    return _page(request, "budgets/choose.html", pot, values)


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def add(request: Request, pot_id: int) -> HttpResponse:
    """Put a costed proposal, or something without one, on the ballot."""
    pot = _pot_to_run(request, pot_id)
    proposal = _proposal_asked_for(request, pot)
    start: dict[str, Any] = {}
    if proposal is not None:
        summary = " ".join(proposal.better.split())[:500]
        start = {"title": proposal.title, "summary": summary, "cost_pence": proposal.cost_pence}
    form = ProjectForm(request.POST or None, initial=start)
    if request.method == "POST" and form.is_valid():
        done = _project_from(
            form,
            lambda given: actions.add_project(
                viewer=request.viewer, pot_id=pot_id, proposal=proposal, **given
            ),
        )
        if done:
            return redirect("budgets:choose", pot_id)
    return _page(
        request,
        "budgets/project_form.html",
        pot,
        {"nav": "desk", "form": form, "proposal": proposal},
    )


def _proposal_asked_for(request: Request, pot: Pot) -> Proposal | None:
    number = request.GET.get("idea", "")
    if not number:
        return None
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        raise Http404
    return get_object_or_404(queries.proposals_to_add(pot), pk=int(number))


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def change_project(request: Request, project_id: int) -> HttpResponse:
    """Change what stands on the ballot before it opens."""
    project = get_object_or_404(queries.projects(request.viewer), pk=project_id)
    pot = _pot_to_run(request, project.pot_id)
    if request.method != "POST" and pot.opens_at <= request.viewer.at:
        return _frozen(request, pot, status=200)
    form = ProjectForm(request.POST or None, instance=project)
    if request.method == "POST" and form.is_valid():
        done = _project_from(
            form,
            lambda given: actions.change_project(
                viewer=request.viewer, project_id=project_id, **given
            ),
        )
        if done:
            return redirect("budgets:choose", pot.pk)
    values = {"nav": "desk", "form": form, "project": project, "proposal": project.proposal}
    return _page(request, "budgets/project_form.html", pot, values)


def _frozen(request: Request, pot: Pot, *, status: int) -> HttpResponse:
    """Say that the ballot stays as it is, instead of a form that could save nothing."""
    return _page(request, "budgets/frozen.html", pot, {"nav": "desk"}, status=status)


def _project_from(form: ProjectForm, action: Any) -> bool:
    try:
        action(form.cleaned_data)
    except actions.TooDear:
        form.add_error("cost_pence", _("That is more than the whole pot."))
    except actions.PotHasOpened:
        form.add_error(None, _("Voting has opened. From now on the ballot stays as it is."))
    except Project.DoesNotExist:
        form.add_error(None, _("This has been taken off the ballot by somebody else."))
    except actions.ProposalNotReady:
        form.add_error(None, _("This idea is not ready for this ballot. Choose another."))
    return not form.errors


@require_POST
@privileged
def remove(request: Request, project_id: int) -> HttpResponse:
    """Take a project off the ballot before it opens."""
    project = get_object_or_404(queries.projects(request.viewer), pk=project_id)
    _pot_to_run(request, project.pot_id)
    try:
        actions.remove_project(viewer=request.viewer, project_id=project_id)
    except actions.PotHasOpened:
        return _frozen(request, project.pot, status=409)
    except Project.DoesNotExist:
        pass  # a double click: it is gone already
    return redirect("budgets:choose", project.pot_id)


@require_safe
@privileged
def check(request: Request, pot_id: int) -> HttpResponse:
    """Show everything about a pot to those who run it, and what comes next: the third step."""
    pot = _pot_to_run(request, pot_id)
    values = {
        "nav": "desk",
        "projects": pot.projects.order_by("pk"),
        "total_pence": sum(pot.projects.values_list("cost_pence", flat=True)),
    }
    return _page(request, "budgets/desk_pot.html", pot, values)


# --- shared


def _pot(request: Request, pot_id: int) -> Pot:
    return the_one(queries.numbered(request.viewer, pot_id))


def _pot_to_run(request: Request, pot_id: int) -> Pot:
    pot = _pot(request, pot_id)
    if not rules.may_run(request.viewer, pot):
        raise PermissionDenied(_("Only a clerk, or those who lead this challenge, may do this."))
    return pot


def _page(
    request: Request, template: str, pot: Pot, values: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    known = {
        "nav": "money",
        "pot": pot,
        "state": pot.state(request.viewer.at),
        "at": request.viewer.at,
    }
    return render(request, template, {**known, **values}, status=status)
