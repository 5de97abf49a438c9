"""My part: name and colours, devices, a copy of everything, and what belongs to whom."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.exceptions import PermissionDenied
from django.test import Client

from commonweal.ground.people import actions, queries
from commonweal.ground.people.manifest import MANIFEST
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority
from commonweal.ground.places.rules import Viewer
from commonweal.kit import manifest
from tests.factories import world
from tests.visit import Page, sign_in

Visit = Callable[..., Page]


@pytest.fixture(autouse=True)
def _this_app_announces_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifest, "manifests", lambda: (MANIFEST,))


@pytest.fixture
def viewer(authority: Authority, resident: Person, now: datetime) -> Viewer:
    """Return the resident, looking."""
    return Viewer(authority=authority, person=resident, at=now)


def a_device(person: Person, agent: str = "A phone") -> Client:
    """Return a browser that this person is signed in with, as the list of devices knows it."""
    client = sign_in(Client(), person)
    UserSession.objects.create(
        user=person, ip="127.0.0.9", user_agent=agent, session_key=client.session.session_key
    )
    return client


@pytest.mark.parametrize(
    "path", ["", "welcome/", "profile/", "devices/", "data/", "erase/", "second-factor/"]
)
def test_my_pages_ask_for_a_sign_in_and_come_back(
    path: str, client: Client, visit: Visit, authority: Authority
) -> None:
    assert visit(f"/me/{path}").h1 == ["Sign in or join"]
    assert client.get(f"/me/{path}")["Location"].endswith(f"?next=/me/{path}")


@pytest.mark.parametrize("path", ["data/download/", "devices/1/sign-out/", "devices/all/sign-out/"])
def test_what_changes_or_hands_over_takes_a_post(
    path: str, visit: Visit, resident: Person, signed_in: Any
) -> None:
    signed_in(resident)
    visit(f"/me/{path}", status=405, check=False)


def test_my_part_greets_by_name_and_leads_everywhere(
    visit: Visit, resident: Person, signed_in: Any
) -> None:
    signed_in(resident)
    page = visit("/me/")
    assert page.h1 == ["My part: hello, Rosa"]
    for path in ("profile", "devices", "data", "erase"):
        assert visit(f"/me/{path}/").h1[0]
        assert f"/me/{path}/" in page.links


def test_my_part_stays_cheap(
    visit: Visit, resident: Person, signed_in: Any, django_assert_max_num_queries: Any
) -> None:
    signed_in(resident)
    with django_assert_max_num_queries(12):
        visit("/me/")


def test_a_name_and_colours_are_saved_and_shown(
    visit: Visit, resident: Person, signed_in: Any
) -> None:
    signed_in(resident)
    page = visit("/me/profile/", data={"name": "  Rosa   May ", "theme": "dark"})
    assert "Saved." in page.text
    assert 'data-theme="dark"' in page.html
    resident.refresh_from_db()
    assert (resident.name, resident.theme) == ("Rosa May", "dark")


@pytest.mark.parametrize(
    "given",
    [
        {"name": "x" * 61},
        {"name": "Ro\u202esa"},
        {"name": "Ro\x00sa"},
        {"name": "Ro\u200bsa"},
        {"name": "Rosa", "theme": "pink"},
    ],
)
def test_a_name_that_hides_something_is_explained(
    given: dict[str, str], visit: Visit, resident: Person, signed_in: Any
) -> None:
    signed_in(resident)
    page = visit("/me/profile/", data=given)
    assert page.title.startswith("Mistake:")
    resident.refresh_from_db()
    assert resident.name == "Rosa"


def test_markup_in_a_name_is_only_text(visit: Visit, resident: Person, signed_in: Any) -> None:
    signed_in(resident)
    visit("/me/profile/", data={"name": "<script>alert(1)</script>"})
    page = visit("/me/")
    assert "<script>alert" not in page.html
    assert "hello, <script>alert(1)</script>" in page.text


def test_someone_new_may_stay_nameless_and_is_led_to_no_other_site(
    visit: Visit, resident: Person, signed_in: Any
) -> None:
    client = signed_in(resident)
    answer = client.post("/me/welcome/", {"name": "", "next": "//evil.example"})
    assert answer["Location"] == "/me/"
    page = visit("/me/welcome/?next=https://evil.example/")
    assert "https://evil.example/" not in page.html.replace("?next=https://evil.example/", "")


def test_one_device_can_be_signed_out(
    visit: Visit, client: Client, resident: Person, signed_in: Any
) -> None:
    phone = a_device(resident, "An old phone")
    signed_in(resident)
    page = visit("/me/devices/")
    assert "An old phone" in page.text
    assert "This device" in page.text
    row = UserSession.objects.get(user_agent="An old phone")
    page = visit(f"/me/devices/{row.pk}/sign-out/", data={})
    assert "An old phone" not in page.text
    assert visit("/me/", client=phone).h1 == ["Sign in or join"]
    assert "My part" in visit("/me/").h1[0]


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (
            "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0",
            "Firefox on Android",
        ),
        (
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
            " Chrome/141.0.0.0 Safari/537.36 Edg/141.0.0.0",
            "Edge on Windows",
        ),
        (
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15"
            " (KHTML, like Gecko) Version/18.6 Mobile/15E148 Safari/604.1",
            "Safari on iPhone",
        ),
        ("w3m/0.5.3", "w3m/0.5.3"),
    ],
)
def test_a_device_is_called_by_a_name_that_people_know(
    agent: str, words: str, visit: Visit, resident: Person, signed_in: Any
) -> None:
    a_device(resident, agent)
    signed_in(resident)
    page = visit("/me/devices/")
    assert words in page.text
    assert "KHTML" not in page.text


@pytest.mark.parametrize("pk", [0, 99_999_999, 10**30])
def test_a_device_that_is_not_there_is_not_found(
    pk: int, visit: Visit, resident: Person, signed_in: Any
) -> None:
    signed_in(resident)
    visit(f"/me/devices/{pk}/sign-out/", data={}, status=404)


def test_nobody_signs_out_another_person(
    visit: Visit, resident: Person, viewer: Viewer, signed_in: Any
) -> None:
    other = world.a_person()
    phone = a_device(other)
    row = UserSession.objects.get(user=other)
    signed_in(resident)
    visit(f"/me/devices/{row.pk}/sign-out/", data={}, status=404)
    with pytest.raises(PermissionDenied):
        actions.end_session(viewer=viewer, session=row)
    assert "My part" in visit("/me/", client=phone).h1[0]


def test_signing_out_everywhere_ends_sessions_that_no_list_knows_too(
    visit: Visit, client: Client, resident: Person, signed_in: Any
) -> None:
    phone, unlisted = a_device(resident), sign_in(Client(), resident)
    signed_in(resident)
    stranger = sign_in(Client(), world.a_person())
    visit("/me/devices/all/sign-out/", data={}, check=False, status=200)
    for browser in (client, phone, unlisted):
        assert visit("/me/", client=browser).h1 == ["Sign in or join"]
    assert "My part" in visit("/me/", client=stranger).h1[0]


def test_old_sessions_are_forgotten_and_fresh_ones_kept(
    visit: Visit, resident: Person, now: datetime
) -> None:
    old, fresh = a_device(resident, "old"), a_device(resident, "fresh")
    Session.objects.filter(session_key=old.session.session_key).update(
        expire_date=now - timedelta(minutes=1)
    )
    actions.forget_old_sessions(at=now)
    assert [row.user_agent for row in UserSession.objects.all()] == ["fresh"]
    assert "My part" in visit("/me/", client=fresh).h1[0]


def test_the_file_holds_my_data_and_nobody_elses(
    visit: Visit, client: Client, resident: Person, signed_in: Any
) -> None:
    a_device(resident, "My phone")
    other = world.a_person(name="Someone Different")
    a_device(other, "Their phone")
    Authenticator.objects.create(
        user=resident, type=Authenticator.Type.TOTP, data={"secret": "do-not-tell"}
    )
    signed_in(resident)
    answer = client.post("/me/data/download/")
    assert answer.status_code == 200
    assert answer["Content-Disposition"].startswith('attachment; filename="my-data-20')
    assert answer["Content-Type"].startswith("application/json")
    text = answer.content.decode()
    rows = [row for part in json.loads(text)["parts"] for row in part["rows"]]
    assert {"account", "device", "second_step"} <= {row["what"] for row in rows}
    assert str(resident.email) in text and "My phone" in text
    for hidden in (str(other.email), "Someone Different", "Their phone", "do-not-tell"):
        assert hidden not in text


def test_every_app_hands_over_what_it_keeps(
    client: Client, resident: Person, signed_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = manifest.Personal("Your bees", lambda person: [{"bees": person.pk}], lambda *_: None)
    other = manifest.Manifest(stage="deliver", title="Bees", start="web:home", personal=(told,))
    monkeypatch.setattr(manifest, "manifests", lambda: (MANIFEST, other))
    signed_in(resident)
    parts = json.loads(client.post("/me/data/download/").content)["parts"]
    assert {"what": "Your bees", "rows": [{"bees": resident.pk}]} in parts


def test_a_passkey_alone_is_asked_for_as_a_passkey(resident: Person) -> None:
    Authenticator.objects.create(user=resident, type=Authenticator.Type.WEBAUTHN, data={})
    Authenticator.objects.create(user=resident, type=Authenticator.Type.RECOVERY_CODES, data={})
    assert queries.way_to_confirm(resident) == "/account/second-step/confirm/passkey/"
    Authenticator.objects.create(user=resident, type=Authenticator.Type.TOTP, data={})
    assert queries.way_to_confirm(resident) == "/account/second-step/confirm/"


def test_spare_codes_alone_are_no_second_step(resident: Person) -> None:
    Authenticator.objects.create(user=resident, type=Authenticator.Type.RECOVERY_CODES, data={})
    assert not queries.has_second_factor(resident)


def test_arriving_twice_makes_one_person(authority: Authority, now: datetime) -> None:
    first = actions.arrive(email="Twice@Example.org", at=now)
    second = actions.arrive(email="twice@example.org", at=now)
    assert first.pk == second.pk
