"""Where people stand as hills on a plane: never a dot, never fewer than five people."""

from dataclasses import dataclass

import contourpy
import numpy as np
from numpy.typing import ArrayLike, NDArray

from commonweal.engine.opinion.model import Floats, Model

LEAST = 5.0  # people: nothing is drawn where fewer stand together
LEVELS = 5
COLUMNS, ROWS = 66, 40
_CLASSES = 4
_EDGE = 1.5  # standard deviations from a group's middle to its ring


@dataclass(frozen=True, eq=False)
class Plane:
    """How positions are laid on a sheet of paper.

    Parameters
    ----------
    onto : float64 array, shape (dimensions, axes)
        Positions times this are places on the sheet, which has two axes or one, or none.
    """

    onto: Floats

    @property
    def axes(self) -> int:
        """How many axes the sheet has: 0, 1 or 2."""
        return int(self.onto.shape[1])

    def places(self, positions: Floats) -> Floats:
        """Return where these positions lie; float64 array, shape (people, axes)."""
        return thin(positions, self.onto)


@dataclass(frozen=True, eq=False)
class Landscape:
    """How many people stand around each point of a grid.

    Parameters
    ----------
    across, up : float64 arrays, shapes (columns,) and (rows,)
        Where the grid's points are. On a line ``up`` is empty.
    height : float64 array, shape (rows, columns) or (columns,)
        How many people stand around each point; a person counts as one at most.
    levels : tuple of float
        Rising; the first is five people or more. Empty where nothing may be drawn.
    """

    across: Floats
    up: Floats
    height: Floats
    levels: tuple[float, ...]


def thin(long: Floats, short: Floats) -> Floats:
    """Multiply a long thin matrix by a small one, without threads that would wait for one another."""
    found: Floats = np.einsum("ik,kl->il", long, short)
    return found


def plane(model: Model, member: Floats) -> Plane:
    """Choose from which side to look, so that groups stand apart.

    Parameters
    ----------
    model : Model
        Where everybody stands.
    member : float64 array, shape (people, groups)
        How likely everybody belongs to each group.

    Returns
    -------
    Plane
        With one group, the directions that divide most. With more, the first axes run along the
        middles of the groups, and the first group lies to the left.

    Notes
    -----
    Directions are stretched by how much they move votes, so that distances mean the same everywhere.
    Time O(people x dimensions x groups).

    References
    ----------
    Fisher (1936), "The use of multiple measurements in taxonomic problems", for looking along the
    middles of groups.

    Examples
    --------
    >>> from commonweal.engine.opinion import Votes, fit
    >>> model = fit(Votes.from_log([1, 1, 2, 2], [7, 8, 7, 8], [1, -1, -1, 1]), dimensions=1)
    >>> plane(model, np.ones((2, 1))).axes
    1
    """
    stretch = np.diag(np.sqrt(model.width))
    axes = min(2, model.dimensions)
    if member.shape[1] < 2 or not axes or not len(member):
        return Plane(stretch[:, :axes])
    positions = thin(model.positions, stretch)
    size = np.maximum(member.sum(axis=0), 1e-9)
    middle = np.einsum("ig,ik->gk", member, positions) / size[:, None]
    apart = (middle - middle.mean(axis=0)) * np.sqrt(size / size.sum())[:, None]
    long, turn = np.linalg.svd(apart, full_matrices=False)[1:]
    found = turn[long > 1e-9 * max(float(long[0]), 1e-300)][:axes]
    if len(found) < axes:
        rest = np.eye(model.dimensions) - found.T @ found
        inside = rest @ np.diag(positions.var(axis=0) + 1e-12) @ rest
        most = np.linalg.eigh(inside)[1][:, ::-1][:, : axes - len(found)]
        found = np.vstack((found, most.T))
    for axis in found:
        side = float(middle[0] @ axis - middle.mean(axis=0) @ axis)
        sign = side if abs(side) > 1e-9 else -float(axis[np.abs(axis).argmax()])
        axis *= -1.0 if sign > 0 else 1.0
    return Plane(stretch @ found.T)


