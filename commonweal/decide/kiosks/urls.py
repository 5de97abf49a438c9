"""Addresses of kiosks."""

from django.urls import path

from commonweal.decide.kiosks import views

app_name = "kiosks"
urlpatterns = [
    path("desk/money/<int:pot_id>/kiosks/", views.devices, name="devices"),
    path("desk/money/<int:pot_id>/kiosks/let-in/", views.let_in, name="let_in"),
    path("desk/kiosks/<int:device_id>/revoke/", views.revoke, name="revoke"),
    path("kiosk/", views.kiosk, name="kiosk"),
    path("kiosk/open/", views.open_kiosk, name="open"),
    path("kiosk/vote/", views.vote, name="vote"),
    path("kiosk/done/", views.done, name="done"),
]
