"""Every address of the site."""

from django.conf import settings
from django.urls import include, path

from commonweal.web.api import api, kiosk_api

urlpatterns = [
    # First: addresses are tried in this order, and nothing is asked for so often at once as to vote.
    path("", include("commonweal.listen.voices.urls")),
    path("", include("commonweal.decide.ballots.urls")),
    path("", include("commonweal.web.site_urls")),
    path("", include("commonweal.ground.people.urls")),
    path("", include("commonweal.ground.places.urls")),
    path("", include("commonweal.ground.directory.urls")),
    path("", include("commonweal.ground.challenges.urls")),
    path("", include("commonweal.ground.journal.urls")),
    path("", include("commonweal.listen.conversations.urls")),
    path("", include("commonweal.listen.surveys.urls")),
    path("", include("commonweal.listen.moderation.urls")),
    path("", include("commonweal.listen.maps.urls")),
    path("", include("commonweal.listen.reports.urls")),
    path("", include("commonweal.listen.hearings.urls")),
    path("", include("commonweal.propose.proposals.urls")),
    path("", include("commonweal.propose.appraisals.urls")),
    path("", include("commonweal.propose.origins.urls")),
    path("", include("commonweal.decide.budgets.urls")),
    path("", include("commonweal.decide.registers.urls")),
    path("", include("commonweal.decide.counts.urls")),
    path("", include("commonweal.decide.rehearsals.urls")),
    path("", include("commonweal.decide.paper.urls")),
    path("", include("commonweal.decide.kiosks.urls")),
    path("", include("commonweal.deliver.milestones.urls")),
    path("", include("commonweal.spread.updates.urls")),
    path("account/", include("commonweal.web.account_urls")),
    path("language/", include("django.conf.urls.i18n")),
    path("api/kiosk/", kiosk_api.urls),
    path("api/", api.urls),
]

if settings.DEMO:
    urlpatterns += [path("demo/", include("commonweal.web.demo_urls"))]

handler400 = "commonweal.web.views.bad_request"
handler403 = "commonweal.web.views.forbidden"
handler404 = "commonweal.web.views.not_found"
handler500 = "commonweal.web.views.failed"
