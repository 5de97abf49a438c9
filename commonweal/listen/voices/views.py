"""Pages on which people vote on statements, add their own, and see and change their part."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import numpy as np
from allauth.core.internal import ratelimit
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.middleware.csrf import get_token, rotate_token
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from commonweal.ground.places.rules import Viewer, voices
from commonweal.kit.doors import signed_in, the_one
from commonweal.kit.request import Request
from commonweal.kit.wording import Hint, advise
from commonweal.listen.conversations.models import Conversation, Participant, State
from commonweal.listen.conversations.queries import details_of, numbered
from commonweal.listen.voices import actions, queries, rules
from commonweal.listen.voices.forms import (
    DetailsForm,
    ReportForm,
    StatementForm,
    VoteForm,
    lot_in,
    signed,
)
from commonweal.listen.voices.models import Policy, Value
from commonweal.listen.voices.queries import Card, Part

A_PAGE = 20
WEIGHTY = {
    Hint.QUESTION, Hint.SEVERAL, Hint.SHORT, Hint.PRIVATE, Hint.SHOUTING, Hint.ALONE, Hint.LEADING,
}  # fmt: skip


# --- voting


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def vote(request: Request, conversation_id: int) -> HttpResponse:
    """Show one statement and take what somebody says to it; then the next."""
    if request.method == "POST":
        return _vote(request, conversation_id)
    conversation = _found(request, conversation_id)
    refused = rules.why_not(request.viewer, conversation)
    if refused:
        return _refused(request, conversation, refused)
    return _voting(request, conversation)


def _vote(request: Request, conversation_id: int) -> HttpResponse:
    form = VoteForm(request.POST)
    if not form.is_valid():
        words = _("That did not say which answer. Press Agree, Disagree or Pass.")
        return _again(request, _found(request, conversation_id), words, status=422)
    said, viewer = form.cleaned_data, _as_a_guest(request)
    try:
        voted = actions.vote(
            viewer=viewer,
            conversation_id=conversation_id,
            number=said["statement"],
            value=said["vote"],
            network=_network(request),
            lot=np.random.default_rng(),
            came_by=lot_in(conversation_id, said["lot"]) if said["lot"] else None,
            goes_on=_goes_on(request),
        )
    except actions.NotOpen as closed:
        return _closed(request, closed.conversation, status=409)
    except actions.NotForThem as error:
        return _refused(request, error.conversation, error.why_not)
    except Conversation.DoesNotExist:
        raise Http404 from None
    except actions.StatementGone:
        words = _("That statement was taken out meanwhile, so nobody votes on it. Here is another.")
        return _again(request, _found(request, conversation_id), words, status=409)
    except actions.TooFast:
        words = _("That was faster than anybody can read. Wait a minute; nothing is lost.")
        return _again(request, _found(request, conversation_id), words, status=429)
    except actions.TooOften as error:
        return _again(request, _found(request, conversation_id), str(error), status=429)
    return _remembered(request, viewer, _voted(request, voted, said["next"]))


def _voted(request: Request, voted: actions.Voted, onward: str) -> HttpResponse:
    if request.htmx and not onward:
        values = _about(request, voted.conversation, voted.part, voted.card)
        return render(request, "voices/card.html", {**values, "told": voted.value, "moved": True})
    if _is_ours(request, onward):
        messages.success(request, COUNTED[voted.value])
        return redirect(onward)
    return redirect(f"{_here(request, voted.conversation)}#statement")


class _Words:
    """What is said after an answer, in the reader's language."""

    def __getitem__(self, value: Value) -> str:
        if value == Value.AGREE:
            return _("Counted: you agree.")
        if value == Value.DISAGREE:
            return _("Counted: you disagree.")
        return _("Counted: you passed.")


COUNTED = _Words()


def _voting(request: Request, conversation: Conversation, **more: Any) -> HttpResponse:
    """Show the statement whose turn it is, or that they may stop here, or that this was all."""
    part = queries.part_of(request.viewer, conversation.pk)
    values = _about(request, conversation, part, _card(request, conversation, part))
    template = "voices/card.html" if request.htmx else "voices/vote.html"
    status = more.pop("status", 200)
    return _page(request, template, conversation, {**values, **more}, status=status)


def _again(
    request: Request, conversation: Conversation, words: str, *, status: int
) -> HttpResponse:
    """Show the page once more, with what went wrong; also to whom it is closed by now."""
    refused = rules.why_not(request.viewer, conversation)
    if refused:
        return _refused(request, conversation, refused)
    return _voting(request, conversation, wrong=words, status=status, moved=bool(request.htmx))


