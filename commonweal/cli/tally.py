"""``commonweal tally``: count an election in a Pabulib file and say why each project won or lost."""

import argparse
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from gettext import gettext as _
from gettext import ngettext
from typing import TYPE_CHECKING, Any

from commonweal import __version__
from commonweal.kit.complaint import Complaint

if TYPE_CHECKING:
    from commonweal.engine.voting import Needed, Outcome, Profile, Reason, TieRule
    from commonweal.engine.voting.pabulib import Election

RULES = ("equal-shares", "greedy")
COMPLETIONS = ("none", "greedy", "add1", "add1-greedy")
STOPS = ("exhaustive", "overspend")
TIES = "cheapest,most-votes,lot"


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the command line."""
    parser = subparsers.add_parser(
        "tally",
        help=_("count an election and say why each project won or lost"),
        description=_(
            "Count an election in the Pabulib format (.pb or .pb.gz), exactly, and say of every "
            "project why it won or lost."
        ),
    )
    parser.add_argument("file", metavar="FILE", help=_("the election"))
    parser.add_argument("--rule", choices=RULES, default="equal-shares", help=_("how to count"))
    parser.add_argument(
        "--completion",
        choices=COMPLETIONS,
        default="none",
        help=_("how equal shares spends what is left: nothing more, by votes, by larger shares"),
    )
    parser.add_argument(
        "--stop",
        choices=STOPS,
        default="exhaustive",
        help=_("end larger shares when nothing more fits, or only when the budget is overspent"),
    )
    parser.add_argument(
        "--ties",
        metavar="CHAIN",
        default=TIES,
        help=_("what decides a tie, in turn: cheapest, most-votes, lot:SEED, id-text"),
    )
    parser.add_argument(
        "--explain",
        action="store_true",
        help=_("find what would have been enough for each loser, by counting again (slower)"),
    )
    parser.add_argument("--format", choices=("text", "json"), default="text", help=_("the output"))
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Count, print, and return the exit code. Raises ``Complaint`` for what the user can mend."""
    if args.rule == "greedy" and args.completion != "none":
        raise Complaint(
            _("The rule greedy has no completion."),
            _("Leave --completion out, or use another rule."),
        )
    # numpy takes a moment, so nothing of the engine is loaded until there is something to count.
    from commonweal.engine.voting import TieRule
    from commonweal.engine.voting.pabulib import PabulibError, read_pabulib

    try:
        ties = TieRule.parse(args.ties)
    except ValueError as error:
        raise Complaint(f"--ties: {error}") from None
    try:
        election = read_pabulib(args.file)
    except PabulibError as error:
        raise Complaint(f"{args.file}: {error}") from None
    count = _counter(args, election, ties)
    outcome = count(election.profile)
    enough = _enough(election.profile, outcome, count) if args.explain else {}
    if args.format == "json":
        lines = iter([json.dumps(_as_json(args, election, outcome, enough), ensure_ascii=False)])
    else:
        lines = _as_text(args, election, outcome, enough)
    return _print(lines)


def _print(lines: Iterator[str]) -> int:
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


def _counter(
    args: argparse.Namespace, election: "Election", ties: "TieRule"
) -> "Callable[[Profile], Outcome]":
    from commonweal.engine.voting import equal_shares, greedy  # see run

    if args.rule == "greedy":
        return lambda profile: greedy(profile, election.budget, ties=ties)
    return lambda profile: equal_shares(
        profile, election.budget, completion=args.completion, stop=args.stop, ties=ties
    )


def _enough(
    profile: "Profile", outcome: "Outcome", count: "Callable[[Profile], Outcome]"
) -> "dict[int, Needed]":
    from commonweal.engine.voting import needed  # see run

    losers = [p for p, won in enumerate(outcome.funded.tolist()) if not won]
    return {p: needed(profile, p, outcome, count) for p in losers}


# --- for machines


