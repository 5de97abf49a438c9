"""The same vote in a plain Django view, to show what the rest costs: settings, address and view.

It reads the session, checks the form's token and writes one row. ``benchmarks.ballots`` serves it
over the same database, with the same server, and under the same load.
"""

import secrets

from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseForbidden
from django.shortcuts import redirect
from django.urls import path

from commonweal.web.settings import *  # noqa: F403 (settings are made this way)

INSTALLED_APPS = ["commonweal.ground.people", "django.contrib.auth", "django.contrib.contenttypes"]
INSTALLED_APPS += ["django.contrib.sessions", "django.contrib.staticfiles"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
SESSION_ENGINE = "django.contrib.sessions.backends.db"
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
ROOT_URLCONF = "benchmarks.plain"


def vote(request: HttpRequest) -> HttpResponse:
    """Write down what was ticked, and hand out a receipt."""
    if not request.user.is_authenticated:
        return HttpResponseForbidden()
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    receipt = "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))
    chosen = [int(number) for number in request.POST.getlist("projects")]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO plain_vote (person_id, receipt, projects) VALUES (%s, %s, %s)"
            " ON CONFLICT (person_id) DO UPDATE SET projects = EXCLUDED.projects",
            [request.user.pk, receipt, chosen],
        )
    return redirect(f"/thanks/?receipt={receipt}")


urlpatterns = [path("vote/", vote)]
