"""Conversations: one question, and the short statements that people make about it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from commonweal.ground.challenges.models import Challenge
from commonweal.ground.places.models import Authority, Community, Level, StandingKind
from commonweal.kit.addresses import address

MOST_LETTERS = 280
MOST_STATEMENTS = 10_000


def new_key() -> bytes:
    """Return a fresh secret for the envelopes in which people say who they are."""
    return secrets.token_bytes(32)


def new_preview() -> str:
    """Return a fresh word for the link by which a conversation is seen before it is public."""
    return secrets.token_urlsafe(24)


class Reach(models.TextChoices):
    """Who may take part."""

    EVERYONE = "everyone", _("Everyone, without an account")
    ACCOUNT = "account", _("People with an account")
    PLACE = "place", _("People who belong to the place")


class Moderation(models.TextChoices):
    """When a moderator reads what people add."""

    BEFORE = "before", _("A moderator reads each statement before others see it")
    AFTER = "after", _("Statements are shown at once; a moderator reads them afterwards")


class Step(models.TextChoices):
    """The small steps in which a conversation is set up, in their order."""

    QUESTION = "question", _("The question")
    STATEMENTS = "statements", _("First statements")
    PEOPLE = "people", _("Who takes part")
    RULES = "rules", _("How it is kept fair")
    DETAILS = "details", _("About the people")
    DATES = "dates", _("Dates")


class Conversation(models.Model):
    """One question, open for a time, that people answer by voting on short statements.

    The key makes the envelopes under which people say who they are; it is destroyed when the last
    map is made.
    """

    authority = models.ForeignKey(Authority, models.PROTECT)
    community = models.ForeignKey(Community, models.PROTECT)
    challenge = models.ForeignKey(
        Challenge, models.PROTECT, null=True, blank=True, related_name="conversations"
    )
    question = models.CharField(max_length=200)
    background = models.TextField(max_length=5000, blank=True)
    what_happens = models.TextField(max_length=2000, blank=True)
    promised_by = models.CharField(max_length=120, blank=True)  # who answers, and by which day
    promised_on = models.DateField(null=True, blank=True)
    minutes = models.PositiveSmallIntegerField(default=5)
    reach = models.CharField(max_length=8, choices=Reach.choices, default=Reach.EVERYONE)
    level = models.PositiveSmallIntegerField(choices=Level.choices, default=Level.SELF_DECLARED)
    people_add = models.BooleanField(default=True)
    moderation = models.CharField(
        max_length=6, choices=Moderation.choices, default=Moderation.BEFORE
    )
    policy = models.TextField(max_length=5000, blank=True)
    enough = models.PositiveSmallIntegerField(default=20)
    opens_at = models.DateTimeField()
    closes_at = models.DateTimeField(null=True, blank=True)
    is_draft = models.BooleanField(default=True)
    steps_done = ArrayField(models.CharField(max_length=10), default=list, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    preview = models.CharField(max_length=64, default=new_preview, editable=False)
    key = models.BinaryField(max_length=32, null=True, default=new_key, editable=False)
    copied_from = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    class Meta:
        indexes = (models.Index(fields=("authority", "-opens_at"), name="conversation_newest"),)
        constraints = (
            models.CheckConstraint(name="conversation_asks_something", condition=~Q(question="")),
            models.CheckConstraint(
                name="conversation_reach_is_known", condition=Q(reach__in=Reach.values)
            ),
            models.CheckConstraint(
                name="conversation_level_is_known", condition=Q(level__in=Level.values)
            ),
            models.CheckConstraint(
                name="conversation_moderation_is_known",
                condition=Q(moderation__in=Moderation.values),
            ),
            models.CheckConstraint(
                name="conversation_opens_before_it_closes",
                condition=Q(closes_at__isnull=True) | Q(opens_at__lt=F("closes_at")),
            ),
            models.CheckConstraint(
                name="conversation_steps_are_known",
                condition=Q(steps_done__contained_by=Step.values),
            ),
            models.CheckConstraint(
                name="conversation_is_enough_after_some",
                condition=Q(enough__range=(1, 500), minutes__range=(1, 240)),
            ),
        )

    def __str__(self) -> str:
        return self.question

    def get_absolute_url(self) -> str:
        """Return the conversation's own page."""
        return address("conversations:conversation", self.pk)

    @property
    def is_public(self) -> bool:
        """Tell whether everybody may read it, where its challenge is public."""
        return not self.is_draft

    def has_opened(self, at: datetime) -> bool:
        """Tell whether people could say something by then: its frame stays as they found it."""
        return not self.is_draft and self.opens_at <= at

    def is_open(self, at: datetime) -> bool:
        """Tell whether it takes votes and statements at that moment."""
        stands = not self.is_draft and self.withdrawn_at is None
        return stands and self.opens_at <= at and (self.closes_at is None or at < self.closes_at)

    def state(self, at: datetime) -> str:
        """Return where it stands for everybody: ``coming``, ``open``, ``closed`` or ``withdrawn``."""
        if self.withdrawn_at is not None:
            return "withdrawn"
        if self.is_draft or at < self.opens_at:
            return "coming"
        return "open" if self.is_open(at) else "closed"

    def seal(self, participant_id: int) -> bytes:
        """Return the envelope under which somebody says who they are.

        Raises ``ValueError`` once the key is destroyed: then no answer leads back to a person.
        """
        if self.key is None:
            raise ValueError("the key of this conversation is destroyed")
        return hmac.digest(bytes(self.key), f"detail:{participant_id}".encode(), hashlib.sha256)


