"""Approving kiosks, letting people in at them, and casting what they chose."""

from __future__ import annotations

import secrets
from contextlib import suppress
from datetime import datetime, timedelta

from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils.translation import gettext as _

from commonweal.decide.ballots import actions as voting
from commonweal.decide.ballots.models import Ballot, Channel
from commonweal.decide.ballots.rules import Choice, words_of
from commonweal.decide.budgets.models import Pot, Reach
from commonweal.decide.kiosks import queries
from commonweal.decide.kiosks.models import Device, Ticket, hashed
from commonweal.decide.paper import rules
from commonweal.decide.paper.actions import cast_for
from commonweal.decide.paper.queries import Somebody, code_typed, voted_already
from commonweal.ground.journal import actions as journal
from commonweal.ground.places.rules import Viewer

LETS_IN = timedelta(minutes=10)
SAYS_SO = timedelta(hours=12)  # how long a kiosk tells people that voting has closed
FORGETS_TRIES = 600  # seconds
SIGNS = "ABCDEFGHJKLMNPQRSTVWXYZ23456789"  # none that is misread for another


class PotIsOver(Exception):
    """Voting is closed: nobody needs a kiosk any more."""


def _pot(viewer: Viewer, pot_id: int) -> Pot:
    found = Pot.objects.select_related("challenge", "community")
    pot = found.get(pk=pot_id, authority=viewer.authority)
    if not rules.may_bring_in(viewer, pot):
        raise _not_yours()
    return pot


def _not_yours() -> PermissionDenied:
    return PermissionDenied(_("Only a clerk, or those who lead this challenge, may do this."))


@transaction.atomic
def approve_device(
    *, viewer: Viewer, pot_id: int, place: str, expires_at: datetime
) -> tuple[Device, str]:
    """Let people vote at a machine; return it with the secret, which is shown this once.

    Raises ``PotIsOver`` once the pot is closed: then a kiosk can only say so.
    """
    pot = _pot(viewer, pot_id)
    if pot.closes_at <= viewer.at:
        raise PotIsOver
    secret = secrets.token_urlsafe(32)
    assert viewer.person is not None
    device = Device.objects.create(
        authority=viewer.authority,
        pot=pot,
        place=place,
        digest=hashed(secret),
        made_at=viewer.at,
        made_by=viewer.person,
        expires_at=min(expires_at, pot.closes_at + SAYS_SO),
    )
    _tell(viewer, "kiosk.approved", device)
    return device, secret


@transaction.atomic
def revoke_device(*, viewer: Viewer, device_id: int) -> Device:
    """Let nobody vote at a machine any more, from this moment on."""
    held = Device.objects.select_for_update(of=("self",))
    device = held.select_related("pot__challenge", "pot__community").get(
        pk=device_id, authority=viewer.authority
    )
    if not rules.may_bring_in(viewer, device.pot):
        raise _not_yours()
    if device.revoked_at is None:
        device.revoked_at = viewer.at
        device.save(update_fields=["revoked_at"])
        _tell(viewer, "kiosk.revoked", device)
    return device


def _tell(viewer: Viewer, what: str, device: Device) -> None:
    public = device.pot.challenge.is_public
    journal.record(what=what, who=viewer.person, about=device.pot, at=viewer.at, public=public)


# --- letting people in


@transaction.atomic
def let_in(*, viewer: Viewer, pot_id: int, somebody: Somebody) -> str:
    """Return a short code with which somebody whom staff have looked at begins at a kiosk, once."""
    pot = _pot(viewer, pot_id)
    if not pot.is_open(viewer.at):
        raise voting.PotClosed(pot)
    forget_tickets(at=viewer.at)
    code = "".join(secrets.choice(SIGNS) for _n in range(8))
    Ticket.objects.create(
        authority=viewer.authority,
        pot=pot,
        digest=hashed(code),
        person=somebody.person,
        entry_id=somebody.entry_id,
        code_id=somebody.code_id,
        expires_at=viewer.at + LETS_IN,
    )
    return code


