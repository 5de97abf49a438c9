"""Challenges: open questions about making one service better, the spine of the loop."""

from datetime import datetime
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from commonweal.ground.directory.models import Service
from commonweal.ground.places.models import Authority, Community, Organisation
from commonweal.kit.addresses import address

MOST_PENCE = 1_000_000_000_000  # ten thousand million pounds, more than any service costs


class Stage(models.TextChoices):
    """The steps of the loop."""

    LISTEN = "listen", _("Listen")
    PROPOSE = "propose", _("Propose")
    DECIDE = "decide", _("Decide")
    TRIAL = "trial", _("Trial")
    DELIVER = "deliver", _("Deliver")
    ACCOUNT = "account", _("Account")
    SPREAD = "spread", _("Spread")


class Challenge(models.Model):
    """An open question about making one service better.

    The money may be entered only once an outcome with a measure is there; the database holds to it.
    """

    authority = models.ForeignKey(Authority, models.PROTECT)
    community = models.ForeignKey(Community, models.PROTECT)
    service = models.ForeignKey(Service, models.PROTECT)
    owner = models.ForeignKey(Organisation, models.PROTECT)
    title = models.CharField(max_length=120)
    slug = models.SlugField(max_length=80)
    question = models.CharField(max_length=200)
    background = models.TextField(max_length=5000)
    who_is_concerned = models.TextField(max_length=1000)
    money_pence = models.PositiveBigIntegerField(null=True, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("authority", "slug"), name="challenge_slug_is_unique"),
            models.CheckConstraint(
                name="challenge_money_is_some",
                condition=Q(money_pence__isnull=True) | Q(money_pence__gt=0),
            ),
            models.CheckConstraint(name="challenge_asks_something", condition=~Q(question="")),
        )
        indexes = (models.Index(fields=("authority", "-published_at"), name="challenge_newest"),)

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """Return the challenge's own page."""
        return address("challenges:challenge", self.slug)

    @property
    def challenge_id(self) -> int:
        """Return itself, so that the journal finds the challenge of everything in one way."""
        return self.pk

    def get_stage_display(self) -> str:
        """Return the word of the stage that a query has read with it."""
        return str(Stage(self.stage).label)  # type: ignore[attr-defined]

    @property
    def is_public(self) -> bool:
        """Tell whether everyone may read it."""
        return self.published_at is not None


class Outcome(models.Model):
    """What gets better for whom, with the measure that will tell."""

    challenge = models.ForeignKey(Challenge, models.CASCADE, related_name="outcomes")
    statement = models.CharField(max_length=160)
    for_whom = models.CharField(max_length=160)
    measure = models.CharField(max_length=200)
    unit = models.CharField(max_length=60)
    up_is_better = models.BooleanField(default=True)
    baseline = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    baseline_on = models.DateField(null=True, blank=True)
    now = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    now_on = models.DateField(null=True, blank=True)
    aim = models.DecimalField(max_digits=12, decimal_places=2, null=True, blank=True)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ("position", "pk")
        constraints = (
            models.CheckConstraint(
                name="outcome_has_a_measure",
                condition=~Q(statement="") & ~Q(measure="") & ~Q(unit=""),
            ),
        )

    def __str__(self) -> str:
        return self.statement

    def get_absolute_url(self) -> str:
        """Return the place on the challenge's page."""
        return f"{self.challenge.get_absolute_url()}#outcomes"

    @property
    def authority_id(self) -> int:
        """Return its challenge's authority, where the journal looks for it."""
        return self.challenge.authority_id

    @property
    def community_id(self) -> int:
        """Return its challenge's community, where the journal looks for it."""
        return self.challenge.community_id

    @property
    def reach(self) -> float:
        """Return the end of its scale: 100 for people in 100, else above the largest figure."""
        figures = [float(n) for n in (self.baseline, self.now, self.aim) if n is not None]
        if "100" in self.unit and max(figures, default=0) <= 100:
            return 100.0
        return max(figures, default=1.0) * 1.2 or 1.0

    @property
    def latest(self) -> Decimal | None:
        """Return the newest figure there is."""
        return self.now if self.now is not None else self.baseline

    @property
    def latest_mark(self) -> str:
        """Return where the newest figure stands on a bar that is 100 long."""
        return self._mark(self.latest)

    @property
    def baseline_mark(self) -> str:
        """Return where the start stands on that bar."""
        return self._mark(self.baseline)

    @property
    def aim_mark(self) -> str:
        """Return where the aim stands on that bar."""
        return self._mark(self.aim)

    def _mark(self, figure: Decimal | None) -> str:
        share = float(figure or 0) / self.reach * 100
        return f"{min(100.0, max(0.0, share)):.2f}"


class Step(models.Model):
    """When a challenge is in one stage of the loop."""

    challenge = models.ForeignKey(Challenge, models.CASCADE, related_name="steps")
    stage = models.CharField(max_length=10, choices=Stage.choices)
    opens_at = models.DateTimeField()
    closes_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("opens_at", "pk")
        constraints = (
            models.UniqueConstraint(
                fields=("challenge", "stage"), name="challenge_has_a_stage_once"
            ),
            models.CheckConstraint(
                name="step_opens_before_it_closes",
                condition=Q(closes_at__isnull=True) | Q(opens_at__lt=F("closes_at")),
            ),
            models.CheckConstraint(name="step_is_in_the_loop", condition=Q(stage__in=Stage.values)),
        )

    def __str__(self) -> str:
        return self.stage

    def get_stage_display(self) -> str:  # type: ignore[no-redef]
        """Return the stage's word (Django's own way reads every word each time)."""
        return str(Stage(self.stage).label)

    def is_open(self, at: datetime) -> bool:
        """Tell whether this step is under way at that moment."""
        return self.opens_at <= at and (self.closes_at is None or at < self.closes_at)
