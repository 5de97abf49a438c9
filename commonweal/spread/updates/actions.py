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
from commonweal.spread.updates.models import Because, Digest, Follow, Notice, Pace

SALT = "updates.mail"
LOOK_BACK = timedelta(days=30)
ITEMS = 3
SOME = 2_000  # people of a wave in one transaction
OPEN = """
INSERT INTO updates_wave (entry_id, reached)
SELECT e.id, 0 FROM journal_entry e
WHERE e.is_public AND e.what = ANY(%s) AND e.at > %s AND e.at <= %s
  AND NOT EXISTS (SELECT 1 FROM updates_wave w WHERE w.entry_id = e.id)
ON CONFLICT DO NOTHING
"""
# The next people in their order, whyever it concerns them: as many of each as are taken of all, so
# that nobody is left out, and no more than that is ever read, however many follow or voted.
NOTE = """
WITH concerned AS (
    (SELECT person_id, 1 AS why, id AS follow_id FROM updates_follow
      WHERE challenge_id = %(challenge)s AND since <= %(at)s AND person_id > %(reached)s
      ORDER BY person_id LIMIT %(some)s)
    UNION ALL
    (SELECT person_id, 2, NULL FROM ballots_roll
      WHERE pot_id = %(pot)s AND person_id > %(reached)s ORDER BY person_id LIMIT %(some)s)
    UNION ALL
    (SELECT person_id, 3, NULL FROM proposals_signature
      WHERE proposal_id = %(idea)s AND person_id > %(reached)s ORDER BY person_id LIMIT %(some)s)
    UNION ALL
    (SELECT person_id, 4, NULL FROM conversations_participant
      WHERE conversation_id = %(asked)s AND person_id > %(reached)s
      ORDER BY person_id LIMIT %(some)s)
    UNION ALL
    (SELECT DISTINCT who.person_id, 5, NULL::bigint FROM origins_origin o
       JOIN conversations_statement s ON s.id = o.statement_id
       JOIN conversations_participant who ON who.id = s.author_id
      WHERE (o.proposal_id = %(idea)s OR o.proposal_id IN (
             SELECT joining_id FROM proposals_merge WHERE lead_id = %(idea)s AND state = 'merged'))
        AND s.state IN ('shown', 'merged')
        AND who.person_id > %(reached)s
      ORDER BY who.person_id LIMIT %(some)s)
), taken AS (
    SELECT DISTINCT ON (person_id) person_id, why, follow_id FROM concerned
    ORDER BY person_id, why LIMIT %(some)s
), noted AS (
    INSERT INTO updates_notice (person_id, entry_id, follow_id, because)
    SELECT t.person_id, %(entry)s, t.follow_id,
           (ARRAY['follows', 'voted', 'signed', 'took', 'said'])[t.why]
    FROM taken t
    JOIN people_person p ON p.id = t.person_id
    LEFT JOIN updates_digest d ON d.person_id = t.person_id
    WHERE p.is_active AND p.email IS NOT NULL AND t.person_id IS DISTINCT FROM %(who)s
      AND (t.why = 1 OR COALESCE(d.hears_of_votes, TRUE))
    ON CONFLICT DO NOTHING RETURNING 1
)
SELECT (SELECT count(*) FROM noted), (SELECT count(*) FROM taken),
       (SELECT max(person_id) FROM taken)
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
    number = holder(token=token)
    Follow.objects.filter(person_id=number).delete()
    _hear_of_votes(number, False)


@transaction.atomic
def hear_of_votes(*, viewer: Viewer, hears: bool) -> None:
    """Say whether to be told what becomes of the pots one voted in and the ideas one signed."""
    if viewer.person is None:
        raise PermissionDenied(_("Sign in to choose what we write about."))
    _hear_of_votes(viewer.person.pk, hears)


def _hear_of_votes(number: int, hears: bool) -> None:
    Digest.objects.update_or_create(person_id=number, defaults={"hears_of_votes": hears})
    if not hears:
        waiting = Notice.objects.filter(person=number, sent_at__isnull=True)
        waiting.exclude(because=Because.FOLLOWS).delete()


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
    Notice.objects.filter(person=person).delete()
    Follow.objects.filter(person=person).delete()
    Digest.objects.filter(person=person).delete()


def note_news(*, at: datetime) -> int:
    """Write a notice for everybody whom it concerns that something moved on; return of how many.

    An entry that is noted is not looked at again, and one that commits late has its turn later.
    Some people at a time, each in a transaction of its own: killed, the next run goes on from there.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(OPEN, [journal.followed_events(), at - LOOK_BACK, at])
    noted = 0
    for number in list(queries.waves_to_finish()):
        while (more := _note_some(number, at)) is not None:
            noted += more
    return noted


