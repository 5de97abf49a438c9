"""Takes away what PostgreSQL's files still hold of rows that are deleted or changed.

A deleted row stays in its table's file until something else is written there, and every change stands
in the write-ahead log. Whoever can read the files reads both.
"""

import time
from collections.abc import Sequence
from typing import Any

from django.db import connection

PATIENCE = 5  # seconds to wait for others' statements; meanwhile whoever comes waits behind us

_READERS = """
SELECT pid, backend_xmin::text, xact_start FROM pg_stat_activity
 WHERE backend_xmin IS NOT NULL AND pid <> pg_backend_pid() AND datname = current_database()
"""


class StillRead(Exception):
    """A transaction that began before still sees the deleted rows, so they cannot be taken away."""


def wipe(tables: Sequence[str]) -> bool:
    """Write these tables' files anew with the rows that live, and begin the write-ahead log anew.

    Runs outside any transaction; to run twice does no harm. Raises ``StillRead`` while an older
    transaction lasts. Returns whether the log could be begun anew: a database that is not our own
    may forbid that, and then the log goes in time, or by the hand of its administrator.
    """
    with connection.cursor() as cursor:
        _await_readers(cursor)
        cursor.execute("SELECT set_config('lock_timeout', %s, false)", [f"{PATIENCE}s"])
        try:
            for table in tables:
                cursor.execute(f"VACUUM (FULL, ANALYZE) {connection.ops.quote_name(table)}")
        finally:
            cursor.execute("RESET lock_timeout")
        return _begin_log_anew(cursor)


def _await_readers(cursor: Any) -> None:
    """Wait until everybody who reads now has done so: what they may still see is kept in the file."""
    cursor.execute(_READERS)
    readers, deadline = set(cursor.fetchall()), time.monotonic() + PATIENCE
    while readers:
        if time.monotonic() > deadline:
            raise StillRead
        time.sleep(0.05)
        cursor.execute(_READERS)
        readers &= set(cursor.fetchall())


def _begin_log_anew(cursor: Any) -> bool:
    """Have the log's old files removed. The second checkpoint finds those that the first was in."""
    cursor.execute(
        "SELECT pg_has_role(current_user, 'pg_checkpoint', 'USAGE')"
        " AND has_function_privilege('pg_switch_wal()', 'EXECUTE')"
    )
    may: bool = cursor.fetchone()[0]
    if may:
        for _turn in range(2):
            cursor.execute("SELECT pg_switch_wal()")
            cursor.execute("CHECKPOINT")
    return may
