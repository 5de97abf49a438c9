"""What moderators and authors write."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from commonweal.listen.conversations.models import MOST_LETTERS, Conversation, Reason
from commonweal.listen.moderation.models import MOST_DAYS, CaseState, Verdict

TICKED = re.compile(r"(\d{1,18}):([0-9a-f]{16})")
MOST_AT_ONCE = 100
TOO_LONG = _("This is %(show_value)s letters long. Keep it to %(limit_value)s.")


class Words(forms.CharField):
    """A few sentences; what is too long is refused and not cut off."""

    def __init__(self, *, most: int, rows: int = 3, nothing: Any = "", **given: Any) -> None:
        super().__init__(
            max_length=most,
            widget=forms.Textarea(attrs={"rows": rows}),
            error_messages={"max_length": TOO_LONG, "required": nothing or _("Write a few words.")},
            **given,
        )

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Leave out ``maxlength``: words that are cut off while pasting are lost without a word."""
        attrs = super().widget_attrs(widget)
        attrs.pop("maxlength", None)
        return attrs


class Sentence(Words):
    """The text of a statement: one line."""

    def __init__(self, **given: Any) -> None:
        super().__init__(most=MOST_LETTERS, rows=2, **given)

    def to_python(self, value: Any) -> str:
        """Make one line of it."""
        return " ".join(str(super().to_python(value) or "").split())

    def validate(self, value: Any) -> None:
        """Ask for something that can be read: a space of no width says nothing."""
        super().validate(value)
        if value and not any(sign.isalnum() for sign in value):
            raise forms.ValidationError(self.error_messages["required"])


class DecideForm(forms.Form):
    """One decision about the statements that are ticked."""

    says_optional = False

    verdict = forms.ChoiceField(
        choices=[(Verdict.SHOWN, Verdict.SHOWN.label), (Verdict.REJECTED, Verdict.REJECTED.label)]
    )
    reason = forms.ChoiceField(
        label=_("Why not?"),
        help_text=_("The author reads it, and it is counted in public."),
        choices=[("", _("Choose a reason")), *Reason.choices],
        required=False,
    )
    words = Words(
        most=1000,
        rows=2,
        required=False,
        label=_("A word to the author, if you like"),
        help_text=_("What would make it right? Only the author and moderators read this."),
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        self.ticked: dict[int, str] = {}
        if data is not None:
            given = (TICKED.fullmatch(value) for value in data.getlist("statement"))
            self.ticked = {int(found[1]): found[2] for found in given if found}

    def clean(self) -> dict[str, Any]:
        """Ask for a tick, and for the reason of a no."""
        given = super().clean() or {}
        if not self.ticked:
            self.add_error(None, _("Tick the statements that you mean."))
        elif len(self.ticked) > MOST_AT_ONCE:
            self.add_error(None, _("That is more than a page of statements. Tick fewer."))
        if given.get("verdict") == Verdict.REJECTED and not given.get("reason"):
            self.add_error("reason", _("Choose a reason: the author will ask."))
        return given


class FindForm(forms.Form):
    """Looking for words among the statements, and narrowing them to one conversation."""

    says_optional = False

    q = forms.CharField(label=_("Words to look for"), required=False, max_length=100)
    place = forms.ChoiceField(label=_("Conversation"), required=False)

    def __init__(self, data: Any, *, places: Sequence[Conversation] | None) -> None:
        super().__init__(data)
        field = self.fields["place"]
        assert isinstance(field, forms.ChoiceField)
        if places is None:
            del self.fields["place"]
        else:
            named = [(str(place.pk), place.question) for place in places]
            field.choices = [("", _("All")), *named]

    def choices(self) -> dict[str, str]:
        """Return what could be read; a broken choice narrows nothing."""
        self.is_valid()
        return {name: self.cleaned_data.get(name, "") for name in ("q", "place")}


class MergeForm(forms.Form):
    """Which other statement says the same."""

    into = forms.IntegerField(
        label=_("The number of the statement that stays"),
        help_text=_("People go on voting on that one. The votes on both are kept."),
        min_value=1,
        max_value=1_000_000,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "class": "govuk-input--width-10"}),
        error_messages={
            "invalid": _("Write the number of a statement, like 12"),
            "required": _("Write the number of a statement, like 12"),
        },
    )


class SuggestForm(forms.Form):
    """A cleaner text for the author to take or not."""

    text = Sentence(
        label=_("How it could be put"),
        help_text=_("One thought in one sentence. Nobody changes the words but the author."),
        nothing=_("Write the sentence."),
    )


class SettleForm(forms.Form):
    """Whether an author who objects is right."""

    is_right = forms.TypedChoiceField(
        label=_("What do you decide?"),
        choices=[
            ("yes", _("The author is right: it stands there")),
            ("no", _("The decision stays")),
        ],
        coerce=lambda value: value == "yes",
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what you decide.")},
    )
    answer = Words(
        most=1000,
        label=_("Why, in a sentence to the author"),
        nothing=_("Say why: the author waits for it."),
    )


class CaseForm(forms.Form):
    """What becomes of accounts that act as one."""

    state = forms.ChoiceField(
        label=_("What do you decide?"),
        choices=[
            (CaseState.LEFT_IN, _("Leave them in: they count like everybody")),
            (CaseState.SET_ASIDE, _("Set them aside: their votes are kept, but not in the map")),
        ],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what you decide.")},
    )
    reason = Words(
        most=500,
        label=_("Why?"),
        help_text=_("Everybody can read this. Name nobody."),
        nothing=_("Say why: everybody can read it."),
    )


class ReadingForm(forms.Form):
    """Within how many working days a person reads what is added."""

    days = forms.TypedChoiceField(
        label=_("Working days"),
        choices=[(number, str(number)) for number in range(1, MOST_DAYS + 1)],
        coerce=int,
    )


class TextForm(forms.Form):
    """Other words for one's own statement."""

    text = Sentence(label=_("Your words"), nothing=_("Write your sentence."))


class AppealForm(forms.Form):
    """What somebody objects to a decision about their statement."""

    words = Words(
        most=1000,
        label=_("What is wrong with the decision?"),
        help_text=_("You can object once. Somebody else reads it and decides."),
        nothing=_("Say what is wrong with it."),
    )
