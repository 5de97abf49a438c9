"""Why a project lost, and what would have been enough: checked by counting again."""

from collections.abc import Callable

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from commonweal.engine.voting import (
    Limits,
    Outcome,
    Profile,
    Rule,
    TieRule,
    Why,
    equal_shares,
    greedy,
    needed,
    reasons,
)
from commonweal.engine.voting.reasons import MOST_BALLOTS
from commonweal.engine.voting.rule import KNOWN
from tests.engine import oracle
from tests.engine.elections import Election, elections, winners

CHAIN = "cheapest,most-votes,lot"


def slow_winners(election: Election, rule: str) -> list[str]:
    order = oracle.tie_order(election.cost, election.ballots, CHAIN, "")
    if rule == "greedy":
        return oracle.greedy(election.cost, election.ballots, election.budget, order)
    completion = "greedy" if rule == "fill" else rule
    return oracle.equal_shares(election.cost, election.ballots, election.budget, order, completion)


def counter(rule: str, budget: int) -> Callable[[Profile], Outcome]:
    if rule == "greedy":
        return lambda profile: greedy(profile, budget)
    completion = "greedy" if rule == "fill" else rule
    return lambda profile: equal_shares(profile, budget, completion=completion, step=1)


@settings(max_examples=250, deadline=None)
@given(elections(), st.sampled_from(["greedy", "none", "fill", "add1-greedy"]), st.data())
def test_what_was_needed_is_just_enough(election: Election, rule: str, data: st.DataObject) -> None:
    profile, count = election.profile, counter(rule, election.budget)
    outcome = count(profile)
    losers = [p for p in range(len(outcome.ids)) if not outcome.funded[p]]
    assume(losers)
    loser = data.draw(st.sampled_from(losers))
    name = str(outcome.ids[loser])
    found = needed(profile, loser, outcome, count)
    if found.cost is None:
        assert outcome.votes[loser] == 0
    else:
        assert name in slow_winners(election.with_cost(name, found.cost), rule)
        assert name not in slow_winners(election.with_cost(name, found.cost + 1), rule)
    if found.ballots is None:
        assert election.cost[name] >= election.budget or rule != "greedy"
        most = MOST_BALLOTS * len(election.ballots)
        assert name not in slow_winners(election.with_ballots(name, most), rule)
    else:
        assert name in slow_winners(election.with_ballots(name, found.ballots), rule)
        assert name not in slow_winners(election.with_ballots(name, found.ballots - 1), rule)


@settings(max_examples=200, deadline=None)
@given(elections(), st.sampled_from(["greedy", "none"]))
def test_a_project_cheaper_by_its_shortfall_wins(election: Election, rule: str) -> None:
    outcome = counter(rule, election.budget)(election.profile)
    for p, reason in enumerate(reasons(outcome)):
        if reason.shortfall and reason.votes:
            name = str(outcome.ids[p])
            cheaper = election.with_cost(name, reason.cost - reason.shortfall)
            assert name in slow_winners(cheaper, rule)


@settings(max_examples=200, deadline=None)
@given(elections(), st.sampled_from(["greedy", "none", "fill", "add1"]))
def test_every_project_has_a_reason_that_fits_its_result(election: Election, rule: str) -> None:
    outcome = counter(rule, election.budget)(election.profile)
    good = {Why.BOUGHT, Why.FILLED, Why.MOST_VOTES}
    for p, reason in enumerate(reasons(outcome)):
        assert (reason.why in good) == bool(outcome.funded[p])
        if reason.votes:
            assert (reason.shortfall == 0) == bool(outcome.funded[p])


def test_reasons_say_what_happened() -> None:
    ballots = (frozenset("ab"),) * 6 + (frozenset("cd"),) * 4
    cost = {"a": 49, "b": 50, "c": 45, "d": 500, "e": 1}
    election = Election(cost, ballots, 100)
    why = [reason.why for reason in reasons(equal_shares(election.profile, 100))]
    assert why == [
        Why.BOUGHT,
        Why.SHARES_TOO_SMALL,
        Why.SHARES_TOO_SMALL,
        Why.TOO_DEAR,
        Why.NO_VOTES,
    ]
    filled = equal_shares(election.profile, 100, completion="greedy")
    assert winners(filled) == ["a", "b"]
    assert [reason.why for reason in reasons(filled)][:3] == [
        Why.BOUGHT,
        Why.FILLED,
        Why.NO_ROOM,
    ]


def test_the_shortfall_is_in_whole_pence_and_never_too_small() -> None:
    # Two of three hold 66.66... together: 33 short of 99.99 is not enough, 34 is.
    election = Election({"a": 100, "b": 1}, (frozenset("a"),) * 2 + (frozenset("b"),), 100)
    outcome = equal_shares(election.profile, 100)
    assert (outcome.behind[0], outcome.shortfall[0]) == (66, 34)


def test_asking_what_a_winner_needed_is_refused() -> None:
    election = Election({"a": 1}, (frozenset("a"),), 100)
    outcome = greedy(election.profile, 100)
    with pytest.raises(ValueError, match="won"):
        needed(election.profile, 0, outcome, counter("greedy", 100))


@settings(max_examples=150, deadline=None)
@given(elections(), st.sampled_from(sorted(KNOWN)))
def test_every_rule_has_a_reason_that_fits_each_result(election: Election, name: str) -> None:
    try:
        outcome = Rule(name).counter(election.budget)(election.profile)
    except ValueError:
        assume(False)  # these ballots do not suit the rule
        return
    good = {Why.BOUGHT, Why.FILLED, Why.MOST_VOTES, Why.MUST, Why.CHOSEN}
    for won, reason in zip(outcome.funded.tolist(), reasons(outcome), strict=True):
        assert (reason.why in good) == won


def test_terms_that_keep_a_project_out_are_named() -> None:
    election = Election(
        {"a": 40, "b": 30, "c": 30, "d": 10}, (frozenset("abc"),) * 3 + (frozenset("ad"),), 100
    )
    limits = Limits.from_json({"exclusive": [["a", "b"]], "minimum": 2, "must": ["a"]})
    for outcome in (
        greedy(election.profile, 100, limits=limits),
        Rule(completion="greedy", limits=limits).counter(100)(election.profile),
    ):
        found = reasons(outcome)
        assert found[0].why == Why.MUST
        assert (found[1].why, found[1].by) == (Why.EXCLUDED, "a")
    stopped = greedy(Election({"a": 90, "b": 30, "c": 5}, (frozenset("abc"),) * 2, 100).profile, 100,
                     misfit="stop", ties=TieRule(("id-text",)))  # fmt: skip
    assert [r.why for r in reasons(stopped)] == [Why.MOST_VOTES, Why.NO_ROOM, Why.AFTER_STOP]
