"""Addresses of appraisals."""

from django.urls import path

from commonweal.propose.appraisals import views

app_name = "appraisals"
DESK = "desk/appraisals/<int:appraisal_id>/"
urlpatterns = [
    path("desk/appraisals/", views.desk, name="desk"),
    path("desk/appraisals/ideas/<int:proposal_id>/begin/", views.begin, name="begin"),
    path(DESK, views.check, name="check"),
    path(f"{DESK}costs/", views.costs, name="costs"),
    path(f"{DESK}findings/", views.findings, name="findings"),
    path(f"{DESK}words/", views.words, name="words"),
    path(f"{DESK}show/", views.show, name="show"),
    path(f"{DESK}take-back/", views.take_back, name="take_back"),
    path(f"{DESK}discard/", views.discard, name="discard"),
    path(f"{DESK}decide/", views.decide, name="decide"),
    path("ideas/<int:proposal_id>/appraisal/", views.appraisal, name="appraisal"),
    path("appraisals/<int:appraisal_id>/accept/", views.accept, name="accept"),
    path("appraisals/<int:appraisal_id>/appeal/", views.appeal, name="appeal"),
]
