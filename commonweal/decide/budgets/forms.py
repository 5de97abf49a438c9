"""The shape of a pot step by step, of its projects and what is asked of them; words for mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from commonweal.decide.budgets import queries
from commonweal.decide.budgets.models import (
    MOST_PENCE,
    MOST_POINTS,
    MOST_SCORE,
    BallotKind,
    PaperPolicy,
    Pot,
    Project,
    QuietPeriod,
    Reach,
    Rule,
    Step,
)
from commonweal.ground.places.models import Community, Level
from commonweal.kit import pictures
from commonweal.kit.money import pounds, to_pence
from commonweal.propose.proposals.models import HiddenReason

if TYPE_CHECKING:  # Django's forms do not say at run time which model they are for
    PotModelForm = forms.ModelForm[Pot]
    ProjectModelForm = forms.ModelForm[Project]
    QuietModelForm = forms.ModelForm[QuietPeriod]
else:
    PotModelForm = ProjectModelForm = QuietModelForm = forms.ModelForm

YEARS = range(2000, 2100)
# A seed is read aloud at a dice roll and typed into a terminal for a recount.
SEED = RegexValidator(r"^[A-Za-z0-9][A-Za-z0-9 .:_-]*$", _("Use letters, digits, dots and spaces"))


class Pounds(forms.CharField):
    """An amount in pounds, as people write it; whole pence in the code."""

    def __init__(self, **given: Any) -> None:
        widget = forms.TextInput(attrs={"inputmode": "decimal", "class": "govuk-input--width-10"})
        super().__init__(max_length=30, widget=widget, **given)

    def prepare_value(self, value: Any) -> Any:
        """Write pence as pounds for changing."""
        return pounds(value).removeprefix("£") if isinstance(value, int) else value

    def clean(self, value: Any) -> Any:
        """Return whole pence."""
        text = super().clean(value)
        if not text:
            return None
        try:
            pence = to_pence(text)
        except ValueError:
            raise ValidationError(_("Write the amount in pounds, like 1200")) from None
        if not 0 < pence <= MOST_PENCE:
            raise ValidationError(_("Write an amount above nothing, and one that a pot could hold"))
        return pence


class MomentField(forms.DateTimeField):
    """A day and a clock time, by the device's own picker where it has one."""

    def __init__(self, **given: Any) -> None:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
        wrong = {"invalid": _("Write the day and the time, like 2026-12-13 20:00")}
        super().__init__(widget=widget, error_messages=wrong, **given)

    def clean(self, value: Any) -> Any:
        """Return a moment of our time."""
        try:
            moment = super().clean(value)
        except OverflowError:
            raise ValidationError(self.error_messages["invalid"]) from None
        if moment is not None and moment.year not in YEARS:
            raise ValidationError(gettext("Choose a year between 2000 and 2099"))
        return moment


class CostLines(forms.CharField):
    """The lines of a cost, one below the other: what, a colon, and how much."""

    def __init__(self, **given: Any) -> None:
        super().__init__(widget=forms.Textarea(attrs={"rows": 4}), max_length=2000, **given)

    def prepare_value(self, value: Any) -> Any:
        """Write the lines for changing."""
        return "\n".join(queries.in_lines(value)) if isinstance(value, list) else value

    def clean(self, value: Any) -> Any:
        """Return what and pence of each line."""
        lines = [line.strip() for line in (super().clean(value) or "").splitlines() if line.strip()]
        if len(lines) > queries.MOST_LINES:
            raise ValidationError(gettext("Twenty lines are enough: put small things together"))
        return [self._read(line) for line in lines]

    def _read(self, line: str) -> dict[str, Any]:
        what, _colon, amount = line.rpartition(":")
        try:
            pence = to_pence(amount)
        except ValueError:
            pence = 0
        if not what.strip() or not 0 < pence <= MOST_PENCE:
            words = gettext("Write each line like “Paint: 1200”. This one is not: %(line)s")
            raise ValidationError(words % {"line": line[:60]})
        return {"what": what.strip(), "pence": pence}


