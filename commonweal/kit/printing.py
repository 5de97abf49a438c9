"""Pages on paper: set by Typst from a template and words that are never markup, tagged for all."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typst

REPORT = Path(__file__).with_name("report.typ")  # for a committee: words, perhaps a map, and tables
# What our letter holds for certain, so that nothing has to be asked about it.
PLAIN = re.compile(r"[\n -~\u00a0-\u017f]*")
PROBE = b'#set document(title: "?")\n#set text(font: "Source Sans Pro")\n#sys.inputs.sign'


def as_pdf(template: Path, given: Mapping[str, Any]) -> bytes:
    """Set a template with what is given, as PDF/UA; what people wrote cannot make it fail.

    Signs that no font of ours holds are left out, letters among them become a question mark.
    """
    try:
        return _set(template, printable(given))
    except typst.TypstError:  # signs that are held one by one, and not side by side
        return _set(template, printable(given, is_held=_is_plain))


def printable(given: Any, is_held: Callable[[str], bool] | None = None) -> Any:
    """Return words, or all words inside lists and dictionaries, with nothing that cannot be printed."""
    if isinstance(given, str):
        return _printable(given, is_held or is_printable)
    if isinstance(given, Mapping):
        return {name: printable(value, is_held) for name, value in given.items()}
    if isinstance(given, list) and given and isinstance(given[0], str | list | Mapping):
        return [printable(value, is_held) for value in given]
    return given


def _printable(words: str, is_held: Callable[[str], bool]) -> str:
    if PLAIN.fullmatch(words):
        return words
    said = "".join(
        sign if is_held(sign) else "?" if unicodedata.category(sign)[0] in "LN" else ""
        for sign in unicodedata.normalize("NFC", words)
    )
    return said if said.strip() or not words.strip() else "?"


@lru_cache(4096)
def is_printable(sign: str) -> bool:
    """Tell whether some font of ours holds a sign."""
    if PLAIN.fullmatch(sign):
        return True
    if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Co", "Cn"):
        return False  # steers or means nothing, and could turn around what stands beside it
    try:
        _compile(PROBE, {"sign": f"a{sign}" if unicodedata.combining(sign) else sign})
    except typst.TypstError:
        return False
    return True


def _is_plain(sign: str) -> bool:
    return bool(PLAIN.fullmatch(sign))


def _set(template: Path, given: Mapping[str, Any]) -> bytes:
    return _compile(template, {"given": json.dumps(given)}, root=template.parent)


def _compile(template: Path | bytes, inputs: dict[str, str], **given: Any) -> bytes:
    pdf: bytes = typst.compile(
        template,
        font_paths=[_fonts()],
        ignore_system_fonts=True,
        sys_inputs=inputs,
        pdf_standards="ua-1",
        **given,
    )
    return pdf


@cache
def _fonts() -> Path:
    found = find_spec("font_source_sans_pro")
    assert found is not None and found.submodule_search_locations
    return Path(found.submodule_search_locations[0]) / "files"