def turned(onto: Floats, names: Floats, before: Floats) -> Floats:
    """Turn a plane so that statements lie on it as they did before.

    Parameters
    ----------
    onto : float64 array, shape (dimensions, axes)
        The plane.
    names : float64 array, shape (statements, dimensions)
        The directions of some statements now.
    before : float64 array, shape (statements, axes)
        Where the same ones lay when the plane was chosen last.

    Returns
    -------
    float64 array, shape (dimensions, axes)
        Turned or mirrored, never stretched.

    References
    ----------
    Schönemann (1966), "A generalized solution of the orthogonal Procrustes problem".

    Examples
    --------
    >>> turned(np.eye(2), np.array([[1.0, 0.0], [0.0, 2.0]]), np.array([[-1.0, 0.0], [0.0, 2.0]])).tolist()
    [[-1.0, 0.0], [0.0, 1.0]]
    """
    left, _long, right = np.linalg.svd((names @ onto).T @ before)
    found: Floats = onto @ (left @ right)
    return found + 0.0


def landscape(
    places: Floats,
    unsure: ArrayLike,
    *,
    weight: ArrayLike | None = None,
    shape: tuple[int, int] = (COLUMNS, ROWS),
) -> Landscape:
    """Count how many people stand around each point of a grid, as sure as they are placed.

    Parameters
    ----------
    places : float64 array, shape (people, axes)
        One axis or two.
    unsure : float array, shape (people,)
        The variance of each place, along either axis.
    weight : float array, shape (people,), optional
        How much each counts. Where fewer than five people stand, the height is 0 whatever they weigh.
    shape : pair of int
        Columns and rows of the grid.

    Returns
    -------
    Landscape
        Without levels if fewer than five people stand anywhere.

    Raises
    ------
    ValueError
        If shapes disagree, or there is neither one axis nor two.

    Notes
    -----
    A kernel density that is not normalised: each person adds a bell of height 1 at most, wider and
    lower the less sure their place is. A height of five therefore takes five people at least. The
    bell is as wide as Scott's rule says, and wider where few people would not reach five. Time
    O(people + grid x columns).

    References
    ----------
    Scott (1992), "Multivariate Density Estimation".

    Examples
    --------
    >>> found = landscape(np.zeros((7, 2)), np.zeros(7))
    >>> bool(6 < found.height.max() <= 7), len(found.levels), found.levels[0]
    (True, 5, 5.0)
    >>> landscape(np.zeros((4, 2)), np.zeros(4)).levels
    ()
    """
    axes = places.shape[1] if places.ndim == 2 else 0
    sure = np.asarray(unsure, dtype=np.float64)
    counts = None if weight is None else np.asarray(weight, dtype=np.float64)
    if axes not in (1, 2) or sure.shape != (len(places),):
        raise ValueError(f"places and unsure have shapes {places.shape} and {sure.shape}")
    if counts is not None and counts.shape != sure.shape:
        raise ValueError(f"weight has shape {counts.shape}, expected {sure.shape}")
    size = shape[:axes]
    if len(places) < LEAST:
        return Landscape(*_grid(places, 1.0, size), np.zeros(size[::-1]), ())
    spread = float(np.sqrt(places.var(axis=0).mean() + sure.mean()))
    spread = spread if spread > 1e-6 else 1.0
    bell = max(0.12 * spread, spread * len(places) ** (-1 / (4 + axes)))
    for _ in range(12):
        across, up = _grid(places, 2.5 * bell, size)
        height = _heights(places, sure, None, bell, across, up)
        if height.max() >= 1.2 * LEAST or bell > 4 * spread:
            break
        bell *= 1.25
    if height.max() < LEAST:
        return Landscape(across, up, np.zeros_like(height), ())
    if counts is not None:
        weighed = _heights(places, sure, counts, bell, across, up)
        height = np.where(height >= LEAST, weighed, 0.0)
    low = max(LEAST, 0.05 * float(height.max())) if counts is None else 0.05 * float(height.max())
    steps = np.linspace(0.0, 0.86, LEVELS)
    levels = tuple(float(low + (height.max() - low) * step) for step in steps)
    return Landscape(across, up, height, levels if height.max() > low else levels[:1])


