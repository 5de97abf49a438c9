"""The project's own files, as the house tests read them."""

from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ROOT / "commonweal"
FOLDERS = ("commonweal", "tests", "docs", "tools", "benchmarks", "changes", ".ci")
LEFT_OUT = {"vendor", "__pycache__", "node_modules"}
WORDS = {".py", ".html", ".md", ".toml", ".css", ".js", ".json", ".lock", ".txt", ".yml", ".svg"}


def files(*endings: str, under: Path = ROOT) -> Iterator[Path]:
    """Yield the project's files with one of these endings, and none that a tool made."""
    starts = [under / name for name in FOLDERS] if under == ROOT else [under]
    found = [path for start in starts for path in start.rglob("*")]
    found += list(under.glob("*")) if under == ROOT else []
    for path in sorted(found):
        if path.suffix in endings and not LEFT_OUT.intersection(path.parts) and path.is_file():
            yield path


def name(path: Path) -> str:
    """Return a file's name as people say it."""
    return str(path.relative_to(ROOT))


def apps() -> list[Path]:
    """Return the folders of the apps: two levels down, with models or a manifest."""
    return sorted(
        path.parent
        for path in PRODUCT.glob("*/*/apps.py")
        if path.parent.parent.name not in {"engine", "kit"}
    )


TEMPLATES = sorted(PRODUCT.rglob("templates/**/*.html"))
MODULES = list(files(".py", under=PRODUCT))
