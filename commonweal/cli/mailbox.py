"""The demo's mail server: takes every mail and keeps it as a file, so nothing leaves the machine.

Run as ``python -m commonweal.cli.mailbox PORT FOLDER``; the pages of the demo show the folder.
"""

import asyncio
import os
import secrets
import signal
import sys
import time
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

HOST = "127.0.0.1"


class Keeper:
    """Writes each mail into ``new``, whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self.new, self.unfinished = folder / "new", folder / "tmp"
        for each in (self.new, self.unfinished):
            each.mkdir(parents=True, exist_ok=True)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keep one mail; the name is the library's."""
        name = f"{time.time_ns()}-{secrets.token_hex(4)}.eml"
        content = envelope.content
        assert isinstance(content, bytes)
        (self.unfinished / name).write_bytes(content)
        (self.unfinished / name).rename(self.new / name)
        return "250 Message kept"


async def run(port: int, folder: Path) -> None:
    """Take mail until told to stop."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    keeper = Keeper(folder)
    server = await loop.create_server(lambda: SMTP(keeper, enable_SMTPUTF8=True), HOST, port)
    async with server:
        print(f"Taking mail on {HOST}:{port} (process {os.getpid()})", flush=True)
        await stopped.wait()


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1]), Path(sys.argv[2])))
