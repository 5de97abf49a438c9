"""Scottish STV: a published count stage by stage, a slow count paper by paper, laws."""

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.engine.voting import Profile, TieRule
from commonweal.engine.voting.scottish_stv import scottish_stv
from tests.engine.elections import winners
from tests.engine.rankings import Ranking, rankings, some_ranking, strict

BY_ID = TieRule(("id-text",))

# A committee of four, elected on 24 July 2005 by 94 ballots; candidates by number. The stages below
# are those that the counting program Droop publishes for its Scottish rules on these ballots.
COMMITTEE = """
7 8 9 11 12|7 8 9 11 12|13 7 5 4 2 1|5 13 2 7 4 1|13 4 1 2|4 2 13 1 3|4 13 2 7
7 8 12 1 13 9 2 4 11 5|1 13 3 4 7 5 2|4 1 13 7 3 5 2|4 1 13 7 3 5 2|1 4 13 2 7 5 3 9 8 12 11
7 1 8 9 13 3 2 4 12 5 11|7 8 9 11 12|7 1 8 9 13 3 2 4 12 5 11|7 8 9 11 12|7 8 9 11 12|7 8 9 11 12
5 1 13 3 2 4 7|7 8 9 3 12 2 13 5 1 4|3 13 1 2|3 13 1 2|4 7 13 5|4 5 13 3 2 1|7 8 9 11 12
7 9 8 12 11 2 13|7 8 9 11 12|7 8 9 11 12|4 3 13 1|4 3 13 1|13 3 4 1 7 2 5|3 13 4 1 7 2 5
13 3 4 1 2 5 7|13 1 4 2 5 3 7|13 4 3 1 2 5|3 13 1 4 2 7 5|4 3 13 8|4 3 13 1|1 4 13 7|1 4 13 7
7 3 4 13 1 5|9 11 8 7|7 8 9 11 12|13 3 5 2|4 5 2 3 13|13 5 2 4 1 3 7|13 5 2 1 7 3 8|7 8 9 12 11
7 8 4 9 12|13 4 7 2 8|4 13 2 7 1 8|7 8 11 9 12|8 4 7 11 13 9|7 4 2 13|13 1 7 4|4 1 2 13 9 5
1 4 13 5 3 2|7 5 4 8 11 2 13 1 3 9 12|4 8 7 5 13 2 1 3 9|3 4 7 2 12 13 8 1 5|7 8 9 11 12|7 8 11 9
7 8 11 9|7 8 9 11 12|7 8 9 11 12|7 8 9 11 12|13 2 4 7 5 1|7 8 9 11 12|7 8 9 11|7 8 9 11 12
2 7 8 12 13 11 1 5 9|4 7 8 2|4 13 5 2 1 3|13 4 7 3 1 5 8 2 9|4 3 13 1 7|13 4 1 3|4 1 13 3 2 7 8
2 4 13 5|2 3 4 1 13 7|3 1 4 13|4 3 1 2 11|3 1 4 13 2 7|4 1 2 8 3|4 1 5 13 2 3|4 1 5 13 2 3
7 8 9 11 12|7 8 9 11 12|13 7 3 2 5 4 1|13 5 7 2 4 1|7 8 9 11 12|1 13 3 7 2 4 5|13 1 2 7 4 5 3
13 1 2 7 4 5 3|3 1 4 2 13 7 9 5 8
"""
# What was done to whom; then the votes of 1, 2, 3, 4, 5, 7, 8, 9 and 13, and the non-transferable.
STAGES = """
first-preferences - 6 3 8 22 2 33 1 1 18 0
surplus 7 6.84848 3.42424 8.42424 22 2.42424 19 12.45448 1.42424 18 0
surplus 4 7.803 3.5606 9.2424 19 2.69696 19 12.7272 1.42424 18.54544 0
exclusion 9 7.803 3.5606 9.2424 19 2.69696 19 14.15144 0 18.54544 0
exclusion 5 8.803 3.69696 9.2424 19 0 19 14.57568 0 19.6818 0
surplus 13 9.01084 3.9536 9.45496 19 0 19 14.57568 0 19 0.00472
exclusion 2 9.36448 0 10.59132 19 0 19 15.61032 0 19 1.43368
exclusion 1 0 0 16.62204 19 0 19 16.59988 0 19 3.77788
exclusion 8 0 0 18.59172 19 0 19 0 0 19 18.40808
"""
SHOWN = ("1", "2", "3", "4", "5", "7", "8", "9", "13")


