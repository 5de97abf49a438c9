"""Queries that Django composes once a process: asked again, only their values change."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from functools import cache, wraps
from inspect import signature
from typing import TYPE_CHECKING, Any, TypeVar

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


def among(column: str, values: Any) -> Func:
    """Return the condition that a column holds one of the values in a slot: ``__in`` needs to see them."""
    return Func(
        F(column), values, template="%(expressions)s)", arg_joiner=" = ANY (",
        output_field=BooleanField(),
    )  # fmt: skip


def composed(build: Callable[..., QuerySet[Row]]) -> Callable[..., list[Row]]:
    """Turn a function that builds a query into one that answers it, composed the first time.

    The function may hand its arguments to filters and expressions and must not look at them: they
    are slots. Composing is most of what a short query costs the web process.
    """
    slots = {name: Slot(name) for name in signature(build).parameters}

    @cache
    def plan() -> tuple[QuerySet[Row], SQLCompiler, str, tuple[Any, ...]]:
        rows = build(**slots)
        compiler = rows.query.get_compiler(DEFAULT_DB_ALIAS)
        sql, places = compiler.as_sql()
        columns = [column for column, *_how in compiler.select[: compiler.col_count]]
        converters = compiler.get_converters(columns)
        compiler.get_converters = lambda _columns: converters
        return rows, compiler, sql, tuple(places)

    @wraps(build)
    def answer(**values: Any) -> list[Row]:
        rows, compiler, sql, places = plan()
        given = tuple(values[at.name] if isinstance(at, Slot) else at for at in places)
        ready = copy(compiler)
        ready.connection = connections[DEFAULT_DB_ALIAS]
        ready.as_sql = lambda *_how, **_named: (sql, given)  # type: ignore[method-assign]
        asked = rows.all()
        asked.query.get_compiler = lambda *_how, **_named: ready  # type: ignore[method-assign]
        return list(asked)

    return answer
