"""Pages about ideas: the list, one idea, and the small steps in which one is written."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from commonweal.ground.challenges import queries as challenges
from commonweal.ground.challenges.models import Challenge
from commonweal.kit.doors import privileged, signed_in, the_one
from commonweal.kit.request import Request
from commonweal.propose.proposals import actions, queries, rules
from commonweal.propose.proposals.forms import (
    PART_FORMS,
    CommentForm,
    FindForm,
    HideForm,
    JoinForm,
    PartForm,
    SignForm,
    StartForm,
)
from commonweal.propose.proposals.models import (
    Comment,
    Merge,
    MergeState,
    Part,
    Proposal,
    Status,
)

IDEAS_A_PAGE = 20
COMMENTS_A_PAGE = 30
KEPT = "kept_words"  # what somebody wrote before they could be let in: {where: words}
STEPS = list(Part)
ON_STEP = {name: part for part in Part for name in part.fields}


@require_safe
def proposal_list(request: Request) -> HttpResponse:
    """Show the ideas that fit what somebody looks for."""
    viewer = request.viewer
    form = FindForm(
        request.GET,
        challenges=queries.challenges_with_ideas(viewer),
        communities=queries.communities_with_ideas(viewer),
    )
    form.is_valid()  # what is not valid is told beside its field and narrows nothing
    asked = dict(form.cleaned_data)
    ideas = queries.cards(viewer, text=asked.pop("q", ""), **asked)
    page = Paginator(ideas, IDEAS_A_PAGE).get_page(request.GET.get("page"))
    return render(request, "proposals/list.html", {"nav": "challenges", "form": form, "page": page})


@require_safe
def proposal(request: Request, proposal_id: int) -> HttpResponse:
    """Show one idea: what gets better first, what it costs last; or lead on to where it went."""
    idea = the_one(queries.numbered(request.viewer, proposal_id))
    if idea.status == Status.MERGED and (way := queries.ties(idea).way_on) is not None:
        return redirect(f"{way.lead.get_absolute_url()}?from={idea.pk}")
    return _show(request, idea)


@require_safe
def as_it_was(request: Request, proposal_id: int) -> HttpResponse:
    """Show an idea that joined another with its own words, names and talk."""
    idea = the_one(queries.numbered(request.viewer, proposal_id))
    if idea.status != Status.MERGED:
        return redirect(idea)
    return _show(request, idea)


def _show(
    request: Request,
    idea: Proposal,
    *,
    sign_form: SignForm | None = None,
    comment_form: CommentForm | None = None,
) -> HttpResponse:
    viewer = request.viewer
    if idea.status == Status.DRAFT:
        return redirect("proposals:check", idea.pk)
    voices = rules.voices(viewer, idea.community)
    groups = queries.signature_groups(idea)
    uses, gives = queries.is_partnership(idea, groups)
    said = Paginator(queries.talk(idea), COMMENTS_A_PAGE)
    said.count = idea.said_count  # type: ignore[attr-defined]  # it came with the idea
    kept = request.session.get(KEPT, {}).get(_comment_place(idea), "")
    is_one_of_them = rules.is_one_of_the_authors(viewer, idea)
    context = {
        "nav": "challenges",
        "idea": idea,
        "ties": queries.ties(idea),
        "came_from": request.GET.get("from", ""),
        "is_one_of_them": is_one_of_them,
        "may_join": _may_suggest(request, idea),
        "groups": groups,
        "uses": uses,
        "gives": gives,
        "page": said.get_page(request.GET.get("page")),
        "voices": voices,
        "steps": challenges.loop_steps(idea.challenge, viewer.at),
        "is_author": rules.is_author(viewer, idea),
        "may_write": rules.may_write(viewer, idea),
        "may_sign": rules.may_sign(viewer, idea),
        "may_moderate": viewer.has_second_factor and rules.may_moderate(viewer, idea),
        "first_part": STEPS[0],
        "sign_form": sign_form or SignForm(voices=voices),
        "comment_form": comment_form or CommentForm(voices=voices, initial={"body": kept}),
    }
    context["form"] = comment_form or sign_form  # for the word "Mistake:" in the title
    return render(request, "proposals/proposal.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def start(request: Request, slug: str) -> HttpResponse:
    """Begin an idea with its first sentence; whoever has to sign in or join first keeps it."""
    viewer = request.viewer
    challenge = get_object_or_404(queries.challenges(viewer), slug=slug)
    step = queries.open_step(viewer, challenge)
    voices = rules.voices(viewer, challenge.community)
    kept = request.session.get(KEPT, {}).get(request.path, "")
    data = request.POST if request.method == "POST" else None
    form = StartForm(data, voices=voices, initial={"better": kept})
    if step is not None and form.is_valid():
        if viewer.person is None or not voices:
            _keep(request, request.path, form.cleaned_data["better"])
            if viewer.person is None:
                return redirect_to_login(request.path)
            return redirect(request.path)
        begun = _begin(request, challenge, form)
        if begun is not None:
            return redirect("proposals:edit", begun.pk, Part.WHOM)
    context = {
        "nav": "challenges",
        "challenge": challenge,
        "step": step,
        "voices": voices,
        "form": form,
        "kept": kept,
        "steps": challenges.loop_steps(challenge, viewer.at),
    }
    return render(request, "proposals/start.html", context)


def _begin(request: Request, challenge: Challenge, form: StartForm) -> Proposal | None:
    try:
        begun = actions.start_proposal(
            viewer=request.viewer,
            challenge=challenge,
            standing=form.voice.kind,
            organisation=form.voice.organisation,
            better=form.cleaned_data["better"],
        )
    except actions.TooManyIdeas:
        form.add_error(None, _("You began ten ideas in an hour. Finish one, or wait a little."))
        return None
    except actions.IdeasClosed:
        form.add_error(None, _("This challenge has just closed for new ideas."))
        return None
    _keep(request, request.path, "")
    return begun


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def edit(request: Request, proposal_id: int, part: str) -> HttpResponse:
    """Write one part of one's own idea; htmx saves a draft while its author writes."""
    idea = _own(request, proposal_id, beside=True)
    if part not in Part.values:
        raise Http404
    step = Part(part)
    quietly = bool(request.htmx) and request.method == "POST"
    data = request.POST if request.method == "POST" else None
    form = PART_FORMS[step](data, proposal=idea, part=step, hurry=quietly)
    newer, version = None, request.POST.get("version", "") or idea.version(step)
    kept = None
    if data is not None and not form.is_valid() and idea.status == Status.DRAFT:
        kept = _save_what_fits(request, idea, form)
        version = kept.version(step) if kept else version
    if form.is_valid():
        try:
            idea = _save(request, idea, form)
        except actions.ChangedMeanwhile as changed:
            newer = changed.proposal
            version = newer.version(step)
            form.add_error(
                None,
                _(
                    "These words were changed in another window. Nothing is lost: both stand on"
                    " this page. Keep what is right and save again."
                ),
            )
        except actions.WordsStand:
            form.add_error(None, _("This idea cannot be changed any more."))
        except actions.NotWhole:
            form.add_error(None, _("A public idea cannot do without this."))
        else:
            if not quietly:
                return redirect(_next(idea, step))
            version = idea.version(step)
    values = _edit_context(idea, step, form, newer) | {"version": version, "kept": kept}
    if quietly:
        return render(request, "proposals/edit.html#saved", values)
    return render(request, "proposals/edit.html", values)


