"""The shape of a ballot, a pot and a project, and plain words for mistakes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from commonweal.decide.budgets.models import MOST_PENCE, Pot, Project, Rule
from commonweal.ground.places.models import Community, Level
from commonweal.kit.money import pounds, to_pence

if TYPE_CHECKING:  # Django's forms do not say at run time which model they are for
    PotModelForm = forms.ModelForm[Pot]
    ProjectModelForm = forms.ModelForm[Project]
else:
    PotModelForm = ProjectModelForm = forms.ModelForm


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


class PotForm(PotModelForm):
    """What a pot is for, who shares it out, how and when; the money after what it is for."""

    pence = Pounds(label=_("How much is in the pot, in pounds?"))
    opens_at = MomentField(label=_("When does voting open?"))
    closes_at = MomentField(
        label=_("When does voting close?"),
        help_text=_("Votes are counted right after, and the result is public then."),
    )
    rule = forms.ChoiceField(
        label=_("How are the votes counted?"),
        choices=Rule.choices,
        initial=Rule.EQUAL_SHARES,
        widget=forms.RadioSelect,
        help_text=_(
            "Equal shares: every voter holds the same part of the money, so no majority takes it all. "
            "Most votes first: the ideas with most votes win, as long as they fit."
        ),
    )
    level = forms.TypedChoiceField(
        label=_("How sure must we be that a voter belongs here?"),
        choices=Level.choices,
        coerce=int,
        initial=Level.SELF_DECLARED,
        widget=forms.RadioSelect,
    )

    class Meta:
        model = Pot
        fields = ("title", "about", "community", "pence", "rule", "level", "opens_at", "closes_at")
        labels = {
            "title": _("Name of the pot"),
            "about": _("What should the money make better, and for whom?"),
            "community": _("Who may vote: the people of"),
        }
        widgets = {"about": forms.Textarea(attrs={"rows": 4})}

    def __init__(self, *args: Any, communities: list[Community], **given: Any) -> None:
        super().__init__(*args, **given)
        place = self.fields["community"]
        assert isinstance(place, forms.ModelChoiceField)
        place.queryset = Community.objects.filter(pk__in=[c.pk for c in communities]).order_by(
            "name"
        )
        place.empty_label = None

    def clean(self) -> dict[str, Any]:
        """Check that voting opens before it closes."""
        given: dict[str, Any] = super().clean() or {}
        opens, closes = given.get("opens_at"), given.get("closes_at")
        if opens and closes and opens >= closes:
            self.add_error("closes_at", _("Voting has to close after it opens"))
        return given


class ProjectForm(ProjectModelForm):
    """What stands on the ballot: what it does, where, and then what it costs."""

    cost_pence = Pounds(label=_("What does it cost, in pounds?"))

    class Meta:
        model = Project
        fields = ("title", "summary", "where", "cost_pence")
        labels = {
            "title": _("Name of the idea"),
            "summary": _("What will be better, in one or two sentences?"),
            "where": _("Where?"),
        }
        widgets = {"summary": forms.Textarea(attrs={"rows": 3})}
