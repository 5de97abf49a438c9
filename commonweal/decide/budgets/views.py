"""Pages on which people share out money, and those on which staff set it up and run it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from django import forms as django_forms
from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from commonweal.decide.budgets import actions, forms, queries, rules
from commonweal.decide.budgets.models import (
    BallotKind,
    Picture,
    Pot,
    Project,
    Question,
    Round,
    Step,
)
from commonweal.ground.challenges.models import Challenge
from commonweal.ground.places.rules import Viewer
from commonweal.kit.clock import database_now
from commonweal.kit.doors import privileged, signed_in, the_one
from commonweal.kit.money import pounds
from commonweal.kit.request import Request
from commonweal.propose.proposals.models import Proposal

KEPT = "kept_questions"  # what somebody asked before they could be let in: {project: words}
PICTURE_KEPT = 3600  # seconds in a browser: a picture may be taken down

# --- for everybody


@require_safe
def pot_list(request: Request) -> HttpResponse:
    """Show every pot: open, to be counted, to come, counted; a round stands there once."""
    state = request.GET.get("state", "")
    words = request.GET.get("q", "").replace("\0", "").strip()[:100]
    found = queries.pots_in_state(request.viewer, state)
    if words:
        found = found.filter(title__icontains=words)
    listed = queries.in_a_list(request.viewer, queries.as_cards(found))
    page = Paginator(listed, 20).get_page(request.GET.get("page"))
    values = {"nav": "money", "page": page, "state": state, "q": words, "at": request.viewer.at}
    return render(request, "budgets/list.html", values)


@require_safe
def pot(request: Request, pot_id: int) -> HttpResponse:
    """Say what the money is for, who shares it out, how and until when."""
    return _show_pot(request, "budgets/pot.html", _pot(request, pot_id), {})


def _show_pot(
    request: Request, template: str, pot: Pot, more: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    viewer = request.viewer
    has_opened = not pot.is_draft and pot.opens_at <= viewer.at
    district = None
    if pot.round_id is not None:
        district = queries.own_district(viewer, queries.pots_of_round(viewer, pot.round_id))
    withdrawal = queries.withdrawal_of(pot) if pot.withdrawn_at is not None else None
    values = {
        "projects": queries.projects_for(viewer, pot),
        "may_run": rules.may_run(viewer, pot),
        "changes": queries.changes_of(pot) if has_opened else (),
        "withdrawal": withdrawal,
        "own_district": district if district != pot else None,
        **more,
    }
    return _page(request, template, pot, values, status=status)


@require_safe
def round(request: Request, round_id: int) -> HttpResponse:
    """Show the pots of all districts, one's own first."""
    viewer = request.viewer
    found = get_object_or_404(queries.rounds(viewer), pk=round_id)
    pots = queries.pots_of_round(viewer, round_id)
    values = {
        "nav": "money",
        "round": found,
        "pots": pots,
        "own_district": queries.own_district(viewer, pots),
        "total_pence": sum(pot.pence for pot in pots),
    }
    return render(request, "budgets/round.html", values)


@require_safe
def project(request: Request, project_id: int) -> HttpResponse:
    """Show one project of a pot: what it promises, where, who runs it, then what it costs."""
    project = get_object_or_404(queries.projects(request.viewer), pk=project_id)
    kept = request.session.get(KEPT, {}).get(str(project_id), "")
    return _show_project(request, project, forms.AskForm(initial={"body": kept}), {})


def _show_project(
    request: Request, project: Project, form: forms.AskForm, more: dict[str, Any]
) -> HttpResponse:
    viewer, pot = request.viewer, project.pot
    values = {
        "project": project,
        "lines": project.cost_lines,
        "pictures": queries.pictures_of([project]),
        "questions": queries.questions_of(project),
        "form": form,
        "may_ask": rules.may_ask(viewer, pot),
        "takes_questions": pot.state(viewer.at) in ("coming", "open"),
        "may_run": viewer.has_second_factor and rules.may_run(viewer, pot),
        "may_moderate": viewer.has_second_factor and rules.may_moderate(viewer, pot),
        **more,
    }
    return _page(request, "budgets/project.html", pot, values)


