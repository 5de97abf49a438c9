"""Long work shows on a terminal that it goes on."""

import os
import pty
import subprocess
import sys
from pathlib import Path

LONG = """
import time
from commonweal.cli import patience
patience.AFTER_SECONDS = 0.2
with patience.patience("Counting ..."):
    time.sleep({seconds})
print("done")
"""


def on_a_terminal(script: str) -> str:
    """Run Python with a terminal for standard error, and return what that showed."""
    ours, theirs = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=theirs, text=True, timeout=60
    )
    os.close(theirs)
    shown = b""
    try:
        while part := os.read(ours, 4096):
            shown += part
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    assert done.stdout == "done\n"
    return shown.decode()


def test_long_work_shows_what_it_does_and_short_work_nothing() -> None:
    shown = on_a_terminal(LONG.format(seconds=0.6))
    assert "Counting ... 0 s" in shown
    assert shown.endswith("\r\033[K")
    assert on_a_terminal(LONG.format(seconds=0)) == ""


def test_nothing_is_shown_where_nobody_watches(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LONG.format(seconds=0.6)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
    )
    assert (done.stdout, done.stderr) == ("done\n", "")
