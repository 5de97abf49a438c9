"""Measure which statement to show next: ``python -m benchmarks.routing``.

Replay: people of real conversations come in random order; a policy may ask so many of what each truly
voted on, a quarter of which is set aside. Free choice: people are drawn from a model of a real
conversation, so that anything may be asked of anybody. All policies are judged by the same estimator.
Prints a line for each bar that was missed and, as its last line, one JSON object. ``PACK`` names a
folder of conversations instead of the developers' set; ``BENCH_REPEATS`` (3) how often all is done.
"""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.opinion import (
    Bearings,
    Mixture,
    Votes,
    adjusted_rand,
    chances,
    fit,
    mixture,
    position,
    shares,
)
from commonweal.engine.opinion.files import read_votes
from commonweal.engine.opinion.shares import AGREE

ROOT = Path(__file__).resolve().parents[1]
PACK = Path(os.environ.get("PACK", ROOT.parent / "shared/data/polis"))
REPEATS = int(os.environ.get("BENCH_REPEATS", "3"))
NAMES = ("brexit-consensus", "scoop-hivemind.taxes", "scoop-hivemind.affordable-housing")
ASKED = (10, 20)
FREE = (4, 6, 8, 10, 12, 16, 20)
PEOPLE = 300
DIMENSIONS = 2
EVERY = 25  # so many people come between two looks at the votes
Figures = dict[str, Any]
Answers = Callable[[int, NDArray[np.intp]], NDArray[np.int64]]


class Log:
    """What has been asked so far, and what a policy may know of it."""

    def __init__(self, statements: int) -> None:
        self.names = np.arange(statements)
        self.person: list[int] = []
        self.statement: list[int] = []
        self.value: list[int] = []
        self.chance: list[float] = []
        self.step: list[int] = []
        self.shown = np.zeros(statements, dtype=np.int64)
        self.tally = np.zeros((statements, 3), dtype=np.int64)
        self.bearings = Bearings.unknown()
        self.extremity = np.zeros(statements)

    def add(self, person: int, statement: int, value: int, chance: float, step: int) -> None:
        self.person.append(person)
        self.statement.append(statement)
        self.value.append(value)
        self.chance.append(chance)
        self.step.append(step)
        self.shown[statement] += 1
        self.tally[statement, value + 1] += 1

    def votes(self) -> Votes:
        return Votes.from_log(self.person, self.statement, self.value, statements=self.names)

    def look(self) -> None:
        """Bring up to date what is worked out in the background."""
        votes = self.votes()
        model = fit(votes, dimensions=DIMENSIONS, sweeps=10)
        self.bearings = Bearings.of(model, votes.statements)
        self.extremity = extremity(votes)


def extremity(votes: Votes) -> NDArray[np.float64]:
    """Return how far out Polis places each statement: two components, what is missing at its mean."""
    table = np.full((len(votes.people), len(votes.statements)), np.nan)
    table[votes.person, votes.statement] = votes.value
    told = ~np.isnan(table)
    mean = np.divide(
        np.nansum(table, axis=0),
        told.sum(axis=0),
        out=np.zeros(table.shape[1]),
        where=told.any(axis=0),
    )
    centred = np.where(told, table - mean, 0.0)
    along = np.linalg.svd(centred, full_matrices=False)[2][:2]
    found: NDArray[np.float64] = np.linalg.norm(along * (1 - mean), axis=0) * np.sqrt(
        table.shape[1]
    )
    return found


Policy = Callable[[Log, NDArray[np.bool_], list[int], list[int]], NDArray[np.float64]]


def at_random(log: Log, unseen: NDArray[np.bool_], _said: list[int], _how: list[int]) -> Any:
    """Anything."""
    return unseen / unseen.sum()


def least_voted(log: Log, unseen: NDArray[np.bool_], _said: list[int], _how: list[int]) -> Any:
    """Whatever has the fewest votes."""
    fewest = unseen & (log.shown == log.shown[unseen].min())
    return fewest / fewest.sum()


def polis(log: Log, unseen: NDArray[np.bool_], _said: list[int], _how: list[int]) -> Any:
    """By the priority of Polis."""
    total = log.tally.sum(axis=1)
    agreed, passed = (log.tally[:, 2] + 1) / (total + 2), (log.tally[:, 1] + 1) / (total + 2)
    importance = (1 - passed) * (1 + log.extremity) * agreed
    priority = (importance * (1 + 8 * 2.0 ** (-total / 5))) ** 2 * unseen
    return priority / priority.sum()


def ours(log: Log, unseen: NDArray[np.bool_], said: list[int], how: list[int]) -> Any:
    """By the mixture of this engine."""
    stands = position(log.bearings, said, how)
    return chances(log.bearings, log.names, log.shown, unseen, position=stands)


