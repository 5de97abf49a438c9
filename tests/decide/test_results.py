"""The page of a result: every kind and rule, and no small number that any sum would give away."""

from __future__ import annotations

import csv
import io
import random
import subprocess
from collections.abc import Callable, Sequence
from datetime import timedelta
from hashlib import sha256
from typing import Any

import numpy as np
import pytest
from django.test import Client
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st

from commonweal.decide.ballots.models import Ballot, Channel, Roll
from commonweal.decide.budgets.models import WITHOUT_MARKS, BallotKind, Pot, Rule
from commonweal.decide.counts import actions as counts
from commonweal.decide.counts import queries
from tests.decide.conftest import numbers
from tests.decide.crowd import vote_for
from tests.factories import world


def at(name: str, pot: Pot) -> str:
    return reverse(f"counts:{name}", args=[pot.pk])


def put(pot: Pot, choices: Sequence[Sequence[int]], marks: Sequence[Sequence[int]] = ()) -> None:
    """Put one ballot for each choice into the box, under no name."""
    before = Ballot.objects.filter(pot=pot).count()
    Ballot.objects.bulk_create(
        Ballot(
            pot=pot,
            envelope=(before + n).to_bytes(32),
            projects=list(chosen),
            marks=list(marks[n]) if marks else [1] * len(chosen),
        )
        for n, chosen in enumerate(choices)
    )


@pytest.fixture
def ended(challenge, now) -> Callable[..., Pot]:
    """Return a function that makes a pot which has closed."""

    def make(**given: Any) -> Pot:
        past = {"opens_at": now - timedelta(days=9), "closes_at": now - timedelta(days=1)}
        return world.a_pot(challenge, **{**past, **given})

    return make


def count(pot: Pot) -> Pot:
    return counts.count_closed_pot(pot_id=pot.pk, at=pot.closes_at)


# --- every kind, rule and turnout has a page, a table and an answer for programs

KINDS = [
    (kind, rule)
    for kind in BallotKind.values
    for rule in Rule.values
    if rule != Rule.PHRAGMEN or kind in WITHOUT_MARKS
]


@pytest.mark.parametrize(("kind", "rule"), KINDS)
@pytest.mark.parametrize(
    ("voters", "paper"), [(0, False), (1, False), (2, True), (5, False), (40, True)]
)
def test_every_result_has_its_page_its_table_and_its_answer(
    ended, client: Client, visit, kind: str, rule: str, voters: int, paper: bool
) -> None:
    one = {"fewest": 1, "most": 1} if kind == BallotKind.CHOOSE_ONE else {}
    pot = ended(ballot_kind=kind, rule=rule, costs=(20_000_00, 40_000_00, 50_000_00), **one)
    ids, draw = numbers(pot), random.Random(voters)
    for channel in (Channel.ONLINE, Channel.PAPER) if paper else (Channel.ONLINE,):
        chosen = [
            draw.sample(ids, 1 if kind == BallotKind.CHOOSE_ONE else draw.randint(1, 3))
            for _voter in range(voters)
        ]
        given = {
            BallotKind.RANKED: [list(range(1, len(mine) + 1)) for mine in chosen],
            BallotKind.POINTS: [[draw.randint(1, 3) for _ in mine] for mine in chosen],
            BallotKind.SCORES: [[draw.randint(1, 5) for _ in mine] for mine in chosen],
        }.get(BallotKind(kind), [])
        put(pot, chosen, given)
        Roll.objects.bulk_create(Roll(pot=pot, channel=channel) for _voter in range(voters))
    pot = count(pot)
    total = voters * (1 + paper)
    assert pot.result is not None
    assert pot.result["voters"] == total
    page = visit(at("result", pot))
    visit(at("check", pot))
    rows = list(csv.DictReader(io.StringIO(client.get(at("table", pot)).content.decode())))
    answer = client.get(f"/api/pots/{pot.pk}/result")
    assert answer.status_code == 200
    told = answer.json()
    assert len(rows) == len(told["projects"]) == 3
    for line, row in zip(told["projects"], rows, strict=True):
        votes = next(one["votes"] for one in pot.result["projects"] if one["id"] == line["id"])
        assert votes == 0 or votes >= 5 or (line["votes"] is None and row["votes"] == "")
    if total < 5:
        assert told["voters"] in (0, None)
        assert "On paper" not in page.text
    else:
        assert f"{total} people voted" in page.text
    scored = kind in (BallotKind.RANKED, BallotKind.POINTS, BallotKind.SCORES)
    assert (
        "points in all" not in page.text
        if not scored
        else total < 40 or "points in all" in page.text
    )
    assert (total == 0) is ("Nobody voted. So nothing is funded." in page.text)


