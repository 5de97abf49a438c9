"""What ``commonweal tally`` says of a count to people."""

import shutil
from collections.abc import Iterator
from gettext import gettext as _
from gettext import ngettext
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from commonweal.cli.record import Counted
    from commonweal.engine.voting import Election, Outcome, Reason
    from commonweal.engine.voting.whatif import WhatIf


def as_text(
    done: "Counted", enough: "dict[int, WhatIf]", fairness: dict[str, Any] | None
) -> Iterator[str]:
    """Yield the lines that tell a count to people."""
    from commonweal.engine.voting import reasons  # numpy takes a moment

    election, outcome = done.election, done.outcome
    width = max(60, min(shutil.get_terminal_size((80, 24)).columns, 120))
    currency = _plain(election.currency)
    yield from _head(done, currency)
    why = reasons(outcome)
    won = outcome.order.tolist()
    lost = [p for p in range(len(why)) if not outcome.funded[p]]
    lost.sort(key=lambda p: (-why[p].votes, why[p].cost))
    seats = done.rule.counts_seats
    titles = (_("Chosen"), _("Not chosen")) if seats else (_("Funded"), _("Not funded"))
    for title, places in zip(titles, (won, lost), strict=True):
        yield ""
        yield from _table(title, places, election, None if seats else why, width)
    yield ""
    if not seats:
        yield from _foot(outcome, currency)
    yield from _tie_lines(outcome)
    yield from _enough_lines(election, outcome, enough)
    if fairness is not None:
        from commonweal.cli.fairness_words import as_lines  # only where it is asked for

        yield from as_lines(fairness)


def _head(done: "Counted", currency: str) -> Iterator[str]:
    election, outcome = done.election, done.outcome
    title = election.meta.get("description") or election.meta.get("title") or ""
    yield _plain(title) or _("An election without a title")
    ballots, projects = f"{outcome.voters:,}", len(outcome.ids)
    if done.rule.counts_seats:
        yield _("{ballots} ballots, {options} options, {seats} to choose").format(
            ballots=ballots, options=projects, seats=outcome.budget
        )
    else:
        sentence = _("{ballots} ballots, {projects} projects, {budget} {currency} to share")
        yield sentence.format(
            ballots=ballots, projects=projects, budget=_money(outcome.budget), currency=currency
        ).replace("  ", " ")
    yield _rule_in_words(done, currency)
    as_approvals = outcome.satisfaction in ("cost", "cardinality") or not outcome.satisfaction
    if (
        as_approvals
        and done.rule.name in ("equal-shares", "greedy", "phragmen")
        and election.vote_type not in ("approval", "choose-1")
    ):
        yield _(
            "These are {type} ballots: each project on a ballot counts as one approval."
        ).format(type=election.vote_type)
    for warning in election.warnings:
        yield _("Note: {warning}").format(warning=_plain(warning))


def _rule_in_words(done: "Counted", currency: str) -> str:
    outcome, rule = done.outcome, done.rule
    plain = rule.measure in (None, "votes") and not rule.threshold
    if rule.name == "greedy" and plain and rule.misfit in (None, "skip"):
        return _("Rule: greedy. The most votes first, skipping what does not fit.")
    if rule.name != "equal-shares":
        from commonweal.cli.tally import RULES  # this module is loaded by that one

        choices = [
            f"{name} {choice}"
            for name, choice in rule.to_json().items()
            if name not in ("rule", "ties", "limits")
        ]
        extra = f" ({', '.join(choices)})" if choices else ""
        return _("Rule: {name}{extra}: {said}.").format(
            name=rule.name, extra=extra, said=RULES[rule.name]
        )
    sentence = {
        "none": _("Rule: equal shares, once. Each ballot had {start} {currency}."),
        "greedy": _("Rule: equal shares, then by votes. Each ballot had {start} {currency}."),
        "add1": _("Rule: equal shares, raised while it fits, to {start} {currency} a ballot."),
        "add1-greedy": _(
            "Rule: equal shares, raised to {start} {currency} a ballot, then by votes."
        ),
    }[outcome.completion]
    said = sentence.format(start=_money(int(outcome.start)), currency=currency)
    worth = {
        "cost": "",
        "cardinality": _(" Each funded project counts the same, whatever it costs."),
        "points": _(" A funded project is worth its points to a voter."),
        "borda": _(" A funded project is worth its place on the ballot to a voter."),
        "borda-all": _(" A funded project is worth its place among all projects to a voter."),
    }
    return said + worth[outcome.satisfaction]


