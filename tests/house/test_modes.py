"""The demo cannot be had in production, and production guesses nothing."""

import json
import os
import subprocess
import sys

import pytest

from tests.house.source import ROOT

TOLD = {
    "DATABASE_URL": "postgresql:///nowhere",
    "COMMONWEAL_MODE": "production",
    "COMMONWEAL_SECRET_KEY": "s" * 60,
    "COMMONWEAL_HOSTS": "loop.example.org",
    "COMMONWEAL_SMTP": "mail.example.org:587",
    "COMMONWEAL_FROM": "Council <hello@example.org>",
}
ASK = """
import json, django
from django.conf import settings
django.setup()
from django.urls import get_resolver, reverse, NoReverseMatch
def names(resolver, space=""):
    for item in resolver.url_patterns:
        if hasattr(item, "url_patterns"):
            yield from names(item, space + (item.namespace + ":" if item.namespace else ""))
        else:
            yield space + str(item.name), str(item.pattern)
found = list(names(get_resolver()))
print(json.dumps({
    "routes": sorted(n for n, _ in found), "hosts": settings.ALLOWED_HOSTS, "demo": settings.DEMO,
    "debug": settings.DEBUG, "secure": settings.SESSION_COOKIE_SECURE, "key": settings.SECRET_KEY,
    "redirect": settings.SECURE_SSL_REDIRECT,
    "cookies": [settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME],
    "cookies_are_whole": [settings.SESSION_COOKIE_PATH, settings.SESSION_COOKIE_DOMAIN,
                          settings.CSRF_COOKIE_PATH, settings.CSRF_COOKIE_DOMAIN,
                          settings.CSRF_COOKIE_SECURE],
}))
"""
Told = dict[str, object]


def ask(**surroundings: str) -> subprocess.CompletedProcess[str]:
    """Ask the settings, in a process of their own, what the site would be."""
    clean = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(("COMMONWEAL", "DATABASE", "DJANGO"))
    }
    return subprocess.run(
        [sys.executable, "-c", ASK],
        env={**clean, "DJANGO_SETTINGS_MODULE": "commonweal.web.settings", **surroundings},
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def answer(**surroundings: str) -> Told:
    """Return what the settings say, where they start at all."""
    done = ask(**surroundings)
    assert done.returncode == 0, done.stderr[-1500:]
    told: Told = json.loads(done.stdout.splitlines()[-1])
    return told


def routes(told: Told) -> list[str]:
    """Return the names of the routes."""
    listed = told["routes"]
    assert isinstance(listed, list)
    return listed


def test_production_has_no_page_of_the_demo() -> None:
    told = answer(**TOLD)
    assert told["demo"] is False
    assert [name for name in routes(told) if name.startswith("demo:")] == []
    assert told["hosts"] == ["loop.example.org"]
    assert told["debug"] is False
    assert told["secure"] is True
    assert told["redirect"] is True


def test_no_neighbouring_site_can_plant_a_session_or_a_token() -> None:
    """A browser takes such a cookie only where it is secure, for the whole site and for no domain."""
    told = answer(**TOLD)
    assert told["cookies"] == ["__Host-sessionid", "__Host-csrftoken"]
    assert told["cookies_are_whole"] == ["/", None, "/", None, True]


def test_a_database_address_without_a_mode_is_production() -> None:
    told = answer(**{key: value for key, value in TOLD.items() if key != "COMMONWEAL_MODE"})
    assert told["demo"] is False


@pytest.mark.parametrize(
    "missing", [k for k in TOLD if k.startswith("COMMONWEAL_") and k != "COMMONWEAL_MODE"]
)
def test_production_refuses_to_start_without(missing: str) -> None:
    done = ask(**{**TOLD, missing: ""})
    assert done.returncode != 0
    assert f"{missing} is not set" in done.stderr


def test_the_demo_answers_on_this_machine_only_whatever_it_is_told() -> None:
    told = answer(
        COMMONWEAL_MODE="demo",
        COMMONWEAL_HOSTS="loop.example.org,*",
        COMMONWEAL_SECRET_KEY="s" * 60,
    )
    assert "demo:be" in routes(told)
    hosts = told["hosts"]
    assert isinstance(hosts, list)
    loopback = {"localhost", "127.0.0.1", "[::1]", ".localhost"}
    assert set(hosts) - loopback <= {"testserver"}


def test_an_unknown_mode_is_refused_in_words() -> None:
    done = ask(COMMONWEAL_MODE="staging")
    assert done.returncode != 0
    assert "use demo, test or production" in done.stderr
