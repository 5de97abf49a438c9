"""A cursor for statements whose values are to stand in no log of the database.

As a rule Django writes values into the statement's text before it is sent. PostgreSQL shows that text
to whoever looks at what runs now, and copies it into its log when the statement fails, is slow, or dies
with its process. Sent apart from the text, values are shown to nobody and logged only where somebody
asked for that (``log_parameter_max_length``).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

from django.db import connection
from django.db.backends.postgresql.base import ServerBindingCursor
from django.db.backends.utils import CursorWrapper


@contextmanager
def unwritten() -> Iterator[CursorWrapper]:
    """Return a cursor that sends values apart from the statement."""
    connection.ensure_connection()
    cursor: Any = cast(Any, ServerBindingCursor)(connection.connection)
    wrap = connection.make_debug_cursor if connection.queries_logged else connection.make_cursor
    with wrap(cursor) as wrapped:
        yield wrapped
