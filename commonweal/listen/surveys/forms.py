"""What staff write about a survey and its questions, and plain words for mistakes."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from commonweal.ground.challenges.forms import READABLE, Moment
from commonweal.ground.places.models import Level
from commonweal.listen.surveys import queries, rules
from commonweal.listen.surveys.actions import About, Condition, Entry, Words
from commonweal.listen.surveys.models import (
    MOST_LETTERS,
    MOST_OPTIONS,
    WITH_OPTIONS,
    Channel,
    HiddenReason,
    Item,
    Kind,
    Reach,
    Spot,
    Survey,
)

if TYPE_CHECKING:
    from commonweal.ground.challenges.models import Challenge
    from commonweal.ground.places.models import Community
    from commonweal.ground.places.rules import Viewer

TOO_LONG = _("This is %(show_value)s letters long. Keep it to %(limit_value)s.")
NARROW = {"inputmode": "numeric", "class": "govuk-input--width-10"}


class Line(forms.CharField):
    """A text on one line."""

    default_validators = [READABLE]

    def __init__(self, *, most: int, nothing: Any = "", **given: Any) -> None:
        messages = {"max_length": TOO_LONG, **({"required": nothing} if nothing else {})}
        super().__init__(max_length=most, error_messages=messages, **given)

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Leave out ``maxlength``: words that are cut off while pasting are lost without a word."""
        attrs = super().widget_attrs(widget)
        attrs.pop("maxlength", None)
        return attrs

    def to_python(self, value: Any) -> str:
        """Count a line's end as one letter, as the page does."""
        return str(super().to_python(value) or "").replace("\r\n", "\n")


class Text(Line):
    """A text of several lines."""

    def __init__(self, *, most: int, rows: int = 4, **given: Any) -> None:
        super().__init__(most=most, widget=forms.Textarea(attrs={"rows": rows}), **given)


class Number(forms.CharField):
    """A number as people write it."""

    def __init__(self, **given: Any) -> None:
        widget = forms.TextInput(attrs={"inputmode": "decimal", "class": "govuk-input--width-10"})
        super().__init__(required=False, max_length=40, widget=widget, **given)

    def prepare_value(self, value: Any) -> Any:
        """Show a stored number without noughts at its end."""
        return rules.plain(value) if isinstance(value, Decimal) else value

    def clean(self, value: Any) -> Decimal | None:
        """Return the number; nothing where nothing is written."""
        text = super().clean(value)
        if not text:
            return None
        try:
            number = rules.number_in(text)
        except rules.Wrong as wrong:
            raise forms.ValidationError(wrong.words) from None
        if number != round(number, 3):
            raise forms.ValidationError(gettext("Write no more than three digits after the point."))
        return number


class Count(forms.IntegerField):
    """A small whole number that may be left out."""

    def __init__(self, *, most: int, least: int = 0, **given: Any) -> None:
        widget = forms.TextInput(attrs=NARROW)
        messages = {
            "invalid": _("Write a whole number, like 3"),
            "min_value": _("Write %(limit_value)s or more."),
            "max_value": _("Write %(limit_value)s or less."),
        }
        super().__init__(
            required=False,
            min_value=least,
            max_value=most,
            widget=widget,
            error_messages=messages,
            **given,
        )


# --- what it is about


