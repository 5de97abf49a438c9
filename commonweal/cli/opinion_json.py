"""What ``commonweal opinion`` says of a map, as JSON."""

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from commonweal.engine.opinion import Clique, Hangs, Listed, Overview, Shares, Similar
    from commonweal.engine.opinion.residents import Residents
    from commonweal.engine.opinion.votes import Votes


@dataclass(frozen=True)
class Told:
    """A map with everything that is said beside it."""

    found: "Overview"
    texts: dict[str, str]
    silent: tuple[str, ...]
    residents: "Residents | None"
    cliques: "tuple[Clique, ...]"
    hangs: "tuple[Hangs, ...]"


def as_json(told: Told) -> Iterator[str]:
    """Yield the map as JSON but for its last brace, people some thousand at a time: there may be a million."""
    import numpy as np  # only a command that computes needs it

    found, texts = told.found, told.texts
    votes, groups = found.votes, found.groups

    def listed(entries: "Iterable[Listed]") -> list[dict[str, Any]]:
        return [_entry(found, texts, entry) for entry in entries]

    chosen = found.short_list
    head: dict[str, Any] = {
        "people": len(votes.people),
        "statements": len(votes.statements),
        "votes": len(votes),
        "dimensions": found.model.dimensions,
        "groups": {
            "count": groups.count,
            "sizes": found.sizes.tolist(),
            "stability": _round(groups.stability),
            "stability_halves": _round(groups.halves),
            "clear": bool(groups.clear),
            "losses": [_round(loss) for loss in groups.losses],
            "loss_without_groups": _round(groups.without),
            "worked_out_on_people": groups.people,
        },
        "hidden_votes_loss": [_round(loss) for loss in found.choice.losses],
        "effective_people": None if told.residents is None else _round(told.residents.effective),
        "population": _population(told.residents),
        "common_ground": listed(found.common_ground),
        "dividing": listed(found.dividing),
        "group_statements": listed(found.group_statements),
        "uncertain": listed(found.unsure),
        "short_list": [_overall(found, texts, j) for j in chosen.statements.tolist()],
        "short_list_proportional": chosen.proportional,
        "short_list_reached": [_round(share) for share in chosen.reached],
        "by_statement": [_overall(found, texts, j) for j in range(len(votes.statements))],
        "statements_without_votes": list(told.silent),
        "guards": guards_as_json(votes, told.cliques, told.hangs),
    }
    yield json.dumps(head, allow_nan=False)[:-1]
    for name, table in (("membership", found.member), ("positions", found.model.positions)):
        yield f', "{name}": {{'
        for begin in range(0, len(votes.people), 10_000):
            part = slice(begin, begin + 10_000)
            people = [json.dumps(str(person)) for person in votes.people[part].tolist()]
            rows = np.round(table[part], 4).tolist()
            lines = ", ".join(f"{p}: {row}" for p, row in zip(people, rows, strict=True))
            yield (", " if begin else "") + lines
        yield "}"


def guards_as_json(
    votes: "Votes", cliques: "Iterable[Clique]", hangs: "Iterable[Hangs]"
) -> dict[str, Any]:
    """Return who was raised, and how each headline stands without them."""
    return {
        "cliques": [
            {
                "kind": clique.kind,
                "people": [votes.people[i].item() for i in clique.people],
                "votes": clique.votes,
                "common": _round(clique.common),
                "alike": _round(clique.alike),
                "expected": _round(clique.expected),
                "chance": float(f"{clique.chance:.3g}"),
                "begun": clique.begun,
                "ended": clique.ended,
            }
            for clique in cliques
        ],
        "headlines": [
            {
                "headline": each.headline,
                "statement": votes.statements[each.statement].item(),
                "without": "all" if each.clique < 0 else each.clique,
                "estimate": _round(each.estimate),
                "low": _round(each.low),
                "high": _round(each.high),
                "stands": each.stands,
            }
            for each in hangs
        ],
    }


def similar_as_json(
    votes: "Votes", pairs: "Iterable[Similar]", texts: dict[str, str]
) -> list[dict[str, Any]]:
    """Return the pairs of similar statements."""
    names = votes.statements.tolist()
    return [
        {
            "statements": [names[pair.first], names[pair.second]],
            "texts": [texts.get(str(names[j]), "") for j in (pair.first, pair.second)],
            "likeness": _round(pair.likeness),
            "voters": pair.voters,
            "same": _round(pair.same),
            "merge": pair.merge,
        }
        for pair in pairs
    ]


def _population(residents: "Residents | None") -> dict[str, Any] | None:
    if residents is None:
        return None
    return {
        "effective_people": _round(residents.effective),
        "left_apart": _round(residents.apart),
        "unknown": residents.unknown,
        "nobody": [
            {"column": column, "value": value, "share": _round(share)}
            for column, value, share in residents.nobody
        ],
    }


def _round(number: float | None) -> float | None:
    if number is None or not math.isfinite(number):
        return None
    return round(float(number), 6)


def _count(votes: float) -> float | int:
    """Return whole votes as whole numbers; weighted ones need not be."""
    return int(votes) if float(votes).is_integer() else round(float(votes), 6)


def _entry(found: "Overview", texts: dict[str, str], entry: "Listed") -> dict[str, Any]:
    name = found.votes.statements[entry.statement].item()
    told: dict[str, Any] = {
        "statement": name,
        "side": entry.side,
        "estimate": _round(entry.estimate),
        "low": _round(entry.low),
        "high": _round(entry.high),
        "votes": _count(entry.votes),
    }
    if entry.group is not None:
        told["group"] = entry.group
    if texts.get(str(name)):
        told["text"] = texts[str(name)]
    return told


def _overall(found: "Overview", texts: dict[str, str], j: int) -> dict[str, Any]:
    """Tell how many agree with a statement, overall and by group."""
    name = found.votes.statements[j].item()
    told: dict[str, Any] = {"statement": name, **_shares(found.overall, j, 0)}
    if found.groups.count > 1:
        told["by_group"] = [_shares(found.by_group, j, g) for g in range(found.groups.count)]
    if texts.get(str(name)):
        told["text"] = texts[str(name)]
    return told


def _shares(shares: "Shares", j: int, g: int) -> dict[str, Any]:
    agree = 2
    return {
        "estimate": _round(shares.estimate[j, agree, g]),
        "low": _round(shares.low[j, agree, g]),
        "high": _round(shares.high[j, agree, g]),
        "votes": _count(shares.votes[j, g]),
        "effective_votes": _round(shares.effective[j, g]),
        "disagree": _round(shares.estimate[j, 0, g]),
        "pass": _round(shares.estimate[j, 1, g]),
    }
