"""Opinion groups: how many the votes support, one included, and who belongs where."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.opinion import group_kernel
from commonweal.engine.opinion.model import Floats, Model, fit, log_loss, split
from commonweal.engine.opinion.votes import Votes

MOST_GROUPS = 8
STARTS = 6
CLEAR = 0.9
UNSTABLE = 0.5
ALIKE = 0.2
SMALLEST = 20
AS_GOOD = 1.01
LEAST_VOTES = 7
_PRIOR = 4.0  # votes of everybody that each group's rate begins with
_QUICK, _LONG = 6, 60


@dataclass(frozen=True, eq=False)
class Mixture:
    """People as a mixture of groups, each with its own chance of agreeing with each statement.

    Parameters
    ----------
    member : float64 array, shape (people, groups)
        How likely each person belongs to each group; rows add up to 1. The largest group is first.
    rate : float64 array, shape (statements, groups)
        How likely somebody in the group agrees, given that they do not pass.
    share : float64 array, shape (groups,)
        How large each group is.
    likelihood : float
        The logarithm of the likelihood of the votes.
    """

    member: Floats
    rate: Floats
    share: Floats
    likelihood: float

    @property
    def group(self) -> NDArray[np.intp]:
        """The likeliest group of each person; shape (people,)."""
        likeliest: NDArray[np.intp] = self.member.argmax(axis=1)
        return likeliest

    @property
    def sizes(self) -> NDArray[np.int64]:
        """How many people are likeliest in each group; shape (groups,)."""
        return np.bincount(self.group, minlength=len(self.share))


@dataclass(frozen=True, eq=False)
class Groups:
    """What was found about groups.

    Parameters
    ----------
    count : int
        How many groups the votes support; 1 if no division into groups predicts hidden votes as
        well as a map without groups does, or if it falls apart when some votes are hidden.
    clear : bool
        More than one, nearly everybody stays in their group when a fifth of the votes is hidden, and
        both halves of the statements show the same groups to some degree.
    mixture : Mixture
        With ``count`` groups.
    stability : float or None
        Adjusted Rand index between the groups and those found after hiding a fifth of the votes,
        the median of several times. None if one group predicts best, so that nothing can be stable.
    halves : float or None
        The same between groups found from one half of the statements and from the other.
    losses : tuple of float
        Mean log loss of hidden votes with 1, 2, 3 ... groups.
    without : float
        The same with the model, without any groups.
    people : int
        How many people, chosen at random, number and stability were worked out on.
    """

    count: int
    clear: bool
    mixture: Mixture
    stability: float | None
    halves: float | None
    losses: tuple[float, ...]
    without: float
    people: int


def adjusted_rand(one: NDArray[np.intp], other: NDArray[np.intp]) -> float:
    """Compare two divisions of the same people: 1 the same, around 0 as alike as by chance.

    Parameters
    ----------
    one, other : int arrays, shape (people,)
        The group of each person.

    Returns
    -------
    float

    References
    ----------
    Hubert and Arabie (1985), "Comparing partitions".

    Examples
    --------
    >>> adjusted_rand(np.array([0, 0, 1, 1]), np.array([1, 1, 0, 0]))
    1.0
    >>> round(adjusted_rand(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])), 6)
    -0.5
    """
    rows, columns = np.unique(one, return_inverse=True)[1], np.unique(other, return_inverse=True)[1]
    width = int(columns.max(initial=0)) + 1
    table = np.bincount(rows * width + columns).astype(np.float64)
    pairs = _pairs(table)
    first, second = _pairs(np.bincount(rows)), _pairs(np.bincount(columns))
    whole = len(one) * (len(one) - 1) / 2
    if whole == 0 or first == second == whole or first == second == 0:
        return 1.0
    chance = first * second / whole
    return float((pairs - chance) / ((first + second) / 2 - chance))


def _pairs(counts: NDArray[np.floating | np.integer]) -> float:
    return float((counts * (counts - 1) / 2).sum())


def mixture(votes: Votes, count: int, places: Floats, rng: np.random.Generator) -> Mixture:
    """Divide people into a number of groups by their votes.

    Parameters
    ----------
    votes : Votes
        Any. Passes do not count.
    count : int
        How many groups.
    places : float64 array, shape (people, dimensions)
        Where people stand on a map, to begin from; people close together begin together.
    rng : Generator
        Says where to begin.

    Returns
    -------
    Mixture

    Notes
    -----
    Expectation maximisation for latent classes, from several starts for some steps, and from the
    best of them to the end. Each group's rate begins with four votes as everybody votes. Time
    O(starts x steps x votes x groups).

    References
    ----------
    Goodman (1974), "Exploratory latent structure analysis using both identifiable and unidentifiable
    models"; Arthur and Vassilvitskii (2007), "k-means++".

    Examples
    --------
    >>> rows = [(i, j, 1 if (i < 6) == (j < 4) else -1) for i in range(10) for j in range(8)]
    >>> places = np.arange(10.0)[:, None]
    >>> found = mixture(Votes.from_log(*zip(*rows)), 2, places, np.random.default_rng(1))
    >>> found.group.tolist(), found.sizes.tolist()
    ([0, 0, 0, 0, 0, 0, 1, 1, 1, 1], [6, 4])
    """
    if count == 1:
        return _ended(votes, np.ones((len(votes.people), 1)), 2)
    starts = [_soft(_near(places, count, rng), count) for _ in range(STARTS)]
    best = max((_ended(votes, start, _QUICK) for start in starts), key=lambda m: m.likelihood)
    return _ended(votes, best.member, _LONG)


def _soft(group: NDArray[np.intp], count: int) -> Floats:
    return 0.1 / count + 0.9 * np.eye(count)[group]


def _near(places: Floats, count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Divide places by k-means, begun at places far from each other."""
    if not len(places):
        return np.zeros(0, dtype=np.intp)
    centres = places[rng.integers(len(places))][None]
    for _ in range(count - 1):
        far = _apart(places, centres).min(axis=1) + 1e-12
        centres = np.vstack((centres, places[rng.choice(len(places), p=far / far.sum())]))
    group = np.zeros(len(places), dtype=np.intp)
    for _ in range(10):
        group = _apart(places, centres).argmin(axis=1)
        members = np.maximum(np.bincount(group, minlength=count), 1)
        centres = np.column_stack(
            [np.bincount(group, weights=axis, minlength=count) / members for axis in places.T]
            or [np.zeros(count)]
        )[:, : places.shape[1]]
    return group