class PurposeForm(PotModelForm):
    """What the money should make better, and how much there is."""

    pence = Pounds(label=_("How much is in the pot, in pounds?"))

    class Meta:
        model = Pot
        fields = ("title", "about", "pence")
        labels = {
            "title": _("Name of the pot"),
            "about": _("What should the money make better, and for whom?"),
        }
        widgets = {"about": forms.Textarea(attrs={"rows": 4})}


class BeginForm(PurposeForm):
    """The first step of a new pot, or of one for each of several districts."""

    districts: forms.ModelMultipleChoiceField[Any] = forms.ModelMultipleChoiceField(
        None,
        label=_("A pot for each district?"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_(
            "Tick the districts, and each gets a pot of this size. One person votes in one of them."
            " Tick none for a single pot."
        ),
    )

    def __init__(self, *args: Any, communities: list[Community], **given: Any) -> None:
        super().__init__(*args, **given)
        field = self.fields["districts"]
        assert isinstance(field, forms.ModelMultipleChoiceField)
        if len(communities) < 2:
            del self.fields["districts"]
        else:
            field.queryset = Community.objects.filter(
                pk__in=[place.pk for place in communities]
            ).order_by("name")

    def clean_districts(self) -> list[Community]:
        """Ask for more than one district, and for none that lies inside another."""
        chosen = list(self.cleaned_data["districts"])
        if len(chosen) == 1:
            raise ValidationError(gettext("Tick two districts or more, or none for a single pot"))
        numbers = {place.pk for place in chosen}
        if any(numbers & set(place.ancestors) for place in chosen):
            raise ValidationError(gettext("One of these districts lies inside another of them"))
        return chosen


class StepForm(PotModelForm):
    """One step of a pot that is there; saved for all districts of a round at once if asked."""

    whole_round = forms.BooleanField(
        label=_("Save the same for every district of this round"), required=False, initial=True
    )

    def __init__(self, *args: Any, communities: list[Community], **given: Any) -> None:
        super().__init__(*args, **given)
        self._place(communities)
        if self.instance.round_id is None:
            del self.fields["whole_round"]
        else:
            self.fields.pop("community", None)  # each pot of a round keeps its own

    def _place(self, communities: list[Community]) -> None:
        place = self.fields.get("community")
        if isinstance(place, forms.ModelChoiceField):
            listed = [community.pk for community in communities]
            place.queryset = Community.objects.filter(pk__in=listed).order_by("name")
            place.empty_label = None


class MoneyForm(StepForm, PurposeForm):
    """What a pot is for and what it holds."""

    class Meta(PurposeForm.Meta):
        pass


class VotersForm(StepForm):
    """Who may vote, how sure we must be of it, and what holds for paper."""

    reach = forms.ChoiceField(
        label=_("Who may vote?"),
        choices=Reach.choices,
        widget=forms.RadioSelect,
        help_text=_(
            "Without an account nobody can tell one person from another: only for small things."
        ),
    )
    level = forms.TypedChoiceField(
        label=_("How sure must we be that a voter belongs here?"),
        choices=Level.choices,
        coerce=int,
        widget=forms.RadioSelect,
        help_text=_("It holds for people with an account. The surer, the fewer can vote at once."),
    )
    paper_policy = forms.ChoiceField(
        label=_("If somebody votes on paper and in another way too"),
        choices=PaperPolicy.choices,
        widget=forms.RadioSelect,
    )

    class Meta:
        model = Pot
        fields = ("community", "reach", "level", "paper_policy")
        labels = {"community": _("The people of")}


class BallotForm(StepForm):
    """What a ballot asks, and of how many ideas."""

    ballot_kind = forms.ChoiceField(
        label=_("What does a ballot ask?"), choices=BallotKind.choices, widget=forms.RadioSelect
    )
    fewest = forms.IntegerField(
        label=_("At least how many ideas?"),
        min_value=1,
        max_value=1000,
        help_text=_("Whoever would fund none can always say so."),
    )
    most = forms.IntegerField(
        label=_("At most how many ideas?"),
        min_value=1,
        max_value=1000,
        required=False,
        help_text=_("Leave it empty for no limit."),
    )
    points = forms.IntegerField(
        label=_("How many points has a ballot to give?"), min_value=1, max_value=MOST_POINTS,
        help_text=_("Only where points are shared out."),
    )  # fmt: skip
    top_score = forms.IntegerField(
        label=_("What is the highest score?"), min_value=1, max_value=MOST_SCORE,
        help_text=_("Only where each idea gets a score."),
    )  # fmt: skip
    order_is_fixed = forms.TypedChoiceField(
        label=_("In what order do the ideas stand?"),
        choices=[
            ("no", _("Drawn by lot for each person, so that none is always first")),
            ("yes", _("Fixed, as they were put on the ballot")),
        ],
        coerce=lambda said: said == "yes",
        widget=forms.RadioSelect,
    )

    class Meta:
        model = Pot
        fields = ("ballot_kind", "fewest", "most", "points", "top_score", "order_is_fixed")

    def __init__(self, *args: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        self.initial["order_is_fixed"] = "yes" if self.instance.order_is_fixed else "no"
        for name in ("fewest", "most", "points", "top_score"):
            self.fields[name].widget = forms.TextInput(
                attrs={"inputmode": "numeric", "class": "govuk-input--width-4"}
            )

    def clean(self) -> dict[str, Any]:
        """Check that the numbers go together; to choose one is to choose one."""
        given: dict[str, Any] = super().clean() or {}
        if given.get("ballot_kind") == BallotKind.CHOOSE_ONE:
            given["fewest"] = given["most"] = 1
        fewest, most = given.get("fewest"), given.get("most")
        if fewest and most and most < fewest:
            self.add_error("most", _("This is fewer than a ballot needs at least"))
        kind = given.get("ballot_kind")
        if kind == BallotKind.POINTS and fewest and given.get("points", fewest) < fewest:
            self.add_error("points", _("There are fewer points than ideas to give them to"))
        return given


class IdeasForm(StepForm):
    """What an idea needs to get on the ballot."""

    supports_needed = forms.IntegerField(
        label=_("How many signatures must an idea have?"),
        min_value=0,
        max_value=1_000_000,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "class": "govuk-input--width-4"}),
        help_text=_("0 if every costed idea may stand on the ballot."),
    )
    appraised_only = forms.BooleanField(
        label=_("Only ideas that staff have appraised"),
        help_text=_(
            "They worked out what it costs and whether it can be done, and its authors could appeal."
            " Take the tick away for small sums that nobody has to check."
        ),
        required=False,
    )

    class Meta:
        model = Pot
        fields = ("supports_needed", "appraised_only")


