"""Who may propose, sign, comment and moderate. Everything here fails closed."""

from __future__ import annotations

from typing import NamedTuple

from django.utils.translation import gettext as _

from commonweal.ground.challenges.models import Challenge
from commonweal.ground.places import rules as places
from commonweal.ground.places.models import (
    Community,
    Level,
    Organisation,
    Standing,
    StandingKind,
)
from commonweal.ground.places.rules import Viewer
from commonweal.propose.proposals import queries
from commonweal.propose.proposals.models import Comment, Proposal, Status


class Voice(NamedTuple):
    """As what a person may speak somewhere, and for whom if for an organisation."""

    kind: StandingKind
    organisation: Organisation | None = None

    @property
    def key(self) -> str:
        """Return what a form calls it."""
        return f"{self.kind.value}:{self.organisation.pk}" if self.organisation else self.kind.value

    @property
    def words(self) -> str:
        """Return what a page calls it."""
        if self.organisation is None:
            return str(self.kind.label)
        return _("%(standing)s, for %(organisation)s") % {
            "standing": self.kind.label,
            "organisation": self.organisation.name,
        }


def voices(viewer: Viewer, community: Community) -> list[Voice]:
    """Return as what this person may speak there; none if they do not belong.

    Whoever belongs speaks as any standing they have above or below; without one they are a
    resident. Staff, charities and enterprises with a confirmed standing need not live there.
    """
    if viewer.person is None or community.authority_id != viewer.authority.pk:
        return []
    belongs = viewer.belongs(community, Level.SELF_DECLARED)
    found = [
        Voice(StandingKind(standing.kind), standing.organisation)
        for standing in viewer.standings
        if _is_near(standing, community)
        and (belongs or standing.kind not in Standing.SELF_DECLARED)
    ]
    if belongs and not found:
        return [Voice(StandingKind.RESIDENT)]
    order = list(StandingKind)
    return sorted(set(found), key=lambda voice: (order.index(voice.kind), voice.key))


def _is_near(standing: Standing, community: Community) -> bool:
    here, there = community.branch(), standing.community.branch()
    return standing.community_id in here or community.pk in there


def may_take_part(viewer: Viewer, community: Community) -> bool:
    """Tell whether this person belongs there, or works for the people there."""
    return bool(voices(viewer, community))


def may_propose(viewer: Viewer, challenge: Challenge) -> bool:
    """Tell whether this person may put forward an idea here now."""
    return queries.open_step(viewer, challenge) is not None and may_take_part(
        viewer, challenge.community
    )


def is_author(viewer: Viewer, proposal: Proposal) -> bool:
    """Tell whether this is the viewer's own idea."""
    return (
        viewer.person is not None
        and proposal.author_id == viewer.person.pk
        and proposal.authority_id == viewer.authority.pk
    )


def may_write(viewer: Viewer, proposal: Proposal) -> bool:
    """Tell whether the viewer may change the words now."""
    return is_author(viewer, proposal) and proposal.status in (Status.DRAFT, Status.PUBLISHED)


def may_sign(viewer: Viewer, proposal: Proposal) -> bool:
    """Tell whether the viewer may put their name to somebody else's idea."""
    return (
        proposal.can_be_signed
        and not is_author(viewer, proposal)
        and may_take_part(viewer, proposal.community)
    )


def may_comment(viewer: Viewer, proposal: Proposal) -> bool:
    """Tell whether the viewer may say something about it."""
    return proposal.is_public and may_take_part(viewer, proposal.community)


def may_moderate(viewer: Viewer, proposal: Proposal) -> bool:
    """Tell whether the viewer may hide an idea and what is said about it."""
    return proposal.authority_id == viewer.authority.pk and places.may_moderate(
        viewer, proposal.community
    )


def wrote(viewer: Viewer, comment: Comment) -> bool:
    """Tell whether this is the viewer's own comment."""
    return viewer.person is not None and comment.person_id == viewer.person.pk
