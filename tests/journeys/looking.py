"""Look at a page in a real browser, and hear everything that the browser complains about."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import ConsoleMessage, Locator, Page, Request, Route

NARROWEST, PHONE, DESK = 320, 375, 1280
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
SCREENSHOTS = Path(__file__).resolve().parents[2] / "screenshots"
LOADED = """() => document.readyState === 'complete'
  || new Promise((done) => addEventListener('load', () => done(true), {once: true}))"""
# What sticks out of the window, named so that whoever reads the failure finds it.
STICKS_OUT = """() => {
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= wide) return [];
  const out = (part) => part.getBoundingClientRect().right > wide + 1;
  const words = (part) => {  // a word may stick out of a box that does not
    const range = document.createRange();
    range.selectNodeContents(part);
    return [...part.childNodes].some((node) => node.nodeType === Node.TEXT_NODE) && out(range);
  };
  const found = [...document.body.querySelectorAll('*')].filter((part) => out(part) || words(part));
  return found.length ? found.slice(0, 5).map((part) => part.outerHTML.slice(0, 160)) : ['?'];
}"""


class Watch:
    """Everything that goes wrong on one page from now on."""

    def __init__(self, page: Page, site: str) -> None:
        self.page, self.host = page, urlsplit(site).netloc
        self.troubles: list[str] = []
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.troubles.append(f"script error: {error}"))
        page.context.route(re.compile("^https?:"), self._request)

    def _console(self, said: ConsoleMessage) -> None:
        refused = "Failed to load resource" in said.text and said.location["url"] == self.page.url
        if said.type in {"error", "warning"} and not refused:
            self.troubles.append(f"the console says on {self.page.url}: {said.text}")

    def _request(self, route: Route, request: Request) -> None:
        if urlsplit(request.url).netloc == self.host:
            route.continue_()
        else:
            self.troubles.append(f"a request to another host: {request.url}")
            route.abort()

    def faults(self, *, rules: list[str] | None = None) -> list[str]:
        """Return what axe finds on the page as it is now, and whether it scrolls sideways."""
        return [*sideways(self.page), *_axe(self.page, rules)]

    def check(self) -> None:
        """Hold the page as it is now to everything that every page has to keep."""
        found = [*self.faults(), *self.troubles]
        assert not found, "\n".join([self.page.url, *found])


def sideways(page: Page) -> list[str]:
    """Return what makes the page wider than its window, once its style sheets are there."""
    page.wait_for_load_state()  # a heading can be read before them, and nothing is drawn till then
    page.evaluate(LOADED)  # of the page that is there now: the line above may mean the last one
    width = page.viewport_size
    return [f"at {width} it scrolls sideways: {part}" for part in page.evaluate(STICKS_OUT)]


def _axe(page: Page, rules: list[str] | None) -> list[str]:
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    only = {"type": "rule", "values": rules} if rules else {"type": "tag", "values": WCAG}
    quick = {"iframes": False, "preload": False, "selectors": False, "elementRef": False}
    options = {"runOnly": only, "resultTypes": ["violations"], **quick}
    found: list[dict[str, Any]] = page.evaluate(
        "(options) => axe.run(options).then((result) => result.violations)", options
    )
    return [
        f"axe {one['id']}: {one['help']}: {node['html'][:200]} {node['failureSummary'][:300]}"
        for one in found
        for node in one["nodes"][:3]
    ]


def press(page: Page, name: str, *, exact: bool = False) -> None:
    """Press a button by the keyboard."""
    enter(page.get_by_role("button", name=name, exact=exact))


def follow(page: Page, name: str) -> None:
    """Follow a link by the keyboard."""
    enter(page.get_by_role("link", name=name))


def enter(what: Locator) -> None:
    """Press the first of these, once the page is whole: its address may still take the focus away."""
    what.page.wait_for_load_state()
    what.first.press("Enter")
