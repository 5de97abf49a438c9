"""Bundles as the site publishes them, damaged in every way: words and a code, never a traceback."""

import io
import json
import random
import zipfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from commonweal.cli.main import main
from commonweal.engine.voting import Profile, Rule, TieRule
from commonweal.engine.voting.bundle import write_bundle
from commonweal.engine.voting.election import Election

TOP = "pot-1/"
Files = dict[str, bytes]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """Return the files of a bundle with twelve ballots and their receipts."""
    draw = random.Random(5)
    pairs = [(p, b) for b in range(12) for p in draw.sample((11, 12, 13), draw.randint(1, 2))]
    profile = Profile.from_pairs(
        [11, 12, 13],
        [30_000_50, 20_000_00, 20_000_00],
        project=[p for p, _b in pairs],
        ballot=[b for _p, b in pairs],
        voters=12,
    )
    names = ("Trees", "Benches; two", "A bridge")
    election = Election(profile, 60_000_00, "approval", "GBP", names, {"description": "A pot"})
    rule = Rule("equal-shares", completion="add1-greedy", ties=TieRule(seed="spring"), quorum=5)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    receipts = sorted(
        "-".join("".join(draw.choices(letters, k=4)) for _part in range(4)) for _b in range(12)
    )
    place = tmp_path_factory.mktemp("bundle") / "pot-1"
    write_bundle(place, election, rule, rule.count(election), receipts=receipts)
    return {TOP + path.name: path.read_bytes() for path in sorted(place.iterdir())}


def packed(files: Files) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as pack:
        for name, content in files.items():
            pack.writestr(name, content)
    return out.getvalue()


def sealed(files: Files) -> Files:
    """Make all hashes fit what is there, as somebody would who wants to deceive."""
    said = json.loads(files[TOP + "manifest.json"])
    said["files"] = {name: sha256(files[TOP + name]).hexdigest() for name in said["files"]}
    return {**files, TOP + "manifest.json": as_json(said)}


def as_json(data: Any) -> bytes:
    return json.dumps(data, ensure_ascii=False, sort_keys=True, indent=1).encode() + b"\n"


@pytest.fixture
def verified(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str]]:
    """Return a function that verifies an archive; it gives the exit code and what was said."""

    def run(content: bytes) -> tuple[int, str]:
        place = tmp_path / "count.zip"
        place.write_bytes(content)
        code = main(["tally", str(place), "--verify"])
        said = capsys.readouterr()
        words = said.out + said.err
        assert "Traceback" not in words
        assert len(words) < 2_000
        if code == 2:
            assert words.startswith(str(place))
            assert words.count(str(place)) == 1
        return code, words

    return run


def test_the_bundle_itself_is_well(files: Files, verified: Any) -> None:
    code, words = verified(packed(files))
    assert (code, words.splitlines()[0]) == (0, "Yes: counting again gives what was published.")


def test_one_byte_changed_anywhere_is_never_a_wrong_yes(files: Files, verified: Any) -> None:
    """Only what says nothing of the content, like the time of a file, may change unnoticed."""
    good, draw = packed(files), random.Random(1)
    for place in draw.sample(range(len(good)), 150):
        bad = bytearray(good)
        bad[place] ^= draw.randint(1, 255)
        code, _words = verified(bytes(bad))
        assert code in (0, 1, 2)
        if code == 0:
            with zipfile.ZipFile(io.BytesIO(bytes(bad))) as pack:
                assert {name: pack.read(name) for name in pack.namelist()} == files


def test_one_byte_changed_in_any_file_is_found_also_under_hashes_that_fit(
    files: Files, verified: Any
) -> None:
    draw = random.Random(2)
    for name in files:
        for _try in range(4):
            bad = bytearray(files[name])
            bad[draw.randrange(len(bad))] ^= 1 << draw.randrange(7)
            other = {**files, name: bytes(bad)}
            code, _words = verified(packed(other))
            assert code in (1, 2), name
            if name != TOP + "manifest.json":
                code, _words = verified(packed(sealed(other)))
                assert code in (1, 2), name


