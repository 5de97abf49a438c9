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
        raise Complaint(_printable(f"{path}: {error}")) from None
    lines = [json.dumps(_record(path, verdict), ensure_ascii=False)]
    return int(not verdict.verified), lines if args.format == "json" else list(_words(verdict))


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
    if verdict.slow.said and verdict.slow.word != "differs":
        yield _printable(verdict.slow.said)
    yield from map(_printable, verdict.notes)
    yield _("Its fingerprint, to compare with the one that was announced:")
    yield verdict.fingerprint


def _printable(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text)
