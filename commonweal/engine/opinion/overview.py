"""The whole map of a conversation in one call."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from commonweal.engine.opinion import lists
from commonweal.engine.opinion.groups import MOST_PEOPLE, Groups, Mixture, find_groups
from commonweal.engine.opinion.lists import Listed
from commonweal.engine.opinion.model import Choice, Floats, Model, fit, some_people, tried
from commonweal.engine.opinion.shares import Shares, shares
from commonweal.engine.opinion.short_list import (
    SEATS,
    ShortList,
    agreements,
    most_people,
    short_list,
    well_known,
)
from commonweal.engine.opinion.votes import Votes

LARGE = 250_000
MANY = 100_000
SAMPLE, MOST_SAMPLE = 50_000, 300_000
VAST = 1_000_000


@dataclass(frozen=True, eq=False)
class Overview:
    """Everything that is said of a conversation.

    Parameters
    ----------
    votes : Votes
        What was counted.
    choice : Choice
        How the dimensions were chosen, and on how many people.
    model : Model
        Where everybody stands.
    groups : Groups
        What was found about groups.
    overall, by_group : Shares
        How votes split; the same where there is one group.
    common_ground, dividing, group_statements, unsure : tuple of Listed
        The lists.
    short_list : ShortList
        The choice in proportion.
    """

    votes: Votes
    choice: Choice
    model: Model
    groups: Groups
    mixture: Mixture
    overall: Shares
    by_group: Shares
    common_ground: tuple[Listed, ...]
    dividing: tuple[Listed, ...]
    group_statements: tuple[Listed, ...]
    unsure: tuple[Listed, ...]
    short_list: ShortList

    @property
    def member(self) -> Floats:
        """How likely everybody belongs to each group; float64 array, shape (people, groups)."""
        return self.mixture.member

    @property
    def sizes(self) -> NDArray[np.int64]:
        """How many people are likeliest in each group."""
        return np.bincount(self.member.argmax(axis=1), minlength=self.groups.count)


def fitted(votes: Votes, rng: np.random.Generator) -> tuple[Model, Choice, NDArray[np.intp]]:
    """Choose the dimensions and fit the model; of a large conversation, begin on a sample.

    Parameters
    ----------
    votes : Votes
        Any number.
    rng : Generator
        Says which votes are hidden and who is in the sample.

    Returns
    -------
    Model, Choice, int array
        The last are the places of the people in the sample; of all people where there are no more
        than 250,000 votes.

    Notes
    -----
    With more votes the number of dimensions is chosen on as many people as have about
    50,000, or one in 150 where that is more, and
    the model of those is where two passes over everybody begin, one where there are more than a
    million votes.

    References
    ----------
    As :func:`fit` and :func:`choose`.

    Examples
    --------
    >>> votes = Votes.from_log([1, 1, 2], [7, 8, 7], [1, -1, 1])
    >>> model, choice, people = fitted(votes, np.random.default_rng(0))
    >>> model.dimensions, choice.people, people.tolist()
    (0, 2, [0, 1])
    """
    if len(votes) <= LARGE:
        choice, start = tried(votes, rng, folds=3 if len(votes) <= MANY else 1, sweeps=20)
        return fit(votes, warm=start), choice, np.arange(len(votes.people))
    people = some_people(votes, rng, most_votes=max(SAMPLE, min(MOST_SAMPLE, len(votes) // 150)))
    choice, start = tried(votes.among(people), rng, folds=1, sweeps=5, quick=True)
    return fit(votes, sweeps=2 if len(votes) <= VAST else 1, warm=start), choice, people


def overview(
    votes: Votes,
    rng: np.random.Generator,
    *,
    rejected: ArrayLike = (),
    weight: ArrayLike | None = None,
    shown: ArrayLike | None = None,
    seats: int = SEATS,
) -> Overview:
    """Map a conversation.

    Parameters
    ----------
    votes : Votes
        Any number, none too.
    rng : Generator
        The same votes and the same generator give the same map.
    rejected : array, optional
        Names of statements that are on no list. Votes on them still tell where people stand.
    weight, shown : arrays, optional
        As in :func:`shares`.
    seats : int
        How many statements the short list has.

    Returns
    -------
    Overview

    Notes
    -----
    Above 250,000 votes, dimensions are chosen on a sample, and number of groups and stability are
    worked out on 1,000 people of it; the short list on 300 to 1,000 of all. Time O(votes), memory O(votes + people).

    References
    ----------
    As the functions it calls.

    Examples
    --------
    >>> votes = Votes.from_log([n for n in range(30)], [7] * 30, [1] * 27 + [-1] * 3)
    >>> found = overview(votes, np.random.default_rng(0))
    >>> found.groups.count, [s.statement for s in found.common_ground]
    (1, [0])
    """
    model, choice, sampled = fitted(votes, rng)
    large = len(votes) > LARGE
    if large and len(sampled) > MOST_PEOPLE:
        sampled = np.sort(rng.choice(sampled, MOST_PEOPLE, replace=False))
    sample, near = (votes.among(sampled), model.of(sampled)) if large else (votes, model)
    groups = find_groups(
        sample,
        rng,
        model=near,
        resamples=3 if large else 7,
        whole=(votes, model) if large else None,
    )
    mixture = groups.mixture
    overall = shares(votes, weight=weight, shown=shown)
    split = groups.count > 1
    by_group = shares(votes, mixture, weight=weight, shown=shown) if split else overall
    allowed = ~np.isin(votes.statements, np.asarray(rejected)) & (votes.tallies.sum(axis=1) > 0)
    people = np.arange(len(votes.people))
    most = most_people(len(votes.statements))
    if len(people) > most:
        people = np.sort(rng.choice(len(people), most, replace=False))
    known = well_known(votes, allowed)
    agree = agreements(votes, model, people, known)
    return Overview(
        votes,
        choice,
        model,
        groups,
        mixture,
        overall,
        by_group,
        lists.common_ground(by_group, allowed),
        lists.dividing_lines(by_group, allowed),
        lists.special_to_groups(by_group, allowed),
        lists.unsure(overall, allowed),
        short_list(agree, seats=seats),
    )
