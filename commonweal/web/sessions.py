"""Sessions in the database, and who each is of: asked on every page, so composed once."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.utils import timezone

from commonweal.ground.people.models import Person
from commonweal.kit.composed import composed

if TYPE_CHECKING:
    from django.db.models import QuerySet


class SessionStore(db.SessionStore):
    """Django's own, with its question composed once."""

    def _get_session_from_db(self) -> Session | None:
        for found in _alive(key=self.session_key, at=timezone.now()):
            return found
        self._session_key = None
        return None

    def get_expiry_date(self, **kwargs: Any) -> datetime:
        """Return the end of the day on which it expires, so that it lasts a little longer than asked.

        To the second it would tell when a session was written last: when a code or a guest voted.
        """
        found: datetime = super().get_expiry_date(**kwargs)
        if self.get("_session_expiry") is not None:
            return found  # something short, or until the browser closes
        return found.replace(hour=23, minute=59, second=59, microsecond=0)


class Backend(AuthenticationBackend):  # type: ignore[misc]
    """The account library's own, with its question composed once."""

    def get_user(self, user_id: int) -> Person | None:
        """Return the person of a session, unless they have left."""
        for person in _numbered(pk=user_id):
            return person if self.user_can_authenticate(person) else None
        return None


@composed
def _alive(key: Any, at: Any) -> QuerySet[Session]:
    return Session.objects.filter(session_key=key, expire_date__gt=at)


@composed
def _numbered(pk: Any) -> QuerySet[Person]:
    return Person.objects.filter(pk=pk)
