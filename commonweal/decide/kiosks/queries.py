"""Reading kiosks: those that staff see, and the one that people stand before."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.core.cache import cache
from django.db.models import QuerySet

from commonweal.decide.ballots.models import Ballot
from commonweal.decide.ballots.queries import ballot_under
from commonweal.decide.budgets.models import Pot
from commonweal.decide.budgets.queries import pots_led
from commonweal.decide.budgets.rules import may_run
from commonweal.decide.kiosks.models import Device, hashed
from commonweal.ground.places.rules import Viewer

MOST_WRONG = 20  # codes that may be mistyped at one kiosk in ten minutes


def devices(viewer: Viewer, pot: Pot) -> QuerySet[Device]:
    """Return the kiosks of a pot that this viewer runs, the newest first."""
    led = pots_led(viewer).order_by().filter(pk=pot.pk).values("pk")
    return Device.objects.filter(pot__in=led, authority=viewer.authority).order_by(
        "-made_at", "-pk"
    )


def device_with(viewer: Viewer, secret: str, at: datetime) -> Device | None:
    """Return the kiosk that knows this secret and may be voted at now."""
    return _working(Device.objects.filter(digest=hashed(secret)), viewer, at)


def device_numbered(viewer: Viewer, number: int, at: datetime) -> Device | None:
    """Return this kiosk if it may be voted at now."""
    return _working(Device.objects.filter(pk=number), viewer, at)


def _working(found: QuerySet[Device], viewer: Viewer, at: datetime) -> Device | None:
    found = found.filter(authority=viewer.authority)
    device = found.select_related("pot__challenge", "pot__community").first()
    return device if device is not None and device.works(at) else None


def as_ticket(typed: str) -> str:
    """Return the short code of a kiosk as it was given out."""
    return re.sub(r"[\s-]", "", typed).upper()[:20]


def tries_at(device: Device) -> str:
    """Return under what name mistyped codes are counted."""
    return f"kiosk-tries-{device.pk}"


def is_tried_too_often(device: Device) -> bool:
    """Tell whether so many codes were mistyped at a kiosk that somebody may be guessing."""
    return int(cache.get(tries_at(device), 0)) >= MOST_WRONG


def ballot_of_turn(device: Device, turn: str) -> Ballot | None:
    """Return what was cast in one person's turn at a kiosk, as long as the kiosk knows its name."""
    return ballot_under(device.pot, name_of_turn(device, turn))


def name_of_turn(device: Device, turn: str) -> str:
    """Return the name under which the ballot of one turn lies: nobody's, and kept nowhere."""
    return f"kiosk:{device.pk}:{turn}"


def batches_panel(viewer: Viewer, pot: Pot) -> Mapping[str, Any] | None:
    """Return something where a pot's papers are shown: the way to its kiosks."""
    return {} if may_run(viewer, pot) else None
