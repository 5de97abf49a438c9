"""Who got what: proportionality, payments, voters with nothing, spend by group, against greedy."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.certificate import as_data, certificate
from commonweal.engine.voting.comparison import gained
from commonweal.engine.voting.election import Election
from commonweal.engine.voting.greedy import BY_DEFAULT, greedy
from commonweal.engine.voting.groups import MOST_GROUPS, known_columns, spend_by_group
from commonweal.engine.voting.outcome import Outcome
from commonweal.engine.voting.proportional import left_out, satisfaction_of_each
from commonweal.engine.voting.ties import TieRule


def fairness(
    election: Election,
    outcome: Outcome,
    *,
    ties: TieRule = BY_DEFAULT,
    rival: Outcome | None = None,
) -> dict[str, Any]:
    """Say how fair an outcome is, in numbers, beside what most votes first would have been.

    Parameters
    ----------
    election : Election
        What was counted, with what is known of voters.
    outcome : Outcome
        Its result, by any rule that shares out money.
    ties : TieRule, optional
        For the greedy count it is compared with.
    rival : Outcome, optional
        That greedy count, where it has terms of its own. Default: counted here, by most votes.

    Returns
    -------
    dict
        Plain data, ready for JSON: ``ejr_plus`` (whether it holds up to one, and the ``group`` that
        breaks it), ``priceability`` (see :class:`Certificate`; None where there are no shares),
        ``funded_approvals`` (how many voters have 0, 1, 2 ... funded projects on their ballot, here
        and under greedy), ``voters_with_nothing``, ``average_pence`` (of the funded projects on a
        ballot), ``gini`` (of the same), ``spent_share``, ``groups`` (for each column: label, share
        of voters, share of spend; None where hidden) and ``against_greedy``.

    Raises
    ------
    ValueError
        If the outcome is not of this election.

    Notes
    -----
    Time O(marks log voters), memory O(voters); the certificate takes as long as counting the run
    that decided in fractions.

    References
    ----------
    As :func:`left_out` and :func:`certificate`; Gini (1912).

    Examples
    --------
    >>> from commonweal.engine.voting import Profile
    >>> profile = Profile.from_pairs(["a", "b"], [70, 60], project=list("aab"), ballot=[1, 2, 3])
    >>> found = fairness(Election(profile, 100, "approval", "", ("A", "B"), {}), greedy(profile, 100))
    >>> found["funded_approvals"]["outcome"], found["ejr_plus"]["holds"], found["gini"]
    ([1, 2], True, 0.333333)
    """
    profile = outcome.profile
    if not np.array_equal(profile.ids, election.profile.ids):
        raise ValueError("the outcome is of another election")
    names = [str(name) for name in profile.ids.tolist()]
    rival = rival or greedy(profile, outcome.budget, ties=ties)
    here, there = satisfaction_of_each(outcome), satisfaction_of_each(rival)
    more = gained(profile, outcome.funded, rival.funded)
    found = certificate(outcome)
    return {
        "ejr_plus": _ejr(outcome, names),
        "priceability": None if found is None else as_data(found, names),
        "funded_approvals": _histograms(outcome, rival),
        **_spread(here),
        "spent_share": _share(outcome.spent, outcome.budget),
        "groups": _groups(election, outcome),
        "against_greedy": {
            "selected": [names[p] for p in rival.order.tolist()],
            "only_here": [names[p] for p in np.flatnonzero(outcome.funded & ~rival.funded)],
            "only_greedy": [names[p] for p in np.flatnonzero(rival.funded & ~outcome.funded)],
            "more_funded_here": int((more < 0).sum()),
            "more_funded_by_greedy": int((more > 0).sum()),
            "as_many": int((more == 0).sum()),
            "spent_share": _share(rival.spent, outcome.budget),
            "ejr_plus_holds": left_out(rival, _measure(outcome)) is None,
            **_spread(there),
        },
    }


def _measure(outcome: Outcome) -> str:
    return "cardinality" if outcome.satisfaction == "cardinality" else "cost"


def _ejr(outcome: Outcome, names: list[str]) -> dict[str, Any]:
    measure = _measure(outcome)
    group = left_out(outcome, measure)
    return {
        "measure": measure,
        "holds": group is None,
        "group": None
        if group is None
        else {
            "project": names[group.project],
            "cost_pence": int(outcome.cost[group.project]),
            "voters": group.voters,
            "part_pence": group.part,
            "most_funded": group.most,
        },
    }


def _histograms(outcome: Outcome, rival: Outcome) -> dict[str, list[int]]:
    one, other = (
        np.bincount(satisfaction_of_each(o, "number"), minlength=1) for o in (outcome, rival)
    )
    length = max(len(one), len(other))
    return {
        "outcome": np.pad(one, (0, length - len(one))).tolist(),
        "greedy": np.pad(other, (0, length - len(other))).tolist(),
    }


def _spread(got: NDArray[np.int64]) -> dict[str, Any]:
    return {
        "voters_with_nothing": int((got == 0).sum()),
        "average_pence": round(float(got.mean()), 2) if len(got) else 0.0,
        "gini": gini(got),
    }


def gini(amounts: NDArray[np.int64]) -> float:
    """Return the Gini coefficient: 0 where all have the same, near 1 where one has everything.

    >>> gini(np.array([1, 1, 1])), gini(np.array([0, 0, 0, 4]))
    (0.0, 0.75)
    """
    n, total = len(amounts), float(amounts.sum())
    if not n or not total:
        return 0.0
    place = np.arange(1, n + 1, dtype=np.float64)
    weighted = float((place * np.sort(amounts)).sum())
    return round(2 * weighted / (n * total) - (n + 1) / n, 6)


def _groups(election: Election, outcome: Outcome) -> dict[str, list[dict[str, Any]]]:
    told = {}
    for name in known_columns(election.voters):
        groups = spend_by_group(outcome, election.voters[name], is_age=name == "age")
        if len(groups) > MOST_GROUPS:
            continue
        total = sum(float(outcome.cost[p]) for p in outcome.order.tolist() if outcome.votes[p])
        told[name] = [
            {
                "label": group.label,
                "voters": group.voters,
                "share_of_voters": _part(group.voters, outcome.voters),
                "share_of_spend": _part(group.spent, total),
            }
            for group in groups
        ]
    return told


def _part(some: float | None, whole: float) -> float | None:
    return None if some is None else _share(some, whole)


def _share(some: float, whole: float) -> float:
    return round(some / whole, 6) if whole else 0.0