def _as_json(
    args: argparse.Namespace, election: "Election", outcome: "Outcome", enough: "dict[int, Needed]"
) -> dict[str, Any]:
    from commonweal.engine.voting import reasons  # see run

    ids = [str(name) for name in outcome.ids]
    return {
        "file": str(args.file),
        "engine": __version__,
        "rule": outcome.rule,
        "satisfaction": "votes" if outcome.rule == "greedy" else "cost",
        "completion": outcome.completion,
        "stop": outcome.stop,
        "ties": args.ties,
        "certificate": "exact",
        "vote_type": election.vote_type,
        "currency": election.currency,
        "budget": _decimal(outcome.budget),
        "spent": _decimal(outcome.spent),
        "voters": outcome.voters,
        "runs": outcome.runs,
        "selected": [ids[p] for p in outcome.order],
        "projects": [
            {"id": ids[p], "name": election.names[p], "funded": bool(outcome.funded[p])}
            | _reason_as_json(reason)
            | {"needed": _needed_as_json(enough.get(p))}
            for p, reason in enumerate(reasons(outcome))
        ],
        "tie_events": [
            {
                "projects": [ids[p] for p in tie.projects],
                "chosen": ids[tie.chosen],
                "by": tie.by,
                "times": tie.times,
            }
            for tie in outcome.ties
        ],
    }


def _reason_as_json(reason: "Reason") -> dict[str, Any]:
    return {
        "cost": _decimal(reason.cost),
        "votes": reason.votes,
        "reason": str(reason.why),
        "payment": None if reason.payment is None else str(reason.payment / 100),
        "shortfall": _decimal(reason.shortfall),
    }


def _needed_as_json(needed: "Needed | None") -> dict[str, Any] | None:
    if needed is None:
        return None
    cost = None if needed.cost is None else _decimal(needed.cost)
    return {"ballots": needed.ballots, "cost": cost}


def _decimal(hundredths: int) -> str:
    whole, rest = divmod(hundredths, 100)
    return f"{whole}.{rest:02}" if rest else str(whole)


# --- for people


def _as_text(
    args: argparse.Namespace, election: "Election", outcome: "Outcome", enough: "dict[int, Needed]"
) -> Iterator[str]:
    from commonweal.engine.voting import reasons  # see run

    width = max(60, min(shutil.get_terminal_size((80, 24)).columns, 120))
    currency = _plain(election.currency)
    yield from _head(election, outcome, currency)
    why = reasons(outcome)
    won = outcome.order.tolist()
    lost = [p for p in range(len(why)) if not outcome.funded[p]]
    lost.sort(key=lambda p: (-why[p].votes, why[p].cost))
    for title, places in ((_("Funded"), won), (_("Not funded"), lost)):
        yield ""
        yield from _table(title, places, election, why, width)
    yield ""
    yield from _foot(args, outcome, currency)
    yield from _tie_lines(election, outcome)
    yield from _enough_lines(election, enough)


def _head(election: "Election", outcome: "Outcome", currency: str) -> Iterator[str]:
    yield _plain(election.meta.get("description", "")) or _("An election without a title")
    yield (
        _("{ballots} ballots, {projects} projects, {budget} {currency} to share")
        .format(
            ballots=f"{outcome.voters:,}",
            projects=len(outcome.ids),
            budget=_money(outcome.budget),
            currency=currency,
        )
        .replace("  ", " ")
    )
    yield _rule_in_words(outcome, currency)
    if election.vote_type not in ("approval", "choose-1"):
        yield _(
            "These are {type} ballots: each project on a ballot counts as one approval."
        ).format(type=election.vote_type)


def _rule_in_words(outcome: "Outcome", currency: str) -> str:
    if outcome.rule == "greedy":
        return _("Rule: greedy. The most votes first, skipping what does not fit.")
    sentence = {
        "none": _("Rule: equal shares, once. Each ballot had {start} {currency}."),
        "greedy": _("Rule: equal shares, then by votes. Each ballot had {start} {currency}."),
        "add1": _("Rule: equal shares, raised while it fits, to {start} {currency} a ballot."),
        "add1-greedy": _(
            "Rule: equal shares, raised to {start} {currency} a ballot, then by votes."
        ),
    }[outcome.completion]
    return sentence.format(start=_money(int(outcome.start)), currency=currency)


