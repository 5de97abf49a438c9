"""Working a map out, never in a request, and keeping what pages show of it."""

from __future__ import annotations

import json
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from commonweal.engine import opinion
from commonweal.engine.opinion import landscape, lists
from commonweal.engine.opinion.overview import LARGE
from commonweal.engine.opinion.renewed import Kept, kept, renewed
from commonweal.listen.conversations.models import Conversation
from commonweal.listen.maps import queries
from commonweal.listen.maps.models import Finding, Map
from commonweal.listen.maps.queries import FEWEST, About, Chart, Floats, Judged
from commonweal.listen.voices.actions import keep_routing

SEED = 0
ANEW = timedelta(days=1)  # after so long, or with so many new votes, a large map is worked out anew
GROWN = 0.05
OVERLAP = timedelta(seconds=60)  # a vote may be stored a little later than its moment
MOST_KEPT = 2
WIDTH, HEIGHT = 360, 215
LEAST_TO_WEIGH = 50  # people who said something of themselves
DISAGREE, PASS, AGREE = 0, 1, 2


def refresh_map(*, conversation_id: int, at: datetime) -> bool:
    """Work a conversation's map out anew where it is due; tell whether that was done.

    Two workers do not disturb each other: whoever comes second leaves it to the first.
    """
    with queries.held(conversation_id) as ours:
        if not ours:
            return False
        conversation = Conversation.objects.get(pk=conversation_id)
        before = Map.objects.filter(conversation=conversation_id).first()
        why = queries.reason_to_draw(conversation, before, at)
        if not why:
            return False
        began = time.thread_time()
        work = _worked_out(conversation, before, why, at)
        drawn = _drawn(work, None if why == "final" else before)
        spent = round(1000 * (time.thread_time() - began))
        _keep(conversation, work, drawn, is_final=why == "final", at=at, milliseconds=spent)
    return True


@dataclass(frozen=True, eq=False)
class _Work:
    """A map as the engine has it, and who its people are."""

    state: Kept
    people: NDArray[np.int64]
    shown: list[int]
    rejected: list[int]
    judged: Judged
    until: datetime
    read_at: datetime
    abouts: list[About] | None  # nothing: as they were

    @property
    def found(self) -> opinion.Overview:
        return self.state.found


# --- working it out

_kept: OrderedDict[int, tuple[datetime, Kept]] = OrderedDict()  # of large maps, in this process
_lock = Lock()


def forget_kept() -> None:
    """Forget what this process keeps of large maps, as if it had just begun."""
    with _lock:
        _kept.clear()


def _worked_out(conversation: Conversation, before: Map | None, why: str, at: datetime) -> _Work:
    until = before.until_at if before is not None and why == "lists" else at
    asked = _Asked(
        conversation, *queries.states(conversation.pk), queries.judged(conversation), until
    )
    if before is not None and why != "final" and before.votes > LARGE:
        with _lock:
            made_at, state = _kept.get(conversation.pk, (None, None))
        if state is not None and made_at == before.made_at and at - before.read_at < ANEW:
            later = _followed(asked, before, state)
            if later is not None:
                return later
    return _anew(asked, why, at)


@dataclass(frozen=True, eq=False)
class _Asked:
    """Of what a map is to be worked out."""

    conversation: Conversation
    shown: list[int]
    rejected: list[int]
    judged: Judged
    until: datetime


def _followed(asked: _Asked, before: Map, state: Kept) -> _Work | None:
    """Bring a large map up to date with those who voted since; nothing where that is not enough."""
    if asked.judged.aside != before.told.get("aside", []):
        return None
    newer = queries.log_of_those_since(
        asked.conversation.pk, since=before.until_at - OVERLAP, until=asked.until
    ).without(asked.judged.aside)
    if len(newer) > GROWN * len(state.found.votes):
        return None
    fresh, chance = newer.votes(asked.shown)
    later = renewed(state, fresh, chance, rejected=asked.rejected)
    people = later.found.votes.people
    return _Work(
        later, people, asked.shown, asked.rejected, asked.judged, asked.until, before.read_at, None
    )


