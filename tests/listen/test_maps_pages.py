"""The map's pages: everything in words, nothing of fewer than five, the same for everybody but oneself."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import ProgrammingError, connection, transaction
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority
from commonweal.listen.conversations.models import Conversation, Statement
from commonweal.listen.maps import actions, tasks
from commonweal.listen.maps.models import Map
from commonweal.listen.voices.models import Showing
from tests.factories import listen
from tests.listen.test_maps import camps, drawn
from tests.visit import sign_in

pytestmark = pytest.mark.django_db
Visit = Callable[..., Any]


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


def test_which_group_and_which_order_is_shown_is_marked(visit: Visit, talk: Conversation) -> None:
    assert 'aria-current="true">group B<' in visit(f"/listen/{talk.pk}/map/?group=b").html
    page = visit(f"/listen/{talk.pk}/map/statements/?sort=votes")
    assert 'aria-current="true">Most votes<' in page.html
    assert 'aria-current="true">everybody<' in page.html


def test_where_nobody_is_asked_who_they_are_the_pages_say_just_that(
    visit: Visit, talk: Conversation
) -> None:
    assert "Nobody is asked here who they are" in visit(f"/listen/{talk.pk}/map/").text
    page = visit(f"/listen/{talk.pk}/map/people/")
    assert "120 people took part. We do not know who they are." in page.text
    assert "Nobody is asked here who they are" in page.text
    assert "some of them" not in page.text
    assert "fifty people" not in page.text


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


def test_the_job_is_queued_once_and_makes_the_map(
    authority: Authority, visit: Visit, now: datetime
) -> None:
    made = listen.a_conversation(authority, statements=24)
    listen.many_votes(made, camps())
    for _ in range(2):
        tasks.look(timestamp=0)
    jobs = ProcrastinateJob.objects.filter(task_name="maps.refresh", args__conversation_id=made.pk)
    assert [job.status for job in jobs] == ["todo"]
    tasks.refresh(conversation_id=made.pk)
    assert "Two groups" in visit(f"/listen/{made.pk}/map/").h1[0]
    tasks.look(timestamp=0)
    tasks.refresh(conversation_id=made.pk)  # a second time does nothing
    assert Map.objects.count() == 1


ODD = ("👩‍👩‍👧 \u0301 🏠", "\u202eنعم لا", "<b>&amp;</b> %(x)d {0}", "\u200b\u200bx", "y" * 280)


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ([], "Nobody has answered."),
        ([[1] * 5], "Too few people have answered for a map."),
        ([[1, -1, 0, 1, 0]] * 4, "Too few people have answered for a map."),
        ([[0] * 5] * 9, "No clear groups, and nothing is common ground yet."),
        ([[1] * 5] * 30, "No clear groups. On 5 statements most people think alike."),
        ([[1]] * 8, "No clear groups"),
        ([[1, -1, None, 0, 1], [None, 1, 1, None, -1]] * 3, "No clear groups"),
    ],
    ids=[
        "nobody",
        "one voter",
        "four",
        "all pass",
        "all agree",
        "one statement",
        "hardly anything",
    ],
)
@pytest.mark.parametrize("open_now", [True, False], ids=["open", "closed"])
def test_whatever_people_say_every_page_has_sensible_words(
    authority: Authority, visit: Visit, table: list[list[int | None]], says: str, open_now: bool
) -> None:
    made = listen.a_conversation(authority, open=open_now)
    for text in ODD[: max([len(row) for row in table] or [0])]:
        listen.a_statement(made, text)
    listen.many_votes(made, table)
    tasks.refresh(conversation_id=made.pk)
    page = visit(f"/listen/{made.pk}/map/")
    assert (says if not open_now or len(table) >= 5 else "There is no map yet.") in page.h1[0]
    for address in ("map/statements/", "map/statements/?sort=votes", "map/people/", ""):
        visit(f"/listen/{made.pk}/{address}")
    for statement in made.statements.all():
        visit(f"/listen/{made.pk}/statements/{statement.number}/")
    if len(table) < 5:
        assert "<path class" not in page.html
        assert "% agree" not in visit(f"/listen/{made.pk}/map/statements/").text


def test_ten_thousand_statements_stand_on_pages(
    authority: Authority, visit: Visit, now: datetime
) -> None:
    made = listen.a_conversation(authority, open=False)
    Statement.objects.bulk_create(
        Statement(
            conversation=made, number=n, text=f"{n} 🏠 نعم", state="shown", added_at=now,
            decided_at=now,
        )
        for n in range(1, 10_001)
    )  # fmt: skip
    listen.many_votes(made, [[1] * 40] * 9)
    tasks.refresh(conversation_id=made.pk)
    page = visit(f"/listen/{made.pk}/map/statements/?sort=votes&page=600")
    assert "Page 600 of 667" in page.text
    assert "10,000 statements" in visit(f"/listen/{made.pk}/map/").text


def test_a_statement_that_is_taken_away_is_gone_at_once(visit: Visit, talk: Conversation) -> None:
    listed = Map.objects.get().told["lists"]["common_ground"][0]["statement"]
    statement = Statement.objects.get(pk=listed)
    assert statement.text in visit(f"/listen/{talk.pk}/map/").html
    Statement.objects.filter(pk=listed).update(state="rejected", reason="advert")
    for address in ("map/", "map/statements/", "map.csv", ""):
        shown = visit(f"/listen/{talk.pk}/{address}")
        assert statement.text not in shown.html, address


def shown_at_once(page: Any) -> str:
    """Return what stands on a page without opening anything."""
    return re.sub(r"<details.*?</details>", "", page.html, flags=re.DOTALL)


def test_how_others_voted_is_folded_away_from_whoever_can_still_vote(
    visit: Visit, signed_in: Callable[..., Client], talk: Conversation, resident: Person
) -> None:
    said = talk.statements.first()
    assert said is not None
    there = f"/listen/{talk.pk}/statements/{said.number}/"
    signed_in(resident)
    before = visit(there)
    assert "votes:" in before.text, "whoever wants it opens it, without a script"
    assert "votes:" not in shown_at_once(before)
    assert before.html.index('id="answer"') < before.html.index('id="result"')
    listed = visit(f"/listen/{talk.pk}/map/statements/")
    assert "votes:" not in shown_at_once(listed)
    assert '<strong aria-current="true">Most votes</strong>' in listed.html, (
        "what most agree with does not come first"
    )
    assert "Most people agree" not in shown_at_once(visit(talk.get_absolute_url()))
    page = visit(f"/listen/{talk.pk}/map/")
    assert "You have not answered yet" in page.text
    assert page.html.count(">Take part</a>") == 1, "nobody is asked twice"
    me = listen.a_participant(talk, resident)
    listen.a_vote(me, said, -1)
    assert "votes:" in shown_at_once(visit(there))
    after = visit(f"/listen/{talk.pk}/map/statements/?sort=agree")
    assert shown_at_once(after).count("votes:") <= 1, "the others wait for an answer of their own"
    assert "You have not answered yet" not in visit(f"/listen/{talk.pk}/map/").text


def test_somebody_without_an_account_finds_it_folded_too(visit: Visit, talk: Conversation) -> None:
    there = f"/listen/{talk.pk}/statements/1/"
    for reach in ("everyone", "account"):
        Conversation.objects.filter(pk=talk.pk).update(reach=reach)
        assert "votes:" not in shown_at_once(visit(there)), reach


def test_staff_readers_of_what_is_closed_and_programs_see_it_at_once(
    visit: Visit, client: Client, talk: Conversation, moderator: Person, now: datetime
) -> None:
    there = f"/listen/{talk.pk}/statements/1/"
    assert "votes:" in shown_at_once(visit(there, client=sign_in(Client(), moderator)))
    assert client.get(f"/api/conversations/{talk.pk}/map").status_code == 200
    assert "agree" in client.get(f"/listen/{talk.pk}/map.csv").content.decode()
    Conversation.objects.filter(pk=talk.pk).update(closes_at=now - timedelta(hours=1))
    assert "votes:" in shown_at_once(visit(there))
    listed = visit(f"/listen/{talk.pk}/map/statements/")
    assert "votes:" in shown_at_once(listed)
    assert '<strong aria-current="true">Most agreed with</strong>' in listed.html
    assert "Most people agree" in shown_at_once(visit(talk.get_absolute_url()))


def test_an_open_page_is_answered_only_when_there_is_something_new(
    client: Client, talk: Conversation
) -> None:
    drawn_at = Map.objects.get().made_at
    where = f"/listen/{talk.pk}/map/?seen={drawn_at.timestamp():.6f}"
    assert client.get(where, headers={"HX-Request": "true"}).status_code == 204
    assert client.get(where).status_code == 200
    Map.objects.update(made_at=drawn_at + timedelta(minutes=1))
    assert client.get(where, headers={"HX-Request": "true"}).status_code == 200


def test_a_failed_job_leaves_the_last_map_where_it_is(
    visit: Visit, talk: Conversation, now: datetime
) -> None:
    new = listen.many_votes(talk, [[1, None]] * 6)
    Showing.objects.filter(participant__in=new).update(voted_at=now + timedelta(seconds=1))
    with connection.cursor() as cursor:  # something goes wrong on the way
        cursor.execute("ALTER TABLE maps_finding RENAME TO maps_gone")
    with pytest.raises(ProgrammingError), transaction.atomic():
        actions.refresh_map(conversation_id=talk.pk, at=now + timedelta(hours=1))
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE maps_gone RENAME TO maps_finding")
    assert "120 people cast" in visit(f"/listen/{talk.pk}/map/").text


def test_the_table_holds_every_group_and_no_formula(
    client: Client, authority: Authority, now: datetime
) -> None:
    talk = listen.a_conversation(authority)
    listen.a_statement(talk, "=HYPERLINK(1)")
    for _ in range(23):
        listen.a_statement(talk)
    listen.many_votes(talk, camps())
    drawn(talk, now)
    rows = list(csv.reader(client.get(f"/listen/{talk.pk}/map.csv").content.decode().splitlines()))
    assert rows[0][:5] == ["statement", "text", "group", "votes", "agree"]
    assert [row[2] for row in rows[1:4]] == ["", "A", "B"]
    assert rows[1][1] == "'=HYPERLINK(1)"
    assert len(rows) == 1 + 24 * 3


def test_programs_read_the_map_by_the_names_of_the_command_line(
    client: Client, talk: Conversation
) -> None:
    told = client.get(f"/api/conversations/{talk.pk}/map").json()
    assert (told["people"], told["votes"], told["groups"]["count"]) == (120, 2880, 2)
    assert told["groups"]["sizes"] == [72, 48]
    entry = told["dividing"][0]
    assert {"statement", "text", "side", "estimate", "low", "high", "votes", "group"} <= set(entry)
    assert entry["low"] <= entry["estimate"] <= entry["high"]
    rows = client.get(f"/api/conversations/{talk.pk}/findings?size=200").json()["items"]
    assert len(rows) == 24
    assert all(len(row["agree"]) == 3 for row in rows)
    empty = listen.a_conversation(talk.authority)
    assert client.get(f"/api/conversations/{empty.pk}/map").status_code == 404


def test_the_map_is_asked_for_in_few_queries(
    visit: Visit, signed_in: Callable[..., Client], talk: Conversation, resident: Person,
    django_assert_max_num_queries: Any,
) -> None:  # fmt: skip
    me = listen.a_participant(talk, resident)
    listen.a_vote(me, talk.statements.first(), 1)
    client = signed_in(resident)
    for address in ("map/?group=a", "map/", "map/statements/?group=b", "map/people/"):
        visit(f"/listen/{talk.pk}/{address}", client=client)  # what is written once is written
        with django_assert_max_num_queries(12):
            visit(f"/listen/{talk.pk}/{address}", client=client)
