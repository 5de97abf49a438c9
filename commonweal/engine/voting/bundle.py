"""Count bundles: all that anyone needs to count an election again, written and checked."""

import os
from collections.abc import Iterator, Sequence
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
    WITH_RECEIPTS,
    as_json,
    digest,
    documents,
    in_full,
    manifest,
    result_as_data,
)
from commonweal.engine.voting.bundle_page import readme_withheld
from commonweal.engine.voting.bundle_reading import (
    FILES,
    MANIFEST,
    MORE,
    RECEIPTS,
    WITHHELD,
    BundleError,
    read_files,
    strict_json,
    withheld,
)
from commonweal.engine.voting.bundle_receipts import as_text, from_text, summary, wrong_with
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
    ``engine`` the version of Commonweal that wrote the bundle. ``root`` and ``receipts`` are what it
    publishes of receipts, if it does. ``is_whole`` is False where the ballots are withheld, because
    so few chose something that they would show who: then only receipts and hashes were checked. The
    rest is the recount's.
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
    root: str = ""
    receipts: frozenset[str] = frozenset()
    is_whole: bool = True

    @property
    def verified(self) -> bool:
        """Whether everything agrees, and all was there to be counted again."""
        return not self.differences and self.is_whole


def write_bundle(
    folder: str | Path,
    election: Election,
    rule: Rule,
    outcome: Outcome,
    *,
    receipts: Sequence[str] | None = None,
    withhold: bool = False,
) -> str:
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
    receipts : sequence of str, optional
        The receipts of the ballots, sorted.
    withhold : bool
        Whether ballots and steps stay out of it, because so few chose something that they would
        show who. All is written and counted again all the same.

    Returns
    -------
    str
        The bundle's fingerprint: the SHA-256 of ``manifest.json``.

    Raises
    ------
    ValueError
        If the folder holds something else, the ballots cannot be written as ``.pb``, counting
        what was written gives other winners, or there are not as many receipts as ballots.
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
    told = _told_of(receipts, outcome)
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
        count = None if receipts is None else len(receipts)
        made = documents(
            rule, again, recount, ballots=hashes[BALLOTS], engine=__version__, receipts=count
        )
        if receipts is not None:
            made[RECEIPTS] = as_text(receipts)
        if withhold:
            (new / BALLOTS).unlink()
            hashes, made = {}, _without_ballots(made, rule, again, recount)
        for name, content in made.items():
            if len(content) > {**FILES, **MORE}[name]:
                raise ValueError(f"{name} would be too large for a bundle; count in fewer pots")
            (new / name).write_bytes(content)
            hashes[name] = digest(content)
        said = manifest(hashes, told, WITHHELD if withhold else ())
        (new / MANIFEST).write_bytes(said)
        _put(new, place, Path(beside, "old"))
    return digest(said)


def _told_of(receipts: Sequence[str] | None, outcome: Outcome) -> dict[str, Any] | None:
    """Return what the manifest says of receipts, or refuse those that are not the ballots'."""
    if receipts is None:
        return None
    if len(receipts) != outcome.voters:
        raise ValueError(
            f"there are {len(receipts)} receipts for {outcome.voters} ballots; do not publish this "
            "result, and report it"
        )
    return summary(receipts)


