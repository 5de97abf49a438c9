"""``commonweal tally``: count an election and say why each project won or lost."""

import argparse
import json
import os
import sys
from collections.abc import Iterable
from gettext import gettext as _
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonweal.cli.patience import patience
from commonweal.cli.record import as_record, counted
from commonweal.kit.complaint import Complaint

if TYPE_CHECKING:
    from commonweal.cli.record import Counted
    from commonweal.engine.voting import Limits, Rule
    from commonweal.engine.voting.whatif import WhatIf

RULES = {
    "equal-shares": _("every ballot gets the same money, supporters pay together"),
    "greedy": _("the most votes first"),
    "phragmen": _("money flows to every ballot, a project is bought when supporters have enough"),
    "exact-equal-shares": _("equal shares in which all who pay for a project pay the same"),
    "bounded-overspending": _("equal shares in which supporters may overdraw a little"),
    "comparison": _("equal shares, or greedy if more ballots prefer that"),
    "maximin-support": _("spread costs over supporters as evenly as can be; small menus"),
    "transfers": _("points move from losers to what their voters like next"),
    "knapsack": _("ballots that fit the budget; each penny goes where most put it"),
    "best-welfare": _("the set that satisfies most in all; small menus"),
    "quadratic": _("votes whose price is their square"),
    "cumulative": _("the most points first"),
    "approval": _("choose SEATS options: the most approvals"),
    "sequential-pav": _("choose SEATS options: each next counts less to whoever has one"),
    "sequential-phragmen": _("choose SEATS options by sequential Phragmén"),
    "equal-shares-seats": _("choose SEATS options by equal shares"),
    "plurality": _("choose SEATS options: the most first choices"),
    "instant-runoff": _("one winner from ranked ballots, weakest out in turn"),
    "scottish-stv": _("SEATS winners by single transferable vote, as in Scotland"),
    "schulze": _("one winner or a ranking by strongest paths of duels"),
    "ranked-pairs": _("one winner or a ranking by the clearest duels"),
}
SATISFACTIONS = ("cost", "cardinality", "points", "borda", "borda-all")
MEASURES = ("votes", "votes-per-cost", "score", "score-per-cost")
COMPLETIONS = (
    "none",
    "greedy",
    "add1",
    "add1-greedy",
    "add-opt",
    "add-opt-greedy",
    "add-opt-skip",
    "add-opt-skip-greedy",
)
TIES = "cheapest,most-votes,lot"


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "tally",
        help=_("count an election and say why each project won or lost"),
        description=_(
            "Count an election exactly, and say of every project why it won or lost. Reads Pabulib "
            "(.pb, .pb.gz), PrefLib (.soc, .toc ...), CSV and packed .npz files; a folder or .tar.gz "
            "of them with --many; and a count bundle with --verify."
        ),
        epilog=_("Rules:") + "\n" + "\n".join(f"  {name:22}{said}" for name, said in RULES.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("files", metavar="FILE", nargs="+", help=_("the election"))
    _add_rule(parser)
    result = parser.add_argument_group(_("the result"))
    result.add_argument(
        "--explain",
        action="store_true",
        help=_("say of each loser what would have been enough, by counting again"),
    )
    result.add_argument(
        "--explain-fully",
        action="store_true",
        help=_("the same, every answer checked by full counts, however long that takes"),
    )
    result.add_argument(
        "--fairness",
        action="store_true",
        help=_("say who got what: proportionality, voters with nothing, spend by area, age, sex"),
    )
    result.add_argument(
        "--plots", metavar="DIR", help=_("with --fairness: also draw it, as SVG files with tables")
    )
    result.add_argument(
        "--bundle", metavar="DIR", help=_("write all that anyone needs to count again")
    )
    result.add_argument(
        "--verify", action="store_true", help=_("FILE is a bundle: count it again and compare")
    )
    result.add_argument(
        "--slow",
        action="store_true",
        help=_("with --verify: also by the slow tally, however long it takes"),
    )
    result.add_argument(
        "--receipt",
        metavar="CODE",
        help=_("with --verify: say whether this receipt is in the bundle"),
    )
    result.add_argument("--format", choices=("text", "json"), default="text", help=_("the output"))
    many = parser.add_argument_group(_("many elections"))
    many.add_argument(
        "--many", action="store_true", help=_("count every election in these files and folders")
    )
    many.add_argument("--out", metavar="FILE", help=_("where to: .jsonl, .csv or .parquet"))
    many.add_argument("--jobs", type=int, default=1, metavar="N", help=_("processes at a time"))
    many.add_argument("--dask", metavar="ADDRESS", help=_("a Dask scheduler to share the work out"))
    parser.set_defaults(run=run)


def _add_rule(parser: argparse.ArgumentParser) -> None:
    rule = parser.add_argument_group(_("the rule"))
    add = rule.add_argument
    add("--rule", choices=tuple(RULES), metavar="RULE", default="equal-shares", help=_("see below"))
    add(
        "--satisfaction", choices=SATISFACTIONS, help=_("what a funded project is worth to a voter")
    )
    add("--measure", choices=MEASURES, help=_("what greedy takes first"))
    add(
        "--misfit", choices=("skip", "stop"), help=_("what to do about a project that does not fit")
    )
    add("--threshold", metavar="N|N%", help=_("votes, or share of ballots, that a project needs"))
    add(
        "--completion",
        choices=COMPLETIONS,
        metavar="HOW",
        help=_(
            "how the money left over is used: none, greedy, add1 or add1-greedy; with exact-equal-shares "
            "add-opt, add-opt-skip, and either with -greedy"
        ),
    )
    add("--stop", choices=("exhaustive", "overspend"), help=_("when larger shares end"))
    add("--start", choices=("exact", "whole"), help=_("whether shares begin as whole units"))
    add("--step", type=int, metavar="N", help=_("units of currency by which shares grow"))
    add("--variant", metavar="NAME", help=_("which kind of transfers: ewt, ewtc, mt, mtc"))
    add("--seats", type=int, metavar="N", help=_("how many options are chosen"))
    add("--limits", metavar="FILE", help=_("a JSON file with pots, caps, exclusive projects ..."))
    add(
        "--ties",
        metavar="CHAIN",
        default=TIES,
        help=_("what decides a tie, in turn: cheapest, most-votes, lot:SEED, id-text"),
    )


def run(args: argparse.Namespace) -> int:
    """Count, print, and return the exit code. Raises ``Complaint`` for what the user can mend."""
    if args.jobs < 1:
        raise Complaint(_("--jobs must be 1 or more."), _("Give the number of processors to use."))
    if args.verify:
        return _verify(args)
    if args.slow:
        raise Complaint(_("--slow goes with --verify."), _("Add --verify."))
    if args.receipt:
        raise Complaint(_("--receipt goes with --verify."), _("Add --verify."))
    rule = rule_of(args)
    if args.many:
        from commonweal.cli.many import tally_many  # brings in pools of processes

        return tally_many(args, rule)
    for given, name in ((args.out, "--out"), (args.dask, "--dask")):
        if given:
            raise Complaint(_("{name} goes with --many.").format(name=name), _("Add --many."))
    if len(args.files) > 1:
        raise Complaint(_("There is more than one file."), _("Add --many to count them all."))
    return _one(args, rule)


def rule_of(args: argparse.Namespace) -> "Rule":
    """Return the rule that the options describe."""
    from commonweal.engine.voting import Rule, TieRule  # numpy takes a moment
    from commonweal.engine.voting.limits import share_or_number

    try:
        ties = TieRule.parse(args.ties)
    except ValueError as error:
        raise Complaint(f"--ties: {error}") from None
    try:
        threshold = None if args.threshold is None else share_or_number(args.threshold)
    except ValueError as error:
        raise Complaint(f"--threshold: {error}") from None
    limits = _limits(args.limits) if args.limits else None
    try:
        return Rule(
            args.rule,
            satisfaction=args.satisfaction,
            measure=args.measure,
            misfit=args.misfit,
            threshold=threshold,
            completion=args.completion,
            stop=args.stop,
            start=args.start,
            step=args.step,
            variant=args.variant,
            seats=args.seats,
            ties=ties,
            limits=limits,
        )
    except ValueError as error:
        raise Complaint(f"{error}.", _("Leave the option out, or choose another rule.")) from None


def _limits(path: str) -> "Limits":
    from commonweal.engine.voting import Limits  # numpy takes a moment

    try:
        return Limits.from_json(json.loads(Path(path).read_text(encoding="utf-8")))
    except OSError as error:
        raise Complaint(f"--limits: {path}: {error.strerror}", _("Check the name.")) from None
    except (ValueError, RecursionError) as error:
        raise Complaint(f"--limits: {path}: {error}") from None


def _one(args: argparse.Namespace, rule: "Rule") -> int:
    from commonweal.engine.voting import ElectionError  # numpy takes a moment

    path = args.files[0]
    try:
        with patience(_("Counting {file} ...").format(file=Path(path).name)):
            done = counted(path, rule)
            asked = args.explain or args.explain_fully
            enough = enough_of(done, fully=args.explain_fully) if asked else None
            fairness = _fairness(args, done)
    except ElectionError as error:
        said = str(error)
        raise Complaint(said if path in said else f"{path}: {said}") from None
    except ValueError as error:
        raise Complaint(
            f"{path}: {error}", _("Choose a rule that suits these ballots, or mend the file.")
        ) from None
    bundle = _write_bundle(args, done) if args.bundle else None
    if args.format == "json":
        record = as_record(done, enough=enough, fairness=fairness)
        if bundle:
            record["bundle"] = bundle
        return show([json.dumps(record, ensure_ascii=False)])
    from commonweal.cli.tally_words import as_text  # only for people

    lines = as_text(done, enough or {}, fairness)
    return show(lines if bundle is None else chain(lines, _told(bundle)))


def enough_of(done: "Counted", *, fully: bool) -> "dict[int, WhatIf]":
    """Find out for every loser what would have been enough."""
    from commonweal.engine.voting.whatif import ALL_IT_TAKES, EFFORT, what_would_win

    effort = ALL_IT_TAKES if fully else EFFORT
    found = what_would_win(done.outcome, done.rule, effort=effort)
    return {answers.project: answers for answers in found}


def _fairness(args: argparse.Namespace, done: "Counted") -> dict[str, Any] | None:
    if args.plots and not args.fairness:
        raise Complaint(_("--plots goes with --fairness."), _("Add --fairness."))
    if not args.fairness:
        return None
    if done.rule.counts_seats:
        raise Complaint(
            _("--fairness speaks of money, and this rule chooses options."),
            _("Leave it out, or choose a rule that shares out money."),
        )
    from commonweal.engine.voting.fairness import fairness  # numpy takes a moment

    found = fairness(done.election, done.outcome, ties=done.rule.ties)
    if args.plots:
        from commonweal.cli.plots import write  # only where it is asked for

        try:
            write(Path(args.plots), done, found)
        except OSError as error:
            raise Complaint(f"--plots: {args.plots}: {error.strerror}") from None
    return found


def _write_bundle(args: argparse.Namespace, done: "Counted") -> dict[str, str]:
    from commonweal.cli import bundles  # only where it is asked for

    return bundles.write(args.bundle, done)


def _told(bundle: dict[str, str]) -> Iterable[str]:
    from commonweal.cli import bundles  # only where it is asked for

    return bundles.told(bundle)


def _verify(args: argparse.Namespace) -> int:
    from commonweal.cli import bundles  # only where it is asked for

    code, lines = bundles.verify(args)
    return show(lines) or code


def show(lines: Iterable[str]) -> int:
    """Print lines, whatever the terminal can show of them."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="replace")
    try:
        for line in lines:
            print(line)
        sys.stdout.flush()
    except BrokenPipeError:
        # The reader (head, less) has seen enough. Python would complain again on closing.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
