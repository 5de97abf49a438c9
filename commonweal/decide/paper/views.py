"""Pages on which staff bring in votes, and those on which people vote at a kiosk."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from django.contrib import messages
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from commonweal.decide.ballots import actions as voting
from commonweal.decide.ballots.rules import Choice
from commonweal.decide.budgets.models import Pot, Reach
from commonweal.decide.budgets.queries import numbered
from commonweal.decide.paper import actions, queries, rules
from commonweal.decide.paper.forms import (
    IssueForm,
    KeyForm,
    LostForm,
    ReadForm,
    ReturnedForm,
    SaidForm,
    SerialForm,
    WhoForm,
)
from commonweal.decide.paper.models import Batch, Keying, Outcome, Paper, Says, Why, printed
from commonweal.decide.paper.queries import NobodyFound
from commonweal.decide.registers.models import Part
from commonweal.kit.clock import database_now
from commonweal.kit.doors import privileged, the_one
from commonweal.kit.money import pounds
from commonweal.kit.printing import as_pdf
from commonweal.kit.request import Request

# --- batches


@require_safe
@privileged
def batches(request: Request, pot_id: int) -> HttpResponse:
    """Show every batch of a pot, what is open about it, and how people voted so far."""
    pot = _pot_to_run(request, pot_id)
    found = list(queries.batches(request.viewer).filter(pot=pot))
    sums = queries.sums_of(found)
    values = {
        "rows": [(batch, sums[batch.pk]) for batch in found],
        "channels": queries.turnout_by_channel(pot),
        "may_issue": request.viewer.at < pot.closes_at,
    }
    return _page(request, "paper/batches.html", pot, values)


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def issue(request: Request, pot_id: int) -> HttpResponse:
    """Give papers out."""
    pot = _pot_to_run(request, pot_id)
    form = IssueForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            batch = actions.issue_batch(viewer=request.viewer, pot_id=pot_id, **form.cleaned_data)
        except actions.PotIsOver:
            form.add_error(None, _("Voting is closed: no more papers go out."))
        else:
            return redirect("paper:batch", batch.pk)
    return _page(request, "paper/issue.html", pot, {"form": form})


@require_safe
@privileged
def batch(request: Request, batch_id: int) -> HttpResponse:
    """Show what a batch has to account for, and the next step."""
    return _batch_page(request, _batch(request, batch_id))


def _batch_page(request: Request, batch: Batch, *, status: int = 200) -> HttpResponse:
    viewer, sums = request.viewer, queries.sums(batch)
    once = list(queries.waiting_papers(viewer, batch, Outcome.ONCE)[:200])
    differs = list(queries.waiting_papers(viewer, batch, Outcome.DIFFERS)[:200])
    values = {
        "batch": batch,
        "sums": sums,
        "asides": queries.asides_by_reason(batch),
        "once": [(paper, printed(batch.pot_id, paper.serial)) for paper in once],
        "differs": [(paper, printed(batch.pot_id, paper.serial)) for paper in differs],
        "may_lose": rules.may_declare_lost(viewer, batch.pot),
        "parts": [(n, _part_words(batch, n)) for n in range(1, _parts(batch) + 1)],
        "keyed_share": sums.keyed / sums.slips if sums.slips else 0,
    }
    return _page(request, "paper/batch.html", batch.pot, values, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def returned(request: Request, batch_id: int) -> HttpResponse:
    """Write down what came back."""
    batch = _batch(request, batch_id)
    start = {"returned": batch.returned, "unused": batch.unused, "note": batch.missing_note}
    form = ReturnedForm(request.POST or None, initial=start)
    if request.method == "POST" and form.is_valid():
        try:
            actions.count_returned(viewer=request.viewer, batch_id=batch_id, **form.cleaned_data)
        except actions.MoreThanWentOut:
            words = _(
                "That is more than went out: %(issued)s. Look for papers of another batch, and count"
                " both piles again."
            )
            form.add_error("returned", words % {"issued": batch.issued})
        except actions.BatchIsDone:
            return _done(request, batch_id)
        else:
            return redirect("paper:batch", batch_id)
    return _page(request, "paper/returned.html", batch.pot, {"form": form, "batch": batch})


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
@never_cache
def check_in(request: Request, batch_id: int) -> HttpResponse:
    """Take one identity slip after the other; the envelope behind it stays closed."""
    batch = _batch(request, batch_id)
    pot, aside = batch.pot, None
    form = WhoForm(request.POST or None, viewer=request.viewer, pot=pot, takes_a_name=True)
    if request.method == "POST" and form.is_valid():
        try:
            gave_way = actions.check_in(
                viewer=request.viewer,
                batch_id=batch_id,
                somebody=queries.somebody(request.viewer, pot, form.cleaned_data),
            )
        except NobodyFound as nobody:
            form.add_error(nobody.field, str(nobody))
        except actions.SetItAside as found:
            aside = {"why": found.why, "words": str(found)}
            held = {row["why"]: row["number"] for row in queries.asides_by_reason(batch)}
            aside["before"] = held[found.why.value]
        except actions.BatchIsDone:
            return _done(request, batch_id)
        except actions.NotCountedYet:
            form.add_error(None, _("First count what came back."))
        except actions.AllSlipsAreIn:
            form.add_error(
                None, _("As many slips are in as envelopes came back. Count them again.")
            )
        except actions.AlreadyOpened:
            form.add_error(
                None, _("The envelopes of this batch are open: no slip comes in any more.")
            )
        else:
            words = _("Checked in.")
            if gave_way:
                words = _("Checked in. The ballot they cast on-line was taken out of the box.")
            messages.success(request, words)
            return redirect("paper:check_in", batch_id)
    values = {
        "form": form,
        "batch": batch,
        "sums": queries.sums(batch),
        "aside": aside,
        "has_register": bool(form.parts),
    }
    return _page(request, "paper/check_in.html", pot, values)


@require_POST
@privileged
def set_aside(request: Request, batch_id: int) -> HttpResponse:
    """Count one envelope more, or less, as set aside."""
    batch = _batch(request, batch_id)
    given = request.POST
    why, before = given.get("why", ""), given.get("before", "")
    if why not in Why.values or not (before.isascii() and before.isdigit() and len(before) < 6):
        raise Http404
    step = -1 if given.get("do") == "less" else 1
    try:
        actions.set_aside(
            viewer=request.viewer, batch_id=batch_id, why=Why(why), before=int(before), step=step
        )
    except actions.BatchIsDone:
        return _done(request, batch_id)
    except (actions.NotCountedYet, actions.AlreadyOpened):
        messages.error(request, _("This reason does not fit where the batch stands now."))
    except actions.AllSlipsAreIn:
        messages.error(request, _("Every envelope is accounted for. Count them again."))
    except actions.CountedMeanwhile:
        messages.error(request, _("The number has just changed. Look at it, then try again."))
    to_slips = given.get("back") == "slips"
    return redirect("paper:check_in" if to_slips else "paper:batch", batch.pk)


@require_POST
@privileged
def open_envelopes(request: Request, batch_id: int) -> HttpResponse:
    """Say that the slips are off, and the envelopes mixed and opened."""
    _batch(request, batch_id)
    try:
        actions.open_batch(viewer=request.viewer, batch_id=batch_id)
    except actions.BatchIsDone:
        return _done(request, batch_id)
    except (actions.NotCountedYet, actions.NotAllCheckedIn):
        words = _("Some envelopes are not checked in yet. Open none before all slips are off.")
        messages.error(request, words)
        return redirect("paper:batch", batch_id)
    return redirect("paper:key", batch_id)


# --- keying


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
@never_cache
def key(request: Request, batch_id: int) -> HttpResponse:
    """Key one paper after the other, without seeing what anybody else keyed."""
    batch = _batch(request, batch_id)
    pot = batch.pot
    projects = queries.projects_in_print(pot)
    form = KeyForm(request.POST or None, pot=pot, projects=projects)
    if request.method == "POST" and form.is_valid():
        paper = _keyed(request, batch, form)
        if paper is not None:
            _say_keyed(request, paper)
            return redirect("paper:key", batch_id)
    sums = queries.sums(batch)
    values = {
        "batch": batch,
        "form": form,
        "projects": projects,
        "sums": sums,
        "share": sums.keyed / sums.slips if sums.slips else 0,
        "mine": Keying.objects.filter(
            paper__batch=batch, keyed_by=request.viewer.person, turn__lt=3
        ).count(),
    }
    return _page(request, "paper/key.html", pot, values)


def _keyed(request: Request, batch: Batch, form: KeyForm) -> Paper | None:
    serial: int = form.cleaned_data["serial"]
    try:
        return actions.key_paper(
            viewer=request.viewer, batch_id=batch.pk, serial=serial, reading=form.reading
        )
    except actions.BreaksTheRule as broken:
        form.ask_again()
        form.add_error("marks", broken.wrong.words)
    except actions.NotOfThisBatch:
        words = _("This paper is not of this batch, which holds %(batch)s. Lay it on its own pile.")
        form.add_error("serial", words % {"batch": str(batch)})
    except actions.KeyedByYou:
        words = _("You have keyed this paper. Somebody else has to key it the second time.")
        form.add_error("serial", words)
    except actions.KeyedTwice:
        words = _(
            "Two people have keyed a paper with this number. If you hold another one with the same"
            " number, one of them is a copy: set it aside."
        )
        form.add_error("serial", words)
    except actions.MorePapersThanSlips:
        words = _("More papers than were let in. Look for two papers in one envelope.")
        form.add_error("serial", words)
    except actions.NotCountedYet:
        form.add_error(None, _("First check in every slip, then mix and open the envelopes."))
    except actions.BatchIsDone:
        form.add_error(None, _("This batch is done. Nothing about it changes any more."))
    return None


def _say_keyed(request: Request, paper: Paper) -> None:
    number = {"number": printed(paper.batch.pot_id, paper.serial)}
    words = {
        Outcome.ONCE: _("%(number)s is keyed once. Somebody else keys it again."),
        Outcome.AGREED: _("%(number)s: both readings are the same."),
        Outcome.SPOILED: _("%(number)s: both readings say that it cannot be counted."),
        Outcome.DIFFERS: _("%(number)s: the two readings differ. A third person looks at it."),
    }[Outcome(paper.outcome)]
    messages.success(request, words % number)


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
@never_cache
def resolve(request: Request, paper_id: int) -> HttpResponse:
    """Let a third person see both readings beside the paper, and say what stands."""
    found = Paper.objects.select_related("batch")
    paper = get_object_or_404(found, pk=paper_id, batch__authority=request.viewer.authority)
    batch = _batch(request, paper.batch_id)
    before = queries.readings(paper)
    if paper.outcome != Outcome.DIFFERS or batch.is_done:
        messages.success(request, _("This paper is settled."))
        return redirect("paper:batch", batch.pk)
    if any(keying.keyed_by_id == request.viewer.person.pk for keying in before):  # type: ignore[union-attr]
        raise PermissionDenied(
            _("You have keyed this paper yourself. Somebody else has to say what stands.")
        )
    projects = queries.projects_in_print(batch.pot)
    form = ReadForm(request.POST or None, pot=batch.pot, projects=projects)
    if request.method == "POST" and form.is_valid():
        try:
            actions.resolve_paper(viewer=request.viewer, paper_id=paper_id, reading=form.reading)
        except actions.BreaksTheRule as broken:
            form.ask_again()
            form.add_error("marks", broken.wrong.words)
        except (actions.ResolvedAlready, actions.BatchIsDone):
            messages.success(request, _("This paper is settled."))
            return redirect("paper:batch", batch.pk)
        else:
            return redirect("paper:batch", batch.pk)
    values = {
        "batch": batch,
        "number": printed(batch.pot_id, paper.serial),
        "form": form,
        "projects": projects,
        "both": [queries.as_read(keying, projects, batch.pot) for keying in before],
    }
    return _page(request, "paper/resolve.html", batch.pot, values)


# --- into the box, or lost


@require_POST
@privileged
def accept(request: Request, batch_id: int) -> HttpResponse:
    """Put a batch into the box."""
    batch = _batch(request, batch_id)
    try:
        done = actions.accept_batch(viewer=request.viewer, batch_id=batch_id)
    except actions.DoesNotAddUp:
        messages.error(request, _("It does not add up yet. The table says where to look."))
        return redirect("paper:batch", batch_id)
    except actions.BallotChanged:
        words = _(
            "The ballot changed after these papers were printed, so they say something else. Declare"
            " the batch lost, and give out new papers."
        )
        messages.error(request, words)
        return redirect("paper:batch", batch_id)
    except actions.PotIsOver:
        messages.error(request, _("The votes are being counted: nothing comes in any more."))
        return redirect("paper:batch", batch_id)
    except actions.BatchIsDone:
        return _done(request, batch_id)
    counted = queries.sums(done).agreed
    words = ngettext(
        "%(n)s paper of this batch is in the box.",
        "%(n)s papers of this batch are in the box.",
        counted,
    )
    messages.success(request, words % {"n": counted})
    return redirect("paper:batches", batch.pot_id)


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
def lose(request: Request, batch_id: int) -> HttpResponse:
    """Declare that a batch will never be counted."""
    batch = _batch(request, batch_id)
    if not rules.may_declare_lost(request.viewer, batch.pot):
        raise PermissionDenied(_("Only a clerk may declare papers lost."))
    form = LostForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            actions.declare_lost(
                viewer=request.viewer, batch_id=batch_id, note=form.cleaned_data["note"]
            )
        except actions.BatchIsDone:
            return _done(request, batch_id)
        return redirect("paper:batches", batch.pot_id)
    values = {"batch": batch, "form": form, "sums": queries.sums(batch)}
    return _page(request, "paper/lose.html", batch.pot, values)


def _done(request: Request, batch_id: int) -> HttpResponse:
    messages.error(request, _("This batch is done. Nothing about it changes any more."))
    return redirect("paper:batch", batch_id)


# --- for whoever voted on paper


@require_safe
def paper(request: Request, pot_id: int) -> HttpResponse:
    """Say what became of the paper with the number that somebody asks for; it names nobody."""
    pot = the_one(numbered(request.viewer, pot_id))
    form = SerialForm(request.GET if "serial" in request.GET else None, pot_id=pot_id)
    values: dict[str, Any] = {"form": form, "nav": "money"}
    if form.is_bound and form.is_valid():
        serial = form.cleaned_data["serial"]
        code, words = queries.fate(pot, serial)
        values |= {"number": printed(pot_id, serial), "fate": code, "words": words}
    return _page(request, "paper/paper.html", pot, values)


# --- by telephone

CALL_LASTS = 3600  # seconds from the consent to the ballot


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
@never_cache
def telephone(request: Request, pot_id: int) -> HttpResponse:
    """Enter a ballot for somebody who calls: who they are, that they agree, their ballot, read back."""
    pot = _pot_to_run(request, pot_id)
    if pot.state(request.viewer.at) != "open":
        return _page(request, "paper/not_open.html", pot, {})
    if "call" in request.POST:
        return _take_down(request, pot)
    for_everyone = pot.reach == Reach.EVERYONE
    form = WhoForm(request.POST or None, viewer=request.viewer, pot=pot, takes_nobody=for_everyone)
    if request.method == "POST" and form.is_valid():
        somebody = form.found()
        if somebody is not None and not request.POST.get("agreed"):
            form.add_error(None, _("Read the words below to them, and go on only if they agree."))
        elif somebody is not None:
            call = actions.begin_call(
                viewer=request.viewer, pot_id=pot_id, wording=rules.consent_words()
            )
            token = signing.dumps({"call": call.pk, **somebody.facts}, salt="paper.call")
            return _call_page(request, pot, token, _read_form(None, pot))
    values = {"form": form, "wording": rules.consent_words(), "has_register": bool(form.parts)}
    return _page(request, "paper/telephone.html", pot, values)


def _read_form(data: Any, pot: Pot) -> SaidForm:
    return SaidForm(data, pot=pot, projects=queries.projects_in_print(pot))


def _call_page(
    request: Request, pot: Pot, token: str, form: SaidForm, *, readings: Any = None
) -> HttpResponse:
    values = {
        "call": token,
        "form": form,
        "projects": queries.projects_in_print(pot),
        "readings": readings,
    }
    return _page(request, "paper/call.html", pot, values)


def _take_down(request: Request, pot: Pot) -> HttpResponse:
    """Take down what somebody says, read it back, and cast it when they say yes."""
    token = request.POST.get("call", "")
    try:
        told = signing.loads(token, salt="paper.call", max_age=CALL_LASTS)
    except signing.BadSignature:
        messages.error(request, _("This call began too long ago. Begin again: nothing was saved."))
        return redirect("paper:telephone", pot.pk)
    form = _read_form(request.POST, pot)
    if not form.is_valid() or request.POST.get("do") == "change":
        return _call_page(request, pot, token, form)
    choice = form.reading.choice
    wrong = queries.wrong_with_choice(pot, choice)
    if wrong is not None:
        form.add_error("marks", wrong.words)
        return _call_page(request, pot, token, form)
    if request.POST.get("do") != "cast":
        return _call_page(request, pot, token, form, readings=_read_back(pot, choice))
    try:
        ballot = actions.cast_by_telephone(
            viewer=replace(request.viewer, at=database_now()),
            call_id=told["call"],
            somebody=queries.somebody_from(request.viewer, told),
            choice=choice,
        )
    except actions.CallIsDone:
        words = _("This ballot is in the box already. It cannot be cast again, or looked at.")
        messages.success(request, words)
        return redirect("paper:telephone", pot.pk)
    except (voting.VotedAlready, voting.WrongBallot) as error:
        form.add_error(None, str(error))
        return _call_page(request, pot, token, form)
    except voting.PotClosed:
        return _page(request, "paper/not_open.html", pot, {}, status=409)
    return _page(request, "paper/called.html", pot, {"code": ballot.code})


def _read_back(pot: Pot, choice: Choice) -> dict[str, Any]:
    keying = Keying(
        says=Says.MARKED if choice.projects else Says.NONE,
        projects=list(choice.projects),
        marks=list(choice.marks),
    )
    return queries.as_read(keying, queries.projects_in_print(pot), pot)


# --- on paper

BALLOTS = Path(__file__).parent / "templates" / "paper" / "ballots.typ"
TALLY = BALLOTS.with_name("tally.typ")
MOST_IN_FILE = 100


@require_safe
@privileged
def papers(request: Request, batch_id: int) -> HttpResponse:
    """Print the papers of a batch, a hundred in a file, in normal or large print."""
    batch = _batch(request, batch_id)
    part = request.GET.get("part", "1")
    if not (part.isascii() and part.isdigit() and 1 <= int(part[:4] or 0) <= _parts(batch)):
        raise Http404
    first = batch.first + (int(part) - 1) * MOST_IN_FILE
    serials = range(first, min(batch.last, first + MOST_IN_FILE - 1) + 1)
    is_large = request.GET.get("size") == "large"
    given = _papers_given(request, batch, [printed(batch.pot_id, n) for n in serials], is_large)
    return _pdf(BALLOTS, given, f"papers-{batch.pk}-{part}.pdf")


def _parts(batch: Batch) -> int:
    """Return in how many files the papers of a batch are printed."""
    return -(-batch.issued // MOST_IN_FILE)


def _part_words(batch: Batch, part: int) -> str:
    first = batch.first + (part - 1) * MOST_IN_FILE
    last = min(batch.last, first + MOST_IN_FILE - 1)
    return f"{printed(batch.pot_id, first)} – {printed(batch.pot_id, last)}"


def _papers_given(
    request: Request, batch: Batch, serials: list[str], is_large: bool
) -> dict[str, Any]:
    pot = batch.pot
    projects = queries.projects_in_print(pot)
    until = _("Bring it back by %(until)s.") % {"until": _moment(pot.closes_at)}
    groups = Counter(project.exclusive for project in projects if project.exclusive)
    return {
        "title": pot.title,
        "authority": request.viewer.authority.name,
        "language": (get_language() or "en").partition("-")[0],
        "large": is_large,
        "written": pot.ballot_kind in ("ranked", "points", "scores"),
        "numbered": _("Number of this paper:"),
        "foot": until,
        "how": [_about(pot), *rules.how_to_mark(pot)],
        "columns": [_("No."), _("Mark here"), _("Idea"), _("Cost")],
        "none": _("I would fund none of these"),
        "keep": _(
            "Write nothing else on this paper, or it cannot be counted. If you make a mistake, ask for"
            " a new one. Note the number at the top: with it you can see later, at %(site)s, that your"
            " paper was counted."
        )
        % {
            "site": request.build_absolute_uri(reverse("paper:paper", args=[pot.pk])).partition(
                "://"
            )[2]
        },
        "projects": [
            {
                "number": str(n),
                "title": project.title,
                "words": project.words,
                "cost": pounds(project.cost_pence),
                "only": _("Only one of these can win: %(name)s") % {"name": project.exclusive}
                if groups[project.exclusive] > 1
                else "",
            }
            for n, project in enumerate(projects, start=1)
        ],
        "numbers": serials,
        "slip": None if pot.reach == Reach.EVERYONE else _slip_given(request.viewer, batch),
    }


def _moment(at: datetime) -> str:
    local = timezone.localtime(at)
    return f"{date_format(local, 'l j F Y')}, {local:%H:%M}"


def _about(pot: Pot) -> str:
    words = _("%(pence)s are to be shared out by the people of %(place)s. Your ballot is secret.")
    return words % {"pence": pounds(pot.pence), "place": pot.community.name}


def _slip_given(viewer: Any, batch: Batch) -> dict[str, Any]:
    parts = [str(Part(part).label) for part in queries.parts_asked(viewer, batch.pot)]
    return {
        "title": _("Identity slip"),
        "batch": _("Batch %(number)s") % {"number": batch.pk},
        "lines": [
            _(
                "Put the paper into the small envelope and close it. Put this slip beside it, never"
                " inside: it comes off before any envelope is opened."
            ),
            _("We keep that you voted. Nobody can tell which paper was yours."),
        ],
        "fields": [
            *(parts or [_("Name"), _("Postcode")]),
            _("Email address of your account, or your voting code, if you have one"),
            _("Signature"),
        ],
    }


@require_safe
@privileged
def tally_sheet(request: Request, batch_id: int) -> HttpResponse:
    """Print an empty sheet on which somebody lists papers by hand."""
    batch = _batch(request, batch_id)
    given = {
        "title": _("Tally sheet"),
        "authority": request.viewer.authority.name,
        "language": (get_language() or "en").partition("-")[0],
        "batch": str(batch),
        "how": [
            batch.pot.title,
            _("One line for each paper, by one person. Type it in later as it stands here."),
        ],
        "fields": [_("Place:"), _("Day:"), _("Read by:")],
        "columns": [
            _("Number"),
            _("What is marked, by the numbers in print"),
            _("Cannot be counted: why"),
        ],
        "foot": _("Keep this sheet with the papers, apart from the identity slips."),
        "rows": 22,
    }
    return _pdf(TALLY, given, f"tally-{batch.pk}.pdf")


def _pdf(template: Path, given: dict[str, Any], name: str) -> HttpResponse:
    return HttpResponse(
        as_pdf(template, given),
        content_type="application/pdf",
        headers={"Content-Disposition": f'inline; filename="{name}"'},
    )


# --- shared


def _pot_to_run(request: Request, pot_id: int) -> Pot:
    pot = the_one(numbered(request.viewer, pot_id))
    if not rules.may_bring_in(request.viewer, pot):
        raise PermissionDenied(_("Only a clerk, or those who lead this challenge, may do this."))
    return pot


def _batch(request: Request, batch_id: int) -> Batch:
    found = Batch.objects.select_related("pot__challenge", "pot__community")
    batch = get_object_or_404(found, pk=batch_id, authority=request.viewer.authority)
    if not rules.may_bring_in(request.viewer, batch.pot):
        raise PermissionDenied(_("Only a clerk, or those who lead this challenge, may do this."))
    return batch


def _page(
    request: Request, template: str, pot: Pot, values: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    at = request.viewer.at
    known = {"nav": "desk", "pot": pot, "state": pot.state(at), "at": at}
    return render(request, template, {**known, **values}, status=status)
