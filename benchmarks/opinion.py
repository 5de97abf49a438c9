"""Measure the map of opinion against its bars: ``python -m benchmarks.opinion``.

Prints a line for each bar and, as its last line, one JSON object. Times are CPU seconds of one
process on one thread. ``PACK`` names a folder of conversations instead of the developers' set;
``PEER`` the Python of an environment with ``red-dwarf`` in it, which is measured beside if given;
``FULL=1`` also maps a million people, and lets the peer try the 100,000, which takes it minutes.
"""

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.opinion import (
    Simulated,
    Votes,
    adjusted_rand,
    fit,
    merged,
    mixture,
    overview,
    shares,
    simulate,
)
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
    figures["degree"] = by_degree()
    figures["kept"] = kept()
    figures["coverage"] = {"planted": coverage(), "hidden": hidden_rates()}
    figures["order"] = in_any_order()
    figures["refresh"] = refresh()
    figures["real"] = real()
    figures["size"] = [size(10_000, 1_000, 0.035), size(100_000, 500, 0.066)]
    if FULL:
        figures["size"].append(size(1_000_000, 2_000, 0.025))
    figures["growth"] = growth(figures["size"])
    print(json.dumps(figures))


def conversations(names: Iterable[str] | None = None) -> list[tuple[str, Votes]]:
    """Return some conversations of the pack; by default all of them."""
    folders = sorted(path.parent.name for path in PACK.glob("*/votes.csv.gz"))
    return [
        (name, read_votes(PACK / name / "votes.csv.gz"))
        for name in folders
        if names is None or name in names
    ]


def prediction() -> Figures:
    """Hide a tenth of the votes, three times; people with seven known votes are scored."""
    print("\nHidden votes: log loss, against the rates of Polis's groups; AUC, against its map")
    found: Figures = {}
    for name, votes in conversations(POLIS):
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


PLANTED = (  # people, statements, share answered, how far groups lie apart
    (600, 300, 0.2, 2.0),
    (600, 300, 0.1, 1.5),
    (2_000, 300, 0.07, 1.5),
    (2_000, 1_000, 0.02, 2.0),
    (200, 100, 0.2, 2.0),
    (50_000, 500, 0.05, 1.5),
)


def planted(times: int = 2) -> list[Figures]:
    """Plant one to six groups of uneven size, some statements shown four times as often as others."""
    print("Planted groups, one to six: how often the number is right; adjusted Rand of those who")
    print("voted at least 30 times, and with the truth known; how far groups stay")
    found = []
    for people, statements, answered, apart in PLANTED:
        right, runs = 0, 0
        same: list[float] = []
        best: list[float] = []
        stay: list[float] = []
        for groups in range(1, 7):
            for seed in range(times):
                rng = np.random.default_rng(10 * groups + seed)
                made = simulate(
                    rng,
                    people=people,
                    statements=statements,
                    groups=groups,
                    answered=answered,
                    apart=apart,
                )
                votes = Votes.from_log(made.person, made.statement, made.value)
                told = overview(votes, rng)
                runs, right = runs + 1, right + (told.groups.count == groups)
                if groups > 1 and told.groups.count == groups:
                    truth = made.group[votes.people]
                    many = np.diff(votes.start) >= 30
                    if many.sum() < 20:
                        many[:] = True
                    same.append(adjusted_rand(told.member.argmax(axis=1)[many], truth[many]))
                    best.append(adjusted_rand(knowing(votes, made)[many], truth[many]))
                    stay.append(told.groups.stability or 0.0)
        row: Figures = {"people": people, "statements": statements}
        row |= {"answered": answered, "apart": apart}
        row |= {"runs": runs, "right": right, "rand": same, "best": best, "kept": stay}
        found.append(row)
        print(
            f"{people:6} x {statements:4}, {answered:.0%} answered: {right:2} of {runs}; "
            f"{np.median(same):.3f} ({np.median(best):.3f}); {np.median(stay):.3f}"
        )
    return found


def knowing(votes: Votes, made: Simulated) -> NDArray[np.intp]:
    """Place people by the true leanings of the groups: nobody can do better."""
    lean = made.leaning[:, votes.statements]
    share = np.bincount(made.group, minlength=len(lean)) / len(made.group)
    odds = np.tile(np.log(share), (len(votes.people), 1))
    for g in range(len(lean)):
        told = -np.log1p(np.exp(-lean[g, votes.statement] * votes.value)) * (votes.value != 0)
        odds[:, g] += np.bincount(votes.person, weights=told, minlength=len(votes.people))
    likeliest: NDArray[np.intp] = odds.argmax(axis=1)
    return likeliest


