"""What becomes of a funded project: where it stands, its milestones, and all that was told of it."""

from __future__ import annotations

from datetime import date

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from commonweal.decide.budgets.models import MOST_PENCE, Project
from commonweal.ground.places.models import Authority, Organisation
from commonweal.kit.addresses import address
from commonweal.propose.proposals.models import HiddenReason


class Status(models.TextChoices):
    """Where a delivery stands."""

    PLANNED = "planned", _("Planned")
    STARTED = "started", _("Under way")
    DELAYED = "delayed", _("Delayed")
    DONE = "done", _("Done")
    STOPPED = "stopped", _("Stopped")


# From where to where a delivery may go. Delayed again is a new delay, with a new reason.
MOVES: dict[str, tuple[Status, ...]] = {
    Status.PLANNED: (Status.STARTED, Status.DELAYED, Status.DONE, Status.STOPPED),
    Status.STARTED: (Status.DELAYED, Status.DONE, Status.STOPPED),
    Status.DELAYED: (Status.STARTED, Status.DELAYED, Status.DONE, Status.STOPPED),
    Status.DONE: (Status.STARTED,),
    Status.STOPPED: (Status.PLANNED, Status.STARTED),
}
GOING_ON = (Status.PLANNED, Status.STARTED, Status.DELAYED)


class Kind(models.TextChoices):
    """What a post tells."""

    STATUS = "status", _("Where it stands")
    WORD = "word", _("How it goes")
    PLAN = "plan", _("A milestone was planned")
    CHANGE = "change", _("A milestone changed")
    DROP = "drop", _("A milestone was dropped")
    DONE = "done", _("A milestone was reached")
    OUTCOME = "outcome", _("What came of it")
    WHO = "who", _("Who runs it")
    CORRECTION = "correction", _("A correction")


class Came(models.TextChoices):
    """The promised outcome against what was measured."""

    MORE = "more", _("More than was promised")
    AS_PROMISED = "as-promised", _("As promised")
    LESS = "less", _("Less than was promised")
    NONE = "none", _("Nothing of what was promised")
    NOT_YET = "not-yet", _("Too early to tell")


class Delivery(models.Model):
    """A funded project after the vote: who runs it and where it stands now.

    Every change of it is a ``Post``; ``cost_pence`` is what the vote gave it.
    """

    authority = models.ForeignKey(Authority, models.PROTECT)
    project = models.OneToOneField(Project, models.PROTECT, related_name="delivery")
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, null=True, blank=True, related_name="+"
    )
    run_by = models.CharField(max_length=120, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PLANNED)
    status_on = models.DateField()
    due_on = models.DateField(null=True, blank=True)
    cost_pence = models.PositiveBigIntegerField()
    spent_pence = models.PositiveBigIntegerField(default=0)
    overspend = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField()
    spoken_at = models.DateTimeField()
    measured_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name_plural = "deliveries"
        indexes = (models.Index(fields=("authority", "-spoken_at"), name="delivery_by_news"),)
        constraints = (
            models.CheckConstraint(
                name="delivery_status_is_known", condition=Q(status__in=Status.values)
            ),
            models.CheckConstraint(
                name="delivery_spends_more_only_when_it_says_why",
                condition=Q(spent_pence__lte=F("cost_pence")) | ~Q(overspend=""),
            ),
            models.CheckConstraint(
                name="delivery_spends_what_can_be_added", condition=Q(spent_pence__lte=MOST_PENCE)
            ),
        )

    def __str__(self) -> str:
        return self.project.title

    def get_absolute_url(self) -> str:
        """Return the page of what becomes of it."""
        return address("milestones:delivery", self.project_id)

    @property
    def community_id(self) -> int:
        """Return its pot's community, where the journal looks for it."""
        return self.project.community_id

    @property
    def challenge_id(self) -> int:
        """Return its pot's challenge, where the journal looks for it."""
        return self.project.challenge_id

    @property
    def promised(self) -> str:
        """Return what was promised before the vote, as everyone may read it."""
        project = self.project
        return project.outcome if project.outcome and not project.is_hidden else project.words

    @property
    def goes_on(self) -> bool:
        """Tell whether something is still to be done."""
        return self.status in GOING_ON

    @property
    def moves(self) -> tuple[Status, ...]:
        """Return where it may go from here."""
        return MOVES[self.status]

    @property
    def left_pence(self) -> int:
        """Return what is left of its money; less than nothing when more was spent."""
        return self.cost_pence - self.spent_pence

    @property
    def spent_share(self) -> float:
        """Return the spent part of its money, at most one."""
        return min(1.0, self.spent_pence / self.cost_pence)


class Milestone(models.Model):
    """A step of a delivery that people can see; ``due_on`` is the last day of the planned month."""

    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="milestones")
    title = models.CharField(max_length=120)
    seen = models.CharField(max_length=300)
    due_on = models.DateField()
    done_on = models.DateField(null=True, blank=True)
    spent_pence = models.PositiveBigIntegerField(null=True, blank=True)
    evidence = models.CharField(max_length=1000, blank=True)
    link = models.URLField(max_length=300, blank=True)
    is_dropped = models.BooleanField(default=False)

    class Meta:
        constraints = (
            models.CheckConstraint(name="milestone_has_a_title", condition=~Q(title="")),
            models.CheckConstraint(
                name="milestone_done_shows_something",
                condition=Q(done_on__isnull=True) | ~Q(evidence=""),
            ),
            models.CheckConstraint(
                name="milestone_done_is_not_dropped",
                condition=Q(done_on__isnull=True) | Q(is_dropped=False),
            ),
        )

    def __str__(self) -> str:
        return self.title

    @property
    def is_open(self) -> bool:
        """Tell whether it is still to come."""
        return self.done_on is None and not self.is_dropped

    def is_late(self, today: date) -> bool:
        """Tell whether its month has passed without it."""
        return self.is_open and self.due_on < today


