"""Greedy: laws, worked examples, and a slow obvious count beside it."""

import json
import random
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.engine.voting import Profile, TieRule, greedy
from commonweal.engine.voting.greedy import BY_DEFAULT, FILL_MEASURES, MEASURES, fill
from commonweal.engine.voting.limits import Cap, Limits
from commonweal.engine.voting.pabulib import read_pabulib
from tests.engine import oracle
from tests.engine.elections import Election, elections, winners
from tests.engine.points import Valued, valued

PACK = Path(__file__).resolve().parents[2].parent / "shared/data/pabulib"
BY_ID = TieRule(("id-text",))
PACK_NAMES = {"cost": "cost", "card": "cardinality", "points": "points", "borda": "borda"}
measures = st.sampled_from(MEASURES)
misfits = st.sampled_from(["skip", "stop"])


@settings(max_examples=400, deadline=None)
@given(elections(), st.sampled_from(["cheapest,most-votes,lot", "id-text", "lot"]))
def test_it_agrees_with_the_slow_count(election: Election, chain: str) -> None:
    order = oracle.tie_order(election.cost, election.ballots, chain, "x")
    outcome = greedy(election.profile, election.budget, ties=TieRule(tuple(chain.split(",")), "x"))
    slow = oracle.greedy(election.cost, election.ballots, election.budget, order)
    assert winners(outcome) == slow
    assert outcome.spent <= election.budget


def slow_greedy(
    election: Valued, measure: str, misfit: str, least: Fraction, terms: Limits
) -> list[str]:
    """Take the best project again and again, with fractions and sets, by id where equal."""
    cost = election.cost
    votes = {p: sum(p in b for b in election.ballots) for p in cost}
    score = {p: sum(b.get(p, 0) for b in election.ballots) for p in cost}
    amount = votes if measure.startswith("votes") else score
    won = list(terms.must)
    money = election.budget - sum(cost[p] for p in won)

    def standing(p: str) -> tuple[Fraction, int, int]:
        if not measure.endswith("per-cost"):
            return Fraction(amount[p]), 0, -ord(p)
        return Fraction(amount[p], cost[p] or 1) + (10**9 if not cost[p] else 0), 0, -ord(p)

    for p in sorted(cost, key=standing, reverse=True):
        if p in won or amount[p] <= 0 or votes[p] < least:
            continue
        if any(p in group and set(group) & set(won) for group in terms.exclusive):
            continue
        if any(
            p in cap.projects and sum(cost[q] for q in {p, *won} & set(cap.projects)) > cap.pence
            for cap in terms.caps
        ):
            continue
        if cost[p] <= money:
            money -= cost[p]
            won.append(p)
        elif misfit == "stop":
            break
    return won


@st.composite
def terms_for(draw: st.DrawFn, election: Valued) -> Limits:
    """Draw terms that can be kept."""
    ids = list(election.cost)
    some = st.lists(st.sampled_from(ids), unique=True)
    groups = draw(st.lists(some.filter(lambda g: len(g) > 1), max_size=2)) if len(ids) > 1 else []
    caps = draw(st.lists(st.tuples(some, st.integers(0, 15)), max_size=2))
    must = draw(st.lists(st.sampled_from(ids), max_size=1))
    fits = sum(election.cost[p] for p in must) <= election.budget and not any(
        p in projects and election.cost[p] > pence for p in must for projects, pence in caps
    )
    return Limits(
        must=tuple(must) if fits else (),
        exclusive=tuple(tuple(group) for group in groups),
        caps=tuple(Cap(f"cap {n}", tuple(p), pence) for n, (p, pence) in enumerate(caps)),
    )


@settings(max_examples=400, deadline=None)
@given(valued(), measures, misfits, st.sampled_from([0, 2, Fraction(1, 3)]), st.data())
def test_every_measure_misfit_and_limit_agrees_with_the_slow_count(
    election: Valued, measure: str, misfit: str, threshold: int | Fraction, data: st.DataObject
) -> None:
    terms = data.draw(terms_for(election))
    share = isinstance(threshold, Fraction)
    least = threshold * len(election.ballots) if share else Fraction(threshold)
    outcome = greedy(
        election.profile,
        election.budget,
        measure=measure,
        satisfaction="points",
        misfit=misfit,
        threshold=threshold,
        ties=BY_ID,
        limits=terms,
    )
    assert winners(outcome) == slow_greedy(election, measure, misfit, least, terms)
    assert outcome.spent <= election.budget
    again = greedy(
        election.profile,
        election.budget,
        measure=measure,
        satisfaction="points",
        misfit=misfit,
        ties=BY_ID,
        limits=Limits(
            terms.must,
            terms.exclusive,
            terms.caps,
            minimum=threshold,
        ),
    )
    assert winners(again) == winners(outcome)
    json.dumps(outcome.detail)