@require_safe
def picture(request: Request, picture_id: int) -> HttpResponse:
    """Hand out a picture to whoever may see its project; small on the way to a small screen."""
    token = request.GET.get("preview", "")
    found = queries.picture(request.viewer, picture_id, token)
    if found is None:
        raise Http404
    content = found.small if request.GET.get("size") == "small" else found.large
    headers = {
        "Cache-Control": f"private, max-age={PICTURE_KEPT}",
        "Content-Disposition": f'inline; filename="picture-{picture_id}.jpg"',
    }
    return HttpResponse(bytes(content), content_type="image/jpeg", headers=headers)


@require_safe
@never_cache
def preview(request: Request, token: str) -> HttpResponse:
    """Show a pot and its ballot as people will see them, to whoever holds the link; nobody can vote."""
    pot = _previewed(request, token)
    if _has_begun(request.viewer, pot):
        return _unlisted(redirect(pot))
    values = {"token": token, "may_run": False, **_ballot(request.viewer, pot)}
    return _unlisted(_show_pot(request, "budgets/preview.html", pot, values))


@require_safe
@never_cache
def preview_project(request: Request, token: str, project_id: int) -> HttpResponse:
    """Show one project of a pot that is not public yet, to whoever holds the link."""
    pot = _previewed(request, token)
    project = get_object_or_404(pot.projects.select_related("proposal"), pk=project_id)
    if _has_begun(request.viewer, pot):
        return _unlisted(redirect(project))
    project.pot = pot
    values = {"token": token, "takes_questions": False, "may_run": False, "may_moderate": False}
    return _unlisted(_show_project(request, project, forms.AskForm(), values))


def _ballot(viewer: Viewer, pot: Pot) -> dict[str, Any]:
    """Return what a picture of the ballot is drawn from: the ideas, and the marks they can get."""
    listed = queries.projects_for(viewer, pot)
    scales = {
        BallotKind.RANKED: range(1, len(listed) + 1),
        BallotKind.POINTS: range(1, pot.points + 1),
        BallotKind.SCORES: range(1, pot.top_score + 1),
    }
    return {"sample": listed, "scale": scales.get(BallotKind(pot.ballot_kind), range(0))[:100]}


def _previewed(request: Request, token: str) -> Pot:
    is_one = token.isascii() and token.isprintable() and len(token) <= 64
    pot = queries.previewed(request.viewer, token) if is_one else None
    if pot is None:
        raise Http404
    return pot


def _has_begun(viewer: Viewer, pot: Pot) -> bool:
    """Tell whether everybody sees the pot and can vote: then there is nothing to preview any more."""
    is_public = pot.challenge.is_public and not pot.is_hidden(viewer.at)
    return is_public and viewer.at >= pot.opens_at


def _unlisted(answer: HttpResponse) -> HttpResponse:
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


# --- questions and answers


@require_POST
def ask(request: Request, project_id: int) -> HttpResponse:
    """Ask something about a project; whoever has to sign in first keeps their words."""
    viewer = _now(request)
    project = get_object_or_404(queries.projects(viewer), pk=project_id)
    form = forms.AskForm(request.POST)
    if not form.is_valid():
        return _show_project(request, project, form, {})
    here = f"{project.get_absolute_url()}#ask"
    body = form.cleaned_data["body"]
    if viewer.person is None:
        _keep(request, project_id, body)
        return redirect_to_login(here)
    try:
        asked = actions.ask_question(viewer=viewer, project_id=project_id, body=body)
    except actions.TooManyQuestions:
        form.add_error(None, _("You asked ten questions in an hour. Wait a little, then go on."))
        return _show_project(request, project, form, {})
    _keep(request, project_id, "")
    messages.success(request, _("Your question stands here now. You can take it back."))
    return redirect(f"{project.get_absolute_url()}#question-{asked.pk}")


def _keep(request: Request, project_id: int, words: str) -> None:
    kept = {**request.session.get(KEPT, {}), str(project_id): words}
    request.session[KEPT] = {key: value for key, value in list(kept.items())[-5:] if value}


