"""Who got what: axioms checked by enumeration, payments that add up, cells that stay hidden."""

from fractions import Fraction
from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.engine.voting import Election as Counted
from commonweal.engine.voting import Outcome, Profile, Rule, equal_shares, greedy
from commonweal.engine.voting.certificate import certificate
from commonweal.engine.voting.election import Column
from commonweal.engine.voting.fairness import fairness, gini
from commonweal.engine.voting.groups import SMALL, hide, spend_by_group
from commonweal.engine.voting.proportional import left_out
from commonweal.engine.voting.rounds_told import rivals, told
from tests.engine.elections import Election, elections

COMPLETIONS = st.sampled_from(["none", "greedy", "add1", "add1-greedy"])


def breaks(election: Election, outcome: Outcome, measure: str) -> bool:
    """Look at every group of voters there is."""
    won = {str(name) for name in outcome.ids[outcome.order]}
    for p, cost in election.cost.items():
        backers = [ballot for ballot in election.ballots if p in ballot]
        if p in won:
            continue
        for size in range(1, len(backers) + 1):
            part = Fraction(size * election.budget, len(election.ballots))
            for group in combinations(backers, size):
                need = [
                    sum(election.cost[q] for q in ballot & won) + cost
                    if measure == "cost"
                    else (len(ballot & won) + 1) * cost
                    for ballot in group
                ]
                if max(need) <= part:
                    return True
    return False


@settings(max_examples=300, deadline=None)
@given(elections(), COMPLETIONS, st.sampled_from(["cost", "cardinality"]))
def test_equal_shares_leaves_no_group_out(election: Election, how: str, measure: str) -> None:
    outcome = equal_shares(
        election.profile, election.budget, completion=how, satisfaction=measure, step=1
    )
    assert left_out(outcome, measure) is None


@settings(max_examples=300, deadline=None)
@given(elections(), st.sampled_from(["cost", "cardinality"]))
def test_a_group_is_found_just_where_there_is_one(election: Election, measure: str) -> None:
    outcome = greedy(election.profile, election.budget)
    group = left_out(outcome, measure)
    assert (group is not None) == breaks(election, outcome, measure)
    if group is not None:
        won = {str(name) for name in outcome.ids[outcome.order]}
        name = str(outcome.ids[group.project])
        got = sorted(
            sum(election.cost[q] if measure == "cost" else 1 for q in ballot & won)
            for ballot in election.ballots
            if name in ballot
        )
        assert name not in won
        assert sum(one <= group.most for one in got) == group.voters
        need = group.most + election.cost[name]
        if measure == "cardinality":
            need = (group.most + 1) * election.cost[name]
        assert need <= group.part


def test_a_minority_that_greedy_leaves_out_is_reported() -> None:
    election = Election(
        {"a": 50, "b": 50, "c": 40}, (frozenset("ab"),) * 6 + (frozenset("c"),) * 4, 100
    )
    group = left_out(greedy(election.profile, 100))
    assert group is not None
    assert (group.project, group.voters, group.part, group.most) == (2, 4, 40, 0)
    assert left_out(equal_shares(election.profile, 100)) is None


@settings(max_examples=300, deadline=None)
@given(elections(), COMPLETIONS)
def test_payments_add_up_to_the_last_fraction(election: Election, how: str) -> None:
    outcome = equal_shares(election.profile, election.budget, completion=how, step=1)
    found = certificate(outcome)
    assert found is not None
    assert found.holds
    for paid in found.payments:
        assert paid.total == outcome.cost[paid.project]
        assert sum(number for number, _ in paid.kinds) <= outcome.votes[paid.project]
        assert max(each for _, each in paid.kinds) == outcome.payments[paid.project]
    bought = {paid.project for paid in found.payments}
    free = {p for p in outcome.order.tolist() if outcome.shared[p] and not outcome.cost[p]}
    assert bought | free | set(found.outside) == set(outcome.order.tolist())


def test_a_rule_without_shares_has_no_certificate() -> None:
    election = Election({"a": 1}, (frozenset("a"),), 1)
    outcome = greedy(election.profile, 1)
    assert certificate(outcome) is None
    assert told(outcome) is None


