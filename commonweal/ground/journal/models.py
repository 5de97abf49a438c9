"""The append-only record of who did what to what, and when."""

from django.conf import settings
from django.db import models


class Entry(models.Model):
    """One thing that happened. The database refuses to change or remove it.

    Personal data stands here by reference only: erasing a person leaves the entry and an
    anonymous ``who``.
    """

    at = models.DateTimeField(db_index=True)
    what = models.CharField(max_length=60)
    who = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    authority = models.ForeignKey(
        "places.Authority", models.PROTECT, null=True, blank=True, related_name="+"
    )
    community = models.ForeignKey(
        "places.Community", models.PROTECT, null=True, blank=True, related_name="+"
    )
    challenge = models.ForeignKey(
        "challenges.Challenge", models.PROTECT, null=True, blank=True, related_name="+"
    )
    about = models.CharField(max_length=60)
    about_id = models.BigIntegerField()
    is_public = models.BooleanField()
    facts = models.JSONField(default=dict)

    class Meta:
        indexes = (
            models.Index(fields=("challenge", "-at"), name="entry_by_challenge"),
            models.Index(fields=("community", "-at"), name="entry_by_community"),
            models.Index(fields=("authority", "-at"), name="entry_by_authority"),
            models.Index(fields=("about", "about_id"), name="entry_by_thing"),
        )
        constraints = (
            models.CheckConstraint(
                name="entry_has_a_code", condition=models.Q(what__regex=r"^[a-z_]+\.[a-z_]+$")
            ),
        )

    def __str__(self) -> str:
        return self.what
