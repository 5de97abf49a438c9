"""Signing in and joining: one page, one code, and nobody learns who has an account."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.cache import cache
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import NoReverseMatch, reverse

from commonweal.ground.journal.models import Entry
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority
from tests.factories import world
from tests.visit import Page

Visit = Callable[..., Page]
CODE = re.compile(r"\b[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}\b")
SIGN_IN = "/account/sign-in/"
ENTER = "/account/sign-in/code/"


@pytest.fixture(autouse=True)
def _nobody_asked_yet(db: None) -> None:
    cache.clear()


def newest_code() -> str:
    found = CODE.search(str(mail.outbox[-1].body))
    assert found, mail.outbox[-1].body
    return found.group()


def ask(visit: Visit, email: str, next_page: str = "") -> Page:
    return visit(SIGN_IN, data={"email": email, "next": next_page})


def who(client: Client) -> int | None:
    found = client.session.get("_auth_user_id")
    return int(found) if found else None


def test_a_new_address_gets_an_account_only_after_the_code(
    visit: Visit, client: Client, authority: Authority
) -> None:
    page = ask(visit, "New.Person@Example.org")
    assert "Look in your mail" in page.h1[0]
    assert not Person.objects.filter(email="new.person@example.org").exists()
    visit(ENTER, data={"code": newest_code()})
    person = Person.objects.get(email="new.person@example.org")
    assert who(client) == person.pk
    assert not person.has_usable_password()
    assert EmailAddress.objects.get(user=person).verified
    assert Entry.objects.get(what="person.joined").who_id == person.pk


def test_someone_new_is_asked_for_a_name_and_comes_back_to_where_they_were(
    visit: Visit, authority: Authority
) -> None:
    ask(visit, "new@example.org", "/how-it-works/")
    page = visit(
        f"{ENTER}?next=/how-it-works/", data={"code": newest_code(), "next": "/how-it-works/"}
    )
    assert "What shall we call you?" in page.h1[0]
    page = visit("/me/welcome/", data={"name": "Zed", "next": "/how-it-works/"})
    assert page.h1 == ["How it works"]
    assert Person.objects.get(email="new@example.org").name == "Zed"


def test_a_known_address_opens_its_account_and_comes_back(
    visit: Visit, client: Client, resident: Person
) -> None:
    Person.objects.filter(pk=resident.pk).update(joined_at="2020-01-01T00:00Z")
    ask(visit, str(resident.email), "/how-it-works/")
    page = visit(
        ENTER, data={"code": newest_code().lower().replace("-", " "), "next": "/how-it-works/"}
    )
    assert page.h1 == ["How it works"]
    assert who(client) == resident.pk
    assert Person.objects.filter(email=resident.email).count() == 1


def test_pages_and_mails_are_the_same_for_known_and_unknown_addresses(
    visit: Visit, resident: Person
) -> None:
    seen = []
    for email in (str(resident.email), "nobody@example.org"):
        page = visit(SIGN_IN, data={"email": email}, client=Client())
        words = [page.text, page.title, str(mail.outbox[-1].subject), str(mail.outbox[-1].body)]
        seen.append([CODE.sub("CODE", text).replace(email, "ADDRESS") for text in words])
    assert seen[0] == seen[1]


def test_known_and_unknown_addresses_cost_the_same_queries(
    resident: Person,
) -> None:
    counts = []
    for email in ("warm@example.org", str(resident.email), "nobody@example.org"):
        with CaptureQueriesContext(connection) as caught:
            Client().post(SIGN_IN, {"email": email})
        counts.append(len(caught))
    assert counts[1] == counts[2]


def test_a_wrong_code_keeps_the_door_shut_and_five_end_the_attempt(
    visit: Visit, client: Client, resident: Person
) -> None:
    ask(visit, str(resident.email))
    right = newest_code()
    for _ in range(4):
        page = visit(ENTER, data={"code": "BBBB-BBBB"})
        assert page.title.startswith("Mistake:")
        assert "not the code in our newest mail" in page.text
    page = visit(ENTER, data={"code": "BBBB-BBBB"})
    assert page.h1 == ["Sign in or join"]
    assert "too many tries" in page.text
    visit(ENTER, data={"code": right})
    assert who(client) is None


def test_a_code_is_good_for_fifteen_minutes(
    visit: Visit, client: Client, resident: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = time.time()
    ask(visit, str(resident.email))
    code = newest_code()
    monkeypatch.setattr(time, "time", lambda: start + 15 * 60 + 5)
    page = visit(ENTER, data={"code": code})
    assert "more than 15 minutes old" in page.text
    assert who(client) is None


def test_a_code_opens_nothing_in_another_browser(visit: Visit, resident: Person) -> None:
    ask(visit, str(resident.email))
    other = Client()
    visit(ENTER, data={"code": newest_code()}, client=other)
    assert who(other) is None


def test_another_code_replaces_the_first(visit: Visit, client: Client, resident: Person) -> None:
    ask(visit, str(resident.email))
    first = newest_code()
    visit(ENTER, data={"action": "resend"})
    second = newest_code()
    assert first != second
    assert "not the code" in visit(ENTER, data={"code": first}).text
    visit(ENTER, data={"code": second})
    assert who(client) == resident.pk


def test_one_address_gets_few_codes_whoever_asks(visit: Visit, resident: Person) -> None:
    for _ in range(3):
        visit(SIGN_IN, data={"email": str(resident.email)}, client=Client())
    page = visit(SIGN_IN, data={"email": str(resident.email)}, client=Client())
    assert "several codes already" in page.text
    assert len(mail.outbox) == 3


@pytest.mark.parametrize(
    "bad", ["https://evil.example/", "//evil.example", "http:///evil.example", "javascript:alert(1)",
            "/\\evil.example", "https://northmoor.localhost/"]
)  # fmt: skip
def test_nobody_is_led_to_another_site(
    bad: str, client: Client, resident: Person, elsewhere: Authority
) -> None:
    Person.objects.filter(pk=resident.pk).update(joined_at="2020-01-01T00:00Z")
    client.post(SIGN_IN, {"email": resident.email, "next": bad})
    answer = client.post(f"{ENTER}?next={bad}", {"code": newest_code(), "next": bad})
    assert answer.status_code == 302
    assert answer["Location"] == reverse("people:mine")


@pytest.mark.parametrize(
    ("given", "words"),
    [("", "Write your email address"), ("not an address", "like name@example.org"),
     ("a@b.example\x00", "Null characters"), ("a" * 250 + "@example.org", "254")],
)  # fmt: skip
def test_an_address_that_is_none_is_explained(
    given: str, words: str, visit: Visit, authority: Authority
) -> None:
    page = visit(SIGN_IN, data={"email": given})
    assert page.title.startswith("Mistake:")
    assert words in page.text
    assert not mail.outbox


class Broken(BaseEmailBackend):
    """A mail server that is not there."""

    def send_messages(self, email_messages: Any) -> int:
        raise ConnectionRefusedError


def test_when_mail_is_down_the_page_says_so(
    visit: Visit, authority: Authority, settings: Any
) -> None:
    settings.EMAIL_BACKEND = "tests.web.test_accounts.Broken"
    page = ask(visit, "someone@example.org")
    assert "Our mail is not going out just now" in page.text


def test_a_closed_account_is_told_so(visit: Visit, client: Client, resident: Person) -> None:
    Person.objects.filter(pk=resident.pk).update(is_active=False)
    ask(visit, str(resident.email))
    page = visit(ENTER, data={"code": newest_code()})
    assert page.h1 == ["This account is closed"]
    assert who(client) is None


def test_there_is_no_password_anywhere(visit: Visit, resident: Person, signed_in: Any) -> None:
    for name in ("account_change_password", "account_set_password", "account_reset_password",
                 "account_email", "account_signup", "account_reauthenticate"):  # fmt: skip
        with pytest.raises(NoReverseMatch):
            reverse(name)
    for path in ("password/change/", "password/reset/", "signup/", "email/", "login/"):
        visit(f"/account/{path}", status=404)
    assert "password" not in [field.get("type") for field in visit(SIGN_IN).controls]


def test_signing_out_takes_a_click(
    visit: Visit, client: Client, resident: Person, signed_in: Any
) -> None:
    signed_in(resident)
    assert visit("/account/sign-out/").h1 == ["Sign out"]
    assert who(client) == resident.pk
    page = visit("/account/sign-out/", data={})
    assert who(client) is None
    assert "You are signed out." in page.text


def test_a_signed_in_person_has_no_need_to_sign_in(
    visit: Visit, resident: Person, signed_in: Any
) -> None:
    signed_in(resident)
    assert "My part" in visit(SIGN_IN).h1[0]
    assert "My part" in visit(ENTER).h1[0]


def test_entering_a_code_before_asking_leads_to_the_start(
    visit: Visit, authority: Authority
) -> None:
    assert visit(ENTER).h1 == ["Sign in or join"]
    assert visit("/account/sign-in/second-step/").h1 == ["Sign in or join"]


def test_the_code_travels_by_real_mail_in_words_and_in_html(
    visit: Visit, client: Client, authority: Authority, smtp: Any
) -> None:
    ask(visit, "post@example.org")
    [letter] = smtp.messages
    assert letter["to"] == "post@example.org"
    found = CODE.search(smtp.text())
    assert found
    assert found.group() in str(letter["subject"])
    assert found.group() in smtp.text("html")
    assert "15 minutes" in smtp.text() and "15 minutes" in smtp.text("html")
    assert "http" not in smtp.text("html").replace("https://www.w3.org", ""), "nothing to track"
    visit(ENTER, data={"code": found.group()})
    assert who(client) == Person.objects.get(email="post@example.org").pk


def test_a_session_remembers_only_what_its_own_person_proved(
    visit: Visit, client: Client, moderator: Person, signed_in: Any
) -> None:
    other = world.a_person()
    signed_in(moderator, second_factor=True)
    visit("/desk/")
    session = client.session
    session["account_authentication_methods_user"] = str(other.pk)
    session.save()
    assert visit("/desk/").h1 == ["Set up a second step first"]