class CountingForm(StepForm):
    """The rule, how many have to vote, and what lots are drawn with."""

    rule = forms.ChoiceField(
        label=_("How are the votes counted?"), choices=Rule.choices, widget=forms.RadioSelect
    )
    quorum = forms.IntegerField(
        label=_("How many people have to vote?"),
        min_value=0,
        max_value=100_000_000,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "class": "govuk-input--width-5"}),
        help_text=_("If fewer vote, nothing is funded. 0 if the vote counts in any case."),
    )
    lot_seed = forms.CharField(
        label=_("The word that lots are drawn with"),
        max_length=64,
        validators=[SEED],
        help_text=_(
            "If two ideas are exactly equal, it decides. It stands on the pot's page from the first"
            " day. You may roll dice in public and write down what they showed."
        ),
    )

    class Meta:
        model = Pot
        fields = ("rule", "quorum", "lot_seed")


class DatesForm(StepForm):
    """When people can read the ideas, vote, and see the result."""

    opens_at = MomentField(
        label=_("When does voting open?"),
        help_text=_("It opens and closes by itself, to the second, by the clock of the database."),
    )
    closes_at = MomentField(label=_("When does voting close?"))
    public_at = MomentField(
        label=_("Hide the pot until"),
        required=False,
        help_text=_("Leave it empty and people can read the ideas as soon as you make it public."),
    )
    result_at = MomentField(
        label=_("Hide the result until"),
        required=False,
        help_text=_("Leave it empty and the result is public as soon as it is counted."),
    )

    class Meta:
        model = Pot
        fields = ("opens_at", "closes_at", "public_at", "result_at")

    def clean(self) -> dict[str, Any]:
        """Check that voting opens before it closes, and nothing is hidden from those who vote."""
        given: dict[str, Any] = super().clean() or {}
        opens, closes = given.get("opens_at"), given.get("closes_at")
        public, result = given.get("public_at"), given.get("result_at")
        if opens and closes and opens >= closes:
            self.add_error("closes_at", _("Voting has to close after it opens"))
        if opens and public and public > opens:
            self.add_error("public_at", _("People have to see the pot when voting opens"))
        if closes and result and result < closes:
            self.add_error("result_at", _("There is no result before voting closes"))
        return given