@transaction.atomic
def _note_some(number: int, at: datetime) -> int | None:
    """Note a wave for the next people; nothing when it is done, or somebody else is at it."""
    wave = queries.wave_held(number)
    if wave is None:
        return None
    entry, told = wave.entry, queries.deliveries_told_of([wave.entry]).get(wave.entry_id)
    asked = queries.conversations_told_of([entry]).get(entry.pk)
    values = {
        "entry": entry.pk,
        "who": entry.who_id,
        "at": entry.at,
        "challenge": entry.challenge_id,
        "pot": told.project.pot_id if told else None,
        "idea": told.project.proposal_id if told else None,
        "asked": asked.pk if asked else None,
        "reached": wave.reached,
        "some": SOME,
    }
    with connection.cursor() as cursor:
        cursor.execute(NOTE, values)
        noted, taken, last = cursor.fetchone()
    wave.reached = last or wave.reached
    wave.done_at = at if taken < SOME else None
    wave.save(update_fields=["reached", "done_at"])
    return int(noted)


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
    authority = notices[0].entry.authority
    assert authority is not None, "what is followed belongs to an authority"
    viewer = Viewer(authority, None, at)
    told = journal.lines(viewer, [notice.entry for notice in notices])
    lines = [line for line in told if line.href]
    if not lines:
        return False
    shown = {line.entry.pk for line in lines}
    whys = _whys([notice for notice in notices if notice.entry_id in shown])
    _letter(person, authority, lines, at, whys=whys, newest=notices[0].entry_id).send()
    return True


def _whys(notices: Sequence[Notice]) -> list[str]:
    """Say why this person is told: that they follow, voted or signed, and never what they chose."""
    entries = [notice.entry for notice in notices]
    told, asked = queries.deliveries_told_of(entries), queries.conversations_told_of(entries)
    words = {
        Because.FOLLOWS: _("You get this because you follow “%(title)s”."),
        Because.VOTED: _(
            "You get this because you voted in “%(title)s”. Everybody who did gets the same mail:"
            " it knows nothing of what you chose."
        ),
        Because.SIGNED: _("You get this because you signed the idea of “%(title)s”."),
        Because.TOOK_PART: _(
            "You get this because you took part in “%(title)s”. Everybody who did gets the same mail:"
            " it knows nothing of what you said."
        ),
        Because.SAID: _(
            "You get this because the idea of “%(title)s” came of something you said. Nobody else"
            " learns that it was you."
        ),
    }
    found = set()
    for notice in notices:
        because, title = Because(notice.because), str(notice.entry.challenge)
        if because is Because.TOOK_PART:
            title = asked[notice.entry_id].question
        elif because is not Because.FOLLOWS:
            project = told[notice.entry_id].project
            title = project.pot.title if because is Because.VOTED else project.title
        found.add(words[because] % {"title": title})
    return sorted(found)


def _letter(
    person: Person,
    authority: Authority,
    lines: list[Line],
    at: datetime,
    *,
    whys: list[str],
    newest: int,
) -> EmailMultiAlternatives:
    address = site_of(authority)
    choose = address + reverse("updates:mail", args=[token_for(person=person)])
    asked = queries.conversations_told_of([line.entry for line in lines])
    titles = sorted({str(asked.get(line.entry.pk) or line.entry.challenge) for line in lines})
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
        "whys": whys,
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
