"""Opening and closing to the second, what is frozen then, and what changes in public only."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.urls import reverse

from commonweal.decide.ballots import actions as voting
from commonweal.decide.ballots.models import Ballot, Receipt, Roll
from commonweal.decide.ballots.rules import Choice
from commonweal.decide.budgets import actions, tasks
from commonweal.decide.budgets.models import Change, Part, Picture, Pot, Project, Withdrawal
from commonweal.decide.counts import actions as counts
from commonweal.decide.counts import queries as counting
from commonweal.ground.challenges.models import Challenge
from commonweal.ground.journal.models import Entry
from commonweal.ground.places.models import RoleKind
from commonweal.kit.clock import database_now
from commonweal.propose.proposals.models import Status
from tests.decide.conftest import numbers
from tests.factories import world

A_TICK = timedelta(microseconds=1)
WHY = "The site was down from noon till three."


@pytest.fixture
def colleague(authority) -> Any:
    """Return a second person who runs every pot."""
    return world.a_person(world.root(authority), role=RoleKind.CLERK, name="Delyth")


def told(pot: Pot) -> list[str]:
    """Return what everybody reads about this pot and its projects, in order."""
    return list(Entry.objects.filter(is_public=True).order_by("pk").values_list("what", flat=True))


# --- to the second, by the clock of the database


def a_pot_around(challenge: Challenge, moment: str, by: timedelta) -> Pot:
    """Return a pot that opens, or closes, so long after the database's present moment."""
    at = database_now() + by
    far = {"opens_at": at - timedelta(days=9), "closes_at": at + timedelta(days=9)}
    return world.a_pot(challenge, **{**far, moment: at})


@pytest.mark.parametrize(
    ("moment", "seconds", "is_open"),
    [("opens_at", 2, False), ("opens_at", -2, True), ("closes_at", 2, True), ("closes_at", -2, False)],
)  # fmt: skip
def test_a_pot_opens_and_closes_at_its_second_whatever_the_web_servers_clock_says(
    challenge, resident, visit, signed_in, monkeypatch, moment, seconds, is_open
) -> None:
    """The clock of the web server is an hour off, both ways; only the database's counts."""
    for hours in (-1, 1):
        pot = a_pot_around(challenge, moment, timedelta(seconds=seconds))
        shifted = database_now() + timedelta(hours=hours)
        monkeypatch.setattr("django.utils.timezone.now", lambda shifted=shifted: shifted)
        voting_at = reverse("ballots:vote", args=[pot.pk])
        signed_in(resident)
        answer = signed_in(resident).post(
            voting_at, {"projects": numbers(pot)[:1], "do": "cast", "sure": "yes"}
        )
        monkeypatch.undo()
        assert Ballot.objects.filter(pot=pot).exists() == is_open, (hours, answer.content[:3000])


def test_who_sets_a_pot_up_meets_the_databases_clock_too(
    challenge, leader, visit, signed_in, monkeypatch
) -> None:
    """A page that was loaded in time is sent after the opening: nothing is saved."""
    pot = a_pot_around(challenge, "opens_at", timedelta(seconds=-1))
    early = database_now() - timedelta(hours=1)
    project = pot.projects.first()
    assert project is not None
    signed_in(leader, second_factor=True)
    changed = {"title": "Other", "summary": "Words", "cost_pence": "1"}
    monkeypatch.setattr("django.utils.timezone.now", lambda: early)
    page = visit(reverse("budgets:change_project", args=[project.pk]), data=changed)
    visit(reverse("budgets:remove", args=[project.pk]), data={}, status=409)
    monkeypatch.undo()
    assert "From now on the ballot stays as it is" in page.text
    assert Project.objects.get(pk=project.pk).title == project.title


def test_the_journal_tells_the_opening_once_and_only_when_it_is_there(
    challenge, now, monkeypatch
) -> None:
    pot = world.a_pot(challenge, opens_at=now + timedelta(hours=1), closes_at=now + timedelta(2))
    draft = world.a_pot(challenge, is_draft=True)
    for at, known in ((pot.opens_at - A_TICK, 0), (pot.opens_at, 1), (pot.opens_at, 1)):
        monkeypatch.setattr(tasks, "database_now", lambda at=at: at)
        tasks.look(timestamp=0)
        assert Entry.objects.filter(what="pot.opened", about_id=pot.pk).count() == known
    assert not Entry.objects.filter(about_id=draft.pk, about="budgets.Pot").exists()


# --- frozen, whoever asks


def opened(pot: Pot) -> Pot:
    """Let the journal tell that voting has opened; nobody has voted yet."""
    assert actions.tell_opening(pot_id=pot.pk, at=max(pot.opens_at, database_now()))
    return pot


