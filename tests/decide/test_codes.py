"""Voting codes: shown once, kept as hashes, each votes once, by hand, on paper and by mail."""

from __future__ import annotations

import csv
import io
import random
import re
import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
import typst
import zxingcpp
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from commonweal.decide.ballots.models import Ballot, Channel, Roll
from commonweal.decide.budgets.models import Pot, Reach
from commonweal.decide.counts import actions as counting
from commonweal.decide.registers import actions, queries, rules, tasks, views
from commonweal.decide.registers.models import Code, CodeBatch, Mail
from commonweal.ground.journal.models import Entry as Journal
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Level, RoleKind
from commonweal.ground.places.rules import Viewer
from commonweal.kit import printing, tries
from tests.decide.conftest import numbers
from tests.decide.test_registers import OMAR, PARTS, ROSA, listed
from tests.factories import world
from tests.ground.conftest import smtp as smtp
from tests.visit import sign_in

pytestmark = pytest.mark.django_db
KEY = b"k" * 32
ENTER = "/v/"


@pytest.fixture(autouse=True)
def nobody_tried_yet(db: None) -> None:
    cache.clear()


@pytest.fixture
def clerk(authority) -> Person:
    return world.a_person(world.root(authority), role=RoleKind.CLERK, name="Cleo")


@pytest.fixture
def pot(challenge) -> Pot:
    return world.a_pot(challenge, reach=Reach.CODES)


@pytest.fixture
def made(pot, clerk, seen_by) -> CodeBatch:
    """Return a batch of eight sheets."""
    return actions.make_sheets(
        viewer=seen_by(clerk), pot_id=pot.pk, key=KEY, count=8, replace=False
    )


@pytest.fixture
def at_desk(clerk) -> Client:
    return sign_in(Client(), clerk, second_factor=True)


@pytest.fixture
def register(clerk, community, seen_by) -> Any:
    made, _ = actions.upload_register(
        viewer=seen_by(clerk), community=community, title="Electoral register", parts=PARTS,
        delete_on=date(2090, 1, 1), people=listed(ROSA, OMAR),
    )  # fmt: skip
    return made


def code(number: int, key: bytes = KEY) -> str:
    return rules.in_groups(rules.code_from(key, number))


def enter(client: Client, text: str) -> Any:
    return client.post(ENTER, {"code": text})


def cast(client: Client, pot: Pot, chosen: list[int]) -> Any:
    return client.post(reverse("ballots:vote", args=[pot.pk]), {"projects": chosen, "do": "cast"})


# --- laws


CODES = st.builds(rules.code_from, st.binary(min_size=32, max_size=32), st.integers(0, 10**9))


@given(CODES, st.randoms())
def test_a_code_is_read_however_it_is_typed(code: str, draw: random.Random) -> None:
    typed = "".join(
        draw.choice([sign, sign.lower()]) + draw.choice(["", " ", "-", "–", ".", "  "])
        for sign in code
    )
    assert rules.typed(typed.replace("B", draw.choice("B8"))) == code


@given(CODES, st.integers(0, 14), st.sampled_from(rules.SIGNS))
def test_one_wrong_sign_is_always_noticed(code: str, place: int, sign: str) -> None:
    wrong = code[:place] + sign + code[place + 1 :]
    if wrong == code:
        assert rules.typed(wrong) == code
    else:
        with pytest.raises(rules.WrongCode, match="One letter or figure is not right"):
            rules.typed(wrong)


@given(CODES, st.integers(0, 12), st.integers(0, 12))
def test_two_signs_that_changed_places_are_always_noticed(code: str, a: int, b: int) -> None:
    signs = list(code)
    signs[a], signs[b] = signs[b], signs[a]
    swapped = "".join(signs)
    if swapped == code:
        return
    with pytest.raises(rules.WrongCode):
        rules.typed(swapped)


@given(st.text(max_size=60))
def test_whatever_is_typed_is_a_code_or_refused_in_words(text: str) -> None:
    try:
        assert len(rules.typed(text)) == 15
    except rules.WrongCode as error:
        assert str(error)


