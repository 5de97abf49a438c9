"""Voting as a guest or with a code, and bringing that ballot under an account later."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.test import Client

from commonweal.decide.ballots import actions as voting
from commonweal.decide.ballots import queries
from commonweal.decide.ballots.models import Ballot, Channel, Roll
from commonweal.decide.ballots.queries import Voter
from commonweal.decide.ballots.rules import Choice
from commonweal.decide.budgets.models import Pot, Reach, Round
from commonweal.decide.counts import actions as counts
from commonweal.decide.registers.models import Code
from commonweal.ground.journal.models import Entry
from tests.decide.conftest import numbers
from tests.decide.test_pages import at
from tests.factories import world
from tests.visit import sign_in, visit

pytestmark = pytest.mark.django_db
GUEST = Voter(f"guest:{'a' * 32}", None)


@pytest.fixture
def open_to_all(challenge) -> Pot:
    return world.a_pot(challenge, reach=Reach.EVERYONE)


def a_code(pot: Pot, **given: Any) -> Code:
    digest = bytes(f"{pot.pk}-{Code.objects.count()}".ljust(32, "x"), "ascii")
    return Code.objects.create(authority=pot.authority, pot=pot, digest=digest, **given)


def with_code(client: Client, pot: Pot, code: Code | None, holder: str = "b" * 32) -> Client:
    """Do what the page for codes does, or the start of a guest."""
    session = client.session
    held = {str(pot.pk): {"code": code.pk if code else None, "holder": holder}}
    session["voting"] = {**session.get("voting", {}), **held}
    session.save()
    return client


def a_guest(pot: Pot) -> Client:
    client = Client()
    page = visit(client, at("vote", pot))
    assert "How do you want to vote?" in page.text
    visit(client, at("guest", pot), data={})
    return client


def cast(client: Client, pot: Pot, chosen: list[int], **given: Any) -> Any:
    return visit(client, at("vote", pot), data={"projects": chosen, "do": "cast"}, **given)


# --- as a guest


def test_a_guest_votes_keeps_a_receipt_and_changes_their_mind(open_to_all) -> None:
    client, other = a_guest(open_to_all), a_guest(open_to_all)
    first, second, _third = numbers(open_to_all)
    page = cast(client, open_to_all, [first])
    assert Ballot.objects.get().code in page.text
    assert "You can change it in this browser until" in page.text
    assert "so we cannot write to you when the result is there" in page.text
    cast(other, open_to_all, [second])
    cast(client, open_to_all, [second])
    assert [ballot.projects for ballot in Ballot.objects.all()] == [[second], [second]]
    assert not Roll.objects.exists(), "nobody knows who a guest is"
    assert not Entry.objects.exists()
    assert "Change my vote" in visit(client, at("pot", open_to_all)).text
    assert visit(client, at("vote", open_to_all)).html.count(" checked") == 1


def test_two_guests_see_orders_of_their_own(challenge) -> None:
    pot = world.a_pot(challenge, reach=Reach.EVERYONE, costs=(100_00,) * 12)

    def order(client: Client) -> list[str]:
        page = visit(client, at("vote", pot))
        return [c["value"] for c in page.controls if c.get("name") == "projects"]

    one, other = a_guest(pot), a_guest(pot)
    assert order(one) == order(one) != order(other)
    assert sorted(order(one)) == sorted(map(str, numbers(pot)))


def test_a_guest_starts_only_where_everyone_may_vote(pot) -> None:
    client = Client()
    assert client.post(at("guest", pot)).status_code == 302
    assert "voting" not in client.session
    with_code(client, pot, None)
    page = cast(client, pot, numbers(pot), status=403)
    assert "To vote here you need an account or a voting code." in page.text
    assert not Ballot.objects.exists()


def test_after_the_count_a_guest_reads_that_their_ballot_was_counted(challenge, now) -> None:
    later = {"opens_at": now - timedelta(days=1), "closes_at": now + timedelta(seconds=2)}
    pot = world.a_pot(challenge, reach=Reach.EVERYONE, **later)
    client = a_guest(pot)
    cast(client, pot, numbers(pot)[:1])
    counts.count_closed_pot(pot_id=pot.pk, at=pot.closes_at)
    assert "the key is destroyed" in visit(client, at("receipt", pot)).text
    assert "You have not voted here" in visit(a_fresh(pot), at("receipt", pot)).text


def a_fresh(pot: Pot) -> Client:
    return with_code(Client(), pot, None, "c" * 32)


def test_the_start_says_honestly_what_each_way_means(open_to_all, pot, visit) -> None:
    page = visit(at("vote", open_to_all))
    for words in (
        "It is one ballot for this browser", "here we trust you", "as long as you do not clear",
        "If you sign in here later, your ballot comes with you.", "Send me a code by email",
    ):  # fmt: skip
        assert words in page.text
    assert "Enter my voting code" not in page.text
    answer = Client().get(at("vote", pot))
    assert answer.status_code == 302, "where there is one way only, it begins at once"
    a_code(pot)
    page = visit(at("vote", pot))
    assert "Enter my voting code" in page.text
    assert "Vote without an account" not in page.text


# --- with a code


def test_a_code_votes_once_and_its_browser_may_change_that(pot) -> None:
    code = a_code(pot)
    client = with_code(Client(), pot, code)
    first, second, _third = numbers(pot)
    page = cast(client, pot, [first])
    assert Ballot.objects.get().code in page.text
    cast(client, pot, [second])
    assert Ballot.objects.get().projects == [second]
    assert Roll.objects.values_list("voting_code", "channel", "person").get() == (
        code.pk, Channel.CODE, None,
    )  # fmt: skip
    elsewhere = with_code(Client(), pot, code, holder="d" * 32)
    page = cast(elsewhere, pot, [first])
    assert page.title.startswith("Mistake:")
    assert "This voting code has been used already." in page.text
    assert Ballot.objects.get().projects == [second]


@pytest.mark.parametrize("how", ["cancelled", "of another pot", "never was"])
def test_a_code_that_does_not_count_casts_nothing(how, pot, challenge, now) -> None:
    code = a_code(world.a_pot(challenge) if how == "of another pot" else pot)
    if how == "cancelled":
        Code.objects.filter(pk=code.pk).update(cancelled_at=now)
    if how == "never was":
        code.pk = 2**40
    client = with_code(Client(), pot, code)
    for page in (visit(client, at("vote", pot), status=403), cast(client, pot, [], status=403)):
        assert "This voting code does not count any more." in page.text
    visit(client, at("vote", pot), data={"projects": numbers(pot), "do": "cast"}, status=403)
    assert not Ballot.objects.exists() and not Roll.objects.exists()


def test_where_only_codes_vote_an_account_is_led_to_its_code(challenge, resident) -> None:
    pot = world.a_pot(challenge, reach=Reach.CODES)
    page = visit(sign_in(Client(), resident), at("vote", pot), status=403)
    assert "Enter my voting code" in page.text
    assert "Enter my voting code" in visit(Client(), at("vote", pot)).text
    client = with_code(sign_in(Client(), resident), pot, a_code(pot))
    assert "Your vote is in" in cast(client, pot, numbers(pot)[:1]).text
    page = visit(client, at("receipt", pot))
    assert "Put it under my account" not in page.text, "the vote is the code's, not the account's"


# --- under an account, later


@pytest.mark.parametrize("by", ["guest", "code"])
def test_who_signs_in_takes_their_ballot_along(by, challenge, resident, seen_by) -> None:
    pot = world.a_pot(challenge, reach=Reach.EVERYONE if by == "guest" else Reach.PLACE)
    code = a_code(pot) if by == "code" else None
    client = with_code(Client(), pot, code) if code else a_guest(pot)
    cast(client, pot, numbers(pot)[:2])
    before = Ballot.objects.get()
    sign_in(client, resident)
    for name in ("receipt", "vote"):
        assert "This ballot is not under your account" in visit(client, at(name, pot)).text
    page = visit(client, at("adopt", pot), data={"do": "adopt"})
    assert "Your ballot is under your account now. Its receipt is the same." in page.text
    assert before.code in page.text
    after = Ballot.objects.get()
    assert (after.receipt, after.projects) == (before.receipt, before.projects)
    assert bytes(after.envelope) == pot.envelope_of(resident)
    line = Roll.objects.get()
    assert (line.person, line.voting_code, line.channel) == (resident, code, Channel.ONLINE)
    assert "not under your account" not in visit(client, at("receipt", pot)).text
    elsewhere = sign_in(Client(), resident)
    cast(elsewhere, pot, numbers(pot)[:1])
    assert len(Ballot.objects.get().projects) == 1, "changed from another browser"
    assert not Entry.objects.exists()


@pytest.mark.parametrize("by", ["guest", "code"])
def test_what_was_adopted_is_handed_over_and_erased_like_any_other(
    by, challenge, resident, seen_by, now
) -> None:
    pot = world.a_pot(challenge, reach=Reach.EVERYONE if by == "guest" else Reach.PLACE)
    code = a_code(pot) if by == "code" else None
    voter = Voter(f"code:{code.pk}:x", Channel.CODE, code_id=code.pk) if code else GUEST
    voting.cast_ballot(
        viewer=seen_by(None), pot_id=pot.pk, choice=Choice.of(numbers(pot)[:1]), voter=voter
    )
    assert list(queries.personal(resident)) == []
    voting.adopt_ballot(viewer=seen_by(resident), pot_id=pot.pk, voter=voter)
    (row,) = queries.personal(resident)
    assert len(row["chosen"]) == 1
    voting.leave_the_rolls(resident, now)
    assert not Ballot.objects.exists() and not Roll.objects.exists()


def test_who_has_voted_already_keeps_both_as_they_are(open_to_all, resident, seen_by) -> None:
    first, second, _third = numbers(open_to_all)
    client = a_guest(open_to_all)
    cast(client, open_to_all, [first])
    voting.cast_ballot(viewer=seen_by(resident), pot_id=open_to_all.pk, choice=Choice.of([second]))
    sign_in(client, resident)
    page = visit(client, at("adopt", open_to_all), data={"do": "adopt"})
    assert "You have voted here already, on-line." in page.text
    assert "The ballot of this browser stays as it is." in page.text
    assert sorted(ballot.projects for ballot in Ballot.objects.all()) == [[first], [second]]
    assert Roll.objects.count() == 1
    visit(client, at("adopt", open_to_all), data={"do": "leave"})
    assert visit(client, at("receipt", open_to_all)).text.count("£20,000") == 1, "their own now"


@pytest.mark.parametrize("channel", [Channel.PAPER, Channel.TELEPHONE, Channel.KIOSK])
def test_who_voted_in_another_way_cannot_bring_a_second_ballot(
    channel, open_to_all, resident, seen_by
) -> None:
    voting.cast_ballot(
        viewer=seen_by(None), pot_id=open_to_all.pk, choice=Choice.of([]), voter=GUEST
    )
    Roll.objects.create(pot=open_to_all, person=resident, channel=channel)
    envelope = bytes(Ballot.objects.get().envelope)
    with pytest.raises(voting.VotedAlready):
        voting.adopt_ballot(viewer=seen_by(resident), pot_id=open_to_all.pk, voter=GUEST)
    assert bytes(Ballot.objects.get().envelope) == envelope


def test_one_district_a_person_holds_for_adopted_ballots_too(
    challenge, resident, leader, seen_by, now
) -> None:
    districts = Round.objects.create(
        authority=challenge.authority, challenge=challenge, title="Districts",
        created_at=now, created_by=leader,
    )  # fmt: skip
    one, other = (world.a_pot(challenge, reach=Reach.EVERYONE, round=districts) for _ in range(2))
    voting.cast_ballot(viewer=seen_by(resident), pot_id=one.pk, choice=Choice.of([]))
    voting.cast_ballot(viewer=seen_by(None), pot_id=other.pk, choice=Choice.of([]), voter=GUEST)
    with pytest.raises(voting.VotedAlready, match="another district"):
        voting.adopt_ballot(viewer=seen_by(resident), pot_id=other.pk, voter=GUEST)
    assert Roll.objects.count() == 1


def test_nothing_is_adopted_that_may_not_be(pot, open_to_all, resident, authority, seen_by) -> None:
    with pytest.raises(voting.NothingToAdopt):
        voting.adopt_ballot(viewer=seen_by(resident), pot_id=open_to_all.pk, voter=GUEST)
    code = a_code(pot)
    voter = Voter(f"code:{code.pk}:x", Channel.CODE, code_id=code.pk)
    voting.cast_ballot(viewer=seen_by(None), pot_id=pot.pk, choice=Choice.of([]), voter=voter)
    stranger = world.a_person(world.a_community(authority))
    with pytest.raises(PermissionDenied, match="Quayside"):
        voting.adopt_ballot(viewer=seen_by(stranger), pot_id=pot.pk, voter=voter)
    late = replace(seen_by(resident), at=pot.closes_at)
    with pytest.raises(voting.PotClosed):
        voting.adopt_ballot(viewer=late, pot_id=pot.pk, voter=voter)
    assert Roll.objects.get().person is None


def test_a_person_without_a_ballot_in_this_browser_votes_as_themselves(
    open_to_all, resident
) -> None:
    client = a_guest(open_to_all)
    sign_in(client, resident)
    assert "not under your account" not in visit(client, at("vote", open_to_all)).text
    cast(client, open_to_all, [])
    visit(client, at("vote", open_to_all), data={"nothing": "on", "do": "cast"})
    assert Roll.objects.get().person == resident


# --- many hands at once


@pytest.fixture
def race(transactional_db: None) -> Callable[[list[Callable[[], Any]]], list[Any]]:
    def run(hands: list[Callable[[], Any]]) -> list[Any]:
        gate = threading.Barrier(len(hands))

        def one(hand: Callable[[], Any]) -> Any:
            try:
                gate.wait(30)
                return hand()
            except (voting.VotedAlready, voting.NothingToAdopt) as refused:
                return type(refused).__name__
            finally:
                connection.close()

        with ThreadPoolExecutor(len(hands)) as pool:
            return list(pool.map(one, hands))

    return run


def test_adopting_and_voting_at_once_leave_one_ballot_and_one_line(
    race, challenge, resident, seen_by
) -> None:
    for _round in range(6):
        pot = world.a_pot(challenge, reach=Reach.EVERYONE)
        first, second, _third = numbers(pot)
        voting.cast_ballot(
            viewer=seen_by(None), pot_id=pot.pk, choice=Choice.of([first]), voter=GUEST
        )
        receipt = Ballot.objects.get(pot=pot).receipt
        viewer = seen_by(resident)
        adopt = partial(
            voting.adopt_ballot,
            viewer=replace(viewer),
            pot_id=pot.pk,
            voter=GUEST,
        )
        vote = partial(
            voting.cast_ballot,
            viewer=replace(viewer),
            pot_id=pot.pk,
            choice=Choice.of([second]),
        )
        answers = race([adopt, vote] * 4)
        names = Counter(a if isinstance(a, str) else "done" for a in answers)
        assert names["done"] >= 4, "every vote is accepted"
        assert Roll.objects.filter(pot=pot).count() == 1
        mine = Ballot.objects.get(pot=pot, envelope=pot.envelope_of(resident))
        assert mine.projects in ([first], [second])
        left = Ballot.objects.filter(pot=pot).exclude(pk=mine.pk)
        if mine.receipt == receipt:
            assert not left.exists()
        else:  # the vote came first: the guest's ballot stays where it was, nothing is lost
            assert [(b.projects, b.receipt) for b in left] == [([first], receipt)]
            assert names["VotedAlready"] == 4


def test_a_code_that_votes_while_it_is_adopted_has_one_ballot(
    race, challenge, resident, seen_by
) -> None:
    for _round in range(6):
        pot = world.a_pot(challenge)
        code = a_code(pot)
        voter = Voter(f"code:{code.pk}:x", Channel.CODE, code_id=code.pk)
        first, second, _third = numbers(pot)
        cast_by_code = partial(
            voting.cast_ballot,
            viewer=seen_by(None),
            pot_id=pot.pk,
            choice=Choice.of([second]),
            voter=voter,
        )
        voting.cast_ballot(
            viewer=seen_by(None), pot_id=pot.pk, choice=Choice.of([first]), voter=voter
        )
        viewer = seen_by(resident)
        adopt = partial(
            voting.adopt_ballot,
            viewer=replace(viewer),
            pot_id=pot.pk,
            voter=voter,
        )
        race([adopt, cast_by_code] * 4)
        assert Ballot.objects.filter(pot=pot).count() == 1
        assert bytes(Ballot.objects.get(pot=pot).envelope) == pot.envelope_of(resident)
        assert Roll.objects.filter(pot=pot).values_list("person", "voting_code").get() == (
            resident.pk, code.pk,
        )  # fmt: skip
