"""The pages of a delivery: what everybody reads, what those who run it write, panels, feed and API."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from commonweal.decide.budgets.models import Pot, Project
from commonweal.deliver.milestones import actions, queries
from commonweal.deliver.milestones.models import Came, Delivery, Milestone, Post
from commonweal.ground.challenges.models import Challenge
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority, Organisation, RoleKind
from commonweal.ground.places.rules import Viewer
from commonweal.propose.proposals.models import HiddenReason
from commonweal.propose.proposals.models import Status as Standing
from tests.deliver.conftest import COST, days
from tests.factories import world
from tests.visit import Page

pytestmark = pytest.mark.django_db
SeenBy = Callable[..., Viewer]
Visit = Callable[..., Page]
SignIn = Callable[..., Client]


@pytest.fixture
def at(delivery: Delivery) -> str:
    """Return the address of the delivery's page."""
    return f"/money/projects/{delivery.project_id}/delivery/"


@pytest.fixture
def told(delivery: Delivery, member: Person, seen_by: SeenBy, now: datetime) -> Delivery:
    """Return the delivery with a milestone reached, one to come, a mistake put right, an outcome."""
    viewer = seen_by(member)
    number = delivery.project_id
    for title, due in (("Six lamps", 10), ("Six more", 70)):
        actions.plan_milestone(
            viewer=viewer, project_id=number, title=title, seen=f"{title} are lit.",
            due_on=days(now, due), words="As the trust agreed.",
        )  # fmt: skip
    actions.tell(
        viewer=viewer, project_id=number, status="started", words="The first lamp is ordered.",
        happened_on=days(now, -20), due_on=days(now, 70),
    )  # fmt: skip
    reached = actions.reach_milestone(
        viewer=viewer, milestone_id=Milestone.objects.order_by("pk")[0].pk, done_on=days(now, -2),
        evidence="They are lit from five.", link="https://example.org/lamps",
        spent_pence=14_000_00,
    )  # fmt: skip
    actions.correct(
        viewer=viewer, post_id=reached.pk, words="It was £13,500.", spent_pence=13_500_00
    )
    actions.say_what_came(
        viewer=viewer, project_id=number, came=Came.AS_PROMISED, words="Asked at the bridge.",
        measured="64 of 100 walk home after dark.", happened_on=days(now, -1),
    )  # fmt: skip
    return Delivery.objects.get()


def test_everybody_reads_where_it_stands_and_what_came_of_it(
    told: Delivery, at: str, visit: Visit, pot: Pot
) -> None:
    page = visit(at)
    assert page.h1 == ["Lights on the path: how it goes"]
    for words in (
        "Canal Trust", "People walk home after dark.", "64 of 100 walk home after dark.",
        "As promised", "Six lamps are lit.", "They are lit from five.", "£13,500 spent so far",
        "It was £13,500.", "Put right on", "The first lamp is ordered.", "Told by Canal Trust",
    ):  # fmt: skip
        assert words in page.text, words
    assert page.text.count("It is reached") == 0, "nobody is asked to tell who may not"
    assert "https://example.org/lamps" in page.links
    assert f"/money/{pot.pk}/delivery/feed/" in page.links
    assert "Tess" not in page.text, "who told it is an organisation, not a person"


@pytest.mark.parametrize(
    ("status", "heading"),
    [("delayed", "Why it takes longer"), ("stopped", "Why it stopped"), ("started", "")],
)
def test_what_goes_wrong_is_said_first(
    status: str,
    heading: str,
    delivery: Delivery,
    at: str,
    member: Person,
    seen_by: SeenBy,
    visit: Visit,
    now: datetime,
) -> None:
    actions.tell(
        viewer=seen_by(member), project_id=delivery.project_id, status=status,
        words="The bats nest until May.", happened_on=now.date(), money="Kept for spring.",
    )  # fmt: skip
    text = visit(at).text
    if heading:
        assert text.index(heading) < text.index("Kept for spring.") < text.index("Promised, and")
    else:
        assert "Why it" not in text.replace("Why it was funded", "")


