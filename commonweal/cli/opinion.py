"""``commonweal opinion``: map a conversation, predict votes, make one up, read and write Polis files."""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonweal.cli.opinion_words import in_words, plain
from commonweal.kit.complaint import Complaint

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from commonweal.engine.opinion import Listed, Votes
    from commonweal.engine.opinion.files import Statements
    from commonweal.engine.opinion.overview import Overview

VERBS = ("map", "predict", "simulate", "import", "export")
EPILOG = """\
Files
  VOTES.csv        participant, statement, vote (1 agree, -1 disagree, 0 pass), perhaps timestamp_ms;
                   or votes.csv or participants-votes.csv as Polis exports them
  STATEMENTS.csv   statement, text, moderated (-1 rejected); or comments.csv as Polis exports it
  MARGINS.csv      column, value, share: how many of those who live here have this value in a further
                   column of VOTES.csv, such as age
  All may be gzipped.

Examples
  commonweal opinion votes.csv.gz --statements statements.csv.gz
  commonweal opinion votes.csv --format json > map.json
  commonweal opinion predict votes.csv pairs.csv --out predicted.csv
  commonweal opinion simulate --people 1000 --statements 100 --groups 3 --out votes.csv
  commonweal opinion import polis-export/ --format polis --out ours/

Exit codes: 0 all is well; 2 something in what you asked for needs mending.
"""


