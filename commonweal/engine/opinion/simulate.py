"""Made-up conversations whose truth is known."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.opinion.model import Floats

_CELLS = 2_000_000


@dataclass(frozen=True, eq=False)
class Simulated:
    """A log of votes in random order, and the truth behind it.

    Parameters
    ----------
    person, statement : int32 arrays, shape (entries,)
        Who voted on what, numbered from 0.
    value : int8 array, shape (entries,)
        1 agree, 0 pass, -1 disagree.
    group : int64 array, shape (people,)
        The group of each person.
    leaning : float64 array, shape (groups, statements)
        The log odds with which somebody in the middle of the group agrees.
    """

    person: NDArray[np.int32]
    statement: NDArray[np.int32]
    value: NDArray[np.int8]
    group: NDArray[np.int64]
    leaning: Floats


def simulate(
    rng: np.random.Generator,
    *,
    people: int,
    statements: int,
    groups: int = 1,
    answered: float = 0.1,
    apart: float = 1.5,
    passes: float = 0.1,
) -> Simulated:
    """Make up a conversation.

    Parameters
    ----------
    rng : Generator
        The same generator gives the same conversation.
    people, statements, groups : int
        How many of each. Groups are of uneven size.
    answered : float
        Which share of all pairs is voted on. Some statements are shown up to four times as often as
        others, and some people vote much more than others.
    apart : float
        How far the groups lie apart: the standard deviation of log odds between them.
    passes : float
        Which share of votes is a pass.

    Returns
    -------
    Simulated

    Raises
    ------
    ValueError
        If a number is not sensible.

    Notes
    -----
    Time O(people x statements), memory O(votes).

    References
    ----------
    Lazarsfeld and Henry (1968), "Latent Structure Analysis".

    Examples
    --------
    >>> made = simulate(np.random.default_rng(1), people=50, statements=20, groups=2, answered=0.5)
    >>> 300 < len(made.value) < 700, len(made.group)
    (True, 50)
    """
    if min(people, statements, groups) < 1:
        raise ValueError("there must be people, statements and at least one group")
    if not (0 < answered <= 1 and 0 <= passes < 1 and apart >= 0):
        raise ValueError("answered must lie above 0 and up to 1, passes below 1, apart not below 0")
    share = np.arange(2 * groups, groups, -1.0)
    group = rng.choice(groups, people, p=share / share.sum())
    leaning = rng.normal(0.3, 0.8, statements) + rng.normal(0, apart, (groups, statements))
    popular = rng.uniform(0.4, 1.6, statements)
    active = rng.gamma(2.0, 0.5, people)
    parts = []
    step = max(1, _CELLS // statements)
    for begin in range(0, people, step):
        here = slice(begin, begin + step)
        chance = np.minimum(answered * active[here, None] * popular, 0.95)
        who, what = np.nonzero(rng.random(chance.shape) < chance)
        ease = rng.normal(0, 0.3, len(chance))
        odds = leaning[group[here][who], what] + ease[who]
        value = np.where(rng.random(len(who)) < 1 / (1 + np.exp(-odds)), 1, -1).astype(np.int8)
        value[rng.random(len(who)) < passes] = 0
        parts.append(((who + begin).astype(np.int32), what.astype(np.int32), value))
    order = rng.permutation(sum(len(part[0]) for part in parts))
    person, statement, value = (
        np.concatenate(column)[order] for column in zip(*parts, strict=True)
    )
    return Simulated(person, statement, value, group, leaning)
