"""Pages on which people answer surveys, read what they found, and staff set them up."""

from __future__ import annotations

import csv
import io
import json
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple, cast

from allauth.core.internal import ratelimit
from django import forms as django_forms
from django.conf import settings
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, JsonResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from commonweal.ground.journal.queries import harmless
from commonweal.kit.clock import database_now
from commonweal.kit.doors import privileged, signed_in, the_one
from commonweal.kit.printing import REPORT, as_pdf
from commonweal.kit.request import Request
from commonweal.listen.surveys import actions, queries, rules
from commonweal.listen.surveys.forms import (
    AboutForm,
    Asked,
    ConditionForm,
    CorrectForm,
    EntryForm,
    ExtendForm,
    HeardForm,
    ItemForm,
    JudgeForm,
    PapersForm,
    SourceForm,
    WithdrawForm,
    typed_on,
)
from commonweal.listen.surveys.models import Item, Kind, Option, Response, Spot, Survey
from commonweal.listen.surveys.queries import Bar, Holder, Told
from commonweal.listen.surveys.rules import Page, Sheet

A_PAGE = 25
MOST_PRINTED = 50  # words of people to one question; the others are on the site
COOKIE = "__Host-surveys" if settings.PRODUCTION else "surveys"
SALT = "surveys"
KEEPS = 30 * 24 * 3600
SHEET = Path(__file__).parent / "templates" / "surveys" / "paper.typ"


# --- before answering


@require_safe
def survey_list(request: Request) -> HttpResponse:
    """Show every survey that this viewer may read, the open ones first."""
    found = queries.surveys(request.viewer)
    page = Paginator(found, A_PAGE).get_page(request.GET.get("page"))
    at = request.viewer.at
    rows = [(one, one.state(at)) for one in page]
    context = {"nav": "open", "page": page, "rows": rows}
    return render(request, "surveys/list.html", context)


@require_safe
@never_cache
def survey(request: Request, survey_id: int) -> HttpResponse:
    """Say what a survey is about, how long it takes and what happens with the answers."""
    held = _survey(request, survey_id)
    at = request.viewer.at
    state = held.state(at)
    holder = _holder(request)
    items = queries.items_of(held)
    is_open = state == "open"
    keyed = _with_key(held) if is_open and holder else held
    context = {
        "state": state,
        "why_not": rules.why_not(request.viewer, held),
        "minutes": rules.minutes(items),
        "number": sum(item.asks for item in items),
        "draft": queries.draft_of(held, holder) if is_open else None,
        "sent": queries.response_of(keyed, holder) if is_open else None,
        "adoptable": is_open and _may_adopt(request, keyed),
        "corrections": queries.corrections(held) if held.is_frozen(at) or state == "coming" else [],
        "may_run": rules.may_run(request.viewer, held),
        "may_judge": rules.may_judge(request.viewer, held),
        "is_guest": request.viewer.person is None,
    }
    if held.is_frozen(at) and state != "withdrawn":
        context["count"] = sum(queries.answered(held).values())
    return _page(request, "surveys/survey.html", held, context)


def _with_key(held: Survey) -> Survey:
    """Return the survey with its key, which lists and pages never read."""
    return Survey.objects.select_related("community").get(pk=held.pk)


def _may_adopt(request: Request, held: Survey) -> bool:
    token = _token(request)
    if request.viewer.person is None or not token:
        return False
    guest = Holder(None, token)
    return queries.draft_of(held, guest) is not None or queries.response_of(held, guest) is not None


@require_POST
def begin(request: Request, survey_id: int) -> HttpResponse:
    """Begin to answer, or go on where somebody stopped; a guest's browser gets a secret of its own."""
    held = _survey(request, survey_id)
    refused = rules.why_not(request.viewer, held)
    if refused is not None:
        return _refused(request, held, refused)
    answer = redirect("surveys:page", held.pk, 1)
    if request.viewer.person is None and not _token(request):
        if not _is_let(request, "survey_begin"):
            return _too_many(request, held)
        _hand_token(answer, secrets.token_hex(16))
        return answer
    draft = queries.draft_of(held, _holder(request))
    if draft is None:
        return answer
    sheet = rules.sheet_of(held, draft)
    first = sheet.first_wrong
    if first is not None:
        return redirect("surveys:page", held.pk, first.number)
    return redirect("surveys:check", held.pk)


# --- answering


class Way(NamedTuple):
    """Whether somebody answers, or staff look at how it would be; and the addresses on the way."""

    survey: Survey
    holder: Holder
    is_preview: bool

    def page(self, number: int) -> str:
        """Return the address of a page."""
        name = "surveys:preview" if self.is_preview else "surveys:page"
        return reverse(name, args=[self.survey.pk, number])

    @property
    def check(self) -> str:
        """Return the address of the page on which everything is looked at once more."""
        name = "surveys:preview_check" if self.is_preview else "surveys:check"
        return reverse(name, args=[self.survey.pk])

    @property
    def start(self) -> str:
        """Return where it begins."""
        if self.is_preview:
            return reverse("surveys:run", args=[self.survey.pk])
        return self.survey.get_absolute_url()


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def page(request: Request, survey_id: int, page: int) -> HttpResponse:
    """Ask the questions of one page; what is typed is kept from page to page."""
    way = _way(request, survey_id)
    return way if isinstance(way, HttpResponse) else _asked(request, way, page)


def _way(request: Request, survey_id: int) -> Way | HttpResponse:
    held = _survey(request, survey_id)
    refused = rules.why_not(request.viewer, held)
    if refused is not None:
        return _refused(request, held, refused)
    holder = _holder(request)
    if holder is None:
        if request.method == "POST":
            messages.error(
                request,
                _("Your browser does not keep our cookie, so we cannot keep your answers either."),
            )
        return redirect(held)
    return Way(held, holder, False)


def _asked(request: Request, way: Way, number: int) -> HttpResponse:
    draft = queries.draft_of(way.survey, way.holder, preview=way.is_preview)
    if draft is None and not way.is_preview and (gone := _sent_already(way)):
        return gone
    sheet = rules.sheet_of(way.survey, draft)
    here = sheet.page(number)
    if here is None:
        onward = sheet.after(number) or (sheet.path[-1] if number > 1 and sheet.path else None)
        if onward is None or not sheet.path:
            return redirect(way.start)
        return redirect(way.page(onward.number))
    if request.method != "POST":
        return _questions(request, way, sheet, here)
    return _answered(request, way, sheet, here)


def _sent_already(way: Way) -> HttpResponse | None:
    sent = queries.response_of(_with_key(way.survey), way.holder)
    return redirect("surveys:thanks", way.survey.pk) if sent is not None else None


