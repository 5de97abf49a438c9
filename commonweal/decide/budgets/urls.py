"""Addresses of budgets."""

from django.urls import path

from commonweal.decide.budgets import views

app_name = "budgets"
urlpatterns = [
    path("money/", views.pot_list, name="list"),
    path("money/<int:pot_id>/", views.pot, name="pot"),
    path("money/projects/<int:project_id>/", views.project, name="project"),
    path("desk/money/new/<slug:slug>/", views.set_up, name="set_up"),
    path("desk/money/<int:pot_id>/", views.check, name="check"),
    path("desk/money/<int:pot_id>/change/", views.change, name="change"),
    path("desk/money/<int:pot_id>/ideas/", views.choose, name="choose"),
    path("desk/money/<int:pot_id>/ideas/new/", views.add, name="add"),
    path("desk/money/projects/<int:project_id>/", views.change_project, name="change_project"),
    path("desk/money/projects/<int:project_id>/remove/", views.remove, name="remove"),
]
