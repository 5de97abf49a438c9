"""Elections packed as arrays (``.npz``): quick to load, and no larger than the arrays."""

import ast
import io
import json
import lzma
import math
import struct
import zipfile
import zlib
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.election import (
    VOTE_TYPES,
    Column,
    Election,
    ElectionError,
    twice,
)
from commonweal.engine.voting.profile import DEAREST, Profile

MAGIC = b"\x93NUMPY\x01\x00"
FORMAT = "commonweal ballots 1"
MOST_BYTES = 8 * 2**30
MOST_TEXT = 2**26
MOST_VOTERS = 2**27
_ARRAYS = ("about", "cost", "start", "voter", "value")
_DAMAGED = (
    OSError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    SyntaxError,
    MemoryError,
    OverflowError,
    RuntimeError,  # of zipfile: encrypted, or packed in a way it does not know
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
)
_MOST_PACKED = 1100  # deflate makes nothing smaller than a 1032nd
_EARLIEST = (1980, 1, 1, 0, 0, 0)
_SLICE = 2**24


def write_packed(election: Election, path: str | Path) -> None:
    """Write an election as a ``.npz`` file.

    Parameters
    ----------
    election : Election
        What to write; all of it is kept.
    path : path
        Where; a file that is there is replaced.

    Raises
    ------
    OSError
        If the file cannot be written.

    Notes
    -----
    The file is a plain, uncompressed ``.npz`` that ``numpy.load`` opens: ``cost``, ``start``,
    ``voter``, and where ballots carry them ``value``, as in ``Profile``; ``column_0`` and so on,
    the codes of the voters' columns; and ``about``, bytes of JSON with all that is text. It holds
    no date, so equal elections give equal files.

    References
    ----------
    NumPy Enhancement Proposal 1, "A simple file format for NumPy arrays".

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> from commonweal.engine.voting.pabulib import Election
    >>> profile = Profile.from_pairs(["a", "b"], [5, 3], project=["a", "b"], ballot=[1, 1])
    >>> election = Election(profile, 600, "approval", "EUR", ("Trees", "Benches"), {})
    >>> with TemporaryDirectory() as folder:
    ...     write_packed(election, f"{folder}/street.npz")
    ...     with np.load(f"{folder}/street.npz", allow_pickle=False) as arrays:
    ...         arrays["cost"].tolist()
    [5, 3]
    """
    profile = election.profile
    arrays: dict[str, NDArray[Any]] = {
        "cost": profile.cost.astype("<i8"),
        "start": profile.start.astype("<i8"),
        "voter": profile.voter.astype("<i4" if profile.voters < 2**31 else "<i8", copy=False),
    }
    if profile.value is not None:
        arrays["value"] = profile.value.astype("<i8", copy=False)
    for number, column in enumerate(election.voters.values()):
        arrays[f"column_{number}"] = column.codes.astype("<i4", copy=False)
    about = json.dumps(_about(election), ensure_ascii=False, sort_keys=True).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as pack:
        for name, array in ({"about": np.frombuffer(about, dtype=np.uint8)} | arrays).items():
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=_EARLIEST)
            entry.create_system = 3
            with pack.open(entry, "w", force_zip64=True) as file:
                _put(file, np.ascontiguousarray(array))


def _put(file: IO[bytes], array: NDArray[Any]) -> None:
    """Write one array with a header that no version of numpy changes."""
    about = f"{{'descr': {array.dtype.str!r}, 'fortran_order': False, 'shape': {array.shape}, }}"
    about += " " * (-(len(about) + 11) % 64) + "\n"
    file.write(MAGIC + len(about).to_bytes(2, "little") + about.encode())
    content = array.data.cast("B") if array.size else memoryview(b"")
    for at in range(0, len(content), _SLICE):
        file.write(content[at : at + _SLICE])


def _about(election: Election) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "ids": [str(name) for name in election.profile.ids],
        "names": list(election.names),
        "voters": election.profile.voters,
        "budget": election.budget,
        "vote_type": election.vote_type,
        "currency": election.currency,
        "meta": election.meta,
        "projects": {name: list(texts) for name, texts in election.projects.items()},
        "columns": [
            {"name": name, "labels": list(column.labels)}
            for name, column in election.voters.items()
        ],
        "warnings": list(election.warnings),
    }


