"""Addresses of hearings."""

from django.urls import path

from commonweal.listen.hearings import views

app_name = "hearings"
ONE = "hearings/<int:hearing_id>"
VERSION = f"{ONE}/versions/<int:version>"
COMMENT = "hearings/comments/<int:comment_id>"
urlpatterns = [
    path("hearings/", views.hearing_list, name="list"),
    path("hearings/new/", views.start, name="start"),
    path(f"{ONE}/", views.hearing, name="hearing"),
    path(f"{VERSION}/", views.one_version, name="version"),
    path(f"{VERSION}/changes/", views.changes, name="changes"),
    path(f"{VERSION}/original/", views.original, name="original"),
    path(f"{VERSION}/whole/", views.whole, name="whole"),
    path(f"{VERSION}/passages/<int:passage>/", views.one_passage, name="passage"),
    path(f"{ONE}/comments/", views.comments, name="comments"),
    path(f"{ONE}/adopt/", views.adopt, name="adopt"),
    path(f"{COMMENT}/", views.comment, name="comment"),
    path(f"{COMMENT}/agree/", views.agree, name="agree"),
    path(f"{COMMENT}/change/", views.change_comment, name="change_comment"),
    path(f"{COMMENT}/remove/", views.remove_comment, name="remove_comment"),
    path(f"{COMMENT}/report/", views.report, name="report"),
    path(f"{COMMENT}/hide/", views.hide, name="hide"),
    path(f"{COMMENT}/show/", views.show, name="show"),
    path(f"{COMMENT}/answer/", views.answer_comment, name="answer_comment"),
    path(f"{ONE}/results/", views.results, name="results"),
    path(f"{ONE}/results/comments/", views.comments_csv, name="comments_csv"),
    path(f"{ONE}/results/passages/", views.passages_csv, name="passages_csv"),
    path(f"{ONE}/results/json/", views.everything_json, name="everything_json"),
    path(f"{ONE}/results/print/", views.printed, name="printed"),
    path(f"{ONE}/basics/", views.basics, name="basics"),
    path(f"{ONE}/document/", views.document, name="document"),
    path(f"{ONE}/check/", views.check, name="check"),
    path(f"{ONE}/discard/", views.discard, name="discard"),
    path(f"{ONE}/enter/", views.enter, name="enter"),
    path(f"{ONE}/answering/", views.answering, name="answering"),
    path(f"{ONE}/conclude/", views.conclude, name="conclude"),
    path(f"{ONE}/withdraw/", views.withdraw, name="withdraw"),
    path(f"{ONE}/put-back/", views.put_back, name="put_back"),
    path(f"{ONE}/moderation/", views.moderation, name="moderation"),
    path(f"{ONE}/moderation/log/", views.moderation_log, name="moderation_log"),
    path("hearings/drafts/<int:passage_id>/", views.draft_passage, name="draft_passage"),
    path("hearings/drafts/<int:passage_id>/join/", views.join, name="join"),
    path("hearings/passages/<int:passage_id>/answer/", views.answer_passage, name="answer_passage"),
]
