"""Starts and stops a PostgreSQL of our own: one folder, one server, a socket and no network.

Only ``initdb`` and ``postgres`` are needed, wherever they come from (see ``programs``).
The server lives in its data folder; whoever can write that folder may start, use or stop it.
"""

import errno
import fcntl
import hashlib
import os
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import quote

from commonweal.kit.complaint import Complaint
from commonweal.kit.home import home
from commonweal.kit.programs import (
    Binaries,
    environment,
    find_binaries,
    identity,
    prefix,
    server_uid,
)

NAME = "commonweal"  # of the database and of the role that owns it
PATIENCE = 20.0  # seconds a killed server may take to vanish, or a recovering one to be ready
SOCKET_LIMIT = 90  # bytes of the folder's path; the kernel allows 107 with the file's own name
ENCRYPTION_REQUEST = 80877103  # a number of PostgreSQL's protocol
ROOM = 200 * 1024 * 1024  # bytes a fresh server needs before it is worth beginning

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "jit": "off",
    "max_connections": "80",
    "shared_buffers": "256MB",
    "effective_cache_size": "1GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "random_page_cost": "1.1",
    "max_wal_size": "1GB",
    "wal_recycle": "off",  # a recycled file of the log still holds what was written before
    "log_line_prefix": "%m [%p] ",
}
# A test's data may vanish with the machine, so nothing waits for the disk.
THROW_AWAY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
}

# What an undertaker does: for a throw-away server and its folder, or for one in use.
BURY = 'kill -INT "$1"; while kill -0 "$1"; do sleep 0.1; done; rm -rf "$2"'
LEAVE = (
    "import pathlib, sys; from commonweal.kit.postgres import Server;"
    " Server(pathlib.Path(sys.argv[1])).leave()"
)