def test_codes_are_long_enough_and_their_signs_are_drawn_evenly() -> None:
    assert len(rules.SIGNS) ** rules.LENGTH >= 2**60
    codes = [rules.code_from(KEY, n) for n in range(20_000)]
    assert len(set(codes)) == len(codes)
    seen = Counter("".join(code[:-1] for code in codes))
    expected = 20_000 * 14 / 23
    assert (
        sum((seen[s] - expected) ** 2 / expected for s in rules.SIGNS) < 60
    )  # chi squared, 22 degrees
    assert not set(rules.SIGNS) & set("0O1IL2Z5S8AEU")


# --- making


def test_only_hashes_of_codes_are_kept(made) -> None:
    assert Code.objects.filter(batch=made).count() == 8
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM registers_code, registers_codebatch")
        rows = repr([[bytes(v) if isinstance(v, memoryview) else v for v in row] for row in cursor])
    for number in range(1, 9):
        assert rules.code_from(KEY, number) not in rows
    assert repr(KEY)[2:-1] not in rows
    told = Journal.objects.get(what="codes.made")
    assert (told.is_public, told.facts) == (True, {"count": 8})


def test_a_code_counts_also_after_the_site_has_a_new_key(made, pot, settings, now) -> None:
    viewer = Viewer(pot.authority, None, now)
    before = queries.code_typed(viewer, rules.code_from(KEY, 1))
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "n" * 50
    assert before is not None and queries.code_typed(viewer, rules.code_from(KEY, 1)) == before
    assert queries.code_typed(viewer, rules.code_from(b"x" * 32, 1)) is None


@pytest.mark.parametrize("who", ["resident", "moderator", "auditor", "leader"])
def test_only_clerks_and_administrators_make_and_cancel_codes(
    who, pot, made, authority, resident, leader, seen_by
) -> None:
    others = {
        "resident": resident,
        "leader": leader,
        "moderator": world.a_person(world.root(authority), role=RoleKind.MODERATOR),
        "auditor": world.a_person(world.root(authority), role=RoleKind.AUDITOR),
    }
    viewer = seen_by(others[who])
    asked: dict[str, Any] = {"viewer": viewer, "pot_id": pot.pk}
    for attempt in (
        lambda: actions.make_sheets(**asked, key=KEY, count=1, replace=True),
        lambda: actions.make_letters(**asked, key=KEY, people=[], register=None),
        lambda: actions.make_mails(**asked, addresses=[(2, "a@example.org")]),
        lambda: actions.cancel_batch(**asked, batch_id=made.pk),
        lambda: actions.cancel_code(**asked, batch_id=made.pk, number=1),
        lambda: actions.replace_code(**asked, batch_id=made.pk, number=1),
        lambda: actions.hand_out_code(**asked, entry_id=None),
    ):
        with pytest.raises(PermissionDenied):
            attempt()
    assert Code.objects.filter(cancelled_at__isnull=True).count() == 8


def test_codes_of_another_authority_open_nothing_here(made, elsewhere, now) -> None:
    assert queries.code_typed(Viewer(elsewhere, None, now), rules.code_from(KEY, 1)) is None


def test_no_code_is_made_once_voting_is_over(pot, clerk, seen_by) -> None:
    late = seen_by(clerk, at=pot.closes_at)
    with pytest.raises(actions.TooLate):
        actions.make_sheets(viewer=late, pot_id=pot.pk, key=KEY, count=1, replace=False)


def test_sheets_that_take_the_place_of_others_leave_used_ones_alone(
    made, pot, clerk, seen_by, client
) -> None:
    enter(client, code(1))
    cast(client, pot, numbers(pot)[:1])
    actions.make_sheets(viewer=seen_by(clerk), pot_id=pot.pk, key=b"n" * 32, count=2, replace=True)
    assert Code.objects.filter(batch=made, cancelled_at__isnull=True).get().number == 1
    assert "was cancelled" in enter(Client(), code(2)).content.decode()


def test_a_table_of_sheets_streams_out_and_its_codes_work(pot, at_desk, client) -> None:
    answer = at_desk.post(reverse("registers:sheets", args=[pot.pk]), {"count": 3, "layout": "csv"})
    assert answer.streaming and "no-store" in answer["Cache-Control"]
    rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    assert [row[0] for row in rows] == ["number", "1", "2", "3"]
    assert rows[1][2] == f"http://testserver/v/#{rows[1][1]}"
    assert enter(client, rows[3][1]).status_code == 302
    page = at_desk.get(reverse("registers:codes", args=[pot.pk])).content.decode()
    assert rows[1][1] not in page


