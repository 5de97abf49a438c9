"""Nothing that a vote leaves behind tells what somebody chose, nor when: tables, logs, mail, answers."""

from __future__ import annotations

import logging
import re
import threading
import time
from base64 import b32encode
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from commonweal.decide.ballots import actions as voting
from commonweal.decide.ballots.models import Ballot, Roll
from commonweal.decide.ballots.rules import Choice
from commonweal.decide.budgets.models import Pot, Reach
from commonweal.decide.registers import actions as registers
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import RoleKind
from commonweal.ground.places.rules import Viewer
from tests.decide.conftest import numbers
from tests.decide.test_codes import KEY, cast, code, enter
from tests.decide.test_pages import at
from tests.factories import world
from tests.visit import sign_in

pytestmark = pytest.mark.django_db


def everything() -> dict[str, list[str]]:
    """Return every row of every table as text, sessions opened."""
    from django.contrib.sessions.backends.db import SessionStore

    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1")
        tables = [name for (name,) in cursor.fetchall()]
        found = {}
        for name in tables:
            cursor.execute(f'SELECT t::text FROM "{name}" t ORDER BY 1')
            found[name] = [text for (text,) in cursor.fetchall()]
        cursor.execute("SELECT session_data, expire_date FROM django_session ORDER BY 1")
        found["django_session"] = [
            f"{SessionStore().decode(data)} {ends:%Y-%m-%d %H:%M:%S.%f}" for data, ends in cursor
        ]
    return found


def changed(before: dict[str, list[str]], after: dict[str, list[str]]) -> set[str]:
    return {name for name in after if before[name] != after[name]}


Ways = dict[str, Callable[[], tuple[Client, Pot]]]


@pytest.fixture
def ways(challenge, resident, authority, seen_by) -> Ways:
    """Return how somebody comes to stand before a ballot: by account, with a code, as a guest."""
    clerk = world.a_person(world.root(authority), role=RoleKind.CLERK)

    def by_account() -> tuple[Client, Pot]:
        return sign_in(Client(), resident), world.a_pot(challenge)

    def by_code() -> tuple[Client, Pot]:
        pot, client = world.a_pot(challenge, reach=Reach.CODES), Client()
        registers.make_sheets(viewer=seen_by(clerk), pot_id=pot.pk, key=KEY, count=1, replace=False)
        enter(client, code(1))
        return client, pot

    def as_guest() -> tuple[Client, Pot]:
        pot, client = world.a_pot(challenge, reach=Reach.EVERYONE), Client()
        client.post(at("guest", pot))
        return client, pot

    return {"account": by_account, "code": by_code, "guest": as_guest}


@pytest.mark.parametrize("way", ["account", "code", "guest"])
def test_a_vote_leaves_a_ballot_a_line_and_nothing_else_anywhere(way, ways, caplog) -> None:
    client, pot = ways[way]()
    first, second, third = numbers(pot)
    client.get(at("vote", pot))
    before = everything()
    with caplog.at_level(logging.DEBUG):
        answers = [cast(client, pot, [first, third]), client.get(at("receipt", pot))]
        after = everything()
        answers += [cast(client, pot, [second]), client.get(at("receipt", pot))]
    ballot = Ballot.objects.get()
    kept = {"ballots_ballot", "ballots_roll"} - ({"ballots_roll"} if way == "guest" else set())
    in_session = set() if way == "account" else {"django_session"}
    assert changed(before, after) == kept | in_session, "a code's browser notes that it has voted"
    assert changed(after, everything()) == {"ballots_ballot"}, "nothing else knows of a change"
    receipt, envelope = bytes(ballot.receipt or b""), bytes(ballot.envelope or b"")
    secret = [receipt.hex(), envelope.hex(), ballot.code, b32encode(receipt).decode()]
    elsewhere = {name: rows for name, rows in everything().items() if name != "ballots_ballot"}
    told = "\n".join(caplog.messages) + repr([letter.message() for letter in mail.outbox])
    for answer in answers:  # the receipt stands on its page, and in no header, cookie or address
        told += repr(answer.headers) + repr(answer.cookies)
    for word in secret:
        assert [name for name, rows in elsewhere.items() if word in "".join(rows)] == []
        assert word not in told
    assert f"[{second}]" not in told and f"'{second}'" not in told


