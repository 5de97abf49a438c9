"""From a path to bytes: gzip undone, limits kept, and plain words for what cannot be read."""

import re
import stat
import zlib
from pathlib import Path

from commonweal.engine.voting.election import ElectionError

MOST_BYTES = 512 * 2**20
MOST_MEMBERS = 100_000
GZIP = b"\x1f\x8b"


def content_of(path: Path, most_bytes: int = MOST_BYTES) -> bytes:
    """Return what a file holds, unpacked if it is gzipped.

    Parameters
    ----------
    path : Path
        The file.
    most_bytes : int, optional
        Refuse a file that is, or unpacks to, more than this.

    Returns
    -------
    bytes

    Raises
    ------
    ElectionError
        If it is missing, no plain file (a pipe or a device may never end), damaged or too large.

    Notes
    -----
    Time and memory O(bytes); a gzip bomb is left one byte past the limit.

    References
    ----------
    Deutsch (1996), RFC 1952, "GZIP file format specification".

    Examples
    --------
    >>> content_of(Path("/dev/null"))
    Traceback (most recent call last):
    commonweal.engine.voting.election.ElectionError: /dev/null is not a plain file; save the \
election to a file first
    """
    try:
        kind = path.stat().st_mode
        if stat.S_ISDIR(kind):
            raise ElectionError(f"{path} is a folder; name one file in it")
        if not stat.S_ISREG(kind):  # a pipe or a device may never end
            raise ElectionError(f"{path} is not a plain file; save the election to a file first")
        with path.open("rb") as file:
            content = file.read(most_bytes + 1)
    except FileNotFoundError:
        raise ElectionError(f"there is no file {path}; check the name and the folder") from None
    except (OSError, ValueError) as error:
        if isinstance(error, ElectionError):
            raise
        why = getattr(error, "strerror", None) or error
        raise ElectionError(
            f"{path} cannot be read ({why}); check its name and its permissions"
        ) from None
    if content[:2] != GZIP and path.suffix == ".gz":
        raise ElectionError(
            f"{path.name} is not gzipped though its name says so; pack it again or drop the .gz"
        )
    return unpacked(content, most_bytes)


def unpacked(content: bytes, most_bytes: int = MOST_BYTES) -> bytes:
    """Undo gzip where there is any, and refuse what holds more than ``most_bytes``."""
    if content[:2] == GZIP:
        content = _gunzipped(content, most_bytes)
    if len(content) > most_bytes:
        raise ElectionError(
            f"the file holds more than {most_bytes // 2**20} MiB, too much to read safely; "
            "check that it is an election, and split it if it is"
        )
    return content


def _gunzipped(packed: bytes, most_bytes: int) -> bytes:
    """Unpack every member, stopping one byte past the limit: a small file can hold gigabytes."""
    parts: list[bytes] = []
    at, room = 0, most_bytes + 1
    for _ in range(MOST_MEMBERS):
        if at >= len(packed) or room <= 0:
            return b"".join(parts) if len(parts) != 1 else parts[0]
        at, room = _member(packed, at, room, parts)
    raise ElectionError(
        f"the gzip data has more than {MOST_MEMBERS:,} pieces; unpack it and pack it again"
    )


def _member(packed: bytes, at: int, room: int, parts: list[bytes]) -> tuple[int, int]:
    """Unpack the member that begins at this byte; say where it ends and how much room is left."""
    member, slice_, tail = zlib.decompressobj(wbits=31), 2**13, b""
    while not member.eof and room > 0:
        if not tail:
            tail = packed[at : at + slice_]
            at, slice_ = at + len(tail), min(2 * slice_, 2**22)
        if not tail:
            raise ElectionError("the gzip data ends too early; fetch the file again")
        try:
            parts.append(member.decompress(tail, room))
        except zlib.error as error:
            raise ElectionError(
                f"the gzip data is damaged ({error}); fetch the file again"
            ) from None
        room -= len(parts[-1])
        tail = member.unconsumed_tail
    padding = re.compile(rb"\0*").match(packed, at - len(member.unused_data))
    return padding.end() if padding else at, room
