"""Duels, Schulze and ranked pairs: published examples, slow counts beside, laws."""

from collections.abc import Callable
from itertools import pairwise, permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.engine.voting import Outcome, Profile, TieRule
from commonweal.engine.voting.condorcet import ranked_pairs, schulze
from commonweal.engine.voting.duels import duels
from tests.engine.elections import winners
from tests.engine.rankings import Ranking, some_ranking, strict

BY_ID = TieRule(("id-text",))
RULES = (schulze, ranked_pairs)
rules = st.sampled_from(RULES)
Rule = Callable[..., Outcome]
# Schulze (2011), example 1.
FORTY_FIVE = strict(
    "abcde",
    [
        (5, "acbed"),
        (5, "adecb"),
        (8, "bedac"),
        (3, "cabed"),
        (7, "caebd"),
        (2, "cbade"),
        (7, "dceba"),
        (8, "ebadc"),
    ],
)


def slow_duels(election: Ranking) -> dict[tuple[str, str], int]:
    last = 10**6
    return {
        (p, q): sum(b.get(p, last) < b.get(q, last) for b in election.ballots)
        for p, q in permutations(election.options, 2)
    }


def slow_ranking(above: set[tuple[str, str]], election: Ranking) -> list[str]:
    left = sorted(p for p in election.options if any(p in b for b in election.ballots))
    order: list[str] = []
    while left:
        order.append(next(p for p in left if not any((q, p) in above for q in left)))
        left.remove(order[-1])
    return order


def slow_schulze(election: Ranking) -> list[str]:
    """Try every path there is."""
    votes = slow_duels(election)
    best = dict.fromkeys(votes, 0)
    for length in range(2, len(election.options) + 1):
        for path in permutations(election.options, length):
            steps = list(pairwise(path))
            if all(votes[p, q] > votes[q, p] for p, q in steps):
                ends = path[0], path[-1]
                best[ends] = max(best[ends], min(votes[step] for step in steps))
    return slow_ranking({(p, q) for p, q in best if best[p, q] > best[q, p]}, election)


def slow_ranked_pairs(election: Ranking) -> list[str]:
    votes = slow_duels(election)
    won = [(p, q) for p, q in votes if votes[p, q] > votes[q, p]]
    won.sort(key=lambda pair: (-votes[pair], votes[pair[::-1]], pair[0], -ord(pair[1])))
    kept: set[tuple[str, str]] = set()

    def leads(start: str, end: str) -> bool:
        return start == end or any(leads(q, end) for p, q in kept if p == start)

    for p, q in won:
        if not leads(q, p):
            kept.add((p, q))
    return slow_ranking(kept, election)


def test_both_agree_with_slow_counts_equal_places_and_partial_ballots_included() -> None:
    for seed in range(800):
        election = some_ranking(seed, level=seed % 2 == 0)
        profile = election.profile
        above, places = duels(profile), range(len(election.options))
        slow = slow_duels(election)
        assert {
            (election.options[i], election.options[j]): above[i, j]
            for i in places
            for j in places
            if i != j
        } == slow, seed
        assert schulze(profile, ties=BY_ID).detail["ranking"] == slow_schulze(election), seed
        found = ranked_pairs(profile, ties=BY_ID).detail["ranking"]
        assert found == slow_ranked_pairs(election), seed


def test_schulzes_own_example_has_his_numbers() -> None:
    detail = schulze(FORTY_FIVE.profile).detail
    assert detail["duels"] == {
        "a": {"b": 20, "c": 26, "d": 30, "e": 22},
        "b": {"a": 25, "c": 16, "d": 33, "e": 18},
        "c": {"a": 19, "b": 29, "d": 17, "e": 24},
        "d": {"a": 15, "b": 12, "c": 28, "e": 14},
        "e": {"a": 23, "b": 27, "c": 21, "d": 31},
    }
    assert detail["paths"] == {
        "a": {"b": 28, "c": 28, "d": 30, "e": 24},
        "b": {"a": 25, "c": 28, "d": 33, "e": 24},
        "c": {"a": 25, "b": 29, "d": 29, "e": 24},
        "d": {"a": 25, "b": 28, "c": 28, "e": 24},
        "e": {"a": 25, "b": 28, "c": 28, "d": 31},
    }
    assert detail["ranking"] == ["e", "a", "c", "b", "d"]
    assert detail["condorcet_winner"] is None


