"""Addresses of the way from a statement to an idea or a challenge."""

from django.urls import path

from commonweal.propose.origins import views

app_name = "origins"
SAID = "listen/<int:conversation_id>/statements/<int:number>"
urlpatterns = [
    path(f"{SAID}/idea/", views.idea, name="idea"),
    path(f"{SAID}/challenge/", views.challenge, name="challenge"),
]
