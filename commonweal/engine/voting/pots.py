"""Money in several pots: each counted by the same rule, leftovers passed on in a stated order."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.limits import ALL, REST, Cap, Limits, Pot, pay_must, places
from commonweal.engine.voting.outcome import Outcome
from commonweal.engine.voting.profile import Profile, whole_budget
from commonweal.engine.voting.ties import Tie


def count_in_pots(
    profile: Profile, budget: int, limits: Limits, count: Callable[..., Outcome]
) -> Outcome:
    """Count each pot of the limits by itself, and join the results.

    First the pots that pass nothing on, as listed, then those of ``limits.leftover`` in its order:
    what one of these leaves is added to the next before that is counted. Projects in no pot make up
    the pot ``rest``, with the money that is in no pot. After ``all``, if it ends the leftover,
    every project that has not won stands once more for what was passed on, and all ballots vote.

    Parameters
    ----------
    profile : Profile
        All ballots and projects.
    budget : int
        Whole pence, above 0, at least what the pots hold together.
    limits : Limits
        The pots, the order of leftovers, and other terms, which also hold from pot to pot: a
        project that won in one pot excludes its rivals in the next, and uses up its caps.
        Must-fund projects are paid from their own pots. A minimum is a share of a pot's ballots.
    count : callable
        ``count(profile, budget)``, or ``count(profile, budget, limits=...)`` if the limits hold
        more than pots; any rule of this package. It is given a part of the menu at a time.

    Returns
    -------
    Outcome
        ``detail["pots"]`` has an object for each pot in the order of counting: ``name``, ``pence``
        of its own, ``received`` from others, ``spent``, ``left``, ``winners``, ``start`` money of
        a ballot (as a fraction in text), and the rule's own ``detail``. ``detail["unspent"]`` is
        what is left in the end.

    Raises
    ------
    ValueError
        If the pots hold more than the budget, a ballot number or project is unknown, or the rule
        refuses.

    Notes
    -----
    Time: one count for each pot, and O(marks) for each to take its part of the ballots. A pot with
    no money is not counted.

    References
    ----------
    Hershkowitz, Kahng, Peters and Procaccia (2021), "District-Fair Participatory Budgeting", for
    pots by district and what they cost; the order of leftovers is a city's own choice.

    Examples
    --------
    >>> from commonweal.engine.voting import greedy
    >>> profile = Profile.from_pairs(
    ...     ["a", "b", "c"], [40, 50, 60], project=list("abcc"), ballot=[1, 2, 1, 2]
    ... )
    >>> limits = Limits(
    ...     pots=(Pot("north", ("a", "b"), 50), Pot("south", ("c",), 50)),
    ...     leftover=("north", "south"),
    ... )
    >>> outcome = count_in_pots(profile, 100, limits, greedy)
    >>> outcome.ids[outcome.order].tolist(), outcome.detail["pots"][1]["received"]
    (['a', 'c'], 10)
    """
    pence = whole_budget(budget)
    pay_must(profile, pence, limits)
    held = sum(pot.pence for pot in limits.pots)
    if held > pence:
        raise ValueError(
            f"the pots hold {held} pence together, but the budget is {pence}; lower a pot"
        )
    own = {pot.name: (places(profile, pot.projects), pot) for pot in limits.pots}
    inside = {p for members, _ in own.values() for p in members}
    outside = [p for p in range(len(profile.ids)) if p not in inside]
    if outside or held < pence or REST in limits.leftover:
        own[REST] = outside, Pot(REST, (), pence - held)
    own[ALL] = list(range(len(profile.ids))), Pot(ALL, (), 0)
    joined = _Joined(profile, pence, limits)
    for name in [*(n for n in own if n not in (ALL, *limits.leftover)), *limits.leftover]:
        joined.add(*own[name], count)
    return joined.outcome()


def part_of(profile: Profile, members: Sequence[int], ballots: NDArray[np.int64] | None) -> Profile:
    """Return the ballots as a part of the menu, and of the voters if given, sees them.

    Parameters
    ----------
    profile : Profile
        All ballots.
    members : sequence of int
        Places of the projects, in the order they are to have.
    ballots : int64 array, optional
        Numbers of the ballots that vote. Default: all, those without a mark on the part too.

    Returns
    -------
    Profile

    Raises
    ------
    ValueError
        If a ballot number is out of range or appears twice.

    Notes
    -----
    Time and memory O(marks of the part + voters).

    References
    ----------
    None: it takes rows out of a sparse table.

    Examples
    --------
    >>> profile = Profile.from_pairs(["a", "b"], [5, 7], project=list("aab"), ballot=[0, 1, 1])
    >>> part = part_of(profile, [1], np.array([1]))
    >>> part.ids.tolist(), part.voter.tolist(), part.voters
    (['b'], [0], 1)
    """
    project = np.array(members, dtype=np.int64)
    votes = profile.votes[project]
    kept = _slices(profile.start[project], votes)
    owner = np.repeat(np.arange(len(project)), votes)
    voter, voters = profile.voter[kept], profile.voters
    if ballots is not None:
        number = _numbers(ballots, voters)
        here = number[voter] >= 0
        kept, owner, voters = kept[here], owner[here], len(ballots)
        voter = number[voter[here]]
    start = np.zeros(len(project) + 1, dtype=np.int64)
    np.cumsum(np.bincount(owner, minlength=len(project)), out=start[1:])
    value = None if profile.value is None else profile.value[kept]
    narrow = voter.astype(profile.voter.dtype)
    return Profile(profile.ids[project], profile.cost[project], start, narrow, voters, value)


def _slices(first: NDArray[np.int64], length: NDArray[np.int64]) -> NDArray[np.int64]:
    """Join the ranges that begin at ``first`` and have these lengths."""
    before = np.cumsum(length) - length
    return np.repeat(first - before, length) + np.arange(int(length.sum()))


def _numbers(ballots: NDArray[np.int64], voters: int) -> NDArray[np.int64]:
    """Return the new number of each ballot, rising with the old; -1 if it does not vote here."""
    if ballots.size and (ballots.min() < 0 or ballots.max() >= voters):
        raise ValueError(f"the ballots of a pot must be numbered 0 to {voters - 1}")
    here = np.zeros(voters, dtype=bool)
    here[ballots] = True
    if np.count_nonzero(here) < len(ballots):
        raise ValueError("a pot names a ballot twice; keep one of them")
    return np.where(here, np.cumsum(here) - 1, -1)


@dataclass
class _Part:
    """One pot's result: its outcome, and where its projects stand in the whole menu."""

    members: list[int]
    outcome: Outcome


