"""Every page, for everyone who may see it: on a phone and a desk, light and dark, for every reader."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from commonweal.ground.people.models import Person
from tests.journeys.borough import BESIDE, Borough, Walk, have_listened
from tests.journeys.looking import DESK, NARROWEST, PHONE, SCREENSHOTS, Watch, sideways
from tests.visit import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
# All that can differ between light and dark, since only colours do.
COLOURS = ["color-contrast", "link-in-text-block"]


@pytest.mark.timeout(1800)  # some hundred pages, staff twice as many, each looked at five times
@pytest.mark.parametrize("who", ["anonymous", "resident", "staff"])
def test_every_page_is_whole_at_every_size_and_in_light_and_dark(
    window: Callable[..., Watch], borough: Borough, who: str
) -> None:
    person: Person | None = None if who == "anonymous" else getattr(borough, who)
    client = sign_in(Client(), person, second_factor=True) if person else Client()
    pages = Walk(client).from_page("/", *BESIDE, *have_listened(borough))
    assert len(pages) > 20, "the walk has lost its way"
    watch = window(person, second_factor=True)
    faults = [fault for address in pages for fault in _faults(watch, address, who)]
    assert not faults + watch.troubles, "\n".join([*faults, *watch.troubles])


def _faults(watch: Watch, address: str, who: str) -> list[str]:
    """Load a page once, then look at it in every light and size."""
    page, found = watch.page, []
    page.set_viewport_size({"width": NARROWEST, "height": 800})
    page.emulate_media(color_scheme="light")
    page.goto(address)
    found += sideways(page)
    for width in (PHONE, DESK):
        page.set_viewport_size({"width": width, "height": 800})
        page.emulate_media(color_scheme="light")
        found += watch.faults()
        page.emulate_media(color_scheme="dark")
        found += watch.faults(rules=COLOURS)
        if width == (DESK if who == "staff" else PHONE):
            _keep(watch, f"{who}{address}", str(width))
    return [f"{who} {address}: {fault}" for fault in found]


def _keep(watch: Watch, name: str, size: str) -> None:
    """Keep a picture, for whoever wants to look with their own eyes."""
    plain = "".join(letter if letter.isalnum() else "-" for letter in name).strip("-")[:80]
    path = SCREENSHOTS / f"{plain}-{size}.jpeg"
    watch.page.screenshot(path=path, type="jpeg", quality=60, full_page=True)


def test_paper_is_black_on_white_and_has_nothing_to_press(
    window: Callable[..., Watch], borough: Borough
) -> None:
    page = window(borough.resident).page
    page.emulate_media(color_scheme="dark", media="print")
    page.goto(borough.idea.get_absolute_url())
    ground = "(part) => getComputedStyle(part).backgroundColor"
    assert page.locator("body").evaluate(ground) == "rgb(255, 255, 255)"
    assert page.locator(".cw-head").evaluate(ground) == "rgb(255, 255, 255)"
    assert not page.locator("main button:visible").count()
