"""Equal shares with bounded overspending: laws, a slow count beside it, and worked examples."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.engine.voting import Profile, TieRule
from commonweal.engine.voting.bounded_overspending import bounded_overspending
from commonweal.engine.voting.limits import Cap, Limits
from commonweal.engine.voting.satisfaction import of_worth
from tests.engine.elections import Election, elections, winners

BY_ID = TieRule(("id-text",))
Worths = list[dict[str, int]]


def slow(cost: dict[str, int], ballots: Worths, budget: int, *, by_cost: bool) -> list[str]:
    """Try every price that empties a purse or raises the cost, voter by voter, in fractions."""
    money = [Fraction(budget, len(ballots))] * len(ballots)
    won = sorted(p for p in cost if not cost[p] and any(p in b for b in ballots))
    left = budget
    while True:
        bids = []
        for p in sorted(cost):
            if p in won or not cost[p] or cost[p] > left:
                continue
            worth = {v: (cost[p] if by_cost else b[p]) for v, b in enumerate(ballots) if p in b}

            def raised(price: Fraction, worth: dict[int, int] = worth) -> Fraction:
                paid = (min(money[v], price * u) for v, u in worth.items())
                return sum(paid, Fraction(0))

            prices = sorted({money[v] / u for v, u in worth.items() if money[v]})
            below = Fraction(0)
            for price in prices:
                if raised(price) >= cost[p]:
                    slope = (raised(price) - raised(below)) / (price - below)
                    price = below + (cost[p] - raised(below)) / slope
                share = raised(price) / cost[p]
                bids.append((price / share**2, p, -share, price / share, worth))
                if share == 1:
                    break
                below = price
        if not bids:
            return won
        _, p, _, price, worth = min(bids, key=lambda bid: bid[:3])
        won.append(p)
        left -= cost[p]
        for v, u in worth.items():
            money[v] = max(Fraction(0), money[v] - price * u)


def ones(election: Election) -> Worths:
    return [dict.fromkeys(ballot, 1) for ballot in election.ballots]


@settings(max_examples=700, deadline=None)
@given(elections(), st.sampled_from(["cost", "cardinality"]))
def test_the_winners_and_their_order_are_those_of_the_slow_count(
    election: Election, satisfaction: str
) -> None:
    outcome = bounded_overspending(
        election.profile, election.budget, satisfaction=satisfaction, ties=BY_ID
    )
    by_cost = satisfaction == "cost"
    assert winners(outcome) == slow(election.cost, ones(election), election.budget, by_cost=by_cost)
    assert outcome.spent <= election.budget


@settings(max_examples=400, deadline=None)
@given(elections(), st.data())
def test_points_give_the_winners_of_the_slow_count(election: Election, data: st.DataObject) -> None:
    marks = [(p, v) for v, ballot in enumerate(election.ballots) for p in sorted(ballot)]
    points = [data.draw(st.integers(0, 3)) for _ in marks]
    profile = Profile.from_pairs(
        list(election.cost),
        list(election.cost.values()),
        project=[p for p, _ in marks],
        ballot=[v for _, v in marks],
        voters=len(election.ballots),
        value=np.array(points, dtype=np.int64),
    )
    ballots: Worths = [{} for _ in election.ballots]
    for (p, v), given_points in zip(marks, points, strict=True):
        if given_points:
            ballots[v][p] = given_points
    if of_worth(profile, "points").votes.tolist() != profile.votes.tolist():
        return  # free projects with marks worth nothing: said apart below
    outcome = bounded_overspending(profile, election.budget, satisfaction="points", ties=BY_ID)
    assert winners(outcome) == slow(election.cost, ballots, election.budget, by_cost=False)


@settings(max_examples=200, deadline=None)
@given(elections(), st.sampled_from(["cost", "cardinality"]), st.integers(2, 5), st.data())
def test_order_copies_and_unit_of_money_do_not_matter(
    election: Election, satisfaction: str, factor: int, data: st.DataObject
) -> None:
    before = bounded_overspending(
        election.profile, election.budget, satisfaction=satisfaction, ties=BY_ID
    )
    ids = data.draw(st.permutations(list(election.cost)))
    moved = Election(
        {p: election.cost[p] * factor for p in ids},
        tuple(data.draw(st.permutations(election.ballots))) * factor,
        election.budget * factor,
    )
    after = bounded_overspending(moved.profile, moved.budget, satisfaction=satisfaction, ties=BY_ID)
    assert winners(after) == winners(before)


@settings(max_examples=200, deadline=None)
@given(elections(), st.sampled_from(["cost", "cardinality"]))
def test_nothing_that_fits_is_left_while_its_supporters_hold_money(
    election: Election, satisfaction: str
) -> None:
    outcome = bounded_overspending(election.profile, election.budget, satisfaction=satisfaction)
    left = election.budget - outcome.spent
    assert (outcome.shortfall[~outcome.funded & (outcome.votes > 0)] > 0).all()
    for place in np.flatnonzero(~outcome.funded):
        assert outcome.votes[place] == 0 or outcome.cost[place] > left or not outcome.behind[place]


def test_a_large_group_may_go_a_little_over() -> None:
    # The example of the documentation, from a public implementation of the paper.
    election = Election(
        {"p1": 1000, "p2": 100}, tuple(map(frozenset, (["p1"], ["p2"], ["p1"]))), 1000
    )
    assert winners(bounded_overspending(election.profile, 1000)) == ["p1"]
    by_number = bounded_overspending(election.profile, 1000, satisfaction="cardinality")
    assert winners(by_number) == ["p2"]


def test_who_can_pay_in_full_pays_as_in_equal_shares() -> None:
    election = Election({"a": 50, "b": 50}, (frozenset("ab"), frozenset("ab"), frozenset("a")), 100)
    outcome = bounded_overspending(election.profile, 100, ties=BY_ID)
    assert winners(outcome) == ["a", "b"]
    assert outcome.payments == (Fraction(50, 3), Fraction(50, 3))
    assert outcome.detail["shares"] == {"a": "1.000000", "b": "0.666667"}


def test_limits_keep_out_what_they_name_and_must_is_paid_first() -> None:
    ballots = (frozenset("abc"),) * 4 + (frozenset("e"),)
    election = Election({"a": 30, "b": 33, "c": 20, "d": 36, "e": 9}, ballots, 150)
    limits = Limits(must=("d",), exclusive=(("a", "b"),), caps=(Cap("side", ("c",), 19),))
    outcome = bounded_overspending(election.profile, 150, ties=BY_ID, limits=limits)
    assert winners(outcome) == ["d", "a", "e"]
    assert outcome.start == Fraction(114, 5)
    assert outcome.shared.tolist() == [True, False, False, False, True]
    assert outcome.detail["excluded"] == {"b": "a"}
    assert outcome.detail["over_cap"] == {"c": "side"}
    popular = bounded_overspending(election.profile, 150, ties=BY_ID, limits=Limits(minimum=2))
    assert winners(popular) == ["a", "b", "c"]


def test_ties_are_in_the_result_and_an_unknown_satisfaction_is_refused() -> None:
    election = Election({"a": 5, "b": 5}, (frozenset("a"), frozenset("b")), 10)
    outcome = bounded_overspending(election.profile, 10, ties=BY_ID)
    assert [(tie.projects, tie.chosen, tie.by) for tie in outcome.ties] == [((0, 1), 0, "id-text")]
    with pytest.raises(ValueError, match="satisfaction must be one of"):
        bounded_overspending(election.profile, 10, satisfaction="joy")
    with pytest.raises(ValueError, match="needs ballots that carry points"):
        bounded_overspending(election.profile, 10, satisfaction="points")
