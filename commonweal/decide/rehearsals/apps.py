"""The rehearsals app."""

from django.apps import AppConfig


class RehearsalsConfig(AppConfig):
    """What each way of counting would have made of votes, before one is chosen."""

    name = "commonweal.decide.rehearsals"
    label = "rehearsals"
