"""What each way of counting would have made of votes, for whoever has to choose one."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models import Q

from commonweal.decide.budgets.models import Pot
from commonweal.ground.places.models import Authority


class Rehearsal(models.Model):
    """The latest comparison asked for a pot: with the votes of an earlier pot, or made-up ones."""

    authority = models.ForeignKey(Authority, models.PROTECT)
    pot = models.OneToOneField(Pot, models.PROTECT, related_name="rehearsal")
    past = models.ForeignKey(Pot, models.PROTECT, null=True, blank=True, related_name="+")
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    done_at = models.DateTimeField(null=True, blank=True)
    result = models.JSONField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="rehearsal_done_has_a_result",
                condition=Q(done_at__isnull=True, result__isnull=True)
                | Q(done_at__isnull=False, result__isnull=False),
            ),
            models.CheckConstraint(
                name="rehearsal_is_with_other_votes",
                condition=Q(past__isnull=True) | ~Q(past=models.F("pot")),
            ),
        )

    def __str__(self) -> str:
        return f"rehearsal of {self.pot_id}"
