"""Answer statements as fast as the site takes it, beside a million answers: ``make bench BENCH=listen``.

A conversation of 200 statements, 20,000 people and a million answers, and a map that was worked out
from them. Then people answer the statement before them, for a minute: half with an account, half by
the mark of a browser, and one in twenty new. Each answer is kept, the next statement drawn for that
person by what they said so far, that it was shown is kept too, and the card comes back, as htmx asks
for it. Beside it an even stream of 200 a second, timed from the moment each was due. In the end every
answer that was acknowledged is looked up. ``BENCH_SECONDS`` (60), ``BENCH_HANDS`` (16 send at once).
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain, islice, zip_longest
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from benchmarks import ballot_box as box
from benchmarks.ballots import show
from benchmarks.load import Answer

if TYPE_CHECKING:
    from commonweal.listen.conversations.models import Conversation

STATEMENTS, STORED = 200, 1_000_000
EACH = 49  # answers of each who took part before, and one statement that waits
NEW = 20  # one in so many takes part for the first time
A_SECOND = 450  # answers a second for which there are enough people
LEAST, SLOWEST_MS, MOST_CPU_MS = 200, 250, 5.0
EVEN = 200
WORDS = {1: "agree", -1: "disagree", 0: "pass"}
Figures = dict[str, float]


@dataclass(frozen=True)
class Turn:
    """What somebody answers to which statement, and the request that says so.

    ``who`` is the number of the participant, or nothing where they are new.
    """

    who: int | None
    statement: int
    value: int
    request: bytes
    person: int | None = None
    mark: str = ""

    @property
    def name(self) -> str:
        """Return under what the load writes down the answer."""
        return f"{self.who}:{self.person}:{self.mark}:{self.statement}:{self.value}"


def main() -> None:
    """Measure and print; the last line is one JSON object."""
    with box.site() as site:
        conversation = a_conversation()
        many = int((box.SECONDS + 25) * A_SECOND)
        begun = time.monotonic()
        turns = list(people(conversation, many, stored=STORED))
        a_map(conversation)
        stored = answered(conversation)
        words = f"{stored} answers are stored, {len(turns)} people wait for their turn"
        print(f"{words}; {time.monotonic() - begun:.0f} s to set up.", flush=True)
        warm, even, rest = turns[:500], turns[500 : 500 + 15 * EVEN], turns[500 + 15 * EVEN :]
        with site.served():
            told = acknowledged(run(site, warm, 10)[0], warm)
            answers, figures = run(site, rest, box.SECONDS)
            show("the site", figures)
            told += acknowledged(answers, rest)
            steady, stream = run(site, even, 15, rate=EVEN)
            show(f"the site, {EVEN} a second", stream)
            told += acknowledged(steady, even)
        figures |= kept(conversation, told, before=stored)
        figures |= {"stored": stored, "even_p99_ms": stream["p99_ms"]}
    box.told_of(missed(figures))
    print(json.dumps(figures))


def missed(figures: Figures) -> list[str]:
    """Return which bars were missed."""
    bars = {
        f"{LEAST} answers a second": figures["answers_per_s"] >= LEAST,
        f"99 of 100 within {SLOWEST_MS} ms": figures["p99_ms"] <= SLOWEST_MS,
        f"{MOST_CPU_MS} ms of the site for one": figures["cpu_ms"] <= MOST_CPU_MS,
        "no error": not figures["errors"],
        "none lost": figures["acknowledged"] == figures["kept"],
        "none twice": not figures["twice"],
    }
    return [name for name, is_kept in bars.items() if not is_kept]


# --- what there is


def a_conversation() -> Conversation:
    """Make a conversation that is open to everyone, with its statements."""
    from django.utils import timezone

    from commonweal.listen.conversations.models import Conversation, State, Statement

    challenge, at = box.a_challenge(), timezone.now()
    conversation = Conversation.objects.create(
        authority=challenge.authority, community=challenge.community,
        question="What would have helped you get home?", opens_at=at - timedelta(9),
        closes_at=at + timedelta(9), is_draft=False, enough=20, created_at=at - timedelta(20),
        created_by=challenge.created_by,
    )  # fmt: skip
    Statement.objects.bulk_create(
        Statement(
            conversation=conversation, number=n, is_first=True, state=State.SHOWN,
            text=f"I would rather have one person I know ring me than {n} services I don’t.",
            added_at=at - timedelta(9), decided_at=at - timedelta(9),
        )
        for n in range(1, STATEMENTS + 1)
    )  # fmt: skip
    return conversation


def people(conversation: Conversation, many: int, *, stored: int) -> Iterator[Turn]:
    """Let people have answered so much, and return whose turn is next, one statement before each."""
    old = list(_old(conversation, many, stored))
    new = _new(conversation, many // NEW)
    mixed = chain.from_iterable(
        zip_longest(*[iter(old[: many - len(new)])] * (NEW - 1), fillvalue=None)
    )
    fresh = iter(new)
    for place, turn in enumerate(mixed):
        if place % (NEW - 1) == 0:
            yield from islice(fresh, 1)
        if turn is not None:
            yield turn


def _old(conversation: Conversation, many: int, stored: int) -> Iterator[Turn]:
    """Return people who took part before, in twos: one with an account, one by a browser."""
    from django.utils import timezone

    from commonweal.listen.voices import queries

    at = timezone.now() - timedelta(1)
    most = max(many, stored // EACH)
    persons = box.browsers(_challenge(), most // 2)
    marks = [secrets.token_hex(16) for _ in range(most - len(persons))]
    holders = [queries.holder_of(mark, conversation.pk) for mark in marks]
    sql = (
        "INSERT INTO conversations_participant (conversation_id, person_id, holder, standing, joined_at)"
        " SELECT %s, person, holder, '', %s FROM"
        " unnest(%s::bigint[], %s::bytea[]) AS given (person, holder) RETURNING id, person_id, holder"
    )
    given = [one.person for one in persons] + [None] * len(marks)
    made = box.rows(sql, [conversation.pk, at, given, [None] * len(persons) + holders])
    by_person = {one.person: one for one in persons}
    by_holder = dict(zip(holders, marks, strict=True))
    each = min(EACH, -(-stored // most))
    _answers(conversation, [who for who, _p, _h in made], each, at)
    waits = dict(
        box.rows(
            "SELECT participant_id, number FROM voices_showing s JOIN conversations_statement t"
            " ON t.id = s.statement_id WHERE value IS NULL AND s.conversation_id = %s",
            [conversation.pk],
        )
    )
    box.rows("ANALYZE")
    guests = iter(row for row in made if row[1] is None)
    for place, (who, person, _none) in enumerate(row for row in made if row[1] is not None):
        value = (1, -1, 0)[place % 3]
        browser = by_person[person]
        yield Turn(who, waits[who], value, _post(conversation, browser, waits[who], value))
        for guest, _p, holder in islice(guests, 1):
            mark = by_holder[bytes(holder)]
            browser = _guest(mark)
            request = _post(conversation, browser, waits[guest], value, mark=mark)
            yield Turn(guest, waits[guest], value, request)


# Who thinks alike answers alike: two sides by whether a number is even, so that the map has something
# to place people by. Each has seen other statements, drawn by a product of their number.
_ANSWERS = """
INSERT INTO voices_showing (conversation_id, participant_id, statement_id, policy, out_of,
                            chance_millionths, shown_at, value, voted_at)
