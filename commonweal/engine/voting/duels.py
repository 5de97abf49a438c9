"""Every option against every other: who would win each duel, and what ranking follows."""

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.profile import Profile
from commonweal.engine.voting.ranks import Papers
from commonweal.engine.voting.ties import Tie, TieRule


def duels(profile: Profile) -> NDArray[np.int64]:
    """Count for each pair of options how many ballots put the one above the other.

    What a ballot lists stands above what it does not list; options with the same place, and two
    that are not listed, are not compared by it. Approvals put all that is approved above the rest.

    Parameters
    ----------
    profile : Profile
        Ballots; ``value`` is the place, 1 first, or None for approvals.

    Returns
    -------
    int64 array, shape (options, options)
        Row ``i``, column ``j``: ballots that put ``i`` above ``j``.

    Notes
    -----
    Time O(sum over different ballots of length squared), in passes over all ballots of one length;
    memory O(options squared + marks).

    References
    ----------
    Condorcet (1785), "Essai sur l'application de l'analyse".

    Examples
    --------
    >>> profile = Profile.from_pairs(
    ...     ["a", "b", "c"], [1, 1, 1], project=list("abab"), ballot=[1, 1, 2, 2], value=[1, 2, 1, 1]
    ... )
    >>> duels(profile).tolist()
    [[0, 1, 2], [0, 0, 2], [0, 0, 0]]
    """
    options = len(profile.ids)
    papers = Papers.of(profile)
    above = np.zeros(options * options)
    level = np.zeros(options * options)
    length = np.diff(papers.start)
    for size in np.unique(length[length > 1]).tolist():
        rows = papers.start[:-1][length == size, None] + np.arange(size)
        option, place = papers.option[rows], papers.place[rows]
        weight = papers.weight[length == size].astype(np.float64)
        for first in range(size - 1):
            pair = option[:, first, None] * options + option[:, first + 1 :]
            less = place[:, first, None] < place[:, first + 1 :]
            many = np.broadcast_to(weight[:, None], pair.shape)
            above += np.bincount(pair[less], weights=many[less], minlength=options * options)
            level += np.bincount(pair[~less], weights=many[~less], minlength=options * options)
    listed = above.reshape(options, options).astype(np.int64)
    same = level.reshape(options, options).astype(np.int64)
    both = listed + listed.T + same + same.T
    found: NDArray[np.int64] = listed + profile.votes[:, None] - both
    np.fill_diagonal(found, 0)
    return found


def ranking(
    beats: NDArray[np.bool_], profile: Profile, ties: TieRule
) -> tuple[list[int], list[Tie]]:
    """Rank the options that somebody lists by an acyclic relation, ties where it leaves them open.

    Each time, the first in the order of ties among those whom no other one left beats comes next.
    ``beats[i, j]`` says that ``i`` stands above ``j``. Time O(options squared).
    """
    rank = ties.rank(profile)
    left = np.flatnonzero(profile.votes)
    left = left[np.argsort(rank[left])]
    order: list[int] = []
    met: list[Tie] = []
    while len(left):
        free = left[~beats[np.ix_(left, left)].any(axis=0)].tolist()
        if len(free) > 1:
            met.append(Tie(tuple(free), free[0], ties.decided_by(profile, free)))
        order.append(free[0])
        left = left[left != free[0]]
    return order, met


def table(profile: Profile, numbers: NDArray[np.int64]) -> dict[str, dict[str, int]]:
    """Write a table of options against options as plain data, by their ids."""
    names = [str(name) for name in profile.ids]
    return {
        one: {other: n for other, n in zip(names, row, strict=True) if other != one}
        for one, row in zip(names, numbers.tolist(), strict=True)
    }


def champion(profile: Profile, above: NDArray[np.int64]) -> str | None:
    """Name the option that beats each other one, if there is one (the Condorcet winner)."""
    wins = (above > above.T).sum(axis=1) == len(above) - 1
    return str(profile.ids[wins.argmax()]) if wins.any() else None