FROZEN: dict[str, Any] = {
    "pence": 80_000_00, "rule": "greedy", "level": 3, "opens_at": datetime.fromisoformat("2020-01-01T00:00Z"),
    "lot_seed": "mine", "ballot_kind": "basket", "fewest": 2, "most": 2, "points": 3,
    "top_score": 3, "quorum": 9, "reach": "everyone", "paper_policy": "paper",
    "order_is_fixed": True, "is_draft": True,
}  # fmt: skip


def refused(change: Callable[[], object], constraint: str) -> None:
    with pytest.raises(IntegrityError) as found, transaction.atomic():
        change()
    assert found.value.__cause__.diag.constraint_name == constraint  # type: ignore[union-attr]


@pytest.mark.parametrize("name", FROZEN)
def test_from_the_opening_on_the_database_holds_the_terms_of_a_pot(pot, name) -> None:
    rows = Pot.objects.filter(pk=pot.pk)
    rows.update(**{name: FROZEN[name]})  # before it is told, a colleague may still be at it
    rows.update(**{name: getattr(pot, name)})
    opened(pot)
    refused(lambda: rows.update(**{name: FROZEN[name]}), "pot_stays_as_voted_on")
    assert getattr(rows.get(), name) == getattr(pot, name)


def test_from_the_opening_on_the_database_holds_the_place_and_the_challenge(pot, authority) -> None:
    opened(pot)
    rows = Pot.objects.filter(pk=pot.pk)
    aside = world.a_community(authority)
    other = world.a_challenge(authority)
    refused(lambda: rows.update(community=aside), "pot_stays_as_voted_on")
    refused(lambda: rows.update(challenge=other), "pot_stays_as_voted_on")


@pytest.mark.parametrize(
    "change",
    [{"title": "x"}, {"summary": "x"}, {"cost_pence": 1}, {"exclusive": "x"}, {"outcome": "x"}],
)
def test_from_the_opening_on_the_database_holds_what_a_project_is(pot, change) -> None:
    opened(pot)
    project = pot.projects.first()
    assert project is not None
    rows = Project.objects.filter(pk=project.pk)
    refused(lambda: rows.update(**change), "project_stays_as_voted_on")
    refused(lambda: rows.delete(), "project_stays_as_voted_on")
    new = {"title": "New", "summary": "New", "cost_pence": 1}
    refused(
        lambda: Project.objects.create(authority=pot.authority, pot=pot, **new),
        "project_stays_as_voted_on",
    )
    coming = world.a_pot(pot.challenge)
    aside = coming.projects.first()
    assert aside is not None
    refused(
        lambda: Project.objects.filter(pk=aside.pk).update(pot=pot), "project_stays_as_voted_on"
    )


def test_from_the_opening_on_the_database_holds_the_pictures(pot, leader, now) -> None:
    made = {"large": b"a", "small": b"b", "width": 1, "height": 1, "added_at": now}
    project = pot.projects.first()
    kept = Picture.objects.create(project=project, alt="A tree", added_by=leader, **made)
    opened(pot)
    rows = Picture.objects.filter(pk=kept.pk)
    refused(lambda: rows.update(large=b"other"), "picture_stays_as_voted_on")
    refused(lambda: rows.delete(), "picture_stays_as_voted_on")
    rows.update(hidden_at=now)  # taken down in public
    refused(lambda: rows.update(hidden_at=None), "picture_stays_as_voted_on")


def test_a_close_is_put_off_but_never_brought_forward_nor_after_it_passed(challenge, now) -> None:
    pot = opened(world.a_pot(challenge))
    rows = Pot.objects.filter(pk=pot.pk)
    rows.update(closes_at=pot.closes_at + timedelta(hours=1))
    refused(lambda: rows.update(closes_at=pot.closes_at), "pot_stays_as_voted_on")
    over = world.a_pot(challenge, closes_at=now - timedelta(seconds=1))
    Ballot.objects.create(pot=over, envelope=b"-" * 32)
    late = Pot.objects.filter(pk=over.pk)
    refused(lambda: late.update(closes_at=now + timedelta(1)), "pot_stays_as_voted_on")


# --- changes in public


def test_the_close_is_put_off_in_public_with_a_reason(pot, leader, seen_by, visit) -> None:
    until = pot.closes_at + timedelta(hours=3)
    actions.extend_close(viewer=seen_by(leader), pot_id=pot.pk, closes_at=until, why=WHY)
    pot.refresh_from_db()
    assert pot.closes_at == until
    entry = Entry.objects.get(what="pot.extended")
    assert (entry.is_public, entry.who) == (True, leader)
    page = visit(pot.get_absolute_url())
    assert "Changes since opening" in page.text
    assert WHY in page.text
    assert "stays open longer" in visit("/what-changed/").text


