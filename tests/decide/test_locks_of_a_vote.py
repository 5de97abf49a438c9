"""What a vote holds until it is in: one shared lock on its pot, and no row that others wait for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from commonweal.decide.ballots import actions
from commonweal.decide.ballots.models import Ballot
from commonweal.decide.ballots.queries import Voter
from commonweal.decide.ballots.rules import Choice
from commonweal.decide.budgets.models import Pot
from commonweal.ground.people.models import Person
from tests.decide.conftest import numbers
from tests.factories import world

CALM = {"AccessShareLock", "RowShareLock", "RowExclusiveLock"}  # of tables: many hold them at once


@pytest.fixture
def beside(transactional_db: None) -> Iterator[BaseDatabaseWrapper]:
    """Return a second connection, which sees only what is committed."""
    connection.ensure_connection()
    other = connection.copy()
    yield other
    other.close()


@pytest.fixture
def rosa(beside: Any, community: Any) -> Person:
    return world.a_person(community, name="Rosa")


@pytest.fixture
def vote(rosa: Person, pot: Pot, seen_by: Any) -> Callable[[], Ballot]:
    """Return a function that casts Rosa's ballot."""

    def cast() -> Ballot:
        choice = Choice.of(numbers(pot)[:2])
        return actions.cast_ballot(viewer=seen_by(rosa), pot_id=pot.pk, choice=choice)

    return cast


def held(beside: BaseDatabaseWrapper, lock: str) -> dict[str, int]:
    """Return how many rows of each table somebody could not lock so without waiting."""
    found = {}
    with beside.cursor() as cursor:
        for table in beside.introspection.table_names(cursor):
            free = f'SELECT count(*) FROM (SELECT 1 FROM "{table}" FOR {lock} SKIP LOCKED) AS free'
            cursor.execute(f'SELECT count(*), ({free}) FROM "{table}"')
            many, left = cursor.fetchone()
            if many != left:
                found[table] = many - left
    return found


def test_a_first_vote_holds_one_row_and_shares_it(beside, vote) -> None:
    with transaction.atomic():
        vote()
        assert held(beside, "UPDATE") == {"budgets_pot": 1}
        assert held(beside, "NO KEY UPDATE") == {}  # shared: nobody waits but who seals the pot
        with connection.cursor() as cursor:  # what the commit looks up: that pot and voter exist
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        assert held(beside, "UPDATE") == {"budgets_pot": 1, "people_person": 1}
        assert held(beside, "NO KEY UPDATE") == {}
    assert held(beside, "UPDATE") == {}


def test_a_changed_vote_holds_its_own_ballot_alone(beside, vote) -> None:
    vote()
    with transaction.atomic():
        vote()
        assert held(beside, "NO KEY UPDATE") == {"ballots_ballot": 1}
        assert held(beside, "UPDATE") == {"ballots_ballot": 1, "budgets_pot": 1}


def test_a_counter_on_the_pot_would_be_noticed(beside, vote, monkeypatch) -> None:
    """Careless code counts on a row that every vote writes: then all wait for one another."""
    real = actions._in_the_box

    def counting(pot: Pot, voter: Voter, choice: Choice) -> Ballot:
        Pot.objects.filter(pk=pot.pk).update(counted_at=None)
        return real(pot, voter, choice)

    monkeypatch.setattr(actions, "_in_the_box", counting)
    with transaction.atomic():
        vote()
        assert held(beside, "NO KEY UPDATE") == {"budgets_pot": 1}


def test_a_vote_takes_no_lock_on_a_table_that_others_feel(beside, vote) -> None:
    with transaction.atomic():
        vote()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT locktype, mode FROM pg_locks WHERE pid = pg_backend_pid() AND granted"
            )
            locks = cursor.fetchall()
    kinds = {kind for kind, _mode in locks}
    assert kinds <= {"relation", "transactionid", "virtualxid"}  # no tuple, page or advisory lock
    assert {mode for kind, mode in locks if kind == "relation"} <= CALM


def test_the_database_keeps_a_vote_planned_and_outlives_a_new_column(beside, vote) -> None:
    for _ in range(8):
        vote()
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement FROM pg_prepared_statements")
        kept = "\n".join(statement for (statement,) in cursor.fetchall())
        assert "FOR KEY SHARE OF pot" in kept
        assert "INSERT INTO ballots_ballot" in kept
    with beside.cursor() as cursor:
        cursor.execute("ALTER TABLE budgets_pot ADD COLUMN added integer")
        try:
            assert vote().projects
        finally:
            cursor.execute("ALTER TABLE budgets_pot DROP COLUMN added")
