"""Following a challenge, and telling those who follow what happened."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.core.mail import EmailMultiAlternatives
from django.db import connection, transaction
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from commonweal.ground.challenges.models import Challenge
from commonweal.ground.journal import queries as journal
from commonweal.ground.journal.queries import Line
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority
from commonweal.ground.places.rules import Viewer
from commonweal.kit.mail import site_of
from commonweal.spread.updates import queries, rules
from commonweal.spread.updates.models import Digest, Follow, Notice, Pace

SALT = "updates.mail"
LOOK_BACK = timedelta(days=30)
ITEMS = 3
# Every entry is looked at again and again, so none is missed when two commit out of order.
NOTE = """
INSERT INTO updates_notice (follow_id, entry_id)
SELECT f.id, e.id
FROM journal_entry e
JOIN updates_follow f ON f.challenge_id = e.challenge_id
JOIN people_person p ON p.id = f.person_id
WHERE e.is_public AND e.what = ANY(%s) AND e.at > %s AND e.at <= %s AND e.at >= f.since
  AND p.is_active AND p.email IS NOT NULL AND e.who_id IS DISTINCT FROM f.person_id
ON CONFLICT DO NOTHING
"""


class StrangeToken(Exception):
    """The link is not one we wrote, or the person it was for has left."""


@transaction.atomic
def follow(*, viewer: Viewer, challenge: Challenge) -> Follow:
    """Ask to be told when a challenge moves on; twice is as once."""
    person = viewer.person
    if person is None or not rules.may_follow(viewer, challenge):
        raise PermissionDenied(_("Sign in to follow a challenge that is public."))
    made, _new = Follow.objects.get_or_create(
        person=person, challenge=challenge, defaults={"since": viewer.at}
    )
    return made


@transaction.atomic
def unfollow(*, viewer: Viewer, challenge: Challenge) -> None:
    """Ask no longer to be told; what was never followed stays so."""
    queries.followed(viewer).filter(challenge=challenge).delete()


@transaction.atomic
def change_pace(*, viewer: Viewer, pace: Pace) -> None:
    """Say how often at most to be told."""
    if viewer.person is None:
        raise PermissionDenied(_("Sign in to choose how often we write."))
    Digest.objects.update_or_create(person=viewer.person, defaults={"pace": pace})


@transaction.atomic
def slow_down(*, token: str, pace: Pace) -> None:
    """Write less often to whoever holds the link from a mail; no sign-in is needed for that."""
    Digest.objects.update_or_create(person_id=holder(token=token), defaults={"pace": pace})


@transaction.atomic
def stop(*, token: str) -> None:
    """Stop all such mail to whoever holds the link from one; twice is as once."""
    Follow.objects.filter(person_id=holder(token=token)).delete()


def token_for(*, person: Person) -> str:
    """Return the signed word by which a mail's links know whom they are for."""
    return signing.dumps(person.pk, salt=SALT)


def holder(*, token: str) -> int:
    """Return whose link this is. Raises ``StrangeToken``."""
    try:
        number: int = signing.loads(token, salt=SALT)
    except signing.BadSignature as error:
        raise StrangeToken from error
    if not Person.objects.filter(pk=number, is_active=True).exists():
        raise StrangeToken
    return number


def forget(person: Person, at: datetime) -> None:
    """Let go of what a person follows, and of their mails."""
    Follow.objects.filter(person=person).delete()
    Digest.objects.filter(person=person).delete()


@transaction.atomic
def note_news(*, at: datetime) -> int:
    """Write a notice for every follower of what moved on; what is noted already stays as it is."""
    with connection.cursor() as cursor:
        cursor.execute(NOTE, [journal.followed_events(), at - LOOK_BACK, at])
        noted: int = cursor.rowcount
    return noted


@transaction.atomic
def tell(*, person_id: int, at: datetime) -> bool:
    """Send one person one mail with all that waits, if it is time; tell whether a mail went out.

    The digest's row is held from before the mail until the notices are marked: who comes second
    leaves at once. If we die between sending and marking, the same mail goes out once more, under
    the same Message-ID.
    """
    person = queries.people_to_tell().filter(pk=person_id).first()
    if person is None:
        return False
    Digest.objects.get_or_create(person=person)
    held = Digest.objects.select_for_update(skip_locked=True).filter(person=person).first()
    if held is None or not held.is_due(at):
        return False
    notices = _of_one_authority(list(queries.unsent(person)))
    sent = _send_news(person, notices, at)
    Notice.objects.filter(pk__in=[notice.pk for notice in notices]).update(sent_at=at)
    if sent:
        held.last_sent_at = at
        held.save(update_fields=["last_sent_at"])
    return sent


def _of_one_authority(notices: list[Notice]) -> list[Notice]:
    """Keep the news of the authority that has the newest: each writes its own mail."""
    return [n for n in notices if n.entry.authority_id == notices[0].entry.authority_id]


def _send_news(person: Person, notices: Sequence[Notice], at: datetime) -> bool:
    """Send what may still be shown; nothing where all of it has been hidden since."""
    if not notices:
        return False
    authority = notices[0].follow.challenge.authority
    viewer = Viewer(authority, None, at)
    told = journal.lines(viewer, [notice.entry for notice in notices])
    lines = [line for line in told if line.href]
    if not lines:
        return False
    _letter(person, authority, lines, at, newest=notices[0].entry_id).send()
    return True


def _letter(
    person: Person, authority: Authority, lines: list[Line], at: datetime, *, newest: int
) -> EmailMultiAlternatives:
    address = site_of(authority)
    choose = address + reverse("updates:mail", args=[token_for(person=person)])
    titles = sorted({str(line.entry.challenge) for line in lines})
    one = titles[0] if len(titles) == 1 else authority.short_name
    subject = ngettext(
        "%(place)s: one thing that is new", "%(place)s: %(n)s things that are new", len(lines)
    ) % {"place": one, "n": len(lines)}
    subject = " ".join(subject.split())  # a header is one line, whatever a title holds
    context = {
        "authority": authority,
        "address": address,
        "at": at,
        "subject": subject,
        "lines": lines[:ITEMS],
        "rest": len(lines) - ITEMS if len(lines) > ITEMS else 0,
        "titles": titles,
        "choose": choose,
    }
    letter = EmailMultiAlternatives(
        subject,
        render_to_string("updates/mail.txt", context),
        settings.DEFAULT_FROM_EMAIL,
        [str(person.email)],
        reply_to=[authority.email] if authority.email else None,
        headers={
            "List-Unsubscribe": f"<{choose}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "Message-ID": _message_id(person, newest, address),
            "Auto-Submitted": "auto-generated",
        },
    )
    letter.attach_alternative(render_to_string("updates/mail.html", context), "text/html")
    return letter


def _message_id(person: Person, newest: int, address: str) -> str:
    """Return a number that the same mail keeps when it has to be sent again."""
    host = address.partition("//")[2].partition(":")[0]
    return f"<news-{person.pk}-{newest}@{host}>"