class AboutForm(forms.Form):
    """What a survey is about, who may answer, and when."""

    community: forms.ModelChoiceField[Community] = forms.ModelChoiceField(
        None, label=_("Which place do you ask?"), empty_label=_("Choose one")
    )
    challenge: forms.ModelChoiceField[Challenge] = forms.ModelChoiceField(
        None,
        label=_("Which challenge is it for?"),
        required=False,
        empty_label=_("It stands alone, without a challenge"),
    )
    title = Line(
        most=120,
        label=_("Name of the survey"),
        help_text=_("Say what it is about, like: your bus to work."),
        nothing=_("Give the survey a name."),
    )
    why = Text(
        most=3000,
        label=_("Why do you ask?"),
        nothing=_("Say why you ask. People give their time."),
        help_text=_("What is to be decided, and what is not open any more."),
    )
    happens = Text(
        most=2000,
        label=_("What happens with the answers?"),
        nothing=_("Say what happens with the answers."),
        help_text=_("Who reads them, by when, and where people will see what came of it."),
    )
    thanks = Text(
        most=1000,
        rows=2,
        label=_("What do you say to whoever has answered?"),
        required=False,
        help_text=_("It stands above what happens next."),
    )
    reach = forms.ChoiceField(
        label=_("Who may answer?"), choices=Reach.choices, widget=forms.RadioSelect
    )
    level = forms.TypedChoiceField(
        label=_("How sure do we have to be that they belong?"),
        help_text=_("Only where people have to belong to the place."),
        choices=Level.choices,
        coerce=int,
        required=False,
        empty_value=str(Level.SELF_DECLARED.value),
    )
    is_anonymous = forms.TypedChoiceField(
        label=_("Do you see who said what?"),
        choices=[
            ("yes", _("No: answers carry no name, and soon after the close nothing leads back")),
            ("no", _("Yes, staff see the account: say above why you need that")),
        ],
        coerce=lambda value: value == "yes",
        widget=forms.RadioSelect,
    )
    may_change = forms.BooleanField(
        label=_("People may change their answers until it closes"), required=False
    )
    paper_to = Line(
        most=300,
        label=_("Where can people hand in a paper?"),
        required=False,
        help_text=_("Then the page offers a paper to print. Leave it empty if there is none."),
    )
    opens_at = Moment(label=_("Opens"))
    closes_at = Moment(label=_("Closes"))

    def __init__(self, data: Any = None, *, viewer: Viewer, survey: Survey | None = None) -> None:
        initial: dict[str, Any] = {
            "reach": Reach.EVERYONE,
            "is_anonymous": "yes",
            "may_change": True,
        }
        if survey is not None:
            initial = {name: getattr(survey, name) for name in self.base_fields}
            initial["community"] = survey.community_id
            initial["challenge"] = survey.challenge_id
            initial["is_anonymous"] = "yes" if survey.is_anonymous else "no"
        super().__init__(data, initial=initial)
        places: Any = self.fields["community"]
        places.queryset = queries.communities_to_ask(viewer)
        about: Any = self.fields["challenge"]
        about.queryset = queries.challenges_to_ask_about(viewer)

    def clean(self) -> dict[str, Any]:
        """It opens before it closes."""
        given = super().clean() or {}
        opens, closes = given.get("opens_at"), given.get("closes_at")
        if opens and closes and opens >= closes:
            self.add_error("closes_at", _("It has to close after it opens."))
        return given

    @property
    def about(self) -> About:
        """Return it as the action takes it."""
        return About(**self.cleaned_data)


# --- a question


OF_KIND: dict[str, tuple[str, ...]] = {
    Kind.ONE: ("is_required", "is_about_you", "choices", "other"),
    Kind.SEVERAL: ("is_required", "is_about_you", "choices", "other", "fewest", "most"),
    Kind.SCALE: ("is_required", "ends", "low_words", "high_words"),
    Kind.TEXT: ("is_required", "is_long", "letters"),
    Kind.NUMBER: ("is_required", "is_about_you", "unit", "lowest", "highest", "takes_fractions"),
    Kind.PLACE: ("is_required", "is_about_you", "spot"),
    Kind.WORDS: (),
    Kind.PAGE: (),
}
SCALES = ((1, 5), (1, 7), (0, 10), (1, 10), (-2, 2))


