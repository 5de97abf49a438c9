"""The front page, the pages about the site itself, and what to say when something fails."""

import logging
import secrets
from urllib.parse import quote, urlencode

from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseServerError, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from commonweal.ground.journal import queries as journal
from commonweal.kit.doors import privileged
from commonweal.kit.request import Request

log = logging.getLogger(__name__)


@require_safe
def home(request: Request) -> HttpResponse:
    """Show what is open now, explain the loop, and tell what changed."""
    story = journal.story(request.viewer, limit=4)
    return render(request, "web/home.html", {"nav": "open", "story": story})


@require_safe
def how(request: Request) -> HttpResponse:
    """Explain how it all works."""
    return render(request, "web/how.html", {"nav": "how"})


@require_safe
def accessibility(request: Request) -> HttpResponse:
    """State how accessible the site is."""
    return render(request, "web/accessibility.html")


@require_safe
def privacy(request: Request) -> HttpResponse:
    """Say what is kept about a person, for how long, and how to have it or end it."""
    return render(request, "web/privacy.html")


@require_safe
def api_description(request: Request) -> HttpResponse:
    """Describe the API for people, with a form to try each operation."""
    from commonweal.web.api import api  # the API's views are not needed by any other page

    schema = api.get_openapi_schema(path_prefix="/api/")
    operations = [
        {"path": path, **operation}
        for path, methods in schema["paths"].items()
        for operation in methods.values()
    ]
    return render(request, "web/api.html", {"operations": operations, "schema": schema})


@require_safe
def try_api(request: Request) -> HttpResponse:
    """Turn the form of one operation into its address: path parameters are put in their place."""
    query = request.GET.copy()
    path = query.pop("path", [""])[-1]
    for name in [name for name in query if f"{{{name}}}" in path]:
        path = path.replace(f"{{{name}}}", quote(query.pop(name)[-1], safe=""))
    given = urlencode({name: value for name, value in query.items() if value})
    if not path.startswith("/api/") or "{" in path:
        return redirect("web:api")
    return redirect(f"{path}?{given}" if given else path)


@require_safe
@privileged
def desk(request: Request) -> HttpResponse:
    """Show what waits for someone with a role."""
    return render(request, "web/desk.html", {"nav": "desk"})


@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """Answer a machine that asks whether we are well: the database replies too."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"well": True})


@require_safe
def robots(request: HttpRequest) -> HttpResponse:
    """Tell crawlers what is not for them."""
    closed = "\n".join(f"Disallow: /{path}/" for path in ("account", "me", "desk", "records"))
    return HttpResponse(f"User-agent: *\n{closed}\n", content_type="text/plain")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Say that a request made no sense."""
    words = _("Something in that address or form was broken. Go back and try once more.")
    return _sorry(request, _("We could not read that"), words, 400)


def forbidden(request: HttpRequest, exception: PermissionDenied) -> HttpResponse:
    """Say who may, and how to become one."""
    words = str(exception) or _("This page is for the people who work on this.")
    return _sorry(request, _("This is not open to you"), words, 403)


def not_found(request: HttpRequest, exception: Http404) -> HttpResponse:
    """Say that nothing is here."""
    if request.path.startswith("/api/"):
        mend = _("Take the address from the description at /api/.")
        return JsonResponse({"wrong": _("Nothing is here"), "mend": mend}, status=404)
    words = _("The address may be old, or the page is not public. Start again from what is open.")
    return _sorry(request, _("Nothing is here"), words, 404)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Explain a form that came back without its protection."""
    words = _("For your safety we did not save that. Go back, reload the page and send it again.")
    return _sorry(request, _("Send that once more"), words, 403)


def failed(request: HttpRequest) -> HttpResponse:
    """Own up to a failure of ours, with a number to quote; needs neither database nor session."""
    number = secrets.token_hex(4)
    log.error("failure %s at %s", number, request.path)
    return HttpResponseServerError(render_to_string("cw/failed.html", {"number": number}))


def _sorry(request: HttpRequest, title: str, words: str, status: int) -> HttpResponse:
    if not hasattr(request, "viewer"):  # refused before anybody could be told apart
        return render(request, "cw/plain.html", {"title": title, "words": words}, status=status)
    return render(request, "cw/message.html", {"title": title, "words": words}, status=status)
