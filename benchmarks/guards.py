"""Measure what finds accounts that act as one: ``python -m benchmarks.guards``.

Crowds of several kinds and sizes are put into conversations, real and made up, and looked for; and
conversations without a crowd are looked at: the real ones, the real ones with the votes on each
statement dealt out anew, and made-up ones. Prints a line for each bar that was missed and, as its last
line, one JSON object. ``PACK`` names a folder of conversations instead of the developers' set;
``BENCH_SEEDS`` (2) is how many made-up conversations of each sort are looked at.
"""

import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.opinion import Votes, raised, simulate
from commonweal.engine.opinion.files import read_votes
from commonweal.engine.opinion.warm import warm

ROOT = Path(__file__).resolve().parents[1]
PACK = Path(os.environ.get("PACK", ROOT.parent / "shared/data/polis"))
SEEDS = int(os.environ.get("BENCH_SEEDS", "2"))
SIZES = (5, 10, 20, 50)
FIRST = 10_000_000  # the name of the first account of a crowd
DAY = 86_400_000
BARS = {"most false cases": 3, "CPU of 10,000 x 1,000 with a crowd": 0.3}
Rng = np.random.Generator
Ints = NDArray[Any]


def main() -> None:
    """Measure everything and print it."""
    warm()
    real = {path.parent.name: read_votes(path) for path in sorted(PACK.glob("*/votes.csv.gz"))}
    figures: dict[str, Any] = {"false cases": quiet(real), "found": found(real), "cpu": cost()}
    missed = [
        name
        for name, bad in (
            ("most false cases", figures["false cases"]["cases"] > BARS["most false cases"]),
            ("CPU", figures["cpu"]["10000 x 1000"] > BARS["CPU of 10,000 x 1,000 with a crowd"]),
        )
        if bad
    ]
    print("missed: " + (", ".join(missed) or "nothing"))
    print(json.dumps(figures))


# --- conversations without a crowd


def quiet(real: dict[str, Votes]) -> dict[str, Any]:
    """Look at conversations without a crowd; return how many, and what was raised there."""
    raised_in: dict[str, int] = {}
    looked = 0
    hosts = [*real.items(), *((f"{name}, dealt anew", dealt(v)) for name, v in real.items())]
    for name, votes in [*hosts, *made_up()]:
        looked += 1
        cases = len(raised(votes))
        if cases:
            raised_in[name] = cases
            print(f"{name}: {cases} raised without a crowd", flush=True)
    return {"conversations": looked, "cases": sum(raised_in.values()), "where": raised_in}


def made_up() -> Iterator[tuple[str, Votes]]:
    """Yield made-up conversations in which nobody acts as one, with moments."""
    for seed in range(SEEDS):
        for groups in range(1, 7):
            yield f"{groups} groups", grouped(seed, groups)
        for size in (12, 25, 60):
            yield f"a minority of {size}", minority(seed, size)
        yield "by degree", by_degree(seed)
        yield "one-sided", one_sided(seed)
        yield "first day", first_day(seed)


def dealt(votes: Votes) -> Votes:
    """Deal the votes on each statement out anew among those who voted on it."""
    rng = np.random.default_rng(7)
    value = votes.value.copy()
    for j in range(len(votes.statements)):
        place = np.flatnonzero(votes.statement == j)
        value[place] = value[rng.permutation(place)]
    return Votes(votes.people, votes.statements, votes.start, votes.statement, value, votes.moment)


def grouped(seed: int, groups: int) -> Votes:
    """Make up a conversation of some groups."""
    rng = np.random.default_rng(100 * seed + groups)
    made = simulate(rng, people=1000, statements=200, groups=groups, answered=0.1)
    return timed(Votes.from_log(made.person, made.statement, made.value), rng)


def by_degree(seed: int) -> Votes:
    """People who differ by degree in two directions."""
    rng = np.random.default_rng(seed)
    return drawn(rng, rng.standard_normal((600, 2)) @ rng.normal(0, 1.5, (2, 100)), 0.3)


def one_sided(seed: int) -> Votes:
    """Statements with which nearly everybody agrees, or nobody."""
    rng = np.random.default_rng(seed)
    return drawn(rng, rng.normal(2.5, 1, 100) * np.where(rng.random(100) < 0.7, 1, -1), 0.3)


