"""Showings: known probabilities, nobody forgotten, and what is learnt from them is fair."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.engine.opinion import (
    Model,
    Votes,
    fit,
    next_statement,
    shares,
    showing_probabilities,
)
from commonweal.engine.opinion.shares import AGREE
from tests.engine.opinion.conversations import Entry, logs, votes_of
from tests.engine.opinion.planted import low_rank


@pytest.fixture(scope="module")
def model() -> Model:
    return fit(low_rank(np.random.default_rng(1), 200, 30, 2).votes, dimensions=2)


@given(logs, st.data())
@settings(deadline=None)
def test_whatever_is_open_can_be_shown_and_nothing_else(
    log: list[Entry], data: st.DataObject
) -> None:
    votes = votes_of(log)
    size = len(votes.statements)
    model = fit(votes, dimensions=1, sweeps=5)
    shown = np.array(data.draw(st.lists(st.integers(0, 99), min_size=size, max_size=size)), int)
    open_to = np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)), bool)
    for person in range(-1, len(votes.people)):
        chance = showing_probabilities(model, person, shown, open_to)
        assert ((chance > 0) == open_to).all()
        assert chance.sum() == pytest.approx(1.0 if open_to.any() else 0.0)
    drawn = next_statement(model, -1, shown, open_to, np.random.default_rng(0))
    assert (drawn is None) == (not open_to.any())
    if drawn is not None:
        assert open_to[drawn.statement]
        assert drawn.candidates == open_to.sum()
        assert 0 < drawn.probability <= 1


def test_showings_come_as_often_as_they_say(model: Model) -> None:
    rng = np.random.default_rng(2)
    shown, open_to = rng.integers(0, 40, 30), rng.random(30) < 0.7
    chance = showing_probabilities(model, 5, shown, open_to)
    drawn = [next_statement(model, 5, shown, open_to, rng) for _ in range(4000)]
    counts = np.bincount([d.statement for d in drawn if d], minlength=30) / 4000
    assert np.abs(counts - chance).max() < 0.03
    assert all(d is not None and d.probability == chance[d.statement] for d in drawn)


def test_a_statement_that_tells_more_is_shown_more(model: Model) -> None:
    even, everything = np.full(30, 7), np.ones(30, dtype=bool)
    chance = showing_probabilities(model, -1, even, everything)
    strength = (model.directions**2).sum(axis=1)
    assert np.corrcoef(chance, strength)[0, 1] > 0.5


def test_every_statement_is_seen_about_as_often_late_ones_too(model: Model) -> None:
    rng = np.random.default_rng(3)
    shown = np.zeros(30, dtype=np.int64)
    for visitor in range(600):
        open_to = np.ones(30, dtype=bool)
        open_to[25:] = visitor > 300  # five came late
        for _ in range(8):
            drawn = next_statement(model, visitor % 200, shown, open_to, rng)
            assert drawn is not None
            open_to[drawn.statement] = False
            shown[drawn.statement] += 1
    middle = float(np.median(shown))
    assert shown.max() <= 3 * middle
    assert shown.min() >= middle / 3


def test_what_the_choice_favoured_is_put_right_by_its_probability(model: Model) -> None:
    rng = np.random.default_rng(4)
    # whether somebody is asked depends on where they stand, and so does what they answer
    where = model.positions[:, 0]
    truth = float((where > 0).mean())
    even, everything = np.full(30, 7), np.ones(30, dtype=bool)
    chance = np.array([showing_probabilities(model, i, even, everything)[0] for i in range(200)])
    chance = np.clip(chance * np.where(where > 0, 8, 2), 0, 1)
    who = np.repeat(np.arange(200), 40)
    asked = rng.random(len(who)) < chance[who]
    people = np.flatnonzero(asked)
    votes = Votes.from_log(
        people, np.zeros(len(people), int), np.where(where[who[people]] > 0, 1, -1)
    )
    naive = shares(votes).estimate[0, AGREE, 0]
    fair = shares(votes, shown=chance[who[people]]).estimate[0, AGREE, 0]
    assert abs(fair - truth) < 0.05 < abs(naive - truth)


def test_shapes_that_disagree_are_refused(model: Model) -> None:
    with pytest.raises(ValueError, match="shown and open_to have shapes"):
        showing_probabilities(model, 0, np.zeros(3, int), np.ones(30, dtype=bool))