class Participant(models.Model):
    """Somebody who takes part in one conversation, with an account or by the mark of a browser.

    ``holder`` is a keyed hash of what the browser keeps. Both are empty once the person is erased;
    their votes stay, and are nobody's.
    """

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="participants")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    holder = models.BinaryField(max_length=32, null=True, blank=True)
    standing = models.CharField(max_length=20, choices=StandingKind.choices, blank=True)
    joined_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("conversation", "person"), name="person_takes_part_once"
            ),
            models.UniqueConstraint(
                fields=("conversation", "holder"), name="browser_takes_part_once"
            ),
            models.UniqueConstraint(
                fields=("id", "conversation"), name="participant_and_conversation_are_a_pair"
            ),
        )
        indexes = (models.Index(fields=("holder",), name="participant_by_holder"),)

    def __str__(self) -> str:
        return f"participant {self.pk}"


class State(models.TextChoices):
    """Where a statement stands."""

    WAITING = "waiting", _("A moderator has not read it yet")
    SHOWN = "shown", _("People vote on it")
    REJECTED = "rejected", _("A moderator did not let it through")
    MERGED = "merged", _("It became one with another statement")
    TAKEN_BACK = "taken-back", _("Its author took it back")


class Reason(models.TextChoices):
    """Why a moderator does not let a statement through: a code, so that the journal can hold it."""

    UNKIND = "unkind", _("It attacks somebody")
    PRIVATE = "private", _("It tells something private about a person")
    UNLAWFUL = "unlawful", _("It breaks the law")
    ADVERT = "advert", _("It sells something")
    OFF_SUBJECT = "off-subject", _("It is about something else")
    DOUBLE = "double", _("The same stands here already")
    SEVERAL = "several", _("It says several things at once")
    UNCLEAR = "unclear", _("It cannot be understood")


class Statement(models.Model):
    """One sentence that anyone can add and everyone can vote on."""

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="statements")
    number = models.PositiveIntegerField()
    text = models.CharField(max_length=MOST_LETTERS)
    author = models.ForeignKey(
        Participant, models.SET_NULL, null=True, blank=True, related_name="statements"
    )
    standing = models.CharField(max_length=20, choices=StandingKind.choices, blank=True)
    is_first = models.BooleanField(default=False)  # put there by staff, not by one of the people
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    reason = models.CharField(max_length=12, choices=Reason.choices, blank=True)
    same_as = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="merged"
    )
    votes = models.PositiveIntegerField(default=0)  # when the map was last made
    added_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    challenge = models.ForeignKey(  # the open question that came of it
        Challenge, models.SET_NULL, null=True, blank=True, related_name="came_from"
    )

    stands_under = "conversation"  # where the journal looks for what the statement does not know

    class Meta:
        indexes = (models.Index(fields=("conversation", "state"), name="statement_by_state"),)
        constraints = (
            models.UniqueConstraint(
                fields=("conversation", "number"), name="statement_number_is_unique"
            ),
            models.UniqueConstraint(
                fields=("id", "conversation"), name="statement_and_conversation_are_a_pair"
            ),
            models.CheckConstraint(name="statement_says_something", condition=~Q(text="")),
            models.CheckConstraint(
                name="statement_state_is_known", condition=Q(state__in=State.values)
            ),
            models.CheckConstraint(
                name="statement_rejected_has_a_reason",
                condition=~Q(state="rejected") | ~Q(reason=""),
            ),
            models.CheckConstraint(
                name="statement_merged_says_with_which",
                condition=Q(state="merged", same_as__isnull=False)
                | (~Q(state="merged") & Q(same_as__isnull=True)),
            ),
        )

    def __str__(self) -> str:
        return self.text

    def get_absolute_url(self) -> str:
        """Return the statement's own page."""
        page = address("conversations:conversation", self.conversation_id)
        return f"{page}statements/{self.number}/"

    @property
    def is_public(self) -> bool:
        """Tell whether everybody may read it, where its conversation is public."""
        return self.state in (State.SHOWN, State.MERGED)

    @property
    def authority_id(self) -> int:
        """Return its conversation's authority, where the journal looks for it."""
        return self.conversation.authority_id

    @property
    def community_id(self) -> int:
        """Return its conversation's community, where the journal looks for it."""
        return self.conversation.community_id


