"""``commonweal db``: start, stop, look into, back up and restore the database."""

import argparse
import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

from psycopg import Connection, OperationalError, ProgrammingError, connect, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.errors import ObjectInUse

from commonweal.cli.site import Commands, database
from commonweal.kit.complaint import Complaint
from commonweal.kit.postgres import Server
from commonweal.kit.programs import find_binaries

NOT_RUNNING = 3
ATTEMPTS = 5
MAGIC = b"PGDMP"  # how every backup of ours begins
OTHER_PROGRAMS = (
    "If the server is newer than these programs or asks for encryption, name the bin folder of its"
    " own PostgreSQL in COMMONWEAL_PG_BIN."
)


Rows: TypeAlias = "Connection[tuple[Any, ...]]"


def register(commands: Commands) -> None:
    """Describe the commands of the database."""
    db = commands.add_parser(
        "db",
        help="look after the database",
        description="Look after the database: the one named in DATABASE_URL, or else the one that"
        " Commonweal keeps in its state folder.",
    )
    verbs = db.add_subparsers(dest="verb", required=True, metavar="VERB")

    def verb(name: str, words: str) -> argparse.ArgumentParser:
        return verbs.add_parser(name, help=words, description=f"{words[0].upper()}{words[1:]}.")

    verb("start", "start Commonweal's own database and leave it running").set_defaults(run=start)
    verb("stop", "stop Commonweal's own database").set_defaults(run=stop)
    verb("status", "say whether the database answers; the exit code is 3 if not").set_defaults(
        run=status
    )
    verb("shell", "open the database's own shell (psql)").set_defaults(run=shell)
    save = verb("backup", "write the whole database into one file")
    save.add_argument("file", type=Path, metavar="FILE", help="the file to write")
    save.add_argument("--replace", action="store_true", help="overwrite the file if it is there")
    save.set_defaults(run=backup)
    load = verb("restore", "fill the database from a backup")
    load.add_argument("file", type=Path, metavar="FILE", help="a file that `db backup` wrote")
    load.add_argument(
        "--replace", action="store_true", help="put it in place of all that is there now"
    )
    load.set_defaults(run=restore)


def start(args: argparse.Namespace) -> int:
    """Start our own server and note that it is to stay."""
    server = _own_server("start")
    begun = server.start()
    server.keep(True)
    print("The database is up." if begun else "The database was up already.")
    print(f"DATABASE_URL='{server.url}'")
    return 0


def stop(args: argparse.Namespace) -> int:
    """Stop our own server unless somebody uses it."""
    server = _own_server("stop")
    server.keep(False)
    if not server.stop_unless_used():
        raise Complaint(
            "The database is in use: a demo or another command is running over it.",
            "Stop that first, for example with Ctrl-C; the database stops with the last of them.",
        )
    print("The database is stopped.")
    return 0


def status(args: argparse.Namespace) -> int:
    """Say whether the database answers, where it is and how large."""
    given = os.environ.get("DATABASE_URL")
    if not given:
        server = Server.at_home()
        if not server.is_running():
            print(f"The database in {server.data} is not running.")
            return NOT_RUNNING
        given = server.url
    try:
        with _connection(given) as connection:
            size, version = _one(
                connection,
                "SELECT pg_size_pretty(pg_database_size(current_database())),"
                " current_setting('server_version')",
            )
    except Complaint as complaint:
        print(complaint)
        return NOT_RUNNING
    shown = make_conninfo("", **{**conninfo_to_dict(given), "password": None})
    print(f"The database answers: PostgreSQL {version}, {size}.\nIt is at: {shown}")
    return 0


def shell(args: argparse.Namespace) -> int:
    """Open psql."""
    psql = find_binaries().program("psql")
    with database() as url:
        with _connection(url):
            pass  # what is wrong with the address is told in our words, not the program's
        dsn, environment = _for_programs(url)
        return subprocess.run([psql, dsn], env=environment).returncode


def backup(args: argparse.Namespace) -> int:
    """Write the whole database into a file, or leave no file at all."""
    file: Path = args.file
    if file.is_dir():
        raise Complaint(f"{file} is a folder.", "Name a file in it.")
    if file.exists() and not args.replace:
        raise Complaint(
            f"There is a file {file} already.", "Choose another name, or add --replace."
        )
    part = file.with_name(f"{file.name}.part")
    try:
        os.close(os.open(part, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600))  # people's data
    except OSError as error:
        raise Complaint(
            f"Cannot write {file}: {error.strerror}.",
            "Name a file in a folder that you may write in.",
        ) from error
    try:
        with database() as url:
            with _connection(url):
                pass  # a server that does not answer is best told before any program is asked
            _program(
                url,
                ["pg_dump", "--format=custom", f"--file={part}", "--dbname"],
                "The database could not be backed up",
                OTHER_PROGRAMS,
            )
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
    print(f"Backed up into {file} ({-(-file.stat().st_size // 1000):,} kB).")
    return 0


