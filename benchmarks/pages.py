"""Measure the pages of a borough of 100,000 people: ``make bench BENCH=pages``.

Every page is fetched through Django's own client with the whole middleware, by somebody who is
signed in. Prints a table, and as its last line one JSON object. Times are CPU milliseconds of this
process (the database has its own), the median of many fetches after a warm-up.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from benchmarks.database import empty_database

if TYPE_CHECKING:
    from django.http import HttpResponse
    from django.test import Client

    from commonweal.ground.people.models import Person

WARM_UP, REPEATS = 4, 40
MOST_QUERIES, MOST_MS = 12, 15
VOTE_QUERIES, VOTE_MS = 6, 5
CONTROL = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
Figures = dict[str, float]
Fetch = Callable[[int], "HttpResponse"]
Voter = tuple["Client", dict[str, Any]]


@contextmanager
def borough() -> Iterator[None]:
    """Run a database of our own with the borough in it."""
    with empty_database():
        from django.utils import timezone

        from benchmarks.borough import fill

        fill(timezone.now())
        yield


def main() -> None:
    """Make the borough, fetch everything and print it."""
    begun = time.monotonic()
    with borough():
        print(f"A borough made in {time.monotonic() - begun:.0f} s. All pages signed in.")
        print(f"This machine counts to a million in {_million():.0f} ms.")
        print(f"{'page':22}{'queries':>9}{'cpu ms':>9}{'kB':>8}", flush=True)
        table = {name: measure(name, fetch) for name, fetch in pages().items()}
    over = [name for name, figures in table.items() if is_over(name, figures)]
    print(f"Over the budget: {', '.join(over) or 'none'}")
    print(json.dumps(table))


def _million() -> float:
    """Return the CPU milliseconds of counting to a million: how quick the machine is now."""
    begun = time.process_time()
    for _number in range(1_000_000):
        pass
    return (time.process_time() - begun) * 1000


def is_over(name: str, figures: Figures) -> bool:
    """Tell whether a page costs more than it may."""
    queries, ms = (VOTE_QUERIES, VOTE_MS) if name == "cast" else (MOST_QUERIES, MOST_MS)
    return figures["queries"] > queries or figures["cpu_ms"] > ms


def pages() -> dict[str, Fetch]:
    """Return how to fetch each page; ``cast`` is posted by another person each time."""
    from django.http import HttpRequest, HttpResponse
    from django.test import Client, override_settings
    from django.urls import path

    from commonweal.decide.budgets.models import Pot
    from commonweal.ground.people.models import Person
    from commonweal.propose.proposals.models import Proposal

    def bare(request: HttpRequest) -> HttpResponse:
        return HttpResponse("Nothing is quicker than this.")

    class Bare:
        urlpatterns = (path("", bare),)

    with override_settings(MIDDLEWARE=[]):
        alone = Client()
        alone.handler.load_middleware()
    people = list(Person.objects.filter(email__startswith="person").order_by("pk")[60_000:60_200])
    reader = Client()
    _sign_in(reader, Person.objects.order_by("pk")[10])
    visitor = Client()
    open_pot, counted_pot = (pot.pk for pot in Pot.objects.order_by("pk")[:2])
    idea = Proposal.objects.filter(status="in-ballot").order_by("-pk")[0].pk
    voters = _voters(people[: WARM_UP + REPEATS + 1], open_pot)

    def vote(turn: int) -> HttpResponse:
        client, data = voters[turn]
        answer = client.post(f"/money/{open_pot}/vote/", data)
        assert answer.status_code == 302, answer.content[:2000]
        return cast("HttpResponse", answer)

    def page(address: str, client: Client = reader) -> Fetch:
        def fetch(turn: int) -> HttpResponse:
            answer = client.get(address)
            assert answer.status_code == 200, (address, answer.status_code, answer.content[:2000])
            return cast("HttpResponse", answer)

        return fetch

    def fetch_bare(turn: int) -> HttpResponse:
        with override_settings(ROOT_URLCONF=Bare):
            return cast("HttpResponse", alone.get("/"))

    money = f"/money/{open_pot}/"
    return {
        "bare": fetch_bare,
        "home": page("/"),
        "home, not signed in": page("/", visitor),
        "challenges": page("/challenges/"),
        "challenge": page("/challenges/challenge-0/"),
        "ideas": page("/ideas/"),
        "ideas search": page("/ideas/?q=warm+meals"),
        "idea": page(f"/ideas/{idea}/"),
        "money": page("/money/"),
        "pot": page(money),
        "vote": page(f"{money}vote/"),
        "cast": vote,
        "receipt": page(f"{money}receipt/", voters[-1][0]),
        "result": page(f"/money/{counted_pot}/result/"),
        "what changed": page("/what-changed/"),
        "communities": page("/communities/"),
        "community": page("/communities/bench/"),
        "services": page("/services/"),
        "service": page("/services/service-0/"),
        "feed": page("/communities/bench/feed/"),
        "api challenges": page("/api/challenges"),
        "api pots": page("/api/pots"),
        "api projects": page(f"/api/pots/{open_pot}/projects"),
        "api journal": page("/api/journal"),
        "my part": page("/me/"),
    }


def _voters(people: list[Person], pot: int) -> list[Voter]:
    """Return people with the ballot open before them, as a browser would hold it."""
    from django.test import Client

    from commonweal.decide.budgets.models import Project

    chosen = list(Project.objects.filter(pot=pot).order_by("pk").values_list("pk", flat=True)[:5])
    ready = []
    for person in people:
        client = Client(enforce_csrf_checks=True)
        _sign_in(client, person)
        client.get(f"/money/{pot}/vote/")
        token = client.cookies["csrftoken"].value
        data = {"projects": chosen, "do": "cast", "csrfmiddlewaretoken": token}
        ready.append((client, data))
    return ready


def _sign_in(client: Client, person: Person) -> None:
    """Sign somebody in as the site does, which also notes from where."""
    from allauth.usersessions.models import UserSession

    client.force_login(person)
    UserSession.objects.create(
        user=person, session_key=client.session.session_key, ip="127.0.0.1", user_agent="benchmark"
    )


def measure(name: str, fetch: Fetch) -> Figures:
    """Count the queries of one fetch, then time many."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    for turn in range(WARM_UP):
        fetch(turn)
    with CaptureQueriesContext(connection) as seen:
        answer = fetch(WARM_UP)
    asked = [query for query in seen.captured_queries if not query["sql"].startswith(CONTROL)]
    if name in os.environ.get("BENCH_SHOW", "").split(","):
        print(*(f"   {q['time']}s {q['sql'][:3000]}" for q in seen.captured_queries), sep="\n")
    times = []
    for turn in range(WARM_UP + 1, WARM_UP + 1 + REPEATS):
        begun = time.process_time()
        fetch(turn)
        times.append(time.process_time() - begun)
    figures = {
        "queries": len(asked),
        "cpu_ms": round(statistics.median(times) * 1000, 2),
        "kb": round(len(answer.content) / 1000, 1),
    }
    print(
        f"{name:22}{figures['queries']:>9}{figures['cpu_ms']:>9.1f}{figures['kb']:>8.1f}",
        flush=True,
    )
    return figures


if __name__ == "__main__":
    main()
