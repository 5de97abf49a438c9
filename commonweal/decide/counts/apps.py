"""The counts app."""

from django.apps import AppConfig


class CountsConfig(AppConfig):
    """Counting ballots and publishing what came of it."""

    name = "commonweal.decide.counts"
    label = "counts"
