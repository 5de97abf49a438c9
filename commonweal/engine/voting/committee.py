"""Choosing several people or options by approvals, so that groups get their share, or do not."""

from fractions import Fraction

from commonweal.engine.voting.equal_shares import equal_shares
from commonweal.engine.voting.greedy import BY_DEFAULT
from commonweal.engine.voting.outcome import Outcome
from commonweal.engine.voting.profile import Profile
from commonweal.engine.voting.ranks import without_money
from commonweal.engine.voting.seats import Choice, Holdings, by_pav, by_phragmen
from commonweal.engine.voting.ties import TieRule

COMPLETIONS = ("phragmen", "sequential-pav", "none")


def approval_winners(profile: Profile, budget: int, *, ties: TieRule = BY_DEFAULT) -> Outcome:
    """Choose the options that the most ballots approve.

    Parameters
    ----------
    profile : Profile
        Ballots; a mark is an approval, whatever its value. Costs are not read.
    budget : int
        How many are chosen; fewer if fewer are approved by anybody.
    ties : TieRule, optional
        Who goes first among options with equally many approvals.

    Returns
    -------
    Outcome
        ``detail["rounds"]`` has for each choice the ``chosen`` one, its ``votes``, and who was
        ``tied`` with it.

    Raises
    ------
    ValueError
        If the number to choose is not from 1 to the number of options.

    Notes
    -----
    Time O(options log options).

    References
    ----------
    Lackner and Skowron (2023), "Multi-Winner Voting with Approval Preferences", rule 1 (AV).

    Examples
    --------
    >>> profile = Profile.from_pairs(
    ...     ["a", "b", "c"], [9, 9, 9], project=list("aaabbc"), ballot=[1, 2, 3, 1, 2, 4]
    ... )
    >>> outcome = approval_winners(profile, 2)
    >>> outcome.ids[outcome.order].tolist()
    ['a', 'b']
    """
    count = Choice(*without_money(profile, budget), ties)
    votes = count.profile.votes.tolist()
    count.choose(lambda option: -votes[option], lambda option: None)
    return count.outcome("approval", lambda price: {"votes": -int(price)})


def sequential_pav(profile: Profile, budget: int, *, ties: TieRule = BY_DEFAULT) -> Outcome:
    """Choose one by one, where a ballot counts half after one success, a third after two, and so on.

    Parameters
    ----------
    profile : Profile
        Ballots; a mark is an approval, whatever its value. Costs are not read.
    budget : int
        How many are chosen; fewer if fewer are approved by anybody.
    ties : TieRule, optional
        Who goes first among options with equal scores.

    Returns
    -------
    Outcome
        ``detail["rounds"]`` has for each choice the ``chosen`` one, its ``score`` as a fraction,
        and who was ``tied`` with it.

    Raises
    ------
    ValueError
        If the number to choose is not from 1 to the number of options.

    Notes
    -----
    Scores are whole numbers of one part in ``lcm(1, ..., budget)``, so all is exact. A score only
    falls, so most options need no second look. Time O(looks x marks of an option), memory O(marks).

    References
    ----------
    Thiele (1895); Lackner and Skowron (2023), "Multi-Winner Voting with Approval Preferences",
    rule 5 (sequential PAV).

    Examples
    --------
    >>> profile = Profile.from_pairs(
    ...     ["a", "b", "c"], [9, 9, 9], project=list("aaabbbcc"), ballot=[1, 2, 3, 1, 2, 3, 4, 5]
    ... )
    >>> outcome = sequential_pav(profile, 2, ties=TieRule(("id-text",)))
    >>> outcome.ids[outcome.order].tolist(), [r["score"] for r in outcome.detail["rounds"]]
    (['a', 'c'], ['3', '2'])
    """
    count = Choice(*without_money(profile, budget), ties)
    part = by_pav(count, [])
    return count.outcome("sequential-pav", lambda price: {"score": str(Fraction(-price, part))})


