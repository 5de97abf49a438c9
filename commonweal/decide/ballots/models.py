"""Ballots in the box, the roll of who has voted, and the receipts that stay after the count."""

from __future__ import annotations

import secrets
from base64 import b32encode

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from commonweal.decide.budgets.models import Pot, Round
from commonweal.decide.registers.models import Code, Entry


def new_number() -> int:
    """Return a random number for a row: numbers in a row would tell who voted after whom."""
    return secrets.randbits(62) + 1


def new_receipt() -> bytes:
    """Return a fresh receipt: eighty random bits, sixteen letters and digits to read."""
    return secrets.token_bytes(10)


def readable(receipt: bytes | memoryview[int]) -> str:
    """Return a receipt as people read it, like ``ABCD-EFGH-2345-6723``."""
    code = b32encode(bytes(receipt)).decode()
    return "-".join(code[k : k + 4] for k in range(0, len(code), 4))


class Channel(models.TextChoices):
    """By what way somebody voted."""

    ONLINE = "online", _("On-line, with an account")
    CODE = "code", _("On-line, with a voting code")
    PAPER = "paper", _("On paper")
    TELEPHONE = "telephone", _("By telephone")
    KIOSK = "kiosk", _("At a kiosk")


class Ballot(models.Model):
    """What one voter chose, under an envelope that does not name them.

    Its number is drawn by lot. At the count it loses envelope and receipt, and its number is drawn
    again. ``marks`` holds for each project 1 (chosen), its place, its points or its score.
    """

    id = models.BigIntegerField(primary_key=True, default=new_number, editable=False)
    pot = models.ForeignKey(Pot, models.PROTECT, related_name="ballots")
    envelope = models.BinaryField(max_length=32, null=True)
    receipt = models.BinaryField(max_length=10, null=True, default=new_receipt)
    projects = ArrayField(models.BigIntegerField(), default=list)
    marks = ArrayField(models.SmallIntegerField(), default=list)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("pot", "envelope"), name="envelope_holds_one_ballot"),
            models.UniqueConstraint(fields=("pot", "receipt"), name="one_ballot_a_receipt"),
            models.CheckConstraint(
                name="ballot_loses_envelope_and_receipt_together",
                condition=Q(envelope__isnull=True, receipt__isnull=True)
                | Q(envelope__isnull=False, receipt__isnull=False),
            ),
            models.CheckConstraint(
                name="ballot_marks_each_project",
                condition=Q(projects__len=F("marks__len")),
            ),
        )

    def __str__(self) -> str:
        return f"ballot {self.pk}"

    @property
    def code(self) -> str:
        """Return the receipt as people read it; it shows nobody what is in the ballot."""
        return readable(self.receipt) if self.receipt is not None else ""


class Roll(models.Model):
    """That somebody has voted in a pot, and by what way; never when, nor what."""

    id = models.BigIntegerField(primary_key=True, default=new_number, editable=False)
    pot = models.ForeignKey(Pot, models.PROTECT, related_name="roll")
    round = models.ForeignKey(Round, models.PROTECT, null=True, blank=True, related_name="+")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+"
    )
    entry = models.ForeignKey(Entry, models.PROTECT, null=True, blank=True, related_name="+")
    voting_code = models.ForeignKey(Code, models.PROTECT, null=True, blank=True, related_name="+")
    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.ONLINE)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("pot", "person"), name="person_votes_once"),
            models.UniqueConstraint(fields=("pot", "entry"), name="entry_votes_once"),
            models.UniqueConstraint(fields=("pot", "voting_code"), name="voting_code_votes_once"),
            models.UniqueConstraint(
                fields=("round", "person"), name="person_votes_in_one_district"
            ),
            models.UniqueConstraint(fields=("round", "entry"), name="entry_votes_in_one_district"),
            models.CheckConstraint(
                name="roll_channel_is_known", condition=Q(channel__in=Channel.values)
            ),
        )

    def __str__(self) -> str:
        return f"somebody voted in {self.pot_id}"


class Receipt(models.Model):
    """The receipt of a ballot that was counted; nothing says of which."""

    id = models.BigIntegerField(primary_key=True, default=new_number, editable=False)
    pot = models.ForeignKey(Pot, models.PROTECT, related_name="receipts")
    code = models.BinaryField(max_length=10)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("pot", "code"), name="receipt_is_in_a_pot_once"),
        )

    def __str__(self) -> str:
        return self.readable

    @property
    def readable(self) -> str:
        """Return it as people read it."""
        return readable(self.code)
