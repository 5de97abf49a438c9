"""Pages of conversations and what is said in them, and those on which staff set one up and answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar, cast

from django import forms as django_forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from qrcode import QRCode
from qrcode.constants import ERROR_CORRECT_M

from commonweal.ground.challenges.models import Challenge
from commonweal.ground.places.rules import Viewer
from commonweal.kit.clock import database_now
from commonweal.kit.doors import privileged, the_one
from commonweal.kit.request import Request
from commonweal.kit.wording import advise
from commonweal.listen.conversations import actions, forms, queries, rules
from commonweal.listen.conversations.models import Conversation, Heed, State, Statement, Step

A_PAGE, STATEMENTS_A_PAGE = 20, 30
Made = TypeVar("Made")

# --- for everybody


@require_safe
def conversation_list(request: Request) -> HttpResponse:
    """Show every conversation: open, coming, closed."""
    form = forms.FilterForm(request.GET, viewer=request.viewer)
    found = queries.cards(request.viewer, **form.choices())
    page = Paginator(found, A_PAGE).get_page(request.GET.get("page"))
    page.object_list = list(page.object_list)
    queries.hand_people(page.object_list)
    values = {"nav": "open", "form": form, "page": page, "at": request.viewer.at}
    values["narrowed"] = any(form.choices().values())
    return render(request, "conversations/list.html", values)


@require_safe
def conversation(request: Request, conversation_id: int) -> HttpResponse:
    """Say what is asked, how long it takes, who may take part and what happens with it."""
    found = _found(request, conversation_id)
    return _show(request, "conversations/conversation.html", found, {})


def _show(
    request: Request, template: str, found: Conversation, more: dict[str, Any]
) -> HttpResponse:
    queries.hand_people([found])
    values = {
        "latest": queries.latest_answers(found),
        "changes": queries.changes_of(found) if found.has_opened(request.viewer.at) else [],
        "may_run": rules.may_run(request.viewer, found),
        "address": request.build_absolute_uri(found.get_absolute_url()),
        **more,
    }
    return _page(request, template, found, values)


@require_safe
def poster(request: Request, conversation_id: int) -> HttpResponse:
    """Show a sheet for a wall: the question, its address, and a square that a telephone reads."""
    found = _found(request, conversation_id)
    address = request.build_absolute_uri(found.get_absolute_url())
    values = {
        "address": address,
        "plain_address": address.partition("://")[2].rstrip("/"),
        "square": _square(address),
    }
    return _page(request, "conversations/poster.html", found, values)


def _square(address: str) -> dict[str, Any]:
    """Return the square that leads to an address: its width, and its dark fields as one path."""
    drawn = QRCode(error_correction=ERROR_CORRECT_M, mask_pattern=3, border=4)
    drawn.add_data(address)
    rows = cast("list[list[bool]]", drawn.get_matrix())
    fields = [
        f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark
    ]
    return {"width": len(rows), "path": "".join(fields)}


@require_safe
def statements(request: Request, conversation_id: int) -> HttpResponse:
    """Show every statement of a conversation that people vote on, by the page."""
    found = _found(request, conversation_id)
    form = forms.FindForm(request.GET)
    listed = queries.shown(found, **form.choices())
    page = Paginator(listed, STATEMENTS_A_PAGE).get_page(request.GET.get("page"))
    words = form.choices()["words"]
    values = {"form": form, "page": page, "narrowed": bool(words)}
    return _page(request, "conversations/statements.html", found, values)


@require_safe
def statement(request: Request, conversation_id: int, number: int) -> HttpResponse:
    """Show one statement: what it says, who said it and since when, what came of it."""
    found = _found(request, conversation_id)
    said = the_one(queries.statement(found, number))
    if said.state == State.MERGED and said.same_as is not None:
        return redirect(said.same_as)
    viewer = request.viewer
    if not rules.may_read(viewer, found, said):
        values = {"statement": said, "status": said.state}
        return _page(request, "conversations/not_shown.html", found, values, status=410)
    answers = queries.answers(said)
    values = {
        "statement": said,
        "answer": answers[0] if answers else None,
        "earlier": answers[1:],
        "may_answer": said.state == State.SHOWN
        and found.has_opened(viewer.at)
        and rules.may_run(viewer, found),
        "wrote": rules.wrote(viewer, said),
        "is_old": found.has_opened(viewer.at) and said.added_at < found.opens_at,
    }
    return _page(request, "conversations/statement.html", found, values)


@require_safe
def answers(request: Request, conversation_id: int) -> HttpResponse:
    """Show what came of a conversation: what people said, and what was done about it."""
    found = _found(request, conversation_id)
    heed = request.GET.get("heed", "")
    heed = heed if heed in Heed.values else ""
    listed = queries.answered(found, heed)
    page = Paginator(listed, A_PAGE).get_page(request.GET.get("page"))
    for row in page.object_list:
        row.conversation = found
    values = {"page": page, "heed": heed, "heeds": Heed.choices}
    return _page(request, "conversations/answers.html", found, values)


@require_safe
@never_cache
def preview(request: Request, token: str) -> HttpResponse:
    """Show a conversation as people will see it, to whoever holds the link; nobody can vote."""
    is_one = token.isascii() and token.isprintable() and len(token) <= 64
    found = queries.previewed(request.viewer, token) if is_one else None
    if found is None:
        raise Http404
    is_public = found.challenge is None or found.challenge.is_public
    if is_public and found.has_opened(request.viewer.at):
        return _unlisted(redirect(found))
    sample = list(queries.first_statements(found)[:30])
    values = {"token": token, "may_run": False, "sample": sample}
    return _unlisted(_show(request, "conversations/preview.html", found, values))


def _unlisted(answer: HttpResponse) -> HttpResponse:
    answer.headers["X-Robots-Tag"] = "noindex, nofollow"
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


# --- setting up, step by step


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def set_up(request: Request) -> HttpResponse:
    """Begin a conversation: only those who lead the community see it from here."""
    viewer = request.viewer
    places = queries.communities_to_ask(viewer)
    if not places.exists():
        raise PermissionDenied(_("Only those who lead a community may ask its people."))
    challenge = _challenge_asked_for(request)
    start = {"challenge": challenge, "community": challenge.community} if challenge else {}
    form = forms.QuestionForm(request.POST or None, viewer=viewer, initial=start)
    if form.is_valid():
        now = _now(request)
        made = _saved(form, lambda: actions.draft_conversation(viewer=now, **form.cleaned_data))
        if made is not None:
            return redirect("conversations:step", made.pk, Step.STATEMENTS)
    values = {
        "nav": "desk",
        "form": form,
        "tour": _tour(None, Step.QUESTION),
        "past": queries.conversations_to_copy(viewer)[:5],
    }
    return render(request, "conversations/set_up.html", values)


def _challenge_asked_for(request: Request) -> Challenge | None:
    slug = request.GET.get("challenge", "").replace("\0", "")
    found = queries.challenges_to_ask(request.viewer).filter(slug=slug) if slug else None
    return found.first() if found is not None else None


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def copy(request: Request, conversation_id: int) -> HttpResponse:
    """Begin a conversation from an earlier one: its settings, first statements and details."""
    past = _to_run(request, conversation_id)
    form = forms.CopyForm(request.POST or None, initial={"question": past.question})
    if form.is_valid():
        made = actions.copy_conversation(
            viewer=_now(request), conversation_id=conversation_id, **form.cleaned_data
        )
        messages.success(request, _("Copied. Say when it opens, then check it."))
        return redirect("conversations:step", made.pk, Step.DATES)
    return _page(request, "conversations/copy.html", past, {"nav": "desk", "form": form})


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def step(request: Request, conversation_id: int, step: str) -> HttpResponse:
    """Save one step of a conversation before it opens, and go on to the next."""
    if step not in Step.values:
        raise Http404
    found = _to_run(request, conversation_id)
    if _is_frozen(request, found):
        return _frozen(request, found, status=409 if request.method == "POST" else 200)
    if step == Step.STATEMENTS:
        return _first_statements(request, found)
    if step == Step.DETAILS:
        return _details(request, found)
    kind = forms.STEP_FORMS[Step(step)]
    form = kind(request.POST or None, viewer=request.viewer, conversation=found)
    if form.is_valid():
        now = _now(request)

        def save() -> Conversation:
            return actions.save_step(
                viewer=now, conversation_id=found.pk, step=Step(step), **form.cleaned_data
            )

        if (saved := _saved(form, save)) is not None:
            messages.success(request, _("Saved."))
            return redirect(_after(saved, Step(step)))
    return _step(request, "conversations/step.html", found, Step(step), {"form": form})


def _first_statements(request: Request, found: Conversation) -> HttpResponse:
    posted = request.method == "POST"
    form = forms.StatementsForm(request.POST if posted else None, request.FILES if posted else None)
    if form.is_valid():
        now, texts = _now(request), form.cleaned_data["found"]

        def save() -> list[Statement]:
            return actions.add_first(viewer=now, conversation_id=found.pk, texts=texts)

        if (made := _saved(form, save)) is not None:
            if made:
                messages.success(request, _("Saved. Look at the advice beside each of them."))
            else:
                messages.warning(request, _("These stand here already."))
            return redirect("conversations:step", found.pk, Step.STATEMENTS)
    listed = list(queries.first_statements(found))
    values = {
        "form": form,
        "listed": queries.looked_at(listed),
        "on_all": queries.advice_on([row.text for row in listed]),
        "alike": queries.alike(listed),
        "onward": _after(found, Step.STATEMENTS),
    }
    return _step(request, "conversations/first.html", found, Step.STATEMENTS, values)


def _details(request: Request, found: Conversation) -> HttpResponse:
    start = forms.DetailsForm.of(queries.details_of(found))
    form = forms.DetailsForm(initial=start)
    if request.method == "POST" and "ready" in request.POST:
        kind = request.POST["ready"]
        typed = forms.DetailsForm.with_ready(request.POST, kind, found)
        form = forms.DetailsForm(initial=typed)
    elif request.method == "POST":
        form = forms.DetailsForm(request.POST)
        if form.is_valid():
            now, details = _now(request), form.cleaned_data["details"]

            def save() -> Conversation:
                return actions.save_details(viewer=now, conversation_id=found.pk, details=details)

            if (saved := _saved(form, save)) is not None:
                messages.success(request, _("Saved."))
                return redirect(_after(saved, Step.DETAILS))
    values = {"form": form, "ready": forms.READY_NAMES.items()}
    return _step(request, "conversations/details.html", found, Step.DETAILS, values)


def _step(
    request: Request, template: str, found: Conversation, step: Step, values: dict[str, Any]
) -> HttpResponse:
    known = {"nav": "desk", "step": step, "tour": _tour(found, step)}
    return _page(request, template, found, {**known, **values})


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def change_first(request: Request, conversation_id: int, number: int) -> HttpResponse:
    """Word a first statement anew, with the advice on how it reads."""
    found = _to_run(request, conversation_id)
    said = the_one(list(queries.first_statements(found).filter(number=number)))
    if _is_frozen(request, found):
        return _frozen(request, found, status=409 if request.method == "POST" else 200)
    form = forms.StatementForm(request.POST or None, initial={"text": said.text})
    if form.is_valid():
        now, text = _now(request), form.cleaned_data["text"]

        def save() -> Statement:
            return actions.change_first(
                viewer=now, conversation_id=found.pk, number=number, text=text
            )

        if _saved(form, save) is not None:
            messages.success(request, _("Saved."))
            return redirect("conversations:step", found.pk, Step.STATEMENTS)
    advice = advise(str(form["text"].value() or ""))
    values = {"form": form, "statement": said, "advice": advice}
    return _step(request, "conversations/change_first.html", found, Step.STATEMENTS, values)


@require_POST
@privileged
def remove_first(request: Request, conversation_id: int, number: int) -> HttpResponse:
    """Take a first statement away."""
    found = _to_run(request, conversation_id)
    try:
        actions.remove_first(viewer=_now(request), conversation_id=found.pk, number=number)
    except actions.HasOpened:
        return _frozen(request, found, status=409)
    return redirect("conversations:step", found.pk, Step.STATEMENTS)


def _after(found: Conversation, step: Step) -> str:
    """Return the next step of a conversation that is set up; the check page of one that was whole."""
    order = list(Step)
    number = order.index(step) + 1
    if not found.is_draft or number == len(order):
        return reverse("conversations:check", args=[found.pk])
    return reverse("conversations:step", args=[found.pk, order[number]])


def _tour(found: Conversation | None, here: Step | str) -> list[dict[str, Any]]:
    """Return the steps with where they are, and which are done."""
    steps: list[dict[str, Any]] = [
        {
            "words": step.label,
            "href": reverse("conversations:step", args=[found.pk, step]) if found else "",
            "is_here": step == here,
            "is_done": found is not None and (not found.is_draft or step in found.steps_done),
        }
        for step in Step
    ]
    check = reverse("conversations:check", args=[found.pk]) if found else ""
    last = {"words": _("Check"), "href": check, "is_here": here == "check", "is_done": False}
    return [*steps, last]


def _saved(form: django_forms.BaseForm, action: Callable[[], Made]) -> Made | None:
    """Run the action; put what it refuses into words beside the field."""
    field = next(iter(form.fields))
    try:
        return action()
    except actions.NotOfTheChallenge:
        words = _("This challenge is about another place. Ask its own people, or some of them.")
        form.add_error("community", words)
    except actions.OpensTooSoon:
        form.add_error("opens_at", _("Open it later than now, so that it can be looked at first."))
    except actions.HasOpened:
        form.add_error(None, _("It has opened. From now on this stays as people found it."))
    except actions.TooManyStatements:
        form.add_error(field, _("These are too many. People see about twenty each."))
    except actions.SaidAlready:
        form.add_error(field, _("The very same statement stands here already."))
    except actions.NotOpen:
        form.add_error(None, _("It is not open, so this cannot be done."))
    except actions.OnlyLater:
        words = _("The close can be put off. To close it earlier, close it now and say why.")
        form.add_error("closes_at", words)
    except actions.NotShown:
        form.add_error(None, _("Nobody votes on this, so it is not answered."))
    return None


# --- running it


@require_safe
@privileged
def check(request: Request, conversation_id: int) -> HttpResponse:
    """Show everything about a conversation to those who run it, what is missing, what comes next."""
    found = _to_run(request, conversation_id)
    at = request.viewer.at
    hrefs = {one["words"]: one["href"] for one in _tour(found, "check")}
    lacks = queries.missing(found, at) if found.is_draft else []
    first = list(queries.first_statements(found)[: actions.MOST_FIRST])
    queries.hand_people([found])
    values = {
        "nav": "desk",
        "missing": [{"words": one.words, "href": hrefs[one.step.label]} for one in lacks],
        "tour": _tour(found, "check") if not _is_frozen(request, found) else [],
        "first": first,
        "on_all": queries.advice_on([row.text for row in first]) if found.is_draft else [],
        "waiting": 0 if found.is_draft else queries.waiting(found),
        "may_moderate": rules.may_moderate(request.viewer, found),
        "details": queries.details_of(found),
        "changes": queries.changes_of(found) if found.has_opened(at) else [],
        "reminders": queries.reminders(found, at, timezone.localdate(at)),
        "preview_at": request.build_absolute_uri(
            reverse("conversations:preview", args=[found.preview])
        ),
    }
    return _page(request, "conversations/desk_conversation.html", found, values)


@require_POST
@privileged
def make_public(request: Request, conversation_id: int) -> HttpResponse:
    """Let a whole draft go."""
    _to_run(request, conversation_id)
    try:
        actions.make_public(viewer=_now(request), conversation_id=conversation_id)
    except actions.NotReady:
        messages.error(request, _("Not public yet: something is still missing."))
    except actions.HasOpened:
        messages.error(request, _("It has opened. From now on this stays as people found it."))
    else:
        messages.success(request, _("Done. It opens and closes by itself."))
    return redirect("conversations:check", conversation_id)


@require_POST
@privileged
def renew_preview(request: Request, conversation_id: int) -> HttpResponse:
    """Give the conversation a new preview link."""
    _to_run(request, conversation_id)
    actions.renew_preview(viewer=_now(request), conversation_id=conversation_id)
    messages.success(request, _("There is a new link. The old one leads nowhere any more."))
    return redirect("conversations:check", conversation_id)


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def extend(request: Request, conversation_id: int) -> HttpResponse:
    """Keep an open conversation open longer, and tell everybody why."""
    found = _to_run(request, conversation_id)
    form = forms.ExtendForm(request.POST or None, initial={"closes_at": found.closes_at})
    return _run(
        request, found, "conversations/extend.html", form,
        lambda viewer: actions.extend_close(
            viewer=viewer, conversation_id=found.pk, **form.cleaned_data
        ),
        _("It stays open longer, and everybody can read why."),
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def close(request: Request, conversation_id: int) -> HttpResponse:
    """Close an open conversation now, and tell everybody why."""
    found = _to_run(request, conversation_id)
    form = forms.WhyForm(request.POST or None)
    return _run(
        request, found, "conversations/close.html", form,
        lambda viewer: actions.close_early(
            viewer=viewer, conversation_id=found.pk, **form.cleaned_data
        ),
        _("It is closed, and everybody can read why."),
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def withdraw(request: Request, conversation_id: int) -> HttpResponse:
    """Take a conversation back for good, and tell everybody why."""
    found = _to_run(request, conversation_id)
    form = forms.WhyForm(request.POST or None)
    return _run(
        request, found, "conversations/withdraw.html", form,
        lambda viewer: actions.withdraw(
            viewer=viewer, conversation_id=found.pk, **form.cleaned_data
        ),
        _("It is withdrawn, and everybody can read why."),
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def correct(request: Request, conversation_id: int) -> HttpResponse:
    """Change in public what may still change after the opening."""
    found = _to_run(request, conversation_id)
    form = forms.CorrectForm(request.POST or None, viewer=request.viewer, conversation=found)
    return _run(
        request, found, "conversations/correct.html", form,
        lambda viewer: actions.correct(
            viewer=viewer, conversation_id=found.pk, **form.cleaned_data
        ),
        _("Changed, and everybody can read what it was and why."),
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def add_by_staff(request: Request, conversation_id: int) -> HttpResponse:
    """Add a statement while people vote; everybody sees that it comes from those who ask."""
    found = _to_run(request, conversation_id)
    form = forms.StatementForm(request.POST or None)
    looked = form.is_valid() and "sure" not in request.POST
    advice = advise(form.cleaned_data["text"]) if looked else []
    if advice:  # read the advice once; whoever sends it again means it
        values = {"nav": "desk", "form": form, "advice": advice}
        return _page(request, "conversations/add_by_staff.html", found, values)
    return _run(
        request, found, "conversations/add_by_staff.html", form,
        lambda viewer: actions.add_by_staff(
            viewer=viewer, conversation_id=found.pk, **form.cleaned_data
        ),
        _("Added. People vote on it from now on."),
    )  # fmt: skip


def _run(
    request: Request,
    found: Conversation,
    template: str,
    form: django_forms.BaseForm,
    action: Callable[[Viewer], object],
    done: str,
) -> HttpResponse:
    """Do what those who run a conversation ask for, or say beside the form why not."""
    if form.is_valid():
        viewer = _now(request)
        if _saved(form, lambda: action(viewer)) is not None:
            messages.success(request, done)
            return redirect("conversations:check", found.pk)
    return _page(request, template, found, {"nav": "desk", "form": form})


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def answer(request: Request, conversation_id: int, number: int) -> HttpResponse:
    """Say what came of a statement; what was said before stays beneath it."""
    found = _to_run(request, conversation_id)
    said = the_one(queries.statement(found, number))
    if said.state != State.SHOWN or not found.has_opened(request.viewer.at):
        raise Http404
    given = queries.answers(said)
    start = {"heed": given[0].heed, "words": given[0].words} if given else {}
    form = forms.AnswerForm(request.POST or None, initial=start)
    if form.is_valid():
        viewer = _now(request)
        made = _saved(
            form,
            lambda: actions.answer_statement(
                viewer=viewer, conversation_id=found.pk, number=number, **form.cleaned_data
            ),
        )
        if made is not None:
            messages.success(request, _("Your answer is public. Those who took part hear of it."))
            return redirect(said)
    values = {"nav": "desk", "form": form, "statement": said, "given": given}
    return _page(request, "conversations/answer.html", found, values)


# --- shared


def _now(request: Request) -> Viewer:
    """Return the viewer by the database's clock: what opens and closes does so by no other."""
    return replace(request.viewer, at=database_now())


def _found(request: Request, conversation_id: int) -> Conversation:
    return the_one(queries.numbered(request.viewer, conversation_id))


def _to_run(request: Request, conversation_id: int) -> Conversation:
    found = _found(request, conversation_id)
    if not rules.may_run(request.viewer, found):
        raise PermissionDenied(_("Only a clerk, or those who lead this community, may do this."))
    return found


def _is_frozen(request: Request, found: Conversation) -> bool:
    return found.has_opened(request.viewer.at) or found.withdrawn_at is not None


def _frozen(request: Request, found: Conversation, *, status: int) -> HttpResponse:
    """Say that this stays as people found it, instead of a form that could save nothing."""
    return _page(request, "conversations/frozen.html", found, {"nav": "desk"}, status=status)


def _page(
    request: Request,
    template: str,
    found: Conversation,
    values: dict[str, Any],
    *,
    status: int = 200,
) -> HttpResponse:
    at = request.viewer.at
    known = {"nav": "open", "conversation": found, "state": found.state(at), "at": at}
    return render(request, template, {**known, **values}, status=status)