class ItemForm(forms.Form):
    """A question, words between questions, or a page break: each kind asks for what it needs."""

    says_optional = True

    def __init__(self, data: Any = None, *, kind: str, item: Item | None = None) -> None:
        self.kind, self.item = kind, item
        self.options = list(item.options.all()) if item is not None else []
        super().__init__(data, initial=self._initial())
        self.fields["words"] = self._words()
        self.fields["help"] = self._help()
        for name in OF_KIND[kind]:
            getattr(self, f"_add_{name}")()

    def _initial(self) -> dict[str, Any]:
        if self.item is None:
            return {
                "letters": 300, "ends": "1 5", "spot": Spot.AREA, "is_required": False
            }  # fmt: skip
        names = (
            "words help is_required is_about_you fewest most low_words high_words unit lowest highest"
            " takes_fractions is_long letters spot"
        )
        initial: dict[str, Any] = {name: getattr(self.item, name) for name in names.split()}
        if self.item.kind == Kind.SCALE:
            initial["ends"] = f"{rules.plain(self.item.lowest)} {rules.plain(self.item.highest)}"
        for option in self.options:
            if option.is_other:
                initial["other"] = option.words
            initial[f"choice_{option.pk}"] = option.words
            initial[f"here_{option.pk}"] = option.people_here
        return initial

    def _words(self) -> forms.Field:
        if self.kind == Kind.PAGE:
            return Line(
                most=300,
                required=False,
                label=gettext("Heading of the new page"),
                help_text=gettext("It may stay empty."),
            )
        if self.kind == Kind.WORDS:
            return Line(most=300, required=False, label=gettext("Heading"))
        return Line(
            most=300,
            label=gettext("The question"),
            help_text=gettext("One thing at a time, in words that a neighbour would use."),
            nothing=gettext("Write the question."),
        )

    def _help(self) -> forms.Field:
        label = gettext("Help below the question")
        if not self.asks:
            label = gettext("What people should know here")
        return Text(most=2000, rows=3, required=False, label=label)

    @property
    def asks(self) -> bool:
        """Tell whether it is a question."""
        return self.kind not in (Kind.WORDS, Kind.PAGE)

    def _add_is_required(self) -> None:
        self.fields["is_required"] = forms.BooleanField(
            label=gettext("Everybody has to answer it"), required=False
        )

    def _add_is_about_you(self) -> None:
        self.fields["is_about_you"] = forms.BooleanField(
            label=gettext("It is about the person, like their age"),
            help_text=gettext("Results then say who answered, beside who lives here."),
            required=False,
        )

    def _add_choices(self) -> None:
        for number, option in enumerate(self._plain_options(), 1):
            self.fields[f"choice_{option.pk}"] = Line(
                most=200,
                required=False,
                label=gettext("Choice %(n)s") % {"n": number},
            )
            if self.item and self.item.is_about_you:
                self.fields[f"here_{option.pk}"] = Count(
                    most=100_000_000,
                    label=gettext("How many people who live here are that: choice %(n)s")
                    % {"n": number},
                )
        label = gettext("Choices") if not self.options else gettext("More choices")
        self.fields["choices"] = Text(
            most=MOST_OPTIONS * 201,
            rows=6 if not self.options else 2,
            required=not self.options,
            nothing=gettext("Write at least two choices, one on each line."),
            label=label,
            help_text=gettext("One on each line."),
        )

    def _plain_options(self) -> list[Any]:
        return [option for option in self.options if not option.is_other]

    def _add_other(self) -> None:
        self.fields["other"] = Line(
            most=200,
            required=False,
            label=gettext("A last choice with words of their own"),
            help_text=gettext("Like: Something else. Leave it empty for none."),
        )

    def _add_fewest(self) -> None:
        self.fields["fewest"] = Count(
            most=MOST_OPTIONS, least=1, label=gettext("At least how many choices?")
        )

    def _add_most(self) -> None:
        self.fields["most"] = Count(
            most=MOST_OPTIONS, least=1, label=gettext("At most how many choices?")
        )

    def _add_ends(self) -> None:
        ends = [
            (f"{low} {high}", gettext("%(low)s to %(high)s") % {"low": low, "high": high})
            for low, high in SCALES
        ]
        self.fields["ends"] = forms.ChoiceField(label=gettext("The scale"), choices=ends)

    def _add_low_words(self) -> None:
        self.fields["low_words"] = Line(
            most=60, required=False, label=gettext("What the lowest number means")
        )

    def _add_high_words(self) -> None:
        self.fields["high_words"] = Line(
            most=60, required=False, label=gettext("What the highest number means")
        )

    def _add_is_long(self) -> None:
        self.fields["is_long"] = forms.BooleanField(
            label=gettext("Room for several lines"), required=False
        )

    def _add_letters(self) -> None:
        field = Count(most=MOST_LETTERS, least=1, label=gettext("How many letters at most?"))
        field.help_text = gettext("People see how many are left.")
        self.fields["letters"] = field

    def _add_unit(self) -> None:
        self.fields["unit"] = Line(
            most=30, required=False, label=gettext("Unit, like minutes or people")
        )

    def _add_lowest(self) -> None:
        self.fields["lowest"] = Number(label=gettext("Not less than"))

    def _add_highest(self) -> None:
        self.fields["highest"] = Number(label=gettext("Not more than"))

    def _add_takes_fractions(self) -> None:
        self.fields["takes_fractions"] = forms.BooleanField(
            label=gettext("Fractions too, like 2.5"), required=False
        )

    def _add_spot(self) -> None:
        self.fields["spot"] = forms.ChoiceField(
            label=gettext("How do people say where?"),
            help_text=gettext("Of a postcode we keep the sector only, like LM1 4."),
            choices=Spot.choices,
            widget=forms.RadioSelect,
        )

    def clean(self) -> dict[str, Any]:
        """Choices are not too many, and what is the least is not more than the most."""
        given = super().clean() or {}
        if self.kind == Kind.WORDS and not given.get("words") and not given.get("help"):
            self.add_error("words", gettext("Write a heading or some words."))
        if self.kind in WITH_OPTIONS:
            self._clean_choices(given)
        for low, high in (("fewest", "most"), ("lowest", "highest")):
            least, most = given.get(low), given.get(high)
            if least is not None and most is not None and least > most:
                self.add_error(high, gettext("This is less than the least."))
        return given

    def _clean_choices(self, given: dict[str, Any]) -> None:
        self.choices = [
            (option.pk, words, given.get(f"here_{option.pk}"))
            for option in self._plain_options()
            if (words := given.get(f"choice_{option.pk}"))
        ]
        new = [" ".join(line.split()) for line in given.get("choices", "").split("\n")]
        self.choices += [(None, words, None) for words in new if words]
        number = len(self.choices) + bool(given.get("other"))
        if any(len(words) > 200 for words in new):
            self.add_error("choices", gettext("Keep each choice to 200 letters."))
        if number > MOST_OPTIONS:
            self.add_error(
                "choices",
                gettext("A question takes %(most)s choices; these are %(n)s.")
                % {"most": MOST_OPTIONS, "n": number},
            )
        elif number < 2 and "choices" not in self.errors:
            self.add_error("choices", gettext("Write at least two choices, one on each line."))
        for name in ("fewest", "most"):
            if (given.get(name) or 0) > max(number, 2):
                self.add_error(name, gettext("There are not so many choices."))

    @property
    def words_of_staff(self) -> Words:
        """Return it as the action takes it."""
        given = self.cleaned_data
        fields = {"words": given["words"], "help": given["help"]}
        for name in OF_KIND[self.kind]:
            if name not in ("choices", "other", "ends"):
                fields[name] = given[name]
        if self.kind == Kind.SCALE:
            low, high = given["ends"].split()
            fields |= {"lowest": Decimal(low), "highest": Decimal(high)}
        if self.kind == Kind.TEXT and not fields["letters"]:
            fields["letters"] = 2000 if fields["is_long"] else 300
        options = getattr(self, "choices", [])
        return Words(self.kind, fields, options, given.get("other", ""))


