"""The house keeps its shape: imports point one way, apps hold the agreed files."""

import ast
import re
from pathlib import Path

import pytest
from importlinter.application.use_cases import read_user_options
from importlinter.cli import lint_imports

from tests.house.source import MODULES, PRODUCT, ROOT, WORDS, apps, files, name

APP_FILES = {
    "models", "queries", "rules", "actions", "forms", "views", "api", "tasks", "urls", "admin",
    "manifest", "demo", "apps", "__init__",
}  # fmt: skip
APP_FOLDERS = {"migrations", "templates", "templatetags", "management", "locale", "static"}


def test_imports_point_one_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert lint_imports(is_debug_mode=False, no_cache=True) == 0


def test_the_contracts_cover_every_stage_that_has_apps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    contracts = read_user_options(config_filename="pyproject.toml").contracts_options
    inside = next(contract for contract in contracts if contract["id"] == "app")
    covered = {container.split(".")[1] for container in inside["containers"]}
    assert {app.parent.name for app in apps()} - covered == set()


@pytest.mark.parametrize("app", apps(), ids=name)
def test_an_app_holds_the_agreed_files_and_no_others(app: Path) -> None:
    found = {p.stem for p in app.glob("*.py")}
    assert found - APP_FILES == set()
    folders = {p.name for p in app.iterdir() if p.is_dir() and p.name != "__pycache__"}
    assert folders - APP_FOLDERS == set()


def test_nothing_is_a_signal_and_no_key_is_generic() -> None:
    signal = re.compile(
        r"from django\.(db\.models\.signals|dispatch)|@receiver\b|\bGenericForeignKey\b"
    )
    found = [name(m) for m in MODULES if signal.search(m.read_text())]
    assert found == []


INNER = [m for m in MODULES if m.name in {"actions.py", "queries.py", "rules.py"}]
CLOCKS = {"timezone.now", "datetime.now", "time.time", "date.today", "localdate"}


def test_actions_queries_and_rules_know_neither_request_nor_clock() -> None:
    found = []
    for module in INNER:
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module == "django.http":
                found.append(f"{name(module)} imports django.http")
            if isinstance(node, ast.Call) and ast.unparse(node.func) in CLOCKS:
                found.append(f"{name(module)}:{node.lineno} reads the clock")
    assert found == []


ERASE = ["person", "at"]  # what a manifest's ``Personal.erase`` is called with


def test_the_arguments_of_actions_are_named() -> None:
    found = [
        f"{name(module)}: {node.name}({node.args.args[0].arg}, ...)"
        for module in MODULES
        if module.name == "actions.py"
        for node in ast.parse(module.read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name[0] != "_" and node.args.args
        if [given.arg for given in node.args.args] != ERASE
    ]
    assert found == []


def test_text_is_marked_safe_only_with_a_reason() -> None:
    found = [
        f"{name(module)}: {line.strip()}"
        for module in MODULES
        for line in module.read_text().splitlines()
        if "mark_safe(" in line
        and not re.search(r"mark_safe\('[^{}%]*'\)|noqa: S308\s*[-(]\s*\w+", line)
    ]
    assert found == []


REGISTRY = re.compile(
    r"\b(py[p]i\.org|python[h]osted|npm[j]s|registry\.[a-z]+\.[a-z]+|de[b]\.debian)", re.I
)
MACHINE = re.compile(r"(?<![\w.])/(work|root|home/\w+|Users/\w+)/\w")


def test_no_file_names_a_machine_path_or_the_host_of_a_registry() -> None:
    found = []
    for path in [*files(*WORDS), ROOT / "Makefile", ROOT / ".npmrc"]:
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            if path == Path(__file__).resolve():
                continue
            if REGISTRY.search(line) or MACHINE.search(line):
                found.append(f"{name(path)}:{number}: {line.strip()[:100]}")
    assert found == []


def test_the_product_never_reads_files_that_are_not_its_own() -> None:
    outside = [name(m) for m in MODULES if "../shared" in m.read_text()]
    assert outside == []


def test_every_folder_of_code_is_a_package() -> None:
    folders = {m.parent for m in MODULES}
    assert [name(f) for f in sorted(folders) if not (f / "__init__.py").exists()] == []
    assert PRODUCT in folders
