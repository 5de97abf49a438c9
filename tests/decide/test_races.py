"""Many hands at once: one person keeps one ballot, and no accepted vote is lost by the count."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from itertools import cycle, islice
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from commonweal.decide.ballots import actions as voting
from commonweal.decide.ballots import queries
from commonweal.decide.ballots.models import Ballot, Roll
from commonweal.decide.ballots.queries import Voter
from commonweal.decide.ballots.rules import Choice
from commonweal.decide.budgets import actions
from commonweal.decide.budgets.models import Pot
from commonweal.decide.counts import actions as counts
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority, Community
from commonweal.ground.places.rules import Viewer
from commonweal.propose.proposals import actions as proposals
from commonweal.propose.proposals.models import Status
from tests import visit as visits
from tests.decide.conftest import numbers
from tests.factories import world

THREADS, COPIES = 16, 4


@pytest.fixture
def race(transactional_db: None) -> Callable[[list[Callable[[], Any]]], list[Any]]:
    """Return a function that starts all at once, each on a connection of its own."""

    def run(hands: list[Callable[[], Any]]) -> list[Any]:
        gate = threading.Barrier(len(hands))

        def one(hand: Callable[[], Any]) -> Any:
            try:
                gate.wait(30)
                return hand()
            finally:
                connection.close()

        with ThreadPoolExecutor(len(hands)) as pool:
            return list(pool.map(one, hands))

    return run


@pytest.fixture
def resident_of_race(race: Any, authority: Authority, community: Community) -> Person:
    """Return a resident whose rows other connections see."""
    return world.a_person(community, name="Rosa")


@pytest.fixture
def racing_pot(race: Any, challenge: Any) -> Pot:
    """Return an open pot whose rows other connections see."""
    return world.a_pot(challenge, costs=(10_000_00,) * 6)


def votes(person: Person, pot: Pot, choices: list[list[int]]) -> list[Callable[[], list[int]]]:
    """Return one hand for each choice: the real view, four times over, in one session."""
    first = visits.sign_in(Client(), person)
    address = reverse("ballots:vote", args=[pot.pk])

    def hand(chosen: list[int]) -> Callable[[], list[int]]:
        client = Client(raise_request_exception=False)
        client.cookies = first.cookies
        data = {"projects": chosen, "do": "cast"}
        return lambda: [client.post(address, data).status_code for _ in range(COPIES)]

    return [hand(chosen) for chosen in choices]


def test_one_vote_sent_sixty_four_times_at_once_is_one_ballot(
    race, racing_pot, resident_of_race
) -> None:
    chosen = numbers(racing_pot)[:3]
    answers = race(votes(resident_of_race, racing_pot, [chosen] * THREADS))
    assert Counter(code for hand in answers for code in hand) == {302: THREADS * COPIES}
    assert Ballot.objects.count() == Roll.objects.count() == 1
    assert Ballot.objects.get().projects == chosen


def test_two_choices_at_once_leave_one_of_the_two_and_never_a_mix(
    race, racing_pot, resident_of_race
) -> None:
    all_six = numbers(racing_pot)
    one, other = all_six[:3], all_six[3:]
    for _ in range(5):
        answers = race(votes(resident_of_race, racing_pot, [one, other] * (THREADS // 2)))
        assert {code for hand in answers for code in hand} == {302}
        assert Ballot.objects.count() == 1
        assert Ballot.objects.get().projects in (one, other)


def test_without_the_unique_envelope_the_same_race_makes_many_ballots(
    race, racing_pot, resident_of_race, monkeypatch
) -> None:
    """The guard is what holds: look for the ballot first, as careless code does, and it breaks."""
    meeting = threading.Barrier(THREADS)

    def careless(pot: Pot, voter: Voter, choice: Choice) -> Ballot:
        envelope = pot.seal(voter.name)
        found = Ballot.objects.filter(pot=pot, envelope=envelope).first()
        meeting.wait(30)
        return found or Ballot.objects.create(pot=pot, envelope=envelope)

    monkeypatch.setattr(voting, "_in_the_box", careless)
    monkeypatch.setattr(f"{__name__}.COPIES", 1)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ballots_ballot DROP CONSTRAINT envelope_holds_one_ballot")
    try:
        chosen = numbers(racing_pot)[:3]
        race(votes(resident_of_race, racing_pot, [chosen] * THREADS))
        assert Ballot.objects.count() > 1
    finally:
        Ballot.objects.all().delete()
        with connection.cursor() as cursor:
            cursor.execute(
                "ALTER TABLE ballots_ballot ADD CONSTRAINT envelope_holds_one_ballot"
                " UNIQUE (pot_id, envelope)"
            )


def test_with_the_unique_envelope_alone_careless_code_fails_but_never_doubles(
    race, racing_pot, resident_of_race, monkeypatch
) -> None:
    meeting = threading.Barrier(THREADS)

    def careless(pot: Pot, voter: Voter, choice: Choice) -> Ballot:
        envelope = pot.seal(voter.name)
        found = Ballot.objects.filter(pot=pot, envelope=envelope).first()
        meeting.wait(30)
        return found or Ballot.objects.create(pot=pot, envelope=envelope)

    monkeypatch.setattr(voting, "_in_the_box", careless)
    monkeypatch.setattr(f"{__name__}.COPIES", 1)
    answers = race(votes(resident_of_race, racing_pot, [numbers(racing_pot)[:3]] * THREADS))
    codes = Counter(code for hand in answers for code in hand)
    assert codes == {302: 1, 500: THREADS - 1}
    assert Ballot.objects.count() == 1


@pytest.fixture
def seen_at_the_end(racing_pot: Pot, authority: Authority) -> Callable[[Person], Viewer]:
    """Return a function that lets a person look just before the pot closes."""
    last = racing_pot.closes_at - timedelta(microseconds=1)
    return lambda person: Viewer(authority=authority, person=person, at=last)


def test_every_vote_accepted_while_the_count_begins_is_in_the_count(
    race, racing_pot, community, seen_at_the_end
) -> None:
    projects = numbers(racing_pot)
    people = [[world.a_person(community) for _ in range(60)] for _ in range(8)]
    started = threading.Event()
    refused: list[Person] = []

    def voters(mine: list[Person]) -> Callable[[], int]:
        def hand() -> int:
            # Whoever has voted votes again, until the count begins.
            accepted: set[int] = set()
            for person in islice(cycle(mine), 20_000):
                try:
                    voting.cast_ballot(
                        viewer=seen_at_the_end(person),
                        pot_id=racing_pot.pk,
                        choice=Choice.of(projects[:2]),
                    )
                except voting.PotClosed:
                    refused.append(person)
                    break
                accepted.add(person.pk)
                if len(accepted) == 3:
                    started.set()
            return len(accepted)

        return hand

    def clerk() -> int:
        started.wait(30)
        pot = counts.count_closed_pot(pot_id=racing_pot.pk, at=racing_pot.closes_at)
        assert pot.result is not None
        return int(pot.result["voters"])

    *accepted, counted = race([*(voters(mine) for mine in people), clerk])
    assert sum(accepted) == counted == Ballot.objects.count() == Roll.objects.count()
    assert counted >= 3
    assert len(refused) == len(people)  # all were still voting when the count began
    line = {line["id"]: line["votes"] for line in Pot.objects.get().result["projects"]}
    assert line[projects[0]] == line[projects[1]] == counted


def test_without_the_shared_lock_a_vote_is_lost_to_the_count(
    race, racing_pot, resident_of_race, seen_at_the_end, monkeypatch
) -> None:
    """A vote that has looked at the pot and not yet written: the count must wait for it."""
    looked, counted = threading.Event(), threading.Event()
    real = queries.pot_held_open

    def held(*asked: Any, **named: Any) -> Any:
        found = real(*asked, **named)
        looked.set()
        counted.wait(1.5)
        return found

    monkeypatch.setattr(queries, "pot_held_open", held)

    def voter() -> str:
        voting.cast_ballot(
            viewer=seen_at_the_end(resident_of_race),
            pot_id=racing_pot.pk,
            choice=Choice.of(numbers(racing_pot)),
        )
        return "accepted"

    def clerk() -> int:
        looked.wait(30)
        pot = counts.count_closed_pot(pot_id=racing_pot.pk, at=racing_pot.closes_at)
        counted.set()
        return int(pot.result["voters"])

    assert race([voter, clerk]) == ["accepted", 1]

    # the same again without the lock: the accepted vote is not in the count
    again = world.a_pot(racing_pot.challenge, costs=(10_000_00,))
    monkeypatch.setattr(queries, "_HELD", queries._HELD.replace("FOR KEY SHARE OF pot", ""))
    looked.clear(), counted.clear()
    unlucky = replace(seen_at_the_end(resident_of_race), at=again.closes_at - timedelta(seconds=1))

    def late_voter() -> str:
        voting.cast_ballot(viewer=unlucky, pot_id=again.pk, choice=Choice.of(numbers(again)))
        return "accepted"

    def second_clerk() -> int:
        looked.wait(30)
        pot = counts.count_closed_pot(pot_id=again.pk, at=again.closes_at)
        counted.set()
        return int(pot.result["voters"])

    assert race([late_voter, second_clerk]) == ["accepted", 0]


def test_two_clerks_count_once(race, racing_pot, administrator) -> None:
    viewers = [
        Viewer(authority=racing_pot.authority, person=administrator, at=racing_pot.closes_at)
        for _ in range(4)
    ]
    race([lambda v=v: counts.count_pot(viewer=v, pot_id=racing_pot.pk) for v in viewers])
    from commonweal.ground.journal.models import Entry

    assert Entry.objects.filter(what="pot.counted").count() == 1


def test_an_idea_that_is_being_hidden_while_it_is_counted_still_learns_how_it_ended(
    race, racing_pot, administrator
) -> None:
    proposal = world.a_proposal(racing_pot.challenge, status=Status.IN_BALLOT)
    racing_pot.projects.filter(pk=numbers(racing_pot)[0]).update(proposal=proposal)
    hidden, counted = threading.Event(), threading.Event()
    moderator = Viewer(authority=racing_pot.authority, person=administrator, at=racing_pot.opens_at)

    def moderate() -> None:
        with transaction.atomic():
            proposals.hide_proposal(viewer=moderator, proposal_id=proposal.pk, reason="advert")
            hidden.set()
            counted.wait(1)  # the count comes to this idea before we are done

    def count() -> None:
        hidden.wait(30)
        counts.count_closed_pot(pot_id=racing_pot.pk, at=racing_pot.closes_at)
        counted.set()

    race([moderate, count])
    proposal.refresh_from_db()
    assert (proposal.status, proposal.status_before) == (Status.HIDDEN, Status.NOT_FUNDED)


def test_two_pots_cannot_both_take_the_last_of_the_money(
    race, authority, community, administrator, now
) -> None:
    service = world.a_service(authority, community=community)
    challenge = world.a_challenge(authority, service=service, money_pence=100_00)

    def make() -> str:
        try:
            actions.create_pot(
                viewer=Viewer(authority=authority, person=administrator, at=now),
                challenge=challenge, community=community, title="Pot", about="", pence=60_00,
                rule="greedy", level=1, opens_at=now + timedelta(1), closes_at=now + timedelta(2),
            )  # fmt: skip
        except actions.MoreThanTheChallengeHas as error:
            return f"left {error.left_pence}"
        return "made"

    assert Counter(race([make] * 4)) == {"made": 1, "left 4000": 3}
