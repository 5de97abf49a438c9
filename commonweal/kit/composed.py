"""Queries that Django composes once a process: asked again, only their values change."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from decimal import Decimal
from functools import cache, wraps
from inspect import signature
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import (
    BinaryField,
    BooleanField,
    Expression,
    F,
    Func,
    Model,
    QuerySet,
    TextField,
)

if TYPE_CHECKING:
    from django.db.models.sql.compiler import SQLCompiler

Row = TypeVar("Row", bound=Model)


class Slot(Expression):
    """The place of a value that is known only when the query is asked."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def as_sql(self, compiler: SQLCompiler, connection: Any) -> tuple[str, tuple[Slot]]:  # type: ignore[override]
        """Return a placeholder with the slot itself as its parameter."""
        return "%s", (self,)


def hand(things: Iterable[Model], name: str, rows: Iterable[Any]) -> None:
    """Give things the rows that stand under them, read already: ``prefetch_related`` composes anew.

    ``name`` is what the things call these rows, which stay in the order they come in.
    """
    found = list(rows)
    for thing in things:
        link: Any = thing._meta.get_field(name).remote_field
        mine = [row for row in found if getattr(row, link.attname) == thing.pk]
        for row in mine:
            setattr(row, link.name, thing)
        held: QuerySet[Any] = link.model._default_manager.all()
        held._result_cache, held._prefetch_done = mine, True  # type: ignore[attr-defined]
        thing.__dict__.setdefault("_prefetched_objects_cache", {})[name] = held


def as_json(model: type[Model], alias: str) -> str:
    """Return the SQL of a table's row as ``rebuilt`` reads it: rows of many kinds fit one question.

    What the database derives, and bytes, are left out: they are read where they are asked for.
    """
    left_out = [f.column for f in model._meta.concrete_fields if _is_left_out(f)]
    return f"to_jsonb({alias})" + "".join(f" - '{column}'" for column in left_out)


def rebuilt(model: type[Row], row: str | None) -> Row | None:
    """Build a row of a model from what ``as_json`` told of it; nothing where a join found none."""
    return None if row is None else _built(model, json.loads(row, parse_float=Decimal))


def rebuilt_all(model: type[Row], rows: str) -> list[Row]:
    """Build the rows of which ``rows_under`` told."""
    return [_built(model, told) for told in json.loads(rows, parse_float=Decimal)]


def rows_under(model: type[Model], link: str, order: str) -> Func:
    """Return the rows of a table that point at a row, as one more column of that row."""
    table, row = model._meta.db_table, as_json(model, "under")
    column = {field.name: field.column for field in model._meta.concrete_fields}[link]
    ordered = ", ".join(f"under.{name}" for name in order.split())
    return Func(
        F("pk"),
        template=f"(SELECT coalesce(jsonb_agg({row} ORDER BY {ordered}), '[]')::text"  # noqa: S608 - our own tables
        f" FROM {table} under WHERE under.{column} = %(expressions)s)",
        output_field=TextField(),
    )


def _built(model: type[Row], told: Mapping[str, Any]) -> Row:
    fields = [(f, str(f.column)) for f in model._meta.concrete_fields if f.column in told]
    values = [field.to_python(told[column]) for field, column in fields]
    return model.from_db(DEFAULT_DB_ALIAS, [field.attname for field, _column in fields], values)


def _is_left_out(field: Any) -> bool:
    return bool(field.generated) or isinstance(field, BinaryField)


def among(column: str, values: Any) -> Func:
    """Return the condition that a column holds one of the values in a slot: ``__in`` needs to see them."""
    return Func(
        F(column), values, template="%(expressions)s)", arg_joiner=" = ANY (",
        output_field=BooleanField(),
    )  # fmt: skip


