"""Pages of appraisals: the desk, the steps of a draft, and what authors and everybody read."""

from __future__ import annotations

from typing import Any

from django import forms as django_forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from commonweal.kit.doors import privileged, signed_in
from commonweal.kit.request import Request
from commonweal.propose.appraisals import actions, queries, rules
from commonweal.propose.appraisals.forms import (
    AppealForm,
    CostsForm,
    DecideForm,
    FindingsForm,
    VersionForm,
    WordsForm,
)
from commonweal.propose.appraisals.models import Appraisal, State, Verdict, verdict_of
from commonweal.propose.proposals import queries as ideas

A_PAGE = 20
MISSING = {
    "lines": ("costs", gettext_lazy("Say what it costs, or that it costs nothing.")),
    "findings": ("findings", gettext_lazy("Answer every criterion.")),
    "words": ("words", gettext_lazy("Say in plain words what you found.")),
    "changes": ("words", gettext_lazy("Say what would have to change.")),
}


# --- the desk


@require_safe
@privileged
def desk(request: Request) -> HttpResponse:
    """Show staff what waits: ideas to appraise, drafts, authors' answers, appeals."""
    viewer = request.viewer
    if not rules.may_work(viewer):
        raise PermissionDenied(_("This page is for clerks and those who lead a community."))
    counts = queries.desk_counts(viewer)
    tab = request.GET.get("state", "")
    if tab not in queries.TABS:
        tab = next((name for name in queries.URGENT if counts[name]), "waiting")
    order = "signed" if request.GET.get("order") == "signed" else ""
    rows: Any = queries.on_desk(viewer, tab)
    if tab == "waiting":
        rows = queries.to_appraise(viewer, order)
    context = {
        "nav": "desk",
        "counts": counts,
        "tab": tab,
        "order": order,
        "page": Paginator(rows, A_PAGE).get_page(request.GET.get("page")),
    }
    return render(request, "appraisals/desk.html", context)


