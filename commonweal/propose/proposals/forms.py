"""What people write about an idea, and plain words for mistakes."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from commonweal.ground.places.models import StandingKind
from commonweal.kit.money import pounds, to_pence
from commonweal.propose.proposals.models import HiddenReason, Part, Proposal
from commonweal.propose.proposals.rules import Voice

MOST_POUNDS = 1_000_000_000
TOO_LONG = _("This is %(show_value)s letters long. Keep it to %(limit_value)s.")


class Words(forms.CharField):
    """A long answer in people's own words, with the room that is left counted below."""

    def __init__(self, *, most: int, rows: int = 5, nothing: Any = "", **given: Any) -> None:
        self.most = most
        attrs = {"rows": rows, "class": "govuk-js-character-count"}
        super().__init__(
            max_length=most,
            widget=forms.Textarea(attrs=attrs),
            error_messages={"max_length": TOO_LONG, "required": nothing or _("Write a few words.")},
            **given,
        )

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        """Leave out ``maxlength``: words that are cut off while pasting are lost without a word."""
        attrs = super().widget_attrs(widget)
        attrs.pop("maxlength", None)
        return attrs

    def to_python(self, value: Any) -> str:
        """Count a line's end as one letter, as the page does."""
        return str(super().to_python(value) or "").replace("\r\n", "\n")


class Line(forms.CharField):
    """A short answer on one line."""

    def __init__(self, *, most: int, nothing: Any, **given: Any) -> None:
        super().__init__(
            max_length=most,
            error_messages={"max_length": TOO_LONG, "required": nothing},
            **given,
        )


class Pounds(forms.CharField):
    """An amount as people write it: 1200, £1,200 or 1200.00."""

    def __init__(self, **given: Any) -> None:
        widget = forms.TextInput(attrs={"inputmode": "decimal", "class": "govuk-input--width-10"})
        super().__init__(widget=widget, **given)

    def prepare_value(self, value: Any) -> Any:
        """Show stored pence as pounds."""
        return pounds(value) if isinstance(value, int) else value

    def clean(self, value: Any) -> int | None:
        """Return whole pence; nothing where nothing is written."""
        text = super().clean(value)
        if not text:
            return None
        try:
            pence = to_pence(text)
        except ValueError:
            raise forms.ValidationError(_("Write the cost in pounds, like 1200")) from None
        if pence > MOST_POUNDS * 100:
            raise forms.ValidationError(_("That is more than any budget here. Check the noughts."))
        return pence


class PartForm(forms.Form):
    """One step of an idea. ``version`` marks the words the person saw when the page was opened."""

    version = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64)

    def __init__(
        self, data: Any = None, *, proposal: Proposal, part: Part, hurry: bool = False
    ) -> None:
        initial = {name: getattr(proposal, name) for name in part.fields}
        super().__init__(data, initial={**initial, "version": proposal.version(part)})
        self.part = part
        if hurry:  # saved while somebody is still writing: what is missing is not a mistake yet
            for field in self.fields.values():
                field.required = False

    @property
    def words(self) -> dict[str, Any]:
        """Return what was written in this part."""
        return {name: self.cleaned_data[name] for name in self.part.fields}


class BetterForm(PartForm):
    """Step 1."""

    better = Words(
        most=2000,
        label=_("What will be better?"),
        help_text=_("Say it as the person would: “I walk in and it feels like my house.”"),
        nothing=_("Say what will be better. One sentence is enough."),
    )


class WhomForm(PartForm):
    """Step 2."""

    for_whom = Line(
        most=300,
        label=_("For whom?"),
        help_text=_("Be as exact as you can: people who go home alone after a hospital stay."),
        nothing=_("Say for whom it will be better."),
    )


class MeasureForm(PartForm):
    """Step 3."""

    measure = Line(
        most=300,
        label=_("How will we know?"),
        help_text=_("Something that can be counted or asked, before and after."),
        nothing=_("Say how we will know that it is better."),
    )


class RisksForm(PartForm):
    """Step 4."""

    risks = Words(
        most=2000,
        required=False,
        label=_("What could go wrong, and who might be worse off?"),
        help_text=_("An honest answer makes an idea stronger."),
    )


class WorksForm(PartForm):
    """Step 5."""

    change = Words(
        most=5000,
        rows=9,
        label=_("What would change?"),
        help_text=_("Tell it step by step: who does what, when and where."),
        nothing=_("Say what would change."),
    )
    takes_part = Line(
        most=500,
        label=_("Who takes part?"),
        help_text=_("For example: neighbours, ward nurses, the handyperson team."),
        nothing=_("Say who takes part."),
    )
    title = Line(
        most=120,
        label=_("A short name for your idea"),
        help_text=_("People see it in lists and on the ballot."),
        nothing=_("Give your idea a short name."),
    )


class CostForm(PartForm):
    """Step 6."""

    cost_pence = Pounds(
        required=False,
        label=_("What may it cost for a year, in pounds?"),
        help_text=_("A rough guess helps. Staff work it out with you before any ballot."),
    )
    cost_note = Words(
        most=1000, rows=4, required=False, label=_("What is the money for, and how did you guess?")
    )


PART_FORMS: dict[str, type[PartForm]] = {
    Part.BETTER: BetterForm,
    Part.WHOM: WhomForm,
    Part.MEASURE: MeasureForm,
    Part.RISKS: RisksForm,
    Part.WORKS: WorksForm,
    Part.COST: CostForm,
}


