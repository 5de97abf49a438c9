"""Settings: what the environment decides, and what it may not.

``COMMONWEAL_MODE`` is ``demo`` (an example borough on this machine only), ``test`` or
``production``. With a ``DATABASE_URL`` and no mode it is production, which refuses to guess secrets.
"""

import os
from pathlib import Path

from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy
from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from commonweal.kit.home import home
from commonweal.web import sign_on

HERE = Path(__file__).resolve().parent
DATABASE_URL = os.environ.get("DATABASE_URL", "")
MODE = os.environ.get("COMMONWEAL_MODE") or ("production" if DATABASE_URL else "demo")
if MODE not in {"demo", "test", "production"}:
    raise ImproperlyConfigured(f"COMMONWEAL_MODE is {MODE!r}: use demo, test or production.")
DEMO = MODE == "demo"
PRODUCTION = MODE == "production"
DEBUG = False


def _given(name: str, otherwise: str) -> str:
    """Return an environment setting; in production it has to be given."""
    value = os.environ.get(name, "")
    if not value and PRODUCTION:
        raise ImproperlyConfigured(f"{name} is not set. See docs/reference/settings.md.")
    return value or otherwise


def _number(name: str, text: str) -> int:
    if not text.isdecimal():
        raise ImproperlyConfigured(f"{name} needs a number where it says {text!r}.")
    return int(text)


SECRET_KEY = _given("COMMONWEAL_SECRET_KEY", "only-for-this-machine-" + "x" * 40)
# The demo answers on this machine's own names and no others, so it is no use on the internet.
ALLOWED_HOSTS = (
    [host.strip() for host in _given("COMMONWEAL_HOSTS", "").split(",") if host.strip()]
    if PRODUCTION
    else ["localhost", "127.0.0.1", "[::1]", ".localhost", "testserver"]
)
CSRF_TRUSTED_ORIGINS = [f"https://{host}" for host in ALLOWED_HOSTS] if PRODUCTION else []

INSTALLED_APPS = [
    "commonweal.ground.journal",
    "commonweal.ground.people",
    "commonweal.ground.places",
    "commonweal.ground.directory",
    "commonweal.ground.challenges",
    "commonweal.listen.conversations",
    "commonweal.listen.surveys",
    "commonweal.listen.voices",
    "commonweal.listen.moderation",
    "commonweal.listen.maps",
    "commonweal.listen.reports",
    "commonweal.listen.hearings",
    "commonweal.propose.proposals",
    "commonweal.propose.appraisals",
    "commonweal.propose.origins",
    "commonweal.decide.budgets",
    "commonweal.decide.registers",
    "commonweal.decide.ballots",
    "commonweal.decide.counts",
    "commonweal.decide.rehearsals",
    "commonweal.decide.paper",
    "commonweal.decide.kiosks",
    "commonweal.deliver.milestones",
    "commonweal.spread.updates",
    "commonweal.web",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "commonweal.web.apps.StaticConfig",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "django_htmx",
    "django.forms",
    "template_partials",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.usersessions",
    "procrastinate.contrib.django",
]
COMMONWEAL_LOOP = "commonweal.web.loop.LOOP"

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.http.ConditionalGetMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "commonweal.web.sessions.SignedIn",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "commonweal.web.middleware.ViewerMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
]
ROOT_URLCONF = "commonweal.web.urls"
WSGI_APPLICATION = "commonweal.web.wsgi.application"

LOADER = (
    "commonweal.web.folding.Loader",
    ["django.template.loaders.filesystem.Loader", "django.template.loaders.app_directories.Loader"],
)
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [HERE / "templates"],
        "OPTIONS": {
            "loaders": [("template_partials.loader.Loader", [LOADER])],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "csp.context_processors.nonce",
                "commonweal.web.context.page",
            ],
            "builtins": ["commonweal.web.templatetags.cw", "django.templatetags.i18n"],
        },
    }
]
FORM_RENDERER = "commonweal.web.forms.Renderer"

try:
    _connection = conninfo_to_dict(DATABASE_URL) if DATABASE_URL else {}
except ProgrammingError as mistake:
    raise ImproperlyConfigured(
        "DATABASE_URL is no address of a PostgreSQL: it looks like postgresql://user@host/name."
    ) from mistake
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": str(_connection.pop("dbname", "commonweal")),
        "USER": str(_connection.pop("user", "")),
        "PASSWORD": str(_connection.pop("password", "")),
        "HOST": str(_connection.pop("host", "")),
        "PORT": str(_connection.pop("port", "")),
        # Only statements whose values are sent apart from them are prepared: see kit/unwritten.py.
        "OPTIONS": {**_connection, "prepare_threshold": 5},
        "CONN_MAX_AGE": 300,
        "CONN_HEALTH_CHECKS": True,
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Rate limits must hold across processes, and there is no other store than PostgreSQL.
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "site_cache"}
}

