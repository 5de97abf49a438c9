"""``commonweal tally``: what it prints, and what it says about bad input."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

OWN = """META
key;value
description;Money for a street
num_projects;5
num_votes;6
budget;120
vote_type;approval
currency;GBP
PROJECTS
project_id;cost;name
a;49;Trees
b;50;Benches
c;40.50;Swings
d;21;Lights
e;500;A bridge
VOTES
voter_id;vote
1;a,b,e
2;a,b
3;a,b
4;c
5;c,d
6;a
"""


@pytest.fixture
def street(tmp_path: Path) -> Path:
    path = tmp_path / "street.pb"
    path.write_text(OWN)
    return path


def tally(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "commonweal", "tally", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=os.environ | {"COLUMNS": "80", "PYTHONIOENCODING": "utf-8"} | environment,
    )


def as_json(*arguments: str | Path) -> dict[str, Any]:
    done = tally(*arguments, "--format", "json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_table_says_who_won_who_lost_and_why(street: Path) -> None:
    done = tally(street)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[:3] == [
        "Money for a street",
        "6 ballots, 5 projects, 120 GBP to share",
        "Rule: equal shares, once. Each ballot had 20 GBP.",
    ]
    rows = [" ".join(line.split()) for line in lines]
    assert "a Trees 49 4 paid for: 12.25 each" in rows
    assert "b Benches 50 3 had 23.25, 26.75 short" in rows
    assert "c Swings 40.50 2 had 40, 0.50 short" in rows
    assert "e A bridge 500 1 costs more than there is" in rows
    assert "No ties were met." in done.stdout
    assert max(map(len, lines)) <= 80


def test_left_over_money_is_named_with_the_completion_that_uses_it(street: Path) -> None:
    done = tally(street, "--completion", "none")
    assert "--completion" not in tally(street, "--completion", "greedy").stdout
    assert "Spent 49 of 120 GBP; 71 left over." in done.stdout
    assert "--completion add1-greedy" in done.stdout


def test_each_rule_and_completion_is_counted(street: Path) -> None:
    found = {
        way: as_json(street, *way.split())["selected"]
        for way in (
            "--rule greedy",
            "--rule equal-shares",
            "--completion greedy",
            "--completion add1",
            "--completion add1-greedy",
            "--completion add1 --stop overspend",
        )
    }
    assert found == {
        "--rule greedy": ["a", "b", "d"],
        "--rule equal-shares": ["a"],
        "--completion greedy": ["a", "b", "d"],
        "--completion add1": ["a", "c"],
        "--completion add1-greedy": ["a", "c", "d"],
        "--completion add1 --stop overspend": ["a", "c"],
    }


def test_the_json_has_the_promised_keys(street: Path) -> None:
    found = as_json(street, "--explain")
    promised = (
        "file rule satisfaction completion stop ties budget voters projects selected spent runs "
        "distinct_outcomes tie_events certificate seconds explain"
    )
    assert set(promised.split()) <= set(found)
    assert (found["budget"], found["spent"]) == ("120", "49")
    assert (found["voters"], found["projects"], found["selected"]) == (6, 5, ["a"])
    assert (found["certificate"], found["runs"], found["tie_events"]) == ("exact", 1, 0)
    assert set(found["seconds"]) == {"load", "count", "total"}
    swings = found["explain"][2]
    assert (swings["id"], swings["name"], swings["selected"]) == ("c", "Swings", False)
    assert (swings["cost"], swings["votes"], swings["shortfall"]) == ("40.50", 2, "0.50")
    assert swings["reason"] == "shares-too-small"
    assert swings["needed"]["ballots"] == 1
    assert swings["needed"]["cost"] == "40"
    assert "explain" not in as_json(street)


def test_what_would_have_been_enough_is_printed_on_request(street: Path) -> None:
    assert (
        "c Swings: 1 more ballot for it alone, or a cost of 40" in tally(street, "--explain").stdout
    )


def test_ties_are_broken_as_asked_and_reported(tmp_path: Path) -> None:
    path = tmp_path / "tie.pb"
    path.write_text(
        "META\nnum_projects;2\nnum_votes;1\nbudget;5\nvote_type;approval\nPROJECTS\n"
        "project_id;cost\n2;5\n10;5\nVOTES\nvoter_id;vote\n1;2,10\n"
    )
    found = as_json(path, "--ties", "id-text")
    assert found["selected"] == ["10"]
    assert found["tie_events"] == 1
    (tie,) = found["ties_met"]
    assert (sorted(tie["projects"]), tie["chosen"], tie["by"]) == (["10", "2"], "10", "id-text")
    assert "10 went first among 10, 2, by the id" in tally(path, "--ties", "id-text").stdout
    lots = {as_json(path, "--ties", f"lot:{seed}")["selected"][0] for seed in "abcdef"}
    assert lots == {"2", "10"}


def test_ballots_that_are_not_approvals_are_said_to_be_read_as_such(street: Path) -> None:
    street.write_text(OWN.replace("approval", "ordinal"))
    done = tally(street)
    assert "ordinal ballots: each project on a ballot counts as one approval" in done.stdout


def test_a_name_cannot_steer_the_terminal(street: Path) -> None:
    street.write_text(OWN.replace("Trees", "Tr\x1b[31mees\x07"))
    assert "\x1b" not in tally(street).stdout
    assert "\x07" not in tally(street).stdout


def test_a_terminal_without_our_letters_gets_question_marks(street: Path) -> None:
    street.write_text(OWN.replace("Trees", "Łąka"), encoding="utf-8")
    done = tally(street, PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, "")
    assert "a ??ka" in done.stdout


def test_a_reader_that_leaves_early_is_no_error(street: Path) -> None:
    many = "".join(f"p{n};1;{'x' * 60}\n" for n in range(5000))
    street.write_text(
        OWN.replace("e;500;A bridge\n", f"e;500;A bridge\n{many}").replace(
            "projects;5", "projects;5005"
        )
    )
    command = [sys.executable, "-m", "commonweal", "tally", str(street)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None and running.stderr is not None
        running.stdout.readline()
        running.stdout.close()
        assert running.stderr.read() == b""
        assert running.wait(timeout=60) == 0


BAD_FILES = {
    "missing.pb": (None, "there is no file"),
    "empty.pb": (b"", "the file is empty"),
    "cut.pb": (OWN[:-4].encode(), "num_votes is 6"),
    "latin.pb": (OWN.replace("Trees", "Bäume").encode("latin-1"), "line 11: the text is not UTF-8"),
    "negative.pb": (OWN.replace("a;49", "a;-49").encode(), "the cost of project a is negative"),
    "unknown.pb": (OWN.replace("4;c", "4;x").encode(), "line 21: the ballot names x"),
    "nothing.pb": (OWN.replace("budget;120", "budget;0").encode(), "the budget is 0"),
    "zero.pb": (OWN.replace("Trees", "T\0").encode(), "line 11: there is a NUL byte"),
    "long.pb": (OWN.replace("Trees", "T" * 10**7).encode(), "line 11: the line has more than"),
    "not.pb.gz": (OWN.encode(), "is not gzipped"),
    "half.pb.gz": (gzip.compress(OWN.encode())[:-20], "the gzip data ends too early"),
    "binary.pb": (bytes(range(1, 256)), "the text is not UTF-8"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_gets_a_message_and_exit_code_2(name: str, tmp_path: Path) -> None:
    content, message = BAD_FILES[name]
    if content is not None:
        (tmp_path / name).write_bytes(content)
    done = tally(tmp_path / name)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert name in done.stderr
    assert "Traceback" not in done.stderr


def test_a_gzip_bomb_is_refused_before_it_fills_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "bomb.pb.gz"
    path.write_bytes(gzip.compress(b"a\n" * (300 * 2**20), 1))
    done = tally(path)
    assert done.returncode == 2
    assert "more than 512 MiB" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--ties", "loudest"), "'loudest' is not a way to break ties"),
        (("--rule", "greedy", "--completion", "add1"), "greedy has no completion"),
        (("--rule", "dictator"), "invalid choice: 'dictator'"),
        (("--completion", "magic"), "invalid choice: 'magic'"),
    ],
)
def test_a_wrong_option_gets_a_message_and_exit_code_2(
    street: Path, arguments: tuple[str, ...], message: str
) -> None:
    done = tally(street, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_is_refused(tmp_path: Path) -> None:
    done = tally(tmp_path)
    assert done.returncode == 2
    assert "is a folder" in done.stderr


def test_nothing_of_the_web_is_loaded_for_a_count(street: Path) -> None:
    script = (
        "import sys; from commonweal.cli.main import main\n"
        f"assert main(['tally', {str(street)!r}]) == 0\n"
        "assert not {'django', 'psycopg', 'hypothesis'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_explain_says_rounds_rivals_and_what_would_do(street: Path) -> None:
    swings = as_json(street, "--explain")["explain"][2]
    assert swings["needed"] == {
        "ballots": 1,
        "approvals": 1,
        "cost": "40",
        "confirmed": {"ballots": True, "approvals": True, "cost": True},
    }
    assert swings["effective_votes"] == [0.0, 0.0]
    assert (swings["behind"], swings["supporters_paid_for"]) == ("40", [])
    benches = as_json(street, "--explain")["explain"][1]
    assert benches["supporters_paid_for"] == [{"id": "a", "amount": "36.75"}]
    said = tally(street, "--explain").stdout
    assert "or 1 more approval from those who voted" in said
    assert "its supporters paid for: a (36.75)" in said


@pytest.mark.parametrize("rule", ["greedy", "equal-shares", "phragmen", "bounded-overspending"])
def test_fairness_is_told_in_text_and_in_json(street: Path, rule: str) -> None:
    found = as_json(street, "--rule", rule, "--fairness")["fairness"]
    assert sum(found["funded_approvals"]["outcome"]) == 6
    assert (found["priceability"] is None) == (rule != "equal-shares")
    said = tally(street, "--rule", rule, "--fairness").stdout
    assert max(map(len, said[said.index("Who got what") :].splitlines())) <= 80


def test_plots_come_with_the_same_numbers_as_tables(street: Path, tmp_path: Path) -> None:
    folder = tmp_path / "plots"
    assert tally(street, "--fairness", "--plots", folder).returncode == 0
    page = (folder / "index.html").read_text()
    drawn = sorted(path.name for path in folder.glob("*.svg"))
    assert drawn == ["effective-votes.svg", "funded-approvals.svg"]
    for name in drawn:
        picture = (folder / name).read_text()
        assert 'role="img"' in picture
        assert "<title" in picture
        assert "<script" not in picture + page
        assert f'src="{name}"' in page
    assert page.count("<table>") == 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--plots", "x"], "--plots goes with --fairness"),
        (["--rule", "approval", "--fairness"], "this rule chooses options"),
    ],
)
def test_fairness_where_it_means_nothing_is_refused(
    street: Path, words: list[str], said: str
) -> None:
    done = tally(street, *words)
    assert done.returncode == 2
    assert said in done.stderr
