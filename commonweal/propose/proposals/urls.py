"""Addresses of proposals."""

from django.urls import path

from commonweal.propose.proposals import views

app_name = "proposals"
urlpatterns = [
    path("ideas/", views.proposal_list, name="list"),
    path("ideas/<int:proposal_id>/", views.proposal, name="proposal"),
    path("challenges/<slug:slug>/ideas/new/", views.start, name="start"),
    path("ideas/<int:proposal_id>/edit/<slug:part>/", views.edit, name="edit"),
    path("ideas/<int:proposal_id>/check/", views.check, name="check"),
    path("ideas/<int:proposal_id>/publish/", views.publish, name="publish"),
    path("ideas/<int:proposal_id>/withdraw/", views.withdraw, name="withdraw"),
    path("ideas/<int:proposal_id>/sign/", views.sign, name="sign"),
    path("ideas/<int:proposal_id>/unsign/", views.unsign, name="unsign"),
    path("ideas/<int:proposal_id>/comments/", views.comment, name="comment"),
    path("ideas/<int:proposal_id>/hide/", views.hide, name="hide"),
    path("ideas/<int:proposal_id>/show/", views.show, name="show"),
    path("comments/<int:comment_id>/remove/", views.remove_comment, name="remove_comment"),
    path("comments/<int:comment_id>/hide/", views.hide_comment, name="hide_comment"),
    path("comments/<int:comment_id>/show/", views.show_comment, name="show_comment"),
]
