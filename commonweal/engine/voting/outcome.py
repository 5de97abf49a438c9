"""What a count returns: who won, what everybody paid, and enough to explain it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.profile import Profile
from commonweal.engine.voting.ties import Tie


class Ledger(Protocol):
    """Works out, when somebody asks, what the supporters paid and what they have left."""

    def payments(self) -> tuple[Fraction | None, ...]:
        """Return the largest payment of one supporter for each project; None if none was made."""

    def behind(self) -> NDArray[np.int64]:
        """Return what each project's supporters have left together, in pence, rounded down."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """The result of one count. All money is in whole pence unless it is a ``Fraction``.

    Arrays have one entry for each project, in the order of the profile.

    Parameters
    ----------
    rule : str
        The rule's name, as on the command line: ``greedy``, ``equal-shares`` ...
    profile : Profile
        The ballots that were counted, with the projects and their costs.
    budget : int
        The money there was; for a rule that chooses people or options, how many are chosen.
    order : int64 array, shape (winners,)
        The winners in the order in which they won.
    satisfaction, completion, stop : str
        How equal shares measured what a project is worth to a voter, and how it went on after its
        first run; empty where a rule knows no such thing.
    by_shares : bool array, optional
        Bought with the supporters' shares; a winner without it was funded another way (greedy, or
        the fill at the end of equal shares). Default: none.
    at_turn : int64 array, optional
        What was left of the budget when the project's turn came by votes; -1 if it had no turn.
    start : Fraction
        The money each ballot began with in the run that decided; 0 where there are no shares.
    runs, distinct : int
        How many runs were made, and how many different outcomes they had.
    gap : float
        The least relative difference that decided a choice or an affordability test without exact
        arithmetic; infinity if every one was exact.
    ties : tuple of Tie
        Every tie met.
    ledger : Ledger, optional
        Computes payments and what is left on demand.
    detail : mapping
        What else the rule has to say (rounds of a transfer, a pairwise table, credits spent ...), as
        plain data ready for JSON.
    """

    rule: str
    profile: Profile
    budget: int
    order: NDArray[np.int64]
    satisfaction: str = ""
    completion: str = ""
    stop: str = ""
    by_shares: NDArray[np.bool_] | None = None
    at_turn: NDArray[np.int64] | None = None
    start: Fraction = Fraction(0)
    runs: int = 1
    distinct: int = 1
    gap: float = float("inf")
    ties: tuple[Tie, ...] = ()
    ledger: Ledger | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)

    @property
    def ids(self) -> NDArray[Any]:
        """The profile's project ids."""
        return self.profile.ids

    @property
    def voters(self) -> int:
        """All ballots."""
        return self.profile.voters

    @property
    def cost(self) -> NDArray[np.int64]:
        """Price of each project."""
        return self.profile.cost

    @property
    def votes(self) -> NDArray[np.int64]:
        """Number of supporters of each project."""
        return self.profile.votes

    @cached_property
    def funded(self) -> NDArray[np.bool_]:
        """Who won; bool array, shape (projects,)."""
        funded = np.zeros(len(self.ids), dtype=bool)
        funded[self.order] = True
        return funded

    @cached_property
    def shared(self) -> NDArray[np.bool_]:
        """Bought with the supporters' shares; bool array, shape (projects,)."""
        none = np.zeros(len(self.ids), dtype=bool)
        return none if self.by_shares is None else self.by_shares

    @cached_property
    def left(self) -> NDArray[np.int64]:
        """What was left of the budget at each project's turn by votes; -1 if it had no turn."""
        none = np.full(len(self.ids), -1, dtype=np.int64)
        return none if self.at_turn is None else self.at_turn

    @property
    def spent(self) -> int:
        """What the winners cost together."""
        return int(self.cost[self.order].sum())

    @cached_property
    def payments(self) -> tuple[Fraction | None, ...]:
        """The largest payment of one supporter, for projects bought with shares."""
        return self.ledger.payments() if self.ledger else (None,) * len(self.ids)

    @cached_property
    def behind(self) -> NDArray[np.int64]:
        """What the supporters had left together at the end, rounded down; 0 without shares."""
        return self.ledger.behind() if self.ledger else np.zeros(len(self.ids), dtype=np.int64)

    @property
    def shortfall(self) -> NDArray[np.int64]:
        """What each losing project lacked, in whole pence; 0 for winners.

        Where its turn came by votes, the money missing from the rest of the budget; otherwise the
        money missing from its supporters' shares. A project that costs this much less would have
        won at that very point of this count.
        """
        there = np.where(self.left >= 0, self.left, self.behind)
        return np.where(self.funded, 0, self.cost - there)

    @property
    def effective_votes(self) -> NDArray[np.float64]:
        """Cost over the largest payment for projects bought with shares, otherwise NaN."""
        return np.array(
            [
                np.nan if paid is None else float(cost / paid) if paid else float(votes)
                for paid, cost, votes in zip(
                    self.payments, self.cost.tolist(), self.votes.tolist(), strict=True
                )
            ]
        )
