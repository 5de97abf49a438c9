"""Many at once, through the real server: ``make bench BENCH=race``.

*The same vote*: sixteen hands send one voter's ballot four times each, for forty voters one after the
other: first people who are signed in, then voting codes. *Two choices*: the same with two different
ballots at once, as when somebody changes their vote. *One code in sixteen browsers*: one of them votes,
the others are refused. *The second of closing*: everybody votes while the pot's time runs out and it is
counted at once; each vote is counted or refused. Each is then done again without the guard that it rests
on (see ``benchmarks.unguarded``), and has to see the fault.
"""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from benchmarks import ballot_box as box
from benchmarks.ballots import show, votes

if TYPE_CHECKING:
    from commonweal.decide.budgets.models import Pot
    from commonweal.ground.challenges.models import Challenge

HANDS, COPIES = 16, 4
WORKERS, THREADS = 2, 8  # as many at once as there are hands
VOTERS, FEW = 40, 20
PROJECTS, CHOSEN = (
    8,
    6,
)  # so few that each is chosen often: what one to four chose would not be published
SOON, AFTER = 3.0, 2.0  # seconds of voting before and after the pot closes
LATER = 0.7
UNGUARDED = "benchmarks.unguarded:application"
UNIQUE = {  # constraints that keep a voter to one ballot, and their tables
    "envelope_holds_one_ballot": "ballots_ballot",
    "person_votes_once": "ballots_roll",
    "voting_code_votes_once": "ballots_roll",
}
Figures = dict[str, int]
SUMMED = (
    "posts", "errors", "acknowledged", "in_bundle", "twice", "mixed", "refused", "late",
)  # fmt: skip


def main() -> None:
    """Measure and print; the last line is one JSON object."""
    with box.site() as site:
        challenge = box.a_challenge()
        with site.served(workers=WORKERS, threads=THREADS):
            told = often(site, challenge, VOTERS)
            told["closing"] = at_the_close(site, challenge)
            told["closing, counted later"] = at_the_close(site, challenge, later=LATER)
        for name, figures in told.items():
            show(name, figures)
        without = without_guards(site, challenge)
    total = {name: sum(part.get(name, 0) for part in told.values()) for name in SUMMED}
    box.told_of([*missed(told), *(f"{name} saw no fault" for name, n in without.items() if not n)])
    print(json.dumps(total | without))


def missed(told: dict[str, Figures]) -> list[str]:
    """Return what should not have happened while the guards were there."""
    wrong = [
        f"{name}: {what} {figures[what]}"
        for name, figures in told.items()
        for what in ("errors", "twice", "mixed", "late")
        if figures.get(what)
    ]
    return wrong + [
        f"{name}: {figures['acknowledged'] - figures['in_bundle']} lost"
        for name, figures in told.items()
        if figures["acknowledged"] != figures["in_bundle"]
    ]


def often(site: box.Site, challenge: Challenge, voters: int) -> dict[str, Figures]:
    """Send votes from many hands: of persons and codes, the same and two choices at once."""
    return {
        "the same vote, persons": by_persons(site, challenge, voters, choices=1),
        "two choices, persons": by_persons(site, challenge, voters, choices=2),
        "the same vote, codes": by_codes(site, challenge, voters, choices=1),
        "two choices, codes": by_codes(site, challenge, voters, choices=2),
        "one code in sixteen browsers": by_codes(site, challenge, voters, browsers=HANDS),
    }


def by_persons(site: box.Site, challenge: Challenge, voters: int, *, choices: int) -> Figures:
    """Send the votes of people who are signed in."""
    pot = box.a_pot(challenge, projects=PROJECTS)
    return sent(site, pot, [[one] for one in box.browsers(challenge, voters)], choices)


def by_codes(
    site: box.Site, challenge: Challenge, voters: int, *, choices: int = 1, browsers: int = 1
) -> Figures:
    """Send the votes of voting codes, each entered in so many browsers."""
    pot = box.a_pot(challenge, projects=PROJECTS)
    return sent(site, pot, box.code_browsers(pot, voters, each=browsers), choices)


