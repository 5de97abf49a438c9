"""Appraisals: what an idea costs and whether it can be done, found by staff and open to appeal."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from commonweal.ground.challenges.models import Challenge
from commonweal.ground.places.models import Authority, Community
from commonweal.kit.addresses import address
from commonweal.propose.proposals.models import Proposal


class Criterion(models.TextChoices):
    """What every idea is asked before it can be in a ballot."""

    LAWFUL = "lawful", _("It is lawful")
    POWERS = "powers", _("The public body is allowed to do it")
    IN_TIME = "in-time", _("It can be done in time")
    SAFE = "safe", _("It is safe")
    PLACE = "place", _("There is land or a building for it")
    PEOPLE = "people", _("There are people who can do it")
    UPKEEP = "upkeep", _("It can be kept up afterwards")
    FAIR = "fair", _("Nobody is shut out")


class Meets(models.TextChoices):
    """Whether an idea meets a criterion."""

    YES = "yes", _("Yes")
    WITH_CHANGES = "with-changes", _("Yes, with changes")
    NO = "no", _("No")
    NOT_ASKED = "not-asked", _("Does not matter for this idea")


class Verdict(models.TextChoices):
    """Whether an idea can be done: the worst that any criterion says."""

    FEASIBLE = "feasible", _("It can be done")
    WITH_CHANGES = "with-changes", _("It can be done with changes")
    NOT_FEASIBLE = "not-feasible", _("It cannot be done")

    @property
    def rank(self) -> int:
        """Return how good it is: the higher the better."""
        return (Verdict.NOT_FEASIBLE, Verdict.WITH_CHANGES, Verdict.FEASIBLE).index(self)


def verdict_of(findings: Iterable[str]) -> Verdict:
    """Return what follows from all that the criteria say."""
    said = set(findings)
    if Meets.NO in said:
        return Verdict.NOT_FEASIBLE
    return Verdict.WITH_CHANGES if Meets.WITH_CHANGES in said else Verdict.FEASIBLE


class State(models.TextChoices):
    """Where an appraisal stands."""

    DRAFT = "draft", _("Being written")
    SHOWN = "shown", _("With the authors")
    APPEALED = "appealed", _("Appealed")
    FINAL = "final", _("Final")
    REPLACED = "replaced", _("Replaced by a newer one")


class Settled(models.TextChoices):
    """How an appraisal became final."""

    ACCEPTED = "accepted", _("Every author accepted it")
    DAYS = "days", _("The days to answer were over")
    APPEAL = "appeal", _("An appeal was decided")


class Decision(models.TextChoices):
    """What somebody else decides about an appeal. It never makes an answer worse."""

    STANDS = "stands", _("The appraisal stands")
    CHANGED = "changed", _("The authors are right: the answer changes")
    ANEW = "anew", _("It is worked out anew")


class Appraisal(models.Model):
    """What staff found about one idea.

    ``hands`` are all who worked on it: none of them may decide an appeal. Once ``shown_at`` is set
    its words, findings and costs stay as they are; the database holds to both.
    """

    authority = models.ForeignKey(Authority, models.PROTECT)
    community = models.ForeignKey(Community, models.PROTECT)
    challenge = models.ForeignKey(Challenge, models.PROTECT)
    proposal = models.ForeignKey(Proposal, models.CASCADE, related_name="appraisals")
    state = models.CharField(max_length=10, choices=State.choices, default=State.DRAFT)
    verdict = models.CharField(max_length=12, choices=Verdict.choices, blank=True)
    words = models.TextField(max_length=4000, blank=True)
    changes = models.TextField(max_length=2000, blank=True)
    years = models.PositiveSmallIntegerField(default=1)
    one_off_pence = models.PositiveBigIntegerField(null=True, blank=True)
    yearly_pence = models.PositiveBigIntegerField(null=True, blank=True)
    version = models.PositiveIntegerField(default=0)
    hands = ArrayField(models.BigIntegerField())
    begun_at = models.DateTimeField()
    days = models.PositiveSmallIntegerField(default=10)
    shown_at = models.DateTimeField(null=True, blank=True)
    shown_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    answer_due_at = models.DateTimeField(null=True, blank=True)
    reminded_at = models.DateTimeField(null=True, blank=True)
    agreed_at = models.DateTimeField(null=True, blank=True)
    final_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.CharField(max_length=10, choices=Settled.choices, blank=True)
    decision = models.CharField(max_length=10, choices=Decision.choices, blank=True)
    decision_words = models.TextField(max_length=4000, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    verdict_before = models.CharField(max_length=12, choices=Verdict.choices, blank=True)

    OPEN = (State.DRAFT, State.SHOWN, State.APPEALED)
    FEWEST_DAYS, MOST_DAYS, MOST_YEARS = 3, 60, 10

    class Meta:
        indexes = (
            models.Index(fields=("community", "state", "answer_due_at"), name="appraisal_desk"),
            models.Index(
                fields=("answer_due_at",), condition=Q(state="shown"), name="appraisal_due"
            ),
        )
        constraints = (
            models.CheckConstraint(
                name="appraisal_state_is_known", condition=Q(state__in=State.values)
            ),
            models.CheckConstraint(
                name="appraisal_shown_is_whole",
                condition=Q(state="draft", shown_at__isnull=True)
                | (
                    ~Q(state="draft")
                    & Q(verdict__in=Verdict.values)
                    & ~Q(words="")
                    & Q(one_off_pence__isnull=False, yearly_pence__isnull=False)
                    & Q(shown_at__isnull=False, shown_by__isnull=False)
                    & Q(answer_due_at__isnull=False, answer_due_at__gt=F("shown_at"))
                ),
            ),
            models.CheckConstraint(
                name="appraisal_says_what_would_have_to_change",
                condition=~Q(verdict="with-changes") | ~Q(changes=""),
            ),
            models.CheckConstraint(
                name="appraisal_days_are_some", condition=Q(days__gte=3, days__lte=60)
            ),
            models.CheckConstraint(
                name="appraisal_years_are_some", condition=Q(years__gte=1, years__lte=10)
            ),
            models.CheckConstraint(
                name="appraisal_is_final_in_one_way",
                condition=Q(final_at__isnull=True, settled_by="")
                | Q(final_at__isnull=False, settled_by="accepted")
                | Q(
                    settled_by="days",
                    final_at__isnull=False,
                    answer_due_at__isnull=False,
                    final_at__gte=F("answer_due_at"),
                )
                | Q(
                    settled_by="appeal",
                    final_at__isnull=False,
                    decided_at__isnull=False,
                    final_at=F("decided_at"),
                ),
            ),
            models.CheckConstraint(
                name="appraisal_final_has_its_moment",
                condition=~Q(state="final") | Q(final_at__isnull=False),
            ),
            models.CheckConstraint(
                name="appraisal_decision_is_whole",
                condition=Q(decision="", decided_at__isnull=True, decided_by__isnull=True)
                | (
                    Q(decision__in=Decision.values)
                    & Q(decided_at__isnull=False, decided_by__isnull=False)
                    & ~Q(decision_words="")
                ),
            ),
            models.CheckConstraint(
                name="appraisal_is_not_decided_by_its_own_hands",
                condition=Q(decided_by__isnull=True) | ~Q(hands__contains=[F("decided_by")]),
            ),
            models.CheckConstraint(
                name="appraisal_appeal_never_makes_worse",
                condition=Q(verdict_before="")
                | Q(verdict_before="not-feasible", verdict__in=("feasible", "with-changes"))
                | Q(verdict_before="with-changes", verdict="feasible"),
            ),
            models.CheckConstraint(name="appraisal_has_hands", condition=Q(hands__len__gt=0)),
            models.UniqueConstraint(
                fields=("proposal",),
                condition=Q(state__in=("draft", "shown", "appealed")),
                name="idea_is_appraised_once_at_a_time",
            ),
            models.UniqueConstraint(
                fields=("proposal",),
                condition=Q(state="final"),
                name="idea_has_one_final_appraisal",
            ),
        )

    def __str__(self) -> str:
        return f"appraisal {self.pk} of {self.proposal_id}"

    def get_absolute_url(self) -> str:
        """Return the page that authors and, once it is final, everybody reads."""
        return address("appraisals:appraisal", self.proposal_id)

    def get_verdict_display(self) -> str:  # type: ignore[no-redef]
        """Return the verdict's words (Django's own way reads every verdict each time)."""
        return str(Verdict(self.verdict).label) if self.verdict else ""

    @property
    def is_public(self) -> bool:
        """Tell whether everyone may read it."""
        return self.state == State.FINAL and self.proposal.is_public

    @property
    def total_pence(self) -> int:
        """Return what all of it costs, over the years it was worked out for."""
        return (self.one_off_pence or 0) + (self.yearly_pence or 0) * self.years

    @property
    def passes(self) -> bool:
        """Tell whether the idea may be in a ballot: it can be done, or its authors agree to the changes."""
        return self.state == State.FINAL and (
            self.verdict == Verdict.FEASIBLE
            or (self.verdict == Verdict.WITH_CHANGES and self.agreed_at is not None)
        )

    @property
    def lacks_agreement(self) -> bool:
        """Tell whether only the authors' yes to the changes is missing."""
        return (
            self.state == State.FINAL
            and self.verdict == Verdict.WITH_CHANGES
            and self.agreed_at is None
        )

    @property
    def idea_changed_since(self) -> bool:
        """Tell whether the idea's words changed after they were appraised."""
        return self.shown_at is not None and self.proposal.changed_at > self.shown_at

    def takes_answers(self, at: datetime) -> bool:
        """Tell whether the authors may answer for the first time at this moment."""
        return (
            self.state in (State.SHOWN, State.APPEALED)
            and self.answer_due_at is not None
            and at < self.answer_due_at
        )


