"""The same ballots with one change: another price, more approvals, more ballots for one project."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.classes import Classes
from commonweal.engine.voting.profile import Profile


def with_cost(profile: Profile, project: int, cost: int) -> Profile:
    """Return the profile with another price for one project.

    Parameters
    ----------
    profile : Profile
        Ballots.
    project : int
        Place of the project.
    cost : int
        Its new price in whole pence.

    Returns
    -------
    Profile

    Raises
    ------
    Nothing.

    Notes
    -----
    Time O(projects). The merged ballots are shared, if they have been merged.

    References
    ----------
    Boehmer and others (2024), "Evaluation of Project Performance in Participatory Budgeting".

    Examples
    --------
    >>> profile = Profile.from_pairs(["a", "b"], [7, 6], project=list("ab"), ballot=[1, 2])
    >>> with_cost(profile, 1, 5).cost.tolist()
    [7, 5]
    """
    price = profile.cost.copy()
    price[project] = cost
    changed = replace(profile, cost=price)
    if "classes" in vars(profile):
        vars(changed)["classes"] = profile.classes  # the same ballots need no second merging
    return changed


def with_ballots(
    profile: Profile, project: int, ballots: int, *, value: int | None = None
) -> Profile:
    """Return the profile with so many more ballots that mark this project and no other.

    Parameters
    ----------
    profile : Profile
        Ballots.
    project : int
        Place of the project.
    ballots : int
        How many more.
    value : int, optional
        Where marks carry values, what each new mark says; by default the middle one (the lower of
        two) of those that the project has, or the middle one of all.

    Returns
    -------
    Profile

    Raises
    ------
    Nothing.

    Notes
    -----
    Time O(marks). The new ballots are one more class, at the end: merging everything again would
    find the same, in another order.

    References
    ----------
    As :func:`with_cost`.

    Examples
    --------
    >>> profile = Profile.from_pairs(["a", "b"], [7, 6], project=list("ab"), ballot=[1, 2])
    >>> with_ballots(profile, 0, 2).votes.tolist()
    [3, 1]
    """
    new = np.arange(profile.voters, profile.voters + ballots, dtype=profile.voter.dtype)
    changed = _with_marks(profile, project, new, profile.voters + ballots, value)
    if profile.value is None and "classes" in vars(profile):
        old, end = profile.classes, profile.classes.start[project + 1]
        vars(changed)["classes"] = Classes(
            start=_shifted(old.start, project, 1),
            member=np.insert(old.member, end, len(old.weight)),
            weight=np.append(old.weight, ballots),
            weight_at=np.insert(old.weight_at, end, ballots),
        )
    return changed


def with_approvals(
    profile: Profile,
    project: int,
    voters: NDArray[np.signedinteger],
    *,
    value: int | None = None,
) -> Profile:
    """Return the profile in which these voters mark the project too.

    Parameters
    ----------
    profile : Profile
        Ballots.
    project : int
        Place of the project.
    voters : int array
        Ballot numbers, each once, none of which marks the project yet.
    value : int, optional
        As in :func:`with_ballots`.

    Returns
    -------
    Profile

    Raises
    ------
    Nothing.

    Notes
    -----
    Time O(marks).

    References
    ----------
    As :func:`with_cost`.

    Examples
    --------
    >>> profile = Profile.from_pairs(["a", "b"], [7, 6], project=list("ab"), ballot=[1, 2])
    >>> with_approvals(profile, 0, np.array([1])).voter.tolist()
    [0, 1, 1]
    """
    return _with_marks(profile, project, voters, profile.voters, value)


def _with_marks(
    profile: Profile,
    project: int,
    new: NDArray[np.signedinteger],
    voters: int,
    value: int | None,
) -> Profile:
    first, end = profile.start[project : project + 2]
    mine = np.concatenate((profile.voter[first:end], new.astype(profile.voter.dtype)))
    order = np.argsort(mine, kind="stable")
    worth = profile.value
    if worth is not None:
        said = _middle(worth, first, end) if value is None else value
        here = np.concatenate((worth[first:end], np.full(len(new), said, dtype=np.int64)))
        worth = np.concatenate((worth[:first], here[order], worth[end:]))
    return Profile(
        ids=profile.ids,
        cost=profile.cost,
        start=_shifted(profile.start, project, len(new)),
        voter=np.concatenate((profile.voter[:first], mine[order], profile.voter[end:])),
        voters=voters,
        value=worth,
    )


def _middle(value: NDArray[np.int64], first: int, end: int) -> int:
    some = value[first:end] if end > first else value
    return int(np.sort(some)[(len(some) - 1) // 2]) if len(some) else 1


def _shifted(start: NDArray[np.int64], project: int, more: int) -> NDArray[np.int64]:
    shifted = start.copy()
    shifted[project + 1 :] += more
    return shifted