def read_packed(path: str | Path, *, most_bytes: int = MOST_BYTES) -> Election:
    """Read an election from a ``.npz`` file, and check all of it.

    Parameters
    ----------
    path : path
        The file.
    most_bytes : int, optional
        Refuse a file whose arrays are larger than this together.

    Returns
    -------
    Election

    Raises
    ------
    ElectionError
        If the file is missing, damaged, no election, or contradicts itself.

    Notes
    -----
    Time and memory are those of the arrays; nothing in the file is ever run. An array's size is
    compared with what the archive holds before any memory is taken.

    References
    ----------
    NumPy Enhancement Proposal 1, "A simple file format for NumPy arrays".

    Examples
    --------
    >>> read_packed("no such file.npz")
    Traceback (most recent call last):
    commonweal.engine.voting.election.ElectionError: there is no file no such file.npz; check the \
name and the folder
    """
    try:
        if not Path(path).is_file():
            raise ElectionError(f"there is no file {path}; check the name and the folder")
        with zipfile.ZipFile(path) as pack:
            arrays = _arrays(pack, Path(path).stat().st_size, most_bytes)
        return _election(arrays)
    except ElectionError:
        raise
    except _DAMAGED as error:
        raise _bad(f"it cannot be unpacked ({str(error)[:80] or type(error).__name__})") from None


def _bad(what: str) -> ElectionError:
    return ElectionError(
        f"this is no .npz file of ballots: {what}; write it again with `commonweal ballots convert`"
    )


def _arrays(pack: zipfile.ZipFile, size: int, most_bytes: int) -> dict[str, NDArray[Any]]:
    entries = pack.infolist()
    names = [entry.filename.removesuffix(".npy") for entry in entries]
    known = {*_ARRAYS, *(f"column_{n}" for n in range(len(names)))}
    if len(set(names)) < len(names) or not set(names) <= known:
        raise _bad("its arrays have other names")
    if sum(entry.file_size for entry in entries) > most_bytes:
        raise ElectionError(
            f"the file unpacks to more than {most_bytes // 2**30} GiB; check where it is from"
        )
    arrays = {}
    for name, entry in zip(names, entries, strict=True):
        if entry.file_size > _MOST_PACKED * entry.compress_size or entry.compress_size > size:
            raise _bad(f"{name} cannot be as large as it says")
        with pack.open(entry) as file:
            arrays[name] = _array(file, entry.file_size, name)
    return arrays


def _array(file: Any, size: int, name: str) -> NDArray[Any]:
    shape, dtype, skip = _header(file)
    kind = "u" if name == "about" else "i"
    if dtype.kind != kind or dtype.itemsize not in (1, 4, 8) or len(shape) != 1:
        raise _bad(f"{name} is {dtype} of shape {shape}, not one row of whole numbers")
    if shape[0] < 0 or size != skip + math.prod(shape) * dtype.itemsize:
        raise _bad(f"{name} is cut short")
    array = np.empty(shape, dtype=dtype)
    view, at = array.data.cast("B") if array.size else memoryview(b""), 0
    while at < len(view):
        got = file.readinto(view[at : at + _SLICE])
        if not got:
            raise _bad(f"{name} is cut short")
        at += got
    if file.read(1):
        raise _bad(f"{name} is too long")
    return array


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any], int]:
    """Return shape, type and length of the header of one array."""
    head = file.read(10)
    if head[:8] != MAGIC:
        raise _bad("an array begins strangely")
    length = int.from_bytes(head[8:10], "little")
    text = file.read(length)
    if length > 4096 or len(text) != length:
        raise _bad("an array begins strangely")
    found = ast.literal_eval(text.decode("latin-1"))
    dtype = np.dtype(str(found["descr"]))
    shape = tuple(found["shape"])
    if not all(type(size) is int for size in shape):
        raise _bad("an array has no size")
    return shape, dtype, 10 + length


def _election(arrays: dict[str, NDArray[Any]]) -> Election:
    for name in ("about", "cost", "start", "voter"):
        if name not in arrays:
            raise _bad(f"{name} is missing")
    if len(arrays["about"]) > MOST_TEXT:
        raise _bad("its text is too long")
    about = _text(arrays["about"].tobytes())
    voters = about["voters"]
    profile = Profile(
        ids=_ids(about["ids"]),
        cost=arrays["cost"].astype(np.int64, copy=False),
        start=arrays["start"].astype(np.int64, copy=False),
        voter=_native(arrays["voter"]),
        voters=voters,
        value=arrays["value"].astype(np.int64, copy=False) if "value" in arrays else None,
    )
    _check_profile(profile)
    _check_ballots(profile, about["vote_type"])
    if about["vote_type"] not in VOTE_TYPES:
        raise _bad(f"the vote type {str(about['vote_type'])[:40]} is not known")
    if not 0 < about["budget"] <= DEAREST:
        raise _bad("the budget is 0 or too large")
    count = len(profile.ids)
    if len(about["names"]) != count or any(len(c) != count for c in about["projects"].values()):
        raise _bad("the texts of projects are not as many as the projects")
    return Election(
        profile,
        about["budget"],
        about["vote_type"],
        about["currency"],
        tuple(about["names"]),
        about["meta"],
        _columns(about["columns"], arrays, voters),
        {name: tuple(texts) for name, texts in about["projects"].items()},
        tuple(about["warnings"]),
    )


