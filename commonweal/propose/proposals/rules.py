"""Who may propose, sign, comment and moderate. Everything here fails closed."""

from __future__ import annotations

from commonweal.ground.challenges.models import Challenge
from commonweal.ground.places import rules as places
from commonweal.ground.places.models import Community
from commonweal.ground.places.rules import Viewer, Voice, voices
from commonweal.propose.proposals import queries
from commonweal.propose.proposals.models import Comment, Merge, Proposal, Status

__all__ = ["Voice", "voices"]  # as what people speak is for places to say


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


def is_one_of_the_authors(viewer: Viewer, proposal: Proposal) -> bool:
    """Tell whether the viewer wrote it, or wrote an idea that joined it."""
    return is_author(viewer, proposal) or (
        proposal.authority_id == viewer.authority.pk and queries.is_beside(viewer.person, proposal)
    )


def may_write(viewer: Viewer, proposal: Proposal) -> bool:
    """Tell whether the viewer may change the words now."""
    return proposal.status in (Status.DRAFT, Status.PUBLISHED) and is_one_of_the_authors(
        viewer, proposal
    )


def may_sign(viewer: Viewer, proposal: Proposal) -> bool:
    """Tell whether the viewer may put their name to somebody else's idea."""
    return (
        proposal.can_be_signed
        and not is_one_of_the_authors(viewer, proposal)
        and may_take_part(viewer, proposal.community)
    )


def may_comment(viewer: Viewer, proposal: Proposal) -> bool:
    """Tell whether the viewer may say something about it."""
    return proposal.takes_comments and may_take_part(viewer, proposal.community)


def may_moderate(viewer: Viewer, proposal: Proposal) -> bool:
    """Tell whether the viewer may hide an idea and what is said about it."""
    return proposal.authority_id == viewer.authority.pk and places.may_moderate(
        viewer, proposal.community
    )


def may_suggest_merge(viewer: Viewer, proposal: Proposal) -> bool:
    """Tell whether the viewer may suggest that this idea and another become one.

    Its authors may, and staff who lead its community; whether the authors want it is theirs to say.
    """
    return proposal.status == Status.PUBLISHED and (
        is_one_of_the_authors(viewer, proposal) or may_lead(viewer, proposal)
    )


def may_drop(viewer: Viewer, merge: Merge, lead: Proposal) -> bool:
    """Tell whether the viewer may take a suggestion back: theirs, or as staff any."""
    is_theirs = viewer.person is not None and merge.suggested_by_id == viewer.person.pk
    return is_theirs or may_lead(viewer, lead)


def may_come_apart(lead: Proposal) -> bool:
    """Tell whether ideas that became one may still part: until the one that stayed is in a ballot."""
    return Status.PUBLISHED in (lead.status, lead.status_before)


def may_lead(viewer: Viewer, proposal: Proposal) -> bool:
    """Tell whether the viewer is staff here: one who leads the idea's community."""
    return proposal.authority_id == viewer.authority.pk and places.may_lead(
        viewer, proposal.community
    )


def wrote(viewer: Viewer, comment: Comment) -> bool:
    """Tell whether this is the viewer's own comment."""
    return viewer.person is not None and comment.person_id == viewer.person.pk