def _table(
    title: str,
    places: list[int],
    election: "Election",
    why: "tuple[Reason, ...] | None",
    width: int,
) -> Iterator[str]:
    if not places:
        yield _("{title}: none").format(title=title)
        return
    if why is None:
        votes = election.profile.votes.tolist()
        yield title
        for p in places:
            yield _("  {option}  ({votes} ballots)").format(
                option=_cut(_label(election, p), width - 24), votes=f"{votes[p]:,}"
            )
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
        "must": _("had to be funded"),
        "chosen": _("chosen"),
        "not-chosen": _("not chosen"),
        "below-threshold": _("too few votes to win"),
        "excluded": _("ruled out by {by}"),
        "over-cap": _("no room under {by}"),
        "after-stop": _("the count had ended"),
    }[str(reason.why)]
    payment = reason.payment or 0
    return sentence.format(
        payment=_money(-int(-payment // 1)),  # rounded up: nobody paid more than this
        there=_money(reason.there),
        short=_money(reason.shortfall),
        by=_plain(reason.by),
    )


def _foot(outcome: "Outcome", currency: str) -> Iterator[str]:
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
    if outcome.rule != "equal-shares":
        return
    fits = (~outcome.funded) & (outcome.votes > 0) & (outcome.cost <= rest)
    if fits.any() and outcome.completion == "add1":
        yield _("Some projects would still fit. To fund them by votes: --completion add1-greedy")
    elif fits.any():
        yield _("Some projects would still fit. To use the money: --completion add1-greedy")


def _tie_lines(outcome: "Outcome") -> Iterator[str]:
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
        "earlier-round": _("an earlier round"),
        "earlier-stage": _("an earlier stage"),
    }
    for tie in outcome.ties:
        yield _("  {chosen} went first among {tied}, by {criterion}").format(
            chosen=_plain(str(outcome.ids[tie.chosen])),
            tied=", ".join(_plain(str(outcome.ids[p])) for p in tie.projects),
            criterion=words[tie.by],
        )


def _enough_lines(
    election: "Election", outcome: "Outcome", enough: "dict[int, WhatIf]"
) -> Iterator[str]:
    if not enough:
        return
    from commonweal.engine.voting.rounds_told import rivals, told

    rounds = told(outcome)
    yield ""
    yield _("What would have been enough, each alone:")
    near = unknown = False
    for p, found in enough.items():
        answers = (found.ballots, found.approvals, found.cost)
        near = near or any(a.amount is not None and not a.is_confirmed for a in answers)
        unknown = unknown or any(a.amount is None and not a.is_confirmed for a in answers)
        ballots, approvals = found.ballots.amount, found.approvals.amount
        if all(a.amount is None and not a.is_confirmed for a in answers):
            said = _("{project}: not worked out")
        else:
            said = _enough_in_words(ballots, found.cost.amount)
        yield "  " + said.format(
            project=_cut(_label(election, p), 34),
            ballots=f"{ballots or 0:,}",
            cost=_money(found.cost.amount or 0),
        )
        if approvals is not None:
            said = ngettext(
                "    or {count} more approval from those who voted",
                "    or {count} more approvals from those who voted",
                approvals,
            )
            yield said.format(count=f"{approvals:,}")
        if rounds is not None and (took := [one for one in rivals(rounds, p, 3) if one[0] != p]):
            yield _("    its supporters paid for: {projects}").format(
                projects=", ".join(
                    f"{_cut(_plain(str(outcome.ids[q])), 12)} ({_money(pence)})"
                    for q, pence in took
                )
            )
    if near:
        yield _("Some of these were found near the end of the count and not by counting all again.")
    if unknown:
        yield _("Some were not worked out, as that takes long: --explain-fully works out all.")


def _enough_in_words(ballots: int | None, cost: int | None) -> str:
    if ballots is None and cost is None:
        return _("{project}: nothing alone")
    if ballots is None:
        return _("{project}: a cost of {cost}")
    if cost is None:
        return ngettext(
            "{project}: {ballots} more ballot for it alone",
            "{project}: {ballots} more ballots for it alone",
            ballots,
        )
    return ngettext(
        "{project}: {ballots} more ballot for it alone, or a cost of {cost}",
        "{project}: {ballots} more ballots for it alone, or a cost of {cost}",
        ballots,
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
