"""A pot for each district of a round, one district a person; and a pot begun from an earlier one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.utils import timezone

from commonweal.decide.ballots import actions as voting
from commonweal.decide.ballots.models import Roll
from commonweal.decide.ballots.rules import Choice
from commonweal.decide.budgets import actions
from commonweal.decide.budgets.models import Pot, Project, Round, Step
from commonweal.decide.counts import actions as counts
from commonweal.ground.challenges.models import Challenge
from commonweal.ground.places.models import Community, RoleKind
from commonweal.propose.proposals.models import Status
from tests.decide.conftest import numbers
from tests.factories import world

WHAT = {"title": "Warm", "summary": "Heating on.", "cost_pence": 20_000_00}


@pytest.fixture
def districts(challenge: Challenge) -> list[Community]:
    """Return three districts of the challenge's community, by name."""
    names = ("East", "North", "West")
    return [
        world.a_community(challenge.authority, parent=challenge.community, name=name, slug=name.lower())
        for name in names
    ]  # fmt: skip


@pytest.fixture
def round_(challenge: Challenge, districts: list[Community], leader: Any, seen_by: Any) -> Round:
    """Return a round that is being set up."""
    return actions.draft_round(
        viewer=seen_by(leader), challenge=challenge, title="Small works", about="Benches and lamps.",
        pence=30_000_00, communities=districts,
    )  # fmt: skip


def made_public(round_: Round, viewer: Any, now: datetime) -> list[Pot]:
    """Say everything about all districts at once, put an idea on each ballot and let them go."""
    first, *_rest = pots = list(round_.pots.order_by("community__name"))
    dates = {"opens_at": now + timedelta(days=1), "closes_at": now + timedelta(days=8)}
    steps: dict[Step, dict[str, Any]] = {
        Step.VOTERS: {"level": 1}, Step.BALLOT: {"fewest": 1},
        Step.COUNTING: {"rule": "greedy", "lot_seed": "dice"}, Step.DATES: dates,
    }  # fmt: skip
    for step, values in steps.items():
        actions.save_step(viewer=viewer, pot_id=first.pk, step=step, whole_round=True, **values)
    for pot in pots:
        actions.add_project(viewer=viewer, pot_id=pot.pk, **WHAT)
        actions.make_public(viewer=viewer, pot_id=pot.pk)
    return list(round_.pots.order_by("community__name"))


def test_each_district_gets_a_pot_of_its_own(round_, districts) -> None:
    pots = list(round_.pots.order_by("community__name"))
    assert [pot.community for pot in pots] == districts
    assert [pot.title for pot in pots] == [
        f"Small works: {name}" for name in ("East", "North", "West")
    ]
    assert {pot.is_draft for pot in pots} == {True}
    assert len({pot.lot_seed for pot in pots}) == len({pot.preview for pot in pots}) == 3


def test_a_step_is_saved_for_all_districts_and_each_keeps_what_is_its_own(
    round_, leader, seen_by, now
) -> None:
    pots = made_public(round_, seen_by(leader), now)
    assert {pot.rule for pot in pots} == {"greedy"}
    assert {pot.opens_at for pot in pots} == {now + timedelta(days=1)}
    assert [pot.lot_seed == "dice" for pot in pots] == [True, False, False]
    assert len({pot.community_id for pot in pots}) == 3
    actions.save_step(viewer=seen_by(leader), pot_id=pots[0].pk, step=Step.COUNTING, quorum=5)
    assert sorted(Pot.objects.values_list("quorum", flat=True)) == [0, 0, 5]


def test_a_round_begins_on_the_first_page_and_districts_never_lie_in_one_another(
    challenge, districts, leader, visit, signed_in
) -> None:
    inner = world.a_community(challenge.authority, parent=districts[0], name="Inner", slug="inner")
    signed_in(leader, second_factor=True)
    start = reverse("budgets:set_up", args=[challenge.slug])
    given = {"title": "Small works", "about": "", "pence": "30000"}
    one, two, three = (place.pk for place in districts)
    wrong = {
        "Tick two districts or more": [one],
        "lies inside another": [one, inner.pk],
        "choice": [one, 10**9],
    }
    for words, ticked in wrong.items():
        page = visit(start, data={**given, "districts": ticked})
        assert words in page.text
        assert not Pot.objects.exists()
    page = visit(start, data={**given, "districts": [one, two, three]})
    assert page.h1 == ["Who may vote"]
    assert Round.objects.get().pots.count() == 3
    first = Round.objects.get().pots.order_by("community__name").first()
    step = reverse("budgets:step", args=[first.pk, "voters"])
    assert "Save the same for every district of this round" in visit(step).text
    assert "The people of" not in visit(step).text, "each pot of a round keeps its own"


