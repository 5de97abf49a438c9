"""Refresh the map of a conversation that lies in a database: ``make bench BENCH=refresh``.

A hundred thousand people and five hundred statements, 3.3 million votes in PostgreSQL. Measured is
what a worker does: the first map, from all votes; then, again and again, the map after a thousand new
votes, of which a part are by people who were not there before, with all that is written for the pages;
the same by a worker that has just begun and knows nothing; a whole map of a million votes; and the
pages. CPU is that of the worker's process, and beside it that of the database. The last line is one
JSON object. ``BENCH_PEOPLE`` (100000).
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.database import empty_database

if TYPE_CHECKING:
    from commonweal.listen.conversations.models import Conversation

PEOPLE = int(os.environ.get("BENCH_PEOPLE", "100000"))
STATEMENTS, ANSWERED, NEW = 500, 0.066, 1_000
MOST_SECONDS, MOST_MS, MOST_QUERIES = 0.3, 15, 12  # the bars
REFRESHES, FETCHES = 7, 30
Figures = dict[str, Any]

PARTICIPANTS = """
INSERT INTO conversations_participant (conversation_id, holder, standing, joined_at)
SELECT %s, sha256((%s || ':' || n)::bytea), '', now() - interval '2 days' FROM generate_series(1, %s) n
RETURNING id"""
SHOWINGS = """
INSERT INTO voices_showing (conversation_id, participant_id, statement_id, policy, out_of,
       chance_millionths, shown_at, value, voted_at)
SELECT %s, participant, statement, 'mixture', 500, 1000 + (participant %% 7) * 500,
       %s, value, %s FROM bench_votes"""


def main() -> None:
    """Measure and print; the last line is one JSON object."""
    with place():
        figures = {**large(), **million()}
    print(json.dumps(figures))


@contextmanager
def place() -> Iterator[None]:
    """Run a database of our own with one authority in it."""
    with empty_database():
        from tests.factories import world

        world.an_authority(name="Larkmere", short_name="Larkmere", slug="larkmere")
        yield


def large() -> Figures:
    """Refresh the large conversation, warm and cold, and fetch its pages."""
    from commonweal.listen.maps import actions
    from commonweal.listen.maps.models import Map

    talk, people, statements, made = a_talk(PEOPLE)
    at = talk.opens_at + timedelta(days=3)
    store(talk, people, statements, *made, moment=at - timedelta(hours=1))
    first = spent(lambda: actions.refresh_map(conversation_id=talk.pk, at=at))
    drawn = Map.objects.get(conversation=talk)
    print(f"{drawn.votes:,} votes of {drawn.people:,} people: {told(first)}; {drawn.groups} groups")
    rng = np.random.default_rng(9)
    warm = []
    for n in range(REFRESHES):
        at = later(talk, people, statements, rng, at)
        warm.append(spent(lambda at=at: actions.refresh_map(conversation_id=talk.pk, at=at)))  # type: ignore[misc]
        print(f"  after {NEW:,} new votes, {n + 1}: {told(warm[-1])}", flush=True)
    at = later(talk, people, statements, rng, at)
    actions.forget_kept()
    cold = spent(lambda: actions.refresh_map(conversation_id=talk.pk, at=at))
    print(f"  by a worker that has just begun: {told(cold)}")
    middle = statistics.median(cpu for cpu, _database, _wall in warm[1:])
    within = "within" if middle <= MOST_SECONDS else "OVER"
    print(f"Refresh: {middle:.2f} s of CPU in the median, {within} {MOST_SECONDS} s")
    return {"first": first, "refresh": middle, "warm": warm, "cold": cold, "pages": pages(talk)}


def million() -> Figures:
    """Work out the whole map of a million votes."""
    from commonweal.listen.maps import actions

    talk, people, statements, made = a_talk(PEOPLE * 3 // 10)
    at = talk.opens_at + timedelta(days=3)
    store(talk, people, statements, *made, moment=at - timedelta(hours=1))
    whole = spent(lambda: actions.refresh_map(conversation_id=talk.pk, at=at))
    print(f"A whole map of {len(made[0]):,} votes: {told(whole)}")
    return {"million": whole}


# --- a conversation


def a_talk(people: int) -> tuple[Conversation, Any, Any, tuple[Any, Any, Any]]:
    """Make a conversation with so many people, not stored yet what they say."""
    from django.db import connection

    from commonweal.engine.opinion import simulate
    from commonweal.ground.places.models import Authority
    from commonweal.listen.conversations.models import Statement
    from tests.factories import listen

    talk = listen.a_conversation(Authority.objects.get())
    Statement.objects.bulk_create(
        Statement(
            conversation=talk, number=n, text=f"Thing {n} should come first.", state="shown",
            added_at=talk.opens_at, decided_at=talk.opens_at,
        )
        for n in range(1, STATEMENTS + 1)
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(PARTICIPANTS, [talk.pk, talk.pk, people + 10 * NEW])
        who = np.array([row[0] for row in cursor.fetchall()])
    made = simulate(
        np.random.default_rng(1), people=people, statements=STATEMENTS, groups=4, answered=ANSWERED
    )
    numbers = np.array(talk.statements.order_by("number").values_list("pk", flat=True))
    return talk, who, numbers, (made.person, made.statement, made.value)


def store(
    talk: Conversation,
    people: Any,
    statements: Any,
    who: Any,
    what: Any,
    value: Any,
    *,
    moment: datetime,
) -> None:
    """Store votes by COPY, as if they had been cast at a moment."""
    from django.db import connection

    lines = zip(people[who].tolist(), statements[what].tolist(), value.tolist(), strict=True)
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # so many keys need no check
        cursor.execute(
            "CREATE TEMPORARY TABLE bench_votes (participant bigint, statement bigint, value smallint)"
        )
        with cursor.copy("COPY bench_votes FROM STDIN") as copy:
            copy.write(StringIO("".join(f"{i}\t{j}\t{v}\n" for i, j, v in lines)).read())
        cursor.execute(
            f"{SHOWINGS} ON CONFLICT (participant_id, statement_id) DO UPDATE"
            " SET value = excluded.value, voted_at = excluded.voted_at",
            [talk.pk, moment, moment],
        )
        cursor.execute("DROP TABLE bench_votes")
        cursor.execute("SET session_replication_role = DEFAULT")
        cursor.execute("ANALYZE voices_showing")


def later(
    talk: Conversation, people: Any, statements: Any, rng: np.random.Generator, at: datetime
) -> datetime:
    """Let people cast a thousand votes more, some of them for the first time; return a while later."""
    size = len(people)
    known = rng.integers(0, size - 10 * NEW, NEW * 7 // 10)
    fresh = rng.integers(size - 10 * NEW, size, NEW - len(known))
    who = np.concatenate((known, fresh))
    pairs = np.unique(np.column_stack((who, rng.integers(0, STATEMENTS, NEW))), axis=0)
    value = rng.choice([-1, 0, 1], len(pairs), p=[0.4, 0.1, 0.5])
    store(
        talk, people, statements, pairs[:, 0], pairs[:, 1], value, moment=at + timedelta(minutes=1)
    )
    return at + timedelta(minutes=30)


# --- measuring


def spent(work: Callable[[], Any]) -> tuple[float, float, float]:
    """Return the CPU seconds of this process and of its database's, and those by the clock."""
    before, began, mine = database(), time.perf_counter(), time.process_time()
    assert work()
    return (
        round(time.process_time() - mine, 3),
        round(database() - before, 3),
        round(time.perf_counter() - began, 3),
    )