def _table(
    title: str,
    places: list[int],
    election: "Election",
    why: "tuple[Reason, ...]",
    width: int,
) -> Iterator[str]:
    if not places:
        yield _("{title}: none").format(title=title)
        return
    rows = [
        (_label(election, p), _money(why[p].cost), f"{why[p].votes:,}", _why(why[p]))
        for p in places
    ]
    heads = (title, _("Cost"), _("Votes"), _("Why"))
    cost = max(len(row[1]) for row in (heads, *rows))
    votes = max(len(row[2]) for row in (heads, *rows))
    last = max(len(row[3]) for row in (heads, *rows))
    first = max(16, width - cost - votes - last - 6)
    first = min(first, max(len(row[0]) for row in (heads, *rows)))
    for name, price, number, reason in (heads, *rows):
        line = f"{_cut(name, first):<{first}}  {price:>{cost}}  {number:>{votes}}  {reason}"
        yield line.rstrip()


def _why(reason: "Reason") -> str:
    sentence = {
        "bought": _("paid for: {payment} each"),
        "filled": _("by votes, from the rest"),
        "most-votes": _("by votes"),
        "no-votes": _("nobody voted for it"),
        "too-dear": _("costs more than there is"),
        "no-room": _("{there} left, {short} short"),
        "shares-too-small": _("had {there}, {short} short"),
    }[str(reason.why)]
    payment = reason.payment or 0
    return sentence.format(
        payment=_money(-int(-payment // 1)),  # rounded up: nobody paid more than this
        there=_money(reason.there),
        short=_money(reason.shortfall),
    )


def _foot(args: argparse.Namespace, outcome: "Outcome", currency: str) -> Iterator[str]:
    rest = outcome.budget - outcome.spent
    yield (
        _("Spent {spent} of {budget} {currency}; {rest} left over.")
        .format(
            spent=_money(outcome.spent),
            budget=_money(outcome.budget),
            currency=currency,
            rest=_money(rest),
        )
        .replace(" ;", ";")
    )
    fits = (~outcome.funded) & (outcome.votes > 0) & (outcome.cost <= rest)
    if fits.any() and outcome.completion == "add1":
        yield _("Some projects would still fit. To fund them by votes: --completion add1-greedy")
    elif fits.any():
        yield _("Some projects would still fit. To use the money: --completion add1-greedy")


def _tie_lines(election: "Election", outcome: "Outcome") -> Iterator[str]:
    if not outcome.ties:
        yield _("No ties were met.")
        return
    yield ngettext("{count} tie was met:", "{count} ties were met:", len(outcome.ties)).format(
        count=len(outcome.ties)
    )
    words = {
        "cheapest": _("the cheapest"),
        "most-votes": _("the most votes"),
        "lot": _("the lot"),
        "id-text": _("the id"),
    }
    for tie in outcome.ties:
        yield _("  {chosen} went first among {tied}, by {criterion}").format(
            chosen=_plain(str(outcome.ids[tie.chosen])),
            tied=", ".join(_plain(str(outcome.ids[p])) for p in tie.projects),
            criterion=words[tie.by],
        )


def _enough_lines(election: "Election", enough: "dict[int, Needed]") -> Iterator[str]:
    if not enough:
        return
    yield ""
    yield _("What would have been enough, each alone:")
    for p, need in enough.items():
        yield "  " + _enough_in_words(need).format(
            project=_cut(_label(election, p), 34),
            ballots=f"{need.ballots or 0:,}",
            cost=_money(need.cost or 0),
        )


def _enough_in_words(need: "Needed") -> str:
    if need.ballots is None and need.cost is None:
        return _("{project}: nothing alone")
    if need.ballots is None:
        return _("{project}: a cost of {cost}")
    if need.cost is None:
        return ngettext(
            "{project}: {ballots} more ballot for it alone",
            "{project}: {ballots} more ballots for it alone",
            need.ballots,
        )
    return ngettext(
        "{project}: {ballots} more ballot for it alone, or a cost of {cost}",
        "{project}: {ballots} more ballots for it alone, or a cost of {cost}",
        need.ballots,
    )


def _label(election: "Election", p: int) -> str:
    name, identity = _plain(election.names[p]), _plain(str(election.profile.ids[p]))
    return name if name == identity else f"{identity} {name}"


def _plain(text: str) -> str:
    """Keep only what prints: a name from a file must not steer the terminal."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"


def _money(hundredths: int) -> str:
    whole, rest = divmod(hundredths, 100)
    return f"{whole:,}.{rest:02}" if rest else f"{whole:,}"
