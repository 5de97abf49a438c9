"""The inner loop of equal shares: floats with proven bounds, and a cry for help.

One call buys project after project. Every float carries a bound on its error; where the bounds leave
doubt, the loop stops, says what it cannot decide, and is called again with the exact answer
(:mod:`commonweal.engine.voting.rounds`).

The functions run as they stand, which is quick enough for a handful of ballots, until
:func:`compiled` turns them into machine code.
"""

from types import FunctionType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.compiler import machine_code

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

# How a call ended.
DONE, EVALUATE, CHOOSE, STALE, OVER, MORE_ROOM = range(6)
# Places in ``ctl``: whole numbers that live from call to call.
ROUND, TIES, LIVE, ASKED, DECIDED, SPENT, MOST, TIED = range(8)
# Places in ``real``: floats that live from call to call.
START, WORST, GAP, HORIZON, REACH, TOO_STALE = range(6)
# What is known of a project in this round.
UNSEEN, OFFERED, TOO_DEAR = 0, 1, 2

EPSILON = float(np.finfo(np.float64).eps)
BLOCK = 512
# Purses this close to a payment (relatively) are treated as not surely able to make it.
EDGE = 2.0**-20
# Slopes are bounded with this much to spare, far more than their rounding.
WIDER = 1 + 1e-6
# Stands for a slope without a bound, so that nothing is ever multiplied by infinity.
STEEPEST = 1e100
# A purse that may or may not be empty holds this, so that only sure emptiness is 0.
NEARLY_NOTHING = 1e-300


