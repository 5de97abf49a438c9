"""Ballots that were cast before they had a table of their own come over as they were."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone

BEFORE = [("budgets", "0004_outcome_before_money")]
AFTER = [("ballots", "0002_from_budgets")]


def moved(to: list[tuple[str, str]]) -> Any:
    """Bring the database there, and return the models as they are then."""
    MigrationExecutor(connection).migrate(to)
    return MigrationExecutor(connection).loader.project_state(to).apps


@pytest.fixture
def old(django_db_setup: None, django_db_blocker: Any) -> Iterator[Any]:
    """Return the models as they were, in a database of its own that stands where it stood then."""
    ours = connection.settings_dict["NAME"]
    with django_db_blocker.unblock():
        with connection.cursor() as cursor:
            cursor.execute("DROP DATABASE IF EXISTS moving_ballots")
            cursor.execute("CREATE DATABASE moving_ballots TEMPLATE template0")
        connection.close()
        connection.settings_dict["NAME"] = "moving_ballots"
        try:
            yield moved(BEFORE)
        finally:
            connection.close()
            connection.settings_dict["NAME"] = ours
            with connection.cursor() as cursor:
                cursor.execute("DROP DATABASE moving_ballots")


@pytest.mark.timeout(300)
def test_each_ballot_keeps_its_choice_and_its_receipt_and_an_open_one_its_voter(old: Any) -> None:
    get, at = old.get_model, timezone.now()
    person = get("people", "Person")
    voters = [person.objects.create(email=f"v{n}@example.org") for n in range(3)]
    authority = get("places", "Authority").objects.create(
        name="A", short_name="A", slug="a", run_by="A"
    )
    place = get("places", "Community").objects.create(
        authority=authority, kind="authority", name="A", slug="a"
    )
    organisation = get("places", "Organisation").objects.create(
        authority=authority, kind="council", name="O", slug="o"
    )
    service = get("directory", "Service").objects.create(
        authority=authority,
        community=place,
        provider=organisation,
        name="S",
        slug="s",
        purpose="p",
        for_whom="w",
        where="h",
    )
    challenge = get("challenges", "Challenge").objects.create(
        authority=authority, community=place, service=service, owner=organisation, title="C",
        slug="c", question="?", created_by=voters[0], created_at=at,
    )  # fmt: skip
    get("challenges", "Outcome").objects.create(
        challenge=challenge, statement="s", for_whom="w", measure="m", unit="u"
    )
    pots, chosen = [], {}
    for key in (b"k" * 32, None):
        counted = key is None
        pot = get("budgets", "Pot").objects.create(
            authority=authority, community=place, challenge=challenge, title="P", pence=100,
            opens_at=at - timedelta(9), closes_at=at - timedelta(1), key=b"k" * 32,
            created_at=at, created_by=voters[0],
        )  # fmt: skip
        projects = [
            get("budgets", "Project").objects.create(
                authority=authority, pot=pot, title=f"{n}", summary="x", cost_pence=5
            )
            for n in range(3)
        ]
        for n, voter in enumerate(voters):
            envelope = hmac.digest(b"k" * 32, str(voter.pk).encode(), hashlib.sha256)
            ballot = get("budgets", "Ballot").objects.create(
                id=secrets.randbits(62), pot=pot, envelope=envelope
            )
            get("budgets", "Roll").objects.create(pot=pot, person=voter)
            for project in projects[:n]:
                get("budgets", "Approval").objects.create(pot=pot, ballot=ballot, project=project)
            chosen[pot.pk, voter.pk] = [project.pk for project in projects[:n]]
        if counted:
            get("budgets", "Pot").objects.filter(pk=pot.pk).update(
                key=None, counted_at=at, result={"projects": []}
            )
        pots.append(pot)

    new = moved(AFTER)
    ballot, receipt, roll = (new.get_model("ballots", m) for m in ("Ballot", "Receipt", "Roll"))
    still_open, counted = pots
    receipts = {
        hmac.digest(
            hmac.digest(b"k" * 32, str(voter.pk).encode(), hashlib.sha256),
            b"receipt",
            hashlib.sha256,
        )[:10]
        for voter in voters
    }
    for voter in voters:
        name = f"person:{voter.pk}".encode()
        mine = ballot.objects.get(
            pot_id=still_open.pk, envelope=hmac.digest(b"k" * 32, name, hashlib.sha256)
        )
        assert mine.projects == chosen[still_open.pk, voter.pk]
        assert mine.marks == [1] * len(mine.projects)
    of_open = ballot.objects.filter(pot_id=still_open.pk)
    assert {bytes(b.receipt) for b in of_open} == receipts
    of_counted = ballot.objects.filter(pot_id=counted.pk)
    assert sorted(len(b.projects) for b in of_counted) == [0, 1, 2]
    assert not of_counted.exclude(envelope=None, receipt=None).exists()
    codes = receipt.objects.filter(pot_id=counted.pk).values_list("code", flat=True)
    assert {bytes(code) for code in codes} == receipts
    for pot in pots:
        assert set(roll.objects.filter(pot_id=pot.pk).values_list("person_id", flat=True)) == {
            voter.pk for voter in voters
        }
