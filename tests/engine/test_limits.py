"""A pot's own terms, and money in several pots."""

import json
import random
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.engine.voting import Outcome, Profile, TieRule, equal_shares, greedy
from commonweal.engine.voting.limits import Cap, Limits, Pot, pay_must, share_or_number
from commonweal.engine.voting.pots import count_in_pots, part_of
from tests.engine.elections import Election, elections, winners

BY_ID = TieRule(("id-text",))
WHOLE: dict[str, Any] = {
    "must": ["a"],
    "exclusive": [["b", "c"]],
    "caps": [{"name": "parks", "projects": ["a", "b"], "pence": 70}],
    "pots": [
        {"name": "north", "projects": ["a"], "pence": 30, "ballots": [0, 2]},
        {"name": "south", "projects": ["b"], "pence": 0},
    ],
    "minimum": "1/20",
    "minimum_of": "votes",
    "leftover": ["north", "south", "rest", "all"],
}


def test_terms_come_back_from_json_as_they_went() -> None:
    limits = Limits.from_json(WHOLE)
    assert json.loads(json.dumps(limits.to_json())) == WHOLE
    assert Limits.from_json(limits.to_json()) == limits
    assert Limits.from_json({}).to_json() == {}
    assert Limits.from_json({"minimum": 25}).to_json() == {"minimum": 25}
    assert Limits.from_json({"must": [7]}).must == ("7",)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": 1}, "limits know no 'colour'"),
        ({"must": "a"}, "must must be a list"),
        ({"must": ["a", "a"]}, "must names 'a' twice"),
        ({"must": [None]}, "must list names"),
        ({"exclusive": [["b"]]}, "two projects or more"),
        ({"exclusive": ["bc"]}, "a group in exclusive must be a list"),
        ({"caps": [{"name": "parks"}]}, "a cap has no 'projects'"),
        ({"caps": [7]}, "a cap must be an object"),
        ({"caps": [{"name": "x", "projects": [], "pence": 1.5}]}, "'x' must be a whole number"),
        ({"caps": [{"name": "x", "projects": [], "pence": -1}]}, "between 0 and"),
        ({"caps": [{"name": "x", "projects": [], "pence": 1}] * 2}, "caps name 'x' twice"),
        ({"pots": [{"name": "x", "projects": ["a"], "pence": 1, "way": 1}]}, "knows no 'way'"),
        ({"pots": [{"name": "rest", "projects": [], "pence": 1}], "leftover": []}, "called 'rest'"),
        (
            {"pots": [{"name": n, "projects": ["a"], "pence": 1} for n in "xy"], "leftover": []},
            "pots share 'a' twice",
        ),
        (
            {"pots": [{"name": "x", "projects": [], "pence": 1, "ballots": ["k"]}]},
            "whole numbers",
        ),
        ({"minimum": "many"}, "number of votes, or a share"),
        ({"minimum": "120%"}, "number of votes, or a share"),
        ({"minimum": 0.5}, "number of votes, or a share"),
        ({"minimum": "1/0"}, "number of votes, or a share"),
        ({"minimum_of": "people"}, "ballots or votes"),
        ({"leftover": ["east"]}, "'east', which is not a pot"),
        ({"leftover": ["all", "north"]}, "can only be the last"),
    ],
)
def test_terms_that_make_no_sense_are_refused_with_a_reason(
    change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Limits.from_json(WHOLE | change)


def test_shares_are_read_exactly() -> None:
    assert share_or_number("2.5%") == Fraction(1, 40)
    assert share_or_number("100%") == Fraction(1)
    assert share_or_number(" 12 ") == 12


def menu(cost: dict[str, int]) -> Profile:
    return Profile.from_pairs(list(cost), list(cost.values()), project=[], ballot=[])


def test_arrays_say_who_excludes_whom_and_which_caps_count() -> None:
    limits = Limits(
        exclusive=(("c", "a"), ("a", "b")),
        caps=(Cap("x", ("b", "c"), 9), Cap("y", ("c",), 5)),
    )
    profile = menu({"a": 1, "b": 2, "c": 3})
    ptr, idx = limits.exclusive_pairs(profile)
    assert (ptr.tolist(), idx.tolist()) == ([0, 2, 3, 4], [1, 2, 0, 0])
    ptr, idx, pence = limits.cap_arrays(profile)
    assert (ptr.tolist(), idx.tolist(), pence.tolist()) == ([0, 0, 1, 3], [0, 0, 1], [9, 5])
    assert {a.dtype for a in (ptr, idx, pence)} == {np.dtype(np.int64)}
    nothing = Limits()
    assert [a.tolist() for a in nothing.exclusive_pairs(profile)] == [[0, 0, 0, 0], []]
    assert [a.tolist() for a in nothing.cap_arrays(profile)] == [[0, 0, 0, 0], [], []]
    with pytest.raises(ValueError, match="project z, which is not on the menu"):
        Limits(exclusive=(("a", "z"),)).exclusive_pairs(profile)


def test_a_win_blocks_its_rivals_and_what_its_cap_cannot_pay() -> None:
    limits = Limits(exclusive=(("a", "b"),), caps=(Cap("x", ("a", "c", "d"), 5),))
    profile = menu({"a": 3, "b": 1, "c": 3, "d": 2, "e": 9})
    assert limits.blocked_after(profile, []).tolist() == [False] * 5
    assert limits.blocked_after(profile, [0]).tolist() == [False, True, True, False, False]
    with pytest.raises(ValueError, match="b cannot win: it is excluded by a"):
        limits.blocked_after(profile, [0, 1])


def test_what_must_be_funded_must_be_possible() -> None:
    profile = menu({"a": 60, "b": 50})
    with pytest.raises(ValueError, match="cost 110 pence but there are only 100"):
        pay_must(profile, 100, Limits(must=("a", "b")))
    with pytest.raises(ValueError, match="too dear for the rest of the cap x"):
        pay_must(profile, 200, Limits(must=("a",), caps=(Cap("x", ("a",), 59),)))


def test_a_minimum_may_be_a_share_of_all_votes() -> None:
    election = Election({"a": 1, "b": 1}, (frozenset("ab"), frozenset("a"), frozenset("a")), 9)
    quarter = Limits(minimum=Fraction(1, 4), minimum_of="votes")
    more = Limits(minimum=Fraction(26, 100), minimum_of="votes")
    assert quarter.too_few(election.profile).tolist() == [False, False]
    assert more.too_few(election.profile).tolist() == [False, True]


# --- pots


def by_id(profile: Profile, budget: int) -> Outcome:
    return greedy(profile, budget, ties=BY_ID)


def test_leftovers_pass_on_in_the_stated_order_and_the_end_is_open_to_all() -> None:
    ballots = (frozenset("abcde"),) * 3 + (frozenset("bde"),) * 2
    election = Election({"a": 30, "b": 25, "c": 50, "d": 20, "e": 10}, ballots, 100)
    pots = (Pot("north", ("a", "b"), 45), Pot("south", ("c",), 40))
    apart = count_in_pots(election.profile, 100, Limits(pots=pots), by_id)
    assert [(t["name"], t["winners"], t["left"]) for t in apart.detail["pots"]] == [
        ("north", ["b"], 20),
        ("south", [], 40),
        ("rest", ["e"], 5),
    ]
    passing = Limits(pots=pots, leftover=("north", "south", "rest", "all"))
    outcome = count_in_pots(election.profile, 100, passing, by_id)
    assert [(t["name"], t["received"], t["winners"]) for t in outcome.detail["pots"]] == [
        ("north", 0, ["b"]),
        ("south", 20, ["c"]),
        ("rest", 10, ["d"]),
        ("all", 5, []),
    ]
    assert winners(outcome) == ["b", "c", "d"]
    assert outcome.detail["unspent"] == 100 - outcome.spent == 5
    assert outcome.left.tolist() == [5, 45, 60, 25, 5]


def test_only_the_ballots_of_a_pot_vote_in_it() -> None:
    ballots = (frozenset("ab"), frozenset("b"), frozenset("b"))
    election = Election({"a": 10, "b": 10}, ballots, 10)
    pots = (Pot("north", ("a", "b"), 10, np.array([0])),)
    assert winners(count_in_pots(election.profile, 10, Limits(pots=pots), by_id)) == ["a"]
    for wrong, message in (([3], "numbered 0 to 2"), ([1, 1], "names a ballot twice")):
        limits = Limits(pots=(Pot("north", ("a",), 10, np.array(wrong)),))
        with pytest.raises(ValueError, match=message):
            count_in_pots(election.profile, 10, limits, by_id)


def test_terms_hold_from_pot_to_pot() -> None:
    ballots = (frozenset("abcd"),) * 2
    election = Election({"a": 10, "b": 10, "c": 10, "d": 10}, ballots, 40)
    limits = Limits(
        must=("d",),
        exclusive=(("a", "c"),),
        caps=(Cap("x", ("b", "d"), 15),),
        pots=(Pot("north", ("a", "b"), 20), Pot("south", ("c", "d"), 20)),
    )

    def count(profile: Profile, budget: int, *, limits: Limits) -> Outcome:
        return greedy(profile, budget, ties=BY_ID, limits=limits)

    outcome = count_in_pots(election.profile, 40, limits, count)
    assert winners(outcome) == ["a", "d"]


def test_what_must_be_funded_keeps_its_rivals_out_of_earlier_pots_too() -> None:
    election = Election({"a": 10, "b": 10}, (frozenset("a"),) * 3, 20)
    limits = Limits(
        must=("b",),
        exclusive=(("a", "b"),),
        pots=(Pot("north", ("a",), 10), Pot("south", ("b",), 10)),
    )

    def count(profile: Profile, budget: int, *, limits: Limits) -> Outcome:
        return greedy(profile, budget, limits=limits)

    assert winners(count_in_pots(election.profile, 20, limits, count)) == ["b"]


def test_pots_may_not_hold_more_than_there_is() -> None:
    limits = Limits(pots=(Pot("north", ("a",), 11),))
    with pytest.raises(ValueError, match="hold 11 pence together, but the budget is 10"):
        count_in_pots(menu({"a": 1}), 10, limits, by_id)


@settings(max_examples=200, deadline=None)
@given(elections(), st.data(), st.booleans())
def test_pots_never_overspend_and_each_is_its_own_count(
    election: Election, data: st.DataObject, shares: bool
) -> None:
    ids = list(election.cost)
    cut = data.draw(st.integers(0, len(ids)))
    first = data.draw(st.integers(0, election.budget))
    pots = (
        Pot("one", tuple(ids[:cut]), first),
        Pot("two", tuple(ids[cut:]), election.budget - first),
    )
    names = data.draw(st.sampled_from([(), ("one", "two"), ("two", "one", "all")]))

    def count(profile: Profile, budget: int) -> Outcome:
        rule = equal_shares if shares else greedy
        return rule(profile, budget, ties=BY_ID)

    outcome = count_in_pots(
        election.profile, election.budget, Limits(pots=pots, leftover=names), count
    )
    assert outcome.spent <= election.budget
    assert len(set(outcome.order.tolist())) == len(outcome.order)
    told = {pot["name"]: pot for pot in outcome.detail["pots"]}
    for pot in pots:
        if not names and pot.pence and pot.projects:
            members = [ids.index(p) for p in pot.projects]
            alone = count(part_of(election.profile, members, None), pot.pence)
            assert told[pot.name]["winners"] == winners(alone)
            for p, paid, held in zip(members, alone.payments, alone.behind, strict=True):
                assert outcome.payments[p] == paid
                assert outcome.behind[p] == held
    json.dumps(outcome.detail)


@settings(max_examples=150, deadline=None)
@given(elections())
def test_one_pot_with_everything_is_the_plain_count(election: Election) -> None:
    limits = Limits(pots=(Pot("all of it", tuple(election.cost), election.budget),))
    for rule in (greedy, equal_shares):
        joined = count_in_pots(election.profile, election.budget, limits, rule)
        plain = rule(election.profile, election.budget)
        assert winners(joined) == winners(plain)
        assert (joined.shortfall == plain.shortfall).all()
        assert joined.ties == plain.ties


@settings(max_examples=150, deadline=None)
@given(elections(), st.data(), st.booleans())
def test_exclusions_caps_and_must_hold_over_all_pots(
    election: Election, data: st.DataObject, shares: bool
) -> None:
    ids = list(election.cost)
    cut = data.draw(st.integers(0, len(ids)))
    first = data.draw(st.integers(0, election.budget))
    some = st.lists(st.sampled_from(ids), unique=True)
    group = data.draw(some)
    cap = Cap("cap", tuple(data.draw(some)), data.draw(st.integers(0, 20)))
    must = data.draw(st.sampled_from(ids))
    room = first if must in ids[:cut] else election.budget - first
    paid = election.cost[must]
    is_possible = paid <= room and not (must in cap.projects and paid > cap.pence)
    limits = Limits(
        must=(must,) if is_possible else (),
        exclusive=(tuple(group),) if len(group) > 1 else (),
        caps=(cap,),
        pots=(
            Pot("one", tuple(ids[:cut]), first),
            Pot("two", tuple(ids[cut:]), election.budget - first),
        ),
        leftover=data.draw(st.sampled_from([(), ("two", "one"), ("one", "two", "all")])),
    )

    def count(profile: Profile, budget: int, *, limits: Limits) -> Outcome:
        rule = equal_shares if shares else greedy
        return rule(profile, budget, ties=BY_ID, limits=limits)

    outcome = count_in_pots(election.profile, election.budget, limits, count)
    won = set(winners(outcome))
    assert outcome.spent <= election.budget
    assert len(won & set(group)) < 2 or len(group) < 2
    assert sum(election.cost[p] for p in won & set(cap.projects)) <= cap.pence
    assert won >= set(limits.must)


@settings(max_examples=100, deadline=None)
@given(elections(), st.data(), st.randoms(use_true_random=False))
def test_the_order_of_projects_and_ballots_does_not_matter_in_pots(
    election: Election, data: st.DataObject, shuffle: random.Random
) -> None:
    ids, ballots = list(election.cost), list(election.ballots)
    cut = data.draw(st.integers(0, len(ids)))
    first = data.draw(st.integers(0, election.budget))
    limits = Limits(pots=(Pot("one", tuple(ids[:cut]), first),), leftover=("one", "rest", "all"))
    shuffle.shuffle(ids)
    shuffle.shuffle(ballots)
    mixed = Election({p: election.cost[p] for p in ids}, tuple(ballots * 2), election.budget)
    one, other = (count_in_pots(e.profile, e.budget, limits, greedy) for e in (election, mixed))
    assert winners(one) == winners(other)
