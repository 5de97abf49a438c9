"""Addresses that exist in the demo only."""

from django.urls import path

from commonweal.web import demo_views

app_name = "demo"
urlpatterns = [
    path("be/<slug:key>/", demo_views.be, name="be"),
    path("mail/", demo_views.mail, name="mail"),
]
