"""Addresses of rehearsals."""

from django.urls import path

from commonweal.decide.rehearsals import views

app_name = "rehearsals"
urlpatterns = [path("desk/money/<int:pot_id>/compare-rules/", views.ask, name="ask")]
