"""Registers of people, kept as hashes alone, and voting codes for people without an account."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from commonweal.decide.budgets.models import Pot
from commonweal.ground.places.models import Authority, Community


class Register(models.Model):
    """A list of the people of a community, uploaded by staff; of each only a keyed hash is kept."""

    authority = models.ForeignKey(Authority, models.PROTECT)
    community = models.ForeignKey(Community, models.PROTECT)
    title = models.CharField(max_length=120)
    uploaded_at = models.DateTimeField()
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return self.title


class Entry(models.Model):
    """One person of a register, as a keyed hash of what identifies them."""

    register = models.ForeignKey(Register, models.CASCADE, related_name="entries")
    digest = models.BinaryField(max_length=32)
    person = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("register", "digest"), name="register_has_a_digest_once"
            ),
        )

    def __str__(self) -> str:
        return f"entry {self.pk}"


class Code(models.Model):
    """A voting code for one pot, kept as a keyed hash; that it was used stands on the pot's roll."""

    authority = models.ForeignKey(Authority, models.PROTECT)
    pot = models.ForeignKey(Pot, models.PROTECT, related_name="+")
    entry = models.ForeignKey(Entry, models.PROTECT, null=True, blank=True, related_name="+")
    digest = models.BinaryField(max_length=32, unique=True)
    cancelled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("pot", "entry"),
                condition=Q(cancelled_at__isnull=True, entry__isnull=False),
                name="entry_has_one_code_that_counts",
            ),
        )

    def __str__(self) -> str:
        return f"code {self.pk}"
