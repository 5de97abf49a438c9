"""Knapsack ballots: laws, the paper's theorem by brute force, and a slow count penny by penny."""

import json
import random
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.engine.voting import TieRule, greedy
from commonweal.engine.voting.knapsack import LASTS, knapsack
from commonweal.engine.voting.pabulib import read_pabulib
from tests.engine.elections import Election, winners
from tests.engine.points import Valued

PACK = Path(__file__).resolve().parents[2].parent / "shared/data/pabulib"
BY_ID = TieRule(("id-text",))
lasts = st.sampled_from(LASTS)


@st.composite
def filled_knapsacks(draw: st.DrawFn, *, ticks: bool = False, most: int = 6) -> Valued:
    """Draw ballots that give pence to projects, none more than the budget."""
    ids = draw(st.lists(st.sampled_from("abcde"), min_size=1, max_size=4, unique=True))
    cost = {p: draw(st.integers(0, most)) for p in ids}
    budget = draw(st.integers(1, 2 * most))
    ballots = []
    for _ in range(draw(st.integers(0, 6))):
        left, ballot = budget, {}
        for p in draw(st.lists(st.sampled_from(ids), unique=True)):
            given = cost[p] if ticks else draw(st.integers(0, min(cost[p], left)))
            if given <= left:
                ballot[p] = given
                left -= given
        ballots.append(ballot)
    return Valued(cost, tuple(ballots), budget)


def penny_by_penny(election: Valued) -> dict[str, int]:
    """Fund the penny with the most votes again and again."""
    cost, got = election.cost, dict.fromkeys(election.cost, 0)
    for _ in range(election.budget):

        def votes(p: str) -> int:
            return sum(b.get(p, 0) > got[p] for b in election.ballots)

        open_to = [p for p in cost if votes(p)]
        if not open_to:
            break
        got[min(open_to, key=lambda p: (-votes(p), p))] += 1
    return {p: n for p, n in got.items() if n}


@settings(max_examples=250, deadline=None)
@given(filled_knapsacks())
def test_it_agrees_with_a_count_penny_by_penny(election: Valued) -> None:
    outcome = knapsack(election.profile, election.budget, amounts=True, ties=BY_ID)
    assert outcome.detail["amounts"] == penny_by_penny(election)
    assert sorted(p for p in winners(outcome) if election.cost[p]) == sorted(
        p for p, n in outcome.detail["amounts"].items() if n == election.cost[p]
    )
    json.dumps(outcome.detail)


@settings(max_examples=150, deadline=None)
@given(filled_knapsacks(most=4))
def test_no_other_budget_overlaps_more_with_the_ballots(election: Valued) -> None:
    # Theorem of the paper: the winning budget has the largest overlap with all ballots together.
    def overlap(got: dict[str, int]) -> int:
        return sum(min(n, got.get(p, 0)) for b in election.ballots for p, n in b.items())

    outcome = knapsack(election.profile, election.budget, amounts=True)
    ways = product(*(range(cost + 1) for cost in election.cost.values()))
    best = max(
        overlap(dict(zip(election.cost, way, strict=True)))
        for way in ways
        if sum(way) <= election.budget
    )
    assert overlap(outcome.detail["amounts"]) == best


@settings(max_examples=150, deadline=None)
@given(filled_knapsacks(ticks=True, most=12), lasts)
def test_ticks_are_amounts_of_the_whole_cost(election: Valued, last: str) -> None:
    one, other = (
        knapsack(election.profile, election.budget, amounts=amounts, last=last)
        for amounts in (False, True)
    )
    assert one.detail == other.detail
    assert one.order.tolist() == other.order.tolist()
    assert one.ties == other.ties


@settings(max_examples=150, deadline=None)
@given(filled_knapsacks(ticks=True, most=12))
def test_skipping_is_greedy_and_leaving_is_greedy_with_a_stop(election: Valued) -> None:
    for last in ("skip", "leave"):
        misfit = "stop" if last == "leave" else "skip"
        outcome = knapsack(election.profile, election.budget, last=last)
        assert winners(outcome) == winners(greedy(election.profile, election.budget, misfit=misfit))
        assert not outcome.detail["in_part"]


