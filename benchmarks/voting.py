"""Measure the count, beside its peer in the same run: ``make bench BENCH=voting``.

Prints a table for each bar, and as its last line one JSON object. Times are CPU seconds of the
process that did the work unless they say wall. Each large piece of work is a process of its own, so
that its memory is its own too. ``PEER_SECONDS`` (30) is how long the peer may take for one election,
``FULL=1`` also counts five million ballots in full, which takes some minutes, and ``PACK`` names a
folder of ``.pb`` files instead of the developers' set.
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from fractions import Fraction
from math import log
from pathlib import Path
from typing import Any

from commonweal.engine.voting import TieRule, equal_shares
from commonweal.engine.voting.formats import read_election
from commonweal.engine.voting.rounds import Electorate, Rounds

ROOT = Path(__file__).resolve().parents[1]
PACK = Path(os.environ.get("PACK", ROOT.parent / "shared/data/pabulib"))
PEER_SECONDS = int(os.environ.get("PEER_SECONDS", "30"))
FULL = os.environ.get("FULL") == "1"
BY_ID = TieRule(("id-text",))
APPROVALS = ("approval", "choose-1")
CITIES = (
    "Poland_Swiecie_2023",
    "Poland_Warszawa_2023_Wlochy",
    "Poland_Warszawa_2024_Targowek",
    "Poland_Wroclaw_2018",
    "Poland_Lodz_2022",
)
COMMONWEAL = [sys.executable, "-m", "commonweal"]
Figures = dict[str, Any]


def main() -> None:
    """Measure everything and print it."""
    subprocess.run([sys.executable, "-m", "commonweal.engine.voting.warm"], check=True, cwd=ROOT)
    figures: Figures = {"start": start_of_the_command()}
    with tempfile.TemporaryDirectory() as folder:
        figures["million"] = giant(Path(folder), 1_000_000, 500, full=True, what_if=True)
        figures["five_million"] = giant(Path(folder), 5_000_000, 2_000, full=FULL, what_if=False)
        figures["batch"] = batch(Path(folder))
    # A process begins with its parent's memory on its bill, so what is large here comes last.
    figures["what_if"] = what_if()
    figures["growth"] = growth()
    figures["elections"] = elections()
    figures["summary"] = summary(figures["elections"])
    print(json.dumps(figures))


# --- beside the peer


def elections() -> Figures:
    """Count every real approval election of the pack, here and with the peer."""
    print(f"\nEqual shares (cost), beside pabutools, at most {PEER_SECONDS} s an election")
    head = (
        "voters",
        "projects",
        "load",
        "run",
        "peer",
        "times",
        "add1u",
        "peer",
        "times",
        "printed",
        "times",
    )
    print(f"{'election':32}" + "".join(f"{title:>9}" for title in head))
    found = {}
    for path in sorted(PACK.glob("*.pb*")):
        election = read_election(path)
        if election.vote_type in APPROVALS:
            found[path.name] = beside_the_peer(path)
            show(path.name, found[path.name])
    return found


def beside_the_peer(path: Path) -> Figures:
    """Measure one election: one run, add1-greedy, and from the file to the printed result."""
    load = cpu(lambda: read_election(path).profile.classes)
    election = read_election(path)
    profile, budget = election.profile, election.budget
    rounds = Rounds(Electorate(profile, "cost", BY_ID))
    share = Fraction(budget, profile.voters)

    def add1u() -> Any:
        return equal_shares(profile, budget, completion="add1-greedy", ties=BY_ID)

    outcome = add1u()
    row: Figures = {
        "voters": profile.voters,
        "projects": len(profile.ids),
        "load": load,
        "run": cpu(lambda: rounds.run(share)),
        "whole_call": cpu(lambda: equal_shares(profile, budget, ties=BY_ID)),
        "add1u": cpu(add1u),
        "runs": outcome.runs,
        "distinct": outcome.distinct,
    }
    run, full = peer(path, "mes"), peer(path, "add1u")
    if run:
        row |= {"peer_run": run["count"], "times_run": run["count"] / row["run"]}
    if full:
        row |= {"peer_add1u": full["count"], "times_add1u": full["count"] / row["add1u"]}
        row["same_winners"] = full["won"] == sorted(map(str, outcome.ids[outcome.order].tolist()))
        words = ["tally", str(path), "--completion", "add1-greedy", "--ties", "id-text"]
        row["printed"] = min(process([*COMMONWEAL, *words])["cpu"] for _ in range(2))
        row["times_printed"] = (full["read"] + full["count"]) / row["printed"]
    return {key: round(v, 7) if isinstance(v, float) else v for key, v in row.items()}


def peer(path: Path, work: str) -> Figures | None:
    """Return what the peer needs, None if it does not end in time."""
    words = [sys.executable, "-m", "benchmarks.peer", str(path), work]
    try:
        done = subprocess.run(
            words, capture_output=True, text=True, cwd=ROOT, timeout=PEER_SECONDS, check=True
        )
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError):
        return None
    found: Figures = json.loads(done.stdout)
    return found


def show(name: str, row: Figures) -> None:
    """Print one row."""
    cells = [f"{row['voters']:,}", str(row["projects"])]
    for key in (
        "load",
        "run",
        "peer_run",
        "times_run",
        "add1u",
        "peer_add1u",
        "times_add1u",
        "printed",
        "times_printed",
    ):
        cell = row.get(key)
        text = "-" if cell is None else f"{cell:,.0f}" if key.startswith("times") else f"{cell:.5f}"
        cells.append(text)
    print(f"{name[:31]:32}" + "".join(f"{cell:>9}" for cell in cells), flush=True)


def summary(rows: Figures) -> Figures:
    """Say in few figures how far ahead of the peer the count is."""
    large = [
        row["times_run"] for row in rows.values() if row["voters"] >= 2500 and "times_run" in row
    ]
    add1u = [row["times_add1u"] for row in rows.values() if "times_add1u" in row]
    printed = [
        row["times_printed"]
        for row in rows.values()
        if row["voters"] >= 50_000 and "times_printed" in row
    ]
    found = {
        "times_run_least_from_2500_voters": round(min(large, default=0)),
        "times_add1u_least": round(min(add1u, default=0)),
        "times_add1u_median": round(statistics.median(add1u)) if add1u else 0,
        "times_printed_least_from_50000_voters": round(min(printed, default=0)),
        "peer_ended_add1u": len(add1u),
        "same_winners": all(row.get("same_winners", True) for row in rows.values()),
    }
    print(
        "\n" + "\n".join(f"{key.replace('_', ' '):42}{value:>10}" for key, value in found.items())
    )
    return found


# --- by itself


def growth() -> Figures:
    """Say how one run grows with the voters."""
    print("\nOne run, made up: 200 projects, 8 approvals each")
    found: Figures = {}
    sizes = (10_000, 100_000, 1_000_000)
    for voters in sizes:
        profile, budget = made_up(voters, 200)
        merge = cpu(lambda profile=profile: profile.classes, most=1)  # type: ignore[misc]
        rounds = Rounds(Electorate(profile, "cost", BY_ID))
        share = Fraction(budget, voters)
        found[str(voters)] = {"merge": merge, "run": cpu(lambda: rounds.run(share))}  # noqa: B023
        print(
            f"{voters:>12,}  merge {merge:8.4f}  run {found[str(voters)]['run']:8.4f}", flush=True
        )
    small, large = (found[str(voters)]["run"] for voters in sizes[-2:])
    found["exponent"] = round(log(large / small, 10), 2)
    print(f"grows with the voters to the power {found['exponent']}")
    return found


def made_up(voters: int, projects: int) -> Any:
    """Return an election's profile and budget."""
    import numpy as np

    from commonweal.engine.voting.synthesise import synthesise

    election = synthesise(np.random.default_rng(voters), voters=voters, projects=projects, length=8)
    return election.profile, election.budget


