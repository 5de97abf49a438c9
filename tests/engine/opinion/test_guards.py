"""Guards: crowds that act as one are found and honest people are not; headlines say whom they hang on."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.engine.opinion import (
    Clique,
    Mixture,
    Votes,
    common_ground,
    dividing_lines,
    raised,
    sensitivity,
    shares,
    simulate,
    template_kernel,
    without,
)
from commonweal.engine.opinion.shares import AGREE
from tests.engine.opinion.conversations import Entry, logs, votes_of
from tests.engine.opinion.planted import drawn, grouped, low_rank

FIRST_BOT = 1_000_000
DAY = 24 * 3_600_000


def with_crowd(
    votes: Votes,
    rng: np.random.Generator,
    accounts: int,
    *,
    of: int | None = None,
    differ: float = 0.0,
    cast: float = 1.0,
) -> Votes:
    """Add accounts that vote like one person, some of their votes turned or left out."""
    if of is None:
        of = int(np.argmax(np.diff(votes.start) >= 28))
    row = slice(votes.start[of], votes.start[of + 1])
    names = np.repeat(np.arange(FIRST_BOT, FIRST_BOT + accounts), row.stop - row.start)
    what = np.tile(votes.statements[votes.statement[row]], accounts)
    value = np.tile(votes.value[row], accounts)
    value = np.where(rng.random(len(value)) < differ, -value, value)
    keep = rng.random(len(value)) < cast
    return votes.updated(names[keep], what[keep], value[keep])


def found_in(votes: Votes, cliques: tuple[Clique, ...]) -> tuple[int, int]:
    """Return how many of the crowd, and how many others, were raised."""
    people = {int(votes.people[i]) for clique in cliques for i in clique.people}
    bots = sum(person >= FIRST_BOT for person in people)
    return bots, len(people) - bots


def large(seed: int) -> Votes:
    rng = np.random.default_rng(seed)
    made = simulate(rng, people=2000, statements=300, groups=4, answered=0.1)
    return Votes.from_log(made.person, made.statement, made.value)


def timed(votes: Votes, rng: np.random.Generator) -> Votes:
    """Say when each person came, over ten days, and vote every three seconds from then on."""
    came = rng.integers(0, 10 * DAY, len(votes.people)) + 1_600_000_000_000
    place = np.arange(len(votes)) - votes.start[votes.person]
    return Votes(
        votes.people, votes.statements, votes.start, votes.statement, votes.value,
        came[votes.person] + 3000 * place,
    )  # fmt: skip


@pytest.mark.parametrize("accounts", [5, 60])
def test_copies_are_found(accounts: int) -> None:
    rng = np.random.default_rng(1)
    for votes in (low_rank(rng, 300, 40, 1).votes, large(1)):
        more = with_crowd(votes, rng, accounts)
        found = raised(more)[0]
        assert found.kind == "copies"
        assert found_in(more, raised(more)) == (accounts, 1)
        assert found.alike == 1.0
        assert found.expected < 0.9
        assert found.chance < 1e-4
        assert found.begun is None


@pytest.mark.parametrize(("accounts", "cast"), [(30, 0.9), (150, 0.8), (500, 0.8)])
def test_near_copies_are_found_and_do_not_vouch_for_one_another(accounts: int, cast: float) -> None:
    rng = np.random.default_rng(2)
    # a crowd makes up to a fifth of all: a model of everybody would take it for a group
    votes = with_crowd(large(2), rng, accounts, differ=0.05, cast=cast)
    cliques = raised(votes)
    bots, others = found_in(votes, cliques)
    assert bots >= 0.7 * accounts
    assert others <= 3
    assert {clique.kind for clique in cliques} == {"near-copies"}
    assert 0.85 < cliques[0].alike < 1


def after_a_template(
    votes: Votes, rng: np.random.Generator, accounts: int, *, turned: float, cast: float
) -> Votes:
    """Add accounts that follow a template of 45 statements, now for and now against the many."""
    what = rng.choice(len(votes.statements), 45, replace=False)
    side = np.where(rng.random(45) < 0.65, 1, -1)
    side[votes.agrees[what] < votes.disagrees[what]] *= -1
    value = np.where(rng.random((accounts, 45)) < turned, -side, side)
    who, place = np.nonzero(rng.random((accounts, 45)) < cast)
    return votes.updated(FIRST_BOT + who, votes.statements[what[place]], value[who, place])


@pytest.mark.parametrize(
    ("accounts", "turned", "cast", "share"), [(20, 0.1, 2 / 3, 0.8), (50, 1 / 6, 0.5, 0.5)]
)
def test_who_follows_a_template_is_found_though_pairs_share_only_part_of_their_votes(
    accounts: int, turned: float, cast: float, share: float
) -> None:
    for seed in range(3):
        host = crowded(seed, 1 + seed)
        rng = np.random.default_rng(seed)
        assert raised(host) == ()
        votes = after_a_template(host, rng, accounts, turned=turned, cast=cast)
        cliques = raised(votes)
        bots, others = found_in(votes, cliques)
        assert bots >= share * accounts
        assert others <= 2
        assert {clique.kind for clique in cliques} == {"near-copies"}
        assert cliques[0].alike > cliques[0].expected
        assert cliques[0].chance < 1e-4


def crowded(seed: int, groups: int) -> Votes:
    rng = np.random.default_rng(seed)
    made = simulate(rng, people=1000, statements=200, groups=groups, answered=0.1)
    return Votes.from_log(made.person, made.statement, made.value)


def pushing(votes: Votes, rng: np.random.Generator, accounts: int, against: float) -> Votes:
    """Add accounts that cast three to seven votes, all on the same seven statements."""
    heard = np.flatnonzero(votes.agrees + votes.disagrees >= 10)
    what = rng.choice(heard, 7, replace=False)
    side = np.where(np.arange(7) < round(7 * against), -1, 1)
    side[votes.agrees[what] < votes.disagrees[what]] *= -1
    there = rng.random((accounts, 7)).argsort(axis=1) < rng.integers(3, 8, (accounts, 1))
    who, place = np.nonzero(there)
    return votes.updated(FIRST_BOT + who, votes.statements[what[place]], side[place])


@pytest.mark.parametrize(("accounts", "against"), [(10, 0.6), (20, 0.4), (50, 0.3)])
def test_who_pushes_the_same_few_statements_is_found(accounts: int, against: float) -> None:
    for seed in range(3):
        rng = np.random.default_rng(seed)
        votes = pushing(crowded(seed, 1 + seed), rng, accounts, against)
        cliques = raised(votes)
        bots, others = found_in(votes, cliques)
        assert {clique.kind for clique in cliques} == {"same-few"}
        assert bots >= 0.8 * accounts
        assert others <= 1
        assert cliques[0].alike == 1.0
        assert cliques[0].expected < 1


def test_newcomers_who_are_shown_the_same_few_and_answer_as_people_do_are_no_sign() -> None:
    for seed in range(4):
        rng = np.random.default_rng(seed)
        honest = low_rank(rng, 300, 40, 2)
        p = 1 / (1 + np.exp(-honest.odds))
        # sixty more are shown the same five, and leave; they stand where the first sixty stand
        value = np.where(rng.random((60, 5)) < p[:60, :5], 1, -1)
        votes = honest.votes.updated(
            np.repeat(np.arange(1000, 1060), 5), np.tile(np.arange(5), 60), value.ravel()
        )
        assert raised(votes) == ()


def test_a_small_like_minded_minority_is_not_raised() -> None:
    for seed in range(4):
        for size in (12, 30, 60):
            rng = np.random.default_rng(seed)
            minority = np.arange(500) < size
            odds = rng.normal(0.3, 1, 80) + minority[:, None] * rng.normal(0, 2.5, 80)
            votes = drawn(rng, odds + rng.normal(0, 0.4, (500, 1)), minority.astype(int), 0.4)
            assert raised(votes.votes) == ()


def test_one_sided_statements_are_no_sign() -> None:
    for seed in range(3):
        rng = np.random.default_rng(seed)
        odds = rng.normal(2.5, 1, 100) * np.where(rng.random(100) < 0.7, 1, -1)
        odds = odds + rng.normal(0, 0.5, (600, 1))
        assert raised(drawn(rng, odds, np.zeros(600, dtype=int), 0.3).votes) == ()


def test_a_busy_first_day_is_no_sign() -> None:
    rng = np.random.default_rng(4)
    hour, people = 3_600_000, 900
    came = np.sort(rng.exponential(2 * hour, people).astype(int))
    born = np.append(np.zeros(8, dtype=int), np.sort(rng.exponential(DAY, 92).astype(int)))
    odds = rng.normal(0.4, 1, 100) + rng.normal(0, 1, (people, 1)) * rng.normal(0, 1, 100)
    log = []
    for i in range(people):
        there = np.flatnonzero(born <= came[i])
        for place, j in enumerate(rng.permutation(there)[: rng.geometric(0.12)].tolist()):
            agrees = rng.random() < 1 / (1 + np.exp(-odds[i, j]))
            log.append(Entry(i, j, 1 if agrees else -1, int(came[i]) + 3000 * place))
    assert raised(votes_of(log)) == ()


@pytest.mark.parametrize("accounts", [10, 25])
def test_who_comes_within_minutes_for_one_statement_is_found(accounts: int) -> None:
    for seed in range(3):
        rng = np.random.default_rng(seed)
        votes = timed(low_rank(rng, 300, 40, 1).votes, rng)
        came = 1_600_000_000_000 + 4 * DAY + rng.integers(0, 5 * 60_000, accounts)
        more = votes.updated(
            np.arange(FIRST_BOT, FIRST_BOT + accounts), [7] * accounts, [-1] * accounts, moment=came
        )
        cliques = raised(more)
        assert [clique.kind for clique in cliques] == ["burst"]
        assert found_in(more, cliques) == (accounts, 0)
        spread = more.moment.copy()
        spread[np.isin(more.people[more.person], np.arange(FIRST_BOT, FIRST_BOT + accounts))] += (
            rng.integers(0, 4 * DAY, accounts)
        )
        assert raised(more, times=spread) == ()


def test_what_is_shown_first_to_all_who_come_within_minutes_is_no_sign() -> None:
    rng = np.random.default_rng(6)
    votes = timed(low_rank(rng, 300, 40, 1).votes, rng)
    came = 1_600_000_000_000 + 4 * DAY + rng.integers(0, 9 * 60_000, 60)
    # a quarter leave after the first statement, and most of those agree with it
    person, what = np.nonzero(np.arange(6) < np.where(np.arange(60) < 15, 1, 6)[:, None])
    value = np.where((what == 0) & (rng.random(len(what)) < 0.8), 1, rng.choice([-1, 1], len(what)))
    more = votes.updated(FIRST_BOT + person, what, value, moment=came[person] + 3000 * what)
    assert raised(more) == ()


@given(st.data())
@settings(deadline=None)
def test_nobody_in_a_crowd_vouches_for_themselves(data: st.DataObject) -> None:
    log = data.draw(logs)
    votes = votes_of(log, timed=False)
    people, width = len(votes.people), len(votes.statements)
    chance = np.full(len(votes), 0.5, dtype=np.float32)
    crowd = np.flatnonzero([data.draw(st.booleans()) for _ in range(people)])
    loops = template_kernel.compiled()

    def held_against(crowd: Any, members: Any) -> Any:
        count, usual = np.zeros((width, 2)), np.zeros(width)
        inside = np.zeros(people, dtype=np.bool_)
        inside[members] = True
        told, said = np.empty(people), np.empty(people, dtype=np.int64)
        loops.counted(votes.start, votes.statement, votes.value, chance, crowd, count, usual)
        loops.followed(
            votes.start, votes.statement, votes.value, chance, inside, count, usual, 1, 0.1, told,
            said,
        )  # fmt: skip
        return told

    together = held_against(crowd, crowd)
    for i in crowd.tolist():
        others = crowd[crowd != i]
        alone = held_against(others, others)[i]
        # what none of the others voted on says nothing
        np.testing.assert_allclose(together[i], alone, atol=1e-9)


def test_honest_people_are_not_raised_even_where_they_think_alike() -> None:
    for seed in range(4):
        rng = np.random.default_rng(seed)
        assert raised(timed(low_rank(rng, 500, 30, 1).votes, rng)) == ()
        assert raised(timed(grouped(rng, 2, people=400, statements=60).votes, rng)) == ()
        assert raised(timed(grouped(rng, 5, people=800, answered=0.9).votes, rng)) == ()
        assert raised(timed(large(seed), rng)) == ()
    everybody = Votes.from_log(
        np.repeat(np.arange(100), 20), np.tile(np.arange(20), 100), np.ones(2000, dtype=int)
    )
    assert raised(everybody) == ()
    passing = Votes.from_log(
        np.repeat(np.arange(100), 20), np.tile(np.arange(20), 100), np.zeros(2000, dtype=int)
    )
    assert raised(passing) == ()


@pytest.mark.parametrize(("accounts", "each"), [(60, 1), (30, 4), (15, 8)])
def test_many_new_accounts_of_one_mind_within_minutes_are_found(accounts: int, each: int) -> None:
    rng = np.random.default_rng(accounts)
    votes = timed(low_rank(rng, 300, 40, 1).votes, rng)
    assert raised(votes) == ()
    begin = 1_600_000_000_000 + 4 * DAY
    came = np.sort(rng.integers(0, 5 * 60_000, accounts)) + begin
    more = votes.updated(
        np.repeat(np.arange(FIRST_BOT, FIRST_BOT + accounts), each),
        np.tile(np.arange(each), accounts),
        np.tile(rng.choice([-1, 1], each), accounts),
        moment=np.repeat(came, each),
    )
    cliques = [clique for clique in raised(more) if clique.kind == "burst"]
    assert len(cliques) == 1
    bots, others = found_in(more, tuple(cliques))
    assert bots == accounts
    assert others <= 1
    assert cliques[0].begun is not None
    assert cliques[0].ended is not None
    assert 0 <= cliques[0].begun - begin <= cliques[0].ended - begin <= 5 * 60_000
    without_times = Votes(more.people, more.statements, more.start, more.statement, more.value)
    assert [c for c in raised(without_times) if c.kind == "burst"] == []
    again = raised(without_times, times=more.moment)
    assert [c.people for c in again] == [c.people for c in raised(more)]


def test_a_class_that_comes_together_but_disagrees_is_no_burst() -> None:
    rng = np.random.default_rng(5)
    votes = timed(low_rank(rng, 300, 40, 1).votes, rng)
    came = 1_600_000_000_000 + 4 * DAY + rng.integers(0, 5 * 60_000, 80)
    more = votes.updated(
        np.repeat(np.arange(FIRST_BOT, FIRST_BOT + 80), 6),
        rng.integers(0, 40, 480),
        rng.choice([-1, 1, 1], 480),
        moment=np.repeat(came, 6),
    )
    assert raised(more) == ()


def test_the_same_votes_raise_the_same_in_any_order() -> None:
    rng = np.random.default_rng(6)
    votes = with_crowd(large(3), rng, 40, differ=0.05)
    votes = pushing(after_a_template(votes, rng, 30, turned=0.1, cast=0.7), rng, 0, 0.5)
    order = rng.permutation(len(votes))
    mixed = Votes.from_log(
        votes.people[votes.person][order],
        votes.statements[votes.statement][order],
        votes.value[order],
    )
    assert raised(mixed) == raised(votes)


def test_times_must_fit() -> None:
    with pytest.raises(ValueError, match="times has shape"):
        raised(Votes.from_log([1, 2], [1, 1], [1, 1]), times=[5])


@given(logs)
@settings(deadline=None)
def test_whatever_the_votes_nobody_is_named_twice(log: list[Entry]) -> None:
    votes = votes_of(log)
    for clique in raised(votes):
        assert len(set(clique.people)) == len(clique.people) >= 3
        assert 0 <= clique.chance < 1


def test_a_headline_that_hangs_on_a_crowd_is_told() -> None:
    rng = np.random.default_rng(2)
    honest = low_rank(rng, 100, 40, 0, answered=0.6).votes
    split = honest.updated(range(40), [99] * 40, [1, -1] * 20)
    # a crowd agrees with statement 99, and otherwise votes like person 3
    votes = with_crowd(split.updated([3], [99], [1]), rng, 30, of=3)
    cliques = raised(votes)
    assert len(cliques) == 1
    place = votes.statements.tolist().index(99)
    told = without(votes, np.array(cliques[0].people))
    assert told.turned[place]
    assert told.moved[place] < -0.1
    assert abs(told.estimate[place] - 0.5) < 0.05
    allowed = np.ones(len(votes.statements), dtype=bool)
    everybody = shares(votes)
    hangs = sensitivity(
        votes, cliques, common_ground=common_ground(everybody, allowed, most=99),
        dividing=dividing_lines(everybody, allowed), allowed=allowed,
    )  # fmt: skip
    by_clique = {(h.clique, h.headline, h.statement): h for h in hangs}
    one = by_clique[(0, "common_ground", place)]
    assert not one.stands
    assert one.low < 0.5
    assert abs(one.estimate - told.estimate[place]) < 1e-9
    assert by_clique[(-1, "common_ground", place)] == replace(one, clique=-1)
    assert any(h.stands for h in hangs)


def test_a_group_that_is_nothing_but_a_crowd_is_not_asked_without_it() -> None:
    rng = np.random.default_rng(3)
    votes = grouped(rng, 2, people=200, statements=30, answered=0.8)
    group = votes.group.copy()
    group[:40] = 2  # these forty are the crowd, and a group of their own
    member = np.eye(3)[group[votes.votes.people]]
    mixture = Mixture(member, np.full((30, 3), 0.5), np.full(3, 1 / 3), 0.0)
    allowed = np.ones(30, dtype=bool)
    split = shares(votes.votes, mixture)
    crowd = Clique("copies", tuple(range(40)), 900, 20.0, 1.0, 0.5, 0.0)
    told = sensitivity(
        votes.votes, [crowd], common_ground=common_ground(split, allowed),
        dividing=dividing_lines(split, allowed), allowed=allowed, mixture=mixture,
    )  # fmt: skip
    assert told
    assert all(np.isfinite([h.estimate, h.low, h.high]).all() for h in told)
    assert any(h.stands for h in told)
    assert sensitivity(votes.votes, [], common_ground=(), dividing=(), allowed=allowed) == ()


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
