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
    path("ideas/<int:proposal_id>/as-it-was/", views.as_it_was, name="as_it_was"),
    path("ideas/<int:proposal_id>/join/", views.join, name="join"),
    path("ideas/joining/<int:merge_id>/", views.merge, name="merge"),
    path("ideas/joining/<int:merge_id>/agree/", views.agree, name="agree"),
    path("ideas/joining/<int:merge_id>/unsay/", views.unsay, name="unsay"),
    path("ideas/joining/<int:merge_id>/refuse/", views.refuse, name="refuse"),
    path("ideas/joining/<int:merge_id>/drop/", views.drop, name="drop"),
    path("ideas/joining/<int:merge_id>/undo/", views.undo, name="undo"),
    path("ideas/<int:proposal_id>/hide/", views.hide, name="hide"),
    path("ideas/<int:proposal_id>/show/", views.show, name="show"),
    path("comments/<int:comment_id>/remove/", views.remove_comment, name="remove_comment"),
    path("comments/<int:comment_id>/hide/", views.hide_comment, name="hide_comment"),
    path("comments/<int:comment_id>/show/", views.show_comment, name="show_comment"),
]
