"""Queries that Django composes once a process: asked again, only their values change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import cache, wraps
from inspect import signature
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import BooleanField, Expression, F, Func, Model, QuerySet

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


def _slots(build: Callable[..., Any]) -> dict[str, Slot]:
    return {name: Slot(name) for name in signature(build).parameters}
