"""Addresses of deliveries."""

from django.urls import path

from commonweal.deliver.milestones import views

app_name = "milestones"
PROJECT = "money/projects/<int:project_id>/delivery"
urlpatterns = [
    path("money/delivery/", views.delivery_list, name="list"),
    path("money/<int:pot_id>/delivery/feed/", views.PotFeed(), name="feed"),
    path(f"{PROJECT}/", views.delivery, name="delivery"),
    path(f"{PROJECT}/tell/", views.tell, name="tell"),
    path(f"{PROJECT}/outcome/", views.outcome, name="outcome"),
    path(f"{PROJECT}/who/", views.who, name="who"),
    path(f"{PROJECT}/milestones/new/", views.plan, name="plan"),
    path("money/milestones/<int:milestone_id>/", views.change, name="change"),
    path("money/milestones/<int:milestone_id>/reached/", views.reach, name="reach"),
    path("money/milestones/<int:milestone_id>/drop/", views.drop, name="drop"),
    path("money/posts/<int:post_id>/correct/", views.correct, name="correct"),
    path("money/posts/<int:post_id>/hide/", views.hide, name="hide"),
    path("money/posts/<int:post_id>/show/", views.show, name="show"),
]
