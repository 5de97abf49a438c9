"""Sessions in the database, and who each is of: asked on every page, so composed once."""

from __future__ import annotations

from contextvars import ContextVar
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth import SESSION_KEY, get_user
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from commonweal.ground.people.models import Person
from commonweal.kit.composed import as_json, composed, rebuilt

if TYPE_CHECKING:
    from django.contrib.auth.base_user import AbstractBaseUser
    from django.contrib.auth.models import AnonymousUser
    from django.db.models import QuerySet
    from django.http import HttpRequest


class SessionStore(db.SessionStore):
    """Django's own, with its question composed once."""

    person: Person | None = None  # whose session it is, as it was read with it

    def _get_session_from_db(self) -> Session | None:
        with connection.cursor() as cursor:
            cursor.execute(_alive(), [self.session_key, timezone.now()])
            found = cursor.fetchone()
        if found is None:
            self._session_key = None
            return None
        session, person = found
        self.person = rebuilt(Person, person)
        return rebuilt(Session, session)

    def get_expiry_date(self, **kwargs: Any) -> datetime:
        """Return the end of the day on which it expires, so that it lasts a little longer than asked.

        To the second it would tell when a session was written last: when a code or a guest voted.
        """
        found: datetime = super().get_expiry_date(**kwargs)
        if self.get("_session_expiry") is not None:
            return found  # something short, or until the browser closes
        return found.replace(hour=23, minute=59, second=59, microsecond=0)


class Backend(AuthenticationBackend):  # type: ignore[misc]
    """The account library's own, which looks first at what was read with the session."""

    def get_user(self, user_id: int) -> Person | None:
        """Return the person of a session, unless they have left."""
        at_hand = _at_hand.get()
        found = (
            [at_hand] if at_hand is not None and at_hand.pk == user_id else _numbered(pk=user_id)
        )
        for person in found:
            return person if self.user_can_authenticate(person) else None
        return None


class SignedIn(AuthenticationMiddleware):
    """Django's own, to which the session hands whose it is."""

    def process_request(self, request: HttpRequest) -> None:
        """Put the person on the request, to be looked up when somebody asks."""
        super().process_request(request)
        request.user = SimpleLazyObject(lambda: _who(request))  # type: ignore[assignment]


def _who(request: HttpRequest) -> AbstractBaseUser | AnonymousUser:
    """Return who is signed in. All that Django checks of a session is checked as ever."""
    cached = getattr(request, "_cached_user", None)
    if cached is None:
        store = request.session
        is_known = SESSION_KEY in store  # which reads it
        token = _at_hand.set(getattr(store, "person", None) if is_known else None)
        try:
            cached = get_user(request)
        finally:
            _at_hand.reset(token)
        request._cached_user = cached  # type: ignore[attr-defined]
    return cached


_at_hand: ContextVar[Person | None] = ContextVar("at_hand", default=None)


@cache
def _alive() -> str:
    return f"""
SELECT {as_json(Session, "this")}, {as_json(Person, "person")}
  FROM django_session this
  LEFT JOIN usersessions_usersession whose ON whose.session_key = this.session_key
  LEFT JOIN people_person person ON person.id = whose.user_id
 WHERE this.session_key = %s AND this.expire_date > %s"""  # noqa: S608 - our own tables


@composed
def _numbered(pk: Any) -> QuerySet[Person]:
    return Person.objects.filter(pk=pk)
