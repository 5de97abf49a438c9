"""Somebody who has only read docs/know/count-bundle.md checks what the site published."""

from __future__ import annotations

import io
import json
import random
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse

from commonweal.decide.ballots.models import Ballot
from commonweal.decide.budgets.models import BallotKind, Pot, Rule
from commonweal.decide.counts import actions as counts
from tests.decide.conftest import numbers
from tests.decide.test_counting import KINDS
from tests.factories import world

BY_HAND = Path(__file__).with_name("by_hand.py")


def checked(place: Path) -> tuple[int, str]:
    """Run the verifier alone: no module of ours is within its reach."""
    command = [sys.executable, "-I", "-S", str(BY_HAND), str(place)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def published(challenge, now, client, tmp_path) -> Callable[..., Path]:
    """Return a function that counts a pot of drawn ballots; it gives the archive that anybody gets."""

    def make(*, kind: str, rule: str, seed: int = 1, voters: int = 40, **given: Any) -> Path:
        draw = random.Random(seed)
        one = {"fewest": 1, "most": 1} if kind == BallotKind.CHOOSE_ONE else {}
        costs = [draw.choice([9_000_50, 10_000_00, 20_000_00, 35_000_00]) for _project in range(6)]
        past = {"opens_at": now - timedelta(days=9), "closes_at": now - timedelta(days=1)}
        exclusive = given.pop("exclusive", False)
        pot = world.a_pot(
            challenge,
            title="Ours; “all”",
            costs=tuple(costs),
            ballot_kind=kind,
            rule=rule,
            **{**past, **one, **given},
        )
        ids = numbers(pot)
        if exclusive:
            pot.projects.filter(pk__in=ids[:3]).update(exclusive="the site of the old baths")
        fill(pot, ids, voters, draw)
        counts.count_closed_pot(pot_id=pot.pk, at=now)
        place = tmp_path / f"pot-{pot.pk}.zip"
        place.write_bytes(client.get(reverse("counts:bundle", args=[pot.pk])).content)
        return place

    return make


def fill(pot: Pot, ids: list[int], voters: int, draw: random.Random) -> None:
    """Put ballots into the box: every idea has five who list it, and some list none."""
    for n in range(voters):
        likes = draw.sample(ids, draw.randint(1, 5))
        if pot.ballot_kind == BallotKind.CHOOSE_ONE:
            likes = [ids[min(n % 7, draw.randint(0, 6), 5)]] if n >= 30 else [ids[n % 6]]
        marks = {
            BallotKind.RANKED: list(range(1, len(likes) + 1)),
            BallotKind.POINTS: [draw.randint(1, 4) for _like in likes],
            BallotKind.SCORES: [draw.randint(1, 5) for _like in likes],
        }.get(BallotKind(pot.ballot_kind), [1] * len(likes))
        likes, marks = ([], []) if n % 13 == 12 else (likes, marks)
        Ballot.objects.create(pot=pot, envelope=bytes([n]) * 32, projects=likes, marks=marks)


@pytest.mark.parametrize(("kind", "rule"), KINDS)
@pytest.mark.parametrize("exclusive", [False, True])
def test_counting_again_by_hand_gives_what_was_published(
    published: Callable[..., Path], kind: str, rule: str, exclusive: bool
) -> None:
    place = published(kind=kind, rule=rule, seed=1 + exclusive, exclusive=exclusive)
    assert checked(place) == (0, "agrees\n")


@pytest.mark.parametrize("rule", Rule.values)
def test_a_missed_quorum_and_ties_are_checked_by_hand_too(
    published: Callable[..., Path], rule: str
) -> None:
    for given in ({"quorum": 41}, {"quorum": 40}, {"pence": 30_000_00}):
        place = published(kind=BallotKind.APPROVAL, rule=rule, **given)
        assert checked(place) == (0, "agrees\n")


def test_an_archive_without_its_ballots_is_checked_by_hand_as_far_as_it_goes(
    published: Callable[..., Path],
) -> None:
    place = published(kind=BallotKind.APPROVAL, rule=Rule.GREEDY, voters=6)
    with zipfile.ZipFile(place) as pack:
        assert not any(name.endswith("ballots.pb") for name in pack.namelist())
    assert checked(place) == (0, "agrees\n")


def test_who_changes_the_result_and_makes_all_hashes_fit_is_found_by_hand(
    published: Callable[..., Path], tmp_path: Path
) -> None:
    place = published(kind=BallotKind.APPROVAL, rule=Rule.EQUAL_SHARES)
    with zipfile.ZipFile(place) as pack:
        files = {name: pack.read(name) for name in pack.namelist()}
    folder = next(iter(files)).partition("/")[0]
    changes: dict[str, tuple[Callable[[bytes], bytes], str]] = {
        "result.json": (_without_the_last_winner, "winners: counting again"),
        "ballots.pb": (_with_an_empty_ballot, "votes: counting again"),
        "receipts.txt": (lambda was: was.partition(b"\n")[2], "not as many receipts"),
    }
    for name, (change, said) in changes.items():
        other = {**files, f"{folder}/{name}": change(files[f"{folder}/{name}"])}
        forged = tmp_path / "forged.zip"
        forged.write_bytes(_with_hashes_that_fit(other, folder))
        code, words = checked(forged)
        assert code == 1
        assert said in words


def _with_an_empty_ballot(was: bytes) -> bytes:
    before, _sep, _last = was.rpartition(b"\n40;")
    return before + b"\n40;\n"


def _without_the_last_winner(was: bytes) -> bytes:
    told = json.loads(was)
    told["winners"].pop()
    return json.dumps(told, sort_keys=True, indent=1).encode() + b"\n"


def _with_hashes_that_fit(files: dict[str, bytes], folder: str) -> bytes:
    said = json.loads(files[f"{folder}/manifest.json"])
    said["files"] = {name: sha256(files[f"{folder}/{name}"]).hexdigest() for name in said["files"]}
    files = {
        **files,
        f"{folder}/manifest.json": json.dumps(said, sort_keys=True, indent=1).encode(),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as pack:
        for name, content in files.items():
            pack.writestr(name, content)
    return out.getvalue()