@require_POST
@signed_in
def remove_question(request: Request, question_id: int) -> HttpResponse:
    """Take back what one asked oneself."""
    asked = _question(request, question_id)
    project = actions.remove_own_question(viewer=request.viewer, question_id=asked.pk)
    messages.success(request, _("Your question is removed."))
    return redirect(f"{project.get_absolute_url()}#questions")


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def answer(request: Request, question_id: int) -> HttpResponse:
    """Answer a question about a project."""
    asked = _question(request, question_id)
    if not rules.may_run(request.viewer, asked.project.pot):
        raise PermissionDenied(_("Only those who run this pot answer."))
    form = forms.AnswerForm(request.POST or None, initial={"answer": asked.answer})
    if form.is_valid():
        actions.answer_question(
            viewer=_now(request), question_id=question_id, answer=form.cleaned_data["answer"]
        )
        messages.success(request, _("Your answer stands beside the question."))
        return redirect(asked)
    values = {"nav": "desk", "question": asked, "project": asked.project, "form": form}
    return _page(request, "budgets/answer.html", asked.project.pot, values)


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def hide_question(request: Request, question_id: int) -> HttpResponse:
    """Hide a question, and say why."""
    asked = _question_to_moderate(request, question_id)
    form = forms.HideForm(request.POST or None)
    if form.is_valid():
        actions.hide_question(viewer=request.viewer, question_id=question_id, **form.cleaned_data)
        messages.success(request, _("Hidden. The person who wrote it sees why."))
        return redirect(asked)
    values = {"nav": "desk", "question": asked, "project": asked.project, "form": form}
    return _page(request, "budgets/hide_question.html", asked.project.pot, values)


@require_POST
@privileged
def show_question(request: Request, question_id: int) -> HttpResponse:
    """Show a hidden question again."""
    asked = _question_to_moderate(request, question_id)
    actions.show_question(viewer=request.viewer, question_id=question_id)
    messages.success(request, _("Everyone can read this again."))
    return redirect(asked)


def _question(request: Request, question_id: int) -> Question:
    found = queries.question(request.viewer, question_id)
    if found is None:
        raise Http404
    return found


def _question_to_moderate(request: Request, question_id: int) -> Question:
    asked = _question(request, question_id)
    if not rules.may_moderate(request.viewer, asked.project.pot):
        raise PermissionDenied(_("Only moderators hide what somebody asked."))
    return asked


# --- setting up, step by step


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def set_up(request: Request, slug: str) -> HttpResponse:
    """Set money of a challenge aside: the first step; only those who lead it see the pot from here."""
    challenge = _challenge_to_fund(request, slug)
    communities = queries.communities_to_ask(challenge)
    form = forms.BeginForm(request.POST or None, communities=communities)
    if request.method == "POST" and form.is_valid():
        made = _begun(_now(request), challenge, form)
        if made is not None:
            return redirect("budgets:step", made.pk, Step.VOTERS)
    values = {
        "nav": "desk",
        "challenge": challenge,
        "has_outcome": challenge.outcomes.exists(),
        "left_pence": _left(challenge),
        "form": form,
        "tour": _tour(None, Step.PURPOSE),
        "past": queries.pots_to_copy(request.viewer)[:5],
    }
    return render(request, "budgets/set_up.html", values)


def _begun(viewer: Viewer, challenge: Challenge, form: forms.BeginForm) -> Pot | None:
    given = dict(form.cleaned_data)
    districts = given.pop("districts", [])

    def begin() -> Pot | None:
        if not districts:
            place = challenge.community
            return actions.draft_pot(viewer=viewer, challenge=challenge, community=place, **given)
        made: Round = actions.draft_round(
            viewer=viewer, challenge=challenge, communities=districts, **given
        )
        return made.pots.order_by("community__name", "pk").first()

    return _saved(form, begin)


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def copy(request: Request, slug: str, pot_id: int) -> HttpResponse:
    """Begin a pot from an earlier one: its settings, and those of its ideas that are ticked."""
    challenge = _challenge_to_fund(request, slug)
    past = _pot_to_run(request, pot_id)
    form = forms.CopyForm(request.POST or None, past=past)
    if request.method == "POST" and form.is_valid():
        viewer = _now(request)
        made = _saved(
            form,
            lambda: actions.copy_pot(
                viewer=viewer, pot_id=pot_id, challenge=challenge, **form.cleaned_data
            ),
        )
        if made is not None:
            messages.success(request, _("Copied. Say when it opens, then check it."))
            return redirect("budgets:step", made.pk, Step.DATES)
    values = {"nav": "desk", "challenge": challenge, "form": form, "left_pence": _left(challenge)}
    return _page(request, "budgets/copy.html", past, values)


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def step(request: Request, pot_id: int, step: str) -> HttpResponse:
    """Save one step of a pot before it opens, and go on to the next."""
    if step not in Step.values:
        raise Http404
    if step == Step.IDEAS:
        return redirect("budgets:choose", pot_id)

    def beside(pot: Pot) -> dict[str, Any]:
        return _ballot(request.viewer, pot) if step == Step.BALLOT else {}

    return _step(request, pot_id, Step(step), "budgets/step.html", beside)


