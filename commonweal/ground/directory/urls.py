"""Addresses of directory."""

from django.urls import path

from commonweal.ground.directory import views

app_name = "directory"
urlpatterns = [
    path("services/", views.service_list, name="list"),
    path("services/new/", views.add, name="add"),
    path("services/<slug:slug>/", views.service, name="service"),
    path("services/<slug:slug>/change/", views.change, name="change"),
]
