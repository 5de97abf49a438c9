"""The page in a count bundle that says, in plain words, how anyone can check it."""

import shlex

from commonweal.engine.voting.election import Election
from commonweal.engine.voting.limits import Limits
from commonweal.engine.voting.outcome import Outcome
from commonweal.engine.voting.rule import Rule

_SLOW = {  # the rules that reference.py knows, with the choices it reads
    "equal-shares": ("satisfaction", "completion", "stop", "start", "step"),
    "greedy": ("satisfaction", "measure", "misfit"),
    "phragmen": ("misfit",),
}


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
    >>> from commonweal.engine.voting.bundle_files import in_full
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


def readme(rule: Rule, election: Election, outcome: Outcome, *, receipts: int | None = None) -> str:
    """Say in plain words what the bundle is and how anyone checks it."""
    options = slow_options(rule)
    if "quorum" in outcome.detail:
        slow = _TOO_FEW.format(**outcome.detail["quorum"])
    elif options is None:
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
        title=title,
        ballots=outcome.voters,
        projects=len(outcome.ids),
        rule=rule.name,
        slow=slow,
        file="" if receipts is None else _RECEIPTS_FILE,
        own=_OWN if receipts is None else _OWN_RECEIPT,
    )


def readme_withheld(title: str, *, ballots: int, projects: int, rule: str) -> str:
    """Say in plain words what is published of a count whose ballots would show too much."""
    return _WITHHELD.format(
        title=title or "An election without a title", ballots=ballots, projects=projects, rule=rule
    )


_TOO_FEW = """\
   This count needed {needed} ballots and {ballots} came, so nothing was funded. There is nothing
   more to count: the number of ballots in ballots.pb is all that has to be checked.
"""
_RECEIPTS_FILE = """
   receipts.txt   the receipt of every ballot, sorted, so that nothing says which is whose"""
_OWN = """\
5. That your own ballot is there: look in ballots.pb for a ballot that says what yours did. Ballots
   have new numbers, so nobody can tell which of several alike is yours.
"""
_OWN_RECEIPT = """\
5. That your own ballot is there: look for your receipt in receipts.txt. There are as many receipts
   as ballots. All receipts together have one root, which is in manifest.json: a Merkle tree as in
   RFC 6962, section 2.1, whose leaves are the lines without their ends. So whoever announced the
   root cannot show you one list and your neighbour another.
"""
_WITHHELD = """\
A COUNT, WITHOUT ITS BALLOTS

{title}
{ballots} ballots, {projects} on the menu, counted by the rule {rule}.

Some project here was chosen by fewer than five people. The ballots would show who they were to
those who know them. So the ballots and the steps of the count are not published, and nobody can
count again from what is here.

What is here

   rule.json      every choice of the rule, and the lots that were drawn for ties
   result.json    who won, in order, and what that costs
   receipts.txt   the receipt of every ballot, sorted, so that nothing says which is whose
   manifest.json  the SHA-256 of each of the other files
   README.txt     this page

How to check it

1. That nothing was changed since it was published: the SHA-256 of manifest.json must be the one
   that the organisers announced, and that of each other file the one in manifest.json.
   "sha256sum *" prints them all ("shasum -a 256 *" on a Mac).

2. That your own ballot is there: look for your receipt in receipts.txt. There are as many receipts
   as there were ballots. All receipts together have one root, which is in manifest.json: a Merkle
   tree as in RFC 6962, section 2.1, whose leaves are the lines without their ends.

3. With Commonweal: "commonweal tally FOLDER --verify" checks both.
"""


_README = """\
A COUNT THAT ANYONE CAN REPEAT

{title}
{ballots} ballots, {projects} on the menu, counted by the rule {rule}.

What is here

   ballots.pb     every ballot, without names, times or places, sorted by what it says;
                  a Pabulib file, which other tallies read too{file}
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

{own}"""
