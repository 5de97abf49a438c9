"""Background jobs on PostgreSQL. The only module that knows which library runs them."""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

from django.core.cache import cache
from django.db import DatabaseError, connection, transaction
from django.db.models import Q
from django.utils import timezone
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException

RETRY = RetryStrategy(max_attempts=6, exponential_wait=4)
REMEMBERED = 30 * 24 * 3600
SIGN_OF_LIFE = timedelta(seconds=60)  # a worker gives one every ten seconds
KEPT = timedelta(days=7)  # how long a job that succeeded is still to be seen in the database
ADDRESS = re.compile(r"\S+@\S+")  # a mail server's refusal names people


def job(name: str, *, queue: str = "default") -> Callable[[Callable[..., None]], Any]:
    """Register a function as a durable job. It may run twice: it must not matter if it does."""

    def register(function: Callable[..., None]) -> Any:
        return app.task(name=name, queue=queue, retry=RETRY)(_noting_trouble(name, function))

    return register


def periodic(
    name: str, *, cron: str, queue: str = "default"
) -> Callable[[Callable[[int], None]], Any]:
    """Register a job that a worker runs by the clock; it is told when it was due (Unix time).

    A run that is still waiting is not queued a second time. One that fails is not tried again: its
    next time comes by the clock, and waiting for a second try would only hold that up.
    """

    def register(function: Callable[[int], None]) -> Any:
        task = app.task(name=name, queue=queue, queueing_lock=name)(_noting_trouble(name, function))
        return app.periodic(cron=cron)(task)

    return register


def later(name: str, *, lock: str | None = None, once: str | None = None, **arguments: Any) -> None:
    """Queue a job inside the present transaction: rolled back with it, run after it.

    ``lock``: jobs with the same lock run one after the other. ``once``: while a job with this key
    waits, another is not added.
    """
    try:
        with transaction.atomic():  # a refusal must not spoil the transaction we are in
            app.configure_task(name, lock=lock, queueing_lock=once).defer(**arguments)
    except AlreadyEnqueued:
        return


def troubles(jobs: Sequence[ProcrastinateJob]) -> list[str]:
    """Return what went wrong when each of these last failed, where that is still known."""
    keys = [_key(job.task_name, job.args) for job in jobs]
    known = cache.get_many(keys)
    return [str(known.get(key, "")) for key in keys]


def retry(number: int) -> bool:
    """Queue a failed job again; tell whether there was such a job and room for it."""
    try:
        with transaction.atomic():
            if not ProcrastinateJob.objects.filter(pk=number, status="failed").exists():
                return False
            app.job_manager.retry_job_by_id(number, retry_at=timezone.now())
    except ConnectorException:  # the same job waits already, or somebody was quicker
        return False
    return True


def take_up_abandoned(*, at: datetime) -> None:
    """Queue again what a worker was doing when it was killed or its machine went down."""
    gone = Q(worker__isnull=True) | Q(worker__last_heartbeat__lt=at - SIGN_OF_LIFE)
    abandoned = ProcrastinateJob.objects.filter(gone, status="doing").order_by("pk")
    for number in abandoned.values_list("pk", flat=True):
        try:
            with transaction.atomic():
                app.job_manager.retry_job_by_id(number, retry_at=at)
        except ConnectorException:  # finished after all, or the same job waits already
            _execute(
                "SELECT procrastinate_finish_job_v1(id, 'aborted', false)"
                " FROM procrastinate_jobs WHERE id = %s AND status = 'doing'",
                number,
            )


def forget_succeeded(*, at: datetime) -> None:
    """Delete jobs that succeeded long ago: some are queued every minute."""
    _execute(
        "DELETE FROM procrastinate_jobs WHERE status = 'succeeded' AND NOT EXISTS ("
        " SELECT 1 FROM procrastinate_events e WHERE e.job_id = procrastinate_jobs.id AND e.at >= %s)",
        at - KEPT,
    )


def _execute(query: str, given: int | datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(query, [given])


def _noting_trouble(name: str, function: Callable[..., None]) -> Callable[..., None]:
    """Keep the last words of a failing job for the administrators; the queue itself keeps none."""

    @wraps(function)
    def watched(*given: Any, **arguments: Any) -> None:
        try:
            function(*given, **arguments)
        except Exception as error:
            words = ADDRESS.sub("…@…", f"{type(error).__name__}: {error}")[:300]
            with suppress(DatabaseError):
                cache.set(_key(name, arguments), words, REMEMBERED)
            raise

    return watched


def _key(name: str, arguments: dict[str, Any]) -> str:
    told = {given: value for given, value in arguments.items() if given != "timestamp"}
    digest = hashlib.sha256(json.dumps([name, told], sort_keys=True).encode()).hexdigest()
    return f"trouble-{digest}"
