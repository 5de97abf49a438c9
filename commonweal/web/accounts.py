"""How the account library fits into this site: its choices, ours where they differ."""

from __future__ import annotations

import base64
import hashlib
import logging
import time
from datetime import timedelta
from smtplib import SMTPException
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.internal.flows.login import perform_login, record_authentication
from allauth.account.internal.flows.login_by_code import LoginCodeVerificationProcess
from allauth.account.models import Login
from allauth.account.stages import LoginByCodeStage, LoginStageController
from allauth.core import context, ratelimit
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialLogin
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from commonweal.ground.people import actions, queries
from commonweal.ground.people.models import Person

log = logging.getLogger(__name__)
JUST_JOINED = timedelta(hours=1)

# What the library wants to tell on a page, in our words; what is not here goes without saying.
SAID = {
    "account/messages/logged_in.txt": gettext_lazy("You are signed in."),
    "account/messages/logged_out.txt": gettext_lazy("You are signed out."),
    "mfa/messages/totp_activated.txt": gettext_lazy("Your app is set up."),
    "mfa/messages/totp_deactivated.txt": gettext_lazy("Your app is no longer asked for."),
    "mfa/messages/webauthn_added.txt": gettext_lazy("Your passkey is set up."),
    "mfa/messages/webauthn_removed.txt": gettext_lazy("That passkey no longer opens your account."),
}
# What we write to the owner of an account when a way into it changes.
WRITTEN = {
    "mfa/email/totp_activated": gettext_lazy("An app that makes codes was added to your account."),
    "mfa/email/totp_deactivated": gettext_lazy(
        "The app that makes codes was removed from your account."
    ),
    "mfa/email/webauthn_added": gettext_lazy("A passkey was added to your account."),
    "mfa/email/webauthn_removed": gettext_lazy("A passkey was removed from your account."),
    "mfa/email/recovery_codes_generated": gettext_lazy(
        "New spare codes were made for your account. The old ones no longer work."
    ),
    "socialaccount/email/account_connected": gettext_lazy(
        "A single sign-on was used for the first time to open your account."
    ),
}


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts open with a code by email; there is no password."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "incorrect_code": gettext_lazy("That is not the code in our newest mail. Look again"),
        "too_many_login_attempts": gettext_lazy(
            "That was too many tries. Wait five minutes, then ask for a new code"
        ),
        "rate_limited": gettext_lazy("That was too many tries. Wait a minute, then try once more"),
    }

    def is_safe_url(self, url: str) -> bool:
        """Come back only to the very site that was left, not to another authority's."""
        request = context.request
        return url_has_allowed_host_and_scheme(
            url, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        )

    def get_client_ip(self, request: HttpRequest) -> str:
        """Return the address a request came from; behind a socket there may be none."""
        has_one = request.META.get("REMOTE_ADDR") or request.headers.get("x-forwarded-for")
        return str(super().get_client_ip(request)) if has_one else "127.0.0.1"

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        message_context: dict[str, Any] | None = None,
        extra_tags: str = "",
        message: str | None = None,
    ) -> None:
        """Say it in our words, or not at all."""
        words = message or SAID.get(message_template or "")
        if words:
            messages.add_message(request, level, str(words), extra_tags=extra_tags)

    def post_login(self, request: HttpRequest, user: Person, **given: Any) -> HttpResponse:
        """Ask someone new what to call them, then go where they were going."""
        answer: HttpResponse = super().post_login(request, user, **given)
        is_new = user.joined_at > request.viewer.at - JUST_JOINED  # type: ignore[attr-defined]
        if user.name or not is_new:
            return answer
        return redirect(f"{reverse('people:welcome')}?{urlencode({'next': answer['Location']})}")

    def send_notification_mail(
        self,
        template_prefix: str,
        user: Person,
        context: dict[str, Any] | None = None,
        email: str | None = None,
    ) -> None:
        """Write to the owner that a way into their account changed; the change stands either way."""
        if template_prefix not in WRITTEN or not user.email:
            return
        try:
            self.send_mail("account/email/notice", user.email, {"what": WRITTEN[template_prefix]})
        except (OSError, SMTPException):
            log.exception("no mail went out about %s", template_prefix)


