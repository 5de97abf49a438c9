"""Sessions in the database, and who each is of: asked on every page, so composed once."""

from __future__ import annotations

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