def _without_ballots(
    made: dict[str, bytes], rule: Rule, election: Election, outcome: Outcome
) -> dict[str, bytes]:
    """Leave out ballots and steps, and the hashes from which few ballots could be guessed."""
    kept = {name: made[name] for name in made if name not in WITHHELD}
    result = result_as_data(rule, election, outcome, __version__)
    # Ideas between which a lot decides have as many votes as each other: neither tells the other's.
    result["ties_met"] = [tie for tie in result["ties_met"] if tie["by"] == "lot"]
    kept["result.json"] = as_json(result)
    title = election.meta.get("description", "")
    page = readme_withheld(title, ballots=outcome.voters, projects=len(outcome.ids), rule=rule.name)
    return kept | {"README.txt": page.encode()}


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
    if inside and not (set(inside) <= FILES.keys() | MORE.keys() and _is_bundle(place)):
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
    said = strict_json(files[MANIFEST], MANIFEST)
    hashes = _hashes_of(said)
    if RECEIPTS in files and RECEIPTS not in hashes:
        strangers = sorted([*strangers, RECEIPTS])
    engine = _engine_of(strict_json(files["result.json"], "result.json"))
    found = [*_strange(strangers), *_changed(files, hashes)]
    if withheld(files[MANIFEST]):
        return _without_recount(files, said, found, engine)
    receipts = from_text(files[RECEIPTS]) if RECEIPTS in hashes else None
    try:
        rule, election, outcome = _counted(files)
        count = None if receipts is None else len(receipts)
        ballots = digest(files[BALLOTS])
        expected = _expected(rule, election, outcome, ballots, engine, count)
        differences, notes = compared(files, expected, election, same=engine == __version__)
    except BundleError as error:
        hint = f"; besides, {found[0].what}" if found else ""
        raise BundleError(f"{error}{hint}") from None
    found += [*differences, *_in_receipts(said, receipts, outcome.voters)]
    told = None if receipts is None else _summary(receipts, outcome.voters)
    if not found and files[MANIFEST] != manifest(hashes, told):
        found.append(Difference(MANIFEST, "manifest.json is not written as a bundle's should be"))
    slowly = ask_slow(rule, outcome, files[BALLOTS], wanted=slow)
    if slowly.word == "differs" or (slow and slowly.word == "failed"):
        found.append(Difference("reference.py", slowly.said))
    if engine != __version__:
        notes = (f"Commonweal {engine} wrote this, and {__version__} counted it again.", *notes)
    return Verdict(
        tuple(found),
        notes,
        slowly,
        digest(files[MANIFEST]),
        engine,
        rule,
        tuple(_winners(outcome)),
        outcome.voters,
        len(outcome.ids),
        "" if told is None else told["root"],
        frozenset(receipts or ()),
    )


def _without_recount(
    files: dict[str, bytes], said: Any, found: list[Difference], engine: str
) -> Verdict:
    """Check what there is of a bundle whose ballots are withheld."""
    rule = _rule_of(files)
    result = strict_json(files["result.json"], "result.json")
    winners, voters, projects = (result.get(key) for key in ("winners", "voters", "projects"))
    if (
        not isinstance(winners, list)
        or not all(isinstance(name, str) for name in winners)
        or not all(isinstance(n, int) and not isinstance(n, bool) for n in (voters, projects))
    ):
        raise BundleError("result.json does not say who won; fetch the bundle again")
    receipts = from_text(files[RECEIPTS])
    found = [*found, *_in_receipts(said, receipts, voters)]
    told = _summary(receipts, voters)
    hashes = _hashes_of(said)
    if not found and files[MANIFEST] != manifest(hashes, told, WITHHELD):
        found.append(Difference(MANIFEST, "manifest.json is not written as a bundle's should be"))
    note = (
        "The ballots are withheld, because fewer than five people chose something here: nobody can "
        "count again from this bundle. Hashes and receipts were checked."
    )
    return Verdict(
        tuple(found),
        (note,),
        Slow("not-asked"),
        digest(files[MANIFEST]),
        engine,
        rule,
        tuple(winners),
        voters,
        projects,
        told["root"],
        frozenset(receipts),
        is_whole=False,
    )


