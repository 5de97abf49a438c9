"""Run the checks one after the other, say how long each took, and end with what failed.

    python tools/test.py check    format, lint, types, imports, migrations, tests without a browser
    python tools/test.py all      the same, then the documentation and the journeys in a browser

``BROWSER=none`` leaves the journeys out. Without that, a machine on which no browser can be had
fails, and says which journeys were not run.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PYTEST = ["python", "-m", "pytest", "-q", "--no-header", "--durations=0", "--durations-min=20"]


@dataclass(frozen=True)
class Check:
    """One program to run: its title, its words, and what it needs in its surroundings."""

    title: str
    command: list[str]
    surroundings: dict[str, str] | None = None


@dataclass(frozen=True)
class Outcome:
    """How a check ended: what it said, its exit code, and the seconds it took."""

    title: str
    code: int
    seconds: float
    said: str = ""


TEST_MODE = {"COMMONWEAL_MODE": "test"}
STATIC = (  # the longest first
    Check("Types", ["mypy"], TEST_MODE),
    Check("Tables for the tests", ["python", "-m", "tests.tables"]),
    Check(
        "Examples of engine and kit",
        [*PYTEST, "--doctest-modules", "-p", "no:randomly", "commonweal/engine", "commonweal/kit"],
    ),
    Check(
        "Migrations are complete",
        ["python", "-W", "ignore", "-m", "django", "makemigrations", "--check", "--dry-run"],
        {**TEST_MODE, "DJANGO_SETTINGS_MODULE": "commonweal.web.settings"},
    ),
    Check("Imports point one way", ["lint-imports"]),
    Check("Format", ["ruff", "format", "--check", "--quiet", "."]),
    Check("Lint", ["ruff", "check", "--quiet", "."]),
)
TESTS = Check("Tests without a browser", [*PYTEST, "-n", "2", "-m", "not browser"])
DOCS = Check(
    "Documentation", ["mkdocs", "build", "--strict", "--quiet"], {"NO_MKDOCS_2_WARNING": "1"}
)
JOURNEYS = Check(
    "Journeys in a browser", [*PYTEST, "-n", "2", "--maxschedchunk", "1", "-m", "browser"]
)


def run(check: Check, *, quiet: bool = True) -> Outcome:
    """Run one check and keep its words; unless ``quiet``, show them as they come too."""
    began, said = time.monotonic(), []
    program = BIN / check.command[0]
    with subprocess.Popen(
        [str(program) if program.exists() else check.command[0], *check.command[1:]],
        cwd=ROOT,
        env={**os.environ, **(check.surroundings or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            said.append(line)
            if not quiet:
                print(line, end="", flush=True)
    return Outcome(check.title, running.returncode, time.monotonic() - began, "".join(said))


def tell(outcome: Outcome, *, words: bool = True) -> Outcome:
    """Print how a check ended, with its words if it failed."""
    mark = "FAILED" if outcome.code else "ok    "
    print(f"{mark} {outcome.title} ({outcome.seconds:.0f} s)", flush=True)
    if outcome.code and words:
        print(outcome.said.rstrip(), flush=True)
    return outcome


def loud(check: Check) -> Outcome:
    """Run a check that prints as it goes, under its title."""
    print(f"\n-- {check.title}", flush=True)
    return tell(run(check, quiet=False), words=False)


def checks() -> list[Outcome]:
    """Run everything that needs no browser: the still checks two at a time, then the tests."""
    with ThreadPoolExecutor(2) as pool:
        outcomes = [tell(outcome) for outcome in pool.map(lambda c: run(c), STATIC)]
    return [*outcomes, loud(TESTS)]


def find_browser() -> str | None:
    """Return the browser on this machine that the journeys can drive."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def install_browser() -> None:
    """Install Debian's browser where this process may."""
    if os.getuid() != 0 or not shutil.which("apt-get"):
        return
    print("No browser here: installing chromium with apt-get ...", flush=True)
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
        done = run(Check("apt-get", ["apt-get", *words], quiet))
        if done.code:
            print(done.said[-2000:], flush=True)
            return


def journeys(wish: str, find: Callable[[], str | None] = find_browser) -> Outcome:
    """Run the journeys, or say loudly which were not run; only ``none`` makes that no failure."""
    if wish != "none" and not find():
        install_browser()
    if wish != "none" and find():
        return loud(JOURNEYS)
    listed = run(
        Check("", ["python", "-m", "pytest", "-q", "--collect-only", "-m", "browser"])
    ).said
    names = [line for line in listed.splitlines() if "::" in line]
    print(f"\n!! {len(names)} JOURNEYS IN A BROWSER WERE NOT RUN:", flush=True)
    print("\n".join(f"!!   {name}" for name in names), flush=True)
    if wish == "none":
        print("!! BROWSER=none asked for that.", flush=True)
        return Outcome("Journeys in a browser: left out by BROWSER=none", 0, 0)
    print("!! Install Chromium or Chrome, or say BROWSER=none to do without.", flush=True)
    return Outcome("Journeys in a browser: no browser found", 1, 0)


def summary(outcomes: list[Outcome]) -> int:
    """Print what failed and the tests' own last lines, and return the exit code of it all."""
    total = sum(outcome.seconds for outcome in outcomes)
    failed = [outcome for outcome in outcomes if outcome.code]
    print(f"\n{len(outcomes)} checks, {len(failed)} failed, {total:.0f} s of work", flush=True)
    for outcome in failed:
        print(f"FAILED {outcome.title}", flush=True)
    for outcome in outcomes:
        if closing := closing_line(outcome.said):
            print(f"{outcome.title}: {closing}", flush=True)
    return 1 if failed else 0


def closing_line(said: str) -> str:
    """Return the last line of a run of tests, and nothing for another program.

    >>> closing_line("....\\n4 passed in 0.10s\\n")
    '4 passed in 0.10s'
    """
    last = (said.rstrip().splitlines() or [""])[-1].strip("= ")
    return last if re.search(r"\d+ (passed|failed|errors?)\b.* in ", last) else ""


def main(argv: list[str]) -> int:
    """Run what was asked for and return the exit code."""
    if argv not in (["all"], ["check"]):
        print(__doc__)
        return 2
    outcomes = checks()
    if argv == ["all"]:
        outcomes = [*outcomes, tell(run(DOCS))]
        outcomes = [*outcomes, journeys(os.environ.get("BROWSER", ""))]
    return summary(outcomes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