class SourceForm(forms.Form):
    """On which earlier question an item depends."""

    source = forms.TypedChoiceField(
        label=_("On the answer to which question?"),
        coerce=int,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose a question.")},
    )

    def __init__(self, data: Any = None, *, sources: Sequence[Item], item: Item) -> None:
        super().__init__(data, initial={"source": item.source_id})
        field: Any = self.fields["source"]
        field.choices = [(source.pk, source.words) for source in sources]


class ConditionForm(forms.Form):
    """With which answers an item is shown."""

    def __init__(self, data: Any = None, *, source: Item, item: Item) -> None:
        self.source = source
        initial: dict[str, Any] = {}
        if item.source_id == source.pk:
            initial = {
                "options": item.depends_options,
                "low": item.depends_low,
                "high": item.depends_high,
            }
        super().__init__(data, initial=initial)
        if source.has_options:
            self.fields["options"] = forms.TypedMultipleChoiceField(
                label=gettext("Shown with any of these answers"),
                choices=[(option.pk, option.words) for option in source.options.all()],
                coerce=int,
                widget=forms.CheckboxSelectMultiple,
                error_messages={"required": gettext("Choose at least one answer.")},
            )
        else:
            self.fields["low"] = Number(label=gettext("Shown from this number on"))
            self.fields["high"] = Number(label=gettext("Shown up to this number"))

    def clean(self) -> dict[str, Any]:
        """One end at least, and in their order."""
        given = super().clean() or {}
        if not self.source.has_options and not self.errors:
            low, high = given.get("low"), given.get("high")
            if low is None and high is None:
                self.add_error("low", gettext("Write at least one of the two numbers."))
            elif low is not None and high is not None and low > high:
                self.add_error("high", gettext("This is less than the first number."))
        return given

    @property
    def condition(self) -> Condition:
        """Return it as the action takes it."""
        given = self.cleaned_data
        return Condition(
            self.source.pk, tuple(given.get("options", ())), given.get("low"), given.get("high")
        )