class _Parser(argparse.ArgumentParser):
    """A parser that takes a file where a verb could stand."""

    def parse_known_args(  # type: ignore[override]
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Put ``map`` before whatever does not begin with a verb."""
        given = list(sys.argv[1:] if args is None else args)
        if given[:1] not in ([verb] for verb in (*VERBS, "-h", "--help")):
            given.insert(0, "map")
        return super().parse_known_args(given, namespace)


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the command line."""
    # matrices are small here: numpy's own threads would only wait for one another
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    about = _("map a conversation: what is common, what divides, and how sure that is")
    subparsers.add_parser("opinion", help=about)
    parser = _Parser(
        prog="commonweal opinion",
        description=_("Map a conversation out of votes on statements: `map` may be left out."),
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    subparsers.choices["opinion"] = parser
    verbs = parser.add_subparsers(
        dest="verb", required=True, metavar="VERB", parser_class=argparse.ArgumentParser
    )
    _add_map(_verb(verbs, "map", about))
    _add_predict(_verb(verbs, "predict", _("say how likely people agree with statements")))
    _add_simulate(_verb(verbs, "simulate", _("make up a conversation")))
    for name, what in (
        ("import", _("turn files that Polis exported into ours")),
        ("export", _("write a conversation as Polis exports it")),
    ):
        _add_exchange(_verb(verbs, name, what), name)


def _verb(
    verbs: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, what: str
) -> argparse.ArgumentParser:
    return verbs.add_parser(
        name,
        help=what,
        description=what[:1].upper() + what[1:] + ".",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def _add_seed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--seed",
        type=_whole,
        default=0,
        metavar="N",
        help=_("the same seed and the same votes give the same answer (default: 0)"),
    )


def _whole(text: str) -> int:
    found = text.replace(",", "").replace("_", "")
    if not (found.isascii() and found.isdigit() and len(found) < 19):
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no whole number")
    return int(found)


def _positive(text: str) -> float:
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found < 1e6:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is no number from 0 up")
    return found


# --- map


def _add_map(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("votes", metavar="VOTES", help=_("the votes"))
    parser.add_argument("--statements", metavar="FILE", help=_("what the statements say"))
    parser.add_argument("--population", metavar="FILE", help=_("who lives here: MARGINS.csv"))
    parser.add_argument("--format", choices=("text", "json"), default="text", help=_("the output"))
    _add_seed(parser)
    parser.set_defaults(run=run_map)


def run_map(args: argparse.Namespace) -> int:
    """Map a conversation and print it."""
    began = time.perf_counter()
    import numpy as np  # only a command that computes needs it, and it takes a tenth of a second

    from commonweal.engine.opinion.files import read_statements, read_votes
    from commonweal.engine.opinion.overview import overview
    from commonweal.engine.opinion.residents import read_population
    from commonweal.engine.opinion.tables import OpinionError

    try:
        votes = read_votes(args.votes)
        known = read_statements(args.statements) if args.statements else None
        raked = read_population(args.population, args.votes, votes) if args.population else None
    except OpinionError as error:
        raise _complaint(error) from None
    rejected = _rejected(known, votes)
    weight = None if raked is None else raked.weight
    found = overview(votes, np.random.default_rng(args.seed), rejected=rejected, weight=weight)
    texts = _texts(known)
    effective = None if raked is None else raked.effective
    if args.format == "text":
        for line in in_words(found, texts, effective):
            print(plain(line))
        return 0
    for piece in _as_json(found, texts, effective, began):
        sys.stdout.write(piece)
    sys.stdout.write("\n")
    return 0


def _complaint(error: ValueError) -> Complaint:
    said = [plain(problem) for problem in getattr(error, "problems", ()) or (str(error),)]
    more = _("… and {count} more").format(count=len(said) - 5) if len(said) > 5 else ""
    begins_with_file = "." in said[0].split(" ")[0]
    first = said[0] if begins_with_file else said[0][:1].upper() + said[0][1:]
    return Complaint(first + ".", "\n".join([*said[1:5], *([more] if more else [])]))


def _rejected(known: "Statements | None", votes: "Votes") -> "NDArray[Any]":
    import numpy as np  # see run_map

    if known is None:
        return np.zeros(0, dtype=votes.statements.dtype)
    names = known.rejected
    return names if names.dtype.kind == votes.statements.dtype.kind else names.astype(np.str_)


def _texts(known: "Statements | None") -> dict[str, str]:
    if known is None:
        return {}
    return dict(zip(map(str, known.names.tolist()), known.text, strict=True))


def _as_json(
    found: "Overview", texts: dict[str, str], effective: float | None, began: float
) -> Iterator[str]:
    """Yield the map as JSON, people some thousand at a time: there may be a million."""
    import numpy as np  # see run_map

    votes, groups = found.votes, found.groups

    def listed(entries: "Iterable[Listed]") -> list[dict[str, Any]]:
        return [_entry(found, texts, entry) for entry in entries]

    chosen = found.short_list
    head: dict[str, Any] = {
        "people": len(votes.people),
        "statements": len(votes.statements),
        "votes": len(votes),
        "dimensions": found.model.dimensions,
        "groups": {
            "count": groups.count,
            "sizes": found.sizes.tolist(),
            "stability": _round(groups.stability),
            "stability_halves": _round(groups.halves),
            "clear": groups.clear,
            "losses": [_round(loss) for loss in groups.losses],
            "loss_without_groups": _round(groups.without),
            "worked_out_on_people": groups.people,
        },
        "hidden_votes_loss": [_round(loss) for loss in found.choice.losses],
        "effective_people": _round(effective),
        "common_ground": listed(found.common_ground),
        "dividing": listed(found.dividing),
        "group_statements": listed(found.group_statements),
        "uncertain": listed(found.unsure),
        "short_list": [_overall(found, texts, j) for j in chosen.statements.tolist()],
        "short_list_proportional": chosen.proportional,
        "short_list_reached": [_round(share) for share in chosen.reached],
        "by_statement": [_overall(found, texts, j) for j in range(len(votes.statements))],
    }
    yield json.dumps(head)[:-1]
    for name, table in (("membership", found.member), ("positions", found.model.positions)):
        yield f', "{name}": {{'
        for begin in range(0, len(votes.people), 10_000):
            part = slice(begin, begin + 10_000)
            people = [json.dumps(str(person)) for person in votes.people[part].tolist()]
            rows = np.round(table[part], 4).tolist()
            lines = ", ".join(f"{p}: {row}" for p, row in zip(people, rows, strict=True))
            yield (", " if begin else "") + lines
        yield "}"
    yield f', "seconds": {time.perf_counter() - began:.3f}}}'


def _round(number: float | None) -> float | None:
    return None if number is None else round(float(number), 6)


def _entry(found: "Overview", texts: dict[str, str], entry: "Listed") -> dict[str, Any]:
    name = found.votes.statements[entry.statement].item()
    told: dict[str, Any] = {
        "statement": name,
        "side": entry.side,
        "estimate": _round(entry.estimate),
        "low": _round(entry.low),
        "high": _round(entry.high),
        "votes": _round(entry.votes),
    }
    if entry.group is not None:
        told["group"] = entry.group
    if texts.get(str(name)):
        told["text"] = texts[str(name)]
    return told


def _overall(found: "Overview", texts: dict[str, str], j: int) -> dict[str, Any]:
    """Tell how many agree with a statement, overall and by group."""
    name = found.votes.statements[j].item()
    told: dict[str, Any] = {"statement": name, **_shares(found.overall, j, 0)}
    if found.groups.count > 1:
        told["by_group"] = [_shares(found.by_group, j, g) for g in range(found.groups.count)]
    if texts.get(str(name)):
        told["text"] = texts[str(name)]
    return told


def _shares(shares: Any, j: int, g: int) -> dict[str, Any]:
    agree = 2
    return {
        "estimate": _round(shares.estimate[j, agree, g]),
        "low": _round(shares.low[j, agree, g]),
        "high": _round(shares.high[j, agree, g]),
        "votes": _round(shares.votes[j, g]),
        "disagree": _round(shares.estimate[j, 0, g]),
        "pass": _round(shares.estimate[j, 1, g]),
    }


# --- predict


def _add_predict(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("votes", metavar="VOTES", help=_("the votes"))
    parser.add_argument("pairs", metavar="PAIRS", help=_("columns participant and statement"))
    parser.add_argument("--out", metavar="FILE", required=True, help=_("PAIRS with a column p"))
    _add_seed(parser)
    parser.set_defaults(run=run_predict)


def run_predict(args: argparse.Namespace) -> int:
    """Predict votes and write them."""
    out = _writable(args.out)
    import numpy as np  # see run_map

    from commonweal.engine.opinion.files import read_pairs, read_votes
    from commonweal.engine.opinion.overview import fitted
    from commonweal.engine.opinion.tables import OpinionError

    try:
        votes = read_votes(args.votes)
        person, statement = read_pairs(args.pairs)
    except OpinionError as error:
        raise _complaint(error) from None
    model, _choice, _sample = fitted(votes, np.random.default_rng(args.seed))
    p = model.probability(votes.places_of_people(person), votes.places_of_statements(statement))
    rows = zip(person.tolist(), statement.tolist(), p.tolist(), strict=True)
    _write(out, ("participant", "statement", "p"), ((i, j, f"{x:.6f}") for i, j, x in rows))
    print(_("Wrote {count:,} predictions to {out}.").format(count=len(p), out=out), file=sys.stderr)
    return 0


def _writable(name: str) -> Path:
    out = Path(name)
    try:
        there, folder = out.parent.is_dir(), out.is_dir()
    except (OSError, ValueError):
        there, folder = False, False
    if not there:
        raise Complaint(
            _("There is no folder {folder}.").format(folder=plain(str(out.parent))),
            _("Make it first."),
        )
    if folder:
        raise Complaint(_("{out} is a folder.").format(out=out), _("Name a file in it."))
    return out


def _write(out: Path, titles: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    import csv  # a command that only maps needs no writer

    try:
        with out.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(titles)
            writer.writerows(rows)
    except OSError as error:
        raise _unwritten(out, error) from None


def _unwritten(out: Path, error: OSError) -> Complaint:
    return Complaint(
        _("{out} cannot be written ({why}).").format(out=out, why=error.strerror or error),
        _("Check the folder, its permissions and the room on the disk."),
    )


# --- simulate


def _add_simulate(parser: argparse.ArgumentParser) -> None:
    for name, default, what in (
        ("people", 1000, _("how many people")),
        ("statements", 100, _("how many statements")),
        ("groups", 1, _("how many groups")),
    ):
        parser.add_argument(
            f"--{name}", type=_whole, default=default, metavar="N", help=f"{what} ({default})"
        )
    for name, share, what in (
        ("answered", 0.1, _("the share of pairs that is voted on")),
        ("apart", 1.5, _("how far groups lie apart, in log odds")),
        ("passes", 0.1, _("the share of votes that is a pass")),
    ):
        parser.add_argument(
            f"--{name}", type=_positive, default=share, metavar="X", help=f"{what} ({share})"
        )
    _add_seed(parser)
    parser.add_argument("--out", metavar="FILE", required=True, help=_("the votes"))
    parser.add_argument("--truth", metavar="FILE", help=_("the group of each person"))
    parser.set_defaults(run=run_simulate)


def run_simulate(args: argparse.Namespace) -> int:
    """Make up a conversation and write it, in random order."""
    out = _writable(args.out)
    truth = _writable(args.truth) if args.truth else None
    import numpy as np  # see run_map

    from commonweal.engine.opinion.simulate import simulate

    if args.people * args.statements > 10**10:
        raise Complaint(_("That is more than ten thousand million pairs."), _("Ask for fewer."))
    try:
        made = simulate(
            np.random.default_rng(args.seed),
            people=args.people,
            statements=args.statements,
            groups=args.groups,
            answered=args.answered,
            apart=args.apart,
            passes=args.passes,
        )
    except ValueError as error:
        raise Complaint(f"{error}."[:1].upper() + f"{error}."[1:]) from None
    rows = (
        row
        for begin in range(0, len(made.value), 100_000)
        for row in zip(
            made.person[begin : begin + 100_000].tolist(),
            made.statement[begin : begin + 100_000].tolist(),
            made.value[begin : begin + 100_000].tolist(),
            strict=True,
        )
    )
    _write(out, ("participant", "statement", "vote"), rows)
    if truth is not None:
        _write(truth, ("participant", "group"), enumerate(made.group.tolist()))
    print(
        _("Wrote {count:,} votes to {out}.").format(count=len(made.value), out=out),
        file=sys.stderr,
    )
    return 0


# --- import and export


def _add_exchange(parser: argparse.ArgumentParser, name: str) -> None:
    parser.add_argument("votes", metavar="VOTES", help=_("a file of votes, or a folder of files"))
    parser.add_argument("--statements", metavar="FILE", help=_("what the statements say"))
    parser.add_argument("--format", choices=("polis",), default="polis", help=_("the other form"))
    parser.add_argument("--out", metavar="FOLDER", required=True, help=_("the new files"))
    parser.set_defaults(run=run_import if name == "import" else run_export)


def run_import(args: argparse.Namespace) -> int:
    """Write files of Polis in our columns."""
    return _exchange(args, polis=False)


def run_export(args: argparse.Namespace) -> int:
    """Write our files in the columns of Polis."""
    return _exchange(args, polis=True)


def _exchange(args: argparse.Namespace, *, polis: bool) -> int:
    from commonweal.engine.opinion.files import (  # see run_map
        read_statements,
        read_votes,
        statements_as_csv,
        votes_as_csv,
    )
    from commonweal.engine.opinion.tables import OpinionError

    given = Path(args.votes)
    texts = Path(args.statements) if args.statements else None
    if given.is_dir():
        texts = texts or _first(given, ("comments.csv", "statements.csv"))
        votes_file = _first(given, ("votes.csv", "participants-votes.csv"))
        if votes_file is None:
            raise Complaint(
                _("There is no votes.csv in {folder}.").format(folder=given),
                _("Name the file, or the folder it is in."),
            )
        given = votes_file
    try:
        votes = read_votes(given)
        known = read_statements(texts) if texts else None
    except OpinionError as error:
        raise _complaint(error) from None
    out = Path(args.out)
    try:
        out.mkdir(parents=True, exist_ok=True)
        with (out / "votes.csv").open("w", encoding="utf-8", newline="") as file:
            file.writelines(votes_as_csv(votes, polis=polis))
        if known is not None:
            name = "comments.csv" if polis else "statements.csv"
            with (out / name).open("w", encoding="utf-8", newline="") as file:
                file.writelines(statements_as_csv(known, votes, polis=polis))
    except OSError as error:
        raise _unwritten(out, error) from None
    print(_("Wrote {count:,} votes to {out}.").format(count=len(votes), out=out), file=sys.stderr)
    return 0


def _first(folder: Path, names: Sequence[str]) -> Path | None:
    there = [folder / name for stem in names for name in (stem, f"{stem}.gz")]
    return next((path for path in there if path.is_file()), None)
