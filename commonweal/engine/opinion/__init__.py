"""An honest map of opinion: votes on statements in, what is common and what divides out."""

from commonweal.engine.opinion.groups import (
    Groups,
    Mixture,
    adjusted_rand,
    find_groups,
    mixture,
)
from commonweal.engine.opinion.model import Choice, Model, choose, fit
from commonweal.engine.opinion.votes import Votes, merged

__all__ = [
    "Choice",
    "Groups",
    "Mixture",
    "Model",
    "Votes",
    "adjusted_rand",
    "choose",
    "find_groups",
    "fit",
    "merged",
    "mixture",
]