def test_a_later_month_never_hides_the_first_one(
    told: Delivery, at: str, visit: Visit, client: Client, member: Person, seen_by: SeenBy,
    now: datetime,
) -> None:  # fmt: skip
    step = Milestone.objects.get(title="Six more")
    assert "at first" not in visit(at).text
    actions.change_milestone(
        viewer=seen_by(member), milestone_id=step.pk, title="Six more lamps", seen=step.seen,
        due_on=days(now, 140), words="The bats sleep there.",
    )  # fmt: skip
    first, later = (f"{days(now, n):%B %Y}" for n in (70, 140))
    page = visit(at).text
    assert f"Planned for {later}, at first for {first}" in page and f"at first {first}" in page
    steps = client.get(f"/api/deliveries/{told.project_id}/milestones").json()["items"]
    assert [row["first_due_on"] for row in steps] == [
        str(days(now, 10)), str(days(now, 70)),
    ]  # fmt: skip


def test_before_anything_is_told_the_page_says_what_will_be_here(
    delivery: Delivery, at: str, visit: Visit
) -> None:
    page = visit(at)
    assert "Work has not begun." in page.text
    assert "No milestones are planned yet." in page.text
    assert "Nothing has been told yet." in page.text


def test_other_pages_show_it(
    told: Delivery,
    pot: Pot,
    visit: Visit,
    client: Client,
    signed_in: SignIn,
    member: Person,
) -> None:
    project = told.project
    assert "Under way" in visit(f"/money/projects/{project.pk}/").text
    assert project.proposal is not None
    assert "How it goes" in visit(project.proposal.get_absolute_url()).text
    assert "Lights on the path" in visit("/").text
    assert "Lights on the path" in visit("/money/delivery/").text
    assert "Lights on the path" in visit(f"/money/delivery/?pot={pot.pk}&status=started").text
    assert "Nothing is funded" not in visit("/money/delivery/?status=done").text
    for nonsense in ("?pot=%00", "?pot=99999999999999999999", "?status=x", "?page=x"):
        visit(f"/money/delivery/{nonsense}")
    signed_in(member)
    assert "Projects your organisation runs" in visit("/me/").text


def test_the_panel_of_a_result_lists_what_became_of_it(
    told: Delivery, pot: Pot, seen_by: SeenBy
) -> None:
    found = queries.pot_panel(seen_by(None), pot)
    assert found is not None
    assert list(found["deliveries"]) == [told]
    Pot.objects.filter(pk=pot.pk).update(declared_at=None)
    assert queries.pot_panel(seen_by(None), Pot.objects.get(pk=pot.pk)) is None, "an embargo holds"


def test_nothing_old_stands_on_the_front_page(
    told: Delivery, seen_by: SeenBy, now: datetime
) -> None:
    assert queries.home_panel(seen_by(None), None) is not None
    assert queries.home_panel(seen_by(None, at=now + timedelta(days=61)), None) is None


def test_a_member_tells_it_by_the_forms_alone(
    delivery: Delivery, at: str, member: Person, signed_in: SignIn, visit: Visit, now: datetime
) -> None:
    signed_in(member)
    assert "You tell how it goes" in visit(at).text
    today, later = f"{now:%Y-%m-%d}", f"{now + timedelta(days=70):%Y-%m}"
    milestone = {
        "title": "Six lamps", "seen": "They are lit.", "due_on": later, "words": "As agreed.",
    }  # fmt: skip
    page = visit(f"{at}milestones/new/", data=milestone)
    assert "It stands there for everybody to read." in page.text
    step = Milestone.objects.get()
    assert (step.due_on.year, step.due_on.month) == tuple(map(int, later.split("-")))
    assert (step.due_on + timedelta(days=1)).day == 1
    visit(
        f"{at}tell/",
        data={
            "status": "started",
            "words": "Ordered.",
            "happened_on": today,
            "spent_pence": "£1,200",
        },
    )
    change = {**milestone, "title": "Seven lamps", "words": "One more."}
    visit(f"/money/milestones/{step.pk}/", data=change)
    visit(
        f"/money/milestones/{step.pk}/reached/",
        data={"evidence": "They are lit.", "done_on": today, "link": "example.org/lamps"},
    )
    step.refresh_from_db()
    assert (step.title, step.link) == ("Seven lamps", "https://example.org/lamps")
    reached = Post.objects.get(kind="done")
    visit(f"/money/posts/{reached.pk}/correct/", data={"words": "Only four.", "is_undone": "on"})
    visit(f"/money/milestones/{step.pk}/drop/", data={"words": "The bats."})
    came = {
        "came": "less", "measured": "4 lamps", "words": "Four.", "happened_on": today,
    }  # fmt: skip
    visit(f"{at}outcome/", data=came)
    visit(f"{at}tell/", data={"status": "done", "words": "As far as we got.", "happened_on": today})
    assert list(Post.objects.order_by("pk").values_list("kind", flat=True)) == [
        "plan", "status", "change", "done", "correction", "drop", "outcome", "status",
    ]  # fmt: skip
    assert Delivery.objects.get().spent_pence == 1_200_00
    assert "You tell how it goes" in visit(at).text