def test_the_money_of_a_round_is_held_against_the_challenge(
    challenge, districts, leader, seen_by
) -> None:
    Challenge.objects.update(money_pence=80_000_00)
    made = {"challenge": challenge, "title": "Small works", "about": "", "communities": districts}
    with pytest.raises(actions.MoreThanTheChallengeHas):
        actions.draft_round(viewer=seen_by(leader), pence=30_000_00, **made)
    assert not Round.objects.exists(), "wholly or not at all"
    assert not Pot.objects.exists()


def test_only_those_who_lead_every_district_begin_a_round(
    challenge, districts, resident, seen_by
) -> None:
    clerk = world.a_person(districts[0], role=RoleKind.CLERK)
    for person in (resident, clerk, None):
        with pytest.raises(PermissionDenied):
            actions.draft_round(
                viewer=seen_by(person), challenge=challenge, title="x", about="", pence=1,
                communities=districts,
            )  # fmt: skip


def test_a_person_votes_in_one_district_only_and_is_led_to_their_own(
    round_, districts, leader, seen_by, now, visit, signed_in
) -> None:
    east, north, _west = made_public(round_, seen_by(leader), now)
    person = world.a_person(districts[0], name="Edda")
    world.a_person(districts[1])
    at = now + timedelta(days=2)
    with pytest.raises(PermissionDenied):
        voting.cast_ballot(
            viewer=seen_by(person, at=at), pot_id=north.pk, choice=Choice.of(numbers(north))
        )
    voting.cast_ballot(
        viewer=seen_by(person, at=at), pot_id=east.pk, choice=Choice.of(numbers(east))
    )
    moved = world.a_person(districts[0])
    voting.cast_ballot(
        viewer=seen_by(moved, at=at), pot_id=east.pk, choice=Choice.of(numbers(east))
    )
    moved.membership_set.update(community=districts[1])
    with pytest.raises((voting.VotedAlready, PermissionDenied)):
        voting.cast_ballot(
            viewer=seen_by(moved, at=at), pot_id=north.pk, choice=Choice.of(numbers(north))
        )
    assert Roll.objects.count() == 2
    signed_in(person)
    page = visit(round_.get_absolute_url())
    assert "Your district is East" in page.text
    assert "£90,000" in page.text
    page = visit(north.get_absolute_url())
    assert "One person votes in one district. This is another one." in page.text
    assert east.get_absolute_url() in page.links


def test_a_round_stands_in_the_list_once_and_drafts_of_it_nowhere(
    round_, leader, seen_by, now, visit, client
) -> None:
    assert "Small works" not in visit(reverse("budgets:list")).text
    assert client.get(round_.get_absolute_url()).status_code == 404
    assert client.get("/api/rounds").json()["items"] == []
    made_public(round_, seen_by(leader), now)
    page = visit(reverse("budgets:list"))
    assert page.text.count("Small works") == 1
    assert "A pot for each of 3 districts" in page.text
    assert len(client.get(f"/api/rounds/{round_.pk}").json()["pots"]) == 3


# --- from an earlier pot


@pytest.fixture
def past(challenge: Challenge, now: datetime) -> Pot:
    """Return last year's pot, counted, with settings that are not the usual ones."""
    opens = (now - timedelta(days=300)).replace(hour=9, minute=0, second=0, microsecond=0)
    pot = world.a_pot(
        challenge, title="Last year", opens_at=opens, closes_at=opens + timedelta(days=14, hours=11),
        result_at=opens + timedelta(days=20), ballot_kind="scores", top_score=7, quorum=40,
        reach="everyone", rule="greedy", order_is_fixed=True, supports_needed=3, about="Warm homes.",
    )  # fmt: skip
    Project.objects.filter(pot=pot).update(outcome="Warmer", run_by="Neighbours")
    counts.count_closed_pot(pot_id=pot.pk, at=now)
    pot.refresh_from_db()
    return pot


def test_a_copy_has_the_settings_of_last_year_and_its_own_secrets(
    past, challenge, leader, seen_by, now
) -> None:
    chosen = numbers(past)[:2]
    pot = actions.copy_pot(
        viewer=seen_by(leader), pot_id=past.pk, challenge=challenge, title="This year",
        pence=past.pence, projects=chosen,
    )  # fmt: skip
    assert (pot.copied_from, pot.is_draft, pot.counted_at, pot.result) == (past, True, None, None)
    for name in actions.SETTINGS:
        assert getattr(pot, name) == getattr(past, name), name
    for name in ("lot_seed", "key", "preview"):
        assert getattr(pot, name) != getattr(past, name), name
    assert pot.opens_at > now
    assert pot.closes_at - pot.opens_at in (
        timedelta(days=14, hours=11 + hours) for hours in (-1, 0, 1)
    )
    copied = list(pot.projects.order_by("pk"))
    assert [one.title for one in copied] == [
        one.title for one in past.projects.filter(pk__in=chosen).order_by("pk")
    ]
    assert {(one.outcome, one.run_by, one.is_funded) for one in copied} == {
        ("Warmer", "Neighbours", None)
    }
    assert Step.DATES not in pot.steps_done, "somebody looks at the dates before it goes public"


