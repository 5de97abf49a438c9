"""A line on the terminal that shows that long work goes on."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

AFTER_SECONDS = 2.0


@contextmanager
def patience(what: str) -> Iterator[None]:
    """Show what is being done, and for how long, once it has taken two seconds.

    Nothing is shown where nobody watches: the line goes to standard error, if that is a terminal.
    """
    if not sys.stderr.isatty():
        yield
        return
    over = threading.Event()
    watcher = threading.Thread(target=_watch, args=(what, over), daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()


def _watch(what: str, over: threading.Event) -> None:
    began = time.monotonic()
    if over.wait(AFTER_SECONDS):
        return
    while True:
        print(f"\r{what} {time.monotonic() - began:.0f} s ", end="", file=sys.stderr, flush=True)
        if over.wait(1):
            break
    print("\r\033[K", end="", file=sys.stderr, flush=True)
