"""``commonweal ballots``: what it says of good files, of bad ones, and what it writes."""

import gzip
import hashlib
import json
import os
import subprocess
import sys
import tarfile
from itertools import pairwise
from pathlib import Path

import pytest

from commonweal.cli.main import main
from commonweal.kit.complaint import Complaint

STREET = """META
key;value
description;Money for a street
num_projects;3
num_votes;4
budget;120.50
vote_type;approval
currency;GBP
max_length;1
categories;green,play
budget_per_category;60,60
PROJECTS
project_id;cost;name;category
a;49;Trees;green
b;50;Benches;green
c;40.50;Swings;play
VOTES
voter_id;vote;age
1;a,b;30
2;a;41
3;a;30
4;;22
"""


def ballots(*words: str | Path) -> int:
    """Run the command in this process and return its exit code."""
    return main(["ballots", *map(str, words)])


@pytest.fixture
def street(tmp_path: Path) -> Path:
    path = tmp_path / "street.pb"
    path.write_text(STREET)
    return path


def test_a_good_file_is_well_and_its_oddities_are_told(
    street: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ballots("check", street) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{street}: all is well (4 ballots, 3 projects, 4 marks)",
        "  Note: 1 ballot names more projects than the max_length 1 (line 19); "
        "it is counted as it stands",
    ]
    assert ballots("check", "--strict", street) == 2