def _answered(request: Request, way: Way, sheet: Sheet, here: Page) -> HttpResponse:
    typed = typed_on(here.items, request.POST)
    sheet.typed.update(typed)
    sheet.look()
    try:
        actions.save_draft(
            viewer=replace(request.viewer, at=database_now()),
            survey_id=way.survey.pk,
            holder=way.holder,
            typed=typed,
            preview=way.is_preview,
        )
    except actions.SurveyClosed:
        return _closed(request, way.survey, sheet)
    except actions.SentAlready:
        return redirect("surveys:thanks", way.survey.pk)
    do = request.POST.get("do")
    if do == "save":
        return (
            redirect("surveys:kept", way.survey.pk) if not way.is_preview else redirect(way.start)
        )
    if do == "back":
        before = sheet.before(here.number)
        return redirect(way.page(before.number) if before else way.start)
    seen = set(request.POST.get("seen", "").split(","))
    here = sheet.page(here.number) or here
    wrong = [i for i in here.shown if i.pk in sheet.wrong and str(i.pk) in seen]
    new = [i for i in here.shown if i.asks and str(i.pk) not in seen]
    if wrong or new:
        wanted = {item.pk for item in wrong}
        return _questions(request, way, sheet, here, wrong=wanted, new=new)
    onward = sheet.after(here.number)
    return redirect(way.page(onward.number) if onward else way.check)


def _questions(
    request: Request,
    way: Way,
    sheet: Sheet,
    here: Page,
    *,
    wrong: set[int] = frozenset(),  # type: ignore[assignment]
    new: Sequence[Item] = (),
) -> HttpResponse:
    if request.method != "POST" and "mend" in request.GET:
        wrong = {item.pk for item in here.shown}
    asked = [Asked(item, sheet, says_wrong=item.pk in wrong) for item in here.shown]
    place, of = sheet.place(here.number)
    context = {
        "way": way,
        "here": here,
        "asked": asked,
        "mistakes": [one for one in asked if one.wrong],
        "new": new if request.method == "POST" and request.POST.get("seen") else (),
        "place": place,
        "of": of,
        "share": (place - 1) / of,
        "is_first": sheet.before(here.number) is None,
        "is_last": sheet.after(here.number) is None,
        "seen": ",".join(str(item.pk) for item in here.shown if item.asks),
        "is_guest": request.viewer.person is None,
    }
    return _page(request, "surveys/page.html", way.survey, context)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def check(request: Request, survey_id: int) -> HttpResponse:
    """Show all answers once more, and send them."""
    way = _way(request, survey_id)
    if isinstance(way, HttpResponse):
        return way
    if request.method == "POST":
        return _send(request, way)
    return _checked(request, way)


def _checked(request: Request, way: Way) -> HttpResponse:
    draft = queries.draft_of(way.survey, way.holder, preview=way.is_preview)
    if draft is None:
        if not way.is_preview and (gone := _sent_already(way)):
            return gone
        return redirect(way.page(1))
    sheet = rules.sheet_of(way.survey, draft)
    return _review(request, way, sheet)


def _review(request: Request, way: Way, sheet: Sheet, status: int = 200) -> HttpResponse:
    context = {
        "way": way,
        "pages": _lines(sheet, way),
        "wrong": sheet.first_wrong,
        "mistakes": len(sheet.wrong),
        "last": sheet.path[-1].number if sheet.path else 1,
        "is_guest": request.viewer.person is None,
    }
    return _page(request, "surveys/check.html", way.survey, context, status=status)


def _lines(sheet: Sheet, way: Way | None = None) -> list[tuple[Page, str, list[Asked]]]:
    """Return each page with its address and its questions, as they were answered."""
    return [
        (
            page,
            way.page(page.number) if way else "",
            [Asked(item, sheet, says_wrong=True) for item in page.shown if item.asks],
        )
        for page in sheet.path
    ]


def _send(request: Request, way: Way) -> HttpResponse:
    if request.viewer.person is None and not _is_let(request, "survey_send"):
        return _too_many(request, way.survey)
    viewer = replace(request.viewer, at=database_now())
    try:
        actions.send_response(viewer=viewer, survey_id=way.survey.pk, holder=way.holder)
    except actions.SurveyClosed:
        draft = queries.draft_of(way.survey, way.holder)
        return _closed(request, way.survey, rules.sheet_of(way.survey, draft))
    except actions.SentAlready:
        messages.warning(request, _("You have answered this survey already. Once is enough."))
    except actions.NotComplete as lacking:
        return _review(request, way, lacking.sheet, status=422)
    return redirect("surveys:thanks", way.survey.pk)


@require_safe
@never_cache
def thanks(request: Request, survey_id: int) -> HttpResponse:
    """Thank whoever has answered, say what happens next, and give them a reference to quote."""
    held = _survey(request, survey_id)
    sent = queries.response_of(_with_key(held), _holder(request))
    if sent is None:
        return redirect(held)
    may_change = held.may_change and rules.why_not(request.viewer, held) is None
    context = {"sent": sent, "may_change": may_change, "is_guest": request.viewer.person is None}
    return _page(request, "surveys/thanks.html", held, context)


@require_safe
@never_cache
def kept(request: Request, survey_id: int) -> HttpResponse:
    """Say that answers are kept, for how long, and how to come back to them."""
    held = _survey(request, survey_id)
    draft = queries.draft_of(held, _holder(request))
    if draft is None:
        return redirect(held)
    context = {
        "draft": draft,
        "until": draft.saved_at + queries.DRAFTS_KEPT,
        "is_guest": request.viewer.person is None,
    }
    return _page(request, "surveys/kept.html", held, context)


@require_POST
def change(request: Request, survey_id: int) -> HttpResponse:
    """Begin to change what was sent; that stands until the change is sent too."""
    way = _way(request, survey_id)
    if isinstance(way, HttpResponse):
        return way
    viewer = replace(request.viewer, at=database_now())
    try:
        draft = actions.change_answers(viewer=viewer, survey_id=survey_id, holder=way.holder)
    except actions.SurveyClosed:
        return _closed(request, way.survey, None)
    except actions.SentAlready:
        messages.warning(request, _("In this survey answers cannot be changed once they are sent."))
        return redirect("surveys:thanks", survey_id)
    return redirect("surveys:check", survey_id) if draft else redirect(way.survey)


@require_POST
@signed_in
def adopt(request: Request, survey_id: int) -> HttpResponse:
    """Put what was begun in this browser without an account under the account."""
    held, token = _survey(request, survey_id), _token(request)
    moved = False
    if token:
        viewer = replace(request.viewer, at=database_now())
        moved = actions.adopt_answers(viewer=viewer, survey_id=held.pk, guest=Holder(None, token))
    if moved:
        messages.success(request, _("Your answers are under your account now."))
    else:
        messages.warning(
            request, _("There was nothing to bring over, or you have answers of your own here.")
        )
    return redirect(held)