class Part(models.TextChoices):
    """What of a conversation may still change after it has opened, in public."""

    CLOSE = "closes_at", _("When it closes")
    QUESTION = "question", _("The question")
    BACKGROUND = "background", _("The background")
    WHAT_HAPPENS = "what_happens", _("What happens with it")
    PROMISED_BY = "promised_by", _("Who answers")
    PROMISED_ON = "promised_on", _("By when they answer")
    MINUTES = "minutes", _("How long it takes")
    PEOPLE_ADD = "people_add", _("Whether people may add statements")
    MODERATION = "moderation", _("When a moderator reads what people add")
    POLICY = "policy", _("What may not stand there")
    WITHDRAWN = "withdrawn", _("That it is withdrawn")


class Change(models.Model):
    """Something that was changed after a conversation had opened: what it was, and why."""

    conversation = models.ForeignKey(Conversation, models.PROTECT, related_name="changes")
    part = models.CharField(max_length=12, choices=Part.choices)
    was = models.TextField(max_length=5000, blank=True)
    became = models.TextField(max_length=5000, blank=True)
    why = models.CharField(max_length=300)
    changed_at = models.DateTimeField()
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    class Meta:
        ordering = ("-changed_at", "-pk")
        constraints = (
            models.CheckConstraint(name="conversation_change_has_a_reason", condition=~Q(why="")),
            models.CheckConstraint(
                name="conversation_change_is_of_a_known_part", condition=Q(part__in=Part.values)
            ),
        )

    def __str__(self) -> str:
        return f"change of {self.part}"

    @property
    def has_words(self) -> bool:
        """Tell whether words were changed, which stand beside each other."""
        return self.part not in (Part.CLOSE, Part.WITHDRAWN)

    @property
    def moment_before(self) -> datetime | None:
        """Return the close as it was; nothing where it had none."""
        return datetime.fromisoformat(self.was) if self.part == Part.CLOSE and self.was else None

    @property
    def moment_after(self) -> datetime | None:
        """Return the close as it became."""
        return datetime.fromisoformat(self.became) if self.part == Part.CLOSE else None


class Heed(models.TextChoices):
    """What a public body does with a statement."""

    DONE = "done", _("We did this")
    DOING = "doing", _("We are doing this")
    LOOKING = "looking", _("We are looking into this")
    NOT_NOW = "not-now", _("We will not do this now")


class Answer(models.Model):
    """What came of a statement: you said, we did."""

    statement = models.ForeignKey(Statement, models.CASCADE, related_name="answers")
    heed = models.CharField(max_length=8, choices=Heed.choices)
    words = models.TextField(max_length=2000)
    answered_at = models.DateTimeField()
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    class Meta:
        ordering = ("-answered_at", "-pk")
        constraints = (
            models.CheckConstraint(name="answer_heed_is_known", condition=Q(heed__in=Heed.values)),
            models.CheckConstraint(name="answer_says_something", condition=~Q(words="")),
        )

    def __str__(self) -> str:
        return self.get_heed_display()


class Detail(models.Model):
    """Something people may say of themselves if they like, such as their age."""

    conversation = models.ForeignKey(Conversation, models.CASCADE, related_name="details")
    label = models.CharField(max_length=120)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ("position", "pk")
        constraints = (models.CheckConstraint(name="detail_has_a_label", condition=~Q(label="")),)

    def __str__(self) -> str:
        return self.label


class DetailChoice(models.Model):
    """One thing people may say of themselves, and how many in a thousand who live here would."""

    detail = models.ForeignKey(Detail, models.CASCADE, related_name="choices")
    label = models.CharField(max_length=120)
    residents_in_1000 = models.PositiveSmallIntegerField(null=True, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ("position", "pk")
        constraints = (
            models.CheckConstraint(name="detail_choice_has_a_label", condition=~Q(label="")),
            models.CheckConstraint(
                name="detail_choice_is_a_share",
                condition=Q(residents_in_1000__isnull=True) | Q(residents_in_1000__lte=1000),
            ),
        )

    def __str__(self) -> str:
        return self.label