def sequential_phragmen(profile: Profile, budget: int, *, ties: TieRule = BY_DEFAULT) -> Outcome:
    """Choose one by one whose supporters can first pay for a seat, if all earn at the same pace.

    A seat costs 1. Supporters who pay for one have nothing left and begin again.

    Parameters
    ----------
    profile : Profile
        Ballots; a mark is an approval, whatever its value. Costs are not read.
    budget : int
        How many are chosen; fewer if fewer are approved by anybody.
    ties : TieRule, optional
        Who goes first among options whose supporters could pay at the same moment.

    Returns
    -------
    Outcome
        ``detail["rounds"]`` has for each choice the ``chosen`` one, the ``load`` that each of its
        supporters carries from then on, as a fraction, and who was ``tied`` with it.

    Raises
    ------
    ValueError
        If the number to choose is not from 1 to the number of options.

    Notes
    -----
    All in fractions: whoever last paid in the same round carries the same load, so there are never
    more different loads than rounds. Loads only rise, so most options need no second look. Time
    O(looks x marks of an option), memory O(marks).

    References
    ----------
    Phragmén (1894); Brill, Freeman, Janson and Lackner (2017), "Phragmén's Voting Methods and
    Justified Representation"; Lackner and Skowron (2023), rule 9.

    Examples
    --------
    >>> profile = Profile.from_pairs(
    ...     ["a", "b", "c"], [9, 9, 9], project=list("aaabbbcc"), ballot=[1, 2, 3, 1, 2, 3, 4, 5]
    ... )
    >>> outcome = sequential_phragmen(profile, 2, ties=TieRule(("id-text",)))
    >>> outcome.ids[outcome.order].tolist(), [r["load"] for r in outcome.detail["rounds"]]
    (['a', 'c'], ['1/3', '1/2'])
    """
    count = Choice(*without_money(profile, budget), ties)
    by_phragmen(count, Holdings(count.profile, Fraction(0)))
    return count.outcome("sequential-phragmen", lambda price: {"load": str(price)})


def equal_shares_committee(
    profile: Profile, budget: int, *, completion: str = "phragmen", ties: TieRule = BY_DEFAULT
) -> Outcome:
    """Choose by equal shares: each ballot has an equal part of the seats to spend.

    A seat costs 1, and each ballot, empty or not, starts with ``budget / voters``. The next option
    is the one whose supporters need to pay the least each; who has less pays all. Seats that no
    group can afford any more are filled by the completion.

    Parameters
    ----------
    profile : Profile
        Ballots; a mark is an approval, whatever its value. Costs are not read.
    budget : int
        How many are chosen; fewer if fewer are approved by anybody.
    completion : {"phragmen", "sequential-pav", "none"}
        ``phragmen``: all earn more at the same pace, and keep what they have left.
        ``sequential-pav``: by its scores, where those already chosen count. ``none``: seats stay
        empty.
    ties : TieRule, optional
        Who goes first among options that are equally good next choices.

    Returns
    -------
    Outcome
        ``by_shares`` tells those bought with the equal shares from those who filled the rest;
        ``detail["rounds"]`` has for each choice the ``chosen`` one, the ``phase``, the ``payment``
        of a supporter with enough (or what was ``earned`` more by then, or the ``score``), and who
        was ``tied`` with it (completion only; the ties of the first phase are in ``ties``).

    Raises
    ------
    ValueError
        If the number to choose is not from 1 to the number of options, or the completion is
        unknown.

    Notes
    -----
    As ``equal_shares`` with equal costs; the completion is in fractions, with one amount for all
    voters of the same history.

    References
    ----------
    Peters and Skowron (2020), "Proportionality and the Limits of Welfarism" (rule X, completed by
    Phragmén); Lackner and Skowron (2023), rule 11.

    Examples
    --------
    >>> profile = Profile.from_pairs(
    ...     ["a", "b", "c"], [9, 9, 9], project=list("aaabbbcc"), ballot=[1, 2, 3, 1, 2, 3, 4, 5]
    ... )
    >>> outcome = equal_shares_committee(profile, 2, ties=TieRule(("id-text",)))
    >>> outcome.ids[outcome.order].tolist(), outcome.by_shares.tolist()
    (['a', 'c'], [True, False, False])
    >>> [r["phase"] for r in outcome.detail["rounds"]]
    ['equal-shares', 'phragmen']
    """
    if completion not in COMPLETIONS:
        raise ValueError(f"completion must be one of {', '.join(COMPLETIONS)}, not {completion!r}")
    count = Choice(*without_money(profile, budget), ties)
    first = equal_shares(count.profile, count.seats, ties=ties)
    paid = first.payments
    start = Fraction(count.seats, max(1, profile.voters))
    holdings = Holdings(count.profile, start)
    for option in first.order.tolist():
        payment = paid[option]
        assert payment is not None
        count.take(option, payment)
        holdings.pay(option, payment)
    part = 1
    if completion == "phragmen":
        holdings.owe()
        by_phragmen(count, holdings)
    elif completion == "sequential-pav":
        part = by_pav(count, first.order.tolist())
    name = {"phragmen": "earned", "sequential-pav": "score", "none": ""}[completion]
    outcome = count.outcome(
        "equal-shares-seats",
        lambda price: {name: str(Fraction(-price, part) if name == "score" else price)},
        completion=completion,
        start=start,
        by_shares=first.funded,
        ties=first.ties,
    )
    for place, told in enumerate(outcome.detail["rounds"]):
        told["phase"] = "equal-shares" if place < len(first.order) else completion
        if place < len(first.order):
            del told[name], told["tied"]
            told["payment"] = str(paid[first.order[place]])
    return outcome
