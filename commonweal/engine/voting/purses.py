"""The exact side of equal shares: what is left in each voter's purse, as a fraction."""

from fractions import Fraction
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.classes import Classes


class Purses:
    """Exact money of every class of voters.

    Voters with the same history of payments hold the same money, so one purse serves them all.
    All purses share one denominator: integers are multiplied, and no fraction is ever reduced.

    Parameters
    ----------
    classes : Classes
        The merged ballots.
    cost : int64 array, shape (projects,)
        Prices in pence.
    start : Fraction
        What each voter begins with, in pence.
    """

    def __init__(self, classes: Classes, cost: NDArray[np.int64], start: Fraction) -> None:
        self._classes = classes
        self._cost = cost
        self._denominator = start.denominator
        # Purse 0 is the empty one.
        self._held: NDArray[Any] = np.array([0, start.numerator], dtype=object)
        self._purse = np.ones(len(classes.weight), dtype=np.int64)
        self._roomy = 64
        self.paid: list[Fraction] = []

    def price(self, project: int) -> Fraction | None:
        """Return the largest payment of one supporter, or None if they cannot afford it."""
        share = self._share(project)
        return None if share is None else Fraction(share[0], share[1] * self._denominator)

    def buy(self, project: int) -> None:
        """Take the price from the supporters' purses, the poor paying all they have."""
        share = self._share(project)
        if share is None:
            raise ValueError(f"project {project} cannot be afforded by its supporters")
        rest, payers = share
        self.paid.append(Fraction(rest, payers * self._denominator))
        factor = payers // gcd(rest, payers)
        self._held = self._held * factor
        self._denominator *= factor
        payment = rest * factor // payers
        member = self._members(project)
        old, which = np.unique(self._purse[member], return_inverse=True)
        left = self._held[old] - payment
        rich = np.array(left > 0, dtype=bool)
        new = np.zeros(len(old), dtype=np.int64)
        new[rich] = len(self._held) + np.arange(np.count_nonzero(rich))
        self._held = np.concatenate((self._held, left[rich]))
        self._purse[member] = new[which]
        self._forget_unused()

    def behind(self, project: int) -> Fraction:
        """Return the money that the supporters still hold together, in pence."""
        held, weight = self._supporters(project)
        return Fraction(int((held * weight).sum()), self._denominator)

    def as_floats(self) -> NDArray[np.float64]:
        """Return each class's money, correctly rounded; float64 array, shape (classes,)."""
        floats: NDArray[np.float64] = (self._held / self._denominator).astype(np.float64)
        return floats[self._purse]

    def _members(self, project: int) -> NDArray[np.signedinteger[Any]]:
        start = self._classes.start
        return self._classes.member[start[project] : start[project + 1]]

    def _supporters(self, project: int) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return what the supporters' purses hold and how many voters share each purse."""
        start = self._classes.start
        weight_at = self._classes.weight_at[start[project] : start[project + 1]]
        purse, which = np.unique(self._purse[self._members(project)], return_inverse=True)
        weight = np.bincount(which, weights=weight_at, minlength=len(purse))
        return self._held[purse], weight.astype(np.int64).astype(object)

    def _share(self, project: int) -> tuple[int, int] | None:
        """Return (money to find, payers): each payer pays the quotient, the poorer pay all."""
        held, weight = self._supporters(project)
        rest = int(self._cost[project]) * self._denominator
        if not len(held) or (held * weight).sum() < rest:
            return None
        payers = int(weight.sum())
        for place in np.argsort(held):
            if held[place] * payers >= rest:
                break
            rest -= held[place] * weight[place]
            payers -= weight[place]
        return int(rest), int(payers)

    def _forget_unused(self) -> None:
        if len(self._held) < self._roomy:
            return
        used, self._purse = np.unique(np.append(self._purse, 0), return_inverse=True)
        self._purse = self._purse[:-1]
        self._held = self._held[used]
        self._roomy = 2 * len(used) + 64