@settings(max_examples=200, deadline=None)
@given(filled_knapsacks(), lasts, st.integers(2, 50), st.randoms(use_true_random=False))
def test_order_copies_and_the_unit_of_money_do_not_matter(
    election: Valued, last: str, times: int, shuffle: random.Random
) -> None:
    ids, ballots = list(election.cost), list(election.ballots)
    shuffle.shuffle(ids)
    shuffle.shuffle(ballots)
    mixed = Valued(
        {p: times * election.cost[p] for p in ids},
        tuple({p: times * n for p, n in b.items()} for b in ballots * 2),
        times * election.budget,
    )
    one, other = (knapsack(e.profile, e.budget, last=last, amounts=True) for e in (election, mixed))
    assert winners(one) == winners(other)
    assert {p: times * n for p, n in one.detail["amounts"].items()} == other.detail["amounts"]
    assert one.detail["spent"] <= election.budget


def test_nobody_gets_a_budget_closer_to_hers_by_another_ballot() -> None:
    # The paper's theorem 1, tried on every other ballot of a small election.
    chance = random.Random(3)
    cost, budget = {"a": 3, "b": 3, "c": 2}, 4
    every = [
        dict(zip(cost, way, strict=True))
        for way in product(*(range(n + 1) for n in cost.values()))
        if sum(way) == budget
    ]

    def far(mine: dict[str, int], ballots: list[dict[str, int]]) -> int:
        profile = Valued(cost, tuple(ballots), budget).profile
        got = knapsack(profile, budget, amounts=True, ties=BY_ID).detail["amounts"]
        return sum(abs(mine[p] - got.get(p, 0)) for p in cost)

    for _ in range(30):
        others = [chance.choice(every) for _ in range(3)]
        mine = chance.choice(every)
        honest = far(mine, [mine, *others])
        assert all(far(mine, [lie, *others]) >= honest for lie in every)


def test_a_tie_at_the_edge_is_recorded() -> None:
    election = Election({"a": 3, "b": 3}, (frozenset("a"), frozenset("b")), 4)
    outcome = knapsack(election.profile, 4, ties=BY_ID)
    assert outcome.detail["amounts"] == {"a": 3, "b": 1}
    assert [(tie.projects, tie.by) for tie in outcome.ties] == [((0, 1), "id-text")]


def test_pence_wait_for_those_below_them_when_misfits_are_skipped() -> None:
    # Six pence of a do not fit in the five left after b, so its last four may not go first.
    ballots = ({"a": 6}, {"a": 6}, {"a": 10}, *({"b": 5},) * 5, {"c": 3})
    election = Valued({"a": 10, "b": 5, "c": 3}, ballots, 10)
    outcome = knapsack(election.profile, 10, amounts=True, last="skip", ties=BY_ID)
    assert outcome.detail["amounts"] == {"b": 5, "c": 3}


@pytest.mark.parametrize(
    ("ballot", "more", "message"),
    [
        ({"a": 5, "b": 5}, {}, "ballot 0 .* spends more than the budget, as do 0 more"),
        ({"a": 6}, {"amounts": True}, "more than it costs"),
        ({"a": -1}, {"amounts": True}, "less than nothing"),
        ({"a": 1}, {"last": "round"}, "last must be one of"),
    ],
)
def test_ballots_that_do_not_fit_are_refused(
    ballot: dict[str, int], more: dict[str, object], message: str
) -> None:
    election = Valued({"a": 5, "b": 5}, (ballot,), 8)
    with pytest.raises(ValueError, match=message):
        knapsack(election.profile, 8, **more)
    with pytest.raises(ValueError, match="carry no amounts"):
        knapsack(Election({"a": 5}, (frozenset("a"),), 8).profile, 8, amounts=True)


@pytest.mark.parametrize("path", ["", *sorted(str(p) for p in PACK.glob("*napsack*.pb"))])
def test_real_knapsack_ballots_fit_and_use_the_whole_budget(path: str) -> None:
    if path:
        read = read_pabulib(path)
        outcome = knapsack(read.profile, read.budget)
        assert outcome.detail["spent"] == read.budget
        assert len(outcome.detail["in_part"]) <= 1
