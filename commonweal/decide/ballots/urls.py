"""Addresses of voting."""

from django.urls import path

from commonweal.decide.ballots import views

app_name = "ballots"
urlpatterns = [
    path("money/<int:pot_id>/vote/", views.vote, name="vote"),
    path("money/<int:pot_id>/receipt/", views.receipt, name="receipt"),
]
