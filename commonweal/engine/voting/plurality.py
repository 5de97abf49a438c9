"""Plurality: one vote each, and the most votes win."""

import numpy as np

from commonweal.engine.voting.greedy import BY_DEFAULT
from commonweal.engine.voting.outcome import Outcome
from commonweal.engine.voting.profile import Profile
from commonweal.engine.voting.ranks import Papers, Piles, without_money
from commonweal.engine.voting.ties import Tie, TieRule


def plurality(profile: Profile, budget: int = 1, *, ties: TieRule = BY_DEFAULT) -> Outcome:
    """Choose the options that the most ballots put first.

    An option that no ballot puts first is never chosen, so fewer may win than there are seats.

    Parameters
    ----------
    profile : Profile
        Ballots with one mark, or ranked ballots, of which only the first preference counts. Costs
        are not read.
    budget : int
        How many are chosen. With more than one this is the single non-transferable vote.
    ties : TieRule, optional
        Who goes first among options with equally many votes.

    Returns
    -------
    Outcome
        ``detail["votes"]`` is the number of first preferences of each option.

    Raises
    ------
    ValueError
        If the number to choose is not from 1 to the number of options, or a ballot does not say
        which option comes first.

    Notes
    -----
    Time O(marks log marks), memory O(marks). A tie is recorded only where it decides who wins or in
    which order.

    References
    ----------
    Brandt, Conitzer, Endriss, Lang and Procaccia, editors (2016), "Handbook of Computational Social
    Choice", section 2.4.1.

    Examples
    --------
    >>> profile = Profile.from_pairs(
    ...     ["a", "b", "c"], [1, 1, 1], project=list("aabc"), ballot=[1, 2, 3, 4]
    ... )
    >>> outcome = plurality(profile)
    >>> outcome.ids[outcome.order].tolist(), outcome.detail["votes"]
    (['a'], {'a': 2, 'b': 1, 'c': 1})
    """
    unit, seats = without_money(profile, budget)
    votes = Piles(Papers.strict(profile, "plurality"), len(unit.ids)).count()
    rank = ties.rank(unit).tolist()
    queue = sorted((p for p, n in enumerate(votes) if n), key=lambda p: (-votes[p], rank[p]))
    order = queue[:seats]
    groups = ([p for p in queue if votes[p] == n] for n in dict.fromkeys(votes[p] for p in order))
    return Outcome(
        rule="plurality",
        profile=unit,
        budget=seats,
        order=np.array(order, dtype=np.int64),
        ties=tuple(
            Tie(tuple(tied), tied[0], ties.decided_by(unit, tied))
            for tied in groups
            if len(tied) > 1
        ),
        detail={"votes": {str(name): n for name, n in zip(unit.ids, votes, strict=True)}},
    )
