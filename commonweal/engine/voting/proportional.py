"""EJR+ up to one: whether any group of voters was left with too little, and which."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.outcome import Outcome


@dataclass(frozen=True)
class Group:
    """Voters who all approve one unfunded project and could have paid for it with their part.

    ``voters`` is how many they are; ``part`` what their part of the budget is, in pence, rounded
    down; ``most`` the cost (or number) of the funded projects that any of them approves, at most.
    """

    project: int
    voters: int
    part: int
    most: int


def satisfaction_of_each(outcome: Outcome, measure: str = "cost") -> NDArray[np.int64]:
    """Return the cost, or number, of funded projects on each ballot; int64 array, shape (voters,)."""
    profile = outcome.profile
    got = np.zeros(profile.voters, dtype=np.int64)
    for p in outcome.order.tolist():
        got[profile.voter[profile.start[p] : profile.start[p + 1]]] += (
            profile.cost[p] if measure == "cost" else 1
        )
    return got


def left_out(outcome: Outcome, measure: str = "cost") -> Group | None:
    """Find a group that EJR+ up to one says was treated unfairly, the clearest case first.

    A group of ``m`` out of ``n`` voters deserves its part ``m/n`` of the budget. The outcome breaks
    the axiom if all of them approve the same unfunded project, and for every one of them the cost of
    the funded projects on the ballot, with this project added, is still no more than that part.
    (With ``measure="cardinality"``: the number of them, and this one, times this one's cost.)

    Parameters
    ----------
    outcome : Outcome
        A count.
    measure : {"cost", "cardinality"}
        What a funded project is worth to a voter.

    Returns
    -------
    Group or None
        The largest violating group of the project whose group is furthest above what it needed;
        None if the axiom holds.

    Raises
    ------
    ValueError
        If the measure is unknown.

    Notes
    -----
    Exact, in whole numbers. Time O(marks log voters): for each project, the voters who got least
    are the group to look at, for every size.

    References
    ----------
    Brill and Peters (2023), "Robust and Verifiable Proportionality Axioms for Multiwinner Voting",
    for EJR+; Peters, Pierczyński and Skowron (2021), for "up to one" with costs. Every outcome of
    equal shares with the same measure satisfies it.

    Examples
    --------
    >>> from commonweal.engine.voting import Profile, greedy
    >>> profile = Profile.from_pairs(
    ...     ["a", "b"], [100, 40], project=list("aaabb"), ballot=[1, 2, 3, 4, 5]
    ... )
    >>> left_out(greedy(profile, 100))
    Group(project=1, voters=2, part=40, most=0)
    """
    if measure not in ("cost", "cardinality"):
        raise ValueError(f"measure must be cost or cardinality, not {measure!r}")
    profile, budget = outcome.profile, outcome.budget
    got = satisfaction_of_each(outcome, measure)
    worst: Group | None = None
    ratio = Fraction(1)
    for p in np.flatnonzero(~outcome.funded & (profile.votes > 0)).tolist():
        cost = int(profile.cost[p])
        if cost * profile.voters > int(profile.votes[p]) * budget:
            continue  # even all of them together have too small a part
        # How many got just so much, and how many no more than that.
        level, number = np.unique(
            got[profile.voter[profile.start[p] : profile.start[p + 1]]], return_counts=True
        )
        for most, group in zip(level.tolist(), np.cumsum(number).tolist(), strict=True):
            need = most + cost if measure == "cost" else (most + 1) * cost
            if need * profile.voters > group * budget:
                continue
            found = Fraction(group * budget, max(1, need * profile.voters))
            if worst is None or found > ratio:
                ratio = found
                worst = Group(p, group, group * budget // profile.voters, most)
    return worst
