"""What people say in a conversation, and plain words for mistakes."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django import forms
from django.core import signing
from django.utils.translation import gettext_lazy as _

from commonweal.ground.places.models import StandingKind
from commonweal.ground.places.rules import Voice
from commonweal.listen.conversations.models import MOST_LETTERS, Detail, Reason
from commonweal.listen.voices.models import CERTAIN, Value
from commonweal.listen.voices.queries import Drawn

SIGNER = signing.Signer(salt="voices.lot")
VALUES = {"agree": Value.AGREE, "disagree": Value.DISAGREE, "pass": Value.PASS}
REPORTED = (
    Reason.UNKIND, Reason.PRIVATE, Reason.UNLAWFUL, Reason.ADVERT, Reason.OFF_SUBJECT,
    Reason.UNCLEAR,
)  # fmt: skip
# Joiners and marks of direction belong to words of some languages, and to emoji; so do the signs of flags.
KEPT = {"\u200c", "\u200d", "\u200e", "\u200f", *map(chr, range(0xE0020, 0xE0080))}
PILED = re.compile(r"([\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u20d0-\u20ff]{3})[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u20d0-\u20ff]+")  # fmt: skip


def tidy(text: str) -> str:
    """Return words on one line, without what nobody sees; empty if nobody would see anything.

    >>> tidy(" More\\n buses\\u200b "), tidy("\\u200b\\u200d")
    ('More buses', '')
    """
    kept = []
    for sign in unicodedata.normalize("NFC", text):
        category = unicodedata.category(sign)
        if category in ("Zs", "Zl", "Zp", "Cc"):
            kept.append(" ")
        elif category in ("Cf", "Cs", "Co", "Cn") and sign not in KEPT:
            continue
        else:
            kept.append(sign)
    line = PILED.sub(r"\1", " ".join("".join(kept).split()))
    return line if any(unicodedata.category(sign)[0] in "LNS" for sign in line) else ""


class VoteForm(forms.Form):
    """A press of one of the three buttons beside a statement."""

    statement = forms.IntegerField(min_value=1, max_value=2_000_000_000)
    vote = forms.ChoiceField(choices=[(word, word) for word in VALUES])
    lot = forms.CharField(required=False, max_length=200)
    next = forms.CharField(required=False, max_length=500)

    def clean_vote(self) -> Value:
        """Return the answer as it is kept."""
        return VALUES[self.cleaned_data["vote"]]


def signed(conversation_id: int, drawn: Drawn) -> str:
    """Write down by what lot a statement came, so that nobody can make up another."""
    return SIGNER.sign(":".join(map(str, (conversation_id, *drawn))))


def lot_in(conversation_id: int, written: str) -> Drawn | None:
    """Read by what lot a statement came; nothing if we did not write it, or for another place."""
    try:
        place, *said = map(int, SIGNER.unsign(written).split(":"))
    except (signing.BadSignature, ValueError):
        return None
    drawn = Drawn(*said)
    return drawn if place == conversation_id and 1 <= drawn.chance_millionths <= CERTAIN else None


class StatementForm(forms.Form):
    """A statement in somebody's own words."""

    text = forms.CharField(
        label=_("Your statement"),
        help_text=_("One idea in one short sentence, so that others can agree or disagree."),
        widget=forms.Textarea(attrs={"rows": 3, "class": "govuk-js-character-count"}),
        error_messages={"required": _("Write your statement.")},
    )
    standing = forms.ChoiceField(
        label=_("As what do you say this?"),
        help_text=_("It stands beside your statement. Your name never does."),
        required=False,
    )

    def __init__(self, *given: Any, voices: Sequence[Voice] = (), **named: Any) -> None:
        super().__init__(*given, **named)
        kinds = list(dict.fromkeys(voice.kind for voice in voices))
        if kinds:
            nothing = ("", _("I would rather not say"))
            asked: Any = self.fields["standing"]
            asked.choices = [*((kind.value, kind.label) for kind in kinds), nothing]
            asked.initial = kinds[0].value
        else:
            del self.fields["standing"]

    def clean_text(self) -> str:
        """Tidy the words; nobody can write more than the page says."""
        text = tidy(self.cleaned_data["text"])
        if not text:
            raise forms.ValidationError(_("Write your statement."))
        if len(text) > MOST_LETTERS:
            words = _("This is %(n)s letters long. Keep it to %(most)s.")
            raise forms.ValidationError(words, params={"n": len(text), "most": MOST_LETTERS})
        return text

    def clean_standing(self) -> StandingKind | None:
        """Return as what they speak, if they say so."""
        said = self.cleaned_data["standing"]
        return StandingKind(said) if said else None


class ReportForm(forms.Form):
    """Why somebody thinks that a statement breaks the rules."""

    reason = forms.ChoiceField(
        label=_("What is wrong with it?"),
        choices=[(reason.value, reason.label) for reason in REPORTED],
        widget=forms.RadioSelect,
        error_messages={"required": _("Choose what is wrong with it.")},
    )
    words = forms.CharField(
        label=_("Anything a moderator should know"),
        widget=forms.Textarea(attrs={"rows": 3, "class": "govuk-js-character-count"}),
        required=False,
    )

    def clean_words(self) -> str:
        """Keep to what there is room for."""
        text = tidy(self.cleaned_data["words"])
        if len(text) > 500:
            words = _("This is %(n)s letters long. Keep it to %(most)s.")
            raise forms.ValidationError(words, params={"n": len(text), "most": 500})
        return text


class DetailsForm(forms.Form):
    """What somebody may say of themselves, each thing only if they like."""

    says_optional = False  # the page says it of all

    def __init__(
        self, *given: Any, details: Iterable[Detail], said: Mapping[int, int], **named: Any
    ) -> None:
        super().__init__(*given, **named)
        self.names: dict[int, str] = {}
        for detail in details:
            name = self.names[detail.pk] = f"detail-{detail.pk}"
            choices = [(str(choice.pk), choice.label) for choice in detail.choices.all()]
            self.fields[name] = forms.ChoiceField(
                label=detail.label,
                choices=[*choices, ("", _("I would rather not say"))],
                widget=forms.RadioSelect,
                required=False,
                initial=str(said.get(detail.pk, "")),
            )

    @property
    def said(self) -> dict[int, int | None]:
        """Return a choice, or nothing, for every detail that was asked."""
        given = {pk: self.cleaned_data.get(name) or None for pk, name in self.names.items()}
        return {pk: int(choice) if choice else None for pk, choice in given.items()}
