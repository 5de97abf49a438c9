"""Setting up a pot, voting in it, and counting it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.utils.translation import gettext as _

from commonweal.decide.budgets import queries, rules
from commonweal.decide.budgets.models import Ballot, Pot, Project, Roll, new_number, new_seed
from commonweal.ground.challenges.models import Challenge
from commonweal.ground.journal import actions as journal
from commonweal.ground.people.models import Person
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


# --- voting


class PotClosed(Exception):
    """The pot is not taking votes at this moment."""

    def __init__(self, pot: Pot) -> None:
        super().__init__(pot.title)
        self.pot = pot


class NotInThisPot(Exception):
    """The ballot names a project that this pot does not have."""


@transaction.atomic
def cast_ballot(*, viewer: Viewer, pot_id: int, project_ids: Iterable[int]) -> Ballot:
    """Record what a person approves, replacing any earlier ballot of theirs.

    Raises ``PotClosed`` outside the voting window, ``PermissionDenied`` if this person may not
    vote, ``NotInThisPot`` for a project of another pot. Leaves nothing in the journal.
    """
    held = queries.pot_held_open(viewer, pot_id)
    if held is None or viewer.person is None:
        raise Pot.DoesNotExist
    pot = held.pot
    if not pot.is_open(viewer.at):
        raise PotClosed(pot)
    refused = rules.why_not(viewer, pot)
    if refused:
        raise PermissionDenied(refused.words)
    chosen = sorted(set(project_ids))
    if not set(chosen) <= set(held.project_ids):
        raise NotInThisPot
    envelope = pot.envelope_of(viewer.person)
    ballot = Ballot(pk=_in_the_box(pot, envelope, viewer.person), pot=pot, envelope=envelope)
    _approve(ballot, chosen)
    return ballot


# One person's two simultaneous votes meet at the ballot's row: the second waits here until the
# first is done. That they voted goes on the roll; never when, nor what.
_IN_THE_BOX = """
WITH roll AS (
    INSERT INTO budgets_roll (pot_id, person_id) VALUES (%s, %s) ON CONFLICT DO NOTHING
)
INSERT INTO budgets_ballot (id, pot_id, envelope) VALUES (%s, %s, %s)
ON CONFLICT (pot_id, envelope) DO UPDATE SET envelope = EXCLUDED.envelope
RETURNING id
"""


def _in_the_box(pot: Pot, envelope: bytes, person: Person) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_IN_THE_BOX, [pot.pk, person.pk, new_number(), pot.pk, envelope])
        return int(cursor.fetchone()[0])


# A statement of its own: it sees what the vote it may have waited for has written.
_APPROVE = """
WITH gone AS (
    DELETE FROM budgets_approval WHERE ballot_id = %s AND project_id <> ALL(%s::bigint[])
)
INSERT INTO budgets_approval (ballot_id, project_id, pot_id)
SELECT %s, project, %s FROM unnest(%s::bigint[]) AS project
ON CONFLICT DO NOTHING
"""


def _approve(ballot: Ballot, chosen: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(_APPROVE, [ballot.pk, chosen, ballot.pk, ballot.pot_id, chosen])


@transaction.atomic
def leave_the_rolls(person: Person, at: datetime) -> None:
    """Forget that a person voted; take back the ballots that can still be found.

    Once a pot is counted its key is gone: the ballot is nobody's any more, and stays.
    """
    voted = Pot.objects.filter(roll__person=person).order_by("pk").distinct()
    for pot in Pot.objects.select_for_update().filter(pk__in=voted.values("pk")).order_by("pk"):
        if pot.key is not None:
            mine = Ballot.objects.filter(pot=pot, envelope=pot.envelope_of(person))
            mine.delete()
    Roll.objects.filter(person=person).delete()


# --- opening and counting


class NotYetClosed(Exception):
    """A pot is counted after it closes, not before."""


@transaction.atomic
def tell_opening(*, pot_id: int, at: datetime) -> bool:
    """Write once into the journal that a pot has opened; tell whether it was this call."""
    pot = Pot.objects.select_for_update().get(pk=pot_id)
    if not queries.due_to_open(at).filter(pk=pot.pk).exists():
        return False
    journal.record(what="pot.opened", who=None, about=pot, at=at, public=True)
    return True


@transaction.atomic
def count_pot(*, viewer: Viewer, pot_id: int) -> Pot:
    """Share the pot out by its rule and publish who counted it; counted before, leave it so."""
    pot = Pot.objects.select_for_update().get(pk=pot_id, authority=viewer.authority)
    if viewer.person is None or not rules.may_run(viewer, pot):
        raise PermissionDenied(_("Only a clerk, or those who lead this challenge, may count it."))
    return _count(pot, viewer.person, viewer.at)


@transaction.atomic
def count_closed_pot(*, pot_id: int, at: datetime) -> Pot:
    """Count a pot because its time has come; nobody's hand is needed."""
    return _count(Pot.objects.select_for_update().get(pk=pot_id), None, at)


