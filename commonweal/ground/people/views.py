"""Pages about oneself."""

from __future__ import annotations

import json

from allauth.usersessions.models import UserSession
from django.contrib import messages
from django.contrib.auth import logout
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from commonweal.ground.people import actions, queries
from commonweal.ground.people.forms import EraseForm, NameForm, ProfileForm
from commonweal.ground.people.models import Person
from commonweal.kit import manifest
from commonweal.kit.doors import signed_in
from commonweal.kit.request import Request

WHERE_TO = "people_second_factor_next"


def _me(request: Request) -> Person:
    assert request.viewer.person is not None, "the door asked for a sign-in"
    return request.viewer.person


def _next(request: Request, otherwise: str = "") -> str:
    """Return where the person was going, if that is a page of this very site."""
    given = request.POST.get("next") or request.GET.get("next") or otherwise
    safe = url_has_allowed_host_and_scheme(
        given, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    # Without a slash, Django would look for a route of that name.
    return given if safe and given.startswith("/") else ""


@require_safe
@signed_in
def mine(request: Request) -> HttpResponse:
    """Greet someone and show their part in everything."""
    return render(request, "people/mine.html", {"nav": "mine"})


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def welcome(request: Request) -> HttpResponse:
    """Ask someone new what to call them; they may say nothing."""
    form = NameForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        context = {"nav": "mine", "form": form, "next": _next(request)}
        return render(request, "people/welcome.html", context)
    actions.change_profile(viewer=request.viewer, theme=_me(request).theme, **form.cleaned_data)
    return redirect(_next(request) or "people:mine")


@require_http_methods(["GET", "HEAD", "POST"])
@signed_in
def profile(request: Request) -> HttpResponse:
    """Change the name that others see and the colours."""
    me = _me(request)
    now = {"name": me.name, "theme": me.theme}
    form = ProfileForm(request.POST if request.method == "POST" else None, initial=now)
    if not form.is_valid():
        return render(request, "people/profile.html", {"nav": "mine", "form": form})
    actions.change_profile(viewer=request.viewer, **form.cleaned_data)
    messages.success(request, _("Saved."))
    return redirect("people:profile")


@require_safe
@never_cache
@signed_in
def devices(request: Request) -> HttpResponse:
    """List where this person is signed in."""
    if not UserSession.objects.filter(session_key=request.session.session_key).exists():
        UserSession.objects.create_from_request(request)
    context = {"nav": "mine", "devices": queries.devices(request.viewer)}
    return render(request, "people/devices.html", context)


@require_POST
@signed_in
def end_device(request: Request, pk: int) -> HttpResponse:
    """Sign one device out."""
    session = get_object_or_404(queries.device(request.viewer, pk))
    actions.end_session(viewer=request.viewer, session=session)
    messages.success(request, _("That device is signed out."))
    return redirect("people:devices")


@require_POST
@signed_in
def end_all_devices(request: Request) -> HttpResponse:
    """Sign out everywhere, here too."""
    actions.end_all_sessions(viewer=request.viewer)
    logout(request)
    messages.success(request, _("You are signed out everywhere."))
    return redirect("web:home")


@require_safe
@signed_in
def data(request: Request) -> HttpResponse:
    """Explain what is kept and hand it over."""
    context = {"nav": "mine", "kept": manifest.personal()}
    return render(request, "people/data.html", context)


@require_POST
@never_cache
@signed_in
def download(request: Request) -> HttpResponse:
    """Hand over everything that every app keeps about the person who asks, and nobody else."""
    me = _me(request)
    everything = {
        "made_at": request.viewer.at,
        "parts": [
            {"what": str(held.title), "rows": list(held.export(me))} for held in manifest.personal()
        ],
    }
    text = json.dumps(everything, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)
    file = HttpResponse(text, content_type="application/json; charset=utf-8")
    name = f"my-data-{request.viewer.at:%Y-%m-%d}.json"
    file["Content-Disposition"] = f'attachment; filename="{name}"'
    return file


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@signed_in
def erase(request: Request) -> HttpResponse:
    """Explain what leaving means, and let someone leave."""
    me = _me(request)
    form = EraseForm(request.POST if request.method == "POST" else None, person=me)
    if form.is_valid():
        try:
            actions.erase_person(viewer=request.viewer)
        except actions.LastAdministrator:
            form.add_error(None, _("Ask someone to become an administrator first, then leave."))
        else:
            logout(request)
            return redirect("people:erased")
    context = {
        "nav": "mine",
        "form": form,
        "kept": manifest.personal(),
        "held_back_by": queries.left_without_an_administrator(me),
    }
    return render(request, "people/erase.html", context)


@require_safe
def erased(request: Request) -> HttpResponse:
    """Say goodbye."""
    return render(request, "people/erased.html")


@require_safe
@never_cache
@signed_in
def second_factor(request: Request) -> HttpResponse:
    """Ask for the second step now, or explain how to set one up; then go on to ``next``."""
    going = _next(request, otherwise=request.session.get(WHERE_TO, ""))
    if request.viewer.has_second_factor:
        request.session.pop(WHERE_TO, None)
        return redirect(going or "mfa_index")
    if queries.has_second_factor(_me(request)):
        request.session.pop(WHERE_TO, None)
        where = queries.way_to_confirm(_me(request))
        return redirect(f"{where}?{urlencode({'next': going or request.path})}")
    if going:
        request.session[WHERE_TO] = going
    return render(request, "people/second_factor.html", {"nav": "mine"})
