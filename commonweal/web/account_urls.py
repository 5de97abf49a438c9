"""Addresses of signing in. Only what we use: no password, no list of addresses, no sign-up form."""

from allauth.account import views as account
from allauth.mfa.base import views as mfa
from allauth.mfa.recovery_codes import views as spare
from allauth.mfa.webauthn import views as passkeys
from allauth.socialaccount import views as social
from allauth.socialaccount.providers.openid_connect import views as openid_connect
from django.urls import path

from commonweal.web import account_views as ours

urlpatterns = [
    path("sign-in/", ours.SignIn.as_view(), name="account_login"),
    # The library asks for the same page by this name too.
    path("sign-in/", ours.SignIn.as_view(), name="account_request_login_code"),
    path("sign-in/code/", ours.EnterCode.as_view(), name="account_confirm_login_code"),
    path("sign-in/second-step/", mfa.authenticate, name="mfa_authenticate"),
    path("sign-in/passkey/", passkeys.login_webauthn, name="mfa_login_webauthn"),
    path("sign-out/", account.logout, name="account_logout"),
    path("closed/", account.account_inactive, name="account_inactive"),
    path("second-step/", mfa.index, name="mfa_index"),
    path("second-step/confirm/", mfa.reauthenticate, name="mfa_reauthenticate"),
    path(
        "second-step/confirm/passkey/",
        ours.ConfirmPasskey.as_view(),
        name="mfa_reauthenticate_webauthn",
    ),
    path("second-step/app/", ours.AddApp.as_view(), name="mfa_activate_totp"),
    path("second-step/app/remove/", ours.RemoveApp.as_view(), name="mfa_deactivate_totp"),
    path("second-step/passkeys/", passkeys.list_webauthn, name="mfa_list_webauthn"),
    path("second-step/passkeys/add/", ours.AddPasskey.as_view(), name="mfa_add_webauthn"),
    path(
        "second-step/passkeys/<int:pk>/remove/",
        ours.RemovePasskey.as_view(),
        name="mfa_remove_webauthn",
    ),
    path("second-step/passkeys/<int:pk>/name/", passkeys.edit_webauthn, name="mfa_edit_webauthn"),
    path("second-step/spare-codes/", spare.view_recovery_codes, name="mfa_view_recovery_codes"),
    path(
        "second-step/spare-codes/new/",
        spare.generate_recovery_codes,
        name="mfa_generate_recovery_codes",
    ),
    path(
        "second-step/spare-codes/file/",
        spare.download_recovery_codes,
        name="mfa_download_recovery_codes",
    ),
    path("sign-on/<slug:provider_id>/", ours.single_sign_on, name="openid_connect_login"),
    path(
        "sign-on/<slug:provider_id>/back/",
        openid_connect.callback,
        name="openid_connect_callback",
    ),
    path("sign-on-stopped/", social.login_cancelled, name="socialaccount_login_cancelled"),
    path("sign-on-failed/", social.login_error, name="socialaccount_login_error"),
]
