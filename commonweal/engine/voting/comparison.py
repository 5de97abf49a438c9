"""The comparison step: equal shares stands unless more voters prefer what greedy would fund."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.equal_shares import equal_shares
from commonweal.engine.voting.greedy import BY_DEFAULT, greedy
from commonweal.engine.voting.limits import Limits
from commonweal.engine.voting.outcome import Outcome
from commonweal.engine.voting.profile import Profile
from commonweal.engine.voting.ties import TieRule


def compare_with_greedy(
    profile: Profile,
    budget: int,
    outcome: Outcome,
    *,
    measure: str = "votes",
    satisfaction: str = "cost",
    ties: TieRule = BY_DEFAULT,
    limits: Limits | None = None,
) -> Outcome:
    """Hold a vote between an outcome and the greedy one, with the ballots there are.

    A ballot prefers the outcome that funds more of the projects it marks, and has no say where both
    fund equally many. If more ballots prefer the greedy outcome, that one stands; otherwise, also
    with equally many on both sides, the other.

    Parameters
    ----------
    profile : Profile
        The ballots that were counted.
    budget : int
        Whole pence, above 0.
    outcome : Outcome
        The result of another rule on these ballots, as a rule equal shares.
    measure, satisfaction : str
        Which greedy it is compared with; see ``greedy``.
    ties : TieRule, optional
        For the greedy count.
    limits : Limits, optional
        For the greedy count; they should be those the outcome was counted with.

    Returns
    -------
    Outcome
        The one that stands, with the vote in ``detail["comparison"]``: ``stands`` and ``against``
        (names of rules), ``for_outcome``, ``for_greedy`` and ``indifferent`` (ballots),
        ``only_outcome`` and ``only_greedy`` (ids of the projects on which they differ).

    Raises
    ------
    ValueError
        If the outcome was counted on another menu, or greedy refuses.

    Notes
    -----
    Time O(marks on the projects that differ + voters), memory O(voters).

    References
    ----------
    No paper: the step stands in the rules of one Polish city, between equal shares and the greedy
    rule that it had before. It may give up the guarantees of equal shares.

    Examples
    --------
    Six of ten voters prefer a and b to a and c, four prefer c.

    >>> from commonweal.engine.voting import equal_shares
    >>> pairs = [(p, v) for v in range(6) for p in "ab"] + [("c", v) for v in range(6, 10)]
    >>> profile = Profile.from_pairs(
    ...     ["a", "b", "c"], [49, 50, 40],
    ...     project=[p for p, _ in pairs], ballot=[v for _, v in pairs],
    ... )
    >>> outcome = compare_with_greedy(profile, 100, equal_shares(profile, 100))
    >>> outcome.ids[outcome.order].tolist(), outcome.detail["comparison"]["for_greedy"]
    (['a', 'b'], 6)
    """
    if not np.array_equal(outcome.profile.ids, profile.ids):
        raise ValueError("the outcome was counted on another menu; count these ballots first")
    rival = greedy(
        profile, budget, measure=measure, satisfaction=satisfaction, ties=ties, limits=limits
    )
    more = gained(profile, outcome.funded, rival.funded)
    for_greedy, for_outcome = int((more > 0).sum()), int((more < 0).sum())
    stands, against = (rival, outcome) if for_greedy > for_outcome else (outcome, rival)
    comparison = {
        "stands": stands.rule,
        "against": against.rule,
        "for_outcome": for_outcome,
        "for_greedy": for_greedy,
        "indifferent": profile.voters - for_outcome - for_greedy,
        "only_outcome": _ids(profile, outcome.funded & ~rival.funded),
        "only_greedy": _ids(profile, rival.funded & ~outcome.funded),
    }
    return replace(stands, detail={**stands.detail, "comparison": comparison})


def gained(profile: Profile, one: NDArray[np.bool_], other: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return how many more marked projects each ballot has funded in the other outcome.

    Parameters
    ----------
    profile : Profile
        Ballots.
    one, other : bool array, shape (projects,)
        Which projects each outcome funds.

    Returns
    -------
    int64 array, shape (voters,)

    Raises
    ------
    Nothing.

    Notes
    -----
    Time O(marks on projects that differ + voters).

    References
    ----------
    None.

    Examples
    --------
    >>> profile = Profile.from_pairs(["a", "b"], [1, 1], project=list("aab"), ballot=[0, 1, 1])
    >>> gained(profile, np.array([True, False]), np.array([False, True])).tolist()
    [-1, 0]
    """
    more = np.zeros(profile.voters, dtype=np.int64)
    for p in np.flatnonzero(one != other).tolist():
        # A ballot marks a project once, so no number appears twice here.
        more[profile.voter[profile.start[p] : profile.start[p + 1]]] += 1 if other[p] else -1
    return more


def _ids(profile: Profile, which: NDArray[np.bool_]) -> list[str]:
    return [str(name) for name in profile.ids[which].tolist()]


def equal_shares_or_greedy(
    profile: Profile,
    budget: int,
    *,
    satisfaction: str = "cost",
    completion: str = "none",
    stop: str = "exhaustive",
    start: str = "exact",
    step: int = 100,
    ties: TieRule = BY_DEFAULT,
    limits: Limits | None = None,
) -> Outcome:
    """Count equal shares, and let greedy stand instead if more ballots prefer it.

    Parameters
    ----------
    profile : Profile
        Ballots.
    budget : int
        Whole pence, above 0.
    satisfaction : str
        As in :func:`equal_shares`, like the next four.
    completion : str
    stop : str
    start : str
    step : int
    ties : TieRule, optional
        Who goes first among equals, in both counts.
    limits : Limits, optional
        Terms that hold in both counts.

    Returns
    -------
    Outcome
        As :func:`compare_with_greedy` returns it.

    Raises
    ------
    ValueError
        Where :func:`equal_shares` does.

    Notes
    -----
    Time: equal shares, greedy, and O(marks on projects in which they differ).

    References
    ----------
    As :func:`compare_with_greedy`.

    Examples
    --------
    >>> profile = Profile.from_pairs(
    ...     ["a", "b"], [60, 40], project=list("aab"), ballot=[1, 2, 3]
    ... )
    >>> equal_shares_or_greedy(profile, 60).order.tolist()
    [0]
    """
    outcome = equal_shares(
        profile,
        budget,
        satisfaction=satisfaction,
        completion=completion,
        stop=stop,
        start=start,
        step=step,
        ties=ties,
        limits=limits,
    )
    return compare_with_greedy(profile, budget, outcome, ties=ties, limits=limits)
