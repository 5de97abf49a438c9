"""Quadratic and cumulative voting: laws, worked examples, and a slow count beside them."""

import json
import random
from decimal import Decimal, getcontext
from math import isqrt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.engine.voting import TieRule, greedy
from commonweal.engine.voting.limits import Limits
from commonweal.engine.voting.roots import root_levels, square_free
from commonweal.engine.voting.scoring import cumulative, quadratic
from tests.engine.elections import winners
from tests.engine.points import Valued, valued

BY_ID = TieRule(("id-text",))
getcontext().prec = 60


def spend_slowly(election: Valued, total: dict[str, Decimal]) -> list[str]:
    money, won = election.budget, []
    for p in sorted(total, key=lambda p: (-total[p], p)):
        if total[p] > 0 and election.cost[p] <= money:
            money -= election.cost[p]
            won.append(p)
    return won


@settings(max_examples=400, deadline=None)
@given(valued(least=-9, most=18), st.sampled_from(["votes", "credits"]))
def test_quadratic_agrees_with_a_slow_count_of_sixty_digits(election: Valued, given: str) -> None:
    def votes(n: int) -> Decimal:
        return Decimal(n) if given == "votes" else Decimal(abs(n)).sqrt() * (1 if n > 0 else -1)

    # Sums that differ by less than a rounding of sixty digits are equal here: values are small.
    total = {
        p: round(sum((votes(b[p]) for b in election.ballots if p in b), Decimal(0)), 40)
        for p in election.cost
    }
    outcome = quadratic(election.profile, election.budget, given=given, unit=1, ties=BY_ID)
    assert winners(outcome) == spend_slowly(election, total)
    assert outcome.spent <= election.budget
    for p in election.cost:
        assert abs(Decimal(outcome.detail["totals"][p]) - total[p]) < Decimal("0.000002")
    json.dumps(outcome.detail)


@settings(max_examples=200, deadline=None)
@given(valued(), st.sampled_from(["skip", "stop"]))
def test_cumulative_is_greedy_by_points(election: Valued, misfit: str) -> None:
    one = cumulative(election.profile, election.budget, misfit=misfit)
    other = greedy(
        election.profile, election.budget, measure="score", satisfaction="points", misfit=misfit
    )
    assert winners(one) == winners(other)
    assert one.ties == other.ties
    assert one.spent <= election.budget


@settings(max_examples=150, deadline=None)
@given(
    valued(least=-3, most=12),
    st.sampled_from(["votes", "credits"]),
    st.integers(2, 500),
    st.randoms(use_true_random=False),
)
def test_order_copies_and_units_do_not_matter(
    election: Valued, given: str, times: int, shuffle: random.Random
) -> None:
    ids, ballots = list(election.cost), list(election.ballots)
    shuffle.shuffle(ids)
    shuffle.shuffle(ballots)
    mixed = Valued(
        {p: times * election.cost[p] for p in ids}, tuple(ballots * 2), times * election.budget
    )
    one, other = (quadratic(e.profile, e.budget, given=given) for e in (election, mixed))
    assert winners(one) == winners(other)


@settings(max_examples=150, deadline=None)
@given(valued(least=0, most=9), st.data())
def test_more_votes_never_take_a_win_away(election: Valued, data: st.DataObject) -> None:
    won = winners(quadratic(election.profile, election.budget, given="credits"))
    if not won:
        return
    loved = data.draw(st.sampled_from(won))
    more = Valued(election.cost, (*election.ballots, {loved: 5}), election.budget)
    assert loved in winners(quadratic(more.profile, more.budget, given="credits"))


def test_few_who_care_much_outvote_many_who_care_little_by_roots_only() -> None:
    # Lalley and Weyl's point: 16 credits of one voter weigh as 4 voters with one credit each.
    ballots = ({"a": 1600},) + ({"b": 100},) * 5
    election = Valued({"a": 10, "b": 10}, ballots, 10)
    outcome = quadratic(election.profile, 10, given="credits", credits=16)
    assert winners(outcome) == ["b"]
    assert outcome.detail["totals"] == {"a": "4.000000", "b": "5.000000"}
    assert outcome.detail["credits_spent"] == "21"
    as_votes = Valued({"a": 10, "b": 10}, ({"a": 400},) + ({"b": 100},) * 5, 10)
    assert quadratic(as_votes.profile, 10).detail == outcome.detail | {
        "given": "votes",
        "credits": None,
    }


