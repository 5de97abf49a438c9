"""Equal shares: laws, worked examples, and a slow obvious count beside it."""

import importlib.util
import subprocess
import sys
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.engine.voting import (
    COMPLETIONS,
    STOPS,
    Profile,
    TieRule,
    equal_shares,
    greedy,
    kernel,
)
from commonweal.engine.voting import rounds as rounds_module
from commonweal.engine.voting.limits import Cap, Limits, Room
from commonweal.engine.voting.rounds import Electorate, Rounds
from tests.engine import oracle
from tests.engine.elections import Election, elections, winners

CHAINS = ("cheapest,most-votes,lot", "id-text", "most-votes", "lot")
ways = st.sampled_from(list(product(COMPLETIONS, STOPS)))


@settings(max_examples=600, deadline=None)
@given(elections(), ways, st.sampled_from(CHAINS), st.sampled_from(["", "spring"]))
def test_it_agrees_with_the_slow_count(
    election: Election, way: tuple[str, str], chain: str, seed: str
) -> None:
    completion, stop = way
    order = oracle.tie_order(election.cost, election.ballots, chain, seed)
    outcome = equal_shares(
        election.profile,
        election.budget,
        completion=completion,
        stop=stop,
        step=1,
        ties=TieRule(tuple(chain.split(",")), seed),
    )
    assert winners(outcome) == oracle.equal_shares(
        election.cost, election.ballots, election.budget, order, completion, stop
    )


@settings(max_examples=150, deadline=None)
@given(elections(dearest=10**13), st.integers(1, 10**14))
def test_it_agrees_with_the_slow_count_on_huge_amounts(election: Election, budget: int) -> None:
    order = oracle.tie_order(election.cost, election.ballots, "id-text", "")
    outcome = equal_shares(election.profile, budget, ties=TieRule(("id-text",)))
    slow = oracle.equal_shares(election.cost, election.ballots, budget, order)
    assert winners(outcome) == slow


@settings(max_examples=200, deadline=None)
@given(elections())
def test_what_supporters_have_left_is_exact(election: Election) -> None:
    order = oracle.tie_order(election.cost, election.ballots, "id-text", "")
    outcome = equal_shares(election.profile, election.budget, ties=TieRule(("id-text",)))
    start = Fraction(election.budget, len(election.ballots))
    _, money = oracle.one_run(election.cost, election.ballots, start, order)
    for p, name in enumerate(election.cost):
        held = sum(money[v] for v, ballot in enumerate(election.ballots) if name in ballot)
        assert outcome.behind[p] == held // 1


@settings(max_examples=200, deadline=None)
@given(elections(), ways)
def test_it_never_overspends_and_adds_up(election: Election, way: tuple[str, str]) -> None:
    outcome = equal_shares(
        election.profile, election.budget, completion=way[0], stop=way[1], step=1
    )
    assert outcome.spent == election.profile.cost[outcome.funded].sum() <= election.budget
    assert sorted(outcome.order.tolist()) == np.flatnonzero(outcome.funded).tolist()
    assert not outcome.funded[outcome.votes == 0].any()


@settings(max_examples=150, deadline=None)
@given(elections(), ways, st.randoms(use_true_random=False))
def test_the_order_of_projects_and_ballots_does_not_matter(
    election: Election, way: tuple[str, str], random: st.DataObject
) -> None:
    ids, ballots = list(election.cost), list(election.ballots)
    random.shuffle(ids)  # type: ignore[attr-defined]
    random.shuffle(ballots)  # type: ignore[attr-defined]
    mixed = Election({p: election.cost[p] for p in ids}, tuple(ballots), election.budget)
    one, other = (
        equal_shares(e.profile, e.budget, completion=way[0], stop=way[1], step=1)
        for e in (election, mixed)
    )
    assert winners(one) == winners(other)


@settings(max_examples=100, deadline=None)
@given(elections(), st.integers(2, 5))
def test_every_ballot_cast_several_times_changes_nothing(election: Election, times: int) -> None:
    many = Election(election.cost, election.ballots * times, election.budget)
    assert winners(equal_shares(many.profile, many.budget)) == winners(
        equal_shares(election.profile, election.budget)
    )


@settings(max_examples=100, deadline=None)
@given(elections(), st.integers(2, 1000), ways)
def test_the_unit_of_money_does_not_matter(
    election: Election, times: int, way: tuple[str, str]
) -> None:
    cents = Election(
        {p: times * cost for p, cost in election.cost.items()},
        election.ballots,
        times * election.budget,
    )
    one, other = (
        equal_shares(e.profile, e.budget, completion=way[0], stop=way[1], step=step)
        for e, step in ((election, 1), (cents, times))
    )
    assert winners(one) == winners(other)