def _step(
    request: Request,
    pot_id: int,
    step: Step,
    template: str,
    more: Callable[[Pot], dict[str, Any]],
) -> HttpResponse:
    pot = _pot_to_run(request, pot_id)
    if _is_frozen(request, pot):
        if step == Step.IDEAS and request.method != "POST":
            return _page(request, template, pot, {"nav": "desk", "form": None, **more(pot)})
        return _frozen(request, pot, status=409 if request.method == "POST" else 200)
    communities = queries.communities_to_ask(pot.challenge) if step == Step.VOTERS else []
    form = forms.STEP_FORMS[step](request.POST or None, instance=pot, communities=communities)
    if request.method == "POST" and form.is_valid():
        given, viewer = form.cleaned_data, _now(request)
        saved = _saved(
            form, lambda: actions.save_step(viewer=viewer, pot_id=pot_id, step=step, **given)
        )
        if saved is not None:
            messages.success(request, _("Saved."))
            return redirect(_after(saved, step))
        pot = _pot_to_run(request, pot_id)  # the form has put its values on the other one
    values = {
        "nav": "desk",
        "form": form,
        "step": step,
        "tour": _tour(pot, step),
        "left_pence": _left(pot.challenge, but=pot) if step == Step.PURPOSE else None,
        **more(pot),
    }
    return _page(request, template, pot, values)


def _after(pot: Pot, step: Step) -> str:
    """Return the next step of a pot that is being set up; the check page of one that was whole."""
    order = list(Step)
    number = order.index(step) + 1
    if not pot.is_draft or number == len(order):
        return reverse("budgets:check", args=[pot.pk])
    if order[number] == Step.IDEAS:
        return reverse("budgets:choose", args=[pot.pk])
    return reverse("budgets:step", args=[pot.pk, order[number]])


def _tour(pot: Pot | None, here: Step | str) -> list[dict[str, Any]]:
    """Return the steps with where they are, and which are done."""
    steps: list[dict[str, Any]] = []
    for step in Step:
        name = "budgets:choose" if step == Step.IDEAS else "budgets:step"
        given = [] if pot is None else [pot.pk, *([] if step == Step.IDEAS else [step.value])]
        steps.append(
            {
                "words": step.label,
                "href": reverse(name, args=given) if pot else "",
                "is_here": step == here,
                "is_done": pot is not None and _is_done(pot, step),
            }
        )
    check = reverse("budgets:check", args=[pot.pk]) if pot else ""
    last = {"words": _("Check"), "href": check, "is_here": here == "check", "is_done": False}
    return [*steps, last]


def _is_done(pot: Pot, step: Step) -> bool:
    has_ideas: bool = step == Step.IDEAS and getattr(pot, "project_count", 0) > 0
    return has_ideas or not pot.is_draft or step in pot.steps_done


def _left(challenge: Challenge, *, but: Pot | None = None) -> int | None:
    """Return what the challenge has left to share out; nothing where it has no limit."""
    if challenge.money_pence is None:
        return None
    held = queries.money_in_pots(challenge, but=None if but is None else but.pk)
    return max(0, challenge.money_pence - held)