def _count(pot: Pot, who: Person | None, at: datetime) -> Pot:
    if pot.counted_at is not None:
        return pot
    if at < pot.closes_at:
        raise NotYetClosed
    profile = queries.approvals(pot)
    outcome = queries.tally(pot, profile)
    pot.result = queries.result(pot, profile, outcome)
    pot.counted_at, pot.counted_by = at, who
    pot.key = None
    pot.save(update_fields=["result", "counted_at", "counted_by", "key"])
    _shuffle(pot)
    _publish(pot, profile.ids[outcome.funded].tolist())
    winners = int(outcome.funded.sum())
    facts = {"funded": winners, "projects": len(profile.ids), "automatic": who is None}
    public = pot.challenge.is_public
    journal.record(what="pot.counted", who=who, about=pot, at=at, public=public, facts=facts)
    return pot


def explain_next(*, pot_id: int) -> bool:
    """Work out for one more project what would have been enough; tell whether others still wait.

    It may take seconds, and holds nothing meanwhile: in a counted pot only this is ever added.
    """
    pot = Pot.objects.get(pk=pot_id)
    waiting = queries.unexplained(pot)
    if not waiting:
        return False
    found = queries.explanation(pot, waiting[0])
    with transaction.atomic():
        pot = Pot.objects.select_for_update().get(pk=pot_id)
        assert pot.result is not None
        for line in pot.result["projects"]:
            if line["id"] == waiting[0]:
                line.update(found)
        pot.save(update_fields=["result"])
    return len(waiting) > 1


def _publish(pot: Pot, funded: list[int]) -> None:
    """Tell every project and proposal how it ended."""
    pot.projects.update(is_funded=False)
    pot.projects.filter(pk__in=funded).update(is_funded=True)
    for won, status in ((True, Status.FUNDED), (False, Status.NOT_FUNDED)):
        ended = pot.projects.filter(is_funded=won, proposal__isnull=False)
        proposals.mark(
            proposal_ids=list(ended.values_list("proposal_id", flat=True)), status=status
        )


# Rows keep traces of how they came: their order on disk, and the transaction that wrote them, which
# a ballot shared with its line on the roll. So both are written anew, the ballots under new numbers
# in an order drawn by lot, the roll by person.
_SHUFFLE = """
CREATE TEMPORARY TABLE lot ON COMMIT DROP AS
SELECT id AS was, envelope,
       ('x' || translate(gen_random_uuid()::text, '-', ''))::bit(62)::bigint + 1 AS number
  FROM budgets_ballot WHERE pot_id = %(pot)s;
CREATE TEMPORARY TABLE tick ON COMMIT DROP AS
SELECT lot.number, project_id FROM budgets_approval JOIN lot ON was = ballot_id
 WHERE pot_id = %(pot)s;
DELETE FROM budgets_approval WHERE pot_id = %(pot)s;
DELETE FROM budgets_ballot WHERE pot_id = %(pot)s;
INSERT INTO budgets_ballot (id, pot_id, envelope)
SELECT number, %(pot)s, envelope FROM lot ORDER BY number;
INSERT INTO budgets_approval (ballot_id, project_id, pot_id)
SELECT number, project_id, %(pot)s FROM tick ORDER BY number, project_id;
CREATE TEMPORARY TABLE voter ON COMMIT DROP AS
SELECT person_id FROM budgets_roll WHERE pot_id = %(pot)s;
DELETE FROM budgets_roll WHERE pot_id = %(pot)s;
INSERT INTO budgets_roll (pot_id, person_id)
SELECT %(pot)s, person_id FROM voter ORDER BY person_id;
DROP TABLE lot, tick, voter;
"""


def _shuffle(pot: Pot) -> None:
    """Write ballots and roll anew, so that nothing about their rows leads from one to the other."""
    with connection.cursor() as cursor:
        cursor.execute(_SHUFFLE, {"pot": pot.pk})
