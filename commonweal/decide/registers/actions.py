"""Uploading registers, finding oneself in one, and making, cancelling and sending voting codes."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from smtplib import SMTPRecipientsRefused
from typing import Any, NamedTuple, cast

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.core.mail import EmailMultiAlternatives, get_connection
from django.db import IntegrityError, connection, transaction
from django.db.models import Model, Q
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from psycopg import ClientCursor

from commonweal.decide.budgets.models import Pot
from commonweal.decide.registers import queries, rules
from commonweal.decide.registers.models import (
    BatchKind,
    Code,
    CodeBatch,
    Entry,
    Mail,
    Register,
    digests_of,
    new_sealed_key,
    opened,
)
from commonweal.ground.journal import actions as journal
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Community, Level, Membership
from commonweal.ground.places.rules import Viewer
from commonweal.kit.jobs import later
from commonweal.kit.mail import site_of

MOST_MISTAKES = 20
EXAMPLES = 3
REFUSED_FOR_GOOD = 500  # a mail server's word: from here on, asking again is no use


class Listed(NamedTuple):
    """One line of a list that staff upload: who, as the list writes it, and in which district."""

    line: int
    given: Mapping[str, str]
    area: str = ""


class Mistake(NamedTuple):
    """What is wrong with a line of a list."""

    line: int
    words: str


class WrongLines(Exception):
    """Some lines cannot be taken; nothing of the list was."""

    def __init__(self, mistakes: Sequence[Mistake], *, more: bool = False) -> None:
        super().__init__(f"{len(mistakes)} lines cannot be taken")
        self.mistakes, self.more = list(mistakes), more


class NobodyListed(Exception):
    """The list has no line but its head."""


class StillNeeded(Exception):
    """A ballot is running for which this register says who may vote."""


class NoMatch(Exception):
    """Nobody stands in the register like this, or somebody has been found there already."""


class MatchedAlready(Exception):
    """This person was found in a register before."""


class TooLate(Exception):
    """The pot is closed: no code would be of use any more."""


class CodeUsed(Exception):
    """Somebody has voted with this code, or as this person, already."""


class SomeVoted(Exception):
    """Some have voted with the letters made before, and nobody knows who: they could vote again."""


class NoSuchCode(Exception):
    """No code of this batch has that number, or it was cancelled before."""


class Reading(NamedTuple):
    """What a list holds, and what it changes: people in it, new, staying, gone, and some examples."""

    people: int
    new: int
    staying: int
    gone: int
    examples: list[Mapping[str, str]]


# --- registers


@transaction.atomic
def upload_register(
    *,
    viewer: Viewer,
    community: Community,
    title: str,
    parts: Sequence[str],
    delete_on: date,
    people: Iterable[Listed],
    twice_is_once: bool = False,
    only_try: bool = False,
) -> tuple[Register, Reading]:
    """Read a list of people and keep a keyed hash of each, or with ``only_try`` keep nothing.

    Raises ``WrongLines`` or ``NobodyListed``, and then keeps nothing either.
    """
    _may_keep(viewer, community)
    register = Register.objects.create(
        authority=viewer.authority,
        community=community,
        title=title,
        parts=list(parts),
        delete_on=delete_on,
        uploaded_at=viewer.at,
        uploaded_by=_who(viewer),
    )
    reading = _read_in(register, people, viewer.at, twice_is_once)
    if only_try:
        transaction.set_rollback(True)
    else:
        _record(viewer, "register.uploaded", register, count=reading.people)
    return register, reading


@transaction.atomic
def renew_register(
    *,
    viewer: Viewer,
    register_id: int,
    people: Iterable[Listed],
    twice_is_once: bool = False,
    only_try: bool = False,
    delete_on: date | None = None,
) -> Reading:
    """Take a newer list of the same people: who stays keeps their entry, and so their one vote.

    Who is gone is found in it no more; their code is cancelled unless they have voted with it.
    """
    register = _register_held(viewer, register_id)
    reading = _read_in(register, people, viewer.at, twice_is_once)
    if only_try:
        transaction.set_rollback(True)
        return reading
    register.uploaded_at, register.uploaded_by = viewer.at, _who(viewer)
    register.delete_on = delete_on or register.delete_on
    register.save(update_fields=["uploaded_at", "uploaded_by", "delete_on"])
    _give_anew(register, viewer.at)
    _record(viewer, "register.renewed", register, count=reading.people)
    return reading


@transaction.atomic
def delete_register(*, viewer: Viewer, register_id: int) -> None:
    """Destroy a register's key and its hashes. Raises ``StillNeeded`` while a ballot runs."""
    register = _register_held(viewer, register_id)
    if queries.pots_that_need(register.community_id, viewer.at).exists():
        raise StillNeeded
    _forget_register(register, viewer.at, who=viewer.person)


