"""Commands that run the site: ``serve``, ``worker``, ``manage`` and ``check``."""

import argparse
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TypeAlias

from commonweal.kit.complaint import Complaint
from commonweal.kit.postgres import Server

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
PYTHON = [sys.executable, "-m"]
SITE = [*PYTHON, "commonweal.web"]  # a door that says in words what is wrong with the settings
DJANGO = [*SITE, "django"]

# What production cannot do without, and how to say so.
NEEDED = {
    "DATABASE_URL": "the database's address, for example postgresql://site@db.example/commonweal",
    "COMMONWEAL_SECRET_KEY": "a long random text that signs sessions; make one with:"
    " python3 -c 'import secrets; print(secrets.token_urlsafe(50))'",
    "COMMONWEAL_HOSTS": "the names the site answers to, separated by commas",
    "COMMONWEAL_SMTP": "the mail server, as host:port",
    "COMMONWEAL_FROM": "who the site's mail is from, for example Commonweal <hello@council.example>",
}
SHORTEST_KEY = 50


def register(commands: Commands) -> None:
    """Describe the four commands."""
    serve = commands.add_parser(
        "serve",
        help="run the web server",
        description="Run the web server. It uses the database in DATABASE_URL, or starts one of"
        " its own in the state folder for as long as it runs.",
    )
    serve.add_argument("--host", default="127.0.0.1", help="address to answer on (127.0.0.1)")
    serve.add_argument("--port", type=port_number, default=8000, help="port to answer on (8000)")
    serve.add_argument("--workers", type=at_least_one, default=2, help="processes (2)")
    serve.add_argument("--threads", type=at_least_one, default=4, help="threads in each (4)")
    serve.set_defaults(run=run_serve)

    worker = commands.add_parser(
        "worker",
        help="run the jobs the site leaves for later",
        description="Run the jobs that the site leaves for later, such as sending mail, until"
        " stopped. Several may run at once, on one machine or on many.",
    )
    worker.add_argument("--concurrency", type=at_least_one, default=2, help="jobs at a time (2)")
    worker.set_defaults(run=run_worker)

    manage = commands.add_parser(
        "manage",
        help="run one of Django's commands",
        description="Run one of Django's commands over this site. `commonweal manage help` lists"
        " them; `commonweal manage help migrate` explains one.",
        usage="commonweal manage COMMAND [options]",
    )
    manage.add_argument("subcommand", help="for example migrate, createcachetable or shell")
    manage.set_defaults(run=lambda args: run_manage([args.subcommand]))

    check = commands.add_parser(
        "check",
        help="say what must be mended",
        description="Check that the program is whole. With --deploy, say in plain words what must"
        " be mended before the site goes public; the exit code is then 2 if anything must.",
    )
    check.add_argument("--deploy", action="store_true", help="look at everything production needs")
    check.set_defaults(run=run_check)


def port_number(text: str) -> int:
    """Return a port from the command line."""
    number = int(text) if text.isdecimal() else 0
    if not 0 < number < 65536:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: give a number from 1 to 65535")
    return number


def at_least_one(text: str) -> int:
    """Return a count from the command line."""
    number = int(text) if text.isdecimal() else 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of at least 1")
    return number


def ensure_port_is_free(host: str, port: int, mend: str) -> None:
    """Complain if nobody could answer on this port."""
    if not host:
        raise Complaint(
            "There is no address to answer on.", "Give one: commonweal serve --host 127.0.0.1"
        )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError as error:
            raise Complaint(f"Only root may answer on port {port}.", mend) from error
        except OSError as error:
            if error.errno == 98 or "in use" in str(error):
                raise Complaint(f"Port {port} is in use by another program.", mend) from error
            raise Complaint(
                f"Cannot answer on {host}: {error.strerror or error}.",
                "Give an address of this machine: commonweal serve --host 127.0.0.1",
            ) from error


@contextmanager
def database() -> Iterator[str]:
    """Give the database's address: the one that is set, or our own server's while it is needed."""
    given = os.environ.get("DATABASE_URL")
    if given:
        yield given
        return
    with Server.at_home().in_use() as server:
        yield server.url


