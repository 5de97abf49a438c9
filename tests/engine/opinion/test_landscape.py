"""Hills: five people at least wherever something is drawn, and the same picture for the same votes."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from commonweal.engine.opinion import Votes, fit, simulate
from commonweal.engine.opinion.groups import mixture
from commonweal.engine.opinion.landscape import (
    LEAST,
    ends,
    landscape,
    outlines,
    plane,
    ring,
    turned,
    variances,
)

PLACES = arrays(
    np.float64,
    st.tuples(st.integers(0, 30), st.just(2)),
    elements=st.floats(-4, 4, allow_subnormal=False),
)


@given(PLACES, st.floats(0, 2))
def test_wherever_a_hill_is_drawn_five_people_stand(places: np.ndarray, unsure: float) -> None:
    found = landscape(places, np.full(len(places), unsure))
    assert (len(found.levels) == 0) or (len(places) >= LEAST and found.levels[0] >= LEAST)
    assert found.height.max(initial=0) <= len(places) + 1e-6
    assert list(found.levels) == sorted(found.levels)


@given(PLACES, st.floats(0, 1))
def test_one_more_person_adds_one_at_most_where_the_bells_are_as_wide(
    places: np.ndarray, unsure: float
) -> None:
    crowd = np.vstack((places, np.zeros((30, 2)), np.full((30, 2), 1.0)))
    found = landscape(crowd, np.full(len(crowd), unsure))
    assert found.height.max() <= len(crowd)


def test_weights_draw_nothing_where_few_people_stand() -> None:
    places = np.vstack((np.zeros((40, 2)), np.full((2, 2), 5.0)))
    heavy = np.concatenate((np.ones(40), np.full(2, 50.0)))
    found = landscape(places, np.full(42, 0.01), weight=heavy)
    plain = landscape(places, np.full(42, 0.01))
    assert (found.height[plain.height < LEAST] == 0).all()


def test_every_line_of_a_hill_closes() -> None:
    rng = np.random.default_rng(1)
    found = landscape(rng.normal(size=(400, 2)), np.full(400, 0.1))
    lines = [line for level in outlines(found) for line in level]
    assert lines
    assert all(np.allclose(line[0], line[-1]) for line in lines)


def test_people_on_one_line_are_a_hill_on_a_line() -> None:
    found = landscape(np.linspace(-1, 1, 50)[:, None], np.zeros(50), shape=(80, 1))
    assert found.height.shape == (80,)
    assert len(found.up) == 0
    assert found.levels


def test_groups_stand_apart_and_the_first_lies_to_the_left() -> None:
    made = simulate(np.random.default_rng(3), people=400, statements=40, groups=3, answered=0.5)
    votes = Votes.from_log(made.person, made.statement, made.value)
    model = fit(votes, dimensions=3)
    found = mixture(votes, 3, model.positions, np.random.default_rng(0))
    places = plane(model, found.member).places(model.positions)
    middles = np.array([places[found.group == g].mean(axis=0) for g in range(3)])
    gaps = [np.linalg.norm(middles[a] - middles[b]) for a in range(3) for b in range(a)]
    inside = np.mean([places[found.group == g].std() for g in range(3)])
    assert min(gaps) > 1.5 * inside
    assert middles[0, 0] < middles[:, 0].mean()
    radii = ring(places, variances(model, plane(model, found.member)), found.member[:, 0])[1]
    assert radii[0] >= radii[1] > 0


def test_a_plane_that_is_turned_lies_as_it_did() -> None:
    rng = np.random.default_rng(2)
    names = rng.normal(size=(30, 3))
    onto = np.linalg.qr(rng.normal(size=(3, 2)))[0]
    mirrored = onto @ np.array([[0.0, 1.0], [-1.0, 0.0]])
    assert np.allclose(turned(mirrored, names, names @ onto), onto)


def test_ends_of_a_line_say_opposite_things() -> None:
    rows = [(i, j, 1 if (i < 15) == (j < 3) else -1) for i in range(30) for j in range(6)]
    model = fit(Votes.from_log(*zip(*rows, strict=True)), dimensions=1)
    told = ends(model, np.ones(6, dtype=bool))
    assert len(told) == 6
    assert all(one > other for _j, one, other in told[:3])
    assert all(one < other for _j, one, other in told[3:])
    assert ends(fit(Votes.from_log([1], [1], [1]), dimensions=0), np.ones(1, dtype=bool)) == ()