def _forget_register(register: Register, at: datetime, *, who: Person | None) -> None:
    """Empty every entry; the rows stay, nameless, where a roll points at them."""
    _let_go_of(register.entries.filter(person__isnull=False), register)
    register.entries.update(digest=None, place=None, gone_at=at)
    register.key, register.deleted_at = None, at
    register.save(update_fields=["key", "deleted_at"])
    journal.record(what="register.deleted", who=who, about=register, at=at, public=True)


_INCOMING = """
DROP TABLE IF EXISTS registers_incoming;
CREATE TEMPORARY TABLE registers_incoming (line integer, digest bytea, place_id bigint, code bytea)
    ON COMMIT DROP
"""
_TWICE = """
SELECT line, first FROM (
    SELECT line, min(line) OVER (PARTITION BY digest) AS first FROM registers_incoming
) AS seen WHERE line > first ORDER BY line LIMIT %s
"""
_ONCE = """
DELETE FROM registers_incoming twice USING registers_incoming once
 WHERE twice.digest = once.digest AND twice.line > once.line
"""
_NEW = """
INSERT INTO registers_entry (register_id, digest, place_id)
SELECT %(register)s, digest, place_id FROM registers_incoming
ON CONFLICT (register_id, digest) DO NOTHING
"""
_STAYING = """
UPDATE registers_entry entry SET gone_at = NULL, place_id = incoming.place_id
  FROM registers_incoming incoming
 WHERE entry.register_id = %(register)s AND entry.digest = incoming.digest
"""
_MOVED = """
SELECT entry.id FROM registers_entry entry
 WHERE entry.register_id = %(register)s AND entry.gone_at IS NULL AND entry.person_id IS NOT NULL
   AND NOT EXISTS (SELECT 1 FROM registers_incoming incoming WHERE incoming.digest = entry.digest)
"""
_GONE = """
UPDATE registers_entry entry SET gone_at = %(at)s
 WHERE entry.register_id = %(register)s AND entry.gone_at IS NULL
   AND NOT EXISTS (SELECT 1 FROM registers_incoming incoming WHERE incoming.digest = entry.digest)
"""
_GOING = """
SELECT count(*) FROM (
    SELECT code.id FROM registers_code code JOIN registers_entry entry ON entry.id = code.entry_id
     WHERE code.cancelled_at IS NULL AND entry.register_id = %(register)s AND entry.gone_at = %(at)s
     ORDER BY code.id FOR NO KEY UPDATE OF code) held
"""
_NO_CODE = """
UPDATE registers_code code SET cancelled_at = %(at)s
  FROM registers_entry entry
 WHERE code.entry_id = entry.id AND code.cancelled_at IS NULL
   AND entry.register_id = %(register)s AND entry.gone_at = %(at)s
   AND NOT EXISTS (SELECT 1 FROM ballots_roll WHERE voting_code_id = code.id)
"""


def _read_in(
    register: Register, people: Iterable[Listed], at: datetime, twice_is_once: bool
) -> Reading:
    examples: list[Mapping[str, str]] = []
    districts = _Districts(register.community)
    key, parts = opened(cast(bytes, register.key)), register.parts

    def row(person: Listed) -> tuple[Any, ...]:
        place = districts.called(person.area)
        if len(examples) < EXAMPLES:
            told = {part: rules.read(part, person.given[part]) for part in parts}
            examples.append({**told, "area": place.name if place else ""})
        found = rules.digest(key, parts, person.given)
        return person.line, found, place.pk if place else None, None

    lines = _take_in(people, row)
    if not lines:
        raise NobodyListed
    values: dict[str, Any] = {"register": register.pk, "at": at}
    with connection.cursor() as cursor:
        cursor.execute("CREATE INDEX ON registers_incoming (digest)")
        cursor.execute("ANALYZE registers_incoming")
        if twice_is_once:
            cursor.execute(_ONCE)
            lines -= cursor.rowcount
        _refuse_twice(cursor)
        cursor.execute(_STAYING, values)
        staying = cursor.rowcount
        cursor.execute(_NEW, values)
        new = cursor.rowcount
        cursor.execute(_MOVED, values)
        moved = [number for (number,) in cursor.fetchall()]
        _let_go_of(register.entries.filter(pk__in=moved), register)
        cursor.execute(_GONE, values)
        gone = cursor.rowcount
        cursor.execute(_GOING, values)  # waits for whoever votes with one just now
        cursor.execute(_NO_CODE, values)
    return Reading(lines, new, staying, gone, examples)


