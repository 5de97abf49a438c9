"""The desk of moderators, what everybody may read about it, and an author's own statements."""

from __future__ import annotations

import csv
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, cast

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from commonweal.ground.journal.queries import harmless
from commonweal.kit.doors import privileged, the_one
from commonweal.kit.request import Request
from commonweal.listen.conversations import queries as open_to
from commonweal.listen.conversations.models import Conversation, Participant, State, Statement
from commonweal.listen.moderation import actions, queries, rules
from commonweal.listen.moderation.forms import (
    AppealForm,
    CaseForm,
    DecideForm,
    FindForm,
    MergeForm,
    ReadingForm,
    SettleForm,
    SuggestForm,
    TextForm,
)
from commonweal.listen.moderation.models import Case, CaseState, Decision, Verdict
from commonweal.listen.voices.queries import participant_of

A_PAGE = 50
TABS = {
    "waiting": gettext_lazy("To read"),
    "unread": gettext_lazy("Shown, not read yet"),
    "reported": gettext_lazy("Reported"),
    "author": gettext_lazy("With the author"),
    "shown": gettext_lazy("Let through"),
    "rejected": gettext_lazy("Not let through"),
    "merged": gettext_lazy("Made one with another"),
    "taken_back": gettext_lazy("Taken back by the author"),
}
BULK = ("waiting", "author", "unread", "reported", "shown")  # where several can be decided at once


# --- the queue


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def desk(request: Request) -> HttpResponse:
    """Show what waits in all conversations that this person moderates."""
    if not queries.seats_of(request.viewer):
        raise PermissionDenied(_("This page is for moderators and administrators."))
    return _queue(request, None)


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def queue(request: Request, conversation_id: int) -> HttpResponse:
    """Show what waits in one conversation, and decide about several at once."""
    return _queue(request, _moderated(request, conversation_id))


def _queue(request: Request, place: Conversation | None) -> HttpResponse:
    viewer = request.viewer
    form = DecideForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        _say_what_was_done(request, _decided(request, form), form.cleaned_data["verdict"])
        return redirect(request.get_full_path())
    places = None if place else list(queries.conversations(viewer)[:200])
    find = FindForm(request.GET, places=places)
    asked = find.choices()
    here = _where(place, places or [], asked["place"])
    counts = queries.counts(here)
    tab = request.GET.get("state", "")
    if tab not in queries.TABS:
        tab = next((name for name in queries.URGENT if counts[name]), "waiting")
    rows = Paginator(queries.as_rows(queries.queue(here, tab=tab, words=asked["q"])), A_PAGE)
    if not asked["q"]:
        rows.count = counts[tab.replace("-", "_")]  # known already
    page = rows.get_page(request.GET.get("page"))
    context = {
        "nav": "desk",
        "place": place,
        "find": find,
        "form": form,
        "counts": counts,
        "beside": queries.beside(here),
        "tab": tab,
        "page": page,
        "lines": _lines(request, list(page), form),
        "lately": queries.lately(here, viewer.at),
        "tabs": TABS,
        "heading": TABS[tab.replace("-", "_")],
        "takes_bulk": tab in BULK,
        "all_ticked": "all" in request.GET,
        "appeals": queries.appeals(here)[:20],
    }
    return render(request, "moderation/queue.html", context)


def _where(place: Conversation | None, places: list[Conversation], narrow: str) -> Sequence[int]:
    if place is not None:
        return [place.pk]
    return [row.pk for row in places if narrow in ("", str(row.pk))]


def _lines(request: Request, rows: list[Statement], form: DecideForm) -> list[dict[str, Any]]:
    """Return the statements of a page with all that stands beside them."""
    near, reports = queries.similar(rows), queries.reported(rows)
    ticked = form.ticked or {}
    lines = []
    holidays = queries.holidays_of(request.viewer.authority.pk)
    for row in rows:
        due_at = queries.due_at(row.added_at, queries.days_of(row.conversation), holidays)
        lines.append(
            {
                "statement": row,
                "mark": queries.mark(row),
                "due_at": due_at,
                "is_late": due_at <= request.viewer.at,
                "near": near.get(row.pk, []),
                "reports": reports.get(row.pk, []),
                "is_ticked": row.pk in ticked or "all" in request.GET,
                "is_own": rules.wrote(request.viewer, row),
            }
        )
    return lines


