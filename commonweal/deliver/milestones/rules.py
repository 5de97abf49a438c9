"""Who may say how a delivery goes. Everything here fails closed."""

from __future__ import annotations

from commonweal.decide.budgets.rules import may_run
from commonweal.deliver.milestones import queries
from commonweal.deliver.milestones.models import Delivery
from commonweal.ground.places.rules import Viewer, may_moderate


def may_name(viewer: Viewer, delivery: Delivery) -> bool:
    """Tell whether the viewer may write down who runs it: those who may run its pot."""
    return may_run(viewer, delivery.project.pot)


def may_tell(viewer: Viewer, delivery: Delivery) -> bool:
    """Tell whether the viewer may say how it goes: who runs the pot, or is in who runs the project."""
    if delivery.authority_id != viewer.authority.pk or viewer.person is None:
        return False
    return may_name(viewer, delivery) or queries.runs(viewer, delivery)


def may_hide(viewer: Viewer, delivery: Delivery) -> bool:
    """Tell whether the viewer may hide what somebody told: the moderators of its place."""
    at_home = delivery.authority_id == viewer.authority.pk
    return at_home and may_moderate(viewer, delivery.project.pot.community)
