"""Fetch the front-end packages by npm and write what the site serves of them.

Nobody else's code is committed: ``package-lock.json`` names the packages, npm fetches them into
``node_modules``, and this writes the few files we use into ``commonweal/web/static/vendor``, without
the parts that are licensed for GOV.UK alone (its font and its crest).
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODULES = ROOT / "node_modules"
VENDOR = ROOT / "commonweal" / "web" / "static" / "vendor"
BIN = Path(sys.prefix) / "bin"
OLDEST_NODE = 18
FONT = "GDS Transport"
OURS = "var(--sans,system-ui)"

Change = Callable[[str], str]


class SetupError(Exception):
    """The front-end packages cannot be had; the message says why and what to do."""


def stripped_css(css: str) -> str:
    """Return a style sheet without fonts, images and the source map.

    >>> stripped_css(".a{color:red;background:url(x.svg)}")
    '.a{color:red;}\\n'
    """
    css = re.sub(r"/\*!(?:(?!\*/).)*?not commercially available\.\s*\*/", "", css, flags=re.DOTALL)
    css = re.sub(r"@font-face\s*\{[^}]*\}", "", css)
    css = re.sub(r"[-\w]+\s*:(?:[^;{}()]|\([^()]*\))*\burl\([^)]*\)[^;{}]*;?", "", css)
    css = re.sub(rf"""["']?{FONT}["']?""", OURS, css)
    return without_source_map(css)


def without_source_map(text: str) -> str:
    """Return a style sheet or script without its pointer to a map that we do not serve."""
    return (
        re.sub(r"/\*# sourceMappingURL=.*?\*/|//# sourceMappingURL=\S*", "", text).rstrip() + "\n"
    )


def govuk_licence(readme: str) -> str:
    """Return the licence of govuk-frontend, whose package holds none: its word for it, and the MIT text."""
    said = re.search(r"^## Licence\n(.*?)^## ", readme, flags=re.DOTALL | re.MULTILINE)
    if said is None or "MIT" not in said[1]:
        raise SetupError("govuk-frontend no longer says that it is under the MIT licence.")
    ours = (ROOT / "LICENSE").read_text(encoding="utf-8")
    theirs = re.sub(
        r"^Copyright.*$", "Copyright (c) Crown Copyright", ours, count=1, flags=re.MULTILINE
    )
    return f"govuk-frontend\n\n{said[1].strip()}\n\n{theirs}"


FILES: dict[str, tuple[str, Change | None]] = {
    "govuk-frontend.css": ("govuk-frontend/dist/govuk/govuk-frontend.min.css", stripped_css),
    "govuk-frontend.js": ("govuk-frontend/dist/govuk/govuk-frontend.min.js", without_source_map),
    "htmx.js": ("htmx.org/dist/htmx.min.js", without_source_map),
    "literata-latin.woff2": (
        "@fontsource-variable/literata/files/literata-latin-wght-normal.woff2",
        None,
    ),
    "literata-latin-ext.woff2": (
        "@fontsource-variable/literata/files/literata-latin-ext-wght-normal.woff2",
        None,
    ),
    "LICENSE-govuk-frontend.txt": ("govuk-frontend/README.md", govuk_licence),
    "LICENSE-htmx.txt": ("htmx.org/LICENSE", None),
    "LICENSE-literata.txt": ("@fontsource-variable/literata/LICENSE", None),
}


def is_fresh() -> bool:
    """Tell whether every file is there and newer than what it is made from."""
    made = [VENDOR / name for name in FILES]
    if not all(path.is_file() for path in made):
        return False
    sources = [ROOT / "package-lock.json", Path(__file__)]
    return min(p.stat().st_mtime for p in made) > max(p.stat().st_mtime for p in sources)


def build(modules: Path, vendor: Path) -> None:
    """Write the files that the site serves, and make sure nothing unlicensed is among them."""
    vendor.mkdir(parents=True, exist_ok=True)
    for name, (source, change) in FILES.items():
        path = modules / source
        if not path.is_file():
            raise SetupError(f"npm fetched no {path}. Remove {modules} and try again.")
        data = path.read_bytes()
        if change is not None:
            data = change(data.decode("utf-8")).encode("utf-8")
        (vendor / name).write_bytes(data)
    css = (vendor / "govuk-frontend.css").read_text(encoding="utf-8")
    for unwanted in ("url(", FONT, "@font-face", "sourceMappingURL"):
        if unwanted in css:
            (vendor / "govuk-frontend.css").unlink()
            raise SetupError(f"The style sheet still holds {unwanted!r}: mend tools/frontend.py.")


def npm() -> list[str]:
    """Return the command for npm: the machine's own with a recent Node, else one put into .venv."""
    found, node = shutil.which("npm"), shutil.which("node")
    if found and node and _node_version(node) >= OLDEST_NODE:
        return [found]
    if not (BIN / "npm").exists():
        print("No Node here: fetching one into .venv ...", flush=True)
        install = [str(BIN / "uv"), "pip", "install", "--quiet", "--require-hashes"]
        where = ["--python", str(BIN / "python"), "-r", str(ROOT / "tools" / "node.lock")]
        _run([*install, *where], "Node could not be installed")
    return [str(BIN / "npm")]


def _node_version(node: str) -> int:
    told = subprocess.run([node, "--version"], capture_output=True, text=True)
    number = re.match(r"v(\d+)", told.stdout)
    return int(number[1]) if number else 0


def _run(command: list[str], trouble: str) -> None:
    environment = dict(os.environ)
    if Path(command[0]).parent == BIN:  # an npm of our own needs the node beside it
        environment["PATH"] = f"{BIN}{os.pathsep}{os.environ.get('PATH', '')}"
    try:
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    except OSError as error:
        raise SetupError(f"{trouble}: {error}") from error
    if done.returncode:
        last = "\n".join(f"  {line}" for line in (done.stdout + done.stderr).splitlines()[-12:])
        raise SetupError(f"{trouble}. It said:\n{last}\nIs there a network, and room on the disk?")


def main() -> int:
    """Make the files unless they are fresh; return the exit code."""
    if is_fresh():
        return 0
    try:
        _run([*npm(), "ci", "--ignore-scripts"], "npm could not fetch the front-end packages")
        build(MODULES, VENDOR)
    except SetupError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