@settings(max_examples=100, deadline=None)
@given(elections())
def test_what_everybody_wants_and_there_is_money_for_is_funded(election: Election) -> None:
    everything = sum(election.cost.values())
    wanted = frozenset(election.cost)
    united = Election(election.cost, (wanted,) * 4, max(1, everything))
    assert equal_shares(united.profile, united.budget).funded.all()


def test_a_minority_gets_its_share_where_greedy_gives_it_nothing() -> None:
    ballots = (frozenset("ab"),) * 6 + (frozenset("c"),) * 4
    election = Election({"a": 49, "b": 50, "c": 40}, ballots, 100)
    assert winners(equal_shares(election.profile, 100)) == ["a", "c"]
    assert winners(greedy(election.profile, 100)) == ["a", "b"]


def test_who_has_less_pays_all_and_the_others_the_rest() -> None:
    # Everybody starts with 20. Voter 2 pays half of a, so only 7 towards b, and voter 3 pays 18.
    ballots = (frozenset("a"), frozenset("ab"), frozenset("b"))
    election = Election({"a": 26, "b": 25}, ballots, 60)
    outcome = equal_shares(election.profile, 60, ties=TieRule(("id-text",)))
    assert winners(outcome) == ["a", "b"]
    assert outcome.payments == (Fraction(13), Fraction(18))
    assert outcome.effective_votes.tolist() == [2.0, 25 / 18]
    assert outcome.behind.tolist() == [7, 2]


def test_a_tie_is_recorded_with_what_decided_it() -> None:
    election = Election({"10": 5, "2": 5}, (frozenset({"10", "2"}),) * 2, 5)
    outcome = equal_shares(election.profile, 5, ties=TieRule(("cheapest", "id-text")))
    (tie,) = outcome.ties
    assert (tie.projects, tie.chosen, tie.by) == ((0, 1), 0, "id-text")
    assert winners(outcome) == ["10"]


def test_the_lot_follows_the_published_seed() -> None:
    election = Election({"a": 5, "b": 5}, (frozenset("ab"),), 5)
    by_seed = {
        seed: winners(equal_shares(election.profile, 5, ties=TieRule(("lot",), seed)))[0]
        for seed in "0123456789"
    }
    assert set(by_seed.values()) == {"a", "b"}
    for seed, winner in by_seed.items():
        assert winner == oracle.tie_order(election.cost, election.ballots, "lot", seed)[0]


def test_a_project_nobody_can_afford_does_not_keep_add1_going() -> None:
    # The cheap project has no vote, so it must not count as "still fits"; the dear one never fits.
    election = Election({"a": 10, "cheap": 1, "dear": 10**9}, (frozenset("a"),) * 3, 100)
    for stop in STOPS:
        outcome = equal_shares(election.profile, 100, completion="add1", stop=stop, step=1)
        assert winners(outcome) == ["a"]


def test_add1_leaps_over_a_long_wait() -> None:
    # Start money must rise from 500,000 to 9,000,000 units before the second project is bought.
    ballots = (frozenset("a"),) * 19 + (frozenset("b"),)
    election = Election({"a": 100, "b": 900_000_000}, ballots, 1_000_000_000)
    outcome = equal_shares(election.profile, election.budget, completion="add1", step=100)
    assert winners(outcome) == ["a", "b"]
    assert outcome.runs < 200


def every_single_run(electorate: Electorate, budget: int, stop: str) -> tuple[list[int], Fraction]:
    """Do add1 with a step of one penny and no leap at all."""
    rounds, cost = Rounds(electorate), electorate.cost
    start, last = Fraction(budget, electorate.profile.voters), None
    while True:
        run = rounds.run(start)
        if last is not None and run.spent > budget:
            return last, start - 1
        last = electorate.free + run.order.tolist()
        lost = cost[electorate.still_open(run.order)]
        if not lost.size or (stop == "exhaustive" and lost.min() > budget - run.spent):
            return last, start
        start += 1


@pytest.mark.parametrize("stop", STOPS)
@pytest.mark.parametrize("few_costs", [False, True])
def test_leaping_finds_what_every_single_run_finds(stop: str, few_costs: bool) -> None:
    leaps = 0
    for seed in range(60):
        random = np.random.default_rng(seed)
        likes = random.random((12, 7)) < random.uniform(0.15, 0.6)
        likes[random.integers(0, 12, 7), np.arange(7)] = True
        voter, project = np.nonzero(likes)
        cost = random.integers(1, 4, 7) * 100 if few_costs else random.integers(20, 400, 7)
        budget = int(cost.sum() * random.uniform(0.4, 0.9))
        profile = Profile.from_indices(np.arange(7), cost, project=project, voter=voter, voters=12)
        outcome = equal_shares(profile, budget, completion="add1", stop=stop, step=1)
        last, start = every_single_run(Electorate(profile, "cost", TieRule()), budget, stop)
        assert (outcome.order.tolist(), outcome.start) == (last, start), seed
        leaps += outcome.runs < int(outcome.start - Fraction(budget, 12))
    assert leaps > 5


