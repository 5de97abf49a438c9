"""Setting up a pot: the outcome first, money that is there, and nothing changed once it is open."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.urls import reverse
from procrastinate.contrib.django.models import ProcrastinateJob

from commonweal.decide.budgets import actions, queries, rules
from commonweal.decide.budgets.models import Pot, Project
from commonweal.decide.counts import actions as counts
from commonweal.decide.counts import tasks as counting
from commonweal.ground.challenges import actions as challenges
from commonweal.ground.challenges.models import Challenge, Outcome
from commonweal.ground.journal.models import Entry
from commonweal.ground.places.models import Level, RoleKind
from commonweal.ground.places.rules import Viewer
from commonweal.propose.proposals.models import Status
from tests.factories import world


@pytest.fixture
def wanted(challenge: Challenge, now: datetime) -> dict[str, Any]:
    """Return everything that a new pot needs."""
    return {
        "challenge": challenge,
        "community": challenge.community,
        "title": "Autumn pot",
        "about": "Warm homes.",
        "pence": 50_000_00,
        "rule": "equal-shares",
        "level": Level.POSTCODE,
        "opens_at": now + timedelta(days=1),
        "closes_at": now + timedelta(days=8),
    }


@pytest.fixture
def coming(challenge: Challenge, now: datetime) -> Pot:
    """Return a pot that opens tomorrow, with nothing in it."""
    opens = now + timedelta(days=1)
    return world.a_pot(challenge, costs=(), opens_at=opens, closes_at=opens + timedelta(days=7))


def a_draft(challenge: Challenge, viewer: Viewer, **given: Any) -> Pot:
    """Return a pot of which the first step is done."""
    whole = {"title": "Autumn pot", "about": "Warm homes.", "pence": 50_000_00, **given}
    return actions.draft_pot(
        viewer=viewer, challenge=challenge, community=challenge.community, **whole
    )


def test_a_leader_sets_a_pot_up_and_the_journal_tells(wanted, leader, seen_by) -> None:
    pot = actions.create_pot(viewer=seen_by(leader), **wanted)
    assert Pot.objects.get() == pot
    assert pot.lot_seed
    entry = Entry.objects.get()
    assert (entry.what, entry.who, entry.is_public) == ("pot.created", leader, True)
    assert entry.challenge == wanted["challenge"]


def test_what_is_set_up_for_an_unpublished_challenge_is_in_nobodys_story(
    wanted, authority, leader, seen_by, visit, client
) -> None:
    draft = world.a_challenge(authority, published=False, community=wanted["community"])
    pot = actions.create_pot(viewer=seen_by(leader), **{**wanted, "challenge": draft})
    what = {"title": "Warm", "summary": "Heating on.", "cost_pence": 20_000_00}
    actions.add_project(viewer=seen_by(leader), pot_id=pot.pk, **what)
    actions.change_pot(viewer=seen_by(leader), pot_id=pot.pk, pence=40_000_00)
    assert Entry.objects.count() == 3
    assert client.get("/api/journal").json()["items"] == []
    assert "no longer shown" not in visit("/what-changed/").text


def test_only_those_who_lead_set_pots_up(wanted, resident, moderator, seen_by, elsewhere) -> None:
    foreign = world.a_person(world.root(elsewhere), role=RoleKind.ADMINISTRATOR)
    aside = world.a_community(wanted["challenge"].authority)
    clerk_aside = world.a_person(aside, role=RoleKind.CLERK)
    for person in (resident, moderator, foreign, clerk_aside, None):
        with pytest.raises(PermissionDenied):
            actions.create_pot(viewer=seen_by(person), **wanted)
    abroad = {**wanted, "community": world.root(elsewhere)}
    clerk = world.a_person(wanted["community"], role=RoleKind.CLERK)
    with pytest.raises(PermissionDenied):
        actions.create_pot(viewer=seen_by(clerk), **abroad)
    assert not Pot.objects.exists()
    actions.create_pot(viewer=seen_by(clerk), **wanted)


def test_no_pot_without_an_outcome(wanted, leader, seen_by) -> None:
    Outcome.objects.all().delete()
    with pytest.raises(actions.OutcomeComesFirst):
        actions.create_pot(viewer=seen_by(leader), **wanted)
    assert not Pot.objects.exists()


def test_the_database_itself_holds_the_outcome_before_the_pot(wanted, leader, seen_by, now) -> None:
    draft = world.a_challenge(wanted["challenge"].authority, published=False, outcome=False)
    made = {**wanted, "authority": draft.authority, "challenge": draft, "lot_seed": "a"}
    made |= {"created_at": now, "created_by": leader}
    with pytest.raises(IntegrityError, match="no outcome yet"), transaction.atomic():
        Pot.objects.create(**made)
    outcome = Outcome.objects.create(
        challenge=draft, statement="Warmer", for_whom="All", measure="Asked", unit="in 100"
    )
    Pot.objects.create(**made)
    with pytest.raises(challenges.LastOutcomeStays):
        challenges.remove_outcome(viewer=seen_by(leader), outcome_id=outcome.pk)
    assert draft.outcomes.count() == 1


def test_the_pots_of_a_challenge_hold_no_more_than_it_has(wanted, leader, seen_by) -> None:
    Challenge.objects.update(money_pence=80_000_00)
    first = actions.create_pot(viewer=seen_by(leader), **wanted)
    with pytest.raises(actions.MoreThanTheChallengeHas) as refused:
        actions.create_pot(viewer=seen_by(leader), **wanted)
    assert refused.value.left_pence == 30_000_00
    actions.create_pot(viewer=seen_by(leader), **{**wanted, "pence": 30_000_00})
    with pytest.raises(actions.MoreThanTheChallengeHas):
        actions.change_pot(viewer=seen_by(leader), pot_id=first.pk, pence=50_000_01)
    assert sum(Pot.objects.values_list("pence", flat=True)) == 80_000_00


def test_a_pot_opens_later_than_now(wanted, leader, seen_by, now) -> None:
    with pytest.raises(actions.OpensTooSoon):
        actions.create_pot(viewer=seen_by(leader), **{**wanted, "opens_at": now})


def test_a_costed_proposal_goes_on_the_ballot_and_off_again(coming, leader, seen_by) -> None:
    proposal = world.a_proposal(coming.challenge)
    what = {"title": "Warm", "summary": "Heating on.", "cost_pence": 20_000_00}
    project = actions.add_project(
        viewer=seen_by(leader), pot_id=coming.pk, proposal=proposal, **what
    )
    proposal.refresh_from_db()
    assert proposal.status == Status.IN_BALLOT
    with pytest.raises(actions.ProposalNotReady):
        actions.add_project(viewer=seen_by(leader), pot_id=coming.pk, proposal=proposal, **what)
    actions.remove_project(viewer=seen_by(leader), project_id=project.pk)
    proposal.refresh_from_db()
    assert proposal.status == Status.PUBLISHED
    told = list(Entry.objects.order_by("pk").values_list("what", "community_id"))
    assert told == [(f"project.{verb}", coming.community_id) for verb in ("added", "removed")]


def test_an_idea_that_lost_before_and_is_taken_off_again_has_still_lost(
    coming, leader, seen_by, now
) -> None:
    lost = world.a_proposal(coming.challenge, cost_pence=20_000_00, status=Status.NOT_FUNDED)
    past = world.a_pot(
        coming.challenge,
        costs=(20_000_00,),
        opens_at=now - timedelta(days=9),
        closes_at=now - timedelta(days=1),
    )
    past.projects.update(proposal=lost)
    counts.count_closed_pot(pot_id=past.pk, at=past.closes_at)
    what = {"title": "Warm", "summary": "Heating on.", "cost_pence": 20_000_00}
    project = actions.add_project(viewer=seen_by(leader), pot_id=coming.pk, proposal=lost, **what)
    actions.remove_project(viewer=seen_by(leader), project_id=project.pk)
    lost.refresh_from_db()
    assert lost.status == Status.NOT_FUNDED


def test_only_fitting_proposals_of_this_challenge_go_on_the_ballot(
    coming, leader, seen_by, authority
) -> None:
    what = {"title": "Warm", "summary": "Heating on.", "cost_pence": 20_000_00}
    others = [
        world.a_proposal(world.a_challenge(authority)),
        world.a_proposal(coming.challenge, status=Status.HIDDEN, hidden_reason="rude"),
        world.a_proposal(coming.challenge, status=Status.DRAFT, published_at=None),
        world.a_proposal(coming.challenge, cost_pence=None),
    ]
    for proposal in others:
        with pytest.raises(actions.ProposalNotReady):
            actions.add_project(viewer=seen_by(leader), pot_id=coming.pk, proposal=proposal, **what)
    with pytest.raises(actions.TooDear):
        dear = {**what, "cost_pence": coming.pence + 1}
        actions.add_project(viewer=seen_by(leader), pot_id=coming.pk, **dear)
    assert not Project.objects.exists()
    assert list(queries.proposals_to_add(coming)) == []


def test_once_it_is_open_nothing_about_a_pot_changes(coming, leader, seen_by) -> None:
    what = {"title": "Warm", "summary": "Heating on.", "cost_pence": 20_000_00}
    project = actions.add_project(viewer=seen_by(leader), pot_id=coming.pk, **what)
    late = seen_by(leader, at=coming.opens_at)
    for change in (
        lambda: actions.add_project(viewer=late, pot_id=coming.pk, **what),
        lambda: actions.change_project(viewer=late, project_id=project.pk, where="", **what),
        lambda: actions.remove_project(viewer=late, project_id=project.pk),
        lambda: actions.change_pot(viewer=late, pot_id=coming.pk, pence=1_00),
    ):
        with pytest.raises(actions.PotHasOpened):
            change()
    in_time = seen_by(leader, at=coming.opens_at - timedelta(microseconds=1))
    actions.change_project(
        viewer=in_time, project_id=project.pk, where="Old Town", **{**what, "cost_pence": 5}
    )
    assert Project.objects.get().cost_pence == 5


def test_who_changes_what_a_colleague_has_just_taken_off_is_told(
    coming, leader, seen_by, visit, signed_in, monkeypatch
) -> None:
    what = {"title": "Warm", "summary": "Heating on.", "cost_pence": 20_000_00}
    project = actions.add_project(viewer=seen_by(leader), pot_id=coming.pk, **what)
    real = rules.may_run

    def meanwhile(viewer: Any, pot: Pot) -> bool:
        Project.objects.filter(pk=project.pk).delete()
        return real(viewer, pot)

    monkeypatch.setattr(rules, "may_run", meanwhile)
    signed_in(leader, second_factor=True)
    data = {"title": "Warmer", "summary": "On.", "cost_pence": "2000"}
    page = visit(reverse("budgets:change_project", args=[project.pk]), data=data)
    assert "has been taken off the ballot" in page.text


def test_a_pot_cannot_shrink_below_a_project_in_it(coming, leader, seen_by) -> None:
    actions.add_project(
        viewer=seen_by(leader), pot_id=coming.pk, title="x", summary="y", cost_pence=50_00
    )
    with pytest.raises(actions.TooDear):
        actions.change_pot(viewer=seen_by(leader), pot_id=coming.pk, pence=49_99)
    assert Pot.objects.get().pence == coming.pence


# --- the pages


def filled(**given: Any) -> dict[str, Any]:
    """Return what the first step asks for."""
    return {"title": "Autumn pot", "about": "Warm homes", "pence": "£50,000", **given}


def said(step: str, now: datetime, community_id: int, **given: Any) -> dict[str, Any]:
    """Return a whole answer to one of the later steps."""
    days = {
        name: f"{now + timedelta(days=n):%Y-%m-%dT%H:%M}"
        for name, n in (("opens_at", 2), ("closes_at", 9))
    }
    whole: dict[str, dict[str, Any]] = {
        "purpose": filled(),
        "voters": {
            "community": community_id, "reach": "place", "level": 2, "paper_policy": "first"
        },
        "ballot": {
            "ballot_kind": "approval", "fewest": 1, "most": "", "points": 10, "top_score": 5,
            "order_is_fixed": "no",
        },
        "counting": {"rule": "greedy", "quorum": 0, "lot_seed": "three sixes"},
        "dates": {**days, "public_at": "", "result_at": ""},
    }  # fmt: skip
    return {**whole[step], **given}


def at_step(pot: Pot, step: str) -> str:
    return reverse("budgets:step", args=[pot.pk, step])


def test_a_leader_sets_a_pot_up_step_by_step(challenge, leader, visit, signed_in, now) -> None:
    signed_in(leader, second_factor=True)
    proposal = world.a_proposal(challenge, title="Warm house")
    start = reverse("budgets:set_up", args=[challenge.slug])
    visit(start)
    page = visit(start, data=filled())
    pot = Pot.objects.get()
    assert (pot.pence, pot.is_draft, page.h1) == (50_000_00, True, ["Who may vote"])
    page = visit(at_step(pot, "voters"), data=said("voters", now, challenge.community_id))
    assert page.h1 == ["What a ballot asks"]
    page = visit(at_step(pot, "ballot"), data=said("ballot", now, challenge.community_id))
    assert page.h1 == ["The ideas on the ballot"]
    assert "Warm house" in page.text
    visit(reverse("budgets:choose", args=[pot.pk]), data={"supports_needed": "0"})
    add = f"{reverse('budgets:add', args=[pot.pk])}?idea={proposal.pk}"
    assert 'value="30,000"' in visit(add).html
    visit(
        add, data={"title": "Warm house", "summary": "Better", "where": "", "cost_pence": "25000"}
    )
    project = Project.objects.get()
    assert (project.proposal, project.cost_pence) == (proposal, 25_000_00)
    change = reverse("budgets:change_project", args=[project.pk])
    visit(
        change,
        data={"title": "Warm house", "summary": "Better", "where": "Q", "cost_pence": "99999999"},
    )
    assert Project.objects.get().where == ""
    visit(
        change, data={"title": "Warm house", "summary": "Better", "where": "Q", "cost_pence": "1"}
    )
    assert Project.objects.get().cost_pence == 1_00
    page = visit(reverse("budgets:choose", args=[pot.pk]), data={"supports_needed": 0})
    assert page.h1 == ["How votes are counted"]
    page = visit(at_step(pot, "counting"), data=said("counting", now, challenge.community_id))
    assert page.h1 == ["When it opens and closes"]
    page = visit(at_step(pot, "dates"), data=said("dates", now, challenge.community_id))
    assert "it opens by itself" in page.text
    page = visit(reverse("budgets:make_public", args=[pot.pk]), data={})
    assert "Voting opens by itself" in page.text
    visit(at_step(pot, "purpose"), data=filled(title="Winter pot"))
    pot.refresh_from_db()
    assert (pot.title, pot.is_draft, pot.rule, pot.level) == ("Winter pot", False, "greedy", 2)
    assert (pot.community_id, pot.lot_seed) == (challenge.community_id, "three sixes")
    visit(reverse("budgets:remove", args=[project.pk]), data={})
    assert not Project.objects.exists()
    visit(reverse("budgets:remove", args=[project.pk]), data={}, status=404)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"pence": "about 1k"}, "Write the amount in pounds"),
        ({"pence": "0"}, "above nothing"),
        ({"pence": "9" * 25}, "pounds"),
        ({"pence": "99999999999999"}, "a pot could hold"),
        ({"title": ""}, "Fill in: Name of the pot"),
        ({"title": "a\x00b"}, "Null characters"),
    ],
)
def test_mistakes_are_said_beside_the_field_and_nothing_is_saved(
    challenge, leader, visit, signed_in, wrong, words
) -> None:
    signed_in(leader, second_factor=True)
    page = visit(reverse("budgets:set_up", args=[challenge.slug]), data=filled(**wrong))
    assert page.title.startswith("Mistake:")
    assert words in page.text
    assert not Pot.objects.exists()


@pytest.mark.parametrize(
    ("step", "wrong", "words"),
    [
        ("purpose", {"pence": "0"}, "above nothing"),
        ("voters", {"level": "77"}, "77"),
        ("voters", {"reach": "the moon"}, "the moon"),
        ("voters", {"community": "999999"}, "choice"),
        ("ballot", {"fewest": 3, "most": 2}, "fewer than a ballot needs"),
        ("ballot", {"ballot_kind": "points", "fewest": 9, "points": 3}, "fewer points than ideas"),
        ("ballot", {"ballot_kind": "song"}, "song"),
        ("ballot", {"top_score": "1000"}, "10"),
        ("counting", {"rule": "coin"}, "coin"),
        ("counting", {"quorum": "-1"}, "0"),
        ("counting", {"lot_seed": "<b>"}, "Use letters, digits, dots and spaces"),
        ("counting", {"lot_seed": ""}, "Fill in: The word that lots are drawn with"),
        ("dates", {"closes_at": "2020-01-01T10:00"}, "close after it opens"),
        ("dates", {"opens_at": "2020-01-01T10:00"}, "Open it later than now"),
        ("dates", {"opens_at": "soon"}, "Write the day and the time"),
        ("dates", {"opens_at": "0001-01-01T00:00"}, "2099"),
        ("dates", {"public_at": "2098-01-01T10:00"}, "see the pot when voting opens"),
        ("dates", {"result_at": "2001-01-01T10:00"}, "no result before voting closes"),
    ],
)
def test_mistakes_in_a_later_step_leave_the_pot_as_it_was(
    challenge, leader, visit, signed_in, seen_by, now, step, wrong, words
) -> None:
    pot = a_draft(challenge, seen_by(leader))
    signed_in(leader, second_factor=True)
    before = Pot.objects.values().get()
    page = visit(at_step(pot, step), data=said(step, now, challenge.community_id, **wrong))
    assert page.title.startswith("Mistake:")
    assert words in page.text
    assert Pot.objects.values().get() == before


def test_phragmens_method_is_refused_where_it_cannot_read_the_ballots(
    challenge, leader, visit, signed_in, seen_by, now
) -> None:
    pot = a_draft(challenge, seen_by(leader))
    signed_in(leader, second_factor=True)
    at_home = challenge.community_id
    visit(at_step(pot, "ballot"), data=said("ballot", now, at_home, ballot_kind="ranked"))
    page = visit(at_step(pot, "counting"), data=said("counting", now, at_home, rule="phragmen"))
    assert "cannot count places, points or scores" in page.text
    visit(at_step(pot, "ballot"), data=said("ballot", now, at_home, ballot_kind="basket"))
    visit(at_step(pot, "counting"), data=said("counting", now, at_home, rule="phragmen"))
    page = visit(at_step(pot, "ballot"), data=said("ballot", now, at_home, ballot_kind="points"))
    assert "cannot count places, points or scores" in page.text
    pot.refresh_from_db()
    assert (pot.rule, pot.ballot_kind) == ("phragmen", "basket")


def test_without_an_outcome_the_page_says_what_comes_first(
    authority, leader, visit, signed_in, now
) -> None:
    challenge = world.a_challenge(authority, outcome=False)
    signed_in(leader, second_factor=True)
    start = reverse("budgets:set_up", args=[challenge.slug])
    assert "First the outcome, then the money" in visit(start).text
    visit(start, data=filled())
    assert not Pot.objects.exists()


def test_the_desk_of_a_pot_is_for_those_who_run_it(
    coming, resident, moderator, leader, elsewhere, visit, signed_in, client
) -> None:
    project = world.a_pot(coming.challenge).projects.first()
    pages = [
        reverse(f"budgets:{name}", args=[coming.pk])
        for name in ("check", "choose", "add", "extend", "correct", "withdraw")
    ]
    pages += [
        at_step(coming, step) for step in ("purpose", "voters", "ballot", "counting", "dates")
    ]
    pages += [
        reverse("budgets:set_up", args=[coming.challenge.slug]),
        reverse("budgets:change_project", args=[project.pk]),
    ]
    posts = [
        reverse("counts:count", args=[coming.pk]),
        reverse("budgets:remove", args=[project.pk]),
    ]
    for address in pages:
        assert client.get(address).status_code == 302
    signed_in(resident)
    for address in pages:
        visit(address, status=403)
    signed_in(moderator, second_factor=True)
    for address in pages:
        visit(address, status=403)
    for address in posts:
        visit(address, data={}, status=403)
    signed_in(leader)
    for address in pages:
        answer = client.get(address)
        assert answer.status_code == 302, address
    signed_in(leader, second_factor=True)
    for address in pages:
        visit(address)
    assert Project.objects.filter(pk=project.pk).exists()


def test_a_clerk_counts_a_closed_pot_from_the_desk(
    challenge, authority, visit, signed_in, now
) -> None:
    pot = world.a_pot(challenge, opens_at=now - timedelta(9), closes_at=now - timedelta(1))
    clerk = world.a_person(world.root(authority), role=RoleKind.CLERK, name="Cleo")
    signed_in(clerk, second_factor=True)
    assert "Count it now" in visit(reverse("budgets:check", args=[pot.pk])).text
    assert "We are counting" in visit(reverse("counts:count", args=[pot.pk]), data={}).text
    counting.count(**ProcrastinateJob.objects.get(task_name="counts.count").args)
    assert "Cleo" in visit(reverse("counts:result", args=[pot.pk])).text
    assert "See the result" in visit(reverse("budgets:check", args=[pot.pk])).text
    still_open = world.a_pot(challenge)
    page = visit(reverse("counts:count", args=[still_open.pk]), data={}, status=409)
    assert "still open" in page.text


def test_an_open_ballot_leads_to_its_ideas_and_to_no_form(pot, leader, visit, signed_in) -> None:
    signed_in(leader, second_factor=True)
    page = visit(f"/desk/money/{pot.pk}/ideas/")
    assert pot.projects.first().get_absolute_url() in page.links
    assert not [link for link in page.links if link.startswith("/desk/money/projects/")]


def test_an_open_pot_shows_no_form_that_could_save_nothing(pot, leader, visit, signed_in) -> None:
    signed_in(leader, second_factor=True)
    project = pot.projects.first()
    steps = [at_step(pot, step) for step in ("purpose", "voters", "ballot", "counting", "dates")]
    for address in (*steps, reverse("budgets:change_project", args=[project.pk])):
        page = visit(address)
        assert "Voting has opened" in page.text
        asked = {control.get("name") for control in page.controls}
        assert not asked & {"title", "summary", "pence", "cost_pence", "opens_at"}
        assert not asked & {"reach", "level", "ballot_kind", "fewest", "rule", "quorum", "lot_seed"}


def test_removing_from_an_open_ballot_is_refused_with_words(pot, leader, visit, signed_in) -> None:
    signed_in(leader, second_factor=True)
    project = pot.projects.first()
    page = visit(reverse("budgets:remove", args=[project.pk]), data={}, status=409)
    assert "Nothing was changed" in page.text
    assert Project.objects.filter(pk=project.pk).exists()


@pytest.mark.parametrize("idea", ["x", "-1", "9" * 30, "999999999", "%00"])
def test_an_idea_that_is_not_there_is_not_found(coming, leader, visit, signed_in, idea) -> None:
    signed_in(leader, second_factor=True)
    visit(f"{reverse('budgets:add', args=[coming.pk])}?idea={idea}", status=404)
