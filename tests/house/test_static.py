"""What the browser fetches: ours or freely licensed, small, and from nowhere else."""

import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from commonweal.ground.places.models import Authority
from tests.house.source import PRODUCT
from tests.visit import Page

STATIC = PRODUCT / "web" / "static"
VENDOR = STATIC / "vendor"
MOST_BYTES = 150_000


def test_the_fetched_style_sheet_is_free_of_what_is_not_ours_to_show() -> None:
    css = (VENDOR / "govuk-frontend.css").read_text(encoding="utf-8")
    assert "url(" not in css
    assert "@font-face" not in css
    assert "GDS Transport" not in css
    assert "sourceMappingURL" not in css


def test_every_fetched_file_has_its_licence_beside_it() -> None:
    licences = {p.name for p in VENDOR.glob("LICENSE-*")}
    assert licences == {"LICENSE-govuk-frontend.txt", "LICENSE-htmx.txt", "LICENSE-literata.txt"}
    assert all((VENDOR / name).stat().st_size > 500 for name in licences)


def test_no_picture_of_a_crown_and_no_font_but_our_own() -> None:
    fonts = {p.name for p in STATIC.rglob("*.woff*")}
    assert fonts == {"literata-latin.woff2", "literata-latin-ext.woff2"}
    ours = (STATIC / "commonweal.css").read_text(encoding="utf-8")
    assert set(re.findall(r"url\(([^)]*)\)", ours)) <= {
        '"vendor/literata-latin.woff2"',
        '"vendor/literata-latin-ext.woff2"',
        "vendor/literata-latin.woff2",
        "vendor/literata-latin-ext.woff2",
    }


def wire(path: Path) -> int:
    """Return a file's bytes over the wire: fonts are compressed already."""
    plain = path.read_bytes()
    return len(plain) if path.suffix == ".woff2" else len(gzip.compress(plain, 6))


@pytest.mark.django_db
def test_the_first_page_weighs_no_more_than_150_kilobytes(
    authority: Authority, visit: Callable[..., Page]
) -> None:
    page = visit("/")
    asked = set(re.findall(r"(?:src|href)=\"/static/([^\"]+)\"", page.html))
    modules = set(re.findall(r"from\s*[\"']\./([^\"']+)[\"']", (STATIC / "site.js").read_text()))
    assert {"commonweal.css", "vendor/govuk-frontend.css", "vendor/htmx.js"} <= asked
    weight = sum(wire(STATIC / name) for name in asked | modules)
    assert len(gzip.compress(page.html.encode(), 6)) + weight <= MOST_BYTES
