"""Who wins when two projects are exactly equal: a rule said beforehand, and a record of its use."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.voting.profile import Profile

CRITERIA = ("cheapest", "most-votes", "lot", "id-text")


@dataclass(frozen=True)
class Tie:
    """One tie that the count met.

    ``projects`` are places in the profile, the ``chosen`` one among them; ``by`` is the criterion
    that told them apart; ``times`` is how often the same tie came up in the runs that were made.
    """

    projects: tuple[int, ...]
    chosen: int
    by: str
    times: int = 1


@dataclass(frozen=True)
class TieRule:
    """A chain of criteria; the first that tells two projects apart decides.

    Parameters
    ----------
    chain : tuple of str
        Out of ``cheapest`` (lower cost first), ``most-votes``, ``lot`` and ``id-text`` (smaller id
        first, compared as text: "10" before "2"). ``id-text`` is always the last resort.
    seed : str
        What the lot is drawn with. Publish it before the count: each project's lot is the SHA-256
        of ``seed``, a colon and the id, lowest first, so anyone can draw it again.

    Raises
    ------
    ValueError
        For a criterion that does not exist.

    Examples
    --------
    >>> TieRule.parse("cheapest,lot:spring 2027")
    TieRule(chain=('cheapest', 'lot'), seed='spring 2027')
    >>> profile = Profile.from_pairs(["10", "2"], [5, 5], project=["2"], ballot=[1])
    >>> TieRule().rank(profile).tolist(), TieRule(("id-text",)).rank(profile).tolist()
    ([1, 0], [0, 1])
    """

    chain: tuple[str, ...] = ("cheapest", "most-votes", "lot")
    seed: str = ""

    def __post_init__(self) -> None:
        for name in self.chain:
            if name not in CRITERIA:
                raise ValueError(
                    f"{name!r} is not a way to break ties; choose from {', '.join(CRITERIA)}"
                )

    @classmethod
    def parse(cls, text: str) -> "TieRule":
        """Read a chain written as ``cheapest,most-votes,lot:SEED`` or ``id-text``."""
        chain, seed = [], ""
        for part in text.split(","):
            name, _, rest = part.strip().partition(":")
            if name == "lot":
                seed = rest
            elif rest:
                raise ValueError(f"{name!r} takes nothing after a colon; only 'lot' does")
            chain.append(name)
        return cls(tuple(chain), seed)

    def __str__(self) -> str:
        return ",".join(
            f"lot:{self.seed}" if name == "lot" and self.seed else name for name in self.chain
        )

    def rank(self, profile: Profile) -> NDArray[np.int64]:
        """Return the place of each project in the order of the chain, 0 first, all different."""
        chain = (*self.chain, "id-text")
        arrays = []
        while chain[0] in ("cheapest", "most-votes"):
            arrays.append(profile.cost if chain[0] == "cheapest" else -profile.votes)
            chain = chain[1:]
        order = np.lexsort(arrays[::-1]) if arrays else np.arange(len(profile.ids))
        # What numbers do not tell apart is told apart in words, group by group.
        new = np.zeros(len(order), dtype=bool)
        for numbers in arrays:
            new[1:] |= numbers[order[1:]] != numbers[order[:-1]]
        new[:1] = True
        edges = [*np.flatnonzero(new).tolist(), len(order)]
        keys = [self._key(name, profile) for name in chain]
        for first, last in pairwise(edges):
            if last - first > 1:
                group = order[first:last].tolist()
                group.sort(key=lambda p: tuple(key(p) for key in keys))
                order[first:last] = group
        rank = np.empty(len(order), dtype=np.int64)
        rank[order] = np.arange(len(order))
        return rank

    def decided_by(self, profile: Profile, tied: Sequence[int]) -> str:
        """Name the criterion that singles out one of these projects."""
        left = list(tied)
        for name in (*self.chain, "id-text"):
            key = self._key(name, profile)
            best = min(key(p) for p in left)
            left = [p for p in left if key(p) == best]
            if len(left) == 1:
                return name
        raise AssertionError("two projects share an id")

    def _key(self, name: str, profile: Profile) -> Callable[[int], int | str]:
        if name == "cheapest":
            return lambda p: int(profile.cost[p])
        if name == "most-votes":
            return lambda p: -int(profile.votes[p])
        if name == "lot":
            return lambda p: sha256(f"{self.seed}:{profile.ids[p]}".encode()).hexdigest()
        return lambda p: str(profile.ids[p])
