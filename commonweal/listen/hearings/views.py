"""Pages about hearings: the document, what people say, and the desk of those who run it."""

from __future__ import annotations

import csv
import io
import json
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import wraps
from hashlib import sha256
from pathlib import Path
from typing import Any, cast

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from commonweal.ground.journal.queries import harmless
from commonweal.ground.places.models import StandingKind
from commonweal.ground.places.rules import Viewer
from commonweal.kit import tries
from commonweal.kit.clock import database_now
from commonweal.kit.doors import Door, P, View, privileged, signed_in, the_one
from commonweal.kit.printing import as_pdf
from commonweal.kit.request import Request
from commonweal.listen.hearings import actions, forms, queries, rules
from commonweal.listen.hearings.models import (
    Answer,
    Channel,
    Comment,
    Hearing,
    Passage,
    State,
    Version,
)

COMMENTS_A_PAGE = 15
ROWS_A_PAGE = 20
GUEST = "hearing_guest"  # the secret by which a browser finds its own comments again
KEPT = "kept_words"  # what somebody wrote before they could be let in: {where: words}
REPORT = Path(__file__).parent / "templates" / "hearings" / "report.typ"
MOST_IN_REPORT = 400
MOST_OWN = 50


class Withheld(Exception):
    """A hearing is withdrawn, and what is asked for is for staff alone meanwhile."""

    def __init__(self, hearing: Hearing) -> None:
        super().__init__(hearing.pk)
        self.hearing = hearing


