"""Papers that went out and came back, what they say, and the calls of those who vote by telephone."""

from __future__ import annotations

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import ArrayField, RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.translation import gettext_lazy as _

from commonweal.decide.ballots.models import new_number
from commonweal.decide.budgets.models import Pot
from commonweal.ground.places.models import Authority

MOST_SERIAL = 999_999
MOST_IN_BATCH = 1_000
# No I, O or U, which are misread; a prime number of letters finds every wrong digit, and every two
# neighbours that changed places.
LETTERS = "ABCDEFGHJKLMNPQRSTVWXYZ"


def check_letter(pot_id: int, serial: int) -> str:
    """Return the letter behind a serial number; it knows the pot, so that a stray paper shows."""
    return LETTERS[(serial + 7 * pot_id) % len(LETTERS)]


def printed(pot_id: int, serial: int) -> str:
    """Return a serial number as it is printed on the paper, like ``000123-K``."""
    return f"{serial:06d}-{check_letter(pot_id, serial)}"


class Batch(models.Model):
    """Papers with serial numbers in a row that went to one place, and what came back of them.

    ``slips`` counts identity slips that were checked in, never whose they were.
    """

    authority = models.ForeignKey(Authority, models.PROTECT)
    pot = models.ForeignKey(Pot, models.PROTECT, related_name="batches")
    place = models.CharField(max_length=120)
    taken_by = models.CharField(max_length=120)
    first = models.PositiveIntegerField()
    last = models.PositiveIntegerField()
    ballot_digest = models.BinaryField(max_length=32)
    issued_at = models.DateTimeField()
    issued_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    returned = models.PositiveIntegerField(null=True, blank=True)
    unused = models.PositiveIntegerField(null=True, blank=True)
    missing_note = models.CharField(max_length=300, blank=True)
    slips = models.PositiveIntegerField(default=0)
    opened_at = models.DateTimeField(null=True, blank=True)
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    lost_at = models.DateTimeField(null=True, blank=True)
    lost_note = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="batch_holds_some_serials_in_order",
                condition=Q(first__gte=1, last__gte=F("first"), last__lte=MOST_SERIAL),
            ),
            models.CheckConstraint(name="batch_went_somewhere", condition=~Q(place="")),
            # One range for pot and serial together: PostgreSQL then needs no extension for it.
            ExclusionConstraint(
                name="serials_of_a_pot_are_issued_once",
                expressions=[
                    (
                        Func(
                            F("pot_id") * (MOST_SERIAL + 1) + F("first"),
                            F("pot_id") * (MOST_SERIAL + 1) + F("last"),
                            Value("[]"),
                            function="int8range",
                        ),
                        RangeOperators.OVERLAPS,
                    )
                ],
            ),
            models.CheckConstraint(
                name="batch_counts_both_piles_or_none",
                condition=Q(returned__isnull=True, unused__isnull=True)
                | Q(returned__isnull=False, unused__isnull=False),
            ),
            models.CheckConstraint(
                name="batch_is_accepted_or_lost_not_both",
                condition=Q(accepted_at__isnull=True) | Q(lost_at__isnull=True),
            ),
            models.CheckConstraint(
                name="batch_is_accepted_once_it_was_counted_and_opened",
                condition=Q(accepted_at__isnull=True)
                | Q(returned__isnull=False, opened_at__isnull=False, accepted_by__isnull=False),
            ),
            models.CheckConstraint(
                name="batch_is_lost_with_a_reason",
                condition=Q(lost_at__isnull=True) | ~Q(lost_note=""),
            ),
        )

    def __str__(self) -> str:
        return f"{printed(self.pot_id, self.first)} – {printed(self.pot_id, self.last)}"

    @property
    def title(self) -> str:
        """Return where it went."""
        return self.place

    @property
    def community_id(self) -> int:
        """Return its pot's community, where the journal looks for it."""
        return self.pot.community_id

    @property
    def challenge_id(self) -> int:
        """Return its pot's challenge, where the journal looks for it."""
        return self.pot.challenge_id

    @property
    def issued(self) -> int:
        """Return how many papers went out."""
        return self.last - self.first + 1

    @property
    def is_done(self) -> bool:
        """Tell whether nothing more is to be done: it is in the box, or declared lost."""
        return self.accepted_at is not None or self.lost_at is not None


class Why(models.TextChoices):
    """Why an envelope or a paper is set aside: it has no serial number that anybody saw."""

    TWICE = "twice", _("Not opened: this person has voted in another way")
    UNKNOWN = "unknown", _("Not opened: this person may not vote here, or is not on the register")
    NO_SLIP = "no-slip", _("Not opened: no identity slip, or one that cannot be read")
    EMPTY = "empty", _("Opened: no paper inside")
    FOREIGN = "foreign", _("Opened: not one of the papers of this batch")
    TWO = "two", _("Opened: more than one paper in one envelope")


