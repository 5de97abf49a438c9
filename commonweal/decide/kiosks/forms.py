"""The shape of what staff and voters type at a kiosk, and plain words for mistakes."""

from __future__ import annotations

from django import forms
from django.utils.translation import gettext_lazy

from commonweal.decide.paper.forms import NARROW, WIDE


class DeviceForm(forms.Form):
    """Where a kiosk stands, and for how long."""

    place = forms.CharField(
        label=gettext_lazy("Where will it stand?"),
        help_text=gettext_lazy("Like: Quayside library, beside the door"),
        max_length=120,
    )
    days = forms.IntegerField(
        label=gettext_lazy("For how many days?"),
        help_text=gettext_lazy("It never works longer than voting is open."),
        min_value=1,
        max_value=60,
        initial=1,
        widget=forms.TextInput(attrs=NARROW),
    )


class SecretForm(forms.Form):
    """The secret of a kiosk, typed once by staff on the machine itself."""

    secret = forms.CharField(
        label=gettext_lazy("The secret of this kiosk"),
        help_text=gettext_lazy("It was shown once, when staff approved this machine."),
        max_length=100,
        widget=forms.TextInput(attrs=WIDE),
    )


class BeginForm(forms.Form):
    """The code with which somebody begins at a kiosk."""

    code = forms.CharField(
        label=gettext_lazy("Your voting code"),
        help_text=gettext_lazy("From your letter, or the one that the desk has just given you."),
        max_length=60,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters"}),
    )
