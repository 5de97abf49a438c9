"""Who sees a pot before it is public: those who set it up, whoever holds the link, nobody else."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse

from commonweal.decide.ballots.models import Ballot, Roll
from commonweal.decide.budgets import actions, queries, tasks
from commonweal.decide.budgets.models import BallotKind, Pot, QuietPeriod
from commonweal.decide.counts import actions as counts
from commonweal.decide.counts import queries as counting
from commonweal.ground.challenges.models import Challenge
from commonweal.ground.journal.models import Entry
from tests.decide.crowd import vote_for
from tests.factories import world
from tests.visit import Page, sign_in

TITLE = "The secret autumn pot"


@pytest.fixture
def draft(challenge: Challenge, now: datetime) -> Pot:
    """Return a draft whose dates say that it would be open, were it no draft."""
    return world.a_pot(challenge, title=TITLE, is_draft=True)


@pytest.fixture
def coming(challenge: Challenge, now: datetime) -> Pot:
    """Return a public pot that opens tomorrow."""
    opens = now + timedelta(days=1)
    return world.a_pot(challenge, title=TITLE, opens_at=opens, closes_at=opens + timedelta(days=7))


def preview(pot: Pot) -> str:
    return reverse("budgets:preview", args=[pot.preview])


def places_where_pots_stand(pot: Pot) -> list[str]:
    """Return every public page, feed and answer in which a pot or its ideas could show."""
    challenge = pot.challenge
    return [
        "/", reverse("budgets:list"), f"{reverse('budgets:list')}?q=secret", f"{reverse('budgets:list')}?state=coming",
        challenge.get_absolute_url(), "/what-changed/", "/api/pots", "/api/rounds", "/api/journal",
    ]  # fmt: skip


def own_pages(pot: Pot) -> list[str]:
    project = pot.projects.first()
    assert project is not None
    return [
        pot.get_absolute_url(),
        project.get_absolute_url(),
        reverse("ballots:vote", args=[pot.pk]),
        reverse("ballots:compare", args=[pot.pk]),
        reverse("counts:result", args=[pot.pk]),
        f"/api/pots/{pot.pk}",
        f"/api/pots/{pot.pk}/projects",
        f"/api/projects/{project.pk}",
    ]


# --- drafts


def test_a_draft_is_seen_by_nobody_else(
    draft, challenge, resident, moderator, authority, leader, client
) -> None:
    aside = world.a_person(world.a_community(authority), role="clerk")
    for person in (None, resident, moderator, aside):
        seen = Client()
        if person is not None:
            sign_in(seen, person, second_factor=True)
        for address in own_pages(draft):
            assert seen.get(address).status_code == 404, (person, address)
        for address in places_where_pots_stand(draft):
            answer = seen.get(address)
            assert TITLE not in answer.content.decode(), (person, address)
    sign_in(client, leader, second_factor=True)
    page = Page(client.get(draft.get_absolute_url()).content.decode())
    assert "Only you who set it up see this" in page.text


def test_nobody_votes_in_a_draft_however_it_is_asked(draft, leader, resident, seen_by) -> None:
    for person in (leader, resident):
        client = sign_in(Client(), person, second_factor=True)
        data = {"projects": [draft.projects.first().pk], "do": "cast"}
        assert client.post(reverse("ballots:vote", args=[draft.pk]), data).status_code == 404
    assert not Ballot.objects.exists()


def test_a_draft_that_lacks_something_is_not_made_public(
    challenge, leader, seen_by, visit, signed_in, now
) -> None:
    viewer = seen_by(leader)
    pot = actions.draft_pot(
        viewer=viewer, challenge=challenge, community=challenge.community,
        title="Autumn", about="", pence=90_000_00,
    )  # fmt: skip
    steps: list[tuple[str, dict[str, Any]]] = [
        ("voters", {"level": 1}), ("ballot", {"fewest": 1}), ("counting", {"rule": "greedy"}),
        ("dates", {"opens_at": now + timedelta(1), "closes_at": now + timedelta(2)}),
    ]  # fmt: skip
    for step, values in steps:
        with pytest.raises(actions.NotReady):
            actions.make_public(viewer=viewer, pot_id=pot.pk)
        actions.save_step(viewer=viewer, pot_id=pot.pk, step=step, **values)
    with pytest.raises(actions.NotReady):
        actions.make_public(viewer=viewer, pot_id=pot.pk)
    signed_in(leader, second_factor=True)
    check = visit(reverse("budgets:check", args=[pot.pk]))
    assert "Put at least one idea on the ballot." in check.text
    assert "Make it public" not in check.text
    what = {"title": "Warm", "summary": "Heating on.", "cost_pence": 20_000_00}
    actions.add_project(viewer=viewer, pot_id=pot.pk, **what)
    late = seen_by(leader, at=now + timedelta(1))
    with pytest.raises(actions.NotReady):
        actions.make_public(viewer=late, pot_id=pot.pk)
    assert not Entry.objects.filter(is_public=True).exists()
    actions.make_public(viewer=viewer, pot_id=pot.pk)
    assert list(Entry.objects.filter(is_public=True).values_list("what", flat=True)) == [
        "pot.created"
    ]


# --- the link


@pytest.mark.parametrize("kind", BallotKind.values)
def test_a_link_shows_a_draft_and_its_ballot_as_people_will_see_it(
    draft, visit, client, kind
) -> None:
    limits = {"most": 1} if kind == "choose-one" else {}
    Pot.objects.filter(pk=draft.pk).update(ballot_kind=kind, **limits)
    project = draft.projects.first()
    page = visit(preview(draft))
    assert "A preview: nobody can vote here" in page.text
    assert project.title in page.text
    answer = page.response
    assert answer["X-Robots-Tag"] == "noindex, nofollow"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert "no-store" in answer["Cache-Control"]
    assert not [
        form
        for form in page.forms
        if form.get("method") == "post" and "/desk" in form.get("action", "")
    ]
    assert all(
        "disabled" in control for control in page.controls if control["id"].startswith("sample")
    )
    inside = reverse("budgets:preview_project", args=[draft.preview, project.pk])
    assert inside in page.links
    page = visit(inside)
    assert project.summary in page.text
    assert "Choose and vote" not in page.text


def test_a_preview_takes_no_vote_and_no_question(draft, resident) -> None:
    client = sign_in(Client(), resident)
    project = draft.projects.first()
    inside = reverse("budgets:preview_project", args=[draft.preview, project.pk])
    for address in (preview(draft), inside):
        answer = client.post(address, {"projects": [project.pk], "do": "cast", "body": "Why?"})
        assert answer.status_code == 405
    client.get(preview(draft))
    for address in (
        reverse("ballots:vote", args=[draft.pk]), reverse("budgets:ask", args=[project.pk]),
        reverse("ballots:shortlist", args=[draft.pk]),
    ):  # fmt: skip
        answer = client.post(address, {"projects": [project.pk], "do": "cast", "body": "Why?"})
        assert answer.status_code == 404, address
    assert not Ballot.objects.exists()
    assert not Roll.objects.exists()
    assert not project.questions.exists()


def test_a_link_is_hard_to_guess_and_leads_to_its_own_pot_only(draft, coming, client) -> None:
    assert len(draft.preview) >= 32, "24 random bytes"
    assert draft.preview != coming.preview
    foreign = coming.projects.first()
    for token, project in ((draft.preview, foreign.pk), (draft.preview, 10**9)):
        address = reverse("budgets:preview_project", args=[token, project])
        assert client.get(address).status_code == 404
    wrong = (draft.preview[:-1], draft.preview.swapcase(), "x", "%00", "x" * 5000, "𝟏" * 32)
    for token in wrong:
        assert client.get(f"/money/preview/{token}/").status_code == 404, token[:40]


def test_a_link_of_another_authority_leads_nowhere_here(draft, elsewhere, client) -> None:
    assert client.get(preview(draft), headers={"host": "northmoor.localhost"}).status_code == 404


def test_a_link_that_was_renewed_or_withdrawn_leads_nowhere(
    coming, leader, resident, seen_by, visit, signed_in, client
) -> None:
    old = preview(coming)
    with pytest.raises(PermissionDenied):
        actions.renew_preview(viewer=seen_by(resident), pot_id=coming.pk)
    assert client.get(old).status_code == 200
    signed_in(leader, second_factor=True)
    page = visit(reverse("budgets:renew_preview", args=[coming.pk]), data={})
    coming.refresh_from_db()
    assert client.get(old).status_code == 404
    assert preview(coming) in page.text
    assert coming.preview not in str(list(Entry.objects.values_list("facts", flat=True)))
    actions.withdraw_pot(viewer=seen_by(leader), pot_id=coming.pk, why="Elsewhere.")
    assert client.get(preview(coming)).status_code == 404


def test_a_link_that_is_still_held_after_the_opening_leads_to_the_pot_itself(
    pot, client, visit
) -> None:
    project = pot.projects.first()
    answer = client.get(preview(pot))
    assert (answer.status_code, answer["Location"]) == (302, pot.get_absolute_url())
    inside = reverse("budgets:preview_project", args=[pot.preview, project.pk])
    assert client.get(inside)["Location"] == project.get_absolute_url()
    assert "Your vote" in visit(preview(pot)).text
    Challenge.objects.update(published_at=None)
    assert client.get(preview(pot)).status_code == 200, "nobody else sees it yet"


def test_the_link_stands_in_nothing_that_is_public(coming, client) -> None:
    pages = [*places_where_pots_stand(coming), *own_pages(coming)]
    for address in pages:
        assert coming.preview not in client.get(address).content.decode(), address


# --- an embargo


def test_a_pot_under_embargo_is_seen_by_nobody_else_and_told_at_its_moment(
    challenge, leader, seen_by, now, monkeypatch, client
) -> None:
    opens = now + timedelta(days=9)
    pot = world.a_pot(
        challenge, title=TITLE, opens_at=opens, closes_at=opens + timedelta(days=1),
        public_at=now + timedelta(days=3),
    )  # fmt: skip
    actions.change_pot(viewer=seen_by(leader), pot_id=pot.pk, quorum=7)
    for address in own_pages(pot):
        assert client.get(address).status_code == 404, address
    for address in places_where_pots_stand(pot):
        assert TITLE not in client.get(address).content.decode(), address
    assert client.get(preview(pot)).status_code == 200
    tick = timedelta(microseconds=1)
    for at, known in ((pot.public_at - tick, 0), (pot.public_at, 1), (pot.public_at, 1)):
        monkeypatch.setattr(tasks, "database_now", lambda at=at: at)
        tasks.look(timestamp=0)
        told = Entry.objects.filter(what="pot.created", is_public=True, about_id=pot.pk)
        assert told.count() == known
        seen = queries.public_pots(seen_by(None, at=at)).filter(pk=pot.pk)
        assert seen.exists() == bool(known)
    assert not Entry.objects.filter(what="pot.changed", is_public=True).exists()


def test_the_database_wants_a_pot_public_before_it_opens(coming) -> None:
    with pytest.raises(IntegrityError, match="pot_is_public_before_it_opens"), transaction.atomic():
        Pot.objects.filter(pk=coming.pk).update(public_at=coming.opens_at + timedelta(seconds=1))


# --- quiet times before an election


def quiet(starts: datetime, ends: datetime, viewer: Any) -> QuietPeriod:
    return actions.set_quiet_period(
        viewer=viewer, starts_at=starts, ends_at=ends, why="The council is elected"
    )


@pytest.mark.parametrize("name", ["opens_at", "closes_at", "result_at"])
def test_no_pot_opens_closes_or_is_declared_in_a_quiet_time(
    challenge, administrator, leader, seen_by, now, name
) -> None:
    day = timedelta(days=1)
    dates = {"opens_at": now + 5 * day, "closes_at": now + 20 * day, "result_at": now + 40 * day}
    edge = dates[name]
    pot = world.a_pot(challenge, **{**dates, name: edge - day})
    period = quiet(edge, edge + day, seen_by(administrator))
    viewer = seen_by(leader)
    for moment, is_quiet in ((edge, True), (edge + day - timedelta(microseconds=1), True),
                             (edge + day, False)):  # fmt: skip
        change = {"viewer": viewer, "pot_id": pot.pk, name: moment}
        if is_quiet:
            with pytest.raises(actions.QuietTime) as found:
                actions.change_pot(**change)
            assert found.value.period == period
            rows = Pot.objects.filter(pk=pot.pk)
            with pytest.raises(IntegrityError, match="quiet time"), transaction.atomic():
                rows.update(**{name: moment})
        else:
            actions.change_pot(**change)
    assert getattr(Pot.objects.get(), name) == edge + day


def test_a_quiet_time_is_not_set_over_pots_that_open_or_close_in_it(
    challenge, administrator, seen_by, now, visit, signed_in
) -> None:
    opens = now + timedelta(days=5)
    pot = world.a_pot(challenge, opens_at=opens, closes_at=opens + timedelta(days=30))
    world.a_pot(challenge, opens_at=opens, closes_at=opens + timedelta(days=3), is_draft=True)
    with pytest.raises(actions.PotsInTheWay) as found:
        quiet(opens, opens + timedelta(days=1), seen_by(administrator))
    assert found.value.pots == [pot]
    signed_in(administrator, second_factor=True)
    form = {
        "why": "The council is elected",
        "starts_at": f"{opens - timedelta(days=1):%Y-%m-%dT%H:%M}",
        "ends_at": f"{opens + timedelta(days=1):%Y-%m-%dT%H:%M}",
    }
    page = visit(reverse("budgets:quiet"), data=form)
    assert "These pots open or close in that time" in page.text
    assert pot.title in page.text
    made = {"authority": pot.authority, "why": "x", "created_at": now, "created_by": administrator}
    with pytest.raises(IntegrityError, match="opens or closes in this time"), transaction.atomic():
        QuietPeriod.objects.create(starts_at=opens, ends_at=opens + timedelta(1), **made)
    quiet(opens + timedelta(days=2), opens + timedelta(days=29), seen_by(administrator))


def test_a_close_is_not_put_off_into_a_quiet_time(
    pot, administrator, leader, seen_by, visit, signed_in
) -> None:
    starts = pot.closes_at + timedelta(hours=1)
    quiet(starts, starts + timedelta(days=30), seen_by(administrator))
    with pytest.raises(actions.QuietTime):
        actions.extend_close(viewer=seen_by(leader), pot_id=pot.pk, closes_at=starts, why="Late")
    signed_in(leader, second_factor=True)
    until = starts + timedelta(hours=2)
    page = visit(
        reverse("budgets:extend", args=[pot.pk]),
        data={"closes_at": f"{until:%Y-%m-%dT%H:%M}", "why": "Late"},
    )
    assert "It is quiet then: The council is elected" in page.text


def test_a_result_that_comes_due_in_a_quiet_time_waits_until_it_ends(
    challenge, community, administrator, seen_by, now, visit
) -> None:
    closed = now - timedelta(hours=1)
    pot = world.a_pot(challenge, opens_at=now - timedelta(days=9), closes_at=closed)
    vote_for(pot, community, 20)
    soon = now + timedelta(minutes=1)
    period = quiet(soon, soon + timedelta(days=30), seen_by(administrator))
    counts.count_closed_pot(pot_id=pot.pk, at=soon)
    pot.refresh_from_db()
    assert (pot.counted_at, pot.declared_at) == (soon, None)
    assert "quiet time before an election is over" in visit(f"/money/{pot.pk}/result/").text
    assert not counting.due_to_declare(period.ends_at - timedelta(microseconds=1)).exists()
    assert counts.declare_result(pot_id=pot.pk, at=period.ends_at)


def test_only_administrators_of_the_whole_place_set_quiet_times_and_before_they_begin(
    leader, resident, moderator, administrator, seen_by, now
) -> None:
    tomorrow = now + timedelta(days=1)
    for person in (leader, resident, moderator, None):
        with pytest.raises(PermissionDenied):
            quiet(tomorrow, tomorrow + timedelta(1), seen_by(person))
    with pytest.raises(actions.AlreadyBegun):
        quiet(now, tomorrow, seen_by(administrator))
    period = quiet(tomorrow, tomorrow + timedelta(days=2), seen_by(administrator))
    entry = Entry.objects.get(what="quiet_time.set")
    assert entry.is_public
    with pytest.raises(PermissionDenied):
        actions.end_quiet_period(viewer=seen_by(leader), period_id=period.pk)
    halfway = tomorrow + timedelta(days=1)
    actions.end_quiet_period(viewer=seen_by(administrator, at=halfway), period_id=period.pk)
    period.refresh_from_db()
    assert period.ends_at == halfway
    actions.end_quiet_period(viewer=seen_by(administrator, at=halfway), period_id=period.pk)
    other = quiet(halfway + timedelta(1), halfway + timedelta(2), seen_by(administrator))
    actions.end_quiet_period(viewer=seen_by(administrator), period_id=other.pk)
    assert list(QuietPeriod.objects.all()) == [period]