class _Joined:
    """Pots counted so far, and what they leave to the next."""

    def __init__(self, profile: Profile, budget: int, limits: Limits) -> None:
        self._profile, self._budget, self._limits = profile, budget, limits
        self._must = set(places(profile, limits.must))
        self._rivals = limits.exclusive_pairs(profile)
        self._won: list[int] = []
        self._passed = 0
        self._parts: list[_Part] = []
        self._told: list[dict[str, Any]] = []

    def add(self, members: list[int], pot: Pot, count: Callable[..., Outcome]) -> None:
        """Count one pot with its own money and what was passed on to it."""
        passes = pot.name in self._limits.leftover
        received = self._passed if passes else 0
        money = pot.pence + received
        standing = self._standing(members)
        part = part_of(self._profile, standing, pot.ballots)
        outcome = self._count(part, money, standing, count)
        left = money - outcome.spent
        if passes:
            self._passed = left
        self._won += [standing[p] for p in outcome.order.tolist()]
        self._parts.append(_Part(standing, outcome))
        self._told.append(
            {
                "name": pot.name,
                "pence": pot.pence,
                "received": received,
                "spent": outcome.spent,
                "left": left,
                "winners": [str(part.ids[p]) for p in outcome.order.tolist()],
                "start": str(outcome.start),
                "detail": dict(outcome.detail),
            }
        )

    def _standing(self, members: Iterable[int]) -> list[int]:
        ptr, idx = self._rivals
        gone = set(self._won)
        for p in self._must.union(self._won):
            gone.update(idx[ptr[p] : ptr[p + 1]].tolist())
        return [p for p in members if p not in gone]

    def _terms(self, standing: list[int]) -> Limits:
        """Return the limits as they bind these projects, given who has won or must win elsewhere."""
        limits, here = self._limits, set(standing)
        name = self._profile.ids
        names = {str(name[p]) for p in standing}
        cost = {
            str(name[p]): int(self._profile.cost[p]) for p in self._must.union(self._won) - here
        }
        groups = (tuple(p for p in group if p in names) for group in limits.exclusive)
        return replace(
            limits,
            must=tuple(p for p in limits.must if p in names),
            exclusive=tuple(group for group in groups if len(group) > 1),
            caps=tuple(
                Cap(
                    cap.name,
                    tuple(p for p in cap.projects if p in names),
                    cap.pence - sum(cost.get(p, 0) for p in cap.projects),
                )
                for cap in limits.caps
            ),
            pots=(),
            leftover=(),
        )

    def _count(
        self, part: Profile, money: int, standing: list[int], count: Callable[..., Outcome]
    ) -> Outcome:
        terms = self._terms(standing)
        if money == 0 or not standing:
            must, _, _ = pay_must(part, money, terms)
            return Outcome("", part, money, np.array(must, dtype=np.int64))
        bare = self._limits.without_pots == Limits()
        return count(part, money) if bare else count(part, money, limits=terms)

    def outcome(self) -> Outcome:
        counted = [part.outcome for part in self._parts if part.outcome.rule]
        first = counted[0] if counted else Outcome("", self._profile, 0, np.zeros(0, np.int64))
        shared = np.zeros(len(self._profile.ids), dtype=bool)
        left = np.full(len(self._profile.ids), -1, dtype=np.int64)
        for part in self._parts:
            shared[part.members] = part.outcome.shared
            left[part.members] = part.outcome.left
        unspent = self._budget - sum(told["spent"] for told in self._told)
        return Outcome(
            rule=first.rule,
            profile=self._profile,
            budget=self._budget,
            order=np.array(self._won, dtype=np.int64),
            satisfaction=first.satisfaction,
            completion=first.completion,
            stop=first.stop,
            by_shares=shared,
            at_turn=left,
            runs=sum(outcome.runs for outcome in counted),
            distinct=sum(outcome.distinct for outcome in counted),
            gap=min((outcome.gap for outcome in counted), default=float("inf")),
            ties=tuple(tie for part in self._parts for tie in _moved(part)),
            ledger=_Ledgers(self._profile, self._parts),
            detail={"pots": self._told, "unspent": unspent},
        )


def _moved(part: _Part) -> list[Tie]:
    """Speak of a part's ties by places in the whole menu."""
    at = part.members
    return [
        replace(tie, projects=tuple(at[p] for p in tie.projects), chosen=at[tie.chosen])
        for tie in part.outcome.ties
    ]


class _Ledgers:
    """The ledgers of all pots as one; where a project stood twice, the last time counts."""

    def __init__(self, profile: Profile, parts: list[_Part]) -> None:
        self._profile, self._parts = profile, parts

    def payments(self) -> tuple[Fraction | None, ...]:
        paid: list[Fraction | None] = [None] * len(self._profile.ids)
        for part in self._parts:
            for p, payment in zip(part.members, part.outcome.payments, strict=True):
                paid[p] = payment
        return tuple(paid)

    def behind(self) -> NDArray[np.int64]:
        held = np.zeros(len(self._profile.ids), dtype=np.int64)
        for part in self._parts:
            held[part.members] = part.outcome.behind
        return held
