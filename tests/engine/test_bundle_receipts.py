"""Receipts in a bundle: one root, a proof for each, and as many as ballots."""

from __future__ import annotations

import json
from base64 import b32encode
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commonweal.engine.voting import Outcome, Profile, Rule
from commonweal.engine.voting.bundle import BundleError, verify_bundle, write_bundle
from commonweal.engine.voting.bundle_files import as_json
from commonweal.engine.voting.bundle_receipts import (
    as_text,
    leads_to,
    leaf,
    proof_of,
    readings,
    root_of,
    summary,
)
from commonweal.engine.voting.election import Election

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


def readable(content: bytes) -> str:
    code = b32encode(content).decode()
    return "-".join(code[k : k + 4] for k in range(0, 16, 4))


receipts_of_a_pot = st.sets(st.binary(min_size=10, max_size=10), max_size=40).map(
    lambda found: sorted(map(readable, found))
)


def by_the_book(receipts: list[str]) -> bytes:
    """Return the tree's head as RFC 6962 writes it down: halves, recursively."""
    if not receipts:
        return sha256(b"").digest()
    if len(receipts) == 1:
        return leaf(receipts[0])
    half = 1
    while 2 * half < len(receipts):
        half *= 2
    left, right = by_the_book(receipts[:half]), by_the_book(receipts[half:])
    return sha256(b"\x01" + left + right).digest()


@given(receipts_of_a_pot)
def test_the_root_is_that_of_the_standard(receipts: list[str]) -> None:
    assert root_of(receipts) == by_the_book(receipts).hex()


@given(receipts_of_a_pot, st.data())
def test_every_receipt_is_proven_and_no_other(receipts: list[str], data: st.DataObject) -> None:
    root = root_of(receipts)
    for place, receipt in enumerate(receipts):
        path = proof_of(receipts, place)
        assert leads_to(receipt, place, len(receipts), path) == root
        other = data.draw(st.binary(min_size=10, max_size=10).map(readable))
        if other != receipt:
            assert leads_to(other, place, len(receipts), path) != root
        for wrong in ([*path, root], path[:-1]):
            if wrong != path:
                with pytest.raises(ValueError, match="the path is too"):
                    leads_to(receipt, place, len(receipts), wrong)


@given(receipts_of_a_pot.filter(len), st.data())
def test_no_other_list_has_the_same_root(receipts: list[str], data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(receipts) - 1))
    without = receipts[:at] + receipts[at + 1 :]
    assert root_of(without) != root_of(receipts)
    assert root_of([*receipts, receipts[-1]]) != root_of(receipts)


@given(st.binary(min_size=10, max_size=10).map(readable), st.randoms())
def test_a_receipt_is_read_however_it_is_typed(receipt: str, draw: object) -> None:
    typed = receipt.replace("-", "").lower()
    for alike in ("oO0", "il1IL", "b8B", "s5S", "z2Z"):
        for letter in alike:
            typed = typed.replace(letter, "\0")
        # whatever stood there, one look-alike is written for all of them
        typed = typed.replace("\0", alike[2])
    few = sum(typed.count(letter) for letter in "1SZ") + sum(typed.count(x) for x in "g6")
    if few <= 10:
        assert receipt in readings(typed)
    assert readings(f"  {receipt.lower().replace('-', ' - ')}. ")[0] == receipt


@pytest.mark.parametrize(
    "typed", ["", "ABCD", "A" * 17, "ABCD-EFGH-2345-672!", "\0" * 16, "é" * 16]
)
def test_what_is_no_receipt_is_none(typed: str) -> None:
    assert readings(typed) == []


def test_hostile_typing_costs_little() -> None:
    assert len(readings("1" * 16)) == 1_024
    assert readings("1" * 10**6) == []


# --- in a bundle


def an_election(ballots: int = 30) -> Election:
    marks = [(p, v) for v in range(ballots) for p in "ab" if (v + ord(p)) % 3]
    profile = Profile.from_pairs(
        ["a", "b"],
        [500_00, 400_00],
        project=[p for p, _ in marks],
        ballot=[v for _, v in marks],
        voters=ballots,
    )
    return Election(profile, 700_00, "approval", "GBP", ("Trees", "Benches"), {})


def codes(ballots: int) -> list[str]:
    return sorted(readable(sha256(bytes([n])).digest()[:10]) for n in range(ballots))


def written(folder: Path, rule: Rule | None = None, **given: object) -> tuple[str, Outcome]:
    election = an_election()
    rule = rule or Rule("equal-shares", completion="add1-greedy")
    outcome = rule.count(election)
    return write_bundle(
        folder, election, rule, outcome, **{"receipts": codes(30), **given}
    ), outcome


def resealed(folder: Path, *, root: bool) -> None:
    said = json.loads((folder / "manifest.json").read_text())
    for name in said["files"]:
        said["files"][name] = sha256((folder / name).read_bytes()).hexdigest()
    if root:
        said["receipts"] = summary((folder / "receipts.txt").read_text().splitlines())
    (folder / "manifest.json").write_bytes(as_json(said))


