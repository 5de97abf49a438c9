"""Runs a program over the site's settings: ``python -m commonweal.web PROGRAM [WORDS ...]``.

The programs are ``gunicorn``, ``django`` and ``ready``, which only looks. What is wrong with the
settings or the database is said in plain words with exit code 2: whoever runs a site has no use for
our traceback.
"""

from __future__ import annotations

import runpy
import sys

import django
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line, get_commands
from django.db import OperationalError, connection, connections
from django.db.migrations.executor import MigrationExecutor

from commonweal.kit.complaint import Complaint

WORKER = ["procrastinate", "worker"]


def main(argv: list[str]) -> int:
    """Run one program; return its exit code, or 2 when something has to be mended first."""
    program, *words = argv
    try:
        django.setup()
        if program != "django" or words[: len(WORKER)] == WORKER:
            ensure_tables()
        if program != "django":
            ensure_static_files()
        if program == "gunicorn":
            sys.argv = [program, *words]
            runpy.run_module(program, run_name="__main__")
        elif program == "django":
            manage(words)
    except Complaint as complaint:
        return wrong(str(complaint))
    except ImproperlyConfigured as mistake:
        return wrong(f"The settings are not right: {mistake}")
    except OperationalError as error:
        if getattr(error.__cause__, "sqlstate", None):  # the server answered, so it is not this
            raise
        return wrong(
            f"The database does not answer:\n  {str(error).strip()}\nLook at DATABASE_URL."
        )
    return 0


def wrong(words: str) -> int:
    """Say what is wrong and return the exit code that goes with it."""
    sys.stderr.write(f"{words}\n")
    return 2


def ensure_tables() -> None:
    """Complain unless the database answers and has the newest tables."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise Complaint("The database lacks the newest tables.", "Run: commonweal manage migrate")
    if "site_cache" not in connection.introspection.table_names():
        raise Complaint(
            "The database lacks the table that counts tries to sign in.",
            "Run: commonweal manage createcachetable",
        )
    connections.close_all()  # a server's children must not share it


def ensure_static_files() -> None:
    """Complain unless the style sheets and scripts were collected for serving."""
    listed = getattr(staticfiles_storage, "hashed_files", True)
    if not listed:
        raise Complaint(
            "The style sheets and scripts were not collected.",
            "Run: commonweal manage collectstatic --no-input",
        )


def manage(words: list[str]) -> None:
    """Run one of Django's commands, which calls itself by the name people typed."""
    if words and not words[0].startswith("-") and words[0] not in {"help", *get_commands()}:
        raise Complaint(
            f"There is no command {words[0]!r}.", "`commonweal manage help` lists the commands."
        )
    execute_from_command_line(["commonweal manage", *words])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
