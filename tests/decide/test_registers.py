"""Registers: only hashes are kept, one entry is one person, and a list with a mistake leaves nothing."""

from __future__ import annotations

import threading
import tracemalloc
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.core.files.uploadedfile import SimpleUploadedFile, TemporaryUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse
from hypothesis import given
from hypothesis import strategies as st

from commonweal.decide.ballots import actions as voting
from commonweal.decide.ballots.models import Roll
from commonweal.decide.ballots.rules import Choice
from commonweal.decide.registers import actions, forms, queries, rules
from commonweal.decide.registers.actions import Listed
from commonweal.decide.registers.models import Entry, Part, Register, opened
from commonweal.ground.journal.models import Entry as Journal
from commonweal.ground.people import actions as people
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Level, Membership, RoleKind
from commonweal.ground.places.rules import Viewer
from tests.decide.conftest import numbers
from tests.factories import world
from tests.visit import sign_in

PARTS = [Part.SURNAME, Part.FIRST_NAME, Part.POSTCODE, Part.BORN]
ROSA = {"surname": "O'Brien-Siân", "first_name": "Rosa", "postcode": "LM1 4AB", "born": "9/2/1961"}
OMAR = {"surname": "Said", "first_name": "Omar", "postcode": "LM1 4AB", "born": "1/12/1980"}


def listed(*people: dict[str, str], areas: tuple[str, ...] = ()) -> list[Listed]:
    return [
        Listed(line, given, areas[line - 2] if areas else "")
        for line, given in enumerate(people, 2)
    ]


@pytest.fixture
def clerk(authority) -> Person:
    return world.a_person(world.root(authority), role=RoleKind.CLERK, name="Cleo")


@pytest.fixture
def register(clerk, community, seen_by) -> Register:
    """Return a register of the neighbourhood in which Rosa and Omar stand."""
    made, _reading = actions.upload_register(
        viewer=seen_by(clerk),
        community=community,
        title="Electoral register",
        parts=PARTS,
        delete_on=date(2090, 1, 1),
        people=listed(ROSA, OMAR),
    )
    return made


# --- laws


TRICKS = (
    str.upper, str.lower, str.title, lambda t: f"  {t} ", lambda t: t.replace("'", "’"),
    lambda t: t.replace("'", ""), lambda t: t.replace("-", " "), lambda t: t.replace("-", "–"),
    lambda t: t.replace(" ", "\u00a0"), lambda t: t.replace("é", "e\u0301"), lambda t: t.replace("ŵ", "w"),
    lambda t: t.replace("é", "e"), lambda t: t.replace("ß", "ss"),
)  # fmt: skip
NAMES = st.lists(st.sampled_from(["O'Brien", "Siân", "Tŷ-Gwyn", "Müller", "Straße", "de", "Zoé", "王", "Łukasz"]), min_size=1, max_size=3).map(" ".join)  # fmt: skip


@given(NAMES, st.lists(st.sampled_from(range(len(TRICKS))), max_size=6))
def test_however_a_name_is_typed_it_is_the_same(name: str, tricks: list[int]) -> None:
    typed = name
    for trick in tricks:
        typed = TRICKS[trick](typed)
    assert rules.plain(typed) == rules.plain(name)


@given(st.text(max_size=30))
def test_reading_what_was_read_changes_nothing_and_holds_no_separator(text: str) -> None:
    once = rules.plain(text)
    assert rules.plain(once) == once
    assert rules.SEPARATOR not in once and "=" not in once


LETTERS = st.text(alphabet="abcdefghijklmnopqrstuvwxyzŵŷ王", min_size=1, max_size=6)


