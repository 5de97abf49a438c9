"""An honest map of opinion: votes on statements in, what is common and what divides out."""

from commonweal.engine.opinion.votes import Votes, merged

__all__ = ["Votes", "merged"]
