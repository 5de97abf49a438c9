"""Margins of a population from a file, and the people of a conversation weighted to them."""

from pathlib import Path

import numpy as np

from commonweal.engine.opinion.population import Raked, rake
from commonweal.engine.opinion.tables import OpinionError, Problems, layout_of, rows
from commonweal.engine.opinion.votes import Votes

_MARGINS = {
    "column": ("attribute", "variable"),
    "value": ("category", "level"),
    "share": ("population", "count"),
}
_PERSON = {"participant": ("voter-id", "voter_id", "person")}


def read_population(margins: str | Path, people: str | Path, votes: Votes) -> Raked:
    """Weight the people of a conversation to the margins of a population.

    Parameters
    ----------
    margins : path
        A CSV file with the columns ``column``, ``value`` and ``share`` (or a count).
    people : path
        The file of votes, with those columns; the last entry of a person counts.
    votes : Votes
        What is in that file.

    Returns
    -------
    Raked

    Raises
    ------
    OpinionError
        If a share is no number, or the file of votes has no such column.

    Notes
    -----
    Time O(rows).

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
    wanted = _margins(Path(margins))
    place = Path(people)
    layout = layout_of(place, {**_PERSON, **dict.fromkeys(wanted, ())})
    problems = Problems(place.name)
    numbers = {str(name): i for i, name in enumerate(votes.people.tolist())}
    codes = {title: np.full(len(votes.people), -1, dtype=np.int64) for title in wanted}
    places = {title: {value: k for k, value in enumerate(each)} for title, each in wanted.items()}
    for _line, row in rows(place, layout, problems):
        i = numbers.get(row[layout.at["participant"]].strip())
        for title, known in places.items():
            if i is not None:
                codes[title][i] = known.get(row[layout.at[title]].strip().casefold(), -1)
    problems.refuse()
    return rake(list(codes.values()), [list(each.values()) for each in wanted.values()])


def _margins(path: Path) -> dict[str, dict[str, float]]:
    layout = layout_of(path, _MARGINS)
    problems = Problems(path.name)
    found: dict[str, dict[str, float]] = {}
    for line, row in rows(path, layout, problems):
        cell = {title: row[at].strip() for title, at in layout.at.items()}
        try:
            share = float(cell["share"].removesuffix("%"))
        except ValueError:
            share = -1.0
        if not 0 <= share < 1e12:
            problems.add(line, f"the share is {cell['share'][:40]!r}, no number from 0 up")
            continue
        found.setdefault(cell["column"].casefold(), {})[cell["value"].casefold()] = share
    problems.refuse()
    if not found or not all(sum(each.values()) > 0 for each in found.values()):
        raise OpinionError(f"{path.name} has no share above 0; say how many live here")
    return found