STEP_FORMS: dict[Step, type[StepForm]] = {
    Step.PURPOSE: MoneyForm,
    Step.VOTERS: VotersForm,
    Step.BALLOT: BallotForm,
    Step.IDEAS: IdeasForm,
    Step.COUNTING: CountingForm,
    Step.DATES: DatesForm,
}


class CopyForm(forms.Form):
    """What is new about a pot that is otherwise like an earlier one."""

    title = forms.CharField(label=_("Name of the pot"), max_length=120)
    pence = Pounds(label=_("How much is in the pot, in pounds?"))
    projects = forms.TypedMultipleChoiceField(
        label=_("Which ideas go on the new ballot too?"),
        required=False,
        coerce=int,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, *args: Any, past: Pot, **given: Any) -> None:
        listed = list(past.projects.order_by("pk"))
        lost = [project.pk for project in listed if project.is_funded is not True]
        begin = {"title": past.title, "pence": past.pence, "projects": lost}
        given["initial"] = begin
        super().__init__(*args, **given)
        field = self.fields["projects"]
        assert isinstance(field, forms.TypedMultipleChoiceField)
        field.choices = [
            (project.pk, f"{project.title} ({pounds(project.cost_pence)})") for project in listed
        ]
        if not listed:
            del self.fields["projects"]


class ProjectForm(ProjectModelForm):
    """What stands on the ballot: what gets better, where, by whom, and then what it costs."""

    cost_pence = Pounds(label=_("What does it cost, in pounds?"))
    cost_lines = CostLines(
        label=_("What is that made of?"),
        required=False,
        help_text=_("One thing a line: what, a colon, and how much. Like “Paint: 1200”."),
    )

    class Meta:
        model = Project
        fields = (
            "title", "summary", "outcome", "where", "run_by", "cost_pence", "cost_note",
            "cost_lines", "exclusive",
        )  # fmt: skip
        labels = {
            "title": _("Name of the idea"),
            "summary": _("What will be better, in one or two sentences?"),
            "outcome": _("What is promised, so that people can check it later?"),
            "where": _("Where?"),
            "run_by": _("Who will run it?"),
            "cost_note": _("What does the money pay for, in plain words?"),
            "exclusive": _("Does it exclude others?"),
        }
        help_texts = {
            "exclusive": _(
                "Write the same short name, like “the square”, on all ideas of which one at most can win."
            ),
        }
        widgets = {
            "summary": forms.Textarea(attrs={"rows": 3}),
            "outcome": forms.Textarea(attrs={"rows": 2}),
            "cost_note": forms.Textarea(attrs={"rows": 3}),
        }

    def clean(self) -> dict[str, Any]:
        """Check that the lines of the cost add up, so that nobody has to wonder."""
        given: dict[str, Any] = super().clean() or {}
        _check_sum(self, given.get("cost_lines"), given.get("cost_pence"))
        return given


def _check_sum(form: forms.BaseForm, lines: list[dict[str, Any]] | None, cost: int | None) -> None:
    if not lines or cost is None:
        return
    together = sum(line["pence"] for line in lines)
    if together != cost:
        words = gettext("These lines come to %(together)s, and the idea costs %(cost)s")
        form.add_error("cost_lines", words % {"together": pounds(together), "cost": pounds(cost)})


WHY = {
    "label": _("Why is it changed?"),
    "help_text": _("Everybody reads this beside the change, and it stays there."),
    "max_length": 300,
}


