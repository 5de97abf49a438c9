"""Addresses of voting."""

from django.urls import path

from commonweal.decide.ballots import views

app_name = "ballots"
urlpatterns = [
    path("money/<int:pot_id>/vote/", views.vote, name="vote"),
    path("money/<int:pot_id>/vote/guest/", views.guest, name="guest"),
    path("money/<int:pot_id>/vote/adopt/", views.adopt, name="adopt"),
    path("money/<int:pot_id>/vote/forget/", views.forget, name="forget"),
    path("money/<int:pot_id>/compare/", views.compare, name="compare"),
    path("money/<int:pot_id>/shortlist/", views.shortlist, name="shortlist"),
    path("money/<int:pot_id>/receipt/", views.receipt, name="receipt"),
]
