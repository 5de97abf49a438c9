"""The doors of signing in: the account library's views, with our pages and our one way in."""

from __future__ import annotations

import logging
from http import HTTPStatus
from smtplib import SMTPException
from typing import Any

from allauth.account.internal.decorators import login_stage_required
from allauth.account.internal.flows.login import (
    AUTHENTICATION_METHODS_SESSION_KEY,
    record_authentication,
)
from allauth.account.stages import LoginByCodeStage
from allauth.account.views import ConfirmLoginCodeView, RequestLoginCodeView
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.views import ActivateTOTPView, DeactivateTOTPView
from allauth.mfa.webauthn.internal import auth
from allauth.mfa.webauthn.views import (
    AddWebAuthnView,
    ReauthenticateWebAuthnView,
    RemoveWebAuthnView,
)
from allauth.socialaccount.adapter import get_adapter
from allauth.socialaccount.providers.openid_connect import views as openid_connect
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.decorators import method_decorator
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from requests import RequestException

from commonweal.ground.people import queries
from commonweal.web.account_forms import CodeForm, EmailForm
from commonweal.web.accounts import Entry

log = logging.getLogger(__name__)


class SignIn(RequestLoginCodeView):  # type: ignore[misc]
    """One page to sign in or join: it never says whether an address is known."""

    form_class = EmailForm
    template_name = "account/sign_in.html"

    def get_form_class(self) -> type[EmailForm]:
        """Return our form: no account is looked up before the code was right."""
        return EmailForm

    def form_valid(self, form: EmailForm) -> HttpResponse:
        """Send a code; when the mail cannot go out, say so instead of waiting for it in vain."""
        try:
            Entry.begin(self.request, form.cleaned_data["email"])
        except (OSError, SMTPException):
            log.exception("no code could be sent")
            form.add_error(
                None, _("Our mail is not going out just now. Try again in a few minutes")
            )
            again: HttpResponse = self.form_invalid(form)
            return again
        return redirect(self.get_success_url())

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the single sign-ons there are."""
        providers = get_adapter().list_providers(self.request)
        return {**super().get_context_data(**kwargs), "providers": providers}


@method_decorator(
    login_stage_required(stage=LoginByCodeStage.key, redirect_urlname="account_login"),
    name="dispatch",
)
@method_decorator(sensitive_post_parameters("code"), name="dispatch")
class EnterCode(ConfirmLoginCodeView):  # type: ignore[misc]
    """Type or paste the code from the mail."""

    form_class = CodeForm
    template_name = "account/code.html"

    @method_decorator(never_cache)
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """Go on with the entry under way, or start again when its code is too old."""
        self.stage = request._login_stage  # type: ignore[attr-defined]
        self._process = Entry.resume(self.stage)
        if self._process is None:
            messages.error(request, _("That code is more than 15 minutes old. Ask for a new one."))
            return redirect("account_login")
        answer: HttpResponse = super(ConfirmLoginCodeView, self).dispatch(request, *args, **kwargs)
        return answer

    def _resend_form_valid(self, form: Any) -> HttpResponse:
        try:
            answer: HttpResponse = super()._resend_form_valid(form)
        except (OSError, SMTPException):
            log.exception("no code could be sent again")
            messages.error(self.request, _("Our mail is not going out just now. Try again later."))
            return redirect(self.passthrough_next_url(self.request.path))
        return answer


class AddApp(ActivateTOTPView):  # type: ignore[misc]
    """Set up an app that makes codes; showing a first one is a second step already."""

    template_name = "mfa/totp/activate_form.html"

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Add the square to scan as markup of the page: no image from anywhere."""
        found = super().get_context_data(**kwargs)
        drawing = found["totp_svg"].partition("?>")[2] or found["totp_svg"]
        secret = found["form"].secret
        groups = [secret[at : at + 4] for at in range(0, len(secret), 4)]
        square = mark_safe(drawing)  # noqa: S308 - drawn by the library from our own address
        return {**found, "square": square, "secret_groups": groups}

    def form_valid(self, form: Any) -> HttpResponse:
        """Set the app up and note that it was used."""
        answer: HttpResponse = super().form_valid(form)
        made = Authenticator.objects.get(user=self.request.user, type=Authenticator.Type.TOTP)
        _note_use(self.request, made)
        return answer


class AddPasskey(AddWebAuthnView):  # type: ignore[misc]
    """Set up a passkey; making one is a second step already."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Ask for a passkey that knows its owner: by finger, face or number."""
        found = super().get_context_data(**kwargs)
        options = auth.begin_registration(self.request.user, True)
        # The library's view leaves out the form that has a mistake; put it back.
        return {**found, **kwargs, "js_data": {"creation_options": options}}

    def form_valid(self, form: Any) -> HttpResponse:
        """Set the passkey up and note that it was used."""
        answer: HttpResponse = super().form_valid(form)
        made = Authenticator.objects.filter(
            user=self.request.user, type=Authenticator.Type.WEBAUTHN
        ).latest("pk")
        _note_use(self.request, made)
        return answer


class RemoveApp(DeactivateTOTPView):  # type: ignore[misc]
    """Stop using an app."""

    def form_valid(self, form: Any) -> HttpResponse:
        """Without any second step left, this session no longer counts as having taken one."""
        answer: HttpResponse = super().form_valid(form)
        _forget_use_without_any(self.request)
        return answer


class RemovePasskey(RemoveWebAuthnView):  # type: ignore[misc]
    """Stop using a passkey."""

    def form_valid(self, form: Any) -> HttpResponse:
        """Without any second step left, this session no longer counts as having taken one."""
        answer: HttpResponse = super().form_valid(form)
        _forget_use_without_any(self.request)
        return answer


class ConfirmPasskey(ReauthenticateWebAuthnView):  # type: ignore[misc]
    """Use a passkey in the middle of a visit."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Keep where the person was going."""
        return {**super().get_context_data(**kwargs), "other_ways": self._other_ways()}

    def form_invalid(self, form: Any) -> HttpResponse:
        """Say on the same page what went wrong, and let them try again."""
        messages.error(self.request, _("That passkey did not work here. Try again."))
        return redirect(self.request.get_full_path())

    def _other_ways(self) -> list[dict[str, Any]]:
        return list(self.get_reauthentication_alternatives())


def single_sign_on(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Go to a provider to sign in; tying one to an open account is not offered."""
    if request.GET.get("process", "login") != "login" or request.POST.get("process"):
        raise Http404
    try:
        answer: HttpResponse = openid_connect.login(request, provider_id)
    except (RequestException, KeyError) as trouble:
        log.warning("the single sign-on %s does not answer: %r", provider_id, trouble)
        page = "socialaccount/authentication_error.html"
        return render(request, page, status=HTTPStatus.BAD_GATEWAY)
    return answer


def _note_use(request: HttpRequest, made: Authenticator) -> None:
    record_authentication(
        request, made.user, method="mfa", id=made.pk, type=made.type, reauthenticated=True
    )


def _forget_use_without_any(request: HttpRequest) -> None:
    person = request.user
    if not person.is_authenticated or queries.has_second_factor(person):
        return
    records = request.session.get(AUTHENTICATION_METHODS_SESSION_KEY, [])
    request.session[AUTHENTICATION_METHODS_SESSION_KEY] = [
        record for record in records if record.get("method") != "mfa"
    ]
