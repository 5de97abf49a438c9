"""A whole turn on a phone with script, and what script adds: saving, counting, following at once."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.journeys.borough import Borough
from tests.journeys.looking import PHONE, Watch
from tests.journeys.turn import Fingers, Turn
from tests.smtp import Mailbox

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_someone_on_a_phone_signs_in_proposes_signs_and_votes(
    window: Callable[..., Watch], borough: Borough, smtp: Mailbox
) -> None:
    Turn(window(width=PHONE), Fingers(), borough).take(smtp)


def test_a_draft_is_saved_while_it_is_written_and_says_so(
    window: Callable[..., Watch], borough: Borough
) -> None:
    watch = window(borough.resident, width=PHONE)
    watch.page.goto(f"/ideas/{borough.draft.pk}/edit/better/")
    field = watch.page.get_by_label("What will be better?")
    field.press_sequentially("And there is milk. ")
    expect(watch.page.get_by_role("status")).to_have_text(re.compile(r"Saved at \d\d:\d\d"))
    watch.check()
    kept = field.input_value()
    watch.page.reload()
    expect(field).to_have_value(kept.strip())
    field.fill("Written again after it was saved once.")
    expect(watch.page.get_by_role("status")).to_contain_text("Saved at")
    watch.page.get_by_role("button", name="Save and continue").click()
    expect(watch.page.get_by_role("heading", level=1)).to_have_text("For whom")


def test_the_basket_counts_along_and_nothing_is_cast_by_that(
    window: Callable[..., Watch], borough: Borough
) -> None:
    watch = window(borough.resident, width=PHONE)
    page = watch.page
    page.goto(f"{borough.pot.get_absolute_url()}vote/")
    for bar in (page.locator("#basket"), page.locator("#basket-bar")):
        expect(bar).to_contain_text("£90,000")
    for project, told in zip(
        borough.pot.projects.order_by("pk"),
        ("£60,000 left", "£40,000 left", "£20,000"),
        strict=True,
    ):
        page.get_by_role("checkbox", name=project.title).check()
        for bar in (page.locator("#basket"), page.locator("#basket-bar")):
            expect(bar).to_contain_text(told)
    expect(page.locator("#basket")).to_contain_text("more than the pot")
    watch.check()
    assert borough.pot.ballots.count() == 0


def test_following_turns_on_and_off_where_it_stands(
    window: Callable[..., Watch], borough: Borough
) -> None:
    watch = window(borough.resident, width=PHONE)
    page = watch.page
    page.goto(borough.deciding.get_absolute_url())
    page.evaluate("() => { window.still = 'the same page' }")
    for name, after in (
        ("Follow by email", "Stop following"),
        ("Stop following", "Follow by email"),
    ):
        page.get_by_role("button", name=name).click()
        expect(page.get_by_role("button", name=after)).to_be_visible()
    assert page.evaluate("() => window.still") == "the same page"
    watch.check()


def test_a_mistake_is_told_in_words_that_everyone_can_reach(
    window: Callable[..., Watch], borough: Borough
) -> None:
    watch = window(borough.resident, width=PHONE)
    page = watch.page
    page.goto(f"/ideas/{borough.draft.pk}/edit/whom/")
    page.get_by_role("button", name="Save and continue").click()
    expect(page).to_have_title(re.compile("^Mistake:"))
    expect(page.get_by_role("alert")).to_contain_text("Say for whom it will be better.")
    page.get_by_role("alert").get_by_role("link").first.click()
    expect(page.get_by_label("For whom?")).to_be_focused()
    watch.check()
