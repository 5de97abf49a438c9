"""Advice on wording speaks up where a sentence is hard to answer, and is quiet where it is not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.kit.wording import Hint, advise, side

QUIET = """
The day centre should open on Sundays.
Visits by carers are long enough.
I would rather have one person I know ring me.
Buses should run day and night.
My street is safe after dark.
The council should spend more on home care than on roads.
I know whom to call when I get home from hospital.
People who care for a relative should get a week off each year.
A nurse should ring everybody on the day after they get home.
The walk between the station and the market is too dark.
Young and old should share the youth club.
NHS staff should be able to park for free.
This town needs a second library.
It is hard to get a GP appointment.
I trust the people who come into my home.
Most of the money should go to the villages.
Volunteers can do as good a job as paid staff.
Care workers should be paid for the time between visits.
A short visit every day is better than a long one once a week.
Pharmacies should be open until ten in the evening.
There are not enough seats at bus stops.
Dogs should be on a lead in the park.
People aged 65 or over should travel for free.
Our council does more for the centre than for the suburbs.
I feel well informed when I leave hospital.
""".strip().splitlines()

SPOKEN_AGAINST = [
    ("Buses should run early and be cheaper.", Hint.SEVERAL, "and"),
    ("Nurses and carers should be paid more.", Hint.SEVERAL, "and"),
    ("Cars should be banned, but taxis may stay.", Hint.SEVERAL, "but"),
    ("The library is too small. It should be open longer.", Hint.SEVERAL, ""),
    ("Cut the grass; mend the swings.", Hint.SEVERAL, ""),
    ("Trees & benches make a street better.", Hint.SEVERAL, "&"),
    ("We should plant trees as well as hedges.", Hint.SEVERAL, "as well as"),
    ("The pool should open earlier or stay open later.", Hint.CHOICE, "or"),
    ("Parking should be free because shops are closing.", Hint.REASON, "because"),
    ("The council should not charge for bins.", Hint.NOT, "not"),
    ("Cars shouldn't park near the school.", Hint.NOT, "shouldn't"),
    ("Cars shouldn’t park near the school.", Hint.NOT, "shouldn’t"),
    ("We should not stop the night bus.", Hint.TWICE_NOT, ""),
    ("Nobody should be left without a phone number.", Hint.TWICE_NOT, ""),
    ("It isn't unfair that visitors pay.", Hint.TWICE_NOT, ""),
    ("Nothing should never be said.", Hint.TWICE_NOT, ""),
    ("Why is the bus always late?", Hint.QUESTION, ""),
    ("Should parking be free? ", Hint.QUESTION, ""),
    ("How about a market on Sundays", Hint.QUESTION, "How about"),
    ("More buses", Hint.SHORT, ""),
    ("Hello to all of you from Anna", Hint.SHORT, ""),
    ("Thank you for all you do here", Hint.SHORT, ""),
    ("x" * 141, Hint.LONG, ""),
    ("a b " * 13, Hint.LONG, ""),
    ("The MDT should ring people at home.", Hint.SHORTENED, "MDT"),
    ("CHC funding should be easier to get.", Hint.SHORTENED, "CHC"),
    ("OTs should visit within a week.", Hint.SHORTENED, "OTs"),
    ("Stakeholders should be heard earlier.", Hint.JARGON, "Stakeholders"),
    ("The discharge process should be quicker.", Hint.JARGON, "discharge process"),
    ("Money should be ring-fenced for carers.", Hint.JARGON, "ring-fenced"),
    ("Obviously the bridge should stay open.", Hint.LEADING, "Obviously"),
    ("Everyone knows the buses are late.", Hint.LEADING, "Everyone knows"),
    ("It is a disgrace how long people wait.", Hint.LEADING, "is a disgrace"),
    ("Any sensible person would keep the library.", Hint.LEADING, "Any sensible person"),
    ("GIVE US BACK THE NIGHT BUS", Hint.SHOUTING, ""),
    ("Safety is important.", Hint.AGREED, ""),
    ("Good care is very important!", Hint.AGREED, ""),
    ("Everyone deserves respect.", Hint.AGREED, ""),
    ("We all want to be safe.", Hint.AGREED, ""),
    ("Children matter.", Hint.SHORT, ""),
    ("Our health matters to everyone.", Hint.AGREED, ""),
    ("The library was built in 1994.", Hint.FACT, ""),
    ("There are 14 bus stops in the town.", Hint.FACT, ""),
    ("The bridge opened to traffic in 2011.", Hint.FACT, ""),
    ("They should answer the phone.", Hint.ALONE, "They"),
    ("This should be free for children.", Hint.ALONE, "This"),
    ("I agree with the one about buses.", Hint.ALONE, "I agree with"),
    ("Same as statement 5.", Hint.ALONE, "Same as"),
    ("Ring my mother on 01632 960 001 for more.", Hint.PRIVATE, "01632 960 001"),
    ("Write to rosa@example.org about this road.", Hint.PRIVATE, "rosa@example.org"),
]  # fmt: skip


@pytest.mark.parametrize("sentence", QUIET)
def test_a_plain_sentence_is_left_alone(sentence: str) -> None:
    assert [(one.hint, one.about) for one in advise(sentence)] == []


@pytest.mark.parametrize(("sentence", "hint", "about"), SPOKEN_AGAINST)
def test_what_is_hard_to_answer_is_said(sentence: str, hint: Hint, about: str) -> None:
    found = {one.hint: one.about for one in advise(sentence)}
    assert hint in found, found
    assert found[hint] == about


def test_every_hint_is_shown_by_a_sentence() -> None:
    assert {hint for _sentence, hint, _about in SPOKEN_AGAINST} == set(Hint)


def test_a_shout_is_not_taken_for_many_short_forms() -> None:
    assert [one.hint for one in advise("GIVE US BACK THE NIGHT BUS")] == [Hint.SHOUTING]


def test_nothing_is_said_of_nothing() -> None:
    assert advise("") == advise(" \n\t ") == []


@given(st.text(max_size=400))
def test_any_text_is_read_and_each_thing_said_once(text: str) -> None:
    hints = [one.hint for one in advise(text)]
    assert len(hints) == len(set(hints))
    assert all(one.words for one in advise(text))
    assert side(text) in (-1, 0, 1)


def test_another_language_is_mostly_left_alone() -> None:
    others = (
        "Dylai’r ganolfan fod ar agor ar ddydd Sul.",
        "Busse sollten auch nachts fahren.",
        "公交车应该晚上也运行。",
        "يجب أن تعمل الحافلات ليلا",
    )
    for sentence in others:
        assert {one.hint for one in advise(sentence)} <= {Hint.SHORT}


@pytest.mark.parametrize(
    "hostile", ["a " * 5000, "and " * 3000, "is " * 3000, "no " * 4000, "." * 20000]
)
def test_a_very_long_text_takes_no_long_time(hostile: str) -> None:
    from time import process_time

    began = process_time()
    advise(hostile[:20000])
    assert process_time() - began < 0.5
