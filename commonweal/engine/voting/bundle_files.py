"""What the files of a count bundle say: everything that follows from the ballots and the rule."""

import json
import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from hashlib import sha256
from importlib import import_module
from inspect import Parameter, signature
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.ballot_limits import decimal
from commonweal.engine.voting.classes import merge
from commonweal.engine.voting.election import WITH_POINTS, Election
from commonweal.engine.voting.limits import Limits
from commonweal.engine.voting.outcome import Outcome
from commonweal.engine.voting.profile import Profile
from commonweal.engine.voting.rule import KNOWN, UNIT, Rule

VERSION = 1
# What META may say: nothing about single voters, nothing about another rule or another result.
HARMLESS = (
    "description",
    "country",
    "unit",
    "district",
    "subunit",
    "instance",
    "edition",
    "language",
    "date_begin",
    "date_end",
    "min_length",
    "max_length",
    "min_sum_cost",
    "max_sum_cost",
    "min_points",
    "max_points",
    "min_sum_points",
    "max_sum_points",
)
# In larger elections paying everything again in fractions would take too long.
MOST_MARKS_PAID = 2_000_000
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_SLOW = {  # the rules that reference.py knows, with the choices it reads
    "equal-shares": ("satisfaction", "completion", "stop", "start", "step"),
    "greedy": ("satisfaction", "measure", "misfit"),
    "phragmen": ("misfit",),
}


def anonymised(election: Election, rule: Rule) -> tuple[Election, Rule]:
    """Return the same election and rule without anything that could tell one voter from another.

    Ballots keep their marks and points only, and are sorted by what they say, so that their old
    order is gone and equal elections become equal files. Where pots say which ballots vote in them,
    ballots that say the same are sorted by pot too, and the rule speaks of the new numbers.

    Parameters
    ----------
    election : Election
        As it was counted.
    rule : Rule
        How it was counted.

    Returns
    -------
    Election, Rule

    Raises
    ------
    ValueError
        If a pot names a ballot that does not exist.

    Notes
    -----
    Time O(marks log marks), memory O(marks). Projects keep their order; their further columns are
    left out.

    References
    ----------
    None: the form is ours; see docs/know/count-bundle.md.

    Examples
    --------
    >>> profile = Profile.from_pairs(["a", "b"], [5, 7], project=list("abb"), ballot=[1, 1, 2])
    >>> other = Profile.from_pairs(["a", "b"], [5, 7], project=list("bab"), ballot=[1, 2, 2])
    >>> same = [
    ...     anonymised(Election(one, 9, "approval", "", ("A", "B"), {}), Rule())[0].profile
    ...     for one in (profile, other)
    ... ]
    >>> [one.voter.tolist() for one in same]
    [[1, 0, 1], [1, 0, 1]]
    """
    profile = election.profile
    pots = rule.limits.pots if rule.limits else ()
    rows = [np.sort(pot.ballots) for pot in pots if pot.ballots is not None]
    sorted_profile, numbers = _sorted(profile, rows, with_value=_says_more(election))
    meta = {key: plain(election.meta.get(key, "")) for key in HARMLESS}
    bare = Election(
        sorted_profile,
        election.budget,
        election.vote_type,
        plain(election.currency),
        tuple(plain(name) for name in election.names),
        {key: text for key, text in meta.items() if text},
    )
    if not rows:
        return bare, rule
    renumbered = iter(numbers)
    limits = replace(
        rule.limits or Limits(),
        pots=tuple(
            pot if pot.ballots is None else replace(pot, ballots=next(renumbered)) for pot in pots
        ),
    )
    return bare, replace(rule, limits=limits)


def plain(text: str) -> str:
    """Put a text on one line, without control characters."""
    return " ".join(_CONTROL.sub(" ", text).split())


def _says_more(election: Election) -> bool:
    """Tell whether a mark says more than yes in a ``.pb`` file of this type."""
    value = election.profile.value
    return election.vote_type in (*WITH_POINTS, "ordinal") and value is not None and len(value) > 0


