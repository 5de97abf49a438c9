"""The shape of what is told of a delivery, and plain words for mistakes."""

from __future__ import annotations

import re
from calendar import monthrange
from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from commonweal.decide.budgets.forms import Pounds
from commonweal.deliver.milestones.models import Came, Delivery, Milestone, Post, Status
from commonweal.ground.challenges.forms import Day, Words
from commonweal.ground.places.models import Organisation

STAYS = "stays"
MONTH = re.compile(r"\s*(?:(\d{4})[-/.](\d{1,2})|(\d{1,2})[-/. ](\d{4}))\s*")


class Month(forms.CharField):
    """A month by the device's own picker where it has one; its last day in the code."""

    def __init__(self, **given: Any) -> None:
        widget = forms.TextInput(attrs={"type": "month", "class": "govuk-input--width-10"})
        super().__init__(max_length=20, widget=widget, **given)

    def prepare_value(self, value: Any) -> Any:
        """Write the month of a day for changing."""
        return f"{value:%Y-%m}" if isinstance(value, date) else value

    def clean(self, value: Any) -> Any:
        """Return the last day of the month."""
        text = super().clean(value)
        if not text:
            return None
        found = MONTH.fullmatch(text)
        year, month = (int(found[1] or found[4]), int(found[2] or found[3])) if found else (0, 0)
        if not (2000 <= year < 2100 and 1 <= month <= 12):
            raise ValidationError(_("Write the month like 2027-03"))
        return date(year, month, monthrange(year, month)[1])


class GivenDay(Day):
    """A day that has to be given."""

    def __init__(self, **given: Any) -> None:
        super().__init__(**given)
        self.required = True


def _said(label: Any, *, most: int = 2000, rows: int = 4, **given: Any) -> Words:
    return Words(label=label, max_length=most, widget=forms.Textarea(attrs={"rows": rows}), **given)


def _link() -> forms.URLField:
    return forms.URLField(
        label=_("A link to see it"),
        help_text=_("Pictures, minutes or an invoice, where others can read them."),
        required=False,
        max_length=300,
        assume_scheme="https",
        error_messages={"invalid": _("Write the whole address, like https://example.org/swings")},
    )


class Spending(forms.Form):
    """What is spent so far, and why it is more than the vote gave, where it is."""

    spent_pence = Pounds(
        label=_("Spent so far, in all, in pounds"),
        help_text=_("Leave it empty if nothing new was spent."),
        required=False,
    )
    overspend = _said(
        _("If it is more than the vote gave: why, and who pays the rest?"),
        most=500,
        rows=2,
        required=False,
    )


class TellForm(Spending):
    """Where it stands now, or only how it goes."""

    status = forms.ChoiceField(label=_("Where does it stand now?"), widget=forms.RadioSelect)
    words = _said(
        _("Say it in plain words"),
        help_text=_("Everybody who voted reads this. A delay or a stop needs its reason."),
    )
    happened_on = GivenDay(label=_("Since when?"))
    due_on = Month(
        label=_("When should all of it be done?"),
        help_text=_("A month, like 2027-03. Leave it empty if that has not changed."),
        required=False,
    )
    money = _said(_("If it stops: what happens to the money?"), most=500, rows=2, required=False)
    link = _link()
    field_order = (
        "status", "words", "happened_on", "due_on", "money", "spent_pence", "overspend", "link",
    )  # fmt: skip

    def __init__(self, *args: Any, delivery: Delivery, **given: Any) -> None:
        super().__init__(*args, **given)
        stays = _("It stays as it is: %(now)s") % {"now": delivery.get_status_display()}
        ways = [(str(way), way.label) for way in delivery.moves if way != delivery.status]
        if delivery.status == Status.DELAYED:
            ways.insert(1, (str(Status.DELAYED), _("Delayed once more")))
        choice = self.fields["status"]
        assert isinstance(choice, forms.ChoiceField)
        choice.choices = [(STAYS, stays), *ways]

    def clean(self) -> dict[str, Any]:
        """Check that a stop says what happens to the money."""
        given: dict[str, Any] = super().clean() or {}
        if given.get("status") == Status.STOPPED and not given.get("money"):
            self.add_error("money", _("Say what happens to the money that is left"))
        if given.get("status") == STAYS:
            given["status"] = ""
        return given