def _take_in(people: Iterable[Listed], row: Any) -> int:
    """Copy a list into a table of this transaction; raise ``WrongLines`` for what cannot be read."""
    mistakes: list[Mistake] = []
    lines = 0
    with connection.cursor() as wrapped:
        wrapped.execute(_INCOMING)
        cursor = cast("ClientCursor[Any]", wrapped.cursor)
        with cursor.copy("COPY registers_incoming FROM STDIN") as copy:
            for person in people:
                try:
                    copy.write_row(row(person))
                except rules.Unreadable as error:
                    mistakes.append(Mistake(person.line, str(error)))
                    if len(mistakes) == MOST_MISTAKES:
                        break
                lines += 1
    if mistakes:
        raise WrongLines(mistakes, more=len(mistakes) == MOST_MISTAKES)
    return lines


def _refuse_twice(cursor: Any) -> None:
    cursor.execute(_TWICE, [MOST_MISTAKES])
    twice = cursor.fetchall()
    if twice:
        words = _("This says the same as line %(line)s: the two could not be told apart.")
        found = [Mistake(line, words % {"line": first}) for line, first in twice]
        raise WrongLines(found, more=len(found) == MOST_MISTAKES)


class _Districts:
    """The communities that a list may name: the register's own and those inside it."""

    def __init__(self, top: Community) -> None:
        inside = Q(pk=top.pk) | Q(ancestors__contains=[top.pk])
        self.known: dict[str, Community] = {}
        for place in Community.objects.filter(inside, authority=top.authority_id).order_by("-pk"):
            self.known[rules.plain(place.name)] = self.known[place.slug] = place

    def called(self, text: str) -> Community | None:
        """Return the community of this name or short name; raise ``Unreadable`` for a strange one."""
        text = text.strip()
        if not text:
            return None
        found = self.known.get(text.lower()) or self.known.get(rules.plain(text))
        if found is None:
            words = _("No community inside this one is called %(name)s.")
            raise rules.Unreadable(words % {"name": text[:60]})
        return found


def _let_go_of(entries: Any, register: Register) -> None:
    """Undo what being found in a register gave people; what staff checked themselves stays."""
    _lower(list(entries.values_list("person_id", flat=True)), register)
    entries.update(person=None)


def _lower(people: list[int], register: Register) -> None:
    inside = Q(community=register.community_id) | Q(
        community__ancestors__contains=[register.community_id]
    )
    given = Membership.objects.filter(
        inside, person__in=people, level=Level.REGISTER, verified_by__isnull=True
    )
    given.update(level=Level.SELF_DECLARED, verified_at=None, expires_at=None)


# Who was found belongs where the newer list has them, for as long as it is kept.
_GIVE = """
INSERT INTO places_membership (person_id, community_id, level, joined_at, verified_at, expires_at)
SELECT person_id, coalesce(place_id, %(community)s), %(level)s, %(at)s, %(at)s, %(until)s
  FROM registers_entry WHERE register_id = %(register)s AND person_id IS NOT NULL
ON CONFLICT (person_id, community_id) DO UPDATE
   SET level = EXCLUDED.level, verified_at = EXCLUDED.verified_at, verified_by_id = NULL,
       expires_at = EXCLUDED.expires_at
 WHERE places_membership.level < EXCLUDED.level OR places_membership.expires_at <= %(at)s
"""


