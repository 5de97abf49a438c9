"""Compile the inner loops once, at set-up, so that no map waits for it: ``python -m`` this module."""

import numpy as np

from commonweal.engine.opinion import camps, guard_kernel, template_kernel
from commonweal.engine.opinion.groups import mixture
from commonweal.engine.opinion.guards import raised
from commonweal.engine.opinion.model import fit
from commonweal.engine.opinion.shares import shares
from commonweal.engine.opinion.votes import Votes


def warm() -> None:
    """Load all machine code, and compile what is not there; it is kept on disk."""
    for moment in (None, [1, 2]):
        votes = Votes.from_log([1, 2], [1, 1], [1, -1], moment=moment)
    model = fit(votes, sweeps=1)
    model.probability([0], [0])
    _warm_guards(votes)
    camps.divided(votes, camps.places_of(votes), 2, np.random.default_rng(0))
    shares(votes, mixture(votes, 2, model.positions, np.random.default_rng(0)))


def _warm_guards(votes: Votes) -> None:
    """Look for accounts that act as one among some that do not."""
    log = [(i, j, (i * j) % 2 * 2 - 1) for i in range(30) for j in range(9)]
    log += [(100 + i, j, (-1) ** j) for i in range(10) for j in range(9)]
    raised(Votes.from_log(*zip(*log, strict=True)))
    loops, chance = template_kernel.compiled(), np.ones(len(votes), dtype=np.float32)
    count, ratio = np.zeros((len(votes.statements), 2)), np.zeros(len(votes.people))
    usual, said = count[:, 0].copy(), np.zeros(len(votes.people), dtype=np.int64)
    cast = (votes.start, votes.statement, votes.value)
    everybody = np.arange(len(votes.people))
    loops.counted(*cast, chance, everybody, count, usual)
    inside = np.zeros(len(votes.people), dtype=np.bool_)
    loops.followed(*cast, chance, inside, count, usual, 1, 0.1, ratio, said)
    key = np.empty((1, len(votes.people)), dtype=np.uint64)
    rank = np.zeros((1, len(votes.statements)), dtype=np.int64)
    people = np.arange(len(votes.people))
    guard_kernel.compiled().keys(votes.start, votes.statement, votes.value, people, rank, 5, key)


if __name__ == "__main__":
    warm()