LETTERS = "Name,Street,Surname,First name,Postcode,Date of birth\n"
HOSTILE = '"=HYPERLINK(""http://x"")",@SUM,O\'Brien-Siân,Rosa,LM1 4AB,9/2/1961\n'


def a_list(text: str) -> SimpleUploadedFile:
    return SimpleUploadedFile("list.csv", text.encode(), "text/csv")


def test_letters_are_tied_to_the_register_and_the_table_holds_no_formula(
    pot, register, at_desk, client
) -> None:
    answer = at_desk.post(
        reverse("registers:letters", args=[pot.pk]),
        {"register": register.pk, "layout": "csv", "list": a_list(LETTERS + HOSTILE)},
    )
    rows = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
    assert rows[0][-3:] == ["number", "voting code", "link"]
    assert rows[1][0] == '\'=HYPERLINK("http://x")' and rows[1][1] == "'@SUM"
    made = Code.objects.get()
    assert made.entry in register.entries.all()
    assert enter(client, rows[1][-2]).status_code == 302
    cast(client, pot, numbers(pot)[:1])
    on_roll = Roll.objects.get()
    assert (on_roll.entry, on_roll.voting_code, on_roll.person) == (made.entry, made, None)


def test_a_letter_to_somebody_who_is_not_listed_stops_them_all(pot, register, at_desk) -> None:
    stranger = "Ada,High Street,Stranger,Ada,LM1 4AB,1/1/1950\n"
    answer = at_desk.post(
        reverse("registers:letters", args=[pot.pk]),
        {"register": register.pk, "layout": "csv", "list": a_list(LETTERS + HOSTILE + stranger)},
    )
    text = answer.content.decode()
    assert "Line 3" in text and "does not stand in the register" in text
    assert not Code.objects.exists() and not CodeBatch.objects.exists()


def test_new_letters_cancel_the_old_ones_and_leave_out_who_has_voted(
    pot, register, clerk, seen_by, client
) -> None:
    asked: dict[str, Any] = {"viewer": seen_by(clerk), "pot_id": pot.pk, "register": register}
    actions.make_letters(**asked, key=KEY, people=listed(ROSA, OMAR))
    enter(client, code(2))
    cast(client, pot, numbers(pot)[:1])
    _batch, voted = actions.make_letters(**asked, key=b"n" * 32, people=listed(ROSA, OMAR))
    assert voted == {2}
    assert "was cancelled" in enter(Client(), code(3)).content.decode()
    assert enter(Client(), code(3, b"n" * 32)).status_code == 302
    assert "We do not know this code" in enter(Client(), code(2, b"n" * 32)).content.decode()


def test_who_votes_with_an_account_cannot_vote_with_the_letter_too(
    register, challenge, clerk, resident, seen_by, client
) -> None:
    both = world.a_pot(challenge, level=Level.REGISTER)
    actions.make_letters(
        viewer=seen_by(clerk), pot_id=both.pk, key=KEY, people=listed(ROSA), register=register
    )
    actions.match(viewer=seen_by(resident), register_id=register.pk, given=ROSA)
    assert cast(sign_in(Client(), resident), both, numbers(both)[:1]).status_code == 302
    enter(client, code(2))
    cast(client, both, numbers(both)[1:2])
    assert Ballot.objects.count() == Roll.objects.count() == 1


# --- on paper


def pictures(pdf_given: dict[str, Any]) -> list[Image.Image]:
    import json

    drawn = typst.compile(
        views.LETTERS, root=views.LETTERS.parent, font_paths=[printing._fonts()],
        ignore_system_fonts=True, sys_inputs={"given": json.dumps(pdf_given)}, format="png", ppi=150,
    )  # fmt: skip
    pages = drawn if isinstance(drawn, list) else [drawn]
    return [Image.open(io.BytesIO(page)).convert("L") for page in pages]


