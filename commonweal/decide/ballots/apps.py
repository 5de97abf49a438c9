"""The ballots app."""

from django.apps import AppConfig


class BallotsConfig(AppConfig):
    """Casting ballots, and the roll of who has."""

    name = "commonweal.decide.ballots"
    label = "ballots"