# --- after the opening


class ExtendForm(forms.Form):
    """Until when it stays open, and why."""

    until = Moment(label=_("Open until"))
    why = Line(most=300, label=_("Why?"), help_text=_("Everybody reads it."), nothing=_("Say why."))

    def __init__(self, data: Any = None, *, survey: Survey) -> None:
        super().__init__(data, initial={"until": survey.closes_at})
        self.survey = survey

    def clean_until(self) -> Any:
        """It is later than before."""
        until = self.cleaned_data["until"]
        if until is None or (self.survey.closes_at and until <= self.survey.closes_at):
            raise forms.ValidationError(gettext("Choose a moment later than the close as it is."))
        return until


class CorrectForm(forms.Form):
    """Words that people have read, as they should be, and why."""

    why = Line(most=300, label=_("What was wrong?"), help_text=_("Everybody reads it."))

    def __init__(self, data: Any = None, *, part: str, thing: Survey | Item) -> None:
        super().__init__(data, initial={"became": getattr(thing, part)})
        most = 300 if part == "words" else 2000
        field: Any = Line if part == "words" else Text
        became = field(
            most=most,
            label=gettext("The words as they should be"),
            required=part != "help",
            nothing=gettext("Write the words as they should be."),
        )
        self.fields = {"became": became, **self.fields}


class WithdrawForm(forms.Form):
    """Why a survey is withdrawn."""

    why = Line(
        most=500,
        label=_("Why is it withdrawn?"),
        help_text=_("Everybody reads it. What people answered is deleted."),
        nothing=_("Say why: people gave their time."),
    )


class HeardForm(forms.Form):
    """What staff heard, in plain words."""

    heard = Text(
        most=5000,
        rows=7,
        label=_("What did you hear, and what happens now?"),
        help_text=_(
            "Begin with what most people said. Then what you will do, and what not, and why."
        ),
        nothing=_("Say in plain words what you heard. People gave their time."),
    )


