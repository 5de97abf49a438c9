"""Showings: known probabilities, nobody forgotten, and what is learnt from them is fair."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.engine.opinion import (
    Bearings,
    Model,
    Votes,
    chances,
    draw,
    fit,
    position,
    refreshed,
    shares,
)
from commonweal.engine.opinion.shares import AGREE
from tests.engine.opinion.conversations import Entry, logs, votes_of
from tests.engine.opinion.planted import low_rank

PEOPLE, STATEMENTS = 200, 30


@pytest.fixture(scope="module")
def votes() -> Votes:
    return low_rank(np.random.default_rng(1), PEOPLE, STATEMENTS, 2).votes


@pytest.fixture(scope="module")
def model(votes: Votes) -> Model:
    return fit(votes, dimensions=2)


@pytest.fixture(scope="module")
def bearings(votes: Votes, model: Model) -> Bearings:
    return Bearings.of(model, votes.statements)


@given(logs, st.data())
@settings(deadline=None)
def test_whatever_is_open_can_be_shown_and_nothing_else(
    log: list[Entry], data: st.DataObject
) -> None:
    votes = votes_of(log)
    bearings = Bearings.of(fit(votes, dimensions=1, sweeps=5), votes.statements)
    names = np.arange(12)  # some of them nobody has voted on
    shown = np.array(data.draw(st.lists(st.integers(0, 10**9), min_size=12, max_size=12)), int)
    unseen = np.array(data.draw(st.lists(st.booleans(), min_size=12, max_size=12)), bool)
    for i in range(len(votes.people)):
        row = slice(votes.start[i], votes.start[i + 1])
        where = position(bearings, votes.statements[votes.statement[row]], votes.value[row])
        chance = chances(bearings, names, shown, unseen, position=where)
        assert ((chance > 0) == unseen).all()
        assert chance.sum() == pytest.approx(1.0 if unseen.any() else 0.0)
        assert chance[unseen].min(initial=1) >= 0.09 / max(unseen.sum(), 1)
    one, two = (draw(bearings, names, shown, unseen, np.random.default_rng(0)) for _ in range(2))
    assert one == two
    assert (one is None) == (not unseen.any())
    if one is not None:
        assert unseen[one.statement]
        assert one.candidates == unseen.sum()
        assert 0 < one.probability <= 1


def test_a_person_is_placed_by_their_own_votes_as_a_refresh_places_them(
    votes: Votes, model: Model, bearings: Bearings
) -> None:
    whole = refreshed(model, votes, np.arange(PEOPLE))
    kept = Bearings.unpacked(bearings.packed())
    for i in range(0, PEOPLE, 20):
        row = slice(votes.start[i], votes.start[i + 1])
        names, values = votes.statements[votes.statement[row]], votes.value[row]
        found = position(bearings, names, values)
        np.testing.assert_allclose(found.mean, whole.mean[i], atol=1e-9)
        rows, columns = np.triu_indices(3)
        np.testing.assert_allclose(found.spread[rows, columns], whole.spread[i], atol=1e-9)
        np.testing.assert_allclose(position(kept, names, values).mean, found.mean, atol=1e-5)
    late = position(bearings, [*range(5), 999], [1, 1, -1, 0, 1, 1])  # 999 came after the model
    assert np.isfinite(late.mean).all()
    stranger = position(bearings, [], [])
    assert (stranger.mean == 0).all()


def test_before_any_model_there_is_nowhere_to_stand_but_something_to_show() -> None:
    unknown = Bearings.unpacked(Bearings.unknown().packed())
    where = position(unknown, [5, 6], [1, -1])
    assert where.where.shape == (0,)
    drawn = draw(
        unknown, [5, 6, 7], [3, 3, 0], [False, False, True], np.random.default_rng(1),
        position=where,
    )  # fmt: skip
    assert drawn is not None
    assert drawn.statement == 2
    with pytest.raises(ValueError, match="these are no bearings"):
        Bearings.unpacked(b"something else")


def test_showings_come_as_often_as_they_say(bearings: Bearings) -> None:
    rng = np.random.default_rng(2)
    names = np.arange(STATEMENTS)
    shown, unseen = rng.integers(0, 40, STATEMENTS), rng.random(STATEMENTS) < 0.7
    chance = chances(bearings, names, shown, unseen)
    drawn = [draw(bearings, names, shown, unseen, rng) for _ in range(4000)]
    counts = np.bincount([d.statement for d in drawn if d], minlength=STATEMENTS) / 4000
    assert np.abs(counts - chance).max() < 0.03
    assert all(d is not None and d.probability == chance[d.statement] for d in drawn)


def test_a_statement_that_tells_more_is_shown_more(model: Model, bearings: Bearings) -> None:
    even, everything = np.full(STATEMENTS, 7), np.ones(STATEMENTS, dtype=bool)
    chance = chances(bearings, np.arange(STATEMENTS), even, everything)
    strength = (model.directions**2).sum(axis=1)
    assert np.corrcoef(chance, strength)[0, 1] > 0.5


@pytest.mark.parametrize("each", [4, 12])
def test_every_statement_is_seen_about_as_often_with_late_ones_and_moderation(
    bearings: Bearings, each: int
) -> None:
    rng = np.random.default_rng(3)
    names = np.arange(STATEMENTS + 6)  # the last six are not in the model
    shown = np.zeros(len(names), dtype=np.int64)
    for visitor in range(900):
        open_to = np.ones(len(names), dtype=bool)
        open_to[25:] = visitor > 300  # many came late
        open_to[-2:] = visitor > 600  # two very late
        open_to[:3] = visitor < 500  # and three were rejected on the way
        where = position(bearings, [0, 5, 9], rng.integers(-1, 2, 3))
        accepted = open_to.copy()
        for _ in range(each):
            drawn = draw(
                bearings, names[accepted], shown[accepted], open_to[accepted], rng, position=where
            )
            assert drawn is not None
            place = np.flatnonzero(accepted)[drawn.statement]
            open_to[place] = False
            shown[place] += 1
    here = shown[3:]
    middle = float(np.median(here))
    assert here.max() <= 3 * middle
    assert here.min() >= middle / 3


def test_what_routing_favours_is_put_right_by_its_probabilities() -> None:
    """Who is asked what depends on where they stand; inverse probabilities make it even again."""
    rng = np.random.default_rng(4)
    made = low_rank(rng, 60, 12, 1, answered=0.6, strength=2.5)
    agree = 1 / (1 + np.exp(-made.odds))
    bearings = Bearings.of(fit(made.votes, dimensions=1), made.votes.statements)
    names, even, everything = np.arange(12), np.full(12, 5), np.ones(12, dtype=bool)
    what, value, given = [], [], []
    for person in range(60):
        begun = rng.permutation(12)[:6]  # what they answered before says where they stand
        where = position(bearings, begun, np.where(agree[person, begun] > 0.5, 1, -1))
        chance = chances(bearings, names, even, everything, position=where)
        asked = rng.choice(12, 1500, p=chance)
        what.append(asked)
        value.append(np.where(rng.random(1500) < agree[person, asked], 1, -1))
        given.append(chance[asked])
    log = Votes.from_log(np.arange(90_000), np.concatenate(what), np.concatenate(value))
    truth = agree.mean(axis=0)
    naive = shares(log).estimate[:, AGREE, 0] - truth
    fair = shares(log, shown=np.concatenate(given)).estimate[:, AGREE, 0] - truth
    assert np.abs(naive).max() > 0.04
    assert np.abs(fair).max() < 0.02
    assert (fair**2).mean() < (naive**2).mean() / 4


def test_shapes_that_disagree_are_refused(bearings: Bearings) -> None:
    with pytest.raises(ValueError, match="names, shown and unseen have shapes"):
        chances(bearings, np.arange(30), np.zeros(3, int), np.ones(30, dtype=bool))
    with pytest.raises(ValueError, match="statement and value have shapes"):
        position(bearings, [1, 2], [1])
