"""Equal shares with bounded overspending: supporters may go a little over what they have."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.greedy import BY_DEFAULT, Filled
from commonweal.engine.voting.limits import Limits, pay_must
from commonweal.engine.voting.outcome import Outcome
from commonweal.engine.voting.overspending_rounds import OverspendingRounds
from commonweal.engine.voting.profile import Profile, whole_budget
from commonweal.engine.voting.satisfaction import of_worth
from commonweal.engine.voting.ties import Tie, TieRule


def bounded_overspending(
    profile: Profile,
    budget: int,
    *,
    satisfaction: str = "cost",
    ties: TieRule = BY_DEFAULT,
    limits: Limits | None = None,
) -> Outcome:
    """Share the budget equally, and let supporters buy what they can pay for nearly.

    Every ballot, empty or not, starts with ``budget / voters``. Suppose the supporters of a project
    pay up to a price ``r`` for each unit of what it is worth to them, or all they have, and raise a
    share ``a`` of its cost. Then it counts as bought at the price ``r / a``, and because they could
    not pay all of it, it is ranked by ``r / a**2``. The project with the smallest such figure is
    funded, if it still fits into the budget; its supporters pay up to ``r / a`` for each unit of
    worth, or all they have, and the rest is paid by the money of others that would be left over.

    Parameters
    ----------
    profile : Profile
        Ballots.
    budget : int
        Whole pence, above 0.
    satisfaction : {"cost", "cardinality", "points", "borda", "borda-all"}
        What a funded project is worth to a voter; see ``worth``.
    ties : TieRule, optional
        Who goes first among projects with equal figures. Within one project, of equal figures the
        one with the largest share is taken.
    limits : Limits, optional
        Must-fund projects (paid first, before the rest is shared), exclusive projects, caps and a minimum; pots are not
        read here.

    Returns
    -------
    Outcome
        ``detail["shares"]`` says for each winner what share of its cost its supporters could raise
        at the price they were asked first; 1 means that it was bought as in equal shares. ``must``,
        ``excluded`` and ``over_cap`` say what the limits did.

    Raises
    ------
    ValueError
        If the budget is not a whole number above 0, the satisfaction is unknown or the ballots carry
        no points for it, the limits cannot be kept, or the exact fractions grow beyond a million
        binary digits.

    Notes
    -----
    The best ``r`` is one that just empties somebody's purse or just raises the whole cost, since the
    figure has no minimum between two of those. Figures only rise, so most projects need no second
    look. A look is one pass over a project's supporters and a sort of their different purses.

    What is left in a purse is an exact fraction. Overspending can double its digits each time in
    theory; in real elections there are a few thousand binary digits, thirty thousand at most.

    References
    ----------
    Papasotiropoulos, Pishbin, Skibski, Skowron and Wąs (2025), "Method of Equal Shares with Bounded
    Overspending", section 5.

    Examples
    --------
    Two of three people want a project that costs all the money; the third wants a small one. Equal
    shares buys the small one alone. Here the two can raise two thirds, at 333 each, and the figure
    is 333 / (2/3)**2 / 1000 = 0.75, which beats 100 / 100 = 1.

    >>> profile = Profile.from_pairs(
    ...     ["big", "small"], [1000, 100], project=["big", "big", "small"], ballot=[1, 2, 3]
    ... )
    >>> outcome = bounded_overspending(profile, 1000)
    >>> outcome.ids[outcome.order].tolist(), outcome.detail["shares"]
    (['big'], {'big': '0.666667'})
    """
    pence = whole_budget(budget)
    must, left, room = pay_must(profile, pence, limits)
    barred = set(must)
    if limits:
        barred.update(np.flatnonzero(limits.too_few(profile)).tolist())
    votes, cost = profile.votes.tolist(), profile.cost.tolist()
    filled = Filled([], np.full(len(cost), -1, dtype=np.int64), ())
    free = []
    for p in np.argsort(ties.rank(profile)).tolist():
        if votes[p] and not cost[p] and p not in barred and room.obstacle(p) is None:
            room.take(p)
            free.append(p)
    rounds = OverspendingRounds(
        of_worth(profile, satisfaction), ties.rank(profile), left, by_cost=satisfaction == "cost"
    )
    rounds.run(room, barred, filled.kept_out)
    told = filled.told(profile, must)
    order = np.array(must + free + rounds.order, dtype=np.int64)
    shared = np.zeros(len(cost), dtype=bool)
    shared[free + rounds.order] = True
    # What the rest of the budget was too small for; the others' supporters have nothing left.
    dear = (profile.votes > 0) & (profile.cost > rounds.left)
    dear[[*order, *barred, *filled.kept_out]] = False
    return Outcome(
        rule="bounded-overspending",
        profile=profile,
        budget=pence,
        order=order,
        satisfaction=satisfaction,
        by_shares=shared,
        at_turn=np.where(dear, rounds.left, -1),
        start=Fraction(left, max(1, profile.voters)),
        gap=rounds.gap,
        ties=tuple(
            Tie(tied, tied[0], ties.decided_by(profile, tied), times)
            for tied, times in rounds.ties.items()
        ),
        ledger=_Money(rounds, free),
        detail={
            "shares": {
                str(profile.ids[p]): f"{float(bid.share):.6f}"
                for p, bid in zip(rounds.order, rounds.bids, strict=True)
            },
            **{key: told[key] for key in ("must", "excluded", "over_cap")},
        },
    )


@dataclass(frozen=True, eq=False)
class _Money:
    """Says what was paid, and adds up what is left when somebody asks."""

    rounds: OverspendingRounds
    free: list[int]

    def payments(self) -> tuple[Fraction | None, ...]:
        payments: list[Fraction | None] = [None] * len(self.rounds.cost)
        for p in self.free:
            payments[p] = Fraction(0)
        for p, payment in zip(self.rounds.order, self.rounds.payments, strict=True):
            payments[p] = payment
        return tuple(payments)

    def behind(self) -> NDArray[np.int64]:
        return self._behind

    @cached_property
    def _behind(self) -> NDArray[np.int64]:
        held = [int(self.rounds.behind(p)) for p in range(len(self.rounds.cost))]
        return np.array(held, dtype=np.int64)