def _in_receipts(said: Any, receipts: list[str] | None, voters: int) -> Iterator[Difference]:
    """Yield what is wrong with the receipts: their form, their number, their root."""
    if receipts is None:
        return
    wrong = wrong_with(receipts)
    if wrong:
        yield Difference(RECEIPTS, f"{RECEIPTS}: {wrong}")
    if len(receipts) != voters:
        what = f"{RECEIPTS} has {len(receipts)} receipts for {voters} ballots"
        yield Difference(RECEIPTS, what, str(len(receipts)), str(voters))
    told = _summary(receipts, voters)
    if len(receipts) == voters and said["receipts"] != told:
        published = str(said["receipts"].get("root"))[:80]
        what = f"{RECEIPTS} does not have the number and the root that the manifest gives"
        yield Difference(RECEIPTS, what, published, told["root"])


def _summary(receipts: list[str], voters: int) -> dict[str, Any]:
    """Return what a manifest should say; without a root where the list is as long as anybody liked."""
    return summary(receipts) if len(receipts) == voters else {"count": len(receipts), "root": ""}


def _hashes_of(said: Any) -> dict[str, str]:
    """Return the SHA-256 of each file that the manifest names, or refuse it."""
    if not isinstance(said, dict) or said.get("format") != "commonweal-count-bundle":
        raise BundleError("manifest.json does not say that this is a count bundle; check the name")
    version = said.get("version")
    if version not in (VERSION, WITH_RECEIPTS) or isinstance(version, bool):
        raise BundleError(
            f"the bundle has form {str(version)[:20]}, and this version of Commonweal "
            f"knows forms {VERSION} and {WITH_RECEIPTS}; install the newest"
        )
    hashes = said.get("files")
    wanted, keys = FILES.keys() - {MANIFEST}, {"format", "version", "files"}
    if version == WITH_RECEIPTS:
        wanted, keys = wanted | {RECEIPTS}, keys | {"receipts"}
        if "withheld" in said and said["withheld"] == list(WITHHELD):
            wanted, keys = wanted - set(WITHHELD), keys | {"withheld"}
        if not isinstance(said.get("receipts"), dict):
            raise BundleError(
                "manifest.json does not say how many receipts there are; fetch it again"
            )
    if (
        said.keys() != keys
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
        if name not in files:
            raise BundleError(f"the bundle has no {name}; fetch all of it again")
        found = digest(files[name])
        if found != hashes[name]:
            yield Difference(
                name,
                f"{name} is not the file that was published: its SHA-256 is not the manifest's",
                hashes[name],
                found,
            )


def _rule_of(files: dict[str, bytes]) -> Rule:
    data = strict_json(files["rule.json"], "rule.json")
    try:
        return Rule.from_json(
            data["rule"] if isinstance(data, dict) and "rule" in data else {"": ""}
        )
    except (ValueError, TypeError, ArithmeticError) as error:
        raise BundleError(f"rule.json is no rule ({error}); fetch the bundle again") from None


def _counted(files: dict[str, bytes]) -> tuple[Rule, Election, Outcome]:
    rule = _rule_of(files)
    try:
        election = parse_pabulib(files[BALLOTS])
    except ElectionError as error:
        raise BundleError(f"{BALLOTS}: {error}") from None
    try:
        return rule, election, rule.count(election)
    except _UNCOUNTABLE as error:
        raise BundleError(f"the ballots cannot be counted by this rule: {error}") from None


def _expected(
    rule: Rule,
    election: Election,
    outcome: Outcome,
    ballots: str,
    engine: str,
    receipts: int | None,
) -> dict[str, bytes]:
    """Write everything again as a bundle has it."""
    with TemporaryDirectory() as folder:
        again = Path(folder, BALLOTS)
        try:
            bare, renumbered = anonymised(election, rule)
            write_pabulib(bare, again)
            if engine == __version__:  # another version may know fewer choices
                renumbered = in_full(renumbered)
            expected = documents(
                renumbered, election, outcome, ballots=ballots, engine=engine, receipts=receipts
            )
        except _UNCOUNTABLE as error:
            raise BundleError(f"the bundle cannot be written again: {error}") from None
        return expected | {BALLOTS: again.read_bytes()}