def by_degree(times: int = 4) -> Figures:
    """Spread people evenly in one to three directions: they differ, but they are one group."""
    runs, one = 0, 0
    for dimensions in (1, 2, 3):
        for seed in range(times):
            rng = np.random.default_rng(seed)
            for place in (
                rng.standard_normal((1500, dimensions)),
                rng.uniform(-1.7, 1.7, (1500, dimensions)),
                rng.exponential(1, (1500, dimensions)) - 1,
            ):
                odds = rng.normal(0.3, 1, 100) + rng.normal(0, 0.4, (1500, 1))
                odds = odds + place @ rng.normal(0, 1.2, (dimensions, 100))
                who, what = np.nonzero(rng.random(odds.shape) < 0.4 * rng.uniform(0.4, 1.6, 100))
                value = np.where(rng.random(len(who)) < 1 / (1 + np.exp(-odds[who, what])), 1, -1)
                found = overview(Votes.from_log(who, what, value), rng)
                runs, one = runs + 1, one + (found.groups.count == 1)
    print(f"People who differ by degree: one group in {one} of {runs} runs")
    return {"runs": runs, "one": one}


def kept(times: int = 5) -> Figures:
    """Hide a fifth of the votes of each real conversation with groups, and map it anew."""
    found: Figures = {}
    for name, votes in conversations():
        whole = overview(votes, np.random.default_rng(0))
        if whole.groups.count == 1:
            found[name] = {"groups": 1}
            continue
        same = []
        for seed in range(times):
            known, _hidden = split(votes, np.random.default_rng(seed), share=0.2)
            again = overview(known, np.random.default_rng(0))
            many = np.diff(known.start) >= 7
            pair = [each.member.argmax(axis=1)[many] for each in (whole, again)]
            same.append(adjusted_rand(*pair))
        found[name] = {"groups": whole.groups.count, "kept": same}
    count = sum(each["groups"] > 1 for each in found.values())
    print(f"Real conversations: groups in {count} of {len(found)}")
    return found


def in_any_order() -> bool:
    """Say whether the same votes in another order, and from shards, give the same map, bit by bit."""
    rng = np.random.default_rng(3)
    made = simulate(rng, people=20_000, statements=400, groups=3, answered=0.05)
    log = (made.person, made.statement, made.value)
    whole = Votes.from_log(*log)
    order, shard = rng.permutation(len(made.value)), rng.integers(0, 5, len(made.value))
    others = [
        Votes.from_log(*(column[order] for column in log)),
        merged([Votes.from_log(*(column[shard == s] for column in log)) for s in (3, 0, 4, 1, 2)]),
    ]
    first = overview(whole, np.random.default_rng(0))
    same = True
    for votes in others:
        found = overview(votes, np.random.default_rng(0))
        same &= (votes.tallies == whole.tallies).all() and found.groups.count == first.groups.count
        same &= bool((found.member == first.member).all())
        same &= bool((found.model.mean == first.model.mean).all())
    print(f"Any order, any sharding: {'the same' if same else 'NOT the same'}")
    return bool(same)


def real() -> Figures:
    """Map each real conversation as a whole."""
    found: Figures = {}
    for name, votes in conversations():
        began = time.process_time()
        overview(votes, np.random.default_rng(0))
        found[name] = time.process_time() - began
    print("Real conversations take " + ", ".join(f"{t:.2f}" for t in found.values()) + " s")
    return found


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


