"""Addresses of moderation."""

from django.urls import path

from commonweal.listen.moderation import views

app_name = "moderation"
HERE = "listen/<int:conversation_id>"
urlpatterns = [
    path("desk/statements/", views.desk, name="desk"),
    path("desk/statements/undo/<uuid:batch>/", views.undo, name="undo"),
    path(f"{HERE}/moderate/", views.queue, name="queue"),
    path(f"{HERE}/moderate/log.csv", views.full_log, name="full_log"),
    path(f"{HERE}/moderate/reading/", views.reading, name="reading"),
    path(f"{HERE}/moderate/cases/", views.cases, name="cases"),
    path(f"{HERE}/moderate/cases/look/", views.look, name="look"),
    path(f"{HERE}/moderate/cases/<int:case_id>/", views.case, name="case"),
    path(f"{HERE}/moderate/appeals/<int:appeal_id>/", views.settle, name="settle"),
    path(f"{HERE}/moderate/<int:number>/", views.statement, name="statement"),
    path(f"{HERE}/moderate/<int:number>/merge/", views.merge, name="merge"),
    path(f"{HERE}/moderate/<int:number>/suggest/", views.suggest, name="suggest"),
    path(f"{HERE}/yours/", views.yours, name="yours"),
    path(f"{HERE}/yours/<int:number>/", views.change, name="change"),
    path(f"{HERE}/yours/<int:number>/object/", views.object_to, name="object"),
    path(f"{HERE}/yours/<int:number>/answer/", views.answer, name="answer"),
    path(f"{HERE}/moderation/", views.policy, name="policy"),
    path(f"{HERE}/moderation/log.csv", views.log, name="log"),
]