@pytest.mark.parametrize(("layout", "pages"), [("many", 2), ("one", 9), ("large", 9)])
def test_every_square_on_paper_reads_back_as_its_code(
    layout, pages, pot, rf, authority, now, monkeypatch, tmp_path
) -> None:
    kept: dict[str, Any] = {}
    real = typst.compile

    def compile_and_keep(*given: Any, **more: Any) -> Any:
        import json

        kept.update(json.loads(more["sys_inputs"]["given"]))
        return real(*given, **more)

    monkeypatch.setattr(typst, "compile", compile_and_keep)
    request = rf.get("/")
    request.viewer = Viewer(authority, None, now)
    pot.title = 'Tŷ #emph[x] \\ $y$ " Ŵyn'
    rows = [
        (n, [] if layout == "many" else ["Siân #strong[O'Brien]", "1 High Street"])
        for n in range(1, 10)
    ]
    pdf = views._pdf(request, pot, KEY, layout, rows)
    assert pdf.startswith(b"%PDF-1.") and b"/StructTreeRoot" in pdf and b"/Lang" in pdf
    monkeypatch.undo()
    shown = pictures(kept)
    assert len(shown) == pages
    found = [sign.text for page in shown for sign in zxingcpp.read_barcodes(np.asarray(page))]
    assert sorted(found) == sorted(f"http://testserver/v/#{code(n)}" for n in range(1, 10))


def test_sheets_and_letters_come_as_pdf(pot, at_desk) -> None:
    answer = at_desk.post(
        reverse("registers:sheets", args=[pot.pk]), {"count": 9, "layout": "large"}
    )
    assert answer["Content-Type"] == "application/pdf" and answer.content.startswith(b"%PDF")
    answer = at_desk.post(
        reverse("registers:letters", args=[pot.pk]),
        {"layout": "one", "address": "name, Street,postcode", "list": a_list(LETTERS + HOSTILE)},
    )
    assert answer["Content-Type"] == "application/pdf"
    assert Code.objects.count() == 10
    answer = at_desk.post(
        reverse("registers:letters", args=[pot.pk]),
        {"layout": "one", "address": "Name, Galaxy", "list": a_list(LETTERS + HOSTILE)},
    )
    assert "no column called Galaxy" in answer.content.decode()
    assert Code.objects.count() == 10


# --- entering


def test_a_code_opens_its_ballot_votes_once_and_may_change_the_vote_in_the_same_browser(
    made, pot, client
) -> None:
    answer = enter(client, code(1).lower().replace("-", "  "))
    assert answer.status_code == 302 and answer["Location"] == reverse(
        "ballots:vote", args=[pot.pk]
    )
    held = client.session["voting"][str(pot.pk)]
    assert held["code"] == made.codes.get(number=1).pk and re.fullmatch(
        "[0-9a-f]{32}", held["holder"]
    )
    first, second, _third = numbers(pot)
    assert cast(client, pot, [first]).status_code == 302
    assert enter(client, code(1)).status_code == 302  # the same browser, once more
    assert cast(client, pot, [second]).status_code == 302
    assert Ballot.objects.get().projects == [second]
    assert Roll.objects.get().channel == Channel.CODE
    page = enter(Client(), code(1)).content.decode()
    assert "has voted with this code already" in page


def test_the_page_says_nothing_to_others_and_keeps_nothing(made, client) -> None:
    for answer in (client.get(ENTER), enter(client, code(1)), enter(client, "x")):
        assert answer["Referrer-Policy"] == "same-origin"
        assert "no-store" in answer["Cache-Control"]
        assert code(1) not in answer.get("Location", "")


def test_each_thing_that_can_be_wrong_is_said_in_its_own_words(
    made, pot, challenge, clerk, seen_by, now
) -> None:
    good = rules.code_from(KEY, 1)
    slip = good[:3] + ("4" if good[3] != "4" else "6") + good[4:]
    coming = world.a_pot(challenge, opens_at=now + timedelta(1), closes_at=now + timedelta(2))
    closed = world.a_pot(challenge, opens_at=now - timedelta(3), closes_at=now - timedelta(1))
    early = seen_by(clerk, at=now - timedelta(days=2))
    for other, key in ((coming, b"c" * 32), (closed, b"d" * 32)):
        actions.make_sheets(viewer=early, pot_id=other.pk, key=key, count=1, replace=False)
    actions.cancel_code(viewer=seen_by(clerk), pot_id=pot.pk, batch_id=made.pk, number=2)
    said = {
        "": "Fill in: Your voting code",
        "O0O0": "A code never has 0, O in it",
        good[:-1]: "A code has 15 letters and figures. You typed 14.",
        slip: "One letter or figure is not right",
        code(99): "We do not know this code",
        code(2): "This code was cancelled",
        code(1, b"c" * 32): "its ballot is not open yet. It opens on",
        code(1, b"d" * 32): "The ballot of this code is closed since",
        "<script>alert(1)</script>": "A code never has",
        "a" * 5000: "You typed more",
        "\x00": "Null characters",
    }
    for text, words in said.items():
        page = enter(Client(), text).content.decode()
        assert words in page, text
        assert "<script>alert" not in page
    counting.count_closed_pot(pot_id=closed.pk, at=now)
    assert "is closed" in enter(Client(), code(1, b"d" * 32)).content.decode()


