"""Between what staff found about an idea and the ballot it stands on."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.core import mail
from django.db import connection, connections
from django.urls import reverse

from commonweal.decide.budgets import actions, queries
from commonweal.decide.budgets.models import Pot, Project, Round
from commonweal.propose.appraisals import actions as appraisals
from commonweal.propose.appraisals.models import Appraisal, Line, Meets, State
from commonweal.propose.proposals.models import Proposal, Signature, Status
from tests.factories import world


@pytest.fixture
def strict(challenge, now) -> Pot:
    """Return a pot that opens in a week and takes only what staff have appraised."""
    return world.a_pot(
        challenge, costs=(), appraised_only=True, opens_at=now + timedelta(days=7),
        closes_at=now + timedelta(days=20),
    )  # fmt: skip


def put(viewer, pot, proposal, pence=12_000_00, **more) -> Project:
    return actions.add_project(
        viewer=viewer, pot_id=pot.pk, proposal=proposal, title=proposal.title, summary="Warm",
        cost_pence=pence, **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("state", "meets", "agreed", "strictly", "else_"),
    [
        (None, None, False, False, True),
        (State.DRAFT, Meets.YES, False, False, False),
        (State.SHOWN, Meets.YES, False, False, False),
        (State.APPEALED, Meets.NO, False, False, False),
        (State.FINAL, Meets.NO, False, False, False),
        (State.FINAL, Meets.WITH_CHANGES, False, False, False),
        (State.FINAL, Meets.WITH_CHANGES, True, True, True),
        (State.FINAL, Meets.YES, False, True, True),
    ],
)
def test_only_what_is_found_possible_and_final_gets_on_a_ballot(
    challenge, strict, leader, seen_by, now, state, meets, agreed, strictly, else_
) -> None:
    idea = world.a_proposal(challenge)
    if state is not None:
        world.an_appraisal(idea, state=state, meets=meets, agreed_at=now if agreed else None)
    for appraised_only, may in ((False, else_), (True, strictly)):
        Pot.objects.update(appraised_only=appraised_only)
        strict.refresh_from_db()
        listed = [one.proposal for one in queries.proposals_not_ready(strict)]
        assert (idea in listed) is not may
        if not may:
            with pytest.raises(actions.ProposalNotReady):
                put(seen_by(leader), strict, idea)
            idea.refresh_from_db()
            assert idea.status == Status.PUBLISHED
        else:
            put(seen_by(leader), strict, idea, pence=12_000_00)
            Project.objects.all().delete()
            type(idea).objects.update(status=Status.PUBLISHED)


def test_an_appraised_idea_costs_what_its_authors_answered_to(
    challenge, strict, leader, seen_by
) -> None:
    idea = world.a_proposal(challenge, cost_pence=1_00)
    world.an_appraisal(idea, pence=9_000_00)
    with pytest.raises(actions.OtherThanAppraised) as refused:
        put(seen_by(leader), strict, idea, pence=1_00)
    assert refused.value.pence == 9_000_00
    project = put(seen_by(leader), strict, idea, pence=9_000_00)
    with pytest.raises(actions.OtherThanAppraised):
        actions.change_project(viewer=seen_by(leader), project_id=project.pk, cost_pence=8_999_99)
    actions.change_project(
        viewer=seen_by(leader), project_id=project.pk, cost_pence=9_000_00, title="A better name"
    )
    assert Project.objects.get().title == "A better name"


def test_the_page_says_what_each_idea_lacks(challenge, strict, leader, visit, signed_in) -> None:
    Pot.objects.update(supports_needed=1)
    ready, _waiting, refused = (world.a_proposal(challenge, title=t) for t in ("Ab", "Cd", "Ef"))
    world.an_appraisal(ready)
    world.an_appraisal(refused, meets=Meets.NO)
    for idea in (ready, refused):
        Signature.objects.create(
            proposal=idea, person=world.a_person(), standing="resident", signed_at=idea.created_at
        )
    signed_in(leader, second_factor=True)
    text = visit(reverse("budgets:choose", args=[strict.pk])).text
    assert "Ab £12,000" in text
    assert "0 of 1 signatures; nobody has begun to appraise it" in text
    assert "Staff found that it cannot be done" in text
    assert text.index("Ef") < text.index("Cd"), "what lacks least stands first"


def test_a_project_begins_with_the_lines_that_staff_wrote(
    challenge, strict, leader, visit, signed_in
) -> None:
    idea = world.a_proposal(challenge, cost_pence=1_00)
    held = world.an_appraisal(idea, state=State.DRAFT, pence=4_000_00)
    Line.objects.create(appraisal=held, what="Power", each="year", pence=500_00, source="x")
    type(held).objects.filter(pk=held.pk).update(years=2)
    at = held.begun_at
    type(held).objects.filter(pk=held.pk).update(
        state="final", verdict="feasible", one_off_pence=4_000_00, yearly_pence=500_00,
        shown_at=at, shown_by=leader, answer_due_at=at + timedelta(hours=1),
        final_at=at + timedelta(days=1), settled_by="days",
    )  # fmt: skip
    signed_in(leader, second_factor=True)
    add = f"{reverse('budgets:add', args=[strict.pk])}?idea={idea.pk}"
    page = visit(add)
    assert 'value="5,000"' in page.html
    assert "Lamps: £4,000" in page.html and "Power, 2 years: £1,000" in page.html
    other = visit(add, data={"title": "x", "summary": "y", "cost_pence": "4999"})
    assert "Staff found that it costs £5,000" in other.text
    visit(add, data={"title": "x", "summary": "y", "cost_pence": "5000"})
    project = Project.objects.get()
    assert "It can be done" in visit(project.get_absolute_url()).text


def test_what_the_pot_asks_is_asked_again_before_it_is_public(
    challenge, strict, leader, seen_by
) -> None:
    Pot.objects.update(appraised_only=False)
    strict.refresh_from_db()
    idea = world.a_proposal(challenge)
    put(seen_by(leader), strict, idea)
    actions.add_project(
        viewer=seen_by(leader), pot_id=strict.pk, title="No idea", summary="x", cost_pence=1_00
    )
    fits = queries.has_what_it_needs
    assert sorted(fits(strict)) == [True, True]
    Pot.objects.update(appraised_only=True)
    strict.refresh_from_db()
    assert sorted(fits(strict)) == [False, True]
    words = [lack.words for lack in queries.missing(strict, strict.created_at)]
    assert any("1 idea on the ballot lacks" in said for said in words)
    world.an_appraisal(idea)
    assert sorted(fits(strict)) == [True, True]
    strict.supports_needed = 1
    assert sorted(fits(strict)) == [False, True]


@pytest.mark.parametrize(
    ("signed", "appraise", "says"),
    [
        (1, {}, ("1 of 3 signatures", "2 more are needed", "Staff found that it can be done")),
        (3, None, ("3 of 3 signatures", "have not finished working out")),
        (0, {"state": State.SHOWN}, ("0 of 3 signatures", "have not finished working out")),
        (0, {"meets": Meets.NO}, ("does not let it through",)),
    ],
)
def test_an_idea_says_how_far_it_is_from_a_ballot(
    challenge, strict, visit, signed: int, appraise: dict[str, Any] | None, says
) -> None:
    Pot.objects.update(supports_needed=3)
    idea = world.a_proposal(challenge)
    for _ in range(signed):
        Signature.objects.create(
            proposal=idea, person=world.a_person(), standing="resident", signed_at=idea.created_at
        )
    if appraise is not None:
        world.an_appraisal(idea, **appraise)
    text = visit(idea.get_absolute_url()).text
    assert "On the way to a ballot" in text
    for words in says:
        assert words in text


def test_a_pot_that_is_no_secret_any_more_says_what_an_idea_needs(challenge, strict, visit) -> None:
    Pot.objects.update(supports_needed=20)
    text = visit(strict.get_absolute_url()).text
    assert "20 signatures" in text and "found possible by staff" in text
    idea = world.a_proposal(challenge)
    Pot.objects.update(is_draft=True)
    assert "On the way" not in visit(idea.get_absolute_url()).text


# --- the list is fixed: authors hear what became of their ideas


def jobs(name: str) -> list[dict[str, Any]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT args FROM procrastinate_jobs WHERE task_name = %s ORDER BY id", [name]
        )
        return [json.loads(row[0]) for row in cursor.fetchall()]


def test_when_a_pot_opens_every_author_hears_of_it_and_why_not(
    challenge, strict, leader, seen_by
) -> None:
    Pot.objects.update(supports_needed=1)
    strict.refresh_from_db()
    listed, unlucky, short, hidden, drafted = (
        world.a_proposal(challenge, title=title) for title in ("On", "Ready", "Short", "Hid", "Dr")
    )
    for idea in (listed, unlucky):
        world.an_appraisal(idea)
        Signature.objects.create(
            proposal=idea, person=world.a_person(), standing="resident", signed_at=idea.created_at
        )
    put(seen_by(leader), strict, listed)
    Proposal.objects.filter(pk=hidden.pk).update(status="hidden", hidden_reason="advert")
    Proposal.objects.filter(pk=drafted.pk).update(status="draft", published_at=None)
    far = world.a_proposal(world.a_challenge(challenge.authority), title="Far")
    assert actions.tell_opening(pot_id=strict.pk, at=strict.opens_at)
    assert not actions.tell_opening(pot_id=strict.pk, at=strict.opens_at)
    (asked,) = jobs("budgets.tell_authors")
    assert actions.tell_authors(**asked) == 3
    for one in jobs("budgets.tell_author"):
        assert actions.tell_author(**one, at=strict.opens_at) == 1
    sent = {letter.to[0]: letter for letter in mail.outbox}
    assert set(sent) == {idea.author.email for idea in (listed, unlucky, short)}
    assert far.author.email not in sent
    assert "stands on it as “On”, for £12,000" in sent[listed.author.email].body
    assert "chose others" in sent[unlucky.author.email].body
    lacks = "0 of 1 signatures; nobody has begun to appraise it"
    assert lacks in sent[short.author.email].body
    keys = {letter.extra_headers["Message-ID"] for letter in mail.outbox}
    assert len(keys) == 3
    again = jobs("budgets.tell_author")[0]
    actions.tell_author(**again, at=strict.opens_at)
    assert mail.outbox[-1].extra_headers["Message-ID"] in keys, "the same mail, to a mail program"


def test_authors_are_told_some_at_a_time_and_none_is_left_out(
    challenge, strict, monkeypatch
) -> None:
    monkeypatch.setattr(actions, "AT_ONCE", 2)
    ideas = [world.a_proposal(challenge) for _ in range(5)]
    actions.tell_opening(pot_id=strict.pk, at=strict.opens_at)
    done = 0
    while done < len(asked := jobs("budgets.tell_authors")):
        actions.tell_authors(**asked[done])
        done += 1
    assert [one["proposal_id"] for one in jobs("budgets.tell_author")] == [i.pk for i in ideas]


def test_of_a_round_one_pot_tells_who_is_left_out(challenge, strict, leader, now) -> None:
    made = Round.objects.create(
        authority=challenge.authority, challenge=challenge, title="Districts", created_at=now,
        created_by=leader,
    )  # fmt: skip
    other = world.a_pot(
        challenge, costs=(), opens_at=strict.opens_at, closes_at=strict.closes_at, round=made
    )
    Pot.objects.update(round=made)
    strict.refresh_from_db()
    idea = world.a_proposal(challenge)
    assert list(queries.ideas_to_tell_of(strict)) == [idea]
    assert list(queries.ideas_to_tell_of(other)) == []


# --- two at the same moment


def at_once(work: Callable[[int], Any]) -> list[Any]:
    gate = Barrier(16)

    def one(number: int) -> Any:
        gate.wait()
        try:
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(one, range(16)))


@pytest.mark.django_db(transaction=True)
def test_an_idea_is_put_on_the_ballot_or_appraised_and_never_both(
    challenge, strict, leader, seen_by
) -> None:
    Pot.objects.update(appraised_only=False)
    clerk = world.a_person(world.root(challenge.authority), role="clerk")
    for _ in range(3):
        idea = world.a_proposal(challenge)
        staff, runs = seen_by(clerk), seen_by(leader)

        def race(number: int, idea=idea, staff=staff, runs=runs) -> str:
            try:
                if number % 2:
                    appraisals.begin_appraisal(viewer=staff, proposal_id=idea.pk)
                else:
                    put(runs, strict, idea)
            except (appraisals.NotToAppraise, actions.ProposalNotReady) as refused:
                return type(refused).__name__
            return "done"

        came = at_once(race)
        idea.refresh_from_db()
        is_listed = Project.objects.filter(proposal=idea).count()
        is_appraised = Appraisal.objects.filter(proposal=idea).count()
        assert (is_listed, is_appraised) in {(1, 0), (0, 1)}, came
        assert (idea.status == Status.IN_BALLOT) is bool(is_listed)