def _anew(asked: _Asked, why: str, at: datetime) -> _Work:
    """Work the map out from all votes. The last one depends on them alone, not on who came when."""
    conversation = asked.conversation
    whole = queries.log(conversation.pk, until=asked.until).without(asked.judged.aside)
    if why == "final" or len(whole) <= LARGE:
        whole, people = whole.among_equals()
    else:
        people = np.unique(whole.person)
    votes, chance = whole.votes(asked.shown)
    found = opinion.overview(
        votes,
        np.random.default_rng(SEED),
        rejected=asked.rejected,
        shown=chance if len(votes) else None,
    )
    if found.groups.count > 1 and not found.model.dimensions:
        # groups are there, though one line more told hidden votes hardly better: draw them along it
        found = replace(found, model=opinion.fit(votes, dimensions=1, sweeps=15))
    state, abouts = kept(found, chance), queries.abouts(conversation, people)
    return _Work(state, people, asked.shown, asked.rejected, asked.judged, asked.until, at, abouts)


# --- what is told of it


@dataclass(frozen=True, eq=False)
class _Drawn:
    """What is kept of a map."""

    told: dict[str, Any]
    chart: Chart | None
    findings: list[dict[str, Any]]


def _drawn(work: _Work, before: Map | None) -> _Drawn:
    """Put a map into the words, numbers and lines that pages show."""
    found = work.found
    if len(found.votes.people) < FEWEST:
        empty = [_finding(pk, [[0] * 6], []) for pk in work.shown]
        return _Drawn({}, None, empty)
    old = queries.chart_of(before) if before is not None else None
    order = _letters(work.state, old)
    view = _seen(work.state, order, old)
    chart = Chart(
        opinion.Bearings.of(found.model, found.votes.statements),
        view.onto,
        view.box,
        found.mixture.rate[:, order],
        found.mixture.share[order],
    )
    letter = {g: place for place, g in enumerate(order)}
    weights = _weights(work)
    told: dict[str, Any] = {
        "sizes": _sizes(view.member),
        "lists": _lists(work, letter),
        "drawing": view.drawing,
        "ends": _ends(work),
        "losses": [round(loss, 5) for loss in found.groups.losses],
        "weighted": None,
        "who": [],
        "aside": work.judged.aside,
        "hangs": work.judged.hangs,
    }
    if work.abouts is not None:
        told["who"] = [_who(about) for about in work.abouts]
        told["weighted"] = weights.told if weights else None
        if weights:
            told["weighted"]["drawing"] = _seen(
                work.state, order, old, weights.weight, view
            ).drawing
            told["weighted"]["lists"] = _weighted_lists(work, weights, letter)
    elif before is not None:
        told["who"], told["weighted"] = before.told.get("who", []), before.told.get("weighted")
    return _Drawn(told, chart, _findings(work, order, weights))


def _letters(state: Kept, old: Chart | None) -> list[int]:
    """Say which group is A, B ...: as it was on the map before, and the larger first."""
    count = state.found.member.shape[1]
    if old is None or old.rate.shape[1] < 2 or count < 2:
        return list(range(count))
    names, here, there = np.intersect1d(
        state.found.votes.statements, old.bearings.names, return_indices=True
    )
    if not len(names):
        return list(range(count))
    apart = np.abs(state.found.mixture.rate[here][:, :, None] - old.rate[there][:, None, :]).mean(
        axis=0
    )
    order: dict[int, int] = {}
    for at in np.argsort(apart, axis=None, kind="stable").tolist():
        group, place = divmod(at, apart.shape[1])
        if group not in order.values() and place not in order and place < count:
            order[place] = group
    left = iter(g for g in range(count) if g not in order.values())
    return [order[place] if place in order else next(left) for place in range(count)]


@dataclass(frozen=True, eq=False)
class _View:
    """A map as it is drawn."""

    onto: Floats
    box: Floats  # left, bottom, scale, height
    drawing: dict[str, Any]
    member: Floats


