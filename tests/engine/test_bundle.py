"""Count bundles: they verify, name nobody, are the same every time, and whatever is changed shows."""

import gzip
import io
import json
import os
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from commonweal import __version__
from commonweal.engine.voting import Election, Limits, Outcome, Pot, Profile, Rule, TieRule
from commonweal.engine.voting import bundle as bundles
from commonweal.engine.voting.bundle import BundleError, Verdict, verify_bundle, write_bundle
from commonweal.engine.voting.bundle_differences import parts
from commonweal.engine.voting.bundle_files import in_full
from commonweal.engine.voting.bundle_page import slow_options
from commonweal.engine.voting.bundle_reading import FILES
from commonweal.engine.voting.election import Column
from commonweal.engine.voting.formats import read_election
from commonweal.engine.voting.rule import KNOWN

PACK = Path(__file__).resolve().parents[2].parent / "shared/data/pabulib"
KINDS = ("approval", "choose-1", "cumulative", "ordinal")
VALUED = ("cumulative", "ordinal")


def some_election(seed: int, kind: str, *, rich: bool = False) -> Election:
    """Make a small election with many ties and alike ballots; voters have ages and streets."""
    random = np.random.default_rng(seed)
    projects, voters = int(random.integers(1, 7)), int(random.integers(1, 12))
    dearest = int(random.choice([2, 3, 12, 100]))
    cost = random.integers(0, dearest + 1, projects) * int(random.choice([1, 50, 100]))
    most = 1 if kind == "choose-1" else projects
    marks = []
    for v in range(voters):
        listed = random.permutation(projects)[: random.integers(0, most + 1)]
        for place, p in enumerate(listed.tolist(), 1):
            marks.append((p, v, place if kind == "ordinal" else 100 * int(random.integers(1, 4))))
    profile = Profile.from_indices(
        np.array([str(n) for n in range(7, 7 + projects)], dtype=object),
        cost,
        project=np.array([p for p, _, _ in marks], dtype=np.int64),
        voter=np.array([v for _, v, _ in marks], dtype=np.int64),
        voters=voters,
        value=[n for _, _, n in marks] if marks and kind in VALUED else None,
    )
    budget = max(1, int(cost.sum()) if rich else int(random.integers(1, 2 * cost.max() + 3)))
    return Election(
        profile,
        budget,
        kind,
        "EUR",
        tuple(f'Project "{n}"; or so' for n in range(projects)),
        {"description": "A street; with trees", "comment": "Ada Byron counted", "rule": "greedy"},
        {
            "born": Column.of([f"born in {1900 + v}" for v in range(voters)]),
            "voter_id": Column.of([f"resident-{v}" for v in range(voters)]),
        },
        {"proposer": tuple(f"proposer-{n}" for n in range(projects))},
    )


def shuffled(election: Election, seed: int) -> tuple[Election, np.ndarray[Any, Any]]:
    """Return the same election with its ballots in another order, and where each one went."""
    profile = election.profile
    to = np.random.default_rng(seed).permutation(profile.voters)
    mixed = Profile.from_indices(
        profile.ids,
        profile.cost,
        project=np.repeat(np.arange(len(profile.ids)), profile.votes),
        voter=to[profile.voter],
        voters=profile.voters,
        value=profile.value,
    )
    return replace(election, profile=mixed, voters={}), to


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def write(folder: Path, election: Election, rule: Rule) -> Outcome:
    outcome = rule.count(election)
    write_bundle(folder, election, rule, outcome)
    return outcome


def resealed(folder: Path) -> None:
    """Make the manifest fit files that were changed, as somebody who cheats would."""
    found = json.loads((folder / "manifest.json").read_text())
    found["files"] = {
        name: sha256((folder / name).read_bytes()).hexdigest() for name in found["files"]
    }
    text = json.dumps(found, ensure_ascii=False, sort_keys=True, indent=1)
    (folder / "manifest.json").write_text(text + "\n")


