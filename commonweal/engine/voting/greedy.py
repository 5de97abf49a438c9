"""Greedy: the best measure first, and what to do about what does not fit."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.limits import Limits, Room, pay_must, too_few
from commonweal.engine.voting.outcome import Outcome
from commonweal.engine.voting.profile import Profile, whole_budget
from commonweal.engine.voting.satisfaction import scores
from commonweal.engine.voting.ties import Tie, TieRule

BY_DEFAULT = TieRule()
MEASURES = ("votes", "votes-per-cost", "score", "score-per-cost")
MISFITS = ("skip", "stop")
# How greedy fills up what equal shares leaves: most satisfaction for the money.
FILL_MEASURES = {
    "cost": "votes",
    "cardinality": "votes-per-cost",
    "points": "score-per-cost",
    "borda": "score-per-cost",
    "borda-all": "score-per-cost",
}
# Two fractions with denominators up to 2**60 differ by at least 2**-120, if they differ.
FINE = 121


def greedy(
    profile: Profile,
    budget: int,
    *,
    measure: str = "votes",
    satisfaction: str = "cost",
    misfit: str = "skip",
    threshold: int | Fraction = 0,
    ties: TieRule = BY_DEFAULT,
    limits: Limits | None = None,
) -> Outcome:
    """Fund the projects with the highest measure first.

    A project without votes is never funded, nor one without a score where the score counts.

    Parameters
    ----------
    profile : Profile
        Ballots; only votes, and with a score the values, are read.
    budget : int
        Whole pence, above 0.
    measure : {"votes", "votes-per-cost", "score", "score-per-cost"}
        What goes first. A project that costs nothing has an infinite measure per cost; among those,
        more votes or a higher score goes first.
    satisfaction : {"cost", "cardinality", "points", "borda", "borda-all"}
        What the score adds up over all ballots; read only with the two measures by score.
    misfit : {"skip", "stop"}
        What happens at a project that costs more than is left: skip it and go on with the next, or
        end the count there. Projects that ``limits`` keep out are passed over without a stop.
    threshold : int or Fraction
        Fewer votes than this, or than this share of all ballots, and a project cannot win.
    ties : TieRule, optional
        Who goes first among projects with equal measures.
    limits : Limits, optional
        Must-fund projects, exclusive projects, caps and a minimum; pots are not read here.

    Returns
    -------
    Outcome
        ``detail`` says which ids were ``below_threshold``, ``excluded`` (by whom), ``over_cap`` (of
        which cap), came ``after_stop``, or were paid first (``must``).

    Raises
    ------
    ValueError
        If the budget is not a whole number above 0, a name is unknown, the ballots carry no values
        for the satisfaction, or the limits cannot be kept.

    Notes
    -----
    Time O(projects log projects), and O(marks log marks) for a Borda score. Measures per cost are
    compared exactly: ``floor(2**121 x / cost)`` tells any two different fractions apart, since
    costs are at most 2**60.

    References
    ----------
    Rey, Schmidt and Maly (2023), "The (Computational) Social Choice Take on Indivisible
    Participatory Budgeting", section 3.2: greedy by approval score and by score per cost. Skipping
    what does not fit is the usual practice of cities; to stop there instead is another rule.

    Examples
    --------
    >>> profile = Profile.from_pairs(
    ...     ["a", "b", "c"], [70, 60, 30], project=list("aaabbc"), ballot=[1, 2, 3, 1, 2, 3]
    ... )
    >>> outcome = greedy(profile, 100)
    >>> outcome.ids[outcome.order].tolist(), outcome.spent, outcome.shortfall.tolist()
    (['a', 'c'], 100, [0, 30, 0])
    >>> outcome = greedy(profile, 100, misfit="stop", threshold=Fraction(1, 2))
    >>> outcome.ids[outcome.order].tolist(), outcome.detail["below_threshold"]
    (['a'], ['c'])
    """
    pence = whole_budget(budget)
    if misfit not in MISFITS:
        raise ValueError(f"misfit must be one of {', '.join(MISFITS)}, not {misfit!r}")
    standing = measured(profile, measure, satisfaction)
    below = too_few(profile, threshold, profile.voters)
    if limits:
        below |= limits.too_few(profile)
    must, money, room = pay_must(profile, pence, limits)
    few = [p for p in np.flatnonzero(below).tolist() if standing[p] is not None and p not in must]
    for p in few:
        standing[p] = None
    filled = spend(profile, money, standing, ties, taken=tuple(must), room=room, misfit=misfit)
    by_score = measure.startswith("score")
    return Outcome(
        rule="greedy",
        profile=profile,
        budget=pence,
        order=np.array(must + filled.order, dtype=np.int64),
        satisfaction=satisfaction if by_score else "",
        at_turn=filled.left,
        ties=filled.ties,
        detail={
            "measure": measure,
            "misfit": misfit,
            "threshold": str(threshold),
            "below_threshold": [str(profile.ids[p]) for p in few],
            **filled.told(profile, must),
        },
    )


@dataclass(frozen=True)
class Filled:
    """What greedy funded, what was left at each project's turn (-1: none), and the ties.

    ``kept_out`` says of projects that ``limits`` kept out which exclusion or cap it was, and
    ``after_stop`` lists those whose turn never came.
    """

    order: list[int]
    left: NDArray[np.int64]
    ties: tuple[Tie, ...]
    kept_out: dict[int, tuple[str, str]] = field(default_factory=dict)
    after_stop: tuple[int, ...] = ()

    def told(self, profile: Profile, must: Sequence[int] = ()) -> dict[str, Any]:
        """Return the part of this that goes into an outcome's detail, projects by their ids."""
        name = [str(project) for project in profile.ids.tolist()]
        because: dict[str, dict[str, str]] = {"excluded": {}, "over-cap": {}}
        for p, (why, who) in self.kept_out.items():
            because[why][name[p]] = who
        return {
            "must": [name[p] for p in must],
            "excluded": because["excluded"],
            "over_cap": because["over-cap"],
            "after_stop": [name[p] for p in self.after_stop],
        }