AUTH_USER_MODEL = "people.Person"
AUTHENTICATION_BACKENDS = ["commonweal.web.sessions.Backend"]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "people:mine"
ACCOUNT_LOGOUT_REDIRECT_URL = "web:home"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_ADAPTER = "commonweal.web.accounts.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*"]
ACCOUNT_LOGIN_BY_CODE_ENABLED = True
ACCOUNT_LOGIN_BY_CODE_TIMEOUT = 15 * 60
ACCOUNT_LOGIN_BY_CODE_MAX_ATTEMPTS = 5
ACCOUNT_LOGIN_BY_CODE_SUPPORTS_RESEND = True
ACCOUNT_LOGIN_TIMEOUT = 45 * 60  # a code, another code, and then the second step
# Only a code by mail, or a provider that checked the address, ever makes an account.
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_UNIQUE_EMAIL = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""
ACCOUNT_RATE_LIMITS = {
    "request_login_code": "30/m/ip,3/m/key,15/h/key",
    # Tries that failed alone, by a hash of the network and by the person.
    "voting_code": "40/10m/key",
    "register_match": "10/d/key",
    "look_up_receipt": "30/m/ip",
    "hearing_guest": "30/15m/key",
    # Whoever answers surveys without an account: a library has many readers and one address.
    "survey_begin": "300/h/ip",
    "survey_send": "120/h/ip",
}
# How often one network may do in an hour what needs no account: a library has one address for all who
# sit there.
AN_HOUR_FROM_ONE_NETWORK = {
    "guest": _number(
        "COMMONWEAL_GUESTS_AN_HOUR", os.environ.get("COMMONWEAL_GUESTS_AN_HOUR") or "60"
    ),
    "statement": 60,
    "report": 60,
}
# How many of our own proxies stand before the site, each adding to X-Forwarded-For.
ALLAUTH_TRUSTED_PROXY_COUNT = _number(
    "COMMONWEAL_PROXIES", os.environ.get("COMMONWEAL_PROXIES") or ("1" if PRODUCTION else "0")
)
USERSESSIONS_TRACK_ACTIVITY = False
MFA_ADAPTER = "commonweal.web.accounts.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Commonweal"
MFA_TOTP_TOLERANCE = 1
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PRODUCTION
MFA_FORMS = {
    "authenticate": "commonweal.web.account_forms.SecondStepForm",
    "reauthenticate": "commonweal.web.account_forms.ConfirmForm",
    "activate_totp": "commonweal.web.account_forms.AppForm",
    "authenticate_webauthn": "commonweal.web.account_forms.PasskeyStepForm",
    "reauthenticate_webauthn": "commonweal.web.account_forms.PasskeyConfirmForm",
    "login_webauthn": "commonweal.web.account_forms.PasskeySignInForm",
    "add_webauthn": "commonweal.web.account_forms.PasskeyForm",
    "edit_webauthn": "commonweal.web.account_forms.PasskeyNameForm",
}
SOCIALACCOUNT_ADAPTER = "commonweal.web.accounts.SocialAdapter"
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": sign_on.providers(os.environ)}
}

EMAIL_HOST, _colon, _smtp_port = _given("COMMONWEAL_SMTP", "127.0.0.1:2525").rpartition(":")
EMAIL_PORT = _number("COMMONWEAL_SMTP, as host:port,", _smtp_port)
EMAIL_HOST_USER = os.environ.get("COMMONWEAL_SMTP_USER", "")
EMAIL_HOST_PASSWORD = os.environ.get("COMMONWEAL_SMTP_PASSWORD", "")
EMAIL_USE_TLS = os.environ.get("COMMONWEAL_SMTP_TLS", "yes" if PRODUCTION else "no") == "yes"
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = _given("COMMONWEAL_FROM", "Commonweal <hello@larkmere.example>")

LANGUAGE_CODE = "en-gb"
# A language joins this list, and the switch appears, when its catalogue is complete.
LANGUAGES = [("en-gb", gettext_lazy("English"))]
LOCALE_PATHS = [HERE / "locale"]
TIME_ZONE = "Europe/London"
USE_TZ = True

STATIC_URL = "/static/"
STATICFILES_FINDERS = ["django.contrib.staticfiles.finders.AppDirectoriesFinder"]
STATIC_ROOT = Path(os.environ.get("COMMONWEAL_STATIC") or home() / "static")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if MODE == "test"
        else "commonweal.web.storage.HashedStorage"
    },
}
WHITENOISE_USE_FINDERS = MODE == "test"

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF, *sign_on.origins(os.environ)],
        "frame-ancestors": [NONE],
    }
}
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
SESSION_ENGINE = "commonweal.web.sessions"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 14 * 24 * 3600
CSRF_COOKIE_HTTPONLY = True
# The mark of a browser in which somebody takes part without an account; set with what they say first.
BROWSER_COOKIE_NAME = "voice"
BROWSER_COOKIE_AGE = 30 * 24 * 3600
CSRF_FAILURE_VIEW = "commonweal.web.views.csrf_failure"
if PRODUCTION:
    SECURE_SSL_REDIRECT = True
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 365 * 24 * 3600
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True
    SECURE_HSTS_PRELOAD = True
    SESSION_COOKIE_SECURE = True
    CSRF_COOKIE_SECURE = True
    # By these names a browser takes them from this very site alone: no other site of the same council
    # can hand somebody a session that it knows, and then read what they vote in it.
    SESSION_COOKIE_NAME = "__Host-sessionid"
    CSRF_COOKIE_NAME = "__Host-csrftoken"
    BROWSER_COOKIE_NAME = "__Host-voice"
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_000_000
DATA_UPLOAD_MAX_NUMBER_FIELDS = 2_000

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "{asctime} {levelname} {name}: {message}", "style": "{"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {"procrastinate": {"level": "WARNING"}},
    "root": {"handlers": ["console"], "level": "WARNING" if MODE == "test" else "INFO"},
}
MAILBOX = home() / "mail"
SILENCED_SYSTEM_CHECKS: list[str] = []
