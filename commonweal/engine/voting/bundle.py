"""Count bundles: all that anyone needs to count an election again, written and checked."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import file_digest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from commonweal import __version__
from commonweal.engine.voting.anonymous import anonymised
from commonweal.engine.voting.bundle_differences import Difference, compared
from commonweal.engine.voting.bundle_files import (
    VERSION,
    digest,
    documents,
    in_full,
    manifest,
)
from commonweal.engine.voting.bundle_reading import (
    FILES,
    MANIFEST,
    BundleError,
    read_files,
    strict_json,
)
from commonweal.engine.voting.bundle_slow import Slow, ask_slow
from commonweal.engine.voting.election import Election, ElectionError
from commonweal.engine.voting.outcome import Outcome
from commonweal.engine.voting.pabulib import parse_pabulib
from commonweal.engine.voting.rule import Rule
from commonweal.engine.voting.writing import write_pabulib

__all__ = ["BundleError", "Difference", "Slow", "Verdict", "verify_bundle", "write_bundle"]
BALLOTS = "ballots.pb"
# What hostile ballots and rules may make a count raise.
_UNCOUNTABLE = (ValueError, ArithmeticError, RecursionError, MemoryError)


@dataclass(frozen=True)
class Verdict:
    """What came of counting a bundle again.

    ``differences`` are in the order in which they matter, none if all agrees; ``notes`` say what
    could not be compared. ``fingerprint`` is the SHA-256 of the manifest, and so of everything;
    ``engine`` the version of Commonweal that wrote the bundle. The rest is the recount's.
    """

    differences: tuple[Difference, ...]
    notes: tuple[str, ...]
    slow: Slow
    fingerprint: str
    engine: str
    rule: Rule
    winners: tuple[str, ...]
    voters: int
    projects: int

    @property
    def verified(self) -> bool:
        """Whether everything agrees."""
        return not self.differences


def write_bundle(folder: str | Path, election: Election, rule: Rule, outcome: Outcome) -> str:
    """Write all that anyone needs to count again, with ballots that name nobody.

    Parameters
    ----------
    folder : path
        Where. An empty folder or an older bundle is replaced; nothing is ever half written.
    election : Election
        What was counted.
    rule : Rule
        How it was counted.
    outcome : Outcome
        The result.

    Returns
    -------
    str
        The bundle's fingerprint: the SHA-256 of ``manifest.json``.

    Raises
    ------
    ValueError
        If the folder holds something else, the ballots cannot be written as ``.pb``, or counting
        what was written gives other winners.
    OSError
        If the folder cannot be written.

    Notes
    -----
    The ballots are sorted, written, read back and counted once more, so that what is published is
    known to verify: about twice the time of the count and of reading, and memory for two elections.
    The same count gives the same bytes, whatever the order of the ballots was.

    References
    ----------
    None: the form is ours; see docs/know/count-bundle.md.

    Examples
    --------
    >>> from commonweal.engine.voting import Profile
    >>> profile = Profile.from_pairs(["a", "b"], [500, 300], project=["a", "b"], ballot=[1, 1])
    >>> election = Election(profile, 600, "approval", "EUR", ("Trees", "Benches"), {})
    >>> rule = Rule("equal-shares", completion="greedy")
    >>> with TemporaryDirectory() as folder:
    ...     fingerprint = write_bundle(f"{folder}/street", election, rule, rule.count(election))
    ...     verdict = verify_bundle(f"{folder}/street")
    >>> verdict.verified, verdict.winners, verdict.fingerprint == fingerprint
    (True, ('b',), True)
    """
    place = Path(os.path.abspath(folder))  # noqa: PTH100  # a link must stay one, to be refused
    _refuse_other(place)
    bare, rule = anonymised(election, in_full(rule))
    with TemporaryDirectory(prefix=f".{place.name[:40]}.", dir=place.parent) as beside:
        new = Path(beside, "new")
        new.mkdir()
        write_pabulib(bare, new / BALLOTS)
        again = parse_pabulib((new / BALLOTS).read_bytes())
        recount = rule.count(again)
        if _winners(recount) != _winners(outcome):
            raise ValueError(
                "the ballots as a .pb file give other winners than the ballots that were counted; "
                "do not publish this result, and report it"
            )
        hashes = {BALLOTS: _file_digest(new / BALLOTS)}
        made = documents(rule, again, recount, ballots=hashes[BALLOTS], engine=__version__)
        for name, content in made.items():
            if len(content) > FILES[name]:
                raise ValueError(f"{name} would be too large for a bundle; count in fewer pots")
            (new / name).write_bytes(content)
            hashes[name] = digest(content)
        said = manifest(hashes)
        (new / MANIFEST).write_bytes(said)
        _put(new, place, Path(beside, "old"))
    return digest(said)


def _winners(outcome: Outcome) -> list[str]:
    return [str(name) for name in outcome.ids[outcome.order].tolist()]


def _file_digest(path: Path) -> str:
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def _refuse_other(place: Path) -> None:
    """Refuse to replace anything but an empty folder or a bundle."""
    if place.is_symlink() or (place.exists() and not place.is_dir()):
        raise ValueError(f"{place} is there and is no folder; choose another name")
    if not place.parent.is_dir():
        raise ValueError(f"there is no folder {place.parent}; make it first")
    inside = sorted(path.name for path in place.iterdir()) if place.exists() else []
    if inside and not (set(inside) <= FILES.keys() and _is_bundle(place)):
        raise ValueError(
            f"{place} holds something that is no count bundle ({inside[0]}); choose another folder"
        )


def _is_bundle(place: Path) -> bool:
    try:
        _hashes_of(strict_json((place / MANIFEST).read_bytes(), MANIFEST))
    except (BundleError, OSError):
        return False
    return True


def _put(new: Path, place: Path, old: Path) -> None:
    """Move a finished folder to its place, and what was there out of the way."""
    if place.exists():
        place.replace(old)
    try:
        new.replace(place)
    except OSError:
        if old.exists():
            old.replace(place)
        raise


def verify_bundle(folder: str | Path, *, slow: bool | None = None) -> Verdict:
    """Count a bundle again and compare everything that was published.

    Parameters
    ----------
    folder : path
        A count bundle: a folder, or a ``.zip`` or ``.tar.gz`` of one. Nothing in it is trusted or
        run.
    slow : bool, optional
        Whether the slow tally counts as well: True however long it takes, False not at all, None
        where it takes about a second. It knows equal shares, greedy and Phragmén without limits.

    Returns
    -------
    Verdict

    Raises
    ------
    BundleError
        If it is no bundle, or one that is damaged beyond reading.

    Notes
    -----
    The hashes are checked first; then every file is made again from the ballots and the rule and
    compared. Where another version wrote the bundle, what only says how the work was done (runs,
    ties met in runs) and the wording of the page are not compared. Time: reading, one count,
    writing the ballots; memory O(bytes).

    References
    ----------
    None: the form is ours; see docs/know/count-bundle.md.

    Examples
    --------
    >>> verify_bundle("no such folder")
    Traceback (most recent call last):
    commonweal.engine.voting.bundle_reading.BundleError: there is no file or folder no such \