def test_votes_come_in_until_the_new_close(pot, resident, leader, seen_by) -> None:
    was = pot.closes_at
    until = was + timedelta(hours=3)
    actions.extend_close(viewer=seen_by(leader), pot_id=pot.pk, closes_at=until, why=WHY)
    cast = {"pot_id": pot.pk, "choice": Choice.of(numbers(pot)[:1])}
    voting.cast_ballot(viewer=seen_by(resident, at=until - A_TICK), **cast)
    with pytest.raises(voting.PotClosed):
        voting.cast_ballot(viewer=seen_by(resident, at=until), **cast)
    assert not counting.due_to_count(was).exists()
    assert counting.due_to_count(until).exists()


def test_a_close_is_put_off_while_voting_is_open_and_to_later_only(
    pot, resident, leader, seen_by
) -> None:
    longer = {"pot_id": pot.pk, "closes_at": pot.closes_at + timedelta(1), "why": WHY}
    for at in (pot.opens_at - A_TICK, pot.closes_at):
        with pytest.raises(actions.NotOpen):
            actions.extend_close(viewer=seen_by(leader, at=at), **longer)
    for closes_at in (pot.closes_at, pot.closes_at - A_TICK):
        with pytest.raises(actions.OnlyLater):
            actions.extend_close(viewer=seen_by(leader), **{**longer, "closes_at": closes_at})
    with pytest.raises(PermissionDenied):
        actions.extend_close(viewer=seen_by(resident), **longer)
    assert not Change.objects.exists()
    assert not Entry.objects.exists()


def test_words_are_corrected_in_public_and_both_readings_stay(
    pot, leader, visit, signed_in
) -> None:
    project = pot.projects.first()
    assert project is not None
    Project.objects.filter(pk=project.pk).update(run_by="The parks", where="Quay")
    signed_in(leader, second_factor=True)
    address = reverse("budgets:correct_project", args=[project.pk])
    given = {"where": "Quay", "run_by": "The parks team", "cost_note": "", "cost_lines": ""}
    page = visit(address, data={**given, "why": ""})
    assert page.title.startswith("Mistake:")
    assert not Change.objects.exists()
    visit(address, data={**given, "why": "The team has a new name."})
    change = Change.objects.get()
    assert (change.part, change.was, change.became) == (Part.RUN_BY, "The parks", "The parks team")
    page = visit(pot.get_absolute_url())
    for words in ("The team has a new name.", "The parks", "The parks team"):
        assert words in page.text
    assert told(pot) == ["project.corrected"]
    visit(address, data={**given, "run_by": "The parks team", "why": "Again."})
    assert Change.objects.count() == 1, "nothing changed, so nothing is told"


def test_what_the_money_is_for_is_corrected_in_public(pot, leader, visit, signed_in) -> None:
    signed_in(leader, second_factor=True)
    address = reverse("budgets:correct", args=[pot.pk])
    visit(address, data={"about": "Warm rooms.", "why": "The word was wrong."})
    assert Pot.objects.get().about == "Warm rooms."
    assert told(pot) == ["pot.corrected"]


def test_before_the_opening_nothing_is_corrected_but_simply_changed(
    challenge, leader, seen_by, now
) -> None:
    pot = world.a_pot(challenge, opens_at=now + timedelta(1), closes_at=now + timedelta(2))
    project = pot.projects.first()
    assert project is not None
    with pytest.raises(actions.NotOpen):
        actions.correct_pot(viewer=seen_by(leader), pot_id=pot.pk, about="x", why=WHY)
    with pytest.raises(actions.NotOpen):
        actions.correct_project(
            viewer=seen_by(leader), project_id=project.pk, where="Quay", why=WHY
        )


def test_the_lines_of_a_cost_still_add_up_after_a_correction(pot, leader, visit, signed_in) -> None:
    project = pot.projects.get(cost_pence=30_000_00)
    signed_in(leader, second_factor=True)
    address = reverse("budgets:correct_project", args=[project.pk])
    given = {"where": "", "run_by": "", "cost_note": "", "why": "A slip."}
    page = visit(address, data={**given, "cost_lines": "Paint: 1200"})
    assert "These lines come to £1,200, and the idea costs £30,000" in page.text
    visit(address, data={**given, "cost_lines": "Paint: 1200\nWork: 28800"})
    project.refresh_from_db()
    assert [line["pence"] for line in project.cost_lines] == [1_200_00, 28_800_00]
    assert project.cost_pence == 30_000_00


# --- taking a pot back