@pytest.mark.parametrize("begun", ["2026-03-27T09:00", "2025-10-24T09:00", "2024-02-29T20:00"])
def test_dates_move_on_by_whole_years_at_the_same_hour_and_day_of_the_week(
    challenge, leader, seen_by, begun
) -> None:
    """Across a change to or from summer time too, and from a leap day."""
    zone = ZoneInfo("Europe/London")
    opens = timezone.make_aware(datetime.fromisoformat(begun), zone)
    past = world.a_pot(
        challenge, opens_at=opens, closes_at=opens + timedelta(days=10), public_at=opens - timedelta(days=5)
    )  # fmt: skip
    made = {"challenge": challenge, "title": "Next", "pence": past.pence, "pot_id": past.pk}
    pot = actions.copy_pot(viewer=seen_by(leader), **made)
    for name in ("opens_at", "closes_at", "public_at"):
        was, becomes = (getattr(one, name).astimezone(zone) for one in (past, pot))
        assert (was.hour, was.minute, was.weekday()) == (
            becomes.hour, becomes.minute, becomes.weekday(),
        ), name  # fmt: skip
        assert (becomes.date() - was.date()).days % 364 == 0
    assert pot.opens_at > seen_by(leader).at
    assert pot.opens_at - seen_by(leader).at <= timedelta(days=366)


def test_an_idea_that_lost_is_taken_along_with_its_proposal_and_one_that_won_is_not(
    challenge, leader, seen_by, now
) -> None:
    lost, won = (world.a_proposal(challenge, cost_pence=20_000_00) for _n in range(2))
    begun = {"opens_at": now - timedelta(days=300), "closes_at": now - timedelta(days=290)}
    past = world.a_pot(challenge, costs=(20_000_00, 20_000_00), **begun)
    first, second = numbers(past)
    Project.objects.filter(pk=first).update(proposal=lost, is_funded=False)
    Project.objects.filter(pk=second).update(proposal=won, is_funded=True)
    type(lost).objects.filter(pk=lost.pk).update(status=Status.NOT_FUNDED)
    type(won).objects.filter(pk=won.pk).update(status=Status.FUNDED)
    pot = actions.copy_pot(
        viewer=seen_by(leader), pot_id=past.pk, challenge=challenge, title="Next",
        pence=past.pence, projects=[first, second],
    )  # fmt: skip
    assert [one.proposal for one in pot.projects.order_by("pk")] == [lost, None]
    lost.refresh_from_db()
    won.refresh_from_db()
    assert (lost.status, won.status) == (Status.IN_BALLOT, Status.FUNDED)


def test_the_page_offers_the_ideas_that_did_not_win(
    past, challenge, leader, visit, signed_in
) -> None:
    winner = past.projects.order_by("pk").first()
    Project.objects.filter(pk=winner.pk).update(is_funded=True)
    signed_in(leader, second_factor=True)
    assert (
        "Begin from an earlier pot" in visit(reverse("budgets:set_up", args=[challenge.slug])).text
    )
    address = reverse("budgets:copy", args=[challenge.slug, past.pk])
    page = visit(address)
    ticked = {one["value"] for one in page.controls if "checked" in one}
    assert ticked == {str(n) for n in numbers(past)} - {str(winner.pk)}
    page = visit(address, data={"title": "This year", "pence": "0", "projects": sorted(ticked)})
    assert page.title.startswith("Mistake:")
    page = visit(address, data={"title": "This year", "pence": "90000", "projects": sorted(ticked)})
    assert page.h1 == ["When it opens and closes"]
    assert Pot.objects.get(title="This year").projects.count() == 2


def test_only_who_runs_the_earlier_pot_begins_from_it(past, challenge, resident, seen_by) -> None:
    made = {"challenge": challenge, "title": "Next", "pence": 1_00, "pot_id": past.pk}
    for person in (resident, None):
        with pytest.raises(PermissionDenied):
            actions.copy_pot(viewer=seen_by(person), **made)
    assert Pot.objects.count() == 1
