"""Many hands at once: one person is one voice, and nothing lands where it must not."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone

from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority
from commonweal.ground.places.rules import Viewer
from commonweal.kit.clock import database_now
from commonweal.listen.conversations.models import (
    Conversation,
    Moderation,
    Participant,
    State,
    Statement,
)
from commonweal.listen.voices import actions, queries
from commonweal.listen.voices.models import Showing, Value
from tests.factories import world
from tests.factories.listen import a_conversation, a_participant, a_vote

HANDS = 12
MARK = "0123456789abcdef" * 2
ANYWHERE = actions.Network(b"n" * 32, {"guest": 999, "statement": 999, "report": 999})
Race = Callable[[list[Callable[[], Any]]], list[Any]]


@pytest.fixture
def race(transactional_db: None) -> Race:
    """Return a function that starts all at once, each on a connection of its own."""

    def run(hands: list[Callable[[], Any]]) -> list[Any]:
        gate = threading.Barrier(len(hands))

        def one(hand: Callable[[], Any]) -> Any:
            try:
                gate.wait(60)
                return hand()
            finally:
                connection.close()

        with ThreadPoolExecutor(len(hands)) as pool:
            return list(pool.map(one, hands))

    return run


@pytest.fixture
def asked(race: Race) -> Conversation:
    return a_conversation(world.an_authority(), statements=6)


def seen(asked: Conversation, person: Person | None = None, mark: str = "") -> Viewer:
    authority = Authority.objects.get(pk=asked.authority_id)
    return Viewer(authority, person, timezone.now(), browser=mark)


def voting(
    asked: Conversation, number: int, value: Value, *, person: Person | None = None, mark: str = ""
) -> Callable[[], str]:
    """Return a hand that votes, and tells in a word what came of it."""

    def hand() -> str:
        try:
            actions.vote(
                viewer=seen(asked, person, mark), conversation_id=asked.pk, number=number,
                value=value, network=ANYWHERE, lot=np.random.default_rng(),
            )  # fmt: skip
        except (actions.NotOpen, actions.StatementGone) as refused:
            return type(refused).__name__
        return "kept"

    return hand


def test_one_browser_in_many_tabs_is_one_voice(race: Race, asked: Conversation) -> None:
    hands = [voting(asked, 1 + n % 3, Value.AGREE, mark=MARK) for n in range(HANDS)]
    assert set(race(hands)) == {"kept"}
    assert Participant.objects.count() == 1
    assert Showing.objects.filter(value=Value.AGREE).count() == 3


def test_one_person_in_many_browsers_is_one_voice(race: Race, asked: Conversation) -> None:
    person = world.a_person()
    values = [Value.AGREE, Value.DISAGREE, Value.PASS]
    hands = [voting(asked, 1, values[n % 3], person=person) for n in range(HANDS)]
    assert set(race(hands)) == {"kept"}
    assert Participant.objects.count() == 1
    assert Showing.objects.filter(value__isnull=False).count() == 1


def test_first_presses_of_a_browser_without_a_mark_are_one_voice(
    race: Race, authority: Authority
) -> None:
    conversation = a_conversation(authority, statements=3)
    first = Client()
    first.get(f"/listen/{conversation.pk}/vote/")
    csrf = first.cookies["csrftoken"].value

    def hand() -> int:
        browser = Client()
        browser.cookies["csrftoken"] = csrf
        sent = {"statement": 2, "vote": "agree"}
        return browser.post(f"/listen/{conversation.pk}/vote/", sent).status_code

    assert set(race([hand] * HANDS)) == {302}
    assert Participant.objects.filter(conversation=conversation).count() == 1
    assert Showing.objects.filter(value__isnull=False).count() == 1


def test_no_vote_is_kept_on_what_was_rejected_and_none_is_lost_before(
    race: Race, asked: Conversation
) -> None:
    people = [a_participant(asked, world.a_person()) for _ in range(HANDS)]
    moment: list[Any] = []

    def reject() -> str:
        with transaction.atomic():
            rows = Statement.objects.filter(conversation=asked, number=1)
            rows.update(state=State.REJECTED, reason="advert")
            moment.append(Showing.objects.filter(value__isnull=False).count())
        return "rejected"

    hands = [voting(asked, 1, Value.AGREE, person=one.person) for one in people]
    told = Counter(race([*hands[:6], reject, *hands[6:]]))
    kept = Showing.objects.filter(value__isnull=False).count()
    assert told["kept"] == kept, "whoever was told so is there, and nobody else"
    assert kept == moment[0], "none came after it was taken out"
    assert told["kept"] + told["StatementGone"] == HANDS


def test_no_vote_comes_after_the_close_and_none_is_lost_before(
    race: Race, asked: Conversation
) -> None:
    people = [a_participant(asked, world.a_person()) for _ in range(HANDS)]
    seen_then: list[int] = []

    def close() -> str:
        with transaction.atomic():
            rows = Conversation.objects.select_for_update(no_key=True).filter(pk=asked.pk)
            assert rows.get()
            rows.update(closes_at=database_now())
            seen_then.append(Showing.objects.filter(value__isnull=False).count())
        return "closed"

    hands = [voting(asked, 1, Value.AGREE, person=one.person) for one in people]
    told = Counter(race([*hands[:6], close, *hands[6:]]))
    asked.refresh_from_db()
    kept = Showing.objects.filter(value__isnull=False)
    assert told["kept"] == kept.count() == seen_then[0]
    assert told["kept"] + told["NotOpen"] == HANDS
    assert not kept.filter(voted_at__gt=asked.closes_at).exists()


def test_statements_added_at_once_get_numbers_of_their_own_and_the_same_words_stand_once(
    race: Race, asked: Conversation
) -> None:
    Conversation.objects.filter(pk=asked.pk).update(moderation=Moderation.AFTER)
    people = [world.a_person() for _ in range(HANDS)]

    def adding(person: Person, text: str) -> Callable[[], str]:
        def hand() -> str:
            try:
                actions.add_statement(
                    viewer=seen(asked, person), conversation_id=asked.pk, text=text,
                    network=ANYWHERE,
                )  # fmt: skip
            except actions.SaidAlready:
                return "said already"
            return "added"

        return hand

    texts = ["The same words from two people!", *(f"Something else, {n}" for n in range(1, 6))]
    hands = [adding(one, texts[n % 6]) for n, one in enumerate(people)]
    votes = [voting(asked, 1, Value.PASS, person=one) for one in people[:4]]
    told = Counter(race([*hands, *votes]))
    assert told == {"added": 6, "said already": 6, "kept": 4}
    numbers = asked.statements.order_by("number").values_list("number", flat=True)
    assert list(numbers) == list(range(1, 13))


def test_answers_given_while_they_come_under_an_account_are_not_lost(
    race: Race, asked: Conversation
) -> None:
    person = world.a_person()
    account = a_participant(asked, person)
    guest = a_participant(asked, holder=queries.holder_of(MARK, asked.pk))
    rows = list(asked.statements.order_by("number"))
    a_vote(account, rows[0])
    a_vote(guest, rows[1])

    def adopt() -> str:
        actions.adopt(viewer=seen(asked, person, MARK), conversation=asked)
        return "adopted"

    hands = [voting(asked, 3 + n % 2, Value.AGREE, mark=MARK) for n in range(4)]
    hands += [voting(asked, 5 + n % 2, Value.AGREE, person=person) for n in range(4)]
    told = Counter(race([*hands[:4], adopt, *hands[4:]]))
    assert told == {"kept": 8, "adopted": 1}
    # What the browser said afterwards is of a guest again, and can come over as well.
    if Participant.objects.filter(holder__isnull=False).exists():
        actions.adopt(viewer=seen(asked, person, MARK), conversation=asked)
    mine = Showing.objects.filter(participant__person=person, value__isnull=False)
    assert set(mine.values_list("statement__number", flat=True)) == {1, 2, 3, 4, 5, 6}
    assert mine.count() == Showing.objects.filter(value__isnull=False).count()


def test_two_tabs_that_draw_what_the_other_answers_do_not_wait_for_each_other(
    race: Race, authority: Authority
) -> None:
    asked = a_conversation(authority, statements=2)
    for _turn in range(12):
        person = world.a_person()
        a_participant(asked, person)
        hands = [voting(asked, number, Value.AGREE, person=person) for number in (1, 2) * 4]
        assert set(race(hands)) == {"kept"}


def test_somebody_takes_back_what_another_votes_on_and_one_of_the_two_wins(
    race: Race, asked: Conversation
) -> None:
    for _turn in range(4):
        author, other = world.a_person(), world.a_person()
        Conversation.objects.filter(pk=asked.pk).update(moderation=Moderation.AFTER)
        made = actions.add_statement(
            viewer=seen(asked, author), conversation_id=asked.pk, network=ANYWHERE,
            text=f"Mine alone, {author.pk}",
        )  # fmt: skip

        def back(author: Person = author, made: Statement = made) -> str:
            try:
                actions.take_back(
                    viewer=seen(asked, author), conversation_id=asked.pk, number=made.number
                )
            except actions.VotedOn:
                return "stays"
            return "gone"

        told = Counter(race([back, voting(asked, made.number, Value.AGREE, person=other)]))
        assert told in ({"gone": 1, "StatementGone": 1}, {"stays": 1, "kept": 1})