@given(
    st.tuples(LETTERS, LETTERS, st.dates()),
    st.tuples(LETTERS, LETTERS, st.dates()),
    st.binary(min_size=32, max_size=32),
)
def test_two_people_never_share_a_digest(one: Any, other: Any, key: bytes) -> None:
    def said(who: Any) -> tuple[str, ...]:
        return rules.plain(who[0]), rules.plain(who[1]), who[2].isoformat()

    def digest(who: Any) -> bytes:
        parts = ("surname", "first_name", "born")
        return rules.digest(
            key, parts, dict(zip(parts, (who[0], who[1], who[2].isoformat()), strict=True))
        )

    assert (digest(one) == digest(other)) == (said(one) == said(other))
    moved = (one[0] + one[1][:1], one[1][1:] or "x", one[2])  # a letter from one part to the next
    assert (digest(one) == digest(moved)) == (said(one) == said(moved))


@pytest.mark.parametrize(
    "text", ["9/2/1961", "09.02.1961", "9 Feb 1961", "9th February 1961", "9 Chwefror 1961", "1961-02-09", "1961-02-09 00:00:00", "9-2-1961"]
)  # fmt: skip
def test_a_date_of_birth_is_read_however_it_is_written(text: str) -> None:
    assert rules.born(text) == "1961-02-09"


@pytest.mark.parametrize("text", ["", "9/2/61", "31/2/1961", "2/30/1961", "yesterday", "1961", "9/2/1961x", "١/٢/1961/"])  # fmt: skip
def test_what_is_no_date_is_refused_in_words(text: str) -> None:
    with pytest.raises(rules.Unreadable, match="date of birth"):
        rules.born(text)


# --- uploading


pytestmark = pytest.mark.django_db


def test_only_keyed_hashes_are_kept_and_the_key_is_sealed(register) -> None:
    rows = list(Entry.objects.order_by("pk"))
    assert [len(bytes(row.digest)) for row in rows] == [32, 32]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT * FROM registers_entry JOIN registers_register r ON r.id = register_id"
        )
        everything = repr(
            [[bytes(v) if isinstance(v, memoryview) else v for v in row] for row in cursor]
        )
    for word in ("rien", "rosa", "Rosa", "4AB", "4ab", "1961"):
        assert word not in everything
    key = opened(register.key)
    assert len(key) == 32
    assert key not in bytes(register.key)
    assert rules.digest(key, PARTS, ROSA) == bytes(rows[0].digest)


def test_a_new_key_of_the_site_opens_what_the_old_one_sealed(register, settings) -> None:
    before = opened(register.key)
    settings.SECRET_KEY_FALLBACKS, settings.SECRET_KEY = [settings.SECRET_KEY], "n" * 50
    assert opened(register.key) == before


def test_the_same_people_have_other_hashes_in_another_register(
    register, clerk, community, seen_by
) -> None:
    other, _ = actions.upload_register(
        viewer=seen_by(clerk), community=community, title="Tenants", parts=PARTS,
        delete_on=date(2090, 1, 1), people=listed(ROSA, OMAR),
    )  # fmt: skip
    assert not {bytes(e.digest) for e in register.entries.all()} & {
        bytes(e.digest) for e in other.entries.all()
    }


def upload(clerk: Person, seen_by: Any, community: Any, rows: list[Listed], **more: Any) -> Any:
    return actions.upload_register(
        viewer=seen_by(clerk), community=community, title="List", parts=PARTS,
        delete_on=date(2090, 1, 1), people=rows, **more,
    )  # fmt: skip


def test_a_list_with_mistakes_names_each_line_and_leaves_nothing(clerk, community, seen_by) -> None:
    rows = listed(
        ROSA,
        {**OMAR, "postcode": "nowhere"},
        {**OMAR, "born": "31/2/1980"},
        {**OMAR, "surname": "--"},
    )
    with pytest.raises(actions.WrongLines) as found:
        upload(clerk, seen_by, community, rows)
    assert [mistake.line for mistake in found.value.mistakes] == [3, 4, 5]
    assert "postcode" in found.value.mistakes[0].words
    assert not Register.objects.exists() and not Entry.objects.exists()
    assert not Journal.objects.filter(what="register.uploaded").exists()