@require_POST
def forget(request: Request, survey_id: int) -> HttpResponse:
    """Throw away what somebody began; a guest's browser forgets all about surveys."""
    held, holder = _survey(request, survey_id), _holder(request)
    if holder is not None:
        actions.forget_draft(viewer=request.viewer, survey_id=held.pk, holder=holder)
        messages.success(request, _("What you had typed is deleted. What you sent stays sent."))
    answer = redirect(held)
    if request.viewer.person is None:
        answer.delete_cookie(COOKIE, path="/", samesite="Lax")
    return answer


# --- whoever answers without an account


def _token(request: Request) -> str:
    """Return the secret of this browser, if it holds one that we gave it."""
    found = request.get_signed_cookie(COOKIE, default="", salt=SALT, max_age=KEEPS)
    return found or ""


def _hand_token(answer: HttpResponse, token: str) -> None:
    answer.set_signed_cookie(
        COOKIE,
        token,
        salt=SALT,
        max_age=KEEPS,
        path="/",
        secure=settings.PRODUCTION,
        httponly=True,
        samesite="Lax",
    )


def _holder(request: Request) -> Holder | None:
    if request.viewer.person is not None:
        return Holder(request.viewer.person.pk)
    token = _token(request)
    return Holder(None, token) if token else None


def _is_let(request: Request, action: str) -> bool:
    """Tell whether this network has not begun or sent very many within the hour."""
    usage = ratelimit.consume(request, app="allauth.account", action=action)
    return usage is not None


def _too_many(request: Request, held: Survey) -> HttpResponse:
    context = {"is_guest": True}
    return _page(request, "surveys/too_many.html", held, context, status=429)


def _refused(request: Request, held: Survey, refused: rules.WhyNot) -> HttpResponse:
    if refused.code in ("closed", "coming"):
        sheet = None
        if request.method == "POST":
            items = queries.items_of(held)
            draft = queries.draft_of(held, _holder(request))
            sheet = rules.sheet_of(held, draft)
            sent = [item for item in items if item.name in request.POST]
            sheet.typed.update(typed_on(sent, request.POST))
            sheet.look()
        return _closed(request, held, sheet)
    context = {"why_not": refused}
    return _page(request, "surveys/not_yours.html", held, context, status=403)


def _closed(request: Request, held: Survey, sheet: Sheet | None) -> HttpResponse:
    """Say that it takes no answers, and show what was typed so that nobody has to type it again."""
    typed = []
    if sheet is not None:
        asked = [Asked(item, sheet, says_wrong=False) for item in sheet.items if item.asks]
        typed = [one for one in asked if one.spoken]
    sent = request.method == "POST"
    held = _survey(request, held.pk)
    context = {"typed": typed, "was_sent": sent}
    return _page(request, "surveys/closed.html", held, context, status=409 if sent else 200)


# --- what it found


@require_safe
def results(request: Request, survey_id: int) -> HttpResponse:
    """Show what a survey found: to staff as it comes in, to everybody once it is published."""
    held = _survey(request, survey_id)
    if not _may_see(request, held):
        return _not_yet(request, held)
    items, whole, lines = _found(held)
    chosen = queries.first_texts(held)
    for line in lines:
        line.texts = chosen.get(line.item.pk, [])
        line.texts_count = line.texts[0].of_all if line.texts else 0  # type: ignore[attr-defined]
    context = {
        "lines": lines,
        "count": queries.spoken_count(whole["count"]),
        "nobody": whole["count"] == 0,
        "ways": _ways(whole),
        "crossable": sum(queries.may_be_crossed(item) for item in items) > 1,
        "may_run": rules.may_run(request.viewer, held),
        "may_judge": rules.may_judge(request.viewer, held),
        "corrections": queries.corrections(held),
    }
    return _page(request, "surveys/results.html", held, context)


def _ways(whole: Mapping[str, Any]) -> list[Bar]:
    labels = Response._meta.get_field("channel").flatchoices
    return queries.counted_ways([(name, whole["channels"].get(way, 0)) for way, name in labels])


def _may_see(request: Request, held: Survey) -> bool:
    state = held.state(request.viewer.at)
    return state == "published" or (
        state in ("open", "closed") and rules.may_run(request.viewer, held)
    )


def _not_yet(request: Request, held: Survey) -> HttpResponse:
    return _page(request, "surveys/not_yet.html", held, {"at": request.viewer.at})


def _found(held: Survey) -> tuple[list[Item], dict[str, Any], list[Told]]:
    items = queries.items_of(held)
    whole = queries.result_of(held, items)
    return items, whole, queries.told(held, items, whole)


@require_safe
def by(request: Request, survey_id: int) -> HttpResponse:
    """Show one question by another."""
    held = _survey(request, survey_id)
    if not _may_see(request, held):
        return _not_yet(request, held)
    items = queries.items_of(held)
    whole = queries.result_of(held, items)
    choices = [item for item in items if queries.may_be_crossed(item)]
    numbers = {str(item.pk): item for item in choices}
    row, column = (numbers.get(request.GET.get(name, "")) for name in ("row", "column"))
    found = None
    if row is not None and column is not None and row.pk != column.pk:
        lines = queries.told(held, (row, column), whole)
        found = queries.crossed(held, lines, row, column, whole["count"])
    context = {
        "choices": choices,
        "row": row,
        "column": column,
        "found": found,
        "asked": row is not None and column is not None,
    }
    return _page(request, "surveys/by.html", held, context)


@require_safe
def words(request: Request, survey_id: int, item_id: int) -> HttpResponse:
    """Show the words that staff chose from the answers to one question."""
    held = _survey(request, survey_id)
    if not _may_see(request, held):
        return _not_yet(request, held)
    item = held.items.filter(pk=item_id).first()
    if item is None:
        raise Http404
    found = queries.chosen_texts(held).filter(item=item)
    asked = _asked_for(request)
    if asked:
        found = found.filter(words__icontains=asked)
    page = Paginator(found, A_PAGE).get_page(request.GET.get("page"))
    context = {"item": item, "page": page, "q": asked}
    return _page(request, "surveys/words.html", held, context)


def _asked_for(request: Request) -> str:
    return rules.UNTYPED.sub("", request.GET.get("q", ""))[:100].strip()


OPEN_HEADER = ("number", "kind", "question", "answer", "people", "share")


@require_safe
def results_csv(request: Request, survey_id: int) -> HttpResponse:
    """Hand out what a survey found as a table: no words of people, and small counts are empty."""
    held = _published(request, survey_id)
    _items, _whole, lines = _found(held)
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(OPEN_HEADER)
    for row in queries.open_rows(lines):
        writer.writerow([harmless(cell) for cell in row])
    return _file(out.getvalue(), f"survey-{held.pk}-results.csv", "text/csv; charset=utf-8")


