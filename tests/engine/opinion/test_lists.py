"""Lists: sure things first, no veto by a handful, a fifth is not silenced, noise is not listed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from commonweal.engine.opinion import (
    Mixture,
    Shares,
    Votes,
    common_ground,
    dividing_lines,
    fit,
    shares,
    short_list,
    special_to_groups,
    unsure,
)
from commonweal.engine.opinion.short_list import agreements, well_known
from tests.engine.opinion.conversations import Entry, logs, votes_of


def two_groups(rows: dict[int, tuple[int, int, int, int]]) -> Shares:
    """Return the shares of statements with (agree, disagree) of one group and then of another."""
    log = []
    for statement, counts in rows.items():
        for group, value, times in (
            (0, 1, counts[0]), (0, -1, counts[1]), (1, 1, counts[2]), (1, -1, counts[3]),
        ):  # fmt: skip
            log += [(1000 * (2 * group + (value > 0)) + n, statement, value) for n in range(times)]
    who, what, value = np.array(log).T
    votes = Votes.from_log(who, what, value)
    member = np.array([[1.0, 0.0] if person < 2000 else [0.0, 1.0] for person in votes.people])
    sure = Mixture(member, np.full((len(rows), 2), 0.5), np.array([0.5, 0.5]), 0.0)
    return shares(votes, sure)


ALL = np.ones(9, dtype=bool)


def test_common_ground_is_what_the_worst_group_surely_agrees_with() -> None:
    found = two_groups({
        0: (90, 10, 85, 15),  # both agree
        1: (99, 1, 40, 60),  # one group does not
        2: (100, 0, 3, 0),  # hardly anybody of the other group was asked
        3: (10, 90, 5, 95),  # both disagree
    })  # fmt: skip
    told = common_ground(found, ALL[:4])
    assert [(s.statement, s.side) for s in told] == [(3, "disagree"), (0, "agree")]
    assert told[1].estimate == pytest.approx(0.85)
    assert told[1].group == 1
    assert told[1].low < 0.85 < told[1].high
    assert common_ground(found, np.array([False, True, True, True])) == told[:1]


def test_a_handful_does_not_veto_what_many_agree_with() -> None:
    found = two_groups({0: (500, 20, 4, 3), 1: (500, 20, 60, 3)})
    assert [s.statement for s in common_ground(found, ALL[:2])] == [1]
    assert found.low[0, 2, 1] > 0.2  # a few voices make the group unsure, not opposed


def test_dividing_lines_and_what_is_special_are_differences_beyond_chance() -> None:
    found = two_groups({0: (90, 10, 20, 80), 1: (55, 45, 50, 50), 2: (80, 20, 30, 70)})
    told = dividing_lines(found, ALL[:3])
    assert [(s.statement, s.group) for s in told] == [(0, 0), (2, 0)]
    assert told[0].estimate == pytest.approx(0.7)
    assert 0.55 < told[0].low < 0.7 < told[0].high < 0.8
    special = special_to_groups(found, ALL[:3])
    assert [(s.group, s.statement, s.side) for s in special] == [
        (0, 0, "agree"), (0, 2, "agree"), (1, 0, "disagree"), (1, 2, "disagree"),
    ]  # fmt: skip


def test_noise_is_hardly_ever_listed() -> None:
    listed = 0
    for seed in range(30):
        rng = np.random.default_rng(seed)
        told = two_groups({j: tuple(rng.multinomial(200, [0.25] * 4)) for j in range(9)})
        listed += bool(dividing_lines(told, ALL)) + bool(special_to_groups(told, ALL))
        listed += bool(common_ground(told, ALL))
    assert listed <= 90 * 0.15


def test_with_one_group_what_divides_is_what_splits_in_the_middle() -> None:
    log = [(n, 0, 1 if n < 50 else -1) for n in range(100)] + [(n, 1, 1) for n in range(100)]
    log += [(n, 2, 1 if n < 80 else -1) for n in range(100)]
    found = shares(Votes.from_log(*np.array(log).T))
    told = dividing_lines(found, ALL[:3])
    assert [(s.statement, s.estimate, s.group) for s in told] == [(0, 0.5, None), (2, 0.2, None)]
    assert special_to_groups(found, ALL[:3]) == ()


@given(logs)
@settings(deadline=None)
def test_lists_hold_no_more_than_asked_and_only_what_is_allowed(log: list[Entry]) -> None:
    votes = votes_of(log)
    found = shares(votes)
    allowed = np.arange(len(votes.statements)) % 2 == 0
    for make in (common_ground, dividing_lines, special_to_groups, unsure):
        told = make(found, allowed, most=2)
        assert len(told) <= 2
        assert all(allowed[s.statement] for s in told)
        assert all(s.low <= s.estimate <= s.high for s in told)
    everything = unsure(found, np.ones(len(votes.statements), dtype=bool), most=99)
    widths = [s.high - s.low for s in everything]
    assert widths == sorted(widths, reverse=True)


def test_what_is_known_well_needs_no_more_votes() -> None:
    people, statements = np.divmod(np.arange(400), 2)
    votes = Votes.from_log(people, statements, np.where(statements == 1, 1, people % 2 * 2 - 1))
    assert [s.statement for s in unsure(shares(votes), ALL[:2])] == [0]


@given(arrays(np.bool_, (12, 6)), st.integers(1, 5))
@settings(deadline=None)
def test_the_short_list_is_proportional(agree: np.ndarray, seats: int) -> None:  # type: ignore[type-arg]
    found = short_list(agree, seats=seats)
    chosen = set(found.statements.tolist())
    assert found.proportional
    assert len(chosen) == min(seats, int(agree.any(axis=0).sum()))
    # EJR+ by the book: whoever could claim k statements and shares one left out has somebody with k
    got = agree[:, sorted(chosen)].sum(axis=1)
    for left in set(range(6)) - chosen:
        for claim in range(1, len(chosen) + 1):
            group = agree[:, left] & (got < claim)
            assert group.sum() * len(chosen) < claim * len(agree)


def test_what_four_in_five_would_agree_with_counts_four_in_five() -> None:
    rng = np.random.default_rng(2)
    seen = rng.random((400, 6)) < 0.5
    who, what = np.nonzero(seen)
    truth = np.array([0.95, 0.8, 0.8, 0.6, 0.6, 0.4])
    votes = Votes.from_log(who, what, np.where(rng.random(len(who)) < truth[what], 1, -1))
    everybody = np.arange(len(votes.people))
    agree = agreements(votes, fit(votes, dimensions=0), everybody, np.ones(6, dtype=bool))
    assert np.abs(agree.mean(axis=0) - truth).max() < 0.1
    again = agreements(votes, fit(votes, dimensions=0), everybody, np.ones(6, dtype=bool))
    assert (agree == again).all()
    assert short_list(agree, seats=3).statements.tolist()[0] == 0


def test_few_votes_make_short_lists_or_none() -> None:
    few = Votes.from_log([1, 2, 3, 4, 1, 2], [0, 0, 0, 0, 1, 1], [1, 1, 1, 1, 1, -1])
    assert not well_known(few, np.ones(2, dtype=bool)).any()
    told, every = shares(few), np.ones(2, dtype=bool)
    assert common_ground(told, every) == ()
    assert dividing_lines(told, every) == ()
    slight = np.array([(n, 0, 1 if n < 950 else -1) for n in range(1000)])
    assert dividing_lines(shares(Votes.from_log(*slight.T)), np.ones(1, bool)) == ()


@pytest.mark.parametrize("seed", range(3))
def test_the_short_list_of_a_thousand_people_is_proportional(seed: int) -> None:
    rng = np.random.default_rng(seed)
    group = rng.choice(4, 1000, p=[0.5, 0.25, 0.15, 0.1])
    rate = rng.uniform(0.05, 0.95, (4, 300))
    agree = rng.random((1000, 300)) < rate[group]
    found = short_list(agree, seats=8)
    assert found.proportional
    got = agree[:, found.statements].sum(axis=1)
    for left in set(range(300)) - set(found.statements.tolist()):
        for claim in range(1, 9):
            assert (agree[:, left] & (got < claim)).sum() * 8 < claim * 1000


def test_a_cohesive_fifth_gets_a_fifth() -> None:
    agree = np.zeros((100, 10), dtype=bool)
    agree[:80, :8] = True
    agree[80:, 8:] = True
    found = short_list(agree, seats=5)
    assert sum(j >= 8 for j in found.statements.tolist()) == 1
    assert found.reached[0] == 1.0


def test_who_agrees_is_who_said_so_or_would() -> None:
    rng = np.random.default_rng(1)
    side = np.repeat([1, -1], 30)
    everybody = np.arange(60)
    seen = rng.random((60, 8)) < 0.8
    seen[:, 7] = False
    seen[0, 7] = True
    who, what = np.nonzero(seen)
    votes = Votes.from_log(who, what, side[who] * np.where(what % 2, 1, -1))
    agree = agreements(votes, fit(votes, dimensions=1), everybody, np.ones(8, dtype=bool))
    truth = side[:, None] * np.where(np.arange(8) % 2, 1, -1) > 0
    assert (agree[:, :7] == truth[:, :7])[seen[:, :7]].all()
    assert (agree[:, :7] == truth[:, :7])[~seen[:, :7]].mean() > 0.85
    assert well_known(votes, np.ones(8, dtype=bool)).tolist() == [True] * 7 + [False]
    passed = Votes.from_log(who, what, np.zeros(len(who), dtype=int))
    model = fit(passed, dimensions=1)
    assert not agreements(passed, model, everybody, np.ones(8, dtype=bool)).any()
