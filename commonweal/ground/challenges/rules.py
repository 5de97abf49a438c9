"""Who may set up and change a challenge."""

from commonweal.ground.challenges import queries
from commonweal.ground.challenges.models import Challenge
from commonweal.ground.places import rules as places
from commonweal.ground.places.rules import Viewer


def may_lead(viewer: Viewer, challenge: Challenge) -> bool:
    """Tell whether the viewer may change this challenge, its outcomes, dates and money."""
    return challenge.authority_id == viewer.authority.pk and places.may_lead(
        viewer, challenge.community
    )


def may_read(viewer: Viewer, challenge: Challenge) -> bool:
    """Tell whether the viewer may read it: everyone once it is published."""
    return challenge.authority_id == viewer.authority.pk and (
        challenge.is_public or may_lead(viewer, challenge)
    )


def may_set_up(viewer: Viewer) -> bool:
    """Tell whether the viewer leads anywhere here, and so may begin a challenge."""
    return bool(queries.seats_of(viewer))
