"""Maps: worked out in the background from votes alone, whatever people say."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest

from commonweal.ground.places.models import Authority
from commonweal.listen.conversations.models import Conversation, DetailChoice, State, Statement
from commonweal.listen.maps import actions, queries
from commonweal.listen.maps.models import Finding, Map
from commonweal.listen.voices.models import DetailAnswer, Routing, Showing
from tests.factories import listen

pytestmark = pytest.mark.django_db
Table = list[list[int | None]]


def camps(people: int = 60, statements: int = 12, *, seed: int = 1) -> Table:
    """Return votes of two camps that differ on all but the last quarter of the statements."""
    rng = np.random.default_rng(seed)
    side = np.where(np.arange(people) < 0.6 * people, 1, -1)[:, None]
    agrees = side * np.where(np.arange(statements) % 2, 1, -1)
    agrees[:, 3 * statements // 4 :] = 1
    flips = rng.random((people, statements)) < 0.08
    table = np.where(flips, -agrees, agrees)
    return [[int(v) for v in row] for row in table]


def drawn(conversation: Conversation, at: datetime) -> Map:
    """Work the map out and return it."""
    assert actions.refresh_map(conversation_id=conversation.pk, at=at)
    return Map.objects.get(conversation=conversation)


@pytest.fixture
def talk(authority: Authority) -> Conversation:
    """Return a conversation in which two camps have spoken."""
    made = listen.a_conversation(authority, statements=12)
    listen.many_votes(made, camps())
    return made


def test_two_camps_are_found_and_everything_is_kept_ready(
    talk: Conversation, now: datetime
) -> None:
    found = drawn(talk, now)
    assert (found.people, found.votes, found.statements, found.groups) == (60, 720, 12, 2)
    assert found.is_clear
    assert [size["people"] for size in found.told["sizes"]] == [36, 24]
    assert found.told["drawing"]["kind"] in {"plane", "line"}
    assert found.told["lists"]["common_ground"]
    assert found.told["lists"]["dividing"]
    assert Finding.objects.filter(statement__conversation=talk).count() == 12
    assert Routing.objects.get(conversation=talk).arrays
