"""With whose votes rules are compared."""

from __future__ import annotations

from django import forms

from commonweal.decide.rehearsals.queries import MADE_UP


class VotesForm(forms.Form):
    """The number of an earlier pot, or the word for made-up votes."""

    votes = forms.CharField(max_length=20)

    def clean_votes(self) -> int | None:
        """Return the number of the pot, or nothing for made-up votes."""
        said: str = self.cleaned_data["votes"]
        if said == MADE_UP:
            return None
        if not (said.isascii() and said.isdigit() and len(said) < 19):
            raise forms.ValidationError("")
        return int(said)