def _decided(request: Request, form: DecideForm) -> actions.Done:
    given = form.cleaned_data
    return actions.decide(
        viewer=request.viewer,
        seen=form.ticked,
        verdict=given["verdict"],
        reason=given["reason"] if given["verdict"] == Verdict.REJECTED else "",
        words=given["words"] if given["verdict"] == Verdict.REJECTED else "",
    )


def _say_what_was_done(request: Request, done: actions.Done, verdict: str) -> None:
    many = len(done.decided)
    if many and verdict == Verdict.SHOWN:
        words = ngettext(
            "%(n)s statement stands there now.", "%(n)s statements stand there now.", many
        )
        messages.success(request, words % {"n": many})
    elif many:
        words = ngettext(
            "%(n)s statement was not let through. Its author is told why.",
            "%(n)s statements were not let through. Their authors are told why.",
            many,
        )
        messages.success(request, words % {"n": many})
    if done.missed:
        words = ngettext(
            "Number %(which)s is left as it is: a colleague decided, or the author changed it, since"
            " you opened the page.",
            "Numbers %(which)s are left as they are: a colleague decided, or the authors changed"
            " them, since you opened the page.",
            len(done.missed),
        )
        messages.warning(request, words % {"which": _numbers(done.missed)})
    if done.own:
        words = _("Number %(which)s is your own: a colleague decides about it.")
        messages.warning(request, words % {"which": _numbers(done.own)})


def _numbers(rows: list[Statement]) -> str:
    named = ", ".join(str(row.number) for row in rows[:10])
    return f"{named} …" if len(rows) > 10 else named


# --- one statement


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def statement(request: Request, conversation_id: int, number: int) -> HttpResponse:
    """Show one statement with its story, and decide about it."""
    place = _moderated(request, conversation_id)
    found = _statement(place, number)
    form = DecideForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        form.ticked = {found.pk: form.ticked.get(found.pk, "")}
        _say_what_was_done(request, _decided(request, form), form.cleaned_data["verdict"])
        return redirect(request.path)
    return _one(request, place, found, form=form)


@require_POST
@privileged
def merge(request: Request, conversation_id: int, number: int) -> HttpResponse:
    """Make a statement one with another."""
    place = _moderated(request, conversation_id)
    found = _statement(place, number)
    form = MergeForm(request.POST)
    if form.is_valid():
        into = place.statements.filter(number=form.cleaned_data["into"]).first()
        try:
            actions.merge(
                viewer=request.viewer,
                statement_id=found.pk,
                into=into.pk if into else 0,
                seen=request.POST.get("seen", ""),
            )
        except actions.CannotBeOne as no:
            form.add_error("into", str(no))
        except actions.DecidedMeanwhile:
            _say_it_changed(request)
            return redirect(_page_of(found))
        else:
            messages.success(request, _("The two are one now. The votes stay where they are."))
            return redirect(_page_of(found))
    return _one(request, place, found, merge_form=form)


@require_POST
@privileged
def suggest(request: Request, conversation_id: int, number: int) -> HttpResponse:
    """Suggest a cleaner text to the author."""
    place = _moderated(request, conversation_id)
    found = _statement(place, number)
    form = SuggestForm(request.POST)
    if not form.is_valid():
        return _one(request, place, found, suggest_form=form)
    try:
        actions.suggest(
            viewer=request.viewer,
            statement_id=found.pk,
            text=form.cleaned_data["text"],
            seen=request.POST.get("seen", ""),
        )
    except actions.DecidedMeanwhile:
        _say_it_changed(request)
    except actions.WordsStand:
        messages.error(request, _("These are its words already, or it does not wait any more."))
    else:
        messages.success(request, _("The author is asked. It waits for them now, not for you."))
    return redirect(_page_of(found))


def _one(
    request: Request,
    place: Conversation,
    found: Statement,
    *,
    form: DecideForm | None = None,
    merge_form: MergeForm | None = None,
    suggest_form: SuggestForm | None = None,
) -> HttpResponse:
    found.conversation = place
    (line,) = _lines(request, [found], DecideForm())
    newest = next((row for row in found.decisions.all() if row.stands), None)
    context = {
        "nav": "desk",
        "place": place,
        "line": line,
        "statement": found,
        "mark": line["mark"],
        "form": merge_form or suggest_form or form,
        "decide_form": form or DecideForm(),
        "merge_form": merge_form or MergeForm(initial={"into": _likely(line["near"])}),
        "suggest_form": suggest_form or SuggestForm(initial={"text": found.text}),
        "waits": found.state == State.WAITING,
        "stands": found.state == State.SHOWN,
        "newest": newest,
        "asked": next((row for row in found.suggestions.all() if row.state == "waiting"), None),
    }
    return render(request, "moderation/statement.html", context)


