"""The slow tally that strangers run: it agrees with the fast one, and with the published winners."""

import ast
import gzip
import json
import subprocess
import sys
from argparse import Namespace
from fractions import Fraction
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from commonweal.engine.voting import COMPLETIONS, STOPS, Profile, TieRule, equal_shares, reference
from commonweal.engine.voting.greedy import FILL_MEASURES, MEASURES, MISFITS, greedy
from commonweal.engine.voting.phragmen import phragmen

PACK = Path(__file__).resolve().parents[2].parent / "shared/data/pabulib"
CHAINS = ("cheapest,most-votes,lot:spring", "id-text", "most-votes", "lot:7", "cheapest")
SATISFACTIONS = tuple(FILL_MEASURES)
USUAL = {name: choices[0] for name, choices in reference.CHOICES.items()}


def count(election: reference.Election, **options: Any) -> reference.Count:
    usual = USUAL | {"step": Fraction(1), "ties": "cheapest,most-votes,lot"}
    return reference.Count(election, Namespace(**usual | options))


def some_election(seed: int, gives: str) -> reference.Election:
    """Make a small election with many ties: few costs, few levels of points, alike ballots."""
    random = np.random.default_rng(seed)
    projects, voters = int(random.integers(1, 7)), int(random.integers(1, 9))
    dearest = int(random.choice([2, 3, 12, 100]))
    cost = {str(p): Fraction(int(random.integers(0, dearest + 1))) for p in range(7, 7 + projects)}
    ballots = []
    for _ in range(voters):
        listed = [p for p in random.permutation(list(cost)) if random.random() < 0.5]
        said = random.integers(0, 4, len(listed)) if gives == "points" else range(1, 9)
        ballots.append(dict(zip(map(str, listed), (Fraction(int(n)) for n in said), strict=False)))
    if random.random() < 0.3:
        ballots *= 2
    budget = Fraction(int(random.integers(1, 2 * dearest + 2)))
    return budget, cost, ballots, gives


def profile_of(election: reference.Election) -> Profile:
    _, cost, ballots, gives = election
    marks = [(p, v, int(value)) for v, b in enumerate(ballots) for p, value in b.items()]
    return Profile.from_pairs(
        np.array(list(cost), dtype=object),
        [int(price) for price in cost.values()],
        project=np.array([p for p, _, _ in marks], dtype=object),
        ballot=[v for _, v, _ in marks],
        voters=len(ballots),
        value=np.array([n for _, _, n in marks], dtype=np.int64) if gives else None,
    )


def names(outcome: Any) -> list[str]:
    return [str(name) for name in outcome.ids[outcome.order]]


def given_by(satisfaction: str) -> str:
    return {"points": "points", "borda": "places", "borda-all": "places"}.get(satisfaction, "")


@pytest.mark.parametrize("satisfaction", SATISFACTIONS)
def test_greedy_agrees_with_it(satisfaction: str) -> None:
    for seed, (measure, misfit) in enumerate([*product(MEASURES, MISFITS)] * 60):
        if measure.startswith("votes") and satisfaction != "cost":
            continue
        election = some_election(seed, given_by(satisfaction))
        ties = CHAINS[seed % len(CHAINS)]
        how = {"satisfaction": satisfaction, "measure": measure, "misfit": misfit}
        fast = greedy(profile_of(election), int(election[0]), ties=TieRule.parse(ties), **how)
        assert names(fast) == count(election, rule="greedy", ties=ties, **how).greedy(), seed


@pytest.mark.parametrize("satisfaction", SATISFACTIONS)
def test_equal_shares_agrees_with_it(satisfaction: str) -> None:
    ways = product(COMPLETIONS, STOPS, ("exact", "whole"))
    for seed, (completion, stop, start) in enumerate([*ways] * 25):
        election = some_election(seed, given_by(satisfaction))
        ties = CHAINS[seed % len(CHAINS)]
        how = {"satisfaction": satisfaction, "completion": completion, "stop": stop, "start": start}
        step = 1 + seed % 2
        fast = equal_shares(
            profile_of(election),
            int(election[0]),
            ties=TieRule.parse(ties),
            step=step,
            unit=1,
            **how,
        )
        slow = count(election, ties=ties, step=Fraction(step), **how).equal_shares()
        assert names(fast) == slow, (seed, how)