def _sum_error(count: int) -> float:
    """Bound the relative error of a sum in blocks of so many products."""
    return float((BLOCK + count // BLOCK + 8) * EPSILON)


def sweep(
    first: int, last: int, member: Any, weight: Any, value: Any, money: Floats, limit: float
) -> tuple[float, float, float, float, float]:
    """Sum up the supporters of one project against a limit per unit of worth.

    Returns all money, and of those who hold less than the limit: money, worth, number; and the
    least that anyone else holds, per unit of worth.
    """
    total, poor, poor_worth, poor_count, least = 0.0, 0.0, 0.0, 0.0, np.inf
    j = first
    while j < last:
        stop = min(last, j + BLOCK)
        part, part_poor = 0.0, 0.0
        while j < stop:
            who = member[j]
            held = money[who]
            count = 1.0 if weight is None else weight[who]
            worth = 1.0 if value is None else value[j]
            there = held * count
            part += there
            if held < limit * worth:
                part_poor += there
                poor_worth += count * worth
                if value is not None:
                    poor_count += count
            else:
                least = min(least, held if value is None else held / worth)
            j += 1
        total += part
        poor += part_poor
    if value is None:
        poor_count = poor_worth
    return total, poor, poor_worth, poor_count, least


def _errors_below(
    first: int,
    last: int,
    member: Any,
    weight: Any,
    value: Any,
    money: Floats,
    error: Floats,
    limit: float,
) -> float:
    """Sum up the error bounds of the supporters who hold less than the limit, but something."""
    total = 0.0
    for j in range(first, last):
        who = member[j]
        held = money[who]
        if held > 0.0 and held < limit * (1.0 if value is None else value[j]):
            total += error[who] * (1.0 if weight is None else weight[who])
    return total * (1 + 2.0**-20)


def evaluate(
    first: int,
    last: int,
    member: Any,
    weight: Any,
    value: Any,
    money: Floats,
    error: Floats,
    cost: float,
    number: float,
    all_worth: float,
    at_least: float,
    worst: float,
    closely: bool,
) -> tuple[int, float, float]:
    """Return (1, payment per unit of worth, its error bound) where the project is affordable.

    Or else (0, the most money there can be, 0) where it is not, and (2, 0, 0) where it is in doubt.
    ``at_least`` is a lower bound on the payment; ``worst`` bounds the error of every purse, and
    with ``closely`` each purse's own bound is summed up instead, which takes longer.
    """
    rounding = _sum_error(last - first)
    limit = max(at_least, cost / all_worth * (1 - 4 * EPSILON))
    total, poor, poor_worth, poor_count, least = sweep(
        first, last, member, weight, value, money, limit
    )
    slack = rounding * (total + cost)
    if total + slack + number * worst < cost:
        return 0, total + slack + number * worst, 0.0
    if closely or total - slack - number * worst < cost:
        slack += _errors_below(first, last, member, weight, value, money, error, np.inf)
        if total + slack < cost:
            return 0, total + slack, 0.0
        if total - slack < cost:
            return 2, 0.0, 0.0
    while True:
        rich_worth = all_worth - poor_worth
        if rich_worth <= 0.0:
            return 2, 0.0, 0.0
        payment = (cost - poor) / rich_worth
        if payment <= limit or least >= payment:
            break
        limit = payment
        before = poor_worth
        total, poor, poor_worth, poor_count, least = sweep(
            first, last, member, weight, value, money, limit
        )
        if poor_worth == before:
            break
    payment = max(payment, limit)
    edge = payment * (1 + EDGE)
    if least < edge:
        total, _, poor_worth, poor_count, least = sweep(
            first, last, member, weight, value, money, edge
        )
        rich_worth = all_worth - poor_worth
        if rich_worth <= 0.0:
            return 2, 0.0, 0.0
    owed = poor_count * worst
    while True:
        if closely:
            owed = _errors_below(first, last, member, weight, value, money, error, edge)
        doubt = (owed + rounding * cost) / rich_worth * (1 + 2.0**-20) + 8 * EPSILON * payment
        if doubt + worst <= payment * EDGE / 2:
            return 1, payment, doubt
        if closely:
            return 2, 0.0, 0.0
        closely = True


def whole_payers(
    first: int,
    last: int,
    member: Any,
    weight: Any,
    value: Any,
    money: Floats,
    error: Floats,
    cost: float,
) -> float:
    """Return the worth of all payers if each surely pays in full, or -1 if anyone may pay less.

    Then the payment for each unit of worth is exactly the cost over this whole number: who holds
    nothing pays nothing, and nobody pays a part.
    """
    payers = 0.0
    for j in range(first, last):
        who = member[j]
        if money[who] > 0.0:
            worth = 1.0 if value is None else value[j]
            payers += worth * (1.0 if weight is None else weight[who])
    if payers == 0.0:
        return -1.0
    edge = cost / payers * (1 + EDGE)
    for j in range(first, last):
        who = member[j]
        held = money[who]
        if held > 0.0 and held - error[who] < edge * (1.0 if value is None else value[j]):
            return -1.0
    return payers


def growth(
    first: int,
    last: int,
    member: Any,
    weight: Any,
    value: Any,
    money: Floats,
    most: Floats,
    limit: float,
) -> tuple[float, float]:
    """Sum up how fast the money of those below the limit can grow, and their worth."""
    total, poor_worth = 0.0, 0.0
    for j in range(first, last):
        who = member[j]
        worth = 1.0 if value is None else value[j]
        if money[who] < limit * worth:
            count = 1.0 if weight is None else weight[who]
            total += most[who] * count
            poor_worth += worth * count
    return total * WIDER, poor_worth


def pay(
    first: int,
    last: int,
    member: Any,
    weight: Any,
    value: Any,
    money: Floats,
    error: Floats,
    cost: float,
    all_worth: float,
    payment: float,
    doubt: float,
    start: float,
    worst: float,
    most: Any,
    least: Any,
    fall: float,
    horizon: float,
) -> tuple[float, float]:
    """Take the payment from the purses; return the worst error, and how fast the payment surely falls.

    ``most`` and ``least`` bound how fast each purse grows with the start money, anywhere up to the
    horizon; ``fall`` is the most by which the payment can fall for each penny of start money.
    """
    edge = payment * (1 + EDGE)
    rich_worth, poor_for_sure, poor_growth = 0.0, 0.0, 0.0
    floor = payment - horizon * fall
    for j in range(first, last):
        who = member[j]
        worth = 1.0 if value is None else value[j]
        count = 1.0 if weight is None else weight[who]
        if money[who] >= edge * worth:
            rich_worth += worth * count
        elif most is not None and (money[who] + horizon * most[who]) * WIDER < floor * worth:
            poor_for_sure += worth * count
            poor_growth += count * least[who]
    if rich_worth > 0.0:
        owed = _errors_below(first, last, member, weight, value, money, error, edge)
        own = (owed + _sum_error(last - first) * cost) / rich_worth * (1 + 2.0**-20)
        doubt = min(doubt, own + 8 * EPSILON * payment)
    surely = 0.0
    if most is not None and all_worth > poor_for_sure:
        surely = poor_growth / (all_worth - poor_for_sure) / WIDER
    for j in range(first, last):
        who = member[j]
        held = money[who]
        worth = 1.0 if value is None else value[j]
        if most is not None:
            if held >= edge * worth:
                most[who] += fall * worth
                least[who] += surely * worth
            elif (held + horizon * most[who]) * WIDER < floor * worth:
                most[who], least[who] = 0.0, 0.0
            else:  # poor now, perhaps not with more money
                most[who] += fall * worth
                least[who] = 0.0
        if held == 0.0:
            continue
        share = payment * worth
        off = doubt * worth + 2 * EPSILON * share
        if held <= share - error[who] - off:
            money[who] = 0.0
            error[who] = 0.0
        else:
            money[who] = max(held - share, NEARLY_NOTHING)
            error[who] += off + EPSILON * start
            worst = max(worst, error[who])
    return worst, surely


def _equal_rates(cost_a: float, payers_a: float, cost_b: float, payers_b: float) -> int:
    """Compare cost over payers exactly: -1, 0 or 1; 2 where 64 bits are too few."""
    most = max(cost_a, cost_b) * max(payers_a, payers_b)
    if most >= 2.0**62:
        return 2
    left = np.int64(cost_a) * np.int64(payers_b)
    right = np.int64(cost_b) * np.int64(payers_a)
    return -1 if left < right else (1 if left > right else 0)


def buy(
    ptr: Whole,
    member: Any,
    weight: Any,
    value: Any,
    cost: Whole,
    worth: Floats,  # of the project to each supporter, 1 where marks have a worth of their own
    per_cost: bool,  # a project is worth its cost
    number: Floats,
    all_worth: Floats,
    rank: Whole,
    blocks_ptr: Whole,
    blocks: Whole,
    caps_ptr: Whole,
    caps: Whole,
    cap_left: Whole,
    money: Floats,
    error: Floats,
    most: Any,
    least: Any,
    low: Floats,
    slope: Floats,  # how fast the lower bound can fall as the start money rises
    live: Whole,
    seen: NDArray[np.int8],
    offer_low: Floats,
    offer_high: Floats,
    offer_pay: Floats,
    offer_doubt: Floats,
    bought: Whole,
    tie_ptr: Whole,
    tied: Whole,
    asked: Whole,
    ctl: Whole,
    real: Floats,
) -> int:
    """Buy until nothing can be afforded, or an exact answer is needed. Returns how it ended.

    With ``most`` and ``least`` (how fast each purse can grow), ``real[REACH]`` tells afterwards how
    much more start money surely gives the same purchases: there every choice still beats the lower
    bounds of its rivals, and what cannot be afforded still cannot.
    """
    start = real[START]
    horizon = real[HORIZON]
    projects = len(cost)
    while True:
        if ctl[TIES] + projects > len(tied):
            return MORE_ROOM
        place = ctl[ROUND]
        chosen = ctl[DECIDED]
        tied_here = ctl[TIED]
        payers = -1.0
        if chosen < 0:
            # Look at projects, cheapest lower bound first, while one could still be the best
            # anywhere up to the horizon.
            reach = np.inf
            for k in range(ctl[LIVE]):
                p = live[k]
                if seen[p] == OFFERED:
                    reach = min(reach, offer_high[p])
            following = np.inf
            while True:
                best, at = np.inf, -1
                for k in range(ctl[LIVE]):
                    p = live[k]
                    if seen[p] == UNSEEN and low[p] - real[REACH] * slope[p] < best:
                        best, at = low[p] - real[REACH] * slope[p], k
                if at < 0 or best > reach:
                    following = best
                    break
                p = live[at]
                state, payment, doubt = evaluate(
                    ptr[p], ptr[p + 1], member, weight, value, money, error, float(cost[p]),
                    number[p], all_worth[p], low[p] * worth[p] * (1 - 4 * EPSILON), real[WORST],
                    False,
                )  # fmt: skip
                if state == 0:
                    if most is not None:
                        grows, _ = growth(
                            ptr[p], ptr[p + 1], member, weight, value, money, most, np.inf
                        )
                        missing = float(cost[p]) - payment
                        if grows * real[REACH] >= missing:
                            # With more start money it might be affordable.
                            seen[p] = TOO_DEAR
                            offer_pay[p] = max(0.0, missing / grows)
                            continue
                    ctl[LIVE] -= 1  # its supporters' money only falls: never again
                    live[at] = live[ctl[LIVE]]
                    continue
                if state == 2:
                    ctl[ASKED] = p
                    return EVALUATE
                offer_pay[p], offer_doubt[p] = payment, doubt
                offer_low[p] = (payment - doubt) / worth[p] * (1 - 2 * EPSILON)
                offer_high[p] = (payment + doubt) / worth[p] * (1 + 2 * EPSILON)
                low[p] = offer_low[p]
                seen[p] = OFFERED
                if most is not None:
                    slope[p] = slope_of(
                        ptr[p], ptr[p + 1], member, weight, value, money, most, payment,
                        all_worth[p],
                    ) / worth[p]  # fmt: skip
                reach = min(reach, offer_high[p])
            least_high = np.inf
            for k in range(ctl[LIVE]):
                if seen[live[k]] == OFFERED:
                    least_high = min(least_high, offer_high[live[k]])
            if least_high == np.inf:
                for k in range(ctl[LIVE]):
                    if seen[live[k]] == TOO_DEAR:
                        real[REACH] = min(real[REACH], offer_pay[live[k]])
                return DONE
            rivals = 0
            for p in range(projects):
                if seen[p] == OFFERED and offer_low[p] <= least_high:
                    asked[rivals] = p
                    rivals += 1
            tied_here = 1
            chosen = asked[0]
            if rivals > 1:
                # Where each payer pays in full, whole numbers decide.
                payers = whole_payers(
                    ptr[chosen], ptr[chosen + 1], member, weight, value, money, error,
                    float(cost[chosen]),
                )  # fmt: skip
                simple = payers > 0.0
                equal = 1
                k = 1
                while simple and k < rivals:
                    p = asked[k]
                    more = whole_payers(
                        ptr[p], ptr[p + 1], member, weight, value, money, error, float(cost[p])
                    )
                    if more <= 0.0:
                        simple = False
                        break
                    if per_cost:
                        order = -1 if payers > more else (1 if payers < more else 0)
                    else:
                        order = _equal_rates(float(cost[chosen]), payers, float(cost[p]), more)
                    if order == 2:
                        simple = False
                    elif order == 1:  # p asks less of each payer
                        chosen, payers, equal = p, more, 1
                        asked[0] = p
                    elif order == 0:
                        asked[equal] = p
                        equal += 1
                    k += 1
                if simple:
                    tied_here = equal
                    for k in range(equal):
                        if rank[asked[k]] < rank[chosen]:
                            chosen = asked[k]
                else:
                    # Look closely at each; what is still in doubt is decided in fractions.
                    least_high = np.inf
                    for p in range(projects):
                        if seen[p] != OFFERED or offer_low[p] > least_high:
                            continue
                        state, payment, doubt = evaluate(
                            ptr[p], ptr[p + 1], member, weight, value, money, error,
                            float(cost[p]), number[p], all_worth[p],
                            low[p] * worth[p] * (1 - 4 * EPSILON), real[WORST], True,
                        )  # fmt: skip
                        if state == 1 and doubt < offer_doubt[p]:
                            offer_pay[p], offer_doubt[p] = payment, doubt
                            offer_low[p] = (payment - doubt) / worth[p] * (1 - 2 * EPSILON)
                            offer_high[p] = (payment + doubt) / worth[p] * (1 + 2 * EPSILON)
                        least_high = min(least_high, offer_high[p])
                    rivals = 0
                    for p in range(projects):
                        if seen[p] == OFFERED and offer_low[p] <= least_high:
                            asked[rivals] = p
                            rivals += 1
                    if rivals > 1:
                        ctl[ASKED] = rivals
                        return CHOOSE
                    chosen, tied_here = asked[0], 1
            if tied_here == 1:
                for p in range(projects):
                    if seen[p] == OFFERED and p != chosen:
                        following = min(following, offer_low[p])
                real[GAP] = min(real[GAP], following / offer_high[chosen] - 1)
        p = chosen
        bought[place] = p
        if tied_here > 1:
            for k in range(tied_here):
                tied[ctl[TIES] + k] = asked[k]
            ctl[TIES] += tied_here
        tie_ptr[place + 1] = ctl[TIES]
        ctl[ROUND] = place + 1
        ctl[SPENT] += cost[p]
        ctl[DECIDED], ctl[TIED] = -1, 0
        real[WORST], surely = pay(
            ptr[p], ptr[p + 1], member, weight, value, money, error, float(cost[p]), all_worth[p],
            offer_pay[p], offer_doubt[p], start, real[WORST], most, least, slope[p] * worth[p],
            horizon,
        )  # fmt: skip
        if most is not None:
            surely = surely / worth[p]
            for k in range(ctl[LIVE]):
                q = live[k]
                if q == p:
                    continue
                alike = False
                if slope[p] == 0.0 and slope[q] == 0.0:
                    for i in range(tied_here):
                        alike = alike or (tied_here > 1 and asked[i] == q)
                if alike:
                    continue  # an exact tie between two rates that stand still
                margin = low[q] - offer_high[p]
                closing = slope[q] - surely
                safe = np.inf
                if margin <= 0.0:
                    safe = 0.0
                elif closing > 0.0:
                    safe = margin / closing / WIDER
                if seen[q] == TOO_DEAR:
                    safe = max(safe, offer_pay[q] / WIDER)
                real[REACH] = min(real[REACH], safe)
        # Forget this round's offers, and drop what was bought or is now ruled out.
        for k in range(caps_ptr[p], caps_ptr[p + 1]):
            cap_left[caps[k]] -= cost[p]
        kept = 0
        for k in range(ctl[LIVE]):
            other = live[k]
            seen[other] = UNSEEN
            gone = other == p
            for i in range(blocks_ptr[p], blocks_ptr[p + 1]):
                gone = gone or blocks[i] == other
            for i in range(caps_ptr[other], caps_ptr[other + 1]):
                gone = gone or cap_left[caps[i]] < cost[other]
            if not gone:
                live[kept] = other
                kept += 1
        ctl[LIVE] = kept
        seen[p] = UNSEEN
        if ctl[SPENT] > ctl[MOST]:
            return OVER
        if real[WORST] > real[TOO_STALE]:
            return STALE


def slope_of(
    first: int,
    last: int,
    member: Any,
    weight: Any,
    value: Any,
    money: Floats,
    most: Floats,
    payment: float,
    all_worth: float,
) -> float:
    """Bound how fast the payment can fall, for each penny of start money, from here on up."""
    edge = payment * (1 + EDGE)
    grows, poor_worth = growth(first, last, member, weight, value, money, most, edge)
    if grows == 0.0:
        return 0.0
    return min(STEEPEST, grows / (all_worth - poor_worth)) if all_worth > poor_worth else STEEPEST


# Who is called comes before who calls.
_FUNCTIONS = (
    "_sum_error",
    "sweep",
    "_errors_below",
    "evaluate",
    "whole_payers",
    "growth",
    "slope_of",
    "pay",
    "_equal_rates",
    "buy",
)


def compiled() -> None:
    """Turn the functions of this module into machine code, which is kept on disk between runs.

    Importing the compiler takes a third of a second, so this waits until there is enough to count.
    """
    here = globals()
    if not isinstance(here["buy"], FunctionType):
        return
    for name in _FUNCTIONS:
        here[name] = machine_code(here[name])
