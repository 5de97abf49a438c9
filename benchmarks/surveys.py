"""Read and answer a survey of 60 questions beside 50,000 responses: ``make bench BENCH=surveys``.

Three million answers of every kind in a database of their own, three sums of money among them with
1,800 different answers each. The pages of what was found are fetched through Django's own client with the whole
middleware, each right after a response came in, so that nothing is the same as before. Then responses
are sent, one at a time, and by eight at once. In the end the figures the site keeps are compared with
a recount of everything. CPU times are those of this process; the database has its own.
"""

from __future__ import annotations

import json
import statistics
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import cycle
from typing import TYPE_CHECKING

from benchmarks import ballot_box as box
from benchmarks import pages
from benchmarks.database import empty_database

if TYPE_CHECKING:
    from commonweal.listen.surveys.models import Survey

RESPONSES, QUESTIONS = 50_000, 60
KINDS = ("one", "scale", "several", "text", "one", "number", "scale", "place", "one", "text")
SUMS = 3  # so many of the questions for a number are answered by sums of money
REPEATS, SENT, HANDS = 15, 100, 8
MOST_QUERIES, MOST_MS, MOST_SEND_MS = 12, 15.0, 60.0
Figures = dict[str, float]
Send = Callable[[int], None]

_RESPONSES = """
INSERT INTO surveys_response (id, survey_id, envelope, channel, reference, sent_on, batch,
                              is_counted)
SELECT n, %(survey)s, sha256(n::text::bytea), 'online', upper(substr(md5(n::text), 1, 12)),
       date '2026-11-01' + n %% 20, '', false FROM generate_series(1, %(many)s) n
"""
_ANSWERS = """
INSERT INTO surveys_answer (id, response_id, item_id, options, number, words, spot, area_id, hidden_reason)
SELECT n * 1000::bigint + i.position, n, i.id,
       CASE i.kind WHEN 'one' THEN ARRAY[o.ids[1 + (random() * random() * o.many)::int %% o.many]]
                   WHEN 'several' THEN ARRAY[o.ids[1 + n %% 3], o.ids[4 + n %% 2]] ELSE '{}' END,
       CASE i.kind WHEN 'scale' THEN 1 + (random() * 4)::int
                   WHEN 'number' THEN CASE WHEN i.takes_fractions THEN (random() * 1800)::int / 2.0
                                           ELSE (random() * 90)::int END END,
       CASE i.kind WHEN 'text' THEN 'The bus should wait for the train in the evening.' ELSE '' END,
       CASE i.kind WHEN 'place' THEN 'LM1 ' || n %% 9 ELSE '' END,
       CASE i.kind WHEN 'place' THEN (%(areas)s::bigint[])[1 + n %% 12] END, ''
  FROM generate_series(1, %(many)s) n
 CROSS JOIN surveys_item i
  LEFT JOIN LATERAL (SELECT array_agg(id ORDER BY position) AS ids, count(*)::int AS many
                       FROM surveys_option WHERE item_id = i.id) o ON true
 WHERE i.survey_id = %(survey)s AND random() < 0.95
"""


def main() -> None:
    """Measure and print; the last line is one JSON object."""
    begun = time.monotonic()
    with empty_database():
        survey = a_survey()
        stored = answered(survey)
        print(f"{stored:,} answers are stored; {time.monotonic() - begun:.0f} s to set up.")
        print(f"This machine counts to a million in {pages._million():.0f} ms.", flush=True)
        send = sender(survey)
        figures = {"answers": float(stored), "fold_s": folded()}
        figures |= sent(send) | read(survey, send) | at_once(send)
        figures["differing"] = float(differing(survey))
    box.told_of(missed(figures))
    print(json.dumps(figures))


def missed(figures: Figures) -> list[str]:
    """Return which bars were missed."""
    shown = ("open", "public", "by")
    bars = {
        **{
            f"{MOST_QUERIES} queries of {name}": figures[f"{name}_queries"] <= MOST_QUERIES
            for name in shown
        },
        **{f"{MOST_MS} ms of {name}": figures[f"{name}_cpu_ms"] <= MOST_MS for name in shown},
        f"a response within {MOST_SEND_MS} ms": figures["send_ms"] <= MOST_SEND_MS,
        "exact": not figures["differing"],
    }
    return [name for name, is_kept in bars.items() if not is_kept]


