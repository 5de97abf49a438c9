"""What a pot's own terms add to a rule: must-fund, exclusive and capped projects, pots, a minimum."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.profile import Profile
from commonweal.engine.voting.terms import (
    Cap,
    Pot,
    cap_of,
    checked_pence,
    entries,
    items,
    names_of,
    pot_of,
    pot_to_json,
    refuse_twice,
    share_or_number,
)

__all__ = [
    "ALL",
    "OF",
    "REST",
    "Cap",
    "Limits",
    "Pot",
    "Room",
    "pay_must",
    "places",
    "share_or_number",
    "too_few",
]

REST = "rest"  # the pot of projects that are in no other pot
ALL = "all"  # the last round, in which every project that has not won stands again
OF = ("ballots", "votes")


@dataclass(frozen=True)
class Limits:
    """Terms that hold whatever the rule, with projects named by their ids as text.

    Parameters
    ----------
    must : tuple of str
        Projects that are paid first, in this order, with votes or without.
    exclusive : tuple of tuples of str
        Groups of projects of which at most one wins.
    caps : tuple of Cap
        Sets of projects and the most they may cost together.
    pots : tuple of Pot
        Money set aside; no project is in two. See ``count_in_pots``.
    minimum : int or Fraction
        What a project needs to win: an int is a number of votes, a ``Fraction`` a share.
    minimum_of : {"ballots", "votes"}
        What a share is a share of: all ballots, or all votes cast on any project.
    leftover : tuple of str
        Names of pots in the order in which they are counted and pass on what they leave. ``rest``
        is the pot of projects in no pot; ``all``, only at the end, a last round for every project
        that has not won.

    Raises
    ------
    ValueError
        If the terms contradict themselves.

    Examples
    --------
    >>> limits = Limits.from_json({"exclusive": [["pool", "rink"]], "minimum": "5%"})
    >>> limits.minimum, limits.to_json()
    (Fraction(1, 20), {'exclusive': [['pool', 'rink']], 'minimum': '1/20'})
    """

    must: tuple[str, ...] = ()
    exclusive: tuple[tuple[str, ...], ...] = ()
    caps: tuple[Cap, ...] = ()
    pots: tuple[Pot, ...] = ()
    minimum: int | Fraction = 0
    minimum_of: str = "ballots"
    leftover: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        refuse_twice(self.must, "must names")
        for group in self.exclusive:
            refuse_twice(group, "an exclusive group names")
            if len(group) < 2:
                raise ValueError(
                    "an exclusive group needs two projects or more; drop it or add one"
                )
        owners: tuple[Cap | Pot, ...] = (*self.caps, *self.pots)
        for owner in owners:
            refuse_twice(owner.projects, f"{owner.name!r} names")
            checked_pence(owner.pence, owner.name)
        refuse_twice([cap.name for cap in self.caps], "caps name")
        refuse_twice([pot.name for pot in self.pots], "pots name")
        refuse_twice([name for pot in self.pots for name in pot.projects], "the pots share")
        share_or_number(self.minimum)
        if self.minimum_of not in OF:
            raise ValueError(f"minimum_of must be ballots or votes, not {self.minimum_of!r}")
        self._check_leftover()

    def _check_leftover(self) -> None:
        refuse_twice(self.leftover, "leftover names")
        known = {pot.name for pot in self.pots}
        if reserved := known & {REST, ALL}:
            raise ValueError(f"a pot may not be called {reserved.pop()!r}; choose another name")
        for name in self.leftover:
            if name not in known | {REST, ALL}:
                raise ValueError(f"leftover names {name!r}, which is not a pot; correct the name")
        if ALL in self.leftover[:-1]:
            raise ValueError("'all' can only be the last in leftover; move it to the end")

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read the terms from plain data, the inverse of :meth:`to_json`.

        ``minimum`` may be a number of votes, or a share written as ``"5%"`` or ``"1/20"``. Project
        ids may be numbers or text. Raises ``ValueError`` with what is wrong and where.
        """
        known = set(cls.__dataclass_fields__)
        for key in entries(data, "the limits"):
            if key not in known:
                raise ValueError(f"limits know no {key!r}; use {', '.join(sorted(known))}")
        groups = items(data.get("exclusive", []), "exclusive")
        return cls(
            must=names_of(data.get("must", []), "must"),
            exclusive=tuple(names_of(group, "a group in exclusive") for group in groups),
            caps=tuple(cap_of(row) for row in items(data.get("caps", []), "caps")),
            pots=tuple(pot_of(row) for row in items(data.get("pots", []), "pots")),
            minimum=share_or_number(data.get("minimum", 0)),
            minimum_of=str(data.get("minimum_of", "ballots")),
            leftover=names_of(data.get("leftover", []), "leftover"),
        )

    def to_json(self) -> dict[str, Any]:
        """Return the terms as plain data ready for JSON, leaving out what is not used."""
        share = isinstance(self.minimum, Fraction)
        everything: dict[str, Any] = {
            "must": list(self.must),
            "exclusive": [list(group) for group in self.exclusive],
            "caps": [
                {"name": c.name, "projects": list(c.projects), "pence": c.pence} for c in self.caps
            ],
            "pots": [pot_to_json(pot) for pot in self.pots],
            "minimum": str(self.minimum) if share and self.minimum else self.minimum,
            "minimum_of": self.minimum_of if self.minimum_of != "ballots" else "",
            "leftover": list(self.leftover),
        }
        return {key: value for key, value in everything.items() if value}

    @property
    def without_pots(self) -> "Limits":
        """The terms that a rule itself must keep, inside a pot or where there is none."""
        return replace(self, pots=(), leftover=())

    def exclusive_pairs(self, profile: Profile) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return which projects each project's win excludes.

        Parameters
        ----------
        profile : Profile
            The menu.

        Returns
        -------
        ptr : int64 array, shape (projects + 1,)
        idx : int64 array
            A win of ``p`` excludes ``idx[ptr[p]:ptr[p + 1]]``, rising, each once.

        Raises
        ------
        ValueError
            If a project is not on the menu.

        Notes
        -----
        Time and memory O(projects + pairs).

        Examples
        --------
        >>> profile = Profile.from_pairs(["a", "b", "c"], [1, 1, 1], project=[], ballot=[])
        >>> [a.tolist() for a in Limits(exclusive=(("a", "c"),)).exclusive_pairs(profile)]
        [[0, 1, 1, 2], [2, 0]]
        """
        out: dict[int, set[int]] = {}
        for group in self.exclusive:
            members = places(profile, group)
            for p in members:
                out.setdefault(p, set()).update(q for q in members if q != p)
        return _rows([sorted(out.get(p, ())) for p in range(len(profile.ids))])

    def cap_arrays(
        self, profile: Profile
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return which caps each project counts towards, and the money of each cap.

        Parameters
        ----------
        profile : Profile
            The menu.

        Returns
        -------
        cap_ptr : int64 array, shape (projects + 1,)
        cap_idx : int64 array
            The caps of ``p`` are ``cap_idx[cap_ptr[p]:cap_ptr[p + 1]]``, rising.
        cap_pence : int64 array, shape (caps,)

        Raises
        ------
        ValueError
            If a project is not on the menu.

        Notes
        -----
        Time and memory O(projects + memberships).

        Examples
        --------
        >>> profile = Profile.from_pairs(["a", "b"], [1, 1], project=[], ballot=[])
        >>> limits = Limits(caps=(Cap("parks", ("b",), 70),))
        >>> [a.tolist() for a in limits.cap_arrays(profile)]
        [[0, 0, 1], [0], [70]]
        """
        rows: list[list[int]] = [[] for _ in range(len(profile.ids))]
        for number, cap in enumerate(self.caps):
            for p in places(profile, cap.projects):
                rows[p].append(number)
        ptr, idx = _rows(rows)
        return ptr, idx, np.array([cap.pence for cap in self.caps], dtype=np.int64)

    def blocked_after(self, profile: Profile, winners: Iterable[int]) -> NDArray[np.bool_]:
        """Return which losers cannot win any more beside these winners.

        Parameters
        ----------
        profile : Profile
            The menu.
        winners : iterable of int
            Places of the winners so far.

        Returns
        -------
        bool array, shape (projects,)
            Excluded by a winner, or dearer than the rest of one of its caps.

        Raises
        ------
        ValueError
            If the winners themselves break the terms, or a project is not on the menu.

        Notes
        -----
        Time O(projects + pairs).

        Examples
        --------
        >>> profile = Profile.from_pairs(["a", "b", "c"], [1, 1, 1], project=[], ballot=[])
        >>> Limits(exclusive=(("a", "c"),)).blocked_after(profile, [0]).tolist()
        [False, False, True]
        """
        room, won = Room(profile, self), set()
        for p in winners:
            room.take(p)
            won.add(p)
        here = range(len(profile.ids))
        return np.array([p not in won and room.obstacle(p) is not None for p in here], dtype=bool)

    def too_few(self, profile: Profile) -> NDArray[np.bool_]:
        """Return which projects have fewer votes than ``minimum``; bool array, shape (projects,)."""
        whole = profile.voters if self.minimum_of == "ballots" else int(profile.votes.sum())
        return too_few(profile, self.minimum, whole)


