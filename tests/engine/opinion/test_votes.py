"""Votes: the last one counts, in whatever order and from however many shards they come."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.engine.opinion import Votes, merged
from tests.engine.opinion.conversations import Entry, as_pairs, logs, same, votes_of


def slow_last(log: list[Entry], *, timed: bool) -> dict[tuple[int, int], int]:
    """Walk through the log as it stands, and let later votes replace earlier ones."""
    order = sorted(log, key=lambda e: (e.moment, e.value)) if timed else log
    return {(e.person, e.statement): e.value for e in order}


@given(logs, st.booleans())
def test_the_last_vote_of_each_pair_counts(log: list[Entry], timed: bool) -> None:
    votes = votes_of(log, timed=timed)
    assert as_pairs(votes) == slow_last(log, timed=timed)
    assert len(votes) == len(as_pairs(votes))


@given(logs, st.randoms())
def test_with_moments_no_order_of_the_log_matters(log: list[Entry], random: object) -> None:
    shuffled = log.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert same(votes_of(shuffled), votes_of(log))


@given(logs, st.integers(1, 5), st.booleans())
def test_shards_merge_into_the_whole(log: list[Entry], shards: int, timed: bool) -> None:
    by_person = [[e for e in log if e.person % shards == k] for k in range(shards)]
    parts = [votes_of(part, timed=timed) for part in by_person]
    assert same(merged(parts), votes_of(log, timed=timed))
    assert same(merged(parts[::-1]), votes_of(log, timed=timed))


@given(logs, st.integers(0, 80), st.booleans())
def test_an_update_is_the_same_as_the_whole_log(log: list[Entry], cut: int, timed: bool) -> None:
    early, late = log[:cut], log[cut:]
    fresh = [[e.person for e in late], [e.statement for e in late], [e.value for e in late]]
    moment = [e.moment for e in late] if timed else None
    now = votes_of(early, timed=timed).updated(*fresh, moment=moment)
    assert same(now, votes_of(log, timed=timed))


@given(logs, logs, st.booleans())
def test_an_update_among_those_who_are_known_is_the_same_too(
    early: list[Entry], late: list[Entry], timed: bool
) -> None:
    before = votes_of(early, timed=timed)
    known = [e for e in late if e.person in before.people and e.statement in before.statements]
    fresh = [[e.person for e in known], [e.statement for e in known], [e.value for e in known]]
    now = before.updated(*fresh, moment=[e.moment for e in known] if timed else None)
    assert same(now, votes_of(early + known, timed=timed))


@given(logs)
def test_rows_are_in_order_and_tallies_are_counts(log: list[Entry]) -> None:
    votes = votes_of(log)
    code = votes.person.astype(np.int64) * 1000 + votes.statement
    assert (np.diff(code) > 0).all()
    counted = Counter((name[1], value) for name, value in as_pairs(votes).items())
    for place, name in enumerate(votes.statements.tolist()):
        told = [counted[name, value] for value in (-1, 0, 1)]
        assert votes.tallies[place].tolist() == told
    assert votes.tallies.sum() == len(votes)


def test_many_votes_of_one_person_are_in_order_too() -> None:
    rng = np.random.default_rng(4)
    statement = rng.integers(0, 500, 4000)
    value = rng.integers(-1, 2, 4000)
    for moment in (None, rng.permutation(4000)):
        votes = Votes.from_log(np.zeros(4000, dtype=int), statement, value, moment=moment)
        order = range(4000) if moment is None else np.argsort(moment).tolist()
        last = {int(statement[e]): int(value[e]) for e in order}
        assert (
            dict(zip(votes.statements[votes.statement].tolist(), votes.value.tolist(), strict=True))
            == last
        )
        assert votes.statements.tolist() == sorted(last)


def test_names_may_be_text_or_numbers_far_apart() -> None:
    far = Votes.from_log([10**17, -3], [2**40, 5], [1, -1])
    assert as_pairs(far) == {(10**17, 2**40): 1, (-3, 5): -1}
    words = Votes.from_log(["zoë", "ann"], ["b", "a"], [0, 1], statements=["c"])
    assert words.people.tolist() == ["ann", "zoë"]
    assert words.statements.tolist() == ["a", "b", "c"]
    assert words.tallies[2].tolist() == [0, 0, 0]


def test_nobody_is_a_conversation_too() -> None:
    votes = Votes.from_log([], [], [])
    assert len(votes) == 0
    assert votes.tallies.shape == (0, 3)
    assert same(merged([votes, votes]), votes)


def test_some_votes_or_some_people_can_be_looked_at_alone() -> None:
    votes = Votes.from_log([1, 1, 2, 3], [5, 6, 6, 5], [1, 0, -1, 1])
    assert as_pairs(votes.chosen(votes.value != 0)) == {(1, 5): 1, (2, 6): -1, (3, 5): 1}
    few = votes.among(np.array([0, 2]))
    assert as_pairs(few) == {(1, 5): 1, (1, 6): 0, (3, 5): 1}
    assert few.statements.tolist() == [5, 6]


@pytest.mark.parametrize(
    ("log", "said"),
    [
        (([1], [1], [2]), "a vote is 1, 0 or -1, not 2"),
        (([1], [1], [0.5]), "value must be whole numbers"),
        (([1, 2], [1], [1]), "must be the same"),
        (([1.5], [1], [1]), "person names must be whole numbers or text"),
        (([[1]], [1], [1]), "person must be one row of names"),
        (([1], [1], [[1]]), "value must be one row of votes"),
    ],
)
def test_what_is_no_log_is_refused_in_words(log: tuple[list[int], ...], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Votes.from_log(*log)


def test_what_cannot_be_merged_is_refused_in_words() -> None:
    timed, untimed = votes_of([Entry(1, 1, 1, 1)]), votes_of([Entry(1, 1, 1, 1)], timed=False)
    with pytest.raises(ValueError, match="only some of the parts have moments"):
        merged([timed, untimed])
    with pytest.raises(ValueError, match="there are no parts"):
        merged([])
    with pytest.raises(ValueError, match="some person names are numbers and some are text"):
        merged([untimed, Votes.from_log(["a"], [1], [1])])
    with pytest.raises(ValueError, match="moment has shape"):
        Votes.from_log([1], [1], [1], moment=[1, 2])
