"""A real site to vote on: a PostgreSQL that waits for the disk, gunicorn, and people signed in.

Shared by the benchmarks of voting. It runs as ``commonweal serve`` runs it, with the settings of
production; the requests bring what a browser and a proxy would. All lives in a folder of its own.
"""

from __future__ import annotations

import os
import pickle
import random
import secrets
import signal
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from benchmarks.load import Answer
from commonweal.cli.demo import free_port
from commonweal.cli.site import serve_command
from commonweal.kit.postgres import Server

if TYPE_CHECKING:
    from commonweal.decide.budgets.models import Pot
    from commonweal.ground.challenges.models import Challenge

HOST = "bench.example"
SITE = "commonweal.web.wsgi:application"
WORKERS = 2
THREADS = int(os.environ.get("BENCH_THREADS", "4"))
HANDS = int(os.environ.get("BENCH_HANDS", "16"))
SECONDS = float(os.environ.get("BENCH_SECONDS", "60"))
PATIENCE = 60.0
PROJECTS = 40
HEADERS = (
    f"Host: {HOST}\r\nX-Forwarded-Proto: https\r\nX-Forwarded-For: 192.0.2.7\r\n"
    f"Origin: https://{HOST}\r\nUser-Agent: Mozilla/5.0\r\nAccept: text/html\r\n"
    "Accept-Language: en-GB,en;q=0.9\r\nAccept-Encoding: gzip, deflate, br\r\n"
)
TICKS = os.sysconf("SC_CLK_TCK")
OUR_BACKEND = "commonweal.web.sessions.Backend"


# --- the site


