"""Casting a ballot, changing it, and taking it back."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from commonweal.decide.ballots import queries, rules
from commonweal.decide.ballots.models import Ballot, Channel, Roll, new_number, new_receipt
from commonweal.decide.ballots.queries import Held, Listed, Voter
from commonweal.decide.ballots.rules import Choice, Wrong
from commonweal.decide.budgets.models import Pot
from commonweal.ground.people.models import Person
from commonweal.ground.places.rules import Viewer
from commonweal.kit.unwritten import unwritten


class PotClosed(Exception):
    """The pot is not taking votes at this moment."""

    def __init__(self, pot: Pot) -> None:
        super().__init__(pot.title)
        self.pot = pot


class WrongBallot(Exception):
    """This kind of ballot cannot say that; ``wrong`` tells what and how to mend it."""

    def __init__(self, wrong: Wrong) -> None:
        super().__init__(wrong.words)
        self.wrong = wrong


class VotedAlready(Exception):
    """Somebody with this account, entry of a register or voting code has voted in another way."""


@transaction.atomic
def cast_ballot(
    *, viewer: Viewer, pot_id: int, choice: Choice, voter: Voter | None = None
) -> Ballot:
    """Record what a voter chooses, replacing any earlier ballot under the same name.

    ``voter`` is who votes without an account: by code, on paper, by telephone, as a guest; whoever
    calls has checked that, but whether a code still counts is looked at here. Raises ``PotClosed``
    outside the voting window, ``PermissionDenied`` if this voter may not vote, ``WrongBallot`` for
    what the ballot cannot say, ``VotedAlready`` if the same person voted in another way. Leaves
    nothing in the journal.
    """
    held = _held_open(viewer, pot_id, voter)
    pot = held.pot
    if voter is not None and voter.code_id is not None:
        if not held.code_counts:
            raise PermissionDenied(_("This voting code does not count any more."))
        voter = voter._replace(entry_id=held.code_entry_id)
    refused = rules.why_not(viewer, pot, voter)
    if refused:
        raise PermissionDenied(refused.words)
    if voter is None:
        voter = _with_an_account(viewer, held)
    elif voter.person_id is not None:  # staff bring in the vote of somebody with an account
        mine = _with_an_account(viewer, held)
        voter = voter._replace(entry_id=voter.entry_id or mine.entry_id)
    wrong = rules.wrong_with(pot, held.listed, choice)
    if wrong:
        raise WrongBallot(wrong)
    return _in_the_box(pot, voter, choice)


def _with_an_account(viewer: Viewer, held: Held) -> Voter:
    """Return the viewer's person as a voter, who is one with their entry in the register."""
    assert viewer.person is not None  # the rule has refused everybody else
    if held.unfound_in is not None:
        raise PermissionDenied(rules.not_found(held.pot, held.unfound_in).words)
    return queries.voter_of(viewer.person, entry_id=held.entry_id)


def _held_open(viewer: Viewer, pot_id: int, voter: Voter | None) -> Held:
    held = queries.pot_held_open(viewer, pot_id, voter.code_id if voter else None)
    if held is None or held.pot.is_hidden(viewer.at):
        raise Pot.DoesNotExist  # also to who found out its number: not even its name is told
    pot = held.pot
    if not pot.is_open(viewer.at) or pot.key is None:  # sealed while this vote waited for the lock
        raise PotClosed(pot)
    return held


