"""Real elections give the winners that the reference count found."""

import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from commonweal.engine.voting.equal_shares import equal_shares
from commonweal.engine.voting.greedy import greedy
from commonweal.engine.voting.outcome import Outcome
from commonweal.engine.voting.pabulib import Election, read_pabulib
from commonweal.engine.voting.phragmen import phragmen
from commonweal.engine.voting.rounds import Electorate, Rounds
from commonweal.engine.voting.ties import TieRule

PACK = Path(__file__).resolve().parents[2].parent / "shared/data/pabulib"
BY_ID = TieRule(("id-text",))
# The same few lines as the pack, so that this module proves something without it too.
OWN = """META
key;value
num_projects;4
num_votes;5
budget;100
vote_type;approval
PROJECTS
project_id;cost
a;49
b;50
c;40
d;11
VOTES
voter_id;vote
1;a,b
2;a,b
3;a,b
4;c
5;c,d
"""
OWN_WINNERS = {
    "greedy-cost": ["a", "b"],
    "mes-cost": ["a", "c"],
    "mes-cost+util": ["a", "c", "d"],
    "mes-cost+add1": ["a", "c", "d"],
    "mes-cost+add1u": ["a", "c", "d"],
    "mes-cost+add1-noexhaust": ["a", "c", "d"],
}
SATISFACTION = {"cost": "cost", "card": "cardinality", "points": "points", "borda": "borda"}
GREEDY = {"cost": "votes", "card": "votes-per-cost"}
COMPLETION = {
    "": ("none", "exhaustive"),
    "util": ("greedy", "exhaustive"),
    "add1": ("add1", "exhaustive"),
    "add1u": ("add1-greedy", "exhaustive"),
    "add1-noexhaust": ("add1", "overspend"),
}


def counted(rule: str) -> Callable[[Election], Outcome]:
    """Return the count that the pack's name of a rule stands for."""
    kind, _, rest = rule.partition("-")
    if kind == "phragmen":
        return lambda e: phragmen(e.profile, e.budget, ties=BY_ID)
    name, _, end = rest.partition("+")
    worth = SATISFACTION[name]
    if kind == "greedy":
        measure = GREEDY.get(name, "score-per-cost")
        return lambda e: greedy(
            e.profile, e.budget, measure=measure, satisfaction=worth, ties=BY_ID
        )
    completion, stop = COMPLETION[end]
    return lambda e: equal_shares(
        e.profile, e.budget, satisfaction=worth, completion=completion, stop=stop, ties=BY_ID
    )


def expected() -> dict[str, dict[str, list[str]]]:
    """Return the winners under each rule of each election."""
    found = {"own": OWN_WINNERS}
    for path in sorted(PACK.glob("expected/*.json")):
        rules = json.loads(path.read_text())["rules"]
        found[path.stem] = {rule: entry["winners"] for rule, entry in rules.items()}
    return found


EXPECTED = expected()


@pytest.mark.parametrize("name", EXPECTED)
def test_every_rule_gives_the_expected_winners(name: str, tmp_path: Path) -> None:
    if name == "own":
        (tmp_path / "own.pb").write_text(OWN)
    path = tmp_path / "own.pb" if name == "own" else next(PACK.glob(f"{name}.pb*"))
    election = read_pabulib(path)
    for rule, winners in EXPECTED[name].items():
        outcome = counted(rule)(election)
        assert sorted(outcome.ids[outcome.funded].tolist()) == sorted(winners), rule
        assert outcome.spent <= election.budget


@pytest.mark.parametrize("path", sorted(PACK.glob("Hungary*")), ids=lambda path: path.stem)
def test_a_forint_election_ends_at_the_first_overspend(path: Path) -> None:
    election = read_pabulib(path)
    outcome = equal_shares(election.profile, election.budget, completion="add1", ties=BY_ID)
    steps = (outcome.start - Fraction(election.budget, election.profile.voters)) / 100
    assert steps.denominator == 1
    assert outcome.runs < steps / 10
    rounds = Rounds(Electorate(election.profile, "cost", BY_ID))
    last, one_more = rounds.run(outcome.start), rounds.run(outcome.start + 100)
    assert np.array_equal(outcome.order, last.order)
    assert last.spent <= election.budget
    lost = outcome.cost[~outcome.funded & (outcome.votes > 0)]
    assert one_more.spent > election.budget or lost.min() > election.budget - last.spent
