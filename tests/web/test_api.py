"""The read API: public rows only, in pages, as its description says."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import schemathesis
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, settings
from ninja.responses import NinjaJSONEncoder
from pytest_django.live_server_helper import LiveServer

from commonweal.decide.ballots import actions as voting
from commonweal.decide.ballots.rules import Choice
from commonweal.decide.counts import actions as counts
from commonweal.ground.places.models import Authority, RoleKind
from commonweal.ground.places.rules import Viewer
from commonweal.propose.proposals.models import Comment, Proposal, Signature
from commonweal.web.api import api
from tests.factories import world

pytestmark = pytest.mark.django_db


@pytest.fixture
def borough(authority: Authority) -> Authority:
    """Return an authority with something in every list, and a counted pot."""
    challenge = world.a_challenge(authority, slug="home-care", money_pence=200_000_00)
    for _ in range(3):
        world.a_proposal(challenge)
    world.a_pot(challenge)
    at = timezone.now()
    then: dict[str, Any] = {"opens_at": at - timedelta(days=9), "closes_at": at - timedelta(days=2)}
    closed = world.a_pot(challenge, title="Spring", pence=50_000_00, **then)
    projects = [project.pk for project in closed.projects.order_by("pk")]
    for number in range(8):
        voter = world.a_person(world.root(authority))
        while_open = Viewer(authority, voter, at - timedelta(days=3))
        chosen = projects[: 1 + number % 2]
        voting.cast_ballot(viewer=while_open, pot_id=closed.pk, choice=Choice.of(chosen))
    clerk = world.a_person(world.root(authority), role=RoleKind.CLERK)
    counts.count_pot(viewer=Viewer(authority, clerk, at, True), pot_id=closed.pk)
    return authority


def _paths(client: Client) -> list[str]:
    return list(client.get("/api/openapi.json").json()["paths"])


def test_it_describes_itself_as_openapi_3_1(borough: Authority, client: Client) -> None:
    description = client.get("/api/openapi.json").json()
    assert description["openapi"].startswith("3.1")
    for operations in description["paths"].values():
        for operation in operations.values():
            assert {"200", "404", "405", "422"} <= set(map(str, operation["responses"]))
            assert operation["summary"]


def test_every_list_comes_in_pages(borough: Authority, client: Client) -> None:
    lists = [path for path in _paths(client) if "{" not in path and not path.endswith("journal")]
    assert lists
    for path in lists:
        first = client.get(path, {"size": 1}).json()
        assert len(first["items"]) == min(1, first["count"]), path
        if first["count"] > 1:
            second = client.get(first["next"]).json()
            assert second["items"] != first["items"]
            assert second["previous"] is not None


@pytest.mark.parametrize("wrong", ["0", "-1", "x", "9" * 30, "1e3", "%00"])
def test_a_wrong_page_is_refused_in_words(borough: Authority, client: Client, wrong: str) -> None:
    answer = client.get(f"/api/challenges?page={wrong}")
    assert answer.status_code == 422
    assert "page" in answer.json()["wrong"]
    assert answer.json()["mend"]


def test_an_unchanged_answer_costs_nothing(borough: Authority, client: Client) -> None:
    first = client.get("/api/challenges")
    again = client.get("/api/challenges", headers={"if-none-match": first["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    world.a_challenge(borough)
    assert (
        client.get("/api/challenges", headers={"if-none-match": first["ETag"]}).status_code == 200
    )


def test_head_asks_like_get_and_gets_no_body(borough: Authority, client: Client) -> None:
    for path in ("/api/challenges", "/api/challenges/home-care"):
        asked, head = client.get(path), client.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head["Content-Length"] == asked["Content-Length"]
    assert client.head("/api/challenges/none").status_code == 404
    described = client.get("/api/openapi.json").json()["paths"]
    assert {method for path in described.values() for method in path} == {"get"}


def test_an_address_that_no_operation_has_is_refused_as_the_others_are(
    borough: Authority, client: Client
) -> None:
    for path in ("/api/nothing", "/api/ideas/", "/api/pots/x/y/z"):
        answer = client.get(path)
        assert (answer.status_code, set(answer.json())) == (404, {"wrong", "mend"}), path
    assert "<h1" in client.get("/apiary/").content.decode()


def test_another_authoritys_rows_are_not_here(
    borough: Authority, elsewhere: Authority, client: Client
) -> None:
    theirs = world.a_challenge(elsewhere, slug="theirs")
    pot = world.a_pot(theirs)
    for path in (f"/api/challenges/{theirs.slug}", f"/api/pots/{pot.pk}"):
        assert client.get(path).status_code == 404
        assert client.get(path, headers={"host": "northmoor.localhost"}).status_code == 200


def test_another_authoritys_places_services_and_ideas_are_not_here(
    borough: Authority, elsewhere: Authority, client: Client
) -> None:
    service = world.a_service(
        elsewhere, slug="theirs", community=world.a_community(elsewhere, slug="far-quarter")
    )
    idea = world.a_proposal(world.a_challenge(elsewhere, service=service, slug="far-challenge"))
    addresses = {
        "/api/communities": service.community.slug,
        "/api/organisations": service.provider.slug,
        "/api/services": service.slug,
        "/api/ideas": idea.pk,
        f"/api/ideas/{idea.pk}": "comments",
    }
    for before, key in addresses.items():
        path = f"{before}/{key}"
        assert client.get(path).status_code == 404, path
        assert client.get(path, headers={"host": "northmoor.localhost"}).status_code == 200, path
        rows = client.get(before, {"size": 200}).json().get("items", [])
        assert key not in [row.get("slug", row.get("id")) for row in rows]
    assert client.get("/api/ideas?challenge=far-challenge").json()["count"] == 0


def test_a_draft_is_not_here(borough: Authority, client: Client) -> None:
    draft = world.a_challenge(borough, published=False)
    assert client.get(f"/api/challenges/{draft.slug}").status_code == 404
    assert draft.slug not in json.dumps(client.get("/api/challenges?size=200").json())


@pytest.mark.parametrize(
    ("status", "given"),
    [
        ("draft", {"published_at": None}),
        ("withdrawn", {}),
        ("hidden", {"hidden_reason": "private"}),
    ],
)
def test_an_idea_that_is_not_public_is_not_here_even_for_its_author(
    borough: Authority,
    client: Client,
    signed_in: Callable[..., Client],
    status: str,
    given: dict[str, Any],
) -> None:
    idea = Proposal.objects.filter(authority=borough).latest("pk")
    paths = (f"/api/ideas/{idea.pk}", f"/api/ideas/{idea.pk}/comments")
    assert [client.get(path).status_code for path in paths] == [200, 200]
    Proposal.objects.filter(pk=idea.pk).update(status=status, **given)
    signed_in(idea.author)
    assert [client.get(path).status_code for path in paths] == [404, 404]
    assert idea.pk not in [row["id"] for row in client.get("/api/ideas?size=200").json()["items"]]


def test_of_a_hidden_comment_only_the_reason_is_here(borough: Authority, client: Client) -> None:
    idea = Proposal.objects.filter(authority=borough).latest("pk")
    person = world.a_person(world.root(borough), name="Wanda")
    at = timezone.now()
    said: dict[str, Any] = {"proposal": idea, "person": person, "standing": "resident"}
    Comment.objects.create(**said, body="Open to all.", written_at=at)
    Comment.objects.create(
        **said, body="A secret.", written_at=at, hidden_at=at, hidden_reason="private"
    )
    shown, hidden = client.get(f"/api/ideas/{idea.pk}/comments").json()["items"]
    assert (shown["author"], shown["body"]) == ("Wanda", "Open to all.")
    assert (hidden["author"], hidden["standing"], hidden["body"]) == (None, None, None)
    assert hidden["hidden_reason"] == "private"
    assert client.get(f"/api/ideas/{idea.pk}").json()["comments"] == 1


def test_people_are_called_what_they_chose_and_nothing_else(
    borough: Authority, client: Client
) -> None:
    challenge = world.a_challenge(borough, slug="names")
    at = timezone.now()
    unnamed = world.a_person(challenge.community, name="", email="hidden.person@example.org")
    gone = world.a_person(name="", email=None, is_active=False, erased_at=at)
    for author in (unnamed, gone):
        world.a_proposal(challenge, author=author)
    answer = client.get("/api/ideas?challenge=names")
    assert [row["author"] for row in answer.json()["items"]] == ["Someone who has left", "Someone"]
    assert "hidden.person" not in answer.content.decode()


def test_ideas_can_be_narrowed_to_a_challenge(borough: Authority, client: Client) -> None:
    everything = client.get("/api/ideas").json()["count"]
    world.a_proposal(world.a_challenge(borough, slug="other"))
    assert client.get("/api/ideas?challenge=home-care").json()["count"] == everything
    assert client.get("/api/ideas?challenge=other").json()["count"] == 1


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=chapel", ["A choir in the chapel"]),
        ("q=chapel&standing=carer", []),
        ("standing=carer", ["Rides to the clinic"]),
        ("status=funded", ["Rides to the clinic"]),
        ("community=by-the-sea", ["A choir in the chapel"]),
        ("q=%21%21", []),
    ],
)
def test_ideas_are_searched_and_narrowed_as_on_the_page(
    borough: Authority, client: Client, query: str, found: list[str]
) -> None:
    sea = world.a_community(borough, slug="by-the-sea")
    other = {"title": "Rides to the clinic", "standing": "carer", "status": "funded"}
    world.a_proposal(world.a_challenge(borough, community=sea), title="A choir in the chapel")
    world.a_proposal(world.a_challenge(borough), **other)
    items = client.get(f"/api/ideas?{query}").json()["items"]
    assert [row["title"] for row in items] == found


def test_ideas_come_in_the_order_that_is_asked_for(borough: Authority, client: Client) -> None:
    liked = Proposal.objects.order_by("pk")[0]
    Signature.objects.create(
        proposal=liked,
        person=world.a_person(),
        standing="resident",
        signed_at=timezone.now(),
    )
    assert client.get("/api/ideas?order=signed").json()["items"][0]["id"] == liked.pk
    assert client.get("/api/ideas").json()["items"][0]["id"] != liked.pk
    for wrong in ("order=best", "status=draft", "status=hidden", "standing=king", "q=%00"):
        assert client.get(f"/api/ideas?{wrong}").status_code == 422, wrong


def test_fewer_than_five_people_of_a_community_are_not_counted(
    borough: Authority, client: Client
) -> None:
    quarter = world.a_community(borough, slug="small-quarter")
    counts = []
    for joining in (0, 4, 1):
        for _ in range(joining):
            world.a_person(quarter)
        counts.append(client.get("/api/communities/small-quarter").json()["people"])
    assert counts == [0, None, 5]


def test_lists_ask_no_more_of_the_database_when_they_grow(
    borough: Authority, client: Client, django_assert_max_num_queries: Callable[..., Any]
) -> None:
    challenge = world.a_challenge(borough)
    for _ in range(30):
        world.a_proposal(challenge)
        world.a_service(borough, community=world.a_community(borough))
    for path in ("ideas", "services", "communities", "organisations"):
        with django_assert_max_num_queries(6):
            assert len(client.get(f"/api/{path}").json()["items"]) == 30


@pytest.mark.parametrize("kind", ["challenges", "communities", "organisations", "services"])
@pytest.mark.parametrize("slug", ["%00", "a%00b", "x" * 81, "a b", "%E2%80%AE"])
def test_what_can_be_no_slug_is_refused_in_words(
    borough: Authority, client: Client, kind: str, slug: str
) -> None:
    answer = client.get(f"/api/{kind}/{slug}")
    assert (answer.status_code, "slug" in answer.json()["wrong"]) == (422, True)


def test_a_result_is_here_after_the_count_and_not_before(
    borough: Authority, client: Client
) -> None:
    found = {row["title"]: row["id"] for row in client.get("/api/pots").json()["items"]}
    result = client.get(f"/api/pots/{found.pop('Spring')}/result").json()
    assert result["voters"] == 8
    assert [line["votes"] for line in result["projects"]] == [8, None, 0], "four is a small cell"
    assert client.get(f"/api/pots/{found.popitem()[1]}/result").status_code == 404


def test_what_was_missing_does_not_tell_how_few_chose_an_idea(
    borough: Authority, client: Client
) -> None:
    at = timezone.now()
    then: dict[str, Any] = {"opens_at": at - timedelta(days=9), "closes_at": at - timedelta(days=2)}
    challenge = world.a_challenge(borough)
    pot = world.a_pot(challenge, pence=50_000_00, costs=(40_000_00, 45_000_00), **then)
    liked, unlike = pot.projects.order_by("pk").values_list("pk", flat=True)
    for number in range(10):
        voter = world.a_person(world.root(borough))
        while_open = Viewer(borough, voter, at - timedelta(days=3))
        chosen = [liked] if number < 8 else [unlike]
        voting.cast_ballot(viewer=while_open, pot_id=pot.pk, choice=Choice.of(chosen))
    kept = counts.count_closed_pot(pot_id=pot.pk, at=at).result["projects"][1]
    assert (kept["votes"], kept["needed_ballots"] is None) == (2, False)
    line = client.get(f"/api/pots/{pot.pk}/result").json()["projects"][1]
    assert {name for name, told in line.items() if told is None} == {
        "votes", "payment_pence", "shortfall_pence", "needed_ballots", "needed_approvals",
        "needed_cost_pence", "effective_votes", "score",
    }  # fmt: skip


schema = schemathesis.openapi.from_dict(
    json.loads(json.dumps(api.get_openapi_schema(path_prefix="/api/"), cls=NinjaJSONEncoder))
)


@schema.parametrize()
@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.filter_too_much],
)
def test_every_operation_answers_as_it_is_described(
    case: schemathesis.Case[Any], live_server: LiveServer, borough: Authority
) -> None:
    case.call_and_validate(base_url=live_server.url)
