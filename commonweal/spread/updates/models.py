"""Who follows what, and which mails went out for it."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from commonweal.ground.challenges.models import Challenge
from commonweal.ground.journal.models import Entry


class Follow(models.Model):
    """A person asked to be told when a challenge moves on."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    challenge = models.ForeignKey(Challenge, models.CASCADE, related_name="follows")
    since = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("person", "challenge"), name="person_follows_once"),
        )

    def __str__(self) -> str:
        return f"{self.person_id} follows {self.challenge_id}"


class Notice(models.Model):
    """A mail about an entry to a follower: written once, sent once."""

    follow = models.ForeignKey(Follow, models.CASCADE, related_name="notices")
    entry = models.ForeignKey(Entry, models.PROTECT, related_name="+")
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("follow", "entry"), name="follower_is_told_once"),
        )
        indexes = (
            models.Index(
                fields=("follow",), condition=Q(sent_at__isnull=True), name="notice_unsent"
            ),
        )

    def __str__(self) -> str:
        return f"notice {self.pk}"


class Pace(models.IntegerChoices):
    """How often a person wants to be told, at most: days between two mails."""

    DAY = 1, _("At most one mail a day")
    WEEK = 7, _("At most one mail a week")
    MONTH = 30, _("At most one mail a month")


class Digest(models.Model):
    """A person's mails of news: how often at most, and when the last went. One row to lock."""

    person = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    pace = models.PositiveSmallIntegerField(choices=Pace.choices, default=Pace.DAY)
    last_sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(name="digest_pace_is_known", condition=Q(pace__in=Pace.values)),
        )

    def __str__(self) -> str:
        return f"digest of {self.person_id}"

    def is_due(self, at: datetime) -> bool:
        """Tell whether another mail may go out by then."""
        return self.last_sent_at is None or self.last_sent_at + timedelta(days=self.pace) <= at
