"""Which statement to show next: drawn with known probabilities, which are kept with the showing."""

import io
from dataclasses import dataclass
from typing import Any, Self
from zipfile import BadZipFile

import numpy as np
from numpy.typing import ArrayLike, NDArray

from commonweal.engine.opinion.model import Floats, Model, full, logistic

POLICY = "mixture-2"
COVERAGE, INFORMATION, EXPLORATION = 0.3, 0.6, 0.1
OFTEN = 2.0  # so many times the usual, and a statement is shown by exploration only
_TURNS = 3
_FORM = 1


@dataclass(frozen=True)
class Showing:
    """A statement that is shown, with what is needed to correct for having chosen it.

    Parameters
    ----------
    statement : int
        Its place among those given.
    policy : str
        By which policy it was drawn.
    candidates : int
        Out of how many.
    probability : float
        How likely it was to be drawn; above 0 and up to 1.
    """

    statement: int
    policy: str
    candidates: int
    probability: float


@dataclass(frozen=True, eq=False)
class Position:
    """Where one person stands, as far as their own votes tell.

    Parameters
    ----------
    mean : float64 array, shape (dimensions + 1,)
        How easily they agree, and then where they stand: as a row of ``Model.mean``.
    spread : float64 array, shape (dimensions + 1, dimensions + 1)
        Its covariance: how unsure that is.
    """

    mean: Floats
    spread: Floats

    @property
    def where(self) -> Floats:
        """Where they stand on the map; float64 array, shape (dimensions,)."""
        return self.mean[1:]


@dataclass(frozen=True, eq=False)
class Bearings:
    """What a model knows of statements: enough to place one person without anybody else's votes.

    Small enough to be kept beside a conversation and read for every vote.

    Parameters
    ----------
    names : int64 or text array, shape (statements,)
        The statements that the model knows, rising.
    first, second : float64 arrays, shapes (statements + 1, dimensions + 2) and (..., triangle)
        As in :class:`Model`. The last row is for a statement that came later.
    prior : float64 array, shape (dimensions + 1,)
        The precision with which a stranger is known.
    """

    names: NDArray[Any]
    first: Floats
    second: Floats
    prior: Floats

    @classmethod
    def of(cls, model: Model, names: NDArray[Any]) -> Self:
        """Take from a model what it knows of statements; ``names`` are those of its votes."""
        prior = np.concatenate(([1 / model.ease], np.ones(model.dimensions)))
        return cls(names, model.first, model.second, prior)

    @classmethod
    def unknown(cls) -> Self:
        """Return the bearings of a conversation that no model has been fitted to yet."""
        numbers = np.zeros(0, dtype=np.int64)
        return cls(numbers, np.array([[0.0, 1.0]]), np.array([[1.0, 0.0, 1.0]]), np.ones(1))

    @property
    def dimensions(self) -> int:
        """How many directions there are."""
        return len(self.prior) - 1

    def rows(self, names: ArrayLike) -> NDArray[np.intp]:
        """Return the row of each name; the last one for what the model does not know."""
        asked = np.asarray(names)
        last = len(self.names)
        if (
            not last
            or not asked.size
            or (asked.dtype.kind == "U") != (self.names.dtype.kind == "U")
        ):
            return np.full(asked.shape, last, dtype=np.intp)
        at = np.minimum(np.searchsorted(self.names, asked), last - 1)
        found: NDArray[np.intp] = np.where(self.names[at] == asked, at, last)
        return found

    def packed(self) -> bytes:
        """Return all this as bytes, to be kept and read again by :meth:`unpacked`."""
        out = io.BytesIO()
        parts = (self.first, self.second, self.prior)
        small = [part.astype(np.float32) for part in parts]
        np.savez(out, names=self.names, form=_FORM, first=small[0], second=small[1], prior=small[2])
        return out.getvalue()

    @classmethod
    def unpacked(cls, kept: bytes) -> Self:
        """Read what :meth:`packed` wrote; ``ValueError`` if it is something else."""
        try:
            with np.load(io.BytesIO(kept), allow_pickle=False) as file:
                if int(file["form"]) != _FORM:
                    raise KeyError("form")
                whole = [file[name].astype(np.float64) for name in ("first", "second", "prior")]
                return cls(file["names"], whole[0], whole[1], whole[2])
        except (OSError, KeyError, EOFError, ValueError, BadZipFile):
            raise ValueError("these are no bearings; make them anew") from None


