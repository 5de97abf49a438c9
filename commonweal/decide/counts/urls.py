"""Addresses of counts and results."""

from django.urls import path

from commonweal.decide.counts import views

app_name = "counts"
urlpatterns = [
    path("money/<int:pot_id>/result/", views.result, name="result"),
    path("money/<int:pot_id>/check/", views.check, name="check"),
    path("money/<int:pot_id>/bundle.zip", views.bundle, name="bundle"),
    path("money/<int:pot_id>/ballots.pb", views.ballots, name="ballots"),
    path("money/<int:pot_id>/result.csv", views.table, name="table"),
    path("desk/money/<int:pot_id>/count/", views.count, name="count"),
]