def minority(seed: int, size: int) -> Votes:
    """A few people who think alike, and not as the others do."""
    rng = np.random.default_rng(seed)
    apart = (np.arange(500) < size)[:, None] * rng.normal(0, 2.5, 80)
    return drawn(rng, apart + rng.normal(0.3, 1, 80), 0.4)


def drawn(rng: Rng, odds: NDArray[np.float64], answered: float, people: int = 600) -> Votes:
    """Draw votes by log odds, and when they were cast."""
    odds = np.broadcast_to(odds, (odds.shape[0] if odds.ndim == 2 else people, odds.shape[-1]))
    odds = odds + rng.normal(0, 0.5, (len(odds), 1))
    who, what = np.nonzero(rng.random(odds.shape) < answered * rng.uniform(0.4, 1.6, len(odds[0])))
    agrees = rng.random(len(who)) < 1 / (1 + np.exp(-odds[who, what]))
    return timed(Votes.from_log(who, what, np.where(agrees, 1, -1)), rng)


def first_day(seed: int) -> Votes:
    """Most come in the first hours, when there are few statements, and answer a few."""
    rng = np.random.default_rng(seed)
    came = np.where(
        rng.random(1500) < 0.7, rng.exponential(DAY / 12, 1500), rng.integers(0, 10 * DAY, 1500)
    )
    born = np.append(np.zeros(8), np.sort(rng.exponential(DAY, 112)))
    odds = rng.normal(0.4, 1, 120) + rng.standard_normal((1500, 2)) @ rng.normal(0, 1.2, (2, 120))
    person, statement = [], []
    for i in range(1500):
        there = rng.permutation(np.flatnonzero(born <= came[i]))[: rng.geometric(1 / 9)]
        person += [i] * len(there)
        statement += there.tolist()
    agrees = rng.random(len(person)) < 1 / (1 + np.exp(-odds[person, statement]))
    votes = Votes.from_log(person, statement, np.where(agrees, 1, -1))
    return timed(votes, rng, came[votes.people])


def timed(votes: Votes, rng: Rng, came: NDArray[Any] | None = None) -> Votes:
    """Say when each person came, over ten days if not told, and vote every three seconds."""
    if came is None:
        came = rng.integers(0, 10 * DAY, len(votes.people))
    place = np.arange(len(votes)) - votes.start[votes.person]
    moment = came.astype(np.int64)[votes.person] + 3000 * place
    return Votes(votes.people, votes.statements, votes.start, votes.statement, votes.value, moment)


# --- crowds


def copies(votes: Votes, rng: Rng, accounts: int) -> Votes:
    """All the same 45 votes."""
    return after_a_template(votes, rng, accounts, 0.0, 1.0)


def tenth(votes: Votes, rng: Rng, accounts: int) -> Votes:
    """A tenth of 45 votes turned, a third left out."""
    return after_a_template(votes, rng, accounts, 0.1, 2 / 3)


def sixth(votes: Votes, rng: Rng, accounts: int) -> Votes:
    """A sixth of 45 votes turned, a half left out."""
    return after_a_template(votes, rng, accounts, 1 / 6, 0.5)


def after_a_template(votes: Votes, rng: Rng, accounts: int, turned: float, cast: float) -> Votes:
    """Follow a template that is for what most are for on two statements in three."""
    length = min(45, len(votes.statements))
    what = rng.choice(len(votes.statements), length, replace=False)
    side = with_most(votes, what, rng.random(length) < 0.65)
    value = np.where(rng.random((accounts, length)) < turned, -side, side)
    who, place = np.nonzero(rng.random((accounts, length)) < cast)
    return untimed(votes).updated(FIRST + who, votes.statements[what[place]], value[who, place])


def after_a_person(votes: Votes, rng: Rng, accounts: int) -> Votes:
    """Follow somebody who cast 40 votes or more: a tenth turned, a third left out."""
    said = np.bincount(votes.person[votes.value != 0], minlength=len(votes.people))
    many = np.flatnonzero((said >= 40) & (said <= 100))
    of = rng.choice(many if len(many) else np.argsort(said)[-10:])
    row = np.arange(votes.start[of], votes.start[of + 1])
    row = row[votes.value[row] != 0]
    value = np.where(rng.random((accounts, len(row))) < 0.1, -votes.value[row], votes.value[row])
    who, place = np.nonzero(rng.random((accounts, len(row))) < 2 / 3)
    what = votes.statements[votes.statement[row[place]]]
    return untimed(votes).updated(FIRST + who, what, value[who, place])