POLICIES: dict[str, Policy] = {
    "random": at_random,
    "polis": polis,
    "least-voted": least_voted,
    "ours": ours,
}


def asked(
    policy: Policy,
    statements: int,
    open_to: list[NDArray[np.intp]],
    answer: Answers,
    each: int,
    rng: np.random.Generator,
) -> Log:
    """Ask everybody so many statements, one person after another."""
    log = Log(statements)
    for count, person in enumerate(rng.permutation(len(open_to)).tolist()):
        if count in (5, 12) or (count and count % EVERY == 0):
            log.look()
        unseen = np.zeros(statements, dtype=bool)
        unseen[open_to[person]] = True
        said: list[int] = []
        how: list[int] = []
        answers = answer(person, log.names)
        for step in range(min(each, len(open_to[person]))):
            chance = policy(log, unseen, said, how)
            drawn = int(rng.choice(statements, p=chance))
            said.append(drawn)
            how.append(int(answers[drawn]))
            log.add(person, drawn, how[-1], float(chance[drawn]), step)
            unseen[drawn] = False
    return log


def area(agreed: NDArray[np.bool_], p: NDArray[np.float64]) -> float:
    """Return the area under the curve, ties counted half."""
    _values, place, count = np.unique(p, return_inverse=True, return_counts=True)
    rank = (np.cumsum(count) - (count - 1) / 2)[place]
    yes = int(agreed.sum())
    return float((rank[agreed].sum() - yes * (yes + 1) / 2) / (yes * (len(p) - yes)))


def best(votes: Votes, groups: Mixture) -> set[int]:
    """Return the ten statements with which the least agreeing group surely agrees most."""
    told = shares(votes, groups)
    return set(np.argsort(-told.low[:, AGREE].min(axis=1), kind="stable")[:10].tolist())


def grouped(votes: Votes) -> Mixture:
    """Divide people into two groups."""
    model = fit(votes, dimensions=DIMENSIONS)
    return mixture(votes, 2, model.positions, np.random.default_rng(0))


def replay() -> list[Figures]:
    """Ask people of real conversations what they truly voted on."""
    rows = []
    for name in NAMES:
        whole = read_votes(PACK / name / "votes.csv.gz")
        keep = np.flatnonzero(np.diff(whole.start) >= 8)
        whole = whole.among(keep)
        truth = grouped(whole)
        target = best(whole, truth)
        for each in ASKED:
            for title, policy in POLICIES.items():
                told = [
                    _replayed(whole, truth, target, policy, each, seed) for seed in range(REPEATS)
                ]
                auc, recall, rand = (float(np.mean(column)) for column in zip(*told, strict=True))
                rows.append(
                    {"name": name, "asked": each, "policy": title}
                    | {"auc": auc, "recall": recall, "rand": rand}
                )
                print(f"{name:36} {each:3} {title:12} {auc:.3f} / {recall:.2f} / {rand:.2f}")
    return rows


def _replayed(
    whole: Votes, truth: Mixture, target: set[int], policy: Policy, each: int, seed: int
) -> tuple[float, float, float]:
    rng = np.random.default_rng(seed)
    aside = rng.random(len(whole)) < 0.25
    table = np.zeros((len(whole.people), len(whole.statements)), dtype=np.int64)
    table[whole.person, whole.statement] = whole.value
    open_to = [
        whole.statement[whole.start[i] : whole.start[i + 1]][
            ~aside[whole.start[i] : whole.start[i + 1]]
        ].astype(np.intp)
        for i in range(len(whole.people))
    ]
    log = asked(policy, len(whole.statements), open_to, lambda i, _n: table[i], each, rng)
    votes = Votes.from_log(
        log.person, log.statement, log.value,
        people=np.arange(len(whole.people)), statements=log.names,
    )  # fmt: skip
    model = fit(votes, dimensions=DIMENSIONS)
    scored = aside & (whole.value != 0)
    p = model.probability(whole.person[scored], whole.statement[scored])
    found = grouped(votes)
    recall = len(best(votes, found) & target) / 10
    return area(whole.value[scored] > 0, p), recall, adjusted_rand(found.group, truth.group)