def _give_anew(register: Register, at: datetime) -> None:
    found = register.entries.filter(person__isnull=False)
    _lower(list(found.values_list("person_id", flat=True)), register)
    values: dict[str, Any] = {
        "register": register.pk,
        "community": register.community_id,
        "level": Level.REGISTER.value,
        "at": at,
        "until": _until(register),
    }
    with connection.cursor() as cursor:
        cursor.execute(_GIVE, values)


def _until(register: Register) -> datetime | None:
    """Return the last moment at which being found in a register holds."""
    if register.delete_on is None:
        return None
    return timezone.make_aware(datetime.combine(register.delete_on, time(23, 59, 59)))


# --- finding oneself


@transaction.atomic
def match(*, viewer: Viewer, register_id: int, given: Mapping[str, str]) -> Entry:
    """Find oneself in a register: one entry, one person. Makes us surer that they belong there.

    Raises ``MatchedAlready``, or ``NoMatch`` alike for somebody unknown and for a taken entry.
    """
    person = viewer.person
    if person is None or not person.is_active:
        raise PermissionDenied(_("Sign in first, so that we know who looks."))
    register = queries.registers(viewer).get(pk=register_id)
    found = rules.digest(opened(cast(bytes, register.key)), register.parts, given)
    free = register.entries.filter(digest=found, gone_at__isnull=True, person__isnull=True)
    mine = queries.own_entry(viewer)
    if mine is None:
        try:
            with transaction.atomic():
                free.update(person=person)
        except IntegrityError:
            pass  # a second post of the same person was quicker
        mine = queries.own_entry(viewer)
    if mine is None:
        raise NoMatch
    if mine.register_id != register.pk or bytes(mine.digest or b"") != found:
        raise MatchedAlready
    if _surer(viewer, queries.place_words(mine), register):
        _record(viewer, "register.matched", register, public=False)
    return mine


def _surer(viewer: Viewer, place: Community, register: Register) -> bool:
    """Raise the membership to this level, unless it is surer already; tell whether it changed."""
    given = {"level": Level.REGISTER, "verified_at": viewer.at, "expires_at": _until(register)}
    Membership.objects.get_or_create(
        person=viewer.person, community=place, defaults={"joined_at": viewer.at}
    )
    member = Membership.objects.select_for_update().get(person=viewer.person, community=place)
    if member.holds(Level.REGISTER, viewer.at):
        return False
    Membership.objects.filter(pk=member.pk).update(verified_by=None, **given)
    return True


@transaction.atomic
def release(*, viewer: Viewer, entry_id: int) -> None:
    """Undo a wrong match: the entry is free again, and the person is as sure as they say."""
    entry = queries.entry_at_desk(viewer, entry_id)
    if entry is None:
        raise PermissionDenied(_("Only a clerk or an administrator may release a match."))
    entry = (
        Entry.objects.select_for_update(of=("self",)).select_related("register").get(pk=entry.pk)
    )
    if entry.person_id is None:
        return
    person = entry.person_id
    _let_go_of(Entry.objects.filter(pk=entry.pk), entry.register)
    _record(viewer, "register.released", entry.register, public=False, person=person)


def let_go(person: Person, at: datetime) -> None:
    """Free the entry of somebody who leaves."""
    Entry.objects.filter(person=person).update(person=None)


# --- voting codes


@transaction.atomic
def make_sheets(*, viewer: Viewer, pot_id: int, key: bytes, count: int, replace: bool) -> CodeBatch:
    """Make codes for nobody in particular, numbered from 1; whoever holds the key can print them.

    ``replace``: the sheets made before, as far as nobody has used them, count no more.
    """
    pot = _pot(viewer, pot_id)
    if replace:
        _cancel(Code.objects.filter(pot=pot, batch__kind=BatchKind.SHEETS), viewer.at)
        pot.code_batches.filter(kind=BatchKind.SHEETS, cancelled_at__isnull=True).update(
            cancelled_at=viewer.at
        )
    batch = _batch(viewer, pot, BatchKind.SHEETS)
    with connection.cursor() as wrapped:
        cursor = cast("ClientCursor[Any]", wrapped.cursor)
        with cursor.copy(_COPY_CODES) as copy:
            for number in range(1, count + 1):
                said = code_digest(code=rules.code_from(key, number))
                copy.write_row((pot.authority_id, pot.pk, batch.pk, number, said))
    _record(viewer, "codes.made", pot, count=count)
    return batch


