"""Giving papers out, taking them back, keying them twice, and putting them into the box."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, replace

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from commonweal.decide.ballots import actions as voting
from commonweal.decide.ballots.models import Ballot, Channel
from commonweal.decide.ballots.queries import Voter
from commonweal.decide.ballots.rules import Choice, Wrong
from commonweal.decide.budgets.models import PaperPolicy, Pot, Reach
from commonweal.decide.budgets.queries import FEWEST
from commonweal.decide.paper import queries, rules
from commonweal.decide.paper.models import (
    MOST_SERIAL,
    UNOPENED,
    Aside,
    Batch,
    Call,
    Keying,
    Outcome,
    Paper,
    Says,
    Slip,
    Why,
)
from commonweal.decide.paper.queries import Somebody
from commonweal.ground.journal import actions as journal
from commonweal.ground.places.rules import Viewer


class PotIsOver(Exception):
    """The pot is closed for this: closed to new papers, or counted."""


class BatchIsDone(Exception):
    """The batch is in the box or declared lost; nothing about it changes any more."""


def _not_yours() -> PermissionDenied:
    return PermissionDenied(_("Only a clerk, or those who lead this challenge, may do this."))


def _pot(viewer: Viewer, pot_id: int) -> Pot:
    """Hold a pot against the count and against other batches; people go on voting meanwhile."""
    held = Pot.objects.select_for_update(no_key=True, of=("self",))
    pot = held.select_related("challenge", "community").get(pk=pot_id, authority=viewer.authority)
    if not rules.may_bring_in(viewer, pot):
        raise _not_yours()
    return pot


def _batch(viewer: Viewer, batch_id: int) -> Batch:
    """Hold a batch that is not done."""
    held = Batch.objects.select_for_update(no_key=True, of=("self",))
    batch = held.select_related("pot__challenge", "pot__community").get(
        pk=batch_id, authority=viewer.authority
    )
    if not rules.may_bring_in(viewer, batch.pot):
        raise _not_yours()
    if batch.is_done:
        raise BatchIsDone
    return batch


def _pot_and_batch(viewer: Viewer, batch_id: int) -> Batch:
    """Hold first the pot and then the batch: everybody who holds both does so in this order."""
    number = Batch.objects.values_list("pot_id", flat=True).get(
        pk=batch_id, authority=viewer.authority
    )
    pot = _pot(viewer, number)
    batch = _batch(viewer, batch_id)
    batch.pot = pot
    return batch


def _tell(viewer: Viewer, what: str, batch: Batch, **facts: int) -> None:
    """Write into the journal what became of a batch; small numbers are for staff alone."""
    public = all(n == 0 or n >= FEWEST for n in facts.values()) and batch.pot.challenge.is_public
    journal.record(
        what=what, who=viewer.person, about=batch.pot, at=viewer.at, public=public,
        facts={"batch": batch.pk, **facts},
    )  # fmt: skip


# --- going out


@transaction.atomic
def issue_batch(*, viewer: Viewer, pot_id: int, place: str, taken_by: str, papers: int) -> Batch:
    """Give out papers with the next serial numbers of a pot; its count waits for them from now on.

    Raises ``PotIsOver`` once the pot is closed.
    """
    pot = _pot(viewer, pot_id)
    if viewer.at >= pot.closes_at or pot.counted_at is not None:
        raise PotIsOver
    last = pot.batches.aggregate(last=Max("last"))["last"] or 0
    if last + papers > MOST_SERIAL:
        raise PotIsOver
    assert viewer.person is not None
    batch = Batch.objects.create(
        authority=viewer.authority,
        pot=pot,
        place=place,
        taken_by=taken_by,
        first=last + 1,
        last=last + papers,
        ballot_digest=queries.ballot_digest(pot),
        issued_at=viewer.at,
        issued_by=viewer.person,
    )
    Pot.objects.filter(pk=pot.pk).update(waits_for_paper=True)
    _tell(viewer, "batch.issued", batch, papers=papers)
    return batch


# --- coming back


class MoreThanWentOut(Exception):
    """More papers came back than went out."""


@transaction.atomic
def count_returned(
    *, viewer: Viewer, batch_id: int, returned: int, unused: int, note: str = ""
) -> Batch:
    """Write down how many envelopes and how many unused papers came back, and why others did not.

    Raises ``MoreThanWentOut``.
    """
    batch = _batch(viewer, batch_id)
    if returned + unused > batch.issued:
        raise MoreThanWentOut
    batch.returned, batch.unused, batch.missing_note = returned, unused, note
    if batch.pot.reach == Reach.EVERYONE:  # no slips: whatever came back is let in
        batch.slips = returned
    batch.save(update_fields=["returned", "unused", "missing_note", "slips"])
    _tell(viewer, "batch.returned", batch, returned=returned, unused=unused)
    return batch


class NotCountedYet(Exception):
    """What came back has to be counted before anything is opened."""


class AllSlipsAreIn(Exception):
    """As many slips were looked at as envelopes came back."""


class AlreadyOpened(Exception):
    """The envelopes of this batch are open: no slip can be checked in any more."""


class SetItAside(Exception):
    """This envelope stays closed: ``why`` by a code, and in words."""

    def __init__(self, why: Why, words: str) -> None:
        super().__init__(words)
        self.why = why


@transaction.atomic
def check_in(*, viewer: Viewer, batch_id: int, somebody: Somebody) -> bool:
    """Put whoever an identity slip names on the roll; tell whether an on-line ballot gave way.

    Nothing kept of this says from which batch the slip came, or what is in the envelope. Raises
    ``SetItAside`` where the envelope stays closed, ``NotCountedYet``, ``AllSlipsAreIn`` and
    ``AlreadyOpened``.
    """
    batch = _pot_and_batch(viewer, batch_id)
    pot = batch.pot
    if pot.reach == Reach.EVERYONE or batch.opened_at is not None:
        raise AlreadyOpened
    if batch.returned is None:
        raise NotCountedYet
    if queries.sums(batch).unchecked <= 0:
        raise AllSlipsAreIn
    if somebody.person and not rules.may_vote_on_paper(viewer, pot, somebody.person):
        raise SetItAside(Why.UNKNOWN, _("This person may not vote in this ballot."))
    voter = somebody.as_voter("", Channel.PAPER)
    gave_way = False
    try:
        voting.put_on_roll(pot=pot, voter=voter)
    except voting.VotedAlready as already:
        gave_way = pot.paper_policy == PaperPolicy.PAPER and voting.take_back(pot=pot, voter=voter)
        if not gave_way:
            voted = queries.voted_already(pot, somebody)
            words = rules.words_of_staff(voted) if voted else str(already)
            raise SetItAside(Why.TWICE, words) from None
        _tell_taken_back(viewer, pot)
    if somebody.name:
        _take_slip(pot, somebody.name)
    batch.slips += 1
    batch.save(update_fields=["slips"])
    return gave_way


def _tell_taken_back(viewer: Viewer, pot: Pot) -> None:
    public = pot.challenge.is_public
    journal.record(
        what="ballot.gave_way", who=viewer.person, about=pot, at=viewer.at, public=public
    )


def _take_slip(pot: Pot, name: str) -> None:
    """Keep a hash of a name that no register knows, so that it comes in once."""
    if pot.key is None:
        raise PotIsOver
    digest = hmac.digest(bytes(pot.key), f"slip:{name}".encode(), hashlib.sha256)
    try:
        with transaction.atomic():
            Slip.objects.create(pot=pot, digest=digest)
    except IntegrityError:
        words = _("A slip with this name has been checked in already.")
        raise SetItAside(Why.TWICE, words) from None


class CountedMeanwhile(Exception):
    """Somebody changed this number a moment ago, or the form was sent twice."""


@transaction.atomic
def set_aside(*, viewer: Viewer, batch_id: int, why: Why, before: int, step: int = 1) -> Batch:
    """Count one envelope more, or one less, as set aside for this reason.

    ``before`` is the number that whoever sends this has seen: sent twice, it counts once. Raises
    ``CountedMeanwhile``, ``AlreadyOpened`` for a reason that belongs to closed envelopes, and
    ``NotCountedYet``.
    """
    batch = _batch(viewer, batch_id)
    if batch.returned is None or (why not in UNOPENED and not _is_open(batch)):
        raise NotCountedYet
    if why in UNOPENED and batch.opened_at is not None:
        raise AlreadyOpened
    held, _made = Aside.objects.get_or_create(batch=batch, why=why, defaults={"number": 0})
    sums = queries.sums(batch)
    if held.number != before or held.number + step < 0:
        raise CountedMeanwhile
    if step > 0 and (sums.unchecked if why in UNOPENED else sums.unkeyed) <= 0:
        raise AllSlipsAreIn
    held.number += step
    held.save(update_fields=["number"])
    return batch


def _is_open(batch: Batch) -> bool:
    return batch.opened_at is not None


class NotAllCheckedIn(Exception):
    """An envelope is opened only when every slip of its batch has been looked at."""


@transaction.atomic
def open_batch(*, viewer: Viewer, batch_id: int) -> Batch:
    """Say that all slips are off, the envelopes mixed and opened: from now on papers are keyed.

    Raises ``NotCountedYet`` and ``NotAllCheckedIn``. Opened before, it stays so.
    """
    batch = _batch(viewer, batch_id)
    if batch.opened_at is not None:
        return batch
    if batch.returned is None:
        raise NotCountedYet
    if queries.sums(batch).unchecked != 0:
        raise NotAllCheckedIn
    batch.opened_at = viewer.at
    batch.save(update_fields=["opened_at"])
    return batch


# --- keying


class NotOfThisBatch(Exception):
    """The serial number is none of this batch."""


class KeyedByYou(Exception):
    """This person has read this paper; somebody else has to."""


class KeyedTwice(Exception):
    """Two people have read this paper."""


class MorePapersThanSlips(Exception):
    """As many papers are keyed as slips were checked in."""


class BreaksTheRule(Exception):
    """What was read is no ballot of this kind; ``wrong`` tells why."""

    def __init__(self, wrong: Wrong) -> None:
        super().__init__(wrong.words)
        self.wrong = wrong


NOTHING = Choice()


@dataclass(frozen=True)
class Reading:
    """What somebody read on a paper; ``as_marked`` says that they looked again."""

    says: Says
    choice: Choice = NOTHING
    as_marked: bool = False


@transaction.atomic
def key_paper(*, viewer: Viewer, batch_id: int, serial: int, reading: Reading) -> Paper:
    """Keep what one person read on a paper; the second person's reading settles it if it is the same.

    Raises ``NotCountedYet`` before the batch is opened, ``NotOfThisBatch``, ``KeyedByYou``,
    ``KeyedTwice``, ``MorePapersThanSlips``, and ``BreaksTheRule`` for what breaks the ballot's rule
    and was not looked at again.
    """
    batch = _batch(viewer, batch_id)
    if batch.opened_at is None:
        raise NotCountedYet
    if not batch.first <= serial <= batch.last:
        raise NotOfThisBatch
    paper = Paper.objects.filter(batch=batch, serial=serial).first()
    before = queries.readings(paper) if paper else []
    if any(keying.keyed_by_id == viewer.person.pk for keying in before if viewer.person):
        raise KeyedByYou
    if len(before) >= 2:
        raise KeyedTwice
    wrong = _wrong(batch.pot, reading)
    if paper is None:
        if queries.sums(batch).unkeyed <= 0:
            raise MorePapersThanSlips
        paper = Paper.objects.create(batch=batch, serial=serial)
    keying = _keep(viewer, paper, len(before) + 1, reading, wrong)
    if before:
        _settle(paper, keying if rules.is_same(before[0], keying) else None)
    return paper


def _wrong(pot: Pot, reading: Reading) -> str:
    """Return by a code which rule a reading breaks; what nobody can have marked is refused."""
    if reading.says != Says.MARKED:
        return ""
    wrong = queries.wrong_with_choice(pot, reading.choice)
    if wrong is None:
        return ""
    if wrong.code in ("broken", "stranger") or not reading.as_marked:
        raise BreaksTheRule(wrong)
    return wrong.code


def _keep(viewer: Viewer, paper: Paper, turn: int, reading: Reading, wrong: str) -> Keying:
    assert viewer.person is not None
    marked = reading.choice if reading.says == Says.MARKED else Choice()
    said = sorted(zip(marked.projects, marked.marks, strict=True))
    return Keying.objects.create(
        paper=paper,
        turn=turn,
        keyed_by=viewer.person,
        says=reading.says,
        projects=[number for number, _mark in said],
        marks=[mark for _number, mark in said],
        wrong=wrong,
    )


def _settle(paper: Paper, stands: Keying | None) -> None:
    """Note where a paper stands now that two people, or a third, have read it."""
    paper.why = rules.why_spoiled(stands) if stands else ""
    paper.outcome = Outcome.DIFFERS if stands is None else Outcome.AGREED
    if paper.why:
        paper.outcome = Outcome.SPOILED
    paper.save(update_fields=["outcome", "why"])


class ResolvedAlready(Exception):
    """The readings of this paper do not differ, or no longer."""


class ReadBefore(Exception):
    """Whoever read a paper before is not the one to say which reading is right."""


@transaction.atomic
def resolve_paper(*, viewer: Viewer, paper_id: int, reading: Reading) -> Paper:
    """Keep what a third person reads on a paper of which two read different things: this stands.

    Raises ``ReadBefore`` for one of the two, ``ResolvedAlready``, and ``BreaksTheRule``.
    """
    found = Paper.objects.filter(batch__authority=viewer.authority).values_list("batch_id")
    (batch_id,) = found.get(pk=paper_id)
    batch = _batch(viewer, batch_id)
    paper = Paper.objects.get(pk=paper_id)
    before = queries.readings(paper)
    if any(keying.keyed_by_id == viewer.person.pk for keying in before if viewer.person):
        raise ReadBefore
    if paper.outcome != Outcome.DIFFERS:
        raise ResolvedAlready
    _settle(paper, _keep(viewer, paper, 3, reading, _wrong(batch.pot, reading)))
    return paper


# --- into the box


class DoesNotAddUp(Exception):
    """Something about the batch is open; the sums say what."""


class BallotChanged(Exception):
    """What these papers ask is not what the ballot asks now."""


@transaction.atomic
def accept_batch(*, viewer: Viewer, batch_id: int) -> Batch:
    """Put every agreed paper of a batch into the box, once, all or none; what was keyed is destroyed.

    Accepted before, it stays so. Raises ``DoesNotAddUp``, ``BallotChanged``, ``PotIsOver`` once the
    pot is sealed, and ``BatchIsDone`` for one that was declared lost.
    """
    try:
        batch = _pot_and_batch(viewer, batch_id)
    except BatchIsDone:
        done = Batch.objects.get(pk=batch_id)
        if done.accepted_at is not None:
            return done  # the button was pressed twice
        raise
    sums = queries.sums(batch)
    if not sums.adds_up or batch.opened_at is None:
        raise DoesNotAddUp
    if bytes(batch.ballot_digest) != queries.ballot_digest(batch.pot):
        raise BallotChanged
    choices = {
        f"paper:{batch.pk}:{serial}": Choice(tuple(keying.projects), tuple(keying.marks))
        for serial, keying in queries.final_readings(batch).items()
    }
    if len(choices) != sums.agreed:
        raise DoesNotAddUp
    unnamed = Channel.PAPER if batch.pot.reach == Reach.EVERYONE else None
    try:
        voting.put_in_the_box(pot_id=batch.pot_id, choices=choices, at=viewer.at, unnamed=unnamed)
    except voting.PotClosed:
        raise PotIsOver from None
    _destroy_readings(batch)
    batch.accepted_at, batch.accepted_by = viewer.at, viewer.person
    batch.save(update_fields=["accepted_at", "accepted_by"])
    _wait_no_longer(batch.pot)
    facts = {"counted": sums.agreed, "spoiled": sums.spoiled}
    _tell(viewer, "batch.accepted", batch, **facts, aside=sums.unopened + sums.aside)
    return batch


def _destroy_readings(batch: Batch) -> None:
    """Keep who keyed which paper, and nothing of what stood on it."""
    Keying.objects.filter(paper__batch=batch).update(
        says=Says.DESTROYED, projects=[], marks=[], wrong=""
    )


def _wait_no_longer(pot: Pot) -> None:
    """Let the count begin when no batch is out any more."""
    if not queries.paper_pending(pot).exists():
        Pot.objects.filter(pk=pot.pk).update(waits_for_paper=False)


@transaction.atomic
def declare_lost(*, viewer: Viewer, batch_id: int, note: str) -> Batch:
    """Say in public that a batch will not be counted, and why; the count no longer waits for it."""
    batch = _pot_and_batch(viewer, batch_id)
    if not rules.may_declare_lost(viewer, batch.pot):
        raise PermissionDenied(_("Only a clerk may declare papers lost."))
    _destroy_readings(batch)
    batch.lost_at, batch.lost_note = viewer.at, note
    batch.save(update_fields=["lost_at", "lost_note"])
    _wait_no_longer(batch.pot)
    journal.record(
        what="batch.lost",
        who=viewer.person,
        about=batch.pot,
        at=viewer.at,
        public=batch.pot.challenge.is_public,
        facts={"batch": batch.pk, "papers": batch.issued},
    )
    return batch


# --- by telephone


class CallIsDone(Exception):
    """The ballot of this call is in the box, or it was somebody else's call."""


