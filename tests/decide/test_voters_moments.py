"""What a voter reads at each moment: before the opening, while it is open, at the close, and after."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from commonweal.decide.ballots.models import Ballot, Roll
from commonweal.decide.budgets import actions as budgets
from commonweal.decide.budgets.models import Pot, Reach, Round
from commonweal.decide.counts import actions as counts
from commonweal.decide.registers.models import Entry, Register
from commonweal.ground.people.models import Person
from tests.decide.conftest import numbers
from tests.decide.test_ballot_kinds import GOOD, KINDS, a_pot, controls, posted
from tests.decide.test_pages import at, closed
from tests.decide.test_without_account import a_code, a_guest, with_code
from tests.factories import world
from tests.visit import sign_in

__all__ = ["closed"]

pytestmark = pytest.mark.django_db
PRESS = {"HX-Request": "true"}


# --- the receipt


def test_a_receipt_is_kept_without_what_was_chosen(pot, resident, visit, signed_in) -> None:
    client = signed_in(resident)
    first, *others = pot.projects.order_by("pk")
    page = visit(at("vote", pot), data={"projects": [first.pk], "do": "cast"})
    code = Ballot.objects.get().code
    for words in (code, "Keep it as a text file", "nobody can make you prove", "need not keep it"):
        assert words in page.text
    assert "cannot write to you" not in page.text
    kept = client.get(at("receipt", pot), {"as": "text"})
    assert kept["Content-Type"].startswith("text/plain")
    text = kept.content.decode()
    assert code in text
    assert pot.title in text
    assert f"http://testserver/money/{pot.pk}/check/" in text
    assert not [project for project in (first, *others) if project.title in text]
    assert resident.name not in text


def test_who_has_no_ballot_keeps_no_receipt(pot, resident, signed_in) -> None:
    answer = signed_in(resident).get(at("receipt", pot), {"as": "text"})
    assert answer["Content-Type"].startswith("text/html")
    assert "You have not voted here" in answer.content.decode()


# --- the moments


def voted(pot: Pot, person: Person) -> Pot:
    """Put this person's ballot into the box of a pot, whatever the hour."""
    envelope = pot.envelope_of(person)
    Ballot.objects.create(pot=pot, envelope=envelope, projects=numbers(pot)[:1], marks=[1])
    Roll.objects.create(pot=pot, person=person)
    return pot


def test_before_the_opening_one_reads_and_keeps_a_shortlist(
    challenge, resident, visit, signed_in, now
) -> None:
    signed_in(resident)
    pot = world.a_pot(challenge, opens_at=now + timedelta(hours=1))
    page = visit(at("vote", pot))
    assert "not open yet" in page.title
    assert "put those you like on your shortlist" in page.text
    assert "You have not voted here" in visit(at("receipt", pot)).title


def test_while_it_is_open_the_receipt_says_until_when_it_can_be_changed(
    pot, resident, visit, signed_in
) -> None:
    signed_in(resident)
    page = visit(at("receipt", voted(pot, resident)))
    assert "You can change it until" in page.text
    assert "Change my vote" in page.text


def test_after_the_close_nothing_is_changed_and_the_next_step_is_told(
    closed, challenge, resident, visit, signed_in, now
) -> None:
    signed_in(resident)
    pot = voted(closed, resident)
    late = visit(at("vote", pot), data={"projects": numbers(pot)[:1], "do": "cast"}, status=409)
    assert "What you sent now was not counted" in late.text
    page = visit(at("vote", pot))
    assert "had not cast, does not count" in page.text
    assert "as soon as it is counted" in page.text
    page = visit(at("receipt", pot))
    assert "It can be changed no more" in page.text
    assert "Change my vote" not in page.text
    held = world.a_pot(
        challenge, opens_at=now - timedelta(9), closes_at=now, result_at=now + timedelta(1)
    )
    assert "The result will be told from" in visit(at("vote", held)).text


def test_after_the_count_the_way_leads_to_the_result(closed, resident, visit, signed_in) -> None:
    signed_in(resident)
    pot = voted(closed, resident)
    counts.count_closed_pot(pot_id=pot.pk, at=pot.closes_at)
    assert "among those that were counted" in visit(at("receipt", pot)).text
    assert "See what was funded, and why" in visit(at("vote", pot)).text


def test_a_pot_that_was_withdrawn_says_so_to_whoever_would_vote(
    pot, resident, administrator, seen_by, visit, signed_in
) -> None:
    client = signed_in(resident)
    client.post(at("vote", pot), {"projects": numbers(pot)[:1], "do": "cast"})
    other = world.a_person(world.root(pot.authority), role="administrator")
    budgets.withdraw_pot(viewer=seen_by(administrator), pot_id=pot.pk, why="A mistake.")
    budgets.agree_to_withdraw(viewer=seen_by(other), pot_id=pot.pk)
    for name in ("vote", "receipt"):
        page = visit(at(name, pot))
        assert "This pot was withdrawn" in page.title
        assert "counted by nobody" in page.text
        assert "is in the box" not in page.text


def test_a_press_that_comes_too_late_leads_to_the_page_that_says_why(
    pot, resident, signed_in, now
) -> None:
    client = signed_in(resident)
    press = {"projects": numbers(pot)[:1], "do": "total"}
    assert client.post(at("vote", pot), press, headers=PRESS).headers.get("HX-Redirect") is None
    Pot.objects.filter(pk=pot.pk).update(closes_at=now)
    for who in (client, Client()):  # the second was signed out meanwhile
        answer = who.post(at("vote", pot), press, headers=PRESS)
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer["HX-Redirect"] == at("vote", pot)


# --- a shortlist begins a ballot


