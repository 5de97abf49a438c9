"""``commonweal ballots``: check, convert, describe and make up files of ballots."""

import argparse
import json
import sys
from collections.abc import Iterator
from gettext import gettext as _
from gettext import ngettext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonweal.kit.complaint import Complaint

if TYPE_CHECKING:
    from commonweal.engine.voting.election import Election

KINDS = """\
Files
  .pb                     Pabulib, the usual format for participatory budgeting
  .soc .soi .toc .toi     PrefLib, ranked ballots
  .csv                    one long table, or a folder with projects.csv and ballots.csv
  .npz                    packed arrays, for millions of ballots
  Text files may be gzipped (.pb.gz).
"""
EXAMPLES = {
    "check": """\
Examples
  commonweal ballots check poland_warszawa_2023.pb
  commonweal ballots check elections/ more.tar.gz
""",
    "convert": """\
Examples
  commonweal ballots convert election.pb election.npz
  commonweal ballots convert election.pb tables       (a folder with two .csv files)
""",
    "describe": """\
Example
  commonweal ballots describe election.pb --format json
""",
    "synthesise": """\
Example
  commonweal ballots synthesise --voters 5000000 --projects 2000 --length 8 --seed 1 --out big.npz
""",
}


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "ballots",
        help=_("check, convert, describe or make up files of ballots"),
        description=_("Work with files of ballots before they are counted."),
        epilog=KINDS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")
    check = _verb(verbs, "check", _("say that all is well, or every problem and how to mend it"))
    check.add_argument(
        "files", nargs="+", metavar="FILE", help=_("files, folders, .tar.gz archives")
    )
    check.add_argument(
        "--strict",
        action="store_true",
        help=_("also fail for what is odd but can be counted"),
    )
    check.set_defaults(run=run_check)
    convert = _verb(verbs, "convert", _("write the same election as another kind of file"))
    convert.add_argument("file", metavar="FILE", help=_("the election"))
    convert.add_argument("out", metavar="OUT", help=_("the new file; its ending says the kind"))
    convert.set_defaults(run=run_convert)
    describe = _verb(verbs, "describe", _("say what is in a file"))
    describe.add_argument("file", metavar="FILE", help=_("the election"))
    describe.add_argument(
        "--format", choices=("text", "json"), default="text", help=_("the output")
    )
    describe.set_defaults(run=run_describe)
    make = _verb(verbs, "synthesise", _("make up an election of any size"))
    for name, what in (
        ("voters", _("how many ballots")),
        ("projects", _("how many projects")),
        ("length", _("how many projects each ballot marks")),
    ):
        make.add_argument(f"--{name}", type=_number, required=True, metavar="N", help=what)
    make.add_argument(
        "--seed",
        type=_number,
        default=0,
        metavar="S",
        help=_("the same seed gives the same file on every machine (default: 0)"),
    )
    make.add_argument("--out", required=True, metavar="FILE", help=_("a .npz, .pb or .csv file"))
    make.set_defaults(run=run_synthesise)


