"""Addresses of places."""

from django.urls import path

from commonweal.ground.places import views

app_name = "places"
urlpatterns = [
    path("communities/", views.community_list, name="list"),
    path("communities/near/", views.near, name="near"),
    path("communities/<slug:slug>/", views.community, name="community"),
    path("communities/<slug:slug>/join/", views.join, name="join"),
    path("communities/<slug:slug>/leave/", views.leave, name="leave"),
    path("communities/<slug:slug>/standing/", views.declare, name="declare"),
    path("communities/<slug:slug>/new/", views.add, name="add"),
    path("communities/<slug:slug>/change/", views.change, name="change"),
    path("communities/<slug:slug>/people/", views.people, name="people"),
    path("communities/<slug:slug>/people/roles/", views.roles, name="roles"),
    path("communities/<slug:slug>/people/<int:pk>/", views.verify, name="verify"),
    path("standings/<int:pk>/confirm/", views.confirm, name="confirm"),
    path("standings/<int:pk>/withdraw/", views.withdraw, name="withdraw"),
    path("roles/<int:pk>/withdraw/", views.withdraw_role, name="withdraw_role"),
    path("organisations/", views.organisation_list, name="organisations"),
    path("organisations/new/", views.add_organisation, name="add_organisation"),
    path("organisations/<slug:slug>/", views.organisation, name="organisation"),
    path(
        "organisations/<slug:slug>/change/", views.change_organisation, name="change_organisation"
    ),
    path("organisations/<slug:slug>/members/", views.members, name="members"),
    path("organisation-members/<int:pk>/remove/", views.remove_member, name="remove_member"),
]
