"""Counting a pot's ballots: from the box to the engine, and what is kept of the count."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil
from typing import Any

import numpy as np
from django.db.models import QuerySet
from numpy.typing import NDArray

from commonweal.decide.budgets.models import BallotKind, Pot, Rule
from commonweal.decide.budgets.queries import FEWEST, projects_in
from commonweal.engine import voting
from commonweal.engine.voting.limits import Limits
from commonweal.kit.copy import copy_out

# --- for the engine

HUNDREDTHS = 100  # the engine reads points and scores in hundredths


def profile(pot: Pot) -> voting.Profile:
    """Return the pot's projects and what each ballot says of them, as the engine reads it."""
    costs = pot.projects.order_by("pk").values_list("pk", "cost_pence")
    ids, cost = np.array(list(costs), dtype=np.int64).reshape(-1, 2).T
    rows = copy_out(
        "SELECT project, id, mark::bigint"
        " FROM ballots_ballot, unnest(projects, marks) AS said (project, mark) WHERE pot_id = %s",
        [pot.pk],
        columns=3,
    )
    return voting.Profile.from_pairs(
        ids,
        cost,
        project=rows[:, 0],
        ballot=rows[:, 1],
        voters=pot.ballots.count(),
        value=_values(pot, rows[:, 2]),
    )


def _values(pot: Pot, marks: NDArray[np.int64]) -> NDArray[np.int64] | None:
    if pot.ballot_kind in (BallotKind.POINTS, BallotKind.SCORES):
        return marks * HUNDREDTHS
    return marks if pot.ballot_kind == BallotKind.RANKED else None


# What each kind of ballot is called in the exchange formats, and what a mark on it is worth.
VOTE_TYPES = {
    BallotKind.APPROVAL: "approval",
    BallotKind.CHOOSE_ONE: "choose-1",
    BallotKind.BASKET: "approval",
    BallotKind.RANKED: "ordinal",
    BallotKind.POINTS: "cumulative",
    BallotKind.SCORES: "scoring",
}
_WORTH = {
    BallotKind.RANKED: "borda-all",
    BallotKind.POINTS: "points",
    BallotKind.SCORES: "points",
}


def rule_of(pot: Pot, name: str = "") -> voting.Rule:
    """Return the pot's rule with every choice that belongs to it, or another rule on its terms."""
    name = name or pot.rule
    worth = _WORTH.get(BallotKind(pot.ballot_kind))
    chosen: dict[str, Any] = {"satisfaction": worth} if worth else {}
    if name == Rule.EQUAL_SHARES:
        chosen["completion"] = "add1-greedy"
    elif name == Rule.GREEDY and worth:
        chosen["measure"] = "score"
    elif name == Rule.PHRAGMEN:
        chosen = {}
    limits = _limits(pot)
    ties = voting.TieRule(seed=pot.lot_seed)
    return voting.Rule(name, ties=ties, limits=limits, **chosen)


def _limits(pot: Pot) -> Limits | None:
    """Return which projects exclude each other, where some do."""
    groups: dict[str, list[str]] = {}
    for number, name in pot.projects.order_by("pk").values_list("pk", "exclusive"):
        if name:
            groups.setdefault(name, []).append(str(number))
    exclusive = tuple(tuple(group) for group in groups.values() if len(group) > 1)
    return Limits(exclusive=exclusive) if exclusive else None


def tally(pot: Pot, profile: voting.Profile) -> voting.Outcome:
    """Count ballots by the pot's own rule."""
    return rule_of(pot).counter(pot.pence)(profile)


# To say what would have been enough takes some forty counts for each project that lost, and a
# count grows with the square of the projects. So the nearest losers are explained within the count,
# a few seconds in all, and the others one by one after it.
MOST_TO_EXPLAIN = 10_000
MOST_TICKS_TO_EXPLAIN = 5_000_000


def result(pot: Pot, profile: voting.Profile, outcome: voting.Outcome) -> dict[str, Any]:
    """Return what is kept of a count, in plain numbers.

    ``rule completion seed budget_pence spent_pence voters share_pence`` (what each ballot began
    with in the deciding run, rounded down), ``projects`` (winners as bought, then losers by what
    they lacked): ``id votes cost_pence is_funded why payment_pence`` (rounded up)
    ``behind_pence there_pence shortfall_pence needed_ballots needed_cost_pence is_explained`` (the
    two before it are worked out, where there is anything to work out); ``ties``:
    ``projects chosen by``; ``chosen`` and ``chosen_by_votes``: under this count and under most
    votes first, ``mean`` funded projects a ballot had chosen, ``nothing`` ballots with none.
    """
    losers = np.flatnonzero(~outcome.funded)
    by_want = losers[np.lexsort((losers, outcome.shortfall[losers]))]
    explained = min(
        MOST_TO_EXPLAIN // max(1, len(profile.ids) ** 2),
        MOST_TICKS_TO_EXPLAIN // max(1, len(profile.voter)),
    )
    near = set(by_want[:explained].tolist())
    why = voting.reasons(outcome)
    plain = rule_of(pot, Rule.GREEDY).counter(pot.pence)(profile)
    return {
        "rule": outcome.rule,
        "completion": outcome.completion,
        "seed": pot.lot_seed,
        "budget_pence": outcome.budget,
        "spent_pence": outcome.spent,
        "voters": outcome.voters,
        "share_pence": int(outcome.start),
        "projects": [
            _line(pot, profile, outcome, why[p], p, p in near)
            for p in [*outcome.order.tolist(), *by_want.tolist()]
        ],
        "ties": [
            {
                "projects": profile.ids[list(t.projects)].tolist(),
                "chosen": int(profile.ids[t.chosen]),
                "by": t.by,
            }
            for t in outcome.ties
        ],
        "chosen": _chosen(profile, outcome.funded),
        "chosen_by_votes": _chosen(profile, plain.funded),
    }