def test_lines_that_say_the_same_are_refused_or_taken_once(clerk, community, seen_by) -> None:
    again = {**ROSA, "surname": "obrien sian", "born": "1961-02-09"}
    with pytest.raises(actions.WrongLines) as found:
        upload(clerk, seen_by, community, listed(ROSA, OMAR, again))
    assert found.value.mistakes == [
        actions.Mistake(4, "This says the same as line 2: the two could not be told apart.")
    ]
    register, reading = upload(
        clerk, seen_by, community, listed(ROSA, OMAR, again), twice_is_once=True
    )
    assert reading.people == register.entries.count() == 2


def test_trying_a_list_keeps_nothing_and_shows_how_it_is_read(clerk, community, seen_by) -> None:
    _register, reading = upload(clerk, seen_by, community, listed(ROSA, OMAR), only_try=True)
    assert reading.people == 2
    assert reading.examples[0] == {
        "surname": "obriensian",
        "first_name": "rosa",
        "postcode": "lm14ab",
        "born": "1961-02-09",
        "area": "",
    }
    assert not Register.objects.exists() and not Entry.objects.exists()


def test_an_empty_list_is_refused(clerk, community, seen_by) -> None:
    with pytest.raises(actions.NobodyListed):
        upload(clerk, seen_by, community, [])


@pytest.mark.parametrize("role", [None, RoleKind.MODERATOR, RoleKind.AUDITOR])
def test_only_clerks_and_administrators_upload_renew_release_or_delete(
    role, authority, community, register, seen_by
) -> None:
    viewer = seen_by(world.a_person(world.root(authority), role=role))
    for attempt in (
        lambda: upload(viewer.person, seen_by, community, listed(ROSA)),
        lambda: actions.renew_register(viewer=viewer, register_id=register.pk, people=listed(ROSA)),
        lambda: actions.delete_register(viewer=viewer, register_id=register.pk),
        lambda: actions.release(viewer=viewer, entry_id=register.entries.first().pk),
    ):
        with pytest.raises(PermissionDenied):
            attempt()
    assert register.entries.filter(digest__isnull=False).count() == 2


def test_another_authority_knows_nothing_of_it(register, elsewhere, now) -> None:
    stranger = world.a_person(world.root(elsewhere), role=RoleKind.ADMINISTRATOR)
    viewer = Viewer(elsewhere, stranger, now)
    with pytest.raises(Register.DoesNotExist):
        actions.match(viewer=viewer, register_id=register.pk, given=ROSA)
    with pytest.raises(Register.DoesNotExist):
        actions.delete_register(viewer=viewer, register_id=register.pk)


# --- finding oneself


def test_who_is_found_is_surer_to_belong_until_the_register_ends(
    register, resident, community, seen_by
) -> None:
    viewer = seen_by(resident)
    typed = {
        "surname": "OBRIEN SIAN",
        "first_name": " rosa",
        "postcode": "lm14ab",
        "born": "9 feb 1961",
    }
    entry = actions.match(viewer=viewer, register_id=register.pk, given=typed)
    assert entry.person == resident
    member = Membership.objects.get(person=resident, community=community)
    assert (member.level, member.expires_at.date()) == (Level.REGISTER, date(2090, 1, 1))
    assert viewer.belongs(community, Level.REGISTER)
    assert (
        actions.match(viewer=viewer, register_id=register.pk, given=ROSA) == entry
    )  # twice is as once
    told = Journal.objects.get(what="register.matched")
    assert (told.is_public, told.facts) == (False, {})


def test_a_surer_check_stays(register, community, seen_by) -> None:
    person = world.a_person(community, level=Level.IN_PERSON)
    actions.match(viewer=seen_by(person), register_id=register.pk, given=ROSA)
    assert Membership.objects.get(person=person).level == Level.IN_PERSON


def test_a_taken_entry_and_an_unknown_name_get_the_same_answer(
    register, resident, community, seen_by
) -> None:
    actions.match(viewer=seen_by(resident), register_id=register.pk, given=ROSA)
    other = world.a_person(community)
    for typed in (ROSA, {**ROSA, "first_name": "Nobody"}):
        with pytest.raises(actions.NoMatch):
            actions.match(viewer=seen_by(other), register_id=register.pk, given=typed)
    assert Membership.objects.get(person=other).level == Level.POSTCODE