def on_the_shortlist(client: Client, pot: Pot, chosen: list[int]) -> None:
    for number in chosen:
        client.post(at("shortlist", pot), {"do": f"add-{number}"})


def test_a_shortlist_comes_along_through_the_start_of_a_guest(challenge, visit) -> None:
    pot = world.a_pot(challenge, reach=Reach.EVERYONE, ballot_kind="ranked")
    client = Client()
    on_the_shortlist(client, pot, numbers(pot)[1:])
    page = visit(f"{at('vote', pot)}?start=shortlist", client=client)
    assert "next=/money" in page.html.replace("%2F", "/")
    page = visit(at("guest", pot), data={"start": controls(page.html)["start"]}, client=client)
    assert [controls(page.html)[f"place-{number}"] for number in numbers(pot)] == ["", "1", "2"]


def test_an_empty_ballot_offers_the_shortlist_and_says_what_could_not_come_along(
    challenge, resident, signed_in, visit
) -> None:
    client = signed_in(resident)
    pot = a_pot(challenge, "basket")
    first, _second, third, fourth = numbers(pot)
    assert "on your shortlist" not in visit(at("vote", pot)).text
    on_the_shortlist(client, pot, [first, third, fourth])
    assert "Begin with the 3 ideas on your shortlist" in visit(at("vote", pot)).text
    page = visit(f"{at('vote', pot)}?start=shortlist")
    assert sorted(controls(page.html)["projects"]) == sorted([str(first), str(third)])
    assert "Not all of your shortlist could come along." in page.text
    client.post(at("shortlist", pot), {"do": f"out-{fourth}"})
    assert "Not all" not in visit(f"{at('vote', pot)}?start=shortlist").text


# --- what a vote costs


VOTERS = ["person", "guest", "code"]


def a_voter(sort: str, challenge: Any, community: Any, kind: str) -> tuple[Client, Pot]:
    if sort == "guest":
        pot = a_pot(challenge, kind, reach=Reach.EVERYONE)
        return a_guest(pot), pot
    pot = a_pot(challenge, kind)
    if sort == "code":
        return with_code(Client(), pot, a_code(pot)), pot
    return sign_in(Client(), world.a_person(community)), pot


@pytest.mark.parametrize("sort", VOTERS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_vote_of_every_kind_costs_every_voter_at_most_six_statements(
    kind, sort, challenge, community
) -> None:
    client, pot = a_voter(sort, challenge, community, kind)
    ids = numbers(pot)
    data = {**posted(pot, {ids[k]: mark for k, mark in GOOD[kind].items()}), "do": "cast"}
    for _ in range(3):  # the first marks the session of a guest; then there are changes of mind
        with CaptureQueriesContext(connection) as seen:
            assert client.post(at("vote", pot), data).status_code == 302
        asked = [q["sql"] for q in seen if not q["sql"].startswith(("SAVEPOINT", "RELEASE"))]
        assert len(asked) <= 6, "\n".join(asked)
    assert Ballot.objects.count() == 1


# --- one district a person


def test_who_voted_in_one_district_is_told_so_before_filling_in_another(
    challenge, authority, resident, visit, signed_in, now
) -> None:
    client = signed_in(resident)
    whole = world.root(authority)
    districts = Round.objects.create(
        authority=authority, challenge=challenge, title="By district",
        created_at=now, created_by=world.a_person(),
    )  # fmt: skip
    here = world.a_pot(challenge, round=districts)
    there = world.a_pot(challenge, round=districts, community=whole)
    for page in (
        visit(at("vote", here)),
        visit(at("vote", here), data={"projects": numbers(here)[:1], "do": "check"}),
    ):
        assert f"With this ballot yours is {here.community.name}." in page.text
    client.post(at("vote", here), {"projects": numbers(here)[:1], "do": "cast"})
    words = f"You have voted in the pot of {here.community.name}."
    page = visit(at("vote", there), status=403)
    assert "You have voted already" in page.title
    assert words in page.text
    assert at("receipt", here) in page.html
    assert words in visit(at("pot", there)).text
    assert "You can change it until" in visit(at("receipt", here)).text
    assert "Check and cast" in visit(at("vote", here)).text


def test_a_code_of_somebody_who_voted_in_another_district_says_so_at_once(
    challenge, authority, visit, now
) -> None:
    districts = Round.objects.create(
        authority=authority, challenge=challenge, title="By district",
        created_at=now, created_by=world.a_person(),
    )  # fmt: skip
    here, there = (world.a_pot(challenge, round=districts) for _ in range(2))
    register = Register.objects.create(
        authority=authority, community=world.root(authority), title="Electoral register",
        parts=["surname"], uploaded_at=now, uploaded_by=world.a_person(),
    )  # fmt: skip
    entry = Entry.objects.create(register=register, digest=b"d" * 32)
    Roll.objects.create(pot=here, round=districts, entry=entry, channel="paper")
    client = with_code(Client(), there, a_code(there, entry=entry))
    page = visit(at("vote", there), client=client, status=403)
    assert f"You have voted in the pot of {here.community.name}." in page.text


def test_a_long_ballot_is_light_on_the_air(challenge, resident, signed_in) -> None:
    client = signed_in(resident)
    pot = world.a_pot(challenge, ballot_kind="points", costs=(500_00,) * 40)
    zipped = {"Accept-Encoding": "gzip"}
    page = client.get(at("vote", pot), headers=zipped)
    more = {"kind": "points", "do": f"more-{numbers(pot)[0]}"}
    press = client.post(at("vote", pot), more, headers={**zipped, **PRESS})
    for answer in (page, press):
        assert answer["Content-Encoding"] == "gzip"
        assert len(answer.content) < 10_000