def position(bearings: Bearings, statement: ArrayLike, value: ArrayLike) -> Position:
    """Place one person by their own votes alone.

    Parameters
    ----------
    bearings : Bearings
        What is known of statements; it may be some minutes old.
    statement : int or text array, shape (votes,)
        The names of the statements they voted on, each once. Any that are not known yet are
        allowed.
    value : int array, shape (votes,)
        1 agree, 0 pass, -1 disagree.

    Returns
    -------
    Position
        The same as :func:`refreshed` has for this person.

    Raises
    ------
    ValueError
        If shapes disagree.

    Notes
    -----
    Time O(votes x dimensions^2), a fifth of a millisecond for 300 votes, without compiled code.

    References
    ----------
    Jaakkola and Jordan (2000), as in :func:`fit`.

    Examples
    --------
    >>> from commonweal.engine.opinion import Votes, fit
    >>> votes = Votes.from_log([1, 1, 2, 2, 3, 3], [7, 8, 7, 8, 7, 8], [1, -1, 1, -1, 1, 1])
    >>> model = fit(votes, dimensions=1)
    >>> found = position(Bearings.of(model, votes.statements), [7, 8], [1, -1])
    >>> bool(np.allclose(found.where, model.positions[0], atol=0.01))
    True
    """
    rows, cast = bearings.rows(statement), np.asarray(value)
    if rows.shape != cast.shape or rows.ndim != 1:
        raise ValueError(f"statement and value have shapes {rows.shape} and {cast.shape}")
    rows, cast = rows[cast != 0], cast[cast != 0]
    size = len(bearings.prior) + 1
    first = bearings.first[rows]
    second = full(bearings.second[rows], size)
    prior = np.diag(bearings.prior)
    mean, spread = np.zeros(size - 1), np.diag(1 / bearings.prior)
    pull = 0.5 * cast @ first
    for _ in range(_TURNS if len(rows) else 0):
        moments = np.zeros((size, size))
        moments[0, 0] = 1.0
        moments[0, 1:] = moments[1:, 0] = mean
        moments[1:, 1:] = np.outer(mean, mean) + spread
        square = second.reshape(len(rows), -1) @ moments.ravel()
        root = np.sqrt(np.maximum(square, 1e-12))
        weight = np.where(root < 1e-3, 0.25, np.tanh(root / 2) / (2 * np.maximum(root, 1e-3)))
        total = np.tensordot(weight, second, axes=1)
        spread = np.linalg.inv(prior + total[1:, 1:])
        mean = spread @ (pull[1:] - total[0, 1:])
    return Position(mean, spread)


