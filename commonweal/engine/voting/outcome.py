"""What a count returns: who won, what everybody paid, and enough to explain it."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.ties import Tie


@dataclass(frozen=True, eq=False)
class Outcome:
    """The result of one count. All money is in whole pence unless it is a ``Fraction``.

    Arrays have one entry for each project, in the order of the profile.

    Parameters
    ----------
    rule : str
        ``greedy`` or ``equal-shares``.
    completion, stop : str
        How equal shares went on after its first run; empty for greedy.
    ids : array
        The profile's project ids.
    budget, voters, spent : int
        The money there was, all ballots, the money the funded projects cost together.
    cost, votes : int64 arrays
        Price and number of supporters.
    funded : bool array
        Who won.
    order : int64 array, shape (winners,)
        The winners in the order in which they were bought.
    shared : bool array
        Bought with the supporters' shares; a winner without it was funded by votes (greedy, or the
        fill at the end of equal shares).
    payments : tuple of Fraction or None
        The largest payment of one supporter, for projects bought with shares.
    behind : int64 array
        What the supporters had left together when the shares were spent, rounded down. 0 in greedy.
    left : int64 array
        What was left of the budget when the project's turn came by votes; -1 if it had no turn.
    start : Fraction
        The money each ballot began with in the run that decided; 0 for greedy.
    runs : int
        How many runs of equal shares were made.
    ties : tuple of Tie
        Every tie met.
    """

    rule: str
    completion: str
    stop: str
    ids: NDArray[Any]
    budget: int
    voters: int
    spent: int
    cost: NDArray[np.int64]
    votes: NDArray[np.int64]
    funded: NDArray[np.bool_]
    order: NDArray[np.int64]
    shared: NDArray[np.bool_]
    payments: tuple[Fraction | None, ...]
    behind: NDArray[np.int64]
    left: NDArray[np.int64]
    start: Fraction
    runs: int
    ties: tuple[Tie, ...]

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
