"""Single sign-on, against a real provider that runs in the test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from allauth.socialaccount.models import SocialAccount
from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpResponse
from django.test import Client
from oidc_provider_mock import run_server_in_thread

from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority
from commonweal.web import sign_on
from tests.visit import Page

Visit = Callable[..., Page]
START = "/account/sign-on/single/"
CHECKED = {"email": "Ruth@Example.org", "email_verified": True, "name": "Ruth"}


@pytest.fixture(scope="module")
def provider() -> Iterator[str]:
    """Return the address of a provider that runs until the tests here end."""
    with run_server_in_thread() as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture(autouse=True)
def _single_sign_on(provider: str, authority: Authority, settings: Any) -> None:
    cache.clear()
    given = {
        "COMMONWEAL_OIDC_SERVER": provider,
        "COMMONWEAL_OIDC_NAME": "Council sign-on",
        "COMMONWEAL_OIDC_CLIENT": "commonweal",
        "COMMONWEAL_OIDC_SECRET": "between us",
    }
    settings.SOCIALACCOUNT_PROVIDERS = {
        "openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": sign_on.providers(given)}
    }
    policy = dict(settings.CONTENT_SECURITY_POLICY["DIRECTIVES"])
    policy["form-action"] = ["'self'", *sign_on.origins(given)]
    settings.CONTENT_SECURITY_POLICY = {"DIRECTIVES": policy}


def knows(provider: str, sub: str, claims: dict[str, object]) -> None:
    requests.put(f"{provider}/users/{sub}", json=claims, timeout=20).raise_for_status()


def go(client: Client, provider: str, sub: str, **sent: str) -> Any:
    """Walk the whole way: to the provider, agree there, and back; return the last answer."""
    there = client.post(START, sent)
    assert there.status_code == 302, there.content.decode()[:2000]
    assert there["Location"].startswith(provider)
    agreed = requests.post(there["Location"], data={"sub": sub}, allow_redirects=False, timeout=20)
    assert agreed.status_code == 302, agreed.text
    back = urlsplit(agreed.headers["Location"])
    return client.get(f"{back.path}?{back.query}", follow=True)


def heading(answer: HttpResponse) -> str:
    return Page(answer.content.decode()).h1[0]


def test_the_sign_in_page_offers_it_and_lets_the_browser_go_there(
    visit: Visit, provider: str
) -> None:
    page = visit("/account/sign-in/")
    assert "Go on with Council sign-on" in page.text
    policy = page.response.headers["Content-Security-Policy"]  # type: ignore[attr-defined]
    assert f"form-action 'self' {provider}" in policy


def test_the_first_sign_in_makes_an_account_and_the_second_finds_it(
    client: Client, provider: str
) -> None:
    knows(provider, "ruth", CHECKED)
    assert heading(go(client, provider, "ruth")) == "What shall we call you?"
    person = Person.objects.get(email="ruth@example.org")
    assert int(client.session["_auth_user_id"]) == person.pk
    again = Client()
    go(again, provider, "ruth")
    assert int(again.session["_auth_user_id"]) == person.pk
    assert SocialAccount.objects.get().user_id == person.pk
    assert Person.objects.filter(email="ruth@example.org").count() == 1


def test_the_way_there_carries_a_proof_key_and_a_state(client: Client, provider: str) -> None:
    there = parse_qs(urlsplit(client.post(START)["Location"]).query)
    assert there["code_challenge_method"] == ["S256"]
    assert there["code_challenge"][0]
    assert there["state"][0]
    assert set(there["scope"][0].split()) == {"openid", "profile", "email"}


def test_a_checked_address_opens_the_account_it_already_has(
    client: Client, provider: str, resident: Person
) -> None:
    knows(provider, "rosa", {"email": resident.email, "email_verified": True})
    go(client, provider, "rosa")
    assert int(client.session["_auth_user_id"]) == resident.pk


@pytest.mark.parametrize("promise", [False, "false", "true", None, 1])
def test_an_unchecked_address_takes_nobodys_account(
    promise: object, client: Client, provider: str, resident: Person
) -> None:
    knows(provider, "thief", {"email": resident.email, "email_verified": promise})
    answer = go(client, provider, "thief")
    assert heading(answer) == "Sign in or join"
    assert "did not tell us an email address that it has checked" in answer.content.decode()
    assert "_auth_user_id" not in client.session
    assert not SocialAccount.objects.exists()


def test_no_address_at_all_is_explained(client: Client, provider: str) -> None:
    knows(provider, "shy", {"name": "Shy"})
    answer = go(client, provider, "shy")
    assert "Sign in with a code by email instead" in answer.content.decode()
    assert not Person.objects.exists()


def test_it_comes_back_to_where_one_was_but_to_no_other_site(
    client: Client, provider: str, resident: Person
) -> None:
    Person.objects.filter(pk=resident.pk).update(joined_at="2020-01-01T00:00Z")
    knows(provider, "rosa", {"email": resident.email, "email_verified": True})
    assert heading(go(client, provider, "rosa", next="/how-it-works/")) == "How it works"
    assert "My part" in heading(go(Client(), provider, "rosa", next="https://evil.example/"))


def test_saying_no_over_there_is_no_fault(client: Client, visit: Visit, provider: str) -> None:
    there = client.post(START)["Location"]
    refused = requests.post(there, data={"action": "deny"}, allow_redirects=False, timeout=20)
    back = urlsplit(refused.headers["Location"])
    state = parse_qs(urlsplit(there).query)["state"][0]  # this provider forgets to send it back
    page = visit(f"{back.path}?{back.query}&state={state}")
    assert page.h1 == ["You stopped signing in"]


def test_a_made_up_answer_opens_nothing(client: Client, visit: Visit, provider: str) -> None:
    page = visit(f"{START}back/?code=made-up&state=made-up", status=401)
    assert page.h1 == ["That sign-in did not work"]
    there = parse_qs(urlsplit(client.post(START)["Location"]).query)
    page = visit(f"{START}back/?code=made-up&state={there['state'][0]}", status=401)
    assert page.h1 == ["That sign-in did not work"]
    assert "_auth_user_id" not in client.session


def test_a_link_alone_starts_nothing(visit: Visit) -> None:
    assert visit(START).h1 == ["Go on to sign in"]


def test_a_provider_that_is_not_there_is_explained(visit: Visit, settings: Any) -> None:
    gone = {"COMMONWEAL_OIDC_SERVER": "http://127.0.0.1:9"}
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": sign_on.providers(gone)}}
    page = visit(START, data={}, status=502)
    assert page.h1 == ["That sign-in did not work"]


def test_tying_it_to_an_open_account_is_not_offered(
    visit: Visit, resident: Person, signed_in: Any
) -> None:
    signed_in(resident)
    visit(f"{START}?process=connect", status=404)
    visit(f"{START}?process=connect", data={}, status=404)
    visit("/account/sign-on/unknown/", status=404)


def test_an_account_with_a_second_step_asks_for_it_here_too(
    client: Client, provider: str, moderator: Person
) -> None:
    from allauth.mfa.totp.internal.auth import TOTP  # models are needed only here

    TOTP.activate(moderator, "JBSWY3DPEHPK3PXP")
    knows(provider, "mo", {"email": moderator.email, "email_verified": True})
    assert heading(go(client, provider, "mo")) == "Your second step"
    assert "_auth_user_id" not in client.session


def test_several_providers_are_named_in_one_setting() -> None:
    given = {
        "COMMONWEAL_OIDC": '[{"id": "a", "name": "A", "server": "https://a.example/realm",'
        ' "client": "c", "secret": "s"}, {"id": "b", "name": "B", "server": "https://b.example",'
        ' "client": "c", "secret": "s"}]',
        "COMMONWEAL_OIDC_ORIGINS": "https://login.b.example",
    }
    assert [one["provider_id"] for one in sign_on.providers(given)] == ["a", "b"]
    assert sign_on.origins(given) == [
        "https://a.example", "https://b.example", "https://login.b.example",
    ]  # fmt: skip


def test_without_any_setting_there_is_no_provider() -> None:
    assert sign_on.providers({}) == []
    assert sign_on.origins({}) == []


@pytest.mark.parametrize(
    ("wrong", "words"),
    [("{", "not JSON"), ("{}", "give a list"), ('[{"id": "a"}]', "client"), ("[1]", "give a list"),
     ('[{"id":"a","name":"A","server":"login","client":"c","secret":"s"}]', "starts like https")],
)  # fmt: skip
def test_a_mistake_in_the_setting_is_explained(wrong: str, words: str) -> None:
    with pytest.raises(ImproperlyConfigured, match=words):
        sign_on.origins({"COMMONWEAL_OIDC": wrong})
