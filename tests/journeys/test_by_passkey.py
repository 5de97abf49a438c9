"""A passkey in a real browser, with an authenticator that the browser itself pretends to have."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from playwright.sync_api import expect

from commonweal.ground.people.models import Person

CODE = re.compile(r"\b[A-Z]{4}-[A-Z]{4}\b")


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_a_moderator_sets_up_a_passkey_and_opens_the_desk_with_it_alone(
    page: Any, live_server: Any, moderator: Person
) -> None:
    cache.clear()
    site = live_server.url.replace("127.0.0.1", "localhost")  # a passkey belongs to a name
    troubles: list[str] = []
    page.on("console", lambda said: troubles.append(said.text) if said.type == "error" else None)
    device = page.context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    device.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    page.goto(f"{site}/desk/")
    page.get_by_label("Your email address").fill(str(moderator.email))
    page.get_by_role("button", name="Send me a code").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Look in your mail")
    found = CODE.search(str(mail.outbox[-1].body))
    assert found
    page.get_by_label("The code from our mail").fill(found.group())
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Set up a second step first")
    page.get_by_role("link", name="Set up a passkey").click()
    page.get_by_role("button", name="Make a passkey on this device").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Spare codes")
    page.get_by_role("link", name="I have kept them: go on").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Desk")

    page.context.clear_cookies()
    page.goto(f"{site}/desk/")
    page.get_by_role("button", name="Sign in with my passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Desk")
    assert not troubles, troubles