def test_votes_against_count_against() -> None:
    election = Valued({"a": 10, "b": 10}, ({"a": 300, "b": 100}, {"a": -300}), 20)
    assert winners(quadratic(election.profile, 20)) == ["b"]


def test_equal_sums_of_roots_are_a_tie_and_nearly_equal_ones_are_not() -> None:
    # 2 + 8 credits give the same votes as 18: root 2 + 2 root 2 = 3 root 2.
    election = Valued({"a": 5, "b": 5}, ({"a": 2}, {"a": 8}, {"b": 18}), 5)
    outcome = quadratic(election.profile, 5, given="credits", unit=1)
    assert [tie.projects for tie in outcome.ties] == [(0, 1)]
    # Floats call these equal: the roots of n - 1 and n + 1 against twice the root of n.
    n = 10**11
    votes = {"a": [n - 1, n + 1], "b": [n, n]}
    assert (n - 1) ** 0.5 + (n + 1) ** 0.5 == 2 * n**0.5
    near = Valued({"a": 5, "b": 5}, tuple({p: v} for p in votes for v in votes[p]), 5)
    outcome = quadratic(near.profile, 5, given="credits", unit=1)
    assert winners(outcome) == ["b"]
    assert not outcome.ties


@settings(max_examples=200, deadline=None)
@given(st.integers(1, 10**7))
def test_the_square_free_part_has_no_square(number: int) -> None:
    factor, free = square_free(number)
    assert factor * factor * free == number
    assert all(free % (d * d) for d in range(2, isqrt(free) + 1))


def test_an_empty_menu_has_no_levels() -> None:
    assert root_levels([]) == []
    nothing = Valued({}, ({},), 5)
    assert quadratic(nothing.profile, 5, given="credits").order.tolist() == []


@pytest.mark.parametrize(
    ("rule", "more", "message"),
    [
        (quadratic, {"given": "hope"}, "votes or credits"),
        (quadratic, {"credits": 8}, "ballot 0 .* spends more than the 8 credits it has, as do 1"),
        (quadratic, {"given": "credits", "credits": 2}, "spends more than the 2 credits"),
        (quadratic, {"misfit": "shrug"}, "misfit must be one of"),
        (cumulative, {"points": 2}, "gives more than the 2 points it has"),
        (cumulative, {"most_each": 2}, "ballot 0 gives one project more than 2 points"),
        (cumulative, {"least_projects": 2}, "ballot 0 gives points to fewer than 2 projects"),
    ],
)
def test_ballots_that_break_the_terms_are_refused(rule, more, message) -> None:  # type: ignore[no-untyped-def]
    election = Valued({"a": 5, "b": 5}, ({"a": 300}, {"b": 300}, {}), 5)
    with pytest.raises(ValueError, match=message):
        rule(election.profile, 5, **more)


def test_approvals_are_refused() -> None:
    from tests.engine.elections import Election

    profile = Election({"a": 5}, (frozenset("a"),), 5).profile
    for rule in (quadratic, cumulative):
        with pytest.raises(ValueError, match="needs ballots that give numbers"):
            rule(profile, 5)


def test_limits_bind_here_too() -> None:
    election = Valued({"a": 5, "b": 5, "c": 5}, ({"a": 300, "b": 200},) * 2, 15)
    limits = Limits(must=("c",), exclusive=(("a", "b"),))
    assert winners(cumulative(election.profile, 15, limits=limits)) == ["c", "a"]
    few = Limits(minimum=3)
    outcome = quadratic(election.profile, 15, limits=few)
    assert outcome.detail["below_threshold"] == ["a", "b"]