@settings(max_examples=200, deadline=None)
@given(elections(), st.data(), measures)
def test_more_support_never_takes_a_win_away(
    election: Election, data: st.DataObject, measure: str
) -> None:
    outcome = greedy(election.profile, election.budget, measure=measure)
    won = [str(name) for name in outcome.ids[outcome.funded]]
    if not won:
        return
    loved = data.draw(st.sampled_from(won))
    more = election.with_ballots(loved, data.draw(st.integers(1, 4)))
    assert loved in winners(greedy(more.profile, more.budget, measure=measure))


@settings(max_examples=100, deadline=None)
@given(elections())
def test_a_loser_did_not_fit_in_what_was_left_at_its_turn(election: Election) -> None:
    outcome = greedy(election.profile, election.budget)
    for p in range(len(outcome.ids)):
        if not outcome.funded[p] and outcome.votes[p]:
            assert outcome.cost[p] - outcome.shortfall[p] == outcome.left[p] < outcome.cost[p]


@settings(max_examples=150, deadline=None)
@given(valued(), measures, misfits, st.integers(2, 900), st.randoms(use_true_random=False))
def test_order_of_menu_and_ballots_and_the_unit_of_money_do_not_matter(
    election: Valued, measure: str, misfit: str, times: int, shuffle: random.Random
) -> None:
    ids, ballots = list(election.cost), list(election.ballots)
    shuffle.shuffle(ids)
    shuffle.shuffle(ballots)
    mixed = Valued(
        {p: times * election.cost[p] for p in ids}, tuple(ballots * 2), times * election.budget
    )
    one, other = (
        greedy(e.profile, e.budget, measure=measure, satisfaction="points", misfit=misfit)
        for e in (election, mixed)
    )
    assert winners(one) == winners(other)


def test_it_skips_what_does_not_fit_and_goes_on_or_stops_there() -> None:
    ballots = (frozenset("abc"), frozenset("abc"), frozenset("ab"), frozenset("a"))
    election = Election({"a": 60, "b": 50, "c": 40}, ballots, 100)
    assert winners(greedy(election.profile, 100)) == ["a", "c"]
    stopped = greedy(election.profile, 100, misfit="stop")
    assert winners(stopped) == ["a"]
    assert stopped.detail["after_stop"] == ["c"]
    assert stopped.left.tolist() == [100, 40, -1]


def test_a_project_that_costs_nothing_comes_first_per_cost() -> None:
    ballots = (frozenset("abc"), frozenset("ab"), frozenset("a"))
    election = Election({"a": 1, "b": 0, "c": 0, "nobody": 0}, ballots, 1)
    assert winners(greedy(election.profile, 1, measure="votes-per-cost")) == ["b", "c", "a"]


def test_costs_that_differ_by_a_penny_in_2_to_the_59_are_told_apart() -> None:
    dear = 2**59 - 1
    election = Election({"a": dear, "b": dear - 1}, (frozenset("ab"),) * 3, dear)
    assert winners(greedy(election.profile, dear, measure="votes-per-cost", ties=BY_ID)) == ["b"]


def test_equal_votes_are_a_tie_and_the_cheapest_goes_first() -> None:
    election = Election({"a": 60, "b": 50}, (frozenset("ab"),) * 3, 100)
    outcome = greedy(election.profile, 100)
    assert winners(outcome) == ["b"]
    assert [(tie.projects, tie.chosen, tie.by) for tie in outcome.ties] == [((1, 0), 1, "cheapest")]


def test_equal_votes_per_cost_are_a_tie_however_large_the_numbers() -> None:
    ballots = (frozenset("ab"),) * 2 + (frozenset("b"),)
    election = Election({"a": 2 * 10**15, "b": 3 * 10**15}, ballots, 4 * 10**15)
    outcome = greedy(election.profile, 4 * 10**15, measure="votes-per-cost")
    assert [tie.projects for tie in outcome.ties] == [(0, 1)]


