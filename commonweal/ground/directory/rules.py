"""Who may enter and change services."""

from commonweal.ground.directory.models import Service
from commonweal.ground.places import rules as places
from commonweal.ground.places.models import RoleKind, StandingKind
from commonweal.ground.places.rules import Viewer


def may_add_somewhere(viewer: Viewer) -> bool:
    """Tell whether there is any community in which the viewer may enter services."""
    leads = any(standing.kind == StandingKind.SERVICE_LEADER for standing in viewer.standings)
    return leads or any(
        role.kind in (RoleKind.ADMINISTRATOR, RoleKind.CLERK) for role in viewer.roles
    )


def may_change(viewer: Viewer, service: Service) -> bool:
    """Tell whether the viewer may change what is said about a service."""
    return places.may_lead(viewer, service.community)
