"""Addresses of conversations."""

from django.urls import path

from commonweal.listen.conversations import views

app_name = "conversations"
urlpatterns = [
    path("listen/", views.conversation_list, name="list"),
    path("listen/<int:conversation_id>/", views.conversation, name="conversation"),
    path("listen/<int:conversation_id>/statements/", views.statements, name="statements"),
    path(
        "listen/<int:conversation_id>/statements/<int:number>/", views.statement, name="statement"
    ),
]