def _native(voter: NDArray[Any]) -> NDArray[np.signedinteger[Any]]:
    return voter.astype(np.int32 if voter.dtype.itemsize == 4 else np.int64, copy=False)


_SHAPES: dict[str, Any] = {
    "ids": [str],
    "names": [str],
    "voters": int,
    "budget": int,
    "vote_type": str,
    "currency": str,
    "meta": {str: str},
    "projects": {str: [str]},
    "columns": list,
    "warnings": [str],
}


def _text(content: bytes) -> dict[str, Any]:
    try:
        about = json.load(io.BytesIO(content))
    except (ValueError, RecursionError):
        raise _bad("its text is no JSON") from None
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise _bad("another program wrote it, or a newer version")
    for name, shape in _SHAPES.items():
        if not _is(about.get(name), shape):
            raise _bad(f"{name} is missing or not as it should be")
    return about


def _is(thing: object, shape: Any) -> bool:
    if isinstance(shape, list):
        return isinstance(thing, list) and all(_is(part, shape[0]) for part in thing)
    if isinstance(shape, dict):
        inner = next(iter(shape.values()))
        return isinstance(thing, dict) and all(_is(part, inner) for part in thing.values())
    return type(thing) is shape


def _ids(ids: list[str]) -> NDArray[Any]:
    if len(set(ids)) < len(ids) or "" in ids:
        raise _bad("a project has no id, or one that another has")
    return np.array(ids, dtype=object)


def _check_profile(profile: Profile) -> None:
    count, start, voter = len(profile.ids), profile.start, profile.voter
    if len(profile.cost) != count or len(start) != count + 1:
        raise _bad("its arrays are not as many as the projects")
    if profile.cost.size and profile.cost.min() < 0:
        raise _bad("a cost is negative")
    if sum(profile.cost.tolist()) > DEAREST:
        raise _bad("the costs add up to more than can be counted")
    if start[0] != 0 or start[-1] != len(voter) or (np.diff(start) < 0).any():
        raise _bad("start does not rise from 0 to the number of marks")
    if not 0 <= profile.voters <= MOST_VOTERS:
        raise _bad(f"it must have 0 to {MOST_VOTERS:,} voters")
    if len(voter) and (voter.min() < 0 or voter.max() >= profile.voters):
        raise _bad("a mark has a voter that is none")


def _check_ballots(profile: Profile, vote_type: str) -> None:
    start, voter, value = profile.start, profile.voter, profile.value
    if twice(start, voter).any():
        raise _bad("a ballot marks a project twice")
    falls = np.flatnonzero(voter[1:] < voter[:-1]) + 1
    if not np.isin(falls, start).all():
        raise _bad("the voters of a project do not rise")
    if value is not None and (len(value) != len(voter) or (value.size and value.min() < 0)):
        raise _bad("the values are not as many as the marks, or negative")
    if vote_type == "ordinal" and (value is None or (value.size and value.min() < 1)):
        raise _bad("ranked ballots need places from 1")
    if vote_type in ("approval", "choose-1") and value is not None:
        raise _bad(f"{vote_type} ballots have no values")
    if value is not None and value.size and value.max() > DEAREST:
        raise _bad("a value is too large")
    if vote_type == "choose-1" and len(voter) and np.bincount(voter).max() > 1:
        raise _bad("a choose-1 ballot names more than one project")


def _columns(said: list[Any], arrays: dict[str, NDArray[Any]], voters: int) -> dict[str, Column]:
    columns = {}
    for number, column in enumerate(said):
        codes = arrays.get(f"column_{number}")
        if not isinstance(column, dict):
            raise _bad("a column is not as it should be")
        name: Any = column.get("name")
        labels: Any = column.get("labels")
        if codes is None or not _is(name, str) or not _is(labels, [str]) or len(codes) != voters:
            raise _bad("a column is not as it should be")
        if labels != sorted(set(labels)):
            raise _bad(f"the labels of {name[:40]} are not sorted")
        if codes.size and (codes.min() < 0 or codes.max() >= len(labels)):
            raise _bad(f"the codes of {name[:40]} have no label")
        columns[name] = Column(codes.astype(np.int32, copy=False), tuple(labels))
    return columns
