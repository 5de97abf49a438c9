"""Plurality: first preferences alone, and clear refusals."""

from collections import Counter

import pytest

from commonweal.engine.voting import Profile, TieRule
from commonweal.engine.voting.plurality import plurality
from tests.engine.elections import winners
from tests.engine.rankings import Ranking, some_ranking, strict

BY_ID = TieRule(("id-text",))


def test_it_counts_first_preferences() -> None:
    for seed in range(500):
        election = some_ranking(seed)
        firsts = Counter(min(b, key=lambda p: b[p]) for b in election.ballots if b)
        seats = 1 + seed % len(election.options)
        outcome = plurality(election.profile, seats, ties=BY_ID)
        assert winners(outcome) == sorted(firsts, key=lambda p: (-firsts[p], p))[:seats], seed
        assert {p: n for p, n in outcome.detail["votes"].items() if n} == firsts


def test_ballots_with_one_mark_need_no_places() -> None:
    profile = Profile.from_pairs(["a", "b"], [3, 9], project=list("abb"), ballot=[1, 2, 3])
    assert winners(plurality(profile)) == ["b"]


def test_the_cost_of_an_option_breaks_no_tie_and_the_tie_is_recorded() -> None:
    profile = Profile.from_pairs(["b", "a"], [1, 9], project=list("ab"), ballot=[1, 2])
    outcome = plurality(profile, ties=TieRule(("cheapest", "id-text")))
    assert winners(outcome) == ["a"]
    assert [(tie.projects, tie.chosen, tie.by) for tie in outcome.ties] == [((1, 0), 1, "id-text")]


def test_ballots_that_leave_the_first_preference_open_are_refused() -> None:
    approvals = Profile.from_pairs(["a", "b"], [1, 1], project=list("ab"), ballot=[1, 1])
    with pytest.raises(ValueError, match="marks both a and b without an order"):
        plurality(approvals)
    level = Ranking(("a", "b", "c"), ({"a": 1, "c": 2, "b": 2},)).profile
    with pytest.raises(ValueError, match="gives b and c the same place"):
        plurality(level)
    with pytest.raises(ValueError, match="place is below 1"):
        plurality(Ranking(("a",), ({"a": 0},)).profile)


def test_nobody_is_chosen_whom_nobody_puts_first() -> None:
    assert winners(plurality(strict("abc", [(2, "ab")]).profile, 3)) == ["a"]
