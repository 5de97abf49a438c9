"""Addresses of papers and calls."""

from django.urls import path

from commonweal.decide.paper import views

app_name = "paper"
urlpatterns = [
    path("money/<int:pot_id>/paper/", views.paper, name="paper"),
    path("desk/money/<int:pot_id>/paper/", views.batches, name="batches"),
    path("desk/money/<int:pot_id>/paper/new/", views.issue, name="issue"),
    path("desk/money/<int:pot_id>/telephone/", views.telephone, name="telephone"),
    path("desk/paper/<int:batch_id>/", views.batch, name="batch"),
    path("desk/paper/<int:batch_id>/papers.pdf", views.papers, name="papers"),
    path("desk/paper/<int:batch_id>/tally.pdf", views.tally_sheet, name="tally_sheet"),
    path("desk/paper/<int:batch_id>/returned/", views.returned, name="returned"),
    path("desk/paper/<int:batch_id>/slips/", views.check_in, name="check_in"),
    path("desk/paper/<int:batch_id>/aside/", views.set_aside, name="set_aside"),
    path("desk/paper/<int:batch_id>/open/", views.open_envelopes, name="open_envelopes"),
    path("desk/paper/<int:batch_id>/key/", views.key, name="key"),
    path("desk/paper/papers/<int:paper_id>/", views.resolve, name="resolve"),
    path("desk/paper/<int:batch_id>/accept/", views.accept, name="accept"),
    path("desk/paper/<int:batch_id>/lost/", views.lose, name="lose"),
]
