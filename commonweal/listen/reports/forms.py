"""The words of a report."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from commonweal.ground.challenges.forms import Words

MOST = 5000
WRONG = _("Write in a few sentences what people said. Then the report can be public.")


class WordsForm(forms.Form):
    """What staff say before the figures, and what they advise."""

    summary = Words(
        label=_("What people said, in your words"),
        help_text=_("A few plain sentences for councillors and for those who took part."),
        max_length=MOST,
        required=False,
        widget=forms.Textarea(attrs={"rows": 8}),
    )
    advice = Words(
        label=_("What you advise"),
        help_text=_(
            "What should be decided now, by whom and by when. Leave it empty if it is not your part."
        ),
        max_length=MOST,
        required=False,
        widget=forms.Textarea(attrs={"rows": 6}),
    )

    def __init__(self, *given: Any, is_public: bool = False, **named: Any) -> None:
        super().__init__(*given, **named)
        self.is_public = is_public

    def clean_summary(self) -> str:
        """Ask for words where the report is to be public."""
        words: str = self.cleaned_data["summary"]
        if self.is_public and not words.strip():
            raise forms.ValidationError(WRONG)
        return words