@pytest.mark.parametrize(
    ("where", "given", "words"),
    [
        ("tell/", {"words": ""}, "Fill in: Say it in plain words"),
        ("tell/", {"status": ""}, "Fill in: Where does it stand now?"),
        ("tell/", {"status": "flying"}, "Select a valid choice"),
        ("tell/", {"status": "stopped"}, "Say what happens to the money that is left"),
        ("tell/", {"happened_on": "2031-01-01"}, "between the opening of the vote and today"),
        ("tell/", {"happened_on": "yesterday"}, "Write the day like"),
        ("tell/", {"due_on": "soon"}, "Write the month like 2027-03"),
        ("tell/", {"due_on": "2027-13"}, "Write the month like 2027-03"),
        ("tell/", {"spent_pence": "lots"}, "Write the amount in pounds, like 1200"),
        ("tell/", {"spent_pence": "30,005"}, "This is £5 more than the vote gave."),
        ("tell/", {"link": "javascript:alert(1)"}, "Write the whole address"),
        ("tell/", {"status": "done"}, "First say that these are reached, or drop them: Six lamps"),
        ("tell/", {"words": "x\x07y"}, "cannot be shown"),
        ("tell/", {"words": "x" * 2_001}, "at most 2000 characters"),
        ("outcome/", {"came": "more"}, "Say what was measured"),
        ("outcome/", {"came": "glory", "measured": "1"}, "Select a valid choice"),
        ("milestones/new/", {"title": "", "seen": "x", "due_on": "2027-01"}, "Fill in: Name"),
    ],
)
def test_what_cannot_be_is_refused_in_clear_words_and_nothing_is_kept(
    where: str,
    given: dict[str, str],
    words: str,
    delivery: Delivery,
    at: str,
    member: Person,
    signed_in: SignIn,
    visit: Visit,
    now: datetime,
) -> None:
    Milestone.objects.create(
        delivery=delivery, title="Six lamps", seen="Lit.", due_on=days(now, 30)
    )
    signed_in(member)
    whole = {"status": "stays", "words": "So it is.", "happened_on": f"{now:%Y-%m-%d}"}
    page = visit(f"{at}{where}", data={**whole, **given})
    assert page.title.startswith("Mistake:")
    assert words in page.text
    assert not Post.objects.exists()
    assert Milestone.objects.count() == 1


def test_the_doors_are_for_those_who_run_it(
    told: Delivery,
    at: str,
    authority: Authority,
    elsewhere: Authority,
    resident: Person,
    moderator: Person,
    member: Person,
    clerk: Person,
    client: Client,
    signed_in: SignIn,
) -> None:
    step = Milestone.objects.order_by("pk")[1]
    post = Post.objects.order_by("pk")[0]
    forms = [f"{at}tell/", f"{at}outcome/", f"{at}milestones/new/"]
    forms += [f"/money/milestones/{step.pk}/{part}" for part in ("", "reached/", "drop/")]
    forms += [f"/money/posts/{post.pk}/correct/"]
    for address in (*forms, f"{at}who/"):
        assert client.get(address)["Location"].startswith("/account/sign-in/")
    abroad = world.a_person(world.root(elsewhere), role=RoleKind.ADMINISTRATOR)
    for person in (resident, moderator, abroad):
        signed_in(person, second_factor=True)
        assert {client.post(address, {}).status_code for address in (*forms, f"{at}who/")} == {403}
    signed_in(clerk)
    assert {client.get(address)["Location"][:18] for address in forms} == {"/me/second-factor/"}
    signed_in(clerk, second_factor=True)
    assert {client.get(address).status_code for address in (*forms, f"{at}who/")} == {200}
    signed_in(member)
    assert {client.get(address).status_code for address in forms} == {200}
    assert client.get(f"{at}who/").status_code == 403


