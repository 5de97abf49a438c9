"""Pots of money that people share out by voting."""

import hashlib
import hmac
import secrets
from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from commonweal.ground.challenges.models import Challenge
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority, Community, Level
from commonweal.kit.addresses import address
from commonweal.propose.proposals.models import HiddenReason, Proposal, Status


def new_key() -> bytes:
    """Return a fresh secret for a pot's envelopes."""
    return secrets.token_bytes(32)


def new_seed() -> str:
    """Return a fresh seed for the lots of a pot, short enough to read aloud."""
    return secrets.token_hex(8)


def new_preview() -> str:
    """Return a fresh word for the link by which a pot can be seen before it is public."""
    return secrets.token_urlsafe(24)


# What the engine can add up exactly, with room for all projects of a pot together.
MOST_PENCE = 10**15


class BallotKind(models.TextChoices):
    """What a ballot asks."""

    APPROVAL = "approval", _("Tick every idea you would fund")
    CHOOSE_ONE = "choose-one", _("Choose one idea")
    BASKET = "basket", _("Fill a basket: choose ideas that fit into the pot together")
    RANKED = "ranked", _("Put ideas in order, the best first")
    POINTS = "points", _("Share out points between ideas")
    SCORES = "scores", _("Give each idea a score")


class Reach(models.TextChoices):
    """Who may vote."""

    EVERYONE = "everyone", _("Everyone, without an account")
    PLACE = "place", _("People who belong to the place, and holders of a voting code")
    CODES = "codes", _("Only holders of a voting code")


class PaperPolicy(models.TextChoices):
    """Which ballot stands when somebody votes on paper and in another way."""

    FIRST = "first", _("The ballot that came first stands")
    PAPER = "paper", _("The paper ballot stands")


class Rule(models.TextChoices):
    """How the ballots are counted."""

    EQUAL_SHARES = "equal-shares", _("Equal shares")
    GREEDY = "greedy", _("Most votes first")
    PHRAGMEN = "phragmen", _("Phragmén's method")


# Phragmén's method reads who chose what, and nothing finer.
WITHOUT_MARKS = (BallotKind.APPROVAL, BallotKind.CHOOSE_ONE, BallotKind.BASKET)
MOST_POINTS = 1_000
MOST_SCORE = 10


class Step(models.TextChoices):
    """The small steps in which a pot is set up, in their order."""

    PURPOSE = "purpose", _("The money")
    VOTERS = "voters", _("Who may vote")
    BALLOT = "ballot", _("The ballot")
    IDEAS = "ideas", _("The ideas")
    COUNTING = "counting", _("The count")
    DATES = "dates", _("Dates")


class Round(models.Model):
    """Pots for several districts, of which a person may vote in one."""

    authority = models.ForeignKey(Authority, models.PROTECT)
    challenge = models.ForeignKey(Challenge, models.PROTECT, related_name="+")
    title = models.CharField(max_length=120)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    class Meta:
        constraints = (models.CheckConstraint(name="round_has_a_title", condition=~Q(title="")),)

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """Return the round's own page."""
        return address("budgets:round", self.pk)

    @property
    def community_id(self) -> int:
        """Return its challenge's community, where the journal looks for it."""
        return self.challenge.community_id


