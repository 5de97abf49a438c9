"""Real elections give the winners that the reference count found."""

import json
from pathlib import Path
from typing import Any

import pytest

from commonweal.engine.voting import Outcome, Profile, TieRule, equal_shares, greedy
from commonweal.engine.voting.pabulib import read_pabulib
from commonweal.engine.voting.rounds import Rounds

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


def covered() -> list[str]:
    """Return the names of the elections whose expected winners these rules can give."""
    return ["own", *sorted(path.stem for path in PACK.glob("expected/*.json") if _rules(path))]


def _rules(path: Path) -> dict[str, Any]:
    rules = json.loads(path.read_text())["rules"]
    return {name: rules[name] for name in OWN_WINNERS if name in rules}


def election(name: str, folder: Path) -> tuple[Profile, int, dict[str, list[str]]]:
    if name == "own":
        path, expected = folder / "own.pb", OWN_WINNERS
        path.write_text(OWN)
    else:
        path = next(PACK.glob(f"{name}.pb*"))
        found = _rules(PACK / f"expected/{name}.json")
        expected = {rule: entry["winners"] for rule, entry in found.items()}
    read = read_pabulib(path)
    return read.profile, read.budget, expected


def won(outcome: Outcome, *, by_shares_alone: bool = False) -> list[str]:
    return sorted(outcome.ids[outcome.shared if by_shares_alone else outcome.funded].tolist())


def ends_where_it_should(profile: Profile, budget: int) -> None:
    """Check the end of add1 on a forint election, where step by step takes millions of runs."""
    step = 10_000_00
    outcome = equal_shares(profile, budget, completion="add1", step=step, ties=BY_ID)
    lost = outcome.cost[~outcome.funded & (outcome.votes > 0)]
    assert outcome.runs > 1
    if lost.size and lost.min() <= budget - outcome.spent:
        rank = BY_ID.rank(profile)
        one_more = Rounds(
            profile.classes, profile.cost, profile.votes, rank, outcome.start + step
        ).run()
        assert profile.cost[one_more.order].sum() > budget


@pytest.mark.parametrize("name", covered())
def test_one_run_and_greedy_give_the_expected_winners(name: str, tmp_path: Path) -> None:
    profile, budget, expected = election(name, tmp_path)
    if "greedy-cost" in expected:
        assert won(greedy(profile, budget, ties=BY_ID)) == sorted(expected["greedy-cost"])
    filled = equal_shares(profile, budget, completion="greedy", ties=BY_ID)
    assert won(filled, by_shares_alone=True) == sorted(expected["mes-cost"])
    assert won(filled) == sorted(expected["mes-cost+util"])


@pytest.mark.parametrize("name", covered())
def test_add1_gives_the_expected_winners(name: str, tmp_path: Path) -> None:
    profile, budget, expected = election(name, tmp_path)
    if "mes-cost+add1" not in expected:
        ends_where_it_should(profile, budget)
        return
    outcome = equal_shares(profile, budget, completion="add1-greedy", ties=BY_ID)
    assert won(outcome, by_shares_alone=True) == sorted(expected["mes-cost+add1"])
    assert won(outcome) == sorted(expected["mes-cost+add1u"])


@pytest.mark.parametrize("name", covered())
def test_add1_until_it_overspends_gives_the_expected_winners(name: str, tmp_path: Path) -> None:
    profile, budget, expected = election(name, tmp_path)
    if "mes-cost+add1-noexhaust" in expected:
        outcome = equal_shares(profile, budget, completion="add1", stop="overspend", ties=BY_ID)
        assert won(outcome) == sorted(expected["mes-cost+add1-noexhaust"])