class SpokenForm(forms.Form):
    """A form in which somebody says as what they speak; asked only where there is a choice."""

    standing = forms.ChoiceField(
        label=_("You speak as"),
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose as what you speak.")},
    )

    def __init__(self, data: Any = None, *, voices: list[Voice], **given: Any) -> None:
        super().__init__(data, **given)
        self.voices = {voice.key: voice for voice in voices}
        field = self.fields["standing"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(voice.key, voice.words) for voice in voices]
        if len(voices) == 1:
            field.widget, field.required = forms.HiddenInput(), False
            self.initial["standing"] = voices[0].key
        elif not voices:
            del self.fields["standing"]

    @property
    def voice(self) -> Voice:
        """Return as what the person speaks."""
        return self.voices[self.cleaned_data["standing"] or next(iter(self.voices))]


class StartForm(SpokenForm):
    """The first words of an idea, and as what somebody puts it forward."""

    better = BetterForm.base_fields["better"]
    field_order = ("better", "standing")


class SignForm(SpokenForm):
    """Putting one's name to an idea."""


class CommentForm(SpokenForm):
    """Something to say about an idea."""

    body = Words(most=2000, rows=4, label=_("What do you want to say?"))
    field_order = ("body", "standing")

    def __init__(self, data: Any = None, **given: Any) -> None:
        super().__init__(data, prefix="comment", **given)


class HideForm(forms.Form):
    """Why a moderator hides something."""

    reason = forms.ChoiceField(
        label=_("Why is it hidden?"),
        help_text=_("The person who wrote it sees this reason. It is kept in the journal."),
        choices=HiddenReason.choices,
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose a reason: the person will ask.")},
    )


class JoinForm(forms.Form):
    """Which other idea is meant, which of the two stays, and why."""

    THIS, OTHER = "this", "other"
    says_optional = False

    idea = forms.ChoiceField(
        label=_("Which idea wants the same?"),
        widget=forms.RadioSelect,
        required=False,
    )
    number = forms.CharField(
        label=_("Or another idea of this challenge, by its number or address"),
        help_text=_("The number stands in the address of its page, like 12 in /ideas/12/."),
        required=False,
        max_length=200,
        widget=forms.TextInput(attrs={"class": "govuk-input--width-10"}),
    )
    keep = forms.ChoiceField(
        label=_("Whose words stay?"),
        help_text=_("The other joins it: all are named as authors, and the signatures come along."),
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose which of the two stays.")},
    )
    why = Words(
        most=1000,
        rows=4,
        label=_("Why do these two belong together?"),
        nothing=_("Say in a sentence why they belong together. Their authors read it."),
    )

    def __init__(self, data: Any = None, *, idea: Proposal, similar: list[Proposal]) -> None:
        super().__init__(data)
        self.this = idea
        choice, keep = self.fields["idea"], self.fields["keep"]
        assert isinstance(choice, forms.ChoiceField) and isinstance(keep, forms.ChoiceField)
        choice.choices = [(str(other.pk), other.title) for other in similar]
        if not similar:
            del self.fields["idea"]
        keep.choices = [
            (self.THIS, gettext("The words of “%(title)s”") % {"title": idea.title}),
            (self.OTHER, gettext("The words of the other idea")),
        ]

    def clean(self) -> dict[str, Any]:
        """Find the number of the other idea, however it was given."""
        given = super().clean() or {}
        typed = str(given.get("number") or "").strip()
        found = re.fullmatch(r"(?:\S*/ideas/)?(\d{1,18})/?\S*", typed) if typed else None
        if typed and not found:
            self.add_error("number", _("Write the number of an idea, like 12."))
        elif not typed and not given.get("idea"):
            where = "idea" if "idea" in self.fields else "number"
            self.add_error(where, _("Choose an idea, or write the number of one."))
        else:
            given["other"] = int(found[1]) if found else int(given["idea"])
        return given

    @property
    def sides(self) -> dict[str, int]:
        """Return which idea leads and which joins it."""
        this, other = self.this.pk, self.cleaned_data["other"]
        leads = self.cleaned_data["keep"] == self.THIS
        return {"lead_id": this if leads else other, "joining_id": other if leads else this}


class FindForm(forms.Form):
    """Searching and narrowing the list of ideas."""

    says_optional = False

    q = forms.CharField(label=_("Words to look for"), required=False, max_length=200)
    challenge = forms.ChoiceField(label=_("Challenge"), required=False)
    community = forms.ChoiceField(label=_("Community"), required=False)
    status = forms.ChoiceField(label=_("Where it stands"), required=False)
    standing = forms.ChoiceField(label=_("Put forward by"), required=False)
    order = forms.ChoiceField(label=_("Order"), required=False)

    def __init__(
        self, data: Any, *, challenges: list[tuple[str, str]], communities: list[tuple[str, str]]
    ) -> None:
        super().__init__(data)
        everything = ("", gettext("All"))
        public = [(status.value, status.label) for status in Proposal.PUBLIC]
        self._choose("challenge", [everything, *challenges])
        self._choose("community", [everything, *communities])
        self._choose("status", [everything, *public])
        self._choose("standing", [everything, *StandingKind.choices])
        self._choose(
            "order",
            [
                ("", gettext("Newest, or nearest to your words")),
                ("newest", gettext("Newest first")),
                ("signed", gettext("Most signatures first")),
                ("comments", gettext("Most comments first")),
                ("near", gettext("Nearest to your words first")),
            ],
        )

    def _choose(self, name: str, choices: list[tuple[Any, Any]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    @property
    def narrowed(self) -> bool:
        """Tell whether the list shows less than everything."""
        return any(value for name, value in self.cleaned_data.items() if name != "order")
