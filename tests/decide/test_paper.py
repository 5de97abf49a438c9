"""Papers go out, come back, are keyed twice, and join the box once, all or none."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commonweal.decide.ballots import actions as voting
from commonweal.decide.ballots.models import Ballot, Channel, Roll
from commonweal.decide.ballots.rules import Choice
from commonweal.decide.budgets.models import PaperPolicy, Pot, Reach
from commonweal.decide.counts import actions as counts
from commonweal.decide.paper import actions, queries
from commonweal.decide.paper.models import (
    LETTERS,
    Batch,
    Keying,
    Outcome,
    Paper,
    Says,
    Why,
    check_letter,
    printed,
)
from commonweal.decide.paper.queries import Somebody, WrongSerial, serial_in
from commonweal.ground.journal.models import Entry
from commonweal.ground.places.models import RoleKind
from tests.decide.conftest import numbers
from tests.decide.papers import clerks, fresh, issued, key, marked, opened
from tests.factories import world
from tests.visit import sign_in

EMPTY = actions.Reading(Says.EMPTY)
NONE = actions.Reading(Says.NONE)
UNCLEAR = actions.Reading(Says.UNCLEAR)


@pytest.fixture
def staff(pot, now):
    return clerks(pot, now)


@pytest.fixture
def voters(community):
    return [world.a_person(community) for _n in range(4)]


# --- serial numbers


@given(st.integers(1, 10**9), st.integers(1, 999_999), st.data())
def test_a_wrong_figure_and_two_that_changed_places_are_found(pot, serial, data):
    said = f"{serial:06d}"
    at = data.draw(st.integers(0, 5))
    other = data.draw(st.sampled_from([f for f in "0123456789" if f != said[at]]))
    slips = [said[:at] + other + said[at + 1 :]]
    slips += [said[:k] + said[k + 1] + said[k] + said[k + 2 :] for k in range(5)]
    for slip in slips:
        if slip != said:
            assert check_letter(pot, int(slip)) != check_letter(pot, serial)
    assert serial_in(pot, printed(pot, serial)) == serial
    assert serial_in(pot, f" {serial}{check_letter(pot, serial).lower()} ") == serial


@given(st.text(max_size=30))
def test_whatever_is_typed_as_a_serial_is_read_or_refused(text):
    try:
        assert 1 <= serial_in(7, text) <= 999_999
    except WrongSerial as wrong:
        assert str(wrong)


def test_a_paper_of_a_neighbouring_pot_is_refused():
    assert len(set(LETTERS)) == 23
    with pytest.raises(WrongSerial, match="another ballot"):
        serial_in(8, printed(7, 12))


def test_the_database_gives_out_no_serial_twice(pot, staff):
    first, second = issued(staff[0], pot, 10), issued(staff[0], pot, 5)
    assert (first.first, first.last, second.first, second.last) == (1, 10, 11, 15)
    with pytest.raises(IntegrityError), transaction.atomic():
        Batch.objects.filter(pk=second.pk).update(first=10)
    with pytest.raises(IntegrityError), transaction.atomic():
        Paper.objects.create(batch=first, serial=11)


# --- the whole way


def test_papers_go_out_come_back_and_are_counted(pot, staff, voters, now):
    one, two, three = staff
    a, b, _ = numbers(pot)
    batch = opened(one, pot, voters)
    assert Pot.objects.get().waits_for_paper
    assert Roll.objects.filter(channel=Channel.PAPER).count() == 4
    for serial, first, second, then in (
        (3, marked([a]), marked([a]), Outcome.AGREED),
        (5, NONE, NONE, Outcome.AGREED),
        (6, EMPTY, EMPTY, Outcome.SPOILED),
        (9, marked([a, b]), marked([a]), Outcome.DIFFERS),
    ):
        assert key(one, batch, serial, first) == Outcome.ONCE
        assert key(two, batch, serial, second) == then
    with pytest.raises(actions.DoesNotAddUp):
        actions.accept_batch(viewer=one, batch_id=batch.pk)
    assert not Ballot.objects.exists()
    differs = Paper.objects.get(outcome=Outcome.DIFFERS)
    for reader in (one, two):
        with pytest.raises(actions.ReadBefore):
            actions.resolve_paper(viewer=reader, paper_id=differs.pk, reading=marked([b]))
    actions.resolve_paper(viewer=three, paper_id=differs.pk, reading=marked([a, b]))
    for _again in range(2):
        actions.accept_batch(viewer=three, batch_id=batch.pk)
    assert sorted(Ballot.objects.values_list("projects", flat=True)) == [[], [a], [a, b]]
    assert not Pot.objects.get().waits_for_paper
    assert not Keying.objects.exclude(says=Says.DESTROYED).exists()
    assert not Keying.objects.exclude(projects=[]).exists()
    facts = Entry.objects.get(what="batch.accepted").facts
    assert facts == {"batch": batch.pk, "counted": 3, "spoiled": 1, "aside": 0}
    assert queries.fate(pot, 3)[0] == "in-the-box"
    assert queries.fate(pot, 6)[0] == "spoiled"
    assert queries.fate(pot, 1)[0] == "apart"
    assert queries.fate(pot, 11)[0] == "unknown"
    counted = counts.count_closed_pot(pot_id=pot.pk, at=pot.closes_at)
    assert counted.result["voters"] == 3
    assert queries.fate(Pot.objects.get(), 3)[0] == "counted"


def test_a_batch_joins_after_the_close_and_the_count_waits_for_it(pot, staff, voters):
    one, two, _three = (fresh(clerk, pot.closes_at + timedelta(hours=1)) for clerk in staff)
    batch = opened(staff[0], pot, voters[:1])
    with pytest.raises(counts.PaperIsMissing):
        counts.count_closed_pot(pot_id=pot.pk, at=one.at)
    from commonweal.decide.counts.queries import due_to_count

    assert not due_to_count(one.at).exists()
    with pytest.raises(actions.PotIsOver):
        issued(one, pot)
    for clerk in (one, two):
        key(clerk, batch, 1, marked(numbers(pot)[:1]))
    actions.accept_batch(viewer=one, batch_id=batch.pk)
    assert due_to_count(one.at).get() == pot
    assert counts.count_closed_pot(pot_id=pot.pk, at=one.at).result["voters"] == 1


def test_a_clerk_may_declare_a_batch_lost_in_public_and_the_count_goes_on(
    pot, staff, voters, leader, seen_by
):
    batch = opened(staff[0], pot, voters)
    key(staff[0], batch, 1, marked(numbers(pot)[:1]))
    with pytest.raises(PermissionDenied):
        actions.declare_lost(viewer=seen_by(leader), batch_id=batch.pk, note="Fire")
    actions.declare_lost(viewer=staff[0], batch_id=batch.pk, note="The library burned.")
    assert not Pot.objects.get().waits_for_paper
    assert Entry.objects.get(what="batch.lost").is_public
    code, words = queries.fate(pot, 1)
    assert code == "lost" and "burned" in words
    for act in (
        lambda: actions.accept_batch(viewer=staff[0], batch_id=batch.pk),
        lambda: key(staff[1], batch, 1, marked([])),
        lambda: actions.declare_lost(viewer=staff[0], batch_id=batch.pk, note="again"),
    ):
        with pytest.raises(actions.BatchIsDone):
            act()
    assert counts.count_closed_pot(pot_id=pot.pk, at=pot.closes_at).result["voters"] == 0


# --- adding up


def test_what_does_not_add_up_says_where_to_look(pot, staff, voters):
    batch = issued(staff[0], pot)

    def wrong():
        return [line.wrong for line in queries.sums(Batch.objects.get()).lines() if line.wrong]

    assert wrong() == ["Nobody has counted yet what came back."]
    with pytest.raises(actions.MoreThanWentOut):
        actions.count_returned(viewer=staff[0], batch_id=batch.pk, returned=9, unused=2)
    actions.count_returned(viewer=staff[0], batch_id=batch.pk, returned=2, unused=7)
    assert "Nobody has said why" in wrong()[0] and "not checked in" in wrong()[1]
    actions.count_returned(
        viewer=staff[0], batch_id=batch.pk, returned=2, unused=7, note="Taken home"
    )
    for person in voters[:1]:
        actions.check_in(viewer=staff[0], batch_id=batch.pk, somebody=Somebody(person=person))
    with pytest.raises(actions.NotAllCheckedIn):
        actions.open_batch(viewer=staff[0], batch_id=batch.pk)
    actions.set_aside(viewer=staff[0], batch_id=batch.pk, why=Why.NO_SLIP, before=0)
    with pytest.raises(actions.CountedMeanwhile):  # the form was sent twice
        actions.set_aside(viewer=staff[0], batch_id=batch.pk, why=Why.NO_SLIP, before=0)
    actions.open_batch(viewer=staff[0], batch_id=batch.pk)
    assert wrong() == ["Some papers were let in and are not keyed."]
    with pytest.raises(actions.AlreadyOpened):
        actions.check_in(viewer=staff[0], batch_id=batch.pk, somebody=Somebody(person=voters[1]))
    for clerk in staff[:2]:
        key(clerk, batch, 1, marked(numbers(pot)[:1]))
    assert wrong() == []
    with pytest.raises(actions.MorePapersThanSlips):  # a stuffed paper finds no slip
        key(staff[0], batch, 2, marked(numbers(pot)[:1]))
    actions.accept_batch(viewer=staff[0], batch_id=batch.pk)
    assert Ballot.objects.count() == 1


def test_no_envelope_is_keyed_before_all_slips_are_off(pot, staff, voters):
    batch = issued(staff[0], pot)
    with pytest.raises(actions.NotCountedYet):
        key(staff[0], batch, 1, marked([]))
    with pytest.raises(actions.NotCountedYet):
        actions.check_in(viewer=staff[0], batch_id=batch.pk, somebody=Somebody(person=voters[0]))


def test_serials_out_of_range_or_keyed_by_the_same_hand_are_refused(pot, staff, voters):
    batch = opened(staff[0], pot, voters)
    with pytest.raises(actions.NotOfThisBatch):
        key(staff[0], batch, 11, marked([]))
    key(staff[0], batch, 1, NONE)
    with pytest.raises(actions.KeyedByYou):
        key(staff[0], batch, 1, NONE)
    key(staff[1], batch, 1, NONE)
    with pytest.raises(actions.KeyedTwice):
        key(staff[2], batch, 1, NONE)
    paper = Paper.objects.get()
    with pytest.raises(IntegrityError), transaction.atomic():  # the database holds it too
        Keying.objects.create(paper=paper, turn=3, keyed_by=staff[0].person, says=Says.NONE)


def test_what_breaks_the_rule_is_looked_at_again_and_never_mended(pot, staff, voters):
    Pot.objects.filter(pk=pot.pk).update(most=1)
    pot.refresh_from_db()
    batch = opened(staff[0], pot, voters[:1])
    both = numbers(pot)[:2]
    with pytest.raises(actions.BreaksTheRule, match="at most 1 idea"):
        key(staff[0], batch, 1, marked(both))
    assert not Paper.objects.exists()
    for clerk in staff[:2]:
        key(clerk, batch, 1, marked(both, again=True))
    paper = Paper.objects.get()
    assert (paper.outcome, paper.why) == (Outcome.SPOILED, "too-many")
    with pytest.raises(actions.BreaksTheRule):  # a stranger is a slip of the typist, never a mark
        key(staff[2], batch, 2, marked([10**6], again=True))


def test_a_ballot_that_changed_after_printing_takes_no_such_paper(challenge, now, staff, voters):
    pot = world.a_pot(
        challenge, opens_at=now + timedelta(hours=1), closes_at=now + timedelta(days=1)
    )
    batch = opened(staff[0], pot, voters[:1])
    pot.projects.filter(pk=numbers(pot)[0]).update(title="Something else")
    for clerk in staff[:2]:
        key(clerk, batch, 1, NONE)
    later = fresh(staff[0], pot.opens_at)
    with pytest.raises(actions.BallotChanged):
        actions.accept_batch(viewer=later, batch_id=batch.pk)


# --- who voted


def test_the_first_ballot_stands_where_the_pot_says_so(pot, staff, voters, seen_by):
    voting.cast_ballot(viewer=seen_by(voters[0]), pot_id=pot.pk, choice=Choice.of(numbers(pot)[:1]))
    batch = issued(staff[0], pot)
    actions.count_returned(viewer=staff[0], batch_id=batch.pk, returned=1, unused=9)
    with pytest.raises(actions.SetItAside, match="on-line") as found:
        actions.check_in(viewer=staff[0], batch_id=batch.pk, somebody=Somebody(person=voters[0]))
    assert found.value.why == Why.TWICE
    assert Ballot.objects.count() == 1 and Batch.objects.get().slips == 0


def test_the_paper_stands_where_the_pot_says_so_and_the_other_leaves_the_box(
    pot, staff, voters, seen_by
):
    Pot.objects.filter(pk=pot.pk).update(paper_policy=PaperPolicy.PAPER)
    pot.refresh_from_db()
    chosen = Choice.of(numbers(pot)[:1])
    voting.cast_ballot(viewer=seen_by(voters[0]), pot_id=pot.pk, choice=chosen)
    batch = opened(staff[0], pot, voters[:1])
    assert not Ballot.objects.exists()
    assert Roll.objects.get().channel == Channel.PAPER
    entry = Entry.objects.get(what="ballot.gave_way")
    assert entry.facts == {} and entry.about == "budgets.Pot"
    with pytest.raises(voting.VotedAlready, match="on paper"):
        voting.cast_ballot(viewer=seen_by(voters[0]), pot_id=pot.pk, choice=chosen)
    for clerk in staff[:2]:
        key(clerk, batch, 1, NONE)
    actions.accept_batch(viewer=staff[0], batch_id=batch.pk)
    assert Ballot.objects.get().projects == []


def test_a_slip_twice_and_a_stranger_stay_closed(pot, staff, voters, elsewhere):
    batch = issued(staff[0], pot)
    actions.count_returned(viewer=staff[0], batch_id=batch.pk, returned=3, unused=7)

    def slip(person=None, **given):
        return actions.check_in(
            viewer=staff[0], batch_id=batch.pk, somebody=Somebody(person=person, **given)
        )

    slip(voters[0])
    with pytest.raises(actions.SetItAside, match="on paper"):
        slip(voters[0])
    with pytest.raises(actions.SetItAside, match="may not vote"):
        slip(world.a_person(world.root(elsewhere)))
    slip(name="ann other lm1 4ab")
    with pytest.raises(actions.SetItAside, match="already"):
        slip(name="ann other lm1 4ab")
    assert Roll.objects.count() == 2 and Batch.objects.get().slips == 2


def test_where_everyone_may_vote_there_are_no_slips_and_the_roll_counts_the_papers(
    pot, staff, voters
):
    Pot.objects.filter(pk=pot.pk).update(reach=Reach.EVERYONE)
    batch = issued(staff[0], pot)
    actions.count_returned(viewer=staff[0], batch_id=batch.pk, returned=2, unused=8)
    actions.open_batch(viewer=staff[0], batch_id=batch.pk)
    for clerk in staff[:2]:
        key(clerk, batch, 1, NONE)
        key(clerk, batch, 2, UNCLEAR)
    actions.accept_batch(viewer=staff[0], batch_id=batch.pk)
    assert Ballot.objects.count() == 1
    assert Roll.objects.filter(channel=Channel.PAPER, person=None).count() == 1


def test_a_small_number_of_a_channel_is_hidden_and_cannot_be_found_by_subtraction(pot):
    Roll.objects.bulk_create(
        Roll(pot=pot, channel=channel)
        for channel, count in ((Channel.ONLINE, 9), (Channel.PAPER, 7), (Channel.KIOSK, 2))
        for _n in range(count)
    )
    rows = {row["words"]: row for row in queries.turnout_by_channel(pot)}
    hidden = {str(words) for words, row in rows.items() if row["is_hidden"]}
    assert hidden == {"At a kiosk", "On paper"}


# --- who may


@pytest.mark.parametrize("who", ["nobody", "resident", "moderator", "foreign clerk"])
def test_the_wrong_people_touch_no_paper(who, pot, staff, voters, elsewhere, moderator, seen_by):
    batch = opened(staff[0], pot, voters)
    person = {
        "nobody": None,
        "resident": voters[0],
        "moderator": moderator,
        "foreign clerk": world.a_person(world.root(elsewhere), role=RoleKind.CLERK),
    }[who]
    theirs = seen_by(person)
    ours = {"viewer": theirs, "batch_id": batch.pk}
    for act in (
        lambda: issued(theirs, pot),
        lambda: actions.count_returned(**ours, returned=1, unused=1),
        lambda: actions.check_in(**ours, somebody=Somebody(person=voters[0])),
        lambda: actions.set_aside(**ours, why=Why.EMPTY, before=0),
        lambda: actions.open_batch(**ours),
        lambda: key(theirs, batch, 1, NONE),
        lambda: actions.accept_batch(**ours),
        lambda: actions.declare_lost(**ours, note="Lost"),
    ):
        with pytest.raises(PermissionDenied):
            act()
    assert not queries.batches(theirs).exists()


# --- laws


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_in_whatever_order_papers_are_keyed_the_box_holds_what_was_agreed(
    data, challenge, now, community
):
    with transaction.atomic():
        try:
            _key_in_any_order(data, challenge, now, community)
        finally:
            transaction.set_rollback(True)


def _key_in_any_order(data, challenge, now, community):
    pot = world.a_pot(challenge, most=2)
    staff = clerks(pot, now, 4)
    papers = data.draw(st.integers(1, 4))
    batch = opened(staff[0], pot, [world.a_person(community) for _n in range(papers)], 6)
    a, b, c = numbers(pot)
    readings = [marked([a]), marked([a, b]), marked([a, b, c], again=True), NONE, EMPTY, UNCLEAR]
    steps = [(serial, clerk) for serial in range(1, papers + 1) for clerk in range(4)] * 2
    final: dict[int, actions.Reading] = {}
    for serial, clerk in data.draw(st.permutations(steps)):
        reading = data.draw(st.sampled_from(readings))
        try:
            key(staff[clerk], batch, serial, reading)
        except (actions.KeyedByYou, actions.KeyedTwice):
            continue
        sums = queries.sums(batch)
        assert sums.slips == (
            sums.agreed + sums.spoiled + sums.once + sums.differs + sums.aside + sums.unkeyed
        )
        assert sums.unkeyed >= 0
        final[serial] = reading
    for paper in Paper.objects.filter(batch=batch, outcome=Outcome.DIFFERS):
        read = set(paper.keyings.values_list("keyed_by", flat=True))
        third = next(clerk for clerk in staff if clerk.person.pk not in read)
        final[paper.serial] = data.draw(st.sampled_from(readings))
        actions.resolve_paper(viewer=third, paper_id=paper.pk, reading=final[paper.serial])
    actions.accept_batch(viewer=staff[0], batch_id=batch.pk)
    good = [
        list(reading.choice.projects)
        for reading in final.values()
        if reading.says == Says.NONE
        or (reading.says == Says.MARKED and len(reading.choice.projects) <= 2)
    ]
    assert len(final) == papers
    assert sorted(Ballot.objects.filter(pot=pot).values_list("projects", flat=True)) == sorted(good)
    assert Roll.objects.filter(pot=pot).count() == papers


def test_the_order_of_the_box_is_not_the_order_of_the_papers(pot, staff, community):
    """Twenty papers with a tell-tale mark each: neither numbers nor rows come in their order."""
    people = [world.a_person(community) for _n in range(20)]
    batch = opened(staff[0], pot, people, 20)
    a, b, _c = numbers(pot)
    order = list(range(1, 21))
    for serial in order:
        for clerk in staff[:2]:
            key(clerk, batch, serial, marked([a] if serial <= 10 else [b]))
    actions.accept_batch(viewer=staff[0], batch_id=batch.pk)
    for column in ("id", "ctid"):
        rows = Ballot.objects.raw(f"SELECT * FROM ballots_ballot ORDER BY {column}")
        assert [row.projects for row in rows] != [[a]] * 10 + [[b]] * 10


# --- on paper


@pytest.mark.parametrize("reach", [Reach.PLACE, Reach.EVERYONE])
@pytest.mark.parametrize("size", ["", "large"])
def test_papers_are_printed_with_slips_or_without_whatever_stands_in_the_titles(
    reach, size, pot, staff, client
):
    Pot.objects.update(reach=reach)
    pot.projects.update(title="Swings 👩‍👩‍👧 #emph[x] 你好")
    batch = issued(staff[0], pot, 3)
    desk = sign_in(client, staff[0].person, second_factor=True)
    where = reverse("paper:papers", args=[batch.pk])
    answer = desk.get(where, {"size": size})
    assert answer.status_code == 200 and answer.content.startswith(b"%PDF-")
    assert b"/StructTreeRoot" in answer.content
    assert desk.get(where, {"part": "2"}).status_code == 404
    tally = desk.get(reverse("paper:tally_sheet", args=[batch.pk]))
    assert tally.content.startswith(b"%PDF-")