def sent(
    site: box.Site, pot: Pot, voters: Sequence[Sequence[box.Browser]], choices: int
) -> Figures:
    """Send each voter's ballot from sixteen hands, four times each; return what came of it.

    Each inner list is the browsers of one voter, of whom one ballot may be counted.
    """
    lot, projects = random.Random(4), box.numbers(pot)
    plan, allowed = [], {}
    for browsers in voters:
        mine = [sorted(lot.sample(projects, CHOSEN)) for _ in range(choices)]
        ready = [[one.vote(pot, choice) for choice in mine] for one in browsers]
        allowed |= {one.name: mine for one in browsers}
        plan += [ready[n % len(ready)][n % choices] for n in range(HANDS * COPIES)]
    answers = site.load(plan, seconds=120, hands=HANDS).wait()
    lying = in_the_box(pot, list(allowed))
    refused = sum(one.status in range(200, 500) and one.status != 302 for one in answers)
    led = sum(one.status == 302 for one in answers)
    is_single = all(len(browsers) == 1 for browsers in voters)
    return {
        "posts": len(answers),
        "errors": len(answers) - led - (0 if is_single else refused),
        "refused": refused,
        "mixed": sum(
            sorted(chosen) not in allowed[voter] for voter, each in lying.items() for chosen in each
        ),
        **box.published(pot, box.acknowledged(answers)),
    }


def in_the_box(pot: Pot, voters: Sequence[str]) -> dict[str, list[list[int]]]:
    """Return what lies in the box under each voter's envelope."""
    from commonweal.decide.ballots.models import Ballot

    names = {pot.seal(voter): voter for voter in voters}
    found: dict[str, list[list[int]]] = {voter: [] for voter in voters}
    for envelope, chosen in Ballot.objects.filter(pot=pot).values_list("envelope", "projects"):
        found[names[bytes(envelope)]].append(chosen)
    return found


def at_the_close(site: box.Site, challenge: Challenge, *, later: float = 0) -> Figures:
    """Let everybody vote while the pot closes and is counted; each is counted or refused.

    ``later`` is how many seconds it stands closed before it is counted.
    """
    from commonweal.kit.clock import database_now

    people = box.browsers(challenge, int((SOON + AFTER) * 500))
    pot = box.a_pot(challenge, closes_at=database_now() + timedelta(seconds=SOON))
    load = site.load(votes(pot, people, random.Random(4)), seconds=SOON + AFTER, hands=HANDS)
    while database_now() < pot.closes_at:
        time.sleep(0.001)
    time.sleep(later)
    box.count(pot)
    answers = load.wait()
    told = box.acknowledged(answers)
    statuses = Counter(one.status for one in answers)
    return {
        "posts": len(answers),
        "errors": sum(statuses.values()) - statuses[302] - statuses[409],
        "refused": statuses[409],
        "late": sum(one.status == 302 and one.at > pot.closes_at.timestamp() for one in answers),
        **box.looked_up(pot, told),
    }


def lost_at_the_close(site: box.Site, challenge: Challenge) -> int:
    """Return how many votes were acknowledged and lost, or 1 where the count noticed and stopped."""
    try:
        figures = at_the_close(site, challenge)
    except ValueError as noticed:  # a ballot came in between its parting and the count
        print(f"without its guard, lock: {noticed}", flush=True)
        return 1
    show("without its guard, lock", figures)
    return figures["acknowledged"] - figures["in_bundle"]


def without_guards(site: box.Site, challenge: Challenge) -> Figures:
    """Do the races again without their guards; return what went wrong then."""
    with site.served(UNGUARDED, workers=WORKERS, threads=THREADS, BENCH_WITHOUT="lock"):
        lost = lost_at_the_close(site, challenge)
    with site.served(UNGUARDED, workers=WORKERS, threads=THREADS, BENCH_WITHOUT="closing"):
        closing = at_the_close(site, challenge, later=LATER)
    for name, table in UNIQUE.items():
        box.rows(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    with site.served(UNGUARDED, workers=WORKERS, threads=THREADS, BENCH_WITHOUT="unique"):
        unique = often(site, challenge, FEW)
    for name, figures in {"closing": closing, **unique}.items():
        show(f"without its guard, {name}", figures)
    return {
        "lost_without_lock": lost,
        "late_without_closing": closing["late"],
    } | {f"twice_without_unique, {name}": each["twice"] for name, each in unique.items()}


if __name__ == "__main__":
    main()
