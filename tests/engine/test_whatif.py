"""What would have been enough: each answer is checked by a slow count of the changed election."""

from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from commonweal.engine.voting import Rule
from commonweal.engine.voting.shares_again import SharesAgain
from commonweal.engine.voting.whatif import approvers, what_would_win
from tests.engine.elections import Election, elections
from tests.engine.test_reasons import slow_winners

RULES = {
    "greedy": Rule("greedy"),
    "none": Rule(),
    "fill": Rule(completion="greedy"),
    "add1": Rule(completion="add1"),
    "add1-greedy": Rule(completion="add1-greedy"),
}


def with_approvals(election: Election, rule: Rule, name: str, more: int) -> Election:
    """Let the first so many of the line approve the project too, as the engine says who they are."""
    outcome = rule.counter(election.budget)(election.profile)
    ids = [str(i) for i in outcome.ids.tolist()]
    place = ids.index(name)
    # A profile numbers the ballots that have marks first.
    ballots = sorted(election.ballots, key=lambda ballot: not ballot)
    if rule.name == "greedy":
        for voter in approvers(outcome, place)[:more].tolist():
            ballots[voter] |= {name}
        return replace(election, ballots=tuple(ballots))
    lost = [p for p, won in enumerate(outcome.funded) if not won]
    for marks, number in SharesAgain(outcome, rule, lost).first_to_approve(place, more):
        alike = frozenset(ids[p] for p in marks)
        for _one in range(number):
            ballots[ballots.index(alike)] = alike | {name}
    return replace(election, ballots=tuple(ballots))


def hundredfold(election: Election) -> Election:
    """Return the election in pence, so that a step of add1 is one of its units."""
    cost = {name: 100 * price for name, price in election.cost.items()}
    return Election(cost, election.ballots, 100 * election.budget)


def wins(election: Election, name: str, rule: str) -> bool:
    if rule.startswith("add1"):
        return bool(
            RULES[rule]
            .counter(election.budget)(election.profile)
            .funded[election.profile.ids.tolist().index(name)]
        )
    return name in slow_winners(election, rule)


@settings(max_examples=150, deadline=None)
@given(elections(), st.sampled_from(list(RULES)))
def test_each_answer_is_enough_and_one_less_is_not(election: Election, name: str) -> None:
    rule, election = RULES[name], hundredfold(election)
    outcome = rule.counter(election.budget)(election.profile)
    for found in what_would_win(outcome, rule):
        project = str(outcome.ids[found.project])
        for answer in (found.cost, found.approvals, found.ballots):
            assert answer.is_confirmed
        if (cost := found.cost.amount) is not None:
            assert wins(election.with_cost(project, cost), project, name)
            assert not wins(election.with_cost(project, cost + 1), project, name)
        if (more := found.approvals.amount) is not None:
            assert wins(with_approvals(election, rule, project, more), project, name)
            assert not wins(with_approvals(election, rule, project, more - 1), project, name)
        if (more := found.ballots.amount) is not None:
            assert wins(election.with_ballots(project, more), project, name)
            assert not wins(election.with_ballots(project, more - 1), project, name)


@settings(max_examples=60, deadline=None)
@given(elections(), st.sampled_from(["fill", "add1", "add1-greedy"]))
def test_without_effort_the_answers_are_not_called_confirmed(election: Election, name: str) -> None:
    rule, election = RULES[name], hundredfold(election)
    outcome = rule.counter(election.budget)(election.profile)
    found = what_would_win(outcome, rule, effort=0)
    assert [one.project for one in found] == [p for p, won in enumerate(outcome.funded) if not won]
    if name.startswith("add1") and outcome.runs > 1:
        assert not any(one.ballots.is_confirmed for one in found if one.ballots.amount)


@settings(max_examples=60, deadline=None)
@given(elections(), st.sampled_from(["phragmen", "bounded-overspending", "exact-equal-shares"]))
def test_other_rules_are_counted_again_in_full(election: Election, name: str) -> None:
    rule, election = Rule(name), hundredfold(election)
    count = rule.counter(election.budget)
    outcome = count(election.profile)
    assume(not outcome.funded.all())
    found = what_would_win(outcome, rule)[0]
    project, place = str(outcome.ids[found.project]), found.project
    if (cost := found.cost.amount) is not None:
        assert count(election.with_cost(project, cost).profile).funded[place]
        assert not count(election.with_cost(project, cost + 1).profile).funded[place]
    if (more := found.ballots.amount) is not None:
        assert count(election.with_ballots(project, more).profile).funded[place]
        assert not count(election.with_ballots(project, more - 1).profile).funded[place]


def test_a_winner_is_not_asked_about() -> None:
    election = Election({"a": 100}, (frozenset("a"),), 100)
    rule = Rule("greedy")
    outcome = rule.counter(100)(election.profile)
    assert what_would_win(outcome, rule) == ()
    with pytest.raises(ValueError, match="won"):
        what_would_win(outcome, rule, [0])
