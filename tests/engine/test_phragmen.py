"""Sequential Phragmén: laws, a slow count beside it, worked examples, peers and real elections."""

import json
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pabutools.election import ApprovalBallot, ApprovalProfile, Instance, Project
from pabutools.rules import sequential_phragmen

from commonweal.engine.voting import TieRule
from commonweal.engine.voting.limits import Cap, Limits
from commonweal.engine.voting.pabulib import read_pabulib
from commonweal.engine.voting.phragmen import phragmen
from tests.engine import oracle
from tests.engine.elections import Election, elections, winners

PACK = Path(__file__).resolve().parents[2].parent / "shared/data/pabulib"
BY_ID = TieRule(("id-text",))


def slow(election: Election, misfit: str, chain: str = "id-text") -> list[str]:
    """Let time pass to the next moment at which some supporters can pay, and empty their purses."""
    cost, ballots = election.cost, election.ballots
    order = oracle.tie_order(cost, ballots, chain, "")
    votes = oracle.support(cost, ballots)
    emptied = [Fraction(0)] * len(ballots)
    won: list[str] = []
    waiting = {p for p in cost if votes[p] and cost[p] <= election.budget}
    left = election.budget
    while waiting:
        moment = {
            p: (cost[p] + sum(emptied[v] for v, b in enumerate(ballots) if p in b))
            / Fraction(votes[p])
            for p in waiting
        }
        best = min(waiting, key=lambda p: (moment[p], order.index(p)))
        waiting.remove(best)
        if cost[best] > left:
            if misfit == "stop":
                break
            continue
        won.append(best)
        left -= cost[best]
        emptied = [moment[best] if best in b else emptied[v] for v, b in enumerate(ballots)]
    return won


@settings(max_examples=600, deadline=None)
@given(
    elections(),
    st.sampled_from(["stop", "skip"]),
    st.sampled_from(["id-text", "cheapest,most-votes,lot"]),
)
def test_the_winners_and_their_order_are_those_of_the_slow_count(
    election: Election, misfit: str, chain: str
) -> None:
    outcome = phragmen(
        election.profile, election.budget, misfit=misfit, ties=TieRule(tuple(chain.split(",")))
    )
    assert winners(outcome) == slow(election, misfit, chain)
    assert outcome.spent <= election.budget


@settings(max_examples=200, deadline=None)
@given(elections(), st.sampled_from(["stop", "skip"]), st.integers(2, 5), st.data())
def test_order_copies_and_unit_of_money_do_not_matter(
    election: Election, misfit: str, factor: int, data: st.DataObject
) -> None:
    before = winners(phragmen(election.profile, election.budget, misfit=misfit, ties=BY_ID))
    ids = data.draw(st.permutations(list(election.cost)))
    ballots = tuple(data.draw(st.permutations(election.ballots)))
    moved = Election(
        {p: election.cost[p] * factor for p in ids}, ballots * factor, election.budget * factor
    )
    assert winners(phragmen(moved.profile, moved.budget, misfit=misfit, ties=BY_ID)) == before


@settings(max_examples=200, deadline=None)
@given(elections())
def test_skipping_funds_at_least_what_stopping_does(election: Election) -> None:
    stopped = winners(phragmen(election.profile, election.budget, ties=BY_ID))
    skipped = winners(phragmen(election.profile, election.budget, misfit="skip", ties=BY_ID))
    assert skipped[: len(stopped)] == stopped


@settings(max_examples=150, deadline=None)
@given(elections())
def test_pabutools_finds_the_same_where_no_tied_project_is_too_dear(election: Election) -> None:
    # It stops as soon as *one* of several tied projects does not fit; we look at the first in order.
    outcome = phragmen(election.profile, election.budget, ties=BY_ID)
    if outcome.ties:
        return
    projects = {p: Project(p, c) for p, c in election.cost.items()}
    supported = {p for ballot in election.ballots for p in ballot}
    instance = Instance([projects[p] for p in supported], election.budget)
    profile = ApprovalProfile(
        [ApprovalBallot(projects[p] for p in b) for b in election.ballots], instance=instance
    )
    assert sorted(p.name for p in sequential_phragmen(instance, profile)) == sorted(
        winners(outcome)
    )


