"""Every rule at the command line: with ballots that suit it, and with ballots that don't."""

import json
from pathlib import Path

import pytest

from commonweal.cli.tally import RULES
from commonweal.engine.voting.rule import KNOWN
from tests.cli.test_tally import OWN, tally

POINTS = (
    OWN.replace("approval", "cumulative")
    .replace("voter_id;vote\n", "voter_id;vote;points\n")
    .replace("1;a,b,e", "1;a,b,e;4,4,2")
    .replace("2;a,b", "2;a,b;5,5")
    .replace("3;a,b", "3;a,b;9,1")
    .replace("4;c", "4;c;10")
    .replace("5;c,d", "5;c,d;5,5")
    .replace("6;a", "6;a;10")
)
FILES = {"approval": OWN, "ordinal": OWN.replace("approval", "ordinal"), "points": POINTS}
FILES["knapsack"] = OWN.replace("1;a,b,e", "1;a,b")  # each ballot within the budget
SUITS = {
    "transfers": "points",
    "quadratic": "points",
    "cumulative": "points",
    "instant-runoff": "ordinal",
    "scottish-stv": "ordinal",
    "plurality": "ordinal",
    "knapsack": "knapsack",
}


@pytest.fixture
def street(tmp_path: Path) -> Path:
    for kind, content in FILES.items():
        (tmp_path / f"{kind}.pb").write_text(content)
    return tmp_path


def test_the_command_knows_the_rules_that_the_engine_knows() -> None:
    assert list(RULES) == list(KNOWN)


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_counts_ballots_that_suit_it(rule: str, street: Path) -> None:
    path = street / f"{SUITS.get(rule, 'approval')}.pb"
    seats = ["--seats", "2"] if KNOWN[rule].counts == "seats" and rule != "instant-runoff" else []
    said = tally(path, "--rule", rule, *seats)
    assert (said.returncode, said.stderr) == (0, "")
    done = tally(path, "--rule", rule, *seats, "--format", "json")
    assert done.returncode == 0, done.stderr
    record = json.loads(done.stdout)
    assert record["rule"] == rule
    assert record["certificate"] == "exact"
    if KNOWN[rule].counts == "seats":
        assert len(record["selected"]) == int(record["spent"]) == (2 if seats else 1)
    else:
        assert 0 < float(record["spent"]) <= 120
    assert all(word in said.stdout for word in record["selected"])


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("ordinal", "--satisfaction points"),
        ("approval", "--satisfaction points"),
        ("points", "--satisfaction borda"),
        ("approval", "--rule transfers"),
        ("ordinal", "--rule quadratic"),
        ("ordinal", "--rule cumulative"),
        ("approval", "--rule instant-runoff"),
        ("approval", "--rule knapsack"),
        ("approval", "--rule instant-runoff --seats 2"),
        ("approval", "--rule exact-equal-shares --completion add1"),
        ("approval", "--rule exact-equal-shares --satisfaction points"),
        ("approval", "--rule equal-shares --completion add-opt"),
        ("approval", "--rule equal-shares --seats 2"),
        ("approval", "--rule schulze --seats 0"),
        ("approval", "--step 0 --completion add1"),
        ("approval", "--rule phragmen --completion greedy"),
        ("approval", "--rule greedy --threshold 101%"),
        ("approval", "--rule greedy --threshold -1"),
    ],
)
def test_what_does_not_suit_is_said_without_a_traceback(
    kind: str, words: str, street: Path
) -> None:
    done = tally(street / f"{kind}.pb", *words.split())
    assert done.returncode == 2
    assert done.stdout == ""
    assert 20 < len(done.stderr) < 400
    assert "Traceback" not in done.stderr


def test_limits_from_a_file_are_kept(street: Path) -> None:
    limits = street / "limits.json"
    limits.write_text(json.dumps({"must": ["d"], "exclusive": [["a", "b"]]}))
    done = tally(
        street / "approval.pb",
        *("--completion", "add1-greedy", "--limits", limits, "--format", "json"),
    )
    assert done.returncode == 0, done.stderr
    chosen = json.loads(done.stdout)["selected"]
    assert chosen[0] == "d"
    assert not {"a", "b"} <= set(chosen)
    for wrong in ("{", "[]", '{"must": ["nobody"]}', '{"what": 1}', '{"caps": 3}'):
        limits.write_text(wrong)
        done = tally(street / "approval.pb", "--limits", limits)
        assert (done.returncode, done.stdout) == (2, "")
        assert "Traceback" not in done.stderr
