"""Docs: no dead link, decisions in their form, one fragment for each change."""

import re
from pathlib import Path

import pytest

from tests.house.source import ROOT, files, name

PAGES = [*files(".md", under=ROOT / "docs"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")


def anchors(page: Path) -> set[str]:
    """Return the places on a page that a link can lead to."""
    heads = re.findall(r"^#+\s+(.*)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w\- ]", "", head.lower()).strip().replace(" ", "-") for head in heads}


@pytest.mark.parametrize("doc", PAGES, ids=name)
def test_no_link_is_dead(doc: Path) -> None:
    text = re.sub(r"```.*?```", "", doc.read_text(encoding="utf-8"), flags=re.S)
    dead = []
    for target in LINK.findall(text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, place = target.partition("#")
        there = (doc.parent / path).resolve() if path else doc
        if not there.exists() or (place and there.suffix == ".md" and place not in anchors(there)):
            dead.append(target)
    assert dead == []


def test_the_docs_have_four_parts_and_the_decisions() -> None:
    docs = ROOT / "docs"
    parts = {p.relative_to(docs).parts[0] for p in files(".md", under=docs)} - {"index.md"}
    assert parts <= {"start", "do", "know", "reference", "decisions"}


@pytest.mark.parametrize("doc", DECISIONS, ids=name)
def test_a_decision_is_half_a_page_in_the_agreed_form(doc: Path) -> None:
    text = doc.read_text(encoding="utf-8")
    number = int(doc.name[:4])
    assert re.match(rf"# {number}\. \S", text)
    assert re.search(r"^Date: \d{4}-\d\d-\d\d {3}Status: (accepted|replaced by \d+)$", text, re.M)
    heads = re.findall(r"^## (\w+)", text, re.M)
    assert heads == ["Context", "Decision", "Consequences"]
    assert len(text.splitlines()) <= 45


def test_decisions_have_numbers_of_their_own() -> None:
    numbers = [page.name[:4] for page in DECISIONS]
    assert len(numbers) == len(set(numbers))


def test_a_change_fragment_says_what_kind_of_change_it_is() -> None:
    kinds = re.compile(r"^[\w-]+\.(added|changed|fixed|removed)\.md$")
    fragments = list((ROOT / "changes").glob("*.md"))
    assert fragments
    assert [f.name for f in fragments if not kinds.match(f.name)] == []
    assert [f.name for f in fragments if not f.read_text().strip()] == []


def test_the_contributor_page_fits_on_one_screen() -> None:
    assert len((ROOT / "CONTRIBUTING.md").read_text().splitlines()) <= 45


def test_every_make_target_that_is_named_exists() -> None:
    known = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    shown = re.compile(r"`make ([a-z]+)|^make ([a-z]+)", re.M)
    named = {a or b for p in PAGES for a, b in shown.findall(p.read_text(encoding="utf-8"))}
    assert "demo" in named
    assert named - known == set()


def test_every_command_that_is_named_exists() -> None:
    from commonweal.cli.main import COMMANDS

    shown = re.compile(
        r"`(?:\.venv/bin/)?commonweal ([a-z]+)|^\.venv/bin/commonweal ([a-z]+)", re.M
    )
    named = {a or b for p in PAGES for a, b in shown.findall(p.read_text(encoding="utf-8"))}
    assert named - set(COMMANDS) == set()
