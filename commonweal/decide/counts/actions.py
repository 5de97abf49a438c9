"""Counting a pot, once, and declaring what came of it."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from io import BytesIO
from pathlib import Path
from smtplib import SMTPRecipientsRefused
from tempfile import TemporaryDirectory
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

from django.core.exceptions import PermissionDenied
from django.db import OperationalError, connection, transaction
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from commonweal.decide.budgets import rules
from commonweal.decide.budgets.models import Pot
from commonweal.decide.budgets.queries import FEWEST
from commonweal.decide.counts import queries
from commonweal.decide.counts.models import Bundle, Count, Stage
from commonweal.engine.voting.bundle import BundleError, verify_bundle, write_bundle
from commonweal.engine.voting.bundle_receipts import root_of, tree_of
from commonweal.engine.voting.election import Election
from commonweal.engine.voting.outcome import Outcome
from commonweal.ground.journal import actions as journal
from commonweal.ground.people.models import Person
from commonweal.ground.places.rules import Viewer
from commonweal.kit.jobs import later
from commonweal.kit.mail import letter
from commonweal.kit.manifest import silent
from commonweal.kit.traces import StillRead, wipe
from commonweal.propose.proposals import actions as proposals
from commonweal.propose.proposals.models import Status


class NotYetClosed(Exception):
    """A pot is counted after it closes, not before."""


class NotThere(Exception):
    """A draft, or a pot that was withdrawn, is counted by nobody."""


class PaperIsMissing(Exception):
    """Papers went out for this pot that are neither in the box nor declared lost."""


def begin_count(*, viewer: Viewer, pot_id: int) -> Pot:
    """Check that this person may count the pot, and that it can be counted now."""
    pot = Pot.objects.get(pk=pot_id, authority=viewer.authority)
    if viewer.person is None or not rules.may_run(viewer, pot):
        raise PermissionDenied(_("Only a clerk, or those who lead this challenge, may count it."))
    _refuse_early(pot, viewer.at)
    return pot


def count_later(*, pot_id: int, who: Person | None = None) -> None:
    """Queue the count of one pot, under the name of whoever asked for it."""
    name = f"counts.count-{pot_id}"
    later("counts.count", lock=name, once=name, pot_id=pot_id, who=who.pk if who else None)


def count_pot(*, viewer: Viewer, pot_id: int) -> Pot:
    """Share the pot out by its rule and publish who counted it; counted before, leave it so."""
    pot = begin_count(viewer=viewer, pot_id=pot_id)
    return count_closed_pot(pot_id=pot.pk, at=viewer.at, who=viewer.person)


def count_closed_pot(*, pot_id: int, at: datetime, who: Person | None = None) -> Pot:
    """Seal a pot whose time has come, part its ballots, count and publish: each step in one piece.

    Killed anywhere and begun again, it gives the same result once. Nobody waits for the counting in
    the middle: it holds nothing.
    """
    seal_pot(pot_id=pot_id, at=at, who=who)
    return count_sealed_pot(pot_id=pot_id, at=at)


def _refuse_early(pot: Pot, at: datetime) -> None:
    if pot.is_draft or pot.withdrawn_at is not None:
        raise NotThere
    if at < pot.closes_at:
        raise NotYetClosed
    if pot.waits_for_paper and pot.counted_at is None:
        raise PaperIsMissing


@transaction.atomic
def seal_pot(*, pot_id: int, at: datetime, who: Person | None = None) -> bool:
    """Let no vote in any more and destroy the key; tell whether it was this call.

    The lock waits for the votes that are being cast, and whoever comes later meets a pot without a
    key. From here on no envelope leads to who cast it.
    """
    pot = Pot.objects.select_for_update().get(pk=pot_id)
    if pot.key is None:
        return False
    _refuse_early(pot, at)
    pot.key = None
    pot.save(update_fields=["key"])
    Count.objects.create(pot=pot, sealed_at=at, sealed_by=who)
    journal.record(what="pot.sealed", who=who, about=pot, at=at, public=pot.challenge.is_public)
    return True


@transaction.atomic
def part_ballots(*, pot_id: int) -> bool:
    """Write ballots, receipts and roll of a sealed pot anew, apart; tell whether it was this call.

    The lock lets voters through, who learn at once that they come too late.
    """
    pot = Pot.objects.select_for_update(no_key=True).get(pk=pot_id)
    if not Count.objects.filter(pot=pot, stage=Stage.SEALED).exists():
        return False
    _shuffle(pot)
    _reach(pot, Stage.READING)
    return True


def count_sealed_pot(*, pot_id: int, at: datetime) -> Pot:
    """Count the ballots of a sealed pot, and keep result and bundle together, once."""
    part_ballots(pot_id=pot_id)
    pot = Pot.objects.select_related("challenge", "community").get(pk=pot_id)
    if pot.counted_at is not None or pot.withdrawn_at is not None:
        return pot
    _reach(pot, Stage.READING)
    ballots = queries.profile(pot)
    _reach(pot, Stage.COUNTING)
    outcome = queries.tally(pot, ballots)
    _reach(pot, Stage.EXPLAINING)
    election = queries.election_of(pot, ballots)
    result = queries.result(pot, election, outcome, queries.explained(pot, outcome))
    _reach(pot, Stage.WRITING)
    bundle = _bundle(pot, election, outcome, result)
    return _publish(pot_id=pot_id, at=at, result=result, bundle=bundle)


def _reach(pot: Pot, stage: Stage) -> None:
    Count.objects.filter(pot=pot).update(stage=stage)


def _bundle(
    pot: Pot, election: Election, outcome: Outcome, result: dict[str, Any]
) -> Bundle | None:
    """Write everything that anyone needs to count again; so few voters that it shows them, nothing."""
    if outcome.voters < FEWEST:
        return None
    receipts = queries.receipts_of(pot)
    is_whole = queries.shows_nobody(result)
    name = f"pot-{pot.pk}"
    with TemporaryDirectory() as folder:
        place = Path(folder, name)
        fingerprint = write_bundle(
            place,
            election,
            queries.rule_of(pot),
            outcome,
            receipts=receipts,
            withhold=not is_whole,
        )
        content = BytesIO()
        with ZipFile(content, "w", ZIP_DEFLATED) as pack:
            for path in sorted(place.iterdir()):
                pack.write(path, f"{name}/{path.name}")
    return Bundle(
        pot=pot,
        content=content.getvalue(),
        fingerprint=fingerprint,
        root=root_of(receipts),
        receipts=len(receipts),
        codes=b"".join(map(queries.code_of, receipts)),
        tree=tree_of(receipts),
        is_whole=is_whole,
    )


@transaction.atomic
def _publish(*, pot_id: int, at: datetime, result: dict[str, Any], bundle: Bundle | None) -> Pot:
    """Keep a count that is done; whoever was quicker stands."""
    pot = Pot.objects.select_for_update().get(pk=pot_id)
    if pot.counted_at is not None or pot.withdrawn_at is not None:
        return pot
    counting = Count.objects.get(pot=pot)
    pot.result, pot.counted_at, pot.counted_by = result, at, counting.sealed_by
    pot.save(update_fields=["result", "counted_at", "counted_by"])
    if bundle is not None:
        bundle.save(force_insert=True)
    _reach(pot, Stage.DONE)
    if queries.due_to_declare(at).filter(pk=pot.pk).exists():
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
    _tell_projects(pot, funded)
    who = pot.counted_by
    facts: dict[str, Any] = {
        "funded": len(funded),
        "projects": len(lines),
        "automatic": who is None,
    }
    public = pot.challenge.is_public
    journal.record(what="pot.counted", who=who, about=pot, at=at, public=public, facts=facts)
    bundle = queries.bundle_of(pot)
    if bundle is not None:
        known = {"fingerprint": bundle.fingerprint, "root": bundle.root}
        journal.record(
            what="bundle.announced", who=None, about=pot, at=at, public=public, facts=known
        )


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


def _tell_projects(pot: Pot, funded: list[int]) -> None:
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


# --- afterwards

# What was keyed from papers is emptied when they join the box; its old rows name a paper's number.
_TABLES = ("ballots_ballot", "ballots_roll", "ballots_receipt", "budgets_pot", "paper_keying")


def sweep_ballots(*, at: datetime) -> bool:
    """Take away what the database's files still hold of what was sealed; tell whether that is done.

    Without it whoever copies the files finds the pot's key there, and every ballot under its
    envelope. Votes in other pots wait a moment meanwhile. While somebody reads for long, as a backup
    does, it is left for later. Runs outside every transaction, and does nothing inside one.
    """
    if connection.in_atomic_block:
        return False
    try:
        wipe(_TABLES)
    except (StillRead, OperationalError):
        return False
    queries.due_to_sweep().filter(sealed_at__lte=at).update(swept_at=at)
    return True


def verify_published(*, pot_id: int, at: datetime) -> bool:
    """Count a published bundle again as anybody could, and keep what came of it."""
    with TemporaryDirectory() as folder:
        place = Path(folder, "bundle.zip")
        place.write_bytes(queries.content_of(Pot(pk=pot_id)))
        try:
            differences = [found.what for found in verify_bundle(place).differences]
        except BundleError as error:
            differences = [str(error)]
    said = differences[0][:300] if differences else ""
    Bundle.objects.filter(pot=pot_id).update(verified_at=at, difference=said)
    return not differences


AT_ONCE = 100


def tell_voters(*, pot_id: int, at: datetime) -> bool:
    """Tell the next people who voted that the result is there; say whether others still wait."""
    return all(_tell_next(pot_id=pot_id, at=at) for _number in range(AT_ONCE))


@transaction.atomic
def _tell_next(*, pot_id: int, at: datetime) -> bool:
    """Write to one person; say whether there was one.

    The count is held from before the mail until it is noted. If we die between, the same mail goes
    out once more under the same Message-ID, and to nobody else.
    """
    counting = Count.objects.select_for_update().get(pot=pot_id)
    pot = Pot.objects.select_related("authority").get(pk=pot_id)
    people = queries.next_to_tell(counting, 1) if pot.declared_at is not None else []
    if not people:
        counting.told_at = at
        counting.save(update_fields=["told_at"])
        return False
    if not silent([people[0].pk]):
        with suppress(SMTPRecipientsRefused):  # their address is gone; the others wait
            _letter(pot, people[0], at)
    counting.told_to = people[0].pk
    counting.save(update_fields=["told_to"])
    return True


def _letter(pot: Pot, person: Person, at: datetime) -> None:
    """Say that the votes are counted: nothing of what this person chose, and no receipt."""
    assert pot.result is not None
    lines = pot.result["projects"]
    funded = sum(line["is_funded"] for line in lines)
    said = ngettext(
        "You voted in “%(title)s”. The votes are counted: %(n)s idea of %(of)s is funded.",
        "You voted in “%(title)s”. The votes are counted: %(n)s ideas of %(of)s are funded.",
        funded,
    ) % {"title": pot.title, "n": funded, "of": len(lines)}
    check = _(
        "The page says of each idea why it won or lost. There you can also check, with your receipt,"
        " that your vote is among those counted."
    )
    letter(
        person=person,
        authority=pot.authority,
        at=at,
        subject=_("Counted: %(title)s") % {"title": pot.title},
        lines=[said, check],
        href=reverse("counts:result", args=[pot.pk]),
        link=_("See what was funded, and why"),
        why=_("You get this one letter because you voted in it."),
        key=f"counted-{pot.pk}",
    ).send()
