"""The shape of a challenge, its outcomes, dates and money, and plain words for mistakes."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from commonweal.ground.challenges import queries
from commonweal.ground.challenges.actions import Dates
from commonweal.ground.challenges.models import MOST_PENCE, Challenge, Outcome, Stage, Step
from commonweal.kit.money import pounds, to_pence

if TYPE_CHECKING:
    from collections.abc import Iterable

    from commonweal.ground.directory.models import Service
    from commonweal.ground.places.models import Community, Organisation
    from commonweal.ground.places.rules import Viewer

YEARS = range(2000, 2100)
LESS, MORE = "less", "more"
# Line breaks and tabs are words' own; other control characters come from broken copies.
READABLE = RegexValidator(
    r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$",
    _("There is a character in this text that cannot be shown. Type the text afresh."),
)


class Words(forms.CharField):
    """A text that people read, without characters that cannot be shown."""

    default_validators = [READABLE]


class Figure(forms.DecimalField):
    """A reading or an aim, never negative."""

    def __init__(self, **given: Any) -> None:
        widget = forms.TextInput(attrs={"inputmode": "decimal", "class": "govuk-input--width-10"})
        limits: dict[str, Any] = {"max_digits": 12, "decimal_places": 2, "min_value": Decimal(0)}
        messages = {"invalid": _("Write a number, like 58 or 12.5")}
        super().__init__(required=False, widget=widget, error_messages=messages, **limits, **given)


class Day(forms.DateField):
    """A day by the device's own picker where it has one."""

    def __init__(self, **given: Any) -> None:
        widget = forms.DateInput(
            attrs={"type": "date", "class": "govuk-input--width-10"}, format="%Y-%m-%d"
        )
        messages = {"invalid": _("Write the day like 2026-05-31")}
        super().__init__(required=False, widget=widget, error_messages=messages, **given)

    def clean(self, value: Any) -> Any:
        """Return a day of our time."""
        return _of_our_time(super().clean(value))


