"""A map that is brought up to date counts as one worked out anew does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.engine.opinion import Votes, overview, simulate
from commonweal.engine.opinion.renewed import kept, renewed

PAIRS = st.dictionaries(
    st.tuples(st.integers(0, 12), st.integers(0, 6)), st.sampled_from([-1, 0, 1]), max_size=60
)


def votes_of(pairs: dict[tuple[int, int], int]) -> Votes:
    people = np.array([i for i, _j in pairs], dtype=np.int64)
    statements = np.array([j for _i, j in pairs], dtype=np.int64)
    return Votes.from_log(people, statements, np.array(list(pairs.values()), dtype=np.int64))


@settings(deadline=None)  # the first example may wait for machine code
@given(PAIRS, PAIRS)
def test_votes_of_people_take_the_place_of_their_older_ones(
    before: dict[tuple[int, int], int], later: dict[tuple[int, int], int]
) -> None:
    voted = {i for i, _j in later}
    now = {pair: value for pair, value in before.items() if pair[0] not in voted} | later
    first, fresh = votes_of(before), votes_of(later)
    state = kept(overview(first, np.random.default_rng(0)), np.ones(len(first)))
    found = renewed(state, fresh, np.full(len(fresh), 0.5))
    whole = found.found.votes
    told = {
        (int(i), int(whole.statements[j])): int(value)
        for i, j, value in zip(
            whole.people[whole.person], whole.statement, whole.value, strict=True
        )
    }
    assert told == now
    chance = {pair: (0.5 if pair[0] in voted else 1.0) for pair in told}
    assert found.shown.tolist() == list(chance.values())
    assert np.allclose(found.overall[:, 4, 0], whole.tallies.sum(axis=1))


@pytest.fixture(scope="module")
def crowd() -> tuple[Votes, Votes]:
    """Return a conversation, and the votes of some of its people and of ten new ones."""
    made = simulate(np.random.default_rng(5), people=600, statements=40, groups=2, answered=0.5)
    new = made.person >= 590
    votes = Votes.from_log(made.person[~new], made.statement[~new], made.value[~new])
    of = new | (made.person < 20)
    fresh = Votes.from_log(made.person[of], made.statement[of], made.value[of])
    return votes, fresh


def test_shares_are_those_of_a_map_worked_out_with_the_same_groups(
    crowd: tuple[Votes, Votes],
) -> None:
    votes, fresh = crowd
    state = kept(overview(votes, np.random.default_rng(0)), np.ones(len(votes)))
    later = renewed(state, fresh, np.ones(len(fresh)))
    again = kept(later.found, later.shown)
    assert later.found.groups.count == 2
    assert np.allclose(later.overall, again.overall)
    assert (
        later.found.overall.votes[:, 0].tolist() == later.found.votes.tallies.sum(axis=1).tolist()
    )
    assert (
        np.abs(
            later.found.by_group.estimate
            - renewed(again, fresh, np.ones(len(fresh))).found.by_group.estimate
        ).max()
        < 0.02
    )
    assert np.allclose(later.found.member.sum(axis=1), 1)


def test_new_people_are_placed_as_sure_as_their_votes_allow(crowd: tuple[Votes, Votes]) -> None:
    votes, fresh = crowd
    state = kept(overview(votes, np.random.default_rng(0)), np.ones(len(votes)))
    later = renewed(state, fresh, np.ones(len(fresh))).found
    whole = overview(later.votes, np.random.default_rng(0))
    assert len(later.votes.people) > len(votes.people)
    assert (later.member.argmax(axis=1) == whole.member.argmax(axis=1)).mean() > 0.95


def test_a_statement_that_is_new_has_its_votes(crowd: tuple[Votes, Votes]) -> None:
    votes, _fresh = crowd
    state = kept(overview(votes, np.random.default_rng(0)), np.ones(len(votes)))
    fresh = Votes.from_log([3, 4, 700], [-5, 999, 999], [1, 1, -1])
    later = renewed(state, fresh, np.ones(3)).found
    assert later.votes.statements[[0, -1]].tolist() == [-5, 999]
    assert later.votes.tallies[[0, -1]].tolist() == [[0, 0, 1], [1, 0, 1]]
    assert len(later.model.first) == len(later.votes.statements) + 1
    old = [
        votes.statements[j] for j in overview(votes, np.random.default_rng(0)).short_list.statements
    ]
    assert [later.votes.statements[j] for j in later.short_list.statements] == old


def test_shapes_that_disagree_are_refused(crowd: tuple[Votes, Votes]) -> None:
    votes, fresh = crowd
    state = kept(overview(votes, np.random.default_rng(0)), np.ones(len(votes)))
    with pytest.raises(ValueError, match="shown has shape"):
        renewed(state, fresh, np.ones(3))