def test_ranked_pairs_leaves_out_the_weakest_duel_of_a_circle() -> None:
    """Rock, paper, scissors: 41 to 19 and 39 to 21 stand, the weaker 38 to 22 goes."""
    election = strict("abc", [(19, "abc"), (21, "cab"), (1, "bac"), (18, "bca"), (1, "acb")])
    detail = ranked_pairs(election.profile).detail
    pairs = [(p["winner"], p["loser"], p["votes"], p["kept"]) for p in detail["pairs"]]
    assert pairs == [("a", "b", 41, True), ("c", "a", 39, True), ("b", "c", 38, False)]
    assert detail["ranking"] == ["c", "a", "b"]


def test_the_capital_of_tennessee_is_nashville() -> None:
    """The usual textbook example: the most first preferences are for the city that loses all."""
    election = strict("MNCK", [(42, "MNCK"), (26, "NCKM"), (15, "CKNM"), (17, "KCNM")])
    for rule in RULES:
        detail = rule(election.profile).detail
        assert detail["ranking"] == ["N", "C", "K", "M"]
        assert detail["condorcet_winner"] == "N"


@pytest.mark.parametrize("rule", RULES)
def test_the_winner_comes_from_the_smallest_group_that_beats_all_others(rule: Rule) -> None:
    for seed in range(500):
        election = some_ranking(seed)
        outcome = rule(election.profile, 1, ties=TieRule(("lot",), str(seed)))
        votes = slow_duels(election)
        for first in winners(outcome):
            # By wins and ties, whoever is in that group leads to everybody.
            reached = {first}
            while (
                more := {
                    q
                    for p in reached
                    for q in election.options
                    if q != p and votes[p, q] >= votes[q, p]
                }
                - reached
            ):
                reached |= more
            assert reached == set(election.options), seed


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6), rules, st.randoms(use_true_random=False), st.integers(1, 3))
def test_order_and_repetition_do_not_matter(seed: int, rule: Rule, random: Any, times: int) -> None:
    election = some_ranking(seed, level=True)
    options, ballots = list(election.options), list(election.ballots * times)
    random.shuffle(options)
    random.shuffle(ballots)
    mixed = Ranking(tuple(options), tuple(ballots))
    assert rule(mixed.profile).detail["ranking"] == rule(election.profile).detail["ranking"]


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10**6))
def test_turning_every_ballot_round_turns_schulzes_winner_out(seed: int) -> None:
    random = np.random.default_rng(seed)
    orders = ["".join(random.permutation(list("abcde"))) for _ in range(7)]
    one = schulze(strict("abcde", [(1, order) for order in orders]).profile)
    other = schulze(strict("abcde", [(1, order[::-1]) for order in orders]).profile)
    if not one.ties and not other.ties:
        assert one.detail["ranking"] == other.detail["ranking"][::-1]


def test_several_seats_take_the_first_of_the_ranking_and_approvals_are_read() -> None:
    approvals = Profile.from_pairs(
        ["a", "b", "c", "d"], [1] * 4, project=list("aaabbc"), ballot=[1, 2, 3, 1, 2, 4]
    )
    for rule in RULES:
        outcome = rule(approvals, 4)
        assert winners(outcome) == ["a", "b", "c"]  # d is on no ballot
        assert winners(rule(approvals, 2)) == ["a", "b"]
    tied = schulze(strict("ab", [(1, "a"), (1, "b")]).profile, ties=BY_ID)
    assert [(tie.projects, tie.chosen, tie.by) for tie in tied.ties] == [((0, 1), 0, "id-text")]
