"""Surveys: questions that staff ask, and what people answer."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.translation import gettext_lazy as _

from commonweal.ground.challenges.models import Challenge
from commonweal.ground.places.models import Authority, Community, Level
from commonweal.kit.addresses import address

MOST_ITEMS = 300
MOST_OPTIONS = 60
MOST_LETTERS = 5_000
READABLE = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # no letter looks like a digit


def new_key() -> bytes:
    """Return a fresh secret for a survey's envelopes."""
    return secrets.token_bytes(32)


def new_number() -> int:
    """Return a random number for a row: numbers in a row would tell who answered after whom."""
    return secrets.randbits(62) + 1


def new_reference() -> str:
    """Return a fresh reference to quote on the phone, like ``KX4P-7RQM-2B``."""
    signs = "".join(secrets.choice(READABLE) for _n in range(10))
    return f"{signs[:4]}-{signs[4:8]}-{signs[8:]}"


class Reach(models.TextChoices):
    """Who may answer."""

    EVERYONE = "everyone", _("Everyone, without an account")
    ACCOUNT = "account", _("People with an account")
    PLACE = "place", _("People who belong to the place")


class Kind(models.TextChoices):
    """What stands in a survey: questions of six kinds, words between them, and page breaks."""

    ONE = "one", _("One choice")
    SEVERAL = "several", _("Several choices")
    SCALE = "scale", _("A scale")
    TEXT = "text", _("Their own words")
    NUMBER = "number", _("A number")
    PLACE = "place", _("A place")
    WORDS = "words", _("Words of yours")
    PAGE = "page", _("A new page")


ASKS = (Kind.ONE, Kind.SEVERAL, Kind.SCALE, Kind.TEXT, Kind.NUMBER, Kind.PLACE)
WITH_OPTIONS = (Kind.ONE, Kind.SEVERAL)
WITH_NUMBERS = (Kind.SCALE, Kind.NUMBER)


class Spot(models.TextChoices):
    """How a place is told."""

    POSTCODE = "postcode", _("By postcode")
    AREA = "area", _("By choosing an area of this place")
    POINT = "point", _("By a point: latitude and longitude")


class Channel(models.TextChoices):
    """By what way somebody answered."""

    ONLINE = "online", _("On-line")
    PAPER = "paper", _("On paper")
    TELEPHONE = "telephone", _("By telephone")


class HiddenReason(models.TextChoices):
    """Why words are kept from everybody."""

    NAMES = "names", _("Names somebody, or shows who it is")
    PERSONAL = "personal", _("Gives an address, a number or what is private")
    HARM = "harm", _("Insults or threatens")
    UNLAWFUL = "unlawful", _("Would break the law")
    ADVERT = "advert", _("Sells something")
    OFF_TOPIC = "off-topic", _("Is about something else")


