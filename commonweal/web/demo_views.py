"""Pages of the demo only: be an example person, read the mail that was sent.

The addresses exist only in demo mode (see ``urls``), which answers only on this machine.
"""

from datetime import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import NamedTuple

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import login, logout
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from commonweal.ground.people.models import Person
from commonweal.web.larkmere.people import EXAMPLES

BACKEND = "commonweal.web.sessions.Backend"
NEWEST = 60


class Letter(NamedTuple):
    """A mail that the demo sent, as its page shows it."""

    key: str
    at: datetime
    to: str
    subject: str
    text: str


def _back(request: HttpRequest) -> str:
    given = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(given, allowed_hosts={request.get_host()})
    return given if safe else "/"


@require_POST
def be(request: HttpRequest, key: str) -> HttpResponse:
    """Sign in as an example person, second factor and all; or be nobody again."""
    if key == "nobody":
        logout(request)
        return redirect(_back(request))
    if key not in {example.key for example in EXAMPLES}:
        raise Http404
    person = get_object_or_404(Person, email=f"{key}@larkmere.example", is_active=True)
    login(request, person, backend=BACKEND)
    now = timezone.now().timestamp()
    request.session["account_authentication_methods"] = [
        {"method": "code", "at": now, "email": person.email},
        {"method": "mfa", "at": now, "type": "totp"},
    ]
    request.session["account_authentication_methods_user"] = str(person.pk)
    UserSession.objects.create_from_request(request)
    messages.success(request, _("You are %(name)s now.") % {"name": person.name})
    return redirect(_back(request))


@require_safe
def mail(request: HttpRequest) -> HttpResponse:
    """List the mails that went out, the newest first."""
    return render(request, "web/demo_mail.html", {"letters": _letters()})


def _letters() -> list[Letter]:
    folder = Path(settings.MAILBOX) / "new"
    files = sorted(folder.glob("*.eml"), key=lambda file: file.stat().st_mtime_ns, reverse=True)
    return [_letter(file) for file in files[:NEWEST]]


def _letter(file: Path) -> Letter:
    parsed = message_from_bytes(file.read_bytes(), policy=policy.default)
    assert isinstance(parsed, EmailMessage)
    body = parsed.get_body(("plain", "html"))
    at = datetime.fromtimestamp(file.stat().st_mtime, tz=timezone.get_current_timezone())
    return Letter(
        key=file.stem,
        at=at,
        to=str(parsed["to"] or ""),
        subject=str(parsed["subject"] or ""),
        text=str(body.get_content()) if body else "",
    )
