"""Pages about the site itself, and what it says when something fails."""

from collections.abc import Callable

import pytest
from django.test import Client, override_settings
from django.urls import path

from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority
from commonweal.web import urls as site
from tests.visit import Page

Visit = Callable[..., Page]
pytestmark = pytest.mark.django_db


def _break(request: object) -> None:
    raise RuntimeError("secret detail")


urlpatterns = [*site.urlpatterns, path("broken/", _break)]
handler500 = site.handler500


@pytest.mark.parametrize("address", ["/how-it-works/", "/accessibility/", "/your-data/", "/api/"])
def test_anyone_can_read_about_the_site(authority: Authority, visit: Visit, address: str) -> None:
    assert visit(address).h1


def test_an_unknown_address_is_told_kindly(authority: Authority, visit: Visit) -> None:
    assert "Nothing is here" in visit("/no-such-page/", status=404).text


def test_an_address_that_no_authority_uses_says_so(
    authority: Authority, elsewhere: Authority, client: Client
) -> None:
    Authority.objects.filter(pk=authority.pk).update(host="larkmere.localhost")
    answer = client.get("/", headers={"host": "stranger.localhost"})
    assert answer.status_code == 404
    assert b"Nobody answers here" in answer.content


def test_a_failure_of_ours_gives_a_number_and_no_detail(
    authority: Authority, settings: object
) -> None:
    client = Client(raise_request_exception=False)
    with override_settings(ROOT_URLCONF=__name__):
        answer = client.get("/broken/")
    assert answer.status_code == 500
    assert b"Our side failed" in answer.content
    assert b"secret detail" not in answer.content


def test_a_form_without_its_protection_is_refused_in_words(authority: Authority) -> None:
    answer = Client(enforce_csrf_checks=True).post("/communities/near/", {"postcode": "LM1 1AA"})
    assert answer.status_code == 403
    assert b"Send that once more" in answer.content


def test_a_machine_can_ask_whether_we_are_well(authority: Authority, client: Client) -> None:
    assert client.get("/health/").json() == {"well": True}


def test_crawlers_are_kept_from_what_is_private(authority: Authority, client: Client) -> None:
    assert "Disallow: /me/" in client.get("/robots.txt").content.decode()


def test_the_desk_is_for_people_with_a_role_and_a_second_factor(
    authority: Authority,
    resident: Person,
    moderator: Person,
    client: Client,
    signed_in: Callable[..., Client],
    visit: Visit,
) -> None:
    assert client.get("/desk/").status_code == 302
    signed_in(resident)
    assert client.get("/desk/").status_code == 403
    signed_in(moderator)
    assert client.get("/desk/")["Location"].startswith("/me/second-factor/")
    signed_in(moderator, second_factor=True)
    assert visit("/desk/").h1 == ["Desk"]


@pytest.mark.parametrize(
    ("form", "leads_to"),
    [
        ({"path": "/api/challenges/{slug}", "slug": "home care"}, "/api/challenges/home%20care"),
        ({"path": "/api/challenges", "page": "2", "size": ""}, "/api/challenges?page=2"),
        ({"path": "//evil.example/api/"}, "/api/"),
        ({"path": "https://evil.example"}, "/api/"),
        ({"path": "/api/challenges/{slug}"}, "/api/"),
    ],
)
def test_trying_an_operation_never_leaves_the_api(
    authority: Authority, client: Client, form: dict[str, str], leads_to: str
) -> None:
    assert client.get("/api/try/", form)["Location"] == leads_to
