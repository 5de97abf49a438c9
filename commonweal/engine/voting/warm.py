"""Compile the inner loops once, at set-up, so that no count waits for it: ``python -m`` this module."""

import numpy as np

from commonweal.engine.voting.equal_shares import equal_shares
from commonweal.engine.voting.maximin import maximin_support
from commonweal.engine.voting.profile import Profile

_PROJECT = np.array([0, 0, 1, 2])
_VOTER = np.array([0, 1, 1, 2])
_POINTS = np.array([1, 2, 3, 4])


def warm() -> None:
    """Count something small by every rule that is compiled; the machine code is kept on disk."""
    approvals = Profile.from_indices(
        ["a", "b", "c"], [300, 200, 100], project=_PROJECT, voter=_VOTER, voters=3
    )
    points = Profile.from_indices(
        ["a", "b", "c"], [300, 200, 100], project=_PROJECT, voter=_VOTER, voters=3, value=_POINTS
    )
    for profile, satisfaction in ((approvals, "cost"), (points, "points")):
        equal_shares(profile, 400, satisfaction=satisfaction, completion="add1", step=1)
    maximin_support(approvals, 400)


if __name__ == "__main__":
    warm()