def test_only_codes_that_do_not_exist_use_up_the_tries(made, pot) -> None:
    for n in range(24):  # a village hall: many good codes from one network
        assert enter(Client(), code(1 + n % 8)).status_code == 302
    answers = [enter(Client(), code(1000 + n)) for n in range(41)]
    assert [answer.status_code for answer in answers] == [200] * 40 + [429]
    assert enter(Client(), code(1)).status_code == 429
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(cache_key || value, ' ') FROM site_cache")
        assert "127.0.0.1" not in cursor.fetchone()[0]


def test_guessing_from_many_networks_leaves_each_few_tries_and_good_codes_alone(
    made, pot, at_desk, monkeypatch
) -> None:
    """Each stranger types two codes: too few for any one limit, very many together."""
    monkeypatch.setattr(tries, "MANY", 40)

    def guess(network: int, number: int) -> Any:
        client = Client(REMOTE_ADDR=f"198.51.100.{network}")
        return client.post(ENTER, {"code": code(number)})

    codes_page = reverse("registers:codes", args=[pot.pk])
    assert "may be guessing" not in at_desk.get(codes_page).content.decode()
    for n in range(40):
        assert guess(n // 2, 1000 + n).status_code == 200
    assert "may be guessing" in at_desk.get(codes_page).content.decode()
    assert [guess(99, 2000 + n).status_code for n in range(6)] == [200] * 5 + [429]
    assert guess(100, 1).status_code == 302, "a good code still opens its ballot"


def test_a_session_that_somebody_prepared_opens_nothing(made, client) -> None:
    session = client.session
    session["mark"] = 1
    session.save()
    before = session.session_key
    enter(client, code(1))
    assert client.session.session_key != before


# --- cancelling and replacing


def test_a_lost_letter_is_cancelled_by_its_number_and_another_handed_out(
    made, pot, at_desk, visit
) -> None:
    address = reverse("registers:lost", args=[pot.pk, made.pk])
    page = visit(address, data={"number": 3, "do": "replace"}, client=at_desk)
    handed = re.search(r"[0-9A-Z]{5}-[0-9A-Z]{5}-[0-9A-Z]{5}", page.text)
    assert handed and enter(Client(), handed[0]).status_code == 302
    assert "was cancelled" in enter(Client(), code(3)).content.decode()
    assert (
        "or it was cancelled"
        in visit(address, data={"number": 3, "do": "cancel"}, client=at_desk).text
    )
    assert "No letter of this batch" in visit(address, data={"number": 77}, client=at_desk).text


def test_a_used_code_is_neither_cancelled_nor_replaced(made, pot, at_desk, visit, client) -> None:
    enter(client, code(1))
    cast(client, pot, numbers(pot)[:1])
    address = reverse("registers:lost", args=[pot.pk, made.pk])
    for do in ("replace", "cancel"):
        assert (
            "That vote stands" in visit(address, data={"number": 1, "do": do}, client=at_desk).text
        )
    page = visit(reverse("registers:cancel", args=[pot.pk, made.pk]), data={}, client=at_desk)
    assert "7 codes were cancelled" in page.text
    assert "fewer than 5 used" in page.text
    assert cast(client, pot, numbers(pot)[1:2]).status_code == 302  # still theirs to change
    assert Ballot.objects.get().projects == numbers(pot)[1:2]


def test_at_the_desk_a_listed_person_has_one_code_at_a_time(
    register, pot, clerk, seen_by, client
) -> None:
    entry = register.entries.order_by("pk").first()
    asked: dict[str, Any] = {"viewer": seen_by(clerk), "pot_id": pot.pk, "entry_id": entry.pk}
    one, two = actions.hand_out_code(**asked), actions.hand_out_code(**asked)
    assert "was cancelled" in enter(Client(), one).content.decode()
    enter(client, two)
    cast(client, pot, numbers(pot)[:1])
    with pytest.raises(actions.CodeUsed):
        actions.hand_out_code(**asked)


def test_a_cancelled_code_that_is_open_in_a_browser_casts_no_ballot(
    made, pot, clerk, seen_by, client
) -> None:
    enter(client, code(1))
    actions.cancel_code(viewer=seen_by(clerk), pot_id=pot.pk, batch_id=made.pk, number=1)
    cast(client, pot, numbers(pot)[:1])
    assert not Ballot.objects.exists() and not Roll.objects.exists()


# --- by mail


ADDRESSES = [(2, "rosa@example.org"), (3, "omar@example.org"), (4, "zoe@example.org")]


def send(
    pot: Pot, clerk: Person, seen_by: Any, addresses: list[tuple[int, str]]
) -> tuple[int, int]:
    return actions.make_mails(viewer=seen_by(clerk), pot_id=pot.pk, addresses=addresses)


def test_each_address_gets_one_mail_with_a_code_that_works_and_is_forgotten(
    pot, clerk, seen_by, smtp, client
) -> None:
    assert send(pot, clerk, seen_by, ADDRESSES) == (3, 0)
    batch = CodeBatch.objects.get()
    assert not Code.objects.exists()
    tasks.post(batch.pk)
    assert [mail["to"] for mail in smtp.messages] == [address for _n, address in ADDRESSES]
    text = smtp.text()
    found = re.search(r"http://localhost:8000/v/#([0-9A-Z-]{17})", text)
    assert found and found[1] in text.split("http")[0]
    assert enter(client, found[1]).status_code == 302
    assert set(Mail.objects.values_list("address", flat=True)) == {""}
    batch.refresh_from_db()
    assert batch.key is None
    again = [(2, "ROSA@example.org"), (3, "new@example.org")]
    assert send(pot, clerk, seen_by, again) == (1, 1)
    tasks.post(CodeBatch.objects.latest("pk").pk)
    assert [mail["to"] for mail in smtp.messages][3:] == ["new@example.org"]


def test_a_crash_between_mails_sends_nobody_a_second_one_and_leaves_nobody_out(
    pot, clerk, seen_by, smtp, monkeypatch
) -> None:
    send(pot, clerk, seen_by, [(n, f"person{n}@example.org") for n in range(2, 12)])
    batch = CodeBatch.objects.get()
    real, sent = actions._letter, []

    def dies(mail: Mail, code: str, at: Any) -> Any:
        if len(sent) in (4, 7):
            sent.append("crash")
            raise MemoryError
        sent.append(code)
        return real(mail, code, at)

    monkeypatch.setattr(actions, "_letter", dies)
    for _run in range(2):
        with pytest.raises(MemoryError):
            tasks.post(batch.pk)
    tasks.post(batch.pk)
    assert [mail["to"] for mail in smtp.messages] == [
        f"person{n}@example.org" for n in range(2, 12)
    ]
    assert Code.objects.filter(batch=batch).count() == 10


def test_a_crash_after_sending_repeats_the_same_mail_with_the_same_code(
    pot, clerk, seen_by, smtp
) -> None:
    send(pot, clerk, seen_by, ADDRESSES[:1])
    batch = CodeBatch.objects.get()
    for keep in (False, True):
        with actions.post() as server, transaction.atomic():
            actions.send_next(batch_id=batch.pk, after=0, at=pot.opens_at, server=server)
            transaction.set_rollback(not keep)
    first, second = smtp.messages
    assert first["Message-ID"] == second["Message-ID"]
    assert first.get_body(("plain",)).get_content() == second.get_body(("plain",)).get_content()
    assert Code.objects.count() == 1


class Refusing:
    """A mail server that takes no mail for some addresses, for now or for good."""

    def __init__(self, how: dict[str, int]) -> None:
        self.how, self.taken = how, []

    def send_messages(self, letters: list[Any]) -> None:
        from smtplib import SMTPRecipientsRefused

        (to,) = letters[0].to
        if to in self.how:
            raise SMTPRecipientsRefused({to: (self.how[to], b"no")})
        self.taken.append(to)

    def open(self) -> None: ...
    def close(self) -> None: ...


def test_who_is_refused_stops_nobody_else_and_is_named_to_the_clerk(
    pot, clerk, seen_by, monkeypatch, at_desk, visit
) -> None:
    server = Refusing({"rosa@example.org": 550, "omar@example.org": 451})
    monkeypatch.setattr(actions, "get_connection", lambda: server)
    send(pot, clerk, seen_by, ADDRESSES)
    batch = CodeBatch.objects.get()
    with pytest.raises(tasks.SomeRefused):
        tasks.post(batch.pk)
    assert server.taken == ["zoe@example.org"]
    page = visit(reverse("registers:codes", args=[pot.pk]), client=at_desk)
    assert "rosa@example.org" in page.text and "1 mails to go out" in page.text
    server.how.pop("omar@example.org")
    tasks.post(batch.pk)
    assert server.taken == ["zoe@example.org", "omar@example.org"]
    server.how.clear()  # the mailbox is there after all
    assert send(pot, clerk, seen_by, ADDRESSES) == (1, 2)
    tasks.post(CodeBatch.objects.latest("pk").pk)
    assert server.taken[-1] == "rosa@example.org"
    server.how = {"new@example.org": 550}
    send(pot, clerk, seen_by, [(2, "new@example.org")])
    tasks.post(CodeBatch.objects.latest("pk").pk)
    assert Mail.objects.exclude(address="").count() == 1
    actions.forget_what_is_over(at=pot.closes_at)
    assert not Mail.objects.exclude(address="").exists()


def test_no_mail_goes_out_after_the_close_or_for_a_cancelled_batch(
    pot, clerk, seen_by, smtp, monkeypatch
) -> None:
    send(pot, clerk, seen_by, ADDRESSES)
    with actions.post() as server:
        batch = CodeBatch.objects.get()
        assert (
            actions.send_next(batch_id=batch.pk, after=0, at=pot.closes_at, server=server) is None
        )
    assert not smtp.messages and not Mail.objects.exists()
    send(pot, clerk, seen_by, ADDRESSES)
    batch = CodeBatch.objects.latest("pk")
    actions.cancel_batch(viewer=seen_by(clerk), pot_id=pot.pk, batch_id=batch.pk)
    tasks.post(batch.pk)
    assert not smtp.messages


def test_a_list_with_an_address_that_is_none_sends_nothing(pot, at_desk) -> None:
    answer = at_desk.post(
        reverse("registers:mails", args=[pot.pk]),
        {"list": a_list("Email\nrosa@example.org\nrosa at home\n")},
    )
    assert "Line 3" in answer.content.decode()
    assert not Mail.objects.exists() and not CodeBatch.objects.exists()
    answer = at_desk.post(
        reverse("registers:mails", args=[pot.pk]), {"list": a_list("E-mail\nrosa@example.org\n")}
    )
    assert answer.status_code == 302 and Mail.objects.count() == 1


# --- forgetting


def test_codes_and_addresses_are_forgotten_a_month_after_the_count(
    made, pot, clerk, seen_by, client
) -> None:
    send(pot, clerk, seen_by, ADDRESSES)
    enter(client, code(1))
    cast(client, pot, numbers(pot)[:1])
    counting.count_closed_pot(pot_id=pot.pk, at=pot.closes_at)
    actions.forget_what_is_over(at=pot.closes_at + timedelta(days=29))
    assert Code.objects.filter(digest__isnull=False).exists()
    actions.forget_what_is_over(at=pot.closes_at + timedelta(days=31))
    assert not Code.objects.filter(digest__isnull=False).exists()
    assert not Mail.objects.exists()
    assert Roll.objects.count() == 1


# --- many hands


def all_at_once(hands: list[Callable[[], Any]]) -> list[Any]:
    gate = threading.Barrier(len(hands))

    def one(hand: Callable[[], Any]) -> Any:
        try:
            gate.wait(30)
            return hand()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(hands)) as pool:
        return list(pool.map(one, hands))