def told(figures: tuple[float, float, float]) -> str:
    """Say three figures."""
    cpu, stored, wall = figures
    return f"{cpu:.2f} s of CPU, {stored:.2f} s of the database, {wall:.2f} s by the clock"


def database() -> float:
    """Return the CPU seconds that this connection's database process has used."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        (number,) = cursor.fetchone()
    with suppress(OSError):
        fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return 0.0


def pages(talk: Conversation) -> Figures:
    """Fetch each page of the map, by somebody who took part."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from commonweal.ground.people.models import Person
    from tests.factories import listen
    from tests.visit import sign_in

    person = Person.objects.order_by("pk").first()
    assert person is not None
    me = listen.a_participant(talk, person)
    for statement in talk.statements.order_by("number")[:20]:
        listen.a_vote(me, statement, 1)
    client = sign_in(Client(), person)
    found: Figures = {}
    for name, address in (
        ("map", "map/"), ("map of a group", "map/?group=b"), ("statements", "map/statements/"),
        ("people", "map/people/"), ("one statement", "statements/3/"), ("conversation", ""),
    ):  # fmt: skip
        where = f"/listen/{talk.pk}/{address}"
        times = []
        for _ in range(FETCHES):
            began = time.process_time()
            answer = client.get(where)
            times.append(1000 * (time.process_time() - began))
            assert answer.status_code == 200, where
        with CaptureQueriesContext(connection) as asked:
            client.get(where)
        queries = sum(
            not q["sql"].startswith(("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")) for q in asked
        )
        found[name] = [
            queries,
            round(statistics.median(times[4:]), 1),
            round(len(answer.content) / 1000),
        ]
        over = queries > MOST_QUERIES or found[name][1] > MOST_MS
        print(
            f"  {name}: {queries} queries, {found[name][1]} ms, {found[name][2]} kB{' OVER' if over else ''}"
        )
    return found


if __name__ == "__main__":
    main()
