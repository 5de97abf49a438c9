"""Choosing several by approvals: slow counts beside, another library, laws, and a worked example."""

from collections.abc import Callable
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np
import pytest
from abcvoting import abcrules
from abcvoting.preferences import Profile as AbcProfile
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.engine.voting import Outcome, TieRule
from commonweal.engine.voting.committee import (
    COMPLETIONS,
    approval_winners,
    equal_shares_committee,
    sequential_pav,
    sequential_phragmen,
)
from tests.engine.elections import Election, elections, winners

BY_ID = TieRule(("id-text",))
Rule = Callable[..., Outcome]
RULES: dict[str, Rule] = {
    "av": approval_winners,
    "seqpav": sequential_pav,
    "seqphragmen": sequential_phragmen,
    "equal-shares": equal_shares_committee,
}
IN_FRACTIONS = ("seqphragmen", "equal-shares")
rules = st.sampled_from(list(RULES.values()))
Ballots = tuple[frozenset[str], ...]


def some_election(seed: int) -> tuple[Election, int]:
    random = np.random.default_rng(seed)
    options = "abcdef"[: random.integers(2, 7)]
    density = random.uniform(0.2, 0.8)
    ballots = tuple(
        frozenset(p for p in options if random.random() < density)
        for _ in range(random.integers(1, 9))
    )
    return Election(dict.fromkeys(options, 5), ballots, 1), int(
        random.integers(1, len(options) + 1)
    )


def least(prices: dict[str, Any]) -> str:
    return min(sorted(prices), key=lambda p: prices[p])


def slow_pav(election: Election, seats: int, won: list[str]) -> list[str]:
    while len(won) < seats:
        scores = {
            p: -sum(Fraction(1, 1 + len(b & set(won))) for b in election.ballots if p in b)
            for p in election.cost
            if p not in won and any(p in b for b in election.ballots)
        }
        if not scores:
            break
        won = [*won, least(scores)]
    return won


def slow_phragmen(
    election: Election, seats: int, won: list[str], held: list[Fraction]
) -> list[str]:
    """Let money drip at one pace onto what voters hold already."""
    now = Fraction(0)
    while len(won) < seats:
        waits = {}
        for p in election.cost:
            behind = [v for v, b in enumerate(election.ballots) if p in b]
            if p not in won and behind:
                waits[p] = (1 - sum(held[v] for v in behind)) / len(behind)
        if not waits:
            break
        best = least(waits)
        now = waits[best]
        held = [
            Fraction(0) if best in b else h + now
            for h, b in zip(held, election.ballots, strict=True)
        ]
        won = [*won, best]
    return won


def slow_equal_shares(election: Election, seats: int, completion: str) -> list[str]:
    won: list[str] = []
    held = [Fraction(seats, len(election.ballots))] * len(election.ballots)
    while len(won) < seats:
        payments = {}
        for p in election.cost:
            purses = sorted(h for h, b in zip(held, election.ballots, strict=True) if p in b)
            if p in won or sum(purses) < 1:
                continue
            rest, payers = Fraction(1), len(purses)
            for purse in purses:
                if purse * payers >= rest:
                    break
                rest, payers = rest - purse, payers - 1
            payments[p] = rest / payers
        if not payments:
            break
        best = least(payments)
        won.append(best)
        held = [
            max(h - payments[best], Fraction(0)) if best in b else h
            for h, b in zip(held, election.ballots, strict=True)
        ]
    if completion == "phragmen":
        return slow_phragmen(election, seats, won, held)
    return slow_pav(election, seats, won) if completion == "sequential-pav" else won


def test_each_rule_agrees_with_the_slow_count() -> None:
    for seed in range(1500):
        election, seats = some_election(seed)
        none = [Fraction(0)] * len(election.ballots)
        votes = {p: -sum(p in b for b in election.ballots) for p in election.cost}
        most = [p for p in sorted(votes, key=lambda p: (votes[p], p)) if votes[p]][:seats]
        profile = election.profile
        assert winners(approval_winners(profile, seats, ties=BY_ID)) == most, seed
        assert winners(sequential_pav(profile, seats, ties=BY_ID)) == slow_pav(election, seats, [])
        found = winners(sequential_phragmen(profile, seats, ties=BY_ID))
        assert found == slow_phragmen(election, seats, [], none), seed
        completion = COMPLETIONS[seed % 3]
        outcome = equal_shares_committee(profile, seats, completion=completion, ties=BY_ID)
        assert winners(outcome) == slow_equal_shares(election, seats, completion), seed


@pytest.mark.parametrize("name", RULES)
def test_each_rule_agrees_with_abcvoting(name: str) -> None:
    compared = 0
    algorithm = {"algorithm": "standard-fractions"} if name in IN_FRACTIONS else {}
    for seed in range(200):
        election, seats = some_election(seed)
        profile = election.profile
        if np.count_nonzero(profile.votes) < seats:
            continue  # abcvoting fills the seats with options that nobody approves
        peer = AbcProfile(len(election.cost))
        places = {p: n for n, p in enumerate(election.cost)}
        peer.add_voters([{places[p] for p in ballot} for ballot in election.ballots])
        every = abcrules.compute(name, peer, seats, resolute=False, **algorithm)
        first = abcrules.compute(name, peer, seats, resolute=True, **algorithm)
        ours = RULES[name](profile, seats, ties=BY_ID)
        assert set(ours.order.tolist()) in [set(found) for found in every], seed
        if name != "av":  # its resolute outcome takes ties by another order
            assert set(ours.order.tolist()) == set(first[0]), seed
        other = RULES[name](profile, seats, ties=TieRule(("lot",), str(seed)))
        assert set(other.order.tolist()) in [set(found) for found in every], seed
        assert len(every) == 1 or ours.ties
        compared += 1
    assert compared > 100


