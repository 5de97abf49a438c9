"""Groups: the planted ones, none where there are none, and the laws of the climb."""

from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.engine.opinion import (
    Votes,
    adjusted_rand,
    find_groups,
    group_kernel,
    mixture,
    overview,
    simulate,
)
from commonweal.engine.opinion.camps import near
from commonweal.engine.opinion.groups import _ended
from commonweal.engine.opinion.model import fit, full, packed
from tests.engine.opinion.conversations import Entry, logs, votes_of
from tests.engine.opinion.planted import drawn, grouped, low_rank, shuffled

labels = st.lists(st.integers(0, 3), min_size=2, max_size=12)


@pytest.mark.parametrize("groups", [1, 2, 3, 4, 5, 6])
def test_the_planted_groups_are_found(groups: int) -> None:
    rng = np.random.default_rng(groups)
    planted = grouped(rng, groups)
    found = find_groups(planted.votes, rng, model=fit(planted.votes, dimensions=min(groups - 1, 4)))
    assert found.count == groups
    assert adjusted_rand(found.mixture.group, planted.group) >= 0.9
    assert found.clear == (groups > 1)
    assert found.mixture.sizes.tolist() == sorted(found.mixture.sizes.tolist(), reverse=True)


@pytest.mark.parametrize("seed", range(6))
def test_shuffled_votes_have_no_groups(seed: int) -> None:
    rng = np.random.default_rng(seed)
    votes = shuffled(grouped(rng, 3, people=200, statements=40).votes, rng)
    found = find_groups(votes, rng, model=fit(votes, dimensions=0))
    assert (found.count, found.clear) == (1, False)
    assert (found.mixture.member == 1).all()


@pytest.mark.parametrize("dimensions", [1, 2])
def test_people_who_differ_by_degree_are_one_group(dimensions: int) -> None:
    rng = np.random.default_rng(dimensions)
    votes = low_rank(rng, 400, 60, dimensions).votes
    found = find_groups(votes, rng, model=fit(votes, dimensions=dimensions))
    assert (found.count, found.clear) == (1, False)
    assert found.without == found.losses[0] == 0
    assert len(found.losses) > 1  # more were tried


def test_people_spread_evenly_are_one_group() -> None:
    rng = np.random.default_rng(3)
    place = rng.uniform(-1.7, 1.7, (1500, 1))
    odds = rng.normal(0.3, 1, 100) + place @ rng.normal(0, 1.2, (1, 100))
    votes = drawn(rng, odds, np.zeros(1500, dtype=np.intp), 0.4).votes
    found = find_groups(votes, rng, model=fit(votes, dimensions=1))
    assert found.losses[1] < -0.02  # two clouds do describe them better than one
    assert found.count == 1


def test_clouds_of_people_who_differ_among_themselves_are_groups() -> None:
    rng = np.random.default_rng(4)
    group = np.repeat([0, 1, 2], [300, 200, 100])
    place = np.array([[-3.0, 0], [3, 1], [0.5, -4]])[group] + rng.normal(0, 0.9, (600, 2))
    odds = rng.normal(0.3, 0.8, 100) + place @ rng.normal(0, 1, (2, 100))
    planted = drawn(rng, odds, group, 0.5)
    found = find_groups(planted.votes, rng, model=fit(planted.votes, dimensions=2))
    assert (found.count, found.clear) == (3, True)
    assert found.clouds is not None  # those of a group do not all vote alike
    assert adjusted_rand(found.mixture.group, group) > 0.9
    placed = found.clouds.members(planted.votes)
    assert (placed.argmax(axis=1) == found.mixture.group).mean() > 0.98


@pytest.mark.parametrize("groups", [1, 5, 6])
def test_in_a_large_conversation_groups_are_found_on_a_sample_and_brought_to_everybody(
    groups: int,
) -> None:
    made = simulate(
        np.random.default_rng(10 * groups),
        people=12_000,
        statements=500,
        groups=groups,
        answered=0.05,
    )
    votes = Votes.from_log(made.person, made.statement, made.value)
    found = overview(votes, np.random.default_rng(0))
    assert found.groups.count == groups
    assert found.member.shape == (len(votes.people), groups)
    many = np.diff(votes.start) >= 40
    truth = made.group[votes.people]
    assert adjusted_rand(found.member.argmax(axis=1)[many], truth[many]) >= 0.9


