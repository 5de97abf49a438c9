"""Proposals: ideas in writing, with signatures and comments."""

from hashlib import sha256

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from commonweal.ground.challenges.models import Challenge
from commonweal.ground.places.models import Authority, Community, Organisation, StandingKind
from commonweal.kit.addresses import address
from commonweal.kit.letters import Plain


class Status(models.TextChoices):
    """Where a proposal stands."""

    DRAFT = "draft", _("Draft")
    PUBLISHED = "published", _("Idea")
    IN_BALLOT = "in-ballot", _("In the ballot")
    FUNDED = "funded", _("Funded")
    NOT_FUNDED = "not-funded", _("Not funded")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    HIDDEN = "hidden", _("Hidden by a moderator")


# Who uses a service and who gives it: when both stand for an idea, it is a partnership.
USES_IT = (StandingKind.SERVICE_USER, StandingKind.CARER)
GIVES_IT = (StandingKind.FRONT_LINE_STAFF, StandingKind.SERVICE_LEADER)


class Part(models.TextChoices):
    """The small steps in which an idea is written: what gets better first, what it costs last."""

    BETTER = "better", _("What will be better")
    WHOM = "whom", _("For whom")
    MEASURE = "measure", _("How we will know")
    RISKS = "risks", _("What could go wrong")
    WORKS = "works", _("How it works")
    COST = "cost", _("What it may cost")

    @property
    def fields(self) -> tuple[str, ...]:
        """Return what is written in this step."""
        return PART_FIELDS[self.value]


PART_FIELDS: dict[str, tuple[str, ...]] = {
    "better": ("better",),
    "whom": ("for_whom",),
    "measure": ("measure",),
    "risks": ("risks",),
    "works": ("change", "takes_part", "title"),
    "cost": ("cost_pence", "cost_note"),
}


class HiddenReason(models.TextChoices):
    """Why a moderator hides something: a code, so that the journal can hold it."""

    UNKIND = "unkind", _("It attacks somebody")
    PRIVATE = "private", _("It tells something private about a person")
    UNLAWFUL = "unlawful", _("It breaks the law")
    ADVERT = "advert", _("It sells something")
    OFF_SUBJECT = "off-subject", _("It is about something else")
    DOUBLE = "double", _("The same stands here already")


