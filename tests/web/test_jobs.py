"""Background jobs: a job that fails can be seen by administrators and tried again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob

from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority, Community, RoleKind
from commonweal.kit import jobs
from commonweal.web import tasks
from tests.factories import world
from tests.visit import Page

Visit = Callable[..., Page]
SignIn = Callable[..., Client]
ran: list[int] = []
broken = True


@jobs.job("tests.fragile")
def fragile(number: int) -> None:
    """Fail as long as it is broken."""
    if broken:
        raise RuntimeError("no answer for <b>rosa@example.org</b>")
    ran.append(number)


@pytest.fixture
def mended() -> Iterator[Callable[[], None]]:
    """Return a function that mends the job."""
    global broken
    broken = True
    ran.clear()

    def mend() -> None:
        global broken
        broken = False

    yield mend
    broken = True


def _work() -> None:
    """Run a real worker until nothing is ready."""
    with app.replace_connector(app.connector.get_worker_connector()):  # type: ignore[attr-defined]
        app.run_worker(wait=False, install_signal_handlers=False, listen_notify=False)


def _work_until_it_gives_up() -> None:
    for _attempt in range(1 + (jobs.RETRY.max_attempts or 0)):
        with connection.cursor() as cursor:  # waiting between attempts is not what we test
            cursor.execute("UPDATE procrastinate_jobs SET scheduled_at = NULL")
        _work()


@pytest.mark.django_db(transaction=True)
def test_a_job_that_failed_is_shown_and_succeeds_when_tried_again(
    administrator: Person,
    signed_in: SignIn,
    visit: Visit,
    mended: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # the worker's threads outlive it, so they must not keep their connections
    monkeypatch.setitem(connection.settings_dict, "CONN_MAX_AGE", 0)
    signed_in(administrator, second_factor=True)
    jobs.later("tests.fragile", number=7)
    assert "tests.fragile" in visit("/desk/jobs/?state=todo").text
    _work_until_it_gives_up()
    page = visit("/desk/jobs/")
    assert "RuntimeError: no answer for …@…" in page.text
    assert "rosa@example.org" not in page.html
    job = ProcrastinateJob.objects.get(status="failed")
    mended()
    again = visit(f"/desk/jobs/{job.pk}/retry/", data={})
    assert "The job is queued again." in again.text
    _work()
    assert ran == [7]
    assert ProcrastinateJob.objects.get(pk=job.pk).status == "succeeded"
    refused = visit(f"/desk/jobs/{job.pk}/retry/", data={})
    assert "has not failed" in refused.text


def _left_by_a_dead_worker(seconds: int, **job: Any) -> ProcrastinateJob:
    """Queue a job and let a worker die over it, its last sign of life so many seconds ago."""
    jobs.later("tests.fragile", **job)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat)"
            " VALUES (now() - make_interval(secs => %s)) RETURNING id",
            [seconds],
        )
        (worker,) = cursor.fetchone()
        cursor.execute(
            "UPDATE procrastinate_jobs SET status = 'doing', worker_id = %s"
            " WHERE id = (SELECT max(id) FROM procrastinate_jobs) RETURNING id",
            [worker],
        )
        (number,) = cursor.fetchone()
    return ProcrastinateJob.objects.get(pk=number)


@pytest.mark.django_db
def test_what_a_killed_worker_was_doing_is_taken_up_again(now: datetime) -> None:
    dead = _left_by_a_dead_worker(90, number=1)
    alive = _left_by_a_dead_worker(5, number=2)
    swept = _left_by_a_dead_worker(90, number=3)
    with connection.cursor() as cursor:  # another worker has since cleared the dead one away
        cursor.execute("DELETE FROM procrastinate_workers WHERE id = %s", [swept.worker_id])
    doubled = _left_by_a_dead_worker(90, number=4, once="four")
    jobs.later("tests.fragile", number=4, once="four")
    tasks.take_up_abandoned(0)
    found = dict(ProcrastinateJob.objects.values_list("pk", "status"))
    assert [found[job.pk] for job in (dead, alive, swept, doubled)] == [
        "todo",
        "doing",
        "todo",
        "aborted",
    ]


@pytest.mark.django_db
def test_jobs_that_succeeded_long_ago_are_forgotten(now: datetime) -> None:
    for number, (status, days) in enumerate([("succeeded", 8), ("succeeded", 6), ("failed", 90)]):
        jobs.later("tests.fragile", number=number)
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE procrastinate_jobs SET status = %s"
                " WHERE id = (SELECT max(id) FROM procrastinate_jobs) RETURNING id",
                [status],
            )
            cursor.execute(
                "UPDATE procrastinate_events SET at = %s WHERE job_id = %s",
                [now - timedelta(days=days), cursor.fetchone()[0]],
            )
    tasks.forget_succeeded(int(now.timestamp()))
    kept = ProcrastinateJob.objects.order_by("pk").values_list("args__number", flat=True)
    assert list(kept) == [1, 2]


@pytest.mark.django_db
def test_jobs_are_for_administrators_of_the_whole_authority(
    authority: Authority,
    community: Community,
    resident: Person,
    moderator: Person,
    administrator: Person,
    client: Client,
    signed_in: SignIn,
    visit: Visit,
) -> None:
    local = world.a_person(community, role=RoleKind.ADMINISTRATOR)
    for ask in (lambda: client.get("/desk/jobs/"), lambda: client.post("/desk/jobs/1/retry/")):
        client.logout()
        assert ask().status_code == 302
        signed_in(resident)
        assert ask().status_code == 403
        for person in (moderator, local):
            signed_in(person, second_factor=True)
            assert ask().status_code == 403
        signed_in(administrator)
        assert ask()["Location"].startswith("/me/second-factor/")
    signed_in(administrator, second_factor=True)
    assert client.get("/desk/jobs/1/retry/").status_code == 405
    for number in (1, 10**30):
        assert "has not failed" in visit(f"/desk/jobs/{number}/retry/", data={}).text


@pytest.mark.django_db
@pytest.mark.parametrize("rows", [3, 40])
def test_many_jobs_cost_no_more_questions_and_are_paged(
    rows: int,
    administrator: Person,
    signed_in: SignIn,
    visit: Visit,
    django_assert_max_num_queries: Callable[[int], Any],
) -> None:
    for number in range(rows):
        jobs.later("tests.fragile", number=number)
    signed_in(administrator, second_factor=True)
    with django_assert_max_num_queries(12):
        page = visit("/desk/jobs/?state=todo")
    assert ("Page 1 of 2" in page.text) == (rows > 30)
    for nonsense in ("?state=x", "?page=x", "?page=99&state=doing"):
        visit(f"/desk/jobs/{nonsense}")