def _save(request: Request, idea: Proposal, form: PartForm) -> Proposal:
    save = actions.save_part if idea.status == Status.DRAFT else actions.change_proposal
    return save(
        viewer=request.viewer,
        proposal_id=idea.pk,
        part=form.part,
        version=form.cleaned_data["version"] or None,
        **form.words,
    )


def _save_what_fits(request: Request, idea: Proposal, form: PartForm) -> Proposal | None:
    """Save a draft's other answers although one is missing or too long; older words never win."""
    words = {name: form.cleaned_data[name] for name in form.part.fields if name not in form.errors}
    if not words or "version" in form.errors:
        return None
    version = form.cleaned_data["version"] or None
    try:
        return actions.save_part(
            viewer=request.viewer, proposal_id=idea.pk, part=form.part, version=version, **words
        )
    except (actions.ChangedMeanwhile, actions.WordsStand):
        return None


def _next(idea: Proposal, step: Part) -> str:
    if idea.status != Status.DRAFT:
        return idea.get_absolute_url()
    number = STEPS.index(step) + 1
    if number == len(STEPS):
        return reverse("proposals:check", args=[idea.pk])
    return reverse("proposals:edit", args=[idea.pk, STEPS[number]])


def _edit_context(
    idea: Proposal, step: Part, form: PartForm, newer: Proposal | None
) -> dict[str, Any]:
    number = STEPS.index(step) + 1
    if idea.status != Status.DRAFT:
        back = idea.get_absolute_url()
    elif number == 1:
        back = reverse("people:mine")
    else:
        back = reverse("proposals:edit", args=[idea.pk, STEPS[number - 2]])
    theirs = [(form[name].label, getattr(newer, name)) for name in step.fields] if newer else []
    return {
        "nav": "challenges",
        "idea": idea,
        "is_draft": idea.status == Status.DRAFT,
        "part": step,
        "parts": STEPS,
        "number": number,
        "of": len(STEPS),
        "form": form,
        "back": back,
        "theirs": theirs,
        "cost_label": PART_FORMS[Part.COST].base_fields["cost_pence"].label,
        "share": number / len(STEPS),
        "progress": _("Step %(number)s of %(of)s") % {"number": number, "of": len(STEPS)},
    }


