"""Runs a few processes side by side: all of them, or none."""

import os
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from commonweal.kit.complaint import Complaint

PATIENCE = 15.0  # seconds a child may take to stop before it is killed
LAST_LINES = 12


class ChildDied(Exception):
    """A child ended by itself; the message names it and holds the last lines of its log."""


@dataclass
class Children:
    """Processes that are started one after another, watched, and stopped in reverse."""

    logs: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    watchers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self, name: str, command: list[str], environment: Mapping[str, str]) -> None:
        """Start a process that writes into a log of its own."""
        try:
            self.logs.mkdir(parents=True, exist_ok=True)
            with self._log(name).open("wb") as log:
                self.running[name] = subprocess.Popen(
                    command,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,  # Ctrl-C is for us; we stop the children in order
                )
        except OSError as error:
            raise Complaint(f"Cannot start the {name}: {error}.") from error
        self._watch(self.running[name].pid)

    def check(self) -> None:
        """Raise ``ChildDied`` if one of them is no longer there."""
        for name, process in self.running.items():
            code = process.poll()
            if code is not None:
                raise ChildDied(
                    f"The {name} stopped by itself (code {code}). The end of {self._log(name)}:\n"
                    f"{self.last_words(name)}"
                )

    def stop(self) -> None:
        """Stop them, the last one first, and wait until each and all it started are gone."""
        while self.running:
            _, process = self.running.popitem()
            if process.poll() is None:
                process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(PATIENCE)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # whatever it left behind
            process.wait()
        while self.watchers:
            watcher = self.watchers.pop()
            watcher.kill()
            watcher.communicate()

    def _watch(self, group: int) -> None:
        """Have a child stopped when this process ends without having done so itself."""
        script = 'read -r _; kill -TERM -"$1"'
        watcher = subprocess.Popen(
            ["/bin/sh", "-c", script, "watcher", str(group)],
            stdin=subprocess.PIPE,  # closed by the kernel when we die
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self.watchers.append(watcher)

    def last_words(self, name: str) -> str:
        """Return the end of a child's log."""
        return last_lines(self._log(name))

    def _log(self, name: str) -> Path:
        return self.logs / f"{name.replace(' ', '-')}.log"


def last_lines(log: Path) -> str:
    """Return the end of a log, set in a little."""
    lines = log.read_text(errors="replace").splitlines()[-LAST_LINES:]
    return "\n".join(f"  {line}" for line in lines)
