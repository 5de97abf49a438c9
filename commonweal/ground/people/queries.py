"""Reading people, and what belongs to their accounts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from commonweal.ground.people.models import Person

if TYPE_CHECKING:
    from commonweal.ground.places.models import Community
    from commonweal.ground.places.rules import Viewer

# What browsers write of themselves names others too, so the order matters: Edge says Chrome as well.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("SamsungBrowser", "Samsung Internet"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("CriOS", "Chrome"),
    ("Chrome", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "Chromebook"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)
SECOND_FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


def person_held(viewer: Viewer) -> Person:
    """Return the viewer's own row, locked until the transaction ends."""
    assert viewer.person is not None, "a door lets only signed-in people this far"
    return Person.objects.select_for_update().get(pk=viewer.person.pk)


def has_second_factor(person: Person) -> bool:
    """Tell whether this person set up a passkey or an app's codes."""
    return bool(Authenticator.objects.filter(user_id=person.pk, type__in=SECOND_FACTORS).exists())


def way_to_confirm(person: Person) -> str:
    """Return the page that asks this person for a second step: an app's code before a passkey."""
    has_app = Authenticator.objects.filter(user_id=person.pk, type=Authenticator.Type.TOTP).exists()
    return reverse("mfa_reauthenticate" if has_app else "mfa_reauthenticate_webauthn")


def devices(viewer: Viewer) -> list[UserSession]:
    """Return the viewer's open sessions, the newest first; those that have ended are forgotten."""
    found = UserSession.objects.purge_and_list(viewer.person)
    for session in found:
        session.browser_name = browser_name(session.user_agent)
    return sorted(found, key=lambda session: session.created_at, reverse=True)


def browser_name(agent: str) -> str:
    """Return what a browser says of itself in words that people know: Firefox on Android."""
    browser, system = (
        next((words for mark, words in marks if mark in agent), "") for marks in (BROWSERS, SYSTEMS)
    )
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or agent


def device(viewer: Viewer, pk: int) -> QuerySet[UserSession]:
    """Return one of the viewer's own sessions."""
    found: QuerySet[UserSession] = UserSession.objects.filter(pk=pk, user=viewer.person)
    return found


def left_without_an_administrator(person: Person) -> list[Community]:
    """Return the communities that nobody would administer, here or from above, without this person."""
    mine = person.role_set.filter(kind="administrator").select_related("community__authority")
    return [role.community for role in mine if not _others(person, role.community).exists()]


def administrators_held(person: Person) -> None:
    """Lock this person and all who administer the same places, in one order: two leave one by one."""
    branches = [
        pk
        for role in person.role_set.filter(kind="administrator").select_related("community")
        for pk in role.community.branch()
    ]
    fellows = Q(role__kind="administrator", role__community_id__in=branches)
    ids = set(Person.objects.filter(fellows).values_list("pk", flat=True)) | {person.pk}
    list(Person.objects.filter(pk__in=ids).order_by("pk").select_for_update())


def _others(person: Person, community: Community) -> QuerySet[Person]:
    return Person.objects.filter(
        is_active=True, role__kind="administrator", role__community_id__in=community.branch()
    ).exclude(pk=person.pk)


def account(person: Person) -> Iterator[dict[str, Any]]:
    """Return everything the account itself keeps, but no secret: a copy must not open the door."""
    yield {
        "what": "account",
        "email": person.email,
        "name": person.name,
        "colours": person.theme,
        "joined_at": person.joined_at,
        "last_sign_in_at": person.last_login,
    }
    for address in EmailAddress.objects.filter(user_id=person.pk).order_by("pk"):
        yield {"what": "email", "email": address.email, "checked": address.verified}
    for session in UserSession.objects.filter(user_id=person.pk).order_by("pk"):
        yield {
            "what": "device",
            "browser": session.user_agent,
            "internet_address": session.ip,
            "signed_in_at": session.created_at,
            "last_seen_at": session.last_seen_at,
        }
    for factor in Authenticator.objects.filter(user_id=person.pk).order_by("pk"):
        yield {
            "what": "second_step",
            "kind": factor.type,
            "name": factor.data.get("name", ""),
            "made_at": factor.created_at,
            "last_used_at": factor.last_used_at,
        }
    for link in SocialAccount.objects.filter(user_id=person.pk).order_by("pk"):
        yield {
            "what": "single_sign_on",
            "provider": link.provider,
            "number_there": link.uid,
            "what_they_told_us": link.extra_data,
            "first_used_at": link.date_joined,
        }
