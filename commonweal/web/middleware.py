"""Says of every request who looks, and from which authority's pages."""

from collections.abc import Callable
from typing import Any, cast

from allauth.account.internal.flows.login import get_authentication_records
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from commonweal.ground.places import queries
from commonweal.ground.places.rules import Viewer
from commonweal.kit.request import Request


class ViewerMiddleware:
    """Reads the clock once, and finds the authority by the address that was asked for."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Put the viewer on the request, or say that nobody answers at this address."""
        if request.path.startswith(settings.STATIC_URL):
            return self.get_response(request)
        authority = queries.authority_at(request.get_host())
        if authority is None:
            return render(request, "cw/nobody_here.html", status=404)
        person = None if isinstance(request.user, AnonymousUser) else request.user
        cast(Request, request).viewer = Viewer(
            authority=authority,
            person=person,
            at=timezone.now(),
            has_second_factor=person is not None and _used_second_factor(request),
            browser=request.COOKIES.get(settings.BROWSER_COOKIE_NAME, ""),
        )
        return self.get_response(request)


def _used_second_factor(request: HttpRequest) -> bool:
    """Tell whether this session was opened, or confirmed since, with a passkey or an app's code.

    The record belongs to one person: what an earlier person proved in this browser counts nothing.
    """
    records: list[dict[str, Any]] = get_authentication_records(request, request.user)
    return any(record.get("method") == "mfa" for record in records)