def giant(folder: Path, voters: int, projects: int, *, full: bool, what_if: bool) -> Figures:
    """Count an election of millions in a process of its own, and its what-if answers."""
    print(f"\n{voters:,} voters, {projects:,} projects, 8 approvals", flush=True)
    file = folder / f"{voters}.npz"
    sizes = ["--voters", str(voters), "--projects", str(projects), "--length", "8", "--seed", "1"]
    made = process([*COMMONWEAL, "ballots", "synthesise", *sizes, "--out", str(file)])
    found = {
        "made": made,
        "one_run": process([sys.executable, "-m", __spec__.name, "run", str(file)]),
    }
    if full:
        found["add1_greedy"] = process([sys.executable, "-m", __spec__.name, "full", str(file)])
    if what_if:
        found["what_if"] = process([sys.executable, "-m", __spec__.name, "what-if", str(file)])
    file.unlink()
    for name, figures in found.items():
        print(f"  {name:14}" + "  ".join(f"{k} {v}" for k, v in figures.items()), flush=True)
    return found


def part(work: str, file: str) -> None:
    """Do one piece of work on a packed election, and print its own figures as JSON."""
    began = time.process_time()
    election = read_election(file)
    profile, budget = election.profile, election.budget
    Rounds(Electorate(profile, "cost", TieRule()))  # the compiled code is loaded, not measured
    loaded = time.process_time()
    figures: Figures = {"load": round(loaded - began, 3)}
    if work == "run":
        outcome = equal_shares(profile, budget)
        figures["count"] = round(time.process_time() - loaded, 3)
    elif work == "full":
        outcome = equal_shares(profile, budget, completion="add1-greedy")
        figures["count"] = round(time.process_time() - loaded, 3)
        figures["runs"] = outcome.runs
    else:
        from commonweal.engine.voting import Rule
        from commonweal.engine.voting.whatif import what_would_win

        rule = Rule("equal-shares", completion="add1-greedy")
        outcome = rule.count(election)
        loser = int((~outcome.funded & (outcome.votes > 0)).nonzero()[0][0])
        loaded = time.process_time()
        what_would_win(outcome, rule, [loser])
        figures["one_project"] = round(time.process_time() - loaded, 3)
    figures["winners"] = len(outcome.order)
    print(json.dumps(figures))


