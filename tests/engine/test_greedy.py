"""Greedy: laws, worked examples, and a slow obvious count beside it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.engine.voting import TieRule, greedy
from tests.engine import oracle
from tests.engine.elections import Election, elections, winners


@settings(max_examples=400, deadline=None)
@given(elections(), st.sampled_from(["cheapest,most-votes,lot", "id-text", "lot"]))
def test_it_agrees_with_the_slow_count(election: Election, chain: str) -> None:
    order = oracle.tie_order(election.cost, election.ballots, chain, "x")
    outcome = greedy(election.profile, election.budget, ties=TieRule(tuple(chain.split(",")), "x"))
    slow = oracle.greedy(election.cost, election.ballots, election.budget, order)
    assert winners(outcome) == slow
    assert outcome.spent <= election.budget


@settings(max_examples=200, deadline=None)
@given(elections(), st.data())
def test_more_support_never_takes_a_win_away(election: Election, data: st.DataObject) -> None:
    outcome = greedy(election.profile, election.budget)
    won = [str(name) for name in outcome.ids[outcome.funded]]
    if not won:
        return
    loved = data.draw(st.sampled_from(won))
    more = election.with_ballots(loved, data.draw(st.integers(1, 4)))
    assert loved in winners(greedy(more.profile, more.budget))


@settings(max_examples=100, deadline=None)
@given(elections())
def test_a_loser_did_not_fit_in_what_was_left_at_its_turn(election: Election) -> None:
    outcome = greedy(election.profile, election.budget)
    for p in range(len(outcome.ids)):
        if not outcome.funded[p] and outcome.votes[p]:
            assert outcome.cost[p] - outcome.shortfall[p] == outcome.left[p] < outcome.cost[p]


def test_it_skips_what_does_not_fit_and_goes_on() -> None:
    ballots = (frozenset("abc"), frozenset("abc"), frozenset("ab"), frozenset("a"))
    election = Election({"a": 60, "b": 50, "c": 40}, ballots, 100)
    assert winners(greedy(election.profile, 100)) == ["a", "c"]


def test_equal_votes_are_a_tie_and_the_cheapest_goes_first() -> None:
    election = Election({"a": 60, "b": 50}, (frozenset("ab"),) * 3, 100)
    outcome = greedy(election.profile, 100)
    assert winners(outcome) == ["b"]
    assert [(tie.projects, tie.chosen, tie.by) for tie in outcome.ties] == [((1, 0), 1, "cheapest")]
