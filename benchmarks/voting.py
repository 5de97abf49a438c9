"""Measure the count: ``make bench BENCH=voting``.

Prints a table, and as its last line one JSON object. Times are CPU seconds of this process.
"""

import json
import resource
import tempfile
import time
from collections.abc import Callable
from math import log
from pathlib import Path

import numpy as np

from commonweal.engine.voting import Profile, equal_shares, greedy
from commonweal.engine.voting.pabulib import Election, read_pabulib, write_pabulib

PACK = Path(__file__).resolve().parents[1].parent / "shared/data/pabulib"
SIZES = (1_000, 10_000, 100_000, 1_000_000)
PROJECTS, LENGTH = 200, 8
# Writing and reading text is measured up to here; it grows evenly, and larger files cost minutes.
LARGEST_FILE = 100_000
REAL = ("Poland_Swiecie_2023", "Poland_Lodz_2022", "Poland_Wroclaw_2015_150_-_500")
Figures = dict[str, float]


def main() -> None:
    """Run everything and print it."""
    table: dict[str, Figures] = {}
    print(
        f"{'election':34}{'voters':>10}{'read':>9}{'merge':>9}{'greedy':>9}{'shares':>9}{'add1':>9}"
    )
    for voters in SIZES:
        election = synthetic(voters, seed=voters)
        figures = measure(election, full=voters <= 10_000)
        if voters <= LARGEST_FILE:
            figures["read"] = read_seconds(election)
        table[f"made up, {PROJECTS} projects, {voters}"] = figures
        show(f"made up, {PROJECTS} projects", voters, figures)
    for name in REAL:
        for path in PACK.glob(f"{name}.pb*"):
            before = time.process_time()
            election = read_pabulib(path)
            figures = {"read": round(time.process_time() - before, 4)}
            figures |= measure(election, full=True)
            table[name] = figures
            show(name, election.profile.voters, figures)
    growth = exponent(table)
    print(f"equal shares grows with the voters to the power {growth:.2f}")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"cpu_seconds": table, "growth_exponent": growth, "peak_mb": round(peak)}))


def synthetic(voters: int, seed: int) -> Election:
    """Make up an election: popular projects are many times as popular as the others."""
    random = np.random.default_rng(seed)
    popular = 1 / np.arange(4, PROJECTS + 4)
    drawn = random.choice(PROJECTS, (voters, 2 * LENGTH), p=popular / popular.sum())
    marks = np.unique(np.repeat(np.arange(voters), LENGTH) * PROJECTS + drawn[:, :LENGTH].ravel())
    cost = random.integers(5, 200, PROJECTS) * voters * 10
    profile = Profile.from_indices(
        np.array([str(p) for p in range(PROJECTS)], dtype=object),
        cost,
        project=marks % PROJECTS,
        voter=marks // PROJECTS,
        voters=voters,
    )
    names = tuple(f"Project {p}" for p in range(PROJECTS))
    return Election(profile, int(cost.sum()) // 4, "approval", "GBP", names, {})


def measure(election: Election, *, full: bool) -> Figures:
    """Time each step on its own."""
    profile, budget = election.profile, election.budget
    figures = {
        "merge": cpu(lambda: profile.classes),
        "greedy": cpu(lambda: greedy(profile, budget)),
        "shares": cpu(lambda: equal_shares(profile, budget)),
    }
    if full:
        figures["add1"] = cpu(lambda: equal_shares(profile, budget, completion="add1-greedy"))
    return figures


def read_seconds(election: Election) -> float:
    """Time the reading of the election from a plain file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "election.pb"
        write_pabulib(election, path)
        return cpu(lambda: read_pabulib(path))


def cpu(work: Callable[[], object]) -> float:
    """Return the CPU seconds of doing the work once."""
    before = time.process_time()
    work()
    return round(time.process_time() - before, 4)


def exponent(table: dict[str, Figures]) -> float:
    """Return the power with which equal shares grew between the two largest made-up sizes."""
    small, large = (table[f"made up, {PROJECTS} projects, {n}"]["shares"] for n in SIZES[-2:])
    return round(log(large / small) / log(SIZES[-1] / SIZES[-2]), 2)


def show(name: str, voters: int, figures: Figures) -> None:
    """Print one row."""
    cells = (figures.get(key) for key in ("read", "merge", "greedy", "shares", "add1"))
    row = "".join(f"{'-' if cell is None else f'{cell:.4f}':>9}" for cell in cells)
    print(f"{name:34}{voters:>10,}{row}", flush=True)


if __name__ == "__main__":
    main()
