"""Similar statements: alike in any language, and merged only where people vote alike."""

import time
from collections import Counter
from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.engine.opinion import Texts, Votes, similar_statements
from commonweal.engine.opinion.texts import plain_words, runs

words = st.text(max_size=30)


def all_vote(values: dict[int, list[int]]) -> Votes:
    """Return votes where person 0, 1, 2 ... gave these values on each statement."""
    log = [(i, j, x) for j, row in values.items() for i, x in enumerate(row)]
    return Votes.from_log(*np.array(log).T, statements=list(values))


def by_the_book(texts: list[str]) -> list[dict[int, float]]:
    """Weigh the runs of each text, slowly."""
    counts = [Counter(runs(text).tolist()) for text in texts]
    met = Counter(run for count in counts for run in count)
    rows = []
    for count in counts:
        row = {
            run: (1 + log(times)) * (log((1 + len(texts)) / (1 + met[run])) + 1)
            for run, times in count.items()
        }
        length = sqrt(sum(weight**2 for weight in row.values()))
        rows.append({run: weight / length for run, weight in row.items()})
    return rows


@given(st.lists(words, max_size=8))
def test_pairs_are_what_comparing_each_with_each_gives(texts: list[str]) -> None:
    rows = by_the_book(texts)
    slow = {
        (a, b): sum(weight * rows[b].get(run, 0.0) for run, weight in rows[a].items())
        for a in range(len(texts))
        for b in range(a + 1, len(texts))
    }
    told = {(a, b): likeness for a, b, likeness in Texts(texts).pairs(least=0.3)}
    assert {pair for pair, likeness in slow.items() if likeness > 0.3 + 1e-9} <= told.keys()
    for pair, likeness in told.items():
        assert likeness == pytest.approx(min(1.0, slow[pair]))


@given(words)
def test_a_text_is_like_itself_whatever_its_case_and_stops(text: str) -> None:
    found = Texts([text, "something else entirely"])
    near = dict(found.like(f"  {text}!  "))
    assert (near.get(0, 0.0) > 0.999) == bool(len(runs(text)))


@given(words, words)
def test_what_cannot_be_seen_makes_no_difference(one: str, other: str) -> None:
    hidden = "\u200b\u202e\ufeff".join(one)
    assert plain_words(hidden) == plain_words(one)
    assert Texts([]).like(one) == []
    assert Texts([""]).like(other) == []


def test_ten_thousand_statements_are_asked_within_a_few_milliseconds() -> None:
    rng = np.random.default_rng(1)
    stems = [
        f"{a}{b}{c}"
        for a in "bdfgklmnprst"
        for b in ("a", "e", "io", "u")
        for c in ("nt", "r", "sh", "l")
    ]
    texts = [" ".join(rng.choice(stems, 12)) for _ in range(10_000)]
    found = Texts(texts)
    began = time.process_time()
    for place in range(0, 10_000, 500):
        assert found.like(texts[place])[0] == (place, pytest.approx(1.0))
    assert (time.process_time() - began) / 20 < 0.05


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ("Buses should run all night", "Busses should run all night!", "Close the library"),
        ("Autobusy powinny jeździć w nocy", "AUTOBUSY powinny jeździć nocą", "Zamknąć bibliotekę"),
        ("夜間應該有更多公車", "夜間應有更多的公車", "關閉圖書館"),
        ("ควรมีรถเมล์มากขึ้นตอนกลางคืน", "ตอนกลางคืนควรมีรถเมล์มากขึ้น", "ปิดห้องสมุด"),
        ("रात में और बसें चलनी चाहिए", "रात में और बसें चलें", "पुस्तकालय बंद करो"),
        ("🚌🚌🚌 please", "🚌🚌🚌 PLEASE!!", "🌳"),
        ("يجب أن تعمل الحافلات ليلا", "يجب أن تعمل الحافلات في الليل", "أغلقوا المكتبة"),
    ],
)
def test_likeness_needs_no_dictionary(one: str, other: str, apart: str) -> None:
    votes = all_vote({0: [1] * 10, 1: [1] * 10, 2: [1] * 10})
    told = similar_statements([one, apart, other], votes, least=0.3)
    assert [(s.first, s.second, s.merge) for s in told] == [(0, 2, True)]


def test_opposites_look_alike_but_are_not_merged() -> None:
    texts = ["The library should stay open", "The library should not stay open"]
    yes, no = [1] * 10, [-1] * 10
    (told,) = similar_statements(texts, all_vote({0: yes, 1: no}))
    assert (told.voters, told.same, told.merge) == (10, 0.0, False)
    (told,) = similar_statements(texts, all_vote({0: yes, 1: yes[:7]}))
    assert (told.voters, told.same, told.merge) == (7, 1.0, False)  # too few to say
    (told,) = similar_statements(texts, all_vote({0: yes, 1: [0] * 10}))
    assert (told.voters, told.same, told.merge) == (0, None, False)


def test_every_statement_needs_its_text() -> None:
    with pytest.raises(ValueError, match="1 texts for 2 statements"):
        similar_statements(["a"], all_vote({0: [1], 1: [1]}))


def test_what_is_to_be_merged_comes_first() -> None:
    texts = [
        "Trams, trams and trams",
        "Trams, trams and trams",
        "More buses at night",
        "More buses, at night too",
    ]
    votes = all_vote({0: [1] * 10, 1: [-1] * 10, 2: [1] * 10, 3: [1] * 10})
    told = similar_statements(texts, votes)
    assert [(s.first, s.second, s.merge) for s in told] == [(2, 3, True), (0, 1, False)]
    assert similar_statements(["", ""], all_vote({0: [1], 1: [1]})) == ()