def judged(folder: Path) -> Verdict | None:
    """Return the verdict; None if the bundle is damaged beyond reading."""
    try:
        return verify_bundle(folder, slow=False)
    except BundleError as error:
        assert len(str(error)) > 20
        return None


# --- What a bundle is


@pytest.mark.parametrize("name", KNOWN)
def test_a_bundle_of_every_rule_verifies(name: str, tmp_path: Path) -> None:
    counted = 0
    for seed in range(48):
        election = some_election(seed, KINDS[seed % 4], rich=name == "knapsack")
        rule = Rule(name, seats=1 + seed // 4 % 2 if KNOWN[name].counts == "seats" else None)
        try:
            outcome = rule.count(election)
        except ValueError:
            continue  # these ballots do not suit the rule
        write_bundle(tmp_path / "b", election, rule, outcome)
        verdict = verify_bundle(tmp_path / "b", slow=False)
        assert verdict.verified, (seed, verdict.differences)
        assert list(verdict.winners) == [str(p) for p in outcome.ids[outcome.order]], seed
        assert set(contents(tmp_path / "b")) == set(FILES)
        counted += 1
    assert counted >= 4


@pytest.mark.parametrize("name", KNOWN)
def test_the_same_count_gives_the_same_bytes_whatever_the_order_of_ballots(
    name: str, tmp_path: Path
) -> None:
    for seed in range(12):
        election = some_election(seed + 100, KINDS[seed % 4], rich=name == "knapsack")
        rule = Rule(name)
        try:
            rule.count(election)
        except ValueError:
            continue
        write(tmp_path / "one", election, rule)
        write(tmp_path / "two", shuffled(election, seed)[0], rule)
        assert contents(tmp_path / "one") == contents(tmp_path / "two"), seed


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_of_the_voters_but_their_votes_is_in_a_bundle(kind: str, tmp_path: Path) -> None:
    for seed in range(10):
        write(tmp_path / "b", some_election(seed, kind), Rule("greedy"))
        for name, content in contents(tmp_path / "b").items():
            for secret in (b"resident", b"born", b"proposer", b"Ada", b"comment"):
                assert secret not in content or name == "reference.py", name
        lines = (tmp_path / "b/ballots.pb").read_text().split("VOTES\n")[1].splitlines()
        header = "voter_id;vote;points" if kind == "cumulative" else "voter_id;vote"
        assert lines[0] in (header, "voter_id;vote")
        assert [line.split(";")[0] for line in lines[1:]] == [str(n) for n in range(1, len(lines))]


def test_sorted_ballots_are_the_same_ballots(tmp_path: Path) -> None:
    for seed in range(60):
        election = some_election(seed, KINDS[seed % 4])
        write(tmp_path / "b", election, Rule("greedy"))
        again = read_election(tmp_path / "b/ballots.pb")

        def ballots(profile: Profile) -> list[list[tuple[str, int]]]:
            found: list[list[tuple[str, int]]] = [[] for _ in range(profile.voters)]
            owner = np.repeat(np.arange(len(profile.ids)), profile.votes)
            value = profile.voter * 0 if profile.value is None else profile.value
            for p, v, n in zip(owner, profile.voter, value, strict=True):
                found[v].append((str(profile.ids[p]), int(n)))
            return sorted(map(sorted, found))

        assert ballots(again.profile) == ballots(election.profile), seed
        assert (again.budget, again.names) == (election.budget, election.names)
        assert again.profile.cost.tolist() == election.profile.cost.tolist()


def test_pots_with_voters_of_their_own_keep_them_under_new_numbers(tmp_path: Path) -> None:
    for seed in range(40):
        election = some_election(seed, "approval")
        ids, voters = [str(p) for p in election.profile.ids], election.profile.voters
        half = len(ids) // 2
        west = np.random.default_rng(seed).permutation(voters)[: voters // 2]
        mixed, to = shuffled(election, seed + 1)

        def rule(
            members: Any, ids: list[str] = ids, half: int = half, budget: int = election.budget
        ) -> Rule:
            pots = (
                Pot("west", tuple(ids[:half]), budget // 2, np.array(members, dtype=np.int64)),
                Pot("all of it", tuple(ids[half:]), budget // 3),
            )
            return Rule("equal-shares", limits=Limits(pots=pots, leftover=("west",)))

        outcome = write(tmp_path / "one", election, rule(west))
        write(tmp_path / "two", mixed, rule(to[west]))
        verdict = verify_bundle(tmp_path / "one")
        assert verdict.verified, verdict.differences
        assert verdict.slow.word == "unknown-rule"
        assert list(verdict.winners) == [str(p) for p in outcome.ids[outcome.order]]
        assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_the_slow_tally_agrees_where_it_knows_the_rule(tmp_path: Path) -> None:
    rules = (
        Rule("greedy", measure="votes-per-cost", misfit="stop"),
        Rule("equal-shares", completion="add1-greedy", step=2, ties=TieRule.parse("lot:a b")),
        Rule("equal-shares", satisfaction="cardinality", completion="greedy", start="whole"),
        Rule("phragmen", misfit="skip", ties=TieRule.parse("id-text")),
    )
    for seed, rule in enumerate(rules * 2):
        write(tmp_path / "b", some_election(seed, "approval"), rule)
        verdict = verify_bundle(tmp_path / "b", slow=True)
        assert (verdict.verified, verdict.slow.word) == (True, "agrees"), verdict.slow


def test_the_rule_is_written_with_every_choice_and_the_lots_that_were_drawn(tmp_path: Path) -> None:
    election = some_election(3, "approval")
    write(tmp_path / "b", election, Rule("equal-shares", ties=TieRule.parse("lot:spring")))
    found = json.loads((tmp_path / "b/rule.json").read_text())
    assert found["rule"] == {
        "rule": "equal-shares",
        "satisfaction": "cost",
        "completion": "none",
        "stop": "exhaustive",
        "start": "exact",
        "step": 1,
        "ties": "lot:spring",
    }
    lots = [sha256(f"spring:{lot['project']}".encode()).hexdigest() for lot in found["lots"]]
    assert lots == sorted(lots) == [lot["lot"] for lot in found["lots"]]
    assert {lot["project"] for lot in found["lots"]} == set(map(str, election.profile.ids))


@pytest.mark.parametrize("name", KNOWN)
def test_a_rule_said_in_full_counts_the_same(name: str) -> None:
    for seed in range(8):
        election = some_election(seed, KINDS[seed % 4], rich=name == "knapsack")
        rule = Rule(name)
        with suppress(ValueError):
            outcome = rule.count(election)
            full = in_full(rule).count(election)
            assert full.order.tolist() == outcome.order.tolist()
        assert in_full(in_full(rule)) == in_full(rule)


def test_a_seed_that_cannot_be_written_down_is_refused(tmp_path: Path) -> None:
    election = some_election(1, "approval")
    for seed in ("a,b", "a,lot", "a "):
        with pytest.raises(ValueError, match="cannot be written down"):
            write(tmp_path / "b", election, Rule(ties=TieRule(("lot",), seed)))
    assert list(tmp_path.iterdir()) == []


def test_only_the_rules_that_the_slow_tally_knows_are_asked_of_it() -> None:
    known = {name for name in KNOWN if slow_options(in_full(Rule(name)))}
    assert known == {"equal-shares", "greedy", "phragmen"}
    assert slow_options(in_full(Rule("greedy", threshold=3))) is None
    assert slow_options(in_full(Rule("greedy", limits=Limits(must=("7",))))) is None


def real_files() -> list[Path]:
    wanted = ("Assen", "Swiecie", "Aarau", "Toulouse_2019", "Aleksandrow")
    return [p for p in sorted(PACK.glob("*.pb*")) if any(name in p.name for name in wanted)]


@pytest.mark.parametrize("path", real_files(), ids=lambda path: path.name)
def test_bundles_of_real_elections_verify(path: Path, tmp_path: Path) -> None:
    election = read_election(path)
    for rule in (Rule("greedy"), Rule("equal-shares", completion="add1-greedy"), Rule("phragmen")):
        write(tmp_path / "b", election, rule)
        verdict = verify_bundle(tmp_path / "b", slow=False)
        assert verdict.verified, verdict.differences


# --- Writing it


def test_a_folder_that_is_no_bundle_is_left_alone(tmp_path: Path) -> None:
    election, rule = some_election(1, "approval"), Rule("greedy")
    (tmp_path / "mine").mkdir()
    for name in ("letter.txt", "manifest.json"):
        (tmp_path / "mine" / name).write_text('{"name": "my web page"}')
        with pytest.raises(ValueError, match="no count bundle"):
            write(tmp_path / "mine", election, rule)
    assert len(list((tmp_path / "mine").iterdir())) == 2
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    (tmp_path / "empty").mkdir()
    for name, why in (
        ("file", "is no folder"),
        ("link", "is no folder"),
        ("no/b", "make it first"),
    ):
        with pytest.raises(ValueError, match=why):
            write(tmp_path / name, election, rule)


def test_an_older_bundle_and_an_empty_folder_are_replaced(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    for seed in (1, 2):
        election = some_election(seed, "approval")
        print_ = write_bundle(tmp_path / "b", election, Rule(), Rule().count(election))
        assert verify_bundle(tmp_path / "b").fingerprint == print_
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_nothing_is_half_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "b", some_election(1, "approval"), Rule())
    before = contents(tmp_path / "b")

    def fail(*_: object, **__: object) -> dict[str, bytes]:
        raise OSError("the disk is full")

    monkeypatch.setattr(bundles, "documents", fail)
    with pytest.raises(OSError, match="full"):
        write(tmp_path / "b", some_election(2, "approval"), Rule())
    with pytest.raises(OSError, match="full"):
        write(tmp_path / "c", some_election(2, "approval"), Rule())
    assert contents(tmp_path / "b") == before
    assert [path.name for path in tmp_path.iterdir()] == ["b"]


def test_a_result_that_its_own_ballots_do_not_give_is_not_published(tmp_path: Path) -> None:
    election = next(
        e for s in range(99) if len(Rule().count(e := some_election(s, "approval")).order)
    )
    outcome = replace(Rule().count(election), order=np.zeros(0, dtype=np.int64))
    with pytest.raises(ValueError, match="do not publish"):
        write_bundle(tmp_path / "b", election, Rule(), outcome)
    assert list(tmp_path.iterdir()) == []


def test_ranks_with_ties_are_refused_because_the_file_cannot_say_them(tmp_path: Path) -> None:
    profile = Profile.from_pairs(
        ["a", "b"], [1, 1], project=["a", "b"], ballot=[1, 1], value=[1, 1]
    )
    election = Election(profile, 1, "ordinal", "", ("A", "B"), {})
    with pytest.raises(ValueError, match="rank projects equally"):
        write(tmp_path / "b", election, Rule("schulze"))


# --- Tampering


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle with three steps, a tie, and two ways to win."""
    folder = tmp_path_factory.mktemp("published")
    marks = {"a": [0, 1, 2, 5], "b": [0, 1, 2], "c": [3, 4], "d": [4], "e": [0]}
    profile = Profile.from_pairs(
        list("abcde"),
        [4900, 5000, 4050, 2100, 50000],
        project=[p for p, of in marks.items() for _ in of],
        ballot=[v for of in marks.values() for v in of],
    )
    election = Election(
        profile, 12000, "approval", "GBP", tuple("ABCDE"), {"description": "Street"}
    )
    write(folder / "b", election, Rule("equal-shares", completion="add1-greedy"))
    return folder / "b"


@pytest.fixture
def ours(published: Path, tmp_path: Path) -> Path:
    return shutil.copytree(published, tmp_path / "ours")


Change = Callable[[bytes, int, int], bytes]


def another_byte(content: bytes, at: int, to: int) -> bytes:
    at %= len(content)
    return content[:at] + bytes([(content[at] + 1 + to % 255) % 256]) + content[at + 1 :]


def without_a_line(content: bytes, at: int, _: int) -> bytes:
    lines = content.splitlines(keepends=True)
    del lines[at % len(lines)]
    return b"".join(lines)


def with_a_line_twice(content: bytes, at: int, _: int) -> bytes:
    lines = content.splitlines(keepends=True)
    return b"".join(lines[: at % len(lines) + 1] + lines[at % len(lines) :])


def with_lines_swapped(content: bytes, at: int, to: int) -> bytes:
    lines = content.splitlines(keepends=True)
    at, to = at % len(lines), to % len(lines)
    lines[at], lines[to] = lines[to], lines[at]
    return b"".join(lines)


def another_number(content: bytes, at: int, to: int) -> bytes:
    digits = [n for n, byte in enumerate(content) if chr(byte).isdigit()]
    if not digits:
        return content
    here = digits[at % len(digits)]
    return content[:here] + str(to % 10).encode() + content[here + 1 :]


def cut_short(content: bytes, at: int, _: int) -> bytes:
    return content[: at % len(content)]


CHANGES = (
    another_byte,
    without_a_line,
    with_a_line_twice,
    with_lines_swapped,
    another_number,
    cut_short,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(
    name=st.sampled_from(sorted(FILES)),
    change=st.sampled_from(CHANGES),
    at=st.integers(0, 10**6),
    to=st.integers(0, 10**6),
    cheats=st.booleans(),
)
@example(name="trace.jsonl", change=cut_short, at=10**9, to=0, cheats=True)
def test_any_change_of_any_file_is_found(
    ours: Path, published: Path, name: str, change: Change, at: int, to: int, cheats: bool
) -> None:
    before = (published / name).read_bytes()
    after = change(before, at, to)
    for path in published.iterdir():
        shutil.copy(path, ours)
    (ours / name).write_bytes(after)
    if cheats and name != "manifest.json":
        resealed(ours)
    verdict = judged(ours)
    if after == before:
        assert verdict is not None
        assert verdict.verified
    elif verdict is not None and verdict.engine == __version__:
        assert not verdict.verified


def leaves(data: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(data, dict):
        for key in data:
            yield from leaves(data[key], (*path, key))
    elif isinstance(data, list):
        for number, part in enumerate(data):
            yield from leaves(part, (*path, number))
    else:
        yield path


@pytest.mark.parametrize("name", ["result.json", "rule.json"])
def test_any_one_value_that_somebody_rewrites_with_care_is_found(ours: Path, name: str) -> None:
    whole = (ours / name).read_text()
    for path in leaves(json.loads(whole)):
        for lie in ("a", "", 0, 7, True, None, [], {"a": 1}, ["e", "d"]):
            data = json.loads(whole)
            inner = data
            for key in path[:-1]:
                inner = inner[key]
            if path[-1] == "engine" or (
                type(inner[path[-1]]) is type(lie) and inner[path[-1]] == lie
            ):
                continue
            inner[path[-1]] = lie
            (ours / name).write_text(
                json.dumps(data, ensure_ascii=False, sort_keys=True, indent=1) + "\n"
            )
            resealed(ours)
            verdict = judged(ours)
            assert verdict is None or not verdict.verified, (path, lie)


def test_the_first_difference_is_told_in_words(ours: Path) -> None:
    result = json.loads((ours / "result.json").read_text())
    assert result["winners"] == ["a", "c", "d"]
    result["winners"] = ["a", "b"]
    (ours / "result.json").write_text(json.dumps(result, sort_keys=True, indent=1) + "\n")
    found = verify_bundle(ours).differences
    assert found[0].what.startswith("result.json is not the file that was published")
    assert found[0].recount == sha256((ours / "result.json").read_bytes()).hexdigest()
    assert found[1].what == "step 2: the bundle names b (B), the recount gives c (C)"
    assert found[2].what == "step 3: the bundle names no winner, the recount gives d (D)"
    assert [difference.step for difference in found] == [0, 2, 3]


def test_a_ballot_that_somebody_changes_shows_in_steps(ours: Path) -> None:
    ballots = (ours / "ballots.pb").read_text()
    assert "\n1;a\n" in ballots
    (ours / "ballots.pb").write_text(
        ballots.replace("\n1;a\n", "\n1;b\n")
        .replace(";49;4;", ";49;3;")
        .replace(";50;3;", ";50;4;")
    )
    resealed(ours)
    found = [difference.what for difference in verify_bundle(ours).differences]
    assert any(what.startswith("step 1: the bundle names a (A), the recount") for what in found)


def test_another_version_may_do_the_work_otherwise_but_not_find_others(
    ours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundles, "__version__", "99.0")
    result = json.loads((ours / "result.json").read_text())
    (ours / "README.txt").write_text("Other words.\n")
    for runs, winners, good in ((77, result["winners"], True), (5, ["a"], False)):
        changed = result | {"runs": runs, "winners": winners}
        (ours / "result.json").write_text(json.dumps(changed, sort_keys=True, indent=1) + "\n")
        resealed(ours)
        verdict = verify_bundle(ours)
        assert verdict.verified is good
        assert verdict.notes[0].endswith("99.0 counted it again.")
        assert any("README.txt" in note for note in verdict.notes)


# --- Bundles from anybody


def packed(folder: Path, kind: str) -> Path:
    made = shutil.make_archive(str(folder), {".zip": "zip", ".tar.gz": "gztar"}[kind], folder)
    return Path(made)


@pytest.mark.parametrize("kind", [".zip", ".tar.gz"])
def test_an_archive_of_a_bundle_verifies_too(ours: Path, kind: str) -> None:
    assert verify_bundle(packed(ours, kind)).verified
    (ours / "trace.jsonl").write_bytes(b"")
    assert not verify_bundle(packed(ours, kind)).verified


def test_the_copy_of_the_slow_tally_in_a_bundle_is_never_run(ours: Path) -> None:
    (ours / "reference.py").write_text("open('/'.join([*__file__.split('/')[:-1], 'ran']), 'w')\n")
    resealed(ours)
    verdict = verify_bundle(ours, slow=True)
    assert not (ours / "ran").exists()
    assert verdict.slow.word == "agrees"
    assert [found.file for found in verdict.differences] == ["reference.py"]


def test_a_file_that_is_no_part_of_a_bundle_is_named(ours: Path) -> None:
    (ours / "ballots2.pb").write_text("")
    (ours / "more\x1b").mkdir()
    found = verify_bundle(ours, slow=False).differences
    assert [difference.file for difference in found] == ["ballots2.pb", "more?"]


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_missing_file_a_link_a_pipe_and_a_folder_are_refused(ours: Path, name: str) -> None:
    content = (ours / name).read_bytes()
    (ours / name).unlink()
    with pytest.raises(BundleError, match="has no"):
        verify_bundle(ours)
    (ours.parent / "elsewhere").write_bytes(content)
    ways: tuple[tuple[Callable[[], None], Callable[[Path], None]], ...] = (
        (lambda: (ours / name).symlink_to(ours.parent / "elsewhere"), Path.unlink),
        (lambda: os.mkfifo(ours / name), Path.unlink),
        (lambda: (ours / name).mkdir(), Path.rmdir),
    )
    for make, undo in ways:
        make()
        with pytest.raises(BundleError, match=r"link|plain file|cannot be read"):
            verify_bundle(ours)
        undo(ours / name)


def test_a_file_that_is_too_large_is_refused_unread(ours: Path) -> None:
    with (ours / "ballots.pb").open("r+b") as file:
        file.truncate(FILES["ballots.pb"] + 1)  # a hole; it takes no room on the disk
    with pytest.raises(BundleError, match=r"ballots\.pb is larger"):
        verify_bundle(ours)


DEEP = b"[" * 100_000 + b"]" * 100_000
NASTY = {
    "nothing": b"",
    "no JSON": b"\x00\x01",
    "NaN": b'{"rule": NaN}',
    "a float": b'{"rule": 1e999}',
    "deep": DEEP,
    "deep inside": b'{"rule": ' + DEEP + b"}",
    "a long number": b'{"rule": ' + b"9" * 100_000 + b"}",
    "a list": b"[]",
    "null": b"null",
    "a key twice": b'{"rule": 1, "rule": 2}',
    "no UTF-8": b'{"rule": "\xff"}',
    "a lone surrogate": b'{"rule": "\\ud800"}',
}


@pytest.mark.parametrize("name", ["manifest.json", "rule.json", "result.json", "trace.jsonl"])
@pytest.mark.parametrize("what", NASTY)
def test_nasty_json_is_refused_in_words(ours: Path, name: str, what: str) -> None:
    (ours / name).write_bytes(NASTY[what])
    for _ in range(2):
        verdict = judged(ours)
        assert verdict is None or not verdict.verified
        if name != "manifest.json":
            resealed(ours)


@pytest.mark.parametrize(
    "lie",
    [
        {"step": 10**4000},
        {"step": 0},
        {"step": True},
        {"step": -1},
        {"seats": 2},
        {"threshold": "1/0"},
        {"limits": {"pots": [{"name": "x", "projects": ["a"], "pence": 10**30}]}},
        {"limits": {"pots": [{"name": "x", "projects": ["a"], "pence": 5, "ballots": [-1]}]}},
        {"limits": {"pots": [{"name": "x", "projects": ["a"], "pence": 5, "ballots": [10**25]}]}},
        {"limits": {"pots": [{"name": "x", "projects": ["a"], "pence": 5, "ballots": [[1]]}]}},
        {"limits": {"pots": [{"name": "x", "projects": ["a"], "pence": 5, "ballots": ["1", 2]}]}},
        {"limits": {"must": ["nobody"]}},
        {"limits": {"must": [["a"]]}},
        {"limits": {"caps": 7}},
        {"limits": []},
        {"ties": "lot:\ud800"},
        {"ties": ""},
        {"rule": "../../etc/passwd"},
        {"rule": ["greedy"]},
        {"satisfaction": "points"},
        {"satisfaction": None},
        {"completion": "--help"},
    ],
    ids=str,
)
def test_an_impossible_rule_is_refused_in_words(ours: Path, lie: dict[str, Any]) -> None:
    data = json.loads((ours / "rule.json").read_text())
    data["rule"] |= lie
    (ours / "rule.json").write_text(json.dumps(data))
    resealed(ours)
    verdict = judged(ours)
    assert verdict is None or not verdict.verified


@pytest.mark.parametrize(
    "lie",
    [
        {"format": "other"},
        {"version": 2},
        {"version": None},
        {"files": []},
        {"files": {"../../etc/passwd": "0" * 64}},
        {"files": dict.fromkeys(FILES, 7)},
        {"more": 1},
    ],
    ids=str,
)
def test_a_manifest_of_another_form_is_refused(ours: Path, lie: dict[str, Any]) -> None:
    data = json.loads((ours / "manifest.json").read_text())
    (ours / "manifest.json").write_text(json.dumps(data | lie))
    with pytest.raises(BundleError):
        verify_bundle(ours)


def tar_of(*members: tarfile.TarInfo, content: bytes = b"") -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as pack:
        for member in members:
            member.size = len(content) if member.isreg() else 0
            pack.addfile(member, io.BytesIO(content) if member.isreg() else None)
    return made.getvalue()


def zip_of(*names: str, content: bytes = b"") -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as pack:
        for name in names:
            pack.writestr(name, content)
    return made.getvalue()


def link(name: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return member


def zip_link() -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as pack:
        member = zipfile.ZipInfo("b/manifest.json")
        member.external_attr = 0o120777 << 16
        pack.writestr(member, "/etc/passwd")
    return made.getvalue()


HOSTILE: dict[str, Callable[[], bytes]] = {
    "up.tar.gz": lambda: tar_of(tarfile.TarInfo("../manifest.json")),
    "root.tar.gz": lambda: tar_of(tarfile.TarInfo("/etc/manifest.json")),
    "deep.tar.gz": lambda: tar_of(tarfile.TarInfo("a/b/manifest.json")),
    "link.tar.gz": lambda: tar_of(link("b/manifest.json")),
    "two.tar.gz": lambda: tar_of(tarfile.TarInfo("a/rule.json"), tarfile.TarInfo("b/rule.json")),
    "twice.tar.gz": lambda: tar_of(tarfile.TarInfo("a/rule.json"), tarfile.TarInfo("a/rule.json")),
    "many.tar.gz": lambda: tar_of(*(tarfile.TarInfo(f"b/{n}") for n in range(200))),
    "bomb.tar.gz": lambda: tar_of(tarfile.TarInfo("b/README.txt"), content=bytes(2**23)),
    "huge.tar.gz": lambda: gzip.compress(bytes(2**20), 1) * 1030,
    "cut.tar.gz": lambda: tar_of(tarfile.TarInfo("b/README.txt"), content=b"x" * 9999)[:90],
    "text.tar.gz": lambda: gzip.compress(b"only a text"),
    "up.zip": lambda: zip_of("../manifest.json"),
    "windows.zip": lambda: zip_of("..\\manifest.json"),
    "root.zip": lambda: zip_of("/manifest.json"),
    "link.zip": zip_link,
    "twice.zip": lambda: zip_of("b/rule.json", "a/rule.json"),
    "many.zip": lambda: zip_of(*(f"b/{n}" for n in range(200))),
    "bomb.zip": lambda: zip_of("b/README.txt", content=bytes(2**23)),
    "cut.zip": lambda: zip_of("b/README.txt", content=b"xyz")[:60],
    "empty.zip": lambda: b"PK\x03\x04",
    "empty.tar.gz": lambda: b"",
    "words.txt": lambda: b"no bundle at all",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_archives_are_refused_in_words(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(HOSTILE[name]())
    with pytest.raises(BundleError):
        verify_bundle(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_an_encrypted_or_oddly_packed_archive_is_refused(ours: Path) -> None:
    made = packed(ours, ".zip")
    content = bytearray(made.read_bytes())
    at = content.find(b"PK\x01\x02")
    content[at + 8] |= 1  # the flag for encrypted
    made.write_bytes(bytes(content))
    with pytest.raises(BundleError):
        verify_bundle(made)
    content[at + 8] &= 254
    content[at + 10] = 99  # a way of packing nobody knows
    made.write_bytes(bytes(content))
    with pytest.raises(BundleError):
        verify_bundle(made)


@pytest.mark.parametrize("name", ["", "no such", "a\0b", "x" * 5000, "/dev/null", "/dev/zero"])
def test_names_of_nothing_are_refused_in_words(name: str) -> None:
    with pytest.raises(BundleError):
        verify_bundle(name)


@given(
    st.recursive(
        st.integers() | st.text() | st.none(),
        lambda x: st.lists(x) | st.dictionaries(st.text(), x),
        max_leaves=9,
    )
)
def test_data_differs_from_itself_nowhere(data: Any) -> None:
    assert list(parts(data, data)) == []
    assert list(parts([data], [[data]])) != []
