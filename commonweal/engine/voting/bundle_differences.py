"""Where a published count and its recount differ, in words."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import islice, zip_longest
from typing import Any

from commonweal.engine.voting.bundle_reading import strict_json
from commonweal.engine.voting.election import Election

MOST = 20  # differences listed for one file
# What tells how the work was done rather than what came of it; another version may do it otherwise.
_WORK = ("runs", "distinct_outcomes", "ties_met", "trace_sha256", "engine")
_NOTHING = object()


@dataclass(frozen=True)
class Difference:
    """One difference: the file, a sentence, what was published, and what the recount gives.

    ``step`` is the step of the count, counted from 1; 0 where it is about no single step.
    """

    file: str
    what: str
    published: str = ""
    recount: str = ""
    step: int = 0


def compared(
    files: dict[str, bytes], expected: dict[str, bytes], election: Election, *, same: bool
) -> tuple[list[Difference], tuple[str, ...]]:
    """Compare each file of a bundle with what it should be.

    Parameters
    ----------
    files : dict of str to bytes
        What was published.
    expected : dict of str to bytes
        What the recount gives.
    election : Election
        The ballots; for the names of projects.
    same : bool
        Whether the version that counts now wrote the bundle.

    Returns
    -------
    list of Difference
        The rule first, then ballots, winners, the rest of the result, and the trace.
    tuple of str
        Notes about what was not compared.

    Raises
    ------
    BundleError
        If a file cannot be read as what it should be.

    Notes
    -----
    Time O(bytes).

    References
    ----------
    None: the form is ours; see docs/know/count-bundle.md.

    Examples
    --------
    >>> from commonweal.engine.voting import Profile
    >>> profile = Profile.from_pairs(["a"], [500], project=["a"], ballot=[1])
    >>> election = Election(profile, 600, "approval", "EUR", ("Trees",), {})
    >>> good = {
    ...     "rule.json": b"{}", "ballots.pb": b"", "trace.jsonl": b"", "README.txt": b"",
    ...     "reference.py": b"", "result.json": b'{"winners": ["a"]}',
    ... }
    >>> found, _ = compared(good | {"result.json": b'{"winners": []}'}, good, election, same=True)
    >>> found[0].what
    'step 1: the bundle names no winner, the recount gives a (Trees)'
    """
    names = dict(zip(map(str, election.profile.ids.tolist()), election.names, strict=True))
    found = [*_first(_in_rule(files, expected)), *_in_ballots(files, expected)]
    found += _first(_in_result(files, expected, names, same=same))
    found += _first(_in_trace(files, expected, same=same))
    notes = []
    for name in ("reference.py", "README.txt"):
        if files[name] != expected[name] and same:
            found.append(Difference(name, f"{name} is not the one that belongs to this count"))
        elif files[name] != expected[name]:
            trust = "; do not run it unless you can read it" if name.endswith(".py") else ""
            notes.append(f"{name} is not the one of this version, and was not compared{trust}.")
    return found, tuple(notes)


def _first(found: Iterator[Difference]) -> Iterator[Difference]:
    return islice(found, MOST)


def _in_rule(files: dict[str, bytes], expected: dict[str, bytes]) -> Iterator[Difference]:
    name = "rule.json"
    if files[name] != expected[name]:
        one, other = strict_json(files[name], name), strict_json(expected[name], name)
        yield from _in_data(name, one, other) or [_unlike(name)]


def _in_data(name: str, one: Any, other: Any) -> list[Difference]:
    return [
        Difference(
            name,
            f"{name}: {path or 'all of it'}: the bundle says {said}, the recount gives {ours}",
            said,
            ours,
        )
        for path, said, ours in islice(parts(one, other), MOST)
    ]


def _unlike(name: str) -> Difference:
    return Difference(name, f"{name} says the right thing, but is not written as it should be")


def _in_ballots(files: dict[str, bytes], expected: dict[str, bytes]) -> Iterator[Difference]:
    name = "ballots.pb"
    if files[name] == expected[name]:
        return
    pairs = zip_longest(BytesIO(files[name]), BytesIO(expected[name]), fillvalue=b"")
    for number, (one, other) in enumerate(pairs, 1):
        if one != other:
            said, ours = shown(one.decode(errors="replace")), shown(other.decode(errors="replace"))
            yield Difference(
                name,
                f"{name}, line {number}: the bundle has {said}, where sorted ballots without "
                f"anything else have {ours}",
                said,
                ours,
            )
            return


def _in_result(
    files: dict[str, bytes], expected: dict[str, bytes], names: dict[str, str], *, same: bool
) -> Iterator[Difference]:
    name = "result.json"
    one, other = strict_json(files[name], name), strict_json(expected[name], name)
    found = []
    if isinstance(one.get("winners"), list):
        found = list(_in_winners(one["winners"], other["winners"], names))
        one, other = one | {"winners": []}, other | {"winners": []}
    skipped = () if same else _WORK
    kept = [
        {key: part for key, part in data.items() if key not in skipped} for data in (one, other)
    ]
    found += _in_data(name, *kept)
    if same and not found and files[name] != expected[name]:
        found.append(_unlike(name))
    yield from found


def _in_winners(said: list[Any], ours: list[str], names: dict[str, str]) -> Iterator[Difference]:
    for step, (one, other) in enumerate(zip_longest(said, ours, fillvalue=_NOTHING), 1):
        if one == other:
            continue
        published, recount = _titled(one, names), _titled(other, names)
        yield Difference(
            "result.json",
            f"step {step}: the bundle names {published}, the recount gives {recount}",
            published,
            recount,
            step,
        )


def _titled(project: Any, names: dict[str, str]) -> str:
    if project is _NOTHING:
        return "no winner"
    if not isinstance(project, str) or project not in names:
        return shown(project)
    return f"{project} ({shown(names[project], quoted=False)})"


def _in_trace(
    files: dict[str, bytes], expected: dict[str, bytes], *, same: bool
) -> Iterator[Difference]:
    name = "trace.jsonl"
    lines = zip_longest(BytesIO(files[name]), BytesIO(expected[name]), fillvalue=b"")
    for number, (said, ours) in enumerate(lines, 1):
        if said == ours:
            continue
        one, other = _line(said, number), _line(ours, number)
        step = next((part["step"] for part in (other, one) if "step" in part), 0)
        if same or step or number == 1:
            where = f"{name}, line {number}" + (f" (step {shown(step)})" if step else "")
            at = step if isinstance(step, int) else 0
            for found in _in_data(where, one, other) or [_unlike(where)]:
                yield replace(found, file=name, step=at)


def _line(content: bytes, number: int) -> dict[str, Any]:
    if not content.strip():
        return {}
    data = strict_json(content, f"trace.jsonl, line {number},")
    return data if isinstance(data, dict) else {"": data}


def parts(one: Any, other: Any, path: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield where two pieces of plain data differ, and what each has there.

    Parameters
    ----------
    one, other : plain data
        As JSON gives it; ``other`` is ours, so it is not deep.
    path : str, optional
        Where they stand.

    Yields
    ------
    path, one, other : str
        The place, and each side shortened to what a line can show.

    Raises
    ------
    Nothing.

    Notes
    -----
    Time O(size of the data).

    References
    ----------
    None.

    Examples
    --------
    >>> list(parts({"spent": "5", "runs": 1}, {"spent": "6", "runs": 1}))
    [('spent', '"5"', '"6"')]
    """
    if isinstance(one, dict) and isinstance(other, dict):
        for key in sorted(one.keys() | other.keys()):
            inner = f"{path}.{key[:60]}" if path else key[:60]
            yield from parts(one.get(key, _NOTHING), other.get(key, _NOTHING), inner)
    elif isinstance(one, list) and isinstance(other, list):
        for number, (a, b) in enumerate(zip_longest(one, other, fillvalue=_NOTHING), 1):
            yield from parts(a, b, f"{path} {number}")
    elif type(one) is not type(other) or one != other:
        yield path, shown(one), shown(other)


def shown(data: Any, *, quoted: bool = True) -> str:
    """Return data as one short line without control characters."""
    if data is _NOTHING:
        return "nothing"
    try:
        text = (
            data if isinstance(data, str) and not quoted else json.dumps(data, ensure_ascii=False)
        )
    except RecursionError:
        return "something nested too deeply"
    text = "".join(c if c.isprintable() else "?" for c in text)
    return text if len(text) <= 80 else f"{text[:77]}..."
