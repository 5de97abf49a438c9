"""Mail to one person about something of theirs: a few sentences and one link."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string

if TYPE_CHECKING:
    from commonweal.ground.people.models import Person
    from commonweal.ground.places.models import Authority


def site_of(authority: Authority) -> str:
    """Return where an authority's pages are: no request says it in a mail."""
    named = [host for host in settings.ALLOWED_HOSTS if not host.startswith((".", "*"))]
    host = authority.host or (named[0] if named else "localhost")
    if settings.PRODUCTION:
        return f"https://{host}"
    return f"http://{host}:{os.environ.get('COMMONWEAL_PORT', '8000')}"


def letter(
    *,
    person: Person,
    authority: Authority,
    at: datetime,
    subject: str,
    lines: Sequence[str],
    href: str,
    link: str,
    why: str,
    key: str,
) -> EmailMultiAlternatives:
    """Return a mail that is ready to send, or raise ``ValueError`` for somebody without an address.

    ``href`` is a page of the site and ``link`` its words; ``why`` says why this person gets it.
    ``key`` names the mail: sent again after a crash it is the same mail to the reader's program.
    """
    if not person.email:
        raise ValueError("this person has no address")
    site = site_of(authority)
    subject = " ".join(subject.split())  # a header is one line, whatever a title holds
    context = {
        "authority": authority,
        "at": at,
        "subject": subject,
        "lines": lines,
        "href": f"{site}{href}",
        "link": link,
        "why": why,
    }
    host = site.partition("//")[2].partition(":")[0]
    mail = EmailMultiAlternatives(
        subject,
        render_to_string("cw/mail.txt", context),
        settings.DEFAULT_FROM_EMAIL,
        [person.email],
        reply_to=[authority.email] if authority.email else None,
        headers={"Message-ID": f"<{key}-{person.pk}@{host}>", "Auto-Submitted": "auto-generated"},
    )
    mail.attach_alternative(render_to_string("cw/mail.html", context), "text/html")
    return mail
