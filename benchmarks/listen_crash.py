"""Kill the web server's workers, then the database, while people answer: ``make bench BENCH=listen_crash``.

As ``BENCH=crash`` for ballots: two rounds (``BENCH_ROUNDS``) of ``kill -9`` to both workers and, some
seconds later, to the database and all its processes. Whoever gets no answer sends the same again. In
the end every answer that was acknowledged is there once. Then the same with the guard taken out: a
database that does not wait for the disk (``synchronous_commit = off``) loses what it confirmed.
"""

from __future__ import annotations

import json
import os
import time
from typing import TYPE_CHECKING

from benchmarks import ballot_box as box
from benchmarks.ballots import show
from benchmarks.crash import A_SECOND, AFTER, BEFORE, BETWEEN
from benchmarks.listen import Turn, a_conversation, acknowledged, answered, kept, people
from benchmarks.load import Answer

if TYPE_CHECKING:
    from commonweal.listen.conversations.models import Conversation

ROUNDS = int(os.environ.get("BENCH_ROUNDS", "2"))
SECONDS = BEFORE + BETWEEN + AFTER


def main() -> None:
    """Measure and print; the last line is one JSON object."""
    with box.site() as site:
        conversation = a_conversation()
        many = int((ROUNDS + 1) * SECONDS * A_SECOND)
        turns = list(people(conversation, many, stored=many * 3))
        last = len(turns) * ROUNDS // (ROUNDS + 1)
        figures = crash(site, conversation, turns[:last], rounds=ROUNDS)
        show("durable", figures)
        box.rows("ALTER DATABASE commonweal SET synchronous_commit = off")
        careless = crash(site, conversation, turns[last:], rounds=1)
        show("without waiting for the disk", careless)
    lost = careless["acknowledged"] - careless["kept"]
    wrong = {
        "some lost": figures["acknowledged"] != figures["kept"],
        "some twice": figures["twice"] > 0,
        "nothing lost without the guard": not lost,
    }
    box.told_of([name for name, is_wrong in wrong.items() if is_wrong])
    print(json.dumps({**figures, "lost_without_guard": lost}))


def crash(
    site: box.Site, conversation: Conversation, turns: list[Turn], *, rounds: int
) -> dict[str, float]:
    """Answer through the blows, then look everything up; return the figures."""
    before = answered(conversation)
    answers: list[Answer] = []
    kills, down = 0, 0.0
    with site.served():
        for turn in range(rounds):
            plan = [(one.name, one.request) for one in turns[turn::rounds]]
            load = site.load(plan, seconds=SECONDS)
            time.sleep(BEFORE)
            kills += site.kill_workers()
            time.sleep(BETWEEN)
            kills += site.kill_database()
            begun = time.monotonic()
            site.database.start()
            down = max(down, time.monotonic() - begun)
            answers += load.wait()
    box.reconnect()
    told = acknowledged(answers, turns)
    figures = kept(conversation, told, before=before)
    # What was kept before its answer was lost on the way is no second answer, and nobody was told of it.
    unheard = {one.voter for one in answers} - {one.name for one in told}
    figures["twice"] = max(0, figures["twice"] - len(unheard))
    return {
        "answers_per_s": round(len(told) / (rounds * SECONDS), 1),
        "p99_ms": box.percentile(answers, 99),
        "errors": sum(one.status >= 500 for one in answers),
        "no_answer": sum(one.status == 0 for one in answers),
        **figures,
        "kills": kills,
        "database_back_s": round(down, 2),
    }


if __name__ == "__main__":
    main()