class OutcomeForm(forms.Form):
    """What was measured, beside what was promised."""

    came = forms.ChoiceField(
        label=_("What came of what was promised?"), choices=Came.choices, widget=forms.RadioSelect
    )
    measured = Words(
        label=_("What was measured?"),
        help_text=_("A figure with its unit, like: 64 of 100 people feel safe. And by whom."),
        max_length=300,
        required=False,
    )
    words = _said(_("Explain it to somebody who lives here"))
    happened_on = GivenDay(label=_("Measured on"))
    link = _link()

    def clean(self) -> dict[str, Any]:
        """Check that who says that something came also says what."""
        given: dict[str, Any] = super().clean() or {}
        if given.get("came") not in (None, Came.NOT_YET) and not given.get("measured"):
            self.add_error("measured", _("Say what was measured, or that it is too early to tell"))
        return given


class WhoForm(forms.Form):
    """Who runs it: an organisation whose members may tell of it, or words."""

    organisation = forms.ModelChoiceField(
        Organisation.objects.none(),
        label=_("The organisation that runs it"),
        help_text=_("Its members may then say here how it goes."),
        required=False,
        empty_label=_("It is not listed here"),
    )
    run_by = Words(
        label=_("Or in words"),
        help_text=_("A team, a group or a person's office, as everybody may read it."),
        max_length=120,
        required=False,
    )
    words = _said(_("Why? One sentence is enough"), rows=2)

    def __init__(self, *args: Any, organisations: Any, **given: Any) -> None:
        super().__init__(*args, **given)
        choice = self.fields["organisation"]
        assert isinstance(choice, forms.ModelChoiceField)
        choice.queryset = organisations

    def clean(self) -> dict[str, Any]:
        """Check that somebody is named."""
        given: dict[str, Any] = super().clean() or {}
        if not self.errors and not given.get("organisation") and not given.get("run_by"):
            self.add_error("run_by", _("Choose an organisation, or name who runs it in words"))
        return given


class MilestoneForm(forms.ModelForm):  # type: ignore[type-arg]
    """A step that people can see, and the month it is planned for."""

    title = Words(label=_("Name of the milestone"), max_length=120)
    seen = Words(
        label=_("What will people see then?"),
        help_text=_("Something that anyone can check, like: six lamps are lit on the path."),
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 2}),
    )
    due_on = Month(label=_("By the end of which month?"), help_text=_("Like 2027-03"))
    words = _said(_("Explain it in a sentence"), rows=2)

    class Meta:
        model = Milestone
        fields = ("title", "seen", "due_on")


class ReachForm(Spending):
    """That a milestone is reached, and where that can be seen."""

    done_on = GivenDay(label=_("Reached on"))
    evidence = _said(
        _("What is there to see now?"),
        most=1000,
        rows=3,
        help_text=_("So that a neighbour could go and look."),
    )
    link = _link()
    field_order = ("evidence", "done_on", "link", "spent_pence", "overspend")


class DropForm(forms.Form):
    """Why a milestone will not come."""

    words = _said(_("Why will it not come?"), rows=3)


class CorrectForm(Spending):
    """What was wrong in an earlier post, and what is right."""

    words = _said(_("What was wrong, and what is right?"))
    is_undone = forms.BooleanField(
        label=_("The milestone is not reached after all"), required=False
    )
    field_order = ("words", "is_undone", "spent_pence", "overspend")

    def __init__(self, *args: Any, post: Post, **given: Any) -> None:
        super().__init__(*args, **given)
        if post.kind != "done" or post.milestone is None or post.milestone.done_on is None:
            del self.fields["is_undone"]