def _card(request: Request, conversation: Conversation, part: Part) -> Card | None:
    if "back" in request.GET:
        number = request.GET["back"]
        before = int(number) if number.isdecimal() and len(number) < 10 else None
        if before is not None or not number:
            found = queries.card_before(conversation, part, before)
            if found is not None:
                return found
    if len(part.answered) >= conversation.enough and not _goes_on(request):
        return None
    at = request.viewer.at
    if part.participant_id is None:
        return queries.card_for_a_stranger(conversation, _strangers_lot(request, conversation))
    return actions.show_next(
        conversation=conversation, part=part, at=at, lot=np.random.default_rng()
    )


def _about(
    request: Request, conversation: Conversation, part: Part, card: Card | None
) -> dict[str, Any]:
    """Return what the card says: how far they are, and what may come next."""
    answered = len(part.answered)
    own = sum(one.policy == Policy.OWN for one in part.said)
    total = max(0, queries.how_many(conversation) - own)
    goes_on = _goes_on(request)
    about = total if goes_on or total < conversation.enough else conversation.enough
    place = answered + 1
    if card is not None and card.is_back:
        ids = [one.statement for one in part.answered]
        place = ids.index(card.statement.pk) + 1
    viewer = request.viewer
    return {
        "conversation": conversation,
        "card": card,
        "lot": signed(conversation.pk, card.drawn) if card and card.drawn else "",
        "answered": answered,
        "place": place,
        "about": max(about, place if card else answered),
        "total": total,
        "own": own,
        "share": min(1.0, (place - 1 if card else answered) / max(1, about)),
        "goes_on": goes_on,
        "is_all": card is None and answered >= total,
        "here": _here(request, conversation),
        "may_add": conversation.people_add,
        "is_guest": viewer.person is None,
        "asks_details": card is None and answered > 0 and conversation.details.exists(),
        "link": request.build_absolute_uri(conversation.get_absolute_url()),
    }


def _goes_on(request: Request) -> bool:
    return "more" in request.GET


def _here(request: Request, conversation: Conversation) -> str:
    address = reverse("voices:vote", args=[conversation.pk])
    return f"{address}?{urlencode({'more': 1})}" if _goes_on(request) else address


# --- a statement of one's own


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def add(request: Request, conversation_id: int) -> HttpResponse:
    """Take a statement in somebody's own words; first show them what others said alike."""
    conversation = _found(request, conversation_id)
    refused = rules.why_not_add(request.viewer, conversation)
    if refused:
        return _refused(request, conversation, refused)
    known = voices(request.viewer, conversation.community)
    form = StatementForm(request.POST if request.method == "POST" else None, voices=known)
    if not form.is_valid():
        return _adding(request, conversation, form)
    text = form.cleaned_data["text"]
    if request.POST.get("do") != "add":
        near = queries.alike(conversation, text)
        hints = [one for one in advise(text) if one.hint in WEIGHTY]
        if near or hints:
            values = {"near": near, "hints": hints, "text": text}
            return _adding(request, conversation, form, **values)
    return _add(request, conversation, form)


def _add(request: Request, conversation: Conversation, form: StatementForm) -> HttpResponse:
    viewer, said = _as_a_guest(request), form.cleaned_data
    try:
        made = actions.add_statement(
            viewer=viewer,
            conversation_id=conversation.pk,
            text=said["text"],
            standing=said.get("standing"),
            network=_network(request),
        )
    except actions.NotOpen as closed:
        return _closed(request, closed.conversation, status=409)
    except actions.NotForThem as error:
        return _refused(request, error.conversation, error.why_not)
    except actions.SaidAlready as error:
        same = error.statement
        same = same.same_as or same if same.state == State.MERGED else same
        me = queries.participant_of(viewer, conversation)
        is_own = me is not None and same.author_id == me.pk
        return _adding(request, conversation, form, same=same, is_own=is_own, status=409)
    except actions.TooOften as error:
        return _adding(request, conversation, form, wrong=str(error), status=429)
    except actions.Full:
        words = _("There is no room for more statements here. Vote on those that are here.")
        return _adding(request, conversation, form, wrong=words, status=409)
    if made.state == State.SHOWN:
        words = _("Your statement is in. Others vote on it from now on.")
    else:
        words = _("Thank you. A moderator reads your statement before others see it.")
    messages.success(request, words)
    return _remembered(request, viewer, redirect("voices:mine", conversation.pk))


