"""Accounts that act as one: raised for a moderator to look at, and what changes without them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from commonweal.engine.opinion import lists
from commonweal.engine.opinion.bursts import bursts
from commonweal.engine.opinion.cliques import HANDFUL, Clique
from commonweal.engine.opinion.groups import Mixture
from commonweal.engine.opinion.handfuls import handfuls
from commonweal.engine.opinion.lists import Listed
from commonweal.engine.opinion.lookalikes import lookalikes
from commonweal.engine.opinion.model import Floats
from commonweal.engine.opinion.shares import AGREE, DISAGREE, Shares, shares
from commonweal.engine.opinion.templates import followers
from commonweal.engine.opinion.votes import Votes

__all__ = ["Clique", "Hangs", "Without", "raised", "sensitivity", "without"]

LEAST_VOTES = 8
CHANCE = 1e-4
MOST_TESTED = 20


@dataclass(frozen=True, eq=False)
class Without:
    """What becomes of each statement when some accounts are left out.

    Parameters
    ----------
    estimate : float64 array, shape (statements,)
        The share that agrees without them.
    moved : float64 array, shape (statements,)
        By how much that is more than with them.
    turned : bool array, shape (statements,)
        A majority, to agree or to disagree, that is beyond doubt with them and is not without.
    """

    estimate: Floats
    moved: Floats
    turned: NDArray[np.bool_]


@dataclass(frozen=True)
class Hangs:
    """How one headline stands without one clique.

    Parameters
    ----------
    headline : str
        ``common_ground`` or ``dividing``.
    statement : int
        Its place.
    clique : int
        Which clique is left out, by its place; -1 for all of them together.
    estimate, low, high : float
        What the headline would say without them.
    stands : bool
        It would still be on its list.
    """

    headline: str
    statement: int
    clique: int
    estimate: float
    low: float
    high: float
    stands: bool


def raised(
    votes: Votes,
    *,
    times: ArrayLike | None = None,
    dimensions: int = 4,
    least: int = LEAST_VOTES,
    chance: float = CHANCE,
) -> tuple[Clique, ...]:
    """Find accounts that act as one, where that is no accident, for a moderator to look at.

    Parameters
    ----------
    votes : Votes
        All votes.
    times : int array, shape (votes,), optional
        When each vote was cast, in milliseconds. Default: the moments of the votes. Where there are
        none, nothing is said of bursts.
    dimensions : int
        Of the model by which like-minded people are told from copies.
    least : int
        Accounts that agree and disagree less often than this are compared by the few they answer, and
        in bursts.
    chance : float
        Raise only what is expected in fewer honest conversations than this.

    Returns
    -------
    tuple of Clique
        The largest first. Nobody is left out of anything because of it: a moderator decides.

    Notes
    -----
    Copies: accounts meet under keys made of what they said on random statements. Each pair that meets
    gets the log likelihood ratio of one being a copy of the other, nine votes in ten, against two
    people who stand where these stand and vote by themselves; for those the expected ratio is 1,
    which bounds the chance of a large one. The evidence of a crowd is that of all who stand around
    one of them, against the number of ways to choose so many. Where people stand is worked out with
    all but one of each crowd of look-alikes left out, so that a crowd does not vouch for itself.

    Templates: accounts that share votes which were unlikely for both begin a crowd. Its template is estimated
    from it, everybody is held against it (members against that of the others), and so on. A crowd must
    be more likely to follow a template than to vote by themselves, by a model of everybody else and
    against the number of ways to choose so many of those who voted on as much of it; and than to think
    alike, where some statements divide a crowd and others do not.

    The same few: of those who cast three votes and more but fewer than ``least``, nearly all on the same few
    statements, too many said the same there. Which statements they were shown is taken as it is; half
    of them may all come from the place on the map that suits best.

    A burst is more new accounts within ten minutes than come by chance at three times the usual pace,
    of which ten or more vote so much alike that people of whom four in five are of one mind would not;
    or so many who came within ten minutes, said the same on one statement and left, that it is no chance where a quarter of
    newcomers are shown it first, half leave at once and four in five are of one mind.

    What all agree on, and what like-minded people agree on, is no sign. Time O(votes x bands + pairs
    that meet x votes of a person).

    References
    ----------
    Pacheco, Hui, Torres-Lugo, Truong, Flammini and Menczer (2021), "Uncovering Coordinated Networks
    on Social Media"; Broder (1997), "On the resemblance and containment of documents"; Fellegi and
    Sunter (1969), "A Theory for Record Linkage"; Vovk and Wang (2021), "E-values: Calibration,
    combination and applications", for ratios whose expectation is 1.

    Examples
    --------
    >>> rng = np.random.default_rng(1)
    >>> rows = [(i, j, rng.choice([-1, 1])) for i in range(40) for j in range(30)]
    >>> rows += [(90 + k, j, (-1) ** (j // 2)) for k in range(4) for j in range(30)]
    >>> votes = Votes.from_log(*zip(*rows))
    >>> [(c.kind, c.people) for c in raised(votes)]
    [('copies', (40, 41, 42, 43))]
    """
    moments = votes.moment if times is None else np.asarray(times, dtype=np.int64)
    if moments is not None and moments.shape != (len(votes),):
        raise ValueError(f"times has shape {moments.shape}, expected {(len(votes),)}")
    if moments is not None and (not len(moments) or moments.min() == moments.max()):
        moments = None
    begun = None if moments is None else _begun(votes, moments)
    found = lookalikes(votes, begun, dimensions, least, chance)
    found += followers(votes, begun, dimensions, least, chance)
    found += handfuls(votes, begun, dimensions, least, chance)
    if begun is not None:
        found += bursts(votes, begun, chance)
    return _apart(found)


def _begun(votes: Votes, moments: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return when each person began to vote; the largest number for who has not."""
    first = np.full(len(votes.people), np.iinfo(np.int64).max)
    cast = np.diff(votes.start) > 0
    if cast.any():
        first[cast] = np.minimum.reduceat(moments, votes.start[:-1][cast])
    return first


def _apart(found: list[Clique]) -> tuple[Clique, ...]:
    """Sort the cliques, the largest first, and leave out whoever another one mostly holds.

    Of two with as many people a burst comes before the same few, as it also says when.
    """
    kept: list[Clique] = []
    for each in sorted(
        found, key=lambda c: (-len(c.people), c.kind == HANDFUL, c.chance, c.people)
    ):
        mine = set(each.people)
        if not any(2 * len(mine.intersection(other.people)) > len(mine) for other in kept):
            kept.append(each)
    return tuple(kept)


def without(votes: Votes, people: NDArray[np.intp]) -> Without:
    """Say what the shares would be if some accounts had not taken part.

    Parameters
    ----------
    votes : Votes
        All votes.
    people : int array
        The places of those who are left out.

    Returns
    -------
    Without

    Notes
    -----
    Time O(votes).

    References
    ----------
    Cook (1977), "Detection of Influential Observation in Linear Regression", for leaving out.

    Examples
    --------
    >>> votes = Votes.from_log(range(30), [7] * 30, [1] * 20 + [-1] * 10)
    >>> told = without(votes, np.arange(12))
    >>> told.estimate.round(2).tolist(), told.turned.tolist()
    ([0.44], [True])
    """
    stays = np.ones(len(votes.people), dtype=np.bool_)
    stays[people] = False
    here = shares(votes)
    there = shares(votes.chosen(stays[votes.person]))
    sure = [
        (here.low[:, side, 0] > 0.5) & ~(there.low[:, side, 0] > 0.5) for side in (AGREE, DISAGREE)
    ]
    estimate = there.estimate[:, AGREE, 0]
    return Without(estimate, estimate - here.estimate[:, AGREE, 0], sure[0] | sure[1])


def sensitivity(
    votes: Votes,
    cliques: Sequence[Clique],
    *,
    common_ground: Sequence[Listed],
    dividing: Sequence[Listed],
    allowed: NDArray[np.bool_],
    mixture: Mixture | None = None,
    weight: ArrayLike | None = None,
    shown: ArrayLike | None = None,
) -> tuple[Hangs, ...]:
    """Say how each headline stands without each clique, and without all of them.

    Parameters
    ----------
    votes : Votes
        All votes.
    cliques : sequence of Clique
        From :func:`raised`. Of more than 20 the largest are left out one by one.
    common_ground, dividing : sequence of Listed
        The headlines, as they are with everybody.
    allowed : bool array, shape (statements,)
        Which may be listed.
    mixture : Mixture, optional
        The groups, over all people of ``votes``. Default: everybody together.
    weight, shown : arrays, optional
        As in :func:`shares`.

    Returns
    -------
    tuple of Hangs
        For each clique, and last for all together, every headline in its order; empty if there are
        no cliques.

    Notes
    -----
    Groups stay as they are; one of which fewer than five are left is not asked. The lists are made
    again by the same rules. Time O(cliques x votes x groups).

    References
    ----------
    Cook (1977), as in :func:`without`.

    Examples
    --------
    >>> from commonweal.engine.opinion import common_ground
    >>> votes = Votes.from_log(range(40), [7] * 40, [1] * 32 + [-1] * 8)
    >>> every = np.ones(1, dtype=bool)
    >>> listed = common_ground(shares(votes), every)
    >>> crowd = Clique("copies", tuple(range(20)), 20, 1.0, 1.0, 0.5, 0.001)
    >>> told = sensitivity(votes, [crowd], common_ground=listed, dividing=(), allowed=every)
    >>> [(each.clique, round(each.estimate, 2), each.stands) for each in told]
    [(0, 0.6, False), (-1, 0.6, False)]
    """
    asked = [(n, clique.people) for n, clique in enumerate(cliques[:MOST_TESTED])]
    if asked:
        asked.append((-1, tuple({i for clique in cliques for i in clique.people})))
    found: list[Hangs] = []
    for number, people in asked:
        stays = np.ones(len(votes.people), dtype=np.bool_)
        stays[list(people)] = False
        there = _shares_of(votes, stays, mixture, weight, shown)
        found += _hang(number, "common_ground", common_ground, there, allowed)
        found += _hang(number, "dividing", dividing, there, allowed)
    return tuple(found)


def _shares_of(
    votes: Votes,
    stays: NDArray[np.bool_],
    mixture: Mixture | None,
    weight: ArrayLike | None,
    shown: ArrayLike | None,
) -> Shares:
    keep = stays[votes.person]
    given = None if shown is None else np.asarray(shown)[keep]
    if mixture is not None:
        left = np.bincount(mixture.group[stays], minlength=len(mixture.share)) >= min(
            lists.LEAST_VOTES, stays.sum()
        )
        if left.sum() < 2:
            mixture = None
        elif not left.all():
            member = mixture.member[:, left] + 1e-12
            member /= member.sum(axis=1, keepdims=True)
            mixture = Mixture(member, mixture.rate[:, left], mixture.share[left], 0.0)
    return shares(votes.chosen(keep), mixture, weight=weight, shown=given)


def _hang(
    number: int, headline: str, listed: Sequence[Listed], there: Shares, allowed: NDArray[np.bool_]
) -> list[Hangs]:
    if headline == "dividing":
        again = lists.dividing_lines(there, allowed, most=len(allowed))
    else:
        again = lists.common_ground(there, allowed, most=len(allowed))
    # what lay between groups is no more where one group is left
    alike = [
        entry
        for entry in again
        if headline != "dividing"
        or not listed
        or (entry.group is None) == (listed[0].group is None)
    ]
    still = {(entry.statement, entry.side): entry for entry in alike}
    found = []
    for entry in listed:
        now = still.get((entry.statement, entry.side))
        numbers = now or _as_it_is(headline, entry, there)
        found.append(
            Hangs(
                headline, entry.statement, number, numbers.estimate, numbers.low, numbers.high,
                now is not None,
            )
        )  # fmt: skip
    return found


def _as_it_is(headline: str, entry: Listed, there: Shares) -> Listed:
    """Return what the headline would say although it is on no list."""
    if headline == "dividing":
        return lists.gap_of(there, entry.statement)
    return lists.entry_of(there, entry.statement, entry.side)