def test_what_weighs_is_told_where_ballots_give_points(ended, visit, client: Client) -> None:
    """Fewer people chose the winner; without their points nobody could see why it won."""
    pot = ended(
        pence=10_000_00,
        costs=(10_000_00, 10_000_00),
        ballot_kind=BallotKind.POINTS,
        rule=Rule.GREEDY,
    )
    first, second = numbers(pot)
    put(pot, [[first]] * 6 + [[second]] * 9, [[9]] * 6 + [[1]] * 9)
    page = visit(at("result", count(pot)))
    won, lost = page.text.index("54 points in all"), page.text.index("9 points in all")
    assert won < lost
    assert "The project with most points gets its money first" in page.text
    told = client.get(f"/api/pots/{pot.pk}/result").json()["projects"]
    assert [(line["votes"], line["score"]) for line in told] == [(6, 54), (9, 9)]


def test_a_place_gives_as_many_points_as_ideas_stand_below_it(ended) -> None:
    pot = ended(ballot_kind=BallotKind.RANKED, costs=(1_00, 1_00, 1_00))
    first, second, third = numbers(pot)
    put(pot, [[first, second]] * 6 + [[third, first, second]] * 5, [[1, 2]] * 6 + [[1, 2, 3]] * 5)
    scores = {line["id"]: line["score"] for line in count(pot).result["projects"]}
    assert scores == {first: 6 * 2 + 5 * 1, second: 6 * 1, third: 5 * 2}


def test_nothing_affordable_is_said_with_why(ended, visit) -> None:
    pot = ended(pence=10_000_00, costs=(30_000_00, 50_000_00))
    put(pot, [numbers(pot)] * 12)
    page = visit(at("result", count(pot)))
    assert "Nothing was funded." in page.text
    assert page.text.count("it costs more than the whole pot") == 2
    assert "£0 of £10,000 is spent. £10,000 is left." in page.text


def test_how_few_missed_the_quorum_is_not_told(ended, visit) -> None:
    pot = ended(quorum=3_000)
    put(pot, [numbers(pot)] * 3)
    page = visit(at("result", count(pot)))
    assert "Fewer than 5 people voted, and 3,000 were needed." in page.text
    assert "3 people" not in page.text


# --- ties


def test_a_tie_is_told_and_anyone_draws_the_lot_again(ended, visit, client: Client) -> None:
    pot = ended(pence=10_000_00, costs=(10_000_00,) * 3, lot_seed="spring 2027", rule=Rule.GREEDY)
    put(pot, [numbers(pot)] * 7)
    page = visit(at("result", count(pot)))
    command = next(line for line in page.html.split("\n") if "| sha256sum" in line)
    command = command.partition("printf ")[2].partition("</code>")[0].replace("&#x27;", "'")
    said = subprocess.run(f"printf {command}", shell=True, capture_output=True, text=True).stdout
    winner = pot.projects.get(is_funded=True)
    assert f"“{winner.title}” went first: its lot was the lowest." in page.text
    assert f"spring 2027:{winner.pk}" in command
    assert said[:12] in page.text
    assert len(said.split()[0]) == 64
    for project in pot.projects.exclude(pk=winner.pk):
        assert (
            project.title in page.text.partition("Level with it:")[2].partition("Draw the lots")[0]
        )
    tie = client.get(f"/api/pots/{pot.pk}/result").json()["ties"][0]
    drawn = sorted(numbers(pot), key=lambda n: sha256(f"spring 2027:{n}".encode()).hexdigest())
    assert tie == {"projects": drawn, "chosen": drawn[0], "by": "lot"}
    assert drawn[0] == winner.pk


def test_a_cheaper_idea_goes_first_and_it_is_said(ended, visit) -> None:
    pot = ended(pence=10_000_00, costs=(10_000_00, 9_000_00), rule=Rule.GREEDY)
    put(pot, [numbers(pot)] * 7)
    page = visit(at("result", count(pot)))
    cheap = pot.projects.get(cost_pence=9_000_00)
    assert f"“{cheap.title}” went first: it costs less." in page.text
    assert "Draw the lots again" not in page.text


def test_a_count_without_ties_does_not_speak_of_them(ended, visit) -> None:
    pot = ended(rule=Rule.GREEDY, costs=(10_000_00, 20_000_00))
    first, second = numbers(pot)
    put(pot, [[first, second]] * 6 + [[first]])
    assert "exactly level" not in visit(at("result", count(pot))).text


# --- small numbers


def test_where_each_chooses_one_the_sum_does_not_tell_how_few(ended, visit, client: Client) -> None:
    """Thirty voted, and twenty and seven chose two of three ideas: the third got what is missing."""
    pot = ended(ballot_kind=BallotKind.CHOOSE_ONE, fewest=1, most=1)
    first, second, third = numbers(pot)
    put(pot, [[first]] * 20 + [[second]] * 7 + [[third]] * 3)
    pot = count(pot)
    told = client.get(f"/api/pots/{pot.pk}/result").json()
    votes = {line["id"]: line["votes"] for line in told["projects"]}
    assert votes == {first: 20, second: None, third: None}
    rows = list(csv.DictReader(io.StringIO(client.get(at("table", pot)).content.decode())))
    assert {int(row["project"]): row["votes"] for row in rows} == {
        first: "20",
        second: "",
        third: "",
    }
    page = visit(at("result", pot))
    assert "its number would tell how few chose another idea" in page.text
    assert "7 supporters" not in page.text and "7 people" not in page.text


