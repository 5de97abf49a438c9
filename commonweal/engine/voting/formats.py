"""Elections from and to files of every kind, told apart by their names."""

import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Literal, TypeVar

from commonweal.engine.voting.content import GZIP, MOST_BYTES, content_of, unpacked
from commonweal.engine.voting.election import Election, ElectionError
from commonweal.engine.voting.pabulib import parse_pabulib
from commonweal.engine.voting.packed import read_packed, write_packed
from commonweal.engine.voting.preflib import SUFFIXES as RANKED
from commonweal.engine.voting.preflib import parse_preflib
from commonweal.engine.voting.tables import is_tables, parse_tables, read_tables, write_tables
from commonweal.engine.voting.writing import write_pabulib

KINDS = (".pb", *RANKED, ".csv", ".npz")
ARCHIVES = (".tar.gz", ".tgz", ".tar")
# What all files of an archive may unpack to, and how many there may be.
MOST_ARCHIVED = 64 * 2**30
MOST_FILES = 1_000_000


T = TypeVar("T")


def kind_of(name: str) -> str:
    """Return what kind of file a name promises, ``.gz`` aside: one of ``KINDS``, or nothing.

    Examples
    --------
    >>> kind_of("Street.PB.gz"), kind_of("notes.txt")
    ('.pb', '')
    """
    plain = name.lower().removesuffix(".gz")
    return next((kind for kind in KINDS if plain.endswith(kind)), "")


def read_election(path: str | Path, *, most_bytes: int = MOST_BYTES) -> Election:
    """Read one election from a file of any kind.

    Parameters
    ----------
    path : path
        ``.pb`` (Pabulib), ``.soc``, ``.soi``, ``.toc``, ``.toi`` (PrefLib) and ``.csv``, each also
        gzipped; ``.npz``; or a folder with ``projects.csv`` and ``ballots.csv``. A name that ends
        otherwise is read as Pabulib.
    most_bytes : int, optional
        Refuse a file that unpacks to more than this; a ``.npz`` file has its own limit.

    Returns
    -------
    Election

    Raises
    ------
    ElectionError
        If it is missing, unreadable, damaged or contradicts itself; ``problems`` has all that was
        found.

    Notes
    -----
    Time and memory grow with the file.

    Examples
    --------
    >>> read_election("no such file.pb")
    Traceback (most recent call last):
    commonweal.engine.voting.election.ElectionError: there is no file no such file.pb; check the \
name and the folder
    """
    place = Path(path)
    folder = _is_folder(place)
    if folder and is_tables(place):
        return read_tables(place, most_bytes=most_bytes)
    if folder:
        raise ElectionError(
            f"{place} is a folder; name one file in it, or count all of it with --many"
        )
    name = place.name.lower()
    if name.endswith(ARCHIVES):
        raise ElectionError(f"{place} holds many files; unpack it, or count all of it with --many")
    if kind_of(name) == ".npz":
        return read_packed(place)
    if kind_of(name) == ".csv":
        return read_tables(place, most_bytes=most_bytes)
    return parse(content_of(place, most_bytes), name)


def _is_folder(place: Path) -> bool:
    try:
        return place.is_dir()
    except (OSError, ValueError):  # a name too long, or with a NUL byte
        return False


def parse(content: bytes, name: str) -> Election:
    """Read an election from the unpacked bytes of a text file with this name.

    Examples
    --------
    >>> parse(b"# NUMBER ALTERNATIVES: 2\\n3: 2,1\\n", "board.soc").profile.voters
    3
    """
    kind = kind_of(name)
    if kind == ".csv":
        return parse_tables(None, content)
    if kind in RANKED:
        return parse_preflib(content, kind)
    return parse_pabulib(content)


def read_elections(
    path: str | Path, *, most_bytes: int = MOST_BYTES
) -> Iterator[tuple[str, Election | ElectionError]]:
    """Read every election in a folder or an archive, one after the other.

    Parameters
    ----------
    path : path
        A folder, looked through with all folders in it, in the order of the names; a ``.tar.gz``,
        ``.tgz`` or ``.tar`` archive, in its own order; or one file.
    most_bytes : int, optional
        Refuse a file that unpacks to more than this, and go on.

    Yields
    ------
    name : str
        The file's path below the folder, or in the archive.
    election : Election or ElectionError
        What it holds, or why it cannot be counted.

    Raises
    ------
    ElectionError
        If the folder or archive itself cannot be read, or there is no election in it. A damaged
        archive ends with an error under its own name.

    Notes
    -----
    One election is in memory at a time. Files whose names promise no election are passed over.

    Examples
    --------
    >>> [(name, type(found).__name__) for name, found in read_elections("no such file.pb")]
    [('no such file.pb', 'ElectionError')]
    """
    place = Path(path)
    if _is_folder(place) and not is_tables(place):
        found = _in_folder(place, most_bytes)
    elif place.name.lower().endswith(ARCHIVES):
        found = _in_archive(place, most_bytes, _member)
    else:
        yield place.name, _tried(lambda: read_election(place, most_bytes=most_bytes))
        return
    none = True
    for entry in found:
        none = False
        yield entry
    if none:
        raise ElectionError(
            f"there is no election in {place}; their names end in {', '.join(KINDS)} (or .gz)"
        )


