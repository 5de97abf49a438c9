"""``commonweal tally --bundle`` and ``--verify``: what they print, and their exit codes."""

import json
import shlex
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from commonweal.cli.main import main
from tests.cli.test_tally import OWN, tally

RULE = ("--completion", "add1-greedy", "--ties", "cheapest,lot:spring 27")


@pytest.fixture
def street(tmp_path: Path) -> Path:
    path = tmp_path / "street.pb"
    path.write_text(OWN)
    return path


@pytest.fixture
def bundle(street: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    assert main(["tally", str(street), *RULE, "--bundle", str(street.parent / "count")]) == 0
    capsys.readouterr()
    return street.parent / "count"


def verify(*arguments: str | Path) -> int:
    return main(["tally", *map(str, arguments), "--verify"])


def changed(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def resealed(folder: Path) -> None:
    found = json.loads((folder / "manifest.json").read_text())
    for name in found["files"]:
        found["files"][name] = sha256((folder / name).read_bytes()).hexdigest()
    text = json.dumps(found, ensure_ascii=False, sort_keys=True, indent=1)
    (folder / "manifest.json").write_text(f"{text}\n")


def test_a_count_is_written_verified_and_known_by_its_fingerprint(street: Path) -> None:
    written = tally(street, *RULE, "--bundle", street.parent / "count")
    assert (written.returncode, written.stderr) == (0, "")
    *_, where, fingerprint = written.stdout.splitlines()
    assert where == f"Bundle written to {street.parent / 'count'}. Announce its fingerprint:"
    assert fingerprint == sha256((street.parent / "count/manifest.json").read_bytes()).hexdigest()
    verified = tally(street.parent / "count", "--verify")
    assert (verified.returncode, verified.stderr) == (0, "")
    assert verified.stdout.splitlines() == [
        "Yes: counting again gives what was published.",
        "6 ballots, 5 on the menu, 3 won, in the same order.",
        "The slow tally finds the same winners in the same order.",
        "Its fingerprint, to compare with the one that was announced:",
        fingerprint,
    ]


def test_the_command_in_the_page_gives_the_published_winners(bundle: Path) -> None:
    page = (bundle / "README.txt").read_text().splitlines()
    command = shlex.split(next(line for line in page if "python3 reference.py" in line))
    assert command[0] == "python3"
    winners = json.loads((bundle / "result.json").read_text())["winners"]
    for ballots in ("ballots.pb", "."):
        asked = [sys.executable, "-I", "reference.py", ballots, *command[3:]]
        done = subprocess.run(asked, cwd=bundle, capture_output=True, check=True, text=True)
        assert done.stdout.split() == winners == ["a", "c", "d"]


def test_json_says_where_the_bundle_is_and_what_came_of_it(
    street: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(street.parent / "count")
    assert main(["tally", str(street), "--bundle", folder, "--format", "json"]) == 0
    written = json.loads(capsys.readouterr().out)
    assert verify(folder, "--slow", "--format", "json") == 0
    found = json.loads(capsys.readouterr().out)
    assert written["bundle"] == {"folder": folder, "sha256": found["sha256"]}
    assert found["verified"] is True
    assert found["differences"] == []
    assert found["slow"]["result"] == "agrees"
    assert found["selected"] == written["selected"]


def test_what_was_changed_is_shown_and_the_code_is_1(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    changed(bundle / "result.json", '"c"', '"b"')
    assert verify(bundle) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "No: counting again does not give what was published.",
        "The first difference:",
        "  result.json is not the file that was published: its SHA-256 is not the manifest's",
    ]
    resealed(bundle)
    assert verify(bundle) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[2] == "  step 2: the bundle names b (Benches), the recount gives c (Swings)"
    assert verify(bundle, "--format", "json") == 1
    found = json.loads(capsys.readouterr().out)
    assert found["verified"] is False
    assert found["differences"][0] == {
        "file": "result.json",
        "step": 2,
        "said": "step 2: the bundle names b (Benches), the recount gives c (Swings)",
        "published": "b (Benches)",
        "recount": "c (Swings)",
    }


def test_many_differences_are_counted_not_listed(
    bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (bundle / "trace.jsonl").write_text("{}\n" * 9)
    resealed(bundle)
    assert verify(bundle) == 1
    assert "more; --format json lists them." in capsys.readouterr().out


def test_what_is_no_bundle_is_told_in_words_and_the_code_is_2(
    street: Path, bundle: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(bundle, street.parent / "cut")
    (street.parent / "cut/result.json").unlink()
    (street.parent / "empty").mkdir()
    for name, why in (
        ("street.pb", "is neither a folder nor"),
        ("nowhere", "there is no file or folder"),
        ("empty", "is no count bundle: it has no manifest.json"),
        ("cut", "the bundle has no result.json"),
    ):
        assert verify(street.parent / name) == 2
        assert why in capsys.readouterr().err
        assert verify(street.parent / name, "--format", "json") == 2
        found: dict[str, Any] = json.loads(capsys.readouterr().out)
        assert found["verified"] is False
        assert why in found["error"]


def test_damaged_ballots_end_without_a_traceback(bundle: Path) -> None:
    (bundle / "ballots.pb").write_bytes(b"META\x1b[2J\0\xff")
    done = tally(bundle, "--verify")
    assert done.returncode == 2
    assert "ballots.pb: line 1" in done.stderr
    assert "besides, ballots.pb is not the file that was published" in done.stderr
    assert "\x1b" not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_a_folder_with_other_things_is_not_overwritten(
    street: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (street.parent / "mine").mkdir()
    (street.parent / "mine/letter").write_text("Dear Ada")
    for where, why in (
        ("mine", "holds something that is no count bundle (letter)"),
        ("street.pb", "is there and is no folder"),
        ("no/count", "make it first"),
    ):
        assert main(["tally", str(street), "--bundle", str(street.parent / where)]) == 2
        assert why in capsys.readouterr().err
    assert (street.parent / "mine/letter").read_text() == "Dear Ada"
    assert not [path for path in street.parent.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    "more", [["--many"], ["--bundle", "x"], ["--explain"], ["--out", "x.csv"], ["another"]]
)
def test_options_that_do_not_go_with_it_are_refused(
    bundle: Path, more: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(bundle, *more) == 2
    assert capsys.readouterr().err


def test_slow_goes_with_verify_only(street: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["tally", str(street), "--slow"]) == 2
    assert "--slow goes with --verify" in capsys.readouterr().err


def test_a_rule_that_the_slow_tally_does_not_know_verifies_without_it(
    street: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = street.parent / "count"
    assert main(["tally", str(street), "--rule", "approval", "--bundle", str(folder)]) == 0
    assert "so step 3 does not apply" in (folder / "README.txt").read_text()
    capsys.readouterr()
    assert verify(folder, "--slow") == 0
    assert "The slow tally does not know approval" in capsys.readouterr().out


def test_limits_go_into_the_bundle(street: Path, capsys: pytest.CaptureFixture[str]) -> None:
    limits = {
        "pots": [{"name": "west", "projects": ["c", "d"], "pence": 6000, "ballots": [3, 4]}],
        "leftover": ["west", "rest"],
    }
    (street.parent / "limits.json").write_text(json.dumps(limits))
    folder = str(street.parent / "count")
    asked = ["tally", str(street), "--limits", str(street.parent / "limits.json")]
    assert main([*asked, "--bundle", folder, "--format", "json"]) == 0
    selected = json.loads(capsys.readouterr().out)["selected"]
    assert verify(folder, "--format", "json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["selected"] == selected
    assert found["rule_as_data"]["limits"]["pots"][0]["ballots"] != [3, 4]


RECEIPTS = ("ABCD-EFGH-2345-6723", "BCDE-FGHI-JKLM-NOPQ", "ZZZZ-5555-6666-7777")


@pytest.fixture
def with_receipts(street: Path) -> Path:
    from commonweal.engine.voting import Rule
    from commonweal.engine.voting.bundle import write_bundle
    from commonweal.engine.voting.pabulib import parse_pabulib

    election, rule = parse_pabulib(street.read_bytes()), Rule("greedy")
    codes = sorted([*RECEIPTS, *(f"AAAA-AAAA-AAA{n}-AAAA" for n in "BCDEFGHIJKLM")])
    codes = codes[-election.profile.voters :]
    write_bundle(street.parent / "count", election, rule, rule.count(election), receipts=codes)
    return street.parent / "count"


def test_a_receipt_is_looked_up_however_it_is_typed(
    with_receipts: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert verify(with_receipts, "--receipt", "zzzz 5555 6666 7777") == 0
    assert "The receipt ZZZZ-5555-6666-7777 is among" in capsys.readouterr().out
    assert verify(with_receipts, "--receipt", "abcd-efgh-z345-67z3") == 0
    assert verify(with_receipts, "--receipt", "QQQQ-QQQQ-QQQQ-QQQQ") == 1
    assert "is not among" in capsys.readouterr().out
    assert verify(with_receipts, "--receipt", "Q") == 2
    assert verify(with_receipts, "--format", "json", "--receipt", "ZZZZ-5555-6666-7777") == 0


def test_a_bundle_without_receipts_says_so_when_asked(bundle: Path) -> None:
    assert verify(bundle, "--receipt", "ZZZZ-5555-6666-7777") == 2


def test_a_bundle_without_its_ballots_has_an_exit_code_of_its_own(
    street: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from commonweal.engine.voting import Rule
    from commonweal.engine.voting.bundle import write_bundle
    from commonweal.engine.voting.pabulib import parse_pabulib

    election, rule = parse_pabulib(street.read_bytes()), Rule("greedy")
    codes = sorted(
        f"AAAA-AAAA-AAA{n}-AAAA" for n in "BCDEFGHIJKLMNOPQRST"[: election.profile.voters]
    )
    place = street.parent / "count"
    write_bundle(place, election, rule, rule.count(election), receipts=codes, withhold=True)
    assert verify(place) == 3
    assert "nobody can count again from it" in capsys.readouterr().out
