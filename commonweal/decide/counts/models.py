"""How far the count of a pot has come, and what is published of it."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from commonweal.decide.budgets.models import Pot


class Stage(models.TextChoices):
    """Where a count stands; each stage can begin again after a crash."""

    SEALED = "sealed", _("Taking the ballots apart from who cast them")
    READING = "reading", _("Reading the ballots")
    COUNTING = "counting", _("Counting")
    EXPLAINING = "explaining", _("Working out why each idea won or lost")
    WRITING = "writing", _("Writing down everything for whoever counts again")
    DONE = "done", _("Done")


class Count(models.Model):
    """A pot that is sealed: its key is destroyed, and nobody votes in it any more."""

    pot = models.OneToOneField(Pot, models.PROTECT, related_name="counting")
    stage = models.CharField(max_length=10, choices=Stage.choices, default=Stage.SEALED)
    sealed_at = models.DateTimeField()
    sealed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    swept_at = models.DateTimeField(null=True, blank=True)
    told_to = models.BigIntegerField(default=0)
    told_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="count_stage_is_known", condition=Q(stage__in=Stage.values)
            ),
        )

    def __str__(self) -> str:
        return f"count of {self.pot_id}"


class Bundle(models.Model):
    """Everything that anyone needs to count again, as one archive, and what our own recount said.

    Where one to four people chose an idea the ballots stay out of it, and ``is_whole`` is false.
    """

    pot = models.OneToOneField(Pot, models.PROTECT, related_name="bundle")
    content = models.BinaryField()
    fingerprint = models.CharField(max_length=64)
    root = models.CharField(max_length=64)
    receipts = models.PositiveIntegerField()
    codes = models.BinaryField()  # all receipts as they stand in the archive, ten bytes each
    tree = models.BinaryField()  # the hashes above them, so that a proof is read and not computed
    is_whole = models.BooleanField()
    verified_at = models.DateTimeField(null=True, blank=True)
    difference = models.CharField(max_length=300, blank=True)

    def __str__(self) -> str:
        return f"bundle of {self.pot_id}"
