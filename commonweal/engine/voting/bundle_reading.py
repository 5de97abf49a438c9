"""Reading the files of a count bundle: a folder or an archive from anybody, so nothing is trusted."""

import io
import json
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

from commonweal.engine.voting.content import MOST_BYTES, content_of
from commonweal.engine.voting.election import ElectionError

MANIFEST = "manifest.json"
# All files of a bundle, and the most bytes each may have: JSON takes twenty times that in memory.
FILES = {
    "README.txt": 2**20,
    "ballots.pb": MOST_BYTES,
    MANIFEST: 2**16,
    "reference.py": 2**20,
    "result.json": 2**24,
    "rule.json": 2**25,
    "trace.jsonl": 2**26,
}
# What a bundle may hold besides, and what it may lack where few votes would show too much.
RECEIPTS = "receipts.txt"
MORE = {RECEIPTS: 2**28}
WITHHELD = ("ballots.pb", "reference.py", "trace.jsonl")
MOST_ENTRIES = 64
MOST_ARCHIVED = 2 * MOST_BYTES
_ZIP = b"PK\x03\x04"
_TAR = b"ustar"

# What the standard library raises about archives that are cut short, encrypted or oddly packed.
_DAMAGED = (
    tarfile.TarError,
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    NotImplementedError,
    RuntimeError,
    OverflowError,
)


class BundleError(ValueError):
    """No count bundle, or one that is damaged beyond reading; the message says how to mend it."""


def read_files(place: Path) -> tuple[dict[str, bytes], list[str]]:
    """Read what a bundle holds, without following links or unpacking anything to disk.

    Parameters
    ----------
    place : Path
        A folder; or a ``.zip``, ``.tar``, ``.tar.gz`` or ``.tgz`` archive of one.

    Returns
    -------
    files : dict of str to bytes
        The content of each of ``FILES``; none is missing but what the manifest says is withheld. And
        that of each of ``MORE`` that is there.
    strangers : list of str
        Names of what else is there, sorted; these are not opened.

    Raises
    ------
    BundleError
        If a file is missing, a link, no plain file or too large, or the archive is damaged.

    Notes
    -----
    Time and memory O(bytes); what is too large is left one byte past the limit.

    References
    ----------
    None: the form is ours; see docs/know/count-bundle.md.

    Examples
    --------
    >>> read_files(Path("no such folder"))
    Traceback (most recent call last):
    commonweal.engine.voting.bundle_reading.BundleError: there is no file or folder no such \
folder; check the name
    """
    try:
        entries = _in_folder(place) if place.is_dir() else _in_archive(place)
        files, strangers = _sorted_out(entries)
    except BundleError:
        raise
    except ElectionError as error:
        raise BundleError(str(error)) from None
    except _DAMAGED as error:
        is_locked = type(error) is RuntimeError  # as zipfile says it
        why = "it is locked with a password" if is_locked else str(error)[:80]
        raise BundleError(f"the archive is damaged ({why}); fetch it again") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)[:80]
        raise BundleError(f"{place} cannot be read ({why}); check its name") from None
    missing = sorted(FILES.keys() - files.keys() - set(withheld(files.get(MANIFEST, b""))))
    if MANIFEST in missing:
        raise BundleError(f"{place} is no count bundle: it has no {MANIFEST}; check the name")
    if missing:
        raise BundleError(f"the bundle has no {', '.join(missing)}; fetch all of it again")
    return files, strangers


def withheld(content: bytes) -> tuple[str, ...]:
    """Return which files a manifest says are withheld; none if it says anything else.

    >>> withheld(b'{"withheld": ["ballots.pb", "reference.py", "trace.jsonl"]}')
    ('ballots.pb', 'reference.py', 'trace.jsonl')
    """
    try:
        said = strict_json(content, MANIFEST)
    except BundleError:
        return ()
    names = said.get("withheld") if isinstance(said, dict) else None
    return WITHHELD if names == list(WITHHELD) else ()


Entry = tuple[str, Callable[[int], bytes]]  # a name, and how to read at most so many bytes


def _sorted_out(entries: Iterable[Entry]) -> tuple[dict[str, bytes], list[str]]:
    files: dict[str, bytes] = {}
    strangers = []
    for number, (name, read) in enumerate(entries):
        if number >= MOST_ENTRIES:
            raise BundleError("there are too many files for a count bundle; check the name")
        if name in files:
            raise BundleError(f"the archive holds {name} twice; fetch it again")
        most = {**FILES, **MORE}.get(name)
        if most is None:
            strangers.append("".join(c if c.isprintable() else "?" for c in name[:80]))
            continue
        files[name] = read(most + 1)
        if len(files[name]) > most:
            raise _too_large(name)
    return files, sorted(strangers)


