"""Fixtures that most tests share."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from django.test import Client

from commonweal.ground.people.models import Person
from commonweal.ground.places import queries
from commonweal.ground.places.models import Authority, Community, Level, RoleKind, StandingKind
from commonweal.ground.places.rules import Viewer
from tests import visit as visits
from tests.factories import world
from tests.tables import EMPTY


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None) -> None:
    """Begin a worker's database as a copy of the one in which all tables are made."""
    from django.db import connection

    connection.settings_dict["TEST"]["TEMPLATE"] = os.environ["COMMONWEAL_TEST_TEMPLATE"]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: object) -> Iterator[None]:
    """Let the test database be emptied between transactional tests, which records refuse."""
    from django.db import connection
    from django.test import TransactionTestCase

    def empty(_test: TransactionTestCase) -> None:
        with connection.cursor() as cursor:
            cursor.execute(EMPTY)

    with django_db_blocker.unblock(), connection.cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute("ALTER TABLE journal_entry DISABLE TRIGGER journal_keeps_all")
        cursor.execute("ALTER TABLE milestones_post DISABLE TRIGGER post_keeps_all")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(TransactionTestCase, "_fixture_teardown", empty)
        yield


@pytest.fixture(autouse=True)
def no_authority_of_another_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget which authority answers where; within a test it is kept, however slow the machine."""
    monkeypatch.setattr(queries, "ANSWERS_KEEP", 3600.0)
    queries.forget_answers()


@pytest.fixture
def now() -> datetime:
    """Return the present moment."""
    from django.utils import timezone

    return timezone.now()


@pytest.fixture
def authority(db: None) -> Authority:
    """Return the authority whose pages the test client sees."""
    return world.an_authority(
        name="Larkmere Borough Council", short_name="Larkmere", slug="larkmere"
    )


@pytest.fixture
def elsewhere(db: None, authority: Authority) -> Authority:
    """Return another authority on the same installation, at an address of its own."""
    return world.an_authority(name="Northmoor", slug="northmoor", host="northmoor.localhost")


@pytest.fixture
def community(authority: Authority) -> Community:
    """Return a neighbourhood."""
    return world.a_community(authority, name="Quayside", slug="quayside")


@pytest.fixture
def resident(community: Community) -> Person:
    """Return someone who lives in the neighbourhood."""
    return world.a_person(community, name="Rosa")


@pytest.fixture
def leader(authority: Authority) -> Person:
    """Return a service leader of the whole authority."""
    return world.a_person(
        world.root(authority),
        standing=StandingKind.SERVICE_LEADER,
        name="Omar",
        level=Level.IN_PERSON,
    )


@pytest.fixture
def moderator(authority: Authority) -> Person:
    """Return a moderator of the whole authority."""
    return world.a_person(world.root(authority), role=RoleKind.MODERATOR, name="Mo")


@pytest.fixture
def administrator(authority: Authority) -> Person:
    """Return an administrator of the whole authority."""
    return world.a_person(world.root(authority), role=RoleKind.ADMINISTRATOR, name="Ada")


@pytest.fixture
def signed_in(client: Client) -> Callable[..., Client]:
    """Return a function that signs a person in: ``signed_in(person, second_factor=True)``."""
    return lambda person, **kind: visits.sign_in(client, person, **kind)


@pytest.fixture
def seen_by(authority: Authority, now: datetime) -> Callable[..., Viewer]:
    """Return a function that makes somebody a viewer: ``seen_by(person, at=later)``."""

    def viewer(person: Person | None, **given: Any) -> Viewer:
        fresh = Person.objects.get(pk=person.pk) if person else None
        return replace(
            Viewer(authority=authority, person=fresh, at=now, has_second_factor=True), **given
        )

    return viewer


@pytest.fixture
def visit(client: Client) -> Callable[..., visits.Page]:
    """Return a function that fetches a page and checks it: ``visit("/challenges/")``."""
    return lambda address, **given: visits.visit(given.pop("client", client), address, **given)