def _saved(form: django_forms.BaseForm, action: Callable[[], Pot | None]) -> Pot | None:
    """Run the action; put what it refuses into words beside the field."""
    try:
        return action()
    except actions.OutcomeComesFirst:
        words = _("First write down what should get better. Then money can be shared out.")
        form.add_error(None, words)
    except actions.MoreThanTheChallengeHas as error:
        left = {"left": pounds(error.left_pence)}
        words = _("The challenge has %(left)s left to share out.") % left
        form.add_error("pence" if "pence" in form.fields else None, words)
    except actions.OpensTooSoon:
        words = _("Open it later than now, so that people can read the ideas first.")
        form.add_error("opens_at" if "opens_at" in form.fields else None, words)
    except actions.QuietTime as error:
        words = _(
            "It is quiet then: %(why)s. No vote opens, closes or is declared in that time."
            " Choose other dates."
        )
        form.add_error(None, words % {"why": error.period.why})
    except actions.RuleCannotRead:
        words = _(
            "Phragmén's method reads who chose what, and nothing finer: it cannot count places,"
            " points or scores. Choose another way of counting, or another ballot."
        )
        form.add_error(None, words)
    except actions.PotHasOpened:
        form.add_error(None, _("Voting has opened. From now on the pot stays as it is."))
    except actions.TooDear:
        words = _("One of the ideas in this pot would cost more than that.")
        form.add_error("pence" if "pence" in form.fields else None, words)
    return None


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def choose(request: Request, pot_id: int) -> HttpResponse:
    """Show what is on the ballot and which costed ideas could be."""

    def listed(pot: Pot) -> dict[str, Any]:
        page = Paginator(queries.proposals_to_add(pot), 30).get_page(request.GET.get("page"))
        return {
            "projects": pot.projects.order_by("pk"),
            "page": page,
            "not_ready": queries.proposals_not_ready(pot),
            "is_frozen": _is_frozen(request, pot),
            "tour": _tour(pot, Step.IDEAS),
        }

    return _step(request, pot_id, Step.IDEAS, "budgets/choose.html", listed)


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def add(request: Request, pot_id: int) -> HttpResponse:
    """Put a costed proposal, or something without one, on the ballot."""
    pot = _pot_to_run(request, pot_id)
    proposal = _proposal_asked_for(request, pot)
    start: dict[str, Any] = {}
    if proposal is not None:
        summary = " ".join(proposal.better.split())[:500]
        start = {
            "title": proposal.title,
            "summary": summary,
            "outcome": " ".join(proposal.measure.split())[:300],
            "cost_pence": proposal.cost_pence,
            "cost_note": " ".join(proposal.cost_note.split())[:500],
        }
        start |= queries.as_appraised(proposal)
    form = forms.ProjectForm(request.POST or None, initial=start)
    if request.method == "POST" and form.is_valid():
        viewer, given = _now(request), form.cleaned_data
        done = _project_from(
            form,
            lambda: actions.add_project(viewer=viewer, pot_id=pot_id, proposal=proposal, **given),
        )
        if done:
            return redirect("budgets:choose", pot_id)
    values = {"nav": "desk", "form": form, "proposal": proposal}
    return _page(request, "budgets/project_form.html", pot, values)


def _proposal_asked_for(request: Request, pot: Pot) -> Proposal | None:
    number = request.GET.get("idea", "")
    if not number:
        return None
    if not (number.isascii() and number.isdigit() and len(number) < 19):
        raise Http404
    found: Proposal = get_object_or_404(queries.proposals_to_add(pot), pk=int(number))
    return found


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def change_project(request: Request, project_id: int) -> HttpResponse:
    """Change what stands on the ballot before it opens."""
    project = get_object_or_404(queries.projects(request.viewer), pk=project_id)
    pot = _pot_to_run(request, project.pot_id)
    if request.method != "POST" and _is_frozen(request, pot):
        return _frozen(request, pot, status=200)
    form = forms.ProjectForm(request.POST or None, instance=project)
    if request.method == "POST" and form.is_valid():
        viewer, given = _now(request), form.cleaned_data
        done = _project_from(
            form,
            lambda: actions.change_project(viewer=viewer, project_id=project_id, **given),
        )
        if done:
            return redirect("budgets:choose", pot.pk)
    values = {
        "nav": "desk",
        "form": form,
        "project": project,
        "proposal": project.proposal,
        "pictures": queries.pictures_of([project]),
    }
    return _page(request, "budgets/project_form.html", pot, values)


def _is_frozen(request: Request, pot: Pot) -> bool:
    has_opened = not pot.is_draft and pot.opens_at <= request.viewer.at
    return has_opened or pot.withdrawn_at is not None


