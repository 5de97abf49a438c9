"""One counted election as ``commonweal tally`` keeps it: the outcome, its record, its seconds."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commonweal import __version__

if TYPE_CHECKING:
    from commonweal.engine.voting import Election, Outcome, Reason, Rule
    from commonweal.engine.voting.rounds_told import Told
    from commonweal.engine.voting.whatif import WhatIf


# About how many runs raising the shares takes.
SOME_RUNS = 15


@dataclass(frozen=True)
class Counted:
    """An election, the rule, the outcome, and how long it took to load and to count."""

    file: str
    election: "Election"
    rule: "Rule"
    outcome: "Outcome"
    load: float
    count: float


def counted(path: str | Path, rule: "Rule") -> Counted:
    """Load a file and count it. Raises ``ElectionError``, or ``ValueError`` where they don't fit."""
    from commonweal.engine.voting.formats import read_election  # numpy takes a moment

    began = time.perf_counter()
    election = read_election(path)
    election.profile.votes  # noqa: B018  # part of loading, not of counting
    return count(str(path), election, rule, began)


def count(name: str, election: "Election", rule: "Rule", began: float) -> Counted:
    """Count an election that was loaded since ``began``."""
    prepare(rule, election)
    loaded = time.perf_counter()
    outcome = rule.count(election)
    done = time.perf_counter()
    return Counted(name, election, rule, outcome, loaded - began, done - loaded)


def prepare(rule: "Rule", election: "Election") -> None:
    """Merge what is alike, and load compiled loops if they are worth it: none of it is counting."""
    from commonweal.engine.voting.rounds import FEW_MARKS, MANY_MARKS  # numpy takes a moment

    if rule.name not in ("equal-shares", "comparison"):
        return
    profile = election.profile
    marks = len(profile.voter)
    if marks < MANY_MARKS and profile.value is None:
        marks = len(profile.classes.member)
    runs = SOME_RUNS if (rule.completion or "").startswith("add1") else 1
    if marks * runs <= FEW_MARKS:
        return
    from commonweal.engine.voting.warm import warm_shares

    warm_shares(rule.satisfaction or "cost", rule.completion or "none")


def as_record(
    done: Counted,
    *,
    enough: "dict[int, WhatIf] | None" = None,
    fairness: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the count as one object, ready for JSON; with reasons if ``enough`` is given."""
    outcome, election = done.outcome, done.election
    ids = [str(name) for name in outcome.ids.tolist()]
    seats = done.rule.counts_seats
    record: dict[str, Any] = {
        "file": done.file,
        "engine": __version__,
        "rule": done.rule.name,
        "satisfaction": outcome.satisfaction or done.rule.satisfaction or "",
        "completion": outcome.completion,
        "stop": outcome.stop,
        "ties": str(done.rule.ties),
        "vote_type": election.vote_type,
        "currency": election.currency,
        "budget": str(outcome.budget) if seats else decimal(outcome.budget),
        "voters": outcome.voters,
        "projects": len(ids),
        "selected": [ids[p] for p in outcome.order.tolist()],
        "spent": str(len(outcome.order)) if seats else decimal(outcome.spent),
        "start": str(outcome.start / 100),
        "runs": outcome.runs,
        "distinct_outcomes": outcome.distinct,
        "tie_events": sum(tie.times for tie in outcome.ties),
        "ties_met": [
            {
                "projects": [ids[p] for p in tie.projects],
                "chosen": ids[tie.chosen],
                "by": tie.by,
                "times": tie.times,
            }
            for tie in outcome.ties
        ],
        "certificate": "exact",
        "gap": None if outcome.gap == float("inf") else outcome.gap,
        "rule_as_data": done.rule.to_json(),
        "detail": dict(outcome.detail),
        "warnings": list(election.warnings),
        "seconds": {
            "load": round(done.load, 6),
            "count": round(done.count, 6),
            "total": round(done.load + done.count, 6),
        },
    }
    if enough is not None:
        record["explain"] = explained(done, enough)
    if fairness is not None:
        record["fairness"] = fairness
    return record


def explained(done: Counted, enough: "dict[int, WhatIf]") -> list[dict[str, Any]]:
    """Return why each project won or lost, and what would have been enough."""
    from commonweal.engine.voting import reasons  # numpy takes a moment
    from commonweal.engine.voting.rounds_told import told

    outcome, election = done.outcome, done.election
    rounds = None if done.rule.counts_seats else told(outcome)
    return [
        {
            "id": str(outcome.ids[p]),
            "name": election.names[p],
            "selected": bool(outcome.funded[p]),
            **_reason(reason),
            **({} if rounds is None else _rounds(outcome, rounds, p)),
            "needed": _needed(enough.get(p)),
        }
        for p, reason in enumerate(reasons(outcome))
    ]


def _rounds(outcome: "Outcome", rounds: "Told", p: int) -> dict[str, Any]:
    """Return a project's effective votes by round, the money behind it, and who took it."""
    from commonweal.engine.voting.rounds_told import rivals

    return {
        "effective_votes": [
            None if votes != votes else round(votes, 3) for votes in rounds.effective[p].tolist()
        ],
        "behind": decimal(int(outcome.behind[p])),
        "supporters_paid_for": [
            {"id": str(outcome.ids[q]), "amount": decimal(pence)}
            for q, pence in rivals(rounds, p)
            if q != p
        ],
    }


def _reason(reason: "Reason") -> dict[str, Any]:
    return {
        "cost": decimal(reason.cost),
        "votes": reason.votes,
        "reason": str(reason.why),
        "payment": None if reason.payment is None else str(Fraction(reason.payment) / 100),
        "shortfall": decimal(reason.shortfall),
        "by": reason.by,
    }


def _needed(found: "WhatIf | None") -> dict[str, Any] | None:
    if found is None:
        return None
    cost = found.cost.amount
    return {
        "ballots": found.ballots.amount,
        "approvals": found.approvals.amount,
        "cost": None if cost is None else decimal(cost),
        "confirmed": {
            name: answer.is_confirmed
            for name, answer in (
                ("ballots", found.ballots),
                ("approvals", found.approvals),
                ("cost", found.cost),
            )
        },
    }


def decimal(hundredths: int) -> str:
    """Write an amount exactly.

    >>> decimal(1250), decimal(1200)
    ('12.50', '12')
    """
    whole, rest = divmod(hundredths, 100)
    return f"{whole}.{rest:02}" if rest else str(whole)


Work = Callable[[str], dict[str, Any]]