def test_a_bundle_with_receipts_verifies_and_says_its_root(tmp_path: Path) -> None:
    fingerprint, _outcome = written(tmp_path / "count")
    verdict = verify_bundle(tmp_path / "count")
    assert verdict.verified
    assert verdict.fingerprint == fingerprint
    assert verdict.root == root_of(codes(30))
    assert verdict.receipts == set(codes(30))
    assert "receipts.txt" in (tmp_path / "count/README.txt").read_text()


def test_there_have_to_be_as_many_receipts_as_ballots(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="29 receipts for 30 ballots"):
        written(tmp_path / "count", receipts=codes(30)[1:])
    assert not (tmp_path / "count").exists()


@pytest.mark.parametrize("root", [False, True])
@pytest.mark.parametrize("change", ["one more", "one less", "twice", "in disorder", "no receipt"])
def test_receipts_that_are_not_the_ballots_are_found(
    tmp_path: Path, change: str, *, root: bool
) -> None:
    written(tmp_path / "count")
    lines = codes(30)
    changed = {
        "one more": sorted([*lines, "AAAA-AAAA-AAAA-AAAA"]),
        "one less": lines[1:],
        "twice": [*lines[:-1], lines[-2]],
        "in disorder": lines[::-1],
        "no receipt": ["=cmd", *lines[1:]],
    }[change]
    (tmp_path / "count/receipts.txt").write_text("".join(f"{line}\n" for line in changed))
    assert not verify_bundle(tmp_path / "count").verified
    resealed(tmp_path / "count", root=root)
    assert not verify_bundle(tmp_path / "count").verified


def test_another_receipt_in_the_place_of_one_shows_in_the_root_alone(tmp_path: Path) -> None:
    """Whoever rewrites all of it can do that: so the root is announced, and voters look."""
    written(tmp_path / "count")
    lines = sorted([*codes(30)[1:], "AAAA-AAAA-AAAA-AAAA"])
    (tmp_path / "count/receipts.txt").write_bytes(as_text(lines))
    resealed(tmp_path / "count", root=False)
    assert not verify_bundle(tmp_path / "count").verified
    resealed(tmp_path / "count", root=True)
    again = verify_bundle(tmp_path / "count")
    assert again.verified
    assert again.root != root_of(codes(30))


def test_a_bundle_that_lacks_the_receipts_it_names_is_refused(tmp_path: Path) -> None:
    written(tmp_path / "count")
    (tmp_path / "count/receipts.txt").unlink()
    with pytest.raises(BundleError, match=r"no receipts\.txt"):
        verify_bundle(tmp_path / "count")


def test_ballots_that_would_show_somebody_are_withheld_and_it_is_said(tmp_path: Path) -> None:
    written(tmp_path / "count", withhold=True)
    names = {path.name for path in (tmp_path / "count").iterdir()}
    assert names == {"README.txt", "manifest.json", "receipts.txt", "result.json", "rule.json"}
    everything = b"".join(path.read_bytes() for path in (tmp_path / "count").iterdir())
    assert b"trace_sha256" not in everything, "few ballots could be guessed from a hash"
    verdict = verify_bundle(tmp_path / "count")
    assert not verdict.verified
    assert not verdict.is_whole
    assert verdict.differences == ()
    assert (verdict.voters, verdict.root) == (30, root_of(codes(30)))
    (tmp_path / "count/receipts.txt").write_bytes(as_text(codes(30)[1:]))
    assert verify_bundle(tmp_path / "count").differences


@pytest.mark.parametrize("lie", [["ballots.pb"], [], "ballots.pb", ["manifest.json"], None, 5])
def test_nobody_withholds_what_they_like(tmp_path: Path, lie: object) -> None:
    written(tmp_path / "count", withhold=True)
    said = json.loads((tmp_path / "count/manifest.json").read_text())
    (tmp_path / "count/manifest.json").write_bytes(as_json(said | {"withheld": lie}))
    with pytest.raises(BundleError):
        verify_bundle(tmp_path / "count")


@pytest.mark.parametrize("name", ["equal-shares", "greedy", "phragmen"])
def test_with_too_few_ballots_nothing_wins_and_the_bundle_says_so(
    tmp_path: Path, name: str
) -> None:
    short = Rule(name, quorum=31)
    _fingerprint, outcome = written(tmp_path / "count", rule=short)
    assert outcome.spent == 0
    assert not outcome.funded.any()
    assert verify_bundle(tmp_path / "count", slow=True).verified
    assert json.loads((tmp_path / "count/rule.json").read_text())["rule"]["quorum"] == 31
    assert "needed 31 ballots and 30 came" in (tmp_path / "count/README.txt").read_text()
    enough = Rule(name, quorum=30).count(an_election())
    assert enough.order.tolist() == Rule(name).count(an_election()).order.tolist()
    assert Rule.from_json(short.to_json()) == short


@pytest.mark.parametrize("quorum", [0, -1])
def test_a_quorum_is_some(quorum: int) -> None:
    with pytest.raises(ValueError, match="quorum"):
        Rule(quorum=quorum)
