"""Similar statements: alike in any language, and merged only where people vote alike."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.engine.opinion import Votes, similar_statements
from commonweal.engine.opinion.similar import Texts, grams

words = st.text(max_size=30)


def all_vote(values: dict[int, list[int]]) -> Votes:
    """Return votes where person 0, 1, 2 ... gave these values on each statement."""
    log = [(i, j, x) for j, row in values.items() for i, x in enumerate(row)]
    return Votes.from_log(*np.array(log).T, statements=list(values))


@given(st.lists(words, min_size=1, max_size=8))
def test_pairs_are_what_comparing_each_with_each_gives(texts: list[str]) -> None:
    found = Texts(texts)
    slow = {
        (a, b): sum(weight * found.rows[b].get(gram, 0.0) for gram, weight in found.rows[a].items())
        for a in range(len(texts))
        for b in range(a + 1, len(texts))
    }
    told = {(a, b): likeness for a, b, likeness in found.pairs(least=0.3)}
    assert told.keys() == {pair for pair, likeness in slow.items() if likeness >= 0.3}
    for pair, likeness in told.items():
        assert likeness == pytest.approx(min(1.0, slow[pair]))


@given(words)
def test_a_text_is_like_itself_whatever_its_case_and_stops(text: str) -> None:
    found = Texts([text, "something else entirely"])
    near = dict(found.like(f"  {text}!  "))
    assert (near.get(0, 0.0) > 0.999) == bool(grams(text))


@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        ("Buses should run all night", "Busses should run all night!", "Close the library"),
        ("Autobusy powinny jeździć w nocy", "AUTOBUSY powinny jeździć nocą", "Zamknąć bibliotekę"),
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
