"""What a funded project is worth to a voter who marked it."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.profile import Profile

SATISFACTIONS = ("cost", "cardinality", "points", "borda", "borda-all")
# Sums over all marks must stay exact in float64 and in int64.
MOST_WORTH = 2**31


def worth(profile: Profile, satisfaction: str) -> NDArray[np.int64] | None:
    """Return what each mark is worth, or None where every mark on a project is worth the same.

    Parameters
    ----------
    profile : Profile
        Ballots; ``value`` holds points for ``points`` and places (1 first) for the Borda measures.
    satisfaction : {"cost", "cardinality", "points", "borda", "borda-all"}
        ``cost``: a project is worth its cost. ``cardinality``: each is worth 1. ``points``: the
        points given. ``borda``: how many projects *on the ballot* stand below it, so the last one
        listed, and the only one listed, is worth 0. ``borda-all``: how many of *all* projects stand
        below it, where an unlisted project stands below every listed one.

    Returns
    -------
    int64 array, shape (marks,), or None
        None for ``cost`` and ``cardinality``.

    Raises
    ------
    ValueError
        If the name is unknown, or the ballots carry no points or places for it.

    Notes
    -----
    Time O(marks log marks). Projects with the same place on a ballot are worth the same.

    References
    ----------
    Rey, Schmidt and Maly (2023), "The (Computational) Social Choice Take on Indivisible
    Participatory Budgeting", section 2.3, for cost and cardinality; the Borda count after de Borda
    (1781), cut off at the end of the ballot, or continued over the menu.

    Examples
    --------
    >>> profile = Profile.from_pairs(
    ...     ["a", "b", "c"], [5, 5, 5], project=["a", "b"], ballot=[1, 1], value=[1, 2]
    ... )
    >>> worth(profile, "borda").tolist(), worth(profile, "borda-all").tolist()
    ([1, 0], [2, 1])
    """
    if satisfaction not in SATISFACTIONS:
        raise ValueError(
            f"satisfaction must be one of {', '.join(SATISFACTIONS)}, not {satisfaction!r}"
        )
    if satisfaction in ("cost", "cardinality"):
        return None
    if profile.value is None:
        what = "points" if satisfaction == "points" else "places"
        raise ValueError(f"satisfaction {satisfaction!r} needs ballots that carry {what}")
    if satisfaction == "points":
        return _checked(profile.value)
    below = _listed_below(profile.voter, profile.value)
    if satisfaction == "borda-all":
        length = np.bincount(profile.voter, minlength=profile.voters)
        below = below + (len(profile.ids) - length)[profile.voter]
    return _checked(below)


def scores(profile: Profile, satisfaction: str) -> list[int]:
    """Return the sum of each project's worth over all ballots, as plain ints of any size.

    Takes what :func:`worth` takes and raises what it raises; one entry for each project. With
    ``cost`` a project's score is its cost for each vote.
    """
    per_mark = worth(profile, satisfaction)
    votes: list[int] = profile.votes.tolist()
    if satisfaction == "cost":
        return [n * c for n, c in zip(votes, profile.cost.tolist(), strict=True)]
    if per_mark is None:
        return votes
    total = np.concatenate(([0], np.cumsum(per_mark)))
    return [int(score) for score in np.diff(total[profile.start])]


def of_worth(profile: Profile, satisfaction: str) -> Profile:
    """Return the ballots as a satisfaction sees them: marks with their worth, worthless ones gone.

    For ``cost`` and ``cardinality`` that is the approvals alone, so that ballots that differ only in
    order or points become alike. Takes and raises what :func:`worth` does.
    """
    per_mark = worth(profile, satisfaction)
    if per_mark is None:
        return profile if profile.value is None else replace(profile, value=None)
    kept = per_mark > 0
    if kept.all():
        return replace(profile, value=per_mark)
    start = np.concatenate(([0], np.cumsum(kept)))[profile.start]
    return replace(profile, start=start, voter=profile.voter[kept], value=per_mark[kept])


def _listed_below(voter: NDArray[np.signedinteger], place: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how many projects of the same ballot have a later place than each mark's."""
    order = np.lexsort((place, voter))
    ballot, rank = voter[order], place[order]
    here = np.arange(len(order))
    last = np.ones(len(order), dtype=bool)  # the last mark of its place on its ballot
    last[:-1] = (ballot[1:] != ballot[:-1]) | (rank[1:] != rank[:-1])
    end = np.ones(len(order), dtype=bool)  # the last mark of its ballot
    end[:-1] = ballot[1:] != ballot[:-1]
    until = here[last][np.searchsorted(here[last], here)] if len(order) else here
    stop = here[end][np.searchsorted(here[end], here)] if len(order) else here
    below = np.empty(len(order), dtype=np.int64)
    below[order] = stop - until
    return below


def _checked(per_mark: NDArray[np.int64]) -> NDArray[np.int64]:
    if per_mark.size and (per_mark.min() < 0 or per_mark.max() > MOST_WORTH):
        raise ValueError(f"points must lie between 0 and {MOST_WORTH}")
    return per_mark
