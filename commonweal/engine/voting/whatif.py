"""What would have been enough for the projects that lost: a price, approvals, or ballots."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.outcome import Outcome
from commonweal.engine.voting.reasons import MOST_BALLOTS
from commonweal.engine.voting.recount import Recount

if TYPE_CHECKING:
    from commonweal.engine.voting.rule import Rule

Wins = Callable[[int], bool]

# How much counting one call may do to be sure, in parts of a count that are about a microsecond
# each. A number and not a clock, so that the same question gets the same answer everywhere.
EFFORT = 24_000_000
# The part of the effort within which every try is a full count.
SURELY = 12
# As much as it takes.
ALL_IT_TAKES = 2**62
# Answers that no full count confirms are found to this part of themselves.
FINE = 200
# Tries that one project needs, as a rule, for its three questions.
TRIES = 14
# Runs that a try near the end makes, as a rule.
NEAR = 4


@dataclass(frozen=True)
class Answer:
    """How much of one change would have been enough.

    ``is_confirmed`` says that full counts were made: with exactly this change the project wins,
    and with one less of it (a penny, an approval, a ballot) it loses; or, where ``amount`` is None,
    no amount of it would do. Where it is False, the amount was found by counting again near the run
    that decided, to one part in ``FINE``; and None says that it was not worked out, because the
    effort allowed did not go so far.
    """

    amount: int | None
    is_confirmed: bool


@dataclass(frozen=True)
class WhatIf:
    """What would have been enough for a project that lost, each change alone.

    ``cost`` is the price in whole pence at which it wins; ``approvals`` how many voters who did not
    approve it would have had to; ``ballots`` how many more ballots for it alone.
    """

    project: int
    cost: Answer
    approvals: Answer
    ballots: Answer


class Trials(Protocol):
    """Changes an election, counts it again, and guesses beforehand where it is worth trying."""

    def price(self, project: int, cost: int, *, fully: bool) -> bool:
        """Tell whether the project wins at this price."""

    def approved(self, project: int, more: int, *, fully: bool) -> bool:
        """Tell whether it wins when so many more voters approve it."""

    def with_more(self, project: int, ballots: int, *, fully: bool) -> bool:
        """Tell whether it wins with so many more ballots for it alone."""

    def guesses(self, project: int) -> tuple[list[int], int, int]:
        """Return prices (the highest first), a number of approvals and a number of ballots that may just be enough."""

    def effort(self) -> int:
        """Return about how many microseconds a full count takes; 0 where no other is ever made."""


def what_would_win(
    outcome: Outcome,
    rule: "Rule",
    projects: Sequence[int] | None = None,
    *,
    effort: int = EFFORT,
) -> tuple[WhatIf, ...]:
    """Find out, for projects that lost, the smallest changes that would have been enough.

    Three questions, each alone, everything else as it was:

    - the *highest lower price* at which the project wins;
    - the *fewest more approvals*: voters who did not approve it do so as well, in a fixed order.
      With equal shares, whoever had most money left in the run that decided goes first; with other
      rules, whoever got least, by the cost of the funded projects approved;
    - the *fewest more ballots* that approve this project and no other; they take their part of the
      same budget. At most ``MOST_BALLOTS`` for each ballot cast are tried.

    Each amount is enough, and one penny more, one approval or one ballot less is not. Winning need
    not go one way under add1, so another amount, further off, may happen to be enough too.

    Parameters
    ----------
    outcome : Outcome
        A count.
    rule : Rule
        The rule that it was counted by.
    projects : sequence of int, optional
        Places of losing projects. Default: all of them.
    effort : int, optional
        How much full counting is allowed, in about microseconds; 0 for none where there is another
        way. It bounds the work, whatever the clock says.

    Returns
    -------
    tuple of WhatIf
        In the order of ``projects``.

    Raises
    ------
    ValueError
        If a project won.

    Notes
    -----
    A guess, then counts on both sides of it; a guess alone is never an answer. Under equal shares the ballots stay merged and a try
    changes one row of the arrays. Without add1 a try is one run, and exact. With add1 a full count
    has hundreds of runs; where the whole would take more than ``effort``, a try begins at the start
    money that decided, steps back while the projects cost too much, and goes on while they do not.
    That is the full count, unless the changed election had already stopped at an earlier run. Those
    with most votes are tried first, as far as ``effort`` goes.

    References
    ----------
    Boehmer, Faliszewski, Janeczko, Peters, Pierczyński, Schierreich, Skowron and Szufa (2024),
    "Evaluation of Project Performance in Participatory Budgeting": cost reduction, added approvals
    ("optimist") and singleton ballots. The order of the voters who approve is ours.

    Examples
    --------
    >>> from commonweal.engine.voting import Profile, Rule
    >>> profile = Profile.from_pairs(["a", "b"], [70, 60], project=list("aab"), ballot=[1, 2, 1])
    >>> rule = Rule("greedy")
    >>> found = what_would_win(rule.counter(100)(profile), rule)[0]
    >>> found.project, found.cost.amount, found.approvals.amount, found.ballots.amount
    (1, 30, 1, 1)
    """
    lost = np.flatnonzero(~outcome.funded).tolist() if projects is None else list(projects)
    for p in lost:
        if outcome.funded[p]:
            raise ValueError(f"project {outcome.ids[p]!s} won; nothing more was needed")
    if not lost:
        return ()
    trials = trials_of(outcome, rule, lost)
    each = trials.effort()
    fully = TRIES * len(lost) * each * SURELY <= effort
    by_votes = sorted(lost, key=lambda p: (-int(outcome.votes[p]), p))
    tries = _Tries(None if fully else effort * max(1, outcome.runs) // (NEAR * max(1, each)))
    found = {p: _asked(outcome, trials, p, tries) for p in by_votes}
    return tuple(found[p] for p in lost)


@dataclass
class _Tries:
    """How many tries near the end are left; None where each try is a full count, and all are made."""

    left: int | None

    @property
    def are_full(self) -> bool:
        return self.left is None

    @property
    def fine(self) -> int:
        return 0 if self.left is None else FINE

    def of(self, wins: Callable[..., bool], project: int) -> Wins:
        """Return the question as one of a number alone, while there are tries left."""

        def asked(amount: int) -> bool:
            if self.left is not None:
                if self.left <= 0:
                    raise _NoneLeftError
                self.left -= 1
            return wins(project, amount, fully=self.left is None)

        return asked


class _NoneLeftError(Exception):
    """There has been enough trying: a guess that nobody checked is no answer."""


def trials_of(outcome: Outcome, rule: "Rule", lost: Sequence[int]) -> Trials:
    """Return the quickest way to count this election again with a change."""
    from commonweal.engine.voting.shares_again import SharesAgain, suits  # brings in the kernel

    return SharesAgain(outcome, rule, lost) if suits(rule) else Recount(outcome, rule)


def _asked(outcome: Outcome, trials: Trials, p: int, tries: _Tries) -> WhatIf:
    """Ask the three questions."""
    prices, approvals, ballots = trials.guesses(p)
    votes, cost = int(outcome.votes[p]), int(outcome.cost[p])
    others, most = outcome.voters - votes, MOST_BALLOTS * max(1, outcome.voters)
    nothing = Answer(None, True)

    def answer(search: Callable[[], int | None]) -> Answer:
        try:
            return Answer(search(), tries.are_full)
        except _NoneLeftError:
            return Answer(None, False)

    lower = approved = alone = nothing
    if votes:
        cheaper = tries.of(trials.price, p)
        lower = answer(lambda: _highest(prices, cost, cheaper, tries.fine))
    if cost <= outcome.budget:
        more, one = tries.of(trials.approved, p), tries.of(trials.with_more, p)
        approved = answer(lambda: _fewest(approvals, others, more, tries.fine))
        alone = answer(lambda: _fewest(ballots, most, one, tries.fine))
    return WhatIf(p, lower, approved, alone)


def _highest(guesses: list[int], cost: int, wins: Wins, fine: int) -> int | None:
    """Return a price that wins while one penny more loses; None if even nothing does not win."""
    if cost == 0:
        return None
    low = cost
    for guess in guesses:
        if 0 < guess < low:
            if wins(guess):
                return _edge(guess, low, 1, wins, fine)
            low = guess
    # The last that loses, going down.
    at, beyond = _between(low, -1, -1, lambda c: not wins(c), fine)
    return None if at == 0 else beyond


def _fewest(guess: int, most: int, wins: Wins, fine: int) -> int | None:
    """Return a number that wins while one less loses; None if ``most`` does not win."""
    if most <= 0:
        return None
    guess = min(max(guess, 1), most)
    if wins(guess):
        return _edge(guess, 0, -1, wins, fine)
    at, beyond = _between(guess, most + 1, 1, lambda k: not wins(k), fine)
    return None if at == most else beyond


def _edge(here: int, end: int, way: int, holds: Wins, fine: int) -> int:
    return _between(here, end, way, holds, fine)[0]


def _between(here: int, end: int, way: int, holds: Wins, fine: int) -> tuple[int, int]:
    """Go from ``here``, where it holds, towards ``end``, where it does not.

    Returns the last that holds and the first that does not; where ``fine`` is above 0, they may lie
    that part (one over ``fine``) of themselves apart. Steps grow eightfold and are then halved, so
    that a near edge is found with one try.
    """

    def grain() -> int:
        return max(1, here // fine) if fine else 1

    step, beyond = grain(), end
    while abs(end - here) > 1:
        there = here + way * min(step, abs(end - here) - 1)
        if not holds(there):
            beyond = there
            break
        here, step = there, 8 * step
    while abs(beyond - here) > grain() and beyond != end:
        middle = (here + beyond) // 2
        if holds(middle):
            here = middle
        else:
            beyond = middle
    return here, beyond


def approvers(outcome: Outcome, project: int) -> NDArray[np.int64]:
    """Return the ballots without this project, those first who got least for their approvals.

    Parameters
    ----------
    outcome : Outcome
        A count.
    project : int
        Place of the project.

    Returns
    -------
    int64 array
        Ballot numbers: by the cost of the funded projects on the ballot, then by number.

    Raises
    ------
    Nothing.

    Notes
    -----
    Time O(marks + voters log voters).

    References
    ----------
    None; the order is ours.

    Examples
    --------
    >>> from commonweal.engine.voting import Profile, greedy
    >>> profile = Profile.from_pairs(["a", "b"], [70, 60], project=list("aab"), ballot=[1, 2, 2])
    >>> approvers(greedy(profile, 100), 1).tolist()
    [0]
    """
    from commonweal.engine.voting.recount import line_for

    return line_for(outcome, project)
