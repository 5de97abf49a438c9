"""A rule as data: its name and every choice that belongs to it, to keep, publish and count with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from fractions import Fraction
from importlib import import_module
from typing import Any, Self

import numpy as np

from commonweal.engine.voting.election import Election
from commonweal.engine.voting.limits import Limits, share_or_number
from commonweal.engine.voting.outcome import Outcome
from commonweal.engine.voting.profile import Profile
from commonweal.engine.voting.ties import TieRule

UNIT = 100  # one unit of the currency in pence


@dataclass(frozen=True)
class Known:
    """Where a rule is, and which choices it takes besides the order of ties.

    ``counts`` is ``money`` where projects share a budget, ``seats`` where so many options are chosen.
    """

    module: str
    function: str
    takes: tuple[str, ...] = ()
    counts: str = "money"


_SHARES = ("satisfaction", "completion", "stop", "start", "step", "limits")
KNOWN: Mapping[str, Known] = {
    "equal-shares": Known("equal_shares", "equal_shares", _SHARES),
    "greedy": Known(
        "greedy", "greedy", ("satisfaction", "measure", "misfit", "threshold", "limits")
    ),
    "phragmen": Known("phragmen", "phragmen", ("misfit", "limits")),
    "exact-equal-shares": Known(
        "exact_shares", "exact_equal_shares", ("satisfaction", "completion", "stop")
    ),
    "bounded-overspending": Known(
        "bounded_overspending", "bounded_overspending", ("satisfaction",)
    ),
    "comparison": Known("comparison", "equal_shares_or_greedy", _SHARES),
    "maximin-support": Known("maximin", "maximin_support", ("limits",)),
    "transfers": Known("transfers", "transfers", ("variant",)),
    "knapsack": Known("knapsack", "knapsack"),
    "best-welfare": Known("welfare", "best_welfare", ("satisfaction", "limits")),
    "quadratic": Known("scoring", "quadratic", ("misfit", "limits")),
    "cumulative": Known("scoring", "cumulative", ("misfit", "limits")),
    "approval": Known("committee", "approval_winners", (), "seats"),
    "sequential-pav": Known("committee", "sequential_pav", (), "seats"),
    "sequential-phragmen": Known("committee", "sequential_phragmen", (), "seats"),
    "equal-shares-seats": Known("committee", "equal_shares_committee", (), "seats"),
    "plurality": Known("plurality", "plurality", (), "seats"),
    "instant-runoff": Known("runoff", "instant_runoff", (), "seats"),
    "scottish-stv": Known("scottish_stv", "scottish_stv", (), "seats"),
    "schulze": Known("condorcet", "schulze", (), "seats"),
    "ranked-pairs": Known("condorcet", "ranked_pairs", (), "seats"),
}


@dataclass(frozen=True)
class Rule:
    """One way to count, with nothing left open.

    A choice that is None is the rule's own default.

    Parameters
    ----------
    name : str
        One of ``KNOWN``.
    satisfaction, measure, misfit, completion, stop, start, variant : str, optional
        As in the rule's function.
    threshold : int or Fraction, optional
        Votes, or share of ballots, that a project needs.
    step : int, optional
        How far add1 raises each ballot's money at a time, in units of the currency.
    seats : int, optional
        How many are chosen, for rules that choose people or options; 1 if not said.
    quorum : int, optional
        How many ballots there have to be: with fewer nothing wins.
    ties : TieRule
        The order of ties, with the seed of the lot.
    limits : Limits, optional
        Terms of the pot itself.

    Raises
    ------
    ValueError
        If the name is unknown, or the rule takes no such choice.

    Examples
    --------
    >>> rule = Rule("equal-shares", completion="add1-greedy")
    >>> Rule.from_json(rule.to_json()) == rule
    True
    """

    name: str = "equal-shares"
    satisfaction: str | None = None
    measure: str | None = None
    misfit: str | None = None
    threshold: int | Fraction | None = None
    completion: str | None = None
    stop: str | None = None
    start: str | None = None
    step: int | None = None
    variant: str | None = None
    seats: int | None = None
    quorum: int | None = None
    ties: TieRule = field(default_factory=TieRule)
    limits: Limits | None = None

    def __post_init__(self) -> None:
        if self.name not in KNOWN:
            raise ValueError(f"there is no rule {self.name!r}; choose from {', '.join(KNOWN)}")
        known = KNOWN[self.name]
        for choice in _CHOICES:
            given = getattr(self, choice)
            if choice == "limits" and given and given.without_pots == Limits():
                continue  # pots are counted one by one, by any rule
            if given is not None and choice not in known.takes:
                takes = ", ".join(known.takes) or "no choice but the order of ties"
                raise ValueError(f"the rule {self.name} has no {choice}; it takes {takes}")
        if self.seats is not None and known.counts != "seats":
            raise ValueError(f"the rule {self.name} shares out money and has no seats")
        if self.seats is not None and self.seats < 1:
            raise ValueError(f"seats must be 1 or more, not {self.seats}")
        if self.quorum is not None and self.quorum < 1:
            raise ValueError(f"quorum must be 1 or more, not {self.quorum}")

    @property
    def counts_seats(self) -> bool:
        """Whether so many options are chosen instead of a budget shared out."""
        return KNOWN[self.name].counts == "seats"

    def count(self, election: Election) -> Outcome:
        """Count an election by this rule. Raises ``ValueError`` if its ballots do not suit it."""
        needs = _NEEDS.get(self.satisfaction or "", _NEEDS.get(self.name, ()))
        if needs and election.vote_type not in needs:
            what = self.satisfaction if self.satisfaction in _NEEDS else f"the rule {self.name}"
            raise ValueError(
                f"{what} needs {' or '.join(needs)} ballots, and these are {election.vote_type}"
            )
        return self.counter(election.budget)(election.profile)

    def counter(self, budget: int) -> Callable[[Profile], Outcome]:
        """Return the count of any profile over this budget, pots and all."""
        whole = (self.seats or 1) if self.counts_seats else budget

        def count(profile: Profile) -> Outcome:
            if self.quorum is not None and profile.voters < self.quorum:
                return self._too_few(profile, whole, self.quorum)
            if self.limits and self.limits.pots:
                from commonweal.engine.voting.pots import count_in_pots  # needs this module's rules

                return count_in_pots(profile, whole, self.limits, self._one_pot)
            return self._one_pot(profile, whole, limits=self.limits)

        return count

    def _too_few(self, profile: Profile, budget: int, quorum: int) -> Outcome:
        """Return the outcome in which nothing wins, because too few have voted."""
        told = {"quorum": {"needed": quorum, "ballots": profile.voters}}
        nobody = np.empty(0, dtype=np.int64)
        return Outcome(self.name, profile, budget, nobody, detail=told)

    def _one_pot(self, profile: Profile, budget: int, limits: Limits | None = None) -> Outcome:
        known = KNOWN[self.name]
        module = import_module(f"commonweal.engine.voting.{known.module}")
        chosen = {name: getattr(self, name) for name in known.takes if name != "limits"}
        if self.step is not None:
            chosen["step"] = self.step * UNIT
        if "limits" in known.takes:
            chosen["limits"] = limits
        given = {name: choice for name, choice in chosen.items() if choice is not None}
        outcome: Outcome = getattr(module, known.function)(profile, budget, ties=self.ties, **given)
        return outcome

    def to_json(self) -> dict[str, Any]:
        """Return the rule as plain data; what is not said is left out."""
        data: dict[str, Any] = {"rule": self.name}
        for name in (*_CHOICES, "seats", "quorum"):
            choice = getattr(self, name)
            if choice is not None:
                data[name] = choice.to_json() if isinstance(choice, Limits) else choice
        if isinstance(self.threshold, Fraction):
            data["threshold"] = str(self.threshold)
        data["ties"] = str(self.ties)
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read a rule from plain data, the inverse of :meth:`to_json`. Raises ``ValueError``."""
        if not isinstance(data, Mapping):
            raise ValueError("a rule must be an object with names and values")
        known = {"rule", "ties", "seats", "quorum", *_CHOICES}
        for key in data:
            if key not in known:
                raise ValueError(f"a rule knows no {key!r}; use {', '.join(sorted(known))}")
        for key in known - {"limits", "threshold", "step", "seats", "quorum"}:
            if key in data and not isinstance(data[key], str):
                raise ValueError(f"{key} in a rule must be text, not {data[key]!r}")
        for key in ("step", "seats", "quorum"):
            if key in data and (isinstance(data[key], bool) or not isinstance(data[key], int)):
                raise ValueError(f"{key} in a rule must be a whole number, not {data[key]!r}")
        read: dict[str, Any] = {k: v for k, v in data.items() if k not in ("rule", "ties")}
        if "limits" in read:
            read["limits"] = Limits.from_json(read["limits"])
        if "threshold" in read:
            read["threshold"] = share_or_number(read["threshold"])
        ties = TieRule.parse(data["ties"]) if "ties" in data else TieRule()
        return cls(data.get("rule", "equal-shares"), ties=ties, **read)


# Places are no points, and points no places, though both are numbers beside a mark.
_NEEDS = {
    "points": ("cumulative", "scoring"),
    "borda": ("ordinal",),
    "borda-all": ("ordinal",),
    "quadratic": ("cumulative", "scoring"),
    "cumulative": ("cumulative", "scoring"),
    "transfers": ("cumulative", "scoring"),
}

_CHOICES = tuple(f.name for f in fields(Rule) if f.name not in ("name", "seats", "quorum", "ties"))