def _apart(places: Floats, centres: Floats) -> Floats:
    """Return the squares of the distances, shape (places, centres)."""
    apart: Floats = (places**2).sum(axis=1)[:, None] - 2 * places @ centres.T
    apart += (centres**2).sum(axis=1)
    np.maximum(apart, 0.0, out=apart)
    return apart


def _ended(votes: Votes, member: Floats, steps: int, tolerance: float = 1e-5) -> Mixture:
    """Go up the likelihood from these memberships."""
    counts = np.zeros((len(votes.statements), 3, member.shape[1]))
    group_kernel.compiled().counts(votes.start, votes.statement, votes.value, member, counts)
    return climbed(votes, counts[:, ::2].copy(), member.sum(axis=0), steps, tolerance)


def climbed(
    votes: Votes, counts: Floats, people: Floats, steps: int, tolerance: float = 1e-5
) -> Mixture:
    """Go up the likelihood from counts of disagreement and agreement in each group."""
    member = np.empty((len(votes.people), len(people)))
    agree, disagree = votes.agrees, votes.disagrees
    overall = ((agree + 1) / (agree + disagree + 2))[:, None]
    before = -np.inf
    for step in range(steps):
        rate, share = _rates(counts, people, overall)
        chance = np.log(np.stack((1 - rate, rate), axis=1))
        counts = np.zeros_like(counts)
        likelihood = group_kernel.compiled().step(
            votes.start, votes.statement, votes.value, chance, np.log(share), member, counts
        )
        people = member.sum(axis=0)
        if step > 4 and likelihood - before < tolerance * len(member):
            break
        before = likelihood
    order = np.argsort(-share, kind="stable")
    return Mixture(member[:, order], rate[:, order], share[order], likelihood)


def _rates(counts: Floats, people: Floats, overall: Floats) -> tuple[Floats, Floats]:
    rate = (counts[:, 1] + _PRIOR * overall) / (counts.sum(axis=1) + _PRIOR)
    return rate, (people + 1) / (people.sum() + len(people))