class JudgeForm(forms.Form):
    """What becomes of the words that are ticked."""

    verdict = forms.ChoiceField(choices=[("show", ""), ("hide", ""), ("wait", "")])
    reason = forms.ChoiceField(
        label=_("Reason for hiding"),
        required=False,
        choices=[("", _("Choose one")), *HiddenReason.choices],
    )
    answers = forms.TypedMultipleChoiceField(required=False, coerce=int)

    def __init__(self, data: Any = None, *, listed: Sequence[int] = ()) -> None:
        super().__init__(data)
        field: Any = self.fields["answers"]
        field.choices = [(pk, str(pk)) for pk in listed]

    def clean(self) -> dict[str, Any]:
        """Something is ticked, and hiding has a reason."""
        given = super().clean() or {}
        if not given.get("answers"):
            self.add_error(None, gettext("Tick the words first, then press a button."))
        if given.get("verdict") == "hide" and not given.get("reason"):
            self.add_error("reason", gettext("Choose why they are hidden."))
        return given


class EntryForm(forms.Form):
    """Which paper it is, or that somebody called."""

    says_optional = False

    channel = forms.ChoiceField(
        label=_("How did it come?"),
        choices=[
            (Channel.PAPER, Channel.PAPER.label),
            (Channel.TELEPHONE, Channel.TELEPHONE.label),
        ],
        widget=forms.RadioSelect,
        initial=Channel.PAPER,
    )
    batch = Line(
        most=40,
        required=False,
        label=_("Batch"),
        help_text=_("The box or place it came from, like: Library, box 1. Not for a call."),
    )
    serial = Count(
        most=10_000_000,
        least=1,
        label=_("Number on the paper"),
        help_text=_("If it has none, write one on it first. Then nobody keys it twice."),
    )

    def clean(self) -> dict[str, Any]:
        """A paper has a batch and a number."""
        given = super().clean() or {}
        if given.get("channel") == Channel.PAPER:
            if not given.get("batch"):
                self.add_error("batch", gettext("Say from which batch the paper is."))
            if given.get("serial") is None and "serial" not in self.errors:
                self.add_error("serial", gettext("Write the number that stands on the paper."))
        return given

    @property
    def entry(self) -> Entry:
        """Return it as the action takes it."""
        return Entry(**self.cleaned_data)


class PapersForm(forms.Form):
    """How many papers to print, and with which numbers."""

    says_optional = False

    first = Count(most=10_000_000, least=1, label=_("First number"), initial=1)
    number = Count(most=200, least=1, label=_("How many papers?"), initial=20)
    batch = Line(
        most=40, required=False, label=_("Batch"), help_text=_("It stands on every paper.")
    )
    large = forms.BooleanField(label=_("Large print"), required=False)

    def clean(self) -> dict[str, Any]:
        """Both numbers are there."""
        given = super().clean() or {}
        for name in ("first", "number"):
            if given.get(name) is None and name not in self.errors:
                self.add_error(name, gettext("Write a number."))
        return given


# --- a question as it stands on a page


