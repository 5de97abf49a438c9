"""Made-up conversations whose truth is known."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.opinion import Votes


@dataclass(frozen=True)
class Planted:
    """Votes, and the log odds they were drawn from, shape (people, statements)."""

    votes: Votes
    odds: NDArray[np.float64]
    group: NDArray[np.intp]


def low_rank(
    rng: np.random.Generator,
    people: int,
    statements: int,
    dimensions: int,
    *,
    answered: float = 0.5,
    strength: float = 1.2,
) -> Planted:
    """People spread evenly without groups."""
    u = rng.standard_normal((people, dimensions))
    v = rng.standard_normal((statements, dimensions)) * strength
    odds = rng.normal(0.3, 1, statements) + rng.normal(0, 0.4, (people, 1)) + u @ v.T
    return drawn(rng, odds, np.zeros(people, dtype=np.intp), answered)


def drawn(
    rng: np.random.Generator,
    odds: NDArray[np.float64],
    group: NDArray[Any],
    answered: float,
    passes: float = 0.1,
) -> Planted:
    """Draw votes; popular statements are answered more often, some are passed on."""
    people, statements = odds.shape
    shown = answered * rng.uniform(0.4, 1.6, statements)
    there = rng.random(odds.shape) < shown
    vote = np.where(rng.random(odds.shape) < 1 / (1 + np.exp(-odds)), 1, -1)
    vote[rng.random(odds.shape) < passes] = 0
    who, what = np.nonzero(there)
    return Planted(
        Votes.from_log(
            who, what, vote[there], people=np.arange(people), statements=np.arange(statements)
        ),
        odds,
        group,
    )


def grouped(
    rng: np.random.Generator,
    groups: int,
    *,
    people: int = 400,
    statements: int = 80,
    answered: float = 0.4,
) -> Planted:
    """People in groups of uneven size, who agree or disagree with a statement nearly all alike."""
    share = np.arange(groups + 1, 1, -1) / np.arange(groups + 1, 1, -1).sum()
    group = rng.choice(groups, people, p=share)
    leaning = np.where(rng.random((groups, statements)) < 0.55, 2.0, -2.0)
    return drawn(rng, leaning[group] + rng.normal(0, 0.2, (people, 1)), group, answered)


def shuffled(votes: Votes, rng: np.random.Generator) -> Votes:
    """Deal the votes on each statement out anew among those who voted on it."""
    value = votes.value.copy()
    for j in range(len(votes.statements)):
        place = np.flatnonzero(votes.statement == j)
        value[place] = value[rng.permutation(place)]
    return Votes(votes.people, votes.statements, votes.start, votes.statement, value)
