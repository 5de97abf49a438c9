"""Who may set up and run a pot, ask about its projects and answer. Everything here fails closed."""

from __future__ import annotations

from commonweal.decide.budgets.models import Pot, Withdrawal
from commonweal.ground.challenges.models import Challenge
from commonweal.ground.places import rules as places
from commonweal.ground.places.models import Community
from commonweal.ground.places.rules import Viewer, may_lead


def may_set_up(viewer: Viewer, challenge: Challenge, community: Community) -> bool:
    """Tell whether the viewer may put a pot of this challenge before this community."""
    at_home = challenge.authority_id == community.authority_id == viewer.authority.pk
    return at_home and may_lead(viewer, challenge.community) and may_lead(viewer, community)


def may_run(viewer: Viewer, pot: Pot) -> bool:
    """Tell whether the viewer may change, check and count this pot."""
    return pot.authority_id == viewer.authority.pk and may_lead(viewer, pot.community)


def may_agree(viewer: Viewer, withdrawal: Withdrawal) -> bool:
    """Tell whether the viewer may be the second who takes a pot back: never who asked for it."""
    is_second = viewer.person is not None and viewer.person.pk != withdrawal.asked_by_id
    return is_second and may_run(viewer, withdrawal.pot)


def may_ask(viewer: Viewer, pot: Pot) -> bool:
    """Tell whether the viewer may ask about a project: everybody who is signed in, until the close."""
    at_home = pot.authority_id == viewer.authority.pk
    asks = viewer.person is not None and viewer.person.is_active
    return at_home and asks and pot.state(viewer.at) in ("coming", "open")


def may_moderate(viewer: Viewer, pot: Pot) -> bool:
    """Tell whether the viewer may hide a question that breaks the rules."""
    return pot.authority_id == viewer.authority.pk and places.may_moderate(viewer, pot.community)


def may_keep_quiet(viewer: Viewer) -> bool:
    """Tell whether the viewer may set quiet times: administrators of the whole authority."""
    return places.may_run_organisations(viewer)
