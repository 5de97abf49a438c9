"""What was shown to whom with what chance, what they said to it, and what decides what is shown."""

from __future__ import annotations

import secrets

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from commonweal.listen.conversations.models import (
    Conversation,
    Detail,
    DetailChoice,
    Participant,
    Reason,
    Statement,
)

CERTAIN = 1_000_000


def new_number() -> int:
    """Return a random number for a row: numbers in a row would tell who came after whom."""
    return secrets.randbits(62) + 1


class Value(models.IntegerChoices):
    """What somebody says to a statement."""

    AGREE = 1, _("Agree")
    DISAGREE = -1, _("Disagree")
    PASS = 0, _("Pass")


class Policy(models.TextChoices):
    """By what way a statement came before somebody."""

    MIXTURE = "mixture", _("By lot, from those not seen yet, with a known chance")
    CHOSEN = "chosen", _("They went to it themselves")
    OWN = "own", _("They wrote it")


class Showing(models.Model):
    """A statement shown to somebody, by what policy, out of how many, with what chance; and the vote.

    ``value`` is empty while it has only been shown. The chance is in millionths; it is empty where
    there was no lot.
    """

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="+", db_index=False)
    participant = models.ForeignKey(
        Participant, models.CASCADE, related_name="showings", db_index=False
    )
    statement = models.ForeignKey(Statement, models.CASCADE, related_name="showings")
    policy = models.CharField(max_length=8, choices=Policy.choices)
    out_of = models.PositiveIntegerField()
    chance_millionths = models.PositiveIntegerField(null=True, blank=True)
    shown_at = models.DateTimeField()
    value = models.SmallIntegerField(choices=Value.choices, null=True, blank=True)
    voted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("participant", "statement"), name="statement_is_shown_once"
            ),
            models.CheckConstraint(
                name="showing_policy_is_known", condition=Q(policy__in=Policy.values)
            ),
            models.CheckConstraint(
                name="showing_value_is_known",
                condition=Q(value__isnull=True) | Q(value__in=Value.values),
            ),
            models.CheckConstraint(
                name="showing_chance_is_one",
                condition=Q(chance_millionths__isnull=True, policy__in=("chosen", "own"))
                | Q(chance_millionths__range=(1, CERTAIN), policy="mixture"),
            ),
            models.CheckConstraint(
                name="showing_with_a_vote_has_its_moment",
                condition=Q(value__isnull=True, voted_at__isnull=True)
                | Q(value__isnull=False, voted_at__isnull=False),
            ),
        )
        indexes = (
            models.Index(
                fields=("conversation", "voted_at"),
                condition=Q(voted_at__isnull=False),
                name="vote_by_moment",
            ),
            models.Index(
                fields=("conversation", "id"), include=("statement",), name="showing_by_number"
            ),
        )

    def __str__(self) -> str:
        return f"showing {self.pk}"


class Routing(models.Model):
    """What decides which statement is shown next, as it was last worked out from the votes.

    ``arrays`` holds the engine's ``Bearings``, packed. ``shown`` says how often each statement was
    shown up to the showing with the number ``through``; what came later is counted when it is asked
    for. Written by ``actions.keep_routing``.
    """

    conversation = models.OneToOneField(Conversation, models.CASCADE, related_name="routing")
    made_at = models.DateTimeField()
    statements = ArrayField(models.BigIntegerField(), default=list)
    shown = ArrayField(models.BigIntegerField(), default=list)
    through = models.BigIntegerField(default=0)
    arrays = models.BinaryField(default=bytes)

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="routing_counts_each_statement",
                condition=Q(statements__len=models.F("shown__len")),
            ),
        )

    def __str__(self) -> str:
        return f"routing of {self.conversation_id}"


class DetailAnswer(models.Model):
    """What somebody says of themselves, under an envelope that only the conversation's key computes."""

    id = models.BigIntegerField(primary_key=True, default=new_number, editable=False)
    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="+")
    envelope = models.BinaryField(max_length=32)
    detail = models.ForeignKey(Detail, models.CASCADE, related_name="+")
    choice = models.ForeignKey(DetailChoice, models.CASCADE, related_name="+")

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("detail", "envelope"), name="detail_is_answered_once"),
        )

    def __str__(self) -> str:
        return f"answer {self.pk}"


class Report(models.Model):
    """Somebody says that a statement breaks the rules; moderators settle it."""

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="reports")
    statement = models.ForeignKey(Statement, models.CASCADE, related_name="reports")
    participant = models.ForeignKey(Participant, models.CASCADE, related_name="reports")
    reason = models.CharField(max_length=12, choices=Reason.choices)
    words = models.CharField(max_length=500, blank=True)
    reported_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("participant", "statement"), name="statement_is_reported_once"
            ),
            models.CheckConstraint(
                name="report_reason_is_known", condition=Q(reason__in=Reason.values)
            ),
        )
        indexes = (
            models.Index(
                fields=("conversation", "reported_at"),
                condition=Q(settled_at__isnull=True),
                name="report_unsettled",
            ),
        )

    def __str__(self) -> str:
        return self.get_reason_display()


class Kind(models.TextChoices):
    """What one network can do only so often within an hour."""

    GUEST = "guest", _("Take part without an account")
    STATEMENT = "statement", _("Add a statement")
    REPORT = "report", _("Report a statement")


class Brake(models.Model):
    """How often something was done from one network within an hour.

    ``network`` is a keyed hash of address and hour, so that nobody can follow a network from one
    hour to the next.
    """

    network = models.BinaryField(max_length=32)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    hour_at = models.DateTimeField(db_index=True)
    many = models.PositiveIntegerField(default=1)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("network", "kind"), name="network_is_counted_once"),
            models.CheckConstraint(name="brake_kind_is_known", condition=Q(kind__in=Kind.values)),
        )

    def __str__(self) -> str:
        return f"{self.many} times {self.kind}"
