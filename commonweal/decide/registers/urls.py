"""Addresses of registers and voting codes."""

from django.urls import path

from commonweal.decide.registers import views

app_name = "registers"
POT = "desk/money/<int:pot_id>/codes/"
urlpatterns = [
    path("v/", views.enter, name="enter"),
    path("registers/<int:register_id>/", views.match, name="match"),
    path("desk/registers/", views.register_list, name="list"),
    path("desk/registers/new/", views.new_register, name="new"),
    path("desk/registers/<int:register_id>/", views.register, name="register"),
    path("desk/registers/<int:register_id>/renew/", views.renew, name="renew"),
    path("desk/registers/<int:register_id>/find/", views.find, name="find"),
    path("desk/registers/<int:register_id>/delete/", views.delete, name="delete"),
    path("desk/registers/entries/<int:entry_id>/release/", views.release, name="release"),
    path(POT, views.codes, name="codes"),
    path(f"{POT}sheets/", views.sheets, name="sheets"),
    path(f"{POT}letters/", views.letters, name="letters"),
    path(f"{POT}mails/", views.mails, name="mails"),
    path(f"{POT}hand-out/", views.hand_out, name="hand_out"),
    path(f"{POT}<int:batch_id>/cancel/", views.cancel, name="cancel"),
    path(f"{POT}<int:batch_id>/lost/", views.lost, name="lost"),
    path(f"{POT}<int:batch_id>/send/", views.send_rest, name="send_rest"),
]