def _verb(
    verbs: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, what: str
) -> argparse.ArgumentParser:
    return verbs.add_parser(
        name,
        help=what,
        description=what[:1].upper() + what[1:] + ".",
        epilog=EXAMPLES[name] + "\n" + KINDS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _number(text: str) -> int:
    plain = text.replace(",", "").replace("_", "")
    if not (plain.isascii() and plain.isdigit() and len(plain) < 19):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no whole number")
    return int(plain)


# --- check


def run_check(args: argparse.Namespace) -> int:
    """Check every file; 2 if any cannot be counted."""
    bad = 0
    for file in args.files:
        for name, problems, warnings, well in _checked(Path(file)):
            bad += bool(problems) or (args.strict and bool(warnings))
            for line in _report(name, problems, warnings, well):
                print(_plain(line))
    return 2 if bad else 0


def _checked(path: Path) -> Iterator[tuple[str, tuple[str, ...], tuple[str, ...], str]]:
    """Yield (name, problems, warnings, what is in it) of each election."""
    from commonweal.engine.voting.election import ElectionError  # numpy takes a moment
    from commonweal.engine.voting.formats import read_elections

    try:
        for name, found in read_elections(path):
            shown = str(path) if name == path.name else f"{path}: {name}"
            if isinstance(found, ElectionError):
                yield shown, found.problems, (), ""
            else:
                yield shown, (), found.warnings, _in_short(found)
    except ElectionError as error:
        yield str(path), error.problems, (), ""


def _report(
    name: str, problems: tuple[str, ...], warnings: tuple[str, ...], well: str
) -> Iterator[str]:
    if problems:
        count = len(problems)
        yield ngettext("{name}: 1 problem", "{name}: {count} problems", count).format(
            name=name, count=count
        )
    else:
        yield _("{name}: all is well ({what})").format(name=name, what=well)
    for problem in problems:
        yield _("  To mend: {problem}").format(problem=problem)
    for warning in warnings:
        yield _("  Note: {warning}").format(warning=warning)
    if len(problems) >= 100:
        yield _("  There may be more; the first hundred are shown.")


def _in_short(election: "Election") -> str:
    profile = election.profile
    return _("{ballots} ballots, {projects} projects, {marks} marks").format(
        ballots=f"{profile.voters:,}",
        projects=f"{len(profile.ids):,}",
        marks=f"{len(profile.voter):,}",
    )


# --- convert and describe


def run_convert(args: argparse.Namespace) -> int:
    """Write a file again as another kind."""
    out = Path(args.out)
    _refuse_out(out)
    election = _read(args.file)
    if out.exists() and Path(args.file).exists() and out.samefile(args.file):
        raise Complaint(_("Both names are the same file."), _("Give OUT another name."))
    _write(election, out)
    print(
        _plain(_("Wrote {out}: {what}.").format(out=out, what=_in_short(election))), file=sys.stderr
    )
    return 0


def _read(file: str) -> "Election":
    from commonweal.engine.voting.election import ElectionError  # see _checked
    from commonweal.engine.voting.formats import read_election

    try:
        return read_election(file)
    except ElectionError as error:
        first, *others = error.problems
        more = _("`commonweal ballots check` lists all {count} problems.").format(
            count=len(others) + 1
        )
        said = first if str(file) in first else f"{file}: {first}"
        raise Complaint(_plain(said), more if others else "") from None


def _refuse_out(out: Path) -> None:
    """Refuse a name nobody can write to before hours of work, not after."""
    if out.suffix.lower() not in (".pb", ".npz", ".csv", ""):
        raise Complaint(
            _("{out} cannot be written.").format(out=out),
            _("End the name in .pb, .npz or .csv; a name without an ending makes a folder."),
        )
    try:
        there, folder = out.parent.is_dir(), out.is_dir()
    except (OSError, ValueError):
        there, folder = False, False
    if not there:
        raise Complaint(
            _("There is no folder {folder}.").format(folder=out.parent), _("Make it first.")
        )
    if folder and out.suffix:
        raise Complaint(_("{out} is a folder.").format(out=out), _("Name a file in it."))


def _write(election: "Election", out: Path) -> None:
    from commonweal.engine.voting.formats import write_election  # see _checked

    try:
        write_election(election, out)
    except OSError as error:
        raise Complaint(
            _("{out} cannot be written ({why}).").format(out=out, why=error.strerror or error),
            _("Check the folder, its permissions and the room on the disk."),
        ) from None
    except ValueError as error:
        raise Complaint(str(error)) from None


def run_describe(args: argparse.Namespace) -> int:
    """Say what is in a file."""
    found = _described(args.file, _read(args.file))
    if args.format == "json":
        print(json.dumps(found, ensure_ascii=True))
        return 0
    for line in _in_words(found):
        print(_plain(line))
    return 0


def _described(file: str, election: "Election") -> dict[str, Any]:
    import numpy as np  # see _checked

    from commonweal.engine.voting.ballot_limits import decimal, limits

    profile = election.profile
    length = np.bincount(profile.voter, minlength=profile.voters)
    sizes, count = np.unique(length, return_counts=True)
    cost = np.sort(profile.cost).tolist()
    said = limits(election.meta)
    return {
        "file": str(file),
        "title": election.meta.get("description", ""),
        "vote_type": election.vote_type,
        "currency": election.currency,
        "voters": profile.voters,
        "projects": len(profile.ids),
        "marks": len(profile.voter),
        "empty_ballots": int((length == 0).sum()),
        "without_votes": int((profile.votes == 0).sum()),
        "lengths": dict(zip(map(str, sizes.tolist()), count.tolist(), strict=True)),
        "median_length": float(np.median(length)) if profile.voters else 0.0,
        "different_ballots": len(profile.classes.weight),
        "budget": decimal(election.budget),
        "total_cost": decimal(sum(cost)),
        "cheapest": decimal(cost[0]) if cost else None,
        "median_cost": decimal(cost[len(cost) // 2]) if cost else None,
        "dearest": decimal(cost[-1]) if cost else None,
        "voter_columns": {name: len(c.labels) for name, c in election.voters.items()},
        "project_columns": list(election.projects),
        "limits": {
            **{
                name: limit if "length" in name else decimal(limit)
                for name, limit in said.single.items()
            },
            **{
                name: {g: limit if "length" in name else decimal(limit) for g, limit in by.items()}
                for name, by in said.grouped.items()
            },
        },
        "warnings": list(election.warnings),
    }


def _in_words(found: dict[str, Any]) -> Iterator[str]:
    yield found["title"] or _("An election without a title")
    currency = f" {found['currency']}" if found["currency"] else ""
    lengths = {int(size): count for size, count in found["lengths"].items()}
    rows = [
        (_("Ballots"), f"{found['voters']:,} ({found['vote_type']})"),
        (_("Different ballots"), f"{found['different_ballots']:,}"),
        (_("Empty ballots"), f"{found['empty_ballots']:,}"),
        (_("Marks"), f"{found['marks']:,}"),
        (
            _("Marks a ballot"),
            _("{least} to {most}, half have {median:g} or fewer").format(
                least=min(lengths, default=0),
                most=max(lengths, default=0),
                median=found["median_length"],
            ),
        ),
        (_("Projects"), f"{found['projects']:,}"),
        (_("Without votes"), f"{found['without_votes']:,}"),
        (_("Budget"), f"{_grouped(found['budget'])}{currency}"),
        (_("All projects cost"), f"{_grouped(found['total_cost'])}{currency}"),
    ]
    if found["cheapest"] is not None:
        costs = (found[key] for key in ("cheapest", "dearest", "median_cost"))
        least, most, median = map(_grouped, costs)
        text = _("{least} to {most}, median {median}")
        rows.append((_("Costs"), text.format(least=least, most=most, median=median)))
    columns = ", ".join(f"{name} ({count:,})" for name, count in found["voter_columns"].items())
    rows.append((_("Known of voters"), columns or _("nothing")))
    rows.append((_("Known of projects"), ", ".join(found["project_columns"]) or _("nothing")))
    rows.extend((name, _limit(limit)) for name, limit in found["limits"].items())
    width = max(len(name) for name, _text in rows)
    for name, text in rows:
        yield f"{name:<{width}}  {text}"
    for warning in found["warnings"]:
        yield _("Note: {warning}").format(warning=warning)


def _limit(limit: Any) -> str:
    if not isinstance(limit, dict):
        return _grouped(str(limit))
    return "; ".join(f"{group}: {_grouped(str(amount))}" for group, amount in limit.items())


def _grouped(amount: str) -> str:
    whole, point, rest = amount.partition(".")
    return f"{int(whole):,}{point}{rest}"


# --- synthesise


def run_synthesise(args: argparse.Namespace) -> int:
    """Make up an election and write it."""
    out = Path(args.out)
    _refuse_out(out)
    import numpy as np  # see _checked

    from commonweal.engine.voting.synthesise import synthesise

    rng = np.random.Generator(np.random.PCG64(args.seed))
    try:
        election = synthesise(rng, voters=args.voters, projects=args.projects, length=args.length)
    except ValueError as error:
        raise Complaint(f"{error}.") from None
    election.meta["instance"] = f"seed {args.seed}"
    _write(election, out)
    print(_("Wrote {out}: {what}.").format(out=out, what=_in_short(election)), file=sys.stderr)
    return 0


def _plain(text: str) -> str:
    """Leave out what could steer a terminal, and what it cannot show."""
    shown = "".join(c if c.isprintable() else " " for c in text)
    encoding = sys.stdout.encoding or "ascii"
    return shown.encode(encoding, errors="replace").decode(encoding)