@pytest.mark.parametrize("satisfaction", ["cost", "cardinality", "points"])
def test_leaping_keeps_limits_and_every_satisfaction(satisfaction: str) -> None:
    leaps = 0
    for seed in range(80):
        random = np.random.default_rng(seed)
        voters, projects = (int(n) for n in random.integers(5, 16, 2))
        voter, project = np.nonzero(random.random((voters, projects)) < random.uniform(0.2, 0.7))
        cost = random.integers(0, 60, projects) * 3
        ids = np.array([str(p) for p in range(projects)], dtype=object)
        profile = Profile.from_indices(
            ids, cost, project=project, voter=voter, voters=voters,
            value=random.integers(1, 5, len(voter)),
        )  # fmt: skip
        cap = Cap("c", tuple(ids[2:4]), int(cost[2:4].sum() * 0.7))
        limits = Limits(exclusive=((ids[0], ids[1]),), caps=(cap,))
        room = Room(profile, limits)
        out = np.array([room.obstacle(p) is not None for p in range(projects)])
        electorate = Electorate(profile, satisfaction, TieRule(), limits, (), out)
        budget, stop = int(cost.sum() * random.uniform(0.2, 0.8)) + 1, STOPS[seed % 2]
        outcome = equal_shares(
            profile, budget, satisfaction=satisfaction, completion="add1", stop=stop, step=1,
            limits=limits,
        )  # fmt: skip
        last, start = every_single_run(electorate, budget, stop)
        assert (outcome.order.tolist(), outcome.start) == (last, start), seed
        leaps += outcome.runs < int(outcome.start - Fraction(budget, voters))
    assert leaps > 5


@pytest.mark.parametrize("satisfaction", ["cost", "cardinality", "points"])
def test_what_a_run_proves_of_richer_runs_is_true(satisfaction: str) -> None:
    proved = met = 0
    for seed in range(400):
        random = np.random.default_rng(seed)
        voters, projects = (int(n) for n in random.integers(3, 14, 2))
        likes = random.random((voters, projects)) < random.uniform(0.2, 0.7)
        likes[random.integers(0, voters, projects), np.arange(projects)] = True
        voter, project = np.nonzero(likes)
        cost = (
            random.integers(1, 5, projects) * 12 if seed % 2 else random.integers(5, 60, projects)
        )
        profile = Profile.from_indices(
            np.arange(projects), cost, project=project, voter=voter, voters=voters,
            value=random.integers(1, 4, len(voter)),
        )  # fmt: skip
        rounds = Rounds(Electorate(profile, satisfaction, TieRule(("id-text",))))
        low = Fraction(int(random.integers(10, 200)), voters)
        horizon = float(random.choice([0.25, 1, 3, 10, 40]))
        poor = rounds.run(low, horizon=horizon)
        assert 0 <= poor.reach <= horizon
        met += poor.reach < horizon
        proved += poor.reach > 0
        for part in (0.01, 0.3, 0.6, 0.9, 0.999):
            richer = rounds.run(low + Fraction(poor.reach * part))
            assert richer.order.tolist() == poor.order.tolist(), (seed, part)
    assert proved > 200
    assert met > 100


@settings(max_examples=150, deadline=None)
@given(elections(dearest=10**6))
def test_what_is_told_of_a_great_many_is_right_to_the_penny(election: Election) -> None:
    outcomes = []
    for many in (0, 10**6):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sys.modules[equal_shares.__module__], "MANY_CLASSES", many)
            outcome = equal_shares(election.profile, election.budget)
            outcomes.append((outcome.payments, outcome.behind.tolist()))
    (near, left), (exact, same) = outcomes
    assert left == same
    for one, other in zip(near, exact, strict=True):
        assert (one is None) == (other is None)
        assert one is None or other is None or abs(one - other) < 1e-6


def test_the_compiled_loop_and_the_plain_one_agree_to_the_last_bit() -> None:
    source = Path(kernel.__file__)
    spec = importlib.util.spec_from_file_location("plain_kernel", source)
    assert spec is not None and spec.loader is not None
    plain = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(plain)
    kernel.compiled()
    for seed in range(80):
        random = np.random.default_rng(seed)
        voters, projects = (int(n) for n in random.integers(3, 30, 2))
        voter, project = np.nonzero(random.random((voters, projects)) < random.uniform(0.2, 0.8))
        profile = Profile.from_indices(
            np.arange(projects),
            random.integers(1, 5 if seed % 3 else 1000, projects),
            project=project,
            voter=voter,
            voters=voters,
            value=random.integers(1, 4, len(voter)),
        )
        satisfaction = ("cost", "cardinality", "points")[seed % 3]
        start = Fraction(int(random.integers(1, 300)), voters)
        runs = []
        for one in (kernel, plain):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(rounds_module, "kernel", one)
                patch.setattr(plain, "compiled", lambda: None)
                rounds = Rounds(Electorate(profile, satisfaction, TieRule()))
                runs.append((rounds.run(start, horizon=float(seed % 5)), rounds._money.copy()))
        (quick, money), (slow, same) = runs
        assert quick.order.tolist() == slow.order.tolist()
        assert (quick.gap, quick.reach, quick.ties()) == (slow.gap, slow.reach, slow.ties())
        assert money.tobytes() == same.tobytes()


