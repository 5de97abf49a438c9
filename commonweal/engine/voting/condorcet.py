"""Schulze and ranked pairs: rankings in which whoever wins every duel comes first."""

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.duels import champion, duels, ranking, table
from commonweal.engine.voting.greedy import BY_DEFAULT
from commonweal.engine.voting.outcome import Outcome
from commonweal.engine.voting.profile import Profile
from commonweal.engine.voting.ranks import without_money
from commonweal.engine.voting.ties import TieRule


def schulze(profile: Profile, budget: int = 1, *, ties: TieRule = BY_DEFAULT) -> Outcome:
    """Rank the options by their strongest paths, and choose the first ones.

    An option beats another in a duel if more ballots put it above than below; the strength of that
    win is the number of ballots that put it above (winning votes). A path is a chain of wins, as
    strong as its weakest. One option stands above another if its strongest path there is stronger
    than the strongest path back.

    Parameters
    ----------
    profile : Profile
        Ranked ballots, complete or not; equal places are allowed, and approvals too. What a ballot
        lists stands above what it does not. Costs are not read.
    budget : int
        How many are chosen: the first ones of the ranking.
    ties : TieRule, optional
        Who goes first among options that the paths leave tied.

    Returns
    -------
    Outcome
        ``detail`` has the ``ranking`` of all listed options, ``duels`` (ballots that put the one
        above the other), ``paths`` (strength of the strongest path), and ``condorcet_winner``.

    Raises
    ------
    ValueError
        If the number to choose is not from 1 to the number of options.

    Notes
    -----
    Time O(options cubed) in passes over a table, after counting the duels; memory O(options
    squared). Options on no ballot are never chosen.

    References
    ----------
    Schulze (2011), "A new monotonic, clone-independent, reversal symmetric, and Condorcet-consistent
    single-winner election method", Social Choice and Welfare 36.

    Examples
    --------
    >>> profile = Profile.from_pairs(
    ...     ["a", "b", "c"], [1, 1, 1], project=list("abcbcaba"), ballot=[1, 1, 1, 2, 2, 2, 3, 3],
    ...     value=[1, 2, 3, 1, 2, 3, 1, 2],
    ... )
    >>> outcome = schulze(profile)
    >>> outcome.detail["ranking"], outcome.detail["condorcet_winner"]
    (['b', 'a', 'c'], 'b')
    """
    unit, seats = without_money(profile, budget)
    above = duels(unit)
    paths = strongest_paths(above)
    order, met = ranking(paths > paths.T, unit, ties)
    return Outcome(
        rule="schulze",
        profile=unit,
        budget=seats,
        order=np.array(order[:seats], dtype=np.int64),
        ties=tuple(met),
        detail={
            "ranking": [str(unit.ids[p]) for p in order],
            "condorcet_winner": champion(unit, above),
            "duels": table(unit, above),
            "paths": table(unit, paths),
        },
    )


def strongest_paths(above: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the strength of the strongest path from each option to each other one.

    Takes the table of ``duels``. Time O(options cubed), memory O(options squared).
    """
    paths = np.where(above > above.T, above, 0)
    for through in range(len(paths)):
        detour = np.minimum(paths[:, through, None], paths[through])
        np.maximum(paths, detour, out=paths)
    np.fill_diagonal(paths, 0)
    return paths


def ranked_pairs(profile: Profile, budget: int = 1, *, ties: TieRule = BY_DEFAULT) -> Outcome:
    """Keep the won duels from the clearest down, leave out what makes a circle, choose the first.

    The clearest is the one won by the most ballots; of these, the one with the fewest against. Of
    equally clear ones, the winner who is first in the order of ties goes first, then the loser who
    is last in it.

    Parameters
    ----------
    profile : Profile
        Ranked ballots, complete or not; equal places are allowed, and approvals too. What a ballot
        lists stands above what it does not. Costs are not read.
    budget : int
        How many are chosen: the first ones of the ranking.
    ties : TieRule, optional
        The order of ties; it also decides between options that no kept duel tells apart.

    Returns
    -------
    Outcome
        ``detail`` has the ``ranking`` of all listed options, ``duels`` (ballots that put the one
        above the other), ``pairs`` (each won duel in the order in which it was looked at:
        ``winner``, ``loser``, ``votes``, ``against``, ``kept``), and ``condorcet_winner``.

    Raises
    ------
    ValueError
        If the number to choose is not from 1 to the number of options.

    Notes
    -----
    Time O(options squared) for each pair that says something new, at most O(options to the fourth)
    and far less in practice; memory O(options squared). Options on no ballot are never chosen.

    References
    ----------
    Tideman (1987), "Independence of clones as a criterion for voting rules", Social Choice and
    Welfare 4; the order of equally clear pairs after Zavist and Tideman (1989), "Complete
    independence of clones in the ranked pairs rule", with our order of ties for their drawn ballot.

    Examples
    --------
    >>> profile = Profile.from_pairs(
    ...     ["a", "b", "c"], [1, 1, 1], project=list("abcbcaba"), ballot=[1, 1, 1, 2, 2, 2, 3, 3],
    ...     value=[1, 2, 3, 1, 2, 3, 1, 2],
    ... )
    >>> outcome = ranked_pairs(profile)
    >>> outcome.detail["ranking"], len(outcome.detail["pairs"])
    (['b', 'a', 'c'], 3)
    """
    unit, seats = without_money(profile, budget)
    above = duels(unit)
    rank = ties.rank(unit)
    winner, loser = _by_clarity(above, rank)
    reach, kept = lock(winner, loser, len(above))
    order, met = ranking(reach, unit, ties)
    name = [str(option) for option in unit.ids]
    return Outcome(
        rule="ranked-pairs",
        profile=unit,
        budget=seats,
        order=np.array(order[:seats], dtype=np.int64),
        ties=tuple(met),
        detail={
            "ranking": [name[p] for p in order],
            "condorcet_winner": champion(unit, above),
            "duels": table(unit, above),
            "pairs": [
                {
                    "winner": name[i],
                    "loser": name[j],
                    "votes": int(above[i, j]),
                    "against": int(above[j, i]),
                    "kept": is_kept,
                }
                for i, j, is_kept in zip(winner, loser, kept, strict=True)
            ],
        },
    )


def _by_clarity(above: NDArray[np.int64], rank: NDArray[np.int64]) -> tuple[list[int], list[int]]:
    """Return winners and losers of all won duels, the clearest first."""
    winner, loser = np.nonzero(above > above.T)
    order = np.lexsort((-rank[loser], rank[winner], above[loser, winner], -above[winner, loser]))
    return winner[order].tolist(), loser[order].tolist()


def lock(winner: list[int], loser: list[int], options: int) -> tuple[NDArray[np.bool_], list[bool]]:
    """Keep pairs in turn unless they close a circle; return who reaches whom, and what was kept."""
    reach = np.zeros((options, options), dtype=bool)
    kept = []
    for i, j in zip(winner, loser, strict=True):
        kept.append(not reach[j, i])
        if not reach[j, i] and not reach[i, j]:
            from_here = reach[:, i].copy()
            from_here[i] = True
            to_there = reach[j].copy()
            to_there[j] = True
            reach[from_here] |= to_there
    return reach, kept