def chances(
    bearings: Bearings,
    names: ArrayLike,
    shown: ArrayLike,
    unseen: ArrayLike,
    *,
    position: Position | None = None,
) -> Floats:
    """Say how likely each statement is to be shown next to a person.

    Parameters
    ----------
    bearings : Bearings
        What is known of statements; it may be some minutes old.
    names : int or text array, shape (statements,)
        All statements that are accepted at this moment, those too that came after the bearings.
    shown : int array, shape (statements,)
        How often each has been shown to anybody.
    unseen : bool array, shape (statements,)
        Which may be shown to this person: not voted on yet.
    position : Position, optional
        Where they stand, from :func:`position`. Default: a stranger.

    Returns
    -------
    float64 array, shape (statements,)
        Adds up to 1, or is 0 everywhere if nothing is unseen.

    Raises
    ------
    ValueError
        If shapes disagree.

    Notes
    -----
    A mixture of three. Three in ten showings go where showings lack, by the third power of how
    seldom a statement has been shown, so that a late one catches up. Six in ten go where the answer
    would tell most about where the person stands, by the third power of that, but not to what has
    been shown twice as often as is usual. One in ten goes to any, so each has a probability above
    0, as correcting for it needs.
    Time O(statements x dimensions^2): for 500 statements a tenth of a millisecond.

    References
    ----------
    Horvitz and Thompson (1952), "A Generalization of Sampling Without Replacement from a Finite
    Universe", on why probabilities must be known; Chaloner and Verdinelli (1995), "Bayesian
    Experimental Design".

    Examples
    --------
    >>> chance = chances(Bearings.unknown(), [7, 8, 9], [9, 1, 5], [True, True, False])
    >>> bool(chance[1] > chance[0] > chance[2]), round(float(chance.sum()), 6)
    (True, 1.0)
    """
    every, often, open_to = np.asarray(names), np.asarray(shown), np.asarray(unseen, dtype=np.bool_)
    if not every.shape == often.shape == open_to.shape or every.ndim != 1:
        raise ValueError(
            f"names, shown and unseen have shapes {every.shape}, {often.shape} and {open_to.shape}"
        )
    chance = np.zeros(len(every))
    at = np.flatnonzero(open_to)
    if not len(at):
        return chance
    lacks = 1 / (1.0 + often[at]) ** 3
    tells = _information(bearings, bearings.rows(every[at]), position)
    tells *= np.clip(OFTEN - (often[at] + 1.0) / (np.median(often) + 1.0), 0, 1)
    for weight, part in ((COVERAGE, lacks), (INFORMATION, tells)):
        total = part.sum()
        chance[at] += weight * (part / total if total > 0 else 1 / len(at))
    chance[at] += EXPLORATION / len(at)
    chance /= chance.sum()
    return chance


def _information(bearings: Bearings, rows: NDArray[np.intp], stands: Position | None) -> Floats:
    """Say how much each answer would tell about the person: what it removes of the uncertainty."""
    size = bearings.dimensions + 2
    if size == 2:
        return np.ones(len(rows))
    if stands is None:
        stands = Position(np.zeros(size - 1), np.diag(1 / bearings.prior))
    over = np.zeros((size, size))  # the person's uncertainty, for products of directions
    over[2:, 2:] = stands.spread[1:, 1:] * (2 - np.eye(size - 2))
    second = bearings.second[rows]
    triangle = over[np.triu_indices(size)]
    spread = second[:, : len(triangle)] @ triangle
    odds = bearings.first[rows] @ np.concatenate(([1.0], stands.mean))
    p = logistic(odds)
    told: Floats = np.log1p(p * (1 - p) * np.maximum(spread, 0))
    most = told.max(initial=0.0)
    return (told / most) ** 3 if most > 0 else told


def draw(
    bearings: Bearings,
    names: ArrayLike,
    shown: ArrayLike,
    unseen: ArrayLike,
    rng: np.random.Generator,
    *,
    position: Position | None = None,
) -> Showing | None:
    """Draw the statement that a person sees next.

    Parameters
    ----------
    bearings : Bearings
        What is known of statements; it may be some minutes old.
    names : int or text array, shape (statements,)
        All statements that are accepted at this moment, as in :func:`chances`.
    shown : int array, shape (statements,)
        How often each has been shown to anybody.
    unseen : bool array, shape (statements,)
        Which may be shown to this person: not voted on yet.
    rng : Generator
        What it is drawn with.
    position : Position, optional
        Where they stand, from :func:`position`. Default: a stranger.

    Returns
    -------
    Showing or None
        None if nothing is unseen. ``names[showing.statement]`` is what to show; keep policy,
        candidates and probability with the vote.

    Raises
    ------
    ValueError
        If shapes disagree.

    Notes
    -----
    As :func:`chances`.

    References
    ----------
    As :func:`chances`.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> draw(Bearings.unknown(), [7, 8], [3, 3], [False, True], rng)
    Showing(statement=1, policy='mixture-2', candidates=1, probability=1.0)
    """
    chance = chances(bearings, names, shown, unseen, position=position)
    sums = np.cumsum(chance)
    if not len(sums) or not sums[-1] > 0:
        return None
    # from the right, so that what has no chance is never drawn
    drawn = int(np.searchsorted(sums, rng.random() * sums[-1], side="right"))
    drawn = min(drawn, int(np.flatnonzero(chance)[-1]))
    return Showing(drawn, POLICY, int(np.count_nonzero(chance)), float(chance[drawn]))
