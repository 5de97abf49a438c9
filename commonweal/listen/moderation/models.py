"""Decisions about statements, what authors say to them, reminders, and accounts that act as one."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from commonweal.ground.places.models import Authority
from commonweal.kit.addresses import address
from commonweal.listen.conversations.models import (
    MOST_LETTERS,
    Conversation,
    Reason,
    State,
    Statement,
)

MOST_DAYS = 10


class Reading(models.Model):
    """Within how many working days a person reads what is added; one where nobody said otherwise."""

    conversation = models.OneToOneField(Conversation, models.CASCADE, related_name="reading")
    days = models.PositiveSmallIntegerField(default=1)

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="reading_is_within_some_days", condition=Q(days__range=(1, MOST_DAYS))
            ),
        )

    def __str__(self) -> str:
        return f"{self.days} working days"


class Verdict(models.TextChoices):
    """What a moderator decides about a statement."""

    SHOWN = "shown", _("Let through")
    REJECTED = "rejected", _("Not let through")
    MERGED = "merged", _("Made one with another")


class Decision(models.Model):
    """What a moderator decided about one statement, and why; those of one ``batch`` came together.

    ``was`` and ``was_decided_at`` say where the statement stood before, so that it can go back there.
    The words are for its author alone.
    """

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="decisions")
    statement = models.ForeignKey(Statement, models.CASCADE, related_name="decisions")
    verdict = models.CharField(max_length=8, choices=Verdict.choices)
    reason = models.CharField(max_length=12, choices=Reason.choices, blank=True)
    words = models.TextField(max_length=1000, blank=True)
    same_as = models.ForeignKey(
        Statement, models.CASCADE, null=True, blank=True, related_name="took_in"
    )
    was = models.CharField(max_length=10, choices=State.choices)
    was_decided_at = models.DateTimeField(null=True, blank=True)
    batch = models.UUIDField(db_index=True)
    decided_at = models.DateTimeField()
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    told_at = models.DateTimeField(null=True, blank=True)
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        indexes = (
            models.Index(fields=("conversation", "-decided_at"), name="decision_newest"),
            models.Index(fields=("statement", "-decided_at"), name="decision_of_statement"),
        )
        constraints = (
            models.CheckConstraint(
                name="decision_verdict_is_known", condition=Q(verdict__in=Verdict.values)
            ),
            models.CheckConstraint(
                name="decision_was_is_known", condition=Q(was__in=("waiting", "shown"))
            ),
            models.CheckConstraint(
                name="decision_against_has_a_reason",
                condition=Q(verdict="rejected") & ~Q(reason="")
                | ~Q(verdict="rejected") & Q(reason=""),
            ),
            models.CheckConstraint(
                name="decision_to_merge_says_with_which",
                condition=Q(verdict="merged", same_as__isnull=False)
                | ~Q(verdict="merged") & Q(same_as__isnull=True),
            ),
            models.CheckConstraint(
                name="decision_is_undone_by_someone",
                condition=Q(undone_at__isnull=True, undone_by__isnull=True)
                | Q(undone_at__isnull=False, undone_by__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"{self.verdict} for {self.statement_id}"

    @property
    def stands(self) -> bool:
        """Tell whether nobody undid it."""
        return self.undone_at is None

    @property
    def reason_in_words(self) -> str:
        """Return the reason's sentence."""
        return str(Reason(self.reason).label) if self.reason else ""