folder; check the name
    """
    files, strangers = read_files(Path(folder))
    hashes = _hashes_of(strict_json(files[MANIFEST], MANIFEST))
    engine = _engine_of(strict_json(files["result.json"], "result.json"))
    found = [*_strange(strangers), *_changed(files, hashes)]
    try:
        rule, election, outcome = _counted(files)
        expected = _expected(rule, election, outcome, digest(files[BALLOTS]), engine)
        differences, notes = compared(files, expected, election, same=engine == __version__)
    except BundleError as error:
        hint = f"; besides, {found[0].what}" if found else ""
        raise BundleError(f"{error}{hint}") from None
    found += differences
    if not found and files[MANIFEST] != manifest(hashes):
        found.append(Difference(MANIFEST, "manifest.json is not written as a bundle's should be"))
    said = ask_slow(rule, outcome, files[BALLOTS], wanted=slow)
    if said.word == "differs" or (slow and said.word == "failed"):
        found.append(Difference("reference.py", said.said))
    if engine != __version__:
        notes = (f"Commonweal {engine} wrote this, and {__version__} counted it again.", *notes)
    return Verdict(
        tuple(found),
        notes,
        said,
        digest(files[MANIFEST]),
        engine,
        rule,
        tuple(_winners(outcome)),
        outcome.voters,
        len(outcome.ids),
    )


def _hashes_of(said: Any) -> dict[str, str]:
    """Return the SHA-256 of each file that the manifest names, or refuse it."""
    if not isinstance(said, dict) or said.get("format") != "commonweal-count-bundle":
        raise BundleError("manifest.json does not say that this is a count bundle; check the name")
    if said.get("version") != VERSION:
        raise BundleError(
            f"the bundle has form {str(said.get('version'))[:20]}, and this version of Commonweal "
            f"knows form {VERSION}; install the newest"
        )
    hashes = said.get("files")
    wanted = FILES.keys() - {MANIFEST}
    if (
        said.keys() != {"format", "version", "files"}
        or not isinstance(hashes, dict)
        or hashes.keys() != wanted
        or not all(isinstance(text, str) and len(text) == 64 for text in hashes.values())
    ):
        names = ", ".join(sorted(wanted))
        raise BundleError(
            f"manifest.json must give the SHA-256 of {names} and nothing else; fetch it again"
        )
    return hashes


def _engine_of(result: Any) -> str:
    engine = result.get("engine") if isinstance(result, dict) else None
    if not isinstance(engine, str) or not engine.isprintable() or not 0 < len(engine) <= 40:
        raise BundleError("result.json does not say which version counted; fetch the bundle again")
    return engine


def _strange(names: list[str]) -> Iterator[Difference]:
    for name in names:
        yield Difference(name, f"{name} is in the folder, but no part of a bundle; take it out")


def _changed(files: dict[str, bytes], hashes: dict[str, str]) -> Iterator[Difference]:
    for name in sorted(hashes):
        found = digest(files[name])
        if found != hashes[name]:
            yield Difference(
                name,
                f"{name} is not the file that was published: its SHA-256 is not the manifest's",
                hashes[name],
                found,
            )


def _counted(files: dict[str, bytes]) -> tuple[Rule, Election, Outcome]:
    data = strict_json(files["rule.json"], "rule.json")
    try:
        rule = Rule.from_json(
            data["rule"] if isinstance(data, dict) and "rule" in data else {"": ""}
        )
    except (ValueError, TypeError, ArithmeticError) as error:
        raise BundleError(f"rule.json is no rule ({error}); fetch the bundle again") from None
    try:
        election = parse_pabulib(files[BALLOTS])
    except ElectionError as error:
        raise BundleError(f"{BALLOTS}: {error}") from None
    try:
        return rule, election, rule.count(election)
    except _UNCOUNTABLE as error:
        raise BundleError(f"the ballots cannot be counted by this rule: {error}") from None


def _expected(
    rule: Rule, election: Election, outcome: Outcome, ballots: str, engine: str
) -> dict[str, bytes]:
    """Write everything again as a bundle has it."""
    with TemporaryDirectory() as folder:
        again = Path(folder, BALLOTS)
        try:
            bare, renumbered = anonymised(election, rule)
            write_pabulib(bare, again)
            if engine == __version__:  # another version may know fewer choices
                renumbered = in_full(renumbered)
            expected = documents(renumbered, election, outcome, ballots=ballots, engine=engine)
        except _UNCOUNTABLE as error:
            raise BundleError(f"the bundle cannot be written again: {error}") from None
        return expected | {BALLOTS: again.read_bytes()}
