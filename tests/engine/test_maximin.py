"""Maximin support: laws, a slow search through all parts beside it, and both peers."""

from fractions import Fraction
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from abcvoting import abcrules
from abcvoting.preferences import Profile as Committee
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from pabutools.election import ApprovalBallot, ApprovalProfile, Instance, Project
from pabutools.rules import maximin_support as peer

from commonweal.engine.voting import Profile, TieRule
from commonweal.engine.voting import maximin as module
from commonweal.engine.voting.limits import Cap, Limits
from commonweal.engine.voting.maximin import _Burdens, maximin_support
from commonweal.engine.voting.pabulib import read_pabulib
from tests.engine import oracle
from tests.engine.elections import Election, elections, winners

PACK = Path(__file__).resolve().parents[2].parent / "shared/data/pabulib"
BY_ID = TieRule(("id-text",))


def slow_load(election: Election, projects: list[str]) -> Fraction:
    """Some part of the projects is carried by too few: try every part."""
    most = Fraction(0)
    for size in range(1, len(projects) + 1):
        for part in combinations(projects, size):
            carriers = sum(bool(ballot & set(part)) for ballot in election.ballots)
            most = max(most, Fraction(sum(election.cost[p] for p in part), carriers))
    return most


def slow(election: Election, chain: str = "id-text") -> tuple[list[str], bool]:
    """Return the winners, and whether a tie was met."""
    votes = oracle.support(election.cost, election.ballots)
    order = oracle.tie_order(election.cost, election.ballots, chain, "")
    won: list[str] = []
    left, tie = election.budget, False
    while True:
        fits = [p for p in election.cost if votes[p] and p not in won and election.cost[p] <= left]
        if not fits:
            return won, tie
        load = {p: slow_load(election, [*won, p]) for p in fits}
        best = min(fits, key=lambda p: (load[p], order.index(p)))
        tie |= list(load.values()).count(load[best]) > 1
        won.append(best)
        left -= election.cost[best]


@settings(max_examples=500, deadline=None)
@given(elections(), st.sampled_from(["id-text", "cheapest,most-votes,lot"]))
def test_the_winners_and_their_order_are_those_of_the_slow_search(
    election: Election, chain: str
) -> None:
    rule = TieRule(tuple(chain.split(",")))
    outcome = maximin_support(election.profile, election.budget, ties=rule)
    won, tie = slow(election, chain)
    assert winners(outcome) == won
    assert bool(outcome.ties) == tie
    assert outcome.spent <= election.budget


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(2, 9), st.integers(1, 40))
def test_the_largest_load_is_that_of_the_heaviest_part(
    seed: int, projects: int, ballots: int
) -> None:
    rng = np.random.default_rng(seed)
    ids = [f"p{i}" for i in range(projects)]
    marks = rng.random((ballots, projects)) < rng.choice([0.15, 0.4])
    marks[0] = True
    approved = tuple(frozenset(p for p, yes in zip(ids, row, strict=True) if yes) for row in marks)
    election = Election({p: int(rng.integers(0, 50)) for p in ids}, approved, 1)
    burdens = _Burdens(election.profile, 1, BY_ID.rank(election.profile))
    found = burdens.largest_load(list(range(projects)), Fraction(0))
    assert found == slow_load(election, ids)


@settings(max_examples=100, deadline=None)
@given(elections(), st.integers(2, 5), st.data())
def test_order_copies_and_unit_of_money_do_not_matter(
    election: Election, factor: int, data: st.DataObject
) -> None:
    before = winners(maximin_support(election.profile, election.budget, ties=BY_ID))
    ids = data.draw(st.permutations(list(election.cost)))
    moved = Election(
        {p: election.cost[p] * factor for p in ids},
        tuple(data.draw(st.permutations(election.ballots))) * factor,
        election.budget * factor,
    )
    assert winners(maximin_support(moved.profile, moved.budget, ties=BY_ID)) == before


@settings(max_examples=25, deadline=None)
@given(elections())
def test_pabutools_finds_the_same_where_there_is_no_tie(election: Election) -> None:
    won, tie = slow(election)
    assume(won and not tie)
    projects = {p: Project(p, c) for p, c in election.cost.items()}
    supported = {p for ballot in election.ballots for p in ballot}
    instance = Instance([projects[p] for p in supported], election.budget)
    profile = ApprovalProfile(
        [ApprovalBallot(projects[p] for p in b) for b in election.ballots], instance=instance
    )
    assert sorted(p.name for p in peer(instance, profile)) == sorted(won)


def test_abcvoting_chooses_one_of_the_tied_committees_with_unit_costs() -> None:
    rng = np.random.default_rng(11)
    for _ in range(12):
        marks = rng.random((9, 6)) < 0.35
        marks[0] = True
        approved = tuple(frozenset(f"{c}" for c in np.flatnonzero(row)) for row in marks)
        election = Election({f"{c}": 1 for c in range(6)}, approved, 3)
        committee = Committee(num_cand=6)
        for row in marks:
            if row.any():
                committee.add_voter(np.flatnonzero(row).tolist())
        found = abcrules.compute("maximin-support", committee, 3, resolute=False)
        won = {int(p) for p in winners(maximin_support(election.profile, 3, ties=BY_ID))}
        assert won in [set(one) for one in found]


def test_costs_are_spread_anew_with_every_project() -> None:
    # b goes first; when a comes, voter 1 must carry all of a, and b moves to voter 2 alone.
    election = Election({"a": 60, "b": 40}, (frozenset("ab"), frozenset("b")), 100)
    outcome = maximin_support(election.profile, 100, ties=BY_ID)
    assert winners(outcome) == ["b", "a"]
    assert outcome.detail["loads"] == ["20.000000", "60.000000"]


def test_limits_keep_out_what_they_name_and_must_is_paid_first() -> None:
    ballots = (frozenset("abc"),) * 4 + (frozenset("e"),)
    election = Election({"a": 30, "b": 33, "c": 20, "d": 36, "e": 9}, ballots, 150)
    limits = Limits(must=("d",), exclusive=(("a", "b"),), caps=(Cap("side", ("c",), 19),))
    outcome = maximin_support(election.profile, 150, ties=BY_ID, limits=limits)
    assert winners(outcome) == ["d", "a", "e"]
    assert outcome.detail["excluded"] == {"b": "a"}
    assert outcome.detail["over_cap"] == {"c": "side"}
    popular = maximin_support(election.profile, 150, ties=BY_ID, limits=Limits(minimum=2))
    assert winners(popular) == ["c", "a", "b"]


def test_too_large_an_election_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_WORK", 3)
    profile = Profile.from_pairs(["a", "b"], [1, 1], project=["a", "b"], ballot=[1, 2])
    with pytest.raises(ValueError, match="small menus: 2 projects with 2 marks"):
        maximin_support(profile, 5)
    with pytest.raises(ValueError, match="budget"):
        maximin_support(profile, 0)


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in ("Netherlands_Assen_2024", "Poland_Lodz_2020_Zarzew", "Switzerland_Zurich_S5")
        if list(PACK.glob(f"{name}.pb*"))
    ],
)
def test_real_elections_are_counted_until_nothing_fits(name: str) -> None:
    read = read_pabulib(next(PACK.glob(f"{name}.pb*")))
    outcome = maximin_support(read.profile, read.budget)
    lost = ~outcome.funded & (outcome.votes > 0)
    assert not (outcome.cost[lost] <= read.budget - outcome.spent).any()
    loads = [Fraction(load) for load in outcome.detail["loads"]]
    assert loads == sorted(loads)