class Room:
    """What exclusions and caps still allow while projects win one after another.

    Parameters
    ----------
    profile : Profile
        The menu.
    limits : Limits, optional
        Only ``exclusive`` and ``caps`` are read. Default: everything is allowed.
    """

    def __init__(self, profile: Profile, limits: Limits | None = None) -> None:
        terms = limits or Limits()
        self._ids, self._cost = profile.ids, profile.cost
        self._rivals = terms.exclusive_pairs(profile)
        *self._caps, pence = terms.cap_arrays(profile)
        self._rest: list[int] = pence.tolist()
        self._names = [cap.name for cap in terms.caps]
        self._excluded: dict[int, int] = {}

    def obstacle(self, project: int) -> tuple[str, str] | None:
        """Say why a project cannot win now: ("excluded", rival) or ("over-cap", cap), or None."""
        if project in self._excluded:
            return "excluded", str(self._ids[self._excluded[project]])
        ptr, idx = self._caps
        for cap in idx[ptr[project] : ptr[project + 1]].tolist():
            if self._cost[project] > self._rest[cap]:
                return "over-cap", self._names[cap]
        return None

    def take(self, project: int) -> None:
        """Let a project win. Raises ``ValueError`` if the terms do not allow it."""
        if found := self.obstacle(project):
            why = {"excluded": "excluded by", "over-cap": "too dear for the rest of the cap"}
            name = str(self._ids[project])
            raise ValueError(
                f"project {name} cannot win: it is {why[found[0]]} {found[1]}; change the limits"
            )
        ptr, idx = self._rivals
        for rival in idx[ptr[project] : ptr[project + 1]].tolist():
            self._excluded.setdefault(rival, project)
        ptr, idx = self._caps
        for cap in idx[ptr[project] : ptr[project + 1]].tolist():
            self._rest[cap] -= int(self._cost[project])


