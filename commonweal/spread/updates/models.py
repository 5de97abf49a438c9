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
        indexes = (models.Index(fields=("challenge", "person"), name="follow_in_order"),)

    def __str__(self) -> str:
        return f"{self.person_id} follows {self.challenge_id}"


class Because(models.TextChoices):
    """Why a person is told."""

    FOLLOWS = "follows", _("You follow the challenge")
    VOTED = "voted", _("You voted in the pot")
    SIGNED = "signed", _("You signed the idea")
    TOOK_PART = "took", _("You took part in the conversation")
    SAID = "said", _("The idea came of something you said")


class Wave(models.Model):
    """How far an entry has been noted for those it concerns, person by person in their order."""

    entry = models.OneToOneField(Entry, models.PROTECT, related_name="+")
    reached = models.BigIntegerField(default=0)
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = (
            models.Index(fields=("entry",), condition=Q(done_at__isnull=True), name="wave_undone"),
        )

    def __str__(self) -> str:
        return f"wave of {self.entry_id}"


class Notice(models.Model):
    """That somebody is to be told of an entry: written once, sent once. A vote says only that."""

    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    entry = models.ForeignKey(Entry, models.PROTECT, related_name="+")
    because = models.CharField(max_length=8, choices=Because.choices, default=Because.FOLLOWS)
    follow = models.ForeignKey(
        Follow, models.CASCADE, null=True, blank=True, related_name="notices"
    )
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("person", "entry"), name="person_is_told_once"),
            models.CheckConstraint(
                name="notice_says_why",
                condition=Q(because=Because.FOLLOWS, follow__isnull=False)
                | Q(
                    because__in=(
                        Because.VOTED,
                        Because.SIGNED,
                        Because.TOOK_PART,
                        Because.SAID,
                    ),
                    follow__isnull=True,
                ),
            ),
        )
        indexes = (
            models.Index(
                fields=("person",), condition=Q(sent_at__isnull=True), name="notice_waits"
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
    """A person's mails of news: how often at most, and when the last went. One row to lock.

    ``hears_of_votes``: also of what becomes of pots they voted in, ideas they signed and conversations
    they took part in.
    """

    person = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    pace = models.PositiveSmallIntegerField(choices=Pace.choices, default=Pace.DAY)
    hears_of_votes = models.BooleanField(default=True)
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
