"""A whole turn with nothing but a keyboard, seeing all the time where one is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.journeys.borough import Borough
from tests.journeys.looking import Watch
from tests.journeys.turn import Keys, Turn
from tests.smtp import Mailbox

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_someone_with_a_keyboard_signs_in_proposes_signs_and_votes(
    window: Callable[..., Watch], borough: Borough, smtp: Mailbox
) -> None:
    Turn(window(), Keys(), borough).take(smtp)


def test_the_first_tab_leads_past_the_navigation(window: Callable[..., Watch]) -> None:
    page = window().page
    page.goto("/challenges/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to main content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()
    page.keyboard.press("Tab")
    assert page.get_by_role("main").locator(":focus").count() == 1