def _frozen(request: Request, pot: Pot, *, status: int) -> HttpResponse:
    """Say that the ballot stays as it is, instead of a form that could save nothing."""
    return _page(request, "budgets/frozen.html", pot, {"nav": "desk"}, status=status)


def _project_from(form: forms.ProjectForm, action: Callable[[], Project]) -> bool:
    try:
        action()
    except actions.TooDear:
        form.add_error("cost_pence", _("That is more than the whole pot."))
    except actions.PotHasOpened:
        form.add_error(None, _("Voting has opened. From now on the ballot stays as it is."))
    except Project.DoesNotExist:
        form.add_error(None, _("This has been taken off the ballot by somebody else."))
    except actions.OtherThanAppraised as error:
        words = _(
            "Staff found that it costs %(found)s, and its authors answered to that. Write the same,"
            " or have it worked out again first."
        )
        form.add_error("cost_pence", words % {"found": pounds(error.pence)})
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
        actions.remove_project(viewer=_now(request), project_id=project_id)
    except actions.PotHasOpened:
        return _frozen(request, project.pot, status=409)
    except Project.DoesNotExist:
        pass  # a double click: it is gone already
    return redirect("budgets:choose", project.pot_id)


@require_safe
@privileged
def check(request: Request, pot_id: int) -> HttpResponse:
    """Show everything about a pot to those who run it, what is missing, and what comes next."""
    pot = _pot_to_run(request, pot_id)
    at = request.viewer.at
    siblings: list[Pot] = []
    if pot.round_id is not None:
        siblings = queries.pots_of_round(request.viewer, pot.round_id)
    withdrawal = queries.withdrawal_of(pot)
    listed = list(pot.projects.order_by("pk"))
    values = {
        "nav": "desk",
        "projects": listed,
        "total_pence": sum(project.cost_pence for project in listed),
        "alone": queries.alone(listed) if pot.is_draft or at < pot.opens_at else [],
        "missing": _missing(pot, request) if pot.is_draft else [],
        "siblings": siblings,
        "tour": _tour(pot, "check") if not _is_frozen(request, pot) else [],
        "withdrawal": withdrawal,
        "may_agree": withdrawal is not None and rules.may_agree(request.viewer, withdrawal),
        "changes": queries.changes_of(pot) if pot.opens_at <= at else (),
        "preview_at": request.build_absolute_uri(reverse("budgets:preview", args=[pot.preview])),
    }
    return _page(request, "budgets/desk_pot.html", pot, values)


def _missing(pot: Pot, request: Request) -> list[dict[str, str]]:
    hrefs = {one["words"]: one["href"] for one in _tour(pot, "check")}
    return [
        {"words": lack.words, "href": hrefs[lack.step.label]}
        for lack in queries.missing(pot, request.viewer.at)
    ]


@require_POST
@privileged
def make_public(request: Request, pot_id: int) -> HttpResponse:
    """Let a whole draft go."""
    _pot_to_run(request, pot_id)
    try:
        actions.make_public(viewer=_now(request), pot_id=pot_id)
    except actions.NotReady:
        messages.error(request, _("Not public yet: something is still missing."))
    except actions.PotHasOpened:
        messages.error(request, _("Voting has opened. From now on the pot stays as it is."))
    else:
        messages.success(request, _("Done. It opens and closes by itself."))
    return redirect("budgets:check", pot_id)


@require_POST
@privileged
def renew_preview(request: Request, pot_id: int) -> HttpResponse:
    """Give the pot a new preview link."""
    _pot_to_run(request, pot_id)
    actions.renew_preview(viewer=request.viewer, pot_id=pot_id)
    messages.success(request, _("There is a new link. The old one leads nowhere any more."))
    return redirect("budgets:check", pot_id)


