"""The forms of signing in."""

from __future__ import annotations

import struct
from typing import Any

from allauth.account.forms import ConfirmLoginCodeForm
from allauth.core import context, ratelimit
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.totp.forms import ActivateTOTPForm
from allauth.mfa.webauthn.forms import (
    AddWebAuthnForm,
    AuthenticateWebAuthnForm,
    EditWebAuthnForm,
    LoginWebAuthnForm,
    ReauthenticateWebAuthnForm,
)
from cryptography.exceptions import InvalidSignature
from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy


def _code_field(label: Any, hint: Any, keyboard: str) -> forms.CharField:
    look = {
        "autocomplete": "one-time-code",
        "autocapitalize": "characters" if keyboard == "text" else "none",
        "spellcheck": "false",
        "inputmode": keyboard,
        "class": "govuk-input--width-10",
    }
    return forms.CharField(
        label=label, help_text=hint, max_length=40, widget=forms.TextInput(attrs=look)
    )


class EmailForm(forms.Form):
    """Where to send a code."""

    email = forms.EmailField(
        label=gettext_lazy("Your email address"),
        help_text=gettext_lazy("We send a code to it. There is no password to remember."),
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "email", "spellcheck": "false"}),
        error_messages={
            "required": gettext_lazy("Write your email address"),
            "invalid": gettext_lazy("Write your email address, like name@example.org"),
        },
    )

    def clean_email(self) -> str:
        """Limit how many codes go to one address, and how many one visitor asks for."""
        email: str = self.cleaned_data["email"].lower()
        if not ratelimit.consume(context.request, action="request_login_code", key=email):
            raise forms.ValidationError(
                _("We sent several codes already. Wait a few minutes, then ask once more")
            )
        return email


class CodeForm(ConfirmLoginCodeForm):  # type: ignore[misc]
    """The code from the mail."""

    code = _code_field(
        gettext_lazy("The code from our mail"),
        gettext_lazy("Eight letters, like BCDF-GHJK. You may paste it."),
        "text",
    )


class SecondStepForm(AuthenticateForm):  # type: ignore[misc]
    """The code that an app shows, or a spare code."""

    code = _code_field(
        gettext_lazy("The code your app shows"),
        gettext_lazy("Six figures. Lost your phone? Use one of your spare codes."),
        "numeric",
    )


class ConfirmForm(ReauthenticateForm):  # type: ignore[misc]
    """The same, in the middle of a visit."""

    code = _code_field(
        gettext_lazy("The code your app shows"),
        gettext_lazy("Six figures. Lost your phone? Use one of your spare codes."),
        "numeric",
    )


class AppForm(ActivateTOTPForm):  # type: ignore[misc]
    """A first code, to show that the app is set up."""

    code = _code_field(
        gettext_lazy("The code your app shows now"), gettext_lazy("Six figures."), "numeric"
    )


def _key_name() -> forms.CharField:
    return forms.CharField(
        label=gettext_lazy("A name for this passkey"),
        help_text=gettext_lazy("So that you know it again, like “My phone”."),
        max_length=60,
        error_messages={"required": gettext_lazy("Give the passkey a name")},
    )


# What the libraries below stumble over when a browser's answer lacks a part or is not one.
BROKEN = (
    AttributeError,
    IndexError,
    InvalidSignature,
    KeyError,
    TypeError,
    ValueError,
    struct.error,
)


def _did_not_work() -> forms.ValidationError:
    return forms.ValidationError(_("That passkey did not work here. Try again"))


class PasskeyForm(AddWebAuthnForm):  # type: ignore[misc]
    """A new passkey: always one that can open the account by itself."""

    name = _key_name()
    passwordless = None

    def clean(self) -> dict[str, Any]:
        """Refuse a broken answer kindly."""
        try:
            cleaned: dict[str, Any] = super().clean()
        except BROKEN as trouble:
            raise _did_not_work() from trouble
        return cleaned


class _PasskeyAnswer(AuthenticateWebAuthnForm):  # type: ignore[misc]
    """A passkey's answer to our question."""

    def clean_credential(self) -> Any:
        """Refuse a broken answer kindly."""
        try:
            return super().clean_credential()
        except BROKEN as trouble:
            raise _did_not_work() from trouble


class PasskeyStepForm(_PasskeyAnswer):
    """A passkey as the second step of signing in."""


class PasskeySignInForm(_PasskeyAnswer, LoginWebAuthnForm):  # type: ignore[misc]
    """A passkey that opens an account by itself."""


class PasskeyConfirmForm(_PasskeyAnswer, ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """A passkey in the middle of a visit."""


class PasskeyNameForm(EditWebAuthnForm):  # type: ignore[misc]
    """Another name for a passkey."""

    name = _key_name()