def _sorted(
    profile: Profile, rows: list[NDArray[np.int64]], *, with_value: bool
) -> tuple[Profile, list[NDArray[np.int64]]]:
    """Sort ballots by what they say, then by the rows they are in; return the rows anew."""
    lengths = np.array([len(row) for row in rows], dtype=np.int64)
    start = np.append(profile.start, profile.start[-1] + np.cumsum(lengths))
    voter = np.concatenate([profile.voter, *rows])
    if len(voter) and not 0 <= int(voter.min()) <= int(voter.max()) < profile.voters:
        raise ValueError("a pot names a ballot that does not exist; correct the limits")
    value = None
    if with_value and profile.value is not None:
        value = np.append(profile.value, np.zeros(int(lengths.sum()), dtype=np.int64))
    alike = merge(start, voter, profile.voters, value)
    first = profile.voters - int(alike.weight.sum()) + np.cumsum(alike.weight) - alike.weight
    times = alike.weight[alike.member]
    ends = np.cumsum(times)
    anew = np.repeat(first[alike.member] - ends + times, times) + np.arange(len(voter))
    marks = int(profile.start[-1])
    given = None if alike.value is None else np.repeat(alike.value, times)[:marks]
    narrow = anew[:marks].astype(profile.voter.dtype)
    bare = replace(profile, voter=narrow, value=given)
    edges = start[len(profile.votes) :]
    return bare, [anew[a:b] for a, b in pairwise(edges.tolist())]


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
    rule: Rule, election: Election, outcome: Outcome, *, ballots: str, engine: str
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
    made["README.txt"] = readme(rule, election, outcome).encode()
    return made


def manifest(files: dict[str, str]) -> bytes:
    """Write the manifest from the SHA-256 of each other file."""
    return as_json({"format": "commonweal-count-bundle", "version": VERSION, "files": files})


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


def slow_options(rule: Rule) -> list[str] | None:
    """Return how to ask the slow tally for the same count; None if it does not know the rule.

    Parameters
    ----------
    rule : Rule
        In full.

    Returns
    -------
    list of str or None

    Raises
    ------
    Nothing.

    Notes
    -----
    Time O(choices).

    References
    ----------
    None; the options are those of ``reference.py``.

    Examples
    --------
    >>> slow_options(in_full(Rule("phragmen")))
    ['--rule=phragmen', '--misfit=stop', '--ties=cheapest,most-votes,lot']
    >>> slow_options(in_full(Rule("knapsack"))) is None
    True
    """
    if rule.name not in _SLOW or rule.threshold or (rule.limits or Limits()) != Limits():
        return None
    chosen = [(name, getattr(rule, name)) for name in _SLOW[rule.name]]
    options = [f"--{name}={choice}" for name, choice in chosen if choice is not None]
    return [f"--rule={rule.name}", *options, f"--ties={rule.ties}"]


def readme(rule: Rule, election: Election, outcome: Outcome) -> str:
    """Say in plain words what the bundle is and how anyone checks it."""
    options = slow_options(rule)
    if options is None:
        slow = (
            "   The slow tally in this folder knows the rules equal-shares, greedy and phragmen\n"
            "   without further limits. This count used another, so step 3 does not apply.\n"
        )
    else:
        command = shlex.join(["python3", "reference.py", "ballots.pb", *options])
        slow = (
            "   Read reference.py, which is short, or let somebody read it whom you trust. Then run,\n"
            f"   in this folder,\n\n     {command}\n\n"
            '   It prints the winners in order. Compare them with "winners" in result.json. It needs\n'
            "   Python 3.11 or later and nothing else. Large counts take it hours. Other tallies that\n"
            "   read Pabulib files can count ballots.pb as well, by the rule in rule.json.\n"
        )
    title = election.meta.get("description", "") or "An election without a title"
    return _README.format(
        title=title, ballots=outcome.voters, projects=len(outcome.ids), rule=rule.name, slow=slow
    )


_README = """\
A COUNT THAT ANYONE CAN REPEAT

{title}
{ballots} ballots, {projects} on the menu, counted by the rule {rule}.

What is here

   ballots.pb     every ballot, without names, times or places, sorted by what it says;
                  a Pabulib file, which other tallies read too
   rule.json      every choice of the rule, and the lots that were drawn for ties
   result.json    who won, in order, and what that costs
   trace.jsonl    each step of the count on a line of its own
   manifest.json  the SHA-256 of each of the other files
   reference.py   a slow tally that a person can read
   README.txt     this page

How to check it

1. That nothing was changed since it was published: the SHA-256 of manifest.json must be the one
   that the organisers announced, and that of each other file the one in manifest.json.
   "sha256sum *" prints them all ("shasum -a 256 *" on a Mac).

2. With Commonweal: "commonweal tally FOLDER --verify" counts again and says yes, or shows the
   first difference.

3. Without Commonweal:
{slow}
4. That lots were drawn fairly: a project's lot is the SHA-256 of the seed, a colon and the
   project's id, and the lowest goes first. The seed is in rule.json and must have been announced
   before the votes were counted. For the seed "spring" and the project 7:
   printf 'spring:7' | sha256sum

5. That your own ballot is there: look in ballots.pb for a ballot that says what yours did. Ballots
   have new numbers, so nobody can tell which of several alike is yours.
"""