class Asked:
    """A question on a page, with what was typed so far and what is wrong with it."""

    def __init__(self, item: Item, sheet: rules.Sheet, *, says_wrong: bool) -> None:
        self.item, self.areas = item, sheet.areas
        self.typed = sheet.typed.get(item.pk, rules.Typed())
        self.wrong = sheet.wrong.get(item.pk) if says_wrong else None

    @property
    def id(self) -> str:
        """Return the id of its first control, to which a mistake leads."""
        return f"id_{self.item.name}"

    @property
    def anchor(self) -> str:
        """Return the id of the control that is wrong."""
        return f"{self.id}_other" if self.wrong and self.wrong.at == "other" else self.id

    @property
    def described(self) -> str:
        """Return the ids of what describes it."""
        parts = [f"{self.id}_help"] if self.hint or self.item.help else []
        return " ".join([*parts, f"{self.id}_error"] if self.wrong else parts)

    @property
    def hint(self) -> str:
        """Say what an answer looks like, where that is not plain."""
        item = self.item
        if item.kind == Kind.SEVERAL:
            return _how_many(item)
        if item.kind == Kind.NUMBER:
            return _between(item)
        if item.kind == Kind.PLACE and item.spot == Spot.POSTCODE:
            return gettext("Like LM1 4AB. We keep its first part only, which many homes share.")
        if item.kind == Kind.PLACE and item.spot == Spot.POINT:
            return gettext("Latitude and longitude with a comma between, like 51.48, -3.18")
        return ""

    @property
    def choices(self) -> list[tuple[str, Any, bool]]:
        """Return each choice with its id, and whether it was made."""
        chosen = set(self.typed.values)
        options = self.item.options.all()
        return [
            (self.id if n == 0 else f"{self.id}_{n}", option, str(option.pk) in chosen)
            for n, option in enumerate(options)
        ]

    @property
    def other(self) -> Any:
        """Return the choice that asks for words too, if there is one."""
        return next((o for o in self.item.options.all() if o.is_other), None)

    @property
    def steps(self) -> list[tuple[str, int, bool]]:
        """Return each number of a scale with its id, and whether it was chosen."""
        assert self.item.lowest is not None and self.item.highest is not None
        numbers = range(int(self.item.lowest), int(self.item.highest) + 1)
        return [
            (self.id if n == 0 else f"{self.id}_{n}", number, self.typed.first == str(number))
            for n, number in enumerate(numbers)
        ]

    @property
    def spots(self) -> list[tuple[int, str, bool]]:
        """Return the areas to choose from, and which was chosen."""
        return [(pk, a.name, self.typed.first == str(pk)) for pk, a in self.areas.items()]

    @property
    def is_elsewhere(self) -> bool:
        """Tell whether somewhere else was chosen."""
        return self.typed.first == rules.ELSEWHERE

    @property
    def spoken(self) -> list[str]:
        """Return what was typed as a person would read it."""
        values = self.typed.values
        if self.item.has_options:
            said = [o.words for o in self.item.options.all() if str(o.pk) in values]
            return [*said, self.typed.other] if said and self.typed.other else said
        if self.item.kind == Kind.PLACE and self.item.spot == Spot.AREA and values:
            if self.is_elsewhere:
                return [gettext("Somewhere else")]
            return [name for _pk, name, chosen in self.spots if chosen]
        if self.item.kind == Kind.NUMBER and self.item.unit and values:
            return [f"{values[0]} {self.item.unit}"]
        return list(values)


def _how_many(item: Item) -> str:
    values = {"fewest": item.fewest, "most": item.most}
    if item.fewest and item.most and item.fewest == item.most:
        return gettext("Choose %(most)s.") % values
    if item.fewest and item.most:
        return gettext("Choose %(fewest)s to %(most)s.") % values
    if item.fewest:
        return gettext("Choose at least %(fewest)s.") % values
    if item.most:
        return gettext("Choose up to %(most)s.") % values
    return gettext("Choose as many as you like.")


def _between(item: Item) -> str:
    values = {"low": rules.plain(item.lowest), "high": rules.plain(item.highest)}
    if item.lowest is not None and item.highest is not None:
        return gettext("A number from %(low)s to %(high)s.") % values
    if item.lowest is not None:
        return gettext("%(low)s or more.") % values
    return gettext("%(high)s or less.") % values if item.highest is not None else ""


def typed_on(items: Sequence[Item], data: Any) -> dict[int, rules.Typed]:
    """Return what was sent for these questions, and for no others."""
    return {
        item.pk: rules.Typed.of(data.getlist(item.name), data.get(f"{item.name}_other"), item)
        for item in items
        if item.asks
    }
