"""An honest map of opinion: votes on statements in, what is common and what divides out."""

from commonweal.engine.opinion.cliques import Clique
from commonweal.engine.opinion.groups import (
    Groups,
    Mixture,
    adjusted_rand,
    find_groups,
    mixture,
)
from commonweal.engine.opinion.guards import (
    Hangs,
    Without,
    raised,
    sensitivity,
    without,
)
from commonweal.engine.opinion.lists import (
    Listed,
    common_ground,
    dividing_lines,
    special_to_groups,
    unsure,
)
from commonweal.engine.opinion.model import Choice, Model, choose, fit, refreshed
from commonweal.engine.opinion.overview import Overview, overview
from commonweal.engine.opinion.population import Raked, rake
from commonweal.engine.opinion.routing import Bearings, Position, Showing, chances, draw, position
from commonweal.engine.opinion.shares import Shares, discoveries, shares
from commonweal.engine.opinion.short_list import ShortList, short_list
from commonweal.engine.opinion.similar import Similar, similar_statements
from commonweal.engine.opinion.simulate import Simulated, simulate
from commonweal.engine.opinion.texts import Texts
from commonweal.engine.opinion.votes import Votes, merged

__all__ = [
    "Bearings",
    "Choice",
    "Clique",
    "Groups",
    "Hangs",
    "Listed",
    "Mixture",
    "Model",
    "Overview",
    "Position",
    "Raked",
    "Shares",
    "ShortList",
    "Showing",
    "Similar",
    "Simulated",
    "Texts",
    "Votes",
    "Without",
    "adjusted_rand",
    "chances",
    "choose",
    "common_ground",
    "discoveries",
    "dividing_lines",
    "draw",
    "find_groups",
    "fit",
    "merged",
    "mixture",
    "overview",
    "position",
    "raised",
    "rake",
    "refreshed",
    "sensitivity",
    "shares",
    "short_list",
    "similar_statements",
    "simulate",
    "special_to_groups",
    "unsure",
    "without",
]