class Each(models.TextChoices):
    """How often something costs."""

    ONCE = "once", _("Once")
    YEAR = "year", _("Every year")


class Line(models.Model):
    """One part of what an idea costs, and where the figure comes from."""

    appraisal = models.ForeignKey(Appraisal, models.CASCADE, related_name="lines")
    what = models.CharField(max_length=200)
    each = models.CharField(max_length=4, choices=Each.choices)
    pence = models.PositiveBigIntegerField()
    source = models.CharField(max_length=500)

    class Meta:
        constraints = (
            models.CheckConstraint(name="line_each_is_known", condition=Q(each__in=Each.values)),
            models.CheckConstraint(
                name="line_says_what_and_whence", condition=~Q(what="") & ~Q(source="")
            ),
        )

    def __str__(self) -> str:
        return self.what

    def get_each_display(self) -> str:  # type: ignore[no-redef]
        """Return how often, in words."""
        return str(Each(self.each).label)


class Finding(models.Model):
    """What staff found about one criterion, and why."""

    appraisal = models.ForeignKey(Appraisal, models.CASCADE, related_name="findings")
    criterion = models.CharField(max_length=10, choices=Criterion.choices)
    meets = models.CharField(max_length=12, choices=Meets.choices)
    reason = models.TextField(max_length=1000)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("appraisal", "criterion"), name="criterion_is_asked_once"
            ),
            models.CheckConstraint(
                name="finding_criterion_is_known", condition=Q(criterion__in=Criterion.values)
            ),
            models.CheckConstraint(
                name="finding_meets_is_known", condition=Q(meets__in=Meets.values)
            ),
            models.CheckConstraint(name="finding_has_a_reason", condition=~Q(reason="")),
        )

    def __str__(self) -> str:
        return f"{self.criterion}: {self.meets}"

    def get_criterion_display(self) -> str:  # type: ignore[no-redef]
        """Return the criterion's words."""
        return str(Criterion(self.criterion).label)

    def get_meets_display(self) -> str:  # type: ignore[no-redef]
        """Return the answer's words."""
        return str(Meets(self.meets).label)


class AnswerKind(models.TextChoices):
    """What an author says to an appraisal."""

    ACCEPTED = "accepted", _("Accepted")
    APPEAL = "appeal", _("Appealed")


class Answer(models.Model):
    """What one author says to an appraisal; the words of one who left are gone."""

    appraisal = models.ForeignKey(Appraisal, models.CASCADE, related_name="answers")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    kind = models.CharField(max_length=10, choices=AnswerKind.choices)
    words = models.TextField(max_length=4000, blank=True)
    answered_at = models.DateTimeField()
    forgotten_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("appraisal", "person"), name="author_answers_once"),
            models.CheckConstraint(
                name="answer_kind_is_known", condition=Q(kind__in=AnswerKind.values)
            ),
            models.CheckConstraint(
                name="appeal_says_why",
                condition=Q(kind="accepted") | ~Q(words="") | Q(forgotten_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"{self.person_id} on {self.appraisal_id}: {self.kind}"