@transaction.atomic
def begin_call(*, viewer: Viewer, pot_id: int, wording: str) -> Call:
    """Keep that somebody agreed to what was read to them: that, when, to whom; not who they are."""
    pot = Pot.objects.select_related("challenge", "community").get(
        pk=pot_id, authority=viewer.authority
    )
    if not rules.may_bring_in(viewer, pot):
        raise _not_yours()
    if not pot.is_open(viewer.at):
        raise voting.PotClosed(pot)
    assert viewer.person is not None
    return Call.objects.create(
        authority=viewer.authority,
        pot=pot,
        taken_by=viewer.person,
        consented_at=viewer.at,
        wording=wording,
    )


@transaction.atomic
def cast_by_telephone(
    *, viewer: Viewer, call_id: int, somebody: Somebody, choice: Choice
) -> Ballot:
    """Cast what somebody said on the telephone; nobody can find the ballot again, staff neither.

    Raises ``CallIsDone`` when it is sent twice, and what ``cast_ballot`` raises.
    """
    mine = Call.objects.filter(pk=call_id, authority=viewer.authority, taken_by=viewer.person)
    if not mine.filter(is_cast=False).update(is_cast=True):
        raise CallIsDone
    voter = somebody.as_voter(f"telephone:{secrets.token_hex(16)}", Channel.TELEPHONE)
    return cast_for(
        viewer=viewer, pot_id=mine.get().pot_id, voter=voter, somebody=somebody, choice=choice
    )


@transaction.atomic
def cast_for(
    *, viewer: Viewer, pot_id: int, voter: Voter, somebody: Somebody, choice: Choice
) -> Ballot:
    """Cast somebody's ballot as if they looked themselves: their rights count, not the staff's."""
    theirs = replace(viewer, person=somebody.person, has_second_factor=False)
    theirs.look_again()
    return voting.cast_ballot(viewer=theirs, pot_id=pot_id, choice=choice, voter=voter)
