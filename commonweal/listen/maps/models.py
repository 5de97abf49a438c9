"""The map of a conversation as it was worked out last, ready for its pages."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from commonweal.listen.conversations.models import Conversation, Statement


class Map(models.Model):
    """Where opinion is common and where it divides, of the votes up to a moment.

    The last one of a conversation, and no other: an earlier one beside it could tell what somebody
    said in between. ``told`` is what pages show, small numbers left out already; ``arrays`` places
    one person on the map from their own votes.
    """

    conversation = models.OneToOneField(Conversation, models.CASCADE, related_name="map")
    made_at = models.DateTimeField()
    until_at = models.DateTimeField()  # votes cast before this are in
    read_at = models.DateTimeField()  # when every vote was last read, and not only the newest
    is_final = models.BooleanField(default=False)
    people = models.PositiveIntegerField()
    statements = models.PositiveIntegerField()
    votes = models.PositiveBigIntegerField()
    dimensions = models.PositiveSmallIntegerField()
    groups = models.PositiveSmallIntegerField()
    is_clear = models.BooleanField()
    stability_in_1000 = models.SmallIntegerField(null=True, blank=True)
    milliseconds = models.PositiveIntegerField()  # of a processor, that working it out took
    told: models.JSONField[Any, Any] = models.JSONField(default=dict)
    arrays = models.BinaryField(default=bytes)

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="map_has_a_group_or_several", condition=Q(groups__range=(1, 16))
            ),
            models.CheckConstraint(
                name="map_is_clear_about_several", condition=Q(is_clear=False) | Q(groups__gt=1)
            ),
            models.CheckConstraint(
                name="map_holds_what_was_before_it", condition=Q(until_at__lte=F("made_at"))
            ),
        )

    def __str__(self) -> str:
        return f"map of {self.conversation_id}"

    @property
    def kept_in_100(self) -> int | None:
        """How alike the groups stay when some votes are hidden: 100 the same, 0 as by chance."""
        return None if self.stability_in_1000 is None else round(self.stability_in_1000 / 10)


class Finding(models.Model):
    """How votes on one statement split: everybody's first in each row of numbers, then each group's.

    Shares are in thousandths, with the ends of the interval that holds the share of those who agree
    nine times in ten. What fewer than five people said is empty, and so is what would give it away.
    """

    statement = models.OneToOneField(Statement, models.CASCADE, related_name="finding")
    shown = models.PositiveBigIntegerField()
    votes = ArrayField(models.IntegerField(null=True))
    agree = ArrayField(models.SmallIntegerField(null=True))
    low = ArrayField(models.SmallIntegerField(null=True))
    high = ArrayField(models.SmallIntegerField(null=True))
    disagree = ArrayField(models.SmallIntegerField(null=True))
    passed = ArrayField(models.SmallIntegerField(null=True))
    weighted = ArrayField(models.SmallIntegerField(), default=list, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="finding_has_a_number_for_each",
                condition=Q(
                    votes__len__gt=0,
                    agree__len=F("votes__len"),
                    low__len=F("votes__len"),
                    high__len=F("votes__len"),
                    disagree__len=F("votes__len"),
                    passed__len=F("votes__len"),
                ),
            ),
        )

    def __str__(self) -> str:
        return f"finding on statement {self.statement_id}"
