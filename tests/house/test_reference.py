"""The reference pages say what the code says: nothing missing, nothing left over."""

import re

from tests.house.source import MODULES, ROOT
from tools import reference

SETTING = re.compile(r"\bCOMMONWEAL_[A-Z]+(?:_[A-Z]+)*\b|\bDATABASE_URL\b")
NOT_SETTINGS = {
    "COMMONWEAL_LOOP",
    "COMMONWEAL_TEST_SERVER",
}  # Django's own settings file; the tests


def test_the_generated_pages_are_current() -> None:
    stale = reference.stale()
    assert list(stale) == [], "run: .venv/bin/python tools/reference.py"


def test_every_setting_is_described_and_every_described_setting_exists() -> None:
    used = {found for m in MODULES for found in SETTING.findall(m.read_text())} - NOT_SETTINGS
    told = set(SETTING.findall((ROOT / "docs" / "reference" / "settings.md").read_text()))
    assert used - told == set(), "not in docs/reference/settings.md"
    assert told - used == set(), "described, but nothing reads it"


def test_every_route_has_a_name() -> None:
    unnamed = [r.address for r in reference.routes() if not r.name or r.name.endswith(":")]
    assert unnamed == []


def test_every_page_of_ours_says_in_a_sentence_what_it_does() -> None:
    ours = [r for r in reference.routes() if r.view.__module__.startswith("commonweal")]
    assert len(ours) > 20
    assert [r.name for r in ours if not (r.view.__doc__ or "").strip()] == []


def test_every_operation_of_the_api_has_a_summary_and_a_shape_for_its_answer() -> None:
    from commonweal.web.api import api

    for path, methods in api.get_openapi_schema(path_prefix="/api/")["paths"].items():
        for method, told in methods.items():
            assert told.get("summary"), f"{method} {path}"
            assert told["responses"][200].get("content"), f"{method} {path} has no shape"


def test_the_reference_is_written_in_one_place() -> None:
    for name in reference.MAKERS:
        assert reference.MADE in (reference.PAGES / name).read_text()
