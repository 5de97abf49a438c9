"""The second step: setting it up, being asked for it, and what opens only after it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.core import mail
from django.core.cache import cache
from django.test import Client

from commonweal.ground.people.models import Person
from tests.visit import Page

Visit = Callable[..., Page]
CODE = re.compile(r"\b[A-Z]{4}-[A-Z]{4}\b")
APP = "/account/second-step/app/"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture(autouse=True)
def _nobody_asked_yet(db: None) -> None:
    cache.clear()


def app_code(secret: str = SECRET) -> str:
    counter = int(time.time()) // 30
    return totp.format_hotp_value(totp.hotp_value(secret, counter))


@pytest.fixture
def with_app(moderator: Person) -> Person:
    """Return a moderator whose account asks for an app's code."""
    totp.TOTP.activate(moderator, SECRET)
    return moderator


def enter_by_mail(visit: Visit, person: Person, next_page: str = "") -> Page:
    visit("/account/sign-in/", data={"email": person.email, "next": next_page})
    found = CODE.search(str(mail.outbox[-1].body))
    assert found
    return visit("/account/sign-in/code/", data={"code": found.group(), "next": next_page})


def test_a_resident_never_reaches_a_privileged_page(
    visit: Visit, resident: Person, signed_in: Any
) -> None:
    signed_in(resident, second_factor=True)
    visit("/desk/", status=403)


def test_nobody_reaches_a_privileged_page_without_signing_in(
    visit: Visit, moderator: Person
) -> None:
    assert visit("/desk/").h1 == ["Sign in or join"]


def test_a_moderator_without_a_second_step_is_led_to_set_one_up(
    visit: Visit, moderator: Person, signed_in: Any
) -> None:
    signed_in(moderator)
    page = visit("/desk/")
    assert page.h1 == ["Set up a second step first"]
    assert {APP, "/account/second-step/passkeys/add/"} <= set(page.links)


def test_a_moderator_with_a_second_step_opens_the_desk(
    visit: Visit, moderator: Person, signed_in: Any
) -> None:
    signed_in(moderator, second_factor=True)
    assert visit("/desk/").h1 == ["Desk"]


def test_setting_up_an_app_leads_back_to_where_one_was_going(
    visit: Visit, moderator: Person, signed_in: Any
) -> None:
    signed_in(moderator)
    visit("/desk/")
    page = visit(APP)
    assert "<svg" in page.html and "data:" not in page.html
    secret = _shown_secret(page)
    page = visit(APP, data={"code": app_code(secret)})
    assert page.h1 == ["Spare codes"]
    assert visit("/me/second-factor/").h1 == ["Desk"]


@pytest.mark.django_db(transaction=True)
def test_the_owner_is_told_by_mail_that_a_way_in_was_added(
    visit: Visit, moderator: Person, signed_in: Any
) -> None:
    signed_in(moderator)
    secret = _shown_secret(visit(APP))
    visit(APP, data={"code": app_code(secret)})
    assert "An app that makes codes was added" in str(mail.outbox[-1].body)
    assert mail.outbox[-1].to == [moderator.email]


def _shown_secret(page: Page) -> str:
    found = re.search(r"Type this key into your app: ((?:[A-Z2-7]{2,4} )+)", page.text)
    assert found, page.text
    return found.group(1).replace(" ", "")


def test_a_secret_is_sealed_in_the_database(with_app: Person) -> None:
    kept = Authenticator.objects.get(user=with_app).data["secret"]
    assert SECRET not in kept


def test_a_sealed_secret_opens_with_an_earlier_key_of_the_site(
    with_app: Person, settings: Any, visit: Visit
) -> None:
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another key of this site" * 3
    enter_by_mail(visit, with_app)
    page = visit("/account/sign-in/second-step/", data={"code": app_code()})
    assert "My part" in page.h1[0]


def test_a_code_by_mail_alone_does_not_open_an_account_with_a_second_step(
    visit: Visit, client: Client, with_app: Person
) -> None:
    page = enter_by_mail(visit, with_app, "/desk/")
    assert page.h1 == ["Your second step"]
    assert "_auth_user_id" not in client.session
    assert visit("/me/").h1 == ["Sign in or join"] or "_auth_user_id" not in client.session


def test_the_second_step_opens_the_desk_at_once(visit: Visit, with_app: Person) -> None:
    enter_by_mail(visit, with_app, "/desk/")
    page = visit("/account/sign-in/second-step/", data={"code": app_code()})
    assert page.h1 == ["Desk"]


def test_a_wrong_app_code_is_explained_and_a_used_one_is_refused(
    visit: Visit, client: Client, with_app: Person
) -> None:
    enter_by_mail(visit, with_app)
    page = visit("/account/sign-in/second-step/", data={"code": "000000x"})
    assert page.title.startswith("Mistake:")
    assert "does not fit" in page.text
    code = app_code()
    visit("/account/sign-in/second-step/", data={"code": code})
    other = Client()
    visit("/account/sign-in/", data={"email": with_app.email}, client=other)
    found = CODE.search(str(mail.outbox[-1].body))
    assert found
    visit("/account/sign-in/code/", data={"code": found.group()}, client=other)
    visit("/account/sign-in/second-step/", data={"code": code}, client=other)
    assert "_auth_user_id" not in other.session