_COPY_CODES = "COPY registers_code (authority_id, pot_id, batch_id, number, digest) FROM STDIN"
_STRANGERS = """
SELECT line FROM registers_incoming incoming
 WHERE NOT EXISTS (SELECT 1 FROM registers_entry entry
                    WHERE entry.register_id = %(register)s AND entry.digest = incoming.digest
                      AND entry.gone_at IS NULL)
 ORDER BY line LIMIT %(most)s
"""
# Whoever was found in an entry may have voted with their account before that.
_VOTED = """
SELECT incoming.line FROM registers_incoming incoming
  JOIN registers_entry entry ON entry.register_id = %(register)s AND entry.digest = incoming.digest
 WHERE EXISTS (SELECT 1 FROM ballots_roll WHERE pot_id = %(pot)s AND entry_id = entry.id)
    OR EXISTS (SELECT 1 FROM ballots_roll WHERE pot_id = %(pot)s AND person_id = entry.person_id)
"""
_BIND = """
INSERT INTO registers_code (authority_id, pot_id, batch_id, number, digest, entry_id)
SELECT %(authority)s, %(pot)s, %(batch)s, incoming.line, incoming.code, entry.id
  FROM registers_incoming incoming
  LEFT JOIN registers_entry entry
         ON entry.register_id = %(register)s AND entry.digest = incoming.digest
 WHERE NOT EXISTS (SELECT 1 FROM ballots_roll WHERE pot_id = %(pot)s AND entry_id = entry.id)
   AND NOT EXISTS (SELECT 1 FROM ballots_roll WHERE pot_id = %(pot)s AND person_id = entry.person_id)
"""


@transaction.atomic
def make_letters(
    *,
    viewer: Viewer,
    pot_id: int,
    key: bytes,
    people: Iterable[Listed],
    register: Register | None,
) -> tuple[CodeBatch, frozenset[int]]:
    """Make a code for each line of a list, numbered like the line; return also who has voted already.

    With a register each code is bound to the person's entry there, so that nobody votes with a code
    and with an account too; who does not stand in it is a mistake. The letters made before count no
    more, as far as nobody has voted with them. Raises ``WrongLines``, ``NobodyListed``, or
    ``SomeVoted`` where a new letter could be somebody's second vote.
    """
    pot = _pot(viewer, pot_id)
    made_before = Code.objects.filter(pot=pot).filter(
        Q(entry__isnull=False) | Q(batch__kind=BatchKind.LETTERS)
    )
    hashed = opened(cast(bytes, register.key)) if register else b""
    parts = register.parts if register else []

    def row(person: Listed) -> tuple[Any, ...]:
        who = rules.digest(hashed, parts, person.given) if register else secrets.token_bytes(16)
        return person.line, who, None, code_digest(code=rules.code_from(key, person.line))

    if not _take_in(people, row):
        raise NobodyListed
    batch = _batch(viewer, pot, BatchKind.LETTERS, register=register)
    values = {
        "register": register.pk if register else None,
        "authority": pot.authority_id,
        "pot": pot.pk,
        "batch": batch.pk,
        "most": MOST_MISTAKES,
    }
    with connection.cursor() as cursor:
        if register:
            _refuse_twice(cursor)
            _refuse_strangers(cursor, values)
        cursor.execute(_VOTED, values)
        voted = frozenset(line for (line,) in cursor.fetchall())
        _cancel(made_before, viewer.at)
        _refuse_second_letters(made_before.exclude(batch=batch), register)
        earlier = pot.code_batches.filter(kind=BatchKind.LETTERS, cancelled_at__isnull=True)
        earlier.exclude(pk=batch.pk).update(cancelled_at=viewer.at)
        cursor.execute(_BIND, values)
        count = cursor.rowcount
    _record(viewer, "codes.made", pot, count=count)
    return batch, voted


def _refuse_second_letters(made_before: Any, register: Register | None) -> None:
    """Refuse letters where somebody has voted with one, and nothing says whom to leave out."""
    loose = made_before if register is None else made_before.filter(entry__isnull=True)
    if loose.exclude(pk__in=queries.unused(loose).values("pk")).exists():
        raise SomeVoted