@require_safe
def results_json(request: Request, survey_id: int) -> HttpResponse:
    """Hand out what a survey found for programs."""
    held = _published(request, survey_id)
    _items, whole, lines = _found(held)
    told = {
        "survey": held.pk,
        "title": held.title,
        "people": queries.spoken_count(whole["count"]),
        "heard": held.heard,
        "questions": [queries.as_data(line) for line in lines],
    }
    answer = JsonResponse(told, json_dumps_params={"ensure_ascii": False})
    answer["Content-Disposition"] = f'attachment; filename="survey-{held.pk}-results.json"'
    return answer


@require_safe
def results_pdf(request: Request, survey_id: int) -> HttpResponse:
    """Hand out what a survey found on paper, for a committee: to staff, and once public to everybody."""
    held = _survey(request, survey_id)
    if not _may_see(request, held):
        raise Http404
    return HttpResponse(
        as_pdf(REPORT, _report(request, held)),
        content_type="application/pdf",
        headers={"Content-Disposition": f'inline; filename="survey-{held.pk}-results.pdf"'},
    )


def _report(request: Request, held: Survey) -> dict[str, Any]:
    """Return the results as the template for paper reads them."""
    _items, whole, lines = _found(held)
    count, state = queries.spoken_count(whole["count"]), held.state(request.viewer.at)
    closes = held.closes_at or request.viewer.at
    dates = {"opens": _on_day(held.opens_at or held.created_at), "closes": _on_day(closes)}
    opened = _("Open from %(opens)s to %(closes)s")
    if state == "open":
        opened = _("Open since %(opens)s; it closes on %(closes)s")
    if count is None:
        headline = _("Fewer than 5 people answered.")
    elif not count:
        headline = _("Nobody answered.")
    else:
        said = ngettext("%(n)s person answered.", "%(n)s people answered.", count)
        headline = said % {"n": f"{count:,}"}
    return {
        "title": held.title,
        "authority": request.viewer.authority.run_by,
        "language": (get_language() or "en")[:2],
        "kind": _("Results of a survey"),
        "open": opened % dates,
        "headline": headline,
        "figures": "" if state == "published" else _("Not published: this is for staff alone."),
        "map": "",
        "parts": _parts(held, state, lines),
        "tables": [_ways_table(whole), *_answer_tables(held, lines)] if count != 0 else [],
        "foot": _("Printed on %(day)s. The same stands on the site, at %(address)s")
        % {
            "day": _on_day(request.viewer.at),
            "address": request.build_absolute_uri(reverse("surveys:results", args=[held.pk])),
        },
    }


def _parts(held: Survey, state: str, lines: Sequence[Told]) -> list[list[Any]]:
    """Return what stands before the tables: what was heard and asked, and how far the figures bear."""
    read = [
        _("Who answers a survey chose to. It shows what these people think, not what everybody thinks."),
        _("Every answer counts the same: nothing is weighted to those who live here."),
    ]  # fmt: skip
    if any(line.is_compared for line in lines):
        read.append(
            _(
                "Where it is known how many live here, that stands beside who answered: where the two"
                " are far apart, the figures of the other questions may be too."
            )
        )
    read.append(
        _(
            "“Hidden” stands for fewer than 5 people, or for a number that would give such a one away."
            " They are still counted."
        )
    )
    corrected = [
        _("“%(was)s” became “%(became)s”: %(why)s")
        % {"was": one.was, "became": one.became, "why": one.why}
        for one in queries.corrections(held)
    ]
    parts = [
        [
            _("What we heard, and what happens now"),
            held.heard.splitlines() if state == "published" else [],
        ],
        [_("Why it was asked"), held.why.splitlines()],
        [_("How to read the figures"), read],
        [_("What was corrected while people answered"), corrected],
    ]
    return [part for part in parts if part[1]]


def _ways_table(whole: Mapping[str, Any]) -> dict[str, Any]:
    rows = [[bar.words, _number(bar.count)] for bar in _ways(whole)]
    return {
        "title": _("How people answered"),
        "words": "",
        "columns": [_("Way"), _("People")],
        "rows": rows,
    }


def _answer_tables(held: Survey, lines: Sequence[Told]) -> Iterator[dict[str, Any]]:
    """Yield a table for each question, and one for the words that staff chose from its answers."""
    chosen = queries.first_texts(held, each=MOST_PRINTED)
    for number, line in enumerate(lines, 1):
        columns = [_("Answer"), _("People"), _("Of 100")]
        rows = [[bar.words, _number(bar.count), _in_100(bar.percent)] for bar in line.bars]
        if line.is_compared:
            columns.append(_("Of 100 who live here"))
            for row, bar in zip(rows, line.bars, strict=True):
                row.append(_in_100(bar.percent_here))
        yield {
            "title": f"{number}. {line.item.words}",
            "words": " ".join((*queries.in_words(line), *queries.who_said(line))),
            "columns": columns,
            "rows": rows,
        }
        if texts := chosen.get(line.item.pk):
            of_all: int = texts[0].of_all  # type: ignore[attr-defined]
            left = of_all - len(texts)
            more = ngettext(
                "%(n)s more stands on the site.", "%(n)s more stand on the site.", left
            ) % {"n": f"{left:,}"}
            yield {
                "title": _("%(number)s, in people’s own words") % {"number": number},
                "words": more if left else "",
                "columns": [_("What staff chose for everybody to read")],
                "rows": [[answer.words] for answer in texts],
            }


def _number(count: int | None) -> str:
    return _("hidden") if count is None else f"{count:,}"


def _in_100(percent: int | None) -> str:
    return "" if percent is None else str(percent)


def _on_day(at: datetime) -> str:
    return date_format(localtime(at), "j F Y")


def _published(request: Request, survey_id: int) -> Survey:
    held = _survey(request, survey_id)
    if held.state(request.viewer.at) != "published":
        raise Http404
    return held


def _file(content: str | bytes, name: str, kind: str) -> HttpResponse:
    head = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(content, content_type=kind, headers=head)


# --- on paper


@require_safe
def paper(request: Request, survey_id: int) -> HttpResponse:
    """Print the survey on paper; staff may have numbers printed on many at once."""
    held = _survey(request, survey_id)
    may_run = rules.may_run(request.viewer, held)
    state = held.state(request.viewer.at)
    if not may_run and (state not in ("open", "coming") or not held.paper_to):
        raise Http404
    numbers, batch, large = [""], "", "large" in request.GET
    if may_run and ("number" in request.GET or "first" in request.GET):
        form = PapersForm(request.GET)
        if not form.is_valid():
            raise Http404
        first, many = form.cleaned_data["first"], form.cleaned_data["number"]
        numbers = [str(first + n) for n in range(many)]
        batch, large = form.cleaned_data["batch"], form.cleaned_data["large"]
    items = queries.items_of(held)
    given = _printed(request, held, items, numbers=numbers, batch=batch, large=large)
    return HttpResponse(
        as_pdf(SHEET, given),
        content_type="application/pdf",
        headers={"Content-Disposition": f'inline; filename="survey-{held.pk}.pdf"'},
    )


