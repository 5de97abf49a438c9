"""Quadratic voting and cumulative scoring: the highest total first, within the budget."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.greedy import BY_DEFAULT, MISFITS, spend
from commonweal.engine.voting.limits import Limits, pay_must
from commonweal.engine.voting.outcome import Outcome
from commonweal.engine.voting.profile import Profile, whole_budget
from commonweal.engine.voting.roots import Roots, root_levels, root_sum, root_text
from commonweal.engine.voting.satisfaction import scores
from commonweal.engine.voting.ties import TieRule

GIVEN = ("votes", "credits")
MOST_GIVEN = 2**40  # the square-free part of a number this large is quickly found
UNIT = 100  # a profile holds points in hundredths


def quadratic(
    profile: Profile,
    budget: int,
    *,
    given: str = "votes",
    credits: int | None = None,
    unit: int = UNIT,
    misfit: str = "skip",
    ties: TieRule = BY_DEFAULT,
    limits: Limits | None = None,
) -> Outcome:
    """Quadratic voting: ``n`` votes for a project cost a voter ``n * n`` credits.

    The projects with the most votes are funded first. A negative number is a vote against. A
    project whose votes add up to nothing or less is never funded.

    Parameters
    ----------
    profile : Profile
        Ballots with a value at each mark.
    budget : int
        Whole pence, above 0.
    given : {"votes", "credits"}
        What the ballots say: votes as they count, or credits, whose square roots count as votes.
    credits : int, optional
        Whole credits that a ballot may spend. Default: no check.
    unit : int
        How many of ``value`` make one vote or one credit: 100, since profiles hold hundredths.
    misfit : {"skip", "stop"}
        As in ``greedy``.
    ties : TieRule, optional
        Who goes first among projects with exactly equal votes.
    limits : Limits, optional
        Must-fund projects, exclusive projects, caps and a minimum of ballots that mark the project.

    Returns
    -------
    Outcome
        ``detail["totals"]`` has each project's votes, as text rounded down to a millionth, and
        ``detail["credits_spent"]`` those of all ballots together.

    Raises
    ------
    ValueError
        If ballots carry no values, a ballot spends more than it may, or a name is unknown.

    Notes
    -----
    Time O(marks log marks). Sums of square roots are compared exactly: with square-free numbers
    under the roots two sums are equal only if they are equal term by term, and sums that differ are
    told apart by integer roots with enough digits.

    References
    ----------
    Lalley and Weyl (2018), "Quadratic Voting: How Mechanism Design Can Radicalize Democracy";
    Besicovitch (1940), "On the linear independence of fractional powers of integers".

    Examples
    --------
    Nine credits on a give three votes, four and four on b and c give two each: four for b.

    >>> profile = Profile.from_pairs(
    ...     ["a", "b"], [60, 60], project=["a", "b", "b"], ballot=[1, 2, 3], value=[900, 400, 400]
    ... )
    >>> outcome = quadratic(profile, 100, given="credits", credits=9)
    >>> outcome.ids[outcome.order].tolist(), outcome.detail["totals"]
    (['b'], {'a': '3.000000', 'b': '4.000000'})
    """
    pence = whole_budget(budget)
    if given not in GIVEN:
        raise ValueError(f"given must be votes or credits, not {given!r}")
    value = _values(profile)
    if given == "votes":
        spent = _per_ballot(profile, value, power=2)
        square = unit * unit
        sums: list[Roots] = [
            {1: total} if (total := sum(part.tolist())) else {}
            for part in _by_project(profile, value)
        ]
    else:
        spent, square = _per_ballot(profile, np.abs(value), power=1), unit
        sums = [root_sum(part) for part in _by_project(profile, value)]
    if credits is not None:
        _refuse_more(spent, credits * square, f"spends more than the {credits} credits it has")
    below = square if given == "credits" else unit * unit
    return _highest_first(
        "quadratic",
        profile,
        pence,
        root_levels(sums),
        misfit,
        ties,
        limits,
        {
            "given": given,
            "credits": credits,
            "credits_spent": _decimal(sum(spent.tolist()), square),
            "totals": {
                str(name): root_text(roots, below)
                for name, roots in zip(profile.ids.tolist(), sums, strict=True)
            },
        },
    )


def cumulative(
    profile: Profile,
    budget: int,
    *,
    points: int | None = None,
    most_each: int | None = None,
    least_projects: int = 0,
    unit: int = UNIT,
    misfit: str = "skip",
    ties: TieRule = BY_DEFAULT,
    limits: Limits | None = None,
) -> Outcome:
    """Cumulative voting: each ballot spreads its points, and the most points are funded first.

    A project without points is never funded.

    Parameters
    ----------
    profile : Profile
        Ballots with points at each mark.
    budget : int
        Whole pence, above 0.
    points : int, optional
        Whole points that a ballot may give in all. Default: no check.
    most_each : int, optional
        Whole points that a ballot may give to one project. Default: no check.
    least_projects : int
        On how many projects, at least, a ballot that is not empty must spread its points.
    unit : int
        How many of ``value`` make one point: 100, since profiles hold hundredths.
    misfit : {"skip", "stop"}
        As in ``greedy``.
    ties : TieRule, optional
        Who goes first among projects with equal points.
    limits : Limits, optional
        Must-fund projects, exclusive projects, caps and a minimum of ballots that mark the project.

    Returns
    -------
    Outcome
        ``detail["totals"]`` has each project's points as exact text.

    Raises
    ------
    ValueError
        If ballots carry no points, one breaks the terms of the ballot, or a name is unknown.

    Notes
    -----
    Time O(marks + projects log projects).

    References
    ----------
    Skowron, Slinko, Szufa and Talmon (2020), "Participatory Budgeting with Cumulative Votes",
    where this is the simple rule that theirs improves on.

    Examples
    --------
    >>> profile = Profile.from_pairs(
    ...     ["a", "b"], [60, 60], project=["a", "b", "b"], ballot=[1, 1, 2], value=[700, 300, 500]
    ... )
    >>> outcome = cumulative(profile, 100, points=10)
    >>> outcome.ids[outcome.order].tolist(), outcome.detail["totals"]
    (['b'], {'a': '7', 'b': '8'})
    """
    pence = whole_budget(budget)
    value = _values(profile)
    totals = scores(profile, "points")
    if points is not None:
        spent = _per_ballot(profile, value, power=1)
        _refuse_more(spent, points * unit, f"gives more than the {points} points it has")
    if most_each is not None and (value > most_each * unit).any():
        ballot = int(profile.voter[value > most_each * unit].min())
        raise ValueError(
            f"ballot {ballot} gives one project more than {most_each} points; correct it, or count "
            "without that limit"
        )
    length = np.bincount(profile.voter[value > 0], minlength=profile.voters)
    marked = np.bincount(profile.voter, minlength=profile.voters) > 0
    if (few := marked & (length < least_projects)).any():
        raise ValueError(
            f"ballot {few.argmax()} gives points to fewer than {least_projects} projects; correct "
            "it, or count without that limit"
        )
    levels = [total if total > 0 else None for total in totals]
    told = {
        "points": points,
        "totals": {
            str(name): _decimal(total, unit)
            for name, total in zip(profile.ids.tolist(), totals, strict=True)
        },
    }
    return _highest_first("cumulative", profile, pence, levels, misfit, ties, limits, told)


def _highest_first(
    rule: str,
    profile: Profile,
    pence: int,
    levels: list[int | None],
    misfit: str,
    ties: TieRule,
    limits: Limits | None,
    told: dict[str, Any],
) -> Outcome:
    if misfit not in MISFITS:
        raise ValueError(f"misfit must be one of {', '.join(MISFITS)}, not {misfit!r}")
    must, money, room = pay_must(profile, pence, limits)
    few = limits.too_few(profile) if limits else np.zeros(len(levels), dtype=bool)
    below = [p for p in np.flatnonzero(few).tolist() if levels[p] is not None and p not in must]
    standing = [None if few[p] else level for p, level in enumerate(levels)]
    filled = spend(profile, money, standing, ties, taken=must, room=room, misfit=misfit)
    return Outcome(
        rule=rule,
        profile=profile,
        budget=pence,
        order=np.array(must + filled.order, dtype=np.int64),
        at_turn=filled.left,
        ties=filled.ties,
        detail={
            **told,
            "misfit": misfit,
            "below_threshold": [str(profile.ids[p]) for p in below],
            **filled.told(profile, must),
        },
    )


# --- ballots


def _values(profile: Profile) -> NDArray[np.int64]:
    if profile.value is None:
        raise ValueError(
            "this rule needs ballots that give numbers, and these are approvals; count them with "
            "greedy"
        )
    return profile.value


def _per_ballot(profile: Profile, value: NDArray[np.int64], power: int) -> NDArray[np.int64]:
    """Add up ``value ** power`` on each ballot."""
    most = max((abs(int(n)) for n in (value.min(), value.max())), default=0) if value.size else 0
    if most > MOST_GIVEN or most**power * len(profile.ids) >= 2**63:
        raise ValueError(f"a ballot gives {most}, more than can be added up exactly; check it")
    total = np.zeros(profile.voters, dtype=np.int64)
    np.add.at(total, profile.voter, value**power)
    return total


def _by_project(profile: Profile, value: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    return np.split(value, profile.start[1:-1])[: len(profile.ids)]


def _refuse_more(spent: NDArray[np.int64], most: int, what: str) -> None:
    over = spent > most
    if over.any():
        raise ValueError(
            f"ballot {over.argmax()} (counted from 0) {what}, as do {np.count_nonzero(over) - 1} "
            "more; correct them, or count without that limit"
        )


def _decimal(amount: int, unit: int) -> str:
    """Write an amount of ``1 / unit`` exactly, unit a power of ten."""
    whole, rest = divmod(abs(amount), unit)
    places = len(str(unit)) - 1
    sign = "-" if amount < 0 else ""
    return f"{sign}{whole}.{rest:0{places}}".rstrip("0").rstrip(".") if places else f"{amount}"
