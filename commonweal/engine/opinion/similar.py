"""Statements that say the same: alike in letters, and voted on alike, or a person decides."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.opinion.texts import ALIKE, Texts
from commonweal.engine.opinion.votes import Votes

__all__ = ["ALIKE", "Similar", "Texts", "similar_statements"]

SAME_VOTES = 0.8
LEAST_VOTERS = 8
MOST_JUDGED = 1_000


@dataclass(frozen=True)
class Similar:
    """Two statements with similar texts.

    Parameters
    ----------
    first, second : int
        Their places, the earlier one first.
    likeness : float
        Of the texts, 0 to 1.
    voters : int
        How many people agreed or disagreed with both.
    same : float or None
        Which share of those voted alike on both; None if there is nobody.
    merge : bool
        Suggest to merge: enough voters, and mostly alike. Otherwise a person decides; texts know
        nothing of "not".
    """

    first: int
    second: int
    likeness: float
    voters: int
    same: float | None
    merge: bool


def similar_statements(
    texts: Sequence[str], votes: Votes, *, least: float = ALIKE, most: int = 100
) -> tuple[Similar, ...]:
    """Find statements with similar texts, and say which to merge by how people voted on both.

    Parameters
    ----------
    texts : sequence of str
        What each statement of ``votes`` says, in their order.
    votes : Votes
        All votes.
    least : float
        How much alike texts must be, from 0 to 1.
    most : int
        How many pairs at most.

    Returns
    -------
    tuple of Similar
        Those to merge first, then the others, and of each kind the closest texts first.

    Raises
    ------
    ValueError
        If there is not one text for each statement.

    Notes
    -----
    Texts are compared by the weights of their runs of letters (TF-IDF), which needs no language and
    no dictionary. Time O(texts x texts with a
    run in common + pairs x voters).

    References
    ----------
    Salton and Buckley (1988), "Term-weighting approaches in automatic text retrieval".

    Examples
    --------
    >>> votes = Votes.from_log([*range(9), *range(9)], [1] * 9 + [2] * 9, [1] * 18)
    >>> [(s.first, s.second, s.merge) for s in similar_statements(["More buses!", "more buses"], votes)]
    [(0, 1, True)]
    """
    if len(texts) != len(votes.statements):
        raise ValueError(f"there are {len(texts)} texts for {len(votes.statements)} statements")
    pairs = Texts(texts).pairs(least=least)[: max(most, MOST_JUDGED)]
    cast = _by_statement(votes, np.unique([j for pair in pairs for j in pair[:2]]).astype(np.intp))
    judged = [_judged(cast, *pair) for pair in pairs]
    return tuple(sorted(judged, key=lambda pair: not pair.merge)[:most])


def _by_statement(
    votes: Votes, statements: NDArray[np.intp]
) -> dict[int, tuple[NDArray[np.int32], NDArray[np.int8]]]:
    """Return who agreed or disagreed with each of these statements, and which of the two."""
    wanted = np.zeros(len(votes.statements), dtype=np.bool_)
    wanted[statements] = True
    at = np.flatnonzero((votes.value != 0) & wanted[votes.statement])
    at = at[np.argsort(votes.statement[at], kind="stable")]
    bound = np.searchsorted(votes.statement[at], np.concatenate((statements, statements + 1)))
    found = {}
    for n, j in enumerate(statements.tolist()):
        part = at[bound[n] : bound[n + len(statements)]]
        found[j] = (votes.person[part], votes.value[part])
    return found


def _judged(
    cast: dict[int, tuple[NDArray[np.int32], NDArray[np.int8]]],
    first: int,
    second: int,
    likeness: float,
) -> Similar:
    (one, said), (other, heard) = cast[first], cast[second]
    _both, here, there = np.intersect1d(one, other, assume_unique=True, return_indices=True)
    same = float((said[here] == heard[there]).mean()) if len(here) else None
    merge = same is not None and len(here) >= LEAST_VOTERS and same >= SAME_VOTES
    return Similar(first, second, likeness, len(here), same, merge)