class Server:
    """A PostgreSQL server in a folder of its own."""

    def __init__(
        self, data: Path, *, binaries: Binaries | None = None, ephemeral: bool = False
    ) -> None:
        self.data = data.resolve()
        self.binaries = binaries or find_binaries()
        self.ephemeral = ephemeral
        self.log = self.data.parent / "log" / f"{self.data.name}.log"
        self._child: subprocess.Popen[bytes] | None = None

    @classmethod
    def at_home(cls) -> "Server":
        """Return the server of this installation; its folder names the major version."""
        binaries = find_binaries()
        data = home() / f"postgres-{binaries.major}"
        try:
            full = [p.parent for p in home().glob("postgres-*/PG_VERSION")]
            is_new = not data.exists()
        except PermissionError as error:
            raise _unwritable(home(), error) from error
        others = [p for p in full if p.name[9:].isdigit() and p != data]
        if others and is_new:
            raise _other_version(max(others, key=lambda p: int(p.name[9:])), binaries)
        return cls(data, binaries=binaries)

    @property
    def socket_folder(self) -> Path:
        """The folder with the server's socket: the running server's own word comes first."""
        lines = self._notes()
        if self._pid() and len(lines) > 4 and lines[4]:
            return Path(lines[4])
        beside = self.data.with_name(f"{self.data.name}.run")
        if len(os.fsencode(beside)) <= SOCKET_LIMIT:
            return beside
        mark = hashlib.sha256(os.fsencode(self.data)).hexdigest()[:12]
        for temporary in (tempfile.gettempdir(), "/tmp"):  # noqa: S108 (mode and owner are checked)
            folder = Path(temporary) / f"commonweal-{os.getuid()}-{mark}"
            if len(os.fsencode(folder)) <= SOCKET_LIMIT:
                return folder
        raise Complaint(
            f"The path {self.data} is too long for the database's socket.",
            "Name a shorter state folder in COMMONWEAL_HOME.",
        )

    @property
    def url(self) -> str:
        """The server's address, as ``DATABASE_URL`` wants it."""
        return self.url_of(NAME)

    def url_of(self, database: str) -> str:
        """Return the address of one database of this server."""
        return f"postgresql:///{database}?host={quote(str(self.socket_folder))}&user={NAME}"

    def is_alive(self) -> bool:
        """Tell whether the server's process is there, ready or not, without asking it anything."""
        return self._pid() is not None

    def is_running(self) -> bool:
        """Tell whether the server is up and takes connections."""
        lines = self._notes()
        ready = len(lines) > 7 and lines[7].strip() == "ready"
        return ready and self._pid() is not None and self._answers()

    def start(self) -> bool:
        """Start the server, first making its folder if need be; tell whether it was this call that did."""
        with self._lock():
            self._await_changes()
            if self.is_running():
                return False
            self._prepare()
            self._launch()
            return True

    def stop(self) -> bool:
        """Stop the server and wait until it is gone; tell whether there was one."""
        if not self.data.parent.is_dir():
            return False
        with self._lock():
            pid, sockets = self._pid(), self.socket_folder
            if pid is None:
                return False
            try:
                os.kill(pid, signal.SIGINT)  # PostgreSQL's "fast" stop: roll back, save, leave
            except PermissionError as error:
                raise _not_ours(self.data) from error
            self._wait_until_gone(pid)
            shutil.rmtree(sockets, ignore_errors=True)
            return True

    @contextmanager
    def in_use(self) -> Iterator["Server"]:
        """Have the server up for the length of a block; the last one to leave stops it.

        A server started by hand (``keep``) stays.
        """
        with self.open_beside("users") as users:
            fcntl.flock(users, fcntl.LOCK_SH)
            try:
                self.start()
                with _undertaker('exec "$@"', sys.executable, "-c", LEAVE, str(self.data)):
                    yield self
            finally:
                if not self._kept.exists() and _take(users):
                    self.stop()

    def leave(self) -> None:
        """Stop the server in place of somebody who left an ``in_use`` block by being killed."""
        if not self._kept.exists():
            self.stop_unless_used()

    def stop_unless_used(self) -> bool:
        """Stop the server if nobody is in an ``in_use`` block; tell whether it is down."""
        with self.open_beside("users") as users:
            if not _take(users):
                return False
            self.stop()
            return True

    def keep(self, kept: bool) -> None:
        """Note whether the server was started by hand and stays up when nobody uses it."""
        if kept:
            self._kept.touch()
        else:
            self._kept.unlink(missing_ok=True)

    @property
    def _kept(self) -> Path:
        return self.data.with_name(f"{self.data.name}.keep")

    def _notes(self) -> list[str]:
        """Return what the server wrote about itself: pid, folder, start, port, socket, ..., state."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except (FileNotFoundError, NotADirectoryError):
            return []
        except PermissionError as error:
            raise _not_ours(self.data) from error
        return lines if lines and lines[0].isdigit() else []

    def _pid(self) -> int | None:
        """Return the number of the living server, ready or not."""
        lines = self._notes()
        return int(lines[0]) if lines and _is_postgres(int(lines[0])) else None

    def _answers(self) -> bool:
        """Ask the server for encryption, which it declines: a dying one says nothing any more."""
        with socket.socket(socket.AF_UNIX) as line:
            line.settimeout(PATIENCE)
            try:
                line.connect(str(self.socket_folder / ".s.PGSQL.5432"))
                line.sendall(struct.pack("!ii", 8, ENCRYPTION_REQUEST))
                return line.recv(1) != b""
            except OSError:
                return False

    def _await_changes(self) -> None:
        """Wait while a server that nobody watches any more is still coming up or going down."""
        deadline = time.monotonic() + PATIENCE
        while self._pid() and not self.is_running() and time.monotonic() < deadline:
            time.sleep(0.05)

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Let one process at a time start or stop this server."""
        with self.open_beside("lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def open_beside(self, ending: str) -> IO[str]:
        """Open a file beside the data folder that processes may lock to keep out of each other's way."""
        self._make_folder()
        path = self.data.with_name(f"{self.data.name}.{ending}")
        try:
            return path.open("a")
        except OSError as error:
            raise _unwritable(path.parent, error) from error

    def _make_folder(self) -> None:
        try:
            self.data.parent.mkdir(parents=True, exist_ok=True)
            self.log.parent.mkdir(exist_ok=True)
        except OSError as error:
            raise _unwritable(self.data.parent, error) from error
        if not os.access(self.data.parent, os.W_OK | os.X_OK):
            raise _unwritable(self.data.parent, OSError(errno.EACCES, os.strerror(errno.EACCES)))

    def _prepare(self) -> None:
        """Make the data folder, whole or not at all, and see that it is of our version."""
        version = self.data / "PG_VERSION"
        if version.exists():
            if version.read_text().strip() != str(self.binaries.major):
                raise _other_version(self.data, self.binaries)
            return
        if self.data.exists() and any(self.data.iterdir()):
            raise Complaint(
                f"The folder {self.data} is not empty and holds no PostgreSQL data.",
                "Move it away, or name another state folder in COMMONWEAL_HOME.",
            )
        if shutil.disk_usage(self.data.parent).free < ROOM:
            raise _disk_full(self.data)
        half_made = self.data.with_name(f"{self.data.name}.new")
        shutil.rmtree(half_made, ignore_errors=True)
        self._own(half_made)
        try:
            self._initialise(half_made)
            half_made.rename(self.data)
        finally:
            shutil.rmtree(half_made, ignore_errors=True)

    def copy(self, other: Path) -> None:
        """Take the data folder of a server that was stopped as the beginning of this one."""
        self._own(self.data)
        shutil.copytree(other, self.data, dirs_exist_ok=True)
        if identity():
            for path in (self.data, *self.data.rglob("*")):
                os.chown(path, server_uid(), -1)

    def _initialise(self, folder: Path) -> None:
        locale = (
            ["--locale-provider=builtin", "--locale=C.UTF-8"]
            if self.binaries.major >= 17
            else ["--no-locale"]
        )
        hurry = ["--no-sync"] if self.ephemeral else []
        common = [f"--pgdata={folder}", f"--username={NAME}", "--auth=trust", "--encoding=UTF8"]
        self._run([self.binaries.program("initdb"), *common, *locale, *hurry], "")
        single = [self.binaries.program("postgres"), "--single", "-D", str(folder), "postgres"]
        self._run(single, f"CREATE DATABASE {NAME}\n")

    def _run(self, command: list[str], text: str) -> None:
        done = subprocess.run(
            [*prefix(), *command],
            input=text,
            capture_output=True,
            text=True,
            env=environment(),
            cwd="/",
            **identity(),
        )
        said = done.stdout + done.stderr
        if "No space left on device" in said:
            raise _disk_full(self.data)
        if done.returncode or "FATAL:" in said or "ERROR:" in said:
            raise Complaint(
                f"PostgreSQL could not make the folder {self.data}:\n{_tail(said)}",
                "Name another state folder in COMMONWEAL_HOME, one that every user may enter.",
            )

    def _own(self, folder: Path) -> None:
        """Make a folder that the server alone can enter."""
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise _unwritable(folder, error) from error
        told = folder.lstat()
        if not stat.S_ISDIR(told.st_mode) or told.st_uid not in {os.getuid(), server_uid()}:
            raise Complaint(
                f"The folder {folder} belongs to somebody else.", "Remove it, then try again."
            )
        folder.chmod(0o700)
        if identity():
            os.chown(folder, server_uid(), -1)

    def _launch(self) -> None:
        """Start the server, trying again while a killed one has not yet vanished."""
        deadline = time.monotonic() + PATIENCE
        while True:
            self._disown_stale_notes()
            begun = self.log.stat().st_size if self.log.exists() else 0
            self._spawn()
            if self._is_ready_before(deadline + PATIENCE):
                return
            with self.log.open("rb") as log:
                log.seek(begun)
                said = log.read().decode(errors="replace")
            if "No space left on device" in said:
                raise _disk_full(self.data)
            passing = "already exists" in said or "still in use" in said
            if not passing or time.monotonic() > deadline:
                raise Complaint(
                    f"PostgreSQL did not start in {self.data}:\n{_tail(said)}",
                    f"The whole story is in {self.log}.",
                )
            time.sleep(0.3)

    def _disown_stale_notes(self) -> None:
        """Point the notes of a dead server at ourselves when its number is a zombie's or another's.

        PostgreSQL would take that number for a living server and refuse for ever. It does not mind
        the number of its own parent, and still checks that no orphan uses the old shared memory.
        """
        path, lines = self.data / "postmaster.pid", self._notes()
        if lines and self._pid() is None:
            path.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
        elif not lines:
            path.unlink(missing_ok=True)  # cut off before it was written; PostgreSQL would refuse

    def _spawn(self) -> None:
        sockets = self.socket_folder
        self._own(sockets)
        if self._pid() is None:
            for stale in sockets.glob(".s.PGSQL.*"):
                stale.unlink()
        settings = SETTINGS | (THROW_AWAY if self.ephemeral else {})
        settings["unix_socket_directories"] = str(sockets)
        command = [self.binaries.program("postgres"), "-D", str(self.data)]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                [*prefix(), *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment(),
                cwd="/",
                start_new_session=True,  # Ctrl-C is for us; we stop the server in good order
                **identity(),
            )

    def _is_ready_before(self, deadline: float) -> bool:
        assert self._child is not None
        while time.monotonic() < deadline:
            if self._child.poll() is not None:
                return False
            lines = self._notes()
            if lines and int(lines[0]) == self._child.pid and self.is_running():
                return True
            time.sleep(0.02)
        self._child.terminate()
        self._child.wait()
        return False

    def _wait_until_gone(self, pid: int) -> None:
        deadline = time.monotonic() + 3 * PATIENCE
        while _is_postgres(pid):
            if self._child is not None and self._child.pid == pid:
                self._child.poll()  # reaps our own child, which would stay a zombie
            if time.monotonic() > deadline:
                raise Complaint(
                    f"The database server (process {pid}) does not stop.",
                    f"Look at {self.log}, then end it with: kill -QUIT {pid}",
                )
            time.sleep(0.02)
        if self._child is not None and self._child.pid == pid:
            self._child.wait()


@contextmanager
def ephemeral(like: Path | None = None) -> Iterator[Server]:
    """Start a throw-away server in a folder of its own; it is gone afterwards, even if we are killed.

    It begins empty, or ``like`` the data folder of a server that was stopped.
    """
    folder = Path(tempfile.mkdtemp(prefix="cw-"))
    if identity():
        folder.chmod(0o711)
    server = Server(folder / "data", ephemeral=True)
    try:
        if like is not None:
            server.copy(like)
        server.start()
        assert server._child is not None
        with _undertaker(BURY, str(server._child.pid), str(folder)):
            yield server
            server.stop()
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _undertaker(script: str, *words: str) -> Iterator[None]:
    """Have a script of the shell run when this process ends before the block does."""
    with subprocess.Popen(
        ["/bin/sh", "-c", f"read -r _; {script}", "undertaker", *words],
        stdin=subprocess.PIPE,  # closed by the kernel when we die
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            yield
        finally:
            process.kill()


def _take(users: IO[str]) -> bool:
    """Tell whether nobody else holds the lock, and hold it alone if so."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_postgres(pid: int) -> bool:
    """Tell whether a process is alive and a PostgreSQL server (neither a zombie nor a stranger)."""
    proc = Path("/proc/self/stat")
    if proc.exists():
        try:
            told = Path(f"/proc/{pid}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            return False
        name, _, rest = told.partition("(")[2].rpartition(")")
        return name.startswith("postgres") and rest.split()[0] not in "ZX"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _tail(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.strip().splitlines()[-6:])


def _unwritable(folder: Path, error: OSError) -> Complaint:
    if error.errno == errno.ENOSPC:
        return _disk_full(folder)
    return Complaint(
        f"Cannot write in the folder {folder}: {error.strerror}.",
        "Give yourself leave to write there, or name another state folder in COMMONWEAL_HOME.",
    )


def _disk_full(folder: Path) -> Complaint:
    return Complaint(
        f"There is not enough room on the disk for the database in {folder}.",
        f"Free at least {ROOM // 1024 // 1024} MB, or name a folder on another disk in COMMONWEAL_HOME.",
    )


def _not_ours(data: Path) -> Complaint:
    return Complaint(
        f"The database in {data} belongs to another user.",
        "Run this as that user, or name another state folder in COMMONWEAL_HOME.",
    )


def _other_version(data: Path, binaries: Binaries) -> Complaint:
    theirs = (data / "PG_VERSION").read_text().strip()
    return Complaint(
        f"The data in {data} is of PostgreSQL {theirs}; the server here is version {binaries.major}.",
        f"Back up with the old server: COMMONWEAL_PG_BIN=/path/to/{theirs}/bin commonweal db backup FILE."
        f" Then move {data} away, unset COMMONWEAL_PG_BIN and run: commonweal db restore FILE",
    )
