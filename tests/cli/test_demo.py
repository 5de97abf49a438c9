"""The demo as a whole, over a borough of one row: filling the real one is tested with its pages."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from commonweal.cli import demo, site
from commonweal.kit.postgres import Server
from tests.cli.test_main import COMMONWEAL
from tests.kit.test_postgres import processes_of

FOUND = """
from django.core.management import call_command; call_command("migrate", verbosity=0)
from django.utils import timezone
from commonweal.ground.places.actions import found_authority
found_authority(name="Larkmere", short_name="Larkmere", slug="larkmere", run_by="", phone="",
    email="", at=timezone.now())
"""


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder whose borough counts as filled."""
    for name in [n for n in os.environ if n.startswith("COMMONWEAL_")] + ["DATABASE_URL"]:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COMMONWEAL_HOME", str(tmp_path))
    assert site.run_manage(["shell", "--no-imports", "-v", "0", "-c", FOUND]) == 0
    return tmp_path


@contextmanager
def running(port: int, unsaid: Sequence[str] = ()) -> Iterator["subprocess.Popen[str]"]:
    """Run the demo until its greeting is complete; a start that only resumes leaves words unsaid."""
    command = [str(COMMONWEAL), "demo", "--port", str(port), "--no-open"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/"
    ) as process:
        try:
            assert process.stdout is not None
            said = []
            while not said or "Ctrl-C stops everything" not in said[-1]:
                said.append(process.stdout.readline())
                assert said[-1], said
            assert f"http://localhost:{port}/" in "".join(said)
            assert [words for words in unsaid if words in "".join(said)] == []
            yield process
        finally:
            process.terminate()


def is_left(state: Path) -> bool:
    """Tell whether a process of this demo is still there after twenty seconds."""
    deadline = time.monotonic() + 20
    while processes_of(state) and time.monotonic() < deadline:
        time.sleep(0.1)
    return bool(processes_of(state))


def test_the_demo_starts_stops_and_bears_a_blow(state: Path) -> None:
    port = demo.free_port()
    with running(port) as process, urlopen(f"http://localhost:{port}/health/") as answer:
        assert answer.status == 200
        assert processes_of(state)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
        assert process.stdout is not None
        assert "the borough is kept" in process.stdout.read()
    assert processes_of(state) == []

    with running(port, unsaid=("Making the tables", "Collecting")) as process:
        server = Server(next(state.glob("postgres-*/PG_VERSION")).parent)
        os.kill(int((server.data / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
        assert process.wait(20) == 1
        assert process.stdout is not None
        assert "The database stopped by itself" in process.stdout.read()
    assert not is_left(state)
