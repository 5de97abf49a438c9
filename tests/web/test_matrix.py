"""Every route and API operation, asked by everyone it could be asked by."""

import pytest
from django.test import Client

from commonweal.ground.places.models import Authority
from tests.web.doors import COLUMNS, address_of, answers, api_addresses, every_route, knock
from tests.web.matrix import DOORS, OPERATIONS
from tests.web.matrix_world import people, things
from tools.reference import api_operations, routes

pytestmark = pytest.mark.django_db
ROUTES = {route.name: route for route in every_route()}
SPACES = sorted({name.split(":")[0].split("_")[0] for name in ROUTES})


def test_every_route_has_a_row_and_every_row_a_route() -> None:
    assert sorted(set(ROUTES) - set(DOORS)) == [], "say in tests/web/matrix.py who may come in"
    assert sorted(set(DOORS) - set(ROUTES)) == [], "these routes are gone"
    assert all(len(door.split()) == len(COLUMNS) for doors in DOORS.values() for door in doors)


def test_every_operation_of_the_api_has_a_row() -> None:
    described = {f"{o.method} {o.path}" for o in api_operations()}
    assert described == OPERATIONS
    hidden = {r.name for r in routes() if r.name.startswith("api:")}
    assert hidden >= {"api:openapi-json", "api:api-root"}


@pytest.mark.parametrize("space", SPACES)
def test_everyone_is_told_what_the_matrix_says(
    space: str, authority: Authority, elsewhere: Authority
) -> None:
    own, other = things(authority), things(elsewhere)
    who = people(own, other)
    wrong = []
    for name in [n for n in ROUTES if n.split(":")[0].split("_")[0] == space]:
        for method, door in zip(("GET", "POST"), DOORS[name], strict=True):
            told = answers(ROUTES[name], method, own, other, who)
            for column, expected, found in zip(COLUMNS, door.split(), told, strict=True):
                if found not in (expected, "-"):
                    wrong.append(f"{method} {name}: {column} is told {found}, not {expected}")
    assert wrong == []


def test_the_api_shows_everyone_the_public_and_nobody_another_authority(
    authority: Authority, elsewhere: Authority
) -> None:
    own, other = things(authority), things(elsewhere)
    who = people(own, other)
    here = {(method, path): address for method, path, address in api_addresses(own)}
    there = {(method, path): address for method, path, address in api_addresses(other)}
    for key, address in here.items():
        assert knock(who.anonymous, "GET", address) == "200", key
        assert knock(who.anonymous, "POST", address) in {"403", "405"}, key
        if there[key] != address:
            assert knock(who.everything, "GET", there[key]) == "404", key
        else:
            answer = who.everything.get(address).content.decode()
            assert other.challenge.title not in answer, key
            assert other.draft_challenge.slug not in answer, key


def test_no_draft_is_shown_to_those_who_did_not_write_it(
    authority: Authority, elsewhere: Authority
) -> None:
    own = things(authority)
    who = people(own, things(elsewhere))
    for client in (who.anonymous, who.resident, who.foreigner):
        assert knock(client, "GET", own.draft.get_absolute_url()) in {"404", "sign-in"}
        assert knock(client, "GET", own.draft_challenge.get_absolute_url()) == "404"


def test_the_knocking_notices_what_is_written(authority: Authority, elsewhere: Authority) -> None:
    own, other = things(authority), things(elsewhere)
    who = people(own, other)
    address = address_of(ROUTES["places:join"], own)
    assert knock(who.foreigner, "POST", address) == "on"
    assert "BUT WROTE" in knock(who.foreigner, "POST", address, changes=False)


def test_a_huge_or_broken_number_in_an_address_is_not_found(authority: Authority) -> None:
    client = Client()
    for route in ROUTES.values():
        if "<" not in route.address:
            continue
        for given in ("9" * 30, "0"):
            address = route.address
            for part in ("pk", "proposal_id", "comment_id", "pot_id", "project_id", "number"):
                address = address.replace(f"<{part}>", given)
            address = address.replace("<slug>", "no-such").replace("<part>", "better")
            if "<" not in address:
                assert knock(client, "GET", address) in {"404", "405", "sign-in"}, address
