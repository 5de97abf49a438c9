"""Counting votes of an earlier pot, or made-up ones, by every rule that can read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from math import ceil
from typing import Any

import numpy as np
from django.db.models import Func, IntegerField, QuerySet, Sum
from numpy.typing import NDArray

from commonweal.decide.ballots.models import Ballot
from commonweal.decide.budgets.models import WITHOUT_MARKS, BallotKind, Pot, Rule
from commonweal.decide.budgets.queries import CARD, FEWEST, as_cards, pots_led
from commonweal.decide.counts.queries import HUNDREDTHS, profile, rule_of
from commonweal.decide.rehearsals.models import Rehearsal
from commonweal.engine.voting import Profile
from commonweal.engine.voting.synthesise import synthesise
from commonweal.ground.places.rules import Viewer

MADE_UP = "made-up"
VOTERS = 1_000  # who are made up
IDEAS = 12  # that are made up where the pot has too few of its own
ENOUGH_IDEAS = 3
QUICK_MARKS = 10_000  # up to so many are compared at once, in well under a second; more take a job


# --- whose votes


def past_pots(viewer: Viewer, pot: Pot) -> QuerySet[Pot]:
    """Return the counted pots this viewer ran with whose votes rules may be compared, the newest first.

    Where one to four people voted, what a rule would have done could tell what they chose.
    """
    counted = pots_led(viewer).filter(declared_at__isnull=False, result__voters__gte=FEWEST)
    return counted.exclude(pk=pot.pk).order_by("-closes_at", "-pk")


def nearest(pot: Pot, past: list[Pot]) -> Pot | None:
    """Return the earlier pot whose votes are most like those to come: copied, of its kind and place."""
    signs = (
        lambda one: one.pk == pot.copied_from_id,
        lambda one: (one.ballot_kind, one.community_id) == (pot.ballot_kind, pot.community_id),
        lambda one: one.ballot_kind == pot.ballot_kind,
        lambda one: one.community_id == pot.community_id,
        lambda one: True,
    )
    return next((one for like in signs for one in past if like(one)), None)


def is_quick(past: Pot | None) -> bool:
    """Tell whether the comparison takes so little time that nobody needs to wait for a job."""
    if past is None:
        return True
    marks = Func("projects", function="cardinality", output_field=IntegerField())
    total = Ballot.objects.filter(pot=past).aggregate(n=Sum(marks))["n"] or 0
    return bool(total <= QUICK_MARKS)


# --- what each rule makes of them


def compared(pot: Pot, past: Pot | None) -> dict[str, Any]:
    """Return what each rule would do, in plain numbers.

    ``kind voters pence menu`` (``own`` ideas of a pot, or ``made-up``), ``ideas``: ``title
    cost_pence funded`` (names of rules); ``rules``: ``name funded spent_pence mean some`` (how many
    funded ideas a ballot had chosen, and how many ballots had at least one; None where small
    numbers would tell). The quorum is left out: it is about how many vote, not how they are counted.
    """
    asked = past or pot
    ideas, ballots = _of(past) if past is not None else _made_up(pot)
    names = [name for name in Rule if name != Rule.PHRAGMEN or asked.ballot_kind in WITHOUT_MARKS]
    funded: dict[str, NDArray[np.bool_]] = {}
    rules = []
    for name in names:
        outcome = replace(rule_of(asked, name), quorum=None).counter(asked.pence)(ballots)
        funded[name.value] = outcome.funded
        rules.append(
            {"name": name.value, "spent_pence": outcome.spent, **_who_got(outcome.funded, ballots)}
        )
    return {
        "kind": asked.ballot_kind,
        "voters": ballots.voters,
        "pence": asked.pence,
        "menu": "own" if past is not None or pot.projects.count() >= ENOUGH_IDEAS else MADE_UP,
        "ideas": [
            {
                "title": title,
                "cost_pence": int(cost),
                "funded": [name for name, won in funded.items() if won[place]],
            }
            for place, (title, cost) in enumerate(zip(ideas, ballots.cost, strict=True))
        ],
        "rules": rules,
    }


def _who_got(funded: NDArray[np.bool_], ballots: Profile) -> dict[str, Any]:
    marks = ballots.voter[np.repeat(funded, ballots.votes)]
    each = np.bincount(marks, minlength=ballots.voters)
    some = int(np.count_nonzero(each))
    is_small = 0 < min(some, ballots.voters - some) < FEWEST
    return {
        "funded": int(funded.sum()),
        "mean": round(float(each.mean()), 2),
        "some": None if is_small else some,
    }


def _of(past: Pot) -> tuple[list[str], Profile]:
    titles = past.projects.order_by("pk").values_list("title", flat=True)
    return list(titles), profile(past)


def _made_up(pot: Pot) -> tuple[list[str], Profile]:
    """Make votes up for the pot's own ideas, or for made-up ones where it has too few of them.

    The word for its lots is the seed: asked twice, they are the same votes.
    """
    seed = int.from_bytes(sha256(f"{pot.lot_seed}:rehearsal".encode()).digest()[:8])
    rng = np.random.Generator(np.random.PCG64(seed))
    own = list(pot.projects.order_by("pk").values_list("pk", "title", "cost_pence"))
    if len(own) >= ENOUGH_IDEAS:
        ids, titles, costs = (list(column) for column in zip(*own, strict=True))
        return titles, made_up_votes(rng, pot, ids, costs)
    drawn = synthesise(rng, voters=1, projects=IDEAS, length=1)
    pence = [max(1, int(cost) * pot.pence // drawn.budget) for cost in drawn.profile.cost.tolist()]
    dear = [min(cost, pot.pence) for cost in pence]
    return [""] * IDEAS, made_up_votes(rng, pot, list(range(1, IDEAS + 1)), dear)


def made_up_votes(rng: np.random.Generator, pot: Pot, ids: list[int], costs: list[int]) -> Profile:
    """Make up ballots of the pot's kind: most choose what is near and known, and each a few ideas."""
    length = _length(pot, len(ids))
    drawn = synthesise(rng, voters=VOTERS, projects=len(ids), length=length).profile
    project = np.repeat(np.arange(len(ids)), drawn.votes)
    lot = rng.bit_generator.random_raw(len(project))
    order = np.lexsort((lot, drawn.voter))  # each ballot's marks together, in an order by lot
    project, voter = project[order], drawn.voter[order]
    place = np.tile(np.arange(length), VOTERS)
    cost = np.array(costs, dtype=np.int64)
    value = _values(pot, place, length)
    if pot.ballot_kind == BallotKind.BASKET:
        together = cost[project].reshape(VOTERS, length).cumsum(axis=1)
        fits = (together <= pot.pence).ravel()
        project, voter = project[fits], voter[fits]
    return Profile.from_indices(ids, cost, project=project, voter=voter, voters=VOTERS, value=value)