@settings(max_examples=100, deadline=None)
@given(elections(), rules, st.integers(1, 6), st.randoms(use_true_random=False))
def test_the_order_of_options_and_ballots_does_not_matter(
    election: Election, rule: Rule, seats: int, random: Any
) -> None:
    seats = min(seats, len(election.cost))
    ids, ballots = list(election.cost), list(election.ballots)
    random.shuffle(ids)
    random.shuffle(ballots)
    mixed = Election({p: election.cost[p] for p in ids}, tuple(ballots), 1)
    assert winners(rule(election.profile, seats)) == winners(rule(mixed.profile, seats))


@settings(max_examples=100, deadline=None)
@given(elections(), rules, st.integers(1, 6), st.integers(2, 4))
def test_every_ballot_cast_several_times_changes_nothing(
    election: Election, rule: Rule, seats: int, times: int
) -> None:
    seats = min(seats, len(election.cost))
    many = Election(election.cost, election.ballots * times, 1)
    assert winners(rule(election.profile, seats)) == winners(rule(many.profile, seats))


@settings(max_examples=100, deadline=None)
@given(elections(), rules, st.integers(1, 6))
def test_all_seats_are_filled_if_enough_options_are_approved(
    election: Election, rule: Rule, seats: int
) -> None:
    seats = min(seats, len(election.cost))
    outcome = rule(election.profile, seats)
    assert len(outcome.order) == min(seats, np.count_nonzero(outcome.votes)) == outcome.spent
    assert [r["chosen"] for r in outcome.detail["rounds"]] == winners(outcome)


def test_equal_shares_leaves_no_cohesive_group_without_what_it_is_due() -> None:
    """Extended justified representation: n x l / k voters with l options in common."""
    for seed in range(300):
        election, seats = some_election(seed)
        voters = len(election.ballots)
        outcome = equal_shares_committee(election.profile, seats, completion="none")
        won = set(winners(outcome))
        for due in range(1, seats + 1):
            for common in combinations(election.cost, due):
                group = [b for b in election.ballots if set(common) <= b]
                poor = [b for b in group if len(b & won) < due]
                assert len(poor) * seats < due * voters, (seed, common)


def test_a_party_list_election_gives_phragmen_and_pav_their_divisor_methods() -> None:
    """Parties of 53, 24 and 23 voters share ten seats as D'Hondt's method would: 6, 2, 2."""
    lists = {"a": 53, "b": 24, "c": 23}
    options = {f"{party}{n}": 1 for party in lists for n in range(10)}
    ballots = tuple(
        frozenset(p for p in options if p[0] == party)
        for party, n in lists.items()
        for _ in range(n)
    )
    profile = Election(options, ballots, 1).profile
    for rule in (sequential_pav, sequential_phragmen, equal_shares_committee):
        won = winners(rule(profile, 10))
        assert [sum(p[0] == party for p in won) for party in "abc"] == [6, 2, 2], rule


def test_approvals_alone_leave_a_minority_with_nothing() -> None:
    ballots = (frozenset("abc"),) * 6 + (frozenset("d"),) * 3
    profile = Election(dict.fromkeys("abcd", 1), ballots, 1).profile
    assert winners(approval_winners(profile, 3, ties=BY_ID)) == ["a", "b", "c"]
    for rule in (sequential_pav, sequential_phragmen, equal_shares_committee):
        assert set(winners(rule(profile, 3, ties=BY_ID))) == {"a", "b", "d"}


def test_the_rounds_say_scores_loads_payments_and_ties() -> None:
    ballots = (frozenset("ab"),) * 3 + (frozenset("c"),) * 2
    profile = Election(dict.fromkeys("abc", 1), ballots, 1).profile
    pav = sequential_pav(profile, 2, ties=BY_ID)
    assert pav.detail["rounds"][0] == {"chosen": "a", "score": "3", "tied": ["b"]}
    assert [(tie.projects, tie.chosen, tie.by) for tie in pav.ties] == [((0, 1), 0, "id-text")]
    shares = equal_shares_committee(profile, 2, ties=BY_ID)
    assert shares.detail["rounds"] == [
        {"chosen": "a", "phase": "equal-shares", "payment": "1/3"},
        {"chosen": "c", "phase": "phragmen", "earned": "1/10", "tied": []},
    ]
    assert (shares.start, shares.completion) == (Fraction(2, 5), "phragmen")


def test_a_wrong_argument_is_named() -> None:
    profile = Election({"a": 1, "b": 1}, (frozenset("a"),), 1).profile
    for seats in (0, 3, 1.5):
        with pytest.raises(ValueError, match="from 1 to 2"):
            approval_winners(profile, seats)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="completion"):
        equal_shares_committee(profile, 1, completion="more")