def _refuse_strangers(cursor: Any, values: Mapping[str, Any]) -> None:
    cursor.execute(_STRANGERS, values)
    strangers = [
        Mistake(line, _("This person does not stand in the register.")) for (line,) in cursor
    ]
    if strangers:
        raise WrongLines(strangers, more=len(strangers) == MOST_MISTAKES)


@transaction.atomic
def make_mails(
    *, viewer: Viewer, pot_id: int, addresses: Iterable[tuple[int, str]]
) -> tuple[int, int]:
    """Queue a mail with a code to each address; return how many, and how many have one already."""
    pot = _pot(viewer, pot_id)
    batch = _batch(viewer, pot, BatchKind.MAIL, key=new_sealed_key())
    asked = added = 0
    for some in _in_hundreds(addresses):
        asked += len(some)
        rows = [
            Mail(
                batch=batch,
                pot=pot,
                number=number,
                address=email,
                digest=digest_of_address(pot=pot, email=email),
            )
            for number, email in some
        ]
        again = Mail.objects.filter(pot=pot, digest__in=[row.digest for row in rows])
        again.filter(refused_at__isnull=False).delete()  # no server took it: try once more
        before = Mail.objects.filter(batch=batch).count()
        Mail.objects.bulk_create(rows, ignore_conflicts=True)
        added += Mail.objects.filter(batch=batch).count() - before
    if not asked:
        raise NobodyListed
    if added:
        _record(viewer, "codes.made", pot, count=added)
        send_later(batch=batch)
    else:
        batch.delete()
    return added, asked - added


def send_later(*, batch: CodeBatch) -> None:
    """Queue the mails of a batch that have not gone out."""
    name = f"registers.post.{batch.pk}"
    later("registers.post", lock=name, once=name, batch_id=batch.pk)


def digest_of_address(*, pot: Pot, email: str) -> bytes:
    """Return what is kept of an address: a hash for this pot alone."""
    return hmac.digest(digests_of(f"mail:{pot.pk}")[0], email.casefold().encode(), "sha256")


def code_digest(*, code: str) -> bytes:
    """Return what is kept of a code."""
    return digests_of(f"code:{code}")[0]


@transaction.atomic
def cancel_batch(*, viewer: Viewer, pot_id: int, batch_id: int) -> int:
    """Cancel every code of a batch that nobody has voted with; return how many."""
    pot = _pot(viewer, pot_id, also_late=True)
    batch = pot.code_batches.select_for_update().get(pk=batch_id)
    count = _cancel(Code.objects.filter(batch=batch), viewer.at)
    CodeBatch.objects.filter(pk=batch.pk).update(cancelled_at=viewer.at, key=None)
    Mail.objects.filter(batch=batch, sent_at__isnull=True).delete()
    _record(viewer, "codes.cancelled", pot, count=count)
    return count


@transaction.atomic
def cancel_code(*, viewer: Viewer, pot_id: int, batch_id: int, number: int) -> Code:
    """Cancel the code with this number. Raises ``NoSuchCode``, or ``CodeUsed``: that vote stands."""
    pot = _pot(viewer, pot_id, also_late=True, alone=True)
    code = _cancelled(pot, batch_id, number, viewer.at)
    _record(viewer, "codes.cancelled", pot, public=False, count=1)
    return code


@transaction.atomic
def replace_code(*, viewer: Viewer, pot_id: int, batch_id: int, number: int) -> str:
    """Cancel a lost code and hand out another, which is returned in clear this once."""
    pot = _pot(viewer, pot_id, alone=True)
    lost = _cancelled(pot, batch_id, number, viewer.at)
    return _handed_out(viewer, pot, lost.entry_id)


@transaction.atomic
def hand_out_code(*, viewer: Viewer, pot_id: int, entry_id: int | None) -> str:
    """Hand out a code at the desk, in clear this once, to somebody in a register or without one.

    An earlier code of the same person counts no more. Raises ``CodeUsed`` if they have voted.
    """
    pot = _pot(viewer, pot_id, alone=True)
    if entry_id is not None:
        entry = queries.entry_at_desk(viewer, entry_id)
        if entry is None or entry.gone_at is not None:
            raise NoSuchCode
        if queries.entry_has_voted(entry, pot):
            raise CodeUsed
        _cancel(Code.objects.filter(pot=pot, entry=entry), viewer.at)
    return _handed_out(viewer, pot, entry_id)