def _printed(
    request: Request,
    held: Survey,
    items: Sequence[Item],
    *,
    numbers: list[str],
    batch: str,
    large: bool,
) -> dict[str, Any]:
    options = queries.options_in(items)
    areas = queries.areas_of(held, items)
    closes = date_format(localtime(held.closes_at), "l j F Y") if held.closes_at else ""
    hand_in = ""
    if held.paper_to and closes:
        hand_in = _("Hand it in by %(day)s: %(place)s") % {"day": closes, "place": held.paper_to}
    number, asked = 0, []
    for item in items:
        number += item.asks
        asked.append(_on_paper(item, str(number) if item.asks else "", options, areas))
    return {
        "language": "en",
        "authority": request.viewer.authority.name,
        "title": held.title,
        "why": held.why.split("\n"),
        "happens": held.happens.split("\n"),
        "happens_head": _("What happens with the answers"),
        "hand_in": hand_in,
        "how": _("Leave empty what you do not want to answer. Write no name on it."),
        "large": large,
        "numbers": numbers,
        "numbered": _("Paper"),
        "batch": batch,
        "items": asked,
    }


def _on_paper(
    item: Item, number: str, options: Mapping[int, Option], areas: Mapping[int, Any]
) -> dict[str, Any]:
    boxes = [option.words for option in item.options.all()]
    if item.kind == Kind.PLACE and item.spot == Spot.AREA:
        boxes = [area.name for area in areas.values()] + [_("Somewhere else")]
    steps: list[str] = []
    if item.kind == Kind.SCALE and item.lowest is not None and item.highest is not None:
        steps = [str(n) for n in range(int(item.lowest), int(item.highest) + 1)]
    lines = 0
    if item.kind == Kind.TEXT:
        lines = 8 if item.is_long else 2
    elif item.kind in (Kind.NUMBER, Kind.PLACE) and not boxes:
        lines = 1
    hint = Asked(item, Sheet(item.survey, [], {}, areas), says_wrong=False).hint
    return {
        "kind": item.kind,
        "number": number,
        "words": item.words,
        "help": item.help,
        "hint": hint if item.kind != Kind.PLACE else "",
        "when": rules.condition_words(item, options),
        "boxes": boxes,
        "other": next((option.words for option in item.options.all() if option.is_other), ""),
        "steps": steps,
        "low": item.low_words,
        "high": item.high_words,
        "lines": lines,
        "unit": item.unit,
    }


# --- the desk


@require_safe
@privileged
def desk(request: Request) -> HttpResponse:
    """Show staff the surveys they run."""
    found = queries.led(request.viewer)
    page = Paginator(found, A_PAGE).get_page(request.GET.get("page"))
    at = request.viewer.at
    rows = [(one, one.state(at)) for one in page]
    may_begin = queries.communities_to_ask(request.viewer).exists()
    if not may_begin:
        raise PermissionDenied(_("This page is for clerks and those who lead a community."))
    return render(request, "surveys/desk.html", {"nav": "desk", "page": page, "rows": rows})


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def new(request: Request) -> HttpResponse:
    """Begin to set up a survey."""
    if not queries.communities_to_ask(request.viewer).exists():
        raise PermissionDenied(_("This page is for clerks and those who lead a community."))
    form = AboutForm(_sent(request), viewer=request.viewer)
    if request.method != "POST" and (slug := request.GET.get("challenge")):
        asked = queries.challenges_to_ask_about(request.viewer).filter(slug=slug[:80]).first()
        if asked is not None:
            form.initial["challenge"] = asked.pk
            form.initial["community"] = asked.community_id
    if form.is_valid():
        made = actions.begin_survey(viewer=request.viewer, about=form.about)
        return redirect("surveys:run", made.pk)
    return render(request, "surveys/about.html", {"nav": "desk", "form": form})


@require_safe
@privileged
def run(request: Request, survey_id: int) -> HttpResponse:
    """Show staff a survey whole: its questions, what is missing, and what can be done now."""
    held = _to_run(request, survey_id)
    state = held.state(request.viewer.at)
    items = queries.items_of(held)
    options = queries.options_in(items)
    number, rows = 0, []
    for item in items:
        number += item.asks
        condition = rules.condition_words(item, options)
        rows.append((number if item.asks else 0, item, condition, rules.advice(item)))
    context = {
        "rows": rows,
        "gaps": rules.gaps(held, items) if state in ("draft", "coming") else [],
        "kinds": Kind.choices,
        "minutes": rules.minutes(items),
        "number": number,
        "is_frozen": held.is_frozen(request.viewer.at),
        "count": sum(queries.answered(held).values()),
        "corrections": queries.corrections(held),
        "texts": queries.text_counts(held) if held.is_frozen(request.viewer.at) else {},
    }
    return _page(request, "surveys/run.html", held, {**context, "nav": "desk"})


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def about(request: Request, survey_id: int) -> HttpResponse:
    """Change what a survey is about, who may answer, and its dates."""
    held = _to_run(request, survey_id)
    if held.is_frozen(request.viewer.at):
        return _frozen(request, held)
    form = AboutForm(_sent(request), viewer=request.viewer, survey=held)
    if form.is_valid():
        try:
            actions.change_about(viewer=request.viewer, survey_id=held.pk, about=form.about)
        except actions.Frozen:
            return _frozen(request, held)
        except actions.NotWhole as lacking:
            form.add_error(None, str(lacking))
        else:
            messages.success(request, _("Saved."))
            return redirect("surveys:run", held.pk)
    return _page(request, "surveys/about.html", held, {"nav": "desk", "form": form})


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def add(request: Request, survey_id: int, kind: str) -> HttpResponse:
    """Add a question, words or a page break."""
    held = _to_run(request, survey_id)
    if kind not in Kind.values:
        raise Http404
    if held.is_frozen(request.viewer.at):
        return _frozen(request, held)
    form = ItemForm(_sent(request), kind=kind)
    if form.is_valid():
        try:
            item = actions.add_item(
                viewer=request.viewer, survey_id=held.pk, words=form.words_of_staff
            )
        except actions.Frozen:
            return _frozen(request, held)
        except actions.TooMany:
            form.add_error(
                None, _("This survey is full. A shorter one is answered by more people.")
            )
        else:
            return redirect(f"{reverse('surveys:run', args=[held.pk])}#item-{item.pk}")
    context = {"nav": "desk", "form": form, "kind": Kind(kind)}
    return _page(request, "surveys/item.html", held, context)


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def change_item(request: Request, item_id: int) -> HttpResponse:
    """Change a question, words or a page break."""
    held, item = _item(request, item_id)
    if held.is_frozen(request.viewer.at):
        return _frozen(request, held)
    form = ItemForm(_sent(request), kind=item.kind, item=item)
    if form.is_valid():
        try:
            actions.change_item(viewer=request.viewer, item_id=item.pk, words=form.words_of_staff)
        except actions.Frozen:
            return _frozen(request, held)
        except actions.StillNeeded as needed:
            form.add_error(None, str(needed))
        else:
            return redirect(f"{reverse('surveys:run', args=[held.pk])}#item-{item.pk}")
    context = {
        "nav": "desk",
        "form": form,
        "kind": Kind(item.kind),
        "item": item,
        "advice": rules.advice(item),
    }
    return _page(request, "surveys/item.html", held, context)