@pytest.mark.django_db(transaction=True)
def test_one_code_in_sixteen_browsers_four_posts_each_is_one_ballot(made, pot) -> None:
    browsers = [Client(raise_request_exception=False) for _ in range(16)]
    for browser in browsers:
        assert enter(browser, code(1)).status_code == 302  # nobody has voted with it yet
    chosen = numbers(pot)[:2]
    hands = [lambda b=b: [cast(b, pot, chosen).status_code for _ in range(4)] for b in browsers]
    answers = all_at_once(hands)
    assert all(status < 500 for hand in answers for status in hand)
    assert [hand for hand in answers if hand == [302] * 4] == [[302] * 4]
    assert sum(302 in hand for hand in answers) == 1
    assert Ballot.objects.count() == Roll.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_one_browser_that_posts_sixty_four_times_at_once_is_one_ballot(made, pot) -> None:
    first = Client()
    enter(first, code(1))

    def hand() -> list[int]:
        client = Client(raise_request_exception=False)
        client.cookies = first.cookies
        return [cast(client, pot, numbers(pot)[:2]).status_code for _ in range(4)]

    answers = all_at_once([hand] * 16)
    assert {status for each in answers for status in each} == {302}
    assert Ballot.objects.count() == Roll.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_code_that_is_replaced_while_it_votes_never_votes_twice(
    made, pot, clerk, authority, now
) -> None:
    for number in range(1, 9):
        voter = Client(raise_request_exception=False)
        enter(voter, code(number))
        viewer = Viewer(authority, clerk, now, has_second_factor=True)

        def replace(number: int = number, viewer: Viewer = viewer) -> str | None:
            try:
                return actions.replace_code(
                    viewer=viewer, pot_id=pot.pk, batch_id=made.pk, number=number
                )
            except actions.CodeUsed:
                return None

        def vote(voter: Client = voter) -> int:
            return int(cast(voter, pot, numbers(pot)[:1]).status_code)

        status, new = all_at_once([vote, replace])
        assert (status == 302) == (new is None), (status, new)
    assert Ballot.objects.count() == Roll.objects.count()