def _likely(near: list[queries.Near]) -> int | None:
    """Return the number of the nearest statement that people vote on."""
    return next((one.statement.number for one in near if one.statement.state == State.SHOWN), None)


@require_POST
@privileged
def undo(request: Request, batch: uuid.UUID) -> HttpResponse:
    """Take back what was decided together."""
    asked = Decision.objects.filter(batch=batch, conversation__authority=request.viewer.authority)
    if not asked.exists():
        raise Http404
    try:
        done = actions.undo(viewer=request.viewer, batch=batch)
    except actions.CannotUndo as no:
        messages.error(request, str(no))
    else:
        many = len(done.decided)
        words = ngettext(
            "Taken back. %(n)s statement stands where it stood before.",
            "Taken back. %(n)s statements stand where they stood before.",
            many,
        )
        messages.success(request, words % {"n": many})
        if done.missed:
            words = _("Not so with number %(which)s: something happened to it since.")
            messages.warning(request, words % {"which": _numbers(done.missed)})
    return redirect(_back(request, reverse("moderation:desk")))


# --- appeals


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def settle(request: Request, conversation_id: int, appeal_id: int) -> HttpResponse:
    """Show what an author objects, and decide about it."""
    place = _moderated(request, conversation_id)
    found = queries.appeal(request.viewer, appeal_id)
    if found is None or found.statement.conversation_id != place.pk:
        raise Http404
    may = rules.may_settle(request.viewer, found)
    form = SettleForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            actions.settle_appeal(viewer=request.viewer, appeal_id=found.pk, **form.cleaned_data)
        except actions.DecidedMeanwhile:
            messages.warning(request, _("A colleague has settled this meanwhile."))
        else:
            messages.success(request, _("Settled. The author is told."))
        return redirect(request.path)
    context = {
        "nav": "desk",
        "place": place,
        "appeal": found,
        "statement": found.statement,
        "form": form,
        "may_settle": may,
        "is_own": rules.wrote(request.viewer, found.statement),
    }
    return render(request, "moderation/appeal.html", context)


# --- accounts that act as one


@require_safe
@privileged
def cases(request: Request, conversation_id: int) -> HttpResponse:
    """Show the accounts that vote as one, and what was decided about them."""
    place = _moderated(request, conversation_id)
    page = Paginator(queries.cases(place), A_PAGE).get_page(request.GET.get("page"))
    context = {
        "nav": "desk",
        "place": place,
        "page": page,
        "looked_at": queries.looked_at(place),
    }
    return render(request, "moderation/cases.html", context)