def unread_elections(
    path: str | Path, *, most_bytes: int = MOST_BYTES
) -> Iterator[tuple[str, Path | bytes | ElectionError]]:
    """Name every election as :func:`read_elections` does, but leave the reading to others.

    Yields its path, or the bytes of a file in an archive (for :func:`parse`), or why there is none.
    """
    place = Path(path)
    if _is_folder(place) and not is_tables(place):
        for file in election_files(place):
            yield file.relative_to(place).as_posix(), file
    elif place.name.lower().endswith(ARCHIVES):
        yield from _in_archive(place, most_bytes, _content_of_member)
    else:
        yield place.name, place


def _tried(read: Callable[[], T]) -> T | ElectionError:
    try:
        return read()
    except ElectionError as error:
        return error


def election_files(folder: Path) -> list[Path]:
    """Return the files and folders below this one that hold an election each, sorted."""
    tables = {path.parent for path in folder.rglob("projects.csv") if is_tables(path.parent)}
    single = (
        path
        for path in folder.rglob("*")
        if kind_of(path.name) and path.parent not in tables and path.is_file()
    )
    return sorted({*tables, *single})


def _in_folder(folder: Path, most_bytes: int) -> Iterator[tuple[str, Election | ElectionError]]:
    for path in election_files(folder):
        name = path.relative_to(folder).as_posix()
        yield name, _tried(lambda path=path: read_election(path, most_bytes=most_bytes))  # type: ignore[misc]


def _in_archive(
    path: Path, most_bytes: int, take: Callable[[tarfile.TarFile, tarfile.TarInfo, int], T]
) -> Iterator[tuple[str, T | ElectionError]]:
    """Read an archive as a stream: nothing is ever unpacked to disk."""
    try:
        if not path.is_file():
            raise ElectionError(f"there is no file {path}; check the name and the folder")
        with path.open("rb") as file:
            mode: Literal["r|gz", "r|"] = "r|gz" if file.read(2) == GZIP else "r|"
        room = MOST_ARCHIVED
        with tarfile.open(path, mode) as pack:
            for number, member in enumerate(pack):
                room -= member.size
                if room < 0 or number >= MOST_FILES:
                    yield path.name, ElectionError("the archive holds too much; split it")
                    return
                if member.isreg() and kind_of(member.name):
                    yield (
                        _safe(member.name),
                        _tried(
                            lambda member=member: take(pack, member, most_bytes)  # type: ignore[misc]
                        ),
                    )
    except (tarfile.TarError, EOFError, OSError, ValueError, OverflowError) as error:
        if isinstance(error, ElectionError):
            raise
        yield (
            path.name,
            ElectionError(f"the archive is damaged ({str(error)[:80]}); fetch it again"),
        )


def _member(pack: tarfile.TarFile, member: tarfile.TarInfo, most_bytes: int) -> Election:
    return parse(_content_of_member(pack, member, most_bytes), member.name)


def _content_of_member(pack: tarfile.TarFile, member: tarfile.TarInfo, most_bytes: int) -> bytes:
    if kind_of(member.name) == ".npz":
        raise ElectionError("a .npz file in an archive is not read; unpack the archive")
    if member.size > most_bytes:
        raise ElectionError(
            f"the file holds more than {most_bytes // 2**20} MiB, too much to read safely; "
            "check that it is an election, and split it if it is"
        )
    file = pack.extractfile(member)
    if file is None:
        raise ElectionError("the archive names this file but does not hold it; fetch it again")
    return unpacked(file.read(), most_bytes)


def _safe(name: str) -> str:
    """Return the path in an archive without ways out of it or control characters."""
    parts = [part for part in PurePosixPath(name).parts if part not in ("..", "/")]
    return "".join(c if c.isprintable() else "?" for c in "/".join(parts))


def write_election(election: Election, path: str | Path) -> None:
    """Write an election as the kind of file that the name asks for.

    Parameters
    ----------
    election : Election
        What to write.
    path : path
        ``.pb``, ``.npz`` or ``.csv``; a name without an ending makes a folder with two tables.

    Raises
    ------
    ValueError
        If the name asks for something else, or the format cannot hold the election.
    OSError
        If the file cannot be written.

    Notes
    -----
    Time and the size of the file grow with the marks.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> election = parse(b"# NUMBER ALTERNATIVES: 2\\n3: 2,1\\n", "board.soc")
    >>> with TemporaryDirectory() as folder:
    ...     write_election(election, f"{folder}/board.npz")
    ...     read_election(f"{folder}/board.npz").profile.voters
    3
    """
    place = Path(path)
    kind = place.suffix.lower()
    if kind == ".pb":
        write_pabulib(election, place)
    elif kind == ".npz":
        write_packed(election, place)
    elif kind in (".csv", ""):
        write_tables(election, place)
    else:
        raise ValueError(
            f"{place.name} cannot be written; end the name in .pb, .npz or .csv, or leave the "
            "ending out for a folder with projects.csv and ballots.csv"
        )
