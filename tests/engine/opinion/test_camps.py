"""Small conversations: plain camps are seen in any order, and none where there are none."""

import numpy as np
import pytest
from numpy.typing import NDArray

from commonweal.engine.opinion import Votes, adjusted_rand, camp_kernel, overview
from commonweal.engine.opinion.camps import divided, found_camps, places_of, small
from tests.engine.opinion.planted import Planted, drawn, low_rank, shuffled


def plain(
    rng: np.random.Generator,
    camps: int,
    people: int,
    statements: int,
    *,
    wrong: float = 0.05,
    answered: float = 0.9,
    least: float = 0.4,
) -> Planted:
    """Camps of uneven size, any two of them apart on so many of the statements at least."""
    share = np.arange(2 * camps, camps, -1.0)
    group = np.searchsorted(np.cumsum(share / share.sum()), (np.arange(people) + 0.5) / people)
    while True:
        side = np.where(rng.random((camps, statements)) < 0.5, 1.0, -1.0)
        apart = (side[:, None] != side).mean(axis=2) + np.eye(camps)
        if apart.min() >= least:
            break
    odds = np.log((1 - wrong) / wrong) * side[rng.permutation(group)]
    there = rng.random(odds.shape) < answered
    value = np.where(rng.random(odds.shape) < 1 / (1 + np.exp(-odds)), 1, -1)
    who, what = np.nonzero(there)
    votes = Votes.from_log(
        who, what, value[there], people=np.arange(people), statements=np.arange(statements)
    )
    return Planted(votes, odds, (odds != odds[0]).any(axis=1).astype(np.intp))


def renamed(votes: Votes, rng: np.random.Generator) -> tuple[Votes, NDArray[np.intp]]:
    """Give people and statements other numbers; also return who is who."""
    person = rng.permutation(len(votes.people))
    statement = rng.permutation(len(votes.statements))
    return Votes.from_log(person[votes.person], statement[votes.statement], votes.value), person


@pytest.mark.parametrize("statements", [12, 40])
def test_two_camps_are_seen_whatever_people_are_called(statements: int) -> None:
    planted = plain(np.random.default_rng(1), 2, 80, statements, least=0.5)
    for seed in range(6):
        rng = np.random.default_rng(seed)
        votes, person = renamed(planted.votes, rng)
        found = overview(votes, rng)
        assert (found.groups.count, found.groups.clear) == (2, True)
        there = found.member.argmax(axis=1)[person]
        assert adjusted_rand(there, planted.group) > 0.9


@pytest.mark.parametrize("people", [40, 60, 100])
@pytest.mark.parametrize("camps", [2, 3])
def test_a_council_meeting_shows_its_camps(camps: int, people: int) -> None:
    right = 0
    for seed in range(10):
        rng = np.random.default_rng([camps, people, seed])
        votes = plain(rng, camps, people, int(rng.integers(15, 40)), wrong=0.04).votes
        told = found_camps(votes, rng)[0]
        right += told is not None and told.at.shape[1] == camps
    assert right >= 9


@pytest.mark.parametrize("camps", [2, 3, 4])
def test_camps_of_a_hundred_and_twenty_are_groups(camps: int) -> None:
    rng = np.random.default_rng(camps)
    found = overview(plain(rng, camps, 120, 40).votes, rng)
    assert (found.groups.count, found.groups.clear) == (camps, True)
    assert found.sizes.tolist() == sorted(found.sizes.tolist(), reverse=True)
    assert found.groups.losses.index(min(found.groups.losses)) == camps - 1


def test_agreeing_with_all_or_with_nothing_is_a_camp_if_nobody_stands_between() -> None:
    rng = np.random.default_rng(1)
    side = np.where(np.arange(60) % 2, 2.5, -2.5)
    found = overview(drawn(rng, np.tile(side[:, None], 20), side, 0.8).votes, rng)
    assert (found.groups.count, found.groups.clear) == (2, True)
    bell = overview(drawn(rng, np.tile(rng.normal(0, 2.5, (60, 1)), 20), side, 0.8).votes, rng)
    assert bell.groups.count == 1


def test_small_tables_dealt_out_anew_have_no_groups() -> None:
    alarms = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        people, statements = int(rng.integers(20, 121)), int(rng.integers(5, 41))
        planted = plain(rng, int(rng.integers(2, 4)), people, statements, answered=0.8)
        alarms += found_camps(shuffled(planted.votes, rng), rng)[0] is not None
    assert alarms <= 4


