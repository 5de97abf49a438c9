"""Exact equal shares and add-opt: laws, a slow count beside it, and the examples of the papers."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from commonweal.engine.voting import TieRule
from commonweal.engine.voting.exact_rounds import ExactRounds, next_change
from commonweal.engine.voting.exact_shares import COMPLETIONS, exact_equal_shares
from tests.engine import oracle
from tests.engine.elections import Election, elections, winners

BY_ID = TieRule(("id-text",))
SATISFACTIONS = ("cost", "cardinality")
Trace = list[tuple[str, frozenset[int]]]


def slow_run(
    election: Election, start: Fraction, satisfaction: str, chain: str = "id-text"
) -> tuple[Trace, list[list[Fraction]]]:
    """Return who bought what in order, and everybody's money before each purchase and at the end."""
    cost, ballots = election.cost, election.ballots
    order = oracle.tie_order(cost, ballots, chain, "")
    money = [start] * len(ballots)
    trace: Trace = []
    moneys = []
    while True:
        moneys.append(list(money))
        found = []
        for p in cost:
            if not cost[p] or p in [q for q, _ in trace]:
                continue
            worth = cost[p] if satisfaction == "cost" else 1
            for k in range(len(ballots), 0, -1):
                able = [
                    v for v, b in enumerate(ballots) if p in b and money[v] >= Fraction(cost[p], k)
                ]
                if len(able) >= k:
                    price = Fraction(cost[p], len(able))
                    found.append((price / worth, order.index(p), p, price, frozenset(able)))
                    break
        if not found:
            return trace, moneys
        _, _, p, price, able = min(found)
        trace.append((p, able))
        money = [m - price if v in able else m for v, m in enumerate(money)]


def slow_change(election: Election, start: Fraction, satisfaction: str, skip: bool) -> Fraction:
    """Try every project before every purchase with every number of payers."""
    cost, ballots = election.cost, election.ballots
    order = oracle.tie_order(cost, ballots, "id-text", "")
    trace, moneys = slow_run(election, start, satisfaction)
    funded = [p for p, _ in trace]
    found = []
    for turn, money in enumerate(moneys):
        for p in cost:
            if not cost[p] or p in funded[:turn] or (skip and p in funded):
                continue
            held = sorted((money[v] for v, b in enumerate(ballots) if p in b), reverse=True)
            for k, least in enumerate(held, start=1):
                if turn < len(trace):
                    q, payers = trace[turn]

                    def key(p: str, k: int) -> tuple[Fraction, int]:
                        return Fraction(1 if satisfaction == "cost" else cost[p], k), order.index(p)

                    if key(p, k) >= key(q, len(payers)):
                        continue
                found.append(Fraction(cost[p], k) - least)
    return min(found)


def slow(election: Election, satisfaction: str, completion: str, stop: str) -> list[str]:
    cost, ballots, budget = election.cost, election.ballots, election.budget
    votes = oracle.support(cost, ballots)
    order = oracle.tie_order(cost, ballots, "id-text", "")
    start = Fraction(budget, len(ballots))
    free = [p for p in order if votes[p] and not cost[p]]
    won = [p for p, _ in slow_run(election, start, satisfaction)[0]]
    while completion.startswith("add-opt"):
        lost = [cost[p] for p in cost if votes[p] and cost[p] and p not in won]
        if not lost or (stop == "exhaustive" and min(lost) > budget - sum(cost[p] for p in won)):
            break
        start += slow_change(election, start, satisfaction, "skip" in completion)
        more = [p for p, _ in slow_run(election, start, satisfaction)[0]]
        if sum(cost[p] for p in more) > budget:
            break
        won = more
    won = free + won
    if completion.endswith("greedy"):
        left = budget - sum(cost[p] for p in won)
        per = cost if satisfaction == "cardinality" else dict.fromkeys(cost, 1)
        rest = [p for p in order if votes[p] and p not in won]
        for p in sorted(rest, key=lambda p: (Fraction(-votes[p], per[p]), order.index(p))):
            if cost[p] <= left:
                left -= cost[p]
                won.append(p)
    return won


@settings(max_examples=600, deadline=None)
@given(
    elections(),
    st.sampled_from(SATISFACTIONS),
    st.sampled_from(COMPLETIONS),
    st.sampled_from(["overspend", "exhaustive"]),
)
def test_the_winners_and_their_order_are_those_of_the_slow_count(
    election: Election, satisfaction: str, completion: str, stop: str
) -> None:
    outcome = exact_equal_shares(
        election.profile,
        election.budget,
        completion=completion,
        stop=stop,
        satisfaction=satisfaction,
        ties=BY_ID,
    )
    assert winners(outcome) == slow(election, satisfaction, completion, stop)
    assert outcome.spent <= election.budget


def rounds(election: Election, start: Fraction, satisfaction: str) -> ExactRounds:
    profile = election.profile
    made = ExactRounds(profile, BY_ID.rank(profile), start, satisfaction)
    made.run()
    return made