def free() -> list[Figures]:
    """Ask people who are drawn from a model of a real conversation; anything may be asked."""
    rows = []
    for name in NAMES:
        whole = read_votes(PACK / name / "votes.csv.gz")
        for title, policy in POLICIES.items():
            for each in FREE:
                told = [_freely(whole, policy, each, seed) for seed in range(REPEATS)]
                mean = {key: float(np.mean([row[key] for row in told])) for key in told[0]}
                rows.append({"name": name, "asked": each, "policy": title} | mean)
            shown = " ".join(f"{row['auc']:.3f}" for row in rows[-len(FREE) :])
            last = rows[-1]
            print(
                f"{name:36} {title:12} {shown}  exposure {last['least']:.2f} to {last['most']:.2f} "
                f"of the median; error {last['naive']:.3f}, put right {last['fair']:.3f}"
            )
    return rows


def _freely(whole: Votes, policy: Policy, each: int, seed: int) -> Figures:
    rng = np.random.default_rng(seed)
    model = fit(whole, dimensions=3)
    statements = len(whole.statements)
    people = rng.integers(0, len(whole.people), PEOPLE)
    who, what = np.indices((PEOPLE, statements)).reshape(2, -1)
    odds = model.odds(people[who], what)[0].reshape(PEOPLE, statements)
    agree = 1 / (1 + np.exp(-odds))
    passing = (whole.passes + 1) / (whole.tallies.sum(axis=1) + 4)
    value = np.where(rng.random(agree.shape) < agree, 1, -1)
    value[rng.random(agree.shape) < passing] = 0
    open_to = [np.arange(statements)] * PEOPLE
    log = asked(policy, statements, open_to, lambda i, _n: value[i], each, rng)
    votes = Votes.from_log(
        log.person, log.statement, log.value, people=np.arange(PEOPLE), statements=log.names
    )
    found = fit(votes, dimensions=DIMENSIONS)
    hidden = value != 0
    hidden[log.person, log.statement] = False
    p = found.probability(*np.nonzero(hidden))
    middle = float(np.median(log.shown))
    order = np.lexsort((log.statement, log.person))
    given = np.array(log.chance)[order]
    truth = (value > 0).mean(axis=0)
    naive, fair = shares(votes), shares(votes, shown=given)
    side = np.sign(truth - 0.5)
    return {
        "auc": area(value[hidden] > 0, p),
        "least": log.shown.min() / middle,
        "most": log.shown.max() / middle,
        "naive": float(np.abs(naive.estimate[:, AGREE, 0] - truth).mean()),
        "fair": float(np.abs(fair.estimate[:, AGREE, 0] - truth).mean()),
        "bias": float(((naive.estimate[:, AGREE, 0] - truth) * side).mean()),
        "bias_fair": float(((fair.estimate[:, AGREE, 0] - truth) * side).mean()),
    }


def needed(rows: list[Figures]) -> dict[str, float]:
    """Say how many votes a person must cast for the AUC that Polis has after the last, over those."""
    found = {}
    for name in NAMES:
        curve = {
            title: [r["auc"] for r in rows if r["name"] == name and r["policy"] == title]
            for title in POLICIES
        }
        for title in ("random", "least-voted", "ours"):
            goal = np.array([np.interp(x, FREE, curve["polis"]) for x in (12, 16, 20)])
            rising = np.maximum.accumulate(curve[title])
            votes = np.interp(goal, rising, FREE)
            found[f"{name} {title}"] = float(np.mean(votes / np.array([12, 16, 20])))
    return found


def main() -> None:
    """Measure everything and print it."""
    print("Replay: AUC / recall of common ground / adjusted Rand of groups")
    replayed = replay()
    print(f"\nFree choice: AUC after {FREE} answers each")
    freely = free()
    votes = needed(freely)
    figures = {"replay": replayed, "free": freely, "votes_needed": votes}
    for title in POLICIES:
        mine = [row for row in replayed if row["policy"] == title]
        told = [float(np.mean([row[key] for row in mine])) for key in ("auc", "recall", "rand")]
        print(f"{'mean':40} {title:12} {told[0]:.3f} / {told[1]:.2f} / {told[2]:.2f}")
        figures[f"mean_{title}"] = told
    mean = float(np.mean([share for key, share in votes.items() if key.endswith("ours")]))
    print(f"Votes for the AUC of Polis's priority: {mean:.0%}")
    most = max(row["most"] for row in freely if row["policy"] == "ours" and row["asked"] >= 8)
    least = min(row["least"] for row in freely if row["policy"] == "ours" and row["asked"] >= 8)
    missed = [
        said
        for said, bad in (
            (
                "AUC below that of Polis's priority",
                figures["mean_ours"][0] < figures["mean_polis"][0],
            ),
            ("groups below random", figures["mean_ours"][2] < figures["mean_random"][2] - 0.02),
            ("exposure beyond three times the median", most > 3 or least < 1 / 3),
            ("not a quarter of votes saved", mean > 0.75),
        )
        if bad
    ]
    print("Missed: " + ("; ".join(missed) or "none"))
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
