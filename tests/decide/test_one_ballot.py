"""One person, one ballot, whichever ways they know: account, letter, desk, telephone, two districts."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.template.loader import render_to_string
from django.test import Client
from django.urls import reverse

from commonweal.decide.ballots import actions as voting
from commonweal.decide.ballots.models import Ballot, Channel, Roll
from commonweal.decide.ballots.queries import Voter
from commonweal.decide.ballots.rules import Choice
from commonweal.decide.budgets.models import Pot, Reach, Round
from commonweal.decide.counts import actions as counts
from commonweal.decide.registers import actions, queries
from commonweal.decide.registers.models import Code, Entry, Register
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Level, Membership, RoleKind
from commonweal.ground.places.rules import Viewer
from tests.decide.conftest import numbers
from tests.decide.test_codes import KEY, cast, code, enter
from tests.decide.test_pages import at
from tests.decide.test_registers import OMAR, PARTS, ROSA, listed
from tests.factories import world
from tests.visit import sign_in, visit

pytestmark = pytest.mark.django_db


@pytest.fixture
def clerk(authority) -> Person:
    return world.a_person(world.root(authority), role=RoleKind.CLERK, name="Cleo")


@pytest.fixture
def register(clerk, community, seen_by) -> Register:
    made, _ = actions.upload_register(
        viewer=seen_by(clerk), community=community, title="Electoral register", parts=PARTS,
        delete_on=date(2090, 1, 1), people=listed(ROSA, OMAR),
    )  # fmt: skip
    return made


def letters(
    pot: Pot, clerk: Person, register: Register | None, seen_by: Any, *who: Any, key: bytes = KEY
) -> None:
    """Make letters to Rosa and Omar: their codes are the second and the third."""
    actions.make_letters(
        viewer=seen_by(clerk), pot_id=pot.pk, key=key, people=listed(*(who or (ROSA, OMAR))),
        register=register,
    )  # fmt: skip


def chosen(pot: Pot) -> Choice:
    return Choice.of(numbers(pot)[:1])


def test_who_voted_before_they_were_found_votes_with_no_letter_afterwards(
    pot, register, clerk, resident, seen_by, client
) -> None:
    """Their line of the roll names no entry; the code that is tied to it names the person all the same."""
    voting.cast_ballot(viewer=seen_by(resident), pot_id=pot.pk, choice=chosen(pot))
    letters(pot, clerk, register, seen_by)
    actions.match(viewer=seen_by(resident), register_id=register.pk, given=ROSA)
    enter(client, code(2))
    cast(client, pot, numbers(pot)[1:2])
    assert Ballot.objects.count() == Roll.objects.count() == 1
    entry = Entry.objects.get(person=resident)
    for channel in (Channel.TELEPHONE, Channel.KIOSK):
        voter = Voter("telephone:x", channel, entry_id=entry.pk)
        with pytest.raises(voting.VotedAlready, match="on-line"):
            voting.cast_ballot(viewer=seen_by(None), pot_id=pot.pk, choice=chosen(pot), voter=voter)
    with pytest.raises(voting.VotedAlready, match="on-line"):
        voting.put_on_roll(pot=pot, voter=Voter("", Channel.PAPER, entry_id=entry.pk))
    with pytest.raises(actions.CodeUsed):
        actions.hand_out_code(viewer=seen_by(clerk), pot_id=pot.pk, entry_id=entry.pk)


def test_new_letters_leave_out_who_voted_before_they_were_found(
    pot, register, clerk, resident, seen_by
) -> None:
    voting.cast_ballot(viewer=seen_by(resident), pot_id=pot.pk, choice=chosen(pot))
    actions.match(viewer=seen_by(resident), register_id=register.pk, given=ROSA)
    _batch, voted = actions.make_letters(
        viewer=seen_by(clerk), pot_id=pot.pk, key=KEY, people=listed(ROSA, OMAR), register=register
    )
    assert voted == {2} and Code.objects.get().number == 3


def test_who_voted_with_a_letter_is_told_so_in_their_account(
    pot, register, clerk, resident, seen_by, client
) -> None:
    letters(pot, clerk, register, seen_by)
    actions.match(viewer=seen_by(resident), register_id=register.pk, given=ROSA)
    enter(client, code(2))
    cast(client, pot, numbers(pot)[:1])
    mine = sign_in(Client(), resident)
    said = "You have voted here already, with a voting code."
    assert said in visit(mine, at("vote", pot), status=403).text
    assert said in visit(mine, at("receipt", pot)).text
    assert said in visit(mine, at("pot", pot)).text
    with pytest.raises(voting.VotedAlready, match=said):
        voting.cast_ballot(viewer=seen_by(resident), pot_id=pot.pk, choice=chosen(pot))
    assert Ballot.objects.count() == Roll.objects.count() == 1


def test_an_account_that_was_checked_but_not_found_could_have_a_letter_too(
    challenge, register, clerk, community, seen_by
) -> None:
    """Checked in person they are surer than a register, and yet nothing shows which letter is theirs."""
    sure = world.a_person(community, level=Level.IN_PERSON)
    pot = world.a_pot(challenge, level=Level.REGISTER)
    voting.cast_ballot(viewer=seen_by(sure), pot_id=pot.pk, choice=chosen(pot))
    other = world.a_pot(challenge, level=Level.REGISTER)
    letters(other, clerk, register, seen_by)
    with pytest.raises(PermissionDenied, match="find yourself in the register first"):
        voting.cast_ballot(viewer=seen_by(sure), pot_id=other.pk, choice=chosen(other))
    by_phone = Voter("telephone:x", Channel.TELEPHONE, person_id=sure.pk)
    with pytest.raises(PermissionDenied, match="find yourself in the register first"):
        voting.cast_ballot(
            viewer=seen_by(sure), pot_id=other.pk, choice=chosen(other), voter=by_phone
        )
    mine = sign_in(Client(), sure)
    page = visit(mine, at("vote", other), status=403)
    assert "Find myself in the register" in page.text
    assert "Find myself in the register" in visit(mine, at("pot", other)).text
    actions.match(viewer=seen_by(sure), register_id=register.pk, given=ROSA)
    assert cast(mine, other, numbers(other)[:1]).status_code == 302
    hers = Client()
    enter(hers, code(2))
    cast(hers, other, numbers(other)[1:2])
    assert Ballot.objects.filter(pot=other).count() == 1


def test_a_code_of_the_desk_that_is_tied_asks_accounts_to_be_found_too(
    challenge, register, clerk, community, seen_by
) -> None:
    sure = world.a_person(community, level=Level.IN_PERSON)
    pot = world.a_pot(challenge, level=Level.REGISTER)
    actions.hand_out_code(
        viewer=seen_by(clerk), pot_id=pot.pk, entry_id=register.entries.first().pk
    )
    with pytest.raises(PermissionDenied, match="find yourself in the register first"):
        voting.cast_ballot(viewer=seen_by(sure), pot_id=pot.pk, choice=chosen(pot))


def test_letters_that_were_cancelled_unused_ask_nothing_of_accounts(
    challenge, register, clerk, community, seen_by
) -> None:
    sure = world.a_person(community, level=Level.IN_PERSON)
    pot = world.a_pot(challenge, level=Level.REGISTER)
    letters(pot, clerk, register, seen_by)
    actions.cancel_batch(viewer=seen_by(clerk), pot_id=pot.pk, batch_id=pot.code_batches.get().pk)
    voting.cast_ballot(viewer=seen_by(sure), pot_id=pot.pk, choice=chosen(pot))


def test_who_is_found_elsewhere_brings_no_second_ballot(
    challenge, clerk, resident, community, register, seen_by
) -> None:
    """Found as Rosa they vote; released and found as Omar they are still the same person."""
    pot = world.a_pot(challenge)
    actions.match(viewer=seen_by(resident), register_id=register.pk, given=ROSA)
    voting.cast_ballot(viewer=seen_by(resident), pot_id=pot.pk, choice=chosen(pot))
    actions.release(viewer=seen_by(clerk), entry_id=Entry.objects.get(person=resident).pk)
    actions.match(viewer=seen_by(resident), register_id=register.pk, given=OMAR)
    letters(pot, clerk, register, seen_by, OMAR)
    hers = Client()
    enter(hers, code(2))
    cast(hers, pot, numbers(pot)[1:2])
    voting.cast_ballot(viewer=seen_by(resident), pot_id=pot.pk, choice=chosen(pot))
    assert Ballot.objects.count() == Roll.objects.count() == 1


def test_one_person_votes_in_one_district_whatever_way_they_take(
    challenge, clerk, authority, resident, register, seen_by, now
) -> None:
    round_ = Round.objects.create(
        authority=authority, challenge=challenge, title="Districts", created_at=now,
        created_by=clerk,
    )  # fmt: skip
    here, there = (world.a_pot(challenge, round=round_) for _n in range(2))
    voting.cast_ballot(viewer=seen_by(resident), pot_id=here.pk, choice=chosen(here))
    letters(there, clerk, register, seen_by)
    actions.match(viewer=seen_by(resident), register_id=register.pk, given=ROSA)
    hers = Client()
    enter(hers, code(2))
    cast(hers, there, numbers(there)[:1])
    with pytest.raises(voting.VotedAlready, match="another district"):
        voting.cast_ballot(viewer=seen_by(resident), pot_id=there.pk, choice=chosen(there))
    assert Ballot.objects.count() == Roll.objects.count() == 1


LEVELS = list(Level)


@pytest.mark.parametrize("asked", LEVELS)
@pytest.mark.parametrize("has", [None, *LEVELS])
def test_every_level_of_being_sure_fails_closed(asked, has, challenge, community, seen_by) -> None:
    person = world.a_person(community, level=has) if has else world.a_person()
    pot = world.a_pot(challenge, level=asked)
    if has is not None and has >= asked:
        voting.cast_ballot(viewer=seen_by(person), pot_id=pot.pk, choice=chosen(pot))
        return
    with pytest.raises(PermissionDenied):
        voting.cast_ballot(viewer=seen_by(person), pot_id=pot.pk, choice=chosen(pot))
    assert not Ballot.objects.exists() and not Roll.objects.exists()


@pytest.mark.parametrize("how", ["expired", "this very moment", "elsewhere", "gone", "nobody"])
def test_what_made_somebody_sure_and_holds_no_more_lets_nobody_vote(
    how, challenge, community, authority, seen_by, now
) -> None:
    person = world.a_person(community, level=Level.IN_PERSON)
    pot = world.a_pot(challenge, level=Level.POSTCODE)
    mine = Membership.objects.filter(person=person)
    if how == "expired":
        mine.update(expires_at=pot.opens_at)
    elif how == "this very moment":
        mine.update(expires_at=now)
    elif how == "elsewhere":
        mine.update(community=world.a_community(authority))
    elif how == "gone":
        mine.delete()
    viewer = seen_by(None if how == "nobody" else person)
    with pytest.raises(PermissionDenied):
        voting.cast_ballot(viewer=viewer, pot_id=pot.pk, choice=chosen(pot))
    assert not Ballot.objects.exists()


def test_a_codes_ballot_takes_no_account_however_sure(challenge, community, seen_by) -> None:
    person = world.a_person(community, level=Level.IN_PERSON)
    pot = world.a_pot(challenge, reach=Reach.CODES)
    with pytest.raises(PermissionDenied, match="voting code"):
        voting.cast_ballot(viewer=seen_by(person), pot_id=pot.pk, choice=chosen(pot))


# --- codes that are made anew or cancelled


def test_letters_without_a_register_are_not_made_anew_once_somebody_has_voted(
    challenge, clerk, seen_by, client
) -> None:
    """Nobody can tell who has voted, so a second letter could be a second vote."""
    pot = world.a_pot(challenge, reach=Reach.CODES)
    letters(pot, clerk, None, seen_by, key=b"a" * 32)
    letters(pot, clerk, None, seen_by)  # a slip in the list: nobody has voted yet
    assert Code.objects.filter(cancelled_at__isnull=True).count() == 2
    enter(client, code(2))
    cast(client, pot, numbers(pot)[:1])
    with pytest.raises(actions.SomeVoted), transaction.atomic():
        letters(pot, clerk, None, seen_by, key=b"b" * 32)
    assert Code.objects.filter(cancelled_at__isnull=True).count() == 2, "the letters still count"
    desk = sign_in(Client(), clerk, second_factor=True)
    answer = desk.post(
        reverse("registers:letters", args=[pot.pk]),
        {"layout": "csv", "list": SimpleUploadedFile("l.csv", b"Name\nAda\n", "text/csv")},
    )
    assert "with a new letter they could vote again" in answer.content.decode()


def test_letters_of_a_register_do_not_follow_letters_of_none_that_were_used(
    challenge, clerk, register, seen_by, client
) -> None:
    pot = world.a_pot(challenge, reach=Reach.CODES)
    letters(pot, clerk, None, seen_by)
    enter(client, code(2))
    cast(client, pot, numbers(pot)[:1])
    with pytest.raises(actions.SomeVoted):
        letters(pot, clerk, register, seen_by, key=b"b" * 32)


@pytest.fixture
def on_its_own(transactional_db: None) -> Callable[[Callable[[], Any]], threading.Thread]:
    """Return a function that starts something on a connection of its own."""

    def start(work: Callable[[], Any]) -> threading.Thread:
        def run() -> None:
            try:
                work()
            finally:
                connection.close()

        thread = threading.Thread(target=run)
        thread.start()
        return thread

    return start


def waits_for_a_lock(like: str) -> bool:
    """Tell, after a while, whether some statement like this waits for somebody."""
    for _turn in range(200):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE %s"
                " AND pid <> pg_backend_pid()",
                [like],
            )
            if cursor.fetchone():
                return True
        time.sleep(0.02)
    return False


def test_a_batch_is_cancelled_after_whoever_votes_with_one_of_its_codes_just_now(
    on_its_own, challenge, clerk, authority, now
) -> None:
    """A vote is under way and not yet done: its code is used and stays; no other vote follows."""
    pot = world.a_pot(challenge, reach=Reach.CODES)
    viewer = Viewer(authority, clerk, now, has_second_factor=True)
    batch = actions.make_sheets(viewer=viewer, pot_id=pot.pk, key=KEY, count=3, replace=False)
    used, other, _third = Code.objects.filter(batch=batch).order_by("number")
    cancelled: list[int] = []
    with transaction.atomic():
        voting.cast_ballot(
            viewer=Viewer(authority, None, now), pot_id=pot.pk, choice=chosen(pot),
            voter=Voter(f"code:{used.pk}:x", Channel.CODE, code_id=used.pk),
        )  # fmt: skip
        ask: dict[str, Any] = {"viewer": viewer, "pot_id": pot.pk, "batch_id": batch.pk}
        thread = on_its_own(lambda: cancelled.append(actions.cancel_batch(**ask)))
        assert waits_for_a_lock("%registers_code%")
    thread.join(30)
    assert cancelled == [2]
    used.refresh_from_db(), other.refresh_from_db()
    assert used.cancelled_at is None and other.cancelled_at is not None


def test_who_votes_while_their_code_is_being_cancelled_is_refused(
    on_its_own, challenge, clerk, authority, now
) -> None:
    pot = world.a_pot(challenge, reach=Reach.CODES)
    viewer = Viewer(authority, clerk, now, has_second_factor=True)
    batch = actions.make_sheets(viewer=viewer, pot_id=pot.pk, key=KEY, count=2, replace=False)
    code_id = batch.codes.get(number=1).pk
    said: list[str] = []

    def vote() -> None:
        try:
            voting.cast_ballot(
                viewer=Viewer(authority, None, now), pot_id=pot.pk, choice=chosen(pot),
                voter=Voter(f"code:{code_id}:x", Channel.CODE, code_id=code_id),
            )  # fmt: skip
        except voting.VotedAlready as error:
            said.append(str(error))

    with transaction.atomic():
        actions.cancel_batch(viewer=viewer, pot_id=pot.pk, batch_id=batch.pk)
        thread = on_its_own(vote)
        assert waits_for_a_lock("%ballots_ballot%")
    thread.join(30)
    assert said == ["This voting code does not count any more."]
    assert not Ballot.objects.exists() and not Roll.objects.exists()


# --- where two ways are open and nothing ties them, that is said


@pytest.mark.parametrize("page", ["sheets", "mails", "letters"])
def test_codes_tied_to_nobody_are_made_beside_accounts_only_by_who_knows_what_it_means(
    page, challenge, clerk
) -> None:
    desk = sign_in(Client(), clerk, second_factor=True)
    pot = world.a_pot(challenge, level=Level.POSTCODE)

    def ask(**more: str) -> Any:
        rows = SimpleUploadedFile("l.csv", b"Name,Email\nAda,ada@example.org\n", "text/csv")
        given = {"count": "2", "layout": "csv", "list": rows, **more}
        return desk.post(reverse(f"registers:{page}", args=[pot.pk]), given)

    refused = ask()
    assert refused.status_code == 200 and not pot.code_batches.exists()
    assert "Tick this once you have made up your mind about it" in refused.content.decode()
    ask(knows="on")
    assert pot.code_batches.count() == 1
    pot = world.a_pot(challenge, reach=Reach.CODES)
    ask()
    assert pot.code_batches.count() == 1, "where only codes vote there is nothing to know"


def test_letters_that_are_tied_to_a_register_ask_for_no_tick(challenge, clerk, register) -> None:
    desk = sign_in(Client(), clerk, second_factor=True)
    pot = world.a_pot(challenge, level=Level.REGISTER)
    head = b"Surname,First name,Postcode,Date of birth\n"
    rows = SimpleUploadedFile("l.csv", head + b"Obrien Sian,Rosa,LM1 4AB,9/2/1961\n", "text/csv")
    given = {"register": register.pk, "layout": "csv", "list": rows}
    desk.post(reverse("registers:letters", args=[pot.pk]), given)
    assert pot.code_batches.get().register == register


def test_the_set_up_and_the_desk_say_who_could_vote_twice(
    challenge, clerk, leader, seen_by
) -> None:
    desk = sign_in(Client(), clerk, second_factor=True)
    for level, said in (
        (Level.POSTCODE, "Who was never found could vote with both."),
        (Level.REGISTER, "an account has to be found in that register before it votes"),
    ):
        pot = world.a_pot(challenge, level=level)
        assert said in visit(desk, reverse("registers:codes", args=[pot.pk])).text
        check = visit(desk, reverse("budgets:check", args=[pot.pk]))
        assert "says who could then vote twice, and how to rule it out" in check.text
    codes_alone = world.a_pot(challenge, reach=Reach.CODES)
    check = visit(desk, reverse("budgets:check", args=[codes_alone.pk]))
    assert "vote twice" not in check.text


@pytest.mark.parametrize("how_many", [1, 6])
def test_the_result_says_how_many_could_have_voted_twice(
    how_many, challenge, clerk, community, authority, now, seen_by
) -> None:
    shut = {"opens_at": now - timedelta(days=1), "closes_at": now + timedelta(hours=1)}
    pot = world.a_pot(challenge, **shut)
    for _n in range(6):
        person = world.a_person(community)
        voting.cast_ballot(viewer=seen_by(person), pot_id=pot.pk, choice=chosen(pot))
    actions.make_sheets(viewer=seen_by(clerk), pot_id=pot.pk, key=KEY, count=9, replace=False)
    for made in Code.objects.filter(pot=pot)[:how_many]:
        voter = Voter(f"code:{made.pk}:x", Channel.CODE, code_id=made.pk)
        voting.cast_ballot(viewer=seen_by(None), pot_id=pot.pk, choice=chosen(pot), voter=voter)
    counts.count_closed_pot(pot_id=pot.pk, at=pot.closes_at)
    late = Viewer(authority, None, pot.closes_at + timedelta(hours=1))
    told = queries.result_panel(late, Pot.objects.get(pk=pot.pk))
    assert told == {"loose": how_many, "is_few": how_many < 5}
    page = render_to_string("registers/panel_result.html", told)
    assert ("6 voted with a code" if how_many == 6 else "Fewer than 5 voted") in page
    other = world.a_pot(challenge, reach=Reach.CODES)
    assert queries.result_panel(late, other) is None
