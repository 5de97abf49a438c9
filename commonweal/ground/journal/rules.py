"""Who may read the whole record."""

from commonweal.ground.places.models import RoleKind
from commonweal.ground.places.rules import Viewer


def may_check(viewer: Viewer) -> bool:
    """Tell whether the viewer audits or administers anywhere here."""
    return any(role.kind in (RoleKind.AUDITOR, RoleKind.ADMINISTRATOR) for role in viewer.roles)
