"""Pages on which people compare, vote and keep their receipt."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any, NamedTuple

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from commonweal.decide.ballots import actions, queries, rules
from commonweal.decide.ballots.forms import BallotForm, Sheet, Written, number_in
from commonweal.decide.ballots.models import Ballot, Channel
from commonweal.decide.ballots.queries import Voter
from commonweal.decide.budgets.models import BallotKind, Pot, Project, Reach
from commonweal.decide.budgets.queries import numbered, projects_for
from commonweal.kit.clock import database_now
from commonweal.kit.doors import signed_in, the_one
from commonweal.kit.request import Request

MOST_ON_A_SHORTLIST = 50


class Booth(NamedTuple):
    """What stands before a voter who may vote: the pot, its ideas in their order, their ballot."""

    pot: Pot
    kind: BallotKind
    projects: list[Project]
    mine: Ballot | None
    voter: Voter | None


# --- voting


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@gzip_page  # a ballot of forty ideas is sixty kilobytes, at each press
def vote(request: Request, pot_id: int) -> HttpResponse:
    """Let a voter choose, check and cast; without script each step is a form that comes back."""
    voter = _voter(request, pot_id)
    if voter is None and request.viewer.person is None:
        return _as_a_page(request, _start(request, pot_id))
    if request.POST.get("do") == "cast":
        return _cast(request, pot_id, voter)
    booth = _booth(request, pot_id, voter)
    if isinstance(booth, HttpResponse):
        return _as_a_page(request, booth)
    if request.method != "POST":
        return _beginning(request, booth)
    if request.POST.get("do") == "check":
        return _check(request, booth)
    return _moved(request, booth)


def _as_a_page(request: Request, answer: HttpResponse) -> HttpResponse:
    """Lead a press of a button to the page that says why it changed nothing, not into the ballot."""
    return HttpResponseClientRedirect(request.path) if request.htmx else answer


def _cast(request: Request, pot_id: int, voter: Voter | None) -> HttpResponse:
    form = BallotForm(request.POST)
    if form.is_valid():
        viewer = replace(request.viewer, at=database_now())
        choice = form.cleaned_data["marks"]
        try:
            actions.cast_ballot(viewer=viewer, pot_id=pot_id, choice=choice, voter=voter)
        except Pot.DoesNotExist:
            raise Http404 from None
        except actions.PotClosed as closed:
            return _page(request, "ballots/closed.html", closed.pot, {"sent": True}, status=409)
        except actions.WrongBallot as error:
            form.refuse(error.wrong)
        except actions.VotedAlready as error:
            form.add_error(None, str(error))
        except PermissionDenied as denied:
            form.add_error(None, str(denied))
        else:
            if voter is not None:
                _remember(request, pot_id)
            return redirect("ballots:receipt", pot_id)
    booth = _booth(request, pot_id, voter)
    if isinstance(booth, HttpResponse):
        return booth
    return _with_mistakes(request, booth, form)


def _check(request: Request, booth: Booth) -> HttpResponse:
    """Show what would be cast, or what this ballot cannot say."""
    form = BallotForm(request.POST, kind=booth.kind)
    if form.is_valid():
        listed = {p.pk: queries.Listed(p.cost_pence, p.exclusive) for p in booth.projects}
        wrong = rules.wrong_with(booth.pot, listed, form.cleaned_data["marks"])
        if not wrong:
            said = Written.saying(form.cleaned_data["marks"])
            values = {
                "sheet": Sheet(booth.pot, booth.projects, said),
                "fields": said.fields(booth.kind),
            }
            return _page(
                request, "ballots/check.html", booth.pot, {**values, **_known(request, booth)}
            )
        form.refuse(wrong)
    return _with_mistakes(request, booth, form)


def _with_mistakes(request: Request, booth: Booth, form: BallotForm) -> HttpResponse:
    written = Written.on(request.POST, booth.kind)
    sheet = Sheet(
        booth.pot, booth.projects, written, mistakes=form.beside(), nothing=form.says_nothing
    )
    return _page_of(request, booth, sheet, form=form)


def _moved(request: Request, booth: Booth) -> HttpResponse:
    """Show the ballot after one press of a button, or with the figures of what is chosen so far."""
    form = BallotForm(request.POST, kind=booth.kind)
    before = Sheet(booth.pot, booth.projects, form.written)
    step, _dash, name = request.POST.get("do", "").partition("-")
    number = number_in(name)
    if number is None or number not in before.projects:
        sheet = Sheet(booth.pot, booth.projects, form.written, nothing=form.says_nothing)
        return _page_of(request, booth, sheet, part="ballots/baskets.html")
    refused = before.refuses(step, number)
    written = form.written if refused else form.written.moved(booth.kind, step, number)
    sheet = Sheet(booth.pot, booth.projects, written, nothing=form.says_nothing)
    values: dict[str, Any] = {"said": refused or sheet.said(number), "moved": number}
    if request.htmx:
        values["focus"] = sheet.focus(step)
    return _page_of(request, booth, sheet, part="ballots/sheet.html", **values)


def _beginning(request: Request, booth: Booth) -> HttpResponse:
    """Show the ballot as it was cast, or as a shortlist begins it, or empty."""
    if booth.mine is not None:
        written = Written.of(booth.mine, booth.kind, [p.pk for p in booth.projects])
        nothing = not booth.mine.projects
        return _page_of(request, booth, Sheet(booth.pot, booth.projects, written, nothing=nothing))
    kept = _shortlist(request, booth.pot.pk)
    known = {project.pk for project in booth.projects} & set(kept)
    sheet = Sheet(booth.pot, booth.projects, Written({}))
    if request.GET.get("start") != "shortlist":
        return _page_of(request, booth, sheet, may_begin=bool(known))
    sheet = Sheet(booth.pot, booth.projects, sheet.begun_with(kept))
    return _page_of(request, booth, sheet, left_out=not known <= sheet.marks.keys())


def _page_of(
    request: Request,
    booth: Booth,
    sheet: Sheet,
    *,
    form: BallotForm | None = None,
    part: str = "",
    **values: Any,
) -> HttpResponse:
    sheet.shortlist = frozenset(_shortlist(request, booth.pot.pk))
    template = part if part and request.htmx else "ballots/vote.html"
    known = _known(request, booth)
    shown = {**known, "sheet": sheet, "form": form, "asks": rules.asks(booth.pot), **values}
    return _page(request, template, booth.pot, shown)


def _known(request: Request, booth: Booth) -> dict[str, Any]:
    return {
        "has_voted": booth.mine is not None,
        "voter": booth.voter,
        "may_adopt": _may_adopt(request, booth.pot, booth.voter),
    }


def _booth(request: Request, pot_id: int, voter: Voter | None) -> Booth | HttpResponse:
    """Return the booth of a voter who may vote now, or the page that says why they may not."""
    pot = _pot(request, pot_id)
    refused = rules.why_not_now(request.viewer, pot, voter)
    if refused and refused.code in ("closed", "coming"):
        return _closed(request, pot)
    if refused:
        return _page(request, "ballots/not_yours.html", pot, {"why_not": refused}, status=403)
    projects = projects_for(request.viewer, pot, holder=voter.name if voter else "")
    mine = _ballot_of(request, pot, voter)
    if mine is None and (otherwise := _voted_otherwise(request, pot, voter)):
        return _page(request, "ballots/not_yours.html", pot, {"why_not": otherwise}, status=403)
    return Booth(pot, BallotKind(pot.ballot_kind), projects, mine, voter)


def _closed(request: Request, pot: Pot) -> HttpResponse:
    sent = request.method == "POST"
    status = 409 if sent else 200
    return _page(request, "ballots/closed.html", pot, {"sent": sent}, status=status)


@require_safe
@never_cache
def receipt(request: Request, pot_id: int) -> HttpResponse:
    """Say that a vote is in, and show the voter what they chose while that can be found."""
    viewer, voter = request.viewer, _voter(request, pot_id)
    if voter is None and viewer.person is None:
        return redirect_to_login(request.get_full_path())
    pot = _pot(request, pot_id)
    mine = _ballot_of(request, pot, voter)
    way = queries.voted_by(viewer, pot) if voter is None else None
    voted = way is not None if voter is None else _entry(request, pot_id)["cast"]
    values = {
        "ballot": mine,
        "has_voted": mine is not None or voted,
        "otherwise": rules.words_of(way) if way not in (None, Channel.ONLINE) else "",
        "why_not": rules.why_not_now(viewer, pot, voter),
        "voter": voter,
        "may_adopt": mine is not None and _may_adopt(request, pot, voter),
    }
    if mine is not None and request.GET.get("as") == "text":
        return render(
            request,
            "ballots/receipt.txt",
            {"pot": pot, "ballot": mine},
            content_type="text/plain; charset=utf-8",
        )
    if mine is not None:
        projects = list(pot.projects.order_by("pk"))
        kind = BallotKind(pot.ballot_kind)
        values["sheet"] = Sheet(pot, projects, Written.of(mine, kind, ()))
    return _page(request, "ballots/receipt.html", pot, values)


# --- without an account


def _start(request: Request, pot_id: int) -> HttpResponse:
    """Say by what ways somebody who is not signed in can vote here."""
    pot = _pot(request, pot_id)
    if pot.state(request.viewer.at) != "open":
        return _closed(request, pot)
    has_codes = queries.has_codes(pot)
    if pot.reach == Reach.PLACE and not has_codes:
        return redirect_to_login(_onward(request, pot_id))
    begins = request.GET.get("start") == "shortlist"
    values = {"has_codes": has_codes, "begins": begins, "onward": _onward(request, pot_id)}
    return _page(request, "ballots/start.html", pot, values)


def _onward(request: Request, pot_id: int) -> str:
    """Return the address of the ballot, begun with the shortlist if that was asked for."""
    address = reverse("ballots:vote", args=[pot_id])
    asked = (request.GET.get("start"), request.POST.get("start"))
    return f"{address}?start=shortlist" if "shortlist" in asked else address


@require_POST
def guest(request: Request, pot_id: int) -> HttpResponse:
    """Begin a ballot without an account, where everyone may vote: one for this browser."""
    pot = _pot(request, pot_id)
    if pot.reach == Reach.EVERYONE and pot.is_open(request.viewer.at):
        held = request.session.setdefault("voting", {})
        if str(pot_id) not in held:
            held[str(pot_id)] = {"code": None, "holder": secrets.token_hex(16)}
            request.session.modified = True
            if request.viewer.person is None:
                request.session.cycle_key()  # who prepared this session sees nothing of what follows
    return redirect(_onward(request, pot_id))


@require_POST
@signed_in
def adopt(request: Request, pot_id: int) -> HttpResponse:
    """Put the ballot that was cast in this browser under the account of whoever has signed in.

    If somebody else cast it, it stays as it is, and the browser forgets it.
    """
    pot, voter = _pot(request, pot_id), _voter(request, pot_id)
    if voter is None:
        return redirect("ballots:receipt", pot_id)
    if request.POST.get("do") == "leave":
        _forget(request, pot_id)
        return redirect("ballots:vote", pot_id)
    viewer = replace(request.viewer, at=database_now())
    try:
        actions.adopt_ballot(viewer=viewer, pot_id=pot_id, voter=voter)
    except actions.PotClosed:
        return _page(request, "ballots/closed.html", pot, {"sent": True}, status=409)
    except actions.VotedAlready as error:
        words = _("%(voted)s The ballot of this browser stays as it is.")
        messages.error(request, words % {"voted": error})
    except PermissionDenied as denied:
        messages.error(request, str(denied))
    except actions.NothingToAdopt:
        _forget(request, pot_id)
    else:
        _forget(request, pot_id)
        messages.success(
            request, _("Your ballot is under your account now. Its receipt is the same.")
        )
    return redirect("ballots:receipt", pot_id)


@require_POST
def forget(request: Request, pot_id: int) -> HttpResponse:
    """Leave a ballot that was cast without an account, so that who comes next finds nothing of it."""
    pot = _pot(request, pot_id)
    if _entry(request, pot_id):
        _forget(request, pot_id)
        request.session.get("shortlist", {}).pop(str(pot_id), None)
        request.session.cycle_key()
        messages.success(
            request, _("This browser has forgotten your ballot. It stays in the box as it is.")
        )
    return redirect(pot)


def _entry(request: Request, pot_id: int) -> dict[str, Any]:
    """Return under what this browser votes without an account; registers may have written it."""
    held = request.session.get("voting", {}).get(str(pot_id))
    return {"cast": False, **held} if held else {}


def _voter(request: Request, pot_id: int) -> Voter | None:
    """Return who votes in this browser without an account.

    Whoever has signed in votes as themselves, unless they entered a code or have voted here before.
    """
    entry = _entry(request, pot_id)
    if not entry:
        return None
    if entry["code"] is not None:
        name = f"code:{entry['code']}:{entry['holder']}"
        return Voter(name, Channel.CODE, code_id=entry["code"])
    if request.viewer.person is not None and not entry["cast"]:
        return None
    return Voter(f"guest:{entry['holder']}", None)


def _remember(request: Request, pot_id: int) -> None:
    held = request.session["voting"][str(pot_id)]
    if not held.get("cast"):
        held["cast"] = True
        request.session.modified = True


def _forget(request: Request, pot_id: int) -> None:
    del request.session["voting"][str(pot_id)]
    request.session.modified = True


def _voted_otherwise(request: Request, pot: Pot, voter: Voter | None) -> rules.WhyNot | None:
    way = queries.voted_by(request.viewer, pot) if voter is None else None
    return rules.voted_otherwise(request.viewer, pot, way, voter)


def _may_adopt(request: Request, pot: Pot, voter: Voter | None) -> bool:
    """Tell whether a ballot cast without an account may come under that of whoever has signed in."""
    return voter is not None and rules.may_vote(request.viewer, pot)


def _ballot_of(request: Request, pot: Pot, voter: Voter | None) -> Ballot | None:
    if voter is None:
        return queries.ballot_of(request.viewer, pot)
    return queries.ballot_under(pot, voter.name)


# --- before voting


@require_safe
@never_cache
def compare(request: Request, pot_id: int) -> HttpResponse:
    """Show the ideas of this browser's shortlist side by side."""
    pot = _pot(request, pot_id)
    listed = queries.side_by_side(pot, _shortlist(request, pot_id))
    return _page(request, "ballots/compare.html", pot, {"listed": listed})