def test_staff_write_down_who_runs_it(
    delivery: Delivery,
    at: str,
    authority: Authority,
    elsewhere: Authority,
    clerk: Person,
    signed_in: SignIn,
    visit: Visit,
) -> None:
    other = world.an_organisation(authority, name="Lamp Lighters")
    theirs = world.an_organisation(elsewhere, name="Northern Lights")
    signed_in(clerk, second_factor=True)
    assert "Northern Lights" not in visit(f"{at}who/").text
    refused = visit(f"{at}who/", data={"organisation": theirs.pk, "run_by": "", "words": "Why."})
    assert refused.title.startswith("Mistake:")
    nobody = visit(f"{at}who/", data={"organisation": "", "run_by": "", "words": "Why."})
    assert "name who runs it in words" in nobody.text
    visit(f"{at}who/", data={"organisation": other.pk, "run_by": "", "words": "They know lamps."})
    assert Delivery.objects.get().organisation == other
    assert "Lamp Lighters" in visit(at).text


def test_the_desk_shows_what_nobody_speaks_of(
    delivery: Delivery, clerk: Person, resident: Person, seen_by: SeenBy, now: datetime
) -> None:
    assert queries.desk_panel(seen_by(clerk), None) is None
    Milestone.objects.create(
        delivery=delivery, title="Six lamps", seen="Lit.", due_on=days(now, -40)
    )
    found = queries.desk_panel(seen_by(clerk), None)
    assert found is not None and found["deliveries"] == [delivery]
    assert queries.desk_panel(seen_by(resident), None) is None
    Delivery.objects.update(spoken_at=now, organisation=None, run_by="")
    assert queries.desk_panel(seen_by(clerk), None) is not None, "nobody is named who runs it"
    Delivery.objects.update(run_by="Highways team")
    assert queries.desk_panel(seen_by(clerk), None) is None


# --- what is not to be seen


def test_a_pot_that_is_not_public_hides_its_deliveries(
    told: Delivery,
    at: str,
    challenge: Challenge,
    client: Client,
    visit: Visit,
    seen_by: SeenBy,
) -> None:
    Challenge.objects.filter(pk=challenge.pk).update(published_at=None)
    for address in (at, f"/money/{told.project.pot_id}/delivery/feed/"):
        assert client.get(address).status_code == 404
    assert client.get(f"/api/deliveries/{told.project_id}").status_code == 404
    assert client.get("/api/deliveries").json()["count"] == 0
    assert "Lights on the path" not in visit("/money/delivery/").text
    assert queries.home_panel(seen_by(None), None) is None


def test_the_words_of_a_hidden_idea_are_hidden_here_too(
    told: Delivery, at: str, client: Client, visit: Visit
) -> None:
    idea = told.project.proposal
    assert idea is not None
    type(idea).objects.filter(pk=idea.pk).update(status=Standing.HIDDEN, hidden_reason="Unkind")
    assert "People walk home after dark." not in visit(at).text
    told_by_api = client.get(f"/api/deliveries/{told.project_id}").json()
    assert told_by_api["promised"] == "A moderator hid the words of this idea."


def test_a_moderator_hides_what_was_told_and_shows_it_again(
    told: Delivery,
    at: str,
    member: Person,
    moderator: Person,
    client: Client,
    signed_in: SignIn,
    visit: Visit,
) -> None:
    post = Post.objects.get(kind="done")
    hide, show = (f"/money/posts/{post.pk}/{do}/" for do in ("hide", "show"))
    signed_in(member)
    assert client.post(hide, {"reason": "private"}).status_code == 403
    signed_in(moderator, second_factor=True)
    assert visit(hide, data={"reason": "no such"}).title.startswith("Mistake:")
    reason = HiddenReason.values[0]
    visit(hide, data={"reason": reason})
    signed_in(member)
    feed = f"/money/{told.project.pot_id}/delivery/feed/"
    addresses = [at, feed, "/money/delivery/", "/what-changed/"]
    addresses += [f"/api/deliveries/{told.project_id}/{part}" for part in ("posts", "milestones")]
    for address in addresses:
        text = client.get(address).content.decode()
        assert "They are lit from five." not in text, address
        assert "https://example.org/lamps" not in text, address
    text = visit(at).text
    assert "A moderator hid these words." in text
    assert "The reason, which only you see:" in text
    assert Post.objects.get(kind="done").words == "They are lit from five.", "it stays as written"
    signed_in(moderator, second_factor=True)
    for _twice in range(2):
        visit(show, data={"go": "on"})
    assert visit(at).text.count("They are lit from five.") == 2
    assert "https://example.org/lamps" in visit(at).links


