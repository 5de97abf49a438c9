"""One run of equal shares told again: what each purchase asked, and what came near to it.

The run itself is known, and exact; floats follow it closely enough to tell it, and to guess where
a change of one project would have changed it. Whoever needs certainty counts again. Importing this
module imports numba: do it late.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.compiler import machine_code

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

# A little more than the rounding of any sum here.
NEARLY = 1e-9


@machine_code
def payment_of(
    first: int, last: int, member: Any, weight: Any, value: Any, money: Floats, cost: float
) -> float:
    """Return the payment per unit of worth; -1 where the supporters have too little."""
    limit = 0.0
    while True:
        total, poor, rich = 0.0, 0.0, 0.0
        for j in range(first, last):
            held = money[member[j]]
            count = 1.0 if weight is None else weight[member[j]]
            worth = 1.0 if value is None else value[j]
            total += held * count
            if held < limit * worth:
                poor += held * count
            else:
                rich += worth * count
        if total < cost * (1 - NEARLY):
            return -1.0
        if rich == 0.0:
            return limit
        payment = (cost - poor) / rich
        if payment <= limit:
            return limit
        limit = payment


@machine_code
def tell(
    ptr: Whole,
    member: Any,
    weight: Any,
    value: Any,
    cost: Whole,
    order: Whole,
    told: Whole,
    money: Floats,
    rates: Floats,
    payers: Floats,
    effective: Floats,
    behind: Floats,
    taken: Floats,
) -> None:
    """Make the run's purchases again and write down what each asked and who paid.

    ``money`` is what each voter or class starts with and, afterwards, what is left. ``rates`` gets
    the payment per unit of worth of each purchase, ``payers`` how many paid. For each ``told``
    project, ``effective`` gets its cost over its payment as each purchase was made (0: it could not
    be afforded; NaN: it had been bought), ``behind`` what its supporters held just then and, in the
    last column, at the end; ``taken`` what its supporters paid for each purchase.
    """
    paid = np.zeros(len(money))
    bought = np.zeros(len(cost), dtype=np.bool_)
    for r in range(len(order) + 1):
        for i in range(len(told)):
            p = told[i]
            total = 0.0
            for j in range(ptr[p], ptr[p + 1]):
                total += money[member[j]] * (1.0 if weight is None else weight[member[j]])
            behind[i, r] = total
            if bought[p]:
                effective[i, r] = np.nan
            elif total >= cost[p] * (1 - NEARLY) and cost[p] > 0:
                payment = payment_of(
                    ptr[p], ptr[p + 1], member, weight, value, money, float(cost[p])
                )
                effective[i, r] = cost[p] / payment if payment > 0.0 else 0.0
        if r == len(order):
            break
        q = order[r]
        rate = payment_of(ptr[q], ptr[q + 1], member, weight, value, money, float(cost[q]))
        rates[r] = rate
        for j in range(ptr[q], ptr[q + 1]):
            who = member[j]
            worth = 1.0 if value is None else value[j]
            share = min(money[who], rate * worth)
            left = money[who] - share
            if money[who] > 0.0:
                payers[r] += 1.0 if weight is None else weight[who]
            paid[who] = share
            money[who] = left if left > NEARLY * share else 0.0
        for i in range(len(told)):
            p = told[i]
            for j in range(ptr[p], ptr[p + 1]):
                who = member[j]
                if paid[who] > 0.0:
                    taken[i, r] += paid[who] * (1.0 if weight is None else weight[who])
        for j in range(ptr[q], ptr[q + 1]):
            paid[member[j]] = 0.0
        bought[q] = True


@machine_code
def nearest(
    ptr: Whole,
    member: Any,
    weight: Any,
    value: Any,
    cost: Whole,
    per_cost: bool,
    order: Whole,
    money: Floats,
    asked: Whole,
    line: Whole,
    idle: int,
    price: Floats,
    approvals: Floats,
    ballots: Floats,
) -> None:
    """Find out, for each asked project, what would have had it bought somewhere in this run.

    ``line`` lists the voters or classes in the order in which they would approve it as well, after
    ``idle`` voters who approve nothing. ``money`` is what each starts with; it is used up. ``price``
    gets the highest price, a little too high rather than too low; ``approvals`` and ``ballots`` the
    fewest, a little too few rather than too many: only what is within rounding can be misjudged, and
    rivals that are asked as much count as beaten. Votes are found only where marks have no worth of
    their own; they are looked for below the numbers that are there already.
    """
    start = money[0] if len(money) else 0.0
    backs = np.zeros(len(money), dtype=np.bool_)
    for r in range(len(order) + 1):
        last = r == len(order)
        rate, per_unit = np.inf, np.inf
        if not last:
            q = order[r]
            rate = payment_of(ptr[q], ptr[q + 1], member, weight, value, money, float(cost[q]))
            rate *= 1 + NEARLY
            per_unit = rate / cost[q] if per_cost else rate
        for i in range(len(asked)):
            p = asked[i]
            total = 0.0
            for j in range(ptr[p], ptr[p + 1]):
                total += money[member[j]] * (1.0 if weight is None else weight[member[j]])
            # The highest price at which it is not dearer than what was bought here.
            best = total * (1 + NEARLY)
            while best > price[i] and not last:
                limit = per_unit * best if per_cost else per_unit
                poor, rich = 0.0, 0.0
                for j in range(ptr[p], ptr[p + 1]):
                    count = 1.0 if weight is None else weight[member[j]]
                    worth = 1.0 if value is None else value[j]
                    if money[member[j]] < limit * worth:
                        poor += money[member[j]] * count
                    else:
                        rich += count * worth
                poor *= 1 + NEARLY
                if per_cost:
                    lower = best
                    if per_unit * rich < 1 - NEARLY:
                        lower = poor / (1 - per_unit * rich)
                else:
                    lower = poor + per_unit * rich
                if lower >= best * (1 - 1e-13):
                    break
                best = lower
            price[i] = max(price[i], best)
            if value is not None:
                continue
            limit = min(start, per_unit * cost[p] if per_cost else per_unit)
            if limit <= 0.0 or (
                total + max(ballots[i], approvals[i]) * limit < cost[p] * (1 - NEARLY)
            ):
                continue
            missing = float(cost[p]) * (1 - NEARLY)
            for j in range(ptr[p], ptr[p + 1]):
                count = 1.0 if weight is None else weight[member[j]]
                missing -= min(money[member[j]], limit) * count
            least = np.ceil(missing / limit * (1 - NEARLY))
            ballots[i] = min(ballots[i], max(1.0, least))
            if least >= approvals[i]:
                continue
            more = min(float(idle), least)
            missing -= more * limit
            if missing > 0.0:
                for j in range(ptr[p], ptr[p + 1]):
                    backs[member[j]] = True
                for k in range(len(line)):
                    # Nobody has more than the limit to give.
                    if missing <= 0.0 or more + missing / limit >= approvals[i]:
                        break
                    who = line[k]
                    if backs[who]:
                        continue
                    count = 1.0 if weight is None else weight[who]
                    each = min(money[who], limit)
                    if each * count >= missing:
                        count = np.ceil(missing / each)
                    more += count
                    missing -= each * count
                for j in range(ptr[p], ptr[p + 1]):
                    backs[member[j]] = False
            if missing <= 0.0:
                approvals[i] = min(approvals[i], max(1.0, more))
        if last:
            break
        q = order[r]
        rate /= 1 + NEARLY
        for j in range(ptr[q], ptr[q + 1]):
            who = member[j]
            share = rate * (1.0 if value is None else value[j])
            left = money[who] - min(money[who], share)
            money[who] = left if left > NEARLY * share else 0.0
