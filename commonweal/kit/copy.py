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


_ARRAY = np.dtype([("dimensions", ">i4"), ("has_null", ">i4"), ("kind", ">i4"), ("length", ">i4"), ("from", ">i4")])  # fmt: skip
_ENTRY = np.dtype([("length", ">i4"), ("value", ">i8")])
_BIGINT = 20  # what PostgreSQL calls the type


def copy_grouped(sql: str, params: Sequence[int], *, columns: int) -> NDArray[np.int64]:
    """Return the rows of a query that hands them out in groups, as an int64 array.

    The query's first column is a ``bigint``, and each of the others a ``bigint[]`` of the same length
    (``array_agg``); of the result the first column is repeated for each row of its group. Millions of
    rows arrive as a few thousand messages, so Python looks at none of them. ``ValueError`` if a column
    is something else.
    """
    with connection.cursor() as wrapped:
        cursor = cast("ClientCursor[tuple[int, ...]]", wrapped.cursor)
        with cursor.copy(f"COPY ({sql}) TO STDOUT (FORMAT BINARY)", params) as copy:
            content = b"".join(copy)
    groups, at = [], _HEADER
    while int.from_bytes(content[at : at + 2], signed=True) != -1:
        fields, size = (
            np.frombuffer(content, ">i2", 1, at)[0],
            np.frombuffer(content, ">i4", 1, at + 2)[0],
        )
        if fields != columns or size != 8:
            raise ValueError("a row does not begin with a bigint, or has other columns")
        key = np.frombuffer(content, ">i8", 1, at + 6)[0]
        at += 14
        parts = []
        for _ in range(columns - 1):
            size = int(np.frombuffer(content, ">i4", 1, at)[0])
            parts.append(_entries(content, at + 4, size))
            at += 4 + max(size, 0)
        groups.append(np.column_stack([np.full(len(parts[0]), key), *parts]))
    return np.concatenate(groups).astype(np.int64) if groups else np.empty((0, columns), np.int64)


def _entries(content: bytes, at: int, size: int) -> NDArray[np.int64]:
    """Read one array of bigints that begins there."""
    head = np.frombuffer(content, _ARRAY, 1, at)[0] if size >= _ARRAY.itemsize else None
    if head is None or head["dimensions"] != 1 or head["has_null"] or head["kind"] != _BIGINT:
        raise ValueError("a column is no array of whole bigints")
    found = np.frombuffer(content, _ENTRY, int(head["length"]), at + _ARRAY.itemsize)
    return found["value"].astype(np.int64)