# --- for programs


def test_the_api_tells_everything_public(
    told: Delivery, client: Client, organisation: Organisation
) -> None:
    (row,) = client.get("/api/deliveries").json()["items"]
    assert row == client.get(f"/api/deliveries/{told.project_id}").json()
    assert (row["status"], row["spent_pence"], row["cost_pence"]) == ("started", 13_500_00, COST)
    assert (row["organisation"], row["pot_id"]) == (organisation.slug, told.project.pot_id)
    steps = client.get(f"/api/deliveries/{told.project_id}/milestones").json()["items"]
    assert [(s["title"], s["done_on"] is None) for s in steps] == [
        ("Six lamps", False), ("Six more", True),
    ]  # fmt: skip
    posts = client.get(f"/api/deliveries/{told.project_id}/posts").json()["items"]
    right = next(post for post in posts if post["kind"] == "correction")
    wrong = next(post for post in posts if post["id"] == right["corrects"])
    assert (wrong["kind"], wrong["spent_pence"]) == ("done", 14_000_00)
    assert "who" not in right and "Tess" not in str(posts), "no person is named"


def test_the_feed_of_a_pot_reads_as_atom_and_holds_broken_letters(
    told: Delivery, member: Person, seen_by: SeenBy, client: Client
) -> None:
    Project.objects.update(title="Lights\x00\x0b".replace("\x00", "") + " on")
    answer = client.get(f"/money/{told.project.pot_id}/delivery/feed/")
    feed = ET.fromstring(answer.content)
    spaces = {"a": "http://www.w3.org/2005/Atom"}
    entries = feed.findall("a:entry", spaces)
    assert len(entries) == Post.objects.count()
    assert len({entry.findtext("a:id", "", spaces) for entry in entries}) == len(entries)
    links = [entry.find("a:link", spaces) for entry in entries]
    assert all("#post-" in link.get("href", "") for link in links if link is not None)
    assert client.post(f"/money/{told.project.pot_id}/delivery/feed/").status_code == 405
    other = client.get(f"/money/{world.a_pot(told.project.pot.challenge).pk}/delivery/feed/")
    assert other.status_code == 200, "nothing told yet is an empty feed"


def test_a_page_costs_the_same_however_much_was_told(
    told: Delivery,
    at: str,
    member: Person,
    seen_by: SeenBy,
    client: Client,
    signed_in: SignIn,
    now: datetime,
) -> None:
    signed_in(member)

    def costs() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert client.get(at).status_code == 200
        return len(asked)

    client.get(at)
    before = costs()
    for k in range(15):
        viewer = seen_by(member, at=now + timedelta(minutes=k))
        actions.plan_milestone(
            viewer=viewer, project_id=told.project_id, title=f"{k}", seen="x",
            due_on=days(now, 99), words="More.",
        )  # fmt: skip
    assert costs() <= before <= 12


def test_hostile_words_are_only_ever_words(
    delivery: Delivery, at: str, member: Person, signed_in: SignIn, visit: Visit, now: datetime
) -> None:
    signed_in(member)
    for payload in ("<script>alert(1)</script>", "' onload=x \"", "{{ 7777|add:77 }}", "%(title)s"):
        said = {"status": "stays", "words": payload, "happened_on": f"{now:%Y-%m-%d}"}
        page = visit(f"{at}tell/", data=said, check=False)
        assert page.faults == []
        assert payload in page.text
        assert "<script>alert" not in page.html
        assert "7854" not in page.text