def _line(
    pot: Pot,
    profile: voting.Profile,
    outcome: voting.Outcome,
    why: voting.Reason,
    p: int,
    explains: bool,
) -> dict[str, Any]:
    enough = _enough(pot, profile, outcome, p) if explains else voting.Needed(None, None)
    return {
        "id": int(profile.ids[p]),
        "votes": why.votes,
        "cost_pence": why.cost,
        "is_funded": bool(outcome.funded[p]),
        "why": str(why.why),
        "payment_pence": None if why.payment is None else ceil(why.payment),
        "behind_pence": int(outcome.behind[p]),
        "there_pence": why.there,
        "shortfall_pence": why.shortfall,
        "needed_ballots": enough.ballots,
        "needed_cost_pence": enough.cost,
        "is_explained": explains or bool(outcome.funded[p]),
    }


def _enough(pot: Pot, profile: voting.Profile, outcome: voting.Outcome, p: int) -> voting.Needed:
    return voting.needed(profile, p, outcome, lambda changed: tally(pot, changed))


def unexplained(pot: Pot) -> list[int]:
    """Return the projects that lost of which the result does not say yet what would have been enough."""
    known = pot.result["projects"] if pot.result else []
    return [line["id"] for line in known if not line.get("is_explained", True)]


def explanation(pot: Pot, project_id: int) -> dict[str, Any]:
    """Work out what the line of a project that lost still lacks: the same counts, once more."""
    ballots = profile(pot)
    place = ballots.ids.tolist().index(project_id)
    enough = _enough(pot, ballots, tally(pot, ballots), place)
    return {
        "needed_ballots": enough.ballots,
        "needed_cost_pence": enough.cost,
        "is_explained": True,
    }


def _chosen(profile: voting.Profile, funded: NDArray[np.bool_]) -> dict[str, float]:
    """Return how many funded projects a ballot had chosen: the mean, and how many had none."""
    marks = profile.voter[np.repeat(funded, profile.votes)]
    each = np.bincount(marks, minlength=profile.voters)
    mean = float(each.mean()) if profile.voters else 0.0
    return {"mean": round(mean, 2), "nothing": int(np.count_nonzero(each == 0))}


def due_to_count(at: datetime) -> QuerySet[Pot]:
    """Return the pots of all authorities that are closed, not counted, and wait for no paper."""
    due = Pot.objects.filter(closes_at__lte=at, counted_at__isnull=True, waits_for_paper=False)
    return due.order_by("closes_at", "pk")


def due_to_declare(at: datetime) -> QuerySet[Pot]:
    """Return the pots of all authorities that are counted and whose embargo has ended."""
    due = Pot.objects.filter(counted_at__isnull=False, declared_at__isnull=True)
    return due.exclude(result_at__gt=at).order_by("counted_at", "pk")


def due_to_explain(at: datetime) -> QuerySet[Pot]:
    """Return the pots counted this week of which something is still to be worked out."""
    lately = Pot.objects.filter(counted_at__gt=at - timedelta(days=7))
    return lately.filter(result__contains={"projects": [{"is_explained": False}]}).order_by("pk")


# --- for pages


def may_publish_ballots(pot: Pot) -> bool:
    """Tell whether the ballots without names show nobody: no idea was chosen by one to four people."""
    if pot.result is None:
        return False
    votes = [line["votes"] for line in pot.result["projects"]]
    return pot.result["voters"] >= FEWEST and all(n == 0 or n >= FEWEST for n in votes)


def lines(pot: Pot) -> list[dict[str, Any]]:
    """Return each project's line of the result with the project, its place, and what may be shown."""
    assert pot.result is not None
    known = {project.pk: project for project in projects_in(pot=pot.pk)}
    votes = sorted((line["votes"] for line in pot.result["projects"]), reverse=True)
    return [
        {
            **line,
            "project": known[line["id"]],
            "place": place,
            "by_votes": votes.index(line["votes"]) + 1,
            "is_small": 0 < line["votes"] < FEWEST,
            "is_explained": line.get("is_explained", True),
            "share": 1.0
            if line["is_funded"]
            else max(0.0, line["there_pence"] / line["cost_pence"]),
            "behind_short_pence": line["cost_pence"] - line["behind_pence"],
        }
        for place, line in enumerate(pot.result["projects"], start=1)
    ]