def _handed_out(viewer: Viewer, pot: Pot, entry_id: int | None) -> str:
    batch, _new = CodeBatch.objects.get_or_create(
        pot=pot,
        kind=BatchKind.DESK,
        defaults={"authority": pot.authority, "made_at": viewer.at, "made_by": _who(viewer)},
    )
    last = batch.codes.order_by("-number").values_list("number", flat=True).first() or 0
    code = rules.code_from(secrets.token_bytes(32), 1)
    Code.objects.create(
        authority=pot.authority,
        pot=pot,
        batch=batch,
        number=last + 1,
        entry_id=entry_id,
        digest=code_digest(code=code),
    )
    _record(viewer, "codes.made", pot, public=False, count=1)
    return code


def _cancelled(pot: Pot, batch_id: int, number: int, at: datetime) -> Code:
    batch = pot.code_batches.filter(pk=batch_id).first()
    code = queries.code_numbered(batch, number) if batch else None
    if code is None or code.cancelled_at is not None:
        raise NoSuchCode
    if cast(Any, code).used:
        raise CodeUsed
    _cancel(Code.objects.filter(pk=code.pk), at)
    return code


def _cancel(codes: Any, at: datetime) -> int:
    """Cancel what nobody has voted with. Who votes with one just now is waited for, and has voted."""
    alive = codes.filter(cancelled_at__isnull=True)
    held = alive.select_for_update(of=("self",), no_key=True).order_by("pk").values("pk")
    sql, values = held.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({sql}) held", values)  # noqa: S608 - ours
    cancelled: int = queries.unused(alive).update(cancelled_at=at)
    return cancelled


# --- mail


@contextmanager
def post() -> Iterator[Any]:
    """Keep one connection to the mail server open for a while."""
    server = get_connection()
    server.open()
    try:
        yield server
    finally:
        server.close()


@transaction.atomic
def send_next(*, batch_id: int, after: int, at: datetime, server: Any) -> int | None:
    """Send the next mail of a batch behind number ``after``; return its number, none where none waits.

    The row is held from before the mail until the address is forgotten. If we die between the two,
    the same mail goes out once more, with the same code and under the same Message-ID.
    """
    waits = Mail.objects.select_for_update(skip_locked=True, of=("self",)).filter(
        batch=batch_id, number__gt=after, sent_at__isnull=True, refused_at__isnull=True
    )
    mail = waits.select_related("batch", "pot__authority").order_by("number").first()
    if mail is None:
        return None
    pot = mail.pot
    if at >= pot.closes_at or mail.batch.cancelled_at is not None or mail.batch.key is None:
        Mail.objects.filter(batch=batch_id, sent_at__isnull=True).delete()
        return None
    code = rules.code_from(opened(mail.batch.key), mail.number)
    Code.objects.get_or_create(
        batch=mail.batch,
        number=mail.number,
        defaults={"authority": pot.authority, "pot": pot, "digest": code_digest(code=code)},
    )
    try:
        server.send_messages([_letter(mail, code, at)])
    except SMTPRecipientsRefused as refused:
        worst = max(number for number, _words in refused.recipients.values())
        if worst >= REFUSED_FOR_GOOD:
            Code.objects.filter(batch=mail.batch, number=mail.number).delete()
            Mail.objects.filter(pk=mail.pk).update(refused_at=at)
        return mail.number
    Mail.objects.filter(pk=mail.pk).update(sent_at=at, address="")
    return mail.number


@transaction.atomic
def close_batch(*, batch_id: int) -> bool:
    """Destroy the key of a batch once all its mail went out; tell whether it did."""
    batch = CodeBatch.objects.select_for_update().get(pk=batch_id)
    if queries.waiting_mails(batch).exists():
        return False
    CodeBatch.objects.filter(pk=batch_id).update(key=None)
    return True


