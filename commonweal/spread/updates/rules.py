"""Who may follow what."""

from commonweal.ground.challenges.models import Challenge
from commonweal.ground.places.rules import Viewer


def may_follow(viewer: Viewer, challenge: Challenge) -> bool:
    """Tell whether the viewer may be told about a challenge: anyone signed in, once it is public."""
    return (
        viewer.person is not None
        and challenge.is_public
        and challenge.authority_id == viewer.authority.pk
    )