def _seen(
    state: Kept,
    order: list[int],
    old: Chart | None,
    weight: Floats | None = None,
    same: _View | None = None,
) -> _View:
    """Draw where people stand, turned as it was before, or as another drawing of the same votes is."""
    found = state.found
    member = found.member[:, order]
    model = found.model
    plane = landscape.plane(model, member)
    if same is not None:
        plane = landscape.Plane(same.onto)
    elif old is not None and old.onto.shape[1] == plane.axes:
        plane = landscape.Plane(_turned(found, plane, old))
    if not plane.axes:
        return _View(plane.onto, np.zeros(4), {"kind": "none"}, member)
    places = plane.places(model.positions)
    unsure = landscape.variances(model, plane)
    shape = (landscape.COLUMNS, landscape.ROWS) if plane.axes == 2 else (120, 1)
    ground = landscape.landscape(places, unsure, weight=weight, shape=shape)
    width = float(ground.across[-1] - ground.across[0])
    scale = WIDTH / width
    bottom = float(ground.up[0]) if plane.axes == 2 else 0.0
    box = np.array([ground.across[0], bottom, scale, HEIGHT])
    draw = _hills if plane.axes == 2 else _line
    return _View(plane.onto, box, draw(ground, box, places, unsure, member), member)


def _turned(found: opinion.Overview, plane: landscape.Plane, old: Chart) -> Floats:
    """Turn the plane as it lay when it was drawn last: nobody's place jumps from map to map."""
    _names, here, there = np.intersect1d(
        found.votes.statements, old.bearings.names, return_indices=True
    )
    before = old.bearings.first[there, 2:]
    if not len(here) or before.shape[1] != old.onto.shape[0]:
        return plane.onto
    return landscape.turned(plane.onto, found.model.directions[here], before @ old.onto)


def _hills(
    ground: landscape.Landscape, box: Floats, places: Floats, unsure: Floats, member: Floats
) -> dict[str, Any]:
    left, bottom, scale, height = box.tolist()

    def path(line: Floats) -> str:
        across = np.clip((line[:-1, 0] - left) * scale, -6, WIDTH + 6)
        down = np.clip(height - (line[:-1, 1] - bottom) * scale, -6, HEIGHT + 6)
        points = [f"{x:.0f} {y:.0f}" for x, y in zip(across, down, strict=True)]
        kept = [p for p, last in zip(points, [None, *points], strict=False) if p != last]
        return f"M{'L'.join(kept)}Z"

    hills = ["".join(map(path, lines)) for lines in landscape.outlines(ground)]
    rings = []
    for g in range(member.shape[1] if member.shape[1] > 1 else 0):
        if member[:, g].sum() < FEWEST:
            continue
        middle, radii, turn = landscape.ring(places, unsure, member[:, g])
        rings.append(
            {
                "group": g,
                "x": round((float(middle[0]) - left) * scale, 1),
                "y": round(height - (float(middle[1]) - bottom) * scale, 1),
                "rx": round(float(radii[0]) * scale, 1),
                "ry": round(float(radii[1]) * scale, 1),
                "turn": round(-float(np.degrees(turn)), 1),
            }
        )
    return {"kind": "plane", "hills": [hill for hill in hills if hill], "rings": rings}


def _line(
    ground: landscape.Landscape, box: Floats, places: Floats, unsure: Floats, member: Floats
) -> dict[str, Any]:
    left, _bottom, scale, _height = box.tolist()
    floor, top = 170.0, 140.0
    rings = [
        {
            "group": g,
            "x": round((float(member[:, g] @ places[:, 0] / member[:, g].sum()) - left) * scale, 1),
        }
        for g in range(member.shape[1] if member.shape[1] > 1 else 0)
        if member[:, g].sum() >= FEWEST
    ]
    if not ground.levels:
        return {"kind": "line", "hills": [], "rings": rings}
    drawn = np.where(ground.height >= landscape.LEAST, ground.height, 0.0)
    x = (ground.across - left) * scale
    y = floor - top * drawn / drawn.max()
    points = "L".join(f"{a:.0f} {b:.0f}" for a, b in zip(x, y, strict=True))
    return {
        "kind": "line",
        "hills": [f"M0 {floor:.0f}L{points}L{WIDTH} {floor:.0f}Z"],
        "rings": rings,
    }