def test_one_person_is_found_once(register, resident, seen_by) -> None:
    actions.match(viewer=seen_by(resident), register_id=register.pk, given=ROSA)
    with pytest.raises(actions.MatchedAlready):
        actions.match(viewer=seen_by(resident), register_id=register.pk, given=OMAR)


def test_a_person_is_led_to_the_district_that_the_list_names(
    clerk, authority, seen_by, resident
) -> None:
    whole = world.root(authority)
    ward = world.a_community(authority, name="Tŷ Gwyn", slug="ty-gwyn")
    with pytest.raises(actions.WrongLines, match="1 lines"):
        upload(clerk, seen_by, whole, listed(ROSA, areas=("Atlantis",)))
    made, _ = upload(clerk, seen_by, whole, listed(ROSA, OMAR, areas=("ty gwyn", "")))
    viewer = seen_by(resident)
    entry = actions.match(viewer=viewer, register_id=made.pk, given=ROSA)
    assert queries.place_words(entry) == ward
    assert viewer.belongs(ward, Level.REGISTER) and viewer.belongs(whole, Level.REGISTER)


def test_staff_release_a_wrong_match_and_the_right_person_is_found(
    register, clerk, resident, community, seen_by
) -> None:
    entry = actions.match(viewer=seen_by(resident), register_id=register.pk, given=ROSA)
    actions.release(viewer=seen_by(clerk), entry_id=entry.pk)
    assert Membership.objects.get(person=resident).level == Level.SELF_DECLARED
    right = world.a_person(community)
    assert actions.match(viewer=seen_by(right), register_id=register.pk, given=ROSA).person == right
    assert Journal.objects.filter(what="register.released", who=clerk, is_public=False).count() == 1


def test_who_leaves_frees_their_entry(register, resident, seen_by, now) -> None:
    actions.match(viewer=seen_by(resident), register_id=register.pk, given=ROSA)
    assert list(queries.personal(resident)) == [
        {"register": "Electoral register", "place": "Quayside"}
    ]
    people.erase_person(viewer=seen_by(resident))
    assert not Entry.objects.filter(person__isnull=False).exists()


# --- renewing and forgetting


def test_a_newer_list_keeps_who_stays_and_lets_go_of_who_is_gone(
    register, clerk, resident, community, seen_by
) -> None:
    stays = actions.match(viewer=seen_by(resident), register_id=register.pk, given=ROSA)
    other = world.a_person(community)
    goes = actions.match(viewer=seen_by(other), register_id=register.pk, given=OMAR)
    new = {**OMAR, "first_name": "Nadia"}
    reading = actions.renew_register(
        viewer=seen_by(clerk), register_id=register.pk, people=listed(new, ROSA)
    )
    assert reading[:4] == (2, 1, 1, 1)
    stays.refresh_from_db(), goes.refresh_from_db()
    assert stays.person == resident
    assert (goes.person, goes.gone_at is not None) == (None, True)
    assert Membership.objects.get(person=other).level == Level.SELF_DECLARED
    with pytest.raises(actions.NoMatch):
        actions.match(viewer=seen_by(other), register_id=register.pk, given=OMAR)
    actions.renew_register(
        viewer=seen_by(clerk), register_id=register.pk, people=listed(ROSA, OMAR)
    )
    assert actions.match(viewer=seen_by(other), register_id=register.pk, given=OMAR).pk == goes.pk


