"""The report on a conversation: figures of the map, words of staff, on the page and on paper."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client

from commonweal.ground.journal.models import Entry
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority
from commonweal.listen.conversations.models import Answer, Conversation
from commonweal.listen.maps.actions import refresh_map
from commonweal.listen.reports import actions, queries
from commonweal.listen.reports.models import Report
from tests.factories import listen
from tests.visit import sign_in

SAID = {"summary": "Most people want one person to ring them.", "advice": "Fund six posts."}


@pytest.fixture
def closed(authority: Authority, now: datetime) -> Conversation:
    """Return a closed conversation with two camps and its last map."""
    made = listen.a_conversation(authority, statements=8, open=False)
    one, other = [1, 1, 1, 1, -1, -1, 1, 0], [1, -1, -1, -1, 1, 1, 1, 1]
    listen.many_votes(made, [one] * 30 + [other] * 30)
    refresh_map(conversation_id=made.pk, at=now)
    return made


def write(conversation: Conversation, viewer: Any, *, is_public: bool, **said: str) -> Report:
    return actions.write_report(
        viewer=viewer, conversation=conversation, is_public=is_public, **{**SAID, **said}
    )


def test_a_report_is_for_staff_until_it_is_public(closed, leader, seen_by, client, visit) -> None:
    write(closed, seen_by(leader), is_public=False)
    address = f"/listen/{closed.pk}/report/"
    assert client.get(address).status_code == 404
    write(closed, seen_by(leader), is_public=True)
    page = visit(address)
    assert SAID["summary"] in page.html and SAID["advice"] in page.html
    assert closed.statements.first().text in page.html
    write(closed, seen_by(leader), is_public=False)
    assert client.get(address).status_code == 404
    told = list(Entry.objects.filter(what__startswith="report.").values_list("what", flat=True))
    assert told == ["report.written", "report.published", "report.taken_back"]


def test_a_public_report_has_words(closed, leader, seen_by) -> None:
    with pytest.raises(actions.SaysNothing):
        write(closed, seen_by(leader), is_public=True, summary=" ")
    assert not Report.objects.exists()


def test_others_write_no_report(closed, resident, seen_by) -> None:
    for who in (resident, None):
        with pytest.raises(PermissionDenied):
            write(closed, seen_by(who), is_public=False)


def test_staff_write_and_publish_on_the_page(closed, leader: Person, client: Client, visit) -> None:
    sign_in(client, leader, second_factor=True)
    address = f"/listen/{closed.pk}/report/words/"
    visit(address)
    refused = client.post(address, {"summary": "", "advice": "", "do": "publish"})
    assert refused.status_code == 200 and b"Write in a few sentences" in refused.content
    assert client.post(address, {**SAID, "do": "publish"}).status_code == 302
    assert Report.objects.get().published_at is not None
    client.post(address, {**SAID, "summary": "Other words.", "do": "save"})
    report = Report.objects.get()
    assert report.published_at is not None and report.summary == "Other words."
    client.post(address, {**SAID, "do": "take-back"})
    assert Report.objects.get().published_at is None


HOSTILE = "\u202e<b>*_#\"' $x$ \\ 👩‍👩‍👧 مرحبا"


@pytest.mark.parametrize("people", [0, 1, 60])
def test_the_report_on_paper_bears_anything(authority, leader, client, now, people: int) -> None:
    made = listen.a_conversation(authority, question=f"What {HOSTILE}?", open=False)
    for number in range(6):
        listen.a_statement(made, f"{number} {HOSTILE}")
    listen.many_votes(made, [[1, -1, 0, 1, 1, -1]] * people)
    Answer.objects.create(
        statement=made.statements.first(), heed="done", words=HOSTILE, answered_at=now,
        answered_by=leader,
    )  # fmt: skip
    refresh_map(conversation_id=made.pk, at=now)
    sign_in(client, leader, second_factor=True)
    answer = client.get(f"/listen/{made.pk}/report.pdf")
    assert answer.status_code == 200 and answer.content.startswith(b"%PDF-")
    assert client.get(f"/listen/{made.pk}/report/").status_code == 200


def test_on_paper_what_was_said_and_done_stand_side_by_side(authority, leader, client, now) -> None:
    made = listen.a_conversation(authority, open=False)
    for number in range(8):
        said = listen.a_statement(
            made, f"{number} {'One person whom I know rings me. ' * 7}".strip()
        )
        Answer.objects.create(
            statement=said, heed="done", words="A nurse rings on the day after. " * 3,
            answered_at=now, answered_by=leader,
        )  # fmt: skip
    listen.many_votes(made, [[1, -1] * 4] * 20)
    refresh_map(conversation_id=made.pk, at=now)
    sign_in(client, leader, second_factor=True)
    paper = client.get(f"/listen/{made.pk}/report.pdf").content
    pages = int(re.findall(rb"/Count (\d+)", paper)[0])
    assert pages <= 4  # a word on each line takes more


def test_the_report_says_what_the_map_says(closed) -> None:
    found = queries.findings(closed)
    assert found is not None
    listed = {row.line.statement.number for row in found.sections[0].rows}
    assert {1, 7} <= listed  # everybody agrees with these
    assert len(found.every) == 8
    assert len(found.columns) == 1 + (found.drawn.groups if found.drawn.groups > 1 else 0)
    assert all(len(row.cells) == len(found.columns) for row in found.every)


def test_a_drawing_for_paper_is_a_drawing(closed) -> None:
    from xml.etree import ElementTree

    found = queries.findings(closed)
    assert found is not None
    drawn = queries.drawing_of(found.drawn)
    assert not drawn or ElementTree.fromstring(drawn).tag.endswith("svg")


def test_where_there_is_no_map_the_report_says_why(authority, leader, seen_by, visit, now) -> None:
    made = listen.a_conversation(authority, statements=6, open=False)
    listen.many_votes(made, [[0] * 6] * 30)
    refresh_map(conversation_id=made.pk, at=now)
    write(made, seen_by(leader), is_public=True)
    assert "So there is no map to draw" in visit(f"/listen/{made.pk}/report/").text
