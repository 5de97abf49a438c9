"""A kiosk lets one person after the other vote, and forgets each; a program may do the same."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from commonweal.decide.ballots.models import Ballot, Channel, Roll
from commonweal.decide.budgets.models import BallotKind, Pot, Reach
from commonweal.decide.counts import actions as counts
from commonweal.decide.kiosks import actions, tasks
from commonweal.decide.kiosks.models import Device, Ticket
from commonweal.decide.paper.queries import Somebody
from commonweal.decide.registers import actions as registers
from commonweal.decide.registers import rules as codes
from commonweal.decide.registers.models import Code
from commonweal.ground.journal.models import Entry
from commonweal.ground.places.models import RoleKind
from tests.decide.conftest import numbers
from tests.decide.papers import clerks
from tests.factories import world
from tests.visit import sign_in

KEY = b"k" * 32
TURNS = [f"{n:032x}" for n in range(20)]


@pytest.fixture
def clerk(pot, now):
    return clerks(pot, now, 1)[0]


@pytest.fixture
def voter(community):
    return world.a_person(community)


@pytest.fixture
def approved(clerk, pot) -> tuple[Device, str]:
    return actions.approve_device(
        viewer=clerk, pot_id=pot.pk, place="Library", expires_at=pot.closes_at
    )


@pytest.fixture
def machine(approved) -> Client:
    """Return the browser of a machine that is a kiosk."""
    client = Client()
    answer = client.post(reverse("kiosks:open"), {"secret": approved[1]})
    assert answer.headers["Location"] == reverse("kiosks:kiosk")
    return client


@pytest.fixture
def tickets(clerk, pot, community):
    """Return a function that lets somebody in and returns their short code."""

    def let_in(person: Any = None) -> str:
        somebody = Somebody(person=person or world.a_person(community))
        return actions.let_in(viewer=clerk, pot_id=pot.pk, somebody=somebody)

    return let_in


def begin(client: Client, code: str) -> Any:
    return client.post(reverse("kiosks:kiosk"), {"code": code})


def shown(client: Client) -> dict[str, str]:
    """Return the hidden fields of the ballot that a kiosk shows."""
    page = client.get(reverse("kiosks:vote")).content.decode()
    return dict(re.findall(r'<input type="hidden" name="(kind|turn)" value="([^"]*)">', page))


def press(client: Client, step: str, fields: dict[str, str], **marks: Any) -> Any:
    return client.post(reverse("kiosks:vote"), {**fields, **marks, "do": step})


# --- at the machine


def test_somebody_whom_staff_let_in_votes_and_is_forgotten(machine, pot, voter, tickets) -> None:
    code = tickets(voter)
    assert begin(machine, f" {code[:4].lower()}-{code[4:]} ").status_code == 302
    assert not Ticket.objects.exists(), "the code is used up as they begin"
    fields = shown(machine)
    chosen = numbers(pot)[:2]
    check = press(machine, "check", fields, projects=chosen).content.decode()
    assert "Check your vote" in check
    answer = press(machine, "cast", fields, projects=chosen)
    assert answer.headers["Location"] == reverse("kiosks:done")
    ballot = Ballot.objects.get()
    assert ballot.projects == chosen
    line = Roll.objects.get()
    assert (line.person, line.channel) == (voter, Channel.KIOSK)
    assert ballot.envelope != pot.envelope_of(voter), "the ballot lies under nobody's name"
    done = machine.get(reverse("kiosks:done"))
    assert ballot.code in done.content.decode()
    assert "no-store" in done.headers["Cache-Control"]
    assert done.headers["Refresh"].startswith("60;")
    for page in ("kiosks:done", "kiosks:vote"):  # the button back
        assert machine.get(reverse(page)).headers["Location"] == reverse("kiosks:kiosk")
    start = machine.get(reverse("kiosks:kiosk"))
    assert start.headers["Clear-Site-Data"] == '"cache"'
    assert set(machine.session.keys()) == {"kiosk"}
    assert machine.session["kiosk"] == {"device": Device.objects.get().pk}


def test_two_presses_of_the_button_are_one_ballot_and_show_its_receipt(
    machine, pot, tickets
) -> None:
    begin(machine, tickets())
    fields, before = shown(machine), machine.session["kiosk"]
    for _press in range(2):
        answer = press(machine, "cast", fields, projects=numbers(pot)[:1])
        assert answer.headers["Location"] == reverse("kiosks:done")
    # and where the second was under way before the first was done:
    session = machine.session
    session["kiosk"] = before
    session.save()
    answer = press(machine, "cast", fields, projects=numbers(pot)[:1])
    assert answer.headers["Location"] == reverse("kiosks:done")
    assert Ballot.objects.get().code in machine.get(reverse("kiosks:done")).content.decode()
    assert Roll.objects.count() == 1


def test_a_form_of_the_last_person_says_nothing_in_the_name_of_the_next(
    machine, pot, tickets
) -> None:
    begin(machine, tickets())
    old = shown(machine)
    machine.get(reverse("kiosks:kiosk"))  # they leave without casting
    begin(machine, tickets())
    chosen = numbers(pot)[:1]
    for step in ("check", "cast"):
        page = press(machine, step, old, projects=chosen).content.decode()
        assert "Check your vote" not in page and " checked" not in page
    assert not Ballot.objects.exists()
    press(machine, "cast", shown(machine), projects=chosen)
    assert Ballot.objects.count() == 1


def test_whoever_leaves_is_forgotten_after_ten_minutes(machine, pot, tickets) -> None:
    begin(machine, tickets())
    fields = shown(machine)
    session = machine.session
    session["kiosk"] = {**session["kiosk"], "since": session["kiosk"]["since"] - 601}
    session.save()
    answer = press(machine, "cast", fields, projects=numbers(pot)[:1])
    assert answer.headers["Location"] == reverse("kiosks:kiosk")
    assert not Ballot.objects.exists()


def test_a_code_of_the_desk_works_once_here_and_for_ten_minutes(
    machine, pot, clerk, tickets, challenge, now
) -> None:
    code = tickets()
    begin(machine, code)
    for typed in (code, "ABCD2345", "", "x" * 60, "\u0130\u212a"):
        page = begin(machine, typed)
        assert page.status_code == 200 and "Mistake:" in page.content.decode(), typed
    late = tickets()
    Ticket.objects.update(expires_at=now - timedelta(seconds=1))
    assert "Mistake:" in begin(machine, late).content.decode()
    neighbour = world.a_pot(challenge)
    theirs = actions.let_in(viewer=clerk, pot_id=neighbour.pk, somebody=Somebody())
    assert "Mistake:" in begin(machine, theirs).content.decode()


def test_whoever_has_voted_is_told_and_begins_no_second_ballot(
    machine, pot, voter, tickets
) -> None:
    code = tickets(voter)
    Roll.objects.create(pot=pot, person=voter, channel=Channel.ONLINE)
    page = begin(machine, code).content.decode()
    assert "You have voted here already, on-line." in page
    assert Ticket.objects.exists(), "and their code is not used up: nothing was done"


def test_a_voting_code_opens_a_ballot_at_a_kiosk_once_in_all(machine, pot, clerk, tickets) -> None:
    registers.make_sheets(viewer=clerk, pot_id=pot.pk, key=KEY, count=2, replace=False)
    first, second = (codes.in_groups(codes.code_from(KEY, n)) for n in (1, 2))
    begin(machine, first)
    press(machine, "cast", shown(machine), projects=numbers(pot)[:1])
    machine.get(reverse("kiosks:kiosk"))
    assert "already, at a kiosk" in begin(machine, first).content.decode()
    elsewhere = Client()
    elsewhere.post(reverse("registers:enter"), {"code": first})
    assert "voting" not in elsewhere.session or not elsewhere.session["voting"]
    # handed over at the desk, it is used up all the same
    theirs = Code.objects.get(number=2)
    ticket = actions.let_in(viewer=clerk, pot_id=pot.pk, somebody=Somebody(code_id=theirs.pk))
    begin(machine, ticket)
    press(machine, "cast", shown(machine), projects=numbers(pot)[:1])
    machine.get(reverse("kiosks:kiosk"))
    assert "already, at a kiosk" in begin(machine, second).content.decode()
    assert Ballot.objects.count() == Roll.objects.filter(channel=Channel.KIOSK).count() == 2


def test_where_everyone_may_vote_nobody_is_asked_for_a_code(machine, pot) -> None:
    Pot.objects.update(reach=Reach.EVERYONE)
    for _person in range(2):
        machine.post(reverse("kiosks:kiosk"), {"guest": "1"})
        press(machine, "cast", shown(machine), nothing="on")
        machine.get(reverse("kiosks:done"))
    assert Ballot.objects.count() == Roll.objects.filter(channel=Channel.KIOSK).count() == 2


def test_a_guest_begins_nowhere_else(machine, pot) -> None:
    page = machine.post(reverse("kiosks:kiosk"), {"guest": "1"})
    assert page.status_code == 200
    assert machine.get(reverse("kiosks:vote")).status_code == 302


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (BallotKind.APPROVAL, {}),
        (BallotKind.CHOOSE_ONE, {}),
        (BallotKind.BASKET, {}),
        (BallotKind.RANKED, {}),
        (BallotKind.POINTS, {"points": 5}),
        (BallotKind.SCORES, {"top_score": 3}),
    ],
)
def test_every_kind_of_ballot_is_cast_changed_and_refused_at_a_kiosk(
    kind, given, challenge, now, community, db
) -> None:
    pot = world.a_pot(challenge, ballot_kind=kind, **given)
    clerk = clerks(pot, now, 1)[0]
    _device, secret = actions.approve_device(
        viewer=clerk, pot_id=pot.pk, place="Hall", expires_at=pot.closes_at
    )
    client = Client()
    client.post(reverse("kiosks:open"), {"secret": secret})
    person = world.a_person(community)
    begin(client, actions.let_in(viewer=clerk, pot_id=pot.pk, somebody=Somebody(person=person)))
    a, b, _c = numbers(pot)
    marks: dict[str, Any] = {
        BallotKind.RANKED: {f"place-{b}": "1", f"place-{a}": "2"},
        BallotKind.POINTS: {f"points-{a}": "3", f"points-{b}": "2"},
        BallotKind.SCORES: {f"score-{a}": "3", f"score-{b}": "0"},
        BallotKind.CHOOSE_ONE: {"projects": [a]},
    }.get(kind, {"projects": [a, b]})
    wrong: dict[str, Any] = {
        BallotKind.RANKED: {f"place-{b}": "1", f"place-{a}": "1"},
        BallotKind.POINTS: {f"points-{a}": "3", f"points-{b}": "4"},
        BallotKind.SCORES: {f"score-{a}": "4"},
    }.get(kind, {"projects": [10**9]})
    fields = shown(client)
    for mistake in (wrong, {}):
        page = press(client, "cast", fields, **mistake).content.decode()
        assert "Mistake:" in page and not Ballot.objects.exists()
    check = press(client, "check", fields, **marks).content.decode()
    assert "Check your vote" in check
    back = press(client, "change", fields, **marks).content.decode()
    assert "Check my vote" in back and "Mistake:" not in back
    press(client, "cast", fields, **marks)
    expected = {
        BallotKind.RANKED: {a: 2, b: 1},
        BallotKind.POINTS: {a: 3, b: 2},
        BallotKind.SCORES: {a: 3},
        BallotKind.CHOOSE_ONE: {a: 1},
    }.get(kind, {a: 1, b: 1})
    ballot = Ballot.objects.get()
    assert dict(zip(ballot.projects, ballot.marks, strict=True)) == expected


def test_a_kiosk_that_was_taken_back_or_whose_time_is_over_lets_nobody_vote(
    machine, pot, clerk, approved, tickets, now
) -> None:
    begin(machine, tickets())
    fields = shown(machine)
    actions.revoke_device(viewer=clerk, device_id=approved[0].pk)
    answer = press(machine, "cast", fields, projects=numbers(pot)[:1])
    assert answer.headers["Location"] == reverse("kiosks:kiosk")
    assert machine.get(reverse("kiosks:kiosk")).headers["Location"] == reverse("kiosks:open")
    again = machine.post(reverse("kiosks:open"), {"secret": approved[1]})
    assert "No kiosk that works now" in again.content.decode()
    Device.objects.update(
        revoked_at=None, expires_at=now - timedelta(seconds=1), made_at=pot.opens_at
    )
    assert machine.get(reverse("kiosks:kiosk")).status_code == 302
    assert not Ballot.objects.exists()


def test_at_the_second_of_closing_a_kiosk_says_so_and_saves_nothing(machine, pot, tickets) -> None:
    begin(machine, tickets())
    fields = shown(machine)
    at = timezone.now()
    Pot.objects.filter(pk=pot.pk).update(opens_at=at - timedelta(days=2), closes_at=at)
    page = press(machine, "cast", fields, projects=numbers(pot)[:1])
    assert page.status_code == 409
    assert "What you sent now was not counted" in page.content.decode()
    assert "No voting here now" in machine.get(reverse("kiosks:kiosk")).content.decode()
    assert not Ballot.objects.exists() and not Roll.objects.exists()


def test_opening_a_kiosk_signs_out_whoever_was_signed_in(approved, clerk) -> None:
    client = sign_in(Client(), clerk.person, second_factor=True)
    client.post(reverse("kiosks:open"), {"secret": approved[1]})
    assert set(client.session.keys()) == {"kiosk"}


def test_after_twenty_wrong_codes_a_kiosk_asks_to_go_to_the_desk(machine, tickets) -> None:
    good = tickets()
    for _n in range(20):
        begin(machine, "ABCD2345")
    assert "Ask at the desk" in begin(machine, good).content.decode()


# --- staff


def test_a_secret_is_shown_once_and_kept_as_a_hash(pot, clerk) -> None:
    client = sign_in(Client(), clerk.person, second_factor=True)
    where = reverse("kiosks:devices", args=[pot.pk])
    page = client.post(where, {"place": "Library", "days": "2"}).content.decode()
    device = Device.objects.get()
    secret = page.partition('<p class="cw-code">')[2].partition("<")[0]
    assert len(secret) > 40 and secret.encode() not in bytes(device.digest)
    assert secret not in client.get(where).content.decode()
    assert device.expires_at <= pot.closes_at + timedelta(hours=12)
    for days, place in (("0", "x"), ("61", "x"), ("", "x"), ("1", " ")):
        assert "Mistake:" in client.post(where, {"place": place, "days": days}).content.decode()
    client.post(reverse("kiosks:revoke", args=[device.pk]))
    assert Entry.objects.filter(what="kiosk.approved", is_public=True).count() == 1
    assert Entry.objects.filter(what="kiosk.revoked", is_public=True).count() == 1
    assert not any(secret in str(e.facts) for e in Entry.objects.all())


def test_no_kiosk_is_approved_once_voting_is_closed(pot, clerk, now) -> None:
    from tests.decide.papers import fresh

    with pytest.raises(actions.PotIsOver):
        actions.approve_device(
            viewer=fresh(clerk, pot.closes_at), pot_id=pot.pk, place="x", expires_at=now
        )


@pytest.mark.parametrize("who", ["nobody", "resident", "moderator", "foreign clerk"])
def test_the_wrong_people_approve_nothing_and_let_nobody_in(
    who, pot, approved, voter, elsewhere, moderator, seen_by
) -> None:
    theirs = seen_by(
        {
            "nobody": None,
            "resident": voter,
            "moderator": moderator,
            "foreign clerk": world.a_person(world.root(elsewhere), role=RoleKind.CLERK),
        }[who]
    )
    for act in (
        lambda: actions.approve_device(
            viewer=theirs, pot_id=pot.pk, place="x", expires_at=pot.closes_at
        ),
        lambda: actions.revoke_device(viewer=theirs, device_id=approved[0].pk),
        lambda: actions.let_in(viewer=theirs, pot_id=pot.pk, somebody=Somebody(person=voter)),
    ):
        with pytest.raises(PermissionDenied):
            act()


def test_whoever_was_let_in_and_never_began_is_forgotten(tickets, now) -> None:
    tickets()
    Ticket.objects.update(expires_at=now - timedelta(minutes=1))
    tasks.forget(timestamp=0)
    assert not Ticket.objects.exists()


# --- a program of its own


def call(secret: str, vote: dict[str, Any] | str, client: Client | None = None) -> Any:
    return (client or Client()).post(
        "/api/kiosk/ballots",
        vote if isinstance(vote, str) else json.dumps(vote),
        content_type="application/json",
        headers={"authorization": f"Bearer {secret}"},
    )


def test_a_program_asks_for_its_ballot_and_casts_one(approved, pot, voter, tickets) -> None:
    secret = approved[1]
    asked = Client().get("/api/kiosk/ballot", headers={"authorization": f"Bearer {secret}"})
    told = asked.json()
    assert (told["pot_id"], told["ballot_kind"], told["asks_for_code"]) == (
        pot.pk,
        "approval",
        True,
    )
    assert sorted(idea["id"] for idea in told["ideas"]) == numbers(pot)
    chosen = numbers(pot)[:2]
    vote = {
        "turn": TURNS[0],
        "code": tickets(voter),
        "marks": [{"idea": number} for number in reversed(chosen)],
    }
    answers = [call(secret, vote) for _again in range(2)]  # the first answer was lost on the way
    assert [answer.status_code for answer in answers] == [201, 201]
    ballot = Ballot.objects.get()
    assert ballot.projects == chosen
    assert {answer.json()["receipt"] for answer in answers} == {ballot.code}
    assert Roll.objects.get().channel == Channel.KIOSK
    other = call(secret, {**vote, "marks": []})
    assert other.status_code == 409 and "another ballot" in other.json()["wrong"]
    assert Ballot.objects.get().projects == chosen
    counted = counts.count_closed_pot(pot_id=pot.pk, at=pot.closes_at)
    assert counted.result["voters"] == 1
    assert counted.receipts.get().readable == ballot.code


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer no-such", "Basic eDp5", "Bearer \u00e9"])
def test_without_the_secret_of_a_kiosk_nothing_is_told_or_cast(given, approved, pot) -> None:
    headers = {"authorization": given} if given else {}
    client = sign_in(Client(), world.a_person(world.root(pot.authority), role=RoleKind.CLERK))
    for answer in (
        client.get("/api/kiosk/ballot", headers=headers),
        client.post("/api/kiosk/ballots", {}, content_type="application/json", headers=headers),
    ):
        assert answer.status_code == 401
        assert set(answer.json()) == {"wrong", "mend"}


def test_a_secret_opens_nothing_in_another_authority(approved, elsewhere) -> None:
    world.root(elsewhere)
    answer = Client().get(
        "/api/kiosk/ballot",
        headers={"authorization": f"Bearer {approved[1]}", "host": "northmoor.localhost"},
    )
    assert answer.status_code == 401


def test_what_a_program_gets_wrong_is_said_and_nothing_is_saved(approved, pot, voter, tickets):
    _device, secret = approved
    Roll.objects.create(pot=pot, person=voter, channel=Channel.PAPER)
    fine = {"turn": TURNS[1], "code": tickets(), "marks": [{"idea": numbers(pot)[0]}]}
    for vote, status in (
        ("not json", 400),
        ({}, 422),
        ({**fine, "turn": "short"}, 422),
        ({**fine, "turn": TURNS[1].upper().replace("0", "F")}, 422),
        ({**fine, "marks": [{"idea": 10**30}]}, 422),
        ({**fine, "marks": [{"idea": numbers(pot)[0], "mark": 0}]}, 422),
        ({**fine, "marks": [{"idea": numbers(pot)[0], "mark": 2}]}, 422),
        ({**fine, "marks": [{"idea": 999_999_999}]}, 422),
        ({**fine, "marks": [{"idea": numbers(pot)[0]}] * 2}, 422),
        ({**fine, "code": ""}, 403),
        ({**fine, "code": "ABCD2345"}, 403),
        ({**fine, "code": "a\0b"}, 403),
        ({**fine, "code": tickets(voter)}, 409),
    ):
        answer = call(secret, vote)
        assert answer.status_code == status, (vote, answer.content)
        assert answer.json()["wrong"] and answer.json()["mend"]
        assert not Ballot.objects.exists()
    assert call(secret, fine).status_code == 201, "its code was not used up by any of these"


def test_a_program_is_stopped_after_twenty_wrong_codes(approved, pot, tickets) -> None:
    vote = {"turn": TURNS[2], "code": "ABCD2345", "marks": []}
    for _n in range(20):
        assert call(approved[1], vote).status_code == 403
    assert call(approved[1], {**vote, "code": tickets()}).status_code == 429
    assert not Ballot.objects.exists()


def test_a_program_votes_for_guests_each_in_a_turn_of_their_own(approved, pot) -> None:
    Pot.objects.update(reach=Reach.EVERYONE)
    for turn in (TURNS[3], TURNS[3], TURNS[4]):
        assert call(approved[1], {"turn": turn, "marks": []}).status_code == 201
    assert Ballot.objects.count() == Roll.objects.count() == 2


def test_a_closed_pot_takes_nothing_from_a_program(approved, pot, tickets) -> None:
    code, at = tickets(), timezone.now()
    Device.objects.update(expires_at=at + timedelta(days=1))
    Pot.objects.filter(pk=pot.pk).update(opens_at=at - timedelta(days=2), closes_at=at)
    answer = call(approved[1], {"turn": TURNS[5], "code": code, "marks": []})
    assert answer.status_code == 409
    assert Ticket.objects.exists() and not Ballot.objects.exists()


def test_whoever_is_signed_in_where_a_program_runs_is_not_who_votes(
    approved, pot, voter, tickets
) -> None:
    other = world.a_person(world.root(pot.authority))
    client = sign_in(Client(), other)
    call(approved[1], {"turn": TURNS[6], "code": tickets(voter), "marks": []}, client)
    assert Roll.objects.get().person == voter


def test_the_api_describes_itself(authority) -> None:
    told = Client().get("/api/kiosk/openapi.json").json()
    assert told["openapi"].startswith("3.1")
    assert set(told["paths"]) == {"/api/kiosk/ballot", "/api/kiosk/ballots"}
    cast = told["paths"]["/api/kiosk/ballots"]["post"]
    assert {"201", "401", "403", "409", "422", "429"} <= set(cast["responses"])