def test_a_newer_list_moves_who_moved_and_holds_for_as_long_as_it_is_kept(
    clerk, authority, resident, seen_by
) -> None:
    whole = world.root(authority)
    old, new = (
        world.a_community(authority, name=name, slug=name.lower()) for name in ("East", "West")
    )
    made, _ = upload(clerk, seen_by, whole, listed(ROSA, OMAR, areas=("East", "East")))
    surer = world.a_person(new, level=Level.IN_PERSON)
    actions.match(viewer=seen_by(resident), register_id=made.pk, given=ROSA)
    actions.match(viewer=seen_by(surer), register_id=made.pk, given=OMAR)
    actions.renew_register(
        viewer=seen_by(clerk), register_id=made.pk, delete_on=date(2091, 1, 1),
        people=listed(ROSA, OMAR, areas=("West", "West")),
    )  # fmt: skip
    viewer = seen_by(resident)
    assert viewer.belongs(new, Level.REGISTER) and not viewer.belongs(old, Level.REGISTER)
    moved = Membership.objects.get(person=resident, community=new)
    assert moved.expires_at.date() == date(2091, 1, 1)
    assert Membership.objects.get(person=surer, community=new).level == Level.IN_PERSON


def test_who_has_voted_stays_on_the_roll_through_a_newer_list_and_votes_no_second_time(
    register, clerk, resident, community, challenge, seen_by
) -> None:
    pot = world.a_pot(challenge, level=Level.REGISTER)
    entry = actions.match(viewer=seen_by(resident), register_id=register.pk, given=ROSA)
    voting.cast_ballot(viewer=seen_by(resident), pot_id=pot.pk, choice=Choice.of(numbers(pot)[:1]))
    assert Roll.objects.get().entry == entry
    actions.renew_register(viewer=seen_by(clerk), register_id=register.pk, people=listed(OMAR))
    actions.renew_register(
        viewer=seen_by(clerk), register_id=register.pk, people=listed(OMAR, ROSA)
    )
    impostor = world.a_person(community)
    actions.match(viewer=seen_by(impostor), register_id=register.pk, given=ROSA)
    with pytest.raises(voting.VotedAlready):
        voting.cast_ballot(
            viewer=seen_by(impostor), pot_id=pot.pk, choice=Choice.of(numbers(pot)[:1])
        )


def test_deleting_destroys_the_key_and_every_hash_but_waits_for_a_running_ballot(
    register, clerk, resident, challenge, seen_by
) -> None:
    pot = world.a_pot(challenge)
    actions.match(viewer=seen_by(resident), register_id=register.pk, given=ROSA)
    with pytest.raises(actions.StillNeeded):
        actions.delete_register(viewer=seen_by(clerk), register_id=register.pk)
    pot.projects.all().delete(), pot.delete()
    actions.delete_register(viewer=seen_by(clerk), register_id=register.pk)
    register.refresh_from_db()
    assert register.key is None
    assert set(register.entries.values_list("digest", "person")) == {(None, None)}
    assert Membership.objects.get(person=resident).level == Level.SELF_DECLARED


def test_a_register_goes_by_itself_on_its_day(register, now, challenge) -> None:
    Register.objects.update(delete_on=now.date())
    actions.forget_what_is_over(at=now)
    assert Register.objects.get().deleted_at is None
    pot = world.a_pot(challenge, opens_at=now - timedelta(1), closes_at=now + timedelta(5))
    actions.forget_what_is_over(at=now + timedelta(days=2))
    assert Register.objects.get().deleted_at is None, "a ballot is running"
    pot.projects.all().delete(), pot.delete()
    actions.forget_what_is_over(at=now + timedelta(days=2))
    assert Register.objects.get().key is None
    assert Journal.objects.filter(what="register.deleted", who=None).count() == 1


# --- files as they come


HEAD = "Elector Surname,Elector Forename,PostCode,Elector DOB\n"
LINES = "O'Brien,Siân,LM1 4AB,09/02/1961\nSaïd,Omar,lm14ab,1980-12-01\n"


def a_file(content: bytes, name: str = "list.csv") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, "text/csv")


def read_form(content: bytes, **given: Any) -> forms.PeopleForm:
    data = {"delete_on": "2027-06-01", **given}
    return forms.PeopleForm(data, {"list": a_file(content)}, today=date(2026, 11, 25), parts=PARTS)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le-bom"])