@settings(max_examples=300, deadline=None)
@given(elections(), st.sampled_from(SATISFACTIONS))
def test_add_opt_finds_the_very_next_change(election: Election, satisfaction: str) -> None:
    start = Fraction(election.budget, len(election.ballots))
    run = rounds(election, start, satisfaction)
    votes = election.profile.votes
    lost = [p for p in range(len(votes)) if votes[p] and run.cost[p] and p not in run.order]
    assume(lost)
    change = next_change(run, skip=False)
    assert change > 0
    assert change == slow_change(election, start, satisfaction, skip=False)
    before = slow_run(election, start, satisfaction)[0]
    for part in (Fraction(1, 10**9), Fraction(1, 3), Fraction(1) - Fraction(1, 10**9)):
        assert slow_run(election, start + part * change, satisfaction)[0] == before
    assert slow_run(election, start + change, satisfaction)[0] != before


@settings(max_examples=200, deadline=None)
@given(elections(), st.sampled_from(SATISFACTIONS), st.data())
def test_everybody_who_pays_pays_the_same_and_nobody_more_than_they_have(
    election: Election, satisfaction: str, data: st.DataObject
) -> None:
    outcome = exact_equal_shares(
        election.profile, election.budget, satisfaction=satisfaction, ties=BY_ID
    )
    paid = Fraction(0)
    for name, payers in outcome.detail["payers"].items():
        place = outcome.ids.tolist().index(name)
        assert 0 < payers <= outcome.votes[place]
        assert outcome.payments[place] == Fraction(election.cost[name], payers)
        assert outcome.payments[place] <= outcome.start
        paid += election.cost[name]
    assert paid <= election.budget
    factor = data.draw(st.integers(2, 4))
    ids = data.draw(st.permutations(list(election.cost)))
    moved = Election(
        {p: election.cost[p] * factor for p in ids},
        tuple(data.draw(st.permutations(election.ballots * factor))),
        election.budget * factor,
    )
    again = exact_equal_shares(moved.profile, moved.budget, satisfaction=satisfaction, ties=BY_ID)
    assert winners(again) == winners(outcome)


@settings(max_examples=200, deadline=None)
@given(elections(), st.sampled_from(SATISFACTIONS))
def test_nobody_left_out_could_pay_for_another_project(
    election: Election, satisfaction: str
) -> None:
    outcome = exact_equal_shares(
        election.profile, election.budget, satisfaction=satisfaction, ties=BY_ID
    )
    _, moneys = slow_run(election, Fraction(election.budget, len(election.ballots)), satisfaction)
    left = moneys[-1]
    for place, name in enumerate(outcome.ids.tolist()):
        held = [left[v] for v, b in enumerate(election.ballots) if name in b]
        assert outcome.behind[place] == int(sum(held))


def test_a_tie_is_recorded_once_for_each_run() -> None:
    election = Election({"a": 5, "b": 5}, (frozenset("a"), frozenset("b")), 10)
    outcome = exact_equal_shares(election.profile, 10, ties=BY_ID)
    assert [(tie.projects, tie.by, tie.times) for tie in outcome.ties] == [((0, 1), "id-text", 1)]


def test_who_has_less_than_the_price_pays_nothing() -> None:
    # After a, its supporter has 1 left and cannot pay 2 for b; under equal shares she would pay 1.
    election = Election({"a": 3, "b": 8}, (frozenset("ab"), frozenset("b"), frozenset("b")), 12)
    outcome = exact_equal_shares(election.profile, 12, satisfaction="cardinality", ties=BY_ID)
    assert winners(outcome) == ["b"]
    assert outcome.detail["payers"]["b"] == 3


def test_purses_that_floats_cannot_tell_apart_are_compared_in_fractions() -> None:
    ids = [f"p{i:02}" for i in range(12)]
    rng = np.random.default_rng(5)
    ballots = tuple(frozenset(p for p in ids if rng.random() < 0.5) for _ in range(9))
    big = 10**15 + 3
    election = Election({p: big // (i + 2) for i, p in enumerate(ids)}, ballots, 2 * big)
    for satisfaction in SATISFACTIONS:
        outcome = exact_equal_shares(
            election.profile,
            election.budget,
            completion="add-opt-skip",
            satisfaction=satisfaction,
            ties=BY_ID,
        )
        assert winners(outcome) == slow(election, satisfaction, "add-opt-skip", "overspend")


def test_unknown_names_are_refused() -> None:
    profile = Election({"a": 1}, (frozenset("a"),), 1).profile
    with pytest.raises(ValueError, match="satisfaction must be one of cost, cardinality"):
        exact_equal_shares(profile, 1, satisfaction="points")
    with pytest.raises(ValueError, match="completion must be one of"):
        exact_equal_shares(profile, 1, completion="add1")
    with pytest.raises(ValueError, match="stop must be one of"):
        exact_equal_shares(profile, 1, stop="never")