SELECT %(conversation)s, who, what.id, 'mixture', 200, 5000, %(at)s,
       CASE WHEN k > %(each)s THEN NULL
            WHEN (who * 7919 + k * 104729) %% 10 < 2 THEN 0
            WHEN (who + what.number) %% 2 = 0 THEN 1 ELSE -1 END,
       CASE WHEN k > %(each)s THEN NULL ELSE %(at)s::timestamptz END
  FROM unnest(%(who)s::bigint[]) AS who
 CROSS JOIN generate_series(1, %(each)s + 1) AS k
  JOIN conversations_statement what ON what.conversation_id = %(conversation)s
   AND what.number = 1 + (who * 31 + k * 3) %% 200
 ORDER BY k, who
"""


def _answers(conversation: Conversation, who: list[int], each: int, at: Any) -> None:
    given = {"conversation": conversation.pk, "who": who, "each": each, "at": at}
    box.rows(_ANSWERS, given)


def _new(conversation: Conversation, many: int) -> list[Turn]:
    """Return people who take part for the first time: with an account, or without and from anywhere."""
    turns = []
    for place, one in enumerate(box.browsers(_challenge(), many // 2)):
        number, value = 1 + place % STATEMENTS, (1, -1, 0)[place % 3]
        request = _post(conversation, one, number, value)
        turns.append(Turn(None, number, value, request, person=one.person))
        mark = secrets.token_hex(16)
        request = _post(conversation, _guest(mark), number, value, mark=mark, network=place)
        turns.append(Turn(None, number, value, request, mark=mark))
    return turns


def _challenge() -> Any:
    from commonweal.ground.challenges.models import Challenge

    return Challenge.objects.get()


def _guest(mark: str) -> box.Browser:
    from django.middleware.csrf import _get_new_csrf_string

    return box.Browser(f"guest:{mark}", "", _get_new_csrf_string())


def _post(
    conversation: Conversation,
    browser: box.Browser,
    number: int,
    value: int,
    *,
    mark: str = "",
    network: int = 0,
) -> bytes:
    """Return the request that htmx sends when a button beside a statement is pressed."""
    from django.conf import settings
    from django.middleware.csrf import _mask_cipher_secret
    from django.urls import reverse

    address = reverse("voices:vote", args=[conversation.pk]) + "?more=1"
    token = _mask_cipher_secret(browser.csrf)
    body = urlencode({"csrfmiddlewaretoken": token, "statement": number, "vote": WORDS[value]})
    cookies = f"Cookie: {settings.CSRF_COOKIE_NAME}={browser.csrf}"
    if browser.session:
        cookies = browser.cookies
    if mark:
        cookies += f"; {settings.BROWSER_COOKIE_NAME}={mark}"
    place = f"10.{network >> 16 & 255}.{network >> 8 & 255}.{network & 255}"
    headers = box.HEADERS.replace("192.0.2.7", place) if network else box.HEADERS
    return (
        f"POST {address} HTTP/1.1\r\n{headers}Referer: https://{box.HOST}{address}\r\n"
        f"{cookies}\r\nHX-Request: true\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def a_map(conversation: Conversation) -> None:
    """Work out from two thousand people what decides who sees what, and keep it as the job does."""
    from django.utils import timezone

    from commonweal.engine.opinion import Bearings, Votes, fit
    from commonweal.listen.voices import actions

    said = box.rows(
        "SELECT participant_id, statement_id, value FROM voices_showing WHERE value IS NOT NULL AND"
        " participant_id IN (SELECT id FROM conversations_participant ORDER BY id LIMIT 2000)"
    )
    votes = Votes.from_log(*map(list, zip(*said, strict=True)))
    bearings = Bearings.of(fit(votes, dimensions=2), votes.statements)
    actions.keep_routing(conversation=conversation, bearings=bearings.packed(), at=timezone.now())


# --- what is measured


def run(
    site: box.Site, turns: Sequence[Turn], seconds: float, *, rate: float = 0
) -> tuple[list[Answer], Figures]:
    """Let everybody take their turn and return the answers with their figures."""
    web, database = site.cpu()
    begun = time.time()
    load = site.load([(one.name, one.request) for one in turns], seconds=seconds, rate=rate)
    answers = load.wait()
    after = site.cpu()
    good = [one for one in answers if one.status == 200]
    took = max(one.at + one.took for one in answers) - min(one.at for one in answers)
    return answers, {
        "answers_per_s": round(len(good) / took, 1),
        "p50_ms": box.percentile(answers, 50),
        "p99_ms": box.percentile(answers, 99),
        "slowest_ms": box.percentile(answers, 100),
        "errors": len(answers) - len(good),
        "cpu_ms": round((after[0] - web) / len(answers) * 1000, 2),
        "database_cpu_ms": round((after[1] - database) / len(answers) * 1000, 2),
        "generator_cpu": round(load.cpu / (time.time() - begun), 3),
    }


def acknowledged(answers: Sequence[Answer], turns: Sequence[Turn]) -> list[Turn]:
    """Return the turns that were answered with the next card."""
    told = {one.voter for one in answers if one.status == 200}
    return [turn for turn in turns if turn.name in told]


def answered(conversation: Conversation) -> int:
    """Return how many answers are stored."""
    ((many,),) = box.rows(
        "SELECT count(*) FROM voices_showing WHERE conversation_id = %s AND value IS NOT NULL",
        [conversation.pk],
    )
    return int(many)


def kept(conversation: Conversation, told: Sequence[Turn], *, before: int) -> Figures:
    """Look up every answer that was acknowledged, and whether any was kept twice."""
    from commonweal.listen.voices import queries

    found = {
        (who, number): value
        for who, number, value in box.rows(
            "SELECT participant_id, number, value FROM voices_showing s JOIN conversations_statement t"
            " ON t.id = s.statement_id WHERE s.conversation_id = %s AND value IS NOT NULL",
            [conversation.pk],
        )
    }
    by_person, by_holder = {}, {}
    for who, person, holder in box.rows(
        "SELECT id, person_id, holder FROM conversations_participant WHERE conversation_id = %s",
        [conversation.pk],
    ):
        by_person[person] = who
        by_holder[bytes(holder) if holder else None] = who
    stands = 0
    for turn in told:
        who = turn.who or by_person.get(turn.person) or None
        if turn.mark:
            who = by_holder.get(queries.holder_of(turn.mark, conversation.pk))
        stands += found.get((who, turn.statement)) == turn.value
    names = {turn.name for turn in told}
    return {
        "acknowledged": len(names),
        "kept": stands,
        "twice": len(found) - before - len(names) if before else 0,
    }


if __name__ == "__main__":
    main()
