"""Background jobs on PostgreSQL. The only module that knows which library runs them."""

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import wraps
from typing import Any

from django.core.cache import cache
from django.db import DatabaseError, transaction
from django.utils import timezone
from procrastinate import RetryStrategy
from procrastinate.contrib.django import app
from procrastinate.contrib.django.models import ProcrastinateJob
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException

RETRY = RetryStrategy(max_attempts=6, exponential_wait=4)
REMEMBERED = 30 * 24 * 3600
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
