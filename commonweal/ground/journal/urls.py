"""Addresses of the journal."""

from django.urls import path

from commonweal.ground.journal import views

app_name = "journal"
urlpatterns = [
    path("records/", views.records, name="records"),
    path("records/download/", views.download, name="download"),
]