def _sizes(member: Floats) -> list[dict[str, Any]]:
    """Return how many people each group has, with a range, and how clearly they belong there."""
    count = member.sum(axis=0)
    error = 1.645 * np.sqrt((member * (1 - member)).sum(axis=0))
    likeliest = member.argmax(axis=1)
    whole = _whole(count)
    secret = queries.hidden(whole)
    sizes = []
    for g in range(member.shape[1]):
        own = member[likeliest == g]
        sure = float(own[:, g].mean()) if len(own) else 0.0
        beside = np.delete(own.mean(axis=0), g) if len(own) else np.zeros(0)
        near = (
            int(np.delete(np.arange(member.shape[1]), g)[beside.argmax()]) if beside.size else None
        )
        sizes.append(
            {
                "people": None if secret[g] else whole[g],
                "low": None if secret[g] else max(0, round(float(count[g] - error[g]))),
                "high": None if secret[g] else min(len(member), round(float(count[g] + error[g]))),
                "sure": round(sure, 3),
                "near": near,
            }
        )
    return sizes


def _whole(count: Floats) -> list[int]:
    """Round so that the sum stays: the largest remainders go up."""
    whole = np.floor(count)
    missing = round(float((count - whole).sum()))
    whole[np.argsort(whole - count, kind="stable")[:missing]] += 1
    return [int(n) for n in whole]


def _lists(work: _Work, letter: dict[int, int]) -> dict[str, Any]:
    found, names = work.found, work.found.votes.statements
    common, dividing = found.common_ground, found.dividing
    if lists.MOST in (len(common), len(dividing)):  # there may be more
        allowed, every = _allowed(work), len(names)
        common = lists.common_ground(found.by_group, allowed, most=2 * every)
        dividing = lists.dividing_lines(found.by_group, allowed, most=every)
    short = found.short_list
    chosen = [pk for pk in names[short.statements].tolist() if pk not in set(work.rejected)]
    unsure = names[[s.statement for s in found.unsure]].tolist()
    return {
        "common_ground": _entries(common[: lists.MOST], names, letter),
        "common_in_all": len(common),
        "dividing": _entries(dividing[: lists.MOST], names, letter),
        "dividing_in_all": len(dividing),
        "group_statements": _entries(found.group_statements, names, letter),
        "uncertain": unsure,
        "short_list": chosen,
        "short_list_proportional": short.proportional,
        "short_list_reached": [round(share, 4) for share in short.reached],
    }


def _allowed(work: _Work) -> NDArray[np.bool_]:
    voted: NDArray[np.bool_] = work.state.overall[:, 4, 0] > 0.5
    return voted & ~np.isin(work.found.votes.statements, work.rejected)


def _entries(
    listed: Sequence[opinion.Listed], names: NDArray[Any], letter: dict[int, int]
) -> list[dict[str, Any]]:
    return [
        {
            "statement": int(names[entry.statement]),
            "side": entry.side,
            "estimate": round(entry.estimate, 4),
            "low": round(entry.low, 4),
            "high": round(entry.high, 4),
            "votes": round(entry.votes),
            "group": None if entry.group is None else letter[entry.group],
        }
        for entry in listed
    ]


def _ends(work: _Work) -> list[dict[str, Any]]:
    """Return what the two ends of the line say, where there are no groups but people differ."""
    found = work.found
    if found.groups.count > 1:
        return []
    told = work.state.overall[:, 4, 0]
    allowed = _allowed(work)
    usual = float(np.median(told[allowed])) if allowed.any() else 0.0
    allowed &= told >= max(FEWEST, min(30.0, usual))
    return [
        {
            "statement": int(found.votes.statements[j]),
            "one": round(one, 3),
            "other": round(other, 3),
        }
        for j, one, other in landscape.ends(found.model, allowed)
    ]


# --- who took part, and weights


