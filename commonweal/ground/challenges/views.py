"""The pages of challenges, and the five steps in which staff set one up."""

from __future__ import annotations

from collections.abc import Callable

from django import forms as django_forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from commonweal.ground.challenges import actions, forms, queries, rules
from commonweal.ground.challenges.models import Challenge, Outcome
from commonweal.ground.journal import queries as journal
from commonweal.kit.doors import privileged, the_one
from commonweal.kit.request import Request

A_PAGE = 20
STEPS = (
    ("basics", gettext_lazy("The question")),
    ("outcomes", gettext_lazy("Outcomes")),
    ("dates", gettext_lazy("Dates")),
    ("money", gettext_lazy("Money")),
    ("check", gettext_lazy("Check and publish")),
)
SORRY: dict[type[Exception], Promise] = {
    actions.OutcomeComesFirst: gettext_lazy(
        "Money comes after the outcome. First say what should get better, and how we will know."
    ),
    actions.NotAnAmount: gettext_lazy("Write an amount above nothing."),
    actions.LastOutcomeStays: gettext_lazy(
        "This is the last outcome. Add another before you take it away."
    ),
    actions.StagesOutOfOrder: gettext_lazy(
        "A later step opens before an earlier one. Let them open in the order of the loop."
    ),
    actions.StageNeverOpens: gettext_lazy("A step closes before it opens."),
    actions.StageHasOpened: gettext_lazy(
        "A step that has opened in public keeps its opening. You may still change when it closes."
    ),
    actions.NotReady: gettext_lazy(
        "It needs at least one outcome and the dates of one step before everyone can see it."
    ),
}


@require_safe
def challenge_list(request: Request) -> HttpResponse:
    """List the published challenges, open ones first."""
    form = forms.FilterForm(request.GET, viewer=request.viewer)
    cards = queries.cards(request.viewer, **form.choices())
    page = Paginator(cards, A_PAGE).get_page(request.GET.get("page"))
    narrowed = any(form.choices().values())
    context = {"nav": "challenges", "form": form, "page": page, "narrowed": narrowed}
    return render(request, "challenges/list.html", context)


