"""The map's pages: everything in words, nothing of fewer than five, the same for everybody but oneself."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import pytest
from django.test import Client

from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority
from commonweal.listen.conversations.models import Conversation
from tests.factories import listen
from tests.listen.test_maps import camps, drawn

pytestmark = pytest.mark.django_db
Visit = Callable[..., object]


@pytest.fixture
def talk(authority: Authority, now: datetime) -> Conversation:
    """Return a conversation in which two camps have spoken, and its map is made."""
    made = listen.a_conversation(authority, statements=24)
    listen.many_votes(made, camps())
    drawn(made, now)
    return made


def test_the_map_says_what_it_shows_in_a_sentence_and_in_a_table(
    visit: Visit, talk: Conversation
) -> None:
    page = visit(f"/listen/{talk.pk}/map/")
    assert "Two groups see it differently." in page.h1[0]
    assert "120 people cast 2,880 votes on 24 statements." in page.text
    assert "Common ground" in page.text
    assert "Group A" in page.text
    assert "<path" in page.html
    assert "A 72 7" in page.text


def test_one_sees_where_one_stands_and_nobody_else_does(
    visit: Visit,
    signed_in: Callable[..., Client],
    talk: Conversation,
    resident: Person,
    client: Client,
) -> None:
    assert "you answered" not in visit(f"/listen/{talk.pk}/map/").text.casefold()
    me = listen.a_participant(talk, resident)
    for statement, value in zip(talk.statements.order_by("number"), camps()[0], strict=True):
        listen.a_vote(me, statement, value)
    page = visit(f"/listen/{talk.pk}/map/", client=signed_in(resident))
    assert "You answered 24." in page.text
    assert "You are nearest group A" in page.text
    assert 'class="you"' in page.html


def test_every_page_of_the_map_opens(visit: Visit, talk: Conversation) -> None:
    for address in (
        "statements/",
        "statements/?sort=divided&group=b",
        "people/",
        "?group=b",
        "?group=x",
        "?weighted=1",
    ):
        visit(f"/listen/{talk.pk}/map/{address}")
    assert "Statement" in visit(f"/listen/{talk.pk}/statements/1/").text
    visit(f"/listen/{talk.pk}/")