@require_POST
@privileged
def move(request: Request, item_id: int) -> HttpResponse:
    """Move a question up or down."""
    held, item = _item(request, item_id)
    try:
        is_up = request.POST.get("do") != "down"
        actions.move_item(viewer=request.viewer, item_id=item.pk, up=is_up)
    except actions.Frozen:
        return _frozen(request, held)
    except actions.StillNeeded as needed:
        messages.warning(request, str(needed))
    return redirect(f"{reverse('surveys:run', args=[held.pk])}#item-{item.pk}")


@require_POST
@privileged
def remove(request: Request, item_id: int) -> HttpResponse:
    """Take a question out."""
    held, item = _item(request, item_id)
    try:
        actions.remove_item(viewer=request.viewer, item_id=item.pk)
    except actions.Frozen:
        return _frozen(request, held)
    except actions.StillNeeded as needed:
        messages.warning(request, str(needed))
    else:
        messages.success(request, _("Taken out."))
    return redirect("surveys:run", held.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def when(request: Request, item_id: int) -> HttpResponse:
    """Say with which answers to an earlier question this one is shown."""
    held, item = _item(request, item_id)
    if held.is_frozen(request.viewer.at):
        return _frozen(request, held)
    items = queries.items_of(held)
    sources = rules.may_decide_over(items, item)
    number = request.POST.get("source") or request.GET.get("source") or ""
    source = next((one for one in sources if str(one.pk) == number), None)
    if request.POST.get("do") == "always":
        return _set_condition(request, held, item, actions.Condition())
    form: django_forms.Form
    if source is None:
        form = SourceForm(_sent(request), sources=sources, item=item)
    else:
        chosen = request.POST if "said" in request.POST else None
        form = ConditionForm(chosen, source=source, item=item)
        if form.is_valid():
            return _set_condition(request, held, item, form.condition)
    context = {
        "nav": "desk",
        "form": form,
        "item": item,
        "source": source,
        "sources": sources,
        "condition": rules.condition_words(
            next(one for one in items if one.pk == item.pk), queries.options_in(items)
        ),
    }
    return _page(request, "surveys/when.html", held, context)


def _set_condition(
    request: Request, held: Survey, item: Item, condition: actions.Condition
) -> HttpResponse:
    try:
        actions.set_condition(viewer=request.viewer, item_id=item.pk, condition=condition)
    except actions.Frozen:
        return _frozen(request, held)
    except actions.StillNeeded as needed:
        messages.warning(request, str(needed))
    return redirect(f"{reverse('surveys:run', args=[held.pk])}#item-{item.pk}")


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@privileged
def preview(request: Request, survey_id: int, page: int) -> HttpResponse:
    """Show staff the survey as people will answer it; nothing is sent."""
    return _asked(request, _preview(request, survey_id), page)


@require_safe
@never_cache
@privileged
def preview_check(request: Request, survey_id: int) -> HttpResponse:
    """Show staff the last page, from which nothing is sent."""
    return _checked(request, _preview(request, survey_id))


@require_POST
@privileged
def preview_again(request: Request, survey_id: int) -> HttpResponse:
    """Begin the preview anew."""
    way = _preview(request, survey_id)
    actions.forget_draft(
        viewer=request.viewer, survey_id=survey_id, holder=way.holder, preview=True
    )
    return redirect(way.page(1))


def _preview(request: Request, survey_id: int) -> Way:
    held = _to_run(request, survey_id)
    assert request.viewer.person is not None  # the door lets only signed-in people this far
    return Way(held, Holder(request.viewer.person.pk), True)


@require_POST
@privileged
def publish(request: Request, survey_id: int) -> HttpResponse:
    """Make a survey public; it opens by the clock."""
    held = _to_run(request, survey_id)
    viewer = replace(request.viewer, at=database_now())
    try:
        made = actions.publish_survey(viewer=viewer, survey_id=held.pk)
    except actions.NotWhole as lacking:
        messages.error(request, _("Not yet: %(gaps)s") % {"gaps": lacking})
    except actions.Frozen:
        return _frozen(request, held)
    else:
        if made.is_open(viewer.at):
            messages.success(request, _("It is open. Its questions stay as they are from now on."))
        else:
            messages.success(
                request, _("It is public, and opens by itself. Until then you can change it.")
            )
    return redirect("surveys:run", held.pk)


@require_POST
@privileged
def take_back(request: Request, survey_id: int) -> HttpResponse:
    """Make a survey that has not opened yet a draft again."""
    held = _to_run(request, survey_id)
    try:
        actions.take_back(viewer=replace(request.viewer, at=database_now()), survey_id=held.pk)
    except actions.Frozen:
        return _frozen(request, held)
    messages.success(request, _("It is a draft again. Only you who set it up see it."))
    return redirect("surveys:run", held.pk)


@require_POST
@privileged
def discard(request: Request, survey_id: int) -> HttpResponse:
    """Throw a draft away."""
    held = _to_run(request, survey_id)
    try:
        actions.discard_survey(viewer=request.viewer, survey_id=held.pk)
    except actions.Frozen:
        messages.error(request, _("It is public. Take it back or withdraw it instead."))
        return redirect("surveys:run", held.pk)
    messages.success(request, _("The draft is gone."))
    return redirect("surveys:desk")


@require_POST
@privileged
def copy(request: Request, survey_id: int) -> HttpResponse:
    """Begin a new survey with the questions of this one."""
    held = _to_run(request, survey_id)
    made = actions.copy_survey(viewer=request.viewer, survey_id=held.pk)
    messages.success(request, _("This is the copy. Give it a name and dates of its own."))
    return redirect("surveys:about", made.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def extend(request: Request, survey_id: int) -> HttpResponse:
    """Keep a survey open longer."""
    held = _to_run(request, survey_id)
    form = ExtendForm(_sent(request), survey=held)
    if form.is_valid():
        viewer = replace(request.viewer, at=database_now())
        try:
            actions.extend_survey(viewer=viewer, survey_id=held.pk, **form.cleaned_data)
        except actions.NotLater:
            form.add_error(None, _("Only a survey that is open can stay open longer."))
        else:
            messages.success(request, _("It stays open longer, and everybody reads why."))
            return redirect("surveys:run", held.pk)
    title = _("Keep it open longer")
    return _simple(request, held, form, title, _("Keep it open longer"))


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def correct(request: Request, survey_id: int, part: str) -> HttpResponse:
    """Correct words about a survey that people have read."""
    held = _to_run(request, survey_id)
    if part not in ("why", "happens"):
        raise Http404
    return _correct(request, held, None, part)


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def correct_item(request: Request, item_id: int, part: str) -> HttpResponse:
    """Correct the words of a question that people have read."""
    held, item = _item(request, item_id)
    if part not in ("words", "help"):
        raise Http404
    return _correct(request, held, item, part)


def _correct(request: Request, held: Survey, item: Item | None, part: str) -> HttpResponse:
    form = CorrectForm(_sent(request), part=part, thing=item or held)
    if form.is_valid():
        try:
            actions.correct_words(
                viewer=request.viewer,
                survey_id=held.pk,
                item_id=item.pk if item else None,
                part=part,
                **form.cleaned_data,
            )
        except actions.Frozen:
            form.add_error(
                None, _("Words are corrected only between going public and the results.")
            )
        else:
            messages.success(request, _("Corrected. Everybody sees what it was, and why."))
            return redirect("surveys:run", held.pk)
    words = _("Correct a slip only. Who answered before has read the old words.")
    title = _("Correct words, in public")
    return _simple(request, held, form, title, _("Correct it for everybody to see"), words)


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def withdraw(request: Request, survey_id: int) -> HttpResponse:
    """Withdraw a survey that is public."""
    held = _to_run(request, survey_id)
    form = WithdrawForm(_sent(request))
    if form.is_valid():
        try:
            actions.withdraw_survey(
                viewer=request.viewer, survey_id=held.pk, why=form.cleaned_data["why"]
            )
        except actions.Frozen:
            form.add_error(None, _("A draft is thrown away, and published results stay."))
        else:
            messages.success(request, _("It is withdrawn, and all answers are deleted."))
            return redirect("surveys:run", held.pk)
    return _simple(request, held, form, _("Withdraw this survey"), _("Withdraw it"))


def _simple(
    request: Request, held: Survey, form: django_forms.Form, title: str, do: str, words: str = ""
) -> HttpResponse:
    context = {"nav": "desk", "form": form, "heading": title, "do": do, "words": words}
    return _page(request, "surveys/form.html", held, context)


# --- papers and calls


@require_safe
@privileged
def papers(request: Request, survey_id: int) -> HttpResponse:
    """Ask how many papers to print, and with which numbers."""
    held = _to_run(request, survey_id)
    context = {"nav": "desk", "form": PapersForm(), "batches": queries.keyed_batches(held)}
    return _page(request, "surveys/papers.html", held, context)


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def key(request: Request, survey_id: int) -> HttpResponse:
    """Key a paper, or enter what somebody says on the telephone."""
    held = _to_run(request, survey_id)
    if held.state(request.viewer.at) not in ("open", "closed"):
        return _too_early(request, held)

    def save(entry: actions.Entry, typed: Any) -> None:
        viewer = replace(request.viewer, at=database_now())
        sent = actions.enter_response(viewer=viewer, survey_id=held.pk, entry=entry, typed=typed)
        said = _("Entered. Its reference is %(reference)s. Take the next.")
        messages.success(request, said % {"reference": sent.reference})

    begun: dict[str, Any] = {"channel": request.GET.get("channel") or "paper"}
    if request.GET.get("batch"):
        begun |= {"batch": request.GET["batch"][:40], "serial": request.GET.get("serial", "")[:8]}
    return _keyed(request, held, None, begun, {}, save)


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def correct_entry(request: Request, response_id: int) -> HttpResponse:
    """Correct what staff entered."""
    held, sent = _entry(request, response_id)
    if held.state(request.viewer.at) not in ("open", "closed"):
        return _too_early(request, held)

    def save(entry: actions.Entry, typed: Any) -> None:
        actions.correct_response(
            viewer=request.viewer, response_id=sent.pk, entry=entry, typed=typed
        )
        messages.success(request, _("Corrected."))

    begun = {"channel": sent.channel, "batch": sent.batch, "serial": sent.serial}
    typed = {answer.item_id: rules.typed_of(answer) for answer in sent.answers.all()}
    return _keyed(request, held, sent, begun, typed, save)


def _keyed(
    request: Request,
    held: Survey,
    sent: Response | None,
    begun: dict[str, Any],
    typed: dict[int, rules.Typed],
    save: Callable[[actions.Entry, Any], None],
) -> HttpResponse:
    items = queries.items_of(held)
    is_post = request.method == "POST"
    form = EntryForm(request.POST if is_post else None, initial=begun)
    if is_post:
        typed = typed_on(items, request.POST)
    sheet = Sheet(held, items, typed, queries.areas_of(held, items), is_strict=False)
    if is_post and form.is_valid() and (not sheet.dropped or "drop" in request.POST):
        try:
            save(form.entry, typed)
        except actions.NotComplete as lacking:
            sheet = lacking.sheet
        except actions.TooEarly:
            return _too_early(request, held)
        except actions.TakenOut:
            messages.error(
                request, _("Somebody took it out a moment ago. Key it again if need be.")
            )
            return redirect("surveys:entered", held.pk)
        except actions.KeyedAlready as before:
            form.add_error("serial", _keyed_before(before.response))
        else:
            return _onward(held, sent, form)
    asked = [Asked(item, sheet, says_wrong=is_post) for item in items if item.kind != Kind.PAGE]
    options = queries.options_in(items)
    context = {
        "nav": "desk",
        "form": form,
        "asked": [(one, rules.condition_words(one.item, options)) for one in asked],
        "mistakes": [one for one in asked if one.wrong],
        "dropped": sheet.dropped if is_post else [],
        "sent": sent,
    }
    return _page(request, "surveys/key.html", held, context)


def _keyed_before(before: Response | None) -> str:
    if before is None:
        return _("This paper was keyed already.")
    said = _("This paper was keyed already. Its reference is %(reference)s.")
    return said % {"reference": before.reference}


def _onward(held: Survey, sent: Response | None, form: EntryForm) -> HttpResponse:
    if sent is not None:
        return redirect("surveys:entered", held.pk)
    given = form.cleaned_data
    address = reverse("surveys:key", args=[held.pk])
    if given["channel"] != "paper":
        return redirect(f"{address}?channel=telephone")
    from django.utils.http import urlencode

    asked = urlencode({"batch": given["batch"], "serial": (given["serial"] or 0) + 1})
    return redirect(f"{address}?{asked}")


@require_safe
@privileged
def entered(request: Request, survey_id: int) -> HttpResponse:
    """Show what staff entered, so that it can be found and corrected."""
    held = _to_run(request, survey_id)
    found = queries.entered(held)
    asked = _asked_for(request)
    if asked:
        found = found.filter(reference__icontains=asked) | found.filter(batch__icontains=asked)
    page = Paginator(found, A_PAGE).get_page(request.GET.get("page"))
    state = held.state(request.viewer.at)
    context = {"nav": "desk", "page": page, "q": asked, "may_key": state in ("open", "closed")}
    return _page(request, "surveys/entered.html", held, context)


@require_POST
@privileged
def remove_entry(request: Request, response_id: int) -> HttpResponse:
    """Take out what staff entered by mistake."""
    held, sent = _entry(request, response_id)
    try:
        actions.remove_response(viewer=request.viewer, response_id=sent.pk)
    except actions.TooEarly:
        return _too_early(request, held)
    messages.success(request, _("Taken out."))
    return redirect("surveys:entered", held.pk)


def _entry(request: Request, response_id: int) -> tuple[Survey, Response]:
    found = Response.objects.exclude(channel="online").filter(
        pk=response_id, survey__authority=request.viewer.authority
    )
    sent = the_one(list(found.prefetch_related("answers")))
    return _to_run(request, sent.survey_id), sent


def _too_early(request: Request, held: Survey) -> HttpResponse:
    messages.warning(
        request, _("Papers and calls are entered from the opening until the results are published.")
    )
    return redirect("surveys:run", held.pk)


# --- what staff do with what people wrote


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def judge(request: Request, survey_id: int) -> HttpResponse:
    """Let staff read what people wrote, choose what everybody reads, and hide what breaks the rules."""
    held = _survey(request, survey_id)
    if not rules.may_judge(request.viewer, held):
        raise PermissionDenied(_("Only moderators, and those who run it, choose what is shown."))
    form = JudgeForm(None)
    if request.method == "POST":
        listed = [
            int(n) for n in request.POST.getlist("answers")[:500] if n.isdecimal() and n.isascii()
        ]
        form = JudgeForm(request.POST, listed=[n for n in listed if n < 2**63])
        if form.is_valid():
            number = actions.judge_words(
                viewer=request.viewer, survey_id=held.pk, **form.cleaned_data
            )
            said = ngettext("%(n)s answer changed.", "%(n)s answers changed.", number)
            messages.success(request, said % {"n": number})
            return redirect(request.get_full_path())
    state = request.GET.get("state", "")
    if state not in ("waiting", "shown", "hidden"):
        state = "waiting"
    found = queries.texts(held).filter(
        shown_at__isnull=state != "shown", hidden_at__isnull=state != "hidden"
    )
    item, asked = request.GET.get("item", ""), _asked_for(request)
    if item.isdecimal() and item.isascii() and int(item) < 2**63:
        found = found.filter(item=int(item))
    if asked:
        found = found.filter(words__icontains=asked)
    context = {
        "nav": "desk",
        "form": form,
        "tab": state,
        "counts": queries.text_counts(held),
        "page": Paginator(found, A_PAGE).get_page(request.GET.get("page")),
        "q": asked,
        "item_chosen": item,
        "questions": [one for one in queries.items_of(held) if one.kind == Kind.TEXT],
        "may_run": rules.may_run(request.viewer, held),
    }
    return _page(request, "surveys/judge.html", held, context)


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def tell(request: Request, survey_id: int) -> HttpResponse:
    """Publish what was found, with what was heard in plain words."""
    held = _to_run(request, survey_id)
    state = held.state(request.viewer.at)
    form = HeardForm(_sent(request), initial={"heard": held.heard})
    if form.is_valid():
        try:
            actions.publish_results(
                viewer=replace(request.viewer, at=database_now()),
                survey_id=held.pk,
                heard=form.cleaned_data["heard"],
            )
        except actions.TooEarly:
            form.add_error(None, _("Results are published after the close."))
        else:
            messages.success(request, _("Published. Everybody can read it now."))
            return redirect("surveys:results", held.pk)
    context = {"nav": "desk", "form": form, "texts": queries.text_counts(held), "told": state}
    return _page(request, "surveys/tell.html", held, context)


class _Echo:
    """Hands back what a table's writer writes, line by line."""

    def write(self, text: str) -> str:
        return text


@require_safe
@privileged
def download_csv(request: Request, survey_id: int) -> HttpResponse:
    """Hand staff everything that was answered, one row a response."""
    held, items = _to_download(request, survey_id)
    writer = csv.writer(_Echo())

    def lines() -> Iterator[str]:
        yield writer.writerow([harmless(cell) for cell in queries.header(items)])
        for row in queries.rows(held, items):
            yield writer.writerow([harmless(cell) for cell in row])

    return _streamed(lines(), f"survey-{held.pk}-answers.csv", "text/csv; charset=utf-8")


@require_safe
@privileged
def download_json(request: Request, survey_id: int) -> HttpResponse:
    """Hand staff everything that was answered, for programs."""
    held, items = _to_download(request, survey_id)
    names = queries.header(items)

    def lines() -> Iterator[str]:
        yield "["
        for number, row in enumerate(queries.rows(held, items)):
            said = json.dumps(
                [{"column": name, "value": value} for name, value in zip(names, row, strict=True)],
                ensure_ascii=False,
            )
            yield f"{',' if number else ''}\n{said}"
        yield "\n]\n"

    return _streamed(lines(), f"survey-{held.pk}-answers.json", "application/json")


def _to_download(request: Request, survey_id: int) -> tuple[Survey, list[Item]]:
    """Return a survey that has closed: while it is open, staff see counts alone."""
    held = _to_run(request, survey_id)
    if held.state(request.viewer.at) not in ("closed", "published"):
        raise PermissionDenied(
            _("While a survey is open you see counts alone. Come back after it.")
        )
    actions.note_download(viewer=request.viewer, survey=held)
    return held, queries.items_of(held)


def _streamed(lines: Iterator[str], name: str, kind: str) -> HttpResponse:
    head = {"Content-Disposition": f'attachment; filename="{name}"'}
    streamed = StreamingHttpResponse(lines, content_type=kind, headers=head)
    return cast(HttpResponse, streamed)


# --- shared


def _survey(request: Request, survey_id: int) -> Survey:
    return the_one(queries.numbered(request.viewer, survey_id))


def _to_run(request: Request, survey_id: int) -> Survey:
    held = _survey(request, survey_id)
    if not rules.may_run(request.viewer, held):
        raise PermissionDenied(_("Only a clerk, or those who lead this place, may do this."))
    return held


def _item(request: Request, item_id: int) -> tuple[Survey, Item]:
    found = Item.objects.filter(pk=item_id, survey__authority=request.viewer.authority)
    item = the_one(list(found.prefetch_related("options")))
    return _to_run(request, item.survey_id), item


def _frozen(request: Request, held: Survey) -> HttpResponse:
    messages.warning(
        request, _("It has opened, so its questions stay as they are. A slip can be corrected.")
    )
    return redirect("surveys:run", held.pk)


def _sent(request: Request) -> Any:
    return request.POST if request.method == "POST" else None


def _page(
    request: Request, template: str, held: Survey, values: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    known = {"nav": "open", "survey": held, "state": held.state(request.viewer.at)}
    return render(request, template, {**known, **values}, status=status)