class Appeal(models.Model):
    """An author objects to a decision, once for a statement; another moderator settles it."""

    decision = models.OneToOneField(Decision, models.CASCADE, related_name="appeal")
    statement = models.OneToOneField(Statement, models.CASCADE, related_name="appeal")
    words = models.TextField(max_length=1000, blank=True)
    made_at = models.DateTimeField()
    is_right = models.BooleanField(null=True, blank=True)
    answer = models.TextField(max_length=1000, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="appeal_is_settled_or_waits",
                condition=Q(settled_at__isnull=True, settled_by__isnull=True, is_right__isnull=True)
                | Q(settled_at__isnull=False, settled_by__isnull=False, is_right__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"appeal {self.pk}"


class SuggestionState(models.TextChoices):
    """What became of a cleaner text that a moderator suggested."""

    WAITING = "waiting", _("The author has not answered")
    TAKEN = "taken", _("The author took it")
    REFUSED = "refused", _("The author said no")
    LAPSED = "lapsed", _("Something else was decided meanwhile")


class Suggestion(models.Model):
    """A cleaner text that a moderator suggests: the words change only if their author takes it."""

    statement = models.ForeignKey(Statement, models.CASCADE, related_name="suggestions")
    text = models.CharField(max_length=MOST_LETTERS)
    state = models.CharField(
        max_length=8, choices=SuggestionState.choices, default=SuggestionState.WAITING
    )
    suggested_at = models.DateTimeField()
    suggested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(name="suggestion_says_something", condition=~Q(text="")),
            models.CheckConstraint(
                name="suggestion_state_is_known", condition=Q(state__in=SuggestionState.values)
            ),
            models.UniqueConstraint(
                fields=("statement",),
                condition=Q(state="waiting"),
                name="one_suggestion_waits_for_an_author",
            ),
        )

    def __str__(self) -> str:
        return self.text


class Alike(models.Model):
    """Two statements with similar texts, as they were last compared, and how people voted on both."""

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="+")
    first = models.ForeignKey(Statement, models.CASCADE, related_name="+")
    second = models.ForeignKey(Statement, models.CASCADE, related_name="+")
    likeness_millionths = models.PositiveIntegerField()
    voters = models.PositiveIntegerField(default=0)
    same = models.PositiveIntegerField(default=0)
    merge = models.BooleanField(default=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("first", "second"), name="two_statements_are_a_pair"),
            models.CheckConstraint(
                name="pair_is_of_two_in_order", condition=Q(first__lt=F("second"))
            ),
            models.CheckConstraint(
                name="pair_votes_alike_at_most_all", condition=Q(same__lte=F("voters"))
            ),
        )

    def __str__(self) -> str:
        return f"{self.first_id} and {self.second_id}"


class Comparison(models.Model):
    """When a conversation's statements were last compared, and its accounts looked at."""

    conversation = models.OneToOneField(Conversation, models.CASCADE, related_name="+")
    compared_at = models.DateTimeField(null=True, blank=True)
    looked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"comparison in {self.conversation_id}"


class Sign(models.TextChoices):
    """What about some accounts made us look."""

    COPIES = "copies", _("They cast exactly the same votes")
    NEAR_COPIES = "near-copies", _("They cast nearly the same votes")
    BURST = "burst", _("They came all at once and voted alike")
    SAME_FEW = "same-few", _("They vote on the same few statements only, and alike")


class CaseState(models.TextChoices):
    """What was decided about some accounts."""

    OPEN = "open", _("Nobody has decided yet")
    LEFT_IN = "left-in", _("Left in")
    SET_ASIDE = "set-aside", _("Set aside")


class Case(models.Model):
    """Some accounts that vote as one: raised for a moderator to look at, and decided in public.

    ``facts`` holds the numbers of the sign, ``effects`` what the headlines would say without them.
    The reason is public; who the accounts are is not.
    """

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="cases")
    sign = models.CharField(max_length=12, choices=Sign.choices)
    participants = ArrayField(models.BigIntegerField())
    facts = models.JSONField(default=dict)
    effects = models.JSONField(default=list)
    state = models.CharField(max_length=10, choices=CaseState.choices, default=CaseState.OPEN)
    reason = models.TextField(max_length=500, blank=True)
    raised_at = models.DateTimeField()
    seen_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        indexes = (models.Index(fields=("conversation", "state"), name="case_by_state"),)
        constraints = (
            models.CheckConstraint(name="case_sign_is_known", condition=Q(sign__in=Sign.values)),
            models.CheckConstraint(
                name="case_state_is_known", condition=Q(state__in=CaseState.values)
            ),
            models.CheckConstraint(
                name="case_is_about_somebody", condition=Q(participants__len__gte=1)
            ),
            models.CheckConstraint(
                name="case_decided_has_a_reason",
                condition=Q(state="open", decided_at__isnull=True, decided_by__isnull=True)
                | ~Q(state="open")
                & ~Q(reason="")
                & Q(decided_at__isnull=False, decided_by__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"case {self.pk}"

    def get_absolute_url(self) -> str:
        """Return the page where it is decided."""
        return f"{address('moderation:queue', self.conversation_id)}cases/{self.pk}/"

    @property
    def size(self) -> int:
        """Return how many accounts it is about."""
        return len(self.participants)


class Waits(models.TextChoices):
    """To whom a reminder goes, and so what it asks for."""

    READING = "reading", _("Statements wait to be read")
    NOBODY = "nobody", _("Statements wait, and nobody is named to read them")


class Reminder(models.Model):
    """A mail that statements wait longer than promised; one a day for each person."""

    authority = models.ForeignKey(Authority, models.CASCADE, related_name="+")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    waits = models.CharField(max_length=8, choices=Waits.choices)
    asked_on = models.DateField()
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("authority", "person", "asked_on"), name="person_is_reminded_once_a_day"
            ),
            models.CheckConstraint(
                name="reminder_waits_is_known", condition=Q(waits__in=Waits.values)
            ),
        )

    def __str__(self) -> str:
        return f"reminder of {self.asked_on}"