def test_an_archive_that_is_cut_short_is_told_so(files: Files, verified: Any) -> None:
    good = packed(files)
    for length in range(0, len(good), len(good) // 40):
        code, words = verified(good[:length])
        assert code == 2
        assert "damaged" in words or "neither a folder nor" in words


def test_a_file_that_is_missing_is_named(files: Files, verified: Any) -> None:
    for name in files:
        code, words = verified(packed({n: text for n, text in files.items() if n != name}))
        assert code == 2
        assert f"has no {name.removeprefix(TOP)}" in words


@pytest.mark.parametrize(
    ("more", "code", "said"),
    [
        ({TOP + "ballots.pb": b"0" * (513 * 2**20)}, 2, "ballots.pb is larger than"),
        ({TOP + "result.json": b"[" * (2**24 - 5)}, 2, "nested too deeply"),
        ({TOP + "huge.bin": b"0" * (600 * 2**20)}, 1, "huge.bin is in the folder"),
        ({f"{TOP}{n}": b"" for n in range(2_000)}, 2, "too many files"),
        ({"../../etc/passwd": b""}, 2, "leads out of the bundle"),
        ({"/etc/passwd": b""}, 2, "leads out of the bundle"),
        ({"other/notes.txt": b""}, 2, "more than one folder"),
        ({TOP + "rule.json": b"\xff\xfe\x00"}, 2, "it is no text in UTF-8"),
    ],
    ids=["bomb", "deep", "strange bomb", "many", "out", "absolute", "two", "bytes"],
)
def test_a_hostile_archive_is_refused_in_words(
    files: Files, verified: Any, more: Files, code: int, said: str
) -> None:
    found, words = verified(packed({**files, **more}))
    assert found == code
    assert said in words


def test_a_million_receipts_that_nobody_was_given_are_refused_before_they_are_hashed(
    files: Files, verified: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []
    monkeypatch.setattr("commonweal.engine.voting.bundle_receipts.leaf", hashed.append)
    many = b"ABCD-EFGH-2345-6723\n" * 1_000_000
    code, words = verified(packed(sealed({**files, TOP + "receipts.txt": many})))
    assert code == 1
    assert "receipts.txt has 1000000 receipts for 12 ballots" in words
    assert not hashed


def test_a_locked_archive_is_told_so(files: Files, verified: Any) -> None:
    bad = bytearray(packed(files))
    bad[bad.find(b"PK\x01\x02") + 8] |= 1
    code, words = verified(bytes(bad))
    assert code == 2
    assert "it is locked with a password" in words


HUGE = 10**4_000


@pytest.mark.parametrize(
    ("was", "becomes"),
    [
        (b"budget;60000", b"budget;" + b"9" * 30),
        (b"budget;60000", b"budget;" + b"9" * 5_000),
        (b"budget;60000", b"budget;1e999999999"),
        (b"budget;60000", b"budget;NaN"),
        (b"budget;60000", b"budget;9007199254740993"),
        (b";20000;", b";999999999999999999;"),
        (b"num_votes;12", b"num_votes;" + b"9" * 40),
    ],
)
def test_huge_numbers_on_ballots_are_refused_or_give_another_result(
    files: Files, verified: Any, was: bytes, becomes: bytes
) -> None:
    name = TOP + "ballots.pb"
    assert was in files[name]
    code, _words = verified(packed(sealed({**files, name: files[name].replace(was, becomes)})))
    assert code in (1, 2)


@pytest.mark.parametrize(
    "change",
    [
        {"step": HUGE}, {"step": 10**15}, {"step": 0}, {"step": -1}, {"quorum": HUGE}, {"quorum": -1},
        {"rule": "nonsense"}, {"rule": "maximin-support"}, {"ties": "lot:" + "x" * 10**6},
        {"ties": "," * 10**5}, {"limits": {"exclusive": [["11", "12"]] * 10**4}},
        {"limits": {"pots": [{"name": "a", "projects": ["11"], "pence": 10**30}]}},
        {"threshold": "1/0"}, {"completion": "x"}, {"satisfaction": "points"}, {"satisfaction": [1]},
    ],
    ids=lambda change: str(change)[:24],
)  # fmt: skip
def test_a_hostile_rule_is_refused_or_gives_another_result(
    files: Files, verified: Any, change: dict[str, Any]
) -> None:
    told = json.loads(files[TOP + "rule.json"])
    told["rule"].update(change)
    code, _words = verified(packed(sealed({**files, TOP + "rule.json": as_json(told)})))
    assert code in (1, 2)


@pytest.mark.parametrize(
    "change",
    [
        {"voters": HUGE}, {"voters": -5}, {"voters": True}, {"winners": [["a"] * 99] * 99},
        {"winners": "x"}, {"engine": 5}, {"ties_met": {}}, {"spent": "9" * 4_000}, {"start": "1/0"},
    ],
    ids=lambda change: str(change)[:24],
)  # fmt: skip
def test_a_hostile_result_is_told_as_a_difference(
    files: Files, verified: Any, change: dict[str, Any]
) -> None:
    told = {**json.loads(files[TOP + "result.json"]), **change}
    code, _words = verified(packed(sealed({**files, TOP + "result.json": as_json(told)})))
    assert code in (1, 2)


@pytest.mark.parametrize(
    "change",
    [
        {"version": HUGE}, {"version": 3}, {"version": True}, {"receipts": {}}, {"receipts": []},
        {"receipts": {"count": HUGE, "root": "x"}}, {"files": {}}, {"extra": 1},
        {"withheld": ["ballots.pb", "reference.py", "trace.jsonl"]},
    ],
    ids=lambda change: str(change)[:24],
)  # fmt: skip
def test_a_hostile_manifest_is_refused_or_told_as_a_difference(
    files: Files, verified: Any, change: dict[str, Any]
) -> None:
    told = {**json.loads(files[TOP + "manifest.json"]), **change}
    code, _words = verified(packed({**files, TOP + "manifest.json": as_json(told)}))
    assert code in (1, 2)
