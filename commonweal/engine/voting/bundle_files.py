"""What the files of a count bundle say: everything that follows from the ballots and the rule."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from hashlib import sha256
from importlib import import_module
from inspect import Parameter, signature
from pathlib import Path
from typing import Any

from commonweal.engine.voting.ballot_limits import decimal
from commonweal.engine.voting.bundle_page import readme
from commonweal.engine.voting.election import Election
from commonweal.engine.voting.outcome import Outcome
from commonweal.engine.voting.profile import Profile
from commonweal.engine.voting.rule import KNOWN, UNIT, Rule

VERSION = 1
WITH_RECEIPTS = 2  # a bundle that holds receipts says so, and an older version cannot read it
# In larger elections paying everything again in fractions would take too long.
MOST_MARKS_PAID = 2_000_000


def in_full(rule: Rule) -> Rule:
    """Return the same rule with every choice said, also those that it left to the rule's default.

    Parameters
    ----------
    rule : Rule
        Any rule.

    Returns
    -------
    Rule

    Raises
    ------
    ValueError
        If it cannot be written down and read again, such as a seed with a comma.

    Notes
    -----
    Time O(size of the rule).

    References
    ----------
    None: the defaults are those of the rule's own function.

    Examples
    --------
    >>> in_full(Rule("greedy")).misfit, in_full(Rule("plurality")).seats
    ('skip', 1)
    """
    known = KNOWN[rule.name]
    function = getattr(import_module(f"commonweal.engine.voting.{known.module}"), known.function)
    usual = signature(function).parameters
    said: dict[str, Any] = {}
    for choice in known.takes:
        default = usual[choice].default if choice in usual else None
        if getattr(rule, choice) is None and default not in (None, Parameter.empty):
            said[choice] = default // UNIT if choice == "step" else default
    if rule.counts_seats:
        said["seats"] = rule.seats or 1
    full = replace(rule, **said)
    with suppress(ValueError):
        if Rule.from_json(full.to_json()) == full:
            return full
    raise ValueError(
        "the rule cannot be written down; use a seed without commas, and without blanks around it"
    )


def as_json(data: Any) -> bytes:
    """Write plain data as people read it, the same on every machine."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, sort_keys=True, indent=1)
    return text.encode() + b"\n"


def as_line(data: Any) -> bytes:
    """Write plain data on one line, the same on every machine."""
    text = json.dumps(
        data, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":")
    )
    return text.encode() + b"\n"


def digest(content: bytes) -> str:
    """Return the SHA-256 in hexadecimal digits."""
    return sha256(content).hexdigest()


def documents(
    rule: Rule,
    election: Election,
    outcome: Outcome,
    *,
    ballots: str,
    engine: str,
    receipts: int | None = None,
) -> dict[str, bytes]:
    """Write every file of a bundle but the ballots and the manifest.

    Parameters
    ----------
    rule : Rule
        In full.
    election : Election
        Anonymised.
    outcome : Outcome
        Its count by that rule.
    ballots : str
        SHA-256 of the file of ballots.
    engine : str
        The version of Commonweal that counted.
    receipts : int, optional
        How many receipts are published with it; None where there are none.

    Returns
    -------
    dict of str to bytes
        By the name of the file.

    Raises
    ------
    ValueError
        If a text cannot be written in UTF-8.

    Notes
    -----
    Time O(projects + what the outcome has to say), and paying everything again in fractions where
    the election has at most ``MOST_MARKS_PAID`` marks.

    References
    ----------
    None: the form is ours; see docs/know/count-bundle.md.

    Examples
    --------
    >>> profile = Profile.from_pairs(["a"], [500], project=["a"], ballot=[1])
    >>> election = Election(profile, 600, "approval", "EUR", ("Trees",), {})
    >>> rule = in_full(Rule())
    >>> made = documents(rule, election, rule.count(election), ballots="00", engine="1.0")
    >>> json.loads(made["result.json"])["winners"], made["trace.jsonl"].splitlines()[1]
    (['a'], b'{"cost":"5","how":"shares","payment":"5","project":"a","step":1,"votes":1}')
    """
    made = {"rule.json": as_json(rule_as_data(rule, outcome.profile))}
    made["trace.jsonl"] = b"".join(
        map(as_line, trace(rule, outcome, ballots=ballots, rule_digest=digest(made["rule.json"])))
    )
    result = result_as_data(rule, election, outcome, engine) | {
        "trace_sha256": digest(made["trace.jsonl"])
    }
    made["result.json"] = as_json(result)
    made["reference.py"] = reference_path().read_bytes()
    made["README.txt"] = readme(rule, election, outcome, receipts=receipts).encode()
    return made


