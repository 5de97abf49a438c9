"""Counting a pot, once, and declaring what came of it."""

from __future__ import annotations

from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.utils.translation import gettext as _

from commonweal.decide.budgets import rules
from commonweal.decide.budgets.models import Pot
from commonweal.decide.counts import queries
from commonweal.ground.journal import actions as journal
from commonweal.ground.people.models import Person
from commonweal.ground.places.rules import Viewer
from commonweal.propose.proposals import actions as proposals
from commonweal.propose.proposals.models import Status


class NotYetClosed(Exception):
    """A pot is counted after it closes, not before."""


class PaperIsMissing(Exception):
    """Papers went out for this pot that are neither in the box nor declared lost."""


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
    if pot.waits_for_paper:
        raise PaperIsMissing
    profile = queries.profile(pot)
    outcome = queries.tally(pot, profile)
    pot.result = queries.result(pot, profile, outcome)
    pot.counted_at, pot.counted_by = at, who
    pot.key = None
    pot.save(update_fields=["result", "counted_at", "counted_by", "key"])
    _shuffle(pot)
    if pot.result_at is None or pot.result_at <= at:
        _declare(pot, at)
    return pot


@transaction.atomic
def declare_result(*, pot_id: int, at: datetime) -> bool:
    """Make a result public whose embargo has ended; tell whether it was this call."""
    pot = Pot.objects.select_for_update().get(pk=pot_id)
    if not queries.due_to_declare(at).filter(pk=pot.pk).exists():
        return False
    _declare(pot, at)
    return True


def _declare(pot: Pot, at: datetime) -> None:
    """Tell everybody, and every project and proposal, how it ended."""
    assert pot.result is not None
    pot.declared_at = at
    pot.save(update_fields=["declared_at"])
    lines = pot.result["projects"]
    funded = [line["id"] for line in lines if line["is_funded"]]
    _publish(pot, funded)
    who = pot.counted_by
    facts = {"funded": len(funded), "projects": len(lines), "automatic": who is None}
    public = pot.challenge.is_public
    journal.record(what="pot.counted", who=who, about=pot, at=at, public=public, facts=facts)


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
# a ballot shared with its line on the roll. So all is written anew: the ballots without envelope
# and receipt, under new numbers in an order drawn by lot, the receipts in the order of their codes,
# the roll in the order of its voters.
_SHUFFLE = """
CREATE TEMPORARY TABLE lot ON COMMIT DROP AS
SELECT ('x' || translate(gen_random_uuid()::text, '-', ''))::bit(62)::bigint + 1 AS number,
       receipt, projects, marks
  FROM ballots_ballot WHERE pot_id = %(pot)s;
CREATE TEMPORARY TABLE voter ON COMMIT DROP AS
SELECT ('x' || translate(gen_random_uuid()::text, '-', ''))::bit(62)::bigint + 1 AS number,
       round_id, person_id, entry_id, voting_code_id, channel
  FROM ballots_roll WHERE pot_id = %(pot)s;
DELETE FROM ballots_ballot WHERE pot_id = %(pot)s;
DELETE FROM ballots_roll WHERE pot_id = %(pot)s;
INSERT INTO ballots_ballot (id, pot_id, projects, marks)
SELECT number, %(pot)s, projects, marks FROM lot ORDER BY number;
INSERT INTO ballots_receipt (id, pot_id, code)
SELECT ('x' || translate(gen_random_uuid()::text, '-', ''))::bit(62)::bigint + 1, %(pot)s, receipt
  FROM lot ORDER BY receipt;
INSERT INTO ballots_roll (id, pot_id, round_id, person_id, entry_id, voting_code_id, channel)
SELECT number, %(pot)s, round_id, person_id, entry_id, voting_code_id, channel
  FROM voter ORDER BY person_id, entry_id, voting_code_id, number;
DROP TABLE lot, voter;
"""


def _shuffle(pot: Pot) -> None:
    """Part ballots, receipts and roll, so that nothing about their rows leads from one to another."""
    with connection.cursor() as cursor:
        cursor.execute(_SHUFFLE, {"pot": pot.pk})
