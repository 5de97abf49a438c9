"""Every page, for everyone who may see it: on a phone and a desk, light and dark, for every reader."""

from __future__ import annotations

import os
from collections.abc import Callable
from zlib import crc32

import pytest
from django.test import Client
from playwright.sync_api import Error

from commonweal.ground.people.models import Person
from tests.journeys.borough import BESIDE, Borough, Walk, have_listened
from tests.journeys.looking import DESK, NARROWEST, PHONE, SCREENSHOTS, Watch, sideways
from tests.visit import sign_in

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
# All that can differ between light and dark, since only colours do.
COLOURS = ["color-contrast", "link-in-text-block"]


# Who looks, and into how many tests the kinds of pages are shared out, for two to work at once.
PARTS = {"anonymous": 1, "resident": 2, "staff": 3}
SHARES = [(who, part) for who, parts in PARTS.items() for part in range(parts)]


@pytest.mark.timeout(900)  # some sixty pages, each loaded once and looked at in many ways
@pytest.mark.parametrize(("who", "part"), SHARES)
def test_every_page_is_whole_at_every_size_and_in_light_and_dark(
    window: Callable[..., Watch], borough: Borough, who: str, part: int
) -> None:
    person: Person | None = None if who == "anonymous" else getattr(borough, who)
    client = sign_in(Client(), person, second_factor=True) if person else Client()
    walk = Walk(client)
    pages = walk.from_page("/", *BESIDE, *have_listened(borough))
    assert len(pages) > 20, "the walk has lost its way"
    watch = window(person, second_factor=True)
    faults, met = [], set()
    for address in pages:
        kind = walk.kind_of[address]
        if crc32(kind.encode()) % PARTS[who] == part:
            faults += _faults(watch, address, who, is_first=kind not in met)
            met.add(kind)
    assert met, "a share without pages"
    assert not faults + watch.troubles, "\n".join([*faults, *watch.troubles])


def _faults(watch: Watch, address: str, who: str, *, is_first: bool) -> list[str]:
    """Load a page once, then look at it in every size, and the first of its kind in every light.

    Another of its kind is looked at by axe on a phone, and by night on a desk.
    """
    page, found = watch.page, []
    page.set_viewport_size({"width": NARROWEST, "height": 800})
    page.emulate_media(color_scheme="light")
    page.goto(address)
    found += sideways(page)
    for width in (PHONE, DESK):
        page.set_viewport_size({"width": width, "height": 800})
        if is_first or width == PHONE:
            page.emulate_media(color_scheme="light")
            found += watch.faults()
        if is_first or width == DESK:
            page.emulate_media(color_scheme="dark")
            found += watch.faults(rules=COLOURS)
        if width == (DESK if who == "staff" else PHONE):
            _keep(watch, f"{who}{address}", str(width))
    return [f"{who} {address}: {fault}" for fault in found]


def _keep(watch: Watch, name: str, size: str) -> None:
    """Keep a picture, for whoever wants to look with their own eyes and says ``PICTURES=1``."""
    if not os.environ.get("PICTURES"):
        return
    plain = "".join(letter if letter.isalnum() else "-" for letter in name).strip("-")[:80]
    path = SCREENSHOTS / f"{plain}-{size}.jpeg"
    watch.page.screenshot(path=path, type="jpeg", quality=60, full_page=True)


def test_a_request_to_another_host_is_heard_and_goes_nowhere(window: Callable[..., Watch]) -> None:
    watch = window()
    with pytest.raises(Error, match="ERR_FAILED"):
        watch.page.goto("http://example.org/")
    assert any("another host: http://example.org/" in trouble for trouble in watch.troubles)


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