def few_against(votes: Votes, rng: Rng, accounts: int) -> Votes:
    """Three to seven votes on the same seven statements, mostly against what most say."""
    return pushing(votes, rng, accounts, 0.35)


def few_along(votes: Votes, rng: Rng, accounts: int) -> Votes:
    """Three to seven votes on the same seven statements, mostly with what most say."""
    return pushing(votes, rng, accounts, 0.8)


def pushing(votes: Votes, rng: Rng, accounts: int, along: float) -> Votes:
    """Vote on the same seven statements only."""
    what = rng.choice(np.flatnonzero(votes.agrees + votes.disagrees >= 10), 7, replace=False)
    side = with_most(votes, what, rng.random(7) < along)
    there = rng.random((accounts, 7)).argsort(axis=1) < rng.integers(3, 8, (accounts, 1))
    who, place = np.nonzero(there)
    return untimed(votes).updated(FIRST + who, votes.statements[what[place]], side[place])


def at_once(votes: Votes, rng: Rng, accounts: int) -> Votes:
    """One vote each, on the same statement, within five minutes."""
    if votes.moment is None:
        votes = timed(votes, rng)
    assert votes.moment is not None
    what = rng.choice(np.flatnonzero(votes.agrees + votes.disagrees >= 10))
    since = np.sort(votes.moment)[int(len(votes) * rng.uniform(0.2, 0.9))]
    moment = since + rng.integers(0, 5 * 60_000, accounts)
    side = np.full(accounts, rng.choice([-1, 1]))
    names = np.arange(FIRST, FIRST + accounts)
    return votes.updated(names, np.full(accounts, votes.statements[what]), side, moment=moment)


def with_most(votes: Votes, what: Ints, along: NDArray[np.bool_]) -> Ints:
    """Return the side that most take on each statement, or the other one."""
    most = np.where(votes.agrees[what] >= votes.disagrees[what], 1, -1)
    return np.where(along, most, -most)


def untimed(votes: Votes) -> Votes:
    """Forget the moments, so that nothing is found by its time."""
    return Votes(votes.people, votes.statements, votes.start, votes.statement, votes.value)


KINDS: tuple[Callable[[Votes, Rng, int], Votes], ...] = (
    copies, tenth, sixth, after_a_person, few_against, few_along, at_once,
)  # fmt: skip


def found(real: dict[str, Votes]) -> dict[str, dict[str, list[float]]]:
    """Put crowds into conversations; return the share of their accounts that was raised."""
    made = dict(pair for pair in made_up() if not pair[0].startswith("a minority"))
    told: dict[str, dict[str, list[float]]] = {}
    for kind in KINDS:
        name = kind.__name__.replace("_", " ")
        told[name] = {}
        for where, hosts in (("real", real), ("made up", made)):
            shares = [
                float(
                    np.mean([share(kind, votes, size, n) for n, votes in enumerate(hosts.values())])
                )
                for size in SIZES
            ]
            told[name][where] = [round(each, 2) for each in shares]
            print(f"{name}, {where}, crowds of {SIZES}: {told[name][where]}", flush=True)
    return told


def share(kind: Callable[[Votes, Rng, int], Votes], votes: Votes, accounts: int, n: int) -> float:
    """Return what share of a crowd was raised."""
    more = kind(votes, np.random.default_rng([n, accounts]), accounts)
    people = {int(more.people[i]) for clique in raised(more) for i in clique.people}
    return sum(person >= FIRST for person in people) / accounts


def cost() -> dict[str, float]:
    """Return the CPU seconds for large conversations with a crowd of 20 in them."""
    told = {}
    for people, statements, answered in ((10_000, 1_000, 0.035), (100_000, 500, 0.066)):
        made = simulate(
            np.random.default_rng(5), people=people, statements=statements, groups=4,
            answered=answered,
        )  # fmt: skip
        votes = Votes.from_log(made.person, made.statement, made.value)
        votes = tenth(votes, np.random.default_rng(1), 20)
        spent = []
        for _ in range(3):
            begun = time.process_time()
            raised(votes)
            spent.append(time.process_time() - begun)
        told[f"{people} x {statements}"] = round(min(spent), 2)
        print(f"{people} x {statements}: {min(spent):.2f} s of CPU", flush=True)
    return told


if __name__ == "__main__":
    main()