class Moment(forms.DateTimeField):
    """A day and an hour by the device's own picker where it has one."""

    def __init__(self, **given: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
        messages = {"invalid": _("Write the day and hour like 2026-05-31T20:00")}
        super().__init__(required=False, widget=widget, error_messages=messages, **given)

    def clean(self, value: Any) -> Any:
        """Return a moment of our time."""
        try:
            return _of_our_time(super().clean(value))
        except OverflowError:
            return _of_our_time(datetime.min)


def _of_our_time(given: Any) -> Any:
    if given is not None and given.year not in YEARS:
        raise ValidationError(gettext("Choose a year between 2000 and 2099"))
    return given


class FilterForm(forms.Form):
    """How a reader narrows the list."""

    says_optional = False

    q = Words(label=_("Words"), required=False, max_length=100)
    community = forms.ChoiceField(label=_("Community"), required=False)
    stage = forms.ChoiceField(
        label=_("Step"), required=False, choices=[("", _("All")), *Stage.choices]
    )

    def __init__(self, *args: Any, viewer: Viewer, **given: Any) -> None:
        super().__init__(*args, **given)
        self.places = {place.slug: place for place in queries.communities_with_challenges(viewer)}
        field = self.fields["community"]
        assert isinstance(field, forms.ChoiceField)
        named = [(slug, place.name) for slug, place in self.places.items()]
        field.choices = [("", _("All")), *named]

    def choices(self) -> dict[str, Any]:
        """Return what could be read; a broken choice narrows nothing."""
        self.is_valid()
        read = self.cleaned_data
        return {
            "words": read.get("q") or "",
            "community": self.places.get(read.get("community", "")),
            "stage": read.get("stage") or "",
        }


class BasicsForm(forms.Form):
    """What a challenge asks, about which service, and who answers for it."""

    community: forms.ModelChoiceField[Community] = forms.ModelChoiceField(
        None,
        label=_("Community"),
        help_text=_("Everyone who belongs here may take part."),
        empty_label=_("Choose one"),
    )
    title = Words(label=_("Title"), max_length=120)
    question = Words(
        label=_("The question"),
        max_length=200,
        help_text=_("One open question, like: how can home care be better?"),
    )
    background = Words(
        label=_("Why we ask"), max_length=5000, widget=forms.Textarea(attrs={"rows": 6})
    )
    who_is_concerned = Words(
        label=_("Who is concerned"),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Who uses the service, who gives it, and who else will feel a change."),
    )
    service: forms.ModelChoiceField[Service] = forms.ModelChoiceField(
        None, label=_("The service it is about"), empty_label=_("Choose one")
    )
    owner: forms.ModelChoiceField[Organisation] = forms.ModelChoiceField(
        None, label=_("Who answers for it"), empty_label=_("Choose one")
    )

    def __init__(
        self, *args: Any, viewer: Viewer, challenge: Challenge | None = None, **given: Any
    ) -> None:
        if challenge is not None:
            names = ("title", "question", "background", "who_is_concerned", "service", "owner")
            given["initial"] = {name: getattr(challenge, name) for name in names}
        super().__init__(*args, **given)
        if challenge is not None:
            del self.fields["community"]
        rows = {
            "community": queries.communities_to_lead,
            "service": queries.services,
            "owner": queries.owners,
        }
        for name, read in rows.items():
            field = self.fields.get(name)
            if isinstance(field, forms.ModelChoiceField):
                field.queryset = read(viewer)


class OutcomeForm(forms.Form):
    """What should get better for whom, and how we will know."""

    statement = Words(
        label=_("What should be true one day"),
        max_length=160,
        help_text=_("In the words of someone who uses the service, like: I feel safe at home"),
    )
    for_whom = Words(label=_("For whom"), max_length=160)
    measure = Words(
        label=_("How we will know"),
        max_length=200,
        help_text=_("How and when it is asked or counted"),
    )
    unit = Words(label=_("Counted in"), max_length=60, help_text=_("Like: people in 100"))
    direction = forms.ChoiceField(
        label=_("Which way is better"),
        choices=[(MORE, _("More is better")), (LESS, _("Less is better"))],
        widget=forms.RadioSelect,
        initial=MORE,
    )
    baseline = Figure(label=_("Where it stood at the start"))
    baseline_on = Day(label=_("On which day"))
    now = Figure(label=_("The latest reading"))
    now_on = Day(label=_("Read on which day"))
    aim = Figure(label=_("What we aim for"))

    @classmethod
    def of(cls, outcome: Outcome, data: Any = None) -> OutcomeForm:
        """Return the form filled with what is known of an outcome."""
        names = [name for name in cls.base_fields if name != "direction"]
        initial = {name: getattr(outcome, name) for name in names}
        return cls(data, initial={**initial, "direction": MORE if outcome.up_is_better else LESS})

    def values(self) -> dict[str, Any]:
        """Return what the action takes."""
        given = dict(self.cleaned_data)
        given["up_is_better"] = given.pop("direction") == MORE
        return given


class DatesForm(forms.Form):
    """When a challenge is in each stage of the loop."""

    says_optional = False  # the page says so once for all seven

    def __init__(self, *args: Any, steps: Iterable[Step], **given: Any) -> None:
        super().__init__(*args, **given)
        planned = {step.stage: step for step in steps}
        for stage in Stage:
            step = planned.get(stage)
            self.fields[f"{stage}_opens"] = Moment(
                label=_("Opens"), initial=_local(step.opens_at if step else None)
            )
            self.fields[f"{stage}_closes"] = Moment(
                label=_("Closes"), initial=_local(step.closes_at if step else None)
            )

    def stages(self) -> list[tuple[Stage, forms.BoundField, forms.BoundField]]:
        """Return the fields two by two, stage by stage."""
        return [(stage, self[f"{stage}_opens"], self[f"{stage}_closes"]) for stage in Stage]

    def clean(self) -> dict[str, Any]:
        """Ask for the opening where only the close is given, and for a close that comes after it."""
        given: dict[str, Any] = super().clean() or {}
        for stage in Stage:
            opens = f"{stage}_opens"
            if given.get(f"{stage}_closes") and not given.get(opens) and opens not in self.errors:
                self.add_error(opens, _("Say when it opens, or leave both empty"))
            begun, ended = given.get(opens), given.get(f"{stage}_closes")
            if begun and ended and ended <= begun:
                words = _("%(stage)s has to close after it opens") % {"stage": stage.label}
                self.add_error(f"{stage}_closes", words)
        return given

    def dates(self) -> list[Dates]:
        """Return the stages that are planned."""
        read = self.cleaned_data
        return [
            Dates(stage, read[f"{stage}_opens"], read[f"{stage}_closes"])
            for stage in Stage
            if read[f"{stage}_opens"]
        ]


def _local(at: datetime | None) -> datetime | None:
    return None if at is None else timezone.localtime(at)


class MoneyForm(forms.Form):
    """What money there is, as people write it."""

    pence = Words(
        label=_("How much money there is"),
        required=False,
        max_length=30,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "class": "govuk-input--width-10"}),
        help_text=_("In pounds, like £240,000. Leave it empty where there is none yet."),
    )

    @classmethod
    def of(cls, challenge: Challenge, data: Any = None) -> MoneyForm:
        """Return the form filled with the present amount."""
        held = challenge.money_pence
        return cls(data, initial={"pence": "" if held is None else pounds(held)})

    def clean_pence(self) -> int | None:
        """Return whole pence, or nothing."""
        text = self.cleaned_data["pence"]
        if not text:
            return None
        try:
            pence = to_pence(text)
        except ValueError as error:
            raise ValidationError(gettext("Write the amount in pounds, like 1200")) from error
        if not 0 < pence <= MOST_PENCE:
            most = pounds(MOST_PENCE)
            raise ValidationError(
                gettext("Write an amount above nothing and up to %(most)s") % {"most": most}
            )
        return pence
