"""The example borough: made through its people's own actions, the same every time."""

import json
from collections import Counter
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings
from django.urls import include, path
from django.utils import timezone

from commonweal.decide.ballots.models import Roll
from commonweal.decide.budgets.models import Picture, Pot, Question, Round
from commonweal.decide.registers.models import Register
from commonweal.ground.challenges.models import Challenge
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority, Community, Organisation, RoleKind
from commonweal.kit.home import home
from commonweal.propose.appraisals.models import Appraisal
from commonweal.propose.proposals.models import Merge, Proposal, Status
from commonweal.web import demo, demo_pots
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
    assert Challenge.objects.filter(published_at__isnull=False).count() == 4
    assert Proposal.objects.filter(published_at__isnull=False).count() == 60
    at, everybody = timezone.now(), Pot.objects.filter(is_draft=False)
    states = Counter((pot.ballot_kind, pot.state(at)) for pot in everybody)
    assert states == {
        ("approval", "open"): 1,
        ("approval", "counted"): 1,
        ("approval", "coming"): 1,
        ("approval", "withdrawn"): 1,
        ("basket", "open"): 3,
        ("points", "open"): 1,
        ("choose-one", "counted"): 1,
        ("ranked", "closed"): 1,
        ("scores", "coming"): 1,
    }
    draft = Pot.objects.get(is_draft=True)
    assert draft.projects.count() == 4
    assert Round.objects.get().pots.count() == 3
    assert Picture.objects.count() == 3
    assert Question.objects.exclude(answer="").count() == 2
    assert Pot.objects.exclude(ballots=None).count() == 8
    assert Roll.objects.exists()
    funded = Proposal.objects.filter(status=Status.FUNDED).count()
    assert 0 < funded < 8, "some won and some lost"
    found = list(Appraisal.objects.all())
    assert {one.state for one in found} == {"draft", "shown", "appealed", "final"}
    assert {one.settled_by for one in found} == {"", "accepted", "days", "appeal"}
    assert all(one.state != "shown" or one.takes_answers(at) for one in found)
    assert {row.lacks_agreement for row in Appraisal.objects.filter(state="final")} == {True, False}
    assert set(Merge.objects.values_list("state", flat=True)) == {"suggested", "merged"}

    codes = json.loads((home() / "demo-codes.json").read_text(encoding="utf-8"))
    takes = Pot.objects.get(title=codes["pot"])
    assert takes.is_open(at) and takes.code_batches.count() == 2
    browser = Client()
    assert browser.post("/v/", {"code": codes["codes"][0]}).status_code == 302, "nobody has used it"
    assert Roll.objects.filter(pot=takes, voting_code__isnull=False).count() == 6
    assert Register.objects.get().entries.count() >= 50

    told = json.loads((home() / "demo-people.json").read_text(encoding="utf-8"))
    assert {"name": "Rosa", "standing": "resident", "email": "rosa@larkmere.example"} in told
    assert all(Person.objects.filter(email=one["email"]).exists() for one in told)
    with CaptureQueriesContext(connection) as asked:
        demo.fill()
    assert len(asked) == 1, "a second fill only looks whether the borough is there"


def test_a_borough_filled_by_an_older_version_gets_what_is_new(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(demo, "PEOPLE", 60)
    monkeypatch.setattr(demo, "VOTERS", 10)
    with monkeypatch.context() as older:
        older.setattr(demo_pots, "fill", lambda **_given: None)
        demo.fill()
    before = Pot.objects.count()
    kept = set(Pot.objects.values_list("pk", "title", "result__voters"))
    demo.fill()
    assert Pot.objects.count() == before + 9
    assert kept <= set(Pot.objects.values_list("pk", "title", "result__voters"))
    demo.fill()
    assert Pot.objects.count() == before + 9


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


@override_settings(ROOT_URLCONF=__name__, DEMO=True)
def test_who_gave_no_name_is_not_called_by_one(
    larkmere: None, visit: Visit, signed_in: Callable[..., Client]
) -> None:
    page = visit("/", client=signed_in(world.a_person(name="")))
    assert "This is an example. You are signed in." in page.text


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