def restore(args: argparse.Namespace) -> int:
    """Fill the database from a backup; what was there stays until the new one is whole."""
    file: Path = args.file
    _check_backup(file)
    with database() as url:
        if not args.replace and not _is_empty(url):
            raise Complaint(
                "The database is not empty, and a restore would replace all that is in it.",
                "If that is what you want, stop the site and add --replace.",
            )
        with _connection(url) as connection:
            name = connection.info.dbname
        fresh = f"{name[:40]}_{secrets.token_hex(6)}"
        with _maintenance(url) as connection:
            _create(connection, fresh)
            try:
                new_url = make_conninfo(url, dbname=fresh)
                _fill(new_url, file)
                with _connection(new_url) as filled:
                    filled.execute("ANALYZE")
                _swap(connection, name, fresh)
            finally:
                _drop(connection, fresh)  # after the swap this is the old one
    print(f"Restored from {file}.")
    return 0


def _own_server(verb: str) -> Server:
    if os.environ.get("DATABASE_URL"):
        raise Complaint(
            f"DATABASE_URL names a server, which Commonweal does not {verb}.",
            f"Unset DATABASE_URL to {verb} Commonweal's own.",
        )
    return Server.at_home()


@contextmanager
def _connection(url: str) -> Iterator[Rows]:
    try:
        connection = connect(url, autocommit=True, connect_timeout=10)
    except (OperationalError, ProgrammingError) as error:
        raise Complaint(
            f"The database does not answer:\n  {str(error).strip()}", "Look at DATABASE_URL."
        ) from error
    with connection:
        yield connection


@contextmanager
def _maintenance(url: str) -> Iterator[Rows]:
    """Connect to a database beside the site's own, which cannot rename itself."""
    try:
        with _connection(make_conninfo(url, dbname="postgres")):
            beside = "postgres"
    except Complaint:
        beside = "template1"
    with _connection(make_conninfo(url, dbname=beside)) as connection:
        yield connection


def _one(connection: Rows, query: str) -> tuple[Any, ...]:
    row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row


def _is_empty(url: str) -> bool:
    with _connection(url) as connection:
        (count,) = _one(
            connection,
            "SELECT count(*) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE c.relkind IN ('r', 'p', 'S', 'v', 'm')"
            " AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')",
        )
    return int(count) == 0


def _create(connection: Rows, name: str) -> None:
    command = sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name))
    try:
        connection.execute(command)
    except ProgrammingError as error:
        raise Complaint(
            f"A restore fills a new database first, which could not be made: {error}",
            "Let the database's owner make databases: ALTER ROLE site CREATEDB",
        ) from error


def _fill(url: str, file: Path) -> None:
    whole_or_nothing = ["--exit-on-error", "--single-transaction"]
    owned_by_us = ["--no-owner", "--no-privileges"]
    _program(
        url,
        ["pg_restore", *whole_or_nothing, *owned_by_us, str(file), "--dbname"],
        f"The backup {file} could not be restored; the database is as it was",
        "The file may be cut short or damaged: take another backup. " + OTHER_PROGRAMS,
    )


def _swap(connection: Rows, name: str, fresh: str) -> None:
    """Give two databases each other's name, all in one transaction, with everybody shown out."""
    current, new = sql.Identifier(name), sql.Identifier(fresh)
    aside = sql.Identifier(f"{fresh}_old")
    rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
    for _ in range(ATTEMPTS):  # somebody may come in between being shown out and the lock
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = ANY(%s)",
            [[name, fresh]],
        )
        try:
            with connection.transaction():
                connection.execute(rename.format(current, aside))
                connection.execute(rename.format(new, current))
                connection.execute(rename.format(aside, new))
            return
        except ObjectInUse:
            continue
    raise Complaint(
        "The database is in use all the time, so the backup could not take its place.",
        "Stop the web server and the worker, then try again.",
    )


def _drop(connection: Rows, name: str) -> None:
    connection.execute(
        sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    )


def _check_backup(file: Path) -> None:
    try:
        with file.open("rb") as opened:
            beginning = opened.read(len(MAGIC))
    except FileNotFoundError as error:
        raise Complaint(f"There is no file {file}.", "Look at its name and folder.") from error
    except OSError as error:
        raise Complaint(f"Cannot read {file}: {error.strerror}.") from error
    if beginning != MAGIC:
        raise Complaint(
            f"{file} is not a backup that `commonweal db backup` wrote.", "Name such a file."
        )


def _program(url: str, command: list[str], trouble: str, mend: str) -> None:
    """Run one of PostgreSQL's programs, the last argument being the database."""
    dsn, environment = _for_programs(url)
    program = find_binaries().program(command[0])
    done = subprocess.run(
        [program, *command[1:], dsn], env=environment, capture_output=True, text=True
    )
    if done.returncode:
        said = "\n".join(f"  {line}" for line in done.stderr.strip().splitlines()[-6:])
        if "No space left on device" in said:
            raise Complaint(f"{trouble}: the disk is full.", "Make room, then try again.")
        raise Complaint(f"{trouble}:\n{said}", mend)


def _for_programs(url: str) -> tuple[str, dict[str, str]]:
    """Return the address without its password, and an environment that holds it out of sight."""
    parts = conninfo_to_dict(url)
    password = parts.pop("password", None)
    secret = {"PGPASSWORD": str(password)} if password else {}
    return make_conninfo("", **parts), os.environ | secret
