"""``commonweal opinion``: map a conversation, predict votes, make one up, read and write Polis files."""

import argparse
import json
import os
import sys
import time
from collections.abc import Sequence
from gettext import gettext as _
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonweal.cli.opinion_files import (
    STANDARD,
    as_csv,
    given,
    note,
    texts_of,
    writable,
    written,
)
from commonweal.cli.opinion_json import Told, as_json, guards_as_json, similar_as_json
from commonweal.cli.opinion_words import guards_in_words, in_words, plain, similar_in_words
from commonweal.kit.complaint import Complaint

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from commonweal.engine.opinion import Clique, Hangs, Overview, Votes
    from commonweal.engine.opinion.files import Statements

VERBS = ("map", "predict", "similar", "guards", "simulate", "import", "export")
EPILOG = """\
Files
  VOTES.csv        participant, statement, vote (1 agree, -1 disagree, 0 pass), perhaps timestamp_ms;
                   or votes.csv or participants-votes.csv as Polis exports them, or the folder they
                   are in. Of several votes of somebody on a statement the last one counts.
  STATEMENTS.csv   statement, text, moderated (1 accepted, 0 not looked at, -1 rejected); or
                   comments.csv as Polis exports it
  MARGINS.csv      column, value, share: how many of those who live here, counted or in per cent, have
                   this value in a further column of VOTES.csv, such as age; or two columns, age and
                   share
  All may be gzipped, split by commas, semicolons or tabs, and come through a pipe (-).

Signs
  1 is agree, in Polis's exports too. Its database has -1 for agree: a file with its columns pid, tid
  and vote is read that way.

Examples
  commonweal opinion votes.csv.gz --statements statements.csv.gz
  commonweal opinion votes.csv --format json > map.json
  commonweal opinion votes.csv --population margins.csv
  commonweal opinion predict votes.csv pairs.csv --out predicted.csv
  commonweal opinion similar votes.csv statements.csv
  commonweal opinion guards votes.csv
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
    _add_similar(_verb(verbs, "similar", _("find statements that say the same")))
    _add_guards(_verb(verbs, "guards", _("find accounts that act as one")))
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
    _add_votes(parser)
    parser.add_argument("--population", metavar="FILE", help=_("who lives here: MARGINS.csv"))
    parser.add_argument(
        "--people",
        metavar="FILE",
        help=_("where participants have the columns of MARGINS.csv (default: VOTES)"),
    )
    _add_format(parser)
    _add_seed(parser)
    parser.set_defaults(run=run_map)


def _add_votes(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("votes", metavar="VOTES", help=_("the votes"))
    parser.add_argument("--statements", metavar="FILE", help=_("what the statements say"))


def _add_format(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=("text", "json"), default="text", help=_("the output"))


def run_map(args: argparse.Namespace) -> int:
    """Map a conversation and print it."""
    began = time.perf_counter()
    if args.people and not args.population:
        raise Complaint(
            _("--people says who people are, but not who lives here."),
            _("Give --population MARGINS.csv too."),
        )
    import numpy as np  # only a command that computes needs it, and it takes a tenth of a second

    from commonweal.engine.opinion.overview import overview
    from commonweal.engine.opinion.residents import read_population

    with given() as files:
        votes, known, path = _read(args, files)
        residents = None
        if args.population:
            people = files.file(args.people) if args.people else path
            residents = read_population(files.file(args.population), people, votes)
            for odd in residents.odd:
                note(odd)
    rejected = _rejected(known, votes)
    weight = None if residents is None else residents.weight
    found = overview(votes, np.random.default_rng(args.seed), rejected=rejected, weight=weight)
    cliques, hangs = _guarded(found, rejected, weight)
    told = Told(found, texts_of(known), _silent(known, votes), residents, cliques, hangs)
    if args.format == "text":
        for line in in_words(told):
            print(plain(line))
        return 0
    for piece in as_json(told):
        sys.stdout.write(piece)
    sys.stdout.write(f', "seconds": {time.perf_counter() - began:.3f}}}\n')
    return 0


def _read(args: argparse.Namespace, files: Any) -> "tuple[Votes, Statements | None, Path]":
    """Read votes and statements, and note beside the answer what is odd about them."""
    from commonweal.engine.opinion.files import (  # see run_map
        from_database,
        read_statements,
        read_votes,
        turned_round,
    )

    path, beside = files.votes(args.votes)
    votes = read_votes(path)
    if from_database(path):
        note(_("pid and tid are columns of Polis's database: -1 is read as agree."))
    texts = files.file(args.statements) if args.statements else beside
    if texts is None:
        return votes, None, path
    known = read_statements(texts)
    if len(votes.statements) and (votes.places_of_statements(known.names) < 0).all():
        note(
            _("Nobody voted on any statement of {file}. Is it of the same conversation?").format(
                file=texts.name
            )
        )
    if turned_round(known, votes):
        note(
            _("By the tallies in {file} these votes say the opposite: 1 must be agree.").format(
                file=texts.name
            )
        )
    return votes, known, path


def _rejected(known: "Statements | None", votes: "Votes") -> "NDArray[Any]":
    import numpy as np  # see run_map

    if known is None:
        return np.zeros(0, dtype=votes.statements.dtype)
    place = votes.places_of_statements(known.rejected)
    found: NDArray[Any] = votes.statements[place[place >= 0]]
    return found


def _silent(known: "Statements | None", votes: "Votes") -> tuple[Any, ...]:
    """Return the statements that nobody has voted on, but for those that were rejected."""
    if known is None:
        return ()
    quiet = (votes.places_of_statements(known.names) < 0) & (known.moderated >= 0)
    return tuple(known.names[quiet].tolist())


def _guarded(
    found: "Overview", rejected: "NDArray[Any]", weight: "NDArray[Any] | None"
) -> "tuple[tuple[Clique, ...], tuple[Hangs, ...]]":
    """Find who acts as one, and how the headlines stand without them."""
    import numpy as np  # see run_map

    from commonweal.engine.opinion.guards import raised, sensitivity

    votes = found.votes
    cliques = raised(votes)
    allowed = ~np.isin(votes.statements, rejected) & (votes.tallies.sum(axis=1) > 0)
    hangs = sensitivity(
        votes,
        cliques,
        common_ground=found.common_ground,
        dividing=found.dividing,
        allowed=allowed,
        mixture=found.mixture if found.groups.count > 1 else None,
        weight=weight,
    )
    return cliques, hangs


# --- predict


def _add_predict(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("votes", metavar="VOTES", help=_("the votes"))
    parser.add_argument("pairs", metavar="PAIRS", help=_("columns participant and statement"))
    parser.add_argument("--out", metavar="FILE", required=True, help=_("PAIRS with a column p"))
    _add_seed(parser)
    parser.set_defaults(run=run_predict)


def run_predict(args: argparse.Namespace) -> int:
    """Predict votes and write them."""
    out = writable(args.out)
    import numpy as np  # see run_map

    from commonweal.engine.opinion.files import pairs_with, read_pairs, read_votes
    from commonweal.engine.opinion.overview import fitted

    with given() as files:
        votes = read_votes(files.votes(args.votes)[0])
        pairs = files.file(args.pairs)
        person, statement = read_pairs(pairs)
        model, _choice, _sample = fitted(votes, np.random.default_rng(args.seed))
        p = model.probability(votes.places_of_people(person), votes.places_of_statements(statement))
        p = np.clip(np.nan_to_num(p, nan=0.5), 1e-6, 1 - 1e-6)  # nothing is certain
        rows = pairs_with(pairs, p)
        written(out, as_csv(next(rows), rows))
    note(_("Wrote {count:,} predictions to {out}.").format(count=len(p), out=out))
    return 0


# --- similar and guards


def _add_similar(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("votes", metavar="VOTES", help=_("the votes"))
    parser.add_argument("statements", metavar="STATEMENTS", help=_("what the statements say"))
    parser.add_argument(
        "--most", type=_whole, default=50, metavar="N", help=_("how many pairs at most (50)")
    )
    _add_format(parser)
    parser.set_defaults(run=run_similar)


def run_similar(args: argparse.Namespace) -> int:
    """Print which statements say the same."""
    from commonweal.engine.opinion.similar import similar_statements  # see run_map

    with given() as files:
        votes, known, _path = _read(args, files)
    votes = _with_silent(votes, known)
    texts = texts_of(known)
    rejected = {str(name) for name in _rejected(known, votes).tolist()}
    every = [
        "" if str(name) in rejected else texts.get(str(name), "")
        for name in votes.statements.tolist()
    ]
    pairs = similar_statements(every, votes, most=args.most)
    if args.format == "json":
        print(json.dumps({"similar": similar_as_json(votes, pairs, texts)}, allow_nan=False))
        return 0
    for line in similar_in_words(votes, pairs, texts):
        print(plain(line))
    return 0


def _with_silent(votes: "Votes", known: "Statements | None") -> "Votes":
    """Return the votes with the statements too that nobody has voted on."""
    if known is None or known.names.dtype.kind != votes.statements.dtype.kind:
        return votes
    from commonweal.engine.opinion.votes import Votes as Build  # see run_map

    return Build.from_log(
        votes.people[votes.person],
        votes.statements[votes.statement],
        votes.value,
        people=votes.people,
        statements=known.names,
    )


def _add_guards(parser: argparse.ArgumentParser) -> None:
    _add_votes(parser)
    _add_format(parser)
    _add_seed(parser)
    parser.set_defaults(run=run_guards)


def run_guards(args: argparse.Namespace) -> int:
    """Print who acts as one, and what hangs on them."""
    import numpy as np  # see run_map

    from commonweal.engine.opinion.overview import overview

    with given() as files:
        votes, known, _path = _read(args, files)
    rejected = _rejected(known, votes)
    found = overview(votes, np.random.default_rng(args.seed), rejected=rejected)
    cliques, hangs = _guarded(found, rejected, None)
    if args.format == "json":
        print(json.dumps(guards_as_json(votes, cliques, hangs), allow_nan=False))
        return 0
    told = Told(found, texts_of(known), (), None, cliques, hangs)
    for line in guards_in_words(told, everybody=True):
        print(plain(line))
    return 0


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
    out = writable(args.out)
    truth = writable(args.truth) if args.truth else None
    if truth is not None and truth.resolve() == out.resolve() and args.out not in STANDARD:
        raise Complaint(_("--out and --truth name the same file."), _("Name two."))
    import numpy as np  # see run_map

    from commonweal.engine.opinion.simulate import simulate

    if args.people * args.statements > 10**10:
        raise Complaint(_("That is more than ten thousand million pairs."), _("Ask for fewer."))
    if args.groups > args.people > 0:
        raise Complaint(_("There are more groups than people."), _("Ask for fewer groups."))
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
    written(out, as_csv(("participant", "statement", "vote"), rows))
    if truth is not None:
        written(truth, as_csv(("participant", "group"), enumerate(made.group.tolist())))
    note(_("Wrote {count:,} votes to {out}.").format(count=len(made.value), out=out))
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
        matrix_as_csv,
        matrix_fits,
        statements_as_csv,
        votes_as_csv,
    )

    with given() as files:
        votes, known, _path = _read(args, files)
    out = Path(args.out)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Complaint(
            _("{out} cannot be made a folder ({why}).").format(
                out=plain(str(out)), why=error.strerror or error
            ),
            _("Name another folder."),
        ) from None
    written(out / "votes.csv", votes_as_csv(votes, polis=polis))
    if polis and matrix_fits(votes):
        written(out / "participants-votes.csv", matrix_as_csv(votes, known))
    if known is not None:
        name = "comments.csv" if polis else "statements.csv"
        written(out / name, statements_as_csv(known, votes, polis=polis))
    note(_("Wrote {count:,} votes to {out}.").format(count=len(votes), out=out))
    return 0