def hidden_rates() -> float:
    """Say how often the rate among a group's hidden votes lies where its interval says it should.

    A fifth of the votes is hidden. Groups (one to three) and rates come from the others; what a
    group's hidden votes on a statement should come to then has a beta-binomial distribution. A
    rate that lies on the edge of the interval counts in part, as far as it is inside.
    """
    inside = []
    for _name, votes in conversations():
        rng = np.random.default_rng(0)
        known, hidden = split(votes, rng, share=0.2)
        places = fit(known, dimensions=2).positions
        for groups in (1, 2, 3):
            found = mixture(known, groups, places, rng)
            told = shares(known, found)
            at = (
                votes.statement[hidden].astype(np.int64) * groups
                + found.group[votes.person[hidden]]
            )
            cells = len(votes.statements) * groups
            n = np.bincount(at, minlength=cells)
            k = np.bincount(at[votes.value[hidden] > 0], minlength=cells)
            rate, votes_of = told.estimate[:, AGREE].ravel(), told.effective.ravel()
            a, b = rate * votes_of + 0.5, (1 - rate) * votes_of + 0.5
            inside += [held_in(*each) for each in zip(n, k, a, b, strict=True) if each[0] >= 5]
    print(f"Intervals of 90 %: {np.mean(inside):.1%} hold the rate among hidden votes")
    return float(np.mean(inside))


def held_in(n: int, k: int, a: float, b: float) -> float:
    """Return how far the count ``k`` of ``n`` lies in the middle nine tenths of what is expected."""
    each = [
        math.lgamma(n + 1) - math.lgamma(i + 1) - math.lgamma(n - i + 1)
        + math.lgamma(i + a) + math.lgamma(n - i + b) - math.lgamma(n + a + b)
        + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
        for i in range(k + 1)
    ]  # fmt: skip
    chance = np.exp(each)
    low, high = float(chance[:-1].sum()), float(chance.sum())
    return max(0.0, min(high, 0.95) - max(low, 0.05)) / max(high - low, 1e-300)


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
    row: Figures = {"people": people, "statements": statements, "votes": len(made.value)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.npy"
        np.save(path, np.stack((made.person, made.statement, made.value)))
        del made
        row |= alone(sys.executable, OWN_CODE, path)
        if PEER and (FULL or people <= 10_000) and people < 1_000_000:
            theirs = alone(PEER, PEER_CODE, path)
            row |= {f"peer_{name}": value for name, value in theirs.items()}
            row["times_cpu"] = theirs["cpu"] / row["cpu"]
            row["times_memory"] = theirs["megabytes"] / max(row["megabytes"], 1.0)
    print(json.dumps(row))
    return row


def growth(rows: list[Figures]) -> list[float]:
    """Return with which power of the votes the cost grows from each size to the next."""
    pairs = list(pairwise(rows))
    return [float(np.log(b["cpu"] / a["cpu"]) / np.log(b["votes"] / a["votes"])) for a, b in pairs]


MEASURE = """
import json, resource, sys, time
import numpy as np
def most():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
person, statement, value = np.load(sys.argv[1])
"""

OWN_CODE = (
    MEASURE
    + """
from commonweal.engine.opinion import Votes, overview, simulate
from commonweal.engine.opinion.warm import warm
warm()
value = value.astype(np.int8)
for groups in (1, 4):  # load all machine code
    made = simulate(np.random.default_rng(0), people=300, statements=60, groups=groups, answered=0.5)
    overview(Votes.from_log(made.person, made.statement, made.value), np.random.default_rng(0))
del made
before, tries = most(), []
for _ in range(1 if len(value) > 5_000_000 else 5):
    began = time.process_time()
    votes = Votes.from_log(person, statement, value)
    built = time.process_time() - began
    found = overview(votes, np.random.default_rng(0))
    tries.append((time.process_time() - began, built))
cpu, built = min(tries)
print(json.dumps({"cpu": cpu, "build": built, "megabytes": most() - before, "whole_megabytes": most(),
                  "groups": found.groups.count, "clear": found.groups.clear}))
"""
)

PEER_CODE = (
    MEASURE
    + """
from reddwarf.implementations.polis import run_pipeline
votes = [
    {"participant_id": int(i), "statement_id": int(j), "vote": int(x)}
    for i, j, x in zip(person, statement, value)
]
before = most()
began = time.process_time()
run_pipeline(votes=votes)
print(json.dumps({"cpu": time.process_time() - began, "megabytes": most() - before}))
"""
)


def alone(python: str, code: str, path: Path) -> Figures:
    """Run this code in a process of its own, on one thread."""
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [python, "-c", code, str(path)],
        capture_output=True,
        text=True,
        env={**os.environ, **threads},
        check=False,
        cwd=ROOT,
    )
    if done.returncode:
        print(done.stderr[-300:], file=sys.stderr)
        return {"cpu": float("nan"), "megabytes": float("nan")}
    found: Figures = json.loads(done.stdout.splitlines()[-1])
    return found


if __name__ == "__main__":
    main()
