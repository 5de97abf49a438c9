"""Why a project won or lost, and what would have been enough."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from fractions import Fraction
from typing import Any

from commonweal.engine.voting.changed import with_ballots, with_cost
from commonweal.engine.voting.outcome import Outcome
from commonweal.engine.voting.profile import Profile

Count = Callable[[Profile], Outcome]
# A project that nearly costs the whole budget would need absurdly many: say "none" instead.
MOST_BALLOTS = 20


class Why(StrEnum):
    """The one reason that decided about a project."""

    BOUGHT = "bought"  # its supporters paid for it together
    FILLED = "filled"  # funded by votes from what equal shares left over
    MOST_VOTES = "most-votes"  # greedy: it fitted when its turn came
    NO_VOTES = "no-votes"
    TOO_DEAR = "too-dear"  # costs more than the whole budget
    NO_ROOM = "no-room"  # its turn came by votes, but not enough money was left
    SHARES_TOO_SMALL = "shares-too-small"  # its supporters could not pay for it together
    MUST = "must"  # the terms say that it is funded first
    CHOSEN = "chosen"  # by a rule without turns or shares
    NOT_CHOSEN = "not-chosen"
    BELOW_THRESHOLD = "below-threshold"  # too few votes to be allowed to win
    EXCLUDED = "excluded"  # a rival won, and only one of them may
    OVER_CAP = "over-cap"  # a cap on several projects had no room for it
    AFTER_STOP = "after-stop"  # the count ended before its turn


@dataclass(frozen=True)
class Reason:
    """Why one project won or lost, in numbers; the words belong to whoever shows them.

    ``payment`` is the largest payment of one supporter (only ``BOUGHT``); ``there`` the money that
    was there for it when it lost, in whole pence; ``shortfall`` what was missing from its cost;
    ``by`` the rival or the cap that kept it out, as the terms name it.
    """

    why: Why
    votes: int
    cost: int
    payment: Fraction | None = None
    there: int = 0
    shortfall: int = 0
    by: str = ""


@dataclass(frozen=True)
class Needed:
    """What would have been enough for a losing project, each change alone.

    ``ballots`` is how many more ballots for this project only would have funded it, None if even
    ``MOST_BALLOTS`` for each ballot cast would not. ``cost`` is the price in whole pence at which it
    would have been funded, None if there is none (a project without votes). Both are checked by
    counting again: the project wins with exactly this change, and loses with one ballot fewer or
    one penny more.
    """

    ballots: int | None
    cost: int | None


def reasons(outcome: Outcome) -> tuple[Reason, ...]:
    """Say of each project why it won or lost.

    Parameters
    ----------
    outcome : Outcome
        A count under any rule of this package.

    Returns
    -------
    tuple of Reason
        In the order of the projects.

    Notes
    -----
    Time O(projects).

    References
    ----------
    Peters, Pierczyński and Skowron (2021), "Proportional Participatory Budgeting with Additive
    Utilities", for what the supporters of a project have left; the reasons are told in our words.

    Examples
    --------
    >>> from commonweal.engine.voting import greedy
    >>> profile = Profile.from_pairs(["a", "b"], [70, 60], project=list("aab"), ballot=[1, 2, 1])
    >>> [str(reason.why) for reason in reasons(greedy(profile, 100))]
    ['most-votes', 'no-room']
    """
    from commonweal.engine.voting.rule import KNOWN  # that module's rules tell reasons

    known = KNOWN.get(outcome.rule)
    seats = known is not None and known.counts == "seats"
    told = {name: outcome.detail.get(name) or {} for name in _KEPT_OUT}
    return tuple(_reason(outcome, p, told, seats=seats) for p in range(len(outcome.ids)))


_KEPT_OUT = {
    "below_threshold": Why.BELOW_THRESHOLD,
    "excluded": Why.EXCLUDED,
    "over_cap": Why.OVER_CAP,
    "after_stop": Why.AFTER_STOP,
}


def _reason(outcome: Outcome, p: int, told: Mapping[str, Any], *, seats: bool) -> Reason:
    votes, cost = int(outcome.votes[p]), int(outcome.cost[p])
    name = str(outcome.ids[p])
    if outcome.shared[p]:
        return Reason(Why.BOUGHT, votes, cost, payment=outcome.payments[p])
    if outcome.funded[p]:
        if name in outcome.detail.get("must", ()):
            return Reason(Why.MUST, votes, cost)
        if outcome.by_shares is not None:
            return Reason(Why.FILLED, votes, cost)
        return Reason(Why.MOST_VOTES if outcome.left[p] >= 0 else Why.CHOSEN, votes, cost)
    shortfall = int(outcome.shortfall[p])
    lost = Reason(Why.SHARES_TOO_SMALL, votes, cost, there=cost - shortfall, shortfall=shortfall)
    if votes == 0:
        return replace(lost, why=Why.NO_VOTES)
    if seats:
        return Reason(Why.NOT_CHOSEN, votes, cost)
    if cost > outcome.budget:
        return replace(lost, why=Why.TOO_DEAR)
    for kind, why in _KEPT_OUT.items():
        if name in told[kind]:
            by = str(told[kind][name]) if isinstance(told[kind], Mapping) else ""
            return Reason(why, votes, cost, by=by)
    if outcome.left[p] >= 0:
        return replace(lost, why=Why.NO_ROOM)
    return lost if outcome.ledger is not None else Reason(Why.NOT_CHOSEN, votes, cost)


def needed(profile: Profile, project: int, outcome: Outcome, count: Count) -> Needed:
    """Find out what would have been enough for a project that lost.

    Parameters
    ----------
    profile : Profile
        The ballots that were counted.
    project : int
        Place of the losing project in the profile.
    outcome : Outcome
        The result of counting them.
    count : callable
        Counts a profile as it was counted, for example
        ``lambda changed: equal_shares(changed, budget, completion="add1-greedy")``.

    Returns
    -------
    Needed

    Raises
    ------
    ValueError
        If the project won.

    Notes
    -----
    Halving, with a full count for each try: about log2(cost) + log2(ballots) counts. Under greedy
    and under equal shares without completion, winning never turns to losing when a project gets
    cheaper, so the price is the highest of all. Elsewhere a higher price or fewer ballots may
    happen to be enough too; what is returned is always enough, and just so.

    References
    ----------
    Boehmer, Faliszewski, Janeczko, Peters, Pierczyński, Schierreich, Skowron and Szufa (2024),
    "Evaluation of Project Performance in Participatory Budgeting": a lower price, or more ballots
    for the project alone.

    Examples
    --------
    With one more ballot, b has as many votes as a, and the cheaper of the two goes first.

    >>> from commonweal.engine.voting import greedy
    >>> profile = Profile.from_pairs(["a", "b"], [70, 60], project=list("aab"), ballot=[1, 2, 1])
    >>> needed(profile, 1, greedy(profile, 100), lambda changed: greedy(changed, 100))
    Needed(ballots=1, cost=30)
    """
    if outcome.funded[project]:
        raise ValueError(f"project {profile.ids[project]!s} won; nothing more was needed")
    return Needed(_ballots(profile, project, outcome, count), _cost(profile, project, count))


def _cost(profile: Profile, project: int, count: Count) -> int | None:
    if not profile.votes[project]:
        return None

    def wins(cost: int) -> bool:
        return bool(count(with_cost(profile, project, cost)).funded[project])

    # At no cost every project with a vote is funded.
    return _boundary(good=0, bad=int(profile.cost[project]), wins=wins)


def _ballots(profile: Profile, project: int, outcome: Outcome, count: Count) -> int | None:
    cost = int(profile.cost[project])
    if cost > outcome.budget:
        return None

    def wins(ballots: int) -> bool:
        return bool(count(with_ballots(profile, project, ballots)).funded[project])

    most = MOST_BALLOTS * max(profile.voters, 1)
    enough = _surely_enough(profile, project, outcome)
    if enough is None or enough > most:
        return _boundary(good=most, bad=0, wins=wins) if wins(most) else None
    return _boundary(good=enough, bad=0, wins=wins)


def _surely_enough(profile: Profile, project: int, outcome: Outcome) -> int | None:
    """Return a number of new ballots with which the project wins whatever the others do.

    In greedy it then has the most votes. In equal shares the new ballots can spend their money on
    nothing else, so the project is bought at the latest when they can pay for it alone.
    """
    if outcome.rule == "greedy":
        return int(profile.votes.max()) + 1
    cost, budget = int(profile.cost[project]), outcome.budget
    return None if cost == budget else max(1, -(-cost * profile.voters // (budget - cost)))


def _boundary(good: int, bad: int, wins: Callable[[int], bool]) -> int:
    """Halve the way between a number that wins and one that loses; return the last that wins."""
    while abs(good - bad) > 1:
        middle = (good + bad) // 2
        if wins(middle):
            good = middle
        else:
            bad = middle
    return good
