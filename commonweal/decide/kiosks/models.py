"""Machines that staff approved for people to vote at, and whom staff have just let in."""

from __future__ import annotations

import hashlib
from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from commonweal.decide.ballots.models import new_number
from commonweal.decide.budgets.models import Pot
from commonweal.decide.registers.models import Code, Entry
from commonweal.ground.places.models import Authority


def hashed(secret: str) -> bytes:
    """Return what is kept of a long random secret: enough to know it again, not to read it."""
    return hashlib.sha256(secret.encode()).digest()


class Device(models.Model):
    """A machine that staff set up for people to vote at; its secret is kept as a hash."""

    authority = models.ForeignKey(Authority, models.PROTECT)
    pot = models.ForeignKey(Pot, models.PROTECT, related_name="+")
    place = models.CharField(max_length=120)
    digest = models.BinaryField(max_length=32, unique=True)
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(name="kiosk_stands_somewhere", condition=~Q(place="")),
            models.CheckConstraint(
                name="kiosk_works_for_a_while", condition=Q(made_at__lt=F("expires_at"))
            ),
        )

    def __str__(self) -> str:
        return self.place

    def works(self, at: datetime) -> bool:
        """Tell whether people may vote at it now."""
        return self.revoked_at is None and at < self.expires_at


class Ticket(models.Model):
    """Somebody whom staff have just let in at a kiosk; gone as soon as they begin, or in minutes."""

    id = models.BigIntegerField(primary_key=True, default=new_number, editable=False)
    authority = models.ForeignKey(Authority, models.PROTECT)
    pot = models.ForeignKey(Pot, models.PROTECT, related_name="+")
    digest = models.BinaryField(max_length=32, unique=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+"
    )
    entry = models.ForeignKey(Entry, models.CASCADE, null=True, blank=True, related_name="+")
    code = models.ForeignKey(Code, models.CASCADE, null=True, blank=True, related_name="+")
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"a ticket for {self.pot_id}"
