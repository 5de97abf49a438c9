"""Joining, changing one's profile, signing out, and leaving for good."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _

from commonweal.ground.journal import actions as journal
from commonweal.ground.people import queries, rules
from commonweal.ground.people.models import Person
from commonweal.kit import manifest

if TYPE_CHECKING:
    from commonweal.ground.places.rules import Viewer


class LastAdministrator(Exception):
    """A community would be left with nobody who may grant roles in it."""


@transaction.atomic
def arrive(*, email: str, at: datetime) -> Person:
    """Return the person who just proved that this address is theirs, and make them one if new.

    Signing in and joining are the same act, so that nobody can tell which it was.
    """
    person, is_new = Person.objects.get_or_create(email=email.lower())
    if is_new:
        person.set_unusable_password()
        person.save(update_fields=["password"])
        journal.record(what="person.joined", who=person, about=person, at=at, public=False)
    EmailAddress.objects.filter(email=person.email).exclude(user=person).delete()
    EmailAddress.objects.update_or_create(
        user=person, email=person.email, defaults={"verified": True, "primary": True}
    )
    return person


@transaction.atomic
def change_profile(*, viewer: Viewer, name: str, theme: str) -> Person:
    """Change the name that others see and the colours."""
    person = queries.person_held(viewer)
    person.name, person.theme = name, theme
    person.save(update_fields=["name", "theme"])
    return person


@transaction.atomic
def end_session(*, viewer: Viewer, session: UserSession) -> None:
    """Sign out one of the viewer's own devices."""
    if viewer.person is None or session.user_id != viewer.person.pk:
        raise PermissionDenied(_("That device is not signed in as you."))
    session.end()


@transaction.atomic
def end_all_sessions(*, viewer: Viewer) -> None:
    """Sign out everywhere, here too: also sessions that no list knows stop fitting."""
    person = queries.person_held(viewer)
    _close_every_session(person)
    journal.record(
        what="person.signed_out_everywhere", who=person, about=person, at=viewer.at, public=False
    )


@transaction.atomic
def erase_person(*, viewer: Viewer) -> None:
    """Let go of everything about the viewer; only a nameless stub stays for the records.

    Raises ``LastAdministrator`` while a community would be left without one. Asked twice, it has
    already happened.
    """
    assert viewer.person is not None, "a door lets only signed-in people this far"
    queries.administrators_held(viewer.person)
    person = queries.person_held(viewer)
    if person.erased_at is not None:
        return
    if not rules.may_leave(person):
        raise LastAdministrator
    for held in manifest.personal():
        held.erase(person, viewer.at)
    close_account(person, viewer.at)
    journal.record(what="person.erased", who=person, about=person, at=viewer.at, public=False)


def close_account(person: Person, at: datetime) -> None:
    """Remove every way in and everything that tells who this was."""
    _close_every_session(person)
    for kept in (EmailAddress, Authenticator, SocialAccount):
        kept.objects.filter(user_id=person.pk).delete()
    Person.objects.filter(pk=person.pk, erased_at__isnull=True).update(
        email=None, name="", theme="", is_active=False, erased_at=at, last_login=None
    )


def _close_every_session(person: Person) -> None:
    for session in UserSession.objects.filter(user_id=person.pk):
        session.end()
    # Each session carries a fingerprint of this field; a new one shuts those that no list knows.
    person.set_unusable_password()
    person.save(update_fields=["password"])


@transaction.atomic
def forget_old_sessions(*, at: datetime) -> None:
    """Delete sessions that have run out, and what we noted about their devices."""
    Session.objects.filter(expire_date__lt=at).delete()
    alive = Session.objects.values("session_key")
    UserSession.objects.exclude(session_key__in=alive).delete()
