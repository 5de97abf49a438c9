"""Who may set up, vote in and count a pot. Everything here fails closed."""

from __future__ import annotations

from commonweal.decide.budgets.models import Pot
from commonweal.ground.challenges.models import Challenge
from commonweal.ground.places.models import Community
from commonweal.ground.places.rules import Viewer, may_lead


def may_set_up(viewer: Viewer, challenge: Challenge, community: Community) -> bool:
    """Tell whether the viewer may put a pot of this challenge before this community."""
    at_home = challenge.authority_id == community.authority_id == viewer.authority.pk
    return at_home and may_lead(viewer, challenge.community) and may_lead(viewer, community)


def may_run(viewer: Viewer, pot: Pot) -> bool:
    """Tell whether the viewer may change, check and count this pot."""
    return pot.authority_id == viewer.authority.pk and may_lead(viewer, pot.community)
