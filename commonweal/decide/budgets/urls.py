"""Addresses of budgets."""

from django.urls import path

from commonweal.decide.budgets import views

app_name = "budgets"
urlpatterns = [
    path("money/", views.pot_list, name="list"),
    path("money/<int:pot_id>/", views.pot, name="pot"),
    path("money/rounds/<int:round_id>/", views.round, name="round"),
    path("money/projects/<int:project_id>/", views.project, name="project"),
    path("money/projects/<int:project_id>/ask/", views.ask, name="ask"),
    path(
        "money/questions/<int:question_id>/remove/", views.remove_question, name="remove_question"
    ),
    path("money/pictures/<int:picture_id>.jpg", views.picture, name="picture"),
    path("money/preview/<str:token>/", views.preview, name="preview"),
    path(
        "money/preview/<str:token>/projects/<int:project_id>/",
        views.preview_project,
        name="preview_project",
    ),
    path("desk/money/quiet/", views.quiet, name="quiet"),
    path("desk/money/quiet/<int:period_id>/end/", views.end_quiet, name="end_quiet"),
    path("desk/money/new/<slug:slug>/", views.set_up, name="set_up"),
    path("desk/money/new/<slug:slug>/from/<int:pot_id>/", views.copy, name="copy"),
    path("desk/money/<int:pot_id>/", views.check, name="check"),
    path("desk/money/<int:pot_id>/set-up/<slug:step>/", views.step, name="step"),
    path("desk/money/<int:pot_id>/public/", views.make_public, name="make_public"),
    path("desk/money/<int:pot_id>/preview/", views.renew_preview, name="renew_preview"),
    path("desk/money/<int:pot_id>/extend/", views.extend, name="extend"),
    path("desk/money/<int:pot_id>/correct/", views.correct, name="correct"),
    path("desk/money/<int:pot_id>/withdraw/", views.withdraw, name="withdraw"),
    path("desk/money/<int:pot_id>/ideas/", views.choose, name="choose"),
    path("desk/money/<int:pot_id>/ideas/new/", views.add, name="add"),
    path("desk/money/projects/<int:project_id>/", views.change_project, name="change_project"),
    path("desk/money/projects/<int:project_id>/remove/", views.remove, name="remove"),
    path(
        "desk/money/projects/<int:project_id>/correct/",
        views.correct_project,
        name="correct_project",
    ),
    path("desk/money/projects/<int:project_id>/pictures/", views.add_picture, name="add_picture"),
    path(
        "desk/money/pictures/<int:picture_id>/remove/", views.remove_picture, name="remove_picture"
    ),
    path("desk/money/questions/<int:question_id>/", views.answer, name="answer"),
    path("desk/money/questions/<int:question_id>/hide/", views.hide_question, name="hide_question"),
    path("desk/money/questions/<int:question_id>/show/", views.show_question, name="show_question"),
]
