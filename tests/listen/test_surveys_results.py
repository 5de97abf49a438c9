"""What a survey found: numbers, doubts and what is hidden; and how answers are read."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from commonweal.engine.tabulation import SMALL, hide_cells, hide_counts, merge_small
from commonweal.ground.places.models import Community
from commonweal.listen.surveys import queries, rules
from commonweal.listen.surveys.models import Answer, Item, Kind, Response, Survey
from commonweal.listen.surveys.queries import Told
from commonweal.listen.surveys.rules import Typed, Wrong
from tests.factories import world
from tests.listen.surveys import a_survey, answers, ask, choice

# --- reading what people type


@pytest.mark.parametrize(
    ("typed", "number"),
    [
        ("12", "12"), (" 12 ", "12"), ("１２", "12"), ("1,200", "1200"), ("1 200", "1200"),
        ("1\u00a0200", "1200"), ("1'200", "1200"), ("1,200,000", "1200000"), ("2.5", "2.5"),
        ("2,5", "2.5"), (".5", "0.5"), ("5.", "5"), ("1,200.50", "1200.50"), ("1.200,50", "1200.50"),
        ("-3", "-3"), ("−3", "-3"), ("£40", "40"), ("30 minutes", "30"), ("30 Minutes", "30"),
        ("1.234", "1.234"), ("0012", "12"), ("25%", "25"),
    ],
)  # fmt: skip
def test_a_number_is_read_as_people_write_it(typed: str, number: str) -> None:
    assert rules.number_in(typed, "minutes") == Decimal(number)


@pytest.mark.parametrize(
    "typed",
    ["1e9", "twelve", "1,2,3", "1.2.3", "--1", "1-2", "12 miles", "NaN", "inf", "0x10", "1_000", "½",
     "٣", "1,20,000", ".", "-", "£", "9" * 30, "1 2", "²"],
)  # fmt: skip
def test_what_is_no_number_is_told_in_words(typed: str) -> None:
    with pytest.raises(Wrong):
        rules.number_in(typed)


@given(st.text(max_size=60))
def test_no_text_breaks_the_reading_of_a_number(text: str) -> None:
    try:
        number = rules.number_in(text, "minutes")
    except Wrong:
        return
    assert number.is_finite() and abs(number) < rules.MOST_NUMBER


@given(st.decimals(-999_999, 999_999, places=3, allow_nan=False))
def test_a_number_that_is_written_plainly_is_read_as_itself(number: Decimal) -> None:
    written = rules.plain(number)
    assert rules.number_in(written) == number
    assert rules.number_in(f"{number:,.3f}") == number


def a_place(spot: str) -> Item:
    return Item(pk=1, kind=Kind.PLACE, spot=spot, words="Where?")


@pytest.mark.parametrize(
    ("spot", "typed", "kept"),
    [
        ("postcode", "lm1 4ab", "LM1 4"), ("postcode", "LM14AB", "LM1 4"), ("postcode", "LM1 4", "LM1 4"),
        ("postcode", "ＥＣ１Ａ 1bb", "EC1A 1"), ("point", "51.4816, -3.1791", "51.482,-3.179"),
        ("point", "51.5 −3.2", "51.500,-3.200"), ("area", "elsewhere", "elsewhere"),
    ],
)  # fmt: skip
def test_no_more_of_a_place_is_kept_than_is_needed(spot: str, typed: str, kept: str) -> None:
    found = rules.read(a_place(spot), Typed((typed,)), {})
    assert found is not None and found.spot == kept


@pytest.mark.parametrize(
    ("spot", "typed"),
    [("postcode", "LM1"), ("postcode", "nowhere"), ("point", "-3.18, 51.48"), ("point", "51.48"),
     ("point", "91,0"), ("area", "17"), ("area", "٣"), ("area", "x" * 4000)],
)  # fmt: skip
def test_a_place_that_is_none_is_told_in_words(spot: str, typed: str) -> None:
    with pytest.raises(Wrong):
        rules.read(a_place(spot), Typed((typed,)), {})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("Don't you agree that buses are late?", "one answer"),
        ("How clean and safe is the bus?", "two things"),
        ("How good is our stakeholder engagement?", "neighbour"),
        ("Is the NHS quick?", "Write it out"),
        ("Should buses not stop here?", "read over"),
        ("Why " + "so " * 30 + "late?", "long"),
    ],
)
def test_advice_on_a_question_is_given_kindly(words: str, said: str) -> None:
    item = Item(pk=1, kind=Kind.SCALE, words=words, low_words="a", high_words="b")
    assert any(said in advice for advice in rules.advice(item))


def test_a_plain_question_gets_no_advice() -> None:
    item = Item(pk=1, kind=Kind.TEXT, words="What would make the bus better?")
    assert rules.advice(item) == []


# --- what is hidden


def tables() -> st.SearchStrategy[NDArray[np.int64]]:
    shape = st.tuples(st.integers(1, 5), st.integers(1, 5))
    return shape.flatmap(lambda size: arrays(np.int64, size, elements=st.integers(0, 12)))


def determined(table: NDArray[np.int64], hidden: NDArray[np.bool_]) -> list[Any]:
    """Return the hidden cells that follow from the sums and the cells shown, by linear algebra."""
    at = {tuple(cell): n for n, cell in enumerate(np.argwhere(hidden).tolist())}
    lines = []
    for axis, size in enumerate(table.shape):
        for n in range(size):
            line = np.zeros(len(at))
            for cell, k in at.items():
                line[k] = cell[axis] == n
            lines.append(line)
    known = np.array(lines)
    rank = np.linalg.matrix_rank(known) if at else 0
    return [
        cell
        for cell, k in at.items()
        if np.linalg.matrix_rank(np.vstack([known, np.eye(len(at))[k]])) == rank
    ]


@settings(deadline=None)
@given(tables())
def test_no_hidden_cell_of_a_table_follows_from_what_is_shown(table: NDArray[np.int64]) -> None:
    hidden = hide_cells(table)
    assert hidden[(table > 0) & (table < SMALL)].all()
    for row, column in determined(table, hidden):
        # only where there was nothing left to hide in its row or its column
        assert hidden[row].all() or hidden[:, column].all()


@given(st.lists(st.integers(0, 30), min_size=1, max_size=9))
def test_no_hidden_count_of_a_line_follows_from_its_sum(numbers: list[int]) -> None:
    counts = np.array(numbers, dtype=np.int64)
    hidden = hide_counts(counts)
    assert hidden[(counts > 0) & (counts < SMALL)].all()
    some_left = (~hidden & (counts > 0)).any()
    if hidden.any() and some_left:
        assert np.count_nonzero(hidden) > 1 and counts[hidden].sum() >= SMALL


@given(st.lists(st.integers(0, 30), min_size=1, max_size=15))
def test_parts_of_a_distribution_are_whole_and_none_is_small(numbers: list[int]) -> None:
    parts = merge_small(np.array(numbers, dtype=np.int64))
    assert [n for first, last in parts for n in range(first, last + 1)] == list(range(len(numbers)))
    sums = [sum(numbers[first : last + 1]) for first, last in parts]
    assert sum(numbers) < SMALL or not [n for n in sums if 0 < n < SMALL]


# --- what is told


def told(survey: Survey) -> list[Told]:
    items = queries.items_of(survey)
    return queries.told(survey, items, queries.tally(survey, items))


@pytest.fixture
def survey(community: Community) -> Survey:
    return a_survey(community)


def pick(item: Item, words: str) -> list[int]:
    return [int(choice(item, words))]


@pytest.mark.django_db
def test_small_counts_are_hidden_with_a_second_one(survey: Survey) -> None:
    item = ask(survey, Kind.ONE, "Ride?", "Often", "Seldom", "Never", "Ever")
    for words, n in (("Often", 30), ("Seldom", 9), ("Never", 3)):
        answers(survey, n, item, options=pick(item, words))
    (line,) = told(survey)
    assert [bar.count for bar in line.bars] == [30, None, None, 0]
    assert line.answered == 42 and line.hides
    few = ask(survey, Kind.TEXT, "Why?")
    answers(survey, 3, few, words="Rain")
    assert told(survey)[1].is_small


@pytest.mark.django_db
def test_a_scale_joins_its_neighbours_and_hides_an_average_that_would_tell(survey: Survey) -> None:
    item = ask(survey, Kind.SCALE)
    for number, n in ((1, 2), (2, 7), (4, 20), (5, 1)):
        answers(survey, n, item, number=number)
    (line,) = told(survey)
    assert [(bar.words, bar.count) for bar in line.bars] == [
        ("1 to 2", 9), ("3", 0), ("4 to 5", 21),
    ]  # fmt: skip
    assert line.mean == "" and line.mean_hidden and line.median == "4 to 5"
    answers(survey, 80, item, number=4)
    (line,) = told(survey)
    assert line.mean == "3.8"


@pytest.mark.django_db
def test_numbers_become_a_histogram_with_mean_and_median(survey: Survey) -> None:
    item = ask(survey, Kind.NUMBER)
    for number in range(0, 60, 2):
        answers(survey, 6, item, number=number)
    (line,) = told(survey)
    assert (line.mean, line.median, line.answered) == ("29", "28", 180)
    assert sum(bar.count or 0 for bar in line.bars) == 180
    assert line.bars[0].words == "0 to 4" and len(line.bars) <= 12


@pytest.mark.django_db
def test_results_that_were_kept_with_decimals_say_the_same(survey: Survey) -> None:
    happy, sums = ask(survey, Kind.SCALE, lowest=-2, highest=2), ask(survey, Kind.NUMBER)
    for number in ("-1.5", "0", "2.25", "400000000000"):
        answers(survey, 40, sums, number=number)
    for number in (-2, 0, 1):
        answers(survey, 40, happy, number=number)
    items = queries.items_of(survey)
    whole = queries.tally(survey, items)
    new = queries.told(survey, items, whole)
    for told in whole["items"].values():
        told["numbers"] = [[f"{Decimal(n) / 1000:.3f}", many] for n, many in told["numbers"]]
    old = queries.told(survey, items, whole)
    assert [(line.bars, line.mean, line.median) for line in old] == [
        (line.bars, line.mean, line.median) for line in new
    ]
    assert [(bar.words, bar.count) for bar in new[0].bars] == [
        ("-2", 40), ("-1", 0), ("0", 40), ("1", 40), ("2", 0),
    ]  # fmt: skip
    assert new[1].mean == "100000000000.2" and new[1].median == "0"


@pytest.mark.django_db
def test_one_number_alone_and_negative_ones_make_a_histogram_too(survey: Survey) -> None:
    one, two = ask(survey, Kind.NUMBER, "A?"), ask(survey, Kind.NUMBER, "B?", takes_fractions=True)
    answers(survey, 6, one, number=7)
    for number in ("-2.5", "-0.5", "3.25"):
        answers(survey, 6, two, number=number)
    first, second = told(survey)
    assert [(bar.words, bar.count) for bar in first.bars] == [("7", 6)]
    assert sum(bar.count or 0 for bar in second.bars) == 18
    assert second.bars[0].words.startswith("-2.5")


@pytest.mark.django_db
def test_who_answered_stands_beside_who_lives_here(survey: Survey, community: Community) -> None:
    other = world.a_community(community.authority, name="Highfold", people_who_live_here=3_000)
    Community.objects.filter(pk=community.pk).update(people_who_live_here=1_000)
    where = ask(survey, Kind.PLACE, "Where?")
    age = ask(survey, Kind.ONE, "Age?", "Young", "Old", is_about_you=True)
    age.options.filter(words="Young").update(people_here=100)
    age.options.filter(words="Old").update(people_here=300)
    answers(survey, 10, where, area=community)
    answers(survey, 10, where, area=other)
    answers(survey, 5, where, spot="elsewhere")
    answers(survey, 6, age, options=pick(age, "Young"))
    first, second = told(survey)
    assert {(b.words, b.count, b.percent_here) for b in first.bars} == {
        ("Quayside", 10, 25), ("Highfold", 10, 75), ("Somewhere else", 5, None),
    }  # fmt: skip
    assert [(b.percent, b.percent_here) for b in second.bars] == [(100, 25), (0, 75)]


@pytest.mark.django_db
def test_one_question_by_another_counts_people_and_hides_what_is_small(survey: Survey) -> None:
    ride = ask(survey, Kind.ONE, "Ride?", "Yes", "No")
    likes = ask(survey, Kind.SEVERAL, "Likes?", "Seats", "Price", "Time")
    for words, chosen, n in (
        ("Yes", ("Seats", "Price"), 20),
        ("No", ("Price",), 9),
        ("No", ("Seats", "Time"), 12),
        ("Yes", ("Time",), 2),
    ):
        for _n in range(n):
            said = Response.objects.create(survey=survey, sent_on="2026-01-01")
            Answer.objects.create(response=said, item=ride, options=pick(ride, words))
            picks = [pk for one in chosen for pk in pick(likes, one)]
            Answer.objects.create(response=said, item=likes, options=picks)
    answers(survey, 7, likes, options=pick(likes, "Time"))
    lines = told(survey)
    count = sum(queries.answered(survey).values())
    found = queries.crossed(survey, lines, likes, ride, count)
    assert found is not None
    assert [bar.words for bar in found.columns] == ["Yes", "No", "No answer"]
    cells = dict(zip((bar.words for bar in found.rows), found.cells, strict=True))
    assert cells["Time"][0] is None  # two people
    assert found.hides
    shown = {"Seats": [20, 12, 0], "Price": [20, 9, 0], "Time": [2, 12, 7]}
    for words, numbers in cells.items():
        assert all(n in (None, real) for n, real in zip(numbers, shown[words], strict=True))
    assert sum(n is None for n in cells["Time"]) > 1
    turned = queries.crossed(survey, lines, ride, likes, count)
    assert turned is not None and turned.hides


@pytest.mark.django_db
def test_every_kind_can_be_crossed_with_every_other(survey: Survey, community: Community) -> None:
    items = [
        ask(survey, Kind.ONE, "A?", "x", "y"),
        ask(survey, Kind.SEVERAL, "B?", "x", "y"),
        ask(survey, Kind.SCALE, "C?"),
        ask(survey, Kind.PLACE, "D?"),
        ask(survey, Kind.PLACE, "E?", spot="point"),
    ]
    for n in range(12):
        said = Response.objects.create(survey=survey, sent_on="2026-01-01")
        for item in items[:2]:
            Answer.objects.create(response=said, item=item, options=pick(item, "xy"[n % 2]))
        Answer.objects.create(response=said, item=items[2], number=1 + n % 2)
        Answer.objects.create(response=said, item=items[3], area=community)
        Answer.objects.create(response=said, item=items[4], spot="51.482,-3.179")
    lines = told(survey)
    for row in items:
        for column in items:
            if row != column:
                found = queries.crossed(survey, lines, row, column, 12)
                assert found is not None
                shown = [n for cells in found.cells for n in cells]
                assert sum(n or 0 for n in shown) == 12, (row.words, column.words)