@require_POST
@privileged
def begin(request: Request, proposal_id: int) -> HttpResponse:
    """Begin to appraise an idea, or go on with it."""
    idea = get_object_or_404(ideas.readable(request.viewer), pk=proposal_id)
    try:
        draft = actions.begin_appraisal(viewer=request.viewer, proposal_id=idea.pk)
    except actions.NotToAppraise:
        messages.error(request, _("This idea is in a ballot, decided or no longer public."))
        return redirect(idea)
    except actions.OthersTurn as others:
        messages.error(request, _("The authors have it, or an appeal waits."))
        return redirect("appraisals:check", others.appraisal.pk)
    return redirect("appraisals:costs", draft.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def costs(request: Request, appraisal_id: int) -> HttpResponse:
    """Write what it costs, line by line."""
    draft = _draft(request, appraisal_id)
    lines = queries.lines(draft)
    form = CostsForm(_sent(request), appraisal=draft, lines=lines)
    if form.is_valid():
        try:
            actions.save_costs(
                viewer=request.viewer,
                appraisal_id=draft.pk,
                version=form.cleaned_data["version"],
                years=form.cleaned_data["years"],
                costs=form.costs,
            )
        except actions.ChangedMeanwhile as newer:
            _changed(form, newer.appraisal)
        else:
            more = "appraisals:costs" if "more" in request.POST else "appraisals:findings"
            return redirect(more, draft.pk)
    context = {"step": 1, "total": queries.sum_of(lines)}
    return _step(request, draft, form, "appraisals/costs.html", **context)


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def findings(request: Request, appraisal_id: int) -> HttpResponse:
    """Write what each criterion says, and why."""
    draft = _draft(request, appraisal_id)
    form = FindingsForm(_sent(request), appraisal=draft, findings=queries.findings(draft))
    if form.is_valid():
        try:
            actions.save_findings(
                viewer=request.viewer,
                appraisal_id=draft.pk,
                version=form.cleaned_data["version"],
                found=form.found,
            )
        except actions.ChangedMeanwhile as newer:
            _changed(form, newer.appraisal)
        else:
            return redirect("appraisals:words", draft.pk)
    return _step(request, draft, form, "appraisals/findings.html", step=2)


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def words(request: Request, appraisal_id: int) -> HttpResponse:
    """Write the whole in plain words."""
    draft = _draft(request, appraisal_id)
    form = WordsForm(_sent(request), appraisal=draft)
    if form.is_valid():
        try:
            actions.save_words(viewer=request.viewer, appraisal_id=draft.pk, **form.cleaned_data)
        except actions.ChangedMeanwhile as newer:
            _changed(form, newer.appraisal)
        else:
            return redirect("appraisals:check", draft.pk)
    found = [finding.meets for finding in queries.findings(draft)]
    context = {"step": 3, "verdict": verdict_of(found) if found else None}
    return _step(request, draft, form, "appraisals/words.html", **context)


@require_safe
@privileged
def check(request: Request, appraisal_id: int) -> HttpResponse:
    """Show staff all of an appraisal, and what can be done with it now."""
    held = _mine(request, appraisal_id)
    lines, found = queries.lines(held), queries.findings(held)
    total = queries.sum_of(lines)
    lacks = queries.missing(held, lines, found) if held.state == State.DRAFT else []
    context = {
        "nav": "desk",
        "appraisal": held,
        "idea": held.proposal,
        "lines": lines,
        "findings": found,
        "answers": queries.answers(held),
        "total": total,
        "total_pence": total.one_off_pence + total.yearly_pence * held.years,
        "verdict": verdict_of(finding.meets for finding in found) if found else None,
        "missing": [MISSING[code] for code in lacks],
        "may_decide": rules.may_decide(request.viewer, held),
        "may_appraise": rules.may_appraise(request.viewer, held.proposal),
        "step": 4,
    }
    return render(request, "appraisals/check.html", context)


@require_POST
@privileged
def show(request: Request, appraisal_id: int) -> HttpResponse:
    """Show it to the authors."""
    draft = _mine(request, appraisal_id)
    form = VersionForm(request.POST)
    version = form.cleaned_data["version"] if form.is_valid() else -1
    try:
        actions.show_to_authors(viewer=request.viewer, appraisal_id=draft.pk, version=version)
    except actions.NotWhole:
        messages.error(request, _("Not shown yet: something is still missing."))
    except actions.NotToAppraise:
        messages.error(request, _("This idea is in a ballot, decided or no longer public."))
    except actions.ChangedMeanwhile:
        messages.error(request, _("A colleague changed it meanwhile. Read it again, then show it."))
    except actions.OthersTurn:
        messages.error(request, _("It was shown already."))
    else:
        messages.success(request, _("The authors see it now, and we wrote to them."))
    return redirect("appraisals:check", draft.pk)


@require_POST
@privileged
def take_back(request: Request, appraisal_id: int) -> HttpResponse:
    """Take it back before an appeal, to mend it."""
    held = _mine(request, appraisal_id)
    try:
        draft = actions.take_back(viewer=request.viewer, appraisal_id=held.pk)
    except actions.NotNow:
        messages.error(request, _("It is appealed, final or with you already."))
        return redirect("appraisals:check", held.pk)
    messages.success(request, _("Taken back. The authors know. Mend it, then show it again."))
    return redirect("appraisals:costs", draft.pk)


@require_POST
@privileged
def discard(request: Request, appraisal_id: int) -> HttpResponse:
    """Throw a draft away."""
    held = _mine(request, appraisal_id)
    try:
        actions.discard_draft(viewer=request.viewer, appraisal_id=held.pk)
    except actions.OthersTurn:
        messages.error(request, _("It was shown to the authors, so it stays."))
        return redirect("appraisals:check", held.pk)
    messages.success(request, _("The draft is gone."))
    return redirect("appraisals:desk")


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def decide(request: Request, appraisal_id: int) -> HttpResponse:
    """Decide an appeal, as somebody who had no hand in the appraisal."""
    held = _mine(request, appraisal_id)
    if not rules.may_decide(request.viewer, held):
        raise PermissionDenied(_("You worked on this appraisal, so somebody else decides."))
    if held.state != State.APPEALED:
        messages.error(request, _("No appeal waits here."))
        return redirect("appraisals:check", held.pk)
    form = DecideForm(_sent(request), appraisal=held)
    if form.is_valid():
        try:
            decided = actions.decide_appeal(
                viewer=request.viewer, appraisal_id=held.pk, **form.decided
            )
        except actions.NotNow:
            messages.error(request, _("No appeal waits here."))
        except actions.NoBetter:
            messages.error(request, _("An appeal only ever makes the answer better."))
        else:
            if decided.state == State.DRAFT:
                messages.success(request, _("Decided. Work it out anew: you have the draft."))
                return redirect("appraisals:costs", decided.pk)
            messages.success(request, _("Decided. It is final, and the authors know."))
        return redirect("appraisals:check", held.pk)
    context = {
        "nav": "desk",
        "appraisal": held,
        "idea": held.proposal,
        "lines": queries.lines(held),
        "findings": queries.findings(held),
        "answers": queries.answers(held),
        "total": held,
        "total_pence": held.total_pence,
        "verdict": held.get_verdict_display(),
        "form": form,
    }
    return render(request, "appraisals/decide.html", context)


# --- authors, and everybody


@require_safe
def appraisal(request: Request, proposal_id: int) -> HttpResponse:
    """Show what staff found: to its authors at once, to everybody when it is final."""
    viewer = request.viewer
    found = queries.for_page(viewer, proposal_id)
    if found is None:
        raise Http404
    return _page(request, found)


def _page(request: Request, found: Appraisal, *, form: AppealForm | None = None) -> HttpResponse:
    viewer = request.viewer
    answers = queries.answers(found)
    mine = next((a for a in answers if viewer.person and a.person_id == viewer.person.pk), None)
    may_answer = rules.may_answer(viewer, found)
    said = answers if found.state != State.FINAL else queries.heard(answers)
    context = {
        "nav": "challenges",
        "appraisal": found,
        "idea": found.proposal,
        "lines": queries.lines(found),
        "findings": queries.findings(found),
        "answers": said,
        "total": found,
        "total_pence": found.total_pence,
        "verdict": found.get_verdict_display(),
        "before": queries.before(found),
        "mine": mine,
        "may_answer": may_answer and found.takes_answers(viewer.at),
        "may_agree": may_answer and found.lacks_agreement and not _is_yes(mine),
        "may_change": may_answer and found.state == State.FINAL and _is_refused(found),
        "form": form or AppealForm(),
        "is_open": found.state in Appraisal.OPEN,
    }
    return render(request, "appraisals/appraisal.html", context)


def _is_refused(found: Appraisal) -> bool:
    return found.verdict == Verdict.NOT_FEASIBLE and found.proposal.status in queries.APPRAISED


def _is_yes(answer: Any) -> bool:
    return answer is not None and answer.kind == "accepted"


@require_POST
@signed_in
def accept(request: Request, appraisal_id: int) -> HttpResponse:
    """Accept what was found, or agree to the changes."""
    found = _asked(request, appraisal_id)
    try:
        answered = actions.accept_appraisal(viewer=request.viewer, appraisal_id=found.pk)
    except actions.NotNow:
        messages.error(request, _("This can no longer be answered. What stands now is below."))
        return _back(found)
    if answered.state == State.FINAL and answered.passes:
        messages.success(request, _("Thank you. It is final: your idea can be in a ballot."))
    elif answered.state == State.FINAL:
        messages.success(request, _("Thank you. It is final."))
    else:
        messages.success(request, _("Thank you. It is final when the other authors answer too."))
    return _back(found)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def appeal(request: Request, appraisal_id: int) -> HttpResponse:
    """Appeal in one's own words."""
    found = _asked(request, appraisal_id)
    if request.method != "POST":
        return _back(found)
    form = AppealForm(request.POST)
    if not form.is_valid():
        return _page(request, found, form=form)
    try:
        actions.appeal_appraisal(
            viewer=request.viewer, appraisal_id=found.pk, words=form.cleaned_data["words"]
        )
    except actions.NotNow:
        form.add_error(None, _("The days to answer are over, so this can no longer be appealed."))
        return _page(request, found, form=form)
    messages.success(request, _("Your appeal is in. Somebody who had no hand in it decides."))
    return _back(found)


def _back(found: Appraisal) -> HttpResponse:
    return redirect(found)


def _asked(request: Request, appraisal_id: int) -> Appraisal:
    return get_object_or_404(queries.of_authors(request.viewer), pk=appraisal_id)


# --- shared by the steps


def _mine(request: Request, appraisal_id: int) -> Appraisal:
    if not rules.may_work(request.viewer):
        raise PermissionDenied(_("This page is for clerks and those who lead a community."))
    return get_object_or_404(queries.worked_on(request.viewer), pk=appraisal_id)


def _draft(request: Request, appraisal_id: int) -> Appraisal:
    held = _mine(request, appraisal_id)
    if not rules.may_appraise(request.viewer, held.proposal):
        raise PermissionDenied(_("You are an author of this idea, so somebody else appraises it."))
    if held.state != State.DRAFT:
        raise PermissionDenied(_("It was shown to the authors, so it stays as it is."))
    return held


def _sent(request: Request) -> Any:
    return request.POST if request.method == "POST" else None


def _changed(form: django_forms.Form, newer: Appraisal) -> None:
    """Say it, and let the next saving win: the person has been told."""
    form.add_error(
        None,
        _(
            "A colleague saved this meanwhile. Nothing of yours is lost: it stands below. Open the"
            " page in another window to see theirs, then save yours again."
        ),
    )
    said: Any = form.data
    form.data = said = said.copy()
    said["version"] = str(newer.version)


def _step(
    request: Request, draft: Appraisal, form: django_forms.Form, page: str, **more: Any
) -> HttpResponse:
    context = {"nav": "desk", "appraisal": draft, "idea": draft.proposal, "form": form, **more}
    return render(request, page, context)
