"""A few statements that stand for everybody: a choice in proportion, checked."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from commonweal.engine.opinion.model import Floats, Model
from commonweal.engine.opinion.votes import Votes
from commonweal.engine.voting.committee import equal_shares_committee
from commonweal.engine.voting.profile import Profile
from commonweal.engine.voting.proportional import left_out
from commonweal.engine.voting.ties import TieRule

SEATS = 5
MOST_PEOPLE = 1_000
MOST_OPTIONS = 400
LEAST_VOTES = 5.0
_BY_PLACE = TieRule(("most-votes", "id-text"))


@dataclass(frozen=True, eq=False)
class ShortList:
    """A choice of statements in proportion to who agrees with them.

    Parameters
    ----------
    statements : int64 array
        The places of the chosen ones, in the order they were chosen.
    proportional : bool
        No group that could claim a statement for its size was left without (EJR+).
    reached : tuple of float
        Which share of people agrees with at least 1, 2, 3 ... of them, as far as votes and the
        model tell.
    people : int
        How many people, chosen at random, it was worked out on.
    """

    statements: NDArray[np.int64]
    proportional: bool
    reached: tuple[float, ...]
    people: int


def well_known(votes: Votes, allowed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Say which of the allowed statements have enough votes to stand for anybody.

    Thirty votes, or as many as half of the allowed statements have where that is less; never fewer
    than five.
    """
    told = votes.tallies.sum(axis=1)
    usual = float(np.median(told[allowed])) if allowed.any() else 0.0
    known: NDArray[np.bool_] = allowed & (told >= max(LEAST_VOTES, min(30.0, usual)))
    return known


def agreements(votes: Votes, model: Model, allowed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Say who agrees with what: as they voted, or drawn by the model's chances where they did not.

    Drawn and not rounded, so that what four in five would agree with counts four in five and not
    everybody; always the same draw for the same votes. Whoever passed does not agree. Time and
    memory O(people x statements).
    """
    people, statements = len(votes.people), len(votes.statements)
    who, what = np.indices((people, statements)).reshape(2, -1)
    told = votes.tallies.sum(axis=1)
    speak = 1 - np.divide(votes.passes, told, out=np.zeros(statements), where=told > 0)
    chance: Floats = model.probability(who, what).reshape(people, statements) * speak
    rng = np.random.default_rng(0)
    likely = rng.random(chance.shape) < chance
    likely[votes.person, votes.statement] = votes.value > 0
    found: NDArray[np.bool_] = likely & allowed
    return found


def short_list(agree: NDArray[np.bool_], *, seats: int = SEATS) -> ShortList:
    """Choose statements by equal shares, so that a cohesive fifth gets a fifth of them.

    Parameters
    ----------
    agree : bool array, shape (people, statements)
        Who agrees with what.
    seats : int
        How many to choose; fewer where fewer are agreed with by anybody.

    Returns
    -------
    ShortList

    Notes
    -----
    What fewer people agree with than a seat stands for is left out: no group can claim it. Of
    statements with the same supporters one will do. Seats that no group can afford are filled by Phragmén's rule. Time as
    ``equal_shares_committee``.

    References
    ----------
    Peters and Skowron (2020), "Proportionality and the Limits of Welfarism"; Brill and Peters
    (2023), for EJR+; Halpern, Kehne, Procaccia, Tucker-Foltz and Wüthrich (2023), "Representation
    with Incomplete Votes".

    Examples
    --------
    >>> agree = np.array([[1, 1, 0], [1, 1, 0], [1, 1, 0], [0, 0, 1]], dtype=bool)
    >>> found = short_list(agree, seats=2)
    >>> found.statements.tolist(), found.proportional, found.reached
    ([0, 1], True, (0.75, 0.75))
    """
    people = len(agree)
    seats = min(seats, int(agree.any(axis=0).sum()))
    if not seats:
        return ShortList(np.zeros(0, dtype=np.int64), True, (), people)
    options = _candidates(agree, seats)
    what, who = np.nonzero(agree[:, options].T)
    profile = Profile.from_indices(
        options,
        np.ones(len(options), dtype=np.int64),
        project=what,
        voter=who,
        voters=people,
    )
    outcome = equal_shares_committee(profile, seats, ties=_BY_PLACE)
    chosen = options[outcome.order]
    got = agree[:, chosen].sum(axis=1)
    reached = tuple(float((got >= k).mean()) for k in range(1, seats + 1))
    holds = left_out(outcome, "cardinality") is None
    return ShortList(chosen, holds, reached, people)


def _candidates(agree: NDArray[np.bool_], seats: int) -> NDArray[np.int64]:
    """Leave out what no group large enough for a seat agrees with, and all but one of equals."""
    count = agree.sum(axis=0)
    large = np.flatnonzero(count * seats >= len(agree))
    if len(large) < seats:
        large = np.argsort(-count, kind="stable")[:seats]
    else:
        first = np.sort(np.unique(agree[:, large], axis=1, return_index=True)[1])
        large = large[first] if len(first) >= seats else large[: 10 * seats]
    order = np.argsort(-count[large], kind="stable")[:MOST_OPTIONS]
    return np.sort(large[order]).astype(np.int64)
