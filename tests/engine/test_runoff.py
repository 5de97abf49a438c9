"""Instant run-off: a slow count beside, laws, worked examples, and the order of elimination."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.engine.voting import TieRule
from commonweal.engine.voting.runoff import instant_runoff
from tests.engine.elections import winners
from tests.engine.rankings import Ranking, rankings, some_ranking, strict

BY_ID = TieRule(("id-text",))


def slow_runoff(election: Ranking) -> tuple[list[str], list[str]]:
    """Return the winner, if any, and who was eliminated, in order."""
    left = [p for p in election.options if any(p in b for b in election.ballots)]
    history: list[dict[str, int]] = []
    gone: list[str] = []
    while left:
        votes = dict.fromkeys(left, 0)
        for ballot in election.ballots:
            live = [p for p in left if p in ballot]
            if live:
                votes[min(live, key=lambda p: ballot[p])] += 1
        history.append(votes)
        best = max(left, key=lambda p: votes[p])
        if 2 * votes[best] > sum(votes.values()):
            return [best], gone
        # Fewest votes now, then in the round before, and so on; at last the end of the alphabet.
        left.sort(reverse=True)
        last = min(left, key=lambda p: [votes[p] for votes in reversed(history)])
        left.remove(last)
        gone.append(last)
    return [], gone


def test_it_agrees_with_the_slow_count() -> None:
    for seed in range(2000):
        election = some_ranking(seed)
        outcome = instant_runoff(election.profile, ties=BY_ID)
        gone = [r["eliminated"] for r in outcome.detail["rounds"] if r["eliminated"]]
        assert (winners(outcome), gone) == slow_runoff(election), seed


def test_the_last_ones_votes_move_and_the_second_can_win() -> None:
    """The textbook case: 41 for a, 33 for b, 26 for c, who prefer b."""
    outcome = instant_runoff(strict("abc", [(41, "a"), (33, "b"), (20, "cb"), (6, "c")]).profile)
    assert winners(outcome) == ["b"]
    one, two = outcome.detail["rounds"]
    assert one == {
        "votes": {"a": 41, "b": 33, "c": 26},
        "exhausted": 0,
        "majority": 51,
        "eliminated": "c",
        "elected": None,
    }
    assert two["votes"] == {"a": 41, "b": 53}
    assert (two["exhausted"], two["majority"], two["elected"]) == (6, 48, "b")


def test_a_tie_for_the_last_place_is_settled_by_the_round_before() -> None:
    # b and c have 3 each once d is out, but c had fewer before.
    election = strict("abcd", [(5, "a"), (3, "b"), (2, "c"), (1, "dc")])
    outcome = instant_runoff(election.profile, ties=BY_ID)
    assert [r["eliminated"] for r in outcome.detail["rounds"][:2]] == ["d", "c"]
    assert [(tie.projects, tie.chosen, tie.by) for tie in outcome.ties] == [
        ((1, 2), 2, "earlier-round")
    ]


def test_a_tie_from_the_beginning_is_settled_by_the_published_order() -> None:
    outcome = instant_runoff(strict("ba", [(2, "a"), (2, "b")]).profile, ties=BY_ID)
    assert winners(outcome) == ["a"]
    assert [(tie.projects, tie.chosen, tie.by) for tie in outcome.ties] == [((1, 0), 0, "id-text")]


@settings(max_examples=150, deadline=None)
@given(rankings(), st.randoms(use_true_random=False), st.integers(1, 3))
def test_order_and_repetition_do_not_matter(election: Ranking, random: Any, times: int) -> None:
    options, ballots = list(election.options), list(election.ballots * times)
    random.shuffle(options)
    random.shuffle(ballots)
    mixed = Ranking(tuple(options), tuple(ballots))
    assert winners(instant_runoff(mixed.profile)) == winners(instant_runoff(election.profile))


@settings(max_examples=150, deadline=None)
@given(rankings())
def test_whom_most_ballots_put_first_wins(election: Ranking) -> None:
    cast = [b for b in election.ballots if b]
    for option in election.options:
        if 2 * sum(min(b, key=lambda p: b[p]) == option for b in cast) > len(cast):
            assert winners(instant_runoff(election.profile)) == [option]


def test_more_than_one_seat_is_refused_and_an_empty_election_has_no_winner() -> None:
    with pytest.raises(ValueError, match="instant run-off chooses 1"):
        instant_runoff(strict("ab", [(1, "a")]).profile, 2)
    with pytest.raises(ValueError, match="same place"):
        instant_runoff(Ranking(("a", "b"), ({"a": 1, "b": 1},)).profile)
    assert winners(instant_runoff(strict("ab", [(3, "")]).profile)) == []
