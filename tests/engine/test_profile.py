"""Ballots as arrays: checked at the border, merged completely."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.engine.voting import Profile, TieRule
from tests.engine.elections import Election, elections

GOOD: dict[str, object] = {
    "ids": ["a", "b"],
    "cost": [1, 2],
    "project": ["a", "b", "b"],
    "ballot": [1, 1, 2],
}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"cost": [1, -2]}, "b has a negative cost"),
        ({"cost": [1.5, 2.0]}, "whole numbers"),
        ({"cost": [1]}, "cost has shape"),
        ({"cost": [2**62, 2**62]}, "add up to more"),
        ({"ids": ["a", "a"]}, "a is listed twice"),
        ({"ids": [["a", "b"]]}, "one row of names"),
        ({"project": ["a", "c", "b"]}, "marks c, which is not a project"),
        ({"project": ["a", "b"]}, "shape"),
        ({"ballot": [1, 2, 2]}, "marks project b twice"),
        ({"voters": 1}, "2 ballots have marks"),
        ({"value": [1, 2]}, "value has shape"),
    ],
)
def test_contradictory_input_is_refused_by_name(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Profile.from_pairs(**(GOOD | change))  # type: ignore[arg-type]


def test_numbers_outside_the_election_are_refused() -> None:
    one = np.array([0])
    for project, voter in ((one + 1, one), (one, one + 1), (one, one - 1)):
        with pytest.raises(ValueError, match="between 0 and 0"):
            Profile.from_indices(["a"], [1], project=project, voter=voter, voters=1)


def test_ids_may_be_database_keys_in_any_order() -> None:
    profile = Profile.from_pairs(
        np.array([30, 10]), np.array([1, 2]), project=np.array([10, 30, 10]), ballot=[7, 7, 3]
    )
    assert profile.votes.tolist() == [1, 2]
    assert profile.voter.tolist() == [1, 0, 1]


def test_a_pot_without_projects_or_ballots_is_an_election_too() -> None:
    empty = Profile.from_pairs([], [], project=[], ballot=[])
    assert (empty.voters, empty.votes.tolist(), len(empty.classes.weight)) == (0, [], 0)


@settings(max_examples=200, deadline=None)
@given(elections())
def test_merging_keeps_every_ballot_and_leaves_no_two_alike(election: Election) -> None:
    merged = election.profile.classes
    content: dict[int, set[str]] = {k: set() for k in range(len(merged.weight))}
    for p, name in enumerate(election.cost):
        for member in merged.member[merged.start[p] : merged.start[p + 1]]:
            content[int(member)].add(name)
    found = {frozenset(names): int(merged.weight[k]) for k, names in content.items()}
    assert len(found) == len(content)
    assert found == Counter(ballot for ballot in election.ballots if ballot)


@settings(max_examples=50, deadline=None)
@given(st.integers(2, 300), st.integers(0, 10**6))
def test_long_ballots_are_merged_exactly(projects: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    half = random.random((20, projects)) < 0.5
    rows = half[random.integers(0, 20, 60)]
    voter, project = np.nonzero(rows)
    profile = Profile.from_indices(
        np.arange(projects),
        np.ones(projects, dtype=np.int64),
        project=project,
        voter=voter,
        voters=60,
    )
    alike = Counter(row.tobytes() for row in rows if row.any())
    assert sorted(profile.classes.weight.tolist()) == sorted(alike.values())


def test_ballots_with_the_same_projects_but_other_points_stay_apart() -> None:
    profile = Profile.from_pairs(["a"], [1], project=["a"] * 3, ballot=[1, 2, 3], value=[5, 4, 5])
    assert sorted(profile.classes.weight.tolist()) == [1, 2]
    assert profile.classes.value is not None
    assert sorted(profile.classes.value.tolist()) == [4, 5]


def test_a_chain_of_ties_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ValueError, match="dearest"):
        TieRule.parse("dearest")
    with pytest.raises(ValueError, match="nothing after a colon"):
        TieRule.parse("cheapest:5")


def test_a_chain_reads_as_it_is_written() -> None:
    for text in ("cheapest,most-votes,lot:spring 2027", "id-text", "lot"):
        assert str(TieRule.parse(text)) == text
