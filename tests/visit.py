"""Fetch a page as a person would, and check what every page must keep to."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

from django.test import Client

if TYPE_CHECKING:
    from django.http import HttpResponse

    from commonweal.ground.people.models import Person

VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}
RESIDUE = re.compile(
    r"\{\{|\{%|%\}|\}\}|(?<!-)\bNone\b(?!-| of)|<django\.|object at 0x|&lt;Signature|%\([a-z_]+\)s"
)
QUIET = {"script", "style", "svg"}


class Page(HTMLParser):
    """A page taken apart: headings, title, ids, labels, text, and what breaks the rules."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.html = html
        self.h1: list[str] = []
        self.title = ""
        self.ids: Counter[str] = Counter()
        self.labels_for: set[str] = set()
        self.controls: list[dict[str, str]] = []
        self.links: list[str] = []
        self.forms: list[dict[str, str]] = []
        self.faults: list[str] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()
        self.text = " ".join(" ".join(self.words).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag not in VOID:
            self.open.append(tag)
        if "id" in given:
            self.ids[given["id"]] += 1
        if "style" in given:
            self.faults.append(f"inline style on <{tag}>")
        self.faults += [f"inline handler {name}" for name in given if name.startswith("on")]
        if tag == "h1":
            self.h1.append("")
        elif tag == "label":
            self.labels_for.add(given.get("for", ""))
        elif tag in {"input", "select", "textarea"} and given.get("type") not in {
            "hidden",
            "submit",
        }:
            self.controls.append(given)
        elif tag == "a" and given.get("href"):
            self.links.append(given["href"])
        elif tag == "form":
            self.forms.append(given)
        elif tag == "style":
            self.faults.append("an inline <style>")
        elif tag == "script" and given.get("type") != "application/json" and not given.get("nonce"):
            self.faults.append("a <script> without the nonce")
        elif tag == "meta" and given.get("http-equiv", "").casefold() == "refresh":
            self.faults.append("a page that reloads itself under whoever reads it")
        elif tag == "img" and "alt" not in given:
            self.faults.append("an <img> without alt")
        src = given.get("src", "") + (given.get("href", "") if tag == "link" else "")
        if src.startswith(("http:", "https:", "//", "data:")) and given.get("rel") != "canonical":
            self.faults.append(f"a request to a third party: {src}")

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open:
            while self.open.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        if "h1" in self.open:
            self.h1[-1] += data
        if "title" in self.open and "svg" not in self.open:
            self.title += data
        if not QUIET.intersection(self.open):
            self.words.append(data)

    def broken_rules(self) -> list[str]:
        """Return everything on this page that no page may have."""
        faults = list(self.faults)
        heading = " ".join(self.h1[0].split()) if self.h1 else ""
        if len(self.h1) != 1 or not heading:
            faults.append(f"{len(self.h1)} h1 elements: {self.h1}")
        elif heading.rstrip(".").casefold() not in " ".join(self.title.split()).casefold():
            faults.append(f"the title {self.title!r} does not contain the h1 {heading!r}")
        faults += [f"the id {name!r} stands {n} times" for name, n in self.ids.items() if n > 1]
        for control in self.controls:
            named = control.get("id") in self.labels_for or control.get("aria-label")
            if not named and not control.get("aria-labelledby"):
                faults.append(f"no label for {control.get('name') or control}")
        if residue := RESIDUE.search(self.text):
            around = self.text[max(0, residue.start() - 40) : residue.end() + 40]
            faults.append(f"left-over code in the text: {around!r}")
        if not re.search(r"<html[^>]* lang=\"[a-z]", self.html):
            faults.append("no language on <html>")
        return faults


def visit(
    client: Client,
    address: str,
    *,
    data: dict[str, Any] | None = None,
    status: int = 200,
    check: bool = True,
    **extra: Any,
) -> Page:
    """Get (or, with ``data``, post and follow) an address; check the status and the page's rules."""
    answer: HttpResponse = (
        client.get(address, follow=True, **extra)
        if data is None
        else client.post(address, data, follow=True, **extra)
    )
    text = answer.content.decode()
    assert answer.status_code == status, (
        f"{address}: {answer.status_code}, not {status}: {text[:2000]}"
    )
    page = Page(text)
    page.response = answer  # type: ignore[attr-defined]
    if check and answer.headers.get("Content-Type", "").startswith("text/html"):
        policy = answer.headers.get("Content-Security-Policy", "")
        assert "default-src 'self'" in policy, f"{address}: no strict policy: {policy!r}"
        assert "unsafe" not in policy, f"{address}: {policy}"
        assert not (faults := page.broken_rules()), f"{address}: {faults}"
    return page


def sign_in(client: Client, person: Person, *, second_factor: bool = False) -> Client:
    """Open a session for this person, as after a code by email (and a second factor)."""
    from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY

    client.force_login(person)
    session = client.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [
        {"method": "code", "at": 0, "email": person.email},
        *([{"method": "mfa", "at": 9_999_999_999, "type": "totp"}] if second_factor else []),
    ]
    session["account_authentication_methods_user"] = str(person.pk)
    session.save()
    return client
