"""Who may open a page at all, and where they come back to."""

from collections.abc import Callable

import pytest
from django.test import Client

from commonweal.ground.places.models import Authority
from tests.factories import world


@pytest.mark.parametrize(
    ("stood_on", "comes_back_to"),
    [
        (
            "http://testserver/challenges/home-care/?page=2",
            "/challenges/home-care/%3Fpage%3D2",
        ),
        ("https://evil.example/challenges/", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ],
)
def test_a_form_sent_after_the_session_ended_comes_back_to_its_page(
    authority: Authority, client: Client, stood_on: str, comes_back_to: str
) -> None:
    challenge = world.a_challenge(authority, slug="home-care")
    address = f"/challenges/{challenge.slug}/follow/"
    answer = client.post(address, headers={"referer": stood_on})
    assert answer.status_code == 302
    assert answer["Location"].endswith(f"?next={comes_back_to}"), answer["Location"]


def test_a_page_comes_back_to_itself(authority: Authority, client: Client) -> None:
    assert client.get("/me/?a=b")["Location"].endswith("?next=/me/%3Fa%3Db")


def test_a_role_is_not_enough_without_the_second_factor(
    administrator: object, client: Client, signed_in: Callable[..., Client]
) -> None:
    signed_in(administrator)
    assert client.get("/desk/")["Location"] == "/me/second-factor/?next=%2Fdesk%2F"
    signed_in(administrator, second_factor=True)
    assert client.get("/desk/").status_code == 200
