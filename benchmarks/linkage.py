"""Try to tell from a copy of everything how each person voted: ``make bench BENCH=linkage``.

Two thousand people vote through the real server, each in a way of their own. ``benchmarks.attacker``
then gets every table and every file of the database and does what it can: while the pot is open, after
a count that destroys the key and does nothing else, and after the real one. The first two show that the
attack works; after the count it must do no better than chance.
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
CHOSEN = 6  # of forty projects: enough ways for everybody to have one of their own
Truth = dict[int, attacker.Ballot]
Moments = dict[int, float]


def main() -> None:
    """Measure and print; the last line is one JSON object."""
    with box.site() as site:
        challenge = box.a_challenge()
        pot, truth = voted(site, challenge)
        before = attacked(site, pot, truth, "while the pot is open")
        box.close_now(pot)
        box.count(pot)
        after = attacked(site, pot, truth, "counted")
        unswept = without_sweep(site, challenge)
        unparted = without_parting(site, challenge)
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
            }
        )
    )


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
    assert len(box.acknowledged(answers)) == VOTERS
    return pot, truth


def attacked(site: box.Site, pot: Pot, truth: Truth, when: str) -> attacker.Found:
    """Copy everything, and tell what the attacker makes of it."""
    from django.conf import settings
    from django.db import connection

    with connection.cursor() as cursor:
        copy = attacker.copied(cursor, site.database.data, [settings.SECRET_KEY.encode()])
    found = attacker.attack(copy, pot.pk, truth, np.random.default_rng(4))
    print(f"{when}: {found}", flush=True)
    return found


if __name__ == "__main__":
    main()
