"""Addresses of conversations."""

from django.urls import path

from commonweal.listen.conversations import views

app_name = "conversations"
urlpatterns = [
    path("listen/", views.conversation_list, name="list"),
    path("listen/<int:conversation_id>/", views.conversation, name="conversation"),
    path("listen/<int:conversation_id>/poster/", views.poster, name="poster"),
    path("listen/<int:conversation_id>/answers/", views.answers, name="answers"),
    path("listen/<int:conversation_id>/statements/", views.statements, name="statements"),
    path(
        "listen/<int:conversation_id>/statements/<int:number>/", views.statement, name="statement"
    ),
    path("listen/preview/<str:token>/", views.preview, name="preview"),
    path("listen/new/", views.set_up, name="set_up"),
    path("listen/<int:conversation_id>/copy/", views.copy, name="copy"),
    path("listen/<int:conversation_id>/set-up/", views.check, name="check"),
    path("listen/<int:conversation_id>/set-up/public/", views.make_public, name="make_public"),
    path("listen/<int:conversation_id>/set-up/link/", views.renew_preview, name="renew_preview"),
    path("listen/<int:conversation_id>/set-up/extend/", views.extend, name="extend"),
    path("listen/<int:conversation_id>/set-up/close/", views.close, name="close"),
    path("listen/<int:conversation_id>/set-up/correct/", views.correct, name="correct"),
    path("listen/<int:conversation_id>/set-up/withdraw/", views.withdraw, name="withdraw"),
    path("listen/<int:conversation_id>/set-up/add/", views.add_by_staff, name="add_by_staff"),
    path(
        "listen/<int:conversation_id>/set-up/statements/<int:number>/",
        views.change_first,
        name="change_first",
    ),
    path(
        "listen/<int:conversation_id>/set-up/statements/<int:number>/remove/",
        views.remove_first,
        name="remove_first",
    ),
    path("listen/<int:conversation_id>/set-up/<slug:step>/", views.step, name="step"),
    path(
        "listen/<int:conversation_id>/statements/<int:number>/answer/", views.answer, name="answer"
    ),
]