@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_a_list_is_read_whatever_wrote_it(encoding: str, mark: str) -> None:
    text = (HEAD + LINES).replace(",", mark).replace("\n", "\r\n")
    content = (
        b"\xff\xfe" + text.encode("utf-16-le")
        if encoding.endswith("bom")
        else text.encode(encoding)
    )
    form = read_form(content)
    assert form.is_valid(), form.errors
    assert [(p.line, p.given["surname"], p.given["first_name"]) for p in form.people()] == [
        (2, "O'Brien", "Siân"), (3, "Saïd", "Omar"),
    ]  # fmt: skip


def test_columns_of_other_names_are_found_when_they_are_named() -> None:
    content = (HEAD.replace("PostCode", "Flat code") + LINES).encode()
    form = read_form(content)
    assert not form.is_valid()
    assert (
        "There is no column Postcode. The list has: Elector Surname, Elector Forename, Flat code"
        in str(form.errors)
    )
    form = read_form(content, columns="Postcode = flat CODE")
    assert form.is_valid(), form.errors
    assert next(form.people()).given["postcode"] == "LM1 4AB"
    assert not read_form(content, columns="flat code").is_valid()


BROKEN = {
    "a workbook": b"PK\x03\x04" + b"x" * 100,
    "nothing": b"",
    "a NUL": (HEAD + "O'Brien,Si\0n,LM1 4AB,1961\n").encode(),
    "a lone quotation mark": (HEAD + "\"O'Brien,Rosa\n" + "x,y,z,1961\n" * 30_000).encode(),
    "a huge field": (HEAD + "x" * 500_000 + ",y,z,1\n").encode(),
    "a thousand columns": (HEAD + "," * 1000 + "\n").encode(),
    "half a letter": HEAD.encode("utf-16") + b"\x00",
    "letters of nowhere": HEAD.encode() + b"O\x81\xff,Rosa,LM1 4AB,9/2/1961\n",
    "a picture": bytes(range(256)) * 50,
    "a short line": (HEAD + "O'Brien,Rosa\n").encode(),
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN)
def test_a_broken_file_is_refused_in_words_and_leaves_nothing(
    content: bytes, clerk, community
) -> None:
    browser = sign_in(Client(), clerk, second_factor=True)
    answer = browser.post(
        reverse("registers:new"),
        {"title": "List", "community": community.pk, "parts": PARTS, "delete_on": "2027-06-01", "do": "keep", "list": a_file(content)},
    )  # fmt: skip
    assert answer.status_code == 200
    text = answer.content.decode()
    assert "One thing to mend" in text
    assert not Register.objects.exists()


def test_a_list_of_three_hundred_thousand_is_read_in_little_memory(
    clerk, community, seen_by
) -> None:
    lines, head = 300_000, HEAD.encode()
    file = TemporaryUploadedFile("list.csv", "text/csv", 0, None)
    file.write(head)
    for start in range(0, lines, 1000):
        file.write(
            "".join(
                f"Surname{n},Name,LM1 4AB,09/02/1961\n" for n in range(start, start + 1000)
            ).encode()
        )
    file.seek(0)
    file.size = 1
    form = forms.PeopleForm(
        {"delete_on": "2027-06-01"}, {"list": file}, today=date(2026, 11, 25), parts=PARTS
    )
    assert form.is_valid(), form.errors
    tracemalloc.start()
    count = sum(1 for _person in form.people())
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert count == lines
    assert peak < 5_000_000


# --- pages


def test_a_clerk_tries_a_list_then_keeps_it(clerk, community, visit) -> None:
    browser = sign_in(Client(), clerk, second_factor=True)
    data = {
        "title": "Electoral register",
        "community": community.pk,
        "parts": PARTS,
        "delete_on": "2027-06-01",
    }

    def send(do: str) -> Any:
        file = a_file((HEAD + LINES).encode("cp1252"))
        return visit(
            reverse("registers:new"), data={**data, "do": do, "list": file}, client=browser
        )

    page = send("try")
    assert "Tried, and nothing kept" in page.text and "said" in page.text
    assert not Register.objects.exists()
    page = send("keep")
    assert "Taken: 2 people, of them 2 new." in page.text
    assert Register.objects.get().entries.count() == 2
    assert "People in “Electoral register”, kept as hashes: 2" in visit("/what-changed/").text


