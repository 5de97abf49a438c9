"""Who may appraise, answer and decide. Everything here fails closed."""

from __future__ import annotations

from commonweal.ground.challenges.queries import seats_of
from commonweal.ground.places.rules import Viewer
from commonweal.propose.appraisals.models import Appraisal
from commonweal.propose.proposals import rules as ideas
from commonweal.propose.proposals.models import Proposal


def may_appraise(viewer: Viewer, proposal: Proposal) -> bool:
    """Tell whether the viewer is staff here and wrote no part of the idea."""
    return ideas.may_lead(viewer, proposal) and not ideas.is_one_of_the_authors(viewer, proposal)


def may_answer(viewer: Viewer, appraisal: Appraisal) -> bool:
    """Tell whether the viewer is an author of the idea."""
    return appraisal.authority_id == viewer.authority.pk and ideas.is_one_of_the_authors(
        viewer, appraisal.proposal
    )


def has_a_hand_in(viewer: Viewer, appraisal: Appraisal) -> bool:
    """Tell whether the viewer worked on it."""
    return viewer.person is not None and viewer.person.pk in appraisal.hands


def may_decide(viewer: Viewer, appraisal: Appraisal) -> bool:
    """Tell whether the viewer may decide an appeal: staff, but nobody whose hand is in it."""
    return may_appraise(viewer, appraisal.proposal) and not has_a_hand_in(viewer, appraisal)


def may_work(viewer: Viewer) -> bool:
    """Tell whether the viewer leads anywhere here, and so appraises ideas."""
    return bool(seats_of(viewer))