@transaction.atomic
def begin(*, viewer: Viewer, device: Device, code: str) -> Somebody:
    """Return who begins at a kiosk with what they typed: a code of the desk, used up now, or their own.

    Raises ``NobodyFound``, and ``VotedAlready``.
    """
    somebody = _take_ticket(device, queries.as_ticket(code), viewer.at)
    if somebody is None:
        found = code_typed(viewer, device.pot, code)
        somebody = Somebody(code_id=found.pk, entry_id=found.entry_id)
    voted = voted_already(device.pot, somebody)
    if voted is not None:
        raise voting.VotedAlready(words_of(voted))
    return somebody


def count_try(*, device: Device) -> None:
    """Count a code that was mistyped at a kiosk, for ten minutes."""
    key = queries.tries_at(device)
    cache.add(key, 0, FORGETS_TRIES)
    with suppress(ValueError):  # its ten minutes were over just now
        cache.incr(key)


def _take_ticket(device: Device, code: str, at: datetime) -> Somebody | None:
    held = Ticket.objects.select_for_update(of=("self",)).select_related("person")
    ticket = held.filter(pot=device.pot_id, digest=hashed(code), expires_at__gt=at).first()
    if ticket is None:
        return None
    ticket.delete()
    return Somebody(person=ticket.person, entry_id=ticket.entry_id, code_id=ticket.code_id)


@transaction.atomic
def forget_tickets(*, at: datetime) -> None:
    """Forget whom staff let in and who never began."""
    Ticket.objects.filter(expires_at__lte=at).delete()


# --- casting


class TurnIsOver(Exception):
    """In this turn another ballot was cast; a kiosk changes none."""


@transaction.atomic
def cast_here(
    *, viewer: Viewer, device: Device, turn: str, somebody: Somebody, choice: Choice
) -> Ballot:
    """Cast what somebody chose at a kiosk; pressed twice in one turn it is one ballot.

    Raises what ``cast_ballot`` raises, and ``TurnIsOver`` where this turn's ballot says something else.
    """
    _hold(device, viewer.at)
    cast = _cast_before(device, turn, choice)
    if cast is not None:
        return cast
    voter = somebody.as_voter(queries.name_of_turn(device, turn), Channel.KIOSK)
    return cast_for(
        viewer=viewer, pot_id=device.pot_id, voter=voter, somebody=somebody, choice=choice
    )


@transaction.atomic
def cast_from_afar(
    *, viewer: Viewer, device: Device, turn: str, code: str, choice: Choice
) -> Ballot:
    """Cast what a kiosk with a program of its own sends: code and choice at once.

    Sent again because the answer was lost, it is the same ballot. Raises what ``begin`` and
    ``cast_here`` raise, and ``PermissionDenied`` where somebody has to have a code and has none.
    """
    _hold(device, viewer.at)
    cast = _cast_before(device, turn, choice)
    if cast is not None:
        return cast
    if code:
        somebody = begin(viewer=viewer, device=device, code=code)
    elif device.pot.reach == Reach.EVERYONE:
        somebody = Somebody()
    else:
        raise PermissionDenied(_("To vote here you need a voting code, or one from the desk."))
    return cast_here(viewer=viewer, device=device, turn=turn, somebody=somebody, choice=choice)


def _hold(device: Device, at: datetime) -> None:
    """Let the presses at one machine wait for one another; taken back meanwhile, it casts nothing."""
    held = Device.objects.select_for_update(no_key=True).get(pk=device.pk)
    if not held.works(at):
        raise PermissionDenied(_("Nobody votes at this machine any more."))


def _cast_before(device: Device, turn: str, choice: Choice) -> Ballot | None:
    cast = queries.ballot_of_turn(device, turn)
    if cast is not None and Choice(tuple(cast.projects), tuple(cast.marks)) != _sorted(choice):
        raise TurnIsOver
    return cast


def _sorted(choice: Choice) -> Choice:
    return Choice.marked(dict(zip(choice.projects, choice.marks, strict=True)))