def _who(about: About) -> dict[str, Any]:
    """Return how many people said what of themselves; small numbers are left out."""
    secret = queries.hidden(about.counts)
    answered = sum(about.counts)
    choices = zip(about.choices, about.counts, secret, about.residents_in_1000, strict=True)
    return {
        "detail": about.detail,
        "answered": answered if answered >= FEWEST else None,
        "choices": [
            {
                "choice": choice,
                "people": None if small else count,
                "in_1000": None if small or not answered else round(1000 * count / answered),
                "residents_in_1000": residents,
            }
            for choice, count, small, residents in choices
        ],
    }


@dataclass(frozen=True, eq=False)
class _Weights:
    """How much everybody counts, so that people look like those who live here."""

    weight: Floats
    told: dict[str, Any]
    overall: opinion.Shares
    known: NDArray[np.bool_]  # statements of which enough of each kind of people have voted


def _weights(work: _Work) -> _Weights | None:
    """Weight people to those who live here; nothing where too few said who they are.

    A detail counts if it is known how many who live here would choose each answer, and five people
    or more have chosen each.
    """
    used = [about for about in work.abouts or () if _can_weigh(about)]
    if not used:
        return None
    votes = work.found.votes
    margins = [np.array(about.residents_in_1000, dtype=np.float64) for about in used]
    raked = opinion.rake([about.code for about in used], margins)
    overall = opinion.shares(votes, weight=raked.weight, shown=work.state.shown)
    known = np.ones(len(votes.statements), dtype=np.bool_)
    for about in used:
        # with two kinds of people, weighted and plain shares together would tell what each kind said
        width = len(about.choices)
        cell = about.code[votes.person]
        there = cell >= 0
        count = np.bincount(
            votes.statement[there].astype(np.int64) * width + cell[there],
            minlength=width * len(votes.statements),
        ).reshape(-1, width)
        known &= (count >= FEWEST).all(axis=1)
    told = {
        "effective": round(raked.effective),
        "people": len(votes.people),
        "details": [about.detail for about in used],
    }
    return _Weights(raked.weight, told, overall, known)


def _can_weigh(about: About) -> bool:
    residents, counts = about.residents_in_1000, about.counts
    return (
        len(counts) > 1
        and all(share for share in residents)
        and min(counts) >= FEWEST
        and sum(counts) >= LEAST_TO_WEIGH
    )


def _weighted_lists(work: _Work, weights: _Weights, letter: dict[int, int]) -> dict[str, Any]:
    found = work.found
    names, allowed = found.votes.statements, _allowed(work) & weights.known
    split = weights.overall
    if found.groups.count > 1:
        split = opinion.shares(
            found.votes, found.mixture, weight=weights.weight, shown=work.state.shown
        )
    return {
        "common_ground": _entries(lists.common_ground(split, allowed), names, letter),
        "dividing": _entries(lists.dividing_lines(split, allowed), names, letter),
    }


# --- each statement


def _findings(work: _Work, order: list[int], weights: _Weights | None) -> list[dict[str, Any]]:
    found = work.found
    whole, split = found.overall, found.by_group
    groups = order if found.groups.count > 1 else []
    stands = set(work.shown)
    rows = []
    for j, pk in enumerate(found.votes.statements.tolist()):
        if pk in stands:
            parts = [(whole, 0), *((split, g) for g in groups)]
            weighted = _weighted(weights, j)
            rows.append(_finding(pk, [_shares(s, j, g) for s, g in parts], weighted))
    return rows


def _shares(shares: opinion.Shares, j: int, g: int) -> list[int]:
    estimate = shares.estimate[j, :, g]
    numbers = (estimate[AGREE], shares.low[j, AGREE, g], shares.high[j, AGREE, g], estimate[DISAGREE], estimate[PASS])  # fmt: skip
    return [round(float(shares.votes[j, g])), *(round(1000 * float(n)) for n in numbers)]


def _weighted(weights: _Weights | None, j: int) -> list[int]:
    if weights is None or not weights.known[j]:
        return []
    return _shares(weights.overall, j, 0)[1:4]


COLUMNS = ("votes", "agree", "low", "high", "disagree", "passed")


