"""Sums of square roots, compared exactly."""

from collections.abc import Sequence
from itertools import pairwise
from math import isqrt

import numpy as np
from numpy.typing import NDArray

Roots = dict[int, int]  # how often the square root of each square-free number is in a sum


def root_sum(values: NDArray[np.int64]) -> Roots:
    """Write a sum of square roots with square-free numbers under the roots.

    Parameters
    ----------
    values : int64 array
        The numbers under the roots; a negative one counts as minus the root of its size.

    Returns
    -------
    dict
        How often the root of each square-free number is in the sum, never 0 times.

    Raises
    ------
    Nothing.

    Notes
    -----
    Time O(values log values + different values x cube root of the largest).

    References
    ----------
    Besicovitch (1940), "On the linear independence of fractional powers of integers".

    Examples
    --------
    >>> root_sum(np.array([2, 8, 9, -1]))
    {1: 2, 2: 3}
    """
    total: Roots = {}
    numbers, counts = np.unique(values, return_counts=True)
    for number, count in zip(numbers.tolist(), counts.tolist(), strict=True):
        if number:
            factor, free = square_free(abs(number))
            total[free] = total.get(free, 0) + (count * factor if number > 0 else -count * factor)
    return {free: times for free, times in total.items() if times}


def square_free(number: int) -> tuple[int, int]:
    """Split a number into a square and a square-free number.

    Parameters
    ----------
    number : int
        Above 0.

    Returns
    -------
    tuple of int
        s and f with ``number == s * s * f`` and no square above 1 in f.

    Raises
    ------
    Nothing.

    Notes
    -----
    Time O(cube root of the number): what trial division up to there leaves has at most two prime
    factors.

    References
    ----------
    Any textbook of number theory.

    Examples
    --------
    >>> square_free(72), square_free(97)
    ((6, 2), (1, 97))
    """
    factor, free, rest, prime = 1, 1, number, 2
    while prime**3 <= rest:
        times = 0
        while rest % prime == 0:
            rest //= prime
            times += 1
        factor *= prime ** (times // 2)
        free *= prime ** (times % 2)
        prime += 1
    root = isqrt(rest)
    return (factor * root, free) if root * root == rest else (factor, free * rest)


def root_levels(sums: Sequence[Roots]) -> list[int | None]:
    """Rank sums of square roots exactly.

    Parameters
    ----------
    sums : sequence of dict
        For each project how often the root of each square-free number is in its sum.

    Returns
    -------
    list of int or None
        A higher number for a higher sum, equal numbers for equal sums; None for 0 and less.

    Raises
    ------
    Nothing.

    Notes
    -----
    Digits double until all different sums are apart, which they are at some point.

    References
    ----------
    Besicovitch (1940): roots of different square-free numbers are linearly independent over the
    rational numbers, so equal sums are equal term by term.

    Examples
    --------
    The sums are 2 + the root of 2 and 3.4142.

    >>> root_levels([{1: 2, 2: 1}, {1: 3}, {}, {1: 2, 2: 1}])
    [2, 1, None, 2]
    """
    forms = [tuple(sorted(roots.items())) for roots in sums]
    different = sorted({(), *forms})
    digits = 64
    while True:
        bounds = sorted((*_bounds(form, digits), form) for form in different)
        if all(one[1] < other[0] for one, other in pairwise(bounds)):
            break
        digits *= 2
    place = {form: n for n, (_, _, form) in enumerate(bounds)}
    return [place[form] - place[()] if place[form] > place[()] else None for form in forms]


def _bounds(form: tuple[tuple[int, int], ...], digits: int) -> tuple[int, int]:
    """Return whole numbers around ``2**digits`` times the sum."""
    low = high = 0
    for free, times in form:
        root = isqrt(free << 2 * digits)
        above = root if root * root == free << 2 * digits else root + 1
        low += times * (root if times > 0 else above)
        high += times * (above if times > 0 else root)
    return low, high


def root_text(roots: Roots, square: int) -> str:
    """Write a sum of roots, each over the root of ``square``, rounded down to a millionth.

    Parameters
    ----------
    roots : dict
        As :func:`root_sum` returns it.
    square : int
        The number under the root that all is divided by.

    Returns
    -------
    str

    Raises
    ------
    Nothing.

    Notes
    -----
    For people to read only; nothing is decided by it.

    References
    ----------
    None.

    Examples
    --------
    >>> root_text({2: 1}, 1)
    '1.414213'
    """
    digits = 128
    low, _ = _bounds(tuple(roots.items()), digits)
    scale = isqrt(square << 2 * digits)
    millionths = low * 10**6 // scale
    sign, size = ("-", -millionths) if millionths < 0 else ("", millionths)
    return f"{sign}{size // 10**6}.{size % 10**6:06}"
