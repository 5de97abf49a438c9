"""The comparison step: laws, and a slow count of who prefers what."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.engine.voting import TieRule, equal_shares, greedy
from commonweal.engine.voting.comparison import compare_with_greedy
from commonweal.engine.voting.greedy import MEASURES
from tests.engine.elections import Election, elections, winners

BY_ID = TieRule(("id-text",))


@settings(max_examples=300, deadline=None)
@given(elections(), st.sampled_from(MEASURES))
def test_it_agrees_with_asking_every_ballot(election: Election, measure: str) -> None:
    profile, budget = election.profile, election.budget
    shares = equal_shares(profile, budget, ties=BY_ID)
    plain = greedy(profile, budget, measure=measure, ties=BY_ID)
    outcome = compare_with_greedy(profile, budget, shares, measure=measure, ties=BY_ID)
    votes = {"for_greedy": 0, "for_outcome": 0, "indifferent": 0}
    for ballot in election.ballots:
        here, there = len(ballot & set(winners(shares))), len(ballot & set(winners(plain)))
        votes[
            "for_greedy" if there > here else "for_outcome" if here > there else "indifferent"
        ] += 1
    told = outcome.detail["comparison"]
    assert {name: told[name] for name in votes} == votes
    stands = plain if votes["for_greedy"] > votes["for_outcome"] else shares
    assert winners(outcome) == winners(stands)
    assert (outcome.rule, outcome.start) == (stands.rule, stands.start)
    assert told["stands"] == stands.rule
    json.dumps(dict(outcome.detail))


@settings(max_examples=100, deadline=None)
@given(elections())
def test_greedy_compared_with_itself_stands_and_nobody_minds(election: Election) -> None:
    plain = greedy(election.profile, election.budget)
    outcome = compare_with_greedy(election.profile, election.budget, plain)
    assert winners(outcome) == winners(plain)
    assert outcome.detail["comparison"]["indifferent"] == len(election.ballots)


@settings(max_examples=100, deadline=None)
@given(elections(), st.integers(2, 9), st.randoms(use_true_random=False))
def test_order_copies_and_the_unit_of_money_do_not_matter(
    election: Election, times: int, shuffle: random.Random
) -> None:
    ids, ballots = list(election.cost), list(election.ballots)
    shuffle.shuffle(ids)
    shuffle.shuffle(ballots)
    mixed = Election(
        {p: times * election.cost[p] for p in ids}, tuple(ballots * 2), times * election.budget
    )
    one, other = (
        compare_with_greedy(e.profile, e.budget, equal_shares(e.profile, e.budget))
        for e in (election, mixed)
    )
    assert winners(one) == winners(other)


def test_with_equally_many_on_both_sides_equal_shares_stands() -> None:
    # Greedy funds a and b, equal shares a and c: three ballots for each side.
    ballots = (frozenset("ab"),) * 3 + (frozenset("c"),) * 3
    election = Election({"a": 49, "b": 50, "c": 50}, ballots, 100)
    shares = equal_shares(election.profile, 100, ties=BY_ID)
    outcome = compare_with_greedy(election.profile, 100, shares, ties=BY_ID)
    told = outcome.detail["comparison"]
    assert winners(shares) == winners(outcome) == ["a", "c"]
    assert (told["for_outcome"], told["for_greedy"]) == (3, 3)
    assert (told["only_outcome"], told["only_greedy"]) == (["c"], ["b"])


def test_an_outcome_of_another_menu_is_refused() -> None:
    one = Election({"a": 1}, (frozenset("a"),), 5)
    other = Election({"b": 1}, (frozenset("b"),), 5)
    with pytest.raises(ValueError, match="another menu"):
        compare_with_greedy(one.profile, 5, greedy(other.profile, 5))
