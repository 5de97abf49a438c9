"""Hearings: a document cut into passages, and what people say about each."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Deferrable, F, Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from commonweal.ground.challenges.models import Challenge
from commonweal.ground.places.models import (
    Authority,
    Community,
    Level,
    Organisation,
    StandingKind,
)
from commonweal.kit import documents
from commonweal.kit.addresses import address

MOST_PASSAGES = 2_000
MOST_LETTERS = 1_000_000  # of a whole document: some four hundred pages
A_PASSAGE = 10_000
CHANGEABLE = timedelta(hours=1)  # how long somebody may put their own words right


class Reach(models.TextChoices):
    """Who may comment."""

    EVERYONE = "everyone", _("Everyone, with or without an account")
    ACCOUNT = "account", _("Everyone with an account")
    PLACE = "place", _("People who belong to this community")


class Stance(models.TextChoices):
    """How somebody stands to a passage."""

    SUPPORT = "support", _("I support it")
    CHANGE = "change", _("I would change it")
    OPPOSE = "oppose", _("I oppose it")
    NEITHER = "neither", _("A question or a remark")


class State(models.TextChoices):
    """Whether a comment is shown."""

    WAITING = "waiting", _("Waiting for a moderator")
    SHOWN = "shown", _("Shown")
    HIDDEN = "hidden", _("Hidden by a moderator")
    REMOVED = "removed", _("Taken back by the person who wrote it")


class Channel(models.TextChoices):
    """By which way a comment came."""

    ONLINE = "online", _("On this site")
    LETTER = "letter", _("By letter")
    MAIL = "mail", _("By email")
    PHONE = "phone", _("By telephone")
    MEETING = "meeting", _("At a meeting")


class Reason(models.TextChoices):
    """Why a moderator hides a comment: a code, so that the journal can hold it."""

    UNKIND = "unkind", _("It attacks somebody")
    PRIVATE = "private", _("It tells something private about a person")
    UNLAWFUL = "unlawful", _("It breaks the law")
    ADVERT = "advert", _("It sells something")
    OFF_SUBJECT = "off-subject", _("It is about something else")
    DOUBLE = "double", _("The same stands here already")


class Outcome(models.TextChoices):
    """What those who decide do with what was said."""

    TAKEN_UP = "taken-up", _("Taken up")
    PARTLY = "partly", _("Taken up in part")
    NOT_TAKEN_UP = "not-taken-up", _("Not taken up")
    NOTED = "noted", _("Noted")


class Kind(models.TextChoices):
    """What sort of passage."""

    HEADING = documents.HEADING, _("Heading")
    PARAGRAPH = documents.PARAGRAPH, _("Paragraph")
    CLAUSE = documents.CLAUSE, _("Numbered clause")
    ITEM = documents.ITEM, _("Item of a list")
    TABLE = documents.TABLE, _("Table")


class Hearing(models.Model):
    """A document that people are asked about before somebody decides on it.

    While it is withdrawn nobody comments; ``is_withheld`` then keeps the document and what people
    said from everybody but staff. Nothing is deleted, and it can be put back.
    """

    authority = models.ForeignKey(Authority, models.PROTECT)
    community = models.ForeignKey(Community, models.PROTECT)
    challenge = models.ForeignKey(
        Challenge, models.PROTECT, null=True, blank=True, related_name="hearings"
    )
    title = models.CharField(max_length=120)
    about = models.TextField(max_length=3000)
    decides = models.CharField(max_length=300)
    reach = models.CharField(max_length=10, choices=Reach.choices, default=Reach.ACCOUNT)
    level = models.PositiveSmallIntegerField(choices=Level.choices, default=Level.SELF_DECLARED)
    checks_first = models.BooleanField(default=False)
    opens_at = models.DateTimeField()
    closes_at = models.DateTimeField()
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    published_at = models.DateTimeField(null=True, blank=True)
    outcome = models.TextField(max_length=3000, blank=True)
    outcome_at = models.DateTimeField(null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_why = models.CharField(max_length=1000, blank=True)
    is_withheld = models.BooleanField(default=False)

    class Meta:
        indexes = (models.Index(fields=("authority", "-closes_at"), name="hearing_by_close"),)
        constraints = (
            models.CheckConstraint(
                name="hearing_reach_is_known", condition=Q(reach__in=Reach.values)
            ),
            models.CheckConstraint(
                name="hearing_level_is_known", condition=Q(level__in=Level.values)
            ),
            models.CheckConstraint(
                name="hearing_opens_before_it_closes", condition=Q(opens_at__lt=F("closes_at"))
            ),
            models.CheckConstraint(
                name="hearing_outcome_has_a_moment",
                condition=Q(outcome="", outcome_at__isnull=True)
                | (~Q(outcome="") & Q(outcome_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="hearing_is_withdrawn_for_a_reason",
                condition=Q(withdrawn_at__isnull=True, is_withheld=False)
                | (Q(withdrawn_at__isnull=False) & ~Q(withdrawn_why="")),
            ),
        )

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """Return the page with the document."""
        return address("hearings:hearing", self.pk)

    @property
    def is_public(self) -> bool:
        """Tell whether everyone may read it."""
        return self.published_at is not None

    def state(self, at: datetime) -> str:
        """Return where it stands: draft, withdrawn, coming, open, closed or answered."""
        if self.published_at is None:
            return "draft"
        if self.withdrawn_at is not None:
            return "withdrawn"
        if at < self.opens_at:
            return "coming"
        if at < self.closes_at:
            return "open"
        return "answered" if self.outcome else "closed"


class Version(models.Model):
    """The document as it was put before people, and as it became afterwards.

    Once public, its passages and their numbers stay; the original file is kept as it was given.
    """

    hearing = models.ForeignKey(Hearing, models.CASCADE, related_name="versions")
    number = models.PositiveSmallIntegerField()
    why = models.TextField(max_length=3000, blank=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    published_at = models.DateTimeField(null=True, blank=True)
    file = models.BinaryField(null=True, blank=True)
    file_name = models.CharField(max_length=200, blank=True)
    file_size = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("hearing", "number"), name="version_has_a_number"),
            models.UniqueConstraint(
                fields=("hearing",),
                condition=Q(published_at__isnull=True),
                name="one_draft_at_a_time",
            ),
            models.CheckConstraint(name="version_counts_from_one", condition=Q(number__gte=1)),
        )

    def __str__(self) -> str:
        return f"version {self.number} of hearing {self.hearing_id}"

    def get_absolute_url(self) -> str:
        """Return the page of this version."""
        return reverse("hearings:version", args=[self.hearing_id, self.number])


class Passage(models.Model):
    """A heading, paragraph, clause, item or table of one version, with a number that stays.

    ``before`` is the passage of the version before that it comes from, and ``difference`` what was
    changed in its words: pairs of a sign (``=``, ``-``, ``+``) and words.
    """

    version = models.ForeignKey(Version, models.CASCADE, related_name="passages")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    level = models.PositiveSmallIntegerField(default=1)
    label = models.CharField(max_length=40, blank=True)
    text = models.TextField(max_length=A_PASSAGE)
    before = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="after")
    difference = models.JSONField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("version", "number"),
                name="passage_has_a_number",
                deferrable=Deferrable.DEFERRED,
            ),
            models.CheckConstraint(name="passage_counts_from_one", condition=Q(number__gte=1)),
            models.CheckConstraint(name="passage_kind_is_known", condition=Q(kind__in=Kind.values)),
            models.CheckConstraint(name="passage_says_something", condition=~Q(text="")),
            models.CheckConstraint(
                name="passage_is_not_too_deep", condition=Q(level__gte=1, level__lte=6)
            ),
        )

    def __str__(self) -> str:
        return f"passage {self.number}"

    @property
    def is_changed(self) -> bool:
        """Tell whether its words differ from those of the passage that it comes from."""
        return self.difference is not None


class Comment(models.Model):
    """What somebody says about a passage, or about the document as a whole.

    A person wrote it, or a guest in a browser that holds ``guest``'s secret, or staff entered what
    came by another way. ``digest`` keeps the same words from standing there twice.
    """

    hearing = models.ForeignKey(Hearing, models.CASCADE, related_name="comments")
    version = models.ForeignKey(Version, models.CASCADE, related_name="comments")
    passage = models.ForeignKey(
        Passage, models.CASCADE, null=True, blank=True, related_name="comments"
    )
    parent = models.ForeignKey(
        "self", models.CASCADE, null=True, blank=True, related_name="replies"
    )
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    guest = models.BinaryField(max_length=32, null=True, blank=True)
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    name = models.CharField(max_length=80, blank=True)
    standing = models.CharField(max_length=20, choices=StandingKind.choices, blank=True)
    organisation = models.ForeignKey(Organisation, models.PROTECT, null=True, blank=True)
    channel = models.CharField(max_length=10, choices=Channel.choices, default=Channel.ONLINE)
    received_on = models.DateField(null=True, blank=True)
    stance = models.CharField(max_length=10, choices=Stance.choices)
    body = models.TextField(max_length=5000, blank=True)
    wording = models.TextField(max_length=5000, blank=True)
    state = models.CharField(max_length=10, choices=State.choices)
    reason = models.CharField(max_length=20, choices=Reason.choices, blank=True)
    written_at = models.DateTimeField()
    changed_at = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    digest = models.BinaryField(max_length=32, null=True, blank=True)

    class Meta:
        indexes = (
            models.Index(
                fields=("passage", "state", "-written_at"), name="hearing_comment_by_passage"
            ),
            models.Index(fields=("hearing", "state", "-written_at"), name="hearing_comment_newest"),
            models.Index(fields=("parent", "written_at"), name="hearing_reply_in_order"),
            models.Index(fields=("person", "-written_at"), name="hearing_comment_by_person"),
        )
        constraints = (
            models.UniqueConstraint(
                fields=("hearing", "digest"), name="hearing_comment_stands_once"
            ),
            models.CheckConstraint(
                name="hearing_comment_says_something", condition=Q(state="removed") | ~Q(body="")
            ),
            models.CheckConstraint(
                name="hearing_comment_stance_is_known", condition=Q(stance__in=Stance.values)
            ),
            models.CheckConstraint(
                name="hearing_comment_state_is_known", condition=Q(state__in=State.values)
            ),
            models.CheckConstraint(
                name="hearing_comment_channel_is_known", condition=Q(channel__in=Channel.values)
            ),
            models.CheckConstraint(
                name="hearing_comment_hidden_has_a_reason",
                condition=~Q(state="hidden") | ~Q(reason=""),
            ),
            models.CheckConstraint(
                name="hearing_comment_by_hand_says_when_it_came",
                condition=Q(channel="online")
                | Q(received_on__isnull=False, entered_by__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"comment {self.pk}"

    def get_absolute_url(self) -> str:
        """Return the comment's own page."""
        return address("hearings:comment", self.pk)

    def get_stance_display(self) -> str:  # type: ignore[no-redef]
        """Return the stance's words (Django's own way reads every stance each time)."""
        return str(Stance(self.stance).label)

    def get_standing_display(self) -> str:  # type: ignore[no-redef]
        """Return the standing's words."""
        return str(StandingKind(self.standing).label) if self.standing else ""

    @property
    def is_public(self) -> bool:
        """Tell whether everyone may read it."""
        return self.state == State.SHOWN

    @property
    def is_nameless(self) -> bool:
        """Tell whether nobody is named: a guest who gave no name, or a letter without one."""
        return self.person_id is None and not self.name