# One voter's simultaneous votes meet at the ballot's envelope and at their line of the roll: the
# second waits there until the first is done. That they voted goes on the roll; never when, nor what.
# A code is looked at once more, and held: it may have been cancelled while this vote waited, and who
# cancels it waits for this vote. Whoever votes as an entry of a register votes as the person who was
# found there too, for that person may have voted before they were found.
_IN_THE_BOX = """
WITH counting AS (
    SELECT id FROM registers_code WHERE id = %(code)s::bigint AND cancelled_at IS NULL FOR SHARE
), on_roll AS (
    INSERT INTO ballots_roll (id, pot_id, round_id, person_id, entry_id, voting_code_id, channel)
    SELECT %(roll)s::bigint, %(pot)s::bigint, %(round)s::bigint,
           coalesce(%(person)s::bigint,
                    (SELECT person_id FROM registers_entry WHERE id = %(entry)s::bigint)),
           %(entry)s::bigint, %(code)s::bigint, %(channel)s::text
     WHERE %(channel)s::text IS NOT NULL
       AND (%(code)s::bigint IS NULL OR EXISTS (SELECT 1 FROM counting))
    ON CONFLICT DO NOTHING
    RETURNING id
)
INSERT INTO ballots_ballot (id, pot_id, envelope, receipt, projects, marks)
VALUES (%(ballot)s::bigint, %(pot)s::bigint, %(envelope)s::bytea, %(receipt)s::bytea,
        %(projects)s::bigint[], %(marks)s::smallint[])
ON CONFLICT (pot_id, envelope)
    DO UPDATE SET projects = EXCLUDED.projects, marks = EXCLUDED.marks
RETURNING id, receipt, xmax = 0, (SELECT count(*) FROM on_roll)
"""


def _in_the_box(pot: Pot, voter: Voter, choice: Choice) -> Ballot:
    ballot = Ballot(pot=pot, envelope=pot.seal(voter.name), **_as_stored(choice))
    values: dict[str, Any] = {
        "roll": new_number(),
        "pot": pot.pk,
        "round": pot.round_id,
        "person": voter.person_id,
        "entry": voter.entry_id,
        "code": voter.code_id,
        "channel": voter.channel,
        "ballot": ballot.pk,
        "envelope": ballot.envelope,
        "receipt": new_receipt(),
        "projects": ballot.projects,
        "marks": ballot.marks,
    }
    with unwritten() as cursor:  # who votes and what stand in this one statement
        cursor.execute(_IN_THE_BOX, values)
        ballot.pk, ballot.receipt, is_new, on_roll = cursor.fetchone()
    if is_new and not on_roll and voter.channel is not None:
        raise VotedAlready(_already(pot, voter))
    return ballot


def _as_stored(choice: Choice) -> dict[str, list[int]]:
    """Return what a ballot holds in the order of the projects' numbers.

    The order in which they stood on the page was drawn for the voter, and would tell who it was.
    """
    said = sorted(zip(choice.projects, choice.marks, strict=True))
    return {"projects": [number for number, _ in said], "marks": [mark for _, mark in said]}


def _already(pot: Pot, voter: Voter) -> str:
    """Say by what way this voter has voted, or that it was in another district."""
    same = queries.lines_of(voter)
    here = Roll.objects.filter(same, pot=pot).values_list("channel", flat=True).first()
    if here is not None:
        return rules.words_of(Channel(here), has_code=voter.code_id is not None)
    if voter.code_id is not None and not queries.code_counts(pot, voter.code_id):
        return _("This voting code does not count any more.")
    return _("You have voted in another district already. One person votes in one district.")


# --- a ballot that was cast without an account


class NothingToAdopt(Exception):
    """No ballot lies under the name of this browser."""


@transaction.atomic
def adopt_ballot(*, viewer: Viewer, pot_id: int, voter: Voter) -> Ballot:
    """Put a ballot that was cast as a guest or with a code under the account of whoever cast it.

    It keeps its receipt and what is in it. Raises ``PotClosed``, ``PermissionDenied`` if this person
    may not vote here, ``NothingToAdopt``, and ``VotedAlready`` if they have voted already; then
    the ballot stays where it was. Leaves nothing in the journal.
    """
    held = _held_open(viewer, pot_id, voter)
    pot = held.pot
    refused = rules.why_not(viewer, pot)
    if refused:
        raise PermissionDenied(refused.words)
    person = _with_an_account(viewer, held)
    # The envelope first and then the roll, as a vote does: the two never wait for each other.
    try:
        with transaction.atomic():
            moved = Ballot.objects.filter(pot=pot, envelope=pot.seal(voter.name)).update(
                envelope=pot.seal(person.name)
            )
            if not moved:
                raise NothingToAdopt
            _onto_the_roll(pot, voter, person)
    except IntegrityError:
        raise VotedAlready(_already(pot, person)) from None
    return Ballot.objects.get(pot=pot, envelope=pot.seal(person.name))