class Pot(models.Model):
    """A sum of money that people share out between projects by voting."""

    authority = models.ForeignKey(Authority, models.PROTECT)
    community = models.ForeignKey(Community, models.PROTECT)
    challenge = models.ForeignKey(Challenge, models.PROTECT, related_name="pots")
    title = models.CharField(max_length=120)
    about = models.TextField(max_length=2000, blank=True)
    pence = models.PositiveBigIntegerField()
    round = models.ForeignKey(Round, models.PROTECT, null=True, blank=True, related_name="pots")
    ballot_kind = models.CharField(
        max_length=12, choices=BallotKind.choices, default=BallotKind.APPROVAL
    )
    fewest = models.PositiveSmallIntegerField(default=1)
    most = models.PositiveSmallIntegerField(null=True, blank=True)
    points = models.PositiveSmallIntegerField(default=10)
    top_score = models.PositiveSmallIntegerField(default=5)
    order_is_fixed = models.BooleanField(default=False)
    rule = models.CharField(max_length=20, choices=Rule.choices, default=Rule.EQUAL_SHARES)
    quorum = models.PositiveIntegerField(default=0)
    supports_needed = models.PositiveIntegerField(default=0)
    appraised_only = models.BooleanField(default=False)
    reach = models.CharField(max_length=8, choices=Reach.choices, default=Reach.PLACE)
    level = models.PositiveSmallIntegerField(choices=Level.choices, default=Level.SELF_DECLARED)
    opens_at = models.DateTimeField()
    closes_at = models.DateTimeField()
    public_at = models.DateTimeField(null=True, blank=True)
    result_at = models.DateTimeField(null=True, blank=True)
    paper_policy = models.CharField(
        max_length=5, choices=PaperPolicy.choices, default=PaperPolicy.FIRST
    )
    waits_for_paper = models.BooleanField(default=False, editable=False)  # not counted before
    preview = models.CharField(max_length=64, default=new_preview, editable=False)
    copied_from = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    is_draft = models.BooleanField(default=False)
    steps_done = ArrayField(models.CharField(max_length=10), default=list, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    lot_seed = models.CharField(max_length=64, default=new_seed)
    key = models.BinaryField(max_length=32, null=True, default=new_key, editable=False)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    counted_at = models.DateTimeField(null=True, blank=True)
    counted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    result = models.JSONField(null=True, blank=True)
    declared_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = (models.Index(fields=("authority", "closes_at"), name="pot_by_close"),)
        constraints = (
            models.CheckConstraint(name="pot_holds_money", condition=Q(pence__gt=0)),
            models.CheckConstraint(name="pot_rule_is_known", condition=Q(rule__in=Rule.values)),
            models.CheckConstraint(
                name="pot_ballot_kind_is_known", condition=Q(ballot_kind__in=BallotKind.values)
            ),
            models.CheckConstraint(name="pot_reach_is_known", condition=Q(reach__in=Reach.values)),
            models.CheckConstraint(
                name="pot_paper_policy_is_known", condition=Q(paper_policy__in=PaperPolicy.values)
            ),
            models.CheckConstraint(
                name="pot_rule_can_read_its_ballots",
                condition=~Q(rule=Rule.PHRAGMEN) | Q(ballot_kind__in=WITHOUT_MARKS),
            ),
            models.CheckConstraint(
                name="pot_asks_for_some_but_not_more_than_it_takes",
                condition=Q(fewest__gte=1) & (Q(most__isnull=True) | Q(most__gte=F("fewest"))),
            ),
            models.CheckConstraint(
                name="pot_to_choose_one_takes_one",
                condition=~Q(ballot_kind=BallotKind.CHOOSE_ONE) | Q(fewest=1, most=1),
            ),
            models.CheckConstraint(
                name="pot_points_are_some",
                condition=Q(points__range=(1, MOST_POINTS), top_score__range=(1, MOST_SCORE)),
            ),
            models.CheckConstraint(name="pot_level_is_known", condition=Q(level__in=Level.values)),
            models.CheckConstraint(
                name="pot_opens_before_it_closes", condition=Q(opens_at__lt=F("closes_at"))
            ),
            models.CheckConstraint(
                name="pot_counted_has_a_result",  # counted_by is empty when the site counted
                condition=Q(counted_at__isnull=True, counted_by__isnull=True, result__isnull=True)
                | Q(counted_at__isnull=False, result__isnull=False),
            ),
            models.CheckConstraint(
                name="pot_is_counted_after_it_closed",
                condition=Q(counted_at__isnull=True) | Q(counted_at__gte=F("closes_at")),
            ),
            models.CheckConstraint(
                name="pot_is_declared_after_it_was_counted",
                condition=Q(declared_at__isnull=True) | Q(counted_at__isnull=False),
            ),
            models.CheckConstraint(
                name="pot_that_waits_for_paper_is_not_counted",
                condition=Q(waits_for_paper=False) | Q(counted_at__isnull=True),
            ),
            models.CheckConstraint(
                name="pot_is_public_before_it_opens",
                condition=Q(public_at__isnull=True) | Q(public_at__lte=F("opens_at")),
            ),
            models.CheckConstraint(
                name="pot_counted_has_no_key",  # it goes before the count, when the pot is sealed
                condition=Q(counted_at__isnull=True) | Q(key__isnull=True),
            ),
            models.CheckConstraint(
                name="pot_is_small_enough_to_count", condition=Q(pence__lte=MOST_PENCE)
            ),
            models.CheckConstraint(
                name="pot_draft_or_withdrawn_is_not_counted",
                condition=Q(counted_at__isnull=True) | Q(is_draft=False, withdrawn_at__isnull=True),
            ),
            models.CheckConstraint(
                name="pot_steps_are_known", condition=Q(steps_done__contained_by=Step.values)
            ),
        )

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """Return the pot's own page."""
        return address("budgets:pot", self.pk)

    def is_open(self, at: datetime) -> bool:
        """Tell whether the pot takes votes at that moment."""
        stands = not self.is_draft and self.withdrawn_at is None and self.counted_at is None
        return stands and self.opens_at <= at < self.closes_at

    def is_hidden(self, at: datetime) -> bool:
        """Tell whether it is kept from everybody at that moment: a draft, or under an embargo."""
        return self.is_draft or (self.public_at is not None and self.public_at > at)

    def state(self, at: datetime) -> str:
        """Return where the pot stands for everybody.

        ``coming`` (also while it is being set up), ``open``, ``closed``, ``counted`` once the
        result is declared, which an embargo may hold back, or ``withdrawn``.
        """
        if self.withdrawn_at is not None:
            return "withdrawn"
        if self.declared_at is not None:
            return "counted"
        if self.is_draft or at < self.opens_at:
            return "coming"
        return "open" if at < self.closes_at else "closed"

    def seal(self, name: str) -> bytes:
        """Return the envelope of whoever votes under this name; only the pot's key can compute it.

        Raises ``ValueError`` once the key is destroyed: then no ballot leads back to a voter.
        """
        if self.key is None:
            raise ValueError("the key of this pot is destroyed")
        return hmac.digest(bytes(self.key), name.encode(), hashlib.sha256)

    def envelope_of(self, person: Person) -> bytes:
        """Return the envelope under which this person's ballot lies."""
        return self.seal(f"person:{person.pk}")


class Project(models.Model):
    """A costed proposal in a pot."""

    authority = models.ForeignKey(Authority, models.PROTECT)
    pot = models.ForeignKey(Pot, models.PROTECT, related_name="projects")
    proposal = models.ForeignKey(
        Proposal, models.PROTECT, null=True, blank=True, related_name="projects"
    )
    title = models.CharField(max_length=120)
    summary = models.TextField(max_length=500)
    where = models.CharField(max_length=120, blank=True)
    outcome = models.CharField(max_length=300, blank=True)
    run_by = models.CharField(max_length=120, blank=True)
    cost_note = models.CharField(max_length=500, blank=True)
    cost_lines = models.JSONField(default=list, blank=True)
    exclusive = models.CharField(max_length=60, blank=True)
    cost_pence = models.PositiveBigIntegerField()
    is_funded = models.BooleanField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("pot", "proposal"), name="proposal_is_in_a_pot_once"),
            models.UniqueConstraint(fields=("id", "pot"), name="project_and_pot_are_a_pair"),
            models.CheckConstraint(
                name="project_costs_something",
                condition=Q(cost_pence__gt=0, cost_pence__lte=MOST_PENCE),
            ),
            models.CheckConstraint(name="project_has_a_title", condition=~Q(title="")),
        )

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """Return the project's own page."""
        return address("budgets:project", self.pk)

    @property
    def is_hidden(self) -> bool:
        """Tell whether a moderator hid the idea it comes from: then its words are shown nowhere."""
        return self.proposal is not None and self.proposal.status == Status.HIDDEN

    @property
    def words(self) -> str:
        """Return what it does, as everyone may read it; its name stays, so that people can vote."""
        return (
            gettext("A moderator hid the words of this idea.") if self.is_hidden else self.summary
        )

    @property
    def community_id(self) -> int:
        """Return its pot's community, where the journal looks for it."""
        return self.pot.community_id

    @property
    def challenge_id(self) -> int:
        """Return its pot's challenge, where the journal looks for it."""
        return self.pot.challenge_id


