"""PostgreSQL's COPY straight into arrays."""

from collections.abc import Sequence
from typing import cast

import numpy as np
from django.db import connection
from numpy.typing import NDArray
from psycopg import ClientCursor

_HEADER = 19  # signature, flags and length of the extension area, which PostgreSQL leaves empty
_TRAILER = 2


def copy_out(sql: str, params: Sequence[int], *, columns: int = 2) -> NDArray[np.int64]:
    """Return the rows of a query as an int64 array of shape (rows, columns).

    Every column of the query has to be a ``bigint`` and never null; ``ValueError`` otherwise. The
    rows arrive as COPY's binary form, one block of bytes that numpy reads without looking at rows
    one by one.
    """
    with connection.cursor() as wrapped:
        cursor = cast("ClientCursor[tuple[int, ...]]", wrapped.cursor)
        with cursor.copy(f"COPY ({sql}) TO STDOUT (FORMAT BINARY)", params) as copy:
            content = b"".join(copy)
    fields = [("fields", ">i2")]
    for number in range(columns):
        fields += [(f"length{number}", ">i4"), (f"value{number}", ">i8")]
    row = np.dtype(fields)
    body = len(content) - _HEADER - _TRAILER
    if body % row.itemsize:
        raise ValueError("a row is not made of whole bigints")
    rows = np.frombuffer(content, dtype=row, count=body // row.itemsize, offset=_HEADER)
    whole = rows["fields"] == columns
    table = np.empty((len(rows), columns), dtype=np.int64)
    for number in range(columns):
        whole &= rows[f"length{number}"] == 8
        table[:, number] = rows[f"value{number}"]
    if not whole.all():
        raise ValueError("a row is not made of whole bigints")
    return table
