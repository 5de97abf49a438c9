"""Votes that are taken away: in the form of Polis, with nothing small in them and nobody's name."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from django.core.exceptions import PermissionDenied
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st

from commonweal.engine.opinion.files import read_statements, read_votes
from commonweal.ground.journal.models import Entry
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority
from commonweal.listen.conversations.models import Conversation, Statement
from commonweal.listen.conversations.queries import FEWEST
from commonweal.listen.reports import actions, queries
from tests.factories import listen
from tests.visit import sign_in


@pytest.fixture
def conversation(authority: Authority) -> Conversation:
    return listen.a_conversation(authority, statements=3)


def taken(conversation: Conversation, name: str) -> list[list[str]]:
    whole = "".join(queries.FILES[name](queries.export_of(conversation)))
    return list(csv.reader(io.StringIO(whole)))


def test_votes_of_fewer_than_five_people_are_in_no_file(conversation) -> None:
    listen.many_votes(conversation, [[1, 1, -1]] * 6 + [[1, -1, None]] * 4)
    head, *rows = taken(conversation, "votes.csv")
    assert head == ["timestamp", "datetime", "comment-id", "voter-id", "vote"]
    cells = Counter((row[2], row[4]) for row in rows)
    assert cells == {("1", "1"): 10, ("2", "1"): 6, ("3", "-1"): 6}
    _head, *statements = taken(conversation, "comments.csv")
    assert [(row[2], row[4], row[5]) for row in statements] == [
        ("1", "10", ""), ("2", "6", ""), ("3", "", "6"),
    ]  # fmt: skip
    _head, *people = taken(conversation, "participants-votes.csv")
    assert sorted(row[6:] for row in people) == [["1", "", ""]] * 4 + [["1", "1", "-1"]] * 6


tables = st.lists(
    st.lists(st.sampled_from([1, 1, 1, 0, -1, None]), min_size=3, max_size=3), max_size=30
)


@given(rows=tables)
def test_whatever_is_said_no_cell_of_any_file_is_small(rows) -> None:
    cast = np.array(
        [(who, what + 1, vote) for who, row in enumerate(rows) for what, vote in enumerate(row)
         if vote is not None],
        dtype=np.int64,
    ).reshape(-1, 3)  # fmt: skip
    kept = queries.large_enough(cast[:, 1], cast[:, 2])
    before, after = (Counter(map(tuple, part[:, 1:].tolist())) for part in (cast, cast[kept]))
    assert after == {cell: n for cell, n in before.items() if n >= FEWEST}


def test_the_command_line_reads_what_is_taken_away(conversation, tmp_path: Path) -> None:
    listen.many_votes(conversation, [[1, -1, 0]] * 7 + [[-1, 1, None]] * 5)
    for name in ("votes.csv", "comments.csv"):
        whole = "".join(queries.FILES[name](queries.export_of(conversation)))
        (tmp_path / name).write_text(whole)
    votes = read_votes(tmp_path / "votes.csv")
    assert len(votes.people) == 12
    assert votes.tallies.tolist() == [[5, 0, 7], [7, 0, 5], [0, 7, 0]]
    known = read_statements(tmp_path / "comments.csv")
    assert known.text == tuple(
        conversation.statements.order_by("number").values_list("text", flat=True)
    )


def test_numbers_of_voters_say_nothing_of_who_came_first(conversation) -> None:
    listen.many_votes(conversation, [[1, 1, 1]] * 30)
    told = queries.export_of(conversation)
    first_met = list(dict.fromkeys(told.voter.tolist()))
    assert sorted(first_met) == list(range(30)) != first_met
    assert queries.export_of(conversation).voter.tolist() == told.voter.tolist()


def test_moments_are_told_to_the_day(conversation) -> None:
    listen.many_votes(conversation, [[1, 1, 1]] * 6)
    _head, *rows = taken(conversation, "votes.csv")
    assert all(int(row[0]) % 86_400 == 0 for row in rows)


def test_rejected_words_and_formulas_stay_out(conversation) -> None:
    listen.a_statement(conversation, "=HYPERLINK(evil)")
    listen.a_statement(conversation, "Rude words", state="rejected", reason="unkind")
    _head, *rows = taken(conversation, "comments.csv")
    assert [row[6:] for row in rows[-2:]] == [["1", "'=HYPERLINK(evil)"], ["-1", ""]]


@pytest.mark.parametrize("name", queries.FILES)
def test_an_empty_conversation_has_whole_files(authority, name: str) -> None:
    assert taken(listen.a_conversation(authority), name)


def test_the_journal_notes_that_votes_were_taken(conversation, leader, seen_by) -> None:
    actions.hand_out(viewer=seen_by(leader), conversation=conversation)
    assert Entry.objects.filter(what="conversation.exported", about_id=conversation.pk).exists()


def test_a_resident_takes_nothing(conversation, resident, seen_by) -> None:
    with pytest.raises(PermissionDenied):
        actions.hand_out(viewer=seen_by(resident), conversation=conversation)


def test_staff_download_each_file(conversation, leader: Person, client: Client, visit) -> None:
    listen.many_votes(conversation, [[1, 1, 1]] * 6)
    sign_in(client, leader, second_factor=True)
    visit(f"/listen/{conversation.pk}/export/")
    for name in queries.FILES:
        answer = client.post(f"/listen/{conversation.pk}/export/{name}")
        assert answer.status_code == 200
        assert b"".join(answer.streaming_content)
    summary = client.post(f"/listen/{conversation.pk}/export/summary.csv").getvalue().decode()
    assert f"url,http://testserver/listen/{conversation.pk}/" in summary
    assert client.post(f"/listen/{conversation.pk}/export/other.csv").status_code == 404


# --- on other sites


def test_other_sites_may_show_it_and_nothing_else(conversation, client: Client) -> None:
    shown = client.get(f"/listen/{conversation.pk}/embed/")
    assert "frame-ancestors *" in shown["Content-Security-Policy"]
    assert "X-Frame-Options" not in shown
    assert b"<form" not in shown.content
    assert "Set-Cookie" not in shown
    page = client.get(f"/listen/{conversation.pk}/")
    assert "frame-ancestors 'none'" in page["Content-Security-Policy"]
    assert page["X-Frame-Options"] == "DENY"


def test_what_another_site_shows_is_what_everybody_may_read(authority, leader, client) -> None:
    draft = listen.a_conversation(authority, is_draft=True)
    sign_in(client, leader, second_factor=True)
    assert client.get(f"/listen/{draft.pk}/embed/").status_code == 404


def test_the_lines_to_copy_hold_hostile_words_harmlessly(authority, visit) -> None:
    asked = listen.a_conversation(authority, question='"></textarea><script>alert(1)</script>')
    page = visit(f"/listen/{asked.pk}/embed/code/")
    assert "<script>alert" not in page.html
    assert f"/listen/{asked.pk}/embed/" in page.html
    copied = unescape(re.findall(r"<textarea[^>]*>(.*?)</textarea>", page.html, re.S)[0])
    titled = re.fullmatch(r'<iframe src="[^"<>]+" title="([^"<>]+)" [^<>]+></iframe>', copied)
    assert titled is not None
    assert unescape(titled[1]) == asked.question


def test_a_statement_that_became_another_keeps_its_votes_apart(conversation) -> None:
    other = Statement.objects.get(conversation=conversation, number=2)
    listen.many_votes(conversation, [[1, 1, 1]] * 6)
    Statement.objects.filter(conversation=conversation, number=1).update(
        state="merged", same_as=other
    )
    _head, *rows = taken(conversation, "comments.csv")
    assert [(row[2], row[4], row[6]) for row in rows[:2]] == [("1", "6", "-1"), ("2", "6", "1")]