def pay_must(profile: Profile, budget: int, limits: Limits | None) -> tuple[list[int], int, Room]:
    """Pay the must-fund projects.

    Parameters
    ----------
    profile : Profile
        The menu.
    budget : int
        Whole pence.
    limits : Limits, optional
        The terms; nothing must be paid without them.

    Returns
    -------
    list of int, int, Room
        Places of the must-fund projects in their order, the money left, and the room left.

    Raises
    ------
    ValueError
        If they cost more than there is, or break the other terms, or one is not on the menu.

    Notes
    -----
    Time O(projects + pairs).

    Examples
    --------
    >>> profile = Profile.from_pairs(["a", "b"], [30, 50], project=[], ballot=[])
    >>> pay_must(profile, 100, Limits(must=("b",)))[:2]
    ([1], 50)
    """
    room, left = Room(profile, limits), budget
    order = places(profile, limits.must) if limits else []
    for p in order:
        room.take(p)
        left -= int(profile.cost[p])
    if left < 0:
        raise ValueError(
            f"the projects that must be funded cost {budget - left} pence but there are only "
            f"{budget}; raise the budget or take one from must"
        )
    return order, left, room


def too_few(profile: Profile, least: int | Fraction, whole: int) -> NDArray[np.bool_]:
    """Return which projects have too few votes.

    Parameters
    ----------
    profile : Profile
        Ballots.
    least : int or Fraction
        A number of votes, or a share of ``whole``. Exactly that many are enough.
    whole : int
        What a share is a share of.

    Returns
    -------
    bool array, shape (projects,)

    Raises
    ------
    ValueError
        If the number is negative or the share above 1.

    Notes
    -----
    Time O(projects).

    References
    ----------
    None: the form is ours; see docs/know/rules/limits.md.

    Examples
    --------
    >>> profile = Profile.from_pairs(["a", "b"], [1, 1], project=list("aab"), ballot=[1, 2, 2])
    >>> too_few(profile, Fraction(2, 3), profile.voters).tolist()
    [False, True]
    """
    least = share_or_number(least)
    needed = -(-least * whole // 1) if isinstance(least, Fraction) else least
    return np.asarray(profile.votes < min(int(needed), 2**62), dtype=bool)


def places(profile: Profile, names: Sequence[str]) -> list[int]:
    """Return where projects stand in the profile.

    Parameters
    ----------
    profile : Profile
        The menu.
    names : sequence of str
        Ids as text.

    Returns
    -------
    list of int

    Raises
    ------
    ValueError
        If a project is not on the menu.

    Notes
    -----
    Time O(projects).

    References
    ----------
    None: the form is ours; see docs/know/rules/limits.md.

    Examples
    --------
    >>> profile = Profile.from_pairs([7, 10], [1, 1], project=[], ballot=[])
    >>> places(profile, ["10"])
    [1]
    """
    if not names:
        return []
    place = {str(name): p for p, name in enumerate(profile.ids.tolist())}
    for name in names:
        if name not in place:
            raise ValueError(
                f"the limits name project {name}, which is not on the menu; correct the id"
            )
    return [place[name] for name in names]


def _rows(rows: list[list[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    ptr = np.concatenate(([0], np.cumsum([len(row) for row in rows], dtype=np.int64)))
    return ptr.astype(np.int64), np.array([p for row in rows for p in row], dtype=np.int64)
