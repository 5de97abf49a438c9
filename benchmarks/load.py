"""The load generator: sends ready-made requests and writes down every answer.

It is a program of its own, so that it takes nothing from what it measures but a little of the
machine's time: ``python -m benchmarks.load PLAN ANSWERS PORT HANDS SECONDS RATE``. ``PLAN`` is a
pickled list of ``(voter, request)``; ``HANDS`` send at the same time, each on a connection of its
own, which it keeps while the server does. With a ``RATE`` the requests fall due at random moments
(so many a second), and a time runs from when one was due, whether or not a hand was free.
"""

from __future__ import annotations

import asyncio
import pickle
import random
import re
import resource
import sys
from collections import deque
from pathlib import Path
from time import time
from typing import NamedTuple

PATIENCE = 30.0  # seconds a browser waits for an answer
AGAIN = 0.25  # seconds until somebody whose vote met a closed door sends it again
RECEIPT = re.compile(rb"\b[A-Z2-7]{4}(?:-[A-Z2-7]{4}){3}\b")
WHERE = re.compile(rb"\r\nlocation: *([^\r]+)", re.IGNORECASE)
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Answer(NamedTuple):
    """What came back: ``status`` 0 if nothing whole did, ``where`` it leads, ``at`` in Unix time.

    ``took`` is in seconds.
    """

    voter: str
    status: int
    at: float
    took: float
    receipt: str
    where: str


class Load:
    """Hands that take requests from one pile."""

    def __init__(self, plan: list[tuple[str, bytes]], port: int, until: float, rate: float) -> None:
        self.pile = deque(plan)
        self.port, self.until, self.rate = port, until, rate
        self.due = time()
        self.answers: list[Answer] = []

    async def hand(self) -> None:
        """Send one request after the other until the time is up."""
        line: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        while self.pile and time() < self.until:
            voter, request = self.pile.popleft()
            begun = await self._moment()
            status, head, body = 0, b"", b""
            try:
                if line is None:
                    line = await asyncio.open_connection("127.0.0.1", self.port)
                line[1].write(request)
                async with asyncio.timeout(PATIENCE):
                    head = await line[0].readuntil(b"\r\n\r\n")
                    length = LENGTH.search(head)
                    body = await (line[0].readexactly(int(length[1])) if length else line[0].read())
                status = int(head[9:12])
            except (OSError, asyncio.IncompleteReadError, TimeoutError):
                pass
            receipt = RECEIPT.search(head) or RECEIPT.search(body)
            code = receipt[0].decode() if receipt else ""
            led = WHERE.search(head)
            where = led[1].decode() if led else ""
            self.answers.append(Answer(voter, status, begun, time() - begun, code, where))
            if line is not None and (not status or b"onnection: close" in head):
                line[1].close()
                line = None
            if not status or status >= 500:
                self.pile.append((voter, request))
                await asyncio.sleep(AGAIN)
        if line is not None:
            line[1].close()

    async def _moment(self) -> float:
        """Wait until the next request is due, and return when that was."""
        if not self.rate:
            return time()
        self.due += random.expovariate(self.rate)
        due = self.due
        await asyncio.sleep(max(0.0, due - time()))
        return due

    async def run(self, hands: int) -> None:
        """Send with all hands."""
        await asyncio.gather(*(self.hand() for _ in range(hands)))


def main() -> None:
    """Send what is planned, and leave the answers and this program's own CPU seconds."""
    plan, answers, port, hands, seconds, rate = sys.argv[1:]
    load = Load(
        pickle.loads(Path(plan).read_bytes()), int(port), time() + float(seconds), float(rate)
    )
    asyncio.run(load.run(int(hands)))
    used = resource.getrusage(resource.RUSAGE_SELF)
    told = ([tuple(answer) for answer in load.answers], used.ru_utime + used.ru_stime)
    Path(answers).write_bytes(pickle.dumps(told))


if __name__ == "__main__":
    main()