def _moves() -> Q:
    """Return which ways the database lets a status go; the first post of all comes from nowhere."""
    known = Q(was="", status="")
    for was, later in MOVES.items():
        known |= Q(was=was, status__in=later)
    return known


WRITTEN = ("words", "title", "seen", "overspend", "money", "measured", "link")


class Post(models.Model):
    """One thing that was told of a delivery, in plain words. The database never changes it.

    What was wrong is put right by a later post that ``corrects`` it. ``title`` and ``seen`` are those
    of the milestone as it was then; of a new hand, ``title`` is whose it is.
    """

    delivery = models.ForeignKey(Delivery, models.PROTECT, related_name="posts")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    at = models.DateTimeField()
    who = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    organisation = models.ForeignKey(
        Organisation, models.PROTECT, null=True, blank=True, related_name="+"
    )
    words = models.TextField(max_length=2000)
    happened_on = models.DateField()
    was = models.CharField(max_length=10, choices=Status.choices, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, blank=True)
    due_on = models.DateField(null=True, blank=True)
    milestone = models.ForeignKey(
        Milestone, models.PROTECT, null=True, blank=True, related_name="+"
    )
    title = models.CharField(max_length=120, blank=True)
    seen = models.CharField(max_length=300, blank=True)
    spent_pence = models.PositiveBigIntegerField(null=True, blank=True)
    overspend = models.CharField(max_length=500, blank=True)
    money = models.CharField(max_length=500, blank=True)
    measured = models.CharField(max_length=300, blank=True)
    came = models.CharField(max_length=12, choices=Came.choices, blank=True)
    link = models.URLField(max_length=300, blank=True)
    corrects = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="corrections"
    )

    class Meta:
        indexes = (models.Index(fields=("delivery", "-at"), name="post_by_delivery"),)
        constraints = (
            models.CheckConstraint(name="post_kind_is_known", condition=Q(kind__in=Kind.values)),
            models.CheckConstraint(
                name="post_says_something", condition=Q(words__regex=r"[^[:space:]]")
            ),
            models.CheckConstraint(
                name="post_of_a_status_has_one",
                condition=Q(kind=Kind.STATUS, status__in=Status.values, was__in=Status.values)
                | (~Q(kind=Kind.STATUS) & Q(status="", was="")),
            ),
            models.CheckConstraint(name="post_moves_by_a_known_way", condition=_moves()),
            models.CheckConstraint(
                name="post_of_a_stop_says_where_the_money_goes",
                condition=~Q(status=Status.STOPPED) | Q(money__regex=r"[^[:space:]]"),
            ),
            models.CheckConstraint(
                name="post_of_an_outcome_says_what_came",
                condition=Q(kind=Kind.OUTCOME, came__in=Came.values)
                | (~Q(kind=Kind.OUTCOME) & Q(came="")),
            ),
            models.CheckConstraint(
                name="post_that_corrects_names_what",
                condition=Q(kind=Kind.CORRECTION, corrects__isnull=False)
                | (~Q(kind=Kind.CORRECTION) & Q(corrects__isnull=True)),
            ),
            models.UniqueConstraint(
                fields=("milestone",), condition=Q(kind=Kind.PLAN), name="milestone_planned_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} of {self.delivery_id}"

    def get_absolute_url(self) -> str:
        """Return where it stands on the delivery's page."""
        return f"{address('milestones:delivery', self.delivery.project_id)}#post-{self.pk}"

    @property
    def is_hidden(self) -> bool:
        """Tell whether a moderator hid what it says."""
        return hasattr(self, "hiding")

    @property
    def shown(self) -> dict[str, str]:
        """Return what it says, as everyone may read it."""
        if not self.is_hidden:
            return {name: getattr(self, name) for name in WRITTEN}
        return {**dict.fromkeys(WRITTEN, ""), "words": gettext("A moderator hid these words.")}


class Hiding(models.Model):
    """A moderator hid what a post says; the post itself stays as it was written."""

    post = models.OneToOneField(Post, models.PROTECT, related_name="hiding")
    reason = models.CharField(max_length=20, choices=HiddenReason.choices)
    hidden_at = models.DateTimeField()
    hidden_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    class Meta:
        constraints = (
            models.CheckConstraint(
                name="hiding_reason_is_known", condition=Q(reason__in=HiddenReason.values)
            ),
        )

    def __str__(self) -> str:
        return f"hiding of {self.post_id}"


class Ask(models.TextChoices):
    """What somebody is reminded of."""

    MILESTONE = "milestone", _("A milestone is late and nobody said a word")
    OUTCOME = "outcome", _("Say what came of it")


class Reminder(models.Model):
    """A letter to one of those who run a delivery: written once for a silence, sent once."""

    delivery = models.ForeignKey(Delivery, models.CASCADE, related_name="reminders")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    ask = models.CharField(max_length=10, choices=Ask.choices)
    asked_on = models.DateField()
    sent_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("delivery", "person", "ask", "asked_on"), name="reminded_once"
            ),
            models.CheckConstraint(name="reminder_asks_something", condition=Q(ask__in=Ask.values)),
        )
        indexes = (
            models.Index(
                fields=("delivery",), condition=Q(sent_at__isnull=True), name="reminder_unsent"
            ),
        )

    def __str__(self) -> str:
        return f"reminder {self.pk}"
