"""Addresses of challenges."""

from django.urls import path, register_converter
from django.urls.converters import IntConverter

from commonweal.ground.challenges import views


class RowConverter(IntConverter):
    """A row's number, no longer than the database can hold."""

    regex = "[0-9]{1,18}"


register_converter(RowConverter, "challenge_row")

app_name = "challenges"
urlpatterns = [
    path("challenges/", views.challenge_list, name="list"),
    path("challenges/<slug:slug>/", views.challenge, name="challenge"),
    path("desk/challenges/new/", views.start, name="start"),
    path("desk/challenges/<slug:slug>/", views.basics, name="basics"),
    path("desk/challenges/<slug:slug>/outcomes/", views.outcomes, name="outcomes"),
    path(
        "desk/challenges/<slug:slug>/outcomes/<challenge_row:number>/",
        views.outcome,
        name="outcome",
    ),
    path(
        "desk/challenges/<slug:slug>/outcomes/<challenge_row:number>/remove/",
        views.remove_outcome,
        name="remove_outcome",
    ),
    path("desk/challenges/<slug:slug>/dates/", views.dates, name="dates"),
    path("desk/challenges/<slug:slug>/money/", views.money, name="money"),
    path("desk/challenges/<slug:slug>/check/", views.check, name="check"),
]
