"""Pots of money that people share out by voting."""

import base64
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


def new_number() -> int:
    """Return a random number for a ballot: numbers in a row would tell who voted after whom."""
    return secrets.randbits(62) + 1


# What the engine can add up exactly, with room for all projects of a pot together.
MOST_PENCE = 10**15


class Rule(models.TextChoices):
    """How the ballots are counted."""

    EQUAL_SHARES = "equal-shares", _("Equal shares")
    GREEDY = "greedy", _("Most votes first")


class Pot(models.Model):
    """A sum of money that people share out between projects by voting."""

    authority = models.ForeignKey(Authority, models.PROTECT)
    community = models.ForeignKey(Community, models.PROTECT)
    challenge = models.ForeignKey(Challenge, models.PROTECT, related_name="pots")
    title = models.CharField(max_length=120)
    about = models.TextField(max_length=2000, blank=True)
    pence = models.PositiveBigIntegerField()
    rule = models.CharField(max_length=20, choices=Rule.choices, default=Rule.EQUAL_SHARES)
    level = models.PositiveSmallIntegerField(choices=Level.choices, default=Level.SELF_DECLARED)
    opens_at = models.DateTimeField()
    closes_at = models.DateTimeField()
    lot_seed = models.CharField(max_length=64, default=new_seed)
    key = models.BinaryField(max_length=32, null=True, default=new_key, editable=False)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    counted_at = models.DateTimeField(null=True, blank=True)
    counted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    result = models.JSONField(null=True, blank=True)

    class Meta:
        indexes = (models.Index(fields=("authority", "closes_at"), name="pot_by_close"),)
        constraints = (
            models.CheckConstraint(name="pot_holds_money", condition=Q(pence__gt=0)),
            models.CheckConstraint(name="pot_rule_is_known", condition=Q(rule__in=Rule.values)),
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
                name="pot_counted_has_no_key",
                condition=Q(counted_at__isnull=True, key__isnull=False)
                | Q(counted_at__isnull=False, key__isnull=True),
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
        """Return where the pot stands: ``coming``, ``open``, ``closed`` or ``counted``."""
        if self.counted_at is not None:
            return "counted"
        if at < self.opens_at:
            return "coming"
        return "open" if at < self.closes_at else "closed"

    def envelope_of(self, person: Person) -> bytes:
        """Return the mark under which this person's ballot lies; only the pot's key can compute it.

        Raises ``ValueError`` once the key is destroyed: then no ballot leads back to a person.
        """
        if self.key is None:
            raise ValueError("the key of this pot is destroyed")
        return hmac.digest(bytes(self.key), str(person.pk).encode(), hashlib.sha256)


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


class Ballot(models.Model):
    """What one person chose, under an envelope that does not name them.

    Its number is drawn by lot, and drawn again when the pot is counted.
    """

    id = models.BigIntegerField(primary_key=True, default=new_number, editable=False)
    pot = models.ForeignKey(Pot, models.PROTECT, related_name="ballots")
    envelope = models.BinaryField(max_length=32)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("pot", "envelope"), name="one_ballot_an_envelope"),
            models.UniqueConstraint(fields=("id", "pot"), name="ballot_and_pot_are_a_pair"),
        )

    def __str__(self) -> str:
        return f"ballot {self.pk}"

    @property
    def receipt(self) -> str:
        """Return the code that shows this ballot is in the box, and shows nobody what is in it."""
        digest = hmac.digest(bytes(self.envelope), b"receipt", hashlib.sha256)
        code = base64.b32encode(digest).decode()[:16]
        return "-".join(code[k : k + 4] for k in range(0, 16, 4))


class Approval(models.Model):
    """A ballot approves a project of the same pot; the pair of foreign keys is in the migration."""

    pk = models.CompositePrimaryKey("ballot", "project")
    ballot = models.ForeignKey(
        Ballot, models.CASCADE, related_name="approvals", db_constraint=False, db_index=False
    )
    project = models.ForeignKey(Project, models.PROTECT, related_name="+", db_constraint=False)
    pot = models.ForeignKey(
        Pot, models.PROTECT, related_name="+", db_constraint=False, db_index=False
    )

    def __str__(self) -> str:
        return f"{self.ballot_id} approves {self.project_id}"


class Roll(models.Model):
    """That a person has voted in a pot; never when, nor what."""

    pk = models.CompositePrimaryKey("pot", "person")
    pot = models.ForeignKey(Pot, models.PROTECT, related_name="roll", db_index=False)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")

    def __str__(self) -> str:
        return f"{self.person_id} voted in {self.pot_id}"