def test_a_threshold_is_met_by_exactly_that_many_votes() -> None:
    ballots = (frozenset("ab"), frozenset("a"), frozenset(), frozenset())
    election = Election({"a": 10, "b": 1}, ballots, 100)
    for threshold in (2, Fraction(1, 2)):
        outcome = greedy(election.profile, 100, threshold=threshold)
        assert winners(outcome) == ["a"]
        assert outcome.detail["below_threshold"] == ["b"]
    assert winners(greedy(election.profile, 100, threshold=Fraction(1, 4))) == ["a", "b"]
    assert winners(greedy(election.profile, 100, threshold=Fraction(51, 100))) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"measure": "likes"}, "measure must be one of"),
        ({"misfit": "shrug"}, "misfit must be one of"),
        ({"threshold": -1}, "number of votes, or a share"),
        ({"threshold": 0.5}, "number of votes, or a share"),
        ({"threshold": Fraction(3, 2)}, "number of votes, or a share"),
        ({"measure": "score", "satisfaction": "points"}, "needs ballots that carry points"),
        ({"measure": "score", "satisfaction": "joy"}, "satisfaction must be one of"),
    ],
)
def test_it_says_what_it_does_not_know(change: dict[str, object], message: str) -> None:
    election = Election({"a": 10}, (frozenset("a"),), 100)
    with pytest.raises(ValueError, match=message):
        greedy(election.profile, 100, **change)


@pytest.mark.parametrize("satisfaction", ["cost", "cardinality", "points", "borda"])
def test_it_agrees_with_pabutools(satisfaction: str) -> None:
    from pabutools import election as pb
    from pabutools.rules import greedy_utilitarian_welfare

    kinds = {
        "cost": (pb.ApprovalProfile, pb.ApprovalBallot, pb.Cost_Sat),
        "cardinality": (pb.ApprovalProfile, pb.ApprovalBallot, pb.Cardinality_Sat),
        "points": (pb.CumulativeProfile, pb.CumulativeBallot, pb.Additive_Cardinal_Sat),
        "borda": (pb.OrdinalProfile, pb.OrdinalBallot, pb.Additive_Borda_Sat),
    }
    profiles, ballots, sat = kinds[satisfaction]
    chance = random.Random(7)
    for _ in range(150):
        ids = chance.sample("abcdefgh", 6)
        cost = {p: chance.choice([2, 3, 4, 6, 8]) for p in ids}
        marks = [chance.sample(ids, chance.randint(1, 4)) for _ in range(9)]
        points = [{p: chance.randint(1, 3) for p in b} for b in marks]
        if satisfaction == "borda":
            points = [{p: n for n, p in enumerate(b, 1)} for b in marks]
        ours = Valued(cost, tuple(points), 12)
        project = {p: pb.Project(p, cost[p]) for p in ids}
        theirs = profiles(
            ballots(
                {project[p]: n for p, n in b.items()}
                if satisfaction == "points"
                else [project[p] for p in b]
            )
            for b in points
        )
        menu = pb.Instance(project.values(), budget_limit=12)
        expected = {str(p) for p in greedy_utilitarian_welfare(menu, theirs, sat_class=sat)}
        outcome = greedy(
            ours.profile,
            12,
            measure=FILL_MEASURES[satisfaction],
            satisfaction=satisfaction,
            ties=BY_ID,
        )
        # pabutools spends the rest on projects that nobody marked or ranked above another.
        assert set(winners(outcome)) <= expected
        score = ours.profile.votes
        if satisfaction == "borda":
            listed_below = {p: sum(len(b) - b[p] for b in points if p in b) for p in ids}
            score = [listed_below[p] for p in ids]
        wanted = {p for p, n in zip(ids, score, strict=True) if n}
        assert set(winners(outcome)) == expected & wanted


def packed() -> list[tuple[str, str]]:
    """Return (election, rule) for every expected greedy result of the pack."""
    found = [("", "")]
    for path in sorted(PACK.glob("expected/*.json")):
        rules = json.loads(path.read_text())["rules"]
        found += [(path.stem, rule) for rule in rules if rule.startswith("greedy-")]
    return found


@pytest.mark.parametrize(("name", "rule"), packed())
def test_real_elections_give_the_expected_winners(name: str, rule: str) -> None:
    if not name:
        return
    read = read_pabulib(next(PACK.glob(f"{name}.pb*")))
    expected = json.loads((PACK / f"expected/{name}.json").read_text())["rules"][rule]["winners"]
    satisfaction = PACK_NAMES[rule.removeprefix("greedy-")]
    outcome = greedy(
        read.profile,
        read.budget,
        measure=FILL_MEASURES[satisfaction],
        satisfaction=satisfaction,
        ties=BY_ID,
    )
    assert sorted(winners(outcome)) == sorted(expected)


@settings(max_examples=100, deadline=None)
@given(valued(), measures)
def test_filling_an_empty_pot_is_greedy(election: Valued, measure: str) -> None:
    profile: Profile = election.profile
    filled = fill(profile, election.budget, BY_DEFAULT, (), measure=measure, satisfaction="points")
    whole = greedy(profile, election.budget, measure=measure, satisfaction="points")
    assert filled.order == whole.order.tolist()
    assert filled.left.tolist() == whole.left.tolist()