# --- what there is


def a_survey() -> Survey:
    """Make a survey that is open, and everything that was answered to it."""
    from django.utils import timezone

    from commonweal.ground.places.models import Community
    from commonweal.listen.surveys.models import Item, Option, Survey

    challenge, at = box.a_challenge(), timezone.now()
    areas = [
        Community.objects.create(
            authority=challenge.authority, kind="ward", name=f"Ward {n}", slug=f"ward-{n}",
            parent=challenge.community, people_who_live_here=4_000 + n,
        )
        for n in range(12)
    ]  # fmt: skip
    survey = Survey.objects.create(
        authority=challenge.authority, community=challenge.community, title="Your bus",
        why="The timetable is made anew.", happens="We read it.", is_draft=False,
        opens_at=at - timedelta(20), closes_at=at + timedelta(9), created_at=at - timedelta(30),
        created_by=challenge.created_by,
    )  # fmt: skip
    sums = 0
    for n, kind in zip(range(QUESTIONS), cycle(KINDS), strict=False):
        ends = {"lowest": 1, "highest": 5} if kind == "scale" else {}
        spot = {"spot": "area"} if kind == "place" else {}
        is_fine = kind == "number" and sums < SUMS
        sums += is_fine
        item = Item.objects.create(
            survey=survey, position=n + 1, kind=kind, words=f"{n + 1}. What is it like?",
            takes_fractions=is_fine, **ends, **spot,
        )  # fmt: skip
        if item.has_options:
            Option.objects.bulk_create(
                Option(item=item, position=k, words=f"Choice {k}") for k in range(6)
            )
    box.rows("SET session_replication_role = replica")  # what refers to what is right as it is
    given = {"survey": survey.pk, "many": RESPONSES, "areas": [area.pk for area in areas]}
    box.rows(_RESPONSES, given)
    box.rows(_ANSWERS, given)
    box.rows("SET session_replication_role = origin")
    box.rows("VACUUM ANALYZE surveys_answer")
    box.rows("VACUUM ANALYZE surveys_response")
    return survey


def answered(survey: Survey) -> int:
    """Return how many answers there are."""
    from commonweal.listen.surveys.models import Answer

    return Answer.objects.filter(item__survey=survey).count()


def sender(survey: Survey) -> Send:
    """Return how to send one response, as a browser without an account sends its draft."""
    from django.utils import timezone

    from commonweal.ground.places.rules import everyone
    from commonweal.listen.surveys import actions, queries
    from commonweal.listen.surveys.models import Draft
    from commonweal.listen.surveys.queries import Holder
    from commonweal.listen.surveys.rules import Typed

    said = {"scale": Typed(("4",)), "number": Typed(("30",)), "text": Typed(("Later buses.",))}
    typed = {}
    for item in queries.items_of(survey):
        options = [str(option.pk) for option in item.options.all()]
        one = said.get(item.kind) or Typed(tuple(options[: 1 + (item.kind == "several")]))
        typed[str(item.pk)] = (one if item.kind != "place" else Typed(("elsewhere",))).as_kept()
    viewer = everyone(survey.authority, timezone.now())

    def send(number: int) -> None:
        holder = Holder(None, f"{number:032x}")
        Draft.objects.create(
            survey=survey, digest=holder.key["digest"], given=typed, saved_at=viewer.at
        )
        begun = time.perf_counter(), time.thread_time()
        actions.send_response(viewer=viewer, survey_id=survey.pk, holder=holder)
        TIMES.append((time.perf_counter() - begun[0], time.thread_time() - begun[1]))

    return send


TIMES: list[tuple[float, float]] = []


# --- what is measured


def folded() -> float:
    """Let the site's own job draw up what has come in so far; return how many seconds it took."""
    from commonweal.listen.surveys import actions

    begun = time.perf_counter()
    actions.fold_tallies()
    seconds = round(time.perf_counter() - begun, 2)
    print(f"drawing up the figures took {seconds} s")
    return seconds


def sent(send: Send) -> Figures:
    """Send responses one after the other."""
    TIMES.clear()
    for n in range(SENT):
        send(n)
    wall, cpu = (statistics.median(one) * 1000 for one in zip(*TIMES, strict=True))
    print(f"a response is sent in {wall:.1f} ms, {cpu:.1f} ms of them CPU of this process")
    return {"send_ms": round(wall, 2), "send_cpu_ms": round(cpu, 2)}