def _letter(mail: Mail, code: str, at: datetime) -> EmailMultiAlternatives:
    pot, authority = mail.pot, mail.pot.authority
    site = site_of(authority)
    subject = " ".join((_("Your voting code for %(pot)s") % {"pot": pot.title}).split())
    lines = [
        _("With this code you can vote once, without an account: %(code)s")
        % {"code": rules.in_groups(code)},
        _("Voting is open from %(from)s to %(until)s.")
        % {"from": rules.moment(pot.opens_at), "until": rules.moment(pot.closes_at)},
        _("Whoever has the code can vote with it. Do not pass it on."),
    ]
    context = {
        "authority": authority,
        "at": at,
        "subject": subject,
        "lines": lines,
        "href": f"{site}{reverse('registers:enter')}#{rules.in_groups(code)}",
        "link": _("Vote with my code"),
        "why": _(
            "%(place)s has your address on a list for this ballot. We forget it once this mail is sent."
        )
        % {"place": authority.name},
    }
    host = site.partition("//")[2].partition(":")[0]
    letter = EmailMultiAlternatives(
        subject,
        render_to_string("cw/mail.txt", context),
        settings.DEFAULT_FROM_EMAIL,
        [mail.address],
        reply_to=[authority.email] if authority.email else None,
        headers={
            "Message-ID": f"<code-{mail.batch_id}-{mail.number}@{host}>",
            "Auto-Submitted": "auto-generated",
        },
    )
    letter.attach_alternative(render_to_string("cw/mail.html", context), "text/html")
    return letter


# --- by the clock


@transaction.atomic
def forget_what_is_over(*, at: datetime) -> None:
    """Forget codes and addresses of pots counted a while ago, and registers whose day has come."""
    over = Pot.objects.filter(queries.over(at)).order_by().values("pk")
    Code.objects.filter(pot__in=over, digest__isnull=False).update(digest=None)
    Mail.objects.filter(pot__in=over).delete()
    closed = Pot.objects.filter(closes_at__lte=at).order_by().values("pk")
    Mail.objects.filter(pot__in=closed, sent_at__isnull=True).delete()
    CodeBatch.objects.filter(pot__in=closed, key__isnull=False).update(key=None)
    for register in queries.registers_due(at).select_for_update(of=("self",)):
        _forget_register(register, at, who=None)


# --- shared


def _may_keep(viewer: Viewer, community: Community) -> None:
    if not rules.may_keep_registers(viewer, community):
        raise PermissionDenied(_("Only a clerk or an administrator of this community may do this."))


def _who(viewer: Viewer) -> Person:
    assert viewer.person is not None  # the rule has refused everybody else
    return viewer.person


def _register_held(viewer: Viewer, register_id: int) -> Register:
    register = queries.registers(viewer).select_for_update(of=("self",)).get(pk=register_id)
    _may_keep(viewer, register.community)
    return register


def _pot(viewer: Viewer, pot_id: int, *, also_late: bool = False, alone: bool = False) -> Pot:
    """Return a pot whose codes the viewer may make.

    ``alone``: nobody votes in it until we are done, for each vote holds it. Nobody has to wait for
    that while thousands of codes are made or cancelled together.
    """
    pots = Pot.objects.select_for_update(of=("self",)) if alone else Pot.objects.all()
    pot = pots.select_related("community", "authority", "challenge").get(
        pk=pot_id, authority=viewer.authority
    )
    if not rules.may_make_codes(viewer, pot):
        raise PermissionDenied(
            _("Only a clerk or an administrator of the community that votes may do this.")
        )
    if viewer.at >= pot.closes_at and not also_late:
        raise TooLate
    return pot


def _batch(
    viewer: Viewer,
    pot: Pot,
    kind: BatchKind,
    *,
    register: Register | None = None,
    key: bytes | None = None,
) -> CodeBatch:
    return CodeBatch.objects.create(
        authority=pot.authority,
        pot=pot,
        kind=kind,
        register=register,
        key=key,
        made_at=viewer.at,
        made_by=_who(viewer),
    )


def _in_hundreds(rows: Iterable[tuple[int, str]]) -> Iterator[list[tuple[int, str]]]:
    some: list[tuple[int, str]] = []
    for row in rows:
        some.append(row)
        if len(some) == 500:
            yield some
            some = []
    if some:
        yield some


def _record(viewer: Viewer, what: str, about: Model, *, public: bool = True, **facts: Any) -> None:
    journal.record(
        what=what, who=viewer.person, about=about, at=viewer.at, public=public, facts=facts
    )
    viewer.look_again()
