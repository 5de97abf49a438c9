"""What every operation of the read API shares: pages of rows, and problems in words."""

from typing import Any, Generic, TypeVar
from urllib.parse import urlencode

from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest
from ninja import Field, Schema
from ninja.params import Query, functions

T = TypeVar("T")
M = TypeVar("M", bound=Model)


class Problem(Schema):
    """What is wrong, and how to mend it."""

    wrong: str
    mend: str


class NotHere(Http404):
    """Nothing public is here, for a reason that may be told: what is wrong, and how to mend it."""

    def __init__(self, wrong: str, mend: str) -> None:
        super().__init__(wrong)
        self.problem = Problem(wrong=wrong, mend=mend)


class Paging(Schema):
    """Which page of a list, and how long a page is."""

    page: int = Field(1, ge=1, le=1_000_000, description="Which page, from 1.")
    size: int = Field(30, ge=1, le=200, description="How many rows a page holds.")


class Page(Schema, Generic[T]):
    """A page of rows, how many there are in all, and where the neighbours are."""

    items: list[T]
    count: int
    next: str | None
    previous: str | None


PROBLEMS = {404: Problem, 405: Problem, 422: Problem}
Pages = Query[Paging]
# What the database cannot hold (a NUL, a number of thirty digits) is refused before it is asked.
SLUG = r"^[-a-zA-Z0-9_]+$"
Slug: str = functions.Path(..., pattern=SLUG, max_length=80)
Number: int = functions.Path(..., ge=1, le=2**63 - 1)


def page_of(request: HttpRequest, rows: QuerySet[M], paging: Paging) -> dict[str, Any]:
    """Return one page of rows in the form of ``Page``; a page past the end is empty."""
    count = rows.count()
    first = (paging.page - 1) * paging.size
    return {
        "items": list(rows[first : first + paging.size]) if first < count else [],
        "count": count,
        "next": _address(request, paging.page + 1) if first + paging.size < count else None,
        "previous": _address(request, paging.page - 1) if paging.page > 1 else None,
    }


def _address(request: HttpRequest, page: int) -> str:
    query = {**request.GET.dict(), "page": page}
    return request.build_absolute_uri(f"{request.path}?{urlencode(query)}")
