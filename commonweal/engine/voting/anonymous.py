"""Ballots without anything that could tell one voter from another."""

import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.classes import merge
from commonweal.engine.voting.election import WITH_POINTS, Election
from commonweal.engine.voting.limits import Limits
from commonweal.engine.voting.profile import Profile
from commonweal.engine.voting.rule import Rule

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
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


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
