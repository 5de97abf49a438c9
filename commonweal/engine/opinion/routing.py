"""Which statement to show next: drawn with known probabilities, which are kept with the showing."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.opinion.model import Floats, Model, logistic

POLICY = "mixture-1"
COVERAGE, INFORMATION, EXPLORATION = 0.5, 0.35, 0.15


@dataclass(frozen=True)
class Showing:
    """A statement that is shown, with what is needed to correct for having chosen it.

    Parameters
    ----------
    statement : int
        Its place.
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


def showing_probabilities(
    model: Model, person: int, shown: NDArray[np.int64], open_to: NDArray[np.bool_]
) -> Floats:
    """Say how likely each statement is to be shown next to a person.

    Parameters
    ----------
    model : Model
        What is known; it may be some minutes old.
    person : int
        The person's place; -1 for somebody who has not voted.
    shown : int64 array, shape (statements,)
        How often each statement has been shown to anybody.
    open_to : bool array, shape (statements,)
        Which may be shown to this person: accepted, and not voted on yet.

    Returns
    -------
    float64 array, shape (statements,)
        Adds up to 1, or is 0 everywhere if nothing is open.

    Raises
    ------
    ValueError
        If shapes disagree.

    Notes
    -----
    A mixture of three: half of all showings go where showings lack, by the square of how far a
    statement lies below the one shown most; a third where the answer would tell most about where
    the person stands; the rest to any. So each has a probability above 0, as correcting for it
    needs. Time O(statements x dimensions^2).

    References
    ----------
    Horvitz and Thompson (1952), "A Generalization of Sampling Without Replacement from a Finite
    Universe", on why probabilities must be known; Chaloner and Verdinelli (1995), "Bayesian
    Experimental Design".

    Examples
    --------
    >>> from commonweal.engine.opinion import Votes, fit
    >>> model = fit(Votes.from_log([1, 1, 2], [7, 8, 7], [1, -1, 1]), dimensions=1)
    >>> chance = showing_probabilities(model, 1, np.array([9, 1]), np.array([True, True]))
    >>> bool(chance[1] > chance[0]), round(float(chance.sum()), 6)
    (True, 1.0)
    """
    statements = len(model.first) - 1
    if shown.shape != (statements,) or open_to.shape != (statements,):
        raise ValueError(
            f"shown and open_to have shapes {shown.shape} and {open_to.shape}, not {(statements,)}"
        )
    if not open_to.any():
        return np.zeros(statements)
    parts = (
        (COVERAGE, _lacking(shown) * open_to),
        (INFORMATION, _information(model, person) * open_to),
        (EXPLORATION, open_to.astype(np.float64)),
    )
    chance = np.zeros(statements)
    for weight, part in parts:
        total = part.sum()
        chance += weight * (part / total if total > 0 else open_to / open_to.sum())
    found: Floats = chance / chance.sum()
    return found


def _lacking(shown: NDArray[np.int64]) -> Floats:
    """Say how far each statement lies below the one shown most."""
    below: Floats = (shown.max() - shown + 1.0) ** 2
    return below


def _information(model: Model, person: int) -> Floats:
    """Say how much each answer would tell about the person: what it removes of the uncertainty."""
    if not model.dimensions:
        return np.zeros(len(model.first) - 1)
    which = person if person >= 0 else len(model.mean) - 1
    size = model.dimensions + 1
    unsure = np.empty((size, size))
    rows, columns = np.triu_indices(size)
    unsure[rows, columns] = unsure[columns, rows] = model.spread[which]
    along = model.first[:-1, 1:]
    spread = np.einsum("jk,kl,jl->j", along, unsure, along)
    p = logistic(model.first[:-1, 0] + along @ model.mean[which])
    told: Floats = np.log1p(p * (1 - p) * spread)
    return told


def next_statement(
    model: Model,
    person: int,
    shown: NDArray[np.int64],
    open_to: NDArray[np.bool_],
    rng: np.random.Generator,
) -> Showing | None:
    """Draw the statement that a person sees next.

    Parameters
    ----------
    model : Model
        What is known.
    person : int
        The person's place; -1 for somebody who has not voted.
    shown : int64 array, shape (statements,)
        How often each has been shown.
    open_to : bool array, shape (statements,)
        Which may be shown.
    rng : Generator
        What it is drawn with.

    Returns
    -------
    Showing or None
        None if nothing is open. Store it with the vote.

    References
    ----------
    As :func:`showing_probabilities`.

    Examples
    --------
    >>> from commonweal.engine.opinion import Votes, fit
    >>> model = fit(Votes.from_log([1], [7], [1]), dimensions=0)
    >>> next_statement(model, -1, np.array([3]), np.array([True]), np.random.default_rng(0))
    Showing(statement=0, policy='mixture-1', candidates=1, probability=1.0)
    """
    chance = showing_probabilities(model, person, shown, open_to)
    if not open_to.any():
        return None
    drawn = int(rng.choice(len(chance), p=chance))
    return Showing(drawn, POLICY, int(open_to.sum()), float(chance[drawn]))