def _finding(pk: int, told: list[list[int]], weighted: list[int]) -> dict[str, Any]:
    """Return a row of findings; what fewer than five said is empty."""
    votes = [part[0] for part in told]
    secret = [n < FEWEST for n in votes[:1]] + queries.hidden(votes[1:])
    silent = [not n for n in votes]
    rows = [
        [None] * 6 if secret[0] or hide or nobody else part
        for part, hide, nobody in zip(told, secret, silent, strict=True)
    ]
    columns = {name: [row[k] for row in rows] for k, name in enumerate(COLUMNS)}
    return {"statement_id": pk, "weighted": [] if secret[0] else weighted, **columns}


# --- keeping it


@transaction.atomic
def _keep(
    conversation: Conversation,
    work: _Work,
    drawn: _Drawn,
    *,
    is_final: bool,
    at: datetime,
    milliseconds: int,
) -> None:
    """Store a map in the place of the one before it, and what routes showings from now on."""
    found = work.found
    groups = found.groups
    values = {
        "made_at": at,
        "until_at": work.until,
        "read_at": work.read_at,
        "is_final": is_final,
        "people": len(found.votes.people),
        "statements": len(work.shown),
        "votes": len(found.votes),
        "dimensions": found.model.dimensions,
        "groups": groups.count,
        "is_clear": groups.clear,
        "stability_in_1000": None if groups.stability is None else round(1000 * groups.stability),
        "milliseconds": milliseconds,
        "told": drawn.told,
        "arrays": drawn.chart.packed() if drawn.chart else b"",
    }
    Map.objects.update_or_create(conversation=conversation, defaults=values)
    bearings = opinion.Bearings.of(found.model, found.votes.statements)
    keep_routing(conversation=conversation, bearings=bearings.packed(), at=at)
    _keep_findings(conversation.pk, drawn.findings)
    if is_final:
        # nobody can join answers and people any more
        Conversation.objects.filter(pk=conversation.pk).update(key=None)
    if len(found.votes) > LARGE and not is_final:
        transaction.on_commit(lambda: _remember(conversation.pk, at, work.state))


def _remember(conversation_id: int, at: datetime, state: Kept) -> None:
    with _lock:
        _kept[conversation_id] = at, state
        _kept.move_to_end(conversation_id)
        while len(_kept) > MOST_KEPT:
            _kept.popitem(last=False)


_WRITE = """
INSERT INTO maps_finding (statement_id, shown, votes, agree, low, high, disagree, passed, weighted)
SELECT statement_id, coalesce(shown, 0), votes, agree, low, high, disagree, passed, weighted
  FROM jsonb_to_recordset(%s) AS told (statement_id bigint, shown bigint, votes int[],
       agree smallint[], low smallint[], high smallint[], disagree smallint[], passed smallint[],
       weighted smallint[])
    ON CONFLICT (statement_id) DO UPDATE SET shown = excluded.shown, votes = excluded.votes,
       agree = excluded.agree, low = excluded.low, high = excluded.high,
       disagree = excluded.disagree, passed = excluded.passed, weighted = excluded.weighted
 WHERE (maps_finding.shown, maps_finding.votes, maps_finding.agree, maps_finding.low,
        maps_finding.high, maps_finding.disagree, maps_finding.passed, maps_finding.weighted)
       IS DISTINCT FROM (excluded.shown, excluded.votes, excluded.agree, excluded.low,
        excluded.high, excluded.disagree, excluded.passed, excluded.weighted)"""

_COUNT = """
UPDATE conversations_statement SET votes = coalesce(finding.votes[1], 0) FROM maps_finding finding
 WHERE finding.statement_id = conversations_statement.id AND conversation_id = %s
   AND conversations_statement.votes <> coalesce(finding.votes[1], 0)"""


def _keep_findings(conversation_id: int, findings: list[dict[str, Any]]) -> None:
    """Write what was found on each statement, where it is not what stands there."""
    shown = queries.times_shown(conversation_id)
    for row in findings:
        row["shown"] = shown.get(row["statement_id"], 0)
    with connection.cursor() as cursor:
        cursor.execute(_WRITE, [json.dumps(findings)])
        cursor.execute(_COUNT, [conversation_id])
    kept_now = [row["statement_id"] for row in findings]
    Finding.objects.filter(statement__conversation=conversation_id).exclude(
        statement__in=kept_now
    ).delete()
