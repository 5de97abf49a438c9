"""Make the demo ready in one process: tables, static files, the example borough."""

import importlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor

UNUSED = ["django_htmx"]  # a second copy of htmx, whose scripts point at files it does not have


class Command(BaseCommand):
    """Do what is not yet done; a second run does nothing and is quick."""

    help = "Make the demo ready: tables, static files and the example borough."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the steps that are needed."""
        if not settings.DEMO:
            raise CommandError("Only a demo is filled with example people.")
        if _tables_are_old():
            with self.step("Making the tables"):
                call_command("migrate", verbosity=0, interactive=False)
        call_command("createcachetable", verbosity=0)
        if _static_files_are_old():
            with self.step("Collecting the static files"):
                call_command(
                    "collectstatic", verbosity=0, interactive=False, ignore_patterns=UNUSED
                )
        with self.step("Looking after the example borough"):
            self.fill()

    def fill(self) -> None:
        """Fill the borough, wholly or not at all; it does so once."""
        with transaction.atomic():
            importlib.import_module("commonweal.web.demo").fill()

    @contextmanager
    def step(self, words: str) -> Iterator[None]:
        """Say what takes a while, and how long it took if it was long."""
        begun = time.monotonic()
        self.stdout.write(f"{words} ...")
        self.stdout.flush()
        yield
        took = time.monotonic() - begun
        if took > 2:
            self.stdout.write(f"  done in {took:.0f} s")
            self.stdout.flush()


def _tables_are_old() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _static_files_are_old() -> bool:
    """Tell whether a source of a static file is newer than the list of those collected."""
    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    if not manifest.is_file():
        return True
    collected = manifest.stat().st_mtime
    for finder in get_finders():
        for path, storage in finder.list(UNUSED):
            if Path(storage.path(path)).stat().st_mtime > collected:
                return True
    return False
