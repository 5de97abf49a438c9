"""Many at once, through the real server: ``make bench BENCH=race``.

*The same vote*: sixteen hands send one person's vote four times each, for many persons one after the
other; then for voting codes. *Two choices*: the same with two different ballots at once. *The second
of closing*: everybody votes while the pot's time runs out and it is counted at once; each vote is
counted or refused. Each is then done again without the guard that it rests on (see
``benchmarks.unguarded``), and has to see the fault.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from benchmarks import ballot_box as box
from benchmarks.ballots import show, votes

if TYPE_CHECKING:
    from commonweal.decide.budgets.models import Pot
    from commonweal.ground.challenges.models import Challenge

HANDS, COPIES = 16, 4
WORKERS, THREADS = 2, 8  # as many at once as there are hands
VOTERS = 40
SOON, AFTER = 3.0, 2.0  # seconds of voting before and after the pot closes
UNGUARDED = "benchmarks.unguarded:application"
Figures = dict[str, int]


def main() -> None:
    """Measure and print; the last line is one JSON object."""
    with box.site() as site:
        challenge = box.a_challenge()
        with site.served(workers=WORKERS, threads=THREADS):
            same = sent_often(site, challenge)
            show("the same vote, persons", same)
            two = sent_often(site, challenge, choices=2)
            show("two choices, persons", two)
            closing = at_the_close(site, challenge)
            show("the second of closing", closing)
        faults = without_guards(site, challenge)
    told = (same, two, closing)
    print(
        json.dumps(
            {
                name: sum(part.get(name, 0) for part in told)
                for name in (
                    "posts",
                    "errors",
                    "acknowledged",
                    "in_bundle",
                    "twice",
                    "mixed",
                    "refused",
                    "late",
                )
            }
            | faults
        )
    )


def sent_often(site: box.Site, challenge: Challenge, *, choices: int = 1) -> Figures:
    """Send each voter's ballot from sixteen hands, four times each; return what came of it."""
    pot, lot = box.a_pot(challenge), random.Random(4)
    projects = box.numbers(pot)
    plan, allowed = [], {}
    for one in box.browsers(challenge, VOTERS):
        mine = [sorted(lot.sample(projects, 5)) for _ in range(choices)]
        allowed[one.person] = mine
        ready = [one.vote(pot, choice) for choice in mine]
        plan += [ready[n % choices] for n in range(HANDS * COPIES)]
    answers = site.load(plan, seconds=120, hands=HANDS).wait()
    found = ballots_under(pot, list(allowed))
    mixed = sum(
        sorted(chosen) not in allowed[voter] for voter, each in found.items() for chosen in each
    )
    return {
        "posts": len(answers),
        "errors": sum(one.status != 302 for one in answers),
        "mixed": mixed,
        **box.published(pot, box.acknowledged(answers)),
    }


def ballots_under(pot: Pot, people: list[int]) -> dict[int, list[list[int]]]:
    """Return what lies in the box under each person's envelope."""
    from commonweal.decide.ballots.models import Ballot

    names = {pot.seal(f"person:{number}"): number for number in people}
    found: dict[int, list[list[int]]] = {number: [] for number in people}
    for envelope, chosen in Ballot.objects.filter(pot=pot).values_list("envelope", "projects"):
        found[names[bytes(envelope)]].append(chosen)
    return found


def at_the_close(site: box.Site, challenge: Challenge) -> Figures:
    """Let everybody vote while the pot closes and is counted; each is counted or refused."""
    from commonweal.kit.clock import database_now

    people = box.browsers(challenge, int((SOON + AFTER) * 500))
    pot = box.a_pot(challenge, closes_at=database_now() + timedelta(seconds=SOON))
    load = site.load(votes(pot, people, random.Random(4)), seconds=SOON + AFTER, hands=HANDS)
    while database_now() < pot.closes_at:
        time.sleep(0.001)
    box.count(pot)
    answers = load.wait()
    told = box.acknowledged(answers)
    statuses = Counter(one.status for one in answers)
    return {
        "posts": len(answers),
        "errors": sum(statuses.values()) - statuses[302] - statuses[409],
        "refused": statuses[409],
        "late": sum(one.status == 302 and one.at > pot.closes_at.timestamp() for one in answers),
        **box.looked_up(pot, told),
    }


def without_guards(site: box.Site, challenge: Challenge) -> dict[str, Any]:
    """Do the races again without their guards; return what went wrong then."""
    unique = "envelope_holds_one_ballot", "person_votes_once"
    with site.served(UNGUARDED, workers=WORKERS, threads=THREADS, BENCH_WITHOUT="lock"):
        lock = at_the_close(site, challenge)
    with site.served(UNGUARDED, workers=WORKERS, threads=THREADS, BENCH_WITHOUT="closing"):
        closing = at_the_close(site, challenge)
    for name, table in zip(unique, ("ballots_ballot", "ballots_roll"), strict=True):
        box.rows(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    with site.served(UNGUARDED, workers=WORKERS, threads=THREADS, BENCH_WITHOUT="unique"):
        twice = sent_often(site, challenge)
    for name, figures in (("lock", lock), ("closing", closing), ("unique", twice)):
        show(f"without {name}", figures)
    return {
        "twice_without_unique": twice["twice"],
        "lost_without_lock": lock["acknowledged"] - lock["in_bundle"],
        "late_without_closing": closing["late"],
        "errors_without_closing": closing["errors"],
    }


if __name__ == "__main__":
    main()