@require_safe
@signed_in
def check(request: Request, proposal_id: int) -> HttpResponse:
    """Show a draft as a whole, what is missing, and the button that makes it public."""
    idea = _own(request, proposal_id)
    if idea.status != Status.DRAFT:
        return redirect(idea)
    missing = [
        {"words": PART_FORMS[ON_STEP[name]].base_fields[name].error_messages["required"],
         "part": ON_STEP[name]}
        for name in idea.missing()
    ]  # fmt: skip
    context = {
        "nav": "challenges",
        "idea": idea,
        "missing": missing,
        "step": queries.open_step(request.viewer, idea.challenge),
    }
    return render(request, "proposals/check.html", context)


@require_POST
@signed_in
def publish(request: Request, proposal_id: int) -> HttpResponse:
    """Make a draft public."""
    idea = _own(request, proposal_id)
    try:
        actions.publish_proposal(viewer=request.viewer, proposal_id=idea.pk)
    except actions.NotWhole:
        messages.error(request, _("Not public yet: something is still missing."))
        return redirect("proposals:check", idea.pk)
    except actions.IdeasClosed:
        messages.error(request, _("This challenge takes no new ideas now. Your draft is kept."))
        return redirect("proposals:check", idea.pk)
    except actions.WordsStand:
        messages.error(request, _("This idea cannot be made public any more."))
        return redirect(idea)
    messages.success(request, _("Your idea is public. Others can sign it and talk about it."))
    return redirect(idea)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def withdraw(request: Request, proposal_id: int) -> HttpResponse:
    """Ask once, then take an idea back."""
    idea = _own(request, proposal_id)
    if request.method != "POST":
        return render(request, "proposals/withdraw.html", {"nav": "challenges", "idea": idea})
    try:
        actions.withdraw_proposal(viewer=request.viewer, proposal_id=idea.pk)
    except actions.WordsStand:
        messages.error(request, _("This idea cannot be taken back any more."))
        return redirect(idea)
    if idea.status == Status.DRAFT:
        messages.success(request, _("Your draft is gone."))
    else:
        messages.success(request, _("Your idea is no longer shown to anyone but you."))
    return redirect("people:mine")


