"""Pots of money that people share out by voting."""

import hashlib
import hmac
import secrets
from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from commonweal.ground.challenges.models import Challenge
from commonweal.ground.people.models import Person
from commonweal.ground.places.models import Authority, Community, Level
from commonweal.kit.addresses import address
from commonweal.propose.proposals.models import Proposal, Status


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
        )

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """Return the pot's own page."""
        return address("budgets:pot", self.pk)

    def is_open(self, at: datetime) -> bool:
        """Tell whether the pot takes votes at that moment."""
        return self.opens_at <= at < self.closes_at and self.counted_at is None

    def state(self, at: datetime) -> str:
        """Return where the pot stands for everybody: ``coming``, ``open``, ``closed`` or ``counted``.

        It is ``counted`` once the result is declared, which an embargo may hold back.
        """
        if self.declared_at is not None:
            return "counted"
        if at < self.opens_at:
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
