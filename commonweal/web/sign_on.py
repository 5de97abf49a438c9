"""Single sign-on providers, as the environment names them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

NEEDED = ("id", "name", "server", "client", "secret")


def providers(environment: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the providers named by ``COMMONWEAL_OIDC`` (a list as JSON) or ``COMMONWEAL_OIDC_SERVER``."""
    return [_app(given) for given in _given(environment)]


def origins(environment: Mapping[str, str]) -> list[str]:
    """Return where our forms may lead a browser: the providers' sites, and those they send it on to."""
    named = environment.get("COMMONWEAL_OIDC_ORIGINS", "").split()
    return sorted({*(_origin(given["server"]) for given in _given(environment)), *named})


def _given(environment: Mapping[str, str]) -> list[dict[str, str]]:
    if environment.get("COMMONWEAL_OIDC_SERVER"):
        return [
            {
                "id": "single",
                "name": environment.get("COMMONWEAL_OIDC_NAME", "Single sign-on"),
                "server": environment["COMMONWEAL_OIDC_SERVER"],
                "client": environment.get("COMMONWEAL_OIDC_CLIENT", ""),
                "secret": environment.get("COMMONWEAL_OIDC_SECRET", ""),
            }
        ]
    try:
        listed = json.loads(environment.get("COMMONWEAL_OIDC") or "[]")
    except ValueError as mistake:
        raise ImproperlyConfigured(f"COMMONWEAL_OIDC is not JSON: {mistake}.") from mistake
    if not isinstance(listed, list) or not all(_is_whole(one) for one in listed):
        needed = ", ".join(NEEDED)
        raise ImproperlyConfigured(
            f"COMMONWEAL_OIDC is not right: give a list of objects, each with {needed} as words."
        )
    return listed


def _is_whole(one: object) -> bool:
    return isinstance(one, dict) and all(isinstance(one.get(key), str) for key in NEEDED)


def _app(given: Mapping[str, str]) -> dict[str, Any]:
    return {
        "provider_id": given["id"],
        "name": given["name"],
        "client_id": given["client"],
        "secret": given["secret"],
        "settings": {"server_url": given["server"], "oauth_pkce_enabled": True},
    }


def _origin(address: str) -> str:
    parts = urlsplit(address)
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ImproperlyConfigured(
            f"{address!r} is no address of a single sign-on: it starts like https://login.example.org."
        )
    return f"{parts.scheme}://{parts.netloc}"