@pytest.mark.parametrize("way", ["account", "code", "guest"])
def test_no_row_that_a_vote_writes_tells_when_it_was_cast(way, ways, now) -> None:
    """A session ends at the end of a day, so that it does not tell to the second when it was written."""
    client, pot = ways[way]()
    before = everything()
    cast(client, pot, numbers(pot)[:1])
    after = everything()
    new = {row for name in changed(before, after) for row in set(after[name]) - set(before[name])}
    assert new
    hour = f"{now:%Y-%m-%d %H:}"
    assert [row for row in new if hour in row] == []
    for session in after["django_session"]:
        assert session.endswith("23:59:59.000000")


def test_every_answer_around_a_vote_is_kept_by_no_cache_and_names_no_choice(ways) -> None:
    client, pot = ways["account"]()
    chosen = numbers(pot)[:2]
    for answer in (
        client.get(at("vote", pot)), cast(client, pot, chosen), client.get(at("receipt", pot)),
    ):  # fmt: skip
        assert "no-store" in answer["Cache-Control"]
        assert answer["Referrer-Policy"] == "same-origin"
        assert answer.get("Location", at("receipt", pot)) == at("receipt", pot)


@pytest.mark.parametrize("way", ["code", "guest"])
def test_on_a_shared_computer_the_browser_forgets_and_the_vote_stays(way, ways) -> None:
    client, pot = ways[way]()
    first, second, _third = numbers(pot)
    cast(client, pot, [first])
    assert "Forget my ballot here" in client.get(at("receipt", pot)).content.decode()
    before, ballot = client.session.session_key, Ballot.objects.get()
    forget = reverse("ballots:forget", args=[pot.pk])
    assert client.get(forget).status_code == 405
    assert client.post(forget).status_code == 302
    assert client.session.session_key != before and not client.session["voting"]
    text = client.get(at("vote", pot)).content.decode() + repr(client.get(at("receipt", pot)))
    assert ballot.code not in text and "checked" not in text
    cast(client, pot, [second])
    assert [one.projects for one in Ballot.objects.all()] == [[first]]


def test_who_looks_at_what_the_database_runs_sees_no_choice(
    transactional_db, challenge, community, authority, now
) -> None:
    """A vote that has to wait is on show there, and what fails or dies goes into the log as it is shown."""
    pot, person = world.a_pot(challenge), world.a_person(community)
    first, second, _third = numbers(pot)

    def viewer() -> Viewer:
        return Viewer(authority, Person.objects.get(pk=person.pk), now)

    def vote() -> None:
        try:
            voting.cast_ballot(viewer=viewer(), pot_id=pot.pk, choice=Choice.of([second]))
        finally:
            connection.close()

    with transaction.atomic():
        voting.cast_ballot(viewer=viewer(), pot_id=pot.pk, choice=Choice.of([first]))
        thread = threading.Thread(target=vote)
        thread.start()
        shown = waiting()
    thread.join(30)
    assert "ON CONFLICT (pot_id, envelope)" in shown
    assert "$1" in shown, "values go apart from the text"
    assert set(re.findall(r"(?<![$\w])\d+", shown)) <= {"0", "1"}, "our own figures alone"
    assert pot.envelope_of(person).hex() not in shown
    assert Ballot.objects.get().projects == [second]
    assert Roll.objects.count() == 1


def waiting() -> str:
    """Return the statement that waits for us, as an administrator sees it."""
    for _turn in range(200):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_clear_snapshot()")
            cursor.execute(
                "SELECT query FROM pg_stat_activity"
                " WHERE wait_event_type = 'Lock' AND pid <> pg_backend_pid()"
            )
            found: Any = cursor.fetchone()
            if found:
                return str(found[0])
        time.sleep(0.02)
    raise AssertionError("no statement waits")