def _onto_the_roll(pot: Pot, voter: Voter, person: Voter) -> None:
    """Write the person on the line of their code, or on a line of their own if they had none."""
    line = None
    if voter.code_id is not None:
        line = Roll.objects.filter(pot=pot, voting_code=voter.code_id).first()
    line = line or Roll(pot=pot, round_id=pot.round_id)
    line.person_id = person.person_id
    line.entry_id = line.entry_id or person.entry_id
    line.channel = Channel.ONLINE
    line.save()


@transaction.atomic
def leave_the_rolls(person: Person, at: datetime) -> None:
    """Forget that a person voted; take back the ballots that can still be found.

    Once a pot is counted its key is gone: the ballot is nobody's any more, and stays.
    """
    voted = Pot.objects.filter(roll__person=person).order_by("pk").distinct()
    for pot in Pot.objects.select_for_update().filter(pk__in=voted.values("pk")).order_by("pk"):
        if pot.key is not None:
            Ballot.objects.filter(pot=pot, envelope=pot.envelope_of(person)).delete()
    # What they said on paper, by telephone or at a kiosk stays in the box, under a name that nobody
    # kept: so their line stays too, without the person, or their entry could vote again.
    mine = Roll.objects.filter(person=person)
    mine.exclude(channel=Channel.ONLINE).update(person=None)
    mine.filter(channel=Channel.ONLINE).delete()


# --- votes that staff bring in: what is chosen comes apart from who has voted


@transaction.atomic
def put_on_roll(*, pot: Pot, voter: Voter) -> None:
    """Note that somebody has voted whose ballot comes to the box without their name.

    Whoever calls holds the pot. Raises ``VotedAlready``.
    """
    line = Roll(
        pot=pot,
        round_id=pot.round_id,
        person_id=voter.person_id or queries.found_as(voter.entry_id),
        entry_id=voter.entry_id,
        voting_code_id=voter.code_id,
        channel=voter.channel or Channel.PAPER,
    )
    try:
        with transaction.atomic():
            line.save(force_insert=True)
    except IntegrityError:
        raise VotedAlready(_already(pot, voter)) from None


@transaction.atomic
def take_back(*, pot: Pot, voter: Voter) -> bool:
    """Take a person's on-line ballot out of the box, because they vote in another way that stands.

    Whoever calls holds the pot. Tells whether it could be done: what was cast with a voting code, at
    a kiosk or by telephone lies under a name that nobody kept.
    """
    lines = list(Roll.objects.select_for_update().filter(queries.lines_of(voter), pot=pot))
    if len(lines) != 1 or lines[0].channel != Channel.ONLINE or lines[0].person_id is None:
        return False
    envelope = pot.seal(f"person:{lines[0].person_id}")
    taken, _each = Ballot.objects.filter(pot=pot, envelope=envelope).delete()
    if taken:
        Roll.objects.filter(pk=lines[0].pk).update(channel=voter.channel)
    return bool(taken)


@transaction.atomic
def put_in_the_box(
    *, pot_id: int, choices: Mapping[str, Choice], at: datetime, unnamed: Channel | None = None
) -> int:
    """Put many ballots into the box at once, all or none, each under the name it is given.

    It may be done after the close, until the pot is sealed. ``unnamed`` puts as many lines without
    a name on the roll, by that channel. Raises ``PotClosed``, and ``WrongBallot`` for a choice that
    the ballot cannot say.
    """
    pot = Pot.objects.select_for_update(no_key=True).get(pk=pot_id)
    if at < pot.opens_at or pot.key is None:
        raise PotClosed(pot)
    known = pot.projects.values_list("pk", "cost_pence", "exclusive")
    listed = {number: Listed(cost, group) for number, cost, group in known}
    for choice in choices.values():
        wrong = rules.wrong_with(pot, listed, choice)
        if wrong:
            raise WrongBallot(wrong)
    names = list(choices)
    random.SystemRandom().shuffle(names)
    Ballot.objects.bulk_create(
        Ballot(
            pot=pot,
            envelope=pot.seal(name),
            **_as_stored(choices[name]),
        )
        for name in names
    )
    if unnamed is not None:
        Roll.objects.bulk_create(
            Roll(pot=pot, round_id=pot.round_id, channel=unnamed) for _name in names
        )
    return len(names)