def at_once(send: Send) -> Figures:
    """Send responses by many at once, and tell how long the slowest waited."""
    from django.db import connections

    TIMES.clear()
    turns, gate = iter(range(10_000, 10_000 + 3 * SENT)), threading.Lock()

    def work(_hand: int) -> None:
        try:
            while True:
                with gate:
                    number = next(turns, None)
                if number is None:
                    return
                send(number)
        finally:
            connections.close_all()

    begun = time.perf_counter()
    with ThreadPoolExecutor(HANDS) as pool:
        list(pool.map(work, range(HANDS)))
    seconds = time.perf_counter() - begun
    waits = sorted(wall for wall, _cpu in TIMES)
    figures = {
        "at_once_per_s": round(len(waits) / seconds, 1),
        "at_once_p99_ms": round(waits[int(len(waits) * 0.99)] * 1000, 1),
    }
    print(
        f"{HANDS} at once: {figures['at_once_per_s']} a second, {figures['at_once_p99_ms']} ms for 99 of 100"
    )
    return figures


def read(survey: Survey, send: Send) -> Figures:
    """Fetch the pages of what was found: to staff while it is open, and to everybody after that."""
    from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    from commonweal.ground.places.models import Role
    from commonweal.listen.surveys import queries
    from commonweal.listen.surveys.models import Survey

    clerk = survey.created_by
    Role.objects.create(
        person=clerk, community=survey.community, kind="clerk", granted_at=survey.created_at
    )
    staff, guest = Client(), Client()
    staff.force_login(clerk)
    session = staff.session
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [
        {"method": "code", "at": 0, "email": clerk.email},
        {"method": "mfa", "at": 9_999_999_999, "type": "totp"},
    ]
    session["account_authentication_methods_user"] = str(clerk.pk)
    session.save()
    numbers = iter(range(20_000, 30_000))
    figures: Figures = {}

    def fetch(name: str, client: Client, address: str, *, comes: bool) -> None:
        seen: list[tuple[float, float, int]] = []
        for _n in range(REPEATS):
            if comes:
                send(next(numbers))
            with CaptureQueriesContext(connection) as asked:
                begun = time.perf_counter(), time.process_time()
                answer = client.get(address)
                spent = time.perf_counter() - begun[0], time.process_time() - begun[1]
            assert answer.status_code == 200, (address, answer.status_code)
            statements = [q for q in asked if not q["sql"].startswith(pages.CONTROL)]
            seen.append((*spent, len(statements)))
        wall, cpu, many = (statistics.median(one) for one in zip(*seen, strict=True))
        figures.update(
            {
                f"{name}_ms": round(wall * 1000, 1),
                f"{name}_cpu_ms": round(cpu * 1000, 1),
                f"{name}_queries": many,
            }
        )
        print(
            f"{name:8}{many:>4.0f} queries{cpu * 1000:>8.1f} ms CPU{wall * 1000:>8.1f} ms in all",
            flush=True,
        )

    address = f"/surveys/{survey.pk}/results/"
    fetch("open", staff, address, comes=True)
    items = queries.items_of(survey)
    row, column = items[0].pk, items[4].pk
    at = survey.closes_at
    past = survey.opens_at + timedelta(1)
    Survey.objects.filter(pk=survey.pk).update(
        closes_at=past, results_at=survey.opens_at + timedelta(2), results_by=clerk,
        result=queries.tally(survey, items),
    )  # fmt: skip
    fetch("public", guest, address, comes=False)
    fetch("by", guest, f"{address}by/?row={row}&column={column}", comes=False)
    Survey.objects.filter(pk=survey.pk).update(
        closes_at=at, results_at=None, results_by=None, result=None
    )
    return figures


def differing(survey: Survey) -> int:
    """Return in how many figures what the site keeps differs from a recount of all answers."""
    from commonweal.listen.surveys import queries

    items = queries.items_of(survey)
    kept = queries.tally(survey, items)
    recount = queries.recount(survey, items)
    return sum(kept["items"][pk] != told for pk, told in recount["items"].items()) + (
        kept["channels"] != recount["channels"]
    )


if __name__ == "__main__":
    main()
