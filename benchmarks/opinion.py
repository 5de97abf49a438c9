"""Measure the map of opinion against its bars: ``python -m benchmarks.opinion``.

Prints a line for each bar and, as its last line, one JSON object. Times are CPU seconds of one
process on one thread. ``PACK`` names a folder of conversations instead of the developers' set;
``PEER`` the Python of an environment with ``red-dwarf`` in it, which is measured beside if given;
``FULL=1`` also maps a million people.
"""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from commonweal.engine.opinion import Votes, adjusted_rand, mixture, overview, shares, simulate
from commonweal.engine.opinion.files import read_votes
from commonweal.engine.opinion.model import refreshed, split
from commonweal.engine.opinion.overview import fitted
from commonweal.engine.opinion.shares import AGREE
from commonweal.engine.opinion.warm import warm

ROOT = Path(__file__).resolve().parents[1]
PACK = Path(os.environ.get("PACK", ROOT.parent / "shared/data/polis"))
PEER = os.environ.get("PEER", "")
FULL = os.environ.get("FULL") == "1"
# Held-out log loss of the rates of Polis's groups, and AUC of its two components, measured with the
# same share hidden and the same people scored.
POLIS = {
    "canadian-electoral-reform": (0.413, 0.876),
    "scoop-hivemind.taxes": (0.445, 0.886),
    "scoop-hivemind.affordable-housing": (0.464, 0.857),
    "brexit-consensus": (0.388, 0.917),
    "vtaiwan.uberx": (0.423, 0.877),
    "american-assembly.bowling-green": (0.437, 0.841),
}
Figures = dict[str, Any]


def main() -> None:
    """Measure everything and print it."""
    warm()
    overview(Votes.from_log([1], [1], [1]), np.random.default_rng(0))
    figures: Figures = {"prediction": prediction(), "null": null(), "planted": planted()}
    figures["coverage"] = coverage()
    figures["refresh"] = refresh()
    figures["size"] = [size(10_000, 1_000, 0.035), size(100_000, 500, 0.066)]
    if FULL:
        figures["size"].append(size(1_000_000, 2_000, 0.025))
    print(json.dumps(figures))


def conversations() -> list[tuple[str, Votes]]:
    """Return the developers' conversations that have been measured with Polis."""
    paths = [(name, PACK / name / "votes.csv.gz") for name in POLIS]
    return [(name, read_votes(path)) for name, path in paths if path.exists()]


def prediction() -> Figures:
    """Hide a tenth of the votes, three times; people with seven known votes are scored."""
    print("\nHidden votes: log loss, against the rates of Polis's groups; AUC, against its map")
    found: Figures = {}
    for name, votes in conversations():
        losses, areas = [], []
        for seed in range(3):
            rng = np.random.default_rng(100 + seed)
            known, hidden = split(votes, rng)
            scored = hidden & (votes.value != 0) & (np.diff(known.start)[votes.person] >= 7)
            model = fitted(known, rng)[0]
            p = model.probability(votes.person[scored], votes.statement[scored])
            agreed = votes.value[scored] > 0
            losses.append(float(-np.log(np.where(agreed, p, 1 - p)).mean()))
            areas.append(area(agreed, p))
        loss, auc = float(np.mean(losses)), float(np.mean(areas))
        lower = 1 - loss / POLIS[name][0]
        print(f"{name:36} {loss:.4f} ({-lower:+.1%})  {auc:.3f} ({auc - POLIS[name][1]:+.3f})")
        found[name] = {"loss": loss, "lower": lower, "auc": auc, "auc_polis": POLIS[name][1]}
    if found:
        found["mean_lower"] = float(np.mean([each["lower"] for each in found.values()]))
        print(f"{'mean':36} {-found['mean_lower']:+.1%}")
    return found


def area(agreed: Any, p: Any) -> float:
    """Return the area under the curve, ties counted half."""
    _values, place, count = np.unique(p, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]
    yes = int(agreed.sum())
    return float((rank[agreed].sum() - yes * (yes + 1) / 2) / (yes * (len(p) - yes)))


def null(times: int = 5) -> Figures:
    """Deal the votes on each statement out anew: there are no groups then."""
    runs, none = 0, 0
    for _name, votes in conversations():
        if len(votes) > 100_000:
            continue
        for seed in range(times):
            rng = np.random.default_rng(seed)
            order = np.argsort(votes.statement, kind="stable")
            mixed = np.lexsort((rng.random(len(votes)), votes.statement))
            value = votes.value.copy()
            value[order] = votes.value[mixed]
            dealt = Votes(votes.people, votes.statements, votes.start, votes.statement, value)
            runs, none = runs + 1, none + (overview(dealt, rng).groups.count == 1)
    print(f"\nShuffled votes: no clear groups in {none} of {runs} runs")
    return {"runs": runs, "none": none}


