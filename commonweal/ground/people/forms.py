"""The shape of what people say about themselves."""

from __future__ import annotations

import unicodedata
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from commonweal.ground.people.models import Person, Theme


class NameField(forms.CharField):
    """A name that others see: one line, and nothing that cannot be seen."""

    def __init__(self, **given: Any) -> None:
        super().__init__(
            max_length=60,
            required=False,
            label=gettext_lazy("Name that others see"),
            help_text=gettext_lazy(
                "It stands by your ideas and comments. It need not be your full name."
            ),
            widget=forms.TextInput(attrs={"autocomplete": "nickname"}),
            **given,
        )

    def clean(self, value: Any) -> str:
        """Refuse signs that hide or turn round the text beside them; join many spaces to one."""
        name: str = " ".join(str(super().clean(value)).split())
        if any(unicodedata.category(sign) in {"Cc", "Cf", "Co", "Cs"} for sign in name):
            raise forms.ValidationError(_("Write your name with letters that can be seen"))
        return name


class NameForm(forms.Form):
    """What to call someone new."""

    name = NameField()


class ProfileForm(forms.Form):
    """The name that others see, and the colours one reads best."""

    name = NameField()
    theme = forms.ChoiceField(
        label=gettext_lazy("Colours"),
        choices=Theme.choices,
        required=False,
        widget=forms.RadioSelect,
    )


class EraseForm(forms.Form):
    """Type your own address, so that nobody leaves by a slip of the finger."""

    email = forms.CharField(
        max_length=254,
        label=gettext_lazy("To erase everything, type your email address"),
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def __init__(self, *given: Any, person: Person, **named: Any) -> None:
        super().__init__(*given, **named)
        self.person = person

    def clean_email(self) -> str:
        """Accept only the address of the account that is open."""
        email: str = self.cleaned_data["email"].strip().lower()
        if email != self.person.email:
            raise forms.ValidationError(
                _("Type the address you sign in with: %(email)s") % {"email": self.person.email}
            )
        return email