# --- pictures


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def add_picture(request: Request, project_id: int) -> HttpResponse:
    """Put a picture on a project's page before its pot opens."""
    project = get_object_or_404(queries.projects(request.viewer), pk=project_id)
    pot = _pot_to_run(request, project.pot_id)
    if _is_frozen(request, pot):
        return _frozen(request, pot, status=409 if request.method == "POST" else 200)
    posted = request.method == "POST"
    form = forms.PictureForm(request.POST if posted else None, request.FILES if posted else None)
    if form.is_valid():
        try:
            actions.add_picture(
                viewer=_now(request),
                project_id=project_id,
                drawn=form.cleaned_data["file"],
                alt=form.cleaned_data["alt"],
            )
        except actions.TooManyPictures:
            form.add_error(None, _("Five pictures are enough. Take one away first."))
        except actions.PotHasOpened:
            form.add_error(None, _("Voting has opened. From now on the ballot stays as it is."))
        else:
            messages.success(request, _("The picture is on the page of this idea."))
            return redirect("budgets:add_picture", project_id)
    pictures = queries.pictures_of([project], hidden=True)
    values = {"nav": "desk", "project": project, "form": form, "pictures": pictures}
    return _page(request, "budgets/pictures.html", pot, values)


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def remove_picture(request: Request, picture_id: int) -> HttpResponse:
    """Take a picture away; once people vote it is taken down in public, with a reason."""
    found = queries.picture_to_run(request.viewer, picture_id)
    if found is None:
        raise Http404
    project, pot = found.project, _pot_to_run(request, found.project.pot_id)
    is_frozen = _is_frozen(request, pot)
    form = forms.HidePictureForm(request.POST or None)
    if request.method == "POST" and (not is_frozen or form.is_valid()):
        why = form.cleaned_data["why"] if is_frozen else ""
        try:
            actions.remove_picture(viewer=_now(request), picture_id=picture_id, why=why)
        except Picture.DoesNotExist:
            pass  # a double click: it is gone already
        except actions.PotHasOpened:
            return _frozen(request, pot, status=409)
        messages.success(request, _("The picture is taken away."))
        return redirect(project)
    values = {"nav": "desk", "project": project, "picture": found, "form": form}
    values |= {"is_frozen": is_frozen}
    return _page(request, "budgets/remove_picture.html", pot, values)


# --- after the opening


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def extend(request: Request, pot_id: int) -> HttpResponse:
    """Put off the close of an open pot, and tell everybody why."""
    pot = _pot_to_run(request, pot_id)
    form = forms.ExtendForm(request.POST or None, initial={"closes_at": pot.closes_at})

    def save() -> Pot:
        return actions.extend_close(viewer=_now(request), pot_id=pot_id, **form.cleaned_data)

    if form.is_valid():
        try:
            if _saved(form, save) is not None:
                messages.success(
                    request, _("Voting stays open longer, and everybody can read why.")
                )
                return redirect(pot)
        except actions.NotOpen:
            form.add_error(None, _("Voting is not open, so its close cannot be put off."))
        except actions.OnlyLater:
            form.add_error("closes_at", _("The close can be put off, never brought forward."))
    values = {"nav": "desk", "form": form}
    return _page(request, "budgets/extend.html", pot, values)


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def correct(request: Request, pot_id: int) -> HttpResponse:
    """Correct what a pot says the money is for, once it has opened."""
    pot = _pot_to_run(request, pot_id)
    form = forms.CorrectPotForm(request.POST or None, instance=pot)

    def save() -> object:
        return actions.correct_pot(viewer=_now(request), pot_id=pot_id, **form.cleaned_data)

    if form.is_valid() and _corrected(form, save):
        messages.success(request, _("Corrected, and everybody can read what it was and why."))
        return redirect("budgets:pot", pot_id)
    values = {"nav": "desk", "form": form}
    return _page(request, "budgets/correct.html", _pot_to_run(request, pot_id), values)


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def correct_project(request: Request, project_id: int) -> HttpResponse:
    """Correct where a project is, who runs it or what its cost pays for, once its pot has opened."""
    project = get_object_or_404(queries.projects(request.viewer), pk=project_id)
    pot = _pot_to_run(request, project.pot_id)
    form = forms.CorrectProjectForm(request.POST or None, instance=project)

    def save() -> object:
        return actions.correct_project(
            viewer=_now(request), project_id=project_id, **form.cleaned_data
        )

    if form.is_valid() and _corrected(form, save):
        messages.success(request, _("Corrected, and everybody can read what it was and why."))
        return redirect(project)
    values = {"nav": "desk", "form": form, "project": project}
    return _page(request, "budgets/correct.html", pot, values)


