"""Counting a pot's ballots: from the box to the engine, and what is kept of the count."""

from __future__ import annotations

from base64 import b32decode
from bisect import bisect_left
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from math import ceil
from typing import Any

import numpy as np
from django.db import connection
from django.db.models import Count as HowMany
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from commonweal.decide.ballots.models import Channel, Receipt, Roll, readable
from commonweal.decide.budgets.models import WITHOUT_MARKS, BallotKind, Pot, Rule
from commonweal.decide.budgets.queries import FEWEST, projects_in, where_it_is_not_quiet
from commonweal.decide.counts.models import Bundle, Count
from commonweal.engine import voting
from commonweal.engine.voting.bundle_receipts import beside, leaf
from commonweal.engine.voting.fairness import fairness
from commonweal.engine.voting.groups import hide, hide_in_sums
from commonweal.engine.voting.limits import Limits
from commonweal.engine.voting.pabulib import Election
from commonweal.engine.voting.satisfaction import scores
from commonweal.engine.voting.whatif import EFFORT, WhatIf, what_would_win
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Community, CommunityKind
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
        chosen = {"misfit": "skip"}  # as in the other rules, what does not fit is passed over
    limits = _limits(pot)
    ties = voting.TieRule(seed=pot.lot_seed)
    return voting.Rule(name, ties=ties, limits=limits, quorum=pot.quorum or None, **chosen)


def election_of(pot: Pot, ballots: voting.Profile) -> Election:
    """Return the pot as the exchange formats have it; its ballots name nobody."""
    titles = dict(pot.projects.values_list("pk", "title"))
    return Election(
        profile=ballots,
        budget=pot.pence,
        vote_type=VOTE_TYPES[BallotKind(pot.ballot_kind)],
        currency="GBP",
        names=tuple(" ".join(titles[number].split()) for number in ballots.ids.tolist()),
        meta={"description": " ".join(pot.title.split())},
    )


def receipts_of(pot: Pot) -> list[str]:
    """Return the receipts of a sealed pot as people read them, sorted."""
    codes = Receipt.objects.filter(pot=pot).values_list("code", flat=True)
    return sorted(readable(code) for code in codes.iterator(chunk_size=20_000))


def code_of(receipt: str) -> bytes:
    """Return the bytes of a receipt that people read."""
    return b32decode(receipt.replace("-", ""))


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


# What would have been enough is found by counting again. Equal shares without terms, and most votes
# without terms, are counted again quickly for all losers at once. Other counts are made in full, some
# forty a project: so of these the nearest losers come at once, and the others one by one afterwards.
MOST_TO_EXPLAIN = 10_000
MOST_TICKS_TO_EXPLAIN = 2_000_000


def explained(
    pot: Pot,
    outcome: voting.Outcome,
    projects: Sequence[int] | None = None,
    *,
    effort: int | None = None,
) -> dict[int, WhatIf]:
    """Work out what would have been enough: for these losers, or as many as there is time for."""
    lost = losers(outcome) if projects is None else projects
    rule = rule_of(pot)
    is_quick = rule.limits is None and rule.satisfaction is None and rule.name != Rule.PHRAGMEN
    if projects is None and not is_quick:
        room = min(
            MOST_TO_EXPLAIN // max(1, len(outcome.ids) ** 2),
            MOST_TICKS_TO_EXPLAIN // max(1, len(outcome.profile.voter)),
        )
        lost = lost[:room]
    if "quorum" in outcome.detail:
        return {}
    found = what_would_win(outcome, rule, lost, effort=EFFORT if effort is None else effort)
    return {one.project: one for one in found}


def losers(outcome: voting.Outcome) -> list[int]:
    """Return the places of the projects that lost, by what they lacked."""
    lost = np.flatnonzero(~outcome.funded)
    found: list[int] = lost[np.lexsort((lost, outcome.shortfall[lost]))].tolist()
    return found


