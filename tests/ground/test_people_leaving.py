"""Leaving: nothing that tells who someone was stays anywhere in the database."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.core.cache import cache
from django.db import connection
from django.test import Client

from commonweal.ground.journal import actions as journal
from commonweal.ground.journal.models import Entry
from commonweal.ground.people import actions
from commonweal.ground.people.manifest import MANIFEST
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority, Role, RoleKind
from commonweal.ground.places.rules import Viewer
from commonweal.kit import manifest
from tests.factories import world
from tests.visit import Page, sign_in

Visit = Callable[..., Page]
EMAIL = "quillan.marsh@example.org"
NAME = "Quillan Marsh"
AGENT = "Zebrafox 77"


@pytest.fixture
def quillan(authority: Authority, community: Any, now: datetime) -> Person:
    """Return someone with everything an account can keep."""
    person = world.a_person(community, name=NAME, email=EMAIL)
    EmailAddress.objects.create(user=person, email=EMAIL, verified=True, primary=True)
    SocialAccount.objects.create(
        user=person, provider="single", uid="quillan-77", extra_data={"name": NAME, "email": EMAIL}
    )
    Authenticator.objects.create(
        user=person, type=Authenticator.Type.WEBAUTHN, data={"name": "Quillan's key"}
    )
    phone = sign_in(Client(), person)
    UserSession.objects.create(
        user=person, ip="203.0.113.77", user_agent=AGENT, session_key=phone.session.session_key
    )
    return person


def found_in_database(*needles: str) -> list[str]:
    """Return where any of these words stand, in any column of any table, sealed sessions included."""
    hits = []
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name, column_name, data_type FROM information_schema.columns"
            " WHERE table_schema = 'public' AND (data_type IN ('text', 'character varying',"
            " 'json', 'jsonb', 'ARRAY', 'bytea', 'inet', 'character', 'tsvector', 'USER-DEFINED'))"
        )
        for table, column, kind in cursor.fetchall():
            text = f"encode(\"{column}\", 'escape')" if kind == "bytea" else f'"{column}"::text'
            for needle in needles:
                cursor.execute(
                    f'SELECT count(*) FROM "{table}" WHERE {text} ILIKE %s', [f"%{needle}%"]
                )
                if cursor.fetchone() != (0,):
                    hits.append(f"{table}.{column} holds {needle!r}")
        cursor.execute("SELECT session_key FROM django_session")
        keys = [row[0] for row in cursor.fetchall()]
    for key in keys:
        kept = str(dict(Client().session.__class__(key).items()))
        hits += [f"session {key} holds {needle!r}" for needle in needles if needle in kept]
    return hits


def test_the_search_itself_finds_what_is_there(quillan: Person) -> None:
    hits = " ".join(found_in_database(EMAIL, NAME, "quillan-77", AGENT, "203.0.113.77"))
    for place in ("people_person.email", "people_person.name", "extra_data", "uid",
                  "account_emailaddress", "user_agent", "usersession.ip", "session "):  # fmt: skip
        assert place in hits, hits


def test_after_leaving_nothing_tells_who_it_was(
    visit: Visit, client: Client, quillan: Person, signed_in: Any
) -> None:
    cache.clear()
    signed_in(quillan)
    visit("/me/devices/")
    page = visit("/me/erase/", data={"email": EMAIL.upper()})
    assert page.h1 == ["Goodbye, and thank you"]
    needles = (EMAIL, "quillan", "Marsh", AGENT, "203.0.113.77")
    assert found_in_database(*needles) == []
    quillan.refresh_from_db()
    assert quillan.email is None and quillan.name == "" and not quillan.is_active
    assert quillan.erased_at is not None
    assert str(quillan) == "Someone who has left"
    assert visit("/me/").h1 == ["Sign in or join"]


def test_what_others_rely_on_stays_without_the_name(
    visit: Visit, authority: Authority, quillan: Person, now: datetime
) -> None:
    challenge = world.a_challenge(authority)
    proposal = world.a_proposal(challenge, author=quillan, title="A bench by the river")
    actions.erase_person(viewer=Viewer(authority=authority, person=quillan, at=now))
    assert found_in_database(EMAIL, "quillan", "Marsh") == []
    assert type(proposal).objects.get(pk=proposal.pk).author_id == quillan.pk


def test_the_journal_keeps_that_someone_left_but_not_in_public(
    authority: Authority, quillan: Person, now: datetime
) -> None:
    actions.erase_person(viewer=Viewer(authority=authority, person=quillan, at=now))
    entry = Entry.objects.get(what="person.erased")
    assert entry.who_id == quillan.pk and not entry.is_public and entry.facts == {}


def test_leaving_ends_every_session(
    visit: Visit, authority: Authority, quillan: Person, now: datetime
) -> None:
    unlisted = sign_in(Client(), quillan)
    actions.erase_person(viewer=Viewer(authority=authority, person=quillan, at=now))
    assert visit("/me/", client=unlisted).h1 == ["Sign in or join"]


def test_leaving_twice_is_leaving_once(
    authority: Authority, quillan: Person, now: datetime
) -> None:
    viewer = Viewer(authority=authority, person=quillan, at=now)
    actions.erase_person(viewer=viewer)
    actions.erase_person(viewer=viewer)
    assert Entry.objects.filter(what="person.erased").count() == 1


def test_the_wrong_address_erases_nothing(visit: Visit, quillan: Person, signed_in: Any) -> None:
    signed_in(quillan)
    for wrong in ("", "someone@example.org", EMAIL + "x"):
        page = visit("/me/erase/", data={"email": wrong})
        assert page.title.startswith("Mistake:")
    quillan.refresh_from_db()
    assert quillan.email == EMAIL and quillan.erased_at is None


def test_when_one_app_cannot_let_go_nothing_is_half_erased(
    authority: Authority, quillan: Person, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(person: Person, at: datetime) -> None:
        raise RuntimeError("cannot let go")

    stuck = manifest.Personal("Stuck", lambda person: [], refuses)
    other = manifest.Manifest(stage="deliver", title="Stuck", start="web:home", personal=(stuck,))
    monkeypatch.setattr(manifest, "personal", lambda: [*MANIFEST.personal, *other.personal])
    with pytest.raises(RuntimeError):
        actions.erase_person(viewer=Viewer(authority=authority, person=quillan, at=now))
    quillan.refresh_from_db()
    assert quillan.email == EMAIL
    assert SocialAccount.objects.filter(user=quillan).exists()
    assert not Entry.objects.filter(what="person.erased").exists()


def test_the_page_says_in_words_what_goes_and_what_stays(
    visit: Visit, quillan: Person, signed_in: Any
) -> None:
    signed_in(quillan)
    page = visit("/me/erase/")
    for held in manifest.personal():
        assert str(held.title) in page.text
    assert "Someone who has left" in page.text


def test_the_last_administrator_is_told_to_find_another(
    visit: Visit, administrator: Person, authority: Authority, signed_in: Any
) -> None:
    signed_in(administrator)
    assert "You are the only administrator" in visit("/me/erase/").text
    page = visit("/me/erase/", data={"email": administrator.email})
    assert "Ask someone to become an administrator first" in page.text
    administrator.refresh_from_db()
    assert administrator.erased_at is None
    world.a_person(world.root(authority), role=RoleKind.ADMINISTRATOR)
    page = visit("/me/erase/", data={"email": administrator.email})
    assert page.h1 == ["Goodbye, and thank you"]


def test_an_administrator_above_is_enough_but_one_elsewhere_or_gone_is_not(
    authority: Authority, elsewhere: Authority, community: Any, now: datetime
) -> None:
    local = world.a_person(community, role=RoleKind.ADMINISTRATOR)
    viewer = Viewer(authority=authority, person=local, at=now)
    world.a_person(world.root(elsewhere), role=RoleKind.ADMINISTRATOR)
    gone = world.a_person(world.root(authority), role=RoleKind.ADMINISTRATOR)
    Person.objects.filter(pk=gone.pk).update(is_active=False)
    with pytest.raises(actions.LastAdministrator):
        actions.erase_person(viewer=viewer)
    Person.objects.filter(pk=gone.pk).update(is_active=True)
    actions.erase_person(viewer=viewer)


@pytest.mark.django_db(transaction=True)
def test_the_last_two_administrators_cannot_both_leave_at_once(
    authority: Authority, now: datetime
) -> None:
    pair = [world.a_person(world.root(authority), role=RoleKind.ADMINISTRATOR) for _ in range(2)]
    together, outcomes = threading.Barrier(2), []

    def leave(person: Person) -> None:
        together.wait()
        try:
            actions.erase_person(viewer=Viewer(authority=authority, person=person, at=now))
            outcomes.append("left")
        except actions.LastAdministrator:
            outcomes.append("stayed")
        finally:
            connection.close()

    threads = [threading.Thread(target=leave, args=(person,)) for person in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["left", "stayed"]
    assert Role.objects.filter(person__is_active=True, kind=RoleKind.ADMINISTRATOR).count() == 1


def test_someone_who_left_may_come_back_as_someone_new(
    authority: Authority, quillan: Person, now: datetime
) -> None:
    journal.record(what="person.joined", who=quillan, about=quillan, at=now, public=False)
    actions.erase_person(viewer=Viewer(authority=authority, person=quillan, at=now))
    again = actions.arrive(email=EMAIL, at=now)
    assert again.pk != quillan.pk
    assert again.is_active