class Survey(models.Model):
    """Questions about one matter, with dates, and what happens with the answers."""

    authority = models.ForeignKey(Authority, models.PROTECT)
    community = models.ForeignKey(Community, models.PROTECT)
    challenge = models.ForeignKey(
        Challenge, models.PROTECT, null=True, blank=True, related_name="surveys"
    )
    title = models.CharField(max_length=120)
    why = models.TextField(max_length=3000, blank=True)
    happens = models.TextField(max_length=2000, blank=True)
    thanks = models.TextField(max_length=1000, blank=True)
    reach = models.CharField(max_length=8, choices=Reach.choices, default=Reach.EVERYONE)
    level = models.PositiveSmallIntegerField(choices=Level.choices, default=Level.SELF_DECLARED)
    is_anonymous = models.BooleanField(default=True)
    may_change = models.BooleanField(default=True)
    paper_to = models.CharField(max_length=300, blank=True)
    opens_at = models.DateTimeField(null=True, blank=True)
    closes_at = models.DateTimeField(null=True, blank=True)
    is_draft = models.BooleanField(default=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_why = models.CharField(max_length=500, blank=True)
    key = models.BinaryField(max_length=32, null=True, default=new_key, editable=False)
    copied_from = models.ForeignKey(
        "self", models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    heard = models.TextField(max_length=5000, blank=True)
    result = models.JSONField(null=True, blank=True)
    results_at = models.DateTimeField(null=True, blank=True)
    results_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        indexes = (models.Index(fields=("authority", "closes_at"), name="survey_by_close"),)
        constraints = (
            models.CheckConstraint(name="survey_has_a_title", condition=~Q(title="")),
            models.CheckConstraint(
                name="survey_reach_is_known", condition=Q(reach__in=Reach.values)
            ),
            models.CheckConstraint(
                name="survey_level_is_known", condition=Q(level__in=Level.values)
            ),
            models.CheckConstraint(
                name="survey_opens_before_it_closes",
                condition=Q(opens_at__isnull=True)
                | Q(closes_at__isnull=True)
                | Q(opens_at__lt=F("closes_at")),
            ),
            models.CheckConstraint(
                name="survey_that_is_no_draft_has_dates",
                condition=Q(is_draft=True) | Q(opens_at__isnull=False, closes_at__isnull=False),
            ),
            models.CheckConstraint(
                name="survey_results_are_published_by_someone",
                condition=Q(results_at__isnull=True, results_by__isnull=True)
                | Q(results_at__isnull=False, results_by__isnull=False, result__isnull=False),
            ),
            models.CheckConstraint(
                name="survey_results_follow_the_close",
                condition=Q(results_at__isnull=True) | Q(results_at__gte=F("closes_at")),
            ),
            models.CheckConstraint(
                name="survey_is_withdrawn_for_a_reason",
                condition=Q(withdrawn_at__isnull=True) | ~Q(withdrawn_why=""),
            ),
        )

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        """Return the survey's own page."""
        return address("surveys:survey", self.pk)

    def state(self, at: datetime) -> str:
        """Return where it stands: draft, coming, open, closed, published or withdrawn."""
        if self.withdrawn_at is not None:
            return "withdrawn"
        if self.is_draft or self.opens_at is None or self.closes_at is None:
            return "draft"
        if self.results_at is not None:
            return "published"
        if at < self.opens_at:
            return "coming"
        return "open" if at < self.closes_at else "closed"

    def is_open(self, at: datetime) -> bool:
        """Tell whether it takes answers at that moment."""
        return self.state(at) == "open"

    def is_frozen(self, at: datetime) -> bool:
        """Tell whether people may have read its questions: then they stay as they are."""
        return self.state(at) not in ("draft", "coming")

    def seal(self, name: str) -> bytes:
        """Return the envelope of whoever answers under this name.

        Raises ``ValueError`` once the key is destroyed: then no answers lead back to anybody.
        """
        if self.key is None:
            raise ValueError("the key of this survey is destroyed")
        return hmac.digest(bytes(self.key), name.encode(), hashlib.sha256)


class Item(models.Model):
    """A question, words between questions, or a page break; in their order they are the survey.

    What depends on an earlier question is shown only where that was answered so: with one of some
    choices, or with a number between two. A page break that is not shown hides its whole page.
    """

    survey = models.ForeignKey(Survey, models.CASCADE, related_name="items")
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=8, choices=Kind.choices)
    words = models.CharField(max_length=300, blank=True)
    help = models.TextField(max_length=2000, blank=True)
    is_required = models.BooleanField(default=False)
    is_about_you = models.BooleanField(default=False)
    fewest = models.PositiveSmallIntegerField(null=True, blank=True)
    most = models.PositiveSmallIntegerField(null=True, blank=True)
    lowest = models.DecimalField(max_digits=15, decimal_places=3, null=True, blank=True)
    highest = models.DecimalField(max_digits=15, decimal_places=3, null=True, blank=True)
    takes_fractions = models.BooleanField(default=False)
    low_words = models.CharField(max_length=60, blank=True)
    high_words = models.CharField(max_length=60, blank=True)
    unit = models.CharField(max_length=30, blank=True)
    is_long = models.BooleanField(default=False)
    letters = models.PositiveSmallIntegerField(default=300)
    spot = models.CharField(max_length=8, choices=Spot.choices, blank=True)
    source = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="dependents"
    )
    depends_options = ArrayField(models.BigIntegerField(), default=list, blank=True)
    depends_low = models.DecimalField(max_digits=15, decimal_places=3, null=True, blank=True)
    depends_high = models.DecimalField(max_digits=15, decimal_places=3, null=True, blank=True)

    class Meta:
        ordering = ("position",)
        constraints = (
            models.UniqueConstraint(
                fields=("survey", "position"),
                name="item_has_a_position_of_its_own",
                deferrable=models.Deferrable.DEFERRED,
            ),
            models.CheckConstraint(name="item_kind_is_known", condition=Q(kind__in=Kind.values)),
            models.CheckConstraint(
                name="item_has_words", condition=~Q(words="") | Q(kind__in=("page", "words"))
            ),
            models.CheckConstraint(
                name="item_choices_fit",
                condition=Q(fewest__isnull=True) | Q(most__isnull=True) | Q(fewest__lte=F("most")),
            ),
            models.CheckConstraint(
                name="item_numbers_fit",
                condition=Q(lowest__isnull=True)
                | Q(highest__isnull=True)
                | Q(lowest__lte=F("highest")),
            ),
            models.CheckConstraint(
                name="item_scale_has_ends",
                condition=~Q(kind="scale") | Q(lowest__isnull=False, highest__isnull=False),
            ),
            models.CheckConstraint(
                name="item_place_is_told_somehow",
                condition=~Q(kind="place") | Q(spot__in=Spot.values),
            ),
            models.CheckConstraint(
                name="item_text_has_an_end", condition=Q(letters__range=(1, MOST_LETTERS))
            ),
            models.CheckConstraint(
                name="item_depends_on_an_answer",
                condition=Q(source__isnull=False)
                | Q(depends_options=[], depends_low__isnull=True, depends_high__isnull=True),
            ),
        )

    def __str__(self) -> str:
        return self.words or self.get_kind_display()

    @property
    def asks(self) -> bool:
        """Tell whether it asks something."""
        return self.kind in ASKS

    @property
    def has_options(self) -> bool:
        """Tell whether it is answered by choices."""
        return self.kind in WITH_OPTIONS

    @property
    def name(self) -> str:
        """Return the name of its field in a form."""
        return f"q{self.pk}"