def result(
    pot: Pot, election: Election, outcome: voting.Outcome, enough: dict[int, WhatIf]
) -> dict[str, Any]:
    """Return what is kept of a count, in plain numbers.

    ``rule completion seed budget_pence spent_pence voters share_pence`` (what each ballot began
    with in the deciding run, rounded down), ``quorum`` (how many were needed, and 0 if none were);
    ``projects`` (winners as bought, then losers by what they lacked); ``ties``: ``projects chosen
    by``; ``chosen`` and ``chosen_by_votes``: under this count and under most votes first, ``mean``
    funded projects a ballot had chosen, ``nothing`` ballots with none; ``turnout``, ``fairness``.
    """
    profile, why, totals = outcome.profile, voting.reasons(outcome), _totals(pot, outcome.profile)
    plain = rule_of(pot, Rule.GREEDY).counter(pot.pence)(profile)
    effective = outcome.effective_votes
    return {
        "rule": outcome.rule,
        "completion": outcome.completion,
        "seed": pot.lot_seed,
        "budget_pence": outcome.budget,
        "spent_pence": outcome.spent,
        "voters": outcome.voters,
        "quorum": pot.quorum,
        "share_pence": int(outcome.start),
        "projects": [
            {
                **_line(why[p], funded=bool(outcome.funded[p])),
                "id": int(profile.ids[p]),
                "score": totals and totals[p],
                "behind_pence": int(outcome.behind[p]),
                "effective_votes": None if np.isnan(effective[p]) else int(effective[p]),
                **_enough(enough.get(p), settled=_is_settled(outcome, p)),
            }
            for p in [*outcome.order.tolist(), *losers(outcome)]
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
        "turnout": turnout_told(pot, outcome.voters),
        "fairness": _fairness(election, outcome, plain),
    }


def _totals(pot: Pot, profile: voting.Profile) -> list[int] | None:
    """Return the points of each project; of a place on a ballot, how many ideas stand below it."""
    measure = _WORTH.get(BallotKind(pot.ballot_kind))
    if measure is None:
        return None
    unit = HUNDREDTHS if measure == "points" else 1
    return [total // unit for total in scores(profile, measure)]


def _line(why: voting.Reason, *, funded: bool) -> dict[str, Any]:
    return {
        "votes": why.votes,
        "cost_pence": why.cost,
        "is_funded": funded,
        "why": str(why.why),
        "by": why.by,
        "payment_pence": None if why.payment is None else ceil(why.payment),
        "there_pence": why.there,
        "shortfall_pence": why.shortfall,
    }


def _is_settled(outcome: voting.Outcome, p: int) -> bool:
    """Tell whether nothing is left to work out for a project: it won, or nobody's vote was enough."""
    return bool(outcome.funded[p]) or "quorum" in outcome.detail


def _enough(found: WhatIf | None, *, settled: bool = False) -> dict[str, Any]:
    """Return what would have been enough; ``is_exact`` where full counts confirmed each amount."""
    if found is None:
        nothing = dict.fromkeys(("needed_ballots", "needed_approvals", "needed_cost_pence"))
        return {**nothing, "is_explained": settled, "is_exact": True}
    answers = (found.ballots, found.approvals, found.cost)
    known = all(a.is_confirmed or a.amount is not None for a in answers)
    return {
        "needed_ballots": found.ballots.amount,
        "needed_approvals": found.approvals.amount,
        "needed_cost_pence": found.cost.amount,
        "is_explained": known,
        "is_exact": all(a.is_confirmed for a in answers),
    }


def unexplained(pot: Pot) -> list[int]:
    """Return the projects that lost of which the result does not say yet what would have been enough."""
    known = pot.result["projects"] if pot.result else []
    return [line["id"] for line in known if not line.get("is_explained", True)]


# What one project may cost that is explained on its own: in any case its answers are settled then.
EFFORT_FOR_ONE = 120_000_000


def explanation(pot: Pot, project_id: int) -> dict[str, Any]:
    """Work out what the line of a project that lost still lacks: the same counts, once more."""
    ballots = profile(pot)
    place = ballots.ids.tolist().index(project_id)
    found = explained(pot, tally(pot, ballots), [place], effort=EFFORT_FOR_ONE)
    return {**_enough(found.get(place)), "is_explained": True}


def _chosen(profile: voting.Profile, funded: NDArray[np.bool_]) -> dict[str, float]:
    """Return how many funded projects a ballot had chosen: the mean, and how many had none."""
    marks = profile.voter[np.repeat(funded, profile.votes)]
    each = np.bincount(marks, minlength=profile.voters)
    mean = float(each.mean()) if profile.voters else 0.0
    return {"mean": round(mean, 2), "nothing": int(np.count_nonzero(each == 0))}


def _fairness(election: Election, outcome: voting.Outcome, plain: voting.Outcome) -> dict[str, Any]:
    """Return who got what, beside most votes first; names of projects are their numbers."""
    found = fairness(election, outcome, rival=plain)
    rival, group, paid = found["against_greedy"], found["ejr_plus"]["group"], found["priceability"]
    return {
        "left_out": group and {**group, "project": int(group["project"])},
        "payments_hold": paid and paid["holds"],
        "here": found["funded_approvals"]["outcome"],
        "by_votes": found["funded_approvals"]["greedy"],
        "average_pence": round(found["average_pence"]),
        "average_pence_by_votes": round(rival["average_pence"]),
        "more_here": rival["more_funded_here"],
        "more_by_votes": rival["more_funded_by_greedy"],
        "as_many": rival["as_many"],
        "only_here": [int(name) for name in rival["only_here"]],
        "only_by_votes": [int(name) for name in rival["only_greedy"]],
    }


# --- turnout

# Of each person on the roll, in which part of the place they belong: in one, though they join several.
_BY_PART = """
SELECT part, count(*) FROM (
    SELECT roll.id, min(part.id) AS part
      FROM ballots_roll roll
      JOIN places_membership m ON m.person_id = roll.person_id
      JOIN places_community c ON c.id = m.community_id
      JOIN places_community part ON part.parent_id = %(place)s AND part.kind = ANY(%(kinds)s)
       AND (part.id = c.id OR part.id = ANY(c.ancestors))
     WHERE roll.pot_id = %(pot)s
     GROUP BY roll.id) AS each
GROUP BY part
"""
PARTS = [CommunityKind.WARD.value, CommunityKind.NEIGHBOURHOOD.value]
GUEST = "guest"


def turnout_told(pot: Pot, voters: int) -> dict[str, Any]:
    """Return who took part, by channel and by part of the place; small cells are not even kept."""
    place: Community = pot.community
    ways, parts = _by_way(pot, voters), _by_part(pot)
    hidden_ways, hidden_parts = _hidden(ways, parts)
    if parts:
        rest = voters - sum(part["voters"] for part in parts)
        parts = [*parts, {"part": None, "lives": None, "voters": rest}]
    return {
        "lives": place.people_who_live_here,
        "channels": _emptied(ways, hidden_ways, ("channel",)),
        "parts": _emptied(parts, hidden_parts, ("part", "lives")),
    }


def by_channel(pot: Pot, voters: int) -> list[dict[str, Any]]:
    """Return of each way of voting that was used how many voted, None where that is hidden."""
    ways = _by_way(pot, voters)
    return _emptied(ways, _hidden(ways, [])[0], ("channel",))


def _by_way(pot: Pot, voters: int) -> list[dict[str, Any]]:
    """Return how many voted by each way, and how many of them have an account."""
    found = Roll.objects.filter(pot=pot).values("channel").order_by("channel")
    counted = found.annotate(voters=HowMany("pk"), named=HowMany("person"))
    rows: list[dict[str, Any]] = [dict(row) for row in counted]
    rest = voters - sum(row["voters"] for row in rows)
    return [*rows, {"channel": GUEST, "voters": rest, "named": 0}] if rest > 0 else rows


def _by_part(pot: Pot) -> list[dict[str, Any]]:
    """Return how many with an account voted of each part of the place; nothing if it has none."""
    with connection.cursor() as cursor:
        asked: dict[str, Any] = {"pot": pot.pk, "place": pot.community_id, "kinds": PARTS}
        cursor.execute(_BY_PART, asked)
        found = dict(cursor.fetchall())
    if not found:
        return []
    parts = Community.objects.filter(parent=pot.community_id, kind__in=PARTS).order_by("name")
    return [
        {"part": part.pk, "lives": part.people_who_live_here, "voters": found.get(part.pk, 0)}
        for part in parts
    ]


def _hidden(
    ways: list[dict[str, Any]], parts: list[dict[str, Any]]
) -> tuple[list[bool], list[bool]]:
    """Say which ways and parts, and the rest that is of no part, are not shown.

    In that rest stand all who have no account: how many they are, the ways of voting tell. So
    both tables are looked at together, as by somebody who also knows whether nobody else is in the rest.
    """
    named = sum(way["named"] for way in ways)
    elsewhere = named - sum(part["voters"] for part in parts)
    unnamed = sum(way["voters"] - way["named"] for way in ways)
    telling = min((n for n in (unnamed, elsewhere) if n > 0), default=0)
    alone = [
        hide(np.array([way["voters"] for way in ways], dtype=np.int64)),
        hide(np.array([*(part["voters"] for part in parts), telling], dtype=np.int64)),
    ]
    if not parts:
        return alone[0].tolist(), []
    # Cells: those of each way with an account, those without one, each part, and elsewhere.
    cells = [way["named"] for way in ways] + [way["voters"] - way["named"] for way in ways]
    cells += [part["voters"] for part in parts] + [elsewhere]
    each, n = np.eye(len(cells)), len(ways)
    rest = each[n : 2 * n].sum(axis=0) + each[-1]
    everybody = each[: 2 * n].sum(axis=0)
    shown = np.vstack([each[:n] + each[n : 2 * n], each[2 * n : -1], rest])
    nobody = [each[k] for k, number in enumerate(cells) if number == 0]
    known = np.vstack([everybody, each[2 * n :].sum(axis=0) - each[:n].sum(axis=0), *nobody])
    hidden = hide_in_sums(np.array(cells), known, shown, np.concatenate(alone)).tolist()
    return hidden[:n], hidden[n:]


def _emptied(
    rows: list[dict[str, Any]], hidden: list[bool], names: tuple[str, ...]
) -> list[dict[str, Any]]:
    """Keep these names of each row and its number of voters, but where that is not to be shown."""
    return [
        {**{name: row[name] for name in names}, "voters": None if is_hidden else row["voters"]}
        for row, is_hidden in zip(rows, hidden, strict=True)
    ]


# --- what is due


def due_to_count(at: datetime) -> QuerySet[Pot]:
    """Return the pots of all authorities that are closed, not counted, and wait for no paper."""
    due = Pot.objects.filter(closes_at__lte=at, counted_at__isnull=True, waits_for_paper=False)
    due = due.filter(is_draft=False, withdrawn_at__isnull=True)
    return due.order_by("closes_at", "pk")


def due_to_declare(at: datetime) -> QuerySet[Pot]:
    """Return the pots of all authorities that are counted, under no embargo, in no quiet time."""
    due = Pot.objects.filter(counted_at__isnull=False, declared_at__isnull=True)
    due = where_it_is_not_quiet(due.exclude(result_at__gt=at), at)
    return due.order_by("counted_at", "pk")


def due_to_explain(at: datetime) -> QuerySet[Pot]:
    """Return the pots counted this week of which something is still to be worked out."""
    lately = Pot.objects.filter(counted_at__gt=at - timedelta(days=7))
    return lately.filter(result__contains={"projects": [{"is_explained": False}]}).order_by("pk")


def due_to_verify() -> QuerySet[Bundle]:
    """Return the bundles that were not counted again by ourselves yet."""
    return Bundle.objects.filter(verified_at__isnull=True, pot__declared_at__isnull=False)


def due_to_tell(at: datetime) -> QuerySet[Count]:
    """Return the counts declared lately of which not everybody who voted was told."""
    lately = {"pot__declared_at__gt": at - timedelta(days=7), "pot__declared_at__lte": at}
    return Count.objects.filter(told_at__isnull=True, **lately).order_by("pk")


def due_to_sweep() -> QuerySet[Count]:
    """Return the seals after which the tables of ballots were not written anew yet."""
    return Count.objects.filter(swept_at__isnull=True)


def next_to_tell(counting: Count, most: int) -> list[Person]:
    """Return the next people on the roll, by their number, who can be written to."""
    voted = Roll.objects.filter(pot=counting.pot_id, person=OuterRef("pk"))
    return list(
        Person.objects.filter(Exists(voted), pk__gt=counting.told_to, is_active=True)
        .exclude(email__isnull=True)
        .order_by("pk")[:most]
    )


# --- for pages


def stage(pot: Pot) -> str:
    """Return how far the count of a closed pot has come."""
    if pot.waits_for_paper:
        return "paper"
    found = Count.objects.filter(pot=pot).values_list("stage", flat=True).first()
    return found or "closing"


def bundle_of(pot: Pot) -> Bundle | None:
    """Return what is published of a count, without its content."""
    return Bundle.objects.defer("content", "codes", "tree").filter(pot=pot).first()


def content_of(pot: Pot) -> bytes:
    """Return the archive of a bundle."""
    return bytes(Bundle.objects.values_list("content", flat=True).get(pot=pot))


def receipts_in_order(pot_id: int) -> QuerySet[Receipt]:
    """Return the receipts of a counted pot by their codes."""
    return Receipt.objects.filter(pot=pot_id).order_by("code")


def found_among(pot: Pot, meant: Sequence[bytes]) -> str:
    """Return which of the receipts that somebody may have meant was counted; "" if none was."""
    known = Receipt.objects.filter(pot=pot, code__in=list(meant)).values_list("code", flat=True)
    found = {bytes(code) for code in known}
    return next((readable(code) for code in meant if code in found), "")


def proof(pot: Pot, receipt: str) -> dict[str, Any]:
    """Return what proves that a receipt stands under the root that was published.

    Nothing is computed but the place: the hashes are read from where the count has put them.
    """
    root, codes = Bundle.objects.values_list("root", "codes").get(pot=pot)
    many = len(codes) // CODE

    def at(place: int) -> str:
        return readable(codes[CODE * place : CODE * (place + 1)])

    place = bisect_left(range(many), receipt, key=at)
    receipts, hashes = beside(place, many)
    path = [leaf(at(other)).hex() for other in receipts]
    return {
        "format": "commonweal-receipt-proof",
        "version": 1,
        "pot": pot.pk,
        "receipt": receipt,
        "place": place,
        "of": many,
        "path": path + _of_tree(pot, hashes),
        "root": root,
    }


CODE = 10  # bytes of a receipt


def _of_tree(pot: Pot, places: Sequence[int]) -> list[str]:
    """Return some of the hashes above a pot's receipts."""
    asked = "SELECT encode(substr(tree, n, 32), 'hex') FROM counts_bundle, unnest(%s::int[])"
    with connection.cursor() as cursor:
        cursor.execute(
            f"{asked} WITH ORDINALITY AS wanted (n, place) WHERE pot_id = %s ORDER BY place",
            [[32 * place + 1 for place in places], pot.pk],
        )
        return [row[0] for row in cursor.fetchall()]


def may_publish_ballots(pot: Pot) -> bool:
    """Tell whether the ballots without names show nobody: no idea was chosen by one to four people."""
    return pot.result is not None and shows_nobody(pot.result)


def shows_nobody(result: dict[str, Any]) -> bool:
    """Tell whether a result has no small number of voters, nor of those who chose an idea."""
    votes = [line["votes"] for line in result["projects"]]
    return result["voters"] >= FEWEST and all(n == 0 or n >= FEWEST for n in votes)


def _kept_back(pot: Pot) -> set[int]:
    """Return the projects of which no number is shown: few chose them, or a sum would tell how few.

    Where every ballot has to choose the same number of projects, all votes have a sum that everybody
    knows.
    """
    told = pot.result["projects"] if pot.result else []
    votes = np.array([line["votes"] for line in told], dtype=np.int64)
    hidden = hide(votes) if pot.fewest == pot.most else (votes > 0) & (votes < FEWEST)
    return {line["id"] for line, is_hidden in zip(told, hidden.tolist(), strict=True) if is_hidden}


def _total(line: dict[str, Any]) -> int:
    """Return what most votes first goes by: points where ballots give them, otherwise votes."""
    score = line.get("score")
    return int(line["votes"] if score is None else score)


def lines(pot: Pot) -> list[dict[str, Any]]:
    """Return each project's line of the result with the project, its place, and what may be shown."""
    assert pot.result is not None
    known = {project.pk: project for project in projects_in(pot=pot.pk)}
    totals = sorted(map(_total, pot.result["projects"]), reverse=True)
    kept_back = _kept_back(pot)
    return [
        {
            **line,
            "project": known[line["id"]],
            "place": place,
            "by_votes": totals.index(_total(line)) + 1,
            "score": line.get("score"),
            "is_small": 0 < line["votes"] < FEWEST,
            "is_kept_back": line["id"] in kept_back,
            "is_explained": line.get("is_explained", True),
            "is_exact": line.get("is_exact", True),
            "rival": known.get(int(line["by"])) if line.get("by", "").isdigit() else None,
            "share": 1.0
            if line["is_funded"]
            else max(0.0, line["there_pence"] / line["cost_pence"]),
            "behind_short_pence": line["cost_pence"] - line["behind_pence"],
        }
        for place, line in enumerate(pot.result["projects"], start=1)
    ]


def by_area(found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return for each place named on the ballot what was asked for and what is spent there."""
    areas: dict[str, dict[str, Any]] = {}
    for line in found:
        name = line["project"].where
        area = areas.setdefault(
            name.casefold(),
            {"name": name, "asked": 0, "funded": 0, "asked_pence": 0, "spent_pence": 0},
        )
        area["asked"] += 1
        area["asked_pence"] += line["cost_pence"]
        if line["is_funded"]:
            area["funded"] += 1
            area["spent_pence"] += line["cost_pence"]
    rows = sorted(areas.values(), key=lambda area: (not area["name"], -area["spent_pence"]))
    most = max((area["spent_pence"] for area in rows), default=0)
    for area in rows:
        area["share"] = area["spent_pence"] / max(1, most)
    return rows if len(rows) > 1 else []


def who_took_part(pot: Pot) -> dict[str, Any] | None:
    """Return the turnout as it was counted, with names and what a chart shows of it."""
    result = pot.result or {"voters": 0}
    told, voters = result.get("turnout"), result["voters"]
    if not told or voters < FEWEST:
        return None
    names = {**dict(Channel.choices), GUEST: _("On-line, without an account")}
    numbers = [row["part"] for row in told["parts"] if row["part"]]
    parts = Community.objects.in_bulk(numbers) if numbers else {}
    lives = told["lives"]
    return {
        "voters": voters,
        "lives": lives,
        "percent": 100 * voters / lives if lives else None,
        "channels": _drawn(told["channels"], lambda row: names[row["channel"]]),
        "parts": _drawn(
            told["parts"],
            lambda row: (
                parts[row["part"]].name if row["part"] in parts else _("Elsewhere, or not known")
            ),
        ),
    }


def turnout_rows(pot: Pot) -> dict[str, Any]:
    """Return the turnout as programs read it."""
    told = who_took_part(pot)
    if told is None:
        return {}
    numbers = [row["part"] for row in told["parts"] if row["part"]]
    slugs = dict(Community.objects.filter(pk__in=numbers).values_list("pk", "slug"))
    return {
        "people_who_live_here": told["lives"],
        "by_channel": told["channels"],
        "by_part": [
            {
                "community": slugs.get(row["part"]),
                "voters": row["voters"],
                "people_who_live_here": row["lives"],
            }
            for row in told["parts"]
        ],
    }


def _drawn(
    rows: list[dict[str, Any]], name: Callable[[dict[str, Any]], Any]
) -> list[dict[str, Any]]:
    """Add to rows of a turnout their names, the share of a bar, and how many in 100 voted."""
    most = max((row["voters"] or 0 for row in rows), default=0)
    return [
        {
            **row,
            "name": name(row),
            "share": (row["voters"] or 0) / max(1, most),
            "percent": 100 * row["voters"] / row["lives"]
            if row["voters"] is not None and row.get("lives")
            else None,
        }
        for row in rows
    ]


def ties_told(pot: Pot, found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the ties that the count met: which idea went first, by what, and which were level."""
    known = {line["id"]: line["project"] for line in found}
    return [
        {
            "chosen": known[tie["chosen"]],
            "others": [known[number] for number in tie["projects"] if number != tie["chosen"]],
            "by": tie["by"],
        }
        for tie in tie_rows(pot)
    ]


def tie_rows(pot: Pot) -> list[dict[str, Any]]:
    """Return the ties as they are kept.

    Not those between an idea whose number is shown and one whose number is not: they would tell it.
    """
    ties, kept_back = (pot.result["ties"] if pot.result else []), _kept_back(pot)
    return [tie for tie in ties if len({n in kept_back for n in tie["projects"]}) == 1]


def lots_of(pot: Pot, ties: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the ideas between which a lot decided, each with its lot, the lowest first."""
    drawn = [tie for tie in ties if tie["by"] == "lot"]
    level = {p.pk: p for tie in drawn for p in (tie["chosen"], *tie["others"])}
    lots = [
        {"project": project, "lot": sha256(f"{pot.lot_seed}:{number}".encode()).hexdigest()}
        for number, project in level.items()
    ]
    return sorted(lots, key=lambda one: str(one["lot"]))


def who_got_what(pot: Pot, found: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Return what the page says of fairness.

    Without averages and steps (``steps`` is empty) where they would tell how few chose an idea;
    nothing where next to nobody voted.
    """
    told = pot.result.get("fairness") if pot.result else None
    if not told or not pot.result or pot.result["voters"] < FEWEST:
        return None
    known = {line["id"]: line for line in found}
    group = told["left_out"]
    if group and (
        group["voters"] < FEWEST
        or known[group["project"]]["is_kept_back"]
        or known[group["project"]]["why"]
        == "excluded"  # its rival won: the terms of the pot say so
    ):
        group = None
    pairs = list(zip(told["here"], told["by_votes"], strict=True))
    most = max((max(pair) for pair in pairs), default=0)
    columns = [hide(np.array(told[name], dtype=np.int64)) for name in ("here", "by_votes")]
    return {
        **told,
        "left_out": group and {**group, "project": known[group["project"]]["project"]},
        "only_here": [known[number] for number in told["only_here"]],
        "only_by_votes": [known[number] for number in told["only_by_votes"]],
        "speaks_of_groups": pot.ballot_kind in WITHOUT_MARKS,
        "steps": [
            {
                "n": n,
                "here": None if columns[0][n] else here,
                "by_votes": None if columns[1][n] else there,
                "bar_here": 0 if columns[0][n] else here / max(1, most),
                "bar_by_votes": 0 if columns[1][n] else there / max(1, most),
            }
            for n, (here, there) in enumerate(pairs if may_publish_ballots(pot) else [])
        ],
    }


# What would tell how many people chose an idea that fewer than five did.
TELLING = (
    "votes",
    "score",
    "payment_pence",
    "effective_votes",
    "shortfall_pence",
    "needed_ballots",
    "needed_approvals",
    "needed_cost_pence",
)


def told_lines(pot: Pot) -> list[dict[str, Any]]:
    """Return the lines of a result as everybody may read them: what small numbers would tell is empty."""
    return [
        {**line, **dict.fromkeys(TELLING)} if line["is_kept_back"] else line for line in lines(pot)
    ]
