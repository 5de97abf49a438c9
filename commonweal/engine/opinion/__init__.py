"""An honest map of opinion: votes on statements in, what is common and what divides out."""

from commonweal.engine.opinion.groups import (
    Groups,
    Mixture,
    adjusted_rand,
    find_groups,
    mixture,
)
from commonweal.engine.opinion.model import Choice, Model, choose, fit
from commonweal.engine.opinion.population import Raked, rake
from commonweal.engine.opinion.shares import Shares, discoveries, shares
from commonweal.engine.opinion.votes import Votes, merged

__all__ = [
    "Choice",
    "Groups",
    "Mixture",
    "Model",
    "Raked",
    "Shares",
    "Votes",
    "adjusted_rand",
    "choose",
    "discoveries",
    "find_groups",
    "fit",
    "merged",
    "mixture",
    "rake",
    "shares",
]