class Option(models.Model):
    """A choice that answers a question; ``is_other`` asks for words too."""

    item = models.ForeignKey(Item, models.CASCADE, related_name="options")
    position = models.PositiveSmallIntegerField()
    words = models.CharField(max_length=200)
    is_other = models.BooleanField(default=False)
    people_here = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        ordering = ("position", "pk")
        constraints = (
            models.CheckConstraint(name="option_has_words", condition=~Q(words="")),
            models.UniqueConstraint(
                fields=("item",), condition=Q(is_other=True), name="item_has_one_other"
            ),
        )

    def __str__(self) -> str:
        return self.words


class Draft(models.Model):
    """Answers that somebody has begun and not sent: theirs alone, and gone after thirty days."""

    survey = models.ForeignKey(Survey, models.CASCADE, related_name="drafts")
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+"
    )
    digest = models.BinaryField(max_length=32, null=True)  # of what a guest's browser holds
    is_preview = models.BooleanField(default=False)
    given = models.JSONField(default=dict, blank=True)
    saved_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("survey", "person", "is_preview"), name="person_has_one_draft"
            ),
            models.UniqueConstraint(fields=("survey", "digest"), name="browser_has_one_draft"),
            models.CheckConstraint(
                name="draft_is_somebodys",
                condition=Q(person__isnull=False, digest__isnull=True)
                | Q(person__isnull=True, digest__isnull=False),
            ),
        )

    def __str__(self) -> str:
        return f"draft {self.pk}"


