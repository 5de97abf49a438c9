"""Shares with intervals that hold what they promise, weights, and many findings at once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import beta

from commonweal.engine.opinion import Votes, discoveries, mixture, rake, shares
from commonweal.engine.opinion.shares import AGREE, beta_below, beta_quantile
from tests.engine.opinion.conversations import Entry, logs, votes_of
from tests.engine.opinion.planted import drawn

sizes = st.floats(0.05, 5000)


@given(sizes, sizes, st.floats(0, 1))
def test_the_beta_distribution_is_that_of_the_library(a: float, b: float, x: float) -> None:
    one, other = np.array([a]), np.array([b])
    assert beta_below(x, one, other)[0] == pytest.approx(beta.cdf(x, a, b), abs=1e-8)
    level = 0.001 + 0.998 * x
    assert beta_quantile(level, one, other)[0] == pytest.approx(beta.ppf(level, a, b), abs=1e-6)


@given(logs)
@settings(deadline=None)
def test_without_groups_and_weights_shares_are_counts(log: list[Entry]) -> None:
    votes = votes_of(log)
    found = shares(votes)
    counted = votes.tallies / votes.tallies.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(found.estimate[:, :, 0], counted)
    assert found.votes[:, 0].tolist() == votes.tallies.sum(axis=1).tolist()
    np.testing.assert_allclose(found.effective, found.votes)
    assert (found.low <= found.estimate).all()
    assert (found.high >= found.estimate).all()


@given(logs, st.floats(0.2, 5))
@settings(deadline=None)
def test_equal_weights_change_nothing(log: list[Entry], weight: float) -> None:
    votes = votes_of(log)
    one, other = shares(votes), shares(votes, weight=np.full(len(votes.people), weight))
    np.testing.assert_allclose(one.high, other.high)
    np.testing.assert_allclose(one.effective, other.effective)


def test_intervals_hold_the_true_share_nine_times_in_ten() -> None:
    rng = np.random.default_rng(3)
    held = []
    for _ in range(20):
        true = rng.beta(2, 1, 100)
        vote = np.where(rng.random((60, 100)) < true, 1, -1)
        seen = rng.random(vote.shape) < rng.uniform(0.1, 0.9, 100)
        who, what = np.nonzero(seen)
        votes = Votes.from_log(who, what, vote[seen], statements=np.arange(100))
        found = shares(votes)
        held.append((found.low[:, AGREE, 0] <= true) & (true <= found.high[:, AGREE, 0]))
    assert 0.87 < np.mean(held) < 0.93


def test_intervals_of_groups_hold_the_true_share_nine_times_in_ten() -> None:
    held = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        leaning = rng.normal(0.3, 1.5, (3, 60))
        group = rng.choice(3, 300, p=(0.5, 0.3, 0.2))
        planted = drawn(rng, leaning[group], group, 0.4, passes=0.0)
        start = np.eye(3)[group] + rng.normal(0, 0.01, (300, 3))
        found = mixture(planted.votes, 3, start, rng)
        told = shares(planted.votes, found)
        true = 1 / (1 + np.exp(-leaning.T))
        match = [int(np.bincount(group[found.group == g]).argmax()) for g in range(3)]
        true = true[:, match]
        held.append((told.low[:, AGREE] <= true) & (true <= told.high[:, AGREE]))
    assert 0.87 < np.mean(held) < 0.93


def test_a_vote_bears_no_witness_for_the_group_it_made() -> None:
    """Noise cut in two is no finding: the halves must not differ on the votes that made them."""
    rng = np.random.default_rng(5)
    planted = drawn(rng, np.zeros((400, 30)), np.zeros(400, dtype=np.intp), 0.5, passes=0.0)
    found = mixture(planted.votes, 2, rng.standard_normal((400, 2)), rng)
    naive = np.abs(found.rate[:, 0] - found.rate[:, 1]).mean()
    told = shares(planted.votes, found).estimate[:, AGREE]
    assert naive > 0.15
    assert np.abs(told[:, 0] - told[:, 1]).mean() < 0.6 * naive


def test_what_was_shown_to_those_who_like_it_is_corrected() -> None:
    rng = np.random.default_rng(6)
    likes = rng.random(20_000) < 0.5
    chance = np.where(likes, 0.8, 0.2)
    seen = rng.random(20_000) < chance
    votes = Votes.from_log(
        np.flatnonzero(seen), np.zeros(seen.sum(), dtype=int), np.where(likes[seen], 1, -1)
    )
    naive, fair = shares(votes), shares(votes, shown=chance[seen])
    assert naive.estimate[0, AGREE, 0] > 0.75
    assert fair.estimate[0, AGREE, 0] == pytest.approx(0.5, abs=0.02)
    assert fair.effective[0, 0] < naive.effective[0, 0]


def test_weights_bring_the_margins_and_cost_certainty() -> None:
    rng = np.random.default_rng(7)
    age, area = rng.choice(3, 900, p=(0.7, 0.2, 0.1)), rng.choice(2, 900, p=(0.8, 0.2))
    found = rake([age, area], [[1, 1, 1], [0.5, 0.5]])
    for code, margin in ((age, [1 / 3] * 3), (area, [0.5] * 2)):
        got = np.bincount(code, weights=found.weight) / found.weight.sum()
        np.testing.assert_allclose(got, margin, atol=1e-6)
    assert found.weight.mean() == pytest.approx(1)
    assert found.effective < 900
    assert found.apart < 1e-6
    cut = rake([age, area], [[0.01, 0.01, 0.98], [0.5, 0.5]], most=2)
    assert cut.apart > 0.1


@given(st.lists(st.integers(-1, 2), min_size=1, max_size=20))
def test_raking_is_possible_whoever_took_part(codes: list[int]) -> None:
    found = rake([np.array(codes)], [[0.2, 0.3, 0.5]])
    assert found.weight.mean() == pytest.approx(1)
    assert 1 - 1e-9 <= found.effective <= len(codes) + 1e-9


@given(st.lists(st.floats(0, 1), max_size=30), st.floats(0.01, 0.5))
def test_of_many_findings_those_below_the_line_are_believed(p: list[float], rate: float) -> None:
    ranks = sorted(p)
    most = max(
        (k + 1 for k, each in enumerate(ranks) if each <= rate * (k + 1) / len(p)), default=0
    )
    told = discoveries(p, rate=rate)
    line = ranks[most - 1] if most else -1.0
    assert told.tolist() == [each <= line for each in p]


def test_what_cannot_be_weighted_is_refused_in_words() -> None:
    votes = Votes.from_log([1], [1], [1])
    with pytest.raises(ValueError, match="weight has shape"):
        shares(votes, weight=[1, 2])
    with pytest.raises(ValueError, match="weight must lie between 0 and inf"):
        shares(votes, weight=[-1])
    with pytest.raises(ValueError, match="had a probability above 0"):
        shares(votes, shown=[0])
    with pytest.raises(ValueError, match="level of intervals"):
        shares(votes, level=1)
    with pytest.raises(ValueError, match="a category is out of range"):
        rake([np.array([3])], [[1, 1]])
    with pytest.raises(ValueError, match="none negative"):
        rake([np.array([0])], [[0, 0]])
    with pytest.raises(ValueError, match="1 ways but 2 margins"):
        rake([np.array([0])], [[1], [1]])
