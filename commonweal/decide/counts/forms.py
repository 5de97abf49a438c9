"""The shape of a receipt as people type it, and plain words for mistakes."""

from __future__ import annotations

from base64 import b32decode

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from commonweal.engine.voting.bundle_receipts import readings


class ReceiptForm(forms.Form):
    """One receipt. Capitals, dashes and letters that look like others do not matter."""

    receipt = forms.CharField(
        max_length=80,
        strip=True,
        label=_("Your receipt"),
        help_text=_("16 letters and digits, like ABCD-EFGH-2345-6723. Dashes may be left out."),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "autocapitalize": "characters"}
        ),
    )

    def clean_receipt(self) -> list[bytes]:
        """Return what receipts may be meant, the likeliest first."""
        meant = readings(self.cleaned_data["receipt"])
        if not meant:
            raise ValidationError(
                gettext("A receipt has 16 letters and digits. Count them, then try once more.")
            )
        return [b32decode(code.replace("-", "")) for code in meant]