def _corrected(form: django_forms.BaseForm, save: Callable[[], object]) -> bool:
    try:
        save()
    except actions.NotOpen:
        words = _("Voting has not opened, or the pot is withdrawn: nothing has to be corrected.")
        form.add_error(None, words)
    return not form.errors


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def withdraw(request: Request, pot_id: int) -> HttpResponse:
    """Take a pot back: ask, agree as the second person, or let it stand after all."""
    pot = _pot_to_run(request, pot_id)
    asked = queries.withdrawal_of(pot)
    verb = request.POST.get("do", "ask")
    form = forms.WithdrawForm(request.POST if request.method == "POST" and verb == "ask" else None)
    viewer = _now(request) if request.method == "POST" else request.viewer
    try:
        if request.method == "POST" and verb == "agree":
            actions.agree_to_withdraw(viewer=viewer, pot_id=pot_id)
        elif request.method == "POST" and verb == "drop":
            actions.drop_withdrawal(viewer=viewer, pot_id=pot_id)
        elif form.is_valid():
            actions.withdraw_pot(viewer=viewer, pot_id=pot_id, **form.cleaned_data)
        else:
            values = {"nav": "desk", "form": form, "withdrawal": asked}
            values["may_agree"] = asked is not None and rules.may_agree(viewer, asked)
            values["has_opened"] = not pot.is_draft and pot.opens_at <= viewer.at
            return _page(request, "budgets/withdraw.html", pot, values)
    except actions.TakesTwo:
        messages.error(request, _("You asked for it yourself. A second person has to agree."))
    except actions.AskedAlready:
        messages.error(request, _("Somebody has asked for that already. A second has to agree."))
    except actions.NotOpen:
        messages.error(request, _("This pot is counted, or nobody asked to withdraw it."))
    return redirect("budgets:check", pot_id)


# --- quiet times


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def quiet(request: Request) -> HttpResponse:
    """Show the quiet times before elections, and set one."""
    if not rules.may_keep_quiet(request.viewer):
        raise PermissionDenied(_("Only administrators of the whole authority set quiet times."))
    form = forms.QuietForm(request.POST or None)
    in_the_way: list[Pot] = []
    if form.is_valid():
        try:
            actions.set_quiet_period(viewer=_now(request), **form.cleaned_data)
            messages.success(request, _("It is quiet then: nothing opens, closes or is declared."))
            return redirect("budgets:quiet")
        except actions.AlreadyBegun:
            form.add_error("starts_at", _("A quiet time is set before it begins"))
        except actions.PotsInTheWay as error:
            in_the_way = error.pots
            words = _("Pots open or close in this time. Move their dates first, then set it.")
            form.add_error(None, words)
    values = {
        "nav": "desk",
        "form": form,
        "in_the_way": in_the_way,
        "periods": queries.quiet_periods(request.viewer),
        "at": request.viewer.at,
    }
    return render(request, "budgets/quiet.html", values)


@require_POST
@privileged
def end_quiet(request: Request, period_id: int) -> HttpResponse:
    """Call a quiet time off, or end it now."""
    found = get_object_or_404(queries.quiet_periods(request.viewer), pk=period_id)
    actions.end_quiet_period(viewer=_now(request), period_id=found.pk)
    messages.success(request, _("It is not quiet any more."))
    return redirect("budgets:quiet")


# --- shared


def _now(request: Request) -> Viewer:
    """Return the viewer by the database's clock: what opens and closes does so by no other."""
    return replace(request.viewer, at=database_now())


def _pot(request: Request, pot_id: int) -> Pot:
    return the_one(queries.numbered(request.viewer, pot_id))


def _pot_to_run(request: Request, pot_id: int) -> Pot:
    pot = _pot(request, pot_id)
    if not rules.may_run(request.viewer, pot):
        raise PermissionDenied(_("Only a clerk, or those who lead this challenge, may do this."))
    return pot


def _challenge_to_fund(request: Request, slug: str) -> Challenge:
    challenge = queries.challenge_to_fund(request.viewer, slug)
    if challenge is None:
        raise Http404
    if not rules.may_set_up(request.viewer, challenge, challenge.community):
        raise PermissionDenied(_("Only those who lead this challenge may share out its money."))
    return challenge


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