class Picture(models.Model):
    """A picture of a project, drawn anew from what was uploaded: nothing else of the file is kept."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="pictures")
    alt = models.CharField(max_length=200)
    width = models.PositiveSmallIntegerField()
    height = models.PositiveSmallIntegerField()
    large = models.BinaryField()
    small = models.BinaryField()
    added_at = models.DateTimeField()
    added_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    hidden_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(name="picture_is_described", condition=~Q(alt="")),
            models.CheckConstraint(
                name="picture_has_a_size", condition=Q(width__gte=1, height__gte=1)
            ),
        )

    def __str__(self) -> str:
        return self.alt

    def get_absolute_url(self) -> str:
        """Return where the picture itself is."""
        return address("budgets:picture", self.pk)


class Question(models.Model):
    """What somebody asks about a project, and what staff answer."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="questions")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    body = models.TextField(max_length=1000)
    asked_at = models.DateTimeField()
    answer = models.TextField(max_length=2000, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    hidden_at = models.DateTimeField(null=True, blank=True)
    hidden_reason = models.CharField(max_length=20, choices=HiddenReason.choices, blank=True)

    class Meta:
        indexes = (models.Index(fields=("person", "asked_at"), name="question_by_person"),)
        constraints = (
            models.CheckConstraint(name="question_asks_something", condition=~Q(body="")),
            models.CheckConstraint(
                name="question_is_answered_by_someone",
                condition=Q(answer="", answered_at__isnull=True, answered_by__isnull=True)
                | (~Q(answer="") & Q(answered_at__isnull=False, answered_by__isnull=False)),
            ),
            models.CheckConstraint(
                name="question_hidden_has_a_reason",
                condition=Q(hidden_at__isnull=True) | ~Q(hidden_reason=""),
            ),
        )

    def __str__(self) -> str:
        return f"question {self.pk}"

    def get_absolute_url(self) -> str:
        """Return the place on the project's page where it stands."""
        return f"{self.project.get_absolute_url()}#question-{self.pk}"


class Part(models.TextChoices):
    """What may still be changed once a pot is open, each time with a reason that everybody reads."""

    CLOSE = "closes_at", _("When voting closes")
    ABOUT = "about", _("What the money is for")
    WHERE = "where", _("Where")
    RUN_BY = "run_by", _("Who will run it")
    COST_NOTE = "cost_note", _("What the cost pays for")
    COST_LINES = "cost_lines", _("The lines of the cost")
    PICTURE = "picture", _("A picture")


class Change(models.Model):
    """Something that was changed after a pot had opened: what it was, what it became, and why."""

    pot = models.ForeignKey(Pot, models.PROTECT, related_name="changes")
    project = models.ForeignKey(
        Project, models.PROTECT, null=True, blank=True, related_name="changes"
    )
    part = models.CharField(max_length=10, choices=Part.choices)
    was = models.TextField(max_length=2000, blank=True)
    became = models.TextField(max_length=2000, blank=True)
    why = models.CharField(max_length=300)
    changed_at = models.DateTimeField()
    changed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    class Meta:
        constraints = (
            models.CheckConstraint(name="change_has_a_reason", condition=~Q(why="")),
            models.CheckConstraint(
                name="change_is_of_a_known_part", condition=Q(part__in=Part.values)
            ),
        )

    def __str__(self) -> str:
        return f"change of {self.part}"

    @property
    def has_words(self) -> bool:
        """Tell whether words were changed, which stand beside each other."""
        return self.part not in (Part.CLOSE, Part.PICTURE)

    @property
    def moment_before(self) -> datetime | None:
        """Return the close as it was."""
        return datetime.fromisoformat(self.was) if self.part == Part.CLOSE else None

    @property
    def moment_after(self) -> datetime | None:
        """Return the close as it became."""
        return datetime.fromisoformat(self.became) if self.part == Part.CLOSE else None


class Withdrawal(models.Model):
    """That a pot is taken back; once it has opened, a second person has to agree."""

    pot = models.OneToOneField(Pot, models.PROTECT, related_name="withdrawal")
    why = models.CharField(max_length=500)
    has_opened = models.BooleanField()
    asked_at = models.DateTimeField()
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    agreed_at = models.DateTimeField(null=True, blank=True)
    agreed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints = (
            models.CheckConstraint(name="withdrawal_has_a_reason", condition=~Q(why="")),
            models.CheckConstraint(
                name="withdrawal_is_agreed_by_someone",
                condition=Q(agreed_at__isnull=True, agreed_by__isnull=True)
                | Q(agreed_at__isnull=False, agreed_by__isnull=False),
            ),
            models.CheckConstraint(
                name="withdrawal_after_the_opening_takes_two",
                condition=Q(has_opened=False)
                | Q(agreed_by__isnull=True)
                | ~Q(agreed_by=F("asked_by")),
            ),
        )

    def __str__(self) -> str:
        return f"withdrawal of pot {self.pot_id}"


class QuietPeriod(models.Model):
    """A time before an election in which no pot opens, closes or declares its result."""

    authority = models.ForeignKey(Authority, models.PROTECT)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    why = models.CharField(max_length=120)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    class Meta:
        ordering = ("starts_at", "pk")
        constraints = (
            models.CheckConstraint(
                name="quiet_period_starts_before_it_ends", condition=Q(starts_at__lt=F("ends_at"))
            ),
            models.CheckConstraint(name="quiet_period_has_a_reason", condition=~Q(why="")),
        )

    def __str__(self) -> str:
        return self.why

    def holds(self, at: datetime) -> bool:
        """Tell whether it is quiet at that moment."""
        return self.starts_at <= at < self.ends_at