def _length(pot: Pot, ideas: int) -> int:
    """Return how many ideas a made-up ballot marks: about a third, as far as the pot lets it."""
    most = min(pot.most or ideas, ideas)
    if pot.ballot_kind == BallotKind.POINTS:
        most = min(most, pot.points)
    return max(1, min(most, max(pot.fewest, min(5, ceil(ideas / 3)))))


def _values(pot: Pot, place: NDArray[np.int64], length: int) -> NDArray[np.int64] | None:
    if pot.ballot_kind == BallotKind.RANKED:
        return place + 1
    if pot.ballot_kind == BallotKind.SCORES:
        return np.maximum(pot.top_score - place, 1) * HUNDREDTHS
    if pot.ballot_kind == BallotKind.POINTS:
        return (pot.points // length + np.where(place == 0, pot.points % length, 0)) * HUNDREDTHS
    return None


# --- for the page


def panel(viewer: Viewer, pot: Pot) -> Mapping[str, Any] | None:
    """Return the comparison that was asked for, and with whose votes one can be asked for."""
    asked = Rehearsal.objects.select_related("past").filter(pot=pot).first()
    past = list(as_cards(past_pots(viewer, pot)).only(*CARD, "ballot_kind")[:12])
    chosen = nearest(pot, past) if asked is None else asked.past
    return {
        "rehearsal": asked,
        "past_pots": past,
        "chosen": None if chosen is None else chosen.pk,
        "told": None if asked is None or asked.result is None else _told(asked.result),
    }


def _told(result: dict[str, Any]) -> dict[str, Any]:
    """Return a comparison as the page shows it: a column for each rule, and in what they differ."""
    labels = dict(Rule.choices)
    rules = [
        {
            **rule,
            "label": labels[rule["name"]],
            "left_pence": result["pence"] - rule["spent_pence"],
            "percent": None
            if rule["some"] is None
            else round(100 * rule["some"] / result["voters"]),
        }
        for rule in result["rules"]
    ]
    ideas = [
        {**idea, "number": number, "won": [rule["name"] in idea["funded"] for rule in rules]}
        for number, idea in enumerate(result["ideas"], start=1)
    ]
    differ = [idea for idea in ideas if 0 < len(idea["funded"]) < len(rules)]
    return {
        **result,
        "kind": BallotKind(result["kind"]).label,
        "has_marks": result["kind"] not in WITHOUT_MARKS,
        "rules": rules,
        "ideas": ideas,
        "differ": len(differ),
        "all_fit": sum(idea["cost_pence"] for idea in ideas) <= result["pence"],
    }
