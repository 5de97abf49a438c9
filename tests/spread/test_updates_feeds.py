"""Atom feeds: whole, escaped, stable, and asked for again at little cost."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from xml.etree import ElementTree

import pytest
from django.test import Client

from commonweal.ground.challenges.models import Challenge
from commonweal.ground.journal.actions import record
from commonweal.ground.places.models import Authority, Community
from tests.factories import world
from tests.spread.announced import announced as announced
from tests.visit import Page

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("announced")]
ATOM = "{http://www.w3.org/2005/Atom}"


@pytest.fixture
def challenge(authority: Authority, community: Community, now: datetime) -> Challenge:
    title = "<script>alert(1)</script> & \x0b ]]> 'x'"
    made = world.a_challenge(authority, community=community, title=title)
    record(what="challenge.published", who=None, about=made, at=now, public=True)
    record(what="challenge.drafted", who=None, about=made, at=now, public=False)
    return made


def _addresses(challenge: Challenge) -> tuple[str, ...]:
    return (
        f"/challenges/{challenge.slug}/feed/",
        "/communities/quayside/feed/",
        "/communities/whole/feed/",
    )


def test_a_feed_is_whole_and_escaped(challenge: Challenge, client: Client) -> None:
    names = set()
    for address in _addresses(challenge):
        answer = client.get(address)
        assert answer["Content-Type"] == "application/atom+xml; charset=utf-8"
        feed = ElementTree.fromstring(answer.content)
        for name in ("id", "title", "updated", "author"):
            assert feed.find(f"{ATOM}{name}") is not None
        entry = feed.find(f"{ATOM}entry")
        assert entry is not None
        assert len(feed.findall(f"{ATOM}entry")) == 1
        assert "<script>alert(1)</script>" in str(entry.findtext(f"{ATOM}title"))
        assert entry.findtext(f"{ATOM}updated")
        names.add(entry.findtext(f"{ATOM}id"))
    assert len(names) == 1
    assert str(names.pop()).startswith("urn:uuid:")


def test_a_reader_that_takes_a_summary_for_html_is_given_no_live_tag(
    challenge: Challenge, client: Client
) -> None:
    for address in _addresses(challenge):
        feed = ElementTree.fromstring(client.get(address).content)
        summary = feed.find(f"{ATOM}entry/{ATOM}summary")
        assert summary is not None
        assert summary.get("type") == "html"
        assert "&lt;script&gt;alert(1)" in str(summary.text)
        assert "<script" not in str(summary.text)


def test_an_unchanged_feed_is_not_sent_again(challenge: Challenge, client: Client) -> None:
    for address in (*_addresses(challenge), "/communities/empty/feed/"):
        if "empty" in address:
            world.a_community(challenge.authority, slug="empty")
        first = client.get(address)
        again = client.get(address, headers={"If-None-Match": first["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert first["Last-Modified"]


def test_a_feed_names_only_what_is_public_here(
    challenge: Challenge, elsewhere: Authority, client: Client
) -> None:
    draft = world.a_challenge(challenge.authority, published=False)
    theirs = world.a_challenge(elsewhere)
    for hidden in (draft, theirs):
        assert client.get(f"/challenges/{hidden.slug}/feed/").status_code == 404
    assert client.get("/communities/nowhere/feed/").status_code == 404
    assert client.post(f"/challenges/{challenge.slug}/feed/").status_code == 405


def test_a_challenge_page_names_its_feed(challenge: Challenge, visit: Callable[..., Page]) -> None:
    page = visit(f"/challenges/{challenge.slug}/")
    assert f'href="/challenges/{challenge.slug}/feed/"' in page.html
    assert "application/atom+xml" in page.html
