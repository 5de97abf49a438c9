"""From those who took part to those who live here: weights that match known margins."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from commonweal.engine.opinion.model import Floats

MOST_TIMES = 5.0
_TURNS = 200


@dataclass(frozen=True, eq=False)
class Raked:
    """Weights for people.

    Parameters
    ----------
    weight : float64 array, shape (people,)
        1 on average.
    effective : float
        As how many equal people they count.
    apart : float
        The largest difference that is left between a weighted share and its margin.
    """

    weight: Floats
    effective: float
    apart: float


def rake(
    codes: Sequence[NDArray[np.integer[Any]]],
    margins: Sequence[ArrayLike],
    *,
    most: float = MOST_TIMES,
) -> Raked:
    """Weight people so that they look like the population in each of several ways.

    Parameters
    ----------
    codes : sequence of int arrays, each of shape (people,)
        For each way of dividing people (age, area ...) the category of each person; -1 unknown.
    margins : sequence of float arrays
        For each the share of the population in each category; they need not add up to 1.
    most : float
        No weight is more than this many times the average.

    Returns
    -------
    Raked
        Who is unknown in some way keeps in that way the weight they have.

    Raises
    ------
    ValueError
        If shapes disagree, a margin is negative or nothing, or a category is out of range.

    Notes
    -----
    Iterative proportional fitting, at most 200 turns, with weights cut off on the way. A category in
    which nobody takes part cannot be made up for: its share is left to the others. Time O(turns x
    people x ways).

    References
    ----------
    Deming and Stephan (1940), "On a Least Squares Adjustment of a Sampled Frequency Table"; Kish
    (1965), "Survey Sampling", for the effective number.

    Examples
    --------
    >>> found = rake([np.array([0, 0, 0, 1])], [[0.5, 0.5]])
    >>> found.weight.round(2).tolist(), round(found.effective, 2)
    ([0.67, 0.67, 0.67, 2.0], 3.0)
    """
    if len(codes) != len(margins):
        raise ValueError(f"there are {len(codes)} ways but {len(margins)} margins")
    people = len(codes[0]) if codes else 0
    wanted = [_margin(margin) for margin in margins]
    for code, margin in zip(codes, wanted, strict=True):
        if code.shape != (people,):
            raise ValueError(f"codes have shapes {code.shape} and {(people,)}")
        if people and (code.min() < -1 or code.max() >= len(margin)):
            raise ValueError("a category is out of range")
    weight = np.ones(people)
    apart = 0.0
    for _ in range(_TURNS if people else 0):
        apart = 0.0
        for code, margin in zip(codes, wanted, strict=True):
            there = code >= 0
            sums = np.bincount(code[there], weights=weight[there], minlength=len(margin))
            reached = np.where(sums > 0, margin, 0.0)
            if not reached.sum() or not sums.sum():
                continue
            target = reached / reached.sum() * sums.sum()
            apart = max(apart, float(np.abs(target - sums).max() / sums.sum()))
            factor = np.divide(target, sums, out=np.ones_like(sums), where=sums > 0)
            weight[there] *= factor[code[there]]
        weight = np.minimum(weight / weight.mean(), most)
        if apart < 1e-9:
            break
    if people:
        weight /= weight.mean()
    effective = float(weight.sum() ** 2 / (weight**2).sum()) if people else 0.0
    return Raked(weight, effective, apart)


def _margin(given: ArrayLike) -> Floats:
    margin = np.asarray(given, dtype=np.float64)
    if margin.ndim != 1 or not len(margin) or not (margin >= 0).all() or not margin.sum() > 0:
        raise ValueError("a margin is one row of shares, none negative and not all nothing")
    return margin
