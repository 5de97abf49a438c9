"""A page of a result reads what the count has kept: two hundred thousand ballots cost it nothing more."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from commonweal.decide.ballots.models import readable
from commonweal.decide.budgets.models import Pot
from commonweal.decide.counts import actions as counts
from commonweal.decide.counts import queries
from commonweal.decide.counts.models import Bundle
from commonweal.engine.voting.bundle_receipts import leads_to, tree_of
from commonweal.ground.challenges.models import Challenge
from tests.decide.crowd import vote_for
from tests.factories import world

pytestmark = pytest.mark.django_db
BALLOTS = 200_000


@pytest.fixture
def large(challenge: Challenge, community: Any, now: datetime) -> tuple[Pot, list[str]]:
    """Return a counted pot with forty projects as it is after so many ballots, and its receipts."""
    past = {"opens_at": now - timedelta(days=9), "closes_at": now - timedelta(days=1)}
    pot = world.a_pot(
        challenge, pence=400_000_00, costs=tuple(1_000_00 * n for n in range(1, 41)), **past
    )
    vote_for(pot, community, 60)
    pot = counts.count_closed_pot(pot_id=pot.pk, at=now)
    assert pot.result is not None
    for line in pot.result["projects"]:
        line["votes"] *= BALLOTS // 60
    pot.result["voters"] = BALLOTS
    pot.save(update_fields=["result"])
    receipts = sorted(readable(secrets.token_bytes(10)) for _ballot in range(BALLOTS))
    tree = tree_of(receipts)
    Bundle.objects.filter(pot=pot).update(
        receipts=BALLOTS,
        content=secrets.token_bytes(8_000_000),
        codes=b"".join(map(queries.code_of, receipts)),
        tree=tree,
        root=tree[-32:].hex(),
    )
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ballots_receipt (id, pot_id, code)"
            " SELECT n, %s, substr(codes, (n::int - 1) * 10 + 1, 10)"
            " FROM counts_bundle, generate_series(1, %s) n WHERE pot_id = %s",
            [pot.pk, BALLOTS, pot.pk],
        )
    return pot, receipts


def cost(ask: Callable[[], Any]) -> tuple[float, int]:
    """Return the least processor time of some tries in milliseconds, and the most statements."""
    ask()
    taken, asked = [], []
    for _try in range(5):
        with CaptureQueriesContext(connection) as seen:
            begun = time.process_time()
            ask()
            taken.append(1_000 * (time.process_time() - begun))
        asked.append(len(seen))
    return min(taken), max(asked)


def test_the_pages_of_a_large_count_cost_at_most_fifteen_milliseconds(
    large: tuple[Pot, list[str]], client: Client
) -> None:
    pot, receipts = large
    for name in ("result", "check", "table"):
        address = reverse(f"counts:{name}", args=[pot.pk])
        assert client.get(address).status_code == 200
        milliseconds, statements = cost(lambda address=address: client.get(address))  # type: ignore[misc]
        assert statements <= 12, name
        assert milliseconds <= 15, name
    for address in (
        f"/api/pots/{pot.pk}/result",
        f"/api/pots/{pot.pk}/bundle",
        f"/api/pots/{pot.pk}/receipts?page=900",
        f"/api/pots/{pot.pk}/receipts/{receipts[123_456]}",
    ):
        assert client.get(address).status_code == 200
        milliseconds, statements = cost(lambda address=address: client.get(address))  # type: ignore[misc]
        assert statements <= 12, address
        assert milliseconds <= 15, address
    root = Bundle.objects.get(pot=pot).root
    for place in (0, 1, 77_777, BALLOTS - 1):
        told = client.get(f"/api/pots/{pot.pk}/receipts/{receipts[place]}").json()
        assert (told["place"], told["of"]) == (place, BALLOTS)
        assert leads_to(receipts[place], place, BALLOTS, told["path"]) == root
