"""The pages of challenges, read by anyone and set up by staff."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from commonweal.ground.challenges import queries
from commonweal.ground.challenges.models import Challenge, Outcome, Stage, Step
from commonweal.ground.journal.actions import record
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority
from commonweal.ground.places.rules import Viewer
from tests.factories import world
from tests.spread.announced import announced as announced
from tests.visit import Page

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("announced")]
Visit = Callable[..., Page]
SignIn = Callable[..., Client]
HOSTILE = "<script>alert(1)</script>=1+1'\";--"


@pytest.fixture
def at_the_desk(signed_in: SignIn, leader: Person) -> Client:
    return signed_in(leader, second_factor=True)


def test_a_challenge_page_says_where_it_stands_and_what_should_get_better(
    authority: Authority, visit: Visit
) -> None:
    challenge = world.a_challenge(authority, money_pence=240_000_00)
    page = visit(f"/challenges/{challenge.slug}/")
    for words in (
        challenge.title,
        "now, step 2 of 7",
        "66 people in 100",
        "I feel safe at home",
        "Was 58 at the start. We aim for 75.",
        "£240,000",
        challenge.owner.name,
        "Sign in to take part",
    ):
        assert words in page.text
    assert page.text.index("I feel safe at home") < page.text.index("£240,000")


def test_a_challenge_without_figures_says_so(authority: Authority, visit: Visit) -> None:
    challenge = world.a_challenge(authority, outcome=False)
    Outcome.objects.create(
        challenge=challenge, statement="I sleep", for_whom="All", measure="Asked", unit="nights"
    )
    assert "Not measured yet." in visit(f"/challenges/{challenge.slug}/").text


def test_a_challenge_with_nothing_open_names_the_next_step(
    authority: Authority, visit: Visit
) -> None:
    challenge = world.a_challenge(authority, stage=Stage.LISTEN)
    soon = timezone.now() + timedelta(days=20)
    Step.objects.create(challenge=challenge, stage="propose", opens_at=soon)
    page = visit(f"/challenges/{challenge.slug}/")
    assert "Nothing is open just now" in page.text
    assert "The next step is “Propose”" in page.text


def test_drafts_and_other_authorities_are_not_there(
    authority: Authority, elsewhere: Authority, client: Client, signed_in: SignIn, resident: Person
) -> None:
    draft = world.a_challenge(authority, published=False)
    theirs = world.a_challenge(elsewhere)
    signed_in(resident)
    assert client.get(f"/challenges/{draft.slug}/").status_code == 404
    assert client.get(f"/challenges/{theirs.slug}/").status_code == 404
    assert (
        client.get(f"/challenges/{theirs.slug}/", headers={"host": elsewhere.host}).status_code
        == 200
    )


def test_the_list_is_narrowed_and_survives_nonsense(authority: Authority, visit: Visit) -> None:
    warm = world.a_challenge(authority, title="Warm houses")
    world.a_challenge(authority, title="Safe streets", stage=Stage.DECIDE)
    assert "Safe streets" not in visit("/challenges/?q=warm").text
    assert "Warm houses" not in visit("/challenges/?stage=decide").text
    assert "Warm houses" in visit(f"/challenges/?community={warm.community.slug}").text
    assert "No challenge like that" in visit("/challenges/?q=elephants").text
    for nonsense in ("?page=-1", "?page=x", "?stage=x&community=%00", "?q=%00", "?q=%27%22%3C%26"):
        visit(f"/challenges/{nonsense}")


def test_the_empty_list_says_what_will_be_there(authority: Authority, visit: Visit) -> None:
    assert "No challenge yet" in visit("/challenges/").text


@pytest.mark.parametrize("rows", [3, 30])
def test_pages_ask_as_few_questions_for_many_rows_as_for_few(
    rows: int,
    authority: Authority,
    leader: Person,
    at_the_desk: Client,
    visit: Visit,
    now: datetime,
    django_assert_max_num_queries: Callable[[int], Any],
) -> None:
    made = [world.a_challenge(authority) for _row in range(rows)]
    busy = made[0]
    for _row in range(rows):
        idea = world.a_proposal(busy, author=leader)
        record(what="proposal.published", who=leader, about=idea, at=now, public=True)
        record(what="challenge.changed", who=leader, about=busy, at=now, public=True)
        first = busy.outcomes.first()
        assert first
        record(what="outcome.added", who=leader, about=first, at=now, public=True)
    with django_assert_max_num_queries(12):
        visit("/challenges/")
    with django_assert_max_num_queries(12):
        visit(f"/challenges/{busy.slug}/")


def test_staff_set_up_a_challenge_in_five_steps(
    authority: Authority, leader: Person, at_the_desk: Client, visit: Visit
) -> None:
    service = world.a_service(authority)
    basics = {
        "community": world.root(authority).pk,
        "title": "Getting home well",
        "question": "What would help?",
        "background": HOSTILE,
        "who_is_concerned": "People who leave hospital",
        "service": service.pk,
        "owner": service.provider_id,
    }
    assert "Add the first outcome" in visit("/desk/challenges/new/", data=basics).text
    desk = "/desk/challenges/getting-home-well/"
    page = visit(f"{desk}money/", data={"pence": "£240,000"})
    assert "Money comes after the outcome" in page.text
    assert Challenge.objects.get().money_pence is None
    page = visit(f"{desk}check/", data={})
    assert "It needs at least one outcome and the dates of one step" in page.text
    outcome = {
        "statement": "I feel safe",
        "for_whom": "Everyone",
        "measure": "Asked",
        "unit": "people in 100",
        "direction": "more",
        "baseline": "58",
        "aim": "75",
    }
    assert "Add another outcome" in visit(f"{desk}outcomes/", data=outcome).text
    dates = {"listen_opens": "2026-01-05T09:00", "listen_closes": "2026-02-05T20:00"}
    assert "What money there is" in visit(f"{desk}dates/", data=dates).text
    assert visit(f"{desk}money/", data={"pence": "£240,000"}).h1 == ["Check and publish"]
    page = visit(f"{desk}check/", data={})
    assert page.h1 == ["Getting home well"]
    assert "<script>alert" not in page.html
    made = Challenge.objects.get()
    assert made.is_public
    assert made.money_pence == 240_000_00
    step = made.steps.get()
    assert timezone.localtime(step.opens_at).hour == 9


@pytest.mark.parametrize(
    ("page", "wrong", "words"),
    [
        ("money", {"pence": "lots"}, "Write the amount in pounds"),
        ("money", {"pence": "0"}, "Write an amount above nothing"),
        ("money", {"pence": "999999999999999999"}, "Write an amount above nothing"),
        ("dates", {"listen_opens": "0001-01-01T00:00"}, "Choose a year between"),
        ("dates", {"listen_opens": "never"}, "Write the day and hour like"),
        ("dates", {"listen_closes": "2026-02-05T20:00"}, "Say when it opens"),
        (
            "dates",
            {"listen_opens": "2026-02-05T20:00", "propose_opens": "2026-01-01T20:00"},
            "A later step opens before an earlier one",
        ),
        (
            "dates",
            {"decide_opens": "2026-02-05T20:00", "decide_closes": "2026-01-01T20:00"},
            "Decide has to close after it opens",
        ),
        ("", {"title": " "}, "Fill in: Title"),
        ("", {"title": "Better buses"}, "Choose: Who answers for it"),
        ("outcomes", {"statement": "x\x00"}, "character"),
        ("outcomes", {"baseline": "1e400"}, "Ensure"),
        ("", {"title": "a\x01b", "question": "?"}, "cannot be shown"),
    ],
)
def test_mistakes_are_told_on_the_same_page(
    page: str,
    wrong: dict[str, str],
    words: str,
    authority: Authority,
    at_the_desk: Client,
    visit: Visit,
) -> None:
    challenge = world.a_challenge(authority, published=False)
    before = [Challenge.objects.values().get(), list(Step.objects.values())]
    address = f"/desk/challenges/{challenge.slug}/{page and page + '/'}"
    shown = visit(address, data=wrong)
    assert shown.title.startswith("Mistake: ")
    assert words in shown.text
    assert [Challenge.objects.values().get(), list(Step.objects.values())] == before


def test_the_last_outcome_of_a_public_challenge_stays(
    authority: Authority, at_the_desk: Client, visit: Visit
) -> None:
    challenge = world.a_challenge(authority)
    outcome = challenge.outcomes.get()
    address = f"/desk/challenges/{challenge.slug}/outcomes/{outcome.pk}/"
    assert "This is the last outcome" in visit(f"{address}remove/", data={}).text
    assert at_the_desk.get(f"{address}remove/").status_code == 405
    assert "66" in visit(address).html


PAGES = ("", "outcomes/", "outcomes/1/", "dates/", "money/", "check/")


@pytest.mark.parametrize("page", PAGES)
def test_the_desk_is_shut_to_others(
    page: str,
    authority: Authority,
    elsewhere: Authority,
    resident: Person,
    moderator: Person,
    leader: Person,
    client: Client,
    signed_in: SignIn,
) -> None:
    public = f"/desk/challenges/{world.a_challenge(authority).slug}/{page}"
    draft = f"/desk/challenges/{world.a_challenge(authority, published=False).slug}/{page}"
    theirs = f"/desk/challenges/{world.a_challenge(elsewhere).slug}/{page}"
    assert client.get(public).status_code == 302
    signed_in(resident)
    assert client.get(public).status_code == 403
    signed_in(leader)
    assert client.get(public)["Location"].startswith("/me/second-factor/")
    signed_in(moderator, second_factor=True)
    assert client.get(public).status_code == 403
    assert client.get(draft).status_code == 404
    signed_in(leader, second_factor=True)
    assert client.get(theirs).status_code == 404


def test_only_those_who_lead_may_begin_a_challenge(
    authority: Authority, moderator: Person, client: Client, signed_in: SignIn
) -> None:
    signed_in(moderator, second_factor=True)
    assert client.get("/desk/challenges/new/").status_code == 403


def test_the_desk_lists_drafts_and_challenges_without_a_next_step(
    authority: Authority, leader: Person, moderator: Person, now: datetime
) -> None:
    draft = world.a_challenge(authority, published=False)
    stuck = world.a_challenge(authority, at=now - timedelta(days=40))
    world.a_challenge(authority)
    found = queries.waiting(Viewer(authority, leader, now), None)
    assert found == {"drafts": [draft], "stuck": [stuck]}
    assert queries.waiting(Viewer(authority, moderator, now), None) is None


def test_the_front_page_shows_what_takes_ideas(authority: Authority, now: datetime) -> None:
    viewer = Viewer(authority, None, now)
    assert queries.open_for_ideas(viewer, None) is None
    taking = world.a_challenge(authority)
    world.a_challenge(authority, stage=Stage.DECIDE)
    world.a_challenge(authority, published=False)
    assert queries.open_for_ideas(viewer, None) == {"challenges": [taking]}
    assert queries.about_service(viewer, taking.service) == {"challenges": [taking]}
    found = queries.in_community(viewer, taking.community)
    assert found is not None
    assert taking in found["challenges"]
