"""Compile the inner loops once, at set-up, so that no count waits for it: ``python -m`` this module."""

import numpy as np

from commonweal.engine.voting import kernel
from commonweal.engine.voting.equal_shares import equal_shares
from commonweal.engine.voting.maximin import maximin_support
from commonweal.engine.voting.profile import Profile
from commonweal.engine.voting.rounds_told import told
from commonweal.engine.voting.rule import Rule
from commonweal.engine.voting.whatif import what_would_win

_PROJECT = np.array([0, 0, 1, 2])
_VOTER = np.array([0, 1, 1, 2])
_POINTS = np.array([1, 2, 3, 4])


def warm_shares(satisfaction: str, completion: str) -> None:
    """Load the machine code that equal shares needs for this, and compile it if it is not there."""
    kernel.compiled()
    has_worth = satisfaction not in ("cost", "cardinality")
    profile = Profile.from_indices(
        ["a", "b", "c"],
        [300, 200, 100],
        project=_PROJECT,
        voter=_VOTER,
        voters=3,
        value=_POINTS if has_worth else None,
    )
    equal_shares(profile, 400, satisfaction=satisfaction, completion=completion, step=1)


def warm_reasons() -> None:
    """Do the same for telling a count round by round, and for what would have been enough."""
    profile = Profile.from_indices(
        ["a", "b"], [300, 9000], project=_PROJECT[:3], voter=_VOTER[:3], voters=2
    )
    rule = Rule()
    outcome = rule.counter(1000)(profile)
    told(outcome)
    what_would_win(outcome, rule)


def warm() -> None:
    """Compile everything that is compiled; the machine code is kept on disk."""
    for satisfaction in ("cost", "points"):
        warm_shares(satisfaction, "add1")
    warm_reasons()
    approvals = Profile.from_indices(
        ["a", "b"], [300, 200], project=_PROJECT[:3], voter=_VOTER[:3], voters=2
    )
    maximin_support(approvals, 400)


if __name__ == "__main__":
    warm()