@require_POST
@privileged
def look(request: Request, conversation_id: int) -> HttpResponse:
    """Queue a look at the votes now."""
    place = _moderated(request, conversation_id)
    actions.ask_to_look(viewer=request.viewer, conversation=place)
    messages.success(request, _("We look at the votes now. What we find will stand here."))
    return redirect("moderation:cases", place.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def case(request: Request, conversation_id: int, case_id: int) -> HttpResponse:
    """Show why some accounts were raised and what hangs on them, and decide about them."""
    place = _moderated(request, conversation_id)
    found = the_one(list(queries.cases(place).filter(pk=case_id).select_related("decided_by")))
    form = CaseForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            decided = actions.decide_case(
                viewer=request.viewer,
                conversation=place,
                case_id=found.pk,
                seen=request.POST.get("seen", ""),
                **form.cleaned_data,
            )
        except actions.DecidedMeanwhile:
            _say_it_changed(request)
        else:
            _say_what_became_of(request, decided)
        return redirect(found)
    context = {
        "nav": "desk",
        "place": place,
        "case": found,
        "form": form,
        "effects": queries.with_texts(place, found),
    }
    return render(request, "moderation/case.html", context)


def _say_what_became_of(request: Request, decided: Case) -> None:
    if decided.state == CaseState.SET_ASIDE:
        words = _("Set aside. Their votes are kept, and the next map is made without them.")
    else:
        words = _("Left in. They count like everybody.")
    messages.success(request, words)


# --- within how many days


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def reading(request: Request, conversation_id: int) -> HttpResponse:
    """Say within how many working days a person reads what is added."""
    place = _found(request, conversation_id)
    if not rules.may_promise(request.viewer, place):
        raise PermissionDenied(_("Only moderators and those who lead this place say that."))
    data = request.POST if request.method == "POST" else None
    form = ReadingForm(data, initial={"days": queries.days_of(place)})
    if form.is_valid():
        actions.promise_reading(
            viewer=request.viewer, conversation=place, days=form.cleaned_data["days"]
        )
        messages.success(request, _("Promised. Everybody who adds a statement reads it."))
        return redirect("moderation:policy", place.pk)
    return render(request, "moderation/reading.html", {"nav": "desk", "place": place, "form": form})


# --- one's own


@require_safe
def yours(request: Request, conversation_id: int) -> HttpResponse:
    """Show somebody what they said, what was decided about it and why, and what they can do."""
    place, participant = _taking_part(request, conversation_id)
    rows = list(queries.own(participant)) if participant else []
    for row in rows:
        row.conversation = place
    context = {
        "nav": "open",
        "place": place,
        "lines": [_own_line(row, request.viewer.at) for row in rows],
        "days": queries.days_of(place),
    }
    return render(request, "moderation/yours.html", context)


def _own_line(row: Statement, at: datetime) -> dict[str, Any]:
    return {
        "statement": row,
        "decision": next(iter(row.decisions.all()), None),
        "asked": next(iter(row.suggestions.all()), None),
        "objected": getattr(row, "appeal", None),
        "may_change": rules.may_change(row, at),
        "may_object": rules.may_object(row),
    }


@require_http_methods(["GET", "HEAD", "POST"])
def change(request: Request, conversation_id: int, number: int) -> HttpResponse:
    """Put one's own statement in other words."""
    place, participant, found = _own(request, conversation_id, number)
    if not rules.may_change(found, request.viewer.at):
        messages.error(request, _("These words can no longer be changed."))
        return redirect("moderation:yours", place.pk)
    data = request.POST if request.method == "POST" else None
    form = TextForm(data, initial={"text": found.text})
    if form.is_valid():
        try:
            actions.change_text(
                viewer=request.viewer,
                participant=participant,
                statement_id=found.pk,
                text=form.cleaned_data["text"],
            )
        except actions.SaidAlready:
            form.add_error("text", _("The same stands here already, or was not let through."))
        except actions.WordsStand:
            messages.error(request, _("These words can no longer be changed."))
            return redirect("moderation:yours", place.pk)
        else:
            messages.success(request, _("Kept. A moderator reads the new words."))
            return redirect("moderation:yours", place.pk)
    context = {"nav": "open", "place": place, "statement": found, "form": form}
    return render(request, "moderation/change.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def object_to(request: Request, conversation_id: int, number: int) -> HttpResponse:
    """Object to what was decided about one's own statement."""
    place, participant, found = _own(request, conversation_id, number)
    if not rules.may_object(found):
        messages.error(request, _("You objected already, or nothing stands against it any more."))
        return redirect("moderation:yours", place.pk)
    form = AppealForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            actions.appeal(
                viewer=request.viewer,
                participant=participant,
                statement_id=found.pk,
                words=form.cleaned_data["words"],
            )
        except actions.AppealedAlready:
            messages.error(
                request, _("You objected already, or nothing stands against it any more.")
            )
        else:
            messages.success(request, _("Somebody else looks at it now. The answer stands here."))
        return redirect("moderation:yours", place.pk)
    decision = next(iter(found.decisions.all()), None)
    context = {"nav": "open", "place": place, "statement": found, "form": form}
    return render(request, "moderation/object.html", {**context, "decision": decision})


@require_POST
def answer(request: Request, conversation_id: int, number: int) -> HttpResponse:
    """Take the words that a moderator suggests, or keep one's own."""
    place, participant, found = _own(request, conversation_id, number)
    asked = next(iter(found.suggestions.all()), None)
    takes_it = request.POST.get("takes") == "yes"
    if asked is None:
        messages.error(request, _("Something else was decided meanwhile."))
        return redirect("moderation:yours", place.pk)
    try:
        actions.answer_suggestion(
            viewer=request.viewer,
            participant=participant,
            suggestion_id=asked.pk,
            takes_it=takes_it,
        )
    except actions.DecidedMeanwhile:
        messages.error(request, _("Something else was decided meanwhile."))
    else:
        done = _("It stands there now, in these words.")
        kept = _("You keep your own words. A moderator reads them.")
        messages.success(request, done if takes_it else kept)
    return redirect("moderation:yours", place.pk)


def _taking_part(request: Request, conversation_id: int) -> tuple[Conversation, Participant | None]:
    place = the_one(open_to.numbered(request.viewer, conversation_id))
    return place, participant_of(request.viewer, place)


def _own(
    request: Request, conversation_id: int, number: int
) -> tuple[Conversation, Participant, Statement]:
    """Return somebody's own statement; of another's nothing is told, not even that it is there."""
    place, participant = _taking_part(request, conversation_id)
    if participant is None:
        raise Http404
    found = the_one(list(queries.own(participant).filter(number=number)))
    found.conversation = place
    return place, participant, found


# --- what everybody may read


@require_safe
def policy(request: Request, conversation_id: int) -> HttpResponse:
    """Show the written policy, how many decisions there were and why, and who was set aside."""
    place = the_one(open_to.numbered(request.viewer, conversation_id))
    decided = [row for row in queries.cases(place) if row.state != CaseState.OPEN]
    context = {
        "nav": "open",
        "conversation": place,
        "days": queries.days_of(place),
        "account": queries.account(place),
        "aside": [row for row in decided if row.state == CaseState.SET_ASIDE],
        "left": [row for row in decided if row.state == CaseState.LEFT_IN],
        "aside_people": len(queries.members(decided)),
        "may_moderate": rules.may_moderate(request.viewer, place),
    }
    return render(request, "moderation/policy.html", context)


COLUMNS = ("at", "statement", "decision", "reason", "joined", "undone_at", "objection")


@require_safe
def log(request: Request, conversation_id: int) -> HttpResponse:
    """Hand over every decision to anybody: codes and numbers, no words and no names."""
    place = the_one(open_to.numbered(request.viewer, conversation_id))
    return _csv(f"moderation-{place.pk}.csv", COLUMNS, map(_cells, queries.log(place).iterator()))


OWN_COLUMNS = (*COLUMNS, "text", "words_to_the_author", "by", "undone_by")


@require_safe
@privileged
def full_log(request: Request, conversation_id: int) -> HttpResponse:
    """Hand over the same to moderators, with the words; people stand in it by number."""
    place = _moderated(request, conversation_id)
    rows = queries.log(place).iterator()
    return _csv(f"moderation-{place.pk}-with-words.csv", OWN_COLUMNS, map(_own_cells, rows))


def _cells(row: Decision) -> tuple[object, ...]:
    return (
        row.decided_at.isoformat(timespec="seconds"),
        row.statement.number,
        row.verdict,
        row.reason,
        row.same_as.number if row.same_as else "",
        row.undone_at.isoformat(timespec="seconds") if row.undone_at else "",
        queries.objection(row),
    )


def _own_cells(row: Decision) -> tuple[object, ...]:
    words = (row.statement.text, row.words, row.decided_by_id, row.undone_by_id or "")
    return (*_cells(row), *words)


class _Echo:
    """A file that hands back each line that is written."""

    def write(self, text: str) -> str:
        return text


def _csv(name: str, columns: Sequence[str], rows: Iterator[tuple[object, ...]]) -> HttpResponse:
    writer = csv.writer(_Echo())

    def lines() -> Iterator[str]:
        yield writer.writerow(columns)
        for cells in rows:
            yield writer.writerow([harmless(str(cell)) for cell in cells])

    answer = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return cast(HttpResponse, answer)  # doors speak of whole answers; this one comes in pieces


# --- small pieces


def _found(request: Request, conversation_id: int) -> Conversation:
    place = queries.conversation(request.viewer, conversation_id)
    if place is None:
        raise Http404
    return place


def _moderated(request: Request, conversation_id: int) -> Conversation:
    place = _found(request, conversation_id)
    if not rules.may_moderate(request.viewer, place):
        raise PermissionDenied(_("Only a moderator of this place decides about statements."))
    return place


def _statement(place: Conversation, number: int) -> Statement:
    found = queries.statement(place, number)
    if found is None:
        raise Http404
    return found


def _page_of(statement: Statement) -> str:
    return reverse("moderation:statement", args=[statement.conversation_id, statement.number])


def _say_it_changed(request: Request) -> None:
    messages.warning(
        request,
        _(
            "Nothing was done: a colleague decided, or the author changed it, since you opened the"
            " page. Look again."
        ),
    )


def _back(request: Request, otherwise: str) -> str:
    """Return the page of ours that was asked from."""
    given = request.POST.get("next", "")
    is_ours = given.startswith("/") and url_has_allowed_host_and_scheme(
        given, allowed_hosts={request.get_host()}
    )
    return given if is_ours else otherwise
