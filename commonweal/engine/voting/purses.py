"""The exact side of equal shares: what is left in each voter's purse, as a fraction."""

from copy import copy
from fractions import Fraction
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Purses:
    """Exact money of every class of voters.

    Voters with the same history of payments hold the same money, so one purse serves them all.
    All purses share one denominator: integers are multiplied, and no fraction is ever reduced.

    Parameters
    ----------
    first : int64 array, shape (projects + 1,)
        The supporters of project ``p`` are ``member[first[p]:first[p + 1]]``.
    member : int array, shape (marks,)
        Class numbers.
    weight : float64 array, shape (classes,), or None
        How many voters are in each class; None where each is one voter.
    value : float64 array, shape (marks,), or None
        Whole numbers: what the project is worth to the voter; None where that is 1 for all.
    cost : int64 array, shape (projects,)
        Prices in pence.
    start : Fraction
        What each voter begins with, in pence.
    classes : int
        How many classes there are.
    """

    def __init__(
        self,
        first: NDArray[np.int64],
        member: NDArray[np.signedinteger[Any]],
        weight: NDArray[np.float64] | None,
        value: NDArray[np.float64] | None,
        cost: NDArray[np.int64],
        start: Fraction,
        classes: int,
    ) -> None:
        self._first, self._member, self._weight = first, member, weight
        self._value, self._cost = value, cost
        self._denominator = start.denominator
        # Purse 0 is the empty one.
        self._held: NDArray[Any] = np.array([0, start.numerator], dtype=object)
        self._purse = np.ones(classes, dtype=np.int64)
        self._roomy = 64
        self.paid: list[Fraction] = []

    def copied(self, cost: NDArray[np.int64]) -> "Purses":
        """Return the same purses for a menu with other prices."""
        new = copy(self)
        new._cost, new._purse, new.paid = cost, self._purse.copy(), list(self.paid)
        return new

    def price(self, project: int) -> Fraction | None:
        """Return the payment for each unit of worth, or None if they cannot afford the project."""
        share = self._share(project)
        return None if share is None else Fraction(share[0], share[1] * self._denominator)

    def buy(self, project: int) -> None:
        """Take the price from the supporters' purses, the poor paying all they have."""
        share = self._share(project)
        if share is None:
            raise ValueError(f"project {project} cannot be afforded by its supporters")
        rest, payers = share
        factor = payers // gcd(rest, payers)
        self._held = self._held * factor
        self._denominator *= factor
        payment = rest * factor // payers
        member, worth = self._members(project), self._worth(project)
        old, each, which = self._kinds(member, worth)
        due = each * payment
        held = self._held[old]
        left = held - due
        most = max(map(min, held.tolist(), due.tolist()))
        self.paid.append(Fraction(int(most), self._denominator))
        rich = np.array(left > 0, dtype=bool)
        new = np.zeros(len(old), dtype=np.int64)
        new[rich] = len(self._held) + np.arange(np.count_nonzero(rich))
        self._held = np.concatenate((self._held, left[rich]))
        self._purse[member] = new[which]
        self._forget_unused()

    def due(self, project: int) -> list[tuple[int, Fraction, Fraction]]:
        """Return who would pay what: (how many voters, what each pays, what each holds)."""
        share = self._share(project)
        if share is None:
            raise ValueError(f"project {project} cannot be afforded by its supporters")
        held, each, number = self._supporters(project)
        payment = Fraction(share[0], share[1] * self._denominator)
        found = []
        for h, worth, n in zip(held.tolist(), each.tolist(), number.tolist(), strict=True):
            has = Fraction(h, self._denominator)
            found.append((int(n), min(has, payment * worth), has))
        return found

    def behind(self, project: int) -> Fraction:
        """Return the money that the supporters still hold together, in pence."""
        held, _, weight = self._supporters(project)
        return Fraction(int((held * weight).sum()), self._denominator)

    def as_floats(self) -> NDArray[np.float64]:
        """Return each class's money, correctly rounded; float64 array, shape (classes,)."""
        floats: NDArray[np.float64] = (self._held / self._denominator).astype(np.float64)
        return floats[self._purse]

    def _members(self, project: int) -> NDArray[np.signedinteger[Any]]:
        return self._member[self._first[project] : self._first[project + 1]]

    def _worth(self, project: int) -> NDArray[np.int64] | None:
        if self._value is None:
            return None
        return self._value[self._first[project] : self._first[project + 1]].astype(np.int64)

    def _kinds(
        self, member: NDArray[np.signedinteger[Any]], worth: NDArray[np.int64] | None
    ) -> tuple[NDArray[np.int64], NDArray[Any], NDArray[np.intp]]:
        """Return the different (purse, worth) pairs, and which of them each supporter has."""
        if worth is None:
            purse, which = np.unique(self._purse[member], return_inverse=True)
            return purse, np.ones(len(purse), dtype=object), which
        span = int(worth.max(initial=0)) + 1
        pair, which = np.unique(self._purse[member] * span + worth, return_inverse=True)
        purse, each = np.divmod(pair, span)
        return purse, each.astype(object), which

    def _supporters(self, project: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
        """Return what supporters' purses hold, what the project is worth to each, and how many."""
        member, worth = self._members(project), self._worth(project)
        count = None if self._weight is None else self._weight[member]
        purse, each, which = self._kinds(member, worth)
        number = np.bincount(which, weights=count, minlength=len(purse))
        return self._held[purse], each, number.astype(np.int64).astype(object)

    def _share(self, project: int) -> tuple[int, int] | None:
        """Return (money to find, worth to the payers): who pays, pays the quotient for each unit."""
        held, each, number = self._supporters(project)
        rest = int(self._cost[project]) * self._denominator
        if not len(held) or (held * number).sum() < rest:
            return None
        payers = int((each * number).sum())
        ratio: list[Any] = held.tolist()
        if self._value is not None:
            ratio = [Fraction(h, e) for h, e in zip(ratio, each.tolist(), strict=True)]
        for place in sorted(range(len(ratio)), key=ratio.__getitem__):
            if held[place] * payers >= rest * each[place]:
                break
            rest -= held[place] * number[place]
            payers -= each[place] * number[place]
        return int(rest), int(payers)

    def _forget_unused(self) -> None:
        if len(self._held) < self._roomy:
            return
        used, self._purse = np.unique(np.append(self._purse, 0), return_inverse=True)
        self._purse = self._purse[:-1]
        self._held = self._held[used]
        self._roomy = 2 * len(used) + 64