def _too_large(name: str) -> BundleError:
    return BundleError(f"{name} is larger than a bundle's may be; fetch the bundle again")


def _in_folder(folder: Path) -> Iterator[Entry]:
    with os.scandir(folder) as found:
        for entry in found:
            yield entry.name, lambda most, path=Path(entry.path): _plain_file(path, most)  # type: ignore[misc]


def _plain_file(path: Path, most: int) -> bytes:
    """Read a file that is neither a link nor a pipe nor a device."""
    wanted = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    if path.is_symlink():
        raise BundleError(
            f"{path.name} is a link, which a bundle may not hold; fetch the bundle again"
        )
    with os.fdopen(os.open(path, wanted), "rb") as file:
        about = os.fstat(file.fileno())
        if about.st_size >= most:
            raise _too_large(path.name)
        if not stat.S_ISREG(about.st_mode):
            raise BundleError(f"{path.name} is not a plain file; fetch the bundle again")
        return file.read(most)


def _in_archive(place: Path) -> Iterator[Entry]:
    if not place.exists():
        raise BundleError(f"there is no file or folder {place}; check the name")
    content = content_of(place, MOST_ARCHIVED)
    tops = set()
    for path, read in _in_zip(content) if content[:4] == _ZIP else _in_tar(content, place):
        top, name = _split(path)
        tops.add(top)
        if len(tops) > 1:
            raise BundleError("the archive holds more than one folder; pack only the bundle")
        yield name, read


def _split(path: str) -> tuple[str, str]:
    """Return the folder and the name; refuse every path that could lead elsewhere."""
    parts = PurePosixPath(path).parts
    if not parts or len(parts) > 2 or ".." in parts or parts[0].startswith("/") or "\\" in path:
        raise BundleError(
            "the archive has a path that leads out of the bundle; do not trust it, fetch it again"
        )
    return ("", parts[0]) if len(parts) == 1 else (parts[0], parts[1])


def _in_tar(content: bytes, place: Path) -> Iterator[Entry]:
    if content[257:262] != _TAR:
        raise BundleError(
            f"{place} is neither a folder nor a .zip or .tar.gz archive; name a count bundle"
        )
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:") as pack:
        for number, member in enumerate(pack):
            if number > MOST_ENTRIES:
                raise BundleError("there are too many files for a count bundle; check the name")
            if member.isdir():
                continue
            file = pack.extractfile(member) if member.isreg() else None
            if file is None:
                raise BundleError("the archive holds a link or a device; pack plain files only")
            yield member.name, file.read


def _in_zip(content: bytes) -> Iterator[Entry]:
    with zipfile.ZipFile(io.BytesIO(content)) as pack:
        for member in pack.infolist()[: MOST_ENTRIES + 1]:
            if member.is_dir():
                continue
            if stat.S_ISLNK(member.external_attr >> 16):
                raise BundleError("the archive holds a link or a device; pack plain files only")
            yield member.filename, lambda most, member=member: _unzipped(pack, member, most)  # type: ignore[misc]


def _unzipped(pack: zipfile.ZipFile, member: zipfile.ZipInfo, most: int) -> bytes:
    file: IO[bytes]
    with pack.open(member) as file:
        return file.read(most)


def strict_json(content: bytes, name: str) -> Any:
    """Read JSON as bundles have it: UTF-8, whole numbers only, no key twice, not too deep.

    Parameters
    ----------
    content : bytes
        The text.
    name : str
        What to call it in a complaint.

    Returns
    -------
    object
        Plain data.

    Raises
    ------
    BundleError
        If it is anything else.

    Notes
    -----
    Time and memory O(bytes).

    References
    ----------
    Bray (2017), RFC 8259, "The JavaScript Object Notation (JSON) Data Interchange Format".

    Examples
    --------
    >>> strict_json(b'{"a": NaN}', "rule.json")
    Traceback (most recent call last):
    commonweal.engine.voting.bundle_reading.BundleError: rule.json cannot be read (NaN is not a \
whole number); fetch the bundle again
    """

    def refuse(text: str) -> None:
        raise ValueError(f"{text[:40]} is not a whole number")

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(found)) < len(found):
            raise ValueError("a key comes twice")
        return dict(found)

    try:
        text = content.decode("utf-8")
        return json.loads(text, parse_float=refuse, parse_constant=refuse, object_pairs_hook=pairs)
    except RecursionError:
        why = "it is nested too deeply"
    except UnicodeDecodeError:
        why = "it is no text in UTF-8"
    except ValueError as error:
        why = str(error)[:80]
    raise BundleError(f"{name} cannot be read ({why}); fetch the bundle again")