@settings(max_examples=200, deadline=None)
@given(elections(), COMPLETIONS)
def test_the_rounds_told_are_those_of_the_count(election: Election, how: str) -> None:
    outcome = equal_shares(election.profile, election.budget, completion=how, step=1)
    rounds = told(outcome)
    assert rounds is not None
    for r, p in enumerate(rounds.bought.tolist()):
        assert np.isclose(rounds.effective[p, r], outcome.effective_votes[p])
        rest = rounds.effective[:, r][~np.isnan(rounds.effective[:, r])]
        assert rest.max() <= rounds.effective[p, r] * (1 + 1e-9)
        assert np.isclose(rounds.taken[p, r], outcome.cost[p])
    for p in range(len(outcome.ids)):
        assert abs(rounds.behind[p, -1] - outcome.behind[p]) <= 1
        start = float(outcome.start) * outcome.votes[p]
        assert np.isclose(rounds.taken[p].sum() + rounds.behind[p, -1], start)
        assert all(paid > 0 for _, paid in rivals(rounds, p))


@given(st.lists(st.integers(0, 30), min_size=1, max_size=12))
def test_no_small_cell_can_be_worked_out(counts: list[int]) -> None:
    cells = np.array(counts)
    hidden = hide(cells)
    assert not ((cells > 0) & (cells < SMALL) & ~hidden).any()
    shown = (cells > 0) & ~hidden
    if hidden.any() and shown.any():
        assert np.count_nonzero(hidden) > 1
        assert cells[hidden].sum() >= SMALL


@settings(max_examples=100, deadline=None)
@given(elections(), st.data())
def test_groups_share_all_that_was_spent(election: Election, data: st.DataObject) -> None:
    outcome = greedy(election.profile, election.budget)
    kinds = data.draw(
        st.lists(st.sampled_from("xy"), min_size=outcome.voters, max_size=outcome.voters)
    )
    groups = spend_by_group(outcome, Column.of(kinds))
    if all(group.spent is not None for group in groups):
        assert np.isclose(sum(group.spent or 0 for group in groups), outcome.spent)
    for group in groups:
        assert group.voters is None or group.voters >= SMALL


def test_ages_go_into_bands() -> None:
    profile = Profile.from_pairs(["a"], [100], project=["a"] * 20, ballot=range(20))
    column = Column.of(["17"] * 5 + ["18"] * 5 + ["80"] * 5 + [""] * 5)
    groups = spend_by_group(greedy(profile, 100), column, is_age=True)
    assert [(group.label, group.voters, group.spent) for group in groups] == [
        ("under 18", 5, 25.0),
        ("18-24", 5, 25.0),
        ("75 and over", 5, 25.0),
        ("?", 5, 25.0),
    ]


@given(st.lists(st.integers(0, 100), min_size=1, max_size=20))
def test_gini_is_the_mean_difference_over_twice_the_mean(amounts: list[int]) -> None:
    found = gini(np.array(amounts))
    if sum(amounts):
        differences = sum(abs(x - y) for x in amounts for y in amounts)
        assert abs(found - differences / (2 * len(amounts) * sum(amounts))) < 2e-6
    else:
        assert found == 0


@settings(max_examples=100, deadline=None)
@given(elections(), st.sampled_from(["greedy", "equal-shares", "phragmen"]))
def test_the_comparison_counts_every_voter_once(election: Election, name: str) -> None:
    profile = election.profile
    outcome = Rule(name).counter(election.budget)(profile)
    names = tuple(str(one) for one in profile.ids)
    found = fairness(Counted(profile, election.budget, "approval", "", names, {}), outcome)
    rival = found["against_greedy"]
    voters = len(election.ballots)
    assert rival["more_funded_here"] + rival["more_funded_by_greedy"] + rival["as_many"] == voters
    for counts in found["funded_approvals"].values():
        assert sum(counts) == voters
    if name == "greedy":
        assert rival["as_many"] == voters
