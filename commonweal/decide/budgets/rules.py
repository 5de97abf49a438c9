"""Who may set up, vote in and count a pot. Everything here fails closed."""

from __future__ import annotations

from typing import NamedTuple

from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from commonweal.decide.budgets.models import Pot
from commonweal.ground.challenges.models import Challenge
from commonweal.ground.places.models import Community, Level
from commonweal.ground.places.rules import Viewer, may_lead


class WhyNot(NamedTuple):
    """Why somebody may not vote now, and the next step, which may be none."""

    code: str
    words: str
    link: str = ""
    href: str = ""


def may_set_up(viewer: Viewer, challenge: Challenge, community: Community) -> bool:
    """Tell whether the viewer may put a pot of this challenge before this community."""
    at_home = challenge.authority_id == community.authority_id == viewer.authority.pk
    return at_home and may_lead(viewer, challenge.community) and may_lead(viewer, community)


def may_run(viewer: Viewer, pot: Pot) -> bool:
    """Tell whether the viewer may change, check and count this pot."""
    return pot.authority_id == viewer.authority.pk and may_lead(viewer, pot.community)


def may_vote(viewer: Viewer, pot: Pot) -> bool:
    """Tell whether this person may vote in this pot at this moment."""
    return why_not(viewer, pot) is None


def why_not(viewer: Viewer, pot: Pot) -> WhyNot | None:
    """Say why this viewer may not vote in this pot now; nothing if they may."""
    if pot.authority_id != viewer.authority.pk:
        return WhyNot("elsewhere", _("This ballot belongs to another authority."))
    state = pot.state(viewer.at)
    if state == "coming":
        return WhyNot("coming", _("This ballot is not open yet."))
    if state != "open":
        return WhyNot("closed", _("This ballot is closed."))
    if viewer.person is None:
        words = _("One person, one vote: so we need to know who you are. Reading needs no account.")
        onward = urlencode({"next": reverse("budgets:vote", args=[pot.pk])})
        href = f"{reverse('account_login')}?{onward}"
        return WhyNot("sign-in", words, _("Send me a code by email"), href)
    return _why_not_here(viewer, pot)


def _why_not_here(viewer: Viewer, pot: Pot) -> WhyNot | None:
    if viewer.belongs(pot.community, pot.level):
        return None
    href = pot.community.get_absolute_url()
    values = {"place": pot.community.name, "level": Level(pot.level).label}
    if viewer.belongs(pot.community, Level.SELF_DECLARED):
        words = (
            _("To vote here we have to be surer that you belong to %(place)s: %(level)s.") % values
        )
        return WhyNot("verify", words, _("Show that you belong here"), href)
    words = _("This money is shared out by people who belong to %(place)s.") % values
    return WhyNot("join", words, _("Join %(place)s") % values, href)