def test_a_wrong_name_is_said_so_ten_times_a_day_and_then_no_more(
    register, resident, visit
) -> None:
    cache.clear()
    browser = sign_in(Client(), resident)
    address = reverse("registers:match", args=[register.pk])
    wrong = {**ROSA, "first_name": "Nobody"}
    for _try in range(10):
        assert "We cannot match you" in visit(address, data=wrong, client=browser).text
    page = visit(address, data=ROSA, client=browser, status=429)
    assert "too many tries" in page.text
    assert not Entry.objects.filter(person__isnull=False).exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT string_agg(cache_key || value, ' ') FROM site_cache")
        assert "127.0.0.1" not in cursor.fetchone()[0]
    cache.clear()
    page = visit(address, data=ROSA, client=browser)
    assert "We found you" in page.text


def test_the_desk_looks_somebody_up_releases_and_hands_out_a_code(
    register, clerk, resident, challenge, seen_by, visit
) -> None:
    pot = world.a_pot(challenge, level=Level.REGISTER)
    actions.match(viewer=seen_by(resident), register_id=register.pk, given=ROSA)
    browser = sign_in(Client(), clerk, second_factor=True)
    find = reverse("registers:find", args=[register.pk])
    page = visit(find, data={**ROSA, "first_name": "Nobody"}, client=browser)
    assert "Nobody in it is written like this" in page.text
    page = visit(find, data=ROSA, client=browser)
    assert "An account was found as this person already" in page.text
    entry = Entry.objects.get(person=resident)
    visit(reverse("registers:release", args=[entry.pk]), data={}, client=browser)
    page = visit(
        reverse("registers:hand_out", args=[pot.pk]), data={"entry": entry.pk}, client=browser
    )
    assert "Voting code" in page.text


def test_at_the_desk_somebody_is_checked_in_person_by_two_steps(clerk, community, visit) -> None:
    person = world.a_person(community, name="Nadia Said", level=Level.SELF_DECLARED)
    browser = sign_in(Client(), clerk, second_factor=True)
    page = visit(f"{reverse('places:people', args=[community.slug])}?q=nadia", client=browser)
    assert "Checked in person just now" in page.text
    member = Membership.objects.get(person=person)
    address = reverse("places:verify", args=[community.slug, member.pk])
    assert address in [form.get("action") for form in page.forms]
    visit(address, data={"level": 5}, client=browser)
    member.refresh_from_db()
    assert (member.level, member.verified_by) == (Level.IN_PERSON, clerk)


@pytest.mark.parametrize(
    "words", ['"><script>alert(1)</script>', "{{ 7777|add:77 }}", "%(title)s %s %d", "=SUM(1)"]
)
def test_hostile_words_in_a_register_are_only_ever_words(
    words, register, clerk, resident, community, visit
) -> None:
    register.title = words
    register.save()
    desk, reader = sign_in(Client(), clerk, second_factor=True), sign_in(Client(), resident)
    own = [register.pk]
    for browser, address in (
        (desk, reverse("registers:list")),
        (desk, reverse("registers:register", args=own)),
        (desk, reverse("registers:delete", args=own)),
        (reader, reverse("registers:match", args=own)),
        (reader, community.get_absolute_url()),
        (reader, "/what-changed/"),
    ):
        page = visit(address, client=browser, check=False)
        assert words in page.text
        assert "<script>alert" not in page.html
    data = {
        **ROSA,
        "surname": words,
        "title": words,
        "community": community.pk,
        "parts": PARTS,
        "delete_on": words,
    }
    for address in (
        reverse("registers:match", args=own),
        reverse("registers:find", args=own),
        reverse("registers:new"),
    ):
        page = visit(address, data=data, client=desk, check=False)
        assert "<script>alert" not in page.html


