"""``commonweal tally --bundle`` and ``--verify``: a count that anyone can repeat."""

import argparse
import json
from collections.abc import Iterator
from gettext import gettext as _
from gettext import ngettext
from typing import TYPE_CHECKING, Any

from commonweal import __version__
from commonweal.kit.complaint import Complaint

if TYPE_CHECKING:
    from commonweal.cli.record import Counted
    from commonweal.engine.voting.bundle import Verdict

LISTED = 5  # differences told to people; all are in the JSON


def write(folder: str, done: "Counted") -> dict[str, str]:
    """Write the bundle of a count; return where it is and its fingerprint."""
    from commonweal.engine.voting.bundle import write_bundle  # numpy takes a moment

    try:
        fingerprint = write_bundle(folder, done.election, done.rule, done.outcome)
    except OSError as error:
        raise Complaint(
            f"--bundle: {folder}: {error.strerror or error}", _("Choose another place.")
        ) from None
    except ValueError as error:
        raise Complaint(f"--bundle: {error}") from None
    return {"folder": folder, "sha256": fingerprint}


def told(bundle: dict[str, str]) -> Iterator[str]:
    """Say where the bundle is and what to announce."""
    yield ""
    yield _("Bundle written to {folder}. Announce its fingerprint:").format(
        folder=_printable(bundle["folder"])
    )
    yield bundle["sha256"]


def verify(args: argparse.Namespace) -> tuple[int, list[str]]:
    """Count a bundle again; return the exit code and what to print."""
    from commonweal.engine.voting.bundle import BundleError, verify_bundle  # numpy takes a moment

    _refuse_more(args)
    path = args.files[0]
    try:
        verdict = verify_bundle(path, slow=True if args.slow else None)
    except BundleError as error:
        if args.format == "json":
            record = {"file": path, "verified": False, "error": str(error), "differences": []}
            print(json.dumps(record, ensure_ascii=False))
        said = str(error)
        raise Complaint(_printable(said if path in said else f"{path}: {said}")) from None
    mine = _asked_for(args, verdict)
    if args.format == "json":
        record = _record(path, verdict) | ({} if mine is None else {"receipt": mine})
        return _code(verdict, mine), [json.dumps(record, ensure_ascii=False)]
    return _code(verdict, mine), [*_words(verdict), *_words_on(mine, len(verdict.receipts))]


WITHHELD = 3  # the exit code where what is there agrees, but the ballots are withheld


def _code(verdict: "Verdict", mine: dict[str, Any] | None) -> int:
    if verdict.differences or (mine is not None and not mine["found"]):
        return 1
    return 0 if verdict.is_whole else WITHHELD


def _asked_for(args: argparse.Namespace, verdict: "Verdict") -> dict[str, Any] | None:
    """Look a receipt up, however it was typed."""
    if not args.receipt:
        return None
    from commonweal.engine.voting.bundle_receipts import readings

    if not verdict.root and not verdict.receipts:
        raise Complaint(
            _("This bundle publishes no receipts."), _("Ask whoever counted for one that does.")
        )
    meant = readings(args.receipt)
    if not meant:
        raise Complaint(
            _("That is no receipt."),
            _("A receipt has 16 letters and digits, like ABCD-EFGH-2345-6723."),
        )
    found = [code for code in meant if code in verdict.receipts]
    return {"receipt": (found or meant)[0], "found": bool(found)}


def _words_on(mine: dict[str, Any] | None, receipts: int) -> Iterator[str]:
    if mine is None:
        return
    said = (
        _("The receipt {receipt} is among the {count} of the ballots that were counted.")
        if mine["found"]
        else _("The receipt {receipt} is not among the {count} of the ballots that were counted.")
    )
    yield said.format(receipt=mine["receipt"], count=f"{receipts:,}")


def _refuse_more(args: argparse.Namespace) -> None:
    if len(args.files) > 1:
        raise Complaint(_("There is more than one bundle."), _("Verify one at a time."))
    for name in ("many", "bundle", "explain", "fairness", "out", "dask", "limits"):
        if getattr(args, name):
            raise Complaint(
                _("--{name} does not go with --verify.").format(name=name),
                _("The bundle says how it was counted; leave the option out."),
            )


def _record(path: str, verdict: "Verdict") -> dict[str, Any]:
    return {
        "file": path,
        "verified": verdict.verified,
        "ballots_withheld": not verdict.is_whole,
        "receipts": len(verdict.receipts) if verdict.root else None,
        "root": verdict.root or None,
        "differences": [
            {
                "file": found.file,
                "step": found.step or None,
                "said": found.what,
                "published": found.published,
                "recount": found.recount,
            }
            for found in verdict.differences
        ],
        "slow": {"result": verdict.slow.word, "said": verdict.slow.said},
        "notes": list(verdict.notes),
        "sha256": verdict.fingerprint,
        "engine": __version__,
        "published_by": verdict.engine,
        "rule_as_data": verdict.rule.to_json(),
        "voters": verdict.voters,
        "projects": verdict.projects,
        "selected": list(verdict.winners),
    }


def _words(verdict: "Verdict") -> Iterator[str]:
    if verdict.verified:
        yield _("Yes: counting again gives what was published.")
        yield _("{voters} ballots, {projects} on the menu, {won} won, in the same order.").format(
            voters=f"{verdict.voters:,}", projects=verdict.projects, won=len(verdict.winners)
        )
    elif not verdict.differences:
        yield _(
            "What is here agrees, but the ballots are withheld: nobody can count again from it."
        )
        yield _("{voters} ballots, {projects} on the menu, {won} won.").format(
            voters=f"{verdict.voters:,}", projects=verdict.projects, won=len(verdict.winners)
        )
    else:
        yield _("No: counting again does not give what was published.")
        yield _("The first difference:")
        for found in verdict.differences[:LISTED]:
            yield f"  {_printable(found.what)}"
            if len(found.published) == len(found.recount) == 64:  # two hashes
                yield "    " + _("published: {said}").format(said=found.published)
                yield "    " + _("found:     {said}").format(said=found.recount)
            if found is verdict.differences[0] and len(verdict.differences) > 1:
                yield _("What else differs:")
        more = len(verdict.differences) - LISTED
        if more > 0:
            yield "  " + ngettext(
                "and {more} more; --format json lists it.",
                "and {more} more; --format json lists them.",
                more,
            ).format(more=more)
    if verdict.root:
        said = _("{count} receipts. Their root, to compare with the one that was announced:")
        yield said.format(count=f"{len(verdict.receipts):,}")
        yield verdict.root
    if verdict.slow.said and verdict.slow.word != "differs":
        yield _printable(verdict.slow.said)
    yield from map(_printable, verdict.notes)
    yield _("Its fingerprint, to compare with the one that was announced:")
    yield verdict.fingerprint


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)