def test_a_real_committee_is_elected_stage_by_stage_as_published() -> None:
    papers = [paper.split() for line in COMMITTEE.split("\n") for paper in line.split("|") if paper]
    options = tuple(str(n) for n in range(1, 14))
    ballots = tuple({p: n for n, p in enumerate(paper, 1)} for paper in papers)
    outcome = scottish_stv(Ranking(options, ballots).profile, 4)
    assert winners(outcome) == ["7", "4", "13", "3"]
    assert (outcome.detail["quota"], outcome.detail["valid"]) == (19, 94)
    stages = [s for s in outcome.detail["stages"] if s["candidate"] not in ("6", "10", "11", "12")]
    assert len(outcome.detail["stages"]) == len(stages) + 4  # the four without a vote, by lot
    for stage, line in zip(stages, STAGES.strip().split("\n"), strict=True):
        action, candidate, *numbers = line.split()
        assert (stage["action"], stage["candidate"] or "-") == (action, candidate)
        found = [stage["votes"][p] for p in SHOWN] + [stage["non_transferable"]]
        assert [Fraction(n) for n in found] == [Fraction(n) for n in numbers], line
    assert stages[-1]["filled"] and stages[-1]["elected"] == ["3"]


def test_a_tie_is_settled_by_the_latest_earlier_stage() -> None:
    """Another published example: b and c have 3 each at stage 2, but b had only 2 before."""
    election = strict("abcde", [(1, "ab"), (2, "b"), (3, "c"), (4, "d"), (5, "e")])
    outcome = scottish_stv(election.profile, 2)
    assert [s["candidate"] for s in outcome.detail["stages"]] == [None, "a", "b", "c"]
    assert [(tie.projects, tie.by) for tie in outcome.ties] == [((1, 2), "earlier-stage")]
    assert winners(outcome) == ["e", "d"] and outcome.detail["stages"][-1]["filled"]


def test_who_has_just_the_quota_has_no_surplus() -> None:
    """A third one: quota 8; a has 10, b has 8, and c reaches 8 by a's surplus."""
    orders = [(10, "ac"), (8, "b"), (6, "c"), (5, "d"), (3, "ed"), (3, "fd")]
    outcome = scottish_stv(strict("abcdef", orders).profile, 4, ties=TieRule(("id-text",)))
    stages = outcome.detail["stages"]
    assert [(s["action"], s["candidate"]) for s in stages] == [
        ("first-preferences", None),
        ("surplus", "a"),
        ("exclusion", "f"),
    ]
    assert [s["elected"] for s in stages] == [["a", "b"], ["c"], ["d"]]
    assert [(tie.projects, tie.chosen, tie.by) for tie in outcome.ties] == [((4, 5), 5, "id-text")]


