"""Casting a ballot: who may, when, how often, and what is kept of it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from commonweal.decide.ballots import actions as voting
from commonweal.decide.ballots import queries, rules
from commonweal.decide.ballots.models import Ballot, Roll
from commonweal.decide.ballots.rules import Choice
from commonweal.decide.budgets.models import Pot
from commonweal.decide.counts import actions as counts
from commonweal.ground.journal.models import Entry
from commonweal.ground.places.models import Level, Membership
from tests.decide.conftest import numbers
from tests.factories import world

INSTANT = timedelta(microseconds=1)


def approved(pot: Pot) -> list[int]:
    return [number for ballot in Ballot.objects.filter(pot=pot) for number in ballot.projects]


def test_a_second_ballot_replaces_the_first(pot, resident, seen_by) -> None:
    first, second, third = numbers(pot)
    for chosen in ([first, second], [], [second, third]):
        voting.cast_ballot(viewer=seen_by(resident), pot_id=pot.pk, choice=Choice.of(chosen))
        assert approved(pot) == chosen
    assert Ballot.objects.count() == Roll.objects.count() == 1


def test_a_ballot_leaves_no_trace_in_the_journal(pot, resident, seen_by) -> None:
    voting.cast_ballot(viewer=seen_by(resident), pot_id=pot.pk, choice=Choice.of(numbers(pot)))
    assert not Entry.objects.exists()


def test_two_people_have_two_ballots_under_envelopes_that_differ(
    pot, resident, leader, community, seen_by
) -> None:
    for person in (resident, world.a_person(community)):
        voting.cast_ballot(
            viewer=seen_by(person), pot_id=pot.pk, choice=Choice.of(numbers(pot)[:1])
        )
    envelopes = {bytes(ballot.envelope) for ballot in Ballot.objects.all()}
    assert len(envelopes) == 2
    assert pot.envelope_of(resident) in envelopes


def test_the_same_person_lies_under_another_envelope_in_another_pot(challenge, resident) -> None:
    one, other = world.a_pot(challenge), world.a_pot(challenge)
    assert one.envelope_of(resident) != other.envelope_of(resident)


@pytest.mark.parametrize(
    ("moment", "is_taken"),
    [("opens_at", True), ("before opening", False), ("last instant", True), ("closes_at", False)],
)
def test_votes_are_taken_from_the_opening_to_just_before_the_close(
    pot, resident, seen_by, moment, is_taken
) -> None:
    at = {
        "opens_at": pot.opens_at,
        "before opening": pot.opens_at - INSTANT,
        "last instant": pot.closes_at - INSTANT,
        "closes_at": pot.closes_at,
    }[moment]
    cast = lambda: voting.cast_ballot(  # noqa: E731
        viewer=seen_by(resident, at=at), pot_id=pot.pk, choice=Choice.of(numbers(pot))
    )
    if is_taken:
        cast()
    else:
        with pytest.raises(voting.PotClosed):
            cast()
    assert Ballot.objects.count() == Roll.objects.count() == int(is_taken)


def test_a_project_of_another_pot_is_refused_and_nothing_is_saved(
    pot, challenge, resident, seen_by
) -> None:
    stranger = numbers(world.a_pot(challenge))[0]
    for forged in (stranger, 0, 2**62):
        with pytest.raises(voting.WrongBallot):
            voting.cast_ballot(
                viewer=seen_by(resident), pot_id=pot.pk, choice=Choice.of([*numbers(pot), forged])
            )
    assert not Ballot.objects.exists()
    assert not Roll.objects.exists()


def test_the_database_itself_keeps_a_ballot_to_the_projects_of_its_pot(
    pot, challenge, resident, seen_by
) -> None:
    ballot = voting.cast_ballot(viewer=seen_by(resident), pot_id=pot.pk, choice=Choice.of([]))
    stranger = numbers(world.a_pot(challenge))[0]
    one = numbers(pot)[0]
    for forged in ([stranger], [one, one], [one, 2**62]):
        with pytest.raises(IntegrityError), transaction.atomic():
            Ballot.objects.filter(pk=ballot.pk).update(projects=forged, marks=[1] * len(forged))
    with pytest.raises(IntegrityError, match="marks_each"), transaction.atomic():
        Ballot.objects.filter(pk=ballot.pk).update(projects=[one], marks=[1, 1])


def test_who_does_not_belong_may_not_vote(pot, authority, elsewhere, community, seen_by) -> None:
    other = world.a_person(world.a_community(authority))
    foreigner = world.a_person(world.root(elsewhere))
    above = world.a_person(world.root(authority))
    for person in (other, foreigner, above, world.a_person()):
        with pytest.raises(PermissionDenied, match="Quayside"):
            voting.cast_ballot(
                viewer=seen_by(person), pot_id=pot.pk, choice=Choice.of(numbers(pot))
            )
        assert rules.why_not(seen_by(person), pot).code == "join"
    inside = world.a_person(world.a_community(authority, parent=community))
    voting.cast_ballot(viewer=seen_by(inside), pot_id=pot.pk, choice=Choice.of(numbers(pot)))
    assert Ballot.objects.count() == 1


def test_a_pot_can_ask_to_be_surer_who_someone_is(challenge, community, now, seen_by) -> None:
    pot = world.a_pot(challenge, level=Level.CODE_BY_POST)
    sure = world.a_person(community, level=Level.CODE_BY_POST)
    unsure = world.a_person(community, level=Level.REGISTER)
    expired = world.a_person(community, level=Level.IN_PERSON)
    Membership.objects.filter(person=expired).update(expires_at=now)
    voting.cast_ballot(viewer=seen_by(sure), pot_id=pot.pk, choice=Choice.of([]))
    for person, code in ((unsure, "verify"), (expired, "join"), (None, "sign-in")):
        viewer = seen_by(person)
        assert rules.why_not(viewer, pot).code == code
        assert not rules.may_vote(viewer, pot)
    with pytest.raises(PermissionDenied):
        voting.cast_ballot(viewer=seen_by(expired), pot_id=pot.pk, choice=Choice.of([]))


def test_a_pot_of_another_authority_or_of_a_draft_is_not_there(
    pot, elsewhere, resident, challenge, seen_by
) -> None:
    hidden = world.a_pot(world.a_challenge(challenge.authority, published=False))
    for viewer, pot_id in (
        (seen_by(resident, authority=elsewhere), pot.pk),
        (seen_by(resident), hidden.pk),
        (seen_by(resident), 2**62),
    ):
        with pytest.raises(Pot.DoesNotExist):
            voting.cast_ballot(viewer=viewer, pot_id=pot_id, choice=Choice.of([]))
    with pytest.raises(PermissionDenied):
        voting.cast_ballot(viewer=seen_by(None), pot_id=pot.pk, choice=Choice.of([]))


def test_a_ballot_costs_two_statements_whatever_is_on_it(challenge, resident, seen_by) -> None:
    for projects in (3, 60):
        pot = world.a_pot(challenge, costs=(100_00,) * projects)
        viewer = seen_by(resident)
        with CaptureQueriesContext(
            connection,
        ) as seen:
            voting.cast_ballot(viewer=viewer, pot_id=pot.pk, choice=Choice.of(numbers(pot)))
        asked = [q["sql"] for q in seen if "SAVEPOINT" not in q["sql"]]
        assert len(asked) == 2 + 1, asked  # and one of the test's own, which lists the projects
        assert sum("FOR KEY SHARE" in sql for sql in asked) == 1
        assert not any("FOR UPDATE" in sql for sql in asked)


def test_a_receipt_says_nothing_and_stays_the_same_when_the_vote_changes(
    pot, resident, community, seen_by
) -> None:
    one = voting.cast_ballot(
        viewer=seen_by(resident), pot_id=pot.pk, choice=Choice.of(numbers(pot))
    )
    two = voting.cast_ballot(viewer=seen_by(resident), pot_id=pot.pk, choice=Choice.of([]))
    other = voting.cast_ballot(
        viewer=seen_by(world.a_person(community)), pot_id=pot.pk, choice=Choice.of([])
    )
    assert one.receipt == two.receipt != other.receipt
    assert queries.ballot_of(seen_by(resident), pot).receipt == one.receipt


def test_who_is_erased_while_the_key_exists_takes_their_ballot_with_them(
    pot, resident, community, seen_by, now
) -> None:
    for person in (resident, world.a_person(community)):
        voting.cast_ballot(
            viewer=seen_by(person), pot_id=pot.pk, choice=Choice.of(numbers(pot)[:2])
        )
    held = list(queries.personal(resident))
    assert [row["pot"] for row in held] == [pot.title]
    assert len(held[0]["chosen"]) == 2
    voting.leave_the_rolls(resident, now)
    assert Ballot.objects.count() == Roll.objects.count() == 1
    assert [len(ballot.projects) for ballot in Ballot.objects.all()] == [2]
    assert list(queries.personal(resident)) == []


def test_who_is_erased_after_the_count_leaves_an_anonymous_ballot(
    pot, resident, seen_by, now
) -> None:
    voting.cast_ballot(viewer=seen_by(resident), pot_id=pot.pk, choice=Choice.of(numbers(pot)[:2]))
    counts.count_closed_pot(pot_id=pot.pk, at=pot.closes_at)
    assert list(queries.personal(resident)) == [{"pot": pot.title, "voted": True, "by": "online"}]
    voting.leave_the_rolls(resident, now)
    assert not Roll.objects.exists()
    assert Ballot.objects.count() == 1
