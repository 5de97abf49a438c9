"""Equal shares beside pabutools: the same winners, whatever the ballots and the completion."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pabutools import election as pb
from pabutools.rules import (
    completion_by_rule_combination,
    greedy_utilitarian_welfare,
    method_of_equal_shares,
)

from commonweal.engine.voting.equal_shares import equal_shares
from commonweal.engine.voting.profile import Profile
from commonweal.engine.voting.ties import TieRule

BY_ID = TieRule(("id-text",))
IDS = tuple("abcdef")
# pabutools keeps every budget it meets, so the step is a good part of it here.
STEP = 3

Marks = list[dict[str, int]]


@st.composite
def marked(draw: st.DrawFn) -> tuple[dict[str, int], Marks, int]:
    """Draw costs, ballots as project -> value, and a budget; equal costs are common."""
    ids = draw(st.lists(st.sampled_from(IDS), min_size=2, max_size=6, unique=True))
    price = st.integers(1, 3) if draw(st.booleans()) else st.integers(1, 20)
    cost = {p: draw(price) for p in ids}
    ballot = st.dictionaries(st.sampled_from(ids), st.integers(1, 4), max_size=len(ids))
    ballots = draw(st.lists(ballot, min_size=1, max_size=8))
    return cost, ballots, draw(st.integers(1, 2 * sum(cost.values())))


def ours(cost: dict[str, int], ballots: Marks, *, ranked: bool) -> Profile:
    marks = [
        (p, v, place if ranked else value)
        for v, ballot in enumerate(ballots)
        for place, (p, value) in enumerate(ballot.items(), start=1)
    ]
    return Profile.from_pairs(
        list(cost),
        list(cost.values()),
        project=[p for p, _, _ in marks],
        ballot=[v for _, v, _ in marks],
        voters=len(ballots),
        value=[value for _, _, value in marks],
    )


APPROVAL = (pb.ApprovalBallot, pb.ApprovalProfile)
POINTS = (pb.CumulativeBallot, pb.CumulativeProfile)
RANKED = (pb.OrdinalBallot, pb.OrdinalProfile)
KINDS: dict[str, tuple[Any, Any, tuple[Any, Any]]] = {
    "cost": (pb.Cost_Sat, APPROVAL, (False, list)),
    "cardinality": (pb.Cardinality_Sat, APPROVAL, (False, list)),
    "points": (pb.Additive_Cardinal_Sat, POINTS, (False, dict)),
    "borda": (pb.Additive_Borda_Sat, RANKED, (True, list)),
}


@pytest.mark.parametrize("completion", ["none", "greedy", "add1", "add1-greedy"])
@pytest.mark.parametrize("satisfaction", KINDS)
@settings(max_examples=60, deadline=None)
@given(marked())
def test_pabutools_funds_the_same(
    satisfaction: str, completion: str, election: tuple[dict[str, int], Marks, int]
) -> None:
    cost, ballots, budget = election
    measure, (ballot_kind, profile_kind), (ranked, content) = KINDS[satisfaction]
    profile = ours(cost, ballots, ranked=ranked)
    outcome = equal_shares(
        profile, budget, satisfaction=satisfaction, completion=completion, step=STEP, ties=BY_ID
    )
    project = {p: pb.Project(p, price) for p, price in cost.items()}
    instance = pb.Instance(project.values(), budget_limit=budget)

    def theirs(ballot: dict[str, int]) -> Any:
        if content is dict:
            return ballot_kind({project[p]: value for p, value in ballot.items()})
        return ballot_kind(project[p] for p in ballot)

    voters = profile_kind([theirs(ballot) for ballot in ballots], instance=instance)
    raised = {"voter_budget_increment": STEP} if completion.startswith("add1") else {}
    rules: list[Callable[..., Any]] = [method_of_equal_shares]
    params: list[dict[str, Any]] = [{"sat_class": measure, **raised}]
    if completion.endswith("greedy"):
        rules.append(greedy_utilitarian_welfare)
        params.append({"sat_class": measure})
    won = completion_by_rule_combination(instance, voters, rules, params)
    # pabutools also fills up with what is worth nothing to anybody.
    worthless = {str(p) for p in profile.ids} - supported(ballots, satisfaction)
    assert sorted(str(p) for p in outcome.ids[outcome.order]) == sorted(
        p.name for p in won if p.name not in worthless
    )


def supported(ballots: Marks, satisfaction: str) -> set[str]:
    """Return the projects that are worth anything to anybody."""
    ends = -1 if satisfaction == "borda" else None
    return {p for ballot in ballots for p in list(ballot)[:ends]}