def slow_stv(election: Ranking, seats: int) -> list[list[Fraction]]:
    """Count paper by paper as the law reads; return the votes of everybody at each stage."""
    cut = Fraction(1, 100_000)
    papers = [[sorted(b, key=lambda p: b[p]), Fraction(1)] for b in election.ballots if b]
    piles: dict[str, list[Any]] = {p: [] for p in sorted(election.options)}
    for paper in papers:
        piles[paper[0][0]].append(paper)
    votes = {p: Fraction(len(piles[p])) for p in piles}
    quota = len(papers) // (seats + 1) + 1
    stages, elected, continuing = [dict(votes)], list[str](), list(piles)
    while True:
        elected += [p for p in continuing if votes[p] >= quota]
        continuing = [p for p in continuing if p not in elected]
        if len(elected) == seats or len(elected) + len(continuing) == seats:
            return [[stage[p] for p in election.options] for stage in stages]
        over = [p for p in elected if votes[p] > quota]
        if over:  # most votes now, then most before, then first by name
            giver = max(over, key=lambda p: [stage[p] for stage in reversed(stages)])
            for paper in piles[giver]:
                value = (votes[giver] - quota) * paper[1] / votes[giver]
                paper[1] = value // cut * cut
        else:  # fewest now, then fewest before, then last by name
            giver = min(reversed(continuing), key=lambda p: [s[p] for s in reversed(stages)])
            continuing.remove(giver)
        for paper in piles[giver]:
            following = paper[0][paper[0].index(giver) + 1 :]
            taker = next((p for p in following if p in continuing), None)
            if taker:
                piles[taker].append(paper)
                votes[taker] += paper[1]
        piles[giver] = []
        votes[giver] = Fraction(quota if over else 0)
        stages.append(dict(votes))


def test_it_agrees_with_the_slow_count_to_the_last_decimal() -> None:
    for seed in range(1500):
        election = some_ranking(seed)
        seats = 1 + seed % len(election.options)
        outcome = scottish_stv(election.profile, seats, ties=BY_ID)
        found = [
            [Fraction(stage["votes"][p]) for p in election.options]
            for stage in outcome.detail["stages"]
        ]
        assert found == slow_stv(election, seats), seed
        assert len(set(winners(outcome))) == seats


@settings(max_examples=150, deadline=None)
@given(rankings(), st.integers(1, 6), st.randoms(use_true_random=False))
def test_the_order_of_candidates_and_ballots_does_not_matter(
    election: Ranking, seats: int, random: Any
) -> None:
    seats = min(seats, len(election.options))
    options, ballots = list(election.options), list(election.ballots)
    random.shuffle(options)
    random.shuffle(ballots)
    mixed = Ranking(tuple(options), tuple(ballots))
    assert winners(scottish_stv(mixed.profile, seats)) == winners(
        scottish_stv(election.profile, seats)
    )


@settings(max_examples=150, deadline=None)
@given(rankings(), st.integers(1, 6))
def test_no_vote_is_made_or_lost(election: Ranking, seats: int) -> None:
    seats = min(seats, len(election.options))
    detail = scottish_stv(election.profile, seats).detail
    for stage in detail["stages"]:
        everywhere = [*stage["votes"].values(), stage["non_transferable"], stage["cut_off"]]
        assert sum(map(Fraction, everywhere)) == detail["valid"]
        assert Fraction(stage["cut_off"]) >= 0


def test_a_group_with_two_quotas_elects_two_of_its_own() -> None:
    """Solid coalitions: 45 of 100 who put a, b and c first, in any order, get two of four seats."""
    orders = [(20, "abc"), (15, "bca"), (10, "cab"), (30, "def"), (25, "efd")]
    won = winners(scottish_stv(strict("abcdef", orders).profile, 4))
    assert sum(p in "abc" for p in won) == sum(p in "def" for p in won) == 2


def test_wrong_ballots_and_seats_are_refused() -> None:
    with pytest.raises(ValueError, match="from 1 to 2"):
        scottish_stv(strict("ab", [(1, "a")]).profile, 3)
    with pytest.raises(ValueError, match="the same place"):
        scottish_stv(Ranking(("a", "b"), ({"a": 1, "b": 1},)).profile, 1)
    approvals = Profile.from_pairs(["a", "b"], [1, 1], project=list("ab"), ballot=[1, 1])
    with pytest.raises(ValueError, match="needs ranked"):
        scottish_stv(approvals, 1)