class Agreement(models.Model):
    """A person agrees with a comment."""

    comment = models.ForeignKey(Comment, models.CASCADE, related_name="agreements")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    agreed_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("comment", "person"), name="person_agrees_once"),
        )

    def __str__(self) -> str:
        return f"{self.person_id} agrees with {self.comment_id}"


class Report(models.Model):
    """Somebody tells the moderators that a comment breaks the rules."""

    comment = models.ForeignKey(Comment, models.CASCADE, related_name="reports")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+"
    )
    reason = models.CharField(max_length=20, choices=Reason.choices)
    words = models.CharField(max_length=500, blank=True)
    reported_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("comment", "person"), name="person_reports_once"),
            models.CheckConstraint(
                name="hearing_report_reason_is_known", condition=Q(reason__in=Reason.values)
            ),
        )
        indexes = (
            models.Index(
                fields=("comment",),
                condition=Q(settled_at__isnull=True),
                name="hearing_report_open",
            ),
        )

    def __str__(self) -> str:
        return f"report {self.pk}"


class Answer(models.Model):
    """What those who decide say to a passage or to a comment: official, public, with a status."""

    hearing = models.ForeignKey(Hearing, models.CASCADE, related_name="answers")
    passage = models.OneToOneField(
        Passage, models.CASCADE, null=True, blank=True, related_name="answer"
    )
    comment = models.OneToOneField(
        Comment, models.CASCADE, null=True, blank=True, related_name="answer"
    )
    status = models.CharField(max_length=14, choices=Outcome.choices)
    words = models.TextField(max_length=3000)
    answered_at = models.DateTimeField()
    changed_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="hearing_answer_status_is_known", condition=Q(status__in=Outcome.values)
            ),
            models.CheckConstraint(name="hearing_answer_says_why", condition=~Q(words="")),
            models.CheckConstraint(
                name="hearing_answer_is_to_one_thing",
                condition=Q(passage__isnull=True, comment__isnull=False)
                | Q(passage__isnull=False, comment__isnull=True),
            ),
        )

    def __str__(self) -> str:
        return f"answer {self.pk}"

    def get_status_display(self) -> str:  # type: ignore[no-redef]
        """Return the status's words."""
        return str(Outcome(self.status).label)