@given(st.integers(1, 5), st.integers(0, 3), st.integers(0, 1000))
def test_each_place_is_put_with_the_closest_middle(count: int, width: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    middle = 100.0 * rng.permutation(count)[:, None] * np.ones(width)
    which = np.concatenate((np.arange(count), rng.integers(0, count, 20)))
    places = middle[which] + rng.uniform(-1, 1, (len(which), width))
    found = near(places, count, rng, starts=3)
    assert found.min() >= 0 and found.max() < count
    if width:  # so far apart, the same division it must be
        assert adjusted_rand(found, which) == 1.0


def test_one_group_holds_everybody_at_the_rates_of_all() -> None:
    planted = low_rank(np.random.default_rng(4), 60, 12, 1)
    found = mixture(planted.votes, 1, np.zeros((60, 0)), np.random.default_rng(0))
    agree, said = planted.votes.agrees, planted.votes.agrees + planted.votes.disagrees
    overall = (agree + 1) / (said + 2)
    assert (found.member == 1).all() and found.share.tolist() == [1.0]
    assert np.allclose(found.rate[:, 0], (agree + 4 * overall) / (said + 4))


def test_the_same_votes_in_another_order_have_the_same_groups() -> None:
    planted = grouped(np.random.default_rng(9), 3)
    votes = planted.votes
    names = [votes.people[votes.person], votes.statements[votes.statement], votes.value]
    order = np.random.default_rng(1).permutation(len(votes))
    mixed = Votes.from_log(*(each[order] for each in names))
    one, other = (
        find_groups(each, np.random.default_rng(2), model=fit(each, dimensions=2))
        for each in (votes, mixed)
    )
    assert one.mixture.member.tolist() == other.mixture.member.tolist()
    assert one.losses == other.losses


@given(logs, st.integers(1, 4), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_the_inner_loop_does_what_the_formulas_say(
    log: list[Entry], groups: int, seed: int
) -> None:
    votes, rng = votes_of(log), np.random.default_rng(seed)
    rate = rng.uniform(0.05, 0.95, (len(votes.statements), groups))
    share = rng.dirichlet(np.ones(groups))
    member = np.empty((len(votes.people), groups))
    counts = np.zeros((len(votes.statements), 2, groups))
    chance = np.log(np.stack((1 - rate, rate), axis=1))
    told = group_kernel.compiled().step(
        votes.start, votes.statement, votes.value, chance, np.log(share), member, counts
    )
    total = 0.0
    for i in range(len(votes.people)):
        own = [(votes.statement[e], votes.value[e]) for e in range(*votes.start[i : i + 2])]
        weight = share * np.prod(
            [rate[j] if x > 0 else 1 - rate[j] for j, x in own if x], axis=0, initial=1.0
        )
        total += np.log(weight.sum())
        np.testing.assert_allclose(member[i], weight / weight.sum(), atol=1e-12)
    assert told == pytest.approx(total)
    whole = np.zeros((len(votes.statements), 3, groups))
    group_kernel.compiled().counts(votes.start, votes.statement, votes.value, member, whole)
    np.testing.assert_allclose(whole[:, ::2], counts)
    np.testing.assert_allclose(whole.sum(axis=2), votes.tallies)


@given(st.integers(1, 4), st.integers(1, 4), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_the_clouds_are_what_the_formulas_say(groups: int, dimensions: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    people = 12

    def covariances(count: int) -> np.ndarray:  # type: ignore[type-arg]
        roots = rng.standard_normal((count, dimensions, dimensions))
        return roots @ roots.transpose(0, 2, 1) / dimensions + 0.05 * np.eye(dimensions)

    seen_at, unsure = rng.standard_normal((people, dimensions)), covariances(people)
    # what a model with a prior at 0 with variance 1 would say of somebody seen there
    sharp = np.linalg.inv(unsure)
    cover = np.linalg.inv(sharp + np.eye(dimensions))
    mean = np.einsum("ikl,ilm,im->ik", cover, sharp, seen_at)
    both = np.zeros((people, dimensions + 1, dimensions + 1))
    both[:, 0, 0], both[:, 1:, 1:] = 1, cover
    size = dimensions + 1
    pull, told = np.empty((people, dimensions)), np.empty((people, dimensions * size // 2))
    kernel = group_kernel.compiled()
    kernel.seen(
        np.column_stack((np.zeros(people), mean)), packed(both, size * (size + 1) // 2), pull, told
    )
    np.testing.assert_allclose(full(told, dimensions), sharp, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(pull, np.einsum("ikl,il->ik", sharp, seen_at), rtol=1e-6, atol=1e-6)
    centre, shape = rng.standard_normal((groups, dimensions)), covariances(1)[0]
    share = rng.dirichlet(np.ones(groups))
    odds = np.empty((people, groups))
    for g in range(groups):
        wide = unsure + shape
        apart = seen_at - centre[g]
        inner = np.einsum("ik,ikl,il->i", apart, np.linalg.inv(wide), apart)
        odds[:, g] = np.log(share[g]) - (np.linalg.slogdet(wide)[1] + inner) / 2
    member, density = np.zeros((people, groups)), np.zeros(people)
    begun = centre.copy(), shape.copy(), share.copy()
    use = np.ones(people, dtype=np.bool_)
    kernel.clouds(pull, told, use, *begun, 0, 0.0, 5.0, member, density)
    weight = np.exp(odds - odds.max(axis=1, keepdims=True))
    weight /= weight.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(member, weight, atol=1e-6)
    # the density leaves out what is the same for all clouds
    base = (np.linalg.slogdet(unsure)[1] + np.einsum("ik,ikl,il->i", seen_at, sharp, seen_at)) / 2
    np.testing.assert_allclose(
        density, np.logaddexp.reduce(odds, axis=1) + base, rtol=1e-6, atol=1e-6
    )
    # one step of the climb
    kernel.clouds(pull, told, use, *begun, 1, 0.0, 5.0, member.copy(), density)
    inverse = np.linalg.inv(shape)
    within = np.linalg.inv(sharp + inverse)
    near = np.einsum(
        "ikl,igl->igk", within, pull[:, None] + np.einsum("kl,gl->gk", inverse, centre)
    )
    count = weight.sum(axis=0)
    middle = np.einsum("ig,igk->gk", weight, near) / count[:, None]
    apart = near - middle
    square = np.einsum("ig,igk,igl->kl", weight, apart, apart) + within.sum(axis=0)
    np.testing.assert_allclose(begun[0], middle, atol=1e-6)
    np.testing.assert_allclose(
        begun[1], (square + 0.5 * np.eye(dimensions)) / (people + 5), atol=1e-6
    )
    np.testing.assert_allclose(begun[2], (count + 1) / (people + groups), atol=1e-9)


@pytest.mark.parametrize("groups", [2, 4])
def test_the_climb_goes_up_until_it_is_at_the_top(groups: int) -> None:
    rng = np.random.default_rng(groups)
    votes = grouped(rng, 3, people=100, statements=200).votes
    start = rng.dirichlet(np.ones(groups), 100)
    heights = [_ended(votes, start, steps).likelihood for steps in range(1, 20)]
    assert heights[-1] > heights[0]
    assert all(b > a - 0.02 * abs(a) for a, b in pairwise(heights))


@given(labels, st.data())
def test_the_adjusted_rand_index_counts_pairs(one: list[int], data: st.DataObject) -> None:
    other = data.draw(st.lists(st.integers(0, 3), min_size=len(one), max_size=len(one)))
    pairs = list(combinations(range(len(one)), 2))
    together = [(one[a] == one[b], other[a] == other[b]) for a, b in pairs]
    both = sum(x and y for x, y in together)
    first, second = sum(x for x, _ in together), sum(y for _, y in together)
    chance = first * second / len(pairs)
    most = (first + second) / 2
    slow = 1.0 if most == chance else (both - chance) / (most - chance)
    assert adjusted_rand(np.array(one), np.array(other)) == pytest.approx(slow)
    assert adjusted_rand(np.array(one), np.array(one)) == 1.0


@given(logs)
@settings(deadline=None, max_examples=30)
def test_every_conversation_can_be_asked(log: list[Entry]) -> None:
    votes = votes_of(log)
    found = find_groups(votes, np.random.default_rng(0), model=fit(votes))
    assert (found.count, found.clear) == (1, False)
    assert found.mixture.member.shape == (len(votes.people), 1)
    two = mixture(votes, 2, np.zeros((len(votes.people), 2)), np.random.default_rng(0))
    np.testing.assert_allclose(two.member.sum(axis=1), 1)