def _adding(
    request: Request, conversation: Conversation, form: StatementForm, **values: Any
) -> HttpResponse:
    status = values.pop("status", 200)
    return _page(request, "voices/add.html", conversation, {"form": form, **values}, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def report(request: Request, conversation_id: int, number: int) -> HttpResponse:
    """Let somebody tell a moderator what is wrong with a statement."""
    conversation = _found(request, conversation_id)
    refused = rules.why_not(request.viewer, conversation)
    if refused:
        return _refused(request, conversation, refused)
    statement = queries.shown_statement(conversation.pk, number)
    if statement is None:
        raise Http404
    form = ReportForm(request.POST if request.method == "POST" else None)
    values = {"form": form, "statement": statement}
    if not form.is_valid():
        return _page(request, "voices/report.html", conversation, values)
    viewer = _as_a_guest(request)
    try:
        actions.report(
            viewer=viewer,
            conversation_id=conversation.pk,
            number=number,
            network=_network(request),
            **form.cleaned_data,
        )
    except actions.NotOpen as closed:
        return _closed(request, closed.conversation, status=409)
    except actions.NotForThem as error:
        return _refused(request, error.conversation, error.why_not)
    except actions.StatementGone:
        raise Http404 from None
    except actions.TooOften as error:
        form.add_error(None, str(error))
        return _page(request, "voices/report.html", conversation, values, status=429)
    messages.success(
        request, _("Thank you. A moderator reads it again. Until then you can pass it over.")
    )
    return _remembered(request, viewer, redirect("voices:vote", conversation.pk))


# --- one's own part


@require_safe
@never_cache
def mine(request: Request, conversation_id: int) -> HttpResponse:
    """Show somebody what they said here, and what they can do with it."""
    conversation = _found(request, conversation_id)
    participant = queries.participant_of(request.viewer, conversation)
    values: dict[str, Any] = {"participant": participant}
    if participant is not None:
        answers = Paginator(queries.own_answers(participant), A_PAGE)
        is_open = conversation.is_open(request.viewer.at)
        own = list(queries.own_statements(participant))
        for one in own:
            one.conversation = conversation
            may = is_open and rules.may_take_back(participant, one, one.others)  # type: ignore[attr-defined]
            one.may_take_back = may  # type: ignore[attr-defined]
        values |= {"own": own, "page": answers.get_page(request.GET.get("page"))}
        values["details"] = conversation.details.exists()
    return _page(request, "voices/mine.html", conversation, values)


@require_POST
def take_back(request: Request, conversation_id: int, number: int) -> HttpResponse:
    """Take back a statement of one's own that nobody else has voted on."""
    conversation = _found(request, conversation_id)
    if queries.participant_of(request.viewer, conversation) is None:
        raise Http404
    try:
        actions.take_back(viewer=request.viewer, conversation_id=conversation.pk, number=number)
    except actions.NotOpen as closed:
        return _closed(request, closed.conversation, status=409)
    except actions.NotForThem as error:
        return _refused(request, error.conversation, error.why_not)
    except actions.StatementGone:
        raise Http404 from None
    except actions.VotedOn:
        words = _("Others have voted on it meanwhile, so it stays. It stands there without a name.")
        messages.error(request, words)
    else:
        messages.success(request, _("You have taken your statement back. Nobody sees it any more."))
    return redirect("voices:mine", conversation.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def about_you(request: Request, conversation_id: int) -> HttpResponse:
    """Ask what somebody likes to say of themselves; every question may be left out."""
    conversation = _found(request, conversation_id)
    refused = rules.why_not(request.viewer, conversation)
    participant = queries.participant_of(request.viewer, conversation)
    if request.POST.get("do") == "remove" and participant is not None:
        actions.unsay_details(conversation=_whole(conversation), participant=participant)
        messages.success(request, _("What you said about yourself is taken out."))
        return redirect("voices:mine", conversation.pk)
    if refused:
        return _refused(request, conversation, refused)
    if participant is None:
        return redirect("voices:vote", conversation.pk)
    said = queries.details_said(_whole(conversation), participant)
    data = request.POST if request.method == "POST" else None
    form = DetailsForm(data, details=details_of(conversation), said=said)
    if not form.is_valid():
        values = {"form": form, "said": said}
        return _page(request, "voices/about_you.html", conversation, values)
    try:
        actions.say_details(viewer=request.viewer, conversation_id=conversation.pk, said=form.said)
    except actions.NotOpen as closed:
        return _closed(request, closed.conversation, status=409)
    except actions.NotForThem as error:
        return _refused(request, error.conversation, error.why_not)
    messages.success(request, _("Thank you. You can change or remove this at any time."))
    return redirect("voices:vote", conversation.pk)


def _whole(conversation: Conversation) -> Conversation:
    """Return the conversation with its key, which pages do not read."""
    conversation.refresh_from_db(fields=["key"])
    return conversation


@require_POST
@signed_in
def adopt(request: Request, conversation_id: int) -> HttpResponse:
    """Put what was said in this browser under the account of whoever has signed in."""
    conversation = _found(request, conversation_id)
    if request.POST.get("do") == "leave":
        return _forgotten(request, redirect("voices:vote", conversation.pk))
    try:
        many = actions.adopt(viewer=request.viewer, conversation=_whole(conversation))
    except actions.NothingToAdopt:
        messages.error(request, _("Nothing was said in this browser without an account."))
    else:
        words = _("The answers of this browser are under your account now: %(n)s.")
        messages.success(request, words % {"n": many})
    return redirect("voices:vote", conversation.pk)


@require_POST
def forget(request: Request, conversation_id: int) -> HttpResponse:
    """Leave what was said without an account, so that who comes next finds nothing of it."""
    conversation = _found(request, conversation_id)
    messages.success(request, _("This browser has forgotten you. What you said stays, and counts."))
    return _forgotten(request, redirect(conversation))


# --- who comes without an account


def _as_a_guest(request: Request) -> Viewer:
    """Return the viewer with the mark of their browser, a new one if they need it."""
    viewer = request.viewer
    if viewer.person is not None or queries.MARK.fullmatch(viewer.browser):
        return viewer
    return replace(viewer, browser=_new_mark(request))


def _new_mark(request: Request) -> str:
    """Return a mark that is the same for all that this browser sends today before it keeps one.

    So two presses at once, or two tabs, are one person.
    """
    known = request.META.get("CSRF_COOKIE") or secrets.token_hex(16)
    return _secretly("mark", f"{known}:{request.viewer.at:%Y-%m-%d}").hex()[:32]


def _strangers_lot(request: Request, conversation: Conversation) -> np.random.Generator:
    """Return a lot that falls the same way when a page is loaded again: nobody draws until it suits."""
    get_token(request)
    known = f"{conversation.pk}:{request.META['CSRF_COOKIE']}"
    return np.random.default_rng(int.from_bytes(_secretly("lot", known)[:8]))


def _secretly(what: str, of: str) -> bytes:
    secret = f"voices.{what}:{settings.SECRET_KEY}".encode()
    return hmac.digest(secret, of.encode(), hashlib.sha256)


def _network(request: Request) -> actions.Network:
    hour = f"{request.viewer.at:%Y-%m-%d %H}"
    name = _secretly("network", f"{hour}:{ratelimit.get_ip(request)}")
    return actions.Network(name, settings.AN_HOUR_FROM_ONE_NETWORK)


def _remembered(request: Request, viewer: Viewer, answer: HttpResponse) -> HttpResponse:
    """Let the browser keep its mark, for thirty days from what was said last."""
    if viewer.person is None:
        answer.set_cookie(
            settings.BROWSER_COOKIE_NAME,
            viewer.browser,
            max_age=settings.BROWSER_COOKIE_AGE,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )
    return answer


def _forgotten(request: Request, answer: HttpResponse) -> HttpResponse:
    answer.delete_cookie(settings.BROWSER_COOKIE_NAME, samesite="Lax")
    rotate_token(request)
    return answer


# --- shared


def _found(request: Request, conversation_id: int) -> Conversation:
    return the_one(numbered(request.viewer, conversation_id))


def _refused(request: Request, conversation: Conversation, why_not: rules.WhyNot) -> HttpResponse:
    """Say why somebody cannot take part now, and what they can do about it."""
    sent = request.method == "POST"
    if why_not.code in ("coming", "closed", "withdrawn"):
        return _closed(request, conversation, status=409 if sent else 200)
    if request.htmx:
        return HttpResponseClientRedirect(_here(request, conversation))
    status = 200 if why_not.code in ("sign-in", "no-adding") and not sent else 403
    values = {"why_not": why_not}
    return _page(request, "voices/not_yours.html", conversation, values, status=status)


def _closed(request: Request, conversation: Conversation, *, status: int = 200) -> HttpResponse:
    values = {"sent": request.method == "POST"}
    template = "voices/closed_words.html" if request.htmx else "voices/closed.html"
    return _page(request, template, conversation, values, status=status)


def _is_ours(request: Request, address: str) -> bool:
    return url_has_allowed_host_and_scheme(address, allowed_hosts={request.get_host()})


def _page(
    request: Request,
    template: str,
    conversation: Conversation,
    values: dict[str, Any],
    *,
    status: int = 200,
) -> HttpResponse:
    at = request.viewer.at
    known: dict[str, Any] = {
        "nav": "open",
        "conversation": conversation,
        "state": conversation.state(at),
        "at": at,
        "guest": _guest_note(request, conversation),
    }
    return render(request, template, {**known, **values}, status=status)


def _guest_note(request: Request, conversation: Conversation) -> Participant | None:
    """Return who took part in this browser before whoever has signed in now."""
    if request.viewer.person is None or request.htmx:
        return None
    return queries.guest_here(request.viewer, conversation)
