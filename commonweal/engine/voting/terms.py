"""The parts that limits are made of, and how they are read from plain data."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.profile import DEAREST


@dataclass(frozen=True)
class Cap:
    """The most pence that a set of projects may cost together, for example one category."""

    name: str
    projects: tuple[str, ...]
    pence: int


@dataclass(frozen=True, eq=False)
class Pot:
    """Money of its own for some projects; where ``ballots`` is given, only those vote in it.

    ``ballots`` are ballot numbers, 0 to ``voters - 1``.
    """

    name: str
    projects: tuple[str, ...]
    pence: int
    ballots: NDArray[np.int64] | None = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pot) and pot_to_json(self) == pot_to_json(other)

    __hash__ = None  # type: ignore[assignment]


def share_or_number(least: object) -> int | Fraction:
    """Read a minimum: a number of votes, or a share.

    Parameters
    ----------
    least : int, Fraction or str
        ``25`` or ``"25"`` votes; ``"5%"``, ``"1/20"`` or a ``Fraction`` for a share.

    Returns
    -------
    int or Fraction

    Raises
    ------
    ValueError
        For anything else, a negative number, or a share above 1.

    Notes
    -----
    Time O(length of the text).

    References
    ----------
    None: the form is ours; see docs/know/rules/limits.md.

    Examples
    --------
    >>> share_or_number("25"), share_or_number("2.5%")
    (25, Fraction(1, 40))
    """
    wrong = f"the minimum must be a number of votes, or a share like 5% or 1/20, not {least!r}"
    found: int | Fraction
    if isinstance(least, str):
        text = least.strip()
        try:
            if text.endswith("%"):
                found = Fraction(text[:-1].strip()) / 100
            else:
                found = Fraction(text) if "/" in text else int(text)
        except (ValueError, ZeroDivisionError):
            raise ValueError(wrong) from None
    elif isinstance(least, int | np.integer) and not isinstance(least, bool):
        found = int(least)
    elif isinstance(least, Fraction):
        found = least
    else:
        raise ValueError(wrong)
    if found < 0 or (isinstance(found, Fraction) and found > 1):
        raise ValueError(wrong)
    return found


def refuse_twice(names: Collection[str], who: str) -> None:
    """Refuse a name that stands twice.

    Parameters
    ----------
    names : collection of str
        The names.
    who : str
        Who names them, with a verb, for the message.

    Returns
    -------
    None

    Raises
    ------
    ValueError
        If a name stands twice.

    Notes
    -----
    Time O(names).

    References
    ----------
    None: the form is ours; see docs/know/rules/limits.md.

    Examples
    --------
    >>> refuse_twice(["a", "b", "a"], "must names")
    Traceback (most recent call last):
        ...
    ValueError: must names 'a' twice; keep one of them
    """
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{who} {name!r} twice; keep one of them")
        seen.add(name)


def cap_of(row: object) -> Cap:
    """Read a cap from plain data.

    Parameters
    ----------
    row : object
        An object with ``name``, ``projects`` and ``pence``.

    Returns
    -------
    Cap

    Raises
    ------
    ValueError
        If it is not that.

    Notes
    -----
    Time O(projects).

    References
    ----------
    None: the form is ours; see docs/know/rules/limits.md.

    Examples
    --------
    >>> cap_of({"name": "parks", "projects": [7], "pence": 90})
    Cap(name='parks', projects=('7',), pence=90)
    """
    data = entries(row, "a cap", needs=("name", "projects", "pence"))
    name = str(data["name"])
    return Cap(name, names_of(data["projects"], name), checked_pence(data["pence"], name))


def pot_of(row: object) -> Pot:
    """Read a pot from plain data.

    Parameters
    ----------
    row : object
        An object with ``name``, ``projects``, ``pence`` and perhaps ``ballots``.

    Returns
    -------
    Pot

    Raises
    ------
    ValueError
        If it is not that.

    Notes
    -----
    Time O(projects + ballots).

    References
    ----------
    None: the form is ours; see docs/know/rules/limits.md.

    Examples
    --------
    >>> pot_of({"name": "north", "projects": ["a"], "pence": 90, "ballots": [3]}).ballots
    array([3])
    """
    data = entries(row, "a pot", needs=("name", "projects", "pence"), may=("ballots",))
    name, ballots = str(data["name"]), data.get("ballots")
    numbers = None
    if ballots is not None:
        numbers = np.array(items(ballots, f"the ballots of {name!r}"))
        if numbers.ndim != 1 or (numbers.size and numbers.dtype.kind not in "iu"):
            raise ValueError(f"the ballots of {name!r} must be whole numbers, counted from 0")
        numbers = numbers.astype(np.int64)
    pence = checked_pence(data["pence"], name)
    return Pot(name, names_of(data["projects"], name), pence, numbers)


def pot_to_json(pot: Pot) -> dict[str, Any]:
    """Write a pot as plain data, the inverse of :func:`pot_of`.

    Parameters
    ----------
    pot : Pot
        The pot.

    Returns
    -------
    dict

    Raises
    ------
    Nothing.

    Notes
    -----
    Time O(projects + ballots).

    References
    ----------
    None: the form is ours; see docs/know/rules/limits.md.

    Examples
    --------
    >>> pot_to_json(Pot("north", ("a",), 90))
    {'name': 'north', 'projects': ['a'], 'pence': 90}
    """
    plain = {"name": pot.name, "projects": list(pot.projects), "pence": pot.pence}
    return plain if pot.ballots is None else plain | {"ballots": pot.ballots.tolist()}


def entries(
    data: object, what: str, *, needs: tuple[str, ...] = (), may: tuple[str, ...] = ()
) -> Mapping[str, Any]:
    """Return data that is an object with the right entries, or say what it lacks.

    Parameters
    ----------
    data : object
        What was read.
    what : str
        What it is, for the message.
    needs, may : tuple of str
        Entries it must and may have; without ``needs`` any are taken.

    Returns
    -------
    mapping

    Raises
    ------
    ValueError
        If it is no object, lacks an entry, or has one nobody knows.

    Notes
    -----
    Time O(entries).

    References
    ----------
    None: the form is ours; see docs/know/rules/limits.md.

    Examples
    --------
    >>> entries([], "a cap")
    Traceback (most recent call last):
        ...
    ValueError: a cap must be an object with named entries, not []
    """
    if not isinstance(data, Mapping):
        raise ValueError(f"{what} must be an object with named entries, not {data!r}")
    for key in needs:
        if key not in data:
            raise ValueError(f"{what} has no {key!r}; add it")
    for key in data if needs else ():
        if key not in needs + may:
            raise ValueError(f"{what} knows no {key!r}; use {', '.join(needs + may)}")
    return data


def items(data: object, what: str) -> list[Any]:
    """Return data that is a list, or say that it is none.

    Parameters
    ----------
    data : object
        What was read.
    what : str
        What it is, for the message.

    Returns
    -------
    list

    Raises
    ------
    ValueError
        If it is no list.

    Notes
    -----
    Time O(length).

    References
    ----------
    None: the form is ours; see docs/know/rules/limits.md.

    Examples
    --------
    >>> items((1, 2), "caps")
    [1, 2]
    """
    if not isinstance(data, list | tuple):
        raise ValueError(f"{what} must be a list, not {data!r}")
    return list(data)


def names_of(data: object, what: str) -> tuple[str, ...]:
    """Return data that is a list of names as text, or say what is none.

    Parameters
    ----------
    data : object
        What was read; numbers are taken as names.
    what : str
        What it is, for the message.

    Returns
    -------
    tuple of str

    Raises
    ------
    ValueError
        If it is no list, or something in it no name.

    Notes
    -----
    Time O(length).

    References
    ----------
    None: the form is ours; see docs/know/rules/limits.md.

    Examples
    --------
    >>> names_of(["a", 7], "must")
    ('a', '7')
    """
    names = items(data, what)
    for name in names:
        if isinstance(name, bool) or not isinstance(name, str | int):
            raise ValueError(f"{what} must list names, not {name!r}")
    return tuple(str(name) for name in names)


def checked_pence(pence: object, name: str) -> int:
    """Return an amount in whole pence, or say why it is none.

    Parameters
    ----------
    pence : object
        What was read.
    name : str
        Whose money it is, for the message.

    Returns
    -------
    int

    Raises
    ------
    ValueError
        If it is not whole, negative, or too large to count exactly.

    Notes
    -----
    Time O(1).

    References
    ----------
    None: the form is ours; see docs/know/rules/limits.md.

    Examples
    --------
    >>> checked_pence(90, "north")
    90
    """
    if isinstance(pence, bool) or not isinstance(pence, int | np.integer):
        raise ValueError(f"the money of {name!r} must be a whole number of pence, not {pence!r}")
    if not 0 <= pence <= DEAREST:
        raise ValueError(f"the money of {name!r} must be between 0 and {DEAREST} pence")
    return int(pence)