@dataclass
class Site:
    """A site under test: its database server, its folder, and the environment of its processes."""

    database: Server
    home: Path
    environment: dict[str, str]
    port: int = 0
    web: subprocess.Popen[bytes] | None = None

    @contextmanager
    def served(
        self,
        application: str = SITE,
        *,
        workers: int = WORKERS,
        threads: int = THREADS,
        **more: str,
    ) -> Iterator[None]:
        """Serve for the length of a block, as ``commonweal serve`` does."""
        self.port = free_port()
        command = serve_command("127.0.0.1", self.port, workers, threads)
        command = [application if word == SITE else word for word in command]
        if threads == 1:
            command[command.index("gthread")] = "sync"
        with self.log.open("ab") as log:
            self.web = subprocess.Popen(
                command, env=self.environment | more, stdout=log, stderr=log, start_new_session=True
            )
        try:
            self.await_answer()
            yield
        finally:
            with suppress(ProcessLookupError):
                os.killpg(self.web.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self.web.wait(15)
            with suppress(ProcessLookupError):
                os.killpg(self.web.pid, signal.SIGKILL)
            self.web.wait()
            self.web = None

    @property
    def log(self) -> Path:
        """Return where the web server writes."""
        return self.home / "web.log"

    def logs(self) -> list[Path]:
        """Return what web server, database and others have written."""
        return [*self.home.glob("*.log"), *self.home.glob("log/*")]

    def await_answer(self) -> None:
        """Wait until the site answers, whatever it says."""
        asked = Request(
            f"http://127.0.0.1:{self.port}/", headers={"Host": HOST, "X-Forwarded-Proto": "https"}
        )
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self.web and self.web.poll() is None:
            with suppress(OSError):
                try:
                    with urlopen(asked, timeout=10):
                        return
                except HTTPError as error:
                    if error.code < 500:
                        return
            time.sleep(0.1)
        raise SystemExit(f"The site does not answer:\n{self.log.read_text()[-3000:]}")

    def kill_workers(self) -> int:
        """End the web server's workers as a machine short of memory does; others are started."""
        assert self.web is not None
        return _kill(_children(self.web.pid))

    def kill_database(self) -> int:
        """End the database and all its processes at once, in the middle of whatever they do."""
        postmaster = self._postmaster()
        os.kill(postmaster, signal.SIGSTOP)  # it must not put its house in order first
        return _kill([*_children(postmaster), postmaster])

    def cpu(self) -> tuple[float, float]:
        """Return the CPU seconds that web server and database have used so far."""
        assert self.web is not None
        return _cpu(self.web.pid), _cpu(self._postmaster())

    def _postmaster(self) -> int:
        return int((self.database.data / "postmaster.pid").read_text().split()[0])

    def load(
        self, plan: Sequence[tuple[str, bytes]], *, seconds: float, hands: int = 0, rate: float = 0
    ) -> Load:
        """Begin to send requests, from a process of its own."""
        ready, answers = self.home / "plan.pickle", self.home / "answers.pickle"
        ready.write_bytes(pickle.dumps(list(plan)))
        words = [str(word) for word in (ready, answers, self.port, hands or HANDS, seconds, rate)]
        return Load(subprocess.Popen([sys.executable, "-m", "benchmarks.load", *words]), answers)


@dataclass
class Load:
    """A load that is under way, in a process of its own."""

    process: subprocess.Popen[bytes]
    file: Path
    cpu: float = 0
    begun: float = field(default_factory=time.time)

    def wait(self) -> list[Answer]:
        """Return every answer once the last has come."""
        if self.process.wait():
            raise SystemExit("The load generator broke.")
        answers, self.cpu = pickle.loads(self.file.read_bytes())
        return [Answer(*answer) for answer in answers]


def _children(parent: int) -> list[int]:
    listed = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    return [int(number) for number in listed.split()]


def _kill(processes: list[int]) -> int:
    for number in processes:
        with suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    return len(processes)


def _cpu(parent: int) -> float:
    """Return the CPU seconds of a process, its living children and those that are gone."""
    ticks = 0
    for number in (parent, *_children(parent)):
        with suppress(OSError):
            told = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
            ticks += sum(map(int, told[11 : 15 if number == parent else 13]))
    return ticks / TICKS


@contextmanager
def site() -> Iterator[Site]:
    """Set a whole site up in a folder of its own; Django is set up in this process too."""
    with tempfile.TemporaryDirectory(prefix="cw-", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        with Server(home / "data").in_use() as database:
            os.environ |= {
                "COMMONWEAL_MODE": "production",
                "COMMONWEAL_SECRET_KEY": secrets.token_urlsafe(50),
                "COMMONWEAL_HOSTS": HOST,
                "COMMONWEAL_SMTP": "127.0.0.1:9",
                "COMMONWEAL_FROM": f"Bench <hello@{HOST}>",
                "COMMONWEAL_HOME": str(home),
                "COMMONWEAL_STATIC": str(home / "static"),
                "DATABASE_URL": database.url,
                "DJANGO_SETTINGS_MODULE": "commonweal.web.settings",
            }
            import django

            django.setup()
            from django.core.management import call_command
            from django.db import connection

            call_command("migrate", verbosity=0)
            call_command("createcachetable", verbosity=0)
            unused = ["django_htmx"]
            call_command("collectstatic", verbosity=0, interactive=False, ignore_patterns=unused)
            _ensure_durable()
            try:
                yield Site(database, home, dict(os.environ))
            finally:
                connection.close()


def _ensure_durable() -> None:
    """Refuse to measure a database that does not wait until a ballot is on the disk."""
    for name in ("fsync", "synchronous_commit", "full_page_writes"):
        ((value,),) = rows(f"SHOW {name}")
        assert value == "on", f"{name} is {value}"


def rows(sql: str, given: Sequence[Any] | Mapping[str, Any] = ()) -> list[tuple[Any, ...]]:
    """Run a statement in this process and return what it returns."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql, given)
        return cursor.fetchall() if cursor.description else []


def reconnect() -> None:
    """Forget this process's own connection, which a killed database has cut."""
    from django.db import connection

    connection.close()


# --- who votes, and in what


def a_challenge() -> Challenge:
    """Make an authority with a challenge that stands at deciding."""
    from django.utils import timezone

    from commonweal.ground.challenges.models import Challenge, Outcome, Stage, Step
    from commonweal.ground.directory.models import Service
    from commonweal.ground.people.models import Person
    from commonweal.ground.places.models import Authority, Community, Organisation

    at = timezone.now()
    authority = Authority.objects.create(
        name="Bench Borough Council", short_name="Bench", slug="bench", run_by="Bench"
    )
    place = Community.objects.create(
        authority=authority, kind="authority", name="Bench", slug="whole"
    )
    # Numbers that stand out in a file: who looks for them there shall not find others.
    for table, first in (("people_person", 7_340_033_000_001), ("budgets_pot", 6_120_031_000_001)):
        rows("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [table, first])
    founder = Person.objects.create(email="founder@example.org", name="Founder")
    owner = Organisation.objects.create(
        authority=authority, kind="council", name="Bench", slug="bench"
    )
    service = Service.objects.create(
        authority=authority, community=place, provider=owner, name="Help at home", slug="help",
        purpose="Help", for_whom="Everyone", where="At home",
    )  # fmt: skip
    challenge = Challenge.objects.create(
        authority=authority, community=place, service=service, owner=owner, title="Home well",
        slug="home-well", question="How?", background="Why", who_is_concerned="All",
        created_by=founder, created_at=at - timedelta(60), published_at=at - timedelta(60),
    )  # fmt: skip
    Outcome.objects.create(
        challenge=challenge, statement="I feel safe", for_whom="All", measure="Asked",
        unit="people in 100", baseline=58, now=66, aim=75,
    )  # fmt: skip
    Step.objects.create(
        challenge=challenge, stage=Stage.DECIDE, opens_at=at - timedelta(20),
        closes_at=at + timedelta(20),
    )  # fmt: skip
    return challenge


def a_pot(challenge: Challenge, *, projects: int = PROJECTS, **given: Any) -> Pot:
    """Make a pot that is open, with forty projects, or with so many."""
    from django.utils import timezone

    from commonweal.decide.budgets.models import Pot, Project

    at = timezone.now()
    values: dict[str, Any] = {
        "title": "A pot", "pence": 20_000_000, "opens_at": at - timedelta(9),
        "closes_at": at + timedelta(5), "created_at": at - timedelta(20), "level": 1,
    }  # fmt: skip
    pot = Pot.objects.create(
        authority=challenge.authority, community=challenge.community, challenge=challenge,
        created_by=challenge.created_by, **{**values, **given},
    )  # fmt: skip
    Project.objects.bulk_create(
        Project(
            authority=pot.authority, pot=pot, title=f"Project {k}", summary="Help at the door",
            where="Bench", cost_pence=500_000 + 100_000 * k,
        )
        for k in range(projects)
    )  # fmt: skip
    return pot


@dataclass(frozen=True)
class Browser:
    """Somebody's browser, which holds the form's cookie; ``name`` is under what its ballot lies."""

    name: str
    session: str
    csrf: str

    @property
    def person(self) -> int:
        """Return the number of whoever is signed in."""
        return int(self.name.removeprefix("person:"))

    @property
    def cookies(self) -> str:
        """Return the line of a request that shows the site its own cookies again."""
        from django.conf import settings

        names = settings.CSRF_COOKIE_NAME, settings.SESSION_COOKIE_NAME
        return f"Cookie: {names[0]}={self.csrf}; {names[1]}={self.session}"

    def get(self, address: str) -> bytes:
        """Return the request that asks for a page."""
        return (f"GET {address} HTTP/1.1\r\n{HEADERS}{self.cookies}\r\n\r\n").encode()

    def post(self, address: str, fields: Mapping[str, Any]) -> bytes:
        """Return the request that sends a form."""
        from django.middleware.csrf import _mask_cipher_secret

        token = _mask_cipher_secret(self.csrf)
        body = urlencode({"csrfmiddlewaretoken": token, **fields}, doseq=True)
        return (
            f"POST {address} HTTP/1.1\r\n{HEADERS}Referer: https://{HOST}{address}\r\n"
            f"{self.cookies}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()

    def vote(self, pot: Pot, chosen: Sequence[int]) -> tuple[str, bytes]:
        """Return who casts a ballot, and the request that does."""
        from django.urls import reverse

        address = reverse("ballots:vote", args=[pot.pk])
        form = {"kind": "approval", "projects": list(chosen), "do": "cast"}
        return self.name, self.post(address, form)

    def receipt(self, pot: Pot) -> tuple[str, bytes]:
        """Return who looks at their receipt, and the request that does."""
        from django.urls import reverse

        return self.name, self.get(reverse("ballots:receipt", args=[pot.pk]))


def browsers(challenge: Challenge, many: int, *, backend: str = OUR_BACKEND) -> list[Browser]:
    """Make people who belong to the place, in bulk, and sign each of them in."""
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.utils import timezone

    from commonweal.ground.people.models import Person

    at = timezone.now()
    made = rows(
        "INSERT INTO people_person (password, email, name, theme, is_active, joined_at)"
        " SELECT '!', gen_random_uuid() || '@example.org', 'Person ' || n, '', true, %s"
        " FROM generate_series(1, %s) n RETURNING id",
        [at, many],
    )
    people = [number for (number,) in made]
    rows(
        "INSERT INTO places_membership (person_id, community_id, level, joined_at, verified_at)"
        " SELECT unnest(%s::bigint[]), %s, 2, %s, %s",
        [people, challenge.community_id, at, at],
    )
    mark = Person.objects.get(
        pk=people[0]
    ).get_session_auth_hash()  # of the password: all have none
    about = {BACKEND_SESSION_KEY: backend, HASH_SESSION_KEY: mark}
    return _sessions([(f"person:{one}", {SESSION_KEY: str(one), **about}) for one in people])


def code_browsers(pot: Pot, many: int, *, each: int = 1) -> list[list[Browser]]:
    """Make voting codes, and enter each in so many browsers that nobody is signed in to."""
    from commonweal.decide.registers.models import Code

    codes = Code.objects.bulk_create(
        Code(authority=pot.authority, pot=pot, number=n, digest=secrets.token_bytes(32))
        for n in range(many)
    )
    entered = []
    for code in codes:
        for _browser in range(each):
            held = {"code": code.pk, "holder": secrets.token_hex(16)}
            name = f"code:{held['code']}:{held['holder']}"
            entered.append((name, {"voting": {str(pot.pk): held}}))
    made: dict[str, list[Browser]] = {}
    for one in _sessions(entered):
        made.setdefault(one.name.split(":")[1], []).append(one)
    return list(made.values())


def _sessions(inside: Sequence[tuple[str, Mapping[str, Any]]]) -> list[Browser]:
    """Make a browser for each name, whose session holds what it says."""
    from django.contrib.sessions.models import Session
    from django.middleware.csrf import _get_new_csrf_string
    from django.utils import timezone

    from commonweal.web.sessions import SessionStore

    store, at = SessionStore(), timezone.now()
    # People do not sign in in the order in which they joined.
    ready = [
        (Browser(name, secrets.token_hex(16), _get_new_csrf_string()), told)
        for name, told in inside
    ]
    random.shuffle(ready)
    Session.objects.bulk_create(
        (
            Session(
                session_key=one.session,
                session_data=store.encode(dict(told)),
                expire_date=at + timedelta(10),
            )
            for one, told in ready
        ),
        batch_size=5_000,
    )
    rows("ANALYZE")
    random.shuffle(ready)
    return [one for one, _told in ready]


def numbers(pot: Pot) -> list[int]:
    """Return the numbers of a pot's projects."""
    return list(pot.projects.order_by("pk").values_list("pk", flat=True))


# --- what came of it


def percentile(answers: Sequence[Answer], hundredth: int) -> float:
    """Return within how many milliseconds that many of a hundred answers came."""
    took = sorted(answer.took for answer in answers)
    return round(took[min(len(took) - 1, len(took) * hundredth // 100)] * 1000, 1)


def acknowledged(answers: Sequence[Answer]) -> dict[str, str]:
    """Return everybody who was told that their ballot is in, with the receipt they were shown.

    A vote is acknowledged by being led to its receipt; whoever looks there is shown it.
    """
    return {
        one.voter: one.receipt
        for one in answers
        if (one.status == 302 and one.where.startswith("/money/"))
        or (one.status == 200 and one.receipt)
    }


def published(pot: Pot, told: Mapping[str, str]) -> dict[str, int]:
    """Close and count the pot, and look every receipt up in what is published."""
    shown = receipts(pot, told)
    wrong = [voter for voter, code in told.items() if code and code != shown.get(voter)]
    assert not wrong, f"{len(wrong)} were shown a receipt that is not theirs"
    close_now(pot)
    count(pot)
    return looked_up(pot, {voter: shown.get(voter, "lost") for voter in told})


def count(pot: Pot) -> None:
    """Seal, sweep, count and publish a pot that has closed, as the job does."""
    from commonweal.decide.counts import tasks

    tasks.count(pot_id=pot.pk)


def looked_up(pot: Pot, told: Mapping[str, str]) -> dict[str, int]:
    """Look up in the published bundle who was told that their ballot is in, and who is in it twice.

    Where a receipt is not known any more, whether the voter is on the roll has to say it: a line there
    and a ballot come together, and there are as many of both.
    """
    from commonweal.decide.ballots.models import Ballot, Roll
    from commonweal.decide.counts.queries import content_of
    from commonweal.engine.voting.bundle import verify_bundle
    from commonweal.engine.voting.bundle_receipts import RECEIPTS, from_text

    with tempfile.TemporaryDirectory() as folder:
        pack = Path(folder, "bundle.zip")
        pack.write_bytes(content_of(pot))
        verdict = verify_bundle(pack)
        with zipfile.ZipFile(pack) as files:
            (name,) = (name for name in files.namelist() if name.endswith(RECEIPTS))
            listed = Counter(from_text(files.read(name)))
    assert verdict.verified, verdict
    assert verdict.voters == listed.total(), "as many ballots as receipts"
    left_out = Ballot.objects.filter(pot=pot, receipt__isnull=False).count()  # came after the count
    roll = Roll.objects.filter(pot=pot)
    people = set(roll.filter(person__isnull=False).values_list("person_id", flat=True))
    codes = set(roll.filter(voting_code__isnull=False).values_list("voting_code_id", flat=True))
    others = roll.filter(person__isnull=True, voting_code__isnull=True).count()
    on_roll = len(people) + len(codes) + others
    voters = {f"person:{number}" for number in people}
    found = sum(code in listed if code else voter in voters for voter, code in told.items())
    return {
        "acknowledged": len(told),
        "in_bundle": found - left_out,
        "twice": max(0, listed.total() - on_roll) + listed.total() - len(listed),
    }


def close_now(pot: Pot) -> None:
    """Let the pot's time be over; the database forbids that to everybody but who owns it."""
    rows("SET session_replication_role = replica")
    rows("UPDATE budgets_pot SET closes_at = clock_timestamp() WHERE id = %s", [pot.pk])
    rows("RESET session_replication_role")


def receipts(pot: Pot, voters: Iterable[str]) -> dict[str, str]:
    """Return the receipt of each voter's ballot, as their own receipt page shows it."""
    from commonweal.decide.ballots.models import Ballot, readable

    found = Ballot.objects.filter(pot=pot).values_list("envelope", "receipt")
    under = {bytes(envelope): readable(receipt) for envelope, receipt in found}
    sealed = ((voter, pot.seal(voter)) for voter in voters)
    return {voter: under[envelope] for voter, envelope in sealed if envelope in under}


def told_of(missed: Sequence[str]) -> None:
    """Say which bars were missed; the line before the last of each benchmark."""
    print(f"Bars missed: {'; '.join(missed) or 'none'}", flush=True)
