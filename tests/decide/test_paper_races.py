"""Many hands on one pile of papers, and at one kiosk: everything happens once, and nothing is lost."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.test import Client

from commonweal.decide.ballots import actions as voting
from commonweal.decide.ballots.models import Ballot, Channel, Roll
from commonweal.decide.ballots.rules import Choice
from commonweal.decide.budgets.models import PaperPolicy, Pot, Reach
from commonweal.decide.counts import actions as counts
from commonweal.decide.kiosks import actions as kiosks
from commonweal.decide.paper import actions
from commonweal.decide.paper.models import Batch, Keying, Outcome, Paper, Says
from commonweal.decide.paper.queries import Somebody
from commonweal.ground.places.rules import Viewer
from tests.decide.conftest import numbers
from tests.decide.papers import clerks, fresh, issued, key, marked, opened
from tests.decide.test_races import race, racing_pot
from tests.factories import world

__all__ = ["race", "racing_pot"]
HANDS = 8
NONE = actions.Reading(Says.NONE)


@pytest.fixture
def staff(racing_pot: Pot, now: datetime) -> list[Viewer]:
    return clerks(racing_pot, now, HANDS)


def word(act: Callable[[], Any]) -> Callable[[], str]:
    """Return a hand that does this and says in a word what came of it."""

    def hand() -> str:
        try:
            act()
        except Exception as refused:
            return type(refused).__name__
        return "done"

    return hand


def together(race: Any, *acts: Callable[[], Any]) -> Counter[str]:
    return Counter(race([word(act) for act in acts]))


def test_eight_people_key_one_paper_at_once_and_two_have_read_it(
    race, racing_pot, staff, community
) -> None:
    batch = opened(staff[0], racing_pot, [world.a_person(community)])
    told = together(race, *[lambda by=by: key(fresh(by), batch, 1, NONE) for by in staff])
    assert told == {"done": 2, "KeyedTwice": HANDS - 2}
    assert Paper.objects.get().outcome == Outcome.AGREED
    assert sorted(Keying.objects.values_list("turn", flat=True)) == [1, 2]


def test_one_person_who_presses_eight_times_has_read_it_once(
    race, racing_pot, staff, community
) -> None:
    batch = opened(staff[0], racing_pot, [world.a_person(community)])
    told = together(race, *[lambda: key(fresh(staff[0]), batch, 1, NONE)] * HANDS)
    assert told == {"done": 1, "KeyedByYou": HANDS - 1}
    assert Keying.objects.count() == 1


def test_more_papers_than_slips_are_not_keyed_however_many_try(
    race, racing_pot, staff, community
) -> None:
    batch = opened(staff[0], racing_pot, [world.a_person(community) for _n in range(3)])
    acts = [lambda n=n, by=by: key(fresh(by), batch, n, NONE) for n, by in enumerate(staff, 1)]
    assert together(race, *acts) == {"done": 3, "MorePapersThanSlips": HANDS - 3}


def test_two_who_resolve_one_paper_at_once_leave_one_answer(
    race, racing_pot, staff, community
) -> None:
    batch = opened(staff[0], racing_pot, [world.a_person(community)])
    a, b, *_more = numbers(racing_pot)
    key(staff[0], batch, 1, marked([a]))
    key(staff[1], batch, 1, marked([b]))
    paper = Paper.objects.get()

    def resolve(by: Viewer, chosen: int) -> Any:
        return actions.resolve_paper(viewer=fresh(by), paper_id=paper.pk, reading=marked([chosen]))

    told = together(
        race, *[lambda by=by, n=n: resolve(by, (a, b)[n % 2]) for n, by in enumerate(staff[2:])]
    )
    assert told == {"done": 1, "ResolvedAlready": HANDS - 3}
    assert Keying.objects.filter(turn=3).count() == 1


def test_batches_given_out_at_once_share_no_serial_number(race, racing_pot, staff) -> None:
    assert together(race, *[lambda by=by: issued(fresh(by), racing_pot, 7) for by in staff]) == {
        "done": HANDS
    }
    serials = [n for batch in Batch.objects.all() for n in range(batch.first, batch.last + 1)]
    assert sorted(serials) == list(range(1, 7 * HANDS + 1))


def test_a_batch_that_many_put_into_the_box_at_once_is_in_it_once(
    race, racing_pot, staff, community
) -> None:
    batch = opened(staff[0], racing_pot, [world.a_person(community) for _n in range(2)])
    for serial in (1, 2):
        for by in staff[:2]:
            key(by, batch, serial, NONE)
    acts = [lambda by=by: actions.accept_batch(viewer=fresh(by), batch_id=batch.pk) for by in staff]
    assert together(race, *acts) == {"done": HANDS}
    assert Ballot.objects.count() == 2


@pytest.mark.parametrize("policy", PaperPolicy)
def test_a_slip_and_an_on_line_vote_at_the_same_moment_are_one_vote(
    policy, race, racing_pot, staff, community, now
) -> None:
    Pot.objects.update(paper_policy=policy)
    racing_pot.refresh_from_db()
    chosen = numbers(racing_pot)[:1]
    batch = issued(staff[0], racing_pot, 40)
    actions.count_returned(viewer=staff[0], batch_id=batch.pk, returned=20, unused=20)
    slips, seen = 0, set()
    for _n in range(8):
        person = world.a_person(community)
        votes = [
            lambda person=person: voting.cast_ballot(
                viewer=Viewer(racing_pot.authority, person, now),
                pot_id=racing_pot.pk,
                choice=Choice.of(chosen),
            )
        ] * 3
        told = together(
            race,
            lambda person=person: actions.check_in(
                viewer=fresh(staff[0]), batch_id=batch.pk, somebody=Somebody(person=person)
            ),
            *votes,
        )
        line = Roll.objects.get(person=person)
        here = Ballot.objects.filter(envelope=racing_pot.envelope_of(person)).count()
        assert set(told) <= {"done", "SetItAside", "VotedAlready"}
        if line.channel == Channel.PAPER:
            slips += 1
            assert here == 0, "the paper counts, so the ballot on-line must not"
            assert "SetItAside" not in told
        else:
            assert here == 1 and told == {"done": 3, "SetItAside": 1}
            assert policy == PaperPolicy.FIRST
        seen.add(line.channel)
    assert Batch.objects.get().slips == slips
    if policy == PaperPolicy.PAPER:
        assert seen == {Channel.PAPER}


def test_one_slip_checked_in_at_two_tables_is_one_vote(race, racing_pot, staff, community) -> None:
    tables = [issued(staff[0], racing_pot, 5) for _n in range(4)]
    for batch in tables:
        actions.count_returned(viewer=staff[0], batch_id=batch.pk, returned=5, unused=0)
    person = world.a_person(community)
    for somebody in (Somebody(person=person), Somebody(name="ann other lm1 4ab")):
        told = together(
            race,
            *[
                lambda batch=batch, by=by, somebody=somebody: actions.check_in(
                    viewer=fresh(by), batch_id=batch.pk, somebody=somebody
                )
                for batch, by in zip(tables, staff, strict=False)
            ],
        )
        assert told == {"done": 1, "SetItAside": 3}
    assert Roll.objects.count() == 2
    assert sum(Batch.objects.values_list("slips", flat=True)) == 2


def test_the_count_waits_for_the_last_batch_or_has_it_whole(
    race, racing_pot, staff, community
) -> None:
    people = [world.a_person(community) for _n in range(3)]
    batch = opened(staff[0], racing_pot, people)
    for serial in (1, 2, 3):
        for by in staff[:2]:
            key(by, batch, serial, NONE)
    after = racing_pot.closes_at + timedelta(seconds=1)
    told = together(
        race,
        lambda: actions.accept_batch(viewer=fresh(staff[0], after), batch_id=batch.pk),
        *[lambda: counts.count_closed_pot(pot_id=racing_pot.pk, at=after)] * 3,
    )
    assert set(told) <= {"done", "PaperIsMissing", "CountedAlready"}
    counted = counts.count_closed_pot(pot_id=racing_pot.pk, at=after)
    assert counted.result["voters"] == 3
    assert Batch.objects.get().accepted_at == after


def test_papers_are_given_out_before_the_count_or_not_at_all(race, racing_pot, staff) -> None:
    after = racing_pot.closes_at
    told = together(
        race,
        lambda: issued(fresh(staff[0]), racing_pot),
        lambda: counts.count_closed_pot(pot_id=racing_pot.pk, at=after),
    )
    pot = Pot.objects.get()
    assert pot.waits_for_paper == Batch.objects.exists()
    assert (pot.counted_at is None) == Batch.objects.exists(), told


# --- kiosks


@pytest.mark.parametrize("reach", [Reach.PLACE, Reach.EVERYONE])
def test_one_turn_sent_sixty_four_times_is_one_ballot_with_one_receipt(
    reach, race, racing_pot, staff
) -> None:
    Pot.objects.update(reach=reach)
    _device, secret = kiosks.approve_device(
        viewer=staff[0], pot_id=racing_pot.pk, place="Hall", expires_at=racing_pot.closes_at
    )
    person = world.a_person(racing_pot.community)
    code = kiosks.let_in(viewer=staff[0], pot_id=racing_pot.pk, somebody=Somebody(person))
    vote: dict[str, Any] = {"turn": "a" * 32, "marks": [{"idea": numbers(racing_pot)[0]}]}
    if reach == Reach.PLACE:
        vote["code"] = code

    def send() -> list[tuple[int, str]]:
        client = Client(raise_request_exception=False)
        answers = [
            client.post(
                "/api/kiosk/ballots",
                json.dumps(vote),
                content_type="application/json",
                headers={"authorization": f"Bearer {secret}"},
            )
            for _n in range(4)
        ]
        return [(answer.status_code, answer.content.decode()) for answer in answers]

    told = {answer for hand in race([send] * 16) for answer in hand}
    assert {status for status, _words in told} == {201} and len(told) == 1
    assert Ballot.objects.count() == Roll.objects.count() == 1


def test_one_code_of_the_desk_at_two_kiosks_at_once_is_one_ballot(
    race, racing_pot, staff, now
) -> None:
    machines = [
        kiosks.approve_device(
            viewer=staff[0], pot_id=racing_pot.pk, place="Hall", expires_at=racing_pot.closes_at
        )[0]
        for _n in range(HANDS)
    ]
    person = world.a_person(racing_pot.community)
    code = kiosks.let_in(viewer=staff[0], pot_id=racing_pot.pk, somebody=Somebody(person))
    nobody = replace(fresh(staff[0]), person=None)
    told = together(
        race,
        *[
            lambda machine=machine, n=n: kiosks.cast_from_afar(
                viewer=replace(nobody), device=machine, turn=f"{n:032x}", code=code, choice=Choice()
            )
            for n, machine in enumerate(machines)
        ],
    )
    assert told == {"done": 1, "NobodyFound": HANDS - 1}
    assert Ballot.objects.count() == Roll.objects.count() == 1
