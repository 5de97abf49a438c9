"""When a person may leave."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commonweal.ground.people import queries

if TYPE_CHECKING:
    from commonweal.ground.people.models import Person


def may_leave(person: Person) -> bool:
    """Tell whether every community this person administers has somebody else who does."""
    return not queries.left_without_an_administrator(person)