def test_every_problem_is_told_with_its_line_and_mend(
    street: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    street.write_text(STREET.replace("a;49", "a;-49").replace("3;a;", "2;z;"))
    assert ballots("check", street) == 2
    said = capsys.readouterr().out.splitlines()
    assert said == [
        f"{street}: 3 problems",
        "  To mend: line 14: the cost of project a is negative (-49); amounts are 0 or more",
        "  To mend: line 21: voter 2 votes twice; keep one ballot",
        "  To mend: line 21: the ballot names z, which is not a project; "
        "correct the id, or add the project",
    ]


def test_a_folder_and_an_archive_are_checked_file_by_file(
    street: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.toc").write_text("rubbish\x1b[31m")
    (tmp_path / "packed.pb.gz").write_bytes(gzip.compress(STREET.encode()))
    with tarfile.open(tmp_path / "all.tar.gz", "w:gz") as pack:
        pack.add(street, "street.pb")
    assert ballots("check", tmp_path, tmp_path / "all.tar.gz", tmp_path / "none.pb") == 2
    said = capsys.readouterr().out
    assert said.count("all is well") == 3
    assert f"{tmp_path}: bad.toc: 1 problem" in said
    assert "there is no file" in said
    assert "\x1b" not in said


def test_a_file_is_converted_there_and_back(street: Path, tmp_path: Path) -> None:
    steps = [street, *(tmp_path / name for name in ("a.npz", "tables", "b.csv", "c.pb"))]
    for one, two in pairwise(steps):
        assert ballots("convert", one, two) == 0
    lines = (tmp_path / "c.pb").read_text().splitlines()
    assert lines[-5:] == ["voter_id;vote;age", "1;a,b;30", "2;a;41", "3;a;30", "4;;22"]
    assert "budget;120.50" in lines


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["convert", "street.pb", "x.xls"], "x.xls cannot be written."),
        (["convert", "street.pb", "none/x.pb"], "There is no folder none."),
        (["convert", "street.pb", "folder.pb"], "folder.pb is a folder."),
        (["convert", "street.pb", "street.pb"], "Both names are the same file."),
        (["convert", "none.pb", "x.pb"], "there is no file none.pb"),
        (["convert", "ties.toc", "x.pb"], "rank projects equally"),
        (["describe", "folder.pb"], "is a folder"),
        (["describe", "bad.pb"], "line 1: the file does not begin with META"),
        (["describe", "/dev/zero"], "/dev/zero is not a plain file"),
        (["describe", "nul\0byte"], "cannot be read"),
        (["describe", "x" * 5000], "cannot be read"),
        (
            ["synthesise", "--voters", "9", "--projects", "2", "--length", "3", "--out", "x.pb"],
            "a ballot cannot mark 3 of 2 projects",
        ),
        (
            ["synthesise", "--voters", "9", "--projects", "2", "--length", "1", "--out", "no/x.pb"],
            "There is no folder no.",
        ),
    ],
)
def test_what_cannot_be_done_is_a_complaint(
    words: list[str],
    said: str,
    street: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.pb").mkdir()
    (tmp_path / "bad.pb").write_text("rubbish")
    (tmp_path / "ties.toc").write_text("# NUMBER ALTERNATIVES: 2\n3: {1,2}\n")
    assert ballots(*words) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize("number", ["-1", "1.5", "many", "9" * 30, "١"])
def test_a_number_that_is_none_is_refused(number: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        ballots("synthesise", "--voters", number, "--projects", "5", "--length", "2", "--out", "x")
    assert caught.value.code == 2
    assert "--voters" in capsys.readouterr().err


def test_a_file_is_described_in_words_and_as_json(
    street: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert ballots("describe", street) == 0
    words = capsys.readouterr().out
    for line in (
        "Ballots              4 (approval)",
        "Different ballots    2",
        "Marks a ballot       0 to 2, half have 1 or fewer",
        "Budget               120.50 GBP",
        "Known of voters      age (3)",
        "budget_per_category  green: 60; play: 60",
    ):
        assert line in words.splitlines()
    assert ballots("describe", street, "--format", "json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["voters"], found["marks"], found["total_cost"]) == (4, 4, "139.50")
    assert found["limits"]["budget_per_category"] == {"green": "60", "play": "60"}
    assert len(found["warnings"]) == 1


def test_the_same_seed_makes_the_same_file(tmp_path: Path) -> None:
    made = ["--voters", "3,000", "--projects", "50", "--length", "4"]
    for name in ("a.npz", "a.pb", "b.npz", "b.pb"):
        assert ballots("synthesise", *made, "--seed", "7", "--out", tmp_path / name) == 0
    for kind in ("npz", "pb"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()
    digest = hashlib.sha256((tmp_path / "a.npz").read_bytes()).hexdigest()
    assert (
        digest == "400719b485ad43ef1d7e1b05f7e98c7799ae65b36c862285412cdd8163c552fd"
    )  # on every machine
    assert ballots("check", "--strict", tmp_path) == 0


def test_a_complaint_names_what_is_wrong_first(street: Path) -> None:
    with pytest.raises(Complaint, match="Both names are the same file"):
        from commonweal.cli.ballots import run_convert  # the door behind main

        class Words:
            file, out = str(street), str(street)

        run_convert(Words())  # type: ignore[arg-type]


@pytest.mark.parametrize("words", [[], ["--help"], ["check"], ["check", "none.pb"], ["no-verb"]])
def test_nothing_ever_ends_in_a_traceback(words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "commonweal", "ballots", *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
    )
    assert done.returncode == (0 if "--help" in words else 2)
    assert "Traceback" not in done.stderr
    assert done.stdout or done.stderr


def test_help_and_mistakes_need_neither_numpy_nor_django() -> None:
    script = (
        "import sys; from commonweal.cli.main import main\n"
        "try: main(['ballots', 'check', '--help'])\n"
        "except SystemExit: pass\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & "
        "{'django', 'numpy', 'numba', 'psycopg'}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip().endswith("[]"), done.stdout + done.stderr


def test_reading_needs_neither_numba_nor_django(street: Path) -> None:
    script = (
        "import sys; from commonweal.cli.main import main\n"
        f"main(['ballots', 'check', {str(street)!r}])\n"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & "
        "{'django', 'numba', 'psycopg'}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip().endswith("[]"), done.stdout + done.stderr