def readable(view: View[P]) -> Door[P]:
    """Show why a hearing is withdrawn in place of what nobody reads meanwhile."""

    @wraps(view)
    def door(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            return view(cast(Request, request), *args, **kwargs)
        except Withheld as withheld:
            return _withheld(cast(Request, request), withheld.hearing, status=410)

    return door


def _withheld(request: Request, found: Hearing, *, status: int = 200) -> HttpResponse:
    said = queries.own_comments(request.viewer, found, _guest(request))[:MOST_OWN]
    return _page(request, "hearings/withheld.html", found, {"own": said}, status=status)


# --- reading


@require_safe
def hearing_list(request: Request) -> HttpResponse:
    """Show the hearings: open ones first."""
    viewer = request.viewer
    page = Paginator(queries.hearings(viewer), COMMENTS_A_PAGE).get_page(request.GET.get("page"))
    values = {"page": page, "may_set_up": viewer.has_second_factor and rules.may_set_up(viewer)}
    return render(request, "hearings/list.html", {"nav": "open", **values})


@require_safe
def hearing(request: Request, hearing_id: int) -> HttpResponse:
    """Show the document as it stands now, passage by passage; or where it will stand."""
    found = the_one(queries.numbered(request.viewer, hearing_id))
    if not rules.may_read(request.viewer, found):
        return _withheld(request, found)
    leads = rules.may_lead(request.viewer, found)
    known = queries.versions(found, drafts=leads)
    public = [one for one in known if one.published_at is not None]
    if not public:
        return redirect("hearings:check", found.pk)
    return _document(request, found, known, public[0])


@require_safe
@readable
def one_version(request: Request, hearing_id: int, version: int) -> HttpResponse:
    """Show one version of the document, with what people said about it then."""
    found = _hearing(request, hearing_id)
    known = queries.versions(found)
    return _document(request, found, known, _version_among(known, version))


def _document(
    request: Request, found: Hearing, known: list[Version], shown: Version
) -> HttpResponse:
    viewer = request.viewer
    last = int(getattr(shown, "last", 0) or 0)
    parts = max(1, -(-last // queries.PART))
    part = _part_asked(request, parts)
    first = (part - 1) * queries.PART + 1
    stood = queries.passages(shown, first=first, last=first + queries.PART - 1)
    contents = queries.heading_list(shown)
    latest = max((one.number for one in known if one.published_at), default=0)
    why_not = rules.why_not(viewer, found, shown, latest)
    values = {
        "version": shown,
        "versions": [one for one in known if one.published_at],
        "is_latest": shown.number == latest,
        "passages": _with_tags(stood),
        "contents": [(row, _place(row.number, parts)) for row in contents],
        "part": part,
        "parts": parts,
        "why_not": why_not,
        "takes_comments": why_not in ("", "sign-in"),
        "has_draft": any(one.published_at is None for one in known),
    }
    return _page(request, "hearings/hearing.html", found, values)


def _part_asked(request: Request, parts: int) -> int:
    """Return which part is asked for: by its number, or by that of a passage in it."""
    for name, size in (("passage", queries.PART), ("part", 1)):
        asked = request.GET.get(name, "")
        if asked.isascii() and asked.isdigit() and len(asked) < 9:
            return min(parts, max(1, -(-int(asked) // size)))
    return 1


def _place(number: int, parts: int) -> str:
    """Return where a passage stands, as an address on the page of its document."""
    return f"#passage-{number}" if parts == 1 else f"?passage={number}#passage-{number}"


def _with_tags(stood: Iterable[Passage]) -> list[tuple[Passage, int]]:
    """Return passages with the depth of their heading on the page: no step is left out."""
    deep, found = 2, []
    for one in stood:
        if one.kind == "heading":
            deep = min(one.level + 2, deep + 1, 6)
        found.append((one, deep))
    return found


@require_safe
@readable
def original(request: Request, hearing_id: int, version: int) -> HttpResponse:
    """Hand out the original file of a version."""
    found = _hearing(request, hearing_id)
    leads = rules.may_lead(request.viewer, found)
    shown = _version_among(queries.versions(found, drafts=leads), version)
    if not shown.file_size:
        raise Http404
    name = f"hearing-{found.pk}-version-{shown.number}.pdf"
    return _file(queries.file_of(shown), name, "application/pdf")


@require_safe
@readable
def changes(request: Request, hearing_id: int, version: int) -> HttpResponse:
    """Show what a version changed, passage by passage, and what staff answered."""
    found = _hearing(request, hearing_id)
    known = queries.versions(found)
    shown = _version_among(known, version)
    before = [one for one in known if one.number < version]
    if not before:
        return redirect(shown)
    steps = queries.steps(shown, before[0])
    page = Paginator(steps, ROWS_A_PAGE).get_page(request.GET.get("page"))
    queries.fill_steps(page.object_list, shown, before[0])
    values = {"version": shown, "before": before[0], "page": page, "counts": _step_counts(steps)}
    return _page(request, "hearings/changes.html", found, values)


def _step_counts(steps: Iterable[queries.Step]) -> dict[str, int]:
    counts = {"changed": 0, "new": 0, "gone": 0}
    for step in steps:
        counts[step.what] += 1
    return counts


# --- comments


@require_http_methods(["GET", "HEAD", "POST"])
@readable
def one_passage(request: Request, hearing_id: int, version: int, passage: int) -> HttpResponse:
    """Show one passage and what people say about it, and take what somebody says."""
    found = _hearing(request, hearing_id)
    known = queries.versions(found)
    shown = _version_among(known, version)
    return _thread(request, found, known, shown, the_one(queries.passage(shown, passage)))


@require_http_methods(["GET", "HEAD", "POST"])
@readable
def whole(request: Request, hearing_id: int, version: int) -> HttpResponse:
    """Show what people say about the document as a whole, and take what somebody says."""
    found = _hearing(request, hearing_id)
    known = queries.versions(found)
    return _thread(request, found, known, _version_among(known, version), None)


def _thread(
    request: Request,
    found: Hearing,
    known: list[Version],
    shown: Version,
    about: Passage | None,
) -> HttpResponse:
    if request.method == "POST":
        request.viewer = replace(request.viewer, at=database_now())
    viewer, guest = request.viewer, _guest(request)
    latest = known[0].number
    why_not = rules.why_not(viewer, found, shown, latest)
    form = forms.CommentForm(
        request.POST if request.method == "POST" else None,
        voices=rules.speaks_as(viewer, found),
        is_guest=viewer.person is None and found.reach == "everyone",
        initial=_kept(request),
    )
    status = 200
    if form.is_bound and form.is_valid():
        answer = _say(request, form, shown, about)
        if isinstance(answer, HttpResponse):
            return answer
        why_not = answer or why_not
        status = 409 if answer else 200
    moderates = _moderates(request, found)
    rows = queries.comments(viewer, found, guest=guest, moderates=moderates)
    rows = rows.filter(version=shown, passage=about, parent__isnull=True)
    order = request.GET.get("order", "")
    page = Paginator(queries.in_order(rows, order), COMMENTS_A_PAGE).get_page(
        request.GET.get("page")
    )
    queries.hand_replies(page.object_list, viewer, guest=guest, moderates=moderates)
    _mark_own(viewer, page, guest)
    last = int(getattr(shown, "last", 0) or 0)
    values = {
        "version": shown,
        "is_latest": shown.number == latest,
        "latest": known[0],
        "passage": about,
        "answer": getattr(about, "answer", None) if about else None,
        "stances": queries.stances(found, version=shown, passage=about),
        "page": page,
        "order": order if order in queries.ORDERS else queries.ORDERS[0],
        "form": form,
        "why_not": why_not,
        "next": about.number + 1 if about and about.number < last else 0,
        "previous": about.number - 1 if about and about.number > 1 else 0,
        "place": _place(about.number, 2) if about else "",
    }
    return _page(request, "hearings/thread.html", found, values, status=status)


def _say(
    request: Request,
    form: forms.CommentForm | forms.ReplyForm,
    shown: Version,
    about: Passage | None,
    parent: Comment | None = None,
) -> HttpResponse | str:
    """Write down what is said; return where to go on, or the code of why it could not be."""
    viewer = request.viewer
    if viewer.person is None and shown.hearing.reach != "everyone":
        _keep(request, form.words)
        return redirect_to_login(f"{request.path}#say")
    guest = None
    if viewer.person is None:
        if not tries.may_try(request, "hearing_guest"):
            return "brake"
        guest = _guest(request) or _new_guest(request)
    try:
        said = actions.write_comment(
            viewer=viewer,
            version=shown,
            passage=about,
            parent=parent,
            guest=guest,
            **form.words,
            **form.spoken,
        )
    except actions.NoWay as no:
        if no.why in ("join", "level"):
            _keep(request, form.words)
        return no.why
    except actions.TooMany:
        return "many"
    if viewer.person is None:
        tries.note_failure(request, "hearing_guest")
    _keep(request, {})
    if said.state == State.WAITING:
        messages.success(
            request, _("Thank you. A moderator reads it first; until then only you see it here.")
        )
    else:
        messages.success(
            request, _("Your words stand here now. For an hour you can put them right.")
        )
    return redirect(f"{said.get_absolute_url()}")


@require_http_methods(["GET", "HEAD", "POST"])
@readable
def comment(request: Request, comment_id: int) -> HttpResponse:
    """Show one comment with its answer and all its replies, and take a reply."""
    if request.method == "POST":
        request.viewer = replace(request.viewer, at=database_now())
    viewer, guest = request.viewer, _guest(request)
    own_as_guest = _said_before_signing_in(request, comment_id)
    if own_as_guest is not None:
        return redirect(own_as_guest.hearing)
    said = _comment(request, comment_id)
    found = said.hearing
    public = queries.versions(found)
    latest = public[0].number if public else 0
    why_not = rules.why_not(viewer, found, said.version, latest)
    form = forms.ReplyForm(
        request.POST if request.method == "POST" else None,
        voices=rules.speaks_as(viewer, found),
        is_guest=viewer.person is None and found.reach == "everyone",
        initial=_kept(request),
    )
    status = 200
    if form.is_bound and form.is_valid():
        said.version.hearing = found
        answer = _say(request, form, said.version, said.passage, parent=said)
        if isinstance(answer, HttpResponse):
            return answer
        why_not, status = answer, 409
    moderates = _moderates(request, found)
    top = said.parent if said.parent_id else None
    rows = queries.replies(viewer, said, guest=guest, moderates=moderates)
    page = Paginator(rows, COMMENTS_A_PAGE).get_page(request.GET.get("page"))
    _mark_own(viewer, [said, *page], guest)
    is_own = rules.wrote(viewer, said, guest)
    values = {
        "said": said,
        "parent": top,
        "version": said.version,
        "passage": said.passage,
        "answer": getattr(said, "answer", None),
        "page": page,
        "form": form,
        "why_not": why_not,
        "is_own": is_own,
        "may_change": rules.may_change(viewer, said, guest),
        "may_remove": rules.may_remove(viewer, said, guest),
        "may_agree": rules.may_agree(viewer, said),
        "place": _place(said.passage.number, 2) if said.passage else "",
    }
    return _page(request, "hearings/comment.html", found, values, status=status)


@require_safe
@readable
def comments(request: Request, hearing_id: int) -> HttpResponse:
    """Show all that people say about a document, narrowed and ordered as somebody likes."""
    found = _hearing(request, hearing_id)
    viewer, guest = request.viewer, _guest(request)
    form = forms.FindForm(request.GET)
    form.is_valid()  # what is not valid is told beside its field and narrows nothing
    asked = form.cleaned_data
    moderates = _moderates(request, found)
    rows = queries.comments(viewer, found, guest=guest, moderates=moderates)
    rows = rows.filter(parent__isnull=True).exclude(state=State.REMOVED)
    rows = rows.select_related("person", "organisation", "answer", "passage", "version")
    rows = rows.defer("version__file")
    if asked.get("q"):
        word = asked["q"]
        rows = rows.filter(Q(body__icontains=word) | Q(wording__icontains=word), state=State.SHOWN)
    if asked.get("stance"):
        rows = rows.filter(stance=asked["stance"], state=State.SHOWN)
    if asked.get("answered") == "yes":
        rows = rows.filter(Q(answer__isnull=False) | Q(passage__answer__isnull=False))
    elif asked.get("answered") == "no":
        rows = rows.filter(answer__isnull=True, passage__answer__isnull=True)
    elif asked.get("answered") == "words":
        rows = rows.exclude(wording="")
    rows = queries.in_order(rows, asked.get("order") or "newest")
    page = Paginator(rows, COMMENTS_A_PAGE).get_page(request.GET.get("page"))
    _mark_own(viewer, page, guest)
    values = {"form": form, "page": page, "is_narrowed": any(asked.values())}
    return _page(request, "hearings/comments.html", found, values)


@require_POST
@signed_in
@readable
def agree(request: Request, comment_id: int) -> HttpResponse:
    """Agree with a comment, or no longer."""
    said = _comment(request, comment_id)
    viewer = replace(request.viewer, at=database_now())
    act = actions.agree_no_more if request.POST.get("do") == "no" else actions.agree
    try:
        act(viewer=viewer, comment_id=said.pk)
    except actions.NoWay:
        messages.error(request, _("You cannot agree with this comment now."))
        return redirect(said)
    if request.POST.get("back") == "thread":
        return redirect(f"{_thread_of(said)}#comment-{said.pk}")
    return redirect(said)


@require_POST
@signed_in
@readable
def adopt(request: Request, hearing_id: int) -> HttpResponse:
    """Put what was said in this browser under the account of whoever has signed in."""
    found = _hearing(request, hearing_id)
    mark = _mark_of(request)
    if request.POST.get("do") == "leave":
        request.session.pop(GUEST, None)
        messages.success(
            request, _("It stays as it was said, under no account. This browser has forgotten it.")
        )
        return redirect(found)
    try:
        if mark is None:
            raise actions.NothingToAdopt
        many = actions.adopt_comments(viewer=request.viewer, hearing_id=found.pk, guest=mark)
    except actions.NothingToAdopt:
        messages.error(request, _("Nothing was said in this browser without an account."))
    else:
        words = _("The comments of this browser are under your account now: %(n)s.")
        messages.success(request, words % {"n": many})
    return redirect(found)


@require_http_methods(["GET", "HEAD", "POST"])
@readable
def change_comment(request: Request, comment_id: int) -> HttpResponse:
    """Put one's own words right, within an hour."""
    said, guest = _own_comment(request, comment_id)
    viewer = replace(request.viewer, at=database_now())
    is_reply = said.parent_id is not None
    kind = forms.ReplyForm if is_reply else forms.CommentForm
    initial = {"stance": said.stance, "body": said.body, "wording": said.wording}
    form = kind(request.POST if request.method == "POST" else None, voices=[], initial=initial)
    if form.is_bound and form.is_valid():
        try:
            actions.change_comment(viewer=viewer, comment_id=said.pk, guest=guest, **form.words)
        except actions.TooLate:
            form.add_error(
                None,
                _(
                    "It is too late to change this: an hour has passed, somebody answered it, or the hearing has closed."
                ),
            )
        except actions.SaidAlready:
            form.add_error(None, _("You have said exactly this here already."))
        else:
            messages.success(request, _("Your words are changed."))
            return redirect(said)
    values = {"said": said, "form": form, "may_change": rules.may_change(viewer, said, guest)}
    return _page(request, "hearings/change.html", said.hearing, values)


@require_http_methods(["GET", "HEAD", "POST"])
@readable
def remove_comment(request: Request, comment_id: int) -> HttpResponse:
    """Ask once, then take one's own words back."""
    said, guest = _own_comment(request, comment_id)
    back = _thread_of(said)
    if request.method == "POST":
        viewer = replace(request.viewer, at=database_now())
        try:
            actions.remove_comment(viewer=viewer, comment_id=said.pk, guest=guest)
        except actions.TooLate:
            messages.error(
                request,
                _(
                    "The hearing has closed: what was said stays. You can have it erased with your account, or ask us."
                ),
            )
            return redirect(said)
        messages.success(request, _("Your words are taken back."))
        return redirect(back)
    return _page(request, "hearings/remove.html", said.hearing, {"said": said})


@require_http_methods(["GET", "HEAD", "POST"])
@readable
def report(request: Request, comment_id: int) -> HttpResponse:
    """Tell the moderators that a comment breaks the rules."""
    said = _comment(request, comment_id)
    form = forms.ReportForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        is_guest = request.viewer.person is None
        if is_guest and not tries.may_try(request, "hearing_guest"):
            form.add_error(
                None,
                _("That was very much from your network. Wait a quarter of an hour, then go on."),
            )
        else:
            try:
                actions.report_comment(
                    viewer=request.viewer, comment_id=said.pk, **form.cleaned_data
                )
            except actions.TooMany:
                form.add_error(
                    None, _("You reported very much in an hour. Wait a little, then go on.")
                )
            else:
                if is_guest:
                    tries.note_failure(request, "hearing_guest")
                messages.success(request, _("Thank you. A moderator will look at it."))
                return redirect(said)
    return _page(request, "hearings/report.html", said.hearing, {"said": said, "form": form})


# --- results


@require_safe
@readable
def results(request: Request, hearing_id: int) -> HttpResponse:
    """Show what was said in all: by passage, who spoke, what was proposed, what was answered."""
    found = _hearing(request, hearing_id)
    known = queries.versions(found)
    if not known:
        raise Http404
    shown = _version_asked(request, known)
    order = "most" if request.GET.get("order") == "most" else ""
    page = Paginator(queries.counted_passages(shown, order=order), ROWS_A_PAGE).get_page(
        request.GET.get("page")
    )
    rows = [(row, queries.stances_of(row)) for row in page]
    told = queries.spoken(found)
    proposed = queries.first_suggestions(found)
    values = {
        "version": shown,
        "versions": known,
        "is_latest": shown.number == known[0].number,
        "page": page,
        "rows": rows,
        "order": order,
        "all": told.stances,
        "standings": [(_standing_words(who.code), who.number) for who in told.standings],
        "channels": [(Channel(who.code).label, who.number) for who in told.channels],
        "spoken": sum(who.number for who in told.standings),
        "suggestions": proposed,
    }
    return _page(request, "hearings/results.html", found, values)


def _standing_words(code: str) -> str:
    return str(StandingKind(code).label) if code else _("Not said")


COMMENT_COLUMNS = (
    "comment", "version", "passage", "passage_label", "reply_to", "written_at", "channel",
    "received_on", "name", "standing", "organisation", "stance", "words", "proposed_wording",
    "agreed", "answer", "answer_words",
)  # fmt: skip


@require_safe
@readable
def comments_csv(request: Request, hearing_id: int) -> HttpResponse:
    """Hand out every public comment as a table."""
    found = _hearing(request, hearing_id)
    rows = (list(row.values()) for row in _comment_rows(found))
    return _csv(COMMENT_COLUMNS, rows, f"hearing-{found.pk}-comments.csv")


def _comment_rows(found: Hearing) -> Iterator[dict[str, Any]]:
    for said in queries.public_comments(found).iterator(chunk_size=500):
        made: Answer | None = getattr(said, "answer", None)
        values = (
            said.pk, said.version.number, said.passage.number if said.passage else None,
            said.passage.label if said.passage else "", said.parent_id,
            said.written_at.isoformat(), said.channel,
            said.received_on.isoformat() if said.received_on else "",
            str(said.person) if said.person else said.name, said.standing,
            said.organisation.name if said.organisation else "",
            said.stance if said.parent_id is None else "", said.body, said.wording,
            _agreed(said), made.status if made else "", made.words if made else "",
        )  # fmt: skip
        yield dict(zip(COMMENT_COLUMNS, values, strict=True))


PASSAGE_COLUMNS = (
    "version", "passage", "label", "kind", "text", "comments", "support", "change", "oppose",
    "neither", "answer", "answer_words",
)  # fmt: skip


@require_safe
@readable
def passages_csv(request: Request, hearing_id: int) -> HttpResponse:
    """Hand out how many took which stance to each passage, as a table."""
    found = _hearing(request, hearing_id)
    rows = (list(row.values()) for row in _passage_rows(found))
    return _csv(PASSAGE_COLUMNS, rows, f"hearing-{found.pk}-passages.csv")


def _passage_rows(found: Hearing) -> Iterator[dict[str, Any]]:
    for one in queries.versions(found):
        for row in queries.counted_passages(one):
            counts = queries.stances_of(row)
            made: Answer | None = getattr(row, "answer", None)
            values = (
                one.number, row.number, row.label, row.kind, row.text, counts.total,
                counts.support, counts.change, counts.oppose, counts.neither,
                made.status if made else "", made.words if made else "",
            )  # fmt: skip
            yield dict(zip(PASSAGE_COLUMNS, values, strict=True))


@require_safe
@readable
def everything_json(request: Request, hearing_id: int) -> HttpResponse:
    """Hand out the whole hearing for programs: what it is, the counts, the comments."""
    found = _hearing(request, hearing_id)
    content = {
        "hearing": found.pk, "title": found.title, "about": found.about, "decides": found.decides,
        "opens_at": found.opens_at.isoformat(), "closes_at": found.closes_at.isoformat(),
        "outcome": found.outcome, "withdrawn_why": found.withdrawn_why,
        "withdrawn_at": found.withdrawn_at.isoformat() if found.withdrawn_at else None,
        "passages": list(_passage_rows(found)),
        "comments": list(_comment_rows(found)),
    }  # fmt: skip
    return _file(
        json.dumps(content, indent=1, ensure_ascii=False),
        f"hearing-{found.pk}.json",
        "application/json",
    )


@require_safe
@readable
def printed(request: Request, hearing_id: int) -> HttpResponse:
    """Print the results for a committee."""
    found = _hearing(request, hearing_id)
    given = _report(request, found)
    return _file(as_pdf(REPORT, given), f"hearing-{found.pk}.pdf", "application/pdf", how="inline")


def _report(request: Request, found: Hearing) -> dict[str, Any]:
    all_counts, standings, channels = queries.spoken(found)
    passages = [
        {
            "number": str(row.number),
            "label": row.label,
            "text": row.text[:300],
            "counts": [
                getattr(row, f"n_{name}") for name in ("support", "change", "oppose", "neither")
            ],
            "answer": row.answer.get_status_display() if hasattr(row, "answer") else "",
            "words": row.answer.words if hasattr(row, "answer") else "",
        }
        for one in queries.versions(found)[-1:]
        for row in queries.counted_passages(one)[:MOST_IN_REPORT]
    ]
    proposed = [
        {
            "passage": _("Passage %(number)s") % {"number": said.passage.number}
            if said.passage
            else _("The whole document"),
            "who": _who_said(said),
            "wording": said.wording,
            "agreed": ngettext("%(n)s agrees", "%(n)s agree", _agreed(said)) % {"n": _agreed(said)},
        }
        for said in queries.suggestions(found)[:MOST_IN_REPORT]
    ]
    spoken = sum(who.number for who in standings)
    return {
        "language": (get_language() or "en").partition("-")[0],
        "authority": request.viewer.authority.name,
        "title": found.title,
        "lines": [
            _("Open from %(opens)s to %(closes)s.")
            % {"opens": _day(found.opens_at), "closes": _day(found.closes_at)},
            found.decides,
            *_withdrawn_line(found),
            ngettext(
                "%(n)s comment and reply in all.", "%(n)s comments and replies in all.", spoken
            )
            % {"n": spoken},
        ],
        "outcome_head": _("What came of it"),
        "outcome": found.outcome.split("\n\n") if found.outcome else [],
        "stances_head": _("How people stand"),
        "stances": [[str(stance.label), count, share] for stance, count, share in all_counts.rows],
        "who_head": _("Who spoke"),
        "who": [[_standing_words(who.code), str(who.number)] for who in standings],
        "channels_head": _("By which way"),
        "channels": [[str(Channel(who.code).label), str(who.number)] for who in channels],
        "passages_head": _("Passage by passage"),
        "columns": [_("Passage"), _("Support"), _("Change"), _("Oppose"), _("Neither")],
        "passages": passages,
        "nothing": _("Nobody has said anything about a passage."),
        "suggestions_head": _("Other words that were proposed"),
        "suggestions": proposed,
        "foot": _(
            "Every comment can be read at the hearing’s page, and downloaded as a table. Printed on %(day)s."
        )
        % {"day": _day(request.viewer.at)},
    }


def _withdrawn_line(found: Hearing) -> list[str]:
    if found.withdrawn_at is None:
        return []
    told = {"day": _day(found.withdrawn_at), "reason": found.withdrawn_why}
    return [_("Withdrawn on %(day)s. The reason: %(reason)s") % told]


def _agreed(said: Comment) -> int:
    return int(getattr(said, "agreed_count", 0))


def _who_said(said: Comment) -> str:
    name = str(said.person) if said.person else said.name or _("Somebody without an account")
    return f"{name}, {said.get_standing_display()}" if said.standing else name


def _day(at: Any) -> str:
    return date_format(timezone.localtime(at), "j F Y")


# --- for those who run it


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def start(request: Request) -> HttpResponse:
    """Set up a hearing."""
    if not rules.may_set_up(request.viewer):
        raise PermissionDenied(_("Only those who lead a community set up a hearing."))
    form = forms.BasicsForm(
        request.POST if request.method == "POST" else None, viewer=request.viewer
    )
    if form.is_bound and form.is_valid():
        made = actions.set_up_hearing(viewer=request.viewer, **form.cleaned_data)
        return redirect("hearings:document", made.pk)
    return render(request, "hearings/basics.html", {"nav": "desk", "form": form, "hearing": None})


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
@readable
def basics(request: Request, hearing_id: int) -> HttpResponse:
    """Change what a hearing says about itself, its dates and who may comment."""
    found = _to_lead(request, hearing_id)
    form = forms.BasicsForm(
        request.POST if request.method == "POST" else None, viewer=request.viewer, hearing=found
    )
    if form.is_bound and form.is_valid():
        actions.change_hearing(viewer=request.viewer, hearing_id=found.pk, **form.cleaned_data)
        messages.success(request, _("Saved."))
        return redirect(
            found if found.is_public else "hearings:check", *([] if found.is_public else [found.pk])
        )
    return _page(request, "hearings/basics.html", found, {"form": form, "nav": "desk"})


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
@readable
def document(request: Request, hearing_id: int) -> HttpResponse:
    """Take the document as a text, and cut it into passages."""
    found = _to_lead(request, hearing_id)
    is_sent = request.method == "POST"
    form = forms.DocumentForm(request.POST if is_sent else None, request.FILES if is_sent else None)
    if form.is_bound and form.is_valid():
        text = form.cleaned_data["text"] or form.cleaned_data["text_file"]
        pdf = form.cleaned_data["original"]
        try:
            if text:
                actions.put_document(viewer=request.viewer, hearing_id=found.pk, text=text)
            if pdf:
                actions.attach_file(
                    viewer=request.viewer, hearing_id=found.pk, name=pdf[0], content=pdf[1]
                )
        except actions.NothingToRead:
            form.add_error("text", _("There is no word in this text"))
        except actions.TooLong:
            form.add_error(
                "text_file",
                _(
                    "This text has more than a million letters. Put its parts into hearings of their own"
                ),
            )
        except actions.TooManyPassages as error:
            words = _(
                "This text falls into %(n)s passages, and a hearing holds 2,000. Put its parts into hearings of their own"
            )
            form.add_error("text", words % {"n": f"{error.count:,}"})
        else:
            return redirect("hearings:check", found.pk)
    known = queries.versions(found, drafts=True)
    values = {"form": form, "draft": _draft_among(known), "versions": known, "nav": "desk"}
    return _page(request, "hearings/document.html", found, values)


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
@readable
def check(request: Request, hearing_id: int) -> HttpResponse:
    """Look at the passages before everyone can, then make them public."""
    found = _to_lead(request, hearing_id)
    known = queries.versions(found, drafts=True)
    draft = _draft_among(known)
    is_revision = any(one.published_at for one in known)
    form = forms.PublishForm(request.POST if request.method == "POST" else None)
    if not is_revision:
        del form.fields["why"]
    if form.is_bound and form.is_valid():
        try:
            actions.publish_version(viewer=request.viewer, hearing_id=found.pk, **form.cleaned_data)
        except actions.NotYet:
            form.add_error(
                None,
                _(
                    "Not public yet: there is no document to read, or the day of the close has passed."
                ),
            )
        else:
            messages.success(request, _("Everyone can read it now."))
            return redirect(found)
    last = int(getattr(draft, "last", 0) or 0) if draft else 0
    parts = max(1, -(-last // queries.PART))
    part = _part_asked(request, parts)
    first = (part - 1) * queries.PART + 1
    stood = queries.passages(draft, first=first, last=first + queries.PART - 1) if draft else []
    values = {
        "form": form, "draft": draft, "last": last, "is_revision": is_revision, "nav": "desk",
        "passages": _with_tags(stood), "part": part, "parts": parts,
    }  # fmt: skip
    return _page(request, "hearings/check.html", found, values)


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def draft_passage(request: Request, passage_id: int) -> HttpResponse:
    """Change, split or take out a passage that is not public yet."""
    one = _draft_passage(request, passage_id)
    found = one.version.hearing
    form = forms.PassageForm(request.POST if request.method == "POST" else None, passage=one)
    back = _check_place(found, one.number)
    if form.is_bound and form.is_valid():
        try:
            actions.change_passage(viewer=request.viewer, passage_id=one.pk, **form.cleaned_data)
        except actions.TooManyPassages:
            form.add_error("text", _("A hearing holds 2,000 passages"))
        except actions.NothingToRead:
            form.add_error("text", _("This is the only passage: a document needs one"))
        except actions.Frozen:
            messages.error(request, _("This passage was changed or made public meanwhile."))
            return redirect("hearings:check", found.pk)
        else:
            return redirect(back)
    return _page(
        request,
        "hearings/passage_form.html",
        found,
        {"form": form, "passage": one, "back": back, "nav": "desk"},
    )


@require_POST
@privileged
def join(request: Request, passage_id: int) -> HttpResponse:
    """Join a passage that is not public yet to the one before it."""
    one = _draft_passage(request, passage_id)
    try:
        actions.join_passage(viewer=request.viewer, passage_id=one.pk)
    except actions.TooLong:
        messages.error(request, _("Together they are longer than anyone comments on at once."))
    except actions.Frozen:
        messages.error(request, _("This passage was changed or made public meanwhile."))
    return redirect(_check_place(one.version.hearing, max(1, one.number - 1)))


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
@readable
def discard(request: Request, hearing_id: int) -> HttpResponse:
    """Throw away what is being prepared: the whole draft, or the revised document."""
    found = _to_lead(request, hearing_id)
    if request.method != "POST":
        return _page(request, "hearings/discard.html", found, {"nav": "desk"})
    if found.is_public:
        actions.discard_draft(viewer=request.viewer, hearing_id=found.pk)
        messages.success(request, _("The draft is gone. What is public stays."))
        return redirect(found)
    actions.discard_hearing(viewer=request.viewer, hearing_id=found.pk)
    messages.success(request, _("The draft is gone."))
    return redirect("hearings:list")


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
@readable
def enter(request: Request, hearing_id: int) -> HttpResponse:
    """Enter a comment that came by letter, mail or telephone, or was said at a meeting."""
    found = _to_lead(request, hearing_id)
    if found.withdrawn_at is not None:
        messages.error(request, _("It is withdrawn and takes no comments. Put it back first."))
        return redirect(found)
    known = queries.versions(found)
    if not known:
        return redirect("hearings:check", found.pk)
    today = timezone.localtime(request.viewer.at).date()
    form = forms.LetterForm(
        request.POST if request.method == "POST" else None, version=known[0], today=today
    )
    if form.is_bound and form.is_valid():
        said = actions.enter_comment(viewer=request.viewer, version=known[0], **form.cleaned_data)
        messages.success(request, _("It stands with the others now."))
        return redirect(
            "hearings:enter" if request.POST.get("do") == "more" else said,
            *([found.pk] if request.POST.get("do") == "more" else []),
        )
    return _page(request, "hearings/enter.html", found, {"form": form, "nav": "desk"})


@require_safe
@privileged
@readable
def answering(request: Request, hearing_id: int) -> HttpResponse:
    """Show what has no answer yet: comments, those most agree with first, and passages."""
    found = _to_lead(request, hearing_id)
    page = Paginator(queries.unanswered(found), COMMENTS_A_PAGE).get_page(request.GET.get("page"))
    known = queries.versions(found)
    passages = (
        list(queries.counted_passages(known[0], order="most").filter(answer__isnull=True)[:10])
        if known
        else []
    )
    values = {
        "page": page,
        "passages": passages,
        "nav": "desk",
        "version": known[0] if known else None,
    }
    return _page(request, "hearings/answering.html", found, values)


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
@readable
def answer_comment(request: Request, comment_id: int) -> HttpResponse:
    """Answer a comment in public."""
    said = _comment(request, comment_id)
    _check_leads(request, said.hearing)
    return _answer(request, said.hearing, comment=said, back=said.get_absolute_url())


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def answer_passage(request: Request, passage_id: int) -> HttpResponse:
    """Answer in public all that was said about a passage."""
    one = queries.any_passage(request.viewer, passage_id)
    if one is None or one.version.published_at is None:
        raise Http404
    found = one.version.hearing
    _check_leads(request, found)
    back = _passage_place(found, one.version, one)
    return _answer(request, found, passage=one, back=back)


def _answer(request: Request, found: Hearing, *, back: str, **about: Any) -> HttpResponse:
    (thing,) = about.values()
    made: Answer | None = getattr(thing, "answer", None)
    initial = {"status": made.status, "words": made.words} if made else {}
    form = forms.AnswerForm(request.POST if request.method == "POST" else None, initial=initial)
    if form.is_bound and form.is_valid():
        try:
            actions.answer(viewer=request.viewer, **about, **form.cleaned_data)
        except actions.NotYet:
            words = _("This comment is not shown, or is a reply: answer the comment it belongs to.")
            if found.withdrawn_at is not None:
                words = _("The hearing is withdrawn. Put it back first, then answer.")
            form.add_error(None, words)
        else:
            messages.success(request, _("Your answer stands there for everybody to read."))
            return redirect(back)
    values = {
        "form": form,
        "back": back,
        "said": about.get("comment"),
        "passage": about.get("passage"),
        "nav": "desk",
    }
    return _page(request, "hearings/answer_form.html", found, values)


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
@readable
def conclude(request: Request, hearing_id: int) -> HttpResponse:
    """Say what came of the hearing as a whole."""
    found = _to_lead(request, hearing_id)
    form = forms.ConcludeForm(
        request.POST if request.method == "POST" else None, initial={"words": found.outcome}
    )
    if form.is_bound and form.is_valid():
        try:
            actions.conclude(viewer=request.viewer, hearing_id=found.pk, **form.cleaned_data)
        except actions.NotYet:
            form.add_error(
                None,
                _(
                    "The hearing is still to close. Answer comments meanwhile, and conclude after it."
                ),
            )
        else:
            messages.success(
                request, _("It stands at the top of the results. Those who follow are told.")
            )
            return redirect("hearings:results", found.pk)
    return _page(request, "hearings/conclude.html", found, {"form": form, "nav": "desk"})


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
@readable
def withdraw(request: Request, hearing_id: int) -> HttpResponse:
    """Take a public hearing back, or say otherwise why it is withdrawn."""
    found = _to_lead(request, hearing_id)
    if not found.is_public:
        return redirect("hearings:check", found.pk)
    reading = forms.WithdrawForm.WITHHELD if found.is_withheld else forms.WithdrawForm.READ
    form = forms.WithdrawForm(
        request.POST if request.method == "POST" else None,
        initial={"why": found.withdrawn_why, "reading": reading},
    )
    if form.is_bound and form.is_valid():
        actions.withdraw(
            viewer=request.viewer,
            hearing_id=found.pk,
            why=form.cleaned_data["why"],
            is_withheld=form.cleaned_data["reading"] == forms.WithdrawForm.WITHHELD,
        )
        messages.success(
            request,
            _("Saved.")
            if found.withdrawn_at is not None
            else _("It is withdrawn. Everybody can read why, and those who spoke are told."),
        )
        return redirect(found)
    return _page(request, "hearings/withdraw.html", found, {"form": form, "nav": "desk"})


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
@readable
def put_back(request: Request, hearing_id: int) -> HttpResponse:
    """Ask once, then put a withdrawn hearing back as it was."""
    found = _to_lead(request, hearing_id)
    if found.withdrawn_at is None:
        return redirect(found)
    if request.method == "POST":
        actions.put_back(viewer=request.viewer, hearing_id=found.pk)
        messages.success(request, _("It is back, as it was. Those who spoke in it are told."))
        return redirect(found)
    return _page(request, "hearings/put_back.html", found, {"nav": "desk"})


# --- for moderators


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
@readable
def moderation(request: Request, hearing_id: int) -> HttpResponse:
    """Show what waits for a moderator, and decide on many at once."""
    found = _to_moderate(request, hearing_id)
    which = request.GET.get("which", "")
    rows = queries.queue(request.viewer, found, which=which)
    page = Paginator(rows, ROWS_A_PAGE).get_page(request.GET.get("page"))
    numbers = [said.pk for said in page]
    if request.method == "POST":
        asked = [
            int(n)
            for n in request.POST.getlist("comment")[:200]
            if n.isascii() and n.isdigit() and len(n) < 16
        ]
        form = forms.BulkForm(request.POST, numbers=sorted({*numbers, *asked}))
        if form.is_valid():
            _decide(request, form.cleaned_data)
            return redirect(request.get_full_path())
    else:
        form = forms.BulkForm(numbers=numbers)
    ticked = {str(n) for n in request.POST.getlist("comment")}
    values = {"form": form, "page": page, "which": which, "ticked": ticked, "nav": "desk"}
    return _page(request, "hearings/moderation.html", found, values)


def _decide(request: Request, given: dict[str, Any]) -> None:
    viewer, chosen = request.viewer, given["comment"]
    if given["do"] == forms.BulkForm.SHOW:
        done = actions.show_comments(viewer=viewer, comment_ids=chosen)
        words = ngettext("%(n)s comment is shown.", "%(n)s comments are shown.", done)
    else:
        done = actions.hide_comments(viewer=viewer, comment_ids=chosen, reason=given["reason"])
        words = ngettext(
            "%(n)s comment is hidden. Who wrote it is told.",
            "%(n)s comments are hidden. Who wrote them is told.",
            done,
        )
    messages.success(request, words % {"n": done})


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
@readable
def hide(request: Request, comment_id: int) -> HttpResponse:
    """Hide a comment, and say why."""
    said = _comment_to_moderate(request, comment_id)
    form = forms.HideForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        actions.hide_comments(viewer=request.viewer, comment_ids=[said.pk], **form.cleaned_data)
        messages.success(request, _("Hidden. The person who wrote it is told why."))
        return redirect(said)
    return _page(
        request, "hearings/hide.html", said.hearing, {"said": said, "form": form, "nav": "desk"}
    )


@require_POST
@privileged
@readable
def show(request: Request, comment_id: int) -> HttpResponse:
    """Let everyone read a comment that waits or was hidden."""
    said = _comment_to_moderate(request, comment_id)
    actions.show_comments(viewer=request.viewer, comment_ids=[said.pk])
    messages.success(request, _("Everyone can read this now."))
    return redirect(said)


LOG_COLUMNS = ("at", "decision", "comment", "reason", "who")


@require_safe
@privileged
@readable
def moderation_log(request: Request, hearing_id: int) -> HttpResponse:
    """Hand out every decision of the moderators about this hearing, with its reason."""
    found = _to_moderate(request, hearing_id)
    rows = (
        [
            entry.at.isoformat(), entry.what.rpartition("_")[2], entry.facts.get("comment", ""),
            entry.facts.get("reason", ""), str(entry.who) if entry.who else "",
        ]
        for entry in queries.moderation_log(found).iterator()
    )  # fmt: skip
    return _csv(LOG_COLUMNS, rows, f"hearing-{found.pk}-moderation.csv")


# --- shared


def _hearing(request: Request, hearing_id: int) -> Hearing:
    """Return a hearing that this viewer reads. Raises ``Withheld``."""
    found = the_one(queries.numbered(request.viewer, hearing_id))
    if not rules.may_read(request.viewer, found):
        raise Withheld(found)
    return found


def _to_lead(request: Request, hearing_id: int) -> Hearing:
    found = _hearing(request, hearing_id)
    _check_leads(request, found)
    return found


def _check_leads(request: Request, found: Hearing) -> None:
    if not rules.may_lead(request.viewer, found):
        raise PermissionDenied(_("Only those who run this hearing may do this."))


def _to_moderate(request: Request, hearing_id: int) -> Hearing:
    found = _hearing(request, hearing_id)
    if not rules.may_moderate(request.viewer, found):
        raise PermissionDenied(_("Only a moderator of this place can do this."))
    return found


def _comment(request: Request, comment_id: int) -> Comment:
    found = queries.found_comment(request.viewer, comment_id, _guest(request))
    if found is None:
        raise Http404
    if not rules.may_read(request.viewer, found.hearing):
        raise Withheld(found.hearing)
    return found


def _comment_to_moderate(request: Request, comment_id: int) -> Comment:
    said = _comment(request, comment_id)
    if not rules.may_moderate(request.viewer, said.hearing):
        raise PermissionDenied(_("Only a moderator of this place can do this."))
    return said


def _own_comment(request: Request, comment_id: int) -> tuple[Comment, bytes | None]:
    guest = _guest(request)
    said = _comment(request, comment_id)
    if not rules.wrote(request.viewer, said, guest):
        raise PermissionDenied(_("Only the person who wrote this can change it."))
    return said, guest


def _draft_passage(request: Request, passage_id: int) -> Passage:
    one = queries.draft_passage(request.viewer, passage_id)
    if one is None:
        raise Http404
    _check_leads(request, one.version.hearing)
    return one


def _version_among(known: Iterable[Version], number: int) -> Version:
    found = next((one for one in known if one.number == number), None)
    if found is None:
        raise Http404
    return found


def _version_asked(request: Request, known: list[Version]) -> Version:
    """Return the version that is asked for; else the newest that people commented on: the first."""
    asked = request.GET.get("version", "")
    found = next((one for one in known if str(one.number) == asked), None)
    return found or known[-1]


def _draft_among(known: Iterable[Version]) -> Version | None:
    return next((one for one in known if one.published_at is None), None)


def _mark_own(viewer: Viewer, listed: Iterable[Comment], guest: bytes | None) -> None:
    """Note on each comment, and on its replies, whether whoever looks wrote it."""
    for said in listed:
        said.is_own = rules.wrote(viewer, said, guest)  # type: ignore[attr-defined]
        _mark_own(viewer, getattr(said, "shown_replies", ()), guest)


def _thread_of(said: Comment) -> str:
    if said.passage is None:
        return f"{said.version.get_absolute_url()}whole/"
    return _passage_place(said.hearing, said.version, said.passage)


def _passage_place(found: Hearing, shown: Version, one: Passage) -> str:
    return f"{shown.get_absolute_url()}passages/{one.number}/"


def _check_place(found: Hearing, number: int) -> str:
    return f"{found.get_absolute_url()}check/{_place(number, 2)}"


def _moderates(request: Request, found: Hearing) -> bool:
    return request.viewer.has_second_factor and rules.may_moderate(request.viewer, found)


def _guest(request: Request) -> bytes | None:
    """Return the mark of this browser's own comments, if it wrote any without an account."""
    return None if request.viewer.person is not None else _mark_of(request)


def _mark_of(request: Request) -> bytes | None:
    """Return the mark that this browser was given before anybody signed in."""
    secret = request.session.get(GUEST)
    return sha256(secret.encode()).digest() if isinstance(secret, str) else None


def _said_before_signing_in(request: Request, comment_id: int) -> Comment | None:
    """Return what waits for a moderator and this browser's guest wrote, once somebody signed in.

    They came back to its page, which only the guest sees: the hearing's page asks whether it is theirs.
    """
    mark = _mark_of(request) if request.viewer.person is not None else None
    if mark is None or queries.found_comment(request.viewer, comment_id, None) is not None:
        return None
    return queries.found_comment(request.viewer, comment_id, mark)


def _adoptable(request: Request, found: Hearing) -> int:
    """Return how much was said here in this browser before whoever looks signed in."""
    mark = _mark_of(request) if request.viewer.person is not None else None
    return queries.said_as_guest(found, mark) if mark is not None else 0


def _new_guest(request: Request) -> bytes:
    secret = secrets.token_urlsafe(24)
    request.session[GUEST] = secret
    return sha256(secret.encode()).digest()


def _kept(request: Request) -> dict[str, str]:
    kept = request.session.get(KEPT, {}).get(request.path, {})
    return kept if isinstance(kept, dict) else {}


def _keep(request: Request, words: dict[str, str]) -> None:
    """Remember what somebody wrote at this address, and only there."""
    if words:
        request.session[KEPT] = {request.path: words}
    elif KEPT in request.session:
        del request.session[KEPT]


def _csv(columns: Iterable[str], rows: Iterable[Iterable[Any]], name: str) -> HttpResponse:
    """Hand out a table row by row; no cell is a formula to a spreadsheet."""

    def lines() -> Iterator[str]:
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow(columns)
        for row in rows:
            writer.writerow(["" if cell is None else harmless(str(cell)) for cell in row])
            yield out.getvalue()
            out.seek(0)
            out.truncate()
        yield out.getvalue()

    head = {"Content-Disposition": f'attachment; filename="{name}"'}
    answer = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8", headers=head)
    return cast(HttpResponse, answer)  # doors speak of whole answers; this one comes in pieces


def _file(content: str | bytes, name: str, kind: str, *, how: str = "attachment") -> HttpResponse:
    head = {"Content-Disposition": f'{how}; filename="{name}"'}
    return HttpResponse(content, content_type=kind, headers=head)


def _page(
    request: Request, template: str, found: Hearing, values: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    viewer = request.viewer
    known = {
        "nav": "open",
        "hearing": found,
        "state": found.state(viewer.at),
        "may_lead": viewer.has_second_factor and rules.may_lead(viewer, found),
        "may_moderate": _moderates(request, found),
        "adoptable": _adoptable(request, found),
    }
    return render(request, template, {**known, **values}, status=status)