def test_guessing_at_the_second_step_ends_soon(
    visit: Visit, client: Client, with_app: Person
) -> None:
    enter_by_mail(visit, with_app)
    for _ in range(5):
        visit("/account/sign-in/second-step/", data={"code": "not it"})
    page = visit("/account/sign-in/second-step/", data={"code": app_code()})
    assert "too many tries" in page.text
    assert "_auth_user_id" not in client.session


def test_a_spare_code_works_once(visit: Visit, moderator: Person, signed_in: Any) -> None:
    signed_in(moderator)
    secret = _shown_secret(visit(APP))
    page = visit(APP, data={"code": app_code(secret)})
    spare = re.search(r"\b\d{8}\b", page.text)
    assert spare, page.text
    for opens in (True, False):
        other = Client()
        visit("/account/sign-in/", data={"email": moderator.email}, client=other)
        found = CODE.search(str(mail.outbox[-1].body))
        assert found
        visit("/account/sign-in/code/", data={"code": found.group()}, client=other)
        visit("/account/sign-in/second-step/", data={"code": spare.group()}, client=other)
        assert ("_auth_user_id" in other.session) is opens


def test_someone_signed_in_without_their_second_step_is_asked_for_it_now(
    visit: Visit, with_app: Person, signed_in: Any
) -> None:
    signed_in(with_app)
    page = visit("/desk/")
    assert page.h1 == ["Confirm that it is you"]
    page = visit("/account/second-step/confirm/", data={"code": app_code(), "next": "/desk/"})
    assert page.h1 == ["Desk"]


def test_confirming_leads_to_no_other_site(visit: Visit, with_app: Person, signed_in: Any) -> None:
    client = signed_in(with_app)
    visit("/me/second-factor/?next=https://evil.example/")
    answer = client.post(
        "/account/second-step/confirm/", {"code": app_code(), "next": "https://evil.example/"}
    )
    assert answer["Location"].startswith("/")


def test_without_any_second_step_left_the_session_counts_as_without(
    visit: Visit, with_app: Person, signed_in: Any
) -> None:
    signed_in(with_app, second_factor=True)
    visit("/account/second-step/confirm/", data={"code": app_code(), "next": "/desk/"})
    page = visit("/account/second-step/app/remove/")
    assert page.h1 == ["Stop using the app"]
    visit("/account/second-step/app/remove/", data={})
    assert not Authenticator.objects.filter(user=with_app).exists()
    assert visit("/desk/").h1 == ["Set up a second step first"]


def test_a_passkey_page_offers_one_that_knows_its_owner(
    visit: Visit, moderator: Person, signed_in: Any
) -> None:
    signed_in(moderator)
    page = visit("/account/second-step/passkeys/add/")
    assert 'value="My passkey"' in page.html  # a browser that says its name is called by that
    assert '"residentKey": "required"' in page.html
    assert '"userVerification": "required"' in page.html
    for broken in ("", "{}", "[1]", '{"id": "AA"}', '{"id": "AA", "rawId": "AA", "response": {}}'):
        given = {"name": "My phone", "credential": broken}
        page = visit("/account/second-step/passkeys/add/", data=given)
        assert page.title.startswith("Mistake:")
    assert not Authenticator.objects.filter(user=moderator).exists()


@pytest.mark.parametrize(
    "credential",
    ["", "[]", "{}", '"x"', "not json", '{"id": 1}',
     '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {}}',
     '{"id": "AA", "rawId": "AA", "type": "public-key", "response": {"clientDataJSON": "AA",'
     ' "authenticatorData": "AA", "signature": "AA", "userHandle": "AA"}}'],
)  # fmt: skip
def test_a_broken_passkey_opens_nothing_and_breaks_nothing(
    credential: str, visit: Visit, client: Client, resident: Person
) -> None:
    page = visit("/account/sign-in/passkey/", data={"credential": credential})
    assert page.h1 == ["Sign in or join"]
    assert "_auth_user_id" not in client.session


def test_another_persons_passkey_is_not_there(
    visit: Visit, resident: Person, moderator: Person, signed_in: Any
) -> None:
    key = Authenticator.objects.create(
        user=moderator, type=Authenticator.Type.WEBAUTHN, data={"name": "Mo's"}
    )
    signed_in(resident)
    for what in ("remove", "name"):
        visit(f"/account/second-step/passkeys/{key.pk}/{what}/", status=404)
        visit(f"/account/second-step/passkeys/{key.pk}/{what}/", data={"name": "x"}, status=404)
    assert Authenticator.objects.get(pk=key.pk).data == {"name": "Mo's"}


def test_looking_after_ones_second_step(visit: Visit, with_app: Person, signed_in: Any) -> None:
    signed_in(with_app)
    assert "It is set up." in visit("/account/second-step/").text
    assert visit("/account/second-step/passkeys/").h1 == ["My passkeys"]
    visit("/account/second-step/confirm/", data={"code": app_code(), "next": "/me/"})
    visit("/account/second-step/spare-codes/new/")
    page = visit("/account/second-step/spare-codes/new/", data={})
    assert page.h1 == ["Spare codes"]
    assert "10 are left" in page.text


@pytest.mark.parametrize("path", ["", "app/", "passkeys/", "passkeys/add/", "confirm/",
                                  "confirm/passkey/", "spare-codes/new/"])  # fmt: skip
def test_the_second_step_belongs_to_signed_in_people(
    path: str, visit: Visit, moderator: Person
) -> None:
    assert visit(f"/account/second-step/{path}").h1 == ["Sign in or join"]
