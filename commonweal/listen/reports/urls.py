"""Addresses of reports, exports, and of what other sites show."""

from django.urls import path

from commonweal.listen.reports import views

app_name = "reports"
urlpatterns = [
    path("listen/<int:conversation_id>/report/", views.report, name="report"),
    path("listen/<int:conversation_id>/report/words/", views.words, name="words"),
    path("listen/<int:conversation_id>/report.pdf", views.report_pdf, name="report_pdf"),
    path("listen/<int:conversation_id>/export/", views.exports, name="exports"),
    path("listen/<int:conversation_id>/export/<str:name>", views.export, name="export"),
    path("listen/<int:conversation_id>/embed/", views.embed, name="embed"),
    path("listen/<int:conversation_id>/embed/code/", views.embed_code, name="embed_code"),
]
