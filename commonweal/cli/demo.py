"""``commonweal demo``: the example borough on this machine, with everything it needs."""

import argparse
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import time
import webbrowser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

from commonweal.cli.children import ChildDied, Children, last_lines
from commonweal.cli.site import (
    DJANGO,
    PYTHON,
    Commands,
    ensure_port_is_free,
    port_number,
    serve_command,
    worker_command,
)
from commonweal.kit.complaint import Complaint
from commonweal.kit.home import home
from commonweal.kit.postgres import Server

HOST = "127.0.0.1"
PATIENCE = 60.0  # seconds until the first page must have come
GLANCE = 0.3  # seconds between two looks at the children


class Stopped(Exception):
    """Somebody asked the demo to stop: Ctrl-C, or a polite signal."""


def register(commands: Commands) -> None:
    """Describe the command."""
    demo = commands.add_parser(
        "demo",
        help="run the example borough",
        description="Run the example borough on this machine: database, web server, job worker and"
        " a mail server that keeps every mail here. The first start fills the borough, which"
        " takes a minute or two; later ones keep what is there. Ctrl-C stops everything.",
    )
    demo.add_argument("--port", type=port_number, default=8000, help="port of the site (8000)")
    demo.add_argument("--no-open", action="store_true", help="do not open a browser")
    demo.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Run the borough until it is stopped (exit code 0) or a part of it breaks (1)."""
    ensure_port_is_free(
        HOST, args.port, f"Choose another: make demo PORT={args.port % 65535 + 1000}"
    )
    children = Children(home() / "log")
    try:
        with stopping_politely(), one_demo_at_a_time():
            with step("Starting the database"):
                server = Server.at_home()
            with server.in_use():
                try:
                    _run_borough(children, server, args)
                finally:
                    children.stop()
    except Stopped:
        print("\nStopped; the borough is kept for next time.")
        return 0
    except ChildDied as died:
        print(died, file=sys.stderr)
        return 1
    return 0


def _run_borough(children: Children, server: Server, args: argparse.Namespace) -> None:
    mail_port = free_port()
    environment = demo_environment(server.url, args.port, mail_port)
    prepare(environment)
    mailbox = [*PYTHON, "commonweal.cli.mailbox", str(mail_port), str(home() / "mail")]
    children.start("mail server", mailbox, environment)
    children.start("web server", serve_command(HOST, args.port, 2, 4), environment)
    address = f"http://localhost:{args.port}/"
    with step("Waiting for the first page"):
        await_page(f"http://{HOST}:{args.port}/", children)
    children.start("job worker", worker_command(2), environment)  # not before: two cores are few
    told = codes(home() / "demo-codes.json")
    print(welcome(address, people(home() / "demo-people.json"), told), flush=True)
    if not args.no_open and sys.stdout.isatty() and _has_screen():
        webbrowser.open(address)
    while True:
        children.check()
        if not server.is_alive():
            raise ChildDied(
                f"The database stopped by itself. The end of {server.log}:\n"
                f"{last_lines(server.log)}\nStart the demo again: what was saved is kept."
            )
        time.sleep(GLANCE)


def demo_environment(url: str, port: int, mail_port: int) -> dict[str, str]:
    """Return the environment of every process of the demo."""
    return os.environ | {
        "COMMONWEAL_MODE": "demo",
        "COMMONWEAL_HOME": str(home()),
        "COMMONWEAL_PORT": str(port),
        "COMMONWEAL_SMTP": f"{HOST}:{mail_port}",
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "commonweal.web.settings",
        "PYTHONUNBUFFERED": "1",
    }


def prepare(environment: dict[str, str]) -> None:
    """Bring tables, static files and the example borough up to date, in one process."""
    log = home() / "log" / "prepare.log"
    with log.open("wb") as trouble:
        process = subprocess.Popen(
            [*DJANGO, "prepare_demo"], env=environment, stderr=trouble, start_new_session=True
        )
        try:
            code = process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if code:
        raise ChildDied(f"The borough could not be made ready:\n{last_lines(log)}")


def await_page(address: str, children: Children) -> None:
    """Wait until the site answers, watching that everything stays up."""
    opener = build_opener(ProxyHandler({}))  # this machine is reached without anybody's proxy
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        children.check()
        try:
            with opener.open(address, timeout=10) as answer:
                answer.read()
                return
        except URLError as error:
            reason = getattr(error, "code", None)
            if reason is not None:
                raise ChildDied(
                    f"The site answers {address} with an error ({reason}):\n"
                    f"{children.last_words('web server')}"
                ) from error
        except OSError:
            pass  # not there yet
        time.sleep(0.1)
    raise ChildDied(f"The site did not answer within {PATIENCE:.0f} seconds: {address}")


def people(file: Path) -> list[dict[str, str]]:
    """Return the example people that the filling of the borough wrote down."""
    try:
        listed: list[dict[str, str]] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    return listed


def codes(file: Path) -> dict[str, Any]:
    """Return the voting codes that the filling of the borough wrote down."""
    try:
        told: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told


def welcome(
    address: str, examples: list[dict[str, str]], codes: dict[str, Any] | None = None
) -> str:
    """Return the words that greet whoever started the demo."""
    lines = ["", f"Larkmere is open:  {address}", ""]
    if examples:
        lines.append("Be anyone of these with the bar at the top of each page, or sign in:")
        width = max(len(person["name"]) for person in examples)
        broad = max(len(person["standing"]) for person in examples)
        for person in examples:
            name, standing = person["name"].ljust(width), person["standing"].ljust(broad)
            lines.append(f"  {name}  {standing}  {person['email']}")
        lines += ["", f"The sign-in code arrives at {address}demo/mail/"]
    if codes:
        lines += ["", f"Or vote without an account at {address}v/ with a code; each works once:"]
        lines += [f"  {code}" for code in codes["codes"]]
        lines += [f"The electoral register of Quayside knows {codes['register']}.", ""]
    return "\n".join([*lines, "Ctrl-C stops everything."])


def free_port() -> int:
    """Return a port that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def step(words: str) -> Iterator[None]:
    """Say what takes a while, and how long it took if it was long."""
    begun = time.monotonic()
    print(f"{words} ...", flush=True)
    yield
    took = time.monotonic() - begun
    if took > 2:
        print(f"  done in {took:.0f} s", flush=True)


@contextmanager
def stopping_politely() -> Iterator[None]:
    """Turn Ctrl-C and a polite signal into ``Stopped``, wherever they find us."""

    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def stop(number: int, frame: FrameType | None) -> None:
        for each in signals:  # a second Ctrl-C must not cut the clearing up short
            signal.signal(each, signal.SIG_IGN)
        raise Stopped

    before = {number: signal.signal(number, stop) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def one_demo_at_a_time() -> Iterator[None]:
    """Refuse a second demo over the same state folder: both would fill it and share its mail."""
    with Server.at_home().open_beside("demo") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Complaint(
                f"A demo is running already with its state in {home()}.",
                "Stop that one with Ctrl-C, or run this one with a COMMONWEAL_HOME of its own.",
            ) from error
        yield


def _has_screen() -> bool:
    return sys.platform == "darwin" or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
