"""A letter, a code, a vote: with a telephone, with a keyboard alone, and the desk that made the code."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from commonweal.decide.ballots.models import Ballot, Channel, Roll
from commonweal.decide.registers import actions, rules
from commonweal.decide.registers.models import Part, Register
from commonweal.ground.places.rules import Viewer
from tests.factories import world
from tests.journeys.borough import Borough
from tests.journeys.looking import DESK, NARROWEST, PHONE, Watch

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
KEY = b"k" * 32
PARTS = [Part.SURNAME, Part.POSTCODE, Part.BORN]
ROSA = {"surname": "O'Brien", "postcode": "LM1 4AB", "born": "9/2/1961"}


@pytest.fixture
def desk(borough: Borough) -> Viewer:
    return Viewer(borough.authority, borough.staff, timezone.now(), has_second_factor=True)


@pytest.fixture
def codes(borough: Borough, desk: Viewer) -> list[str]:
    """Return codes as they stand on sheets."""
    actions.make_sheets(viewer=desk, pot_id=borough.pot.pk, key=KEY, count=3, replace=False)
    return [rules.in_groups(rules.code_from(KEY, number)) for number in (1, 2, 3)]


@pytest.fixture
def register(borough: Borough, desk: Viewer) -> Register:
    made, _reading = actions.upload_register(
        viewer=desk, community=world.root(borough.authority), title="Electoral register",
        parts=PARTS, delete_on=date(2090, 1, 1), people=[actions.Listed(2, ROSA)],
    )  # fmt: skip
    return made


def test_the_square_on_a_letter_opens_the_ballot_on_a_telephone(
    window: Callable[..., Watch], borough: Borough, codes: list[str]
) -> None:
    watch = window(width=NARROWEST)
    page = watch.page
    page.goto(f"/v/#{codes[0]}")
    expect(page.get_by_label("Your voting code")).to_have_value(codes[0])
    assert page.url.endswith("/v/"), "the code stays in no address"
    watch.check()
    page.get_by_role("button", name="Open my ballot").click()
    expect(page).to_have_url(re.compile(rf"/money/{borough.pot.pk}/vote/"))
    page.get_by_role("checkbox").first.check()
    page.locator("button[name=do][value=check]:visible").first.click()
    page.locator("button[name=do][value=cast]:visible").first.click()
    expect(page.get_by_role("main")).to_contain_text("receipt", ignore_case=True)
    assert Ballot.objects.filter(pot=borough.pot).count() == 1
    assert Roll.objects.get(pot=borough.pot).channel == Channel.CODE

    other = window(width=NARROWEST)
    other.page.goto(f"/v/#{codes[0]}")
    other.page.get_by_role("button", name="Open my ballot").click()
    expect(other.page.get_by_role("alert")).to_contain_text("has voted with this code already")
    other.check()


def test_a_code_is_typed_with_a_keyboard_and_no_script(
    window: Callable[..., Watch], borough: Borough, codes: list[str]
) -> None:
    page = window(script=False).page
    page.goto(f"/v/#{codes[1]}")
    field = page.get_by_label("Your voting code")
    field.focus()
    page.keyboard.type("34679")
    page.keyboard.press("Enter")
    expect(page).to_have_title(re.compile("Mistake: Vote with a code"))
    expect(page.get_by_role("alert")).to_contain_text("You typed 5")
    field.fill("")
    field.focus()
    page.keyboard.type(codes[1].lower().replace("-", " "))
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"/money/{borough.pot.pk}/vote/"))


def test_a_resident_is_found_in_the_register(
    window: Callable[..., Watch], borough: Borough, register: Register
) -> None:
    watch = window(borough.resident, width=NARROWEST)
    page = watch.page
    page.goto(register.get_absolute_url())
    watch.check()
    for label, part in (
        ("Surname", "surname"),
        ("Postcode", "postcode"),
        ("Date of birth", "born"),
    ):
        page.get_by_label(label).fill(ROSA[part].lower())
    page.get_by_role("button", name="Find me").press("Enter")
    expect(page.get_by_role("main")).to_contain_text("We found you")


def a_list(text: str) -> dict[str, Any]:
    return {"name": "list.csv", "mimeType": "text/csv", "buffer": text.encode()}


HEAD = "Surname,Postcode,Date of birth\n"


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_a_clerk_uploads_a_register_and_hands_out_a_code(
    window: Callable[..., Watch], borough: Borough, width: int
) -> None:
    watch = window(borough.staff, width=width, second_factor=True)
    page = watch.page
    page.goto("/desk/")
    page.get_by_role("link", name="See the registers").click()
    page.get_by_role("link", name="Upload a register").click()
    page.get_by_label("What is it called?").fill("Electoral register")
    page.get_by_label("First name").uncheck()
    page.locator("#id_list").set_input_files(a_list(HEAD + "O'Brien,LM1,9/2/1961\n"))
    page.get_by_role("button", name="Try it, keep nothing").click()
    expect(page.get_by_role("main")).to_contain_text("Line 2 Write the whole postcode")
    watch.check()
    page.locator("#id_list").set_input_files(a_list(HEAD + "O'Brien,LM1 4AB,9/2/1961\n"))
    page.get_by_role("button", name="Try it, keep nothing").click()
    expect(page.get_by_role("status")).to_contain_text("Tried, and nothing kept")
    watch.check()
    assert not Register.objects.exists()
    page.locator("#id_list").set_input_files(a_list(HEAD + "O'Brien,LM1 4AB,9/2/1961\n"))
    page.get_by_role("button", name="Keep the hashes").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Electoral register")
    for label, part in (
        ("Surname", "surname"),
        ("Postcode", "postcode"),
        ("Date of birth", "born"),
    ):
        page.get_by_label(label).first.fill(ROSA[part])
    page.get_by_role("button", name="Look them up").click()
    expect(page.get_by_role("status")).to_contain_text("This person stands in it")
    watch.check()
    page.get_by_role("button", name=re.compile("^Hand out a code")).click()
    expect(page.get_by_role("main")).to_contain_text(re.compile(r"[34679B-Y]{5}-[34679B-Y]{5}-"))
    watch.check()
    for name in ("codes", "sheets", "letters", "mails"):
        page.goto(reverse(f"registers:{name}", args=[borough.pot.pk]))
        watch.check()
