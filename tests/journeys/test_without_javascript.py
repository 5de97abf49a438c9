"""A whole turn in a browser that runs no script, on a phone and on the narrowest screen."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.journeys.borough import Borough
from tests.journeys.looking import NARROWEST, PHONE, Watch, sideways
from tests.journeys.turn import Fingers, Turn
from tests.smtp import Mailbox

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("width", [NARROWEST, PHONE])
def test_someone_without_script_signs_in_proposes_signs_and_votes(
    window: Callable[..., Watch], borough: Borough, smtp: Mailbox, width: int
) -> None:
    Turn(window(width=width, script=False), Fingers(), borough, script=False).take(smtp)


def test_without_script_a_button_brings_the_total_up_to_date(
    window: Callable[..., Watch], borough: Borough
) -> None:
    page = window(borough.resident, width=PHONE, script=False).page
    page.goto(f"{borough.pot.get_absolute_url()}vote/")
    dearest = borough.pot.projects.order_by("cost_pence").last()
    assert dearest
    box = page.get_by_role("checkbox", name=dearest.title)
    box.check()
    page.get_by_role("button", name="Update the total").click()
    expect(page.locator("#basket")).to_contain_text("£30,000 left")
    assert box.is_checked()


def test_a_step_fits_the_narrowest_screen_though_no_style_sheet_comes(
    window: Callable[..., Watch], borough: Borough
) -> None:
    page = window(borough.resident, width=NARROWEST, script=False).page
    page.route("**/*.css", lambda route: route.abort())
    page.goto(f"{borough.draft.get_absolute_url()}edit/risks/")
    expect(page.get_by_role("heading", level=1)).to_have_text("What could go wrong")
    assert not sideways(page)
