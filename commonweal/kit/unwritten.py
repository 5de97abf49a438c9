"""A cursor for statements whose values are to stand in no log of the database.

As a rule Django writes values into the statement's text before it is sent. PostgreSQL shows that text
to whoever looks at what runs now, and copies it into its log when the statement fails, is slow, or dies
with its process. Sent apart from the text, values are shown to nobody and logged only where somebody
asked for that (``log_parameter_max_length``).

A text that is always the same is also planned once a connection, not once a vote: planning the
statement that brings all a vote has to know took longer than all the rest of its work.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.backends.utils import CursorWrapper
from django.db.models import Model
from django.db.models.query import RawQuerySet
from django.db.models.sql import RawQuery

Row = TypeVar("Row", bound=Model)


@contextmanager
def unwritten() -> Iterator[CursorWrapper]:
    """Return a cursor that sends values apart from the statement."""
    with _cursor() as cursor:
        yield cursor


def unwritten_rows(model: type[Row], sql: str, values: Sequence[Any]) -> RawQuerySet[Row]:
    """Return the rows of a statement, as ``raw`` does, with the values sent apart from it."""
    query: Any = _Unwritten(sql, DEFAULT_DB_ALIAS, tuple(values))
    return RawQuerySet(sql, model=model, query=query, params=tuple(values))


class _Unwritten(RawQuery):
    def _execute_query(self) -> None:
        self.cursor = _cursor()
        self.cursor.execute(self.sql, self.params)


def _cursor() -> CursorWrapper:
    connection.ensure_connection()
    if connection.queries_logged:
        return connection.make_debug_cursor(_Told(connection.connection))
    return connection.make_cursor(cast(Any, ServerBindingCursor)(connection.connection))


class _Told(cast(Any, ServerBindingCursor)):  # type: ignore[misc]
    """A cursor whose statements Django can keep when asked to: of a prepared one there is no text."""

    def execute(self, query: Any, params: Any = None, **how: Any) -> Any:
        return super().execute(query, params, **{**how, "prepare": False})
