"""Who paid what: the payments of a count by equal shares, and a check that they add up."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from commonweal.engine.voting.equal_shares import Money
from commonweal.engine.voting.outcome import Outcome

# Kinds of payers that are written out for one project.
MOST_KINDS = 12
# With more different ballots than this, there are too many different purses to be kept exactly.
MOST_CLASSES = 200_000


@dataclass(frozen=True)
class Payments:
    """What was paid for one project: so many voters paid so much each, exactly."""

    project: int
    kinds: tuple[tuple[int, Fraction], ...]

    @property
    def total(self) -> Fraction:
        """Return what all paid together."""
        return sum((number * each for number, each in self.kinds), Fraction(0))


@dataclass(frozen=True)
class Certificate:
    """The payments that make an outcome priceable, and whether they pass each check.

    ``start`` is what every ballot began with. ``nobody_overspends``: no purse went below nothing.
    ``paid_exactly``: each project bought was paid its cost, to the last fraction of a penny.
    ``nothing_affordable``: the supporters of no project that was not bought have more than its cost
    left. ``outside`` are winners that were funded another way, such as the fill.
    """

    start: Fraction
    payments: tuple[Payments, ...]
    nobody_overspends: bool
    paid_exactly: bool
    nothing_affordable: bool
    outside: tuple[int, ...]

    @property
    def holds(self) -> bool:
        """Return whether every check is passed."""
        return self.nobody_overspends and self.paid_exactly and self.nothing_affordable


def certificate(outcome: Outcome) -> Certificate | None:
    """Return the payments of the run that decided, in fractions, and check them.

    Parameters
    ----------
    outcome : Outcome
        A count.

    Returns
    -------
    Certificate or None
        None where no run of equal shares decided, or with more than ``MOST_CLASSES`` different
        ballots.

    Raises
    ------
    Nothing.

    Notes
    -----
    Voters with the same payments so far hold the same purse; each purchase costs time in the
    number of its supporters. The check reads the payments alone, not how they were worked out.

    References
    ----------
    Peters and Skowron (2020), "Proportionality and the Limits of Welfarism": priceability.

    Examples
    --------
    >>> from commonweal.engine.voting import Profile, equal_shares
    >>> profile = Profile.from_pairs(["a", "b"], [70, 60], project=list("aab"), ballot=[1, 2, 1])
    >>> found = certificate(equal_shares(profile, 100))
    >>> found.payments[0].kinds, found.holds
    (((2, Fraction(35, 1)),), True)
    """
    money = outcome.ledger
    if not isinstance(money, Money) or money.electorate.classes > MOST_CLASSES:
        return None
    of = money.electorate
    purses = of.purses(money.start)
    payments, overspent = [], False
    for p in money.order.tolist():
        kinds = purses.due(p)
        overspent = overspent or any(each > held for _, each, held in kinds)
        payments.append(Payments(p, tuple((number, each) for number, each, _ in kinds if each)))
        purses.buy(p)
    won = {*money.order.tolist(), *of.free}
    lost = [p for p in of.priced.tolist() if p not in won]
    limits = bool(len(of.blocks[1]) or len(of.caps[1]))
    return Certificate(
        money.start,
        tuple(payments),
        not overspent,
        all(paid.total == int(of.cost[paid.project]) for paid in payments),
        limits or all(purses.behind(p) <= int(of.cost[p]) for p in lost),
        tuple(p for p in outcome.order.tolist() if p not in won),
    )


def as_data(found: Certificate, names: list[str]) -> dict[str, Any]:
    """Return a certificate as plain data; amounts are fractions of a penny, as text."""
    return {
        "holds": found.holds,
        "start_pence": str(found.start),
        "nobody_overspends": found.nobody_overspends,
        "paid_exactly": found.paid_exactly,
        "nothing_affordable": found.nothing_affordable,
        "outside": [names[p] for p in found.outside],
        "payments": [
            {
                "id": names[paid.project],
                "total_pence": str(paid.total),
                "payers": sum(number for number, _ in paid.kinds),
                "kinds": [
                    {"voters": number, "pence_each": str(each)}
                    for number, each in sorted(paid.kinds, reverse=True)[:MOST_KINDS]
                ],
                "kinds_in_all": len(paid.kinds),
            }
            for paid in found.payments
        ],
    }
