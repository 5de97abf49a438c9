"""Making an idea, or a challenge, of what people said."""

from __future__ import annotations

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from commonweal.ground.challenges import forms as challenge_forms
from commonweal.ground.challenges.queries import loop_steps
from commonweal.kit.doors import privileged
from commonweal.kit.request import Request
from commonweal.listen.conversations.models import Statement
from commonweal.propose.origins import actions, queries, rules
from commonweal.propose.proposals import actions as proposals
from commonweal.propose.proposals import rules as proposal_rules
from commonweal.propose.proposals.forms import StartForm
from commonweal.propose.proposals.models import Part, Proposal
from commonweal.propose.proposals.queries import open_step

KEPT = (
    "kept_words"  # what somebody wrote before they could be let in, as the pages of ideas keep it
)


@require_http_methods(["GET", "HEAD", "POST"])
def idea(request: Request, conversation_id: int, number: int) -> HttpResponse:
    """Begin an idea with the words of a statement; whoever has to sign in or join first keeps them."""
    viewer = request.viewer
    said = _said(request, conversation_id, number)
    goes_to = queries.target(viewer, said, said.conversation)
    challenge = goes_to and queries.challenge_with_steps(viewer, goes_to.challenge.pk)
    step = open_step(viewer, challenge) if challenge else None
    voices = proposal_rules.voices(viewer, challenge.community) if challenge else []
    kept = request.session.get(KEPT, {}).get(request.path, "")
    data = request.POST if request.method == "POST" else None
    form = StartForm(data, voices=voices, initial={"better": kept or said.text})
    if step is not None and form.is_valid():
        if viewer.person is None or not voices:
            _keep(request, form.cleaned_data["better"])
            if viewer.person is None:
                return redirect_to_login(request.path)
            return redirect(request.path)
        begun = _begin(request, said, form)
        if begun is not None:
            return redirect("proposals:edit", begun.pk, Part.WHOM)
    context = {
        "nav": "challenges",
        "said": said,
        "conversation": said.conversation,
        "challenge": challenge,
        "step": step,
        "voices": voices,
        "form": form,
        "kept": kept,
        "may_make_challenge": rules.may_make_challenge(viewer, said, said.conversation),
        "steps": loop_steps(challenge, viewer.at) if challenge else None,
    }
    return render(request, "origins/idea.html", context)


def _begin(request: Request, said: Statement, form: StartForm) -> Proposal | None:
    try:
        begun = actions.start_idea(
            viewer=request.viewer,
            statement_id=said.pk,
            standing=form.voice.kind,
            organisation=form.voice.organisation,
            better=form.cleaned_data["better"],
        )
    except proposals.TooManyIdeas:
        form.add_error(None, _("You began ten ideas in an hour. Finish one, or wait a little."))
        return None
    except proposals.IdeasClosed:
        form.add_error(None, _("This challenge has just closed for new ideas."))
        return None
    except actions.NoLongerStands:
        form.add_error(None, _("Nobody votes on this statement any more."))
        return None
    _keep(request, "")
    return begun


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def challenge(request: Request, conversation_id: int, number: int) -> HttpResponse:
    """Begin a challenge with the words of a statement."""
    viewer = request.viewer
    said = _said(request, conversation_id, number)
    if said.challenge is not None:
        return redirect(said.challenge)
    if said.conversation.challenge_id is not None:
        return redirect("origins:idea", conversation_id, number)
    if not rules.may_make_challenge(viewer, said, said.conversation):
        raise PermissionDenied(_("Challenges are set up by those who lead a service."))
    title = actions.short(text=said.text)
    asked = said.text if len(said.text) <= 200 else title
    initial = {"title": title, "question": asked, "community": said.conversation.community_id}
    form = challenge_forms.BasicsForm(request.POST or None, viewer=viewer, initial=initial)
    if form.is_valid():
        try:
            made = actions.draft_challenge(viewer=viewer, statement_id=said.pk, **form.cleaned_data)
        except actions.HasChallenge as has:
            return redirect(has.challenge)
        except actions.NoLongerStands:
            form.add_error(None, _("Nobody votes on this statement any more."))
        else:
            return redirect("challenges:outcomes", made.slug)
    context = {"nav": "desk", "said": said, "conversation": said.conversation, "form": form}
    return render(request, "origins/challenge.html", context)


def _said(request: Request, conversation_id: int, number: int) -> Statement:
    found = queries.statement_here(request.viewer, conversation_id, number)
    if found is None:
        raise Http404
    return found


def _keep(request: Request, words: str) -> None:
    """Remember the words that somebody wrote here, and only here."""
    if words:
        request.session[KEPT] = {request.path: words}
    else:
        request.session.pop(KEPT, None)
