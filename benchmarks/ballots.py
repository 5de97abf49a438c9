"""Vote as fast as the site takes it, for a minute: ``make bench BENCH=ballots``.

A real server, a real database that waits for the disk, and everybody another signed-in person whose
form carries its token. One vote in twenty changes an earlier one; those are counted apart. Afterwards
the pot is closed and counted, and every receipt that was handed out is looked up in what is
published. Beside it: the same load on a plain Django view, and an even stream of 200 votes a second,
timed from the moment each was due. ``BENCH_SECONDS`` (60), ``BENCH_HANDS`` (16 send at once),
``BENCH_THREADS`` (4 in each of the two workers; 1 are plain processes).
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from benchmarks import ballot_box as box
from benchmarks.load import Answer

if TYPE_CHECKING:
    from commonweal.decide.budgets.models import Pot

A_SECOND = 500  # people a second for whom there are enough
CHANGED = 20  # one vote in so many is a changed one
LEAST, SLOWEST_MS = 200, 250  # the bars: ballots a second, and within what nearly all come
LOOKED = 100  # people who look at their receipt
EVEN = 200  # votes a second of the even stream
PLAIN_BACKEND = "django.contrib.auth.backends.ModelBackend"
PLAIN_TABLE = (
    "CREATE TABLE plain_vote (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
    " person_id bigint NOT NULL UNIQUE REFERENCES people_person (id), receipt text NOT NULL,"
    " projects bigint[] NOT NULL)"
)
Figures = dict[str, float]


def main() -> None:
    """Measure and print; the last line is one JSON object."""
    lot = random.Random(4)
    with box.site() as site:
        challenge = box.a_challenge()
        pot = box.a_pot(challenge)
        people = box.browsers(challenge, int((box.SECONDS + 20) * A_SECOND))
        print(f"{len(people)} people are signed in. {box.THREADS} threads, {box.HANDS} hands.")
        warm, even, rest = people[:500], people[500 : 500 + 20 * EVEN], people[500 + 20 * EVEN :]
        with site.served():
            told = box.acknowledged(run(site, votes(pot, warm, lot), 10)[0])
            answers, figures = run(site, votes(pot, rest, lot, changed=True), box.SECONDS)
            show("the site", figures)
            told |= box.acknowledged(answers)
            steady, stream = run(site, votes(pot, even, lot), 15, rate=EVEN)
            show(f"the site, {EVEN} a second", stream)
            told |= box.acknowledged(steady)
            told |= looked_at(site, pot, [one for one in even if one.name in told][:LOOKED])
        beside = beside_plain(site, challenge, lot)
        show("a plain view", beside)
        figures |= box.published(pot, told)
    box.told_of(missed(figures))
    print(
        json.dumps(
            {
                **figures,
                "even_p99_ms": stream["p99_ms"],
                "plain_per_s": beside["ballots_per_s"],
                "plain_p99_ms": beside["p99_ms"],
                "plain_cpu_ms": beside["cpu_ms"],
            }
        )
    )


def missed(figures: Figures) -> list[str]:
    """Return which bars were missed."""
    kept = {
        f"{LEAST} ballots a second": figures["ballots_per_s"] >= LEAST,
        f"99 of 100 within {SLOWEST_MS} ms": figures["p99_ms"] <= SLOWEST_MS,
        "no error": not figures["errors"],
        "none lost": figures["acknowledged"] == figures["in_bundle"],
        "none twice": not figures["twice"],
    }
    return [name for name, is_kept in kept.items() if not is_kept]


def looked_at(site: box.Site, pot: Pot, people: Sequence[box.Browser]) -> dict[str, str]:
    """Let some look at the page with their receipt, and return what it showed them."""
    answers = site.load([one.receipt(pot) for one in people], seconds=60).wait()
    assert all(one.receipt for one in answers), "a page shows no receipt"
    return box.acknowledged(answers)


def votes(
    pot: Pot, people: Sequence[box.Browser], lot: random.Random, *, changed: bool = False
) -> list[tuple[str, bytes]]:
    """Return a vote of each; with ``changed`` now and then another of somebody who has voted."""
    projects = box.numbers(pot)
    plan = []
    for place, one in enumerate(people):
        plan.append(one.vote(pot, lot.sample(projects, 5)))
        if changed and place % CHANGED == CHANGED - 1 and place > 1000:
            plan.append(people[place - 1000].vote(pot, lot.sample(projects, 5)))
    return plan


def run(
    site: box.Site, plan: Sequence[tuple[str, bytes]], seconds: float, *, rate: float = 0
) -> tuple[list[Answer], Figures]:
    """Send the plan and return the answers with their figures."""
    web, database = site.cpu()
    begun = time.time()
    load = site.load(plan, seconds=seconds, rate=rate)
    answers = load.wait()
    after = site.cpu()
    good = [one for one in answers if one.status == 302]
    took = max(one.at + one.took for one in answers) - min(one.at for one in answers)
    fresh = len({one.voter for one in good})
    return answers, {
        "ballots_per_s": round(fresh / took, 1),
        "votes_per_s": round(len(good) / took, 1),
        "p50_ms": box.percentile(answers, 50),
        "p99_ms": box.percentile(answers, 99),
        "slowest_ms": box.percentile(answers, 100),
        "errors": len(answers) - len(good),
        "cpu_ms": round((after[0] - web) / len(answers) * 1000, 2),
        "database_cpu_ms": round((after[1] - database) / len(answers) * 1000, 2),
        "generator_cpu": round(load.cpu / (time.time() - begun), 3),
    }


def show(name: str, figures: Figures) -> None:
    """Print a line of figures."""
    print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in figures.items()), flush=True)


def beside_plain(site: box.Site, challenge: Any, lot: random.Random) -> Figures:
    """Measure the same flow in a plain view."""
    seconds = min(15, box.SECONDS)
    people = box.browsers(challenge, int(seconds * 2 * A_SECOND), backend=PLAIN_BACKEND)
    box.rows(PLAIN_TABLE)
    plan = [
        (one.name, one.post("/vote/", {"projects": lot.sample(range(40), 5), "do": "cast"}))
        for one in people
    ]
    with site.served(DJANGO_SETTINGS_MODULE="benchmarks.plain"):
        run(site, plan[:500], 10)
        return run(site, plan[500:], seconds)[1]


if __name__ == "__main__":
    main()