def test_no_page_of_the_desk_asks_the_database_more_than_twelve_times(
    register, clerk, challenge, django_assert_max_num_queries
) -> None:
    pot = world.a_pot(challenge)
    viewer = Viewer(register.authority, clerk, pot.opens_at)
    for number in range(5):
        actions.make_sheets(
            viewer=viewer, pot_id=pot.pk, key=bytes([number]) * 32, count=9, replace=False
        )
    desk = sign_in(Client(), clerk, second_factor=True)
    for name in ("codes", "sheets", "letters", "mails"):
        with django_assert_max_num_queries(12):
            desk.get(reverse(f"registers:{name}", args=[pot.pk]))
    for name in ("register", "delete", "match"):
        with django_assert_max_num_queries(12):
            desk.get(reverse(f"registers:{name}", args=[register.pk]))
    with django_assert_max_num_queries(12):
        desk.get(reverse("registers:list"))
    with django_assert_max_num_queries(14):  # with the form's check of the place
        desk.post(reverse("registers:find", args=[register.pk]), ROSA)
    nobody = Client()
    with django_assert_max_num_queries(12):
        code = rules.code_from(bytes([1]) * 32, 1)
        assert nobody.post("/v/", {"code": code}).status_code == 302


# --- many hands


@pytest.mark.django_db(transaction=True)
def test_one_entry_is_one_person_however_many_claim_it_at_once(
    register, community, authority, now
) -> None:
    claimants = [world.a_person(community) for _ in range(16)]
    gate = threading.Barrier(16)

    def claim(person: Person) -> str:
        try:
            gate.wait(30)
            actions.match(
                viewer=Viewer(authority, person, now), register_id=register.pk, given=ROSA
            )
        except actions.NoMatch:
            return "no match"
        finally:
            connection.close()
        return "found"

    with ThreadPoolExecutor(16) as pool:
        answers = Counter(pool.map(claim, claimants))
    assert answers == {"found": 1, "no match": 15}
    assert Membership.objects.filter(level=Level.REGISTER).count() == 1


@pytest.mark.django_db(transaction=True)
def test_without_the_database_holding_it_one_person_would_get_two_entries(
    register, resident, authority, now, monkeypatch
) -> None:
    """The guard is what holds: both look, both find nothing, both take."""
    meeting, real, asked = threading.Barrier(2), queries.own_entry, threading.local()

    def looks(viewer: Viewer) -> Any:
        if not hasattr(asked, "once"):
            asked.once = True
            meeting.wait(30)
            return None
        return real(viewer)

    monkeypatch.setattr(queries, "own_entry", looks)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE registers_entry DROP CONSTRAINT registers_entry_person_id_key")

    def claim(given: dict[str, str]) -> None:
        try:
            actions.match(
                viewer=Viewer(authority, resident, now), register_id=register.pk, given=given
            )
        except actions.MatchedAlready:
            pass
        finally:
            connection.close()

    try:
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(claim, [ROSA, OMAR]))
        assert Entry.objects.filter(person=resident).count() == 2
    finally:
        Entry.objects.update(person=None)
        with connection.cursor() as cursor:
            cursor.execute(
                "ALTER TABLE registers_entry ADD CONSTRAINT registers_entry_person_id_key UNIQUE (person_id)"
            )


@pytest.mark.django_db(transaction=True)
def test_one_person_who_claims_two_entries_at_once_gets_one(
    register, resident, authority, now
) -> None:
    gate = threading.Barrier(8)

    def claim(given: dict[str, str]) -> Callable[[], str] | str:
        try:
            gate.wait(30)
            actions.match(
                viewer=Viewer(authority, resident, now), register_id=register.pk, given=given
            )
        except actions.MatchedAlready:
            return "already"
        finally:
            connection.close()
        return "found"

    with ThreadPoolExecutor(8) as pool:
        answers = Counter(pool.map(claim, [ROSA, OMAR] * 4))
    assert answers == {"found": 4, "already": 4}
    assert Entry.objects.filter(person=resident).count() == 1
