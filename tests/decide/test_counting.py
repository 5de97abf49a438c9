"""Counting a pot: the engine's own result, published once, and nobody findable after it."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from procrastinate.contrib.django.models import ProcrastinateJob

from commonweal.decide.ballots import actions as casting
from commonweal.decide.ballots.models import Ballot, Roll
from commonweal.decide.ballots.rules import Choice
from commonweal.decide.budgets import tasks as opening
from commonweal.decide.counts import queries, tasks
from commonweal.decide.budgets.models import Pot, Project, Rule
from commonweal.decide.counts import actions as counts
from commonweal.engine import voting
from commonweal.engine.voting.reasons import with_ballots
from commonweal.ground.journal.models import Entry
from commonweal.propose.proposals.models import Status
from tests.decide.conftest import numbers
from tests.decide.crowd import vote_for
from tests.factories import world


@pytest.fixture
def closed(challenge, now) -> Pot:
    """Return a pot that has closed, with eight projects for more money than there is."""
    return world.a_pot(
        challenge,
        costs=tuple(10_000_00 * n for n in range(1, 9)),
        opens_at=now - timedelta(days=9),
        closes_at=now - timedelta(days=1),
    )


def by_hand(pot: Pot) -> voting.Profile:
    """Build the profile row by row, the slow way."""
    rows = pot.projects.order_by("pk")
    ticks = [(p, b.pk) for b in Ballot.objects.filter(pot=pot) for p in b.projects]
    return voting.Profile.from_pairs(
        np.array([row.pk for row in rows]),
        np.array([row.cost_pence for row in rows]),
        project=[tick[0] for tick in ticks],
        ballot=[tick[1] for tick in ticks],
        voters=Ballot.objects.filter(pot=pot).count(),
    )


@pytest.mark.parametrize("rule", Rule.values)
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_result_is_the_engines_on_the_same_ballots(closed, community, rule, seed) -> None:
    Pot.objects.filter(pk=closed.pk).update(rule=rule)
    vote_for(closed, community, 200, seed=seed)
    vote_for(closed, community, 7, chosen=[])
    profile, ties = by_hand(closed), voting.TieRule(seed=closed.lot_seed)
    expected = (
        voting.greedy(profile, closed.pence, ties=ties)
        if rule == Rule.GREEDY
        else voting.equal_shares(profile, closed.pence, completion="add1-greedy", ties=ties)
    )
    pot = counts.count_closed_pot(pot_id=closed.pk, at=closed.closes_at)
    funded = set(profile.ids[expected.funded].tolist())
    assert 0 < len(funded) < 8
    assert set(pot.projects.filter(is_funded=True).values_list("pk", flat=True)) == funded
    assert (
        set(pot.projects.filter(is_funded=False).values_list("pk", flat=True))
        == {*numbers(pot)} - funded
    )
    assert pot.result["spent_pence"] == expected.spent <= pot.pence
    assert pot.result["voters"] == 207
    lines = {line["id"]: line for line in pot.result["projects"]}
    assert [line["id"] for line in pot.result["projects"]][: len(funded)] == profile.ids[
        expected.order
    ].tolist()
    for place, number in enumerate(profile.ids.tolist()):
        assert lines[number]["votes"] == int(profile.votes[place])
        assert lines[number]["shortfall_pence"] == int(expected.shortfall[place])


def test_what_would_have_been_enough_is_enough_and_one_less_is_not(closed, community) -> None:
    vote_for(closed, community, 100)
    profile = by_hand(closed)
    pot = counts.count_closed_pot(pot_id=closed.pk, at=closed.closes_at)
    lost = [line for line in pot.result["projects"] if not line["is_funded"]]
    assert lost
    for line in lost:
        place = profile.ids.tolist().index(line["id"])
        for ballots, wins in ((line["needed_ballots"], True), (line["needed_ballots"] - 1, False)):
            again = queries.tally(pot, with_ballots(profile, place, ballots))
            assert bool(again.funded[place]) is wins


def test_in_a_large_pot_the_nearest_losers_are_explained(closed, community, monkeypatch) -> None:
    monkeypatch.setattr(queries, "MOST_TO_EXPLAIN", 2 * 8**2)
    vote_for(closed, community, 100)
    pot = counts.count_closed_pot(pot_id=closed.pk, at=closed.closes_at)
    lost = [line for line in pot.result["projects"] if not line["is_funded"]]
    assert [line["needed_cost_pence"] is not None for line in lost] == [
        place < 2 for place in range(len(lost))
    ]
    assert len(lost) > 2
    assert lost[0]["shortfall_pence"] <= lost[-1]["shortfall_pence"]


def test_what_the_count_had_no_time_for_is_worked_out_after_it(
    challenge, community, now, monkeypatch, visit, client
) -> None:
    past = {"opens_at": now - timedelta(days=9), "closes_at": now - timedelta(days=1)}
    costs = tuple(10_000_00 * n for n in range(1, 9))
    told = []
    for most in (queries.MOST_TO_EXPLAIN, 0):
        monkeypatch.setattr(queries, "MOST_TO_EXPLAIN", most)
        pot = world.a_pot(challenge, costs=costs, lot_seed="same", **past)
        vote_for(pot, community, 100)
        pot = counts.count_closed_pot(pot_id=pot.pk, at=pot.closes_at)
        told.append([line["needed_cost_pence"] for line in pot.result["projects"]])
    assert told[0] != told[1] == [None] * 8
    waits = "What would have been enough is still being worked out"
    assert waits in visit(reverse("counts:result", args=[pot.pk])).text
    assert not client.get(f"/api/pots/{pot.pk}/result").json()["projects"][-1]["is_explained"]

    tasks.look(timestamp=0)
    tasks.look(timestamp=0)
    queued = ProcrastinateJob.objects.filter(task_name="budgets.explain")
    assert [job.args for job in queued] == [{"pot_id": pot.pk}]
    for _project in costs:
        tasks.explain(pot_id=pot.pk)
    pot.refresh_from_db()
    assert [line["needed_cost_pence"] for line in pot.result["projects"]] == told[0]
    assert waits not in visit(reverse("counts:result", args=[pot.pk])).text
    assert not queries.due_to_explain(now).exists()


def test_how_many_had_nothing_is_counted_under_both_rules(challenge, community, now) -> None:
    pot = world.a_pot(challenge, costs=(90_000_00, 30_000_00), opens_at=now - timedelta(9),
                      closes_at=now - timedelta(1))  # fmt: skip
    dear, cheap = numbers(pot)
    vote_for(pot, community, 6, [dear])
    vote_for(pot, community, 4, [cheap])
    result = counts.count_closed_pot(pot_id=pot.pk, at=pot.closes_at).result
    assert result["chosen"] == {"mean": 0.4, "nothing": 6}
    assert result["chosen_by_votes"] == {"mean": 0.6, "nothing": 4}


@pytest.mark.parametrize("costs", [(), (5_00, 6_00)])
def test_a_pot_that_nobody_voted_in_is_counted_too(challenge, now, costs) -> None:
    pot = world.a_pot(challenge, costs=costs, opens_at=now - timedelta(9), closes_at=now)
    pot = counts.count_closed_pot(pot_id=pot.pk, at=now)
    assert pot.result["voters"] == pot.result["spent_pence"] == 0
    assert len(queries.lines(pot)) == len(costs)


def test_a_pot_is_not_counted_before_the_very_moment_it_closes(pot, administrator, seen_by) -> None:
    with pytest.raises(counts.NotYetClosed):
        counts.count_closed_pot(pot_id=pot.pk, at=pot.closes_at - timedelta(microseconds=1))
    with pytest.raises(counts.NotYetClosed):
        counts.count_pot(viewer=seen_by(administrator), pot_id=pot.pk)
    assert Pot.objects.get().counted_at is None
    counts.count_pot(viewer=seen_by(administrator, at=pot.closes_at), pot_id=pot.pk)
    assert Pot.objects.get().counted_by == administrator


def test_only_those_who_run_a_pot_count_it(closed, resident, moderator, seen_by, elsewhere) -> None:
    for person in (resident, moderator, None):
        with pytest.raises(PermissionDenied):
            counts.count_pot(viewer=seen_by(person), pot_id=closed.pk)
    with pytest.raises(Pot.DoesNotExist):
        counts.count_pot(viewer=seen_by(resident, authority=elsewhere), pot_id=closed.pk)
    assert Pot.objects.get().counted_at is None


def test_a_second_count_changes_nothing(closed, community, administrator, seen_by) -> None:
    vote_for(closed, community, 30)
    first = counts.count_closed_pot(pot_id=closed.pk, at=closed.closes_at)
    counts.count_pot(viewer=seen_by(administrator), pot_id=closed.pk)
    again = Pot.objects.get()
    assert (again.result, again.counted_at, again.counted_by) == (
        first.result, first.counted_at, None,
    )  # fmt: skip
    assert Entry.objects.filter(what="pot.counted").count() == 1


def test_the_journal_tells_who_counted_or_that_nobody_had_to(
    closed, challenge, now, administrator, seen_by
) -> None:
    other = world.a_pot(challenge, opens_at=now - timedelta(9), closes_at=now - timedelta(1))
    counts.count_closed_pot(pot_id=closed.pk, at=now)
    counts.count_pot(viewer=seen_by(administrator), pot_id=other.pk)
    told = Entry.objects.filter(what="pot.counted").order_by("pk")
    assert [(entry.who, entry.facts["automatic"], entry.is_public) for entry in told] == [
        (None, True, True),
        (administrator, False, True),
    ]
    assert {entry.challenge_id for entry in told} == {challenge.pk}


def test_proposals_learn_how_it_ended(closed, challenge, community) -> None:
    proposals = [world.a_proposal(challenge, status=Status.IN_BALLOT) for _ in range(8)]
    for project, proposal in zip(closed.projects.order_by("pk"), proposals, strict=True):
        Project.objects.filter(pk=project.pk).update(proposal=proposal)
    vote_for(closed, community, 50)
    counts.count_closed_pot(pot_id=closed.pk, at=closed.closes_at)
    for project in closed.projects.select_related("proposal"):
        wanted = Status.FUNDED if project.is_funded else Status.NOT_FUNDED
        assert project.proposal.status == wanted


def test_the_count_destroys_the_key_and_draws_new_numbers(closed, community) -> None:
    vote_for(closed, community, 40)
    key = bytes(closed.key)
    were = set(Ballot.objects.values_list("pk", flat=True))
    ticks = by_hand(closed).votes.tolist()
    envelopes = {bytes(e) for e in Ballot.objects.values_list("envelope", flat=True)}
    pot = counts.count_closed_pot(pot_id=closed.pk, at=closed.closes_at)
    assert Pot.objects.get().key is None
    assert not were & set(Ballot.objects.values_list("pk", flat=True))
    assert by_hand(pot).votes.tolist() == ticks
    assert {bytes(e) for e in Ballot.objects.values_list("envelope", flat=True)} == envelopes
    assert Roll.objects.count() == 40
    with pytest.raises(ValueError, match="destroyed"):
        pot.envelope_of(Roll.objects.first().person)
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_jsonb(p)::text FROM budgets_pot p")
        assert key.hex() not in cursor.fetchone()[0]


def test_no_column_order_or_number_leads_from_the_roll_to_a_ballot(closed, community) -> None:
    """Join the two by every order a copy of the database has; chance finds one pair in sixty."""
    projects = numbers(closed)
    vote_for(closed, community, 300, seed=5)
    chose = dict(
        Approval.objects.filter(project_id=projects[0]).values_list(
            "ballot__envelope", "project_id"
        )
    )
    key = closed.envelope_of
    truth = {
        line.person_id: bytes(key(line.person)) for line in Roll.objects.select_related("person")
    }
    assert len(truth) == 300
    assert chose
    counts.count_closed_pot(pot_id=closed.pk, at=closed.closes_at)
    with connection.cursor() as cursor:
        for roll_order in ("ctid", "person_id"):
            for ballot_order in ("ctid", "id", "envelope", "xmin::text::bigint, id"):
                cursor.execute(f"SELECT person_id FROM ballots_roll ORDER BY {roll_order}")
                people = [row[0] for row in cursor.fetchall()]
                cursor.execute(f"SELECT envelope FROM ballots_ballot ORDER BY {ballot_order}")
                ballots = [bytes(row[0]) for row in cursor.fetchall()]
                hits = sum(truth[p] == b for p, b in zip(people, ballots, strict=True))
                assert hits <= 8, (roll_order, ballot_order, hits)  # 1 expected; 9 or more: 1e-6
        cursor.execute("SELECT count(DISTINCT xmin::text) FROM ballots_ballot")
        assert cursor.fetchone() == (1,)
        cursor.execute("SELECT count(DISTINCT xmin::text) FROM ballots_roll")
        assert cursor.fetchone() == (1,)


def test_what_was_voted_on_stays_whoever_asks(pot, resident, seen_by) -> None:
    casting.cast_ballot(viewer=seen_by(resident), pot_id=pot.pk, choice=Choice.of(numbers(pot)))
    project = Project.objects.filter(pot=pot)
    for change in (
        lambda: project.update(cost_pence=1),
        lambda: project.update(title="Something else"),
        lambda: Project.objects.create(
            authority=pot.authority, pot=pot, title="Late", summary="x", cost_pence=1
        ),
        lambda: Pot.objects.update(pence=1),
        lambda: Pot.objects.update(rule="greedy"),
        lambda: Pot.objects.update(closes_at=pot.closes_at + timedelta(days=1)),
    ):
        with pytest.raises(IntegrityError, match="have voted"), transaction.atomic():
            change()


def test_the_clock_opens_and_counts_pots_once(challenge, closed, community, now) -> None:
    opened = world.a_pot(challenge)
    coming = world.a_pot(challenge, opens_at=now + timedelta(1), closes_at=now + timedelta(2))
    hidden = world.a_pot(world.a_challenge(challenge.authority, published=False))
    vote_for(closed, community, 20)
    for _ in range(2):
        tasks.look(timestamp=0)
    queued = ProcrastinateJob.objects.filter(task_name="counts.count")
    assert [job.args for job in queued] == [{"pot_id": closed.pk}]
    for _ in range(2):
        tasks.count(pot_id=closed.pk)
    told = Entry.objects.filter(what="pot.opened").values_list("about_id", flat=True)
    assert sorted(told) == sorted([opened.pk, closed.pk])
    assert Pot.objects.get(pk=closed.pk).counted_at is not None
    for pot in (opened, coming, hidden):
        assert Pot.objects.get(pk=pot.pk).counted_at is None
