"""The model: beside a slow one, beside the truth, and where there is nothing to learn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.engine.opinion import Votes, model_kernel
from commonweal.engine.opinion.model import (
    LEAST_GAIN,
    choose,
    fit,
    full,
    log_loss,
    packed,
    refreshed,
    split,
)
from tests.engine.opinion.conversations import Entry, logs, votes_of
from tests.engine.opinion.planted import low_rank


def slow_sweep(votes, first, moments, precision, mean, cover):  # type: ignore[no-untyped-def]
    """Update everybody by matrices, as the formulas stand in the paper."""
    size = first.shape[1]
    a_sum, l_sum = np.zeros_like(moments), np.zeros_like(first)
    for i in range(len(votes.people)):
        z = np.concatenate(([1.0], mean[i]))
        zz = np.outer(z, z)
        zz[1:, 1:] += cover[i]
        rows = range(votes.start[i], votes.start[i + 1])
        seen = [(votes.statement[e], votes.value[e]) for e in rows if votes.value[e]]
        weights = []
        linear, total = np.zeros(size), np.zeros((size, size))
        for j, value in seen:
            root = np.sqrt((zz * moments[j]).sum())
            weights.append(np.tanh(root / 2) / (2 * root))
            total += weights[-1] * moments[j]
            linear += value / 2 * first[j]
        cover[i] = np.linalg.inv(np.diag(precision) + total[1:, 1:])
        mean[i] = cover[i] @ (linear[1:] - total[1:, 0])
        z = np.concatenate(([1.0], mean[i]))
        zz = np.outer(z, z)
        zz[1:, 1:] += cover[i]
        for (j, value), weight in zip(seen, weights, strict=True):
            a_sum[j] += weight * zz
            l_sum[j] += value / 2 * z
    return a_sum, l_sum


@given(logs, st.integers(0, 4), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_the_inner_loop_does_what_the_formulas_say(
    log: list[Entry], dimensions: int, seed: int
) -> None:
    votes, rng = votes_of(log), np.random.default_rng(seed)
    people, statements, size = len(votes.people), len(votes.statements), dimensions + 2

    def covariances(count: int, size: int) -> np.ndarray:  # type: ignore[type-arg]
        roots = rng.standard_normal((count, size, size))
        return roots @ roots.transpose(0, 2, 1) + 0.1 * np.eye(size)

    first = rng.standard_normal((statements, size))
    first[:, 1] = 1
    moments = first[:, :, None] * first[:, None, :] + covariances(statements, size)
    mean, cover = rng.standard_normal((people, size - 1)), covariances(people, size - 1)
    precision = rng.uniform(0.2, 3, size - 1)
    second = packed(moments, model_kernel.width_of(size))
    spread = packed(cover, size * (size - 1) // 2)
    a_sum, l_sum, quick = np.zeros_like(second), np.zeros_like(first), mean.copy()
    model_kernel.compiled().sweep(
        votes.start, votes.statement, votes.value, first, second, precision, 1, False,
        quick, spread, a_sum, l_sum,
    )  # fmt: skip
    slow_a, slow_l = slow_sweep(votes, first, moments, precision, mean, cover)
    np.testing.assert_allclose(quick, mean, atol=1e-8)
    np.testing.assert_allclose(full(spread, size - 1), cover, atol=1e-8)
    np.testing.assert_allclose(full(a_sum, size), slow_a, atol=1e-8)
    np.testing.assert_allclose(l_sum, slow_l, atol=1e-8)


@given(st.integers(0, 4), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_statements_are_settled_and_turned_as_the_formulas_say(dimensions: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    size, count = dimensions + 2, 5
    free = [0, *range(2, size)]
    roots = rng.standard_normal((count, size, size + 2))
    sums, linear = roots @ roots.transpose(0, 2, 1), rng.standard_normal((count, size))
    prior, onto = rng.uniform(0.5, 2, size - 1), np.eye(size)
    onto[0, 1:], onto[2:, 2:] = rng.standard_normal(size - 1), np.tri(dimensions) * 0.7
    old = rng.standard_normal((count, size))
    old[:, 1] = 1
    first, width = old.copy(), model_kernel.width_of(size)
    second, squares = np.zeros((count, width)), np.zeros((dimensions, dimensions))
    kernel = model_kernel.compiled()
    kernel.settled(packed(sums, width), linear, prior, 0.3, onto, 1.5, first, second, squares)
    moments = np.empty((count, size, size))
    for j in range(count):
        unsure = np.zeros((size, size))
        unsure[np.ix_(free, free)] = np.linalg.inv(sums[j][np.ix_(free, free)] + np.diag(prior))
        pull = linear[j] - sums[j][:, 1]
        pull[0] += 0.3
        found = unsure @ pull
        found[1] = 1
        found = old[j] + 1.5 * (found - old[j])
        np.testing.assert_allclose(first[j], onto @ found, atol=1e-9)
        moments[j] = onto @ (np.outer(found, found) + unsure) @ onto.T
    np.testing.assert_allclose(full(second, size), moments, atol=1e-8)
    np.testing.assert_allclose(squares, np.triu(moments[:, 2:, 2:].sum(axis=0)), atol=1e-8)
    turn = np.linalg.qr(rng.standard_normal((dimensions, dimensions)))[0]
    whole = np.eye(size)
    whole[2:, 2:] = turn.T
    before = first.copy()
    kernel.turned(first, second, np.ascontiguousarray(turn))
    np.testing.assert_allclose(first, before @ whole.T, atol=1e-9)
    np.testing.assert_allclose(full(second, size), whole @ moments @ whole.T, atol=1e-8)


@pytest.mark.parametrize("dimensions", [0, 1, 3])
def test_people_are_drawn_by_their_probabilities(dimensions: int) -> None:
    rng = np.random.default_rng(dimensions)
    votes = low_rank(rng, 60, 30, 2, answered=0.3).votes
    model, people = fit(votes, dimensions=dimensions), np.array([3, 7, 20])
    speak = rng.uniform(0.2, 1, 30)
    speak[:2] = 0, 1
    who, what = np.repeat(people, 30), np.tile(np.arange(30), 3)
    told = model.probability(who, what).reshape(3, 30) * speak
    times = 2000
    drawn = sum(model.drawn(people, speak, rng).astype(float) for _ in range(times)) / times
    assert (drawn[:, 0] == 0).all()
    error = np.sqrt(told * (1 - told) / times)
    assert (np.abs(drawn - told) < 4.5 * error + 1e-4).all()


@pytest.mark.parametrize("dimensions", [0, 1, 2, 3])
def test_the_planted_dimensions_are_found_and_predict_almost_like_the_truth(
    dimensions: int,
) -> None:
    rng = np.random.default_rng(dimensions)
    planted = low_rank(rng, 600, 80, dimensions)
    chosen = choose(planted.votes, rng)
    assert chosen.dimensions == dimensions
    assert chosen.losses[dimensions] <= min(chosen.losses) * (1 + LEAST_GAIN)
    known, hidden = split(planted.votes, rng)
    loss, count = log_loss(fit(known), planted.votes, hidden)
    scored = hidden & (planted.votes.value != 0)
    odds = planted.odds[planted.votes.person[scored], planted.votes.statement[scored]]
    best = float(np.log1p(np.exp(-odds * planted.votes.value[scored])).mean())
    naive = log_loss(fit(known, dimensions=0), planted.votes, hidden)[0] / count
    if dimensions:
        assert best < loss / count < best + 0.35 * (naive - best)
    else:
        assert loss / count < best + 0.02


def test_probabilities_mean_what_they_say() -> None:
    rng = np.random.default_rng(5)
    planted = low_rank(rng, 800, 60, 2)
    known, hidden = split(planted.votes, rng, share=0.2)
    scored = hidden & (planted.votes.value != 0)
    p = fit(known).probability(planted.votes.person[scored], planted.votes.statement[scored])
    agreed = planted.votes.value[scored] > 0
    for low in np.arange(0, 1, 0.1):
        inside = (p >= low) & (p < low + 0.1)
        wrong = abs(float(agreed[inside].mean() - p[inside].mean()))
        assert wrong < 3.5 * float(np.sqrt(0.25 / inside.sum())) + 0.02


def test_intervals_of_the_log_odds_hold_the_truth() -> None:
    rng = np.random.default_rng(6)
    planted = low_rank(rng, 500, 60, 1)
    model = fit(planted.votes, dimensions=1)
    who, what = np.divmod(np.arange(planted.odds.size), planted.odds.shape[1])
    middle, variance = model.odds(who, what)
    inside = np.abs(middle - planted.odds.ravel()) < 1.645 * np.sqrt(variance)
    assert 0.82 < inside.mean() < 0.95


@pytest.mark.parametrize("seed", range(5))
def test_votes_shuffled_inside_each_statement_have_no_dimension(seed: int) -> None:
    rng = np.random.default_rng(seed)
    votes = low_rank(rng, 400, 60, 2, answered=0.4).votes
    value = votes.value.copy()
    for j in range(len(votes.statements)):
        place = np.flatnonzero(votes.statement == j)
        value[place] = value[rng.permutation(place)]
    shuffled = Votes(votes.people, votes.statements, votes.start, votes.statement, value)
    assert choose(shuffled, rng).dimensions == 0
    assert choose(votes, rng).dimensions == 2


@given(logs)
@settings(deadline=None, max_examples=40)
def test_saying_no_for_yes_turns_every_probability_round(log: list[Entry]) -> None:
    turned = [Entry(e.person, e.statement, -e.value, e.moment) for e in log]
    # of different votes at one moment the higher counts, which is not the same turned round
    alone = {(e.person, e.statement): e for e in log}.values()
    other = {(e.person, e.statement): e for e in turned}.values()
    votes = votes_of(alone)
    one, two = fit(votes, dimensions=2), fit(votes_of(other), dimensions=2)
    who, what = np.indices((len(votes.people), len(votes.statements))).reshape(2, -1)
    np.testing.assert_allclose(
        one.probability(who, what), 1 - two.probability(who, what), atol=1e-3
    )


@given(logs)
@settings(deadline=None, max_examples=40)
def test_every_conversation_has_a_model_and_strangers_have_a_probability(log: list[Entry]) -> None:
    votes = votes_of(log)
    model = fit(votes, sweeps=8)
    who, what = np.indices((len(votes.people) + 1, len(votes.statements) + 1)).reshape(2, -1) - 1
    p = model.probability(who, what)
    assert ((p > 0) & (p < 1)).all()
    assert (np.linalg.eigvalsh(model.unsure) > 0).all()


def test_a_pass_is_no_vote_for_or_against() -> None:
    votes = low_rank(np.random.default_rng(7), 100, 20, 1).votes
    one = fit(votes)
    other = fit(votes.chosen(votes.value != 0))
    assert one.mean.tolist() == other.mean.tolist()


def test_it_can_begin_from_an_earlier_model() -> None:
    rng = np.random.default_rng(8)
    planted = low_rank(rng, 600, 40, 2)
    start = fit(planted.votes.among(np.arange(0, 600, 2)), dimensions=2)
    quick = fit(planted.votes, sweeps=3, warm=start)
    slow = fit(planted.votes, dimensions=2)
    who, what = np.indices(planted.odds.shape).reshape(2, -1)
    apart = np.abs(quick.probability(who, what) - slow.probability(who, what))
    assert apart.mean() < 0.01
    with pytest.raises(ValueError, match="has other statements"):
        fit(planted.votes.updated([1], [99], [1]), warm=start)
    with pytest.raises(ValueError, match="dimensions is -1"):
        fit(planted.votes, dimensions=-1)


def test_people_can_be_brought_up_to_date_alone() -> None:
    rng = np.random.default_rng(11)
    planted = low_rank(rng, 300, 40, 1)
    late = rng.random(len(planted.votes)) < 0.02
    model = fit(planted.votes.chosen(~late), dimensions=1)
    votes = planted.votes
    people = np.unique(votes.person[late]).astype(np.intp)
    newer = refreshed(model, votes, people)
    others = np.append(np.setdiff1d(np.arange(300), people), 300)
    assert newer.mean[others].tolist() == model.mean[others].tolist()
    whole = fit(votes, dimensions=1)
    apart = np.abs(newer.positions[people] - whole.positions[people]).mean()
    assert apart < np.abs(model.positions[people] - whole.positions[people]).mean() / 2
    with pytest.raises(ValueError, match="has other people or statements"):
        refreshed(model, votes.updated([999], [1], [1]), people)