@require_POST
@signed_in
def sign(request: Request, proposal_id: int) -> HttpResponse:
    """Put one's name to an idea."""
    idea = get_object_or_404(queries.readable(request.viewer), pk=proposal_id)
    form = SignForm(request.POST, voices=_voices(request, idea))
    if not form.is_valid():
        return _show(request, idea, sign_form=form)
    try:
        actions.sign_proposal(viewer=request.viewer, proposal_id=idea.pk, standing=form.voice.kind)
    except actions.NotTakingNames:
        messages.error(request, _("This idea takes no more signatures."))
    else:
        messages.success(request, _("Your name stands on this idea. You can take it off here."))
    return redirect(f"{idea.get_absolute_url()}#signatures")


@require_POST
@signed_in
def unsign(request: Request, proposal_id: int) -> HttpResponse:
    """Take one's name off an idea."""
    idea = get_object_or_404(queries.readable(request.viewer), pk=proposal_id)
    try:
        actions.unsign_proposal(viewer=request.viewer, proposal_id=idea.pk)
    except actions.NotTakingNames:
        messages.error(request, _("This idea is decided: its signatures stay as they are."))
    else:
        messages.success(request, _("Your name no longer stands on this idea."))
    return redirect(f"{idea.get_absolute_url()}#signatures")