def environment(url: str) -> dict[str, str]:
    """Return the environment of a process of the site."""
    mode = "production" if os.environ.get("DATABASE_URL") else "demo"
    return {
        "COMMONWEAL_MODE": mode,
        "DJANGO_SETTINGS_MODULE": "commonweal.web.settings",
        **os.environ,
        "DATABASE_URL": url,
    }


def run_with_database(command: list[str]) -> int:
    """Run a command over the database until it ends, handing on the wish to stop."""
    with database() as url:
        process = subprocess.Popen(command, env=environment(url))

        def hand_on(number: int, frame: FrameType | None) -> None:
            process.send_signal(number)

        # At a terminal Ctrl-C reaches the child by itself: the whole group is told.
        at_terminal = sys.stdin is not None and sys.stdin.isatty()
        before = {
            signal.SIGTERM: signal.signal(signal.SIGTERM, hand_on),
            signal.SIGINT: signal.signal(signal.SIGINT, signal.SIG_IGN if at_terminal else hand_on),
        }
        try:
            code = process.wait()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    return 128 - code if code < 0 else code


def serve_command(host: str, port: int, workers: int, threads: int) -> list[str]:
    """Return the command that runs the web server."""
    bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return [
        *SITE, "gunicorn", "commonweal.web.wsgi:application", "--bind", bind,
        "--worker-class", "gthread", "--workers", str(workers), "--threads", str(threads),
        "--no-control-socket", "--graceful-timeout", "10", "--preload",
    ]  # fmt: skip


def worker_command(concurrency: int) -> list[str]:
    """Return the command that runs the job worker."""
    return [*DJANGO, "procrastinate", "worker", "--concurrency", str(concurrency)]


def run_serve(args: argparse.Namespace) -> int:
    """Run the web server until it is stopped."""
    other = max(args.port % 65535 + 1, 8000)  # low ones are root's
    ensure_port_is_free(args.host, args.port, f"Choose another: commonweal serve --port {other}")
    return run_with_database(serve_command(args.host, args.port, args.workers, args.threads))


def run_worker(args: argparse.Namespace) -> int:
    """Run the job worker until it is stopped."""
    return run_with_database(worker_command(args.concurrency))


def run_manage(given: list[str]) -> int:
    """Run one of Django's commands."""
    return run_with_database([*DJANGO, *given])


def run_check(args: argparse.Namespace) -> int:
    """Check the program, or all that production needs."""
    if not args.deploy:
        return run_with_database([*DJANGO, "check"])
    missing = deployment_gaps()
    for gap in missing:
        print(f"To mend: {gap}")
    if missing:
        print("\nThe rest is looked at once these are set.")
        return 2
    production = environment(os.environ["DATABASE_URL"]) | {"COMMONWEAL_MODE": "production"}
    steps = {
        "Settings": [*DJANGO, "check", "--deploy", "--fail-level", "WARNING"],
        "Database": [*SITE, "ready"],
    }
    wrong = 0
    for title, command in steps.items():
        done = subprocess.run(command, env=production, capture_output=True, text=True)
        wrong += bool(done.returncode)
        print(f"{title}: {'to mend' if done.returncode else 'in order'}")
        if done.returncode:
            print(_explained(done.stdout, done.stderr))
    return 2 if wrong else 0


def deployment_gaps() -> list[str]:
    """Return what the environment does not say, in plain words."""
    gaps = [
        f"{name} is not set: {what}." for name, what in NEEDED.items() if not os.environ.get(name)
    ]
    key = os.environ.get("COMMONWEAL_SECRET_KEY", "")
    if key and (len(key) < SHORTEST_KEY or len(set(key)) < 10):
        gaps.append(
            f"COMMONWEAL_SECRET_KEY is too easy to guess: give at least {SHORTEST_KEY} random letters."
        )
    mode = os.environ.get("COMMONWEAL_MODE", "production")
    if mode != "production":
        gaps.append(f"COMMONWEAL_MODE is {mode}: unset it, or say production.")
    if "*" in os.environ.get("COMMONWEAL_HOSTS", ""):
        gaps.append("COMMONWEAL_HOSTS lets any name in (*): list the site's own names.")
    return gaps


def _explained(out: str, err: str) -> str:
    """Return what was said, set in a little and without what is only told for the record."""
    lines = [line for line in (out + err).splitlines() if " INFO " not in line]
    return "\n".join(f"  {line}" for line in lines)