@pytest.mark.parametrize("seed", range(8))
def test_a_small_table_dealt_out_anew_is_one_group_to_the_end(seed: int) -> None:
    rng = np.random.default_rng(seed)
    planted = plain(rng, 2, int(rng.integers(40, 121)), int(rng.integers(8, 41)))
    assert overview(shuffled(planted.votes, rng), rng).groups.count == 1


@pytest.mark.parametrize("dimensions", [1, 2, 3])
def test_few_people_who_differ_by_degree_have_no_camps(dimensions: int) -> None:
    alarms = 0
    for seed in range(40):
        rng = np.random.default_rng([dimensions, seed])
        people, statements = int(rng.integers(30, 250)), int(rng.integers(6, 40))
        strength = rng.uniform(0.5, 3)
        votes = low_rank(rng, people, statements, dimensions, answered=0.6, strength=strength).votes
        alarms += found_camps(votes, rng)[0] is not None
    assert alarms <= 1


@pytest.mark.parametrize("seed", range(12))
def test_a_few_statements_by_degree_are_one_group_to_the_end(seed: int) -> None:
    rng = np.random.default_rng(seed)
    votes = low_rank(rng, 260, 10, 1, answered=0.6, strength=2.5).votes
    assert overview(votes, rng).groups.count == 1


@pytest.mark.parametrize("value", [1, 0, -1])
def test_where_all_answer_alike_there_is_one_group(value: int) -> None:
    who, what = np.divmod(np.arange(60 * 12), 12)
    votes = Votes.from_log(who, what, np.full(len(who), value))
    assert overview(votes, np.random.default_rng(0)).groups.count == 1


def test_a_dozen_people_are_too_few_to_tell() -> None:
    rng = np.random.default_rng(1)
    assert overview(plain(rng, 2, 12, 20, wrong=0.02).votes, rng).groups.count == 1


def test_what_is_large_is_not_looked_at_so_closely() -> None:
    one = np.ones(1, dtype=np.int8)
    for people, statements, close in ((500, 120, True), (501, 10, False), (200, 301, False)):
        votes = Votes.from_log(
            [0], [0], one, people=np.arange(people), statements=np.arange(statements)
        )
        assert small(votes) == close


@pytest.mark.parametrize("seed", range(5))
def test_the_climb_ends_where_the_formulas_say(seed: int) -> None:
    rng = np.random.default_rng(seed)
    votes = low_rank(rng, 25, 9, 2).votes
    points = np.column_stack((np.ones(7), rng.standard_normal((7, 2))))
    share = rng.dirichlet(np.ones(7))
    centre = np.column_stack((rng.standard_normal(9), np.zeros((9, 2))))
    at, each = np.tile(share, (25, 1)) * rng.uniform(0.5, 1.5, (25, 7)), np.zeros(25)
    at /= at.sum(axis=1, keepdims=True)
    begun, log = at.copy(), (votes.start, votes.statement, votes.value)
    total = camp_kernel.compiled().climb(*log, points, share, False, centre, 0.5, 1, at, each)
    factor = centre.copy()
    for j in range(9):
        up, down = (
            sum(
                (begun[i] for i in votes.person[(votes.statement == j) & (votes.value == x)]),
                np.zeros(7),
            )
            for x in (1, -1)
        )
        for _ in range(4):
            p = 1 / (1 + np.exp(-points @ factor[j]))
            slope = points.T @ (up - (up + down) * p) - 0.5 * (factor[j] - centre[j])
            bend = (up + down) * np.maximum(p * (1 - p), 0.02)
            curve = points.T @ (bend[:, None] * points) + 0.5 * np.eye(3)
            factor[j] += np.clip(np.linalg.solve(curve, slope), -2, 2)
    odds = points @ factor.T
    for i in range(25):
        told = np.log(share)
        for e in range(*votes.start[i : i + 2]):
            told = told - np.logaddexp(0, -votes.value[e] * odds[:, votes.statement[e]]) * abs(
                votes.value[e]
            )
        assert each[i] == pytest.approx(np.logaddexp.reduce(told))
        np.testing.assert_allclose(at[i], np.exp(told - each[i]), atol=1e-9)
    assert total == pytest.approx(each.sum())


def test_camps_are_divided_the_same_way_by_the_same_generator() -> None:
    votes = plain(np.random.default_rng(2), 3, 60, 20).votes
    one, other = (
        divided(votes, places_of(votes), 3, np.random.default_rng(5)).at for _ in range(2)
    )
    assert one.tolist() == other.tolist()