@require_POST
def comment(request: Request, proposal_id: int) -> HttpResponse:
    """Say something about an idea; whoever has to sign in first keeps their words."""
    viewer = request.viewer
    idea = get_object_or_404(queries.readable(viewer), pk=proposal_id)
    voices = rules.voices(viewer, idea.community)
    form = CommentForm(request.POST, voices=voices)
    if not form.is_valid():
        return _show(request, idea, comment_form=form)
    body, place = form.cleaned_data["body"], _comment_place(idea)
    if viewer.person is None or not voices:
        _keep(request, place, body)
        return redirect_to_login(place) if viewer.person is None else redirect(place)
    try:
        said = actions.write_comment(
            viewer=viewer, proposal_id=idea.pk, standing=form.voice.kind, body=body
        )
    except actions.TooManyComments:
        form.add_error(None, _("You wrote thirty comments in an hour. Wait a little, then go on."))
        return _show(request, idea, comment_form=form)
    _keep(request, place, "")
    messages.success(request, _("Your words stand here now. You can remove them."))
    last = -(-queries.comments(viewer, idea).count() // COMMENTS_A_PAGE)
    return redirect(f"{idea.get_absolute_url()}?page={last}#comment-{said.pk}")


@require_POST
@signed_in
def remove_comment(request: Request, comment_id: int) -> HttpResponse:
    """Take back what one said oneself."""
    said = get_object_or_404(queries.own_comments(request.viewer), pk=comment_id)
    idea = actions.remove_own_comment(viewer=request.viewer, comment_id=said.pk)
    messages.success(request, _("Your words are removed."))
    return redirect(f"{idea.get_absolute_url()}#comments")


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def hide(request: Request, proposal_id: int) -> HttpResponse:
    """Hide an idea, and say why."""
    idea = _to_moderate(request, proposal_id)
    form = HideForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        actions.hide_proposal(viewer=request.viewer, proposal_id=idea.pk, **form.cleaned_data)
        messages.success(request, _("Hidden. The person who wrote it sees why."))
        return redirect(idea)
    return render(request, "proposals/hide.html", {"nav": "desk", "idea": idea, "form": form})


@require_POST
@privileged
def show(request: Request, proposal_id: int) -> HttpResponse:
    """Show a hidden idea again."""
    idea = _to_moderate(request, proposal_id)
    actions.show_again(viewer=request.viewer, proposal_id=idea.pk)
    messages.success(request, _("Everyone can read this again."))
    return redirect(idea)


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def hide_comment(request: Request, comment_id: int) -> HttpResponse:
    """Hide a comment, and say why."""
    said = _comment_to_moderate(request, comment_id)
    form = HideForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        actions.hide_comment(viewer=request.viewer, comment_id=said.pk, **form.cleaned_data)
        messages.success(request, _("Hidden. The person who wrote it sees why."))
        return redirect(said)
    context = {"nav": "desk", "idea": said.proposal, "comment": said, "form": form}
    return render(request, "proposals/hide.html", context)


@require_POST
@privileged
def show_comment(request: Request, comment_id: int) -> HttpResponse:
    """Show a hidden comment again."""
    said = _comment_to_moderate(request, comment_id)
    actions.show_comment_again(viewer=request.viewer, comment_id=said.pk)
    messages.success(request, _("Everyone can read this again."))
    return redirect(said)


# --- two ideas become one


def _may_suggest(request: Request, idea: Proposal) -> bool:
    """Tell whether to offer it: to the authors, and to staff after their second step."""
    viewer = request.viewer
    if viewer.person is None or not rules.may_suggest_merge(viewer, idea):
        return False
    return viewer.has_second_factor or rules.is_one_of_the_authors(viewer, idea)


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def join(request: Request, proposal_id: int) -> HttpResponse:
    """Show the ideas most like this one, and suggest that two become one."""
    viewer = request.viewer
    idea = get_object_or_404(queries.readable(viewer), pk=proposal_id)
    if not rules.is_one_of_the_authors(viewer, idea) and not rules.may_lead(viewer, idea):
        raise PermissionDenied(_("Only the authors of an idea and staff can suggest this."))
    if not rules.is_one_of_the_authors(viewer, idea) and not viewer.has_second_factor:
        return redirect(f"{reverse('people:second_factor')}?{urlencode({'next': request.path})}")
    if not rules.may_suggest_merge(viewer, idea):
        messages.error(request, _("This idea can no longer become one with another."))
        return redirect(idea)
    similar = queries.similar(viewer, idea)
    data = request.POST if request.method == "POST" else None
    form = JoinForm(data, idea=idea, similar=similar)
    if form.is_valid():
        try:
            suggested = actions.suggest_merge(
                viewer=viewer, why=form.cleaned_data["why"], **form.sides
            )
        except actions.CannotBeOne as no:
            form.add_error(None, str(no))
        except actions.TooManySuggestions:
            form.add_error(None, _("You suggested ten in an hour. Wait for an answer first."))
        else:
            return redirect(suggested)
    context = {"nav": "challenges", "idea": idea, "similar": similar, "form": form}
    return render(request, "proposals/join.html", context)


@require_safe
@signed_in
def merge(request: Request, merge_id: int) -> HttpResponse:
    """Show two ideas side by side, who agreed, and what this person can say to it."""
    viewer = request.viewer
    found = get_object_or_404(queries.merges(viewer), pk=merge_id)
    agreed = queries.who_agreed(found)
    authors = {
        person.pk: person
        for idea in (found.lead, found.joining)
        for person in queries.authors_of(idea)
    }
    context = {
        "nav": "challenges",
        "merge": found,
        "authors": [(person, pk in agreed) for pk, person in authors.items()],
        "is_author": viewer.person is not None and viewer.person.pk in authors,
        "has_agreed": viewer.person is not None and viewer.person.pk in agreed,
        "may_drop": rules.may_drop(viewer, found, found.lead),
        "may_part": rules.may_come_apart(found.lead),
    }
    return render(request, "proposals/merge.html", context)


@require_POST
@signed_in
def agree(request: Request, merge_id: int) -> HttpResponse:
    """Say yes."""
    found = _to_answer(request, merge_id)
    try:
        answered = actions.agree_to_merge(viewer=request.viewer, merge_id=found.pk)
    except actions.CannotBeOne as no:
        messages.error(request, str(no))
    except actions.Answered:
        messages.error(request, _("This suggestion is answered already."))
    else:
        if answered.state == MergeState.MERGED:
            messages.success(request, _("They are one idea now. All are named as its authors."))
        else:
            messages.success(request, _("You agreed. It happens when the others agree too."))
    return redirect(found)


@require_POST
@signed_in
def unsay(request: Request, merge_id: int) -> HttpResponse:
    """Take one's yes back."""
    found = _to_answer(request, merge_id)
    try:
        actions.unsay_merge(viewer=request.viewer, merge_id=found.pk)
    except actions.Answered:
        messages.error(request, _("This suggestion is answered already."))
    else:
        messages.success(request, _("Your yes is taken back."))
    return redirect(found)


@require_POST
@signed_in
def refuse(request: Request, merge_id: int) -> HttpResponse:
    """Say no."""
    found = _to_answer(request, merge_id)
    try:
        actions.refuse_merge(viewer=request.viewer, merge_id=found.pk)
    except actions.Answered:
        messages.error(request, _("This suggestion is answered already."))
    else:
        messages.success(request, _("You said no. Both ideas stay as they are."))
    return redirect(found)


@require_POST
@signed_in
def drop(request: Request, merge_id: int) -> HttpResponse:
    """Take a suggestion back."""
    found = _to_answer(request, merge_id)
    try:
        actions.drop_merge(viewer=request.viewer, merge_id=found.pk)
    except actions.Answered:
        messages.error(request, _("This suggestion is answered already."))
    else:
        messages.success(request, _("The suggestion is taken back."))
    return redirect(found)


@require_POST
@signed_in
def undo(request: Request, merge_id: int) -> HttpResponse:
    """Let two ideas stand on their own again."""
    found = _to_answer(request, merge_id)
    try:
        actions.undo_merge(viewer=request.viewer, merge_id=found.pk)
    except actions.Answered:
        messages.error(request, _("These two are not one idea."))
    except actions.WordsStand:
        messages.error(request, _("The idea is in a ballot or decided: it stays one idea now."))
    else:
        messages.success(request, _("Both ideas stand on their own again."))
    return redirect(found)


def _to_answer(request: Request, merge_id: int) -> Merge:
    return get_object_or_404(queries.merges(request.viewer), pk=merge_id)


def _own(request: Request, proposal_id: int, *, beside: bool = False) -> Proposal:
    """Return the viewer's own idea; somebody else's public one is refused in words, not denied."""
    viewer = request.viewer
    idea = get_object_or_404(queries.readable(viewer), pk=proposal_id)
    if not rules.is_author(viewer, idea) and not (
        beside and rules.is_one_of_the_authors(viewer, idea)
    ):
        raise PermissionDenied(_("Only the person who wrote this idea can change it."))
    return idea


def _to_moderate(request: Request, proposal_id: int) -> Proposal:
    idea = get_object_or_404(queries.readable(request.viewer), pk=proposal_id)
    if not rules.may_moderate(request.viewer, idea):
        raise PermissionDenied(_("Only a moderator of this place can hide or show this."))
    return idea


def _comment_to_moderate(request: Request, comment_id: int) -> Comment:
    return get_object_or_404(queries.moderated_comments(request.viewer), pk=comment_id)


def _voices(request: Request, idea: Proposal) -> list[rules.Voice]:
    voices = rules.voices(request.viewer, idea.community)
    if not voices:
        raise PermissionDenied(_("Join this community first: then you can sign its ideas."))
    return voices


def _comment_place(idea: Proposal) -> str:
    return f"{idea.get_absolute_url()}#say"


def _keep(request: Request, place: str, words: str) -> None:
    """Remember the words that somebody wrote at one place, and only there."""
    if words:
        request.session[KEPT] = {place: words}
    else:
        request.session.pop(KEPT, None)
