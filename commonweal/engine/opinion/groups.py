"""Opinion groups: how many the votes support, one included, and who belongs where."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.opinion import camps, group_kernel
from commonweal.engine.opinion.camps import near
from commonweal.engine.opinion.model import (
    Floats,
    Model,
    doubts,
    fit,
    log_loss,
    refitted,
    sample_of,
    split,
    tried,
)
from commonweal.engine.opinion.votes import Votes

MOST_GROUPS = 8
STARTS = 6
CLEAR = 0.9
FAR_CLOUDS_STAY = 0.5
UNSTABLE = 0.3
ALIKE = 0.2
SMALLEST = 20
AS_GOOD, FAR_FROM = 1.015, 1.04
LEAST_VOTES = 7
LEAST_PEOPLE = 10
MOST_PEOPLE = 1_000
APART, FAR_APART = 3.8, 6.0  # standard deviations; halves of something even lie 3.5 apart
_FOLDS = 2
_SURE = 2.5  # standard errors
_MUCH = 0.05  # of all that groups explain
_FIRM = 5.0  # people
_TRIES, _PLACES = 2, 4
_WIDEST, _WIDER = 6, 80_000
_SWEEPS, _AGAIN = 12, 2
_Shape = tuple[Floats, Floats, Floats]
_PRIOR = 4.0  # votes of everybody that each group's rate begins with
_FEW, _QUICK, _MORE, _LONG = 3, 5, 20, 40
_OFTEN = 4  # times as often are a few votes hidden, since it takes so little


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
class Clouds:
    """Groups as clouds of people on a map: normal distributions of one shape.

    Parameters
    ----------
    centre : float64 array, shape (groups, dimensions)
        The middle of each.
    cover : float64 array, shape (dimensions, dimensions)
        How people lie around it, a covariance.
    share : float64 array, shape (groups,)
        How large each is; the largest is first.
    model : Model
        The map.
    """

    centre: Floats
    cover: Floats
    share: Floats
    model: Model

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.share)

    @property
    def apart(self) -> float:
        """How far the two closest lie apart, in standard deviations of a cloud."""
        scaled = np.linalg.solve(np.linalg.cholesky(self.cover), self.centre.T).T
        rows, columns = np.triu_indices(len(scaled), 1)
        return float(np.sqrt(((scaled[rows] - scaled[columns]) ** 2).sum(axis=1)).min())

    def members(self, votes: Votes, *, placed: Model | None = None) -> Floats:
        """Return how likely each person belongs to each group; shape (people, groups).

        People are placed on the map by these votes, unless ``placed`` has them already. Time
        O(votes).
        """
        model = placed or refitted(self.model, votes)
        return _climb(_seen(model), (self.centre, self.cover, self.share), 0)[1]


@dataclass(frozen=True, eq=False)
class Groups:
    """What was found about groups.

    Parameters
    ----------
    count : int
        How many groups the votes support; 1 if people differ by degree or not at all, or if more
        groups fall apart when some votes are hidden.
    clear : bool
        More than one, nearly everybody stays in their group when a fifth of the votes is hidden, and
        both halves of the statements show the same groups to some degree.
    mixture : Mixture
        With ``count`` groups, over everybody.
    stability : float or None
        Adjusted Rand index between the groups and those found after hiding a fifth of the votes,
        the median of several times. None if one group explains best, so that nothing can be stable.
    halves : float or None
        The same between groups found from one half of the statements and from the other.
    losses : tuple of float
        By how much 1, 2, 3 ... groups explain worse than one where people stand who were left out:
        the mean log density, negative where they explain better.
    people : int
        How many people, chosen at random, number and stability were worked out on.
    clouds : Clouds or None
        The groups on the map. None if there is one group, or if all in a group vote alike but for
        chance, so that votes say better than places who belongs there.
    """

    count: int
    clear: bool
    mixture: Mixture
    stability: float | None
    halves: float | None
    losses: tuple[float, ...]
    people: int
    clouds: Clouds | None = None

    @property
    def without(self) -> float:
        """The loss without groups, which is that of one."""
        return self.losses[0]


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
        return _alone(votes)
    starts = [_soft(near(places, count, rng), count) for _ in range(STARTS)]
    best = max((_ended(votes, start, _QUICK) for start in starts), key=lambda m: m.likelihood)
    return _ended(votes, best.member, _LONG)


def _alone(votes: Votes) -> Mixture:
    """Return everybody as one group."""
    agree, disagree = votes.agrees, votes.disagrees
    counts = np.stack((disagree, agree), axis=1)[:, :, None].astype(np.float64)
    overall = ((agree + 1) / (agree + disagree + 2))[:, None]
    rate, share = _rates(counts, np.array([float(len(votes.people))]), overall)
    likelihood = float((agree * np.log(rate[:, 0]) + disagree * np.log(1 - rate[:, 0])).sum())
    return Mixture(np.ones((len(votes.people), 1)), rate, share, likelihood)


def _soft(group: NDArray[np.intp], count: int) -> Floats:
    return 0.1 / count + 0.9 * np.eye(count)[group]


def _ended(votes: Votes, member: Floats, steps: int, *, spread: Votes | None = None) -> Mixture:
    """Go up the likelihood from these memberships: of these votes, or of those it spreads to."""
    counts = np.zeros((len(votes.statements), 3, member.shape[1]))
    group_kernel.compiled().counts(votes.start, votes.statement, votes.value, member, counts)
    return _climbed(spread or votes, counts[:, ::2].copy(), member.sum(axis=0), steps)


def _climbed(
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
    votes: Votes,
    rng: np.random.Generator,
    *,
    model: Model,
    resamples: int = 5,
    whole: tuple[Votes, Model] | None = None,
) -> Groups:
    """Find how many groups there are, one included, and whether they are clear.

    Parameters
    ----------
    votes : Votes
        All of them, or those of a sample of people.
    rng : Generator
        Says who is left out, which votes are hidden and where to begin.
    model : Model
        Of these votes, with as many dimensions as predict best.
    resamples : int
        How often a fifth of the votes is hidden to see what is stable.
    whole : pair of Votes and Model, optional
        The whole conversation, if ``votes`` and ``model`` are of a sample of its people: what is
        known of statements is known from there, and the groups found are brought to everybody.

    Returns
    -------
    Groups

    Notes
    -----
    Groups are clouds of people on the map. One more is believed if it tells better where people
    stand who were left out, beyond doubt, and if no two clouds run into each other: people who
    differ by degree are one cloud. What is not known of a person's place is taken into account, so
    those with few votes make no clouds. If everybody in a group votes alike but for chance, which is
    so if groups predict hidden votes as well as the map, people are placed by the groups' votes
    themselves. Time O(people x groups^2 x dimensions^3), and O(votes x resamples).

    References
    ----------
    Bovy, Hogg and Roweis (2011), "Extreme deconvolution: inferring complete distribution functions
    from noisy, heterogeneous and incomplete observations"; Goodman (1974), as in :func:`mixture`;
    Hennig (2007), "Cluster-wise assessment of cluster stability", and (2010), "Methods for merging
    Gaussian mixture components".

    Examples
    --------
    >>> votes = Votes.from_log([1, 1, 2, 2], [7, 8, 7, 8], [1, -1, 1, -1])
    >>> found = find_groups(votes, np.random.default_rng(1), model=fit(votes, dimensions=0))
    >>> found.count, found.clear
    (1, False)
    """
    people = len(votes.people)
    everybody = votes if whole is None else whole[0]
    one = _alone(everybody)
    believed, losses = _believed(votes, model, everybody, rng)
    close = whole is None and camps.small(votes)
    if close:
        kinds, by_camps = camps.found_camps(votes, rng)
        fewer = 2 if kinds is None else kinds.at.shape[1]
        if believed and believed[-1].count > fewer:
            kinds = camps.likelier(votes, believed[-1].count, rng) or kinds
        if kinds is not None:
            return _of_camps(votes, kinds, by_camps, one, resamples, rng)
    if not believed:
        return Groups(1, False, one, None, None, losses, people)
    enough, clouds = _enough(votes), believed[-1]
    parts = list(_parts(votes, clouds.model, rng, resamples, whole is not None))
    found, kept = _kept_alike(
        votes, clouds, parts, enough, None if whole is None else everybody, rng
    )
    alike = found is not None
    if alike and close:  # but differing by degree tells their votes as well
        return Groups(1, False, one, None, None, losses, people)
    stays = alike and float(np.median(kept)) >= UNSTABLE
    if not alike:
        clouds, kept, stays = _that_stay(votes, believed, parts, enough, whole is not None, rng)
    stability, halves = float(np.median(kept)), _halves(votes, clouds, enough, rng)
    if not stays:
        return Groups(1, False, one, stability, halves, losses, people)
    if found is None:
        placed = clouds.model if whole is None else whole[1] if clouds.model is model else None
        found = _of_members(everybody, clouds.members(everybody, placed=placed))
    clear = stability >= CLEAR and halves >= ALIKE
    return Groups(
        clouds.count,
        clear,
        found,
        stability,
        halves,
        losses,
        people,
        None if alike else clouds,
    )


def _believed(
    votes: Votes, model: Model, everybody: Votes, rng: np.random.Generator
) -> tuple[list[Clouds], tuple[float, ...]]:
    """Return every number of clouds that is believed, on a map that is wide enough, and the losses."""
    believed, losses = _counted(model, rng)
    while believed and believed[-1].count > model.dimensions < _WIDEST:
        # as many groups as fit into so few directions: there may be more
        first = model.dimensions + 1
        some = votes if everybody is votes else sample_of(everybody, rng, most_votes=_WIDER)
        model = fit(some, dimensions=min(_WIDEST, believed[-1].count + 2), sweeps=_SWEEPS)
        placed = model if some is votes else refitted(model, votes)
        more, told = _counted(placed, rng, first=first)
        if not more or min(told) >= min(losses):
            break
        believed = [clouds for clouds in believed if clouds.count < first] + more
        losses = losses[: first - 1] + told
    return believed, losses


def _enough(votes: Votes) -> NDArray[np.bool_]:
    """Say who voted often enough to be placed."""
    enough = np.diff(votes.start) >= LEAST_VOTES
    return enough if enough.any() else ~enough


def _of_camps(
    votes: Votes,
    told: camps.Told,
    losses: tuple[float, ...],
    one: Mixture,
    resamples: int,
    rng: np.random.Generator,
) -> Groups:
    """Say how far the camps of a small conversation stay, and so whether they are groups."""
    enough, people, count = _enough(votes), len(votes.people), told.at.shape[1]
    found = _of_members(votes, told.at)

    def again(some: Votes) -> NDArray[np.intp]:
        told_again = camps.divided(some, camps.places_of(some), count, rng)
        group: NDArray[np.intp] = told_again.at.argmax(axis=1)[enough]
        return group

    parts = (split(votes, rng, share=0.2)[0] for _ in range(_OFTEN * resamples))
    stability = float(
        np.median([adjusted_rand(found.group[enough], again(part)) for part in parts])
    )
    side = rng.random(len(votes.statements)) < 0.5
    halves = adjusted_rand(
        *(again(votes.chosen(side[votes.statement] == half)) for half in (True, False))
    )
    if stability < UNSTABLE:
        return Groups(1, False, one, stability, halves, losses, people)
    clear = stability >= CLEAR and halves >= ALIKE
    return Groups(count, clear, found, stability, halves, losses, people)


def _seen(model: Model) -> tuple[Floats, Floats]:
    """Return what votes alone tell of where everybody stands, as the inner loop reads it."""
    people, dimensions = len(model.mean) - 1, model.dimensions
    pull = np.empty((people, dimensions))
    sharp = np.empty((people, dimensions * (dimensions + 1) // 2))
    group_kernel.compiled().seen(model.mean[:-1], model.spread[:-1], pull, sharp)
    return pull, sharp


def _climb(
    seen: tuple[Floats, Floats],
    clouds: _Shape,
    steps: int,
    use: NDArray[np.bool_] | None = None,
) -> tuple[_Shape, Floats, Floats]:
    """Go up the likelihood; return the clouds, and membership and log density of everybody used."""
    pull, sharp = seen
    if use is None:
        use = np.ones(len(pull), dtype=np.bool_)
    centre, cover, share = (each.copy() for each in clouds)
    member, told = np.zeros((len(pull), len(share))), np.zeros(len(pull))
    group_kernel.compiled().clouds(
        pull, sharp, use, centre, cover, share, steps, 1e-4, _FIRM, member, told
    )
    return (centre, cover, share), member, told


def _begun(places: Floats, count: int, rng: np.random.Generator) -> _Shape:
    """Return clouds around people who are close together."""
    group = near(places, count, rng, starts=_PLACES)
    size = np.bincount(group, minlength=count)
    summed = np.column_stack([np.bincount(group, weights=x, minlength=count) for x in places.T])
    centre: Floats = summed / np.maximum(size, 1)[:, None]
    apart = places - centre[group]
    cover = apart.T @ apart / len(places) + 0.05 * np.eye(places.shape[1])
    return centre, cover, (size + 1) / (len(places) + count)


def _highest(
    seen: tuple[Floats, Floats], places: Floats, count: int, rng: np.random.Generator
) -> tuple[_Shape, Floats, Floats]:
    """Go up from several starts, and from the best of them to the end."""
    starts = [
        _climb(seen, _begun(places, count, rng), _QUICK) for _ in range(_TRIES if count > 1 else 1)
    ]
    best = max(starts, key=lambda found: float(found[2].sum()))
    return _climb(seen, best[0], _MORE)


def _counted(
    model: Model, rng: np.random.Generator, *, first: int = 2
) -> tuple[list[Clouds], tuple[float, ...]]:
    """Find how many clouds there are: every number that is believed, rising, from the first to try.

    Also return the losses: of one cloud, unless fewer are known already, and of those tried.
    """
    whole = model
    people = len(model.positions)
    if people > MOST_PEOPLE:
        model = model.of(np.sort(rng.choice(people, MOST_PEOPLE, replace=False)))
        people = MOST_PEOPLE
    places = model.positions
    if not model.dimensions or people < 2 * SMALLEST:
        return [], (0.0,)
    seen = _seen(model)
    fold = rng.integers(0, _FOLDS, people)
    found = _highest(seen, places, 1, rng)
    single = best = _left_out(seen, found[0], fold)
    kept: list[Clouds] = []
    losses, failed = [0.0] if first == 2 else [], 0
    for count in range(first, min(MOST_GROUPS, people // SMALLEST) + 1):
        shape, member, _told = _highest(seen, places, count, rng)
        told = _left_out(seen, shape, fold)
        losses.append(float((single - told).mean()))
        large = member.sum(axis=0).min() >= LEAST_PEOPLE
        sure = doubts(-best, -told) > _SURE
        much = (told - best).sum() > _MUCH * (told - single).sum()
        centre, cover, share = shape
        order = np.argsort(-share, kind="stable")
        clouds = Clouds(centre[order], cover, share[order], whole)
        if large and sure and much and clouds.apart >= APART:
            best, failed = told, 0
            kept.append(clouds)
        else:
            failed += 1
        if failed == 2:
            break
    return kept, tuple(losses)


def _left_out(seen: tuple[Floats, Floats], clouds: _Shape, fold: NDArray[np.int64]) -> Floats:
    """Return the log density of everybody by clouds that were fitted to others."""
    out = np.empty(len(fold))
    for part in range(_FOLDS):
        here = fold == part
        known = _climb(seen, clouds, _QUICK, ~here)[0]
        out[here] = _climb(seen, known, 0, here)[2][here]
    return out


@dataclass(frozen=True, eq=False)
class _Part:
    """What a fifth was hidden of, and the map of the rest."""

    known: Votes
    hidden: NDArray[np.bool_]
    model: Model


def _parts(
    votes: Votes, model: Model, rng: np.random.Generator, times: int, by_others: bool
) -> Iterator[_Part]:
    """Hide a fifth, several times; if the map is known by others too, it stays as it is."""
    for _ in range(times):
        known, hidden = split(votes, rng, share=0.2)
        again = refitted(model, known) if by_others else fit(known, sweeps=_AGAIN, warm=model)
        yield _Part(known, hidden, again)


def _kept_alike(
    votes: Votes,
    clouds: Clouds,
    parts: Iterable[_Part],
    enough: NDArray[np.bool_],
    everybody: Votes | None,
    rng: np.random.Generator,
) -> tuple[Mixture | None, list[float]]:
    """See whether groups that vote alike but for chance predict what is hidden as well as the map.

    Returns those groups, over everybody if there are others, and how far they stay; or None, as soon
    as they predict far worse.
    """
    by_map = by_group = 0.0
    again: list[NDArray[np.intp]] = []
    begin = clouds.members(votes, placed=clouds.model)
    known = None if everybody is None else _ended(votes, begin, _FEW, spread=everybody)
    for part in parts:
        if known is None:
            near = _highest(_seen(part.model), part.model.positions, clouds.count, rng)[1]
            found = _ended(part.known, near, _LONG)
        else:
            found = _by_rates(known, part.known)
        again.append(found.group)
        by_map += log_loss(part.model, votes, part.hidden)[0]
        by_group += float(_loss_of_each(found, votes, part.hidden & (votes.value != 0)).sum())
        if by_group > FAR_FROM * by_map:
            break
    if by_group > AS_GOOD * by_map:
        return None, []
    here = _ended(votes, begin, _LONG) if known is None else _by_rates(known, votes)
    kept = [adjusted_rand(here.group[enough], group[enough]) for group in again]
    return known or here, kept


def _by_rates(known: Mixture, votes: Votes) -> Mixture:
    """Place people by how often groups agree that are known already."""
    member = np.empty((len(votes.people), len(known.share)))
    chance = np.log(np.stack((1 - known.rate, known.rate), axis=1))
    none = np.zeros((0, 2, len(known.share)))
    likelihood = group_kernel.compiled().step(
        votes.start, votes.statement, votes.value, chance, np.log(known.share), member, none
    )
    return Mixture(member, known.rate, known.share, likelihood)


def _that_stay(
    votes: Votes,
    believed: Sequence[Clouds],
    parts: Sequence[_Part],
    enough: NDArray[np.bool_],
    by_others: bool,
    rng: np.random.Generator,
) -> tuple[Clouds, list[float], bool]:
    """Return the most clouds that stay if all is found anew without a fifth of the votes.

    Also how far they stay, and whether that is far enough; if none do, the most that were believed.
    More of their people have to stay if clouds are not far apart from each other.
    """
    again = [_again(part, by_others, rng) for part in parts]
    found = []
    for clouds in reversed(believed):
        group = clouds.members(votes, placed=clouds.model).argmax(axis=1)
        kept = []
        for part, others in zip(parts, again, strict=True):
            same = next((other for other in others if other.count == clouds.count), None)
            if same is None:
                kept.append(0.0)
                continue
            there = same.members(part.known, placed=same.model).argmax(axis=1)
            kept.append(adjusted_rand(group[enough], there[enough]))
        found.append((clouds, kept, False))
        if np.median(kept) >= (CLEAR if clouds.apart < FAR_APART else FAR_CLOUDS_STAY):
            return clouds, kept, True
    return found[0]


def _again(part: _Part, by_others: bool, rng: np.random.Generator) -> list[Clouds]:
    """Find clouds as they are found at first: even how many directions there are may change."""
    if by_others:
        return _counted(part.model, rng)[0]
    _choice, start = tried(part.known, rng, folds=1, sweeps=20)
    return _believed(part.known, fit(part.known, warm=start), part.known, rng)[0]


def _halves(
    votes: Votes, clouds: Clouds, enough: NDArray[np.bool_], rng: np.random.Generator
) -> float:
    """Return how far either half of the statements alone puts people into the same groups."""
    side = rng.random(len(votes.statements)) < 0.5
    one, other = (
        clouds.members(votes.chosen(side[votes.statement] == half)).argmax(axis=1)[enough]
        for half in (True, False)
    )
    return adjusted_rand(one, other)


def _of_members(votes: Votes, member: Floats) -> Mixture:
    """Return the mixture of these memberships, the largest group first."""
    counts = np.zeros((len(votes.statements), 3, member.shape[1]))
    group_kernel.compiled().counts(votes.start, votes.statement, votes.value, member, counts)
    agree, disagree = votes.agrees, votes.disagrees
    overall = ((agree + 1) / (agree + disagree + 2))[:, None]
    rate, share = _rates(counts[:, ::2], member.sum(axis=0), overall)
    order = np.argsort(-share, kind="stable")
    return Mixture(member[:, order], rate[:, order], share[order], 0.0)


def _loss_of_each(found: Mixture, votes: Votes, hidden: NDArray[np.bool_]) -> Floats:
    who, what = votes.person[hidden], votes.statement[hidden]
    p = (found.member[who] * found.rate[what]).sum(axis=1)
    loss: Floats = -np.log(np.where(votes.value[hidden] > 0, p, 1 - p))
    return loss
