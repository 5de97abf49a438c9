"""Checking a count: the archive, receipts however they are typed, proofs, and what is never shown."""

from __future__ import annotations

import csv
import io
import json
import logging
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from commonweal.decide.ballots import actions as casting
from commonweal.decide.ballots.models import Ballot, Receipt
from commonweal.decide.ballots.rules import Choice
from commonweal.decide.budgets.models import Pot
from commonweal.decide.counts import actions as counts
from commonweal.decide.counts import queries, tasks
from commonweal.decide.counts.models import Bundle
from commonweal.engine.voting.bundle import verify_bundle
from commonweal.engine.voting.bundle_receipts import leads_to
from commonweal.ground.challenges.models import Challenge
from commonweal.ground.journal.models import Entry
from tests.decide.conftest import numbers
from tests.decide.crowd import vote_for
from tests.factories import world

pytestmark = pytest.mark.django_db


def at(name: str, pot: Pot) -> str:
    return reverse(f"counts:{name}", args=[pot.pk])


@pytest.fixture(autouse=True)
def _nobody_tried_before() -> None:
    cache.clear()


@pytest.fixture
def closed(challenge: Challenge, now: datetime) -> Pot:
    """Return a pot that has closed and is not counted."""
    return world.a_pot(challenge, opens_at=now - timedelta(9), closes_at=now - timedelta(1))


@pytest.fixture
def counted(closed: Pot, community: Any) -> Callable[..., tuple[Pot, list[str]]]:
    """Return a function that lets people vote and counts; it gives the pot and all receipts."""

    def make(ballots: int = 30, **given: Any) -> tuple[Pot, list[str]]:
        vote_for(closed, community, ballots, **given)
        codes = [ballot.code for ballot in closed.ballots.all()]
        return counts.count_closed_pot(pot_id=closed.pk, at=closed.closes_at), codes

    return make


