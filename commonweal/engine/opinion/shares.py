"""How many agree, disagree and pass: overall and by group, with intervals."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from commonweal.engine.opinion import share_kernel
from commonweal.engine.opinion.groups import Mixture
from commonweal.engine.opinion.model import Floats
from commonweal.engine.opinion.votes import Votes

DISAGREE, PASS, AGREE = 0, 1, 2
LEVEL = 0.9
_NONE = np.zeros(0)


@dataclass(frozen=True, eq=False)
class Shares:
    """How the votes on each statement split, by group.

    The second axis is disagree, pass, agree; shares are of all who voted, those who passed too.

    Parameters
    ----------
    estimate, low, high : float64 arrays, shape (statements, 3, groups)
        The share, and the interval that holds it with the probability ``level``.
    votes : float64 array, shape (statements, groups)
        How many votes there are; somebody who may belong to two groups counts partly in both.
    effective : float64 array, shape (statements, groups)
        As how many equal votes they count, which weights make fewer.
    above : float64 array, shape (statements, 3, groups)
        How likely the share is more than a half.
    level : float
        Of the intervals.
    """

    estimate: Floats
    low: Floats
    high: Floats
    votes: Floats
    effective: Floats
    above: Floats
    level: float


def shares(
    votes: Votes,
    mixture: Mixture | None = None,
    *,
    weight: ArrayLike | None = None,
    shown: ArrayLike | None = None,
    level: float = LEVEL,
) -> Shares:
    """Estimate for each statement how many agree, disagree and pass.

    Parameters
    ----------
    votes : Votes
        Any.
    mixture : Mixture, optional
        The groups. Default: everybody together.
    weight : float array, shape (people,), optional
        How much each person counts, for example from :func:`rake`.
    shown : float array, shape (votes,), optional
        With which probability the statement was shown to the person at that moment: votes count by
        its inverse, so that what was shown more often to those who like it is not favoured.
    level : float
        Of the intervals, between 0 and 1.

    Returns
    -------
    Shares

    Raises
    ------
    ValueError
        If a weight is negative, a probability is not above 0 and up to 1, or shapes disagree.

    Notes
    -----
    Beta distributions with Jeffreys' prior. A person's vote is left out of what places them in a group before it is counted
    there; otherwise groups would seem more united than they are. With weights the number of votes is
    Kish's effective number. Time O(votes x groups).

    References
    ----------
    Brown, Cai and DasGupta (2001), "Interval Estimation for a Binomial Proportion"; Kish (1965),
    "Survey Sampling"; Hájek (1971), on inverse probabilities.

    Examples
    --------
    >>> votes = Votes.from_log([1, 2, 3, 4], [7, 7, 7, 7], [1, 1, 1, -1])
    >>> found = shares(votes)
    >>> found.estimate[0, :, 0].tolist()
    [0.25, 0.0, 0.75]
    >>> found.low[0, AGREE].round(2).tolist(), found.high[0, AGREE].round(2).tolist()
    ([0.35], [0.95])
    """
    people = _weights(weight, (len(votes.people),), "weight", most=np.inf)
    given = _weights(shown, (len(votes),), "shown", most=1.0)
    if not 0 < level < 1:
        raise ValueError(f"the level of intervals must lie between 0 and 1, not {level}")
    if given.size and not given.min() > 0:
        raise ValueError("a statement that was shown had a probability above 0")
    sums = _counted(votes, mixture, 1 / given, people)
    plain = _counted(votes, mixture, _NONE, _NONE) if given.size or people.size else sums
    return told(sums, plain[:, :3].sum(axis=1), level)


def _weights(given: ArrayLike | None, shape: tuple[int, ...], name: str, most: float) -> Floats:
    if given is None:
        return _NONE
    found = np.asarray(given, dtype=np.float64)
    if found.shape != shape:
        raise ValueError(f"{name} has shape {found.shape}, expected {shape}")
    if found.size and not (found.min() >= 0 and found.max() <= most and np.isfinite(found).all()):
        raise ValueError(f"{name} must lie between 0 and {most:g}")
    return found


def _counted(votes: Votes, mixture: Mixture | None, weight: Floats, people: Floats) -> Floats:
    member = np.ones((len(votes.people), 1)) if mixture is None else mixture.member
    rate = np.zeros((len(votes.statements), 1)) if mixture is None else mixture.rate
    sums = np.zeros((len(votes.statements), 4, member.shape[1]))
    share_kernel.compiled().counts(
        votes.start, votes.statement, votes.value, member, rate, weight, people, sums
    )
    return sums


def told(sums: Floats, votes: Floats, level: float = LEVEL) -> Shares:
    """Return the shares of weighted sums: disagree, pass, agree, and the squares of their weights."""
    total = sums[:, :3].sum(axis=1)
    unknown = np.full(sums[:, :3].shape, 0.5)
    share = np.divide(sums[:, :3], total[:, None], out=unknown, where=total[:, None] > 0)
    effective = np.divide(total**2, sums[:, 3], out=np.zeros_like(total), where=sums[:, 3] > 0)
    low, high = interval(share, effective[:, None], level)
    a, b = _jeffreys(share, effective[:, None])
    return Shares(share, low, high, votes, effective, 1 - beta_below(0.5, a, b), level)


def _jeffreys(share: Floats, effective: Floats) -> tuple[Floats, Floats]:
    return share * effective + 0.5, (1 - share) * effective + 0.5


def beta_below(x: ArrayLike, a: Floats, b: Floats) -> Floats:
    """Return how likely a share with a beta distribution lies below ``x``; shapes as ``a``.

    >>> beta_below(0.5, np.array([1.0, 3.0]), np.array([1.0, 1.0])).round(3).tolist()
    [0.5, 0.125]
    """
    at, one, other = (np.ascontiguousarray(each).ravel() for each in np.broadcast_arrays(x, a, b))
    out = np.empty(len(one))
    share_kernel.compiled().beta(at.astype(np.float64), 0.0, one, other, out)
    return out.reshape(np.shape(a))


def beta_quantile(level: float, a: Floats, b: Floats) -> Floats:
    """Return below which share a beta distribution has this much of itself; shapes as ``a``.

    >>> beta_quantile(0.125, np.array([3.0]), np.array([1.0])).round(3).tolist()
    [0.5]
    """
    one, other = np.ascontiguousarray(a).ravel(), np.ascontiguousarray(b).ravel()
    out = np.empty(len(one))
    share_kernel.compiled().beta(_NONE, level, one, other, out)
    return out.reshape(np.shape(a))


def discoveries(p: ArrayLike, *, rate: float = 0.1) -> NDArray[np.bool_]:
    """Say which of many findings to believe, so that at most a tenth of them is expected to be false.

    Parameters
    ----------
    p : float array, shape (findings,)
        How likely so clear a finding would be if there were nothing to find.
    rate : float
        The share of false ones to expect at most.

    Returns
    -------
    bool array, shape (findings,)

    References
    ----------
    Benjamini and Hochberg (1995), "Controlling the False Discovery Rate".

    Examples
    --------
    >>> discoveries([0.001, 0.04, 0.9, 0.06]).tolist()
    [True, True, False, True]
    """
    given = np.asarray(p, dtype=np.float64)
    order = np.sort(given)
    passed = np.flatnonzero(order <= rate * np.arange(1, len(order) + 1) / max(len(order), 1))
    return given <= (order[passed[-1]] if len(passed) else -1.0)


def interval(share: Floats, effective: Floats, level: float = LEVEL) -> tuple[Floats, Floats]:
    """Return the interval of shares that so many votes have, by Jeffreys' prior.

    >>> low, high = interval(np.array([0.5]), np.array([100.0]))
    >>> low.round(2).tolist(), high.round(2).tolist()
    ([0.42], [0.58])
    """
    a, b = _jeffreys(share, effective)
    tail = (1 - level) / 2
    low, high = beta_quantile(tail, a, b), beta_quantile(1 - tail, a, b)
    return np.minimum(low, share), np.maximum(high, share)
