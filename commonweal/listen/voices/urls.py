"""Addresses of taking part in a conversation."""

from django.urls import path

from commonweal.listen.voices import views

app_name = "voices"
urlpatterns = [
    path("listen/<int:conversation_id>/vote/", views.vote, name="vote"),
    path("listen/<int:conversation_id>/vote/report/<int:number>/", views.report, name="report"),
    path("listen/<int:conversation_id>/add/", views.add, name="add"),
    path("listen/<int:conversation_id>/mine/", views.mine, name="mine"),
    path(
        "listen/<int:conversation_id>/mine/take-back/<int:number>/",
        views.take_back,
        name="take_back",
    ),
    path("listen/<int:conversation_id>/about-you/", views.about_you, name="about_you"),
    path("listen/<int:conversation_id>/adopt/", views.adopt, name="adopt"),
    path("listen/<int:conversation_id>/forget/", views.forget, name="forget"),
]
