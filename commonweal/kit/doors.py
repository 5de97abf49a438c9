"""Who may open a page at all. What they may do behind it is each app's ``rules``."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar, cast
from urllib.parse import urlencode, urlsplit, urlunsplit

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from commonweal.kit.request import Request

P = ParamSpec("P")
Row = TypeVar("Row")
View = Callable[Concatenate[Request, P], HttpResponse]
Door = Callable[Concatenate[HttpRequest, P], HttpResponse]


def the_one(rows: list[Row]) -> Row:
    """Return the only row that a query found for this viewer, or answer that nothing is here."""
    if not rows:
        raise Http404
    return rows[0]


def signed_in(view: View[P]) -> Door[P]:
    """Ask for a sign-in first, and come back here after it."""

    @wraps(view)
    def door(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        request = cast(Request, request)
        if request.viewer.person is None:
            return redirect_to_login(_way_back(request))
        return view(request, *args, **kwargs)

    return door


def privileged(view: View[P]) -> Door[P]:
    """Open only to people with a role here, and only after their second factor in this session."""

    @wraps(view)
    @signed_in
    def door(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        request = cast(Request, request)
        if not request.viewer.is_privileged:
            raise PermissionDenied(
                _(
                    "This page is for people with a role here, like clerks and moderators."
                    " An administrator gives out the roles."
                )
            )
        if not request.viewer.has_second_factor:
            where = urlencode({"next": request.get_full_path()})
            return redirect(f"{reverse('people:second_factor')}?{where}")
        return view(request, *args, **kwargs)

    return door


def _way_back(request: HttpRequest) -> str:
    """Return where to come back to after signing in: this page, or the one whose form was sent."""
    if request.method in ("GET", "HEAD"):
        return request.get_full_path()
    stood_on = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(stood_on, allowed_hosts={request.get_host()}):
        return "/"
    parts = urlsplit(stood_on)
    return urlunsplit(("", "", parts.path or "/", parts.query, ""))