class CorrectPotForm(PotModelForm):
    """What may still be corrected about a pot once it is open."""

    why = forms.CharField(**WHY)  # type: ignore[arg-type]

    class Meta:
        model = Pot
        fields = ("about",)
        labels = {"about": _("What should the money make better, and for whom?")}
        widgets = {"about": forms.Textarea(attrs={"rows": 4})}


class CorrectProjectForm(ProjectModelForm):
    """What may still be corrected about a project once its pot is open: never what it promises."""

    cost_lines = CostLines(label=_("What is the cost made of?"), required=False)
    why = forms.CharField(**WHY)  # type: ignore[arg-type]

    class Meta:
        model = Project
        fields = ("where", "run_by", "cost_note", "cost_lines")
        labels = {
            "where": _("Where?"),
            "run_by": _("Who will run it?"),
            "cost_note": _("What does the money pay for, in plain words?"),
        }
        widgets = {"cost_note": forms.Textarea(attrs={"rows": 3})}

    def clean(self) -> dict[str, Any]:
        """Check that the lines still add up to the cost, which stays as it was."""
        given: dict[str, Any] = super().clean() or {}
        _check_sum(self, given.get("cost_lines"), self.instance.cost_pence)
        return given


class ExtendForm(forms.Form):
    """Until when voting stays open, and why."""

    closes_at = MomentField(label=_("Until when may people vote?"))
    why = forms.CharField(**WHY)  # type: ignore[arg-type]


class WithdrawForm(forms.Form):
    """Why a pot is taken back."""

    why = forms.CharField(
        label=_("Why is it withdrawn?"),
        help_text=_("Everybody reads this on the pot's page."),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class PictureForm(forms.Form):
    """A picture, and what it shows in words."""

    file = forms.FileField(
        label=_("The picture"),
        help_text=_("JPEG, PNG or WebP, up to 10 MB. Where and when it was taken is thrown away."),
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
    )
    alt = forms.CharField(
        label=_("What does it show?"),
        help_text=_("For people who cannot see it: one sentence."),
        max_length=200,
    )

    def clean_file(self) -> pictures.Drawn:
        """Return the picture drawn anew."""
        file = self.cleaned_data["file"]
        try:
            return pictures.redraw(file, file.size)
        except pictures.TooLarge:
            raise ValidationError(
                gettext("This picture is too large. Choose a smaller one")
            ) from None
        except pictures.NotAPicture:
            words = gettext("This cannot be read as a picture. Choose a JPEG, PNG or WebP file")
            raise ValidationError(words) from None


class HidePictureForm(forms.Form):
    """Why a picture is taken down from an open ballot."""

    why = forms.CharField(**WHY)  # type: ignore[arg-type]


class AskForm(forms.Form):
    """What somebody wants to know about a project."""

    body = forms.CharField(
        label=_("Your question"),
        help_text=_("Everybody reads it, with your name. Staff answer here."),
        max_length=1000,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": _("Write your question")},
    )


class AnswerForm(forms.Form):
    """What staff answer."""

    answer = forms.CharField(
        label=_("The answer"),
        help_text=_("Short and plain. Everybody reads it."),
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 5}),
        error_messages={"required": _("Write the answer")},
    )


class HideForm(forms.Form):
    """Why a moderator hides a question."""

    reason = forms.ChoiceField(
        label=_("Why is it hidden?"),
        help_text=_("The person who asked sees this reason. It is kept in the journal."),
        choices=HiddenReason.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose a reason: the person will ask.")},
    )


class QuietForm(QuietModelForm):
    """From when to when it is quiet, and why."""

    starts_at = MomentField(label=_("From when is it quiet?"))
    ends_at = MomentField(label=_("Until when?"))

    class Meta:
        model = QuietPeriod
        fields = ("why", "starts_at", "ends_at")
        labels = {"why": _("Before which election?")}

    def clean(self) -> dict[str, Any]:
        """Check that it ends after it starts."""
        given: dict[str, Any] = super().clean() or {}
        starts, ends = given.get("starts_at"), given.get("ends_at")
        if starts and ends and starts >= ends:
            self.add_error("ends_at", _("It has to end after it starts"))
        return given