def test_before_it_opens_one_person_takes_a_pot_back(
    challenge, leader, seen_by, now, visit
) -> None:
    proposal = world.a_proposal(challenge, cost_pence=20_000_00)
    pot = world.a_pot(
        challenge, costs=(), opens_at=now + timedelta(1), closes_at=now + timedelta(2)
    )
    what = {"title": "Warm", "summary": "On.", "cost_pence": 20_000_00}
    actions.add_project(viewer=seen_by(leader), pot_id=pot.pk, proposal=proposal, **what)
    actions.withdraw_pot(viewer=seen_by(leader), pot_id=pot.pk, why="The money went elsewhere.")
    pot.refresh_from_db()
    assert (pot.withdrawn_at, pot.key, pot.state(now)) == (now, None, "withdrawn")
    proposal.refresh_from_db()
    assert proposal.status == Status.PUBLISHED, "free for another ballot"
    assert told(pot)[-1] == "pot.withdrawn"
    assert "The money went elsewhere." in visit(pot.get_absolute_url()).text
    assert actions.withdraw_pot(viewer=seen_by(leader), pot_id=pot.pk, why="Again") == pot
    assert Withdrawal.objects.count() == 1


def test_after_the_opening_a_second_person_has_to_agree_and_votes_are_thrown_away(
    pot, resident, leader, colleague, seen_by, visit, signed_in
) -> None:
    choice = Choice.of(numbers(pot)[:1])
    voting.cast_ballot(viewer=seen_by(resident), pot_id=pot.pk, choice=choice)
    actions.withdraw_pot(viewer=seen_by(leader), pot_id=pot.pk, why="A wrong sum was printed.")
    pot.refresh_from_db()
    assert pot.withdrawn_at is None, "voting goes on until somebody agrees"
    assert told(pot) == []
    voting.cast_ballot(viewer=seen_by(resident), pot_id=pot.pk, choice=choice)
    with pytest.raises(actions.TakesTwo):
        actions.agree_to_withdraw(viewer=seen_by(leader), pot_id=pot.pk)
    with pytest.raises(actions.AskedAlready):
        actions.withdraw_pot(viewer=seen_by(colleague), pot_id=pot.pk, why="Me too")
    with pytest.raises(PermissionDenied):
        actions.agree_to_withdraw(viewer=seen_by(resident), pot_id=pot.pk)
    actions.agree_to_withdraw(viewer=seen_by(colleague), pot_id=pot.pk)
    pot.refresh_from_db()
    assert pot.withdrawn_at is not None
    assert pot.key is None
    for rows in (Ballot, Roll, Receipt):
        assert not rows.objects.filter(pot=pot).exists()
    with pytest.raises(voting.PotClosed):
        voting.cast_ballot(viewer=seen_by(resident), pot_id=pot.pk, choice=choice)
    assert not counting.due_to_count(pot.closes_at + timedelta(1)).exists()
    assert counts.count_closed_pot(pot_id=pot.pk, at=pot.closes_at).counted_at is None
    assert told(pot) == ["pot.withdrawn"]
    page = visit(pot.get_absolute_url())
    assert "A wrong sum was printed." in page.text
    assert "counted by nobody" in page.text
    with connection.cursor() as cursor:
        refused(
            lambda: cursor.execute(
                "UPDATE budgets_pot SET withdrawn_at = NULL WHERE id = %s", [pot.pk]
            ),
            "pot_stays_withdrawn",
        )


def test_the_database_wants_the_second_person_too(pot, leader, now) -> None:
    asked = Withdrawal.objects.create(
        pot=pot, why="A mistake", has_opened=True, asked_at=now, asked_by=leader
    )
    mine = {"agreed_at": now, "agreed_by": leader}
    refused(
        lambda: Withdrawal.objects.filter(pk=asked.pk).update(**mine),
        "withdrawal_after_the_opening_takes_two",
    )


def test_what_somebody_asked_to_withdraw_can_stand_after_all(
    pot, leader, colleague, visit, signed_in
) -> None:
    signed_in(leader, second_factor=True)
    address = reverse("budgets:withdraw", args=[pot.pk])
    page = visit(address, data={"do": "ask", "why": ""})
    assert page.title.startswith("Mistake:")
    visit(address, data={"do": "ask", "why": "A mistake"})
    page = visit(address, data={"do": "agree"})
    assert "A second person has to agree" in page.text
    signed_in(colleague, second_factor=True)
    assert "I agree: withdraw it" in visit(address).text
    visit(address, data={"do": "drop"})
    assert not Withdrawal.objects.exists()
    pot.refresh_from_db()
    assert pot.withdrawn_at is None
    assert Entry.objects.filter(what="pot.withdrawal_dropped").exists()
    page = visit(address, data={"do": "agree"})
    assert "nobody asked to withdraw it" in page.text


def test_a_counted_pot_is_withdrawn_by_nobody(challenge, leader, seen_by, now) -> None:
    pot = world.a_pot(challenge, opens_at=now - timedelta(9), closes_at=now - timedelta(1))
    counts.count_closed_pot(pot_id=pot.pk, at=now)
    with pytest.raises(actions.NotOpen):
        actions.withdraw_pot(viewer=seen_by(leader), pot_id=pot.pk, why="Too late")
    assert not Withdrawal.objects.exists()
