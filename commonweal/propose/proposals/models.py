"""Proposals: ideas in writing, with signatures and comments."""

from hashlib import sha256

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import F, Q
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
    MERGED = "merged", _("Joined another idea")


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
    READABLE = (*PUBLIC, Status.MERGED)
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
                condition=~Q(
                    status__in=("published", "in-ballot", "funded", "not-funded", "merged")
                )
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
        """Return the proposal's page; once it joined another, that leads on to the other."""
        return address("proposals:proposal", self.pk)

    def own_page(self) -> str:
        """Return the page with this idea's own words, wherever it went."""
        if self.status == Status.MERGED:
            return address("proposals:as_it_was", self.pk)
        return self.get_absolute_url()

    def get_status_display(self) -> str:  # type: ignore[no-redef]
        """Return the status's words (Django's own way reads every status each time)."""
        return str(Status(self.status).label)

    def get_standing_display(self) -> str:  # type: ignore[no-redef]
        """Return the standing's words."""
        return str(StandingKind(self.standing).label)

    @property
    def is_public(self) -> bool:
        """Tell whether everyone may read it."""
        return self.status in self.READABLE

    @property
    def takes_comments(self) -> bool:
        """Tell whether people may talk about it here: once joined to another, they talk there."""
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


class MergeState(models.TextChoices):
    """What became of the suggestion that two ideas become one."""

    SUGGESTED = "suggested", _("Waiting for an answer")
    MERGED = "merged", _("One idea now")
    REFUSED = "refused", _("An author said no")
    DROPPED = "dropped", _("Taken back")
    UNDONE = "undone", _("Two ideas again")


class Merge(models.Model):
    """One idea is to join another, the lead; it happens once every author of both agrees."""

    authority = models.ForeignKey(Authority, models.PROTECT)
    lead = models.ForeignKey(Proposal, models.CASCADE, related_name="joined_by")
    joining = models.ForeignKey(Proposal, models.CASCADE, related_name="joins")
    why = models.TextField(max_length=1000, blank=True)
    state = models.CharField(
        max_length=10, choices=MergeState.choices, default=MergeState.SUGGESTED
    )
    suggested_at = models.DateTimeField()
    suggested_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="merge_state_is_known", condition=Q(state__in=MergeState.values)
            ),
            models.CheckConstraint(name="merge_has_two_ideas", condition=~Q(lead=F("joining"))),
            models.CheckConstraint(
                name="merge_is_settled_or_waits",
                condition=Q(state="suggested", settled_at__isnull=True)
                | (~Q(state="suggested") & Q(settled_at__isnull=False)),
            ),
            models.UniqueConstraint(
                fields=("joining",), condition=Q(state="merged"), name="idea_joins_one_other"
            ),
            models.UniqueConstraint(
                fields=("lead", "joining"),
                condition=Q(state="suggested"),
                name="merge_is_suggested_once",
            ),
        )

    def __str__(self) -> str:
        return f"{self.joining_id} joins {self.lead_id}"

    def get_absolute_url(self) -> str:
        """Return the page where its authors answer."""
        return address("proposals:merge", self.pk)


class Consent(models.Model):
    """An author agrees that two ideas become one."""

    merge = models.ForeignKey(Merge, models.CASCADE, related_name="consents")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    given_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("merge", "person"), name="author_agrees_once"),
        )

    def __str__(self) -> str:
        return f"{self.person_id} agrees to {self.merge_id}"


class Coauthor(models.Model):
    """The author of an idea that joined this one: named beside its first author.

    Authors do not sign their own idea. Whoever had signed it before gets that signature back, as
    ``signed_as``, if the ideas part again.
    """

    proposal = models.ForeignKey(Proposal, models.CASCADE, related_name="coauthors")
    merge = models.ForeignKey(Merge, models.CASCADE, related_name="coauthors")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    standing = models.CharField(max_length=20, choices=StandingKind.choices)
    organisation = models.ForeignKey(Organisation, models.PROTECT, null=True, blank=True)
    signed_as = models.CharField(max_length=20, choices=StandingKind.choices, blank=True)
    signed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("merge", "person"), name="coauthor_joins_once"),
            models.CheckConstraint(
                name="coauthor_standing_is_known", condition=Q(standing__in=StandingKind.values)
            ),
            models.CheckConstraint(
                name="coauthor_had_signed_or_not",
                condition=Q(signed_as="", signed_at__isnull=True)
                | (Q(signed_as__in=StandingKind.values) & Q(signed_at__isnull=False)),
            ),
        )

    def __str__(self) -> str:
        return f"{self.person_id} beside the author of {self.proposal_id}"

    def get_standing_display(self) -> str:  # type: ignore[no-redef]
        """Return the standing's words."""
        return str(StandingKind(self.standing).label)


class Signature(models.Model):
    """A person puts their name to a proposal, and says as what.

    ``merge`` marks one that came over with an idea that joined this one.
    """

    proposal = models.ForeignKey(Proposal, models.CASCADE, related_name="signatures")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE)
    standing = models.CharField(max_length=20, choices=StandingKind.choices)
    signed_at = models.DateTimeField()
    merge = models.ForeignKey(
        Merge, models.SET_NULL, null=True, blank=True, related_name="signatures"
    )

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
        """Return the place on the page where it was said."""
        return f"{self.proposal.own_page()}#comment-{self.pk}"

    def get_standing_display(self) -> str:  # type: ignore[no-redef]
        """Return the standing's words (Django's own way reads every standing each time)."""
        return str(StandingKind(self.standing).label)

    @property
    def is_public(self) -> bool:
        """Tell whether everyone may read it."""
        return self.hidden_at is None
