"""Setting up a pot, voting in it, and counting it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _

from commonweal.decide.budgets import queries, rules
from commonweal.decide.budgets.models import Pot, Project, new_seed
from commonweal.ground.challenges.models import Challenge
from commonweal.ground.journal import actions as journal
from commonweal.ground.places.models import Community
from commonweal.ground.places.rules import Viewer
from commonweal.propose.proposals import actions as proposals
from commonweal.propose.proposals.models import Proposal, Status

# --- setting up


class OutcomeComesFirst(Exception):
    """The challenge does not say yet what should get better."""


class MoreThanTheChallengeHas(Exception):
    """The pots of a challenge may not hold more than the challenge; ``left_pence`` is what may go in."""

    def __init__(self, left_pence: int) -> None:
        super().__init__(left_pence)
        self.left_pence = left_pence


class OpensTooSoon(Exception):
    """A pot opens in the future, so that its projects can be read before."""


class PotHasOpened(Exception):
    """Money, rule, dates and projects stay as they are once people can vote."""


class TooDear(Exception):
    """A project costs more than the whole pot."""


class ProposalNotReady(Exception):
    """The proposal is not public, not of this challenge, or already in a ballot."""


@transaction.atomic
def create_pot(
    *,
    viewer: Viewer,
    challenge: Challenge,
    community: Community,
    title: str,
    about: str,
    pence: int,
    rule: str,
    level: int,
    opens_at: datetime,
    closes_at: datetime,
    lot_seed: str | None = None,
) -> Pot:
    """Set money of a challenge aside for people to share out."""
    if not rules.may_set_up(viewer, challenge, community) or viewer.person is None:
        raise PermissionDenied(_("Only those who lead this challenge may share out its money."))
    _check_money(challenge, pence)
    _check_dates(viewer, opens_at)
    pot = Pot.objects.create(
        authority=viewer.authority,
        community=community,
        challenge=challenge,
        title=title,
        about=about,
        pence=pence,
        rule=rule,
        level=level,
        opens_at=opens_at,
        closes_at=closes_at,
        lot_seed=lot_seed or new_seed(),
        created_at=viewer.at,
        created_by=viewer.person,
    )
    _record(viewer, "pot.created", pot)
    return pot


@transaction.atomic
def change_pot(*, viewer: Viewer, pot_id: int, **changes: Any) -> Pot:
    """Change a pot before it opens: any of the fields of ``create_pot`` but its challenge."""
    pot = _pot_to_change(viewer, pot_id)
    if "community" in changes and not rules.may_set_up(viewer, pot.challenge, changes["community"]):
        raise PermissionDenied(_("Only those who lead a community may put a pot before it."))
    for name, value in changes.items():
        setattr(pot, name, value)
    _check_money(pot.challenge, pot.pence, but=pot.pk)
    _check_dates(viewer, pot.opens_at)
    if pot.projects.filter(cost_pence__gt=pot.pence).exists():
        raise TooDear
    pot.save(update_fields=[*changes])
    _record(viewer, "pot.changed", pot)
    return pot


def _record(viewer: Viewer, what: str, about: Pot | Project) -> None:
    """Keep who set up what; it is everyone's story once the challenge is."""
    challenge = about.challenge if isinstance(about, Pot) else about.pot.challenge
    journal.record(
        what=what, who=viewer.person, about=about, at=viewer.at, public=challenge.is_public
    )


def _check_money(challenge: Challenge, pence: int, *, but: int | None = None) -> None:
    """Hold the challenge, so that two pots cannot both take what is left."""
    held = Challenge.objects.select_for_update().get(pk=challenge.pk)
    if not held.outcomes.exists():
        raise OutcomeComesFirst
    if held.money_pence is not None:
        left = held.money_pence - queries.money_in_pots(held, but=but)
        if pence > left:
            raise MoreThanTheChallengeHas(max(0, left))


def _check_dates(viewer: Viewer, opens_at: datetime) -> None:
    if opens_at <= viewer.at:
        raise OpensTooSoon


def _pot_to_change(viewer: Viewer, pot_id: int) -> Pot:
    pot = (
        Pot.objects.select_for_update(of=("self",))
        .select_related("challenge")
        .get(pk=pot_id, authority=viewer.authority)
    )
    if not rules.may_run(viewer, pot):
        raise PermissionDenied(_("Only those who lead this challenge may share out its money."))
    if viewer.at >= pot.opens_at:
        raise PotHasOpened
    return pot


def _project_to_change(viewer: Viewer, project_id: int) -> tuple[Pot, Project]:
    """Hold the pot, and only then read the project: a colleague may have taken it off just now."""
    found = Project.objects.filter(authority=viewer.authority).values_list("pot_id", flat=True)
    pot = _pot_to_change(viewer, found.get(pk=project_id))
    return pot, pot.projects.get(pk=project_id)


@transaction.atomic
def add_project(
    *,
    viewer: Viewer,
    pot_id: int,
    proposal: Proposal | None = None,
    title: str,
    summary: str,
    where: str = "",
    cost_pence: int,
) -> Project:
    """Put a costed proposal, or something without one, on the ballot."""
    pot = _pot_to_change(viewer, pot_id)
    if cost_pence > pot.pence:
        raise TooDear
    if proposal is not None:
        proposal = Proposal.objects.select_for_update().get(pk=proposal.pk)
        if not queries.proposals_to_add(pot).filter(pk=proposal.pk).exists():
            raise ProposalNotReady
        proposals.mark(proposal_ids=[proposal.pk], status=Status.IN_BALLOT)
    project = Project.objects.create(
        authority=pot.authority,
        pot=pot,
        proposal=proposal,
        title=title,
        summary=summary,
        where=where,
        cost_pence=cost_pence,
    )
    _record(viewer, "project.added", project)
    return project


@transaction.atomic
def change_project(
    *, viewer: Viewer, project_id: int, title: str, summary: str, where: str, cost_pence: int
) -> Project:
    """Change a project's words or cost before its pot opens."""
    pot, project = _project_to_change(viewer, project_id)
    if cost_pence > pot.pence:
        raise TooDear
    project.title, project.summary, project.where = title, summary, where
    project.cost_pence = cost_pence
    project.save(update_fields=["title", "summary", "where", "cost_pence"])
    _record(viewer, "project.changed", project)
    return project


@transaction.atomic
def remove_project(*, viewer: Viewer, project_id: int) -> Pot:
    """Take a project off the ballot before the pot opens; its proposal is what it was before."""
    pot, project = _project_to_change(viewer, project_id)
    if project.proposal_id is not None:
        has_lost = Project.objects.filter(proposal=project.proposal_id, is_funded=False).exists()
        before = Status.NOT_FUNDED if has_lost else Status.PUBLISHED
        proposals.mark(proposal_ids=[project.proposal_id], status=before)
    project.delete()
    _record(viewer, "project.removed", pot)
    return pot


# --- opening


@transaction.atomic
def tell_opening(*, pot_id: int, at: datetime) -> bool:
    """Write once into the journal that a pot has opened; tell whether it was this call."""
    pot = Pot.objects.select_for_update().get(pk=pot_id)
    if not queries.due_to_open(at).filter(pk=pot.pk).exists():
        return False
    journal.record(what="pot.opened", who=None, about=pot, at=at, public=True)
    return True
