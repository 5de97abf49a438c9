"""Small elections with ranked ballots, made so that ties are common."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from commonweal.engine.voting import Profile


@dataclass(frozen=True)
class Ranking:
    """Options, and for each ballot the place of what it lists (1 first)."""

    options: tuple[str, ...]
    ballots: tuple[Mapping[str, int], ...]

    @property
    def profile(self) -> Profile:
        marks = [(p, v, n) for v, b in enumerate(self.ballots) for p, n in b.items()]
        return Profile.from_pairs(
            list(self.options),
            [7] * len(self.options),
            project=[p for p, _, _ in marks],
            ballot=[v for _, v, _ in marks],
            voters=len(self.ballots),
            value=np.array([n for _, _, n in marks], dtype=np.int64),
        )


def strict(options: Sequence[str], orders: Sequence[tuple[int, str]]) -> Ranking:
    """Make an election from (how many ballots, their order as letters)."""
    ballots = [
        {p: n for n, p in enumerate(order, 1)} for many, order in orders for _ in range(many)
    ]
    return Ranking(tuple(options), tuple(ballots))


def some_ranking(seed: int, *, level: bool = False) -> Ranking:
    """Make up to six options and a dozen ballots, alike and partial; with equal places if asked."""
    random = np.random.default_rng(seed)
    options = "abcdef"[: random.integers(1, 7)]
    kinds = []
    for _ in range(random.integers(1, 8)):
        listed = random.permutation(list(options))[: random.integers(0, len(options) + 1)].tolist()
        places = random.integers(1, 4, len(listed)) if level else range(1, len(listed) + 1)
        kinds.append(dict(zip(listed, (int(n) for n in places), strict=True)))
    picked = random.integers(0, len(kinds), random.integers(1, 13))
    return Ranking(tuple(options), tuple(kinds[n] for n in picked))


@st.composite
def rankings(draw: st.DrawFn) -> Ranking:
    return some_ranking(draw(st.integers(0, 10**6)))