def test_a_project_missed_by_next_to_nothing_ends_what_is_known_of_richer_runs() -> None:
    # The supporters lack one millionth of a penny, which no float can see beside their money.
    voters, supporters = 1_000_003, 999_999
    budget = -pow(supporters, -1, voters) % voters + voters * 1_000_000
    cost = (supporters * budget + 1) // voters
    assert 0 < cost - Fraction(supporters * budget, voters) == Fraction(1, voters)
    profile = Profile.from_indices(
        np.array(["a", "b"]),
        np.array([cost, 10 * cost]),
        project=np.repeat([0, 1], [supporters, 2]),
        voter=np.append(np.arange(supporters), [supporters, supporters + 1]),
        voters=voters,
    )
    rounds = Rounds(Electorate(profile, "cost", TieRule()))
    start = Fraction(budget, voters)
    poor = rounds.run(start, horizon=1.0)
    assert poor.order.tolist() == []
    assert rounds.run(start + 1).order.tolist() == [0]
    assert poor.reach < 1e-6


NOWHERE_TO_KEEP = """
from numba.core import caching
caching.CacheImpl._locator_classes = []
from commonweal.engine.voting.warm import warm
warm()
print("counted")
"""


def test_where_machine_code_cannot_be_kept_it_is_compiled_each_time() -> None:
    done = subprocess.run(
        [sys.executable, "-c", NOWHERE_TO_KEEP], capture_output=True, text=True, timeout=200
    )
    assert (done.stdout, done.returncode) == ("counted\n", 0), done.stderr


def test_money_copied_again_from_the_exact_purses_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    copied: list[int] = []
    again = rounds_module._State.refresh

    def counted(state: rounds_module._State) -> None:
        copied.append(1)
        again(state)

    monkeypatch.setattr(rounds_module._State, "refresh", counted)
    for seed in range(60):
        random = np.random.default_rng(seed)
        voters, projects = (int(n) for n in random.integers(4, 30, 2))
        voter, project = np.nonzero(random.random((voters, projects)) < 0.6)
        cost = random.integers(1, 1000, projects)
        profile = Profile.from_indices(
            np.arange(projects), cost, project=project, voter=voter, voters=voters
        )
        start = Fraction(int(cost.sum()) // 2, voters)
        electorate = Electorate(profile, "cost", TieRule())
        usual = Rounds(electorate).run(start).order.tolist()
        with monkeypatch.context() as always:
            always.setattr(rounds_module, "TOO_STALE", 0.0)
            assert Rounds(electorate).run(start).order.tolist() == usual, seed
    assert len(copied) > 300


def test_everything_everybody_wants_is_bought_to_the_last_penny() -> None:
    random = np.random.default_rng(5)
    for voters in range(1, 60):
        cost = random.integers(1, 10**6, 6)
        likes = np.ones((voters, 6), dtype=bool)
        voter, project = np.nonzero(likes)
        profile = Profile.from_indices(
            np.arange(6), cost, project=project, voter=voter, voters=voters
        )
        assert equal_shares(profile, int(cost.sum())).funded.all()
        assert equal_shares(profile, int(cost.sum()) - 1).funded.sum() == 5


def test_ballots_without_a_mark_take_their_share_of_the_money() -> None:
    profile = Profile.from_pairs(["a"], [60], project=["a"], ballot=[1], voters=2)
    assert not equal_shares(profile, 100).funded.any()
    assert equal_shares(profile, 120).funded.all()


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"budget": 0}, "budget"),
        ({"budget": 1.5}, "budget"),
        ({"completion": "more"}, "completion"),
        ({"stop": "never"}, "stop"),
        ({"step": 0}, "step"),
        ({"start": "half"}, "start"),
        ({"unit": 0}, "unit"),
        ({"satisfaction": "joy"}, "satisfaction"),
        ({"satisfaction": "points"}, "points"),
    ],
)
def test_a_wrong_argument_is_named(wrong: dict[str, object], message: str) -> None:
    profile = Profile.from_pairs(["a"], [60], project=["a"], ballot=[1])
    with pytest.raises(ValueError, match=message):
        equal_shares(profile, **({"budget": 10} | wrong))  # type: ignore[arg-type]
