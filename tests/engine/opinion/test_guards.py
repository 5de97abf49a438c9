"""Guards: copies are found and honest people are not; headlines say whom they hang on."""

import numpy as np
from hypothesis import given, settings

from commonweal.engine.opinion import Votes, copies, shares, without
from commonweal.engine.opinion.shares import AGREE
from tests.engine.opinion.conversations import Entry, logs, votes_of
from tests.engine.opinion.planted import grouped, low_rank


def with_copies(votes: Votes, of: int, times: int) -> Votes:
    """Add accounts that vote like one person."""
    row = slice(votes.start[of], votes.start[of + 1])
    names = np.repeat(np.arange(9000, 9000 + times), row.stop - row.start)
    return votes.updated(
        names,
        np.tile(votes.statements[votes.statement[row]], times),
        np.tile(votes.value[row], times),
    )


def test_accounts_that_vote_as_one_are_found() -> None:
    votes = with_copies(low_rank(np.random.default_rng(1), 300, 40, 1).votes, 7, 12)
    (found,) = copies(votes)
    assert [votes.people[i] for i in found.people] == [7, *range(9000, 9012)]
    assert found.votes == np.diff(votes.start)[7]
    assert found.chance < 0.01


def test_honest_people_are_not_found_even_where_nearly_all_agree() -> None:
    for seed in range(5):
        rng = np.random.default_rng(seed)
        assert copies(low_rank(rng, 500, 30, 1).votes) == ()
        assert copies(grouped(rng, 2, people=300, statements=60).votes) == ()
    everybody = Votes.from_log(
        np.repeat(np.arange(100), 20), np.tile(np.arange(20), 100), np.ones(2000, dtype=int)
    )
    assert copies(everybody) == ()


def test_a_headline_that_hangs_on_copies_is_told() -> None:
    rng = np.random.default_rng(2)
    honest = low_rank(rng, 100, 40, 0, answered=0.6).votes
    split = honest.updated(range(40), [99] * 40, [1, -1] * 20)
    # a crowd agrees with statement 99, and otherwise votes like person 3
    votes = with_copies(split.updated([3], [99], [1]), 3, 30)
    (found,) = copies(votes)
    told = without(votes, np.array(found.people))
    place = votes.statements.tolist().index(99)
    assert told.turned[place]
    assert told.moved[place] < -0.1
    assert abs(told.estimate[place] - 0.5) < 0.05


@given(logs)
@settings(deadline=None)
def test_leaving_out_is_as_if_they_had_not_voted(log: list[Entry]) -> None:
    votes = votes_of(log)
    out = np.arange(len(votes.people)) % 2 == 1
    told = without(votes, np.flatnonzero(out))
    rest = shares(votes.among(np.flatnonzero(~out)))
    np.testing.assert_allclose(told.estimate, rest.estimate[:, AGREE, 0])
    nobody = without(votes, np.zeros(0, dtype=np.intp))
    assert (nobody.moved == 0).all()
    assert not nobody.turned.any()