def test_the_example_of_brill_and_others_with_unit_costs() -> None:
    # Three seats; 66 % approve a, b, c and 34 % approve d: loads are 1/66, 2/66, 1/34, 3/66.
    ballots = (frozenset("abc"),) * 66 + (frozenset("d"),) * 34
    outcome = phragmen(
        Election(dict.fromkeys("abcd", 1000), ballots, 3000).profile, 3000, ties=BY_ID
    )
    assert winners(outcome) == ["a", "d", "b"]
    assert outcome.detail["loads"] == ["15.151515", "29.411765", "30.303030"]


def test_every_tie_is_in_the_result() -> None:
    ballots = (frozenset("a"), frozenset("b"), frozenset("c"))
    outcome = phragmen(Election({"a": 5, "b": 5, "c": 6}, ballots, 16).profile, 16, ties=BY_ID)
    assert [(tie.projects, tie.chosen, tie.by) for tie in outcome.ties] == [((0, 1), 0, "id-text")]


def test_a_project_whose_turn_it_was_says_what_was_left() -> None:
    ballots = (frozenset("ab"), frozenset("ab"), frozenset("c"))
    outcome = phragmen(Election({"a": 60, "b": 50, "c": 60}, ballots, 100).profile, 100, ties=BY_ID)
    assert winners(outcome) == ["b"]
    assert outcome.left.tolist() == [50, 100, -1]
    assert outcome.detail["after_stop"] == ["c"]
    assert outcome.shortfall.tolist()[0] == 10


def test_limits_pass_over_what_they_keep_out() -> None:
    ballots = (frozenset("abd"),) * 3 + (frozenset("c"), frozenset("e"))
    election = Election({"a": 30, "b": 33, "c": 40, "d": 36, "e": 9}, ballots, 150)
    limits = Limits(must=("e",), exclusive=(("a", "b"),), caps=(Cap("side", ("c",), 39),))
    outcome = phragmen(election.profile, 150, ties=BY_ID, limits=limits)
    assert winners(outcome) == ["e", "a", "d"]
    assert outcome.detail["must"] == ["e"]
    assert outcome.detail["excluded"] == {"b": "a"}
    assert outcome.detail["over_cap"] == {"c": "side"}
    assert winners(phragmen(election.profile, 150, limits=Limits(minimum=2), ties=BY_ID)) == list(
        "abd"
    )


def test_an_unknown_misfit_and_an_empty_budget_are_refused() -> None:
    profile = Election({"a": 1}, (frozenset("a"),), 1).profile
    with pytest.raises(ValueError, match="misfit must be one of stop, skip"):
        phragmen(profile, 1, misfit="both")
    with pytest.raises(ValueError, match="budget"):
        phragmen(profile, 0)


def test_more_than_a_thousand_winners_are_no_trouble() -> None:
    ids = [f"p{i:04}" for i in range(1500)]
    ballots = tuple(frozenset(ids[i::7]) for i in range(7)) + tuple(
        frozenset(ids[i::11]) for i in range(11)
    )
    election = Election({p: 100 + i % 13 for i, p in enumerate(ids)}, ballots, 10**6)
    assert len(winners(phragmen(election.profile, election.budget))) == 1500


@pytest.mark.parametrize(
    "name",
    sorted(
        path.stem
        for path in PACK.glob("expected/*.json")
        if "phragmen" in json.loads(path.read_text())["rules"]
    ),
)
def test_real_elections_give_the_expected_winners(name: str) -> None:
    expected = json.loads((PACK / f"expected/{name}.json").read_text())["rules"]["phragmen"]
    read = read_pabulib(next(PACK.glob(f"{name}.pb*")))
    outcome = phragmen(read.profile, read.budget, ties=BY_ID)
    assert sorted(map(str, outcome.ids[outcome.order])) == sorted(expected["winners"])
