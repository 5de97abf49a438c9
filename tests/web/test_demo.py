"""The example borough: made through its people's own actions, the same every time."""

import json
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings
from django.urls import include, path

from commonweal.decide.ballots.models import Roll
from commonweal.decide.budgets.models import Pot
from commonweal.ground.challenges.models import Challenge
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority, Community, Organisation, RoleKind
from commonweal.kit.home import home
from commonweal.propose.proposals.models import Proposal, Status
from commonweal.web import demo
from commonweal.web import urls as site
from tests.factories import world
from tests.visit import Page

Visit = Callable[..., Page]
urlpatterns = [*site.urlpatterns, path("demo/", include("commonweal.web.demo_urls"))]
pytestmark = pytest.mark.django_db


@pytest.fixture
def larkmere(authority: Authority) -> None:
    """Give the pages two example people, without the rest of the borough."""
    world.a_person(world.root(authority), email="rosa@larkmere.example", name="Rosa")
    world.a_person(world.root(authority), email="delyth@larkmere.example", role=RoleKind.CLERK)


def test_the_borough_is_whole_and_filled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A smaller one: only the number of people differs."""
    monkeypatch.setattr(demo, "PEOPLE", 100)
    monkeypatch.setattr(demo, "VOTERS", 40)
    demo.fill()
    assert Community.objects.filter(kind="neighbourhood").count() == 12
    assert Organisation.objects.count() == 6
    assert Person.objects.count() == 100
    assert Challenge.objects.filter(published_at__isnull=False).count() == 3
    assert Proposal.objects.filter(published_at__isnull=False).count() == 60
    assert Pot.objects.filter(counted_at__isnull=True).count() == 1
    assert Pot.objects.filter(counted_at__isnull=False).count() == 1
    assert Roll.objects.exists()
    funded = Proposal.objects.filter(status=Status.FUNDED).count()
    assert 0 < funded < 8, "some won and some lost"

    told = json.loads((home() / "demo-people.json").read_text(encoding="utf-8"))
    assert {"name": "Rosa", "standing": "resident", "email": "rosa@larkmere.example"} in told
    assert all(Person.objects.filter(email=one["email"]).exists() for one in told)
    with CaptureQueriesContext(connection) as asked:
        demo.fill()
    assert len(asked) == 1, "a second fill only looks whether the borough is there"


@override_settings(ROOT_URLCONF=__name__)
def test_a_visitor_can_be_a_clerk_and_nobody_again(
    larkmere: None, client: Client, visit: Visit
) -> None:
    visit("/demo/be/delyth/", data={"next": "/desk/"})
    assert visit("/desk/").h1 == ["Desk"]
    visit("/demo/be/nobody/", data={"next": "/"})
    assert client.get("/desk/").status_code == 302


@override_settings(ROOT_URLCONF=__name__)
@pytest.mark.parametrize("key", ["someone-else", "root", "aled-1"])
def test_only_the_example_people_can_be_chosen(larkmere: None, client: Client, key: str) -> None:
    assert client.post(f"/demo/be/{key}/").status_code == 404


@override_settings(ROOT_URLCONF=__name__)
def test_the_switch_never_leads_to_another_site(larkmere: None, client: Client) -> None:
    answer = client.post("/demo/be/rosa/", {"next": "https://evil.example/"})
    assert answer["Location"] == "/"


@override_settings(ROOT_URLCONF=__name__)
def test_mail_shows_on_a_page_as_text(
    larkmere: None, visit: Visit, tmp_path: Path, settings: object
) -> None:
    letter = EmailMessage()
    letter["To"], letter["Subject"] = "rosa@larkmere.example", "<b>Your code</b>"
    letter.set_content("It is 123456 <script>alert(1)</script>")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "1.eml").write_bytes(bytes(letter))
    (tmp_path / "new" / "2.eml").write_bytes(b"\xff\xfe not a mail")
    with override_settings(MAILBOX=tmp_path):
        page = visit("/demo/mail/")
    assert "It is 123456 <script>alert(1)</script>" in page.text


def test_the_switch_is_nowhere_but_in_the_demo(larkmere: None, client: Client) -> None:
    assert client.post("/demo/be/rosa/").status_code == 404
    assert client.get("/demo/mail/").status_code == 404
