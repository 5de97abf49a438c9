"""The shape of a ballot, and plain words for mistakes."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

MOST_TICKS = 1_000


class Ticks(forms.Field):
    """The numbers of the boxes that were ticked; the action knows which of them there are."""

    widget = forms.CheckboxSelectMultiple

    def to_python(self, value: Any) -> list[int]:
        """Read the numbers, or say that the form came back broken."""
        words = value or []
        short = len(words) <= MOST_TICKS
        if not short or not all(w.isascii() and w.isdigit() and len(w) < 19 for w in words):
            raise ValidationError(
                gettext("Something in this form was broken. Choose again, then send it once more.")
            )
        return sorted({int(word) for word in words})


class BallotForm(forms.Form):
    """Which projects a person approves; choosing none has to be said aloud."""

    projects = Ticks(required=False, label=_("Ideas you would fund"))
    nothing = forms.BooleanField(
        required=False,
        label=_("I would fund none of these"),
        help_text=_("Your ballot then counts as a ballot, with nothing on it."),
    )

    def clean(self) -> dict[str, Any]:
        """Ask for a choice, and for one choice only."""
        given: dict[str, Any] = super().clean() or {}
        chosen, nothing = given.get("projects"), given.get("nothing")
        if chosen and nothing:
            self.add_error(
                "nothing",
                _("You ticked ideas, and that you would fund none. Take one of the two out."),
            )
        if chosen == [] and not nothing:
            self.add_error(
                "projects", _("Tick at least one idea, or tick that you would fund none of these.")
            )
        return given
