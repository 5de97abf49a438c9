"""An honest map of opinion: votes on statements in, what is common and what divides out."""

from commonweal.engine.opinion.model import Choice, Model, choose, fit
from commonweal.engine.opinion.votes import Votes, merged

__all__ = ["Choice", "Model", "Votes", "choose", "fit", "merged"]
