"""Best welfare: every set tried on small elections, laws, and the peer's optimum."""

import json
import random
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.engine.voting import Profile, TieRule, greedy
from commonweal.engine.voting.limits import Cap, Limits
from commonweal.engine.voting.pabulib import read_pabulib
from commonweal.engine.voting.welfare import NotProved, best_welfare
from tests.engine import oracle
from tests.engine.elections import Election, elections, winners
from tests.engine.points import Valued, valued

PACK = Path(__file__).resolve().parents[2].parent / "shared/data/pabulib"
BY_ID = TieRule(("id-text",))


def every_set(
    cost: dict[str, int], score: dict[str, int], budget: int, order: list[str], terms: Limits
) -> set[str]:
    """Try all sets; of the best take the one with the first project in the order."""
    menu = [p for p in order if p in score or p in terms.must]
    best: tuple[int, list[int]] | None = None
    chosen: set[str] = set()
    for size in range(len(menu) + 1):
        for tried in combinations(menu, size):
            inside = set(tried)
            allowed = (
                sum(cost[p] for p in tried) <= budget
                and inside >= set(terms.must)
                and all(len(inside & set(group)) < 2 for group in terms.exclusive)
                and all(
                    sum(cost[p] for p in inside & set(cap.projects)) <= cap.pence
                    for cap in terms.caps
                )
            )
            key = (sum(score.get(p, 0) for p in tried), [int(p in inside) for p in menu])
            if allowed and (best is None or key > best):
                best, chosen = key, inside
    return chosen


@st.composite
def terms_for(draw: st.DrawFn, election: Valued) -> Limits:
    ids = list(election.cost)
    some = st.lists(st.sampled_from(ids), unique=True)
    groups = draw(st.lists(some.filter(lambda g: len(g) > 1), max_size=2)) if len(ids) > 1 else []
    caps = draw(st.lists(st.tuples(some, st.integers(0, 20)), max_size=2))
    must = draw(st.lists(st.sampled_from(ids), max_size=1))
    fits = sum(election.cost[p] for p in must) <= election.budget and not any(
        p in projects and election.cost[p] > pence for p in must for projects, pence in caps
    )
    return Limits(
        must=tuple(must) if fits else (),
        exclusive=tuple(tuple(group) for group in groups),
        caps=tuple(Cap(f"cap {n}", tuple(p), pence) for n, (p, pence) in enumerate(caps)),
    )


@settings(max_examples=300, deadline=None)
@given(valued(), st.data())
def test_no_set_is_better_and_the_tie_rule_chooses_among_equals(
    election: Valued, data: st.DataObject
) -> None:
    terms = data.draw(terms_for(election))
    total = {p: sum(b.get(p, 0) for b in election.ballots) for p in election.cost}
    outcome = best_welfare(
        election.profile, election.budget, satisfaction="points", ties=BY_ID, limits=terms
    )
    score = {p: n for p, n in total.items() if n}
    slow = every_set(election.cost, score, election.budget, sorted(election.cost), terms)
    assert set(winners(outcome)) == slow
    assert outcome.detail["welfare"] == str(sum(total[p] for p in slow))
    assert outcome.spent <= election.budget
    json.dumps(outcome.detail)


@settings(max_examples=300, deadline=None)
@given(
    elections(),
    st.sampled_from(["cost", "cardinality"]),
    st.sampled_from(["cheapest,most-votes,lot", "id-text", "lot"]),
)
def test_cost_and_number_agree_with_every_set_tried(
    election: Election, satisfaction: str, chain: str
) -> None:
    order = oracle.tie_order(election.cost, election.ballots, chain, "x")
    votes = {p: n for p, n in oracle.support(election.cost, election.ballots).items() if n}
    score = {p: n * election.cost[p] if satisfaction == "cost" else n for p, n in votes.items()}
    outcome = best_welfare(
        election.profile,
        election.budget,
        satisfaction=satisfaction,
        ties=TieRule(tuple(chain.split(",")), "x"),
    )
    assert set(winners(outcome)) == every_set(
        election.cost, score, election.budget, order, Limits()
    )


@settings(max_examples=100, deadline=None)
@given(elections(), st.integers(2, 1000), st.randoms(use_true_random=False))
def test_order_copies_and_the_unit_of_money_do_not_matter(
    election: Election, times: int, shuffle: random.Random
) -> None:
    ids, ballots = list(election.cost), list(election.ballots)
    shuffle.shuffle(ids)
    shuffle.shuffle(ballots)
    mixed = Election(
        {p: times * election.cost[p] for p in ids}, tuple(ballots * 2), times * election.budget
    )
    one, other = (best_welfare(e.profile, e.budget) for e in (election, mixed))
    assert winners(one) == winners(other)


def random_menu(seed: int, projects: int) -> Profile:
    chance = np.random.default_rng(seed)
    likes = chance.random((60, projects)) < chance.uniform(0.1, 0.5, projects)
    voter, project = np.nonzero(likes)
    cost = chance.integers(1, 900, projects) * 1000
    return Profile.from_indices(np.arange(projects), cost, project=project, voter=voter, voters=60)