class Response(models.Model):
    """What one person answered. Its number is drawn by lot; of its moment only the day is kept.

    ``person`` stands only where the survey asks for names. The envelope shows nobody who it is, and
    goes with the survey's key soon after the close.
    """

    id = models.BigIntegerField(primary_key=True, default=new_number, editable=False)
    survey = models.ForeignKey(Survey, models.PROTECT, related_name="responses")
    envelope = models.BinaryField(max_length=32, null=True)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    channel = models.CharField(max_length=9, choices=Channel.choices, default=Channel.ONLINE)
    reference = models.CharField(max_length=12, unique=True, default=new_reference)
    sent_on = models.DateField()
    is_counted = models.BooleanField(default=False, editable=False)
    batch = models.CharField(max_length=40, blank=True)
    serial = models.PositiveIntegerField(null=True, blank=True)
    entered_at = models.DateTimeField(null=True, blank=True)
    entered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        indexes = (
            models.Index(fields=("survey", "channel"), name="response_by_channel"),
            models.Index(
                fields=("survey",), condition=Q(is_counted=False), name="response_not_counted"
            ),
        )
        constraints = (
            models.UniqueConstraint(fields=("survey", "envelope"), name="envelope_answers_once"),
            models.UniqueConstraint("survey", Lower("batch"), "serial", name="paper_is_keyed_once"),
            models.CheckConstraint(
                name="response_channel_is_known", condition=Q(channel__in=Channel.values)
            ),
            models.CheckConstraint(
                name="response_that_staff_entered_says_who",
                condition=Q(channel="online", entered_by__isnull=True, entered_at__isnull=True)
                | (~Q(channel="online") & Q(entered_by__isnull=False, entered_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="response_on_paper_has_a_number",
                condition=~Q(channel="paper") | (Q(serial__isnull=False) & ~Q(batch="")),
            ),
        )

    def __str__(self) -> str:
        return self.reference


class Answer(models.Model):
    """What one response says to one question; nothing is kept of questions that were not shown."""

    id = models.BigIntegerField(primary_key=True, default=new_number, editable=False)
    response = models.ForeignKey(Response, models.CASCADE, related_name="answers")
    item = models.ForeignKey(Item, models.PROTECT, related_name="answers")
    options = ArrayField(models.BigIntegerField(), default=list, blank=True)
    number = models.DecimalField(max_digits=15, decimal_places=3, null=True, blank=True)
    words = models.TextField(max_length=MOST_LETTERS, blank=True)
    spot = models.CharField(max_length=16, blank=True)
    area = models.ForeignKey(Community, models.PROTECT, null=True, blank=True, related_name="+")
    shown_at = models.DateTimeField(null=True, blank=True)
    hidden_at = models.DateTimeField(null=True, blank=True)
    hidden_reason = models.CharField(max_length=10, choices=HiddenReason.choices, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("response", "item"), name="response_answers_a_question_once"
            ),
            models.CheckConstraint(
                name="answer_is_shown_or_hidden",
                condition=Q(shown_at__isnull=True) | Q(hidden_at__isnull=True),
            ),
            models.CheckConstraint(
                name="answer_hidden_has_a_reason",
                condition=Q(hidden_at__isnull=True, hidden_reason="")
                | (Q(hidden_at__isnull=False) & ~Q(hidden_reason="")),
            ),
            models.CheckConstraint(
                name="answer_is_decided_by_someone",
                condition=Q(shown_at__isnull=True, hidden_at__isnull=True)
                | Q(decided_by__isnull=False),
            ),
        )
        indexes = (
            models.Index(fields=("item",), name="answer_by_item"),
            models.Index(
                fields=("item",), condition=Q(shown_at__isnull=False), name="answer_shown"
            ),
        )

    def __str__(self) -> str:
        return f"answer {self.pk}"


class Part(models.TextChoices):
    """What a line of the tallies counts."""

    CHANNEL = "channel", _("Responses by one way")
    ANSWERED = "answered", _("Answers to a question")
    OPTION = "option", _("One choice")
    NUMBER = "number", _("One number")
    PLACE = "place", _("One place")


class Tally(models.Model):
    """A line of what the counted responses of a survey come to; the sum of all lines is right.

    Lines are added and never changed, so nobody waits for anybody: where a counted response changes
    or goes, lines below nought take it back. Every minute they are drawn up into one line a thing.
    What came in since stands in no line: these responses are not counted yet, and few.
    """

    survey = models.ForeignKey(Survey, models.CASCADE, related_name="tallies")
    item = models.ForeignKey(Item, models.CASCADE, null=True, related_name="+")
    part = models.CharField(max_length=8, choices=Part.choices)
    value = models.CharField(max_length=24, blank=True)
    near = models.CharField(max_length=40, blank=True)
    people = models.IntegerField()

    class Meta:
        constraints = (
            models.CheckConstraint(name="tally_part_is_known", condition=Q(part__in=Part.values)),
            models.CheckConstraint(
                name="tally_is_of_a_question",
                condition=Q(part="channel", item__isnull=True)
                | (~Q(part="channel") & Q(item__isnull=False)),
            ),
            models.CheckConstraint(name="tally_counts_somebody", condition=~Q(people=0)),
        )

    def __str__(self) -> str:
        return f"{self.part} {self.value}: {self.people}"


class Correction(models.Model):
    """Words that were corrected after people could read them: what they were, became, and why."""

    survey = models.ForeignKey(Survey, models.PROTECT, related_name="corrections")
    item = models.ForeignKey(
        Item, models.PROTECT, null=True, blank=True, related_name="corrections"
    )
    was = models.TextField(max_length=2000)
    became = models.TextField(max_length=2000)
    why = models.CharField(max_length=300)
    corrected_at = models.DateTimeField()
    corrected_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")

    class Meta:
        ordering = ("corrected_at", "pk")
        constraints = (
            models.CheckConstraint(name="correction_has_a_reason", condition=~Q(why="")),
        )

    def __str__(self) -> str:
        return f"correction {self.pk}"