@require_POST
def shortlist(request: Request, pot_id: int) -> HttpResponse:
    """Put an idea on the shortlist of this browser, or take it off; nobody else learns of it."""
    pot = _pot(request, pot_id)
    step, _dash, name = request.POST.get("do", "").partition("-")
    number = number_in(name)
    if number is None or not pot.projects.filter(pk=number).exists():
        raise Http404
    kept = [other for other in _shortlist(request, pot_id) if other != number]
    if step == "add":
        kept = [*kept[: MOST_ON_A_SHORTLIST - 1], number]
    request.session["shortlist"] = {**request.session.get("shortlist", {}), str(pot_id): kept}
    onward = request.POST.get("next", "")
    if not url_has_allowed_host_and_scheme(onward, allowed_hosts={request.get_host()}):
        onward = reverse("ballots:compare", args=[pot_id])
    return redirect(f"{onward}#listed-{number}")


def _shortlist(request: Request, pot_id: int) -> list[int]:
    kept: list[int] = request.session.get("shortlist", {}).get(str(pot_id), [])
    return kept


# --- shared


def _pot(request: Request, pot_id: int) -> Pot:
    return the_one(numbered(request.viewer, pot_id))


def _page(
    request: Request, template: str, pot: Pot, values: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    at = request.viewer.at
    known = {"nav": "money", "pot": pot, "state": pot.state(at), "at": at}
    return render(request, template, {**known, **values}, status=status)