@pytest.mark.parametrize("misfit", MISFITS)
def test_phragmen_agrees_with_it(misfit: str) -> None:
    for seed in range(600):
        election, ties = some_election(seed, ""), CHAINS[seed % len(CHAINS)]
        fast = phragmen(
            profile_of(election), int(election[0]), misfit=misfit, ties=TieRule.parse(ties)
        )
        assert names(fast) == count(election, misfit=misfit, ties=ties).phragmen(), seed


RULES: dict[str, dict[str, str]] = {
    "greedy-cost": {"rule": "greedy"},
    "greedy-card": {"rule": "greedy", "satisfaction": "cardinality"},
    "greedy-points": {"rule": "greedy", "satisfaction": "points"},
    "greedy-borda": {"rule": "greedy", "satisfaction": "borda"},
    "mes-cost": {},
    "mes-cost+util": {"completion": "greedy"},
    "mes-cost+add1": {"completion": "add1"},
    "mes-cost+add1u": {"completion": "add1-greedy"},
    "mes-cost+add1-noexhaust": {"completion": "add1", "stop": "overspend"},
    "mes-card": {"satisfaction": "cardinality"},
    "mes-card+add1u": {"satisfaction": "cardinality", "completion": "add1-greedy"},
    "mes-points": {"satisfaction": "points"},
    "mes-points+add1u": {"satisfaction": "points", "completion": "add1-greedy"},
    "mes-borda": {"satisfaction": "borda"},
    "mes-borda+add1u": {"satisfaction": "borda", "completion": "add1-greedy"},
    "phragmen": {"rule": "phragmen"},
}
# It agrees on add1 in the others too, but hundreds of runs in fractions take it minutes.
FEW_RUNS = ("Poland_Warszawa_2019_Aleksandrow",)


def small_files() -> list[str]:
    paths = PACK.glob("expected/*.json")
    return sorted(p.stem for p in paths if json.loads(p.read_text())["voters"] <= 600)


@pytest.mark.parametrize("name", small_files())
def test_it_finds_the_published_winners_of_small_real_elections(name: str) -> None:
    published = json.loads((PACK / f"expected/{name}.json").read_text())["rules"]
    election = reference.read(str(next(PACK.glob(f"{name}.pb*"))))
    assert set(published) <= set(RULES)
    for rule in sorted(rule for rule in published if "add1" not in rule or name in FEW_RUNS):
        counted = count(election, ties="id-text", **RULES[rule])
        kind = RULES[rule].get("rule", "equal-shares").replace("-", "_")
        assert sorted(getattr(counted, kind)()) == sorted(published[rule]["winners"]), rule


OWN = """META
key;value
budget;100
vote_type;cumulative
num_projects;3
num_votes;3
PROJECTS
project_id;name;cost
a;"Swings; and a slide";60,50
b;;40
c;;39.50
VOTES
voter_id;vote;points
1;a,b;1,4
2;a, c;3,2
3;;
"""


def test_it_runs_alone_from_a_gzipped_file_and_prints_the_winners(tmp_path: Path) -> None:
    (tmp_path / "tally.py").write_bytes(Path(reference.__file__).read_bytes())
    (tmp_path / "own.pb.gz").write_bytes(gzip.compress(b"\xef\xbb\xbf" + OWN.encode()))
    command = [sys.executable, "-I", "tally.py", "own.pb.gz", "--satisfaction", "points"]

    def winners(*more: str) -> list[str]:
        done = subprocess.run([*command, *more], cwd=tmp_path, capture_output=True, check=True)
        return done.stdout.decode().split()

    assert winners("--rule", "greedy") == ["b", "c"]
    assert winners() == ["a"]
    assert winners("--completion", "greedy") == ["a", "c"]
    assert winners("--completion", "add1-greedy") == ["b", "c"]
    assert winners("--rule", "phragmen", "--ties", "id-text") == ["a", "c"]


def test_it_says_so_when_ballots_do_not_give_what_a_satisfaction_needs() -> None:
    with pytest.raises(ValueError, match="do not say what borda needs"):
        count(some_election(4, "points"), satisfaction="borda")


def test_it_is_short_and_needs_nothing_but_python() -> None:
    source = Path(reference.__file__).read_text()
    assert len(source.splitlines()) < 200
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            assert {name.name for name in node.names} <= set(sys.stdlib_module_names)
        if isinstance(node, ast.ImportFrom):
            assert str(node.module).split(".")[0] in sys.stdlib_module_names