@require_safe
def challenge(request: Request, slug: str) -> HttpResponse:
    """Show one challenge: where it stands, what is open, what should get better, its story."""
    viewer = request.viewer
    found = the_one(queries.at_address(viewer, slug))
    steps = queries.loop_steps(found, viewer.at)
    coming = [step for step in steps if step.opens_at is not None and step.opens_at > viewer.at]
    context = {
        "nav": "challenges",
        "challenge": found,
        "steps": steps,
        "next_step": coming[0] if coming else None,
        # told at the foot of the page, when its other parts have read most of what it tells of
        "story": SimpleLazyObject(
            lambda: journal.story(viewer, challenge=found, known=found.outcomes.all(), limit=8)
        ),
        "may_lead": rules.may_lead(viewer, found),
    }
    return render(request, "challenges/challenge.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def start(request: Request) -> HttpResponse:
    """Begin a challenge."""
    viewer = request.viewer
    if not rules.may_set_up(viewer):
        raise PermissionDenied(_("Challenges are set up by those who lead a service."))
    form = forms.BasicsForm(request.POST or None, viewer=viewer)
    if not form.is_valid():
        return _page(request, "challenges/basics.html", None, "basics", form)
    made = actions.draft_challenge(viewer=viewer, **form.cleaned_data)
    return redirect("challenges:outcomes", made.slug)


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def basics(request: Request, slug: str) -> HttpResponse:
    """Change the words of a challenge."""
    found = _led(request, slug)
    form = forms.BasicsForm(request.POST or None, viewer=request.viewer, challenge=found)
    if not form.is_valid():
        return _page(request, "challenges/basics.html", found, "basics", form)
    actions.change_challenge(viewer=request.viewer, challenge_id=found.pk, **form.cleaned_data)
    return _on(request, found, "outcomes")


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def outcomes(request: Request, slug: str) -> HttpResponse:
    """List the outcomes, and add one."""
    found = _led(request, slug)
    form = forms.OutcomeForm(request.POST or None)
    if not form.is_valid():
        return _page(request, "challenges/outcomes.html", found, "outcomes", form)
    actions.add_outcome(viewer=request.viewer, challenge_id=found.pk, **form.values())
    return _on(request, found, "outcomes")


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def outcome(request: Request, slug: str, number: int) -> HttpResponse:
    """Change an outcome, or note a new reading."""
    found, known = _led_outcome(request, slug, number)
    form = forms.OutcomeForm.of(known, request.POST or None)
    if not form.is_valid():
        return _page(request, "challenges/outcome.html", found, "outcomes", form)
    actions.change_outcome(viewer=request.viewer, outcome_id=known.pk, **form.values())
    return _on(request, found, "outcomes")


@require_POST
@privileged
def remove_outcome(request: Request, slug: str, number: int) -> HttpResponse:
    """Take an outcome away."""
    found, known = _led_outcome(request, slug, number)
    try:
        actions.remove_outcome(viewer=request.viewer, outcome_id=known.pk)
    except actions.LastOutcomeStays as refused:
        messages.error(request, str(SORRY[type(refused)]))
        return redirect("challenges:outcomes", found.slug)
    return _on(request, found, "outcomes")


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def dates(request: Request, slug: str) -> HttpResponse:
    """Say when the challenge is in each stage."""
    found = _led(request, slug)
    form = forms.DatesForm(request.POST or None, steps=found.steps.all())

    def save() -> None:
        actions.plan_steps(viewer=request.viewer, challenge_id=found.pk, dates=form.dates())

    if not _saved(form, save):
        return _page(request, "challenges/dates.html", found, "dates", form)
    return _on(request, found, "money")


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def money(request: Request, slug: str) -> HttpResponse:
    """Say what money there is, once an outcome is there."""
    found = _led(request, slug)
    form = forms.MoneyForm.of(found, request.POST or None)

    def save() -> None:
        actions.set_money(viewer=request.viewer, challenge_id=found.pk, **form.cleaned_data)

    if not _saved(form, save):
        return _page(request, "challenges/money.html", found, "money", form)
    return _on(request, found, "check")


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def check(request: Request, slug: str) -> HttpResponse:
    """Look over everything, then let everyone read it."""
    found = _led(request, slug)
    form = django_forms.Form(request.POST if request.method == "POST" else None)

    def save() -> None:
        actions.publish_challenge(viewer=request.viewer, challenge_id=found.pk)

    if not _saved(form, save):
        return _page(request, "challenges/check.html", found, "check", form)
    messages.success(request, _("Everyone can read this challenge now."))
    return redirect(found)


def _led(request: Request, slug: str) -> Challenge:
    """Return a challenge to change: unknown to strangers while a draft, refused in words after."""
    found = get_object_or_404(queries.readable(request.viewer), slug=slug)
    if not rules.may_lead(request.viewer, found):
        raise PermissionDenied(_("Only those who lead this challenge may change it."))
    return found


def _led_outcome(request: Request, slug: str, number: int) -> tuple[Challenge, Outcome]:
    found = _led(request, slug)
    return found, get_object_or_404(queries.outcomes(request.viewer, found), pk=number)


def _saved(form: django_forms.Form, save: Callable[[], object]) -> bool:
    """Save a valid form; put what the action refuses into words on the same page."""
    if not form.is_valid():
        return False
    try:
        save()
    except tuple(SORRY) as refused:
        form.add_error(None, str(SORRY[type(refused)]))
        return False
    return True


def _on(request: Request, found: Challenge, step: str) -> HttpResponse:
    messages.success(request, _("Saved."))
    return redirect(f"challenges:{step}", found.slug)


def _page(
    request: Request, template: str, found: Challenge | None, step: str, form: django_forms.Form
) -> HttpResponse:
    context = {"nav": "desk", "challenge": found, "form": form, "here": step, "tour": STEPS}
    return render(request, template, context)
