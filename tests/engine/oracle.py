"""Slow, obvious counting with fractions: sets and dictionaries, no arrays, nothing clever."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from hashlib import sha256

Ballots = Sequence[frozenset[str]]


def support(cost: Mapping[str, int], ballots: Ballots) -> dict[str, int]:
    """Count the votes of each project."""
    return {p: sum(p in ballot for ballot in ballots) for p in cost}


def tie_order(cost: Mapping[str, int], ballots: Ballots, chain: str, seed: str) -> list[str]:
    """Return the projects as the chain would order them."""
    votes = support(cost, ballots)

    def key(p: str) -> tuple[object, ...]:
        lot = sha256(f"{seed}:{p}".encode()).hexdigest()
        found = {"cheapest": cost[p], "most-votes": -votes[p], "lot": lot, "id-text": p}
        return (*(found[name] for name in chain.split(",")), p)

    return sorted(cost, key=key)


def greedy(
    cost: Mapping[str, int],
    ballots: Ballots,
    money: int,
    order: Sequence[str],
    taken: Sequence[str] = (),
) -> list[str]:
    """Fund by votes, skipping misfits."""
    votes = support(cost, ballots)
    won = []
    for p in sorted(cost, key=lambda p: (-votes[p], order.index(p))):
        if votes[p] and p not in taken and cost[p] <= money:
            money -= cost[p]
            won.append(p)
    return won


def payment(price: int, purses: Sequence[Fraction]) -> Fraction | None:
    """Return the least cap on payments that raises the price, None if nothing does."""
    if sum(purses) < price:
        return None
    rest, payers = Fraction(price), len(purses)
    for purse in sorted(purses):
        if purse * payers >= rest:
            break
        rest -= purse
        payers -= 1
    return rest / payers


def one_run(
    cost: Mapping[str, int], ballots: Ballots, start: Fraction, order: Sequence[str]
) -> tuple[list[str], list[Fraction]]:
    """Run equal shares once; return the winners in order, and what every voter has left."""
    votes = support(cost, ballots)
    won = [p for p in order if votes[p] and cost[p] == 0]
    money = [start] * len(ballots)
    while True:
        best: tuple[Fraction, int, str, Fraction] | None = None
        for p in cost:
            if p in won or not votes[p] or not cost[p]:
                continue
            cap = payment(cost[p], [money[v] for v, b in enumerate(ballots) if p in b])
            if cap is not None:
                found = (cap / cost[p], order.index(p), p, cap)
                best = found if best is None else min(best, found)
        if best is None:
            return won, money
        won.append(best[2])
        money = [
            max(money[v] - best[3], Fraction(0)) if best[2] in b else money[v]
            for v, b in enumerate(ballots)
        ]


def equal_shares(
    cost: Mapping[str, int],
    ballots: Ballots,
    budget: int,
    order: Sequence[str],
    completion: str = "none",
    stop: str = "exhaustive",
    step: int = 1,
) -> list[str]:
    """Run equal shares with a completion, every add1 run one by one."""
    votes = support(cost, ballots)
    start = Fraction(budget, max(1, len(ballots)))
    won, _ = one_run(cost, ballots, start, order)
    while completion.startswith("add1"):
        lost = [cost[p] for p in cost if votes[p] and p not in won]
        spent = sum(cost[p] for p in won)
        if not lost or (stop == "exhaustive" and min(lost) > budget - spent):
            break
        start += step
        more, _ = one_run(cost, ballots, start, order)
        if sum(cost[p] for p in more) > budget:
            break
        won = more
    if completion.endswith("greedy"):
        won += greedy(cost, ballots, budget - sum(cost[p] for p in won), order, taken=won)
    return won