@pytest.mark.django_db(transaction=True)
def test_without_the_roll_that_holds_a_code_once_two_browsers_would_both_vote(made, pot) -> None:
    """The guard is what holds: without the constraint the same race makes many ballots."""
    browsers = [Client(raise_request_exception=False) for _ in range(8)]
    for browser in browsers:
        enter(browser, code(1))
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE ballots_roll DROP CONSTRAINT voting_code_votes_once")
    try:
        all_at_once([lambda b=b: cast(b, pot, numbers(pot)[:2]).status_code for b in browsers])
        assert Ballot.objects.count() > 1
    finally:
        Ballot.objects.all().delete(), Roll.objects.all().delete()
        with connection.cursor() as cursor:
            cursor.execute(
                "ALTER TABLE ballots_roll ADD CONSTRAINT voting_code_votes_once"
                " UNIQUE (pot_id, voting_code_id)"
            )


def test_a_batch_of_another_pot_is_not_touched(made, pot, challenge, clerk, seen_by) -> None:
    other = world.a_pot(challenge, reach=Reach.CODES)
    with pytest.raises(actions.NoSuchCode):
        actions.cancel_code(viewer=seen_by(clerk), pot_id=other.pk, batch_id=made.pk, number=1)
    with pytest.raises(CodeBatch.DoesNotExist):
        actions.cancel_batch(viewer=seen_by(clerk), pot_id=other.pk, batch_id=made.pk)


def test_the_desk_page_says_when_somebody_could_vote_twice(challenge, at_desk, visit) -> None:
    loose = world.a_pot(challenge, level=Level.POSTCODE)
    assert (
        "could vote with both"
        in visit(reverse("registers:codes", args=[loose.pk]), client=at_desk).text
    )
    strict = world.a_pot(challenge, reach=Reach.CODES)
    page = visit(reverse("registers:codes", args=[strict.pk]), client=at_desk)
    assert "could vote with both" not in page.text
    assert "No code was made for this pot yet." in page.text


def test_the_pot_page_leads_to_the_code(made, pot, visit) -> None:
    assert "I have a voting code" in visit(pot.get_absolute_url()).text