def fill(
    profile: Profile,
    money: int,
    ties: TieRule,
    taken: tuple[int, ...],
    *,
    measure: str = "votes",
    satisfaction: str = "cost",
    room: Room | None = None,
    below: NDArray[np.bool_] | None = None,
) -> Filled:
    """Spend money on supported projects by a measure, leaving out those already taken.

    Parameters
    ----------
    profile : Profile
        Ballots.
    money : int
        What there is to spend, in pence.
    ties : TieRule
        Who goes first among projects with equal measures.
    taken : tuple of int
        Places of projects that have won already.
    measure, satisfaction : str
        As in :func:`greedy`. Equal shares fills with ``FILL_MEASURES[satisfaction]``.
    room : Room, optional
        Exclusions and caps as those already taken have left them; it is used up.
    below : bool array, shape (projects,), optional
        Projects that may not win.

    Returns
    -------
    Filled

    Raises
    ------
    ValueError
        If a name is unknown, or the ballots carry no values for the satisfaction.

    Notes
    -----
    As :func:`greedy`.

    References
    ----------
    Rey, Schmidt and Maly (2023), as in :func:`greedy`, on completing a rule by utilitarian greedy.

    Examples
    --------
    >>> profile = Profile.from_pairs(["a", "b"], [70, 30], project=list("aab"), ballot=[1, 2, 3])
    >>> [fill(profile, 70, BY_DEFAULT, (), measure=m).order for m in ("votes", "votes-per-cost")]
    [[0], [1]]
    """
    standing = measured(profile, measure, satisfaction)
    for p in () if below is None else np.flatnonzero(below).tolist():
        standing[p] = None
    return spend(profile, money, standing, ties, taken=taken, room=room)