def planted(times: int = 2) -> Figures:
    """Plant one to six groups, of uneven size, with a fifth of the pairs answered."""
    right, runs, same, kept = 0, 0, [], []
    for groups in range(1, 7):
        for seed in range(times):
            rng = np.random.default_rng(10 * groups + seed)
            made = simulate(rng, people=600, statements=300, groups=groups, answered=0.2, apart=2.0)
            votes = Votes.from_log(made.person, made.statement, made.value)
            found = overview(votes, rng)
            runs, right = runs + 1, right + (found.groups.count == groups)
            if found.groups.clear:
                told = found.member.argmax(axis=1)
                same.append(adjusted_rand(told, made.group[votes.people]))
                kept.append(found.groups.stability)
    print(f"Planted groups: right number in {right} of {runs}; where clear ({len(same)} times)")
    print(f"  adjusted Rand, median {np.median(same):.3f}; kept, median {np.median(kept):.3f}")
    return {"runs": runs, "right": right, "rand": same, "kept": kept}


def coverage(times: int = 8) -> float:
    """Say how often the interval of a group's share holds the true one."""
    held = []
    for seed in range(times):
        rng = np.random.default_rng(seed)
        made = simulate(rng, people=500, statements=80, groups=3, answered=0.5, passes=0.0)
        votes = Votes.from_log(made.person, made.statement, made.value)
        group = made.group[votes.people]
        found = mixture(votes, 3, np.eye(3)[group], rng)
        told = shares(votes, found)
        match = [int(np.bincount(group[found.group == g]).argmax()) for g in range(3)]
        ease = rng.normal(0, 0.3, 4001)[:, None, None]
        true = (1 / (1 + np.exp(-(made.leaning + ease)))).mean(axis=0)[match].T[votes.statements]
        held.append((told.low[:, AGREE] <= true) & (true <= told.high[:, AGREE]))
    print(f"Intervals of 90 %: {np.mean(held):.1%} hold the group's true share")
    return float(np.mean(held))


def refresh() -> Figures:
    """Add 1,000 votes to a conversation of 100,000 people, and bring people and shares up to date."""
    rng = np.random.default_rng(1)
    made = simulate(rng, people=100_000, statements=500, groups=4, answered=0.066)
    votes = Votes.from_log(made.person[:-1000], made.statement[:-1000], made.value[:-1000])
    model = fitted(votes, rng)[0]
    began = time.process_time()
    votes = votes.updated(made.person[-1000:], made.statement[-1000:], made.value[-1000:])
    added = time.process_time() - began
    touched = np.unique(votes.places_of_people(made.person[-1000:]))
    model = refreshed(model, votes, touched)
    shares(votes)
    whole = time.process_time() - began
    print(
        f"Refresh after 1,000 votes on {len(votes):,}: votes {added:.2f} s, with people and shares {whole:.2f} s"
    )
    return {"votes": added, "with_model": whole}


def size(people: int, statements: int, answered: float) -> Figures:
    """Map a large conversation from its shuffled log, and the peer beside it if there is one."""
    made = simulate(
        np.random.default_rng(2), people=people, statements=statements, groups=4, answered=answered
    )
    began = time.process_time()
    votes = Votes.from_log(made.person, made.statement, made.value)
    built = time.process_time() - began
    found = overview(votes, np.random.default_rng(0))
    whole = time.process_time() - began
    row: Figures = {"people": people, "statements": statements, "votes": len(votes)}
    row |= {"build": built, "cpu": whole, "groups": found.groups.count}
    if PEER and people * statements <= 10_000_000:
        row["peer_cpu"] = peer(votes)
        row["times"] = row["peer_cpu"] / whole
    print(json.dumps(row))
    return row


PEER_CODE = """
import sys, time, numpy as np
person, statement, value = np.load(sys.argv[1])
from reddwarf.implementations.polis import run_pipeline
votes = [
    {"participant_id": int(i), "statement_id": int(j), "vote": int(x)}
    for i, j, x in zip(person, statement, value)
]
began = time.process_time()
run_pipeline(votes=votes)
print(time.process_time() - began)
"""


def peer(votes: Votes) -> float:
    """Return the CPU seconds of red-dwarf for the same votes, on one thread."""
    path = Path(os.environ.get("TMPDIR", "/tmp")) / "opinion-peer.npy"
    np.save(path, np.stack((votes.person, votes.statement, votes.value)))
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    words = [PEER, "-c", PEER_CODE, str(path)]
    done = subprocess.run(
        words, capture_output=True, text=True, env={**os.environ, **threads}, check=False
    )
    path.unlink()
    if done.returncode:
        print(done.stderr[-300:], file=sys.stderr)
        return float("nan")
    return float(done.stdout.split()[-1])


if __name__ == "__main__":
    main()
