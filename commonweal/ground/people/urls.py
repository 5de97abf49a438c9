"""Addresses of people: all of them show a person only to themselves."""

from django.urls import path

from commonweal.ground.people import views

app_name = "people"
urlpatterns = [
    path("me/", views.mine, name="mine"),
    path("me/welcome/", views.welcome, name="welcome"),
    path("me/profile/", views.profile, name="profile"),
    path("me/devices/", views.devices, name="devices"),
    path("me/devices/all/sign-out/", views.end_all_devices, name="end_all_devices"),
    path("me/devices/<int:pk>/sign-out/", views.end_device, name="end_device"),
    path("me/data/", views.data, name="data"),
    path("me/data/download/", views.download, name="download"),
    path("me/erase/", views.erase, name="erase"),
    path("goodbye/", views.erased, name="erased"),
    path("me/second-factor/", views.second_factor, name="second_factor"),
]