class Proposal(models.Model):
    """An idea in writing: the outcome first, the cost last."""

    authority = models.ForeignKey(Authority, models.PROTECT)
    community = models.ForeignKey(Community, models.PROTECT)
    challenge = models.ForeignKey(Challenge, models.PROTECT, related_name="proposals")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    standing = models.CharField(max_length=20, choices=StandingKind.choices)
    organisation = models.ForeignKey(Organisation, models.PROTECT, null=True, blank=True)
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.DRAFT)
    title = models.CharField(max_length=120, blank=True)
    better = models.TextField(max_length=2000, blank=True)
    for_whom = models.CharField(max_length=300, blank=True)
    measure = models.CharField(max_length=300, blank=True)
    risks = models.TextField(max_length=2000, blank=True)
    change = models.TextField(max_length=5000, blank=True)
    takes_part = models.CharField(max_length=500, blank=True)
    cost_pence = models.PositiveBigIntegerField(null=True, blank=True)
    cost_note = models.TextField(max_length=1000, blank=True)
    created_at = models.DateTimeField()
    changed_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True, blank=True)
    hidden_reason = models.CharField(max_length=20, choices=HiddenReason.choices, blank=True)
    status_before = models.CharField(max_length=12, choices=Status.choices, blank=True)
    search = models.GeneratedField(
        expression=SearchVector(Plain("title"), weight="A", config="english")
        + SearchVector(Plain("better"), weight="B", config="english")
        + SearchVector(Plain("change"), weight="C", config="english")
        + SearchVector(Plain("for_whom"), weight="C", config="english"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    PUBLIC = (Status.PUBLISHED, Status.IN_BALLOT, Status.FUNDED, Status.NOT_FUNDED)
    NEEDED = ("better", "for_whom", "measure", "change", "takes_part", "title")
    SIGNABLE = (Status.PUBLISHED, Status.IN_BALLOT)

    class Meta:
        indexes = (
            GinIndex(fields=("search",), name="proposal_search"),
            models.Index(fields=("challenge", "status", "-published_at"), name="proposal_newest"),
            models.Index(fields=("author", "-changed_at"), name="proposal_by_author"),
        )
        constraints = (
            models.CheckConstraint(
                name="proposal_status_is_known", condition=Q(status__in=Status.values)
            ),
            models.CheckConstraint(
                name="proposal_standing_is_known", condition=Q(standing__in=StandingKind.values)
            ),
            models.CheckConstraint(
                name="proposal_is_whole_once_published",
                condition=Q(published_at__isnull=True)
                | (~Q(title="") & ~Q(better="") & ~Q(for_whom="") & ~Q(change="")),
            ),
            models.CheckConstraint(
                name="proposal_in_public_was_published",
                condition=~Q(status__in=("published", "in-ballot", "funded", "not-funded"))
                | Q(published_at__isnull=False),
            ),
            models.CheckConstraint(
                name="proposal_hidden_has_a_reason",
                condition=~Q(status="hidden") | ~Q(hidden_reason=""),
            ),
        )

    def __str__(self) -> str:
        return self.title or str(_("An idea without a title yet"))

    def get_absolute_url(self) -> str:
        """Return the proposal's own page."""
        return address("proposals:proposal", self.pk)

    def get_status_display(self) -> str:  # type: ignore[no-redef]
        """Return the status's words (Django's own way reads every status each time)."""
        return str(Status(self.status).label)

    def get_standing_display(self) -> str:  # type: ignore[no-redef]
        """Return the standing's words."""
        return str(StandingKind(self.standing).label)

    @property
    def is_public(self) -> bool:
        """Tell whether everyone may read it."""
        return self.status in self.PUBLIC

    def missing(self) -> list[str]:
        """Return the fields that have to be filled before everyone can read it."""
        return [name for name in self.NEEDED if not str(getattr(self, name)).strip()]

    def version(self, part: Part) -> str:
        """Return a short mark of the words of one part, other as soon as a letter is other."""
        words = "\x00".join(str(getattr(self, name)) for name in part.fields)
        return sha256(words.encode()).hexdigest()[:16]

    @property
    def can_be_signed(self) -> bool:
        """Tell whether people may put their names to it at all."""
        return self.status in self.SIGNABLE

    @property
    def was_changed(self) -> bool:
        """Tell whether its words changed after it became public."""
        return self.published_at is not None and self.changed_at > self.published_at


class Signature(models.Model):
    """A person puts their name to a proposal, and says as what."""

    proposal = models.ForeignKey(Proposal, models.CASCADE, related_name="signatures")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    standing = models.CharField(max_length=20, choices=StandingKind.choices)
    signed_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("proposal", "person"), name="person_signs_once"),
            models.CheckConstraint(
                name="signature_standing_is_known", condition=Q(standing__in=StandingKind.values)
            ),
        )

    def __str__(self) -> str:
        return f"{self.person_id} for {self.proposal_id}"


class Comment(models.Model):
    """Something a person says about a proposal."""

    proposal = models.ForeignKey(Proposal, models.CASCADE, related_name="comments")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    standing = models.CharField(max_length=20, choices=StandingKind.choices)
    body = models.TextField(max_length=2000)
    written_at = models.DateTimeField()
    hidden_at = models.DateTimeField(null=True, blank=True)
    hidden_reason = models.CharField(max_length=20, choices=HiddenReason.choices, blank=True)

    class Meta:
        indexes = (
            models.Index(fields=("proposal", "written_at"), name="comment_in_order"),
            models.Index(fields=("person", "written_at"), name="comment_by_person"),
        )
        constraints = (
            models.CheckConstraint(name="comment_says_something", condition=~Q(body="")),
            models.CheckConstraint(
                name="comment_standing_is_known", condition=Q(standing__in=StandingKind.values)
            ),
            models.CheckConstraint(
                name="comment_hidden_has_a_reason",
                condition=Q(hidden_at__isnull=True) | ~Q(hidden_reason=""),
            ),
        )

    def __str__(self) -> str:
        return f"comment {self.pk}"

    def get_absolute_url(self) -> str:
        """Return the place on the proposal's page."""
        return f"{self.proposal.get_absolute_url()}#comment-{self.pk}"

    def get_standing_display(self) -> str:  # type: ignore[no-redef]
        """Return the standing's words (Django's own way reads every standing each time)."""
        return str(StandingKind(self.standing).label)

    @property
    def is_public(self) -> bool:
        """Tell whether everyone may read it."""
        return self.hidden_at is None
