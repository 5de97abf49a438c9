"""What each way of counting would have done: with whose votes, how said, and how long it may take."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st
from procrastinate.contrib.django.models import ProcrastinateJob

from commonweal.decide.budgets.actions import PotHasOpened
from commonweal.decide.budgets.models import BallotKind, Pot
from commonweal.decide.counts import actions as counts
from commonweal.decide.rehearsals import actions, queries, tasks
from commonweal.decide.rehearsals.models import Rehearsal
from commonweal.ground.challenges.models import Challenge
from commonweal.ground.places.models import RoleKind
from tests.decide.conftest import numbers
from tests.decide.crowd import vote_for
from tests.factories import world

COSTS = (60_000_00, 30_000_00, 20_000_00, 10_000_00)


@pytest.fixture
def coming(challenge: Challenge, now: datetime) -> Pot:
    """Return a pot that opens in a week, with four ideas of which not all fit."""
    opens = now + timedelta(days=7)
    closes = opens + timedelta(days=7)
    return world.a_pot(
        challenge, costs=COSTS, opens_at=opens, closes_at=closes, community=challenge.community
    )


def a_past_pot(challenge: Challenge, now: datetime, *, voters: int = 40, **given: Any) -> Pot:
    """Return a counted pot: 6 of 10 voters chose the dear idea, the others the three cheap ones."""
    begun = {"opens_at": now - timedelta(days=400), "closes_at": now - timedelta(days=390)}
    whole = {"costs": COSTS, "pence": 60_000_00, "title": "Last year", **begun, **given}
    pot = world.a_pot(challenge, **whole)
    dear, *cheap = numbers(pot)
    many = voters * 6 // 10
    vote_for(pot, challenge.community, many, [dear])
    vote_for(pot, challenge.community, voters - many, cheap)
    counts.count_closed_pot(pot_id=pot.pk, at=now)
    pot.refresh_from_db()
    return pot


def test_the_votes_of_last_year_are_counted_by_every_rule(
    coming, challenge, leader, seen_by, now
) -> None:
    past = a_past_pot(challenge, now)
    asked = actions.ask(viewer=seen_by(leader), pot_id=coming.pk, past_id=past.pk)
    told = asked.result
    assert (asked.past, asked.done_at, told["voters"], told["menu"]) == (past, now, 40, "own")
    by_rule = {rule["name"]: rule for rule in told["rules"]}
    assert list(by_rule) == ["equal-shares", "greedy", "phragmen"]
    assert [by_rule["greedy"][name] for name in ("funded", "spent_pence", "some", "mean")] == [
        1, 60_000_00, 24, 0.6,
    ]  # fmt: skip
    won = {tuple(idea["funded"]): idea["cost_pence"] for idea in told["ideas"]}
    assert ("greedy",) in won
    assert told["ideas"][3]["funded"] == ["equal-shares", "phragmen"], "the few pay for it together"
    first = next(line for line in past.result["projects"] if line["is_funded"])
    here = {idea["title"]: idea["funded"] for idea in told["ideas"]}
    assert past.rule in here[past.projects.get(pk=first["id"]).title], "as it was counted"


def test_a_quorum_is_no_part_of_the_comparison(coming, challenge, leader, seen_by, now) -> None:
    past = a_past_pot(challenge, now, quorum=1_000)
    assert not any(line["is_funded"] for line in past.result["projects"])
    asked = actions.ask(viewer=seen_by(leader), pot_id=coming.pk, past_id=past.pk)
    assert all(rule["funded"] for rule in asked.result["rules"])


def test_without_earlier_votes_they_are_made_up_for_the_ideas_on_this_ballot(
    coming, leader, seen_by
) -> None:
    asked = actions.ask(viewer=seen_by(leader), pot_id=coming.pk, past_id=None)
    told = asked.result
    assert (asked.past, told["voters"], told["menu"]) == (None, 1_000, "own")
    assert [idea["title"] for idea in told["ideas"]] == [
        one.title for one in coming.projects.order_by("pk")
    ]
    again = actions.ask(viewer=seen_by(leader), pot_id=coming.pk, past_id=None)
    assert again.result == told, "the word for lots is the seed"
    assert Rehearsal.objects.count() == 1


def test_with_too_few_ideas_the_ideas_are_made_up_as_well(challenge, leader, seen_by, now) -> None:
    opens = now + timedelta(days=7)
    bare = world.a_pot(challenge, costs=(), opens_at=opens, closes_at=opens + timedelta(days=7))
    told = actions.ask(viewer=seen_by(leader), pot_id=bare.pk, past_id=None).result
    assert (told["menu"], len(told["ideas"])) == ("made-up", 12)
    assert all(0 < rule["spent_pence"] <= bare.pence for rule in told["rules"])


def test_votes_that_could_show_somebody_are_not_compared(
    coming, challenge, leader, seen_by, now, authority
) -> None:
    few = a_past_pot(challenge, now, voters=4)
    running = world.a_pot(challenge)
    elsewhere = a_past_pot(world.a_challenge(world.an_authority()), now)
    hidden = a_past_pot(challenge, now, result_at=now + timedelta(days=1))
    for pot in (few, running, elsewhere, hidden, coming):
        with pytest.raises(actions.NoSuchVotes):
            actions.ask(viewer=seen_by(leader), pot_id=coming.pk, past_id=pot.pk)
    assert not Rehearsal.objects.exists()


def test_small_numbers_of_voters_are_hidden(coming, challenge, leader, seen_by, now) -> None:
    past = a_past_pot(challenge, now, voters=10)
    told = actions.ask(viewer=seen_by(leader), pot_id=coming.pk, past_id=past.pk).result
    by_votes = next(rule for rule in told["rules"] if rule["name"] == "greedy")
    assert by_votes["some"] is None, "four of ten got nothing"


def test_only_those_who_run_the_pot_compare_and_only_before_it_opens(
    coming, resident, moderator, leader, seen_by
) -> None:
    for person in (resident, moderator, None):
        with pytest.raises(PermissionDenied):
            actions.ask(viewer=seen_by(person), pot_id=coming.pk, past_id=None)
    late = seen_by(leader, at=coming.opens_at)
    with pytest.raises(PotHasOpened):
        actions.ask(viewer=late, pot_id=coming.pk, past_id=None)
    assert not Rehearsal.objects.exists()


def test_the_database_holds_a_comparison_to_its_authority_and_to_other_votes(
    coming, leader, now
) -> None:
    abroad = world.a_pot(world.a_challenge(world.an_authority()))
    made = {"authority": coming.authority, "pot": coming, "asked_at": now, "asked_by": leader}
    for wrong in ({"past": abroad}, {"past": coming}, {"done_at": now}, {"result": {}}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Rehearsal.objects.create(**made, **wrong)
            with transaction.get_connection().cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


# --- a crowd takes a job


def test_many_votes_are_compared_by_a_job_and_the_page_says_so(
    coming, challenge, leader, visit, signed_in, now, monkeypatch
) -> None:
    past = a_past_pot(challenge, now)
    monkeypatch.setattr(queries, "QUICK_MARKS", 10)
    signed_in(leader, second_factor=True)
    ask = reverse("rehearsals:ask", args=[coming.pk])
    page = visit(ask, data={"votes": past.pk})
    assert "We are counting these votes by each rule" in page.text
    visit(ask, data={"votes": past.pk})
    waiting = ProcrastinateJob.objects.get(task_name="rehearsals.work_out")
    tasks.work_out(**waiting.args)
    page = visit(reverse("budgets:step", args=[coming.pk, "counting"]))
    assert "Real votes. 40 people voted in “Last year”" in page.text
    tasks.work_out(**waiting.args)  # a job may run twice
    assert Rehearsal.objects.get().done_at is not None


def test_what_was_asked_for_meanwhile_is_not_overwritten(
    coming, challenge, leader, seen_by, now, monkeypatch
) -> None:
    past = a_past_pot(challenge, now)
    viewer = seen_by(leader)
    real = queries.compared

    def slow(pot: Pot, votes: Pot | None) -> dict[str, Any]:
        found = real(pot, votes)
        if votes is not None:  # while we counted, somebody asked for other votes
            later = seen_by(leader, at=now + timedelta(seconds=1))
            actions.ask(viewer=later, pot_id=coming.pk, past_id=None)
        return found

    monkeypatch.setattr(queries, "compared", slow)
    asked = actions.ask(viewer=viewer, pot_id=coming.pk, past_id=past.pk)
    assert (asked.past, asked.result["voters"]) == (None, 1_000)


def test_what_is_not_left_to_a_job_takes_less_than_two_seconds(
    coming, challenge, leader, seen_by, now
) -> None:
    past = a_past_pot(challenge, now, voters=4_000)
    assert queries.is_quick(past)
    began = time.perf_counter()
    actions.ask(viewer=seen_by(leader), pot_id=coming.pk, past_id=past.pk)
    assert time.perf_counter() - began < 2


# --- on the page


def test_the_page_says_whose_votes_they_are_and_what_each_rule_funds(
    coming, challenge, leader, visit, signed_in, now
) -> None:
    past = a_past_pot(challenge, now)
    signed_in(leader, second_factor=True)
    step = reverse("budgets:step", args=[coming.pk, "counting"])
    page = visit(step)
    assert "What would these rules have done with earlier votes?" in page.text
    assert f'value="{past.pk}" selected' in page.html
    ask = reverse("rehearsals:ask", args=[coming.pk])
    page = visit(ask, data={"votes": past.pk})
    assert "Real votes. 40 people voted in “Last year”" in page.text
    assert "They differ on 4 ideas of 4." in page.text
    page = visit(ask, data={"votes": "made-up"})
    assert "Made-up votes. 1,000 voters who do not exist" in page.text


@pytest.mark.parametrize("votes", ["", "0", "-1", "x", "9" * 30, "²", "999999999"])
def test_votes_that_are_not_there_are_refused_in_words(
    coming, leader, visit, signed_in, votes
) -> None:
    signed_in(leader, second_factor=True)
    page = visit(reverse("rehearsals:ask", args=[coming.pk]), data={"votes": votes})
    assert "With these votes nothing can be compared" in page.text
    assert not Rehearsal.objects.exists()


def test_an_open_pot_is_led_back_to_its_page(pot, leader, visit, signed_in) -> None:
    signed_in(leader, second_factor=True)
    page = visit(reverse("rehearsals:ask", args=[pot.pk]), data={"votes": "made-up"})
    assert "From now on the pot stays as it is" in page.text


def test_ranked_votes_are_not_counted_by_a_rule_that_cannot_read_them(
    coming, leader, visit, signed_in
) -> None:
    Pot.objects.filter(pk=coming.pk).update(ballot_kind="ranked")
    signed_in(leader, second_factor=True)
    page = visit(reverse("rehearsals:ask", args=[coming.pk]), data={"votes": "made-up"})
    assert "Phragmén’s method cannot read such ballots" in page.text
    told = Rehearsal.objects.get().result
    assert [rule["name"] for rule in told["rules"]] == ["equal-shares", "greedy"]


def test_a_clerk_of_another_place_compares_nothing_here(
    coming, authority, visit, signed_in
) -> None:
    clerk = world.a_person(world.a_community(authority), role=RoleKind.CLERK)
    signed_in(clerk, second_factor=True)
    visit(reverse("rehearsals:ask", args=[coming.pk]), data={"votes": "made-up"}, status=403)


# --- laws of made-up votes


@st.composite
def pots(draw: st.DrawFn) -> tuple[Pot, list[int]]:
    costs = draw(st.lists(st.integers(1, 100_000), min_size=1, max_size=40))
    kind = draw(st.sampled_from(BallotKind.values))
    fewest = 1 if kind == "choose-one" else draw(st.integers(1, 50))
    most = 1 if kind == "choose-one" else draw(st.none() | st.integers(fewest, 60))
    pot = Pot(
        pence=draw(st.integers(max(costs), 10**7)), ballot_kind=kind, fewest=fewest, most=most,
        points=draw(st.integers(1, 1000)), top_score=draw(st.integers(1, 10)),
    )  # fmt: skip
    return pot, costs


@settings(max_examples=60, deadline=None)
@given(pots(), st.integers(0, 2**32))
def test_made_up_ballots_are_such_as_the_pot_takes(told: tuple[Pot, list[int]], seed: int) -> None:
    pot, costs = told
    rng = np.random.Generator(np.random.PCG64(seed))
    votes = queries.made_up_votes(rng, pot, list(range(len(costs))), costs)
    assert votes.voters == queries.VOTERS
    project = np.repeat(np.arange(len(costs)), votes.votes)
    marks = np.bincount(votes.voter, minlength=votes.voters)
    assert marks.max() <= (pot.most or len(costs))
    if pot.ballot_kind == "basket":
        spent = np.bincount(votes.voter, weights=votes.cost[project], minlength=votes.voters)
        assert spent.max() <= pot.pence
    elif pot.ballot_kind == "points":
        assert votes.value is not None
        given_away = np.bincount(votes.voter, weights=votes.value, minlength=votes.voters)
        assert (given_away == pot.points * 100).all()
        assert votes.value.min() >= 100
    elif pot.ballot_kind == "scores":
        assert votes.value is not None
        assert (votes.value.min(), votes.value.max()) >= (100, 100)
        assert votes.value.max() <= pot.top_score * 100
    elif pot.ballot_kind == "ranked":
        assert votes.value is not None
        places = np.bincount(votes.voter, weights=votes.value, minlength=votes.voters)
        assert (places == marks * (marks + 1) // 2).all(), "each place once"


def test_the_votes_that_are_offered_first_are_most_like_those_to_come(
    coming, challenge, now
) -> None:
    begun = {"opens_at": now - timedelta(days=40), "closes_at": now - timedelta(days=30)}
    aside = world.a_community(challenge.authority)
    other = {"ballot_kind": "scores", "community": aside}
    any_one, same_place, same_kind, alike, copied = past = [
        world.a_pot(challenge, **begun, **given)
        for given in (other, {"ballot_kind": "scores"}, {"community": aside}, {}, other)
    ]
    coming.copied_from = copied
    for number, nearest in enumerate((copied, alike, same_kind, same_place, any_one)):
        known = [pot for pot in past if pot not in (copied, alike, same_kind, same_place)[:number]]
        assert queries.nearest(coming, known) == nearest
    assert queries.nearest(coming, []) is None


def test_the_step_costs_at_most_twelve_statements_however_many_pots_there_were(
    coming, challenge, leader, visit, signed_in, now
) -> None:
    past = [a_past_pot(challenge, now, voters=10) for _n in range(6)]
    signed_in(leader, second_factor=True)
    visit(reverse("rehearsals:ask", args=[coming.pk]), data={"votes": past[0].pk})
    for step in ("purpose", "voters", "ballot", "counting", "dates"):
        with CaptureQueriesContext(connection) as asked:
            visit(reverse("budgets:step", args=[coming.pk, step]))
        seen = [q["sql"] for q in asked if not q["sql"].startswith(("SAVEPOINT", "RELEASE"))]
        assert len(seen) <= 12, (step, seen)
    for name in ("choose", "check"):
        with CaptureQueriesContext(connection) as asked:
            visit(reverse(f"budgets:{name}", args=[coming.pk]))
        seen = [q["sql"] for q in asked if not q["sql"].startswith(("SAVEPOINT", "RELEASE"))]
        assert len(seen) <= 12, (name, seen)
