"""Addresses of updates."""

from django.urls import path

from commonweal.spread.updates import views

app_name = "updates"
urlpatterns = [
    path("what-changed/", views.changes, name="changes"),
    path("challenges/<slug:slug>/follow/", views.follow, name="follow"),
    path("challenges/<slug:slug>/feed/", views.ChallengeFeed(), name="challenge_feed"),
    path("communities/<slug:slug>/feed/", views.StoryFeed(), name="feed"),
    path("me/mail/", views.pace, name="pace"),
    path("me/mail/votes/", views.votes, name="votes"),
    path("mail/<str:token>/", views.mail, name="mail"),
]