def unpacked(client: Client, pot: Pot) -> dict[str, bytes]:
    answer = client.get(at("bundle", pot))
    assert answer.status_code == 200
    assert f'filename="pot-{pot.pk}.zip"' in answer.headers["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as pack:
        return {name.partition("/")[2]: pack.read(name) for name in pack.namelist()}


def test_what_anybody_downloads_verifies_at_the_command_line(counted, client, tmp_path) -> None:
    pot, codes = counted()
    place = tmp_path / "count.zip"
    place.write_bytes(client.get(at("bundle", pot)).content)
    command = [sys.executable, "-m", "commonweal", "tally", str(place), "--verify", "--receipt"]
    done = subprocess.run([*command, codes[7]], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Yes: counting again gives what was published." in done.stdout
    assert f"The receipt {codes[7]} is among the 30" in done.stdout
    assert pot.bundle.fingerprint in done.stdout
    assert pot.bundle.root in done.stdout


def test_every_receipt_that_was_given_out_is_in_the_archive_and_no_other(counted, client) -> None:
    pot, codes = counted()
    assert unpacked(client, pot)["receipts.txt"].decode().split() == sorted(codes)


def test_fingerprint_and_root_stand_in_the_public_journal(counted, client, visit) -> None:
    pot, _codes = counted()
    told = Entry.objects.get(what="bundle.announced")
    assert told.is_public
    assert told.facts == {"fingerprint": pot.bundle.fingerprint, "root": pot.bundle.root}
    words = json.dumps(client.get("/api/journal").json())
    page = visit(at("check", pot))
    for number in (pot.bundle.fingerprint, pot.bundle.root):
        assert number in words
        assert number in page.text
        assert number in visit(pot.challenge.get_absolute_url()).text
    assert f"commonweal tally pot-{pot.pk}.zip --verify" in page.text


def test_a_receipt_is_found_however_it_is_typed(counted, visit) -> None:
    pot, codes = counted()
    code = next(c for c in codes if "O" in c or "B" in c or "I" in c)
    for typed in (
        code,
        code.lower(),
        code.replace("-", ""),
        f"  {code.replace('-', ' ')}  ",
        code.replace("O", "0").replace("B", "8").replace("I", "1"),
    ):
        page = visit(at("check", pot), data={"receipt": typed})
        assert "Yes, your ballot was counted" in page.text, typed
        assert code in page.text
        assert "among the 30 receipts" in page.text
    assert "we read your code as it stands here" in page.text


@pytest.mark.parametrize("typed", ["", "ABCD", "A" * 17, "<b>ABC-DEF</b>", "\x00" * 16, "é" * 80])
def test_what_is_no_receipt_is_said_in_words(counted, visit, typed) -> None:
    pot, _codes = counted(6)
    page = visit(at("check", pot), data={"receipt": typed}, status=422)
    assert page.title.startswith("Mistake:")
    assert "Yes, your" not in page.text


def test_who_does_not_find_their_receipt_is_told_what_to_do(counted, visit) -> None:
    pot, _codes = counted(6)
    page = visit(at("check", pot), data={"receipt": "ABCD-EFGH-2345-6723"})
    assert "not among those counted here" in page.text
    assert "ABCD-EFGH-2345-6723" in page.text
    for hint in (
        "letter by letter",
        "receipts of its own",
        "voted on paper",
        "an error of the count",
    ):
        assert hint in page.text


def test_a_receipt_of_another_pot_is_not_found_here(
    counted, challenge, community, now, visit
) -> None:
    pot, codes = counted(6)
    other = world.a_pot(challenge, opens_at=now - timedelta(9), closes_at=now - timedelta(1))
    vote_for(other, community, 6)
    counts.count_closed_pot(pot_id=other.pk, at=now)
    assert "Yes, your" in visit(at("check", pot), data={"receipt": codes[0]}).text
    assert "not among" in visit(at("check", other), data={"receipt": codes[0]}).text


def test_the_proof_leads_to_the_published_root(counted, client) -> None:
    pot, codes = counted(21)
    for code in codes[:5]:
        answer = client.post(at("check", pot), {"receipt": code, "do": "proof"})
        assert answer.headers["Content-Type"] == "application/json"
        told = json.loads(answer.content)
        assert told["receipt"] == code
        assert leads_to(code, told["place"], told["of"], told["path"]) == pot.bundle.root
        assert client.get(f"/api/pots/{pot.pk}/receipts/{code}").json() == {
            key: told[key] for key in ("receipt", "place", "of", "path", "root")
        }


def test_the_page_in_the_docs_checks_a_proof_by_itself(counted, client, tmp_path) -> None:
    """What docs/know/count-bundle.md prints is run as it stands there."""
    pot, codes = counted(13)
    page = (Path(__file__).parents[2] / "docs/know/count-bundle.md").read_text()
    block = page[page.index("    import hashlib, json") :].split("\n\n")[0]
    program = "\n".join(line.removeprefix("    ") for line in block.splitlines())
    proof = client.post(at("check", pot), {"receipt": codes[3], "do": "proof"}).content
    (tmp_path / "receipt-proof.json").write_bytes(proof)

    def said() -> str:
        command = [sys.executable, "-c", program]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True).stdout

    assert said() == "True\n"
    (tmp_path / "receipt-proof.json").write_bytes(
        proof.replace(codes[3].encode(), b"AAAA-AAAA-AAAA-AAAA")
    )
    assert said() == "False\n"


def test_who_tries_very_many_receipts_is_held_back(counted, visit) -> None:
    pot, codes = counted(6)
    for _try in range(30):
        visit(at("check", pot), data={"receipt": "ABCD-EFGH-2345-6723"}, check=False)
    page = visit(at("check", pot), data={"receipt": codes[0]}, status=422)
    assert "too many tries" in page.text
    assert "Yes, your" not in page.text


def test_nobody_keeps_who_looked(counted, resident, signed_in, visit, caplog) -> None:
    pot, codes = counted(6)
    signed_in(resident)
    entries = Entry.objects.count()
    with caplog.at_level(logging.DEBUG):
        page = visit(at("check", pot), data={"receipt": codes[0]})
    assert "Yes, your" in page.text
    assert Entry.objects.count() == entries
    assert codes[0] not in caplog.text
    assert codes[0].replace("-", "") not in caplog.text
    assert all(codes[0] not in link for link in page.links), "an address would stand in logs"
    assert "no-store" in page.response.headers["Cache-Control"]


def test_a_receipt_says_nothing_of_the_choice(closed, resident, community, seen_by) -> None:
    """The same receipt stays while the vote changes, and two that chose the same have others."""
    while_open = seen_by(resident, at=closed.closes_at - timedelta(hours=1))
    first = casting.cast_ballot(
        viewer=while_open, pot_id=closed.pk, choice=Choice.of(numbers(closed))
    ).code
    assert (
        casting.cast_ballot(viewer=while_open, pot_id=closed.pk, choice=Choice.of([])).code == first
    )
    vote_for(closed, community, 30, chosen=[])
    counts.count_closed_pot(pot_id=closed.pk, at=closed.closes_at)
    assert Receipt.objects.filter(pot=closed).count() == 31
    assert not Ballot.objects.exclude(receipt=None).exists()


# --- few voters, few who chose something


def test_where_few_chose_an_idea_everything_but_the_ballots_is_published(
    counted, community, closed, client, visit
) -> None:
    first, second, _third = numbers(closed)
    vote_for(closed, community, 3, [first, second])
    pot, codes = counted(20, chosen=[first])
    assert not pot.bundle.is_whole
    files = unpacked(client, pot)
    assert set(files) == {"README.txt", "manifest.json", "receipts.txt", "result.json", "rule.json"}
    assert client.get(at("ballots", pot)).status_code == 404
    assert not client.get(f"/api/pots/{pot.pk}/bundle").json()["has_ballots"]
    page = visit(at("check", pot))
    assert "left out of the archive" in page.text
    assert "not count again" in page.text
    assert "Yes, your" in visit(at("check", pot), data={"receipt": codes[0]}).text
    assert counts.verify_published(pot_id=pot.pk, at=pot.counted_at)
    assert "checked its receipts. All agrees." in visit(at("check", pot)).text
    result = json.loads(client.get(f"/api/pots/{pot.pk}/result").content)
    few = next(line for line in result["projects"] if line["id"] == second)
    assert all(few[name] is None for name in queries.TELLING)
    rows = list(csv.DictReader(io.StringIO(client.get(at("table", pot)).content.decode())))
    assert next(row for row in rows if row["project"] == str(second))["votes"] == ""


def test_of_a_handful_of_voters_nothing_is_published_and_each_still_finds_their_receipt(
    counted, client, visit
) -> None:
    pot, codes = counted(4)
    assert not Bundle.objects.exists()
    for name in ("bundle", "ballots"):
        assert client.get(at(name, pot)).status_code == 404
    for part in ("bundle", "receipts", f"receipts/{codes[0]}"):
        assert client.get(f"/api/pots/{pot.pk}/{part}").status_code == 404
    page = visit(at("check", pot), data={"receipt": codes[0]})
    assert "Yes, your ballot was counted" in page.text
    said = page.text.partition("Yes, your ballot")[2].partition("Your receipt")[0]
    assert "4" not in said.replace(codes[0], "")
    assert "neither ballots nor receipts are published" in page.text
    told = client.get(f"/api/pots/{pot.pk}/result").json()
    assert told["voters"] is None
    assert told["by_channel"] == []


# --- our own recount


def test_our_own_machine_counts_the_archive_again_and_says_so(counted, visit) -> None:
    pot, _codes = counted()
    assert "is counting the archive again" in visit(at("check", pot)).text
    tasks.look(timestamp=0)
    tasks.verify(pot_id=pot.pk)
    assert "counted it again. All agrees." in visit(at("check", pot)).text
    assert not queries.due_to_verify().exists()


def test_an_archive_that_somebody_changed_is_said_to_be_wrong(counted, visit) -> None:
    pot, _codes = counted()
    files = {}
    with zipfile.ZipFile(io.BytesIO(queries.content_of(pot))) as pack:
        files = {name: pack.read(name) for name in pack.namelist()}
    name = f"pot-{pot.pk}/result.json"
    files[name] = files[name].replace(b'"winners"', b'"losers"')
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as pack:
        for path, content in files.items():
            pack.writestr(path, content)
    Bundle.objects.update(content=out.getvalue())
    assert not counts.verify_published(pot_id=pot.pk, at=pot.counted_at)
    page = visit(at("check", pot))
    assert "found a difference" in page.text
    assert "All agrees" not in page.text


def test_the_same_ballots_give_the_same_ballot_file_whoever_cast_them(
    challenge, community, now, client
) -> None:
    made = []
    for _time in range(2):
        pot = world.a_pot(
            challenge, title="Same", opens_at=now - timedelta(9), closes_at=now - timedelta(1)
        )
        vote_for(pot, community, 25, seed=4)
        pot = counts.count_closed_pot(pot_id=pot.pk, at=now)
        content = unpacked(client, pot)["ballots.pb"].decode()
        places = {str(number): place for place, number in enumerate(numbers(pot))}
        votes = content.partition("VOTES\nvoter_id;vote\n")[2].splitlines()
        made.append([[places[n] for n in v.partition(";")[2].split(",") if n] for v in votes])
    assert len(made[0]) == 25
    assert sorted(made[0]) == sorted(made[1])


def test_the_archive_holds_no_name_no_time_and_no_number_of_a_row(
    counted, client, community
) -> None:
    pot, _codes = counted()
    rows = {str(n) for n in Ballot.objects.values_list("pk", flat=True)}
    rows |= {str(n) for n in Receipt.objects.values_list("pk", flat=True)}
    content = b"\n".join(unpacked(client, pot).values()).decode()
    assert not any(number in content for number in rows)
    assert "@example.org" not in content
    assert str(pot.closes_at.year) not in unpacked(client, pot)["ballots.pb"].decode()


# --- doors


def test_nothing_of_it_is_there_before_the_count_or_elsewhere(
    closed, community, client, visit, elsewhere
) -> None:
    vote_for(closed, community, 9, chosen=numbers(closed))
    code = closed.ballots.first().code
    for name in ("bundle", "ballots", "table"):
        assert client.get(at(name, closed)).status_code == 404
    page = visit(at("check", closed), data={"receipt": code})
    assert "Yes, your" not in page.text
    assert code not in page.text
    for part in ("result", "bundle", "receipts", f"receipts/{code}"):
        assert client.get(f"/api/pots/{closed.pk}/{part}").status_code == 404
    counts.count_closed_pot(pot_id=closed.pk, at=closed.closes_at)
    there = {"headers": {"host": "northmoor.localhost"}}
    for name in ("result", "check", "bundle", "ballots", "table"):
        assert client.get(at(name, closed)).status_code == 200
        assert client.get(at(name, closed), **there).status_code == 404
    for part in ("result", "bundle", "receipts", f"receipts/{code}"):
        assert client.get(f"/api/pots/{closed.pk}/{part}").status_code == 200
        assert client.get(f"/api/pots/{closed.pk}/{part}", **there).status_code == 404


@pytest.mark.parametrize(
    "code", ["ABCD-EFGH-2345-6723", "abcd", "ABCD-EFGH-2345-6720", "%00", "A" * 5000]
)
def test_a_receipt_that_is_none_is_refused_by_the_api_in_words(counted, client, code) -> None:
    pot, _codes = counted(6)
    answer = client.get(f"/api/pots/{pot.pk}/receipts/{code}")
    assert answer.status_code in (404, 422)
    assert answer.json()["wrong"]


def test_receipts_are_paged_by_the_api(counted, client) -> None:
    pot, codes = counted(12)
    got, address = [], f"/api/pots/{pot.pk}/receipts?size=5"
    while address:
        page = client.get(address).json()
        got += [row["receipt"] for row in page["items"]]
        address = page["next"]
    assert sorted(got) == sorted(codes)


def test_a_table_gives_no_spreadsheet_a_formula(closed, community, client) -> None:
    closed.projects.update(title='=cmd|"/c calc"!A1', where="@SUM(1)")
    vote_for(closed, community, 9, chosen=numbers(closed))
    counts.count_closed_pot(pot_id=closed.pk, at=closed.closes_at)
    rows = list(csv.DictReader(io.StringIO(client.get(at("table", closed)).content.decode())))
    assert {row["title"] for row in rows} == {'\'=cmd|"/c calc"!A1'}
    assert {row["where"] for row in rows} == {"'@SUM(1)"}
    assert {int(row["votes"]) for row in rows} == {9}


def test_hostile_words_in_titles_stay_words_in_the_archive(
    closed, community, client, tmp_path
) -> None:
    nasty = 'Evil; "title"\r\nVOTES\n=cmd<script>\x0b'
    closed.projects.update(title=nasty[:100])
    Pot.objects.filter(pk=closed.pk).update(title=nasty[:100])
    vote_for(closed, community, 9, chosen=numbers(closed))
    pot = counts.count_closed_pot(pot_id=closed.pk, at=closed.closes_at)
    place = tmp_path / "count.zip"
    place.write_bytes(client.get(at("bundle", pot)).content)
    assert verify_bundle(place).verified
    assert sha256(unpacked(client, pot)["manifest.json"]).hexdigest() == pot.bundle.fingerprint


def test_programs_are_told_in_words_why_something_is_not_there(
    closed, community, counted, client
) -> None:
    early = client.get(f"/api/pots/{closed.pk}/result")
    assert early.status_code == 404
    assert "when voting closes" in early.json()["mend"]
    pot, _codes = counted(4)
    few = client.get(f"/api/pots/{pot.pk}/bundle").json()
    assert few["wrong"] == "Fewer than five people voted, so nothing more is published."


def test_a_receipt_that_was_not_counted_is_refused_in_words(counted, client) -> None:
    pot, _codes = counted(6)
    answer = client.get(f"/api/pots/{pot.pk}/receipts/ABCD-EFGH-2345-6723")
    assert answer.status_code == 404
    assert answer.json()["wrong"] == "No such receipt was counted in this pot."


@pytest.mark.parametrize("many", [5, 6, 7, 8, 9, 16, 33])
def test_every_receipt_has_a_proof_that_is_read_and_not_computed(
    counted, client, many, django_assert_max_num_queries
) -> None:
    pot, codes = counted(many)
    for code in codes:
        with django_assert_max_num_queries(12):
            told = client.get(f"/api/pots/{pot.pk}/receipts/{code}").json()
        assert told["place"] == sorted(codes).index(code)
        assert leads_to(code, told["place"], told["of"], told["path"]) == pot.bundle.root


def test_archives_from_before_get_their_proofs(counted, client) -> None:
    """What the migration works out is what the count would have kept."""
    pot, _codes = counted(9)
    kept = (bytes(pot.bundle.codes), bytes(pot.bundle.tree))
    Bundle.objects.update(codes=b"", tree=b"")
    proofs = import_module("commonweal.decide.counts.migrations.0002_proofs")
    proofs.fill(apps, None)
    found = Bundle.objects.get()
    assert (bytes(found.codes), bytes(found.tree)) == kept


@pytest.mark.parametrize("name", ["bundle", "ballots", "table"])
def test_a_download_that_is_there_already_costs_nothing(counted, client, name) -> None:
    pot, _codes = counted()
    first = client.get(at(name, pot))
    again = client.get(at(name, pot), headers={"if-none-match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    head = client.head(at(name, pot))
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["Content-Length"] == str(len(first.content))
