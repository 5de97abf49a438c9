"""Kill the web server's workers, then the database, while people vote: ``make bench BENCH=crash``.

Three rounds (``BENCH_ROUNDS``), each under the load of ``BENCH=ballots``: ``kill -9`` to both workers,
a few seconds later to the database and all its processes; it is started again by hand, as systemd
would. Whoever gets no answer sends the same vote again. In the end everybody who was told that their
ballot is in has it in the count once, and nobody twice. Then the same with the guard taken out: a
database that does not wait for the disk (``synchronous_commit = off``) loses ballots it confirmed.
"""

from __future__ import annotations

import json
import os
import random
import time
from typing import TYPE_CHECKING

from benchmarks import ballot_box as box
from benchmarks.ballots import show, votes
from benchmarks.load import Answer

if TYPE_CHECKING:
    from commonweal.ground.challenges.models import Challenge

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "3"))
BEFORE, BETWEEN, AFTER = 4.0, 4.0, 6.0  # seconds of voting around the two blows
A_SECOND = 400


def main() -> None:
    """Measure and print; the last line is one JSON object."""
    with box.site() as site:
        challenge = box.a_challenge()
        figures = crash(site, challenge, rounds=ROUNDS)
        show("durable", figures)
        box.rows("ALTER DATABASE commonweal SET synchronous_commit = off")
        careless = crash(site, challenge, rounds=1)
        show("without waiting for the disk", careless)
    lost = careless["acknowledged"] - careless["in_bundle"]
    wrong = {
        "some lost": figures["acknowledged"] != figures["in_bundle"],
        "some twice": figures["twice"],
        "nothing lost without the guard": not lost,
    }
    box.told_of([name for name, is_wrong in wrong.items() if is_wrong])
    print(json.dumps({**figures, "lost_without_guard": lost}))


def crash(site: box.Site, challenge: Challenge, *, rounds: int) -> dict[str, float]:
    """Vote through the blows, then count; return the figures."""
    lot = random.Random(4)
    seconds = BEFORE + BETWEEN + AFTER
    pot = box.a_pot(challenge)
    plan = votes(pot, box.browsers(challenge, int(rounds * seconds * A_SECOND)), lot)
    answers: list[Answer] = []
    kills, down = 0, 0.0
    with site.served():
        for turn in range(rounds):
            load = site.load(plan[turn::rounds], seconds=seconds)
            time.sleep(BEFORE)
            kills += site.kill_workers()
            time.sleep(BETWEEN)
            kills += site.kill_database()
            begun = time.monotonic()
            site.database.start()
            down = max(down, time.monotonic() - begun)
            here = load.wait()
            answers += here
            show(f"round {turn + 1}", tally(here))
    box.reconnect()
    told = box.acknowledged(answers)
    return {
        **tally(answers, seconds * rounds),
        **box.published(pot, told),
        "kills": kills,
        "database_back_s": round(down, 2),
    }


def tally(answers: list[Answer], seconds: float = BEFORE + BETWEEN + AFTER) -> dict[str, float]:
    """Return how many votes were answered, and how many met a site that was down."""
    return {
        "ballots_per_s": round(len(box.acknowledged(answers)) / seconds, 1),
        "p99_ms": box.percentile(answers, 99),
        "errors": sum(one.status >= 500 for one in answers),
        "no_answer": sum(one.status == 0 for one in answers),
    }


if __name__ == "__main__":
    main()