@dataclass(frozen=True)
class Plan(Generic[Row]):
    """A query as Django composed it, ready to be asked with other values."""

    rows: QuerySet[Row]
    compiler: SQLCompiler
    sql: str
    places: tuple[Any, ...]

    @classmethod
    def of(cls, rows: QuerySet[Row]) -> Plan[Row]:
        """Compose a query; how its columns are read is settled with it."""
        compiler = rows.query.get_compiler(DEFAULT_DB_ALIAS)
        sql, places = compiler.as_sql()
        columns = [column for column, *_how in compiler.select[: compiler.col_count]]
        converters = compiler.get_converters(columns)
        compiler.get_converters = lambda _columns: converters
        return cls(rows, compiler, sql, tuple(places))

    def given(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        """Return the parameters, with a value in every slot."""
        return tuple(values[at.name] if isinstance(at, Slot) else at for at in self.places)

    def read(self, values: Mapping[str, Any], part: str = "") -> list[Row]:
        """Return the rows, or a part of them."""
        asked = self.sql + part, self.given(values)
        ready = copy(self.compiler)
        ready.connection = connections[DEFAULT_DB_ALIAS]
        ready.as_sql = lambda *_how, **_named: asked  # type: ignore[method-assign]
        rows = self.rows.all()
        rows.query.get_compiler = lambda *_how, **_named: ready  # type: ignore[method-assign]
        return list(rows)


class Rows(Sequence[Row]):
    """The rows that a composed query finds, for a paginator: counted, and read by the page."""

    def __init__(self, whole: Plan[Row], counted: Plan[Row], values: Mapping[str, Any]) -> None:
        self.whole, self.counted, self.values = whole, counted, values

    def __len__(self) -> int:
        with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
            sql = f"SELECT count(*) FROM ({self.counted.sql}) AS counted"  # noqa: S608 (Django's)
            cursor.execute(sql, self.counted.given(self.values))
            (number,) = cursor.fetchone()
        return int(number)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.whole.read(self.values))

    @overload
    def __getitem__(self, part: int) -> Row: ...

    @overload
    def __getitem__(self, part: slice) -> list[Row]: ...

    def __getitem__(self, part: int | slice) -> Row | list[Row]:
        if isinstance(part, int):
            return self[part : part + 1][0]
        most, first = part.stop - part.start, part.start
        return self.whole.read(self.values, f" LIMIT {most:d} OFFSET {first:d}")


def composed(build: Callable[..., QuerySet[Row]]) -> Callable[..., list[Row]]:
    """Turn a function that builds a query into one that answers it, composed the first time.

    The function may hand its arguments to filters and expressions and must not look at them: they
    are slots. Composing is most of what a short query costs the web process.
    """

    @cache
    def plan() -> Plan[Row]:
        return Plan.of(build(**_slots(build)))

    @wraps(build)
    def answer(**values: Any) -> list[Row]:
        return plan().read(values)

    return answer


def in_pages(build: Callable[..., QuerySet[Row]]) -> Callable[..., Rows[Row]]:
    """Turn a function that builds a query into one whose rows are read by the page."""

    @cache
    def plans() -> tuple[Plan[Row], Plan[Row]]:
        rows = build(**_slots(build))
        return Plan.of(rows), Plan.of(rows.select_related(None).order_by().values("pk"))  # type: ignore[arg-type]

    @wraps(build)
    def answer(**values: Any) -> Rows[Row]:
        return Rows(*plans(), values)

    return answer


def counted_by(
    column: str,
) -> Callable[[Callable[..., QuerySet[Any]]], Callable[..., dict[Any, int]]]:
    """Turn a function that builds a query into one that counts its rows by a column it adds to them."""

    def turn(build: Callable[..., QuerySet[Any]]) -> Callable[..., dict[Any, int]]:
        @cache
        def plan() -> Plan[Any]:
            return Plan.of(build(**_slots(build)))

        @wraps(build)
        def answer(**values: Any) -> dict[Any, int]:
            rows = plan()
            sql = f'SELECT "{column}", count(*) FROM ({rows.sql}) AS counted GROUP BY 1'  # noqa: S608 (Django's)
            with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
                cursor.execute(sql, rows.given(values))
                return dict(cursor.fetchall())

        return answer

    return turn


def _slots(build: Callable[..., Any]) -> dict[str, Slot]:
    return {name: Slot(name) for name in signature(build).parameters}