def batch(folder: Path) -> Figures:
    """Count the pack's batch of elections as the command line does, on two processors."""
    pack = PACK / "batch-dev.tar.gz"
    if not pack.exists():
        return {}
    (folder / "batch").mkdir()
    subprocess.run(["tar", "xzf", str(pack), "-C", str(folder / "batch")], check=True)
    words = ["tally", str(folder / "batch"), "--many", "--completion", "add1-greedy"]
    found = process([*COMMONWEAL, *words, "--out", str(folder / "out.jsonl"), "--jobs", "2"])
    records = [json.loads(line) for line in (folder / "out.jsonl").read_text().splitlines()]
    found["elections"] = len(records)
    found["errors"] = sum("error" in record for record in records)
    print(f"\nBatch on two processors, loading included: {found}", flush=True)
    return found


def what_if() -> Figures:
    """Time every "what would it take" answer for real cities, under add1-greedy."""
    from commonweal.engine.voting import Rule
    from commonweal.engine.voting.whatif import what_would_win

    print("\nAll answers to what would have been enough, add1-greedy")
    rule = Rule("equal-shares", completion="add1-greedy")
    found: Figures = {}
    for name in CITIES:
        for path in PACK.glob(f"{name}.pb*"):
            election = read_election(path)
            outcome = rule.count(election)
            losers = int((~outcome.funded).sum())
            took = cpu(lambda: what_would_win(outcome, rule), most=1)  # noqa: B023
            found[name] = {"losers": losers, "seconds": round(took, 3)}
            print(f"  {name:40}{losers:5} losers {took:8.2f} s", flush=True)
    return found


def start_of_the_command() -> Figures:
    """Time the whole command on a small file, warm."""
    small = PACK / "Netherlands_Assen_2024.pb"
    if not small.exists():
        return {}
    timed = [process([*COMMONWEAL, "tally", str(small)]) for _ in range(5)]
    found = min(timed, key=lambda figures: figures["wall"])
    print(f"The command on a small file, from start to end: {found}", flush=True)
    return found


# --- measuring


def cpu(work: Callable[[], object], most: int = 200) -> float:
    """Return the least CPU seconds of doing the work, tried for about a second."""
    best, spent, times = float("inf"), 0.0, 0
    while times < most and (spent < 0.5 or times < 2):
        before = time.process_time()
        work()
        took = time.process_time() - before
        best, spent, times = min(best, took), spent + took, times + 1
        if took > 20:
            break
    return best


def process(words: list[str]) -> Figures:
    """Run a command and return its wall and CPU seconds, its peak memory, and what it printed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT) as running:
        assert running.stdout is not None
        said = running.stdout.read()
        _, status, used = os.wait4(running.pid, 0)
        running.returncode = os.waitstatus_to_exitcode(status)
    if running.returncode:
        raise SystemExit(f"{' '.join(words)} failed")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    own = used.ru_utime + used.ru_stime
    figures: Figures = {
        "wall": round(time.monotonic() - began, 2),
        "cpu": round(max(spent, own), 2),
        "peak_mb": round(used.ru_maxrss / 1024),
    }
    last = said.splitlines()[-1] if said.strip() else ""
    return figures | (json.loads(last) if last.startswith("{") else {})


if __name__ == "__main__":
    part(*sys.argv[1:]) if len(sys.argv) > 1 else main()
