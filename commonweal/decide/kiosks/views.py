"""Pages of kiosks: those that staff see, and those on which people vote."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from commonweal.decide.ballots import actions as voting
from commonweal.decide.ballots.forms import BallotForm, Sheet, Written
from commonweal.decide.budgets.models import BallotKind, Pot, Reach
from commonweal.decide.budgets.queries import numbered, projects_for
from commonweal.decide.kiosks import actions, queries
from commonweal.decide.kiosks.forms import BeginForm, DeviceForm, SecretForm
from commonweal.decide.kiosks.models import Device
from commonweal.decide.paper import rules
from commonweal.decide.paper.forms import WhoForm
from commonweal.decide.paper.queries import (
    NobodyFound,
    Somebody,
    somebody_from,
    wrong_with_choice,
)
from commonweal.kit.clock import database_now
from commonweal.kit.doors import privileged, the_one
from commonweal.kit.request import Request

# --- for staff


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
@never_cache
def devices(request: Request, pot_id: int) -> HttpResponse:
    """Show the kiosks of a pot, and approve another; its secret is shown this once."""
    pot = _pot_to_run(request, pot_id)
    form, secret, made = DeviceForm(request.POST or None), "", None
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            made, secret = actions.approve_device(
                viewer=request.viewer,
                pot_id=pot_id,
                place=given["place"],
                expires_at=request.viewer.at + timedelta(days=given["days"]),
            )
        except actions.PotIsOver:
            form.add_error(None, _("Voting is closed: no kiosk is needed any more."))
    found = queries.devices(request.viewer, pot)[:100]
    values = {
        "form": DeviceForm() if secret else form,
        "rows": [
            (device, device.works(request.viewer.at), min(device.expires_at, pot.closes_at))
            for device in found
        ],
        "made": made,
        "secret": secret,
        "open_at": request.build_absolute_uri(reverse("kiosks:open")),
        "may_approve": request.viewer.at < pot.closes_at,
    }
    return _desk_page(request, "kiosks/devices.html", pot, values)


@require_POST
@privileged
def revoke(request: Request, device_id: int) -> HttpResponse:
    """Let nobody vote at a kiosk any more."""
    device = get_object_or_404(Device, pk=device_id, authority=request.viewer.authority)
    actions.revoke_device(viewer=request.viewer, device_id=device.pk)
    return redirect("kiosks:devices", device.pot_id)


@require_http_methods(["GET", "HEAD", "POST"])
@privileged
@never_cache
def let_in(request: Request, pot_id: int) -> HttpResponse:
    """Give somebody whom staff have looked at a short code for a kiosk."""
    pot = _pot_to_run(request, pot_id)
    if pot.state(request.viewer.at) != "open":
        return _desk_page(request, "paper/not_open.html", pot, {})
    form, code = WhoForm(request.POST or None, viewer=request.viewer, pot=pot), ""
    if request.method == "POST" and form.is_valid():
        somebody = form.found()
        if somebody is not None:
            code = actions.let_in(viewer=request.viewer, pot_id=pot_id, somebody=somebody)
            form = WhoForm(None, viewer=request.viewer, pot=pot)
    values = {"form": form, "code": code, "has_register": bool(form.parts)}
    return _desk_page(request, "kiosks/let_in.html", pot, values)


def _pot_to_run(request: Request, pot_id: int) -> Pot:
    pot = the_one(numbered(request.viewer, pot_id))
    if not rules.may_bring_in(request.viewer, pot):
        raise PermissionDenied(_("Only a clerk, or those who lead this challenge, may do this."))
    return pot


def _desk_page(request: Request, template: str, pot: Pot, values: dict[str, Any]) -> HttpResponse:
    at = request.viewer.at
    known = {"nav": "desk", "pot": pot, "state": pot.state(at), "at": at}
    return render(request, template, {**known, **values})


# --- for those who vote

HELD = "kiosk"  # in the session: which device this is, and who stands before it now
FORGETS = 10 * 60  # seconds after which a page of a kiosk goes back to its start by itself
SHOWS_RECEIPT = 60


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_post_parameters("secret")
def open_kiosk(request: Request) -> HttpResponse:
    """Turn this machine into a kiosk; whoever was signed in here is signed out."""
    form = SecretForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        secret = form.cleaned_data["secret"]
        device = queries.device_with(request.viewer, secret, database_now())
        if device is not None:
            request.session.flush()
            request.session[HELD] = {"device": device.pk}
            return redirect("kiosks:kiosk")
        words = _("No kiosk that works now has this secret. Staff can approve it again.")
        form.add_error("secret", words)
    return render(request, "kiosks/open.html", {"form": form})


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sensitive_post_parameters("code")
def kiosk(request: Request) -> HttpResponse:
    """Forget whoever stood here before, and let the next person begin."""
    device = _device(request)
    if device is None:
        return redirect("kiosks:open")
    _forget(request)
    form = BeginForm(request.POST or None)
    if not device.pot.is_open(database_now()):
        return _page(request, "kiosks/closed.html", device, {})
    for_everyone = device.pot.reach == Reach.EVERYONE
    if request.method == "POST":
        is_guest = for_everyone and "guest" in request.POST
        somebody = Somebody() if is_guest else _let_begin(request, device, form)
        if somebody is not None:
            _note_who_stands_here(request, somebody)
            return redirect("kiosks:vote")
    return _page(request, "kiosks/start.html", device, {"form": form, "for_everyone": for_everyone})


def _let_begin(request: Request, device: Device, form: BeginForm) -> Somebody | None:
    """Return who begins with the code that was typed, or say on the form what is wrong."""
    if not form.is_valid():
        return None
    if queries.is_tried_too_often(device):
        form.add_error("code", _("Too many codes were mistyped here. Ask at the desk."))
        return None
    viewer = replace(request.viewer, person=None, at=database_now())
    try:
        return actions.begin(viewer=viewer, device=device, code=form.cleaned_data["code"])
    except NobodyFound as nobody:
        actions.count_try(device=device)
        form.add_error("code", str(nobody))
    except voting.VotedAlready as voted:
        form.add_error("code", str(voted))
    return None


def _note_who_stands_here(request: Request, somebody: Somebody) -> None:
    """Keep for minutes who votes here.

    The pages carry ``turn``, so that no form of the last person can be sent as the next one's;
    ``name`` is what their ballot lies under, and no page shows it.
    """
    request.session[HELD] |= {
        "voter": somebody.facts,
        "since": database_now().timestamp(),
        "turn": secrets.token_hex(8),
        "name": secrets.token_hex(16),
    }
    request.session.modified = True


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def vote(request: Request) -> HttpResponse:
    """Let the person who stands here choose, check and cast; then forget them."""
    device = _device(request)
    if device is not None and request.session[HELD].get("receipt"):
        return redirect("kiosks:done")  # the button was pressed twice
    somebody = _who_stands_here(request)
    if device is None or somebody is None:
        return redirect("kiosks:kiosk")
    pot, kind, turn = device.pot, BallotKind(device.pot.ballot_kind), _held(request)["turn"]
    projects = projects_for(replace(request.viewer, person=None), pot, holder=turn)
    if request.method != "POST" or request.POST.get("turn") != turn:
        return _ballot(request, device, Sheet(pot, projects, Written({})), None)
    form, step = BallotForm(request.POST, kind=kind), request.POST.get("do", "check")
    if form.is_valid():
        wrong = wrong_with_choice(pot, form.cleaned_data["marks"])
        if wrong is not None:
            form.refuse(wrong)
        elif step == "cast":
            answer = _cast(request, device, somebody, form)
            if answer is not None:
                return answer
    changes = step == "change"
    sheet = Sheet(
        pot,
        projects,
        Written.on(request.POST, kind),
        mistakes=None if changes else form.beside(),
        nothing=form.says_nothing,
    )
    if form.errors or changes:
        return _ballot(request, device, sheet, None if changes else form)
    fields = Written({n: str(m) for n, m in sheet.marks.items()}).fields(kind)
    values = {"sheet": sheet, "fields": fields, "turn": turn}
    return _page(request, "kiosks/check.html", device, values)


def _ballot(
    request: Request, device: Device, sheet: Sheet, form: BallotForm | None
) -> HttpResponse:
    values = {
        "sheet": sheet,
        "blocks": _blocks(sheet),
        "form": form,
        "how": rules.how_to_fill(device.pot),
        "turn": _held(request)["turn"],
    }
    return _page(request, "kiosks/ballot.html", device, values)


def _blocks(sheet: Sheet) -> list[tuple[str, list[Any]]]:
    """Return all ideas in blocks, those of which only one can win together."""
    groups = {line.project.exclusive for line in sheet.lines if sheet.group_of(line.project)}
    alone = [line for line in sheet.lines if line.project.exclusive not in groups]
    blocks = [("", alone)] if alone else []
    for name in sorted(groups):
        blocks.append((name, [line for line in sheet.lines if line.project.exclusive == name]))
    return blocks


def _cast(
    request: Request, device: Device, somebody: Somebody, form: BallotForm
) -> HttpResponse | None:
    """Cast what was chosen and forget who chose it; on a refusal say so on the form."""
    try:
        ballot = actions.cast_here(
            viewer=replace(request.viewer, person=None, at=database_now()),
            device=device,
            turn=_held(request)["name"],
            somebody=somebody,
            choice=form.cleaned_data["marks"],
        )
    except (voting.VotedAlready, PermissionDenied) as refused:
        form.add_error(None, str(refused))
        return None
    except actions.TurnIsOver:
        form.add_error(None, _("Your ballot is in the box. It cannot be changed here."))
        return None
    except voting.PotClosed:
        _forget(request)
        return _page(request, "kiosks/closed.html", device, {"sent": True}, status=409)
    _forget(request)
    request.session[HELD]["receipt"] = ballot.code
    request.session.modified = True
    return redirect("kiosks:done")


@require_safe
@never_cache
def done(request: Request) -> HttpResponse:
    """Show the receipt once, and go back to the start by itself."""
    device, code = _device(request), _held(request).get("receipt", "")
    if device is None or not code:
        return redirect("kiosks:kiosk")
    _forget(request)
    return _page(request, "kiosks/done.html", device, {"code": code}, forgets=SHOWS_RECEIPT)


# --- what a kiosk knows


def _held(request: Request) -> dict[str, Any]:
    held: dict[str, Any] = request.session.get(HELD, {})
    return held


def _device(request: Request) -> Device | None:
    number = _held(request).get("device")
    if number is None:
        return None
    return queries.device_numbered(request.viewer, number, database_now())


def _who_stands_here(request: Request) -> Somebody | None:
    """Return who began at this kiosk, unless they left it alone too long."""
    held, now = _held(request), database_now().timestamp()
    if held.get("voter") is None or now - held["since"] > FORGETS:
        return None
    held["since"] = now
    request.session.modified = True
    return somebody_from(request.viewer, held["voter"])


def _forget(request: Request) -> None:
    """Keep of this session which device it is, and nothing else.

    It stays the same session: a second press that is still under way must find the kiosk.
    """
    held = {"device": request.session[HELD]["device"]}
    for name in set(request.session.keys()) - {HELD}:
        del request.session[name]
    if request.session[HELD] != held:
        request.session[HELD] = held


def _page(
    request: Request,
    template: str,
    device: Device,
    values: dict[str, Any],
    *,
    status: int = 200,
    forgets: int = FORGETS,
) -> HttpResponse:
    """Show a page of the kiosk, which goes back to the start by itself, also without script."""
    known = {"device": device, "pot": device.pot, "at": request.viewer.at}
    answer = render(request, template, {**known, **values}, status=status)
    answer["Refresh"] = f"{forgets}; url={reverse('kiosks:kiosk')}"
    if template == "kiosks/start.html":
        answer["Clear-Site-Data"] = '"cache"'
    return answer