def find_groups(
    votes: Votes, rng: np.random.Generator, *, dimensions: int, folds: int = 3, resamples: int = 5
) -> Groups:
    """Find how many groups there are, one included, and whether they are clear.

    Parameters
    ----------
    votes : Votes
        All of them, or those of a sample of people.
    rng : Generator
        Says which votes are hidden and where to begin.
    dimensions : int
        Of the model without groups that a division must keep up with.
    folds : int
        How often a tenth of the votes is hidden to choose the number.
    resamples : int
        How often a fifth is hidden to see what is stable.

    Returns
    -------
    Groups

    Notes
    -----
    A group is a set of people whose votes differ only by chance. If people differ by degree, a map
    predicts their hidden votes better than any division into groups, and there is one group. Time
    O((folds x most groups + resamples) x a mixture).

    References
    ----------
    Goodman (1974), as in :func:`mixture`; Hennig (2007), "Cluster-wise assessment of cluster
    stability".

    Examples
    --------
    >>> votes = Votes.from_log([1, 1, 2, 2], [7, 8, 7, 8], [1, -1, 1, -1])
    >>> found = find_groups(votes, np.random.default_rng(1), dimensions=0)
    >>> found.count, found.clear
    (1, False)
    """
    one = mixture(votes, 1, np.zeros((len(votes.people), 0)), rng)
    told, without = _losses(votes, rng, dimensions, folds)
    losses = tuple(float(each.mean()) if len(each) else 0.0 for each in told)
    best = _supported(told)
    as_good = best > 1 and losses[best - 1] <= AS_GOOD * without
    people = len(votes.people)
    if best == 1:
        return Groups(1, False, one, None, None, losses, without, people)
    found = mixture(votes, best, _places(fit(votes, dimensions=_PLACES, sweeps=12)), rng)
    stability, halves = _stability(votes, found, rng, resamples)
    if not as_good or stability < UNSTABLE:
        return Groups(1, False, one, stability, halves, losses, without, people)
    clear = stability >= CLEAR and halves >= ALIKE
    return Groups(best, clear, found, stability, halves, losses, without, people)


_PLACES = 4


def _places(model: Model) -> Floats:
    return model.positions * np.sqrt(model.width)


def _losses(
    votes: Votes, rng: np.random.Generator, dimensions: int, folds: int
) -> tuple[list[Floats], float]:
    """Return the loss of each hidden vote with 1, 2 ... groups, and the mean loss without any."""
    parts = []
    without, scored = 0.0, 0
    for known, hidden in (split(votes, rng) for _ in range(folds)):
        model = fit(known, dimensions=_PLACES, sweeps=12)
        rival = model if dimensions == _PLACES else fit(known, dimensions=dimensions, sweeps=20)
        loss, count = log_loss(rival, votes, hidden)
        without, scored = without + loss, scored + count
        parts.append((known, hidden & (votes.value != 0), _places(model)))
    told: list[Floats] = []
    for count in range(1, max(1, min(MOST_GROUPS, len(votes.people) // SMALLEST)) + 1):
        told.append(
            np.concatenate(
                [
                    _loss_of_each(mixture(known, count, places, rng), votes, hidden)
                    for known, hidden, places in parts
                ]
            )
        )
        if count > 2 and min(t.sum() for t in told[-2:]) >= min(t.sum() for t in told[:-2]):
            break
    return told, without / max(scored, 1)


def _loss_of_each(found: Mixture, votes: Votes, hidden: NDArray[np.bool_]) -> Floats:
    who, what = votes.person[hidden], votes.statement[hidden]
    p = (found.member[who] * found.rate[what]).sum(axis=1)
    loss: Floats = -np.log(np.where(votes.value[hidden] > 0, p, 1 - p))
    return loss


def _supported(told: list[Floats]) -> int:
    """Return the least number of groups that predicts almost best; more than one beyond doubt."""
    best = int(np.argmin([each.sum() for each in told]))
    if best == 0 or _doubts(told[0], told[best]) < 2:
        return 1
    return next(k for k in range(1, best + 1) if _doubts(told[k], told[best]) < 1) + 1


def _doubts(one: Floats, other: Floats) -> float:
    """Say how many standard errors the losses of one lie above those of the other."""
    worse = one - other
    return float(worse.mean() / max(worse.std() / np.sqrt(len(worse)), 1e-12))


def _stability(
    votes: Votes, found: Mixture, rng: np.random.Generator, resamples: int
) -> tuple[float, float]:
    """Return how far the groups stay after hiding a fifth of the votes, and half the statements."""
    count = len(found.share)
    enough = np.diff(votes.start) >= LEAST_VOTES
    if not enough.any():
        enough[:] = True

    def again(part: Votes) -> NDArray[np.intp]:
        places = _places(fit(part, dimensions=_PLACES, sweeps=12))
        return mixture(part, count, places, rng).group[enough]

    same = [
        adjusted_rand(found.group[enough], again(split(votes, rng, share=0.2)[0]))
        for _ in range(resamples)
    ]
    apart = []
    for _ in range(max(1, resamples // 2)):
        side = rng.random(len(votes.statements)) < 0.5
        halves = [votes.chosen(side[votes.statement] == half) for half in (True, False)]
        apart.append(adjusted_rand(again(halves[0]), again(halves[1])))
    return float(np.median(same)), float(np.median(apart))
