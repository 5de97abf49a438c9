"""Addresses of counts and results."""

from django.urls import path

from commonweal.decide.counts import views

app_name = "counts"
urlpatterns = [
    path("money/<int:pot_id>/result/", views.result, name="result"),
    path("money/<int:pot_id>/ballots.pb", views.ballots, name="ballots"),
    path("desk/money/<int:pot_id>/count/", views.count, name="count"),
]