class Entry(LoginCodeVerificationProcess):  # type: ignore[misc]
    """Signing in and joining are one: the same mail, words and time whether or not we know the address.

    Whose account it is, or whether to make one, is looked up only after the code was right.
    """

    @classmethod
    def begin(cls, request: HttpRequest, email: str) -> Entry:
        """Send a code to an address and remember in the session that we did."""
        login = Login(user=None, email=email)
        login.state["stages"] = {"current": LoginByCodeStage.key}
        stage = LoginByCodeStage(LoginStageController(request, login), request, login)
        stage.state.update(cls.initial_state(user=None, email=email), initiated_by_user=True)
        entry = cls(stage=stage)
        entry.send()
        entry.persist()
        return entry

    @classmethod
    def resume(cls, stage: LoginByCodeStage) -> Entry | None:
        """Return the entry under way, unless its code is too old or was guessed at too often."""
        entry: Entry | None = cls(stage=stage).abort_if_invalid()
        return entry

    def send(self, skip_enumeration_mails: bool = False) -> None:
        """Send a fresh code, good for as long as any."""
        email = self.state["email"]
        told = {"request": self.request, "code": self.generate_code()}
        AccountAdapter(self.request).send_mail("account/email/login_code", email, told)
        self.state["at"] = time.time()

    def resend(self) -> None:
        """Send another code; the tries already spent stay spent."""
        ratelimit.consume(
            self.request, action="request_login_code", key=self.state["email"], raise_exception=True
        )
        self.send()
        self.record_resend()
        self.persist()

    def finish(self, redirect_url: str | None) -> HttpResponse:
        """Open the account that belongs to the address, after its second step if it has one."""
        email = self.state["email"]
        person = actions.arrive(email=email, at=self.request.viewer.at)
        record_authentication(self.request, person, method="code", email=email)
        login = Login(user=person, redirect_url=redirect_url, email=email)
        answer: HttpResponse = perform_login(self.request, login)
        return answer


class SocialAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Single sign-on opens the account of an address that the provider has checked, and no other."""

    def pre_social_login(self, request: HttpRequest, sociallogin: SocialLogin) -> None:
        """Tie a first sign-in to the person with that address, who may be new."""
        if sociallogin.is_existing:
            return
        # Anything but a plain "true" is not a promise: some send the word "false".
        checked = [found.email for found in sociallogin.email_addresses if found.verified is True]
        if not checked:
            messages.error(
                request,
                _(
                    "%(provider)s did not tell us an email address that it has checked."
                    " Sign in with a code by email instead."
                )
                % {"provider": sociallogin.account.get_provider().name},
            )
            raise ImmediateHttpResponse(redirect("account_login"))
        person = actions.arrive(email=checked[0], at=request.viewer.at)  # type: ignore[attr-defined]
        sociallogin.connect(request, person)


class MFAAdapter(DefaultMFAAdapter):  # type: ignore[misc]
    """Second steps: secrets are sealed, so that a copy of the database alone opens nothing."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": gettext_lazy("That code does not fit. Take the one your app shows now"),
    }

    def encrypt(self, text: str) -> str:
        """Seal a secret with the site's key."""
        return _seal().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Open a sealed secret, also one that was sealed with an earlier key of the site."""
        return _seal().decrypt(encrypted_text.encode()).decode()

    def generate_authenticator_name(self, user: Person, type: str) -> str:
        """Suggest the name that the list of devices has for this one."""
        agent = context.request.headers.get("User-Agent", "")
        return queries.browser_name(agent)[:60] or _("My passkey")

    def _get_site_name(self) -> str:
        return f"Commonweal {context.request.viewer.authority.short_name}"


def _seal() -> MultiFernet:
    keys = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    digests = [hashlib.sha256(f"second step:{key!s}".encode()).digest() for key in keys]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])