@pytest.mark.parametrize("satisfaction", ["cost", "cardinality"])
def test_it_finds_what_a_table_over_all_amounts_finds(satisfaction: str) -> None:
    for seed in range(12):
        profile = random_menu(seed, 60)
        budget = int(profile.cost.sum()) // 3
        table = np.zeros(budget // 1000 + 1, dtype=np.int64)
        for cost, votes in zip((profile.cost // 1000).tolist(), profile.votes, strict=True):
            worth = int(votes) * (cost * 1000 if satisfaction == "cost" else 1)
            table[cost:] = np.maximum(table[cost:], table[:-cost] + worth)
        outcome = best_welfare(profile, budget, satisfaction=satisfaction)
        assert int(outcome.detail["welfare"]) == table[-1]


def terms_over(profile: Profile, budget: int) -> Limits:
    """Make the first projects exclusive in pairs, and cap two thirds of the menu."""
    ids = [str(name) for name in profile.ids.tolist()]
    third = len(ids) // 3
    return Limits(
        exclusive=tuple((ids[k], ids[k + 1]) for k in range(0, third, 2)),
        caps=(
            Cap("one", tuple(ids[: 2 * third]), budget // 2),
            Cap("two", tuple(ids[third:]), budget // 3),
        ),
    )


def test_exclusions_and_caps_agree_with_all_sets_of_fourteen() -> None:
    for seed in range(25):
        profile = random_menu(seed, 14)
        budget = int(profile.cost.sum()) // 2
        terms = terms_over(profile, budget)
        sets = (np.arange(2**14)[:, None] >> np.arange(14)) & 1
        fine = sets @ profile.cost <= budget
        for group in terms.exclusive:
            fine &= sets[:, [int(p) for p in group]].sum(axis=1) < 2
        for cap in terms.caps:
            members = [int(p) for p in cap.projects]
            fine &= sets[:, members] @ profile.cost[members] <= cap.pence
        best = (sets @ (profile.cost * profile.votes))[fine].max()
        outcome = best_welfare(profile, budget, limits=terms)
        assert int(outcome.detail["welfare"]) == best


def test_a_long_menu_with_exclusions_and_caps_is_proved_with_few_partial_sets() -> None:
    profile = random_menu(3, 300)
    budget = int(profile.cost.sum()) // 4
    outcome = best_welfare(profile, budget, limits=terms_over(profile, budget))
    assert outcome.detail["partial_sets"] < 500_000


def test_many_equal_projects_are_no_trouble_and_the_tie_is_told() -> None:
    ids = [f"{n:03}" for n in range(200)]
    profile = Profile.from_pairs(ids, [7] * 200, project=ids, ballot=[1] * 200)
    outcome = best_welfare(profile, 7 * 90 + 3, ties=BY_ID)
    assert sorted(winners(outcome)) == ids[:90]
    assert outcome.ties[0].projects == (0, 90)


def test_what_cannot_be_proved_in_time_is_said() -> None:
    with pytest.raises(NotProved, match="allow more seconds"):
        best_welfare(random_menu(1, 60), 9_000_000, seconds=0)


def test_scores_too_large_to_add_up_are_refused() -> None:
    dear = 2**59 - 1
    profile = Profile.from_pairs(
        ["a", "b"], [dear, dear - 2], project=["a"] * 3 + ["b"] * 4, ballot=[1, 2, 3, 1, 2, 3, 4]
    )
    with pytest.raises(ValueError, match="too large to add up exactly"):
        best_welfare(profile, dear)


def test_a_menu_without_votes_funds_nothing() -> None:
    profile = Profile.from_pairs(["a"], [5], project=[], ballot=[], voters=3)
    assert best_welfare(profile, 10).order.tolist() == []


def test_the_solver_prints_nothing() -> None:
    script = (
        "from commonweal.engine.voting import Profile\n"
        "from commonweal.engine.voting.welfare import best_welfare\n"
        "p = Profile.from_pairs(['a', 'b'], [5, 6], project=['a', 'b'], ballot=[1, 2])\n"
        "best_welfare(p, 10)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stdout == b""


def test_it_agrees_with_pabutools_on_the_welfare_reached() -> None:
    from pabutools import election as pb
    from pabutools.rules import max_additive_utilitarian_welfare

    chance = random.Random(5)
    for satisfaction, sat in (("cost", pb.Cost_Sat), ("cardinality", pb.Cardinality_Sat)):
        for _ in range(8):
            ids = list("abcdefgh")
            cost = {p: chance.randint(1, 9) for p in ids}
            ballots = [frozenset(chance.sample(ids, chance.randint(1, 4))) for _ in range(7)]
            ours = Election(cost, tuple(ballots), 15)
            project = {p: pb.Project(p, cost[p]) for p in ids}
            theirs = pb.ApprovalProfile(
                pb.ApprovalBallot(project[p] for p in ballot) for ballot in ballots
            )
            found = max_additive_utilitarian_welfare(
                pb.Instance(project.values(), budget_limit=15), theirs, sat_class=sat
            )
            votes = oracle.support(cost, ballots)
            worth = sum(votes[str(p)] * (p.cost if satisfaction == "cost" else 1) for p in found)
            outcome = best_welfare(ours.profile, 15, satisfaction=satisfaction)
            assert outcome.detail["welfare"] == str(worth)


@pytest.mark.parametrize(
    "name",
    ["", *(("Poland_Lodz_2020_Zarzew.pb.gz", "Switzerland_Zurich_S5.pb") if PACK.is_dir() else ())],
)
def test_real_elections_reach_at_least_what_greedy_reaches(name: str) -> None:
    if name:
        read = read_pabulib(PACK / name)
        outcome = best_welfare(read.profile, read.budget)
        plain = greedy(read.profile, read.budget)
        reached = (plain.cost * plain.votes)[plain.order].sum()
        assert int(outcome.detail["welfare"]) >= reached
