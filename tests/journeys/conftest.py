"""A real browser before a real server: the site as people meet it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.test import Client
from playwright.sync_api import Browser, BrowserContext
from pytest_django.live_server_helper import LiveServer

from commonweal.ground.people.models import Person
from tests.ground.conftest import smtp
from tests.journeys.borough import Borough, a_borough
from tests.journeys.looking import DESK, Watch
from tests.visit import sign_in

__all__ = ["smtp"]

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost, EXCLUDE *.localhost",
)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin the journeys with those that take long, so that no worker sits alone with one at last."""
    if all(item.get_closest_marker("browser") for item in items):
        items.sort(key=lambda item: item.get_closest_marker("timeout") is None)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Use the Chromium that the system has, when it has one, and keep it from calling home."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    ours = {"executable_path": found} if found else {}
    return {**browser_type_launch_args, **ours, "args": [*QUIET, *as_root]}


@pytest.fixture(scope="session", autouse=True)
def _database_beside_the_browser() -> Iterator[None]:
    """Let this thread use the database although the browser's loop runs in it too."""
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    yield
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def borough(transactional_db: None) -> Borough:
    """Return a borough in which something stands on every page."""
    cache.clear()  # nobody asked for a code yet
    return a_borough()


@pytest.fixture
def window(
    browser: Browser, live_server: LiveServer, borough: Borough
) -> Iterator[Callable[..., Watch]]:
    """Return a function that opens a window of a browser, signed in as a person if one is given."""
    opened: list[BrowserContext] = []

    def open_one(
        person: Person | None = None,
        *,
        width: int = DESK,
        script: bool = True,
        touch: bool = False,
        second_factor: bool = False,
    ) -> Watch:
        context = browser.new_context(
            base_url=live_server.url,
            viewport={"width": width, "height": 800},
            java_script_enabled=script,
            has_touch=touch,
            reduced_motion="reduce",
        )
        context.set_default_timeout(15_000)
        opened.append(context)
        if person:
            session = sign_in(Client(), person, second_factor=second_factor).cookies
            key = settings.SESSION_COOKIE_NAME
            context.add_cookies(
                [{"name": key, "value": session[key].value, "url": live_server.url}]
            )
        return Watch(context.new_page(), live_server.url)

    yield open_one
    for context in opened:
        context.close()