def test_where_ballots_stay_out_the_simple_rule_is_still_compared(ended, visit) -> None:
    pot = ended(pence=100_00, costs=(90_00, 50_00, 1_00))
    first, second, third = numbers(pot)
    put(pot, [[first]] * 12 + [[second]] * 10 + [[third]] * 2)
    pot = count(pot)
    page = visit(at("result", pot))
    assert "so we show no averages" in page.text
    section = page.text.partition("If the highest totals had simply won")[2]
    assert pot.projects.get(pk=first).title in section
    assert str(pot.result["chosen"]["mean"]) not in page.text


def test_a_hidden_step_is_not_told_in_words_either(ended, visit) -> None:
    """Seven chose nothing that won, and two chose both: the one number hides the other."""
    pot = ended(rule=Rule.GREEDY, pence=50_00, costs=(10_00, 20_00, 60_00))
    first, second, third = numbers(pot)
    put(pot, [[first]] * 11 + [[second]] * 10 + [[third]] * 7 + [[first, second]] * 2)
    page = visit(at("result", count(pot)))
    assert "7 of 30" not in page.text
    assert "Some voters chose nothing that was funded; how many is hidden." in page.text


def follows(target: Any, equations: Any) -> bool:
    """Tell whether a sum of cells can be worked out from sums that are known."""
    rank = np.linalg.matrix_rank(np.array(equations))
    return bool(np.linalg.matrix_rank(np.array([*equations, target])) == rank)


@given(
    nameless=st.lists(st.integers(1, 12), max_size=4),
    named=st.lists(st.integers(1, 12), max_size=2),
    draw=st.randoms(use_true_random=False),
    parts=st.integers(1, 4),
    all_belong=st.booleans(),
)
@settings(deadline=None)
def test_no_small_number_follows_from_what_is_told_of_the_turnout(
    nameless: list[int], named: list[int], draw: random.Random, parts: int, all_belong: bool
) -> None:
    """Whoever adds and subtracts all published numbers, of ways and of parts, finds none that is small.

    They also know which ways need an account, and may know that everybody belongs to some part.
    """
    cells = [0] * (parts + 1)
    for _person in range(sum(named)):
        cells[draw.randrange(parts + (not all_belong))] += 1
    *inside, elsewhere = cells
    ways = [{"voters": n, "named": 0} for n in nameless] + [
        {"voters": n, "named": n} for n in named
    ]
    if sum(nameless) + sum(named) < 5 or not ways:
        return  # then nothing of it is told
    hidden_ways, hidden_parts = queries._hidden(ways, [{"voters": n} for n in inside])
    one = np.eye(len(ways) + len(cells))  # the ways, the parts, and who is of none
    no_account = one[: len(nameless)].sum(axis=0)
    accounts = one[len(nameless) : len(ways)].sum(axis=0)
    equations = [accounts + no_account, one[len(ways) :].sum(axis=0) - accounts]
    equations += [one[-1]] * (elsewhere == 0)
    equations += [one[n] for n, is_hidden in enumerate(hidden_ways) if not is_hidden]
    equations += [
        one[len(ways) + n] for n, is_hidden in enumerate(hidden_parts[:-1]) if not is_hidden
    ]
    equations += [] if hidden_parts[-1] else [one[-1] + no_account]
    for n, number in enumerate([*nameless, *named, *cells]):
        assert not (0 < number < 5 and follows(one[n], equations))


def test_who_is_elsewhere_does_not_follow_from_the_papers(
    ended, authority, community, visit
) -> None:
    """Fourteen of no part of the place, twelve on paper: two with an account live elsewhere."""
    pot = ended()
    north, south = (world.a_community(authority, community) for _n in range(2))
    for place, many in ((north, 15), (south, 13), (community, 2)):
        for _voter in range(many):
            Roll.objects.create(pot=pot, person=world.a_person(place))
    Roll.objects.bulk_create(Roll(pot=pot, channel=Channel.PAPER) for _voter in range(12))
    put(pot, [numbers(pot)] * 42)
    told = count(pot).result["turnout"]
    assert {row["part"]: row["voters"] for row in told["parts"]} == {
        north.pk: 15, south.pk: None, None: None,
    }  # fmt: skip
    assert {row["channel"]: row["voters"] for row in told["channels"]} == {
        "online": 30,
        "paper": 12,
    }


# --- who is told


def test_the_page_says_whom_we_cannot_write_to(ended, community, visit) -> None:
    pot = ended()
    vote_for(pot, community, 6)
    page = visit(at("result", count(pot)))
    assert "who voted with a code, on paper or by telephone, we keep no address" in page.text
