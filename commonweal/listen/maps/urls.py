"""Addresses of maps."""

from django.urls import path

from commonweal.listen.maps import views

app_name = "maps"
urlpatterns = [
    path("listen/<int:conversation_id>/map/", views.map_page, name="map"),
    path("listen/<int:conversation_id>/map/statements/", views.statements, name="statements"),
    path("listen/<int:conversation_id>/map/people/", views.people, name="people"),
    path("listen/<int:conversation_id>/map.csv", views.table, name="table"),
]