def measured(profile: Profile, measure: str, satisfaction: str = "cost") -> list[int | None]:
    """Return a whole number for each project; the higher goes first.

    Parameters
    ----------
    profile : Profile
        Ballots.
    measure, satisfaction : str
        As in :func:`greedy`.

    Returns
    -------
    list of int or None
        Equal measures, and only those, give equal numbers; None where a project cannot win.

    Raises
    ------
    ValueError
        If a name is unknown, or the ballots carry no values for the satisfaction.

    Notes
    -----
    Time as :func:`greedy`; the numbers have up to about 180 bits.

    References
    ----------
    As :func:`greedy`.

    Examples
    --------
    >>> profile = Profile.from_pairs(["a", "b"], [70, 30], project=["a"], ballot=[1])
    >>> measured(profile, "votes")
    [1, None]
    """
    if measure not in MEASURES:
        raise ValueError(f"measure must be one of {', '.join(MEASURES)}, not {measure!r}")
    votes: list[int] = profile.votes.tolist()
    amount = scores(profile, satisfaction) if measure.startswith("score") else votes
    whole = satisfaction in ("cost", "cardinality")
    supported = votes if whole or amount is votes else amount
    if measure.endswith("per-cost"):
        top = max(amount, default=0)
        amount = [
            (n << FINE) // cost if cost else (n + top + 1) << FINE
            for n, cost in zip(amount, profile.cost.tolist(), strict=True)
        ]
    return [n if there > 0 else None for n, there in zip(amount, supported, strict=True)]


def spend(
    profile: Profile,
    money: int,
    standing: Sequence[int | None],
    ties: TieRule,
    *,
    taken: Sequence[int] = (),
    room: Room | None = None,
    misfit: str = "skip",
) -> Filled:
    """Spend money on projects in falling order of standing.

    Parameters
    ----------
    profile : Profile
        Ballots.
    money : int
        What there is to spend, in pence.
    standing : sequence of int or None
        The higher goes first; None cannot win.
    ties : TieRule
        Who goes first among projects of equal standing.
    taken : sequence of int
        Places of projects that have won already.
    room : Room, optional
        Exclusions and caps as those have left them; it is used up.
    misfit : {"skip", "stop"}
        As in :func:`greedy`.

    Returns
    -------
    Filled

    Raises
    ------
    Nothing.

    Notes
    -----
    Time O(projects log projects).

    References
    ----------
    As :func:`greedy`.

    Examples
    --------
    >>> profile = Profile.from_pairs(["a", "b"], [70, 30], project=[], ballot=[])
    >>> spend(profile, 80, [5, 4], BY_DEFAULT).order
    [0]
    """
    cost: list[int] = profile.cost.tolist()
    rank, gone = ties.rank(profile).tolist(), set(taken)
    listed = ((p, n) for p, n in enumerate(standing) if n is not None and p not in gone)
    queue = [p for p, _ in sorted(listed, key=lambda pair: (-pair[1], rank[pair[0]]))]
    left = np.full(len(cost), -1, dtype=np.int64)
    order: list[int] = []
    kept_out: dict[int, tuple[str, str]] = {}
    turns = 0
    for p in queue:
        turns += 1
        if room is not None and (found := room.obstacle(p)):
            kept_out[p] = found
            continue
        left[p] = money
        if cost[p] <= money:
            money -= cost[p]
            order.append(p)
            if room is not None:
                room.take(p)
        elif misfit == "stop":
            break
    records = _ties(queue[:turns], queue, standing, profile, ties)
    return Filled(order, left, tuple(records), kept_out, tuple(queue[turns:]))


def _ties(
    seen: list[int],
    queue: list[int],
    standing: Sequence[int | None],
    profile: Profile,
    rule: TieRule,
) -> list[Tie]:
    """Record each group of equal standing once, if its turn came."""
    groups: dict[int | None, list[int]] = {standing[p]: [] for p in seen}
    for p in queue:
        if standing[p] in groups:
            groups[standing[p]].append(p)
    return [
        Tie(tuple(tied), tied[0], rule.decided_by(profile, tied))
        for tied in groups.values()
        if len(tied) > 1
    ]