def _grid(places: Floats, margin: float, size: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Lay a grid around nearly everybody, with the same scale along both axes."""
    if len(places):
        low, high = np.quantile(places, (0.005, 0.995), axis=0)
    else:
        low = high = np.zeros(len(size))
    middle, half = (low + high) / 2, (high - low) / 2 + margin
    step = max(2 * h / (n - 1) for h, n in zip(half, size, strict=True))
    lines = [m + step * (np.arange(n) - (n - 1) / 2) for m, n in zip(middle, size, strict=True)]
    return lines[0], lines[1] if len(lines) > 1 else np.zeros(0)


def _heights(
    places: Floats, sure: Floats, weight: Floats | None, bell: float, across: Floats, up: Floats
) -> Floats:
    """Add up everybody's bell on the grid, in a few classes of how wide it is."""
    lines = [across, up][: places.shape[1]]
    step = float(across[1] - across[0])
    cells = [np.rint((places[:, k] - line[0]) / step) for k, line in enumerate(lines)]
    inside = np.ones(len(places), dtype=np.bool_)
    for cell, line in zip(cells, lines, strict=True):
        inside &= (cell >= 0) & (cell < len(line))
    place = cells[0][inside].astype(np.int64)
    if len(lines) > 1:
        place += len(across) * cells[1][inside].astype(np.int64)
    variance = sure[inside]
    edges = np.unique(np.quantile(variance, np.linspace(0, 1, _CLASSES + 1)[1:-1]))
    kind = np.searchsorted(edges, variance, side="left") if len(variance) else place
    total = np.zeros([len(line) for line in lines][::-1])
    for k in range(_CLASSES):
        chosen = kind == k
        if not chosen.any():
            continue
        wide = bell**2 + float(variance[chosen].mean())
        told = np.bincount(
            place[chosen],
            weights=None if weight is None else weight[inside][chosen],
            minlength=total.size,
        ).reshape(total.shape)
        for line in lines:  # across is the last axis, up the first
            bells = np.exp(-((line[:, None] - line) ** 2) / (2 * wide)) * (bell / np.sqrt(wide))
            told = told @ bells if line is across else bells @ told
        total += told
    return total


def outlines(found: Landscape) -> tuple[tuple[Floats, ...], ...]:
    """Trace the hills of a plane: for each level the closed lines around what lies above it.

    Parameters
    ----------
    found : Landscape
        On two axes.

    Returns
    -------
    tuple of tuples of float64 arrays, each of shape (points, 2)
        Level by level; a hole is a line inside another.

    Raises
    ------
    ValueError
        If it lies on a line.

    Notes
    -----
    Marching squares, by contourpy. Time O(levels x grid).

    References
    ----------
    Lorensen and Cline (1987), "Marching cubes".

    Examples
    --------
    >>> rings = outlines(landscape(np.zeros((9, 2)), np.zeros(9)))
    >>> len(rings), len(rings[0]), bool(np.allclose(rings[0][0][0], rings[0][0][-1]))
    (5, 1, True)
    """
    if found.height.ndim != 2:
        raise ValueError("there are no outlines on a line")
    if not found.levels:
        return ()
    step = float(found.across[1] - found.across[0])
    across = np.concatenate((found.across[:1] - step, found.across, found.across[-1:] + step))
    up = np.concatenate((found.up[:1] - step, found.up, found.up[-1:] + step))
    around = np.pad(found.height, 1)  # so that every line closes
    traced = contourpy.contour_generator(across, up, around)
    lines: list[list[Floats]] = [list(traced.lines(level)) for level in found.levels]  # type: ignore[arg-type]
    return tuple(map(tuple, lines))


def ring(places: Floats, unsure: Floats, belongs: Floats) -> tuple[Floats, Floats, float]:
    """Return where a group's edge could lie: an ellipse around its middle.

    Parameters
    ----------
    places : float64 array, shape (people, 2)
        Where everybody stands.
    unsure : float64 array, shape (people,)
        The variance of each place, along either axis.
    belongs : float64 array, shape (people,)
        How likely each belongs to the group.

    Returns
    -------
    middle, radii : float64 arrays, shape (2,)
        The longer radius first.
    turn : float
        The angle of the longer radius, in radians.

    References
    ----------
    Mahalanobis (1936), "On the generalised distance in statistics".

    Examples
    --------
    >>> middle, radii, turn = ring(np.array([[0.0, 0.0], [2.0, 0.0]]), np.zeros(2), np.ones(2))
    >>> middle.tolist(), radii.tolist(), turn
    ([1.0, 0.0], [1.5, 0.0], 0.0)
    """
    total = max(float(belongs.sum()), 1e-9)
    middle = np.einsum("i,ik->k", belongs, places) / total
    away = places - middle
    cover = np.einsum("i,ik,il->kl", belongs, away, away) / total
    cover += np.eye(2) * float((belongs * unsure).sum() / total)
    long, axis = np.linalg.eigh(cover)
    first = axis[:, 1] if axis[0, 1] >= 0 else -axis[:, 1]
    radii = _EDGE * np.sqrt(np.maximum(long[::-1], 0))
    return middle, radii, float(np.arctan2(first[1], first[0])) + 0.0


def variances(model: Model, plane: Plane) -> Floats:
    """Return how unsure everybody's place is: the mean variance along the axes of a plane.

    Parameters
    ----------
    model : Model
        Where everybody stands.
    plane : Plane
        With one axis or two.

    Returns
    -------
    float64 array, shape (people,)

    Notes
    -----
    Time O(people x dimensions^2), without a matrix for each person.

    References
    ----------
    As :func:`plane`.

    Examples
    --------
    >>> from commonweal.engine.opinion import Votes, fit
    >>> model = fit(Votes.from_log([1, 1, 2, 2], [7, 8, 7, 8], [1, -1, -1, 1]), dimensions=1)
    >>> variances(model, plane(model, np.ones((2, 1)))).shape
    (2,)
    """
    size = model.dimensions + 1
    rows, columns = np.triu_indices(size)
    onto = np.vstack((np.zeros(plane.axes), plane.onto))
    both = np.where(rows == columns, 1.0, 2.0)[:, None]
    turned = (both * onto[rows] * onto[columns]).mean(axis=1)
    found = thin(model.spread[:-1, : len(rows)], turned[:, None])[:, 0]
    return np.maximum(found, 0.0)


def ends(
    model: Model, allowed: NDArray[np.bool_], *, most: int = 3
) -> tuple[tuple[int, float, float], ...]:
    """Find the statements on which the two ends of the longest line differ most.

    Parameters
    ----------
    model : Model
        With one direction or more.
    allowed : bool array, shape (statements,)
        Which may be listed.
    most : int
        How many for each end.

    Returns
    -------
    tuple of (statement, one, other)
        For each statement's place, how likely somebody agrees who stands a standard deviation to one
        side, and to the other; those that the first side agrees with come first. None without a
        direction.

    Notes
    -----
    What the model thinks, given that they do not pass. Time O(statements).

    References
    ----------
    As :func:`fit`.

    Examples
    --------
    >>> from commonweal.engine.opinion import Votes, fit
    >>> rows = [(i, j, 1 if (i < 10) == (j < 2) else -1) for i in range(20) for j in range(4)]
    >>> told = ends(fit(Votes.from_log(*zip(*rows)), dimensions=1), np.ones(4, bool), most=1)
    >>> [one > 0.7 > 0.3 > other for _statement, one, other in told]
    [True, False]
    """
    if not model.dimensions:
        return ()
    popular, along = model.first[:-1, 0], model.first[:-1, 2]
    sides = [1 / (1 + np.exp(-(popular + side * along))) for side in (-1.0, 1.0)]
    gap = sides[0] - sides[1]
    order = np.argsort(-gap, kind="stable")
    order = order[allowed[order]]
    first = [j for j in order[:most].tolist() if gap[j] > 0]
    last = [j for j in order[::-1][:most].tolist() if gap[j] < 0]
    return tuple((j, float(sides[0][j]), float(sides[1][j])) for j in [*first, *last])
