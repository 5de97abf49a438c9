"""Compile the inner loops once, at set-up, so that no map waits for it: ``python -m`` this module."""

import numpy as np

from commonweal.engine.opinion.groups import mixture
from commonweal.engine.opinion.model import fit
from commonweal.engine.opinion.shares import shares
from commonweal.engine.opinion.votes import Votes


def warm() -> None:
    """Load all machine code, and compile what is not there; it is kept on disk."""
    for moment in (None, [1, 2]):
        votes = Votes.from_log([1, 2], [1, 1], [1, -1], moment=moment)
    model = fit(votes, sweeps=1)
    model.probability([0], [0])
    shares(votes, mixture(votes, 2, model.positions, np.random.default_rng(0)))


if __name__ == "__main__":
    warm()