UNOPENED = (Why.TWICE, Why.UNKNOWN, Why.NO_SLIP)


class Aside(models.Model):
    """How many envelopes of a batch are set aside for one reason; nobody's name stands here."""

    batch = models.ForeignKey(Batch, models.PROTECT, related_name="asides")
    why = models.CharField(max_length=8, choices=Why.choices)
    number = models.PositiveIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("batch", "why"), name="batch_has_a_reason_once"),
            models.CheckConstraint(name="aside_why_is_known", condition=Q(why__in=Why.values)),
        )

    def __str__(self) -> str:
        return f"{self.number} {self.why}"


class Slip(models.Model):
    """A name that came in on an identity slip where no register knows it: a hash by the pot's key.

    It finds the same slip a second time, and means nothing once the key is destroyed.
    """

    id = models.BigIntegerField(primary_key=True, default=new_number, editable=False)
    pot = models.ForeignKey(Pot, models.PROTECT, related_name="+")
    digest = models.BinaryField(max_length=32)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("pot", "digest"), name="slip_comes_in_once"),
        )

    def __str__(self) -> str:
        return f"a slip of {self.pot_id}"


class Outcome(models.TextChoices):
    """Where a paper stands."""

    ONCE = "once", _("Keyed once")
    DIFFERS = "differs", _("Two readings differ")
    AGREED = "agreed", _("Agreed")
    SPOILED = "spoiled", _("Cannot be counted")


class Paper(models.Model):
    """One paper that was opened: its serial number and where it stands; never whose it is."""

    id = models.BigIntegerField(primary_key=True, default=new_number, editable=False)
    batch = models.ForeignKey(Batch, models.PROTECT, related_name="papers")
    serial = models.PositiveIntegerField()
    outcome = models.CharField(max_length=8, choices=Outcome.choices, default=Outcome.ONCE)
    why = models.CharField(max_length=12, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("batch", "serial"), name="serial_is_keyed_as_one_paper"
            ),
            models.CheckConstraint(
                name="paper_outcome_is_known", condition=Q(outcome__in=Outcome.values)
            ),
            models.CheckConstraint(
                name="paper_that_is_spoiled_says_why",
                condition=(Q(outcome=Outcome.SPOILED) & ~Q(why=""))
                | (~Q(outcome=Outcome.SPOILED) & Q(why="")),
            ),
        )

    def __str__(self) -> str:
        return str(self.serial)


class Says(models.TextChoices):
    """What a person who keys a paper sees on it."""

    MARKED = "marked", _("It is marked, as typed above")
    NONE = "none", _("“I would fund none of these” is ticked")
    EMPTY = "empty", _("Nothing is marked at all")
    UNCLEAR = "unclear", _("It cannot be read for certain, or shows who wrote it")
    DESTROYED = "destroyed", _("Destroyed when the paper went into the box")


class Keying(models.Model):
    """What one person read on a paper. Two people read each; a third where they differ."""

    id = models.BigIntegerField(primary_key=True, default=new_number, editable=False)
    paper = models.ForeignKey(Paper, models.PROTECT, related_name="keyings")
    turn = models.PositiveSmallIntegerField()
    keyed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    says = models.CharField(max_length=10, choices=Says.choices)
    projects = ArrayField(models.BigIntegerField(), default=list)
    marks = ArrayField(models.SmallIntegerField(), default=list)
    wrong = models.CharField(max_length=12, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("paper", "turn"), name="paper_is_read_once_a_turn"),
            models.UniqueConstraint(
                fields=("paper", "keyed_by"), name="each_turn_is_another_person"
            ),
            models.CheckConstraint(
                name="paper_is_read_by_two_or_three", condition=Q(turn__in=(1, 2, 3))
            ),
            models.CheckConstraint(name="keying_says_is_known", condition=Q(says__in=Says.values)),
            models.CheckConstraint(
                name="keying_marks_each_project", condition=Q(projects__len=F("marks__len"))
            ),
        )

    def __str__(self) -> str:
        return f"reading {self.turn} of paper {self.paper_id}"


class Call(models.Model):
    """That somebody agreed, on the telephone, that staff enter their ballot; never who.

    Who voted by telephone stands on the roll, without a time; this has a time, without a name.
    """

    id = models.BigIntegerField(primary_key=True, default=new_number, editable=False)
    authority = models.ForeignKey(Authority, models.PROTECT)
    pot = models.ForeignKey(Pot, models.PROTECT, related_name="+")
    taken_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    consented_at = models.DateTimeField()
    wording = models.CharField(max_length=500)
    is_cast = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"a call about {self.pot_id}"