def manifest(
    files: dict[str, str],
    receipts: dict[str, Any] | None = None,
    withheld: tuple[str, ...] = (),
) -> bytes:
    """Write the manifest from the SHA-256 of each other file, and what it says of receipts."""
    version = VERSION if receipts is None else WITH_RECEIPTS
    said = {"format": "commonweal-count-bundle", "version": version, "files": files}
    if receipts is not None:
        said["receipts"] = receipts
    if withheld:
        said["withheld"] = list(withheld)
    return as_json(said)


def reference_path() -> Path:
    """Return where the slow tally is."""
    return Path(__file__).with_name("reference.py")


def rule_as_data(rule: Rule, profile: Profile) -> dict[str, Any]:
    """Return every choice, and the lots drawn where lots decide ties."""
    data: dict[str, Any] = {"format": "commonweal-rule", "version": VERSION, "rule": rule.to_json()}
    if "lot" in rule.ties.chain:
        lots = [
            {"lot": digest(f"{rule.ties.seed}:{name}".encode()), "project": name}
            for name in map(str, profile.ids.tolist())
        ]
        data["lots"] = sorted(lots, key=lambda drawn: drawn["lot"])
        data["seed"] = rule.ties.seed
    return data


def result_as_data(rule: Rule, election: Election, outcome: Outcome, engine: str) -> dict[str, Any]:
    """Return who won, with what it cost and how it was found."""
    ids = [str(name) for name in outcome.ids.tolist()]
    seats = rule.counts_seats
    return {
        "format": "commonweal-result",
        "version": VERSION,
        "engine": engine,
        "rule": rule.name,
        "certificate": "exact",
        "currency": election.currency,
        "budget": str(outcome.budget) if seats else decimal(outcome.budget),
        "voters": outcome.voters,
        "projects": len(ids),
        "winners": [ids[p] for p in outcome.order.tolist()],
        "spent": str(len(outcome.order)) if seats else decimal(outcome.spent),
        "start": str(outcome.start / 100),
        "runs": outcome.runs,
        "distinct_outcomes": outcome.distinct,
        "ties_met": [
            {
                "projects": [ids[p] for p in tie.projects],
                "chosen": ids[tie.chosen],
                "by": tie.by,
                "times": tie.times,
            }
            for tie in outcome.ties
        ],
    }


def trace(
    rule: Rule, outcome: Outcome, *, ballots: str, rule_digest: str
) -> Iterator[dict[str, Any]]:
    """Yield the head, one line for each winner in order, each tie, and what else the rule tells."""
    paid = len(outcome.profile.voter) <= MOST_MARKS_PAID
    ids = [str(name) for name in outcome.ids.tolist()]
    yield {
        "format": "commonweal-trace",
        "version": VERSION,
        "ballots_sha256": ballots,
        "rule_sha256": rule_digest,
        "payments": paid,
    }
    must = set(rule.limits.must) if rule.limits else set()
    for step, p in enumerate(outcome.order.tolist(), 1):
        line = {
            "step": step,
            "project": ids[p],
            "cost": decimal(int(outcome.cost[p])),
            "votes": int(outcome.votes[p]),
            "how": _how(outcome, p, ids[p] in must),
        }
        payment = outcome.payments[p] if paid and outcome.shared[p] else None
        yield line if payment is None else line | {"payment": str(Fraction(payment) / 100)}
    for tie in outcome.ties:
        yield {"tie": [ids[p] for p in tie.projects], "chosen": ids[tie.chosen], "by": tie.by}
    for name, told in outcome.detail.items():
        if isinstance(told, (list, tuple)):
            yield from (
                {"about": name, "number": n, "told": part} for n, part in enumerate(told, 1)
            )
        elif told:
            yield {"about": name, "told": told}


def _how(outcome: Outcome, p: int, must: bool) -> str:
    if must:
        return "must"  # the limits say that it is paid first
    if outcome.shared[p]:
        return "shares"  # its supporters paid for it together
    return "turn" if outcome.left[p] >= 0 else "rule"  # it fitted at its turn, or see the rule
