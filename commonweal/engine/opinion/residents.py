"""Margins of a population from a file, and the people of a conversation weighted to them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from commonweal.engine.opinion.model import Floats
from commonweal.engine.opinion.population import rake
from commonweal.engine.opinion.tables import OpinionError, Problems, layout_of, rows
from commonweal.engine.opinion.votes import Votes

_MARGINS = {
    "column": ("attribute", "variable", "dimension", "characteristic", "question"),
    "value": ("category", "level", "group", "answer"),
    "share": (
        "population",
        "count",
        "percent",
        "percentage",
        "proportion",
        "number",
        "weight",
        "n",
    ),
}
_LOOSE = 0.02  # as far from all as rounding leads
_PERSON = {"participant": ("participant id", "voter id", "voter", "person", "person id", "pid")}


@dataclass(frozen=True, eq=False)
class Residents:
    """The people of a conversation weighted to those who live there.

    Parameters
    ----------
    weight : float64 array, shape (people,)
        1 on average.
    effective : float
        As how many equal people they count.
    apart : float
        The largest difference that is left between a weighted share and its margin.
    unknown : dict of str to int
        For each column of the margins, how many people have none of its values. They keep in this
        way the weight they have.
    nobody : tuple of (str, str, float)
        Column, value and share of whoever lives there and takes no part at all: no weight makes up
        for them.
    odd : tuple of str
        What is odd about the margins, each as a sentence.
    """

    weight: Floats
    effective: float
    apart: float
    unknown: dict[str, int]
    nobody: tuple[tuple[str, str, float], ...]
    odd: tuple[str, ...] = ()


def read_population(margins: str | Path, people: str | Path, votes: Votes) -> Residents:
    """Weight the people of a conversation to the margins of a population.

    Parameters
    ----------
    margins : path
        A CSV file with the columns ``column``, ``value`` and ``share`` (a share, a percentage or a
        count); or one with two columns, a characteristic such as ``age`` and the share.
    people : path
        The file of votes, or one with a row for each person: with ``participant`` and the columns
        that the margins name. The last entry of a person that is not empty counts.
    votes : Votes
        Of the conversation.

    Returns
    -------
    Residents

    Raises
    ------
    OpinionError
        If a share is no number, shares come to more than all, there is no such column, or nobody has
        any of its values.

    Notes
    -----
    Capital letters and spaces around a value make no difference. Time O(rows).

    References
    ----------
    As :func:`rake`.

    Examples
    --------
    >>> read_population("no such file.csv", "", Votes.from_log([], [], []))
    Traceback (most recent call last):
    commonweal.engine.opinion.tables.OpinionError: there is no file no such file.csv; check the \
name and the folder
    """
    wanted, odd = _margins(Path(margins))
    place = Path(people)
    layout = layout_of(place, {**_PERSON, **dict.fromkeys(wanted, ())})
    problems = Problems(place.name)
    numbers = {str(name): i for i, name in enumerate(votes.people.tolist())}
    codes = {title: np.full(len(votes.people), -1, dtype=np.int64) for title in wanted}
    places = {title: {value: k for k, value in enumerate(each)} for title, each in wanted.items()}
    met: dict[str, set[str]] = {title: set() for title in wanted}
    for _line, row in rows(place, layout, problems):
        i = numbers.get(row[layout.at["participant"]].strip().removesuffix(".0"))
        i = numbers.get(row[layout.at["participant"]].strip()) if i is None else i
        for title, known in places.items():
            value = _plain(row[layout.at[title]])
            if i is not None and value:
                codes[title][i] = known.get(value, -1)
                met[title].add(value)
    problems.refuse()
    for title, code in codes.items():
        if len(code) and not (code >= 0).any():
            here = ", ".join(sorted(met[title])[:3]) or "nothing"
            raise OpinionError(
                f"nobody in {place.name} has a value of {title} that {Path(margins).name} knows: it has "
                f"{here}, and the margins have {', '.join(list(places[title])[:3])}; write them alike"
            )
    found = rake(list(codes.values()), [list(each.values()) for each in wanted.values()])
    nobody = [
        (title, value, share / sum(each.values()))
        for title, each in wanted.items()
        for k, (value, share) in enumerate(each.items())
        if share > 0 and not (codes[title] == k).any()
    ]
    unknown = {title: int((code < 0).sum()) for title, code in codes.items()}
    return Residents(found.weight, found.effective, found.apart, unknown, tuple(nobody), odd)


def _plain(cell: str) -> str:
    return " ".join(cell.split()).casefold()


def _margins(path: Path) -> tuple[dict[str, dict[str, float]], tuple[str, ...]]:
    layout = layout_of(path, {}, _MARGINS)
    alone = [title for at, title in enumerate(layout.titles) if at != layout.at.get("share")]
    if "share" not in layout.at or len(alone) != 1:
        layout = layout_of(path, _MARGINS)
    problems = Problems(path.name)
    found: dict[str, dict[str, float]] = {}
    in_100: set[str] = set()
    for line, row in rows(path, layout, problems):
        cell = {title: row[at].strip() for title, at in layout.at.items()}
        share = _number(cell["share"])
        if {"column", "value"} <= cell.keys():
            title, value = cell["column"], cell["value"]
        else:
            title, value = alone[0], row[layout.titles.index(alone[0])]
        if share is None:
            problems.add(line, f"the share is {cell['share'][:40]!r}, no number from 0 up")
        elif not title.strip() or not value.strip():
            problems.add(line, "the column or its value is empty")
        elif _plain(value) in found.setdefault(title.casefold(), {}):
            problems.add(line, f"{title} {value[:40]} is there twice")
        else:
            found[title.casefold()][_plain(value)] = share
            if cell["share"].endswith("%"):
                in_100.add(title.casefold())
    problems.refuse()
    if not found or not all(sum(each.values()) > 0 for each in found.values()):
        raise OpinionError(f"{path.name} has no share above 0; say how many live here")
    sums = {title: _sum(each, in_100=title in in_100) for title, each in found.items()}
    for title, come_to in sums.items():
        if come_to is not None and come_to > 1 + _LOOSE:
            raise OpinionError(
                f"the shares of {title} in {path.name} come to {100 * come_to:.0f} of 100; mend them, "
                "or write how many people they are"
            )
    return found, tuple(
        f"The shares of {title} in {path.name} come to {100 * come_to:.0f} of 100. They are taken as "
        "if there were nobody else."
        for title, come_to in sums.items()
        if come_to is not None and come_to < 1 - _LOOSE
    )


def _sum(shares: dict[str, float], *, in_100: bool) -> float | None:
    """Return what shares of the whole come to; nothing where they may be counts of people.

    >>> _sum({"a": 50, "b": 20}, in_100=True), _sum({"a": 0.5, "b": 0.2}, in_100=False)
    (0.7, 0.7)
    >>> _sum({"a": 50, "b": 20}, in_100=False)
    """
    if in_100:
        return sum(shares.values()) / 100
    if max(shares.values()) <= 1 and any(share % 1 for share in shares.values()):
        return sum(shares.values())
    return None


def _number(cell: str) -> float | None:
    """Read a share or a count, with a sign for per cent or commas between thousands."""
    plain = cell.removesuffix("%").strip().replace(" ", "").replace("\u00a0", "")
    if plain.count(",") == 1 and "." not in plain and len(plain.rsplit(",", 1)[1]) != 3:
        plain = plain.replace(",", ".")
    try:
        share = float(plain.replace(",", ""))
    except ValueError:
        return None
    return share if 0 <= share < 1e12 else None
