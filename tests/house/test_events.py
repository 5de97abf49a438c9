"""Whatever the code writes into the journal has a sentence in a manifest."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import commonweal
from commonweal.kit.manifest import Manifest

CODE = Path(commonweal.__file__).parent


def _manifests() -> list[Manifest]:
    """Return the manifest of every app that has one, listed or not."""
    found = sorted(CODE.glob("*/*/manifest.py"))
    names = [
        ".".join(("commonweal", *path.relative_to(CODE).with_suffix("").parts)) for path in found
    ]
    return [import_module(name).MANIFEST for name in names]


def _announced() -> set[str]:
    return {event.what for manifest in _manifests() for event in manifest.journal}


def _patterns(value: ast.expr, names: dict[str, list[ast.expr]]) -> Iterator[str]:
    """Return what codes an expression can stand for, as patterns."""
    if isinstance(value, ast.Name):
        for given in names.get(value.id, []):
            yield from _patterns(given, {})
    elif isinstance(value, ast.Constant):
        yield re.escape(str(value.value))
    elif isinstance(value, ast.JoinedStr):
        parts = (
            re.escape(str(part.value)) if isinstance(part, ast.Constant) else "[a-z_]+"
            for part in value.values
        )
        yield "".join(parts)
    elif isinstance(value, ast.IfExp):
        yield from _patterns(value.body, names)
        yield from _patterns(value.orelse, names)


def _assigned(tree: ast.Module) -> dict[str, list[ast.expr]]:
    """Return what each name in a file is set to."""
    names: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            names.setdefault(node.targets[0].id, []).append(node.value)
    return names


def _recorded() -> list[tuple[str, str]]:
    """Return where a ``what=`` stands in the code, or a code in a helper's call, and its pattern."""
    found = []
    for path in sorted(CODE.rglob("*.py")):
        if "migrations" in path.parts:
            continue
        tree = ast.parse(path.read_text())
        names = _assigned(tree)
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            place = f"{path.relative_to(CODE)}:{node.lineno}"
            named = [word.value for word in node.keywords if word.arg == "what"]
            called = node.func.id if isinstance(node.func, ast.Name) else ""
            helper = node.args[1:2] if called.startswith("_record") else []
            found += [
                (place, text) for value in (*named, *helper) for text in _patterns(value, names)
            ]
    return [(place, text) for place, text in found if re.match(r"[\w\[\]+-]*\\?\.", text)]


def test_every_code_in_the_journal_has_its_sentence() -> None:
    announced = _announced()
    silent = [
        (place, text)
        for place, text in _recorded()
        if not any(re.fullmatch(text, code) for code in announced)
    ]
    assert not silent


def test_the_search_for_codes_finds_them() -> None:
    found = {text for _place, text in _recorded()}
    assert {r"challenge\.published", r"outcome\.measured", r"challenge\.[a-z_]+_opened"} <= found


def test_no_two_apps_use_the_same_code() -> None:
    codes = [event.what for manifest in _manifests() for event in manifest.journal]
    assert len(codes) == len(set(codes))


def test_every_sentence_is_whole_and_every_code_has_the_shape_the_database_asks() -> None:
    for manifest in _manifests():
        for event in manifest.journal:
            assert re.fullmatch(r"[a-z_]+\.[a-z_]+", event.what)
            assert not re.search(r"%(?!\([a-z_]+\)s|%)", str(event.words)), event.what


def test_every_sentence_is_about_a_thing_there_is() -> None:
    from django.apps import apps

    for manifest in _manifests():
        for event in manifest.journal:
            assert apps.get_model(event.about), event.what
