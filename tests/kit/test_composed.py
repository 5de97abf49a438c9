"""Queries that are composed once a process."""

from typing import Any

import pytest
from django.core.paginator import Paginator
from django.db import connection
from django.db.models import F, QuerySet
from django.test.utils import CaptureQueriesContext

from commonweal.ground.people.models import Person
from commonweal.kit.composed import among, composed, counted_by, in_pages

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> list[Person]:
    return [Person.objects.create(email=f"{name.lower()}@example.org", name=name) for name in "ABC"]


@composed
def called(name: Any) -> QuerySet[Person]:
    return Person.objects.filter(name=name).order_by("pk")


@composed
def numbered(numbers: Any) -> QuerySet[Person]:
    return Person.objects.filter(among("pk", numbers)).order_by("-pk")[:2]


def test_each_question_is_answered_with_its_own_values(people: list[Person]) -> None:
    assert called(name="A") == people[:1]
    assert called(name="B") == people[1:2]
    assert called(name="nobody") == []


def test_an_answer_is_never_kept(people: list[Person]) -> None:
    called(name="A")
    Person.objects.filter(pk=people[0].pk).update(name="B")
    assert called(name="A") == []
    assert called(name="B") == people[:2]


def test_values_reach_the_database_as_values(people: list[Person]) -> None:
    assert called(name="' OR true --") == []


def test_a_slot_may_hold_several_values_or_none(people: list[Person]) -> None:
    assert numbered(numbers=[person.pk for person in people]) == [people[2], people[1]]
    assert numbered(numbers=[people[0].pk]) == people[:1]
    assert numbered(numbers=[]) == []


def test_a_query_is_composed_once(people: list[Person]) -> None:
    built = []

    @composed
    def counted(name: Any) -> QuerySet[Person]:
        built.append(name)
        return Person.objects.filter(name=name)

    with CaptureQueriesContext(connection) as asked:
        assert [counted(name=name) for name in "AB"] == [people[:1], people[1:2]]
    assert len(built) == 1
    assert len(asked) == 2


def test_a_value_that_is_missing_is_refused() -> None:
    with pytest.raises(KeyError, match="name"):
        called()


@in_pages
def from_on(name: Any) -> QuerySet[Person]:
    return Person.objects.filter(name__gte=name).order_by("name")


def test_pages_are_counted_and_read_one_by_one(people: list[Person]) -> None:
    assert len(from_on(name="B")) == 2
    assert list(from_on(name="B")) == people[1:]
    assert from_on(name="A")[1] == people[1]
    pages = Paginator(from_on(name="A"), 2)
    assert pages.count == 3
    with CaptureQueriesContext(connection) as asked:
        assert list(pages.get_page(2)) == people[2:]
    assert len(asked) == 1
    assert list(pages.get_page(99)) == people[2:]
    assert list(Paginator(from_on(name="Z"), 2).get_page(1)) == []


@counted_by("kind")
def by_kind(name: Any) -> QuerySet[Person]:
    return Person.objects.exclude(name=name).annotate(kind=F("is_active")).only("pk").order_by()


def test_rows_are_counted_by_what_a_query_says_of_them(people: list[Person]) -> None:
    Person.objects.filter(name="C").update(is_active=False)
    assert by_kind(name="nobody") == {True: 2, False: 1}
    assert by_kind(name="C") == {True: 2}
    assert by_kind(name="' OR true --") == {True: 2, False: 1}
