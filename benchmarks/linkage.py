"""Try to tell from a copy of everything how each person voted: ``make bench BENCH=linkage``.

Two thousand people vote through the real server, each in a way of their own. ``benchmarks.attacker``
then gets every table, every file of the database and every log, and does what it can. After the count it
must do no better than chance. That it can find people is shown while the pot is open, after a count that
leaves out the sweep or the parting, and with leaks that are planted into the counted pot: a time on both
sides, an order of rows, a hash, a line in a log.
"""

from __future__ import annotations

import json
import os
import random
from typing import TYPE_CHECKING

import numpy as np

from benchmarks import attacker
from benchmarks import ballot_box as box

if TYPE_CHECKING:
    from commonweal.decide.budgets.models import Pot
    from commonweal.ground.challenges.models import Challenge

VOTERS = int(os.environ.get("BENCH_VOTERS", "2000"))
FOUND = 0.5  # what an attack that works gains at least
CHOSEN = 6  # of forty projects: enough ways for everybody to have one of their own
Truth = dict[int, attacker.Ballot]


def main() -> None:
    """Measure and print; the last line is one JSON object."""
    with box.site() as site:
        challenge = box.a_challenge()
        pot, truth = voted(site, challenge)
        before = attacked(site, pot, truth, "while the pot is open")
        box.close_now(pot)
        box.count(pot)
        after = attacked(site, pot, truth, "counted")
        planted = with_leaks(site, pot, truth)
        unswept = without_sweep(site, challenge)
        unparted = without_parting(site, challenge)
    shown = {"before the count": before, "unswept": unswept, "unparted": unparted, **planted}
    missed = [f"{name} saw nothing" for name, found in shown.items() if found.least < FOUND]
    box.told_of([*missed, *(["better than chance"] if after.least > 0 else [])])
    print(
        json.dumps(
            {
                "advantage_over_chance": after.advantage,
                "interval": [after.least, after.most],
                "named_right": after.named_right,
                "of": VOTERS // 2,
                "strongest_rank_correlation": after.rank_correlation,
                "tricks": after.tricks,
                "advantage_before_the_count": before.advantage,
                "advantage_without_sweep": unswept.advantage,
                "advantage_without_parting": unparted.advantage,
                "advantage_with_leak": {name: each.advantage for name, each in planted.items()},
            }
        )
    )


# Leaks, each planted beside a counted pot, as a program would that does not care. What is written in
# no order can be found by its values alone; the one that is an order comes last, as the log keeps it.
PAIRS = """FROM unnest(%(people)s::bigint[], %(ballots)s::bigint[]) AS pair (person, ballot)
  JOIN ballots_ballot ON id = ballot"""
LEAKS = {
    "a time on both": (
        "CREATE TABLE leak AS SELECT person, projects,"
        f" now() - random() * interval '9 days' AS moment {PAIRS}",
        "CREATE TABLE leak_who AS SELECT person, moment FROM leak ORDER BY random()",
        "CREATE TABLE leak_what AS SELECT projects, moment + random() * interval '2 seconds' AS moment"
        " FROM leak ORDER BY random()",
        "DROP TABLE leak",
    ),
    "a hash": (
        "CREATE TABLE leak_what AS SELECT projects, sha256(person::text::bytea) AS digest"
        f" {PAIRS} ORDER BY random()",
    ),
    "an order of rows": (f"CREATE TABLE leak_what AS SELECT projects {PAIRS} ORDER BY person",),
}


def with_leaks(site: box.Site, pot: Pot, truth: Truth) -> dict[str, attacker.Found]:
    """Plant a leak of each sort beside a pot that is counted; return what the attacker makes of it."""
    from commonweal.decide.ballots.models import Ballot

    log = site.home / "leak.log"
    log.write_text("".join(f"{one} {list(way)}\n" for one, way in truth.items()))
    found = {"a line in a log": attacked(site, pot, truth, "counted, with a line in a log")}
    log.unlink()
    listed = Ballot.objects.filter(pot=pot).values_list("projects", "id")
    number = {tuple(sorted(chosen)): ballot for chosen, ballot in listed}
    pairs = {"people": list(truth), "ballots": [number[way] for way in truth.values()]}
    for name, statements in LEAKS.items():
        for statement in statements:
            box.rows(statement, pairs if PAIRS in statement else ())
        found[name] = attacked(site, pot, truth, f"counted, with {name}")
        box.rows("DROP TABLE IF EXISTS leak_who, leak_what")
    return found


def without_sweep(site: box.Site, challenge: Challenge) -> attacker.Found:
    """Count, and leave in the files what is deleted."""
    from commonweal.decide.counts import actions

    pot, truth = voted(site, challenge)
    box.close_now(pot)
    sweep, actions.sweep_ballots = actions.sweep_ballots, lambda at: False
    box.count(pot)
    actions.sweep_ballots = sweep
    return attacked(site, pot, truth, "counted, but not swept")


def without_parting(site: box.Site, challenge: Challenge) -> attacker.Found:
    """Destroy the key, and leave ballots and roll as they came."""
    from commonweal.kit.traces import wipe

    pot, truth = voted(site, challenge)
    box.rows("UPDATE budgets_pot SET key = NULL WHERE id = %s", [pot.pk])
    wipe(["ballots_ballot", "ballots_roll", "budgets_pot"])
    return attacked(site, pot, truth, "key destroyed, but nothing parted")


def voted(site: box.Site, challenge: Challenge) -> tuple[Pot, Truth]:
    """Let people vote through the site, and remember what each chose."""
    lot = random.Random(4)
    pot = box.a_pot(challenge)
    projects = box.numbers(pot)
    ways: set[attacker.Ballot] = set()
    while len(ways) < VOTERS:
        ways.add(tuple(sorted(lot.sample(projects, CHOSEN))))
    people = box.browsers(challenge, VOTERS)
    order = sorted(ways)
    lot.shuffle(order)
    truth = {one.person: way for one, way in zip(people, order, strict=True)}
    with site.served():
        answers = site.load(
            [one.vote(pot, truth[one.person]) for one in people], seconds=300
        ).wait()
    assert len(box.acknowledged(answers)) == VOTERS, "not everybody could vote"
    return pot, truth


def attacked(site: box.Site, pot: Pot, truth: Truth, when: str) -> attacker.Found:
    """Copy everything, and tell what the attacker makes of it."""
    from django.conf import settings
    from django.db import connection

    with connection.cursor() as cursor:
        secrets = [settings.SECRET_KEY.encode()]
        copy = attacker.copied(cursor, site.database.data, secrets, logs=site.logs())
    found = attacker.attack(copy, pot.pk, truth, np.random.default_rng(4))
    print(f"{when}: {found}", flush=True)
    return found


if __name__ == "__main__":
    main()
