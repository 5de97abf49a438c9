"""A plain text is cut into pieces, and no word of it is lost."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.kit import documents
from commonweal.kit.documents import Piece, clean, cut, difference, pairs

LINES = st.one_of(
    st.text(max_size=60),
    st.sampled_from(
        ["", "# Head", "1. One", "2.3 Two", "(a) three", "- item", "  - deeper", "a | b", "|---|---|",
         "===", "---", "* * *", "Short line", "A sentence that ends.", "3.5 million people", "\t\t", "\u200b",
         "x" * 130, "مرحبا بكم", "👩‍👩‍👧 🏠"]
    ),
)  # fmt: skip
MARKS = set("#|-=*•‣▪–_:.)( \t\n\\")


def letters(text: str) -> list[str]:
    """Return what a reader reads: all but space and the marks of Markdown."""
    return [sign for sign in text if sign.isalpha() or (sign.isalnum() and not sign.isdigit())]


@given(st.lists(LINES, max_size=40))
def test_no_letter_is_lost_and_none_changes_its_place(lines: list[str]) -> None:
    text = "\n".join(lines)
    said = "".join(f"{piece.label}{piece.text}" for piece in cut(text))
    assert letters(said) == letters(clean(text))


@given(st.lists(LINES, max_size=40))
def test_every_piece_is_what_a_passage_can_be(lines: list[str]) -> None:
    for piece in cut("\n".join(lines)):
        assert documents.says_something(piece.text)
        assert len(piece.text) <= documents.MOST_LETTERS
        assert 1 <= piece.level <= documents.DEEPEST
        assert "\x00" not in piece.text


@given(st.text(max_size=300), st.text(max_size=300))
def test_a_difference_holds_both_texts(old: str, new: str) -> None:
    told = difference(old, new)
    assert "".join(words for sign, words in told if sign in "=-") == old
    assert "".join(words for sign, words in told if sign in "=+") == new
    assert all(words for _sign, words in told)


PIECES = st.lists(
    st.builds(Piece, st.just("paragraph"), st.just(1), st.sampled_from(["", "1", "2"]), st.sampled_from(
        ["six trees are planted", "nine trees are planted", "cars may cross", "benches have arms"]
    )), max_size=12,
)  # fmt: skip


@given(PIECES, PIECES)
def test_no_piece_comes_from_two_and_none_from_nowhere(old: list[Piece], new: list[Piece]) -> None:
    found = pairs(old, new)
    known = [place for place in found if place is not None]
    assert len(found) == len(new)
    assert len(known) == len(set(known))
    assert all(0 <= place < len(old) for place in known)


@given(PIECES)
def test_a_text_beside_itself_has_not_changed(pieces: list[Piece]) -> None:
    assert pairs(pieces, pieces) == list(range(len(pieces)))


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("# Trees\n\nWe plant.", ["heading", "paragraph"]),
        ("Trees\n=====\nWe plant.\n\nWater\n-----", ["heading", "paragraph", "heading"]),
        ("1. One\n2. Two\n3. Three", ["clause"] * 3),
        ("2.1 The council plants.\n2.1.1 It waters.\n(a) daily;\n(b) weekly.", ["clause"] * 4),
        ("We spend\n3.5 million pounds on\n12 trees.", ["paragraph"]),
        ("- one\n- two\n  - three", ["item"] * 3),
        ("| a | b |\n|---|---|\n| 1 | 2 |\n\nAfter.", ["table", "paragraph"]),
        ("a | b is no table", ["paragraph"]),
        ("Plain heading\n\nA sentence stands under it.\n\nAnother one\n\nAnd its sentence.", ["heading", "paragraph"] * 2),
        ("---\n\n***", []),
        ("one line", ["paragraph"]),
    ],
)  # fmt: skip
def test_what_people_paste_is_taken_for_what_it_is(text: str, kinds: list[str]) -> None:
    assert [piece.kind for piece in cut(text)] == kinds


def test_paragraphs_from_a_word_processor_are_a_line_each() -> None:
    line = "A long sentence that a word processor keeps on a line of its own. " * 3
    assert len(cut("\n".join([line] * 4))) == 4


def test_a_huge_paragraph_is_cut_at_the_end_of_a_sentence() -> None:
    pieces = cut("This is a sentence of the plan. " * 1_000)
    assert len(pieces) == 6
    assert all(piece.text.endswith("plan.") for piece in pieces)
    assert [len(piece.text) for piece in cut("x" * 13_000)] == [6_000, 6_000, 1_000]


@pytest.mark.parametrize("sign", ["#", "- ", "|", "1.", "*", "(", "\u202e", "a|\n-", "((a) "])
def test_no_text_keeps_the_cutter_long(sign: str) -> None:
    begun = time.process_time()
    cut((sign * 400_000)[:400_000])
    assert time.process_time() - begun < 8


def test_two_thousand_passages_are_compared_in_seconds() -> None:
    old = [
        Piece("clause", 1, "", f"Clause {n} says that {n * 7} trees stand in street {n % 97}.")
        for n in range(2_000)
    ]
    new = [piece._replace(text=piece.text.replace("trees", "old trees")) for piece in old]
    begun = time.process_time()
    found = pairs(old, new)
    assert time.process_time() - begun < 20
    assert sum(place == n for n, place in enumerate(found)) > 1_900
