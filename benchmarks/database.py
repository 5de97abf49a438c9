"""A database of a benchmark's own, in this process."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from commonweal.kit.postgres import ephemeral


@contextmanager
def empty_database() -> Iterator[None]:
    """Run a database with all tables and nothing in them; the settings are read only then."""
    with ephemeral() as server, tempfile.TemporaryDirectory() as home:
        os.environ |= {
            "COMMONWEAL_MODE": "test",
            "DATABASE_URL": server.url,
            "COMMONWEAL_HOME": home,
            "COMMONWEAL_STATIC": home,
            "DJANGO_SETTINGS_MODULE": "commonweal.web.settings",
        }
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connection

        call_command("migrate", verbosity=0)
        call_command("createcachetable", verbosity=0)
        yield
        connection.close()
